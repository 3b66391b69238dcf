#include "command/counter.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "forward.h"
#include "kluis/bytes.h"
#include "kluis/file.h"
#include "kluis/hash.h"
#include "kluis/limits.h"
#include "staff.h"

#define WORDS_MAX (64 * 1024)

_Static_assert(COUNTER_PIN_SIZE >= STAFF_PIN_MAX + 4, "a PIN, one more, and a line's end");

/* ---- the PIN ---- */

static enum err take_pin(const char *line, char *ret_pin, struct fault *fault)
{
	size_t length = strcspn(line, "\r\n");

	if (length == 0 || length > STAFF_PIN_MAX)
		return fault_set(fault, ERR_USAGE, "a PIN has %d to %d characters", STAFF_PIN_MIN, STAFF_PIN_MAX);
	memcpy(ret_pin, line, length);
	ret_pin[length] = '\0';
	return ERR_OK;
}

static enum err read_pin_file(const char *path, char *ret_pin, struct fault *fault)
{
	struct bytes text CLEANUP(bytes_fini) = {0};

	bytes_init_secret(&text, 4096);
	TRY(file_read_private(path, &text, fault));
	TRY(bytes_append_u8(&text, '\0'));
	return take_pin((const char *)text.data, ret_pin, fault);
}

/* Without echo, and without signals, which would leave the terminal mute. */
static enum err type_pin(FILE *terminal, const char *handle, char *ret_pin, struct fault *fault)
{
	struct termios shown, hidden;
	char line[COUNTER_PIN_SIZE] = "";

	if (tcgetattr(fileno(terminal), &shown) != 0)
		return fault_set(fault, ERR_IO, "the terminal cannot be told not to show what is typed");
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	if (tcsetattr(fileno(terminal), TCSAFLUSH, &hidden) != 0)
		return fault_set(fault, ERR_IO, "the terminal cannot be told not to show what is typed");
	fprintf(stderr, "PIN of %.64s: ", handle);
	fflush(stderr);
	bool has_line = fgets(line, sizeof line, terminal) != NULL;
	tcsetattr(fileno(terminal), TCSAFLUSH, &shown);
	fputc('\n', stderr);
	enum err err = has_line ? take_pin(line, ret_pin, fault) : fault_set(fault, ERR_USAGE, "no PIN was typed");
	wipe(line, sizeof line);
	return err;
}

/* Of the terminal itself: standard input has the values. */
static enum err ask_pin(const char *handle, char *ret_pin, struct fault *fault)
{
	FILE *terminal = fopen("/dev/tty", "r");

	if (terminal == NULL)
		return fault_set(fault, ERR_USAGE, "there is no terminal to type the PIN at: give --pin-file FILE");
	setvbuf(terminal, NULL, _IONBF, 0); /* stdio would keep a copy */
	enum err err = type_pin(terminal, handle, ret_pin, fault);
	fclose(terminal);
	return err;
}

enum err counter_open(struct counter *counter, const struct agent_options *settings, struct fault *fault)
{
	if (settings->employee == NULL)
		return fault_set(fault, ERR_USAGE, "say --employee HANDLE");
	if (!forward_is_running(settings->data))
		return fault_set(fault, ERR_STATE, "the daemon is not running; start it with 'kluis-agent run'");
	counter->folder = settings->data;
	counter->handle = settings->employee;
	return settings->pin_file != NULL ? read_pin_file(settings->pin_file, counter->pin, fault)
					  : ask_pin(settings->employee, counter->pin, fault);
}

void counter_close(struct counter *counter)
{
	wipe(counter->pin, sizeof counter->pin);
}

/* ---- calls ---- */

enum err counter_call(const struct counter *counter, const char *path, json_t *body, json_t **ret_answer,
		      struct fault *fault)
{
	struct forward_employee employee = {.handle = counter->handle, .pin = counter->pin};

	if (body == NULL)
		return fault_set(fault, ERR_INPUT, "what was given is not UTF-8");
	return forward_as(counter->folder, employee, path, body, ret_answer, fault);
}

enum err counter_hand_in(const struct counter *counter, const char *path, json_t *body, const char *done,
			 struct fault *fault)
{
	json_t *answer = NULL;

	TRY(counter_call(counter, path, body, &answer, fault));
	const char *id = json_string_value(json_object_get(answer, "id"));
	if (id != NULL)
		printf("%s\n", id);
	printf("%s; number %" PRId64 " in the outbox\n", done,
	       (int64_t)json_integer_value(json_object_get(answer, "outbox")));
	json_decref(answer);
	return ERR_OK;
}

/* ---- standard input ---- */

static void prompt(const char *what)
{
	if (!isatty(STDIN_FILENO))
		return;
	fprintf(stderr, "%s: ", what);
	fflush(stderr);
}

enum err counter_read_line(const char *what, struct arena *arena, char **ret_line, struct fault *fault)
{
	char line[VALUE_MAX + 2];
	enum err err = command_read_line(what, line, sizeof line, fault);

	*ret_line = err == ERR_OK ? arena_text(arena, slice_text(line)) : NULL;
	wipe(line, sizeof line);
	TRY(err);
	if (*ret_line == NULL)
		return ERR_MEMORY;
	return (*ret_line)[0] != '\0' ? ERR_OK : fault_set(fault, ERR_USAGE, "the %s is empty", what);
}

enum err counter_read_words(const char *what, struct arena *arena, char **ret_words, struct fault *fault)
{
	char *words = arena_alloc(arena, WORDS_MAX);

	if (words == NULL)
		return ERR_MEMORY;
	prompt(what);
	size_t length = fread(words, 1, WORDS_MAX, stdin);
	if (length == WORDS_MAX)
		return fault_set(fault, ERR_TOO_LARGE, "standard input: more than %d bytes", WORDS_MAX - 1);
	if (memchr(words, '\0', length) != NULL)
		return fault_set(fault, ERR_INPUT, "standard input: not text");
	while (length > 0 && (words[length - 1] == '\n' || words[length - 1] == '\r'))
		length--;
	words[length] = '\0';
	*ret_words = words;
	return length > 0 ? ERR_OK : fault_set(fault, ERR_USAGE, "give the %s on standard input", what);
}

/* The line is cut at its first '='. Quotes nothing: it may be a value that stands in the wrong place. */
static enum err add_value(json_t *values, char *line, unsigned number, struct fault *fault)
{
	char *equals = strchr(line, '=');

	if (equals == NULL || equals == line)
		return fault_set(fault, ERR_INPUT, "standard input:%u: not FIELD=VALUE", number);
	*equals = '\0';
	json_t *item = json_pack("{s:s, s:s}", "field", line, "value", equals + 1);
	if (item == NULL)
		return fault_set(fault, ERR_INPUT, "standard input:%u: not UTF-8", number);
	return json_array_append_new(values, item) == 0 ? ERR_OK : ERR_MEMORY;
}

enum err counter_read_values(struct arena *arena, json_t **ret_values, struct fault *fault)
{
	json_t *values = json_array();
	char *words = NULL, *rest = NULL;
	unsigned number = 0;
	enum err err = values == NULL ? ERR_MEMORY
				      : counter_read_words("values, a line FIELD=VALUE each", arena, &words, fault);

	rest = words;
	while (err == ERR_OK && rest != NULL) {
		char *line = strsep(&rest, "\n");
		line[strcspn(line, "\r")] = '\0';
		number++;
		if (line[0] != '\0')
			err = add_value(values, line, number, fault);
	}
	if (err == ERR_OK)
		*ret_values = values;
	else
		json_decref(values);
	return err;
}
