/*
 * One receipt (FORMAT.md R112): who bought what where. What of it decides on
 * anything (store and day) folds into the customer's row; the lines are sealed beside it.
 */
#include <string.h>

#include "vault/authority.h"
#include "vault/customer.h"
#include "vault/record.h"
#include "vault/values.h"

/* The sealed row has room for the rest of it. */
#define RECEIPT_CONTENT_MAX (RECORD_MAX - 128)

struct receipt {
	struct authority authority;
	const Kluis__Receipt *request;
	Kluis__ReceiptContent *content;
	struct customer customer;
};

/* By pseudonym in the request or by value in the part: one of the two. */
static enum err find(struct context *context, struct receipt *receipt)
{
	const Kluis__Receipt *request = receipt->request;

	TRY(WIRE_DECODE(ReceiptContent, receipt_content, wire_slice(context->part->content), context->arena,
			&receipt->content));
	if ((request->has_customer != 0) == (receipt->content->customer != NULL))
		return ERR_INPUT;
	if (request->has_customer)
		return vault_customer(context, wire_slice(request->customer), &receipt->customer);
	return value_find_customer(context, receipt->content->customer, &receipt->customer);
}

static bool is_in_bounds(int64_t amount)
{
	return amount >= -AMOUNT_MAX && amount <= AMOUNT_MAX;
}

static enum err check_lines(const struct context *context, const Kluis__ReceiptContent *content)
{
	if (content->n_lines > LINES_MAX || context->part->content.len > RECEIPT_CONTENT_MAX)
		return ERR_TOO_LARGE;
	for (size_t i = 0; i < content->n_lines; i++) {
		const Kluis__Line *line = content->lines[i];

		if (strlen(line->product) > VALUE_MAX || !is_in_bounds(line->units) || !is_in_bounds(line->amount) ||
		    (line->has_cost && !is_in_bounds(line->cost)))
			return ERR_VALUE;
	}
	return ERR_OK;
}

static enum err check(struct context *context, const struct receipt *receipt)
{
	const Kluis__Receipt *request = receipt->request;
	Rows__Store *row;

	if (!receipt->authority.is_controller && request->store != context->envelope->principal.store)
		return ERR_STORE;
	if (receipt->authority.is_controller) {
		enum err err = store_row_get(context, request->store, &row);
		TRY(err == ERR_NOT_FOUND ? ERR_STORE : err);
	}
	if (request->day > context_day(context) + 1)
		return ERR_VALUE;
	return check_lines(context, receipt->content);
}

static bool is_same(const struct receipt *receipt, const Rows__Receipt *row, struct slice content)
{
	return row->store == receipt->request->store && row->day == receipt->request->day &&
	       slice_equal(wire_slice(row->content), content);
}

/* The id was used: ERR_OK if for the very same receipt. */
static enum err compare(struct context *context, const struct receipt *receipt, struct slice holder)
{
	struct slice pseudonym = customer_pseudonym(&receipt->customer);
	uint8_t place[RECEIPT_KEY_SIZE];
	struct slice key, sealed;
	Rows__Receipt *row;

	if (!slice_equal(holder, pseudonym))
		return ERR_EXISTS;
	key = receipt_key(pseudonym, wire_slice(receipt->request->id), place);
	enum err err = view_get(context->view, TABLE_RECEIPT, key, &sealed);
	TRY(err == ERR_NOT_FOUND ? ERR_CORRUPT : err);
	TRY(sealed_open(context->arena, &receipt->customer, key, sealed, &rows__receipt__descriptor,
			(ProtobufCMessage **)(void *)&row));
	return is_same(receipt, row, wire_slice(context->part->content)) ? ERR_OK : ERR_EXISTS;
}

static enum err put_receipt(struct context *context, const struct receipt *receipt)
{
	struct slice pseudonym = customer_pseudonym(&receipt->customer), id = wire_slice(receipt->request->id);
	uint8_t place[RECEIPT_KEY_SIZE];
	Rows__Receipt row = ROWS__RECEIPT__INIT;

	row.store = receipt->request->store;
	row.day = receipt->request->day;
	row.salt = context->part->salt;
	row.content = context->part->content;
	TRY(sealed_put(context, &receipt->customer, TABLE_RECEIPT, receipt_key(pseudonym, id, place), &row.base));
	view_put(context->view, TABLE_RECEIPT_AT, id, pseudonym);
	return context->view->status;
}

static bool is_lapsed(const struct charter *charter, int32_t day, int32_t today)
{
	return charter != NULL && charter->visited_window_days > 0 &&
	       (int64_t)day + charter->visited_window_days < today;
}

/* Does the receipt bring the customer (back) into the store's `visited`? */
static bool is_new_visit(const struct context *context, const struct receipt *receipt)
{
	int32_t day, today = context_day(context);

	if (!customer_visit(&receipt->customer, receipt->request->store, &day))
		return true;
	return is_lapsed(context->charter, day, today) || is_lapsed(context->agreement_charter, day, today);
}

struct owner {
	bool is_known;
	uint32_t store;
};

static struct owner owner_now(const struct context *context, const struct customer *customer)
{
	struct owner owner = {.is_known = false};
	struct history history;

	customer_history(customer, &history);
	owner.is_known = ownership_owner(context->charter, &history, context_day(context), &owner.store);
	return owner;
}

static void touch_owner(struct context *context, const struct receipt *receipt, const struct owner *owner)
{
	if (owner->is_known)
		view_touch(context->view, owner->store, customer_pseudonym(&receipt->customer));
}

/* The customer's scopes may be others now: who gains or loses the customer learns of it. */
static enum err fold(struct context *context, const struct receipt *receipt)
{
	const struct customer *customer = &receipt->customer;
	struct owner before = owner_now(context, customer);
	bool is_new = is_new_visit(context, receipt), is_changed;

	TRY(customer_add_receipt(context, customer, receipt->request->store, receipt->request->day, &is_changed));
	if (!is_changed)
		return ERR_OK;
	TRY(customer_put(context, customer));
	if (is_new)
		view_touch(context->view, receipt->request->store, customer_pseudonym(customer));
	struct owner after = owner_now(context, customer);
	if (before.is_known != after.is_known || before.store != after.store) {
		touch_owner(context, receipt, &before);
		touch_owner(context, receipt, &after);
	}
	return ERR_OK;
}

static enum err write(struct context *context, const struct receipt *receipt)
{
	struct slice holder;
	enum err err = view_get(context->view, TABLE_RECEIPT_AT, wire_slice(receipt->request->id), &holder);

	if (err == ERR_OK) {
		TRY(compare(context, receipt, holder));
		context->result->has_is_unchanged = context->result->is_unchanged = true;
	} else if (err == ERR_NOT_FOUND) {
		TRY(fold(context, receipt)); /* may still refuse */
		TRY(put_receipt(context, receipt));
	} else {
		return err;
	}
	return authority_permit(context, &receipt->authority);
}

static enum err take_receipt(struct context *context)
{
	struct receipt receipt = {.request = context->operation->receipt};

	TRY(authority_standing(context, OPERATION_RECEIPT, &receipt.authority));
	TRY(find(context, &receipt));
	TRY(result_set_customer(context, customer_pseudonym(&receipt.customer)));
	TRY(authority_over(context, &receipt.authority, &receipt.customer));
	TRY(check(context, &receipt));
	return write(context, &receipt);
}

enum err handle_receipt(struct context *context)
{
	return settle(context, take_receipt(context));
}
