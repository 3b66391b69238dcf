/* PINs: what is kept of them, how often they may be tried, and what the answers give away. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fail.h"
#include "kluis/clock.h"
#include "kluis/keys.h"
#include "scratch.h"
#include "staff.h"

#define NOW UINT64_C(1800000000000)

static char folder[SCRATCH_MAX], path[SCRATCH_MAX + 8];
static uint8_t key[KEY_SIZE] = {9};
static struct store *store;
static struct replica replica;

static void open_store(bool is_new)
{
	struct fault fault = {""};

	assert_int_equal(store_open(path, &replica_layout, is_new, &store, &fault), ERR_OK);
	replica = (struct replica){.store = store, .key = key};
}

static void employ(const char *handle, const char *role)
{
	struct replica_employee employee = {.handle = ""};

	snprintf(employee.handle, sizeof employee.handle, "%s", handle);
	snprintf(employee.role, sizeof employee.role, "%s", role);
	memset(employee.pseudonym, handle[0], PSEUDONYM_SIZE);
	assert_int_equal(replica_put_employee(&replica, &employee), ERR_OK);
}

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(keys_init(), ERR_OK);
	scratch_new(folder);
	snprintf(path, sizeof path, "%s/db", folder);
	open_store(true);
	employ("anna", "cashier");
	employ("kees", "manager");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	store_close(&store);
	scratch_remove(folder);
	return 0;
}

static enum err set(const char *handle, const char *pin)
{
	return staff_set_pin(&replica, handle, slice_text(pin));
}

static uint64_t wait_ms;

static enum err check(const char *handle, const char *pin, uint64_t now_ms)
{
	struct replica_employee employee = {.handle = ""};

	wait_ms = 0;
	enum err err = staff_check_pin(&replica, handle, slice_text(pin), now_ms, &employee, &wait_ms);
	if (err == ERR_OK)
		assert_string_equal(employee.handle, handle);
	return err;
}

static struct staff_standing standing(const char *handle)
{
	struct staff_standing standing;

	assert_int_equal(staff_standing(&replica, handle, &standing), ERR_OK);
	return standing;
}

static void test_set_and_check(void **state)
{
	(void)state;
	assert_false(standing("anna").has_pin);
	assert_int_equal(check("anna", "", NOW), ERR_FORBIDDEN);
	assert_int_equal(set("anna", "4711"), ERR_OK);
	assert_true(standing("anna").has_pin);
	assert_int_equal(standing("anna").wrong, 0);
	assert_int_equal(check("anna", "4711", NOW), ERR_OK);
	assert_int_equal(check("anna", "4712", NOW), ERR_FORBIDDEN);
	assert_int_equal(check("anna", "47110", NOW), ERR_FORBIDDEN);
	assert_int_equal(standing("anna").wrong, 2);
	/* kees has none of his own, and not anna's */
	assert_int_equal(check("kees", "4711", NOW), ERR_FORBIDDEN);
	/* a right one ends the row of wrong ones */
	assert_int_equal(check("anna", "4711", NOW), ERR_OK);
	assert_int_equal(standing("anna").wrong, 0);
	assert_int_equal(set("anna", "another"), ERR_OK);
	assert_int_equal(check("anna", "4711", NOW), ERR_FORBIDDEN);
	assert_int_equal(check("anna", "another", NOW), ERR_OK);
}

static void test_pins_that_cannot_be(void **state)
{
	char longest[STAFF_PIN_MAX + 2] = "";

	(void)state;
	assert_int_equal(set("anna", ""), ERR_VALUE);
	assert_int_equal(set("anna", "471"), ERR_VALUE);
	assert_int_equal(set("anna", "1111"), ERR_VALUE);
	assert_int_equal(set("anna", "47\t11"), ERR_VALUE);
	assert_int_equal(set("anna", "47\xff\xff"), ERR_VALUE);
	memset(longest, '7', STAFF_PIN_MAX + 1);
	longest[0] = '8';
	assert_int_equal(set("anna", longest), ERR_VALUE);
	assert_false(standing("anna").has_pin);
	longest[STAFF_PIN_MAX] = '\0';
	assert_int_equal(set("anna", longest), ERR_OK);
	assert_int_equal(check("anna", longest, NOW), ERR_OK);
	assert_int_equal(set("anna", "1112"), ERR_OK);
}

static void test_whoever_is_not_on_the_roster(void **state)
{
	static const char *const nobody[] = {"", "jan", "Anna", "?00", "anna ", "-"};
	char longest[2 * NAME_MAX_] = "";
	struct staff_standing ignored;

	(void)state;
	memset(longest, 'a', sizeof longest - 1);
	for (size_t i = 0; i < sizeof nobody / sizeof nobody[0]; i++) {
		assert_int_equal(set(nobody[i], "4711"), ERR_NOT_FOUND);
		assert_int_equal(check(nobody[i], "4711", NOW), ERR_FORBIDDEN);
		assert_int_equal(staff_standing(&replica, nobody[i], &ignored), ERR_NOT_FOUND);
	}
	assert_int_equal(set(longest, "4711"), ERR_NOT_FOUND);
	assert_int_equal(check(longest, "4711", NOW), ERR_FORBIDDEN);
	/* leaving: the broker has not heard of it yet */
	assert_int_equal(set("anna", "4711"), ERR_OK);
	employ("anna", "");
	assert_int_equal(check("anna", "4711", NOW), ERR_FORBIDDEN);
	assert_int_equal(set("anna", "4712"), ERR_NOT_FOUND);
}

static void test_a_role_is_changed_and_the_pin_stays(void **state)
{
	(void)state;
	assert_int_equal(set("anna", "4711"), ERR_OK);
	employ("anna", "manager");
	assert_int_equal(check("anna", "4711", NOW), ERR_OK);
}

static void test_the_next_one_under_a_handle_has_no_pin(void **state)
{
	(void)state;
	assert_int_equal(set("anna", "4711"), ERR_OK);
	assert_int_equal(check("anna", "0815", NOW), ERR_FORBIDDEN);
	assert_int_equal(replica_remove_employee(&replica, "anna"), ERR_OK);
	assert_int_equal(check("anna", "4711", NOW), ERR_FORBIDDEN);
	employ("anna", "cashier");
	assert_false(standing("anna").has_pin);
	assert_int_equal(standing("anna").wrong, 0);
	assert_int_equal(check("anna", "4711", NOW), ERR_FORBIDDEN);
}

/* What the header promises, row by row: 30 s after the third, doubled each time, locked after the tenth. The same for
 * one without a PIN and one who does not exist. */
static void wrong_until_locked(const char *handle)
{
	uint64_t now = NOW, expected_ms = 30000;

	for (unsigned i = 1; i <= STAFF_TRIES_MAX; i++) {
		assert_int_equal(check(handle, "0815", now), ERR_FORBIDDEN);
		if (i < STAFF_TRIES || i == STAFF_TRIES_MAX)
			continue;
		assert_int_equal(check(handle, "4711", now), ERR_BUSY); /* even the right one */
		assert_int_equal(wait_ms, expected_ms);
		assert_int_equal(check(handle, "4711", now + expected_ms - 1), ERR_BUSY);
		assert_int_equal(wait_ms, 1);
		now += expected_ms;
		expected_ms *= 2;
	}
	assert_int_equal(check(handle, "4711", now), ERR_STATE);
	assert_int_equal(check(handle, "4711", now + UINT64_C(1000) * 86400000), ERR_STATE);
}

static void test_locked_after_ten(void **state)
{
	(void)state;
	assert_int_equal(set("anna", "4711"), ERR_OK);
	wrong_until_locked("anna");
	assert_true(standing("anna").is_locked);
	assert_int_equal(standing("anna").wrong, STAFF_TRIES_MAX);
	assert_int_equal(set("anna", "4712"), ERR_OK);
	assert_false(standing("anna").is_locked);
	assert_int_equal(check("anna", "4712", NOW), ERR_OK);
}

static void test_locked_alike_without_pin_and_without_employee(void **state)
{
	(void)state;
	wrong_until_locked("kees");
	assert_false(standing("kees").has_pin);
	wrong_until_locked("nobody");
}

/* A restart gives none back, and neither does a power cut between the counting and the judging. */
static void test_tries_are_counted_on_disk(void **state)
{
	(void)state;
	assert_int_equal(set("anna", "4711"), ERR_OK);
	for (int i = 0; i < STAFF_TRIES; i++) {
		assert_int_equal(check("anna", "0815", NOW), ERR_FORBIDDEN);
		store_close(&store);
		open_store(false);
	}
	assert_int_equal(check("anna", "4711", NOW + 29999), ERR_BUSY);
	assert_int_equal(check("anna", "4711", NOW + 30000), ERR_OK);
}

static enum err count_rows(struct store_txn *txn, void *context)
{
	*(uint64_t *)context = store_count(txn, REPLICA_STAFF);
	return ERR_OK;
}

static enum err find_plain(struct store_txn *txn, void *context)
{
	struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
	struct slice row_key, value;

	(void)context;
	TRY(store_seek(txn, REPLICA_STAFF, SLICE_EMPTY, &cursor));
	while (store_next(cursor, &row_key, &value))
		if (memmem(value.data, value.length, "argon2", 6) != NULL)
			return ERR_FINDING;
	return ERR_OK;
}

static enum err see_handle(void *context, const struct replica_employee *employee)
{
	strncat(context, employee->handle, 100);
	return ERR_OK;
}

static void test_rows_are_sealed_and_not_listed(void **state)
{
	char seen[200] = "";

	(void)state;
	assert_int_equal(set("anna", "4711"), ERR_OK);
	assert_int_equal(check("nobody", "4711", NOW), ERR_FORBIDDEN);
	assert_int_equal(store_update(store, find_plain, NULL), ERR_OK);
	assert_int_equal(replica_each_employee(&replica, see_handle, seen), ERR_OK);
	assert_string_equal(seen, "annakees");
}

struct moving {
	const char *from, *to;
};

static enum err move_pin(struct store_txn *txn, void *context)
{
	const struct moving *moving = context;
	uint8_t from[STAFF_KEY_MAX], to[STAFF_KEY_MAX], copy[512];
	struct slice value;

	TRY(store_get(txn, REPLICA_STAFF, staff_pin_key(slice_text(moving->from), from), &value));
	memcpy(copy, value.data, value.length);
	store_put(txn, REPLICA_STAFF, staff_pin_key(slice_text(moving->to), to), SLICE(copy, value.length));
	return ERR_OK;
}

static void test_a_row_moved_to_another_does_not_open(void **state)
{
	(void)state;
	assert_int_equal(set("anna", "4711"), ERR_OK);
	assert_int_equal(store_update(store, move_pin, &(struct moving){"anna", "kees"}), ERR_OK);
	assert_int_equal(check("kees", "4711", NOW), ERR_CRYPTO);
	/* a new one ends that */
	assert_int_equal(set("kees", "4712"), ERR_OK);
	assert_int_equal(check("kees", "4712", NOW), ERR_OK);
}

static void test_invented_handles_do_not_fill_the_disk(void **state)
{
	static uint8_t place[STAFF_KEY_MAX];
	uint64_t rows;

	(void)state;
	assert_int_equal(staff_pin_key(slice_text("a"), place).length, 5);
	assert_true(staff_is_pin_key(staff_pin_key(slice_text("a"), place)));
	assert_false(staff_is_pin_key(slice_text("a")));
	for (int i = 0; i < 12; i++) {
		char handle[16];
		snprintf(handle, sizeof handle, "till-%d", i % 4);
		enum err err = check(handle, "4711", NOW);
		assert_true(err == ERR_FORBIDDEN || err == ERR_BUSY);
	}
	assert_int_equal(store_update(store, count_rows, &rows), ERR_OK);
	assert_in_range(rows, 3, 2 + 4);
}

/* Both hash a PIN and commit once. Generous: only an order of magnitude would be a finding here. */
static void test_unknown_takes_as_long_as_wrong(void **state)
{
	uint64_t took_ms[2];

	(void)state;
	assert_int_equal(set("anna", "4711"), ERR_OK);
	for (int i = 0; i < 2; i++) {
		uint64_t start = clock_steady_ms();
		assert_int_equal(check(i == 0 ? "anna" : "nobody", "0815", NOW), ERR_FORBIDDEN);
		took_ms[i] = clock_steady_ms() - start;
	}
	assert_true(took_ms[0] < 10 * took_ms[1] + 100 && took_ms[1] < 10 * took_ms[0] + 100);
}

static void *try_once(void *context)
{
	struct replica_employee employee;
	uint64_t ignored;

	*(enum err *)context = staff_check_pin(&replica, "anna", slice_text("0815"), NOW, &employee, &ignored);
	return NULL;
}

/* Many tills at a time have no more tries than one. */
static void test_tries_at_the_same_time(void **state)
{
	enum err results[8];
	pthread_t threads[8];
	int looked_at = 0;

	(void)state;
	assert_int_equal(set("anna", "4711"), ERR_OK);
	for (int i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, try_once, &results[i]), 0);
	for (int i = 0; i < 8; i++) {
		pthread_join(threads[i], NULL);
		assert_true(results[i] == ERR_FORBIDDEN || results[i] == ERR_BUSY);
		looked_at += results[i] == ERR_FORBIDDEN;
	}
	assert_int_equal(looked_at, STAFF_TRIES);
}

/* ---- failures of the world ---- */

static enum err use(void *context)
{
	struct replica_employee employee;
	uint64_t ignored;

	(void)context;
	TRY(set("anna", "4711"));
	return staff_check_pin(&replica, "anna", slice_text("4711"), NOW, &employee, &ignored);
}

static void test_when_memory_fails(void **state)
{
	(void)state;
	fail_sweep(FAIL_MEMORY, use, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_set_and_check),
		TEST(test_pins_that_cannot_be),
		TEST(test_whoever_is_not_on_the_roster),
		TEST(test_a_role_is_changed_and_the_pin_stays),
		TEST(test_the_next_one_under_a_handle_has_no_pin),
		TEST(test_locked_after_ten),
		TEST(test_locked_alike_without_pin_and_without_employee),
		TEST(test_tries_are_counted_on_disk),
		TEST(test_rows_are_sealed_and_not_listed),
		TEST(test_a_row_moved_to_another_does_not_open),
		TEST(test_invented_handles_do_not_fill_the_disk),
		TEST(test_unknown_takes_as_long_as_wrong),
		TEST(test_tries_at_the_same_time),
		TEST(test_when_memory_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
