/* What an outside witness answers: never more is taken of it than its key has signed. */
#include <stdlib.h>
#include <string.h>

#include "server/submission.h"
#include "test_keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char note[] = "example.com/kluis/log\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n\n"
				   "\xE2\x80\x94 example.com/kluis/log "
				   "73H4dLCJNO8QAwxznVs1zO53alb5MK4bIJO+HL/vZ+Ukw+FOBklD/t/PTLPwVmlhnZnTeFJLAI2I5De+"
				   "WxpjifTX4Qc=\n";
	static const char text[] = "example.com/kluis/log\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n";
	uint8_t cosignature[COSIGNATURE_SIZE];
	uint64_t number;
	struct secret_key key;
	struct public_key witness;

	if (keys_init() != ERR_OK)
		abort();
	key = test_seed_key("example.com/kluis/witness/store/12", 4);
	if (public_key_init(&witness, slice_text(key.public.name), KEY_TYPE_COSIGNATURE, key.public.key) != ERR_OK)
		abort();
	secret_key_fini(&key);
	if (submission_parse_cosignature(SLICE(data, size), slice_text(note), &witness, cosignature) == ERR_OK &&
	    note_check_cosignature(slice_text(text), witness.key, SLICE_ARRAY(cosignature), &number) != ERR_OK)
		abort();
	if (submission_parse_size(SLICE(data, size), &number) == ERR_OK && number >> 63 != 0)
		abort();
	return 0;
}
