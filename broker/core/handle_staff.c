#include <string.h>

#include "core/core.h"
#include "core/handler.h"
#include "vault/master.h"

/* The name stays with head office, sealed: the log knows the employee by pseudonym only. */
static enum err seal_name(struct context *context, struct slice key, Rows__Employee *row)
{
	if (context->part == NULL)
		return ERR_OK;
	row->has_sealed_name = row->has_epoch = 1;
	return master_seal(context, key, wire_slice(context->part->content), &row->epoch, &row->sealed_name);
}

static enum err remove_employee(struct context *context, struct slice key)
{
	struct slice value;
	enum err err = view_get(context->view, TABLE_EMPLOYEE, key, &value);

	if (err == ERR_NOT_FOUND)
		return refuse(context, ERR_NOT_FOUND, NULL);
	TRY(err);
	view_delete(context->view, TABLE_EMPLOYEE, key);
	return ERR_OK;
}

/* A change of role without a name keeps the name. */
static enum err put_employee(struct context *context, struct slice key)
{
	Rows__Employee row = ROWS__EMPLOYEE__INIT;
	ProtobufCMessage *old;

	enum err err = row_get(context, TABLE_EMPLOYEE, key, &rows__employee__descriptor, &old);
	if (err == ERR_OK)
		row = *(const Rows__Employee *)old;
	else if (err != ERR_NOT_FOUND)
		return err;
	row.role = context->operation->staff->role;
	TRY(seal_name(context, key, &row));
	return row_put(context, TABLE_EMPLOYEE, key, &row.base);
}

/* FORMAT.md R106. */
enum err handle_staff(struct context *context)
{
	const Kluis__Staff *staff = context->operation->staff;
	const struct principal *principal = &context->envelope->principal;
	uint8_t key[4 + PSEUDONYM_SIZE];
	Rows__Store *store;

	bool is_store = principal->kind == PRINCIPAL_STORE;
	if (is_store ? staff->has_store && staff->store != principal->store : !staff->has_store)
		return refuse(context, ERR_STORE, NULL);
	put_u32(key, is_store ? principal->store : staff->store);
	memcpy(key + 4, staff->employee.data, PSEUDONYM_SIZE);
	enum err err = store_row_get(context, get_u32(key), &store);
	if (err == ERR_NOT_FOUND)
		return refuse(context, ERR_STORE, NULL);
	TRY(err);
	if (staff->role[0] == '\0')
		return remove_employee(context, SLICE_ARRAY(key));
	if (charter_role(context->charter, slice_text(staff->role)) < 0)
		return refuse(context, ERR_FIELD, NULL);
	return put_employee(context, SLICE_ARRAY(key));
}
