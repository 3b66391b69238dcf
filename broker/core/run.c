/*
 * One request on one state of the tables (FORMAT.md R34 to R39, R48, section 9's preamble).
 */
#include <assert.h>
#include <string.h>

#include "core/copies.h"
#include "core/request.h"

static enum err load_charter(struct context *context)
{
	struct slice hash;
	enum err err = view_get(context->view, TABLE_META, slice_text("charter"), &hash);

	if (err == ERR_NOT_FOUND)
		return ERR_OK;
	TRY(err);
	return papers_charter(context, hash, &context->charter);
}

static enum err load_store(struct context *context, uint32_t number)
{
	Rows__Store *row;
	enum err err = store_row_get(context, number, &row);

	if (err == ERR_NOT_FOUND)
		return ERR_OK;
	TRY(err);
	context->store = row;
	if (row->current == NULL)
		return ERR_OK;
	context->agreement_state = (enum agreement_state)row->current->state;
	return papers_agreement(context, row->current, &context->agreement, &context->agreement_charter);
}

static enum err load_employee(struct context *context, uint32_t store)
{
	uint8_t key[4 + PSEUDONYM_SIZE];
	ProtobufCMessage *row;
	const Kluis__Request *request = context->envelope->decoded;

	context->employee = NULL;
	if (!request->has_employee)
		return ERR_OK;
	put_u32(key, store);
	memcpy(key + 4, request->employee.data, PSEUDONYM_SIZE);
	enum err err = row_get(context, TABLE_EMPLOYEE, SLICE_ARRAY(key), &rows__employee__descriptor, &row);
	if (err == ERR_NOT_FOUND)
		return ERR_OK;
	TRY(err);
	context->employee = (const Rows__Employee *)row;
	return ERR_OK;
}

/* The key that the signature was checked with must still be the principal's when this commits. */
static enum err check_key(struct prepared *prepared, struct context *context)
{
	ProtobufCMessage *row;
	struct slice name = slice_text(context->envelope->decoded->principal);

	if (prepared->is_first_contact || context->envelope->principal.kind == PRINCIPAL_CONTROLLER)
		return ERR_OK;
	if (prepared->is_key_fresh) {
		prepared->is_key_fresh = false; /* a later run sees another state */
		view_note(context->view, TABLE_PRINCIPAL, name);
		return context->view->status;
	}
	enum err err = row_get(context, TABLE_PRINCIPAL, name, &rows__principal__descriptor, &row);
	if (err == ERR_NOT_FOUND)
		return ERR_PRINCIPAL;
	TRY(err);
	const Rows__Principal *principal = (const Rows__Principal *)row;
	ProtobufCBinaryData key = prepared->is_old_key ? principal->previous_key : principal->public_key;
	bool is_same = !principal->is_revoked && slice_equal(wire_slice(key), SLICE_ARRAY(prepared->key));
	return is_same ? ERR_OK : ERR_PRINCIPAL;
}

/* What is known of who asks, before any operation is looked at. */
static enum err load_standing(struct context *context)
{
	const struct principal *principal = &context->envelope->principal;

	TRY(load_charter(context));
	if (principal->kind != PRINCIPAL_STORE)
		return ERR_OK;
	TRY(load_store(context, principal->store));
	return load_employee(context, principal->store);
}

static struct slice paper_of(const struct envelope *envelope, const Kluis__Operation *operation, size_t *used)
{
	const struct operation_row *row = operation_row(operation->kind_case);

	if (row == NULL || !row->takes_paper || *used >= envelope->paper_count)
		return SLICE_EMPTY;
	return envelope->papers[(*used)++];
}

static enum err handle(struct context *context)
{
	unsigned principal = 1u << context->envelope->principal.kind;
	handler_fn *handler = dispatch_handler(context->operation->kind_case);

	if (handler == NULL || (context->row->may & principal) == 0)
		return refuse(context, ERR_FORBIDDEN, NULL);
	/* before the first charter nothing else has a meaning (R49) */
	if (context->charter == NULL && context->operation->kind_case != KLUIS__OPERATION__KIND_CHARTER)
		return refuse(context, ERR_STATE, NULL);
	TRY(handler(context));
	/* who acts may just have been added, removed or given another role (R48) */
	bool is_own_staff = context->operation->kind_case == KLUIS__OPERATION__KIND_STAFF &&
			    context->envelope->principal.kind == PRINCIPAL_STORE;
	if (is_own_staff)
		TRY(load_employee(context, context->envelope->principal.store));
	return context->view->status;
}

static enum err add_data(struct prepared *prepared, struct context *context)
{
	Kluis__Data *data = arena_alloc(context->arena, sizeof *data);

	if (data == NULL)
		return ERR_MEMORY;
	kluis__data__init(data);
	data->items = context->data.items;
	data->n_items = context->data.count;
	prepared->data[prepared->data_count++] = data;
	context->data = (struct data_list){.bytes = context->data.bytes};
	return ERR_OK;
}

/* Walks the operations in order; each sees the effects of the ones before it (R48). */
static enum err handle_all(struct prepared *prepared, struct context *context, Kluis__Result **results)
{
	const Kluis__Request *request = context->envelope->decoded;
	size_t parts = 0, papers = 0;

	for (size_t i = 0; i < request->n_operations; i++) {
		results[i] = arena_alloc(context->arena, sizeof *results[i]);
		if (results[i] == NULL)
			return ERR_MEMORY;
		kluis__result__init(results[i]);
		context->operation = request->operations[i];
		context->row = operation_row(context->operation->kind_case);
		context->result = results[i];
		bool has_part = operation_commitment(context->operation).length > 0;
		context->part = has_part ? context->envelope->parts[parts++] : NULL;
		context->paper = paper_of(context->envelope, context->operation, &papers);
		TRY(handle(context));
		if (context->row->answers_data)
			TRY(add_data(prepared, context));
	}
	return ERR_OK;
}

static void answer_without_entry(struct prepared *prepared, enum err code)
{
	prepared->code = code;
	prepared->needs_commit = false;
	prepared->has_entry = prepared->waits = false;
	prepared->parts = (struct part_list){0};
	prepared->data_count = 0;
}

static enum err write_entry(struct prepared *prepared, struct context *context, enum err code, Kluis__Result **results,
			    size_t result_count)
{
	Kluis__Entry entry = KLUIS__ENTRY__INIT;

	entry.time_ms = context->time_ms;
	entry.request = wire_data(prepared->envelope.request);
	entry.signature = wire_data(prepared->envelope.signature);
	entry.code = (uint32_t)code;
	entry.results = results;
	entry.n_results = result_count;
	bytes_clear(&prepared->entry);
	TRY(entry_encode(&entry, &prepared->entry));
	prepared->code = ERR_OK;
	prepared->needs_commit = true;
	prepared->has_entry = true;
	return ERR_OK;
}

/* The whole request is refused with an entry (R34, R35). */
static enum err refuse_all(struct prepared *prepared, struct context *context, enum err code, bool advances_lane)
{
	prepared->advances_lane = advances_lane;
	if (context->envelope->principal.kind == PRINCIPAL_STORE)
		TRY(copies_add_finding(context, FINDING_TWO_PLACES, 0));
	return write_entry(prepared, context, code, NULL, 0);
}

static enum err handle_new(struct prepared *prepared, struct context *context)
{
	const Kluis__Request *request = context->envelope->decoded;
	Kluis__Result **results = arena_array(context->arena, request->n_operations, sizeof(Kluis__Result *));
	bool is_first_entry = context->charter == NULL;

	prepared->data = arena_array(context->arena, request->n_operations, sizeof(Kluis__Data *));
	if (results == NULL || prepared->data == NULL)
		return ERR_MEMORY;
	TRY(handle_all(prepared, context, results));
	/* who did not prove an invitation leaves no trace in the log (R37), and the log begins with a charter (R49) */
	if ((prepared->is_first_contact || is_first_entry) && results[0]->code != ERR_OK) {
		answer_without_entry(prepared, (enum err)results[0]->code);
		return ERR_OK;
	}
	prepared->trust = CORE_AUTHENTICATED;
	prepared->advances_lane = true;
	prepared->parts = context->parts;
	return write_entry(prepared, context, ERR_OK, results, request->n_operations);
}

/* R120: answered by the operation's own result, in the reply's code; what it changes stands in no entry. */
static enum err handle_unlogged(struct prepared *prepared, struct context *context)
{
	Kluis__Result **result = arena_array(context->arena, 1, sizeof(Kluis__Result *));

	prepared->data = arena_array(context->arena, 1, sizeof(Kluis__Data *));
	if (result == NULL || prepared->data == NULL)
		return ERR_MEMORY;
	TRY(handle_all(prepared, context, result));
	if (result[0]->code != ERR_OK) {
		answer_without_entry(prepared, (enum err)result[0]->code);
		return ERR_OK;
	}
	prepared->code = ERR_OK;
	prepared->has_entry = false;
	prepared->needs_commit = context->view->effect_count > 0;
	prepared->waits = context->waits;
	prepared->wait = context->wait;
	return ERR_OK;
}

/* Was anything disclosed to the employee whom the request names? A sync is nobody's. */
static bool was_for_employee(const Kluis__Entry *entry, const Kluis__Request *request)
{
	for (size_t i = 0; i < entry->n_results; i++)
		if (entry->results[i]->n_disclosures > 0 &&
		    request->operations[i]->kind_case != KLUIS__OPERATION__KIND_SYNC)
			return true;
	return false;
}

/* R39: what a store once got is not handed out again after its access ended, or its employee's (I6). */
static enum err still_in_force(struct context *context, const Kluis__Entry *entry)
{
	const Kluis__Request *request = context->envelope->decoded;

	if (context->envelope->principal.kind != PRINCIPAL_STORE)
		return ERR_OK;
	struct decide_input input = {.charter = context->agreement_charter,
				     .agreement = context->agreement,
				     .state = context->agreement_state,
				     .time_s = context->time_ms / 1000};
	struct verdict verdict;
	decide(&input, &verdict);
	if (verdict.code >= ERR_NO_AGREEMENT && verdict.code <= ERR_TERMINATED)
		return verdict.code;
	bool is_same = request->has_agreement && context->agreement != NULL &&
		       slice_equal(wire_slice(request->agreement), SLICE_ARRAY(context->agreement->hash));
	if (!is_same)
		return ERR_OTHER_AGREEMENT;
	return context->employee == NULL && was_for_employee(entry, request) ? ERR_NO_EMPLOYEE : ERR_OK;
}

/* Operations that answer with data are asked again; what they say now is as good as what they said. One that was
 * refused stays so, as its entry says (R44). */
static enum err data_again(struct prepared *prepared, struct context *context, const Kluis__Entry *entry)
{
	const Kluis__Request *request = context->envelope->decoded;
	Kluis__Result *scratch = arena_alloc(context->arena, sizeof(*scratch));

	prepared->data = arena_array(context->arena, request->n_operations, sizeof(Kluis__Data *));
	if (scratch == NULL || prepared->data == NULL)
		return ERR_MEMORY;
	context->is_again = true;
	for (size_t i = 0; i < request->n_operations; i++) {
		context->operation = request->operations[i];
		context->row = operation_row(context->operation->kind_case);
		if (!context->row->answers_data)
			continue;
		kluis__result__init(scratch);
		context->result = scratch;
		if (entry->results[i]->code == ERR_OK)
			TRY(handle(context));
		TRY(add_data(prepared, context));
	}
	return ERR_OK;
}

static bool has_disclosures(const Kluis__Entry *entry)
{
	for (size_t i = 0; i < entry->n_results; i++)
		if (entry->results[i]->n_disclosures > 0)
			return true;
	return false;
}

/* The same request once more: the same entry, the same answer, nothing written (R34). */
static enum err answer_again(struct prepared *prepared, struct context *context, const struct lane *lane)
{
	struct slice bytes;
	Kluis__Entry *entry;

	TRY(ledger_entry(&core_ledger_tables, context->view->txn, lane->index, &bytes));
	bytes_clear(&prepared->entry);
	TRY(bytes_append(&prepared->entry, bytes));
	TRY(WIRE_DECODE(Entry, entry, bytes_slice(&prepared->entry), context->arena, &entry));
	prepared->code = ERR_OK;
	prepared->needs_commit = false;
	prepared->has_entry = true;
	prepared->index = lane->index;
	if (entry->code != ERR_OK)
		return ERR_OK;
	if (has_disclosures(entry)) {
		prepared->code = still_in_force(context, entry);
		if (prepared->code != ERR_OK)
			return ERR_OK;
		enum err err = vault_disclose_again(context, entry, context->envelope->decoded);
		if (err >= ERR_NOT_FOUND) {
			prepared->code = err;
			return ERR_OK;
		}
		TRY(err);
	}
	TRY(data_again(prepared, context, entry));
	prepared->parts = context->parts;
	return ERR_OK;
}

static bool acknowledges(const Kluis__Request *request, const struct lane *lane)
{
	const Kluis__Acknowledgement *acknowledgement = request->acknowledgement;

	if (lane->sequence == 0)
		return acknowledgement == NULL;
	return acknowledgement != NULL && acknowledgement->index == lane->index &&
	       slice_equal(wire_slice(acknowledgement->leaf), SLICE_ARRAY(lane->leaf.bytes));
}

static enum err read_lane(struct prepared *prepared, struct context *context, struct lane *ret_lane)
{
	uint8_t place[LANE_KEY_MAX];
	struct slice value;
	const Kluis__Request *request = context->envelope->decoded;
	struct lane lane = {0};
	ProtobufCMessage *row;

	/* A new key begins its lanes anew (R104); the same key's join sent again does not. */
	enum err err = ERR_OK;
	if (prepared->is_first_contact) {
		err = row_get(context, TABLE_PRINCIPAL, slice_text(request->principal), &rows__principal__descriptor,
			      &row);
		if (err == ERR_OK &&
		    !slice_equal(wire_slice(((Rows__Principal *)row)->public_key), SLICE_ARRAY(prepared->key)))
			err = ERR_NOT_FOUND;
	}
	if (err == ERR_OK)
		err = view_get(context->view, TABLE_LANE, lane_key(request, request->lane, place), &value);
	if (err == ERR_OK)
		TRY(lane_decode(value, &lane));
	else if (err != ERR_NOT_FOUND)
		return err;
	*ret_lane = lane;
	return ERR_OK;
}

/* Is it what the entry holds, signature and all? */
static enum err is_entered(struct context *context, const struct lane *lane, bool *ret_is_entered)
{
	struct slice bytes;
	Kluis__Entry *entry;

	*ret_is_entered = false;
	if (context->envelope->decoded->sequence != lane->sequence || lane->sequence == 0)
		return ERR_OK;
	TRY(ledger_entry(&core_ledger_tables, context->view->txn, lane->index, &bytes));
	TRY(WIRE_DECODE(Entry, entry, bytes, context->arena, &entry));
	*ret_is_entered = slice_equal(wire_slice(entry->request), context->envelope->request) &&
			  slice_equal(wire_slice(entry->signature), context->envelope->signature);
	return ERR_OK;
}

/* The key before the last rotation opens what was answered under it, and nothing else (R140). */
static enum err run_with_old_key(struct prepared *prepared, struct context *context)
{
	struct lane lane;
	bool may_see_again;

	TRY(read_lane(prepared, context, &lane));
	TRY(is_entered(context, &lane, &may_see_again));
	if (!may_see_again)
		return ERR_PRINCIPAL;
	prepared->trust = CORE_AUTHENTICATED;
	TRY(load_standing(context));
	return answer_again(prepared, context, &lane);
}

static enum err run(struct prepared *prepared, struct context *context)
{
	const Kluis__Request *request = context->envelope->decoded;
	struct lane lane;
	struct hash hash;

	TRY(check_key(prepared, context));
	if (prepared->is_old_key)
		return run_with_old_key(prepared, context);
	TRY(load_standing(context));
	if (request->sequence == 0)
		return handle_unlogged(prepared, context);
	TRY(read_lane(prepared, context, &lane));
	if (request->sequence == lane.sequence) {
		lane_hash(context->envelope->request, &hash);
		if (slice_equal(SLICE_ARRAY(hash.bytes), SLICE_ARRAY(lane.request.bytes)))
			return answer_again(prepared, context, &lane);
		return refuse_all(prepared, context, ERR_REUSED, false);
	}
	if (request->sequence != lane.sequence + 1) {
		prepared->expected = lane.sequence + 1;
		return ERR_SEQUENCE;
	}
	if (!acknowledges(request, &lane)) {
		/* a stranger with a key of its own leaves no trace and moves nobody's lane (R37) */
		if (prepared->is_first_contact)
			return ERR_ACKNOWLEDGEMENT;
		return refuse_all(prepared, context, ERR_ACKNOWLEDGEMENT, true);
	}
	return handle_new(prepared, context);
}

void request_run(struct prepared *prepared, struct store_txn *txn, uint64_t time_ms)
{
	arena_reset(&prepared->run_arena);
	view_init(&prepared->view, txn, &prepared->run_arena);
	prepared->time_ms = time_ms;
	prepared->parts = (struct part_list){0};
	prepared->data_count = 0;
	prepared->advances_lane = prepared->waits = false;
	struct context context = {
		.core = prepared->core,
		.vault = prepared->core->vault,
		.papers = prepared->core->papers,
		.keys = prepared->core->keys,
		.view = &prepared->view,
		.arena = &prepared->run_arena,
		.envelope = &prepared->envelope,
		.time_ms = time_ms,
	};
	enum err err = run(prepared, &context);
	if (err == ERR_OK)
		err = prepared->view.status;
	prepared->findings = err == ERR_OK ? context.findings : 0;
	if (err != ERR_OK)
		answer_without_entry(prepared, err);
}
