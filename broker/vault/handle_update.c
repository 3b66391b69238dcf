/* New values for some fields of a customer (FORMAT.md R114, R131). */
#include "vault/authority.h"
#include "vault/customer.h"
#include "vault/record.h"
#include "vault/values.h"

static enum err check_values(struct context *context, const struct authority *authority,
			     const struct customer *customer, const Kluis__Values **ret_values)
{
	uint64_t fields;
	struct slice holder;

	TRY(values_read(context, ret_values, &fields));
	context->result->has_fields = true;
	context->result->fields = fields;
	TRY(authority_over_fields(context, authority, fields));
	if ((*ret_values)->n_values == 0)
		return ERR_VALUE;
	TRY(values_check(context, *ret_values));
	return values_check_identifier(context, *ret_values, customer, &holder);
}

static enum err write(struct context *context, const struct customer *customer, const struct record_change *change)
{
	TRY(record_write(context, customer, change));
	TRY(customer_put(context, customer));
	customer_touch(context, customer);
	context->result->has_version = true;
	context->result->version = customer->row->version;
	context->result->has_lost = change->lost != 0;
	context->result->lost = change->lost;
	return ERR_OK;
}

/* R131: a store says when, and on what, it made a change that waited; head office makes its changes here and now. */
static enum err find_origin(struct context *context, const struct authority *authority, const struct customer *customer,
			    const Rows__Record *latest, struct change_origin *ret_origin)
{
	const Kluis__Update *request = context->operation->update;
	struct change_origin origin;
	Rows__Record *base;

	record_origin(context, customer, latest, &origin);
	if (request->has_made_ms && !authority->is_controller) {
		if (request->made_ms < origin.made_ms)
			origin.made_ms = request->made_ms;
		if (!request->has_basis || request->basis < origin.basis) {
			origin.basis = request->has_basis ? request->basis : 0;
			enum err err = vault_record(context, customer, origin.basis, &base);
			if (err != ERR_OK && err != ERR_NOT_FOUND)
				return err;
			origin.base = err == ERR_OK ? base : NULL;
		}
	}
	*ret_origin = origin;
	return ERR_OK;
}

static enum err update(struct context *context)
{
	struct authority authority;
	struct customer customer;
	const Kluis__Values *values;
	Rows__Record *before;
	struct change_origin origin;
	struct record_change change;

	TRY(authority_standing(context, OPERATION_UPDATE, &authority));
	TRY(vault_customer(context, wire_slice(context->operation->update->customer), &customer));
	TRY(result_set_customer(context, customer_pseudonym(&customer)));
	TRY(authority_over(context, &authority, &customer));
	TRY(check_values(context, &authority, &customer, &values));
	TRY(record_latest(context, &customer, &before));
	TRY(find_origin(context, &authority, &customer, before, &origin));
	TRY(record_merge(context, before, values, &origin, &change));
	/* a store always gets a new version: whether it guessed a value that its grant masks is not for it to learn */
	if (authority.is_controller && change.changed == 0)
		context->result->has_is_unchanged = context->result->is_unchanged = true;
	else
		TRY(write(context, &customer, &change));
	return authority_permit(context, &authority);
}

enum err handle_update(struct context *context)
{
	return settle(context, update(context));
}
