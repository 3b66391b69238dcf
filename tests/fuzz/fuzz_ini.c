/*
 * Ini texts. One text has one meaning: what was read, written again with every value on lines of its own, is read as
 * the same.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kluis/ini.h"
#include "kluis/limits.h"

#define ARENA_MAX (1 << 22)

struct record {
	struct bytes text; /* the same text in one form */
	bool is_writable;  /* no line of a value looks like a comment when it is alone on its line */
	char section[2 * NAME_MAX_ + 2];
};

static bool looks_like_comment(const char *value)
{
	for (const char *line = value; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (*line == ';' || *line == '#')
			return true;
	}
	return false;
}

static enum err take(void *target, const char *section_name, const char *key, char *value, struct arena *arena,
		     struct fault *fault)
{
	struct record *record = target;

	(void)arena;
	if (strcmp(value, "refuse") == 0)
		return fault_set(fault, ERR_PAPER, "refused");
	assert(strlen(key) <= NAME_MAX_ && value[0] != '\0' && !strpbrk(value, "\t\r"));
	assert(slice_is_text(slice_text(value), true));
	record->is_writable = record->is_writable && !looks_like_comment(value);
	if (strcmp(record->section, section_name) != 0 || record->text.length == 0)
		TRY(bytes_printf(&record->text, section_name[0] ? "[grant %s]\n" : "[plain%s]\n", section_name));
	snprintf(record->section, sizeof(record->section), "%s", section_name);
	TRY(bytes_printf(&record->text, "%s =\n ", key));
	for (const char *at = value; *at; at++)
		TRY(*at == '\n' ? bytes_printf(&record->text, "\n ") : bytes_append(&record->text, SLICE(at, 1)));
	return bytes_append_u8(&record->text, '\n');
}

static void free_record(struct record *record)
{
	bytes_fini(&record->text);
}

static enum err read_record(struct slice text, struct record *record)
{
	static const struct ini_key keys[] = {{"plain", "*", false, take}, {"grant *", "*", false, take}};
	struct arena arena CLEANUP(arena_fini);
	struct fault fault = {.text = ""};

	arena_init(&arena, ARENA_MAX);
	bytes_init(&record->text, ARENA_MAX);
	record->is_writable = true;
	record->section[0] = '\0';
	enum err code = ini_read(text, "x", keys, 2, record, &arena, &fault);
	assert(code == ERR_OK || code == ERR_MEMORY || strncmp(fault.text, "x:", 2) == 0);
	return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record first CLEANUP(free_record);
	struct record second CLEANUP(free_record);

	second.text = (struct bytes){.data = NULL};
	if (read_record(SLICE(data, size), &first) != ERR_OK || !first.is_writable)
		return 0;
	if (read_record(bytes_slice(&first.text), &second) != ERR_OK ||
	    !slice_equal(bytes_slice(&first.text), bytes_slice(&second.text)))
		abort();
	return 0;
}
