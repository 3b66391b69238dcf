/*
 * The store's staff as the agent knows them: replica.h's employees. A row, sealed:
 * pseudonym || u8 length of role || role || name.
 */
#include <string.h>

#include "staff.h"

#define EMPLOYEE_MAX (PSEUDONYM_SIZE + 1 + NAME_MAX_ + VALUE_MAX)

struct writing {
	struct slice key;
	struct slice value; /* empty: delete */
};

/* Nothing that the employee had stays for who has the handle next. */
static void delete_employee(struct store_txn *txn, struct slice handle)
{
	uint8_t place[STAFF_KEY_MAX];

	store_delete(txn, REPLICA_STAFF, handle);
	store_delete(txn, REPLICA_STAFF, staff_pin_key(handle, place));
}

static enum err write(struct store_txn *txn, void *context)
{
	const struct writing *writing = context;

	if (writing->value.length > 0)
		store_put(txn, REPLICA_STAFF, writing->key, writing->value);
	else
		delete_employee(txn, writing->key);
	return ERR_OK;
}

enum err replica_put_employee(const struct replica *replica, const struct replica_employee *employee)
{
	struct bytes plain CLEANUP(bytes_fini) = {0}, sealed CLEANUP(bytes_fini) = {0};
	struct slice key = slice_text(employee->handle), role = slice_text(employee->role);

	bytes_init_secret(&plain, EMPLOYEE_MAX);
	bytes_init(&sealed, EMPLOYEE_MAX + SEAL_OVERHEAD);
	TRY(bytes_append(&plain, SLICE_ARRAY(employee->pseudonym)));
	TRY(bytes_append_u8(&plain, (uint8_t)role.length));
	TRY(bytes_append(&plain, role));
	TRY(bytes_append(&plain, slice_text(employee->name)));
	TRY(seal(replica->key, key, bytes_slice(&plain), &sealed));
	struct writing writing = {.key = key, .value = bytes_slice(&sealed)};
	return store_update(replica->store, write, &writing);
}

enum err replica_remove_employee(const struct replica *replica, const char *handle)
{
	struct writing writing = {.key = slice_text(handle)};

	return store_update(replica->store, write, &writing);
}

static enum err copy_text(struct slice slice, char *place, size_t size)
{
	if (slice.length >= size)
		return ERR_CORRUPT;
	if (slice.length > 0)
		memcpy(place, slice.data, slice.length);
	place[slice.length] = '\0';
	return ERR_OK;
}

static enum err open_employee(const struct replica *replica, struct slice key, struct slice sealed,
			      struct replica_employee *ret_employee)
{
	struct bytes plain CLEANUP(bytes_fini) = {0};

	bytes_init_secret(&plain, EMPLOYEE_MAX);
	TRY(unseal(replica->key, key, sealed, &plain));
	struct reader reader = reader_of(bytes_slice(&plain));
	struct slice pseudonym = reader_take(&reader, PSEUDONYM_SIZE);
	struct slice role = reader_take(&reader, reader_u8(&reader));
	if (reader.is_short)
		return ERR_CORRUPT;
	memcpy(ret_employee->pseudonym, pseudonym.data, PSEUDONYM_SIZE);
	TRY(copy_text(key, ret_employee->handle, sizeof ret_employee->handle));
	TRY(copy_text(role, ret_employee->role, sizeof ret_employee->role));
	return copy_text(reader.rest, ret_employee->name, sizeof ret_employee->name);
}

enum err replica_get_employee(const struct replica *replica, const char *handle, struct replica_employee *ret_employee)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;
	struct slice value;

	TRY(store_begin_read(replica->store, &txn));
	TRY(store_get(txn, REPLICA_STAFF, slice_text(handle), &value));
	return open_employee(replica, slice_text(handle), value, ret_employee);
}

enum err replica_each_employee(const struct replica *replica, replica_employee_fn *visit, void *context)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;
	struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
	struct slice key, value;
	struct replica_employee employee;

	TRY(store_begin_read(replica->store, &txn));
	TRY(store_seek(txn, REPLICA_STAFF, SLICE_EMPTY, &cursor));
	while (store_next(cursor, &key, &value)) {
		if (staff_is_pin_key(key))
			continue;
		TRY(open_employee(replica, key, value, &employee));
		TRY(visit(context, &employee));
	}
	return ERR_OK;
}
