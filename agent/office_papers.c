#include "office_papers.h"

#include <stdio.h>
#include <string.h>

#include "kluis/file.h"
#include "kluis/hash.h"
#include "papers_hint.h"

static enum err ask(struct agent *agent, Kluis__Operation *operation, struct arena *arena, Kluis__Data **ret_data,
		    struct fault *fault)
{
	struct agent_call call = {.operation = operation, .is_outside_agreement = true};
	struct session_answer answer;

	TRY(agent_send(agent, &call, arena, &answer, fault));
	TRY(agent_verdict(&answer, fault));
	if (answer.reply->n_data != 1)
		return fault_set(fault, ERR_MISMATCH, "the broker's answer lacks its data");
	*ret_data = answer.reply->data[0];
	return ERR_OK;
}

enum err office_get_paper(struct agent *agent, struct slice hash, struct arena *arena, struct slice *ret_note,
			  struct fault *fault)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__GetPaper get = KLUIS__GET_PAPER__INIT;
	Kluis__Data *data;

	get.hash = wire_data(hash);
	operation.kind_case = KLUIS__OPERATION__KIND_GET_PAPER;
	operation.get_paper = &get;
	TRY(ask(agent, &operation, arena, &data, fault));
	if (data->n_items != 1)
		return fault_set(fault, ERR_MISMATCH, "the broker gave no paper");
	*ret_note = wire_slice(data->items[0]);
	return ERR_OK;
}

/* Offered ones come after current ones. */
enum err office_find_row(struct agent *agent, enum agreement_state wanted, struct arena *arena,
			 Kluis__AgreementRow **ret_row, struct fault *fault)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Agreements agreements = KLUIS__AGREEMENTS__INIT;
	Kluis__Data *data;

	operation.kind_case = KLUIS__OPERATION__KIND_AGREEMENTS;
	operation.agreements = &agreements;
	TRY(ask(agent, &operation, arena, &data, fault));
	*ret_row = NULL;
	for (size_t i = 0; i < data->n_items; i++) {
		Kluis__AgreementRow *row;
		TRY(WIRE_DECODE(AgreementRow, agreement_row, wire_slice(data->items[i]), arena, &row));
		if (row->state == wanted || (wanted == AGREEMENT_NONE && row->state != AGREEMENT_DRAFTED))
			*ret_row = row;
	}
	if (*ret_row == NULL)
		return fault_set(fault, ERR_NOT_FOUND, "head office has offered no agreement to this store yet");
	return ERR_OK;
}

/* Opens the paper against the charter that it was drafted under, which may be an older one than that in force. */
static enum err open_offer(struct agent *agent, struct arena *arena, struct office_offer *offer, struct fault *fault)
{
	const struct public_key *controller = &agent->membership.controller;
	uint8_t hash[HASH_SIZE];

	TRY(office_get_paper(agent, wire_slice(offer->row->hash), arena, &offer->note, fault));
	bool is_named = papers_charter_hash(offer->note, hash);
	TRY(office_get_paper(agent, is_named ? SLICE_ARRAY(hash) : SLICE_EMPTY, arena, &offer->charter_note, fault));
	offer->charter = arena_alloc(arena, sizeof *offer->charter);
	offer->agreement = arena_alloc(arena, sizeof *offer->agreement);
	if (offer->charter == NULL || offer->agreement == NULL)
		return ERR_MEMORY;
	TRY(charter_open(offer->charter_note, controller, "charter", arena, offer->charter, fault));
	TRY(agreement_open(offer->note, offer->charter, controller, NULL, "agreement", arena, offer->agreement, fault));
	if (!slice_equal(SLICE_ARRAY(offer->agreement->hash), wire_slice(offer->row->hash)))
		return fault_set(fault, ERR_MISMATCH, "the broker gave another agreement than it named");
	struct principal self;
	TRY(principal_parse(slice_text(agent->membership.principal), &self));
	if (offer->agreement->store != self.store)
		return fault_set(fault, ERR_PAPER, "the agreement is for store %u, not for this one",
				 offer->agreement->store);
	return ERR_OK;
}

enum err office_find_offer(struct agent *agent, struct arena *arena, struct office_offer *ret_offer,
			   struct fault *fault)
{
	TRY(office_find_row(agent, AGREEMENT_OFFERED, arena, &ret_offer->row, fault));
	return open_offer(agent, arena, ret_offer, fault);
}

/* ---- signing ---- */

static enum err send_accept(struct agent *agent, const struct office_offer *offer, struct slice text,
			    struct arena *arena, uint8_t ret_signature[static SIGNATURE_SIZE], struct fault *fault)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Accept accept = KLUIS__ACCEPT__INIT;
	struct agent_call call = {.operation = &operation, .is_outside_agreement = true};
	struct session_answer answer;
	struct fault refusal = {""};

	TRY(note_make_signature(text, &agent->key, ret_signature));
	accept.agreement = wire_data(SLICE_ARRAY(offer->agreement->hash));
	accept.signature = wire_data(SLICE(ret_signature, SIGNATURE_SIZE));
	operation.kind_case = KLUIS__OPERATION__KIND_ACCEPT;
	operation.accept = &accept;
	TRY(agent_send(agent, &call, arena, &answer, fault));
	enum err err = agent_verdict(&answer, &refusal);
	return err == ERR_OK
		       ? ERR_OK
		       : fault_set(fault, err, "%s%s", refusal.text,
				   err == ERR_STATE ? "; while an agreement runs, the next one must name it under "
						      "'supersedes' and have begun"
						    : "");
}

/* Charter first: an agreement here always has the charter that it needs beside it. */
static enum err keep_papers(struct agent *agent, struct slice charter, struct slice agreement, struct fault *fault)
{
	char path[HOME_PATH_MAX];

	TRY(home_path(agent->folder, "charter.note", path, fault));
	TRY(file_write(path, charter, 0600, fault));
	TRY(home_path(agent->folder, "agreement.note", path, fault));
	return file_write(path, agreement, 0600, fault);
}

/* A crash in between: they are fetched with both signatures. */
enum err office_recover(struct agent *agent, struct arena *arena, struct fault *fault)
{
	struct office_offer offer = {0};

	TRY(office_find_row(agent, AGREEMENT_ACTIVE, arena, &offer.row, fault));
	TRY(open_offer(agent, arena, &offer, fault));
	return keep_papers(agent, offer.charter_note, offer.note, fault);
}

/* The text of a note, without its signatures. */
static enum err text_of(struct slice source, struct arena *arena, struct slice *ret_text, struct fault *fault)
{
	struct note *note = arena_alloc(arena, sizeof *note); /* too large for a frame */

	if (note == NULL)
		return ERR_MEMORY;
	TRY(note_parse(source, arena, note, fault));
	*ret_text = note->text;
	return ERR_OK;
}

enum err office_sign(struct agent *agent, const struct office_offer *offer, struct arena *arena, struct fault *fault)
{
	struct bytes note CLEANUP(bytes_fini) = {0};
	uint8_t signature[SIGNATURE_SIZE];
	struct slice text;

	bytes_init(&note, PAPER_MAX);
	TRY(text_of(offer->note, arena, &text, fault));
	TRY(send_accept(agent, offer, text, arena, signature, fault));
	TRY(bytes_append(&note, offer->note));
	TRY(note_append_signature(&note, &agent->key.public, signature));
	return keep_papers(agent, offer->charter_note, bytes_slice(&note), fault);
}
