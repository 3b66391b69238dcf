/* Envelopes of an import. */
#include <stdlib.h>
#include <string.h>

#include "command/import_batch.h"
#include "kluis/clock.h"

struct import_batch *import_batch_new(struct session *session, const uint8_t import[static HASH_SIZE],
				      struct import_rejects *rejects, struct import_summary *summary, uint64_t rows)
{
	struct import_batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		return NULL;
	batch->session = session;
	memcpy(batch->import, import, HASH_SIZE);
	batch->rejects = rejects;
	batch->summary = summary;
	batch->rows = rows;
	arena_init(&batch->arena, 2 * REQUEST_ARENA_MAX);
	return batch;
}

void import_batch_free(struct import_batch **batch)
{
	if (!*batch)
		return;
	arena_fini(&(*batch)->arena);
	free(*batch);
	*batch = NULL;
}

void import_batch_add(struct import_batch *batch, const struct import_item *item)
{
	assert(!import_batch_is_full(batch));
	batch->items[batch->item_count++] = *item;
	batch->rows += item->row_count;
	if (!item->operation)
		return;
	batch->operation_count++;
	batch->request_bytes += wire_size(&item->operation->base) + 8;
	if (item->part)
		batch->part_bytes += wire_size(&item->part->base) + 8;
}

bool import_batch_is_full(const struct import_batch *batch)
{
	return batch->item_count == IMPORT_BATCH_ITEMS || batch->operation_count == IMPORT_BATCH_OPERATIONS ||
	       batch->request_bytes + 2 * IMPORT_ITEM_REQUEST_MAX > REQUEST_MAX ||
	       batch->part_bytes > IMPORT_BATCH_PARTS || batch->arena.used > REQUEST_ARENA_MAX;
}

static Kluis__Operation *make_progress(struct import_batch *batch)
{
	Kluis__Operation *operation = arena_alloc(&batch->arena, sizeof(*operation));
	Kluis__Progress *progress = arena_alloc(&batch->arena, sizeof(*progress));

	if (!operation || !progress)
		return NULL;
	kluis__progress__init(progress);
	progress->import = wire_data(SLICE_ARRAY(batch->import));
	kluis__operation__init(operation);
	operation->kind_case = KLUIS__OPERATION__KIND_PROGRESS;
	operation->progress = progress;
	return operation;
}

/* One envelope; the whole of it refused is a failure here. */
static enum err call(struct import_batch *batch, struct session_request *request, struct session_answer *ret_answer,
		     struct fault *fault)
{
	request->time_ms = clock_now_ms();
	TRY(session_call(batch->session, request, IMPORT_TRIES, &batch->arena, ret_answer, fault));
	if (!ret_answer->has_entry)
		return fault_set(fault, ERR_MISMATCH, "the broker answered without an entry");
	if (ret_answer->entry.decoded->code != 0)
		return fault_set(fault, (enum err)ret_answer->entry.decoded->code, "the broker refused the request: %s",
				 error_text((enum err)ret_answer->entry.decoded->code));
	return ERR_OK;
}

enum err import_batch_ask(struct import_batch *batch, uint64_t *ret_rows, bool *ret_is_done, struct fault *fault)
{
	Kluis__Operation *operation = make_progress(batch);
	struct session_request request = {.operations = &operation, .operation_count = 1};
	struct session_answer answer;
	const Kluis__Result *result;

	if (!operation)
		return ERR_MEMORY;
	TRY(call(batch, &request, &answer, fault));
	result = answer.entry.decoded->results[0];
	if (result->code != ERR_OK && result->code != ERR_NOT_FOUND)
		return fault_set(fault, (enum err)result->code, "the broker refused to say how far the import is: %s",
				 error_text((enum err)result->code));
	*ret_rows = result->has_rows ? result->rows : 0;
	*ret_is_done = result->has_is_done && result->is_done;
	arena_reset(&batch->arena);
	return ERR_OK;
}

/* Faults that every row of the file would meet: the mapping or the charter is to be mended, not the rows. */
static bool is_fault_of_all(uint32_t code)
{
	return code == ERR_PURPOSE || code == ERR_FORBIDDEN || code == ERR_MEMORY;
}

/* What the broker's refusal of one receipt means, for whoever mends the file. */
static const struct {
	enum err code;
	const char *reason;
} receipt_reasons[] = {
	{ERR_NOT_FOUND, "customer: not known"},
	{ERR_STORE, "store: not known"},
	{ERR_VALUE, "date: later than tomorrow, or an amount too large"},
	{ERR_EXISTS, "a receipt of this store, customer and date is there with other lines"},
};

static const char *reason_of(const Kluis__Operation *operation, enum err code)
{
	if (operation->kind_case == KLUIS__OPERATION__KIND_RECEIPT)
		for (size_t i = 0; i < sizeof(receipt_reasons) / sizeof(receipt_reasons[0]); i++)
			if (receipt_reasons[i].code == code)
				return receipt_reasons[i].reason;
	return error_text(code);
}

static enum err count_result(struct import_batch *batch, const struct import_item *item, const Kluis__Result *result,
			     struct fault *fault)
{
	struct import_summary *summary = batch->summary;

	if (is_fault_of_all(result->code))
		return fault_set(fault, (enum err)result->code, "the broker refuses such rows: %s",
				 error_text((enum err)result->code));
	if (result->code != ERR_OK) {
		summary->rejected += item->row_count;
		return import_rejects_add(batch->rejects, item->lines, item->row_count,
					  reason_of(item->operation, (enum err)result->code));
	}
	summary->records++;
	if (result->has_is_unchanged && result->is_unchanged)
		summary->unchanged += item->row_count;
	else
		summary->accepted += item->row_count;
	return ERR_OK;
}

static enum err count_items(struct import_batch *batch, const Kluis__Entry *entry, struct fault *fault)
{
	size_t number = 0;

	for (size_t i = 0; i < batch->item_count; i++) {
		const struct import_item *item = &batch->items[i];

		if (item->operation) {
			TRY(count_result(batch, item, entry->results[number++], fault));
			continue;
		}
		batch->summary->rejected += item->row_count;
		TRY(import_rejects_add(batch->rejects, item->lines, item->row_count, item->reason));
	}
	return ERR_OK;
}

static void clear(struct import_batch *batch)
{
	batch->item_count = batch->operation_count = batch->request_bytes = batch->part_bytes = 0;
	arena_reset(&batch->arena);
}

static enum err count_and_drop(struct import_batch *batch, const Kluis__Entry *entry, struct fault *fault)
{
	TRY(count_items(batch, entry, fault));
	TRY(import_rejects_flush(batch->rejects, fault));
	clear(batch);
	return ERR_OK;
}

enum err import_batch_drop(struct import_batch *batch, struct fault *fault)
{
	for (size_t i = 0; i < batch->item_count; i++) {
		const struct import_item *item = &batch->items[i];

		if (!item->operation)
			TRY(import_rejects_add(batch->rejects, item->lines, item->row_count, item->reason));
	}
	TRY(import_rejects_flush(batch->rejects, fault));
	clear(batch);
	return ERR_OK;
}

enum err import_batch_send(struct import_batch *batch, bool is_last, struct fault *fault)
{
	struct session_request request = {.operations = batch->operations, .parts = batch->parts};
	Kluis__Operation *progress = make_progress(batch);
	struct session_answer answer;

	if (!progress)
		return ERR_MEMORY;
	for (size_t i = 0; i < batch->item_count; i++) {
		if (batch->items[i].operation)
			batch->operations[request.operation_count++] = batch->items[i].operation;
		if (batch->items[i].part)
			batch->parts[request.part_count++] = batch->items[i].part;
	}
	progress->progress->has_rows = true;
	progress->progress->rows = batch->rows;
	progress->progress->has_is_done = is_last;
	progress->progress->is_done = is_last;
	batch->operations[request.operation_count++] = progress;

	TRY(call(batch, &request, &answer, fault));
	const Kluis__Entry *entry = answer.entry.decoded;
	uint32_t code = entry->results[request.operation_count - 1]->code;
	if (code == ERR_STATE)
		return fault_set(fault, ERR_STATE,
				 "the broker is further with this file; is another import of it running? If not, run "
				 "this one again");
	if (code != ERR_OK)
		return fault_set(fault, (enum err)code, "the broker could not write down how far it is: %s",
				 error_text((enum err)code));
	return count_and_drop(batch, entry, fault);
}

bool import_batch_is_of(const struct import_batch *batch, const struct entry *entry)
{
	const Kluis__Operation *last = entry->request->operations[entry->request->n_operations - 1];

	return entry->decoded->code == ERR_OK && last->kind_case == KLUIS__OPERATION__KIND_PROGRESS &&
	       last->progress->has_rows && slice_equal(wire_slice(last->progress->import), SLICE_ARRAY(batch->import));
}

enum err import_batch_settle(struct import_batch *batch, const struct entry *entry, bool *ret_is_settled,
			     struct fault *fault)
{
	size_t count = entry->request->n_operations;

	*ret_is_settled = import_batch_is_of(batch, entry) && count == batch->operation_count + 1 &&
			  entry->request->operations[count - 1]->progress->rows == batch->rows;
	return *ret_is_settled ? count_and_drop(batch, entry->decoded, fault) : ERR_OK;
}
