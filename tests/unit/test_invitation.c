/* Invitations: a golden one, and every way in which one does not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/invitation.h"

#include "fail.h"
#include "test_keys.h"
#include "vector.h"

#define ARENA_MAX (1024 * 1024)
#define EXPIRES_MS 1795953600000 /* date -ud 2026-11-29T12:00:00Z +%s000 */

static struct arena arena;
static struct secret_key controller;
static struct bytes golden;

static int start(void **state)
{
	(void)state;
	arena_init(&arena, ARENA_MAX);
	controller = test_seed_key("example.com/kluis/controller", 1);
	golden = vector_read("invitation.txt");
	return 0;
}

static int stop(void **state)
{
	(void)state;
	arena_fini(&arena);
	secret_key_fini(&controller);
	bytes_fini(&golden);
	return 0;
}

static struct invitation golden_invitation(void)
{
	struct invitation invitation = {0};

	assert_int_equal(invitation_parse(bytes_slice(&golden), "golden", &arena, &invitation, NULL), ERR_OK);
	return invitation;
}

static void test_invitation_parse_golden(void **state)
{
	struct invitation invitation = golden_invitation();
	struct secret_key log = test_seed_key("example.com/kluis/log", 2);

	(void)state;
	assert_string_equal(invitation.origin, "example.com/kluis");
	assert_string_equal(invitation.principal, "example.com/kluis/store/12");
	assert_string_equal(invitation.address, "tls+tcp://broker.example.com:7443");
	assert_true(public_key_equal(&invitation.log, &log.public));
	assert_true(public_key_equal(&invitation.controller, &controller.public));
	for (uint8_t i = 0; i < INVITATION_CODE_SIZE; i++)
		assert_int_equal(invitation.code[i], i);
	assert_int_equal(invitation.expires_ms, EXPIRES_MS);
	assert_string_equal(invitation.certificate_pem,
			    "-----BEGIN CERTIFICATE-----\n"
			    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v\n"
			    "MDEyMzQ1Njc4OTo7PD0+P0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5f\n"
			    "-----END CERTIFICATE-----\n");
	secret_key_fini(&log);
}

static void test_invitation_print_golden(void **state)
{
	struct invitation invitation = golden_invitation();
	struct bytes printed;

	(void)state;
	bytes_init(&printed, PAPER_MAX);
	assert_int_equal(invitation_print(&invitation, &controller, &printed, NULL), ERR_OK);
	assert_true(slice_equal(bytes_slice(&printed), bytes_slice(&golden)));
	bytes_fini(&printed);
}

static void test_invitation_with_any_byte_changed(void **state)
{
	struct invitation invitation;

	(void)state;
	for (size_t i = 0; i < golden.length; i++) {
		golden.data[i] ^= 1;
		arena_reset(&arena);
		assert_int_not_equal(invitation_parse(bytes_slice(&golden), "x", &arena, &invitation, NULL), ERR_OK);
		golden.data[i] ^= 1;
	}
}

/* Signed by the controller, with one piece of the golden text replaced. */
struct bad_row {
	const char *old, *new;
	enum err err;
	const char *fault; /* a part of it */
};

static const struct bad_row bad_rows[] = {
	{"origin = example.com/kluis\n", "", ERR_INPUT, "origin"},
	{"origin = example.com/kluis\n", "origin = example.com/other\n", ERR_PAPER, "principal"},
	{"origin = example.com/kluis\n", "origin = a b\n", ERR_INPUT, "not an origin"},
	{"kluis/store/12\n", "kluis/log\n", ERR_INPUT, "principal"},
	{"kluis/store/12\n", "kluis/controller\n", ERR_INPUT, "principal"},
	{"kluis/store/12\n", "kluis/store/012\n", ERR_INPUT, "principal"},
	{"kluis/store/12\n", "klui/store/12\n", ERR_PAPER, "example.com/kluis"},
	{"tls+tcp://broker.example.com:7443", "tcp://broker.example.com:7443", ERR_INPUT, "tls+tcp://"},
	{"tls+tcp://broker.example.com:7443", "tls+tcp://broker.example.com", ERR_INPUT, "port"},
	{"tls+tcp://broker.example.com:7443", "tls+tcp://:7443", ERR_INPUT, "host"},
	{"tls+tcp://broker.example.com:7443", "tls+tcp://broker.example.com:", ERR_INPUT, "port"},
	{"/log+ef71f874", "/log+ef71f875", ERR_INPUT, "ef71f874"},
	{"log = example.com/kluis/log+ef71f874+AYE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU",
	 "log = PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", ERR_PAPER,
	 "example.com/kluis/log"},
	{"log = example.com/kluis/log+ef71f874+AYE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU",
	 "log = example.com/kluis/witness/store/12+3e909498+BMqTrBcFGHBx1nuDx/8O/oEI6OxFMFdddyaHkzPb2r58", ERR_INPUT,
	 "type 1"},
	{"controller = example.com/kluis/controller+3e8d65f4+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c",
	 "controller = example.com/kluis/log+ef71f874+AYE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU", ERR_PAPER,
	 "controller"},
	{"code = 000102030405060708090a0b0c0d0e0f", "code = 000102030405060708090a0b0c0d0e", ERR_INPUT,
	 "32 hex digits"},
	{"code = 000102030405060708090a0b0c0d0e0f", "code = 000102030405060708090A0b0c0d0e0f", ERR_INPUT,
	 "32 hex digits"},
	{"2026-11-29T12:00:00Z", "2026-11-31T12:00:00Z", ERR_INPUT, "2026-11-31"},
	{"-----BEGIN CERTIFICATE-----", "-----BEGIN PRIVATE KEY-----", ERR_INPUT, "PEM"},
	{"-----END CERTIFICATE-----", "-----END", ERR_INPUT, "PEM"},
	{"[invitation]", "[invite]", ERR_INPUT, "invite"},
	{"expires =", "valid =", ERR_INPUT, "valid"},
};

static enum err parse_changed(const char *old, const char *new, struct fault *fault)
{
	const struct secret_key *signer = &controller;
	struct invitation invitation;
	struct bytes made;
	struct note note;
	const uint8_t *place;
	size_t before;
	enum err err;

	assert_int_equal(note_parse(bytes_slice(&golden), &arena, &note, NULL), ERR_OK);
	place = memmem(note.text.data, note.text.length, old, strlen(old));
	assert_non_null(place);
	before = (size_t)(place - note.text.data);
	bytes_init(&made, PAPER_MAX);
	assert_int_equal(bytes_append(&made, slice_part(note.text, 0, before)), ERR_OK);
	assert_int_equal(bytes_append(&made, slice_text(new)), ERR_OK);
	assert_int_equal(bytes_append(&made, slice_part(note.text, before + strlen(old), note.text.length)), ERR_OK);
	place = arena_copy(&arena, bytes_slice(&made));
	before = made.length;
	bytes_clear(&made);
	assert_int_equal(note_sign(SLICE(place, before), &signer, 1, &made), ERR_OK);
	err = invitation_parse(bytes_slice(&made), "inv.txt", &arena, &invitation, fault);
	bytes_fini(&made);
	return err;
}

static void test_invitation_parse_refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_rows) / sizeof(bad_rows[0]); i++) {
		const struct bad_row *row = &bad_rows[i];
		struct fault fault = {0};
		enum err err = parse_changed(row->old, row->new, &fault);

		if (err != row->err || strstr(fault.text, row->fault) == NULL)
			fail_msg("%s -> %s: %d, %s", row->old, row->new, err, fault.text);
		assert_memory_equal(fault.text, "inv.txt", 7);
		assert_null(strstr(fault.text, "0001020304")); /* the code is a secret */
	}
	/* the row's machinery itself gives a good one */
	assert_int_equal(parse_changed("broker.example.com", "10.0.0.1", NULL), ERR_OK);
	assert_int_equal(parse_changed("kluis/store/12\n", "kluis/auditor/anna\n", NULL), ERR_OK);
	assert_int_equal(parse_changed("broker.example.com", "[::1]", NULL), ERR_OK);
}

static void test_invitation_signed_by_another(void **state)
{
	struct secret_key other = test_seed_key("example.com/kluis/controller", 77);
	struct invitation invitation = golden_invitation();
	struct fault fault = {0};
	struct bytes printed;

	(void)state;
	bytes_init(&printed, PAPER_MAX);
	assert_int_equal(invitation_print(&invitation, &other, &printed, &fault), ERR_SIGNATURE);
	assert_non_null(strstr(fault.text, "not signed"));
	assert_int_equal(printed.length, 0);
	bytes_fini(&printed);
	secret_key_fini(&other);
}

static void test_invitation_that_is_no_note(void **state)
{
	struct invitation invitation;
	struct fault fault = {0};

	(void)state;
	assert_int_equal(invitation_parse(slice_text("[invitation]\n"), "inv.txt", &arena, &invitation, &fault),
			 ERR_PAPER);
	assert_memory_equal(fault.text, "inv.txt: ", 9);
}

static void test_invitation_print_refuses_what_nobody_could_read(void **state)
{
	struct invitation invitation = golden_invitation();
	struct fault fault = {0};
	struct bytes printed;
	char address[300];

	(void)state;
	bytes_init(&printed, PAPER_MAX);
	snprintf(address, sizeof(address), "tls+tcp://%0200d:7443", 1);
	invitation.address = address;
	assert_int_equal(invitation_print(&invitation, &controller, &printed, &fault), ERR_INPUT);
	assert_non_null(strstr(fault.text, "180"));
	invitation = golden_invitation();
	invitation.expires_ms++;
	assert_int_equal(invitation_print(&invitation, &controller, &printed, NULL), ERR_INPUT);
	invitation = golden_invitation();
	invitation.certificate_pem = "-----BEGIN CERTIFICATE-----";
	assert_int_equal(invitation_print(&invitation, &controller, &printed, NULL), ERR_INPUT);
	invitation = golden_invitation();
	invitation.address = "tls+tcp://a:1\ncode = 00000000000000000000000000000000"; /* no second line slips in */
	assert_int_equal(invitation_print(&invitation, &controller, &printed, NULL), ERR_INPUT);
	assert_int_equal(printed.length, 0);
	bytes_fini(&printed);
}

/* The longest origin and names that FORMAT.md R2 allows fit their lines. */
static void test_invitation_of_the_longest_names(void **state)
{
	char origin[ORIGIN_MAX + 1], name[PRINCIPAL_MAX + 1], auditor[NAME_MAX_ + 1];
	struct invitation invitation = golden_invitation(), read;
	struct secret_key key;
	struct bytes printed;

	(void)state;
	memset(origin, 'o', ORIGIN_MAX);
	memset(auditor, 'a', NAME_MAX_);
	origin[ORIGIN_MAX] = auditor[NAME_MAX_] = '\0';
	bytes_init(&printed, PAPER_MAX);
	snprintf(name, sizeof(name), "%s/controller", origin);
	key = test_seed_key(name, 1);
	invitation.controller = key.public;
	snprintf(name, sizeof(name), "%s/log", origin);
	assert_int_equal(public_key_init(&invitation.log, slice_text(name), KEY_TYPE_ED25519, key.public.key), ERR_OK);
	snprintf(name, sizeof(name), "%s/auditor/%s", origin, auditor);
	invitation.origin = origin;
	invitation.principal = name;
	assert_int_equal(invitation_print(&invitation, &key, &printed, NULL), ERR_OK);
	assert_int_equal(invitation_parse(bytes_slice(&printed), "x", &arena, &read, NULL), ERR_OK);
	assert_string_equal(read.principal, name);
	bytes_fini(&printed);
	secret_key_fini(&key);
}

static enum err print(void *context)
{
	struct bytes printed CLEANUP(bytes_fini);

	bytes_init(&printed, PAPER_MAX);
	return invitation_print(context, &controller, &printed, NULL);
}

static void test_invitation_without_memory(void **state)
{
	struct invitation invitation = golden_invitation();

	(void)state;
	fail_sweep(FAIL_MEMORY, print, &invitation);
}

#define INVITATION_TEST(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		INVITATION_TEST(test_invitation_parse_golden),
		INVITATION_TEST(test_invitation_print_golden),
		INVITATION_TEST(test_invitation_with_any_byte_changed),
		INVITATION_TEST(test_invitation_parse_refuses),
		INVITATION_TEST(test_invitation_signed_by_another),
		INVITATION_TEST(test_invitation_that_is_no_note),
		INVITATION_TEST(test_invitation_print_refuses_what_nobody_could_read),
		INVITATION_TEST(test_invitation_of_the_longest_names),
		INVITATION_TEST(test_invitation_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
