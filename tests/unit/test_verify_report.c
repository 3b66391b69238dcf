/* What verify says, to people and to machines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test_keys.h"
#include "verify_report.h"

static struct verify_summary summary;
static struct verify_options options;
static struct public_key witness;
static struct policy *policy;

static int set_up(void **state)
{
	struct secret_key key = test_seed_key("w.example", 9);

	(void)state;
	summary = (struct verify_summary){.first_ms = 1795363200000, .last_ms = 1795363200000, .signatures = 7};
	options = (struct verify_options){.since = NULL};
	summary.checkpoint.size = 12;
	memcpy(summary.controller.name, "a.example/controller", 21);
	assert_int_equal(public_key_init(&witness, slice_text("w.example"), KEY_TYPE_COSIGNATURE, key.public.key),
			 ERR_OK);
	secret_key_fini(&key);
	policy = calloc(1, sizeof *policy);
	policy->node_count = 2;
	policy->nodes[0] = (struct policy_node){.name = slice_text("one"), .key = &witness};
	policy->nodes[1] = (struct policy_node){.name = slice_text("t\xff\x1b"), .key = &witness};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(policy);
	return 0;
}

static char *text_report(void)
{
	char *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);

	assert_int_equal(verify_report_text(&summary, &options, file), ERR_OK);
	fclose(file);
	return text;
}

static json_t *json_report(json_t *findings)
{
	char *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);

	assert_int_equal(verify_report_json(&summary, &options, findings, file), ERR_OK);
	fclose(file);
	json_t *object = json_loads(text, 0, NULL);
	assert_non_null(object);
	free(text);
	return object;
}

static void test_text(void **state)
{
	(void)state;
	char *text = text_report();
	assert_non_null(strstr(text, "verified: 12 entries from 2026-11-22T16:00:00.000Z"));
	assert_non_null(strstr(text, "7 signatures"));
	assert_null(strstr(text, "policy"));
	free(text);
	options.skips_signatures = true;
	text = text_report();
	assert_non_null(strstr(text, "NOT checked"));
	free(text);
}

static void test_text_of_a_policy(void **state)
{
	(void)state;
	options.policy = policy;
	summary.cosigned = (struct cosigned_summary){.is_there = true, .size = 9, .is_judged = true};
	summary.cosigned.outcome.is_met = summary.cosigned.outcome.is_signed[0] = true;
	char *text = text_report();
	assert_non_null(strstr(text, "the policy is met at 9 entries, cosigned by one\n"));
	free(text);
	summary.cosigned.outcome.is_signed[1] = true;
	text = text_report();
	assert_non_null(strstr(text, "cosigned by one, t\xff?\n")); /* nothing that drives a terminal */
	free(text);
	policy->quorum = -1;
	text = text_report();
	assert_non_null(strstr(text, "it asks for no witness"));
	free(text);
}

static void test_json(void **state)
{
	json_t *findings = json_array();

	(void)state;
	json_t *object = json_report(findings);
	assert_true(json_is_true(json_object_get(object, "verified")));
	assert_int_equal(json_integer_value(json_object_get(object, "entries")), 12);
	assert_true(json_is_null(json_object_get(object, "policy")));
	json_decref(object);
	json_array_append_new(findings, json_string("entry 3: odd"));
	object = json_report(findings);
	assert_true(json_is_false(json_object_get(object, "verified")));
	assert_string_equal(json_string_value(json_array_get(json_object_get(object, "findings"), 0)), "entry 3: odd");
	json_decref(object);
	json_decref(findings);
}

static void test_json_of_a_policy(void **state)
{
	json_t *findings = json_array();

	(void)state;
	options.policy = policy;
	summary.cosigned = (struct cosigned_summary){.is_there = true, .size = 9, .is_judged = true};
	summary.cosigned.outcome.is_log = summary.cosigned.outcome.is_signed[0] = true;
	summary.cosigned.outcome.time_s[0] = 1795363200;
	json_t *object = json_report(findings);
	json_t *judged = json_object_get(object, "policy");
	assert_true(json_is_false(json_object_get(judged, "met")));
	assert_true(json_is_true(json_object_get(judged, "log")));
	assert_int_equal(json_integer_value(json_object_get(judged, "entries")), 9);
	assert_string_equal(json_string_value(json_object_get(judged, "quorum")), "one");
	json_t *one = json_array_get(json_object_get(judged, "cosigned"), 0);
	assert_string_equal(json_string_value(json_object_get(one, "name")), "one");
	assert_string_equal(json_string_value(json_object_get(one, "key")), "w.example");
	assert_string_equal(json_string_value(json_object_get(one, "time")), "2026-11-22T16:00:00.000Z");
	json_t *two = json_array_get(json_object_get(judged, "missing"), 0);
	assert_string_equal(json_string_value(json_object_get(two, "name")), "74ff1b"); /* not UTF-8 */
	assert_null(json_object_get(two, "time"));
	json_decref(object);
	json_decref(findings);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_text),
		TEST(test_text_of_a_policy),
		TEST(test_json),
		TEST(test_json_of_a_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
