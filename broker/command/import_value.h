/*
 * Numbers and days of CSV cells, exactly.
 *
 * Threads: any.
 */
#ifndef KLUIS_COMMAND_IMPORT_VALUE_H
#define KLUIS_COMMAND_IMPORT_VALUE_H

#include "kluis/bytes.h"

/* "1998-01-31", also as databases write it, "1998-01-31 00:00:00" or "... 00:00:00.0", in days since 1970-01-01.
 * ERR_VALUE. */
enum err import_day(struct slice text, int32_t *ret_day) MUST_USE;

/* A store's number, 0 to 99999. ERR_VALUE. */
enum err import_store(struct slice text, uint32_t *ret_store) MUST_USE;

#endif
