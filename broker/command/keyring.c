#include "command/keyring.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kluis/file.h"

/* ---- files ---- */

void key_file_name(const char *name, uint32_t number, const char *ending, char ret_name[static KEY_NAME_MAX])
{
	if (number == 1)
		snprintf(ret_name, KEY_NAME_MAX, "%s%s", name, ending);
	else
		snprintf(ret_name, KEY_NAME_MAX, "%s-%u%s", name, number, ending);
}

/* The number of a file of that key; 0 for any other file. */
static uint32_t number_of(const char *file, const char *name, const char *ending)
{
	char again[KEY_NAME_MAX];
	size_t length = strlen(name);

	if (strncmp(file, name, length) != 0)
		return 0;
	unsigned long number = file[length] == '-' ? strtoul(file + length + 1, NULL, 10) : 1;
	if (number == 0 || number > UINT32_MAX)
		return 0;
	key_file_name(name, (uint32_t)number, ending, again);
	return strcmp(again, file) == 0 ? (uint32_t)number : 0;
}

static void close_folder(DIR **folder)
{
	if (*folder != NULL)
		closedir(*folder);
}

static void insert(uint32_t *numbers, size_t *count, uint32_t number)
{
	size_t place = *count;

	while (place > 0 && numbers[place - 1] > number) {
		numbers[place] = numbers[place - 1];
		place--;
	}
	numbers[place] = number;
	(*count)++;
}

enum err key_file_numbers(const char *path, const char *name, const char *ending,
			  uint32_t ret_numbers[static KEY_NUMBERS_MAX], size_t *ret_count, struct fault *fault)
{
	DIR *folder CLEANUP(close_folder) = opendir(path);
	const struct dirent *item;
	size_t count = 0;

	if (folder == NULL)
		return fault_set(fault, file_error(errno), "'%s': %s", path, strerrordesc_np(errno));
	while ((item = readdir(folder)) != NULL) {
		uint32_t number = number_of(item->d_name, name, ending);
		if (number > 0 && count == KEY_NUMBERS_MAX)
			return fault_set(fault, ERR_TOO_LARGE, "'%s' has more than %d files of %s", path,
					 KEY_NUMBERS_MAX, name);
		if (number > 0)
			insert(ret_numbers, &count, number);
	}
	*ret_count = count;
	return ERR_OK;
}

static void overwrite(int descriptor)
{
	static const uint8_t zeros[4096];
	struct stat status;

	if (fstat(descriptor, &status) != 0 || status.st_size <= 0 || (size_t)status.st_size > sizeof zeros)
		return;
	if (pwrite(descriptor, zeros, (size_t)status.st_size, 0) == status.st_size)
		(void)fsync(descriptor);
}

enum err key_file_destroy(const char *folder, const char *file, struct fault *fault)
{
	char path[FOLDER_PATH_MAX];

	TRY(folder_path(folder, file, path, fault));
	int descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (descriptor < 0 && errno == ENOENT)
		return ERR_OK;
	if (descriptor >= 0) {
		overwrite(descriptor);
		close(descriptor);
	}
	if (unlink(path) != 0 && errno != ENOENT)
		return fault_set(fault, file_error(errno), "'%s' cannot be removed: %s", path, strerrordesc_np(errno));
	return ERR_OK;
}

/* ---- the ring ---- */

struct held {
	struct held *next;
	uint32_t epoch;	       /* of a master key */
	uint8_t *master;       /* or */
	struct secret_key log; /* a log's */
};

struct keyring {
	char folder[FOLDER_PATH_MAX];
	pthread_mutex_t mutex;
	struct held *held;
	uint32_t oldest; /* epoch that has not ended */
};

enum err keyring_new(const char *folder, struct keyring **ret_keyring)
{
	struct keyring *keyring = calloc(1, sizeof *keyring);

	if (keyring == NULL)
		return ERR_MEMORY;
	snprintf(keyring->folder, sizeof keyring->folder, "%s", folder);
	pthread_mutex_init(&keyring->mutex, NULL);
	*ret_keyring = keyring;
	return ERR_OK;
}

static void held_free(struct held *held)
{
	if (held->master != NULL)
		secret_bytes_free(&held->master);
	else
		secret_key_fini(&held->log);
	free(held);
}

void keyring_free(struct keyring **keyring)
{
	if (*keyring == NULL)
		return;
	while ((*keyring)->held != NULL) {
		struct held *held = (*keyring)->held;
		(*keyring)->held = held->next;
		held_free(held);
	}
	pthread_mutex_destroy(&(*keyring)->mutex);
	free(*keyring);
	*keyring = NULL;
}

static struct held *keep(struct keyring *keyring, const struct held *new)
{
	struct held *held = calloc(1, sizeof *held);

	if (held == NULL)
		return NULL;
	*held = *new;
	held->next = keyring->held;
	keyring->held = held;
	return held;
}

/* ---- master keys ---- */

static enum err read_master(const struct keyring *keyring, uint32_t epoch, uint8_t **ret_master)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	const char *folders[] = {credentials, keyring->folder};
	char name[KEY_NAME_MAX], path[FOLDER_PATH_MAX];
	enum err err = ERR_NOT_FOUND;

	key_file_name("master", epoch, ".key", name);
	for (size_t i = 0; i < 2 && err == ERR_NOT_FOUND; i++) {
		if (folders[i] == NULL)
			continue;
		TRY(folder_path(folders[i], name, path, NULL));
		err = secret_bytes_read(path, ret_master, NULL);
	}
	return err;
}

static enum err find_master(struct keyring *keyring, uint32_t epoch, const uint8_t **ret_master)
{
	struct held new = {.epoch = epoch};

	if (epoch < keyring->oldest)
		return ERR_NOT_FOUND;
	for (const struct held *held = keyring->held; held != NULL; held = held->next)
		if (held->master != NULL && held->epoch == epoch) {
			*ret_master = held->master;
			return ERR_OK;
		}
	TRY(read_master(keyring, epoch, &new.master));
	if (keep(keyring, &new) == NULL) {
		secret_bytes_free(&new.master);
		return ERR_MEMORY;
	}
	*ret_master = new.master;
	return ERR_OK;
}

enum err keyring_master(void *context, uint32_t epoch, uint8_t ret_master[static KEY_SIZE])
{
	struct keyring *keyring = context;
	const uint8_t *master;

	pthread_mutex_lock(&keyring->mutex);
	enum err err = find_master(keyring, epoch, &master);
	if (err == ERR_OK)
		memcpy(ret_master, master, KEY_SIZE);
	pthread_mutex_unlock(&keyring->mutex);
	return err;
}

void keyring_end_masters(void *context, uint32_t oldest)
{
	struct keyring *keyring = context;

	pthread_mutex_lock(&keyring->mutex);
	keyring->oldest = oldest;
	for (struct held **place = &keyring->held; *place != NULL;) {
		struct held *held = *place;
		if (held->master == NULL || held->epoch >= oldest) {
			place = &held->next;
			continue;
		}
		*place = held->next;
		held_free(held);
	}
	pthread_mutex_unlock(&keyring->mutex);
}

/* ---- log keys ---- */

static enum err read_log(struct keyring *keyring, uint32_t number, const struct public_key *key,
			 const struct secret_key **ret_log)
{
	char name[KEY_NAME_MAX], path[FOLDER_PATH_MAX];
	struct held new = {.epoch = 0};

	key_file_name("log", number, ".key", name);
	TRY(folder_path(keyring->folder, name, path, NULL));
	TRY(secret_key_read(path, &new.log, NULL));
	struct held *held = public_key_equal(&new.log.public, key) ? keep(keyring, &new) : NULL;
	if (held == NULL) {
		secret_key_fini(&new.log);
		return ERR_NOT_FOUND;
	}
	*ret_log = &held->log;
	return ERR_OK;
}

static enum err find_log(struct keyring *keyring, const struct public_key *key, const struct secret_key **ret_log)
{
	uint32_t numbers[KEY_NUMBERS_MAX];
	size_t count;

	for (const struct held *held = keyring->held; held != NULL; held = held->next)
		if (held->master == NULL && public_key_equal(&held->log.public, key)) {
			*ret_log = &held->log;
			return ERR_OK;
		}
	TRY(key_file_numbers(keyring->folder, "log", ".key", numbers, &count, NULL));
	for (size_t i = 0; i < count; i++)
		if (read_log(keyring, numbers[i], key, ret_log) == ERR_OK)
			return ERR_OK;
	return ERR_NOT_FOUND;
}

enum err keyring_log(void *context, const struct public_key *key, const struct secret_key **ret_log)
{
	struct keyring *keyring = context;

	pthread_mutex_lock(&keyring->mutex);
	enum err err = find_log(keyring, key, ret_log);
	pthread_mutex_unlock(&keyring->mutex);
	return err;
}
