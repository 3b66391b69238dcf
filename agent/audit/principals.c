#include "principals.h"

#include <inttypes.h>
#include <string.h>

#include "kluis/hash.h"

void principals_init(struct principals *principals, const struct public_key *controller, struct arena *arena)
{
	*principals = (struct principals){.controller = *controller};
	map_init(&principals->by_name, arena);
}

void principals_fini(struct principals *principals)
{
	map_fini(&principals->by_name);
}

const struct principal_fact *principals_find(const struct principals *principals, struct slice name)
{
	return map_find(&principals->by_name, name);
}

static const Kluis__Join *join_of(const struct entry *entry)
{
	const Kluis__Request *request = entry->request;

	if (request->n_operations != 1 || request->operations[0]->kind_case != KLUIS__OPERATION__KIND_JOIN)
		return NULL;
	return request->operations[0]->join;
}

bool entry_is_join(const struct entry *entry)
{
	return join_of(entry) != NULL && entry->decoded->code == 0 && entry->decoded->results[0]->code == 0;
}

static bool is_controller(const struct principals *principals, const struct entry *entry)
{
	return strcmp(entry->request->principal, principals->controller.name) == 0;
}

bool principals_key(const struct principals *principals, const struct entry *entry, uint8_t ret_key[static KEY_SIZE])
{
	const struct principal_fact *fact;
	const uint8_t *key = NULL;

	if (is_controller(principals, entry)) {
		key = principals->controller.key;
	} else if (entry_is_join(entry)) {
		key = join_of(entry)->public_key.data;
	} else {
		fact = principals_find(principals, slice_text(entry->request->principal));
		if (fact != NULL && fact->has_key)
			key = fact->key.key;
	}
	if (key != NULL)
		memcpy(ret_key, key, KEY_SIZE);
	return key != NULL;
}

/* R35: exactly the last entry of the same principal and lane, or nothing where there was none. */
static bool acknowledges(const Kluis__Request *request, const struct lane_fact *lane)
{
	const Kluis__Acknowledgement *acknowledgement = request->acknowledgement;

	if (lane->sequence == 0 || acknowledgement == NULL)
		return lane->sequence == 0 && acknowledgement == NULL;
	return acknowledgement->index == lane->index &&
	       slice_equal(wire_slice(acknowledgement->leaf), SLICE_ARRAY(lane->leaf.bytes));
}

static void check_acknowledgement(uint64_t index, const struct entry *entry, const struct lane_fact *lane,
				  struct findings *findings)
{
	const Kluis__Request *request = entry->request;
	bool is_right = acknowledges(request, lane);
	bool is_refused = entry->decoded->code == ERR_ACKNOWLEDGEMENT;

	if (is_right && is_refused)
		finding_add_entry(findings, index,
				  "refused for its acknowledgement, which is right: %s, lane %" PRIu32 " (R35)",
				  request->principal, request->lane);
	if (is_right || is_refused)
		return;
	if (request->acknowledgement == NULL)
		finding_add_entry(findings, index,
				  "acknowledges nothing, though entry %" PRIu64 " went before it (R35)", lane->index);
	else if (lane->sequence == 0)
		finding_add_entry(findings, index,
				  "acknowledges entry %" PRIu64 " in the first request of lane %" PRIu32 " of %s (R35)",
				  request->acknowledgement->index, request->lane, request->principal);
	else
		finding_add_entry(findings, index,
				  "acknowledges entry %" PRIu64 " with another leaf or place than entry %" PRIu64
				  ", the last one of lane %" PRIu32 " of %s (R35)",
				  request->acknowledgement->index, lane->index, request->lane, request->principal);
}

/* R34: the number used last, for another request. Nothing moves. */
static void check_reuse(uint64_t index, const struct entry *entry, const struct lane_fact *lane,
			const struct hash *hash, struct findings *findings)
{
	if (lane->sequence == 0 || entry->request->sequence != lane->sequence)
		finding_add_entry(findings, index,
				  "refused as a reuse of number %" PRIu64 ", but the last one of lane %" PRIu32
				  " of %s is %" PRIu64 " (R34)",
				  entry->request->sequence, entry->request->lane, entry->request->principal,
				  lane->sequence);
	else if (slice_equal(SLICE_ARRAY(hash->bytes), SLICE_ARRAY(lane->request.bytes)))
		finding_add_entry(findings, index, "the same request as in entry %" PRIu64 " has a second entry (R34)",
				  lane->index);
}

static void take_number(uint64_t index, const struct entry *entry, struct lane_fact *lane, struct findings *findings)
{
	struct hash hash;

	sha256(wire_slice(entry->decoded->request), hash.bytes);
	if (entry->decoded->code == ERR_REUSED) {
		check_reuse(index, entry, lane, &hash, findings);
		return;
	}
	if (entry->request->sequence != lane->sequence + 1)
		finding_add_entry(findings, index,
				  "number %" PRIu64 " on lane %" PRIu32 " of %s, where %" PRIu64 " was due (R34)",
				  entry->request->sequence, entry->request->lane, entry->request->principal,
				  lane->sequence + 1);
	check_acknowledgement(index, entry, lane, findings);
	*lane = (struct lane_fact){
		.sequence = entry->request->sequence, .request = hash, .index = index, .leaf = entry->leaf};
}

/* What was done with a key, if the entry's operation number i was. */
static const Kluis__Operation *done(const struct entry *entry, size_t i, Kluis__Operation__KindCase kind)
{
	const Kluis__Operation *operation = entry->request->operations[i];
	bool is_done = entry->decoded->code == 0 && entry->decoded->results[i]->code == 0;

	return is_done && operation->kind_case == kind ? operation : NULL;
}

/* R140. */
static enum err take_rotation(struct principal_fact *fact, uint64_t index, const struct entry *entry)
{
	const Kluis__Operation *operation = done(entry, 0, KLUIS__OPERATION__KIND_ROTATE_KEY);
	struct public_key key;

	if (operation == NULL)
		return ERR_OK;
	TRY(public_key_init(&key, fact->key_name, KEY_TYPE_ED25519, operation->rotate_key->public_key.data));
	fact->old_key = fact->key;
	fact->key = key;
	fact->rotated = index + 1;
	return ERR_OK;
}

/* R142. */
static void take_revocations(struct principals *principals, uint64_t index, const struct entry *entry)
{
	for (size_t i = 0; i < entry->request->n_operations; i++) {
		const Kluis__Operation *operation = done(entry, i, KLUIS__OPERATION__KIND_REVOKE);
		struct principal_fact *fact =
			operation == NULL ? NULL
					  : map_find(&principals->by_name, slice_text(operation->revoke->principal));
		if (fact == NULL || !fact->has_key)
			continue;
		fact->has_key = false;
		fact->revoked = index + 1;
	}
}

const struct public_key *principal_key_at(const struct principal_fact *fact, uint64_t index)
{
	if (fact == NULL)
		return NULL;
	if (fact->rotated == index + 1)
		return &fact->old_key;
	return fact->has_key || fact->revoked == index + 1 ? &fact->key : NULL;
}

/* A new key begins anew; the same key joining again goes on from where its lanes are (R104). */
static enum err take_join(struct principal_fact *fact, uint64_t index, const struct entry *entry,
			  struct findings *findings)
{
	const Kluis__Join *join = join_of(entry);
	struct public_key key;

	TRY(public_key_init(&key, fact->key_name, KEY_TYPE_ED25519, join->public_key.data));
	if (!fact->has_key && fact->revoked > 0 && public_key_equal(&key, &fact->key))
		finding_add_entry(findings, index, "joins with the key that entry %" PRIu64 " revoked (R142)",
				  fact->revoked - 1);
	if (!fact->has_key || !public_key_equal(&key, &fact->key)) {
		memset(fact->lanes, 0, sizeof fact->lanes);
		fact->begun = index + 1;
	}
	take_number(index, entry, &fact->lanes[entry->request->lane], findings);
	fact->key = key;
	fact->has_key = true;
	return ERR_OK;
}

enum err principals_take(struct principals *principals, uint64_t index, const struct entry *entry,
			 struct findings *findings)
{
	struct principal_fact *fact =
		map_take(&principals->by_name, slice_text(entry->request->principal), sizeof *fact);

	if (fact == NULL)
		return ERR_MEMORY;
	if (is_controller(principals, entry)) {
		fact->key = principals->controller;
		fact->has_key = true;
		take_revocations(principals, index, entry);
	} else if (entry_is_join(entry)) {
		return take_join(fact, index, entry, findings);
	}
	take_number(index, entry, &fact->lanes[entry->request->lane], findings);
	return entry->principal.kind == PRINCIPAL_STORE ? take_rotation(fact, index, entry) : ERR_OK;
}
