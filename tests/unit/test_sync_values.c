/* What a sync says beside the values (FORMAT.md R130, R132), as a store gets it. */
#include "vault/sync_values.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/hash.h"
#include "workbench.h"

#define COPY(operations, scope)                                                                                        \
	"[grant copy]\npurpose = service\noperations = " operations "\ncustomers = " scope                             \
	"\nfields = name, phone\nmasks = phone:last4\n" GRANT_REST

static struct franchise *formula;
static struct party *store, *other;
static struct slice customer;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	store = franchise_store(formula, 12, COPY("lookup, sync, update", "visited"));
	other = franchise_store(formula, 13, COPY("sync, update", "visited"));
	customer = franchise_visitor(formula, store, "1=47-11|2=Anna|3=06 12345678");
	franchise_visit(formula, 13, FRANCHISE_DAY - 3, customer);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	franchise_free(&formula);
	return 0;
}

static const Kluis__Values *values_of(const struct answer *answer)
{
	Kluis__Values *values;

	assert_int_equal(answer->code, ERR_OK);
	assert_int_equal(answer->result->n_disclosures, 1);
	assert_int_equal(WIRE_DECODE(Values, values, wire_slice(answer->reply->personal->parts[0]->content),
				     &formula->arena, &values),
			 ERR_OK);
	return values;
}

static const Kluis__Values *copy_of(struct party *party)
{
	struct answer answer = franchise_one(formula, party, action_sync(formula, "service", 0, 10));

	return values_of(&answer);
}

/* R130 by its words, from the vault's own handle key. */
static void assert_handle(const Kluis__Handle *handle, uint32_t field, const char *normal_form)
{
	struct workbench bench;
	uint8_t key[KEY_SIZE], hash[HASH_SIZE];
	char text[64];

	workbench_init(&bench, formula, store);
	vault_handle_key(bench.vault, slice_text(store->key.public.name), key);
	workbench_fini(&bench);
	text[0] = (char)field;
	memcpy(text + 1, normal_form, strlen(normal_form) + 1);
	blake2b(SLICE_ARRAY(key), "kluis/handle/v1\n", slice_text(text), hash);
	assert_int_equal(handle->field, field);
	assert_int_equal(handle->hash.len, HANDLE_SIZE);
	assert_memory_equal(handle->hash.data, hash, HANDLE_SIZE);
}

/* Of every field to look up by, granted or not, masked or not: a card finds who it belongs to without being shown. */
static void test_sync_gives_handles_and_facts(void **state)
{
	const Kluis__Values *values = copy_of(store);

	(void)state;
	assert_int_equal(values->n_handles, 2);
	assert_handle(values->handles[0], 1, "4711");
	assert_handle(values->handles[1], 3, "0612345678");
	assert_non_null(values->facts);
	assert_false(values->facts->is_registered_here);
	assert_true(values->facts->is_owned_here); /* the latest receipt is here */
	assert_int_equal(values->facts->last_visit_day, FRANCHISE_DAY);
	assert_int_equal(values->n_superseded, 0);
	/* who may not look up finds nobody; facts are each store's own */
	values = copy_of(other);
	assert_int_equal(values->n_handles, 0);
	assert_false(values->facts->is_owned_here);
	assert_int_equal(values->facts->last_visit_day, FRANCHISE_DAY - 3);
	/* a lookup gives none of it */
	struct answer answer = franchise_must(formula, store, action_lookup(formula, "service", "1=4711"));
	values = values_of(&answer);
	assert_int_equal(values->n_handles + values->n_superseded, 0);
	assert_null(values->facts);
}

static struct answer update_at(struct party *party, uint64_t made_ms, const char *values)
{
	struct action action = action_update(formula, "service", customer, values);

	action.operation->update->has_made_ms = true;
	action.operation->update->made_ms = made_ms;
	action.operation->update->has_basis = true;
	action.operation->update->basis = 1;
	return franchise_must(formula, party, action);
}

/* Both stores see what one of them lost, cut as the field is. */
static void test_sync_gives_superseded_values(void **state)
{
	struct party *const stores[] = {store, other};
	struct answer answer;

	(void)state;
	formula->now_ms += 10000;
	answer = update_at(store, formula->now_ms + 2000, "2=Anne|3=0687654321"); /* of a clock that goes before */
	assert_false(answer.result->has_lost);
	formula->now_ms += 5000;
	answer = update_at(other, formula->now_ms - 4500, "2=Annie|3=0600000000");
	assert_int_equal(answer.result->lost, 6);
	assert_int_equal(answer.result->version, 3);
	for (size_t i = 0; i < 2; i++) {
		const Kluis__Values *values = copy_of(stores[i]);

		assert_string_equal(values->values[0]->value, "Anne");
		assert_string_equal(values->values[1]->value, "••••••4321");
		assert_int_equal(values->n_superseded, 2);
		assert_int_equal(values->superseded[0]->field, 2);
		assert_string_equal(values->superseded[0]->value, "Annie");
		assert_int_equal(values->superseded[0]->store, 13);
		assert_string_equal(values->superseded[1]->value, "••••••0000");
	}
	/* so does head office when it looks the customer up, uncut; sent again it is the same */
	for (int again = 0; again < 2; again++) {
		answer = again == 0 ? franchise_must(formula, &formula->office,
						     action_lookup(formula, "service", "1=4711"))
				    : franchise_resend(formula, &formula->office);
		const Kluis__Values *values = values_of(&answer);

		assert_int_equal(values->n_superseded, 2);
		assert_string_equal(values->superseded[0]->value, "Annie");
		assert_int_equal(values->superseded[0]->store, 13);
		assert_int_equal(values->superseded[0]->made_ms, formula->now_ms - 4500);
		assert_string_equal(values->superseded[1]->value, "0600000000");
		assert_int_equal(values->n_handles, 0);
		assert_null(values->facts);
	}
	/* a value of a field that nobody may see any more is not told of by the one that lost */
	franchise_must(formula, store, action_update(formula, "service", customer, "3=0611111111"));
	assert_int_equal(copy_of(store)->n_superseded, 1);
	update_at(other, formula->now_ms - 3000, "2=");
	assert_int_equal(copy_of(other)->n_superseded, 0);
}

/* R39: sent again as it was, or not at all. */
static void test_sync_again(void **state)
{
	struct answer answer;

	(void)state;
	assert_int_equal(copy_of(store)->facts->last_visit_day, FRANCHISE_DAY);
	formula->now_ms += 40 * DAY_MS; /* outside every window by now */
	answer = franchise_resend(formula, store);
	assert_int_equal(answer.reply->code, ERR_OK);
	assert_true(values_of(&answer)->facts->is_owned_here);
	franchise_visit(formula, 12, FRANCHISE_DAY + 1, customer);
	answer = franchise_resend(formula, store);
	assert_int_equal(answer.reply->code, ERR_STATE);
	assert_true(answer.has_entry);
	assert_null(answer.reply->personal);
	assert_int_equal(copy_of(store)->facts->last_visit_day, FRANCHISE_DAY + 1);
}

static void test_again_of_the_restricted(void **state)
{
	struct answer answer;

	(void)state;
	franchise_must(formula, store, action_lookup(formula, "service", "1=4711"));
	franchise_must(formula, &formula->office, action_restriction(formula, customer, true));
	answer = franchise_resend(formula, store);
	assert_int_equal(answer.reply->code, ERR_RESTRICTED);
	assert_true(answer.has_entry);
	assert_null(answer.reply->personal);
	franchise_must(formula, &formula->office, action_restriction(formula, customer, false));
	answer = franchise_resend(formula, store);
	assert_int_equal(answer.reply->code, ERR_OK);
	assert_string_equal(answer_values(formula, &answer, 0), "2=Anna|3=•••••••5678");
	/* head office itself may still look */
	franchise_must(formula, &formula->office, action_lookup(formula, "service", "1=4711"));
	struct slice last = formula->office.last;
	franchise_must(formula, store, action_lookup(formula, "service", "1=4711"));
	formula->office.last = last;
	assert_int_equal(franchise_resend(formula, &formula->office).reply->code, ERR_OK);
}

static void test_again_after_consent_was_withdrawn(void **state)
{
	struct party *marketing = franchise_store(
		formula, 14,
		"[grant offers]\npurpose = direct-marketing\noperations = sync\ncustomers = all\nfields = name\n"
		"lease = 72h\nterritory = EEA\n");
	struct answer answer;

	(void)state;
	marketing->has_employee = false;
	franchise_must(formula, &formula->office, action_consent(formula, NULL, customer, "direct-marketing", 4));
	franchise_must(formula, marketing, action_sync(formula, "direct-marketing", 0, 10));
	assert_int_equal(franchise_resend(formula, marketing).reply->code, ERR_OK);
	franchise_must(formula, &formula->office, action_consent(formula, NULL, customer, "direct-marketing", 7));
	answer = franchise_resend(formula, marketing);
	assert_int_equal(answer.reply->code, ERR_CONSENT);
	assert_null(answer.reply->personal);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sync_gives_handles_and_facts),
		TEST(test_sync_gives_superseded_values),
		TEST(test_sync_again),
		TEST(test_again_of_the_restricted),
		TEST(test_again_after_consent_was_withdrawn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
