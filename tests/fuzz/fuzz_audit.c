/*
 * A broker that lies in one entry of a log that is true else: replaying it may find whatever it finds, but stands, and
 * finds nothing where nothing was changed.
 *
 * Input: u16 entry, then for each change u16 place in its bytes and u8 what to put there.
 */
#include <stdlib.h>
#include <string.h>

#include "audit_log.h"
#include "recompute.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mirror mirror;

static void tear_down(void)
{
	mirror_close(&mirror);
	audit_log_free(&story);
}

static void set_up(void)
{
	struct fault fault = {""};

	atexit(tear_down);
	story = audit_log_story(false);
	audit_log_mirror(story);
	if (mirror_open(story->mirror, &mirror, &fault) != ERR_OK)
		abort();
}

static void ignore(void *context, const char *text)
{
	(void)context;
	(void)text;
}

static void replay_entry(struct state *state, uint64_t index, const struct entry *entry)
{
	struct step step = {.index = index, .time_ms = entry->decoded->time_ms, .entry = entry};

	if (entry->principal.kind == PRINCIPAL_STORE)
		step.store = state_store(state, entry->principal.store);
	if (principals_take(&state->principals, index, entry, state->findings) != ERR_OK)
		abort();
	for (step.number = 0; step.number < entry->decoded->n_results; step.number++) {
		step.operation = entry->request->operations[step.number];
		step.result = entry->decoded->results[step.number];
		step.row = operation_row(step.operation->kind_case);
		recompute(state, &step);
		if (state_apply(state, &step) != ERR_OK)
			abort();
	}
}

/* The log with this one entry in the place of its own. */
static uint64_t replay(size_t index, struct slice changed)
{
	struct arena facts CLEANUP(arena_fini);
	struct arena arena CLEANUP(arena_fini);
	struct findings findings = {.report = ignore};
	struct state state;
	struct entry entry;

	arena_init(&facts, (size_t)64 * 1024 * 1024);
	arena_init(&arena, (size_t)64 * 1024 * 1024);
	state_init(&state, &mirror, &story->controller, &findings, &facts);
	for (size_t i = 0; i < story->count; i++) {
		struct slice bytes = i == index ? changed : story->entries[i];

		if (entry_open(bytes, &arena, &entry, NULL) == ERR_OK)
			replay_entry(&state, i, &entry);
	}
	state_fini(&state);
	return findings.count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader reader = reader_of(SLICE(data, size));
	static uint8_t bytes[ENTRY_MAX];
	size_t index, length;

	if (story == NULL)
		set_up();
	index = reader_u16(&reader) % story->count;
	length = story->entries[index].length;
	memcpy(bytes, story->entries[index].data, length);
	while (reader.rest.length >= 3) {
		uint16_t place = reader_u16(&reader);

		bytes[place % length] = reader_u8(&reader);
	}
	uint64_t found = replay(index, SLICE(bytes, length));
	if (found > 0 && slice_equal(SLICE(bytes, length), story->entries[index]))
		abort();
	return 0;
}
