/*
 * The log's keys, one after another (FORMAT.md R141): head office adds one beside the one in force and lets the old one
 * go; each shop follows by what it already believes (agent/anchor.c), each on its own day.
 */
#include <string.h>

#include "anchor.h"
#include "branch.h"
#include "kluis/file.h"

/* Which of the ring's logs a version names, and whose signatures its note has beside head office's: one that was
 * believed before it, each that was not. */
static const struct version {
	size_t first, count;
	size_t signers[2], signer_count;
} versions[] = {
	{.first = 0, .count = 1, .signers = {0}, .signer_count = 1},
	{.first = 0, .count = 2, .signers = {0, 1}, .signer_count = 2},
	{.first = 1, .count = 1, .signers = {1}, .signer_count = 1},
};
#define VERSIONS (sizeof versions / sizeof versions[0])

/* ---- head office ---- */

void branch_trust(struct branches *all)
{
	const struct version *version = &versions[all->trust_count];
	const struct secret_key *named[2], *signers[2];
	struct trust *next = arena_alloc(&all->arena, sizeof *next);

	if (all->trust_count == VERSIONS || next == NULL)
		return;
	if (version->first + version->count > all->ring.log_count) {
		ring_add_log(&all->ring, 71);
		all->model->logs[all->model->log_count++] = &all->ring.logs[1].public;
	}
	for (size_t i = 0; i < version->count; i++)
		named[i] = &all->ring.logs[version->first + i];
	for (size_t i = 0; i < version->signer_count; i++)
		signers[i] = &all->ring.logs[version->signers[i]];
	trust_put_after(next, all->trust, named, version->count);
	struct slice note = trust_note(all->formula, next, signers, version->signer_count);
	franchise_must(all->formula, &all->formula->office, action_trust(all->formula, note));
	trust_put_of(next, all->formula, note);
	all->trust = next;
	all->trust_count++;
	branch_trace(all, "trust version %zu", all->trust_count);
}

/* ---- a shop ---- */

static const char *folder_of(const struct branch *branch)
{
	struct franchise *formula = branch->all->formula;
	const char *folder = arena_printf(&formula->arena, "%s/%s-trust", formula->folder, branch->folder);
	struct fault fault = {""};

	branch_must(branch->all, folder == NULL ? ERR_MEMORY : ERR_OK, "folder");
	branch_must(branch->all, folder_make(folder, 0700, &fault), fault.text);
	return folder;
}

void branch_trust_reopen(struct branch *branch)
{
	const struct franchise *formula = branch->all->formula;
	const struct trust *trust;
	struct fault fault = {""};

	branch_must(branch->all,
		    anchor_read(folder_of(branch), &formula->office.key.public, &branch->all->arena, &trust, &fault),
		    fault.text);
	branch->logs[0] = formula->log.public;
	branch->log_count = 1;
	if (trust == NULL)
		return;
	branch->log_count = trust->log_count;
	memcpy(branch->logs, trust->logs, trust->log_count * sizeof trust->logs[0]);
}

enum err branch_take_trust(void *context, struct session *session, struct slice hash, uint64_t time_ms,
			   struct fault *fault)
{
	struct branch *branch = context;
	struct membership membership = {.log = branch->all->formula->log.public,
					.controller = branch->all->formula->office.key.public,
					.logs = branch->logs,
					.log_count = branch->log_count};
	bool is_new = false;

	branch_writes(branch);
	enum err err = anchor_update(folder_of(branch), &membership, session, hash, time_ms, &is_new, fault);
	branch_writes(NULL);
	TRY(err);
	branch_trust_reopen(branch);
	return ERR_OK;
}

bool branch_trusts(const struct branch *branch)
{
	const struct trust *trust = branch->all->trust;

	if (trust == NULL)
		return branch->log_count == 1;
	bool is_same = branch->log_count == trust->log_count;
	for (size_t i = 0; is_same && i < trust->log_count; i++)
		is_same = public_key_equal(&branch->logs[i], &trust->logs[i]);
	return is_same;
}
