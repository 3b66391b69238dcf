/* A bundle that is read to its end without damage is what its entries append to. */
#include <stdlib.h>

#include "kluis/tile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader reader = reader_of(SLICE(data, size));
	struct bytes again CLEANUP(bytes_fini);
	struct slice entry;

	bytes_init(&again, size);
	while (bundle_next(&reader, &entry))
		if (bundle_append(&again, entry) != ERR_OK)
			abort();
	if (slice_equal(bytes_slice(&again), SLICE(data, size)) == reader.is_short)
		abort();
	return 0;
}
