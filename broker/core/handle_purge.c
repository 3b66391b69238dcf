#include "core/received.h"

/* FORMAT.md R153: one erased customer's part of the copy. */
static enum err purge_customer(struct context *context, struct slice purpose)
{
	struct slice customer = wire_slice(context->operation->purge->customer), row;
	uint32_t store = context->envelope->principal.store;
	bool is_owed;

	enum err err = view_get(context->view, TABLE_ERASURE, customer, &row);
	if (err == ERR_NOT_FOUND)
		return refuse(context, ERR_NOT_FOUND, NULL);
	TRY(err);
	TRY(received_is_there(context, customer, store, purpose, &is_owed));
	if (!is_owed)
		return refuse(context, ERR_NOT_FOUND, NULL);
	return received_drop(context, customer, store, purpose);
}

/* FORMAT.md R128. */
enum err handle_purge(struct context *context)
{
	const char *purpose = context->operation->purpose;
	uint32_t store = context->envelope->principal.store;
	Rows__Holding holding;

	if (purpose == NULL)
		return refuse(context, ERR_NOT_FOUND, NULL);
	if (context->operation->purge->has_customer)
		return purge_customer(context, slice_text(purpose));
	TRY(copies_holding(context, store, slice_text(purpose), &holding));
	if (!holding.has_since_ms)
		return refuse(context, ERR_NOT_FOUND, NULL);
	return copies_drop_holding(context, store, slice_text(purpose));
}
