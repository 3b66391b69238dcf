/*
 * One request on one state: FORMAT.md R34 to R39, R48, R49.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "action.h"
#include "test_keys.h"

static struct franchise *formula;
static struct party *store;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	store = franchise_store(formula, 12, GRANT_SERVICE);
	franchise_visitor(formula, store, "1=4711|2=Anna");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	franchise_free(&formula);
	return 0;
}

static struct action lookup(void)
{
	return action_lookup(formula, "service", "1=4711");
}

/* The reply's bytes to the party's last message. */
static struct slice raw_resend(const struct party *party)
{
	struct prepared *prepared CLEANUP(prepared_free) = NULL;

	assert_int_equal(core_prepare(formula->core, party->last, formula->now_ms, &prepared), ERR_OK);
	assert_false(prepared_needs_commit(prepared));
	struct slice reply = core_reply(prepared);
	return SLICE(arena_copy(&formula->arena, reply), reply.length);
}

static struct slice raw_send(struct party *party, struct action action)
{
	struct flight flight = flight_new(formula, party, 0, action);

	party->last = flight.sent;
	assert_int_equal(flight_commit(formula, &flight, 1), ERR_OK);
	struct slice reply = core_reply(flight.prepared);
	reply = SLICE(arena_copy(&formula->arena, reply), reply.length);
	struct answer answer = flight_answer(formula, &flight);
	assert_int_equal(answer.code, ERR_OK);
	party->sequence++;
	party->has_acknowledgement = true;
	party->index = answer.reply->index;
	party->leaf = answer.entry.leaf;
	return reply;
}

/* ---- the same number again ---- */

static void test_resend_gives_identical_bytes(void **state)
{
	(void)state;
	struct action actions[] = {lookup(), action_sync(formula, "service", 0, 10), action_agreements(formula, NULL),
				   action_get_paper(formula, SLICE_EMPTY)};
	for (size_t i = 0; i < 4; i++) {
		struct slice first = raw_send(store, actions[i]);
		uint64_t size = core_size(formula->core);
		assert_true(slice_equal(raw_resend(store), first));
		formula->now_ms += 3600 * 1000; /* also later, and after a restart */
		franchise_restart(formula);
		assert_true(slice_equal(raw_resend(store), first));
		assert_int_equal(core_size(formula->core), size);
	}
}

/* A record that changed in between: the reply is the one of then. */
static void test_resend_after_an_update_gives_the_old_version(void **state)
{
	(void)state;
	struct slice customer = franchise_visitor(formula, store, "1=4712|2=Bert");
	struct slice first = raw_send(store, action_lookup(formula, "service", "1=4712"));
	franchise_must(formula, &formula->office, action_update(formula, NULL, customer, "2=Berthold"));
	assert_true(slice_equal(raw_resend(store), first));
}

static void test_other_bytes_under_a_used_number(void **state)
{
	(void)state;
	struct answer answer = franchise_must(formula, store, lookup());
	struct party twin = *store;
	struct slice last = store->last;
	twin.sequence--;
	uint64_t size = core_size(formula->core);
	/* another request, or the same one with another time: both are other bytes */
	formula->now_ms++;
	answer = franchise_one(formula, &twin, lookup());
	assert_int_equal(answer.code, ERR_REUSED);
	assert_int_equal(answer.entry.decoded->code, ERR_REUSED);
	assert_int_equal(answer.entry.decoded->n_results, 0);
	assert_null(answer.reply->personal);
	assert_int_equal(core_size(formula->core), size + 1);
	/* the lane stays where it was: its last answer is still given, the next number acknowledges that one */
	store->last = last;
	assert_int_equal(franchise_resend(formula, store).code, ERR_OK);
	assert_int_equal(franchise_one(formula, store, lookup()).code, ERR_OK);
}

static void test_numbers_out_of_order(void **state)
{
	static const int64_t steps[] = {-1, 1, 2, 1000000};

	(void)state;
	franchise_must(formula, store, lookup());
	franchise_must(formula, store, lookup());
	for (size_t i = 0; i < 4; i++) {
		struct party twin = *store;
		twin.sequence = (uint64_t)((int64_t)store->sequence + steps[i]);
		if (steps[i] < 0)
			twin.sequence--; /* the one before the last */
		uint64_t size = core_size(formula->core);
		struct answer answer = franchise_one(formula, &twin, lookup());
		assert_int_equal(answer.code, ERR_SEQUENCE);
		assert_true(answer.reply->has_expected);
		assert_int_equal(answer.reply->expected, store->sequence + 1);
		assert_false(answer.has_entry);
		assert_null(answer.reply->personal);
		assert_int_equal(core_size(formula->core), size);
	}
	/* a new lane begins at 1 */
	struct party lane = *store;
	lane.lane = LANE_MAX;
	lane.has_acknowledgement = false;
	assert_int_equal(franchise_one(formula, &lane, lookup()).reply->expected, 1);
	lane.sequence = 0;
	assert_int_equal(franchise_one(formula, &lane, lookup()).code, ERR_OK);
	/* and what has the form of no lane or number is not looked at */
	lane.lane = LANE_MAX + 1;
	assert_int_equal(franchise_one(formula, &lane, lookup()).code, ERR_INPUT);
	lane.lane = 7;
	lane.sequence = UINT64_MAX; /* 0 */
	assert_int_equal(franchise_one(formula, &lane, lookup()).code, ERR_INPUT);
}

/* ---- acknowledgements ---- */

static void spoil_index(struct party *party)
{
	party->index++;
}

static void spoil_leaf(struct party *party)
{
	party->leaf.bytes[31] ^= 1;
}

static void leave_out(struct party *party)
{
	party->has_acknowledgement = false;
}

static void test_acknowledgement_of_something_else(void **state)
{
	static void (*const spoil[])(struct party *) = {spoil_index, spoil_leaf, leave_out};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct answer good = franchise_must(formula, store, lookup());
		spoil[i](store);
		struct answer answer = franchise_one(formula, store, lookup());
		assert_int_equal(answer.code, ERR_ACKNOWLEDGEMENT);
		assert_true(answer.has_entry); /* the broker can show it (R35) */
		assert_int_equal(answer.reply->index, good.reply->index + 1);
		assert_null(answer.reply->personal);
		/* the number is used up; sent again the refusal is the same; the next one acknowledges it */
		assert_int_equal(franchise_resend(formula, store).code, ERR_ACKNOWLEDGEMENT);
		assert_int_equal(core_size(formula->core), answer.reply->index + 1);
	}
	/* an acknowledgement where there was no entry yet */
	struct party lane = *store;
	lane.lane = 1;
	lane.sequence = 0;
	assert_int_equal(franchise_one(formula, &lane, lookup()).code, ERR_ACKNOWLEDGEMENT);
}

/* ---- after the access has ended (R39) ---- */

static void check_again(enum err code)
{
	struct party twin = *store;
	struct answer again = franchise_resend(formula, &twin);

	assert_int_equal(again.reply->code, code);
	assert_int_equal(again.entry.decoded->code, ERR_OK);
	assert_int_equal(again.entry.decoded->results[0]->code, ERR_OK);
	assert_null(again.reply->personal);
	assert_int_equal(again.reply->n_data, 0);
}

static void test_resend_after_suspension_and_resumption(void **state)
{
	(void)state;
	struct slice first = raw_send(store, lookup());
	franchise_must(formula, &formula->office, action_standing(formula, 12, 1));
	check_again(ERR_SUSPENDED);
	franchise_must(formula, &formula->office, action_standing(formula, 12, 2));
	assert_true(slice_equal(raw_resend(store), first));
	franchise_must(formula, &formula->office, action_standing(formula, 12, 3));
	check_again(ERR_TERMINATED);
}

static void test_resend_after_expiry(void **state)
{
	(void)state;
	formula->now_ms = UINT64_C(1830297600000) - 1; /* 2028-01-01 less a millisecond */
	franchise_must(formula, store, lookup());
	formula->now_ms++;
	check_again(ERR_EXPIRED);
}

static void test_resend_under_another_agreement(void **state)
{
	(void)state;
	franchise_must(formula, store, action_sync(formula, "service", 0, 10));
	struct party first = *store;
	store->lane = 1;
	store->sequence = 0;
	store->has_acknowledgement = false;
	franchise_agree(formula, store, franchise_agreement(formula, 12, GRANT_ALL, store->agreement));
	*store = first;
	check_again(ERR_OTHER_AGREEMENT);
}

static void test_resend_after_the_employee_went(void **state)
{
	uint32_t number = 12;

	(void)state;
	struct slice first = raw_send(store, lookup());
	franchise_must(formula, &formula->office,
		       action_staff(formula, &number, SLICE_ARRAY(store->employee), "manager", NULL));
	assert_true(slice_equal(raw_resend(store), first));
	franchise_must(formula, &formula->office,
		       action_staff(formula, &number, SLICE_ARRAY(store->employee), "", NULL));
	check_again(ERR_NO_EMPLOYEE);
	/* a sync needs nobody: it is given again */
	first = raw_send(store, action_sync(formula, "service", 0, 10));
	assert_true(slice_equal(raw_resend(store), first));
}

/* What was refused stays refused in the answer, whatever there is now (R44). */
static void test_resend_of_refused_data(void **state)
{
	(void)state;
	struct answer answer = franchise_one(formula, &formula->office, action_get_checkpoint(formula));
	assert_int_equal(answer.code, ERR_NOT_FOUND);
	assert_int_equal(answer_items(&answer, 0), 0);
	assert_int_equal(core_checkpoint(formula->core), ERR_OK);
	answer = franchise_resend(formula, &formula->office);
	assert_int_equal(answer.code, ERR_NOT_FOUND);
	assert_int_equal(answer_items(&answer, 0), 0);
}

/* ---- who asks ---- */

static void test_operations_of_somebody_else(void **state)
{
	struct slice customer = franchise_draw(formula);
	struct action of_office[] = {action_standing(formula, 12, 2),
				     action_restriction(formula, customer, false),
				     action_open_store(formula, 99, "Mijn", "NL"),
				     action_invite(formula, FRANCHISE_ORIGIN "/auditor/eve", customer, 1),
				     action_charter(formula, SLICE_ARRAY(formula->charter.hash), slice_text("x\n")),
				     action_draft(formula, 12, "x"),
				     action_offer(formula, "x\n", &store->key),
				     action_progress(formula, SLICE_ARRAY(formula->charter.hash), NULL, false),
				     action_totals(formula, SLICE_EMPTY, 10),
				     action_census(formula),
				     action_get_checkpoint(formula),
				     action_read_log(formula, 0, 1)};

	(void)state;
	for (size_t i = 0; i < sizeof(of_office) / sizeof(of_office[0]); i++) {
		struct answer answer = franchise_one(formula, store, of_office[i]);
		assert_int_equal(answer.code, ERR_FORBIDDEN);
		assert_true(answer.has_entry);
		assert_null(answer.result->clause);
	}
	assert_int_equal(franchise_one(formula, &formula->office, action_sync(formula, "service", 0, 1)).code,
			 ERR_FORBIDDEN);
	assert_int_equal(franchise_one(formula, &formula->office, action_accept(formula, "x\n", &store->key)).code,
			 ERR_FORBIDDEN);
}

/* R37: what is not signed by a key that is known is answered by a code alone. */
static void test_strangers(void **state)
{
	struct party stranger = {.key = test_seed_key(FRANCHISE_ORIGIN "/store/55", 55), .store = 55};
	struct party impostor = {.key = test_seed_key(store->key.public.name, 56), .store = 12};
	struct party foreign = {.key = test_seed_key("other.example/formula/controller", 57)};
	struct party *parties[] = {&stranger, &impostor, &foreign};
	uint64_t size = core_size(formula->core);

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct action action = lookup();
		struct slice sent = franchise_message(formula, parties[i], &action, 1);
		struct prepared *prepared = NULL;
		assert_int_equal(core_prepare(formula->core, sent, formula->now_ms, &prepared), ERR_OK);
		assert_false(prepared_needs_commit(prepared));
		assert_int_equal(prepared_trust(prepared), CORE_UNKNOWN);
		struct answer answer = franchise_answer(formula, parties[i], sent, core_reply(prepared));
		prepared_free(&prepared);
		assert_int_equal(answer.code, ERR_PRINCIPAL);
		assert_false(answer.has_entry || answer.reply->has_expected);
		secret_key_fini(&parties[i]->key);
	}
	assert_int_equal(core_size(formula->core), size);
}

/* R48: each operation sees what the ones before it did; a refused one does not stop the others. */
static void test_operations_in_order(void **state)
{
	uint32_t number = 12;
	struct slice employee = franchise_draw(formula);
	struct action actions[] = {action_staff(formula, &number, employee, "cashier", "Jan"),
				   action_staff(formula, &number, employee, "captain", NULL),
				   action_staff(formula, &number, employee, "", NULL),
				   action_staff(formula, &number, employee, "", NULL),
				   action_open_store(formula, 77, "Zeist", "NL"),
				   action_open_store(formula, 77, "Zeist", "NL")};
	static const enum err codes[] = {ERR_OK, ERR_FIELD, ERR_OK, ERR_NOT_FOUND, ERR_OK, ERR_OK};

	(void)state;
	struct answer answer = franchise_send(formula, &formula->office, actions, 6);
	assert_int_equal(answer.entry.decoded->n_results, 6);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(answer.entry.decoded->results[i]->code, codes[i]);
	assert_true(answer.entry.decoded->results[5]->is_unchanged);
	assert_false(answer.entry.decoded->results[4]->has_is_unchanged);
}

/* R49: before the charter there is nothing, not even refusals. */
static void test_first_entry(void **state)
{
	struct fault fault = {""};
	struct store *empty = NULL;
	char folder[SCRATCH_MAX + 8];
	struct party office = formula->office;
	static struct franchise copy;

	(void)state;
	copy = *formula;
	snprintf(folder, sizeof(folder), "%s/empty", formula->folder);
	assert_int_equal(store_open(folder, &core_layout, true, &empty, &fault), ERR_OK);
	copy.store = empty;
	copy.core = NULL;
	copy.charter_text = NULL;
	assert_int_equal(core_open(empty, &copy.keys, copy.now_ms, &copy.core, &fault), ERR_OK);
	office.sequence = 0;
	office.has_acknowledgement = false;

	struct slice hash = SLICE_ARRAY(formula->charter.hash);
	struct slice unsigned_note = action_note(formula, formula->charter_text, &store->key);
	struct slice note = action_note(formula, formula->charter_text, &office.key);
	struct action wrong[] = {action_open_store(formula, 1, "Zeist", "NL"),
				 action_charter(formula, hash, unsigned_note), action_get_checkpoint(formula)};
	static const enum err codes[] = {ERR_STATE, ERR_SIGNATURE, ERR_STATE};
	for (size_t i = 0; i < 3; i++) {
		struct answer answer = franchise_one(&copy, &office, wrong[i]);
		assert_int_equal(answer.code, codes[i]);
		assert_false(answer.has_entry);
		assert_int_equal(core_size(copy.core), 0);
	}
	struct action first[] = {action_charter(formula, hash, note), action_open_store(formula, 1, "Zeist", "NL")};
	struct answer answer = franchise_send(&copy, &office, first, 2);
	assert_int_equal(answer.reply->index, 0);
	assert_int_equal(answer.entry.decoded->results[0]->code, ERR_OK);
	assert_int_equal(answer.entry.decoded->results[1]->code, ERR_OK);
	core_close(&copy.core);
	store_close(&empty);
	formula->arena = copy.arena;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_resend_gives_identical_bytes),
		TEST(test_resend_after_an_update_gives_the_old_version),
		TEST(test_other_bytes_under_a_used_number),
		TEST(test_numbers_out_of_order),
		TEST(test_acknowledgement_of_something_else),
		TEST(test_resend_after_suspension_and_resumption),
		TEST(test_resend_after_expiry),
		TEST(test_resend_under_another_agreement),
		TEST(test_resend_after_the_employee_went),
		TEST(test_resend_of_refused_data),
		TEST(test_operations_of_somebody_else),
		TEST(test_strangers),
		TEST(test_operations_in_order),
		TEST(test_first_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
