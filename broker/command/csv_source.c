/* Bytes of a CSV file through zlib, which reads plain files as they are. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "command/csv_reader.h"
#include "kluis/file.h"

#define READ_BUFFER (128 * 1024)

static enum err gz_fault(gzFile file, struct fault *fault)
{
	int code = Z_OK;

	(void)gzerror(file, &code);
	if (code == Z_MEM_ERROR)
		return ERR_MEMORY;
	if (code == Z_ERRNO)
		return fault_set(fault, ERR_IO, "cannot be read");
	return fault_set(fault, ERR_INPUT, "the gzip file is %s",
			 code == Z_BUF_ERROR ? "cut off: it ends in the middle of its data" : "damaged");
}

static enum err gz_read_some(void *context, uint8_t *place, size_t count, size_t *ret_count, struct fault *fault)
{
	gzFile file = context;
	unsigned most = count > READ_BUFFER ? READ_BUFFER : (unsigned)count;
	int got = gzread(file, place, most);
	int code = Z_OK;

	if (got < 0)
		return gz_fault(file, fault);
	/* a file that ends in the middle of its compressed data reads as a shorter one */
	(void)gzerror(file, &code);
	if (got == 0 && code != Z_OK && code != Z_STREAM_END)
		return gz_fault(file, fault);
	*ret_count = (size_t)got;
	return ERR_OK;
}

static enum err gz_rewind(void *context, struct fault *fault)
{
	if (gzrewind((gzFile)context) != 0)
		return fault_set(fault, ERR_IO,
				 "cannot be read a second time; if it is a pipe, save it as a file first");
	return ERR_OK;
}

static void gz_close(void *context)
{
	(void)gzclose_r((gzFile)context);
}

enum err csv_source_open(const char *path, struct csv_source *ret_source, struct fault *fault)
{
	int descriptor = open(path, O_RDONLY | O_CLOEXEC);
	gzFile file;

	if (descriptor < 0)
		return fault_set(fault, file_error(errno), "%s: %s", path,
				 errno == ENOENT ? "there is no such file" : "cannot be opened for reading");
	file = gzdopen(descriptor, "rb");
	if (!file) {
		(void)close(descriptor);
		return ERR_MEMORY;
	}
	(void)gzbuffer(file, READ_BUFFER);
	*ret_source =
		(struct csv_source){.context = file, .read = gz_read_some, .rewind = gz_rewind, .close = gz_close};
	return ERR_OK;
}

static enum err memory_read(void *context, uint8_t *place, size_t count, size_t *ret_count, struct fault *fault)
{
	struct csv_memory *memory = context;
	struct slice part = slice_part(memory->whole, memory->at, count);

	(void)fault;
	if (part.length > 0)
		memcpy(place, part.data, part.length);
	memory->at += part.length;
	*ret_count = part.length;
	return ERR_OK;
}

static enum err memory_rewind(void *context, struct fault *fault)
{
	(void)fault;
	((struct csv_memory *)context)->at = 0;
	return ERR_OK;
}

static void memory_close(void *context)
{
	(void)context;
}

struct csv_source csv_source_memory(struct csv_memory *memory)
{
	return (struct csv_source){
		.context = memory, .read = memory_read, .rewind = memory_rewind, .close = memory_close};
}
