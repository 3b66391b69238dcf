/*
 * kluis-broker agreement sign, show, suspend, resume, terminate.
 */
#include <stdio.h>
#include <string.h>

#include "command/commands.h"
#include "command/office.h"
#include "kluis/agreement.h"
#include "kluis/clock.h"
#include "kluis/hash.h"

/* Rows of one store's agreements, decoded into the arena. */
static enum err rows_of(struct office *office, uint32_t store, struct arena *arena, Kluis__AgreementRow *ret_rows[2],
			size_t *ret_count, struct fault *fault)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Agreements agreements = KLUIS__AGREEMENTS__INIT;
	Kluis__Data *data;

	agreements.has_store = 1;
	agreements.store = store;
	operation.kind_case = KLUIS__OPERATION__KIND_AGREEMENTS;
	operation.agreements = &agreements;
	TRY(office_call(office, &operation, SLICE_EMPTY, &data, fault));
	*ret_count = data->n_items < 2 ? data->n_items : 2;
	for (size_t i = 0; i < *ret_count; i++)
		TRY(WIRE_DECODE(AgreementRow, agreement_row, wire_slice(data->items[i]), arena, &ret_rows[i]));
	return ERR_OK;
}

static enum err get_paper(struct office *office, struct slice hash, struct slice *ret_paper, struct fault *fault)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__GetPaper get = KLUIS__GET_PAPER__INIT;
	Kluis__Data *data;

	get.hash = wire_data(hash);
	operation.kind_case = KLUIS__OPERATION__KIND_GET_PAPER;
	operation.get_paper = &get;
	TRY(office_call(office, &operation, SLICE_EMPTY, &data, fault));
	if (data->n_items != 1)
		return fault_set(fault, ERR_MISMATCH, "the broker gave no paper");
	*ret_paper = wire_slice(data->items[0]);
	return ERR_OK;
}

/* ---- sign ---- */

/* A draft is a bare text, or, drafted anew after it had been signed, the note of then. */
static enum err text_of(struct slice paper, struct slice hash, struct arena *arena, struct slice *ret_text,
			struct fault *fault)
{
	uint8_t actual[HASH_SIZE];
	struct note *note = arena_alloc(arena, sizeof *note);

	if (note == NULL)
		return ERR_MEMORY;
	note->text = paper;
	sha256(paper, actual);
	if (!slice_equal(SLICE_ARRAY(actual), hash)) {
		TRY(note_parse(paper, arena, note, fault));
		sha256(note->text, actual);
	}
	if (!slice_equal(SLICE_ARRAY(actual), hash))
		return fault_set(fault, ERR_MISMATCH, "the broker gave another text than the one that was drafted");
	*ret_text = note->text;
	return ERR_OK;
}

static enum err sign_draft(struct office *office, const Kluis__AgreementRow *row, struct arena *arena,
			   struct fault *fault)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Offer offer = KLUIS__OFFER__INIT;
	uint8_t signature[SIGNATURE_SIZE];
	struct slice paper, text;

	TRY(get_paper(office, wire_slice(row->hash), &paper, fault));
	TRY(text_of(paper, wire_slice(row->hash), arena, &text, fault));
	TRY(note_make_signature(text, &office->controller, signature));
	offer.hash = row->hash;
	offer.signature = wire_data(SLICE_ARRAY(signature));
	operation.kind_case = KLUIS__OPERATION__KIND_OFFER;
	operation.offer = &offer;
	return office_call(office, &operation, SLICE_EMPTY, NULL, fault);
}

static enum err sign_store(struct office *office, uint32_t store, size_t *signed_count, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	Kluis__AgreementRow *rows[2];
	size_t count;

	arena_init(&arena, 64 * 1024);
	TRY(rows_of(office, store, &arena, rows, &count, fault));
	for (size_t i = 0; i < count; i++)
		if (rows[i]->state == AGREEMENT_DRAFTED) {
			TRY(sign_draft(office, rows[i], &arena, fault));
			(*signed_count)++;
		}
	return ERR_OK;
}

/* Numbers of all stores; they live in the arena. */
static enum err all_stores(struct office *office, struct arena *arena, uint32_t **ret_stores, size_t *ret_count,
			   struct fault *fault)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Census census = KLUIS__CENSUS__INIT;
	Kluis__CensusRow *row;
	Kluis__Data *data;

	operation.kind_case = KLUIS__OPERATION__KIND_CENSUS;
	operation.census = &census;
	TRY(office_call(office, &operation, SLICE_EMPTY, &data, fault));
	uint32_t *stores = arena_array(arena, data->n_items + 1, sizeof *stores);
	if (stores == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < data->n_items; i++) {
		TRY(WIRE_DECODE(CensusRow, census_row, wire_slice(data->items[i]), arena, &row));
		stores[i] = row->store;
	}
	*ret_stores = stores;
	*ret_count = data->n_items;
	return ERR_OK;
}

enum err command_sign(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct settings *settings = target;
	struct office office CLEANUP(office_close) = {.lane_lock = -1};
	struct arena arena CLEANUP(arena_fini) = {0};
	uint32_t one = (uint32_t)settings->store, *stores = &one;
	size_t count = 1, signed_count = 0;

	(void)arguments;
	arena_init(&arena, 16 * 1024 * 1024);
	if (settings->is_all == settings->has_store)
		return fault_set(fault, ERR_USAGE, "say --store NUMBER or --all");
	TRY(office_open(&office, settings->data, fault));
	if (settings->is_all)
		TRY(all_stores(&office, &arena, &stores, &count, fault));
	for (size_t i = 0; i < count; i++)
		TRY(sign_store(&office, stores[i], &signed_count, fault));
	if (signed_count == 0 && settings->has_store)
		return fault_set(fault, ERR_NOT_FOUND,
				 "store %u has no draft to sign; 'kluis-broker agreement draft' makes one", one);
	if (signed_count == 0) {
		printf("no store has a draft to sign\n");
		return ERR_OK;
	}
	printf("%zu agreement%s signed and offered; the store signs with 'kluis-agent agreement sign'\n", signed_count,
	       signed_count == 1 ? "" : "s");
	return ERR_OK;
}

/* ---- show ---- */

enum err command_show(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct settings *settings = target;
	struct office office CLEANUP(office_close) = {.lane_lock = -1};
	struct arena arena CLEANUP(arena_fini) = {0};
	Kluis__AgreementRow *rows[2];
	struct fault refusal = {""};
	struct slice paper;
	size_t count;
	uint64_t store;
	char changed[25];

	arena_init(&arena, 64 * 1024);
	TRY(command_number("STORE", arguments->items[0], 0, STORES_MAX - 1, &store, fault));
	TRY(office_open(&office, settings->data, fault));
	enum err err = rows_of(&office, (uint32_t)store, &arena, rows, &count, &refusal);
	if (err != ERR_OK)
		return fault_set(fault, err, "store %llu: %s", (unsigned long long)store, refusal.text);
	if (count == 0)
		return fault_set(fault, ERR_NOT_FOUND, "store %llu has no agreement", (unsigned long long)store);
	for (size_t i = 0; i < count; i++) {
		TRY(get_paper(&office, wire_slice(rows[i]->hash), &paper, fault));
		time_print(rows[i]->changed_ms, changed);
		printf("; store %llu, %s since %s\n", (unsigned long long)store,
		       agreement_state_name((enum agreement_state)rows[i]->state), changed);
		fwrite(paper.data, 1, paper.length, stdout);
	}
	return ERR_OK;
}

/* ---- suspend, resume, terminate ---- */

static enum err change_standing(const struct settings *settings, const char *number, uint32_t action, const char *done,
				struct fault *fault)
{
	struct office office CLEANUP(office_close) = {.lane_lock = -1};
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Standing standing = KLUIS__STANDING__INIT;
	char reason[VALUE_MAX + 1] = "";
	struct fault refusal = {""};
	uint64_t store;

	TRY(command_number("STORE", number, 0, STORES_MAX - 1, &store, fault));
	if (settings->reason != NULL && snprintf(reason, sizeof reason, "%s", settings->reason) > VALUE_MAX)
		return fault_set(fault, ERR_USAGE, "--reason: longer than %d bytes", VALUE_MAX);
	standing.store = (uint32_t)store;
	standing.action = action;
	standing.reason = settings->reason != NULL ? reason : NULL;
	operation.kind_case = KLUIS__OPERATION__KIND_STANDING;
	operation.standing = &standing;
	TRY(office_open(&office, settings->data, fault));
	enum err err = office_call(&office, &operation, SLICE_EMPTY, NULL, &refusal);
	if (err != ERR_OK)
		return fault_set(fault, err, "store %llu: %s%s", (unsigned long long)store, refusal.text,
				 err == ERR_STATE ? "; 'kluis-broker agreement list' shows it" : "");
	printf("store %llu is %s\n", (unsigned long long)store, done);
	return ERR_OK;
}

enum err command_suspend(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	return change_standing(target, arguments->items[0], 1, "suspended: nothing more is disclosed to it", fault);
}

enum err command_resume(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	return change_standing(target, arguments->items[0], 2, "active again", fault);
}

enum err command_terminate(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	return change_standing(target, arguments->items[0], 3, "without agreement from now on", fault);
}
