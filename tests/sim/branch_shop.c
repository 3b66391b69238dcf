/*
 * One shop's machine: its disk (the store in memory, lanes, papers and keys beside it), its clock, and the agent's
 * parts on them, put together as the daemon does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "branch.h"
#include "kluis/log.h"
#include "run/cosigner.h"
#include "run/daemon_shop.h"
#include "sealed_row.h"
#include "staff.h"

/* A PIN takes 64 MiB and a tenth of a second; what it protects has tests of its own. */
enum err __wrap_staff_check_pin(const struct replica *replica, const char *handle, struct slice pin, uint64_t now_ms,
				struct replica_employee *ret_employee, uint64_t *ret_wait_ms);
enum err __wrap_staff_check_pin(const struct replica *replica, const char *handle, struct slice pin, uint64_t now_ms,
				struct replica_employee *ret_employee, uint64_t *ret_wait_ms)
{
	(void)pin, (void)now_ms, (void)ret_wait_ms;
	return replica_get_employee(replica, handle, ret_employee) == ERR_OK ? ERR_OK : ERR_FORBIDDEN;
}

/* What daemons say of themselves is nothing to a run. */
void __wrap_log_event(struct log_topic *topic, const char *format, ...) PRINTF_LIKE(2, 3);
void __wrap_log_event(struct log_topic *topic, const char *format, ...)
{
	(void)topic, (void)format;
}

/* ---- the clock ---- */

uint64_t branch_true_ms(const struct branch *branch)
{
	return branch->all->formula->now_ms;
}

static struct moment read_clock(void *context)
{
	const struct branch *branch = context;
	uint64_t now_ms = branch_true_ms(branch);

	return (struct moment){.wall_ms = (uint64_t)((int64_t)now_ms + branch->skew_ms),
			       .steady_ms = now_ms - branch->boot_ms};
}

/* ---- the disk beside the store ---- */

bool branch_is_dead(const struct branch *branch)
{
	return branch->is_dead || store_memory_is_crashed(branch->shop.store);
}

static void die(struct branch *branch)
{
	branch->is_dead = true;
	branch->dies_in = 0;
	store_memory_crash_now(branch->shop.store);
}

enum branch_fate branch_fate(struct branch *branch)
{
	if (branch_is_dead(branch))
		return FATE_LOST;
	if (branch->dies_in == 0 || --branch->dies_in > 0)
		return FATE_WRITTEN;
	die(branch);
	return branch_chance(branch->all, 50) ? FATE_LOST : FATE_UNHEARD;
}

enum err branch_write(struct branch *branch, struct branch_file *file, struct slice content)
{
	enum branch_fate fate = branch_fate(branch);

	if (branch->is_full)
		return ERR_DISK_FULL;
	if (fate == FATE_LOST)
		return ERR_IO;
	bytes_clear(&file->bytes);
	TRY(bytes_append(&file->bytes, content));
	file->is_there = true;
	return fate == FATE_WRITTEN ? ERR_OK : ERR_IO;
}

static enum err load_lane(void *context, uint32_t lane, struct bytes *ret_state)
{
	const struct branch *branch = context;
	const struct branch_file *file = &branch->lanes[lane];

	return file->is_there ? bytes_append(ret_state, bytes_slice(&file->bytes)) : ERR_NOT_FOUND;
}

static enum err save_lane(void *context, uint32_t lane, struct slice state)
{
	struct branch *branch = context;

	return branch_write(branch, &branch->lanes[lane], state);
}

static enum err keep_paper(void *context, const char *name, struct slice note)
{
	struct branch *branch = context;

	return branch_write(branch, strcmp(name, "charter.note") == 0 ? &branch->charter : &branch->agreement, note);
}

static enum err load_key(void *context, const char *purpose, uint8_t ret_key[static KEY_SIZE])
{
	struct branch *branch = context;
	struct key_memory memory = key_shelf_memory(&branch->shelf);

	return memory.load(memory.context, purpose, ret_key);
}

static enum err make_key(void *context, const char *purpose, uint8_t ret_key[static KEY_SIZE])
{
	struct branch *branch = context;
	struct key_memory memory = key_shelf_memory(&branch->shelf);
	enum branch_fate fate = branch_fate(branch);

	if (branch->is_full)
		return ERR_DISK_FULL;
	if (fate == FATE_LOST)
		return ERR_IO;
	TRY(memory.make(memory.context, purpose, ret_key));
	return fate == FATE_WRITTEN ? ERR_OK : ERR_IO;
}

static enum err destroy_key(void *context, const char *purpose)
{
	struct branch *branch = context;
	struct key_memory memory = key_shelf_memory(&branch->shelf);
	enum branch_fate fate = branch_fate(branch);

	if (fate == FATE_LOST)
		return ERR_IO;
	TRY(memory.destroy(memory.context, purpose));
	return fate == FATE_WRITTEN ? ERR_OK : ERR_IO;
}

void branch_plan_death(struct branch *branch)
{
	static const enum store_memory_when whens[] = {STORE_MEMORY_BEFORE, STORE_MEMORY_IN, STORE_MEMORY_AFTER};
	struct branches *all = branch->all;

	if (branch_chance(all, 35))
		branch->dies_in = 1 + (unsigned)branch_draw(all, 3);
	else
		store_memory_crash_later(branch->shop.store, (unsigned)branch_draw(all, 4), whens[branch_draw(all, 3)]);
}

/* ---- coming up ---- */

/* As daemon_shop.c does, which reads this machine's clock. */
static enum err load_time_and_state(struct branch *branch)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;
	struct shop *shop = &branch->shop;
	struct bytes kept CLEANUP(bytes_fini) = {0};

	bytes_init(&kept, TIMEKEEPER_SIZE);
	TRY(store_begin_read(shop->store, &txn));
	enum err err = sealed_row_get(txn, shop->replica.key, slice_text("time"), &kept);
	TRY(err == ERR_NOT_FOUND ? ERR_OK : err);
	TRY(timekeeper_load(bytes_slice(&kept), read_clock(branch), &shop->time));
	return shop_load_state(shop);
}

/* Signed by the key of now or one that was. */
static bool open_agreement(struct branch *branch, const struct charter *charter, struct agreement *agreement)
{
	const struct public_key *controller = &branch->all->formula->office.key.public;
	struct fault fault = {""};

	for (size_t i = 0; i < branch->signer_count; i++)
		if (agreement_open(bytes_slice(&branch->agreement.bytes), charter, controller, &branch->signers[i],
				   "agreement", &branch->shop.papers, agreement, &fault) == ERR_OK)
			return true;
	return false;
}

/* Without papers that belong together the keeper asks for them. */
static void load_papers(struct branch *branch)
{
	struct shop *shop = &branch->shop;
	struct charter *charter = arena_alloc(&shop->papers, sizeof *charter);
	struct agreement *agreement = arena_alloc(&shop->papers, sizeof *agreement);
	const struct public_key *controller = &branch->all->formula->office.key.public;
	struct fault fault = {""};

	if (!branch->charter.is_there || !branch->agreement.is_there ||
	    charter_open(bytes_slice(&branch->charter.bytes), controller, "charter", &shop->papers, charter, &fault) !=
		    ERR_OK ||
	    !open_agreement(branch, charter, agreement))
		return;
	shop->charter = charter;
	shop->agreement = agreement;
}

static void roster_changed(void *context)
{
	struct branch *branch = context;

	desk_roster_changed(branch->desk);
}

/* As the daemon's sluice does: nothing is signed while it is not known by which key. */
static enum err ask_line(void *context, const Kluis__Operation *operation, const Kluis__Part *part,
			 struct slice employee, struct arena *arena, const Kluis__Result **ret_result,
			 const Kluis__Part **ret_part, uint64_t *ret_index, struct fault *fault)
{
	struct branch *branch = context;
	struct desk_line line = line_of_desk(branch->line);

	if (branch->is_unsure)
		return ERR_TIMEOUT;
	return line.lookup(line.context, operation, part, employee, arena, ret_result, ret_part, ret_index, fault);
}

static void open_parts(struct branch *branch)
{
	struct branches *all = branch->all;
	struct shop *shop = &branch->shop;
	struct session_memory memory = {.context = branch, .load = load_lane, .save = save_lane};
	struct fault fault = {""};
	struct keeper_options options = {.shop = shop,
					 .exchange = branch_exchange(branch),
					 .memory = memory,
					 .controller = &all->formula->office.key.public,
					 .signers = branch->signers,
					 .signer_count = branch->signer_count,
					 .keep_paper = keep_paper,
					 .take_trust = branch_take_trust,
					 .roster_changed = roster_changed,
					 .context = branch};
	struct line_options line = {.shop = shop, .exchange = branch_exchange(branch), .memory = memory};

	branch_must(all, journal_open(shop->store, branch->seal_key, &shop->journal, &fault), fault.text);
	branch_must(all, outbox_open(shop->store, branch->seal_key, &shop->outbox, &fault), fault.text);
	branch_must(all, keeper_new(&options, &branch->keeper, &fault), fault.text);
	branch_must(all, courier_new(shop, branch_exchange(branch), memory, &branch->courier, &fault), fault.text);
	branch_must(all, line_new(&line, &branch->line, &fault), fault.text);
	branch_must(all, desk_new(shop, (struct desk_line){.context = branch, .lookup = ask_line}, &branch->desk),
		    "desk");
}

static void open_shop(struct branch *branch, bool create)
{
	struct branches *all = branch->all;
	struct shop *shop = &branch->shop;
	struct fault fault = {""};

	*shop = (struct shop){.clock = read_clock,
			      .clock_context = branch,
			      .key = &branch->party->key,
			      .number = branch->party->store};
	branch->is_dead = false;
	branch->dies_in = 0;
	branch_rotate_reopen(branch);
	branch_trust_reopen(branch);
	branch_must(all, store_open(branch->folder, &replica_layout, create, &shop->store, &fault), fault.text);
	store_memory_set_rerun(shop->store, branch_chance(all, 20) ? 3 : 0);
	shop->replica = (struct replica){
		.store = shop->store,
		.key = branch->seal_key,
		.keys = {.context = branch, .load = load_key, .make = make_key, .destroy = destroy_key}};
	arena_init(&shop->papers, 16 * PAPER_MAX);
	pthread_rwlock_init(&shop->lock, NULL);
	pthread_mutex_init(&shop->time_lock, NULL);
	load_papers(branch);
	branch_must(all, load_time_and_state(branch), "time and state");
	branch_must(all, cosigner_load_seen(shop), "seen");
	open_parts(branch);
	memset(branch->has_token, 0, sizeof branch->has_token);
}

static void close_shop(struct branch *branch)
{
	struct shop *shop = &branch->shop;

	desk_free(&branch->desk);
	courier_free(&branch->courier);
	keeper_free(&branch->keeper);
	line_free(&branch->line);
	outbox_close(&shop->outbox);
	journal_close(&shop->journal);
	arena_fini(&shop->papers);
	pthread_rwlock_destroy(&shop->lock);
	pthread_mutex_destroy(&shop->time_lock);
	store_close(&shop->store);
}

void branch_restart(struct branch *branch)
{
	branch_trace(branch->all, "%s: restarts", branch->folder);
	die(branch);
	close_shop(branch);
	branch->boot_ms = branch_true_ms(branch);
	open_shop(branch, false);
	branch_note_items(branch);
	branch_sweep(branch);
	branch->all->counts[BRANCH_CRASHES]++;
}

void branch_fill(struct branch *branch, bool is_full)
{
	branch_trace(branch->all, "%s: the disk is %s", branch->folder, is_full ? "full" : "not full");
	branch->is_full = is_full;
	branch->all->counts[BRANCH_FULL] += is_full;
	store_memory_set_full(branch->shop.store, is_full);
}

static bool is_no_room(const struct branch *branch, enum err err)
{
	return branch->is_full && err == ERR_DISK_FULL;
}

void branch_sweep(struct branch *branch)
{
	unsigned purged;
	enum err err = shop_sweep(&branch->shop, &purged);

	if (err != ERR_OK && !is_no_room(branch, err) && !branch_is_dead(branch))
		branch_fail(branch->all, "shop", "sweeping: %s", error_text(err));
}

void branch_keep(struct branch *branch)
{
	enum err err = daemon_shop_keep(&branch->shop);

	if (err != ERR_OK && !is_no_room(branch, err) && !branch_is_dead(branch))
		branch_fail(branch->all, "shop", "keeping: %s", error_text(err));
}

/* ---- making one ---- */

static void employ(struct branch *branch, size_t i)
{
	struct replica_employee employee = {.role = "cashier", .name = "K. de Vries"};

	franchise_employ(branch->all->formula, branch->party, "cashier");
	memcpy(branch->employees[i], branch->party->employee, PSEUDONYM_SIZE);
	memcpy(employee.pseudonym, branch->employees[i], PSEUDONYM_SIZE);
	snprintf(employee.handle, sizeof employee.handle, "till-%zu", i);
	branch_must(branch->all, replica_put_employee(&branch->shop.replica, &employee), "employee");
}

void branch_new(struct branches *all, struct branch *branch, struct party *party, const char *name)
{
	branch->all = all;
	branch->party = party;
	branch->boot_ms = all->formula->now_ms - 5000;
	for (size_t i = 0; i < BRANCH_LANES; i++)
		bytes_init(&branch->lanes[i].bytes, 2 * MESSAGE_MAX);
	bytes_init(&branch->charter.bytes, PAPER_MAX);
	bytes_init(&branch->agreement.bytes, PAPER_MAX);
	random_fill(&all->run.random, branch->seal_key, sizeof branch->seal_key);
	snprintf(branch->folder, sizeof branch->folder, "%s", name);
	open_shop(branch, true);
	branch_agree(branch, NULL, branch_chance(all, 40));
	for (size_t i = 0; i < BRANCH_STAFF; i++)
		employ(branch, i);
	branch_witness_new(branch);
}

void branch_free(struct branch *branch)
{
	close_shop(branch);
	branch_witness_free(branch);
	for (size_t i = 0; i < BRANCH_LANES; i++)
		bytes_fini(&branch->lanes[i].bytes);
	bytes_fini(&branch->charter.bytes);
	bytes_fini(&branch->agreement.bytes);
	free(branch->items.items);
	free(branch->shown.items);
	free(branch->may.items);
	free(branch->records.items);
	free(branch->done.items);
	free(branch->old_keys.items);
}
