/* Reading the log: FORMAT.md R117, R60. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "action.h"
#include "kluis/checkpoint.h"

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

static struct answer ask(struct party *party, struct action action)
{
	return franchise_one(formula, party, action);
}

static void test_checkpoint(void **state)
{
	struct checkpoint checkpoint;
	struct fault fault = {""};
	uint64_t size = core_size(formula->core);

	(void)state;
	assert_int_equal(ask(&formula->office, action_get_checkpoint(formula)).code, ERR_NOT_FOUND);
	size = core_size(formula->core);
	assert_int_equal(core_checkpoint(formula->core), ERR_OK);
	struct answer answer = ask(&formula->office, action_get_checkpoint(formula));
	assert_int_equal(answer_items(&answer, 0), 1);
	assert_int_equal(checkpoint_open(answer_item(&answer, 0, 0), &formula->log.public, &checkpoint, &fault),
			 ERR_OK);
	assert_int_equal(checkpoint.size, size);
}

/* What a mirror reads: all entries in order; their tree is the checkpoint's. */
static void test_read_log_is_the_tree(void **state)
{
	struct checkpoint checkpoint;
	struct fault fault = {""};
	struct frontier frontier = {0};
	struct hash root, leaf;

	(void)state;
	assert_int_equal(core_checkpoint(formula->core), ERR_OK);
	struct answer answer = ask(&formula->office, action_get_checkpoint(formula));
	assert_int_equal(checkpoint_open(answer_item(&answer, 0, 0), &formula->log.public, &checkpoint, &fault),
			 ERR_OK);
	answer = ask(&formula->office, action_read_log(formula, 0, checkpoint.size));
	assert_int_equal(answer_items(&answer, 0), checkpoint.size);
	for (size_t i = 0; i < checkpoint.size; i++) {
		merkle_leaf(answer_item(&answer, 0, i), &leaf);
		frontier_append(&frontier, &leaf);
	}
	frontier_root(&frontier, &root);
	assert_memory_equal(root.bytes, checkpoint.root.bytes, HASH_SIZE);
	/* a part of it */
	answer = ask(&formula->office, action_read_log(formula, 2, 4));
	assert_int_equal(answer_items(&answer, 0), 2);
	struct answer one = ask(&formula->office, action_read_log(formula, 3, 4));
	assert_int_equal(answer_items(&one, 0), 1);
	assert_true(slice_equal(answer_item(&answer, 0, 1), answer_item(&one, 0, 0)));
}

static void test_read_log_beyond_the_end(void **state)
{
	uint64_t size = core_size(formula->core);

	(void)state;
	assert_int_equal(ask(&formula->office, action_read_log(formula, 0, size + 1)).code, ERR_NOT_FOUND);
	size = core_size(formula->core);
	assert_int_equal(ask(&formula->office, action_read_log(formula, size, size)).code, ERR_NOT_FOUND);
	size = core_size(formula->core);
	assert_int_equal(ask(&formula->office, action_read_log(formula, size - 1, size)).code, ERR_OK);
	assert_int_equal(ask(&formula->office, action_read_log(formula, 2, 1)).code, ERR_INPUT);
}

/* Entries of 40 KiB: a page holds what its bytes allow, and goes on where it ended. */
static void test_read_log_by_pages(void **state)
{
	struct action *actions = arena_array(&formula->arena, OPERATIONS_MAX, sizeof(*actions));
	char name[151];
	uint64_t read = 0, pages = 0;

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (unsigned i = 0; i < 30; i++) {
		for (uint32_t j = 0; j < OPERATIONS_MAX; j++)
			actions[j] = action_open_store(formula, j, name, "NL");
		assert_int_equal(franchise_send(formula, &formula->office, actions, OPERATIONS_MAX).code, ERR_OK);
	}
	uint64_t size = core_size(formula->core);
	while (read < size) {
		struct answer answer = ask(&formula->office, action_read_log(formula, read, size));
		size_t items = answer_items(&answer, 0), bytes = 0;

		assert_int_equal(answer.code, ERR_OK);
		assert_true(items > 0);
		for (size_t i = 0; i < items; i++)
			bytes += answer_item(&answer, 0, i).length;
		assert_true(bytes <= LOG_PAGE_BYTES);
		read += items;
		pages++;
	}
	assert_int_equal(read, size);
	assert_in_range(pages, 2, 4);
}

static enum err check_proof(struct party *party, uint64_t index, const struct hash *leaf)
{
	struct answer answer = ask(party, action_prove(formula, index));
	struct checkpoint checkpoint;
	struct fault fault = {""};
	uint64_t proved;

	if (answer.code != ERR_OK) {
		assert_int_equal(answer_items(&answer, 0), 0);
		return answer.code;
	}
	TRY(tlog_proof_verify(answer_item(&answer, 0, 0), leaf, &formula->log.public, &proved, &checkpoint, &fault));
	return proved == index ? ERR_OK : ERR_MISMATCH;
}

static void test_proof_of_own_entries_only(void **state)
{
	struct answer own = ask(store, action_agreements(formula, NULL));
	uint64_t mine = own.reply->index;
	struct hash leaf = own.entry.leaf;
	struct answer theirs = ask(&formula->office, action_census(formula));

	(void)state;
	/* no checkpoint says that it is in the tree yet */
	assert_int_equal(check_proof(store, mine, &leaf), ERR_NOT_FOUND);
	assert_int_equal(core_checkpoint(formula->core), ERR_OK);
	assert_int_equal(check_proof(store, mine, &leaf), ERR_OK);
	assert_int_equal(check_proof(&formula->office, mine, &leaf), ERR_OK);
	assert_int_equal(check_proof(store, theirs.reply->index, &theirs.entry.leaf), ERR_FORBIDDEN);
	assert_int_equal(check_proof(store, 0, &leaf), ERR_FORBIDDEN);
	leaf.bytes[0] ^= 1;
	assert_int_equal(check_proof(store, mine, &leaf), ERR_PROOF);
	/* after the checkpoint: not yet, whoever's it is */
	uint64_t size = core_size(formula->core);
	assert_int_equal(check_proof(store, size - 1, &leaf), ERR_NOT_FOUND);
	assert_int_equal(check_proof(store, size + 100, &leaf), ERR_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_checkpoint),	      TEST(test_read_log_is_the_tree),	    TEST(test_read_log_beyond_the_end),
		TEST(test_read_log_by_pages), TEST(test_proof_of_own_entries_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
