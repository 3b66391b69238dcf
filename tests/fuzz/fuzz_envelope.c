/* What opens encodes again to the same bytes, its parts match its commitments, and only the golden request verifies
 * under the golden key. */
#include <stdlib.h>

#include "kluis/envelope.h"
#include "kluis/limits.h"

#include "golden.h"
#include "test_keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_encoding(const struct envelope *envelope)
{
	struct bytes again CLEANUP(bytes_fini);

	bytes_init(&again, REQUEST_MAX);
	if (wire_encode(&envelope->decoded->base, &again) != ERR_OK ||
	    !slice_equal(bytes_slice(&again), envelope->request))
		abort();
}

static void check_parts(const struct envelope *envelope)
{
	size_t used = 0;

	for (size_t i = 0; i < envelope->decoded->n_operations; i++) {
		struct slice commitment = operation_commitment(envelope->decoded->operations[i]);

		if (commitment.length > 0 && part_check(envelope->parts[used++], commitment) != ERR_OK)
			abort();
	}
	if (used != envelope->part_count)
		abort();
}

/* The request that the golden key did sign. */
static const struct envelope *golden_envelope(void)
{
	static struct envelope envelope;
	static struct arena arena;
	static struct bytes bytes;

	if (envelope.decoded != NULL)
		return &envelope;
	arena_init(&arena, REQUEST_ARENA_MAX);
	bytes_init(&bytes, GOLDEN_MAX);
	golden_read("envelope", &bytes);
	if (envelope_open(bytes_slice(&bytes), &arena, &envelope, NULL) != ERR_OK)
		abort();
	return &envelope;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct secret_key store;
	struct arena arena CLEANUP(arena_fini);
	struct envelope envelope;
	struct fault fault = {0};

	if (store.secret == NULL)
		store = test_seed_key(GOLDEN_STORE, GOLDEN_STORE_SEED);
	arena_init(&arena, REQUEST_ARENA_MAX);
	if (envelope_open(SLICE(data, size), &arena, &envelope, &fault) != ERR_OK) {
		if (fault.text[0] == '\0')
			abort();
		return 0;
	}
	check_encoding(&envelope);
	check_parts(&envelope);
	if (envelope_verify(&envelope, store.public.key) == ERR_OK &&
	    !slice_equal(envelope.request, golden_envelope()->request))
		abort();
	return 0;
}
