/*
 * The outbox's rows as bytes, sealed under the agent's key with the row's key as associated data.
 *
 *     u8 state || u64 time || u8 has_employee || employee (16) || u32 reason || u64 entry ||
 *     u16 length || clause || u32 length || Operation || Part to the end (none: no part)
 *
 * Threads: pure.
 */
#ifndef KLUIS_AGENT_OUTBOX_ROW_H
#define KLUIS_AGENT_OUTBOX_ROW_H

#include "outbox.h"

#define OUTBOX_KEY_SIZE 8
struct slice outbox_key(uint64_t number, uint8_t place[static OUTBOX_KEY_SIZE]);

/* Appends the sealed item. ERR_TOO_LARGE for an operation over REQUEST_MAX or a part over RECORD_MAX. */
enum err outbox_item_seal(const uint8_t key[static KEY_SIZE], const struct outbox_item *item,
			  struct bytes *ret_sealed) MUST_USE;
/* Opens one; operation and part live in the arena. ERR_CRYPTO when it was altered, ERR_CORRUPT. */
enum err outbox_item_open(const uint8_t key[static KEY_SIZE], uint64_t number, struct slice sealed, struct arena *arena,
			  struct outbox_item *ret_item) MUST_USE;

/* Does the operation name the customer? */
bool outbox_item_is_about(const struct outbox_item *item, struct slice customer);

#endif
