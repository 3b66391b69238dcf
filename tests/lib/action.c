#include "action.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kluis/hash.h"
#include "kluis/note.h"

#define FLIGHTS_MAX 16

static void stop(const char *what)
{
	fprintf(stderr, "action: %s\n", what);
	abort();
}

static void *take(struct franchise *formula, size_t size)
{
	void *place = arena_alloc(&formula->arena, size);

	if (place == NULL)
		stop("memory");
	return place;
}

static char *text_of(struct franchise *formula, const char *text)
{
	char *copy = arena_text(&formula->arena, slice_text(text));

	if (copy == NULL)
		stop("memory");
	return copy;
}

static struct slice bytes_of(struct franchise *formula, struct slice slice)
{
	return SLICE(arena_copy(&formula->arena, slice), slice.length);
}

static struct action action_of(struct franchise *formula, Kluis__Operation__KindCase kind)
{
	struct action action = {.operation = take(formula, sizeof(*action.operation))};

	kluis__operation__init(action.operation);
	action.operation->kind_case = kind;
	return action;
}

#define ACTION(type, name, KIND)                                                                                       \
	struct action action = action_of(formula, KLUIS__OPERATION__KIND_##KIND);                                      \
	Kluis__##type *name = action.operation->name = take(formula, sizeof(*name));                                   \
	kluis__##name##__init(name)

struct slice action_hash(struct franchise *formula, struct slice text)
{
	uint8_t *hash = take(formula, HASH_SIZE);

	sha256(text, hash);
	return SLICE(hash, HASH_SIZE);
}

struct slice action_note(struct franchise *formula, const char *text, const struct secret_key *key)
{
	struct bytes note CLEANUP(bytes_fini) = {0};

	bytes_init(&note, PAPER_MAX);
	if (note_sign(slice_text(text), &key, 1, &note) != ERR_OK)
		stop("note_sign");
	return bytes_of(formula, bytes_slice(&note));
}

static ProtobufCBinaryData signature_of(struct franchise *formula, const char *text, const struct secret_key *key)
{
	uint8_t *signature = take(formula, SIGNATURE_SIZE);

	if (note_make_signature(slice_text(text), key, signature) != ERR_OK)
		stop("note_make_signature");
	return wire_data(SLICE(signature, SIGNATURE_SIZE));
}

struct action action_charter(struct franchise *formula, struct slice hash, struct slice note)
{
	ACTION(Charter, charter, CHARTER);
	charter->hash = wire_data(hash);
	action.paper = note;
	return action;
}

struct action action_open_store(struct franchise *formula, uint32_t store, const char *name, const char *country)
{
	ACTION(OpenStore, open_store, OPEN_STORE);
	open_store->store = store;
	open_store->name = text_of(formula, name);
	open_store->country = text_of(formula, country);
	return action;
}

struct action action_invite(struct franchise *formula, const char *principal, struct slice code, uint64_t expires_ms)
{
	ACTION(Invite, invite, INVITE);
	invite->principal = text_of(formula, principal);
	invite->code_hash = wire_data(action_hash(formula, code));
	invite->expires_ms = expires_ms;
	return action;
}

struct action action_join(struct franchise *formula, const struct public_key *key, struct slice code)
{
	Kluis__JoinContent content = KLUIS__JOIN_CONTENT__INIT;

	ACTION(Join, join, JOIN);
	join->public_key = wire_data(bytes_of(formula, SLICE_ARRAY(key->key)));
	content.code = wire_data(code);
	action_content(formula, &action, &content.base, &join->commitment);
	return action;
}

struct action action_draft(struct franchise *formula, uint32_t store, const char *text)
{
	ACTION(Draft, draft, DRAFT);
	draft->store = store;
	draft->hash = wire_data(action_hash(formula, slice_text(text)));
	action.paper = slice_text(text);
	return action;
}

struct action action_offer(struct franchise *formula, const char *text, const struct secret_key *key)
{
	ACTION(Offer, offer, OFFER);
	offer->hash = wire_data(action_hash(formula, slice_text(text)));
	offer->signature = signature_of(formula, text, key);
	return action;
}

struct action action_accept(struct franchise *formula, const char *text, const struct secret_key *key)
{
	ACTION(Accept, accept, ACCEPT);
	accept->agreement = wire_data(action_hash(formula, slice_text(text)));
	accept->signature = signature_of(formula, text, key);
	return action;
}

struct action action_staff(struct franchise *formula, const uint32_t *store, struct slice employee, const char *role,
			   const char *name)
{
	Kluis__StaffContent content = KLUIS__STAFF_CONTENT__INIT;

	ACTION(Staff, staff, STAFF);
	staff->has_store = store != NULL;
	staff->store = store != NULL ? *store : 0;
	staff->employee = wire_data(bytes_of(formula, employee));
	staff->role = text_of(formula, role);
	if (name == NULL)
		return action;
	content.name = text_of(formula, name);
	action_content(formula, &action, &content.base, &staff->commitment);
	staff->has_commitment = true;
	return action;
}

struct action action_agreements(struct franchise *formula, const uint32_t *store)
{
	ACTION(Agreements, agreements, AGREEMENTS);
	agreements->has_store = store != NULL;
	agreements->store = store != NULL ? *store : 0;
	return action;
}

struct action action_get_paper(struct franchise *formula, struct slice hash)
{
	ACTION(GetPaper, get_paper, GET_PAPER);
	get_paper->hash = wire_data(hash);
	return action;
}

struct action action_prove(struct franchise *formula, uint64_t index)
{
	ACTION(Prove, prove, PROVE);
	prove->index = index;
	return action;
}

struct action action_progress(struct franchise *formula, struct slice import, const uint64_t *rows, bool is_done)
{
	ACTION(Progress, progress, PROGRESS);
	progress->import = wire_data(import);
	progress->has_rows = rows != NULL;
	progress->rows = rows != NULL ? *rows : 0;
	progress->has_is_done = progress->is_done = is_done;
	return action;
}

struct action action_census(struct franchise *formula)
{
	ACTION(Census, census, CENSUS);
	return action;
}

struct action action_get_checkpoint(struct franchise *formula)
{
	ACTION(GetCheckpoint, get_checkpoint, GET_CHECKPOINT);
	return action;
}

struct action action_read_log(struct franchise *formula, uint64_t from, uint64_t size)
{
	ACTION(ReadLog, read_log, READ_LOG);
	read_log->from = from;
	read_log->size = size;
	return action;
}

static void notice_content(struct franchise *formula, struct action *action, const char *text,
			   ProtobufCBinaryData *ret_commitment)
{
	Kluis__NoticeContent content = KLUIS__NOTICE_CONTENT__INIT;

	content.text = text_of(formula, text);
	action_content(formula, action, &content.base, ret_commitment);
}

struct action action_incident(struct franchise *formula, struct slice id, uint32_t kind, const char *text)
{
	ACTION(Incident, incident, INCIDENT);

	incident->id = wire_data(id);
	incident->kind = kind;
	notice_content(formula, &action, text, &incident->commitment);
	return action;
}

struct action action_subject_request(struct franchise *formula, struct slice id, uint32_t right, struct slice customer,
				     const char *text)
{
	ACTION(SubjectRequest, subject_request, SUBJECT_REQUEST);

	subject_request->id = wire_data(id);
	subject_request->right = right;
	subject_request->has_customer = customer.length > 0;
	subject_request->customer = wire_data(customer);
	notice_content(formula, &action, text, &subject_request->commitment);
	return action;
}

struct action action_notices(struct franchise *formula)
{
	ACTION(Notices, notices, NOTICES);
	return action;
}

/* ---- answers ---- */

size_t answer_items(const struct answer *answer, size_t i)
{
	if (i >= answer->reply->n_data)
		stop("no such Data");
	return answer->reply->data[i]->n_items;
}

struct slice answer_item(const struct answer *answer, size_t i, size_t j)
{
	if (j >= answer_items(answer, i))
		stop("no such item");
	return wire_slice(answer->reply->data[i]->items[j]);
}

/* ---- between preparing and committing ---- */

struct flight flight_new(struct franchise *formula, const struct party *party, uint32_t lane, struct action action)
{
	struct flight flight = {.party = *party};

	if (lane != 0) {
		flight.party.lane = lane;
		flight.party.sequence = 0;
		flight.party.has_acknowledgement = false;
	}
	flight.sent = franchise_message(formula, &flight.party, &action, 1);
	if (core_prepare(formula->core, flight.sent, formula->now_ms, &flight.prepared) != ERR_OK)
		stop("core_prepare");
	return flight;
}

enum err flight_commit(struct franchise *formula, struct flight *flights, size_t count)
{
	struct prepared *batch[FLIGHTS_MAX];

	if (count > FLIGHTS_MAX)
		stop("too many flights");
	for (size_t i = 0; i < count; i++)
		batch[i] = flights[i].prepared;
	return core_commit(formula->core, batch, count, formula->now_ms);
}

struct answer flight_answer(struct franchise *formula, struct flight *flight)
{
	/* kept: the answer points into it */
	struct slice reply = bytes_of(formula, core_reply(flight->prepared));

	prepared_free(&flight->prepared);
	return franchise_answer(formula, &flight->party, flight->sent, reply);
}
