#include "custody.h"

#include <string.h>

#include "erasure.h"

/* ---- finders ---- */

const struct copy_fact *custody_copy(const struct store_fact *store, const char *purpose)
{
	return map_find(&store->copies, slice_text(purpose));
}

const struct delivery_fact *custody_delivery(const struct state *state, uint64_t index)
{
	uint8_t key[8];

	put_u64(key, index);
	return map_find(&state->deliveries, SLICE_ARRAY(key));
}

const char *custody_role(const struct store_fact *store, struct slice employee, uint64_t time_ms, uint64_t seen_ms)
{
	const struct shifts_fact *shifts = map_find(&store->shifts, employee);
	const struct shift *shift = shifts == NULL ? NULL : shifts->latest;

	for (; shift != NULL; shift = shift->before) {
		bool has_begun = shift->from_ms <= time_ms + JOURNAL_TOLERANCE_MS;
		bool is_over = shift->until_ms != 0 && shift->until_ms + JOURNAL_TOLERANCE_MS < time_ms &&
			       shift->until_ms < seen_ms;

		if (has_begun && !is_over)
			return shift->role;
	}
	return NULL;
}

void custody_facts(const struct state *state, const struct step *step, const Kluis__JournalRecord *record,
		   struct journal_facts *ret_facts)
{
	const struct copy_fact *copy = custody_copy(step->store, record->purpose);
	struct journal_facts facts = {.entry_ms = step->time_ms, .is_tree_known = journal_saw_nothing(record)};
	struct hash root;

	facts.lease_until_ms = copy == NULL ? 0 : copy->until_ms;
	if (record->seen_size > 0 && record->seen_size <= state->chronicle.size) {
		chronicle_at(&state->chronicle, record->seen_size, &root, &facts.tree_ms);
		facts.is_tree_known = slice_equal(wire_slice(record->seen_root), SLICE_ARRAY(root.bytes));
	}
	if (!facts.is_tree_known)
		facts.tree_ms = 0;
	*ret_facts = facts;
}

void custody_request(const struct state *state, const struct step *step, struct journal_request *ret_request)
{
	const Kluis__Request *request = step->entry->request;
	const Kluis__Acknowledgement *acknowledged = request->acknowledgement;
	struct hash root;

	*ret_request = (struct journal_request){.entry_ms = step->time_ms, .time_ms = request->time_ms};
	if (acknowledged != NULL && acknowledged->index < state->chronicle.size)
		chronicle_at(&state->chronicle, acknowledged->index + 1, &root, &ret_request->acknowledged_ms);
}

/* ---- what is delivered ---- */

static enum err new_delivery(struct state *state, const struct step *step, struct delivery **ret_delivery)
{
	struct delivery *delivery = arena_alloc(state->arena, sizeof *delivery);

	if (delivery == NULL)
		return ERR_MEMORY;
	delivery->store = step->store->number;
	delivery->purpose = arena_text(state->arena, slice_text(step->operation->purpose));
	delivery->items = arena_array(state->arena, step->result->n_disclosures, sizeof *delivery->items);
	if (delivery->purpose == NULL || delivery->items == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < step->result->n_disclosures; i++) {
		const Kluis__Disclosure *disclosure = step->result->disclosures[i];
		struct delivered *item = &delivery->items[delivery->count];

		if (!disclosure->has_commitment)
			continue;
		memcpy(item->customer, disclosure->customer.data, PSEUDONYM_SIZE);
		item->version = disclosure->version;
		item->fields = disclosure->fields;
		delivery->count++;
	}
	*ret_delivery = delivery;
	return ERR_OK;
}

static bool discloses(const struct step *step)
{
	for (size_t i = 0; i < step->result->n_disclosures; i++)
		if (step->result->disclosures[i]->has_commitment)
			return true;
	return false;
}

enum err custody_deliver(struct state *state, const struct step *step)
{
	struct delivery_fact *fact;
	struct delivery *delivery;
	uint8_t key[8];

	if (step->store == NULL || step->operation->purpose == NULL || !discloses(step))
		return ERR_OK;
	put_u64(key, step->index);
	fact = map_take(&state->deliveries, SLICE_ARRAY(key), sizeof *fact);
	if (fact == NULL)
		return ERR_MEMORY;
	TRY(new_delivery(state, step, &delivery));
	fact->time_ms = step->time_ms;
	delivery->next = fact->deliveries;
	fact->deliveries = delivery;
	return ERR_OK;
}

/* ---- copies ---- */

static enum err take_copy(const struct step *step, struct copy_fact **ret_copy)
{
	*ret_copy = map_take(&step->store->copies, slice_text(step->operation->purpose), sizeof **ret_copy);
	return *ret_copy == NULL ? ERR_MEMORY : ERR_OK;
}

enum err apply_sync(struct state *state, const struct step *step)
{
	struct copy_fact *copy;

	TRY(custody_deliver(state, step));
	if (step->store == NULL || step->operation->purpose == NULL || !discloses(step))
		return ERR_OK;
	TRY(take_copy(step, &copy));
	if (!copy->is_held)
		copy->since_ms = step->time_ms / 1000 * 1000;
	copy->is_held = true;
	return erasure_receive(state, step, copy);
}

/* A renewal before the end goes on with the same span; one that ends earlier does not take back the one before. */
static enum err extend(struct state *state, const struct step *step, struct copy_fact *copy)
{
	struct lease_span *span = copy->leases;

	if (span == NULL || span->until_ms < step->time_ms) {
		span = arena_alloc(state->arena, sizeof *span);
		if (span == NULL)
			return ERR_MEMORY;
		span->from_ms = step->time_ms;
		span->before = copy->leases;
		copy->leases = span;
	}
	span->until_ms = copy->until_ms;
	return ERR_OK;
}

enum err apply_lease(struct state *state, const struct step *step)
{
	struct journal_request request;
	struct copy_fact *copy;

	if (step->store == NULL || step->operation->purpose == NULL)
		return ERR_OK;
	custody_request(state, step, &request);
	journal_commit(&step->store->journal, step->operation->lease->end, &request);
	step->store->journal.leased_ms = step->time_ms;
	TRY(take_copy(step, &copy));
	if (step->result->until_ms > copy->until_ms)
		copy->until_ms = step->result->until_ms;
	return extend(state, step, copy);
}

enum err apply_purge(struct state *state, const struct step *step)
{
	struct copy_fact *copy;

	if (step->operation->purge->has_customer)
		return erasure_certify(state, step);
	if (step->store == NULL || step->operation->purpose == NULL)
		return ERR_OK;
	TRY(take_copy(step, &copy));
	copy->is_held = false;
	copy->until_ms = 0;
	if (copy->leases != NULL && copy->leases->until_ms > step->time_ms)
		copy->leases->until_ms = step->time_ms;
	return ERR_OK;
}

/* ---- journals ---- */

/* What is no record is not there: recompute has said so. */
enum err apply_local_access(struct state *state, const struct step *step)
{
	const Kluis__LocalAccess *access = step->operation->local_access;
	struct arena arena CLEANUP(arena_fini) = {0};
	struct journal_request request;

	if (step->store == NULL)
		return ERR_OK;
	custody_request(state, step, &request);
	arena_init(&arena, REQUEST_ARENA_MAX);
	for (size_t i = 0; i < access->n_records; i++) {
		const Kluis__JournalRecord *record;
		struct hash hash;
		enum err err = journal_record_decode(wire_slice(access->records[i]), &arena, &record, NULL);

		if (err == ERR_MEMORY)
			return err;
		if (err != ERR_OK)
			continue;
		journal_record_hash(wire_slice(access->records[i]), &hash);
		journal_advance(&step->store->journal, record, &hash, step->time_ms);
	}
	journal_commit(&step->store->journal, access->end, &request);
	return ERR_OK;
}

bool custody_begins_anew(const struct state *state, const struct step *step)
{
	const struct principal_fact *principal =
		principals_find(&state->principals, slice_text(step->entry->request->principal));

	return step->store != NULL && principal != NULL && principal->begun == step->index + 1;
}

/* ---- staff ---- */

enum err custody_shift(struct state *state, const struct step *step, struct store_fact *store, struct slice employee,
		       const char *role)
{
	struct shifts_fact *shifts = map_take(&store->shifts, employee, sizeof *shifts);
	struct shift *shift;

	if (shifts == NULL)
		return ERR_MEMORY;
	if (shifts->latest != NULL && shifts->latest->until_ms == 0)
		shifts->latest->until_ms = step->time_ms;
	if (role == NULL)
		return ERR_OK;
	shift = arena_alloc(state->arena, sizeof *shift);
	if (shift == NULL)
		return ERR_MEMORY;
	*shift = (struct shift){.role = role, .from_ms = step->time_ms, .before = shifts->latest};
	shifts->latest = shift;
	return ERR_OK;
}
