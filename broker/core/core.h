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
#include "kluis/merkle.h"
#include "kluis/store.h"

struct core;
struct prepared;

struct core_keys {
	const struct secret_key *log; /* NULL if log_of is set */
	struct public_key controller;
	const uint8_t *master; /* 32 bytes, the epoch's master key; NULL if master_of is set */
	uint32_t epoch;	       /* the first one */
	/* Keys that came later (rotations), also while the core is open. NULL: there are none but the ones above, else
	 * all ask for the first ones too. ERR_NOT_FOUND when the broker has no such key; a log's lives as long as the
	 * keys. Any thread. */
	void *context;
	enum err (*master_of)(void *context, uint32_t epoch, uint8_t ret_master[static KEY_SIZE]);
	/* Epochs before oldest have ended: nothing is under their master keys, and they are not asked for again. */
	void (*end_masters)(void *context, uint32_t oldest);
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
/* A Watch that has nothing new to say (FORMAT.md R121), and what would be news for it. */
struct core_wait {
	uint32_t store;
	bool reads_all;	    /* a change in FEED_ALL is news too */
	uint64_t wait_ms;   /* what the sender is willing to wait */
	uint64_t change_ms; /* from now on, when the clock alone makes another answer; UINT64_MAX: never */
	uint64_t snapshot;  /* number of the commit that the answer is at least as new as */
};
/* True if the request may be prepared again when there is news, or when the time is up. Its reply is there all the
 * same: how things stand. */
bool prepared_waits(const struct prepared *prepared, struct core_wait *ret_wait);

/* Whom the last commit gave something else to see. */
#define CORE_NEWS_STORES_MAX 512
struct core_news {
	uint64_t number;  /* of the commit */
	bool is_for_all;  /* anybody may see something else; stores are not listed */
	bool is_feed_all; /* stores that read FEED_ALL, besides those listed */
	size_t count;
	uint32_t stores[CORE_NEWS_STORES_MAX]; /* each once */
};
/* Of the last core_commit; valid until the next one. Same thread as core_commit. */
const struct core_news *core_news(const struct core *core);

/* Commits a batch in the given order, one transaction, durable when it returns. On failure nothing of the batch
 * was done and each gets a reply that says so. Only one thread at a time. */
enum err core_commit(struct core *core, struct prepared **batch, size_t count, uint64_t now_ms) MUST_USE;

/* The reply's bytes; valid until prepared_free. */
struct slice core_reply(const struct prepared *prepared);
void prepared_free(struct prepared **prepared);

/* Signs a checkpoint if entries came since the last one and stores it; called at batch boundaries, at most every
 * CHECKPOINT_INTERVAL_MS. Same thread as core_commit. */
enum err core_checkpoint(struct core *core) MUST_USE;

/* ---- witnesses (FORMAT.md R144) ---- */

/* How long a round of cosigning lasts; WITNESS_INTERVAL_MS unless it is set. Before the core is used by several
 * threads. */
void core_set_witness_interval(struct core *core, uint64_t interval_ms);
/* Ends the round when its time is over: the note with its cosignatures is what GetCosigned gives from then on. Begins
 * the next one when there is a later checkpoint. Called after checkpoints and when *ret_next_ms is over, which is
 * UINT64_MAX until the log grows. Same thread as core_commit. */
enum err core_round(struct core *core, uint64_t now_ms, uint64_t *ret_next_ms) MUST_USE;

/* For witnesses that are no stores: the round's note, its size, and the proof that it continues the tree of old_size
 * (nothing if that is 0). ERR_NOT_FOUND before the first round, ERR_INPUT when old_size is beyond it. Any thread. */
enum err core_round_read(struct core *core, uint64_t old_size, struct bytes *ret_note, uint64_t *ret_size,
			 struct merkle_proof *ret_proof) MUST_USE;
/* A cosignature by outside witness number i (below OUTSIDE_WITNESSES_MAX), checked by the caller, for the round of that
 * size; taken into it when it ends. Any thread. */
void core_take_cosignature(struct core *core, size_t i, const struct public_key *cosigner, uint64_t size,
			   const uint8_t cosignature[static COSIGNATURE_SIZE]);

/* Entries in the log. Same thread as core_commit. */
uint64_t core_size(struct core *core);

/* The trust note in force (FORMAT.md R141): its hash, and its bytes appended unless ret_note is NULL. ERR_NOT_FOUND
 * before the first. Any thread. */
enum err core_trust(struct core *core, uint8_t ret_hash[static HASH_SIZE], struct bytes *ret_note) MUST_USE;

#endif
