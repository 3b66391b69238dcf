/*
 * Keys of stores and auditors after they joined: another one, or none any more (FORMAT.md R140, R142).
 */
#include <string.h>

#include "core/core.h"
#include "core/handler.h"

#define ROTATE_DOMAIN "kluis/rotate/v1\n"

static enum err principal_row(struct context *context, const char *name, Rows__Principal **ret_row)
{
	return row_get(context, TABLE_PRINCIPAL, slice_text(name), &rows__principal__descriptor,
		       (ProtobufCMessage **)(void *)ret_row);
}

/* The new key says that it is this store's, after that old one: nobody takes over another's key, nor plays an older
 * rotation again. */
static enum err check_new_key(const Kluis__RotateKey *rotate, const char *name, struct slice old_key)
{
	struct bytes message CLEANUP(bytes_fini) = {0};

	bytes_init(&message, PRINCIPAL_MAX + 1 + KEY_SIZE);
	TRY(bytes_append(&message, slice_text(name)));
	TRY(bytes_append_u8(&message, 0));
	TRY(bytes_append(&message, old_key));
	return key_verify(rotate->public_key.data, ROTATE_DOMAIN, bytes_slice(&message), wire_slice(rotate->signature));
}

/* FORMAT.md R140. */
enum err handle_rotate_key(struct context *context)
{
	const Kluis__RotateKey *rotate = context->operation->rotate_key;
	const char *name = context->envelope->decoded->principal;
	Rows__Principal *row;

	if (context->envelope->decoded->n_operations != 1)
		return refuse(context, ERR_INPUT, NULL);
	TRY(principal_row(context, name, &row));
	struct slice old_key = wire_slice(row->public_key);
	if (slice_equal(wire_slice(rotate->public_key), old_key))
		return refuse(context, ERR_EXISTS, NULL);
	enum err err = check_new_key(rotate, name, old_key);
	if (err == ERR_SIGNATURE)
		return refuse(context, ERR_SIGNATURE, NULL);
	TRY(err);
	row->has_previous_key = 1;
	row->previous_key = row->public_key;
	row->public_key = rotate->public_key;
	return row_put(context, TABLE_PRINCIPAL, slice_text(name), &row->base);
}

/* FORMAT.md R142. The row stays: who joins again had a key (R28, last row), and not with this one. */
enum err handle_revoke(struct context *context)
{
	const char *name = context->operation->revoke->principal;
	Rows__Principal *row;
	enum err err = principal_row(context, name, &row);

	if (err == ERR_NOT_FOUND || (err == ERR_OK && row->is_revoked))
		return refuse(context, ERR_NOT_FOUND, NULL);
	TRY(err);
	row->has_is_revoked = row->is_revoked = 1;
	row->has_previous_key = 0;
	/* an invitation from before may be in the same wrong hands */
	view_delete(context->view, TABLE_INVITATION, slice_text(name));
	return row_put(context, TABLE_PRINCIPAL, slice_text(name), &row->base);
}
