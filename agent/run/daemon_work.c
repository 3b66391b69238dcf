/* The loops of the daemon's threads: none of them ever spins. */
#include <string.h>

#include "alarm.h"
#include "kluis/clock.h"
#include "kluis/hash.h"
#include "kluis/log.h"
#include "run/daemon_internal.h"

#define PAUSE_MS_MIN 200
#define PAUSE_MS_MAX 30000
#define LINK_WAIT_MS 10000
#define COURIER_IDLE_MS 1000 /* what a till wrote waits no longer than that, online */
#define KEY_WAIT_MS 1000
#define QUICK_MS 5 /* a step that came to nothing in that time did not wait */

static struct log_topic sync_topic = LOG_TOPIC("sync");
static struct log_topic upload_topic = LOG_TOPIC("upload");
static struct log_topic witness_topic = LOG_TOPIC("witness");

/* ---- waiting ---- */

struct timespec daemon_due_in(uint64_t ms)
{
	uint64_t due_ms = clock_steady_ms() + ms;

	return (struct timespec){.tv_sec = (time_t)(due_ms / 1000), .tv_nsec = (long)(due_ms % 1000 * 1000000)};
}

static bool is_stopping(struct daemon *daemon)
{
	pthread_mutex_lock(&daemon->mutex);
	bool is = daemon->is_stopping;
	pthread_mutex_unlock(&daemon->mutex);
	return is;
}

/* The keeper's thread is wanted for a rotation; the courier's waits on. */
enum whose { KEEPERS, COURIERS };

static void pause_for(struct daemon *daemon, enum whose whose, uint64_t ms)
{
	struct timespec due = daemon_due_in(ms);

	pthread_mutex_lock(&daemon->mutex);
	while (!daemon->is_stopping && !(whose == KEEPERS && daemon_is_rotation_wanted(daemon)) &&
	       pthread_cond_timedwait(&daemon->woken, &daemon->mutex, &due) == 0)
		;
	pthread_mutex_unlock(&daemon->mutex);
}

/* Grows with each failure in a row, drawn at random below that. */
static void pause_after(struct daemon *daemon, enum whose whose, unsigned failures)
{
	uint64_t most_ms = (uint64_t)PAUSE_MS_MIN << (failures > 8 ? 8 : failures);
	uint8_t drawn[4];

	most_ms = most_ms > PAUSE_MS_MAX ? PAUSE_MS_MAX : most_ms;
	random_bytes(drawn, sizeof drawn);
	pause_for(daemon, whose, most_ms / 2 + get_u32(drawn) % (most_ms / 2));
}

/* ---- the witness ---- */

static void cosign(struct daemon *daemon)
{
	uint64_t now_ms = clock_steady_ms();
	struct fault fault = {""};

	if (!daemon->config.is_witness || daemon->shop.agreement == NULL ||
	    (daemon->cosigned_ms != 0 && now_ms - daemon->cosigned_ms < daemon->config.witness_every_ms))
		return;
	daemon->cosigned_ms = now_ms;
	if (!daemon->is_witness_known)
		daemon->is_witness_known = office_witness(&daemon->office, &daemon->witness, &fault) == ERR_OK;
	struct cosigner_options options = {.shop = &daemon->shop,
					   .exchange = channel_exchange(daemon->keeper_channel),
					   .witness = &daemon->witness,
					   .logs = daemon->agent.membership.logs,
					   .log_count = daemon->agent.membership.log_count,
					   .keep_evidence = daemon_keep_evidence,
					   .context = daemon};
	enum err err = cosigner_step(&options, &fault);
	if (err == ERR_NOT_FOUND) /* the broker does not know the key (any more) */
		daemon->is_witness_known = false;
	if (err != ERR_OK && err != ERR_NETWORK && err != ERR_TIMEOUT)
		log_event(&witness_topic, "%s", fault.text[0] == '\0' ? error_text(err) : fault.text);
}

/* ---- the keeper ---- */

struct keeping {
	enum keeper_result last;   /* what the last step came to */
	enum keeper_result before; /* the same, of those that are an outcome: not KEEPER_MORE */
	unsigned failures;	   /* in a row */
};

/* Once for each change, not for each try. */
static void tell(enum keeper_result result, enum keeper_result before, const struct fault *fault)
{
	if (result == before || (result != KEEPER_REFUSED && result != KEEPER_ALARM))
		return;
	log_event(&sync_topic, "%s", fault->text[0] == '\0' ? "refused" : fault->text);
}

static bool is_failure(enum keeper_result result)
{
	return result != KEEPER_MORE && result != KEEPER_CURRENT;
}

/* last: of the step before. What failed is asked for anew by a watch, and that alone is no progress: a broker that
 * gives the same wrong answer each time is asked less and less often. */
static unsigned after_step(struct daemon *daemon, enum keeper_result result, enum keeper_result last, uint64_t took_ms,
			   unsigned failures)
{
	switch (result) {
	case KEEPER_MORE:
		return is_failure(last) ? failures : 0;
	case KEEPER_CURRENT:
		if (took_ms < QUICK_MS) /* whatever made it so: a broker that answers each watch at once, say */
			pause_for(daemon, KEEPERS, PAUSE_MS_MIN);
		return 0;
	case KEEPER_AWAY:
	case KEEPER_REFUSED:
	case KEEPER_ALARM:
		pause_after(daemon, KEEPERS, failures);
		return failures + 1;
	}
	return failures;
}

static void step(struct daemon *daemon, struct keeping *keeping)
{
	struct fault fault = {""};
	uint64_t began_ms = clock_steady_ms();

	enum keeper_result result = keeper_step(daemon->keeper, &fault);
	tell(result, keeping->before, &fault);
	keeping->before = result == KEEPER_MORE ? keeping->before : result;
	keeping->failures = after_step(daemon, result, keeping->last, clock_steady_ms() - began_ms, keeping->failures);
	keeping->last = result;
}

/* Nothing else is signed before it is known which key the broker takes. */
static void turn_key(struct daemon *daemon, struct keeping *keeping)
{
	keeping->failures = daemon_turn_key(daemon) ? 0 : keeping->failures + 1;
	if (keeping->failures > 0)
		pause_after(daemon, KEEPERS, keeping->failures);
}

void *daemon_keep(void *context)
{
	struct daemon *daemon = context;
	struct keeping keeping = {.last = KEEPER_CURRENT, .before = KEEPER_CURRENT};

	while (!is_stopping(daemon)) {
		daemon->keeper_shown_ms = clock_steady_ms();
		if (!link_wait(daemon->link, LINK_WAIT_MS))
			continue;
		if (daemon_is_rotation_due(daemon)) {
			turn_key(daemon, &keeping);
			continue;
		}
		cosign(daemon);
		step(daemon, &keeping);
	}
	return NULL;
}

/* ---- the courier ---- */

void daemon_wake_courier(struct daemon *daemon)
{
	pthread_mutex_lock(&daemon->mutex);
	daemon->is_courier_woken = true;
	pthread_cond_broadcast(&daemon->woken);
	pthread_mutex_unlock(&daemon->mutex);
}

static void wait_for_items(struct daemon *daemon)
{
	struct timespec due = daemon_due_in(COURIER_IDLE_MS);

	pthread_mutex_lock(&daemon->mutex);
	while (!daemon->is_stopping && !daemon->is_courier_woken &&
	       pthread_cond_timedwait(&daemon->woken, &daemon->mutex, &due) == 0)
		;
	daemon->is_courier_woken = false;
	pthread_mutex_unlock(&daemon->mutex);
}

void *daemon_carry(void *context)
{
	struct daemon *daemon = context;
	unsigned failures = 0;

	while (!is_stopping(daemon)) {
		struct fault fault = {""};
		daemon->courier_shown_ms = clock_steady_ms();
		if (!link_wait(daemon->link, LINK_WAIT_MS))
			continue;
		if (!sluice_enter(&daemon->sluice, KEY_WAIT_MS))
			continue;
		enum courier_result result = courier_step(daemon->courier, &fault);
		sluice_leave(&daemon->sluice);
		failures = result == COURIER_IDLE || result == COURIER_MORE ? 0 : failures + 1;
		if (result == COURIER_REFUSED && failures == 1)
			log_event(&upload_topic, "%s", fault.text[0] == '\0' ? "refused" : fault.text);
		if (failures > 0)
			pause_after(daemon, COURIERS, failures);
		else if (result == COURIER_IDLE)
			wait_for_items(daemon);
	}
	return NULL;
}
