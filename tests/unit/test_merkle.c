/* RFC 6962 trees: the published vectors, and every proof of every size up to 64 against a recursive MTH. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/hash.h"
#include "kluis/merkle.h"

#define SIZES 64

/* ---- the definition, word by word, over entries of bytes ---- */

static const struct slice ct_inputs[] = {
	{(const uint8_t *)"", 0},
	{(const uint8_t *)"\x00", 1},
	{(const uint8_t *)"\x10", 1},
	{(const uint8_t *)"\x20\x21", 2},
	{(const uint8_t *)"\x30\x31", 2},
	{(const uint8_t *)"\x40\x41\x42\x43", 4},
	{(const uint8_t *)"\x50\x51\x52\x53\x54\x55\x56\x57", 8},
	{(const uint8_t *)"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16},
};

static uint8_t number_bytes[SIZES][8];
static struct slice numbers[SIZES];

static void make_numbers(void)
{
	for (uint64_t i = 0; i < SIZES; i++) {
		put_u64(number_bytes[i], i);
		numbers[i] = SLICE_ARRAY(number_bytes[i]);
	}
}

static struct hash naive_mth(const struct slice *entries, size_t count)
{
	uint8_t input[1 + 2 * HASH_SIZE] = {1};
	struct hash result, left, right;
	size_t k = 1;

	if (count == 0) {
		sha256(SLICE_EMPTY, result.bytes);
		return result;
	}
	if (count == 1) {
		input[0] = 0;
		memcpy(input + 1, entries->data, entries->length);
		sha256(SLICE(input, 1 + entries->length), result.bytes);
		return result;
	}
	while (k * 2 < count)
		k *= 2;
	left = naive_mth(entries, k);
	right = naive_mth(entries + k, count - k);
	memcpy(input + 1, left.bytes, HASH_SIZE);
	memcpy(input + 1 + HASH_SIZE, right.bytes, HASH_SIZE);
	sha256(SLICE_ARRAY(input), result.bytes);
	return result;
}

/* Complete subtrees of the entries behind context; asking for one that is not complete fails the test. */
struct tree {
	const struct slice *entries;
	uint64_t size;
	int reads_left; /* then ERR_IO; below 0: never */
};

static enum err read_naive(void *context, unsigned level, uint64_t index, struct hash *ret_hash)
{
	struct tree *tree = context;
	uint64_t first = index << level, count = (uint64_t)1 << level;

	if (tree->reads_left == 0)
		return ERR_IO;
	tree->reads_left--;
	assert_true(first + count <= tree->size);
	*ret_hash = naive_mth(tree->entries + first, count);
	return ERR_OK;
}

static bool same(const struct hash *a, const struct hash *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

/* ---- vectors ---- */

static struct hash hash_of_hex(const char *hex)
{
	struct hash hash;

	assert_int_equal(strlen(hex), 2 * HASH_SIZE);
	for (size_t i = 0; i < HASH_SIZE; i++)
		assert_int_equal(sscanf(hex + 2 * i, "%2hhx", &hash.bytes[i]), 1);
	return hash;
}

static void check_root_vector(unsigned long size, const struct hash *root)
{
	struct tree tree = {.entries = ct_inputs, .size = size, .reads_left = -1};
	static struct frontier frontier;
	struct hash leaf, computed;

	memset(&frontier, 0, sizeof frontier);
	for (unsigned long i = 0; i < size; i++) {
		merkle_leaf(ct_inputs[i], &leaf);
		frontier_append(&frontier, &leaf);
	}
	frontier_root(&frontier, &computed);
	assert_true(same(&computed, root));
	assert_int_equal(merkle_root_at(size, read_naive, &tree, &computed), ERR_OK);
	assert_true(same(&computed, root));
}

static void check_proof_vector(bool is_inclusion, unsigned long a, unsigned long b, const char *hashes)
{
	struct tree tree = {.entries = ct_inputs, .size = b, .reads_left = -1};
	static struct merkle_proof proof;
	char hex[2 * HASH_SIZE + 1];
	size_t count = 0;
	int used;

	assert_int_equal(is_inclusion ? merkle_prove_inclusion(a, b, read_naive, &tree, &proof)
				      : merkle_prove_consistency(a, b, read_naive, &tree, &proof),
			 ERR_OK);
	for (; sscanf(hashes, " %64[0-9a-f]%n", hex, &used) == 1; hashes += used) {
		struct hash expected = hash_of_hex(hex);

		assert_true(count < proof.count);
		assert_true(same(&proof.hashes[count], &expected));
		count++;
	}
	assert_int_equal(count, proof.count);
}

static void test_merkle_vectors(void **state)
{
	static char line[1024];
	FILE *file = fopen(TEST_VECTORS "/merkle.txt", "r");
	int vectors = 0;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof line, file) != NULL) {
		unsigned long a, b;
		int at = 0;
		char root[2 * HASH_SIZE + 1];

		if (line[0] == '#')
			continue;
		if (sscanf(line, "root %lu %64[0-9a-f]", &a, root) == 2) {
			struct hash hash = hash_of_hex(root);

			check_root_vector(a, &hash);
		} else if (sscanf(line, "inclusion %lu %lu %n", &a, &b, &at) == 2) {
			check_proof_vector(true, a, b, line + at);
		} else {
			assert_int_equal(sscanf(line, "consistency %lu %lu %n", &a, &b, &at), 2);
			check_proof_vector(false, a, b, line + at);
		}
		vectors++;
	}
	assert_int_equal(fclose(file), 0);
	assert_int_equal(vectors, 12);
}

/* ---- every proof of every size ---- */

static void test_frontier_root_equals_definition(void **state)
{
	static struct frontier frontier;
	struct tree tree = {.entries = numbers, .reads_left = -1};
	struct hash leaf, root, expected;

	(void)state;
	for (size_t size = 0; size <= SIZES; size++) {
		expected = naive_mth(numbers, size);
		frontier_root(&frontier, &root);
		assert_true(same(&root, &expected));
		tree.size = size;
		assert_int_equal(merkle_root_at(size, read_naive, &tree, &root), ERR_OK);
		assert_true(same(&root, &expected));
		if (size == SIZES)
			break;
		merkle_leaf(numbers[size], &leaf);
		frontier_append(&frontier, &leaf);
		assert_int_equal(frontier.size, size + 1);
	}
}

/* A proof that holds must fail with any one thing changed. */
static void spoil_inclusion(uint64_t index, uint64_t size, const struct hash *leaf, struct merkle_proof *proof,
			    const struct hash *root)
{
	struct hash wrong;

	for (size_t i = 0; i < proof->count; i++) {
		proof->hashes[i].bytes[i % HASH_SIZE] ^= 1;
		assert_int_equal(merkle_verify_inclusion(index, size, leaf, proof, root), ERR_PROOF);
		proof->hashes[i].bytes[i % HASH_SIZE] ^= 1;
	}
	for (uint64_t other = 0; other <= size; other++)
		if (other != index)
			assert_int_equal(merkle_verify_inclusion(other, size, leaf, proof, root), ERR_PROOF);
	wrong = *leaf;
	wrong.bytes[31] ^= 0x80;
	assert_int_equal(merkle_verify_inclusion(index, size, &wrong, proof, root), ERR_PROOF);
	wrong = *root;
	wrong.bytes[0] ^= 1;
	assert_int_equal(merkle_verify_inclusion(index, size, leaf, proof, &wrong), ERR_PROOF);
	if (proof->count > 0) {
		proof->count--;
		assert_int_equal(merkle_verify_inclusion(index, size, leaf, proof, root), ERR_PROOF);
		proof->count++;
	}
	proof->hashes[proof->count++] = *root;
	assert_int_equal(merkle_verify_inclusion(index, size, leaf, proof, root), ERR_PROOF);
	proof->count--;
}

static void test_inclusion_every_index_and_size(void **state)
{
	static struct merkle_proof proof;
	struct tree tree = {.entries = numbers, .reads_left = -1};
	struct hash leaf, root;

	(void)state;
	for (uint64_t size = 1; size <= SIZES; size++) {
		tree.size = size;
		root = naive_mth(numbers, size);
		for (uint64_t index = 0; index < size; index++) {
			leaf = naive_mth(numbers + index, 1);
			assert_int_equal(merkle_prove_inclusion(index, size, read_naive, &tree, &proof), ERR_OK);
			assert_int_equal(merkle_verify_inclusion(index, size, &leaf, &proof, &root), ERR_OK);
			spoil_inclusion(index, size, &leaf, &proof, &root);
		}
	}
}

/* The path length of a leaf in a tree of another size may be equal and its nodes too; then the root differs, so
 * every other size fails against its own root. */
static void test_inclusion_other_size(void **state)
{
	static struct merkle_proof proof;
	struct tree tree = {.entries = numbers, .reads_left = -1};

	(void)state;
	for (uint64_t size = 1; size <= 20; size++) {
		tree.size = size;
		for (uint64_t index = 0; index < size; index++) {
			struct hash leaf = naive_mth(numbers + index, 1);

			assert_int_equal(merkle_prove_inclusion(index, size, read_naive, &tree, &proof), ERR_OK);
			for (uint64_t other = 0; other <= 24; other++) {
				struct hash root = naive_mth(numbers, other);

				if (other != size)
					assert_int_equal(merkle_verify_inclusion(index, other, &leaf, &proof, &root),
							 ERR_PROOF);
			}
		}
	}
}

static void spoil_consistency(uint64_t old_size, uint64_t new_size, const struct hash *old_root,
			      const struct hash *new_root, struct merkle_proof *proof)
{
	struct hash wrong;

	for (size_t i = 0; i < proof->count; i++) {
		proof->hashes[i].bytes[i % HASH_SIZE] ^= 1;
		assert_int_equal(merkle_verify_consistency(old_size, new_size, old_root, new_root, proof), ERR_PROOF);
		proof->hashes[i].bytes[i % HASH_SIZE] ^= 1;
	}
	wrong = *old_root;
	wrong.bytes[5] ^= 1;
	assert_int_equal(merkle_verify_consistency(old_size, new_size, &wrong, new_root, proof), ERR_PROOF);
	wrong = *new_root;
	wrong.bytes[6] ^= 1;
	/* Anything continues the empty tree, so there the new root is not at stake. */
	assert_int_equal(merkle_verify_consistency(old_size, new_size, old_root, &wrong, proof),
			 old_size == 0 && new_size > 0 ? ERR_OK : ERR_PROOF);
	proof->hashes[proof->count++] = *new_root;
	assert_int_equal(merkle_verify_consistency(old_size, new_size, old_root, new_root, proof), ERR_PROOF);
	proof->count--;
	if (proof->count == 0)
		return;
	proof->count--;
	assert_int_equal(merkle_verify_consistency(old_size, new_size, old_root, new_root, proof), ERR_PROOF);
	proof->count++;
	assert_int_equal(merkle_verify_consistency(new_size, old_size, new_root, old_root, proof), ERR_PROOF);
}

static void test_consistency_every_pair_of_sizes(void **state)
{
	static struct merkle_proof proof;
	struct tree tree = {.entries = numbers, .reads_left = -1};
	struct hash old_root, new_root;

	(void)state;
	for (uint64_t new_size = 0; new_size <= SIZES; new_size++) {
		tree.size = new_size;
		new_root = naive_mth(numbers, new_size);
		for (uint64_t old_size = 0; old_size <= new_size; old_size++) {
			old_root = naive_mth(numbers, old_size);
			assert_int_equal(merkle_prove_consistency(old_size, new_size, read_naive, &tree, &proof),
					 ERR_OK);
			assert_int_equal(merkle_verify_consistency(old_size, new_size, &old_root, &new_root, &proof),
					 ERR_OK);
			spoil_consistency(old_size, new_size, &old_root, &new_root, &proof);
		}
	}
}

/* A log that swaps one old leaf can show no proof that anyone accepts, its honest generator included. */
static void test_consistency_of_altered_history_fails(void **state)
{
	static struct merkle_proof proof;
	struct slice altered[SIZES];
	struct tree tree = {.entries = altered, .size = 33, .reads_left = -1};
	struct hash old_root = naive_mth(numbers, 21), new_root;

	(void)state;
	memcpy(altered, numbers, sizeof altered);
	altered[7] = SLICE("other", 5);
	new_root = naive_mth(altered, 33);
	assert_int_equal(merkle_prove_consistency(21, 33, read_naive, &tree, &proof), ERR_OK);
	assert_int_equal(merkle_verify_consistency(21, 33, &old_root, &new_root, &proof), ERR_PROOF);
}

/* ---- bounds and failures ---- */

static void test_proofs_out_of_range_are_refused(void **state)
{
	static struct merkle_proof proof;
	struct tree tree = {.entries = numbers, .size = 8, .reads_left = -1};
	const uint64_t huge = (uint64_t)1 << 63;
	struct hash hash = naive_mth(numbers, 1);

	(void)state;
	assert_int_equal(merkle_prove_inclusion(8, 8, read_naive, &tree, &proof), ERR_INPUT);
	assert_int_equal(merkle_prove_inclusion(0, 0, read_naive, &tree, &proof), ERR_INPUT);
	assert_int_equal(merkle_prove_inclusion(0, huge, read_naive, &tree, &proof), ERR_INPUT);
	assert_int_equal(merkle_prove_consistency(8, 7, read_naive, &tree, &proof), ERR_INPUT);
	assert_int_equal(merkle_prove_consistency(1, huge, read_naive, &tree, &proof), ERR_INPUT);
	assert_int_equal(merkle_root_at(huge, read_naive, &tree, &hash), ERR_INPUT);
	proof.count = MERKLE_PROOF_MAX + 1;
	assert_int_equal(merkle_verify_inclusion(0, 8, &hash, &proof, &hash), ERR_PROOF);
	assert_int_equal(merkle_verify_consistency(3, 8, &hash, &hash, &proof), ERR_PROOF);
	proof.count = 0;
	assert_int_equal(merkle_verify_inclusion(0, 0, &hash, &proof, &hash), ERR_PROOF);
	assert_int_equal(merkle_verify_consistency(3, 8, &hash, &hash, &proof), ERR_PROOF);
}

static enum err read_any(void *context, unsigned level, uint64_t index, struct hash *ret_hash)
{
	(void)context;
	assert_true(level < 63 && index <= UINT64_MAX >> level);
	memset(ret_hash, (int)level, sizeof *ret_hash);
	return ERR_OK;
}

/* The longest proofs of the largest trees fit MERKLE_PROOF_MAX. */
static void test_largest_trees_fit(void **state)
{
	static struct merkle_proof proof;
	const uint64_t size = ((uint64_t)1 << 63) - 1;

	(void)state;
	assert_int_equal(merkle_prove_inclusion(0, size, read_any, NULL, &proof), ERR_OK);
	assert_int_equal(proof.count, 63);
	assert_int_equal(merkle_prove_inclusion(size - 1, size, read_any, NULL, &proof), ERR_OK);
	assert_int_equal(merkle_prove_consistency(((uint64_t)1 << 62) - 1, size, read_any, NULL, &proof), ERR_OK);
	assert_true(proof.count <= MERKLE_PROOF_MAX);
}

static void test_failing_read_goes_up_and_writes_nothing(void **state)
{
	static struct merkle_proof proof;
	struct tree tree = {.entries = numbers, .size = 13};
	struct hash root = {{7}};

	(void)state;
	proof.count = 99;
	for (int reads = 0; reads < 3; reads++) {
		tree.reads_left = reads;
		assert_int_equal(merkle_prove_inclusion(5, 13, read_naive, &tree, &proof), ERR_IO);
		tree.reads_left = reads;
		assert_int_equal(merkle_prove_consistency(5, 13, read_naive, &tree, &proof), ERR_IO);
		tree.reads_left = reads;
		assert_int_equal(merkle_root_at(13, read_naive, &tree, &root), ERR_IO);
	}
	assert_int_equal(proof.count, 99);
	assert_int_equal(root.bytes[0], 7);
}

static void test_frontier_encoding_is_exact(void **state)
{
	static struct frontier frontier, decoded;
	struct bytes CLEANUP(bytes_fini) encoded;
	struct hash leaf, expected;

	(void)state;
	memset(&frontier, 0, sizeof frontier);
	bytes_init(&encoded, 4096);
	for (size_t i = 0; i < 6; i++) {
		merkle_leaf(numbers[i], &leaf);
		frontier_append(&frontier, &leaf);
	}
	assert_int_equal(frontier_encode(&frontier, &encoded), ERR_OK);
	assert_int_equal(encoded.length, 8 + 2 * HASH_SIZE);
	assert_int_equal(get_u64(encoded.data), 6);
	expected = naive_mth(numbers, 4);
	assert_memory_equal(encoded.data + 8, expected.bytes, HASH_SIZE);
	expected = naive_mth(numbers + 4, 2);
	assert_memory_equal(encoded.data + 8 + HASH_SIZE, expected.bytes, HASH_SIZE);

	assert_int_equal(frontier_decode(bytes_slice(&encoded), &decoded), ERR_OK);
	frontier_root(&decoded, &leaf);
	expected = naive_mth(numbers, 6);
	assert_true(same(&leaf, &expected));
}

static void test_frontier_decode_refuses(void **state)
{
	static struct frontier decoded;
	uint8_t encoded[8 + 65 * HASH_SIZE] = {0};

	(void)state;
	decoded.size = 42;
	assert_int_equal(frontier_decode(SLICE_EMPTY, &decoded), ERR_INPUT);
	assert_int_equal(frontier_decode(SLICE(encoded, 7), &decoded), ERR_INPUT);
	assert_int_equal(frontier_decode(SLICE(encoded, 9), &decoded), ERR_INPUT);
	put_u64(encoded, 6);
	assert_int_equal(frontier_decode(SLICE(encoded, 8 + HASH_SIZE), &decoded), ERR_INPUT);
	assert_int_equal(frontier_decode(SLICE(encoded, 8 + 3 * HASH_SIZE), &decoded), ERR_INPUT);
	put_u64(encoded, (uint64_t)1 << 63);
	assert_int_equal(frontier_decode(SLICE(encoded, 8 + HASH_SIZE), &decoded), ERR_INPUT);
	assert_int_equal(decoded.size, 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_merkle_vectors),
		cmocka_unit_test(test_frontier_root_equals_definition),
		cmocka_unit_test(test_inclusion_every_index_and_size),
		cmocka_unit_test(test_inclusion_other_size),
		cmocka_unit_test(test_consistency_every_pair_of_sizes),
		cmocka_unit_test(test_consistency_of_altered_history_fails),
		cmocka_unit_test(test_proofs_out_of_range_are_refused),
		cmocka_unit_test(test_largest_trees_fit),
		cmocka_unit_test(test_failing_read_goes_up_and_writes_nothing),
		cmocka_unit_test(test_frontier_encoding_is_exact),
		cmocka_unit_test(test_frontier_decode_refuses),
	};

	make_numbers();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
