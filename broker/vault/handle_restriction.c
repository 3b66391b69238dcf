/* Restriction of processing, GDPR art. 18 (FORMAT.md R116): head office sets and lifts it. */
#include "vault/authority.h"
#include "vault/customer.h"

static enum err restriction(struct context *context)
{
	const Kluis__Restriction *request = context->operation->restriction;
	struct customer customer;

	TRY(vault_customer(context, wire_slice(request->customer), &customer));
	TRY(result_set_customer(context, customer_pseudonym(&customer)));
	bool is_changed = (customer.row->is_restricted != 0) != (request->is_restricted != 0);
	if (is_changed) {
		customer.row->is_restricted = request->is_restricted != 0;
		TRY(customer_put(context, &customer));
		customer_touch(context, &customer);
	}
	context->result->has_is_unchanged = context->result->is_unchanged = !is_changed;
	return permit(context, "controller");
}

enum err handle_restriction(struct context *context)
{
	return settle(context, restriction(context));
}
