#include "replica.h"

#include <stdio.h>
#include <string.h>

#define ROW_HEAD (4 + 8 + 4 + 8)
#define ROW_MAX (RECORD_MAX + ROW_HEAD)
#define KEY_MAX (NAME_MAX_ + 1 + PSEUDONYM_SIZE)

static const char *const table_names[REPLICA_TABLE_COUNT] = {"meta",	"customer", "staff", "handle", "lease",
							     "journal", "outbox",   "use",   "alarm"};

const struct store_layout replica_layout = {
	.tables = table_names, .table_count = REPLICA_TABLE_COUNT, .schema = 2, .application = "kluis-agent"};

/* ---- keys ---- */

/* "<purpose>" || 0 || pseudonym: the rows of a purpose stand together. */
static struct slice row_key(const char *purpose, struct slice customer, uint8_t place[static KEY_MAX])
{
	size_t length = strlen(purpose);

	memcpy(place, purpose, length);
	place[length] = 0;
	if (customer.length > 0)
		memcpy(place + length + 1, customer.data, customer.length);
	return SLICE(place, length + 1 + customer.length);
}

static struct slice cursor_key(const char *purpose, uint8_t place[static KEY_MAX])
{
	return row_key(purpose, SLICE_EMPTY, place);
}

static bool is_of_purpose(struct slice key, struct slice prefix)
{
	return key.length == prefix.length + PSEUDONYM_SIZE && memcmp(key.data, prefix.data, prefix.length) == 0;
}

/* ---- cursor ---- */

static enum err read_cursor(struct store_txn *txn, const char *purpose, const uint8_t agreement[static HASH_SIZE],
			    uint64_t *ret_cursor)
{
	uint8_t place[KEY_MAX];
	struct slice value;
	enum err err = store_get(txn, REPLICA_META, cursor_key(purpose, place), &value);

	*ret_cursor = 0;
	if (err == ERR_NOT_FOUND)
		return ERR_OK;
	TRY(err);
	if (value.length != HASH_SIZE + 8)
		return ERR_CORRUPT;
	if (memcmp(value.data, agreement, HASH_SIZE) == 0)
		*ret_cursor = get_u64(value.data + HASH_SIZE);
	return ERR_OK;
}

enum err replica_cursor(const struct replica *replica, const char *purpose, const uint8_t agreement[static HASH_SIZE],
			uint64_t *ret_cursor)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;

	TRY(store_begin_read(replica->store, &txn));
	return read_cursor(txn, purpose, agreement, ret_cursor);
}

/* "<purpose>" || 0 || "d": beside the purpose's cursor. */
static struct slice day_key(const char *purpose, uint8_t place[static KEY_MAX])
{
	return row_key(purpose, slice_text("d"), place);
}

enum err replica_begun(const struct replica *replica, const char *purpose, int32_t *ret_day)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;
	uint8_t place[KEY_MAX];
	struct slice value;

	TRY(store_begin_read(replica->store, &txn));
	TRY(store_get(txn, REPLICA_META, day_key(purpose, place), &value));
	if (value.length != 4)
		return ERR_CORRUPT;
	*ret_day = (int32_t)get_u32(value.data);
	return ERR_OK;
}

static void write_day(struct store_txn *txn, const struct replica_page *page)
{
	uint8_t place[KEY_MAX], value[4];

	put_u32(value, (uint32_t)page->day);
	store_put(txn, REPLICA_META, day_key(page->purpose, place), SLICE_ARRAY(value));
}

static enum err forget(struct store_txn *txn, void *purpose)
{
	uint8_t place[KEY_MAX];

	store_delete(txn, REPLICA_META, cursor_key(purpose, place));
	return ERR_OK;
}

enum err replica_forget(const struct replica *replica, const char *purpose)
{
	char name[NAME_MAX_ + 1];

	snprintf(name, sizeof name, "%s", purpose);
	return store_update(replica->store, forget, name);
}

static void write_cursor(struct store_txn *txn, const struct replica_page *page)
{
	uint8_t place[KEY_MAX], value[HASH_SIZE + 8];

	memcpy(value, page->agreement, HASH_SIZE);
	put_u64(value + HASH_SIZE, page->result->cursor);
	store_put(txn, REPLICA_META, cursor_key(page->purpose, place), SLICE_ARRAY(value));
}

/* ---- applying a page ---- */

struct applying {
	const struct replica *replica;
	const struct replica_page *page;
	uint64_t written, removed;
};

/* Rows that another agreement gave do not stand beside this one's. */
static enum err drop_purpose(struct store_txn *txn, const char *purpose)
{
	uint8_t place[KEY_MAX], copy[KEY_MAX];
	struct slice prefix = row_key(purpose, SLICE_EMPTY, place), key, value;

	for (;;) {
		struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
		TRY(store_seek(txn, REPLICA_CUSTOMER, prefix, &cursor));
		if (!store_next(cursor, &key, &value) || !is_of_purpose(key, prefix))
			return store_txn_status(txn);
		memcpy(copy, key.data, key.length);
		store_delete(txn, REPLICA_CUSTOMER, SLICE(copy, key.length));
		TRY(store_txn_status(txn));
	}
}

static enum err write_row(struct applying *applying, struct store_txn *txn, const Kluis__Disclosure *disclosure,
			  const Kluis__Part *part)
{
	uint8_t place[KEY_MAX];
	struct bytes plain CLEANUP(bytes_fini) = {0}, sealed CLEANUP(bytes_fini) = {0};
	struct slice key = row_key(applying->page->purpose, wire_slice(disclosure->customer), place);

	bytes_init_secret(&plain, ROW_MAX);
	bytes_init(&sealed, ROW_MAX + SEAL_OVERHEAD);
	TRY(bytes_append_u32(&plain, disclosure->version));
	TRY(bytes_append_u64(&plain, disclosure->fields));
	TRY(bytes_append_u32(&plain, disclosure->grant));
	TRY(bytes_append_u64(&plain, applying->page->entry_index));
	TRY(bytes_append(&plain, wire_slice(part->content)));
	TRY(seal(applying->replica->key, key, bytes_slice(&plain), &sealed));
	store_put(txn, REPLICA_CUSTOMER, key, bytes_slice(&sealed));
	applying->written++;
	return ERR_OK;
}

static void remove_row(struct applying *applying, struct store_txn *txn, const Kluis__Disclosure *disclosure)
{
	uint8_t place[KEY_MAX];
	struct slice value, key = row_key(applying->page->purpose, wire_slice(disclosure->customer), place);

	if (store_get(txn, REPLICA_CUSTOMER, key, &value) != ERR_OK)
		return;
	store_delete(txn, REPLICA_CUSTOMER, key);
	applying->removed++;
}

static enum err apply_rows(struct applying *applying, struct store_txn *txn)
{
	const struct replica_page *page = applying->page;
	size_t parts = 0;

	for (size_t i = 0; i < page->result->n_disclosures; i++) {
		const Kluis__Disclosure *disclosure = page->result->disclosures[i];
		if (!disclosure->has_commitment) {
			remove_row(applying, txn, disclosure);
			continue;
		}
		if (parts == page->part_count)
			return ERR_MISMATCH;
		TRY(write_row(applying, txn, disclosure, page->parts[parts++]));
	}
	return parts == page->part_count ? ERR_OK : ERR_MISMATCH;
}

static enum err apply(struct store_txn *txn, void *context)
{
	struct applying *applying = context;
	uint64_t cursor;

	applying->written = applying->removed = 0;
	TRY(read_cursor(txn, applying->page->purpose, applying->page->agreement, &cursor));
	if (cursor == 0) {
		TRY(drop_purpose(txn, applying->page->purpose));
		write_day(txn, applying->page);
	}
	TRY(apply_rows(applying, txn));
	write_cursor(txn, applying->page);
	return ERR_OK;
}

enum err replica_apply(const struct replica *replica, const struct replica_page *page, uint64_t *ret_written,
		       uint64_t *ret_removed)
{
	struct applying applying = {.replica = replica, .page = page};

	TRY(store_update(replica->store, apply, &applying));
	*ret_written = applying.written;
	*ret_removed = applying.removed;
	return ERR_OK;
}

/* ---- purposes that are no longer granted ---- */

struct keeping {
	const char *const *purposes;
	size_t count;
	uint64_t removed;
};

static bool is_kept(const struct keeping *keeping, struct slice key)
{
	uint8_t place[KEY_MAX];

	for (size_t i = 0; i < keeping->count; i++)
		if (is_of_purpose(key, row_key(keeping->purposes[i], SLICE_EMPTY, place)))
			return true;
	return false;
}

static enum err keep(struct store_txn *txn, void *context)
{
	struct keeping *keeping = context;
	struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
	struct slice key, value;
	uint8_t copy[KEY_MAX];

	keeping->removed = 0;
	TRY(store_seek(txn, REPLICA_CUSTOMER, SLICE_EMPTY, &cursor));
	while (store_next(cursor, &key, &value)) {
		if (key.length <= PSEUDONYM_SIZE || key.length > sizeof copy || is_kept(keeping, key))
			continue;
		memcpy(copy, key.data, key.length);
		store_delete(txn, REPLICA_CUSTOMER, SLICE(copy, key.length));
		/* under the same agreement again, the first page is to come again */
		store_delete(txn, REPLICA_META, SLICE(copy, key.length - PSEUDONYM_SIZE));
		keeping->removed++;
	}
	return store_txn_status(txn);
}

enum err replica_keep(const struct replica *replica, const char *const *purposes, size_t count, uint64_t *ret_removed)
{
	struct keeping keeping = {.purposes = purposes, .count = count};

	TRY(store_update(replica->store, keep, &keeping));
	*ret_removed = keeping.removed;
	return ERR_OK;
}

/* ---- reading ---- */

static enum err open_row(const struct replica *replica, struct slice key, struct slice sealed, replica_fn *visit,
			 void *context)
{
	struct bytes plain CLEANUP(bytes_fini) = {0};

	bytes_init_secret(&plain, ROW_MAX);
	TRY(unseal(replica->key, key, sealed, &plain));
	struct reader reader = reader_of(bytes_slice(&plain));
	struct replica_row row = {.customer = slice_part(key, key.length - PSEUDONYM_SIZE, PSEUDONYM_SIZE)};
	row.version = reader_u32(&reader);
	row.fields = reader_u64(&reader);
	row.grant = reader_u32(&reader);
	row.entry_index = reader_u64(&reader);
	row.content = reader.rest;
	return reader.is_short ? ERR_CORRUPT : visit(context, &row);
}

enum err replica_each(const struct replica *replica, const char *purpose, replica_fn *visit, void *context)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;
	struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
	uint8_t place[KEY_MAX];
	struct slice prefix = row_key(purpose, SLICE_EMPTY, place), key, value;

	TRY(store_begin_read(replica->store, &txn));
	TRY(store_seek(txn, REPLICA_CUSTOMER, prefix, &cursor));
	while (store_next(cursor, &key, &value) && is_of_purpose(key, prefix))
		TRY(open_row(replica, key, value, visit, context));
	return ERR_OK;
}

enum err replica_count(const struct replica *replica, const char *purpose, uint64_t *ret_count)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;
	struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
	uint8_t place[KEY_MAX];
	struct slice prefix = row_key(purpose, SLICE_EMPTY, place), key, value;
	uint64_t count = 0;

	TRY(store_begin_read(replica->store, &txn));
	TRY(store_seek(txn, REPLICA_CUSTOMER, prefix, &cursor));
	while (store_next(cursor, &key, &value) && is_of_purpose(key, prefix))
		count++;
	*ret_count = count;
	return ERR_OK;
}
