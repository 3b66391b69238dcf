/*
 * The store's sealed copy: pages in, rows out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fail.h"
#include "replica.h"
#include "scratch.h"
#include "test_keys.h"

#define ROWS_MAX 8

static char folder[SCRATCH_MAX], path[SCRATCH_MAX + 8];
static uint8_t key[KEY_SIZE];
static const uint8_t agreement[HASH_SIZE] = {1}, other_agreement[HASH_SIZE] = {2};
static struct store *store;
static struct replica replica;

/* ---- a page, by hand ---- */

static struct {
	struct replica_page page;
	Kluis__Result result;
	Kluis__Disclosure rows[ROWS_MAX], *row_list[ROWS_MAX];
	Kluis__Part parts[ROWS_MAX], *part_list[ROWS_MAX];
	uint8_t customers[ROWS_MAX][PSEUDONYM_SIZE];
	char contents[ROWS_MAX][32];
} made;

static void page_begin(const char *purpose, const uint8_t *under, uint64_t cursor)
{
	memset(&made, 0, sizeof(made));
	kluis__result__init(&made.result);
	made.result.has_cursor = true;
	made.result.cursor = cursor;
	made.result.disclosures = made.row_list;
	made.page = (struct replica_page){.purpose = purpose,
					  .agreement = under,
					  .entry_index = 70 + cursor,
					  .result = &made.result,
					  .parts = made.part_list};
}

/* A row, or with version 0 a tombstone. */
static void page_add(uint8_t customer, uint32_t version)
{
	size_t i = made.result.n_disclosures++;
	Kluis__Disclosure *row = made.row_list[i] = &made.rows[i];

	kluis__disclosure__init(row);
	memset(made.customers[i], customer, PSEUDONYM_SIZE);
	row->customer = wire_data(SLICE_ARRAY(made.customers[i]));
	row->version = version;
	row->has_commitment = version > 0;
	row->has_withheld = version == 0;
	if (version == 0)
		return;
	row->fields = 5;
	row->grant = 3;
	size_t part = made.page.part_count++;
	made.part_list[part] = &made.parts[part];
	kluis__part__init(&made.parts[part]);
	snprintf(made.contents[part], sizeof(made.contents[part]), "customer %u version %u", customer, version);
	made.parts[part].content = wire_data(slice_text(made.contents[part]));
}

static enum err apply(uint64_t expected_written, uint64_t expected_removed)
{
	uint64_t written = 99, removed = 99;
	enum err err = replica_apply(&replica, &made.page, &written, &removed);

	assert_int_equal(written, err == ERR_OK ? expected_written : 99);
	assert_int_equal(removed, err == ERR_OK ? expected_removed : 99);
	return err;
}

/* ---- what is in the copy ---- */

static char seen[512];

static enum err see(void *context, const struct replica_row *row)
{
	size_t length = strlen(seen);

	(void)context;
	assert_int_equal(row->customer.length, PSEUDONYM_SIZE);
	assert_int_equal(row->fields, 5);
	assert_int_equal(row->grant, 3);
	snprintf(seen + length, sizeof(seen) - length, "%u:%u@%u %.*s|", row->customer.data[0], row->version,
		 (unsigned)row->entry_index, (int)row->content.length, (const char *)row->content.data);
	return ERR_OK;
}

static const char *rows(const char *purpose)
{
	seen[0] = '\0';
	assert_int_equal(replica_each(&replica, purpose, see, NULL), ERR_OK);
	return seen;
}

static uint64_t cursor_of(const char *purpose, const uint8_t *under)
{
	uint64_t cursor = 99;

	assert_int_equal(replica_cursor(&replica, purpose, under, &cursor), ERR_OK);
	return cursor;
}

static uint64_t count_of(const char *purpose)
{
	uint64_t count = 99;

	assert_int_equal(replica_count(&replica, purpose, &count), ERR_OK);
	return count;
}

static void open_store(bool is_new)
{
	struct fault fault = {""};

	assert_int_equal(store_open(path, &replica_layout, is_new, &store, &fault), ERR_OK);
	replica = (struct replica){.store = store, .key = key};
}

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(keys_init(), ERR_OK);
	scratch_new(folder);
	snprintf(path, sizeof(path), "%s/db", folder);
	memset(key, 42, sizeof(key));
	open_store(true);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	store_close(&store);
	scratch_remove(folder);
	return 0;
}

/* ---- tests ---- */

static void test_pages_one_after_the_other(void **state)
{
	(void)state;
	assert_int_equal(cursor_of("service", agreement), 0);
	page_begin("service", agreement, 5);
	page_add(2, 1);
	page_add(1, 4);
	assert_int_equal(apply(2, 0), ERR_OK);
	assert_string_equal(rows("service"), "1:4@75 customer 1 version 4|2:1@75 customer 2 version 1|");
	assert_int_equal(cursor_of("service", agreement), 5);
	page_begin("service", agreement, 9);
	page_add(2, 2);
	page_add(1, 0);
	page_add(7, 0); /* never held */
	page_add(3, 1);
	assert_int_equal(apply(2, 1), ERR_OK);
	assert_string_equal(rows("service"), "2:2@79 customer 2 version 2|3:1@79 customer 3 version 1|");
	assert_int_equal(count_of("service"), 2);
	store_close(&store);
	open_store(false);
	assert_int_equal(cursor_of("service", agreement), 9);
	assert_string_equal(rows("service"), "2:2@79 customer 2 version 2|3:1@79 customer 3 version 1|");
}

/* A name that begins another's is not that other's. */
static void test_purposes_stand_apart(void **state)
{
	(void)state;
	page_begin("service", agreement, 5);
	page_add(1, 1);
	assert_int_equal(apply(1, 0), ERR_OK);
	page_begin("service-plus", agreement, 6);
	page_add(1, 2);
	page_add(2, 2);
	assert_int_equal(apply(2, 0), ERR_OK);
	assert_int_equal(count_of("service"), 1);
	assert_int_equal(count_of("service-plus"), 2);
	assert_int_equal(count_of("serv"), 0);
	assert_int_equal(cursor_of("service", agreement), 5);
	page_begin("service-plus", agreement, 7);
	page_add(1, 0);
	assert_int_equal(apply(0, 1), ERR_OK);
	assert_string_equal(rows("service"), "1:1@75 customer 1 version 1|");
}

/* Under another agreement nothing of the old one stays (R111), and only of this purpose. */
static void test_another_agreement_begins_anew(void **state)
{
	(void)state;
	page_begin("service", agreement, 5);
	page_add(1, 1);
	page_add(2, 1);
	assert_int_equal(apply(2, 0), ERR_OK);
	page_begin("other", agreement, 6);
	page_add(9, 1);
	assert_int_equal(apply(1, 0), ERR_OK);
	assert_int_equal(cursor_of("service", other_agreement), 0);
	page_begin("service", other_agreement, 3);
	page_add(2, 2);
	assert_int_equal(apply(1, 0), ERR_OK);
	assert_string_equal(rows("service"), "2:2@73 customer 2 version 2|");
	assert_int_equal(cursor_of("service", other_agreement), 3);
	assert_int_equal(cursor_of("service", agreement), 0);
	assert_int_equal(count_of("other"), 1);
	/* an empty page under a third one leaves nothing */
	page_begin("service", agreement, 4);
	assert_int_equal(apply(0, 0), ERR_OK);
	assert_int_equal(count_of("service"), 0);
}

/* What the agreement grants no copy for any more goes, with its cursor; a name that begins another's is not that
 * other's. */
static void test_keep_only_some_purposes(void **state)
{
	const char *const kept[] = {"service", "never-held"};
	uint64_t removed = 99;

	(void)state;
	const char *const purposes[] = {"a-first", "service", "service-plus", "zzz"};
	for (size_t i = 0; i < sizeof(purposes) / sizeof(purposes[0]); i++) {
		page_begin(purposes[i], agreement, 5);
		page_add(1, 1);
		page_add(2, 1);
		assert_int_equal(apply(2, 0), ERR_OK);
	}
	assert_int_equal(replica_keep(&replica, kept, 2, &removed), ERR_OK);
	assert_int_equal(removed, 6);
	assert_int_equal(count_of("service"), 2);
	assert_int_equal(cursor_of("service", agreement), 5);
	assert_int_equal(count_of("a-first") + count_of("service-plus") + count_of("zzz"), 0);
	/* the same agreement signed again begins anew */
	assert_int_equal(cursor_of("service-plus", agreement), 0);
	assert_int_equal(replica_keep(&replica, kept, 2, &removed), ERR_OK);
	assert_int_equal(removed, 0);
	assert_int_equal(replica_keep(&replica, NULL, 0, &removed), ERR_OK);
	assert_int_equal(removed, 2);
}

/* Parts and disclosures that do not go together: nothing is written, no row, no cursor. */
static void test_page_of_which_a_part_is_missing(void **state)
{
	(void)state;
	page_begin("service", agreement, 5);
	page_add(1, 1);
	assert_int_equal(apply(1, 0), ERR_OK);
	for (int difference = -1; difference <= 1; difference += 2) {
		page_begin("service", agreement, 6);
		page_add(2, 1);
		page_add(3, 1);
		made.part_list[2] = made.part_list[1];
		made.page.part_count = (size_t)(2 + difference);
		assert_int_equal(apply(0, 0), ERR_MISMATCH);
		assert_string_equal(rows("service"), "1:1@75 customer 1 version 1|");
		assert_int_equal(cursor_of("service", agreement), 5);
	}
	/* also where it would have begun anew */
	page_begin("service", other_agreement, 6);
	page_add(2, 1);
	made.page.part_count = 0;
	assert_int_equal(apply(0, 0), ERR_MISMATCH);
	assert_int_equal(count_of("service"), 1);
}

static enum err raw_row(struct store_txn *txn, void *context)
{
	struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
	struct slice row_key, value, *ret = context;

	TRY(store_seek(txn, REPLICA_CUSTOMER, SLICE_EMPTY, &cursor));
	if (!store_next(cursor, &row_key, &value))
		return ERR_NOT_FOUND;
	static uint8_t copy[300], copy_key[100];
	memcpy(copy, value.data, value.length);
	memcpy(copy_key, row_key.data, row_key.length);
	ret[0] = SLICE(copy_key, row_key.length);
	ret[1] = SLICE(copy, value.length);
	return ERR_OK;
}

static enum err put_raw(struct store_txn *txn, void *context)
{
	const struct slice *row = context;

	store_put(txn, REPLICA_CUSTOMER, row[0], row[1]);
	return ERR_OK;
}

/* Rows are sealed, each for its own place: no value on the disk, none opens with another key or as another's. */
static void test_rows_are_sealed(void **state)
{
	struct slice row[2];
	uint8_t other_key[KEY_SIZE] = {0};

	(void)state;
	page_begin("service", agreement, 5);
	page_add(1, 1);
	assert_int_equal(apply(1, 0), ERR_OK);
	assert_int_equal(store_update(store, raw_row, row), ERR_OK);
	assert_null(memmem(row[1].data, row[1].length, "customer", 8));
	replica.key = other_key;
	assert_int_equal(replica_each(&replica, "service", see, NULL), ERR_CRYPTO);
	assert_int_equal(count_of("service"), 1);
	replica.key = key;
	/* moved to another customer's place */
	uint8_t moved[100];
	memcpy(moved, row[0].data, row[0].length);
	moved[row[0].length - 1] ^= 1;
	struct slice forged[2] = {SLICE(moved, row[0].length), row[1]};
	assert_int_equal(store_update(store, put_raw, forged), ERR_OK);
	assert_int_equal(replica_each(&replica, "service", see, NULL), ERR_CRYPTO);
}

static enum err stop_at_second(void *context, const struct replica_row *row)
{
	unsigned *count = context;

	(void)row;
	return ++*count == 2 ? ERR_STATE : ERR_OK;
}

static void test_each_stops_at_a_failure(void **state)
{
	unsigned count = 0;

	(void)state;
	page_begin("service", agreement, 5);
	for (uint8_t i = 0; i < 5; i++)
		page_add(i, 1);
	assert_int_equal(apply(5, 0), ERR_OK);
	assert_int_equal(replica_each(&replica, "service", stop_at_second, &count), ERR_STATE);
	assert_int_equal(count, 2);
}

static enum err apply_once(void *context)
{
	uint64_t written, removed;

	(void)context;
	return replica_apply(&replica, &made.page, &written, &removed);
}

static void test_when_memory_fails(void **state)
{
	(void)state;
	page_begin("service", agreement, 5);
	page_add(1, 1);
	page_add(2, 1);
	fail_sweep(FAIL_MEMORY, apply_once, NULL);
	assert_int_equal(count_of("service"), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pages_one_after_the_other),	    TEST(test_purposes_stand_apart),
		TEST(test_another_agreement_begins_anew),   TEST(test_keep_only_some_purposes),
		TEST(test_page_of_which_a_part_is_missing), TEST(test_rows_are_sealed),
		TEST(test_each_stops_at_a_failure),	    TEST(test_when_memory_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
