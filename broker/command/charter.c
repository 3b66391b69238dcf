#include <stdio.h>
#include <string.h>

#include "command/commands.h"
#include "command/office.h"
#include "kluis/file.h"
#include "kluis/hash.h"

static enum err get_charter(struct office *office, struct slice *ret_note, struct fault *fault)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__GetPaper get = KLUIS__GET_PAPER__INIT;
	Kluis__Data *data;

	operation.kind_case = KLUIS__OPERATION__KIND_GET_PAPER;
	operation.get_paper = &get;
	TRY(office_call(office, &operation, SLICE_EMPTY, &data, fault));
	if (data->n_items != 1)
		return fault_set(fault, ERR_MISMATCH, "the broker gave no charter");
	*ret_note = wire_slice(data->items[0]);
	return ERR_OK;
}

enum err office_charter(struct office *office, struct arena *arena, struct charter *ret_charter, struct fault *fault)
{
	struct slice note;

	TRY(get_charter(office, &note, fault));
	uint8_t *copy = arena_copy(arena, note); /* the note goes with the next call */
	if (copy == NULL)
		return ERR_MEMORY;
	return charter_open(SLICE(copy, note.length), &office->controller.public, "charter", arena, ret_charter, fault);
}

enum err command_charter_show(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct settings *settings = target;
	struct office office CLEANUP(office_close) = {.lane_lock = -1};
	struct slice note;

	(void)arguments;
	TRY(office_open(&office, settings->data, fault));
	TRY(get_charter(&office, &note, fault));
	fwrite(note.data, 1, note.length, stdout);
	return ERR_OK;
}

static enum err sign_and_send(struct office *office, struct slice text, struct fault *fault)
{
	struct bytes note CLEANUP(bytes_fini) = {0};
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Charter charter = KLUIS__CHARTER__INIT;
	const struct secret_key *keys[] = {&office->controller};
	uint8_t hash[HASH_SIZE];

	bytes_init(&note, PAPER_MAX);
	TRY(note_sign(text, keys, 1, &note));
	sha256(text, hash);
	charter.hash = wire_data(SLICE_ARRAY(hash));
	operation.kind_case = KLUIS__OPERATION__KIND_CHARTER;
	operation.charter = &charter;
	return office_call(office, &operation, bytes_slice(&note), NULL, fault);
}

/* Only the broker knows which fields records hold: if it was that, the fields that go are named here. */
static enum err explain(enum err err, const char *file, const struct charter *current, const struct charter *next,
			const struct fault *refusal, struct fault *fault)
{
	if (err == ERR_PAPER)
		err = charter_may_follow(current, next, UINT64_MAX, fault);
	if (err == ERR_OK)
		err = ERR_PAPER;
	(void)fault_set(fault, err, "%s", refusal->text);
	fault_prefix(fault, file);
	return err;
}

/* A new version of the charter, checked here first so that the fault can say where. */
enum err command_charter(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct settings *settings = target;
	struct office office CLEANUP(office_close) = {.lane_lock = -1};
	struct bytes text CLEANUP(bytes_fini) = {0};
	struct arena arena CLEANUP(arena_fini) = {0};
	struct fault refusal = {""};

	bytes_init(&text, PAPER_MAX / 2);
	arena_init(&arena, 8 * PAPER_MAX);
	struct charter *current = arena_alloc(&arena, sizeof *current), *next = arena_alloc(&arena, sizeof *next);
	if (current == NULL || next == NULL)
		return ERR_MEMORY;
	TRY(file_read(arguments->items[0], &text, fault));
	TRY(charter_parse(bytes_slice(&text), arguments->items[0], &arena, next, fault));
	TRY(office_open(&office, settings->data, fault));
	TRY(office_charter(&office, &arena, current, fault));
	enum err err = charter_may_follow(current, next, 0, fault);
	if (err == ERR_OK)
		err = sign_and_send(&office, bytes_slice(&text), &refusal);
	if (err != ERR_OK)
		return explain(err, arguments->items[0], current, next, &refusal, fault);
	printf("charter version %s is in force\n", next->version);
	return ERR_OK;
}
