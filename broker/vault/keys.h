/*
 * What the vault holds open, for the vault's own files.
 */
#ifndef KLUIS_VAULT_KEYS_H
#define KLUIS_VAULT_KEYS_H

#include "kluis/hash.h"
#include "vault/vault.h"

struct vault {
	const uint8_t *master; /* 32 bytes, the caller's */
	uint32_t epoch;
	uint8_t *lookup_key; /* 32 bytes in locked memory */
};

/* A buffer of size bytes in the arena: it never grows, needs no bytes_fini and is wiped with the arena. ERR_MEMORY. */
enum err arena_bytes(struct arena *arena, size_t size, struct bytes *ret_bytes) MUST_USE;

/* The customer's own key, sealed under the master key of an epoch; associated: pseudonym || u32 epoch. wrap appends
 * to a row's bytes in the arena; unwrap gives 32 bytes in the arena. ERR_CRYPTO for another epoch or a damaged row. */
enum err key_wrap(struct context *context, struct slice pseudonym, const uint8_t key[static KEY_SIZE],
		  ProtobufCBinaryData *ret_wrapped) MUST_USE;
enum err key_unwrap(struct context *context, struct slice pseudonym, uint32_t epoch, struct slice wrapped,
		    uint8_t **ret_key) MUST_USE;

#endif
