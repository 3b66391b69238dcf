#include "core/papers.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Memory for one parsed paper: the struct and the texts that it points to. */
#define PAPER_ARENA_MAX (4 * PAPER_MAX)

struct kept {
	uint8_t hash[HASH_SIZE];
	bool is_charter;
	struct arena arena;
	union {
		struct charter charter;
		struct agreement agreement;
	};
	struct kept *next;
};

struct papers {
	const struct public_key *controller;
	pthread_mutex_t mutex;
	struct kept *buckets[PAPERS_KEPT_MAX];
	size_t count;
};

enum err papers_new(const struct public_key *controller, struct papers **ret_papers)
{
	struct papers *papers = calloc(1, sizeof *papers);

	if (papers == NULL)
		return ERR_MEMORY;
	papers->controller = controller;
	pthread_mutex_init(&papers->mutex, NULL);
	*ret_papers = papers;
	return ERR_OK;
}

static void kept_free(struct kept *kept)
{
	arena_fini(&kept->arena);
	free(kept);
}

void papers_free(struct papers **papers)
{
	if (*papers == NULL)
		return;
	for (size_t i = 0; i < PAPERS_KEPT_MAX; i++)
		while ((*papers)->buckets[i] != NULL) {
			struct kept *kept = (*papers)->buckets[i];
			(*papers)->buckets[i] = kept->next;
			kept_free(kept);
		}
	pthread_mutex_destroy(&(*papers)->mutex);
	free(*papers);
	*papers = NULL;
}

static struct kept **bucket_of(struct papers *papers, struct slice hash)
{
	return &papers->buckets[get_u32(hash.data) % PAPERS_KEPT_MAX];
}

static struct kept *find(struct papers *papers, struct slice hash)
{
	pthread_mutex_lock(&papers->mutex);
	struct kept *kept = *bucket_of(papers, hash);
	while (kept != NULL && !slice_equal(SLICE_ARRAY(kept->hash), hash))
		kept = kept->next;
	pthread_mutex_unlock(&papers->mutex);
	return kept;
}

/* Two threads may have opened the same paper: one of the two stays, the other is used once and left in the list. */
static bool keep(struct papers *papers, struct kept *kept)
{
	struct kept **bucket = bucket_of(papers, SLICE_ARRAY(kept->hash));

	pthread_mutex_lock(&papers->mutex);
	bool has_room = papers->count < PAPERS_KEPT_MAX;
	if (has_room) {
		kept->next = *bucket;
		*bucket = kept;
		papers->count++;
	}
	pthread_mutex_unlock(&papers->mutex);
	return has_room;
}

/* The note under a hash, through the view: a paper put by this very request counts. */
static enum err read_note(struct context *context, struct slice hash, struct arena *arena, struct slice *ret_note)
{
	struct slice stored;

	TRY(view_get(context->view, TABLE_PAPER, hash, &stored));
	uint8_t *copy = arena_copy(arena, stored);
	if (copy == NULL)
		return ERR_MEMORY;
	*ret_note = SLICE(copy, stored.length);
	return ERR_OK;
}

static enum err open_charter(struct context *context, struct slice hash, struct arena *arena,
			     struct charter *ret_charter)
{
	struct slice note;
	struct fault fault = {""};

	TRY(read_note(context, hash, arena, &note));
	enum err err = charter_open(note, context->papers->controller, "charter", arena, ret_charter, &fault);
	return err == ERR_OK || err == ERR_MEMORY ? err : ERR_CORRUPT;
}

static enum err open_agreement(struct context *context, const Rows__Paper *paper, const struct charter *charter,
			       struct arena *arena, struct agreement *ret_agreement)
{
	struct slice note_bytes;
	struct note note;
	struct fault fault = {""};

	TRY(read_note(context, wire_slice(paper->hash), arena, &note_bytes));
	enum err err = note_parse(note_bytes, arena, &note, &fault);
	if (err == ERR_OK)
		err = agreement_parse(note.text, "agreement", charter, arena, ret_agreement, &fault);
	return err == ERR_OK || err == ERR_MEMORY ? err : ERR_CORRUPT;
}

static enum err kept_new(struct slice hash, bool is_charter, struct kept **ret_kept)
{
	struct kept *kept = calloc(1, sizeof *kept);

	if (kept == NULL)
		return ERR_MEMORY;
	memcpy(kept->hash, hash.data, HASH_SIZE);
	kept->is_charter = is_charter;
	arena_init(&kept->arena, PAPER_ARENA_MAX);
	*ret_kept = kept;
	return ERR_OK;
}

enum err papers_charter(struct context *context, struct slice hash, const struct charter **ret_charter)
{
	struct kept *kept = find(context->papers, hash);

	if (kept == NULL) {
		TRY(kept_new(hash, true, &kept));
		enum err err = open_charter(context, hash, &kept->arena, &kept->charter);
		if (err != ERR_OK || !keep(context->papers, kept)) {
			kept_free(kept);
			return err != ERR_OK ? err : ERR_TOO_LARGE;
		}
	}
	if (!kept->is_charter)
		return ERR_CORRUPT;
	*ret_charter = &kept->charter;
	return ERR_OK;
}

/* The room for papers is taken: this one lives as long as the request. */
static enum err open_for_request(struct context *context, const Rows__Paper *paper, const struct charter *charter,
				 const struct agreement **ret_agreement)
{
	struct agreement *agreement = arena_alloc(context->arena, sizeof *agreement);

	if (agreement == NULL)
		return ERR_MEMORY;
	TRY(open_agreement(context, paper, charter, context->arena, agreement));
	*ret_agreement = agreement;
	return ERR_OK;
}

enum err papers_agreement(struct context *context, const Rows__Paper *paper, const struct agreement **ret_agreement,
			  const struct charter **ret_charter)
{
	const struct charter *charter;
	struct kept *kept = find(context->papers, wire_slice(paper->hash));

	TRY(papers_charter(context, wire_slice(paper->charter), &charter));
	if (kept == NULL) {
		TRY(kept_new(wire_slice(paper->hash), false, &kept));
		enum err err = open_agreement(context, paper, charter, &kept->arena, &kept->agreement);
		if (err != ERR_OK) {
			kept_free(kept);
			return err;
		}
		if (!keep(context->papers, kept)) {
			kept_free(kept);
			*ret_charter = charter;
			return open_for_request(context, paper, charter, ret_agreement);
		}
	}
	if (kept->is_charter)
		return ERR_CORRUPT;
	*ret_agreement = &kept->agreement;
	*ret_charter = charter;
	return ERR_OK;
}
