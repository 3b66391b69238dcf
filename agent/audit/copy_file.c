#include "copy_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kluis/file.h"

/* The one file that is being written. */
#define UNNAMED ".new"

static enum err failed(struct fault *fault, const char *what, const char *path)
{
	int number = errno;

	return fault_set(fault, file_error(number), "cannot %s %s: %s", what, path, strerrordesc_np(number));
}

static void close_descriptor(int *descriptor)
{
	if (*descriptor >= 0)
		close(*descriptor);
}

enum err copy_begin(const char *folder, int *ret_lock, struct fault *fault)
{
	char path[MIRROR_PATH_MAX];

	TRY(mirror_path(folder, "auditor.key", path, fault));
	if (access(path, F_OK) == 0)
		return fault_set(
			fault, ERR_USAGE,
			"'%s' holds an auditor's key: a mirror is for others to read, give it a folder of its own",
			folder);
	TRY(folder_make(folder, 0755, fault));
	TRY(mirror_path(folder, ".lock", path, fault));
	TRY(file_lock(path, ret_lock, fault));
	TRY(mirror_path(folder, UNNAMED, path, fault));
	if (unlink(path) != 0 && errno != ENOENT)
		return failed(fault, "remove", path);
	return ERR_OK;
}

enum err copy_path(const char *folder, const char *name, char ret_path[static MIRROR_PATH_MAX], struct fault *fault)
{
	TRY(mirror_path(folder, name, ret_path, fault));
	for (char *slash = strchr(ret_path + strlen(folder) + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(ret_path, 0755) != 0 && errno != EEXIST)
			return failed(fault, "make", ret_path);
		*slash = '/';
	}
	return ERR_OK;
}

static enum err write_all(int descriptor, const char *path, struct slice bytes, struct fault *fault)
{
	while (bytes.length > 0) {
		ssize_t written = write(descriptor, bytes.data, bytes.length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return failed(fault, "write", path);
		bytes = slice_part(bytes, (size_t)written, bytes.length);
	}
	return ERR_OK;
}

enum err copy_put(const char *folder, const char *name, struct slice bytes, struct fault *fault)
{
	char path[MIRROR_PATH_MAX], unnamed[MIRROR_PATH_MAX];
	int descriptor CLEANUP(close_descriptor) = -1;

	TRY(mirror_path(folder, UNNAMED, unnamed, fault));
	TRY(copy_path(folder, name, path, fault));
	descriptor = open(unnamed, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (descriptor < 0)
		return failed(fault, "make", unnamed);
	TRY(write_all(descriptor, unnamed, bytes, fault));
	if (rename(unnamed, path) != 0)
		return failed(fault, "make", path);
	return ERR_OK;
}

enum err copy_sync(const char *folder, struct fault *fault)
{
	int descriptor CLEANUP(close_descriptor) = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (descriptor < 0 || syncfs(descriptor) != 0)
		return failed(fault, "sync", folder);
	return ERR_OK;
}

struct cleaning {
	const char *folder;
	uint64_t size;
};

/* "checkpoint.new.XXXXXX": file_write was killed before it gave the file its name. */
static bool is_unfinished(const char *name)
{
	const char *mark = strstr(name, ".new.");

	return mark != NULL && strlen(mark) == strlen(".new.XXXXXX");
}

static enum err clean_file(void *context, const char *name, struct fault *fault)
{
	const struct cleaning *cleaning = context;
	char path[MIRROR_PATH_MAX];
	struct tile tile;

	bool is_tile = tile_parse_path(name, &tile) == ERR_OK;
	if (is_tile ? mirror_has_tile(cleaning->size, &tile) : !is_unfinished(name))
		return ERR_OK;
	TRY(mirror_path(cleaning->folder, name, path, fault));
	if (unlink(path) != 0)
		return failed(fault, "remove", path);
	if (!is_tile)
		return ERR_OK;
	/* "003.p" when its last width is gone; one that is not empty stays */
	*strrchr(path, '/') = '\0';
	if (rmdir(path) != 0 && errno != ENOTEMPTY && errno != EEXIST)
		return failed(fault, "remove", path);
	return ERR_OK;
}

enum err copy_clean(const char *folder, uint64_t size, struct fault *fault)
{
	struct cleaning cleaning = {.folder = folder, .size = size};

	return mirror_each_file(folder, clean_file, &cleaning, fault);
}
