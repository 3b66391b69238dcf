#include "kluis/note.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* U+2014, a space */
#define SIGNATURE_PREFIX "\xE2\x80\x94 "
#define ID_SIZE 4
#define TIME_SIZE 8
/* id || signature of one line, bytes: the largest that C2SP knows is ML-DSA-44's of some 2,432. */
#define LINE_SIGNATURE_MAX 4096
/* "cosignature/v1\ntime <20 digits>\n" and a zero */
#define COSIGNATURE_DOMAIN_SIZE 48

bool note_text_is_valid(struct slice text)
{
	return text.length > 0 && text.data[text.length - 1] == '\n' && slice_is_text(text, true);
}

/* Where the last empty line begins: the place after the text's last newline. 0 if there is none. */
static size_t find_separator(struct slice source)
{
	for (size_t end = source.length; end >= 2; end--) {
		if (source.data[end - 1] == '\n' && source.data[end - 2] == '\n')
			return end - 1;
	}
	return 0;
}

static enum err parse_signature(struct slice line, struct arena *arena, struct note_signature *ret_signature)
{
	const struct slice prefix = slice_text(SIGNATURE_PREFIX);
	struct slice rest = slice_part(line, prefix.length, line.length);
	const uint8_t *space = rest.length == 0 ? NULL : memchr(rest.data, ' ', rest.length);
	struct bytes decoded CLEANUP(bytes_fini) = {0};
	uint8_t *copy;

	bytes_init(&decoded, LINE_SIGNATURE_MAX);
	if (!slice_equal(slice_part(line, 0, prefix.length), prefix) || space == NULL)
		return ERR_PAPER;
	ret_signature->name = SLICE(rest.data, (size_t)(space - rest.data));
	if (!key_name_is_valid(ret_signature->name))
		return ERR_PAPER;
	TRY(base64_decode(slice_part(rest, ret_signature->name.length + 1, rest.length), &decoded));
	if (decoded.length <= ID_SIZE)
		return ERR_PAPER;
	copy = arena_copy(arena, bytes_slice(&decoded));
	if (copy == NULL)
		return ERR_MEMORY;
	ret_signature->id = get_u32(copy);
	ret_signature->signature = SLICE(copy + ID_SIZE, decoded.length - ID_SIZE);
	return ERR_OK;
}

static enum err parse_signatures(struct slice lines, struct arena *arena, struct note *note, struct fault *fault)
{
	struct reader reader = reader_of(lines);

	while (reader.rest.length > 0) {
		struct slice line = reader_line(&reader);
		enum err err;

		if (reader.is_short)
			return fault_set(fault, ERR_PAPER, "a note ends in a newline");
		if (note->signature_count == NOTE_SIGNATURES_MAX)
			return fault_set(fault, ERR_PAPER, "a note has at most %d signatures", NOTE_SIGNATURES_MAX);
		err = parse_signature(line, arena, &note->signatures[note->signature_count]);
		if (err == ERR_MEMORY)
			return err;
		if (err != ERR_OK)
			return fault_set(fault, ERR_PAPER, "signature line %zu is malformed",
					 note->signature_count + 1);
		note->signature_count++;
	}
	if (note->signature_count == 0)
		return fault_set(fault, ERR_PAPER, "a note without signatures");
	return ERR_OK;
}

/* FORMAT.md R10: the separator is the last empty line. */
enum err note_parse(struct slice source, struct arena *arena, struct note *ret_note, struct fault *fault)
{
	struct note note = {.signature_count = 0};
	size_t separator;

	if (source.length > PAPER_MAX)
		return fault_set(fault, ERR_PAPER, "a note has at most %d bytes", PAPER_MAX);
	if (!slice_is_text(source, true))
		return fault_set(fault, ERR_PAPER, "a note is UTF-8 text without control characters");
	separator = find_separator(source);
	if (separator == 0)
		return fault_set(fault, ERR_PAPER, "not a signed note: no empty line before the signatures");
	note.text = slice_part(source, 0, separator);
	TRY(parse_signatures(slice_part(source, separator + 1, source.length), arena, &note, fault));
	*ret_note = note;
	return ERR_OK;
}

/* The one check that both kinds share: at least one signature of the key, and each of them good (R12). */
struct verifier {
	const struct note *note;
	const struct public_key *key;
	uint64_t time_s; /* latest of a cosignature */
};

static enum err verify_plain(struct verifier *verifier, struct slice signature)
{
	return key_verify(verifier->key->key, "", verifier->note->text, signature);
}

static void cosignature_domain(uint64_t time_s, char ret_domain[static COSIGNATURE_DOMAIN_SIZE])
{
	snprintf(ret_domain, COSIGNATURE_DOMAIN_SIZE, "cosignature/v1\ntime %llu\n", (unsigned long long)time_s);
}

enum err note_check_cosignature(struct slice text, const uint8_t key[static KEY_SIZE], struct slice cosignature,
				uint64_t *ret_time_s)
{
	char domain[COSIGNATURE_DOMAIN_SIZE];
	uint64_t time_s;

	if (cosignature.length != COSIGNATURE_SIZE)
		return ERR_SIGNATURE;
	time_s = get_u64(cosignature.data);
	cosignature_domain(time_s, domain);
	TRY(key_verify(key, domain, text, slice_part(cosignature, TIME_SIZE, SIGNATURE_SIZE)));
	*ret_time_s = time_s;
	return ERR_OK;
}

static enum err verify_timestamped(struct verifier *verifier, struct slice signature)
{
	uint64_t time_s;

	TRY(note_check_cosignature(verifier->note->text, verifier->key->key, signature, &time_s));
	if (time_s > verifier->time_s)
		verifier->time_s = time_s;
	return ERR_OK;
}

static enum err verify_all(struct verifier *verifier,
			   enum err (*verify)(struct verifier *verifier, struct slice signature))
{
	const struct slice name = slice_text(verifier->key->name);
	size_t verified = 0;

	for (size_t i = 0; i < verifier->note->signature_count; i++) {
		const struct note_signature *signature = &verifier->note->signatures[i];

		if (signature->id != verifier->key->id || !slice_equal(signature->name, name))
			continue;
		TRY(verify(verifier, signature->signature));
		verified++;
	}
	return verified > 0 ? ERR_OK : ERR_SIGNATURE;
}

enum err note_verify(const struct note *note, const struct public_key *key)
{
	struct verifier verifier = {.note = note, .key = key};

	if (key->type != KEY_TYPE_ED25519)
		return ERR_SIGNATURE;
	return verify_all(&verifier, verify_plain);
}

enum err note_verify_cosignature(const struct note *note, const struct public_key *key, uint64_t *ret_time_s)
{
	struct verifier verifier = {.note = note, .key = key};

	if (key->type != KEY_TYPE_COSIGNATURE)
		return ERR_SIGNATURE;
	TRY(verify_all(&verifier, verify_timestamped));
	*ret_time_s = verifier.time_s;
	return ERR_OK;
}

/* Appends one line; a line that does not fit leaves the note as it was. */
static enum err append_line(struct bytes *note, const struct public_key *key, struct slice signature)
{
	uint8_t payload[ID_SIZE + TIME_SIZE + SIGNATURE_SIZE];
	size_t before = note->length;
	enum err err;

	assert(signature.length <= sizeof(payload) - ID_SIZE);
	put_u32(payload, key->id);
	memcpy(payload + ID_SIZE, signature.data, signature.length);
	err = bytes_printf(note, SIGNATURE_PREFIX "%s ", key->name);
	if (err == ERR_OK)
		err = base64_append(SLICE(payload, ID_SIZE + signature.length), note);
	if (err == ERR_OK)
		err = bytes_append_u8(note, '\n');
	if (err != ERR_OK)
		note->length = before;
	return err;
}

enum err note_append_signature(struct bytes *note, const struct public_key *key,
			       const uint8_t signature[static SIGNATURE_SIZE])
{
	assert(note->length > 0 && note->data[note->length - 1] == '\n');
	return append_line(note, key, SLICE(signature, SIGNATURE_SIZE));
}

enum err note_make_signature(struct slice text, const struct secret_key *key,
			     uint8_t ret_signature[static SIGNATURE_SIZE])
{
	if (!note_text_is_valid(text))
		return ERR_PAPER;
	return key_sign(key, "", text, ret_signature);
}

static enum err append_signed(struct slice text, const struct secret_key *const *keys, size_t key_count,
			      struct bytes *note)
{
	uint8_t signature[SIGNATURE_SIZE];

	TRY(bytes_append(note, text));
	TRY(bytes_append_u8(note, '\n'));
	for (size_t i = 0; i < key_count; i++) {
		TRY(note_make_signature(text, keys[i], signature));
		TRY(note_append_signature(note, &keys[i]->public, signature));
	}
	return ERR_OK;
}

enum err note_sign(struct slice text, const struct secret_key *const *keys, size_t key_count, struct bytes *ret_note)
{
	size_t before = ret_note->length;
	enum err err;

	assert(key_count > 0 && key_count <= NOTE_SIGNATURES_MAX);
	if (!note_text_is_valid(text))
		return ERR_PAPER;
	err = append_signed(text, keys, key_count, ret_note);
	if (err != ERR_OK)
		ret_note->length = before;
	return err;
}

enum err note_make_cosignature(struct slice text, const struct secret_key *key, uint64_t time_s,
			       uint8_t ret_cosignature[static COSIGNATURE_SIZE])
{
	char domain[COSIGNATURE_DOMAIN_SIZE];
	uint8_t timestamped[COSIGNATURE_SIZE];

	if (!note_text_is_valid(text))
		return ERR_PAPER;
	cosignature_domain(time_s, domain);
	put_u64(timestamped, time_s);
	TRY(key_sign(key, domain, text, timestamped + TIME_SIZE));
	memcpy(ret_cosignature, timestamped, sizeof timestamped);
	return ERR_OK;
}

enum err note_append_cosigned(struct bytes *note, const struct public_key *cosigner,
			      const uint8_t cosignature[static COSIGNATURE_SIZE])
{
	assert(note->length > 0 && note->data[note->length - 1] == '\n');
	assert(cosigner->type == KEY_TYPE_COSIGNATURE);
	return append_line(note, cosigner, SLICE(cosignature, COSIGNATURE_SIZE));
}

enum err note_append_cosignature(struct bytes *note, struct slice text, const struct secret_key *key, uint64_t time_s)
{
	uint8_t timestamped[COSIGNATURE_SIZE];
	struct public_key cosigner;

	TRY(note_make_cosignature(text, key, time_s, timestamped));
	TRY(public_key_init(&cosigner, slice_text(key->public.name), KEY_TYPE_COSIGNATURE, key->public.key));
	return note_append_cosigned(note, &cosigner, timestamped);
}
