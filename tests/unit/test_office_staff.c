/* A store changes its own roster: here and, by a logged operation, at the broker. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "action.h"
#include "fail.h"
#include "office_staff.h"
#include "store_agent.h"
#include "unlogged.h"

static struct store_agent here;
static struct fault fault;

static int set_up(void **state)
{
	(void)state;
	store_agent_begin(&here, NULL);
	fault.text[0] = '\0';
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	store_agent_end(&here);
	return 0;
}

static enum err put(const char *handle, const char *role, const char *name)
{
	fault.text[0] = '\0';
	return office_staff_put(&here.agent, handle, role, name, &fault);
}

static enum err leave(const char *handle)
{
	fault.text[0] = '\0';
	return office_staff_leave(&here.agent, handle, &fault);
}

static enum err take_off(const char *handle)
{
	fault.text[0] = '\0';
	return office_staff_remove(&here.agent, handle, &fault);
}

/* The role that the broker has the pseudonym in; "" for none. */
static const char *role_at_broker(struct slice pseudonym)
{
	struct answer answer = franchise_must(here.formula, here.party, action_roster(here.formula));

	for (size_t i = 0; i < answer_items(&answer, 0); i++) {
		Kluis__RosterRow *row;
		assert_int_equal(
			WIRE_DECODE(RosterRow, roster_row, answer_item(&answer, 0, i), &here.formula->arena, &row),
			ERR_OK);
		if (slice_equal(wire_slice(row->employee), pseudonym))
			return row->role;
	}
	return "";
}

/* Until the next call. */
static const struct replica_employee *found(const char *handle)
{
	static struct replica_employee employee;

	assert_int_equal(office_staff_find(&here.agent, handle, &employee), ERR_OK);
	return &employee;
}

static struct slice pseudonym_of(const char *handle)
{
	uint8_t *copy = arena_copy(&here.formula->arena, SLICE(found(handle)->pseudonym, PSEUDONYM_SIZE));

	return SLICE(copy, PSEUDONYM_SIZE);
}

static bool is_known(const char *handle)
{
	struct replica_employee employee;

	return office_staff_find(&here.agent, handle, &employee) != ERR_NOT_FOUND;
}

static void test_put_adds_here_and_at_the_broker(void **state)
{
	(void)state;
	assert_int_equal(put("anna", "cashier", "Anna Bakker"), ERR_OK);
	assert_int_equal(put("bert", "cashier", "Bert"), ERR_OK);
	assert_string_equal(found("anna")->handle, "anna");
	assert_string_equal(found("anna")->role, "cashier");
	assert_string_equal(found("anna")->name, "Anna Bakker");
	assert_false(office_staff_is_leaving(found("anna")));
	struct slice anna = pseudonym_of("anna");
	assert_string_equal(role_at_broker(anna), "cashier");
	assert_false(slice_equal(anna, pseudonym_of("bert")));
	/* who is there keeps pseudonym and name under another role */
	assert_int_equal(put("anna", "manager", "Somebody Else"), ERR_OK);
	assert_true(slice_equal(pseudonym_of("anna"), anna));
	assert_string_equal(found("anna")->name, "Anna Bakker");
	assert_string_equal(found("anna")->role, "manager");
	assert_string_equal(role_at_broker(anna), "manager");
}

/* Nothing leaves the store for what it can see to be wrong itself. */
static void test_put_of_what_is_no_employee(void **state)
{
	char handle[NAME_MAX_ + 2], name[VALUE_MAX + 2];
	unsigned sent = here.sent;

	(void)state;
	memset(handle, 'a', sizeof handle - 1);
	handle[sizeof handle - 1] = '\0';
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	assert_int_equal(put("Anna", "cashier", "Anna"), ERR_USAGE);
	assert_int_equal(put("", "cashier", "Anna"), ERR_USAGE);
	assert_int_equal(put(handle, "cashier", "Anna"), ERR_USAGE);
	assert_int_equal(put("anna", NULL, "Anna"), ERR_USAGE);
	assert_int_equal(put("anna", "", "Anna"), ERR_USAGE);
	assert_int_equal(put("anna", "cash register", "Anna"), ERR_USAGE);
	assert_int_equal(put("anna", "cashier", NULL), ERR_USAGE);
	assert_int_equal(put("anna", "cashier", ""), ERR_USAGE);
	assert_int_equal(put("anna", "cashier", "An\xff"), ERR_USAGE);
	assert_int_equal(put("anna", "cashier", name), ERR_USAGE);
	assert_non_null(strstr(fault.text, "longer than"));
	assert_int_equal(here.sent, sent);
	assert_false(is_known("anna"));
	assert_false(is_known("Anna"));
	assert_false(is_known(handle));
	/* the longest of both is fine */
	handle[NAME_MAX_] = name[VALUE_MAX] = '\0';
	assert_int_equal(put(handle, "cashier", name), ERR_OK);
	assert_string_equal(found(handle)->name, name);
}

static void test_put_that_the_broker_does_not_take(void **state)
{
	(void)state;
	assert_int_equal(put("anna", "emperor", "Anna"), ERR_FIELD); /* no role of the charter's */
	assert_memory_equal(fault.text, "emperor: refused: unknown ", 26);
	assert_false(is_known("anna"));
	here.is_cut = true;
	assert_int_equal(put("anna", "cashier", "Anna"), ERR_NETWORK);
	assert_false(is_known("anna"));
	here.is_cut = false;
	assert_int_equal(put("anna", "cashier", "Anna"), ERR_OK);
	here.is_cut = true;
	assert_int_equal(put("anna", "manager", NULL), ERR_NETWORK);
	assert_string_equal(found("anna")->role, "cashier");
}

static void test_leave_needs_no_broker(void **state)
{
	(void)state;
	assert_int_equal(put("anna", "cashier", "Anna"), ERR_OK);
	struct slice anna = pseudonym_of("anna");
	here.is_cut = true;
	assert_int_equal(leave("anna"), ERR_OK);
	assert_true(office_staff_is_leaving(found("anna")));
	assert_true(slice_equal(pseudonym_of("anna"), anna));
	/* nobody follows under the handle until the broker knows */
	assert_int_equal(put("anna", "cashier", "Another"), ERR_STATE);
	assert_non_null(strstr(fault.text, "'kluis-agent staff remove anna'"));
	assert_int_equal(take_off("anna"), ERR_NETWORK);
	assert_true(office_staff_is_leaving(found("anna")));
	here.is_cut = false;
	assert_string_equal(role_at_broker(anna), "cashier");
	assert_int_equal(leave("anna"), ERR_OK);
	assert_int_equal(take_off("anna"), ERR_OK);
	assert_string_equal(role_at_broker(anna), "");
	assert_int_equal(take_off("anna"), ERR_NOT_FOUND);
	assert_int_equal(leave("anna"), ERR_NOT_FOUND);
	assert_string_equal(fault.text, "'anna' is not on the roster");
	assert_int_equal(leave("no handle"), ERR_NOT_FOUND);
	assert_int_equal(put("anna", "cashier", "Another"), ERR_OK);
	assert_false(slice_equal(pseudonym_of("anna"), anna));
}

/* Done at the broker, unanswered here: asked again it is not found there, which is what was wanted. */
static void test_remove_done_again(void **state)
{
	(void)state;
	assert_int_equal(put("anna", "cashier", "Anna"), ERR_OK);
	assert_int_equal(leave("anna"), ERR_OK);
	here.is_reply_lost = true;
	assert_int_equal(take_off("anna"), ERR_TIMEOUT);
	store_agent_restart(&here);
	assert_true(office_staff_is_leaving(found("anna")));
	here.is_reply_lost = false;
	assert_int_equal(take_off("anna"), ERR_OK);
	assert_string_equal(fault.text, "");
	assert_false(is_known("anna"));
}

static enum err leave_fresh(void *context)
{
	const struct replica_employee *anna = context;

	enum err err = replica_put_employee(&here.agent.replica, anna);
	return err == ERR_OK ? office_staff_leave(&here.agent, "anna", NULL) : err;
}

static void test_leave_tells_failures(void **state)
{
	(void)state;
	assert_int_equal(put("anna", "cashier", "Anna"), ERR_OK);
	struct replica_employee anna = *found("anna");
	fail_sweep(FAIL_MEMORY, leave_fresh, &anna);
	assert_true(office_staff_is_leaving(found("anna")));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_put_adds_here_and_at_the_broker),
		TEST(test_put_of_what_is_no_employee),
		TEST(test_put_that_the_broker_does_not_take),
		TEST(test_leave_needs_no_broker),
		TEST(test_remove_done_again),
		TEST(test_leave_tells_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
