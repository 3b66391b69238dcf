/* Rejected rows go out after the commit that counts them as dealt with. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/import_rejects.h"
#include "kluis/file.h"

#define TEXT_MAX (256 * 1024 * 1024)
#define HEADING "line,reason\n"

static int compare_lines(const void *a, const void *b)
{
	uint64_t line_a = *(const uint64_t *)a, line_b = *(const uint64_t *)b;

	return (line_a > line_b) - (line_a < line_b);
}

/* The numbers that the file's lines begin with. */
static enum err read_earlier(struct import_rejects *rejects, struct fault *fault)
{
	struct bytes text CLEANUP(bytes_fini) = {0};
	struct reader reader;

	bytes_init(&text, TEXT_MAX);
	TRY(file_read(rejects->path, &text, fault));
	reader = reader_of(bytes_slice(&text));
	for (struct slice line = reader_line(&reader); !reader.is_short; line = reader_line(&reader)) {
		uint64_t number = 0;

		for (size_t i = 0; i < line.length && line.data[i] >= '0' && line.data[i] <= '9'; i++)
			number = number * 10 + (uint64_t)(line.data[i] - '0');
		TRY(bytes_append(&rejects->earlier, SLICE(&number, sizeof(number))));
	}
	if (rejects->earlier.length > 0)
		qsort(rejects->earlier.data, rejects->earlier.length / sizeof(uint64_t), sizeof(uint64_t),
		      compare_lines);
	return ERR_OK;
}

/* Nothing yet, or what an import wrote: never the file that is imported, a key or whatever else a slip names. */
static bool is_list(int descriptor, off_t size)
{
	char text[sizeof(HEADING) - 1];

	return size == 0 || (pread(descriptor, text, sizeof(text), 0) == (ssize_t)sizeof(text) &&
			     slice_equal(SLICE_ARRAY(text), slice_text(HEADING)));
}

static enum err check_file(const char *path, int descriptor, off_t *ret_size, struct fault *fault)
{
	struct stat status;

	if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode) || (status.st_mode & 077) != 0)
		return fault_set(fault, ERR_MODE, "%s: is there and others may read it; remove it, or chmod 600", path);
	if (!is_list(descriptor, status.st_size))
		return fault_set(fault, ERR_EXISTS,
				 "%s: is there and not a list of rejected rows; give another file, or remove it", path);
	*ret_size = status.st_size;
	return ERR_OK;
}

enum err import_rejects_open(struct import_rejects *ret_rejects, const char *path, bool is_more, FILE *stream,
			     struct fault *fault)
{
	struct import_rejects rejects = {.path = path, .descriptor = -1, .stream = stream};
	off_t size = 0;

	bytes_init(&rejects.text, TEXT_MAX);
	bytes_init(&rejects.earlier, TEXT_MAX);
	if (path) {
		int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (is_more ? O_APPEND : 0);

		rejects.descriptor = open(path, flags, 0600);
		if (rejects.descriptor < 0)
			return fault_set(fault, file_error(errno), "%s: cannot be opened for rejected rows", path);
		enum err err = check_file(path, rejects.descriptor, &size, fault);
		if (err == ERR_OK && !is_more && ftruncate(rejects.descriptor, 0) != 0)
			err = fault_set(fault, ERR_IO, "%s: cannot be emptied", path);
		if (err != ERR_OK) {
			(void)close(rejects.descriptor);
			return err;
		}
	}
	*ret_rejects = rejects;
	if (path && (!is_more || size == 0))
		return bytes_append(&ret_rejects->text, slice_text(HEADING));
	return path ? read_earlier(ret_rejects, fault) : ERR_OK;
}

void import_rejects_close(struct import_rejects *rejects)
{
	if (rejects->descriptor >= 0) {
		/* rows that wait here are of a batch whose failure is told already */
		(void)close(rejects->descriptor);
		rejects->descriptor = -1;
	}
	bytes_fini(&rejects->text);
	bytes_fini(&rejects->earlier);
}

void import_rejects_forget(struct import_rejects *rejects)
{
	bytes_fini(&rejects->earlier);
}

/* Killed at any instant, an import may have listed rows that the next one meets again. */
static bool is_listed(const struct import_rejects *rejects, uint64_t line)
{
	size_t count = rejects->earlier.length / sizeof(uint64_t);

	return count > 0 && bsearch(&line, rejects->earlier.data, count, sizeof(line), compare_lines) != NULL;
}

/* A reason as a CSV cell: quoted, since field names and hints in it hold commas. */
static enum err append_row(struct bytes *text, uint64_t line, const char *reason)
{
	TRY(bytes_printf(text, "%" PRIu64 ",\"", line));
	for (const char *at = reason; *at; at++) {
		if (*at == '"')
			TRY(bytes_append_u8(text, '"'));
		TRY(bytes_append_u8(text, (uint8_t)*at));
	}
	return bytes_append(text, slice_text("\"\n"));
}

enum err import_rejects_add(struct import_rejects *rejects, const uint64_t *lines, uint64_t count, const char *reason)
{
	for (uint64_t i = 0; i < count; i++) {
		if (rejects->path && !is_listed(rejects, lines[i]))
			TRY(append_row(&rejects->text, lines[i], reason));
		if (!rejects->path && rejects->stream && rejects->count < REJECTS_SHOWN)
			fprintf(rejects->stream, "rejected: line %" PRIu64 ": %s\n", lines[i], reason);
		if (!rejects->path && rejects->stream && rejects->count == REJECTS_SHOWN)
			fputs("rejected: more rows; --rejects FILE keeps all\n", rejects->stream);
		rejects->count++;
	}
	return ERR_OK;
}

enum err import_rejects_flush(struct import_rejects *rejects, struct fault *fault)
{
	size_t done = 0;

	while (rejects->descriptor >= 0 && done < rejects->text.length) {
		ssize_t count = write(rejects->descriptor, rejects->text.data + done, rejects->text.length - done);

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return fault_set(fault, file_error(errno), "%s: rejected rows cannot be written",
					 rejects->path);
		done += (size_t)count;
	}
	bytes_clear(&rejects->text);
	return ERR_OK;
}
