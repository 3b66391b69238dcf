/*
 * Charters and agreements, opened once and kept.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "action.h"
#include "core/papers.h"
#include "fail.h"
#include "text.h"
#include "workbench.h"

static struct franchise *formula;
static struct party *store;
static struct workbench bench;
static struct papers *papers;
static Rows__Paper row;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	store = franchise_store(formula, 12, GRANT_SERVICE);
	return 0;
}

/* From here on on a snapshot: nothing is committed any more. */
static void begin(void)
{
	workbench_init(&bench, formula, &formula->office);
	assert_int_equal(papers_new(&formula->keys.controller, &papers), ERR_OK);
	bench.context.papers = papers;
	rows__paper__init(&row);
	row.hash = wire_data(SLICE_ARRAY(store->agreement));
	row.charter = wire_data(SLICE_ARRAY(formula->charter.hash));
	row.state = AGREEMENT_ACTIVE;
}

static int tear_down(void **state)
{
	(void)state;
	papers_free(&papers);
	workbench_fini(&bench);
	franchise_free(&formula);
	return 0;
}

static void test_charter_is_opened_once(void **state)
{
	const struct charter *first, *second;

	(void)state;
	begin();
	assert_int_equal(papers_charter(&bench.context, SLICE_ARRAY(formula->charter.hash), &first), ERR_OK);
	assert_string_equal(first->origin, FRANCHISE_ORIGIN);
	assert_memory_equal(first->hash, formula->charter.hash, HASH_SIZE);
	size_t used = bench.arena.used, reads = bench.view.read_count;
	assert_int_equal(papers_charter(&bench.context, SLICE_ARRAY(formula->charter.hash), &second), ERR_OK);
	assert_ptr_equal(first, second);
	assert_int_equal(bench.arena.used, used);
	assert_int_equal(bench.view.read_count, reads);
}

static void test_agreement_with_the_charter_that_it_names(void **state)
{
	const struct agreement *agreement, *again;
	const struct charter *charter;
	uint8_t *first = arena_copy(&formula->arena, SLICE_ARRAY(formula->charter.hash));
	char *next = text_replace(&formula->arena, formula->charter_text, "version = 1", "version = 2");

	(void)state;
	franchise_charter(formula, text_replace(&formula->arena, next, "cashier, manager", "cashier, manager, boss"));
	begin();
	row.charter = wire_data(SLICE(first, HASH_SIZE));
	assert_int_equal(papers_agreement(&bench.context, &row, &agreement, &charter), ERR_OK);
	assert_int_equal(agreement->store, 12);
	assert_memory_equal(agreement->hash, store->agreement, HASH_SIZE);
	assert_int_equal(charter->version_number, 1); /* also after a later one (R25) */
	assert_int_equal(papers_agreement(&bench.context, &row, &again, &charter), ERR_OK);
	assert_ptr_equal(agreement, again);
}

static void test_papers_that_are_not_there(void **state)
{
	const struct agreement *agreement = NULL;
	const struct charter *charter = NULL;
	uint8_t nobody[HASH_SIZE] = {7};

	(void)state;
	begin();
	assert_int_equal(papers_charter(&bench.context, SLICE_ARRAY(nobody), &charter), ERR_NOT_FOUND);
	row.hash = wire_data(SLICE_ARRAY(nobody));
	assert_int_equal(papers_agreement(&bench.context, &row, &agreement, &charter), ERR_NOT_FOUND);
	row.hash = wire_data(SLICE_ARRAY(store->agreement));
	row.charter = wire_data(SLICE_ARRAY(nobody));
	assert_int_equal(papers_agreement(&bench.context, &row, &agreement, &charter), ERR_NOT_FOUND);
	assert_null(agreement);
	assert_null(charter);
}

/* One kind asked for as the other, before and after it is kept. */
static void test_papers_of_the_other_kind(void **state)
{
	const struct agreement *agreement;
	const struct charter *charter;

	(void)state;
	begin();
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(papers_charter(&bench.context, SLICE_ARRAY(store->agreement), &charter), ERR_CORRUPT);
		row.hash = row.charter;
		assert_int_equal(papers_agreement(&bench.context, &row, &agreement, &charter), ERR_CORRUPT);
		row.hash = wire_data(SLICE_ARRAY(store->agreement));
		assert_int_equal(papers_agreement(&bench.context, &row, &agreement, &charter), ERR_OK);
	}
}

/* The controller's signature is looked at each time a charter is opened: a store's disk is not believed. */
static void test_charter_that_somebody_else_signed(void **state)
{
	struct slice note = action_note(formula, formula->charter_text, &store->key);
	const struct charter *charter;

	(void)state;
	begin();
	view_put(&bench.view, TABLE_PAPER, SLICE_ARRAY(formula->charter.hash), note);
	assert_int_equal(papers_charter(&bench.context, SLICE_ARRAY(formula->charter.hash), &charter), ERR_CORRUPT);
}

/* As large as papers may be, so that whatever was accepted can be opened (PAPER_MAX). */
static void test_largest_charter(void **state)
{
	const struct charter *charter;
	struct bytes text CLEANUP(bytes_fini) = {0};
	static const char words[] = "\n   words words words words words words words words words words words words "
				    "words words words words words words words words words words";

	(void)state;
	bytes_init(&text, PAPER_MAX);
	const char *body = text_replace(&formula->arena, formula->charter_text, "version = 1", "version = 2");
	assert_int_equal(bytes_append(&text, slice_text(body)), ERR_OK);
	for (unsigned purpose = 0; text.length < PAPER_MAX - 17000; purpose++) {
		assert_int_equal(
			bytes_printf(&text, "\n[purpose p%u]\nterm = dpv:CustomerCare\nlegal-basis = A6-1-b\ntext = x",
				     purpose),
			ERR_OK);
		for (size_t length = 1; length + sizeof(words) < INI_VALUE_MAX; length += sizeof(words) - 1)
			assert_int_equal(bytes_printf(&text, "%s", words), ERR_OK);
		assert_int_equal(bytes_append_u8(&text, '\n'), ERR_OK);
	}
	assert_int_equal(bytes_append_u8(&text, 0), ERR_OK);
	assert_true(text.length > PAPER_MAX - 20000);
	franchise_charter(formula, (const char *)text.data);
	/* the next request and the next start read it */
	franchise_must(formula, &formula->office, action_get_paper(formula, SLICE_EMPTY));
	franchise_restart(formula);
	franchise_must(formula, &formula->office, action_get_paper(formula, SLICE_EMPTY));
	begin();
	view_put(&bench.view, TABLE_PAPER, SLICE_ARRAY(formula->charter.hash),
		 action_note(formula, (const char *)text.data, &formula->office.key));
	assert_int_equal(papers_charter(&bench.context, SLICE_ARRAY(formula->charter.hash), &charter), ERR_OK);
}

/* With PAPERS_KEPT_MAX papers kept, agreements are opened for each request that needs them. */
static void test_more_agreements_than_are_kept(void **state)
{
	const struct agreement *agreement, *again;
	const struct charter *charter;
	struct slice note;

	(void)state;
	begin();
	assert_int_equal(view_get(&bench.view, TABLE_PAPER, SLICE_ARRAY(store->agreement), &note), ERR_OK);
	for (uint32_t i = 0; i < PAPERS_KEPT_MAX; i++) {
		uint8_t hash[HASH_SIZE] = {0};

		arena_reset(&bench.arena);
		view_init(&bench.view, bench.txn, &bench.arena);
		put_u32(hash, i);
		put_u32(hash + 4, i);
		view_put(&bench.view, TABLE_PAPER, SLICE_ARRAY(hash), note);
		row.hash = wire_data(SLICE_ARRAY(hash));
		assert_int_equal(papers_agreement(&bench.context, &row, &agreement, &charter), ERR_OK);
	}
	row.hash = wire_data(SLICE_ARRAY(store->agreement));
	assert_int_equal(papers_agreement(&bench.context, &row, &agreement, &charter), ERR_OK);
	assert_int_equal(agreement->store, 12);
	assert_int_equal(papers_agreement(&bench.context, &row, &again, &charter), ERR_OK);
	assert_ptr_not_equal(agreement, again);
}

static enum err open_all(void *context)
{
	struct papers *mine CLEANUP(papers_free) = NULL;
	const struct agreement *agreement;
	const struct charter *charter;

	(void)context;
	view_init(&bench.view, bench.txn, &bench.arena);
	TRY(papers_new(&formula->keys.controller, &mine));
	bench.context.papers = mine;
	enum err err = papers_agreement(&bench.context, &row, &agreement, &charter);
	bench.context.papers = papers;
	return err;
}

static void test_when_memory_fails(void **state)
{
	(void)state;
	begin();
	fail_sweep(FAIL_MEMORY, open_all, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_charter_is_opened_once),
		TEST(test_agreement_with_the_charter_that_it_names),
		TEST(test_papers_that_are_not_there),
		TEST(test_papers_of_the_other_kind),
		TEST(test_charter_that_somebody_else_signed),
		TEST(test_largest_charter),
		TEST(test_more_agreements_than_are_kept),
		TEST(test_when_memory_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
