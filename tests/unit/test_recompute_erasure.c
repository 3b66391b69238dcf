/* Erasures and their certificates, decided again; and a broker's lies about them. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "action.h"
#include "custody_story.h"

#define HOUR_MS UINT64_C(3600000)
#define KIND(name) KLUIS__OPERATION__KIND_##name

static struct custody_story custody;
static struct finding_lines lines;

static int set_up(void **state)
{
	(void)state;
	custody_begin(&custody);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	custody_end(&custody);
	return 0;
}

static void office(struct action action)
{
	(void)franchise_one(custody.formula, &custody.formula->office, action);
}

static void at_the_store(struct action action)
{
	(void)franchise_one(custody.formula, custody.store, action);
}

/* Anna is erased; everybody goes on as if not. */
static void live_on(void)
{
	struct franchise *formula = custody.formula;

	office(action_erase(formula, custody.anna, 2));
	office(action_erase(formula, custody.anna, 2));
	office(action_erase(formula, franchise_draw(formula), 2));
	office(action_restriction(formula, custody.anna, true));
	office(action_update(formula, NULL, custody.anna, "2=Anne"));
	office(action_receipt(formula, NULL, franchise_draw(formula), 12, FRANCHISE_DAY, custody.anna, NULL));
	office(action_registration(formula, NULL, custody.anna, "1=1001"));
	at_the_store(action_sync(formula, "service", 1, 10));
	at_the_store(action_purge_customer(formula, "direct-marketing", custody.anna));
	at_the_store(action_purge_customer(formula, "service", custody.bert));
	at_the_store(action_purge_customer(formula, "service", custody.anna));
	at_the_store(action_purge_customer(formula, "service", custody.anna));
	at_the_store(action_sync(formula, "service", 0, 10));
	office(action_erasures(formula));
}

static void test_broker_and_auditor_agree(void **state)
{
	(void)state;
	live_on();
	custody_audit(&custody, &lines);
	assert_string_equal(lines.all, "");
}

/* What the store's staff had read before it knew is no difference; what they read long after it certified is. */
static void test_local_accesses(void **state)
{
	Kluis__JournalRecord record = custody_record(&custody);

	(void)state;
	office(action_erase(custody.formula, custody.anna, 2));
	custody_upload(&custody, &record);
	at_the_store(action_purge_customer(custody.formula, "service", custody.anna));
	custody_audit(&custody, &lines);
	assert_string_equal(lines.all, "");
	custody.formula->now_ms += HOUR_MS;
	record = custody_record(&custody);
	custody_upload(&custody, &record);
	custody_audit(&custody, &lines);
	assert_int_equal(lines.count, 1);
	assert_non_null(strstr(lines.all, "who was erased and whom the store had certified to be gone"));
}

static void say_that_it_was_new(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->results[0]->is_unchanged = false;
}
static void name_nobody(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->results[0]->has_customer = false;
}
static Kluis__Disclosure *tombstone(Kluis__Entry *entry)
{
	size_t i = 0;

	while (entry->results[0]->disclosures[i]->has_commitment)
		i++;
	return entry->results[0]->disclosures[i];
}
static void call_it_out_of_scope(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	tombstone(entry)->withheld = ERR_SCOPE;
}
static void call_it_unknown(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->results[0]->code = ERR_NOT_FOUND;
}
static void disclose_the_erased(Kluis__Entry *entry, struct arena *arena)
{
	Kluis__Disclosure *disclosure = tombstone(entry);
	uint8_t *hash = arena_alloc(arena, HASH_SIZE);

	memset(hash, 1, HASH_SIZE);
	disclosure->has_withheld = false;
	disclosure->has_commitment = true;
	disclosure->commitment = wire_data(SLICE(hash, HASH_SIZE));
	disclosure->version = 1;
	disclosure->fields = 1;
}

static void test_lies(void **state)
{
	static const struct audit_lie lies[] = {
		{KIND(ERASE), 0, lie_refuse_by_hours, "refused (hours), but the log gives no such reason"},
		{KIND(ERASE), 0, name_nobody, "does not name whom it erases"},
		{KIND(ERASE), 1, say_that_it_was_new, "by the log the customer was erased before"},
		{KIND(ERASE), 2, lie_permit, "but by the log it is not_found"},
		{KIND(RESTRICTION), 0, call_it_unknown, "recorded as not_found, but by the log it is erased"},
		{KIND(UPDATE), 0, call_it_unknown, "recorded as not_found, but by the log it is erased"},
		{KIND(RECEIPT), 0, lie_permit, "must be refused (erased"},
		{KIND(SYNC), 1, call_it_out_of_scope, "for scope, but by the log it is erased"},
		{KIND(SYNC), 1, disclose_the_erased, "who was erased (R150)"},
		{KIND(PURGE), 0, lie_permit, "recorded as permitted, but by the log it is not_found"},
		{KIND(PURGE), 1, lie_permit, "recorded as permitted, but by the log it is not_found"},
		{KIND(PURGE), 2, call_it_unknown, "recorded as not_found, but by the log it is permitted"},
		{KIND(PURGE), 3, lie_permit, "recorded as permitted, but by the log it is not_found"},
		{KIND(ERASURES), 0, lie_refuse_by_hours, "refused (hours), but the log gives no such reason"},
	};

	(void)state;
	live_on();
	struct audit_log *log = audit_log_of(custody.formula);
	audit_log_tell(log, lies, sizeof lies / sizeof lies[0]);
	audit_log_free(&log);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_broker_and_auditor_agree),
		TEST(test_local_accesses),
		TEST(test_lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
