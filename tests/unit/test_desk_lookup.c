/* Lookups from the copy: decided, recorded, and only then shown. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fail.h"
#include "fake_shop.h"
#include "kluis/hash.h"
#include "kluis/keys.h"

static struct fake_shop fake;
static uint8_t anna[DESK_TOKEN_SIZE], bea[DESK_TOKEN_SIZE];
static struct arena arena;
static struct desk_member member;
static struct fault fault;

static void sign_in(const char *handle, uint8_t *ret_token)
{
	char role[NAME_MAX_ + 1];

	assert_int_equal(desk_open(fake.desk, handle, slice_text(FAKE_CLERK_PIN), ret_token, role, &fault), ERR_OK);
}

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(keys_init(), ERR_OK);
	fake_shop_begin(&fake);
	arena_init(&arena, 1 << 20);
	sign_in("anna", anna);
	sign_in("bea", bea);
	fake_shop_row(&fake, 1, "4711", "Ann Smith", "0612345678")->email = "ann@example.org";
	fake_shop_row(&fake, 2, "4712", "Bob Jones", NULL);
	fake_shop_row(&fake, 3, "4713", "Cas Bakker", "0687654321");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_fini(&arena);
	fake_shop_end(&fake);
	return 0;
}

/* What was never written stays as it was. */
static void forget(void)
{
	memset(&member, 0xee, sizeof member);
	fault.text[0] = '\0';
}

static bool is_shown(void)
{
	const uint8_t *bytes = (const uint8_t *)&member;
	bool is_touched = false;

	for (size_t i = 0; i < sizeof member; i++)
		is_touched = is_touched || bytes[i] != 0xee;
	return is_touched;
}

static enum err look(const uint8_t *token, const char *purpose, const char *field, const char *value)
{
	forget();
	return desk_lookup(fake.desk, SLICE(token, DESK_TOKEN_SIZE), purpose, field, value, &arena, &member, &fault);
}

static const char *shown(void)
{
	struct bytes text CLEANUP(bytes_fini) = {0};

	bytes_init(&text, 4096);
	for (size_t i = 0; i < member.value_count; i++)
		assert_int_equal(bytes_printf(&text, "%s%s=%s|", member.values[i].is_masked ? "*" : "",
					      member.values[i].field, member.values[i].value),
				 ERR_OK);
	return arena_text(&arena, bytes_slice(&text));
}

/* ---- what is shown, and what the record says of it ---- */

static void test_found_and_recorded(void **state)
{
	const struct fake_record *record;

	(void)state;
	assert_int_equal(look(anna, "service", "card", " 47 11 "), ERR_OK);
	assert_string_equal(shown(), "card=4711|name=Ann Smith|*phone=••••••5678|");
	assert_string_equal(member.clause, "grant till");
	assert_int_equal(member.source, DESK_COPY);
	assert_int_equal(member.version, 1);
	assert_int_equal(member.customer[15], 1);
	assert_int_equal(member.superseded_count, 0);
	assert_int_equal(fake.record_count, 1);
	assert_int_equal(member.record, 1);
	record = fake_shop_record(&fake);
	assert_int_equal(record->access.code, ERR_OK);
	assert_string_equal(record->purpose, "service");
	assert_int_equal(record->access.field, 1);
	assert_int_equal(record->access.time_ms, fake.now_ms);
	assert_int_equal(record->access.employee[0], 'a');
	assert_true(record->access.has_customer);
	assert_int_equal(record->access.customer[0], 1);
	assert_true(record->access.has_disclosure);
	assert_int_equal(record->access.fields, 7); /* what was shown: not the e-mail address that the copy has too */
	assert_int_equal(record->access.version, 1);
	assert_int_equal(record->access.grant, 0);
	assert_int_equal(record->access.entry, 77);
	assert_int_equal(record->access.count_grant, 0);
	assert_int_equal(record->access.count_day, 20777);
	assert_int_equal(record->access.seen_size, 55);
	assert_int_equal(record->access.seen_root[31], 5);
	assert_memory_equal(record->access.agreement, fake.papers.agreement.hash, HASH_SIZE);
	assert_int_equal(fake.line_calls, 0);
}

static void test_by_phone_and_by_pseudonym(void **state)
{
	(void)state;
	assert_int_equal(look(anna, "service", "phone", "06-1234 5678"), ERR_OK);
	assert_int_equal(fake_shop_record(&fake)->access.field, 3);
	assert_int_equal(look(anna, "service", NULL, "02020202020202020202020202020202"), ERR_OK);
	assert_string_equal(shown(), "card=4712|name=Bob Jones|");
	assert_int_equal(fake_shop_record(&fake)->access.field, 0);
	assert_int_equal(fake_shop_record(&fake)->access.fields, 3);
}

/* Masked by the copy's grant, then by the lookup's: what one has hidden the other does not bring back. */
static void test_masks_of_both_grants(void **state)
{
	(void)state;
	fake.papers.agreement.grants[1].mask_of[1] = 1; /* name: last4 */
	fake.rows[0].name = "•••••mith";
	assert_int_equal(look(anna, "service", "card", "4711"), ERR_OK);
	assert_string_equal(shown(), "card=4711|*name=•••••mith|*phone=••••••5678|");
	fake.rows[0].phone = "••••••5678";
	assert_int_equal(look(anna, "service", "card", "4711"), ERR_OK);
	assert_string_equal(shown(), "card=4711|*name=•••••mith|*phone=••••••5678|");
}

static void test_superseded_is_shown_as_its_field_is(void **state)
{
	(void)state;
	fake.rows[0].lost_phone = "0699990000";
	assert_int_equal(look(anna, "service", "card", "4711"), ERR_OK);
	assert_int_equal(member.superseded_count, 1);
	assert_string_equal(member.superseded[0].field, "phone");
	assert_string_equal(member.superseded[0].value, "••••••0000");
	assert_int_equal(member.superseded[0].store, 7);
	assert_int_equal(member.superseded[0].made_ms, 99);
	/* not where the field is not granted */
	fake.papers.agreement.grants[0].fields = 3;
	assert_int_equal(look(anna, "service", "card", "4711"), ERR_OK);
	assert_int_equal(member.superseded_count, 0);
	assert_string_equal(shown(), "card=4711|name=Ann Smith|");
}

/* ---- each way to be refused leaves a record and shows nothing ---- */

static void saturday_night(void)
{
	fake.now_ms += 36 * 3600 * UINT64_C(1000);
}
static void suspend(void)
{
	fake.shop.state = AGREEMENT_SUSPENDED;
}
static void terminate(void)
{
	fake.shop.state = AGREEMENT_TERMINATED;
}
static void lose_agreement(void)
{
	fake.shop.agreement = NULL;
	fake.shop.charter = NULL;
}
static void too_early(void)
{
	fake.now_ms = 86400000;
}
static void too_late(void)
{
	fake.now_ms *= 2;
}
static void end_lease(void)
{
	fake.copy_code = ERR_EXPIRED;
}
static void damage(void)
{
	fake.copy_code = ERR_CRYPTO;
}
static void leave_scope(void)
{
	fake.rows[0].is_registered_here = false;
}
static void lose_facts(void)
{
	fake.rows[0].has_no_facts = true;
}
static void use_up(void)
{
	assert_int_equal(look(anna, "service", "card", "4712"), ERR_OK);
	assert_int_equal(look(anna, "service", "card", "4713"), ERR_OK);
}
static void two_of_a_kind(void)
{
	fake.rows[1].card = "4711";
}
static void fewer_roles(void)
{
	fake.papers.agreement.grants[0].roles = 2;
}
static void unknown_role(void)
{
	fake.papers.charter.roles[0] = "captain";
}
static void abroad(void)
{
	fake.papers.agreement.grants[0].territory_count = 1;
	memcpy(fake.papers.agreement.grants[0].territory[0], "DE", 3);
}

static const struct refusal {
	void (*before)(void);
	const char *purpose, *field, *value;
	enum err code;
	const char *text;
	bool has_customer;
} refusals[] = {
	{NULL, "unknown", "card", "4711", ERR_NO_GRANT_PURPOSE, "no grant for purpose unknown", false},
	{NULL, "no name!", "card", "4711", ERR_NO_GRANT_PURPOSE, "no grant for purpose ?", false},
	{NULL, "", "card", "4711", ERR_NO_GRANT_PURPOSE, "no grant for purpose ?", false},
	{NULL, "direct-marketing", "card", "4711", ERR_ROLE, "grant letters: staff", false},
	{NULL, "service", "name", "Ann Smith", ERR_FIELD, "not a field that", false},
	{NULL, "service", "colour", "red", ERR_FIELD, "not a field that", false},
	{NULL, "service", "card", "", ERR_VALUE, "not one of card", false},
	{NULL, "service", "phone", "x", ERR_VALUE, "not one of phone", false},
	{NULL, "service", NULL, "4711", ERR_VALUE, "32 hexadecimal digits", false},
	{NULL, "service", NULL, "09090909090909090909090909090909", ERR_NOT_FOUND, "no such member", false},
	{NULL, "service", "card", "9999", ERR_NETWORK, "the broker is away", false},
	{saturday_night, "service", "card", "4711", ERR_HOURS, "grant till: hours", false},
	{suspend, "service", "card", "4711", ERR_SUSPENDED, "agreement: suspended", false},
	{terminate, "service", "card", "4711", ERR_TERMINATED, "agreement: terminated", false},
	{lose_agreement, "service", "card", "4711", ERR_NO_AGREEMENT, "no agreement", false},
	{too_early, "service", "card", "4711", ERR_NOT_YET, "agreement: from", false},
	{too_late, "service", "card", "4711", ERR_EXPIRED, "agreement: until", false},
	{end_lease, "service", "card", "4711", ERR_EXPIRED, "lease is over", false},
	{damage, "service", "card", "4711", ERR_CRYPTO, "cannot be read", false},
	{leave_scope, "service", "card", "4711", ERR_SCOPE, "grant till: customers", true},
	{lose_facts, "service", "card", "4711", ERR_SCOPE, "grant till: customers", true},
	{use_up, "service", "card", "4711", ERR_PER_DAY, "grant till: per-day", true},
	{two_of_a_kind, "service", "card", "4711", ERR_AMBIGUOUS, "more than one member has this card", false},
	{fewer_roles, "service", "card", "4711", ERR_ROLE, "grant till: staff", false},
	{unknown_role, "service", "card", "4711", ERR_ROLE, "grant till: staff", false},
	{abroad, "service", "card", "4711", ERR_TERRITORY, "grant till: territory", false},
};

static void be_refused(const struct refusal *row, enum err expected)
{
	size_t before = fake.record_count;

	assert_int_equal(look(anna, row->purpose, row->field, row->value), expected);
	assert_false(is_shown());
	assert_null(strstr(fault.text, "Ann"));
	if (fake.journal_code != ERR_OK) {
		assert_int_equal(fake.record_count, before);
		return;
	}
	assert_non_null(strstr(fault.text, row->text));
	assert_int_equal(fake.record_count, before + 1);
	const struct journal_access *access = &fake_shop_record(&fake)->access;
	assert_int_equal(access->code, row->code);
	assert_false(access->has_disclosure);
	assert_int_equal(access->count_grant, -1);
	assert_int_equal(access->has_customer, row->has_customer);
	assert_int_equal(access->employee[0], 'a');
}

static void test_refused_is_recorded_and_shows_nothing(void **state)
{
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		if (i > 0) {
			tear_down(state);
			set_up(state);
		}
		if (refusals[i].before != NULL)
			refusals[i].before();
		be_refused(&refusals[i], refusals[i].code);
	}
}

/* What cannot be recorded is not even refused: the journal's failure is the answer. */
static void test_nothing_is_shown_that_cannot_be_recorded(void **state)
{
	static const enum err codes[] = {ERR_DISK_FULL, ERR_IO, ERR_CORRUPT, ERR_MEMORY};

	(void)state;
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		fake.journal_code = codes[i];
		assert_int_equal(look(anna, "service", "card", "4711"), codes[i]);
		assert_false(is_shown());
		assert_non_null(strstr(fault.text, "cannot be recorded"));
		assert_non_null(strstr(fault.text, error_text(codes[i])));
		for (size_t j = 0; j < 11; j++) /* those without a situation of their own */
			be_refused(&refusals[j], codes[i]);
	}
	assert_int_equal(fake.record_count, 0);
	fake.journal_code = ERR_OK;
	assert_int_equal(look(anna, "service", "card", "4711"), ERR_OK);
}

/* ---- per day ---- */

static void test_per_day_counts_customers_not_lookups(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(look(anna, "service", "card", "4711"), ERR_OK);
		assert_int_equal(look(bea, "service", "card", "4712"), ERR_OK);
	}
	assert_int_equal(look(anna, "service", "card", "4713"), ERR_PER_DAY);
	assert_int_equal(look(anna, "service", "card", "4711"), ERR_OK);
	fake.now_ms += 20 * 3600 * UINT64_C(1000); /* Saturday, 09:00 there */
	assert_int_equal(look(anna, "service", "card", "4713"), ERR_OK);
}

static void *look_once(void *context)
{
	struct arena own CLEANUP(arena_fini) = {0};
	struct desk_member found;
	struct fault why = {""};
	const char *card = context;

	arena_init(&own, 1 << 20);
	enum err err = desk_lookup(fake.desk, SLICE_ARRAY(anna), "service", "card", card, &own, &found, &why);
	return err == ERR_OK ? context : NULL;
}

/* However many ask at the same time. */
static void test_per_day_at_the_same_time(void **state)
{
	static char cards[][5] = {"4711", "4712", "4713", "4714", "4715", "4716"};
	pthread_t threads[6];
	unsigned shown_count = 0;

	(void)state;
	for (uint8_t i = 3; i < 6; i++)
		fake_shop_row(&fake, (uint8_t)(i + 1), cards[i], "Dee", NULL);
	for (int i = 0; i < 6; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, look_once, cards[i]), 0);
	for (int i = 0; i < 6; i++) {
		void *result;
		pthread_join(threads[i], &result);
		shown_count += result != NULL;
	}
	assert_int_equal(shown_count, 2);
	assert_int_equal(fake.record_count, 6);
}

/* ---- purges and removals while others ask ---- */

static atomic_bool is_purged, is_stopped;
static atomic_uint asked, shown_after;

static void *keep_looking(void *ignored)
{
	(void)ignored;
	while (!is_stopped) {
		struct arena own CLEANUP(arena_fini) = {0};
		struct desk_member found = {.value_count = 0};
		struct fault why = {""};
		bool was_purged = is_purged;
		arena_init(&own, 1 << 20);
		enum err err = desk_lookup(fake.desk, SLICE_ARRAY(anna), "service", "card", "4711", &own, &found, &why);
		shown_after += was_purged && err == ERR_OK;
		asked++;
	}
	return NULL;
}

static void wait_for(unsigned more)
{
	unsigned until = asked + more;

	while (asked < until)
		sched_yield();
}

static void ask_while(void (*happens)(void))
{
	pthread_t threads[4];

	is_purged = is_stopped = false;
	asked = shown_after = 0;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, keep_looking, NULL), 0);
	wait_for(50);
	pthread_rwlock_wrlock(&fake.shop.lock);
	happens();
	pthread_rwlock_unlock(&fake.shop.lock);
	is_purged = true;
	wait_for(50);
	is_stopped = true;
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(shown_after, 0);
}

static void purge(void)
{
	fake.copy_code = ERR_EXPIRED;
	fake.row_count = 0;
}

static void test_nothing_is_shown_after_a_purge(void **state)
{
	(void)state;
	ask_while(purge);
	assert_int_equal(fake.record_count, asked); /* each of them */
}

static void remove_anna(void)
{
	assert_int_equal(replica_remove_employee(&fake.shop.replica, "anna"), ERR_OK);
	desk_roster_changed(fake.desk);
}

static void test_nothing_is_shown_to_who_was_removed(void **state)
{
	(void)state;
	ask_while(remove_anna);
	assert_int_equal(look(bea, "service", "card", "4711"), ERR_OK);
}

static enum err look_up(void *context)
{
	struct arena own CLEANUP(arena_fini) = {0};
	struct desk_member found;

	(void)context;
	arena_init(&own, 1 << 20);
	return desk_lookup(fake.desk, SLICE_ARRAY(anna), "service", "card", "4711", &own, &found, NULL);
}

static void test_when_memory_fails(void **state)
{
	(void)state;
	fake.rows[0].lost_phone = "0699990000";
	fail_sweep(FAIL_MEMORY, look_up, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_found_and_recorded),
		TEST(test_by_phone_and_by_pseudonym),
		TEST(test_masks_of_both_grants),
		TEST(test_superseded_is_shown_as_its_field_is),
		TEST(test_refused_is_recorded_and_shows_nothing),
		TEST(test_nothing_is_shown_that_cannot_be_recorded),
		TEST(test_per_day_counts_customers_not_lookups),
		TEST(test_per_day_at_the_same_time),
		TEST(test_nothing_is_shown_after_a_purge),
		TEST(test_nothing_is_shown_to_who_was_removed),
		TEST(test_when_memory_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
