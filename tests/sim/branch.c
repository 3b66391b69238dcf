#include "branch.h"
#include "erased.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "seeded.h"

#define MEMBERS 12
#define ROUNDS_MAX 1000
#define LEASE_MS (73 * 3600000) /* longer than any */

uint64_t branch_draw(struct branches *all, uint64_t bound)
{
	return run_draw(&all->run, bound);
}

bool branch_chance(struct branches *all, unsigned percent)
{
	return run_chance(&all->run, percent);
}

/* ---- events ---- */

/* Most take no time; some a while, some hours, and now and then longer than a lease. */
static void pass_time(struct branches *all)
{
	static const uint64_t spans_ms[] = {500, 500, 5000, 60000, 60000, 3600000, 12 * 3600000, 80 * 3600000};

	all->formula->now_ms += 1 + branch_draw(all, spans_ms[branch_draw(all, 8)]);
}

static void split_or_heal(struct branches *all, struct branch *branch)
{
	branch->is_split = !branch->is_split && branch_chance(all, 50);
	all->counts[BRANCH_SPLITS] += branch->is_split;
	branch_trace(all, "%s: %s", branch->folder, branch->is_split ? "split" : "healed");
}

static void set_clock(struct branches *all, struct branch *branch)
{
	int64_t by_ms = (int64_t)branch_draw(all, 3 * 3600000) - 3600000;

	branch->wrong_ms += (uint64_t)(by_ms < 0 ? -by_ms : by_ms);
	branch->skew_ms += by_ms;
	branch_trace(all, "%s: the clock is set by %lld ms", branch->folder, (long long)by_ms);
}

static void one_event(struct branches *all)
{
	struct branch *branch = &all->shops[branch_draw(all, BRANCHES)];
	uint64_t place = branch_draw(all, 1000);

	if (branch_chance(all, 4))
		branch_plan_death(branch);
	if (place < 350)
		branch_till(branch);
	else if (place < 850 && branch->is_unsure)
		branch_rotate(branch);
	else if (place < 580)
		branch_keeper(branch);
	else if (place < 600)
		branch_witness(branch);
	else if (place < 830)
		branch_courier(branch);
	else if (place < 900)
		pass_time(all);
	else if (place < 920)
		branch_net_late(all);
	else if (place < 945)
		split_or_heal(all, branch);
	else if (place < 975)
		branch_office(all);
	else if (place < 980)
		branch_keep(branch);
	else if (place < 987)
		branch_restart(branch);
	else if (place < 990)
		branch_broker_restart(all);
	else if (place < 991)
		set_clock(all, branch);
	else if (all->has_fork && place < 997)
		branch_fork(all);
	else if (place >= 997)
		branch_fill(branch, true);
	if (branch_draw(all, 200) == 0 && !branch_is_dead(branch))
		branch_rotate(branch);
	if (branch_chance(all, 2))
		branch_master_key(all);
	if (branch_draw(all, 250) == 0)
		branch_trust(all);
	if (all->has_theft && branch_draw(all, 500) == 0)
		branch_revoke(branch);
	if (branch->is_full && branch_chance(all, 8))
		branch_fill(branch, false);
	if (branch_is_dead(branch))
		branch_restart(branch);
	branch_follow_log(all);
}

/* ---- a run ---- */

static void begin(struct branches *all)
{
	char name[16];

	seeded_start(all->run.seed);
	store_memory_reset(all->run.seed);
	all->run.random.state = all->run.seed * 2 + 1;
	arena_init(&all->arena, (size_t)64 * 1024 * 1024);
	branch_model_begin(all);
	all->run.now_ms = &all->formula->now_ms;
	for (uint32_t i = 0; i < BRANCHES; i++) {
		struct party *party = franchise_store(all->formula, 10 + i, NULL);
		model_add_store(all->model, party->store, party->key.public.name);
		snprintf(name, sizeof name, "shop-%u", i);
		branch_new(all, &all->shops[i], party, name);
	}
	branch_register_members(all, MEMBERS);
	all->has_fork = branch_chance(all, 20);
	all->has_theft = branch_chance(all, 12);
}

static bool is_drained(struct branch *branch)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct purge_certificate *certificates;
	uint64_t waiting, refused;
	bool has_erased;
	size_t count;

	arena_init(&arena, REQUEST_ARENA_MAX);
	branch_must(branch->all, erased_is_pending(branch->shop.store, &has_erased), "erased");
	outbox_counts(branch->shop.outbox, &waiting, &refused);
	branch_must(branch->all, shop_certificates(&branch->shop, &arena, &certificates, &count), "certificates");
	branch_trace(branch->all, "%s: %llu wait, %llu set aside, %llu records, %zu certificates", branch->folder,
		     (unsigned long long)waiting, (unsigned long long)refused,
		     (unsigned long long)journal_waiting(branch->shop.journal), count);
	return waiting == 0 && journal_waiting(branch->shop.journal) == 0 && count == 0 && !has_erased;
}

/* A store whose key was revoked gets nothing and delivers nothing: its copy goes when its lease ends. */
static bool sit_out(struct branch *branch)
{
	struct fault fault = {""};

	keeper_step(branch->keeper, &fault);
	courier_step(branch->courier, &fault);
	return true;
}

/* False: something was still to be done. */
static bool drain_once(struct branch *branch)
{
	struct fault fault = {""};

	if (branch->is_unsure) {
		branch_rotate(branch);
		return false;
	}
	if (branch->is_revoked)
		return sit_out(branch);
	enum keeper_result kept = keeper_step(branch->keeper, &fault);
	enum courier_result carried = courier_step(branch->courier, &fault);

	branch_trace(branch->all, "%s: drains: %d %d %s", branch->folder, (int)kept, (int)carried, fault.text);
	bool is_at_rest = kept == KEEPER_CURRENT || (kept == KEEPER_REFUSED && branch->is_terminated);
	return is_at_rest && carried == COURIER_IDLE && is_drained(branch);
}

static void settle(struct branches *all)
{
	all->is_calm = true;
	for (size_t i = 0; i < BRANCHES; i++) {
		struct branch *branch = &all->shops[i];
		branch_fill(branch, false);
		branch_restart(branch);
		store_memory_set_rerun(branch->shop.store, 0);
		branch->is_split = false;
		if (branch->is_suspended)
			franchise_must(all->formula, &all->formula->office,
				       action_standing(all->formula, branch->party->store, 2));
		branch->is_suspended = false;
	}
	for (size_t i = 0; i < BRANCHES; i++)
		all->formula->now_ms += all->shops[i].is_revoked ? LEASE_MS : 0;
	for (unsigned round = 0; round < ROUNDS_MAX; round++) {
		unsigned quiet = 0;
		for (size_t i = 0; i < BRANCHES; i++)
			quiet += drain_once(&all->shops[i]);
		branch_follow_log(all);
		if (quiet == BRANCHES)
			return;
		/* then some wait for the hours of a grant */
		all->formula->now_ms += round < ROUNDS_MAX / 2 ? 2000 : 600000;
	}
	branch_fail(all, "I8", "the shops never come to rest");
}

static void report(const struct branches *all)
{
	static const char *const names[] = {"shown",	 "from the broker", "items",   "shop crashes", "broker crashes",
					    "splits",	 "purges",	    "refused", "records",      "conflicts",
					    "findings",	 "cosigned",	    "forks",   "full disks",   "epochs",
					    "rotations", "erasures"};

	printf("seed %llu: %llu entries", (unsigned long long)all->run.seed, (unsigned long long)all->size);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		printf(", %llu %s", (unsigned long long)all->counts[i], names[i]);
	printf("\n");
}

static void end(struct branches *all, struct hash *ret_root)
{
	settle(all);
	branch_check_end(all, ret_root);
	if (all->run.is_verbose)
		report(all);
	for (size_t i = 0; i < BRANCHES; i++)
		branch_free(&all->shops[i]);
	branch_net_free(all);
	branch_fork_free(all);
	free(all->members.items);
	branch_model_end(all);
	franchise_free(&all->formula);
	ring_fini(&all->ring);
	arena_fini(&all->arena);
	store_memory_reset(0);
}

void branches_run(const struct seeds_run *run, struct hash *ret_root)
{
	struct branches *all = run_take(sizeof *all);

	all->run = (struct run){.seed = run->seed, .is_verbose = run->is_verbose};
	begin(all);
	for (all->run.step = 1; all->run.step <= run->steps; all->run.step++)
		one_event(all);
	end(all, ret_root);
	free(all);
}
