/*
 * How long a store's copy may be read without contact (FORMAT.md R127).
 */
#include "core/copies.h"
#include "kluis/hash.h"
#include "vault/authority.h"

/* Whole seconds: the entry may be made later in the second that this was prepared in. */
static uint64_t until_of(const struct context *context, const struct authority *authority)
{
	const struct agreement *agreement = context->agreement;
	int purpose = charter_purpose(context->agreement_charter, authority->input.purpose);
	uint32_t grants = agreement_grants_for(agreement, OPERATION_SYNC, (uint8_t)purpose);
	uint64_t until_s = agreement->until_s;

	for (size_t i = 0; i < agreement->grant_count; i++) {
		uint64_t end_s = authority->input.time_s + agreement->grants[i].lease_s;

		if ((grants >> i & 1) != 0 && end_s < until_s)
			until_s = end_s;
	}
	return until_s * 1000;
}

static enum err add_handle_key(struct context *context)
{
	uint8_t key[KEY_SIZE];

	vault_handle_key(context->vault, slice_text(context->envelope->decoded->principal), key);
	enum err err = context_add_item(context, SLICE_ARRAY(key));
	wipe(key, sizeof key);
	return err;
}

static enum err take_end(struct context *context)
{
	const Kluis__JournalEnd *end = context->operation->lease->end;
	uint32_t store = context->envelope->principal.store;
	struct journal_position position;

	TRY(copies_journal(context, store, &position));
	context->result->findings = journal_commit(&position, end, copies_second_ms(context));
	context->result->has_findings = context->result->findings != 0;
	TRY(copies_add_finding(context, context->result->findings, end->number));
	return copies_put_journal(context, store, &position);
}

static enum err lease(struct context *context)
{
	uint32_t store = context->envelope->principal.store;
	struct authority authority;
	Rows__Holding holding;

	TRY(authority_standing(context, OPERATION_SYNC, &authority));
	TRY(authority_permit(context, &authority));
	TRY(copies_holding(context, store, authority.input.purpose, &holding));
	holding.has_until_ms = context->result->has_until_ms = 1;
	holding.until_ms = context->result->until_ms = until_of(context, &authority);
	TRY(copies_put_holding(context, store, authority.input.purpose, &holding));
	TRY(take_end(context));
	return add_handle_key(context);
}

enum err handle_lease(struct context *context)
{
	return settle(context, lease(context));
}
