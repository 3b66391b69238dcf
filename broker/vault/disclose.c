#include <string.h>

#include "vault/customer.h"
#include "vault/keys.h"
#include "vault/record.h"

#define DISCLOSURE_DOMAIN "kluis/disclosure/v1\n"

/* What the grant's mask leaves of a value; the value itself if it has none. */
static enum err masked(struct context *context, const struct charter *charter, const struct grant *grant,
		       const Rows__RecordValue *value, char **ret_text)
{
	uint8_t mask = grant == NULL ? 0 : grant->mask_of[value->field - 1];
	struct slice plain = slice_text(value->value);
	struct bytes text;

	*ret_text = value->value;
	if (mask == 0)
		return ERR_OK;
	/* every character may become the three bytes of a bullet, and hiding gives three of those */
	TRY(arena_bytes(context->arena, 3 * plain.length + 10, &text));
	TRY(mask_apply(&charter->masks[mask - 1], plain, &text));
	text.data[text.length] = '\0';
	*ret_text = (char *)text.data;
	return ERR_OK;
}

/* Fields of a record from the charter's time on are 1 to 64; a row that says else is damaged. */
static bool is_field(uint32_t number)
{
	return number >= 1 && number <= FIELDS_MAX;
}

static enum err cut(struct context *context, const Rows__Record *record, uint64_t fields, const struct charter *charter,
		    const struct grant *grant, Kluis__Values *ret_values, uint64_t *ret_fields)
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
		if ((fields & bit) == 0)
			continue;
		Kluis__Value *to = &values[ret_values->n_values];
		kluis__value__init(to);
		to->field = from->field;
		TRY(masked(context, charter, grant, from, &to->value));
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

enum err vault_disclose(struct context *context, const struct customer *customer, uint32_t version, uint64_t fields,
			const struct charter *charter, const struct grant *grant, Kluis__Part **ret_part,
			Kluis__Disclosure **ret_disclosure)
{
	Kluis__Disclosure *disclosure = arena_alloc(context->arena, sizeof(*disclosure));
	uint8_t *pseudonym = arena_copy(context->arena, customer_pseudonym(customer));
	uint8_t *commitment;
	Rows__Record *record;
	Kluis__Values values;

	if (disclosure == NULL || pseudonym == NULL)
		return ERR_MEMORY;
	TRY(vault_record(context, customer, version, &record));
	kluis__disclosure__init(disclosure);
	TRY(cut(context, record, fields, charter, grant, &values, &disclosure->fields));
	TRY(make_part(context, record, &values, ret_part, &commitment));
	disclosure->customer = wire_data(SLICE(pseudonym, PSEUDONYM_SIZE));
	disclosure->version = version;
	disclosure->has_commitment = true;
	disclosure->commitment = wire_data(SLICE(commitment, HASH_SIZE));
	*ret_disclosure = disclosure;
	return ERR_OK;
}

/* ---- the same reply again ---- */

/* The grant that the entry names; NULL with ERR_OK for head office. */
static enum err grant_again(const struct context *context, const Kluis__Request *request, uint32_t ordinal,
			    const struct grant **ret_grant)
{
	const struct agreement *agreement = context->agreement;

	*ret_grant = NULL;
	if (context->envelope->principal.kind != PRINCIPAL_STORE)
		return ERR_OK;
	if (agreement == NULL || !slice_equal(wire_slice(request->agreement), SLICE_ARRAY(agreement->hash)))
		return ERR_OTHER_AGREEMENT;
	if (ordinal >= agreement->grant_count)
		return ERR_CORRUPT;
	*ret_grant = &agreement->grants[ordinal];
	return ERR_OK;
}

static enum err disclose_again(struct context *context, const Kluis__Request *request,
			       const Kluis__Disclosure *recorded)
{
	const struct charter *charter = context->charter;
	const struct grant *grant;
	struct customer customer;
	Kluis__Part *part;
	Kluis__Disclosure *disclosure;

	TRY(grant_again(context, request, recorded->grant, &grant));
	if (grant != NULL)
		charter = context->agreement_charter;
	TRY(vault_customer(context, wire_slice(recorded->customer), &customer));
	TRY(vault_disclose(context, &customer, recorded->version, recorded->fields, charter, grant, &part,
			   &disclosure));
	/* what goes out is what the log says, or nothing does */
	if (!slice_equal(wire_slice(disclosure->commitment), wire_slice(recorded->commitment)))
		return ERR_CORRUPT;
	return context_add_part(context, part);
}

static enum err result_again(struct context *context, const Kluis__Request *request, const Kluis__Result *result)
{
	for (size_t i = 0; i < result->n_disclosures; i++) {
		if (result->disclosures[i]->has_commitment)
			TRY(disclose_again(context, request, result->disclosures[i]));
	}
	return ERR_OK;
}

enum err vault_disclose_again(struct context *context, const Kluis__Entry *entry, const Kluis__Request *request)
{
	for (size_t i = 0; i < entry->n_results; i++)
		TRY(result_again(context, request, entry->results[i]));
	return ERR_OK;
}
