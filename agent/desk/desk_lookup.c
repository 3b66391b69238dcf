/*
 * Who is this? From the copy: decided, recorded, and only then shown. Each way out but one leaves a record in the
 * journal: who is nobody here (no session) has no name to be recorded under.
 */
#include <stdio.h>
#include <string.h>

#include "desk/desk_internal.h"
#include "kluis/hash.h"
#include "kluis/ini.h"

struct looking {
	struct desk_request request;
	struct arena scratch; /* rows, opened: dropped before anybody is answered */
	struct arena *arena;
	uint32_t field;	   /* 0: by pseudonym, or not one */
	bool is_elsewhere; /* not in the copy: for the broker to say */
	bool has_customer;
	uint8_t customer[PSEUDONYM_SIZE];
	struct desk_row row;
	struct desk_member member;
	uint64_t fields; /* that member shows */
	struct desk_use use;
};

/* ---- the record ---- */

/* What may be anything stands as "?" (R95). */
static const char *named(const char *purpose)
{
	return ini_is_name(purpose) ? purpose : "?";
}

static void fill_who(const struct looking *looking, struct journal_access *access)
{
	const struct shop *shop = looking->request.shop;

	access->time_ms = looking->request.now_ms;
	access->seen_size = shop->known_size;
	memcpy(access->seen_root, shop->known_root.bytes, HASH_SIZE);
	if (shop->agreement != NULL)
		memcpy(access->agreement, shop->agreement->hash, HASH_SIZE);
	memcpy(access->employee, looking->request.actor.employee, PSEUDONYM_SIZE);
	access->purpose = named(looking->request.purpose);
	access->field = looking->field;
	access->has_customer = looking->has_customer;
	memcpy(access->customer, looking->customer, PSEUDONYM_SIZE);
}

static void fill_shown(const struct looking *looking, struct journal_access *access)
{
	const struct verdict *verdict = &looking->request.verdict;
	const struct grant *grant = &looking->request.shop->agreement->grants[verdict->grant];

	access->has_disclosure = true;
	access->version = looking->row.version;
	access->fields = looking->fields;
	access->grant = verdict->grant;
	access->entry = looking->row.entry;
	if (grant->per_day == 0)
		return;
	access->count_grant = (int)verdict->grant;
	access->count_day = grant_day(grant, looking->request.input.time_s);
}

/* R123. What cannot be recorded is not answered, not even that it was refused. */
static enum err record(struct looking *looking, enum err code, uint64_t *ret_number)
{
	struct journal_access access = {.code = code, .count_grant = -1};
	struct fault *fault = looking->request.fault;

	fill_who(looking, &access);
	if (code == ERR_OK)
		fill_shown(looking, &access);
	enum err err = journal_append(looking->request.shop->journal, &access, ret_number);
	if (err == ERR_OK)
		return ERR_OK;
	if (fault != NULL)
		fault->text[0] = '\0';
	return fault_set(fault, err, "this access cannot be recorded, so nothing is shown: %s", error_text(err));
}

/* ---- finding ---- */

static enum err find_by_pseudonym(struct looking *looking, const char *value)
{
	enum err err = hex_parse(slice_text(value), looking->customer, PSEUDONYM_SIZE);

	return err == ERR_OK ? ERR_OK : fault_set(looking->request.fault, ERR_VALUE, "not 32 hexadecimal digits");
}

static enum err find_by_value(struct looking *looking, const struct charter_field *field, struct slice normal)
{
	struct desk_request *request = &looking->request;
	enum err err =
		replica_find(&request->shop->replica, request->purpose, field->number, normal, looking->customer);

	desk_tell_altered(request->shop, "a member in the copy", err);
	if (err == ERR_AMBIGUOUS)
		return fault_set(request->fault, err, "more than one member has this %s", field->name);
	return err;
}

/* Why the copy cannot be asked. Where the agreement grants none, or the first one is not there yet, the broker is. */
static enum err check_copy(struct looking *looking)
{
	struct desk_request *request = &looking->request;
	enum err err = shop_copy_is_open(request->shop, request->purpose);

	if (err == ERR_OK)
		return ERR_OK;
	looking->is_elsewhere = err == ERR_NOT_FOUND || err == ERR_NO_GRANT_OPERATION;
	if (looking->is_elsewhere)
		return ERR_NOT_FOUND;
	if (err == ERR_EXPIRED)
		return fault_set(request->fault, err, "the copy's lease is over: the broker was away for too long");
	return fault_set(request->fault, err, "the copy cannot be read: %s", error_text(err));
}

static enum err find_row(struct looking *looking, const struct charter_field *field, struct slice normal)
{
	enum err err = field == NULL ? ERR_OK : find_by_value(looking, field, normal);

	if (err == ERR_OK)
		err = desk_row(&looking->request, SLICE_ARRAY(looking->customer), &looking->scratch, &looking->row);
	if (err == ERR_NOT_FOUND)
		looking->is_elsewhere = true;
	looking->has_customer = err == ERR_OK;
	return err;
}

static enum err find(struct looking *looking, const struct desk_key *key)
{
	const struct charter_field *field = NULL;
	struct bytes normal CLEANUP(bytes_fini) = {0};

	bytes_init_secret(&normal, VALUE_MAX);
	if (key->field == NULL) {
		TRY(find_by_pseudonym(looking, key->value));
	} else {
		TRY(desk_normalise(&looking->request, key, &field, &normal));
		looking->field = field->number;
	}
	TRY(check_copy(looking));
	return find_row(looking, field, bytes_slice(&normal));
}

/* ---- deciding ---- */

static enum err decide_on(struct looking *looking)
{
	TRY(desk_use_begin(&looking->request, looking->customer, &looking->use));
	desk_facts(&looking->request, looking->row.values);
	enum err err = desk_decide_on(&looking->request);
	desk_use_decided(&looking->use, &looking->request, looking->customer);
	return err;
}

/* ---- showing ---- */

static const struct charter_field *field_shown(const struct looking *looking, uint32_t number)
{
	uint64_t fields = looking->row.fields & looking->request.verdict.fields;

	if (number < 1 || number > FIELDS_MAX || (fields >> (number - 1) & 1) == 0)
		return NULL;
	return charter_field_by_number(looking->request.shop->charter, number);
}

/* The sync's grant may have masked it already; a mask on top of that hides no less (R45). */
static bool was_masked(const struct looking *looking, uint32_t number)
{
	const struct agreement *agreement = looking->request.shop->agreement;

	return looking->row.grant < agreement->grant_count &&
	       agreement->grants[looking->row.grant].mask_of[number - 1] != 0;
}

static enum err show_value(struct looking *looking, const struct charter_field *field, const char *value,
			   struct desk_value *ret_value)
{
	const struct shop *shop = looking->request.shop;
	const struct grant *grant = &shop->agreement->grants[looking->request.verdict.grant];

	ret_value->field = arena_text(looking->arena, slice_text(field->name));
	if (ret_value->field == NULL)
		return ERR_MEMORY;
	TRY(desk_mask(shop->charter, grant, field->number, value, looking->arena, &ret_value->value,
		      &ret_value->is_masked));
	ret_value->is_masked = ret_value->is_masked || was_masked(looking, field->number);
	return ERR_OK;
}

static enum err show_values(struct looking *looking)
{
	const Kluis__Values *values = looking->row.values;
	struct desk_member *member = &looking->member;

	member->values = arena_array(looking->arena, values->n_values + 1, sizeof *member->values);
	if (member->values == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < values->n_values; i++) {
		const struct charter_field *field = field_shown(looking, values->values[i]->field);
		if (field == NULL)
			continue;
		TRY(show_value(looking, field, values->values[i]->value, &member->values[member->value_count++]));
		looking->fields |= (uint64_t)1 << (field->number - 1);
	}
	return ERR_OK;
}

/* R132 */
static enum err show_superseded(struct looking *looking)
{
	const Kluis__Values *values = looking->row.values;
	struct desk_member *member = &looking->member;

	member->superseded = arena_array(looking->arena, values->n_superseded + 1, sizeof *member->superseded);
	if (member->superseded == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < values->n_superseded; i++) {
		const Kluis__Superseded *from = values->superseded[i];
		const struct charter_field *field = field_shown(looking, from->field);
		struct desk_value shown;
		if (field == NULL)
			continue;
		TRY(show_value(looking, field, from->value, &shown));
		looking->fields |= (uint64_t)1 << (field->number - 1);
		member->superseded[member->superseded_count++] = (struct desk_superseded){
			.field = shown.field, .value = shown.value, .store = from->store, .made_ms = from->made_ms};
	}
	return ERR_OK;
}

static enum err show(struct looking *looking)
{
	char clause[CLAUSE_MAX + 1];
	struct desk_member *member = &looking->member;

	verdict_clause(&looking->request.input, &looking->request.verdict, clause);
	member->clause = arena_text(looking->arena, slice_text(clause));
	if (member->clause == NULL)
		return ERR_MEMORY;
	memcpy(member->customer, looking->customer, PSEUDONYM_SIZE);
	member->version = looking->row.version;
	member->source = DESK_COPY;
	TRY(show_values(looking));
	return show_superseded(looking);
}

static enum err look(struct looking *looking, const struct desk_key *key)
{
	TRY(find(looking, key));
	TRY(decide_on(looking));
	return show(looking);
}

/* ---- who is not in the copy ---- */

static void remember_question(const struct looking *looking, struct slice token, const char *value,
			      struct desk_question *ret_question)
{
	*ret_question = (struct desk_question){
		.token = token, .purpose = looking->request.purpose, .field = looking->field, .value = value};
	memcpy(ret_question->employee, looking->request.actor.employee, PSEUDONYM_SIZE);
	memcpy(ret_question->agreement, looking->request.shop->agreement->hash, HASH_SIZE);
}

/* What came of it without an entry of the broker's is recorded here. */
static enum err ask(struct looking *looking, const struct desk_question *question)
{
	struct desk *desk = looking->request.desk;
	uint64_t ignored;
	bool is_logged = false;
	enum err err = desk_ask(desk, question, looking->arena, &looking->member, &is_logged, looking->request.fault);

	if (is_logged)
		return err;
	struct shop *shop CLEANUP(desk_shop_leave) = desk_shop_enter(desk);
	looking->request.now_ms = shop_now_ms(shop);
	TRY(record(looking, err, &ignored));
	return err;
}

/* ---- all of it ---- */

static enum err explain(const struct looking *looking, enum err err)
{
	if (err == ERR_NOT_FOUND)
		return fault_set(looking->request.fault, err, "no such member in the copy");
	return err == ERR_OK ? err : fault_set(looking->request.fault, err, "%s", error_text(err));
}

/* Under the shop's lock: the answer, or is_elsewhere and the question. Everything that is to be shown is ready before
 * it is recorded, and recorded before it is handed out. */
static enum err answer(struct looking *looking, struct desk *desk, struct slice token, const struct desk_key *key,
		       struct desk_question *ret_question)
{
	struct shop *shop CLEANUP(desk_shop_leave) = desk_shop_enter(desk);
	struct desk_request *request = &looking->request;
	enum err err = desk_begin(desk, token, OPERATION_LOOKUP, key->purpose, request, request->fault);

	(void)shop;
	if (!request->actor.is_open) /* nobody is known to have asked */
		return err;
	if (err == ERR_OK)
		err = look(looking, key);
	looking->is_elsewhere = looking->is_elsewhere && key->field != NULL;
	if (looking->is_elsewhere) {
		remember_question(looking, token, key->value, ret_question);
		return ERR_OK;
	}
	err = explain(looking, err);
	enum err recorded = record(looking, err, &looking->member.record);
	desk_use_end(&looking->use);
	TRY(recorded);
	return err;
}

static void looking_fini(struct looking *looking)
{
	desk_use_end(&looking->use);
	arena_fini(&looking->scratch);
	wipe(looking, sizeof *looking);
}

enum err desk_lookup(struct desk *desk, struct slice token, const char *purpose, const char *field, const char *value,
		     struct arena *arena, struct desk_member *ret_member, struct fault *fault)
{
	struct looking looking CLEANUP(looking_fini) = {.arena = arena, .request.fault = fault};
	struct desk_key key = {.purpose = purpose, .field = field, .value = value};
	struct desk_question question;

	arena_init(&looking.scratch, REQUEST_ARENA_MAX);
	TRY(answer(&looking, desk, token, &key, &question));
	if (looking.is_elsewhere)
		TRY(ask(&looking, &question));
	*ret_member = looking.member;
	return ERR_OK;
}
