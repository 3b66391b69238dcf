#include "feed/feed.h"

#include <assert.h>
#include <string.h>

#define FEED_KEY_SIZE 12 /* u32 store, u64 change */

/* The source's next row, or none when the cursor leaves the store's keys. */
static enum err advance(struct feed_source *source)
{
	struct slice key, value;

	source->has_row = false;
	if (!store_next(source->cursor, &key, &value))
		return ERR_OK;
	if (key.length != FEED_KEY_SIZE || value.length != PSEUDONYM_SIZE)
		return ERR_CORRUPT;
	if (memcmp(key.data, source->prefix, sizeof(source->prefix)) != 0)
		return ERR_OK;
	source->row.change = get_u64(key.data + 4);
	memcpy(source->row.pseudonym, value.data, PSEUDONYM_SIZE);
	source->has_row = true;
	return ERR_OK;
}

static enum err source_open(struct feed *feed, struct store_txn *txn, uint32_t store, uint64_t cursor)
{
	struct feed_source *source = &feed->sources[feed->source_count];
	uint8_t from[FEED_KEY_SIZE];

	*source = (struct feed_source){.cursor = NULL};
	put_u32(source->prefix, store);
	if (cursor == UINT64_MAX) /* nothing can come after it */
		return ERR_OK;
	put_u32(from, store);
	put_u64(from + 4, cursor + 1);
	TRY(store_seek(txn, TABLE_FEED, SLICE_ARRAY(from), &source->cursor));
	feed->source_count++;
	return advance(source);
}

enum err feed_open(struct store_txn *txn, uint32_t store, bool with_all, uint64_t cursor, struct feed *ret_feed)
{
	enum err err;

	*ret_feed = (struct feed){.source_count = 0};
	err = source_open(ret_feed, txn, store, cursor);
	if (err == ERR_OK && with_all)
		err = source_open(ret_feed, txn, FEED_ALL, cursor);
	if (err == ERR_OK)
		err = store_txn_status(txn);
	if (err != ERR_OK)
		feed_close(ret_feed);
	return err;
}

void feed_close(struct feed *feed)
{
	for (size_t i = 0; i < feed->source_count; i++)
		store_cursor_close(&feed->sources[i].cursor);
	feed->source_count = 0;
}

static struct feed_source *first_source(struct feed *feed)
{
	struct feed_source *first = NULL;

	for (size_t i = 0; i < feed->source_count; i++) {
		struct feed_source *source = &feed->sources[i];

		if (source->has_row && (first == NULL || source->row.change < first->row.change))
			first = source;
	}
	return first;
}

bool feed_has_next(const struct feed *feed)
{
	for (size_t i = 0; i < feed->source_count; i++) {
		if (feed->sources[i].has_row)
			return true;
	}
	return false;
}

enum err feed_next(struct feed *feed, struct feed_row *ret_row)
{
	struct feed_source *source = first_source(feed);

	assert(source != NULL);
	*ret_row = source->row;
	return advance(source);
}

bool feed_seen_add(struct feed_seen *seen, const uint8_t pseudonym[static PSEUDONYM_SIZE])
{
	size_t slot_count = sizeof(seen->slots) / sizeof(seen->slots[0]);
	/* random bytes are their own hash */
	size_t slot = get_u32(pseudonym) % slot_count;

	assert(seen->count < FEED_SEEN_MAX);
	while (seen->slots[slot] != 0) {
		if (memcmp(seen->pseudonyms[seen->slots[slot] - 1], pseudonym, PSEUDONYM_SIZE) == 0)
			return false;
		slot = (slot + 1) % slot_count;
	}
	memcpy(seen->pseudonyms[seen->count], pseudonym, PSEUDONYM_SIZE);
	seen->count++;
	seen->slots[slot] = (uint32_t)seen->count;
	return true;
}
