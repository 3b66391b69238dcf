#include "vault/authority.h"

#include <string.h>

#include "vault/customer.h"

#define CLAUSE_CONTROLLER "controller"
#define CLAUSE_AGREEMENT "agreement"

enum err settle(struct context *context, enum err err)
{
	if (err < ERR_NOT_FOUND)
		return err;
	if (context->result->code == (uint32_t)err)
		return ERR_OK;
	return refuse(context, err, NULL);
}

static enum err refuse_now(struct context *context, enum err code, const char *clause)
{
	TRY(refuse(context, code, clause));
	return code;
}

static enum err refuse_verdict(struct context *context, const struct authority *authority)
{
	char clause[CLAUSE_MAX + 1];

	verdict_clause(&authority->input, &authority->verdict, clause);
	return refuse_now(context, authority->verdict.code, clause);
}

static struct slice purpose_of(const struct context *context)
{
	return context->operation->purpose == NULL ? SLICE_EMPTY : slice_text(context->operation->purpose);
}

/* R94; who looks up a person says for what. */
static enum err controller_standing(struct context *context, enum operation operation, struct authority *authority)
{
	authority->is_controller = true;
	authority->verdict = (struct verdict){.code = ERR_OK, .fields = UINT64_MAX};
	if (operation == OPERATION_LOOKUP && charter_purpose(context->charter, purpose_of(context)) < 0)
		return ERR_PURPOSE;
	return ERR_OK;
}

/* A role that the agreement's charter does not have is in no grant's staff. */
static void take_employee(const struct context *context, struct decide_input *input)
{
	int role;

	if (context->employee == NULL || context->agreement_charter == NULL)
		return;
	role = charter_role(context->agreement_charter, slice_text(context->employee->role));
	input->has_employee = true;
	input->role = role < 0 ? ROLES_MAX : (uint32_t)role;
}

/* Did the agreement itself decide, by R80 to R82? */
static bool is_out_of_force(const struct verdict *verdict)
{
	return !verdict->has_grant && verdict->code >= ERR_NO_AGREEMENT && verdict->code <= ERR_TERMINATED;
}

static bool names_agreement(const struct context *context)
{
	const Kluis__Request *request = context->envelope->decoded;

	return request->has_agreement && context->agreement != NULL &&
	       slice_equal(wire_slice(request->agreement), SLICE_ARRAY(context->agreement->hash));
}

enum err authority_standing(struct context *context, enum operation operation, struct authority *ret_authority)
{
	struct authority *authority = ret_authority;

	*authority = (struct authority){.is_controller = false};
	if (context->envelope->principal.kind != PRINCIPAL_STORE)
		return controller_standing(context, operation, authority);
	authority->input = (struct decide_input){.charter = context->agreement_charter,
						 .agreement = context->agreement,
						 .state = context->agreement_state,
						 .operation = operation,
						 .purpose = purpose_of(context),
						 .time_s = context->time_ms / 1000};
	take_employee(context, &authority->input);
	decide(&authority->input, &authority->verdict);
	if (!is_out_of_force(&authority->verdict) && !names_agreement(context))
		return refuse_now(context, ERR_OTHER_AGREEMENT, CLAUSE_AGREEMENT);
	return authority->verdict.code == ERR_OK ? ERR_OK : refuse_verdict(context, authority);
}

/* ---- per-day use ---- */

#define USE_KEY_SIZE (HASH_SIZE + 1 + 4)
#define USE_CUSTOMER_KEY_SIZE (USE_KEY_SIZE + PSEUDONYM_SIZE)

/* The first USE_KEY_SIZE bytes are the count's key. */
static void use_key(const struct agreement *agreement, uint32_t grant, uint64_t time_s, struct slice pseudonym,
		    uint8_t ret_key[static USE_CUSTOMER_KEY_SIZE])
{
	memcpy(ret_key, agreement->hash, HASH_SIZE);
	ret_key[HASH_SIZE] = (uint8_t)grant;
	put_u32(ret_key + HASH_SIZE + 1, (uint32_t)grant_day(&agreement->grants[grant], time_s));
	memcpy(ret_key + USE_KEY_SIZE, pseudonym.data, PSEUDONYM_SIZE);
}

static enum err read_use(struct context *context, const uint8_t key[static USE_CUSTOMER_KEY_SIZE],
			 struct use_facts *ret_use)
{
	struct use_facts use = {.customers = 0};
	struct slice row;
	enum err err = view_get(context->view, TABLE_USE, SLICE(key, USE_KEY_SIZE), &row);

	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return err;
	if (err == ERR_OK && row.length != 4)
		return ERR_CORRUPT;
	if (err == ERR_OK)
		use.customers = get_u32(row.data);
	err = view_get(context->view, TABLE_USE, SLICE(key, USE_CUSTOMER_KEY_SIZE), &row);
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return err;
	use.is_counted = err == ERR_OK;
	*ret_use = use;
	return ERR_OK;
}

static enum err take_uses(struct context *context, struct decide_input *input, struct slice pseudonym)
{
	const struct agreement *agreement = input->agreement;
	int purpose = charter_purpose(input->charter, input->purpose);
	uint8_t key[USE_CUSTOMER_KEY_SIZE];
	uint32_t grants;

	if (!operation_is_counted(input->operation) || purpose < 0)
		return ERR_OK;
	grants = agreement_grants_for(agreement, input->operation, (uint8_t)purpose);
	for (uint32_t i = 0; i < agreement->grant_count; i++) {
		if ((grants >> i & 1) == 0 || agreement->grants[i].per_day == 0)
			continue;
		use_key(agreement, i, input->time_s, pseudonym, key);
		TRY(read_use(context, key, &input->use[i]));
	}
	return ERR_OK;
}

enum err authority_count(struct context *context, const struct authority *authority, const struct customer *customer)
{
	const struct grant *grant = authority_grant(context, authority);
	uint8_t key[USE_CUSTOMER_KEY_SIZE], row[4];
	const struct use_facts *use = &authority->input.use[authority->verdict.grant];

	if (grant == NULL || grant->per_day == 0 || use->is_counted)
		return ERR_OK;
	use_key(context->agreement, authority->verdict.grant, authority->input.time_s, customer_pseudonym(customer),
		key);
	put_u32(row, use->customers + 1);
	view_put(context->view, TABLE_USE, SLICE(key, USE_KEY_SIZE), SLICE_ARRAY(row));
	view_put(context->view, TABLE_USE, SLICE(key, USE_CUSTOMER_KEY_SIZE), SLICE_EMPTY);
	return context->view->status;
}

/* ---- with a customer ---- */

void authority_facts(const struct context *context, const struct customer *customer, struct customer_facts *ret_facts)
{
	customer_facts(customer, context->charter, context->envelope->principal.store, purpose_of(context),
		       context->time_ms, ret_facts);
}

enum err authority_over_facts(struct context *context, struct authority *authority, const struct customer_facts *facts)
{
	if (authority->is_controller)
		return ERR_OK;
	authority->input.customer = facts;
	decide(&authority->input, &authority->verdict);
	enum err err = authority->verdict.code == ERR_OK ? ERR_OK : refuse_verdict(context, authority);
	authority->input.customer = NULL; /* facts are the caller's and may go */
	return err;
}

enum err authority_over(struct context *context, struct authority *authority, const struct customer *customer)
{
	struct customer_facts facts;

	if (authority->is_controller)
		return ERR_OK;
	authority_facts(context, customer, &facts);
	TRY(take_uses(context, &authority->input, customer_pseudonym(customer)));
	return authority_over_facts(context, authority, &facts);
}

void authority_weigh(const struct context *context, struct authority *authority, const struct customer *customer)
{
	struct customer_facts facts;

	if (authority->is_controller)
		return;
	authority_facts(context, customer, &facts);
	authority->input.customer = &facts;
	decide(&authority->input, &authority->verdict);
	authority->input.customer = NULL;
}

const struct grant *authority_grant(const struct context *context, const struct authority *authority)
{
	if (authority->is_controller || !authority->verdict.has_grant)
		return NULL;
	return &context->agreement->grants[authority->verdict.grant];
}

const struct charter *authority_charter(const struct context *context, const struct authority *authority)
{
	return authority->is_controller ? context->charter : context->agreement_charter;
}

enum err authority_permit(struct context *context, const struct authority *authority)
{
	char clause[CLAUSE_MAX + 1];

	if (authority->is_controller)
		return permit(context, CLAUSE_CONTROLLER);
	verdict_clause(&authority->input, &authority->verdict, clause);
	return permit(context, clause);
}

enum err authority_over_fields(struct context *context, const struct authority *authority, uint64_t fields)
{
	struct authority refused = *authority;

	if (authority->is_controller || (fields & ~authority->verdict.fields) == 0)
		return ERR_OK;
	refused.verdict.code = ERR_NOT_GRANTED_FIELD;
	return refuse_verdict(context, &refused);
}
