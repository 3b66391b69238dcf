/*
 * Protobuf in and out (FORMAT.md section 4): the only place that calls
 * protobuf-c. Decoding is strict: unknown fields at any depth, missing required
 * fields, more than MESSAGE_MAX bytes, a string that is not UTF-8 or has a control
 * character other than newline, and anything that does not encode back to the
 * same bytes are refused, so one message has one meaning and one form.
 *
 * Threads: any thread; arena and bytes belong to the caller.
 */
#ifndef KLUIS_WIRE_H
#define KLUIS_WIRE_H

#include <protobuf-c/protobuf-c.h>

#include "kluis/arena.h"

#include "kluis.pb-c.h"

/* Appends the message's encoding to ret_bytes. Encoding is deterministic:
 * fields in order of number. ERR_TOO_LARGE at the buffer's maximum. */
enum err wire_encode(const ProtobufCMessage *message, struct bytes *ret_bytes) MUST_USE;

/* The size that wire_encode appends. */
size_t wire_size(const ProtobufCMessage *message);

/* Decodes into the arena: *ret_message and all it points to live as long as
 * the arena. ERR_INPUT if it is not exactly one strict message of that type,
 * ERR_TOO_LARGE over MESSAGE_MAX or at the arena's ceiling, ERR_MEMORY. */
enum err wire_decode(const ProtobufCMessageDescriptor *type, struct slice slice, struct arena *arena,
		     ProtobufCMessage **ret_message) MUST_USE;

/* WIRE_DECODE(Envelope, envelope, slice, arena, &envelope) with the right casts:
 * decodes a Kluis__<Type>, whose descriptor is kluis__<name>__descriptor. */
#define WIRE_DECODE(type, name, slice, arena, ret)                                                                     \
	wire_decode(&kluis__##name##__descriptor, (slice), (arena),                                                    \
		    (ProtobufCMessage **)(void *)(Kluis__##type **)(ret))

/* A protobuf bytes field as a slice, and back (the field then points to the
 * slice's bytes and does not own them). */
struct slice wire_slice(ProtobufCBinaryData data);
ProtobufCBinaryData wire_data(struct slice slice);

#endif
