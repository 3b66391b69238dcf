#include "proof.h"

#include <inttypes.h>

/* The tile that holds a subtree's leaves: of the level below, and as wide as it is in this tree. */
static enum err read_subtree(void *context, unsigned level, uint64_t index, struct hash *ret_hash)
{
	const struct mirror *mirror = context;
	unsigned width = 1u << level % 8;
	uint64_t first = index << level % 8, full;
	struct tile tile = {.level = level / 8, .index = first / TILE_WIDTH, .width = TILE_WIDTH};
	struct bytes bytes CLEANUP(bytes_fini) = {0};
	char path[TILE_PATH_MAX];
	const uint8_t *hashes;
	unsigned partial;

	tile_extent(mirror->checkpoint.size, tile.level, &full, &partial);
	if (tile.index >= full)
		tile.width = partial;
	bytes_init(&bytes, TILE_BYTES);
	if (tile.width == 0 || first % TILE_WIDTH + width > tile.width)
		return ERR_CORRUPT;
	tile_path(&tile, path);
	TRY(mirror_read(mirror, path, &bytes, NULL));
	if (bytes.length != (size_t)tile.width * HASH_SIZE)
		return ERR_CORRUPT;
	hashes = bytes.data + first % TILE_WIDTH * HASH_SIZE;
	tile_root((const struct hash *)hashes, width, ret_hash);
	return ERR_OK;
}

static enum err check_index(const struct mirror *mirror, uint64_t index, struct fault *fault)
{
	if (index < mirror->checkpoint.size)
		return ERR_OK;
	return fault_set(fault, ERR_NOT_FOUND, "entry %" PRIu64 " is not in the mirror of %" PRIu64 " entries", index,
			 mirror->checkpoint.size);
}

enum err proof_make(const struct mirror *mirror, uint64_t index, struct bytes *ret_proof, struct fault *fault)
{
	struct mirror copy = *mirror; /* the reader takes a pointer that is not const */
	struct merkle_proof proof;
	enum err err;

	TRY(check_index(mirror, index, fault));
	err = merkle_prove_inclusion(index, mirror->checkpoint.size, read_subtree, &copy, &proof);
	if (err != ERR_OK)
		return fault_set(fault, err, "the mirror's tiles cannot be read; kluis-audit verify says which");
	return tlog_proof_print(index, &proof, bytes_slice(&mirror->note), ret_proof);
}

enum err proof_entry(const struct mirror *mirror, uint64_t index, struct bytes *ret_entry, struct fault *fault)
{
	struct bytes bundle CLEANUP(bytes_fini) = {0};
	struct reader reader;
	struct slice entry = SLICE_EMPTY;

	bytes_init(&bundle, BUNDLE_MAX);
	TRY(check_index(mirror, index, fault));
	TRY(mirror_read_bundle(mirror, index / TILE_WIDTH, &bundle, fault));
	reader = reader_of(bytes_slice(&bundle));
	for (uint64_t i = 0; i <= index % TILE_WIDTH; i++)
		if (!bundle_next(&reader, &entry))
			return fault_set(fault, ERR_CORRUPT, "entry %" PRIu64 " is not in its bundle", index);
	return bytes_append(ret_entry, entry);
}

enum err proof_check(struct slice proof, struct slice entry, const struct public_key *log, uint64_t *ret_index,
		     struct checkpoint *ret_checkpoint, struct fault *fault)
{
	struct hash leaf;

	merkle_leaf(entry, &leaf);
	return tlog_proof_verify(proof, &leaf, log, ret_index, ret_checkpoint, fault);
}

enum err proof_root_at(const struct mirror *mirror, uint64_t size, struct hash *ret_root)
{
	struct mirror copy = *mirror; /* the reader takes a pointer that is not const */

	if (size > mirror->checkpoint.size)
		return ERR_INPUT;
	return merkle_root_at(size, read_subtree, &copy, ret_root);
}
