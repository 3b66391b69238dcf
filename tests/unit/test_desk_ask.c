/* Members who are not in the copy: the broker is asked, and its log has the access. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "alarm.h"
#include "desk_test.h"

static struct desk_member member;
static struct fault fault;

static enum err look(const uint8_t *token, const char *purpose, const char *field, const char *value)
{
	memset(&member, 0, sizeof member);
	fault.text[0] = '\0';
	return desk_lookup(desk_test.fake.desk, SLICE(token, DESK_TOKEN_SIZE), purpose, field, value, &desk_test.arena,
			   &member, &fault);
}

static void test_asked_and_shown(void **state)
{
	(void)state;
	fake_shop_answer(&desk_test.fake, 9, 0, 7, "1=9999|2=Zoe Zeeman|3=••••••1111");
	assert_int_equal(look(desk_test.anna, "service", "card", "99 99"), ERR_OK);
	assert_int_equal(desk_test.fake.line_calls, 1);
	assert_int_equal(desk_test.fake.asked.field, 1);
	assert_string_equal(desk_test.fake.asked.value, "99 99");
	assert_int_equal(member.source, DESK_BROKER);
	assert_int_equal(member.record, 4242);
	assert_int_equal(member.version, 7);
	assert_int_equal(member.customer[3], 9);
	assert_string_equal(member.clause, "grant till");
	assert_int_equal(member.value_count, 3);
	assert_string_equal(member.values[1].field, "name");
	assert_string_equal(member.values[1].value, "Zoe Zeeman");
	assert_false(member.values[1].is_masked);
	assert_true(member.values[2].is_masked);
	assert_int_equal(desk_test.fake.record_count, 0); /* the broker's log has it */
}

/* Both count: two customers a day, whoever has shown them. */
static void test_counts_for_the_day(void **state)
{
	(void)state;
	fake_shop_answer(&desk_test.fake, 9, 0, 1, "1=9999");
	assert_int_equal(look(desk_test.anna, "service", "card", "9999"), ERR_OK);
	assert_int_equal(desk_test.fake.elsewhere_count, 1);
	assert_memory_equal(desk_test.fake.elsewhere[0].agreement, desk_test.fake.papers.agreement.hash, HASH_SIZE);
	assert_int_equal(look(desk_test.anna, "service", "card", "4711"), ERR_OK);
	assert_int_equal(look(desk_test.anna, "service", "card", "4712"), ERR_PER_DAY);
	desk_test.fake.journal_code = ERR_DISK_FULL;
	assert_int_equal(look(desk_test.anna, "service", "card", "9999"), ERR_DISK_FULL);
	assert_int_equal(member.value_count, 0);
	/* a grant without such a limit */
	desk_test.fake.journal_code = ERR_OK;
	fake_shop_answer(&desk_test.fake, 9, 2, 1, "1=9999");
	assert_int_equal(look(desk_test.bea, "direct-marketing", "card", "9999"), ERR_OK);
	assert_int_equal(desk_test.fake.elsewhere_count, 1);
}

/* Whoever the copy has is never asked for. */
static void test_not_asked_for_who_is_in_the_copy(void **state)
{
	(void)state;
	fake_shop_answer(&desk_test.fake, 9, 0, 7, "1=9999");
	assert_int_equal(look(desk_test.anna, "service", "card", "4711"), ERR_OK);
	assert_int_equal(desk_test.fake.line_calls, 0);
}

static void test_asked_before_the_first_copy_and_where_there_is_none(void **state)
{
	(void)state;
	desk_test.fake.copy_code = ERR_NOT_FOUND;
	fake_shop_answer(&desk_test.fake, 1, 0, 1, "1=4711");
	assert_int_equal(look(desk_test.anna, "service", "card", "4711"), ERR_OK);
	assert_int_equal(member.source, DESK_BROKER);
	/* by consent, and never synced */
	fake_shop_answer(&desk_test.fake, 1, 2, 1, "1=4711");
	assert_int_equal(look(desk_test.bea, "direct-marketing", "card", "4711"), ERR_OK);
	assert_int_equal(desk_test.fake.line_calls, 2);
	/* by pseudonym there is nothing to ask with */
	assert_int_equal(look(desk_test.anna, "service", NULL, "01010101010101010101010101010101"), ERR_NOT_FOUND);
	assert_int_equal(desk_test.fake.line_calls, 2);
	assert_int_equal(desk_test.fake.record_count, 1);
}

static void test_not_asked_when_access_has_ended(void **state)
{
	(void)state;
	fake_shop_answer(&desk_test.fake, 9, 0, 7, "1=9999");
	desk_test.fake.copy_code = ERR_EXPIRED;
	assert_int_equal(look(desk_test.anna, "service", "card", "9999"), ERR_EXPIRED);
	desk_test.fake.copy_code = ERR_OK;
	desk_test.fake.shop.state = AGREEMENT_SUSPENDED;
	assert_int_equal(look(desk_test.anna, "service", "card", "9999"), ERR_SUSPENDED);
	assert_int_equal(desk_test.fake.line_calls, 0);
	assert_int_equal(desk_test.fake.record_count, 2);
}

static void test_the_broker_is_away(void **state)
{
	static const enum err codes[] = {ERR_NETWORK, ERR_TIMEOUT};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		desk_test.fake.line_code = codes[i];
		assert_int_equal(look(desk_test.anna, "service", "card", "9999"), ERR_NETWORK);
		assert_string_equal(fault.text, "not in the copy, and the broker is away");
		assert_int_equal(desk_test.fake.record_count, i + 1);
		assert_int_equal(fake_shop_record(&desk_test.fake)->access.code, ERR_NETWORK);
		assert_int_equal(fake_shop_record(&desk_test.fake)->access.field, 1);
	}
	desk_test.fake.line_code = ERR_MISMATCH;
	assert_int_equal(look(desk_test.anna, "service", "card", "9999"), ERR_MISMATCH);
	assert_int_equal(fake_shop_record(&desk_test.fake)->access.code, ERR_MISMATCH);
	desk_test.fake.journal_code = ERR_DISK_FULL;
	assert_int_equal(look(desk_test.anna, "service", "card", "9999"), ERR_DISK_FULL);
	assert_non_null(strstr(fault.text, "cannot be recorded"));
}

static void test_without_a_line_it_is_always_offline(void **state)
{
	struct desk *desk = NULL;
	char role[NAME_MAX_ + 1];
	uint8_t token[DESK_TOKEN_SIZE];

	(void)state;
	assert_int_equal(desk_new(&desk_test.fake.shop, (struct desk_line){NULL, NULL}, &desk), ERR_OK);
	assert_int_equal(desk_open(desk, "anna", slice_text(FAKE_CLERK_PIN), token, role, NULL), ERR_OK);
	assert_int_equal(
		desk_lookup(desk, SLICE_ARRAY(token), "service", "card", "9999", &desk_test.arena, &member, NULL),
		ERR_NETWORK);
	desk_free(&desk);
}

static void test_what_the_broker_refuses(void **state)
{
	(void)state;
	fake_shop_answer(&desk_test.fake, 9, 0, 7, "1=9999");
	desk_test.fake.result.n_disclosures = 0;
	desk_test.fake.result.code = ERR_SCOPE;
	desk_test.fake.result.clause = (char[]){"grant till: customers"};
	assert_int_equal(look(desk_test.anna, "service", "card", "9999"), ERR_SCOPE);
	assert_non_null(strstr(fault.text, "[grant till: customers] (log entry 4242)"));
	desk_test.fake.result.code = ERR_NOT_FOUND;
	assert_int_equal(look(desk_test.anna, "service", "card", "9999"), ERR_NOT_FOUND);
	desk_test.fake.result.code = 4711;
	assert_int_equal(look(desk_test.anna, "service", "card", "9999"), ERR_MISMATCH);
	assert_int_equal(desk_test.fake.record_count, 0);
}

/* What lies outside the agreement is not shown, though it came. */
static void test_what_the_broker_may_not_give(void **state)
{
	static const struct {
		uint32_t grant;
		uint64_t fields;
		const char *values;
	} rows[] = {
		{0, 15, "1=9999|4=zoe@example.org"}, /* a field that the grant does not have */
		{0, 1, "1=9999|2=Zoe Zeeman"},	     /* one that was not logged */
		{0, 5, "1=9999|3=0612345678"},	     /* a telephone number without its mask */
		{1, 7, "1=9999"},		     /* the sync's grant */
		{2, 3, "1=9999"},		     /* another purpose's */
		{32, 1, "1=9999"},		     /* none */
		{4294967295, 1, "1=9999"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		fake_shop_answer(&desk_test.fake, 9, rows[i].grant, rows[i].fields, rows[i].values);
		assert_int_equal(look(desk_test.anna, "service", "card", "9999"), ERR_MISMATCH);
		assert_int_equal(member.value_count, 0);
	}
	fake_shop_answer(&desk_test.fake, 9, 0, 1, "1=9999");
	desk_test.fake.part = NULL;
	assert_int_equal(look(desk_test.anna, "service", "card", "9999"), ERR_MISMATCH);
	fake_shop_answer(&desk_test.fake, 9, 0, 1, "1=9999");
	desk_test.fake.result.n_disclosures = 0;
	assert_int_equal(look(desk_test.anna, "service", "card", "9999"), ERR_MISMATCH);
	fake_shop_answer(&desk_test.fake, 9, 0, 1, "1=9999");
	desk_test.fake.result.clause = NULL;
	assert_int_equal(look(desk_test.anna, "service", "card", "9999"), ERR_MISMATCH);
	assert_true(alarm_count(desk_test.fake.shop.store) > 0);
}

/* ---- while the broker is asked ---- */

static void remove_anna(struct fake_shop *fake)
{
	assert_int_equal(replica_remove_employee(&fake->shop.replica, "anna"), ERR_OK);
}

static void change_agreement(struct fake_shop *fake)
{
	fake->papers.agreement.hash[0] ^= 1;
}

static void lose_agreement(struct fake_shop *fake)
{
	fake->shop.agreement = NULL;
	fake->shop.charter = NULL;
}

static void test_what_has_ended_meanwhile(void **state)
{
	(void)state;
	fake_shop_answer(&desk_test.fake, 9, 0, 7, "1=9999");
	desk_test.fake.line_meanwhile = change_agreement;
	assert_int_equal(look(desk_test.anna, "service", "card", "9999"), ERR_OTHER_AGREEMENT);
	desk_test.fake.line_meanwhile = remove_anna;
	assert_int_equal(look(desk_test.anna, "service", "card", "9999"), ERR_PRINCIPAL);
	desk_test.fake.line_meanwhile = lose_agreement;
	assert_int_equal(look(desk_test.bea, "service", "card", "9999"), ERR_OTHER_AGREEMENT);
	assert_int_equal(member.value_count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, desk_test_set_up, desk_test_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_asked_and_shown),
		TEST(test_counts_for_the_day),
		TEST(test_not_asked_for_who_is_in_the_copy),
		TEST(test_asked_before_the_first_copy_and_where_there_is_none),
		TEST(test_not_asked_when_access_has_ended),
		TEST(test_the_broker_is_away),
		TEST(test_without_a_line_it_is_always_offline),
		TEST(test_what_the_broker_refuses),
		TEST(test_what_the_broker_may_not_give),
		TEST(test_what_has_ended_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
