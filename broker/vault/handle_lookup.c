/*
 * Who is this? One customer by the value of a lookup field, one disclosure of
 * the latest version (FORMAT.md R110). The hot path: two rows read and opened, nothing else.
 */
#include "vault/authority.h"
#include "vault/customer.h"
#include "vault/values.h"

static enum err find(struct context *context, struct customer *ret_customer)
{
	const Kluis__Values *values;
	uint64_t fields;

	TRY(values_read(context, &values, &fields));
	if (values->n_values != 1 || values->values[0]->field != context->operation->lookup->field)
		return ERR_INPUT;
	return value_find_customer(context, values->values[0], ret_customer);
}

static enum err disclose(struct context *context, const struct authority *authority, const struct customer *customer)
{
	Kluis__Disclosure **list = arena_alloc(context->arena, sizeof(Kluis__Disclosure *));
	struct cut cut = {.version = customer->row->version,
			  .fields = authority->verdict.fields,
			  .charter = authority_charter(context, authority),
			  .grant = authority_grant(context, authority)};
	Kluis__Part *part;
	enum err err;

	if (list == NULL)
		return ERR_MEMORY;
	err = vault_disclose(context, customer, &cut, &part, &list[0]);
	TRY(err == ERR_NOT_FOUND ? ERR_CORRUPT : err);
	TRY(context_add_part(context, part));
	list[0]->grant = authority->verdict.grant;
	context->result->disclosures = list;
	context->result->n_disclosures = 1;
	return ERR_OK;
}

static enum err lookup(struct context *context)
{
	struct authority authority;
	struct customer customer;

	TRY(authority_standing(context, OPERATION_LOOKUP, &authority));
	TRY(find(context, &customer));
	TRY(result_set_customer(context, customer_pseudonym(&customer)));
	TRY(authority_over(context, &authority, &customer));
	TRY(disclose(context, &authority, &customer));
	TRY(authority_count(context, &authority, &customer));
	return authority_permit(context, &authority);
}

enum err handle_lookup(struct context *context)
{
	return settle(context, lookup(context));
}
