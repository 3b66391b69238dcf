#include "server/turns.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "kluis/clock.h"
#include "kluis/journal.h"
#include "kluis/limits.h"
#include "kluis/log.h"
#include "kluis/wire.h"
#include "server/committer.h"

enum turn_state { TURN_RECEIVING, TURN_WORKING, TURN_SENDING };

struct turn {
	struct turns *turns;
	enum turn_state state; /* handed from thread to thread with the turn itself */
	nng_ctx context;
	nng_aio *aio;
	nng_pipe pipe;
	nng_msg *request;
	struct prepared *prepared;
};

struct turns {
	const struct server_core *core;
	struct guard *guard;
	struct committer *committer;
	struct bytes busy_reply;
	pthread_mutex_t mutex;
	pthread_cond_t idle;
	size_t active; /* turns that hold a request */
	bool is_draining;
	struct turn turns[REQUESTS_IN_SERVER];
};

static struct log_topic peer_topic = LOG_TOPIC("connection");
static struct log_topic answer_topic = LOG_TOPIC("request");
static struct log_topic finding_topic = LOG_TOPIC("finding");

static void receive(struct turn *turn)
{
	turn->state = TURN_RECEIVING;
	nng_aio_set_timeout(turn->aio, NNG_DURATION_INFINITE);
	nng_ctx_recv(turn->context, turn->aio);
}

static bool begin_work(struct turns *turns)
{
	pthread_mutex_lock(&turns->mutex);
	bool is_welcome = !turns->is_draining;
	if (is_welcome)
		turns->active++;
	pthread_mutex_unlock(&turns->mutex);
	return is_welcome;
}

static void end_work(struct turns *turns)
{
	pthread_mutex_lock(&turns->mutex);
	turns->active--;
	if (turns->active == 0)
		pthread_cond_signal(&turns->idle);
	pthread_mutex_unlock(&turns->mutex);
}

static void drop_request(struct turn *turn)
{
	if (turn->prepared != NULL)
		turn->turns->core->prepared_free(&turn->prepared);
	nng_msg_free(turn->request);
	turn->request = NULL;
}

/* The request is done with, answered or not. */
static void finish(struct turn *turn)
{
	guard_depart(turn->turns->guard, (uint32_t)nng_pipe_id(turn->pipe));
	end_work(turn->turns);
	receive(turn);
}

static void answer(struct turn *turn, struct slice reply)
{
	nng_msg *message = NULL;
	bool is_made = nng_msg_alloc(&message, reply.length) == 0;
	if (is_made && reply.length > 0)
		memcpy(nng_msg_body(message), reply.data, reply.length);
	drop_request(turn);
	if (!is_made) {
		/* Without memory for an answer there is none: the sender asks again. */
		nng_msg_free(message);
		finish(turn);
		return;
	}
	bool is_known = guard_is_known(turn->turns->guard, (uint32_t)nng_pipe_id(turn->pipe));
	nng_aio_set_timeout(turn->aio, is_known ? REPLY_TIMEOUT_MS : UNKNOWN_REPLY_TIMEOUT_MS);
	nng_aio_set_msg(turn->aio, message);
	turn->state = TURN_SENDING;
	nng_ctx_send(turn->context, turn->aio);
}

/* What head office should look at; once a request, however many records it brought. */
static void say_findings(const struct server_core *core, const struct prepared *prepared)
{
	uint8_t room[512];
	struct bytes text = {.data = room, .capacity = sizeof room, .maximum = sizeof room};
	uint32_t store;
	uint32_t findings = core->findings(prepared, &store);
	if (findings == 0 || findings_print(findings, &text) != ERR_OK)
		return;
	log_event(&finding_topic, "store %u: %.*s; see kluis-broker findings", store, (int)text.length,
		  (const char *)room);
}

/* On the committer's thread. */
static void release(void *owner)
{
	struct turn *turn = owner;
	say_findings(turn->turns->core, turn->prepared);
	answer(turn, turn->turns->core->reply(turn->prepared));
}

static enum guard_outcome outcome_of(enum core_trust trust)
{
	static const enum guard_outcome table[] = {
		[CORE_GARBAGE] = GUARD_WAS_GARBAGE,
		[CORE_UNKNOWN] = GUARD_WAS_UNKNOWN,
		[CORE_AUTHENTICATED] = GUARD_WAS_AUTHENTICATED,
	};
	return table[trust];
}

static void refuse_peer(struct turn *turn, const char *why)
{
	log_event(&peer_topic, "closed: %s", why);
	nng_pipe_close(turn->pipe);
}

static void prepare(struct turn *turn)
{
	struct turns *turns = turn->turns;
	const struct server_core *core = turns->core;
	struct slice message = SLICE(nng_msg_body(turn->request), nng_msg_len(turn->request));
	if (core->prepare(core->core, message, clock_now_ms(), &turn->prepared) != ERR_OK) {
		turn->prepared = NULL;
		answer(turn, bytes_slice(&turns->busy_reply));
		return;
	}
	enum err failure = core->failure(turn->prepared);
	if (failure != ERR_OK)
		log_event(&answer_topic, "not answered: %s; the sender was told", error_text(failure));
	enum guard_outcome outcome = outcome_of(core->trust(turn->prepared));
	if (guard_judge(turns->guard, (uint32_t)nng_pipe_id(turn->pipe), outcome) == GUARD_CLOSE) {
		refuse_peer(turn, "too many malformed messages");
		drop_request(turn);
		finish(turn);
		return;
	}
	if (core->needs_commit(turn->prepared))
		committer_push(turns->committer, turn->prepared, turn);
	else
		answer(turn, core->reply(turn->prepared));
}

/* Before guard_arrive has counted the request there is nothing to depart from. */
static void turn_away(struct turn *turn)
{
	drop_request(turn);
	end_work(turn->turns);
	receive(turn);
}

static void on_received(struct turn *turn)
{
	struct turns *turns = turn->turns;
	turn->request = nng_aio_get_msg(turn->aio);
	turn->pipe = nng_msg_get_pipe(turn->request);
	if (!begin_work(turns)) {
		drop_request(turn);
		return;
	}
	turn->state = TURN_WORKING;
	switch (guard_arrive(turns->guard, (uint32_t)nng_pipe_id(turn->pipe), clock_steady_ms())) {
	case GUARD_PASS:
		prepare(turn);
		break;
	case GUARD_BUSY:
		answer(turn, bytes_slice(&turns->busy_reply));
		break;
	case GUARD_CLOSE:
		refuse_peer(turn, "too many requests at a time");
		turn_away(turn);
		break;
	}
}

static void on_sent(struct turn *turn, int number)
{
	if (number != 0) {
		nng_msg_free(nng_aio_get_msg(turn->aio));
		nng_aio_set_msg(turn->aio, NULL);
	}
	if (number == NNG_ETIMEDOUT)
		refuse_peer(turn, "does not read its answers");
	finish(turn);
}

/* nng's callback: an operation of the turn has ended. */
static void step(void *argument)
{
	struct turn *turn = argument;
	int number = nng_aio_result(turn->aio);
	if (turn->state == TURN_SENDING)
		on_sent(turn, number);
	else if (number == 0)
		on_received(turn);
	else if (number != NNG_ECLOSED && number != NNG_ECANCELED)
		receive(turn);
}

static enum err make_busy_reply(struct bytes *ret_bytes)
{
	Kluis__Reply reply = KLUIS__REPLY__INIT;
	reply.code = ERR_BUSY;
	bytes_init(ret_bytes, 64);
	return wire_encode(&reply.base, ret_bytes);
}

static enum err open_contexts(struct turns *turns, nng_socket socket)
{
	for (size_t i = 0; i < REQUESTS_IN_SERVER; i++) {
		struct turn *turn = &turns->turns[i];
		turn->turns = turns;
		if (nng_aio_alloc(&turn->aio, step, turn) != 0 || nng_ctx_open(&turn->context, socket) != 0)
			return ERR_MEMORY;
	}
	return ERR_OK;
}

enum err turns_new(nng_socket socket, const struct server_core *core, struct guard *guard, struct turns **ret_turns)
{
	CLEANUP(turns_free) struct turns *turns = calloc(1, sizeof(*turns));
	if (turns == NULL)
		return ERR_MEMORY;
	turns->core = core;
	turns->guard = guard;
	pthread_mutex_init(&turns->mutex, NULL);
	pthread_cond_init(&turns->idle, NULL);
	TRY(make_busy_reply(&turns->busy_reply));
	TRY(open_contexts(turns, socket));
	TRY(committer_new(core, release, &turns->committer));
	*ret_turns = turns;
	turns = NULL;
	return ERR_OK;
}

void turns_start(struct turns *turns)
{
	for (size_t i = 0; i < REQUESTS_IN_SERVER; i++)
		receive(&turns->turns[i]);
}

void turns_drain(struct turns *turns)
{
	pthread_mutex_lock(&turns->mutex);
	turns->is_draining = true;
	while (turns->active > 0)
		pthread_cond_wait(&turns->idle, &turns->mutex);
	pthread_mutex_unlock(&turns->mutex);
	committer_stop(&turns->committer);
}

void turns_free(struct turns **turns)
{
	if (*turns == NULL)
		return;
	committer_stop(&(*turns)->committer);
	for (size_t i = 0; i < REQUESTS_IN_SERVER; i++) {
		struct turn *turn = &(*turns)->turns[i];
		if (turn->aio == NULL)
			continue;
		nng_aio_stop(turn->aio);
		nng_aio_free(turn->aio);
	}
	bytes_fini(&(*turns)->busy_reply);
	pthread_cond_destroy(&(*turns)->idle);
	pthread_mutex_destroy(&(*turns)->mutex);
	free(*turns);
	*turns = NULL;
}
