/*
 * Versions of a customer's record: merging new values into the latest one (merge.h says how) and
 * writing the next.
 *
 * Threads: as the context.
 */
#ifndef KLUIS_VAULT_RECORD_H
#define KLUIS_VAULT_RECORD_H

#include "vault/merge.h"

/* The latest version. ERR_CORRUPT when there is none. */
enum err record_latest(struct context *context, const struct customer *customer, Rows__Record **ret_record) MUST_USE;

/* A change that is made now, on what is there: by whom the request is, at the entry's time (R131). */
void record_origin(const struct context *context, const struct customer *customer, const Rows__Record *latest,
		   struct change_origin *ret_origin);

/* Merges values (checked, ascending; an empty one clears its field) into before, which may be NULL. Of superseded
 * values the oldest go where the record would be over RECORD_MAX; ERR_TOO_LARGE when it still is. */
enum err record_merge(struct context *context, const Rows__Record *before, const Kluis__Values *values,
		      const struct change_origin *origin, struct record_change *ret_change) MUST_USE;
/* Has any field a value? */
bool record_has_values(const Rows__Record *record);

/* Writes the change as the customer's next version: sealed record, moved index rows, fields in use; counts the version
 * in customer->row, which the caller puts. */
enum err record_write(struct context *context, const struct customer *customer,
		      const struct record_change *change) MUST_USE;

/* Seals an encoded message under the customer's key into the view: TABLE_RECORD, TABLE_RECEIPT. key begins with the
 * pseudonym and is the associated data. */
enum err sealed_put(struct context *context, const struct customer *customer, enum table table, struct slice key,
		    const ProtobufCMessage *message) MUST_USE;
/* Opens one into the arena. ERR_CRYPTO, ERR_CORRUPT. */
enum err sealed_open(struct arena *arena, const struct customer *customer, struct slice key, struct slice sealed,
		     const ProtobufCMessageDescriptor *type, ProtobufCMessage **ret_message) MUST_USE;

#define RECORD_KEY_SIZE (PSEUDONYM_SIZE + 4)
#define RECEIPT_KEY_SIZE (PSEUDONYM_SIZE + PSEUDONYM_SIZE)
struct slice receipt_key(struct slice pseudonym, struct slice id, uint8_t place[static RECEIPT_KEY_SIZE]);

#endif
