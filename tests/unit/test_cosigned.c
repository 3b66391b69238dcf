/* The cosigned checkpoint beside a mirror (FORMAT.md R145): what is kept, what is found, and when a policy is met. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "audit_log.h"
#include "cosigned.h"
#include "kluis/file.h"
#include "test_keys.h"
#include "verify.h"

#define TIME_S 1800000000
#define WITNESS "w.example"

static struct finding_lines lines;
static struct chain chain;

static int set_up(void **state)
{
	(void)state;
	story = audit_log_story(false);
	audit_log_mirror(story);
	chain = (struct chain){.given = story->key.public};
	return 0;
}

/* The note of the first size entries, by the log (or another key), cosigned by the witness. */
static void note_of(size_t size, const struct secret_key *log, bool is_cosigned, struct bytes *ret_note)
{
	struct secret_key witness = test_seed_key(WITNESS, 9);
	struct frontier *frontier = calloc(1, sizeof *frontier);
	struct hash leaf, root;

	for (size_t i = 0; i < size; i++) {
		merkle_leaf(story->entries[i], &leaf);
		frontier_append(frontier, &leaf);
	}
	frontier_root(frontier, &root);
	bytes_init(ret_note, PAPER_MAX);
	assert_int_equal(checkpoint_sign(size, &root, log, ret_note), ERR_OK);
	size_t text = (size_t)((uint8_t *)memmem(ret_note->data, ret_note->length, "\n\n", 2) + 1 - ret_note->data);
	uint8_t *copy = arena_copy(&story->arena, SLICE(ret_note->data, text));
	if (is_cosigned)
		assert_int_equal(note_append_cosignature(ret_note, SLICE(copy, text), &witness, TIME_S), ERR_OK);
	free(frontier);
	secret_key_fini(&witness);
}

static const struct policy *policy_of(const char *quorum)
{
	struct secret_key witness = test_seed_key(WITNESS, 9), other = test_seed_key("v.example", 10);
	struct public_key cosigner;
	struct policy *policy = NULL;
	struct bytes text = {0};
	struct fault fault = {""};

	bytes_init(&text, 4096);
	assert_int_equal(bytes_append(&text, slice_text("log ")), ERR_OK);
	assert_int_equal(public_key_print(&story->key.public, &text), ERR_OK);
	assert_int_equal(bytes_append(&text, slice_text("\nwitness one ")), ERR_OK);
	assert_int_equal(public_key_init(&cosigner, slice_text(WITNESS), KEY_TYPE_COSIGNATURE, witness.public.key),
			 ERR_OK);
	assert_int_equal(public_key_print(&cosigner, &text), ERR_OK);
	assert_int_equal(bytes_append(&text, slice_text("\nwitness two ")), ERR_OK);
	assert_int_equal(public_key_init(&cosigner, slice_text("v.example"), KEY_TYPE_COSIGNATURE, other.public.key),
			 ERR_OK);
	assert_int_equal(public_key_print(&cosigner, &text), ERR_OK);
	assert_int_equal(bytes_printf(&text, "\ngroup either any one two\nquorum %s\n", quorum), ERR_OK);
	uint8_t *copy = arena_copy(&story->arena, bytes_slice(&text));
	if (policy_parse(SLICE(copy, text.length), &story->arena, &policy, &fault) != ERR_OK)
		fail_msg("%s", fault.text);
	bytes_fini(&text);
	secret_key_fini(&witness);
	secret_key_fini(&other);
	return policy;
}

static void put(const struct bytes *note)
{
	char path[SCRATCH_MAX + 64];

	snprintf(path, sizeof path, "%s/" COSIGNED_NAME, story->mirror);
	assert_int_equal(file_write(path, bytes_slice(note), 0644, NULL), ERR_OK);
}

/* Findings of the whole of verify. */
static uint64_t verify(const struct policy *policy, struct verify_summary *ret_summary)
{
	struct verify_options options = {.log = story->key.public, .policy = policy};
	struct findings findings = finding_lines_init(&lines);
	struct fault fault = {""};

	if (verify_mirror(story->mirror, &options, &findings, ret_summary, &fault) != ERR_OK)
		fail_msg("verify: %s", fault.text);
	return findings.count;
}

/* Any checkpoint that the log may have signed on its way is one of this tree. */
static void test_each_earlier_checkpoint_is_kept(void **state)
{
	(void)state;
	for (size_t size = 1; size <= story->count; size++) {
		struct bytes note = {0};
		bool is_kept = false;

		note_of(size, &story->key, true, &note);
		assert_int_equal(cosigned_keep(story->mirror, &chain, bytes_slice(&note), &is_kept, NULL), ERR_OK);
		assert_true(is_kept);
		bytes_fini(&note);
	}
}

static void test_what_is_kept_verifies_and_meets_a_policy(void **state)
{
	struct verify_summary summary;
	struct bytes note CLEANUP(bytes_fini) = {0}, names CLEANUP(bytes_fini) = {0};
	bool is_kept = false;
	const struct policy *policy = policy_of("either");

	(void)state;
	note_of(7, &story->key, true, &note);
	assert_int_equal(cosigned_keep(story->mirror, &chain, bytes_slice(&note), &is_kept, NULL), ERR_OK);
	assert_true(is_kept);
	if (verify(policy, &summary) != 0)
		fail_msg("%s", lines.all);
	assert_true(summary.cosigned.is_there && summary.cosigned.is_judged && summary.cosigned.outcome.is_met);
	assert_int_equal(summary.cosigned.size, 7);
	bytes_init(&names, 100);
	assert_int_equal(cosigned_names(policy, &summary.cosigned.outcome, true, &names), ERR_OK);
	assert_true(slice_equal(bytes_slice(&names), slice_text("one")));
	/* without a policy the file still belongs there */
	assert_int_equal(verify(NULL, &summary), 0);
	assert_false(summary.cosigned.is_judged);
}

static void test_a_quorum_that_is_not_met_is_a_finding(void **state)
{
	struct verify_summary summary;
	struct bytes note CLEANUP(bytes_fini) = {0};

	(void)state;
	note_of(7, &story->key, true, &note);
	put(&note);
	assert_int_equal(verify(policy_of("two"), &summary), 1);
	assert_string_equal(lines.first,
			    COSIGNED_NAME ": the policy's quorum two is not met at 7 entries: cosigned by one");
	bytes_fini(&note);
	note_of(7, &story->key, false, &note);
	put(&note);
	assert_int_equal(verify(policy_of("either"), &summary), 1);
	assert_non_null(strstr(lines.first, "cosigned by nobody that it names"));
	assert_int_equal(verify(policy_of("none"), &summary), 0);
}

static void test_without_a_cosigned_checkpoint(void **state)
{
	struct verify_summary summary;

	(void)state;
	assert_int_equal(verify(policy_of("none"), &summary), 0);
	assert_false(summary.cosigned.is_there);
	assert_int_equal(summary.cosigned.size, story->count);
	assert_int_equal(verify(policy_of("one"), &summary), 1);
	assert_non_null(strstr(lines.first, "checkpoint: the policy's quorum one is not met"));
}

/* What was put there by somebody else than mirror. */
static void test_what_does_not_hold_is_named(void **state)
{
	struct verify_summary summary;
	struct bytes note CLEANUP(bytes_fini) = {0};
	struct secret_key stranger = test_seed_key(story->key.public.name, 77);
	const struct policy *policy = policy_of("one");

	(void)state;
	note_of(7, &stranger, true, &note);
	put(&note);
	assert_int_equal(verify(policy, &summary), 1);
	assert_non_null(strstr(lines.first, COSIGNED_NAME ": not a checkpoint of this log"));
	assert_false(summary.cosigned.is_judged);
	bytes_fini(&note);
	struct slice first = story->entries[0];
	story->entries[0] = story->entries[1];
	note_of(7, &story->key, true, &note);
	story->entries[0] = first;
	put(&note);
	assert_int_equal(verify(policy, &summary), 1);
	assert_non_null(strstr(lines.first, "shown its witnesses another history"));
	bytes_fini(&note);
	note_of(7, &story->key, true, &note);
	uint8_t *letter = &note.data[note.length - 20]; /* of the cosignature's base64 */
	*letter = *letter == 'A' ? 'B' : 'A';
	put(&note);
	assert_int_equal(verify(policy, &summary), 1);
	assert_non_null(strstr(lines.first, "the cosignature of one does not verify"));
	secret_key_fini(&stranger);
}

static void test_a_checkpoint_beyond_the_mirror(void **state)
{
	struct verify_summary summary;
	struct bytes note CLEANUP(bytes_fini) = {0};
	bool is_kept = true;

	(void)state;
	note_of(story->count, &story->key, true, &note);
	story->shown = 9;
	char folder[sizeof story->mirror];
	memcpy(folder, story->mirror, sizeof folder);
	snprintf(story->mirror, sizeof story->mirror, "%.*s/short", SCRATCH_MAX, story->scratch);
	audit_log_mirror(story);
	assert_int_equal(cosigned_keep(story->mirror, &chain, bytes_slice(&note), &is_kept, NULL), ERR_OK);
	assert_false(is_kept);
	put(&note);
	assert_int_equal(verify(NULL, &summary), 1);
	assert_non_null(strstr(lines.first, "more than the mirror has"));
}

/* Two histories: both notes are kept, the mirror stays as it was. */
static void test_keep_refuses_another_history(void **state)
{
	struct bytes note CLEANUP(bytes_fini) = {0};
	struct secret_key stranger = test_seed_key(story->key.public.name, 77);
	struct fault fault = {""};
	char path[SCRATCH_MAX + 64];
	bool is_kept = true;

	(void)state;
	struct slice first = story->entries[0];
	story->entries[0] = story->entries[1];
	note_of(7, &story->key, true, &note);
	story->entries[0] = first;
	assert_int_equal(cosigned_keep(story->mirror, &chain, bytes_slice(&note), &is_kept, &fault), ERR_INCONSISTENT);
	assert_false(is_kept);
	assert_non_null(strstr(fault.text, "evidence"));
	snprintf(path, sizeof path, "%s/" COSIGNED_NAME, story->mirror);
	assert_int_not_equal(access(path, F_OK), 0);
	snprintf(path, sizeof path, "%s/evidence", story->mirror);
	assert_int_equal(access(path, F_OK), 0);
	bytes_fini(&note);
	note_of(7, &stranger, true, &note);
	assert_int_equal(cosigned_keep(story->mirror, &chain, bytes_slice(&note), &is_kept, &fault), ERR_SIGNATURE);
	secret_key_fini(&stranger);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, audit_log_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_each_earlier_checkpoint_is_kept),	  TEST(test_what_is_kept_verifies_and_meets_a_policy),
		TEST(test_a_quorum_that_is_not_met_is_a_finding), TEST(test_without_a_cosigned_checkpoint),
		TEST(test_what_does_not_hold_is_named),		  TEST(test_a_checkpoint_beyond_the_mirror),
		TEST(test_keep_refuses_another_history),
	};

	if (keys_init() != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
