/* Rows in one array, sorted by an array of their places. */
#include <stdlib.h>
#include <string.h>

#include "command/import_rows.h"

void import_rows_init(struct import_rows *rows)
{
	bytes_init(&rows->rows, (size_t)IMPORT_ROWS_MAX * sizeof(struct import_row));
	bytes_init_secret(&rows->texts, IMPORT_TEXT_MAX);
	bytes_init(&rows->order, (size_t)IMPORT_ROWS_MAX * sizeof(uint32_t));
	bytes_init(&rows->groups, (size_t)IMPORT_ROWS_MAX * sizeof(struct import_group));
	rows->count = rows->group_count = 0;
}

void import_rows_fini(struct import_rows *rows)
{
	bytes_fini(&rows->rows);
	bytes_fini(&rows->texts);
	bytes_fini(&rows->order);
	bytes_fini(&rows->groups);
}

enum err import_rows_add(struct import_rows *rows, const struct import_row *row, struct fault *fault)
{
	enum err code = bytes_append(&rows->rows, SLICE(row, sizeof(*row)));

	if (code == ERR_TOO_LARGE)
		return fault_set(fault, code, "over %d rows; split the file", IMPORT_ROWS_MAX);
	TRY(code);
	rows->count++;
	return ERR_OK;
}

enum err import_rows_text(struct import_rows *rows, struct slice text, struct import_text *ret_text,
			  struct fault *fault)
{
	size_t offset = rows->texts.length;
	enum err code = bytes_append(&rows->texts, text);

	if (code == ERR_TOO_LARGE)
		return fault_set(fault, code, "over %u bytes of customers and products; split the file",
				 IMPORT_TEXT_MAX);
	TRY(code);
	*ret_text = (struct import_text){.offset = (uint32_t)offset, .length = (uint16_t)text.length};
	return ERR_OK;
}

static struct import_row *row_at(const struct import_rows *rows, size_t place)
{
	return (struct import_row *)(void *)rows->rows.data + place;
}

const struct import_row *import_rows_at(const struct import_rows *rows, size_t place)
{
	return row_at(rows, place);
}

struct slice import_rows_slice(const struct import_rows *rows, struct import_text text)
{
	return slice_part(bytes_slice(&rows->texts), text.offset, text.length);
}

static const uint32_t *order_of(const struct import_rows *rows)
{
	return (const uint32_t *)(const void *)rows->order.data;
}

const struct import_group *import_rows_group_at(const struct import_rows *rows, size_t number)
{
	return (const struct import_group *)(const void *)rows->groups.data + number;
}

const struct import_row *import_rows_in(const struct import_rows *rows, const struct import_group *group, size_t number)
{
	return row_at(rows, order_of(rows)[group->first + number]);
}

static int compare_keys(const struct import_rows *rows, const struct import_row *a, const struct import_row *b)
{
	if (a->is_keyless != b->is_keyless)
		return a->is_keyless ? 1 : -1;
	if (a->store != b->store)
		return a->store < b->store ? -1 : 1;
	if (a->day != b->day)
		return a->day < b->day ? -1 : 1;
	return slice_compare(import_rows_slice(rows, a->key), import_rows_slice(rows, b->key));
}

static int compare_rows(const void *a, const void *b, void *context)
{
	uint32_t place_a = *(const uint32_t *)a, place_b = *(const uint32_t *)b;
	int order = compare_keys(context, row_at(context, place_a), row_at(context, place_b));

	return order != 0 ? order : (place_a > place_b) - (place_a < place_b);
}

static int compare_groups(const void *a, const void *b, void *context)
{
	const uint32_t *order = order_of(context);
	uint32_t place_a = order[((const struct import_group *)a)->first];
	uint32_t place_b = order[((const struct import_group *)b)->first];

	return (place_a > place_b) - (place_a < place_b);
}

static bool belong_together(const struct import_rows *rows, size_t a, size_t b)
{
	const struct import_row *row = row_at(rows, a);

	return !row->is_keyless && compare_keys(rows, row, row_at(rows, b)) == 0;
}

enum err import_rows_group(struct import_rows *rows)
{
	for (uint32_t place = 0; place < rows->count; place++)
		TRY(bytes_append(&rows->order, SLICE(&place, sizeof(place))));
	if (rows->count == 0)
		return ERR_OK;
	qsort_r(rows->order.data, rows->count, sizeof(uint32_t), compare_rows, rows);

	const uint32_t *order = order_of(rows);
	struct import_group group = {.first = 0, .count = 1};
	for (uint32_t at = 1; at <= rows->count; at++) {
		if (at < rows->count && belong_together(rows, order[at - 1], order[at])) {
			group.count++;
			continue;
		}
		TRY(bytes_append(&rows->groups, SLICE(&group, sizeof(group))));
		rows->group_count++;
		group = (struct import_group){.first = at, .count = 1};
	}
	qsort_r(rows->groups.data, rows->group_count, sizeof(group), compare_groups, rows);
	return ERR_OK;
}

void import_rows_reject_doubles(struct import_rows *rows, const char *reason)
{
	for (size_t i = 0; i < rows->group_count; i++) {
		const struct import_group *group = import_rows_group_at(rows, i);
		bool has_good = false;

		for (uint32_t j = 0; j < group->count; j++) {
			struct import_row *row = row_at(rows, order_of(rows)[group->first + j]);

			if (!row->reason && has_good)
				row->reason = reason;
			has_good = has_good || !row->reason;
		}
	}
}
