/*
 * Master keys, one an epoch (DESIGN 7, FORMAT.md R143). A rotation begins an epoch: from its entry on whatever is
 * sealed is sealed under the new key, all older rows are sealed anew under it page by page (handle_rewrap.c), and then
 * the old key is destroyed. The meta table knows which epochs there are ("vault/epochs", rows.Epochs).
 *
 * Threads: any; keys come from core_keys.
 */
#ifndef KLUIS_VAULT_MASTER_H
#define KLUIS_VAULT_MASTER_H

#include "core/core.h"
#include "core/handler.h"

#define VAULT_META_EPOCHS "vault/epochs"

/* Rows may be under any epoch from oldest to newest; new ones are under the newest. */
struct epochs {
	uint32_t newest, oldest;
};
/* As the request's state has them; remembered as read, so that what was sealed under an epoch that has ended meanwhile
 * is prepared again. */
enum err epochs_get(struct context *context, struct epochs *ret_epochs) MUST_USE;
/* Puts them, with a proof that the newest epoch's key is the one that it is. ERR_NOT_FOUND without that key. */
enum err epochs_put(struct context *context, const struct epochs *epochs) MUST_USE;
/* At the start: the broker has the keys of all epochs that rows may be under, and the newest is the right one.
 * ERR_NOT_FOUND with a fault that names the epoch, ERR_CRYPTO. */
enum err epochs_check(struct store_txn *txn, const struct core_keys *keys, struct epochs *ret_epochs,
		      struct fault *fault) MUST_USE;

/* Tells keys which epochs have ended, so that they wipe what they hold of them. ERR_CORRUPT. */
enum err epochs_end(struct store_txn *txn, const struct core_keys *keys) MUST_USE;

/* An epoch's master key: a copy, since an epoch may end at any moment. ERR_NOT_FOUND. */
struct master {
	uint8_t key[KEY_SIZE];
};
enum err master_of(const struct core_keys *keys, uint32_t epoch, struct master *ret_master) MUST_USE;
void master_fini(struct master *master);

/* Seals something that is head office's under the newest epoch: the row keeps epoch and sealed (in the arena). What is
 * sealed so needs a row in handle_rewrap.c's table. */
enum err master_seal(struct context *context, struct slice associated, struct slice plain, uint32_t *ret_epoch,
		     ProtobufCBinaryData *ret_sealed) MUST_USE;
/* The plaintext, in the arena. ERR_CRYPTO, also when the epoch's key is not there any more. */
enum err master_unseal(struct context *context, uint32_t epoch, struct slice associated, struct slice sealed,
		       struct bytes *ret_plain) MUST_USE;

#endif
