#include "core/handler.h"

static enum err answer(struct context *context, uint64_t rows, bool is_done)
{
	context->result->has_rows = 1;
	context->result->rows = rows;
	context->result->has_is_done = 1;
	context->result->is_done = is_done;
	return ERR_OK;
}

/* Where an import stands, kept with its rows: both commit or neither (FORMAT.md R117). */
enum err handle_progress(struct context *context)
{
	const Kluis__Progress *progress = context->operation->progress;
	struct slice key = wire_slice(progress->import);
	Rows__Import fresh = ROWS__IMPORT__INIT;
	Rows__Import *row = &fresh;
	ProtobufCMessage *stored;

	enum err err = row_get(context, TABLE_IMPORT, key, &rows__import__descriptor, &stored);
	if (err == ERR_OK)
		row = (Rows__Import *)stored;
	else if (err != ERR_NOT_FOUND)
		return err;
	if (!progress->has_rows)
		return answer(context, row->rows, row->is_done);
	if (progress->rows < row->rows)
		return refuse(context, ERR_STATE, NULL);
	row->rows = progress->rows;
	row->is_done = progress->has_is_done && progress->is_done;
	TRY(row_put(context, TABLE_IMPORT, key, &row->base));
	return answer(context, row->rows, row->is_done);
}
