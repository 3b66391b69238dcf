/* Messages from outside, of the kinds that travel alone: what decodes encodes to the same bytes, within the arena. */
#include <assert.h>
#include <stdlib.h>

#include "kluis/limits.h"
#include "kluis/wire.h"

/* By the input's first byte. */
static const ProtobufCMessageDescriptor *const types[] = {
	&kluis__envelope__descriptor, &kluis__request__descriptor,	   &kluis__reply__descriptor,
	&kluis__entry__descriptor,    &kluis__values__descriptor,	   &kluis__personal__descriptor,
	&kluis__data__descriptor,     &kluis__receipt_content__descriptor, &kluis__operation__descriptor,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena CLEANUP(arena_fini);
	struct bytes encoded CLEANUP(bytes_fini);
	ProtobufCMessage *message;
	struct slice input;

	arena_init(&arena, REQUEST_ARENA_MAX);
	bytes_init(&encoded, MESSAGE_MAX);
	if (size == 0)
		return 0;
	input = SLICE(data + 1, size - 1);
	if (wire_decode(types[data[0] % (sizeof(types) / sizeof(types[0]))], input, &arena, &message) == ERR_OK) {
		if (wire_encode(message, &encoded) != ERR_OK)
			abort();
		assert(slice_equal(bytes_slice(&encoded), input));
	}
	assert(arena.used <= arena.ceiling);
	return 0;
}
