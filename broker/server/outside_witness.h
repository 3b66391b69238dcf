/*
 * Witnesses that are no stores: in each round (FORMAT.md R144) the broker, as
 * a C2SP log, posts its checkpoint to each of them over HTTP and takes their
 * cosignatures into the round.
 *
 *     round ─▶ POST <url>/add-checkpoint ─┬─ 200 ─▶ cosignature, checked ─▶ round
 *                    ▲                    ├─ 409 ─▶ its size: once more, with the proof from there
 *                    │                    ├─ 4xx, or an answer that does not verify ─▶ said; not again this round
 *                    └─ later, longer ─── └─ no answer, 5xx
 *
 * All are asked at once: nobody else waits for a witness, nor does another one. And nothing that it sends is more
 * than bytes until its key has signed it: bounded headers, bounded body, one deadline.
 *
 * Threads: one of its own for each witness; new and free from one thread.
 */
#ifndef KLUIS_BROKER_OUTSIDE_WITNESS_H
#define KLUIS_BROKER_OUTSIDE_WITNESS_H

#include "core/core.h"

#define WITNESS_URL_MAX 160 /* fits an ini line */
#define WITNESS_PATH_MAX 160
#define WITNESS_CA_DEFAULT "/etc/ssl/certs/ca-certificates.crt"

struct outside_witness {
	char name[NAME_MAX_ + 1];	    /* for people */
	char url[WITNESS_URL_MAX + 1];	    /* http or https, the submission prefix without a slash at its end */
	char ca_file[WITNESS_PATH_MAX + 1]; /* whose certificates are trusted, for https */
	struct public_key key;		    /* of type KEY_TYPE_COSIGNATURE */
};

/* "http://host..." or "https://host..." of printable characters, without query, fragment or user; a slash at its end is
 * cut off. ERR_INPUT with a fault. */
enum err outside_witness_url(const char *text, char ret_url[static WITNESS_URL_MAX + 1], struct fault *fault) MUST_USE;

/* What it asks of the core: core_round_read and core_take_cosignature. */
struct outside_core {
	struct core *core;
	enum err (*read)(struct core *core, uint64_t old_size, struct bytes *ret_note, uint64_t *ret_size,
			 struct merkle_proof *ret_proof);
	void (*take)(struct core *core, size_t i, const struct public_key *cosigner, uint64_t size,
		     const uint8_t cosignature[static COSIGNATURE_SIZE]);
};

struct outside_witnesses;

/* Starts the threads. witnesses (at most OUTSIDE_WITNESSES_MAX) are copied. */
enum err outside_witnesses_new(const struct outside_witness *witnesses, size_t count, const struct outside_core *core,
			       struct outside_witnesses **ret_witnesses) MUST_USE;
/* Gives up what is under way and ends the threads. */
void outside_witnesses_free(struct outside_witnesses **witnesses);

#endif
