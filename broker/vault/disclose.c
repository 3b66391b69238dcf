#include <string.h>

#include "vault/customer.h"
#include "vault/keys.h"
#include "vault/record.h"
#include "vault/sync_values.h"

#define DISCLOSURE_DOMAIN "kluis/disclosure/v1\n"

enum err cut_mask(struct context *context, const struct cut *cut, uint32_t field, char *value, char **ret_text)
{
	uint8_t mask = cut->grant == NULL ? 0 : cut->grant->mask_of[field - 1];
	struct slice plain = slice_text(value);
	struct bytes text;

	*ret_text = value;
	if (mask == 0)
		return ERR_OK;
	/* every character may become the three bytes of a bullet, and hiding gives three of those */
	TRY(arena_bytes(context->arena, 3 * plain.length + 10, &text));
	TRY(mask_apply(&cut->charter->masks[mask - 1], plain, &text));
	text.data[text.length] = '\0';
	*ret_text = (char *)text.data;
	return ERR_OK;
}

/* Fields of a record from the charter's time on are 1 to 64; a row that says else is damaged. */
static bool is_field(uint32_t number)
{
	return number >= 1 && number <= FIELDS_MAX;
}

static enum err cut_values(struct context *context, const Rows__Record *record, const struct cut *cut,
			   Kluis__Values *ret_values, uint64_t *ret_fields)
{
	Kluis__Value *values = arena_array(context->arena, record->n_values, sizeof(*values));
	Kluis__Value **places = arena_array(context->arena, record->n_values, sizeof(Kluis__Value *));

	if (values == NULL || places == NULL)
		return ERR_MEMORY;
	kluis__values__init(ret_values);
	ret_values->values = places;
	*ret_fields = 0;
	for (size_t i = 0; i < record->n_values; i++) {
		const Rows__RecordValue *from = record->values[i];

		if (!is_field(from->field))
			return ERR_CORRUPT;
		uint64_t bit = (uint64_t)1 << (from->field - 1);
		if ((cut->fields & bit) == 0 || from->value[0] == '\0')
			continue;
		Kluis__Value *to = &values[ret_values->n_values];
		kluis__value__init(to);
		to->field = from->field;
		TRY(cut_mask(context, cut, from->field, from->value, &to->value));
		places[ret_values->n_values++] = to;
		*ret_fields |= bit;
	}
	return ERR_OK;
}

/* R40, R43: the salt is another one for each principal, and the same each time. */
static enum err make_part(struct context *context, const Rows__Record *record, const Kluis__Values *values,
			  Kluis__Part **ret_part, uint8_t **ret_commitment)
{
	Kluis__Part *part = arena_alloc(context->arena, sizeof(*part));
	uint8_t *salt = arena_alloc(context->arena, SALT_SIZE + HASH_SIZE);
	struct bytes content;

	if (part == NULL || salt == NULL)
		return ERR_MEMORY;
	if (record->salt.len != SALT_SIZE)
		return ERR_CORRUPT;
	TRY(arena_bytes(context->arena, wire_size(&values->base), &content));
	TRY(wire_encode(&values->base, &content));
	blake2b(wire_slice(record->salt), DISCLOSURE_DOMAIN, slice_text(context->envelope->decoded->principal), salt);
	commitment_make(salt, bytes_slice(&content), salt + SALT_SIZE);
	kluis__part__init(part);
	part->salt = wire_data(SLICE(salt, SALT_SIZE));
	part->content = wire_data(bytes_slice(&content));
	*ret_part = part;
	*ret_commitment = salt + SALT_SIZE;
	return ERR_OK;
}

enum err vault_disclose(struct context *context, const struct customer *customer, const struct cut *cut,
			Kluis__Part **ret_part, Kluis__Disclosure **ret_disclosure)
{
	Kluis__Disclosure *disclosure = arena_alloc(context->arena, sizeof(*disclosure));
	uint8_t *pseudonym = arena_copy(context->arena, customer_pseudonym(customer));
	uint8_t *commitment;
	Rows__Record *record;
	Kluis__Values values;

	if (disclosure == NULL || pseudonym == NULL)
		return ERR_MEMORY;
	TRY(vault_record(context, customer, cut->version, &record));
	kluis__disclosure__init(disclosure);
	TRY(cut_values(context, record, cut, &values, &disclosure->fields));
	if (cut->is_for_copy)
		TRY(sync_values_add(context, customer, record, cut, disclosure->fields, &values));
	else if (cut->grant == NULL)
		TRY(superseded_add(context, record, cut, disclosure->fields, &values));
	TRY(make_part(context, record, &values, ret_part, &commitment));
	disclosure->customer = wire_data(SLICE(pseudonym, PSEUDONYM_SIZE));
	disclosure->version = cut->version;
	disclosure->has_commitment = true;
	disclosure->commitment = wire_data(SLICE(commitment, HASH_SIZE));
	*ret_disclosure = disclosure;
	return ERR_OK;
}

/* ---- the same reply again ---- */

/* The disclosure that is to be made again. */
struct repeat {
	const Kluis__Request *request;
	const Kluis__Operation *operation;
	const Kluis__Disclosure *recorded;
	uint64_t time_ms; /* of the entry */
};

/* The grant that the entry names; NULL with ERR_OK for head office. */
static enum err grant_again(const struct context *context, const struct repeat *repeat, const struct grant **ret_grant)
{
	const struct agreement *agreement = context->agreement;

	*ret_grant = NULL;
	if (context->envelope->principal.kind != PRINCIPAL_STORE)
		return ERR_OK;
	if (agreement == NULL || !slice_equal(wire_slice(repeat->request->agreement), SLICE_ARRAY(agreement->hash)))
		return ERR_OTHER_AGREEMENT;
	if (repeat->recorded->grant >= agreement->grant_count)
		return ERR_CORRUPT;
	*ret_grant = &agreement->grants[repeat->recorded->grant];
	return ERR_OK;
}

/* R39: a store gets nothing again of somebody who has said no since (R89, R90). */
static enum err may_again(const struct context *context, const struct repeat *repeat, const struct customer *customer,
			  const struct cut *cut)
{
	struct customer_facts facts;
	int purpose = charter_purpose(cut->charter, cut->purpose);

	if (cut->grant == NULL)
		return ERR_OK;
	customer_facts(customer, context->charter, context->envelope->principal.store, cut->purpose, repeat->time_ms,
		       &facts);
	if (facts.is_restricted)
		return ERR_RESTRICTED;
	bool needs_consent = purpose >= 0 && cut->charter->purposes[purpose].needs_consent;
	return needs_consent && !facts.has_consented ? ERR_CONSENT : ERR_OK;
}

static enum err disclose_again(struct context *context, const struct repeat *repeat)
{
	const char *purpose = repeat->operation->purpose;
	struct cut cut = {.version = repeat->recorded->version,
			  .fields = repeat->recorded->fields,
			  .charter = context->charter,
			  .is_for_copy = repeat->operation->kind_case == KLUIS__OPERATION__KIND_SYNC,
			  .purpose = purpose == NULL ? SLICE_EMPTY : slice_text(purpose),
			  .time_ms = repeat->time_ms};
	struct customer customer;
	Kluis__Part *part;
	Kluis__Disclosure *disclosure;

	TRY(grant_again(context, repeat, &cut.grant));
	if (cut.grant != NULL)
		cut.charter = context->agreement_charter;
	TRY(vault_customer(context, wire_slice(repeat->recorded->customer), &customer));
	TRY(may_again(context, repeat, &customer, &cut));
	TRY(vault_disclose(context, &customer, &cut, &part, &disclosure));
	/* what goes out is what the log says, or nothing does: of a sync, facts may be others by now */
	if (!slice_equal(wire_slice(disclosure->commitment), wire_slice(repeat->recorded->commitment)))
		return cut.is_for_copy ? ERR_STATE : ERR_CORRUPT;
	return context_add_part(context, part);
}

static enum err result_again(struct context *context, struct repeat *repeat, const Kluis__Result *result)
{
	for (size_t i = 0; i < result->n_disclosures; i++) {
		repeat->recorded = result->disclosures[i];
		if (repeat->recorded->has_commitment)
			TRY(disclose_again(context, repeat));
	}
	return ERR_OK;
}

enum err vault_disclose_again(struct context *context, const Kluis__Entry *entry, const Kluis__Request *request)
{
	struct repeat repeat = {.request = request, .time_ms = entry->time_ms};

	for (size_t i = 0; i < entry->n_results; i++) {
		repeat.operation = request->operations[i];
		TRY(result_again(context, &repeat, entry->results[i]));
	}
	return ERR_OK;
}
