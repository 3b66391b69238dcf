#include "vault/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vault/customer.h"
#include "vault/values.h"
#include "workbench.h"

static struct franchise *formula;
static struct workbench bench;
static struct customer customer;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	workbench_init(&bench, formula, &formula->office);
	assert_int_equal(customer_new(&bench.context, franchise_draw(formula), &customer), ERR_OK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	workbench_fini(&bench);
	franchise_free(&formula);
	return 0;
}

static enum err merge(const Rows__Record *before, const char *values, struct record_change *ret_change)
{
	const Kluis__Values *decoded;
	struct change_origin origin;
	uint64_t fields;

	workbench_values(&bench, values);
	assert_int_equal(values_read(&bench.context, &decoded, &fields), ERR_OK);
	record_origin(&bench.context, &customer, before, &origin);
	return record_merge(&bench.context, before, decoded, &origin, ret_change);
}

static const char *print(const Rows__Record *record)
{
	const char *text = "";

	for (size_t i = 0; i < record->n_values; i++) {
		if (record->values[i]->value[0] != '\0')
			text = arena_printf(&formula->arena, "%s%s%u=%s", text, text[0] == '\0' ? "" : "|",
					    record->values[i]->field, record->values[i]->value);
	}
	return text;
}

static void test_record_merge(void **state)
{
	static const struct {
		const char *before, *values, *after;
		uint64_t changed;
	} rows[] = {
		{"", "1=a|3=c", "1=a|3=c", 5},
		{"1=a|3=c", "2=b", "1=a|2=b|3=c", 2},
		{"1=a|3=c", "1=a|3=d", "1=a|3=d", 4},
		{"1=a|3=c", "1=|2=", "3=c", 1},
		{"1=a|3=c", "1=a|3=c", "1=a|3=c", 0},
		{"1=a|3=c", "", "1=a|3=c", 0},
		{"2=b", "1=x|2=y|4=z", "1=x|2=y|4=z", 11},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct record_change before, change;

		assert_int_equal(merge(NULL, rows[i].before, &before), ERR_OK);
		assert_int_equal(merge(before.record, rows[i].values, &change), ERR_OK);
		assert_string_equal(print(change.record), rows[i].after);
		assert_int_equal(change.changed, rows[i].changed);
		assert_int_equal(change.record->salt.len, SALT_SIZE);
		assert_memory_not_equal(change.record->salt.data, before.record->salt.data, SALT_SIZE);
	}
}

static void test_record_too_large(void **state)
{
	static Kluis__Value value[FIELDS_MAX];
	Kluis__Value *places[FIELDS_MAX];
	Kluis__Values values = KLUIS__VALUES__INIT;
	struct change_origin origin;
	struct record_change change;
	char text[VALUE_MAX + 1];

	(void)state;
	memset(text, 'x', VALUE_MAX);
	text[VALUE_MAX] = '\0';
	for (uint32_t i = 0; i < FIELDS_MAX; i++) {
		kluis__value__init(&value[i]);
		value[i].field = i + 1;
		value[i].value = text;
		places[i] = &value[i];
	}
	values.values = places;
	record_origin(&bench.context, &customer, NULL, &origin);
	values.n_values = FIELDS_MAX - 1; /* each with some 23 bytes around it */
	assert_int_equal(record_merge(&bench.context, NULL, &values, &origin, &change), ERR_TOO_LARGE);
	values.n_values = FIELDS_MAX - 2;
	assert_int_equal(record_merge(&bench.context, NULL, &values, &origin, &change), ERR_OK);
}

static void write_version(const Rows__Record *before, const char *values)
{
	struct record_change change;

	assert_int_equal(merge(before, values, &change), ERR_OK);
	assert_int_equal(record_write(&bench.context, &customer, &change), ERR_OK);
}

static void test_record_write_keeps_old_versions(void **state)
{
	Rows__Record *record;
	uint64_t fields;

	(void)state;
	assert_int_equal(record_latest(&bench.context, &customer, &record), ERR_CORRUPT);
	write_version(NULL, "1=4711|2=Anna");
	assert_int_equal(customer.row->version, 1);
	assert_int_equal(record_latest(&bench.context, &customer, &record), ERR_OK);
	write_version(record, "2=Anne");
	assert_int_equal(customer.row->version, 2);
	assert_int_equal(vault_record(&bench.context, &customer, 1, &record), ERR_OK);
	assert_string_equal(print(record), "1=4711|2=Anna");
	assert_int_equal(vault_record(&bench.context, &customer, 2, &record), ERR_OK);
	assert_string_equal(print(record), "1=4711|2=Anne");
	assert_int_equal(vault_record(&bench.context, &customer, 3, &record), ERR_NOT_FOUND);
	assert_int_equal(vault_fields_in_use(&bench.context, &fields), ERR_OK);
	assert_int_equal(fields, 3);
	/* what was in use stays so: old versions have it */
	assert_int_equal(vault_record(&bench.context, &customer, 2, &record), ERR_OK);
	write_version(record, "2=|3=0612345678");
	assert_int_equal(vault_fields_in_use(&bench.context, &fields), ERR_OK);
	assert_int_equal(fields, 7);
}

/* Associated data: a sealed record is good for its customer and version only. */
static void test_record_sealed_for_its_place(void **state)
{
	uint8_t place[RECORD_KEY_SIZE];
	Rows__Record *record;
	struct slice sealed;

	(void)state;
	write_version(NULL, "1=4711");
	memcpy(place, customer.pseudonym, PSEUDONYM_SIZE);
	put_u32(place + PSEUDONYM_SIZE, 1);
	assert_int_equal(view_get(&bench.view, TABLE_RECORD, SLICE_ARRAY(place), &sealed), ERR_OK);
	put_u32(place + PSEUDONYM_SIZE, 2);
	view_put(&bench.view, TABLE_RECORD, SLICE_ARRAY(place), sealed);
	assert_int_equal(vault_record(&bench.context, &customer, 2, &record), ERR_CRYPTO);
	assert_int_equal(vault_record(&bench.context, &customer, 1, &record), ERR_OK);
	customer.key[0] ^= 1;
	assert_int_equal(vault_record(&bench.context, &customer, 1, &record), ERR_CRYPTO);
}

/* I7's ground: nothing that was said of a person stands anywhere in the store in clear, nor in the log. */
static void test_records_leave_no_plaintext(void **state)
{
	static const char *const secrets[] = {"Wilhelmina", "0612345678", "wilhelmina@example.org", "4711-0815",
					      "bread"};
	size_t rows = 0;

	(void)state;
	workbench_fini(&bench);
	struct party *store = franchise_store(formula, 12, GRANT_ALL);
	struct slice who =
		franchise_visitor(formula, store, "1=4711-0815|2=Wilhelmina|3=0612345678|4=wilhelmina@example.org");
	franchise_must(formula, store, action_lookup(formula, "service", "1=4711-0815"));
	franchise_must(formula, store, action_sync(formula, "service", 0, 10));
	franchise_must(formula, store, action_update(formula, "service", who, "2=Wilhelmina Jansen"));
	workbench_init(&bench, formula, &formula->office);
	for (unsigned table = 0; table < TABLE_COUNT; table++) {
		struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
		struct slice key, value;

		assert_int_equal(store_seek(bench.txn, table, SLICE_EMPTY, &cursor), ERR_OK);
		for (; store_next(cursor, &key, &value); rows++) {
			for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
				assert_null(memmem(key.data, key.length, secrets[i], strlen(secrets[i])));
				assert_null(memmem(value.data, value.length, secrets[i], strlen(secrets[i])));
			}
		}
	}
	assert_true(rows > 20);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_record_merge),
		TEST(test_record_too_large),
		TEST(test_record_write_keeps_old_versions),
		TEST(test_record_sealed_for_its_place),
		TEST(test_records_leave_no_plaintext),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
