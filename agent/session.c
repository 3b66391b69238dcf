#include "kluis/session.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "kluis/file.h"
#include "kluis/hash.h"
#include "kluis/operation.h"

#define STATE_VERSION 1
#define STATE_MAX (MESSAGE_MAX + 128)
#define SEALED_MAX (STATE_MAX + SEAL_OVERHEAD)
#define SEALING_DOMAIN "kluis/session/v1\n"
#define PATH_SIZE 2048

/* ---- memory in files ---- */

static enum err lane_path(const char *folder, uint32_t lane, char ret_path[static PATH_SIZE])
{
	int length = snprintf(ret_path, PATH_SIZE, "%s/lane-%u", folder, lane);
	return length > 0 && length < PATH_SIZE ? ERR_OK : ERR_TOO_LARGE;
}

static enum err files_load(void *context, uint32_t lane, struct bytes *ret_state)
{
	char path[PATH_SIZE];
	TRY(lane_path(context, lane, path));
	return file_read(path, ret_state, NULL);
}

static enum err files_save(void *context, uint32_t lane, struct slice state)
{
	char path[PATH_SIZE];
	TRY(lane_path(context, lane, path));
	return file_write(path, state, 0600, NULL);
}

struct session_memory session_files(const char *folder)
{
	/* The interface's context is not const; this one is only read. */
	union {
		const char *folder;
		void *context;
	} place = {.folder = folder};
	return (struct session_memory){.context = place.context, .load = files_load, .save = files_save};
}

/* ---- a lane's state as bytes ---- */

static void derive_key(const struct secret_key *key, uint8_t ret_key[static KEY_SIZE])
{
	/* The first half of an Ed25519 secret key is its seed. */
	blake2b(SLICE(key->secret, KEY_SIZE), SEALING_DOMAIN, SLICE_EMPTY, ret_key);
}

/* A state belongs to one lane of one principal: moved to another it does not open. */
static enum err associate(const struct session *session, struct bytes *ret_associated)
{
	TRY(bytes_append(ret_associated, slice_text(session->key->public.name)));
	TRY(bytes_append_u8(ret_associated, '\n'));
	return bytes_append_u32(ret_associated, session->lane);
}

/* version u8, sequence u64, acknowledged u8, index u64, leaf 32, pending u8, envelope to the end */
static enum err encode_state(const struct session *session, struct bytes *ret_state)
{
	TRY(bytes_append_u8(ret_state, STATE_VERSION));
	TRY(bytes_append_u64(ret_state, session->sequence));
	TRY(bytes_append_u8(ret_state, session->has_acknowledgement));
	TRY(bytes_append_u64(ret_state, session->entry_index));
	TRY(bytes_append(ret_state, SLICE_ARRAY(session->entry_leaf.bytes)));
	TRY(bytes_append_u8(ret_state, session->has_pending));
	return session->has_pending ? bytes_append(ret_state, bytes_slice(&session->pending)) : ERR_OK;
}

static enum err decode_state(struct slice state, struct session *session)
{
	struct reader reader = reader_of(state);
	if (reader_u8(&reader) != STATE_VERSION)
		return ERR_VERSION;
	session->sequence = reader_u64(&reader);
	session->has_acknowledgement = reader_u8(&reader) == 1;
	session->entry_index = reader_u64(&reader);
	struct slice leaf = reader_take(&reader, HASH_SIZE);
	session->has_pending = reader_u8(&reader) == 1;
	if (reader.is_short || session->has_pending != (reader.rest.length > 0))
		return ERR_CORRUPT;
	memcpy(session->entry_leaf.bytes, leaf.data, HASH_SIZE);
	return bytes_append(&session->pending, reader.rest);
}

static enum err save(struct session *session)
{
	CLEANUP(bytes_fini) struct bytes state = {0};
	CLEANUP(bytes_fini) struct bytes associated = {0};
	CLEANUP(bytes_fini) struct bytes sealed = {0};
	bytes_init_secret(&state, STATE_MAX);
	bytes_init(&associated, PRINCIPAL_MAX + 8);
	bytes_init(&sealed, SEALED_MAX);
	TRY(encode_state(session, &state));
	TRY(associate(session, &associated));
	uint8_t key[KEY_SIZE];
	derive_key(session->key, key);
	enum err err = seal(key, bytes_slice(&associated), bytes_slice(&state), &sealed);
	wipe(key, sizeof(key));
	TRY(err);
	TRY(session->memory.save(session->memory.context, session->lane, bytes_slice(&sealed)));
	session->is_unsaved = false;
	return ERR_OK;
}

static enum err open_state(struct session *session, struct slice sealed, struct bytes *ret_state)
{
	CLEANUP(bytes_fini) struct bytes associated = {0};
	bytes_init(&associated, PRINCIPAL_MAX + 8);
	TRY(associate(session, &associated));
	uint8_t key[KEY_SIZE];
	derive_key(session->key, key);
	enum err err = unseal(key, bytes_slice(&associated), sealed, ret_state);
	wipe(key, sizeof(key));
	return err;
}

static enum err load(struct session *session, struct fault *fault)
{
	CLEANUP(bytes_fini) struct bytes sealed = {0};
	CLEANUP(bytes_fini) struct bytes state = {0};
	bytes_init(&sealed, SEALED_MAX);
	bytes_init_secret(&state, STATE_MAX);
	enum err err = session->memory.load(session->memory.context, session->lane, &sealed);
	if (err == ERR_NOT_FOUND)
		return ERR_OK;
	if (err == ERR_OK)
		err = open_state(session, bytes_slice(&sealed), &state);
	if (err == ERR_OK)
		err = decode_state(bytes_slice(&state), session);
	if (err == ERR_CRYPTO || err == ERR_CORRUPT || err == ERR_TOO_LARGE)
		return fault_set(fault, ERR_CORRUPT, "lane %u: its memory does not open with the key of %s",
				 session->lane, session->key->public.name);
	if (err != ERR_OK)
		return fault_set(fault, err, "lane %u: its memory cannot be read: %s", session->lane, error_text(err));
	return ERR_OK;
}

enum err session_open(struct session *ret_session, const struct secret_key *key, uint32_t lane,
		      struct exchange exchange, struct session_memory memory, struct fault *fault)
{
	assert(lane <= LANE_MAX);
	struct session session = {.key = key, .lane = lane, .exchange = exchange, .memory = memory};
	bytes_init_secret(&session.pending, MESSAGE_MAX);
	enum err err = load(&session, fault);
	if (err != ERR_OK) {
		bytes_fini(&session.pending);
		return err;
	}
	*ret_session = session;
	return ERR_OK;
}

enum err session_keep(struct session *session)
{
	return session->is_unsaved ? save(session) : ERR_OK;
}

void session_close(struct session *session)
{
	/* If this fails, what is on disk is a request whose answer the broker gives again. */
	if (session_keep(session) != ERR_OK)
		session->is_unsaved = true;
	bytes_fini(&session->pending);
}

enum err session_reseal(struct session_memory memory, uint32_t lane, const struct secret_key *old,
			const struct secret_key *next, struct fault *fault)
{
	struct exchange nobody = {.context = NULL};
	struct session session;
	enum err err = session_open(&session, next, lane, nobody, memory, NULL);

	if (err == ERR_OK) {
		session_close(&session);
		return ERR_OK;
	}
	if (err != ERR_CORRUPT)
		return fault_set(fault, err, "lane %u: its memory cannot be read: %s", lane, error_text(err));
	TRY(session_open(&session, old, lane, nobody, memory, fault));
	session.key = next;
	err = save(&session);
	session_close(&session);
	return err == ERR_OK ? ERR_OK : fault_set(fault, err, "lane %u: its memory cannot be written", lane);
}

/* ---- one request ---- */

static enum err build(const struct session *session, const struct session_request *what, struct bytes *ret_message)
{
	Kluis__Acknowledgement acknowledgement = KLUIS__ACKNOWLEDGEMENT__INIT;
	acknowledgement.index = session->entry_index;
	acknowledgement.leaf = wire_data(SLICE_ARRAY(session->entry_leaf.bytes));
	char name[PRINCIPAL_MAX + 1];
	memcpy(name, session->key->public.name, sizeof(name));

	Kluis__Request request = KLUIS__REQUEST__INIT;
	request.principal = name;
	request.lane = session->lane;
	request.sequence = session->sequence + 1;
	request.time_ms = what->time_ms;
	request.has_agreement = what->agreement.length > 0;
	request.agreement = wire_data(what->agreement);
	request.has_employee = what->employee.length > 0;
	request.employee = wire_data(what->employee);
	request.acknowledgement = session->has_acknowledgement ? &acknowledgement : NULL;
	request.n_operations = what->operation_count;
	request.operations = what->operations;

	Kluis__Personal personal = KLUIS__PERSONAL__INIT;
	personal.n_parts = what->part_count;
	personal.parts = what->parts;
	return envelope_sign(&request, what->part_count > 0 ? &personal : NULL, what->papers, what->paper_count,
			     session->key, ret_message);
}

static void settle(struct session *session)
{
	session->has_pending = false;
	bytes_fini(&session->pending);
	bytes_init_secret(&session->pending, MESSAGE_MAX);
	session->is_unsaved = true;
}

static enum err mismatch(const struct session *session, struct fault *fault, const char *why)
{
	return fault_set(fault, ERR_MISMATCH, "lane %u, request %llu: %s", session->lane,
			 (unsigned long long)session->sequence, why);
}

/* A reply with an entry: it must be about what was sent (reply_check), then it is what the next request acknowledges.
 */
static enum err accept_entry(struct session *session, const Kluis__Reply *reply, struct arena *arena,
			     struct session_answer *ret_answer, struct fault *fault)
{
	if (!reply->has_index)
		return mismatch(session, fault, "the broker's answer has an entry without a place in the log");
	struct slice sent = SLICE(arena_copy(arena, bytes_slice(&session->pending)), session->pending.length);
	Kluis__Envelope *envelope;
	if (sent.data == NULL)
		return ERR_MEMORY;
	TRY(WIRE_DECODE(Envelope, envelope, sent, arena, &envelope));
	struct session_answer answer = {.reply = reply, .has_entry = true, .index = reply->index};
	TRY(reply_check(reply, wire_slice(envelope->request), wire_slice(envelope->signature), arena, &answer.entry,
			fault));
	session->has_acknowledgement = true;
	session->entry_index = reply->index;
	session->entry_leaf = answer.entry.leaf;
	settle(session);
	*ret_answer = answer;
	return ERR_OK;
}

/* How the sending of the pending bytes went. */
struct course {
	bool is_first;		    /* none was ever sent before this call */
	bool is_every_try_answered; /* of this call */
};

static enum err explain_refusal(struct session *session, const Kluis__Reply *reply, struct fault *fault)
{
	enum err code = (enum err)reply->code;
	if (code != ERR_SEQUENCE)
		return fault_set(fault, code, "the broker refused: %s", reply->text ? reply->text : error_text(code));
	session->expected = reply->has_expected ? reply->expected : 0;
	return fault_set(fault, code,
			 "lane %u: the broker waits for request %llu and got %llu: this lane's memory is an old copy, "
			 "or two programs use it",
			 session->lane, (unsigned long long)session->expected, (unsigned long long)session->sequence);
}

/* R36: the number was not used. Given up only if no copy of the bytes can have been or still be executed; see
 * session.h.
 */
static enum err accept_refusal(struct session *session, const Kluis__Reply *reply, const struct course *course,
			       struct fault *fault)
{
	bool is_unknown_code = reply->code == ERR_OK || !error_is_known(reply->code);
	if (is_unknown_code)
		return mismatch(session, fault, "the broker's answer has neither an entry nor a reason");
	enum err code = explain_refusal(session, reply, fault);
	/* The broker says these without looking at the lane (R38): nothing of what became of an earlier copy. */
	bool is_blind = code == ERR_BUSY || code == ERR_CLOCK;
	if (!course->is_every_try_answered || (is_blind && !course->is_first))
		return code;
	settle(session);
	session->sequence--;
	/* From disk too: after a crash it would be sent again, although it was reported as refused. */
	TRY(save(session));
	return code;
}

/* Sends the pending bytes once. *ret_reply lives in the arena. */
static enum err try_once(struct session *session, struct arena *arena, Kluis__Reply **ret_reply, struct fault *fault)
{
	CLEANUP(bytes_fini) struct bytes message = {0};
	bytes_init_secret(&message, MESSAGE_MAX);
	TRY(session->exchange.send(session->exchange.context, bytes_slice(&session->pending), &message));
	uint8_t *copy = arena_copy(arena, bytes_slice(&message));
	if (copy == NULL && message.length > 0)
		return ERR_MEMORY;
	enum err err = WIRE_DECODE(Reply, reply, SLICE(copy, message.length), arena, ret_reply);
	return err == ERR_INPUT ? mismatch(session, fault, "the broker's answer is not a reply") : err;
}

static bool is_worth_another_try(enum err err, const Kluis__Reply *reply)
{
	if (err != ERR_OK)
		return err == ERR_NETWORK || err == ERR_TIMEOUT;
	return reply->code == ERR_BUSY && !reply->has_entry;
}

static enum err exchange_pending(struct session *session, bool is_first, unsigned tries, struct arena *arena,
				 struct session_answer *ret_answer, struct fault *fault)
{
	assert(tries > 0);
	Kluis__Reply *reply = NULL;
	enum err err = ERR_OK;
	struct course course = {.is_first = is_first, .is_every_try_answered = true};
	for (unsigned attempt = 0; attempt < tries; attempt++) {
		if (attempt > 0 && session->exchange.pause != NULL)
			session->exchange.pause(session->exchange.context, attempt - 1);
		err = try_once(session, arena, &reply, fault);
		course.is_every_try_answered = course.is_every_try_answered && err == ERR_OK;
		if (!is_worth_another_try(err, reply))
			break;
	}
	if (err != ERR_OK)
		return fault_set(fault, err, "lane %u, request %llu: %s", session->lane,
				 (unsigned long long)session->sequence, error_text(err));
	if (reply->has_entry)
		return accept_entry(session, reply, arena, ret_answer, fault);
	return accept_refusal(session, reply, &course, fault);
}

/* The request is on disk when this returns; on failure the session is as before. */
static enum err make_pending(struct session *session, const struct session_request *request, struct fault *fault)
{
	bytes_clear(&session->pending);
	enum err err = build(session, request, &session->pending);
	if (err != ERR_OK)
		return fault_set(fault, err, "lane %u: the request cannot be made: %s", session->lane, error_text(err));
	session->sequence++;
	session->has_pending = true;
	err = save(session);
	if (err == ERR_OK)
		return ERR_OK;
	/* It never left, so it never was; if the save did reach the disk, resuming it is still right. */
	session->sequence--;
	session->has_pending = false;
	return fault_set(fault, err, "lane %u: its memory cannot be written: %s", session->lane, error_text(err));
}

enum err session_call(struct session *session, const struct session_request *request, unsigned tries,
		      struct arena *arena, struct session_answer *ret_answer, struct fault *fault)
{
	if (session->has_pending)
		return fault_set(fault, ERR_STATE, "lane %u: request %llu must be resumed first", session->lane,
				 (unsigned long long)session->sequence);
	TRY(make_pending(session, request, fault));
	return exchange_pending(session, true, tries, arena, ret_answer, fault);
}

enum err session_resume(struct session *session, unsigned tries, struct arena *arena, struct session_answer *ret_answer,
			struct fault *fault)
{
	if (!session->has_pending)
		return ERR_NOT_FOUND;
	return exchange_pending(session, false, tries, arena, ret_answer, fault);
}

/* ---- without an entry (R120) ---- */

static enum err sign_unlogged(const struct secret_key *key, uint32_t lane, Kluis__Operation *operation,
			      uint64_t time_ms, struct bytes *ret_message)
{
	Kluis__Request request = KLUIS__REQUEST__INIT;
	char name[PRINCIPAL_MAX + 1];

	memcpy(name, key->public.name, sizeof(name));
	request.principal = name;
	request.lane = lane;
	request.sequence = 0;
	request.time_ms = time_ms;
	request.n_operations = 1;
	request.operations = &operation;
	return envelope_sign(&request, NULL, NULL, 0, key, ret_message);
}

/* Nothing that was signed says what such an answer must hold, so its form is all that can be checked here. */
static enum err check_unlogged(const Kluis__Reply *reply, const struct operation_row *row, struct fault *fault)
{
	size_t data_expected = row->answers_data && reply->code == ERR_OK ? 1 : 0;

	if (!error_is_known(reply->code))
		return fault_set(fault, ERR_MISMATCH, "%s: the broker's answer has no known code", row->name);
	if (reply->has_entry || reply->has_index || reply->personal != NULL)
		return fault_set(fault, ERR_MISMATCH, "%s: the broker's answer has what belongs to an entry",
				 row->name);
	if (reply->n_data != data_expected)
		return fault_set(fault, ERR_MISMATCH, "%s: the broker's answer has %zu data instead of %zu", row->name,
				 reply->n_data, data_expected);
	return ERR_OK;
}

static enum err exchange_unlogged(struct exchange exchange, struct slice message, const struct operation_row *row,
				  struct arena *arena, Kluis__Reply **ret_reply, struct fault *fault)
{
	CLEANUP(bytes_fini) struct bytes answer = {0};

	bytes_init(&answer, MESSAGE_MAX);
	enum err err = exchange.send(exchange.context, message, &answer);
	if (err != ERR_OK)
		return fault_set(fault, err, "%s: %s", row->name, error_text(err));
	uint8_t *copy = arena_copy(arena, bytes_slice(&answer));
	if (copy == NULL && answer.length > 0)
		return ERR_MEMORY;
	err = WIRE_DECODE(Reply, reply, SLICE(copy, answer.length), arena, ret_reply);
	if (err == ERR_INPUT)
		return fault_set(fault, ERR_MISMATCH, "%s: the broker's answer is not a reply", row->name);
	return err;
}

enum err session_ask(const struct secret_key *key, struct exchange exchange, uint32_t lane, Kluis__Operation *operation,
		     uint64_t time_ms, struct arena *arena, const Kluis__Reply **ret_reply, enum err *ret_code,
		     struct fault *fault)
{
	CLEANUP(bytes_fini) struct bytes message = {0};
	const struct operation_row *row = operation_row(operation->kind_case);
	Kluis__Reply *reply = NULL;

	assert(row != NULL && row->is_unlogged && lane <= LANE_MAX);
	bytes_init(&message, MESSAGE_MAX);
	enum err err = sign_unlogged(key, lane, operation, time_ms, &message);
	if (err != ERR_OK)
		return fault_set(fault, err, "%s: the request cannot be made: %s", row->name, error_text(err));
	TRY(exchange_unlogged(exchange, bytes_slice(&message), row, arena, &reply, fault));
	TRY(check_unlogged(reply, row, fault));
	*ret_reply = reply;
	*ret_code = (enum err)reply->code;
	return ERR_OK;
}

enum err session_adopt(struct session *session)
{
	/* 0 is no lane's number (R34): nothing was said */
	if (session->expected == 0)
		return ERR_STATE;
	settle(session);
	session->sequence = session->expected - 1;
	session->expected = 0;
	/* A crash after this goes on from here too; the acknowledgement stays: that it cannot fit is what tells. */
	return save(session);
}
