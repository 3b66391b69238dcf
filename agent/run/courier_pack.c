#include "run/courier_pack.h"

#include <stdlib.h>
#include <string.h>

#include "kluis/hash.h"
#include "kluis/map.h"

#define REQUEST_ROOM 2048 /* of a request, for what is not operations */
#define PARTS_MAX (MESSAGE_MAX / 2)
#define HOLD_MS_MIN 1000
#define HOLD_MS_MAX (10 * 60 * 1000)
#define HELD_MIN 64 /* items to begin with */

/* ---- held back ---- */

/* Where the number is, or would be. */
static size_t held_place(const struct courier_held *held, uint64_t number)
{
	size_t low = 0, high = held->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		if (held->items[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct courier_hold *held_find(const struct courier_held *held, uint64_t number)
{
	size_t i = held_place(held, number);

	return i < held->count && held->items[i].number == number ? &held->items[i] : NULL;
}

void courier_held_fini(struct courier_held *held)
{
	free(held->items);
	*held = (struct courier_held){0};
}

/* Forgets those that might have been tried again long ago: of items that were thrown away. */
static void forget_old(struct courier_held *held, uint64_t now_ms)
{
	size_t kept = 0;

	for (size_t i = 0; i < held->count; i++)
		if (now_ms < held->items[i].until_ms + HOLD_MS_MAX)
			held->items[kept++] = held->items[i];
	held->count = kept;
}

/* False: no memory. */
static bool make_room(struct courier_held *held, uint64_t now_ms)
{
	if (held->count < held->capacity)
		return true;
	forget_old(held, now_ms);
	if (2 * held->count < held->capacity)
		return true;
	size_t capacity = held->capacity == 0 ? HELD_MIN : 2 * held->capacity;
	struct courier_hold *grown = calloc(capacity, sizeof *grown);
	if (grown == NULL)
		return false;
	if (held->count > 0)
		memcpy(grown, held->items, held->count * sizeof *grown);
	free(held->items);
	held->items = grown;
	held->capacity = capacity;
	return true;
}

void courier_hold(struct courier_held *held, uint64_t number, uint64_t now_ms)
{
	struct courier_hold *hold = held_find(held, number);

	if (hold == NULL) {
		if (!make_room(held, now_ms))
			return;
		hold = &held->items[held_place(held, number)];
		memmove(hold + 1, hold, (size_t)(held->items + held->count++ - hold) * sizeof *hold);
		*hold = (struct courier_hold){.number = number, .delay_ms = HOLD_MS_MIN / 2};
	}
	hold->delay_ms = 2 * hold->delay_ms > HOLD_MS_MAX ? HOLD_MS_MAX : 2 * hold->delay_ms;
	hold->until_ms = now_ms + hold->delay_ms;
}

void courier_release(struct courier_held *held, uint64_t number)
{
	struct courier_hold *hold = held_find(held, number);

	if (hold != NULL)
		memmove(hold, hold + 1, (size_t)(held->items + held->count-- - hold - 1) * sizeof *hold);
}

void courier_pause_begin(struct courier_pause *pause, const uint8_t agreement[static HASH_SIZE],
			 enum agreement_state state, uint64_t now_ms)
{
	pause->length_ms = pause->length_ms == 0 ? HOLD_MS_MIN : 2 * pause->length_ms;
	if (pause->length_ms > HOLD_MS_MAX)
		pause->length_ms = HOLD_MS_MAX;
	pause->until_ms = now_ms + pause->length_ms;
	pause->state = state;
	memcpy(pause->agreement, agreement, HASH_SIZE);
}

bool courier_pause_is_on(struct courier_pause *pause, const uint8_t agreement[static HASH_SIZE],
			 enum agreement_state state, uint64_t now_ms)
{
	bool is_same = state == pause->state && memcmp(agreement, pause->agreement, HASH_SIZE) == 0;

	if (!is_same)
		pause->length_ms = 0;
	return pause->length_ms != 0 && now_ms < pause->until_ms;
}

/* ---- whose item it is ---- */

/* What tells one customer's items from another's: the pseudonym, or a hash of the part that names the customer. */
struct whose {
	bool is_somebody;
	bool is_by_value;
	uint8_t key[HASH_SIZE];
};

static void take_pseudonym(struct whose *whose, ProtobufCBinaryData customer)
{
	whose->is_somebody = true;
	memcpy(whose->key, customer.data, customer.len < HASH_SIZE ? customer.len : HASH_SIZE);
}

/* A receipt for a card that is not in the copy says so in its part alone. */
static void take_receipt(struct whose *whose, const struct outbox_item *item, struct arena *arena)
{
	const Kluis__Receipt *receipt = item->operation->receipt;
	Kluis__ReceiptContent *content;

	if (receipt->has_customer) {
		take_pseudonym(whose, receipt->customer);
		return;
	}
	whose->is_somebody = whose->is_by_value = true;
	if (item->part == NULL ||
	    WIRE_DECODE(ReceiptContent, receipt_content, wire_slice(item->part->content), arena, &content) != ERR_OK ||
	    content->customer == NULL)
		return; /* all that cannot be told apart are one customer's */
	blake2b(SLICE_EMPTY, "", slice_text(content->customer->value), whose->key);
}

static struct whose whose_item(const struct outbox_item *item, struct arena *arena)
{
	const Kluis__Operation *operation = item->operation;
	struct whose whose = {0};

	if (operation->kind_case == KLUIS__OPERATION__KIND_RECEIPT)
		take_receipt(&whose, item, arena);
	else if (operation->kind_case == KLUIS__OPERATION__KIND_REGISTRATION)
		take_pseudonym(&whose, operation->registration->customer);
	else if (operation->kind_case == KLUIS__OPERATION__KIND_UPDATE)
		take_pseudonym(&whose, operation->update->customer);
	else if (operation->kind_case == KLUIS__OPERATION__KIND_CONSENT)
		take_pseudonym(&whose, operation->consent->customer);
	return whose;
}

/* ---- packing ---- */

struct packing {
	const struct courier_held *held;
	uint64_t now_ms;
	uint64_t due_ms; /* when the first of the items held back may be tried again */
	size_t limit;
	struct outbox *outbox;
	struct arena *arena;
	struct courier_pack *pack;
	size_t request_bytes, part_bytes;
	struct map behind;    /* customers of whom an item is left out */
	bool is_value_behind; /* a registration is: a value may be its customer's */
	struct whose taken[COURIER_ITEMS_MAX];
};

static bool is_behind(const struct packing *packing, const struct whose *whose)
{
	if (!whose->is_somebody)
		return false;
	return (whose->is_by_value && packing->is_value_behind) ||
	       map_find(&packing->behind, SLICE_ARRAY(whose->key)) != NULL;
}

static bool is_held(struct packing *packing, uint64_t number)
{
	const struct courier_hold *hold = held_find(packing->held, number);

	if (hold == NULL || packing->now_ms >= hold->until_ms)
		return false;
	if (hold->until_ms < packing->due_ms)
		packing->due_ms = hold->until_ms;
	return true;
}

/* The broker may refuse one of an envelope's items for a reason that passes and take a later one under another grant:
 * what one customer's item decides about is known before the next of another kind or purpose goes. */
static bool is_after_another(const struct packing *packing, const struct outbox_item *item, const struct whose *whose)
{
	const struct courier_pack *pack = packing->pack;

	for (size_t i = 0; whose->is_somebody && i < pack->count; i++) {
		const Kluis__Operation *before = pack->operations[i];
		bool is_same = memcmp(packing->taken[i].key, whose->key, HASH_SIZE) == 0 ||
			       (whose->is_by_value && before->kind_case == KLUIS__OPERATION__KIND_REGISTRATION);
		bool is_alike = before->kind_case == item->operation->kind_case && before->purpose != NULL &&
				item->operation->purpose != NULL &&
				strcmp(before->purpose, item->operation->purpose) == 0;
		if (packing->taken[i].is_somebody && is_same && !is_alike)
			return true;
	}
	return false;
}

static enum err leave_out(struct packing *packing, const struct outbox_item *item, const struct whose *whose)
{
	if (item->operation->kind_case == KLUIS__OPERATION__KIND_REGISTRATION)
		packing->is_value_behind = true;
	if (!whose->is_somebody)
		return ERR_OK;
	return map_take(&packing->behind, SLICE_ARRAY(whose->key), sizeof(struct slice)) == NULL ? ERR_MEMORY : ERR_OK;
}

static bool is_same_employee(const struct courier_pack *pack, const struct outbox_item *item)
{
	if (!item->has_employee)
		return pack->employee.length == 0;
	return slice_equal(pack->employee, SLICE_ARRAY(item->employee));
}

static bool fits(const struct packing *packing, const struct outbox_item *item)
{
	const struct courier_pack *pack = packing->pack;
	size_t request_bytes = wire_size(&item->operation->base) + 4;
	size_t part_bytes = item->part == NULL ? 0 : wire_size(&item->part->base) + 4;

	if (pack->count == 0)
		return true;
	return pack->count < packing->limit && is_same_employee(pack, item) &&
	       packing->request_bytes + request_bytes + REQUEST_ROOM <= REQUEST_MAX &&
	       packing->part_bytes + part_bytes <= PARTS_MAX;
}

static enum err take_employee(struct packing *packing, const struct outbox_item *item)
{
	if (!item->has_employee)
		return ERR_OK;
	uint8_t *copy = arena_copy(packing->arena, SLICE_ARRAY(item->employee));
	if (copy == NULL)
		return ERR_MEMORY;
	packing->pack->employee = SLICE(copy, PSEUDONYM_SIZE);
	return ERR_OK;
}

/* Read again, to stay. */
static enum err take(struct packing *packing, uint64_t number, const struct whose *whose)
{
	struct courier_pack *pack = packing->pack;
	struct outbox_item item;

	TRY(outbox_next(packing->outbox, OUTBOX_WAITING, number - 1, packing->arena, &item));
	if (pack->count == 0)
		TRY(take_employee(packing, &item));
	packing->taken[pack->count] = *whose;
	packing->request_bytes += wire_size(&item.operation->base) + 4;
	pack->numbers[pack->count] = item.number;
	pack->operations[pack->count++] = item.operation;
	if (item.part == NULL)
		return ERR_OK;
	packing->part_bytes += wire_size(&item.part->base) + 4;
	pack->parts[pack->part_count++] = item.part;
	return ERR_OK;
}

/* Goes on while the envelope is not full. */
static enum err walk(struct packing *packing, struct arena *scratch)
{
	struct outbox_item item = {.number = 0};

	for (;;) {
		arena_reset(scratch);
		enum err err = outbox_next(packing->outbox, OUTBOX_WAITING, item.number, scratch, &item);
		if (err != ERR_OK)
			return err == ERR_NOT_FOUND ? ERR_OK : err;
		struct whose whose = whose_item(&item, scratch);
		if (is_held(packing, item.number) || is_behind(packing, &whose) ||
		    is_after_another(packing, &item, &whose))
			TRY(leave_out(packing, &item, &whose));
		else if (fits(packing, &item))
			TRY(take(packing, item.number, &whose));
		else
			return ERR_OK;
	}
}

static enum err pack_waiting(struct packing *packing)
{
	struct arena scratch CLEANUP(arena_fini) = {0};

	arena_init(&scratch, REQUEST_ARENA_MAX);
	map_init(&packing->behind, packing->arena);
	enum err err = walk(packing, &scratch);
	map_fini(&packing->behind);
	/* what was taken before memory ran out goes first */
	return packing->arena->is_full && packing->pack->count > 0 ? ERR_OK : err;
}

enum err courier_pack(struct outbox *outbox, struct courier_held *held, uint64_t now_ms, size_t limit,
		      struct arena *arena, struct courier_pack *ret_pack)
{
	struct packing packing = {.held = held,
				  .now_ms = now_ms,
				  .due_ms = UINT64_MAX,
				  .outbox = outbox,
				  .arena = arena,
				  .pack = ret_pack};
	uint64_t changes = outbox_changes(outbox);

	*ret_pack = (struct courier_pack){0};
	if (changes == held->idle_changes && now_ms < held->idle_until_ms)
		return ERR_OK;
	packing.limit = limit > COURIER_ITEMS_MAX ? COURIER_ITEMS_MAX : limit;
	TRY(pack_waiting(&packing));
	held->idle_until_ms = ret_pack->count == 0 ? packing.due_ms : 0;
	held->idle_changes = changes;
	return ERR_OK;
}

bool courier_is_same(const Kluis__Operation *a, const Kluis__Operation *b)
{
	struct bytes one CLEANUP(bytes_fini) = {0}, other CLEANUP(bytes_fini) = {0};

	bytes_init(&one, REQUEST_MAX);
	bytes_init(&other, REQUEST_MAX);
	return wire_encode(&a->base, &one) == ERR_OK && wire_encode(&b->base, &other) == ERR_OK &&
	       slice_equal(bytes_slice(&one), bytes_slice(&other));
}
