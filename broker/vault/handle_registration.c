/*
 * A new customer, or for head office's imports the same one once more
 * (FORMAT.md R113). Everything is checked first; then a record version, a row and its
 * index rows are written, or nothing when all of it was there.
 */
#include "vault/authority.h"
#include "vault/customer.h"
#include "vault/record.h"
#include "vault/values.h"

struct registration {
	struct authority authority;
	const Kluis__Registration *request;
	const Kluis__Values *values;
	bool has_store;
	uint32_t store; /* of registration, with has_store */
	int32_t day;
};

/* Nothing is known of the customer yet but what the request itself says. */
static enum err authorise(struct context *context, struct registration *registration)
{
	const Kluis__Registration *request = registration->request;
	const char *purpose = context->operation->purpose == NULL ? "" : context->operation->purpose;
	struct customer_facts facts = {.is_registered_here = true};

	TRY(authority_standing(context, OPERATION_REGISTER, &registration->authority));
	TRY(result_set_customer(context, wire_slice(request->customer)));
	for (size_t i = 0; i < request->n_consents; i++) {
		if (slice_equal(slice_text(request->consents[i]->purpose), slice_text(purpose)))
			facts.has_consented = consent_is_valid(request->consents[i]->status);
	}
	return authority_over_facts(context, &registration->authority, &facts);
}

/* A store registers for itself; head office for a store that it knows, or for none. */
static enum err check_store(struct context *context, struct registration *registration)
{
	const Kluis__Registration *request = registration->request;
	const struct principal *principal = &context->envelope->principal;
	Rows__Store *row;

	registration->has_store = request->has_store || !registration->authority.is_controller;
	registration->store = request->has_store ? request->store : principal->store;
	registration->day = request->has_day ? request->day : context_day(context);
	if (registration->day > context_day(context) + 1)
		return ERR_VALUE;
	if (!registration->authority.is_controller)
		return registration->store == principal->store ? ERR_OK : ERR_STORE;
	if (!registration->has_store)
		return ERR_OK;
	enum err err = store_row_get(context, registration->store, &row);
	return err == ERR_NOT_FOUND ? ERR_STORE : err;
}

static enum err check_values(struct context *context, struct registration *registration)
{
	uint64_t fields;

	TRY(values_read(context, &registration->values, &fields));
	context->result->has_fields = true;
	context->result->fields = fields;
	TRY(authority_over_fields(context, &registration->authority, fields));
	return values_check(context, registration->values);
}

static enum err check_consents(const struct context *context, const Kluis__Registration *request)
{
	for (size_t i = 0; i < request->n_consents; i++) {
		if (charter_purpose(context->charter, slice_text(request->consents[i]->purpose)) < 0)
			return ERR_PURPOSE;
		for (size_t j = 0; j < i; j++) {
			if (slice_equal(slice_text(request->consents[i]->purpose),
					slice_text(request->consents[j]->purpose)))
				return ERR_INPUT;
		}
	}
	return ERR_OK;
}

static enum err check_pseudonym(struct context *context, struct slice pseudonym)
{
	struct slice row;
	enum err err = view_get(context->view, TABLE_CUSTOMER, pseudonym, &row);

	if (err == ERR_OK)
		return ERR_EXISTS;
	if (err == ERR_NOT_FOUND)
		err = customer_absence(context, pseudonym);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* Registration and consents into the row. */
static enum err set_facts(struct context *context, const struct registration *registration,
			  const struct customer *customer, bool *ret_changed)
{
	bool is_changed = false, is_other;

	if (registration->has_store)
		TRY(customer_set_registered(context, customer, registration->store, registration->day, &is_changed));
	for (size_t i = 0; i < registration->request->n_consents; i++) {
		const Kluis__ConsentState *state = registration->request->consents[i];

		TRY(customer_set_consent(context, customer, state->purpose, state->status, &is_other));
		is_changed = is_changed || is_other;
	}
	*ret_changed = is_changed;
	return ERR_OK;
}

static enum err write_record(struct context *context, const struct customer *customer,
			     const struct record_change *change)
{
	TRY(record_write(context, customer, change));
	context->result->has_version = true;
	context->result->version = customer->row->version;
	return ERR_OK;
}

static enum err finish(struct context *context, const struct registration *registration,
		       const struct customer *customer)
{
	TRY(customer_put(context, customer));
	customer_touch(context, customer);
	return authority_permit(context, &registration->authority);
}

static enum err write_new(struct context *context, const struct registration *registration)
{
	struct customer customer;
	struct change_origin origin;
	struct record_change change;
	bool is_changed;

	TRY(customer_new(context, wire_slice(registration->request->customer), &customer));
	record_origin(context, &customer, NULL, &origin);
	TRY(record_merge(context, NULL, registration->values, &origin, &change));
	if (!record_has_values(change.record))
		return ERR_VALUE;
	TRY(set_facts(context, registration, &customer, &is_changed));
	TRY(write_record(context, &customer, &change));
	return finish(context, registration, &customer);
}

/* Head office's import names a customer who is there: an update of that one. */
static enum err write_known(struct context *context, const struct registration *registration, struct slice pseudonym)
{
	struct customer customer;
	Rows__Record *before;
	struct change_origin origin;
	struct record_change change;
	bool is_changed;

	TRY(vault_customer(context, pseudonym, &customer));
	TRY(result_set_customer(context, customer_pseudonym(&customer)));
	TRY(record_latest(context, &customer, &before));
	record_origin(context, &customer, before, &origin);
	TRY(record_merge(context, before, registration->values, &origin, &change));
	TRY(set_facts(context, registration, &customer, &is_changed));
	if (!is_changed && change.changed == 0) {
		context->result->has_is_unchanged = context->result->is_unchanged = true;
		return authority_permit(context, &registration->authority);
	}
	if (change.changed != 0)
		TRY(write_record(context, &customer, &change));
	return finish(context, registration, &customer);
}

static enum err take_registration(struct context *context)
{
	struct registration registration = {.request = context->operation->registration};
	struct slice holder;

	TRY(authorise(context, &registration));
	TRY(check_store(context, &registration));
	TRY(check_values(context, &registration));
	TRY(check_consents(context, registration.request));
	TRY(check_pseudonym(context, wire_slice(registration.request->customer)));
	enum err err = values_check_identifier(context, registration.values, NULL, &holder);
	if (err == ERR_EXISTS && registration.authority.is_controller)
		return write_known(context, &registration, holder);
	TRY(err);
	return write_new(context, &registration);
}

enum err handle_registration(struct context *context)
{
	return settle(context, take_registration(context));
}
