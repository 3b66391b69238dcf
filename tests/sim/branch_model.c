/*
 * The franchise's history as the model knows it: what each message said beside the signed bytes, which papers are in
 * force, and so what each shop must hold (I11).
 */
#include <string.h>

#include "branch.h"
#include "kluis/hash.h"

/* ---- what is said ---- */

static struct branches *listening; /* the run whose broker is asked; there is one at a time */

static bool is_told(const struct model *model, const uint8_t commitment[static HASH_SIZE])
{
	for (size_t i = 0; i < model->truths.count; i++)
		if (memcmp(model->truths.items[i].commitment, commitment, HASH_SIZE) == 0)
			return true;
	return false;
}

static void hear(struct model *model, struct slice message)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	uint8_t commitment[HASH_SIZE];
	Kluis__Envelope *envelope;

	arena_init(&arena, 2 * REQUEST_ARENA_MAX);
	if (WIRE_DECODE(Envelope, envelope, message, &arena, &envelope) != ERR_OK || envelope->personal == NULL)
		return;
	for (size_t i = 0; i < envelope->personal->n_parts; i++) {
		const Kluis__Part *part = envelope->personal->parts[i];
		commitment_make(part->salt.data, wire_slice(part->content), commitment);
		if (!is_told(model, commitment))
			model_tell(model, SLICE_ARRAY(commitment), wire_slice(part->content));
	}
}

/* Whoever asks the broker, a shop or head office, is overheard. */
enum err __real_core_prepare(struct core *core, struct slice message, uint64_t now_ms, struct prepared **ret_prepared);
enum err __wrap_core_prepare(struct core *core, struct slice message, uint64_t now_ms, struct prepared **ret_prepared);
enum err __wrap_core_prepare(struct core *core, struct slice message, uint64_t now_ms, struct prepared **ret_prepared)
{
	if (listening != NULL && listening->model != NULL)
		hear(listening->model, message);
	return __real_core_prepare(core, message, now_ms, ret_prepared);
}

/* ---- papers ---- */

void branch_model_begin(struct branches *all)
{
	const struct charter_spec *charter = spec_charter(&all->run.random, 1, false, &all->arena);

	listening = all;
	all->formula = franchise_new(charter->text);
	ring_take(&all->ring, all->formula);
	all->epoch = 1;
	all->model = model_new(&all->run, &all->formula->log.public, &all->formula->office.key.public);
	all->model->charter = charter;
	*LIST_ADD(&all->model->charters) = charter;
}

void branch_model_end(struct branches *all)
{
	listening = NULL;
	model_free(&all->model);
}

void branch_agree(struct branch *branch, const uint8_t *supersedes, bool is_open)
{
	struct branches *all = branch->all;
	const struct agreement_spec *spec = spec_lasting(&all->run.random, branch->party->store, all->model->charter,
							 supersedes, is_open, &all->arena);

	*LIST_ADD(&all->model->agreements) = spec;
	franchise_agree(all->formula, branch->party, spec->text);
}

/* ---- I11 ---- */

/* A key that a crash left before anything was sealed under it opens nothing. */
static void check_nothing(struct branch *branch, unsigned purpose)
{
	struct key_memory memory = key_shelf_memory(&branch->shelf);
	uint8_t key[KEY_SIZE];
	uint64_t count;

	branch_must(branch->all, replica_count(&branch->shop.replica, spec_purposes[purpose], &count), "count");
	bool has_key = memory.load(memory.context, spec_purposes[purpose], key) == ERR_OK &&
		       memcmp(key, branch->used_keys[purpose], KEY_SIZE) == 0;
	if (count > 0 || has_key)
		branch_fail(branch->all, "I11", "%s: has %llu members for %s, which nothing grants it; key: %d",
			    branch->folder, (unsigned long long)count, spec_purposes[purpose], has_key);
}

void branch_check_copies(struct branch *branch)
{
	const struct model *model = branch->all->model;

	for (unsigned purpose = 0; purpose < SPEC_PURPOSES; purpose++) {
		struct model_view view = {.store = model_place(model, branch->party->store),
					  .purpose = purpose,
					  .now_ms = branch_true_ms(branch)};
		if (!branch->is_revoked && model_holds(model, &view, NULL) >= 0)
			model_compare(model, &view, &branch->shop.replica);
		else
			check_nothing(branch, purpose);
	}
}
