#include "vault/keys.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "vault/master.h"

static_assert(KEY_SIZE == crypto_generichash_blake2b_KEYBYTES, "the lookup key is a BLAKE2b key");

#define HANDLE_KEY_DOMAIN "kluis/handle-key/v1\n"

/* Associated data of the lookup key's row: what it is, and of which epoch. */
#define LOOKUP_ASSOCIATED_SIZE (sizeof(VAULT_META_LOOKUP) + 3)
#define LOOKUP_ROW_SIZE (4 + KEY_SIZE + SEAL_OVERHEAD)

static void lookup_associated(uint32_t epoch, uint8_t ret_place[static LOOKUP_ASSOCIATED_SIZE])
{
	memcpy(ret_place, VAULT_META_LOOKUP, sizeof(VAULT_META_LOOKUP) - 1);
	put_u32(ret_place + sizeof(VAULT_META_LOOKUP) - 1, epoch);
}

enum err lookup_key_row(const uint8_t *master, uint32_t epoch, const uint8_t lookup_key[static KEY_SIZE],
			struct bytes *ret_row)
{
	uint8_t associated[LOOKUP_ASSOCIATED_SIZE];

	lookup_associated(epoch, associated);
	TRY(bytes_append_u32(ret_row, epoch));
	return seal(master, SLICE_ARRAY(associated), SLICE(lookup_key, KEY_SIZE), ret_row);
}

static enum err lookup_key_open(struct vault *vault, const struct core_keys *keys, struct slice row)
{
	uint8_t associated[LOOKUP_ASSOCIATED_SIZE];
	struct bytes plain = {.data = vault->lookup_key, .capacity = KEY_SIZE, .maximum = KEY_SIZE};
	struct master master CLEANUP(master_fini) = {{0}};

	if (row.length != LOOKUP_ROW_SIZE)
		return ERR_CORRUPT;
	uint32_t epoch = get_u32(row.data);
	enum err err = master_of(keys, epoch, &master);
	TRY(err == ERR_NOT_FOUND ? ERR_CRYPTO : err);
	lookup_associated(epoch, associated);
	return unseal(master.key, SLICE_ARRAY(associated), slice_part(row, 4, row.length - 4), &plain);
}

static enum err lookup_key_make(struct vault *vault, const struct core_keys *keys, uint32_t epoch,
				struct bytes *ret_row)
{
	struct master master CLEANUP(master_fini) = {{0}};

	TRY(master_of(keys, epoch, &master));
	random_bytes(vault->lookup_key, KEY_SIZE);
	return lookup_key_row(master.key, epoch, vault->lookup_key, ret_row);
}

enum err vault_open(struct store_txn *txn, const struct core_keys *keys, struct vault **ret_vault,
		    struct bytes *ret_row, struct fault *fault)
{
	struct vault *vault CLEANUP(vault_free) = calloc(1, sizeof(*vault));
	struct epochs epochs;
	struct slice row;
	enum err err;

	if (vault == NULL)
		return ERR_MEMORY;
	vault->lookup_key = sodium_malloc(KEY_SIZE);
	if (vault->lookup_key == NULL)
		return ERR_MEMORY;
	TRY(epochs_check(txn, keys, &epochs, fault));
	err = store_get(txn, TABLE_META, slice_text(VAULT_META_LOOKUP), &row);
	if (err == ERR_OK)
		err = lookup_key_open(vault, keys, row);
	else if (err == ERR_NOT_FOUND)
		err = lookup_key_make(vault, keys, epochs.newest, ret_row);
	TRY(err);
	sodium_mprotect_readonly(vault->lookup_key);
	*ret_vault = vault;
	vault = NULL;
	return ERR_OK;
}

void vault_free(struct vault **vault)
{
	if (*vault == NULL)
		return;
	sodium_free((*vault)->lookup_key);
	free(*vault);
	*vault = NULL;
}

/* The index hashes a field's number, 1 to 64, before the value (index.c): never what begins with this domain's 'k'. */
void vault_handle_key(const struct vault *vault, struct slice principal, uint8_t ret_key[static KEY_SIZE])
{
	blake2b(SLICE(vault->lookup_key, KEY_SIZE), HANDLE_KEY_DOMAIN, principal, ret_key);
}

enum err arena_bytes(struct arena *arena, size_t size, struct bytes *ret_bytes)
{
	uint8_t *place = arena_alloc(arena, size);

	if (place == NULL)
		return ERR_MEMORY;
	*ret_bytes = (struct bytes){.data = place, .capacity = size, .maximum = size};
	return ERR_OK;
}

#define KEY_ASSOCIATED_SIZE (PSEUDONYM_SIZE + 4)

static void key_associated(struct slice pseudonym, uint32_t epoch, uint8_t ret_place[static KEY_ASSOCIATED_SIZE])
{
	assert(pseudonym.length == PSEUDONYM_SIZE);
	memcpy(ret_place, pseudonym.data, PSEUDONYM_SIZE);
	put_u32(ret_place + PSEUDONYM_SIZE, epoch);
}

enum err key_wrap(struct context *context, struct slice pseudonym, const uint8_t key[static KEY_SIZE],
		  uint32_t *ret_epoch, ProtobufCBinaryData *ret_wrapped)
{
	uint8_t associated[KEY_ASSOCIATED_SIZE];
	struct epochs epochs;

	TRY(epochs_get(context, &epochs));
	key_associated(pseudonym, epochs.newest, associated);
	return master_seal(context, SLICE_ARRAY(associated), SLICE(key, KEY_SIZE), ret_epoch, ret_wrapped);
}

enum err key_unwrap(struct context *context, struct slice pseudonym, uint32_t epoch, struct slice wrapped,
		    uint8_t **ret_key)
{
	uint8_t associated[KEY_ASSOCIATED_SIZE];
	struct bytes plain;

	if (wrapped.length != KEY_SIZE + SEAL_OVERHEAD)
		return ERR_CRYPTO;
	key_associated(pseudonym, epoch, associated);
	TRY(master_unseal(context, epoch, SLICE_ARRAY(associated), wrapped, &plain));
	*ret_key = plain.data;
	return ERR_OK;
}
