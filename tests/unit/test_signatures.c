#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "audit_log.h"
#include "signatures.h"

#define JOBS 9

/* Of any number of jobs exactly those with the right key are valid, whichever thread had them. */
static void test_signatures_of_any_number_of_jobs(void **state)
{
	struct audit_log *log = audit_log_story(false);
	struct signature_job jobs[JOBS];

	(void)state;
	for (size_t count = 0; count <= JOBS; count++) {
		for (size_t i = 0; i < count; i++) {
			assert_int_equal(entry_open(log->entries[0], &log->arena, &jobs[i].entry, NULL), ERR_OK);
			memcpy(jobs[i].key, log->controller.key, KEY_SIZE);
			jobs[i].key[0] ^= i % 3 == 1; /* another key */
			jobs[i].is_valid = i % 2;
		}
		signatures_check(jobs, count);
		for (size_t i = 0; i < count; i++)
			assert_int_equal(jobs[i].is_valid, i % 3 != 1);
	}
	audit_log_free(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_signatures_of_any_number_of_jobs)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
