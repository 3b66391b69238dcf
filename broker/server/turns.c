#include "server/turns.h"

#include <assert.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "kluis/clock.h"
#include "kluis/journal.h"
#include "kluis/limits.h"
#include "kluis/log.h"
#include "kluis/wire.h"
#include "server/committer.h"
#include "server/parking.h"

/* One that is parked has left its place among those that receive and work to another. */
#define TURNS_MAX (REQUESTS_IN_SERVER + PARKED_MAX)

enum turn_state { TURN_RECEIVING, TURN_WORKING, TURN_PARKED, TURN_SENDING };

struct turn {
	struct turns *turns;
	enum turn_state state; /* handed from thread to thread with the turn itself */
	nng_ctx context;
	nng_aio *aio;
	nng_pipe pipe;
	nng_msg *request;
	struct prepared *prepared;
	struct spot spot;
	uint64_t deadline_ms; /* of a request that waits for news, steady clock; 0: not yet known */
	uint64_t sleep_ms;
	struct turn *next; /* among the spare */
};

struct turns {
	const struct server_core *core;
	struct guard *guard;
	struct committer *committer;
	struct parking *parking;
	nng_socket socket;
	struct bytes busy_reply;
	pthread_mutex_t mutex;
	pthread_cond_t idle;
	size_t active; /* turns that hold a request */
	bool is_draining;
	size_t engaged;	    /* turns that receive or work: REQUESTS_IN_SERVER, and more while woken ones are answered */
	struct turn *spare; /* neither receiving nor working */
	size_t opened;
	struct turn turns[TURNS_MAX];
};

static struct log_topic peer_topic = LOG_TOPIC("connection");
static struct log_topic answer_topic = LOG_TOPIC("request");
static struct log_topic finding_topic = LOG_TOPIC("finding");

static void step(void *argument);

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
	turns->active += is_welcome;
	pthread_mutex_unlock(&turns->mutex);
	return is_welcome;
}

static void end_work(struct turns *turns)
{
	pthread_mutex_lock(&turns->mutex);
	if (--turns->active == 0)
		pthread_cond_signal(&turns->idle);
	pthread_mutex_unlock(&turns->mutex);
}

/* ---- turns that stand by ---- */

static enum err open_turn(struct turns *turns, struct turn **ret_turn)
{
	if (turns->opened == TURNS_MAX)
		return ERR_BUSY;
	struct turn *turn = &turns->turns[turns->opened];
	turn->turns = turns;
	if (nng_aio_alloc(&turn->aio, step, turn) != 0)
		return ERR_MEMORY;
	if (nng_ctx_open(&turn->context, turns->socket) != 0) {
		nng_aio_free(turn->aio);
		return ERR_MEMORY;
	}
	turns->opened++;
	*ret_turn = turn;
	return ERR_OK;
}

/* One to receive in the place of one that is parked; NULL if there is none. */
static struct turn *engage(struct turns *turns)
{
	pthread_mutex_lock(&turns->mutex);
	struct turn *turn = turns->spare;
	if (turn != NULL)
		turns->spare = turn->next;
	else if (open_turn(turns, &turn) != ERR_OK)
		turn = NULL;
	if (turn != NULL)
		turns->engaged++;
	pthread_mutex_unlock(&turns->mutex);
	return turn;
}

static void disengage_locked(struct turns *turns, struct turn *spare)
{
	turns->engaged--;
	if (spare != NULL) {
		spare->next = turns->spare;
		turns->spare = spare;
	}
}

/* One less receives or works; spare, if any, stands by from now on. */
static void disengage(struct turns *turns, struct turn *spare)
{
	pthread_mutex_lock(&turns->mutex);
	disengage_locked(turns, spare);
	pthread_mutex_unlock(&turns->mutex);
}

/* A request is done with. No more receive than may work, and so commit, at a time. */
static void go_on(struct turn *turn)
{
	struct turns *turns = turn->turns;
	pthread_mutex_lock(&turns->mutex);
	bool is_too_many = turns->engaged > REQUESTS_IN_SERVER;
	if (is_too_many)
		disengage_locked(turns, turn);
	pthread_mutex_unlock(&turns->mutex);
	if (!is_too_many)
		receive(turn);
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
	turn->deadline_ms = 0;
	go_on(turn);
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

/* ---- waiting for news ---- */

static struct turn *turn_of(struct spot *spot)
{
	return (struct turn *)(void *)((char *)spot - offsetof(struct turn, spot));
}

/* With the parking's lock held: nobody wakes it before it sleeps. */
static bool begin_to_wait(struct spot *spot)
{
	struct turn *turn = turn_of(spot);
	if (!guard_is_known(turn->turns->guard, (uint32_t)nng_pipe_id(turn->pipe)))
		return false;
	turn->state = TURN_PARKED;
	nng_aio_set_timeout(turn->aio, NNG_DURATION_INFINITE);
	nng_sleep_aio((nng_duration)turn->sleep_ms, turn->aio);
	return true;
}

/* The callback then runs on one of nng's threads. */
static void wake(struct spot *spot)
{
	nng_aio_abort(turn_of(spot)->aio, NNG_ECANCELED);
}

static void on_news(void *listener, const struct core_news *news)
{
	parking_news(((struct turns *)listener)->parking, news);
}

/* False if there is nothing to wait for, or no time to. */
static bool wants_to_wait(struct turn *turn, struct core_wait *ret_wait)
{
	const struct server_core *core = turn->turns->core;
	if (!core->waits(turn->prepared, ret_wait))
		return false;
	uint64_t now_ms = clock_steady_ms();
	if (turn->deadline_ms == 0)
		turn->deadline_ms = now_ms + ret_wait->wait_ms;
	if (now_ms >= turn->deadline_ms)
		return false;
	turn->sleep_ms = turn->deadline_ms - now_ms;
	if (turn->sleep_ms > ret_wait->change_ms)
		turn->sleep_ms = ret_wait->change_ms;
	return true;
}

/* What was prepared is not kept while it waits; the message is. ERR_OK: the turn is another thread's. ERR_STATE: it is
 * to be prepared again. Else it ends here. */
static enum err park(struct turn *turn, const struct core_wait *wait)
{
	struct turns *turns = turn->turns;
	turns->core->prepared_free(&turn->prepared);
	struct turn *deputy = engage(turns);
	if (deputy == NULL)
		return ERR_BUSY;
	enum err err =
		parking_enter(turns->parking, &turn->spot, wait, (uint32_t)nng_pipe_id(turn->pipe), begin_to_wait);
	if (err == ERR_OK) {
		disengage(turns, NULL);
		receive(deputy);
	} else {
		disengage(turns, deputy);
	}
	return err;
}

/* ---- a request ---- */

/* False: the turn has ended or is another thread's. */
static bool prepare_once(struct turn *turn)
{
	struct turns *turns = turn->turns;
	const struct server_core *core = turns->core;
	struct slice message = SLICE(nng_msg_body(turn->request), nng_msg_len(turn->request));
	if (core->prepare(core->core, message, clock_now_ms(), &turn->prepared) != ERR_OK) {
		turn->prepared = NULL;
		answer(turn, bytes_slice(&turns->busy_reply));
		return false;
	}
	enum err failure = core->failure(turn->prepared);
	if (failure != ERR_OK)
		log_event(&answer_topic, "not answered: %s; the sender was told", error_text(failure));
	enum guard_outcome outcome = outcome_of(core->trust(turn->prepared));
	if (guard_judge(turns->guard, (uint32_t)nng_pipe_id(turn->pipe), outcome) == GUARD_CLOSE) {
		refuse_peer(turn, "too many malformed messages");
		drop_request(turn);
		finish(turn);
		return false;
	}
	return true;
}

/* How a request ended that was to wait and does not. */
static void end_wait(struct turn *turn, enum err err)
{
	if (err == ERR_BUSY) {
		answer(turn, bytes_slice(&turn->turns->busy_reply));
		return;
	}
	/* nobody is there to be answered, or to answer */
	drop_request(turn);
	finish(turn);
}

static void prepare(struct turn *turn)
{
	const struct server_core *core = turn->turns->core;
	struct core_wait wait;
	enum err err = ERR_STATE;
	while (err == ERR_STATE) {
		if (!prepare_once(turn))
			return;
		if (core->needs_commit(turn->prepared)) {
			committer_push(turn->turns->committer, turn->prepared, turn);
			return;
		}
		if (!wants_to_wait(turn, &wait)) {
			answer(turn, core->reply(turn->prepared));
			return;
		}
		err = park(turn, &wait);
	}
	if (err != ERR_OK)
		end_wait(turn, err);
}

/* There is news, the time is up, the connection has gone, or the server stops. */
static void on_woken(struct turn *turn)
{
	struct turns *turns = turn->turns;
	parking_leave(turns->parking, &turn->spot);
	pthread_mutex_lock(&turns->mutex);
	turns->engaged++;
	bool is_over = turns->is_draining;
	pthread_mutex_unlock(&turns->mutex);
	turn->state = TURN_WORKING;
	if (!is_over && guard_is_known(turns->guard, (uint32_t)nng_pipe_id(turn->pipe))) {
		prepare(turn);
		return;
	}
	drop_request(turn);
	finish(turn);
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
	else if (turn->state == TURN_PARKED)
		on_woken(turn);
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

static enum err open_contexts(struct turns *turns)
{
	struct turn *turn;
	for (size_t i = 0; i < REQUESTS_IN_SERVER; i++)
		TRY(open_turn(turns, &turn));
	return ERR_OK;
}

enum err turns_new(nng_socket socket, const struct server_core *core, struct guard *guard, struct turns **ret_turns)
{
	CLEANUP(turns_free) struct turns *turns = calloc(1, sizeof(*turns));
	if (turns == NULL)
		return ERR_MEMORY;
	turns->core = core;
	turns->guard = guard;
	turns->socket = socket;
	pthread_mutex_init(&turns->mutex, NULL);
	pthread_cond_init(&turns->idle, NULL);
	TRY(make_busy_reply(&turns->busy_reply));
	TRY(parking_new(wake, &turns->parking));
	TRY(open_contexts(turns));
	TRY(committer_new(core, release, on_news, turns, &turns->committer));
	*ret_turns = turns;
	turns = NULL;
	return ERR_OK;
}

void turns_start(struct turns *turns)
{
	turns->engaged = REQUESTS_IN_SERVER;
	for (size_t i = 0; i < REQUESTS_IN_SERVER; i++)
		receive(&turns->turns[i]);
}

void turns_forget(struct turns *turns, uint32_t pipe)
{
	parking_forget(turns->parking, pipe);
}

void turns_drain(struct turns *turns)
{
	pthread_mutex_lock(&turns->mutex);
	turns->is_draining = true;
	pthread_mutex_unlock(&turns->mutex);
	parking_close(turns->parking);
	pthread_mutex_lock(&turns->mutex);
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
	for (size_t i = 0; i < (*turns)->opened; i++) {
		struct turn *turn = &(*turns)->turns[i];
		nng_aio_stop(turn->aio);
		nng_aio_free(turn->aio);
	}
	parking_free(&(*turns)->parking);
	bytes_fini(&(*turns)->busy_reply);
	pthread_cond_destroy(&(*turns)->idle);
	pthread_mutex_destroy(&(*turns)->mutex);
	free(*turns);
	*turns = NULL;
}
