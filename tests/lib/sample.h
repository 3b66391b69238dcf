/*
 * Valid messages of every kind, to be sent as they are or spoilt in one place.
 * Everything is fixed, so that the same bytes come out each time.
 */
#ifndef TEST_SAMPLE_H
#define TEST_SAMPLE_H

#include "kluis/arena.h"
#include "kluis/wire.h"

#define SAMPLE_ORIGIN "loyalty.example/formula"

/* count bytes of value, living in the arena. */
ProtobufCBinaryData sample_bytes(struct arena *arena, uint8_t value, size_t count);

/* A valid operation of the kind, all optional fields set; a commitment in it opens by sample_part. */
Kluis__Operation *sample_operation(Kluis__Operation__KindCase kind, struct arena *arena);

/* The part that opens each sample operation's commitment. */
Kluis__Part *sample_part(struct arena *arena);
/* The i-th kind of operation that the schema has; NULL after the last. */
const ProtobufCFieldDescriptor *sample_kind(unsigned ordinal);

/* A journal's record of an access as it should be: number 8, at second 5000. */
Kluis__JournalRecord sample_record(void);

#endif
