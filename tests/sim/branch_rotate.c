/*
 * A store's key replaced (agent/rotate.c, FORMAT.md R140), as the daemon does it: the lanes' answers are got first, and
 * while it is not known which key the broker takes, nothing is signed. rotate.c works on files, so for as long as it is
 * at it the lanes lie in a folder, and the machine dies between its steps there as it does elsewhere.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "branch.h"
#include "kluis/file.h"
#include "rotate.h"

/* ---- the folder's disk ---- */

static struct branch *writing; /* whose files are written now */

void branch_writes(struct branch *branch)
{
	writing = branch;
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to);
int __wrap_fsync(int descriptor);

static int give_name(int (*call)(const char *from, const char *to), const char *from, const char *to)
{
	enum branch_fate fate = writing == NULL ? FATE_WRITTEN : branch_fate(writing);

	if (writing != NULL && writing->is_full)
		errno = ENOSPC;
	else if (fate == FATE_LOST)
		errno = EIO;
	else if (call(from, to) == 0 && fate == FATE_WRITTEN)
		return 0;
	else if (fate == FATE_UNHEARD)
		errno = EIO;
	return -1;
}

int __wrap_rename(const char *from, const char *to)
{
	return give_name(__real_rename, from, to);
}

int __wrap_link(const char *from, const char *to)
{
	return give_name(__real_link, from, to);
}

/* A simulated machine's files need not survive this one's power cut. */
int __wrap_fsync(int descriptor)
{
	(void)descriptor;
	return 0;
}

static const char *path_of(const struct branch *branch, const char *name)
{
	struct franchise *formula = branch->all->formula;
	const char *path = arena_printf(&formula->arena, "%s/%s%s", formula->folder, branch->folder, name);

	branch_must(branch->all, path == NULL ? ERR_MEMORY : ERR_OK, "path");
	return path;
}

static bool is_open(const struct branch *branch)
{
	return rotate_is_open(path_of(branch, ""));
}

/* ---- to the folder and back ---- */

static void put_files(struct branch *branch)
{
	struct session_memory memory = session_files(path_of(branch, "/lanes"));
	struct fault fault = {""};

	branch_must(branch->all, folder_make(path_of(branch, ""), 0700, &fault), fault.text);
	branch_must(branch->all, folder_make(path_of(branch, "/lanes"), 0700, &fault), fault.text);
	for (uint32_t lane = 0; lane < BRANCH_LANES; lane++)
		if (branch->lanes[lane].is_there)
			branch_must(branch->all,
				    memory.save(memory.context, lane, bytes_slice(&branch->lanes[lane].bytes)), "lane");
	if (access(path_of(branch, "/store.key"), F_OK) != 0)
		branch_must(branch->all, secret_key_write(&branch->party->key, path_of(branch, "/store.key"), &fault),
			    fault.text);
}

static void get_lanes(struct branch *branch)
{
	struct session_memory memory = session_files(path_of(branch, "/lanes"));

	for (uint32_t lane = 0; lane < BRANCH_LANES; lane++) {
		struct branch_file *file = &branch->lanes[lane];
		bytes_clear(&file->bytes);
		enum err err = memory.load(memory.context, lane, &file->bytes);
		file->is_there = err == ERR_OK;
		branch_must(branch->all, err == ERR_NOT_FOUND ? ERR_OK : err, "lane");
	}
}

static void get_key(struct branch *branch)
{
	struct secret_key *key = &branch->party->key;
	struct fault fault = {""};

	secret_key_fini(key);
	branch_must(branch->all, secret_key_read(path_of(branch, "/store.key"), key, &fault), fault.text);
}

/* The keys that an agreement may be signed by. */
static void get_signers(struct branch *branch)
{
	struct branches *all = branch->all;
	struct public_key *retired;
	struct fault fault = {""};
	size_t count;

	branch_must(all, rotate_retired(path_of(branch, ""), &all->arena, &retired, &count, &fault), fault.text);
	if (count >= BRANCH_SIGNERS)
		branch_fail(all, "sim", "%s has %zu keys", branch->folder, count + 1);
	branch->signers[0] = branch->party->key.public;
	for (size_t i = 0; i < count; i++)
		branch->signers[i + 1] = retired[i];
	branch->signer_count = count + 1;
}

void branch_rotate_reopen(struct branch *branch)
{
	struct fault fault = {""};

	if (branch->rotations > 0) {
		put_files(branch);
		branch_must(branch->all, rotate_finish(path_of(branch, ""), &fault), fault.text);
		get_lanes(branch);
		get_key(branch);
	}
	branch->is_unsure = branch->rotations > 0 && is_open(branch);
	get_signers(branch);
}

/* ---- rotating ---- */

static enum err settle_lanes(struct branch *branch, struct fault *fault)
{
	TRY(courier_settle(branch->courier, fault));
	TRY(line_settle(branch->line, fault));
	return keeper_settle(branch->keeper, fault);
}

static enum err call(struct branch *branch, struct fault *fault)
{
	struct session session;

	TRY(session_open(&session, &branch->party->key, BRANCH_LANE_KEY, branch_exchange(branch),
			 session_files(path_of(branch, "/lanes")), fault));
	enum err err = rotate_key(path_of(branch, ""), &session, &branch->party->key, branch_true_ms(branch), fault);
	session.is_unsaved = session.is_unsaved && !branch_is_dead(branch);
	session_close(&session);
	return err;
}

/* What the broker has taken is done to its end before anything else. */
static enum err go_on(struct branch *branch, struct fault *fault)
{
	TRY(rotate_finish(path_of(branch, ""), fault));
	get_key(branch);
	return ERR_OK;
}

static enum err rotate(struct branch *branch, struct fault *fault)
{
	bool is_begun = branch->rotations > 0 && is_open(branch);
	uint32_t id = branch->party->key.public.id;

	TRY(settle_lanes(branch, fault));
	put_files(branch);
	branch->rotations++;
	writing = branch;
	enum err err = is_begun ? go_on(branch, fault) : ERR_OK;
	if (err == ERR_OK && (!is_begun || is_open(branch)))
		err = call(branch, fault);
	writing = NULL;
	get_lanes(branch);
	branch->all->counts[BRANCH_ROTATIONS] += branch->party->key.public.id != id;
	return err;
}

void branch_rotate(struct branch *branch)
{
	struct branches *all = branch->all;
	struct fault fault = {""};
	enum err err = rotate(branch, &fault);

	branch_trace(all, "%s: rotates: %s %s", branch->folder, error_text(err), fault.text);
	if (branch_is_dead(branch))
		return;
	branch->is_unsure = err != ERR_OK && err < ERR_NOT_FOUND && branch->rotations > 0 && is_open(branch);
	get_signers(branch);
	keeper_set_signers(branch->keeper, branch->signers, branch->signer_count);
	bool is_right = err < ERR_NOT_FOUND || err == ERR_STATE || (err == ERR_PRINCIPAL && branch->is_revoked);
	if (!is_right)
		branch_fail(all, "R140", "%s: its key cannot be replaced: %s %s", branch->folder, error_text(err),
			    fault.text);
}
