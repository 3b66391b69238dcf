/* Head office's connections: a lane for each, on a broker that is served. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "command/office.h"
#include "headquarters.h"

static struct fault fault;

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(keys_init(), ERR_OK);
	headquarters_begin(&here);
	fault.text[0] = '\0';
	return 0;
}

static enum err census(struct office *office, size_t *ret_count)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Census ask = KLUIS__CENSUS__INIT;
	Kluis__Data *data;

	operation.kind_case = KLUIS__OPERATION__KIND_CENSUS;
	operation.census = &ask;
	TRY(office_call(office, &operation, SLICE_EMPTY, &data, &fault));
	*ret_count = data->n_items;
	return ERR_OK;
}

static enum err open_store(struct office *office, uint32_t number)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__OpenStore open = KLUIS__OPEN_STORE__INIT;
	char name[] = "Zeist", country[] = "NL";

	open.store = number;
	open.name = name;
	open.country = country;
	operation.kind_case = KLUIS__OPERATION__KIND_OPEN_STORE;
	operation.open_store = &open;
	return office_call(office, &operation, SLICE_EMPTY, NULL, &fault);
}

static void test_lanes_side_by_side(void **state)
{
	static struct office offices[3];
	size_t count;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(office_open(&offices[i], here.broker, &fault), ERR_OK);
		assert_int_equal(offices[i].session.lane, i + 1);
	}
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(open_store(&offices[i], i), ERR_OK);
	assert_int_equal(census(&offices[0], &count), ERR_OK);
	assert_int_equal(count, 3);
	/* a lane that was given up is taken again, where it stood */
	office_close(&offices[1]);
	assert_int_equal(office_open(&offices[1], here.broker, &fault), ERR_OK);
	assert_int_equal(offices[1].session.lane, 2);
	assert_int_equal(offices[1].session.sequence, 1);
	assert_int_equal(census(&offices[1], &count), ERR_OK);
	for (size_t i = 0; i < 3; i++)
		office_close(&offices[i]);
}

static void test_refusals_are_faults(void **state)
{
	static struct office office;
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Standing standing = KLUIS__STANDING__INIT;

	(void)state;
	assert_int_equal(office_open(&office, here.broker, &fault), ERR_OK);
	standing.store = 99;
	standing.action = 1;
	operation.kind_case = KLUIS__OPERATION__KIND_STANDING;
	operation.standing = &standing;
	assert_int_equal(office_call(&office, &operation, SLICE_EMPTY, NULL, &fault), ERR_STORE);
	assert_string_equal(fault.text, "refused: unknown store");
	office_close(&office);
}

static void test_open_without_a_broker(void **state)
{
	static struct office office;

	(void)state;
	headquarters_stop(&here);
	assert_int_not_equal(office_open(&office, here.broker, &fault), ERR_OK);
	assert_non_null(strstr(fault.text, "no broker answers for"));
	fault.text[0] = '\0';
	assert_int_equal(office_open(&office, here.folder, &fault), ERR_NOT_FOUND);
	office_close(&office); /* of one that did not open */
}

static enum err nobody_answers(void *context, struct slice message, struct bytes *ret_reply)
{
	(void)context, (void)message, (void)ret_reply;
	return ERR_TIMEOUT;
}

/* Killed with a request unanswered: the next command on the lane settles it first and says nothing of it. */
static void test_what_a_killed_command_left(void **state)
{
	static struct office office, next;
	size_t count;

	(void)state;
	assert_int_equal(office_open(&office, here.broker, &fault), ERR_OK);
	office.session.exchange = (struct exchange){.send = nobody_answers};
	assert_int_equal(open_store(&office, 5), ERR_TIMEOUT);
	assert_true(office.session.has_pending);
	office_close(&office);
	fault.text[0] = '\0';
	assert_int_equal(office_open(&next, here.broker, &fault), ERR_OK);
	assert_string_equal(fault.text, "");
	assert_false(next.session.has_pending);
	assert_true(next.resumed.has_entry);
	assert_int_equal(census(&next, &count), ERR_OK);
	assert_int_equal(count, 1);
	office_close(&next);
}

static void test_charter_in_force(void **state)
{
	static struct office office;
	struct arena arena CLEANUP(arena_fini) = {0};

	(void)state;
	arena_init(&arena, 4 << 20);
	struct charter *charter = arena_alloc(&arena, sizeof(*charter));
	assert_int_equal(office_open(&office, here.broker, &fault), ERR_OK);
	assert_int_equal(office_charter(&office, &arena, charter, &fault), ERR_OK);
	assert_string_equal(charter->origin, "minimal.example/kluis");
	office_close(&office);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, headquarters_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lanes_side_by_side),	       TEST(test_refusals_are_faults), TEST(test_open_without_a_broker),
		TEST(test_what_a_killed_command_left), TEST(test_charter_in_force),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
