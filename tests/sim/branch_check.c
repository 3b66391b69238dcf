/*
 * What must hold: the broker's log against what tills were told and shown.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auditing.h"
#include "branch.h"
#include "kluis/hash.h"
#include "ledger/ledger.h"
#include "sync.h"

#define LEASE_SLACK_MS 1000 /* a message is on its way */
#define FRESH_LANE 20

extern const struct ledger_tables core_ledger_tables;

static void hash_operation(const struct branches *all, const Kluis__Operation *operation,
			   uint8_t ret_hash[static HASH_SIZE])
{
	struct bytes encoded CLEANUP(bytes_fini) = {0};

	bytes_init(&encoded, REQUEST_MAX);
	branch_must(all, wire_encode(&operation->base, &encoded), "encode");
	sha256(bytes_slice(&encoded), ret_hash);
}

/* ---- what is in the outbox ---- */

static enum err note_item(void *context, const struct outbox_item *item)
{
	struct branch *branch = context;

	for (size_t i = branch->items.count; i > 0; i--)
		if (branch->items.items[i - 1].number == item->number)
			return ERR_OK;
	struct branch_item *noted = LIST_ADD(&branch->items);
	noted->number = item->number;
	hash_operation(branch->all, item->operation, noted->hash);
	branch->all->counts[BRANCH_ITEMS]++;
	return ERR_OK;
}

/* After each thing that a till did, and after each restart: so what a till was told of is noted, and what was kept
 * though the machine died before it could tell. */
void branch_note_items(struct branch *branch)
{
	struct arena arena CLEANUP(arena_fini) = {0};

	arena_init(&arena, (size_t)64 * 1024 * 1024);
	branch_must(branch->all,
		    outbox_each(branch->shop.outbox, OUTBOX_WAITING, OUTBOX_ITEMS_MAX, &arena, note_item, branch),
		    "outbox");
}

/* ---- I6 ---- */

void branch_check_shown(struct branch *branch, const struct desk_member *member, size_t employee)
{
	uint64_t now_ms = branch_true_ms(branch);
	struct branch_shown *shown = LIST_ADD(&branch->shown);

	*shown = (struct branch_shown){.record = member->record, .version = member->version};
	memcpy(shown->customer, member->customer, PSEUDONYM_SIZE);
	if (branch->knows_ended)
		branch_fail(branch->all, "I6", "%s shows a member after suspension or termination", branch->folder);
	if (branch->knows_gone[employee])
		branch_fail(branch->all, "I6", "%s shows a member to who was removed", branch->folder);
	if (now_ms > branch->lease_ms + branch->wrong_ms + LEASE_SLACK_MS)
		branch_fail(branch->all, "I6", "%s shows a member %" PRIu64 " ms after the lease's end", branch->folder,
			    now_ms - branch->lease_ms);
}

/* ---- the log ---- */

static void take_each(struct branch *branch, const Kluis__LocalAccess *access, struct arena *arena)
{
	struct branches *all = branch->all;

	for (size_t i = 0; i < access->n_records; i++) {
		Kluis__JournalRecord *record;
		struct branch_record *taken = LIST_ADD(&branch->records);
		branch_must(all,
			    WIRE_DECODE(JournalRecord, journal_record, wire_slice(access->records[i]), arena, &record),
			    "record");
		branch_trace(all, "%s: record %" PRIu64 " of %" PRIu64 " code %u", branch->folder, record->number,
			     record->time_ms, record->code);
		*taken = (struct branch_record){
			.number = record->number, .code = record->code, .version = record->version};
		if (record->has_customer)
			memcpy(taken->customer, record->customer.data, PSEUDONYM_SIZE);
		all->counts[BRANCH_RECORDS]++;
	}
}

static void take_records(struct branch *branch, const Kluis__LocalAccess *access, const Kluis__Result *result,
			 struct arena *arena)
{
	struct branches *all = branch->all;

	take_each(branch, access, arena);
	if (!result->has_findings || result->findings == 0)
		return;
	branch->has_findings = true;
	all->counts[BRANCH_FINDINGS]++;
	if (all->is_strict && branch->wrong_ms == 0)
		branch_fail(all, "I3", "%s: findings %u about an honest journal", branch->folder, result->findings);
}

static void take_operation(struct branch *branch, const Kluis__Operation *operation, const Kluis__Result *result,
			   uint64_t index, struct arena *arena)
{
	struct branch_done *done;

	switch (operation->kind_case) {
	case KLUIS__OPERATION__KIND_LEASE:
		branch_trace(branch->all, "%s: lease until %" PRIu64 ", end %" PRIu64 ", code %u", branch->folder,
			     result->until_ms, operation->lease->end->number, result->code);
		if (result->code == ERR_OK && result->until_ms > branch->lease_ms)
			branch->lease_ms = result->until_ms;
		break;
	case KLUIS__OPERATION__KIND_LOCAL_ACCESS:
		if (result->code == ERR_OK)
			take_records(branch, operation->local_access, result, arena);
		break;
	case KLUIS__OPERATION__KIND_PURGE:
		branch->destroyed += operation->purge->waiting;
		branch->certificates++;
		branch->all->counts[BRANCH_PURGES]++;
		break;
	case KLUIS__OPERATION__KIND_RECEIPT:
	case KLUIS__OPERATION__KIND_REGISTRATION:
	case KLUIS__OPERATION__KIND_UPDATE:
	case KLUIS__OPERATION__KIND_CONSENT:
		if (result->code != ERR_OK)
			break;
		done = LIST_ADD(&branch->done);
		done->index = index;
		hash_operation(branch->all, operation, done->hash);
		branch->all->counts[BRANCH_CONFLICTS] += result->has_lost && result->lost != 0;
		break;
	default:
		break;
	}
}

static void take_entry(struct branches *all, struct slice bytes, uint64_t index)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct fault fault = {""};
	struct entry entry;

	arena_init(&arena, 2 * REQUEST_ARENA_MAX);
	branch_must(all, entry_open(bytes, &arena, &entry, &fault), fault.text);
	for (size_t i = 0; i < BRANCHES; i++) {
		struct branch *branch = &all->shops[i];
		if (strcmp(entry.request->principal, branch->party->key.public.name) != 0)
			continue;
		for (size_t j = 0; j < entry.decoded->n_results; j++)
			take_operation(branch, entry.request->operations[j], entry.decoded->results[j], index, &arena);
	}
}

void branch_follow_log(struct branches *all)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;
	struct slice bytes;
	uint64_t size;

	branch_must(all, store_begin_read(all->formula->store, &txn), "read");
	branch_must(all, ledger_size_at(&core_ledger_tables, txn, &size), "size");
	if (size < all->size)
		branch_fail(all, "I8", "the log had %" PRIu64 " entries and has %" PRIu64, all->size, size);
	for (; all->size < size; all->size++) {
		branch_must(all, ledger_entry(&core_ledger_tables, txn, all->size, &bytes), "entry");
		take_entry(all, bytes, all->size);
	}
}

/* ---- I8: each item once ---- */

static enum err count_one(void *context, const struct outbox_item *item)
{
	struct branch_item *wanted = context;
	uint8_t hash[HASH_SIZE];
	struct bytes encoded CLEANUP(bytes_fini) = {0};

	bytes_init(&encoded, REQUEST_MAX);
	TRY(wire_encode(&item->operation->base, &encoded));
	sha256(bytes_slice(&encoded), hash);
	wanted->number += memcmp(hash, wanted->hash, HASH_SIZE) == 0;
	return item->reason == ERR_OK ? ERR_CORRUPT : ERR_OK;
}

static uint64_t count_refused(struct branch *branch, const uint8_t hash[static HASH_SIZE])
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct branch_item wanted = {.number = 0};

	memcpy(wanted.hash, hash, HASH_SIZE);
	arena_init(&arena, (size_t)64 * 1024 * 1024);
	branch_must(branch->all,
		    outbox_each(branch->shop.outbox, OUTBOX_REFUSED, OUTBOX_ITEMS_MAX, &arena, count_one, &wanted),
		    "an item is set aside without a reason");
	return wanted.number;
}

static uint64_t count_done(const struct branch *branch, const uint8_t hash[static HASH_SIZE])
{
	uint64_t count = 0;

	for (size_t i = 0; i < branch->done.count; i++)
		count += memcmp(branch->done.items[i].hash, hash, HASH_SIZE) == 0;
	return count;
}

static uint64_t count_noted(const struct branch *branch, const uint8_t hash[static HASH_SIZE])
{
	uint64_t count = 0;

	for (size_t i = 0; i < branch->items.count; i++)
		count += memcmp(branch->items.items[i].hash, hash, HASH_SIZE) == 0;
	return count;
}

static void check_items(struct branch *branch)
{
	const struct branches *all = branch->all;
	uint64_t missing = 0;

	for (size_t i = 0; i < branch->items.count; i++) {
		const uint8_t *hash = branch->items.items[i].hash;
		uint64_t noted = count_noted(branch, hash), done = count_done(branch, hash);
		uint64_t refused = count_refused(branch, hash);
		if (done + refused > noted || (!branch->is_terminated && done + refused < noted))
			branch_fail(branch->all, "I8",
				    "%s item %" PRIu64 ": taken %" PRIu64 " times, done %" PRIu64
				    ", set aside %" PRIu64,
				    branch->folder, branch->items.items[i].number, noted, done, refused);
		missing += done + refused == 0;
	}
	for (size_t i = 0; i < branch->done.count; i++)
		if (count_noted(branch, branch->done.items[i].hash) == 0)
			branch_fail(branch->all, "I8", "%s: entry %" PRIu64 " does what nobody rang up", branch->folder,
				    branch->done.items[i].index);
	if (all->is_strict && missing > branch->destroyed)
		branch_fail(all, "I8", "%s: %" PRIu64 " items are gone, certified are %" PRIu64, branch->folder,
			    missing, branch->destroyed);
}

/* ---- I1, I3: each access recorded, each record logged once ---- */

static void check_records(struct branch *branch)
{
	struct branches *all = branch->all;
	Kluis__JournalEnd end = KLUIS__JOURNAL_END__INIT;
	uint8_t hash[HASH_SIZE];

	journal_end(branch->shop.journal, &end, hash);
	if (branch->records.count != end.number)
		branch_fail(all, "I3", "%s: %zu records are in the log, the journal has %" PRIu64, branch->folder,
			    branch->records.count, end.number);
	for (size_t i = 0; i < branch->records.count; i++)
		if (branch->records.items[i].number != i + 1)
			branch_fail(all, "I3", "%s: record %zu is number %" PRIu64, branch->folder, i + 1,
				    branch->records.items[i].number);
	for (size_t i = 0; i < branch->shown.count; i++) {
		const struct branch_shown *shown = &branch->shown.items[i];
		const struct branch_record *record = shown->record >= 1 && shown->record <= end.number
							     ? &branch->records.items[shown->record - 1]
							     : NULL;
		if (record == NULL || record->code != ERR_OK || record->version != shown->version ||
		    memcmp(record->customer, shown->customer, PSEUDONYM_SIZE) != 0)
			branch_fail(all, "I1", "%s: what was shown under record %" PRIu64 " is not recorded",
				    branch->folder, shown->record);
	}
}

/* ---- I11: the copy is what a copy made now would be ---- */

struct comparing {
	const struct branches *all;
	const struct replica *other;
	const struct replica_row *row;
	uint64_t count;
};

static enum err is_same(void *context, const struct replica_row *fresh)
{
	const struct replica_row *row = ((struct comparing *)context)->row;

	return row->version == fresh->version && row->fields == fresh->fields && row->grant == fresh->grant &&
			       slice_equal(row->content, fresh->content)
		       ? ERR_OK
		       : ERR_MISMATCH;
}

static enum err compare(void *context, const struct replica_row *row)
{
	struct comparing *comparing = context;

	comparing->row = row;
	comparing->count++;
	return replica_get(comparing->other, BRANCH_PURPOSE, row->customer, is_same, comparing);
}

static enum err nothing_there(void *context, uint32_t lane, struct bytes *ret_state)
{
	(void)context, (void)lane, (void)ret_state;
	return ERR_NOT_FOUND;
}

static enum err not_kept(void *context, uint32_t lane, struct slice state)
{
	(void)context, (void)lane, (void)state;
	return ERR_OK;
}

static void make_fresh(struct branch *branch, const struct replica *fresh)
{
	struct session_memory memory = {.load = nothing_there, .save = not_kept};
	struct branches *all = branch->all;
	struct sync_outcome outcome = {.has_more = true};
	struct session session;
	struct fault fault = {""};
	uint8_t handle_key[KEY_SIZE] = {0};
	struct sync sync = {.session = &session,
			    .replica = fresh,
			    .charter = branch->shop.charter,
			    .agreement = branch->shop.agreement,
			    .tries = 1};

	branch_must(all, session_open(&session, branch->shop.key, FRESH_LANE, branch_exchange(branch), memory, &fault),
		    fault.text);
	branch_must(
		all,
		replica_set_lease(fresh, BRANCH_PURPOSE, UINT64_MAX, branch_true_ms(branch), SLICE_ARRAY(handle_key)),
		"lease");
	while (outcome.has_more) {
		branch_must(all, sync_page(&sync, BRANCH_PURPOSE, branch_true_ms(branch), &outcome, &fault),
			    fault.text);
		if (outcome.verdict != ERR_OK)
			branch_fail(all, "I11", "%s may not copy: %s", branch->folder, error_text(outcome.verdict));
	}
	session_close(&session);
}

static void check_copy(struct branch *branch)
{
	struct branches *all = branch->all;
	struct key_shelf shelf = {.made = 0};
	uint8_t key[KEY_SIZE] = {1};
	struct replica fresh = {.key = key, .keys = key_shelf_memory(&shelf)};
	struct comparing comparing = {.all = all, .other = &fresh};
	struct fault fault = {""};
	uint64_t count;
	char folder[48];

	snprintf(folder, sizeof folder, "%s-fresh", branch->folder);
	branch_must(all, store_open(folder, &replica_layout, true, &fresh.store, &fault), fault.text);
	make_fresh(branch, &fresh);
	enum err err = replica_each(&branch->shop.replica, BRANCH_PURPOSE, compare, &comparing);
	if (err != ERR_OK)
		branch_fail(all, "I11", "%s: a row is not what the broker would give: %s", branch->folder,
			    error_text(err));
	branch_must(all, replica_count(&fresh, BRANCH_PURPOSE, &count), "count");
	if (count != comparing.count)
		branch_fail(all, "I11", "%s holds %" PRIu64 " members, the broker would give %" PRIu64, branch->folder,
			    comparing.count, count);
	store_close(&fresh.store);
}

/* A key that a crash left before anything was sealed under it opens nothing. */
static void check_nothing(struct branch *branch)
{
	struct key_memory memory = key_shelf_memory(&branch->shelf);
	uint8_t key[KEY_SIZE];
	uint64_t count;

	branch_must(branch->all, replica_count(&branch->shop.replica, BRANCH_PURPOSE, &count), "count");
	bool has_key = memory.load(memory.context, BRANCH_PURPOSE, key) == ERR_OK &&
		       memcmp(key, branch->used_key, KEY_SIZE) == 0;
	if (count > 0 || has_key)
		branch_fail(branch->all, "I11", "%s: a terminated store has %" PRIu64 " members, key: %d",
			    branch->folder, count, has_key);
}

/* ---- all of it ---- */

/* A clock that was set wrong is rightly found; other findings about honest shops: branches_run. */
static bool may_be_odd(const struct branches *all)
{
	bool is_odd = false;

	for (size_t i = 0; i < BRANCHES; i++) {
		const struct branch *branch = &all->shops[i];
		is_odd = is_odd || branch->wrong_ms > 0 ||
			 (!all->is_strict && (branch->has_findings || branch->certificates > 0));
	}
	return is_odd;
}

static void audit(struct branches *all)
{
	bool is_odd = may_be_odd(all);
	struct auditing auditing = {.store = all->formula->store,
				    .log = &all->formula->log.public,
				    .controller = &all->formula->office.key.public,
				    .seed = all->run.seed,
				    .is_quiet = is_odd};
	struct fault fault = {""};

	branch_must(all, core_checkpoint(all->formula->core), "checkpoint");
	enum err err = auditing_run(&auditing, &fault);
	if (err != ERR_OK && !(is_odd && err == ERR_FINDING))
		branch_fail(all, "I4", "the auditor: %s", fault.text);
}

static void take_root(const struct branches *all, struct hash *ret_root)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;

	branch_must(all, store_begin_read(all->formula->store, &txn), "read");
	branch_must(all, ledger_root_at(&core_ledger_tables, txn, all->size, ret_root), "root");
}

void branch_check_end(struct branches *all, struct hash *ret_root)
{
	for (size_t i = 0; i < BRANCHES; i++) {
		struct branch *branch = &all->shops[i];
		check_items(branch);
		check_records(branch);
		if (branch->is_terminated)
			check_nothing(branch);
		else
			check_copy(branch);
	}
	branch_follow_log(all);
	audit(all);
	take_root(all, ret_root);
}
