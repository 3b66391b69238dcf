#include "kluis/entry.h"

#include <assert.h>

#include "kluis/limits.h"
#include "kluis/operation.h"

#define TIME_TAG 0x09 /* field 1, fixed64 */
#define TIME_OFFSET 1
#define TIME_SIZE 8

/* ---- opening (R46, R48) ---- */

/* A disclosure has a commitment and no reason to withhold; a tombstone neither version, fields nor commitment. */
static enum err check_disclosure(const Kluis__Disclosure *disclosure, struct fault *fault)
{
	bool is_tombstone = !disclosure->has_commitment;

	if (disclosure->customer.len != PSEUDONYM_SIZE || disclosure->grant >= GRANTS_MAX)
		return fault_set(fault, ERR_INPUT, "customer or grant is out of bounds");
	if (is_tombstone && (disclosure->version != 0 || disclosure->fields != 0))
		return fault_set(fault, ERR_INPUT, "fields without a commitment to them");
	if (!is_tombstone && (disclosure->commitment.len != HASH_SIZE || disclosure->has_withheld))
		return fault_set(fault, ERR_INPUT, "commitment is out of bounds, or withheld as well");
	if (disclosure->has_withheld && (disclosure->withheld == ERR_OK || !error_is_known(disclosure->withheld)))
		return fault_set(fault, ERR_INPUT, "withheld is not a reason");
	return ERR_OK;
}

static enum err check_result(const Kluis__Result *result, struct fault *fault)
{
	if (!error_is_known(result->code))
		return fault_set(fault, ERR_INPUT, "unknown code");
	if (result->clause != NULL) {
		struct slice clause = slice_text(result->clause);

		if (clause.length > CLAUSE_MAX || !slice_is_text(clause, false))
			return fault_set(fault, ERR_INPUT, "clause is not a text of at most %d bytes", CLAUSE_MAX);
	}
	if (result->has_customer && result->customer.len != PSEUDONYM_SIZE)
		return fault_set(fault, ERR_INPUT, "customer is not a pseudonym of %d bytes", PSEUDONYM_SIZE);
	if (result->n_disclosures > (result->code == ERR_OK ? DISCLOSURES_MAX : 0))
		return fault_set(fault, ERR_INPUT, "disclosures of a refused operation, or too many");
	for (size_t i = 0; i < result->n_disclosures; i++)
		TRY(check_disclosure(result->disclosures[i], fault));
	return ERR_OK;
}

static enum err check_entry(const Kluis__Entry *decoded, struct fault *fault)
{
	if (decoded->signature.len != SIGNATURE_SIZE || !error_is_known(decoded->code))
		return fault_set(fault, ERR_INPUT, "signature or code of the entry is out of bounds");
	for (size_t i = 0; i < decoded->n_results; i++) {
		enum err err = check_result(decoded->results[i], fault);

		if (err != ERR_OK) {
			fault_prefix(fault, "an entry's result");
			return err;
		}
	}
	return ERR_OK;
}

enum err entry_open(struct slice bytes, struct arena *arena, struct entry *ret_entry, struct fault *fault)
{
	struct entry entry;
	Kluis__Entry *decoded;
	enum err err;

	if (bytes.length > ENTRY_MAX)
		return fault_set(fault, ERR_TOO_LARGE, "an entry has at most %d bytes", ENTRY_MAX);
	err = WIRE_DECODE(Entry, entry, bytes, arena, &decoded);
	if (err != ERR_OK)
		return fault_set(fault, err, "not a strictly encoded Entry");
	TRY(check_entry(decoded, fault));
	TRY(request_decode(wire_slice(decoded->request), arena, &entry.request, &entry.principal, fault));
	if (decoded->n_results != (decoded->code == ERR_OK ? entry.request->n_operations : 0))
		return fault_set(fault, ERR_INPUT, "an entry has %zu results for %zu operations", decoded->n_results,
				 entry.request->n_operations);
	entry.decoded = decoded;
	merkle_leaf(bytes, &entry.leaf);
	*ret_entry = entry;
	return ERR_OK;
}

enum err entry_verify(const struct entry *entry, const uint8_t key[static KEY_SIZE])
{
	return key_verify(key, REQUEST_DOMAIN, wire_slice(entry->decoded->request),
			  wire_slice(entry->decoded->signature));
}

/* ---- writing ---- */

enum err entry_encode(const Kluis__Entry *entry, struct bytes *ret_bytes)
{
	size_t before = ret_bytes->length;

	TRY(wire_encode(&entry->base, ret_bytes));
	if (ret_bytes->length - before <= ENTRY_MAX)
		return ERR_OK;
	ret_bytes->length = before;
	return ERR_TOO_LARGE;
}

enum err entry_read_time(struct slice bytes, uint64_t *ret_time_ms)
{
	uint64_t time_ms = 0;

	if (bytes.length < TIME_OFFSET + TIME_SIZE || bytes.data[0] != TIME_TAG)
		return ERR_CORRUPT;
	for (size_t i = 0; i < TIME_SIZE; i++)
		time_ms |= (uint64_t)bytes.data[TIME_OFFSET + i] << (8 * i);
	*ret_time_ms = time_ms;
	return ERR_OK;
}

void entry_set_time(uint8_t *bytes, size_t length, uint64_t time_ms)
{
	assert(length >= TIME_OFFSET + TIME_SIZE && bytes[0] == TIME_TAG);
	for (size_t i = 0; i < TIME_SIZE; i++)
		bytes[TIME_OFFSET + i] = (uint8_t)(time_ms >> (8 * i));
}

/* ---- what an agent checks ---- */

/* Walks the entry's disclosures beside the reply's parts. */
static enum err match_parts(const Kluis__Entry *entry, const Kluis__Personal *personal, struct fault *fault)
{
	size_t count = personal == NULL ? 0 : personal->n_parts, used = 0;

	for (size_t i = 0; i < entry->n_results; i++) {
		for (size_t j = 0; j < entry->results[i]->n_disclosures; j++) {
			const Kluis__Disclosure *disclosure = entry->results[i]->disclosures[j];

			if (!disclosure->has_commitment)
				continue;
			if (used == count || part_check(personal->parts[used], wire_slice(disclosure->commitment)))
				return fault_set(fault, ERR_MISMATCH,
						 "disclosure %zu of operation %zu is not what was answered", j, i);
			used++;
		}
	}
	return used == count ? ERR_OK : fault_set(fault, ERR_MISMATCH, "the answer has values that its entry does not");
}

static enum err match_data(const struct entry *entry, const Kluis__Reply *reply, struct fault *fault)
{
	size_t count = 0;

	for (size_t i = 0; i < entry->decoded->n_results; i++)
		count += operation_row(entry->request->operations[i]->kind_case)->answers_data;
	if (reply->n_data != count)
		return fault_set(fault, ERR_MISMATCH, "%zu answers with data where %zu were due", reply->n_data, count);
	for (size_t i = 0; i < reply->n_data; i++)
		if (reply->data[i]->n_items > DATA_ITEMS_MAX)
			return fault_set(fault, ERR_MISMATCH, "an answer has more than %d items", DATA_ITEMS_MAX);
	return ERR_OK;
}

/* R39: the access has ended since; the entry says what was answered then, the code why it is not answered again. */
static bool is_withheld(const Kluis__Reply *reply, const Kluis__Entry *entry)
{
	return reply->code != ERR_OK && entry->code == ERR_OK && reply->personal == NULL && reply->n_data == 0;
}

static enum err match_answer(const struct entry *entry, const Kluis__Reply *reply, struct fault *fault)
{
	if (is_withheld(reply, entry->decoded))
		return ERR_OK;
	/* the entry of a request that was refused as a whole says so itself */
	if (reply->code != ERR_OK && reply->code != entry->decoded->code)
		return fault_set(fault, ERR_MISMATCH, "the answer's code is not its entry's");
	TRY(match_parts(entry->decoded, reply->personal, fault));
	return match_data(entry, reply, fault);
}

enum err reply_check(const Kluis__Reply *reply, struct slice sent_request, struct slice sent_signature,
		     struct arena *arena, struct entry *ret_entry, struct fault *fault)
{
	struct entry entry;
	enum err err;

	if (!reply->has_entry || !reply->has_index || !error_is_known(reply->code))
		return fault_set(fault, ERR_MISMATCH, "an answer without its log entry");
	err = entry_open(wire_slice(reply->entry), arena, &entry, fault);
	if (err == ERR_MEMORY)
		return err;
	if (err != ERR_OK)
		return fault_set(fault, ERR_MISMATCH, "the answer's log entry is malformed");
	if (!slice_equal(wire_slice(entry.decoded->request), sent_request) ||
	    !slice_equal(wire_slice(entry.decoded->signature), sent_signature))
		return fault_set(fault, ERR_MISMATCH, "the log entry holds another request than was sent");
	TRY(match_answer(&entry, reply, fault));
	*ret_entry = entry;
	return ERR_OK;
}
