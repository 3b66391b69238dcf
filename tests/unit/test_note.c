/* Signed notes: the published ones of C2SP and Go, golden ones, and every way to break one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/note.h"

#include "fail.h"
#include "test_keys.h"
#include "vector.h"

#define ARENA_MAX (1024 * 1024)
#define SPEC_VKEY "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
#define SPEC_SIGNATURE "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="
#define SPEC_NOTE "This is an example message.\n\n\xE2\x80\x94 example.com/foo " SPEC_SIGNATURE "\n"
#define PETER "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define ENOCH "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
#define WITNESS "example.com/kluis/witness/store/12+3e909498+BMqTrBcFGHBx1nuDx/8O/oEI6OxFMFdddyaHkzPb2r58"
/* bytes of its line: em dash, space, name, space, base64 of 76 bytes, newline */
#define COSIGNATURE_LINE (3 + 1 + 34 + 1 + 104 + 1)
#define COSIGNED_AT 1796040000
#define LINE "\xE2\x80\x94 k AAAAAAA=\n" /* a signature line of an unknown key: one byte of signature */

static struct arena arena;
static struct note note;

static int start(void **state)
{
	(void)state;
	arena_init(&arena, ARENA_MAX);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

static struct public_key vkey_of(const char *text)
{
	struct public_key key;

	assert_int_equal(public_key_parse(slice_text(text), &key, NULL), ERR_OK);
	return key;
}

static void test_note_of_the_specification(void **state)
{
	struct public_key key = vkey_of(SPEC_VKEY);

	(void)state;
	assert_int_equal(note_parse(slice_text(SPEC_NOTE), &arena, &note, NULL), ERR_OK);
	assert_true(slice_equal(note.text, slice_text("This is an example message.\n")));
	assert_int_equal(note.signature_count, 1);
	assert_int_equal(note.signatures[0].id, 0x530d903a);
	assert_int_equal(note.signatures[0].signature.length, SIGNATURE_SIZE);
	assert_int_equal(note_verify(&note, &key), ERR_OK);
}

static void test_note_of_go_with_two_signatures(void **state)
{
	struct bytes source = vector_read("note-published.txt");
	struct public_key peter = vkey_of(PETER), enoch = vkey_of(ENOCH), other = vkey_of(SPEC_VKEY);

	(void)state;
	assert_int_equal(note_parse(bytes_slice(&source), &arena, &note, NULL), ERR_OK);
	assert_int_equal(note.signature_count, 2);
	assert_int_equal(note_verify(&note, &peter), ERR_OK);
	assert_int_equal(note_verify(&note, &enoch), ERR_OK);
	assert_int_equal(note_verify(&note, &other), ERR_SIGNATURE); /* not there */
	bytes_fini(&source);
}

static void test_note_sign_golden(void **state)
{
	struct bytes expected = vector_read("note.txt"), made;
	struct secret_key controller = test_seed_key("example.com/kluis/controller", 1);
	struct secret_key store = test_seed_key("example.com/kluis/store/12", 3);
	const struct secret_key *both[] = {&controller, &store};
	uint8_t signature[SIGNATURE_SIZE];

	(void)state;
	assert_int_equal(note_parse(bytes_slice(&expected), &arena, &note, NULL), ERR_OK);
	bytes_init(&made, PAPER_MAX);
	assert_int_equal(note_sign(note.text, both, 2, &made), ERR_OK);
	assert_true(slice_equal(bytes_slice(&made), bytes_slice(&expected)));
	assert_int_equal(note_verify(&note, &controller.public), ERR_OK);
	assert_int_equal(note_verify(&note, &store.public), ERR_OK);
	/* the second signature made elsewhere and added */
	bytes_clear(&made);
	assert_int_equal(note_sign(note.text, both, 1, &made), ERR_OK);
	assert_int_equal(note_make_signature(note.text, &store, signature), ERR_OK);
	assert_int_equal(note_append_signature(&made, &store.public, signature), ERR_OK);
	assert_true(slice_equal(bytes_slice(&made), bytes_slice(&expected)));
	secret_key_fini(&controller);
	secret_key_fini(&store);
	bytes_fini(&expected);
	bytes_fini(&made);
}

static void test_note_cosignature_golden(void **state)
{
	struct bytes expected = vector_read("cosigned-note.txt"), made;
	struct secret_key log = test_seed_key("example.com/kluis/log", 2);
	struct secret_key witness = test_seed_key("example.com/kluis/witness/store/12", 4);
	const struct secret_key *signer = &log;
	struct public_key cosigner;
	uint64_t time_s = 0;

	(void)state;
	assert_int_equal(note_parse(bytes_slice(&expected), &arena, &note, NULL), ERR_OK);
	bytes_init(&made, PAPER_MAX);
	assert_int_equal(note_sign(note.text, &signer, 1, &made), ERR_OK);
	assert_int_equal(note_append_cosignature(&made, note.text, &witness, COSIGNED_AT), ERR_OK);
	assert_true(slice_equal(bytes_slice(&made), bytes_slice(&expected)));
	assert_int_equal(
		public_key_init(&cosigner, slice_text(witness.public.name), KEY_TYPE_COSIGNATURE, witness.public.key),
		ERR_OK);
	assert_int_equal(note_verify_cosignature(&note, &cosigner, &time_s), ERR_OK);
	assert_int_equal(time_s, COSIGNED_AT);
	/* a kind of key is not the other */
	assert_int_equal(note_verify(&note, &cosigner), ERR_SIGNATURE);
	assert_int_equal(note_verify(&note, &witness.public), ERR_SIGNATURE);
	assert_int_equal(note_verify_cosignature(&note, &log.public, &time_s), ERR_SIGNATURE);
	assert_int_equal(note_verify(&note, &log.public), ERR_OK);
	secret_key_fini(&log);
	secret_key_fini(&witness);
	bytes_fini(&expected);
	bytes_fini(&made);
}

/* A witness sends time and signature, the log makes the line: together they give the published note again. */
static void test_note_cosignature_sent_as_its_payload(void **state)
{
	struct bytes expected = vector_read("cosigned-note.txt"), made;
	struct secret_key log = test_seed_key("example.com/kluis/log", 2);
	struct secret_key witness = test_seed_key("example.com/kluis/witness/store/12", 4);
	const struct secret_key *signer = &log;
	struct public_key cosigner = vkey_of(WITNESS);
	uint8_t payload[COSIGNATURE_SIZE];
	uint64_t time_s = 0;

	(void)state;
	assert_int_equal(note_parse(bytes_slice(&expected), &arena, &note, NULL), ERR_OK);
	bytes_init(&made, PAPER_MAX);
	assert_int_equal(note_make_cosignature(note.text, &witness, COSIGNED_AT, payload), ERR_OK);
	assert_int_equal(note_check_cosignature(note.text, cosigner.key, SLICE_ARRAY(payload), &time_s), ERR_OK);
	assert_int_equal(time_s, COSIGNED_AT);
	assert_int_equal(note_sign(note.text, &signer, 1, &made), ERR_OK);
	assert_int_equal(note_append_cosigned(&made, &cosigner, payload), ERR_OK);
	assert_true(slice_equal(bytes_slice(&made), bytes_slice(&expected)));
	time_s = 0;
	for (size_t bit = 0; bit < sizeof(payload) * 8; bit++) {
		payload[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(note_check_cosignature(note.text, cosigner.key, SLICE_ARRAY(payload), &time_s),
				 ERR_SIGNATURE);
		payload[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_int_equal(note_check_cosignature(note.text, cosigner.key, SLICE(payload, sizeof(payload) - 1), &time_s),
			 ERR_SIGNATURE);
	assert_int_equal(note_check_cosignature(note.text, log.public.key, SLICE_ARRAY(payload), &time_s),
			 ERR_SIGNATURE);
	assert_int_equal(time_s, 0);
	assert_int_equal(note_make_cosignature(slice_text("no newline"), &witness, COSIGNED_AT, payload), ERR_PAPER);
	secret_key_fini(&log);
	secret_key_fini(&witness);
	bytes_fini(&expected);
	bytes_fini(&made);
}

/* Every bit of signed notes flipped: either it is no note any more, or it does not verify. The name and id of the one
 * line are part of that: a signature by another name is by an unknown key. */
static void test_note_with_any_bit_flipped(void **state)
{
	struct public_key key = vkey_of(SPEC_VKEY);
	char source[] = SPEC_NOTE;

	(void)state;
	for (size_t bit = 0; bit < (sizeof(source) - 1) * 8; bit++) {
		source[bit / 8] ^= (char)(1u << bit % 8);
		arena_reset(&arena);
		if (note_parse(SLICE(source, sizeof(source) - 1), &arena, &note, NULL) == ERR_OK)
			assert_int_equal(note_verify(&note, &key), ERR_SIGNATURE);
		source[bit / 8] ^= (char)(1u << bit % 8);
	}
}

/* The log's line in front stays good: only the cosignature and the text are flipped here. */
static void test_note_cosignature_with_any_bit_flipped(void **state)
{
	struct bytes source = vector_read("cosigned-note.txt");
	struct public_key key = vkey_of(WITNESS);
	uint64_t time_s = 0;
	size_t text_length;

	(void)state;
	assert_int_equal(note_parse(bytes_slice(&source), &arena, &note, NULL), ERR_OK);
	text_length = note.text.length;
	for (size_t bit = 0; bit < source.length * 8; bit++) {
		bool is_covered = bit / 8 < text_length || bit / 8 > source.length - COSIGNATURE_LINE;

		source.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		arena_reset(&arena);
		if (is_covered && note_parse(bytes_slice(&source), &arena, &note, NULL) == ERR_OK)
			assert_int_equal(note_verify_cosignature(&note, &key, &time_s), ERR_SIGNATURE);
		source.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_int_equal(time_s, 0);
	bytes_fini(&source);
}

struct bad_row {
	const char *why;
	const char *note;
	size_t length;
};

#define BAD(why, note)                                                                                                 \
	{                                                                                                              \
		why, note, sizeof(note) - 1                                                                            \
	}

static const struct bad_row bad_rows[] = {
	BAD("empty", ""),
	BAD("a newline", "\n"),
	BAD("no signatures", "text\n"),
	BAD("no signatures after the empty line", "text\n\n"),
	BAD("no empty line", "text\n" LINE),
	BAD("no text", "\n" LINE),
	BAD("no final newline", "text\n\n\xE2\x80\x94 k AAAAAAA="),
	BAD("junk after the signatures", "text\n\n" LINE "junk\n"),
	BAD("empty line after the signatures", "text\n\n" LINE "\n"),
	BAD("a hyphen for the dash", "text\n\n- k AAAAAAA=\n"),
	BAD("an en dash", "text\n\n\xE2\x80\x93 k AAAAAAA=\n"),
	BAD("no space after the dash", "text\n\n\xE2\x80\x94k AAAAAAA=\n"),
	BAD("two spaces after the dash", "text\n\n\xE2\x80\x94  k AAAAAAA=\n"),
	BAD("two spaces before the signature", "text\n\n\xE2\x80\x94 k  AAAAAAA=\n"),
	BAD("space at the end", "text\n\n\xE2\x80\x94 k AAAAAAA= \n"),
	BAD("no signature", "text\n\n\xE2\x80\x94 k\n"),
	BAD("empty signature", "text\n\n\xE2\x80\x94 k \n"),
	BAD("an id alone", "text\n\n\xE2\x80\x94 k AAAAAA==\n"),
	BAD("less than an id", "text\n\n\xE2\x80\x94 k AAAA\n"),
	BAD("base64 that is not canonical", "text\n\n\xE2\x80\x94 k AAAAAAB=\n"),
	BAD("base64 without padding", "text\n\n\xE2\x80\x94 k AAAAAAA\n"),
	BAD("plus in a name", "text\n\n\xE2\x80\x94 k+k AAAAAAA=\n"),
	BAD("em space in a name", "text\n\n\xE2\x80\x94 k\xE2\x80\x83k AAAAAAA=\n"),
	BAD("carriage return", "text\r\n\n" LINE),
	BAD("tab", "te\txt\n\n" LINE),
	BAD("NUL", "te\0xt\n\n" LINE),
	BAD("not UTF-8", "te\xFFxt\n\n" LINE),
	BAD("C1 control character", "te\xC2\x85xt\n\n" LINE),
};

static void test_note_parse_refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_rows) / sizeof(bad_rows[0]); i++) {
		struct fault fault = {0};

		if (note_parse(SLICE(bad_rows[i].note, bad_rows[i].length), &arena, &note, &fault) != ERR_PAPER)
			fail_msg("%s", bad_rows[i].why);
		assert_true(fault.text[0] != '\0');
	}
}

static void test_note_separator_is_the_last_empty_line(void **state)
{
	(void)state;
	assert_int_equal(note_parse(slice_text("a\n\n" LINE "\nb\n\n" LINE LINE), &arena, &note, NULL), ERR_OK);
	assert_true(slice_equal(note.text, slice_text("a\n\n" LINE "\nb\n")));
	assert_int_equal(note.signature_count, 2);
	assert_int_equal(note_parse(slice_text("a\n\n\n" LINE), &arena, &note, NULL), ERR_OK);
	assert_true(slice_equal(note.text, slice_text("a\n\n")));
}

static void test_note_parse_at_the_bounds(void **state)
{
	struct bytes source;

	(void)state;
	bytes_init(&source, 2 * PAPER_MAX);
	assert_int_equal(bytes_printf(&source, "text\n\n"), ERR_OK);
	for (int i = 0; i < NOTE_SIGNATURES_MAX; i++)
		assert_int_equal(bytes_printf(&source, LINE), ERR_OK);
	assert_int_equal(note_parse(bytes_slice(&source), &arena, &note, NULL), ERR_OK);
	assert_int_equal(note.signature_count, NOTE_SIGNATURES_MAX);
	assert_int_equal(bytes_printf(&source, LINE), ERR_OK);
	assert_int_equal(note_parse(bytes_slice(&source), &arena, &note, NULL), ERR_PAPER);
	bytes_clear(&source);
	assert_int_equal(bytes_printf(&source, "%*s\n\n" LINE, PAPER_MAX, "x"), ERR_OK);
	assert_int_equal(note_parse(bytes_slice(&source), &arena, &note, NULL), ERR_PAPER);
	bytes_fini(&source);
}

/* FORMAT.md R12: one bad signature of a known key spoils the note, in either order; unknown ones do not matter. */
static void test_note_verify_with_one_bad_signature(void **state)
{
	struct secret_key key = test_seed_key("k", 1), other = test_seed_key("k", 2);
	uint8_t good[SIGNATURE_SIZE], bad[SIGNATURE_SIZE] = {1};
	const uint8_t *orders[2][2] = {{good, bad}, {bad, good}};
	struct bytes made;

	(void)state;
	bytes_init(&made, 1000);
	assert_int_equal(note_make_signature(slice_text("text\n"), &key, good), ERR_OK);
	for (size_t i = 0; i < 2; i++) {
		bytes_clear(&made);
		assert_int_equal(bytes_printf(&made, "text\n\n"), ERR_OK);
		assert_int_equal(note_append_signature(&made, &other.public, bad), ERR_OK);
		assert_int_equal(note_append_signature(&made, &key.public, good), ERR_OK);
		assert_int_equal(note_parse(bytes_slice(&made), &arena, &note, NULL), ERR_OK);
		assert_int_equal(note_verify(&note, &key.public), ERR_OK);
		assert_int_equal(note_verify(&note, &other.public), ERR_SIGNATURE);

		bytes_clear(&made);
		assert_int_equal(bytes_printf(&made, "text\n\n"), ERR_OK);
		assert_int_equal(note_append_signature(&made, &key.public, orders[i][0]), ERR_OK);
		assert_int_equal(note_append_signature(&made, &key.public, orders[i][1]), ERR_OK);
		assert_int_equal(note_parse(bytes_slice(&made), &arena, &note, NULL), ERR_OK);
		assert_int_equal(note_verify(&note, &key.public), ERR_SIGNATURE);
	}
	bytes_fini(&made);
	secret_key_fini(&key);
	secret_key_fini(&other);
}

static void test_note_text_is_valid(void **state)
{
	struct secret_key key = test_seed_key("k", 1);
	const struct secret_key *signer = &key;
	uint8_t signature[SIGNATURE_SIZE];
	struct bytes made;

	(void)state;
	bytes_init(&made, 100);
	assert_true(note_text_is_valid(slice_text("a\n")));
	assert_false(note_text_is_valid(SLICE_EMPTY));
	assert_false(note_text_is_valid(slice_text("a")));
	assert_false(note_text_is_valid(slice_text("a\r\n")));
	assert_false(note_text_is_valid(slice_text("\xFF\n")));
	assert_int_equal(note_sign(slice_text("a"), &signer, 1, &made), ERR_PAPER);
	assert_int_equal(note_make_signature(slice_text("a"), &key, signature), ERR_PAPER);
	assert_int_equal(note_sign(slice_text("a\n"), &signer, 1, &made), ERR_TOO_LARGE);
	assert_int_equal(made.length, 0);
	bytes_fini(&made);
	secret_key_fini(&key);
}

static enum err sign_and_parse(void *context)
{
	const struct secret_key *key = context;
	struct arena own CLEANUP(arena_fini);
	struct bytes made CLEANUP(bytes_fini);
	struct note parsed;

	arena_init(&own, ARENA_MAX);
	bytes_init(&made, 1000);
	TRY(note_sign(slice_text("text\n"), &key, 1, &made));
	TRY(note_append_cosignature(&made, slice_text("text\n"), key, 5));
	TRY(note_parse(bytes_slice(&made), &own, &parsed, NULL));
	return note_verify(&parsed, &key->public);
}

static void test_note_without_memory(void **state)
{
	struct secret_key key = test_seed_key("k", 1);

	(void)state;
	fail_sweep(FAIL_MEMORY, sign_and_parse, &key);
	secret_key_fini(&key);
}

#define NOTE_TEST(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NOTE_TEST(test_note_of_the_specification),
		NOTE_TEST(test_note_of_go_with_two_signatures),
		NOTE_TEST(test_note_sign_golden),
		NOTE_TEST(test_note_cosignature_golden),
		NOTE_TEST(test_note_cosignature_sent_as_its_payload),
		NOTE_TEST(test_note_with_any_bit_flipped),
		NOTE_TEST(test_note_cosignature_with_any_bit_flipped),
		NOTE_TEST(test_note_parse_refuses),
		NOTE_TEST(test_note_separator_is_the_last_empty_line),
		NOTE_TEST(test_note_parse_at_the_bounds),
		NOTE_TEST(test_note_verify_with_one_bad_signature),
		NOTE_TEST(test_note_text_is_valid),
		NOTE_TEST(test_note_without_memory),
	};

	if (keys_init() != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
