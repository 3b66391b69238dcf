/* The log's keys over time, as an auditor follows them: FORMAT.md R141. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "audit_log.h"
#include "chain.h"
#include "key_action.h"
#include "verify.h"

static struct franchise *formula;
static struct ring ring;
static const struct secret_key *first, *second, *stranger;
static struct trust versions[3];
static struct slice notes[3];
static struct audit_log *log_;
static struct finding_lines lines;

/* Two versions; the log goes from first to second. */
static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	ring_take(&ring, formula);
	first = &ring.logs[0];
	second = ring_add_log(&ring, 50);
	stranger = ring_add_log(&ring, 51);
	const struct secret_key *both[] = {first, second};
	trust_put_after(&versions[1], NULL, both, 2);
	notes[1] = trust_note(formula, &versions[1], both, 2);
	trust_put_of(&versions[1], formula, notes[1]);
	trust_put_after(&versions[2], &versions[1], &second, 1);
	notes[2] = trust_note(formula, &versions[2], &first, 1);
	trust_put_of(&versions[2], formula, notes[2]);
	for (int i = 1; i <= 2; i++)
		franchise_must(formula, &formula->office, action_trust(formula, notes[i]));
	log_ = audit_log_of(formula);
	secret_key_fini(&log_->key);
	return secret_key_from_seed(slice_text(second->public.name), second->secret, &log_->key) == ERR_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	audit_log_free(&log_);
	franchise_free(&formula);
	ring_fini(&ring);
	return 0;
}

static uint32_t follow(const struct public_key *given, const struct trust *const *known, size_t count)
{
	struct chain chain;

	assert_int_equal(chain_follow(given, known, count, &formula->arena, &chain), ERR_OK);
	return chain_trust(&chain) == NULL ? 0 : chain_trust(&chain)->version;
}

static void test_follow(void **state)
{
	const struct trust *all[] = {&versions[2], &versions[1]}, *last[] = {&versions[2]};

	(void)state;
	assert_int_equal(follow(&first->public, all, 2), 2);
	assert_int_equal(follow(&second->public, all, 2), 2);
	assert_int_equal(follow(&stranger->public, all, 2), 0);
	assert_int_equal(follow(&first->public, all, 0), 0);
	assert_int_equal(follow(&first->public, last, 1), 2); /* signed it itself */
	assert_int_equal(follow(&second->public, last, 1), 0);
}

/* By whom a checkpoint of now may be signed, and one of then. */
static void test_open(void **state)
{
	const struct trust *all[] = {&versions[1], &versions[2]};
	const struct secret_key *keys[] = {first, second, stranger};
	const enum err now[] = {ERR_SIGNATURE, ERR_OK, ERR_SIGNATURE}, then[] = {ERR_OK, ERR_OK, ERR_SIGNATURE};
	struct hash root = {{1}};
	struct chain chain;

	(void)state;
	assert_int_equal(chain_follow(&first->public, all, 2, &formula->arena, &chain), ERR_OK);
	for (size_t i = 0; i < 3; i++) {
		struct bytes note CLEANUP(bytes_fini);
		struct checkpoint checkpoint;
		bytes_init(&note, PAPER_MAX);
		assert_int_equal(checkpoint_sign(7, &root, keys[i], &note), ERR_OK);
		assert_int_equal(chain_open(&chain, false, bytes_slice(&note), &checkpoint, NULL), now[i]);
		assert_int_equal(chain_open(&chain, true, bytes_slice(&note), &checkpoint, NULL), then[i]);
	}
}

static size_t verify(const struct public_key *given, uint32_t *ret_trust)
{
	struct findings findings = finding_lines_init(&lines);
	struct verify_options options = {.log = *given};
	struct verify_summary summary;
	struct fault fault = {""};

	assert_int_equal(verify_mirror(log_->mirror, &options, &findings, &summary, &fault), ERR_OK);
	*ret_trust = summary.trust;
	return lines.count;
}

static void test_mirror_and_verify_by_the_first_key(void **state)
{
	struct copy_source source = audit_log_source(log_);
	struct copy_summary summary;
	struct fault fault = {""};
	uint32_t trust;

	(void)state;
	/* the first key is all that the mirrorer knows; it asks for the others (they stand under zeros, too) */
	log_->hashes[log_->paper_count] = SLICE_ARRAY((uint8_t[HASH_SIZE]){0});
	log_->papers[log_->paper_count++] = notes[2];
	assert_int_equal(copy_log(log_->mirror, &source, &first->public, &log_->controller, &summary, &fault), ERR_OK);
	assert_int_equal(verify(&first->public, &trust), 0);
	assert_int_equal(trust, 2);
	assert_int_equal(verify(&second->public, &trust), 0);
	assert_true(verify(&stranger->public, &trust) > 0);
	assert_non_null(strstr(lines.first, "checkpoint"));
	assert_int_equal(audit_log_check(log_, &lines).refused, 0);
	assert_int_equal(lines.count, 0);
}

static void test_note_spoilt_or_gone(void **state)
{
	char name[PAPER_NAME_MAX], path[MIRROR_PATH_MAX];
	uint32_t trust;

	(void)state;
	mirror_paper_name(SLICE_ARRAY(versions[2].hash), name);
	assert_int_equal(mirror_path(log_->mirror, name, path, NULL), ERR_OK);
	for (size_t at = 0; at < notes[2].length; at += 7) {
		FILE *file;
		audit_log_mirror(log_);
		assert_int_equal(verify(&second->public, &trust), 0);
		file = fopen(path, "r+");
		assert_non_null(file);
		fseek(file, (long)at, SEEK_SET);
		fputc(notes[2].data[at] ^ 1, file);
		fclose(file);
		assert_true(verify(&second->public, &trust) > 0);
		scratch_remove(log_->mirror);
	}
	audit_log_mirror(log_);
	assert_int_equal(unlink(path), 0);
	assert_true(verify(&first->public, &trust) > 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_follow),
		TEST(test_open),
		TEST(test_mirror_and_verify_by_the_first_key),
		TEST(test_note_spoilt_or_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
