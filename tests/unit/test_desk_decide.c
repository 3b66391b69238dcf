/* The desk decides as the broker does: the same function on the same facts, found independently here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "alarm.h"
#include "desk/desk_internal.h"
#include "desk_test.h"
#include "random.h"

#define FRIDAY 20777 /* 2026-11-20 */

/* Whatever state, time, role, purpose, facts: the answer's code and clause are decide's. */
static void one(struct random *random, bool is_manager)
{
	static const char *const purposes[] = {"service", "direct-marketing", "nothing"};
	struct fake_shop *fake = &desk_test.fake;
	struct fault fault = {""};
	struct desk_member member;
	char clause[CLAUSE_MAX + 1];
	struct verdict expected;

	fake->now_ms = (FRIDAY + random_below(random, 3)) * 86400000 + random_below(random, 86400000);
	fake->shop.state = (enum agreement_state)random_below(random, AGREEMENT_EXPIRED + 1);
	if (random_below(random, 4) != 0)
		fake->shop.state = AGREEMENT_ACTIVE;
	fake->rows[0].is_registered_here = random_below(random, 2) == 0;
	fake->papers.agreement.grants[0].scope = (enum scope)random_below(random, SCOPE_COUNT);
	const char *purpose = purposes[random_below(random, 3)];
	struct customer_facts facts = {.has_consented = true, .is_registered_here = fake->rows[0].is_registered_here};
	struct decide_input input = {.charter = fake->shop.charter,
				     .agreement = fake->shop.agreement,
				     .state = fake->shop.state,
				     .operation = OPERATION_LOOKUP,
				     .purpose = slice_text(purpose),
				     .has_employee = true,
				     .role = is_manager,
				     .time_s = fake->now_ms / 1000,
				     .customer = strcmp(purpose, "service") == 0 ? &facts : NULL};
	decide(&input, &expected);
	verdict_clause(&input, &expected, clause);
	enum err err = desk_lookup(fake->desk, is_manager ? SLICE_ARRAY(desk_test.bea) : SLICE_ARRAY(desk_test.anna),
				   purpose, "card", "4711", &desk_test.arena, &member, &fault);
	if (expected.code == ERR_OK && input.customer == NULL) {
		assert_int_equal(err, ERR_NETWORK); /* no copy for it: the broker's to say */
		return;
	}
	assert_int_equal(err, expected.code);
	assert_non_null(strstr(err == ERR_OK ? member.clause : fault.text, clause));
}

static void test_as_the_broker(void **state)
{
	struct random random = {.state = 20261122};

	(void)state;
	for (int i = 0; i < 1000; i++) {
		one(&random, random_below(&random, 2) == 0);
		arena_reset(&desk_test.arena);
	}
}

/* ---- facts ---- */

static void test_facts(void **state)
{
	struct desk_request request = {.shop = &desk_test.fake.shop};
	Kluis__Values values = KLUIS__VALUES__INIT;
	Kluis__Facts facts = KLUIS__FACTS__INIT;

	(void)state;
	desk_facts(&request, &values);
	assert_true(request.facts.has_consented);
	assert_false(request.facts.is_registered_here || request.facts.has_visited || request.facts.has_owner ||
		     request.facts.is_restricted);
	values.facts = &facts;
	facts.is_owned_here = facts.has_last_visit_day = true;
	facts.last_visit_day = 20000;
	desk_facts(&request, &values);
	assert_true(request.facts.has_owner && request.facts.has_visited);
	assert_int_equal(request.facts.owner, 12);
	assert_int_equal(request.facts.last_visit_day, 20000);
	assert_false(request.facts.is_registered_here);
	facts = (Kluis__Facts)KLUIS__FACTS__INIT;
	facts.is_registered_here = true;
	desk_facts(&request, &values);
	assert_true(request.facts.is_registered_here);
	assert_false(request.facts.has_visited || request.facts.has_owner);
}

static void test_mask(void **state)
{
	const struct charter *charter = desk_test.fake.shop.charter;
	struct grant grant = desk_test.fake.shop.agreement->grants[0];
	const char *text = NULL;
	bool is_masked = false;

	(void)state;
	assert_int_equal(desk_mask(charter, &grant, 3, "0612345678", &desk_test.arena, &text, &is_masked), ERR_OK);
	assert_string_equal(text, "••••••5678");
	assert_true(is_masked);
	assert_int_equal(desk_mask(charter, &grant, 3, "••••••5678", &desk_test.arena, &text, &is_masked), ERR_OK);
	assert_string_equal(text, "••••••5678");
	assert_int_equal(desk_mask(charter, &grant, 2, "Ann", &desk_test.arena, &text, &is_masked), ERR_OK);
	assert_string_equal(text, "Ann");
	assert_false(is_masked);
}

/* What is sealed and does not open is more than an answer that cannot be given. */
static void test_what_was_altered_is_alarmed(void **state)
{
	struct shop *shop = &desk_test.fake.shop;

	(void)state;
	desk_tell_altered(shop, "a row", ERR_OK);
	desk_tell_altered(shop, "a row", ERR_NOT_FOUND);
	desk_tell_altered(shop, "a row", ERR_EXPIRED);
	assert_int_equal(alarm_count(shop->store), 0);
	desk_tell_altered(shop, "a row", ERR_CRYPTO);
	assert_int_equal(alarm_count(shop->store), 1);
	desk_tell_altered(shop, "another row", ERR_CORRUPT);
	assert_int_equal(alarm_count(shop->store), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, desk_test_set_up, desk_test_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_as_the_broker),
		TEST(test_facts),
		TEST(test_mask),
		TEST(test_what_was_altered_is_alarmed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
