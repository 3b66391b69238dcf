#include "sealed_row.h"

#include "kluis/hash.h"
#include "replica.h"

enum err sealed_row_get(struct store_txn *txn, const uint8_t key[static KEY_SIZE], struct slice name,
			struct bytes *ret_plain)
{
	struct slice sealed;

	TRY(store_get(txn, REPLICA_META, name, &sealed));
	enum err err = unseal(key, name, sealed, ret_plain);
	return err == ERR_CRYPTO || err == ERR_TOO_LARGE ? ERR_CORRUPT : err;
}

enum err sealed_row_put(struct store_txn *txn, const uint8_t key[static KEY_SIZE], struct slice name,
			struct slice plain)
{
	struct bytes sealed CLEANUP(bytes_fini) = {0};

	bytes_init(&sealed, plain.length + SEAL_OVERHEAD);
	TRY(seal(key, name, plain, &sealed));
	store_put(txn, REPLICA_META, name, bytes_slice(&sealed));
	return ERR_OK;
}
