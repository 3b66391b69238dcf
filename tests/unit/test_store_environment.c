/* What lies in a store's folder: whose it is, which version, who may enter, and damage. */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kluis/store.h"
#include "scratch.h"

static const char *const table_names[] = {"one", "two"};
static const char *const other_names[] = {"one", "three"};
static const struct store_layout layout = {
	.tables = table_names, .table_count = 2, .schema = 4, .application = "kluis-test"};

struct place {
	char scratch[SCRATCH_MAX];
	char folder[SCRATCH_MAX + 8], data[SCRATCH_MAX + 20];
};

static int set_up(void **state)
{
	struct place *place = test_calloc(1, sizeof(*place));
	scratch_new(place->scratch);
	snprintf(place->folder, sizeof(place->folder), "%s/store", place->scratch);
	snprintf(place->data, sizeof(place->data), "%s/data.mdb", place->folder);
	*state = place;
	return 0;
}

static int tear_down(void **state)
{
	struct place *place = *state;
	scratch_remove(place->scratch);
	test_free(place);
	return 0;
}

static enum err try_open(const char *folder, const struct store_layout *as, bool create, struct fault *fault)
{
	struct store *store = NULL;
	*fault = (struct fault){.text = ""};
	enum err err = store_open(folder, as, create, &store, fault);
	assert_true((err == ERR_OK) == (store != NULL));
	assert_true((err == ERR_OK) == (fault->text[0] == '\0'));
	store_close(&store);
	return err;
}

static enum err open_as(const char *folder, const struct store_layout *as, bool create)
{
	struct fault fault;
	return try_open(folder, as, create, &fault);
}

static enum err write_rows(struct store_txn *txn, void *context)
{
	const unsigned *count = context;
	static const uint8_t value[1000];
	uint8_t key[4];
	for (uint32_t i = 0; i < *count; i++) {
		put_u32(key, i);
		store_put(txn, 0, SLICE_ARRAY(key), SLICE_ARRAY(value));
	}
	return ERR_OK;
}

static void make_store(const struct place *place, unsigned rows)
{
	struct store *store;
	struct fault fault = {.text = ""};
	assert_int_equal(store_open(place->folder, &layout, true, &store, &fault), ERR_OK);
	assert_int_equal(store_update(store, write_rows, &rows), ERR_OK);
	store_close(&store);
}

static void test_store_open_makes_a_private_folder(void **state)
{
	const struct place *place = *state;
	struct stat status;
	assert_int_equal(open_as(place->folder, &layout, false), ERR_NOT_FOUND);
	assert_int_not_equal(access(place->folder, F_OK), 0); /* looking makes nothing */
	assert_int_equal(open_as(place->folder, &layout, true), ERR_OK);
	assert_int_equal(stat(place->folder, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	assert_int_equal(stat(place->data, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(open_as(place->folder, &layout, true), ERR_EXISTS);
	assert_int_equal(open_as(place->folder, &layout, false), ERR_OK);
}

static void test_store_open_refuses_a_folder_open_to_others(void **state)
{
	const struct place *place = *state;
	make_store(place, 1);
	static const mode_t modes[] = {0750, 0701, 0777, 0704};
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(chmod(place->folder, modes[i]), 0);
		assert_int_equal(open_as(place->folder, &layout, false), ERR_MODE);
	}
	assert_int_equal(chmod(place->folder, 0700), 0);
	assert_int_equal(open_as(place->folder, &layout, false), ERR_OK);
}

static void test_store_open_refuses_a_second_process(void **state)
{
	const struct place *place = *state;
	struct store *store;
	int status;
	make_store(place, 1);
	assert_int_equal(store_open(place->folder, &layout, false, &store, NULL), ERR_OK);
	pid_t child = fork();
	if (child == 0) {
		struct store *second;
		_exit(store_open(place->folder, &layout, false, &second, NULL) == ERR_IN_USE ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(open_as(place->folder, &layout, false), ERR_IN_USE); /* nor twice in one process */
	store_close(&store);
	assert_int_equal(open_as(place->folder, &layout, false), ERR_OK);
}

static void test_store_open_refuses_another_version_or_program(void **state)
{
	const struct place *place = *state;
	struct fault fault;
	struct store_layout newer = layout, other = layout, tables = layout;
	newer.schema = 5;
	other.application = "kluis-other";
	tables.tables = other_names;
	make_store(place, 1);
	assert_int_equal(try_open(place->folder, &newer, false, &fault), ERR_VERSION);
	assert_non_null(strstr(fault.text, "schema 4"));
	assert_non_null(strstr(fault.text, "schema 5"));
	assert_int_equal(try_open(place->folder, &other, false, &fault), ERR_VERSION);
	assert_non_null(strstr(fault.text, "kluis-test"));
	assert_non_null(strstr(fault.text, "kluis-other"));
	assert_int_equal(open_as(place->folder, &tables, false), ERR_CORRUPT);
	assert_int_equal(open_as(place->folder, &layout, false), ERR_OK);
}

/* Killed while it was made: the file is there but says nothing yet. */
static void test_store_open_finishes_an_interrupted_creation(void **state)
{
	const struct place *place = *state;
	assert_int_equal(mkdir(place->folder, 0700), 0);
	int descriptor = open(place->data, O_CREAT | O_WRONLY, 0600);
	assert_true(descriptor >= 0);
	close(descriptor);
	assert_int_equal(open_as(place->folder, &layout, false), ERR_NOT_FOUND);
	assert_int_equal(open_as(place->folder, &layout, true), ERR_OK);
	assert_int_equal(open_as(place->folder, &layout, true), ERR_EXISTS);
}

static void test_store_open_refuses_garbage(void **state)
{
	const struct place *place = *state;
	static uint8_t garbage[20000];
	assert_int_equal(mkdir(place->folder, 0700), 0);
	for (size_t length = 1; length <= sizeof(garbage); length += 1333) {
		memset(garbage, (int)length, sizeof(garbage));
		int descriptor = open(place->data, O_CREAT | O_TRUNC | O_WRONLY, 0600);
		assert_int_equal(write(descriptor, garbage, length), length);
		close(descriptor);
		assert_int_equal(open_as(place->folder, &layout, false), ERR_CORRUPT);
		assert_int_equal(open_as(place->folder, &layout, true), ERR_CORRUPT);
	}
}

/* However short the file was cut, that is found when it is opened, and no bus error comes. */
static void test_store_open_refuses_a_file_cut_short(void **state)
{
	const struct place *place = *state;
	struct stat status;
	make_store(place, 500);
	assert_int_equal(open_as(place->folder, &layout, false), ERR_OK);
	assert_int_equal(stat(place->data, &status), 0);
	off_t length = status.st_size;
	assert_true(length > 500 * 1000);
	for (; length > 4096; length -= length > 40000 ? 33333 : 4096) {
		assert_int_equal(truncate(place->data, length - 1), 0);
		assert_int_equal(open_as(place->folder, &layout, false), ERR_CORRUPT);
		assert_int_equal(stat(place->data, &status), 0);
		assert_int_equal(status.st_size, length - 1); /* what is left stays for an expert */
	}
	assert_int_equal(open_as(place->folder, &layout, true), ERR_EXISTS); /* and is not made anew */
}

static enum err write_and_delete_largest(struct store_txn *txn, void *context)
{
	static const uint8_t value[100000];
	(void)context;
	store_put(txn, 1, slice_text("small"), slice_text("stays"));
	store_put(txn, 1, slice_text("large"), SLICE_ARRAY(value));
	store_delete(txn, 1, slice_text("large"));
	return ERR_OK;
}

/* Pages at the end that were allocated and freed at once are never written; a file without them is sound. */
static void test_store_open_takes_a_file_that_ends_in_free_pages(void **state)
{
	const struct place *place = *state;
	struct store *store;
	unsigned rows = 50;
	make_store(place, 50);
	assert_int_equal(store_open(place->folder, &layout, false, &store, NULL), ERR_OK);
	/* leave free pages in the middle of the file, so that the end is not needed for the tree itself */
	for (int i = 0; i < 4; i++)
		assert_int_equal(store_update(store, write_rows, &rows), ERR_OK);
	assert_int_equal(store_update(store, write_and_delete_largest, NULL), ERR_OK);
	store_close(&store);
	assert_int_equal(open_as(place->folder, &layout, false), ERR_OK);
	assert_int_equal(open_as(place->folder, &layout, false), ERR_OK);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_store_open_makes_a_private_folder),
		TEST(test_store_open_refuses_a_folder_open_to_others),
		TEST(test_store_open_refuses_a_second_process),
		TEST(test_store_open_refuses_another_version_or_program),
		TEST(test_store_open_finishes_an_interrupted_creation),
		TEST(test_store_open_refuses_garbage),
		TEST(test_store_open_refuses_a_file_cut_short),
		TEST(test_store_open_takes_a_file_that_ends_in_free_pages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
