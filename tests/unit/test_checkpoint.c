/* C2SP checkpoints and proofs: golden bytes, and that nothing changed is ever believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/checkpoint.h"

#include "fail.h"
#include "golden.h"

static struct secret_key log_key, store_key;
static struct hash leaves[GOLDEN_SIZE];
static struct hash root;
static struct bytes golden_note, golden_proof;

static int set_up(void **state)
{
	static struct frontier frontier;

	(void)state;
	golden_key(GOLDEN_LOG, GOLDEN_LOG_SEED, &log_key);
	golden_key(GOLDEN_STORE, GOLDEN_STORE_SEED, &store_key);
	golden_leaves(leaves);
	for (size_t i = 0; i < GOLDEN_SIZE; i++)
		frontier_append(&frontier, &leaves[i]);
	frontier_root(&frontier, &root);
	bytes_init(&golden_note, GOLDEN_MAX);
	bytes_init(&golden_proof, GOLDEN_MAX);
	golden_read("checkpoint", &golden_note);
	golden_read("proof", &golden_proof);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	secret_key_fini(&log_key);
	secret_key_fini(&store_key);
	bytes_fini(&golden_note);
	bytes_fini(&golden_proof);
	return 0;
}

static void same_bytes(struct slice a, struct slice b)
{
	assert_int_equal(a.length, b.length);
	assert_memory_equal(a.data, b.data, a.length);
}

/* ---- golden ---- */

static void test_checkpoint_golden(void **state)
{
	struct bytes note CLEANUP(bytes_fini);
	struct checkpoint checkpoint;

	(void)state;
	bytes_init(&note, GOLDEN_MAX);
	assert_int_equal(checkpoint_sign(GOLDEN_SIZE, &root, &log_key, &note), ERR_OK);
	same_bytes(bytes_slice(&note), bytes_slice(&golden_note));
	assert_int_equal(checkpoint_open(bytes_slice(&golden_note), &log_key.public, &checkpoint, NULL), ERR_OK);
	assert_int_equal(checkpoint.size, GOLDEN_SIZE);
	same_bytes(SLICE_ARRAY(checkpoint.root.bytes), SLICE_ARRAY(root.bytes));
	same_bytes(checkpoint.origin, slice_text(GOLDEN_LOG));
}

static void test_proof_golden(void **state)
{
	static struct merkle_proof proof;
	struct bytes text CLEANUP(bytes_fini);
	struct checkpoint checkpoint;
	uint64_t index;

	(void)state;
	bytes_init(&text, GOLDEN_MAX);
	proof.count = 2;
	proof.hashes[0] = leaves[0];
	proof.hashes[1] = leaves[2];
	assert_int_equal(tlog_proof_print(1, &proof, bytes_slice(&golden_note), &text), ERR_OK);
	same_bytes(bytes_slice(&text), bytes_slice(&golden_proof));
	assert_int_equal(
		tlog_proof_verify(bytes_slice(&golden_proof), &leaves[1], &log_key.public, &index, &checkpoint, NULL),
		ERR_OK);
	assert_int_equal(index, 1);
	assert_int_equal(checkpoint.size, GOLDEN_SIZE);
}

/* ---- the text ---- */

#define ROOT "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" /* SHA-256 of nothing, as in RFC 6962 */

static void test_checkpoint_text_both_ways(void **state)
{
	static const char *const texts[] = {
		"example.com/log\n0\n" ROOT "\n",
		"example.com/log\n1\n" ROOT "\n",
		"example.com/log\n9223372036854775807\n" ROOT "\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct bytes printed CLEANUP(bytes_fini);
		struct checkpoint checkpoint;

		bytes_init(&printed, 1024);
		assert_int_equal(checkpoint_parse(slice_text(texts[i]), &checkpoint, NULL), ERR_OK);
		assert_int_equal(checkpoint_print(&checkpoint, &printed), ERR_OK);
		same_bytes(bytes_slice(&printed), slice_text(texts[i]));
		assert_int_equal(checkpoint.root.bytes[0], 0xe3);
		assert_int_equal(checkpoint.root.bytes[31], 0x55);
	}
}

static void test_checkpoint_text_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"\n",
		"example.com/log\n",
		"example.com/log\n1\n",
		"example.com/log\n1\n" ROOT,
		"example.com/log\n1\n" ROOT "\nextension\n",
		"example.com/log\n1\n" ROOT "\n\n",
		"\n1\n" ROOT "\n",
		"example.com log\n1\n" ROOT "\n",
		"example.com/log+1\n1\n" ROOT "\n",
		"example.com/log\n\n" ROOT "\n",
		"example.com/log\n01\n" ROOT "\n",
		"example.com/log\n+1\n" ROOT "\n",
		"example.com/log\n-1\n" ROOT "\n",
		"example.com/log\n 1\n" ROOT "\n",
		"example.com/log\n1 \n" ROOT "\n",
		"example.com/log\n0x1\n" ROOT "\n",
		"example.com/log\n9223372036854775808\n" ROOT "\n",
		"example.com/log\n18446744073709551617\n" ROOT "\n",
		"example.com/log\n1\n\n",
		"example.com/log\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\n",
		"example.com/log\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n", /* stray bits */
		"example.com/log\n1\n47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=\n",
		"example.com/log\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hS\n",
		"example.com/log\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFVV\n",
		"example.com/log\n1\n47DEQpj8HBSa+\xf0TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", /* a byte over 0x7F for "/" */
		"example.com/log\r\n1\r\n" ROOT "\r\n",
	};
	struct checkpoint checkpoint = {.size = 42};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct fault fault = {0};

		assert_int_equal(checkpoint_parse(slice_text(texts[i]), &checkpoint, &fault), ERR_PAPER);
		assert_string_not_equal(fault.text, "");
	}
	assert_int_equal(checkpoint.size, 42);
}

static void test_print_that_does_not_fit_leaves_the_text(void **state)
{
	const struct checkpoint checkpoint = {.origin = slice_text("example.com/log"), .size = 7, .root = root};
	static const struct merkle_proof proof = {.count = 1};

	(void)state;
	for (size_t room = 0; room < 60; room++) {
		struct bytes text CLEANUP(bytes_fini);

		bytes_init(&text, 3 + room);
		assert_int_equal(bytes_append(&text, SLICE("abc", 3)), ERR_OK);
		assert_int_equal(checkpoint_print(&checkpoint, &text), ERR_TOO_LARGE);
		assert_int_equal(tlog_proof_print(1, &proof, bytes_slice(&golden_note), &text), ERR_TOO_LARGE);
		assert_int_equal(text.length, 3);
	}
}

/* ---- nothing changed is believed ---- */

static void test_checkpoint_with_any_byte_changed(void **state)
{
	(void)state;
	for (size_t i = 0; i < golden_note.length; i++) {
		struct checkpoint checkpoint;

		for (unsigned bit = 1; bit < 256; bit <<= 1) {
			golden_note.data[i] ^= (uint8_t)bit;
			assert_int_not_equal(
				checkpoint_open(bytes_slice(&golden_note), &log_key.public, &checkpoint, NULL), ERR_OK);
			golden_note.data[i] ^= (uint8_t)bit;
		}
	}
}

static void test_checkpoint_cut_at_any_place(void **state)
{
	struct checkpoint checkpoint;

	(void)state;
	for (size_t length = 0; length < golden_note.length; length++)
		assert_int_not_equal(
			checkpoint_open(SLICE(golden_note.data, length), &log_key.public, &checkpoint, NULL), ERR_OK);
}

static void test_checkpoint_of_another_key(void **state)
{
	struct bytes note CLEANUP(bytes_fini);
	struct bytes text CLEANUP(bytes_fini);
	const struct secret_key *key = &store_key;
	const struct checkpoint claimed = {.origin = slice_text(GOLDEN_LOG), .size = GOLDEN_SIZE, .root = root};
	struct checkpoint checkpoint;
	struct fault fault = {0};

	(void)state;
	bytes_init(&note, GOLDEN_MAX);
	bytes_init(&text, GOLDEN_MAX);
	/* the store signs under its own name: another origin */
	assert_int_equal(checkpoint_sign(GOLDEN_SIZE, &root, &store_key, &note), ERR_OK);
	assert_int_equal(checkpoint_open(bytes_slice(&note), &log_key.public, &checkpoint, &fault), ERR_PAPER);
	assert_non_null(strstr(fault.text, GOLDEN_LOG));
	/* the log's origin, the store's signature */
	bytes_clear(&note);
	assert_int_equal(checkpoint_print(&claimed, &text), ERR_OK);
	assert_int_equal(note_sign(bytes_slice(&text), &key, 1, &note), ERR_OK);
	assert_int_equal(checkpoint_open(bytes_slice(&note), &log_key.public, &checkpoint, NULL), ERR_SIGNATURE);
}

/* A cosigned checkpoint is still the log's: unknown signatures are ignored (R12). */
static void test_checkpoint_with_a_cosignature(void **state)
{
	struct bytes note CLEANUP(bytes_fini);
	struct bytes text CLEANUP(bytes_fini);
	const struct checkpoint signed_one = {.origin = slice_text(GOLDEN_LOG), .size = GOLDEN_SIZE, .root = root};
	struct checkpoint checkpoint;

	(void)state;
	bytes_init(&note, GOLDEN_MAX);
	bytes_init(&text, GOLDEN_MAX);
	assert_int_equal(checkpoint_print(&signed_one, &text), ERR_OK);
	assert_int_equal(bytes_append(&note, bytes_slice(&golden_note)), ERR_OK);
	assert_int_equal(note_append_cosignature(&note, bytes_slice(&text), &store_key, 1795363200), ERR_OK);
	assert_int_equal(checkpoint_open(bytes_slice(&note), &log_key.public, &checkpoint, NULL), ERR_OK);
}

static enum err verify(struct slice text, const struct hash *leaf)
{
	struct checkpoint checkpoint;
	uint64_t index;

	return tlog_proof_verify(text, leaf, &log_key.public, &index, &checkpoint, NULL);
}

static void test_proof_with_any_byte_changed(void **state)
{
	(void)state;
	for (size_t i = 0; i < golden_proof.length; i++) {
		for (unsigned bit = 1; bit < 256; bit <<= 1) {
			golden_proof.data[i] ^= (uint8_t)bit;
			assert_int_not_equal(verify(bytes_slice(&golden_proof), &leaves[1]), ERR_OK);
			golden_proof.data[i] ^= (uint8_t)bit;
		}
	}
}

static void test_proof_of_another_leaf(void **state)
{
	struct fault fault = {0};
	struct checkpoint checkpoint;
	uint64_t index = 77;

	(void)state;
	assert_int_equal(
		tlog_proof_verify(bytes_slice(&golden_proof), &leaves[0], &log_key.public, &index, &checkpoint, &fault),
		ERR_PROOF);
	assert_string_equal(fault.text, "the entry is not at index 1 of the tree of 3");
	assert_int_equal(index, 77);
}

/* The golden proof with other lines before its checkpoint. */
static enum err verify_with_head(const char *head)
{
	struct bytes text CLEANUP(bytes_fini);

	bytes_init(&text, 4 * GOLDEN_MAX);
	assert_int_equal(bytes_append(&text, slice_text(head)), ERR_OK);
	assert_int_equal(bytes_append(&text, bytes_slice(&golden_note)), ERR_OK);
	return verify(bytes_slice(&text), &leaves[1]);
}

static void test_proof_heads(void **state)
{
	static const char *const refused[] = {
		"",
		"\n",
		"c2sp.org/tlog-proof@v2\nindex 1\n%s\n",
		"c2sp.org/tlog-proof@v1\n%s\n",
		"c2sp.org/tlog-proof@v1\nindex 01\n%s\n",
		"c2sp.org/tlog-proof@v1\nindex -1\n%s\n",
		"c2sp.org/tlog-proof@v1\nindex 1 \n%s\n",
		"c2sp.org/tlog-proof@v1\nindex\n%s\n",
		"c2sp.org/tlog-proof@v1\nextra\nindex 1\n%s\n",
		"c2sp.org/tlog-proof@v1\nextra %%%%\nindex 1\n%s\n",
		"c2sp.org/tlog-proof@v1\nextra YWI=\nextra YWI=\nindex 1\n%s\n",
		"c2sp.org/tlog-proof@v1\nindex 1\nextra YWI=\n%s\n",
		"c2sp.org/tlog-proof@v1\nindex 1\nAAAA\n%s\n",
		"c2sp.org/tlog-proof@v1\nindex 1\n%s",
	};
	struct slice lines = slice_part(bytes_slice(&golden_proof), strlen("c2sp.org/tlog-proof@v1\nindex 1\n"), 90);
	char hashes[91] = {0}, head[512];

	(void)state;
	memcpy(hashes, lines.data, lines.length);
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		const char *place = strstr(refused[i], "%s");
		size_t before = place == NULL ? strlen(refused[i]) : (size_t)(place - refused[i]);

		snprintf(head, sizeof head, "%.*s%s%s", (int)before, refused[i], place == NULL ? "" : hashes,
			 place == NULL ? "" : place + 2);
		assert_int_not_equal(verify_with_head(head), ERR_OK);
	}
	snprintf(head, sizeof head, "c2sp.org/tlog-proof@v1\nindex 1\n%s\n", hashes);
	assert_int_equal(verify_with_head(head), ERR_OK);
	snprintf(head, sizeof head, "c2sp.org/tlog-proof@v1\nextra YWI=\nindex 1\n%s\n", hashes);
	assert_int_equal(verify_with_head(head), ERR_OK);
}

static void test_proof_with_too_many_hashes(void **state)
{
	struct bytes head CLEANUP(bytes_fini);

	(void)state;
	bytes_init(&head, 2 * GOLDEN_MAX);
	assert_int_equal(bytes_printf(&head, "c2sp.org/tlog-proof@v1\nindex 1\n"), ERR_OK);
	for (int i = 0; i < 65; i++)
		assert_int_equal(bytes_printf(&head, ROOT "\n"), ERR_OK);
	assert_int_equal(bytes_append(&head, SLICE("\n", 2)), ERR_OK); /* with its zero */
	assert_int_equal(verify_with_head((const char *)head.data), ERR_PAPER);
}

static enum err sign_and_verify(void *context)
{
	struct bytes note CLEANUP(bytes_fini);
	struct bytes text CLEANUP(bytes_fini);
	static struct merkle_proof proof;
	struct checkpoint checkpoint;
	uint64_t index;

	(void)context;
	bytes_init(&note, GOLDEN_MAX);
	bytes_init(&text, GOLDEN_MAX);
	proof.count = 2;
	proof.hashes[0] = leaves[0];
	proof.hashes[1] = leaves[2];
	TRY(checkpoint_sign(GOLDEN_SIZE, &root, &log_key, &note));
	TRY(tlog_proof_print(1, &proof, bytes_slice(&note), &text));
	return tlog_proof_verify(bytes_slice(&text), &leaves[1], &log_key.public, &index, &checkpoint, NULL);
}

static void test_every_allocation_may_fail(void **state)
{
	(void)state;
	fail_sweep(FAIL_MEMORY, sign_and_verify, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checkpoint_golden),
		cmocka_unit_test(test_proof_golden),
		cmocka_unit_test(test_checkpoint_text_both_ways),
		cmocka_unit_test(test_checkpoint_text_refused),
		cmocka_unit_test(test_print_that_does_not_fit_leaves_the_text),
		cmocka_unit_test(test_checkpoint_with_any_byte_changed),
		cmocka_unit_test(test_checkpoint_cut_at_any_place),
		cmocka_unit_test(test_checkpoint_of_another_key),
		cmocka_unit_test(test_checkpoint_with_a_cosignature),
		cmocka_unit_test(test_proof_with_any_byte_changed),
		cmocka_unit_test(test_proof_of_another_leaf),
		cmocka_unit_test(test_proof_heads),
		cmocka_unit_test(test_proof_with_too_many_hashes),
		cmocka_unit_test(test_every_allocation_may_fail),
	};

	if (keys_init() != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
