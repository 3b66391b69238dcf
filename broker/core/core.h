/*
 * The broker without its sockets, clock and files: bytes of a message and a
 * time in, bytes of a reply and one atomic set of effects out. The daemon
 * and the simulation drive the same four calls:
 *
 *     message ─▶ core_prepare ─▶ core_commit ─▶ core_reply
 *                (any thread,    (one thread,
 *                 snapshot)       one fsync for the whole batch)
 *
 * core_prepare checks limits, sequence and signature, decides, decrypts and
 * encodes on a snapshot. core_commit takes everything that waits, checks that
 * what each request had read still holds (else prepares it again on
 * the state as it is now), appends entries, applies effects and commits once.
 * A reply that discloses anything does not exist before that (I1).
 */
#ifndef KLUIS_CORE_H
#define KLUIS_CORE_H

#include "kluis/charter.h"
#include "kluis/keys.h"
#include "kluis/store.h"

struct core;
struct prepared;

struct core_keys {
	const struct secret_key *log; /* NULL if log_of is set */
	struct public_key controller;
	const uint8_t *master; /* 32 bytes, the epoch's master key; NULL if master_of is set */
	uint32_t epoch;	       /* the first one */
	/* Keys that came later (rotations), also while the core is open. NULL: there are none but the ones above, else
	 * both ask for the first ones too. ERR_NOT_FOUND when the broker has no such key; what they give lives as long
	 * as the keys. Any thread. */
	void *context;
	enum err (*master_of)(void *context, uint32_t epoch, const uint8_t **ret_master);
	enum err (*log_of)(void *context, const struct public_key *key, const struct secret_key **ret_log);
};

/* Tables, application name and schema of a broker's store. */
extern const struct store_layout core_layout;

/* Opens the core on a store. A store without a log is fine: its first entry must be the controller's Charter
 * operation. ERR_CLOCK when now_ms lies behind the last entry by more than
 * CLOCK_TOLERANCE_MS; ERR_CRYPTO when the master key is not the store's. keys must outlive the core. */
enum err core_open(struct store *store, const struct core_keys *keys, uint64_t now_ms, struct core **ret_core,
		   struct fault *fault) MUST_USE;
void core_close(struct core **core);

/* Takes a message. Always gives a prepared request, unless ERR_MEMORY; one that could not be authenticated or
 * takes no entry has its reply already and needs no commit (prepared_needs_commit). The
 * message's bytes must live until core_reply was called. */
enum err core_prepare(struct core *core, struct slice message, uint64_t now_ms,
		      struct prepared **ret_prepared) MUST_USE;
bool prepared_needs_commit(const struct prepared *prepared);
/* How the server's defence sees it: was the sender authenticated; is it garbage? */
enum core_trust { CORE_GARBAGE, CORE_UNKNOWN, CORE_AUTHENTICATED };
enum core_trust prepared_trust(const struct prepared *prepared);
/* What of the broker's own world (disk, memory, clock) kept it from answering; ERR_OK otherwise. For the broker's log.
 */
enum err prepared_failure(const struct prepared *prepared);

/* Bits of kluis/journal.h's findings that the request gave about the store that sent it, once it is committed: for the
 * broker's log. 0: none. ret_store: its number. */
uint32_t prepared_findings(const struct prepared *prepared, uint32_t *ret_store);

/* Commits a batch in the given order, one transaction, durable when it returns. On failure nothing of the batch
 * was done and each gets a reply that says so. Only one thread at a time. */
enum err core_commit(struct core *core, struct prepared **batch, size_t count, uint64_t now_ms) MUST_USE;

/* The reply's bytes; valid until prepared_free. */
struct slice core_reply(const struct prepared *prepared);
void prepared_free(struct prepared **prepared);

/* Signs a checkpoint if entries came since the last one and stores it; called at batch boundaries, at most every
 * CHECKPOINT_INTERVAL_MS. Same thread as core_commit. */
enum err core_checkpoint(struct core *core) MUST_USE;

/* Entries in the log. Same thread as core_commit. */
uint64_t core_size(struct core *core);

#endif
