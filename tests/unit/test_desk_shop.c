/*
 * The desk on the real shop: a copy that a real broker's core gave, the real journal and outbox on disk. What the
 * broker then says of the journal and of the outbox's items shows that both sides mean the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "desk/desk.h"
#include "franchise.h"
#include "journal_book.h"
#include "key_shelf.h"
#include "kluis/journal.h"
#include "staff.h"

#define GRANTS                                                                                                         \
	"[grant till]\npurpose = service\noperations = lookup, sync, receipt, register, update, consent\n"             \
	"customers = visited\nfields = card, name, phone\nmasks = phone:last4\nper-day = 2\n" GRANT_REST
#define LEASE_MS (UINT64_C(72) * 3600 * 1000)

static struct franchise *formula;
static struct party *store;
static struct shop shop;
static struct desk *desk;
static struct key_shelf shelf;
static struct agreement agreement;
static char folder[SCRATCH_MAX];
static uint8_t token[DESK_TOKEN_SIZE], ann[PSEUDONYM_SIZE];
static struct arena arena;
static struct desk_member member;
static struct fault fault;
static uint64_t number;
static const uint8_t key[KEY_SIZE] = {9};

static struct moment read_clock(void *context)
{
	(void)context;
	return (struct moment){.wall_ms = formula->now_ms, .steady_ms = formula->now_ms};
}

static void sign_in(void)
{
	char role[NAME_MAX_ + 1];

	assert_int_equal(desk_open(desk, "anna", slice_text("4711"), token, role, &fault), ERR_OK);
}

static void open_shop(bool is_new)
{
	char path[SCRATCH_MAX + 8];

	snprintf(path, sizeof path, "%s/db", folder);
	assert_int_equal(store_open(path, &replica_layout, is_new, &shop.store, &fault), ERR_OK);
	shop.replica = (struct replica){.store = shop.store, .key = key, .keys = key_shelf_memory(&shelf)};
	assert_int_equal(journal_open(shop.store, key, &shop.journal, &fault), ERR_OK);
	assert_int_equal(outbox_open(shop.store, key, &shop.outbox, &fault), ERR_OK);
	assert_int_equal(timekeeper_load(SLICE_EMPTY, read_clock(NULL), &shop.time), ERR_OK);
	if (is_new) {
		struct replica_employee anna = {.handle = "anna", .role = "cashier"};
		memcpy(anna.pseudonym, store->employee, PSEUDONYM_SIZE);
		assert_int_equal(replica_put_employee(&shop.replica, &anna), ERR_OK);
		assert_int_equal(staff_set_pin(&shop.replica, "anna", slice_text("4711")), ERR_OK);
	}
	assert_int_equal(desk_new(&shop, (struct desk_line){NULL, NULL}, &desk), ERR_OK);
	sign_in();
}

static void close_shop(void)
{
	desk_free(&desk);
	outbox_close(&shop.outbox);
	journal_close(&shop.journal);
	store_close(&shop.store);
}

static void take_lease(void)
{
	struct book empty = {.number = 0};

	struct answer answer = franchise_must(formula, store, action_lease(formula, "service", &empty));
	struct slice handle_key = wire_slice(answer.reply->data[0]->items[0]);
	assert_int_equal(replica_set_lease(&shop.replica, "service", answer.result->until_ms,
					   answer.entry.decoded->time_ms, handle_key),
			 ERR_OK);
}

static void sync_copy(void)
{
	uint64_t cursor = 0, written, removed;

	assert_int_equal(replica_cursor(&shop.replica, "service", agreement.hash, &cursor), ERR_OK);
	struct answer answer = franchise_must(formula, store, action_sync(formula, "service", cursor, 100));
	const Kluis__Personal *personal = answer.reply->personal;
	struct replica_page page = {.purpose = "service",
				    .agreement = agreement.hash,
				    .entry_index = answer.reply->index,
				    .day = FRANCHISE_DAY,
				    .result = answer.result,
				    .parts = personal == NULL ? NULL : personal->parts,
				    .part_count = personal == NULL ? 0 : personal->n_parts};
	assert_int_equal(replica_apply(&shop.replica, &page, &written, &removed), ERR_OK);
}

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(keys_init(), ERR_OK);
	formula = franchise_new(NULL);
	store = franchise_store(formula, 12, NULL);
	const char *text = franchise_agreement(formula, 12, GRANTS, NULL);
	franchise_agree(formula, store, text);
	franchise_employ(formula, store, "cashier");
	memcpy(ann, franchise_visitor(formula, store, "1=4711|2=Ann Smith|3=0612345678").data, sizeof ann);
	franchise_visitor(formula, store, "1=4712|2=Bob Jones|3=0687654321");
	franchise_visitor(formula, store, "1=4713|2=Cas Bakker|3=0687654321");
	arena_init(&arena, 1 << 22);
	assert_int_equal(agreement_parse(slice_text(text), "agreement", &formula->charter, &arena, &agreement, &fault),
			 ERR_OK);
	scratch_new(folder);
	memset(&shop, 0, sizeof shop);
	memset(&shelf, 0, sizeof shelf);
	pthread_rwlock_init(&shop.lock, NULL);
	pthread_mutex_init(&shop.time_lock, NULL);
	shop.clock = read_clock;
	shop.number = 12;
	shop.charter = &formula->charter;
	shop.agreement = &agreement;
	shop.state = AGREEMENT_ACTIVE;
	open_shop(true);
	take_lease();
	sync_copy();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close_shop();
	pthread_rwlock_destroy(&shop.lock);
	pthread_mutex_destroy(&shop.time_lock);
	scratch_remove(folder);
	arena_fini(&arena);
	franchise_free(&formula);
	return 0;
}

static enum err look(const char *field, const char *value)
{
	memset(&member, 0, sizeof member);
	fault.text[0] = '\0';
	return desk_lookup(desk, SLICE_ARRAY(token), "service", field, value, &arena, &member, &fault);
}

static void test_the_copy_answers_as_the_broker(void **state)
{
	struct answer answer;

	(void)state;
	assert_int_equal(look("card", "47 11"), ERR_OK);
	answer = franchise_must(formula, store, action_lookup(formula, "service", "1=4711"));
	assert_string_equal(answer_values(formula, &answer, 0), "1=4711|2=Ann Smith|3=••••••5678");
	assert_int_equal(member.value_count, 3);
	assert_string_equal(member.values[0].value, "4711");
	assert_string_equal(member.values[1].value, "Ann Smith");
	assert_string_equal(member.values[2].value, "••••••5678");
	assert_string_equal(member.clause, answer.result->clause);
	assert_memory_equal(member.customer, answer.result->customer.data, PSEUDONYM_SIZE);
	assert_int_equal(member.version, answer.result->disclosures[0]->version);
	assert_int_equal(look("phone", "06 87654321"), ERR_AMBIGUOUS);
	assert_int_equal(look("card", "9999"), ERR_NETWORK);
	assert_int_equal(look("card", "4712"), ERR_OK);
	assert_int_equal(look("card", "4713"), ERR_PER_DAY);
	assert_int_equal(journal_waiting(shop.journal), 5);
}

/* The broker takes the journal and finds nothing odd about it. */
static void test_the_broker_takes_the_journal(void **state)
{
	ProtobufCBinaryData *records;
	size_t count;
	uint64_t first;
	Kluis__LocalAccess access = KLUIS__LOCAL_ACCESS__INIT;
	Kluis__JournalEnd end;
	uint8_t hash[HASH_SIZE];
	Kluis__Operation operation = KLUIS__OPERATION__INIT;

	(void)state;
	assert_int_equal(look("card", "4711"), ERR_OK);
	assert_int_equal(look("card", "9999"), ERR_NETWORK);
	assert_int_equal(look("name", "Ann"), ERR_FIELD);
	assert_int_equal(journal_read(shop.journal, 10, &arena, &records, &count, &first), ERR_OK);
	assert_int_equal(count, 3);
	journal_end(shop.journal, &end, hash);
	access.records = records;
	access.n_records = count;
	access.end = &end;
	operation.kind_case = KLUIS__OPERATION__KIND_LOCAL_ACCESS;
	operation.local_access = &access;
	struct answer answer = franchise_must(formula, store, (struct action){.operation = &operation});
	assert_int_equal(answer.result->cursor, 3);
	assert_int_equal(answer.result->findings, 0);
	assert_int_equal(journal_logged(shop.journal, 3), ERR_OK);
	assert_int_equal(journal_waiting(shop.journal), 0);
}

/* ---- what waits ---- */

struct delivering {
	enum err expected;
	unsigned count;
};

static enum err deliver(void *context, const struct outbox_item *item)
{
	struct delivering *delivering = context;
	struct action action = {.operation = item->operation, .part = item->part};

	assert_memory_equal(item->employee, store->employee, PSEUDONYM_SIZE);
	assert_int_equal(franchise_one(formula, store, action).code, delivering->expected);
	delivering->count++;
	return ERR_OK;
}

static void deliver_all(enum err expected, unsigned count)
{
	struct delivering delivering = {.expected = expected};

	assert_int_equal(outbox_each(shop.outbox, OUTBOX_WAITING, 100, &arena, deliver, &delivering), ERR_OK);
	assert_int_equal(delivering.count, count);
}

static const struct desk_line_item line = {.product = "7", .units = 10000, .amount = 25000};

static void write_each_kind(void)
{
	const struct desk_input values[] = {{"name", "Dee Dijk"}, {"card", "5000"}};
	const struct desk_input change = {"name", "Ann Jones"};
	const struct desk_consent consent = {"direct-marketing", 4};
	struct desk_receipt receipt = {
		.field = "card", .value = "4711", .day = FRANCHISE_DAY, .line_count = 1, .lines = &line};
	struct slice who = SLICE_ARRAY(token);
	uint8_t dee[PSEUDONYM_SIZE];

	assert_int_equal(desk_receipt(desk, who, "service", &receipt, &number, &fault), ERR_OK);
	assert_int_equal(desk_register(desk, who, "service", values, 2, &consent, 1, dee, &number, &fault), ERR_OK);
	receipt.field = "card"; /* the copy does not have her yet, the broker will */
	receipt.value = "5000";
	assert_int_equal(desk_receipt(desk, who, "service", &receipt, &number, &fault), ERR_OK);
	assert_int_equal(desk_update(desk, who, "service", dee, &change, 1, &number, &fault), ERR_OK);
	assert_int_equal(desk_update(desk, who, "service", ann, &change, 1, &number, &fault), ERR_OK);
	assert_int_equal(desk_consent(desk, who, "service", ann, &consent, &number, &fault), ERR_OK);
	assert_int_equal(desk_incident(desk, who, 2, 0, "a stolen phone", &number, &fault), ERR_OK);
	assert_int_equal(desk_subject_request(desk, who, 17, ann, "wants to be forgotten", &number, &fault), ERR_OK);
	assert_int_equal(number, 8);
}

static void test_the_broker_takes_what_was_written(void **state)
{
	(void)state;
	write_each_kind();
	deliver_all(ERR_OK, 8);
	sync_copy();
	assert_int_equal(look("card", "4711"), ERR_OK);
	assert_string_equal(member.values[1].value, "Ann Jones");
	assert_int_equal(member.version, 2);
	assert_int_equal(look("card", "5000"), ERR_OK);
}

/* Offline, after the lease's end and a purge, tills ring up, register and report on. */
static void test_written_without_a_copy(void **state)
{
	unsigned purged = 0;

	(void)state;
	formula->now_ms += LEASE_MS + 1000;
	sign_in();
	assert_int_equal(look("card", "4711"), ERR_EXPIRED);
	assert_int_equal(shop_sweep(&shop, &purged), ERR_OK);
	assert_int_equal(purged, 1);
	assert_false(key_shelf_has(&shelf, "service"));
	assert_int_equal(look("card", "4711"), ERR_NETWORK);
	assert_int_equal(member.value_count, 0);
	write_each_kind();
	deliver_all(ERR_OK, 8);
}

static void test_after_a_restart(void **state)
{
	struct desk_receipt receipt = {.has_id = true,
				       .id = {3},
				       .field = "card",
				       .value = "4711",
				       .day = FRANCHISE_DAY,
				       .line_count = 1,
				       .lines = &line};

	(void)state;
	assert_int_equal(look("card", "4711"), ERR_OK);
	assert_int_equal(desk_receipt(desk, SLICE_ARRAY(token), "service", &receipt, &number, &fault), ERR_OK);
	uint8_t old[DESK_TOKEN_SIZE];
	memcpy(old, token, sizeof old);
	close_shop();
	open_shop(false);
	assert_int_equal(desk_close(desk, SLICE_ARRAY(old)), ERR_PRINCIPAL);
	number = 0;
	assert_int_equal(desk_receipt(desk, SLICE_ARRAY(token), "service", &receipt, &number, &fault), ERR_OK);
	assert_int_equal(number, 1);
	deliver_all(ERR_OK, 1);
	assert_int_equal(look("card", "4712"), ERR_OK);
	assert_int_equal(look("card", "4713"), ERR_PER_DAY); /* the day's count is on disk too */
}

static void test_suspended_is_refused_and_recorded(void **state)
{
	(void)state;
	pthread_rwlock_wrlock(&shop.lock);
	shop.state = AGREEMENT_SUSPENDED;
	pthread_rwlock_unlock(&shop.lock);
	assert_int_equal(look("card", "4711"), ERR_SUSPENDED);
	assert_int_equal(journal_waiting(shop.journal), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_copy_answers_as_the_broker),
		TEST(test_the_broker_takes_the_journal),
		TEST(test_the_broker_takes_what_was_written),
		TEST(test_written_without_a_copy),
		TEST(test_after_a_restart),
		TEST(test_suspended_is_refused_and_recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
