/*
 * The outbox on a real store: order, states, what a restart finds, and what it names when somebody changed it on disk.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fail.h"
#include "kluis/envelope.h"
#include "outbox.h"
#include "replica.h"
#include "scratch.h"
#include "test_keys.h"

static char folder[SCRATCH_MAX], path[SCRATCH_MAX + 8];
static uint8_t key[KEY_SIZE] = {7};
static struct store *store;
static struct outbox *outbox;
static struct arena arena;

static enum err open_again(struct fault *fault)
{
	outbox_close(&outbox);
	store_close(&store);
	assert_int_equal(store_open(path, &replica_layout, false, &store, fault), ERR_OK);
	return outbox_open(store, key, &outbox, fault);
}

static int setup(void **state)
{
	(void)state;
	scratch_new(folder);
	snprintf(path, sizeof path, "%s/db", folder);
	arena_init(&arena, REQUEST_ARENA_MAX);
	assert_int_equal(store_open(path, &replica_layout, true, &store, NULL), ERR_OK);
	assert_int_equal(outbox_open(store, key, &outbox, NULL), ERR_OK);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	outbox_close(&outbox);
	store_close(&store);
	arena_fini(&arena);
	scratch_remove(folder);
	return 0;
}

/* A consent of customer n: an operation without a part. */
static uint64_t add(uint8_t n)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Consent consent = KLUIS__CONSENT__INIT;
	Kluis__ConsentState given = KLUIS__CONSENT_STATE__INIT;
	uint8_t customer[PSEUDONYM_SIZE], employee[PSEUDONYM_SIZE];
	char purpose[] = "service";
	uint64_t number = 0;

	memset(customer, n, sizeof customer);
	memset(employee, 0xEE, sizeof employee);
	given.purpose = purpose;
	given.status = 4;
	consent.customer = wire_data(SLICE_ARRAY(customer));
	consent.state = &given;
	operation.purpose = purpose;
	operation.kind_case = KLUIS__OPERATION__KIND_CONSENT;
	operation.consent = &consent;
	assert_int_equal(outbox_add(outbox, &operation, NULL, SLICE_ARRAY(employee), 1000u + n, &number), ERR_OK);
	return number;
}

struct seen {
	struct outbox_item items[8];
	size_t count;
};

static enum err see(void *context, const struct outbox_item *item)
{
	struct seen *seen = context;

	assert_true(seen->count < 8);
	seen->items[seen->count++] = *item;
	return ERR_OK;
}

static const struct seen *all(enum outbox_state state)
{
	struct seen *seen = arena_alloc(&arena, sizeof *seen);

	assert_non_null(seen);
	assert_int_equal(outbox_each(outbox, state, 8, &arena, see, seen), ERR_OK);
	return seen;
}

static void assert_counts(uint64_t waiting, uint64_t refused)
{
	uint64_t is_waiting, is_refused;

	outbox_counts(outbox, &is_waiting, &is_refused);
	assert_int_equal(is_waiting, waiting);
	assert_int_equal(is_refused, refused);
}

static void test_items_come_back_whole_and_in_order(void **state)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Incident incident = KLUIS__INCIDENT__INIT;
	Kluis__NoticeContent content = KLUIS__NOTICE_CONTENT__INIT;
	Kluis__Part *part;
	uint8_t id[PSEUDONYM_SIZE] = {9};
	char text[] = "the till was stolen";
	uint64_t number;

	(void)state;
	add(1);
	content.text = text;
	assert_int_equal(part_make(&content.base, &arena, &part, &incident.commitment), ERR_OK);
	incident.id = wire_data(SLICE_ARRAY(id));
	incident.kind = 2;
	operation.kind_case = KLUIS__OPERATION__KIND_INCIDENT;
	operation.incident = &incident;
	assert_int_equal(outbox_add(outbox, &operation, part, SLICE_EMPTY, 77, &number), ERR_OK);
	assert_int_equal(number, 2);
	assert_int_equal(open_again(NULL), ERR_OK);
	assert_counts(2, 0);

	const struct seen *seen = all(OUTBOX_WAITING);
	assert_int_equal(seen->count, 2);
	assert_int_equal(seen->items[0].number, 1);
	assert_true(seen->items[0].has_employee);
	assert_int_equal(seen->items[0].employee[15], 0xEE);
	assert_null(seen->items[0].part);
	assert_int_equal(seen->items[0].operation->consent->customer.data[0], 1);
	assert_int_equal(seen->items[1].time_ms, 77);
	assert_false(seen->items[1].has_employee);
	assert_int_equal(part_check(seen->items[1].part, wire_slice(seen->items[1].operation->incident->commitment)),
			 ERR_OK);
}

static void test_settling_takes_sets_aside_and_holds_back(void **state)
{
	(void)state;
	for (uint8_t i = 1; i <= 4; i++)
		assert_int_equal(add(i), i);
	assert_int_equal(outbox_mark_sent(outbox, (uint64_t[]){1, 2, 3}, 3, 7), ERR_OK);
	struct outbox_outcome outcomes[] = {
		{.number = 1, .code = ERR_OK},
		{.number = 2, .code = ERR_SCOPE, .clause = "grant g: customers", .entry = 9},
		{.number = 3, .code = ERR_HOURS, .is_later = true}};
	assert_int_equal(outbox_settle(outbox, outcomes, 3), ERR_OK);
	for (int again = 0; again < 2; again++) { /* and after a restart the same */
		assert_counts(2, 1);
		const struct seen *waiting = all(OUTBOX_WAITING), *refused = all(OUTBOX_REFUSED);
		assert_int_equal(waiting->count, 2);
		assert_int_equal(waiting->items[0].number, 3);
		assert_int_equal(waiting->items[1].number, 4);
		assert_int_equal(refused->count, 1);
		assert_int_equal(refused->items[0].number, 2);
		assert_int_equal(refused->items[0].reason, ERR_SCOPE);
		assert_string_equal(refused->items[0].clause, "grant g: customers");
		assert_int_equal(refused->items[0].entry, 9);
		assert_int_equal(open_again(NULL), ERR_OK);
	}
	/* a person decides */
	assert_int_equal(outbox_retry(outbox, 4), ERR_NOT_FOUND);
	assert_int_equal(outbox_discard(outbox, 4), ERR_NOT_FOUND);
	assert_int_equal(outbox_retry(outbox, 2), ERR_OK);
	assert_counts(3, 0);
	assert_int_equal(all(OUTBOX_WAITING)->items[0].number, 2);
}

static void test_refused_item_can_be_thrown_away(void **state)
{
	(void)state;
	add(1);
	struct outbox_outcome outcome = {.number = 1, .code = ERR_ROLE};
	assert_int_equal(outbox_settle(outbox, &outcome, 1), ERR_OK);
	assert_int_equal(outbox_discard(outbox, 1), ERR_OK);
	assert_int_equal(open_again(NULL), ERR_OK);
	assert_counts(0, 0);
	assert_int_equal(add(2), 2); /* no number is used twice */
}

static void test_sent_items_survive_a_restart_and_can_wait_again(void **state)
{
	(void)state;
	add(1);
	add(2);
	assert_int_equal(outbox_mark_sent(outbox, (uint64_t[]){1}, 1, 7), ERR_OK);
	assert_int_equal(outbox_mark_sent(outbox, (uint64_t[]){1}, 1, 7), ERR_NOT_FOUND);
	assert_int_equal(open_again(NULL), ERR_OK);
	assert_int_equal(all(OUTBOX_SENT)->count, 1);
	assert_int_equal(all(OUTBOX_WAITING)->count, 1);
	assert_int_equal(outbox_unsend(outbox), ERR_OK);
	assert_int_equal(open_again(NULL), ERR_OK);
	assert_int_equal(all(OUTBOX_SENT)->count, 0);
	assert_int_equal(all(OUTBOX_WAITING)->items[0].number, 1);
}

static enum err note_gone(struct store_txn *txn, uint64_t count, void *context)
{
	(void)txn;
	*(uint64_t *)context = count;
	return ERR_OK;
}

static enum err refuse_to_note(struct store_txn *txn, uint64_t count, void *context)
{
	(void)txn, (void)count, (void)context;
	return ERR_DISK_FULL;
}

static void test_destroyed_outbox_is_empty_for_good(void **state)
{
	uint64_t count = 99;

	(void)state;
	assert_int_equal(outbox_destroy(outbox, note_gone, &count), ERR_OK);
	assert_int_equal(count, 99); /* nothing was there */
	add(1);
	add(2);
	/* what cannot be accounted for stays */
	assert_int_equal(outbox_destroy(outbox, refuse_to_note, NULL), ERR_DISK_FULL);
	assert_counts(2, 0);
	assert_int_equal(outbox_destroy(outbox, note_gone, &count), ERR_OK);
	assert_int_equal(count, 2);
	assert_int_equal(open_again(NULL), ERR_OK);
	assert_counts(0, 0);
	assert_int_equal(add(3), 3);
}

/* ---- altered on disk ---- */

static enum err cut_item(struct store_txn *txn, void *context)
{
	uint8_t place[8];

	put_u64(place, *(const uint64_t *)context);
	store_delete(txn, REPLICA_OUTBOX, SLICE_ARRAY(place));
	return ERR_OK;
}

static enum err flip_item(struct store_txn *txn, void *context)
{
	uint8_t place[8], copy[1024];
	struct slice value;

	put_u64(place, *(const uint64_t *)context);
	TRY(store_get(txn, REPLICA_OUTBOX, SLICE_ARRAY(place), &value));
	memcpy(copy, value.data, value.length);
	copy[value.length / 2] ^= 1;
	store_put(txn, REPLICA_OUTBOX, SLICE_ARRAY(place), SLICE(copy, value.length));
	return ERR_OK;
}

/* One item's row under another number: sealed for its own place only. */
static enum err copy_item(struct store_txn *txn, void *context)
{
	uint8_t from[8], to[8], copy[1024];
	struct slice value;

	put_u64(from, *(const uint64_t *)context);
	put_u64(to, 40);
	TRY(store_get(txn, REPLICA_OUTBOX, SLICE_ARRAY(from), &value));
	memcpy(copy, value.data, value.length);
	store_put(txn, REPLICA_OUTBOX, SLICE_ARRAY(to), SLICE(copy, value.length));
	return ERR_OK;
}

static enum err drop_summary(struct store_txn *txn, void *context)
{
	(void)context;
	store_delete(txn, REPLICA_META, slice_text("outbox"));
	return ERR_OK;
}

static void test_what_was_altered_on_disk_is_named(void **state)
{
	static const struct {
		store_write_fn *alter;
		const char *said;
	} table[] = {
		{cut_item, "item 2 is missing"},
		{flip_item, "item 2 was altered"},
		{copy_item, "never put there"},
		{drop_summary, "never put there"},
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct fault fault = {""};
		uint64_t number = 2;

		for (uint8_t n = 1; n <= 3; n++)
			add(n);
		assert_int_equal(store_update(store, table[i].alter, &number), ERR_OK);
		assert_int_equal(open_again(&fault), ERR_CORRUPT);
		assert_non_null(strstr(fault.text, table[i].said));
		assert_null(outbox);
		teardown(state);
		setup(state);
	}
}

static enum err add_once(void *context)
{
	struct outbox *fresh CLEANUP(outbox_close) = NULL;
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Roster roster = KLUIS__ROSTER__INIT;
	uint64_t number, left;

	(void)context;
	operation.kind_case = KLUIS__OPERATION__KIND_ROSTER;
	operation.roster = &roster;
	TRY(outbox_open(store, key, &fresh, NULL));
	TRY(outbox_destroy(fresh, note_gone, &left)); /* what a run that failed half-way had put in */
	TRY(outbox_add(fresh, &operation, NULL, SLICE_EMPTY, 1, &number));
	struct outbox_outcome outcome = {.number = number, .code = ERR_OK};
	return outbox_settle(fresh, &outcome, 1);
}

static void test_failures_of_memory_go_up(void **state)
{
	(void)state;
	outbox_close(&outbox);
	fail_sweep(FAIL_MEMORY, add_once, NULL);
	/* each run that failed left the disk as it was or with its item whole: it opens */
	assert_int_equal(open_again(NULL), ERR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_items_come_back_whole_and_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_settling_takes_sets_aside_and_holds_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_item_can_be_thrown_away, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sent_items_survive_a_restart_and_can_wait_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_destroyed_outbox_is_empty_for_good, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_was_altered_on_disk_is_named, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failures_of_memory_go_up, setup, teardown),
	};

	if (keys_init() != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
