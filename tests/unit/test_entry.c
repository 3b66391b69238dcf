/* Log entries and the replies that carry them: golden bytes, every bound, and each way in which an answer can differ
 * from what was recorded about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/entry.h"
#include "kluis/hash.h"
#include "kluis/limits.h"

#include "fail.h"
#include "golden.h"
#include "sample.h"

#define TIME_MS 1795363200123u /* of golden.py */

static struct arena arena;
static struct secret_key store_key;
static struct bytes golden, golden_envelope, golden_reply, encoded;

/* The golden entry and the golden reply as messages that a test may spoil. */
static struct envelope envelope;
static Kluis__Entry entry;
static Kluis__Result *results[2];
static Kluis__Disclosure *disclosures[3];
static Kluis__Reply reply;
static Kluis__Personal personal;
static Kluis__Part *parts[3];

static int start(void **state)
{
	(void)state;
	arena_init(&arena, REQUEST_ARENA_MAX);
	bytes_init(&golden, GOLDEN_MAX);
	bytes_init(&golden_envelope, GOLDEN_MAX);
	bytes_init(&golden_reply, GOLDEN_MAX);
	bytes_init(&encoded, 4 * ENTRY_MAX);
	golden_read("entry", &golden);
	golden_read("envelope", &golden_envelope);
	golden_read("reply", &golden_reply);
	golden_key(GOLDEN_STORE, GOLDEN_STORE_SEED, &store_key);
	return 0;
}

static int finish(void **state)
{
	(void)state;
	arena_fini(&arena);
	bytes_fini(&golden);
	bytes_fini(&golden_envelope);
	bytes_fini(&golden_reply);
	bytes_fini(&encoded);
	secret_key_fini(&store_key);
	return 0;
}

/* Johanna's name and card, disclosed under grant 0. */
static Kluis__Disclosure *golden_disclosure(void)
{
	static const uint8_t content[] = "\x0a\x0b\x08\x01\x12\x07Johanna\x0a\x0b\x08\x03\x12\x07NL-0042";
	const struct slice bytes = SLICE(content, sizeof content - 1);
	Kluis__Disclosure *disclosure = arena_alloc(&arena, sizeof *disclosure);
	Kluis__Part *part = arena_alloc(&arena, sizeof *part);
	uint8_t *commitment = arena_alloc(&arena, HASH_SIZE);

	kluis__disclosure__init(disclosure);
	kluis__part__init(part);
	part->salt = sample_bytes(&arena, 0x33, SALT_SIZE);
	part->content = wire_data(bytes);
	commitment_make(part->salt.data, bytes, commitment);
	disclosure->customer = sample_bytes(&arena, 0xc1, PSEUDONYM_SIZE);
	disclosure->version = 2;
	disclosure->fields = 5;
	disclosure->has_commitment = 1;
	disclosure->commitment = wire_data(SLICE(commitment, HASH_SIZE));
	parts[personal.n_parts++] = part;
	return disclosure;
}

static int fresh(void **state)
{
	(void)state;
	arena_reset(&arena);
	assert_int_equal(envelope_open(bytes_slice(&golden_envelope), &arena, &envelope, NULL), ERR_OK);
	kluis__personal__init(&personal);
	personal.parts = parts;
	results[0] = arena_alloc(&arena, sizeof *results[0]);
	kluis__result__init(results[0]);
	results[0]->clause = arena_text(&arena, slice_text("grant service-at-till"));
	results[0]->has_customer = 1;
	results[0]->customer = sample_bytes(&arena, 0xc1, PSEUDONYM_SIZE);
	results[0]->disclosures = disclosures;
	results[0]->n_disclosures = 1;
	disclosures[0] = golden_disclosure();
	kluis__entry__init(&entry);
	entry.time_ms = TIME_MS;
	entry.request = wire_data(envelope.request);
	entry.signature = wire_data(envelope.signature);
	entry.results = results;
	entry.n_results = 1;
	kluis__reply__init(&reply);
	reply.has_index = reply.has_entry = 1;
	reply.index = 301;
	reply.personal = &personal;
	return 0;
}

static Kluis__Disclosure *tombstone(void)
{
	Kluis__Disclosure *disclosure = arena_alloc(&arena, sizeof *disclosure);

	kluis__disclosure__init(disclosure);
	disclosure->customer = sample_bytes(&arena, 0xc2, PSEUDONYM_SIZE);
	disclosure->has_withheld = 1;
	disclosure->withheld = ERR_SCOPE;
	return disclosure;
}

/* Encodes the entry and opens it. */
static enum err opened(void)
{
	struct fault fault = {0};
	struct entry got;
	enum err err;

	bytes_clear(&encoded);
	assert_int_equal(entry_encode(&entry, &encoded), ERR_OK);
	err = entry_open(bytes_slice(&encoded), &arena, &got, &fault);
	assert_int_equal(err == ERR_OK, fault.text[0] == '\0');
	return err;
}

/* Puts the entry into the reply and checks it as the store would that sent the golden envelope. */
static enum err checked(void)
{
	struct fault fault = {0};
	struct entry got;
	enum err err;

	bytes_clear(&encoded);
	assert_int_equal(entry_encode(&entry, &encoded), ERR_OK);
	reply.entry = wire_data(bytes_slice(&encoded));
	err = reply_check(&reply, envelope.request, envelope.signature, &arena, &got, &fault);
	assert_int_equal(err == ERR_OK, fault.text[0] == '\0');
	return err;
}

/* ---- golden ---- */

static void test_entry_golden(void **state)
{
	(void)state;
	assert_int_equal(entry_encode(&entry, &encoded), ERR_OK);
	assert_int_equal(encoded.length, golden.length);
	assert_memory_equal(encoded.data, golden.data, golden.length);
	bytes_clear(&encoded);
}

static void test_reply_golden(void **state)
{
	Kluis__Reply *decoded;
	struct entry got;

	(void)state;
	reply.entry = wire_data(bytes_slice(&golden));
	bytes_clear(&encoded);
	assert_int_equal(wire_encode(&reply.base, &encoded), ERR_OK);
	assert_int_equal(encoded.length, golden_reply.length);
	assert_memory_equal(encoded.data, golden_reply.data, golden_reply.length);

	assert_int_equal(WIRE_DECODE(Reply, reply, bytes_slice(&golden_reply), &arena, &decoded), ERR_OK);
	assert_int_equal(reply_check(decoded, envelope.request, envelope.signature, &arena, &got, NULL), ERR_OK);
	assert_int_equal(got.decoded->results[0]->disclosures[0]->fields, 5);
}

static void test_golden_opens_to_what_it_says(void **state)
{
	static uint8_t input[GOLDEN_MAX + 1];
	uint8_t leaf[HASH_SIZE];
	struct entry got;

	(void)state;
	assert_int_equal(entry_open(bytes_slice(&golden), &arena, &got, NULL), ERR_OK);
	assert_int_equal(entry_verify(&got, store_key.public.key), ERR_OK);
	assert_true(got.decoded->time_ms == TIME_MS);
	assert_int_equal(got.principal.kind, PRINCIPAL_STORE);
	assert_int_equal(got.principal.store, 12);
	assert_int_equal(got.request->sequence, 7);
	assert_string_equal(got.decoded->results[0]->clause, "grant service-at-till");
	memcpy(input + 1, golden.data, golden.length);
	sha256(SLICE(input, golden.length + 1), leaf);
	assert_memory_equal(got.leaf.bytes, leaf, HASH_SIZE);
}

/* An altered entry either does not open, or is not what the store signed, or has another leaf; a broker that cannot
 * sign for the store can change nothing of the request. */
static void test_any_bit_changed(void **state)
{
	struct entry honest, got;

	(void)state;
	assert_int_equal(entry_open(bytes_slice(&golden), &arena, &honest, NULL), ERR_OK);
	for (size_t i = 0; i < golden.length; i++) {
		golden.data[i] ^= 1;
		if (entry_open(bytes_slice(&golden), &arena, &got, NULL) == ERR_OK) {
			assert_memory_not_equal(&got.leaf, &honest.leaf, sizeof got.leaf);
			if (!slice_equal(wire_slice(got.decoded->request), envelope.request) ||
			    !slice_equal(wire_slice(got.decoded->signature), envelope.signature))
				assert_int_equal(entry_verify(&got, store_key.public.key), ERR_SIGNATURE);
		}
		golden.data[i] ^= 1;
	}
}

static void test_cut_or_lengthened_is_refused(void **state)
{
	struct entry got;

	(void)state;
	for (size_t length = 0; length < golden.length; length++)
		assert_int_equal(entry_open(SLICE(golden.data, length), &arena, &got, NULL), ERR_INPUT);
	assert_int_equal(bytes_append_u8(&golden, 0), ERR_OK);
	assert_int_equal(entry_open(bytes_slice(&golden), &arena, &got, NULL), ERR_INPUT);
	golden.length--;
}

/* R47: the writer sets the time at commit, in place; nothing else moves. */
static void test_time_is_set_in_place(void **state)
{
	static const uint64_t times[] = {0, 1, TIME_MS, UINT64_MAX, 0x0102030405060708};
	struct bytes again CLEANUP(bytes_fini);
	struct entry got;

	(void)state;
	bytes_init(&again, GOLDEN_MAX);
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		bytes_clear(&encoded);
		assert_int_equal(entry_encode(&entry, &encoded), ERR_OK);
		entry_set_time(encoded.data, encoded.length, times[i]);
		uint64_t read = 7;
		assert_int_equal(entry_read_time(bytes_slice(&encoded), &read), ERR_OK);
		assert_true(read == times[i]);
		assert_int_equal(entry_read_time(SLICE(encoded.data, 8), &read), ERR_CORRUPT);
		assert_int_equal(entry_read_time(SLICE(encoded.data + 1, encoded.length - 1), &read), ERR_CORRUPT);
		assert_int_equal(entry_open(bytes_slice(&encoded), &arena, &got, NULL), ERR_OK);
		assert_true(got.decoded->time_ms == times[i]);
		entry.time_ms = times[i];
		bytes_clear(&again);
		assert_int_equal(entry_encode(&entry, &again), ERR_OK);
		assert_true(slice_equal(bytes_slice(&again), bytes_slice(&encoded)));
	}
}

/* ---- bounds of an entry ---- */

static void test_results_are_as_many_as_operations(void **state)
{
	(void)state;
	assert_int_equal(opened(), ERR_OK);
	entry.n_results = 0;
	assert_int_equal(opened(), ERR_INPUT);
	entry.n_results = 2;
	results[1] = results[0];
	assert_int_equal(opened(), ERR_INPUT);
	/* refused as a whole: no results */
	entry.code = ERR_REUSED;
	entry.n_results = 0;
	assert_int_equal(opened(), ERR_OK);
	entry.n_results = 1;
	assert_int_equal(opened(), ERR_INPUT);
}

static void test_codes_are_known(void **state)
{
	(void)state;
	entry.code = 999;
	entry.n_results = 0;
	assert_int_equal(opened(), ERR_INPUT);
	entry.code = ERR_OK;
	entry.n_results = 1;
	results[0]->n_disclosures = 0;
	results[0]->code = 999;
	assert_int_equal(opened(), ERR_INPUT);
	results[0]->code = ERR_SCOPE;
	assert_int_equal(opened(), ERR_OK);
}

static void test_refused_operations_disclose_nothing(void **state)
{
	(void)state;
	results[0]->code = ERR_SCOPE;
	assert_int_equal(opened(), ERR_INPUT);
	results[0]->n_disclosures = 0;
	assert_int_equal(opened(), ERR_OK);
}

static void test_result_bounds(void **state)
{
	char clause[CLAUSE_MAX + 2] = {0};

	(void)state;
	memset(clause, 'c', CLAUSE_MAX);
	results[0]->clause = clause;
	assert_int_equal(opened(), ERR_OK);
	clause[CLAUSE_MAX] = 'c';
	assert_int_equal(opened(), ERR_INPUT);
	clause[3] = '\0';
	clause[1] = '\n';
	assert_int_equal(opened(), ERR_INPUT);
	results[0]->clause = NULL;
	assert_int_equal(opened(), ERR_OK);
	results[0]->customer.len = 15;
	assert_int_equal(opened(), ERR_INPUT);
	entry.signature.len = 63;
	results[0]->customer.len = 16;
	assert_int_equal(opened(), ERR_INPUT);
}

static void test_disclosure_bounds(void **state)
{
	Kluis__Disclosure *disclosure = disclosures[0];

	(void)state;
	disclosure->grant = GRANTS_MAX - 1;
	assert_int_equal(opened(), ERR_OK);
	disclosure->grant = GRANTS_MAX;
	assert_int_equal(opened(), ERR_INPUT);
	disclosure->grant = 0;
	disclosure->customer.len = 17;
	disclosure->customer.data = sample_bytes(&arena, 1, 17).data;
	assert_int_equal(opened(), ERR_INPUT);
	disclosure->customer.len = 16;
	disclosure->commitment.len = 31;
	assert_int_equal(opened(), ERR_INPUT);
	disclosure->commitment.len = 32;
	disclosure->has_withheld = 1;
	disclosure->withheld = ERR_SCOPE;
	assert_int_equal(opened(), ERR_INPUT);
}

/* What is disclosed is committed to: fields or a version without a commitment would be a hidden disclosure. */
static void test_tombstones(void **state)
{
	(void)state;
	disclosures[1] = tombstone();
	results[0]->n_disclosures = 2;
	assert_int_equal(opened(), ERR_OK);
	disclosures[1]->fields = 1;
	assert_int_equal(opened(), ERR_INPUT);
	disclosures[1]->fields = 0;
	disclosures[1]->version = 1;
	assert_int_equal(opened(), ERR_INPUT);
	disclosures[1]->version = 0;
	disclosures[1]->withheld = ERR_OK;
	assert_int_equal(opened(), ERR_INPUT);
	disclosures[1]->withheld = 999;
	assert_int_equal(opened(), ERR_INPUT);
}

static void test_whole_sync_page_fits(void **state)
{
	static Kluis__Disclosure *page[DISCLOSURES_MAX + 1];

	(void)state;
	for (size_t i = 0; i <= DISCLOSURES_MAX; i++)
		page[i] = disclosures[0];
	disclosures[0]->version = UINT32_MAX;
	disclosures[0]->grant = GRANTS_MAX - 1;
	results[0]->disclosures = page;
	results[0]->n_disclosures = DISCLOSURES_MAX;
	assert_int_equal(opened(), ERR_OK);
	results[0]->n_disclosures = DISCLOSURES_MAX + 1;
	assert_int_equal(opened(), ERR_INPUT);
}

static void test_entry_too_large(void **state)
{
	struct entry got;

	(void)state;
	entry.request = sample_bytes(&arena, 0, ENTRY_MAX);
	bytes_clear(&encoded);
	assert_int_equal(bytes_append_u8(&encoded, 7), ERR_OK);
	assert_int_equal(entry_encode(&entry, &encoded), ERR_TOO_LARGE);
	assert_int_equal(encoded.length, 1);
	assert_int_equal(entry_open(wire_slice(sample_bytes(&arena, 0, ENTRY_MAX + 1)), &arena, &got, NULL),
			 ERR_TOO_LARGE);
}

/* The request within is held to the same bounds as one that arrives. */
static void test_request_within_is_checked(void **state)
{
	struct bytes spoilt CLEANUP(bytes_fini);
	Kluis__Request *request;

	(void)state;
	bytes_init(&spoilt, GOLDEN_MAX);
	assert_int_equal(WIRE_DECODE(Request, request, envelope.request, &arena, &request), ERR_OK);
	request->lane = 64;
	assert_int_equal(wire_encode(&request->base, &spoilt), ERR_OK);
	entry.request = wire_data(bytes_slice(&spoilt));
	assert_int_equal(opened(), ERR_INPUT);
}

/* ---- replies ---- */

static void test_reply_without_entry(void **state)
{
	(void)state;
	assert_int_equal(checked(), ERR_OK);
	reply.has_index = 0;
	assert_int_equal(checked(), ERR_MISMATCH);
	reply.has_index = 1;
	reply.has_entry = 0;
	assert_int_equal(checked(), ERR_MISMATCH);
	reply.has_entry = 1;
	reply.code = 999;
	assert_int_equal(checked(), ERR_MISMATCH);
}

static void test_reply_about_another_request(void **state)
{
	struct slice other = wire_slice(sample_bytes(&arena, 1, envelope.request.length));
	struct entry got;

	(void)state;
	assert_int_equal(checked(), ERR_OK);
	assert_int_equal(reply_check(&reply, other, envelope.signature, &arena, &got, NULL), ERR_MISMATCH);
	assert_int_equal(
		reply_check(&reply, envelope.request, slice_part(other, 0, SIGNATURE_SIZE), &arena, &got, NULL),
		ERR_MISMATCH);
	assert_int_equal(reply_check(&reply, slice_part(envelope.request, 0, envelope.request.length - 1),
				     envelope.signature, &arena, &got, NULL),
			 ERR_MISMATCH);
}

static void test_reply_with_a_malformed_entry(void **state)
{
	(void)state;
	entry.n_results = 0;
	assert_int_equal(checked(), ERR_MISMATCH);
}

static void test_reply_parts_open_disclosures_in_order(void **state)
{
	Kluis__Part *first = parts[0];

	(void)state;
	/* a tombstone between two disclosures takes no part */
	disclosures[1] = tombstone();
	disclosures[2] = golden_disclosure();
	parts[1]->salt = sample_bytes(&arena, 0x34, SALT_SIZE);
	commitment_make(parts[1]->salt.data, wire_slice(parts[1]->content), disclosures[2]->commitment.data);
	results[0]->n_disclosures = 3;
	assert_int_equal(checked(), ERR_OK);
	parts[0] = parts[1];
	parts[1] = first;
	assert_int_equal(checked(), ERR_MISMATCH);
	parts[1] = parts[0];
	parts[0] = first;
	personal.n_parts = 1;
	assert_int_equal(checked(), ERR_MISMATCH);
	personal.n_parts = 3;
	parts[2] = parts[1];
	assert_int_equal(checked(), ERR_MISMATCH);
	personal.n_parts = 2;
	parts[1]->content.len--;
	assert_int_equal(checked(), ERR_MISMATCH);
}

static void test_reply_without_its_parts(void **state)
{
	(void)state;
	reply.personal = NULL;
	assert_int_equal(checked(), ERR_MISMATCH);
	personal.n_parts = 0;
	reply.personal = &personal;
	assert_int_equal(checked(), ERR_MISMATCH);
}

/* R39: the entry stands, its values are not given again. */
static void test_reply_after_the_access_ended(void **state)
{
	(void)state;
	reply.code = ERR_SUSPENDED;
	assert_int_equal(checked(), ERR_MISMATCH); /* with parts nonetheless */
	personal.n_parts = 0;
	assert_int_equal(checked(), ERR_MISMATCH); /* present though empty: not the form of R39 */
	reply.personal = NULL;
	assert_int_equal(checked(), ERR_OK);
}

static void test_reply_to_a_request_refused_as_a_whole(void **state)
{
	(void)state;
	entry.code = ERR_REUSED;
	entry.n_results = 0;
	reply.personal = NULL;
	assert_int_equal(checked(), ERR_OK); /* see the entry */
	reply.code = ERR_SUSPENDED;
	assert_int_equal(checked(), ERR_MISMATCH); /* another reason */
	reply.code = ERR_REUSED;
	assert_int_equal(checked(), ERR_OK);
	reply.personal = &personal;
	assert_int_equal(checked(), ERR_MISMATCH);
	reply.code = ERR_OK;
	assert_int_equal(checked(), ERR_MISMATCH);
}

/* R44, with a request of its own: a lookup answers no Data, a census does. */
static void test_reply_has_data_where_due(void **state)
{
	Kluis__Request request = KLUIS__REQUEST__INIT;
	struct bytes message CLEANUP(bytes_fini);
	Kluis__Operation *operation = sample_operation(KLUIS__OPERATION__KIND_CENSUS, &arena);
	Kluis__Data data = KLUIS__DATA__INIT, *list[] = {&data, &data};

	(void)state;
	reply.data = list;
	reply.n_data = 1;
	assert_int_equal(checked(), ERR_MISMATCH);
	bytes_init(&message, GOLDEN_MAX);
	request.principal = arena_text(&arena, slice_text(GOLDEN_ORIGIN "/controller"));
	request.sequence = 1;
	request.operations = &operation;
	request.n_operations = 1;
	assert_int_equal(envelope_sign(&request, NULL, NULL, 0, &store_key, &message), ERR_OK);
	assert_int_equal(envelope_open(bytes_slice(&message), &arena, &envelope, NULL), ERR_OK);
	entry.request = wire_data(envelope.request);
	entry.signature = wire_data(envelope.signature);
	results[0]->n_disclosures = 0;
	reply.personal = NULL;
	assert_int_equal(checked(), ERR_OK);
	reply.n_data = 0;
	assert_int_equal(checked(), ERR_MISMATCH);
	reply.n_data = 2;
	assert_int_equal(checked(), ERR_MISMATCH);
	reply.n_data = 1;
	data.n_items = DATA_ITEMS_MAX + 1; /* not looked at beyond their number */
	assert_int_equal(checked(), ERR_MISMATCH);
}

/* ---- failing memory ---- */

static enum err check_golden_reply(void *context)
{
	struct arena small CLEANUP(arena_fini);
	struct bytes again CLEANUP(bytes_fini);
	Kluis__Reply *decoded;
	struct entry got;

	(void)context;
	arena_init(&small, REQUEST_ARENA_MAX);
	bytes_init(&again, GOLDEN_MAX);
	TRY(WIRE_DECODE(Reply, reply, bytes_slice(&golden_reply), &small, &decoded));
	TRY(reply_check(decoded, envelope.request, envelope.signature, &small, &got, NULL));
	return entry_encode(got.decoded, &again);
}

static void test_every_allocation_may_fail(void **state)
{
	(void)state;
	fail_sweep(FAIL_MEMORY, check_golden_reply, NULL);
}

#define TEST(function) cmocka_unit_test_setup(function, fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_entry_golden),
		TEST(test_reply_golden),
		TEST(test_golden_opens_to_what_it_says),
		TEST(test_any_bit_changed),
		TEST(test_cut_or_lengthened_is_refused),
		TEST(test_time_is_set_in_place),
		TEST(test_results_are_as_many_as_operations),
		TEST(test_codes_are_known),
		TEST(test_refused_operations_disclose_nothing),
		TEST(test_result_bounds),
		TEST(test_disclosure_bounds),
		TEST(test_tombstones),
		TEST(test_whole_sync_page_fits),
		TEST(test_entry_too_large),
		TEST(test_request_within_is_checked),
		TEST(test_reply_without_entry),
		TEST(test_reply_about_another_request),
		TEST(test_reply_with_a_malformed_entry),
		TEST(test_reply_parts_open_disclosures_in_order),
		TEST(test_reply_without_its_parts),
		TEST(test_reply_after_the_access_ended),
		TEST(test_reply_to_a_request_refused_as_a_whole),
		TEST(test_reply_has_data_where_due),
		TEST(test_every_allocation_may_fail),
	};

	if (keys_init() != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, start, finish);
}
