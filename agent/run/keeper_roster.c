#include <stdio.h>
#include <string.h>

#include "keeper_internal.h"
#include "kluis/hash.h"

#define STAFF_MAX DATA_ITEMS_MAX

struct roster {
	Kluis__RosterRow **rows;
	size_t count;
};

static enum err ask(struct keeper *keeper, struct roster *ret_roster, struct fault *fault)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Roster ask = KLUIS__ROSTER__INIT;
	struct session_answer answer;

	operation.kind_case = KLUIS__OPERATION__KIND_ROSTER;
	operation.roster = &ask;
	TRY(keeper_call(keeper, &operation, false, &answer, fault));
	TRY(keeper_verdict(&answer, fault));
	if (answer.reply->n_data != 1)
		return fault_set(fault, ERR_MISMATCH, "the broker gave no roster");
	const Kluis__Data *data = answer.reply->data[0];
	struct roster roster = {.rows = arena_array(&keeper->arena, data->n_items + 1, sizeof *roster.rows)};
	if (roster.rows == NULL)
		return ERR_MEMORY;
	for (; roster.count < data->n_items; roster.count++)
		if (WIRE_DECODE(RosterRow, roster_row, wire_slice(data->items[roster.count]), &keeper->arena,
				&roster.rows[roster.count]) != ERR_OK)
			return fault_set(fault, ERR_MISMATCH, "the broker's roster is malformed");
	*ret_roster = roster;
	return ERR_OK;
}

static const Kluis__RosterRow *find(const struct roster *roster, const uint8_t pseudonym[static PSEUDONYM_SIZE])
{
	for (size_t i = 0; i < roster->count; i++)
		if (slice_equal(wire_slice(roster->rows[i]->employee), SLICE(pseudonym, PSEUDONYM_SIZE)))
			return roster->rows[i];
	return NULL;
}

/* ---- who is here ---- */

struct staff {
	struct arena *arena;
	struct replica_employee **employees;
	size_t count;
};

static enum err add(void *context, const struct replica_employee *employee)
{
	struct staff *staff = context;
	struct replica_employee *copy = arena_alloc(staff->arena, sizeof *copy);

	if (copy == NULL || staff->count == STAFF_MAX)
		return copy == NULL ? ERR_MEMORY : ERR_OK;
	*copy = *employee;
	staff->employees[staff->count++] = copy;
	return ERR_OK;
}

static enum err list(struct keeper *keeper, struct staff *ret_staff)
{
	struct staff staff = {.arena = &keeper->arena,
			      .employees = arena_array(&keeper->arena, STAFF_MAX, sizeof(void *))};

	if (staff.employees == NULL)
		return ERR_MEMORY;
	TRY(replica_each_employee(&keeper->options.shop->replica, add, &staff));
	*ret_staff = staff;
	return ERR_OK;
}

/* ---- as head office has them ---- */

static bool is_right(const Kluis__RosterRow *row, const struct replica_employee *employee)
{
	/* without a role here: removed here, head office has not heard it yet */
	return row != NULL && (employee->role[0] == '\0' || strcmp(row->role, employee->role) == 0);
}

/* Somebody else may have the handle by now, or nobody. */
static bool is_still_here(const struct replica *replica, const struct replica_employee *employee)
{
	struct replica_employee now;

	return replica_get_employee(replica, employee->handle, &now) == ERR_OK &&
	       slice_equal(SLICE_ARRAY(now.pseudonym), SLICE_ARRAY(employee->pseudonym));
}

static enum err put_right(const struct replica *replica, const Kluis__RosterRow *row, struct replica_employee *employee)
{
	if (row == NULL)
		return replica_remove_employee(replica, employee->handle);
	snprintf(employee->role, sizeof employee->role, "%s", row->role);
	return replica_put_employee(replica, employee);
}

static enum err adjust(struct keeper *keeper, const struct roster *roster, const struct staff *staff,
		       size_t *ret_changed)
{
	struct shop *shop = keeper->options.shop;
	enum err err = ERR_OK;

	*ret_changed = 0;
	pthread_rwlock_wrlock(&shop->lock);
	for (size_t i = 0; i < staff->count && err == ERR_OK; i++) {
		const Kluis__RosterRow *row = find(roster, staff->employees[i]->pseudonym);
		if (is_right(row, staff->employees[i]) || !is_still_here(&shop->replica, staff->employees[i]))
			continue;
		err = put_right(&shop->replica, row, staff->employees[i]);
		++*ret_changed;
	}
	pthread_rwlock_unlock(&shop->lock);
	return err;
}

/* R122 */
static void hash_of(const struct roster *roster, struct hash *ret_hash)
{
	struct sha256_stream stream;

	sha256_begin(&stream);
	for (size_t i = 0; i < roster->count; i++) {
		sha256_update(&stream, wire_slice(roster->rows[i]->employee));
		sha256_update(&stream, slice_text(roster->rows[i]->role));
		sha256_update(&stream, slice_text("\n"));
	}
	sha256_end(&stream, ret_hash->bytes);
}

/* Between the watch and this the roster may have become another: the next watch then names that one. Named once more,
 * it is not what the broker gives. */
static enum err check_hash(struct keeper *keeper, const struct roster *roster, bool *ret_is_it, struct fault *fault)
{
	const struct hash *named = &keeper->seen.roster;
	struct hash hash;

	hash_of(roster, &hash);
	*ret_is_it = slice_equal(SLICE_ARRAY(hash.bytes), SLICE_ARRAY(named->bytes));
	if (*ret_is_it) {
		keeper->doubted = (struct hash){{0}};
		return ERR_OK;
	}
	if (slice_equal(SLICE_ARRAY(keeper->doubted.bytes), SLICE_ARRAY(named->bytes)))
		return fault_set(fault, ERR_MISMATCH, "the broker gave another roster than it names");
	keeper->doubted = *named;
	keeper->has_watched = false;
	return ERR_OK;
}

/* Who is here is looked at first: who was employed since is on a later roster than the one that is asked for. */
static enum err update(struct keeper *keeper, bool *ret_is_it, struct fault *fault)
{
	struct roster roster = {.count = 0}; /* gcc does not see that ask writes it or fails */
	struct staff staff;
	size_t changed;

	TRY(list(keeper, &staff));
	TRY(ask(keeper, &roster, fault));
	TRY(check_hash(keeper, &roster, ret_is_it, fault));
	if (!*ret_is_it)
		return ERR_OK;
	TRY(adjust(keeper, &roster, &staff, &changed));
	if (changed > 0 && keeper->options.roster_changed != NULL)
		keeper->options.roster_changed(keeper->options.context);
	return ERR_OK;
}

enum keeper_turn keeper_turn_roster(struct keeper *keeper, enum err *ret_err, struct fault *fault)
{
	const struct keeper_row *seen = &keeper->seen, *done = &keeper->done;
	bool is_it = false;

	if (seen->has_roster == done->has_roster &&
	    slice_equal(SLICE_ARRAY(seen->roster.bytes), SLICE_ARRAY(done->roster.bytes)))
		return TURN_NOTHING;
	*ret_err = update(keeper, &is_it, fault);
	if (*ret_err != ERR_OK)
		return TURN_FAILED;
	if (!is_it)
		return TURN_DONE;
	keeper->done.roster = seen->roster;
	keeper->done.has_roster = seen->has_roster;
	return TURN_DONE;
}
