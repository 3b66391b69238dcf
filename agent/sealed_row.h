/*
 * A row of the table META, sealed under the agent's key for its name (the row's key there): what was changed on disk,
 * or is another row's, does not open. That a row is missing, or an older one was put back, is for its reader to tell.
 *
 * Threads: as the transaction.
 */
#ifndef KLUIS_AGENT_SEALED_ROW_H
#define KLUIS_AGENT_SEALED_ROW_H

#include "kluis/limits.h"
#include "kluis/store.h"

/* Appended to ret_plain, whose maximum is what the row may have at most. ERR_NOT_FOUND; ERR_CORRUPT when it was
 * altered. */
enum err sealed_row_get(struct store_txn *txn, const uint8_t key[static KEY_SIZE], struct slice name,
			struct bytes *ret_plain) MUST_USE;
enum err sealed_row_put(struct store_txn *txn, const uint8_t key[static KEY_SIZE], struct slice name,
			struct slice plain) MUST_USE;

#endif
