#include "kluis/envelope.h"

#include <assert.h>

#include "kluis/hash.h"
#include "kluis/limits.h"
#include "kluis/operation.h"

#define INDEX_END ((uint64_t)1 << 63)

/* ---- the request ---- */

static enum err check_acknowledgement(const Kluis__Acknowledgement *acknowledgement, struct fault *fault)
{
	if (acknowledgement->index >= INDEX_END || acknowledgement->leaf.len != HASH_SIZE)
		return fault_set(fault, ERR_INPUT, "acknowledgement: not an index and a hash of %d bytes", HASH_SIZE);
	return ERR_OK;
}

/* Everything but the operations. */
static enum err check_head(const Kluis__Request *request, struct principal *principal, struct fault *fault)
{
	if (principal_parse(slice_text(request->principal), principal) != ERR_OK || principal->kind == PRINCIPAL_LOG)
		return fault_set(fault, ERR_INPUT, "principal is not one of FORMAT.md R2 that sends requests");
	if (request->lane > LANE_MAX)
		return fault_set(fault, ERR_INPUT, "lane is over %d", LANE_MAX);
	if (request->has_agreement && request->agreement.len != HASH_SIZE)
		return fault_set(fault, ERR_INPUT, "agreement is not a hash of %d bytes", HASH_SIZE);
	if (request->has_employee && request->employee.len != PSEUDONYM_SIZE)
		return fault_set(fault, ERR_INPUT, "employee is not a pseudonym of %d bytes", PSEUDONYM_SIZE);
	if (request->n_operations == 0 || request->n_operations > OPERATIONS_MAX)
		return fault_set(fault, ERR_INPUT, "a request has 1 to %d operations", OPERATIONS_MAX);
	return request->acknowledgement == NULL ? ERR_OK : check_acknowledgement(request->acknowledgement, fault);
}

/* R120: an operation that leaves no entry stands alone under sequence 0, and nothing else does. */
static enum err check_unlogged(const Kluis__Request *request, struct fault *fault)
{
	bool is_unlogged = request->sequence == 0;

	for (size_t i = 0; i < request->n_operations; i++)
		if (operation_row(request->operations[i]->kind_case)->is_unlogged != is_unlogged)
			return fault_set(fault, ERR_INPUT,
					 "sequence 0 is for operations without an entry, and they for it");
	if (!is_unlogged)
		return ERR_OK;
	if (request->n_operations != 1 || request->has_agreement || request->has_employee ||
	    request->acknowledgement != NULL)
		return fault_set(fault, ERR_INPUT, "under sequence 0 stands one operation and nothing beside it");
	return ERR_OK;
}

enum err request_decode(struct slice request, struct arena *arena, const Kluis__Request **ret_request,
			struct principal *ret_principal, struct fault *fault)
{
	struct principal principal;
	Kluis__Request *decoded;
	enum err err;

	if (request.length > REQUEST_MAX)
		return fault_set(fault, ERR_TOO_LARGE, "a request has at most %d bytes", REQUEST_MAX);
	err = WIRE_DECODE(Request, request, request, arena, &decoded);
	if (err != ERR_OK)
		return fault_set(fault, err, "not a strictly encoded Request");
	TRY(check_head(decoded, &principal, fault));
	for (size_t i = 0; i < decoded->n_operations; i++)
		TRY(operation_check(decoded->operations[i], fault));
	TRY(check_unlogged(decoded, fault));
	*ret_request = decoded;
	*ret_principal = principal;
	return ERR_OK;
}

/* ---- parts (R40) and papers (R42) ---- */

struct slice operation_commitment(const Kluis__Operation *operation)
{
	const struct operation_row *row = operation_row(operation->kind_case);

	return row == NULL || row->commitment == NULL ? SLICE_EMPTY : row->commitment(operation);
}

enum err part_check(const Kluis__Part *part, struct slice commitment)
{
	if (part->content.len > RECORD_MAX)
		return ERR_TOO_LARGE;
	return commitment_check(commitment, wire_slice(part->salt), wire_slice(part->content));
}

static enum err match_parts(const Kluis__Request *request, const Kluis__Personal *personal, struct fault *fault)
{
	size_t count = personal == NULL ? 0 : personal->n_parts, used = 0;

	for (size_t i = 0; i < request->n_operations; i++) {
		struct slice commitment = operation_commitment(request->operations[i]);
		enum err err;

		if (commitment.length == 0)
			continue;
		if (used == count)
			return fault_set(fault, ERR_COMMITMENT, "operation %zu: no part for its commitment", i);
		err = part_check(personal->parts[used++], commitment);
		if (err != ERR_OK)
			return fault_set(fault, err, "operation %zu: its part does not open its commitment", i);
	}
	if (used != count)
		return fault_set(fault, ERR_COMMITMENT, "%zu parts without a commitment", count - used);
	return ERR_OK;
}

static size_t papers_needed(const Kluis__Request *request)
{
	size_t count = 0;

	for (size_t i = 0; i < request->n_operations; i++)
		count += operation_row(request->operations[i]->kind_case)->takes_paper;
	return count;
}

static enum err take_papers(const Kluis__Envelope *decoded, const Kluis__Request *request, struct arena *arena,
			    const struct slice **ret_papers, struct fault *fault)
{
	struct slice *papers = NULL;

	if (decoded->n_papers != papers_needed(request))
		return fault_set(fault, ERR_INPUT, "%zu papers where the operations need %zu", decoded->n_papers,
				 papers_needed(request));
	if (decoded->n_papers > 0) {
		papers = arena_array(arena, decoded->n_papers, sizeof *papers);
		if (papers == NULL)
			return ERR_MEMORY;
	}
	for (size_t i = 0; i < decoded->n_papers; i++) {
		papers[i] = wire_slice(decoded->papers[i]);
		if (papers[i].length > PAPER_MAX)
			return fault_set(fault, ERR_TOO_LARGE, "a paper has at most %d bytes", PAPER_MAX);
	}
	*ret_papers = papers;
	return ERR_OK;
}

/* ---- the envelope (R30-R33) ---- */

enum err envelope_open(struct slice message, struct arena *arena, struct envelope *ret_envelope, struct fault *fault)
{
	struct envelope envelope = {.part_count = 0};
	Kluis__Envelope *decoded;
	enum err err;

	if (message.length > MESSAGE_MAX)
		return fault_set(fault, ERR_TOO_LARGE, "a message has at most %d bytes", MESSAGE_MAX);
	err = WIRE_DECODE(Envelope, envelope, message, arena, &decoded);
	if (err != ERR_OK)
		return fault_set(fault, err, "not a strictly encoded Envelope");
	envelope.request = wire_slice(decoded->request);
	envelope.signature = wire_slice(decoded->signature);
	if (envelope.signature.length != SIGNATURE_SIZE)
		return fault_set(fault, ERR_INPUT, "signature is not %d bytes", SIGNATURE_SIZE);
	TRY(request_decode(envelope.request, arena, &envelope.decoded, &envelope.principal, fault));
	TRY(match_parts(envelope.decoded, decoded->personal, fault));
	TRY(take_papers(decoded, envelope.decoded, arena, &envelope.papers, fault));
	envelope.paper_count = decoded->n_papers;
	if (decoded->personal != NULL) {
		envelope.part_count = decoded->personal->n_parts;
		envelope.parts = decoded->personal->parts;
	}
	*ret_envelope = envelope;
	return ERR_OK;
}

enum err envelope_verify(const struct envelope *envelope, const uint8_t key[static KEY_SIZE])
{
	return key_verify(key, REQUEST_DOMAIN, envelope->request, envelope->signature);
}

static enum err encode_signed(struct slice request, const uint8_t signature[static SIGNATURE_SIZE],
			      Kluis__Personal *personal, const struct slice *papers, size_t paper_count,
			      struct bytes *ret_message)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	Kluis__Envelope envelope = KLUIS__ENVELOPE__INIT;

	arena_init(&arena, OPERATIONS_MAX * 2 * sizeof *envelope.papers);
	envelope.request = wire_data(request);
	envelope.signature = wire_data(SLICE(signature, SIGNATURE_SIZE));
	envelope.personal = personal;
	if (paper_count > 0) {
		envelope.papers = arena_array(&arena, paper_count, sizeof *envelope.papers);
		if (envelope.papers == NULL)
			return paper_count > OPERATIONS_MAX ? ERR_TOO_LARGE : ERR_MEMORY;
	}
	envelope.n_papers = paper_count;
	for (size_t i = 0; i < paper_count; i++)
		envelope.papers[i] = wire_data(papers[i]);
	if (wire_size(&envelope.base) > MESSAGE_MAX)
		return ERR_TOO_LARGE;
	return wire_encode(&envelope.base, ret_message);
}

enum err envelope_sign(const Kluis__Request *request, const Kluis__Personal *personal, const struct slice *papers,
		       size_t paper_count, const struct secret_key *key, struct bytes *ret_message)
{
	/* encoding only reads, but protobuf-c's members are not const */
	union {
		const Kluis__Personal *shared;
		Kluis__Personal *plain;
	} parts = {.shared = personal != NULL && personal->n_parts > 0 ? personal : NULL};
	uint8_t signature[SIGNATURE_SIZE];
	struct bytes encoded CLEANUP(bytes_fini) = {0};

	bytes_init(&encoded, REQUEST_MAX);
	TRY(wire_encode(&request->base, &encoded));
	TRY(key_sign(key, REQUEST_DOMAIN, bytes_slice(&encoded), signature));
	return encode_signed(bytes_slice(&encoded), signature, parts.plain, papers, paper_count, ret_message);
}

/* ---- making parts ---- */

enum err part_make(const ProtobufCMessage *content, struct arena *arena, Kluis__Part **ret_part,
		   ProtobufCBinaryData *ret_commitment)
{
	size_t size = wire_size(content);
	Kluis__Part *part = arena_alloc(arena, sizeof *part);
	uint8_t *salt = arena_alloc(arena, SALT_SIZE), *commitment = arena_alloc(arena, HASH_SIZE);
	/* Memory of the arena with exactly the room needed: encoding into it never allocates. */
	struct bytes place = {.data = arena_alloc(arena, size), .capacity = size, .maximum = size};

	if (part == NULL || salt == NULL || commitment == NULL || place.data == NULL)
		return ERR_MEMORY;
	if (size > RECORD_MAX)
		return ERR_TOO_LARGE;
	TRY(wire_encode(content, &place));
	random_bytes(salt, SALT_SIZE);
	commitment_make(salt, bytes_slice(&place), commitment);
	kluis__part__init(part);
	part->salt = wire_data(SLICE(salt, SALT_SIZE));
	part->content = wire_data(bytes_slice(&place));
	*ret_part = part;
	*ret_commitment = wire_data(SLICE(commitment, HASH_SIZE));
	return ERR_OK;
}
