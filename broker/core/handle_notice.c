/*
 * What stores tell head office in words: incidents and data subjects' requests (FORMAT.md R133), and head office's list
 * of them (R134). The log has kind, time and a commitment; the words stay with head office, sealed.
 */
#include <string.h>

#include "core/copies.h"
#include "core/notices.h"
#include "kluis/hash.h"
#include "vault/master.h"

#define NOTICE_KEY_SIZE (8 + 4 + PSEUDONYM_SIZE)
#define ROWS_MAX 4000 /* in one answer */

/* ---- a store's ---- */

/* A report is good from somebody on the roster; an incident also from the agent itself. */
static enum err check_employee(const struct context *context, bool is_incident)
{
	bool is_somebodys = context->envelope->decoded->has_employee;

	if (!is_somebodys)
		return is_incident ? ERR_OK : ERR_NO_EMPLOYEE;
	return context->employee != NULL ? ERR_OK : ERR_NO_EMPLOYEE;
}

static enum err check_content(struct context *context)
{
	Kluis__NoticeContent *content;

	TRY(WIRE_DECODE(NoticeContent, notice_content, wire_slice(context->part->content), context->arena, &content));
	size_t length = strlen(content->text);
	bool is_right = length >= 1 && length <= VALUE_MAX && slice_is_text(SLICE(content->text, length), false);
	return is_right ? ERR_OK : ERR_VALUE;
}

static void notice_key(const struct context *context, struct slice id, uint8_t ret_key[static NOTICE_KEY_SIZE])
{
	put_u64(ret_key, ~copies_second_ms(context));
	put_u32(ret_key + 8, context->envelope->principal.store);
	memcpy(ret_key + 12, id.data, PSEUDONYM_SIZE);
}

static enum err put_notice(struct context *context, const uint8_t key[static NOTICE_KEY_SIZE], Rows__Notice *row)
{
	const Kluis__Request *request = context->envelope->decoded;
	struct slice place = SLICE(key, NOTICE_KEY_SIZE);

	row->has_employee = request->has_employee;
	row->employee = request->employee;
	TRY(master_seal(context, place, wire_slice(context->part->content), &row->epoch, &row->sealed_text));
	TRY(row_put(context, TABLE_NOTICE, place, &row->base));
	view_put(context->view, TABLE_NOTICE_AT, slice_part(place, 8, NOTICE_KEY_SIZE - 8), slice_part(place, 0, 8));
	return context->view->status;
}

/* The same id again changes nothing, whatever it says: an agent that is not sure sends once more. */
static enum err take_notice(struct context *context, struct slice id, Rows__Notice *row)
{
	uint8_t key[NOTICE_KEY_SIZE];
	struct slice at;
	enum err err = check_employee(context, row->is_incident);

	if (err == ERR_OK)
		err = check_content(context);
	if (err >= ERR_NOT_FOUND)
		return refuse(context, err, NULL);
	TRY(err);
	notice_key(context, id, key);
	err = view_get(context->view, TABLE_NOTICE_AT, SLICE(key + 8, NOTICE_KEY_SIZE - 8), &at);
	if (err == ERR_NOT_FOUND)
		return put_notice(context, key, row);
	TRY(err);
	context->result->has_is_unchanged = context->result->is_unchanged = true;
	return ERR_OK;
}

enum err handle_incident(struct context *context)
{
	const Kluis__Incident *incident = context->operation->incident;
	Rows__Notice row = ROWS__NOTICE__INIT;

	row.is_incident = true;
	row.kind = incident->kind;
	row.has_since_ms = incident->has_since_ms;
	row.since_ms = incident->since_ms;
	return take_notice(context, wire_slice(incident->id), &row);
}

enum err handle_subject_request(struct context *context)
{
	const Kluis__SubjectRequest *request = context->operation->subject_request;
	Rows__Notice row = ROWS__NOTICE__INIT;

	row.kind = request->right;
	row.has_customer = request->has_customer;
	row.customer = request->customer;
	return take_notice(context, wire_slice(request->id), &row);
}

/* ---- erasure ---- */

static enum err read_notice(struct context *context, struct slice value, Rows__Notice **ret_notice)
{
	enum err err =
		wire_decode(&rows__notice__descriptor, value, context->arena, (ProtobufCMessage **)(void *)ret_notice);

	return err == ERR_INPUT ? ERR_CORRUPT : err;
}

static enum err erase_notice(struct context *context, struct slice customer, struct slice key, struct slice value)
{
	Rows__Notice *notice;

	TRY(read_notice(context, value, &notice));
	if (!notice->has_customer || !slice_equal(wire_slice(notice->customer), customer))
		return ERR_OK;
	view_note(context->view, TABLE_NOTICE, key);
	notice->sealed_text = wire_data(SLICE_EMPTY);
	return row_put(context, TABLE_NOTICE, key, &notice->base);
}

enum err notices_erase(struct context *context, struct slice customer)
{
	struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
	struct slice key, value;

	TRY(store_seek(context->view->txn, TABLE_NOTICE, SLICE_EMPTY, &cursor));
	while (store_next(cursor, &key, &value))
		TRY(erase_notice(context, customer, key, value));
	return store_txn_status(context->view->txn);
}

/* ---- head office's list ---- */

static enum err read_text(struct context *context, struct slice key, const Rows__Notice *notice, char **ret_text)
{
	Kluis__NoticeContent *content;
	struct bytes plain;

	if (notice->sealed_text.len == 0) { /* the customer was erased (R150) */
		*ret_text = arena_text(context->arena, SLICE_EMPTY);
		return *ret_text == NULL ? ERR_MEMORY : ERR_OK;
	}
	TRY(master_unseal(context, notice->epoch, key, wire_slice(notice->sealed_text), &plain));
	enum err err = WIRE_DECODE(NoticeContent, notice_content, bytes_slice(&plain), context->arena, &content);
	if (err != ERR_OK)
		return err == ERR_INPUT ? ERR_CORRUPT : err;
	*ret_text = content->text;
	return ERR_OK;
}

static enum err add_notice(struct context *context, struct slice key, struct slice value)
{
	Kluis__NoticeRow row = KLUIS__NOTICE_ROW__INIT;
	Rows__Notice *notice;

	if (key.length != NOTICE_KEY_SIZE)
		return ERR_CORRUPT;
	TRY(read_notice(context, value, &notice));
	row.time_ms = ~get_u64(key.data);
	row.store = get_u32(key.data + 8);
	row.id = wire_data(slice_part(key, 12, PSEUDONYM_SIZE));
	row.is_incident = notice->is_incident;
	row.kind = notice->kind;
	row.has_since_ms = notice->has_since_ms;
	row.since_ms = notice->since_ms;
	row.has_customer = notice->has_customer;
	row.customer = notice->customer;
	TRY(read_text(context, key, notice, &row.text));
	return context_add_message(context, &row.base);
}

static bool has_room(const struct context *context)
{
	return context->data.count < ROWS_MAX && context->arena->used < context->arena->ceiling / 4 * 3;
}

/* As many as one answer holds, the newest first. */
static enum err add_notices(struct context *context, bool *ret_has_more)
{
	struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
	struct slice key, value;

	*ret_has_more = false;
	TRY(store_seek(context->view->txn, TABLE_NOTICE, SLICE_EMPTY, &cursor));
	while (!*ret_has_more && store_next(cursor, &key, &value)) {
		view_note(context->view, TABLE_NOTICE, key);
		enum err err = has_room(context) ? add_notice(context, key, value) : ERR_TOO_LARGE;
		*ret_has_more = err == ERR_TOO_LARGE;
		if (!*ret_has_more)
			TRY(err);
	}
	return store_txn_status(context->view->txn);
}

enum err handle_notices(struct context *context)
{
	bool has_more;

	TRY(add_notices(context, &has_more));
	context->result->has_has_more = true;
	context->result->has_more = has_more;
	return ERR_OK;
}
