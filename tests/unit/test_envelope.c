/* Signed requests: golden bytes, every bound of the head, parts and papers one to one, and nothing changed believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/envelope.h"
#include "kluis/hash.h"
#include "kluis/limits.h"
#include "kluis/operation.h"

#include "fail.h"
#include "golden.h"
#include "sample.h"

#define KIND(name) KLUIS__OPERATION__KIND_##name

static struct arena arena;
static struct secret_key store_key;
static struct bytes golden, message;

/* A request whose pieces a test may spoil before it is sent. */
static Kluis__Request request;
static Kluis__Acknowledgement acknowledgement;
static Kluis__Operation *operations[OPERATIONS_MAX + 1];
static Kluis__Personal personal;
static Kluis__Part *parts[OPERATIONS_MAX + 1];
static struct slice papers[4];
static size_t paper_count;

static int start(void **state)
{
	(void)state;
	arena_init(&arena, REQUEST_ARENA_MAX);
	bytes_init(&golden, GOLDEN_MAX);
	golden_read("envelope", &golden);
	bytes_init(&message, 4 * MESSAGE_MAX);
	golden_key(GOLDEN_STORE, GOLDEN_STORE_SEED, &store_key);
	return 0;
}

static int finish(void **state)
{
	(void)state;
	arena_fini(&arena);
	bytes_fini(&golden);
	bytes_fini(&message);
	secret_key_fini(&store_key);
	return 0;
}

static char *copy(const char *text)
{
	return arena_text(&arena, slice_text(text));
}

/* One lookup; the request of golden.py. */
static int fresh(void **state)
{
	(void)state;
	arena_reset(&arena);
	kluis__request__init(&request);
	kluis__personal__init(&personal);
	kluis__acknowledgement__init(&acknowledgement);
	request.principal = copy(GOLDEN_STORE);
	request.lane = 3;
	request.sequence = 7;
	request.time_ms = 1795363200000;
	request.has_agreement = request.has_employee = 1;
	request.agreement = sample_bytes(&arena, 0xa1, HASH_SIZE);
	request.employee = sample_bytes(&arena, 0xe1, PSEUDONYM_SIZE);
	request.acknowledgement = &acknowledgement;
	acknowledgement.index = 300;
	acknowledgement.leaf = sample_bytes(&arena, 0x77, HASH_SIZE);
	request.operations = operations;
	request.n_operations = 1;
	operations[0] = sample_operation(KIND(LOOKUP), &arena);
	personal.parts = parts;
	personal.n_parts = 1;
	parts[0] = sample_part(&arena);
	paper_count = 0;
	return 0;
}

/* Signs what stands above and opens it. */
static enum err send(struct envelope *ret_envelope)
{
	struct fault fault = {0};
	enum err err;

	bytes_clear(&message);
	assert_int_equal(envelope_sign(&request, &personal, papers, paper_count, &store_key, &message), ERR_OK);
	err = envelope_open(bytes_slice(&message), &arena, ret_envelope, &fault);
	assert_int_equal(err == ERR_OK, fault.text[0] == '\0');
	return err;
}

static enum err sent(void)
{
	struct envelope envelope;

	return send(&envelope);
}

/* ---- golden ---- */

static void test_envelope_golden(void **state)
{
	static const uint8_t content[] = {0x0a, 0x0b, 0x08, 0x03, 0x12, 0x07, 'N', 'L', '-', '0', '0', '4', '2'};
	uint8_t commitment[HASH_SIZE];
	struct envelope envelope;

	(void)state;
	operations[0]->lookup->field = 3;
	parts[0]->content = wire_data(SLICE_ARRAY(content));
	commitment_make(parts[0]->salt.data, SLICE_ARRAY(content), commitment);
	operations[0]->lookup->commitment = wire_data(SLICE_ARRAY(commitment));
	assert_int_equal(send(&envelope), ERR_OK);
	assert_int_equal(message.length, golden.length);
	assert_memory_equal(message.data, golden.data, golden.length);
}

static void test_golden_opens_to_what_it_says(void **state)
{
	struct envelope envelope;

	(void)state;
	assert_int_equal(envelope_open(bytes_slice(&golden), &arena, &envelope, NULL), ERR_OK);
	assert_int_equal(envelope_verify(&envelope, store_key.public.key), ERR_OK);
	assert_int_equal(envelope.principal.kind, PRINCIPAL_STORE);
	assert_int_equal(envelope.principal.store, 12);
	assert_true(slice_equal(envelope.principal.origin, slice_text(GOLDEN_ORIGIN)));
	assert_int_equal(envelope.decoded->lane, 3);
	assert_int_equal(envelope.decoded->sequence, 7);
	assert_int_equal(envelope.decoded->acknowledgement->index, 300);
	assert_int_equal(envelope.decoded->n_operations, 1);
	assert_int_equal(envelope.decoded->operations[0]->lookup->field, 3);
	assert_int_equal(envelope.signature.length, SIGNATURE_SIZE);
	assert_int_equal(envelope.part_count, 1);
	assert_true(slice_equal(slice_part(wire_slice(envelope.parts[0]->content), 6, 7), SLICE("NL-0042", 7)));
	assert_int_equal(envelope.paper_count, 0);
	/* slices point into the message: the request is logged as it came */
	assert_true(envelope.request.length > 0 && envelope.request.length < golden.length);
}

static enum err open_and_verify(struct slice bytes)
{
	struct envelope envelope;

	arena_reset(&arena);
	TRY(envelope_open(bytes, &arena, &envelope, NULL));
	return envelope_verify(&envelope, store_key.public.key);
}

static void test_any_bit_changed_is_not_believed(void **state)
{
	(void)state;
	assert_int_equal(open_and_verify(bytes_slice(&golden)), ERR_OK);
	for (size_t i = 0; i < golden.length; i++) {
		for (unsigned bit = 1; bit < 256; bit <<= 1) {
			golden.data[i] ^= (uint8_t)bit;
			assert_int_not_equal(open_and_verify(bytes_slice(&golden)), ERR_OK);
			golden.data[i] ^= (uint8_t)bit;
		}
	}
}

static void test_cut_or_lengthened_is_refused(void **state)
{
	struct envelope envelope;

	(void)state;
	for (size_t length = 0; length < golden.length; length++) {
		enum err err = envelope_open(SLICE(golden.data, length), &arena, &envelope, NULL);

		/* a cut at the end of the signature leaves a whole message, with its part missing */
		assert_true(err == ERR_INPUT || err == ERR_COMMITMENT);
	}
	assert_int_equal(bytes_append_u8(&golden, 0), ERR_OK);
	assert_int_equal(envelope_open(bytes_slice(&golden), &arena, &envelope, NULL), ERR_INPUT);
	golden.length--;
}

static void test_wrong_key_does_not_verify(void **state)
{
	struct secret_key other;
	struct envelope envelope;

	(void)state;
	golden_key(GOLDEN_STORE, 0x13, &other);
	assert_int_equal(envelope_open(bytes_slice(&golden), &arena, &envelope, NULL), ERR_OK);
	assert_int_equal(envelope_verify(&envelope, other.public.key), ERR_SIGNATURE);
	secret_key_fini(&other);
}

/* R31: the signature is not one over the bare request, so nothing else that the key signs can stand for one. */
static void test_signature_covers_the_domain(void **state)
{
	struct envelope envelope;

	(void)state;
	assert_int_equal(envelope_open(bytes_slice(&golden), &arena, &envelope, NULL), ERR_OK);
	assert_int_equal(key_verify(store_key.public.key, "", envelope.request, envelope.signature), ERR_SIGNATURE);
}

/* ---- the head ---- */

static void test_head_bounds(void **state)
{
	(void)state;
	assert_int_equal(sent(), ERR_OK);
	request.lane = LANE_MAX;
	assert_int_equal(sent(), ERR_OK);
	request.lane = LANE_MAX + 1;
	assert_int_equal(sent(), ERR_INPUT);
	request.lane = 0;
	request.sequence = 0;
	assert_int_equal(sent(), ERR_INPUT);
	request.sequence = 1;
	request.agreement.len = HASH_SIZE - 1;
	assert_int_equal(sent(), ERR_INPUT);
	request.has_agreement = 0;
	assert_int_equal(sent(), ERR_OK);
	request.employee.len = PSEUDONYM_SIZE - 1;
	assert_int_equal(sent(), ERR_INPUT);
	request.has_employee = 0;
	assert_int_equal(sent(), ERR_OK);
	acknowledgement.leaf.len = HASH_SIZE - 1;
	assert_int_equal(sent(), ERR_INPUT);
	acknowledgement.leaf.len = HASH_SIZE;
	acknowledgement.index = (uint64_t)1 << 63;
	assert_int_equal(sent(), ERR_INPUT);
	request.acknowledgement = NULL;
	assert_int_equal(sent(), ERR_OK);
}

static void test_principals(void **state)
{
	static const char *const wrong[] = {"",
					    GOLDEN_ORIGIN,
					    GOLDEN_ORIGIN "/log",
					    GOLDEN_ORIGIN "/store/",
					    GOLDEN_ORIGIN "/store/012",
					    GOLDEN_ORIGIN "/store/100000",
					    GOLDEN_ORIGIN "/store/-1",
					    GOLDEN_ORIGIN "/witness/store/12",
					    GOLDEN_ORIGIN "/auditor/",
					    "/store/12",
					    "has space/store/12"};

	(void)state;
	request.principal = copy(GOLDEN_ORIGIN "/controller");
	assert_int_equal(sent(), ERR_OK);
	request.principal = copy(GOLDEN_ORIGIN "/auditor/kpmg");
	assert_int_equal(sent(), ERR_OK);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		request.principal = copy(wrong[i]);
		assert_int_equal(sent(), ERR_INPUT);
	}
}

static void test_number_of_operations(void **state)
{
	struct envelope envelope;

	(void)state;
	for (size_t i = 0; i <= OPERATIONS_MAX; i++) {
		operations[i] = sample_operation(KIND(LOOKUP), &arena);
		parts[i] = sample_part(&arena);
	}
	request.n_operations = personal.n_parts = 0;
	assert_int_equal(sent(), ERR_INPUT);
	request.n_operations = personal.n_parts = OPERATIONS_MAX;
	assert_int_equal(send(&envelope), ERR_OK);
	assert_int_equal(envelope.part_count, OPERATIONS_MAX);
	request.n_operations = personal.n_parts = OPERATIONS_MAX + 1;
	assert_int_equal(sent(), ERR_INPUT);
}

/* operation_check's own test walks the bounds; here only that each operation meets it. */
static void test_every_operation_is_checked(void **state)
{
	(void)state;
	operations[0] = sample_operation(KIND(CENSUS), &arena);
	operations[1] = sample_operation(KIND(SYNC), &arena);
	request.n_operations = 2;
	personal.n_parts = 0;
	assert_int_equal(sent(), ERR_OK);
	operations[1]->sync->count = 513;
	assert_int_equal(sent(), ERR_INPUT);
	operations[1]->kind_case = KLUIS__OPERATION__KIND__NOT_SET;
	assert_int_equal(sent(), ERR_INPUT);
}

static void test_every_kind_travels(void **state)
{
	const struct operation_row *rows;
	struct envelope envelope;
	size_t count, logged = 0;

	(void)state;
	rows = operation_rows(&count);
	personal.n_parts = paper_count = 0;
	for (size_t i = 0; i < count; i++) {
		if (rows[i].is_unlogged)
			continue;
		operations[logged++] = sample_operation(rows[i].kind, &arena);
		if (rows[i].commitment != NULL)
			parts[personal.n_parts++] = sample_part(&arena);
		if (rows[i].takes_paper)
			papers[paper_count++] = slice_text("a paper");
	}
	request.n_operations = logged;
	assert_int_equal(send(&envelope), ERR_OK);
	for (size_t i = 0, j = 0; i < count; i++)
		if (!rows[i].is_unlogged)
			assert_int_equal(envelope.decoded->operations[j++]->kind_case, rows[i].kind);
	assert_int_equal(envelope.part_count, personal.n_parts);
	assert_int_equal(envelope.part_count, 8);
	assert_int_equal(envelope.paper_count, 3);
}

/* R120: alone, under sequence 0, with nothing of a lane's. */
static void test_what_leaves_no_entry_stands_alone(void **state)
{
	const struct operation_row *rows;
	struct envelope envelope;
	size_t count, unlogged = 0;

	(void)state;
	rows = operation_rows(&count);
	personal.n_parts = 0;
	for (size_t i = 0; i < count; i++) {
		if (!rows[i].is_unlogged)
			continue;
		operations[0] = operations[1] = sample_operation(rows[i].kind, &arena);
		request.n_operations = 1;
		request.sequence = 0;
		request.has_agreement = request.has_employee = 0;
		request.acknowledgement = NULL;
		assert_int_equal(send(&envelope), ERR_OK);
		request.sequence = 1;
		assert_int_equal(send(&envelope), ERR_INPUT);
		request.sequence = 0;
		request.has_agreement = 1;
		assert_int_equal(send(&envelope), ERR_INPUT);
		request.has_agreement = 0;
		request.has_employee = 1;
		assert_int_equal(send(&envelope), ERR_INPUT);
		request.has_employee = 0;
		request.acknowledgement = &acknowledgement;
		assert_int_equal(send(&envelope), ERR_INPUT);
		request.acknowledgement = NULL;
		request.n_operations = 2;
		assert_int_equal(send(&envelope), ERR_INPUT);
		operations[1] = sample_operation(KIND(CENSUS), &arena);
		assert_int_equal(send(&envelope), ERR_INPUT);
		request.sequence = 1;
		assert_int_equal(send(&envelope), ERR_INPUT);
		unlogged++;
	}
	assert_int_equal(unlogged, 3);
}

/* ---- parts ---- */

static void test_parts_stand_one_to_one(void **state)
{
	struct envelope envelope;

	(void)state;
	operations[1] = sample_operation(KIND(CENSUS), &arena); /* has no commitment and takes no part */
	operations[2] = sample_operation(KIND(UPDATE), &arena);
	parts[1] = sample_part(&arena);
	parts[2] = sample_part(&arena);
	request.n_operations = 3;
	personal.n_parts = 2;
	assert_int_equal(send(&envelope), ERR_OK);
	assert_int_equal(envelope.part_count, 2);
	personal.n_parts = 1;
	assert_int_equal(sent(), ERR_COMMITMENT);
	personal.n_parts = 0;
	assert_int_equal(sent(), ERR_COMMITMENT);
	personal.n_parts = 3;
	assert_int_equal(sent(), ERR_COMMITMENT);
}

static void test_swapped_parts_are_refused(void **state)
{
	static const uint8_t other[] = {0x0a, 0x02, 0x08, 0x01};
	uint8_t commitment[HASH_SIZE];
	Kluis__Part *swap;

	(void)state;
	operations[1] = sample_operation(KIND(UPDATE), &arena);
	parts[1] = sample_part(&arena);
	parts[1]->content = wire_data(SLICE_ARRAY(other));
	commitment_make(parts[1]->salt.data, SLICE_ARRAY(other), commitment);
	operations[1]->update->commitment = wire_data(SLICE_ARRAY(commitment));
	request.n_operations = personal.n_parts = 2;
	assert_int_equal(sent(), ERR_OK);
	swap = parts[0];
	parts[0] = parts[1];
	parts[1] = swap;
	assert_int_equal(sent(), ERR_COMMITMENT);
}

static void test_part_that_does_not_open_its_commitment(void **state)
{
	(void)state;
	parts[0]->salt = sample_bytes(&arena, 0x5b, SALT_SIZE);
	assert_int_equal(sent(), ERR_COMMITMENT);
	parts[0]->salt = sample_bytes(&arena, 0x5a, SALT_SIZE - 1);
	assert_int_equal(sent(), ERR_COMMITMENT);
	parts[0]->salt = sample_bytes(&arena, 0x5a, SALT_SIZE);
	assert_int_equal(sent(), ERR_OK);
	parts[0]->content = sample_bytes(&arena, 0x00, 17);
	assert_int_equal(sent(), ERR_COMMITMENT);
}

static void test_staff_takes_a_part_only_when_added(void **state)
{
	(void)state;
	operations[0] = sample_operation(KIND(STAFF), &arena);
	assert_int_equal(sent(), ERR_OK);
	operations[0]->staff->has_commitment = 0;
	assert_int_equal(sent(), ERR_COMMITMENT);
	personal.n_parts = 0;
	assert_int_equal(sent(), ERR_OK);
}

/* ---- papers ---- */

static void test_papers_are_as_many_as_taken(void **state)
{
	struct envelope envelope;

	(void)state;
	operations[0] = sample_operation(KIND(DRAFT), &arena);
	operations[1] = sample_operation(KIND(OFFER), &arena);
	personal.n_parts = 0;
	request.n_operations = 2;
	papers[0] = slice_text("the agreement's text\n");
	papers[1] = slice_text("another\n");
	assert_int_equal(sent(), ERR_INPUT);
	paper_count = 1;
	assert_int_equal(send(&envelope), ERR_OK);
	assert_int_equal(envelope.paper_count, 1);
	assert_true(slice_equal(envelope.papers[0], papers[0]));
	paper_count = 2;
	assert_int_equal(sent(), ERR_INPUT);
}

/* ---- sizes ---- */

static void test_sizes_over_their_bounds(void **state)
{
	struct bytes large CLEANUP(bytes_fini);
	struct envelope envelope;
	const Kluis__Request *decoded;
	struct principal principal;
	uint8_t *place;

	(void)state;
	bytes_init(&large, 2 * MESSAGE_MAX);
	assert_int_equal(bytes_reserve(&large, 2 * MESSAGE_MAX, &place), ERR_OK);
	memset(place, 0, 2 * MESSAGE_MAX);
	assert_int_equal(envelope_open(SLICE(place, MESSAGE_MAX + 1), &arena, &envelope, NULL), ERR_TOO_LARGE);
	assert_int_equal(request_decode(SLICE(place, REQUEST_MAX + 1), &arena, &decoded, &principal, NULL),
			 ERR_TOO_LARGE);

	parts[0]->content = wire_data(SLICE(place, RECORD_MAX + 1));
	assert_int_equal(sent(), ERR_TOO_LARGE);

	operations[0] = sample_operation(KIND(DRAFT), &arena);
	personal.n_parts = 0;
	paper_count = 1;
	papers[0] = SLICE(place, PAPER_MAX);
	assert_int_equal(sent(), ERR_OK);
	papers[0] = SLICE(place, PAPER_MAX + 1);
	assert_int_equal(sent(), ERR_TOO_LARGE);
}

static void test_signing_what_is_too_large(void **state)
{
	char *text = arena_alloc(&arena, REQUEST_MAX + 1);
	size_t before;

	(void)state;
	bytes_clear(&message);
	assert_int_equal(bytes_append_u8(&message, 7), ERR_OK);
	before = message.length;
	memset(text, 'p', REQUEST_MAX);
	operations[0]->purpose = text;
	assert_int_equal(envelope_sign(&request, &personal, NULL, 0, &store_key, &message), ERR_TOO_LARGE);
	operations[0]->purpose = copy("service");
	parts[0]->content = wire_data(SLICE(arena_alloc(&arena, MESSAGE_MAX), MESSAGE_MAX));
	assert_int_equal(envelope_sign(&request, &personal, NULL, 0, &store_key, &message), ERR_TOO_LARGE);
	assert_int_equal(message.length, before);
}

/* A message that wants more memory than its arena gives is refused, wherever the ceiling is met. */
static void test_arena_ceiling(void **state)
{
	enum err err = ERR_TOO_LARGE;
	size_t ceiling;

	(void)state;
	for (ceiling = 0; err != ERR_OK; ceiling += 64) {
		struct arena small CLEANUP(arena_fini);
		struct envelope envelope;

		arena_init(&small, ceiling);
		err = envelope_open(bytes_slice(&golden), &small, &envelope, NULL);
		assert_true(err == ERR_OK || err == ERR_TOO_LARGE || err == ERR_MEMORY);
	}
	assert_true(ceiling > 1024 && ceiling < 16384);
}

static enum err open_and_sign(void *context)
{
	struct arena small CLEANUP(arena_fini);
	struct bytes signed_again CLEANUP(bytes_fini);
	struct envelope envelope;

	(void)context;
	arena_init(&small, REQUEST_ARENA_MAX);
	bytes_init(&signed_again, GOLDEN_MAX);
	TRY(envelope_open(bytes_slice(&golden), &small, &envelope, NULL));
	TRY(envelope_sign(envelope.decoded, &personal, papers, 1, &store_key, &signed_again));
	return envelope_verify(&envelope, store_key.public.key);
}

static void test_every_allocation_may_fail(void **state)
{
	(void)state;
	papers[0] = slice_text("a paper");
	fail_sweep(FAIL_MEMORY, open_and_sign, NULL);
}

/* ---- parts that are made ---- */

static void test_part_make_opens(void **state)
{
	Kluis__JoinContent content = KLUIS__JOIN_CONTENT__INIT;
	ProtobufCBinaryData first, second;
	Kluis__Part *part, *other;

	(void)state;
	content.code = sample_bytes(&arena, 0x42, 16);
	assert_int_equal(part_make(&content.base, &arena, &part, &first), ERR_OK);
	assert_int_equal(part_make(&content.base, &arena, &other, &second), ERR_OK);
	assert_int_equal(part_check(part, wire_slice(first)), ERR_OK);
	assert_int_equal(part_check(other, wire_slice(second)), ERR_OK);
	assert_int_equal(part->content.len, 18);
	assert_memory_equal(part->content.data, "\x0a\x10\x42", 3);
	/* a salt each: equal contents do not show as equal */
	assert_false(slice_equal(wire_slice(first), wire_slice(second)));
	assert_int_equal(part_check(part, wire_slice(second)), ERR_COMMITMENT);
}

static void test_part_make_of_nothing_and_too_much(void **state)
{
	Kluis__Values nothing = KLUIS__VALUES__INIT;
	Kluis__JoinContent content = KLUIS__JOIN_CONTENT__INIT;
	ProtobufCBinaryData commitment;
	Kluis__Part *part;

	(void)state;
	assert_int_equal(part_make(&nothing.base, &arena, &part, &commitment), ERR_OK);
	assert_int_equal(part->content.len, 0);
	assert_int_equal(part_check(part, wire_slice(commitment)), ERR_OK);
	content.code = sample_bytes(&arena, 0x42, RECORD_MAX);
	assert_int_equal(part_make(&content.base, &arena, &part, &commitment), ERR_TOO_LARGE);
}

static void test_part_make_at_the_ceiling(void **state)
{
	Kluis__JoinContent content = KLUIS__JOIN_CONTENT__INIT;
	enum err err = ERR_MEMORY;

	(void)state;
	content.code = sample_bytes(&arena, 0x42, 16);
	for (size_t ceiling = 0; err != ERR_OK; ceiling += 16) {
		struct arena small CLEANUP(arena_fini);
		ProtobufCBinaryData commitment;
		Kluis__Part *part;

		arena_init(&small, ceiling);
		err = part_make(&content.base, &small, &part, &commitment);
		assert_true(err == ERR_OK || err == ERR_MEMORY);
	}
}

#define TEST(function) cmocka_unit_test_setup(function, fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_envelope_golden),
		TEST(test_golden_opens_to_what_it_says),
		TEST(test_any_bit_changed_is_not_believed),
		TEST(test_cut_or_lengthened_is_refused),
		TEST(test_wrong_key_does_not_verify),
		TEST(test_signature_covers_the_domain),
		TEST(test_head_bounds),
		TEST(test_principals),
		TEST(test_number_of_operations),
		TEST(test_every_operation_is_checked),
		TEST(test_every_kind_travels),
		TEST(test_what_leaves_no_entry_stands_alone),
		TEST(test_parts_stand_one_to_one),
		TEST(test_swapped_parts_are_refused),
		TEST(test_part_that_does_not_open_its_commitment),
		TEST(test_staff_takes_a_part_only_when_added),
		TEST(test_papers_are_as_many_as_taken),
		TEST(test_sizes_over_their_bounds),
		TEST(test_signing_what_is_too_large),
		TEST(test_arena_ceiling),
		TEST(test_every_allocation_may_fail),
		TEST(test_part_make_opens),
		TEST(test_part_make_of_nothing_and_too_much),
		TEST(test_part_make_at_the_ceiling),
	};

	if (keys_init() != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, start, finish);
}
