/* Receipts, and the till that rings one up twice because it did not hear the answer. */
#include <string.h>

#include "desk/desk_write.h"
#include "kluis/hash.h"

#define DAY_MS UINT64_C(86400000)
#define CONTENT_MAX (RECORD_MAX - 128) /* R112: what the broker takes */

struct ringing {
	struct desk_writing writing;
	const struct desk_receipt *receipt;
	Kluis__Receipt operation;
	Kluis__ReceiptContent content;
	Kluis__Value customer;
};

static void ringing_end(struct ringing *ringing)
{
	desk_write_end(&ringing->writing);
}

static struct fault *fault_of(const struct ringing *ringing)
{
	return ringing->writing.request.fault;
}

/* ---- whose ---- */

static enum err set_pseudonym(struct ringing *ringing, const uint8_t customer[static PSEUDONYM_SIZE])
{
	TRY(desk_write_copy(&ringing->writing, SLICE(customer, PSEUDONYM_SIZE), &ringing->operation.customer));
	ringing->operation.has_customer = true;
	return desk_write_about(&ringing->writing, customer);
}

/* Who is not in the copy is found at the broker, by the value in the part. */
static enum err set_value(struct ringing *ringing, const struct charter_field *field)
{
	kluis__value__init(&ringing->customer);
	ringing->customer.field = field->number;
	ringing->customer.value = arena_text(&ringing->writing.arena, slice_text(ringing->receipt->value));
	ringing->content.customer = &ringing->customer;
	return ringing->customer.value == NULL ? ERR_MEMORY : ERR_OK;
}

static enum err find_customer(struct ringing *ringing)
{
	struct desk_key key = {.field = ringing->receipt->field, .value = ringing->receipt->value};
	struct bytes normal CLEANUP(bytes_fini) = {0};
	const struct charter_field *field;
	uint8_t customer[PSEUDONYM_SIZE];

	bytes_init_secret(&normal, VALUE_MAX);
	if (key.field == NULL) {
		if (hex_parse(slice_text(key.value), customer, sizeof customer) != ERR_OK)
			return fault_set(fault_of(ringing), ERR_VALUE, "not 32 hexadecimal digits");
		return set_pseudonym(ringing, customer);
	}
	TRY(desk_normalise(&ringing->writing.request, &key, &field, &normal));
	enum err err = desk_write_find(&ringing->writing, field, bytes_slice(&normal), customer);
	if (err == ERR_NOT_FOUND)
		return set_value(ringing, field);
	TRY(err);
	return set_pseudonym(ringing, customer);
}

/* ---- what ---- */

static bool is_in_bounds(int64_t amount)
{
	return amount >= -AMOUNT_MAX && amount <= AMOUNT_MAX;
}

static bool is_line(const struct desk_line_item *item)
{
	struct slice product = slice_text(item->product);

	return product.length >= 1 && product.length <= VALUE_MAX && slice_is_text(product, false) &&
	       is_in_bounds(item->units) && is_in_bounds(item->amount) && (!item->has_cost || is_in_bounds(item->cost));
}

static enum err make_line(struct ringing *ringing, const struct desk_line_item *item, Kluis__Line *line)
{
	if (!is_line(item))
		return fault_set(fault_of(ringing), ERR_VALUE, "a line's product or number is out of bounds");
	kluis__line__init(line);
	line->product = arena_text(&ringing->writing.arena, slice_text(item->product));
	line->units = item->units;
	line->amount = item->amount;
	line->has_cost = item->has_cost;
	line->cost = item->cost;
	return line->product == NULL ? ERR_MEMORY : ERR_OK;
}

static enum err make_lines(struct ringing *ringing)
{
	size_t count = ringing->receipt->line_count;
	struct arena *arena = &ringing->writing.arena;

	if (count == 0)
		return fault_set(fault_of(ringing), ERR_INPUT, "a receipt without lines");
	if (count > LINES_MAX)
		return fault_set(fault_of(ringing), ERR_TOO_LARGE, "a receipt of more than %d lines", LINES_MAX);
	Kluis__Line *lines = arena_array(arena, count, sizeof *lines);
	ringing->content.lines = arena_array(arena, count, sizeof(Kluis__Line *));
	if (lines == NULL || ringing->content.lines == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < count; i++) {
		TRY(make_line(ringing, &ringing->receipt->lines[i], &lines[i]));
		ringing->content.lines[ringing->content.n_lines++] = &lines[i];
	}
	return ERR_OK;
}

/* R112 */
static enum err check(struct ringing *ringing)
{
	int64_t tomorrow = (int64_t)(ringing->writing.request.now_ms / DAY_MS) + 1;

	if (ringing->receipt->day > tomorrow)
		return fault_set(fault_of(ringing), ERR_VALUE, "the day is later than tomorrow");
	if (wire_size(&ringing->content.base) > CONTENT_MAX)
		return fault_set(fault_of(ringing), ERR_TOO_LARGE, "the receipt has more than %d bytes", CONTENT_MAX);
	return ERR_OK;
}

static enum err make(struct ringing *ringing)
{
	const struct desk_receipt *receipt = ringing->receipt;
	uint8_t id[PSEUDONYM_SIZE];

	kluis__receipt__init(&ringing->operation);
	kluis__receipt_content__init(&ringing->content);
	random_bytes(id, sizeof id);
	if (receipt->has_id)
		memcpy(id, receipt->id, sizeof id);
	TRY(desk_write_copy(&ringing->writing, SLICE_ARRAY(id), &ringing->operation.id));
	ringing->operation.store = ringing->writing.request.shop->number;
	ringing->operation.day = receipt->day;
	TRY(find_customer(ringing));
	TRY(make_lines(ringing));
	TRY(check(ringing));
	TRY(part_make(&ringing->content.base, &ringing->writing.arena, &ringing->writing.part,
		      &ringing->operation.commitment));
	ringing->writing.operation.kind_case = KLUIS__OPERATION__KIND_RECEIPT;
	ringing->writing.operation.receipt = &ringing->operation;
	return ERR_OK;
}

/* ---- all of it ---- */

static enum err ring_up(struct ringing *ringing, struct desk *desk, uint64_t *ret_number)
{
	pthread_mutex_t *held CLEANUP(desk_unlock) __attribute__((unused)) = NULL;
	const struct desk_receipt *receipt = ringing->receipt;
	struct desk_taken taken = {.number = 0};
	bool is_there = false;

	if (!receipt->has_id)
		return desk_write_add(&ringing->writing, ret_number);
	held = desk_lock(&desk->receipt_lock);
	desk_taken_fill(&taken, &ringing->operation, &ringing->content);
	TRY(desk_taken_find(desk, &taken, &is_there, fault_of(ringing)));
	if (!is_there) {
		TRY(desk_write_add(&ringing->writing, &taken.number));
		desk_taken_add(desk, &taken);
	}
	*ret_number = taken.number;
	return ERR_OK;
}

enum err desk_receipt(struct desk *desk, struct slice token, const char *purpose, const struct desk_receipt *receipt,
		      uint64_t *ret_number, struct fault *fault)
{
	struct ringing ringing CLEANUP(ringing_end) = {.receipt = receipt};

	TRY(desk_write_begin(&ringing.writing, desk, token, OPERATION_RECEIPT, purpose, fault));
	TRY(make(&ringing));
	return ring_up(&ringing, desk, ret_number);
}
