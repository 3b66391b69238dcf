#include "vault/keys.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static_assert(KEY_SIZE == crypto_generichash_blake2b_KEYBYTES, "the lookup key is a BLAKE2b key");

#define HANDLE_KEY_DOMAIN "kluis/handle-key/v1\n"

/* Associated data of the lookup key's row: what it is, and of which epoch. */
#define LOOKUP_ASSOCIATED_SIZE (sizeof(VAULT_META_LOOKUP) + 3)

static void lookup_associated(uint32_t epoch, uint8_t ret_place[static LOOKUP_ASSOCIATED_SIZE])
{
	memcpy(ret_place, VAULT_META_LOOKUP, sizeof(VAULT_META_LOOKUP) - 1);
	put_u32(ret_place + sizeof(VAULT_META_LOOKUP) - 1, epoch);
}

static enum err lookup_key_open(struct vault *vault, struct slice row)
{
	uint8_t associated[LOOKUP_ASSOCIATED_SIZE];
	struct bytes plain = {.data = vault->lookup_key, .capacity = KEY_SIZE, .maximum = KEY_SIZE};

	if (row.length != KEY_SIZE + SEAL_OVERHEAD)
		return ERR_CORRUPT;
	lookup_associated(vault->epoch, associated);
	return unseal(vault->master, SLICE_ARRAY(associated), row, &plain);
}

static enum err lookup_key_make(struct vault *vault, struct bytes *ret_row)
{
	uint8_t associated[LOOKUP_ASSOCIATED_SIZE];

	random_bytes(vault->lookup_key, KEY_SIZE);
	lookup_associated(vault->epoch, associated);
	return seal(vault->master, SLICE_ARRAY(associated), SLICE(vault->lookup_key, KEY_SIZE), ret_row);
}

enum err vault_open(struct store_txn *txn, const uint8_t *master, uint32_t epoch, struct vault **ret_vault,
		    struct bytes *ret_row)
{
	struct vault *vault CLEANUP(vault_free) = calloc(1, sizeof(*vault));
	struct slice row;
	enum err err;

	if (vault == NULL)
		return ERR_MEMORY;
	vault->master = master;
	vault->epoch = epoch;
	vault->lookup_key = sodium_malloc(KEY_SIZE);
	if (vault->lookup_key == NULL)
		return ERR_MEMORY;
	err = store_get(txn, TABLE_META, slice_text(VAULT_META_LOOKUP), &row);
	if (err == ERR_OK)
		err = lookup_key_open(vault, row);
	else if (err == ERR_NOT_FOUND)
		err = lookup_key_make(vault, ret_row);
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
		  ProtobufCBinaryData *ret_wrapped)
{
	uint8_t associated[KEY_ASSOCIATED_SIZE];
	struct bytes sealed;

	key_associated(pseudonym, context->vault->epoch, associated);
	TRY(arena_bytes(context->arena, KEY_SIZE + SEAL_OVERHEAD, &sealed));
	TRY(seal(context->vault->master, SLICE_ARRAY(associated), SLICE(key, KEY_SIZE), &sealed));
	*ret_wrapped = wire_data(bytes_slice(&sealed));
	return ERR_OK;
}

enum err key_unwrap(struct context *context, struct slice pseudonym, uint32_t epoch, struct slice wrapped,
		    uint8_t **ret_key)
{
	uint8_t associated[KEY_ASSOCIATED_SIZE];
	struct bytes plain;

	if (epoch != context->vault->epoch || wrapped.length != KEY_SIZE + SEAL_OVERHEAD)
		return ERR_CRYPTO;
	key_associated(pseudonym, epoch, associated);
	TRY(arena_bytes(context->arena, KEY_SIZE, &plain));
	TRY(unseal(context->vault->master, SLICE_ARRAY(associated), wrapped, &plain));
	*ret_key = plain.data;
	return ERR_OK;
}
