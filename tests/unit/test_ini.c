#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fail.h"
#include "kluis/ini.h"
#include "kluis/limits.h"

/* What was taken, as "section|key|value;" in order. */
struct taken {
	char text[40000];
};

static enum err take(void *target, const char *section_name, const char *key, char *value, struct arena *arena,
		     struct fault *fault)
{
	struct taken *taken = target;
	size_t used = strlen(taken->text);

	(void)arena;
	if (strcmp(value, "bad") == 0)
		return fault_set(fault, ERR_FIELD, "'bad' is bad");
	snprintf(taken->text + used, sizeof(taken->text) - used, "%s|%s|%s;", section_name, key, value);
	return ERR_OK;
}

static const struct ini_key keys[] = {
	{"one", "a", true, take},      {"one", "b", false, take}, {"grant *", "x", true, take},
	{"grant *", "y", false, take}, {"any", "*", false, take}, {"any", "fixed", false, take},
};

static struct taken taken;
static struct fault fault;

static enum err read_bytes(const char *text, size_t length)
{
	struct arena arena CLEANUP(arena_fini);

	arena_init(&arena, 1 << 20);
	taken.text[0] = '\0';
	fault.text[0] = '\0';
	return ini_read(SLICE(text, length), "file.ini", keys, sizeof(keys) / sizeof(keys[0]), &taken, &arena, &fault);
}

static void test_ini_read_accepts(void **state)
{
	static const struct {
		const char *text, *taken;
	} rows[] = {
		{"[one]\na = 1\n", "|a|1;"},
		{"[one]\na=1", "|a|1;"},
		{"# c\n; c\n\n[one] ; c\n  ; c\na = 1 ; c\nb = 2;3\n", "|a|1;|b|2;3;"},
		{"[one]\na = 1\n   2 ; c\n   ; c\n   3\n", "|a|1\n2\n3;"},
		{"[one]\na =\n   1\n", "|a|1;"},
		{"[one]\na = x = y : z\n", "|a|x = y : z;"},
		{"[one]\na = [b]\n    [c]\n", "|a|[b]\n[c];"},
		{"[one]\na = #1\n", "|a|#1;"},
		{"[one]\na = caf\xc3\xa9\n", "|a|caf\xc3\xa9;"},
		{"[one]\na = 1\n[grant p]\nx = 1\n[grant q]\nx = 2\n", "|a|1;p|x|1;q|x|2;"},
		{"[any]\nEurope/Amsterdam = CET\nfixed = 2\n[one]\na = 1\n", "|Europe/Amsterdam|CET;|fixed|2;|a|1;"},
		/* over the 49 bytes at which inih cuts names */
		{"[grant aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]\nx = 1\n[one]\na = 1\n",
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa|x|1;|a|1;"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(read_bytes(rows[i].text, strlen(rows[i].text)), ERR_OK);
		assert_string_equal(taken.text, rows[i].taken);
	}
}

static void test_ini_read_refuses(void **state)
{
	static const struct {
		const char *text;
		enum err code;
		const char *fault; /* how it begins */
	} rows[] = {
		{"", ERR_INPUT, "file.ini:0: section [one] is missing"},
		{"[any]\nk = v\n", ERR_INPUT, "file.ini:2: section [one] is missing"},
		{"[one]\nb = 1\n", ERR_INPUT, "file.ini:1: [one] lacks the key 'a'"},
		{"[one]\na = 1\n\n[grant p]\ny = 1\n", ERR_INPUT, "file.ini:4: [grant p] lacks the key 'x'"},
		{"[one]\na = 1\n[two]\n", ERR_INPUT, "file.ini:3: unknown section [two]"},
		{"[one]\na = 1\n[grant]\n", ERR_INPUT, "file.ini:3: unknown section [grant]"},
		{"[one]\na = 1\nc = 1\n", ERR_INPUT, "file.ini:3: unknown key 'c' in [one]; known are: a, b"},
		{"[one]\na = 1\n[one]\na = 1\n", ERR_INPUT, "file.ini:3: section 'one' is given twice"},
		{"[one]\na = 1\na = 1\n", ERR_INPUT, "file.ini:3: key 'a' is given twice"},
		{"[any]\nk/k = 1\nk/k = 1\n", ERR_INPUT, "file.ini:3: key 'k/k' is given twice"},
		{"a = 1\n[one]\n", ERR_INPUT, "file.ini:1: key 'a' before the first [section]"},
		{"[one]\na = 1\njunk\n", ERR_INPUT, "file.ini:3: neither"},
		{"[one]\na : 1\n", ERR_INPUT, "file.ini:2: neither"},
		{"[one]\na:b = 1\n", ERR_INPUT, "file.ini:2: key must be"},
		{"[one]\na ;b = 1\n", ERR_INPUT, "file.ini:2: key must be"},
		{"[one]\n= 1\n", ERR_INPUT, "file.ini:2: key must be"},
		{"[one]\na =\n", ERR_INPUT, "file.ini:2: [one] a has no value"},
		{"[one]\na = ; only a comment\n", ERR_INPUT, "file.ini:2: [one] a has no value"},
		{"[one]\na =\n[any]\n", ERR_INPUT, "file.ini:2: [one] a has no value"},
		{"[one]\n\ta = 1\n", ERR_INPUT, "file.ini:2: tab"},
		{"[one]\r\na = 1\r\n", ERR_INPUT, "file.ini:1: carriage return"},
		{"[one]\na = \x01\n", ERR_INPUT, "file.ini:2: control character"},
		{"[one]\na = \x7f\n", ERR_INPUT, "file.ini:2: control character"},
		{"[one]\na = \xc3\n", ERR_INPUT, "file.ini:2: control character, or not UTF-8"},
		{"\xef\xbb\xbf[one]\na = 1\n", ERR_INPUT, "file.ini:1: neither"},
		{" [one]\na = 1\n", ERR_INPUT, "file.ini:1: indented line continues nothing"},
		{"[one]\n  a = 1\n", ERR_INPUT, "file.ini:2: indented line continues nothing"},
		{"[one]\na = 1\n\n  2\n", ERR_INPUT, "file.ini:4: indented line continues nothing"},
		{"[one\na = 1\n", ERR_INPUT, "file.ini:1: '[' without ']'"},
		{"[one] x\na = 1\n", ERR_INPUT, "file.ini:1: text after ']'"},
		{"[ one]\na = 1\n", ERR_INPUT, "file.ini:1: section's title"},
		{"[grant  p]\nx = 1\n", ERR_INPUT, "file.ini:1: section's title"},
		{"[grant p q]\nx = 1\n", ERR_INPUT, "file.ini:1: section's title"},
		{"[]\na = 1\n", ERR_INPUT, "file.ini:1: section's title"},
		{"[one]\n\na = bad\n", ERR_FIELD, "file.ini:3: [one] a: 'bad' is bad"},
		{"[one]\na = bad\nb = 1\n\n", ERR_FIELD, "file.ini:2: [one] a: 'bad' is bad"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum err code = read_bytes(rows[i].text, strlen(rows[i].text));
		if (code != rows[i].code || strncmp(fault.text, rows[i].fault, strlen(rows[i].fault)) != 0)
			fail_msg("row %zu: %d, %s", i, (int)code, fault.text);
	}
}

static void test_ini_read_refuses_nul(void **state)
{
	(void)state;
	assert_int_equal(read_bytes("[one]\na = 1\0\n", 13), ERR_INPUT);
	assert_non_null(strstr(fault.text, "file.ini:2: control character"));
}

/* A line of 180 bytes is read whole, one of 181 is refused: inih would cut at 200. */
static void test_ini_read_line_limit(void **state)
{
	char text[256] = "[one]\na = ";

	(void)state;
	memset(text + 10, 'v', 177);
	assert_int_equal(read_bytes(text, 6 + 180), ERR_OK);
	assert_int_equal(strlen(taken.text), strlen("|a|;") + 176);
	assert_int_equal(read_bytes(text, 6 + 181), ERR_INPUT);
	assert_non_null(strstr(fault.text, "file.ini:2: line is longer"));
}

static void test_ini_read_value_limit(void **state)
{
	static char text[20000] = "[one]\na = 1\n";
	size_t length = strlen(text);

	(void)state;
	/* each continued line adds 99 characters and a newline: 1 + 163 * 100 <= 16384 < 1 + 164 * 100 */
	for (int i = 0; i < 164; i++, length += 101) {
		memset(text + length, 'v', 100);
		text[length] = ' ';
		text[length + 100] = '\n';
	}
	assert_int_equal(read_bytes(text, length - 101), ERR_OK);
	assert_int_equal(read_bytes(text, length), ERR_TOO_LARGE);
	assert_non_null(strstr(fault.text, "file.ini:2: [one] a"));
}

static void test_ini_read_key_limit(void **state)
{
	static char text[20000] = "[one]\na = 1\n[any]\n";

	(void)state;
	for (int i = 0; i < INI_KEYS_MAX; i++)
		snprintf(text + strlen(text), 32, "k%d = 1\n", i);
	assert_int_equal(read_bytes(text, strlen(text)), ERR_OK);
	snprintf(text + strlen(text), 32, "more = 1\n");
	assert_int_equal(read_bytes(text, strlen(text)), ERR_INPUT);
	assert_non_null(strstr(fault.text, ":516: more than 512"));
}

/* Whatever the arena's ceiling: ERR_OK or ERR_MEMORY. */
static void test_ini_read_without_memory(void **state)
{
	static const char text[] = "[one]\na = 1\nb = 2\n[grant p]\nx = 1\n";
	enum err code = ERR_MEMORY;

	(void)state;
	for (size_t ceiling = 0; code != ERR_OK; ceiling += 16) {
		struct arena arena CLEANUP(arena_fini);
		arena_init(&arena, ceiling);
		taken.text[0] = fault.text[0] = '\0';
		code = ini_read(slice_text(text), "f", keys, sizeof(keys) / sizeof(keys[0]), &taken, &arena, &fault);
		assert_true(code == ERR_OK || code == ERR_MEMORY);
		assert_true(ceiling < 100000);
	}
}

static void test_ini_fault_finds_the_line(void **state)
{
	static const char text[] = "[one]\na = 1\n\n[grant p]\nx = 1\n  a\ny = 2\n";
	static const struct {
		const char *section, *key, *fault;
	} rows[] = {
		{"one", "a", "f:2: [one] a: is 7"},	    {"grant p", "y", "f:7: [grant p] y: is 7"},
		{"grant p", NULL, "f:4: [grant p]: is 7"},  {"grant p", "z", "f:4: [grant p] z: is 7"},
		{"grant q", "a", "f:0: [grant q] a: is 7"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fault found = {.text = ""};
		assert_int_equal(
			ini_fault(slice_text(text), "f", rows[i].section, rows[i].key, &found, ERR_PAPER, "is %d", 7),
			ERR_PAPER);
		assert_string_equal(found.text, rows[i].fault);
	}
}

static enum err read_once(void *context)
{
	(void)context;
	return read_bytes("[one]\na = 1\n  2\n", 16);
}

static void test_ini_read_with_failing_allocations(void **state)
{
	(void)state;
	fail_sweep(FAIL_MEMORY, read_once, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ini_read_accepts),
		cmocka_unit_test(test_ini_read_refuses),
		cmocka_unit_test(test_ini_read_refuses_nul),
		cmocka_unit_test(test_ini_read_line_limit),
		cmocka_unit_test(test_ini_read_value_limit),
		cmocka_unit_test(test_ini_read_key_limit),
		cmocka_unit_test(test_ini_read_without_memory),
		cmocka_unit_test(test_ini_fault_finds_the_line),
		cmocka_unit_test(test_ini_read_with_failing_allocations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
