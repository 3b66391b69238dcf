#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/request.h"

static void test_key_is_lane_and_name(void **state)
{
	Kluis__Request request = KLUIS__REQUEST__INIT;
	char name[] = "a.example/store/1", longest[PRINCIPAL_MAX + 1];
	uint8_t place[LANE_KEY_MAX];

	(void)state;
	request.principal = name;
	assert_true(slice_equal(lane_key(&request, 63, place), SLICE("\77a.example/store/1", 18)));
	assert_true(slice_equal(lane_key(&request, 0, place), SLICE("\0a.example/store/1", 18)));
	memset(longest, 'x', PRINCIPAL_MAX);
	longest[PRINCIPAL_MAX] = '\0';
	request.principal = longest;
	assert_int_equal(lane_key(&request, 1, place).length, LANE_KEY_MAX);
	assert_true(LANE_KEY_MAX <= STORE_KEY_MAX);
}

/* tables.h: u64 sequence, hash of request (32), u64 index, leaf (32) */
static void test_row_layout(void **state)
{
	struct lane lane = {.sequence = UINT64_C(0x0102030405060708), .index = UINT64_C(0x1112131415161718)}, back;
	uint8_t row[LANE_ROW_SIZE], expected[80];

	(void)state;
	memset(lane.request.bytes, 0xAA, HASH_SIZE);
	memset(lane.leaf.bytes, 0xBB, HASH_SIZE);
	for (uint8_t i = 0; i < 8; i++) {
		expected[i] = (uint8_t)(i + 1);
		expected[40 + i] = (uint8_t)(0x11 + i);
	}
	memset(expected + 8, 0xAA, 32);
	memset(expected + 48, 0xBB, 32);
	lane_encode(&lane, row);
	assert_int_equal(sizeof(row), sizeof(expected));
	assert_memory_equal(row, expected, sizeof(expected));
	assert_int_equal(lane_decode(SLICE_ARRAY(expected), &back), ERR_OK);
	assert_true(back.sequence == lane.sequence && back.index == lane.index);
	assert_memory_equal(back.request.bytes, lane.request.bytes, HASH_SIZE);
	assert_memory_equal(back.leaf.bytes, lane.leaf.bytes, HASH_SIZE);
}

static void test_decode_of_another_length(void **state)
{
	uint8_t row[LANE_ROW_SIZE + 1] = {0};
	struct lane lane = {.sequence = 7};

	(void)state;
	assert_int_equal(lane_decode(SLICE(row, LANE_ROW_SIZE - 1), &lane), ERR_CORRUPT);
	assert_int_equal(lane_decode(SLICE(row, LANE_ROW_SIZE + 1), &lane), ERR_CORRUPT);
	assert_int_equal(lane_decode(SLICE_EMPTY, &lane), ERR_CORRUPT);
	assert_int_equal(lane.sequence, 7);
}

/* Unkeyed BLAKE2b-256 of "abc" (Python's hashlib.blake2b(b"abc", digest_size=32)). */
static void test_hash_of_a_request(void **state)
{
	static const uint8_t expected[] = {0xbd, 0xdd, 0x81, 0x3c, 0x63, 0x42, 0x39, 0x72, 0x31, 0x71, 0xef,
					   0x3f, 0xee, 0x98, 0x57, 0x9b, 0x94, 0x96, 0x4e, 0x3b, 0xb1, 0xcb,
					   0x3e, 0x42, 0x72, 0x62, 0xc8, 0xc0, 0x68, 0xd5, 0x23, 0x19};
	struct hash hash;

	(void)state;
	lane_hash(slice_text("abc"), &hash);
	assert_memory_equal(hash.bytes, expected, HASH_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key_is_lane_and_name),
		cmocka_unit_test(test_row_layout),
		cmocka_unit_test(test_decode_of_another_length),
		cmocka_unit_test(test_hash_of_a_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
