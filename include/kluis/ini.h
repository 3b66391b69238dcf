/*
 * The strict reader of every ini text in the project: charters, agreements,
 * invitations, configuration, mapping files (FORMAT.md R15-R18). The grammar is inih's;
 * what inih lets pass is refused before it gets there.
 *
 *     [section]            a section may stand once, also "[grant <name>]" by its full title
 *     key = value          ; a comment after white space
 *         continued        joined to the value by one newline
 *
 * A line that starts with ';' or '#', also after white space, is a comment. A continued line follows its key with no
 * empty line between.
 *
 * Refused, with the line's number: a line over 180 bytes, a tab or carriage return or any other
 * control character, text that is not UTF-8, an unknown section or key, a section or a key given twice, a
 * key before the first section, a key without a value, a line that is none of these.
 *
 * Threads: any; nothing is shared.
 */
#ifndef KLUIS_INI_H
#define KLUIS_INI_H

#include "kluis/arena.h"

/* One row of a caller's table of what may stand in a text. */
struct ini_key {
	const char *section; /* "formula", or "grant *" for titles of two words: the second is handed on */
	const char *key;     /* or "*": any key (a list of names, say) */
	bool is_required; /* in each section that stands; a section of which a key is required must itself stand, unless
			     it has "*" */
	/* Takes the value into *target; section_name is the second word of the title or "". What it
	 * points to lives in the arena. fault: say what is wrong, the reader adds where. */
	enum err (*take)(void *target, const char *section_name, const char *key, char *value, struct arena *arena,
			 struct fault *fault);
};

/* Reads text by the table. A failure of take or of the grammar gives ERR_INPUT (or take's
 * code) and a fault "<name>:<line>: ...". name says which text it is, for the fault. */
enum err ini_read(struct slice text, const char *name, const struct ini_key *keys, size_t key_count, void *target,
		  struct arena *arena, struct fault *fault) MUST_USE;

/* What is found wrong only after the whole was read: sets "<name>:<line>: [section] key: <format...>", where line is
 * that of the key, of the section if key is NULL or not there, else 0. text must have passed ini_read. Returns code. */
enum err ini_fault(struct slice text, const char *name, const char *section, const char *key, struct fault *fault,
		   enum err code, const char *format, ...) PRINTF_LIKE(7, 8);

/* Helpers for take functions. ERR_INPUT with a fault that quotes the value. */
enum err ini_u64(const char *value, uint64_t minimum, uint64_t maximum, uint64_t *ret_number,
		 struct fault *fault) MUST_USE;
enum err ini_bool(const char *value, bool *ret_bool, struct fault *fault) MUST_USE; /* yes, no */
/* "72h", "30d", "15m", "10s" in seconds. */
enum err ini_duration(const char *value, uint64_t *ret_seconds, struct fault *fault) MUST_USE;
/* Splits a list by commas, trimmed; empty items are refused. Items live in the arena. */
enum err ini_list(const char *value, size_t maximum, struct arena *arena, char ***ret_items, size_t *ret_count,
		  struct fault *fault) MUST_USE;
/* Writing: key with a value of several lines, each ended by a newline: the first behind the key, the others continue
 * it. ERR_INPUT for a line without its end. */
enum err ini_print_lines(const char *key, const char *lines, struct bytes *ret_text) MUST_USE;
/* True for 1 to NAME_MAX_ bytes of [a-z0-9_-], starting with a letter. */
bool ini_is_name(const char *text);

#endif
