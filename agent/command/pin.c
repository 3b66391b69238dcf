/*
 * kluis-agent staff pin: sets an employee's PIN, typed twice at a terminal that does not show it, or as one line of
 * standard input. Never an option: those stand in the shell's history and in ps.
 */
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "command/options.h"
#include "forward.h"
#include "home.h"
#include "kluis/hash.h"
#include "staff.h"

/* One more than may be, so that a longer line is seen to be longer; with \r\n. */
#define LINE_SIZE (STAFF_PIN_MAX + 4)

/* Without echo; a key that would interrupt is a control character then, which no PIN has, so the terminal is not left
 * mute. */
static enum err ask(const char *what, char ret_line[static LINE_SIZE], struct fault *fault)
{
	struct termios shown, hidden;

	if (tcgetattr(STDIN_FILENO, &shown) != 0)
		return fault_set(fault, ERR_IO, "the terminal cannot be told not to show what is typed");
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) != 0)
		return fault_set(fault, ERR_IO, "the terminal cannot be told not to show what is typed");
	/* only now: what is typed before it is dropped, unseen or not */
	enum err err = command_read_line(what, ret_line, LINE_SIZE, fault);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
	fputc('\n', stderr);
	return err;
}

static enum err read_pin(const char *handle, char ret_pin[static LINE_SIZE], struct fault *fault)
{
	char again[LINE_SIZE], what[NAME_MAX_ + 32];

	/* stdio would keep a copy of what it reads ahead */
	setvbuf(stdin, NULL, _IONBF, 0);
	if (!isatty(STDIN_FILENO))
		return command_read_line("PIN", ret_pin, LINE_SIZE, fault);
	snprintf(what, sizeof what, "PIN of %.64s", handle);
	TRY(ask(what, ret_pin, fault));
	TRY(ask("once more", again, fault));
	bool is_same = strcmp(ret_pin, again) == 0;
	wipe(again, sizeof again);
	return is_same ? ERR_OK : fault_set(fault, ERR_VALUE, "these are two different PINs; nothing was changed");
}

static enum err set_pin(const struct agent *agent, const char *handle, const char *pin, struct fault *fault)
{
	enum err err = staff_set_pin(&agent->replica, handle, slice_text(pin));

	if (err == ERR_VALUE)
		return fault_set(fault, err, "a PIN has %d to %d characters, not all the same", STAFF_PIN_MIN,
				 STAFF_PIN_MAX);
	if (err == ERR_NOT_FOUND)
		return fault_set(fault, err, "'%.64s' is not on the roster; 'kluis-agent staff list' shows it", handle);
	return err;
}

/* The daemon says what is wrong with it; over loopback, to who proves with the folder's token. */
static enum err pin_running(const char *folder, const char *handle, struct fault *fault)
{
	char pin[LINE_SIZE] = "";
	enum err err = read_pin(handle, pin, fault);

	if (err == ERR_OK)
		err = forward_call(folder, "staff/pin", json_pack("{s:s, s:s}", "handle", handle, "pin", pin), NULL,
				   fault);
	wipe(pin, sizeof pin);
	return err;
}

enum err agent_command_staff_pin(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct agent_options *settings = target;
	const char *handle = arguments->items[0];
	struct agent agent CLEANUP(agent_close) = {.lock = -1};
	struct staff_standing standing;
	char pin[LINE_SIZE] = "";

	if (forward_is_running(settings->data))
		return pin_running(settings->data, handle, fault);
	TRY(agent_open(&agent, settings->data, fault));
	enum err err = staff_standing(&agent.replica, handle, &standing);
	if (err == ERR_NOT_FOUND) /* before anybody types a PIN */
		return fault_set(fault, err, "'%.64s' is not on the roster; 'kluis-agent staff list' shows it", handle);
	TRY(err);
	err = read_pin(handle, pin, fault);
	if (err == ERR_OK)
		err = set_pin(&agent, handle, pin, fault);
	wipe(pin, sizeof pin);
	return err;
}
