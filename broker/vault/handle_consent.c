/* What a customer has said to a purpose (FORMAT.md R115). */
#include "vault/authority.h"
#include "vault/customer.h"

static enum err consent(struct context *context)
{
	const Kluis__Consent *request = context->operation->consent;
	struct authority authority;
	struct customer customer;
	bool is_changed;

	TRY(authority_standing(context, OPERATION_CONSENT, &authority));
	TRY(vault_customer(context, wire_slice(request->customer), &customer));
	TRY(result_set_customer(context, customer_pseudonym(&customer)));
	TRY(authority_over(context, &authority, &customer));
	if (charter_purpose(context->charter, slice_text(request->state->purpose)) < 0)
		return ERR_PURPOSE;
	TRY(customer_set_consent(context, &customer, request->state->purpose, request->state->status, &is_changed));
	if (is_changed) {
		TRY(customer_put(context, &customer));
		customer_touch(context, &customer);
	}
	context->result->has_is_unchanged = context->result->is_unchanged = !is_changed;
	return authority_permit(context, &authority);
}

enum err handle_consent(struct context *context)
{
	return settle(context, consent(context));
}
