#include "core/copies.h"

#include <string.h>

#include "core/request.h"

#define HOLDING_KEY_MAX (4 + NAME_MAX_)
#define FINDING_KEY_SIZE (8 + 4 + 8)

uint64_t copies_second_ms(const struct context *context)
{
	return context->time_ms / 1000 * 1000;
}

/* ---- journals ---- */

enum err copies_entry_ms(struct context *context, uint64_t index, uint64_t *ret_time_ms)
{
	struct slice bytes;

	TRY(ledger_entry(&core_ledger_tables, context->view->txn, index, &bytes));
	return entry_read_time(bytes, ret_time_ms);
}

enum err copies_request(struct context *context, struct journal_request *ret_request)
{
	const Kluis__Request *request = context->envelope->decoded;
	struct journal_request made = {.entry_ms = copies_second_ms(context), .time_ms = request->time_ms};

	if (request->acknowledgement != NULL)
		TRY(copies_entry_ms(context, request->acknowledgement->index, &made.acknowledged_ms));
	*ret_request = made;
	return ERR_OK;
}

static enum err read_commitment(const Rows__JournalCommitment *row, struct journal_commitment *ret_commitment)
{
	if (row->hash.len != HASH_SIZE)
		return ERR_CORRUPT;
	*ret_commitment =
		(struct journal_commitment){.number = row->number, .made_ms = row->made_ms, .entry_ms = row->entry_ms};
	memcpy(ret_commitment->hash.bytes, row->hash.data, HASH_SIZE);
	return ERR_OK;
}

static enum err read_journal(const Rows__Journal *row, struct journal_position *ret_position)
{
	if (row->hash.len != HASH_SIZE || row->n_waiting > JOURNAL_COMMITMENTS_MAX)
		return ERR_CORRUPT;
	*ret_position = (struct journal_position){.number = row->number,
						  .time_ms = row->time_ms,
						  .seen_size = row->seen_size,
						  .taken_ms = row->taken_ms,
						  .after_ms = row->after_ms,
						  .waiting_count = row->n_waiting,
						  .leased_ms = row->leased_ms};
	memcpy(ret_position->hash.bytes, row->hash.data, HASH_SIZE);
	for (size_t i = 0; i < row->n_waiting; i++)
		TRY(read_commitment(row->waiting[i], &ret_position->waiting[i]));
	return ERR_OK;
}

enum err copies_journal(struct context *context, uint32_t store, struct journal_position *ret_position)
{
	uint8_t place[4];
	ProtobufCMessage *message;
	enum err err = row_get(context, TABLE_JOURNAL, store_key(store, place), &rows__journal__descriptor, &message);

	if (err == ERR_NOT_FOUND) {
		*ret_position = (struct journal_position){.number = 0};
		return ERR_OK;
	}
	TRY(err);
	return read_journal((const Rows__Journal *)message, ret_position);
}

enum err copies_put_journal(struct context *context, uint32_t store, const struct journal_position *position)
{
	Rows__JournalCommitment waiting[JOURNAL_COMMITMENTS_MAX], *rows[JOURNAL_COMMITMENTS_MAX];
	Rows__Journal row = ROWS__JOURNAL__INIT;
	uint8_t place[4];

	row.number = position->number;
	row.hash = wire_data(SLICE_ARRAY(position->hash.bytes));
	row.time_ms = position->time_ms;
	row.seen_size = position->seen_size;
	row.taken_ms = position->taken_ms;
	row.after_ms = position->after_ms;
	row.leased_ms = position->leased_ms;
	row.n_waiting = position->waiting_count;
	row.waiting = rows;
	for (size_t i = 0; i < position->waiting_count; i++) {
		const struct journal_commitment *commitment = &position->waiting[i];
		rows__journal_commitment__init(&waiting[i]);
		waiting[i].number = commitment->number;
		waiting[i].hash = wire_data(SLICE_ARRAY(commitment->hash.bytes));
		waiting[i].made_ms = commitment->made_ms;
		waiting[i].entry_ms = commitment->entry_ms;
		rows[i] = &waiting[i];
	}
	return row_put(context, TABLE_JOURNAL, store_key(store, place), &row.base);
}

/* ---- holdings ---- */

static struct slice holding_key(uint32_t store, struct slice purpose, uint8_t place[static HOLDING_KEY_MAX])
{
	size_t length = purpose.length < NAME_MAX_ ? purpose.length : NAME_MAX_;

	put_u32(place, store);
	if (length > 0)
		memcpy(place + 4, purpose.data, length);
	return SLICE(place, 4 + length);
}

bool copies_holding_key(struct slice key, uint32_t *ret_store, struct slice *ret_purpose)
{
	if (key.length <= 4 || key.length > HOLDING_KEY_MAX)
		return false;
	*ret_store = get_u32(key.data);
	*ret_purpose = slice_part(key, 4, key.length - 4);
	return true;
}

enum err copies_holding(struct context *context, uint32_t store, struct slice purpose, Rows__Holding *ret_holding)
{
	uint8_t place[HOLDING_KEY_MAX];
	ProtobufCMessage *row;
	enum err err =
		row_get(context, TABLE_HOLDING, holding_key(store, purpose, place), &rows__holding__descriptor, &row);

	if (err == ERR_NOT_FOUND) {
		rows__holding__init(ret_holding);
		return ERR_OK;
	}
	TRY(err);
	*ret_holding = *(const Rows__Holding *)row;
	return ERR_OK;
}

enum err copies_put_holding(struct context *context, uint32_t store, struct slice purpose, const Rows__Holding *holding)
{
	uint8_t place[HOLDING_KEY_MAX];

	return row_put(context, TABLE_HOLDING, holding_key(store, purpose, place), &holding->base);
}

enum err copies_drop_holding(struct context *context, uint32_t store, struct slice purpose)
{
	uint8_t place[HOLDING_KEY_MAX];

	view_delete(context->view, TABLE_HOLDING, holding_key(store, purpose, place));
	return context->view->status;
}

/* ---- findings ---- */

/* The newest sort first. */
static struct slice finding_key(const struct context *context, uint64_t number, uint8_t place[static FINDING_KEY_SIZE])
{
	put_u64(place, UINT64_MAX - context->time_ms / 1000);
	put_u32(place + 8, context->envelope->principal.store);
	put_u64(place + 12, number);
	return SLICE(place, FINDING_KEY_SIZE);
}

enum err copies_add_finding(struct context *context, uint32_t findings, uint64_t number)
{
	uint8_t place[FINDING_KEY_SIZE], kinds[4];
	struct slice key = finding_key(context, number, place), value;

	if (findings == 0)
		return ERR_OK;
	context->findings |= findings;
	enum err err = view_get(context->view, TABLE_FINDING, key, &value);
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return err;
	if (err == ERR_OK && value.length != sizeof kinds)
		return ERR_CORRUPT;
	put_u32(kinds, findings | (err == ERR_OK ? get_u32(value.data) : 0));
	view_put(context->view, TABLE_FINDING, key, SLICE_ARRAY(kinds));
	return context->view->status;
}

enum err copies_read_finding(struct slice key, struct slice value, Kluis__FindingRow *ret_row)
{
	if (key.length != FINDING_KEY_SIZE || value.length != 4)
		return ERR_CORRUPT;
	kluis__finding_row__init(ret_row);
	ret_row->time_ms = (UINT64_MAX - get_u64(key.data)) * 1000;
	ret_row->store = get_u32(key.data + 8);
	ret_row->number = get_u64(key.data + 12);
	ret_row->kinds = get_u32(value.data);
	return ERR_OK;
}
