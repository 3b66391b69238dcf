#include "copy.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder.h"
#include "chain.h"
#include "copy_file.h"
#include "kluis/file.h"
#include "kluis/table.h"
#include "paperwork.h"

#define FACTS_MAX ((size_t)8 << 30)

struct copier {
	struct mirror mirror; /* on disk; its checkpoint becomes the new one */
	struct checkpoint old;
	const struct copy_source *source;
	const struct public_key *log, *controller;
	struct chain chain; /* from log on */
	struct builder *builder;
	struct bytes note;   /* the new checkpoint's */
	struct bytes bundle; /* the entries of the unfinished bundle */
	struct bytes page;   /* of entries, or a paper */
	struct arena facts, entries;
	struct map wanted; /* hashes of papers that the new entries name */
	bool may_reuse;
	struct copy_summary summary;
};

/* ---- what is there already ---- */

static enum err load_tile(void *context, const struct tile *tile, struct hash *ret_hashes, struct fault *fault)
{
	struct copier *copier = context;
	char path[TILE_PATH_MAX];

	tile_path(tile, path);
	TRY(mirror_read(&copier->mirror, path, &copier->page, fault));
	if (copier->page.length != (size_t)tile->width * HASH_SIZE)
		return fault_set(fault, ERR_CORRUPT, "%s has %zu bytes instead of %u; make a new mirror", path,
				 copier->page.length, tile->width * HASH_SIZE);
	memcpy(ret_hashes, copier->page.data, copier->page.length);
	return ERR_OK;
}

/* The tree as far as it is mirrored; damage on disk must not be taken for a second history. */
static enum err load_tree(struct copier *copier, struct fault *fault)
{
	struct hash root;

	TRY(builder_load(copier->builder, copier->old.size, load_tile, copier, fault));
	builder_root(copier->builder, &root);
	if (copier->old.size > 0 && !slice_equal(SLICE_ARRAY(root.bytes), SLICE_ARRAY(copier->old.root.bytes)))
		return fault_set(
			fault, ERR_CORRUPT,
			"the tiles in %s do not give its checkpoint's root; kluis-audit verify says which file "
			"is damaged",
			copier->mirror.folder);
	bytes_clear(&copier->bundle);
	if (copier->old.size % TILE_WIDTH == 0)
		return ERR_OK;
	return mirror_read_bundle(&copier->mirror, copier->old.size / TILE_WIDTH, &copier->bundle, fault);
}

static enum err open_old(struct copier *copier, const char *folder, struct fault *fault)
{
	enum err err = mirror_open(folder, &copier->mirror, fault);

	if (err == ERR_NOT_FOUND) {
		*fault = (struct fault){""};
		if (snprintf(copier->mirror.folder, sizeof copier->mirror.folder, "%s", folder) >= MIRROR_FOLDER_MAX)
			return fault_set(fault, ERR_INPUT, "the folder's path is too long");
		return ERR_OK;
	}
	TRY(err);
	err = chain_open(&copier->chain, true, bytes_slice(&copier->mirror.note), &copier->old, fault);
	if (err == ERR_OK)
		return ERR_OK;
	return fault_set(fault, ERR_CORRUPT, "%s/checkpoint is not signed by %s", folder, copier->log->name);
}

/* ---- two histories ---- */

static enum err keep_evidence(struct copier *copier, const struct checkpoint *checkpoint, const struct bytes *note,
			      struct fault *fault)
{
	char name[80], root[2 * HASH_SIZE + 1], path[MIRROR_PATH_MAX];

	hex_print(SLICE_ARRAY(checkpoint->root.bytes), root);
	snprintf(name, sizeof name, "evidence/%" PRIu64 "-%.16s", checkpoint->size, root);
	TRY(copy_path(copier->mirror.folder, name, path, fault));
	return file_write(path, bytes_slice(note), 0644, fault);
}

static enum err inconsistent(struct copier *copier, const struct checkpoint *new, struct fault *fault)
{
	TRY(keep_evidence(copier, &copier->old, &copier->mirror.note, fault));
	TRY(keep_evidence(copier, new, &copier->note, fault));
	TRY(copy_clean(copier->mirror.folder, copier->old.size, fault));
	return fault_set(fault, ERR_INCONSISTENT,
			 "the broker's checkpoint of %" PRIu64 " entries does not continue the mirror's of %" PRIu64
			 "; both signed notes are in %s/evidence: keep them",
			 new->size, copier->old.size, copier->mirror.folder);
}

/* ---- writing ---- */

static enum err write_tile(void *context, const struct tile *tile, const struct hash *hashes, struct fault *fault)
{
	struct copier *copier = context;
	char name[TILE_PATH_MAX];

	tile_path(tile, name);
	return copy_put(copier->mirror.folder, name, SLICE(hashes, (size_t)tile->width * HASH_SIZE), fault);
}

static enum err write_bundle(struct copier *copier, struct fault *fault)
{
	uint64_t size = copier->builder->size;
	struct tile bundle = {.is_entries = true, .width = (unsigned)(size % TILE_WIDTH), .index = size / TILE_WIDTH};
	char name[TILE_PATH_MAX];

	if (bundle.width == 0)
		bundle = (struct tile){.is_entries = true, .width = TILE_WIDTH, .index = size / TILE_WIDTH - 1};
	tile_path(&bundle, name);
	TRY(copy_put(copier->mirror.folder, name, bytes_slice(&copier->bundle), fault));
	bytes_clear(&copier->bundle);
	return ERR_OK;
}

static enum err want_paper(void *context, struct slice hash, struct fault *fault)
{
	struct copier *copier = context;

	if (map_take(&copier->wanted, hash, sizeof(struct slice)) == NULL)
		return fault_set(fault, ERR_MEMORY, "no memory for the papers' hashes");
	return ERR_OK;
}

/* An entry that is not well-formed is copied as it is: to judge it is verify's work. */
static enum err want_papers(struct copier *copier, struct slice bytes, struct fault *fault)
{
	struct entry entry;
	enum err err = entry_open(bytes, &copier->entries, &entry, NULL);

	if (err == ERR_OK)
		err = paperwork_named(&entry, want_paper, copier, fault);
	arena_reset(&copier->entries);
	return err == ERR_MEMORY ? err : ERR_OK;
}

static enum err add_entry(struct copier *copier, struct slice bytes, struct fault *fault)
{
	struct hash leaf;

	merkle_leaf(bytes, &leaf);
	TRY(bundle_append(&copier->bundle, bytes));
	TRY(want_papers(copier, bytes, fault));
	TRY(builder_add(copier->builder, &leaf, fault));
	if (copier->builder->size % TILE_WIDTH == 0)
		return write_bundle(copier, fault);
	return ERR_OK;
}

/* ---- the entries ---- */

/* A full bundle that an interrupted run has left saves asking for it; the root decides whether it was right. */
static enum err read_left(struct copier *copier, uint64_t from, uint64_t size, bool *ret_is_there, struct fault *fault)
{
	enum err err;

	*ret_is_there = false;
	if (!copier->may_reuse || from % TILE_WIDTH != 0 || size - from < TILE_WIDTH)
		return ERR_OK;
	err = mirror_read_bundle(&copier->mirror, from / TILE_WIDTH, &copier->page, NULL);
	if (err == ERR_MEMORY)
		return fault_set(fault, err, "no memory to read what was left");
	*ret_is_there = err == ERR_OK;
	copier->summary.reused += err == ERR_OK ? TILE_WIDTH : 0;
	return ERR_OK;
}

static enum err add_page(struct copier *copier, uint64_t size, struct fault *fault)
{
	struct reader reader = reader_of(bytes_slice(&copier->page));
	uint64_t before = copier->builder->size;
	struct slice entry;

	while (copier->builder->size < size && bundle_next(&reader, &entry))
		TRY(add_entry(copier, entry, fault));
	if (copier->builder->size == before || reader.is_short || reader.rest.length > 0)
		return fault_set(fault, ERR_INPUT, "the broker's page of the log from entry %" PRIu64 " is not one",
				 before);
	return ERR_OK;
}

static enum err add_all(struct copier *copier, uint64_t size, struct progress *progress, struct fault *fault)
{
	while (copier->builder->size < size) {
		uint64_t from = copier->builder->size;
		bool is_left;

		TRY(read_left(copier, from, size, &is_left, fault));
		if (!is_left) {
			bytes_clear(&copier->page);
			TRY(copier->source->entries(copier->source->context, from, size, &copier->page, fault));
		}
		TRY(add_page(copier, size, fault));
		progress_show(progress, copier->builder->size);
	}
	TRY(builder_finish(copier->builder, fault));
	return size % TILE_WIDTH == 0 ? ERR_OK : write_bundle(copier, fault);
}

static enum err try_entries(struct copier *copier, const struct checkpoint *new, bool *ret_is_right,
			    struct fault *fault)
{
	struct progress progress CLEANUP(progress_end) = {0};
	struct hash root;

	progress_begin(&progress, "entries", new->size);
	/* the old mirror's files are read by its own size, those that are left by the new one */
	copier->mirror.checkpoint.size = copier->old.size;
	TRY(load_tree(copier, fault));
	copier->mirror.checkpoint.size = new->size;
	TRY(add_all(copier, new->size, &progress, fault));
	builder_root(copier->builder, &root);
	*ret_is_right = slice_equal(SLICE_ARRAY(root.bytes), SLICE_ARRAY(new->root.bytes));
	return ERR_OK;
}

static enum err copy_entries(struct copier *copier, const struct checkpoint *new, struct fault *fault)
{
	bool is_right = false;

	copier->may_reuse = true;
	TRY(try_entries(copier, new, &is_right, fault));
	if (!is_right && copier->summary.reused > 0) {
		/* what was left on disk may be damaged: once more without it */
		copier->may_reuse = false;
		copier->summary.reused = 0;
		TRY(try_entries(copier, new, &is_right, fault));
	}
	if (is_right)
		return ERR_OK;
	if (copier->old.size > 0)
		return inconsistent(copier, new, fault);
	return fault_set(fault, ERR_PROOF,
			 "the %" PRIu64 " entries do not give the root that the broker's checkpoint signs", new->size);
}

/* ---- the papers ---- */

struct gathering {
	struct copier *copier;
	struct principals principals;
	struct paperwork papers;
	struct findings findings; /* nobody's: verify judges */
	struct bytes trimmed;
	enum err err;
	struct fault *fault;
};

static void ignore(void *context, const char *text)
{
	(void)context;
	(void)text;
}

static enum err gather(void *context, uint64_t index, struct slice bytes, struct fault *fault)
{
	struct gathering *gathering = context;
	struct entry entry;
	enum err err = entry_open(bytes, &gathering->copier->entries, &entry, NULL);

	if (err == ERR_OK) {
		err = principals_take(&gathering->principals, index, &entry, &gathering->findings);
		if (err == ERR_OK)
			err = paperwork_take(&gathering->papers, &gathering->principals, index, &entry);
	}
	arena_reset(&gathering->copier->entries);
	return err == ERR_MEMORY ? fault_set(fault, err, "no memory for the papers' signatures") : ERR_OK;
}

static enum err fetch_paper(struct gathering *gathering, struct slice hash)
{
	struct copier *copier = gathering->copier;
	const struct paper_fact *paper = map_find(&gathering->papers.by_hash, hash);
	char name[PAPER_NAME_MAX];
	enum err err;

	if (paper == NULL)
		return ERR_OK;
	mirror_paper_name(hash, name);
	bytes_clear(&copier->page);
	err = copier->source->paper(copier->source->context, hash, &copier->page, gathering->fault);
	if (err == ERR_OK)
		err = paperwork_trim(paper, bytes_slice(&copier->page), copier->controller, &gathering->trimmed,
				     gathering->fault);
	if (err != ERR_OK) {
		fault_prefix(gathering->fault, name);
		return err;
	}
	copier->summary.papers++;
	return copy_put(copier->mirror.folder, name, bytes_slice(&gathering->trimmed), gathering->fault);
}

static void fetch_wanted(void *item, void *context)
{
	struct gathering *gathering = context;

	if (gathering->err == ERR_OK)
		gathering->err = fetch_paper(gathering, *(const struct slice *)item);
}

/* Which signatures a paper carries is for the whole log to say, so it is walked, if anything new was named. */
static enum err copy_papers(struct copier *copier, struct fault *fault)
{
	struct gathering gathering = {.copier = copier, .findings.report = ignore, .fault = fault};
	enum err err;

	if (copier->wanted.count == 0)
		return ERR_OK;
	bytes_init(&gathering.trimmed, PAPER_MAX);
	principals_init(&gathering.principals, copier->controller, &copier->facts);
	paperwork_init(&gathering.papers, &copier->facts);
	err = mirror_each(&copier->mirror, gather, &gathering, fault);
	if (err == ERR_OK)
		map_each(&copier->wanted, fetch_wanted, &gathering);
	if (err == ERR_OK)
		err = gathering.err;
	paperwork_fini(&gathering.papers);
	principals_fini(&gathering.principals);
	bytes_fini(&gathering.trimmed);
	return err;
}

/* ---- all ---- */

static enum err put_controller(struct copier *copier, struct fault *fault)
{
	struct bytes vkey CLEANUP(bytes_fini) = {0};
	struct public_key there;

	bytes_init(&vkey, PAPER_MAX);
	if (mirror_controller(&copier->mirror, &there, NULL) == ERR_OK && !public_key_equal(&there, copier->controller))
		return fault_set(fault, ERR_EXISTS, "%s is a mirror of another formula: its controller.vkey is not %s",
				 copier->mirror.folder, copier->controller->name);
	TRY(public_key_print(copier->controller, &vkey));
	TRY(bytes_append_u8(&vkey, '\n'));
	return copy_put(copier->mirror.folder, "controller.vkey", bytes_slice(&vkey), fault);
}

static enum err publish(struct copier *copier, struct fault *fault)
{
	char path[MIRROR_PATH_MAX];

	TRY(copy_sync(copier->mirror.folder, fault));
	TRY(mirror_path(copier->mirror.folder, "checkpoint", path, fault));
	TRY(file_write(path, bytes_slice(&copier->note), 0644, fault));
	return copy_clean(copier->mirror.folder, copier->mirror.checkpoint.size, fault);
}

static bool is_same(const struct checkpoint *a, const struct checkpoint *b)
{
	return a->size == b->size && slice_equal(SLICE_ARRAY(a->root.bytes), SLICE_ARRAY(b->root.bytes));
}

/* By another key than is known: if it followed the known one, the broker can show it. */
static enum err open_new(struct copier *copier, struct checkpoint *ret_new, struct fault *fault)
{
	struct fault cause = {""};
	enum err err = chain_open(&copier->chain, false, bytes_slice(&copier->note), ret_new, &cause);

	if (err == ERR_SIGNATURE) {
		TRY(chain_fetch(&copier->chain, copier->source->paper, copier->source->context, copier->controller,
				&copier->facts, fault));
		cause = (struct fault){""};
		err = chain_open(&copier->chain, false, bytes_slice(&copier->note), ret_new, &cause);
	}
	return err == ERR_OK ? ERR_OK : fault_set(fault, err, "%s", cause.text);
}

static enum err copy(struct copier *copier, const char *folder, struct fault *fault)
{
	struct checkpoint new;

	TRY(chain_read(folder, copier->log, copier->controller, &copier->facts, &copier->chain, fault));
	TRY(open_old(copier, folder, fault));
	TRY(put_controller(copier, fault));
	TRY(copier->source->checkpoint(copier->source->context, &copier->note, fault));
	TRY(open_new(copier, &new, fault));
	copier->summary.before = copier->old.size;
	copier->summary.after = new.size;
	if (new.size < copier->old.size || (new.size == copier->old.size && !is_same(&new, &copier->old)))
		return inconsistent(copier, &new, fault);
	if (copier->old.size > 0 && is_same(&new, &copier->old))
		return copy_clean(copier->mirror.folder, new.size, fault);
	TRY(copy_entries(copier, &new, fault));
	TRY(copy_papers(copier, fault));
	return publish(copier, fault);
}

static void copier_fini(struct copier *copier)
{
	map_fini(&copier->wanted);
	arena_fini(&copier->entries);
	arena_fini(&copier->facts);
	bytes_fini(&copier->page);
	bytes_fini(&copier->bundle);
	bytes_fini(&copier->note);
	builder_free(&copier->builder);
	mirror_close(&copier->mirror);
}

enum err copy_log(const char *folder, const struct copy_source *source, const struct public_key *log,
		  const struct public_key *controller, struct copy_summary *ret_summary, struct fault *fault)
{
	struct copier copier CLEANUP(copier_fini) = {.source = source, .log = log, .controller = controller};
	int lock CLEANUP(file_unlock) = -1;

	bytes_init(&copier.mirror.note, PAPER_MAX);
	bytes_init(&copier.note, PAPER_MAX);
	bytes_init(&copier.bundle, BUNDLE_MAX);
	bytes_init(&copier.page, BUNDLE_MAX);
	arena_init(&copier.facts, FACTS_MAX);
	arena_init(&copier.entries, REQUEST_ARENA_MAX);
	map_init(&copier.wanted, &copier.facts);
	copier.builder = builder_new(write_tile, &copier);
	if (copier.builder == NULL)
		return fault_set(fault, ERR_MEMORY, "no memory to mirror");
	TRY(copy_begin(folder, &lock, fault));
	TRY(copy(&copier, folder, fault));
	*ret_summary = copier.summary;
	return ERR_OK;
}
