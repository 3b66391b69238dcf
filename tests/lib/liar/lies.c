#include "lies.h"

#include <stdio.h>
#include <string.h>

#include "home.h"
#include "kluis/checkpoint.h"
#include "kluis/hash.h"

#define DAYS_MS(days) ((days)*UINT64_C(86400000))
#define ARENA_MAX (16 * MESSAGE_MAX)

/* Of FoodMart's dictionary. */
#define FIELD_PHONE 12
#define FIELD_BIRTHDATE 14

/* ---- what lies are made of ---- */

static uint8_t *altered(struct told *told, ProtobufCBinaryData *bytes)
{
	bytes->data = arena_copy(told->arena, wire_slice(*bytes));
	return bytes->data;
}

static bool keep(struct told *told, const struct bytes *bytes, ProtobufCBinaryData *ret_data)
{
	*ret_data = wire_data(SLICE(arena_copy(told->arena, bytes_slice(bytes)), bytes->length));
	return ret_data->data != NULL;
}

static size_t part_count(const struct told *told)
{
	return told->reply->personal == NULL ? 0 : told->reply->personal->n_parts;
}

/* The disclosure that the i-th part belongs to. */
static Kluis__Disclosure *disclosure_of(const struct told *told, size_t i)
{
	const Kluis__Result *result = told->entry->results[0];

	for (size_t n = 0; n < result->n_disclosures; n++) {
		if (result->disclosures[n]->has_commitment && i-- == 0)
			return result->disclosures[n];
	}
	return NULL;
}

static Kluis__Values *values_of(struct told *told, size_t i)
{
	Kluis__Values *values = NULL;

	if (i >= part_count(told) || WIRE_DECODE(Values, values, wire_slice(told->reply->personal->parts[i]->content),
						 told->arena, &values) != ERR_OK)
		return NULL;
	return values;
}

/* Part and commitment anew, so that entry and values go on agreeing. */
static bool commit(struct told *told, size_t i, const Kluis__Values *values)
{
	return part_make(&values->base, told->arena, &told->reply->personal->parts[i],
			 &disclosure_of(told, i)->commitment) == ERR_OK;
}

/* ---- a page ---- */

static bool tell_value(struct told *told)
{
	if (part_count(told) == 0)
		return false;
	Kluis__Part *part = told->reply->personal->parts[0];
	altered(told, &part->content)[part->content.len - 1] ^= 1;
	return true;
}

static bool tell_order(struct told *told)
{
	if (part_count(told) < 2)
		return false;
	Kluis__Part **parts = told->reply->personal->parts, *first = parts[0];
	parts[0] = parts[1];
	parts[1] = first;
	return true;
}

/* The entry names one field less than was given. */
static bool tell_entry(struct told *told)
{
	if (part_count(told) == 0)
		return false;
	Kluis__Disclosure *disclosure = disclosure_of(told, 0);
	disclosure->fields &= disclosure->fields - 1;
	return true;
}

static bool tell_field(struct told *told)
{
	static Kluis__Value birthdate = KLUIS__VALUE__INIT;
	static char value[] = "1961-08-26";
	Kluis__Values *values = values_of(told, 0);
	size_t count = 0;

	if (values == NULL)
		return false;
	birthdate.field = FIELD_BIRTHDATE;
	birthdate.value = value;
	Kluis__Value **list = arena_array(told->arena, values->n_values + 1, sizeof *list);
	for (size_t i = 0; i < values->n_values && values->values[i]->field < FIELD_BIRTHDATE; i++)
		list[count++] = values->values[i];
	list[count++] = &birthdate;
	for (size_t i = count - 1; i < values->n_values; i++)
		list[count++] = values->values[i];
	values->values = list;
	values->n_values = count;
	disclosure_of(told, 0)->fields |= UINT64_C(1) << (FIELD_BIRTHDATE - 1);
	return commit(told, 0, values);
}

static bool tell_mask(struct told *told)
{
	static char value[] = "271-555-6001";
	Kluis__Values *values = values_of(told, 0);

	for (size_t i = 0; values != NULL && i < values->n_values; i++) {
		if (values->values[i]->field != FIELD_PHONE)
			continue;
		values->values[i]->value = value;
		return commit(told, 0, values);
	}
	return false;
}

/* Somebody who never was in this store. */
static bool tell_scope(struct told *told)
{
	Kluis__Values *values = values_of(told, 0);

	if (values == NULL || values->facts == NULL)
		return false;
	values->facts->is_registered_here = values->facts->is_owned_here = values->facts->has_last_visit_day = 0;
	values->facts->last_visit_day = 0;
	return commit(told, 0, values);
}

static bool tell_cursor(struct told *told)
{
	Kluis__Result *result = told->entry->results[0];

	if (told->request->operations[0]->sync->cursor == 0)
		return false;
	result->cursor = told->request->operations[0]->sync->cursor - 1;
	return true;
}

/* Endless: as if there were always one more. */
static bool tell_endless(struct told *told)
{
	Kluis__Result *result = told->entry->results[0];

	result->cursor = told->request->operations[0]->sync->cursor;
	result->has_more = 1;
	result->n_disclosures = 0;
	told->reply->personal = NULL;
	return true;
}

/* ---- an entry ---- */

/* Not what the store had sent. */
static bool tell_request(struct told *told)
{
	struct bytes request CLEANUP(bytes_fini) = {0};

	if (told->entry == NULL)
		return false;
	bytes_init(&request, MESSAGE_MAX);
	told->request->time_ms++;
	return wire_encode(&told->request->base, &request) == ERR_OK && keep(told, &request, &told->entry->request);
}

/* Three times as long as any grant of the agreement lets a copy be read without contact. */
static bool tell_lease(struct told *told)
{
	Kluis__Result *result = told->entry->results[0];

	if (!result->has_until_ms)
		return false;
	result->until_ms += DAYS_MS(6);
	return true;
}

/* ---- papers, roster ---- */

static Kluis__Data *data_of(struct told *told)
{
	return told->reply->n_data == 1 && told->reply->data[0]->n_items > 0 ? told->reply->data[0] : NULL;
}

/* One digit of the text, under the signatures of what both had signed; to the daemon, not to who asks by command. */
static bool tell_paper(struct told *told)
{
	Kluis__Data *data = data_of(told);

	if (data == NULL || told->request->lane != LANE_SYNC)
		return false;
	uint8_t *text = altered(told, &data->items[0]);
	for (size_t i = 0; i < data->items[0].len; i++) {
		if (text[i] < '0' || text[i] > '9')
			continue;
		text[i] ^= 1;
		return true;
	}
	return false;
}

/* Everybody is a manager. */
static bool tell_roster(struct told *told)
{
	static char role[] = "manager";
	struct bytes encoded CLEANUP(bytes_fini) = {0};
	Kluis__Data *data = data_of(told);
	Kluis__RosterRow *row;

	if (data == NULL || WIRE_DECODE(RosterRow, roster_row, wire_slice(data->items[0]), told->arena, &row) != ERR_OK)
		return false;
	row->role = role;
	bytes_init(&encoded, MESSAGE_MAX);
	return wire_encode(&row->base, &encoded) == ERR_OK && keep(told, &encoded, &data->items[0]);
}

/* ---- checkpoints ---- */

static bool give_round(struct told *told, uint64_t size, const struct hash *root)
{
	struct bytes note CLEANUP(bytes_fini) = {0};

	bytes_init(&note, PAPER_MAX);
	return checkpoint_sign(size, root, told->log, &note) == ERR_OK && keep(told, &note, &data_of(told)->items[0]);
}

static bool read_round(struct told *told, struct checkpoint *ret_checkpoint)
{
	const Kluis__Data *data = data_of(told);

	return data != NULL &&
	       checkpoint_open(wire_slice(data->items[0]), &told->log->public, ret_checkpoint, NULL) == ERR_OK;
}

/* A true one, of before. */
static struct checkpoint first; /* that was given to a store */

static void remember_round(struct told *told)
{
	struct checkpoint checkpoint;

	if (first.size == 0 && told->request->operations[0]->kind_case == KLUIS__OPERATION__KIND_GET_ROUND &&
	    read_round(told, &checkpoint))
		first = checkpoint;
}

static bool tell_older(struct told *told)
{
	return first.size < told->request->operations[0]->get_round->old_size &&
	       give_round(told, first.size, &first.root);
}

/* Another history, signed by the same log. */
static bool tell_fork(struct told *told)
{
	struct checkpoint checkpoint;

	if (!read_round(told, &checkpoint))
		return false;
	checkpoint.root.bytes[0] ^= 1;
	return give_round(told, checkpoint.size, &checkpoint.root);
}

/* ---- no reply at all ---- */

static bool tell_garbage(struct told *told)
{
	uint8_t *bytes = arena_alloc(told->arena, 777);

	if (bytes == NULL)
		return false;
	random_bytes(bytes, 777);
	told->raw = SLICE(bytes, 777);
	return true;
}

static bool tell_oversized(struct told *told)
{
	size_t length = 4 * (size_t)MESSAGE_MAX;
	uint8_t *bytes = arena_alloc(told->arena, length);

	if (bytes == NULL)
		return false;
	memset(bytes, 'x', length);
	told->raw = SLICE(bytes, length);
	return true;
}

/* ---- which there are ---- */

#define KIND(name) KLUIS__OPERATION__KIND_##name

static const struct lie lies[] = {
	{"value", KIND(SYNC), tell_value},
	{"order", KIND(SYNC), tell_order},
	{"entry", KIND(SYNC), tell_entry},
	{"field", KIND(SYNC), tell_field},
	{"mask", KIND(SYNC), tell_mask},
	{"scope", KIND(SYNC), tell_scope},
	{"cursor", KIND(SYNC), tell_cursor},
	{"endless", KIND(SYNC), tell_endless},
	{"lookup-value", KIND(LOOKUP), tell_value},
	{"lookup-field", KIND(LOOKUP), tell_field},
	{"lookup-mask", KIND(LOOKUP), tell_mask},
	{"receipt", KIND(RECEIPT), tell_request},
	{"lease", KIND(LEASE), tell_lease},
	{"paper", KIND(GET_PAPER), tell_paper},
	{"roster", KIND(ROSTER), tell_roster},
	{"older", KIND(GET_ROUND), tell_older},
	{"fork", KIND(GET_ROUND), tell_fork},
	{"garbage", KIND(_NOT_SET), tell_garbage},
	{"oversized", KIND(_NOT_SET), tell_oversized},
};

const struct lie *lie_find(const char *name)
{
	for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
		if (strcmp(lies[i].name, name) == 0)
			return &lies[i];
	}
	return NULL;
}

/* ---- telling one ---- */

static enum err open_reply(struct slice message, struct slice reply, struct told *told)
{
	Kluis__Envelope *envelope;
	const uint8_t *copy = arena_copy(told->arena, reply);

	if (copy == NULL)
		return ERR_MEMORY;
	TRY(WIRE_DECODE(Envelope, envelope, message, told->arena, &envelope));
	TRY(WIRE_DECODE(Request, request, wire_slice(envelope->request), told->arena, &told->request));
	TRY(WIRE_DECODE(Reply, reply, SLICE(copy, reply.length), told->arena, &told->reply));
	return told->reply->has_entry
		       ? WIRE_DECODE(Entry, entry, wire_slice(told->reply->entry), told->arena, &told->entry)
		       : ERR_OK;
}

/* An answer to a store that it can use. */
static bool is_for_a_store(const struct told *told)
{
	bool is_good = told->entry == NULL || (told->entry->code == ERR_OK && told->entry->results[0]->code == ERR_OK);

	return is_good && told->reply->code == ERR_OK && strstr(told->request->principal, "/store/") != NULL;
}

static bool is_occasion(const struct lie *lie, const struct told *told)
{
	return lie->kind == KIND(_NOT_SET) || told->request->operations[0]->kind_case == lie->kind;
}

static enum err close_reply(struct told *told, struct bytes *ret_bytes)
{
	struct bytes entry CLEANUP(bytes_fini) = {0};

	if (told->raw.length > 0)
		return bytes_append(ret_bytes, told->raw);
	bytes_init(&entry, MESSAGE_MAX);
	if (told->entry != NULL) {
		TRY(wire_encode(&told->entry->base, &entry));
		told->reply->entry = wire_data(bytes_slice(&entry));
	}
	return wire_encode(&told->reply->base, ret_bytes);
}

bool lie_tell(const struct lie *lie, const struct secret_key *log, struct slice message, struct slice reply,
	      struct bytes *ret_bytes)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct told told = {.arena = &arena, .log = log};

	arena_init(&arena, ARENA_MAX);
	if (open_reply(message, reply, &told) != ERR_OK || !is_for_a_store(&told))
		return false;
	remember_round(&told);
	if (lie == NULL || !is_occasion(lie, &told) || !lie->tell(&told))
		return false;
	return close_reply(&told, ret_bytes) == ERR_OK;
}
