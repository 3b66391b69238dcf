/*
 * Files, whole: read with a bound, written so that they are there entirely or
 * not at all, even after a power cut.
 *
 * Threads: any.
 */
#ifndef KLUIS_FILE_H
#define KLUIS_FILE_H

#include "kluis/bytes.h"

/* Appends the file's bytes to ret_bytes (whose maximum bounds it: ERR_TOO_LARGE). ERR_NOT_FOUND, ERR_IO. */
enum err file_read(const char *path, struct bytes *ret_bytes, struct fault *fault) MUST_USE;
/* Writes a new file beside it with mode, fsyncs it, renames it over path, fsyncs the folder. ERR_DISK_FULL, ERR_IO. */
enum err file_write(const char *path, struct slice bytes, unsigned mode, struct fault *fault) MUST_USE;
/* The same without replacing: ERR_EXISTS. */
enum err file_create(const char *path, struct slice bytes, unsigned mode, struct fault *fault) MUST_USE;
/* ERR_MODE unless path is a regular file (or, is_folder, a folder) of the running user that group and others may not
 * touch. */
enum err file_check_private(const char *path, bool is_folder, struct fault *fault) MUST_USE;
/* file_read of a file that passes that check, which is made on the open file itself: nobody can put another one in its
 * place in between. Codes of both; also ERR_MODE for a symbolic link. */
enum err file_read_private(const char *path, struct bytes *ret_bytes, struct fault *fault) MUST_USE;
/* Makes a folder with mode, fsyncing its parent; one that is there is fine. */
enum err folder_make(const char *path, unsigned mode, struct fault *fault) MUST_USE;
/* An exclusive lock on path (made if needed, 0600), held until the process ends or file_unlock. ERR_IN_USE. */
enum err file_lock(const char *path, int *ret_descriptor, struct fault *fault) MUST_USE;
void file_unlock(int *descriptor);
/* errno as an enum err: ENOSPC and EDQUOT are ERR_DISK_FULL, ENOENT is ERR_NOT_FOUND, EEXIST ERR_EXISTS, else ERR_IO.
 */
enum err file_error(int number);

#endif
