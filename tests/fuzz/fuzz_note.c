/* Notes from outside: what is parsed is text, and its pieces printed again are the same bytes. */
#include <assert.h>
#include <stdlib.h>

#include "kluis/note.h"

#include "test_keys.h"

#define ARENA_MAX (1024 * 1024)

/* FORMAT.md R10: there is one way to write a note. */
static void print(const struct note *note, struct bytes *ret_bytes)
{
	bool is_printed = bytes_append(ret_bytes, note->text) == ERR_OK && bytes_append_u8(ret_bytes, '\n') == ERR_OK;

	for (size_t i = 0; i < note->signature_count && is_printed; i++) {
		const struct note_signature *signature = &note->signatures[i];
		struct bytes payload CLEANUP(bytes_fini);

		bytes_init(&payload, PAPER_MAX);
		is_printed = bytes_append_u32(&payload, signature->id) == ERR_OK &&
			     bytes_append(&payload, signature->signature) == ERR_OK &&
			     bytes_printf(ret_bytes, "\xE2\x80\x94 %.*s ", (int)signature->name.length,
					  (const char *)signature->name.data) == ERR_OK &&
			     base64_append(bytes_slice(&payload), ret_bytes) == ERR_OK &&
			     bytes_append_u8(ret_bytes, '\n') == ERR_OK;
	}
	assert(is_printed);
}

/* No seed is signed with this key, and the fuzzer cannot: nothing may verify, though id and name are taken to meet. */
static void verify(const struct note *note)
{
	static struct secret_key key;
	struct public_key public;
	uint64_t time_s;

	if (key.secret == NULL)
		key = test_seed_key("k", 99);
	for (size_t i = 0; i < note->signature_count; i++) {
		if (public_key_init(&public, note->signatures[i].name, KEY_TYPE_ED25519, key.public.key) != ERR_OK)
			abort();
		public.id = note->signatures[i].id;
		assert(note_verify(note, &public) == ERR_SIGNATURE);
		public.type = KEY_TYPE_COSIGNATURE;
		assert(note_verify_cosignature(note, &public, &time_s) == ERR_SIGNATURE);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena CLEANUP(arena_fini);
	struct bytes printed CLEANUP(bytes_fini);
	struct fault fault = {0};
	struct note note;

	if (keys_init() != ERR_OK)
		abort();
	arena_init(&arena, ARENA_MAX);
	bytes_init(&printed, 2 * PAPER_MAX);
	if (note_parse(SLICE(data, size), &arena, &note, &fault) != ERR_OK) {
		assert(fault.text[0] != '\0');
		return 0;
	}
	assert(note_text_is_valid(note.text));
	print(&note, &printed);
	assert(slice_equal(bytes_slice(&printed), SLICE(data, size)));
	verify(&note);
	return 0;
}
