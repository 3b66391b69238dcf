/*
 * What each operation's message may hold (FORMAT.md R7, R8 and section 9): lengths and bounds, never whether its names
 * exist. One function a kind; operation.c has the table.
 */
#include "operation_check.h"

#include <string.h>

#include "kluis/operation.h"

#define DAY_MIN (-25567)     /* 1900-01-01: nobody's receipt is older */
#define DAY_MAX 2932896	     /* 9999-12-31: the last that date_print prints */
#define CONSENT_STATUS_MAX 9 /* R115 */
#define TEXT_MAX VALUE_MAX   /* bytes of a store's name, of a reason */
#define CURSOR_MAX 64	     /* bytes of a page's cursor */
#define INDEX_END ((uint64_t)1 << 63)

/* ---- what fields may hold ---- */

static enum err check_bytes(ProtobufCBinaryData data, size_t size, const char *what, struct fault *fault)
{
	if (data.len != size)
		return fault_set(fault, ERR_INPUT, "%s has %zu bytes instead of %zu", what, data.len, size);
	return ERR_OK;
}

static enum err check_number(uint64_t value, uint64_t minimum, uint64_t maximum, const char *what, struct fault *fault)
{
	if (value < minimum || value > maximum)
		return fault_set(fault, ERR_INPUT, "%s is not between %llu and %llu", what, (unsigned long long)minimum,
				 (unsigned long long)maximum);
	return ERR_OK;
}

static enum err check_store(uint32_t store, struct fault *fault)
{
	return check_number(store, 0, STORES_MAX - 1, "store", fault);
}

static enum err check_day(int32_t day, struct fault *fault)
{
	if (day < DAY_MIN || day > DAY_MAX)
		return fault_set(fault, ERR_INPUT, "day is not between 1900-01-01 and 9999-12-31");
	return ERR_OK;
}

/* Never quotes: a text in the wrong place may be anything. */
enum err check_text(const char *text, size_t minimum, size_t maximum, const char *what, struct fault *fault)
{
	size_t length = strlen(text);

	if (length < minimum || length > maximum)
		return fault_set(fault, ERR_INPUT, "%s is not between %zu and %zu bytes", what, minimum, maximum);
	if (!slice_is_text(SLICE(text, length), false))
		return fault_set(fault, ERR_INPUT, "%s is not UTF-8 without control characters", what);
	return ERR_OK;
}

static enum err check_commitment(ProtobufCBinaryData commitment, struct fault *fault)
{
	return check_bytes(commitment, HASH_SIZE, "commitment", fault);
}

static enum err check_customer(ProtobufCBinaryData customer, struct fault *fault)
{
	return check_bytes(customer, PSEUDONYM_SIZE, "customer", fault);
}

static enum err check_consent_state(const Kluis__ConsentState *state, struct fault *fault)
{
	TRY(check_text(state->purpose, 1, NAME_MAX_, "consent's purpose", fault));
	return check_number(state->status, 0, CONSENT_STATUS_MAX, "consent's status", fault);
}

/* ---- one check a kind ---- */

enum err check_join(const Kluis__Operation *operation, struct fault *fault)
{
	TRY(check_bytes(operation->join->public_key, KEY_SIZE, "public_key", fault));
	return check_commitment(operation->join->commitment, fault);
}

enum err check_lookup(const Kluis__Operation *operation, struct fault *fault)
{
	TRY(check_number(operation->lookup->field, 1, FIELDS_MAX, "field", fault));
	return check_commitment(operation->lookup->commitment, fault);
}

enum err check_sync(const Kluis__Operation *operation, struct fault *fault)
{
	return check_number(operation->sync->count, 1, DISCLOSURES_MAX, "count", fault);
}

enum err check_receipt(const Kluis__Operation *operation, struct fault *fault)
{
	const Kluis__Receipt *receipt = operation->receipt;

	TRY(check_bytes(receipt->id, PSEUDONYM_SIZE, "id", fault));
	TRY(check_store(receipt->store, fault));
	TRY(check_day(receipt->day, fault));
	if (receipt->has_customer)
		TRY(check_customer(receipt->customer, fault));
	return check_commitment(receipt->commitment, fault);
}

enum err check_registration(const Kluis__Operation *operation, struct fault *fault)
{
	const Kluis__Registration *registration = operation->registration;

	TRY(check_customer(registration->customer, fault));
	if (registration->has_store)
		TRY(check_store(registration->store, fault));
	if (registration->has_day)
		TRY(check_day(registration->day, fault));
	TRY(check_number(registration->n_consents, 0, PURPOSES_MAX, "number of consents", fault));
	for (size_t i = 0; i < registration->n_consents; i++)
		TRY(check_consent_state(registration->consents[i], fault));
	return check_commitment(registration->commitment, fault);
}

enum err check_update(const Kluis__Operation *operation, struct fault *fault)
{
	TRY(check_customer(operation->update->customer, fault));
	return check_commitment(operation->update->commitment, fault);
}

enum err check_consent(const Kluis__Operation *operation, struct fault *fault)
{
	TRY(check_customer(operation->consent->customer, fault));
	return check_consent_state(operation->consent->state, fault);
}

enum err check_staff(const Kluis__Operation *operation, struct fault *fault)
{
	const Kluis__Staff *staff = operation->staff;

	TRY(check_bytes(staff->employee, PSEUDONYM_SIZE, "employee", fault));
	TRY(check_text(staff->role, 0, NAME_MAX_, "role", fault));
	if (staff->has_store)
		TRY(check_store(staff->store, fault));
	if (staff->has_commitment && staff->role[0] == '\0')
		return fault_set(fault, ERR_INPUT, "commitment where an employee is removed");
	return staff->has_commitment ? check_commitment(staff->commitment, fault) : ERR_OK;
}

enum err check_accept(const Kluis__Operation *operation, struct fault *fault)
{
	TRY(check_bytes(operation->accept->agreement, HASH_SIZE, "agreement", fault));
	return check_bytes(operation->accept->signature, SIGNATURE_SIZE, "signature", fault);
}

enum err check_agreements(const Kluis__Operation *operation, struct fault *fault)
{
	return operation->agreements->has_store ? check_store(operation->agreements->store, fault) : ERR_OK;
}

enum err check_get_paper(const Kluis__Operation *operation, struct fault *fault)
{
	if (operation->get_paper->hash.len == 0) /* the charter in force */
		return ERR_OK;
	return check_bytes(operation->get_paper->hash, HASH_SIZE, "hash", fault);
}

enum err check_prove(const Kluis__Operation *operation, struct fault *fault)
{
	return check_number(operation->prove->index, 0, INDEX_END - 1, "index", fault);
}

enum err check_charter(const Kluis__Operation *operation, struct fault *fault)
{
	return check_bytes(operation->charter->hash, HASH_SIZE, "hash", fault);
}

static bool is_capital(char letter)
{
	return letter >= 'A' && letter <= 'Z';
}

enum err check_open_store(const Kluis__Operation *operation, struct fault *fault)
{
	const char *country = operation->open_store->country;

	TRY(check_store(operation->open_store->store, fault));
	TRY(check_text(operation->open_store->name, 1, TEXT_MAX, "name", fault));
	if (!is_capital(country[0]) || !is_capital(country[1]) || country[2] != '\0')
		return fault_set(fault, ERR_INPUT, "country is not two capital letters (ISO 3166-1)");
	return ERR_OK;
}

enum err check_invite(const Kluis__Operation *operation, struct fault *fault)
{
	struct principal principal;

	if (principal_parse(slice_text(operation->invite->principal), &principal) != ERR_OK ||
	    (principal.kind != PRINCIPAL_STORE && principal.kind != PRINCIPAL_AUDITOR))
		return fault_set(fault, ERR_INPUT, "principal is not <origin>/store/<n> or <origin>/auditor/<name>");
	return check_bytes(operation->invite->code_hash, HASH_SIZE, "code_hash", fault);
}

enum err check_draft(const Kluis__Operation *operation, struct fault *fault)
{
	TRY(check_store(operation->draft->store, fault));
	return check_bytes(operation->draft->hash, HASH_SIZE, "hash", fault);
}

enum err check_offer(const Kluis__Operation *operation, struct fault *fault)
{
	TRY(check_bytes(operation->offer->hash, HASH_SIZE, "hash", fault));
	return check_bytes(operation->offer->signature, SIGNATURE_SIZE, "signature", fault);
}

enum err check_standing(const Kluis__Operation *operation, struct fault *fault)
{
	const Kluis__Standing *standing = operation->standing;

	TRY(check_store(standing->store, fault));
	TRY(check_number(standing->action, 1, 3, "action", fault));
	return standing->reason == NULL ? ERR_OK : check_text(standing->reason, 0, TEXT_MAX, "reason", fault);
}

enum err check_restriction(const Kluis__Operation *operation, struct fault *fault)
{
	return check_customer(operation->restriction->customer, fault);
}

enum err check_progress(const Kluis__Operation *operation, struct fault *fault)
{
	return check_bytes(operation->progress->import, HASH_SIZE, "import", fault);
}

enum err check_totals(const Kluis__Operation *operation, struct fault *fault)
{
	TRY(check_number(operation->totals->after.len, 0, CURSOR_MAX, "length of after", fault));
	return check_number(operation->totals->count, 1, UINT32_MAX, "count", fault);
}

enum err check_nothing(const Kluis__Operation *operation, struct fault *fault)
{
	(void)operation;
	(void)fault;
	return ERR_OK;
}

enum err check_read_log(const Kluis__Operation *operation, struct fault *fault)
{
	const Kluis__ReadLog *read_log = operation->read_log;

	TRY(check_number(read_log->size, 0, INDEX_END - 1, "size", fault));
	return check_number(read_log->from, 0, read_log->size, "from", fault);
}

/* ---- stores that run themselves ---- */

static enum err check_end(const Kluis__JournalEnd *end, struct fault *fault)
{
	TRY(check_number(end->number, 0, INDEX_END - 1, "end's number", fault));
	return check_bytes(end->hash, HASH_SIZE, "end's hash", fault);
}

enum err check_local_access(const Kluis__Operation *operation, struct fault *fault)
{
	const Kluis__LocalAccess *access = operation->local_access;

	TRY(check_number(access->n_records, 1, JOURNAL_RECORDS_MAX, "number of records", fault));
	for (size_t i = 0; i < access->n_records; i++)
		TRY(check_number(access->records[i].len, 1, JOURNAL_RECORD_MAX, "length of a record", fault));
	return check_end(access->end, fault);
}

enum err check_lease(const Kluis__Operation *operation, struct fault *fault)
{
	return check_end(operation->lease->end, fault);
}

enum err check_purge(const Kluis__Operation *operation, struct fault *fault)
{
	const Kluis__Purge *purge = operation->purge;

	if (purge->reason == ERR_OK || !error_is_known(purge->reason))
		return fault_set(fault, ERR_INPUT, "reason is not a code of FORMAT.md R9");
	if (purge->has_customer != (purge->reason == ERR_ERASED))
		return fault_set(fault, ERR_INPUT, "a customer goes with ERR_ERASED, and only with it");
	if (!purge->has_customer)
		return ERR_OK;
	TRY(check_number(purge->customers, 0, 1, "customers", fault));
	return check_customer(purge->customer, fault);
}

enum err check_erase(const Kluis__Operation *operation, struct fault *fault)
{
	TRY(check_customer(operation->erase->customer, fault));
	return check_number(operation->erase->ground, 1, ERASURE_GROUND_MAX, "ground", fault);
}

enum err check_incident(const Kluis__Operation *operation, struct fault *fault)
{
	TRY(check_bytes(operation->incident->id, PSEUDONYM_SIZE, "id", fault));
	TRY(check_number(operation->incident->kind, 1, INCIDENT_KIND_MAX, "kind", fault));
	return check_commitment(operation->incident->commitment, fault);
}

enum err check_subject_request(const Kluis__Operation *operation, struct fault *fault)
{
	static const uint32_t rights[] = {15, 16, 17, 18, 20, 21};
	const Kluis__SubjectRequest *request = operation->subject_request;
	bool is_right = false;

	for (size_t i = 0; i < sizeof rights / sizeof rights[0]; i++)
		is_right |= request->right == rights[i];
	if (!is_right)
		return fault_set(fault, ERR_INPUT, "right is not an article of GDPR chapter III: 15 to 18, 20, 21");
	TRY(check_bytes(request->id, PSEUDONYM_SIZE, "id", fault));
	if (request->has_customer)
		TRY(check_customer(request->customer, fault));
	return check_commitment(request->commitment, fault);
}

enum err check_rotate_key(const Kluis__Operation *operation, struct fault *fault)
{
	TRY(check_bytes(operation->rotate_key->public_key, KEY_SIZE, "public_key", fault));
	return check_bytes(operation->rotate_key->signature, SIGNATURE_SIZE, "signature", fault);
}

enum err check_witness(const Kluis__Operation *operation, struct fault *fault)
{
	TRY(check_bytes(operation->witness->public_key, KEY_SIZE, "public_key", fault));
	return check_bytes(operation->witness->signature, SIGNATURE_SIZE, "signature", fault);
}

enum err check_trust(const Kluis__Operation *operation, struct fault *fault)
{
	return check_bytes(operation->trust->hash, HASH_SIZE, "hash", fault);
}

enum err check_revoke(const Kluis__Operation *operation, struct fault *fault)
{
	struct principal principal;

	if (principal_parse(slice_text(operation->revoke->principal), &principal) != ERR_OK ||
	    (principal.kind != PRINCIPAL_STORE && principal.kind != PRINCIPAL_AUDITOR))
		return fault_set(fault, ERR_INPUT, "principal is not <origin>/store/<n> or <origin>/auditor/<name>");
	return check_text(operation->revoke->reason, 0, TEXT_MAX, "reason", fault);
}

enum err check_master_key(const Kluis__Operation *operation, struct fault *fault)
{
	TRY(check_number(operation->master_key->epoch, 1, UINT32_MAX, "epoch", fault));
	return check_number(operation->master_key->action, 1, 2, "action", fault);
}

enum err check_rewrap(const Kluis__Operation *operation, struct fault *fault)
{
	return check_number(operation->rewrap->count, 1, UINT32_MAX, "count", fault);
}

static enum err check_hash_or_none(ProtobufCBinaryData data, const char *what, struct fault *fault)
{
	return data.len == 0 ? ERR_OK : check_bytes(data, HASH_SIZE, what, fault);
}

enum err check_watch(const Kluis__Operation *operation, struct fault *fault)
{
	const Kluis__WatchRow *known = operation->watch->known;

	TRY(check_number(operation->watch->wait_ms, 0, WATCH_WAIT_MS_MAX, "wait_ms", fault));
	TRY(check_number(known->change, 0, INDEX_END - 1, "known.change", fault));
	TRY(check_hash_or_none(known->agreement, "known.agreement", fault));
	TRY(check_hash_or_none(known->candidate, "known.candidate", fault));
	TRY(check_hash_or_none(known->trust, "known.trust", fault));
	return check_hash_or_none(known->roster, "known.roster", fault);
}

enum err check_get_round(const Kluis__Operation *operation, struct fault *fault)
{
	return check_number(operation->get_round->old_size, 0, INDEX_END - 1, "old_size", fault);
}

enum err check_cosign(const Kluis__Operation *operation, struct fault *fault)
{
	TRY(check_number(operation->cosign->size, 0, INDEX_END - 1, "size", fault));
	return check_bytes(operation->cosign->signature, 8 + SIGNATURE_SIZE, "signature", fault);
}

/* ---- commitments ---- */

struct slice join_commitment(const Kluis__Operation *operation)
{
	return wire_slice(operation->join->commitment);
}

struct slice lookup_commitment(const Kluis__Operation *operation)
{
	return wire_slice(operation->lookup->commitment);
}

struct slice receipt_commitment(const Kluis__Operation *operation)
{
	return wire_slice(operation->receipt->commitment);
}

struct slice registration_commitment(const Kluis__Operation *operation)
{
	return wire_slice(operation->registration->commitment);
}

struct slice update_commitment(const Kluis__Operation *operation)
{
	return wire_slice(operation->update->commitment);
}

struct slice staff_commitment(const Kluis__Operation *operation)
{
	return operation->staff->has_commitment ? wire_slice(operation->staff->commitment) : SLICE_EMPTY;
}

struct slice incident_commitment(const Kluis__Operation *operation)
{
	return wire_slice(operation->incident->commitment);
}

struct slice subject_request_commitment(const Kluis__Operation *operation)
{
	return wire_slice(operation->subject_request->commitment);
}
