#include "key_action.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kluis/hash.h"
#include "test_keys.h"

static void must(enum err code, const char *what, const char *why)
{
	if (code == ERR_OK)
		return;
	fprintf(stderr, "key_action: %s: %s %s\n", what, error_text(code), why);
	abort();
}

/* ---- the ring ---- */

static enum err ring_master(void *context, uint32_t epoch, uint8_t ret_master[static KEY_SIZE])
{
	const struct ring *ring = context;

	if (epoch > RING_MAX || !ring->has_master[epoch])
		return ERR_NOT_FOUND;
	memcpy(ret_master, ring->masters[epoch], KEY_SIZE);
	return ERR_OK;
}

static void ring_end_masters(void *context, uint32_t oldest)
{
	struct ring *ring = context;

	ring->oldest = oldest;
	for (uint32_t epoch = 0; epoch < oldest; epoch++)
		ring->has_master[epoch] = false;
}

static enum err ring_log(void *context, const struct public_key *key, const struct secret_key **ret_log)
{
	const struct ring *ring = context;

	for (size_t i = 0; i < ring->log_count; i++)
		if (public_key_equal(&ring->logs[i].public, key)) {
			*ret_log = &ring->logs[i];
			return ERR_OK;
		}
	return ERR_NOT_FOUND;
}

void ring_take(struct ring *ring, struct franchise *formula)
{
	*ring = (struct ring){.log_count = 1, .has_master = {false, true}};
	ring->logs[0] = test_seed_key(FRANCHISE_ORIGIN "/log", 2);
	memcpy(ring->masters[1], formula->master, KEY_SIZE);
	formula->keys.context = ring;
	formula->keys.master_of = ring_master;
	formula->keys.end_masters = ring_end_masters;
	formula->keys.log_of = ring_log;
}

const struct secret_key *ring_add_log(struct ring *ring, uint8_t seed)
{
	ring->logs[ring->log_count] = test_seed_key(FRANCHISE_ORIGIN "/log", seed);
	return &ring->logs[ring->log_count++];
}

void ring_add_master(struct ring *ring, uint32_t epoch)
{
	memset(ring->masters[epoch], (int)(0x40 + epoch), KEY_SIZE);
	ring->has_master[epoch] = true;
}

void ring_fini(struct ring *ring)
{
	for (size_t i = 0; i < ring->log_count; i++)
		secret_key_fini(&ring->logs[i]);
}

/* ---- operations ---- */

static void *room(struct franchise *formula, size_t size)
{
	void *place = arena_alloc(&formula->arena, size);

	must(place == NULL ? ERR_MEMORY : ERR_OK, "memory", "");
	return place;
}

static Kluis__Operation *operation_new(struct franchise *formula, Kluis__Operation__KindCase kind, size_t size,
				       void (*init)(void *message))
{
	Kluis__Operation *operation = room(formula, sizeof *operation);
	void *message = room(formula, size);

	kluis__operation__init(operation);
	operation->kind_case = kind;
	init(message);
	operation->lookup = message; /* the union's place: all its members are pointers */
	return operation;
}

#define OPERATION_NEW(formula, kind, type, name)                                                                       \
	operation_new(formula, KLUIS__OPERATION__KIND_##kind, sizeof(Kluis__##type), init_##name)

#define INIT(type, name)                                                                                               \
	static void init_##name(void *message)                                                                         \
	{                                                                                                              \
		kluis__##name##__init((Kluis__##type *)message);                                                       \
	}
INIT(RotateKey, rotate_key)
INIT(Revoke, revoke)
INIT(MasterKey, master_key)
INIT(Rewrap, rewrap)
INIT(Trust, trust)

static struct slice kept(struct franchise *formula, struct slice slice)
{
	uint8_t *copy = room(formula, slice.length + 1);

	memcpy(copy, slice.data, slice.length);
	copy[slice.length] = 0;
	return SLICE(copy, slice.length);
}

struct action action_rotate_key(struct franchise *formula, const struct party *party, const struct secret_key *next,
				const struct secret_key *signer)
{
	Kluis__Operation *operation = OPERATION_NEW(formula, ROTATE_KEY, RotateKey, rotate_key);
	uint8_t signature[SIGNATURE_SIZE];
	struct bytes message CLEANUP(bytes_fini);

	bytes_init(&message, 1024);
	must(bytes_append(&message, slice_text(party->key.public.name)), "message", "");
	must(bytes_append_u8(&message, 0), "message", "");
	must(bytes_append(&message, SLICE_ARRAY(party->key.public.key)), "message", "");
	must(key_sign(signer != NULL ? signer : next, "kluis/rotate/v1\n", bytes_slice(&message), signature), "sign",
	     "");
	operation->rotate_key->public_key = wire_data(kept(formula, SLICE_ARRAY(next->public.key)));
	operation->rotate_key->signature = wire_data(kept(formula, SLICE_ARRAY(signature)));
	return (struct action){.operation = operation};
}

void rotate_party(struct franchise *formula, struct party *party, uint8_t seed)
{
	struct secret_key next = test_seed_key(party->key.public.name, seed);

	franchise_must(formula, party, action_rotate_key(formula, party, &next, NULL));
	secret_key_fini(&party->key);
	party->key = next;
}

struct action action_revoke(struct franchise *formula, const char *principal)
{
	Kluis__Operation *operation = OPERATION_NEW(formula, REVOKE, Revoke, revoke);

	operation->revoke->principal = (char *)(uintptr_t)kept(formula, slice_text(principal)).data;
	operation->revoke->reason = (char *)(uintptr_t)kept(formula, slice_text("stolen")).data;
	return (struct action){.operation = operation};
}

struct action action_master_key(struct franchise *formula, uint32_t epoch, uint32_t what)
{
	Kluis__Operation *operation = OPERATION_NEW(formula, MASTER_KEY, MasterKey, master_key);

	operation->master_key->epoch = epoch;
	operation->master_key->action = what;
	return (struct action){.operation = operation};
}

struct action action_rewrap(struct franchise *formula, uint32_t count)
{
	Kluis__Operation *operation = OPERATION_NEW(formula, REWRAP, Rewrap, rewrap);

	operation->rewrap->count = count;
	return (struct action){.operation = operation};
}

/* ---- trust ---- */

struct slice trust_note(struct franchise *formula, const struct trust *trust, const struct secret_key *const *logs,
			size_t log_count)
{
	const struct secret_key *keys[1 + TRUST_LOGS_MAX] = {&formula->office.key};
	struct bytes text CLEANUP(bytes_fini), note CLEANUP(bytes_fini);
	struct fault fault = {""};

	bytes_init(&text, PAPER_MAX);
	bytes_init(&note, PAPER_MAX);
	for (size_t i = 0; i < log_count; i++)
		keys[1 + i] = logs[i];
	must(trust_print(trust, &text, &fault), "trust_print", fault.text);
	must(note_sign(bytes_slice(&text), keys, 1 + log_count, &note), "note_sign", "");
	return kept(formula, bytes_slice(&note));
}

struct action action_trust(struct franchise *formula, struct slice note)
{
	Kluis__Operation *operation = OPERATION_NEW(formula, TRUST, Trust, trust);
	struct note *parsed = room(formula, sizeof *parsed);

	must(note_parse(note, &formula->arena, parsed, NULL), "note_parse", "");
	operation->trust->hash = wire_data(action_hash(formula, parsed->text));
	return (struct action){.operation = operation, .paper = note};
}

struct trust trust_after(const struct trust *before, const struct secret_key *const *logs, size_t log_count)
{
	struct trust trust = {.origin = FRANCHISE_ORIGIN,
			      .version = before == NULL ? 1 : before->version + 1,
			      .log_count = log_count,
			      .certificates_pem = "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n"};

	if (before != NULL)
		memcpy(trust.before, before->hash, HASH_SIZE);
	for (size_t i = 0; i < log_count; i++)
		trust.logs[i] = logs[i]->public;
	return trust;
}

struct trust trust_of(struct franchise *formula, struct slice note)
{
	struct fault fault = {""};
	struct trust trust;

	must(trust_open(note, &formula->office.key.public, "trust", &formula->arena, &trust, &fault), "trust_open",
	     fault.text);
	return trust;
}

void trust_put_after(struct trust *ret_trust, const struct trust *before, const struct secret_key *const *logs,
		     size_t log_count)
{
	*ret_trust = trust_after(before, logs, log_count);
}

void trust_put_of(struct trust *ret_trust, struct franchise *formula, struct slice note)
{
	*ret_trust = trust_of(formula, note);
}
