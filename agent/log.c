#include "kluis/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#include "kluis/clock.h"

#define LINE_MAX_ 1024

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

bool log_admit(struct log_topic *topic, uint64_t now_ms, unsigned *ret_dropped)
{
	bool is_new_window = topic->lines == 0 || now_ms - topic->window_began_ms >= LOG_WINDOW_MS;
	if (is_new_window) {
		topic->window_began_ms = now_ms;
		topic->lines = 0;
	}
	if (topic->lines >= LOG_BURST) {
		topic->dropped++;
		return false;
	}
	topic->lines++;
	*ret_dropped = topic->dropped;
	topic->dropped = 0;
	return true;
}

/* A line must stay one line, whatever a peer put into an address or a text. */
static void make_printable(char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
	}
}

void log_event(struct log_topic *topic, const char *format, ...)
{
	char line[LINE_MAX_];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	make_printable(line);

	unsigned dropped = 0;
	pthread_mutex_lock(&mutex);
	if (log_admit(topic, clock_steady_ms(), &dropped)) {
		if (dropped == 0)
			fprintf(stderr, "%s: %s\n", topic->name, line);
		else
			fprintf(stderr, "%s: %s (and %u before it)\n", topic->name, line, dropped);
	}
	pthread_mutex_unlock(&mutex);
}
