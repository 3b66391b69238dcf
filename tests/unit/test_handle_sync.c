#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "franchise.h"
#include "text.h"

#define SYNC(scope)                                                                                                    \
	"[grant copy]\npurpose = service\noperations = sync\ncustomers = " scope "\nfields = card, phone\n"            \
	"masks = phone:last4\nlease = 72h\nterritory = EEA\n"
#define SYNC_MARKETING                                                                                                 \
	"[grant offers]\npurpose = direct-marketing\noperations = sync\ncustomers = all\nfields = email\n"             \
	"lease = 72h\nterritory = EEA\n"

static struct franchise *formula;
static struct party *store;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	store = franchise_store(formula, 12, SYNC("visited"));
	store->has_employee = false; /* an agent by itself */
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	franchise_free(&formula);
	return 0;
}

static struct answer sync_from(struct party *party, uint64_t cursor, uint32_t count)
{
	struct answer answer = franchise_one(formula, party, action_sync(formula, "service", cursor, count));

	assert_int_equal(answer.code, ERR_OK);
	assert_true(answer.result->has_cursor && answer.result->has_has_more);
	return answer;
}

static void assert_disclosed(const struct answer *answer, size_t i, struct slice customer, const char *values)
{
	assert_true(i < answer->result->n_disclosures);
	assert_memory_equal(answer->result->disclosures[i]->customer.data, customer.data, PSEUDONYM_SIZE);
	assert_false(answer->result->disclosures[i]->has_withheld);
	assert_string_equal(answer_values(formula, answer, i), values);
}

static void assert_tombstone(const struct answer *answer, size_t i, struct slice customer, enum err why)
{
	const Kluis__Disclosure *tombstone = answer->result->disclosures[i];

	assert_true(i < answer->result->n_disclosures);
	assert_memory_equal(tombstone->customer.data, customer.data, PSEUDONYM_SIZE);
	assert_int_equal(tombstone->withheld, why);
	assert_int_equal(tombstone->version, 0);
	assert_int_equal(tombstone->fields, 0);
	assert_false(tombstone->has_commitment);
}

static void test_sync_first_copy_and_changes(void **state)
{
	struct slice a = franchise_visitor(formula, store, "1=1001|3=0612345678");
	struct slice b = franchise_visitor(formula, store, "1=1002|2=Bob");
	struct answer answer = sync_from(store, 0, 10);

	(void)state;
	franchise_customer(formula, "1=1003"); /* never here */
	assert_string_equal(answer.result->clause, "grant copy");
	assert_int_equal(answer.result->n_disclosures, 2);
	assert_disclosed(&answer, 0, a, "1=1001|3=••••••5678");
	assert_disclosed(&answer, 1, b, "1=1002");
	assert_false(answer.result->has_more);
	uint64_t cursor = answer.result->cursor;
	/* nothing new: the cursor stays */
	answer = sync_from(store, cursor, 10);
	assert_int_equal(answer.result->n_disclosures, 0);
	assert_int_equal(answer.result->cursor, cursor);
	/* of two changes of one customer the latest only */
	franchise_must(formula, &formula->office, action_update(formula, NULL, a, "1=2001"));
	franchise_must(formula, &formula->office, action_update(formula, NULL, a, "1=2002"));
	answer = sync_from(store, cursor, 10);
	assert_int_equal(answer.result->n_disclosures, 1);
	assert_disclosed(&answer, 0, a, "1=2002|3=••••••5678");
	assert_int_equal(answer.result->disclosures[0]->version, 3);
	assert_true(answer.result->cursor > cursor);
}

static void test_sync_in_pages(void **state)
{
	struct slice customers[7];
	uint64_t cursor = 0;
	size_t seen = 0;

	(void)state;
	for (size_t i = 0; i < 7; i++)
		customers[i] =
			franchise_visitor(formula, store, arena_printf(&formula->arena, "1=%u", 1000 + (unsigned)i));
	for (bool has_more = true; has_more;) {
		struct answer answer = sync_from(store, cursor, 3);

		assert_true(answer.result->n_disclosures <= 3);
		for (size_t i = 0; i < answer.result->n_disclosures; i++, seen++)
			assert_disclosed(&answer, i, customers[seen],
					 arena_printf(&formula->arena, "1=%u", 1000 + (unsigned)seen));
		cursor = answer.result->cursor;
		has_more = answer.result->has_more;
		assert_int_equal(has_more, seen < 7);
	}
	assert_int_equal(seen, 7);
}

static void test_sync_twice_in_one_envelope_gives_parts_in_order(void **state)
{
	struct action actions[2];
	struct answer answer;

	(void)state;
	franchise_visitor(formula, store, "1=1001");
	franchise_visitor(formula, store, "1=1002");
	actions[0] = action_sync(formula, "service", 0, 1);
	actions[1] = action_sync(formula, "service", 0, 2);
	answer = franchise_send(formula, store, actions, 2);
	assert_int_equal(answer.entry.decoded->results[0]->n_disclosures, 1);
	assert_true(answer.entry.decoded->results[0]->has_more);
	assert_int_equal(answer.entry.decoded->results[1]->n_disclosures, 2);
	assert_string_equal(answer_values(formula, &answer, 0), "1=1001");
	assert_string_equal(answer_values(formula, &answer, 1), "1=1001");
	assert_string_equal(answer_values(formula, &answer, 2), "1=1002");
}

static void test_sync_restricted_customer_is_a_tombstone_once(void **state)
{
	struct slice a = franchise_visitor(formula, store, "1=1001");
	uint64_t cursor = sync_from(store, 0, 10).result->cursor;
	struct answer answer;

	(void)state;
	franchise_must(formula, &formula->office, action_restriction(formula, a, true));
	answer = sync_from(store, cursor, 10);
	assert_int_equal(answer.result->n_disclosures, 1);
	assert_tombstone(&answer, 0, a, ERR_RESTRICTED);
	assert_null(answer.reply->personal);
	cursor = answer.result->cursor;
	assert_int_equal(sync_from(store, cursor, 10).result->n_disclosures, 0);
	/* a first copy does not name whom it does not hold */
	answer = sync_from(store, 0, 10);
	assert_int_equal(answer.result->n_disclosures, 0);
	assert_int_equal(answer.result->cursor, cursor);
	franchise_must(formula, &formula->office, action_restriction(formula, a, false));
	answer = sync_from(store, cursor, 10);
	assert_disclosed(&answer, 0, a, "1=1001");
}

static void test_sync_follows_consent(void **state)
{
	struct party *other = franchise_store(formula, 13, SYNC_MARKETING);
	struct slice a = franchise_customer(formula, "1=1001|4=a@example.org");
	struct answer answer = franchise_must(formula, other, action_sync(formula, "direct-marketing", 0, 10));

	(void)state;
	assert_int_equal(answer.result->n_disclosures, 0);
	uint64_t cursor = answer.result->cursor;
	franchise_must(formula, &formula->office, action_consent(formula, NULL, a, "direct-marketing", 4));
	answer = franchise_must(formula, other, action_sync(formula, "direct-marketing", cursor, 10));
	assert_disclosed(&answer, 0, a, "4=a@example.org");
	franchise_must(formula, &formula->office, action_consent(formula, NULL, a, "direct-marketing", 7));
	answer = franchise_must(formula, other, action_sync(formula, "direct-marketing", answer.result->cursor, 10));
	assert_tombstone(&answer, 0, a, ERR_CONSENT);
}

static void test_sync_of_all_customers_names_each_once(void **state)
{
	struct party *other = franchise_store(formula, 13, SYNC("all"));
	struct slice a = franchise_customer(formula, "1=1001");
	struct slice b = franchise_visitor(formula, other, "1=1002");
	struct answer answer = sync_from(other, 0, 10);

	(void)state;
	/* b stands in the store's own feed and in the one for all */
	assert_int_equal(answer.result->n_disclosures, 2);
	assert_disclosed(&answer, 0, a, "1=1001");
	assert_disclosed(&answer, 1, b, "1=1002");
	uint64_t cursor = answer.result->cursor;
	franchise_must(formula, &formula->office, action_update(formula, NULL, a, "1=3001"));
	franchise_must(formula, &formula->office, action_update(formula, NULL, b, "1=3002"));
	answer = sync_from(other, cursor, 10);
	assert_int_equal(answer.result->n_disclosures, 2);
	assert_disclosed(&answer, 0, a, "1=3001");
	assert_disclosed(&answer, 1, b, "1=3002");
}

/* The minimal charter's rule is latest-transaction: the customer moves from store to store. */
static void test_sync_of_owned_customers_follows_the_owner(void **state)
{
	struct party *first = franchise_store(formula, 20, SYNC("owned"));
	struct party *second = franchise_store(formula, 21, SYNC("owned"));
	struct slice a = franchise_visitor(formula, first, "1=1001");
	struct answer answer = sync_from(first, 0, 10);

	(void)state;
	assert_disclosed(&answer, 0, a, "1=1001");
	uint64_t cursor = answer.result->cursor;
	assert_int_equal(sync_from(second, 0, 10).result->n_disclosures, 0);
	franchise_visit(formula, 21, FRANCHISE_DAY + 1, a);
	answer = sync_from(first, cursor, 10);
	assert_int_equal(answer.result->n_disclosures, 1);
	assert_tombstone(&answer, 0, a, ERR_SCOPE);
	answer = sync_from(second, 0, 10);
	assert_disclosed(&answer, 0, a, "1=1001");
	/* a receipt of an earlier day changes nothing */
	cursor = answer.result->cursor;
	franchise_visit(formula, 20, FRANCHISE_DAY - 30, a);
	assert_int_equal(sync_from(second, cursor, 10).result->n_disclosures, 0);
}

static void test_sync_of_registered_customers(void **state)
{
	struct party *other = franchise_store(formula, 22, SYNC("registered"));
	struct action action = action_registration(formula, NULL, franchise_draw(formula), "1=1001");
	struct answer answer;

	(void)state;
	registration_at(&action, 22, 0);
	franchise_must(formula, &formula->office, action);
	franchise_visitor(formula, other, "1=1002");
	answer = sync_from(other, 0, 10);
	assert_int_equal(answer.result->n_disclosures, 1);
	assert_string_equal(answer_values(formula, &answer, 0), "1=1001");
}

static void test_sync_a_visit_brings_the_customer_once(void **state)
{
	struct slice a = franchise_customer(formula, "1=1001");
	struct answer answer = sync_from(store, 0, 10);

	(void)state;
	assert_int_equal(answer.result->n_disclosures, 0);
	franchise_visit(formula, 12, FRANCHISE_DAY, a);
	answer = sync_from(store, answer.result->cursor, 10);
	assert_disclosed(&answer, 0, a, "1=1001");
	/* what a further receipt adds is not in any record */
	franchise_visit(formula, 12, FRANCHISE_DAY, a);
	assert_int_equal(sync_from(store, answer.result->cursor, 10).result->n_disclosures, 0);
}

/* Of whom another store is the owner and stays it. */
static void test_sync_a_visit_of_an_earlier_day(void **state)
{
	struct party *owner = franchise_store(formula, 13, NULL);
	struct slice a = franchise_visitor(formula, owner, "1=1001");
	struct answer answer = sync_from(store, 0, 10);

	(void)state;
	franchise_visit(formula, 12, FRANCHISE_DAY - 9, a);
	answer = sync_from(store, answer.result->cursor, 10);
	assert_int_equal(answer.result->n_disclosures, 1);
	assert_disclosed(&answer, 0, a, "1=1001");
}

/* Visited means in the last 30 days; who comes back comes back into the copy. */
static void test_sync_after_the_visited_window(void **state)
{
	struct franchise *without = formula;
	const char *text;

	(void)state;
	text = text_replace(&without->arena, franchise_charter_text(&without->arena), "rule = latest-transaction",
			    "rule = latest-transaction\n\n[visited]\nwindow = 30d\n");
	formula = franchise_new(text);
	store = franchise_store(formula, 12, SYNC("visited"));
	struct slice a = franchise_visitor(formula, store, "1=1001");
	struct answer answer = sync_from(store, 0, 10);
	assert_disclosed(&answer, 0, a, "1=1001");
	uint64_t cursor = answer.result->cursor;
	formula->now_ms += 30 * DAY_MS;
	assert_int_equal(sync_from(store, 0, 10).result->n_disclosures, 1);
	formula->now_ms += DAY_MS;
	assert_int_equal(sync_from(store, 0, 10).result->n_disclosures, 0);
	franchise_visit(formula, 12, FRANCHISE_DAY + 31, a);
	answer = sync_from(store, cursor, 10);
	assert_int_equal(answer.result->n_disclosures, 1);
	assert_disclosed(&answer, 0, a, "1=1001");
	/* within the window another visit is no news */
	franchise_visit(formula, 12, FRANCHISE_DAY + 32, a);
	assert_int_equal(sync_from(store, answer.result->cursor, 10).result->n_disclosures, 0);
	franchise_free(&formula);
	formula = without;
}

static void test_sync_refusals(void **state)
{
	struct answer answer;

	(void)state;
	assert_int_equal(franchise_one(formula, store, action_sync(formula, "direct-marketing", 0, 10)).code,
			 ERR_NO_GRANT_PURPOSE);
	assert_int_equal(franchise_one(formula, &formula->office, action_sync(formula, "service", 0, 10)).code,
			 ERR_FORBIDDEN);
	store->agreement[0] ^= 1;
	answer = franchise_one(formula, store, action_sync(formula, "service", 0, 10));
	assert_int_equal(answer.code, ERR_OTHER_AGREEMENT);
	assert_string_equal(answer.result->clause, "agreement");
	store->agreement[0] ^= 1;
	franchise_must(formula, &formula->office, action_standing(formula, 12, 1));
	answer = franchise_one(formula, store, action_sync(formula, "service", 0, 10));
	assert_int_equal(answer.code, ERR_SUSPENDED);
	assert_false(answer.result->has_cursor);
}

static void test_sync_sent_again_gives_the_same_page(void **state)
{
	struct answer first, again;

	(void)state;
	franchise_visitor(formula, store, "1=1001|3=0612345678");
	franchise_visitor(formula, store, "1=1002");
	first = sync_from(store, 0, 10);
	again = franchise_resend(formula, store);
	assert_int_equal(again.reply->personal->n_parts, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_true(slice_equal(wire_slice(first.reply->personal->parts[i]->salt),
					wire_slice(again.reply->personal->parts[i]->salt)));
		assert_string_equal(answer_values(formula, &first, i), answer_values(formula, &again, i));
	}
}

/* Long values: a page ends before its reply is over what a message carries. */
static void test_sync_page_fits_its_message(void **state)
{
	struct party *other = franchise_store(formula, 23,
					      "[grant copy]\npurpose = service\noperations = sync\ncustomers = "
					      "all\nfields = card, name\nlease = 72h\n"
					      "territory = EEA\n");
	char name[VALUE_MAX + 1];
	size_t seen = 0, pages = 0;
	uint64_t cursor = 0;

	(void)state;
	memset(name, 'x', VALUE_MAX);
	name[VALUE_MAX] = '\0';
	for (unsigned i = 0; i < 1000; i += 40) {
		struct action actions[40];

		for (unsigned j = 0; j < 40; j++)
			actions[j] =
				action_registration(formula, NULL, franchise_draw(formula),
						    arena_printf(&formula->arena, "1=%u|2=%s", 10000 + i + j, name));
		assert_int_equal(franchise_send(formula, &formula->office, actions, 40).code, ERR_OK);
	}
	for (bool has_more = true; has_more; pages++) {
		struct answer answer = sync_from(other, cursor, DISCLOSURES_MAX);

		seen += answer.result->n_disclosures;
		cursor = answer.result->cursor;
		has_more = answer.result->has_more;
	}
	assert_int_equal(seen, 1000);
	assert_true(pages <= 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sync_first_copy_and_changes),
		TEST(test_sync_in_pages),
		TEST(test_sync_twice_in_one_envelope_gives_parts_in_order),
		TEST(test_sync_restricted_customer_is_a_tombstone_once),
		TEST(test_sync_follows_consent),
		TEST(test_sync_of_all_customers_names_each_once),
		TEST(test_sync_of_owned_customers_follows_the_owner),
		TEST(test_sync_of_registered_customers),
		TEST(test_sync_a_visit_brings_the_customer_once),
		TEST(test_sync_a_visit_of_an_earlier_day),
		TEST(test_sync_after_the_visited_window),
		TEST(test_sync_refusals),
		TEST(test_sync_sent_again_gives_the_same_page),
		TEST(test_sync_page_fits_its_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
