#include <stdlib.h>

#include "command/options.h"
#include "kluis/keys.h"
#include "wiped_json.h"

#define DEFAULT_DATA "/var/lib/kluis-agent"

static const struct argp_option plain_options[] = {OPTION_DATA, OPTION_END};
static const struct argp_option list_options[] = {OPTION_DATA, OPTION_JSON, OPTION_END};
static const struct argp_option sign_options[] = {
	OPTION_DATA, {"yes", SET_YES, NULL, 0, "Sign without asking: somebody has read it", 0}, OPTION_END};
static const struct argp_option sync_options[] = {
	OPTION_DATA,
	{"anew", SET_ANEW, NULL, 0, "Make the copy anew instead of asking what changed", 0},
	OPTION_JSON,
	OPTION_END};
static const struct argp_option copy_options[] = {OPTION_DATA, OPTION_PURPOSE, OPTION_END};
static const struct argp_option lookup_options[] = {OPTION_DATA,     OPTION_PURPOSE, OPTION_EMPLOYEE,
						    OPTION_PIN_FILE, OPTION_JSON,    OPTION_END};
static const struct argp_option receipt_options[] = {OPTION_DATA, OPTION_PURPOSE, OPTION_EMPLOYEE, OPTION_PIN_FILE,
						     OPTION_END};
static const struct argp_option consent_options[] = {
	OPTION_DATA,	 OPTION_PURPOSE,  {"to", SET_TO, "NAME", 0, "The purpose that is consented to", 0},
	OPTION_EMPLOYEE, OPTION_PIN_FILE, OPTION_END};
static const struct argp_option request_options[] = {OPTION_DATA, OPTION_EMPLOYEE, OPTION_PIN_FILE, OPTION_END};
static const struct argp_option incident_options[] = {
	OPTION_DATA,
	OPTION_EMPLOYEE,
	OPTION_PIN_FILE,
	{"since", SET_SINCE, "TIME", 0, "When it began, if it is known: 2026-11-22T14:30Z", 0},
	OPTION_END};
static const struct argp_option staff_options[] = {
	OPTION_DATA, {"role", SET_ROLE, "NAME", 0, "One of the charter's roles", 0}, OPTION_END};

static const struct command commands[] = {
	{"join", "INVITATION", 1, 1, "Join a formula by head office's invitation",
	 "Makes the store's own key, which never leaves this machine. May be run again until it has succeeded.",
	 plain_options, agent_command_join},
	{"run", NULL, 0, 0, "Run as the store's daemon: keep the copy, serve the tills, deliver what waits",
	 "Reads FOLDER/run.ini if it is there, see kluis-agent-run.ini(5). Stops on SIGTERM.", plain_options,
	 agent_command_run},
	{"agreement show", NULL, 0, 0, "Print the agreement that head office offers or that is in force", NULL,
	 plain_options, agent_command_agreement_show},
	{"agreement sign", NULL, 0, 0, "Sign the agreement that is offered", NULL, sign_options,
	 agent_command_agreement_sign},
	{"sync", NULL, 0, 0, "Bring the store's copy up to date", "An interrupted sync goes on where it stopped.",
	 sync_options, agent_command_sync},
	{"copy", NULL, 0, 0, "Open the store's copy and print it, a JSON object a line", NULL, copy_options,
	 agent_command_copy},
	{"lookup", "FIELD", 1, 1, "Ask who a customer is: the running agent, else the broker",
	 "The value (card number, telephone ...) is read from standard input, one line, so that no other user of the "
	 "machine sees it.\n\nExample: kluis-agent lookup card --purpose service --employee till-1",
	 lookup_options, agent_command_lookup},
	{"receipt", NULL, 0, 0, "Ring up one receipt, as JSON on standard input",
	 "Example: {\"customer\": {\"field\": \"card\", \"value\": \"1001\"}, \"day\": \"2024-05-17\", "
	 "\"lines\": [{\"product\": \"7\", \"units\": \"1\", \"amount\": \"2.50\"}]}",
	 receipt_options, agent_command_receipt},
	{"register", NULL, 0, 0, "Register a member, as lines FIELD=VALUE on standard input",
	 "Prints the member's pseudonym, by which changes and consents name it. Needs the running agent.\n\n"
	 "Example: printf 'card=1001\\nname=Ann Invented\\n' | kluis-agent register --purpose service --employee anna",
	 receipt_options, agent_command_register},
	{"change", "MEMBER", 1, 1, "Change a member's values, as lines FIELD=VALUE on standard input",
	 "MEMBER is the pseudonym that lookup and register print. FIELD= alone clears it. Needs the running agent.",
	 receipt_options, agent_command_change},
	{"consent", "MEMBER STATUS", 2, 2, "Record that a member gave or withdrew consent",
	 "STATUS is given, withdrawn or another of DPV's consent statuses. Needs the running agent.", consent_options,
	 agent_command_consent},
	{"request", "RIGHT [MEMBER]", 1, 2, "Hand on what a data subject asks, in words on standard input",
	 "RIGHT is access, rectification, erasure, restriction, portability or objection. Needs the running agent.",
	 request_options, agent_command_request},
	{"incident", "KIND", 1, 1, "Report an incident to head office, in words on standard input",
	 "KIND is loss, theft, unauthorised-access, wrong-recipient, tampering or other. Needs the running agent.",
	 incident_options, agent_command_incident},
	{"staff add", "HANDLE", 1, 1,
	 "Put an employee on the roster, or change the role; the name is read from standard input", NULL, staff_options,
	 agent_command_staff_add},
	{"staff pin", "HANDLE", 1, 1, "Set the PIN that an employee signs in with at the till",
	 "It is typed twice and not shown, or read as one line of standard input. Forgets wrong tries, so it unlocks "
	 "too.",
	 plain_options, agent_command_staff_pin},
	{"staff list", NULL, 0, 0, "List the roster", NULL, list_options, agent_command_staff_list},
	{"staff remove", "HANDLE", 1, 1, "Take an employee off the roster", NULL, plain_options,
	 agent_command_staff_remove},
	{"status", NULL, 0, 0, "Say who this is, under which agreement, and what the copy holds", NULL, list_options,
	 agent_command_status},
	{"alarms", NULL, 0, 0, "List what must not be missed and nobody has seen yet", NULL, list_options,
	 agent_command_alarms},
	{"alarms seen", "NUMBER", 1, 1, "Say that a person has looked into an alarm", NULL, plain_options,
	 agent_command_alarms_seen},
	{"outbox list", NULL, 0, 0, "List what waits for the broker, and what it refused, with the reason", NULL,
	 list_options, agent_command_outbox_list},
	{"outbox retry", "NUMBER", 1, 1, "Let a refused item wait for delivery again", NULL, plain_options,
	 agent_command_outbox_retry},
	{"outbox discard", "NUMBER", 1, 1, "Throw a refused item away for good", NULL, plain_options,
	 agent_command_outbox_discard},
	{"prove", "INDEX", 1, 1, "Print the proof (tlog-proof) that one of this store's entries is in the log", NULL,
	 plain_options, agent_command_prove},
	{"key rotate", NULL, 0, 0, "Sign with another key from now on",
	 "Head office enters it in the log, signed by the old key. The running daemon does it and goes on; without "
	 "one, run it again if it was cut off.",
	 plain_options, agent_command_key_rotate},
	{"trust", NULL, 0, 0, "Fetch and verify which keys and certificates the broker has now", NULL, plain_options,
	 agent_command_trust},
};

int main(int argc, char **argv)
{
	const char *data = getenv("KLUIS_AGENT_DATA");
	struct agent_options settings = {.data = data != NULL ? data : DEFAULT_DATA};
	const struct program program = {
		.name = "kluis-agent",
		.summary = "kluis-agent gives a store what its agreement grants, and signs for every access.",
		.manual = "kluis-agent(8)",
		.commands = commands,
		.command_count = sizeof commands / sizeof commands[0],
		.settings = &settings,
		.take = agent_options_take,
	};

	wiped_json_begin();
	if (keys_init() != ERR_OK)
		return error_exit_status(ERR_CRYPTO);
	return command_main(&program, argc, argv);
}
