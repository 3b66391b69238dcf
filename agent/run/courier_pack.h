/*
 * Which of the waiting items go together in the next envelope: in order, of one employee, within the bounds of a
 * request, leaving out what is held back and what must stay behind it; of one customer only items of one kind and
 * purpose.
 *
 * Threads: the courier's.
 */
#ifndef KLUIS_AGENT_COURIER_PACK_H
#define KLUIS_AGENT_COURIER_PACK_H

#include "run/courier.h"

/* Items that were refused for a reason that passes, each with the time until which it is not tried again. */
struct courier_held {
	struct courier_hold {
		uint64_t number, until_ms, delay_ms;
	} * items; /* ascending by number */
	size_t count, capacity;
	/* courier_pack's: nothing may go before then, unless the outbox changes */
	uint64_t idle_until_ms, idle_changes;
};
void courier_held_fini(struct courier_held *held);
/* The item waits a second, twice as long each further time, at most ten minutes. When memory is short it simply is
 * tried again sooner. */
void courier_hold(struct courier_held *held, uint64_t number, uint64_t now_ms);
void courier_release(struct courier_held *held, uint64_t number);

/* The store as a whole is refused: nothing goes for a second, twice as long each further time, at most ten minutes, or
 * until agreement or state are others. */
struct courier_pause {
	uint64_t until_ms, length_ms; /* length 0: none; set so when something was taken */
	uint8_t agreement[HASH_SIZE];
	enum agreement_state state;
};
void courier_pause_begin(struct courier_pause *pause, const uint8_t agreement[static HASH_SIZE],
			 enum agreement_state state, uint64_t now_ms);
bool courier_pause_is_on(struct courier_pause *pause, const uint8_t agreement[static HASH_SIZE],
			 enum agreement_state state, uint64_t now_ms);

struct courier_pack {
	size_t count;
	uint64_t numbers[COURIER_ITEMS_MAX];
	Kluis__Operation *operations[COURIER_ITEMS_MAX];
	size_t part_count;
	Kluis__Part *parts[COURIER_ITEMS_MAX];
	struct slice employee; /* 16 bytes or empty, in the arena */
};
/* Takes at most limit items; what they point to lives in the arena. However many are held back, the others go. A count
 * of 0: nothing may go now; asked again, it looks at the items only once one is due or the outbox has changed. */
enum err courier_pack(struct outbox *outbox, struct courier_held *held, uint64_t now_ms, size_t limit,
		      struct arena *arena, struct courier_pack *ret_pack) MUST_USE;

/* Do both encode to the same bytes? */
bool courier_is_same(const Kluis__Operation *a, const Kluis__Operation *b);

#endif
