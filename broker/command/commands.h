/* The commands of kluis-broker, one function a row of the table in main.c. */
#ifndef KLUIS_BROKER_COMMANDS_H
#define KLUIS_BROKER_COMMANDS_H

#include "command/settings.h"

typedef enum err command_fn(void *settings, const struct command_arguments *arguments, struct fault *fault);

command_fn command_init, command_serve, command_keys, command_charter, command_charter_show, command_store_list,
	command_store_open, command_import, command_invite, command_draft, command_sign, command_show, command_suspend,
	command_resume, command_terminate, command_staff_remove, command_totals, command_holdings, command_findings,
	command_incidents, command_requests;

command_fn command_key_list, command_key_revoke, command_rotate_log, command_rotate_certificate, command_rotate_master;

command_fn command_customer_show, command_customer_erase, command_customer_erasures;

#endif
