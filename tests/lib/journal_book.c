#include "journal_book.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "action.h"

static void must(bool is_so, const char *what)
{
	if (is_so)
		return;
	fprintf(stderr, "journal_book: %s\n", what);
	abort();
}

static ProtobufCBinaryData kept(struct franchise *formula, struct slice slice)
{
	uint8_t *copy = arena_copy(&formula->arena, slice);

	must(copy != NULL, "memory");
	return wire_data(SLICE(copy, slice.length));
}

Kluis__JournalRecord book_next(struct franchise *formula, const struct book *book, const struct party *store,
			       struct slice customer, uint64_t entry)
{
	static const struct hash nothing;
	static char service[] = "service";
	Kluis__JournalRecord record = KLUIS__JOURNAL_RECORD__INIT;

	record.number = book->number + 1;
	record.time_ms = formula->now_ms;
	record.before = kept(formula, SLICE_ARRAY(book->hash.bytes));
	record.seen_root = wire_data(SLICE_ARRAY(nothing.bytes));
	record.agreement = kept(formula, SLICE_ARRAY(store->agreement));
	record.employee = kept(formula, SLICE_ARRAY(store->employee));
	record.purpose = service;
	record.field = 1;
	record.has_customer = record.has_version = record.has_fields = record.has_grant = record.has_entry = 1;
	record.customer = wire_data(customer);
	record.version = 1;
	record.fields = 1;
	record.entry = entry;
	return record;
}

ProtobufCBinaryData book_write(struct franchise *formula, struct book *book, const Kluis__JournalRecord *record)
{
	struct bytes bytes CLEANUP(bytes_fini) = {0};

	bytes_init(&bytes, RECORD_MAX);
	must(wire_encode(&record->base, &bytes) == ERR_OK, "encode");
	journal_record_hash(bytes_slice(&bytes), &book->hash);
	book->number = record->number;
	return kept(formula, bytes_slice(&bytes));
}

/* ---- what is sent ---- */

static struct action action_of(struct franchise *formula, Kluis__Operation__KindCase kind, const char *purpose)
{
	struct action action = {.operation = arena_alloc(&formula->arena, sizeof(*action.operation))};

	must(action.operation != NULL, "memory");
	kluis__operation__init(action.operation);
	action.operation->kind_case = kind;
	if (purpose != NULL)
		action.operation->purpose = arena_text(&formula->arena, slice_text(purpose));
	return action;
}

#define ACTION(type, name, KIND, purpose)                                                                              \
	struct action action = action_of(formula, KLUIS__OPERATION__KIND_##KIND, purpose);                             \
	Kluis__##type *name = action.operation->name = arena_alloc(&formula->arena, sizeof(*name));                    \
	must(name != NULL, "memory");                                                                                  \
	kluis__##name##__init(name)

static Kluis__JournalEnd *end_of(struct franchise *formula, const struct book *book)
{
	Kluis__JournalEnd *end = arena_alloc(&formula->arena, sizeof(*end));

	must(end != NULL, "memory");
	kluis__journal_end__init(end);
	end->number = book->number;
	end->hash = kept(formula, SLICE_ARRAY(book->hash.bytes));
	return end;
}

struct action action_local_access(struct franchise *formula, const struct book *book,
				  const ProtobufCBinaryData *records, size_t count)
{
	ACTION(LocalAccess, local_access, LOCAL_ACCESS, NULL);
	local_access->n_records = count;
	local_access->records = arena_array(&formula->arena, count, sizeof(*records));
	must(local_access->records != NULL, "memory");
	memcpy(local_access->records, records, count * sizeof(*records));
	local_access->end = end_of(formula, book);
	return action;
}

struct action action_lease(struct franchise *formula, const char *purpose, const struct book *book)
{
	ACTION(Lease, lease, LEASE, purpose);
	lease->end = end_of(formula, book);
	return action;
}

struct action action_purge(struct franchise *formula, const char *purpose, enum err reason)
{
	ACTION(Purge, purge, PURGE, purpose);
	purge->reason = (uint32_t)reason;
	purge->customers = 3;
	purge->time_ms = formula->now_ms;
	return action;
}

struct action action_purge_customer(struct franchise *formula, const char *purpose, struct slice customer)
{
	ACTION(Purge, purge, PURGE, purpose);
	purge->reason = ERR_ERASED;
	purge->customers = 1;
	purge->time_ms = formula->now_ms;
	purge->has_customer = 1;
	purge->customer = kept(formula, customer);
	return action;
}

struct action action_erase(struct franchise *formula, struct slice customer, uint32_t ground)
{
	ACTION(Erase, erase, ERASE, NULL);
	erase->customer = kept(formula, customer);
	erase->ground = ground;
	return action;
}

struct action action_erasures(struct franchise *formula)
{
	ACTION(Erasures, erasures, ERASURES, NULL);
	return action;
}

struct action action_holdings(struct franchise *formula)
{
	ACTION(Holdings, holdings, HOLDINGS, NULL);
	return action;
}

struct action action_findings(struct franchise *formula)
{
	ACTION(Findings, findings, FINDINGS, NULL);
	return action;
}

/* ---- what is answered ---- */

const Kluis__HoldingRow *answer_holding(struct franchise *formula, const struct answer *answer, size_t i)
{
	Kluis__HoldingRow *row = NULL;

	must(WIRE_DECODE(HoldingRow, holding_row, answer_item(answer, 0, i), &formula->arena, &row) == ERR_OK,
	     "a row of holdings");
	return row;
}

const Kluis__ErasureRow *answer_erasure(struct franchise *formula, const struct answer *answer, size_t i)
{
	Kluis__ErasureRow *row = NULL;

	must(WIRE_DECODE(ErasureRow, erasure_row, answer_item(answer, 0, i), &formula->arena, &row) == ERR_OK,
	     "a row of erasures");
	return row;
}

const Kluis__FindingRow *answer_finding(struct franchise *formula, const struct answer *answer, size_t i)
{
	Kluis__FindingRow *row = NULL;

	must(WIRE_DECODE(FindingRow, finding_row, answer_item(answer, 0, i), &formula->arena, &row) == ERR_OK,
	     "a row of findings");
	return row;
}
