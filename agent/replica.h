/*
 * The store's own copy of the customers that its agreement grants, sealed.
 * One row for each customer and purpose; the rows of a page and the cursor
 * after it are written in one transaction, so an interrupted copy goes
 * on at the page where it stopped (FORMAT.md R111).
 *
 * A row, sealed under the purpose's lease key (keyring.h) with the table's key as associated data:
 *
 *     u32 version || u64 fields || u32 grant || u64 entry index || content (Values)
 *
 * Beside it stands, for each handle of the row (R130), an index row: purpose, handle, pseudonym -> nothing. The
 * handle key is sealed under the lease key, so handles tell nothing either once that is destroyed. The index
 * itself is not sealed: what is found by it is held against the row.
 *
 * Threads: one writer; see store.h.
 */
#ifndef KLUIS_REPLICA_H
#define KLUIS_REPLICA_H

#include "keyring.h"
#include "kluis/agreement.h"
#include "kluis/entry.h"
#include "kluis/hash.h"
#include "kluis/store.h"

/* Tables, application name and schema of an agent's store. */
extern const struct store_layout replica_layout;

enum replica_table {
	REPLICA_META,	  /* names -> values; with a zero in the key: a purpose's cursor and day */
	REPLICA_CUSTOMER, /* purpose, 0, pseudonym -> sealed row */
	REPLICA_STAFF,	  /* handle -> sealed employee (and PIN, staff.h) */
	REPLICA_HANDLE,	  /* purpose, 0, handle, pseudonym -> nothing */
	REPLICA_LEASE,	  /* purpose -> sealed lease */
	REPLICA_JOURNAL,  /* u64 number -> record (journal.h) */
	REPLICA_OUTBOX,	  /* u64 number -> sealed item (outbox.h) */
	REPLICA_USE,	  /* agreement, grant, day -> count; with a pseudonym -> nothing */
	REPLICA_ALARM,	  /* u64 number -> alarm (alarm.h) */
	REPLICA_TABLE_COUNT
};

struct replica {
	struct store *store;
	const uint8_t *key;	/* 32 bytes: the agent's own, for all but the customers' rows */
	struct key_memory keys; /* of the purposes */
};

/* ---- leases (FORMAT.md R127) ---- */

struct replica_lease {
	uint64_t until_ms; /* by the broker's clock */
	uint64_t entry_ms; /* when it was given */
	bool has_key;	   /* there is a key: rows may be there */
};
/* ERR_NOT_FOUND when none was ever given or the copy was purged; ERR_CRYPTO when the row was altered. */
enum err replica_lease(const struct replica *replica, const char *purpose, struct replica_lease *ret_lease) MUST_USE;
/* A lease was given, with the handle key (KEY_SIZE bytes, else ERR_INPUT): makes the purpose's key if there is none.
 * ERR_STATE over what is stale: to be purged first. */
enum err replica_set_lease(const struct replica *replica, const char *purpose, uint64_t until_ms, uint64_t entry_ms,
			   struct slice handle_key) MUST_USE;
/* Destroys the purpose's key first, then rows, handles, cursor and lease. ret_customers: rows that there were. What a
 * crash interrupts is finished by doing it again: replica_is_stale says so. */
enum err replica_purge(const struct replica *replica, const char *purpose, uint64_t *ret_customers) MUST_USE;
/* Seals the purpose's rows anew under another key and destroys the one before: what older pages of the store hold of
 * rows that are gone opens no more. ERR_EXPIRED without a key. A crash in between leaves the copy stale: to be purged
 * and copied anew. */
enum err replica_reseal(const struct replica *replica, const char *purpose) MUST_USE;
/* Rows, a cursor or a lease without a key are there: a purge was interrupted, or somebody removed the key. Or the key
 * is not the lease's: killed while a copy began anew. */
enum err replica_is_stale(const struct replica *replica, const char *purpose, bool *ret_is_stale) MUST_USE;
/* Purposes of which there is a lease, rows, handles or a cursor, in the arena: whatever agreement is in force now. */
enum err replica_purposes(const struct replica *replica, struct arena *arena, char ***ret_purposes,
			  size_t *ret_count) MUST_USE;

/* ---- finding one customer ---- */

/* By a field's normal form (field_normalise): the pseudonym. ERR_NOT_FOUND, ERR_AMBIGUOUS, ERR_EXPIRED without a key;
 * ERR_CORRUPT when the index names a customer whose row does not have the value. */
enum err replica_find(const struct replica *replica, const char *purpose, uint8_t field, struct slice normal_form,
		      uint8_t ret_pseudonym[static PSEUDONYM_SIZE]) MUST_USE;

/* Where the copy for a purpose stands under an agreement: 0 if it was made under another one, or not begun. */
enum err replica_cursor(const struct replica *replica, const char *purpose, const uint8_t agreement[static HASH_SIZE],
			uint64_t *ret_cursor) MUST_USE;

/* UTC day (since 1970-01-01) on which the copy for a purpose was begun at cursor 0; ERR_NOT_FOUND if it never was. */
enum err replica_begun(const struct replica *replica, const char *purpose, int32_t *ret_day) MUST_USE;
/* Forgets the cursor: the next page is the first of a copy made anew. Rows stay until that page drops them. */
enum err replica_forget(const struct replica *replica, const char *purpose) MUST_USE;

/* One page as the broker's entry and reply have it: result is the entry's for the Sync operation. parts: of the reply,
 * one for each disclosure with a commitment, checked by reply_check. Where the copy begins (cursor 0: another
 * agreement, or after replica_forget), all rows of the purpose are dropped first, and its key is destroyed and made
 * anew. ret_written, ret_removed: customers. ERR_EXPIRED without a key, ERR_MISMATCH when parts and disclosures do not
 * go together: nothing was changed. */
struct replica_page {
	const char *purpose;
	const uint8_t *agreement; /* HASH_SIZE bytes */
	uint64_t entry_index;
	int32_t day; /* UTC, on which it was asked for */
	const Kluis__Result *result;
	Kluis__Part *const *parts;
	size_t part_count;
};
enum err replica_apply(const struct replica *replica, const struct replica_page *page, uint64_t *ret_written,
		       uint64_t *ret_removed) MUST_USE;

/* One row, opened. content lives as long as the callback. */
struct replica_row {
	struct slice customer; /* 16 bytes */
	uint32_t version;
	uint64_t fields;
	uint32_t grant;
	uint64_t entry_index;
	struct slice content; /* an encoded Values */
};
typedef enum err replica_fn(void *context, const struct replica_row *row);
/* Hands each row of a purpose to visit, by pseudonym, ascending; stops at its first failure. ERR_CRYPTO when a row does
 * not open, ERR_EXPIRED when there are rows and no key. */
enum err replica_each(const struct replica *replica, const char *purpose, replica_fn *visit, void *context) MUST_USE;
/* The row of one customer, handed to visit. ERR_NOT_FOUND, ERR_CRYPTO, ERR_EXPIRED likewise. */
enum err replica_get(const struct replica *replica, const char *purpose, struct slice customer, replica_fn *visit,
		     void *context) MUST_USE;
/* Rows of a purpose, without opening them. */
enum err replica_count(const struct replica *replica, const char *purpose, uint64_t *ret_count) MUST_USE;

/* Staff: handle -> pseudonym, role, name, sealed likewise. */
struct replica_employee {
	char handle[NAME_MAX_ + 1];
	char role[NAME_MAX_ + 1];
	char name[VALUE_MAX + 1];
	uint8_t pseudonym[PSEUDONYM_SIZE];
};
enum err replica_put_employee(const struct replica *replica, const struct replica_employee *employee) MUST_USE;
enum err replica_remove_employee(const struct replica *replica, const char *handle) MUST_USE;
enum err replica_get_employee(const struct replica *replica, const char *handle,
			      struct replica_employee *ret_employee) MUST_USE;
typedef enum err replica_employee_fn(void *context, const struct replica_employee *employee);
enum err replica_each_employee(const struct replica *replica, replica_employee_fn *visit, void *context) MUST_USE;

#endif
