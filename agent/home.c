#include "home.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "anchor.h"
#include "kluis/file.h"
#include "kluis/ini.h"

#define CONFIG_MAX 8192

enum err home_path(const char *folder, const char *name, char ret_path[static HOME_PATH_MAX], struct fault *fault)
{
	int length = snprintf(ret_path, HOME_PATH_MAX, "%s/%s", folder, name);

	if (length < 0 || length >= HOME_PATH_MAX)
		return fault_set(fault, ERR_USAGE, "the path of the agent's folder is too long");
	return ERR_OK;
}

/* ---- agent.ini ---- */

static enum err take_text(void *target, const char *section, const char *key, char *value, struct arena *arena,
			  struct fault *fault)
{
	struct membership *membership = target;

	(void)section, (void)arena, (void)fault;
	if (strcmp(key, "origin") == 0)
		membership->origin = value;
	else if (strcmp(key, "principal") == 0)
		membership->principal = value;
	else
		membership->address = value;
	return ERR_OK;
}

static enum err take_key(void *target, const char *section, const char *key, char *value, struct arena *arena,
			 struct fault *fault)
{
	struct membership *membership = target;
	struct public_key *place = strcmp(key, "log") == 0 ? &membership->log : &membership->controller;

	(void)section, (void)arena;
	return public_key_parse(slice_text(value), place, fault);
}

static const struct ini_key membership_keys[] = {
	{"agent", "origin", true, take_text},	 {"agent", "principal", true, take_text},
	{"agent", "broker", true, take_text},	 {"agent", "log", true, take_key},
	{"agent", "controller", true, take_key},
};

static enum err take_trust(const char *folder, struct arena *arena, struct membership *membership, struct fault *fault)
{
	const struct trust *trust;

	TRY(anchor_read(folder, &membership->controller, arena, &trust, fault));
	if (trust != NULL) {
		membership->logs = trust->logs;
		membership->log_count = trust->log_count;
		membership->trust_version = trust->version;
		return ERR_OK;
	}
	struct public_key *invited = arena_alloc(arena, sizeof *invited);
	if (invited == NULL)
		return ERR_MEMORY;
	*invited = membership->log;
	membership->logs = invited;
	membership->log_count = 1;
	membership->trust_version = 0;
	return ERR_OK;
}

enum err membership_read(const char *folder, struct arena *arena, struct membership *ret_membership,
			 struct fault *fault)
{
	char path[HOME_PATH_MAX];
	struct bytes text CLEANUP(bytes_fini) = {0};

	bytes_init(&text, CONFIG_MAX);
	TRY(home_path(folder, "agent.ini", path, fault));
	TRY(file_read(path, &text, fault));
	TRY(ini_read(bytes_slice(&text), path, membership_keys, sizeof membership_keys / sizeof membership_keys[0],
		     ret_membership, arena, fault));
	return take_trust(folder, arena, ret_membership, fault);
}

static enum err append_key(struct bytes *text, const char *name, const struct public_key *key)
{
	TRY(bytes_printf(text, "%s = ", name));
	TRY(public_key_print(key, text));
	return bytes_append_u8(text, '\n');
}

enum err membership_write(const char *folder, const struct invitation *invitation, struct fault *fault)
{
	char path[HOME_PATH_MAX];
	struct bytes text CLEANUP(bytes_fini) = {0};

	bytes_init(&text, CONFIG_MAX);
	TRY(bytes_printf(
		&text,
		"; from the invitation that this agent joined by\n[agent]\norigin = %s\nprincipal = %s\nbroker = %s\n",
		invitation->origin, invitation->principal, invitation->address));
	TRY(append_key(&text, "log", &invitation->log));
	TRY(append_key(&text, "controller", &invitation->controller));
	TRY(home_path(folder, "broker.crt", path, fault));
	TRY(file_write(path, slice_text(invitation->certificate_pem), 0600, fault));
	TRY(home_path(folder, "agent.ini", path, fault));
	return file_write(path, bytes_slice(&text), 0600, fault);
}

/* ---- making a folder ---- */

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status, (void)kind, (void)place;
	return remove(path);
}

static enum err fill(const char *folder, const struct invitation *invitation, struct fault *fault)
{
	char path[HOME_PATH_MAX];
	struct secret_key key CLEANUP(secret_key_fini) = {0};
	struct store *store CLEANUP(store_close) = NULL;

	TRY(home_path(folder, "store.key", path, fault));
	TRY(secret_key_new(slice_text(invitation->principal), &key));
	TRY(secret_key_write(&key, path, fault));
	TRY(home_path(folder, "seal.key", path, fault));
	TRY(secret_bytes_create(path, fault));
	TRY(home_path(folder, "lanes", path, fault));
	TRY(folder_make(path, 0700, fault));
	TRY(home_path(folder, "db", path, fault));
	TRY(store_open(path, &replica_layout, true, &store, fault));
	return membership_write(folder, invitation, fault);
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

static enum err create_beside(const char *folder, const struct invitation *invitation, struct fault *fault)
{
	char made[HOME_PATH_MAX];

	int length = snprintf(made, sizeof made, "%s.new-XXXXXX", folder);
	if (length < 0 || (size_t)length >= sizeof made)
		return fault_set(fault, ERR_USAGE, "the path of the agent's folder is too long");
	if (mkdtemp(made) == NULL)
		return fault_set(fault, file_error(errno), "'%s' cannot be made: %s", folder, strerror(errno));
	enum err err = fill(made, invitation, fault);
	if (err == ERR_OK)
		err = move_to_place(made, folder, fault);
	if (err != ERR_OK)
		nftw(made, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return err;
}

/* An agent that never got an answer has used no lane for longer than one request. */
static enum err renew(const char *folder, const struct invitation *invitation, struct fault *fault)
{
	char path[HOME_PATH_MAX];
	struct arena arena CLEANUP(arena_fini) = {0};
	struct membership membership;

	arena_init(&arena, 16 * PAPER_MAX);
	TRY(membership_read(folder, &arena, &membership, fault));
	TRY(home_path(folder, "joined", path, fault));
	if (file_check_private(path, false, NULL) != ERR_NOT_FOUND)
		return fault_set(fault, ERR_EXISTS, "'%s' has joined already, as %s", folder, membership.principal);
	if (strcmp(membership.principal, invitation->principal) != 0)
		return fault_set(fault, ERR_EXISTS, "'%s' belongs to %s; give another folder", folder,
				 membership.principal);
	return membership_write(folder, invitation, fault);
}

enum err home_create(const char *folder, const struct invitation *invitation, struct fault *fault)
{
	char path[HOME_PATH_MAX];

	TRY(home_path(folder, "agent.ini", path, fault));
	if (file_check_private(path, false, NULL) == ERR_NOT_FOUND)
		return create_beside(folder, invitation, fault);
	TRY(file_check_private(folder, true, fault));
	return renew(folder, invitation, fault);
}
