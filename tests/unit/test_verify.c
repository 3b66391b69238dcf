#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "audit_log.h"
#include "kluis/file.h"
#include "verify.h"

static struct audit_log *story; /* short */
static struct finding_lines lines;

static int set_up(void **state)
{
	(void)state;
	story = audit_log_story(false);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	audit_log_free(&story);
	return 0;
}

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_verify_whole_log, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_verify_finds_any_altered_byte, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
