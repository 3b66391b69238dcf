/* The store's staff as the agent knows them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fail.h"
#include "replica.h"
#include "scratch.h"
#include "test_keys.h"

static char folder[SCRATCH_MAX], path[SCRATCH_MAX + 8];
static uint8_t key[KEY_SIZE] = {9};
static struct store *store;
static struct replica replica;

static int set_up(void **state)
{
	struct fault fault = {""};

	(void)state;
	assert_int_equal(keys_init(), ERR_OK);
	scratch_new(folder);
	snprintf(path, sizeof(path), "%s/db", folder);
	assert_int_equal(store_open(path, &replica_layout, true, &store, &fault), ERR_OK);
	replica = (struct replica){.store = store, .key = key};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	store_close(&store);
	scratch_remove(folder);
	return 0;
}

static enum err put(const char *handle, const char *role, const char *name)
{
	struct replica_employee employee = {.handle = ""};

	snprintf(employee.handle, sizeof(employee.handle), "%s", handle);
	snprintf(employee.role, sizeof(employee.role), "%s", role);
	snprintf(employee.name, sizeof(employee.name), "%s", name);
	memset(employee.pseudonym, handle[0], PSEUDONYM_SIZE);
	return replica_put_employee(&replica, &employee);
}

static char seen[4096];

static enum err see(void *context, const struct replica_employee *employee)
{
	size_t length = strlen(seen);

	(void)context;
	int added = snprintf(seen + length, sizeof(seen) - length, "%s %s %s %c|", employee->handle, employee->role,
			     employee->name, employee->pseudonym[15]);
	assert_in_range(added, 1, sizeof(seen) - length - 1);
	return ERR_OK;
}

static const char *everybody(void)
{
	seen[0] = '\0';
	assert_int_equal(replica_each_employee(&replica, see, NULL), ERR_OK);
	return seen;
}

static void test_employees_come_change_and_go(void **state)
{
	struct replica_employee employee;

	(void)state;
	assert_string_equal(everybody(), "");
	assert_int_equal(replica_get_employee(&replica, "kees", &employee), ERR_NOT_FOUND);
	assert_int_equal(put("kees", "cashier", "Kees de Vries"), ERR_OK);
	assert_int_equal(put("anna", "manager", "Ánna"), ERR_OK);
	assert_string_equal(everybody(), "anna manager Ánna a|kees cashier Kees de Vries k|");
	assert_int_equal(put("kees", "manager", "Kees de Vries"), ERR_OK);
	assert_int_equal(replica_get_employee(&replica, "kees", &employee), ERR_OK);
	assert_string_equal(employee.role, "manager");
	assert_string_equal(employee.name, "Kees de Vries");
	assert_int_equal(replica_remove_employee(&replica, "kees"), ERR_OK);
	assert_int_equal(replica_remove_employee(&replica, "kees"), ERR_OK); /* nothing to do */
	assert_int_equal(replica_get_employee(&replica, "kees", &employee), ERR_NOT_FOUND);
	assert_string_equal(everybody(), "anna manager Ánna a|");
}

static void test_longest_texts(void **state)
{
	struct replica_employee employee = {.handle = ""}, back;

	(void)state;
	memset(employee.handle, 'h', NAME_MAX_);
	memset(employee.role, 'r', NAME_MAX_);
	memset(employee.name, 'n', VALUE_MAX);
	assert_int_equal(replica_put_employee(&replica, &employee), ERR_OK);
	assert_int_equal(replica_get_employee(&replica, employee.handle, &back), ERR_OK);
	assert_string_equal(back.handle, employee.handle);
	assert_string_equal(back.role, employee.role);
	assert_string_equal(back.name, employee.name);
}

static enum err find_name(struct store_txn *txn, void *context)
{
	struct slice value;

	(void)context;
	TRY(store_get(txn, REPLICA_STAFF, slice_text("kees"), &value));
	return memmem(value.data, value.length, "Vries", 5) != NULL ? ERR_FINDING : ERR_OK;
}

static enum err move_row(struct store_txn *txn, void *context)
{
	uint8_t copy[200];
	struct slice value;

	(void)context;
	TRY(store_get(txn, REPLICA_STAFF, slice_text("kees"), &value));
	memcpy(copy, value.data, value.length);
	store_put(txn, REPLICA_STAFF, slice_text("boss"), SLICE(copy, value.length));
	return ERR_OK;
}

static void test_rows_are_sealed(void **state)
{
	struct replica_employee employee;
	uint8_t other_key[KEY_SIZE] = {8};

	(void)state;
	assert_int_equal(put("kees", "cashier", "Kees de Vries"), ERR_OK);
	assert_int_equal(store_update(store, find_name, NULL), ERR_OK);
	/* one employee's row does not open as another's */
	assert_int_equal(store_update(store, move_row, NULL), ERR_OK);
	assert_int_equal(replica_get_employee(&replica, "boss", &employee), ERR_CRYPTO);
	replica.key = other_key;
	assert_int_equal(replica_get_employee(&replica, "kees", &employee), ERR_CRYPTO);
}

static enum err use(void *context)
{
	struct replica_employee employee;

	(void)context;
	TRY(put("kees", "cashier", "Kees de Vries"));
	return replica_get_employee(&replica, "kees", &employee);
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
		TEST(test_employees_come_change_and_go),
		TEST(test_longest_texts),
		TEST(test_rows_are_sealed),
		TEST(test_when_memory_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
