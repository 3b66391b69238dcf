#include "finding.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "mirror.h"

#define WHERE_MAX 200
#define WHAT_MAX 800

static void report(struct findings *findings, const char *where, const char *what)
{
	char text[WHERE_MAX + WHAT_MAX + 3];

	snprintf(text, sizeof text, "%s: %s", where, what);
	findings->count++;
	findings->report(findings->context, text);
}

void finding_add(struct findings *findings, const char *where, const char *format, ...)
{
	char what[WHAT_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof what, format, arguments);
	va_end(arguments);
	report(findings, where, what);
}

void finding_add_entry(struct findings *findings, uint64_t index, const char *format, ...)
{
	uint64_t size = findings->size > index ? findings->size : UINT64_MAX;
	struct tile bundle = mirror_bundle(size, index / TILE_WIDTH);
	char what[WHAT_MAX], where[WHERE_MAX], path[TILE_PATH_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof what, format, arguments);
	va_end(arguments);
	tile_path(&bundle, path);
	snprintf(where, sizeof where, "entry %" PRIu64 " (%s)", index, path);
	report(findings, where, what);
}

enum err finding_status(const struct findings *findings, struct fault *fault)
{
	if (findings->count == 0)
		return ERR_OK;
	return fault_set(fault, ERR_FINDING, "%" PRIu64 " finding%s", findings->count, findings->count == 1 ? "" : "s");
}
