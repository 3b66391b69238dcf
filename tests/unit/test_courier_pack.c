/*
 * What goes into the next envelope, of a real outbox. A row of the table is an outbox: each item written as the kind
 * (c consent, u update, g registration, r receipt by a value, i incident), the customer's number, the employee's
 * letter;
 * "!" marks one that is held back. Expected: the numbers that go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/envelope.h"
#include "kluis/keys.h"
#include "replica.h"
#include "run/courier_pack.h"
#include "scratch.h"

static char folder[SCRATCH_MAX], path[SCRATCH_MAX + 8];
static const uint8_t key[KEY_SIZE] = {7};
static struct store *store;
static struct outbox *outbox;
static struct arena arena;
static struct courier_held held;

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(keys_init(), ERR_OK);
	scratch_new(folder);
	snprintf(path, sizeof path, "%s/db", folder);
	arena_init(&arena, REQUEST_ARENA_MAX);
	assert_int_equal(store_open(path, &replica_layout, true, &store, NULL), ERR_OK);
	assert_int_equal(outbox_open(store, key, &outbox, NULL), ERR_OK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	courier_held_fini(&held);
	outbox_close(&outbox);
	store_close(&store);
	arena_fini(&arena);
	scratch_remove(folder);
	return 0;
}

/* ---- items ---- */

static uint8_t customer[PSEUDONYM_SIZE], commitment[HASH_SIZE];

static void be_receipt(Kluis__Operation *operation, Kluis__Part **ret_part)
{
	static Kluis__Receipt receipt;
	Kluis__ReceiptContent content = KLUIS__RECEIPT_CONTENT__INIT;
	Kluis__Value value = KLUIS__VALUE__INIT;
	char text[] = {(char)customer[0], '\0'};

	kluis__receipt__init(&receipt);
	receipt.id = wire_data(SLICE_ARRAY(customer));
	value.field = 1;
	value.value = text;
	content.customer = &value;
	assert_int_equal(part_make(&content.base, &arena, ret_part, &receipt.commitment), ERR_OK);
	operation->kind_case = KLUIS__OPERATION__KIND_RECEIPT;
	operation->receipt = &receipt;
}

static void be_kind(Kluis__Operation *operation, char kind, Kluis__Part **ret_part)
{
	static Kluis__Consent consent;
	static Kluis__ConsentState given;
	static Kluis__Update update;
	static Kluis__Registration registration;
	static Kluis__Incident incident;
	static char about[] = "news";

	kluis__consent__init(&consent);
	kluis__consent_state__init(&given);
	kluis__update__init(&update);
	kluis__registration__init(&registration);
	kluis__incident__init(&incident);
	given.purpose = about;
	given.status = 4;
	consent.state = &given;
	consent.customer = update.customer = registration.customer = wire_data(SLICE_ARRAY(customer));
	incident.id = wire_data(SLICE_ARRAY(customer));
	update.commitment = registration.commitment = incident.commitment = wire_data(SLICE_ARRAY(commitment));
	operation->consent = &consent;
	operation->kind_case = KLUIS__OPERATION__KIND_CONSENT;
	if (kind == 'u') {
		operation->kind_case = KLUIS__OPERATION__KIND_UPDATE;
		operation->update = &update;
	} else if (kind == 'g') {
		operation->kind_case = KLUIS__OPERATION__KIND_REGISTRATION;
		operation->registration = &registration;
	} else if (kind == 'i') {
		operation->kind_case = KLUIS__OPERATION__KIND_INCIDENT;
		operation->incident = &incident;
	} else if (kind == 'r') {
		be_receipt(operation, ret_part);
	}
}

/* item: as "c1a" or "c1a!". */
static void add(const char *item)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Part *part = NULL;
	uint8_t employee[PSEUDONYM_SIZE];
	char purpose[] = "service";
	uint64_t number;

	memset(customer, item[1], sizeof customer);
	memset(employee, item[2], sizeof employee);
	operation.purpose = purpose;
	be_kind(&operation, item[0], &part);
	struct slice who = item[2] == '-' ? SLICE_EMPTY : SLICE_ARRAY(employee);
	assert_int_equal(outbox_add(outbox, &operation, part, who, 1000, &number), ERR_OK);
	if (item[3] == '!')
		courier_hold(&held, number, 1000);
}

static void fill(const char *items)
{
	char text[256], *rest = text, *item;

	snprintf(text, sizeof text, "%s", items);
	while ((item = strsep(&rest, " ")) != NULL)
		add(item);
}

static const char *packed(size_t limit, uint64_t now_ms)
{
	static char text[512];
	struct courier_pack *pack = arena_alloc(&arena, sizeof *pack);
	size_t length = 0;

	assert_non_null(pack);
	assert_int_equal(courier_pack(outbox, &held, now_ms, limit, &arena, pack), ERR_OK);
	text[0] = '\0';
	for (size_t i = 0; i < pack->count; i++)
		length += (size_t)snprintf(text + length, sizeof text - length, "%s%llu", i == 0 ? "" : " ",
					   (unsigned long long)pack->numbers[i]);
	return text;
}

struct row {
	const char *items;
	size_t limit;
	const char *expected;
};

static const struct row rows[] = {
	{"c1a c2a c3a", 64, "1 2 3"},
	{"c1a c2a c3a", 2, "1 2"},
	{"c1a c1a c1a", 64, "1 2 3"},	 /* one kind, one customer */
	{"c1a c2b c3a", 64, "1"},	 /* an envelope has one employee; nobody overtakes */
	{"c1a! c2b c3b", 64, "2 3"},	 /* what is held does not say whose envelope it is */
	{"c1a! c2a c1a c3a", 64, "2 4"}, /* the held one's customer waits */
	{"c1a! u1a c1a", 64, ""},	 /* behind what is behind, too */
	{"c1a u1a c1a c2a", 64, "1 4"},	 /* what becomes of 1 is known before 2 goes, and 3 is behind 2 */
	{"g1a c1a c2a", 64, "1 3"},	 /* registered first */
	{"g1a r7a r8a c2a", 64, "1 4"},	 /* the value may be the new customer's */
	{"g1a! r7a c2a", 64, "3"},
	{"r7a r7a r8a", 64, "1 2 3"},
	{"r7a! r7a r8a", 64, "3"},   /* values tell customers apart */
	{"i1- i2- c1a", 64, "1 2"},  /* the agent's own */
	{"i1a! i2a i1a", 64, "2 3"}, /* nobody's: no order */
	{"c1a!", 64, ""},
};

static void test_what_goes(void **state)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		fill(rows[i].items);
		const char *got = packed(rows[i].limit, 1500);
		if (strcmp(got, rows[i].expected) != 0)
			fail_msg("%s: '%s' instead of '%s'", rows[i].items, got, rows[i].expected);
		tear_down(state);
		set_up(state);
	}
}

static void test_held_longer_each_time(void **state)
{
	(void)state;
	fill("c1a! c2a");
	assert_string_equal(packed(64, 1999), "2");
	assert_string_equal(packed(64, 2000), "1 2");
	courier_hold(&held, 1, 2000);
	assert_string_equal(packed(64, 3999), "2");
	assert_string_equal(packed(64, 4000), "1 2");
	for (int i = 0; i < 40; i++)
		courier_hold(&held, 1, 4000);
	assert_string_equal(packed(64, 4000 + 599999), "2"); /* ten minutes at most */
	assert_string_equal(packed(64, 4000 + 600000), "1 2");
	courier_release(&held, 1);
	assert_string_equal(packed(64, 4000), "1 2");
	courier_hold(&held, 1, 4000); /* from the beginning */
	assert_string_equal(packed(64, 5000), "1 2");
}

/* Each item has its own time, whatever the order in which they were refused, and however many. */
static void test_many_held(void **state)
{
	enum { MANY = 3000 };

	(void)state;
	for (uint64_t i = 0; i < MANY; i++)
		courier_hold(&held, i * 1999 % MANY + 1, 1000 + i * 1999 % MANY);
	assert_int_equal(held.count, MANY);
	for (uint64_t i = 0; i < MANY; i++) {
		assert_int_equal(held.items[i].number, i + 1);
		assert_int_equal(held.items[i].until_ms, 2000 + i);
	}
	courier_release(&held, MANY + 5); /* one that is not there */
	courier_release(&held, 1);
	courier_release(&held, MANY);
	assert_int_equal(held.count, MANY - 2);
	assert_int_equal(held.items[0].number, 2);
	assert_int_equal(held.items[MANY - 3].number, MANY - 1);
}

/* Of items that were thrown away while they were held. */
static void test_old_holds_are_forgotten(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 100000; i++)
		courier_hold(&held, i + 1, 1000 * i);
	assert_true(held.capacity < 4000); /* ten minutes and a second of them */
}

/* More than ever were looked at for one envelope. */
static void test_what_is_held_starves_nobody(void **state)
{
	enum { HELD = 1005 };

	(void)state;
	for (int i = 0; i < HELD; i++)
		add(i % 2 == 0 ? "c1a!" : "i1a!"); /* of one customer; and each for itself */
	for (int i = 0; i < 5; i++)
		add("c1a"); /* behind the first */
	add("c2b");
	add("u3b");
	assert_string_equal(packed(64, 1500), "1011 1012");
	for (uint64_t i = 0; i < HELD; i++)
		courier_release(&held, i + 1);
	assert_string_equal(packed(3, 1500), "1 2 3");
}

/* They are not looked at again and again. */
static void test_when_nothing_may_go(void **state)
{
	(void)state;
	assert_string_equal(packed(64, 1500), "");
	fill("c1a! c2a! c1a");
	courier_hold(&held, 1, 1000); /* until 3000, the other until 2000 */
	assert_string_equal(packed(64, 1500), "");
	assert_int_equal(held.idle_until_ms, 2000);
	courier_release(&held, 2);
	assert_string_equal(packed(64, 1999), ""); /* not looked at */
	assert_string_equal(packed(64, 2000), "2");
	courier_hold(&held, 2, 1000);
	assert_string_equal(packed(64, 1500), "");
	add("c3a");
	assert_string_equal(packed(64, 1500), "4");
}

static void test_pause_of_a_refused_store(void **state)
{
	const uint8_t one[HASH_SIZE] = {1}, other[HASH_SIZE] = {2};
	struct courier_pause pause = {.length_ms = 0};
	uint64_t now_ms = 5000;

	(void)state;
	assert_false(courier_pause_is_on(&pause, one, AGREEMENT_SUSPENDED, now_ms));
	for (uint64_t length_ms = 1000; length_ms < 600000; length_ms *= 2) {
		courier_pause_begin(&pause, one, AGREEMENT_SUSPENDED, now_ms);
		assert_true(courier_pause_is_on(&pause, one, AGREEMENT_SUSPENDED, now_ms + length_ms - 1));
		assert_false(courier_pause_is_on(&pause, one, AGREEMENT_SUSPENDED, now_ms + length_ms));
		now_ms += length_ms;
	}
	courier_pause_begin(&pause, one, AGREEMENT_SUSPENDED, now_ms); /* ten minutes at most */
	assert_false(courier_pause_is_on(&pause, one, AGREEMENT_SUSPENDED, now_ms + 600000));
	assert_true(courier_pause_is_on(&pause, one, AGREEMENT_SUSPENDED, now_ms + 599999));
	/* another state, or another agreement: over, and the next is a short one */
	assert_false(courier_pause_is_on(&pause, one, AGREEMENT_ACTIVE, now_ms));
	courier_pause_begin(&pause, one, AGREEMENT_ACTIVE, now_ms);
	assert_false(courier_pause_is_on(&pause, one, AGREEMENT_ACTIVE, now_ms + 1000));
	assert_false(courier_pause_is_on(&pause, other, AGREEMENT_ACTIVE, now_ms));
}

/* More than an envelope may hold: the rest goes with the next. */
static void test_bounds(void **state)
{
	(void)state;
	for (int i = 0; i < COURIER_ITEMS_MAX + 3; i++)
		add("c1a");
	struct courier_pack *pack = arena_alloc(&arena, sizeof *pack);
	assert_int_equal(courier_pack(outbox, &held, 1, 1000, &arena, pack), ERR_OK);
	assert_int_equal(pack->count, COURIER_ITEMS_MAX);
	assert_int_equal(pack->numbers[COURIER_ITEMS_MAX - 1], COURIER_ITEMS_MAX);
	assert_int_equal(pack->employee.length, PSEUDONYM_SIZE);
	assert_int_equal(pack->employee.data[0], 'a');
	assert_int_equal(pack->part_count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_goes),
		TEST(test_held_longer_each_time),
		TEST(test_many_held),
		TEST(test_old_holds_are_forgotten),
		TEST(test_what_is_held_starves_nobody),
		TEST(test_when_nothing_may_go),
		TEST(test_pause_of_a_refused_store),
		TEST(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
