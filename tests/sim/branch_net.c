/*
 * Between the shops and the broker: a message comes in or not, is executed or not, is answered or not, and
 * may come in again later; the broker dies in the middle of a commit.
 */
#include <stdlib.h>
#include <string.h>

#include "branch.h"

void branch_broker_start(struct branches *all)
{
	struct franchise *formula = all->formula;
	struct fault fault = {""};
	char *folder = arena_printf(&formula->arena, "%s/broker", formula->folder);

	branch_must(all, store_open(folder, &core_layout, false, &formula->store, &fault), fault.text);
	enum err err = core_open(formula->store, &formula->keys, formula->now_ms, &formula->core, &fault);
	if (err != ERR_OK)
		branch_fail(all, "I8", "the broker does not come up again: %s %s", error_text(err), fault.text);
}

void branch_broker_stop(struct branches *all)
{
	store_memory_crash_now(all->formula->store);
	core_close(&all->formula->core);
	store_close(&all->formula->store);
}

void branch_broker_restart(struct branches *all)
{
	branch_broker_stop(all);
	branch_broker_start(all);
	all->counts[BRANCH_BROKER_CRASHES]++;
}

/* What the broker does between requests. */
static void sign(struct branches *all)
{
	uint64_t next_ms;

	branch_must(all, core_checkpoint(all->formula->core), "checkpoint");
	branch_must(all, core_round(all->formula->core, all->formula->now_ms, &next_ms), "round");
	branch_follow_log(all);
}

static void commit(struct branches *all, struct core *core, struct prepared *prepared, bool dies)
{
	static const enum store_memory_when whens[] = {STORE_MEMORY_BEFORE, STORE_MEMORY_IN, STORE_MEMORY_AFTER};

	if (dies)
		store_memory_crash(all->formula->store, whens[branch_draw(all, 3)]);
	enum err err = core_commit(core, &prepared, 1, all->formula->now_ms);
	if (err != ERR_OK && !dies)
		branch_fail(all, "core", "commit: %s", error_text(err));
}

/* I1, I4, I6: before anything is on its way back. */
static void look_at_reply(struct branches *all, struct slice bytes, uint64_t durable)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	Kluis__Reply *reply;

	branch_follow_log(all);
	arena_init(&arena, 2 * REQUEST_ARENA_MAX);
	branch_must(all, WIRE_DECODE(Reply, reply, bytes, &arena, &reply), "reply");
	model_release(all->model, reply, all->formula->now_ms, durable);
}

/* False: nothing comes back, for the broker died. core: one of its histories. */
static bool serve(struct branches *all, struct core *core, struct slice message, struct bytes *ret_reply)
{
	struct franchise *formula = all->formula;
	struct prepared *prepared;
	bool dies = !all->is_calm && core == formula->core && branch_chance(all, 3);

	branch_follow_log(all);
	uint64_t durable = all->size;
	branch_must(all, core_prepare(core, message, formula->now_ms, &prepared), "prepare");
	if (prepared_needs_commit(prepared))
		commit(all, core, prepared, dies);
	if (!dies)
		look_at_reply(all, core_reply(prepared), durable);
	if (!dies && ret_reply != NULL)
		branch_must(all, bytes_append(ret_reply, core_reply(prepared)), "reply");
	prepared_free(&prepared);
	if (dies)
		branch_broker_restart(all);
	else if (branch_chance(all, 30))
		sign(all);
	return !dies;
}

static void keep_late(struct branches *all, struct slice message)
{
	if (all->late_count == BRANCH_LATE_MAX)
		return;
	struct branch_late *late = &all->late[all->late_count++];
	late->data = malloc(message.length + 1);
	if (late->data == NULL)
		abort();
	memcpy(late->data, message.data, message.length);
	late->length = message.length;
}

void branch_net_late(struct branches *all)
{
	if (all->late_count == 0)
		return;
	size_t i = branch_draw(all, all->late_count);
	struct branch_late late = all->late[i];
	all->late[i] = all->late[--all->late_count];
	serve(all, all->formula->core, SLICE(late.data, late.length), NULL);
	free(late.data);
}

void branch_net_free(struct branches *all)
{
	while (all->late_count > 0)
		free(all->late[--all->late_count].data);
}

static enum err send_message(void *context, struct slice message, struct bytes *ret_reply)
{
	struct branch *branch = context;
	struct branches *all = branch->all;

	if (branch->is_split || branch_is_dead(branch))
		return ERR_NETWORK;
	all->formula->now_ms += all->is_calm ? 1 : branch_draw(all, 40);
	if (!all->is_calm && branch_chance(all, 8))
		keep_late(all, message);
	if (!all->is_calm && branch_chance(all, 5)) /* the request is lost */
		return ERR_TIMEOUT;
	if (!serve(all, branch_core_for(branch, message), message, ret_reply))
		return ERR_NETWORK;
	if (all->is_calm || !branch_chance(all, 5))
		return ERR_OK;
	bytes_clear(ret_reply); /* the answer is lost */
	return ERR_TIMEOUT;
}

struct exchange branch_exchange(struct branch *branch)
{
	return (struct exchange){.context = branch, .send = send_message};
}
