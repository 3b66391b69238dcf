/*
 * What head office, the auditor and the shops themselves find odd. Every shop is honest, so that is nothing; but a
 * clock that was set wrong is rightly found.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "action.h"
#include "auditing.h"
#include "branch.h"
#include "journal_book.h"
#include "ledger/ledger.h"

#define BY_CLOCK (FINDING_BACKDATED | FINDING_FUTURE | FINDING_LATE)

extern const struct ledger_tables core_ledger_tables;

void branch_check_findings(struct branch *branch, uint32_t findings)
{
	uint32_t right = (branch->wrong_ms > 0 ? (uint32_t)BY_CLOCK : 0) |
			 (branch->is_lied_to ? (uint32_t)FINDING_UNKNOWN_TREE : 0);

	branch->all->counts[BRANCH_FINDINGS] += findings != 0;
	if ((findings & ~right) != 0)
		branch_fail(branch->all, "I3", "%s: findings %" PRIu32 " about an honest journal", branch->folder,
			    findings);
}

/* ---- head office's lists ---- */

static struct branch *shop_of(struct branches *all, uint32_t store)
{
	for (size_t i = 0; i < BRANCHES; i++)
		if (all->shops[i].party->store == store)
			return &all->shops[i];
	branch_fail(all, "sim", "store %" PRIu32 " is no shop", store);
}

static void check_list_of_findings(struct branches *all)
{
	struct franchise *formula = all->formula;
	struct answer answer = franchise_must(formula, &formula->office, action_findings(formula));

	for (size_t i = 0; i < answer_items(&answer, 0); i++) {
		const Kluis__FindingRow *row = answer_finding(formula, &answer, i);
		branch_check_findings(shop_of(all, row->store), row->kinds);
	}
}

/* Nobody waits for a certificate any more, but from whom nothing is taken. */
static void check_holdings(struct branches *all)
{
	struct franchise *formula = all->formula;
	struct answer answer = franchise_must(formula, &formula->office, action_holdings(formula));

	for (size_t i = 0; i < answer_items(&answer, 0); i++) {
		const Kluis__HoldingRow *row = answer_holding(formula, &answer, i);
		if (row->due != ERR_OK && !shop_of(all, row->store)->is_revoked)
			branch_fail(all, "I6", "%s: head office waits for a certificate: %s",
				    shop_of(all, row->store)->folder, error_text((enum err)row->due));
	}
}

/* ---- the auditor ---- */

/* "entry 12 (...): ...": of the journal of a shop whose clock was wrong, or to which another log was shown. */
static bool is_right(void *context, const char *text)
{
	struct branches *all = context;
	struct store_txn *txn CLEANUP(store_end_read) = NULL;
	struct arena arena CLEANUP(arena_fini) = {0};
	struct fault fault = {""};
	struct slice bytes;
	struct entry entry;
	char *rest;

	if (strncmp(text, "entry ", 6) != 0)
		return false;
	arena_init(&arena, 2 * REQUEST_ARENA_MAX);
	branch_must(all, store_begin_read(all->formula->store, &txn), "read");
	branch_must(all, ledger_entry(&core_ledger_tables, txn, strtoull(text + 6, &rest, 10), &bytes), "entry");
	branch_must(all, entry_open(bytes, &arena, &entry, &fault), fault.text);
	if (entry.request->operations[0]->kind_case != KLUIS__OPERATION__KIND_LOCAL_ACCESS)
		return false;
	for (size_t i = 0; i < BRANCHES; i++)
		if (strcmp(all->shops[i].party->key.public.name, entry.request->principal) == 0)
			return all->shops[i].wrong_ms > 0 || all->shops[i].is_lied_to;
	return false;
}

static void audit(struct branches *all)
{
	struct auditing auditing = {.store = all->formula->store,
				    .log = &all->formula->log.public,
				    .controller = &all->formula->office.key.public,
				    .seed = all->run.seed,
				    .is_expected = is_right,
				    .context = all};
	struct fault fault = {""};

	branch_must(all, core_checkpoint(all->formula->core), "checkpoint");
	if (auditing_run(&auditing, &fault) != ERR_OK)
		branch_fail(all, "I4", "the auditor: %s", fault.text);
}

void branch_check_found(struct branches *all)
{
	check_list_of_findings(all);
	check_holdings(all);
	audit(all);
}
