/*
 * Receipts that the till may ask to be rung up twice, because it did not hear the answer: the last ones taken, by the
 * till's own id. The outbox says whether one still waits. Beyond that it is the broker that
 * takes an id once (R112).
 */
#include <string.h>

#include "desk/desk_internal.h"
#include "kluis/hash.h"

/* All that may wait, opened: 100,000 items of some hundred bytes, in a case that hardly ever is. */
#define WALK_ARENA_MAX ((size_t)256 * 1024 * 1024)

static void hash_number(struct sha256_stream *stream, uint64_t number)
{
	uint8_t place[8];

	put_u64(place, number);
	sha256_update(stream, SLICE_ARRAY(place));
}

static void hash_line(struct sha256_stream *stream, const Kluis__Line *line)
{
	hash_number(stream, strlen(line->product));
	sha256_update(stream, slice_text(line->product));
	hash_number(stream, (uint64_t)line->units);
	hash_number(stream, (uint64_t)line->amount);
	hash_number(stream, line->has_cost ? 1 : 0);
	hash_number(stream, line->has_cost ? (uint64_t)line->cost : 0);
}

/* Whose it is does not count: the copy may know by now whom it did not know before. */
void desk_taken_fill(struct desk_taken *ret_taken, const Kluis__Receipt *receipt, const Kluis__ReceiptContent *content)
{
	struct sha256_stream stream;

	sha256_begin(&stream);
	hash_number(&stream, (uint64_t)receipt->day);
	for (size_t i = 0; i < content->n_lines; i++)
		hash_line(&stream, content->lines[i]);
	sha256_end(&stream, ret_taken->content);
	memcpy(ret_taken->id, receipt->id.data, PSEUDONYM_SIZE);
	ret_taken->number = 0;
}

void desk_taken_add(struct desk *desk, const struct desk_taken *taken)
{
	desk->taken[desk->taken_next] = *taken;
	desk->taken_next = (desk->taken_next + 1) % DESK_RECEIPTS;
}

/* The latest one of the id: an earlier one may have been refused. */
static struct desk_taken *remembered(struct desk *desk, const struct desk_taken *taken)
{
	for (size_t i = 1; i <= DESK_RECEIPTS; i++) {
		struct desk_taken *place = &desk->taken[(desk->taken_next + DESK_RECEIPTS - i) % DESK_RECEIPTS];
		if (place->number > 0 && memcmp(place->id, taken->id, PSEUDONYM_SIZE) == 0)
			return place;
	}
	return NULL;
}

/* ---- the outbox ---- */

static enum err walk(struct desk *desk, outbox_fn *visit, void *context)
{
	static const enum outbox_state states[] = {OUTBOX_WAITING, OUTBOX_SENT};

	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
		struct arena arena CLEANUP(arena_fini) = {0};
		arena_init(&arena, WALK_ARENA_MAX);
		TRY(outbox_each(desk->shop->outbox, states[i], OUTBOX_ITEMS_MAX, &arena, visit, context));
	}
	return ERR_OK;
}

static enum err load_one(void *context, const struct outbox_item *item)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct desk_taken taken;
	Kluis__ReceiptContent *content;

	if (item->operation->kind_case != KLUIS__OPERATION__KIND_RECEIPT || item->part == NULL)
		return ERR_OK;
	arena_init(&arena, REQUEST_ARENA_MAX);
	TRY(WIRE_DECODE(ReceiptContent, receipt_content, wire_slice(item->part->content), &arena, &content));
	desk_taken_fill(&taken, item->operation->receipt, content);
	taken.number = item->number;
	desk_taken_add(context, &taken);
	return ERR_OK;
}

enum err desk_taken_load(struct desk *desk)
{
	return walk(desk, load_one, desk);
}

/* ERR_EXISTS stops the walk: there it is. */
static enum err is_number(void *context, const struct outbox_item *item)
{
	return item->number == *(const uint64_t *)context ? ERR_EXISTS : ERR_OK;
}

enum err desk_taken_find(struct desk *desk, struct desk_taken *taken, bool *ret_is_there, struct fault *fault)
{
	struct desk_taken *before = remembered(desk, taken);

	*ret_is_there = false;
	if (before == NULL)
		return ERR_OK;
	enum err err = walk(desk, is_number, &before->number);
	if (err == ERR_OK) /* delivered, or refused: the broker says what this one is */
		return ERR_OK;
	if (err != ERR_EXISTS)
		return err;
	if (memcmp(before->content, taken->content, HASH_SIZE) != 0)
		return fault_set(fault, ERR_EXISTS, "another receipt waits under this id");
	taken->number = before->number;
	*ret_is_there = true;
	return ERR_OK;
}
