/* What a key's name means, and which origins are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/principal.h"

struct row {
	const char *name;
	enum err err;
	enum principal_kind kind;
	const char *origin;
	uint32_t store;
	const char *auditor;
};

static const struct row rows[] = {
	{"example.com/k/controller", ERR_OK, PRINCIPAL_CONTROLLER, "example.com/k", 0, ""},
	{"k/log", ERR_OK, PRINCIPAL_LOG, "k", 0, ""},
	{"k/store/0", ERR_OK, PRINCIPAL_STORE, "k", 0, ""},
	{"k/store/12", ERR_OK, PRINCIPAL_STORE, "k", 12, ""},
	{"a/b/c/store/99999", ERR_OK, PRINCIPAL_STORE, "a/b/c", 99999, ""},
	{"k/auditor/anna", ERR_OK, PRINCIPAL_AUDITOR, "k", 0, "anna"},
	{"k/auditor/a_b-9", ERR_OK, PRINCIPAL_AUDITOR, "k", 0, "a_b-9"},
	/* one reading only: these are auditors who are called so */
	{"k/auditor/log", ERR_OK, PRINCIPAL_AUDITOR, "k", 0, "log"},
	{"k/auditor/controller", ERR_OK, PRINCIPAL_AUDITOR, "k", 0, "controller"},
	{"", ERR_INPUT},
	{"controller", ERR_INPUT},
	{"/controller", ERR_INPUT},
	{"k/", ERR_INPUT},
	{"k//log", ERR_INPUT},
	{"/k/log", ERR_INPUT},
	{"a//b/log", ERR_INPUT},
	{"k/Log", ERR_INPUT},
	{"k/logs", ERR_INPUT},
	{"k/store", ERR_INPUT},
	{"k/store/", ERR_INPUT},
	{"k/store/012", ERR_INPUT},
	{"k/store/00", ERR_INPUT},
	{"k/store/100000", ERR_INPUT},
	{"k/store/4294967297", ERR_INPUT},
	{"k/store/-1", ERR_INPUT},
	{"k/store/1x", ERR_INPUT},
	{"k/store/log", ERR_INPUT},
	{"store/1", ERR_INPUT},
	{"/store/1", ERR_INPUT},
	{"k/auditor/", ERR_INPUT},
	{"k/auditor/9a", ERR_INPUT},
	{"k/auditor/-a", ERR_INPUT},
	{"k/auditor/Anna", ERR_INPUT},
	{"k/auditor/a b", ERR_INPUT},
	{"k/auditor/a.b", ERR_INPUT},
	{"auditor/anna", ERR_INPUT},
	{"k/witness/store/12", ERR_INPUT},
	{"k/witness/log", ERR_INPUT},
	{"k /log", ERR_INPUT},
	{"k+/log", ERR_INPUT},
	{"k\n/log", ERR_INPUT},
	{"k\xE2\x80\x83/log", ERR_INPUT}, /* an em space */
	{"k\xFF/log", ERR_INPUT},
};

static void test_principal_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct principal principal = {.store = 777};

		if (principal_parse(slice_text(row->name), &principal) != row->err)
			fail_msg("'%s'", row->name);
		if (row->err != ERR_OK) {
			assert_int_equal(principal.store, 777);
			continue;
		}
		assert_int_equal(principal.kind, row->kind);
		assert_int_equal(principal.store, row->store);
		assert_true(slice_equal(principal.origin, slice_text(row->origin)));
		assert_true(slice_equal(principal.auditor, slice_text(row->auditor)));
	}
}

static void test_principal_parse_at_the_bounds(void **state)
{
	char name[2 * PRINCIPAL_MAX];
	struct principal principal;

	(void)state;
	memset(name, 'a', sizeof(name));
	memcpy(name + ORIGIN_MAX, "/auditor/", 9);
	assert_int_equal(principal_parse(SLICE(name, ORIGIN_MAX + 9 + NAME_MAX_), &principal), ERR_OK);
	assert_int_equal(principal_parse(SLICE(name, ORIGIN_MAX + 9 + NAME_MAX_ + 1), &principal), ERR_INPUT);
	memcpy(name + ORIGIN_MAX, "/log", 4);
	assert_int_equal(principal_parse(SLICE(name, ORIGIN_MAX + 4), &principal), ERR_OK);
	memcpy(name + ORIGIN_MAX, "a/log", 5);
	assert_int_equal(principal_parse(SLICE(name, ORIGIN_MAX + 5), &principal), ERR_INPUT);
}

static void test_principal_store_name(void **state)
{
	char name[PRINCIPAL_MAX + 1];
	char origin[ORIGIN_MAX + 2];
	struct principal principal;

	(void)state;
	memset(origin, 'o', sizeof(origin));
	assert_int_equal(principal_store_name(slice_text("k"), 0, name), ERR_OK);
	assert_string_equal(name, "k/store/0");
	assert_int_equal(principal_store_name(SLICE(origin, ORIGIN_MAX), STORES_MAX - 1, name), ERR_OK);
	assert_int_equal(principal_parse(slice_text(name), &principal), ERR_OK);
	assert_int_equal(principal.store, STORES_MAX - 1);
	assert_int_equal(principal_store_name(SLICE(origin, ORIGIN_MAX + 1), 1, name), ERR_INPUT);
	assert_int_equal(principal_store_name(slice_text("k"), STORES_MAX, name), ERR_INPUT);
	assert_int_equal(principal_store_name(SLICE_EMPTY, 1, name), ERR_INPUT);
	assert_int_equal(principal_store_name(slice_text("k/store"), 1, name), ERR_INPUT);
}

/* R2: the name of vectors/keys.txt's witness; no principal, so nobody sends requests under it. */
static void test_principal_witness_name(void **state)
{
	char name[PRINCIPAL_MAX + 1];
	struct principal principal;

	(void)state;
	assert_int_equal(principal_witness_name(slice_text("example.com/kluis"), 12, name), ERR_OK);
	assert_string_equal(name, "example.com/kluis/witness/store/12");
	assert_int_equal(principal_parse(slice_text(name), &principal), ERR_INPUT);
	assert_int_equal(principal_witness_name(slice_text("k"), STORES_MAX, name), ERR_INPUT);
	assert_int_equal(principal_witness_name(slice_text("k/witness"), 1, name), ERR_INPUT);
}

static void test_origin_is_valid(void **state)
{
	(void)state;
	assert_true(origin_is_valid(slice_text("example.com/a/b")));
	assert_true(origin_is_valid(slice_text("store.example.com")));
	assert_true(origin_is_valid(slice_text("auditor/x")));
	assert_false(origin_is_valid(slice_text("store")));
	assert_false(origin_is_valid(slice_text("a/auditor")));
	assert_false(origin_is_valid(slice_text("a/witness")));
	assert_false(origin_is_valid(slice_text("a/")));
	assert_false(origin_is_valid(slice_text("/")));
	assert_false(origin_is_valid(SLICE_EMPTY));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_principal_parse),	     cmocka_unit_test(test_principal_parse_at_the_bounds),
		cmocka_unit_test(test_principal_store_name), cmocka_unit_test(test_principal_witness_name),
		cmocka_unit_test(test_origin_is_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
