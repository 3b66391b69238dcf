/* No text proves the golden entry but one that says its index in the golden tree. */
#include <stdlib.h>

#include "kluis/checkpoint.h"

#include "golden.h"
#include "test_keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct secret_key log;
	static struct hash leaves[GOLDEN_SIZE];
	struct checkpoint checkpoint;
	struct fault fault = {0};
	uint64_t index;

	if (log.secret == NULL) {
		log = test_seed_key(GOLDEN_LOG, GOLDEN_LOG_SEED);
		golden_leaves(leaves);
	}
	if (tlog_proof_verify(SLICE(data, size), &leaves[1], &log.public, &index, &checkpoint, &fault) != ERR_OK) {
		if (fault.text[0] == '\0')
			abort();
		return 0;
	}
	if (index != 1 || checkpoint.size != GOLDEN_SIZE)
		abort();
	return 0;
}
