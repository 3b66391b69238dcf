#include "server/submission.h"

#include <inttypes.h>
#include <string.h>

#define SIZE_DIGITS_MAX 19
#define ARENA_MAX (2 * PAPER_MAX)

enum err submission_print(uint64_t old_size, const struct merkle_proof *proof, struct slice note,
			  struct bytes *ret_body)
{
	TRY(bytes_printf(ret_body, "old %" PRIu64 "\n", old_size));
	for (size_t i = 0; i < proof->count; i++) {
		TRY(base64_append(SLICE_ARRAY(proof->hashes[i].bytes), ret_body));
		TRY(bytes_append_u8(ret_body, '\n'));
	}
	TRY(bytes_append_u8(ret_body, '\n'));
	return bytes_append(ret_body, note);
}

enum err submission_parse_size(struct slice body, uint64_t *ret_size)
{
	uint64_t size = 0;
	size_t digits = body.length > 0 ? body.length - 1 : 0;

	if (digits == 0 || digits > SIZE_DIGITS_MAX || body.data[digits] != '\n' || (digits > 1 && body.data[0] == '0'))
		return ERR_INPUT;
	for (size_t i = 0; i < digits; i++) {
		if (body.data[i] < '0' || body.data[i] > '9')
			return ERR_INPUT;
		size = size * 10 + (uint64_t)(body.data[i] - '0');
	}
	if (size >= (uint64_t)1 << 63)
		return ERR_INPUT;
	*ret_size = size;
	return ERR_OK;
}

/* The answer's lines under the note's text are a note again, with the one parser that there is for such. */
static enum err parse_lines(struct slice body, struct slice text, struct arena *arena, struct note **ret_note)
{
	struct bytes joined CLEANUP(bytes_fini) = {0};
	struct note *note = arena_alloc(arena, sizeof *note);

	if (note == NULL)
		return ERR_MEMORY;
	bytes_init(&joined, PAPER_MAX);
	TRY(bytes_append(&joined, text));
	TRY(bytes_append_u8(&joined, '\n'));
	TRY(bytes_append(&joined, body));
	uint8_t *copy = arena_copy(arena, bytes_slice(&joined));
	if (copy == NULL)
		return ERR_MEMORY;
	enum err err = note_parse(SLICE(copy, joined.length), arena, note, NULL);
	if (err != ERR_OK)
		return err == ERR_MEMORY ? err : ERR_INPUT;
	/* an empty line in the answer would have made another text of it */
	if (!slice_equal(note->text, text))
		return ERR_INPUT;
	*ret_note = note;
	return ERR_OK;
}

static enum err take_cosignature(const struct note *note, const struct public_key *witness,
				 uint8_t ret_cosignature[static COSIGNATURE_SIZE])
{
	uint64_t time_s;

	TRY(note_verify_cosignature(note, witness, &time_s));
	for (size_t i = 0; i < note->signature_count; i++) {
		const struct note_signature *signature = &note->signatures[i];

		if (signature->id != witness->id || !slice_equal(signature->name, slice_text(witness->name)))
			continue;
		if (get_u64(signature->signature.data) == 0)
			return ERR_SIGNATURE; /* C2SP: an answer says when */
		memcpy(ret_cosignature, signature->signature.data, COSIGNATURE_SIZE);
		return ERR_OK;
	}
	return ERR_SIGNATURE;
}

enum err submission_parse_cosignature(struct slice body, struct slice note, const struct public_key *witness,
				      uint8_t ret_cosignature[static COSIGNATURE_SIZE])
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct note *sent, *answer;

	if (body.length > SUBMISSION_ANSWER_MAX)
		return ERR_INPUT;
	arena_init(&arena, ARENA_MAX);
	sent = arena_alloc(&arena, sizeof *sent);
	if (sent == NULL)
		return ERR_MEMORY;
	TRY(note_parse(note, &arena, sent, NULL));
	TRY(parse_lines(body, sent->text, &arena, &answer));
	return take_cosignature(answer, witness, ret_cosignature);
}
