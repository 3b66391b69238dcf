/*
 * One state of a table of the memory store: rows in the order of their keys.
 * Rows and versions are counted; one that somebody else holds too is not
 * changed but copied first.
 */
#ifndef KLUIS_SIM_VERSION_H
#define KLUIS_SIM_VERSION_H

#include "kluis/bytes.h"

struct row {
	size_t references, key_length, value_length;
	uint8_t bytes[]; /* key, value */
};

struct version {
	size_t references, count, capacity;
	struct row **rows;
};

/* Zeroed memory; the program ends when there is none. */
void *allocate(size_t count, size_t size);

struct row *row_new(struct slice key, struct slice value);
void row_drop(struct row *row);
struct slice row_key(const struct row *row);
struct slice row_value(const struct row *row);

struct version *version_new(void);
struct version *version_hold(struct version *version);
void version_drop(struct version *version);
/* Another version with the same rows and room for more. */
struct version *version_copy(const struct version *version);
/* The place of the first row whose key is not less. */
size_t version_find(const struct version *version, struct slice key);
/* Is key's row at this place? */
bool version_has(const struct version *version, size_t at, struct slice key);
/* Takes the row over. */
void version_insert(struct version *version, size_t at, struct row *row);

#endif
