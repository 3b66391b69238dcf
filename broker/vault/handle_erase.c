/*
 * Erasure of a customer, GDPR art. 17 (FORMAT.md R150): in one commit all that opens what is known of the person goes,
 * and every copy that ever had it learns of it. Head office's list of what is outstanding: R154.
 */
#include "core/notices.h"
#include "core/received.h"
#include "vault/authority.h"
#include "vault/customer.h"
#include "vault/index.h"
#include "vault/master.h"
#include "vault/record.h"

#define ROWS_MAX 4000 /* in one answer */

/* ---- erasing ---- */

/* Whatever field a charter had ever declared a lookup: older index rows went when their value was changed. */
static enum err remove_lookups(struct context *context, const struct customer *customer)
{
	Rows__Record *record;
	uint8_t key[HASH_SIZE];

	TRY(record_latest(context, customer, &record));
	for (size_t i = 0; i < context->charter->field_count; i++) {
		const struct charter_field *field = &context->charter->fields[i];
		const Rows__RecordValue *value = record_value(record, field->number);

		if (value != NULL && index_key(context, field, slice_text(value->value), key) == ERR_OK)
			TRY(index_remove(context, SLICE_ARRAY(key), customer_pseudonym(customer)));
	}
	return ERR_OK;
}

struct telling {
	struct context *context;
	struct slice customer;
};

static enum err tell_store(void *visitor, uint32_t store, struct slice purpose, const Rows__Holding *holding)
{
	const struct telling *telling = visitor;

	(void)purpose;
	(void)holding;
	view_touch(telling->context->view, store, telling->customer);
	return telling->context->view->status;
}

static enum err put_erasure(struct context *context, struct slice pseudonym)
{
	Rows__Erasure row = ROWS__ERASURE__INIT;
	struct epochs epochs;

	TRY(epochs_get(context, &epochs));
	row.time_ms = copies_second_ms(context);
	row.ground = context->operation->erase->ground;
	row.epoch = epochs.newest;
	return row_put(context, TABLE_ERASURE, pseudonym, &row.base);
}

static enum err destroy(struct context *context, const struct customer *customer)
{
	struct slice pseudonym = customer_pseudonym(customer);
	struct telling telling = {.context = context, .customer = pseudonym};

	TRY(remove_lookups(context, customer));
	TRY(notices_erase(context, pseudonym));
	view_delete(context->view, TABLE_CUSTOMER, pseudonym);
	view_delete_all(context->view, TABLE_RECORD, pseudonym);
	view_delete_all(context->view, TABLE_RECEIPT, pseudonym);
	TRY(put_erasure(context, pseudonym));
	return received_each(context, pseudonym, tell_store, &telling);
}

static enum err erase(struct context *context)
{
	struct slice pseudonym = wire_slice(context->operation->erase->customer);
	struct customer customer;
	enum err err = vault_customer(context, pseudonym, &customer);
	bool is_unchanged = err == ERR_ERASED;

	/* copies that come to have the customer, and notices about them, are found by walking */
	view_alone(context->view);
	if (!is_unchanged)
		TRY(err);
	TRY(result_set_customer(context, pseudonym));
	if (!is_unchanged)
		TRY(destroy(context, &customer));
	context->result->has_is_unchanged = context->result->is_unchanged = is_unchanged;
	return permit(context, "controller");
}

enum err handle_erase(struct context *context)
{
	return settle(context, erase(context));
}

/* ---- the list ---- */

struct listing {
	struct context *context;
	Kluis__ErasureRow row;
	bool is_outstanding; /* what this pass lists */
	bool is_owed;	     /* by some store */
};

static bool has_room(const struct context *context)
{
	return context->data.count < ROWS_MAX && context->arena->used < context->arena->ceiling / 4 * 3;
}

static enum err add_debt(void *visitor, uint32_t store, struct slice purpose, const Rows__Holding *holding)
{
	struct listing *listing = visitor;
	Kluis__ErasureRow row = listing->row;

	listing->is_owed = true;
	if (!listing->is_outstanding || !has_room(listing->context))
		return ERR_OK;
	row.has_store = 1;
	row.store = store;
	row.purpose = arena_text(listing->context->arena, purpose);
	row.has_until_ms = holding->has_until_ms;
	row.until_ms = holding->until_ms;
	return row.purpose == NULL ? ERR_MEMORY : context_add_message(listing->context, &row.base);
}

static enum err read_erasure(struct listing *listing, struct slice key, struct slice value)
{
	struct context *context = listing->context;
	uint8_t *customer = arena_copy(context->arena, key);
	Rows__Erasure *erasure;
	struct epochs epochs;

	if (customer == NULL)
		return ERR_MEMORY;
	if (key.length != PSEUDONYM_SIZE || wire_decode(&rows__erasure__descriptor, value, context->arena,
							(ProtobufCMessage **)(void *)&erasure) != ERR_OK)
		return ERR_CORRUPT;
	TRY(epochs_get(context, &epochs));
	kluis__erasure_row__init(&listing->row);
	listing->row.customer = wire_data(SLICE(customer, PSEUDONYM_SIZE));
	listing->row.time_ms = erasure->time_ms;
	listing->row.ground = erasure->ground;
	listing->row.is_rotated = epochs.oldest > erasure->epoch;
	return ERR_OK;
}

static enum err add_erasure(struct listing *listing, struct slice key, struct slice value)
{
	struct context *context = listing->context;

	TRY(read_erasure(listing, key, value));
	listing->is_owed = false;
	TRY(received_each(context, wire_slice(listing->row.customer), add_debt, listing));
	bool is_complete = !listing->is_owed && listing->row.is_rotated;
	if (listing->is_owed || is_complete == listing->is_outstanding || !has_room(context))
		return ERR_OK;
	return context_add_message(context, &listing->row.base);
}

static enum err add_erasures(struct context *context, bool is_outstanding)
{
	struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
	struct listing listing = {.context = context, .is_outstanding = is_outstanding};
	struct slice key, value;

	TRY(store_seek(context->view->txn, TABLE_ERASURE, SLICE_EMPTY, &cursor));
	while (has_room(context) && store_next(cursor, &key, &value)) {
		view_note(context->view, TABLE_ERASURE, key);
		TRY(add_erasure(&listing, key, value));
	}
	return store_txn_status(context->view->txn);
}

enum err handle_erasures(struct context *context)
{
	TRY(add_erasures(context, true));
	TRY(add_erasures(context, false));
	context->result->has_has_more = true;
	context->result->has_more = !has_room(context);
	return ERR_OK;
}
