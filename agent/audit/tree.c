#include "tree.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "builder.h"
#include "kluis/table.h"

#define BATCH 32 /* bundles that two threads read and hash before the tree takes them */
#define THREADS 2
#define DIFFERENCES_MAX 16

/* One bundle read and hashed. */
struct hashed {
	struct hash leaves[TILE_WIDTH];
	struct hash root; /* of a full one */
	unsigned width;
	enum err err;
	struct fault fault;
};

/* A stored tile that is not what the entries give. */
struct difference {
	struct tile tile;
	unsigned place;
};

struct check {
	const struct mirror *mirror;
	struct findings *findings;
	struct builder *builder;
	struct hashed *batch; /* BATCH of them */
	struct bytes buffers[THREADS];
	struct bytes stored; /* a tile's file */
	uint64_t first;	     /* bundle of the batch */
	unsigned count;	     /* bundles in the batch */
	struct difference differences[DIFFERENCES_MAX];
	unsigned difference_count;
	struct tree_waypoint *waypoint;
};

/* ---- reading and hashing bundles, in parallel ---- */

static void hash_bundle(const struct check *check, unsigned place, struct bytes *buffer)
{
	struct hashed *hashed = &check->batch[place];
	struct reader reader;
	struct slice entry;

	hashed->width = 0;
	hashed->fault = (struct fault){""};
	hashed->err = mirror_read_bundle(check->mirror, check->first + place, buffer, &hashed->fault);
	if (hashed->err != ERR_OK)
		return;
	reader = reader_of(bytes_slice(buffer));
	while (bundle_next(&reader, &entry))
		merkle_leaf(entry, &hashed->leaves[hashed->width++]);
	if (hashed->width == TILE_WIDTH)
		tile_root(hashed->leaves, TILE_WIDTH, &hashed->root);
}

struct share {
	struct check *check;
	unsigned number;
};

static void *hash_share(void *argument)
{
	const struct share *share = argument;

	for (unsigned i = share->number; i < share->check->count; i += THREADS)
		hash_bundle(share->check, i, &share->check->buffers[share->number]);
	return NULL;
}

/* A thread that cannot be had costs time only. */
static void hash_batch(struct check *check)
{
	struct share shares[THREADS];
	pthread_t threads[THREADS];
	bool is_running[THREADS] = {false};

	for (unsigned i = 0; i < THREADS; i++) {
		shares[i] = (struct share){.check = check, .number = i};
		is_running[i] =
			i > 0 && check->count > 1 && pthread_create(&threads[i], NULL, hash_share, &shares[i]) == 0;
	}
	for (unsigned i = 0; i < THREADS; i++) {
		if (is_running[i])
			pthread_join(threads[i], NULL);
		else
			hash_share(&shares[i]);
	}
}

/* ---- comparing tiles ---- */

static void note_difference(struct check *check, const struct tile *tile, const struct hash *hashes)
{
	unsigned place = 0;

	while (slice_equal(SLICE(hashes[place].bytes, HASH_SIZE),
			   slice_part(bytes_slice(&check->stored), place * HASH_SIZE, HASH_SIZE)))
		place++;
	if (check->difference_count < DIFFERENCES_MAX)
		check->differences[check->difference_count++] = (struct difference){.tile = *tile, .place = place};
}

/* Compares the tile that the entries give with the stored one. */
static enum err compare_tile(void *context, const struct tile *tile, const struct hash *hashes, struct fault *fault)
{
	struct check *check = context;
	char path[TILE_PATH_MAX];
	struct fault cause = {""};
	enum err err;

	(void)fault;
	tile_path(tile, path);
	err = mirror_read(check->mirror, path, &check->stored, &cause);
	if (err == ERR_MEMORY)
		return err;
	if (err != ERR_OK)
		finding_add(check->findings, path, "%s", cause.text);
	else if (check->stored.length != (size_t)tile->width * HASH_SIZE)
		finding_add(check->findings, path, "has %zu bytes instead of %u", check->stored.length,
			    tile->width * HASH_SIZE);
	else if (!slice_equal(bytes_slice(&check->stored), SLICE(hashes, (size_t)tile->width * HASH_SIZE)))
		note_difference(check, tile, hashes);
	return ERR_OK;
}

/* ---- the walk ---- */

/* A full bundle that the waypoint does not lie in goes in whole. */
static enum err add_leaves(struct check *check, const struct hashed *hashed, struct fault *fault)
{
	struct tree_waypoint *waypoint = check->waypoint;
	uint64_t before = check->builder->size;
	bool is_passed = before < waypoint->size && waypoint->size <= before + hashed->width;

	if (hashed->width == TILE_WIDTH && !is_passed)
		return builder_add_tile(check->builder, hashed->leaves, &hashed->root, fault);
	for (unsigned i = 0; i < hashed->width; i++) {
		TRY(builder_add(check->builder, &hashed->leaves[i], fault));
		if (check->builder->size == waypoint->size)
			builder_root(check->builder, &waypoint->root);
	}
	return ERR_OK;
}

/* A bundle that cannot be read ends the tree: what comes after it has no place. */
static enum err add_batch(struct check *check, bool *ret_is_readable, struct fault *fault)
{
	struct tile bundle;
	char path[TILE_PATH_MAX];

	for (unsigned i = 0; i < check->count; i++) {
		const struct hashed *hashed = &check->batch[i];

		if (hashed->err == ERR_MEMORY)
			return ERR_MEMORY;
		if (hashed->err != ERR_OK) {
			bundle = mirror_bundle(check->mirror->checkpoint.size, check->first + i);
			tile_path(&bundle, path);
			finding_add(check->findings, path, "%s", hashed->fault.text);
			*ret_is_readable = false;
			return ERR_OK;
		}
		TRY(add_leaves(check, hashed, fault));
	}
	return ERR_OK;
}

static enum err walk(struct check *check, struct progress *progress, bool *ret_is_readable, struct fault *fault)
{
	uint64_t bundles = mirror_bundle_count(check->mirror->checkpoint.size);

	*ret_is_readable = true;
	for (check->first = 0; check->first < bundles && *ret_is_readable; check->first += BATCH) {
		uint64_t left = bundles - check->first;

		check->count = left < BATCH ? (unsigned)left : BATCH;
		hash_batch(check);
		TRY(add_batch(check, ret_is_readable, fault));
		if (progress != NULL)
			progress_show(progress, (check->first + check->count) * TILE_WIDTH);
	}
	return *ret_is_readable ? builder_finish(check->builder, fault) : ERR_OK;
}

/* ---- who is to blame ---- */

/* The entries give the signed root, so it is the tile that was altered. */
static void blame_tiles(struct check *check)
{
	for (unsigned i = 0; i < check->difference_count; i++) {
		const struct difference *difference = &check->differences[i];
		uint64_t first = difference->tile.index * TILE_WIDTH + difference->place;
		char path[TILE_PATH_MAX];

		tile_path(&difference->tile, path);
		finding_add(check->findings, path,
			    "altered: its hash %u is not that of the entries from %" PRIu64
			    " on, which give the signed root",
			    difference->place, first << 8 * difference->tile.level);
	}
}

/* The entries do not give the signed root: the lowest tile that differs says which. */
static void blame_entries(struct check *check)
{
	bool is_found = false;

	for (unsigned i = 0; i < check->difference_count; i++) {
		const struct difference *difference = &check->differences[i];

		if (difference->tile.level != 0)
			continue;
		finding_add_entry(check->findings, difference->tile.index * TILE_WIDTH + difference->place,
				  "altered: its hash is not the one in the tree's tile, and the root is not the signed "
				  "one");
		is_found = true;
	}
	if (!is_found)
		finding_add(check->findings, "checkpoint",
			    "its root is not that of the %" PRIu64 " entries and tiles: it signs another tree",
			    check->mirror->checkpoint.size);
}

static void judge(struct check *check)
{
	struct hash root;

	builder_root(check->builder, &root);
	if (slice_equal(SLICE_ARRAY(root.bytes), SLICE_ARRAY(check->mirror->checkpoint.root.bytes)))
		blame_tiles(check);
	else
		blame_entries(check);
}

static void check_free(struct check **check)
{
	if (*check == NULL)
		return;
	for (unsigned i = 0; i < THREADS; i++)
		bytes_fini(&(*check)->buffers[i]);
	bytes_fini(&(*check)->stored);
	builder_free(&(*check)->builder);
	free((*check)->batch);
	free(*check);
	*check = NULL;
}

static struct check *check_new(void)
{
	struct check *check CLEANUP(check_free) = calloc(1, sizeof *check);
	struct check *made;

	if (check == NULL)
		return NULL;
	for (unsigned i = 0; i < THREADS; i++)
		bytes_init(&check->buffers[i], BUNDLE_MAX);
	bytes_init(&check->stored, TILE_BYTES);
	check->batch = calloc(BATCH, sizeof *check->batch);
	check->builder = builder_new(compare_tile, check);
	if (check->batch == NULL || check->builder == NULL)
		return NULL;
	made = check;
	check = NULL;
	return made;
}

enum err tree_check(const struct mirror *mirror, struct tree_waypoint *waypoint, struct findings *findings,
		    struct progress *progress, bool *ret_is_whole, struct fault *fault)
{
	struct check *check CLEANUP(check_free) = check_new();
	uint64_t before = findings->count;
	bool is_readable = false;

	if (check == NULL)
		return fault_set(fault, ERR_MEMORY, "no memory to check the tree");
	check->mirror = mirror;
	check->findings = findings;
	check->waypoint = waypoint;
	TRY(walk(check, progress, &is_readable, fault));
	if (is_readable)
		judge(check);
	*ret_is_whole = findings->count == before;
	return ERR_OK;
}
