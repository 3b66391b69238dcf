/*
 * Files of a mirror that is being written: each is there whole or not at all, and durable when copy_sync
 * returns, so that a million entries need one sync and not eight thousand.
 *
 * Threads: one.
 */
#ifndef AUDIT_COPY_FILE_H
#define AUDIT_COPY_FILE_H

#include "mirror.h"

/* Makes the folder if needed, locks it against a second copier (ERR_IN_USE) and removes what a killed one left unnamed.
 */
enum err copy_begin(const char *folder, int *ret_lock, struct fault *fault) MUST_USE;
/* The path of name in folder, whose folders are made. */
enum err copy_path(const char *folder, const char *name, char ret_path[static MIRROR_PATH_MAX],
		   struct fault *fault) MUST_USE;
/* Writes a file of the mirror and renames it into place; not durable before copy_sync. */
enum err copy_put(const char *folder, const char *name, struct slice bytes, struct fault *fault) MUST_USE;
enum err copy_sync(const char *folder, struct fault *fault) MUST_USE;
/* Removes tiles and bundles that are no part of a tree of size: partial ones that have grown. */
enum err copy_clean(const char *folder, uint64_t size, struct fault *fault) MUST_USE;

#endif
