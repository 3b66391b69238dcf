/* What changes members' records: registrations, changes, consents. */
#include <string.h>

#include "desk/desk_write.h"
#include "kluis/hash.h"

#define DAY_MS UINT64_C(86400000)
/* R115: given and renewed are valid */
#define STATUS_GIVEN 4
#define STATUS_RENEWED 5

/* ---- registration ---- */

static enum err make_consents(struct desk_writing *writing, const struct desk_consent *consents, size_t count,
			      Kluis__Registration *registration)
{
	Kluis__ConsentState *states = arena_array(&writing->arena, count + 1, sizeof *states);

	registration->consents = arena_array(&writing->arena, count + 1, sizeof(Kluis__ConsentState *));
	if (states == NULL || registration->consents == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < count; i++) {
		TRY(desk_write_consent(writing, &consents[i], &states[i]));
		for (size_t j = 0; j < i; j++)
			if (strcmp(states[i].purpose, states[j].purpose) == 0)
				return fault_set(writing->request.fault, ERR_INPUT, "two consents to one purpose");
		registration->consents[registration->n_consents++] = &states[i];
	}
	return ERR_OK;
}

/* R113: nothing is known of the customer but what the registration itself says. */
static enum err decide_on_new(struct desk_writing *writing, const struct desk_consent *consents, size_t count)
{
	struct customer_facts facts = {.is_registered_here = true};

	for (size_t i = 0; i < count; i++)
		if (strcmp(consents[i].purpose, writing->request.purpose) == 0)
			facts.has_consented =
				consents[i].status == STATUS_GIVEN || consents[i].status == STATUS_RENEWED;
	writing->request.facts = facts;
	return desk_decide_on(&writing->request);
}

/* Whether the identifier is taken is for the broker to say: who could ask here would read without a record. */
enum err desk_register(struct desk *desk, struct slice token, const char *purpose, const struct desk_input *values,
		       size_t value_count, const struct desk_consent *consents, size_t consent_count,
		       uint8_t ret_customer[static PSEUDONYM_SIZE], uint64_t *ret_number, struct fault *fault)
{
	struct desk_writing writing CLEANUP(desk_write_end) = {0};
	Kluis__Registration registration = KLUIS__REGISTRATION__INIT;
	Kluis__Values content;
	size_t filled;
	uint8_t customer[PSEUDONYM_SIZE];

	TRY(desk_write_begin(&writing, desk, token, OPERATION_REGISTER, purpose, fault));
	if (consent_count > PURPOSES_MAX)
		return fault_set(fault, ERR_INPUT, "more consents than there can be purposes");
	TRY(decide_on_new(&writing, consents, consent_count));
	TRY(desk_write_values(&writing, values, value_count, &content, &filled));
	if (filled == 0)
		return fault_set(fault, ERR_VALUE, "nothing is said of the new member");
	TRY(make_consents(&writing, consents, consent_count, &registration));
	random_bytes(customer, sizeof customer);
	registration.customer = wire_data(SLICE_ARRAY(customer));
	registration.has_store = registration.has_day = true;
	registration.store = desk->shop->number;
	registration.day = (int32_t)(writing.request.now_ms / DAY_MS); /* not that on which it arrives */
	TRY(part_make(&content.base, &writing.arena, &writing.part, &registration.commitment));
	writing.operation.kind_case = KLUIS__OPERATION__KIND_REGISTRATION;
	writing.operation.registration = &registration;
	TRY(desk_write_add(&writing, ret_number));
	memcpy(ret_customer, customer, sizeof customer);
	return ERR_OK;
}

/* ---- changes ---- */

enum err desk_update(struct desk *desk, struct slice token, const char *purpose,
		     const uint8_t customer[static PSEUDONYM_SIZE], const struct desk_input *values, size_t value_count,
		     uint64_t *ret_number, struct fault *fault)
{
	struct desk_writing writing CLEANUP(desk_write_end) = {0};
	Kluis__Update update = KLUIS__UPDATE__INIT;
	Kluis__Values content;
	size_t ignored;

	TRY(desk_write_begin(&writing, desk, token, OPERATION_UPDATE, purpose, fault));
	TRY(desk_write_about(&writing, customer));
	TRY(desk_write_values(&writing, values, value_count, &content, &ignored));
	if (content.n_values == 0)
		return fault_set(fault, ERR_VALUE, "nothing is to be changed");
	TRY(desk_write_copy(&writing, SLICE(customer, PSEUDONYM_SIZE), &update.customer));
	update.has_made_ms = true;
	update.made_ms = writing.request.now_ms;
	update.has_basis = writing.basis > 0;
	update.basis = writing.basis;
	TRY(part_make(&content.base, &writing.arena, &writing.part, &update.commitment));
	writing.operation.kind_case = KLUIS__OPERATION__KIND_UPDATE;
	writing.operation.update = &update;
	return desk_write_add(&writing, ret_number);
}

enum err desk_consent(struct desk *desk, struct slice token, const char *purpose,
		      const uint8_t customer[static PSEUDONYM_SIZE], const struct desk_consent *consent,
		      uint64_t *ret_number, struct fault *fault)
{
	struct desk_writing writing CLEANUP(desk_write_end) = {0};
	Kluis__Consent request = KLUIS__CONSENT__INIT;
	Kluis__ConsentState state;

	TRY(desk_write_begin(&writing, desk, token, OPERATION_CONSENT, purpose, fault));
	TRY(desk_write_about(&writing, customer));
	TRY(desk_write_consent(&writing, consent, &state));
	TRY(desk_write_copy(&writing, SLICE(customer, PSEUDONYM_SIZE), &request.customer));
	request.state = &state;
	writing.operation.kind_case = KLUIS__OPERATION__KIND_CONSENT;
	writing.operation.consent = &request;
	return desk_write_add(&writing, ret_number);
}
