#include "mirror.h"

#include <errno.h>
#include <fts.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kluis/file.h"

enum err mirror_path(const char *folder, const char *name, char ret_path[static MIRROR_PATH_MAX], struct fault *fault)
{
	int length = snprintf(ret_path, MIRROR_PATH_MAX, "%s/%s", folder, name);

	if (length >= MIRROR_PATH_MAX)
		return fault_set(fault, ERR_INPUT, "the path of %s in the mirror is too long", name);
	return ERR_OK;
}

enum err mirror_read(const struct mirror *mirror, const char *name, struct bytes *ret_bytes, struct fault *fault)
{
	char path[MIRROR_PATH_MAX];

	TRY(mirror_path(mirror->folder, name, path, fault));
	bytes_clear(ret_bytes);
	return file_read(path, ret_bytes, fault);
}

/* The note's text, up to its last empty line: enough to know the size; signatures are somebody else's concern. */
static enum err parse_checkpoint(struct mirror *mirror, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct note note;

	arena_init(&arena, PAPER_MAX);
	TRY(note_parse(bytes_slice(&mirror->note), &arena, &note, fault));
	return checkpoint_parse(note.text, &mirror->checkpoint, fault);
}

static enum err read_checkpoint(struct mirror *mirror, struct fault *fault)
{
	enum err err = mirror_read(mirror, "checkpoint", &mirror->note, fault);

	if (err == ERR_NOT_FOUND) {
		*fault = (struct fault){""};
		return fault_set(fault, err, "%s holds no mirror (no checkpoint); make one with kluis-audit mirror",
				 mirror->folder);
	}
	TRY(err);
	err = parse_checkpoint(mirror, fault);
	if (err != ERR_OK)
		fault_prefix(fault, "checkpoint");
	return err;
}

/* Without slashes at the end. */
static enum err copy_folder(const char *folder, char ret_folder[static MIRROR_FOLDER_MAX], struct fault *fault)
{
	if (snprintf(ret_folder, MIRROR_FOLDER_MAX, "%s", folder) >= MIRROR_FOLDER_MAX)
		return fault_set(fault, ERR_INPUT, "the folder's path is longer than %d bytes", MIRROR_FOLDER_MAX - 1);
	for (size_t end = strlen(ret_folder); end > 1 && ret_folder[end - 1] == '/'; end--)
		ret_folder[end - 1] = '\0';
	return ERR_OK;
}

enum err mirror_open(const char *folder, struct mirror *ret_mirror, struct fault *fault)
{
	struct mirror mirror CLEANUP(mirror_close) = {0};

	bytes_init(&mirror.note, PAPER_MAX);
	TRY(copy_folder(folder, mirror.folder, fault));
	TRY(read_checkpoint(&mirror, fault));
	*ret_mirror = mirror;
	bytes_init(&mirror.note, PAPER_MAX);
	return ERR_OK;
}

void mirror_close(struct mirror *mirror)
{
	bytes_fini(&mirror->note);
}

/* ---- bundles ---- */

uint64_t mirror_bundle_count(uint64_t size)
{
	return size / TILE_WIDTH + (size % TILE_WIDTH > 0);
}

struct tile mirror_bundle(uint64_t size, uint64_t number)
{
	struct tile bundle = {.index = number, .width = TILE_WIDTH, .is_entries = true};

	if (number == size / TILE_WIDTH)
		bundle.width = (unsigned)(size % TILE_WIDTH);
	return bundle;
}

bool mirror_has_tile(uint64_t size, const struct tile *tile)
{
	uint64_t full;
	unsigned partial;

	tile_extent(size, tile->level, &full, &partial);
	if (tile->width == TILE_WIDTH)
		return tile->index < full;
	return tile->index == full && tile->width == partial;
}

static enum err check_bundle(const struct bytes *bytes, const struct tile *bundle, const char *path,
			     struct fault *fault)
{
	struct reader reader = reader_of(bytes_slice(bytes));
	struct slice entry;
	unsigned count = 0;

	while (bundle_next(&reader, &entry))
		count++;
	if (reader.is_short)
		return fault_set(fault, ERR_CORRUPT, "%s: entry %" PRIu64 " is cut off", path,
				 bundle->index * TILE_WIDTH + count);
	if (count != bundle->width)
		return fault_set(fault, ERR_CORRUPT, "%s: holds %u entries instead of %u", path, count, bundle->width);
	return ERR_OK;
}

enum err mirror_read_bundle(const struct mirror *mirror, uint64_t number, struct bytes *ret_bytes, struct fault *fault)
{
	struct tile bundle = mirror_bundle(mirror->checkpoint.size, number);
	char path[TILE_PATH_MAX];

	tile_path(&bundle, path);
	TRY(mirror_read(mirror, path, ret_bytes, fault));
	return check_bundle(ret_bytes, &bundle, path, fault);
}

static enum err each_of_bundle(const struct bytes *bundle, uint64_t first, mirror_entry_fn *take, void *context,
			       struct fault *fault)
{
	struct reader reader = reader_of(bytes_slice(bundle));
	struct slice entry;

	while (bundle_next(&reader, &entry))
		TRY(take(context, first++, entry, fault));
	return ERR_OK;
}

enum err mirror_each(const struct mirror *mirror, mirror_entry_fn *take, void *context, struct fault *fault)
{
	struct bytes bundle CLEANUP(bytes_fini) = {0};
	uint64_t count = mirror_bundle_count(mirror->checkpoint.size);

	bytes_init(&bundle, BUNDLE_MAX);
	for (uint64_t i = 0; i < count; i++) {
		TRY(mirror_read_bundle(mirror, i, &bundle, fault));
		TRY(each_of_bundle(&bundle, i * TILE_WIDTH, take, context, fault));
	}
	return ERR_OK;
}

/* ---- keys and papers ---- */

static enum err parse_key_file(struct slice text, struct public_key *ret_key, struct fault *fault)
{
	/* exactly one line, so that no byte of the file goes unchecked */
	if (text.length == 0 || text.data[text.length - 1] != '\n')
		return fault_set(fault, ERR_INPUT, "is not one line with a vkey");
	text.length--;
	return public_key_parse(text, ret_key, fault);
}

enum err mirror_controller(const struct mirror *mirror, struct public_key *ret_key, struct fault *fault)
{
	struct bytes bytes CLEANUP(bytes_fini) = {0};
	enum err err;

	bytes_init(&bytes, PAPER_MAX);
	TRY(mirror_read(mirror, "controller.vkey", &bytes, fault));
	err = parse_key_file(bytes_slice(&bytes), ret_key, fault);
	if (err != ERR_OK)
		fault_prefix(fault, "controller.vkey");
	return err;
}

enum err mirror_key(const char *vkey_or_file, struct public_key *ret_key, struct fault *fault)
{
	struct bytes bytes CLEANUP(bytes_fini) = {0};
	enum err err;

	bytes_init(&bytes, PAPER_MAX);
	if (public_key_parse(slice_text(vkey_or_file), ret_key, NULL) == ERR_OK)
		return ERR_OK;
	err = file_read(vkey_or_file, &bytes, fault);
	if (err != ERR_OK)
		return err;
	err = parse_key_file(bytes_slice(&bytes), ret_key, fault);
	if (err != ERR_OK)
		fault_prefix(fault, vkey_or_file);
	return err;
}

void mirror_paper_name(struct slice hash, char ret_name[static PAPER_NAME_MAX])
{
	memcpy(ret_name, "papers/", 7);
	hex_print(slice_part(hash, 0, HASH_SIZE), ret_name + 7);
}

/* ---- walking ---- */

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static void close_walk(FTS **walk)
{
	if (*walk != NULL)
		fts_close(*walk);
}

/* Folders themselves are passed over, what is below a dotted name is not entered. */
static enum err take_node(FTS *walk, FTSENT *node, size_t prefix, mirror_file_fn *take, void *context,
			  struct fault *fault)
{
	if (node->fts_level == FTS_ROOTLEVEL && node->fts_info != FTS_NS)
		return ERR_OK;
	if (node->fts_name[0] == '.' && node->fts_level > FTS_ROOTLEVEL) {
		fts_set(walk, node, FTS_SKIP);
		return ERR_OK;
	}
	if (node->fts_info == FTS_D || node->fts_info == FTS_DP)
		return ERR_OK;
	if (node->fts_info == FTS_ERR || node->fts_info == FTS_DNR || node->fts_info == FTS_NS)
		return fault_set(fault, file_error(node->fts_errno), "cannot read %s: %s", node->fts_path,
				 strerrordesc_np(node->fts_errno));
	return take(context, node->fts_path + prefix + 1, fault);
}

enum err mirror_each_file(const char *folder, mirror_file_fn *take, void *context, struct fault *fault)
{
	char root[MIRROR_FOLDER_MAX];
	char *roots[] = {root, NULL};
	FTS *walk CLEANUP(close_walk) = NULL;
	FTSENT *node;

	TRY(copy_folder(folder, root, fault));
	walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	if (walk == NULL)
		return fault_set(fault, file_error(errno), "cannot read %s: %s", folder, strerrordesc_np(errno));
	while ((node = fts_read(walk)) != NULL)
		TRY(take_node(walk, node, strlen(root), take, context, fault));
	return ERR_OK;
}
