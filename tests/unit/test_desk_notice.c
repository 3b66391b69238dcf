/* Incidents and data subjects' requests: taken whatever the agreement's state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "desk_test.h"

static struct fault fault;
static uint64_t number;

static enum err incident(uint32_t kind, uint64_t since_ms, const char *text)
{
	fault.text[0] = '\0';
	return desk_incident(desk_test.fake.desk, SLICE_ARRAY(desk_test.anna), kind, since_ms, text, &number, &fault);
}

static enum err request(uint32_t right, const uint8_t *customer, const char *text)
{
	fault.text[0] = '\0';
	return desk_subject_request(desk_test.fake.desk, SLICE_ARRAY(desk_test.anna), right, customer, text, &number,
				    &fault);
}

static const char *text_of(const struct fake_item *item)
{
	Kluis__NoticeContent *content;

	assert_int_equal(
		WIRE_DECODE(NoticeContent, notice_content, wire_slice(item->part->content), &desk_test.arena, &content),
		ERR_OK);
	return content->text;
}

static void test_incident(void **state)
{
	const struct fake_item *item;

	(void)state;
	assert_int_equal(incident(2, 0, "A phone was stolen.\nIt was locked."), ERR_OK);
	item = desk_test_item(&desk_test);
	assert_null(item->operation->purpose);
	assert_int_equal(item->operation->kind_case, KLUIS__OPERATION__KIND_INCIDENT);
	assert_int_equal(item->operation->incident->kind, 2);
	assert_false(item->operation->incident->has_since_ms);
	assert_string_equal(text_of(item), "A phone was stolen.\nIt was locked.");
	assert_int_equal(part_check(item->part, wire_slice(item->operation->incident->commitment)), ERR_OK);
	assert_int_equal(item->employee[0], 'a');
	assert_int_equal(incident(6, 1234, "again"), ERR_OK);
	assert_int_equal(desk_test_item(&desk_test)->operation->incident->since_ms, 1234);
	assert_memory_not_equal(desk_test_item(&desk_test)->operation->incident->id.data,
				item->operation->incident->id.data, PSEUDONYM_SIZE);
}

static void test_subject_request(void **state)
{
	static const uint8_t customer[PSEUDONYM_SIZE] = {1, 2, 3};
	const Kluis__SubjectRequest *made;

	(void)state;
	assert_int_equal(request(17, customer, "wants to be forgotten"), ERR_OK);
	made = desk_test_item(&desk_test)->operation->subject_request;
	assert_int_equal(made->right, 17);
	assert_memory_equal(made->customer.data, customer, PSEUDONYM_SIZE);
	assert_string_equal(text_of(desk_test_item(&desk_test)), "wants to be forgotten");
	assert_int_equal(request(15, NULL, "who is not known here"), ERR_OK);
	assert_false(desk_test_item(&desk_test)->operation->subject_request->has_customer);
}

static void test_refused(void **state)
{
	static char longest[RECORD_MAX + 2];

	(void)state;
	assert_int_equal(incident(0, 0, "x"), ERR_INPUT);
	assert_int_equal(incident(7, 0, "x"), ERR_INPUT);
	assert_int_equal(incident(1, 0, ""), ERR_VALUE);
	assert_int_equal(incident(1, 0, "\xff"), ERR_VALUE);
	assert_int_equal(incident(1, 0, "bell\x07"), ERR_VALUE);
	assert_int_equal(request(19, NULL, "x"), ERR_INPUT);
	memset(longest, 'x', RECORD_MAX + 1);
	assert_int_equal(incident(1, 0, longest), ERR_TOO_LARGE);
	assert_int_equal(desk_test.fake.item_count, 0);
}

static void test_whatever_the_agreement(void **state)
{
	(void)state;
	desk_test.fake.shop.state = AGREEMENT_TERMINATED;
	assert_int_equal(incident(1, 0, "x"), ERR_OK);
	desk_test.fake.shop.agreement = NULL;
	desk_test.fake.shop.charter = NULL;
	assert_int_equal(request(15, NULL, "x"), ERR_OK);
	/* but not of nobody */
	assert_int_equal(replica_remove_employee(&desk_test.fake.shop.replica, "anna"), ERR_OK);
	assert_int_equal(incident(1, 0, "x"), ERR_PRINCIPAL);
	assert_int_equal(request(15, NULL, "x"), ERR_PRINCIPAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, desk_test_set_up, desk_test_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_incident),
		TEST(test_subject_request),
		TEST(test_refused),
		TEST(test_whatever_the_agreement),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
