/*
 * Keys that follow other keys, decided again (FORMAT.md R140 to R143). Which keys the broker has of its own, and how
 * far rewrapping is, is not for the log to hold.
 */
#include <string.h>

#include "kluis/trust.h"
#include "recompute.h"

#define ROTATE_DOMAIN "kluis/rotate/v1\n"

static bool is_signed(const Kluis__RotateKey *rotate, const struct public_key *old)
{
	struct bytes message CLEANUP(bytes_fini) = {0};

	bytes_init(&message, PRINCIPAL_MAX + 1 + KEY_SIZE);
	return bytes_append(&message, slice_text(old->name)) == ERR_OK && bytes_append_u8(&message, 0) == ERR_OK &&
	       bytes_append(&message, SLICE_ARRAY(old->key)) == ERR_OK &&
	       key_verify(rotate->public_key.data, ROTATE_DOMAIN, bytes_slice(&message),
			  wire_slice(rotate->signature)) == ERR_OK;
}

void recompute_rotate_key(const struct state *state, const struct step *step)
{
	const Kluis__RotateKey *rotate = step->operation->rotate_key;
	const struct public_key *old = principal_key_at(
		principals_find(&state->principals, slice_text(step->entry->request->principal)), step->index);
	struct reasons reasons = {0};

	reasons_certain(&reasons, step->entry->request->n_operations != 1, ERR_INPUT);
	reasons_certain(&reasons, old != NULL && slice_equal(wire_slice(rotate->public_key), SLICE_ARRAY(old->key)),
			ERR_EXISTS);
	reasons_certain(&reasons, old == NULL || !is_signed(rotate, old), ERR_SIGNATURE);
	expect_reasons(state, step, &reasons, NULL);
}

void recompute_revoke(const struct state *state, const struct step *step)
{
	const struct principal_fact *fact =
		principals_find(&state->principals, slice_text(step->operation->revoke->principal));
	struct reasons reasons = {0};

	reasons_certain(&reasons, principal_key_at(fact, step->index) == NULL, ERR_NOT_FOUND);
	expect_reasons(state, step, &reasons, NULL);
}

/* A refused paper is not kept; one that was taken is checked with the papers. */
void recompute_trust(const struct state *state, const struct step *step)
{
	static const enum err of_paper[] = {ERR_PAPER, ERR_SIGNATURE, ERR_STATE, ERR_TOO_LARGE, ERR_OK};
	struct reasons reasons = {0};

	reasons_possible(&reasons, of_paper);
	expect_reasons(state, step, &reasons, NULL);
}

void recompute_master_key(const struct state *state, const struct step *step)
{
	static const enum err of_broker[] = {ERR_NOT_FOUND, ERR_STATE, ERR_OK};
	const Kluis__MasterKey *master_key = step->operation->master_key;
	uint32_t newest = state->epoch == 0 ? 1 : state->epoch;
	bool is_other = master_key->epoch != newest && (master_key->action == 2 || master_key->epoch != newest + 1);
	bool is_early = master_key->action == 1 && master_key->epoch == newest + 1 && state->is_rewrapping;
	struct reasons reasons = {0};

	reasons_certain(&reasons, is_other || is_early, ERR_STATE);
	reasons_possible(&reasons, of_broker);
	expect_reasons(state, step, &reasons, NULL);
}

void recompute_rewrap(const struct state *state, const struct step *step)
{
	struct reasons reasons = {0};

	expect_reasons(state, step, &reasons, NULL);
}
