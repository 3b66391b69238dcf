/*
 * Stores as witnesses: FORMAT.md R144.
 */
#include <string.h>

#include "core/core.h"
#include "core/request.h"

#define WITNESS_DOMAIN "kluis/witness/v1\n"

enum err handle_witness(struct context *context)
{
	const Kluis__Witness *witness = context->operation->witness;
	uint8_t place[4];

	enum err err = key_verify(witness->public_key.data, WITNESS_DOMAIN,
				  slice_text(context->envelope->decoded->principal), wire_slice(witness->signature));
	if (err == ERR_SIGNATURE)
		return refuse(context, ERR_SIGNATURE, NULL);
	TRY(err);
	view_put(context->view, TABLE_WITNESS, store_key(context->envelope->principal.store, place),
		 wire_slice(witness->public_key));
	return ERR_OK;
}

/* ERR_NOT_FOUND before the first one. */
static enum err current_round(struct context *context, struct round *ret_round)
{
	struct slice row;

	TRY(view_get(context->view, TABLE_META, slice_text(ROUND_KEY), &row));
	return round_decode(row, ret_round);
}

static enum err add_proof(struct context *context, const struct round *round, uint64_t old_size)
{
	struct merkle_proof proof = {.count = 0};

	/* who has cosigned more than there is gets no proof of it, and sees why by the size */
	if (old_size <= round->size)
		TRY(ledger_prove_consistency(&core_ledger_tables, context->view->txn, old_size, round->size, &proof));
	return context_add_item(context, SLICE(proof.hashes, proof.count * sizeof proof.hashes[0]));
}

enum err handle_get_round(struct context *context)
{
	struct round round;
	enum err err = current_round(context, &round);

	if (err == ERR_NOT_FOUND)
		return refuse(context, ERR_NOT_FOUND, NULL);
	TRY(err);
	TRY(context_add_item(context, round.note));
	return add_proof(context, &round, context->operation->get_round->old_size);
}

static enum err witness_key(struct context *context, struct public_key *ret_key)
{
	const struct principal *principal = &context->envelope->principal;
	char name[PRINCIPAL_MAX + 1];
	uint8_t place[4];
	struct slice key;

	TRY(view_get(context->view, TABLE_WITNESS, store_key(principal->store, place), &key));
	if (key.length != KEY_SIZE)
		return ERR_CORRUPT;
	TRY(principal_witness_name(principal->origin, principal->store, name));
	return public_key_init(ret_key, slice_text(name), KEY_TYPE_COSIGNATURE, key.data);
}

static enum err put_cosignature(struct context *context, const struct public_key *witness)
{
	const Kluis__Cosign *cosign = context->operation->cosign;
	uint8_t place[COSIGNATURE_KEY_MAX];
	struct bytes row CLEANUP(bytes_fini) = {0};

	bytes_init(&row, COSIGNATURE_ROW_MAX);
	TRY(cosignature_encode(cosign->size, witness, cosign->signature.data, &row));
	view_put(context->view, TABLE_COSIGNATURE, cosignature_key(&context->envelope->principal.store, NULL, place),
		 bytes_slice(&row));
	return ERR_OK;
}

static enum err cosign(struct context *context)
{
	const Kluis__Cosign *cosign = context->operation->cosign;
	struct public_key witness;
	struct round round;
	struct slice text;
	uint64_t time_s;

	TRY(witness_key(context, &witness));
	enum err err = current_round(context, &round);
	if (err == ERR_NOT_FOUND || (err == ERR_OK && round.size != cosign->size))
		return ERR_STATE;
	TRY(err);
	TRY(round_text(&round, context->arena, &text));
	TRY(note_check_cosignature(text, witness.key, wire_slice(cosign->signature), &time_s));
	return put_cosignature(context, &witness);
}

enum err handle_cosign(struct context *context)
{
	enum err err = cosign(context);

	if (err == ERR_NOT_FOUND || err == ERR_STATE || err == ERR_SIGNATURE)
		return refuse(context, err, NULL);
	return err;
}

enum err handle_get_cosigned(struct context *context)
{
	struct slice note;
	enum err err = view_get(context->view, TABLE_META, slice_text(COSIGNED_KEY), &note);

	if (err == ERR_NOT_FOUND)
		return refuse(context, ERR_NOT_FOUND, NULL);
	TRY(err);
	return context_add_item(context, note);
}
