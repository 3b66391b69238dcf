/*
 * Options of kluis-agent's commands.
 */
#ifndef KLUIS_AGENT_OPTIONS_H
#define KLUIS_AGENT_OPTIONS_H

#include <stdbool.h>

#include "kluis/command.h"

struct agent_options {
	const char *data; /* the agent's folder */
	const char *purpose;
	const char *employee; /* handle */
	const char *role;
	const char *pin_file; /* NULL: the terminal is asked */
	const char *to;	      /* the purpose that is consented to */
	const char *since;    /* of an incident */
	bool is_json;
	bool is_yes;
	bool is_anew;
};

enum agent_option_key {
	SET_DATA = 0x100,
	SET_PURPOSE,
	SET_EMPLOYEE,
	SET_ROLE,
	SET_PIN_FILE,
	SET_TO,
	SET_SINCE,
	SET_JSON,
	SET_YES,
	SET_ANEW
};

#define OPTION_DATA                                                                                                    \
	{                                                                                                              \
		"data", SET_DATA, "FOLDER", 0,                                                                         \
			"The agent's folder (default $KLUIS_AGENT_DATA, else /var/lib/kluis-agent)", 0                 \
	}
#define OPTION_JSON                                                                                                    \
	{                                                                                                              \
		"json", SET_JSON, NULL, 0, "Print JSON for machines", 0                                                \
	}
#define OPTION_PURPOSE                                                                                                 \
	{                                                                                                              \
		"purpose", SET_PURPOSE, "NAME", 0, "The charter's purpose that it is for", 0                           \
	}
#define OPTION_EMPLOYEE                                                                                                \
	{                                                                                                              \
		"employee", SET_EMPLOYEE, "HANDLE", 0, "Who asks, by the handle on the roster", 0                      \
	}
#define OPTION_PIN_FILE                                                                                                \
	{                                                                                                              \
		"pin-file", SET_PIN_FILE, "FILE", 0,                                                                   \
			"Take the employee's PIN from the first line of a file of mode 0600; else it is asked for", 0  \
	}
#define OPTION_END                                                                                                     \
	{                                                                                                              \
		0                                                                                                      \
	}

/* The take function of struct program. */
enum err agent_options_take(void *settings, int key, const char *value, struct fault *fault) MUST_USE;

typedef enum err agent_command_fn(void *settings, const struct command_arguments *arguments, struct fault *fault);
agent_command_fn agent_command_run, agent_command_alarms, agent_command_alarms_seen, agent_command_outbox_list,
	agent_command_outbox_retry, agent_command_outbox_discard, agent_command_join, agent_command_agreement_show,
	agent_command_agreement_sign, agent_command_sync, agent_command_copy, agent_command_lookup,
	agent_command_receipt, agent_command_staff_add, agent_command_staff_list, agent_command_staff_remove,
	agent_command_staff_pin, agent_command_status, agent_command_prove, agent_command_key_rotate,
	agent_command_trust, agent_command_register, agent_command_change, agent_command_consent, agent_command_request,
	agent_command_incident;

#endif
