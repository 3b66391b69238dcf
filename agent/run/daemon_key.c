/*
 * The store's key, replaced while the daemon runs. The keeper's thread does it, so the keeper itself stands still;
 * courier, line and office wait outside of the sluice meanwhile, and tills are answered from the copy, which needs no
 * such key.
 */
#include <stdio.h>

#include "kluis/clock.h"
#include "kluis/log.h"
#include "rotate.h"
#include "run/daemon_internal.h"

#define ASK_MS_MAX 25000 /* less than a command waits for the daemon's answer */
#define ASK_AGAIN_MS 200
#define LOOKUP_WAIT_MS 4000 /* somebody stands at the till */
#define RETRY_MS 60000

static struct log_topic key_topic = LOG_TOPIC("key");

/* An agreement may be signed by the key of now or one that was. */
static enum err collect_signers(struct daemon *daemon, struct fault *fault)
{
	struct public_key *retired;
	size_t count;

	arena_reset(&daemon->signer_arena);
	daemon->signers = &daemon->agent.key.public;
	daemon->signer_count = 1;
	TRY(rotate_retired(daemon->folder, &daemon->signer_arena, &retired, &count, fault));
	struct public_key *signers = arena_array(&daemon->signer_arena, count + 1, sizeof *signers);
	if (signers == NULL)
		return ERR_MEMORY;
	signers[0] = daemon->agent.key.public;
	for (size_t i = 0; i < count; i++)
		signers[i + 1] = retired[i];
	daemon->signers = signers;
	daemon->signer_count = count + 1;
	return ERR_OK;
}

enum err daemon_open_key(struct daemon *daemon, struct fault *fault)
{
	daemon->key_id = daemon->agent.key.public.id;
	/* a rotation that was cut off: which key the broker takes is not known, and nothing is signed before it is */
	if (rotate_is_open(daemon->folder))
		sluice_close(&daemon->sluice);
	return collect_signers(daemon, fault);
}

/* ---- lookups ---- */

static enum err look_up(void *context, const Kluis__Operation *operation, const Kluis__Part *part,
			struct slice employee, struct arena *arena, const Kluis__Result **ret_result,
			const Kluis__Part **ret_part, uint64_t *ret_index, struct fault *fault)
{
	struct daemon *daemon = context;
	struct desk_line line = line_of_desk(daemon->line);

	if (!link_is_up(daemon->link))
		return ERR_NETWORK;
	if (!sluice_enter(&daemon->sluice, LOOKUP_WAIT_MS))
		return ERR_TIMEOUT;
	enum err err =
		line.lookup(line.context, operation, part, employee, arena, ret_result, ret_part, ret_index, fault);
	sluice_leave(&daemon->sluice);
	return err;
}

struct desk_line daemon_line_of_desk(struct daemon *daemon)
{
	return (struct desk_line){.context = daemon, .lookup = look_up};
}

/* ---- asking for it ---- */

static bool is_wanted(const struct daemon_rotation *rotation)
{
	return rotation->asked > rotation->taken;
}

/* Under the mutex. The keeper is interrupted again and again: it may just be about to wait for the broker. */
static void wait_for_keeper(struct daemon *daemon, uint64_t ticket)
{
	uint64_t give_up_ms = clock_steady_ms() + ASK_MS_MAX;

	while (daemon->rotation.done < ticket && !daemon->is_stopping && clock_steady_ms() < give_up_ms) {
		struct timespec due = daemon_due_in(ASK_AGAIN_MS);
		if (is_wanted(&daemon->rotation))
			channel_interrupt(daemon->keeper_channel);
		pthread_cond_timedwait(&daemon->woken, &daemon->mutex, &due);
	}
}

/* Under the mutex. */
static enum err conclude(struct daemon_rotation *rotation, uint64_t ticket, struct fault *fault)
{
	if (rotation->done >= ticket)
		return rotation->err == ERR_OK ? ERR_OK : fault_set(fault, rotation->err, "%s", rotation->fault.text);
	if (rotation->taken >= ticket)
		return fault_set(fault, ERR_TIMEOUT,
				 "the rotation is under way still; status says which key is in force");
	rotation->asked--;
	return fault_set(fault, ERR_TIMEOUT, "the broker was not in reach in time: the key is as it was");
}

static enum err wait(struct daemon *daemon, struct fault *fault)
{
	if (is_wanted(&daemon->rotation))
		return fault_set(fault, ERR_BUSY, "a rotation is asked for already");
	uint64_t ticket = ++daemon->rotation.asked;
	pthread_cond_broadcast(&daemon->woken);
	wait_for_keeper(daemon, ticket);
	return conclude(&daemon->rotation, ticket, fault);
}

enum err daemon_rotate(void *context, uint32_t *ret_key_id, struct fault *fault)
{
	struct daemon *daemon = context;

	if (!link_is_up(daemon->link))
		return fault_set(fault, ERR_NETWORK, "the broker is not in reach: the key is as it was");
	pthread_mutex_lock(&daemon->mutex);
	enum err err = wait(daemon, fault);
	pthread_mutex_unlock(&daemon->mutex);
	TRY(err);
	*ret_key_id = daemon->key_id;
	return ERR_OK;
}

/* ---- the keeper's thread ---- */

bool daemon_is_rotation_wanted(const struct daemon *daemon)
{
	return is_wanted(&daemon->rotation);
}

bool daemon_is_rotation_due(struct daemon *daemon)
{
	pthread_mutex_lock(&daemon->mutex);
	bool is_due = is_wanted(&daemon->rotation);
	pthread_mutex_unlock(&daemon->mutex);
	return is_due || (clock_steady_ms() >= daemon->rotation.refused_until_ms && rotate_is_open(daemon->folder));
}

static uint64_t take(struct daemon *daemon)
{
	pthread_mutex_lock(&daemon->mutex);
	uint64_t ticket = daemon->rotation.taken = daemon->rotation.asked;
	pthread_mutex_unlock(&daemon->mutex);
	return ticket;
}

static void answer(struct daemon *daemon, uint64_t ticket, enum err err, const struct fault *fault)
{
	pthread_mutex_lock(&daemon->mutex);
	daemon->rotation.done = ticket;
	daemon->rotation.err = err;
	daemon->rotation.fault = *fault;
	pthread_cond_broadcast(&daemon->woken);
	pthread_mutex_unlock(&daemon->mutex);
}

/* The broker knows one key that was, so what is waited for by an older one is got before. */
static enum err settle_lanes(struct daemon *daemon, struct fault *fault)
{
	TRY(courier_settle(daemon->courier, fault));
	TRY(line_settle(daemon->line, fault));
	return keeper_settle(daemon->keeper, fault);
}

static enum err replace(struct daemon *daemon, struct fault *fault)
{
	struct agent *agent = &daemon->agent;

	TRY(settle_lanes(daemon, fault));
	enum err err = rotate_key(daemon->folder, &agent->session, &agent->key, shop_now_ms(&daemon->shop), fault);
	if (agent->key.public.id == daemon->key_id)
		return err;
	daemon->key_id = agent->key.public.id;
	log_event(&key_topic, "the store's key is %08x from now on", agent->key.public.id);
	enum err collected = collect_signers(daemon, NULL);
	keeper_set_signers(daemon->keeper, daemon->signers, daemon->signer_count);
	return err == ERR_OK ? collected : err;
}

bool daemon_turn_key(struct daemon *daemon)
{
	uint64_t ticket = take(daemon);
	struct fault fault = {""};

	sluice_close(&daemon->sluice);
	enum err err = replace(daemon, &fault);
	bool is_unsure = err != ERR_OK && err < ERR_NOT_FOUND && rotate_is_open(daemon->folder);
	if (!is_unsure)
		sluice_open(&daemon->sluice);
	daemon->rotation.refused_until_ms = is_unsure ? 0 : clock_steady_ms() + RETRY_MS;
	if (err != ERR_OK && fault.text[0] == '\0')
		(void)fault_set(&fault, err, "%s", error_text(err));
	if (err != ERR_OK)
		log_event(&key_topic, "the store's key is not replaced yet: %s", fault.text);
	answer(daemon, ticket, err, &fault);
	return !is_unsure;
}
