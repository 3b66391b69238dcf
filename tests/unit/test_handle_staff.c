/* FORMAT.md R106. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "action.h"
#include "workbench.h"

static struct franchise *formula;
static struct party *store, *other;
static uint32_t own = 12, others = 13, nobody = 99;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	store = franchise_store(formula, 12, GRANT_SERVICE);
	other = franchise_store(formula, 13, GRANT_SERVICE);
	franchise_visitor(formula, store, "1=4711");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	franchise_free(&formula);
	return 0;
}

static enum err staff(struct party *party, const uint32_t *number, struct slice employee, const char *role,
		      const char *name)
{
	return franchise_one(formula, party, action_staff(formula, number, employee, role, name)).code;
}

/* May the employee look somebody up? */
static enum err lookup_by(struct slice employee)
{
	memcpy(store->employee, employee.data, PSEUDONYM_SIZE);
	store->has_employee = true;
	return franchise_one(formula, store, action_lookup(formula, "service", "1=4711")).code;
}

/* R48: later operations of one request see the roster that the earlier ones left. */
static void test_roster_within_one_request(void **state)
{
	struct slice employee = SLICE_ARRAY(store->employee);
	struct action actions[3];

	(void)state;
	actions[0] = action_lookup(formula, "service", "1=4711");
	actions[1] = action_staff(formula, NULL, employee, "", NULL);
	actions[2] = action_lookup(formula, "service", "1=4711");
	struct answer answer = franchise_send(formula, store, actions, 3);
	assert_int_equal(answer.entry.decoded->results[0]->code, ERR_OK);
	assert_int_equal(answer.entry.decoded->results[1]->code, ERR_OK);
	assert_int_equal(answer.entry.decoded->results[2]->code, ERR_NO_EMPLOYEE);
	actions[1] = action_staff(formula, NULL, employee, "cashier", "K. de Vries");
	answer = franchise_send(formula, store, actions, 3);
	assert_int_equal(answer.entry.decoded->results[0]->code, ERR_NO_EMPLOYEE);
	assert_int_equal(answer.entry.decoded->results[2]->code, ERR_OK);
}

static void test_employee_comes_changes_and_goes(void **state)
{
	struct slice employee = franchise_draw(formula);

	(void)state;
	assert_int_equal(staff(store, NULL, employee, "", NULL), ERR_NOT_FOUND);
	assert_int_equal(staff(store, NULL, employee, "cashier", "K. de Vries"), ERR_OK);
	assert_int_equal(lookup_by(employee), ERR_OK);
	assert_int_equal(staff(store, &own, employee, "manager", NULL), ERR_OK);
	assert_int_equal(lookup_by(employee), ERR_OK);
	assert_int_equal(staff(store, NULL, employee, "", NULL), ERR_OK);
	assert_int_equal(lookup_by(employee), ERR_NO_EMPLOYEE);
	assert_int_equal(staff(store, NULL, employee, "", NULL), ERR_NOT_FOUND);
}

static void test_role_decides(void **state)
{
	const char *grants = "[grant till]\npurpose = service\noperations = lookup\ncustomers = visited\n"
			     "fields = card\nstaff = manager\nhours = mon-sun 00:00-24:00 Europe/Amsterdam\n"
			     "lease = 72h\nterritory = EEA\n";
	struct slice employee = franchise_draw(formula);

	(void)state;
	franchise_agree(formula, store, franchise_agreement(formula, 12, grants, store->agreement));
	assert_int_equal(staff(&formula->office, &own, employee, "cashier", "Jan"), ERR_OK);
	assert_int_equal(lookup_by(employee), ERR_ROLE);
	assert_int_equal(staff(&formula->office, &own, employee, "manager", NULL), ERR_OK);
	assert_int_equal(lookup_by(employee), ERR_OK);
}

static void test_roster_of_whom(void **state)
{
	struct slice employee = franchise_draw(formula);

	(void)state;
	assert_int_equal(staff(store, &others, employee, "cashier", NULL), ERR_STORE);
	assert_int_equal(staff(&formula->office, NULL, employee, "cashier", NULL), ERR_STORE);
	assert_int_equal(staff(&formula->office, &nobody, employee, "cashier", NULL), ERR_STORE);
	assert_int_equal(staff(&formula->office, &nobody, employee, "", NULL), ERR_STORE);
	assert_int_equal(staff(&formula->office, &others, employee, "cashier", NULL), ERR_OK);
	assert_int_equal(lookup_by(employee), ERR_NO_EMPLOYEE); /* of 13, not of 12 */
	assert_int_equal(staff(store, NULL, employee, "", NULL), ERR_NOT_FOUND);
	assert_int_equal(staff(other, NULL, employee, "", NULL), ERR_OK);
}

static void test_role_that_the_charter_has_not(void **state)
{
	struct slice employee = franchise_draw(formula);

	(void)state;
	assert_int_equal(staff(store, NULL, employee, "captain", NULL), ERR_FIELD);
	assert_int_equal(staff(store, NULL, employee, "Cashier", NULL), ERR_FIELD);
	assert_int_equal(lookup_by(employee), ERR_NO_EMPLOYEE);
}

static const Rows__Employee *row_of(struct workbench *bench, struct slice employee)
{
	uint8_t key[4 + PSEUDONYM_SIZE];
	ProtobufCMessage *row;

	put_u32(key, 12);
	memcpy(key + 4, employee.data, PSEUDONYM_SIZE);
	assert_int_equal(row_get(&bench->context, TABLE_EMPLOYEE, SLICE_ARRAY(key), &rows__employee__descriptor, &row),
			 ERR_OK);
	return (const Rows__Employee *)row;
}

/* The name is kept sealed, and through a change of role; neither the log nor the tables have it in clear. */
static void test_name_is_sealed(void **state)
{
	static const char name[] = "Kees van der Veen";
	struct slice employee = franchise_draw(formula);
	struct workbench bench;

	(void)state;
	assert_int_equal(staff(store, NULL, employee, "cashier", name), ERR_OK);
	assert_int_equal(staff(store, NULL, employee, "manager", NULL), ERR_OK);
	struct answer log =
		franchise_must(formula, &formula->office, action_read_log(formula, 0, core_size(formula->core)));
	assert_int_equal(answer_items(&log, 0), core_size(formula->core) - 1); /* but for the one of reading it */
	for (size_t i = 0; i < answer_items(&log, 0); i++) {
		struct slice entry = answer_item(&log, 0, i);

		assert_null(memmem(entry.data, entry.length, name, 8));
	}
	workbench_init(&bench, formula, &formula->office);
	const Rows__Employee *row = row_of(&bench, employee);
	assert_string_equal(row->role, "manager");
	assert_true(row->has_sealed_name);
	assert_true(row->sealed_name.len > sizeof(name));
	assert_null(memmem(row->sealed_name.data, row->sealed_name.len, name, 4));
	workbench_fini(&bench);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_employee_comes_changes_and_goes), TEST(test_role_decides),   TEST(test_roster_of_whom),
		TEST(test_roster_within_one_request),	    TEST(test_role_decides),   TEST(test_roster_of_whom),
		TEST(test_role_that_the_charter_has_not),   TEST(test_name_is_sealed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
