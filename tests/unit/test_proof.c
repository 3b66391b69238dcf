#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "audit_log.h"
#include "proof.h"

static struct mirror mirror;

static int set_up(void **state)
{
	struct fault fault = {""};

	(void)state;
	story = audit_log_story(true);
	audit_log_mirror(story);
	return mirror_open(story->mirror, &mirror, &fault) == ERR_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	mirror_close(&mirror);
	audit_log_free(&story);
	return 0;
}

static void test_proof_of_every_entry_verifies(void **state)
{
	struct bytes proof, entry;
	struct checkpoint checkpoint;
	struct fault fault = {""};
	uint64_t index;

	(void)state;
	bytes_init(&proof, PAPER_MAX);
	bytes_init(&entry, ENTRY_MAX);
	for (uint64_t i = 0; i < story->count; i += i < 2 || i > 500 ? 1 : 37) {
		bytes_clear(&proof);
		bytes_clear(&entry);
		assert_int_equal(proof_make(&mirror, i, &proof, &fault), ERR_OK);
		assert_int_equal(proof_entry(&mirror, i, &entry, &fault), ERR_OK);
		assert_true(slice_equal(bytes_slice(&entry), story->entries[i]));
		assert_int_equal(proof_check(bytes_slice(&proof), bytes_slice(&entry), &story->key.public, &index,
					     &checkpoint, &fault),
				 ERR_OK);
		assert_int_equal(index, i);
		assert_int_equal(checkpoint.size, story->count);
		/* another entry is not proved by it */
		entry.data[entry.length - 1] ^= 1;
		assert_int_not_equal(proof_check(bytes_slice(&proof), bytes_slice(&entry), &story->key.public, &index,
						 &checkpoint, &fault),
				     ERR_OK);
	}
	bytes_fini(&proof);
	bytes_fini(&entry);
}

static void test_proof_past_the_end(void **state)
{
	struct bytes proof;
	struct fault fault = {""};

	(void)state;
	bytes_init(&proof, PAPER_MAX);
	assert_int_equal(proof_make(&mirror, story->count, &proof, &fault), ERR_NOT_FOUND);
	assert_int_equal(proof_entry(&mirror, story->count, &proof, NULL), ERR_NOT_FOUND);
	bytes_fini(&proof);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proof_of_every_entry_verifies),
		cmocka_unit_test(test_proof_past_the_end),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
