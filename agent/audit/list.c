#include "list.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "kluis/clock.h"
#include "kluis/journal.h"
#include "kluis/table.h"

#define RED "\033[31m"
#define PLAIN "\033[0m"
#define SHORT 8 /* digits of a pseudonym in the table */

/* ---- what a row says ---- */

struct row {
	char time[25];
	const char *principal, *operation, *purpose, *verdict, *clause;
	char employee[2 * PSEUDONYM_SIZE + 1], customer[2 * PSEUDONYM_SIZE + 1];
	uint64_t disclosed, withheld;
	uint64_t record; /* of a journal; 0: an operation */
	uint64_t source; /* with record: the entry that had brought what was shown; UINT64_MAX: nothing was */
};

static uint32_t code_of(const struct step *step)
{
	return step->result == NULL ? step->entry->decoded->code : step->result->code;
}

static void print_pseudonym(ProtobufCBinaryData pseudonym, char ret_text[static 2 * PSEUDONYM_SIZE + 1])
{
	hex_print(slice_part(wire_slice(pseudonym), 0, PSEUDONYM_SIZE), ret_text);
}

static const char *or_empty(const char *text)
{
	return text == NULL ? "" : text;
}

/* The customer that an operation names, whatever came of it. */
static bool asked_customer(const Kluis__Operation *operation, ProtobufCBinaryData *ret)
{
	if (operation->kind_case == KLUIS__OPERATION__KIND_RECEIPT && operation->receipt->has_customer)
		*ret = operation->receipt->customer;
	else if (operation->kind_case == KLUIS__OPERATION__KIND_REGISTRATION)
		*ret = operation->registration->customer;
	else if (operation->kind_case == KLUIS__OPERATION__KIND_UPDATE)
		*ret = operation->update->customer;
	else if (operation->kind_case == KLUIS__OPERATION__KIND_CONSENT)
		*ret = operation->consent->customer;
	else if (operation->kind_case == KLUIS__OPERATION__KIND_SUBJECT_REQUEST &&
		 operation->subject_request->has_customer)
		*ret = operation->subject_request->customer;
	else if (operation->kind_case == KLUIS__OPERATION__KIND_RESTRICTION)
		*ret = operation->restriction->customer;
	else if (operation->kind_case == KLUIS__OPERATION__KIND_ERASE)
		*ret = operation->erase->customer;
	else if (operation->kind_case == KLUIS__OPERATION__KIND_PURGE && operation->purge->has_customer)
		*ret = operation->purge->customer;
	else
		return false;
	return true;
}

static void take_result(const struct step *step, struct row *row)
{
	ProtobufCBinaryData customer;

	row->clause = or_empty(step->result->clause);
	if (step->result->has_customer)
		print_pseudonym(step->result->customer, row->customer);
	else if (asked_customer(step->operation, &customer))
		print_pseudonym(customer, row->customer);
	for (size_t i = 0; i < step->result->n_disclosures; i++) {
		bool is_disclosed = step->result->disclosures[i]->has_commitment;

		row->disclosed += is_disclosed;
		row->withheld += !is_disclosed;
	}
	if (row->customer[0] == '\0' && step->result->n_disclosures == 1)
		print_pseudonym(step->result->disclosures[0]->customer, row->customer);
}

static struct row row_of(const struct step *step)
{
	const Kluis__Request *request = step->entry->request;
	struct row row = {.principal = request->principal, .operation = "", .purpose = "", .clause = ""};

	time_print(step->time_ms, row.time);
	row.verdict = error_name((enum err)code_of(step));
	if (request->has_employee)
		print_pseudonym(request->employee, row.employee);
	if (step->operation == NULL)
		return row;
	row.operation = step->row == NULL ? "unknown" : step->row->name;
	row.purpose = or_empty(step->operation->purpose);
	take_result(step, &row);
	return row;
}

/* ---- filters ---- */

enum err list_check_verdict(const char *text, struct fault *fault)
{
	if (strcmp(text, "ok") == 0 || strcmp(text, "refused") == 0)
		return ERR_OK;
	for (unsigned code = 0; code < 256; code++)
		if (error_is_known(code) && strcmp(error_name((enum err)code), text) == 0)
			return ERR_OK;
	return fault_set(fault, ERR_USAGE,
			 "--verdict: '%.40s' is neither ok, refused nor a reason such as scope or hours", text);
}

static bool names_customer(const struct step *step, struct slice customer)
{
	ProtobufCBinaryData asked;

	if (step->result == NULL)
		return false;
	if (step->result->has_customer && slice_equal(wire_slice(step->result->customer), customer))
		return true;
	if (asked_customer(step->operation, &asked) && slice_equal(wire_slice(asked), customer))
		return true;
	for (size_t i = 0; i < step->result->n_disclosures; i++)
		if (slice_equal(wire_slice(step->result->disclosures[i]->customer), customer))
			return true;
	return false;
}

static bool has_verdict(const struct step *step, const char *verdict)
{
	uint32_t code = code_of(step);

	if (strcmp(verdict, "refused") == 0)
		return code != ERR_OK;
	return strcmp(error_name((enum err)code), verdict) == 0;
}

/* Operations on a store count as the store's, too: opening, inviting, drafting, suspending it. */
static bool is_about_store(const struct step *step, uint32_t store)
{
	const Kluis__Operation *operation = step->operation;

	if (step->entry->principal.kind == PRINCIPAL_STORE)
		return step->entry->principal.store == store;
	if (operation == NULL)
		return false;
	if (operation->kind_case == KLUIS__OPERATION__KIND_OPEN_STORE)
		return operation->open_store->store == store;
	if (operation->kind_case == KLUIS__OPERATION__KIND_DRAFT)
		return operation->draft->store == store;
	if (operation->kind_case == KLUIS__OPERATION__KIND_STANDING)
		return operation->standing->store == store;
	if (operation->kind_case == KLUIS__OPERATION__KIND_STAFF)
		return operation->staff->has_store && operation->staff->store == store;
	return false;
}

static bool passes(const struct list_filter *filter, const struct step *step)
{
	const Kluis__Request *request = step->entry->request;
	const char *purpose = step->operation == NULL ? "" : or_empty(step->operation->purpose);
	const char *operation = step->row == NULL ? "" : step->row->name;

	if (filter->has_store && !is_about_store(step, filter->store))
		return false;
	if (filter->has_employee &&
	    (!request->has_employee || !slice_equal(wire_slice(request->employee), SLICE_ARRAY(filter->employee))))
		return false;
	if (filter->has_customer && !names_customer(step, SLICE_ARRAY(filter->customer)))
		return false;
	if (filter->purpose != NULL && strcmp(filter->purpose, purpose) != 0)
		return false;
	if (filter->operation != NULL && strcmp(filter->operation, operation) != 0)
		return false;
	if (filter->verdict != NULL && !has_verdict(step, filter->verdict))
		return false;
	return step->time_ms >= filter->from_ms && (filter->until_ms == 0 || step->time_ms < filter->until_ms);
}

/* ---- the table ---- */

#define TABLE_FORMAT "%-19s  %8s  %-14s  %-8s  %-14s  %-14s  %-9s  %s"

/* "store 12", "head office", "auditor jan": the origin is the same everywhere. */
static void print_who(const struct step *step, char *ret_text, size_t size)
{
	const struct principal *principal = &step->entry->principal;

	if (principal->kind == PRINCIPAL_STORE)
		snprintf(ret_text, size, "store %" PRIu32, principal->store);
	else if (principal->kind == PRINCIPAL_AUDITOR)
		snprintf(ret_text, size, "auditor %.*s", (int)principal->auditor.length,
			 (const char *)principal->auditor.data);
	else
		snprintf(ret_text, size, "head office");
}

/* One customer by the beginning of the pseudonym, or how many. */
static void print_customers(const struct row *row, char *ret_text, size_t size)
{
	if (row->disclosed + row->withheld > 1)
		snprintf(ret_text, size, "%" PRIu64, row->disclosed + row->withheld);
	else
		snprintf(ret_text, size, "%.*s", SHORT, row->customer);
}

static enum err print_table(struct list *list, const struct step *step, const struct row *row)
{
	char who[80], customers[32], index[24], short_employee[SHORT + 1], outcome[300], purpose[NAME_MAX_ + 1];
	bool is_refused = code_of(step) != ERR_OK;

	print_who(step, who, sizeof who);
	print_customers(row, customers, sizeof customers);
	snprintf(index, sizeof index, "%" PRIu64, step->index);
	snprintf(short_employee, sizeof short_employee, "%.*s", SHORT, row->employee);
	snprintf(purpose, sizeof purpose, "%s", row->purpose);
	snprintf(outcome, sizeof outcome, "%s%s%s", row->verdict, row->clause[0] != '\0' ? ": " : "", row->clause);
	text_clean(purpose);
	text_clean(outcome);
	/* the time to the second: 2026-11-22T16:13:32 */
	fprintf(list->file, "%s%.19s  %8s  %-14s  %-8s  %-14s  %-14s  %-9s  %s%s\n",
		list->is_coloured && is_refused ? RED : "", row->time, index, who, short_employee, row->operation,
		purpose, customers, outcome, list->is_coloured && is_refused ? PLAIN : "");
	return ERR_OK;
}

/* ---- CSV ---- */

static void print_csv_cell(FILE *file, const char *text, char end)
{
	bool is_quoted = strpbrk(text, ",\"\r\n") != NULL;

	if (is_quoted)
		fputc('"', file);
	for (; *text != '\0'; text++) {
		if (*text == '"')
			fputc('"', file);
		fputc(*text, file);
	}
	if (is_quoted)
		fputc('"', file);
	if (end == '\n')
		fputc('\r', file);
	fputc(end, file);
}

static enum err print_csv(struct list *list, const struct step *step, const struct row *row)
{
	char index[24], number[24], disclosed[24], withheld[24], record[24] = "";
	const char *cells[] = {row->time,      index,	     number,	   row->principal, row->employee,
			       row->operation, row->purpose, row->verdict, row->clause,	   row->customer,
			       disclosed,      withheld,     record};
	size_t count = sizeof cells / sizeof cells[0];

	snprintf(index, sizeof index, "%" PRIu64, step->index);
	snprintf(number, sizeof number, "%zu", step->number);
	snprintf(disclosed, sizeof disclosed, "%" PRIu64, row->disclosed);
	snprintf(withheld, sizeof withheld, "%" PRIu64, row->withheld);
	if (row->record != 0)
		snprintf(record, sizeof record, "%" PRIu64, row->record);
	for (size_t i = 0; i < count; i++)
		print_csv_cell(list->file, cells[i], i + 1 < count ? ',' : '\n');
	return ERR_OK;
}

/* ---- JSON ---- */

/* The charter whose numbers the step's fields are. */
static const struct charter *charter_of(const struct state *state, const struct step *step)
{
	const struct paper_text *paper = step->store == NULL ? NULL : step->store->current.paper;

	return paper != NULL && paper->agreement_charter != NULL ? paper->agreement_charter : state->charter;
}

static json_t *json_fields(const struct charter *charter, uint64_t fields)
{
	json_t *names = json_array();

	for (uint32_t number = 1; number <= FIELDS_MAX; number++) {
		const struct charter_field *field = charter == NULL ? NULL : charter_field_by_number(charter, number);

		if ((fields >> (number - 1) & 1) == 0)
			continue;
		json_array_append_new(names, field == NULL ? json_integer(number) : json_string(field->name));
	}
	return names;
}

static json_t *json_disclosure(const struct charter *charter, const Kluis__Disclosure *disclosure)
{
	char pseudonym[2 * PSEUDONYM_SIZE + 1];

	print_pseudonym(disclosure->customer, pseudonym);
	if (!disclosure->has_commitment)
		return json_pack("{s:s, s:s}", "customer", pseudonym, "withheld",
				 error_name((enum err)disclosure->withheld));
	return json_pack("{s:s, s:i, s:i, s:o}", "customer", pseudonym, "version", (int)disclosure->version, "grant",
			 (int)disclosure->grant, "fields", json_fields(charter, disclosure->fields));
}

static void set_text(json_t *object, const char *key, const char *text)
{
	json_object_set_new(object, key, text[0] == '\0' ? json_null() : json_string(text));
}

static void set_disclosures(json_t *object, const struct charter *charter, const Kluis__Result *result)
{
	json_t *disclosures;

	if (result == NULL || result->n_disclosures == 0)
		return;
	disclosures = json_array();
	for (size_t i = 0; i < result->n_disclosures; i++)
		json_array_append_new(disclosures, json_disclosure(charter, result->disclosures[i]));
	json_object_set_new(object, "disclosures", disclosures);
}

static enum err print_json(struct list *list, const struct state *state, const struct step *step, const struct row *row)
{
	json_t *object = json_object();
	int status;

	set_text(object, "time", row->time);
	json_object_set_new(object, "entry", json_integer((json_int_t)step->index));
	json_object_set_new(object, "number", json_integer((json_int_t)step->number));
	set_text(object, "principal", row->principal);
	if (step->entry->principal.kind == PRINCIPAL_STORE)
		json_object_set_new(object, "store", json_integer(step->entry->principal.store));
	set_text(object, "employee", row->employee);
	set_text(object, "operation", row->operation);
	set_text(object, "purpose", row->purpose);
	set_text(object, "verdict", row->verdict);
	set_text(object, "clause", row->clause);
	set_text(object, "customer", row->customer);
	json_object_set_new(object, "disclosed", json_integer((json_int_t)row->disclosed));
	json_object_set_new(object, "withheld", json_integer((json_int_t)row->withheld));
	set_disclosures(object, charter_of(state, step), step->result);
	if (row->record != 0)
		json_object_set_new(object, "record", json_integer((json_int_t)row->record));
	if (row->record != 0 && row->source != UINT64_MAX)
		json_object_set_new(object, "source", json_integer((json_int_t)row->source));
	status = json_dumpf(object, list->file, JSON_COMPACT);
	json_decref(object);
	fputc('\n', list->file);
	return status == 0 ? ERR_OK : ERR_IO;
}

/* ---- all ---- */

enum err list_begin(struct list *list)
{
	list->rows = 0;
	if (list->form == LIST_TABLE)
		fprintf(list->file, TABLE_FORMAT "\n", "time (UTC)", "entry", "who", "employee", "operation", "purpose",
			"customer", "verdict");
	if (list->form == LIST_CSV)
		fputs("time,entry,number,principal,employee,operation,purpose,verdict,clause,customer,disclosed,"
		      "withheld,record"
		      "\r\n",
		      list->file);
	return ferror(list->file) ? ERR_IO : ERR_OK;
}

static enum err print_row(struct list *list, const struct state *state, const struct step *step, const struct row *row,
			  struct fault *fault)
{
	list->rows++;
	if (list->form == LIST_JSON)
		TRY(print_json(list, state, step, row));
	else
		TRY(list->form == LIST_CSV ? print_csv(list, step, row) : print_table(list, step, row));
	if (ferror(list->file))
		return fault_set(fault, ERR_IO, "cannot write the list");
	return ERR_OK;
}

/* ---- local accesses ---- */

/* A record of a store's journal in the form of an operation of its own, so that it is filtered and printed as one. */
struct local_step {
	struct step step;
	Kluis__Request request;
	struct entry entry;
	Kluis__Operation operation;
	Kluis__Result result;
	Kluis__Disclosure disclosure;
	Kluis__Disclosure *disclosures[1];
	struct store_fact store;
	char clause[CLAUSE_MAX + 1];
};

/* What the record's agreement calls its grant, and what its fields mean. */
static void take_agreement(const struct state *state, const Kluis__JournalRecord *record, struct local_step *local)
{
	struct paper_text *paper = state_paper(state, wire_slice(record->agreement));

	local->store.current.paper = paper;
	if (paper == NULL || paper->agreement == NULL || !record->has_grant ||
	    record->grant >= paper->agreement->grant_count)
		return;
	snprintf(local->clause, sizeof local->clause, "grant %s", paper->agreement->grants[record->grant].name);
	local->result.clause = local->clause;
}

static void take_shown(const Kluis__JournalRecord *record, struct local_step *local)
{
	local->result.code = record->code;
	local->result.has_customer = record->has_customer;
	local->result.customer = record->customer;
	if (record->code != ERR_OK)
		return;
	kluis__disclosure__init(&local->disclosure);
	local->disclosure.customer = record->customer;
	local->disclosure.version = record->version;
	local->disclosure.fields = record->fields;
	local->disclosure.grant = record->grant;
	local->disclosure.has_commitment = true;
	local->disclosures[0] = &local->disclosure;
	local->result.disclosures = local->disclosures;
	local->result.n_disclosures = 1;
}

static void local_init(const struct state *state, const struct step *step, const Kluis__JournalRecord *record,
		       struct local_step *local)
{
	*local = (struct local_step){.step = *step, .request = *step->entry->request, .entry = *step->entry};
	kluis__operation__init(&local->operation);
	kluis__result__init(&local->result);
	local->request.has_employee = true;
	local->request.employee = record->employee;
	local->entry.request = &local->request;
	local->operation.kind_case = step->operation->kind_case;
	local->operation.purpose = record->purpose;
	local->step.time_ms = record->time_ms;
	local->step.entry = &local->entry;
	local->step.operation = &local->operation;
	local->step.result = &local->result;
	local->step.store = &local->store;
	take_agreement(state, record, local);
	take_shown(record, local);
}

static enum err list_record(struct list *list, const struct state *state, const struct step *step, struct slice encoded,
			    struct arena *arena, struct fault *fault)
{
	const Kluis__JournalRecord *record;
	struct local_step local;
	struct row row;

	TRY(journal_record_decode(encoded, arena, &record, fault));
	local_init(state, step, record, &local);
	if (!passes(&list->filter, &local.step))
		return ERR_OK;
	row = row_of(&local.step);
	row.record = record->number;
	row.source = record->has_entry ? record->entry : UINT64_MAX;
	return print_row(list, state, &local.step, &row, fault);
}

static enum err list_records(struct list *list, const struct state *state, const struct step *step, struct fault *fault)
{
	const Kluis__LocalAccess *access = step->operation->local_access;
	struct arena arena CLEANUP(arena_fini) = {0};

	arena_init(&arena, REQUEST_ARENA_MAX);
	for (size_t i = 0; i < access->n_records; i++)
		TRY(list_record(list, state, step, wire_slice(access->records[i]), &arena, fault));
	return ERR_OK;
}

/* An upload that was taken is its records; one that was refused is an operation like others. */
static bool has_records(const struct step *step)
{
	return step->operation != NULL && step->operation->kind_case == KLUIS__OPERATION__KIND_LOCAL_ACCESS &&
	       step->result->code == ERR_OK;
}

enum err list_step(void *context, const struct state *state, const struct step *step, struct fault *fault)
{
	struct list *list = context;
	struct row row;

	if (has_records(step))
		return list_records(list, state, step, fault);
	if (!passes(&list->filter, step))
		return ERR_OK;
	row = row_of(step);
	return print_row(list, state, step, &row, fault);
}
