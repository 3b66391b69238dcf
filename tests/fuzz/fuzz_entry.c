/* What opens as an entry encodes again to the same bytes and keeps its time's place; a reply around it is believed only
 * if it is about the request that was sent. */
#include <stdlib.h>
#include <string.h>

#include "kluis/entry.h"
#include "kluis/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_encoding(const struct entry *entry, struct slice expected)
{
	struct bytes again CLEANUP(bytes_fini);

	bytes_init(&again, ENTRY_MAX);
	if (entry_encode(entry->decoded, &again) != ERR_OK || !slice_equal(bytes_slice(&again), expected))
		abort();
	entry_set_time(again.data, again.length, entry->decoded->time_ms);
	if (!slice_equal(bytes_slice(&again), expected))
		abort();
}

static void check_entry(struct slice bytes)
{
	struct arena arena CLEANUP(arena_fini);
	struct fault fault = {0};
	struct entry entry;

	arena_init(&arena, REQUEST_ARENA_MAX);
	if (entry_open(bytes, &arena, &entry, &fault) == ERR_OK)
		check_encoding(&entry, bytes);
	else if (fault.text[0] == '\0')
		abort();
}

/* The agent's check of the same bytes as a reply, to whatever request they claim to answer. */
static void check_reply(struct slice bytes)
{
	struct arena arena CLEANUP(arena_fini);
	struct entry claimed, entry;
	Kluis__Reply *reply;
	enum err err;

	arena_init(&arena, REQUEST_ARENA_MAX);
	if (WIRE_DECODE(Reply, reply, bytes, &arena, &reply) != ERR_OK || !reply->has_entry ||
	    entry_open(wire_slice(reply->entry), &arena, &claimed, NULL) != ERR_OK)
		return;
	err = reply_check(reply, wire_slice(claimed.decoded->request), wire_slice(claimed.decoded->signature), &arena,
			  &entry, NULL);
	/* values come only with an entry that discloses */
	if (err == ERR_OK && reply->personal != NULL && reply->personal->n_parts > 0 &&
	    (reply->code != ERR_OK || claimed.decoded->code != ERR_OK))
		abort();
	if (reply_check(reply, SLICE("another request", 15), wire_slice(claimed.decoded->signature), &arena, &entry,
			NULL) != ERR_MISMATCH)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_entry(SLICE(data, size));
	check_reply(SLICE(data, size));
	return 0;
}
