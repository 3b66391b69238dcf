#include "kluis/operation.h"

#include <string.h>

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
static enum err check_text(const char *text, size_t minimum, size_t maximum, const char *what, struct fault *fault)
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

static enum err check_join(const Kluis__Operation *operation, struct fault *fault)
{
	TRY(check_bytes(operation->join->public_key, KEY_SIZE, "public_key", fault));
	return check_commitment(operation->join->commitment, fault);
}

static enum err check_lookup(const Kluis__Operation *operation, struct fault *fault)
{
	TRY(check_number(operation->lookup->field, 1, FIELDS_MAX, "field", fault));
	return check_commitment(operation->lookup->commitment, fault);
}

static enum err check_sync(const Kluis__Operation *operation, struct fault *fault)
{
	return check_number(operation->sync->count, 1, DISCLOSURES_MAX, "count", fault);
}

static enum err check_receipt(const Kluis__Operation *operation, struct fault *fault)
{
	const Kluis__Receipt *receipt = operation->receipt;

	TRY(check_bytes(receipt->id, PSEUDONYM_SIZE, "id", fault));
	TRY(check_store(receipt->store, fault));
	TRY(check_day(receipt->day, fault));
	if (receipt->has_customer)
		TRY(check_customer(receipt->customer, fault));
	return check_commitment(receipt->commitment, fault);
}

static enum err check_registration(const Kluis__Operation *operation, struct fault *fault)
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

static enum err check_update(const Kluis__Operation *operation, struct fault *fault)
{
	TRY(check_customer(operation->update->customer, fault));
	return check_commitment(operation->update->commitment, fault);
}

static enum err check_consent(const Kluis__Operation *operation, struct fault *fault)
{
	TRY(check_customer(operation->consent->customer, fault));
	return check_consent_state(operation->consent->state, fault);
}

static enum err check_staff(const Kluis__Operation *operation, struct fault *fault)
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

static enum err check_accept(const Kluis__Operation *operation, struct fault *fault)
{
	TRY(check_bytes(operation->accept->agreement, HASH_SIZE, "agreement", fault));
	return check_bytes(operation->accept->signature, SIGNATURE_SIZE, "signature", fault);
}

static enum err check_agreements(const Kluis__Operation *operation, struct fault *fault)
{
	return operation->agreements->has_store ? check_store(operation->agreements->store, fault) : ERR_OK;
}

static enum err check_get_paper(const Kluis__Operation *operation, struct fault *fault)
{
	if (operation->get_paper->hash.len == 0) /* the charter in force */
		return ERR_OK;
	return check_bytes(operation->get_paper->hash, HASH_SIZE, "hash", fault);
}

static enum err check_prove(const Kluis__Operation *operation, struct fault *fault)
{
	return check_number(operation->prove->index, 0, INDEX_END - 1, "index", fault);
}

static enum err check_charter(const Kluis__Operation *operation, struct fault *fault)
{
	return check_bytes(operation->charter->hash, HASH_SIZE, "hash", fault);
}

static bool is_capital(char letter)
{
	return letter >= 'A' && letter <= 'Z';
}

static enum err check_open_store(const Kluis__Operation *operation, struct fault *fault)
{
	const char *country = operation->open_store->country;

	TRY(check_store(operation->open_store->store, fault));
	TRY(check_text(operation->open_store->name, 1, TEXT_MAX, "name", fault));
	if (!is_capital(country[0]) || !is_capital(country[1]) || country[2] != '\0')
		return fault_set(fault, ERR_INPUT, "country is not two capital letters (ISO 3166-1)");
	return ERR_OK;
}

static enum err check_invite(const Kluis__Operation *operation, struct fault *fault)
{
	struct principal principal;

	if (principal_parse(slice_text(operation->invite->principal), &principal) != ERR_OK ||
	    (principal.kind != PRINCIPAL_STORE && principal.kind != PRINCIPAL_AUDITOR))
		return fault_set(fault, ERR_INPUT, "principal is not <origin>/store/<n> or <origin>/auditor/<name>");
	return check_bytes(operation->invite->code_hash, HASH_SIZE, "code_hash", fault);
}

static enum err check_draft(const Kluis__Operation *operation, struct fault *fault)
{
	TRY(check_store(operation->draft->store, fault));
	return check_bytes(operation->draft->hash, HASH_SIZE, "hash", fault);
}

static enum err check_offer(const Kluis__Operation *operation, struct fault *fault)
{
	TRY(check_bytes(operation->offer->hash, HASH_SIZE, "hash", fault));
	return check_bytes(operation->offer->signature, SIGNATURE_SIZE, "signature", fault);
}

static enum err check_standing(const Kluis__Operation *operation, struct fault *fault)
{
	const Kluis__Standing *standing = operation->standing;

	TRY(check_store(standing->store, fault));
	TRY(check_number(standing->action, 1, 3, "action", fault));
	return standing->reason == NULL ? ERR_OK : check_text(standing->reason, 0, TEXT_MAX, "reason", fault);
}

static enum err check_restriction(const Kluis__Operation *operation, struct fault *fault)
{
	return check_customer(operation->restriction->customer, fault);
}

static enum err check_progress(const Kluis__Operation *operation, struct fault *fault)
{
	return check_bytes(operation->progress->import, HASH_SIZE, "import", fault);
}

static enum err check_totals(const Kluis__Operation *operation, struct fault *fault)
{
	TRY(check_number(operation->totals->after.len, 0, CURSOR_MAX, "length of after", fault));
	return check_number(operation->totals->count, 1, UINT32_MAX, "count", fault);
}

static enum err check_nothing(const Kluis__Operation *operation, struct fault *fault)
{
	(void)operation;
	(void)fault;
	return ERR_OK;
}

static enum err check_read_log(const Kluis__Operation *operation, struct fault *fault)
{
	const Kluis__ReadLog *read_log = operation->read_log;

	TRY(check_number(read_log->size, 0, INDEX_END - 1, "size", fault));
	return check_number(read_log->from, 0, read_log->size, "from", fault);
}

/* ---- commitments ---- */

static struct slice join_commitment(const Kluis__Operation *operation)
{
	return wire_slice(operation->join->commitment);
}

static struct slice lookup_commitment(const Kluis__Operation *operation)
{
	return wire_slice(operation->lookup->commitment);
}

static struct slice receipt_commitment(const Kluis__Operation *operation)
{
	return wire_slice(operation->receipt->commitment);
}

static struct slice registration_commitment(const Kluis__Operation *operation)
{
	return wire_slice(operation->registration->commitment);
}

static struct slice update_commitment(const Kluis__Operation *operation)
{
	return wire_slice(operation->update->commitment);
}

static struct slice staff_commitment(const Kluis__Operation *operation)
{
	return operation->staff->has_commitment ? wire_slice(operation->staff->commitment) : SLICE_EMPTY;
}

/* ---- the table ---- */

#define KIND(name) KLUIS__OPERATION__KIND_##name
#define STORE MAY_STORE
#define CONTROLLER MAY_CONTROLLER
#define AUDITOR MAY_AUDITOR
#define ALL (MAY_STORE | MAY_CONTROLLER | MAY_AUDITOR)

/* What tills and imports send most stands first: operation_row walks from the top. */
static const struct operation_row rows[] = {
	{KIND(LOOKUP), "lookup", STORE | CONTROLLER, OPERATION_LOOKUP, .check = check_lookup,
	 .commitment = lookup_commitment},
	{KIND(RECEIPT), "receipt", STORE | CONTROLLER, OPERATION_RECEIPT, .check = check_receipt,
	 .commitment = receipt_commitment},
	{KIND(SYNC), "sync", STORE, OPERATION_SYNC, .check = check_sync},
	{KIND(REGISTRATION), "registration", STORE | CONTROLLER, OPERATION_REGISTER, .check = check_registration,
	 .commitment = registration_commitment},
	{KIND(UPDATE), "update", STORE | CONTROLLER, OPERATION_UPDATE, .check = check_update,
	 .commitment = update_commitment},
	{KIND(CONSENT), "consent", STORE | CONTROLLER, OPERATION_CONSENT, .check = check_consent},
	{KIND(STAFF), "staff", STORE | CONTROLLER, -1, .check = check_staff, .commitment = staff_commitment},
	{KIND(JOIN), "join", STORE | AUDITOR, -1, .is_first_contact = true, .check = check_join,
	 .commitment = join_commitment},
	{KIND(ACCEPT), "accept", STORE, -1, .check = check_accept},
	{KIND(AGREEMENTS), "agreements", ALL, -1, .answers_data = true, .check = check_agreements},
	{KIND(GET_PAPER), "get_paper", ALL, -1, .answers_data = true, .check = check_get_paper},
	{KIND(PROVE), "prove", ALL, -1, .answers_data = true, .check = check_prove},
	{KIND(CHARTER), "charter", CONTROLLER, -1, .takes_paper = true, .check = check_charter},
	{KIND(OPEN_STORE), "open_store", CONTROLLER, -1, .check = check_open_store},
	{KIND(INVITE), "invite", CONTROLLER, -1, .check = check_invite},
	{KIND(DRAFT), "draft", CONTROLLER, -1, .takes_paper = true, .check = check_draft},
	{KIND(OFFER), "offer", CONTROLLER, -1, .check = check_offer},
	{KIND(STANDING), "standing", CONTROLLER, -1, .check = check_standing},
	{KIND(RESTRICTION), "restriction", CONTROLLER, -1, .check = check_restriction},
	{KIND(PROGRESS), "progress", CONTROLLER, -1, .check = check_progress},
	{KIND(TOTALS), "totals", CONTROLLER, -1, .answers_data = true, .check = check_totals},
	{KIND(CENSUS), "census", CONTROLLER | AUDITOR, -1, .answers_data = true, .check = check_nothing},
	{KIND(GET_CHECKPOINT), "get_checkpoint", CONTROLLER | AUDITOR, -1, .answers_data = true,
	 .check = check_nothing},
	{KIND(READ_LOG), "read_log", CONTROLLER | AUDITOR, -1, .answers_data = true, .check = check_read_log},
};

const struct operation_row *operation_row(Kluis__Operation__KindCase kind)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].kind == kind)
			return &rows[i];
	return NULL;
}

const struct operation_row *operation_rows(size_t *ret_count)
{
	*ret_count = sizeof rows / sizeof rows[0];
	return rows;
}

enum err operation_check(const Kluis__Operation *operation, struct fault *fault)
{
	const struct operation_row *row = operation_row(operation->kind_case);
	enum err err = ERR_OK;

	if (row == NULL)
		return fault_set(fault, ERR_INPUT, "operation of no kind");
	if (operation->purpose != NULL)
		err = check_text(operation->purpose, 1, NAME_MAX_, "purpose", fault);
	if (err == ERR_OK)
		err = row->check(operation, fault);
	if (err != ERR_OK)
		fault_prefix(fault, row->name);
	return err;
}
