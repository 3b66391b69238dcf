/*
 * A sync's page into the copy: rows, the index of their handles, and the cursor, in one transaction.
 */
#include <string.h>

#include "erased.h"
#include "replica_row.h"
#include "sealed_row.h"

struct applying {
	const struct replica *replica;
	const struct replica_page *page;
	const struct copy_key *key;
	uint64_t written, removed;
};

/* ---- handles ---- */

enum index_change { INDEX_ADD, INDEX_REMOVE };

/* handle || pseudonym -> nothing, for each handle of a row's content. */
static enum err index_content(struct store_txn *txn, const char *purpose, struct slice customer, struct slice content,
			      enum index_change change)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	uint8_t place[REPLICA_KEY_MAX], both[HANDLE_SIZE + PSEUDONYM_SIZE];
	Kluis__Values *values;

	arena_init(&arena, REQUEST_ARENA_MAX);
	TRY(WIRE_DECODE(Values, values, content, &arena, &values));
	for (size_t i = 0; i < values->n_handles; i++) {
		if (values->handles[i]->hash.len != HANDLE_SIZE)
			return ERR_INPUT;
		memcpy(both, values->handles[i]->hash.data, HANDLE_SIZE);
		memcpy(both + HANDLE_SIZE, customer.data, PSEUDONYM_SIZE);
		struct slice key = replica_key(purpose, SLICE_ARRAY(both), place);
		if (change == INDEX_ADD)
			store_put(txn, REPLICA_HANDLE, key, SLICE_EMPTY);
		else
			store_delete(txn, REPLICA_HANDLE, key);
	}
	return ERR_OK;
}

struct unindexing {
	struct store_txn *txn;
	const char *purpose;
};

static enum err unindex(void *context, const struct replica_row *row)
{
	const struct unindexing *unindexing = context;
	enum err err = index_content(unindexing->txn, unindexing->purpose, row->customer, row->content, INDEX_REMOVE);

	return err == ERR_INPUT ? ERR_CORRUPT : err;
}

/* ---- rows ---- */

/* Takes the row that is there out, with its handles. */
static enum err take_out(struct applying *applying, struct store_txn *txn, struct slice key, bool *ret_was_there)
{
	struct unindexing unindexing = {.txn = txn, .purpose = applying->page->purpose};
	struct bytes sealed CLEANUP(bytes_fini) = {0};
	struct slice value;
	enum err err = store_get(txn, REPLICA_CUSTOMER, key, &value);

	*ret_was_there = err == ERR_OK;
	if (err == ERR_NOT_FOUND)
		return ERR_OK;
	TRY(err);
	/* a value is gone at the next write */
	bytes_init(&sealed, REPLICA_ROW_MAX + SEAL_OVERHEAD);
	TRY(bytes_append(&sealed, value));
	TRY(replica_open_row(applying->key, key, bytes_slice(&sealed), unindex, &unindexing));
	store_delete(txn, REPLICA_CUSTOMER, key);
	return ERR_OK;
}

static enum err seal_row(const struct applying *applying, struct slice key, const Kluis__Disclosure *disclosure,
			 struct slice content, struct bytes *ret_sealed)
{
	struct bytes plain CLEANUP(bytes_fini) = {0};

	bytes_init_secret(&plain, REPLICA_ROW_MAX);
	TRY(bytes_append_u32(&plain, disclosure->version));
	TRY(bytes_append_u64(&plain, disclosure->fields));
	TRY(bytes_append_u32(&plain, disclosure->grant));
	TRY(bytes_append_u64(&plain, applying->page->entry_index));
	TRY(bytes_append(&plain, content));
	return seal(applying->key->bytes, key, bytes_slice(&plain), ret_sealed);
}

static enum err write_row(struct applying *applying, struct store_txn *txn, const Kluis__Disclosure *disclosure,
			  const Kluis__Part *part)
{
	struct slice customer = wire_slice(disclosure->customer), content = wire_slice(part->content);
	uint8_t place[REPLICA_KEY_MAX];
	struct slice key = replica_key(applying->page->purpose, customer, place);
	struct bytes sealed CLEANUP(bytes_fini) = {0};
	bool was_there;

	bytes_init(&sealed, REPLICA_ROW_MAX + SEAL_OVERHEAD);
	TRY(take_out(applying, txn, key, &was_there));
	TRY(seal_row(applying, key, disclosure, content, &sealed));
	store_put(txn, REPLICA_CUSTOMER, key, bytes_slice(&sealed));
	applying->written++;
	enum err err = index_content(txn, applying->page->purpose, customer, content, INDEX_ADD);
	return err == ERR_INPUT ? ERR_MISMATCH : err;
}

static enum err remove_row(struct applying *applying, struct store_txn *txn, const Kluis__Disclosure *disclosure)
{
	uint8_t place[REPLICA_KEY_MAX];
	bool was_there;

	TRY(take_out(applying, txn, replica_key(applying->page->purpose, wire_slice(disclosure->customer), place),
		     &was_there));
	applying->removed += was_there;
	if (disclosure->withheld == ERR_ERASED)
		return erased_note(txn, applying->page->purpose, wire_slice(disclosure->customer), was_there);
	return ERR_OK;
}

static enum err apply_rows(struct applying *applying, struct store_txn *txn)
{
	const struct replica_page *page = applying->page;
	size_t parts = 0;

	for (size_t i = 0; i < page->result->n_disclosures; i++) {
		const Kluis__Disclosure *disclosure = page->result->disclosures[i];
		if (disclosure->has_commitment)
			TRY(write_row(applying, txn, disclosure, page->parts[parts++]));
		else
			TRY(remove_row(applying, txn, disclosure));
	}
	return ERR_OK;
}

/* ---- the page ---- */

static enum err write_cursor(struct store_txn *txn, const struct applying *applying)
{
	const struct replica_page *page = applying->page;
	uint8_t place[REPLICA_KEY_MAX], value[HASH_SIZE + 8];

	memcpy(value, page->agreement, HASH_SIZE);
	put_u64(value + HASH_SIZE, page->result->cursor);
	return sealed_row_put(txn, applying->replica->key, replica_cursor_key(page->purpose, place),
			      SLICE_ARRAY(value));
}

static void write_day(struct store_txn *txn, const struct replica_page *page)
{
	uint8_t place[REPLICA_KEY_MAX], value[4];

	put_u32(value, (uint32_t)page->day);
	store_put(txn, REPLICA_META, replica_day_key(page->purpose, place), SLICE_ARRAY(value));
}

static enum err apply(struct store_txn *txn, void *context)
{
	struct applying *applying = context;
	uint64_t cursor;

	applying->written = applying->removed = 0;
	TRY(replica_read_cursor(txn, applying->replica, applying->page->purpose, applying->page->agreement, &cursor));
	if (cursor == 0)
		write_day(txn, applying->page);
	TRY(apply_rows(applying, txn));
	return write_cursor(txn, applying);
}

/* Looked at before anything is dropped for it: well-formed, as far as writing it asks. */
static enum err check_page(const struct replica_page *page)
{
	size_t parts = 0;

	for (size_t i = 0; i < page->result->n_disclosures; i++) {
		if (page->result->disclosures[i]->customer.len != PSEUDONYM_SIZE)
			return ERR_MISMATCH;
		parts += page->result->disclosures[i]->has_commitment != 0;
	}
	return parts == page->part_count ? ERR_OK : ERR_MISMATCH;
}

/* Rows that another agreement or an older copy gave do not stand beside this one's, and nothing opens them. */
static enum err begin_anew(const struct replica *replica, const struct replica_page *page, struct copy_key *key)
{
	uint64_t cursor, count;
	int32_t day;

	TRY(replica_cursor(replica, page->purpose, page->agreement, &cursor));
	if (cursor > 0)
		return ERR_OK;
	TRY(replica_count(replica, page->purpose, &count));
	enum err err = replica_begun(replica, page->purpose, &day);
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return err;
	return err == ERR_OK || count > 0 ? replica_renew_key(replica, page->purpose, key) : ERR_OK;
}

enum err replica_apply(const struct replica *replica, const struct replica_page *page, uint64_t *ret_written,
		       uint64_t *ret_removed)
{
	struct copy_key key CLEANUP(copy_key_fini) = {{0}};
	struct applying applying = {.replica = replica, .page = page, .key = &key};

	TRY(check_page(page));
	TRY(copy_key_load(replica, page->purpose, &key));
	TRY(begin_anew(replica, page, &key));
	TRY(store_update(replica->store, apply, &applying));
	*ret_written = applying.written;
	*ret_removed = applying.removed;
	return ERR_OK;
}
