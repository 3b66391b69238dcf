#include "keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kluis/file.h"
#include "kluis/ini.h"
#include "kluis/keys.h"

#define PATH_SIZE 1024

static void close_descriptor(int *descriptor)
{
	if (*descriptor >= 0)
		close(*descriptor);
	*descriptor = -1;
}

/* A purpose is a name (FORMAT.md R18), so it cannot lead out of the folder. */
static enum err key_path(const char *folder, const char *purpose, char ret_path[static PATH_SIZE])
{
	if (!ini_is_name(purpose))
		return ERR_PURPOSE;
	int length = snprintf(ret_path, PATH_SIZE, "%s/%s.key", folder, purpose);
	return length > 0 && length < PATH_SIZE ? ERR_OK : ERR_TOO_LARGE;
}

static enum err files_load(void *context, const char *purpose, uint8_t ret_key[static KEY_SIZE])
{
	char path[PATH_SIZE];
	uint8_t *key CLEANUP(secret_bytes_free) = NULL;

	TRY(key_path(context, purpose, path));
	enum err err = file_check_private(context, true, NULL);
	if (err == ERR_OK)
		err = secret_bytes_read(path, &key, NULL);
	/* overwritten, but a crash came before it was removed: it is gone */
	if (err == ERR_INPUT)
		return ERR_NOT_FOUND;
	TRY(err);
	memcpy(ret_key, key, KEY_SIZE);
	return ERR_OK;
}

/* What was the key is gone from the file before its name is: who looks for deleted files finds zeros. (A disk that
 * writes elsewhere than it is told to, or an older image of it, is another matter: see the threat model.) */
static enum err overwrite(const char *path)
{
	static const uint8_t zeros[4096];
	struct stat status;
	int descriptor CLEANUP(close_descriptor) = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (descriptor < 0 || fstat(descriptor, &status) != 0)
		return file_error(errno);
	for (off_t left = S_ISREG(status.st_mode) ? status.st_size : 0; left > 0;) {
		size_t count = left > (off_t)sizeof zeros ? sizeof zeros : (size_t)left;
		ssize_t written = write(descriptor, zeros, count);
		if (written < 0 && errno != EINTR)
			return file_error(errno);
		left -= written > 0 ? written : 0;
	}
	return fsync(descriptor) == 0 ? ERR_OK : file_error(errno);
}

static enum err sync_folder(const char *folder)
{
	int descriptor CLEANUP(close_descriptor) = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return descriptor >= 0 && fsync(descriptor) == 0 ? ERR_OK : file_error(errno);
}

static enum err files_destroy(void *context, const char *purpose)
{
	char path[PATH_SIZE];

	TRY(key_path(context, purpose, path));
	enum err err = overwrite(path);
	if (err == ERR_NOT_FOUND && access(context, F_OK) != 0)
		return ERR_OK; /* not even the folder was made */
	/* also when it cannot be overwritten: gone from the folder is better than there */
	if (unlink(path) != 0 && errno != ENOENT)
		return file_error(errno);
	TRY(sync_folder(context));
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err files_make(void *context, const char *purpose, uint8_t ret_key[static KEY_SIZE])
{
	char path[PATH_SIZE];

	TRY(key_path(context, purpose, path));
	TRY(folder_make(context, 0700, NULL));
	TRY(file_check_private(context, true, NULL));
	TRY(files_destroy(context, purpose));
	TRY(secret_bytes_create(path, NULL));
	return files_load(context, purpose, ret_key);
}

struct key_memory key_files(const char *folder)
{
	/* The interface's context is not const; this one is only read. */
	union {
		const char *folder;
		void *context;
	} place = {.folder = folder};
	return (struct key_memory){
		.context = place.context, .load = files_load, .make = files_make, .destroy = files_destroy};
}
