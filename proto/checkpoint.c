#include "kluis/checkpoint.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#define PROOF_HEADER "c2sp.org/tlog-proof@v1"
#define SIZE_END ((uint64_t)1 << 63) /* trees are smaller */
#define NOTE_ARENA_MAX (PAPER_MAX + 64 * 1024)
#define TEXT_MAX (PRINCIPAL_MAX + 128) /* origin, 19 digits, 44 characters of base64 */

/* ---- numbers and hashes as lines ---- */

/* Decimal without leading zeros, below 2^63. */
static bool take_number(struct slice text, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (text.length == 0 || text.length > 19 || (text.data[0] == '0' && text.length > 1))
		return false;
	for (size_t i = 0; i < text.length; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		number = number * 10 + (uint64_t)(text.data[i] - '0');
	}
	if (number >= SIZE_END)
		return false;
	*ret_number = number;
	return true;
}

static enum err take_hash(struct slice text, struct hash *ret_hash)
{
	struct bytes decoded CLEANUP(bytes_fini) = {0};
	enum err err;

	bytes_init(&decoded, HASH_SIZE);
	err = base64_decode(text, &decoded);
	if (err != ERR_OK)
		return err == ERR_MEMORY ? err : ERR_PAPER;
	if (decoded.length != HASH_SIZE)
		return ERR_PAPER;
	memcpy(ret_hash->bytes, decoded.data, HASH_SIZE);
	return ERR_OK;
}

static enum err append_hash(const struct hash *hash, struct bytes *text)
{
	TRY(base64_append(SLICE_ARRAY(hash->bytes), text));
	return bytes_append_u8(text, '\n');
}

/* ---- checkpoints (R58) ---- */

static enum err print(const struct checkpoint *checkpoint, struct bytes *text)
{
	TRY(bytes_append(text, checkpoint->origin));
	TRY(bytes_printf(text, "\n%" PRIu64 "\n", checkpoint->size));
	return append_hash(&checkpoint->root, text);
}

enum err checkpoint_print(const struct checkpoint *checkpoint, struct bytes *ret_text)
{
	size_t before = ret_text->length;
	enum err err = print(checkpoint, ret_text);

	if (err != ERR_OK)
		ret_text->length = before;
	return err;
}

enum err checkpoint_parse(struct slice text, struct checkpoint *ret_checkpoint, struct fault *fault)
{
	struct reader reader = reader_of(text);
	struct checkpoint checkpoint = {.origin = reader_line(&reader)};
	struct slice size = reader_line(&reader), root = reader_line(&reader);
	enum err err;

	if (reader.is_short)
		return fault_set(fault, ERR_PAPER, "a checkpoint has three lines: origin, size, root");
	if (reader.rest.length > 0)
		return fault_set(fault, ERR_PAPER, "a checkpoint without extension lines was expected");
	if (!key_name_is_valid(checkpoint.origin))
		return fault_set(fault, ERR_PAPER, "a checkpoint's origin is the name of its log's key");
	if (!take_number(size, &checkpoint.size))
		return fault_set(fault, ERR_PAPER, "a checkpoint's size is a decimal number below 2^63");
	err = take_hash(root, &checkpoint.root);
	if (err != ERR_OK)
		return fault_set(fault, err, "a checkpoint's root is base64 of 32 bytes");
	*ret_checkpoint = checkpoint;
	return ERR_OK;
}

enum err checkpoint_sign(uint64_t size, const struct hash *root, const struct secret_key *log, struct bytes *ret_note)
{
	const struct checkpoint checkpoint = {.origin = slice_text(log->public.name), .size = size, .root = *root};
	struct bytes text CLEANUP(bytes_fini) = {0};

	bytes_init(&text, TEXT_MAX);
	TRY(checkpoint_print(&checkpoint, &text));
	return note_sign(bytes_slice(&text), &log, 1, ret_note);
}

enum err checkpoint_open(struct slice note_bytes, const struct public_key *log, struct checkpoint *ret_checkpoint,
			 struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct checkpoint checkpoint;
	struct note note;

	arena_init(&arena, NOTE_ARENA_MAX);
	TRY(note_parse(note_bytes, &arena, &note, fault));
	TRY(checkpoint_parse(note.text, &checkpoint, fault));
	if (!slice_equal(checkpoint.origin, slice_text(log->name)))
		return fault_set(fault, ERR_PAPER, "a checkpoint of another log than %s", log->name);
	if (note_verify(&note, log) != ERR_OK)
		return fault_set(fault, ERR_SIGNATURE, "not a checkpoint that %s signed", log->name);
	*ret_checkpoint = checkpoint;
	return ERR_OK;
}

/* ---- proofs (R60) ---- */

static enum err print_proof(uint64_t index, const struct merkle_proof *proof, struct slice checkpoint_note,
			    struct bytes *text)
{
	TRY(bytes_printf(text, PROOF_HEADER "\nindex %" PRIu64 "\n", index));
	for (size_t i = 0; i < proof->count; i++)
		TRY(append_hash(&proof->hashes[i], text));
	TRY(bytes_append_u8(text, '\n'));
	return bytes_append(text, checkpoint_note);
}

enum err tlog_proof_print(uint64_t index, const struct merkle_proof *proof, struct slice checkpoint_note,
			  struct bytes *ret_text)
{
	size_t before = ret_text->length;
	enum err err = print_proof(index, proof, checkpoint_note, ret_text);

	if (err != ERR_OK)
		ret_text->length = before;
	return err;
}

static bool skip(struct slice *text, const char *prefix)
{
	struct slice expected = slice_text(prefix);

	if (!slice_equal(slice_part(*text, 0, expected.length), expected))
		return false;
	*text = slice_part(*text, expected.length, text->length);
	return true;
}

/* The optional line "extra <base64>", which nothing authenticates: its form is checked, its content ignored. */
static enum err skip_extra(struct reader *reader, struct slice *line)
{
	struct bytes decoded CLEANUP(bytes_fini) = {0};
	enum err err;

	bytes_init(&decoded, PAPER_MAX);
	if (!skip(line, "extra "))
		return ERR_OK;
	err = base64_decode(*line, &decoded);
	if (err != ERR_OK)
		return err == ERR_MEMORY ? err : ERR_PAPER;
	*line = reader_line(reader);
	return ERR_OK;
}

/* Everything before the checkpoint. */
static enum err take_proof(struct reader *reader, uint64_t *index, struct merkle_proof *proof)
{
	struct slice line = reader_line(reader);

	proof->count = 0;
	if (!slice_equal(line, slice_text(PROOF_HEADER)))
		return ERR_PAPER;
	line = reader_line(reader);
	TRY(skip_extra(reader, &line));
	if (!skip(&line, "index ") || !take_number(line, index))
		return ERR_PAPER;
	for (line = reader_line(reader); line.length > 0; line = reader_line(reader)) {
		if (proof->count == MERKLE_PROOF_MAX)
			return ERR_PAPER;
		TRY(take_hash(line, &proof->hashes[proof->count]));
		proof->count++;
	}
	return reader->is_short ? ERR_PAPER : ERR_OK;
}

enum err tlog_proof_verify(struct slice text, const struct hash *leaf, const struct public_key *log,
			   uint64_t *ret_index, struct checkpoint *ret_checkpoint, struct fault *fault)
{
	struct reader reader = reader_of(text);
	struct checkpoint checkpoint;
	struct merkle_proof proof;
	uint64_t index;
	enum err err = take_proof(&reader, &index, &proof);

	if (err != ERR_OK)
		return fault_set(fault, err, "not a proof of the form " PROOF_HEADER);
	TRY(checkpoint_open(reader.rest, log, &checkpoint, fault));
	if (merkle_verify_inclusion(index, checkpoint.size, leaf, &proof, &checkpoint.root) != ERR_OK)
		return fault_set(fault, ERR_PROOF, "the entry is not at index %" PRIu64 " of the tree of %" PRIu64,
				 index, checkpoint.size);
	*ret_index = index;
	*ret_checkpoint = checkpoint;
	return ERR_OK;
}
