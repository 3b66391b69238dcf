/* The proof that an entry of the store's is in the log, and brokers that give another. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "action.h"
#include "kluis/checkpoint.h"
#include "office_prove.h"
#include "store_agent.h"
#include "test_keys.h"
#include "unlogged.h"

static struct store_agent here;
static struct arena arena;
static struct fault fault;

static int set_up(void **state)
{
	(void)state;
	store_agent_begin(&here, NULL);
	franchise_round(here.formula); /* a checkpoint over the lane's last entry */
	arena_init(&arena, 2 * REQUEST_ARENA_MAX);
	fault.text[0] = '\0';
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_fini(&arena);
	store_agent_end(&here);
	return 0;
}

static void test_proof_of_the_lanes_last_entry(void **state)
{
	struct hash leaf = here.agent.session.entry_leaf;
	uint64_t index = here.agent.session.entry_index, proved;
	struct checkpoint checkpoint;
	struct slice proof;

	(void)state;
	assert_int_equal(office_prove(&here.agent, index, &arena, &proof, &fault), ERR_OK);
	assert_int_equal(tlog_proof_verify(proof, &leaf, &here.formula->log.public, &proved, &checkpoint, &fault),
			 ERR_OK);
	assert_int_equal(proved, index);
	/* an older one is given to whoever has the entry */
	assert_int_equal(office_prove(&here.agent, index, &arena, &proof, &fault), ERR_OK);
	assert_int_equal(tlog_proof_verify(proof, &leaf, &here.formula->log.public, &proved, &checkpoint, &fault),
			 ERR_OK);
}

static void test_entry_that_cannot_be_proved(void **state)
{
	struct slice proof;

	(void)state;
	assert_int_equal(office_prove(&here.agent, 0, &arena, &proof, &fault), ERR_FORBIDDEN); /* the charter's */
	assert_int_equal(office_prove(&here.agent, 1000000, &arena, &proof, &fault), ERR_NOT_FOUND);
	here.is_cut = true;
	assert_int_equal(office_prove(&here.agent, 1, &arena, &proof, &fault), ERR_NETWORK);
}

/* ---- a broker that lies ---- */

static struct slice given;

static void forge_proof(struct store_agent *store, Kluis__Reply *reply)
{
	(void)store;
	if (reply->n_data == 1 && reply->data[0]->n_items == 1)
		reply->data[0]->items[0] = wire_data(given);
}

static enum err prove_forged(struct slice forged)
{
	struct slice proof;

	given = forged;
	here.forge = forge_proof;
	fault.text[0] = '\0';
	return office_prove(&here.agent, here.agent.session.entry_index, &arena, &proof, &fault);
}

static struct slice proof_of(uint64_t index)
{
	struct franchise *formula = here.formula;
	struct answer answer = franchise_must(formula, &formula->office, action_prove(formula, index));

	return answer_item(&answer, 0, 0);
}

static void test_broker_that_gives_another_proof(void **state)
{
	uint64_t index = here.agent.session.entry_index;

	(void)state;
	assert_int_equal(prove_forged(proof_of(index)), ERR_OK);
	store_agent_restart(&here);
	franchise_round(here.formula);
	assert_int_equal(prove_forged(proof_of(index)), ERR_PROOF); /* of another leaf */
	franchise_round(here.formula);
	assert_int_equal(prove_forged(slice_text("c2sp.org/tlog-proof@v1\n")), ERR_PAPER);
}

static void test_proof_by_a_log_that_is_not_trusted(void **state)
{
	struct secret_key other = test_seed_key(FRANCHISE_ORIGIN "/log", 99);
	struct slice proof;

	(void)state;
	here.agent.membership.logs = &other.public;
	assert_int_equal(office_prove(&here.agent, here.agent.session.entry_index, &arena, &proof, &fault),
			 ERR_SIGNATURE);
	assert_non_null(strstr(fault.text, "'kluis-agent trust' asks"));
	secret_key_fini(&other);
}

static void forge_nothing(struct store_agent *store, Kluis__Reply *reply)
{
	(void)store;
	for (size_t i = 0; i < reply->n_data; i++)
		reply->data[i]->n_items = 0;
}

static void test_broker_that_gives_no_proof(void **state)
{
	struct slice proof;

	(void)state;
	here.forge = forge_nothing;
	assert_int_equal(office_prove(&here.agent, here.agent.session.entry_index, &arena, &proof, &fault),
			 ERR_MISMATCH);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_proof_of_the_lanes_last_entry),   TEST(test_entry_that_cannot_be_proved),
		TEST(test_broker_that_gives_another_proof), TEST(test_proof_by_a_log_that_is_not_trusted),
		TEST(test_broker_that_gives_no_proof),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
