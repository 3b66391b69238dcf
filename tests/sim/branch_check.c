/*
 * What must hold: the broker's log against what tills were told and shown.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "branch.h"
#include "kluis/hash.h"
#include "ledger/ledger.h"

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

static void note_customer(const Kluis__Operation *operation, struct branch_item *noted)
{
	struct slice customer = SLICE_EMPTY;

	if (operation->kind_case == KLUIS__OPERATION__KIND_RECEIPT && operation->receipt->has_customer)
		customer = wire_slice(operation->receipt->customer);
	else if (operation->kind_case == KLUIS__OPERATION__KIND_REGISTRATION)
		customer = wire_slice(operation->registration->customer);
	else if (operation->kind_case == KLUIS__OPERATION__KIND_UPDATE)
		customer = wire_slice(operation->update->customer);
	else if (operation->kind_case == KLUIS__OPERATION__KIND_CONSENT)
		customer = wire_slice(operation->consent->customer);
	noted->has_customer = customer.length == PSEUDONYM_SIZE;
	if (noted->has_customer)
		memcpy(noted->customer, customer.data, PSEUDONYM_SIZE);
}

/* What is about them is destroyed, whether it waits or is refused for that. */
static bool is_about_erased(const struct branch *branch, const struct branch_item *item)
{
	const struct model_customer *customer =
		item->has_customer ? model_customer(branch->all->model, SLICE_ARRAY(item->customer)) : NULL;

	return customer != NULL && customer->is_erased;
}

static enum err note_item(void *context, const struct outbox_item *item)
{
	struct branch *branch = context;

	for (size_t i = branch->items.count; i > 0; i--)
		if (branch->items.items[i - 1].number == item->number)
			return ERR_OK;
	struct branch_item *noted = LIST_ADD(&branch->items);
	*noted = (struct branch_item){.number = item->number};
	note_customer(item->operation, noted);
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

void branch_check_taken(struct branch *branch, uint64_t number)
{
	branch_note_items(branch);
	for (size_t i = 0; i < branch->items.count; i++)
		if (branch->items.items[i].number == number)
			return;
	branch_fail(branch->all, "I8", "%s: a till was told of item %" PRIu64 ", which is not on the disk",
		    branch->folder, number);
}

/* ---- the log ---- */

static void take_records(struct branch *branch, const Kluis__LocalAccess *access, struct arena *arena)
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

static void take_operation(struct branch *branch, const Kluis__Operation *operation, const Kluis__Result *result,
			   uint64_t index, struct arena *arena)
{
	struct branch_done *done;
	int purpose = model_purpose(operation->purpose);

	if (result->has_findings)
		branch_check_findings(branch, result->findings);
	switch (operation->kind_case) {
	case KLUIS__OPERATION__KIND_LEASE:
		branch_trace(branch->all, "%s: lease until %" PRIu64 ", end %" PRIu64 ", code %u", branch->folder,
			     result->until_ms, operation->lease->end->number, result->code);
		if (result->code == ERR_OK && result->until_ms > branch->leases_ms[purpose])
			branch->leases_ms[purpose] = result->until_ms;
		break;
	case KLUIS__OPERATION__KIND_LOCAL_ACCESS:
		if (result->code == ERR_OK)
			take_records(branch, operation->local_access, arena);
		break;
	case KLUIS__OPERATION__KIND_PURGE:
		branch->destroyed += operation->purge->waiting;
		branch->all->counts[BRANCH_PURGES]++;
		break;
	case KLUIS__OPERATION__KIND_RECEIPT:
	case KLUIS__OPERATION__KIND_REGISTRATION:
	case KLUIS__OPERATION__KIND_UPDATE:
	case KLUIS__OPERATION__KIND_CONSENT:
	case KLUIS__OPERATION__KIND_INCIDENT:
		if (result->code != ERR_OK)
			break;
		done = LIST_ADD(&branch->done);
		*done = (struct branch_done){.index = index};
		done->is_by_value =
			operation->kind_case == KLUIS__OPERATION__KIND_RECEIPT && !operation->receipt->has_customer;
		if (result->has_customer)
			memcpy(done->customer, result->customer.data, PSEUDONYM_SIZE);
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
		model_take(all->model, bytes);
		take_entry(all, bytes, all->size);
		for (size_t i = 0; i < BRANCHES; i++)
			branch_may_know(&all->shops[i]);
	}
	if (ledger_checkpoint(&core_ledger_tables, txn, &bytes) == ERR_OK)
		model_checkpoint(all->model, bytes);
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
	return item->state == OUTBOX_REFUSED && item->reason == ERR_OK ? ERR_CORRUPT : ERR_OK;
}

static uint64_t count_kept(struct branch *branch, enum outbox_state state, const uint8_t hash[static HASH_SIZE])
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct branch_item wanted = {.number = 0};

	memcpy(wanted.hash, hash, HASH_SIZE);
	arena_init(&arena, (size_t)64 * 1024 * 1024);
	branch_must(branch->all, outbox_each(branch->shop.outbox, state, OUTBOX_ITEMS_MAX, &arena, count_one, &wanted),
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

/* Items by certificates that still wait: of a store whose key was revoked, for ever. */
static uint64_t count_certified(struct branch *branch)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct purge_certificate *certificates;
	uint64_t items = 0;
	size_t count;

	arena_init(&arena, REQUEST_ARENA_MAX);
	branch_must(branch->all, shop_certificates(&branch->shop, &arena, &certificates, &count), "certificates");
	for (size_t i = 0; i < count; i++)
		items += certificates[i].waiting;
	return items;
}

static void check_items(struct branch *branch)
{
	const struct branches *all = branch->all;
	uint64_t missing = 0;

	for (size_t i = 0; i < branch->items.count; i++) {
		const uint8_t *hash = branch->items.items[i].hash;
		uint64_t noted = count_noted(branch, hash), done = count_done(branch, hash);
		uint64_t refused = count_kept(branch, OUTBOX_REFUSED, hash), waiting = 0;
		if (branch->is_revoked) /* then what was not delivered is still there */
			waiting = count_kept(branch, OUTBOX_WAITING, hash) + count_kept(branch, OUTBOX_SENT, hash);
		bool may_be_gone = branch->is_terminated || is_about_erased(branch, &branch->items.items[i]);
		if (done + refused > noted || (!may_be_gone && done + refused + waiting < noted))
			branch_fail(branch->all, "I8",
				    "%s item %" PRIu64 ": taken %" PRIu64 " times, done %" PRIu64
				    ", set aside %" PRIu64,
				    branch->folder, branch->items.items[i].number, noted, done, refused);
		missing += done + refused + waiting == 0 && !is_about_erased(branch, &branch->items.items[i]);
	}
	for (size_t i = 0; i < branch->done.count; i++)
		if (count_noted(branch, branch->done.items[i].hash) == 0)
			branch_fail(branch->all, "I8", "%s: entry %" PRIu64 " does what nobody rang up", branch->folder,
				    branch->done.items[i].index);
	uint64_t certified = branch->destroyed + count_certified(branch);
	if (missing > certified)
		branch_fail(all, "I8", "%s: %" PRIu64 " items are gone, certified are %" PRIu64, branch->folder,
			    missing, certified);
}

/* ---- in order for each customer ---- */

/* The number of the customer's item before this one; numbers are from 1. What names the customer by a card's number and
 * what names them by pseudonym are the same customer's for the broker alone. */
static uint64_t number_before(const struct branch *branch, size_t place)
{
	const struct branch_done *done = &branch->done.items[place];

	for (size_t i = place; i > 0; i--) {
		const struct branch_done *before = &branch->done.items[i - 1];
		if (before->is_by_value == done->is_by_value &&
		    memcmp(before->customer, done->customer, PSEUDONYM_SIZE) == 0)
			return before->number;
	}
	return 0;
}

/* Two consents of one customer may be the same bytes: any of these items will do. */
static struct branch_item *item_after(struct branch *branch, uint64_t number, const uint8_t hash[static HASH_SIZE])
{
	for (size_t i = 0; i < branch->items.count; i++) {
		struct branch_item *item = &branch->items.items[i];
		if (!item->is_done && item->number > number && memcmp(item->hash, hash, HASH_SIZE) == 0)
			return item;
	}
	return NULL;
}

static void check_order(struct branch *branch)
{
	for (size_t i = 0; i < branch->done.count; i++) {
		struct branch_done *done = &branch->done.items[i];
		uint64_t before = number_before(branch, i);
		struct branch_item *item = item_after(branch, before, done->hash);
		if (item == NULL)
			branch_fail(branch->all, "order",
				    "%s: entry %" PRIu64 " does what was rung up before item %" PRIu64
				    " of the same customer",
				    branch->folder, done->index, before);
		item->is_done = true;
		done->number = item->number;
	}
}

/* ---- I1, I3: each access recorded, each record logged once ---- */

static void check_records(struct branch *branch)
{
	struct branches *all = branch->all;
	Kluis__JournalEnd end = KLUIS__JOURNAL_END__INIT;
	uint8_t hash[HASH_SIZE];

	journal_end(branch->shop.journal, &end, hash);
	if (branch->records.count > end.number || (!branch->is_revoked && branch->records.count < end.number))
		branch_fail(all, "I3", "%s: %zu records are in the log, the journal has %" PRIu64, branch->folder,
			    branch->records.count, end.number);
	for (size_t i = 0; i < branch->records.count; i++)
		if (branch->records.items[i].number != i + 1)
			branch_fail(all, "I3", "%s: record %zu is number %" PRIu64, branch->folder, i + 1,
				    branch->records.items[i].number);
	for (size_t i = 0; i < branch->shown.count; i++) {
		const struct branch_shown *shown = &branch->shown.items[i];
		const struct branch_record *record = shown->record >= 1 && shown->record <= branch->records.count
							     ? &branch->records.items[shown->record - 1]
							     : NULL;
		if (branch->is_revoked && shown->record > branch->records.count && shown->record <= end.number)
			continue; /* on its disk, and will not be uploaded */
		if (record == NULL || record->code != ERR_OK || record->version != shown->version ||
		    memcmp(record->customer, shown->customer, PSEUDONYM_SIZE) != 0)
			branch_fail(all, "I1", "%s: what was shown under record %" PRIu64 " is not recorded",
				    branch->folder, shown->record);
	}
}

/* ---- all of it ---- */

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
		check_order(branch);
		check_records(branch);
		branch_check_copies(branch);
	}
	branch_check_witnesses(all); /* which may need more of a log than the copies know */
	branch_check_erasures(all);
	branch_check_found(all);
	branch_follow_log(all);
	take_root(all, ret_root);
}
