#include "purged.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kluis/decide.h"
#include "kluis/log.h"

#define PREFIX "purged/"
#define ROW_SIZE (1 + 4 + 8 + 8 + 8 + 8)
#define ROWS_MAX 256 /* purposes of several charters */

struct purge_row {
	bool is_done;
	enum err reason;
	uint64_t customers, waiting; /* of what is not certified yet */
	uint64_t time_ms;	     /* of the last purge, each later than the one before */
	uint64_t certified_ms;	     /* of the last one that the broker has a certificate of */
};

/* ---- rows ---- */

static struct slice row_key(const char *purpose, char place[static sizeof PREFIX + NAME_MAX_])
{
	snprintf(place, sizeof PREFIX + NAME_MAX_, PREFIX "%s", purpose);
	return slice_text(place);
}

static enum err decode(struct slice value, struct purge_row *ret_row)
{
	struct reader reader = reader_of(value);

	ret_row->is_done = reader_u8(&reader) == 1;
	ret_row->reason = (enum err)reader_u32(&reader);
	ret_row->customers = reader_u64(&reader);
	ret_row->waiting = reader_u64(&reader);
	ret_row->time_ms = reader_u64(&reader);
	ret_row->certified_ms = reader_u64(&reader);
	return reader.is_short ? ERR_CORRUPT : ERR_OK;
}

/* All zeros, and not done, if there is none. */
static enum err get(struct store_txn *txn, const char *purpose, bool *ret_is_there, struct purge_row *ret_row)
{
	char place[sizeof PREFIX + NAME_MAX_];
	struct slice value;
	enum err err = store_get(txn, REPLICA_META, row_key(purpose, place), &value);

	*ret_is_there = err == ERR_OK;
	*ret_row = (struct purge_row){.is_done = false};
	if (err == ERR_NOT_FOUND)
		return ERR_OK;
	TRY(err);
	return decode(value, ret_row);
}

static void put(struct store_txn *txn, const char *purpose, const struct purge_row *row)
{
	char place[sizeof PREFIX + NAME_MAX_];
	uint8_t value[ROW_SIZE];

	value[0] = row->is_done;
	put_u32(value + 1, (uint32_t)row->reason);
	put_u64(value + 5, row->customers);
	put_u64(value + 13, row->waiting);
	put_u64(value + 21, row->time_ms);
	put_u64(value + 29, row->certified_ms);
	store_put(txn, REPLICA_META, row_key(purpose, place), SLICE_ARRAY(value));
}

static bool is_uncertified(const struct purge_row *row)
{
	return row->time_ms > row->certified_ms;
}

/* To what is to be certified already. */
static enum err add(struct store_txn *txn, const char *purpose, const struct purge_row *more)
{
	struct purge_row row;
	bool is_there;

	TRY(get(txn, purpose, &is_there, &row));
	row.is_done = more->is_done;
	row.reason = more->reason;
	row.customers += more->customers;
	row.waiting += more->waiting;
	row.time_ms = more->time_ms > row.time_ms ? more->time_ms : row.time_ms + 1;
	put(txn, purpose, &row);
	return ERR_OK;
}

/* ---- purging ---- */

struct purging {
	const char *purpose;
	struct purge_row found;
};

/* What an interrupted purge has written down stands: the counts are as they were before it. */
static enum err begin(struct store_txn *txn, void *context)
{
	const struct purging *purging = context;
	struct purge_row row;
	bool is_there;

	TRY(get(txn, purging->purpose, &is_there, &row));
	return is_there && !row.is_done ? ERR_OK : add(txn, purging->purpose, &purging->found);
}

static enum err end(struct store_txn *txn, void *context)
{
	const struct purging *purging = context;
	struct purge_row row;
	bool is_there;

	TRY(get(txn, purging->purpose, &is_there, &row));
	row.is_done = true;
	put(txn, purging->purpose, &row);
	return ERR_OK;
}

enum err purged_purge(const struct replica *replica, const char *purpose, enum err reason, uint64_t time_ms)
{
	static struct log_topic topic = LOG_TOPIC("copy");
	struct purging purging = {.purpose = purpose, .found = {.reason = reason, .time_ms = time_ms}};
	uint64_t customers;

	enum err err = replica_count(replica, purpose, &purging.found.customers);
	if (err == ERR_OK)
		err = store_update(replica->store, begin, &purging);
	if (err != ERR_OK) {
		/* what cannot be certified now must not be readable either */
		enum err worse = replica->keys.destroy(replica->keys.context, purpose);
		return worse != ERR_OK ? worse : err;
	}
	TRY(replica_purge(replica, purpose, &customers));
	TRY(store_update(replica->store, end, &purging));
	log_event(&topic, "the copy for '%s' was destroyed, %llu customers: %s", purpose,
		  (unsigned long long)purging.found.customers,
		  reason == ERR_EXPIRED ? "its lease or the agreement has ended" : error_text(reason));
	return ERR_OK;
}

static enum err count_items(struct store_txn *txn, uint64_t count, void *context)
{
	struct purge_row *row = context;

	row->waiting = count;
	return add(txn, "", row);
}

enum err purged_outbox(struct outbox *outbox, enum err reason, uint64_t time_ms)
{
	static struct log_topic topic = LOG_TOPIC("outbox");
	struct purge_row row = {.is_done = true, .reason = reason, .time_ms = time_ms};

	TRY(outbox_destroy(outbox, count_items, &row));
	log_event(&topic, "%llu items that waited were destroyed: %s", (unsigned long long)row.waiting,
		  error_text(reason));
	return ERR_OK;
}

static enum err read_one(struct store *store, const char *purpose, bool *ret_is_there, struct purge_row *ret_row)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;

	TRY(store_begin_read(store, &txn));
	return get(txn, purpose, ret_is_there, ret_row);
}

enum err purged_is_pending(struct store *store, const char *purpose, bool *ret_is_pending)
{
	struct purge_row row;
	bool is_there;

	TRY(read_one(store, purpose, &is_there, &row));
	*ret_is_pending = is_there && !row.is_done;
	return ERR_OK;
}

enum err purged_is_uncertified(struct store *store, const char *purpose, bool *ret_is_uncertified)
{
	struct purge_row row;
	bool is_there;

	TRY(read_one(store, purpose, &is_there, &row));
	*ret_is_uncertified = is_uncertified(&row);
	return ERR_OK;
}

/* ---- lists ---- */

struct listed {
	struct purge_certificate certificate;
	bool is_done, is_uncertified;
};

static enum err read_listed(struct slice key, struct slice value, struct listed *ret_listed)
{
	struct slice purpose = slice_part(key, sizeof PREFIX - 1, key.length);
	struct purge_row row;

	if (purpose.length > NAME_MAX_)
		return ERR_CORRUPT;
	TRY(decode(value, &row));
	*ret_listed = (struct listed){.is_done = row.is_done,
				      .is_uncertified = is_uncertified(&row),
				      .certificate = {.reason = row.reason,
						      .customers = row.customers,
						      .waiting = row.waiting,
						      .time_ms = row.time_ms}};
	if (purpose.length > 0)
		memcpy(ret_listed->certificate.purpose, purpose.data, purpose.length);
	return ERR_OK;
}

static enum err list(struct store *store, struct arena *arena, struct listed **ret_listed, size_t *ret_count)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;
	struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
	struct slice prefix = slice_text(PREFIX), key, value;
	struct listed *rows = arena_array(arena, ROWS_MAX, sizeof *rows);
	size_t count = 0;

	if (rows == NULL)
		return ERR_MEMORY;
	TRY(store_begin_read(store, &txn));
	TRY(store_seek(txn, REPLICA_META, prefix, &cursor));
	while (count < ROWS_MAX && store_next(cursor, &key, &value) &&
	       slice_equal(slice_part(key, 0, prefix.length), prefix))
		TRY(read_listed(key, value, &rows[count++]));
	TRY(store_txn_status(txn));
	*ret_listed = rows;
	*ret_count = count;
	return ERR_OK;
}

static int by_time(const void *a, const void *b)
{
	const struct purge_certificate *left = a, *right = b;

	if (left->time_ms != right->time_ms)
		return left->time_ms < right->time_ms ? -1 : 1;
	return strcmp(left->purpose, right->purpose);
}

enum err purged_list(struct store *store, struct arena *arena, struct purge_certificate **ret_certificates,
		     size_t *ret_count)
{
	struct listed *rows;
	size_t row_count, count = 0;

	TRY(list(store, arena, &rows, &row_count));
	struct purge_certificate *certificates = arena_array(arena, row_count + 1, sizeof *certificates);
	if (certificates == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < row_count; i++)
		if (rows[i].is_done && rows[i].is_uncertified)
			certificates[count++] = rows[i].certificate;
	qsort(certificates, count, sizeof *certificates, by_time);
	*ret_certificates = certificates;
	*ret_count = count;
	return ERR_OK;
}

enum err purged_pending(struct store *store, struct arena *arena, char ***ret_purposes, size_t *ret_count)
{
	struct listed *rows;
	size_t row_count, count = 0;

	TRY(list(store, arena, &rows, &row_count));
	char **purposes = arena_array(arena, row_count + 1, sizeof *purposes);
	if (purposes == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < row_count; i++)
		if (!rows[i].is_done)
			purposes[count++] = rows[i].certificate.purpose;
	*ret_purposes = purposes;
	*ret_count = count;
	return ERR_OK;
}

static uint64_t less(uint64_t count, uint64_t by)
{
	return count > by ? count - by : 0;
}

/* What was added since it was sent is still to be certified; what is answered again after a crash is certified once. */
static enum err take_off(struct store_txn *txn, void *context)
{
	const struct purge_certificate *taken = context;
	struct purge_row row;
	bool is_there;

	TRY(get(txn, taken->purpose, &is_there, &row));
	if (!is_there || taken->time_ms <= row.certified_ms)
		return ERR_NOT_FOUND;
	row.customers = less(row.customers, taken->customers);
	row.waiting = less(row.waiting, taken->waiting);
	row.certified_ms = taken->time_ms;
	put(txn, taken->purpose, &row);
	return ERR_OK;
}

enum err purged_certified(struct store *store, const struct purge_certificate *certificate)
{
	struct purge_certificate taken = *certificate;

	return store_update(store, take_off, &taken);
}

void purged_operation(const struct purge_certificate *certificate, char name[static NAME_MAX_ + 1],
		      Kluis__Purge *ret_purge, Kluis__Operation *ret_operation)
{
	kluis__purge__init(ret_purge);
	ret_purge->reason = (uint32_t)certificate->reason;
	ret_purge->customers = certificate->customers;
	ret_purge->waiting = certificate->waiting;
	ret_purge->time_ms = certificate->time_ms;
	ret_purge->has_customer = certificate->has_customer;
	if (certificate->has_customer)
		ret_purge->customer = wire_data(SLICE_ARRAY(certificate->customer));
	kluis__operation__init(ret_operation);
	snprintf(name, NAME_MAX_ + 1, "%s", certificate->purpose);
	ret_operation->purpose = name[0] == '\0' ? NULL : name;
	ret_operation->kind_case = KLUIS__OPERATION__KIND_PURGE;
	ret_operation->purge = ret_purge;
}

void purged_of(const Kluis__Operation *operation, struct purge_certificate *ret_certificate)
{
	const Kluis__Purge *purge = operation->purge;

	*ret_certificate = (struct purge_certificate){.reason = (enum err)purge->reason,
						      .customers = purge->customers,
						      .waiting = purge->waiting,
						      .time_ms = purge->time_ms,
						      .has_customer = purge->has_customer};
	if (purge->has_customer)
		memcpy(ret_certificate->customer, purge->customer.data, PSEUDONYM_SIZE);
	snprintf(ret_certificate->purpose, sizeof ret_certificate->purpose, "%s",
		 operation->purpose == NULL ? "" : operation->purpose);
}

/* ---- whether ---- */

/* R80 to R86, as the broker decides on a lease. What a grant's own validity or territory refuses closes the copy but
 * destroys it only at the lease's end: the broker does not ask for more (R129). */
enum err purged_judge(const struct purged_question *question, const char *purpose, bool *ret_is_over)
{
	struct decide_input input = {.charter = question->charter,
				     .agreement = question->agreement,
				     .state = question->state,
				     .operation = OPERATION_SYNC,
				     .purpose = slice_text(purpose),
				     .time_s = question->now_ms / 1000};
	struct replica_lease lease;
	struct verdict verdict;

	decide(&input, &verdict);
	*ret_is_over = verdict.code != ERR_OK && !verdict.has_grant;
	if (*ret_is_over)
		return verdict.code;
	enum err err = replica_lease(question->replica, purpose, &lease);
	if (err != ERR_OK) {
		/* a lease that was altered is none */
		*ret_is_over = err == ERR_CRYPTO || err == ERR_CORRUPT;
		return err;
	}
	*ret_is_over = !lease.has_key || question->now_ms >= lease.until_ms;
	return *ret_is_over ? ERR_EXPIRED : verdict.code;
}
