/*
 * Amounts of money and units: whole numbers of 1/10000, written as decimal
 * text. Never a float (FORMAT.md, Line).
 *
 * Threads: pure.
 */
#ifndef KLUIS_DECIMAL_H
#define KLUIS_DECIMAL_H

#include "kluis/bytes.h"

/* "12", "-3.5", "1.8447" in 1/10000. ERR_VALUE for anything else: more than four decimals (also zeros), blanks, a plus
 * sign, an exponent, a group separator, a decimal comma, out of the range of sint64. */
enum err decimal_parse(struct slice text, int64_t *ret_value) MUST_USE;

#endif
