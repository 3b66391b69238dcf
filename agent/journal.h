/*
 * What the store's own staff read from its copy (FORMAT.md R123 to R126): a chain of records, each on stable storage
 * before what it records is shown. Records stay until the broker has logged them.
 *
 * The chain's end (number, hash) is kept sealed under the agent's key: journal_open walks what is there and
 * names what was altered, left out or cut off; it repairs nothing.
 *
 * Threads: journal_append from any number of threads: those that come while one commits share the next commit (one
 * fsync). The others: one thread at a time.
 */
#ifndef KLUIS_AGENT_JOURNAL_H
#define KLUIS_AGENT_JOURNAL_H

#include "kluis/limits.h"
#include "kluis/store.h"
#include "kluis/wire.h"

struct journal;

/* Opens the journal of an agent's store. ERR_CORRUPT with a fault that names the record ("journal record 17 was
 * altered", "records 18 to 20 are missing"). */
enum err journal_open(struct store *store, const uint8_t seal_key[static KEY_SIZE], struct journal **ret_journal,
		      struct fault *fault) MUST_USE;
void journal_close(struct journal **journal);

/* One access; times and names as in JournalRecord. */
struct journal_access {
	uint64_t time_ms;
	uint64_t seen_size; /* last verified checkpoint */
	uint8_t seen_root[HASH_SIZE];
	uint8_t agreement[HASH_SIZE];
	uint8_t employee[PSEUDONYM_SIZE];
	const char *purpose;
	uint32_t field;
	enum err code;
	bool has_customer;
	uint8_t customer[PSEUDONYM_SIZE];
	bool has_disclosure; /* the next four */
	uint32_t version;
	uint64_t fields;
	uint32_t grant;
	uint64_t entry;
	/* counted against a grant's per-day in the same transaction, if count_grant >= 0 */
	int count_grant;
	int32_t count_day;
};
/* Durable when it returns ERR_OK; on any failure nothing may be shown. Never writes a time or a seen tree less than the
 * record before has. ERR_INPUT for what a record may not hold. */
enum err journal_append(struct journal *journal, const struct journal_access *access, uint64_t *ret_number) MUST_USE;
/* Distinct customers counted for a grant on a day, and whether this one is among them (struct use_facts). */
enum err journal_use(struct journal *journal, const uint8_t agreement[static HASH_SIZE], uint32_t grant, int32_t day,
		     struct slice customer, uint32_t *ret_customers, bool *ret_is_counted) MUST_USE;

/* Counts without a record, for an access that the broker's log has: of access only agreement, customer, count_grant and
 * count_day are read. Durable. */
enum err journal_count_elsewhere(struct journal *journal, const struct journal_access *access) MUST_USE;

/* Where the journal ends: what Lease and LocalAccess commit to. */
void journal_end(struct journal *journal, Kluis__JournalEnd *ret_end, uint8_t ret_hash[static HASH_SIZE]);
/* Records that the broker has not logged yet. */
uint64_t journal_waiting(struct journal *journal);
/* The oldest of these, at most count, encoded, in the arena. ret_first: number of the first. */
enum err journal_read(struct journal *journal, size_t count, struct arena *arena, ProtobufCBinaryData **ret_records,
		      size_t *ret_count, uint64_t *ret_first) MUST_USE;
/* The broker has logged all up to number: they are deleted. ERR_MISMATCH beyond the end. */
enum err journal_logged(struct journal *journal, uint64_t number) MUST_USE;

#endif
