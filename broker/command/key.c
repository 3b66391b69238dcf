/*
 * kluis-broker key list, revoke.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "command/commands.h"
#include "command/identity.h"
#include "command/keyring.h"
#include "command/succession.h"
#include "kluis/table.h"

/* ---- list ---- */

static const struct table_column columns[] = {
	{"key", "key", TABLE_LEFT},
	{"file", "file", TABLE_LEFT},
	{"id", "id", TABLE_LEFT},
	{"standing", "standing", TABLE_LEFT},
};

static enum err add(struct table *table, const char *key, const char *file, const char *id, const char *standing)
{
	json_t *cells[] = {json_string(key), json_string(file), json_string(id), json_string(standing)};

	return table_add(table, cells);
}

static enum err add_logs(struct table *table, const char *folder, const struct trust *trust, struct fault *fault)
{
	char file[KEY_NAME_MAX], id[16];
	uint32_t number;

	for (size_t i = 0; i < trust->log_count; i++) {
		TRY(succession_log_number(folder, &trust->logs[i], &number, fault));
		key_file_name("log", number, ".key", file);
		snprintf(id, sizeof id, "%08x", trust->logs[i].id);
		TRY(add(table, "log", number == 0 ? "" : file, id, number == 0 ? "missing" : "signs checkpoints"));
	}
	return ERR_OK;
}

static enum err add_certificates(struct table *table, const char *folder, const struct trust *trust,
				 struct fault *fault)
{
	uint32_t numbers[KEY_NUMBERS_MAX], shown;
	char file[KEY_NAME_MAX];
	size_t count;
	struct bytes pem CLEANUP(bytes_fini) = {0};

	bytes_init(&pem, TLS_PEM_MAX);
	TRY(identity_number(folder, trust->certificates_pem, &shown, fault));
	TRY(key_file_numbers(folder, "tls", ".crt", numbers, &count, fault));
	for (size_t i = 0; i < count; i++) {
		TRY(identity_pem(folder, numbers[i], &pem, fault));
		bool is_trusted = strstr(trust->certificates_pem, (const char *)pem.data) != NULL;
		key_file_name("tls", numbers[i], ".crt", file);
		TRY(add(table, "certificate", file, "",
			numbers[i] == shown ? "shown" : (is_trusted ? "trusted, not shown yet" : "not in force")));
	}
	return ERR_OK;
}

static enum err add_masters(struct table *table, const char *folder, struct fault *fault)
{
	uint32_t numbers[KEY_NUMBERS_MAX];
	char file[KEY_NAME_MAX], epoch[16];
	size_t count;

	TRY(key_file_numbers(folder, "master", ".key", numbers, &count, fault));
	for (size_t i = 0; i < count; i++) {
		key_file_name("master", numbers[i], ".key", file);
		snprintf(epoch, sizeof epoch, "%" PRIu32, numbers[i]);
		TRY(add(table, "master", file, epoch, i + 1 == count ? "newest epoch" : "older: a rotation goes on"));
	}
	return ERR_OK;
}

static enum err list(struct office *office, const struct trust *trust, bool is_json, struct fault *fault)
{
	struct table *table CLEANUP(table_free) = table_new(columns, sizeof columns / sizeof columns[0]);

	if (table == NULL)
		return ERR_MEMORY;
	TRY(add_logs(table, office->folder, trust, fault));
	TRY(add_certificates(table, office->folder, trust, fault));
	TRY(add_masters(table, office->folder, fault));
	return table_print(table, stdout, is_json);
}

enum err command_key_list(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct settings *settings = target;
	struct office office CLEANUP(office_close) = {.lane_lock = -1};
	struct arena arena CLEANUP(arena_fini) = {0};

	(void)arguments;
	arena_init(&arena, 16 * PAPER_MAX);
	struct trust *trust = arena_alloc(&arena, sizeof *trust);
	if (trust == NULL)
		return ERR_MEMORY;
	TRY(office_open(&office, settings->data, fault));
	TRY(succession_read(&office, &arena, trust, fault));
	return list(&office, trust, settings->is_json, fault);
}

/* ---- revoke ---- */

/* "12", or a name as the log has it. */
static enum err name_of(const struct office *office, const char *who, char ret_name[static PRINCIPAL_MAX + 1],
			struct fault *fault)
{
	struct principal controller;
	uint64_t store;

	if (strchr(who, '/') != NULL) {
		if (strlen(who) > PRINCIPAL_MAX)
			return fault_set(fault, ERR_USAGE, "'%.40s...' is no principal's name", who);
		memcpy(ret_name, who, strlen(who) + 1);
		return ERR_OK;
	}
	TRY(command_number("STORE", who, 0, STORES_MAX - 1, &store, fault));
	TRY(principal_parse(slice_text(office->controller.public.name), &controller));
	return principal_store_name(controller.origin, (uint32_t)store, ret_name);
}

enum err command_key_revoke(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct settings *settings = target;
	struct office office CLEANUP(office_close) = {.lane_lock = -1};
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Revoke revoke = KLUIS__REVOKE__INIT;
	char name[PRINCIPAL_MAX + 1], reason[VALUE_MAX + 1] = "";

	if (settings->reason == NULL)
		return fault_set(fault, ERR_USAGE, "--reason is missing: it stands in the log, and must name nobody");
	if (snprintf(reason, sizeof reason, "%s", settings->reason) > VALUE_MAX)
		return fault_set(fault, ERR_USAGE, "--reason: longer than %d bytes", VALUE_MAX);
	TRY(office_open(&office, settings->data, fault));
	TRY(name_of(&office, arguments->items[0], name, fault));
	revoke.principal = name;
	revoke.reason = reason;
	operation.kind_case = KLUIS__OPERATION__KIND_REVOKE;
	operation.revoke = &revoke;
	TRY(office_call(&office, &operation, SLICE_EMPTY, NULL, fault));
	printf("the key of %s is taken no more; 'kluis-broker invite' lets it join again with another one\n", name);
	return ERR_OK;
}
