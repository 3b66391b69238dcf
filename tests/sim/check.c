/*
 * What must always hold, looked at from outside: the broker's tables, the stores' copies, the auditor.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auditing.h"
#include "core/tables.h"
#include "ledger/ledger.h"
#include "rows.pb-c.h"
#include "sim.h"

#define PAGES_MAX 200

extern const struct ledger_tables core_ledger_tables;

/* ---- I1, I8 ---- */

static void check_received(struct sim *sim)
{
	for (size_t i = 0; i < sim->received.count; i++) {
		const struct received *received = &sim->received.items[i];
		if (received->index >= sim->model->leaves.count ||
		    memcmp(&received->leaf, &sim->model->leaves.items[received->index], sizeof(received->leaf)) != 0)
			run_fail(&sim->run, "I1", "received entry %" PRIu64 ", which the log does not have",
				 received->index);
	}
}

/* The entries on the disk are those that the model took. */
static void check_log(struct sim *sim, struct store_txn *txn)
{
	struct slice bytes;
	struct hash leaf;
	size_t from = sim->is_calm || sim->model->leaves.count < 50 ? 0 : sim->model->leaves.count - 50;

	if (store_count(txn, TABLE_ENTRY) != sim->model->leaves.count)
		run_fail(&sim->run, "I8", "%" PRIu64 " entries, %zu were durable", store_count(txn, TABLE_ENTRY),
			 sim->model->leaves.count);
	for (size_t i = from; i < sim->model->leaves.count; i++) {
		run_must(&sim->run, ledger_entry(&core_ledger_tables, txn, i, &bytes), "entry");
		merkle_leaf(bytes, &leaf);
		if (memcmp(&leaf, &sim->model->leaves.items[i], sizeof(leaf)) != 0)
			run_fail(&sim->run, "I3", "entry %zu is another one now", i);
	}
}

/* ---- I10 ---- */

struct checking {
	struct sim *sim;
	struct store_txn *txn;
	struct arena arena;
};

static void *row_of(struct checking *checking, enum table table, struct slice key,
		    const ProtobufCMessageDescriptor *type)
{
	struct slice value;
	ProtobufCMessage *row;

	if (store_get(checking->txn, table, key, &value) != ERR_OK)
		run_fail(&checking->sim->run, "I10", "a row of table %u is missing", (unsigned)table);
	run_must(&checking->sim->run, wire_decode(type, value, &checking->arena, &row), "row");
	return row;
}

static bool is_day(const Rows__StoreDay *row, const struct store_day *day)
{
	if (row == NULL || !day->is_known)
		return row == NULL && !day->is_known;
	return row->store == day->store && row->day == day->day;
}

static bool has_visit(const Rows__Customer *row, uint32_t store, int32_t day)
{
	for (size_t i = 0; i < row->n_visits; i++)
		if (row->visits[i]->store == store && row->visits[i]->last_day == day)
			return true;
	return false;
}

static bool has_consent(const Rows__Customer *row, const char *purpose, uint32_t status)
{
	for (size_t i = 0; i < row->n_consents; i++)
		if (strcmp(row->consents[i]->purpose, purpose) == 0 && row->consents[i]->status == status)
			return true;
	return false;
}

/* What the log's pseudonym leads to: nothing that opens the person, and no value that leads to the pseudonym. */
static void check_erased(struct checking *checking, const struct model_customer *customer)
{
	static const enum table tables[] = {TABLE_CUSTOMER, TABLE_RECORD, TABLE_RECEIPT};
	struct slice pseudonym = SLICE_ARRAY(customer->pseudonym), key, value;
	struct store_cursor *cursor;

	(void)row_of(checking, TABLE_ERASURE, pseudonym, &rows__erasure__descriptor);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		run_must(&checking->sim->run, store_seek(checking->txn, tables[i], pseudonym, &cursor), "seek");
		if (store_next(cursor, &key, &value) && slice_equal(slice_part(key, 0, PSEUDONYM_SIZE), pseudonym))
			run_fail(&checking->sim->run, "I7", "table %u has a row of an erased customer",
				 (unsigned)tables[i]);
		store_cursor_close(&cursor);
	}
	run_must(&checking->sim->run, store_seek(checking->txn, TABLE_LOOKUP, SLICE_EMPTY, &cursor), "seek");
	while (store_next(cursor, &key, &value))
		for (size_t from = 0; from + PSEUDONYM_SIZE <= value.length; from += PSEUDONYM_SIZE)
			if (slice_equal(slice_part(value, from, PSEUDONYM_SIZE), pseudonym))
				run_fail(&checking->sim->run, "I7", "a value leads to an erased customer");
	store_cursor_close(&cursor);
}

static void check_customer(struct checking *checking, const struct model_customer *customer)
{
	struct sim *sim = checking->sim;
	const Rows__Customer *row =
		row_of(checking, TABLE_CUSTOMER, SLICE_ARRAY(customer->pseudonym), &rows__customer__descriptor);
	size_t visits = 0, consents = 0;

	if (row->version != customer->records.count || (row->is_restricted != 0) != customer->is_restricted)
		run_fail(&sim->run, "I10", "a customer has version %u of %zu", row->version, customer->records.count);
	if (!is_day(row->registered, &customer->registered) || !is_day(row->first, &customer->first) ||
	    !is_day(row->latest, &customer->latest))
		run_fail(&sim->run, "I10", "a customer's history is not what the log gives");
	for (size_t i = 0; i < STORES; i++) {
		const struct model_visit *visit = &customer->visits[i];
		visits += visit->has;
		if (visit->has && !has_visit(row, sim->stores[i].store, visit->day))
			run_fail(&sim->run, "I10", "a visit is not what the log gives");
	}
	for (size_t i = 0; i < SPEC_PURPOSES; i++) {
		consents += customer->has_status[i];
		if (customer->has_status[i] && !has_consent(row, spec_purposes[i], customer->status[i]))
			run_fail(&sim->run, "I10", "a consent is not what the log gives");
	}
	if (visits != row->n_visits || consents != row->n_consents)
		run_fail(&sim->run, "I10", "visits or consents that the log does not give");
}

static void check_standing(struct sim *sim, const Rows__Paper *row, const struct model_standing *standing)
{
	bool is_same = row == NULL ? standing->spec == NULL
				   : standing->spec != NULL && row->state == (uint32_t)standing->state &&
					     memcmp(row->hash.data, standing->spec->hash, HASH_SIZE) == 0;

	if (!is_same)
		run_fail(&sim->run, "I10", "an agreement's state is not what the log gives");
}

static size_t check_store(struct checking *checking, size_t place)
{
	const struct model_store *store = &checking->sim->model->stores[place];
	uint8_t key[4 + PSEUDONYM_SIZE];
	size_t count = 0;

	if (!store->is_open)
		return 0;
	put_u32(key, checking->sim->stores[place].store);
	const Rows__Store *row = row_of(checking, TABLE_STORE, SLICE(key, 4), &rows__store__descriptor);
	check_standing(checking->sim, row->current, &store->current);
	check_standing(checking->sim, row->candidate, &store->candidate);
	for (size_t i = 0; i < store->employees.count; i++) {
		const struct model_employee *employee = &store->employees.items[i];
		memcpy(key + 4, employee->pseudonym, PSEUDONYM_SIZE);
		if (!employee->is_there)
			continue;
		const Rows__Employee *person =
			row_of(checking, TABLE_EMPLOYEE, SLICE_ARRAY(key), &rows__employee__descriptor);
		if (strcmp(person->role, spec_roles[employee->role]) != 0)
			run_fail(&checking->sim->run, "I10", "a role is not what the log gives");
		count++;
	}
	return count;
}

/* One row a day and grant with the count, one for each customer counted. */
static void check_uses(struct checking *checking)
{
	struct model *model = checking->sim->model;
	uint64_t days = 0;

	for (size_t i = 0; i < model->uses.count; i++) {
		const struct model_use *use = &model->uses.items[i];
		uint8_t key[HASH_SIZE + 5];
		struct slice value;
		bool is_first = true;

		for (size_t j = 0; j < i; j++)
			if (model->uses.items[j].grant == use->grant && model->uses.items[j].day == use->day &&
			    memcmp(model->uses.items[j].agreement, use->agreement, HASH_SIZE) == 0)
				is_first = false;
		days += is_first;
		memcpy(key, use->agreement, HASH_SIZE);
		key[HASH_SIZE] = (uint8_t)use->grant;
		put_u32(key + HASH_SIZE + 1, use->day);
		uint32_t count =
			model_uses(model, model_agreement(model, SLICE_ARRAY(use->agreement)), use->grant, use->day);
		if (store_get(checking->txn, TABLE_USE, SLICE_ARRAY(key), &value) != ERR_OK || value.length != 4 ||
		    get_u32(value.data) != count)
			run_fail(&checking->sim->run, "I10", "a day's use is not the %u that the log gives", count);
	}
	if (store_count(checking->txn, TABLE_USE) != days + model->uses.count)
		run_fail(&checking->sim->run, "I10", "use is counted that the log does not give");
}

static void check_lanes(struct checking *checking)
{
	const struct model *model = checking->sim->model;
	uint64_t lanes = 0;

	for (size_t i = 0; i < model->principals.count; i++) {
		const struct model_principal *principal = &model->principals.items[i];
		uint8_t key[1 + PRINCIPAL_MAX];
		size_t length = strlen(principal->name);
		struct slice value;

		memcpy(key + 1, principal->name, length);
		for (unsigned lane = 0; lane <= LANE_MAX; lane++) {
			key[0] = (uint8_t)lane;
			if (principal->sequences[lane] == 0)
				continue;
			lanes++;
			if (store_get(checking->txn, TABLE_LANE, SLICE(key, length + 1), &value) != ERR_OK ||
			    get_u64(value.data) != principal->sequences[lane])
				run_fail(&checking->sim->run, "I5", "lane %u of %s is not where the log says", lane,
					 principal->name);
		}
	}
	if (store_count(checking->txn, TABLE_LANE) != lanes)
		run_fail(&checking->sim->run, "I5", "%" PRIu64 " lanes, %" PRIu64 " by the log",
			 store_count(checking->txn, TABLE_LANE), lanes);
}

static void check_counts(struct checking *checking, size_t employees)
{
	const struct model *model = checking->sim->model;
	uint64_t records = 0, erased = 0, receipts = 0;

	for (size_t i = 0; i < model->customers.count; i++) {
		erased += model->customers.items[i].is_erased;
		records += model->customers.items[i].is_erased ? 0 : model->customers.items[i].records.count;
	}
	for (size_t i = 0; i < model->receipts.count; i++)
		receipts += !model->customers.items[model->receipts.items[i].customer].is_erased;
	const struct {
		enum table table;
		uint64_t count;
	} rows[] = {{TABLE_CUSTOMER, model->customers.count - erased},
		    {TABLE_ERASURE, erased},
		    {TABLE_RECORD, records},
		    {TABLE_RECEIPT, receipts},
		    {TABLE_RECEIPT_AT, model->receipts.count},
		    {TABLE_EMPLOYEE, employees}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (store_count(checking->txn, rows[i].table) != rows[i].count)
			run_fail(&checking->sim->run, "I10", "table %u has %" PRIu64 " rows, by the log %" PRIu64,
				 (unsigned)rows[i].table, store_count(checking->txn, rows[i].table), rows[i].count);
	if (store_count(checking->txn, TABLE_FEED) != store_count(checking->txn, TABLE_FEED_AT))
		run_fail(&checking->sim->run, "I11", "the feed names a customer twice, or not at all");
}

static void check_tables(struct checking *checking)
{
	const struct model *model = checking->sim->model;
	size_t employees = 0;

	check_log(checking->sim, checking->txn);
	for (size_t i = 0; i < model->customers.count; i++) {
		const struct model_customer *customer = &model->customers.items[i];
		(customer->is_erased ? check_erased : check_customer)(checking, customer);
	}
	for (size_t i = 0; i < STORES; i++)
		employees += check_store(checking, i);
	check_uses(checking);
	check_lanes(checking);
	check_counts(checking, employees);
}

void check_now(struct sim *sim)
{
	struct checking checking = {.sim = sim};

	check_received(sim);
	arena_init(&checking.arena, (size_t)64 * 1024 * 1024);
	run_must(&sim->run, store_begin_read(sim->franchise.store, &checking.txn), "read");
	check_tables(&checking);
	store_end_read(&checking.txn);
	arena_fini(&checking.arena);
}

/* ---- I11 ---- */

static enum err forget_cursor(struct store_txn *txn, void *purpose)
{
	uint8_t key[NAME_MAX_ + 1];
	size_t length = strlen(purpose);

	memcpy(key, purpose, length);
	key[length] = 0;
	store_delete(txn, REPLICA_META, SLICE(key, length + 1));
	return ERR_OK;
}

/* A scope that changed by time or by a charter's new rule is not in the feed: such a copy is made anew. */
static void make_anew(struct sim *sim, size_t store, unsigned purpose)
{
	char name[NAME_MAX_ + 1];

	if (!sim->has_windows && !sim->has_other_charter)
		return;
	snprintf(name, sizeof(name), "%s", spec_purposes[purpose]);
	run_must(&sim->run, store_update(sim->stores[store].copy.store, forget_cursor, name), "cursor");
}

static void sync_all(struct sim *sim, size_t store, unsigned purpose)
{
	struct client *client = client_of(sim, &sim->stores[store], LANE_SYNC);

	make_anew(sim, store, purpose);
	for (unsigned i = 0; i < PAGES_MAX; i++) {
		client->has_page = false;
		client_sync(client, spec_purposes[purpose]);
		client_settle(client);
		if (client->has_page && client->outcome.verdict == ERR_OK && !client->outcome.has_more)
			return;
	}
	run_fail(&sim->run, "I11", "store %u never gets to the end of its copy: %s", sim->stores[store].store,
		 error_text(client->outcome.verdict));
}

void check_copies(struct sim *sim)
{
	for (size_t i = 0; i < STORES; i++) {
		const struct actor *store = &sim->stores[i];
		const struct model_principal *principal = model_principal(sim->model, store->key.public.name);

		if (principal == NULL || memcmp(principal->key, store->key.public.key, KEY_SIZE) != 0)
			continue;
		for (unsigned purpose = 0; purpose < SPEC_PURPOSES; purpose++) {
			struct model_view view = {
				.store = i, .purpose = purpose, .now_ms = broker_now(sim), .is_new = sim->has_windows};
			if (model_holds(sim->model, &view, NULL) < 0)
				continue;
			sync_all(sim, i, purpose);
			model_compare(sim->model, &view, &store->copy);
		}
	}
}

/* ---- the auditor ---- */

void check_auditor(struct sim *sim)
{
	struct auditing auditing = {.store = sim->franchise.store,
				    .log = &sim->franchise.log.public,
				    .controller = &sim->office.key.public,
				    .seed = sim->run.seed};
	struct fault fault = {""};

	if (auditing_run(&auditing, &fault) != ERR_OK)
		run_fail(&sim->run, "I4", "the auditor: %s", fault.text);
}
