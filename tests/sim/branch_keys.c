/* Keys that follow other keys: the broker's master key, epoch by epoch (R143), and a store's that was stolen (R142). */
#include "branch.h"

/* ---- the master key ---- */

#define BEGIN 1
#define END 2

/* What is sealed is sealed anew a page at a time, with whatever happens in between. */
static void rewrap(struct branches *all)
{
	struct answer answer = franchise_must(all->formula, &all->formula->office,
					      action_rewrap(all->formula, 1 + (uint32_t)branch_draw(all, 60)));

	all->is_rewrapped = !answer.result->has_more;
}

/* The old key is destroyed: whatever needs it now is lost (I7, I8). */
static void end_epoch(struct branches *all)
{
	franchise_must(all->formula, &all->formula->office, action_master_key(all->formula, all->epoch, END));
	all->ring.has_master[all->epoch - 1] = false;
	wipe(all->ring.masters[all->epoch - 1], KEY_SIZE);
	all->is_rewrapping = all->is_rewrapped = false;
	all->counts[BRANCH_EPOCHS]++;
}

void branch_master_key(struct branches *all)
{
	if (all->is_rewrapping && all->is_rewrapped) {
		end_epoch(all);
	} else if (all->is_rewrapping) {
		rewrap(all);
	} else if (all->epoch < RING_MAX) {
		ring_add_master(&all->ring, ++all->epoch);
		franchise_must(all->formula, &all->formula->office, action_master_key(all->formula, all->epoch, BEGIN));
		all->is_rewrapping = true;
	}
	branch_trace(all, "master key epoch %u", all->epoch);
	if (branch_chance(all, 30))
		branch_broker_restart(all);
}

/* ---- a stolen key ---- */

/* Whoever has it gets nothing by it. */
static void try_stolen(struct branch *branch)
{
	struct branches *all = branch->all;
	const char *value = arena_printf(&all->formula->arena, "1=%s", all->members.items[0].card);
	struct answer answer =
		franchise_one(all->formula, branch->party, action_lookup(all->formula, spec_purposes[0], value));

	if (answer.code != ERR_PRINCIPAL || answer.has_entry)
		branch_fail(all, "R142", "a revoked key is answered: %s", error_text(answer.code));
}

void branch_revoke(struct branch *branch)
{
	struct branches *all = branch->all;

	if (!branch->is_revoked)
		franchise_must(all->formula, &all->formula->office,
			       action_revoke(all->formula, branch->party->key.public.name));
	branch->is_revoked = true;
	branch_trace(all, "%s: its key is revoked", branch->folder);
	try_stolen(branch);
}
