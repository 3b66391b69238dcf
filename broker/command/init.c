/*
 * kluis-broker init: makes the folder beside its place, with everything in
 * it and the charter as the log's first entry, and moves it there whole.
 */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/commands.h"
#include "command/local.h"
#include "kluis/clock.h"
#include "kluis/file.h"
#include "server/tls.h"

#define DEFAULT_LISTEN "tls+tcp://127.0.0.1:7707"

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status, (void)kind, (void)place;
	return remove(path);
}

static void remove_tree(const char *folder)
{
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static enum err make_key(const char *folder, const char *file, const char *origin, const char *role,
			 struct secret_key *ret_key, struct fault *fault)
{
	char name[PRINCIPAL_MAX + 1], path[FOLDER_PATH_MAX];

	snprintf(name, sizeof name, "%s/%s", origin, role);
	TRY(folder_path(folder, file, path, fault));
	TRY(secret_key_new(slice_text(name), ret_key));
	return secret_key_write(ret_key, path, fault);
}

static enum err make_secrets(const char *folder, const char *origin, struct fault *fault)
{
	char path[FOLDER_PATH_MAX], key_path[FOLDER_PATH_MAX];
	struct secret_key controller CLEANUP(secret_key_fini) = {0};
	struct secret_key log CLEANUP(secret_key_fini) = {0};

	TRY(make_key(folder, "controller.key", origin, "controller", &controller, fault));
	TRY(make_key(folder, "log.key", origin, "log", &log, fault));
	TRY(folder_path(folder, "master.key", path, fault));
	TRY(secret_bytes_create(path, fault));
	TRY(folder_path(folder, "tls.crt", path, fault));
	TRY(folder_path(folder, "tls.key", key_path, fault));
	return tls_create(path, key_path, clock_now_ms(), fault);
}

static enum err make_config(const char *folder, const struct settings *settings, struct fault *fault)
{
	struct folder_config config = {"", "", WITNESS_INTERVAL_MS};
	const char *listen = settings->listen != NULL ? settings->listen : DEFAULT_LISTEN;
	const char *address = settings->address != NULL ? settings->address : listen;

	if (strlen(listen) >= ADDRESS_MAX || strlen(address) >= ADDRESS_MAX)
		return fault_set(fault, ERR_USAGE, "an address is longer than %d characters", ADDRESS_MAX - 1);
	memcpy(config.listen, listen, strlen(listen) + 1);
	memcpy(config.address, address, strlen(address) + 1);
	return folder_config_write(folder, &config, fault);
}

/* The log's first entry (FORMAT.md R49), through the same pipeline as everything after it. */
static enum err enter_charter(const char *folder, struct slice text, struct fault *fault)
{
	struct local local;
	struct bytes note CLEANUP(bytes_fini) = {0};
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Charter charter = KLUIS__CHARTER__INIT;
	uint8_t hash[HASH_SIZE];

	bytes_init(&note, PAPER_MAX);
	TRY(local_open(&local, folder, true, fault));
	const struct secret_key *keys[] = {&local.keys.controller};
	enum err err = note_sign(text, keys, 1, &note);
	sha256(text, hash);
	charter.hash = wire_data(SLICE_ARRAY(hash));
	operation.kind_case = KLUIS__OPERATION__KIND_CHARTER;
	operation.charter = &charter;
	if (err == ERR_OK)
		err = local_call(&local, &operation, bytes_slice(&note), fault);
	local_close(&local);
	return err;
}

static enum err fill(const char *folder, const struct settings *settings, struct slice text, const char *origin,
		     struct fault *fault)
{
	TRY(make_secrets(folder, origin, fault));
	TRY(make_config(folder, settings, fault));
	return enter_charter(folder, text, fault);
}

/* rename takes the place of an empty folder, and of nothing else. */
static enum err move_to_place(const char *made, const char *folder, struct fault *fault)
{
	if (rename(made, folder) == 0)
		return ERR_OK;
	if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR)
		return fault_set(fault, ERR_EXISTS, "'%s' is there already and not empty; nothing was changed", folder);
	return fault_set(fault, file_error(errno), "'%s': %s", folder, strerror(errno));
}

static enum err check_place(const char *folder, struct fault *fault)
{
	if (rmdir(folder) == 0 || errno == ENOENT)
		return ERR_OK;
	if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR)
		return fault_set(fault, ERR_EXISTS, "'%s' is there already and not empty; nothing was changed", folder);
	return fault_set(fault, file_error(errno), "'%s': %s", folder, strerror(errno));
}

static enum err make(const struct settings *settings, struct slice text, const char *origin, struct fault *fault)
{
	char made[FOLDER_PATH_MAX];

	TRY(check_place(settings->data, fault));
	int length = snprintf(made, sizeof made, "%s.new-XXXXXX", settings->data);
	if (length < 0 || (size_t)length >= sizeof made)
		return fault_set(fault, ERR_USAGE, "--data: the path is too long");
	if (mkdtemp(made) == NULL) /* mode 0700 */
		return fault_set(fault, file_error(errno), "'%s' cannot be made: %s", settings->data, strerror(errno));
	enum err err = fill(made, settings, text, origin, fault);
	if (err == ERR_OK)
		err = move_to_place(made, settings->data, fault);
	if (err != ERR_OK)
		remove_tree(made);
	return err;
}

static void say_next(const struct settings *settings, const struct charter *charter)
{
	printf("made '%s' for %s: charter version %s with %zu fields and %zu purposes is entry 0 of the log\n",
	       settings->data, charter->origin, charter->version, charter->field_count, charter->purpose_count);
	printf("next: kluis-broker serve --data %s\n", settings->data);
}

enum err command_init(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct settings *settings = target;
	struct bytes text CLEANUP(bytes_fini) = {0};
	struct arena arena CLEANUP(arena_fini) = {0};

	(void)arguments;
	if (settings->charter == NULL)
		return fault_set(fault, ERR_USAGE,
				 "say which charter: --charter FILE; see kluis-charter(5) for one to begin with");
	bytes_init(&text, PAPER_MAX / 2);
	arena_init(&arena, 4 * PAPER_MAX);
	struct charter *charter = arena_alloc(&arena, sizeof *charter);
	if (charter == NULL)
		return ERR_MEMORY;
	TRY(file_read(settings->charter, &text, fault));
	TRY(charter_parse(bytes_slice(&text), settings->charter, &arena, charter, fault));
	TRY(make(settings, bytes_slice(&text), charter->origin, fault));
	say_next(settings, charter);
	return ERR_OK;
}
