/* The office as the tills' server calls it: JSON in, JSON out (till/till_server.h says which). */
#include <stdio.h>
#include <string.h>

#include "alarm.h"
#include "kluis/clock.h"
#include "kluis/hash.h"
#include "kluis/operation.h"
#include "office_papers.h"
#include "office_prove.h"
#include "office_staff.h"
#include "run/office.h"
#include "staff.h"

#define KEY_WAIT_MS 10000

/* ---- reading bodies ---- */

static enum err text_of(const json_t *body, const char *name, const char **ret_text, struct fault *fault)
{
	*ret_text = json_string_value(json_object_get(body, name));
	return *ret_text != NULL ? ERR_OK : fault_set(fault, ERR_INPUT, "'%s' is missing or no text", name);
}

static enum err number_of(const json_t *body, const char *name, uint64_t *ret_number, struct fault *fault)
{
	const json_t *value = json_object_get(body, name);

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return fault_set(fault, ERR_INPUT, "'%s' is missing or no whole number", name);
	*ret_number = (uint64_t)json_integer_value(value);
	return ERR_OK;
}

static json_t *time_json(uint64_t time_ms)
{
	char text[25];

	time_print(time_ms, text);
	return json_string(text);
}

/* items is stolen. */
static enum err list_of(const char *name, json_t *items, enum err err, json_t **ret_answer)
{
	json_t *answer = err == ERR_OK ? json_pack("{s:O}", name, items) : NULL;

	json_decref(items);
	TRY(err);
	*ret_answer = answer;
	return answer == NULL ? ERR_MEMORY : ERR_OK;
}

/* One call at a time on the lane, none while the store's key is replaced. */
static enum err enter(struct office *office, struct fault *fault)
{
	if (!sluice_enter(office->sluice, KEY_WAIT_MS))
		return fault_set(
			fault, ERR_TIMEOUT,
			"a rotation of the store's key was cut off, and the broker is needed to go on with it");
	pthread_mutex_lock(&office->mutex);
	return ERR_OK;
}

static enum err leave(struct office *office, enum err err)
{
	pthread_mutex_unlock(&office->mutex);
	sluice_leave(office->sluice);
	return err;
}

/* ---- staff ---- */

static enum err staff_add(void *context, const json_t *body, json_t **ret_answer, struct fault *fault)
{
	struct office *office = context;
	const char *handle, *role, *name = json_string_value(json_object_get(body, "name"));

	(void)ret_answer;
	TRY(text_of(body, "handle", &handle, fault));
	TRY(text_of(body, "role", &role, fault));
	TRY(enter(office, fault));
	enum err err = office_staff_put(office->agent, handle, role, name, fault);
	desk_roster_changed(office->desk);
	return leave(office, err);
}

/* At the tills at once, whether the broker is in reach or not. */
static enum err staff_remove(void *context, const json_t *body, json_t **ret_answer, struct fault *fault)
{
	struct office *office = context;
	const char *handle;

	(void)ret_answer;
	TRY(text_of(body, "handle", &handle, fault));
	pthread_mutex_lock(&office->mutex);
	enum err err = office_staff_leave(office->agent, handle, fault);
	pthread_mutex_unlock(&office->mutex);
	desk_roster_changed(office->desk);
	TRY(err);
	TRY(enter(office, fault));
	return leave(office, office_staff_remove(office->agent, handle, fault));
}

static enum err staff_pin(void *context, const json_t *body, json_t **ret_answer, struct fault *fault)
{
	struct office *office = context; /* no request to the broker: no lock */
	const char *handle, *pin;

	(void)ret_answer;
	TRY(text_of(body, "handle", &handle, fault));
	TRY(text_of(body, "pin", &pin, fault));
	enum err err = staff_set_pin(&office->shop->replica, handle, slice_text(pin));
	if (err == ERR_VALUE)
		return fault_set(fault, err, "a PIN has %d to %d characters, not all the same", STAFF_PIN_MIN,
				 STAFF_PIN_MAX);
	if (err == ERR_NOT_FOUND)
		return fault_set(fault, err, "'%.64s' is not on the roster", handle);
	return err;
}

struct listing {
	const struct replica *replica;
	json_t *items;
};

static enum err add_employee(void *context, const struct replica_employee *employee)
{
	const struct listing *listing = context;
	struct staff_standing standing;
	char pseudonym[2 * PSEUDONYM_SIZE + 1];

	TRY(staff_standing(listing->replica, employee->handle, &standing));
	hex_print(SLICE_ARRAY(employee->pseudonym), pseudonym);
	const char *pin = standing.is_locked ? "locked" : standing.has_pin ? "set" : "none";
	bool is_leaving = office_staff_is_leaving(employee);
	json_t *item = json_pack("{s:s, s:s, s:s, s:s, s:s}", "handle", employee->handle, "role",
				 is_leaving ? "(leaving)" : employee->role, "name", employee->name, "pseudonym",
				 pseudonym, "pin", pin);
	return json_array_append_new(listing->items, item) == 0 ? ERR_OK : ERR_MEMORY;
}

static enum err staff_list(void *context, const json_t *body, json_t **ret_answer, struct fault *fault)
{
	struct office *office = context;
	struct listing listing = {.replica = &office->shop->replica, .items = json_array()};

	(void)body, (void)fault;
	enum err err = replica_each_employee(listing.replica, add_employee, &listing);
	return list_of("staff", listing.items, err, ret_answer);
}

/* ---- the agreement ---- */

static json_t *offer_json(const struct office_offer *offer)
{
	const struct agreement *agreement = offer->agreement;
	char hash[2 * HASH_SIZE + 1];
	json_t *grants = json_array();

	hex_print(SLICE_ARRAY(agreement->hash), hash);
	for (size_t i = 0; i < agreement->grant_count; i++) {
		const struct grant *grant = &agreement->grants[i];
		json_array_append_new(grants, json_pack("{s:s, s:s, s:s, s:i}", "name", grant->name, "purpose",
							offer->charter->purposes[grant->purpose].name, "customers",
							scope_name(grant->scope), "fields",
							__builtin_popcountll(grant->fields)));
	}
	return json_pack("{s:s, s:o, s:o, s:o, s:s%}", "hash", hash, "from", time_json(agreement->from_s * 1000),
			 "until", time_json(agreement->until_s * 1000), "grants", grants, "note",
			 (const char *)offer->note.data, offer->note.length);
}

static enum err agreement_offered(void *context, const json_t *body, json_t **ret_answer, struct fault *fault)
{
	struct office *office = context;
	struct arena arena CLEANUP(arena_fini) = {0};
	struct office_offer offer = {0};

	(void)body;
	arena_init(&arena, 8 * REQUEST_ARENA_MAX);
	TRY(enter(office, fault));
	enum err err = office_find_offer(office->agent, &arena, &offer, fault);
	if (err == ERR_OK)
		*ret_answer = offer_json(&offer);
	return leave(office, err);
}

/* The hash says which one was read: another that was offered since is not signed unread. */
static enum err sign(struct office *office, const uint8_t wanted[static HASH_SIZE], struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct office_offer offer = {0};

	arena_init(&arena, 8 * REQUEST_ARENA_MAX);
	TRY(office_find_offer(office->agent, &arena, &offer, fault));
	if (!slice_equal(SLICE_ARRAY(offer.agreement->hash), SLICE(wanted, HASH_SIZE)))
		return fault_set(fault, ERR_OTHER_AGREEMENT, "another agreement is offered by now; read it first");
	return office_sign(office->agent, &offer, &arena, fault);
}

static enum err agreement_sign(void *context, const json_t *body, json_t **ret_answer, struct fault *fault)
{
	struct office *office = context;
	uint8_t hash[HASH_SIZE];
	const char *text;

	(void)ret_answer;
	TRY(text_of(body, "hash", &text, fault));
	if (hex_parse(slice_text(text), hash, HASH_SIZE) != ERR_OK)
		return fault_set(fault, ERR_INPUT, "'hash' is not 64 hex digits");
	TRY(enter(office, fault));
	return leave(office, sign(office, hash, fault));
}

static enum err prove(void *context, const json_t *body, json_t **ret_answer, struct fault *fault)
{
	struct office *office = context;
	struct arena arena CLEANUP(arena_fini) = {0};
	struct slice proof;
	uint64_t index;

	TRY(number_of(body, "index", &index, fault));
	arena_init(&arena, 2 * REQUEST_ARENA_MAX);
	TRY(enter(office, fault));
	enum err err = office_prove(office->agent, index, &arena, &proof, fault);
	if (err == ERR_OK)
		*ret_answer = json_pack("{s:s%}", "proof", (const char *)proof.data, proof.length);
	return leave(office, err);
}

/* ---- the key ---- */

static enum err key_rotate(void *context, const json_t *body, json_t **ret_answer, struct fault *fault)
{
	struct office *office = context;
	char text[9];
	uint32_t id;

	(void)body;
	TRY(office->rotate(office->rotate_context, &id, fault));
	snprintf(text, sizeof text, "%08x", id);
	*ret_answer = json_pack("{s:s, s:s}", "principal", office->agent->membership.principal, "key", text);
	return ERR_OK;
}

/* ---- alarms ---- */

static enum err add_alarm(void *context, const struct alarm *alarm)
{
	json_t *item = json_pack("{s:I, s:s, s:o, s:o, s:I, s:s}", "number", (json_int_t)alarm->number, "kind",
				 alarm_name(alarm->kind), "first", time_json(alarm->first_ms), "last",
				 time_json(alarm->last_ms), "count", (json_int_t)alarm->count, "text", alarm->text);

	return json_array_append_new(context, item) == 0 ? ERR_OK : ERR_MEMORY;
}

static enum err alarms_list(void *context, const json_t *body, json_t **ret_answer, struct fault *fault)
{
	struct office *office = context;
	json_t *alarms = json_array();

	(void)body, (void)fault;
	enum err err = alarm_each(office->shop->store, add_alarm, alarms);
	return list_of("alarms", alarms, err, ret_answer);
}

static enum err alarms_seen(void *context, const json_t *body, json_t **ret_answer, struct fault *fault)
{
	struct office *office = context;
	uint64_t number;

	(void)ret_answer;
	TRY(number_of(body, "number", &number, fault));
	enum err err = alarm_seen(office->shop->store, number);
	return err == ERR_NOT_FOUND ? fault_set(fault, err, "there is no alarm %llu", (unsigned long long)number) : err;
}

/* ---- the outbox ---- */

static enum err add_item(void *context, const struct outbox_item *item)
{
	const struct operation_row *row = operation_row(item->operation->kind_case);
	bool is_refused = item->state == OUTBOX_REFUSED;
	json_t *object = json_pack("{s:I, s:s, s:o, s:s, s:o, s:o, s:o}", "number", (json_int_t)item->number, "kind",
				   row == NULL ? "unknown" : row->name, "time", time_json(item->time_ms), "state",
				   is_refused ? "refused" : "waiting", "reason",
				   is_refused ? json_string(error_text(item->reason)) : json_null(), "clause",
				   is_refused && item->clause[0] != '\0' ? json_string(item->clause) : json_null(),
				   "entry", is_refused ? json_integer((json_int_t)item->entry) : json_null());

	return json_array_append_new(context, object) == 0 ? ERR_OK : ERR_MEMORY;
}

#define LISTED_MAX 1000

/* Refused ones first: a person has to decide about them. */
static enum err outbox_list(void *context, const json_t *body, json_t **ret_answer, struct fault *fault)
{
	static const enum outbox_state states[] = {OUTBOX_REFUSED, OUTBOX_SENT, OUTBOX_WAITING};
	struct office *office = context;
	json_t *items = json_array();
	enum err err = ERR_OK;

	(void)body, (void)fault;
	for (size_t i = 0; i < sizeof states / sizeof states[0] && err == ERR_OK; i++) {
		struct arena arena CLEANUP(arena_fini) = {0};
		arena_init(&arena, 2 * REQUEST_ARENA_MAX);
		err = outbox_each(office->shop->outbox, states[i], LISTED_MAX, &arena, add_item, items);
	}
	return list_of("items", items, err, ret_answer);
}

static enum err on_item(void *context, const json_t *body, enum err (*act)(struct outbox *, uint64_t),
			struct fault *fault)
{
	struct office *office = context;
	uint64_t number;

	TRY(number_of(body, "number", &number, fault));
	enum err err = act(office->shop->outbox, number);
	return err == ERR_NOT_FOUND
		       ? fault_set(fault, err, "no refused item %llu is in the outbox", (unsigned long long)number)
		       : err;
}

static enum err outbox_retry_call(void *context, const json_t *body, json_t **ret_answer, struct fault *fault)
{
	(void)ret_answer;
	return on_item(context, body, outbox_retry, fault);
}

static enum err outbox_discard_call(void *context, const json_t *body, json_t **ret_answer, struct fault *fault)
{
	(void)ret_answer;
	return on_item(context, body, outbox_discard, fault);
}

const struct till_office_call office_calls[] = {
	{"staff/add", staff_add, "handle name role"},
	{"staff/remove", staff_remove, "handle"},
	{"staff/pin", staff_pin, "handle pin"},
	{"staff/list", staff_list, NULL},
	{"agreement/offered", agreement_offered, NULL},
	{"agreement/sign", agreement_sign, "hash"},
	{"prove", prove, "index"},
	{"key/rotate", key_rotate, NULL},
	{"alarms/list", alarms_list, NULL},
	{"alarms/seen", alarms_seen, "number"},
	{"outbox/list", outbox_list, NULL},
	{"outbox/retry", outbox_retry_call, "number"},
	{"outbox/discard", outbox_discard_call, "number"},
};
const size_t office_call_count = sizeof office_calls / sizeof office_calls[0];
