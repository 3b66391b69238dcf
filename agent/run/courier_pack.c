#include "run/courier_pack.h"

#include <string.h>

#include "kluis/hash.h"

#define SCAN_MAX 1000	  /* items looked at for one envelope */
#define REQUEST_ROOM 2048 /* of a request, for what is not operations */
#define PARTS_MAX (MESSAGE_MAX / 2)
#define HOLD_MS_MIN 1000
#define HOLD_MS_MAX (10 * 60 * 1000)
#define STOP ERR_EXISTS /* of the walk: the envelope is full */

/* ---- held back ---- */

static size_t held_place(const struct courier_held *held, uint64_t number)
{
	size_t i = 0;

	while (i < held->count && held->items[i].number != number)
		i++;
	return i;
}

void courier_hold(struct courier_held *held, uint64_t number, uint64_t now_ms)
{
	size_t i = held_place(held, number);
	uint64_t delay_ms = HOLD_MS_MIN;

	if (i == COURIER_HELD_MAX)
		return;
	if (i < held->count)
		delay_ms = 2 * held->items[i].delay_ms;
	else
		held->count++;
	if (delay_ms > HOLD_MS_MAX)
		delay_ms = HOLD_MS_MAX;
	held->items[i].number = number;
	held->items[i].delay_ms = delay_ms;
	held->items[i].until_ms = now_ms + delay_ms;
}

void courier_release(struct courier_held *held, uint64_t number)
{
	size_t i = held_place(held, number);

	if (i < held->count)
		held->items[i] = held->items[--held->count];
}

static bool is_held(const struct courier_held *held, uint64_t number, uint64_t now_ms)
{
	size_t i = held_place(held, number);

	return i < held->count && now_ms < held->items[i].until_ms;
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
	size_t limit;
	struct arena *arena;
	struct courier_pack *pack;
	size_t request_bytes, part_bytes;
	struct whose *behind; /* customers of whom an item is left out */
	size_t behind_count;
	bool is_value_behind; /* a registration is: a value may be its customer's */
	struct whose taken[COURIER_ITEMS_MAX];
};

static bool is_behind(const struct packing *packing, const struct whose *whose)
{
	if (!whose->is_somebody)
		return false;
	if (whose->is_by_value && packing->is_value_behind)
		return true;
	for (size_t i = 0; i < packing->behind_count; i++)
		if (memcmp(packing->behind[i].key, whose->key, HASH_SIZE) == 0)
			return true;
	return false;
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

static void leave_out(struct packing *packing, const struct outbox_item *item, const struct whose *whose)
{
	if (item->operation->kind_case == KLUIS__OPERATION__KIND_REGISTRATION)
		packing->is_value_behind = true;
	if (whose->is_somebody)
		packing->behind[packing->behind_count++] = *whose;
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

static enum err take(struct packing *packing, const struct outbox_item *item)
{
	struct courier_pack *pack = packing->pack;

	if (pack->count == 0)
		TRY(take_employee(packing, item));
	packing->request_bytes += wire_size(&item->operation->base) + 4;
	pack->numbers[pack->count] = item->number;
	pack->operations[pack->count++] = item->operation;
	if (item->part == NULL)
		return ERR_OK;
	packing->part_bytes += wire_size(&item->part->base) + 4;
	pack->parts[pack->part_count++] = item->part;
	return ERR_OK;
}

static enum err consider(void *context, const struct outbox_item *item)
{
	struct packing *packing = context;
	struct whose whose = whose_item(item, packing->arena);

	if (is_held(packing->held, item->number, packing->now_ms) || is_behind(packing, &whose) ||
	    is_after_another(packing, item, &whose)) {
		leave_out(packing, item, &whose);
		return ERR_OK;
	}
	if (!fits(packing, item))
		return STOP;
	packing->taken[packing->pack->count] = whose;
	return take(packing, item);
}

enum err courier_pack(struct outbox *outbox, const struct courier_held *held, uint64_t now_ms, size_t limit,
		      struct arena *arena, struct courier_pack *ret_pack)
{
	struct packing packing = {.held = held, .now_ms = now_ms, .arena = arena, .pack = ret_pack};

	*ret_pack = (struct courier_pack){0};
	packing.limit = limit > COURIER_ITEMS_MAX ? COURIER_ITEMS_MAX : limit;
	packing.behind = arena_array(arena, SCAN_MAX, sizeof *packing.behind);
	if (packing.behind == NULL)
		return ERR_MEMORY;
	enum err err = outbox_each(outbox, OUTBOX_WAITING, SCAN_MAX, arena, consider, &packing);
	/* what was taken before memory ran out goes first */
	bool is_full = err == STOP || (arena->is_full && ret_pack->count > 0);
	return is_full ? ERR_OK : err;
}

bool courier_is_same(const Kluis__Operation *a, const Kluis__Operation *b)
{
	struct bytes one CLEANUP(bytes_fini) = {0}, other CLEANUP(bytes_fini) = {0};

	bytes_init(&one, REQUEST_MAX);
	bytes_init(&other, REQUEST_MAX);
	return wire_encode(&a->base, &one) == ERR_OK && wire_encode(&b->base, &other) == ERR_OK &&
	       slice_equal(bytes_slice(&one), bytes_slice(&other));
}
