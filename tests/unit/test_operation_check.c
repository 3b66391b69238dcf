/* Each bound of each operation's message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/clock.h"
#include "kluis/operation.h"

#include "sample.h"

#define KIND(name) KLUIS__OPERATION__KIND_##name

static struct arena arena;

static int reset(void **state)
{
	(void)state;
	arena_fini(&arena);
	arena_init(&arena, REQUEST_ARENA_MAX);
	return 0;
}

/* The operation is refused and the fault says which operation and which field. */
static void refused(const Kluis__Operation *operation, const char *field)
{
	struct fault fault = {0};

	assert_int_equal(operation_check(operation, &fault), ERR_INPUT);
	assert_non_null(strstr(fault.text, operation_row(operation->kind_case)->name));
	assert_non_null(strstr(fault.text, field));
	assert_int_equal(operation_check(operation, NULL), ERR_INPUT);
}

/* A bytes field of each operation with a byte more, a byte less and none; only a page's cursor has no fixed size. */
static unsigned spoil_bytes(Kluis__Operation *operation, const ProtobufCFieldDescriptor *kind)
{
	unsigned spoilt = 0;
	const ProtobufCMessageDescriptor *message = kind->descriptor;

	for (unsigned i = 0; i < message->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->fields[i];
		ProtobufCBinaryData *data = (void *)((uint8_t *)operation->join + field->offset);
		size_t length;

		if (field->type != PROTOBUF_C_TYPE_BYTES || field->label == PROTOBUF_C_LABEL_REPEATED ||
		    strcmp(field->name, "after") == 0)
			continue;
		length = data->len;
		for (size_t wrong = 0; wrong <= length + 1; wrong += wrong == 0 ? length - 1 : 2) {
			data->len = wrong;
			/* GetPaper without a hash asks for the charter in force (R117) */
			if (wrong == 0 && operation->kind_case == KLUIS__OPERATION__KIND_GET_PAPER)
				assert_int_equal(operation_check(operation, NULL), ERR_OK);
			else
				refused(operation, field->name);
		}
		data->len = length;
		spoilt++;
	}
	return spoilt;
}

static void test_every_bytes_field_has_its_size(void **state)
{
	const ProtobufCFieldDescriptor *kind;
	unsigned spoilt = 0;

	(void)state;
	for (unsigned i = 0; (kind = sample_kind(i)) != NULL; i++)
		spoilt += spoil_bytes(sample_operation((Kluis__Operation__KindCase)kind->id, &arena), kind);
	assert_true(spoilt >= 20);
}

/* Stores are 0 to 99999 wherever a store stands. */
static void test_every_store_is_in_bounds(void **state)
{
	const ProtobufCFieldDescriptor *kind;
	int stores = 0;

	(void)state;
	for (unsigned k = 0; (kind = sample_kind(k)) != NULL; k++) {
		Kluis__Operation *operation = sample_operation((Kluis__Operation__KindCase)kind->id, &arena);
		const ProtobufCMessageDescriptor *message = kind->descriptor;

		for (unsigned i = 0; i < message->n_fields; i++) {
			uint32_t *place = (void *)((uint8_t *)operation->join + message->fields[i].offset);

			if (strcmp(message->fields[i].name, "store") != 0)
				continue;
			*place = 99999;
			assert_int_equal(operation_check(operation, NULL), ERR_OK);
			*place = 100000;
			refused(operation, "store");
			stores++;
		}
	}
	assert_int_equal(stores, 7);
}

static void test_numbers_are_in_bounds(void **state)
{
	Kluis__Operation *operation = sample_operation(KIND(LOOKUP), &arena);

	(void)state;
	operation->lookup->field = 0;
	refused(operation, "field");
	operation->lookup->field = 64;
	assert_int_equal(operation_check(operation, NULL), ERR_OK);
	operation->lookup->field = 65;
	refused(operation, "field");

	operation = sample_operation(KIND(SYNC), &arena);
	operation->sync->count = 0;
	refused(operation, "count");
	operation->sync->count = 512;
	assert_int_equal(operation_check(operation, NULL), ERR_OK);
	operation->sync->count = 513;
	refused(operation, "count");

	operation = sample_operation(KIND(STANDING), &arena);
	operation->standing->action = 0;
	refused(operation, "action");
	operation->standing->action = 4;
	refused(operation, "action");

	operation = sample_operation(KIND(TOTALS), &arena);
	operation->totals->count = 0;
	refused(operation, "count");
	operation = sample_operation(KIND(TOTALS), &arena);
	operation->totals->after = sample_bytes(&arena, 1, 65);
	refused(operation, "after");
}

static void test_log_indices_are_in_bounds(void **state)
{
	Kluis__Operation *operation = sample_operation(KIND(PROVE), &arena);

	(void)state;
	operation->prove->index = (uint64_t)1 << 63;
	refused(operation, "index");
	operation = sample_operation(KIND(READ_LOG), &arena);
	operation->read_log->from = 2;
	refused(operation, "from");
	operation->read_log->size = 2;
	assert_int_equal(operation_check(operation, NULL), ERR_OK);
	operation->read_log->size = UINT64_MAX;
	refused(operation, "size");
}

static void test_days_are_in_bounds(void **state)
{
	Kluis__Operation *receipt = sample_operation(KIND(RECEIPT), &arena);
	Kluis__Operation *registration = sample_operation(KIND(REGISTRATION), &arena);
	const int32_t first = date_join(1900, 1, 1), last = date_join(9999, 12, 31);

	(void)state;
	receipt->receipt->day = registration->registration->day = first;
	assert_int_equal(operation_check(receipt, NULL), ERR_OK);
	assert_int_equal(operation_check(registration, NULL), ERR_OK);
	receipt->receipt->day = registration->registration->day = last;
	assert_int_equal(operation_check(receipt, NULL), ERR_OK);
	assert_int_equal(operation_check(registration, NULL), ERR_OK);
	receipt->receipt->day = registration->registration->day = first - 1;
	refused(receipt, "day");
	refused(registration, "day");
	receipt->receipt->day = registration->registration->day = last + 1;
	refused(receipt, "day");
	refused(registration, "day");
}

static char *repeat(char letter, size_t count)
{
	char *text = arena_alloc(&arena, count + 1);

	memset(text, letter, count);
	return text;
}

static char *copy(const char *text)
{
	return arena_text(&arena, slice_text(text));
}

static void test_texts_are_bounded_and_clean(void **state)
{
	Kluis__Operation *operation = sample_operation(KIND(LOOKUP), &arena);

	(void)state;
	operation->purpose = repeat('p', 64);
	assert_int_equal(operation_check(operation, NULL), ERR_OK);
	operation->purpose = repeat('p', 65);
	refused(operation, "purpose");
	operation->purpose = repeat('p', 0);
	refused(operation, "purpose");
	operation->purpose = copy("ser\nvice");
	refused(operation, "purpose");

	operation = sample_operation(KIND(STAFF), &arena);
	operation->staff->role = repeat('r', 65);
	refused(operation, "role");
	operation = sample_operation(KIND(OPEN_STORE), &arena);
	operation->open_store->name = repeat('n', 0);
	refused(operation, "name");
	operation->open_store->name = copy("Store\x1b[2J");
	refused(operation, "name");
	operation = sample_operation(KIND(STANDING), &arena);
	operation->standing->reason = repeat('r', 1025);
	refused(operation, "reason");
	operation->standing->reason = copy("\xc0\x80");
	refused(operation, "reason");
	operation->standing->reason = NULL;
	assert_int_equal(operation_check(operation, NULL), ERR_OK);
}

static void test_countries_are_two_capitals(void **state)
{
	static const char *const wrong[] = {"", "N", "nl", "Nl", "NLD", "N1", "\xc3\x89"};
	Kluis__Operation *operation = sample_operation(KIND(OPEN_STORE), &arena);

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		operation->open_store->country = copy(wrong[i]);
		refused(operation, "country");
	}
}

static void test_invitations_are_for_stores_and_auditors(void **state)
{
	static const char *const wrong[] = {"",
					    SAMPLE_ORIGIN,
					    SAMPLE_ORIGIN "/controller",
					    SAMPLE_ORIGIN "/log",
					    SAMPLE_ORIGIN "/store/012",
					    SAMPLE_ORIGIN "/till/1"};
	Kluis__Operation *operation = sample_operation(KIND(INVITE), &arena);

	(void)state;
	operation->invite->principal = copy(SAMPLE_ORIGIN "/auditor/kpmg");
	assert_int_equal(operation_check(operation, NULL), ERR_OK);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		operation->invite->principal = copy(wrong[i]);
		refused(operation, "principal");
	}
}

static void test_consents_are_bounded(void **state)
{
	Kluis__Operation *operation = sample_operation(KIND(REGISTRATION), &arena);
	Kluis__ConsentState *many[PURPOSES_MAX + 1];

	(void)state;
	for (size_t i = 0; i < PURPOSES_MAX + 1; i++)
		many[i] = operation->registration->consents[0];
	operation->registration->consents = many;
	operation->registration->n_consents = PURPOSES_MAX;
	assert_int_equal(operation_check(operation, NULL), ERR_OK);
	operation->registration->n_consents = PURPOSES_MAX + 1;
	refused(operation, "consents");
	operation->registration->n_consents = 1;
	many[0]->status = 10;
	refused(operation, "status");

	operation = sample_operation(KIND(CONSENT), &arena);
	operation->consent->state->status = 9;
	assert_int_equal(operation_check(operation, NULL), ERR_OK);
	operation->consent->state->status = 10;
	refused(operation, "status");
	operation->consent->state->status = 0;
	operation->consent->state->purpose = copy("");
	refused(operation, "purpose");
}

static void test_removed_employee_has_no_name(void **state)
{
	Kluis__Operation *operation = sample_operation(KIND(STAFF), &arena);

	(void)state;
	operation->staff->role = copy("");
	refused(operation, "commitment");
	operation->staff->has_commitment = 0;
	assert_int_equal(operation_check(operation, NULL), ERR_OK);
	assert_int_equal(operation_row(KIND(STAFF))->commitment(operation).length, 0);
}

static void test_journals_are_bounded(void **state)
{
	Kluis__Operation *operation = sample_operation(KIND(LOCAL_ACCESS), &arena);
	ProtobufCBinaryData many[JOURNAL_RECORDS_MAX + 1];

	(void)state;
	for (size_t i = 0; i < JOURNAL_RECORDS_MAX + 1; i++)
		many[i] = operation->local_access->records[0];
	operation->local_access->records = many;
	operation->local_access->n_records = JOURNAL_RECORDS_MAX;
	assert_int_equal(operation_check(operation, NULL), ERR_OK);
	operation->local_access->n_records = JOURNAL_RECORDS_MAX + 1;
	refused(operation, "records");
	operation->local_access->n_records = 0;
	refused(operation, "records");
	operation->local_access->n_records = 2;
	many[1].len = 0;
	refused(operation, "record");
	many[1] = sample_bytes(&arena, 1, JOURNAL_RECORD_MAX + 1);
	refused(operation, "record");
	operation->local_access->n_records = 1;
	operation->local_access->end->number = (uint64_t)1 << 63;
	refused(operation, "end");

	operation = sample_operation(KIND(LEASE), &arena);
	operation->lease->end->number = 0;
	assert_int_equal(operation_check(operation, NULL), ERR_OK);
	operation->lease->end->hash.len = 31;
	refused(operation, "end");
}

static void test_purges_say_why(void **state)
{
	Kluis__Operation *operation = sample_operation(KIND(PURGE), &arena);

	(void)state;
	operation->purge->has_customer = 0;
	operation->purge->reason = ERR_TERMINATED;
	assert_int_equal(operation_check(operation, NULL), ERR_OK);
	operation->purge->reason = ERR_OK;
	refused(operation, "reason");
	operation->purge->reason = 99;
	refused(operation, "reason");
	operation->purge->reason = ERR_ERASED;
	refused(operation, "customer");
	operation->purge->has_customer = 1;
	assert_int_equal(operation_check(operation, NULL), ERR_OK);
	operation->purge->customers = 2;
	refused(operation, "customers");
	operation->purge->customers = 0;
	operation->purge->customer.len--;
	refused(operation, "customer");
	operation->purge->customer.len++;
	operation->purge->reason = ERR_EXPIRED;
	refused(operation, "customer");
}

static void test_erasures_are_bounded(void **state)
{
	Kluis__Operation *operation = sample_operation(KIND(ERASE), &arena);

	(void)state;
	for (uint32_t ground = 1; ground <= 6; ground++) {
		operation->erase->ground = ground;
		assert_int_equal(operation_check(operation, NULL), ERR_OK);
	}
	operation->erase->ground = 0;
	refused(operation, "ground");
	operation->erase->ground = 7;
	refused(operation, "ground");
	operation->erase->ground = 1;
	operation->erase->customer.len--;
	refused(operation, "customer");
}

static void test_notices_are_bounded(void **state)
{
	static const uint32_t rights[] = {15, 16, 17, 18, 20, 21};
	Kluis__Operation *incident = sample_operation(KIND(INCIDENT), &arena);
	Kluis__Operation *request = sample_operation(KIND(SUBJECT_REQUEST), &arena);

	(void)state;
	incident->incident->kind = 6;
	assert_int_equal(operation_check(incident, NULL), ERR_OK);
	incident->incident->kind = 7;
	refused(incident, "kind");
	incident->incident->kind = 0;
	refused(incident, "kind");
	incident->incident->kind = 1;
	incident->incident->has_since_ms = 0;
	assert_int_equal(operation_check(incident, NULL), ERR_OK);
	for (uint32_t right = 0; right < 25; right++) {
		bool is_right = false;

		for (size_t i = 0; i < sizeof rights / sizeof rights[0]; i++)
			is_right |= rights[i] == right;
		request->subject_request->right = right;
		if (is_right)
			assert_int_equal(operation_check(request, NULL), ERR_OK);
		else
			refused(request, "right");
	}
}

static void test_changes_of_keys_are_bounded(void **state)
{
	Kluis__Operation *operation = sample_operation(KIND(MASTER_KEY), &arena);

	(void)state;
	operation->master_key->action = 2;
	assert_int_equal(operation_check(operation, NULL), ERR_OK);
	operation->master_key->action = 3;
	refused(operation, "action");
	operation->master_key->action = 0;
	refused(operation, "action");
	operation->master_key->action = 1;
	operation->master_key->epoch = 0;
	refused(operation, "epoch");

	operation = sample_operation(KIND(REWRAP), &arena);
	operation->rewrap->count = 0;
	refused(operation, "count");

	operation = sample_operation(KIND(REVOKE), &arena);
	operation->revoke->principal = copy(SAMPLE_ORIGIN "/auditor/kpmg");
	assert_int_equal(operation_check(operation, NULL), ERR_OK);
	operation->revoke->reason = repeat('r', 1025);
	refused(operation, "reason");
	operation->revoke->reason = copy("");
	operation->revoke->principal = copy(SAMPLE_ORIGIN "/controller");
	refused(operation, "principal");
}

/* A change may say when it was made and on what, or neither. */
static void test_update_without_time_and_basis(void **state)
{
	Kluis__Operation *operation = sample_operation(KIND(UPDATE), &arena);

	(void)state;
	assert_true(operation->update->has_made_ms && operation->update->has_basis);
	operation->update->has_made_ms = operation->update->has_basis = 0;
	assert_int_equal(operation_check(operation, NULL), ERR_OK);
}

static void test_operation_of_no_kind_is_refused(void **state)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	struct fault fault = {0};

	(void)state;
	assert_int_equal(operation_check(&operation, &fault), ERR_INPUT);
	assert_non_null(strstr(fault.text, "kind"));
}

/* Whatever stands in a refused field, the fault does not repeat it: it might be a person's name in the wrong place. */
static void test_faults_do_not_quote(void **state)
{
	Kluis__Operation *operation = sample_operation(KIND(STAFF), &arena);
	struct fault fault = {0};

	(void)state;
	operation->staff->role = copy("Johanna de Vries\n");
	assert_int_equal(operation_check(operation, &fault), ERR_INPUT);
	assert_null(strstr(fault.text, "Johanna"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_every_bytes_field_has_its_size, reset),
		cmocka_unit_test_setup(test_every_store_is_in_bounds, reset),
		cmocka_unit_test_setup(test_numbers_are_in_bounds, reset),
		cmocka_unit_test_setup(test_log_indices_are_in_bounds, reset),
		cmocka_unit_test_setup(test_days_are_in_bounds, reset),
		cmocka_unit_test_setup(test_texts_are_bounded_and_clean, reset),
		cmocka_unit_test_setup(test_countries_are_two_capitals, reset),
		cmocka_unit_test_setup(test_invitations_are_for_stores_and_auditors, reset),
		cmocka_unit_test_setup(test_consents_are_bounded, reset),
		cmocka_unit_test_setup(test_removed_employee_has_no_name, reset),
		cmocka_unit_test_setup(test_journals_are_bounded, reset),
		cmocka_unit_test_setup(test_purges_say_why, reset),
		cmocka_unit_test_setup(test_erasures_are_bounded, reset),
		cmocka_unit_test_setup(test_notices_are_bounded, reset),
		cmocka_unit_test_setup(test_changes_of_keys_are_bounded, reset),
		cmocka_unit_test_setup(test_update_without_time_and_basis, reset),
		cmocka_unit_test_setup(test_operation_of_no_kind_is_refused, reset),
		cmocka_unit_test_setup(test_faults_do_not_quote, reset),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	arena_fini(&arena);
	return failed;
}
