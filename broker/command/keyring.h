/*
 * All the broker's own secret keys that lie in its folder, the first ones and those of rotations: number n > 1 of a key
 * stands in "<name>-<n>.key". A running broker finds a key here that a command has made meanwhile. Master keys may lie
 * in systemd's credentials instead ($CREDENTIALS_DIRECTORY, under the same names).
 *
 * Threads: any; a log's key lives until keyring_free.
 */
#ifndef KLUIS_BROKER_KEYRING_H
#define KLUIS_BROKER_KEYRING_H

#include "command/folder.h"

#define KEY_NUMBERS_MAX 64 /* files of one key at a time */

/* "log", 1, ".key" is "log.key"; "log", 2, ".key" is "log-2.key". */
#define KEY_NAME_MAX 64
void key_file_name(const char *name, uint32_t number, const char *ending, char ret_name[static KEY_NAME_MAX]);
/* The numbers of a key's files, ascending. ERR_IO. */
enum err key_file_numbers(const char *folder, const char *name, const char *ending,
			  uint32_t ret_numbers[static KEY_NUMBERS_MAX], size_t *ret_count,
			  struct fault *fault) MUST_USE;
/* Overwrites the file, as far as the disk lets it be, and removes it. Fine if it is gone. */
enum err key_file_destroy(const char *folder, const char *file, struct fault *fault) MUST_USE;

struct keyring;
enum err keyring_new(const char *folder, struct keyring **ret_keyring) MUST_USE;
void keyring_free(struct keyring **keyring);

/* core_keys' callbacks; context is the keyring. ERR_NOT_FOUND, ERR_MODE ... */
enum err keyring_master(void *context, uint32_t epoch, uint8_t ret_master[static KEY_SIZE]) MUST_USE;
/* Wipes the ones before oldest, and finds none of them again. */
void keyring_end_masters(void *context, uint32_t oldest);
enum err keyring_log(void *context, const struct public_key *key, const struct secret_key **ret_log) MUST_USE;

#endif
