#include "kluis/wire.h"

#include <string.h>

#include "kluis/limits.h"

/* protobuf-c allocates here, and cannot say why it failed. */
struct wire_memory {
	struct arena *arena;
	enum err failure;
};

static void *memory_alloc(void *context, size_t size)
{
	struct wire_memory *memory = context;
	bool fits = size <= memory->arena->ceiling - memory->arena->used;
	void *place = arena_alloc(memory->arena, size);

	if (place == NULL)
		memory->failure = fits ? ERR_MEMORY : ERR_TOO_LARGE;
	return place;
}

static void memory_free(void *context, void *place)
{
	(void)context;
	(void)place;
}

size_t wire_size(const ProtobufCMessage *message)
{
	return protobuf_c_message_get_packed_size(message);
}

enum err wire_encode(const ProtobufCMessage *message, struct bytes *ret_bytes)
{
	uint8_t *place;

	TRY(bytes_reserve(ret_bytes, wire_size(message), &place));
	ret_bytes->length += protobuf_c_message_pack(message, place);
	return ERR_OK;
}

/* Takes an encoding as it is made and compares it with what is expected, without storing it. */
struct comparison {
	ProtobufCBuffer base;
	struct slice rest;
	bool is_different;
};

static void compare_append(ProtobufCBuffer *buffer, size_t length, const uint8_t *data)
{
	struct comparison *comparison = (struct comparison *)buffer;
	struct slice *rest = &comparison->rest;

	if (length == 0)
		return;
	if (comparison->is_different || length > rest->length || memcmp(rest->data, data, length) != 0) {
		comparison->is_different = true;
		return;
	}
	*rest = SLICE(rest->data + length, rest->length - length);
}

static bool encodes_to(const ProtobufCMessage *message, struct slice expected)
{
	struct comparison comparison = {.base = {.append = compare_append}, .rest = expected};

	protobuf_c_message_pack_to_buffer(message, &comparison.base);
	return !comparison.is_different && comparison.rest.length == 0;
}

static bool is_strict(const ProtobufCMessage *message);

static bool is_strict_value(const ProtobufCFieldDescriptor *field, const void *value)
{
	const char *const *text = value;
	const ProtobufCMessage *const *message = value;

	if (field->type == PROTOBUF_C_TYPE_STRING)
		return *text == NULL || slice_is_text(slice_text(*text), true);
	return *message == NULL || is_strict(*message);
}

/* Strings and messages of one field, however many it has. */
static bool is_strict_field(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	const uint8_t *base = (const uint8_t *)message;
	const void *const *values;
	size_t count;

	if (field->label != PROTOBUF_C_LABEL_REPEATED)
		return is_strict_value(field, base + field->offset);
	memcpy(&count, base + field->quantifier_offset, sizeof(count));
	memcpy(&values, base + field->offset, sizeof(values));
	for (size_t i = 0; i < count; i++) {
		if (!is_strict_value(field, &values[i]))
			return false;
	}
	return true;
}

/* True if the field belongs to a oneof of which another member is there. */
static bool is_other_case(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	uint32_t chosen;

	if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0)
		return false;
	memcpy(&chosen, (const uint8_t *)message + field->quantifier_offset, sizeof(chosen));
	return chosen != field->id;
}

/* No unknown field at any depth, and every string is text. The schema has no recursion, which bounds this one. */
static bool is_strict(const ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *type = message->descriptor;

	if (message->n_unknown_fields > 0)
		return false;
	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];

		if (field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE)
			continue;
		if (!is_other_case(message, field) && !is_strict_field(message, field))
			return false;
	}
	return true;
}

enum err wire_decode(const ProtobufCMessageDescriptor *type, struct slice slice, struct arena *arena,
		     ProtobufCMessage **ret_message)
{
	struct wire_memory memory = {.arena = arena, .failure = ERR_INPUT};
	ProtobufCAllocator allocator = {.alloc = memory_alloc, .free = memory_free, .allocator_data = &memory};
	ProtobufCMessage *message;

	if (slice.length > MESSAGE_MAX)
		return ERR_TOO_LARGE;
	message = protobuf_c_message_unpack(type, &allocator, slice.length, slice.data);
	if (message == NULL)
		return memory.failure;
	if (!is_strict(message) || !encodes_to(message, slice))
		return ERR_INPUT;
	*ret_message = message;
	return ERR_OK;
}

struct slice wire_slice(ProtobufCBinaryData data)
{
	return SLICE(data.data, data.len);
}

ProtobufCBinaryData wire_data(struct slice slice)
{
	/* protobuf-c has no const; it only reads what it encodes */
	union {
		const uint8_t *shared;
		uint8_t *plain;
	} place = {.shared = slice.data};

	return (ProtobufCBinaryData){.len = slice.length, .data = place.plain};
}
