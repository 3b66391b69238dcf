/*
 * Agreements from draft to end: FORMAT.md R26 to R29, R105.
 */
#include <string.h>

#include "core/core.h"
#include "core/handler.h"
#include "core/logs.h"
#include "core/papers.h"
#include "kluis/hash.h"

static bool is_verdict(enum err err)
{
	return err >= ERR_NOT_FOUND;
}

static Rows__Paper *paper_new(struct context *context, struct slice hash, struct slice charter,
			      enum agreement_state state)
{
	Rows__Paper *paper = arena_alloc(context->arena, sizeof *paper);

	if (paper == NULL)
		return NULL;
	rows__paper__init(paper);
	paper->hash = wire_data(hash);
	paper->charter = wire_data(charter);
	paper->state = (uint32_t)state;
	paper->changed_ms = context->time_ms;
	return paper;
}

static enum err put_store(struct context *context, uint32_t store, const Rows__Store *row)
{
	uint8_t place[4];

	return row_put(context, TABLE_STORE, store_key(store, place), &row->base);
}

/* ---- draft ---- */

static enum err parse_draft(struct context *context, struct agreement *agreement)
{
	const Kluis__Draft *draft = context->operation->draft;
	struct fault fault = {""};

	TRY(agreement_parse(context->paper, "agreement", context->charter, context->arena, agreement, &fault));
	if (!slice_equal(wire_slice(draft->hash), SLICE_ARRAY(agreement->hash)) || agreement->store != draft->store)
		return ERR_PAPER;
	return strcmp(agreement->origin, context->charter->origin) == 0 ? ERR_OK : ERR_PAPER;
}

/* A text that was signed before, now drafted again, keeps its signatures: what rests on them stays provable. */
static enum err put_draft(struct context *context, struct slice hash)
{
	struct slice stored;
	enum err err = view_get(context->view, TABLE_PAPER, hash, &stored);

	if (err == ERR_NOT_FOUND)
		view_put(context->view, TABLE_PAPER, hash, context->paper);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err handle_draft(struct context *context)
{
	const Kluis__Draft *draft = context->operation->draft;
	struct agreement *agreement = arena_alloc(context->arena, sizeof *agreement);
	Rows__Store *row;

	if (agreement == NULL)
		return ERR_MEMORY;
	enum err err = store_row_get(context, draft->store, &row);
	if (err == ERR_NOT_FOUND)
		return refuse(context, ERR_STORE, NULL);
	TRY(err);
	err = parse_draft(context, agreement);
	if (is_verdict(err))
		return refuse(context, ERR_PAPER, NULL);
	TRY(err);
	row->candidate =
		paper_new(context, wire_slice(draft->hash), SLICE_ARRAY(agreement->charter), AGREEMENT_DRAFTED);
	if (row->candidate == NULL)
		return ERR_MEMORY;
	TRY(put_draft(context, wire_slice(draft->hash)));
	return put_store(context, draft->store, row);
}

/* ---- signatures ---- */

static enum err principal_key(struct context *context, const char *name, struct public_key *ret_key)
{
	ProtobufCMessage *row;

	TRY(row_get(context, TABLE_PRINCIPAL, slice_text(name), &rows__principal__descriptor, &row));
	return public_key_init(ret_key, slice_text(name), KEY_TYPE_ED25519, ((Rows__Principal *)row)->public_key.data);
}

static enum err note_of(struct context *context, struct slice hash, struct bytes *note)
{
	struct slice stored;

	TRY(view_get(context->view, TABLE_PAPER, hash, &stored));
	return bytes_append(note, stored);
}

/* The signed text of what is stored under a hash: a bare text while drafted, a note after. */
static enum err text_of(struct context *context, struct slice stored, struct slice hash, struct slice *ret_text)
{
	uint8_t actual[HASH_SIZE];
	struct note note;
	struct fault fault = {""};

	sha256(stored, actual);
	if (slice_equal(SLICE_ARRAY(actual), hash)) {
		*ret_text = stored;
		return ERR_OK;
	}
	if (note_parse(stored, context->arena, &note, &fault) != ERR_OK)
		return ERR_CORRUPT;
	*ret_text = note.text;
	return ERR_OK;
}

/* Did the key sign the note before? */
static bool has_signature(struct context *context, struct slice stored, const struct public_key *key)
{
	struct note note;

	return note_parse(stored, context->arena, &note, NULL) == ERR_OK && note_verify(&note, key) == ERR_OK;
}

/* Adds a signature to the paper under hash once it verifies. */
static enum err add_signature(struct context *context, struct slice hash, const struct public_key *key,
			      struct slice signature)
{
	struct bytes note CLEANUP(bytes_fini) = {0};
	struct slice text;

	bytes_init(&note, PAPER_MAX);
	TRY(note_of(context, hash, &note));
	TRY(text_of(context, bytes_slice(&note), hash, &text));
	TRY(key_verify(key->key, "", text, signature));
	if (text.length < note.length && has_signature(context, bytes_slice(&note), key))
		return ERR_OK;
	if (text.length == note.length)
		TRY(bytes_append_u8(&note, '\n'));
	TRY(note_append_signature(&note, key, signature.data));
	view_put(context->view, TABLE_PAPER, hash, bytes_slice(&note));
	return ERR_OK;
}

/* ---- offer ---- */

static enum err store_of_draft(struct context *context, struct slice hash, uint32_t *ret_store)
{
	struct bytes note CLEANUP(bytes_fini) = {0};
	struct slice text;
	struct agreement *agreement = arena_alloc(context->arena, sizeof *agreement);
	struct fault fault = {""};

	bytes_init(&note, PAPER_MAX);
	if (agreement == NULL)
		return ERR_MEMORY;
	TRY(note_of(context, hash, &note));
	TRY(text_of(context, bytes_slice(&note), hash, &text));
	/* drafted under an older charter, it has to be drafted anew */
	if (agreement_parse(text, "agreement", context->charter, context->arena, agreement, &fault) != ERR_OK)
		return ERR_PAPER;
	*ret_store = agreement->store;
	return ERR_OK;
}

static enum err offer(struct context *context, struct slice hash, struct slice signature)
{
	uint32_t store;
	Rows__Store *row;

	TRY(store_of_draft(context, hash, &store));
	TRY(store_row_get(context, store, &row));
	if (row->candidate == NULL || !slice_equal(wire_slice(row->candidate->hash), hash))
		return ERR_NOT_FOUND;
	if (row->candidate->state != AGREEMENT_DRAFTED)
		return ERR_STATE;
	TRY(add_signature(context, hash, &context->keys->controller, signature));
	row->candidate->state = AGREEMENT_OFFERED;
	row->candidate->changed_ms = context->time_ms;
	return put_store(context, store, row);
}

enum err handle_offer(struct context *context)
{
	const Kluis__Offer *operation = context->operation->offer;
	enum err err = offer(context, wire_slice(operation->hash), wire_slice(operation->signature));

	return is_verdict(err) ? refuse(context, err, NULL) : err;
}

/* ---- accept ---- */

static bool is_running(const struct context *context)
{
	return context->agreement_state == AGREEMENT_ACTIVE && context->time_ms / 1000 < context->agreement->until_s;
}

/* R29. */
static enum err may_replace(const struct context *context, const struct agreement *next)
{
	if (context->agreement == NULL)
		return ERR_OK;
	if (context->agreement_state == AGREEMENT_SUSPENDED)
		return ERR_SUSPENDED;
	if (!is_running(context))
		return ERR_OK;
	bool names_it = next->has_supersedes &&
			slice_equal(SLICE_ARRAY(next->supersedes), SLICE_ARRAY(context->agreement->hash));
	return names_it && next->from_s <= context->time_ms / 1000 ? ERR_OK : ERR_STATE;
}

static enum err accept_candidate(struct context *context, struct slice hash, struct slice signature)
{
	const struct agreement *next;
	const struct charter *charter;
	struct public_key key;
	Rows__Store *row;
	uint32_t store = context->envelope->principal.store;

	TRY(store_row_get(context, store, &row));
	if (row->candidate == NULL || !slice_equal(wire_slice(row->candidate->hash), hash))
		return ERR_NOT_FOUND;
	if (row->candidate->state != AGREEMENT_OFFERED)
		return ERR_STATE;
	TRY(papers_agreement(context, row->candidate, &next, &charter));
	TRY(may_replace(context, next));
	TRY(principal_key(context, context->envelope->decoded->principal, &key));
	TRY(add_signature(context, hash, &key, signature));
	row->current = row->candidate;
	row->candidate = NULL;
	row->current->state = AGREEMENT_ACTIVE;
	row->current->changed_ms = context->time_ms;
	TRY(put_store(context, store, row));
	context->store = row;
	context->agreement = next;
	context->agreement_charter = charter;
	context->agreement_state = AGREEMENT_ACTIVE;
	return ERR_OK;
}

enum err handle_accept(struct context *context)
{
	const Kluis__Accept *operation = context->operation->accept;
	enum err err = accept_candidate(context, wire_slice(operation->agreement), wire_slice(operation->signature));

	return is_verdict(err) ? refuse(context, err, NULL) : err;
}

/* ---- suspend, resume, terminate ---- */

/* R28: what each action makes of which state; 0 where it is not possible. */
static const enum agreement_state next_state[4][AGREEMENT_EXPIRED + 1] = {
	[1] = {[AGREEMENT_ACTIVE] = AGREEMENT_SUSPENDED},
	[2] = {[AGREEMENT_SUSPENDED] = AGREEMENT_ACTIVE},
	[3] = {[AGREEMENT_ACTIVE] = AGREEMENT_TERMINATED, [AGREEMENT_SUSPENDED] = AGREEMENT_TERMINATED},
};

enum err handle_standing(struct context *context)
{
	const Kluis__Standing *operation = context->operation->standing;
	Rows__Store *row;

	enum err err = store_row_get(context, operation->store, &row);
	if (err == ERR_NOT_FOUND)
		return refuse(context, ERR_STORE, NULL);
	TRY(err);
	if (operation->action < 1 || operation->action > 3)
		return refuse(context, ERR_INPUT, NULL);
	enum agreement_state state = AGREEMENT_NONE;
	if (row->current != NULL && row->current->state <= AGREEMENT_EXPIRED)
		state = next_state[operation->action][row->current->state];
	if (state == AGREEMENT_NONE)
		return refuse(context, ERR_STATE, NULL);
	row->current->state = (uint32_t)state;
	row->current->changed_ms = context->time_ms;
	return put_store(context, operation->store, row);
}

/* ---- reading ---- */

static enum err add_row(struct context *context, uint32_t store, const Rows__Paper *paper)
{
	Kluis__AgreementRow item = KLUIS__AGREEMENT_ROW__INIT;

	if (paper == NULL)
		return ERR_OK;
	item.store = store;
	item.hash = paper->hash;
	item.state = paper->state;
	item.changed_ms = paper->changed_ms;
	return context_add_message(context, &item.base);
}

enum err handle_agreements(struct context *context)
{
	const Kluis__Agreements *operation = context->operation->agreements;
	const struct principal *principal = &context->envelope->principal;
	uint32_t store = principal->kind == PRINCIPAL_STORE ? principal->store : operation->store;
	Rows__Store *row;

	bool names_other = operation->has_store && operation->store != store;
	if (names_other || (principal->kind != PRINCIPAL_STORE && !operation->has_store))
		return refuse(context, ERR_STORE, NULL);
	enum err err = store_row_get(context, store, &row);
	if (err == ERR_NOT_FOUND)
		return refuse(context, ERR_STORE, NULL);
	TRY(err);
	TRY(add_row(context, store, row->current));
	return add_row(context, store, row->candidate);
}

static bool is_own_paper(const Rows__Store *store, struct slice hash)
{
	const Rows__Paper *papers[] = {store->current, store->candidate};

	for (size_t i = 0; i < 2; i++)
		if (papers[i] != NULL && (slice_equal(wire_slice(papers[i]->hash), hash) ||
					  slice_equal(wire_slice(papers[i]->charter), hash)))
			return true;
	return false;
}

static bool is_charter_in_force(const struct context *context, struct slice hash)
{
	return slice_equal(SLICE_ARRAY(context->charter->hash), hash);
}

/* A store sees charters in force, its own papers and the broker's keys (R117, R141). */
static enum err may_see(struct context *context, struct slice hash)
{
	bool is_trust;

	if (context->envelope->principal.kind != PRINCIPAL_STORE || is_charter_in_force(context, hash) ||
	    (context->store != NULL && is_own_paper(context->store, hash)))
		return ERR_OK;
	TRY(trust_is_version(context, hash, &is_trust));
	return is_trust ? ERR_OK : ERR_NOT_FOUND;
}

/* Empty: the charter in force; zeros: the trust in force. */
static enum err named_paper(struct context *context, struct slice *ret_hash)
{
	static const uint8_t zeros[HASH_SIZE];
	struct slice hash = wire_slice(context->operation->get_paper->hash);

	*ret_hash = hash;
	if (hash.length == 0)
		*ret_hash = SLICE_ARRAY(context->charter->hash);
	if (!slice_equal(hash, SLICE_ARRAY(zeros)))
		return ERR_OK;
	return view_get(context->view, TABLE_META, slice_text(LOGS_META_TRUST), ret_hash);
}

enum err handle_get_paper(struct context *context)
{
	struct slice hash, note;

	enum err err = named_paper(context, &hash);
	if (err == ERR_OK)
		err = may_see(context, hash);
	if (err == ERR_OK)
		err = view_get(context->view, TABLE_PAPER, hash, &note);
	if (err == ERR_NOT_FOUND)
		return refuse(context, ERR_NOT_FOUND, NULL);
	TRY(err);
	return context_add_item(context, note);
}
