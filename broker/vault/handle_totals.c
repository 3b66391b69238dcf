/*
 * Sums of receipts by store and year, for head office (FORMAT.md R117). The
 * receipts are sealed, so each is opened; a page of customers at a time. Reads a snapshot: what commits
 * meanwhile belongs to the next run.
 */
#include <string.h>

#include "kluis/clock.h"
#include "vault/authority.h"
#include "vault/customer.h"
#include "vault/keys.h"
#include "vault/record.h"

#define CUSTOMERS_MAX 1000
#define RECEIPTS_MAX 20000			    /* after which a page ends with its customer */
#define ROWS_MAX (DATA_ITEMS_MAX / 2)		    /* likewise */
#define RECEIPT_ARENA_MAX (size_t)(16 * RECORD_MAX) /* one receipt, opened: its lines are structs */

struct totals {
	struct context *context;
	struct store_cursor *cursor;
	struct arena scratch;			/* one receipt */
	Kluis__TotalsRow *rows[DATA_ITEMS_MAX]; /* by store and year, ascending */
	size_t row_count;
	struct customer customer; /* whose receipts these are */
	bool has_customer;
	size_t customers, receipts, customers_max;
	bool has_more;
};

static int compare(const Kluis__TotalsRow *row, uint32_t store, int32_t year)
{
	if (row->store != store)
		return row->store < store ? -1 : 1;
	return row->year < year ? -1 : row->year > year;
}

static size_t find_place(const struct totals *totals, uint32_t store, int32_t year)
{
	size_t low = 0, high = totals->row_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(totals->rows[middle], store, year) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static enum err get_row(struct totals *totals, uint32_t store, int32_t year, Kluis__TotalsRow **ret_row)
{
	size_t place = find_place(totals, store, year);
	Kluis__TotalsRow *row;

	if (place < totals->row_count && compare(totals->rows[place], store, year) == 0) {
		*ret_row = totals->rows[place];
		return ERR_OK;
	}
	if (totals->row_count == DATA_ITEMS_MAX)
		return ERR_TOO_LARGE;
	row = arena_alloc(totals->context->arena, sizeof(*row));
	if (row == NULL)
		return ERR_MEMORY;
	kluis__totals_row__init(row);
	row->store = store;
	row->year = year;
	memmove(&totals->rows[place + 1], &totals->rows[place],
		(totals->row_count - place) * sizeof(Kluis__TotalsRow *));
	totals->rows[place] = row;
	totals->row_count++;
	*ret_row = row;
	return ERR_OK;
}

static enum err add_line(Kluis__TotalsRow *row, const Kluis__Line *line)
{
	row->lines++;
	if (__builtin_add_overflow(row->units, line->units, &row->units) ||
	    __builtin_add_overflow(row->amount, line->amount, &row->amount) ||
	    __builtin_add_overflow(row->cost, line->has_cost ? line->cost : 0, &row->cost))
		return ERR_TOO_LARGE;
	return ERR_OK;
}

static enum err add_receipt(struct totals *totals, struct slice key, struct slice sealed)
{
	Rows__Receipt *receipt;
	Kluis__ReceiptContent *content;
	Kluis__TotalsRow *row;
	int year, month, day;

	arena_reset(&totals->scratch);
	TRY(sealed_open(&totals->scratch, &totals->customer, key, sealed, &rows__receipt__descriptor,
			(ProtobufCMessage **)(void *)&receipt));
	enum err err =
		WIRE_DECODE(ReceiptContent, receipt_content, wire_slice(receipt->content), &totals->scratch, &content);
	TRY(err == ERR_INPUT ? ERR_CORRUPT : err);
	date_split(receipt->day, &year, &month, &day);
	TRY(get_row(totals, receipt->store, year, &row));
	row->receipts++;
	for (size_t i = 0; i < content->n_lines; i++)
		TRY(add_line(row, content->lines[i]));
	totals->receipts++;
	return ERR_OK;
}

static bool is_full(const struct totals *totals)
{
	const struct arena *arena = totals->context->arena;

	return totals->customers == totals->customers_max || totals->receipts >= RECEIPTS_MAX ||
	       totals->row_count >= ROWS_MAX || arena->used > arena->ceiling / 4 * 3;
}

static bool is_customers(const struct totals *totals, struct slice key)
{
	return totals->has_customer &&
	       slice_equal(slice_part(key, 0, PSEUDONYM_SIZE), customer_pseudonym(&totals->customer));
}

/* Receipts of one customer stand together: a page ends where another one begins. */
static enum err take(struct totals *totals, struct slice key, struct slice sealed)
{
	if (key.length != RECEIPT_KEY_SIZE)
		return ERR_CORRUPT;
	if (!is_customers(totals, key)) {
		if (is_full(totals)) {
			totals->has_more = true;
			return ERR_OK;
		}
		enum err err = vault_customer(totals->context, slice_part(key, 0, PSEUDONYM_SIZE), &totals->customer);
		if (err == ERR_ERASED) /* by an operation before this one: the cursor still shows the rows */
			return ERR_OK;
		TRY(err == ERR_NOT_FOUND ? ERR_CORRUPT : err);
		totals->has_customer = true;
		totals->customers++;
	}
	return add_receipt(totals, key, sealed);
}

static enum err walk(struct totals *totals, struct slice after)
{
	uint8_t from[RECEIPT_KEY_SIZE] = {0};
	struct slice key, sealed;

	/* behind every receipt of that customer but the one whose id is all ones */
	if (after.length > 0) {
		memcpy(from, after.data, PSEUDONYM_SIZE);
		memset(from + PSEUDONYM_SIZE, 0xFF, PSEUDONYM_SIZE);
	}
	TRY(store_seek(totals->context->view->txn, TABLE_RECEIPT, SLICE_ARRAY(from), &totals->cursor));
	while (!totals->has_more && store_next(totals->cursor, &key, &sealed)) {
		if (after.length == 0 || !slice_equal(slice_part(key, 0, PSEUDONYM_SIZE), after))
			TRY(take(totals, key, sealed));
	}
	return store_txn_status(totals->context->view->txn);
}

static enum err answer(struct totals *totals)
{
	struct context *context = totals->context;

	for (size_t i = 0; i < totals->row_count; i++)
		TRY(context_add_message(context, &totals->rows[i]->base));
	context->result->has_has_more = true;
	context->result->has_more = totals->has_more;
	if (totals->has_customer)
		TRY(result_set_customer(context, customer_pseudonym(&totals->customer)));
	return permit(context, "controller");
}

static enum err sum(struct context *context, struct totals *totals)
{
	const Kluis__Totals *request = context->operation->totals;
	struct slice after = wire_slice(request->after);

	if (after.length != 0 && after.length != PSEUDONYM_SIZE)
		return ERR_INPUT;
	totals->context = context;
	totals->customers_max = request->count < CUSTOMERS_MAX ? request->count : CUSTOMERS_MAX;
	arena_init(&totals->scratch, RECEIPT_ARENA_MAX);
	enum err err = walk(totals, after);
	store_cursor_close(&totals->cursor);
	arena_fini(&totals->scratch);
	TRY(err);
	return answer(totals);
}

enum err handle_totals(struct context *context)
{
	struct totals *totals = arena_alloc(context->arena, sizeof(*totals));

	if (totals == NULL)
		return ERR_MEMORY;
	enum err err = sum(context, totals);
	if (err != ERR_OK)
		context->data.count = 0; /* R44: a refused operation has no items */
	return settle(context, err);
}
