#include <string.h>

#include "home.h"
#include "keeper_internal.h"

static ProtobufCBinaryData known_hash(const struct hash *hash, bool has)
{
	return wire_data(has ? SLICE_ARRAY(hash->bytes) : SLICE_EMPTY);
}

static void fill(const struct keeper_row *row, Kluis__WatchRow *ret_known)
{
	kluis__watch_row__init(ret_known);
	ret_known->change = row->change;
	ret_known->state = row->state;
	ret_known->agreement = known_hash(&row->agreement, row->has_agreement);
	ret_known->candidate = known_hash(&row->candidate, row->has_candidate);
	ret_known->trust = known_hash(&row->trust, row->has_trust);
	ret_known->roster = known_hash(&row->roster, row->has_roster);
}

static enum err take_hash(ProtobufCBinaryData data, struct hash *ret_hash, bool *ret_has)
{
	if (data.len != 0 && data.len != HASH_SIZE)
		return ERR_MISMATCH;
	*ret_has = data.len == HASH_SIZE;
	memset(ret_hash, 0, sizeof *ret_hash);
	if (*ret_has)
		memcpy(ret_hash->bytes, data.data, HASH_SIZE);
	return ERR_OK;
}

static enum err take_row(const Kluis__WatchRow *row, struct keeper_row *ret_row)
{
	if (row->state > AGREEMENT_EXPIRED)
		return ERR_MISMATCH;
	ret_row->change = row->change;
	ret_row->state = (enum agreement_state)row->state;
	TRY(take_hash(row->agreement, &ret_row->agreement, &ret_row->has_agreement));
	TRY(take_hash(row->candidate, &ret_row->candidate, &ret_row->has_candidate));
	TRY(take_hash(row->trust, &ret_row->trust, &ret_row->has_trust));
	return take_hash(row->roster, &ret_row->roster, &ret_row->has_roster);
}

/* No longer than until a lease is due. */
static uint32_t wait_ms(struct keeper *keeper)
{
	uint64_t now_ms = keeper_now_ms(keeper), due_ms = keeper_copy_due_ms(keeper);
	uint64_t left_ms = due_ms > now_ms ? due_ms - now_ms : 0;

	if (!keeper->has_watched)
		return 0;
	return left_ms < keeper->options.wait_ms ? (uint32_t)left_ms : keeper->options.wait_ms;
}

static enum err ask(struct keeper *keeper, const Kluis__WatchRow **ret_row, struct fault *fault)
{
	struct shop *shop = keeper->options.shop;
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Watch watch = KLUIS__WATCH__INIT;
	Kluis__WatchRow known, *row;
	const Kluis__Reply *reply;
	enum err code;

	fill(&keeper->done, &known);
	watch.wait_ms = wait_ms(keeper);
	watch.known = &known;
	operation.kind_case = KLUIS__OPERATION__KIND_WATCH;
	operation.watch = &watch;
	TRY(session_ask(shop->key, keeper->options.exchange, LANE_SYNC, &operation, shop_now_ms(shop), &keeper->arena,
			&reply, &code, fault));
	if (code != ERR_OK)
		return fault_set(fault, code, "the broker refused: %s", error_text(code));
	if (reply->data[0]->n_items != 1)
		return fault_set(fault, ERR_MISMATCH, "the broker's answer to Watch has no row");
	if (WIRE_DECODE(WatchRow, watch_row, wire_slice(reply->data[0]->items[0]), &keeper->arena, &row) != ERR_OK)
		return fault_set(fault, ERR_MISMATCH, "the broker's answer to Watch is malformed");
	*ret_row = row;
	return ERR_OK;
}

enum err keeper_watch(struct keeper *keeper, struct fault *fault)
{
	const Kluis__WatchRow *row = NULL;
	struct keeper_row seen = {0};

	TRY(ask(keeper, &row, fault));
	if (take_row(row, &seen) != ERR_OK)
		return fault_set(fault, ERR_MISMATCH, "the broker's answer to Watch is out of bounds");
	keeper->is_row_new = !keeper->has_watched || memcmp(&seen, &keeper->seen, sizeof seen) != 0;
	keeper->has_watched = true;
	if (seen.change != keeper->done.change)
		keeper_mark_behind(keeper);
	keeper->done.change = seen.change;
	keeper->done.has_candidate = seen.has_candidate; /* a person signs it */
	keeper->done.candidate = seen.candidate;
	keeper->seen = seen;
	return ERR_OK;
}
