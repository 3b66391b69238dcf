/* What the log tells of stores' copies. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "action.h"
#include "custody_story.h"

#define HOUR_MS UINT64_C(3600000)

static struct custody_story custody;
static struct audit_log *log_;

static int set_up(void **state)
{
	(void)state;
	custody_begin(&custody);
	log_ = NULL;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	audit_log_free(&log_);
	custody_end(&custody);
	return 0;
}

/* Looks at the facts before one more entry. */
static void look(void (*look_at)(const struct state *state, const struct step *step))
{
	struct answer answer =
		franchise_must(custody.formula, &custody.formula->office, action_census(custody.formula));

	log_ = audit_log_of(custody.formula);
	audit_log_mirror(log_);
	audit_log_look(log_, answer.reply->index, look_at);
}

static void look_at_delivery(const struct state *state, const struct step *step)
{
	const struct delivery_fact *fact = custody_delivery(state, custody.copied);

	(void)step;
	assert_non_null(fact);
	assert_int_equal(fact->time_ms, custody.formula->now_ms);
	assert_null(fact->deliveries->next);
	assert_int_equal(fact->deliveries->store, 12);
	assert_string_equal(fact->deliveries->purpose, "service");
	assert_int_equal(fact->deliveries->count, 2);
	assert_memory_equal(fact->deliveries->items[1].customer, custody.bert.data, PSEUDONYM_SIZE);
	assert_int_equal(fact->deliveries->items[1].version, 1);
	assert_int_equal(fact->deliveries->items[1].fields, 3);
	assert_null(custody_delivery(state, custody.copied - 1));
}

static void test_custody_delivery(void **state)
{
	(void)state;
	look(look_at_delivery);
}

static uint64_t first_until_ms, second_from_ms;

static void look_at_leases(const struct state *state, const struct step *step)
{
	const struct copy_fact *copy = custody_copy(state_store(state, 12), "service");

	(void)step;
	assert_true(copy->is_held);
	assert_null(custody_copy(state_store(state, 12), "direct-marketing"));
	/* two renewals that met are one; after a time without there is another */
	assert_int_equal(copy->until_ms, second_from_ms + 72 * HOUR_MS);
	assert_int_equal(copy->leases->from_ms, second_from_ms);
	assert_int_equal(copy->leases->until_ms, copy->until_ms);
	assert_int_equal(copy->leases->before->until_ms, first_until_ms);
	assert_null(copy->leases->before->before);
}

static void test_custody_leases(void **state)
{
	(void)state;
	custody.formula->now_ms += HOUR_MS;
	franchise_must(custody.formula, custody.store, action_lease(custody.formula, "service", &custody.book));
	first_until_ms = custody.formula->now_ms + 72 * HOUR_MS;
	second_from_ms = custody.formula->now_ms = first_until_ms + HOUR_MS;
	franchise_must(custody.formula, custody.store, action_lease(custody.formula, "service", &custody.book));
	look(look_at_leases);
}

static uint64_t purged_ms;

static void look_at_purge(const struct state *state, const struct step *step)
{
	const struct copy_fact *copy = custody_copy(state_store(state, 12), "service");

	(void)step;
	assert_false(copy->is_held);
	assert_int_equal(copy->until_ms, 0);
	assert_int_equal(copy->leases->until_ms, purged_ms);
}

static void test_custody_purge(void **state)
{
	(void)state;
	purged_ms = custody.formula->now_ms += HOUR_MS;
	franchise_must(custody.formula, custody.store, action_purge(custody.formula, "service", ERR_EXPIRED));
	custody.formula->now_ms += HOUR_MS;
	look(look_at_purge);
}

static void look_at_journal(const struct state *state, const struct step *step)
{
	const struct journal_position *journal = &state_store(state, 12)->journal;

	(void)step;
	assert_int_equal(journal->number, 2);
	assert_memory_equal(journal->hash.bytes, custody.book.hash.bytes, HASH_SIZE);
	assert_int_equal(journal->taken_ms, custody.formula->now_ms);
	assert_int_equal(journal->after_ms, custody.formula->now_ms);
	assert_int_equal(journal_last(journal), 2);
}

static void test_custody_journal(void **state)
{
	Kluis__JournalRecord record = custody_record(&custody);

	(void)state;
	custody_upload(&custody, &record);
	record = custody_record(&custody);
	custody_upload(&custody, &record);
	look(look_at_journal);
}

/* Seconds since the shift began; a cashier from 1000 to 2000, a manager from 2000 to 3000. */
static void test_custody_role(void **state)
{
	static const struct {
		uint64_t time_s, seen_s;
		const char *role;
	} rows[] = {
		{900, 0, NULL},		 {940, 0, "cashier"}, /* a minute's tolerance */
		{1500, 0, "cashier"},	 {1939, 0, "cashier"},	  {2000, 0, "manager"},
		{2900, 0, "manager"},	 {3050, 3040, "manager"}, /* tolerance again */
		{3100, 2999, "manager"},			  /* had not heard */
		{3100, 3001, NULL},	 {99999, 0, "manager"},	  {99999, 4000, NULL},
	};
	struct arena arena CLEANUP(arena_fini) = {0};
	struct store_fact store = {.number = 12};
	struct state facts = {.arena = &arena};
	struct slice employee = slice_text("0123456789abcdef");

	(void)state;
	arena_init(&arena, 65536);
	map_init(&store.shifts, &arena);
	assert_int_equal(custody_shift(&facts, &(struct step){.time_ms = 1000000}, &store, employee, "cashier"),
			 ERR_OK);
	assert_int_equal(custody_shift(&facts, &(struct step){.time_ms = 2000000}, &store, employee, "manager"),
			 ERR_OK);
	assert_int_equal(custody_shift(&facts, &(struct step){.time_ms = 3000000}, &store, employee, NULL), ERR_OK);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *role = custody_role(&store, employee, rows[i].time_s * 1000, rows[i].seen_s * 1000);

		if (rows[i].role == NULL)
			assert_null(role);
		else
			assert_string_equal(role, rows[i].role);
	}
	assert_null(custody_role(&store, slice_text("somebody else..."), 1500000, 0));
	map_fini(&store.shifts);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_custody_delivery), TEST(test_custody_leases), TEST(test_custody_purge),
		TEST(test_custody_journal),  TEST(test_custody_role),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
