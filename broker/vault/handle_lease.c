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

/* One of before that lasts longer still stands: the answer to this one may never come in. */
static enum err give(struct context *context, const struct authority *authority)
{
	uint32_t store = context->envelope->principal.store;
	Rows__Holding holding;

	TRY(copies_holding(context, store, authority->input.purpose, &holding));
	context->result->has_until_ms = 1;
	context->result->until_ms = until_of(context, authority);
	if (!holding.has_until_ms || holding.until_ms < context->result->until_ms)
		holding.until_ms = context->result->until_ms;
	holding.has_until_ms = 1;
	return copies_put_holding(context, store, authority->input.purpose, &holding);
}

static enum err take(struct context *context, const struct authority *authority)
{
	const Kluis__JournalEnd *end = context->operation->lease->end;
	uint32_t store = context->envelope->principal.store;
	struct journal_position position;
	struct journal_request request;

	TRY(copies_request(context, &request));
	TRY(copies_journal(context, store, &position));
	if (!journal_may_lease(&position, &request))
		return refuse(context, ERR_STATE, NULL);
	context->result->findings = journal_commit(&position, end, &request);
	context->result->has_findings = context->result->findings != 0;
	position.leased_ms = request.entry_ms;
	TRY(copies_add_finding(context, context->result->findings, end->number));
	TRY(copies_put_journal(context, store, &position));
	return give(context, authority);
}

static enum err lease(struct context *context)
{
	struct authority authority;

	TRY(authority_standing(context, OPERATION_SYNC, &authority));
	TRY(authority_permit(context, &authority));
	if (!context->is_again)
		TRY(take(context, &authority));
	return context->result->code == ERR_OK ? add_handle_key(context) : ERR_OK;
}

enum err handle_lease(struct context *context)
{
	return settle(context, lease(context));
}
