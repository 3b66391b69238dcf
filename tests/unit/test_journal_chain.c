/*
 * A journal altered on disk: found at start and named, whatever was done to it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "journal_chain.h"
#include "kluis/hash.h"
#include "kluis/keys.h"
#include "replica.h"
#include "scratch.h"

#define RECORDS 12
#define LOGGED 3

static char folder[SCRATCH_MAX], path[SCRATCH_MAX + 8];
static const uint8_t key[KEY_SIZE] = {7}, other_key[KEY_SIZE] = {8};
static struct store *store;

static void write_records(void)
{
	struct journal *journal = NULL;
	struct fault fault = {""};
	uint64_t number;

	assert_int_equal(journal_open(store, key, &journal, &fault), ERR_OK);
	for (uint8_t i = 0; i < RECORDS; i++) {
		struct journal_access access = {
			.time_ms = 1000u + i, .purpose = "service", .code = ERR_NOT_FOUND, .count_grant = -1};
		assert_int_equal(journal_append(journal, &access, &number), ERR_OK);
	}
	assert_int_equal(journal_logged(journal, LOGGED), ERR_OK);
	journal_close(&journal);
}

static int set_up(void **state)
{
	struct fault fault = {""};

	(void)state;
	assert_int_equal(keys_init(), ERR_OK);
	scratch_new(folder);
	snprintf(path, sizeof(path), "%s/db", folder);
	assert_int_equal(store_open(path, &replica_layout, true, &store, &fault), ERR_OK);
	write_records();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	store_close(&store);
	scratch_remove(folder);
	return 0;
}

/* ---- what somebody does to the table ---- */

struct change {
	enum { FLIP, DELETE, MOVE, PUT, SWAP } what;
	uint64_t first, last;
	const char *fault;
};

static struct slice row(struct store_txn *txn, uint64_t number, uint8_t *place)
{
	uint8_t of[JOURNAL_KEY_SIZE];
	struct slice value;

	if (store_get(txn, REPLICA_JOURNAL, journal_key(number, of), &value) != ERR_OK)
		return SLICE_EMPTY;
	memcpy(place, value.data, value.length);
	return SLICE(place, value.length);
}

static enum err make_change(struct store_txn *txn, void *context)
{
	const struct change *change = context;
	uint8_t a[JOURNAL_RECORD_MAX], b[JOURNAL_RECORD_MAX], of[JOURNAL_KEY_SIZE];
	struct slice first = row(txn, change->first, a), last = row(txn, change->last, b);

	switch (change->what) {
	case FLIP:
		a[5] ^= 1;
		store_put(txn, REPLICA_JOURNAL, journal_key(change->first, of), first);
		break;
	case DELETE:
		for (uint64_t number = change->first; number <= change->last; number++)
			store_delete(txn, REPLICA_JOURNAL, journal_key(number, of));
		break;
	case MOVE: /* over another one */
		store_put(txn, REPLICA_JOURNAL, journal_key(change->last, of), first);
		break;
	case SWAP:
		store_put(txn, REPLICA_JOURNAL, journal_key(change->last, of), first);
		store_put(txn, REPLICA_JOURNAL, journal_key(change->first, of), last);
		break;
	case PUT: /* a copy of a record that is there, under a number that is not */
		first = row(txn, 8, a);
		store_put(txn, REPLICA_JOURNAL, journal_key(change->first, of), first);
		break;
	}
	return ERR_OK;
}

static enum err check(const uint8_t *under, char *ret_text)
{
	struct journal *journal CLEANUP(journal_close) = NULL;
	struct fault fault = {""};
	enum err err = journal_open(store, under, &journal, &fault);

	memcpy(ret_text, fault.text, sizeof(fault.text));
	return err;
}

static void test_changes_are_named(void **state)
{
	static const struct change changes[] = {
		{FLIP, 4, 0, "journal record 4 was altered"},
		{FLIP, 7, 0, "journal record 7 was altered"},
		{FLIP, 12, 0, "journal record 12 was altered"},
		{DELETE, 7, 7, "journal record 7 is missing"},
		{DELETE, 7, 9, "journal records 7 to 9 are missing"},
		{DELETE, 4, 5, "journal records 4 to 5 are missing"},
		{DELETE, 12, 12, "journal record 12 is missing"},
		{DELETE, 10, 12, "journal records 10 to 12 are missing"},
		{DELETE, 4, 12, "journal records 4 to 12 are missing"},
		{MOVE, 5, 6, "journal record 6 was altered"},
		{SWAP, 5, 6, "journal record 6 was altered"},
		{PUT, 13, 0, "journal record 13 was put there by something else"},
		{PUT, 2, 0, "journal record 2 was put there by something else"},
		{PUT, 0, 0, "journal record 0 was put there by something else"},
	};
	char text[512];

	(void)state;
	assert_int_equal(check(key, text), ERR_OK);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct change change = changes[i];
		tear_down(NULL);
		set_up(NULL);
		assert_int_equal(store_update(store, make_change, &change), ERR_OK);
		/* found each time anew: nothing is repaired */
		for (unsigned again = 0; again < 2; again++) {
			assert_int_equal(check(key, text), ERR_CORRUPT);
			assert_string_equal(text, changes[i].fault);
		}
	}
}

/* ---- the sealed row ---- */

static enum err spoil_row(struct store_txn *txn, void *context)
{
	uint8_t copy[256];
	struct slice value;

	TRY(store_get(txn, REPLICA_META, slice_text("journal"), &value));
	memcpy(copy, value.data, value.length);
	struct slice changed = SLICE(copy, value.length);
	copy[30] ^= 1;
	if (*(const int *)context == 1)
		changed.length--;
	if (*(const int *)context == 2)
		store_delete(txn, REPLICA_META, slice_text("journal"));
	else
		store_put(txn, REPLICA_META, slice_text("journal"), changed);
	return ERR_OK;
}

static void test_the_row_that_says_where_it_ends(void **state)
{
	char text[512];

	(void)state;
	assert_int_equal(check(other_key, text), ERR_CORRUPT);
	for (int how = 0; how <= 2; how++) {
		tear_down(NULL);
		set_up(NULL);
		assert_int_equal(store_update(store, spoil_row, &how), ERR_OK);
		assert_int_equal(check(key, text), ERR_CORRUPT);
		assert_string_equal(text, how == 2 ? "journal record 4 was put there by something else"
						   : "the row that says where the journal ends was altered");
	}
}

/* An older row, put back with the records that go with it, is a whole journal: only the broker, which saw more, can
 * tell (FORMAT.md R126). An older row with later records is found here. */
static struct slice kept;
static uint8_t kept_bytes[256];

static enum err keep_row(struct store_txn *txn, void *context)
{
	struct slice value;

	(void)context;
	TRY(store_get(txn, REPLICA_META, slice_text("journal"), &value));
	memcpy(kept_bytes, value.data, value.length);
	kept = SLICE(kept_bytes, value.length);
	return ERR_OK;
}

static enum err put_row_back(struct store_txn *txn, void *context)
{
	(void)context;
	store_put(txn, REPLICA_META, slice_text("journal"), kept);
	return ERR_OK;
}

static void test_an_older_row_put_back(void **state)
{
	char text[512];

	(void)state;
	assert_int_equal(store_update(store, keep_row, NULL), ERR_OK);
	write_records();
	assert_int_equal(store_update(store, put_row_back, NULL), ERR_OK);
	assert_int_equal(check(key, text), ERR_CORRUPT);
	assert_string_equal(text, "journal record 13 was put there by something else");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_changes_are_named),
		TEST(test_the_row_that_says_where_it_ends),
		TEST(test_an_older_row_put_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
