/*
 * The agent's journal: appended, counted, read for upload, deleted once logged; by several threads at once; and over a
 * restart. What it holds is judged by the broker's own rules (journal_judge).
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fail.h"
#include "journal.h"
#include "kluis/hash.h"
#include "kluis/journal.h"
#include "kluis/keys.h"
#include "replica.h"
#include "scratch.h"

#define T 1795364012000
#define THREADS 8
#define PER_THREAD 40

static char folder[SCRATCH_MAX], path[SCRATCH_MAX + 8];
static const uint8_t key[KEY_SIZE] = {7};
static struct store *store;
static struct journal *journal;
static struct arena arena;

static enum err open_journal(struct fault *fault)
{
	return journal_open(store, key, &journal, fault);
}

static int set_up(void **state)
{
	struct fault fault = {""};

	(void)state;
	assert_int_equal(keys_init(), ERR_OK);
	scratch_new(folder);
	snprintf(path, sizeof(path), "%s/db", folder);
	assert_int_equal(store_open(path, &replica_layout, true, &store, &fault), ERR_OK);
	assert_int_equal(open_journal(&fault), ERR_OK);
	arena_init(&arena, REQUEST_ARENA_MAX);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_fini(&arena);
	journal_close(&journal);
	store_close(&store);
	scratch_remove(folder);
	return 0;
}

static void reopen(void)
{
	struct fault fault = {""};

	journal_close(&journal);
	store_close(&store);
	assert_int_equal(store_open(path, &replica_layout, false, &store, &fault), ERR_OK);
	if (open_journal(&fault) != ERR_OK)
		fail_msg("%s", fault.text);
}

static struct journal_access access_by(uint8_t customer, uint64_t time_ms)
{
	struct journal_access access = {.time_ms = time_ms,
					.purpose = "service",
					.field = 1,
					.has_customer = true,
					.has_disclosure = true,
					.version = 3,
					.fields = 5,
					.grant = 2,
					.entry = 99,
					.count_grant = -1};

	memset(access.agreement, 4, HASH_SIZE);
	memset(access.employee, 5, PSEUDONYM_SIZE);
	memset(access.customer, customer, PSEUDONYM_SIZE);
	return access;
}

static uint64_t append(const struct journal_access *access)
{
	uint64_t number = 0;

	assert_int_equal(journal_append(journal, access, &number), ERR_OK);
	return number;
}

static ProtobufCBinaryData *records;
static size_t record_count;
static uint64_t first_number;

static void read_all(size_t count)
{
	arena_reset(&arena);
	assert_int_equal(journal_read(journal, count, &arena, &records, &record_count, &first_number), ERR_OK);
}

static const Kluis__JournalRecord *record(size_t i)
{
	const Kluis__JournalRecord *decoded;
	struct fault fault = {""};

	assert_true(i < record_count);
	assert_int_equal(journal_record_decode(wire_slice(records[i]), &arena, &decoded, &fault), ERR_OK);
	return decoded;
}

/* The broker would find nothing odd in what is read, and it ends where journal_end says. */
static void check_chain(struct journal_position *position)
{
	struct journal_facts facts = {.entry_ms = T + 3600000, .is_tree_known = true};
	struct journal_request request = {.entry_ms = T, .time_ms = T};
	Kluis__JournalEnd end;
	uint8_t end_hash[HASH_SIZE];

	for (size_t i = 0; i < record_count; i++) {
		struct hash hash;
		journal_record_hash(wire_slice(records[i]), &hash);
		assert_int_equal(record(i)->number, first_number + i);
		assert_int_equal(journal_judge(position, record(i), &hash, &facts), 0);
		journal_advance(position, record(i), &hash, T);
	}
	journal_end(journal, &end, end_hash);
	assert_int_equal(end.number, position->number);
	assert_memory_equal(end_hash, position->hash.bytes, HASH_SIZE);
	assert_ptr_equal(end.hash.data, end_hash);
	assert_int_equal(journal_commit(position, &end, &request), 0);
}

static void test_what_a_record_says(void **state)
{
	struct journal_access access = access_by(9, T), refused = {.time_ms = T + 1,
								   .purpose = "marketing",
								   .field = 2,
								   .code = ERR_NOT_FOUND,
								   .count_grant = -1};

	(void)state;
	assert_int_equal(append(&access), 1);
	access.has_disclosure = false;
	access.code = ERR_SCOPE;
	assert_int_equal(append(&access), 2);
	assert_int_equal(append(&refused), 3);
	read_all(128);
	assert_int_equal(record_count, 3);
	assert_int_equal(first_number, 1);
	const Kluis__JournalRecord *shown = record(0);
	assert_int_equal(shown->time_ms, T);
	assert_string_equal(shown->purpose, "service");
	assert_int_equal(shown->field, 1);
	assert_int_equal(shown->code, ERR_OK);
	assert_int_equal(shown->version, 3);
	assert_int_equal(shown->fields, 5);
	assert_int_equal(shown->grant, 2);
	assert_int_equal(shown->entry, 99);
	assert_memory_equal(shown->customer.data, access.customer, PSEUDONYM_SIZE);
	assert_memory_equal(shown->employee.data, access.employee, PSEUDONYM_SIZE);
	assert_memory_equal(shown->agreement.data, access.agreement, HASH_SIZE);
	assert_true(record(1)->has_customer);
	assert_false(record(1)->has_version || record(1)->has_entry);
	assert_int_equal(record(1)->code, ERR_SCOPE);
	assert_false(record(2)->has_customer);
	struct journal_position position = {0};
	check_chain(&position);
}

static void test_upload_and_restart(void **state)
{
	struct journal_position position = {0};

	(void)state;
	read_all(9);
	assert_int_equal(record_count, 0);
	check_chain(&position);
	for (uint8_t i = 0; i < 10; i++) {
		struct journal_access access = access_by(i, T + i);
		assert_int_equal(append(&access), i + 1u);
		if (i % 3 == 0)
			reopen();
	}
	assert_int_equal(journal_waiting(journal), 10);
	read_all(4);
	assert_int_equal(record_count, 4);
	assert_int_equal(journal_logged(journal, 4), ERR_OK);
	assert_int_equal(journal_logged(journal, 4), ERR_OK);
	assert_int_equal(journal_logged(journal, 2), ERR_OK);
	assert_int_equal(journal_logged(journal, 11), ERR_MISMATCH);
	assert_int_equal(journal_waiting(journal), 6);
	for (size_t i = 0; i < record_count; i++) {
		struct hash hash;
		journal_record_hash(wire_slice(records[i]), &hash);
		journal_advance(&position, record(i), &hash, T);
	}
	reopen();
	read_all(128);
	assert_int_equal(first_number, 5);
	assert_int_equal(record_count, 6);
	check_chain(&position);
	assert_int_equal(journal_logged(journal, 10), ERR_OK);
	reopen();
	assert_int_equal(journal_waiting(journal), 0);
	/* all are gone, and the next one follows on all the same */
	struct journal_access access = access_by(1, T + 20);
	assert_int_equal(append(&access), 11);
	read_all(128);
	check_chain(&position);
}

/* Time and seen tree never go back, whatever clock and tills do. */
static void test_never_goes_back(void **state)
{
	struct journal_access access = access_by(1, T + 500);
	struct journal_position position = {0};

	(void)state;
	access.seen_size = 40;
	memset(access.seen_root, 40, HASH_SIZE);
	append(&access);
	access.time_ms = T;
	access.seen_size = 30;
	memset(access.seen_root, 30, HASH_SIZE);
	append(&access);
	reopen();
	access.time_ms = T + 400;
	append(&access);
	read_all(128);
	check_chain(&position);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(record(i)->time_ms, T + 500);
		assert_int_equal(record(i)->seen_size, 40);
		assert_int_equal(record(i)->seen_root.data[0], 40);
	}
}

static void test_what_no_record_may_hold(void **state)
{
	char name[NAME_MAX_ + 2];
	struct journal_access bad[5];
	uint64_t number = 77;

	(void)state;
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (size_t i = 0; i < 5; i++)
		bad[i] = access_by(1, T);
	bad[0].purpose = name;
	bad[1].purpose = "";
	bad[2].version = 0;
	bad[3].code = ERR_SCOPE; /* and shown all the same */
	bad[4].grant = GRANTS_MAX;
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(journal_append(journal, &bad[i], &number), ERR_INPUT);
	assert_int_equal(number, 77);
	assert_int_equal(journal_waiting(journal), 0);
	struct journal_access good = access_by(1, T);
	assert_int_equal(append(&good), 1);
}

/* ---- threads ---- */

static void *append_many(void *context)
{
	const uint8_t *thread = context;
	uintptr_t failures = 0;

	for (unsigned i = 0; i < PER_THREAD; i++) {
		struct journal_access access = access_by(*thread, T + i);
		uint64_t number;
		bool is_bad = i % 10 == 3;
		if (is_bad)
			access.version = 0;
		enum err err = journal_append(journal, &access, &number);
		failures += err != (is_bad ? ERR_INPUT : ERR_OK);
		/* what is said to be there is there at once */
		Kluis__JournalEnd end;
		uint8_t hash[HASH_SIZE];
		journal_end(journal, &end, hash);
		failures += err == ERR_OK && end.number < number;
	}
	return (void *)failures; // NOLINT
}

static void test_many_threads(void **state)
{
	pthread_t threads[THREADS];
	uint8_t names[THREADS];
	struct journal_position position = {0};
	unsigned by_thread[THREADS] = {0};

	(void)state;
	for (uint8_t i = 0; i < THREADS; i++) {
		names[i] = i;
		assert_int_equal(pthread_create(&threads[i], NULL, append_many, &names[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		void *failures;
		pthread_join(threads[i], &failures);
		assert_null(failures);
	}
	reopen();
	read_all(THREADS * PER_THREAD);
	assert_int_equal(record_count, THREADS * PER_THREAD * 9 / 10);
	check_chain(&position);
	for (size_t i = 0; i < record_count; i++)
		by_thread[record(i)->customer.data[0]]++;
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(by_thread[i], PER_THREAD * 9 / 10);
}

/* ---- when something fails ---- */

static enum err append_once(void *context)
{
	struct journal_access access = access_by(1, T);
	uint64_t number;

	(void)context;
	access.count_grant = 2;
	return journal_append(journal, &access, &number);
}

static enum err open_once(void *context)
{
	struct journal *other CLEANUP(journal_close) = NULL;

	(void)context;
	return journal_open(store, key, &other, NULL);
}

static void test_when_memory_fails(void **state)
{
	struct journal_position position = {0};

	(void)state;
	fail_sweep(FAIL_MEMORY, append_once, NULL);
	assert_int_equal(journal_waiting(journal), 1);
	fail_sweep(FAIL_MEMORY, open_once, NULL);
	read_all(9);
	check_chain(&position);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_a_record_says),	    TEST(test_upload_and_restart), TEST(test_never_goes_back),
		TEST(test_what_no_record_may_hold), TEST(test_many_threads),	   TEST(test_when_memory_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
