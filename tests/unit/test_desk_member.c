/* Registrations, changes and consents: what is refused here, and what goes into the outbox. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "desk_test.h"
#include "fail.h"

static struct fault fault;
static uint64_t number;
static uint8_t customer[PSEUDONYM_SIZE];

static const struct desk_input whole[] = {{"phone", "0611112222"}, {"card", "5000"}, {"name", "Dee Dijk"}};

static enum err register_as(const uint8_t *token, const char *purpose, const struct desk_input *values, size_t count,
			    const struct desk_consent *consents, size_t consent_count)
{
	fault.text[0] = '\0';
	return desk_register(desk_test.fake.desk, SLICE(token, DESK_TOKEN_SIZE), purpose, values, count, consents,
			     consent_count, customer, &number, &fault);
}

static void test_register(void **state)
{
	const struct desk_consent consents[] = {{"direct-marketing", 4}, {"service", 7}};
	const struct fake_item *item;

	(void)state;
	assert_int_equal(register_as(desk_test.anna, "service", whole, 3, consents, 2), ERR_OK);
	item = desk_test_item(&desk_test);
	assert_int_equal(number, 1);
	assert_string_equal(item->operation->purpose, "service");
	assert_int_equal(item->operation->kind_case, KLUIS__OPERATION__KIND_REGISTRATION);
	const Kluis__Registration *registration = item->operation->registration;
	assert_memory_equal(registration->customer.data, customer, PSEUDONYM_SIZE);
	assert_int_equal(registration->store, 12);
	assert_int_equal(registration->day, 20777);
	assert_int_equal(registration->n_consents, 2);
	assert_string_equal(registration->consents[0]->purpose, "direct-marketing");
	assert_int_equal(registration->consents[0]->status, 4);
	assert_int_equal(part_check(item->part, wire_slice(registration->commitment)), ERR_OK);
	/* by ascending number, whatever the order in which they were typed (R113) */
	assert_string_equal(fake_shop_values(&desk_test.fake, item->part), "1=5000|2=Dee Dijk|3=0611112222");
	assert_true(item->has_employee);
	assert_int_equal(item->employee[0], 'a');
	assert_int_equal(item->time_ms, desk_test.fake.now_ms);
	uint8_t first[PSEUDONYM_SIZE];
	memcpy(first, customer, sizeof first);
	assert_int_equal(register_as(desk_test.anna, "service", whole, 3, NULL, 0), ERR_OK);
	assert_memory_not_equal(first, customer, sizeof first);
	assert_int_equal(desk_test.fake.record_count, 0);
}

static void test_register_by_consent(void **state)
{
	static const struct {
		uint32_t status;
		enum err code;
	} rows[] = {{4, ERR_OK}, {5, ERR_OK}, {1, ERR_CONSENT}, {7, ERR_CONSENT}, {0, ERR_CONSENT}};
	struct desk_consent consent = {"direct-marketing", 0};

	(void)state;
	assert_int_equal(register_as(desk_test.bea, "direct-marketing", &whole[2], 1, NULL, 0), ERR_CONSENT);
	assert_non_null(strstr(fault.text, "[grant letters: consent]"));
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		consent.status = rows[i].status;
		assert_int_equal(register_as(desk_test.bea, "direct-marketing", &whole[2], 1, &consent, 1),
				 rows[i].code);
	}
}

static void test_register_refused(void **state)
{
	static const struct desk_consent unknown = {"world-peace", 4}, odd = {"service", 10},
					 twice[] = {{"service", 4}, {"service", 7}};
	static const struct {
		struct desk_input values[2];
		size_t count;
		const struct desk_consent *consents;
		size_t consent_count;
		enum err code;
	} rows[] = {
		{{{"card", "5000"}, {"card", "5001"}}, 2, NULL, 0, ERR_INPUT},
		{{{"email", "dee@example.org"}}, 1, NULL, 0, ERR_NOT_GRANTED_FIELD},
		{{{"colour", "red"}}, 1, NULL, 0, ERR_FIELD},
		{{{"phone", "call me"}}, 1, NULL, 0, ERR_VALUE},
		{{{"name", "Dee\x01"}}, 1, NULL, 0, ERR_VALUE},
		{{{"phone", "••••••2222"}}, 1, NULL, 0, ERR_VALUE},
		{{{"name", "De•"}}, 1, NULL, 0, ERR_VALUE},
		{{{"name", ""}}, 1, NULL, 0, ERR_VALUE},
		{{{NULL, NULL}}, 0, NULL, 0, ERR_VALUE},
		{{{"name", "Dee"}}, 1, &unknown, 1, ERR_PURPOSE},
		{{{"name", "Dee"}}, 1, &odd, 1, ERR_INPUT},
		{{{"name", "Dee"}}, 1, twice, 2, ERR_INPUT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(register_as(desk_test.anna, "service", rows[i].values, rows[i].count, rows[i].consents,
					     rows[i].consent_count),
				 rows[i].code);
	assert_int_equal(register_as(desk_test.anna, "direct-marketing", whole, 1, NULL, 0), ERR_ROLE);
	assert_int_equal(register_as(desk_test.anna, "nothing", whole, 1, NULL, 0), ERR_NO_GRANT_PURPOSE);
	assert_int_equal(desk_test.fake.item_count, 0);
}

/* ---- changes ---- */

static enum err update(uint8_t who, const struct desk_input *values, size_t count)
{
	uint8_t pseudonym[PSEUDONYM_SIZE];

	memset(pseudonym, who, sizeof pseudonym);
	fault.text[0] = '\0';
	return desk_update(desk_test.fake.desk, SLICE_ARRAY(desk_test.anna), "service", pseudonym, values, count,
			   &number, &fault);
}

static void test_update(void **state)
{
	static const struct desk_input change[] = {{"name", "Ann Jones"}, {"phone", ""}};
	const Kluis__Update *made;

	(void)state;
	desk_test.fake.rows[0].version = 6;
	assert_int_equal(update(1, change, 2), ERR_OK);
	made = desk_test_item(&desk_test)->operation->update;
	assert_int_equal(made->customer.data[0], 1);
	assert_true(made->has_made_ms);
	assert_int_equal(made->made_ms, desk_test.fake.now_ms);
	assert_true(made->has_basis);
	assert_int_equal(made->basis, 6);
	assert_string_equal(fake_shop_values(&desk_test.fake, desk_test_item(&desk_test)->part), "2=Ann Jones|3=");
	assert_int_equal(part_check(desk_test_item(&desk_test)->part, wire_slice(made->commitment)), ERR_OK);
	/* one that this store has registered but the copy does not have yet; and without any copy */
	assert_int_equal(update(200, change, 2), ERR_OK);
	assert_false(desk_test_item(&desk_test)->operation->update->has_basis);
	desk_test.fake.copy_code = ERR_EXPIRED;
	assert_int_equal(update(1, change, 2), ERR_OK);
	assert_false(desk_test_item(&desk_test)->operation->update->has_basis);
}

/* Who is not in the copy and was looked up at the broker: the change is made on the version that it gave. */
static void test_update_of_one_seen_at_the_broker(void **state)
{
	static const struct desk_input change[] = {{"name", "Zoe"}};
	struct desk_member member;

	(void)state;
	fake_shop_answer(&desk_test.fake, 9, 0, 3, "1=9999|2=Zoe Zeeman"); /* version 7 */
	assert_int_equal(desk_lookup(desk_test.fake.desk, SLICE_ARRAY(desk_test.anna), "service", "card", "9999",
				     &desk_test.arena, &member, NULL),
			 ERR_OK);
	assert_int_equal(update(9, change, 1), ERR_OK);
	assert_true(desk_test_item(&desk_test)->operation->update->has_basis);
	assert_int_equal(desk_test_item(&desk_test)->operation->update->basis, 7);
	assert_int_equal(update(8, change, 1), ERR_OK); /* another one */
	assert_false(desk_test_item(&desk_test)->operation->update->has_basis);
}

static void test_update_refused(void **state)
{
	static const struct desk_input name = {"name", "Ann"}, email = {"email", "ann@example.org"},
				       bad = {"phone", "x"};

	(void)state;
	assert_int_equal(update(1, &email, 1), ERR_NOT_GRANTED_FIELD);
	assert_non_null(strstr(fault.text, "[grant till]"));
	assert_int_equal(update(1, &bad, 1), ERR_VALUE);
	assert_int_equal(update(1, NULL, 0), ERR_VALUE);
	desk_test.fake.rows[0].is_registered_here = false;
	assert_int_equal(update(1, &name, 1), ERR_SCOPE);
	desk_test.fake.shop.state = AGREEMENT_TERMINATED;
	assert_int_equal(update(2, &name, 1), ERR_TERMINATED);
	assert_int_equal(desk_test.fake.item_count, 0);
}

/* ---- consents ---- */

static enum err consent(uint8_t who, const char *about, uint32_t status)
{
	struct desk_consent given = {about, status};
	uint8_t pseudonym[PSEUDONYM_SIZE];

	memset(pseudonym, who, sizeof pseudonym);
	fault.text[0] = '\0';
	return desk_consent(desk_test.fake.desk, SLICE_ARRAY(desk_test.anna), "service", pseudonym, &given, &number,
			    &fault);
}

static void test_consent(void **state)
{
	const struct fake_item *item;

	(void)state;
	assert_int_equal(consent(1, "direct-marketing", 7), ERR_OK);
	item = desk_test_item(&desk_test);
	assert_int_equal(item->operation->kind_case, KLUIS__OPERATION__KIND_CONSENT);
	assert_string_equal(item->operation->purpose, "service");
	assert_string_equal(item->operation->consent->state->purpose, "direct-marketing");
	assert_int_equal(item->operation->consent->state->status, 7);
	assert_int_equal(item->operation->consent->customer.data[15], 1);
	assert_null(item->part);
	assert_int_equal(consent(1, "world-peace", 4), ERR_PURPOSE);
	assert_int_equal(consent(1, "direct-marketing", 10), ERR_INPUT);
	assert_int_equal(desk_test.fake.item_count, 1);
}

/* ---- failures of the world ---- */

static void test_what_the_outbox_does_not_take(void **state)
{
	(void)state;
	desk_test.fake.outbox_code = ERR_DISK_FULL;
	assert_int_equal(register_as(desk_test.anna, "service", whole, 3, NULL, 0), ERR_DISK_FULL);
	assert_non_null(strstr(fault.text, "not taken"));
	desk_test.fake.outbox_code = ERR_BUSY;
	assert_int_equal(consent(1, "direct-marketing", 7), ERR_BUSY);
	assert_non_null(strstr(fault.text, "the outbox is full"));
}

static enum err write_both(void *context)
{
	(void)context;
	desk_test.fake.item_count = 0;
	TRY(register_as(desk_test.anna, "service", whole, 3, NULL, 0));
	return update(1, whole, 3);
}

static void test_when_memory_fails(void **state)
{
	(void)state;
	/* in the fake outbox itself a failure ends the program */
	desk_test.fake.outbox_code = ERR_BUSY;
	for (unsigned n = 1; n < 30; n++) {
		fail_begin(FAIL_MEMORY, n);
		enum err err = write_both(NULL);
		bool has_failed = fail_end();
		assert_true(has_failed ? err != ERR_OK : err == ERR_BUSY);
	}
}

static void test_nobody_writes_without_a_session(void **state)
{
	uint8_t none[DESK_TOKEN_SIZE] = {1};

	(void)state;
	assert_int_equal(register_as(none, "service", whole, 3, NULL, 0), ERR_PRINCIPAL);
	assert_int_equal(replica_remove_employee(&desk_test.fake.shop.replica, "anna"), ERR_OK);
	assert_int_equal(register_as(desk_test.anna, "service", whole, 3, NULL, 0), ERR_PRINCIPAL);
	assert_int_equal(update(1, whole, 3), ERR_PRINCIPAL);
	assert_int_equal(consent(1, "direct-marketing", 7), ERR_PRINCIPAL);
	assert_int_equal(desk_test.fake.item_count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, desk_test_set_up, desk_test_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_register),
		TEST(test_register_by_consent),
		TEST(test_register_refused),
		TEST(test_update),
		TEST(test_update_of_one_seen_at_the_broker),
		TEST(test_update_refused),
		TEST(test_consent),
		TEST(test_what_the_outbox_does_not_take),
		TEST(test_when_memory_fails),
		TEST(test_nobody_writes_without_a_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
