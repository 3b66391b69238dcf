/* Members who are erased while shops are split, die and write about them (FORMAT.md R150 to R153). */
#include <string.h>

#include "action.h"
#include "branch.h"
#include "journal_book.h"

static enum err is_there(void *context, const struct replica_row *row)
{
	(void)context;
	(void)row;
	return ERR_OK;
}

static void note_key(struct branch *branch, unsigned purpose, struct slice customer)
{
	struct key_memory memory = key_shelf_memory(&branch->shelf);
	struct branch_old_key old = {.purpose = purpose};

	if (replica_get(&branch->shop.replica, spec_purposes[purpose], customer, is_there, NULL) == ERR_OK &&
	    memory.load(memory.context, spec_purposes[purpose], old.key) == ERR_OK)
		*LIST_ADD(&branch->old_keys) = old;
}

void branch_erase_member(struct branches *all)
{
	struct branch_member *member = &all->members.items[branch_draw(all, all->members.count)];
	struct slice customer = SLICE_ARRAY(member->customer);
	struct answer answer = franchise_one(all->formula, &all->formula->office,
					     action_erase(all->formula, customer, 1 + (uint32_t)branch_draw(all, 6)));

	/* one whose registration has not come in is nobody yet */
	if (answer.code != ERR_OK)
		return;
	for (size_t i = 0; i < BRANCHES * SPEC_PURPOSES; i++)
		if (!branch_is_dead(&all->shops[i / SPEC_PURPOSES]))
			note_key(&all->shops[i / SPEC_PURPOSES], i % SPEC_PURPOSES, customer);
	member->is_erased = true;
	all->counts[BRANCH_ERASURES]++;
	branch_trace(all, "erased %s", member->card);
}

static void check_keys(struct branch *branch)
{
	struct key_memory memory = key_shelf_memory(&branch->shelf);
	uint8_t key[KEY_SIZE];

	for (size_t i = 0; i < branch->old_keys.count; i++) {
		const struct branch_old_key *old = &branch->old_keys.items[i];
		if (memory.load(memory.context, spec_purposes[old->purpose], key) == ERR_OK &&
		    memcmp(key, old->key, KEY_SIZE) == 0)
			branch_fail(branch->all, "I7", "%s: an older image of the copy for %s opens", branch->folder,
				    spec_purposes[old->purpose]);
	}
}

static struct branch *shop_of(struct branches *all, uint32_t store)
{
	for (size_t i = 0; i < BRANCHES; i++)
		if (all->shops[i].party->store == store)
			return &all->shops[i];
	return NULL;
}

void branch_check_erasures(struct branches *all)
{
	struct answer answer = franchise_must(all->formula, &all->formula->office, action_erasures(all->formula));

	for (size_t i = 0; i < answer_items(&answer, 0); i++) {
		const Kluis__ErasureRow *row = answer_erasure(all->formula, &answer, i);
		const struct branch *branch = row->has_store ? shop_of(all, row->store) : NULL;
		if (branch != NULL && !branch->is_revoked)
			branch_fail(all, "I7", "%s has not certified an erasure", branch->folder);
	}
	for (size_t i = 0; i < BRANCHES; i++)
		if (!all->shops[i].is_revoked)
			check_keys(&all->shops[i]);
}
