/*
 * A till in a hundred lines: signs an employee in, shows who a card belongs to, rings up what they bought.
 *
 *     cc till.c -lkluis-till ... -o till        ./till 7411 anna service card
 *
 * The PIN is read without showing it, cards are read as lines: what a scanner types.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "kluis/till.h"

static const char *purpose, *field;

/* One line without its newline; 0 at the end of input. */
static int read_line(const char *prompt, char *line, int size)
{
	printf("%s: ", prompt);
	fflush(stdout);
	if (fgets(line, size, stdin) == NULL)
		return 0;
	line[strcspn(line, "\r\n")] = '\0';
	return 1;
}

static int read_secret(const char *prompt, char *line, int size)
{
	struct termios shown, hidden;
	int is_terminal = tcgetattr(STDIN_FILENO, &shown) == 0;

	if (is_terminal) {
		hidden = shown;
		hidden.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	}
	int got = read_line(prompt, line, size);
	if (is_terminal)
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
	printf("\n");
	return got;
}

static int sign_in(struct kluis_till *till, const char *name)
{
	char pin[80];

	if (!read_secret("PIN", pin, sizeof pin))
		return KLUIS_TILL_INPUT;
	int code = kluis_till_sign_in(till, name, pin);
	explicit_bzero(pin, sizeof pin);
	return code;
}

static void show(const struct kluis_till_member *member)
{
	for (size_t i = 0; i < member->count; i++)
		printf("  %-16s %s\n", member->values[i].field, member->values[i].value);
}

/* One line of one unit: a till has a catalogue, this example has not. */
static int ring_up(struct kluis_till *till, const char *member)
{
	char amount[32], day[16];
	time_t now = time(NULL);
	uint64_t number;

	if (!read_line("amount (empty: none)", amount, sizeof amount) || amount[0] == '\0')
		return KLUIS_TILL_OK;
	strftime(day, sizeof day, "%Y-%m-%d", localtime(&now));
	struct kluis_till_line line = {.product = "example", .units = "1", .amount = amount};
	int code = kluis_till_receipt(till, purpose, NULL, member, NULL, NULL, day, &line, 1, &number);
	if (code == KLUIS_TILL_OK)
		printf("  taken, number %llu in the agent's outbox\n", (unsigned long long)number);
	return code;
}

static int serve_one(struct kluis_till *till, const char *value)
{
	const struct kluis_till_member *member;
	char id[33];
	int code = kluis_till_lookup(till, purpose, field, value, &member);

	if (code != KLUIS_TILL_OK)
		return code;
	show(member);
	memcpy(id, member->id, sizeof id); /* the next call ends the member */
	return ring_up(till, id);
}

/* 0: not one. */
static unsigned parse_port(const char *text)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);

	return *end == '\0' && port <= 65535 ? (unsigned)port : 0;
}

int main(int argc, char **argv)
{
	unsigned port = 0;
	char value[256];

	if (argc != 5 || (port = parse_port(argv[1])) == 0) {
		fprintf(stderr, "usage: till PORT NAME PURPOSE FIELD\n");
		return 2;
	}
	purpose = argv[3];
	field = argv[4];
	struct kluis_till *till = kluis_till_open("127.0.0.1", port);
	if (till == NULL)
		return 1;
	int code = sign_in(till, argv[2]);
	if (code != KLUIS_TILL_OK)
		fprintf(stderr, "%s\n", kluis_till_error(till));
	while (code == KLUIS_TILL_OK && read_line(field, value, sizeof value))
		if (serve_one(till, value) != KLUIS_TILL_OK)
			fprintf(stderr, "%s\n", kluis_till_error(till));
	kluis_till_close(&till);
	return code;
}
