#include "unlogged.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_keys.h"

static void must(enum err err, const char *what)
{
	if (err == ERR_OK)
		return;
	fprintf(stderr, "unlogged: %s: %s\n", what, error_text(err));
	abort();
}

static void *take(struct franchise *formula, size_t size)
{
	void *place = arena_alloc(&formula->arena, size);

	must(place == NULL ? ERR_MEMORY : ERR_OK, "memory");
	return place;
}

/* ---- asking ---- */

static enum err send_to_core(void *context, struct slice message, struct bytes *ret_reply)
{
	struct franchise *formula = context;
	struct prepared *prepared CLEANUP(prepared_free) = NULL;

	TRY(core_prepare(formula->core, message, formula->now_ms, &prepared));
	if (prepared_needs_commit(prepared))
		TRY(core_commit(formula->core, &prepared, 1, formula->now_ms));
	return bytes_append(ret_reply, core_reply(prepared));
}

struct exchange unlogged_exchange(struct franchise *formula)
{
	return (struct exchange){.context = formula, .send = send_to_core};
}

enum err unlogged_ask(struct franchise *formula, const struct party *party, Kluis__Operation *operation,
		      const Kluis__Reply **ret_reply)
{
	const Kluis__Reply *reply;
	struct fault fault = {""};
	enum err code;
	enum err err = session_ask(&party->key, unlogged_exchange(formula), 5, operation, formula->now_ms,
				   &formula->arena, &reply, &code, &fault);

	must(err, fault.text);
	if (ret_reply != NULL)
		*ret_reply = reply;
	return code;
}

static enum err keep_message(void *context, struct slice message, struct bytes *ret_reply)
{
	(void)ret_reply;
	return bytes_append(context, message);
}

struct slice unlogged_message(struct franchise *formula, const struct party *party, Kluis__Operation *operation)
{
	struct bytes message CLEANUP(bytes_fini) = {0};
	struct exchange exchange = {.context = &message, .send = keep_message};
	const Kluis__Reply *reply;
	enum err code;

	bytes_init(&message, MESSAGE_MAX);
	if (session_ask(&party->key, exchange, 5, operation, formula->now_ms, &formula->arena, &reply, &code, NULL) !=
	    ERR_MISMATCH)
		must(ERR_STATE, "an empty answer was taken");
	uint8_t *copy = arena_copy(&formula->arena, bytes_slice(&message));
	must(copy == NULL ? ERR_MEMORY : ERR_OK, "memory");
	return SLICE(copy, message.length);
}

static Kluis__Operation *operation_new(struct franchise *formula, Kluis__Operation__KindCase kind)
{
	Kluis__Operation *operation = take(formula, sizeof *operation);

	kluis__operation__init(operation);
	operation->kind_case = kind;
	return operation;
}

/* ---- watching ---- */

Kluis__Operation *unlogged_watch(struct franchise *formula, uint32_t wait_ms, const Kluis__WatchRow *known)
{
	Kluis__Operation *operation = operation_new(formula, KLUIS__OPERATION__KIND_WATCH);
	Kluis__WatchRow *row = take(formula, sizeof *row);

	kluis__watch_row__init(row);
	if (known != NULL)
		*row = *known;
	operation->watch = take(formula, sizeof *operation->watch);
	kluis__watch__init(operation->watch);
	operation->watch->wait_ms = wait_ms;
	operation->watch->known = row;
	return operation;
}

const Kluis__WatchRow *unlogged_row(struct franchise *formula, const struct party *party)
{
	const Kluis__Reply *reply;
	Kluis__WatchRow *row;

	must(unlogged_ask(formula, party, unlogged_watch(formula, 0, NULL), &reply), "watch");
	must(reply->n_data == 1 && reply->data[0]->n_items == 1 ? ERR_OK : ERR_MISMATCH, "one row");
	must(WIRE_DECODE(WatchRow, watch_row, wire_slice(reply->data[0]->items[0]), &formula->arena, &row), "row");
	return row;
}

struct action action_roster(struct franchise *formula)
{
	struct action action = {.operation = operation_new(formula, KLUIS__OPERATION__KIND_ROSTER)};

	action.operation->roster = take(formula, sizeof *action.operation->roster);
	kluis__roster__init(action.operation->roster);
	return action;
}

/* ---- witnesses ---- */

struct secret_key witness_key(const struct party *store)
{
	char name[PRINCIPAL_MAX + 1];

	must(principal_witness_name(slice_text(FRANCHISE_ORIGIN), store->store, name), "name");
	return test_seed_key(name, (uint8_t)(100 + store->store));
}

struct action action_witness(struct franchise *formula, const struct party *store, const struct secret_key *witness)
{
	struct action action = {.operation = operation_new(formula, KLUIS__OPERATION__KIND_WITNESS)};
	uint8_t *signature = take(formula, SIGNATURE_SIZE), *key = take(formula, KEY_SIZE);

	must(key_sign(witness, "kluis/witness/v1\n", slice_text(store->key.public.name), signature), "signature");
	memcpy(key, witness->public.key, KEY_SIZE);
	action.operation->witness = take(formula, sizeof *action.operation->witness);
	kluis__witness__init(action.operation->witness);
	action.operation->witness->public_key = wire_data(SLICE(key, KEY_SIZE));
	action.operation->witness->signature = wire_data(SLICE(signature, SIGNATURE_SIZE));
	return action;
}

Kluis__Operation *unlogged_get_round(struct franchise *formula, uint64_t old_size)
{
	Kluis__Operation *operation = operation_new(formula, KLUIS__OPERATION__KIND_GET_ROUND);

	operation->get_round = take(formula, sizeof *operation->get_round);
	kluis__get_round__init(operation->get_round);
	operation->get_round->old_size = old_size;
	return operation;
}

Kluis__Operation *unlogged_cosign(struct franchise *formula, uint64_t size, struct slice text,
				  const struct secret_key *witness, uint64_t time_s)
{
	Kluis__Operation *operation = operation_new(formula, KLUIS__OPERATION__KIND_COSIGN);
	uint8_t *payload = take(formula, COSIGNATURE_SIZE);

	must(note_make_cosignature(text, witness, time_s, payload), "cosignature");
	operation->cosign = take(formula, sizeof *operation->cosign);
	kluis__cosign__init(operation->cosign);
	operation->cosign->size = size;
	operation->cosign->signature = wire_data(SLICE(payload, COSIGNATURE_SIZE));
	return operation;
}

struct action action_get_cosigned(struct franchise *formula)
{
	struct action action = {.operation = operation_new(formula, KLUIS__OPERATION__KIND_GET_COSIGNED)};

	action.operation->get_cosigned = take(formula, sizeof *action.operation->get_cosigned);
	kluis__get_cosigned__init(action.operation->get_cosigned);
	return action;
}

uint64_t franchise_round(struct franchise *formula)
{
	uint64_t next_ms = 0;

	must(core_checkpoint(formula->core), "checkpoint");
	must(core_round(formula->core, formula->now_ms, &next_ms), "round");
	return next_ms;
}
