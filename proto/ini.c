#include "kluis/ini.h"

#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kluis/limits.h"

enum line_kind {
	LINE_EMPTY, /* comments too */
	LINE_SECTION,
	LINE_KEY,
	LINE_CONTINUED
};

/* One line, cut up by the strict rules before inih sees it. */
struct line {
	enum line_kind kind;
	bool is_comment;
	struct slice title; /* with LINE_SECTION */
	struct slice key;   /* with LINE_KEY */
};

/* Names seen so far, for the refusal of doubles. */
struct seen {
	const char **names;
	size_t count;
	size_t maximum;
};

struct reading {
	const char *name;
	const struct ini_key *keys;
	size_t key_count;
	void *target;
	struct arena *arena;
	struct fault *fault;
	enum err code; /* the first failure; everything after it is skipped */

	struct slice rest; /* lines not handed to inih yet */
	unsigned line_number;
	struct line line;

	struct seen sections;
	struct seen section_keys;
	const char *title; /* of the section that is open, or NULL */
	unsigned title_line;

	const char *key; /* whose value is being collected, or NULL */
	unsigned key_line;
	bool is_continuable;
	struct bytes value;
};

/* Notes the first failure; returns false so that inih's handler can end with it. */
static bool PRINTF_LIKE(4, 5) fail(struct reading *reading, enum err code, unsigned line, const char *format, ...)
{
	char text[480];
	va_list arguments;

	if (reading->code != ERR_OK)
		return false;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (code == ERR_MEMORY)
		reading->code = code;
	else
		reading->code = fault_set(reading->fault, code, "%s:%u: %s", reading->name, line, text);
	return false;
}

static bool is_blank(struct slice slice)
{
	for (size_t i = 0; i < slice.length; i++)
		if (slice.data[i] != ' ')
			return false;
	return true;
}

static struct slice trim(struct slice slice)
{
	while (slice.length > 0 && slice.data[0] == ' ')
		slice = slice_part(slice, 1, slice.length - 1);
	while (slice.length > 0 && slice.data[slice.length - 1] == ' ')
		slice.length--;
	return slice;
}

/* The part before " ;", where inih begins a comment. */
static struct slice without_comment(struct slice slice)
{
	for (size_t i = 1; i < slice.length; i++)
		if (slice.data[i] == ';' && slice.data[i - 1] == ' ')
			return slice_part(slice, 0, i);
	return slice;
}

static bool is_printable(struct slice slice, const char *except)
{
	for (size_t i = 0; i < slice.length; i++)
		if (slice.data[i] < 0x20 || slice.data[i] > 0x7e || strchr(except, slice.data[i]))
			return false;
	return true;
}

/* One or two words with one blank between. */
static bool is_title(struct slice title)
{
	size_t blanks = 0;

	for (size_t i = 0; i < title.length; i++)
		blanks += title.data[i] == ' ';
	return title.length > 0 && blanks <= 1 && title.data[0] != ' ' && title.data[title.length - 1] != ' ' &&
	       is_printable(title, "[];#=") && title.length <= 2 * NAME_MAX_;
}

/* Does the text have a byte in the line that no line may have? NULL or what it is. */
static const char *line_error(struct slice line)
{
	if (line.length > INI_LINE_MAX)
		return "line is longer than 180 bytes; continue it on a next line that starts with blanks";
	if (line.length > 0 && memchr(line.data, '\t', line.length))
		return "tab; use blanks";
	if (line.length > 0 && memchr(line.data, '\r', line.length))
		return "carriage return; end lines with a newline alone";
	if (!slice_is_text(line, false))
		return "control character, or not UTF-8";
	return NULL;
}

static const char *scan_section(struct slice line, struct line *ret_line)
{
	const uint8_t *end = memchr(line.data, ']', line.length);

	if (!end)
		return "'[' without ']'";
	struct slice title = slice_part(line, 1, (size_t)(end - line.data) - 1);
	struct slice after = slice_part(line, title.length + 2, line.length);
	if (!is_blank(without_comment(after)))
		return "text after ']'";
	if (!is_title(title))
		return "section's title must be one or two words with one blank between";
	*ret_line = (struct line){.kind = LINE_SECTION, .title = title};
	return NULL;
}

static const char *scan_key(struct slice line, struct line *ret_line)
{
	const uint8_t *equals = memchr(line.data, '=', line.length);

	if (!equals)
		return "neither a [section] nor 'key = value'";
	struct slice key = trim(slice_part(line, 0, (size_t)(equals - line.data)));
	/* inih also splits at ':', and ends a key at a comment: one text, one meaning */
	if (key.length == 0 || key.length > NAME_MAX_ || !is_printable(key, "[]:;#"))
		return "key must be 1 to 64 printable characters without [ ] : ; #";
	*ret_line = (struct line){.kind = LINE_KEY, .key = key};
	return NULL;
}

/* Says what a line is; NULL, or what is wrong with it. */
static const char *scan_line(struct slice line, struct line *ret_line)
{
	const char *error = line_error(line);
	struct slice text = trim(line);

	if (error)
		return error;
	*ret_line = (struct line){.kind = LINE_EMPTY};
	if (text.length == 0)
		return NULL;
	if (text.data[0] == ';' || text.data[0] == '#') {
		ret_line->is_comment = true;
		return NULL;
	}
	if (line.data[0] == ' ') {
		ret_line->kind = LINE_CONTINUED;
		return NULL;
	}
	return line.data[0] == '[' ? scan_section(line, ret_line) : scan_key(line, ret_line);
}

/* Cuts the next line off rest, without its newline. */
static struct slice next_line(struct slice *rest)
{
	const uint8_t *newline = rest->length ? memchr(rest->data, '\n', rest->length) : NULL;
	size_t length = newline ? (size_t)(newline - rest->data) : rest->length;
	struct slice line = slice_part(*rest, 0, length);

	*rest = slice_part(*rest, length + (newline != NULL), rest->length);
	return line;
}

/* Adds the name; false if it was there or there is no room. */
static bool add_seen(struct reading *reading, struct seen *seen, const char *name, unsigned line, const char *what)
{
	for (size_t i = 0; i < seen->count; i++)
		if (strcmp(seen->names[i], name) == 0)
			return fail(reading, ERR_INPUT, line, "%s '%s' is given twice", what, name);
	if (seen->count == seen->maximum)
		return fail(reading, ERR_INPUT, line, "more than %zu of one kind: %s", seen->maximum, what);
	seen->names[seen->count++] = name;
	return true;
}

static bool is_seen(const struct seen *seen, const char *name)
{
	for (size_t i = 0; i < seen->count; i++)
		if (strcmp(seen->names[i], name) == 0)
			return true;
	return false;
}

/* Does a row's section, "formula" or "grant *", cover this title? */
static bool section_matches(const char *section, const char *title)
{
	const char *star = strchr(section, '*');
	size_t prefix = star ? (size_t)(star - section) : 0;

	return star ? strncmp(section, title, prefix) == 0 && title[prefix] != '\0' : strcmp(section, title) == 0;
}

static const char *second_word(const char *title)
{
	const char *blank = strchr(title, ' ');

	return blank ? blank + 1 : "";
}

/* The row for a key; an exact one goes before "*". */
static const struct ini_key *find_row(const struct reading *reading, const char *key)
{
	const struct ini_key *any = NULL;

	for (size_t i = 0; i < reading->key_count; i++) {
		const struct ini_key *row = &reading->keys[i];
		if (!section_matches(row->section, reading->title))
			continue;
		if (strcmp(row->key, key) == 0)
			return row;
		if (strcmp(row->key, "*") == 0)
			any = row;
	}
	return any;
}

/* What may stand there, for the error about what may not. */
static bool fail_unknown_key(struct reading *reading, const char *key)
{
	char known[340] = "";

	for (size_t i = 0; i < reading->key_count; i++) {
		size_t used = strlen(known);
		if (section_matches(reading->keys[i].section, reading->title))
			snprintf(known + used, sizeof(known) - used, "%s%s", used ? ", " : "", reading->keys[i].key);
	}
	return fail(reading, ERR_INPUT, reading->line_number, "unknown key '%s' in [%s]; known are: %s", key,
		    reading->title, known);
}

/* Hands a collected value to its row's take. */
static bool end_key(struct reading *reading)
{
	const char *key = reading->key;
	struct fault inner = {.text = ""};

	if (!key)
		return true;
	reading->key = NULL;
	if (reading->value.length == 0)
		return fail(reading, ERR_INPUT, reading->key_line, "[%s] %s has no value; leave the line out",
			    reading->title, key);
	char *value = arena_text(reading->arena, bytes_slice(&reading->value));
	if (!value)
		return fail(reading, ERR_MEMORY, 0, " ");
	enum err code =
		find_row(reading, key)
			->take(reading->target, second_word(reading->title), key, value, reading->arena, &inner);
	if (code == ERR_OK)
		return true;
	return fail(reading, code, reading->key_line, "[%s] %s: %s", reading->title, key,
		    inner.text[0] ? inner.text : error_text(code));
}

static bool end_section(struct reading *reading)
{
	if (!end_key(reading))
		return false;
	for (size_t i = 0; reading->title && i < reading->key_count; i++) {
		const struct ini_key *row = &reading->keys[i];
		if (row->is_required && section_matches(row->section, reading->title) &&
		    !is_seen(&reading->section_keys, row->key))
			return fail(reading, ERR_INPUT, reading->title_line, "[%s] lacks the key '%s'", reading->title,
				    row->key);
	}
	return true;
}

static bool begin_section(struct reading *reading)
{
	char *title = arena_text(reading->arena, reading->line.title);
	bool is_known = false;

	if (!title)
		return fail(reading, ERR_MEMORY, 0, " ");
	for (size_t i = 0; i < reading->key_count; i++)
		is_known = is_known || section_matches(reading->keys[i].section, title);
	if (!is_known)
		return fail(reading, ERR_INPUT, reading->line_number, "unknown section [%s]", title);
	if (!add_seen(reading, &reading->sections, title, reading->line_number, "section"))
		return false;
	reading->title = title;
	reading->title_line = reading->line_number;
	reading->section_keys.count = 0;
	return true;
}

static bool begin_key(struct reading *reading)
{
	char *key = arena_text(reading->arena, reading->line.key);

	if (!key)
		return fail(reading, ERR_MEMORY, 0, " ");
	if (!reading->title)
		return fail(reading, ERR_INPUT, reading->line_number, "key '%s' before the first [section]", key);
	if (!find_row(reading, key))
		return fail_unknown_key(reading, key);
	if (!add_seen(reading, &reading->section_keys, key, reading->line_number, "key"))
		return false;
	reading->key = key;
	reading->key_line = reading->line_number;
	bytes_clear(&reading->value);
	return true;
}

/* Carries the state over to the line that was just scanned. */
static bool enter_line(struct reading *reading)
{
	const struct line *line = &reading->line;

	if (line->kind == LINE_EMPTY) {
		reading->is_continuable = reading->is_continuable && line->is_comment;
		return true;
	}
	if (line->kind == LINE_CONTINUED)
		return reading->is_continuable ||
		       fail(reading, ERR_INPUT, reading->line_number,
			    "indented line continues nothing; start keys and sections in the first column");
	if (line->kind == LINE_SECTION) {
		reading->is_continuable = false;
		return end_section(reading) && begin_section(reading);
	}
	reading->is_continuable = true;
	return end_key(reading) && begin_key(reading);
}

/* inih's reader: the next line that passes the strict rules, NULL at the end or the first failure. */
static char *feed(char *buffer, int size, void *context)
{
	struct reading *reading = context;

	if (reading->code != ERR_OK || reading->rest.length == 0)
		return NULL;
	struct slice line = next_line(&reading->rest);
	reading->line_number++;
	const char *error = scan_line(line, &reading->line);
	if (error)
		fail(reading, ERR_INPUT, reading->line_number, "%s", error);
	else
		enter_line(reading);
	if (reading->code != ERR_OK)
		return NULL;
	/* inih ends comments on the line of a key only */
	if (reading->line.kind == LINE_CONTINUED)
		line = without_comment(line);
	snprintf(buffer, (size_t)size, "%.*s", (int)line.length, line.length ? (const char *)line.data : "");
	return buffer;
}

/* inih's handler: a value, or one more line of it. */
static int collect(void *context, const char *section, const char *key, const char *value)
{
	struct reading *reading = context;
	enum err code = ERR_OK;

	/* inih cuts both at 49 bytes; ours come from the scan */
	(void)section;
	(void)key;
	if (reading->code != ERR_OK)
		return 0;
	if (reading->value.length > 0)
		code = bytes_append_u8(&reading->value, '\n');
	if (code == ERR_OK)
		code = bytes_append(&reading->value, slice_text(value));
	if (code != ERR_OK)
		fail(reading, code, reading->key_line, "[%s] %s: %s", reading->title, reading->key, error_text(code));
	return code == ERR_OK;
}

static enum err seen_init(struct seen *seen, size_t maximum, struct arena *arena)
{
	seen->names = arena_array(arena, maximum, sizeof(*seen->names));
	seen->maximum = maximum;
	return seen->names ? ERR_OK : ERR_MEMORY;
}

static void free_value(struct bytes **value)
{
	bytes_fini(*value);
}

/* A section of which a key is required must stand, unless its title is a pattern. */
static bool check_sections(struct reading *reading)
{
	for (size_t i = 0; i < reading->key_count; i++) {
		const struct ini_key *row = &reading->keys[i];
		if (row->is_required && !strchr(row->section, '*') && !is_seen(&reading->sections, row->section))
			return fail(reading, ERR_INPUT, reading->line_number, "section [%s] is missing", row->section);
	}
	return true;
}

enum err ini_read(struct slice text, const char *name, const struct ini_key *keys, size_t key_count, void *target,
		  struct arena *arena, struct fault *fault)
{
	struct reading reading = {.name = name,
				  .keys = keys,
				  .key_count = key_count,
				  .target = target,
				  .arena = arena,
				  .fault = fault,
				  .rest = text};
	struct bytes *value CLEANUP(free_value) = &reading.value;

	bytes_init(value, INI_VALUE_MAX);
	TRY(seen_init(&reading.sections, INI_SECTIONS_MAX, arena));
	TRY(seen_init(&reading.section_keys, INI_KEYS_MAX, arena));
	int line = ini_parse_stream(feed, &reading, collect, &reading);
	/* the scan lets nothing pass that inih refuses; should it, the text has two readings and is refused */
	if (line != 0)
		fail(&reading, ERR_INPUT, (unsigned)line, "not understood");
	if (reading.code == ERR_OK && end_section(&reading))
		check_sections(&reading);
	return reading.code;
}

/* The line of [section] key, of the section if it has no such key, or 0. */
static unsigned find_line(struct slice text, const char *section, const char *key)
{
	unsigned number = 0, found = 0;
	bool is_inside = false;

	while (text.length > 0) {
		struct line line;
		number++;
		if (scan_line(next_line(&text), &line))
			return found;
		if (line.kind == LINE_SECTION) {
			is_inside = slice_equal(line.title, slice_text(section));
			found = is_inside ? number : found;
		}
		if (line.kind == LINE_KEY && is_inside && key && slice_equal(line.key, slice_text(key)))
			return number;
	}
	return found;
}

enum err ini_fault(struct slice text, const char *name, const char *section, const char *key, struct fault *fault,
		   enum err code, const char *format, ...)
{
	char what[400];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	return fault_set(fault, code, "%s:%u: [%s]%s%s: %s", name, find_line(text, section, key), section,
			 key ? " " : "", key ? key : "", what);
}
