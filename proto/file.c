#include "kluis/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_CHUNK 16384
/* Longest path, bytes: room for two in a frame, and no file of kluis lies so deep. */
#define PATH_SIZE 1024
#define PRIVATE_BITS (S_IRWXG | S_IRWXO)

/* errno's meaning, and what the caller may tell apart. */
struct errno_row {
	int number;
	enum err code;
};

static const struct errno_row errno_rows[] = {
	{ENOSPC, ERR_DISK_FULL}, {EDQUOT, ERR_DISK_FULL}, {ENOENT, ERR_NOT_FOUND},
	{EEXIST, ERR_EXISTS},	 {ENOMEM, ERR_MEMORY},
};

enum err file_error(int number)
{
	for (size_t i = 0; i < sizeof(errno_rows) / sizeof(errno_rows[0]); i++) {
		if (errno_rows[i].number == number)
			return errno_rows[i].code;
	}
	return ERR_IO;
}

/* The failure of the last system call on path as a code with its fault. */
static enum err failed(struct fault *fault, const char *what, const char *path)
{
	int number = errno;

	return fault_set(fault, file_error(number), "cannot %s %s: %s", what, path, strerrordesc_np(number));
}

static void close_descriptor(int *descriptor)
{
	if (*descriptor >= 0)
		close(*descriptor);
	*descriptor = -1;
}

/* Reads once: straight into the buffer, so that a secret leaves no copy; one byte more than the maximum is noticed. */
static enum err read_some(int descriptor, const char *path, struct bytes *bytes, bool *ret_is_end, struct fault *fault)
{
	size_t room = bytes->maximum - bytes->length;
	size_t count = room > READ_CHUNK ? READ_CHUNK : room;
	uint8_t extra;
	uint8_t *place = &extra;
	ssize_t got;

	if (room > 0)
		TRY(bytes_reserve(bytes, count, &place));
	do {
		got = read(descriptor, place, room > 0 ? count : 1);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return failed(fault, "read", path);
	if (got > 0 && room == 0)
		return fault_set(fault, ERR_TOO_LARGE, "%s is larger than %zu bytes", path, bytes->maximum);
	bytes->length += (size_t)got;
	*ret_is_end = got == 0;
	return ERR_OK;
}

static enum err read_all(int descriptor, const char *path, struct bytes *bytes, struct fault *fault)
{
	size_t before = bytes->length;
	bool is_end = false;
	enum err err = ERR_OK;

	while (err == ERR_OK && !is_end)
		err = read_some(descriptor, path, bytes, &is_end, fault);
	if (err != ERR_OK)
		bytes->length = before;
	return err;
}

enum err file_read(const char *path, struct bytes *ret_bytes, struct fault *fault)
{
	int descriptor CLEANUP(close_descriptor) = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (descriptor < 0)
		return failed(fault, "read", path);
	return read_all(descriptor, path, ret_bytes, fault);
}

static enum err check_private(const struct stat *status, const char *path, bool is_folder, struct fault *fault)
{
	if (is_folder ? !S_ISDIR(status->st_mode) : !S_ISREG(status->st_mode))
		return fault_set(fault, ERR_MODE, "%s is not a %s", path, is_folder ? "folder" : "regular file");
	if (status->st_uid != geteuid())
		return fault_set(fault, ERR_MODE, "%s belongs to user %u, not to user %u who runs this; chown it", path,
				 (unsigned)status->st_uid, (unsigned)geteuid());
	if ((status->st_mode & PRIVATE_BITS) != 0)
		return fault_set(fault, ERR_MODE, "%s has mode %04o: others may use it; chmod %s it", path,
				 (unsigned)(status->st_mode & 07777), is_folder ? "0700" : "0600");
	return ERR_OK;
}

enum err file_check_private(const char *path, bool is_folder, struct fault *fault)
{
	struct stat status;

	if (lstat(path, &status) != 0)
		return failed(fault, "check", path);
	return check_private(&status, path, is_folder, fault);
}

enum err file_read_private(const char *path, struct bytes *ret_bytes, struct fault *fault)
{
	/* nothing of a fifo or a device: the check below refuses them, but open must not wait */
	int descriptor CLEANUP(close_descriptor) =
		open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
	struct stat status;

	if (descriptor < 0 && errno == ELOOP)
		return fault_set(fault, ERR_MODE, "%s is a symbolic link, not a regular file", path);
	if (descriptor < 0)
		return failed(fault, "read", path);
	if (fstat(descriptor, &status) != 0)
		return failed(fault, "check", path);
	TRY(check_private(&status, path, false, fault));
	return read_all(descriptor, path, ret_bytes, fault);
}

static enum err write_all(int descriptor, const char *path, struct slice bytes, struct fault *fault)
{
	while (bytes.length > 0) {
		ssize_t written = write(descriptor, bytes.data, bytes.length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return failed(fault, "write", path);
		bytes = SLICE(bytes.data + written, bytes.length - (size_t)written);
	}
	return ERR_OK;
}

static enum err sync_folder_of(const char *path, struct fault *fault)
{
	char folder[PATH_SIZE];
	char *slash;
	int descriptor CLEANUP(close_descriptor) = -1;

	if (snprintf(folder, sizeof(folder), "%s", path) >= (int)sizeof(folder))
		return fault_set(fault, ERR_INPUT, "path is too long");
	/* "a/b/" is made in "a" */
	for (size_t end = strlen(folder); end > 1 && folder[end - 1] == '/'; end--)
		folder[end - 1] = '\0';
	slash = strrchr(folder, '/');
	if (slash == NULL)
		memcpy(folder, ".", 2);
	else
		slash[slash == folder ? 1 : 0] = '\0';
	descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (descriptor < 0 || fsync(descriptor) != 0)
		return failed(fault, "sync", folder);
	return ERR_OK;
}

/* The new file under its temporary name, on stable storage. */
static enum err write_temporary(char *path, struct slice bytes, unsigned mode, struct fault *fault)
{
	int descriptor CLEANUP(close_descriptor) = mkostemp(path, O_CLOEXEC);
	enum err err;

	if (descriptor < 0)
		return failed(fault, "make", path);
	err = write_all(descriptor, path, bytes, fault);
	if (err == ERR_OK && (fchmod(descriptor, mode) != 0 || fsync(descriptor) != 0))
		err = failed(fault, "write", path);
	if (err != ERR_OK)
		unlink(path);
	return err;
}

/* Gives the temporary file its name; link fails where rename would replace. */
static enum err put_in_place(const char *temporary, const char *path, bool may_replace, struct fault *fault)
{
	enum err err = ERR_OK;

	if (may_replace && rename(temporary, path) == 0)
		return sync_folder_of(path, fault);
	if (may_replace || link(temporary, path) != 0)
		err = failed(fault, "make", path);
	unlink(temporary);
	return err != ERR_OK ? err : sync_folder_of(path, fault);
}

static enum err write_whole(const char *path, struct slice bytes, unsigned mode, bool may_replace, struct fault *fault)
{
	char temporary[PATH_SIZE];

	if (snprintf(temporary, sizeof(temporary), "%s.new.XXXXXX", path) >= (int)sizeof(temporary))
		return fault_set(fault, ERR_INPUT, "path is too long");
	TRY(write_temporary(temporary, bytes, mode, fault));
	return put_in_place(temporary, path, may_replace, fault);
}

enum err file_write(const char *path, struct slice bytes, unsigned mode, struct fault *fault)
{
	return write_whole(path, bytes, mode, true, fault);
}

enum err file_create(const char *path, struct slice bytes, unsigned mode, struct fault *fault)
{
	return write_whole(path, bytes, mode, false, fault);
}

enum err folder_make(const char *path, unsigned mode, struct fault *fault)
{
	struct stat status;

	if (mkdir(path, mode) == 0) {
		/* mkdir's mode is cut by the umask */
		if (chmod(path, mode) != 0)
			return failed(fault, "make", path);
		return sync_folder_of(path, fault);
	}
	if (errno != EEXIST)
		return failed(fault, "make", path);
	if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode))
		return fault_set(fault, ERR_EXISTS, "%s is there already and is not a folder", path);
	return ERR_OK;
}

enum err file_lock(const char *path, int *ret_descriptor, struct fault *fault)
{
	int descriptor CLEANUP(close_descriptor) = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (descriptor < 0)
		return failed(fault, "lock", path);
	if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
		if (errno == EWOULDBLOCK)
			return fault_set(fault, ERR_IN_USE, "%s is held by another process", path);
		return failed(fault, "lock", path);
	}
	*ret_descriptor = descriptor;
	descriptor = -1;
	return ERR_OK;
}

void file_unlock(int *descriptor)
{
	/* closing the last descriptor of the open file gives the lock up */
	close_descriptor(descriptor);
}
