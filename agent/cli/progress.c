#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kluis/clock.h"
#include "kluis/table.h"

#define REDRAW_MS 100
#define BAR_WIDTH 30

void progress_begin(struct progress *progress, const char *what, uint64_t total)
{
	*progress = (struct progress){
		.what = what, .total = total, .began_ms = clock_steady_ms(), .is_shown = isatty(STDERR_FILENO) == 1};
}

static void draw(const struct progress *progress, uint64_t done, uint64_t now_ms)
{
	uint64_t elapsed_ms = now_ms - progress->began_ms + 1;
	uint64_t rate = done * 1000 / elapsed_ms;
	char bar[BAR_WIDTH + 1];

	if (progress->total == 0) {
		fprintf(stderr, "\r%" PRIu64 " %s, %" PRIu64 "/s\033[K", done, progress->what, rate);
		return;
	}
	uint64_t part = done < progress->total ? done : progress->total;
	size_t filled = (size_t)(part * BAR_WIDTH / progress->total);
	memset(bar, '.', BAR_WIDTH);
	memset(bar, '#', filled);
	bar[BAR_WIDTH] = '\0';
	uint64_t left_s = rate == 0 ? 0 : (progress->total - part) / rate;
	fprintf(stderr, "\r[%s] %" PRIu64 "/%" PRIu64 " %s, %" PRIu64 "/s, %" PRIu64 ":%02" PRIu64 " left\033[K", bar,
		done, progress->total, progress->what, rate, left_s / 60, left_s % 60);
}

void progress_show(struct progress *progress, uint64_t done)
{
	uint64_t now_ms = clock_steady_ms();

	if (!progress->is_shown || now_ms - progress->drawn_ms < REDRAW_MS)
		return;
	progress->drawn_ms = now_ms;
	draw(progress, done, now_ms);
	fflush(stderr);
}

void progress_end(struct progress *progress)
{
	if (progress->is_shown && progress->drawn_ms != 0)
		fputs("\r\033[K", stderr);
}
