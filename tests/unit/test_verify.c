#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "audit_log.h"
#include "fail.h"
#include "kluis/file.h"
#include "verify.h"

static struct finding_lines lines;

/* Findings of verify on the story's mirror; the result's code too. */
static uint64_t verify(struct audit_log *log, struct verify_summary *ret_summary)
{
	struct verify_options options = {.log = log->key.public};
	struct findings findings = finding_lines_init(&lines);
	struct fault fault = {""};
	enum err err = verify_mirror(log->mirror, &options, &findings, ret_summary, &fault);

	if (err != ERR_OK)
		fail_msg("verify: %s %s", error_text(err), fault.text);
	return findings.count;
}

static void test_verify_whole_log(void **state)
{
	struct verify_summary summary;

	(void)state;
	audit_log_mirror(story);
	if (verify(story, &summary) != 0)
		fail_msg("%s", lines.all);
	assert_int_equal(summary.checkpoint.size, story->count);
	assert_int_equal(summary.signatures, story->count);
	assert_int_equal(summary.principals, 3); /* head office, two stores */
	assert_int_equal(summary.papers, 3);	 /* a charter, two agreements */
	assert_int_equal(summary.since, 0);
	/* and the second time it continues what was verified */
	assert_int_equal(verify(story, &summary), 0);
	assert_int_equal(summary.since, story->count);
}

/* ---- what was altered is found, and named ---- */

struct flips {
	struct audit_log *log;
	unsigned seen;
};

/* Findings with one bit of the file's byte at place turned; the file is then as before. */
static uint64_t verify_flipped(struct audit_log *log, const char *path, struct bytes *bytes, size_t place)
{
	struct verify_options options = {.log = log->key.public, .skips_signatures = true};
	struct findings findings = finding_lines_init(&lines);
	struct verify_summary summary;
	struct fault fault = {""};
	FILE *file = fopen(path, "r+b");
	enum err err;

	assert_non_null(file);
	fseek(file, (long)place, SEEK_SET);
	fputc(bytes->data[place] ^ (1 << place % 8), file);
	fflush(file);
	err = verify_mirror(log->mirror, &options, &findings, &summary, &fault);
	fseek(file, (long)place, SEEK_SET);
	fputc(bytes->data[place], file);
	fclose(file);
	/* a checkpoint of which not even the size can be read is an error that names it */
	if (err != ERR_OK) {
		snprintf(lines.all, sizeof(lines.all), "%s", fault.text);
		return 1;
	}
	return findings.count;
}

/* Every byte of short files; of long ones every 7th and both ends. */
static enum err flip_file(void *context, const char *name, struct fault *fault)
{
	struct flips *flips = context;
	struct bytes bytes CLEANUP(bytes_fini);
	char path[MIRROR_PATH_MAX];

	bytes_init(&bytes, BUNDLE_MAX);
	TRY(mirror_path(flips->log->mirror, name, path, fault));
	TRY(file_read(path, &bytes, fault));
	size_t stride = bytes.length > 2000 ? 7 : 1;
	for (size_t i = 0; i < bytes.length; i += i + stride < bytes.length || i + 1 == bytes.length ? stride : 1) {
		if (verify_flipped(flips->log, path, &bytes, i) == 0)
			fail_msg("%s: byte %zu altered and not found", name, i);
		if (strstr(lines.all, name) == NULL)
			fail_msg("%s: byte %zu altered, but it says: %s", name, i, lines.all);
		flips->seen++;
	}
	return ERR_OK;
}

static void test_verify_finds_any_altered_byte(void **state)
{
	struct flips flips = {.log = story};
	struct fault fault = {""};

	(void)state;
	audit_log_mirror(story);
	assert_int_equal(mirror_each_file(story->mirror, flip_file, &flips, &fault), ERR_OK);
	assert_true(flips.seen > 5000);
}

/* ---- what a dishonest broker signed ---- */

static void assert_found(struct audit_log *log, const char *what)
{
	struct verify_summary summary;

	if (verify(log, &summary) == 0)
		fail_msg("nothing found, where it should say: %s", what);
	if (strstr(lines.all, what) == NULL)
		fail_msg("it should say: %s\nbut says:\n%s", what, lines.all);
}

static void set_clock_back(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->time_ms -= 2 * DAY_MS;
}

static void spoil_signature(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->signature.data[7] ^= 1;
}

/* The store was answered with another result than the log now holds: its next request tells. */
static void rewrite_result(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->results[0]->code = ERR_HOURS;
	entry->results[0]->n_disclosures = 0;
}

static void test_verify_finds_time_that_goes_back(void **state)
{
	(void)state;
	audit_log_change(story, story->count - 1, set_clock_back);
	audit_log_mirror(story);
	assert_found(story, "is before that of an earlier entry");
}

static void test_verify_finds_a_forged_request(void **state)
{
	char where[160];

	(void)state;
	audit_log_change(story, 20, spoil_signature);
	audit_log_mirror(story);
	snprintf(where, sizeof(where),
		 "entry 20 (tile/entries/000.p/%zu): its signature is not by " FRANCHISE_ORIGIN "/store/12's key",
		 story->count);
	assert_found(story, where);
}

static void test_verify_finds_a_result_rewritten_after_it_was_sent(void **state)
{
	size_t index = audit_log_find(story, KLUIS__OPERATION__KIND_LOOKUP, 0);

	(void)state;
	audit_log_change(story, index, rewrite_result);
	audit_log_mirror(story);
	assert_found(story, "with another leaf or place than entry 19");
	assert_int_equal(lines.count, 1);
	assert_int_equal(index, 19);
}

/* Left out, put twice, exchanged: the numbers and acknowledgements of the lane tell. */
static void test_verify_finds_an_entry_left_out(void **state)
{
	(void)state;
	memmove(&story->entries[20], &story->entries[21], (story->count - 21) * sizeof(story->entries[0]));
	story->shown = --story->count;
	audit_log_mirror(story);
	assert_found(story, "on lane 0 of " FRANCHISE_ORIGIN "/store/12, where");
}

static void test_verify_finds_an_entry_put_twice(void **state)
{
	(void)state;
	story->entries[story->count] = story->entries[story->count - 1];
	story->shown = ++story->count;
	audit_log_mirror(story);
	assert_found(story, "where");
}

static void test_verify_finds_a_log_that_does_not_begin_with_a_charter(void **state)
{
	(void)state;
	memmove(&story->entries[0], &story->entries[1], (story->count - 1) * sizeof(story->entries[0]));
	story->shown = --story->count;
	audit_log_mirror(story);
	assert_found(story, "the first entry is not head office's charter");
}

static void test_verify_finds_entries_that_are_not_well_formed(void **state)
{
	(void)state;
	story->entries[5] = slice_text("this is no entry");
	audit_log_mirror(story);
	assert_found(story, "not well-formed");
}

/* ---- histories ---- */

static void test_verify_finds_a_second_history(void **state)
{
	struct verify_summary summary;

	(void)state;
	story->shown = 30;
	audit_log_mirror(story);
	assert_int_equal(verify(story, &summary), 0);
	assert_int_equal(summary.checkpoint.size, 30);
	/* the log goes on: fine */
	story->shown = 40;
	audit_log_mirror(story);
	assert_int_equal(verify(story, &summary), 0);
	assert_int_equal(summary.since, 30);
	/* another mirror of another history, held against what was verified here */
	audit_log_change(story, 25, rewrite_result);
	snprintf(story->mirror, sizeof(story->mirror), "%s/other", story->scratch);
	audit_log_mirror(story);
	char since[SCRATCH_MAX + 32];
	snprintf(since, sizeof(since), "%s/mirror/.verified", story->scratch);
	struct verify_options options = {.log = story->key.public, .since = since};
	struct findings findings = finding_lines_init(&lines);
	struct fault fault = {""};
	assert_int_equal(verify_mirror(story->mirror, &options, &findings, &summary, &fault), ERR_OK);
	assert_non_null(strstr(lines.all, "does not continue the 40 entries"));
	assert_non_null(strstr(lines.all, "two histories"));
}

static void test_verify_finds_a_log_that_was_cut(void **state)
{
	struct verify_summary summary;
	char verified[SCRATCH_MAX + 32], other[SCRATCH_MAX + 32];

	(void)state;
	audit_log_mirror(story);
	assert_int_equal(verify(story, &summary), 0);
	snprintf(verified, sizeof(verified), "%s/.verified", story->mirror);
	snprintf(story->mirror, sizeof(story->mirror), "%s/other", story->scratch);
	story->shown = 30;
	audit_log_mirror(story);
	snprintf(other, sizeof(other), "%s/.verified", story->mirror);
	assert_int_equal(rename(verified, other), 0);
	assert_found(story, "the log was cut");
}

/* ---- files ---- */

static void put_file(struct audit_log *log, const char *name, const char *text)
{
	char path[MIRROR_PATH_MAX];
	struct fault fault = {""};

	assert_int_equal(mirror_path(log->mirror, name, path, &fault), ERR_OK);
	assert_int_equal(file_write(path, slice_text(text), 0644, &fault), ERR_OK);
}

static void remove_file(struct audit_log *log, const char *name)
{
	char path[MIRROR_PATH_MAX];
	struct fault fault = {""};

	assert_int_equal(mirror_path(log->mirror, name, path, &fault), ERR_OK);
	assert_int_equal(remove(path), 0);
}

static void test_verify_finds_files_that_do_not_belong(void **state)
{
	(void)state;
	audit_log_mirror(story);
	put_file(story, "notes.txt", "mine");
	assert_found(story, "notes.txt: does not belong to the mirror");
	remove_file(story, "notes.txt");
	put_file(story, "tile/entries/007", "more");
	assert_found(story, "tile/entries/007: no part of the tree");
	remove_file(story, "tile/entries/007");
	put_file(story, ".mine", "dotted names are nobody's concern");
	struct verify_summary summary;
	assert_int_equal(verify(story, &summary), 0);
}

static enum err remove_and_verify(void *context, const char *name, struct fault *fault)
{
	struct audit_log *log = context;
	struct bytes bytes CLEANUP(bytes_fini);
	struct verify_options options = {.log = log->key.public, .skips_signatures = true};
	struct findings findings = finding_lines_init(&lines);
	struct verify_summary summary;
	char path[MIRROR_PATH_MAX];

	bytes_init(&bytes, BUNDLE_MAX);
	TRY(mirror_path(log->mirror, name, path, fault));
	TRY(file_read(path, &bytes, fault));
	remove_file(log, name);
	enum err err = verify_mirror(log->mirror, &options, &findings, &summary, fault);
	if (strcmp(name, "checkpoint") == 0)
		assert_int_equal(err, ERR_NOT_FOUND);
	else if (err != ERR_OK || strstr(lines.all, name) == NULL)
		fail_msg("%s removed, but it says %s", name, lines.all);
	*fault = (struct fault){""};
	return file_write(path, bytes_slice(&bytes), 0644, fault);
}

static void test_verify_finds_each_missing_file(void **state)
{
	struct fault fault = {""};

	(void)state;
	audit_log_mirror(story);
	assert_int_equal(mirror_each_file(story->mirror, remove_and_verify, story, &fault), ERR_OK);
}

static void test_verify_needs_the_log_s_key(void **state)
{
	struct verify_options options = {.log = story->controller};
	struct findings findings = finding_lines_init(&lines);
	struct verify_summary summary;
	struct fault fault = {""};

	(void)state;
	audit_log_mirror(story);
	assert_int_equal(verify_mirror(story->mirror, &options, &findings, &summary, &fault), ERR_OK);
	assert_int_equal(findings.count, 1);
	assert_non_null(strstr(lines.all, "checkpoint: not a checkpoint signed by"));
}

static void test_verify_a_folder_without_mirror(void **state)
{
	struct verify_options options = {.log = story->key.public};
	struct findings findings = finding_lines_init(&lines);
	struct verify_summary summary;
	struct fault fault = {""};

	(void)state;
	assert_int_equal(verify_mirror(story->scratch, &options, &findings, &summary, &fault), ERR_NOT_FOUND);
	assert_non_null(strstr(fault.text, "make one with kluis-audit mirror"));
}

/* A lack of memory is an error, never a finding. */
static enum err verify_once(void *context)
{
	struct verify_options options = {.log = story->key.public, .skips_signatures = true};
	struct findings findings = finding_lines_init(&lines);
	struct verify_summary summary;
	struct fault fault = {""};
	enum err err;

	(void)context;
	err = verify_mirror(story->mirror, &options, &findings, &summary, &fault);
	return findings.count > 0 ? ERR_OK : err;
}

static void test_verify_survives_failing_calls(void **state)
{
	(void)state;
	story->shown = 10;
	audit_log_mirror(story);
	fail_sweep(FAIL_MEMORY, verify_once, NULL);
}

#define WITH_STORY(test) cmocka_unit_test_setup_teardown(test, audit_log_set_up, audit_log_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORY(test_verify_finds_time_that_goes_back),
		WITH_STORY(test_verify_finds_a_forged_request),
		WITH_STORY(test_verify_finds_a_result_rewritten_after_it_was_sent),
		WITH_STORY(test_verify_finds_an_entry_left_out),
		WITH_STORY(test_verify_finds_an_entry_put_twice),
		WITH_STORY(test_verify_finds_a_log_that_does_not_begin_with_a_charter),
		WITH_STORY(test_verify_finds_entries_that_are_not_well_formed),
		WITH_STORY(test_verify_finds_a_second_history),
		WITH_STORY(test_verify_finds_a_log_that_was_cut),
		WITH_STORY(test_verify_finds_files_that_do_not_belong),
		WITH_STORY(test_verify_finds_each_missing_file),
		WITH_STORY(test_verify_needs_the_log_s_key),
		WITH_STORY(test_verify_a_folder_without_mirror),
		WITH_STORY(test_verify_survives_failing_calls),
		cmocka_unit_test_setup_teardown(test_verify_whole_log, audit_log_set_up, audit_log_tear_down),
		cmocka_unit_test_setup_teardown(test_verify_finds_any_altered_byte, audit_log_set_up,
						audit_log_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
