#include <stdio.h>
#include <string.h>

#include "command/commands.h"
#include "command/import.h"
#include "command/office.h"

static const struct {
	const char *name;
	enum import_kind kind;
} kinds[] = {
	{"customers", IMPORT_CUSTOMERS},
	{"receipts", IMPORT_RECEIPTS},
	{"stores", IMPORT_STORES},
};

static enum err kind_of(const char *name, enum import_kind *ret_kind, struct fault *fault)
{
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcmp(kinds[i].name, name) == 0) {
			*ret_kind = kinds[i].kind;
			return ERR_OK;
		}
	return fault_set(fault, ERR_USAGE, "'%.32s' is none of customers, receipts, stores", name);
}

enum err command_import(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct settings *settings = target;
	struct office office CLEANUP(office_close) = {.lane_lock = -1};
	struct arena arena CLEANUP(arena_fini) = {0};
	struct import_options options = {.file = arguments->items[1],
					 .mapping = settings->mapping,
					 .rejects = settings->rejects,
					 .is_json = settings->is_json,
					 .output = stdout,
					 .errors = stderr};

	arena_init(&arena, 8 * PAPER_MAX);
	struct charter *charter = arena_alloc(&arena, sizeof *charter);
	if (charter == NULL)
		return ERR_MEMORY;
	TRY(kind_of(arguments->items[0], &options.kind, fault));
	if (settings->mapping == NULL)
		return fault_set(fault, ERR_USAGE,
				 "say which column is what: --mapping FILE; kluis-broker(8) shows one");
	TRY(office_open(&office, settings->data, fault));
	TRY(office_charter(&office, &arena, charter, fault));
	options.charter = charter;
	options.resumed = &office.resumed;
	return import_run(&options, &office.session, fault);
}
