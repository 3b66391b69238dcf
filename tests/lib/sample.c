#include "sample.h"

#include <assert.h>
#include <string.h>

#include "kluis/agreement.h"
#include "kluis/hash.h"

static void *take(void *place)
{
	assert(place != NULL); /* tests give their arenas enough */
	return place;
}

ProtobufCBinaryData sample_bytes(struct arena *arena, uint8_t value, size_t count)
{
	uint8_t *data = take(arena_alloc(arena, count));

	memset(data, value, count);
	return wire_data(SLICE(data, count));
}

static char *text(struct arena *arena, const char *source)
{
	return take(arena_text(arena, slice_text(source)));
}

/* Values { 1: "J. de Vries" } */
static const uint8_t content[] = {0x0a, 0x0f, 0x08, 0x01, 0x12, 0x0b, 'J', '.', ' ',
				  'd',	'e',  ' ',  'V',  'r',	'i',  'e', 's'};

Kluis__Part *sample_part(struct arena *arena)
{
	Kluis__Part *part = take(arena_alloc(arena, sizeof *part));

	kluis__part__init(part);
	part->salt = sample_bytes(arena, 0x5a, SALT_SIZE);
	part->content = wire_data(SLICE_ARRAY(content));
	return part;
}

static ProtobufCBinaryData commitment(struct arena *arena)
{
	uint8_t salt[SALT_SIZE];
	uint8_t *place = take(arena_alloc(arena, HASH_SIZE));

	memset(salt, 0x5a, sizeof salt);
	commitment_make(salt, SLICE_ARRAY(content), place);
	return wire_data(SLICE(place, HASH_SIZE));
}

/* Finds the field of a message by name, or NULL. */
static const ProtobufCFieldDescriptor *field_named(const ProtobufCMessage *message, const char *name)
{
	for (unsigned i = 0; i < message->descriptor->n_fields; i++)
		if (strcmp(message->descriptor->fields[i].name, name) == 0)
			return &message->descriptor->fields[i];
	return NULL;
}

/* What any bytes field of the schema's operations holds, by its name. */
static const struct {
	const char *name;
	size_t size;
} byte_fields[] = {
	{"public_key", KEY_SIZE},     {"id", PSEUDONYM_SIZE},	     {"customer", PSEUDONYM_SIZE},
	{"employee", PSEUDONYM_SIZE}, {"hash", HASH_SIZE},	     {"agreement", HASH_SIZE},
	{"code_hash", HASH_SIZE},     {"signature", SIGNATURE_SIZE}, {"import", HASH_SIZE},
	{"after", PSEUDONYM_SIZE},
};

static void set_bytes(ProtobufCMessage *message, struct arena *arena)
{
	for (size_t i = 0; i < sizeof byte_fields / sizeof byte_fields[0]; i++) {
		const ProtobufCFieldDescriptor *field = field_named(message, byte_fields[i].name);
		ProtobufCBinaryData value = sample_bytes(arena, (uint8_t)(0xc0 + i), byte_fields[i].size);

		if (field != NULL && field->type == PROTOBUF_C_TYPE_BYTES)
			memcpy((uint8_t *)message + field->offset, &value, sizeof value);
	}
	if (field_named(message, "commitment") != NULL) {
		ProtobufCBinaryData value = commitment(arena);

		memcpy((uint8_t *)message + field_named(message, "commitment")->offset, &value, sizeof value);
	}
}

static void set_texts(ProtobufCMessage *message, struct arena *arena)
{
	static const struct {
		const char *name, *value;
	} texts[] = {
		{"role", "cashier"},	 {"name", "Store 12, Utrecht"},
		{"country", "NL"},	 {"principal", SAMPLE_ORIGIN "/store/12"},
		{"reason", "audit due"},
	};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		const ProtobufCFieldDescriptor *field = field_named(message, texts[i].name);
		char *value = text(arena, texts[i].value);

		if (field != NULL && field->type == PROTOBUF_C_TYPE_STRING)
			memcpy((uint8_t *)message + field->offset, &value, sizeof value);
	}
}

/* Every number is 1, which is within all bounds; optional fields are there. */
static void set_numbers(ProtobufCMessage *message)
{
	for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
		const protobuf_c_boolean yes = 1;
		const uint64_t wide = 1;
		const uint32_t narrow = 1;
		uint8_t *place = (uint8_t *)message + field->offset;

		if (field->type == PROTOBUF_C_TYPE_UINT64 || field->type == PROTOBUF_C_TYPE_FIXED64)
			memcpy(place, &wide, sizeof wide);
		if (field->type == PROTOBUF_C_TYPE_UINT32 || field->type == PROTOBUF_C_TYPE_SINT32 ||
		    field->type == PROTOBUF_C_TYPE_BOOL)
			memcpy(place, &narrow, sizeof narrow);
		if (field->label == PROTOBUF_C_LABEL_OPTIONAL && field->quantifier_offset != 0)
			memcpy((uint8_t *)message + field->quantifier_offset, &yes, sizeof yes);
	}
}

static Kluis__ConsentState *consent_state(struct arena *arena)
{
	Kluis__ConsentState *state = take(arena_alloc(arena, sizeof *state));

	kluis__consent_state__init(state);
	state->purpose = text(arena, "marketing");
	state->status = 4;
	return state;
}

static void fill_purge(Kluis__Operation *operation, struct arena *arena)
{
	(void)arena;
	operation->purge->reason = ERR_ERASED; /* it names a customer */
}

static void fill_consent(Kluis__Operation *operation, struct arena *arena)
{
	operation->consent->state = consent_state(arena);
}

static void fill_registration(Kluis__Operation *operation, struct arena *arena)
{
	operation->registration->n_consents = 1;
	operation->registration->consents = take(arena_array(arena, 1, sizeof(void *)));
	operation->registration->consents[0] = consent_state(arena);
}

static Kluis__JournalEnd *journal_end(struct arena *arena)
{
	Kluis__JournalEnd *end = take(arena_alloc(arena, sizeof *end));

	kluis__journal_end__init(end);
	end->number = 1;
	end->hash = sample_bytes(arena, 0xd0, HASH_SIZE);
	return end;
}

static ProtobufCBinaryData journal_record(struct arena *arena)
{
	Kluis__JournalRecord *record = take(arena_alloc(arena, sizeof *record));
	struct bytes bytes CLEANUP(bytes_fini) = {0};
	enum err err;

	kluis__journal_record__init(record);
	set_numbers(&record->base);
	set_bytes(&record->base, arena);
	record->before = sample_bytes(arena, 0, HASH_SIZE);
	record->seen_root = sample_bytes(arena, 0xd1, HASH_SIZE);
	record->purpose = text(arena, "service");
	record->code = ERR_OK;
	bytes_init(&bytes, JOURNAL_RECORD_MAX);
	err = wire_encode(&record->base, &bytes);
	assert(err == ERR_OK);
	return wire_data(SLICE(take(arena_copy(arena, bytes_slice(&bytes))), bytes.length));
}

static void fill_local_access(Kluis__Operation *operation, struct arena *arena)
{
	operation->local_access->n_records = 1;
	operation->local_access->records = take(arena_array(arena, 1, sizeof(ProtobufCBinaryData)));
	operation->local_access->records[0] = journal_record(arena);
	operation->local_access->end = journal_end(arena);
}

static void fill_lease(Kluis__Operation *operation, struct arena *arena)
{
	operation->lease->end = journal_end(arena);
}

static void fill_subject_request(Kluis__Operation *operation, struct arena *arena)
{
	(void)arena;
	operation->subject_request->right = 17; /* erasure */
}

static void fill_watch(Kluis__Operation *operation, struct arena *arena)
{
	Kluis__WatchRow *known = take(arena_alloc(arena, sizeof *known));

	kluis__watch_row__init(known);
	known->change = 1;
	known->agreement = sample_bytes(arena, 0xd2, HASH_SIZE);
	known->state = AGREEMENT_ACTIVE;
	known->candidate = known->trust = wire_data(SLICE_EMPTY);
	known->roster = sample_bytes(arena, 0xd3, HASH_SIZE);
	operation->watch->known = known;
}

static void fill_cosign(Kluis__Operation *operation, struct arena *arena)
{
	operation->cosign->signature = sample_bytes(arena, 0xd4, COSIGNATURE_SIZE);
}

/* What a message has beyond numbers, bytes and texts by name. */
static const struct {
	Kluis__Operation__KindCase kind;
	void (*fill)(Kluis__Operation *operation, struct arena *arena);
} fillers[] = {
	{KLUIS__OPERATION__KIND_PURGE, fill_purge},
	{KLUIS__OPERATION__KIND_CONSENT, fill_consent},
	{KLUIS__OPERATION__KIND_REGISTRATION, fill_registration},
	{KLUIS__OPERATION__KIND_LOCAL_ACCESS, fill_local_access},
	{KLUIS__OPERATION__KIND_LEASE, fill_lease},
	{KLUIS__OPERATION__KIND_SUBJECT_REQUEST, fill_subject_request},
	{KLUIS__OPERATION__KIND_WATCH, fill_watch},
	{KLUIS__OPERATION__KIND_COSIGN, fill_cosign},
};

Kluis__Operation *sample_operation(Kluis__Operation__KindCase kind, struct arena *arena)
{
	Kluis__Operation *operation = take(arena_alloc(arena, sizeof *operation));
	const ProtobufCFieldDescriptor *member = NULL;
	ProtobufCMessage *message;

	kluis__operation__init(operation);
	for (unsigned i = 0; i < kluis__operation__descriptor.n_fields; i++)
		if (kluis__operation__descriptor.fields[i].id == (uint32_t)kind)
			member = &kluis__operation__descriptor.fields[i];
	assert(member != NULL);
	message = take(arena_alloc(arena, ((const ProtobufCMessageDescriptor *)member->descriptor)->sizeof_message));
	((const ProtobufCMessageDescriptor *)member->descriptor)->message_init(message);
	set_numbers(message);
	set_bytes(message, arena);
	set_texts(message, arena);
	operation->purpose = text(arena, "service");
	operation->kind_case = kind;
	memcpy((uint8_t *)operation + member->offset, &message, sizeof(void *));
	for (size_t i = 0; i < sizeof fillers / sizeof fillers[0]; i++)
		if (fillers[i].kind == kind)
			fillers[i].fill(operation, arena);
	return operation;
}

const ProtobufCFieldDescriptor *sample_kind(unsigned ordinal)
{
	for (unsigned i = 0; i < kluis__operation__descriptor.n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &kluis__operation__descriptor.fields[i];

		if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 && ordinal-- == 0)
			return field;
	}
	return NULL;
}

/* ---- a journal's record ---- */

Kluis__JournalRecord sample_record(void)
{
	static uint8_t thirty_two[HASH_SIZE], sixteen[PSEUDONYM_SIZE];
	static char service[] = "service";
	Kluis__JournalRecord record = KLUIS__JOURNAL_RECORD__INIT;

	record.number = 8;
	record.time_ms = 5000000;
	record.before = record.seen_root = record.agreement = wire_data(SLICE_ARRAY(thirty_two));
	record.seen_size = 40;
	record.employee = record.customer = wire_data(SLICE_ARRAY(sixteen));
	record.purpose = service;
	record.field = 3;
	record.has_customer = record.has_version = record.has_fields = record.has_grant = record.has_entry = 1;
	record.version = 1;
	record.fields = 7;
	record.entry = 12;
	return record;
}
