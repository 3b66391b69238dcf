/*
 * The store's sealed copy: pages in, rows out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fail.h"
#include "key_shelf.h"
#include "kluis/hash.h"
#include "replica.h"
#include "scratch.h"
#include "test_keys.h"

#define ROWS_MAX 8

static char folder[SCRATCH_MAX], path[SCRATCH_MAX + 8];
static uint8_t key[KEY_SIZE];
static struct key_shelf shelf;
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
	uint8_t contents[ROWS_MAX][128];
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

static const uint8_t handle_key[KEY_SIZE] = {77};

/* Field 1 is "customer <n> version <m>" and field 3 "<n % 2>", with their handles. */
static struct slice content_of(uint8_t place[static 128], unsigned customer, unsigned version)
{
	Kluis__Values values = KLUIS__VALUES__INIT;
	Kluis__Value value = KLUIS__VALUE__INIT, *list = &value;
	Kluis__Handle handles[2] = {KLUIS__HANDLE__INIT, KLUIS__HANDLE__INIT},
		      *handle_list[2] = {&handles[0], &handles[1]};
	struct bytes bytes CLEANUP(bytes_fini) = {0};
	uint8_t hashes[2][HANDLE_SIZE];
	char text[32], digit[2] = {(char)('0' + customer % 2), '\0'};

	snprintf(text, sizeof(text), "customer %u version %u", customer, version);
	value.field = 1;
	value.value = text;
	values.values = &list;
	values.n_values = 1;
	handle_make(handle_key, 1, slice_text(text), hashes[0]);
	handle_make(handle_key, 3, slice_text(digit), hashes[1]);
	for (size_t i = 0; i < 2; i++) {
		handles[i].field = i == 0 ? 1 : 3;
		handles[i].hash = wire_data(SLICE_ARRAY(hashes[i]));
	}
	values.handles = handle_list;
	values.n_handles = 2;
	bytes_init(&bytes, 128);
	assert_int_equal(wire_encode(&values.base, &bytes), ERR_OK);
	memcpy(place, bytes.data, bytes.length);
	return SLICE(place, bytes.length);
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
	made.parts[part].content = wire_data(content_of(made.contents[part], customer, version));
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
	struct arena arena CLEANUP(arena_fini) = {0};
	Kluis__Values *values;

	(void)context;
	arena_init(&arena, REQUEST_ARENA_MAX);
	TRY(WIRE_DECODE(Values, values, row->content, &arena, &values));
	assert_int_equal(row->customer.length, PSEUDONYM_SIZE);
	assert_int_equal(row->fields, 5);
	assert_int_equal(row->grant, 3);
	snprintf(seen + length, sizeof(seen) - length, "%u:%u@%u %s|", row->customer.data[0], row->version,
		 (unsigned)row->entry_index, values->values[0]->value);
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
	replica = (struct replica){.store = store, .key = key, .keys = key_shelf_memory(&shelf)};
}

static void give_lease(const char *purpose)
{
	assert_int_equal(replica_set_lease(&replica, purpose, 2000, 1000, SLICE_ARRAY(handle_key)), ERR_OK);
}

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(keys_init(), ERR_OK);
	scratch_new(folder);
	snprintf(path, sizeof(path), "%s/db", folder);
	memset(key, 42, sizeof(key));
	shelf = (struct key_shelf){.made = 0};
	open_store(true);
	give_lease("service");
	give_lease("service-plus");
	give_lease("other");
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

	(void)state;
	page_begin("service", agreement, 5);
	page_add(1, 1);
	assert_int_equal(apply(1, 0), ERR_OK);
	assert_int_equal(store_update(store, raw_row, row), ERR_OK);
	assert_null(memmem(row[1].data, row[1].length, "customer", 8));
	/* the agent's key does not open it; the purpose's does, and no other one */
	struct key_shelf kept = shelf;
	uint8_t made_key[KEY_SIZE];
	assert_int_equal(replica.keys.make(replica.keys.context, "service", made_key), ERR_OK);
	assert_int_equal(replica_each(&replica, "service", see, NULL), ERR_CRYPTO);
	assert_int_equal(replica.keys.destroy(replica.keys.context, "service"), ERR_OK);
	assert_int_equal(replica_each(&replica, "service", see, NULL), ERR_EXPIRED);
	assert_int_equal(count_of("service"), 1);
	shelf = kept;
	assert_string_equal(rows("service"), "1:1@75 customer 1 version 1|");
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

/* One customer alone. */
static void test_get(void **state)
{
	uint8_t customer[PSEUDONYM_SIZE], other[PSEUDONYM_SIZE];

	(void)state;
	memset(customer, 1, sizeof(customer));
	memset(other, 3, sizeof(other));
	page_begin("service", agreement, 5);
	page_add(1, 1);
	page_add(2, 1);
	assert_int_equal(apply(2, 0), ERR_OK);
	seen[0] = '\0';
	assert_int_equal(replica_get(&replica, "service", SLICE_ARRAY(customer), see, NULL), ERR_OK);
	assert_string_equal(seen, "1:1@75 customer 1 version 1|");
	assert_int_equal(replica_get(&replica, "service", SLICE_ARRAY(other), see, NULL), ERR_NOT_FOUND);
	assert_int_equal(replica_get(&replica, "other", SLICE_ARRAY(customer), see, NULL), ERR_NOT_FOUND);
	assert_int_equal(replica_get(&replica, "service", slice_part(SLICE_ARRAY(customer), 0, 3), see, NULL),
			 ERR_NOT_FOUND);
	assert_int_equal(replica.keys.destroy(replica.keys.context, "service"), ERR_OK);
	assert_int_equal(replica_get(&replica, "service", SLICE_ARRAY(customer), see, NULL), ERR_EXPIRED);
}

/* What begins anew begins under another key: a row kept from before is lost for good. */
static void test_a_copy_anew_has_another_key(void **state)
{
	uint8_t before[KEY_SIZE], after[KEY_SIZE];
	struct slice row[2];

	(void)state;
	page_begin("service", agreement, 5);
	page_add(1, 1);
	assert_int_equal(apply(1, 0), ERR_OK);
	assert_int_equal(store_update(store, raw_row, row), ERR_OK);
	assert_int_equal(replica.keys.load(&shelf, "service", before), ERR_OK);
	page_begin("service", agreement, 6);
	page_add(2, 1);
	assert_int_equal(apply(1, 0), ERR_OK);
	assert_int_equal(replica.keys.load(&shelf, "service", after), ERR_OK);
	assert_memory_equal(before, after, KEY_SIZE); /* the same copy, the same key */
	assert_int_equal(replica_forget(&replica, "service"), ERR_OK);
	page_begin("service", agreement, 7);
	page_add(3, 1);
	assert_int_equal(apply(1, 0), ERR_OK);
	assert_string_equal(rows("service"), "3:1@77 customer 3 version 1|");
	assert_int_equal(replica.keys.load(&shelf, "service", after), ERR_OK);
	assert_memory_not_equal(before, after, KEY_SIZE);
	assert_int_equal(store_update(store, put_raw, row), ERR_OK);
	assert_int_equal(replica_each(&replica, "service", see, NULL), ERR_CRYPTO);
}

/* No page without a lease: nothing to seal it under. */
static void test_no_page_without_a_lease(void **state)
{
	(void)state;
	page_begin("never-leased", agreement, 5);
	page_add(1, 1);
	assert_int_equal(apply(0, 0), ERR_EXPIRED);
	assert_int_equal(count_of("never-leased"), 0);
	assert_string_equal(rows("never-leased"), "");
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
		TEST(test_pages_one_after_the_other),
		TEST(test_purposes_stand_apart),
		TEST(test_another_agreement_begins_anew),

		TEST(test_page_of_which_a_part_is_missing),
		TEST(test_rows_are_sealed),
		TEST(test_each_stops_at_a_failure),
		TEST(test_get),
		TEST(test_a_copy_anew_has_another_key),
		TEST(test_no_page_without_a_lease),
		TEST(test_when_memory_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
