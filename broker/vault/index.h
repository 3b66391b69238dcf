/*
 * How customers are found: a keyed hash of a field's number and normalised
 * value leads to pseudonyms. Nobody without the lookup key can tell from the table whether a value is in it.
 *
 * Threads: as the context.
 */
#ifndef KLUIS_VAULT_INDEX_H
#define KLUIS_VAULT_INDEX_H

#include "vault/vault.h"

/* Fields that are in the index: lookup fields and the identifier. */
bool index_has(const struct charter_field *field);

/* The row's key. ERR_VALUE when the value is not of the field's type. */
enum err index_key(struct context *context, const struct charter_field *field, struct slice value,
		   uint8_t ret_key[static HASH_SIZE]) MUST_USE;

/* The one customer under a key: 16 bytes that live as long as the view's transaction. ERR_NOT_FOUND; ERR_AMBIGUOUS for
 * several, and for ever once there were more than MATCHES_MAX. */
enum err index_find(struct context *context, struct slice key, struct slice *ret_pseudonym) MUST_USE;

/* Adds and removes one; adding what is there, or removing what is not, changes nothing. */
enum err index_add(struct context *context, struct slice key, struct slice pseudonym) MUST_USE;
enum err index_remove(struct context *context, struct slice key, struct slice pseudonym) MUST_USE;

#endif
