/* run.ini: one meaning for each text, and a refusal that names the line for every other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "run/config.h"
#include "scratch.h"

static enum err parse(const char *text, struct run_config *config, struct fault *fault)
{
	fault->text[0] = '\0';
	return run_config_parse(slice_text(text), "run.ini", config, fault);
}

static void test_defaults_hold_without_a_file(void **state)
{
	(void)state;
	struct run_config config = {.till_port = 1};
	struct fault fault = {""};
	char folder[SCRATCH_MAX];
	scratch_new(folder);
	assert_int_equal(run_config_read(folder, &config, &fault), ERR_OK);
	scratch_remove(folder);
	assert_true(config.is_till_served);
	assert_string_equal(config.till_address, "127.0.0.1");
	assert_int_equal(config.till_port, 7411);
	assert_int_equal(config.till_idle_ms, 900000);
	assert_int_equal(config.wait_ms, 50000);
	assert_true(config.is_witness);
	assert_int_equal(config.witness_every_ms, 60000);
}

static void test_each_key_is_taken(void **state)
{
	(void)state;
	struct run_config config;
	struct fault fault;
	assert_int_equal(
		parse("[till]\nlisten = [::1]:80\n[sync]\nwait = 5s\n[witness]\nevery = 2m\n", &config, &fault),
		ERR_OK);
	assert_string_equal(config.till_address, "::1");
	assert_int_equal(config.till_port, 80);
	assert_int_equal(config.wait_ms, 5000);
	assert_int_equal(config.witness_every_ms, 120000);
	assert_int_equal(parse("[till]\nlisten = none\n[witness]\nevery = never\n", &config, &fault), ERR_OK);
	assert_false(config.is_till_served);
	assert_false(config.is_witness);
	assert_int_equal(parse("[till]\nlisten = 127.0.0.1:0\n", &config, &fault), ERR_OK);
	assert_int_equal(config.till_port, 0);
	assert_int_equal(parse("[till]\nidle = 1m\n", &config, &fault), ERR_OK);
	assert_int_equal(config.till_idle_ms, 60000);
	assert_int_equal(parse("[till]\nidle = 8h\n", &config, &fault), ERR_OK);
	assert_int_equal(config.till_idle_ms, 28800000);
	assert_int_equal(parse("", &config, &fault), ERR_OK);
}

static void test_what_cannot_be_is_refused_with_its_line(void **state)
{
	(void)state;
	static const struct {
		const char *text, *place;
	} rows[] = {
		{"[till]\nlisten = 0.0.0.0:7411\n", "run.ini:2"},
		{"[till]\nlisten = 192.168.1.2:7411\n", "run.ini:2"},
		{"[till]\nlisten = localhost:7411\n", "run.ini:2"},
		{"[till]\nlisten = 127.0.0.1\n", "run.ini:2"},
		{"[till]\nlisten = 127.0.0.1:65536\n", "run.ini:2"},
		{"[till]\nlisten = 127.0.0.1:-1\n", "run.ini:2"},
		{"[till]\nidle = 59s\n", "run.ini:2"},
		{"[till]\nidle = 28801s\n", "run.ini:2"},
		{"[till]\nidle = never\n", "run.ini:2"},
		{"[till]\nport = 1\n", "run.ini:2"},
		{"[tills]\nlisten = none\n", "run.ini"},
		{"[sync]\n\nwait = 61s\n", "run.ini:3"},
		{"[sync]\nwait = 0s\n", "run.ini:2"},
		{"[sync]\nwait = 5\n", "run.ini:2"},
		{"[witness]\nevery = 0s\n", "run.ini:2"},
		{"[witness]\nevery = 2d\n", "run.ini:2"},
		{"[witness]\nevery = 1m\nevery = 1m\n", "run.ini:3"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct run_config config = {.till_port = 99};
		struct fault fault;
		if (parse(rows[i].text, &config, &fault) == ERR_OK)
			fail_msg("taken: %s", rows[i].text);
		if (strstr(fault.text, rows[i].place) == NULL)
			fail_msg("%s: '%s'", rows[i].text, fault.text);
		assert_int_equal(config.till_port, 99);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults_hold_without_a_file),
		cmocka_unit_test(test_each_key_is_taken),
		cmocka_unit_test(test_what_cannot_be_is_refused_with_its_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
