#include "store_rules.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <string.h>

#include "kluis/store.h"
#include "store_model.h"

#define TEXT(text) slice_text(text)

static enum err write_three(struct store_txn *txn, void *context)
{
	(void)context;
	store_append(txn, 2, TEXT("a"), TEXT("1"));
	store_append(txn, 2, TEXT("b"), SLICE_EMPTY);
	store_put(txn, 2, TEXT("c"), TEXT("3"));
	return ERR_OK;
}

/* An append out of order fails the whole transaction, and what follows does nothing. */
static enum err write_out_of_order(struct store_txn *txn, void *context)
{
	struct slice value;
	struct store_cursor *cursor;
	const char *key = context;
	store_put(txn, 0, TEXT("before"), TEXT("x"));
	store_append(txn, 2, TEXT(key), TEXT("y"));
	assert_int_equal(store_txn_status(txn), ERR_CORRUPT);
	store_put(txn, 0, TEXT("after"), TEXT("z"));
	store_delete(txn, 2, TEXT("a"));
	assert_int_equal(store_get(txn, 2, TEXT("a"), &value), ERR_CORRUPT);
	assert_int_equal(store_seek(txn, 2, SLICE_EMPTY, &cursor), ERR_CORRUPT);
	assert_int_equal(store_last(txn, 2, &value, &value), ERR_CORRUPT);
	assert_int_equal(store_count(txn, 2), 0);
	return ERR_OK; /* the sticky failure counts */
}

static enum err write_key(struct store_txn *txn, void *context)
{
	const struct slice *key = context;
	store_delete(txn, 1, *key);
	assert_int_equal(store_txn_status(txn), ERR_OK);
	store_put(txn, 1, *key, TEXT("value"));
	return ERR_OK;
}

static enum err write_and_refuse(struct store_txn *txn, void *context)
{
	(void)context;
	store_put(txn, 1, TEXT("never"), TEXT("seen"));
	return ERR_CONSENT;
}

static void check_three(struct store *store)
{
	struct store_txn *txn;
	struct slice key, value;
	assert_int_equal(store_begin_read(store, &txn), ERR_OK);
	assert_int_equal(store_count(txn, 0), 0);
	assert_int_equal(store_count(txn, 2), 3);
	assert_int_equal(store_get(txn, 2, TEXT("b"), &value), ERR_OK);
	assert_int_equal(value.length, 0);
	assert_int_equal(store_get(txn, 2, TEXT("B"), &value), ERR_NOT_FOUND);
	assert_int_equal(store_last(txn, 0, &key, &value), ERR_NOT_FOUND);
	assert_int_equal(store_last(txn, 2, &key, &value), ERR_OK);
	assert_true(slice_equal(key, TEXT("c")) && slice_equal(value, TEXT("3")));
	store_end_read(&txn);
	store_end_read(&txn);
}

static void check_keys(struct store *store)
{
	static uint8_t bytes[STORE_KEY_MAX + 1];
	struct slice longest = SLICE(bytes, STORE_KEY_MAX), too_long = SLICE_ARRAY(bytes), empty = SLICE_EMPTY, value;
	struct store_txn *txn;
	struct store_cursor *cursor = NULL;
	assert_int_equal(store_update(store, write_key, &longest), ERR_OK);
	assert_int_equal(store_update(store, write_key, &too_long), ERR_TOO_LARGE);
	assert_int_equal(store_update(store, write_key, &empty), ERR_TOO_LARGE);
	assert_int_equal(store_begin_read(store, &txn), ERR_OK);
	assert_int_equal(store_get(txn, 1, longest, &value), ERR_OK);
	assert_int_equal(store_get(txn, 1, too_long, &value), ERR_NOT_FOUND);
	assert_int_equal(store_get(txn, 1, empty, &value), ERR_NOT_FOUND);
	assert_int_equal(store_seek(txn, 1, too_long, &cursor), ERR_TOO_LARGE);
	assert_int_equal(store_seek(txn, 1, longest, &cursor), ERR_OK);
	assert_true(store_next(cursor, &longest, &value));
	store_cursor_close(&cursor);
	store_cursor_close(&cursor);
	store_end_read(&txn);
}

void store_rules_run(const char *folder)
{
	struct store *store;
	struct store *other;
	struct fault fault = {.text = ""};
	char early[] = "B", same[] = "c";
	assert_int_equal(store_open(folder, &store_model_layout, false, &store, &fault), ERR_NOT_FOUND);
	assert_true(strlen(fault.text) > 0);
	assert_int_equal(store_open(folder, &store_model_layout, true, &store, &fault), ERR_OK);
	assert_int_equal(store_open(folder, &store_model_layout, false, &other, &fault), ERR_IN_USE);
	assert_int_equal(store_update(store, write_three, NULL), ERR_OK);
	assert_int_equal(store_update(store, write_out_of_order, early), ERR_CORRUPT);
	assert_int_equal(store_update(store, write_out_of_order, same), ERR_CORRUPT);
	assert_int_equal(store_update(store, write_and_refuse, NULL), ERR_CONSENT);
	check_three(store);
	check_keys(store);
	store_close(&store);
	store_close(&store);
	assert_int_equal(store_open(folder, &store_model_layout, true, &store, &fault), ERR_EXISTS);
	assert_int_equal(store_open(folder, &store_model_layout, false, &store, &fault), ERR_OK);
	check_three(store);
	store_close(&store);
}
