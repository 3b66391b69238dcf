/*
 * Shops as witnesses, and a broker that now and then keeps another history for one of them (I3): a fork of its log,
 * with an entry that the log has not, whose checkpoints that shop is asked to cosign. All else is answered truly, as by
 * somebody who wants it to notice nothing.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "action.h"
#include "alarm.h"
#include "branch.h"
#include "kluis/checkpoint.h"
#include "run/cosigner.h"
#include "unlogged.h"

/* ---- the other history ---- */

static const char *folder_of(struct branches *all, const char *name)
{
	const char *folder = arena_printf(&all->formula->arena, "%s/%s", all->formula->folder, name);

	branch_must(all, folder == NULL ? ERR_MEMORY : ERR_OK, "folder");
	return folder;
}

static void open_fork(struct branches *all)
{
	struct fork *fork = &all->fork;
	struct fault fault = {""};

	branch_must(all, store_open(folder_of(all, "fork"), &core_layout, false, &fork->store, &fault), fault.text);
	branch_must(all, core_open(fork->store, &all->formula->keys, all->formula->now_ms, &fork->core, &fault),
		    fault.text);
}

/* What the log will never have: head office acts on the fork as if there were no other. */
static void write_fork(struct branches *all)
{
	struct franchise *formula = all->formula;
	struct core *core = formula->core;
	struct party office = formula->office;
	uint64_t next_ms;

	formula->core = all->fork.core;
	for (uint64_t count = 1 + branch_draw(all, 40); count > 0; count--) /* an entry also if it is refused */
		(void)franchise_one(formula, &formula->office,
				    action_restriction(formula, SLICE_ARRAY(all->members.items[count % 8].customer),
						       branch_chance(all, 50)));
	branch_must(all, core_checkpoint(formula->core), "checkpoint of the fork");
	branch_must(all, core_round(formula->core, formula->now_ms + 2 * WITNESS_INTERVAL_MS, &next_ms), "its round");
	formula->core = core;
	formula->office = office;
}

/* Then it shows that one, or the true one again. */
void branch_fork(struct branches *all)
{
	struct fork *fork = &all->fork;

	if (fork->core != NULL) {
		fork->is_shown = !fork->is_shown;
		branch_witness(fork->victim);
		return;
	}
	branch_broker_stop(all);
	if (!store_memory_copy(folder_of(all, "broker"), folder_of(all, "fork")))
		branch_fail(all, "sim", "the broker's disk cannot be copied");
	branch_broker_start(all);
	open_fork(all);
	write_fork(all);
	fork->size = core_size(fork->core);
	fork->victim = &all->shops[branch_draw(all, BRANCHES)];
	fork->key_id = fork->victim->party->key.public.id;
	fork->is_shown = true;
	branch_trace(all, "%s is shown another history", fork->victim->folder);
	branch_witness(fork->victim);
}

void branch_fork_free(struct branches *all)
{
	core_close(&all->fork.core);
	store_close(&all->fork.store);
}

struct core *branch_core_for(struct branch *branch, struct slice message)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct branches *all = branch->all;
	struct fork *fork = &all->fork;
	const Kluis__Request *request;
	Kluis__Envelope *envelope;
	struct principal principal;
	struct fault fault = {""};

	if (!fork->is_shown || fork->victim != branch || fork->key_id != branch->party->key.public.id)
		return all->formula->core;
	arena_init(&arena, 2 * REQUEST_ARENA_MAX);
	branch_must(all, WIRE_DECODE(Envelope, envelope, message, &arena, &envelope), "envelope");
	branch_must(all, request_decode(wire_slice(envelope->request), &arena, &request, &principal, &fault),
		    "request");
	Kluis__Operation__KindCase kind = request->operations[0]->kind_case;
	if (kind != KLUIS__OPERATION__KIND_GET_ROUND && kind != KLUIS__OPERATION__KIND_COSIGN)
		return all->formula->core;
	branch->is_lied_to = true;
	return fork->core;
}

/* ---- a shop ---- */

void branch_witness_new(struct branch *branch)
{
	struct branches *all = branch->all;

	branch->witness = witness_key(branch->party);
	franchise_must(all->formula, branch->party, action_witness(all->formula, branch->party, &branch->witness));
	for (size_t i = 0; i < BRANCH_EVIDENCE; i++)
		bytes_init(&branch->evidence[i].bytes, PAPER_MAX);
}

void branch_witness_free(struct branch *branch)
{
	for (size_t i = 0; i < BRANCH_EVIDENCE; i++)
		bytes_fini(&branch->evidence[i].bytes);
	secret_key_fini(&branch->witness);
}

/* The last pair is kept; any would do. */
static enum err keep_evidence(void *context, const char *name, struct slice older, struct slice newer)
{
	struct branch *branch = context;

	branch_trace(branch->all, "%s: keeps evidence %s", branch->folder, name);
	TRY(branch_write(branch, &branch->evidence[0], older));
	return branch_write(branch, &branch->evidence[1], newer);
}

/* It takes something else for the log. */
static bool is_misled(const struct branch *branch)
{
	const struct model *model = branch->all->model;
	const struct shop *shop = &branch->shop;

	return shop->seen_size > 0 &&
	       (shop->seen_size > model->roots.count ||
		memcmp(&model->roots.items[shop->seen_size - 1], &shop->seen_root, sizeof shop->seen_root) != 0);
}

static void check_seen(const struct branch *branch)
{
	const struct shop *shop = &branch->shop;

	if (!branch->is_lied_to && is_misled(branch))
		branch_fail(branch->all, "I3", "%s cosigned %" PRIu64 " entries that the log does not have",
			    branch->folder, shop->seen_size);
}

void branch_witness(struct branch *branch)
{
	struct branches *all = branch->all;
	struct fault fault = {""};
	struct cosigner_options options = {.shop = &branch->shop,
					   .exchange = branch_exchange(branch),
					   .witness = &branch->witness,
					   .logs = branch->logs,
					   .log_count = branch->log_count,
					   .keep_evidence = keep_evidence,
					   .context = branch};
	enum err err = cosigner_step(&options, &fault);

	branch_trace(all, "%s: cosigns: %s %s", branch->folder, error_text(err), fault.text);
	bool is_right = err == ERR_OK || err == ERR_NETWORK || err == ERR_TIMEOUT || err == ERR_DISK_FULL ||
			(err == ERR_INCONSISTENT && branch->is_lied_to) ||
			(err == ERR_PRINCIPAL && branch->is_revoked) ||
			(err == ERR_SIGNATURE && (!all->is_calm || branch->is_revoked) && all->trust != NULL);
	if (!is_right && !branch_is_dead(branch))
		branch_fail(all, "I3", "%s does not cosign: %s %s", branch->folder, error_text(err), fault.text);
	branch_follow_log(all);
	check_seen(branch);
	branch->has_caught |= err == ERR_INCONSISTENT && !branch_is_dead(branch) && !branch->is_full;
	if (!branch_is_dead(branch)) /* head office hears of two histories by an incident */
		branch_note_items(branch);
	all->counts[BRANCH_COSIGNED] += err == ERR_OK;
}

/* ---- at the end ---- */

static enum err look_at_alarm(void *context, const struct alarm *alarm)
{
	struct branch *branch = context;
	bool is_witness = alarm->kind == ALARM_INCONSISTENT || alarm->kind == ALARM_OLDER;

	branch->is_alarmed |= is_witness;
	bool is_right = (is_witness && branch->is_lied_to) || (alarm->kind == ALARM_CLOCK && branch->wrong_ms > 0) ||
			alarm->kind == ALARM_DISK;
	if (!is_right)
		branch_fail(branch->all, "I3", "%s: alarm: %s", branch->folder, alarm->text);
	return ERR_OK;
}

/* Both are the log's own, and one of the two trees is not the other's beginning. */
static void check_evidence(const struct branch *branch)
{
	const struct branches *all = branch->all;
	struct checkpoint checkpoints[BRANCH_EVIDENCE];
	struct fault fault = {""};
	size_t strange = 0;

	for (size_t i = 0; i < BRANCH_EVIDENCE; i++) {
		if (!branch->evidence[i].is_there ||
		    model_open(all->model, bytes_slice(&branch->evidence[i].bytes), &checkpoints[i], &fault) != ERR_OK)
			branch_fail(all, "I3", "%s: the evidence is nothing that the log signed", branch->folder);
		uint64_t size = checkpoints[i].size;
		strange +=
			size > all->model->roots.count || memcmp(&all->model->roots.items[size - 1],
								 &checkpoints[i].root, sizeof checkpoints[i].root) != 0;
	}
	if (strange != 1)
		branch_fail(all, "I3", "%s: %zu of the two notes kept as evidence are not the log's", branch->folder,
			    strange);
}

static void check_witness(struct branch *branch)
{
	struct branches *all = branch->all;
	bool is_caught = branch->has_caught || (is_misled(branch) && !branch->is_revoked);

	branch_witness(branch);
	if (!branch_trusts(branch) && !branch->is_revoked && !branch->is_terminated)
		branch_fail(all, "R141", "%s does not believe the log's key of now", branch->folder);
	branch_must(all, alarm_each(branch->shop.store, look_at_alarm, branch), "alarms");
	if (is_caught && !branch->is_alarmed)
		branch_fail(all, "I3", "%s was shown two histories and raised no alarm", branch->folder);
	if (!branch->is_alarmed)
		return;
	check_evidence(branch);
	all->counts[BRANCH_FORKS]++;
}

/* ---- what all of them cosigned ---- */

static bool has_cosigned(const struct branch *branch, const struct note *note)
{
	const struct public_key *witness = &branch->witness.public;
	struct public_key key;
	uint64_t time_s;

	branch_must(branch->all, public_key_init(&key, slice_text(witness->name), KEY_TYPE_COSIGNATURE, witness->key),
		    "witness");
	return note_verify_cosignature(note, &key, &time_s) == ERR_OK;
}

/* The round that was is over, the next one begins if there is more. */
static void next_round(struct branches *all)
{
	uint64_t next_ms;

	all->formula->now_ms += 2 * WITNESS_INTERVAL_MS;
	branch_must(all, core_checkpoint(all->formula->core), "checkpoint");
	branch_must(all, core_round(all->formula->core, all->formula->now_ms, &next_ms), "round");
	branch_follow_log(all);
}

/* All were revoked or shown something else: no round ever ended with a cosignature. */
static bool is_nobody_left(const struct branches *all)
{
	for (size_t i = 0; i < BRANCHES; i++)
		if (!all->shops[i].is_revoked && !is_misled(&all->shops[i]))
			return false;
	return true;
}

/* The round's note is the log's, with the line of each shop that cosigned it, and nobody else's. */
static void check_cosigned(struct branches *all)
{
	struct note *note = arena_alloc(&all->arena, sizeof *note); /* too large for a frame */
	struct checkpoint checkpoint;
	struct fault fault = {""};
	size_t lines = 0;

	struct answer answer = franchise_one(all->formula, &all->formula->office, action_get_cosigned(all->formula));
	if (answer.code == ERR_NOT_FOUND && is_nobody_left(all))
		return;
	branch_must(all, answer.code, "what was cosigned");
	struct slice bytes = answer_item(&answer, 0, 0);
	branch_must(all, note == NULL ? ERR_MEMORY : note_parse(bytes, &all->arena, note, &fault), fault.text);
	model_checkpoint(all->model, bytes);
	branch_must(all, model_open(all->model, bytes, &checkpoint, &fault), fault.text);
	for (size_t i = 0; i < BRANCHES; i++) {
		const struct branch *branch = &all->shops[i];
		bool has_line = has_cosigned(branch, note);
		lines += has_line;
		if (!has_line && !is_misled(branch) && branch->shop.seen_size == checkpoint.size)
			branch_fail(all, "I3", "%s cosigned %" PRIu64 " entries, which the note does not say",
				    branch->folder, checkpoint.size);
	}
	/* the log's own are by the keys that it had when the round began */
	for (size_t i = 0; i < note->signature_count; i++)
		lines += slice_equal(note->signatures[i].name, slice_text(all->formula->log.public.name));
	if (note->signature_count != lines)
		branch_fail(all, "I3", "%zu lines that nobody signed", note->signature_count - lines);
}

/* The truth is shown to all, if it ever was not: whoever cosigned something else sees that the two do not go together.
 */
void branch_check_witnesses(struct branches *all)
{
	struct fork *fork = &all->fork;

	fork->is_shown = false;
	do
		branch_register_members(all, 1);
	while (core_size(all->formula->core) <= fork->size);
	next_round(all);
	for (size_t i = 0; i < BRANCHES; i++)
		check_witness(&all->shops[i]);
	next_round(all);
	check_cosigned(all);
}
