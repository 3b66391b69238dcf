/* The table of operations against the schema. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/operation.h"

#include "sample.h"

#define KIND(name) KLUIS__OPERATION__KIND_##name

static struct arena arena;

static int reset(void **state)
{
	(void)state;
	arena_fini(&arena);
	arena_init(&arena, REQUEST_ARENA_MAX);
	return 0;
}

static bool schema_has_field(const ProtobufCFieldDescriptor *kind, const char *name)
{
	const ProtobufCMessageDescriptor *message = kind->descriptor;

	for (unsigned i = 0; i < message->n_fields; i++)
		if (strcmp(message->fields[i].name, name) == 0)
			return true;
	return false;
}

static void test_every_kind_of_the_schema_has_one_row(void **state)
{
	const ProtobufCFieldDescriptor *kind;
	const struct operation_row *all;
	unsigned kinds = 0;
	size_t count;

	(void)state;
	all = operation_rows(&count);
	for (; (kind = sample_kind(kinds)) != NULL; kinds++) {
		const struct operation_row *row = operation_row((Kluis__Operation__KindCase)kind->id);

		assert_non_null(row);
		assert_int_equal(row->kind, kind->id);
		assert_string_equal(row->name, kind->name);
		assert_true(row >= all && row < all + count);
		assert_true(row->check != NULL);
		assert_int_equal(row->commitment != NULL, schema_has_field(kind, "commitment"));
	}
	assert_int_equal(count, kinds); /* with the above: no row twice */
	assert_null(operation_row(KLUIS__OPERATION__KIND__NOT_SET));
	assert_null(operation_row((Kluis__Operation__KindCase)999));
}

/* FORMAT.md section 9 and R44, R42, as a matrix: s(tore) c(ontroller) a(uditor), d(ata), p(aper), g(rant), f(irst
 * contact). */
static const struct {
	Kluis__Operation__KindCase kind;
	const char *marks;
	int granted;
} expected[] = {
	{KIND(JOIN), "saf", -1},
	{KIND(LOOKUP), "scg", OPERATION_LOOKUP},
	{KIND(SYNC), "sg", OPERATION_SYNC},
	{KIND(RECEIPT), "scg", OPERATION_RECEIPT},
	{KIND(REGISTRATION), "scg", OPERATION_REGISTER},
	{KIND(UPDATE), "scg", OPERATION_UPDATE},
	{KIND(CONSENT), "scg", OPERATION_CONSENT},
	{KIND(STAFF), "sc", -1},
	{KIND(ACCEPT), "s", -1},
	{KIND(AGREEMENTS), "scad", -1},
	{KIND(GET_PAPER), "scad", -1},
	{KIND(PROVE), "scad", -1},
	{KIND(CHARTER), "cp", -1},
	{KIND(OPEN_STORE), "c", -1},
	{KIND(INVITE), "c", -1},
	{KIND(DRAFT), "cp", -1},
	{KIND(OFFER), "c", -1},
	{KIND(STANDING), "c", -1},
	{KIND(RESTRICTION), "c", -1},
	{KIND(PROGRESS), "c", -1},
	{KIND(TOTALS), "cd", -1},
	{KIND(CENSUS), "cad", -1},
	{KIND(GET_CHECKPOINT), "cad", -1},
	{KIND(READ_LOG), "cad", -1},
	{KIND(GET_COSIGNED), "cad", -1},
	{KIND(LOCAL_ACCESS), "s", -1},
	{KIND(LEASE), "sgd", OPERATION_SYNC},
	{KIND(PURGE), "s", -1},
	{KIND(INCIDENT), "s", -1},
	{KIND(SUBJECT_REQUEST), "s", -1},
	{KIND(ROTATE_KEY), "s", -1},
	{KIND(WITNESS), "s", -1},
	{KIND(ROSTER), "sd", -1},
	{KIND(TRUST), "cp", -1},
	{KIND(REVOKE), "c", -1},
	{KIND(MASTER_KEY), "c", -1},
	{KIND(REWRAP), "c", -1},
	{KIND(HOLDINGS), "cd", -1},
	{KIND(NOTICES), "cd", -1},
	{KIND(FINDINGS), "cd", -1},
	{KIND(ERASE), "c", -1},
	{KIND(ERASURES), "cd", -1},
	{KIND(WATCH), "sdu", -1},
	{KIND(GET_ROUND), "sdu", -1},
	{KIND(COSIGN), "su", -1},
};

static void test_who_may_send_what(void **state)
{
	size_t count;

	(void)state;
	operation_rows(&count);
	assert_int_equal(count, sizeof expected / sizeof expected[0]);
	for (size_t i = 0; i < count; i++) {
		const struct operation_row *row = operation_row(expected[i].kind);
		const char *marks = expected[i].marks;

		assert_int_equal((row->may & MAY_STORE) != 0, strchr(marks, 's') != NULL);
		assert_int_equal((row->may & MAY_CONTROLLER) != 0, strchr(marks, 'c') != NULL);
		assert_int_equal((row->may & MAY_AUDITOR) != 0, strchr(marks, 'a') != NULL);
		assert_int_equal(row->may & ~(MAY_STORE | MAY_CONTROLLER | MAY_AUDITOR), 0);
		assert_int_equal(row->is_first_contact, strchr(marks, 'f') != NULL);
		assert_int_equal(row->answers_data, strchr(marks, 'd') != NULL);
		assert_int_equal(row->takes_paper, strchr(marks, 'p') != NULL);
		assert_int_equal(row->granted, expected[i].granted);
		assert_int_equal(row->granted >= 0, strchr(marks, 'g') != NULL);
	}
}

static void test_samples_of_every_kind_pass(void **state)
{
	const struct operation_row *rows;
	size_t count;

	(void)state;
	rows = operation_rows(&count);
	for (size_t i = 0; i < count; i++) {
		struct fault fault = {0};
		Kluis__Operation *operation = sample_operation(rows[i].kind, &arena);

		enum err err = operation_check(operation, &fault);
		assert_string_equal(fault.text, "");
		assert_int_equal(err, ERR_OK);
		if (rows[i].commitment != NULL)
			assert_int_equal(rows[i].commitment(operation).length, HASH_SIZE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_every_kind_of_the_schema_has_one_row, reset),
		cmocka_unit_test_setup(test_who_may_send_what, reset),
		cmocka_unit_test_setup(test_samples_of_every_kind_pass, reset),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	arena_fini(&arena);
	return failed;
}
