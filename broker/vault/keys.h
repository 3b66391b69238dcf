/*
 * What the vault holds open, for the vault's own files.
 */
#ifndef KLUIS_VAULT_KEYS_H
#define KLUIS_VAULT_KEYS_H

#include "kluis/hash.h"
#include "vault/vault.h"

struct vault {
	uint8_t *lookup_key; /* 32 bytes in locked memory */
};

/* A buffer of size bytes in the arena: it never grows, needs no bytes_fini and is wiped with the arena. ERR_MEMORY. */
enum err arena_bytes(struct arena *arena, size_t size, struct bytes *ret_bytes) MUST_USE;

/* The customer's own key, sealed under the master key of an epoch; associated: pseudonym || u32 epoch. wrap takes the
 * newest epoch and gives a row's bytes in the arena; unwrap gives 32 bytes in the arena. ERR_CRYPTO for an epoch whose
 * key is gone or a damaged row. */
enum err key_wrap(struct context *context, struct slice pseudonym, const uint8_t key[static KEY_SIZE],
		  uint32_t *ret_epoch, ProtobufCBinaryData *ret_wrapped) MUST_USE;
enum err key_unwrap(struct context *context, struct slice pseudonym, uint32_t epoch, struct slice wrapped,
		    uint8_t **ret_key) MUST_USE;

/* The row of the lookup key: u32 epoch || sealed under that epoch's master key. Appends it. */
enum err lookup_key_row(const uint8_t *master, uint32_t epoch, const uint8_t lookup_key[static KEY_SIZE],
			struct bytes *ret_row) MUST_USE;

#endif
