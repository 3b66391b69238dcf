#include "erased.h"

#include <stdio.h>
#include <string.h>

#include "kluis/hash.h"
#include "kluis/log.h"
#include "purged.h"

#define PREFIX "erased/"
#define HEX_SIZE (2 * PSEUDONYM_SIZE)
#define KEY_TEXT_SIZE (sizeof PREFIX + HEX_SIZE + 1 + NAME_MAX_)
#define ROW_SIZE (1 + 8 + 8 + 8)
#define ROWS_MAX 4096 /* of one sweep, of one list; the rest comes with the next */

struct erased_row {
	char purpose[NAME_MAX_ + 1];
	uint8_t customer[PSEUDONYM_SIZE];
	bool is_done;
	uint64_t customers, waiting, time_ms;
};

/* ---- rows ---- */

static struct slice row_key(const char *purpose, const uint8_t customer[static PSEUDONYM_SIZE],
			    char place[static KEY_TEXT_SIZE])
{
	char hex[HEX_SIZE + 1];

	hex_print(SLICE(customer, PSEUDONYM_SIZE), hex);
	snprintf(place, KEY_TEXT_SIZE, PREFIX "%s/%s", hex, purpose);
	return slice_text(place);
}

static enum err decode(struct slice value, struct erased_row *row)
{
	struct reader reader = reader_of(value);

	row->is_done = reader_u8(&reader) == 1;
	row->customers = reader_u64(&reader);
	row->waiting = reader_u64(&reader);
	row->time_ms = reader_u64(&reader);
	return reader.is_short ? ERR_CORRUPT : ERR_OK;
}

static void put(struct store_txn *txn, const struct erased_row *row)
{
	char place[KEY_TEXT_SIZE];
	uint8_t value[ROW_SIZE];

	value[0] = row->is_done;
	put_u64(value + 1, row->customers);
	put_u64(value + 9, row->waiting);
	put_u64(value + 17, row->time_ms);
	store_put(txn, REPLICA_META, row_key(row->purpose, row->customer, place), SLICE_ARRAY(value));
}

/* ERR_NOT_FOUND. */
static enum err get(struct store_txn *txn, struct erased_row *row)
{
	char place[KEY_TEXT_SIZE];
	struct slice value;

	TRY(store_get(txn, REPLICA_META, row_key(row->purpose, row->customer, place), &value));
	return decode(value, row);
}

enum err erased_note(struct store_txn *txn, const char *purpose, struct slice customer, bool was_there)
{
	struct erased_row row = {.is_done = false};

	snprintf(row.purpose, sizeof row.purpose, "%s", purpose);
	memcpy(row.customer, customer.data, PSEUDONYM_SIZE);
	enum err err = get(txn, &row);
	if (err == ERR_OK && !was_there) /* told again: it is under way */
		return ERR_OK;
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return err;
	row.is_done = false;
	row.customers |= was_there;
	put(txn, &row);
	return ERR_OK;
}

/* ---- lists ---- */

static enum err read_row(struct slice key, struct slice value, struct erased_row *ret_row)
{
	struct slice hex = slice_part(key, sizeof PREFIX - 1, HEX_SIZE);
	struct slice purpose = slice_part(key, sizeof PREFIX + HEX_SIZE, key.length);
	struct erased_row row = {.is_done = false};

	if (purpose.length == 0 || purpose.length > NAME_MAX_ || hex_parse(hex, row.customer, PSEUDONYM_SIZE) != ERR_OK)
		return ERR_CORRUPT;
	memcpy(row.purpose, purpose.data, purpose.length);
	TRY(decode(value, &row));
	*ret_row = row;
	return ERR_OK;
}

static enum err list(struct store *store, bool is_done, struct arena *arena, struct erased_row **ret_rows,
		     size_t *ret_count)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;
	struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
	struct slice prefix = slice_text(PREFIX), key, value;
	struct erased_row *rows = arena_array(arena, ROWS_MAX, sizeof *rows);
	size_t count = 0;

	if (rows == NULL)
		return ERR_MEMORY;
	TRY(store_begin_read(store, &txn));
	TRY(store_seek(txn, REPLICA_META, prefix, &cursor));
	while (count < ROWS_MAX && store_next(cursor, &key, &value) &&
	       slice_equal(slice_part(key, 0, prefix.length), prefix)) {
		TRY(read_row(key, value, &rows[count]));
		count += rows[count].is_done == is_done;
	}
	TRY(store_txn_status(txn));
	*ret_rows = rows;
	*ret_count = count;
	return ERR_OK;
}

enum err erased_is_pending(struct store *store, bool *ret_is_pending)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct erased_row *rows;
	size_t count;

	arena_init(&arena, REQUEST_ARENA_MAX);
	TRY(list(store, false, &arena, &rows, &count));
	*ret_is_pending = count > 0;
	return ERR_OK;
}

/* ---- the sweep ---- */

/* Of one purpose. */
struct sweeping {
	const char *purpose;
	struct erased_row *rows; /* of all purposes */
	size_t count;
	uint64_t time_ms;
};

static bool is_of(const struct sweeping *sweeping, size_t i)
{
	return strcmp(sweeping->rows[i].purpose, sweeping->purpose) == 0;
}

static enum err count_items(struct store_txn *txn, uint64_t count, void *context)
{
	struct erased_row *row = context, now = *row;

	TRY(get(txn, &now));
	now.waiting += count;
	put(txn, &now);
	return ERR_OK;
}

static enum err empty_outbox(const struct sweeping *sweeping, struct outbox *outbox, bool *ret_is_under_way)
{
	bool is_under_way;

	*ret_is_under_way = false;
	for (size_t i = 0; i < sweeping->count; i++) {
		if (!is_of(sweeping, i))
			continue;
		TRY(outbox_erase(outbox, SLICE_ARRAY(sweeping->rows[i].customer), count_items, &sweeping->rows[i],
				 &is_under_way));
		*ret_is_under_way = *ret_is_under_way || is_under_way;
	}
	return ERR_OK;
}

static enum err end(struct store_txn *txn, void *context)
{
	const struct sweeping *sweeping = context;

	for (size_t i = 0; i < sweeping->count; i++) {
		struct erased_row row = sweeping->rows[i];

		if (!is_of(sweeping, i))
			continue;
		TRY(get(txn, &row));
		row.is_done = true;
		row.time_ms = sweeping->time_ms;
		put(txn, &row);
	}
	return ERR_OK;
}

static enum err sweep_purpose(const struct replica *replica, struct outbox *outbox, struct sweeping *sweeping)
{
	static struct log_topic topic = LOG_TOPIC("copy");
	bool is_under_way;

	TRY(empty_outbox(sweeping, outbox, &is_under_way));
	if (is_under_way)
		return ERR_OK;
	enum err err = replica_reseal(replica, sweeping->purpose);
	if (err != ERR_EXPIRED) /* without a key there is no copy any more */
		TRY(err);
	TRY(store_update(replica->store, end, sweeping));
	log_event(&topic, "customers were erased; the copy for '%s' is sealed under another key", sweeping->purpose);
	return ERR_OK;
}

static bool is_first(const struct sweeping *sweeping, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (strcmp(sweeping->rows[j].purpose, sweeping->rows[i].purpose) == 0)
			return false;
	return true;
}

enum err erased_sweep(const struct replica *replica, struct outbox *outbox, uint64_t time_ms)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct sweeping sweeping = {.time_ms = time_ms};

	arena_init(&arena, REQUEST_ARENA_MAX);
	TRY(list(replica->store, false, &arena, &sweeping.rows, &sweeping.count));
	for (size_t i = 0; i < sweeping.count; i++) {
		sweeping.purpose = sweeping.rows[i].purpose;
		if (is_first(&sweeping, i))
			TRY(sweep_purpose(replica, outbox, &sweeping));
	}
	return ERR_OK;
}

/* ---- certificates ---- */

static struct purge_certificate certificate_of(const struct erased_row *row)
{
	struct purge_certificate certificate = {.reason = ERR_ERASED,
						.has_customer = true,
						.customers = row->customers,
						.waiting = row->waiting,
						.time_ms = row->time_ms};

	memcpy(certificate.purpose, row->purpose, sizeof certificate.purpose);
	memcpy(certificate.customer, row->customer, PSEUDONYM_SIZE);
	return certificate;
}

enum err erased_certificates(struct store *store, struct arena *arena, struct purge_certificate **ret_certificates,
			     size_t *ret_count)
{
	struct purge_certificate *purges, *all;
	struct erased_row *rows;
	size_t purge_count, count;

	TRY(purged_list(store, arena, &purges, &purge_count));
	TRY(list(store, true, arena, &rows, &count));
	all = arena_array(arena, purge_count + count + 1, sizeof *all);
	if (all == NULL)
		return ERR_MEMORY;
	if (purge_count > 0)
		memcpy(all, purges, purge_count * sizeof *all);
	for (size_t i = 0; i < count; i++)
		all[purge_count + i] = certificate_of(&rows[i]);
	*ret_certificates = all;
	*ret_count = purge_count + count;
	return ERR_OK;
}

static enum err take_off(struct store_txn *txn, void *context)
{
	const struct purge_certificate *certificate = context;
	struct erased_row row = {.is_done = false};
	char place[KEY_TEXT_SIZE];

	memcpy(row.purpose, certificate->purpose, sizeof row.purpose);
	memcpy(row.customer, certificate->customer, PSEUDONYM_SIZE);
	TRY(get(txn, &row));
	if (row.is_done)
		store_delete(txn, REPLICA_META, row_key(row.purpose, row.customer, place));
	return ERR_OK;
}

enum err erased_certified(struct store *store, const struct purge_certificate *certificate)
{
	struct purge_certificate taken = *certificate;

	if (!certificate->has_customer)
		return purged_certified(store, certificate);
	return store_update(store, take_off, &taken);
}
