#include "core/copies.h"

/* FORMAT.md R128. */
enum err handle_purge(struct context *context)
{
	const char *purpose = context->operation->purpose;
	uint32_t store = context->envelope->principal.store;
	Rows__Holding holding;

	if (purpose == NULL)
		return refuse(context, ERR_NOT_FOUND, NULL);
	TRY(copies_holding(context, store, slice_text(purpose), &holding));
	if (!holding.has_since_ms)
		return refuse(context, ERR_NOT_FOUND, NULL);
	return copies_drop_holding(context, store, slice_text(purpose));
}
