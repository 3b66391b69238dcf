#include <string.h>

#include "core/copies.h"
#include "core/core.h"
#include "core/handler.h"
#include "kluis/hash.h"
#include "kluis/invitation.h"
#include "kluis/limits.h"

/* FORMAT.md R103. */
enum err handle_invite(struct context *context)
{
	const Kluis__Invite *invite = context->operation->invite;
	struct principal principal;
	Rows__Invitation row = ROWS__INVITATION__INIT;
	Rows__Store *store;

	if (principal_parse(slice_text(invite->principal), &principal) != ERR_OK ||
	    !slice_equal(principal.origin, slice_text(context->charter->origin)))
		return refuse(context, ERR_PRINCIPAL, NULL);
	if (principal.kind != PRINCIPAL_STORE && principal.kind != PRINCIPAL_AUDITOR)
		return refuse(context, ERR_PRINCIPAL, NULL);
	if (principal.kind == PRINCIPAL_STORE) {
		enum err err = store_row_get(context, principal.store, &store);
		if (err == ERR_NOT_FOUND)
			return refuse(context, ERR_STORE, NULL);
		TRY(err);
	}
	/* by whole seconds: the entry may come some milliseconds later than this (R47) */
	if (invite->expires_ms / 1000 > context->time_ms / 1000 + INVITATION_S_MAX)
		return refuse(context, ERR_VALUE, NULL);
	row.code_hash = invite->code_hash;
	row.expires_ms = invite->expires_ms;
	return row_put(context, TABLE_INVITATION, slice_text(invite->principal), &row.base);
}

static enum err check_code(struct context *context, const Rows__Invitation *invitation)
{
	Kluis__JoinContent *content;
	uint8_t hash[HASH_SIZE];

	TRY(WIRE_DECODE(JoinContent, join_content, wire_slice(context->part->content), context->arena, &content));
	if (content->code.len != INVITATION_CODE_SIZE)
		return ERR_CODE;
	sha256(wire_slice(content->code), hash);
	/* the hash is in the log for all to read: nothing to hide in how long this takes */
	bool is_right = slice_equal(SLICE_ARRAY(hash), wire_slice(invitation->code_hash));
	return is_right && context->time_ms < invitation->expires_ms ? ERR_OK : ERR_CODE;
}

/* A store with a new key must sign its agreement anew (R28, last row). */
static enum err offer_again(struct context *context, uint32_t number)
{
	Rows__Store *row;
	uint8_t place[4];

	enum err err = store_row_get(context, number, &row);
	if (err != ERR_OK)
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	if (row->current == NULL || row->current->state != AGREEMENT_ACTIVE)
		return ERR_OK;
	row->candidate = row->current;
	row->current = NULL;
	row->candidate->state = AGREEMENT_OFFERED;
	row->candidate->changed_ms = context->time_ms;
	return row_put(context, TABLE_STORE, store_key(number, place), &row->base);
}

static void forget_lanes(struct context *context, const char *principal)
{
	uint8_t place[1 + PRINCIPAL_MAX];
	size_t length = strlen(principal);

	memcpy(place + 1, principal, length);
	for (unsigned lane = 0; lane <= LANE_MAX; lane++) {
		place[0] = (uint8_t)lane;
		view_delete(context->view, TABLE_LANE, SLICE(place, length + 1));
	}
}

/* So does its journal (R125). What was committed to and never uploaded is lost: a gap. */
static enum err begin_journal(struct context *context)
{
	uint32_t store = context->envelope->principal.store;
	struct journal_position position;

	TRY(copies_journal(context, store, &position));
	if (journal_last(&position) > position.number)
		TRY(copies_add_finding(context, FINDING_GAP, journal_last(&position)));
	position = (struct journal_position){.number = 0};
	return copies_put_journal(context, store, &position);
}

static enum err begin_anew(struct context *context, const char *name)
{
	forget_lanes(context, name);
	return context->envelope->principal.kind == PRINCIPAL_STORE ? begin_journal(context) : ERR_OK;
}

static enum err take_up(struct context *context, const char *name, const Rows__Principal *old)
{
	Rows__Principal row = ROWS__PRINCIPAL__INIT;

	row.public_key = context->operation->join->public_key;
	view_delete(context->view, TABLE_INVITATION, slice_text(name));
	/* what a key has signed is executed once: under the same one no number comes again */
	if (old == NULL || !slice_equal(wire_slice(old->public_key), wire_slice(row.public_key)))
		TRY(begin_anew(context, name));
	if (old != NULL && context->envelope->principal.kind == PRINCIPAL_STORE)
		TRY(offer_again(context, context->envelope->principal.store));
	return row_put(context, TABLE_PRINCIPAL, slice_text(name), &row.base);
}

/* A key in wrong hands stays out, whatever invitation comes with it (R142). */
static bool is_revoked_key(const Rows__Principal *old, struct slice key)
{
	return old != NULL && old->is_revoked && slice_equal(wire_slice(old->public_key), key);
}

/* FORMAT.md R104. */
enum err handle_join(struct context *context)
{
	const char *name = context->envelope->decoded->principal;
	ProtobufCMessage *invitation;
	ProtobufCMessage *old = NULL;

	if (context->envelope->principal.kind == PRINCIPAL_CONTROLLER ||
	    context->envelope->principal.kind == PRINCIPAL_LOG)
		return refuse(context, ERR_FORBIDDEN, NULL);
	enum err err = row_get(context, TABLE_INVITATION, slice_text(name), &rows__invitation__descriptor, &invitation);
	if (err == ERR_NOT_FOUND)
		return refuse(context, ERR_CODE, NULL);
	TRY(err);
	err = check_code(context, (const Rows__Invitation *)invitation);
	if (err == ERR_CODE || err == ERR_INPUT)
		return refuse(context, ERR_CODE, NULL);
	TRY(err);
	err = row_get(context, TABLE_PRINCIPAL, slice_text(name), &rows__principal__descriptor, &old);
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return err;
	if (is_revoked_key((const Rows__Principal *)old, wire_slice(context->operation->join->public_key)))
		return refuse(context, ERR_PRINCIPAL, NULL);
	return take_up(context, name, (const Rows__Principal *)old);
}
