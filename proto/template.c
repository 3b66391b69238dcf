/* Agreements for many stores from one template. */
#include <string.h>

#include "kluis/agreement.h"
#include "kluis/ini.h"

#define LINE_SIZE (INI_LINE_MAX + 1)

struct filling {
	const char *name;
	const char *(*value)(void *context, const char *key);
	void *context;
	struct fault *fault;
	unsigned line_number;
	char line[LINE_SIZE]; /* as it is filled */
	size_t length;
};

static enum err add(struct filling *filling, struct slice text)
{
	if (text.length > INI_LINE_MAX - filling->length)
		return fault_set(filling->fault, ERR_INPUT, "%s:%u: line is longer than %d bytes when it is filled",
				 filling->name, filling->line_number, INI_LINE_MAX);
	if (text.length > 0)
		memcpy(filling->line + filling->length, text.data, text.length);
	filling->length += text.length;
	return ERR_OK;
}

static struct slice trim(struct slice slice)
{
	while (slice.length > 0 && slice.data[0] == ' ')
		slice = slice_part(slice, 1, slice.length - 1);
	while (slice.length > 0 && slice.data[slice.length - 1] == ' ')
		slice.length--;
	return slice;
}

/* What stands for the key. The value can add words to its line, but no line, comment, section or placeholder. */
static enum err add_value(struct filling *filling, const char *key)
{
	const char *text = filling->value(filling->context, key);

	if (!text)
		return fault_set(filling->fault, ERR_INPUT, "%s:%u: unknown placeholder ${%s}", filling->name,
				 filling->line_number, key);
	struct slice value = trim(slice_text(text));
	if (!slice_is_text(value, false))
		return fault_set(filling->fault, ERR_INPUT,
				 "%s:%u: value of ${%s} has control characters or is not UTF-8", filling->name,
				 filling->line_number, key);
	if (value.length > 0 && (memchr(value.data, ';', value.length) || value.data[0] == '#' || value.data[0] == '['))
		return fault_set(filling->fault, ERR_INPUT,
				 "%s:%u: value of ${%s} has a ';', or begins with '#' or '['", filling->name,
				 filling->line_number, key);
	/* ini has no empty value */
	return add(filling, value.length > 0 ? value : slice_text("-"));
}

/* Takes "${key}" from the front of the text; leaves what follows it. */
static enum err fill_placeholder(struct filling *filling, struct slice *text)
{
	char key[NAME_MAX_ + 1] = "";
	const uint8_t *end = memchr(text->data, '}', text->length);
	size_t length = end ? (size_t)(end - text->data) : 0;

	if (length < 3 || length - 2 > NAME_MAX_)
		return fault_set(filling->fault, ERR_INPUT, "%s:%u: '${' without a name of 1 to %d bytes and '}'",
				 filling->name, filling->line_number, NAME_MAX_);
	memcpy(key, text->data + 2, length - 2);
	if (!ini_is_name(key))
		return fault_set(filling->fault, ERR_INPUT, "%s:%u: a placeholder's name is [a-z][a-z0-9_-]*",
				 filling->name, filling->line_number);
	*text = slice_part(*text, length + 1, text->length);
	return add_value(filling, key);
}

static enum err fill_line(struct filling *filling, struct slice line)
{
	filling->length = 0;
	while (line.length > 0) {
		if (line.length > 1 && line.data[0] == '$' && line.data[1] == '{') {
			TRY(fill_placeholder(filling, &line));
			continue;
		}
		TRY(add(filling, slice_part(line, 0, 1)));
		line = slice_part(line, 1, line.length);
	}
	return ERR_OK;
}

enum err agreement_fill(struct slice template_text, const char *name,
			const char *(*value)(void *context, const char *key), void *context, struct bytes *ret_text,
			struct fault *fault)
{
	struct filling filling = {.name = name, .value = value, .context = context, .fault = fault};

	while (template_text.length > 0) {
		const uint8_t *newline = memchr(template_text.data, '\n', template_text.length);
		size_t length = newline ? (size_t)(newline - template_text.data) : template_text.length;
		filling.line_number++;
		TRY(fill_line(&filling, slice_part(template_text, 0, length)));
		TRY(bytes_append(ret_text, SLICE(filling.line, filling.length)));
		TRY(bytes_append_u8(ret_text, '\n'));
		template_text = slice_part(template_text, length + (newline != NULL), template_text.length);
	}
	return ERR_OK;
}
