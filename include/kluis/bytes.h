/*
 * The two things that carry bytes. A slice looks at bytes that somebody else
 * owns and never frees them; a struct bytes owns, and has its maximum from the
 * start, so nothing from outside can make it grow past its bound.
 *
 * Threads: an object belongs to one thread at a time.
 */
#ifndef KLUIS_BYTES_H
#define KLUIS_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kluis/error.h"

struct slice {
	const uint8_t *data; /* may be NULL if length is 0 */
	size_t length;
};

#define SLICE(pointer, count) ((struct slice){.data = (const uint8_t *)(pointer), .length = (count)})
#define SLICE_EMPTY SLICE(NULL, 0)
/* A whole array as a slice; not for pointers. */
#define SLICE_ARRAY(array) SLICE((array), sizeof(array))

/* The text's bytes without its terminating zero. text must outlive the slice. */
struct slice slice_text(const char *text);

/* Same length and bytes. Not in constant time: not for secrets (use
 * sodium_memcmp in the files that may). */
bool slice_equal(struct slice a, struct slice b);

/* Order of memcmp, a shorter prefix first: <0, 0, >0. */
int slice_compare(struct slice a, struct slice b);

/* The bytes at [from, from+count), cut to what is there. */
struct slice slice_part(struct slice slice, size_t from, size_t count);

/* True if the slice is UTF-8 without control characters (newline allowed if
 * newline_allowed), the rule for every text in papers and values. Overlong
 * forms, surrogates and code points over U+10FFFF are not UTF-8. */
bool slice_is_text(struct slice slice, bool newline_allowed);

struct bytes {
	uint8_t *data;
	size_t length;
	size_t capacity;
	size_t maximum; /* no append goes past it */
	bool is_secret; /* wiped before memory is given back */
};

/* An empty buffer that may grow to maximum bytes; allocates nothing yet. */
void bytes_init(struct bytes *bytes, size_t maximum);
/* The same for secrets: wiped on growth and at the end. */
void bytes_init_secret(struct bytes *bytes, size_t maximum);
/* Gives the memory back; the buffer is then as after bytes_init. Usable with CLEANUP. */
void bytes_fini(struct bytes *bytes);
/* Length 0, memory kept. */
void bytes_clear(struct bytes *bytes);

/* Append. ERR_TOO_LARGE past the maximum, ERR_MEMORY; on failure the buffer
 * is unchanged. */
enum err bytes_append(struct bytes *bytes, struct slice slice) MUST_USE;
enum err bytes_append_u8(struct bytes *bytes, uint8_t value) MUST_USE;
enum err bytes_append_u16(struct bytes *bytes, uint16_t value) MUST_USE; /* big-endian */
enum err bytes_append_u32(struct bytes *bytes, uint32_t value) MUST_USE; /* big-endian */
enum err bytes_append_u64(struct bytes *bytes, uint64_t value) MUST_USE; /* big-endian */
/* Formatted text without a terminating zero. */
enum err bytes_printf(struct bytes *bytes, const char *format, ...) MUST_USE PRINTF_LIKE(2, 3);
/* Makes room for count more bytes and gives their place; the caller writes
 * them and then adds to length. */
enum err bytes_reserve(struct bytes *bytes, size_t count, uint8_t **ret_place) MUST_USE;

/* What the buffer holds now; valid until the next append or fini. */
struct slice bytes_slice(const struct bytes *bytes);

/* Big-endian numbers at a place of enough bytes. */
void put_u16(uint8_t *place, uint16_t value);
void put_u32(uint8_t *place, uint32_t value);
void put_u64(uint8_t *place, uint64_t value);
uint16_t get_u16(const uint8_t *place);
uint32_t get_u32(const uint8_t *place);
uint64_t get_u64(const uint8_t *place);

/*
 * A cursor that reads a slice from its front. It has a sticky end: after the
 * first read past the end is_short is true, every later read gives zeros or an
 * empty slice, and one check at the end suffices.
 */
struct reader {
	struct slice rest;
	bool is_short;
};

struct reader reader_of(struct slice slice);
uint8_t reader_u8(struct reader *reader);
uint16_t reader_u16(struct reader *reader);
uint32_t reader_u32(struct reader *reader);
uint64_t reader_u64(struct reader *reader);
struct slice reader_take(struct reader *reader, size_t count);
/* Next line without its newline; the last line needs a newline too, else is_short. */
struct slice reader_line(struct reader *reader);

#endif
