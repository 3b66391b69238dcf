#include "command/commands.h"
#include "kluis/keys.h"

static const struct argp_option init_options[] = {
	OPTION_DATA,
	{"charter", SET_CHARTER, "FILE", 0, "The formula's charter, kluis-charter(5)", 0},
	{"listen", SET_LISTEN, "ADDRESS", 0, "Where to listen (default tls+tcp://127.0.0.1:7707)", 0},
	{"address", SET_ADDRESS, "ADDRESS", 0, "What invitations say (default: as --listen)", 0},
	OPTION_END};
static const struct argp_option plain_options[] = {OPTION_DATA, OPTION_END};
static const struct argp_option list_options[] = {OPTION_DATA, OPTION_JSON, OPTION_END};
static const struct argp_option holdings_options[] = {
	OPTION_DATA,
	{"due", SET_DUE, NULL, 0, "Only those that are to be purged, until the store certifies that they are", 0},
	OPTION_JSON,
	OPTION_END};
static const struct argp_option import_options[] = {
	OPTION_DATA,
	{"mapping", SET_MAPPING, "FILE", 0, "Which column is what", 0},
	{"rejects", SET_REJECTS, "FILE", 0, "Where rows that could not be taken are listed, by line and reason", 0},
	OPTION_JSON,
	OPTION_END};
static const struct argp_option invite_options[] = {
	OPTION_DATA,
	{"out", SET_OUT, "FILE", 0, "The invitation's file, made with mode 0600", 0},
	{"days", SET_DAYS, "NUMBER", 0, "Days until it expires (default 14)", 0},
	OPTION_END};
static const struct argp_option draft_options[] = {
	OPTION_DATA,
	{"template", SET_TEMPLATE, "FILE", 0, "An agreement with placeholders, kluis-agreement(5)", 0},
	{"values", SET_VALUES, "FILE", 0, "CSV file with one row a store; columns fill the placeholders", 0},
	{"key", SET_KEY, "COLUMN", 0, "The column with the store's number (default store_id)", 0},
	{"from", SET_FROM, "DATE", 0, "First day (default today)", 0},
	{"until", SET_UNTIL, "DATE", 0, "First day after (default in a year)", 0},
	OPTION_STORE,
	OPTION_ALL,
	OPTION_END};
static const struct argp_option sign_options[] = {OPTION_DATA, OPTION_STORE, OPTION_ALL, OPTION_END};
static const struct argp_option standing_options[] = {
	OPTION_DATA, {"reason", SET_REASON, "TEXT", 0, "Why; it stands in the log", 0}, OPTION_END};

static const struct argp_option rotate_options[] = {
	OPTION_DATA, {"finish", SET_FINISH, NULL, 0, "End the rotation: the new one alone from now on", 0}, OPTION_END};

static const struct argp_option show_options[] = {
	OPTION_DATA,
	{"field", SET_FIELD, "NAME", 0, "Look the customer up by this field; its value is a line of standard input", 0},
	{"purpose", SET_PURPOSE, "NAME", 0, "For which purpose of the charter", 0},
	OPTION_JSON,
	OPTION_END};
static const struct argp_option erase_options[] = {
	OPTION_DATA,
	{"ground", SET_GROUND, "LETTER", 0, "Why: a letter of GDPR art. 17(1), a to f; it stands in the log", 0},
	{"field", SET_FIELD, "NAME", 0, "Look the customer up by this field; its value is a line of standard input", 0},
	{"purpose", SET_PURPOSE, "NAME", 0, "With --field: for which purpose of the charter", 0},
	{"yes", SET_YES, NULL, 0, "Do not ask", 0},
	OPTION_END};

static const struct command commands[] = {
	{"init", NULL, 0, 0, "Make a broker's folder: keys, certificate, charter",
	 "Example: kluis-broker init --data /srv/kluis --charter charter.ini", init_options, command_init},
	{"serve", NULL, 0, 0, "Run the broker until SIGTERM", NULL, plain_options, command_serve},
	{"keys", NULL, 0, 0, "Print the public keys of log and controller, for auditors", NULL, list_options,
	 command_keys},
	{"charter update", "FILE", 1, 1, "Put a new version of the charter in force", NULL, plain_options,
	 command_charter},
	{"charter show", NULL, 0, 0, "Print the charter in force", NULL, plain_options, command_charter_show},
	{"store open", "STORE NAME COUNTRY", 3, 3, "Make a store known, or rename it", NULL, plain_options,
	 command_store_open},
	{"store list", NULL, 0, 0, "List stores and how they stand", NULL, list_options, command_store_list},
	{"import", "customers|receipts|stores FILE", 2, 2, "Take in a CSV file, plain or gzipped",
	 "A killed import goes on where it stopped; the same import again changes nothing.\n\n"
	 "Example: kluis-broker import customers members.csv --mapping customers.map",
	 import_options, command_import},
	{"agreement draft", NULL, 0, 0, "Draft agreements from a template", NULL, draft_options, command_draft},
	{"agreement sign", NULL, 0, 0, "Sign drafts and offer them to their stores", NULL, sign_options, command_sign},
	{"agreement show", "STORE", 1, 1, "Print a store's agreements with their signatures", NULL, plain_options,
	 command_show},
	{"agreement list", NULL, 0, 0, "List stores and their agreements", NULL, list_options, command_store_list},
	{"agreement suspend", "STORE", 1, 1, "Stop all disclosure to a store", NULL, standing_options, command_suspend},
	{"agreement resume", "STORE", 1, 1, "End a suspension", NULL, standing_options, command_resume},
	{"agreement terminate", "STORE", 1, 1, "End a store's agreement for good", NULL, standing_options,
	 command_terminate},
	{"invite", "store NUMBER | auditor NAME", 2, 2, "Write an invitation for a store or an auditor", NULL,
	 invite_options, command_invite},
	{"staff remove", "STORE EMPLOYEE", 2, 2, "Take an employee off a store's roster", NULL, plain_options,
	 command_staff_remove},
	{"key list", NULL, 0, 0, "List the broker's own keys and how they stand", NULL, list_options, command_key_list},
	{"key revoke", "STORE|PRINCIPAL", 1, 1, "Take a store's or an auditor's key no more, from now on",
	 "Example: kluis-broker key revoke 6 --reason \"till stolen\"", standing_options, command_key_revoke},
	{"key rotate-log", NULL, 0, 0, "Give the log another key", NULL, rotate_options, command_rotate_log},
	{"key rotate-certificate", NULL, 0, 0, "Give the broker another certificate", NULL, rotate_options,
	 command_rotate_certificate},
	{"key rotate-master", NULL, 0, 0, "Seal everything anew under another master key, and destroy the old one",
	 NULL, plain_options, command_rotate_master},
	{"customer show", NULL, 0, 0, "Look a customer up: the record, and values that lost against a later change",
	 "Example: echo 70000285084 | kluis-broker customer show --field card --purpose service", show_options,
	 command_customer_show},
	{"customer erase", "[CUSTOMER]", 0, 1, "Destroy what opens a customer's data, for good",
	 "CUSTOMER is a pseudonym.\n\n"
	 "Example: echo 70000285084 | kluis-broker customer erase --field card --purpose service --ground b --yes",
	 erase_options, command_customer_erase},
	{"customer erasures", NULL, 0, 0, "List erasures, and which stores have not certified them", NULL, list_options,
	 command_customer_erasures},
	{"totals", NULL, 0, 0, "Sum up receipts by year and store", NULL, list_options, command_totals},
	{"holdings", NULL, 0, 0, "List the copies that stores hold", NULL, holdings_options, command_holdings},
	{"findings", NULL, 0, 0, "List what was odd about stores' requests and journals", NULL, list_options,
	 command_findings},
	{"incidents", NULL, 0, 0, "List what stores reported as incidents", NULL, list_options, command_incidents},
	{"requests", NULL, 0, 0, "List what data subjects asked for in stores", NULL, list_options, command_requests},
};

int main(int argc, char **argv)
{
	struct settings settings;
	const struct program program = {
		.name = "kluis-broker",
		.summary =
			"kluis-broker keeps a formula's customer records and gives stores what their agreements grant.",
		.manual = "kluis-broker(8)",
		.commands = commands,
		.command_count = sizeof commands / sizeof commands[0],
		.settings = &settings,
		.take = settings_take,
	};

	settings_init(&settings);
	if (keys_init() != ERR_OK)
		return error_exit_status(ERR_CRYPTO);
	return command_main(&program, argc, argv);
}
