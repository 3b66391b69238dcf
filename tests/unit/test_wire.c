/* Strict decoding: one message has one form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/wire.h"

#include "fail.h"
#include "kluis/limits.h"

#define ARENA_MAX (64 * 1024)

static enum err decode_request(struct slice slice, struct arena *arena, Kluis__Request **ret_request)
{
	return WIRE_DECODE(Request, request, slice, arena, ret_request);
}

/* A request with one lookup, by hand from the protobuf encoding rules. */
static const uint8_t lookup[] = {
	0x0A, 3,    'o',  '/', 'l',		    /* principal = 1 */
	0x10, 5,				    /* lane = 2 */
	0x18, 0xAC, 0x02,			    /* sequence = 3: 300 */
	0x21, 8,    7,	  6,   5,    4,	   3, 2, 1, /* time_ms = 4, little-endian */
	0x42, 12,				    /* operations = 8 */
	0x0A, 2,    'p',  'u',			    /* purpose = 1 */
	0x5A, 6,				    /* lookup = 11 */
	0x08, 3,    0x12, 2,   0xAA, 0xBB,
};

static void test_wire_decode_reads_every_field(void **state)
{
	uint8_t message[sizeof(lookup)];
	struct arena arena;
	Kluis__Request *request;

	(void)state;
	arena_init(&arena, ARENA_MAX);
	memcpy(message, lookup, sizeof(lookup));
	assert_int_equal(decode_request(SLICE_ARRAY(message), &arena, &request), ERR_OK);
	assert_string_equal(request->principal, "o/l");
	assert_int_equal(request->lane, 5);
	assert_int_equal(request->sequence, 300);
	assert_int_equal(request->time_ms, 0x0102030405060708);
	assert_false(request->has_agreement);
	assert_null(request->acknowledgement);
	assert_int_equal(request->n_operations, 1);
	assert_string_equal(request->operations[0]->purpose, "pu");
	assert_int_equal(request->operations[0]->kind_case, KLUIS__OPERATION__KIND_LOOKUP);
	assert_int_equal(request->operations[0]->lookup->field, 3);
	assert_true(slice_equal(wire_slice(request->operations[0]->lookup->commitment), slice_text("\xAA\xBB")));
	arena_fini(&arena);
}

static void test_wire_encode_gives_the_same_bytes(void **state)
{
	uint8_t message[sizeof(lookup)];
	struct arena arena;
	struct bytes bytes;
	Kluis__Request *request;

	(void)state;
	arena_init(&arena, ARENA_MAX);
	bytes_init(&bytes, sizeof(lookup));
	memcpy(message, lookup, sizeof(lookup));
	assert_int_equal(decode_request(SLICE_ARRAY(message), &arena, &request), ERR_OK);
	assert_int_equal(wire_size(&request->base), sizeof(lookup));
	assert_int_equal(wire_encode(&request->base, &bytes), ERR_OK);
	assert_true(slice_equal(bytes_slice(&bytes), SLICE_ARRAY(message)));
	assert_int_equal(wire_encode(&request->base, &bytes), ERR_TOO_LARGE);
	assert_int_equal(bytes.length, sizeof(lookup));
	bytes_fini(&bytes);
	arena_fini(&arena);
}

/* Forms of Acknowledgement { index = 1 (varint), leaf = 2 (bytes) } and of others that must not pass. */
struct bad_row {
	const char *why;
	const ProtobufCMessageDescriptor *type;
	const char *bytes;
	size_t length;
};

#define BAD(why, name, bytes)                                                                                          \
	{                                                                                                              \
		why, &kluis__##name##__descriptor, bytes, sizeof(bytes) - 1                                            \
	}

static const struct bad_row bad_rows[] = {
	BAD("empty", acknowledgement, ""),
	BAD("missing leaf", acknowledgement, "\x08\x01"),
	BAD("missing index", acknowledgement, "\x12\x01x"),
	BAD("fields out of order", acknowledgement, "\x12\x01x\x08\x01"),
	BAD("field twice", acknowledgement, "\x08\x01\x08\x01\x12\x01x"),
	BAD("bytes twice", acknowledgement, "\x08\x01\x12\x01x\x12\x01x"),
	BAD("long varint", acknowledgement, "\x08\x81\x00\x12\x01x"),
	BAD("long length", acknowledgement, "\x08\x01\x12\x81\x00x"),
	BAD("long tag", acknowledgement, "\x88\x00\x01\x12\x01x"),
	BAD("varint over 64 bits", acknowledgement, "\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01\x12\x01x"),
	BAD("varint with bits that are lost", acknowledgement, "\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F\x12\x01x"),
	BAD("unknown field", acknowledgement, "\x08\x01\x12\x01x\x18\x01"),
	BAD("unknown field, high number", acknowledgement, "\x08\x01\x12\x01x\xF8\x07\x01"),
	BAD("wrong wire type", acknowledgement, "\x0A\x01\x01\x12\x01x"),
	BAD("truncated bytes", acknowledgement, "\x08\x01\x12\x02x"),
	BAD("truncated tag", acknowledgement, "\x08\x01\x12\x01x\xF8"),
	BAD("length over the end", acknowledgement, "\x08\x01\x12\xFF\xFF\xFF\xFF\x0Fx"),
	BAD("tag 0", acknowledgement, "\x08\x01\x12\x01x\x00\x00"),
	BAD("group", acknowledgement, "\x08\x01\x12\x01x\x1B\x1C"),
	BAD("uint32 over 32 bits", lookup, "\x08\x81\x80\x80\x80\x10\x12\x01x"),
	BAD("negative 32 bits of another length", consent_state,
	    "\x0A\x01p\x10\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"),
	BAD("bool of 2", restriction, "\x0A\x01x\x10\x02"),
	BAD("string with NUL", consent_state,
	    "\x0A\x03"
	    "a\0b\x10\x01"),
	BAD("string that is not UTF-8", consent_state, "\x0A\x01\xFF\x10\x01"),
	BAD("string with an escape", consent_state, "\x0A\x01\x1B\x10\x01"),
	BAD("string cut inside a character", consent_state, "\x0A\x01\xC3\x10\x01"),
	/* inside: Consent { customer = 1, state = 2 { purpose = 1, status = 2 } } */
	BAD("unknown field inside", consent, "\x0A\x01x\x12\x07\x0A\x01p\x10\x01\x18\x01"),
	BAD("message twice, merged", consent, "\x0A\x01x\x12\x03\x0A\x01p\x12\x02\x10\x01"),
	/* Values { repeated Value values = 1 { field = 1, value = 2 } } */
	BAD("unknown field in a list", values, "\x0A\x05\x08\x01\x12\x01v\x0A\x07\x08\x02\x12\x01v\x18\x01"),
	BAD("bad text in a list", values, "\x0A\x05\x08\x01\x12\x01\x07"),
	/* Operation: two members of the oneof, lookup = 11 and census = 39 */
	BAD("two kinds", operation, "\x5A\x05\x08\x01\x12\x01x\xBA\x02\x00"),
	BAD("one kind twice", operation, "\xBA\x02\x00\xBA\x02\x00"),
};

static void test_wire_decode_refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_rows) / sizeof(bad_rows[0]); i++) {
		const struct bad_row *row = &bad_rows[i];
		struct arena arena;
		ProtobufCMessage *message = NULL;
		uint8_t *exact = malloc(row->length + 1);

		assert_non_null(exact);
		memcpy(exact + 1, row->bytes, row->length);
		arena_init(&arena, ARENA_MAX);
		if (wire_decode(row->type, SLICE(exact + 1, row->length), &arena, &message) != ERR_INPUT)
			fail_msg("%s", row->why);
		assert_null(message);
		arena_fini(&arena);
		free(exact);
	}
}

#define GOOD(name, bytes) BAD("", name, bytes)

static void test_wire_decode_takes_what_is_just_right(void **state)
{
	static const struct bad_row good_rows[] = {
		GOOD(acknowledgement, "\x08\x01\x12\x01x"),
		GOOD(acknowledgement, "\x08\x00\x12\x00"),
		GOOD(acknowledgement, "\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01\x12\x01x"),
		GOOD(lookup, "\x08\xFF\xFF\xFF\xFF\x0F\x12\x01\x00"),
		GOOD(restriction, "\x0A\x01x\x10\x01"),
		GOOD(consent_state, "\x0A\x03\xE2\x80\x94\x10\x01"),
		GOOD(consent_state, "\x0A\x00\x10\x00"),
		GOOD(consent, "\x0A\x01x\x12\x05\x0A\x01p\x10\x01"),
		GOOD(values, ""),
		GOOD(values, "\x0A\x05\x08\x01\x12\x01v\x0A\x05\x08\x02\x12\x01v"),
		GOOD(operation, "\xBA\x02\x00"),
		GOOD(operation, ""),
		GOOD(census, ""),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good_rows) / sizeof(good_rows[0]); i++) {
		struct arena arena;
		ProtobufCMessage *message;

		arena_init(&arena, ARENA_MAX);
		if (wire_decode(good_rows[i].type, SLICE(good_rows[i].bytes, good_rows[i].length), &arena, &message) !=
		    ERR_OK)
			fail_msg("row %zu", i);
		arena_fini(&arena);
	}
}

/* Every byte changed in every way: what still decodes encodes to just those bytes. */
static void test_wire_decode_of_changed_bytes_is_identity(void **state)
{
	uint8_t message[sizeof(lookup)];
	struct arena arena;
	struct bytes bytes;
	size_t decoded = 0;

	(void)state;
	arena_init(&arena, ARENA_MAX);
	bytes_init(&bytes, 1000);
	for (size_t i = 0; i < sizeof(message); i++) {
		for (int value = 0; value < 256; value++) {
			Kluis__Request *request;

			memcpy(message, lookup, sizeof(lookup));
			message[i] = (uint8_t)value;
			arena_reset(&arena);
			bytes_clear(&bytes);
			if (decode_request(SLICE_ARRAY(message), &arena, &request) != ERR_OK)
				continue;
			decoded++;
			assert_int_equal(wire_encode(&request->base, &bytes), ERR_OK);
			assert_true(slice_equal(bytes_slice(&bytes), SLICE_ARRAY(message)));
		}
	}
	assert_true(decoded > sizeof(message));
	bytes_fini(&bytes);
	arena_fini(&arena);
}

static void test_wire_decode_at_the_ceiling(void **state)
{
	uint8_t message[sizeof(lookup)], *large = calloc(1, MESSAGE_MAX + 1);
	Kluis__Request *request;
	struct arena arena;

	(void)state;
	assert_non_null(large);
	memcpy(message, lookup, sizeof(lookup));
	arena_init(&arena, 100);
	assert_int_equal(decode_request(SLICE_ARRAY(message), &arena, &request), ERR_TOO_LARGE);
	assert_int_equal(decode_request(SLICE(large, MESSAGE_MAX + 1), &arena, &request), ERR_TOO_LARGE);
	arena_fini(&arena);
	free(large);
}

/* Two bytes of input that ask for much memory each: the arena's ceiling holds. */
static void test_wire_decode_of_many_small_items(void **state)
{
	enum { COUNT = 400000 };
	uint8_t *message = malloc(2 * COUNT);
	ProtobufCMessage *decoded;
	struct arena arena;

	(void)state;
	assert_non_null(message);
	for (size_t i = 0; i < COUNT; i++)
		memcpy(message + 2 * i, "\x0A\x00", 2);
	arena_init(&arena, REQUEST_ARENA_MAX);
	assert_int_equal(wire_decode(&kluis__data__descriptor, SLICE(message, 2 * COUNT), &arena, &decoded),
			 ERR_TOO_LARGE);
	assert_true(arena.used <= REQUEST_ARENA_MAX);
	arena_fini(&arena);
	free(message);
}

static enum err decode_and_encode(void *context)
{
	struct arena arena CLEANUP(arena_fini);
	struct bytes bytes CLEANUP(bytes_fini);
	uint8_t message[sizeof(lookup)];
	Kluis__Request *request;

	(void)context;
	memcpy(message, lookup, sizeof(lookup));
	arena_init(&arena, ARENA_MAX);
	bytes_init(&bytes, 1000);
	TRY(decode_request(SLICE_ARRAY(message), &arena, &request));
	return wire_encode(&request->base, &bytes);
}

static void test_wire_without_memory(void **state)
{
	(void)state;
	fail_begin(FAIL_MEMORY, 1);
	assert_int_equal(decode_and_encode(NULL), ERR_MEMORY);
	assert_true(fail_end());
	fail_sweep(FAIL_MEMORY, decode_and_encode, NULL);
}

static void test_wire_data_is_a_view(void **state)
{
	struct slice slice = slice_text("abc");

	(void)state;
	assert_ptr_equal(wire_data(slice).data, slice.data);
	assert_true(slice_equal(wire_slice(wire_data(slice)), slice));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wire_decode_reads_every_field),
		cmocka_unit_test(test_wire_encode_gives_the_same_bytes),
		cmocka_unit_test(test_wire_decode_refuses),
		cmocka_unit_test(test_wire_decode_takes_what_is_just_right),
		cmocka_unit_test(test_wire_decode_of_changed_bytes_is_identity),
		cmocka_unit_test(test_wire_decode_at_the_ceiling),
		cmocka_unit_test(test_wire_decode_of_many_small_items),
		cmocka_unit_test(test_wire_without_memory),
		cmocka_unit_test(test_wire_data_is_a_view),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
