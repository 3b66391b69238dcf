#include "kluis/merkle.h"

#include <string.h>

#include "kluis/hash.h"

/* R50: what stands before a leaf and a node, so that neither can be taken for the other. */
#define LEAF_PREFIX 0x00
#define NODE_PREFIX 0x01

#define SIZE_MAX_LEAVES ((uint64_t)1 << 63) /* trees are smaller than this: sums of sizes never wrap */

static bool hash_equal(const struct hash *a, const struct hash *b)
{
	return slice_equal(SLICE_ARRAY(a->bytes), SLICE_ARRAY(b->bytes));
}

void merkle_leaf(struct slice entry, struct hash *ret_hash)
{
	static const uint8_t prefix[] = {LEAF_PREFIX};
	struct sha256_stream stream;

	sha256_begin(&stream);
	sha256_update(&stream, SLICE_ARRAY(prefix));
	sha256_update(&stream, entry);
	sha256_end(&stream, ret_hash->bytes);
}

void merkle_node(const struct hash *left, const struct hash *right, struct hash *ret_hash)
{
	uint8_t input[1 + 2 * HASH_SIZE];

	input[0] = NODE_PREFIX;
	memcpy(input + 1, left->bytes, HASH_SIZE);
	memcpy(input + 1 + HASH_SIZE, right->bytes, HASH_SIZE);
	sha256(SLICE_ARRAY(input), ret_hash->bytes);
}

/* ---- the frontier ---- */

void frontier_append(struct frontier *frontier, const struct hash *leaf)
{
	struct hash carry = *leaf;
	unsigned level = 0;

	assert(frontier->size < SIZE_MAX_LEAVES - 1);
	/* As in binary addition: each complete subtree of equal size joins the carry, amortised one a leaf. */
	for (; (frontier->size >> level & 1) != 0; level++)
		merkle_node(&frontier->nodes[level], &carry, &carry);
	frontier->nodes[level] = carry;
	frontier->size++;
}

void frontier_root(const struct frontier *frontier, struct hash *ret_root)
{
	bool has_root = false;

	sha256(SLICE_EMPTY, ret_root->bytes); /* R50 */
	for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
		if ((frontier->size >> level & 1) == 0)
			continue;
		if (has_root)
			merkle_node(&frontier->nodes[level], ret_root, ret_root);
		else
			*ret_root = frontier->nodes[level];
		has_root = true;
	}
}

enum err frontier_encode(const struct frontier *frontier, struct bytes *ret_bytes)
{
	uint8_t encoded[sizeof(uint64_t) + sizeof frontier->nodes];
	size_t length = sizeof(uint64_t);

	put_u64(encoded, frontier->size);
	for (unsigned level = MERKLE_LEVELS; level-- > 0;) {
		if ((frontier->size >> level & 1) == 0)
			continue;
		memcpy(encoded + length, frontier->nodes[level].bytes, HASH_SIZE);
		length += HASH_SIZE;
	}
	return bytes_append(ret_bytes, SLICE(encoded, length));
}

enum err frontier_decode(struct slice bytes, struct frontier *ret_frontier)
{
	struct reader reader = reader_of(bytes);
	uint64_t size = reader_u64(&reader);
	size_t nodes = (size_t)__builtin_popcountll(size);

	if (reader.is_short || size >= SIZE_MAX_LEAVES || reader.rest.length != nodes * HASH_SIZE)
		return ERR_INPUT;
	memset(ret_frontier, 0, sizeof *ret_frontier);
	ret_frontier->size = size;
	for (unsigned level = MERKLE_LEVELS; level-- > 0;)
		if ((size >> level & 1) != 0)
			memcpy(ret_frontier->nodes[level].bytes, reader_take(&reader, HASH_SIZE).data, HASH_SIZE);
	return ERR_OK;
}

/* ---- proving ---- */

/* A tree of which only complete subtrees can be read. */
struct source {
	merkle_read_fn *read;
	void *context;
};

/* MTH of count leaves from first, where first is a multiple of a power of two not below count: folds its complete
 * subtrees from right to left. */
static enum err range_root(const struct source *source, uint64_t first, uint64_t count, struct hash *ret_root)
{
	uint64_t end = first + count;
	struct hash root, node;
	bool has_root = false;

	for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
		if ((count >> level & 1) == 0)
			continue;
		end -= (uint64_t)1 << level;
		TRY(source->read(source->context, level, end >> level, &node));
		if (has_root)
			merkle_node(&node, &root, &root);
		else
			root = node;
		has_root = true;
	}
	assert(has_root);
	*ret_root = root;
	return ERR_OK;
}

/* The largest power of two below count, which is at least 2. */
static uint64_t split(uint64_t count)
{
	return (uint64_t)1 << (63 - __builtin_clzll(count - 1));
}

static enum err push(const struct source *source, uint64_t first, uint64_t count, struct merkle_proof *proof)
{
	assert(proof->count < MERKLE_PROOF_MAX);
	TRY(range_root(source, first, count, &proof->hashes[proof->count]));
	proof->count++;
	return ERR_OK;
}

/* The walks below go from the root down; a proof is written from the leaf up. */
static void reverse(struct merkle_proof *proof)
{
	for (size_t i = 0; i < proof->count / 2; i++) {
		struct hash swap = proof->hashes[i];

		proof->hashes[i] = proof->hashes[proof->count - 1 - i];
		proof->hashes[proof->count - 1 - i] = swap;
	}
}

/* PATH(m, D_n) of RFC 9162 2.1.3.1. */
enum err merkle_prove_inclusion(uint64_t index, uint64_t size, merkle_read_fn *read, void *context,
				struct merkle_proof *ret_proof)
{
	const struct source source = {.read = read, .context = context};
	uint64_t first = 0, count = size;
	struct merkle_proof proof;

	if (index >= size || size >= SIZE_MAX_LEAVES)
		return ERR_INPUT;
	proof.count = 0;
	while (count > 1) {
		uint64_t left = split(count);

		if (index - first < left) {
			TRY(push(&source, first + left, count - left, &proof));
			count = left;
		} else {
			TRY(push(&source, first, left, &proof));
			first += left;
			count -= left;
		}
	}
	reverse(&proof);
	*ret_proof = proof;
	return ERR_OK;
}

/* SUBPROOF(m, D_n, b) of RFC 9162 2.1.4.1; b, "the old tree is this very subtree", is first == 0. */
enum err merkle_prove_consistency(uint64_t old_size, uint64_t new_size, merkle_read_fn *read, void *context,
				  struct merkle_proof *ret_proof)
{
	const struct source source = {.read = read, .context = context};
	uint64_t first = 0, old = old_size, count = new_size;
	struct merkle_proof proof;

	if (old_size > new_size || new_size >= SIZE_MAX_LEAVES)
		return ERR_INPUT;
	proof.count = 0;
	while (old_size > 0 && old != count) {
		uint64_t left = split(count);

		if (old <= left) {
			TRY(push(&source, first + left, count - left, &proof));
			count = left;
		} else {
			TRY(push(&source, first, left, &proof));
			first += left;
			old -= left;
			count -= left;
		}
	}
	if (first != 0)
		TRY(push(&source, first, old, &proof));
	reverse(&proof);
	*ret_proof = proof;
	return ERR_OK;
}

enum err merkle_root_at(uint64_t size, merkle_read_fn *read, void *context, struct hash *ret_root)
{
	const struct source source = {.read = read, .context = context};

	if (size >= SIZE_MAX_LEAVES)
		return ERR_INPUT;
	if (size > 0)
		return range_root(&source, 0, size, ret_root);
	sha256(SLICE_EMPTY, ret_root->bytes);
	return ERR_OK;
}

/* ---- verifying ---- */

/* RFC 9162 2.1.3.2, its steps in its words: fn and sn are the index of the node and of the last one on its level. */
enum err merkle_verify_inclusion(uint64_t index, uint64_t size, const struct hash *leaf,
				 const struct merkle_proof *proof, const struct hash *root)
{
	uint64_t fn = index, sn = size - 1;
	struct hash r = *leaf;

	if (index >= size || proof->count > MERKLE_PROOF_MAX)
		return ERR_PROOF;
	for (size_t i = 0; i < proof->count; i++) {
		if (sn == 0)
			return ERR_PROOF;
		if ((fn & 1) != 0 || fn == sn) {
			merkle_node(&proof->hashes[i], &r, &r);
			for (; (fn & 1) == 0 && fn != 0; fn >>= 1)
				sn >>= 1;
		} else {
			merkle_node(&r, &proof->hashes[i], &r);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && hash_equal(&r, root) ? ERR_OK : ERR_PROOF;
}

/* Sizes where RFC 9162 2.1.4.2 has nothing to compute: everything continues the empty tree, a tree continues itself. */
static enum err verify_trivial(uint64_t old_size, uint64_t new_size, const struct hash *old_root,
			       const struct hash *new_root, const struct merkle_proof *proof)
{
	struct hash empty;

	sha256(SLICE_EMPTY, empty.bytes);
	if (proof->count != 0 || (old_size == 0 && !hash_equal(old_root, &empty)))
		return ERR_PROOF;
	return old_size != new_size || hash_equal(old_root, new_root) ? ERR_OK : ERR_PROOF;
}

/* The loop of 2.1.4.2 over the hashes after *fr (= *sr), the root of the common complete subtree. */
static enum err fold_consistency(uint64_t fn, uint64_t sn, const struct hash *hashes, size_t count, struct hash *fr,
				 struct hash *sr)
{
	for (size_t i = 0; i < count; i++) {
		if (sn == 0)
			return ERR_PROOF;
		if ((fn & 1) != 0 || fn == sn) {
			merkle_node(&hashes[i], fr, fr);
			merkle_node(&hashes[i], sr, sr);
			for (; (fn & 1) == 0 && fn != 0; fn >>= 1)
				sn >>= 1;
		} else {
			merkle_node(sr, &hashes[i], sr);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 ? ERR_OK : ERR_PROOF;
}

enum err merkle_verify_consistency(uint64_t old_size, uint64_t new_size, const struct hash *old_root,
				   const struct hash *new_root, const struct merkle_proof *proof)
{
	bool is_power = (old_size & (old_size - 1)) == 0;
	uint64_t fn = old_size - 1, sn = new_size - 1;
	struct hash fr, sr;

	if (old_size > new_size || proof->count > MERKLE_PROOF_MAX)
		return ERR_PROOF;
	if (old_size == 0 || old_size == new_size)
		return verify_trivial(old_size, new_size, old_root, new_root, proof);
	if (proof->count == 0)
		return ERR_PROOF;
	for (; (fn & 1) != 0; fn >>= 1)
		sn >>= 1;
	/* An old tree that is complete stands in the proof by its root alone, which is not sent. */
	fr = sr = is_power ? *old_root : proof->hashes[0];
	TRY(fold_consistency(fn, sn, proof->hashes + !is_power, proof->count - !is_power, &fr, &sr));
	return hash_equal(&fr, old_root) && hash_equal(&sr, new_root) ? ERR_OK : ERR_PROOF;
}
