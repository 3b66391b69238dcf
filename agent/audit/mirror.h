/*
 * A mirror of the log in a folder, as C2SP tlog-tiles (FORMAT.md R54, R55), seen by who reads it:
 *
 *     checkpoint                    the signed note that says how far the mirror goes; written last
 *     controller.vkey               head office's key, which the papers are signed with
 *     tile/<L>/<N>[.p/<W>]          hashes of the tree
 *     tile/entries/<N>[.p/<W>]      the entries
 *     papers/<hash>                 charters and agreements
 *
 * Threads: a mirror is read-only after mirror_open and may be shared.
 */
#ifndef AUDIT_MIRROR_H
#define AUDIT_MIRROR_H

#include "kluis/checkpoint.h"
#include "kluis/entry.h"
#include "kluis/tile.h"

#define MIRROR_FOLDER_MAX 800
#define MIRROR_PATH_MAX (MIRROR_FOLDER_MAX + 2 * HASH_SIZE + 60)
/* A full bundle of the largest entries. */
#define BUNDLE_MAX (TILE_WIDTH * (ENTRY_MAX + 2))

struct mirror {
	char folder[MIRROR_FOLDER_MAX];
	struct bytes note;
	struct checkpoint checkpoint; /* as the note says: whoever must not believe it calls checkpoint_open */
};

/* Reads the checkpoint; no signature is checked. ERR_NOT_FOUND when the folder has none, ERR_PAPER. */
enum err mirror_open(const char *folder, struct mirror *ret_mirror, struct fault *fault) MUST_USE;
void mirror_close(struct mirror *mirror);

/* "<folder>/<name>". ERR_INPUT when it is too long. */
enum err mirror_path(const char *folder, const char *name, char ret_path[static MIRROR_PATH_MAX],
		     struct fault *fault) MUST_USE;
/* Replaces ret_bytes by the file's. */
enum err mirror_read(const struct mirror *mirror, const char *name, struct bytes *ret_bytes,
		     struct fault *fault) MUST_USE;

/* The bundle that holds entry number * 256 in a tree of size. */
struct tile mirror_bundle(uint64_t size, uint64_t number);
uint64_t mirror_bundle_count(uint64_t size);
/* Whether the tile is one of a tree of that size: full, or the last partial one of its level. */
bool mirror_has_tile(uint64_t size, const struct tile *tile);
/* Replaces ret_bytes by the bundle's; ERR_CORRUPT unless it holds exactly its entries. */
enum err mirror_read_bundle(const struct mirror *mirror, uint64_t number, struct bytes *ret_bytes,
			    struct fault *fault) MUST_USE;

/* Head office's key from controller.vkey. */
enum err mirror_controller(const struct mirror *mirror, struct public_key *ret_key, struct fault *fault) MUST_USE;
/* A key given as a vkey or as a file that holds one. */
enum err mirror_key(const char *vkey_or_file, struct public_key *ret_key, struct fault *fault) MUST_USE;

/* Calls take for each entry in order; what it gets lives until it returns. Stops at its first failure. */
typedef enum err mirror_entry_fn(void *context, uint64_t index, struct slice entry, struct fault *fault);
enum err mirror_each(const struct mirror *mirror, mirror_entry_fn *take, void *context, struct fault *fault) MUST_USE;

/* Calls take with each file's name relative to the folder; names that begin with a dot are passed over. */
typedef enum err mirror_file_fn(void *context, const char *name, struct fault *fault);
enum err mirror_each_file(const char *folder, mirror_file_fn *take, void *context, struct fault *fault) MUST_USE;

/* "papers/<hash>" of 32 bytes. */
#define PAPER_NAME_MAX (8 + 2 * HASH_SIZE)
void mirror_paper_name(struct slice hash, char ret_name[static PAPER_NAME_MAX]);

#endif
