/* Items of the outbox that are destroyed: all, or one customer's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "outbox.h"
#include "replica.h"
#include "scratch.h"

static char folder[SCRATCH_MAX], path[SCRATCH_MAX + 8];
static uint8_t key[KEY_SIZE] = {7};
static struct store *store;
static struct outbox *outbox;

static int set_up(void **state)
{
	(void)state;
	scratch_new(folder);
	snprintf(path, sizeof path, "%s/db", folder);
	assert_int_equal(store_open(path, &replica_layout, true, &store, NULL), ERR_OK);
	assert_int_equal(outbox_open(store, key, &outbox, NULL), ERR_OK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	outbox_close(&outbox);
	store_close(&store);
	scratch_remove(folder);
	return 0;
}

static void open_again(void)
{
	outbox_close(&outbox);
	assert_int_equal(outbox_open(store, key, &outbox, NULL), ERR_OK);
}

static uint8_t who[PSEUDONYM_SIZE];

static struct slice customer(uint8_t n)
{
	memset(who, n, sizeof who);
	return SLICE_ARRAY(who);
}

static uint64_t add(Kluis__Operation *operation)
{
	char purpose[] = "service";
	uint64_t number = 0;

	operation->purpose = purpose;
	assert_int_equal(outbox_add(outbox, operation, NULL, SLICE_EMPTY, 1000, &number), ERR_OK);
	return number;
}

/* An operation of each kind that names a customer. */
static uint64_t add_update(uint8_t n)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Update update = KLUIS__UPDATE__INIT;

	update.customer = wire_data(customer(n));
	operation.kind_case = KLUIS__OPERATION__KIND_UPDATE;
	operation.update = &update;
	return add(&operation);
}

static uint64_t add_receipt(uint8_t n, bool has_customer)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Receipt receipt = KLUIS__RECEIPT__INIT;

	receipt.has_customer = has_customer;
	if (has_customer)
		receipt.customer = wire_data(customer(n));
	operation.kind_case = KLUIS__OPERATION__KIND_RECEIPT;
	operation.receipt = &receipt;
	return add(&operation);
}

static void add_others(uint8_t n)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Registration registration = KLUIS__REGISTRATION__INIT;
	Kluis__Consent consent = KLUIS__CONSENT__INIT;
	Kluis__ConsentState given = KLUIS__CONSENT_STATE__INIT;
	Kluis__SubjectRequest request = KLUIS__SUBJECT_REQUEST__INIT;
	char about[] = "service";

	registration.customer = wire_data(customer(n));
	operation.kind_case = KLUIS__OPERATION__KIND_REGISTRATION;
	operation.registration = &registration;
	add(&operation);
	given.purpose = about;
	consent.customer = wire_data(customer(n));
	consent.state = &given;
	operation.kind_case = KLUIS__OPERATION__KIND_CONSENT;
	operation.consent = &consent;
	add(&operation);
	request.has_customer = 1;
	request.customer = wire_data(customer(n));
	operation.kind_case = KLUIS__OPERATION__KIND_SUBJECT_REQUEST;
	operation.subject_request = &request;
	add(&operation);
}

static uint64_t told;
static unsigned calls;

static enum err tell(struct store_txn *txn, uint64_t count, void *context)
{
	store_put(txn, REPLICA_META, slice_text("told"), slice_text("yes"));
	told = count;
	calls++;
	return *(enum err *)context;
}

static uint64_t waiting(void)
{
	uint64_t is_waiting, is_refused;

	outbox_counts(outbox, &is_waiting, &is_refused);
	return is_waiting + is_refused;
}

static bool erase(uint8_t n)
{
	enum err code = ERR_OK;
	bool is_under_way;

	told = 0;
	assert_int_equal(outbox_erase(outbox, customer(n), tell, &code, &is_under_way), ERR_OK);
	return is_under_way;
}

static void test_one_customers(void **state)
{
	struct outbox_outcome refused = {.number = 1, .code = ERR_SCOPE};

	(void)state;
	calls = 0;
	add_update(1);
	assert_int_equal(outbox_settle(outbox, &refused, 1), ERR_OK); /* set aside: goes too */
	add_update(2);
	add_receipt(1, true);
	add_receipt(1, false); /* by its value: nobody knows whose */
	add_others(1);
	add_others(2);
	assert_int_equal(waiting(), 10);
	assert_false(erase(1));
	assert_int_equal(told, 5);
	assert_int_equal(waiting(), 5);
	open_again();
	assert_int_equal(waiting(), 5);
	assert_false(erase(1));
	assert_int_equal(calls, 1); /* nothing is told of nothing */
	assert_false(erase(2));
	assert_int_equal(told, 4);
	assert_int_equal(add_update(3), 11); /* numbers go on */
}

static void test_not_what_is_under_way(void **state)
{
	uint64_t sent = add_update(1);

	(void)state;
	add_receipt(1, true);
	assert_int_equal(outbox_mark_sent(outbox, &sent, 1, 5), ERR_OK);
	assert_true(erase(1));
	assert_int_equal(told, 1);
	assert_int_equal(waiting(), 1);
	assert_int_equal(outbox_unsend(outbox), ERR_OK);
	assert_false(erase(1));
	assert_int_equal(waiting(), 0);
}

/* What cannot be written down has not happened. */
static void test_all_or_nothing(void **state)
{
	enum err code = ERR_DISK_FULL;
	bool is_under_way;

	(void)state;
	add_update(1);
	assert_int_equal(outbox_erase(outbox, customer(1), tell, &code, &is_under_way), ERR_DISK_FULL);
	assert_int_equal(outbox_destroy(outbox, tell, &code), ERR_DISK_FULL);
	assert_int_equal(waiting(), 1);
	open_again();
	assert_int_equal(waiting(), 1);
	code = ERR_OK;
	assert_int_equal(outbox_destroy(outbox, tell, &code), ERR_OK);
	assert_int_equal(told, 1);
	assert_int_equal(waiting(), 0);
	open_again();
	assert_int_equal(waiting(), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_one_customers),
		TEST(test_not_what_is_under_way),
		TEST(test_all_or_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
