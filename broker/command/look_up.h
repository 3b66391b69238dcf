/*
 * A customer whom head office looks up by a value (FORMAT.md R94, R110): logged as any lookup, with its purpose. The
 * value is nobody's to read in ps or the shell's history: it is a line of standard input.
 *
 * Threads: main thread only.
 */
#ifndef KLUIS_BROKER_LOOK_UP_H
#define KLUIS_BROKER_LOOK_UP_H

#include "command/office.h"

#define LOOK_UP_LINE_SIZE (VALUE_MAX + 4) /* one more than may be, with \r\n */

struct look_up {
	struct arena arena; /* of these */
	struct charter *charter;
	uint8_t customer[PSEUDONYM_SIZE];
	uint64_t entry;		     /* that says so */
	const Kluis__Values *values; /* with those that lost (R132) */
};
/* By --field and --purpose and a line. ERR_USAGE, ERR_FIELD, or why the broker refused. */
enum err look_up_customer(struct office *office, const struct settings *settings, struct look_up *ret_found,
			  struct fault *fault) MUST_USE;
/* Wipes. With CLEANUP; of a zeroed one too. */
void look_up_fini(struct look_up *found);

#endif
