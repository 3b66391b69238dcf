/*
 * When the copy of a shop may be read, when it is destroyed, and what is certified of that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "alarm.h"
#include "copy_maker.h"
#include "fail.h"
#include "papers.h"
#include "shop.h"

#define OTHER                                                                                                          \
	"[grant other]\npurpose = direct-marketing\noperations = sync\ncustomers = visited\nfields = card\nstaff = "   \
	"manager\nhours = mon-sun 00:00-24:00 Europe/Amsterdam\nlease = 72h\nterritory = EEA\n"

static struct shop shop;
static struct moment now;
static uint64_t noon_ms;

static struct moment read_clock(void *context)
{
	(void)context;
	return now;
}

static int set_up(void **state)
{
	struct fault fault = {""};

	(void)state;
	copy_maker_begin(&maker);
	papers_init(&papers);
	char *text = arena_printf(&papers.arena, "%s\n%s", papers.agreement_text, OTHER);
	assert_int_equal(papers_parse(&papers, text, &fault), ERR_OK);
	memcpy(maker.agreement, papers.agreement.hash, HASH_SIZE);
	noon_ms = papers.agreement.from_s * 1000 + 86400000;
	now = (struct moment){.wall_ms = noon_ms, .steady_ms = 5};
	shop = (struct shop){.store = maker.store,
			     .replica = maker.replica,
			     .clock = read_clock,
			     .number = 12,
			     .charter = &papers.charter,
			     .agreement = &papers.agreement,
			     .state = AGREEMENT_ACTIVE};
	pthread_rwlock_init(&shop.lock, NULL);
	pthread_mutex_init(&shop.time_lock, NULL);
	assert_int_equal(timekeeper_load(SLICE_EMPTY, now, &shop.time), ERR_OK);
	assert_int_equal(outbox_open(maker.store, maker.key, &shop.outbox, &fault), ERR_OK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	outbox_close(&shop.outbox);
	pthread_rwlock_destroy(&shop.lock);
	pthread_mutex_destroy(&shop.time_lock);
	papers_fini(&papers);
	copy_maker_end(&maker);
	return 0;
}

static void lease(const char *purpose, uint64_t hours)
{
	assert_int_equal(replica_set_lease(&maker.replica, purpose, noon_ms + hours * 3600000, noon_ms,
					   SLICE_ARRAY(maker.handle_key)),
			 ERR_OK);
}

static void fill(const char *purpose, unsigned count)
{
	lease(purpose, 72);
	maker.cursor = 0;
	assert_int_equal(copy_maker_page(&maker, purpose, 1, count, 1), ERR_OK);
}

static void pass_hours(uint64_t hours)
{
	now.wall_ms += hours * 3600000;
	now.steady_ms += hours * 3600000;
}

static unsigned sweep(void)
{
	unsigned purged = 99;

	assert_int_equal(shop_sweep(&shop, &purged), ERR_OK);
	return purged;
}

/* "service expired 3+1|..." */
static const char *certificates(void)
{
	static char text[512];
	struct arena arena CLEANUP(arena_fini) = {0};
	struct purge_certificate *list;
	size_t count;

	text[0] = '\0';
	arena_init(&arena, REQUEST_ARENA_MAX);
	assert_int_equal(shop_certificates(&shop, &arena, &list, &count), ERR_OK);
	for (size_t i = 0; i < count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s %s %llu+%llu|", list[i].purpose,
			 error_name(list[i].reason), (unsigned long long)list[i].customers,
			 (unsigned long long)list[i].waiting);
	return text;
}

static void put_into_outbox(unsigned count)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Consent consent = KLUIS__CONSENT__INIT;
	Kluis__ConsentState consent_state = KLUIS__CONSENT_STATE__INIT;
	char purpose[] = "service";
	uint8_t customer[PSEUDONYM_SIZE] = {1};
	uint64_t number;

	consent_state.purpose = purpose;
	consent_state.status = 4;
	consent.customer = wire_data(SLICE_ARRAY(customer));
	consent.state = &consent_state;
	operation.purpose = purpose;
	operation.kind_case = KLUIS__OPERATION__KIND_CONSENT;
	operation.consent = &consent;
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(outbox_add(shop.outbox, &operation, NULL, SLICE_ARRAY(customer), noon_ms, &number),
				 ERR_OK);
}

static uint64_t waiting(void)
{
	uint64_t count, refused;

	outbox_counts(shop.outbox, &count, &refused);
	return count;
}

static void test_open_while_leased(void **state)
{
	(void)state;
	assert_int_equal(shop_copy_is_open(&shop, "service"), ERR_NOT_FOUND);
	fill("service", 3);
	assert_int_equal(shop_copy_is_open(&shop, "service"), ERR_OK);
	assert_int_equal(shop_copy_is_open(&shop, "gossip"), ERR_NO_GRANT_PURPOSE);
	pass_hours(71);
	assert_int_equal(shop_copy_is_open(&shop, "service"), ERR_OK);
	assert_int_equal(sweep(), 0);
	pass_hours(1);
	assert_int_equal(shop_copy_is_open(&shop, "service"), ERR_EXPIRED);
	/* the wall clock set back does not open it again */
	now.wall_ms -= 50 * 3600000;
	assert_int_equal(shop_copy_is_open(&shop, "service"), ERR_EXPIRED);
	assert_int_equal(sweep(), 1);
	assert_string_equal(certificates(), "service expired 3+0|");
	assert_int_equal(sweep(), 0);
	assert_int_equal(shop_copy_is_open(&shop, "service"), ERR_NOT_FOUND);
	assert_int_equal(alarm_count(shop.store), 0);
	struct purge_certificate taken = {
		.purpose = "service", .reason = ERR_EXPIRED, .customers = 3, .time_ms = noon_ms + 72 * 3600000};
	assert_int_equal(shop_certified(&shop, &taken), ERR_OK);
	assert_string_equal(certificates(), "");
	assert_int_equal(shop_certified(&shop, &taken), ERR_NOT_FOUND);
}

/* What ends access ends the copy; the outbox goes at the agreement's end alone. */
static void test_reasons(void **state)
{
	static const struct {
		enum agreement_state state;
		bool has_agreement;
		enum err reason;
		bool ends_outbox;
	} rows[] = {
		{AGREEMENT_SUSPENDED, true, ERR_SUSPENDED, false},  {AGREEMENT_TERMINATED, true, ERR_TERMINATED, true},
		{AGREEMENT_EXPIRED, true, ERR_EXPIRED, true},	    {AGREEMENT_NONE, true, ERR_NO_AGREEMENT, false},
		{AGREEMENT_ACTIVE, false, ERR_NO_AGREEMENT, false},
	};
	char expected[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		tear_down(NULL);
		set_up(NULL);
		fill("service", 4);
		put_into_outbox(2);
		assert_int_equal(sweep(), 0);
		shop.state = rows[i].state;
		shop.agreement = rows[i].has_agreement ? &papers.agreement : NULL;
		assert_int_equal(shop_copy_is_open(&shop, "service"), rows[i].reason);
		assert_int_equal(sweep(), 1);
		snprintf(expected, sizeof(expected),
			 rows[i].ends_outbox ? " %s 0+2|service %s 4+0|" : "service %s 4+0|",
			 error_name(rows[i].reason), error_name(rows[i].reason));
		assert_string_equal(certificates(), expected);
		assert_int_equal(waiting(), rows[i].ends_outbox ? 0 : 2);
		assert_false(key_shelf_has(&maker.shelf, "service"));
		assert_int_equal(copy_maker_rows(&maker, REPLICA_CUSTOMER), 0);
	}
}

static void test_agreement_over_by_the_clock(void **state)
{
	(void)state;
	fill("service", 4);
	fill("direct-marketing", 2);
	put_into_outbox(3);
	pass_hours(papers.agreement.until_s / 3600);
	assert_int_equal(sweep(), 2);
	/* what waited is counted once */
	const char *text = certificates();
	assert_true(strcmp(text, " expired 0+3|direct-marketing expired 2+0|service expired 4+0|") == 0);
	assert_int_equal(waiting(), 0);
	assert_int_equal(sweep(), 0);
	/* also where there is no copy any more */
	put_into_outbox(1);
	assert_int_equal(sweep(), 0);
	assert_non_null(strstr(certificates(), " expired 0+4|"));
	assert_int_equal(waiting(), 0);
}

/* What the broker said last is there after a power cut, for the agreement that it was said of. */
static void test_state_is_kept(void **state)
{
	uint8_t other[HASH_SIZE] = {1};

	(void)state;
	assert_int_equal(shop_load_state(&shop), ERR_OK);
	assert_int_equal(shop.state, AGREEMENT_ACTIVE);
	assert_int_equal(shop_keep_state(&shop, papers.agreement.hash, AGREEMENT_TERMINATED), ERR_OK);
	assert_int_equal(shop_load_state(&shop), ERR_OK);
	assert_int_equal(shop.state, AGREEMENT_TERMINATED);
	assert_int_equal(shop_keep_state(&shop, other, AGREEMENT_SUSPENDED), ERR_OK);
	assert_int_equal(shop_load_state(&shop), ERR_OK);
	assert_int_equal(shop.state, AGREEMENT_ACTIVE);
	shop.agreement = NULL;
	assert_int_equal(shop_load_state(&shop), ERR_OK);
	assert_int_equal(shop.state, AGREEMENT_NONE);
}

/* Only what has no grant any more. */
static void test_one_purpose_of_two(void **state)
{
	struct fault fault = {""};

	(void)state;
	fill("service", 4);
	fill("direct-marketing", 2);
	assert_int_equal(papers_parse(&papers, papers.agreement_text, &fault), ERR_OK);
	assert_int_equal(sweep(), 1);
	assert_string_equal(certificates(), "direct-marketing no_grant_purpose 2+0|");
	assert_int_equal(shop_copy_is_open(&shop, "service"), ERR_OK);
}

static struct key_memory shelf;

static enum err load_but_one(void *context, const char *purpose, uint8_t ret_key[static KEY_SIZE])
{
	return strcmp(purpose, "direct-marketing") == 0 ? ERR_IO : shelf.load(context, purpose, ret_key);
}

/* A key that cannot be read keeps no other copy from being destroyed in its time. */
static void test_one_purpose_that_cannot_be_looked_at(void **state)
{
	unsigned purged;

	(void)state;
	fill("direct-marketing", 2);
	fill("service", 4);
	pass_hours(73);
	shelf = shop.replica.keys;
	shop.replica.keys.load = load_but_one;
	assert_int_equal(shop_sweep(&shop, &purged), ERR_IO);
	assert_string_equal(certificates(), "service expired 4+0|");
	assert_false(key_shelf_has(&maker.shelf, "service"));
	shop.replica.keys = shelf;
	assert_int_equal(sweep(), 1);
	assert_false(key_shelf_has(&maker.shelf, "direct-marketing"));
}

/* Killed anywhere in a purge: what is certified is what there was. */
static void test_interrupted(void **state)
{
	unsigned purged;

	(void)state;
	fill("service", 9);
	shop.state = AGREEMENT_SUSPENDED;
	maker.shelf.code = ERR_IO; /* before the key is gone, after the counts are written down */
	assert_int_equal(shop_sweep(&shop, &purged), ERR_IO);
	assert_string_equal(certificates(), "");
	maker.shelf.code = ERR_OK;
	/* the rest, all but the end: then resumed although it is not suspended any more */
	uint64_t customers;
	assert_int_equal(replica_purge(&maker.replica, "service", &customers), ERR_OK);
	shop.state = AGREEMENT_ACTIVE;
	assert_int_equal(sweep(), 1);
	assert_string_equal(certificates(), "service suspended 9+0|");
	assert_int_equal(sweep(), 0);
	/* another copy and another end before the broker took the first: both are in it */
	fill("service", 3);
	shop.state = AGREEMENT_TERMINATED;
	assert_int_equal(sweep(), 1);
	assert_string_equal(certificates(), "service terminated 12+0|");
}

static void test_key_removed_by_somebody(void **state)
{
	(void)state;
	fill("service", 5);
	assert_int_equal(maker.replica.keys.destroy(&maker.shelf, "service"), ERR_OK);
	assert_int_equal(shop_copy_is_open(&shop, "service"), ERR_EXPIRED);
	assert_int_equal(sweep(), 1);
	assert_string_equal(certificates(), "service expired 5+0|");
}

static enum err spoil(struct store_txn *txn, void *context)
{
	uint8_t copy[256];
	struct slice value;

	(void)context;
	TRY(store_get(txn, REPLICA_LEASE, slice_text("service"), &value));
	memcpy(copy, value.data, value.length);
	copy[30] ^= 1;
	store_put(txn, REPLICA_LEASE, slice_text("service"), SLICE(copy, value.length));
	return ERR_OK;
}

static void test_lease_altered(void **state)
{
	(void)state;
	fill("service", 5);
	assert_int_equal(store_update(shop.store, spoil, NULL), ERR_OK);
	assert_int_equal(shop_copy_is_open(&shop, "service"), ERR_CRYPTO);
	assert_int_equal(sweep(), 1);
	assert_string_equal(certificates(), "service crypto 5+0|");
	assert_int_equal(alarm_count(shop.store), 1);
}

static void test_contact(void **state)
{
	(void)state;
	assert_int_equal(shop_now_ms(&shop), noon_ms);
	shop_contact(&shop, noon_ms + 7200000);
	assert_int_equal(shop_now_ms(&shop), noon_ms + 7200000);
	assert_int_equal(shop.contact_ms, noon_ms + 7200000);
	pass_hours(1);
	assert_int_equal(shop_now_ms(&shop), noon_ms + 3 * 3600000);
}

/* The last millisecond is within, the next is not. */
static void test_agreement_until_its_last_moment(void **state)
{
	uint64_t left_ms = papers.agreement.until_s * 1000 - noon_ms - 1, waiting, refused;

	(void)state;
	put_into_outbox(1);
	now.wall_ms += left_ms;
	now.steady_ms += left_ms;
	sweep();
	outbox_counts(shop.outbox, &waiting, &refused);
	assert_int_equal(waiting, 1);
	now.wall_ms++;
	now.steady_ms++;
	sweep();
	outbox_counts(shop.outbox, &waiting, &refused);
	assert_int_equal(waiting, 0);
}

static uint64_t customers_left(void)
{
	uint64_t customers = 99;

	assert_int_equal(replica_count(&maker.replica, "service", &customers), ERR_OK);
	return customers;
}

/* With the first, second, third ... call for memory failing; true once there are no more of them. */
static bool sweep_failing(unsigned n, enum err *ret_err)
{
	unsigned purged;

	fail_begin(FAIL_MEMORY, n);
	*ret_err = shop_sweep(&shop, &purged);
	return !fail_end();
}

/* Memory that runs short neither takes a copy too early nor leaves one for ever. */
static void test_sweeping_without_memory(void **state)
{
	enum err err;

	(void)state;
	fill("service", 3);
	for (unsigned n = 1; !sweep_failing(n, &err); n++)
		assert_int_equal(customers_left(), 3);
	assert_int_equal(err, ERR_OK);
	pass_hours(73);
	for (unsigned n = 1; !sweep_failing(n, &err); n++)
		assert_true(err != ERR_OK || customers_left() == 0);
	assert_int_equal(err, ERR_OK);
	assert_int_equal(customers_left(), 0);
	assert_string_equal(certificates(), "service expired 3+0|");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_open_while_leased),
		TEST(test_reasons),
		TEST(test_agreement_over_by_the_clock),
		TEST(test_state_is_kept),
		TEST(test_one_purpose_of_two),
		TEST(test_one_purpose_that_cannot_be_looked_at),
		TEST(test_interrupted),
		TEST(test_key_removed_by_somebody),
		TEST(test_lease_altered),
		TEST(test_contact),
		TEST(test_agreement_until_its_last_moment),
		TEST(test_sweeping_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
