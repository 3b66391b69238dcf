#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "fail.h"
#include "franchise.h"

#define ANNA "1=4711-0815|2=Anna Smith|3=+31 6 1234 5678|4=anna@example.org"
#define PER_DAY                                                                                                        \
	"[grant few]\npurpose = service\noperations = lookup\ncustomers = visited\nfields = card\nper-day = "          \
	"2\n" GRANT_REST
#define MARKETING                                                                                                      \
	"[grant offers]\npurpose = direct-marketing\noperations = lookup\ncustomers = all\nfields = "                  \
	"email\n" GRANT_REST

static struct franchise *formula;
static struct party *store;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	store = franchise_store(formula, 12, GRANT_SERVICE);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	franchise_free(&formula);
	return 0;
}

static enum err lookup(struct party *party, const char *purpose, const char *value)
{
	return franchise_one(formula, party, action_lookup(formula, purpose, value)).code;
}

static void test_lookup_discloses_what_the_grant_gives(void **state)
{
	struct slice customer = franchise_visitor(formula, store, ANNA);
	struct answer answer = franchise_one(formula, store, action_lookup(formula, "service", "1=47110815"));

	(void)state;
	assert_int_equal(answer.code, ERR_OK);
	assert_string_equal(answer.result->clause, "grant service");
	assert_memory_equal(answer.result->customer.data, customer.data, PSEUDONYM_SIZE);
	assert_int_equal(answer.result->n_disclosures, 1);
	assert_int_equal(answer.result->disclosures[0]->version, 1);
	assert_int_equal(answer.result->disclosures[0]->fields, 7);
	assert_int_equal(answer.result->disclosures[0]->grant, 0);
	assert_false(answer.result->disclosures[0]->has_withheld);
	/* R45: last4 keeps four characters of fifteen */
	assert_string_equal(answer_values(formula, &answer, 0), "1=4711-0815|2=Anna Smith|3=•••••••••••5678");
	assert_null(answer_values(formula, &answer, 1));
}

static void test_lookup_leaves_out_fields_without_a_value(void **state)
{
	struct answer answer;

	(void)state;
	franchise_visitor(formula, store, "1=4711|4=anna@example.org");
	answer = franchise_must(formula, store, action_lookup(formula, "service", "4=Anna@Example.org"));
	assert_int_equal(answer.result->disclosures[0]->fields, 1);
	assert_string_equal(answer_values(formula, &answer, 0), "1=4711");
}

static void test_lookup_that_finds_nobody_or_several(void **state)
{
	(void)state;
	franchise_visitor(formula, store, "1=4711|3=0612345678");
	franchise_visitor(formula, store, "1=4712|3=06-12345678");
	assert_int_equal(lookup(store, "service", "1=9999"), ERR_NOT_FOUND);
	assert_int_equal(lookup(store, "service", "3=0612345678"), ERR_AMBIGUOUS);
	assert_int_equal(lookup(store, "service", "2=Anna"), ERR_FIELD);
	assert_int_equal(lookup(store, "service", "60=Anna"), ERR_FIELD);
	assert_int_equal(lookup(store, "service", "1=!?"), ERR_VALUE);
	assert_int_equal(lookup(store, "service", "1=4711|3=0612345678"), ERR_INPUT);
	/* another field in clear than in the part */
	struct action action = action_lookup(formula, "service", "1=4711");
	action.operation->lookup->field = 3;
	assert_int_equal(franchise_one(formula, store, action).code, ERR_INPUT);
	/* a part that is no Values */
	Kluis__Line line = KLUIS__LINE__INIT;
	char product[] = "x";
	line.product = product;
	action_content(formula, &action, &line.base, &action.operation->lookup->commitment);
	assert_int_equal(franchise_one(formula, store, action).code, ERR_INPUT);
	assert_int_equal(lookup(store, "service", "1=4711"), ERR_OK);
}

static void test_lookup_refused_by_the_agreement(void **state)
{
	struct party *bare = franchise_store(formula, 13, NULL);
	struct answer answer;

	(void)state;
	franchise_visitor(formula, store, "1=4711");
	assert_int_equal(lookup(bare, "service", "1=4711"), ERR_NO_AGREEMENT);
	assert_int_equal(lookup(store, "direct-marketing", "1=4711"), ERR_NO_GRANT_PURPOSE);
	assert_int_equal(lookup(store, NULL, "1=4711"), ERR_NO_GRANT_PURPOSE);
	store->has_employee = false;
	answer = franchise_one(formula, store, action_lookup(formula, "service", "1=4711"));
	assert_int_equal(answer.code, ERR_NO_EMPLOYEE);
	assert_string_equal(answer.result->clause, "grant service: employee");
	assert_false(answer.result->has_customer);
	store->has_employee = true;
	store->employee[0] ^= 1; /* nobody */
	assert_int_equal(lookup(store, "service", "1=4711"), ERR_NO_EMPLOYEE);
	store->employee[0] ^= 1;
	assert_int_equal(lookup(store, "service", "1=4711"), ERR_OK);
}

static void test_lookup_outside_scope_names_the_customer_only(void **state)
{
	struct slice customer = franchise_customer(formula, "1=4711");
	struct answer answer = franchise_one(formula, store, action_lookup(formula, "service", "1=4711"));

	(void)state;
	assert_int_equal(answer.code, ERR_SCOPE);
	assert_string_equal(answer.result->clause, "grant service: customers");
	assert_memory_equal(answer.result->customer.data, customer.data, PSEUDONYM_SIZE);
	assert_int_equal(answer.result->n_disclosures, 0);
	assert_null(answer.reply->personal);
}

static void test_lookup_of_a_restricted_customer(void **state)
{
	struct slice customer = franchise_visitor(formula, store, "1=4711");

	(void)state;
	franchise_must(formula, &formula->office, action_restriction(formula, customer, true));
	assert_int_equal(lookup(store, "service", "1=4711"), ERR_RESTRICTED);
	franchise_must(formula, &formula->office, action_restriction(formula, customer, false));
	assert_int_equal(lookup(store, "service", "1=4711"), ERR_OK);
}

static void test_lookup_needs_consent_where_the_purpose_does(void **state)
{
	struct party *other = franchise_store(formula, 14, MARKETING);
	struct slice customer = franchise_customer(formula, "1=4711|4=a@example.org");
	static const struct {
		uint32_t status;
		enum err code;
	} rows[] = {{1, ERR_CONSENT}, {4, ERR_OK}, {5, ERR_OK}, {6, ERR_CONSENT}, {4, ERR_OK}, {7, ERR_CONSENT}};

	(void)state;
	assert_int_equal(lookup(other, "direct-marketing", "1=4711"), ERR_CONSENT);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		franchise_must(formula, &formula->office,
			       action_consent(formula, NULL, customer, "direct-marketing", rows[i].status));
		assert_int_equal(lookup(other, "direct-marketing", "1=4711"), rows[i].code);
	}
}

static void test_lookup_counts_distinct_customers_of_a_local_day(void **state)
{
	struct party *few = franchise_store(formula, 15, PER_DAY);

	(void)state;
	franchise_visitor(formula, few, "1=1001");
	franchise_visitor(formula, few, "1=1002");
	franchise_visitor(formula, few, "1=1003");
	assert_int_equal(lookup(few, "service", "1=1001"), ERR_OK);
	assert_int_equal(lookup(few, "service", "1=9999"), ERR_NOT_FOUND);
	assert_int_equal(lookup(few, "service", "1=1001"), ERR_OK);
	assert_int_equal(lookup(few, "service", "1=1002"), ERR_OK);
	assert_int_equal(lookup(few, "service", "1=1003"), ERR_PER_DAY);
	assert_int_equal(lookup(few, "service", "1=1001"), ERR_OK);
	/* 22:59:59 UTC is 23:59:59 in Amsterdam's winter, a second later is the next day there */
	formula->now_ms = (FRANCHISE_DAY + 1) * DAY_MS - 3601000;
	assert_int_equal(lookup(few, "service", "1=1003"), ERR_PER_DAY);
	formula->now_ms += 1000;
	assert_int_equal(lookup(few, "service", "1=1003"), ERR_OK);
}

static void test_lookups_of_one_envelope_see_each_others_count(void **state)
{
	struct party *few = franchise_store(formula, 15, PER_DAY);
	struct action actions[4];
	static const char *const values[] = {"1=1001", "1=1001", "1=1002", "1=1003"};
	static const enum err codes[] = {ERR_OK, ERR_OK, ERR_OK, ERR_PER_DAY};
	struct answer answer;

	(void)state;
	franchise_visitor(formula, few, "1=1001");
	franchise_visitor(formula, few, "1=1002");
	franchise_visitor(formula, few, "1=1003");
	for (size_t i = 0; i < 4; i++)
		actions[i] = action_lookup(formula, "service", values[i]);
	answer = franchise_send(formula, few, actions, 4);
	assert_int_equal(answer.entry.decoded->n_results, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(answer.entry.decoded->results[i]->code, codes[i]);
	assert_int_equal(answer.reply->personal->n_parts, 3);
	assert_string_equal(answer_values(formula, &answer, 2), "1=1002");
}

static void test_lookup_by_head_office(void **state)
{
	struct answer answer;

	(void)state;
	franchise_customer(formula, ANNA);
	assert_int_equal(lookup(&formula->office, NULL, "1=47110815"), ERR_PURPOSE);
	assert_int_equal(lookup(&formula->office, "curiosity", "1=47110815"), ERR_PURPOSE);
	answer = franchise_must(formula, &formula->office, action_lookup(formula, "service", "1=47110815"));
	assert_string_equal(answer.result->clause, "controller");
	assert_string_equal(answer_values(formula, &answer, 0), ANNA);
}

static void test_lookup_sent_again_gives_the_same_parts(void **state)
{
	struct answer first, again;
	const Kluis__Part *a, *b;

	(void)state;
	franchise_visitor(formula, store, ANNA);
	first = franchise_must(formula, store, action_lookup(formula, "service", "1=47110815"));
	again = franchise_resend(formula, store);
	assert_int_equal(again.reply->index, first.reply->index);
	a = first.reply->personal->parts[0];
	b = again.reply->personal->parts[0];
	assert_true(slice_equal(wire_slice(a->salt), wire_slice(b->salt)));
	assert_true(slice_equal(wire_slice(a->content), wire_slice(b->content)));
}

static void test_lookup_sent_again_after_suspension_gives_no_part(void **state)
{
	struct answer again;

	(void)state;
	franchise_visitor(formula, store, ANNA);
	franchise_must(formula, store, action_lookup(formula, "service", "1=47110815"));
	franchise_must(formula, &formula->office, action_standing(formula, 12, 1));
	struct action action = action_lookup(formula, "service", "1=47110815");
	struct party twin = *store;
	again = franchise_resend(formula, &twin);
	assert_int_equal(again.reply->code, ERR_SUSPENDED);
	assert_null(again.reply->personal);
	assert_int_equal(franchise_one(formula, store, action).code, ERR_SUSPENDED);
}

static void test_lookup_gives_each_store_another_salt(void **state)
{
	struct party *other = franchise_store(formula, 16, GRANT_SERVICE);
	struct slice customer = franchise_visitor(formula, store, ANNA);
	struct answer one, two;

	(void)state;
	franchise_visit(formula, 16, FRANCHISE_DAY, customer);
	one = franchise_must(formula, store, action_lookup(formula, "service", "1=47110815"));
	two = franchise_must(formula, other, action_lookup(formula, "service", "1=47110815"));
	assert_string_equal(answer_values(formula, &one, 0), answer_values(formula, &two, 0));
	assert_false(slice_equal(wire_slice(one.reply->personal->parts[0]->salt),
				 wire_slice(two.reply->personal->parts[0]->salt)));
}

/* What a reply cannot carry is refused before it is logged as disclosed. */
static void test_lookups_of_one_envelope_stop_at_what_a_reply_carries(void **state)
{
	struct franchise *small = formula;
	struct arena arena;
	char name[VALUE_MAX + 1];
	struct action actions[80];
	size_t permitted = 0;

	(void)state;
	/* twenty more fields for long texts */
	arena_init(&arena, 1 << 22);
	const char *text = franchise_charter_text(&arena);
	const char *values = "1=4711";
	memset(name, 'x', VALUE_MAX);
	name[VALUE_MAX] = '\0';
	for (unsigned i = 5; i < 25; i++) {
		text = arena_printf(&arena, "%s\n[field more%u]\nnumber = %u\ncategory = contact\ntype = text\n", text,
				    i, i);
		values = arena_printf(&arena, "%s|%u=%s", values, i, name);
	}
	formula = franchise_new(text);
	franchise_customer(formula, values);
	for (size_t i = 0; i < 80; i++)
		actions[i] = action_lookup(formula, "service", "1=4711");
	struct answer answer = franchise_send(formula, &formula->office, actions, 80);
	assert_true(answer.has_entry);
	for (size_t i = 0; i < 80; i++) {
		enum err code = (enum err)answer.entry.decoded->results[i]->code;

		assert_true(code == ERR_OK || code == ERR_TOO_LARGE);
		permitted += code == ERR_OK;
	}
	assert_in_range(permitted, 40, 48); /* of 20 KiB each in 1 MiB */
	assert_int_equal(answer.reply->personal->n_parts, permitted);
	franchise_free(&formula);
	arena_fini(&arena);
	formula = small;
}

/* I6: what was decided before a suspension and commits after it is decided again. */
static void test_lookup_that_a_suspension_overtakes(void **state)
{
	struct action action = action_lookup(formula, "service", "1=47110815");
	struct prepared *prepared;
	struct slice sent;

	(void)state;
	franchise_visitor(formula, store, ANNA);
	sent = franchise_message(formula, store, &action, 1);
	assert_int_equal(core_prepare(formula->core, sent, formula->now_ms, &prepared), ERR_OK);
	assert_true(prepared_needs_commit(prepared));
	franchise_must(formula, &formula->office, action_standing(formula, 12, 1));
	assert_int_equal(core_commit(formula->core, &prepared, 1, formula->now_ms), ERR_OK);
	struct answer answer = franchise_answer(formula, store, sent, core_reply(prepared));
	assert_int_equal(answer.code, ERR_SUSPENDED);
	assert_null(answer.reply->personal);
	prepared_free(&prepared);
}

/* I4 at commit: two lookups of different lanes, prepared on one state where the grant had room for one. */
static void test_lookups_that_race_for_the_last_customer_of_the_day(void **state)
{
	struct party *few = franchise_store(formula, 15, PER_DAY);
	struct prepared *prepared[2];
	struct party lanes[2];
	struct slice sent[2];

	(void)state;
	franchise_visitor(formula, few, "1=1001");
	franchise_visitor(formula, few, "1=1002");
	franchise_visitor(formula, few, "1=1003");
	assert_int_equal(lookup(few, "service", "1=1001"), ERR_OK);
	for (uint32_t i = 0; i < 2; i++) {
		struct action action = action_lookup(formula, "service", i == 0 ? "1=1002" : "1=1003");

		lanes[i] = *few;
		lanes[i].lane = 1 + i;
		lanes[i].sequence = 0;
		lanes[i].has_acknowledgement = false;
		sent[i] = franchise_message(formula, &lanes[i], &action, 1);
		assert_int_equal(core_prepare(formula->core, sent[i], formula->now_ms, &prepared[i]), ERR_OK);
	}
	assert_int_equal(core_commit(formula->core, prepared, 2, formula->now_ms), ERR_OK);
	struct answer first = franchise_answer(formula, &lanes[0], sent[0], core_reply(prepared[0]));
	struct answer second = franchise_answer(formula, &lanes[1], sent[1], core_reply(prepared[1]));
	assert_int_equal(first.code, ERR_OK);
	assert_int_equal(second.code, ERR_PER_DAY);
	assert_null(second.reply->personal);
	prepared_free(&prepared[0]);
	prepared_free(&prepared[1]);
}

static struct slice message;

/* The reply says that all went well and has a part. */
static enum err check_reply(struct slice bytes, struct arena *arena)
{
	Kluis__Reply *reply;

	TRY(WIRE_DECODE(Reply, reply, bytes, arena, &reply));
	if (reply->code != ERR_OK)
		return (enum err)reply->code;
	return reply->has_entry && reply->personal != NULL && reply->personal->n_parts == 1 ? ERR_OK : ERR_CORRUPT;
}

/* The message on a core that has just started. */
static enum err ask(void *context)
{
	struct core *core CLEANUP(core_close) = NULL;
	struct prepared *prepared CLEANUP(prepared_free) = NULL;
	struct arena arena CLEANUP(arena_fini);
	struct fault fault = {""};

	(void)context;
	arena_init(&arena, 1 << 20);
	TRY(core_open(formula->store, &formula->keys, formula->now_ms, &core, &fault));
	TRY(core_prepare(core, message, formula->now_ms, &prepared));
	if (prepared_needs_commit(prepared))
		TRY(core_commit(core, &prepared, 1, formula->now_ms));
	return check_reply(core_reply(prepared), &arena);
}

/* I1, I5: whatever fails, nothing is disclosed without its entry, and there is never a second one. */
static void test_lookup_when_memory_fails(void **state)
{
	struct action action = action_lookup(formula, "service", "1=47110815");
	uint64_t size;

	(void)state;
	franchise_visitor(formula, store, ANNA);
	size = core_size(formula->core);
	message = franchise_message(formula, store, &action, 1);
	core_close(&formula->core);
	fail_sweep(FAIL_MEMORY, ask, NULL);
	assert_int_equal(core_open(formula->store, &formula->keys, formula->now_ms, &formula->core, NULL), ERR_OK);
	assert_int_equal(core_size(formula->core), size + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lookup_discloses_what_the_grant_gives),
		TEST(test_lookup_leaves_out_fields_without_a_value),
		TEST(test_lookup_that_finds_nobody_or_several),
		TEST(test_lookup_refused_by_the_agreement),
		TEST(test_lookup_outside_scope_names_the_customer_only),
		TEST(test_lookup_of_a_restricted_customer),
		TEST(test_lookup_needs_consent_where_the_purpose_does),
		TEST(test_lookup_counts_distinct_customers_of_a_local_day),
		TEST(test_lookups_of_one_envelope_see_each_others_count),
		TEST(test_lookup_by_head_office),
		TEST(test_lookups_of_one_envelope_stop_at_what_a_reply_carries),
		TEST(test_lookup_sent_again_gives_the_same_parts),
		TEST(test_lookup_sent_again_after_suspension_gives_no_part),
		TEST(test_lookup_gives_each_store_another_salt),
		TEST(test_lookup_that_a_suspension_overtakes),
		TEST(test_lookups_that_race_for_the_last_customer_of_the_day),
		TEST(test_lookup_when_memory_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
