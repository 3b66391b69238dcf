#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/hash.h"
#include "kluis/journal.h"
#include "sample.h"
#include "vector.h"

/* ---- encoding ---- */

static void test_journal_record_encode_decode(void **state)
{
	Kluis__JournalRecord record = sample_record();
	const Kluis__JournalRecord *read;
	struct arena arena CLEANUP(arena_fini) = {0};
	struct bytes bytes CLEANUP(bytes_fini) = {0};

	(void)state;
	arena_init(&arena, 65536);
	bytes_init(&bytes, JOURNAL_RECORD_MAX);
	assert_int_equal(journal_record_encode(&record, &bytes, NULL), ERR_OK);
	assert_int_equal(journal_record_decode(bytes_slice(&bytes), &arena, &read, NULL), ERR_OK);
	assert_int_equal(read->number, 8);
	assert_string_equal(read->purpose, "service");
	assert_int_equal(read->entry, 12);
	for (size_t cut = 0; cut < bytes.length; cut++)
		assert_int_equal(journal_record_decode(SLICE(bytes.data, cut), &arena, &read, NULL), ERR_INPUT);
}

/* The longest record there can be fits the bound that limits.h gives. */
static void test_journal_record_encode_longest(void **state)
{
	static char purpose[NAME_MAX_ + 1];
	Kluis__JournalRecord record = sample_record();
	struct bytes bytes CLEANUP(bytes_fini) = {0};

	(void)state;
	memset(purpose, 'p', NAME_MAX_);
	record.purpose = purpose;
	record.number = record.seen_size = record.entry = ((uint64_t)1 << 63) - 1;
	record.version = UINT32_MAX;
	record.grant = GRANTS_MAX - 1;
	record.field = FIELDS_MAX;
	bytes_init(&bytes, JOURNAL_RECORD_MAX);
	assert_int_equal(journal_record_encode(&record, &bytes, NULL), ERR_OK);
}

static void empty_number(Kluis__JournalRecord *record)
{
	record->number = 0;
}
static void large_number(Kluis__JournalRecord *record)
{
	record->number = (uint64_t)1 << 63;
}
static void large_time(Kluis__JournalRecord *record)
{
	record->time_ms = (uint64_t)1 << 63;
}
static void short_before(Kluis__JournalRecord *record)
{
	record->before.len--;
}
static void large_seen_size(Kluis__JournalRecord *record)
{
	record->seen_size = UINT64_MAX;
}
static void short_seen_root(Kluis__JournalRecord *record)
{
	record->seen_root.len = 0;
}
static void short_agreement(Kluis__JournalRecord *record)
{
	record->agreement.len = 16;
}
static void long_employee(Kluis__JournalRecord *record)
{
	record->employee = record->before;
}
static void no_purpose(Kluis__JournalRecord *record)
{
	static char purpose[] = "";
	record->purpose = purpose;
}
static void long_purpose(Kluis__JournalRecord *record)
{
	static char purpose[NAME_MAX_ + 2];
	memset(purpose, 'p', NAME_MAX_ + 1);
	record->purpose = purpose;
}
static void purpose_of_two_lines(Kluis__JournalRecord *record)
{
	static char purpose[] = "a\nb";
	record->purpose = purpose;
}
static void large_field(Kluis__JournalRecord *record)
{
	record->field = FIELDS_MAX + 1;
}
static void unknown_code(Kluis__JournalRecord *record)
{
	record->code = 99;
}
static void short_customer(Kluis__JournalRecord *record)
{
	record->customer.len--;
}
static void no_customer(Kluis__JournalRecord *record)
{
	record->has_customer = 0;
}
static void no_version(Kluis__JournalRecord *record)
{
	record->has_version = 0;
}
static void version_0(Kluis__JournalRecord *record)
{
	record->version = 0;
}
static void no_fields(Kluis__JournalRecord *record)
{
	record->has_fields = 0;
}
static void no_grant(Kluis__JournalRecord *record)
{
	record->has_grant = 0;
}
static void large_grant(Kluis__JournalRecord *record)
{
	record->grant = GRANTS_MAX;
}
static void no_entry(Kluis__JournalRecord *record)
{
	record->has_entry = 0;
}
static void large_entry(Kluis__JournalRecord *record)
{
	record->entry = UINT64_MAX;
}
static void refused_and_shown(Kluis__JournalRecord *record)
{
	record->code = ERR_SCOPE;
}

/* What is refused when it is read is refused when it is made, and the other way round. */
static void test_journal_record_decode_bounds(void **state)
{
	static void (*const spoilers[])(Kluis__JournalRecord *) = {empty_number,
								   large_number,
								   large_time,
								   short_before,
								   large_seen_size,
								   short_seen_root,
								   short_agreement,
								   long_employee,
								   no_purpose,
								   long_purpose,
								   purpose_of_two_lines,
								   large_field,
								   unknown_code,
								   short_customer,
								   no_customer,
								   no_version,
								   version_0,
								   no_fields,
								   no_grant,
								   large_grant,
								   no_entry,
								   large_entry,
								   refused_and_shown};

	(void)state;
	for (size_t i = 0; i < sizeof spoilers / sizeof spoilers[0]; i++) {
		Kluis__JournalRecord record = sample_record();
		const Kluis__JournalRecord *read;
		struct arena arena CLEANUP(arena_fini) = {0};
		struct bytes bytes CLEANUP(bytes_fini) = {0};
		struct fault fault = {""};

		arena_init(&arena, 65536);
		bytes_init(&bytes, 1000);
		spoilers[i](&record);
		assert_int_equal(journal_record_encode(&record, &bytes, &fault), ERR_INPUT);
		assert_true(fault.text[0] != '\0' && bytes.length == 0);
		assert_int_equal(wire_encode(&record.base, &bytes), ERR_OK);
		assert_int_equal(journal_record_decode(bytes_slice(&bytes), &arena, &read, NULL), ERR_INPUT);
	}
}

static void test_journal_record_decode_refused_access(void **state)
{
	Kluis__JournalRecord record = sample_record();
	struct bytes bytes CLEANUP(bytes_fini) = {0};

	(void)state;
	bytes_init(&bytes, JOURNAL_RECORD_MAX);
	record.code = ERR_HOURS;
	record.has_version = record.has_fields = record.has_grant = record.has_entry = 0;
	assert_int_equal(journal_record_encode(&record, &bytes, NULL), ERR_OK);
	record.has_customer = 0;
	assert_int_equal(journal_record_encode(&record, &bytes, NULL), ERR_OK);
}

static void test_journal_record_decode_too_large(void **state)
{
	uint8_t bytes[JOURNAL_RECORD_MAX + 1] = {0};
	const Kluis__JournalRecord *read;
	struct arena arena CLEANUP(arena_fini) = {0};

	(void)state;
	arena_init(&arena, 65536);
	assert_int_equal(journal_record_decode(SLICE_ARRAY(bytes), &arena, &read, NULL), ERR_TOO_LARGE);
}

/* SHA-256 of the domain and "abc", by another program (python3 hashlib). */
static void test_journal_record_hash(void **state)
{
	static const uint8_t expected[HASH_SIZE] = {0xf3, 0xfb, 0x39, 0xeb, 0xe1, 0xbf, 0xdf, 0x1c, 0x97, 0xcc, 0x96,
						    0x65, 0xb9, 0x26, 0x8f, 0xda, 0x43, 0x8c, 0x15, 0xfa, 0x09, 0x7f,
						    0xf5, 0xfb, 0x05, 0xfe, 0xc1, 0xb9, 0xf1, 0x0f, 0x97, 0xc4};
	struct hash hash;

	(void)state;
	journal_record_hash(slice_text("abc"), &hash);
	assert_memory_equal(hash.bytes, expected, HASH_SIZE);
}

static uint64_t vectors;
static struct hash vector_before;

/* What journal.py says a record is, built here by its values. */
static void check_vector(char *const *columns)
{
	struct bytes hash CLEANUP(bytes_fini) = vector_hex(columns[0]),
			  expected CLEANUP(bytes_fini) = vector_hex(columns[1]);
	struct bytes encoded CLEANUP(bytes_fini) = {0};
	uint8_t root[HASH_SIZE], agreement[HASH_SIZE], employee[PSEUDONYM_SIZE], customer[PSEUDONYM_SIZE];
	Kluis__JournalRecord record = sample_record();
	struct hash own;

	memset(root, 0x11, sizeof root);
	memset(agreement, 0x22, sizeof agreement);
	memset(employee, 0x33, sizeof employee);
	memset(customer, 0x44, sizeof customer);
	record.number = ++vectors;
	record.time_ms = 1795435200000 + vectors;
	record.before = wire_data(SLICE_ARRAY(vector_before.bytes));
	record.seen_size = 300 + vectors;
	record.seen_root = wire_data(SLICE_ARRAY(root));
	record.agreement = wire_data(SLICE_ARRAY(agreement));
	record.employee = wire_data(SLICE_ARRAY(employee));
	record.customer = wire_data(SLICE_ARRAY(customer));
	record.version = 2;
	record.fields = 5;
	record.entry = 260;
	if (vectors == 2) {
		record.code = ERR_HOURS;
		record.has_customer = record.has_version = record.has_fields = record.has_grant = record.has_entry = 0;
	}
	bytes_init(&encoded, JOURNAL_RECORD_MAX);
	assert_int_equal(journal_record_encode(&record, &encoded, NULL), ERR_OK);
	assert_true(slice_equal(bytes_slice(&encoded), bytes_slice(&expected)));
	journal_record_hash(bytes_slice(&encoded), &own);
	assert_true(slice_equal(SLICE_ARRAY(own.bytes), bytes_slice(&hash)));
	vector_before = own;
}

static void test_journal_record_vectors(void **state)
{
	(void)state;
	assert_int_equal(vector_each("journal.txt", 2, check_vector), 3);
}

/* ---- findings ---- */

static void test_findings_print(void **state)
{
	struct bytes text CLEANUP(bytes_fini) = {0};
	const struct finding_row *rows;
	size_t count;

	(void)state;
	bytes_init(&text, 1000);
	assert_int_equal(findings_print(0, &text), ERR_OK);
	assert_int_equal(text.length, 0);
	rows = finding_rows(&count);
	assert_int_equal(count, 8);
	for (size_t i = 0; i < count; i++) {
		bytes_clear(&text);
		assert_int_equal(findings_print(rows[i].bit, &text), ERR_OK);
		assert_true(slice_equal(bytes_slice(&text), slice_text(rows[i].text)));
		assert_true(i == 0 || rows[i - 1].bit < rows[i].bit);
	}
	bytes_clear(&text);
	assert_int_equal(findings_print(FINDING_GAP | FINDING_FUTURE | 512, &text), ERR_OK);
	assert_true(slice_equal(
		bytes_slice(&text),
		slice_text("records before it are missing; dated later than it was received; finding 512")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_journal_record_encode_decode),
		cmocka_unit_test(test_journal_record_encode_longest),
		cmocka_unit_test(test_journal_record_decode_bounds),
		cmocka_unit_test(test_journal_record_decode_refused_access),
		cmocka_unit_test(test_journal_record_decode_too_large),
		cmocka_unit_test(test_journal_record_hash),
		cmocka_unit_test(test_journal_record_vectors),
		cmocka_unit_test(test_findings_print),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
