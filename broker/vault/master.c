#include "vault/master.h"

#include <string.h>

#include "kluis/hash.h"
#include "vault/keys.h"

/* Associated data of an epoch's check: what it is, and of which epoch. */
#define CHECK_DOMAIN "vault/epoch"
#define CHECK_ASSOCIATED_SIZE (sizeof(CHECK_DOMAIN) + 3)
#define CHECK_SIZE (KEY_SIZE + SEAL_OVERHEAD)
#define EPOCHS_ARENA_MAX 4096

void master_fini(struct master *master)
{
	wipe(master, sizeof *master);
}

enum err master_of(const struct core_keys *keys, uint32_t epoch, struct master *ret_master)
{
	if (keys->master_of != NULL)
		return keys->master_of(keys->context, epoch, ret_master->key);
	if (keys->master == NULL || epoch != keys->epoch)
		return ERR_NOT_FOUND;
	memcpy(ret_master->key, keys->master, KEY_SIZE);
	return ERR_OK;
}

static void check_associated(uint32_t epoch, uint8_t ret_place[static CHECK_ASSOCIATED_SIZE])
{
	memcpy(ret_place, CHECK_DOMAIN, sizeof(CHECK_DOMAIN) - 1);
	put_u32(ret_place + sizeof(CHECK_DOMAIN) - 1, epoch);
}

/* A store in which no rotation was ever begun has no row. */
static void first_epochs(const struct core_keys *keys, struct epochs *ret_epochs)
{
	*ret_epochs = (struct epochs){.newest = keys->epoch, .oldest = keys->epoch};
}

static enum err row_of(struct slice value, struct arena *arena, Rows__Epochs **ret_row)
{
	enum err err = wire_decode(&rows__epochs__descriptor, value, arena, (ProtobufCMessage **)(void *)ret_row);

	TRY(err == ERR_INPUT ? ERR_CORRUPT : err);
	return (*ret_row)->oldest <= (*ret_row)->newest ? ERR_OK : ERR_CORRUPT;
}

enum err epochs_get(struct context *context, struct epochs *ret_epochs)
{
	struct slice value;
	Rows__Epochs *row;
	enum err err = view_get(context->view, TABLE_META, slice_text(VAULT_META_EPOCHS), &value);

	if (err == ERR_NOT_FOUND) {
		first_epochs(context->keys, ret_epochs);
		return ERR_OK;
	}
	TRY(err);
	TRY(row_of(value, context->arena, &row));
	*ret_epochs = (struct epochs){.newest = row->newest, .oldest = row->oldest};
	return ERR_OK;
}

enum err epochs_put(struct context *context, const struct epochs *epochs)
{
	static const uint8_t zeros[KEY_SIZE];
	uint8_t associated[CHECK_ASSOCIATED_SIZE];
	Rows__Epochs row = ROWS__EPOCHS__INIT;
	struct master master CLEANUP(master_fini) = {{0}};
	struct bytes sealed;

	TRY(master_of(context->keys, epochs->newest, &master));
	TRY(arena_bytes(context->arena, CHECK_SIZE, &sealed));
	check_associated(epochs->newest, associated);
	TRY(seal(master.key, SLICE_ARRAY(associated), SLICE_ARRAY(zeros), &sealed));
	row.newest = epochs->newest;
	row.oldest = epochs->oldest;
	row.check = wire_data(bytes_slice(&sealed));
	return row_put(context, TABLE_META, slice_text(VAULT_META_EPOCHS), &row.base);
}

/* ---- at the start ---- */

static enum err check_newest(const struct core_keys *keys, const Rows__Epochs *row, struct fault *fault)
{
	uint8_t associated[CHECK_ASSOCIATED_SIZE];
	struct bytes plain CLEANUP(bytes_fini) = {0};
	struct master master CLEANUP(master_fini) = {{0}};

	bytes_init_secret(&plain, KEY_SIZE);
	TRY(master_of(keys, row->newest, &master));
	check_associated(row->newest, associated);
	enum err err = unseal(master.key, SLICE_ARRAY(associated), wire_slice(row->check), &plain);
	if (err != ERR_OK)
		return fault_set(fault, err, "the master key of epoch %u is not the one that the data is under",
				 row->newest);
	return ERR_OK;
}

static enum err check_all(const struct core_keys *keys, const struct epochs *epochs, struct fault *fault)
{
	struct master master CLEANUP(master_fini) = {{0}};

	for (uint32_t epoch = epochs->oldest; epoch <= epochs->newest; epoch++) {
		enum err err = master_of(keys, epoch, &master);
		if (err == ERR_NOT_FOUND)
			return fault_set(fault, err, "the master key of epoch %u is missing, and data is under it",
					 epoch);
		TRY(err);
	}
	return ERR_OK;
}

enum err epochs_end(struct store_txn *txn, const struct core_keys *keys)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct slice value;
	Rows__Epochs *row;

	if (keys->end_masters == NULL)
		return ERR_OK;
	arena_init(&arena, EPOCHS_ARENA_MAX);
	enum err err = store_get(txn, TABLE_META, slice_text(VAULT_META_EPOCHS), &value);
	if (err == ERR_NOT_FOUND) /* no rotation was ever begun */
		return ERR_OK;
	TRY(err);
	TRY(row_of(value, &arena, &row));
	keys->end_masters(keys->context, row->oldest);
	return ERR_OK;
}

enum err epochs_check(struct store_txn *txn, const struct core_keys *keys, struct epochs *ret_epochs,
		      struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct epochs epochs;
	Rows__Epochs *row = NULL;
	struct slice value;

	arena_init(&arena, EPOCHS_ARENA_MAX);
	first_epochs(keys, &epochs);
	enum err err = store_get(txn, TABLE_META, slice_text(VAULT_META_EPOCHS), &value);
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return err;
	if (err == ERR_OK) {
		TRY(row_of(value, &arena, &row));
		epochs = (struct epochs){.newest = row->newest, .oldest = row->oldest};
	}
	TRY(check_all(keys, &epochs, fault));
	if (row != NULL)
		TRY(check_newest(keys, row, fault));
	*ret_epochs = epochs;
	return ERR_OK;
}

/* ---- sealing ---- */

enum err master_seal(struct context *context, struct slice associated, struct slice plain, uint32_t *ret_epoch,
		     ProtobufCBinaryData *ret_sealed)
{
	struct epochs epochs;
	struct master master CLEANUP(master_fini) = {{0}};
	struct bytes sealed;

	TRY(epochs_get(context, &epochs));
	enum err err = master_of(context->keys, epochs.newest, &master);
	TRY(err == ERR_NOT_FOUND ? ERR_CRYPTO : err);
	TRY(arena_bytes(context->arena, plain.length + SEAL_OVERHEAD, &sealed));
	TRY(seal(master.key, associated, plain, &sealed));
	*ret_epoch = epochs.newest;
	*ret_sealed = wire_data(bytes_slice(&sealed));
	return ERR_OK;
}

enum err master_unseal(struct context *context, uint32_t epoch, struct slice associated, struct slice sealed,
		       struct bytes *ret_plain)
{
	struct master master CLEANUP(master_fini) = {{0}};
	struct bytes plain;
	enum err err = master_of(context->keys, epoch, &master);

	TRY(err == ERR_NOT_FOUND ? ERR_CRYPTO : err);
	if (sealed.length < SEAL_OVERHEAD)
		return ERR_CORRUPT;
	TRY(arena_bytes(context->arena, sealed.length, &plain));
	TRY(unseal(master.key, associated, sealed, &plain));
	*ret_plain = plain;
	return ERR_OK;
}
