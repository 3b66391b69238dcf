/*
 * Signatures of many entries at once, on two threads: an Ed25519 verification costs more than everything
 * else that is checked about an entry.
 *
 * Threads: none beside its own.
 */
#ifndef AUDIT_SIGNATURES_H
#define AUDIT_SIGNATURES_H

#include "kluis/entry.h"

struct signature_job {
	struct entry entry;
	uint8_t key[KEY_SIZE];
	uint64_t index;
	bool is_valid; /* set by signatures_check */
};

void signatures_check(struct signature_job *jobs, size_t count);

#endif
