/*
 * The whole pipeline behind the signature: the input is an envelope whose operations, values and papers are anybody's,
 * signed here as a store or head office would sign it, so that it gets as far as handlers and log. Whatever it says,
 * the core answers; an answer with an entry is one that the sender's check accepts; a refusal discloses nothing.
 *
 *     input = u8 sender (bit 0: head office) || Envelope
 */
#include <stdlib.h>
#include <string.h>

#include "franchise.h"
#include "kluis/hash.h"

#define RUNS_PER_FRANCHISE 300 /* then a fresh one: what an input left behind is bounded */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct franchise *formula;
static struct party *store;
static unsigned runs;

static void begin_anew(void)
{
	franchise_free(&formula);
	formula = franchise_new(NULL);
	store = franchise_store(formula, 12, GRANT_SERVICE);
	franchise_visitor(formula, store, "1=4711|2=Testa Invented|3=010-5550001");
	runs = 0;
}

static bool is_joining(const Kluis__Request *request)
{
	for (size_t i = 0; i < request->n_operations; i++)
		if (request->operations[i]->kind_case == KLUIS__OPERATION__KIND_JOIN)
			return true;
	return false;
}

/* Commitments open what the input has for parts, as an honest sender's would. */
static void commit_to_parts(const Kluis__Request *request, const Kluis__Personal *personal)
{
	size_t part = 0;

	for (size_t i = 0; i < request->n_operations; i++) {
		struct slice place = operation_commitment(request->operations[i]);
		if (place.length != HASH_SIZE || personal == NULL || part == personal->n_parts)
			continue;
		const Kluis__Part *opened = personal->parts[part++];
		if (opened->salt.len == SALT_SIZE)
			commitment_make(opened->salt.data, wire_slice(opened->content),
					(uint8_t *)(uintptr_t)place.data);
	}
}

static enum err sign(Kluis__Envelope *envelope, Kluis__Request *request, struct party *party, struct bytes *message)
{
	Kluis__Acknowledgement acknowledgement = KLUIS__ACKNOWLEDGEMENT__INIT;
	struct slice papers[4];
	size_t paper_count = envelope->n_papers < 4 ? envelope->n_papers : 4;

	for (size_t i = 0; i < paper_count; i++)
		papers[i] = wire_slice(envelope->papers[i]);
	request->principal = party->key.public.name;
	request->lane = party->lane;
	request->sequence = party->sequence + 1;
	acknowledgement.index = party->index;
	acknowledgement.leaf = wire_data(SLICE_ARRAY(party->leaf.bytes));
	request->acknowledgement = party->has_acknowledgement ? &acknowledgement : NULL;
	if (party->has_agreement && request->has_agreement)
		request->agreement = wire_data(SLICE_ARRAY(party->agreement));
	if (party->has_employee && request->has_employee)
		request->employee = wire_data(SLICE_ARRAY(party->employee));
	commit_to_parts(request, envelope->personal);
	return envelope_sign(request, envelope->personal, papers, paper_count, &party->key, message);
}

static void check_refusals(const Kluis__Entry *entry)
{
	for (size_t i = 0; i < entry->n_results; i++)
		if (entry->results[i]->code != ERR_OK && entry->results[i]->n_disclosures > 0)
			abort();
}

static void check_reply(struct slice message, struct slice answer, struct party *party)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct envelope sent;
	struct entry entry;
	Kluis__Reply *reply;

	arena_init(&arena, 4 * REQUEST_ARENA_MAX);
	if (WIRE_DECODE(Reply, reply, answer, &arena, &reply) != ERR_OK)
		abort();
	if (!reply->has_entry)
		return;
	if (envelope_open(message, &arena, &sent, NULL) != ERR_OK ||
	    reply_check(reply, sent.request, sent.signature, &arena, &entry, NULL) != ERR_OK)
		abort();
	check_refusals(entry.decoded);
	party->sequence++;
	party->has_acknowledgement = true;
	party->index = reply->index;
	party->leaf = entry.leaf;
}

static void ask(struct slice message, struct party *party)
{
	struct prepared *prepared;

	if (core_prepare(formula->core, message, formula->now_ms, &prepared) != ERR_OK)
		abort();
	if (prepared_needs_commit(prepared) && core_commit(formula->core, &prepared, 1, formula->now_ms) != ERR_OK)
		abort();
	check_reply(message, core_reply(prepared), party);
	prepared_free(&prepared);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct bytes message CLEANUP(bytes_fini) = {0};
	Kluis__Envelope *envelope;
	Kluis__Request *request;

	arena_init(&arena, REQUEST_ARENA_MAX);
	bytes_init(&message, MESSAGE_MAX);
	if (formula == NULL || runs++ == RUNS_PER_FRANCHISE)
		begin_anew();
	if (size < 1 || WIRE_DECODE(Envelope, envelope, SLICE(data + 1, size - 1), &arena, &envelope) != ERR_OK ||
	    WIRE_DECODE(Request, request, wire_slice(envelope->request), &arena, &request) != ERR_OK)
		return 0;
	/* a join is signed by a key of its own, and would end the store's conversation here */
	if (request->n_operations == 0 || is_joining(request))
		return 0;
	struct party *party = (data[0] & 1) != 0 ? &formula->office : store;
	if (sign(envelope, request, party, &message) == ERR_OK)
		ask(bytes_slice(&message), party);
	return 0;
}
