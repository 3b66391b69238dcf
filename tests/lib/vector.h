/*
 * Vectors: data files in tests/vectors, so that they can be compared with their source and used by other
 * implementations. A table is lines of columns parted by one space; lines that start with '#' and empty lines say where
 * it is from.
 */
#ifndef KLUIS_TEST_VECTOR_H
#define KLUIS_TEST_VECTOR_H

#include "kluis/bytes.h"

/* The file's bytes; the caller ends them with bytes_fini. Ends the program if it is not there. */
struct bytes vector_read(const char *name);

/* Calls each with every line's columns (zero-terminated, "-" stands for an empty one); ends the program if a line has
 * not exactly count of them. Returns how many lines there were. */
#define VECTOR_COLUMNS_MAX 8
size_t vector_each(const char *name, size_t count, void (*each)(char *const *columns));

/* Hex of a column as bytes; the caller ends them. Ends the program if it is not hex. */
struct bytes vector_hex(const char *column);

#endif
