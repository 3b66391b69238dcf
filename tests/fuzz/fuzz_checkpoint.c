/* A checkpoint's text that parses prints to the same bytes; a note that opens under the log's key says what that key
 * signed, which is the golden text and nothing else. */
#include <stdlib.h>

#include "kluis/checkpoint.h"

#include "golden.h"
#include "test_keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct slice text)
{
	struct bytes printed CLEANUP(bytes_fini);
	struct checkpoint checkpoint;

	bytes_init(&printed, text.length + 1);
	if (checkpoint_parse(text, &checkpoint, NULL) != ERR_OK)
		return;
	if (checkpoint_print(&checkpoint, &printed) != ERR_OK || !slice_equal(bytes_slice(&printed), text))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct secret_key log;
	struct checkpoint checkpoint;
	struct fault fault = {0};

	if (log.secret == NULL)
		log = test_seed_key(GOLDEN_LOG, GOLDEN_LOG_SEED);
	check_text(SLICE(data, size));
	if (checkpoint_open(SLICE(data, size), &log.public, &checkpoint, &fault) != ERR_OK) {
		if (fault.text[0] == '\0')
			abort();
		return 0;
	}
	if (checkpoint.size != GOLDEN_SIZE)
		abort();
	return 0;
}
