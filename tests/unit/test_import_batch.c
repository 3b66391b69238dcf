/* Bounds of a batch, and what the broker may answer to one. Counting and resuming: test_import.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "command/import_batch.h"
#include "import_world.h"
#include "kluis/file.h"

#define RECEIPTS_MAP TEST_SOURCE_ROOT "/broker/examples/foodmart/receipts.map"

/* Receipts of very many lines, and products of the longest names: envelopes stay within every bound. */
static void test_import_batch_bounds(void **state)
{
	struct world *world = *state;
	char *text = NULL;
	size_t length = 0;
	FILE *file = open_memstream(&text, &length);

	assert_non_null(file);
	fputs("store_id,customer_id,the_date,product_id,unit_sales,store_sales,store_cost\n", file);
	for (unsigned receipt = 1; receipt <= 60; receipt++)
		for (unsigned i = 0; i < 700; i++)
			fprintf(file, "7,%u,1997-05-01,%064u,9223372036.5807,1,1\n", receipt, i);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(file_write(world->csv, slice_text(text), 0600, NULL), ERR_OK);
	assert_int_equal(world_run_file(world, IMPORT_RECEIPTS, world->csv, RECEIPTS_MAP), ERR_OK);
	assert_int_equal(world_count(world, "accepted"), 60 * 700);
	assert_true(world->broker->message_most < MESSAGE_MAX / 2);
	assert_true(world->broker->envelopes > 5);
	free(text);
}

static void open_world_session(struct world *world, struct session *session)
{
	assert_int_equal(session_open(session, &world->key, 1, import_broker_exchange(world->broker),
				      import_broker_memory(world->broker), NULL),
			 ERR_OK);
}

/* Somebody else imports the same file and is further. */
static void test_import_batch_overtaken(void **state)
{
	struct world *world = *state;
	struct import_rejects rejects;
	struct import_summary summary = {0};
	struct session session;
	uint8_t import[HASH_SIZE] = {1};
	uint64_t rows = 99;
	bool is_done = true;
	struct fault fault = {.text = ""};

	open_world_session(world, &session);
	assert_int_equal(import_rejects_open(&rejects, NULL, false, NULL, NULL), ERR_OK);
	struct import_batch *batch = import_batch_new(&session, import, &rejects, &summary, 10);
	assert_non_null(batch);
	assert_int_equal(import_batch_ask(batch, &rows, &is_done, NULL), ERR_OK);
	assert_int_equal(rows, 0);
	assert_false(is_done);
	assert_int_equal(import_batch_send(batch, false, NULL), ERR_OK);
	assert_int_equal(import_batch_ask(batch, &rows, &is_done, NULL), ERR_OK);
	assert_int_equal(rows, 10);
	world->broker->imports[0].rows = 11;
	assert_int_equal(import_batch_send(batch, false, &fault), ERR_STATE);
	assert_non_null(strstr(fault.text, "another import"));
	import_batch_free(&batch);
	assert_null(batch);
	import_rejects_close(&rejects);
	session_close(&session);
}

/* Full by operations, by their bytes, by those of parts, or by rejected rows. */
static void test_import_batch_is_full(void **state)
{
	struct world *world = *state;
	struct import_rejects rejects = {.descriptor = -1};
	struct import_summary summary = {0};
	struct session session;
	uint8_t import[HASH_SIZE] = {1};
	static const uint64_t line = 2;
	struct import_item item = {.row_count = 1, .lines = &line, .reason = "bad"};
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	size_t count = 0;

	open_world_session(world, &session);
	struct import_batch *batch = import_batch_new(&session, import, &rejects, &summary, 0);
	assert_non_null(batch);
	for (; !import_batch_is_full(batch); count++)
		import_batch_add(batch, &item);
	assert_int_equal(count, IMPORT_BATCH_ITEMS);
	assert_int_equal(import_batch_drop(batch, NULL), ERR_OK);
	assert_int_equal(batch->rows, IMPORT_BATCH_ITEMS); /* they are dealt with */

	item.reason = NULL;
	item.operation = &operation;
	for (count = 0; !import_batch_is_full(batch); count++)
		import_batch_add(batch, &item);
	assert_int_equal(count, OPERATIONS_MAX - 1);
	assert_int_equal(import_batch_drop(batch, NULL), ERR_OK);

	char purpose[2001];
	memset(purpose, 'x', 2000);
	purpose[2000] = '\0';
	operation.purpose = purpose;
	for (count = 0; !import_batch_is_full(batch); count++)
		import_batch_add(batch, &item);
	assert_true(count * 2000 + 2 * IMPORT_ITEM_REQUEST_MAX <= REQUEST_MAX + 2100);
	assert_true(count > 15);
	import_batch_free(&batch);
	session_close(&session);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_import_batch_bounds, world_begin, world_end),
		cmocka_unit_test_setup_teardown(test_import_batch_overtaken, world_begin, world_end),
		cmocka_unit_test_setup_teardown(test_import_batch_is_full, world_begin, world_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
