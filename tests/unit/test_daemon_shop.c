/* A shop from an agent's folder: as it was left, and what in the folder it does not take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fail.h"
#include "kluis/file.h"
#include "office_papers.h"
#include "run/daemon_shop.h"
#include "sealed_row.h"
#include "store_agent.h"

static struct store_agent here;
static struct fault fault;

static int set_up(void **state)
{
	(void)state;
	store_agent_begin(&here, GRANT_SERVICE);
	fault.text[0] = '\0';
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	store_agent_end(&here);
	return 0;
}

/* Fetches the agreement that both have signed. */
static void fetch_papers(void)
{
	struct arena arena CLEANUP(arena_fini) = {0};

	arena_init(&arena, 8 * REQUEST_ARENA_MAX);
	assert_int_equal(office_recover(&here.agent, &arena, NULL), ERR_OK);
}

static enum err open_shop(struct fault *ret_papers)
{
	fault.text[0] = '\0';
	return daemon_shop_open(&here.agent, &here.shop, ret_papers, &fault);
}

static void reopen(void)
{
	store_agent_restart(&here);
	assert_int_equal(open_shop(NULL), ERR_OK);
}

struct row {
	const char *name;
	struct slice value;
};

static enum err put_row(struct store_txn *txn, void *context)
{
	const struct row *row = context;

	return sealed_row_put(txn, here.agent.seal_key, slice_text(row->name), row->value);
}

static void put_meta(const char *name, struct slice value)
{
	struct row row = {name, value};

	assert_int_equal(store_update(here.agent.store, put_row, &row), ERR_OK);
}

/* ---- as it was left ---- */

static void test_before_an_agreement(void **state)
{
	struct fault papers = {""};

	(void)state;
	assert_int_equal(open_shop(NULL), ERR_OK);
	assert_int_equal(here.shop.number, 12);
	assert_null(here.shop.agreement);
	assert_int_equal(here.shop.state, AGREEMENT_NONE);
	assert_ptr_equal(here.shop.key, &here.agent.key);
	daemon_shop_close(&here.shop);
	daemon_shop_close(&here.shop); /* of none */
	assert_int_equal(open_shop(&papers), ERR_OK);
	assert_non_null(strstr(papers.text, "no agreement is signed here"));
}

static void test_papers_of_both(void **state)
{
	(void)state;
	fetch_papers();
	reopen();
	assert_memory_equal(here.shop.agreement->hash, here.party->agreement, HASH_SIZE);
	assert_non_null(here.shop.charter);
	assert_int_equal(here.shop.state, AGREEMENT_ACTIVE);
}

/* What was said of another agreement says nothing of this one; without one there is no state. */
static void test_state_that_the_broker_said_last(void **state)
{
	uint8_t kept[1 + HASH_SIZE] = {AGREEMENT_TERMINATED};

	(void)state;
	put_meta("agreement-state", SLICE_ARRAY(kept));
	assert_int_equal(open_shop(NULL), ERR_OK);
	assert_int_equal(here.shop.state, AGREEMENT_NONE);
	fetch_papers();
	reopen();
	assert_int_equal(here.shop.state, AGREEMENT_ACTIVE);
	memcpy(kept + 1, here.party->agreement, HASH_SIZE);
	put_meta("agreement-state", SLICE_ARRAY(kept));
	reopen();
	assert_int_equal(here.shop.state, AGREEMENT_TERMINATED);
	assert_int_equal(daemon_shop_keep(&here.shop), ERR_OK);
	reopen();
	assert_int_equal(here.shop.state, AGREEMENT_TERMINATED);
}

/* The broker's clock is an hour ahead of this machine's: known after a restart too. */
static void test_time_is_kept(void **state)
{
	const uint64_t hour_ms = 3600000;

	(void)state;
	assert_int_equal(open_shop(NULL), ERR_OK);
	uint64_t now_ms = shop_now_ms(&here.shop);
	shop_contact(&here.shop, now_ms + hour_ms);
	assert_true(shop_now_ms(&here.shop) >= now_ms + hour_ms);
	assert_int_equal(daemon_shop_keep(&here.shop), ERR_OK);
	reopen();
	assert_true(here.shop.time.has_contact);
	assert_true(shop_now_ms(&here.shop) >= now_ms + hour_ms);
	assert_true(shop_now_ms(&here.shop) < now_ms + 2 * hour_ms);
}

/* ---- what it does not take ---- */

static void test_kept_rows_that_were_altered(void **state)
{
	uint8_t kept[2 + HASH_SIZE] = {AGREEMENT_EXPIRED + 1}, time[TIMEKEEPER_SIZE + 1] = {0};

	(void)state;
	fetch_papers();
	store_agent_restart(&here);
	put_meta("agreement-state", SLICE(kept, 1 + HASH_SIZE)); /* no such state */
	assert_int_equal(open_shop(NULL), ERR_CORRUPT);
	assert_non_null(strstr(fault.text, "the kept time or state cannot be read"));
	assert_null(here.shop.store);
	kept[0] = AGREEMENT_ACTIVE;
	put_meta("agreement-state", SLICE_ARRAY(kept)); /* too long */
	assert_int_equal(open_shop(NULL), ERR_CORRUPT);
	put_meta("agreement-state", SLICE(kept, HASH_SIZE)); /* too short */
	assert_int_equal(open_shop(NULL), ERR_CORRUPT);
	put_meta("agreement-state", SLICE(kept, 1 + HASH_SIZE));
	assert_int_equal(open_shop(NULL), ERR_OK);
	daemon_shop_close(&here.shop);
	put_meta("time", SLICE_ARRAY(time));
	assert_int_equal(open_shop(NULL), ERR_CORRUPT);
}

/* To run on, papers must be good; to look at, it is said what is wrong with them. */
static void test_papers_that_were_altered(void **state)
{
	char path[HOME_PATH_MAX];
	struct fault papers = {""};

	(void)state;
	fetch_papers();
	assert_int_equal(home_path(here.folder, "agreement.note", path, NULL), ERR_OK);
	assert_int_equal(truncate(path, 1000), 0);
	store_agent_restart(&here);
	assert_int_not_equal(open_shop(NULL), ERR_OK);
	assert_non_null(strstr(fault.text, "agreement.note"));
	assert_null(here.shop.store);
	assert_int_equal(open_shop(&papers), ERR_OK);
	assert_non_null(strstr(papers.text, "agreement.note"));
	assert_null(here.shop.agreement);
	assert_int_equal(here.shop.state, AGREEMENT_NONE);
}

/* ---- failures ---- */

static enum err open_and_close(void *context)
{
	struct shop shop;

	(void)context;
	TRY(daemon_shop_open(&here.agent, &shop, NULL, NULL));
	enum err err = daemon_shop_keep(&shop);
	daemon_shop_close(&shop);
	return err;
}

static void test_failures_are_told(void **state)
{
	(void)state;
	fetch_papers();
	store_agent_restart(&here);
	fail_sweep(FAIL_MEMORY, open_and_close, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_before_an_agreement),
		TEST(test_papers_of_both),
		TEST(test_state_that_the_broker_said_last),
		TEST(test_time_is_kept),
		TEST(test_kept_rows_that_were_altered),
		TEST(test_papers_that_were_altered),
		TEST(test_failures_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
