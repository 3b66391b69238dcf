#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "audit_log.h"
#include "fail.h"
#include "kluis/file.h"
#include "verify.h"

static struct finding_lines lines;

static int set_up_all(void **state)
{
	(void)state;
	story = audit_log_story(true);
	return story->count > 2 * TILE_WIDTH + 20 ? 0 : -1;
}

static int set_up(void **state)
{
	struct stat status;

	(void)state;
	story->shown = story->count;
	story->page_max = 100;
	story->fails_at = story->asked = 0;
	if (stat(story->mirror, &status) == 0)
		scratch_remove(story->mirror);
	return 0;
}

static enum err copy(struct copy_summary *ret_summary, struct fault *fault)
{
	struct copy_source source = audit_log_source(story);

	return copy_log(story->mirror, &source, &story->key.public, &story->controller, ret_summary, fault);
}

static void assert_copies(struct copy_summary *ret_summary)
{
	struct fault fault = {""};
	enum err err = copy(ret_summary, &fault);

	if (err != ERR_OK)
		fail_msg("%s: %s", error_text(err), fault.text);
}

static void assert_verifies(size_t size)
{
	struct verify_options options = {.log = story->key.public, .skips_signatures = true};
	struct findings findings = finding_lines_init(&lines);
	struct verify_summary summary;
	struct fault fault = {""};

	assert_int_equal(verify_mirror(story->mirror, &options, &findings, &summary, &fault), ERR_OK);
	if (findings.count > 0)
		fail_msg("%s", lines.all);
	assert_int_equal(summary.checkpoint.size, size);
}

static bool is_there(const char *name)
{
	char path[MIRROR_PATH_MAX];
	struct stat status;

	return mirror_path(story->mirror, name, path, NULL) == ERR_OK && stat(path, &status) == 0;
}

static void test_copy_lays_out_tiles(void **state)
{
	struct copy_summary summary;
	char name[80];

	(void)state;
	assert_copies(&summary);
	assert_int_equal(summary.before, 0);
	assert_int_equal(summary.after, story->count);
	assert_int_equal(summary.papers, 3);
	assert_true(is_there("checkpoint"));
	assert_true(is_there("tile/0/000"));
	assert_true(is_there("tile/0/001"));
	assert_true(is_there("tile/1/000.p/2"));
	assert_true(is_there("tile/entries/001"));
	snprintf(name, sizeof(name), "tile/entries/002.p/%zu", story->count % TILE_WIDTH);
	assert_true(is_there(name));
	assert_verifies(story->count);
}

/* At any size a run may stop, and the next go on; no partial tile of an earlier size stays. */
static void test_copy_goes_on_from_any_size(void **state)
{
	static const size_t sizes[] = {1, 2, 255, 256, 257, 300, 511, 512, 513, 560};
	struct copy_summary summary;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		story->shown = sizes[i];
		assert_copies(&summary);
		assert_int_equal(summary.after, sizes[i]);
		assert_int_equal(summary.before, i == 0 ? 0 : sizes[i - 1]);
		assert_verifies(sizes[i]);
	}
	/* nothing new is fine, too */
	assert_copies(&summary);
	assert_int_equal(summary.before, summary.after);
}

/* A paper that was mirrored while only offered gets the store's signature when its Accept is mirrored. */
static void test_copy_fetches_a_paper_again_when_it_is_signed(void **state)
{
	struct copy_summary summary;

	(void)state;
	for (size_t size = 1; size < 16; size++) {
		story->shown = size;
		assert_copies(&summary);
		assert_verifies(size);
	}
}

/* The n-th page fails: what is there stays, and the next run reuses what was fetched. */
static void test_copy_survives_a_failure_at_each_page(void **state)
{
	struct copy_summary summary = {0};
	struct fault fault = {""};

	(void)state;
	story->shown = 40;
	assert_copies(&summary);
	story->shown = story->count;
	for (size_t n = 1;; n++) {
		story->asked = 0;
		story->fails_at = n;
		fault = (struct fault){""};
		enum err err = copy(&summary, &fault);
		if (err == ERR_OK)
			break;
		assert_int_equal(err, ERR_NETWORK);
	}
	assert_verifies(story->count);
}

static void test_copy_reuses_what_an_interrupted_run_left(void **state)
{
	struct copy_summary summary = {0};
	struct fault fault = {""};

	(void)state;
	story->fails_at = 6; /* five pages of 100: one bundle is full by then, and a second nearly */
	assert_int_equal(copy(&summary, &fault), ERR_NETWORK);
	assert_false(is_there("checkpoint"));
	story->fails_at = 0;
	assert_copies(&summary);
	assert_int_equal(summary.reused, TILE_WIDTH);
	assert_verifies(story->count);
}

static void test_copy_does_not_trust_what_was_left(void **state)
{
	struct copy_summary summary = {0};
	struct fault fault = {""};
	struct bytes bundle CLEANUP(bytes_fini);
	char path[MIRROR_PATH_MAX];

	(void)state;
	bytes_init(&bundle, BUNDLE_MAX);
	story->fails_at = 6;
	assert_int_equal(copy(&summary, &fault), ERR_NETWORK);
	story->fails_at = 0;
	fault = (struct fault){""};
	assert_int_equal(mirror_path(story->mirror, "tile/entries/000", path, &fault), ERR_OK);
	assert_int_equal(file_read(path, &bundle, &fault), ERR_OK);
	bundle.data[100] ^= 1;
	assert_int_equal(file_write(path, bytes_slice(&bundle), 0644, &fault), ERR_OK);
	assert_copies(&summary);
	assert_int_equal(summary.reused, 0);
	assert_verifies(story->count);
}

static void swap_entries(size_t a, size_t b)
{
	struct slice entry = story->entries[a];

	story->entries[a] = story->entries[b];
	story->entries[b] = entry;
}

static void test_copy_keeps_evidence_of_two_histories(void **state)
{
	struct copy_summary summary;
	struct fault fault = {""};
	struct verify_options options = {.log = story->key.public, .skips_signatures = true};
	struct findings findings = finding_lines_init(&lines);
	struct verify_summary verified;

	(void)state;
	story->shown = 300;
	assert_copies(&summary);
	swap_entries(10, 11);
	story->shown = 400;
	assert_int_equal(copy(&summary, &fault), ERR_INCONSISTENT);
	assert_non_null(strstr(fault.text, "does not continue the mirror's of 300"));
	fault = (struct fault){""};
	story->shown = 200;
	assert_int_equal(copy(&summary, &fault), ERR_INCONSISTENT);
	swap_entries(10, 11);
	/* the mirror is as it was, and its verification says why it is not well */
	assert_int_equal(verify_mirror(story->mirror, &options, &findings, &verified, &fault), ERR_OK);
	assert_int_equal(verified.checkpoint.size, 300);
	assert_int_equal(findings.count, 3); /* 300, 400 and 200 */
	assert_non_null(strstr(lines.all, "evidence/400-"));
	assert_null(strstr(lines.all, "tile/"));
}

static void test_copy_tells_damage_from_a_second_history(void **state)
{
	struct copy_summary summary;
	struct fault fault = {""};
	char path[MIRROR_PATH_MAX];
	struct bytes tile CLEANUP(bytes_fini);

	(void)state;
	bytes_init(&tile, TILE_BYTES);
	story->shown = 300;
	assert_copies(&summary);
	assert_int_equal(mirror_path(story->mirror, "tile/0/001.p/44", path, &fault), ERR_OK);
	assert_int_equal(file_read(path, &tile, &fault), ERR_OK);
	tile.data[5] ^= 1;
	assert_int_equal(file_write(path, bytes_slice(&tile), 0644, &fault), ERR_OK);
	story->shown = 400;
	assert_int_equal(copy(&summary, &fault), ERR_CORRUPT);
	assert_non_null(strstr(fault.text, "kluis-audit verify"));
	assert_false(is_there("evidence"));
}

static void test_copy_refuses_a_mirror_of_another_formula(void **state)
{
	struct copy_summary summary;
	struct fault fault = {""};
	struct copy_source source = audit_log_source(story);

	(void)state;
	assert_copies(&summary);
	assert_int_equal(copy_log(story->mirror, &source, &story->key.public, &story->key.public, &summary, &fault),
			 ERR_EXISTS);
}

static enum err entries_of_nothing(void *context, uint64_t from, uint64_t size, struct bytes *ret_page,
				   struct fault *fault)
{
	(void)context;
	(void)from;
	(void)size;
	(void)fault;
	bytes_clear(ret_page);
	return ERR_OK;
}

static void test_copy_refuses_empty_pages(void **state)
{
	struct copy_source source = audit_log_source(story);
	struct copy_summary summary;
	struct fault fault = {""};

	(void)state;
	source.entries = entries_of_nothing;
	assert_int_equal(copy_log(story->mirror, &source, &story->key.public, &story->controller, &summary, &fault),
			 ERR_INPUT);
}

static enum err copy_afresh(void *context)
{
	struct copy_summary summary;
	struct fault fault = {""};

	(void)context;
	(void)set_up(NULL);
	story->shown = 10; /* with a charter, an agreement and its signatures */
	return copy(&summary, &fault);
}

static void test_copy_survives_failing_calls(void **state)
{
	(void)state;
	fail_sweep(FAIL_MEMORY | FAIL_DISK, copy_afresh, NULL);
	assert_verifies(10);
}

#define FRESH(test) cmocka_unit_test_setup(test, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(test_copy_lays_out_tiles),
		FRESH(test_copy_goes_on_from_any_size),
		FRESH(test_copy_fetches_a_paper_again_when_it_is_signed),
		FRESH(test_copy_survives_a_failure_at_each_page),
		FRESH(test_copy_reuses_what_an_interrupted_run_left),
		FRESH(test_copy_does_not_trust_what_was_left),
		FRESH(test_copy_keeps_evidence_of_two_histories),
		FRESH(test_copy_tells_damage_from_a_second_history),
		FRESH(test_copy_refuses_a_mirror_of_another_formula),
		FRESH(test_copy_refuses_empty_pages),
		FRESH(test_copy_survives_failing_calls),
	};

	return cmocka_run_group_tests(tests, set_up_all, audit_log_tear_down);
}
