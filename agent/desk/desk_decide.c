/* The same decision as the broker's, on what is known here. */
#include <string.h>

#include "alarm.h"
#include "desk/desk_internal.h"
#include "kluis/ini.h"

/* A role that the charter does not have gives nobody anything: R85's ERR_ROLE. */
static uint32_t role_of(const struct charter *charter, const char *role)
{
	int number = charter == NULL ? -1 : charter_role(charter, slice_text(role));

	return number < 0 ? ROLES_MAX : (uint32_t)number;
}

enum err desk_refuse(struct desk_request *request, enum err code)
{
	char clause[CLAUSE_MAX + 1];
	struct verdict verdict = request->verdict;

	verdict.code = code;
	verdict_clause(&request->input, &verdict, clause);
	return fault_set(request->fault, code, "refused: %s [%s]", error_text(code), clause);
}

static enum err run(struct desk_request *request)
{
	decide(&request->input, &request->verdict);
	return request->verdict.code == ERR_OK ? ERR_OK : desk_refuse(request, request->verdict.code);
}

enum err desk_begin(struct desk *desk, struct slice token, enum operation operation, const char *purpose,
		    struct desk_request *ret_request, struct fault *fault)
{
	struct shop *shop = desk->shop;

	memset(ret_request, 0, sizeof *ret_request);
	ret_request->desk = desk;
	ret_request->shop = shop;
	ret_request->purpose = purpose;
	ret_request->fault = fault;
	TRY(desk_who(desk, token, &ret_request->actor, fault));
	ret_request->now_ms = shop_now_ms(shop);
	ret_request->input = (struct decide_input){.charter = shop->charter,
						   .agreement = shop->agreement,
						   .state = shop->state,
						   .operation = operation,
						   .purpose = slice_text(purpose),
						   .has_employee = true,
						   .role = role_of(shop->charter, ret_request->actor.role),
						   .time_s = ret_request->now_ms / 1000};
	return run(ret_request);
}

enum err desk_decide_on(struct desk_request *request)
{
	request->input.customer = &request->facts;
	return run(request);
}

void desk_facts(struct desk_request *request, const Kluis__Values *values)
{
	const Kluis__Facts *facts = values->facts;

	/* restricted customers, and those without a consent that the purpose needs, are in no copy (R89, R90, R111) */
	request->facts = (struct customer_facts){.has_consented = true};
	if (facts == NULL)
		return;
	request->facts.is_registered_here = facts->is_registered_here;
	request->facts.has_visited = facts->has_last_visit_day;
	request->facts.last_visit_day = facts->last_visit_day;
	request->facts.has_owner = facts->is_owned_here;
	request->facts.owner = request->shop->number;
}

/* ---- the copy ---- */

struct copying {
	struct arena *arena;
	struct desk_row row;
};

/* Out of the transaction: nobody may wait for a commit while holding one (store.h). */
static enum err copy_row(void *context, const struct replica_row *row)
{
	struct copying *copying = context;
	Kluis__Values *values;

	TRY(WIRE_DECODE(Values, values, row->content, copying->arena, &values));
	copying->row = (struct desk_row){.version = row->version,
					 .fields = row->fields,
					 .grant = row->grant,
					 .entry = row->entry_index,
					 .values = values};
	return ERR_OK;
}

void desk_tell_altered(struct shop *shop, const char *what, enum err err)
{
	if (err == ERR_CRYPTO || err == ERR_CORRUPT)
		alarm_raise(shop->store, ALARM_ALTERED, shop_now_ms(shop), "%s was altered: it is not shown", what);
}

enum err desk_row(const struct desk_request *request, struct slice customer, struct arena *arena,
		  struct desk_row *ret_row)
{
	struct copying copying = {.arena = arena};

	enum err err = replica_get(&request->shop->replica, request->purpose, customer, copy_row, &copying);
	desk_tell_altered(request->shop, "a member in the copy", err);
	TRY(err);
	*ret_row = copying.row;
	return ERR_OK;
}

enum err desk_normalise(struct desk_request *request, const struct desk_key *key,
			const struct charter_field **ret_field, struct bytes *ret_normal)
{
	const struct charter_field *field = charter_field_by_name(request->shop->charter, key->field);

	if (field == NULL || !(field->is_lookup || field->is_identifier))
		return fault_set(request->fault, ERR_FIELD, "not a field that customers are looked up by");
	*ret_field = field;
	if (field_normalise(field, slice_text(key->value), ret_normal) != ERR_OK)
		return fault_set(request->fault, ERR_VALUE, "the value is not one of %s", field->name);
	return ERR_OK;
}

enum err desk_mask(const struct charter *charter, const struct grant *grant, uint32_t field, const char *value,
		   struct arena *arena, const char **ret_text, bool *ret_is_masked)
{
	struct bytes text CLEANUP(bytes_fini) = {0};
	uint8_t mask = grant->mask_of[field - 1];
	struct slice shown = slice_text(value);

	if (mask != 0) {
		/* every character may become the three bytes of a bullet, and hiding gives three of those */
		bytes_init_secret(&text, 3 * shown.length + 10);
		TRY(mask_apply(&charter->masks[mask - 1], shown, &text));
		shown = bytes_slice(&text);
	}
	*ret_text = arena_text(arena, shown);
	*ret_is_masked = mask != 0;
	return *ret_text == NULL ? ERR_MEMORY : ERR_OK;
}
