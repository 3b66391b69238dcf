#include "journal.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "journal_chain.h"
#include "kluis/hash.h"
#include "kluis/journal.h"
#include "replica.h"

#define LOGGED_AT_ONCE 512 /* records deleted in one transaction */

/* An append that waits for its commit, on its caller's stack. */
struct waiting {
	struct waiting *next;
	const struct journal_access *access;
	uint64_t number;
	enum err code;
	bool is_done;
};

struct journal {
	struct store *store;
	uint8_t key[KEY_SIZE];
	pthread_mutex_t mutex;
	pthread_cond_t is_changed;
	struct journal_chain chain; /* as committed */
	struct waiting *first, **last;
	bool is_led;	  /* somebody commits */
	bool was_crowded; /* the last commit was shared */
};

/* ---- opening ---- */

static enum err check(struct store *store, const uint8_t key[static KEY_SIZE], struct journal_chain *ret_chain,
		      struct fault *fault)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;

	TRY(store_begin_read(store, &txn));
	enum err err = journal_chain_get(txn, key, ret_chain);
	if (err == ERR_CRYPTO || err == ERR_CORRUPT)
		return fault_set(fault, ERR_CORRUPT, "the row that says where the journal ends was altered");
	TRY(err);
	return journal_chain_check(txn, ret_chain, fault);
}

enum err journal_open(struct store *store, const uint8_t seal_key[static KEY_SIZE], struct journal **ret_journal,
		      struct fault *fault)
{
	struct journal_chain chain;

	TRY(check(store, seal_key, &chain, fault));
	struct journal *journal CLEANUP(journal_close) = calloc(1, sizeof *journal);
	if (journal == NULL)
		return ERR_MEMORY;
	pthread_mutex_init(&journal->mutex, NULL);
	pthread_cond_init(&journal->is_changed, NULL);
	journal->store = store;
	journal->chain = chain;
	journal->last = &journal->first;
	memcpy(journal->key, seal_key, KEY_SIZE);
	*ret_journal = journal;
	journal = NULL;
	return ERR_OK;
}

void journal_close(struct journal **journal)
{
	struct journal *old = *journal;

	if (old == NULL)
		return;
	assert(!old->is_led && old->first == NULL);
	pthread_cond_destroy(&old->is_changed);
	pthread_mutex_destroy(&old->mutex);
	wipe(old->key, sizeof old->key);
	free(old);
	*journal = NULL;
}

struct store *journal_store(struct journal *journal)
{
	return journal->store;
}

/* ---- appending ---- */

static ProtobufCBinaryData data_of(const uint8_t *bytes, size_t size)
{
	return wire_data(SLICE(bytes, size));
}

static void fill_shown(const struct journal_access *access, Kluis__JournalRecord *record)
{
	record->has_customer = access->has_customer;
	record->customer = data_of(access->customer, PSEUDONYM_SIZE);
	record->has_version = record->has_fields = record->has_grant = record->has_entry = access->has_disclosure;
	record->version = access->version;
	record->fields = access->fields;
	record->grant = access->grant;
	record->entry = access->entry;
}

static enum err encode(const struct journal_access *access, const struct journal_chain *chain, struct bytes *ret_bytes)
{
	Kluis__JournalRecord record = KLUIS__JOURNAL_RECORD__INIT;
	char purpose[NAME_MAX_ + 1] = "";

	/* too long a name stays empty, which no record may have */
	if (strlen(access->purpose) < sizeof purpose)
		memcpy(purpose, access->purpose, strlen(access->purpose));
	record.number = chain->number + 1;
	record.time_ms = chain->time_ms;
	record.before = data_of(chain->hash.bytes, HASH_SIZE);
	record.seen_size = chain->seen_size;
	record.seen_root = data_of(chain->seen_root.bytes, HASH_SIZE);
	record.agreement = data_of(access->agreement, HASH_SIZE);
	record.employee = data_of(access->employee, PSEUDONYM_SIZE);
	record.purpose = purpose;
	record.field = access->field;
	record.code = (uint32_t)access->code;
	fill_shown(access, &record);
	return journal_record_encode(&record, ret_bytes, NULL);
}

/* Neither time nor the log that was seen goes back from one record to the next (R126), also where two tills' accesses
 * come in another order than they were begun. */
static void move_on(struct journal_chain *chain, const struct journal_access *access)
{
	if (access->time_ms > chain->time_ms)
		chain->time_ms = access->time_ms;
	if (access->seen_size < chain->seen_size)
		return;
	chain->seen_size = access->seen_size;
	memcpy(chain->seen_root.bytes, access->seen_root, HASH_SIZE);
}

static enum err write_one(struct store_txn *txn, struct journal_chain *chain, struct waiting *waiting)
{
	struct bytes record CLEANUP(bytes_fini) = {0};
	struct journal_chain next = *chain;
	uint8_t place[JOURNAL_KEY_SIZE];

	bytes_init(&record, JOURNAL_RECORD_MAX);
	move_on(&next, waiting->access);
	TRY(encode(waiting->access, &next, &record));
	next.number++;
	journal_record_hash(bytes_slice(&record), &next.hash);
	store_append(txn, REPLICA_JOURNAL, journal_key(next.number, place), bytes_slice(&record));
	if (waiting->access->count_grant >= 0 && waiting->access->has_customer)
		TRY(journal_count(txn, waiting->access));
	waiting->number = next.number;
	*chain = next;
	return ERR_OK;
}

struct batch {
	struct journal *journal;
	struct waiting *first;
	struct journal_chain chain;
};

/* What a record may not hold is its caller's fault alone; whatever else fails, fails for all. */
static bool is_callers_fault(enum err err)
{
	return err == ERR_INPUT || err == ERR_TOO_LARGE;
}

static enum err write_batch(struct store_txn *txn, void *context)
{
	struct batch *batch = context;

	TRY(journal_chain_get(txn, batch->journal->key, &batch->chain));
	for (struct waiting *waiting = batch->first; waiting != NULL; waiting = waiting->next) {
		waiting->code = write_one(txn, &batch->chain, waiting);
		if (waiting->code != ERR_OK && !is_callers_fault(waiting->code))
			return waiting->code;
	}
	return journal_chain_put(txn, batch->journal->key, &batch->chain);
}

/* Those whom the last commit has just released mostly come again at once: one turn of the processor lets them. */
static void let_others_in(struct journal *journal)
{
	if (!journal->was_crowded)
		return;
	pthread_mutex_unlock(&journal->mutex);
	sched_yield();
	pthread_mutex_lock(&journal->mutex);
}

/* Commits all that wait, in one transaction; called and left with the mutex held. */
static void lead(struct journal *journal)
{
	struct batch batch = {.journal = journal};
	struct waiting *next;

	journal->is_led = true;
	let_others_in(journal);
	batch.first = journal->first;
	journal->was_crowded = batch.first->next != NULL;
	journal->first = NULL;
	journal->last = &journal->first;
	pthread_mutex_unlock(&journal->mutex);
	enum err err = store_update(journal->store, write_batch, &batch);
	pthread_mutex_lock(&journal->mutex);
	journal->is_led = false;
	if (err == ERR_OK) { /* what was logged meanwhile stands */
		batch.chain.logged = journal->chain.logged;
		batch.chain.logged_hash = journal->chain.logged_hash;
		journal->chain = batch.chain;
	}
	for (struct waiting *waiting = batch.first; waiting != NULL; waiting = next) {
		next = waiting->next; /* once it is done its owner may return */
		waiting->code = err != ERR_OK ? err : waiting->code;
		waiting->is_done = true;
	}
	pthread_cond_broadcast(&journal->is_changed);
}

enum err journal_append(struct journal *journal, const struct journal_access *access, uint64_t *ret_number)
{
	struct waiting waiting = {.access = access};

	pthread_mutex_lock(&journal->mutex);
	*journal->last = &waiting;
	journal->last = &waiting.next;
	while (!waiting.is_done) {
		if (journal->is_led)
			pthread_cond_wait(&journal->is_changed, &journal->mutex);
		else
			lead(journal);
	}
	pthread_mutex_unlock(&journal->mutex);
	TRY(waiting.code);
	*ret_number = waiting.number;
	return ERR_OK;
}

/* ---- the end, and uploading ---- */

void journal_end(struct journal *journal, Kluis__JournalEnd *ret_end, uint8_t ret_hash[static HASH_SIZE])
{
	kluis__journal_end__init(ret_end);
	pthread_mutex_lock(&journal->mutex);
	ret_end->number = journal->chain.number;
	memcpy(ret_hash, journal->chain.hash.bytes, HASH_SIZE);
	pthread_mutex_unlock(&journal->mutex);
	ret_end->hash = data_of(ret_hash, HASH_SIZE);
}

static struct journal_chain chain_of(struct journal *journal)
{
	pthread_mutex_lock(&journal->mutex);
	struct journal_chain chain = journal->chain;
	pthread_mutex_unlock(&journal->mutex);
	return chain;
}

uint64_t journal_waiting(struct journal *journal)
{
	struct journal_chain chain = chain_of(journal);

	return chain.number - chain.logged;
}

enum err journal_read(struct journal *journal, size_t count, struct arena *arena, ProtobufCBinaryData **ret_records,
		      size_t *ret_count, uint64_t *ret_first)
{
	struct journal_chain chain = chain_of(journal);
	struct store_txn *txn CLEANUP(store_end_read) = NULL;
	uint8_t place[JOURNAL_KEY_SIZE];
	struct slice bytes;

	if (count > chain.number - chain.logged)
		count = (size_t)(chain.number - chain.logged);
	ProtobufCBinaryData *records = arena_array(arena, count + 1, sizeof *records);
	if (records == NULL)
		return ERR_MEMORY;
	TRY(store_begin_read(journal->store, &txn));
	for (size_t i = 0; i < count; i++) {
		TRY(store_get(txn, REPLICA_JOURNAL, journal_key(chain.logged + 1 + i, place), &bytes));
		uint8_t *copy = arena_copy(arena, bytes);
		if (copy == NULL)
			return ERR_MEMORY;
		records[i] = data_of(copy, bytes.length);
	}
	*ret_records = records;
	*ret_count = count;
	*ret_first = chain.logged + 1;
	return ERR_OK;
}

struct deleting {
	struct journal *journal;
	uint64_t up_to;
	struct journal_chain chain;
};

static enum err delete_some(struct store_txn *txn, void *context)
{
	struct deleting *deleting = context;
	struct journal_chain *chain = &deleting->chain;
	uint8_t place[JOURNAL_KEY_SIZE];
	struct slice bytes;

	TRY(journal_chain_get(txn, deleting->journal->key, chain));
	if (deleting->up_to > chain->number)
		return ERR_MISMATCH;
	for (unsigned i = 0; i < LOGGED_AT_ONCE && chain->logged < deleting->up_to; i++) {
		TRY(store_get(txn, REPLICA_JOURNAL, journal_key(chain->logged + 1, place), &bytes));
		journal_record_hash(bytes, &chain->logged_hash);
		store_delete(txn, REPLICA_JOURNAL, SLICE_ARRAY(place));
		chain->logged++;
	}
	return journal_chain_put(txn, deleting->journal->key, chain);
}

enum err journal_logged(struct journal *journal, uint64_t number)
{
	struct deleting deleting = {.journal = journal, .up_to = number};

	while (deleting.up_to > chain_of(journal).logged) {
		TRY(store_update(journal->store, delete_some, &deleting));
		pthread_mutex_lock(&journal->mutex);
		journal->chain.logged = deleting.chain.logged;
		journal->chain.logged_hash = deleting.chain.logged_hash;
		pthread_mutex_unlock(&journal->mutex);
	}
	return ERR_OK;
}
