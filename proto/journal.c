#include "kluis/journal.h"

#include <string.h>

#include "kluis/hash.h"

#define NUMBER_END ((uint64_t)1 << 63)
#define TOLERANCE_S (JOURNAL_TOLERANCE_MS / 1000)

/* ---- what a record may hold ---- */

static enum err check_size(ProtobufCBinaryData data, size_t size, const char *what, struct fault *fault)
{
	if (data.len != size)
		return fault_set(fault, ERR_INPUT, "%s has %zu bytes instead of %zu", what, data.len, size);
	return ERR_OK;
}

static enum err check_below(uint64_t value, uint64_t end, const char *what, struct fault *fault)
{
	if (value >= end)
		return fault_set(fault, ERR_INPUT, "%s is not below %llu", what, (unsigned long long)end);
	return ERR_OK;
}

static enum err check_position(const Kluis__JournalRecord *record, struct fault *fault)
{
	if (record->number == 0)
		return fault_set(fault, ERR_INPUT, "number is 0");
	TRY(check_below(record->number, NUMBER_END, "number", fault));
	TRY(check_below(record->time_ms, NUMBER_END, "time_ms", fault));
	TRY(check_size(record->before, HASH_SIZE, "before", fault));
	TRY(check_below(record->seen_size, NUMBER_END, "seen_size", fault));
	return check_size(record->seen_root, HASH_SIZE, "seen_root", fault);
}

static enum err check_request(const Kluis__JournalRecord *record, struct fault *fault)
{
	size_t length = strlen(record->purpose);

	TRY(check_size(record->agreement, HASH_SIZE, "agreement", fault));
	TRY(check_size(record->employee, PSEUDONYM_SIZE, "employee", fault));
	if (length == 0 || length > NAME_MAX_ || !slice_is_text(SLICE(record->purpose, length), false))
		return fault_set(fault, ERR_INPUT, "purpose is not a text of 1 to %d bytes", NAME_MAX_);
	TRY(check_below(record->field, FIELDS_MAX + 1, "field", fault));
	if (!error_is_known(record->code))
		return fault_set(fault, ERR_INPUT, "code is not one of FORMAT.md R9");
	return record->has_customer ? check_size(record->customer, PSEUDONYM_SIZE, "customer", fault) : ERR_OK;
}

static enum err check_shown(const Kluis__JournalRecord *record, struct fault *fault)
{
	bool has_all = record->has_customer && record->has_version && record->has_fields && record->has_grant &&
		       record->has_entry;
	bool has_any = record->has_version || record->has_fields || record->has_grant || record->has_entry;

	if (record->code != ERR_OK)
		return has_any ? fault_set(fault, ERR_INPUT, "a refused access shows something") : ERR_OK;
	if (!has_all)
		return fault_set(fault, ERR_INPUT, "an access does not say what was shown");
	if (record->version == 0)
		return fault_set(fault, ERR_INPUT, "version is 0");
	TRY(check_below(record->grant, GRANTS_MAX, "grant", fault));
	return check_below(record->entry, NUMBER_END, "entry", fault);
}

static enum err check_record(const Kluis__JournalRecord *record, struct fault *fault)
{
	TRY(check_position(record, fault));
	TRY(check_request(record, fault));
	return check_shown(record, fault);
}

enum err journal_record_decode(struct slice bytes, struct arena *arena, const Kluis__JournalRecord **ret_record,
			       struct fault *fault)
{
	Kluis__JournalRecord *record;

	if (bytes.length > JOURNAL_RECORD_MAX)
		return fault_set(fault, ERR_TOO_LARGE, "a journal record has over %d bytes", JOURNAL_RECORD_MAX);
	enum err err = WIRE_DECODE(JournalRecord, journal_record, bytes, arena, &record);
	if (err == ERR_INPUT)
		return fault_set(fault, err, "not a journal record");
	TRY(err);
	TRY(check_record(record, fault));
	*ret_record = record;
	return ERR_OK;
}

enum err journal_record_encode(const Kluis__JournalRecord *record, struct bytes *ret_bytes, struct fault *fault)
{
	TRY(check_record(record, fault));
	return wire_encode(&record->base, ret_bytes);
}

void journal_record_hash(struct slice encoded, struct hash *ret_hash)
{
	struct sha256_stream stream;

	sha256_begin(&stream);
	sha256_update(&stream, slice_text("kluis/journal/v1\n"));
	sha256_update(&stream, encoded);
	sha256_end(&stream, ret_hash->bytes);
}

/* ---- findings ---- */

static const struct finding_row rows[] = {
	{FINDING_GAP, "gap", "records before it are missing"},
	{FINDING_REWRITTEN, "rewritten", "the journal is not the one that was shown before"},
	{FINDING_DISORDER, "disorder", "its time or the log that was seen lies before the last record's"},
	{FINDING_BACKDATED, "backdated", "dated before something that it comes after"},
	{FINDING_FUTURE, "future", "dated later than it was received"},
	{FINDING_LATE, "late", "read after the lease had ended"},
	{FINDING_UNKNOWN_TREE, "unknown_tree", "the log that the store says it saw is not this log"},
	{FINDING_TWO_PLACES, "two_places", "the store's key was used from two places, or its folder was restored"},
};

const struct finding_row *finding_rows(size_t *ret_count)
{
	*ret_count = sizeof rows / sizeof rows[0];
	return rows;
}

static enum err print_one(const char *text, struct bytes *ret_text, size_t from)
{
	return bytes_printf(ret_text, "%s%s", ret_text->length > from ? "; " : "", text);
}

enum err findings_print(uint32_t findings, struct bytes *ret_text)
{
	size_t from = ret_text->length;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if ((findings & rows[i].bit) != 0)
			TRY(print_one(rows[i].text, ret_text, from));
		findings &= ~rows[i].bit;
	}
	if (findings == 0)
		return ERR_OK;
	return bytes_printf(ret_text, "%sfinding %u", ret_text->length > from ? "; " : "", findings);
}

/* ---- judging ---- */

static bool is_hash(ProtobufCBinaryData data, const struct hash *hash)
{
	return slice_equal(wire_slice(data), SLICE_ARRAY(hash->bytes));
}

static bool is_earlier(uint64_t time_ms, uint64_t than_ms)
{
	return time_ms / 1000 + TOLERANCE_S < than_ms / 1000;
}

bool journal_saw_nothing(const Kluis__JournalRecord *record)
{
	static const struct hash none;

	return record->seen_size == 0 && is_hash(record->seen_root, &none);
}

/* The commitment to a number that waits for its record, or NULL. */
static struct journal_commitment *find(struct journal_position *position, uint64_t number)
{
	for (size_t i = 0; i < position->waiting_count; i++)
		if (position->waiting[i].number == number)
			return &position->waiting[i];
	return NULL;
}

/* Whatever has this number was made after this. */
static uint64_t made_after_ms(const struct journal_position *position, uint64_t number)
{
	uint64_t after_ms = number > position->number ? position->after_ms : 0;

	for (size_t i = 0; i < position->waiting_count; i++)
		if (position->waiting[i].number < number && position->waiting[i].made_ms > after_ms)
			after_ms = position->waiting[i].made_ms;
	return after_ms;
}

/* Against the last record: its place in the chain. */
static uint32_t judge_place(const struct journal_position *position, const Kluis__JournalRecord *record,
			    const struct hash *hash)
{
	uint32_t findings = 0;

	for (size_t i = 0; i < position->waiting_count; i++)
		if (position->waiting[i].number == record->number &&
		    !slice_equal(SLICE_ARRAY(hash->bytes), SLICE_ARRAY(position->waiting[i].hash.bytes)))
			findings |= FINDING_REWRITTEN;
	if (record->number <= position->number)
		return findings | FINDING_REWRITTEN;
	if (record->number > position->number + 1)
		findings |= FINDING_GAP;
	else if (!is_hash(record->before, &position->hash))
		findings |= FINDING_REWRITTEN;
	if (record->time_ms < position->time_ms || record->seen_size < position->seen_size)
		findings |= FINDING_DISORDER;
	return findings;
}

uint32_t journal_judge(const struct journal_position *position, const Kluis__JournalRecord *record,
		       const struct hash *hash, const struct journal_facts *facts)
{
	uint32_t findings = judge_place(position, record, hash);

	if (is_earlier(record->time_ms, made_after_ms(position, record->number)) ||
	    is_earlier(record->time_ms, facts->tree_ms))
		findings |= FINDING_BACKDATED;
	if (is_earlier(facts->entry_ms, record->time_ms))
		findings |= FINDING_FUTURE;
	if (record->code == ERR_OK && facts->lease_until_ms != 0 && record->time_ms > facts->lease_until_ms)
		findings |= FINDING_LATE;
	if (!facts->is_tree_known)
		findings |= FINDING_UNKNOWN_TREE;
	return findings;
}

/* Commitments to records that are there now have become one time. */
static void fulfil(struct journal_position *position)
{
	size_t count = 0;

	position->after_ms = made_after_ms(position, position->number + 1);
	while (count < position->waiting_count && position->waiting[count].number <= position->number)
		count++;
	position->waiting_count -= count;
	memmove(position->waiting, position->waiting + count, position->waiting_count * sizeof position->waiting[0]);
}

void journal_advance(struct journal_position *position, const Kluis__JournalRecord *record, const struct hash *hash,
		     uint64_t entry_ms)
{
	if (record->number <= position->number)
		return;
	position->number = record->number;
	position->hash = *hash;
	position->time_ms = record->time_ms;
	position->seen_size = record->seen_size;
	position->taken_ms = entry_ms;
	fulfil(position);
}

/* ---- commitments ---- */

/* It was made after what it acknowledges was, and before its own entry; between these the store is believed. */
static uint64_t made_ms(const struct journal_request *request)
{
	uint64_t made_ms = request->time_ms > request->acknowledged_ms ? request->time_ms : request->acknowledged_ms;

	return made_ms < request->entry_ms ? made_ms : request->entry_ms;
}

/* Certainly made after a request whose entry has that time: a later entry is acknowledged, or both are one. Else
 * requests on two lanes may have come in in another order than they were made in. */
static bool is_after(const struct journal_request *request, uint64_t entry_ms)
{
	return request->acknowledged_ms / 1000 > entry_ms / 1000;
}

/* Does the end lie before what is known to have been, or is it another one? */
static bool contradicts(const struct journal_position *position, const Kluis__JournalEnd *end,
			const struct journal_request *request)
{
	if (end->number == position->number && !is_hash(end->hash, &position->hash))
		return true;
	if (end->number < request->brings)
		return true;
	if (end->number < position->number && is_after(request, position->taken_ms))
		return true;
	for (size_t i = 0; i < position->waiting_count; i++) {
		const struct journal_commitment *other = &position->waiting[i];
		if (end->number == other->number && !is_hash(end->hash, &other->hash))
			return true;
		if (end->number < other->number && is_after(request, other->entry_ms))
			return true;
	}
	return false;
}

static void put_between(struct journal_position *position, const struct journal_commitment *commitment)
{
	size_t i = position->waiting_count++;

	for (; i > 0 && position->waiting[i - 1].number > commitment->number; i--)
		position->waiting[i] = position->waiting[i - 1];
	position->waiting[i] = *commitment;
}

static void keep(struct journal_position *position, const Kluis__JournalEnd *end, const struct journal_request *request)
{
	struct journal_commitment commitment = {
		.number = end->number, .made_ms = made_ms(request), .entry_ms = request->entry_ms};
	struct journal_commitment *same = find(position, end->number);

	memcpy(commitment.hash.bytes, end->hash.data, HASH_SIZE);
	if (end->number <= position->number && commitment.made_ms > position->after_ms)
		position->after_ms = commitment.made_ms;
	else if (same != NULL && commitment.made_ms > same->made_ms)
		same->made_ms = commitment.made_ms;
	else if (same == NULL && end->number > position->number && position->waiting_count < JOURNAL_COMMITMENTS_MAX)
		put_between(position, &commitment);
}

uint32_t journal_commit(struct journal_position *position, const Kluis__JournalEnd *end,
			const struct journal_request *request)
{
	bool is_other = contradicts(position, end, request);

	keep(position, end, request);
	return is_other ? FINDING_REWRITTEN : 0;
}

bool journal_may_lease(const struct journal_position *position, const struct journal_request *request)
{
	return request->acknowledged_ms / 1000 >= position->leased_ms / 1000 &&
	       position->waiting_count < JOURNAL_COMMITMENTS_MAX;
}

uint64_t journal_last(const struct journal_position *position)
{
	size_t count = position->waiting_count;

	return count == 0 ? position->number : position->waiting[count - 1].number;
}
