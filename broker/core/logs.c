#include "core/logs.h"

#include <string.h>

#include "core/tables.h"
#include "kluis/checkpoint.h"

#define TRUST_ARENA_MAX (8 * PAPER_MAX)

static enum err find_log(const struct core_keys *keys, const struct public_key *log, const struct secret_key **ret_key)
{
	if (keys->log_of != NULL)
		return keys->log_of(keys->context, log, ret_key);
	if (keys->log == NULL || !public_key_equal(&keys->log->public, log))
		return ERR_NOT_FOUND;
	*ret_key = keys->log;
	return ERR_OK;
}

size_t logs_find(const struct core_keys *keys, const struct trust *trust,
		 const struct secret_key *ret_keys[static TRUST_LOGS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < trust->log_count; i++)
		if (find_log(keys, &trust->logs[i], &ret_keys[count]) == ERR_OK)
			count++;
	return count;
}

enum err logs_trust(const struct core_keys *keys, struct slice stored, struct arena *arena, struct trust *ret_trust)
{
	struct fault fault = {""};
	uint8_t *copy = arena_copy(arena, stored);

	if (copy == NULL)
		return ERR_MEMORY;
	enum err err = trust_open(SLICE(copy, stored.length), &keys->controller, "trust", arena, ret_trust, &fault);
	return err == ERR_OK || err == ERR_MEMORY ? err : ERR_CORRUPT;
}

static enum err stored_trust(struct store_txn *txn, const struct core_keys *keys, struct slice hash,
			     struct arena *arena, struct trust *ret_trust)
{
	struct slice stored;
	enum err err = store_get(txn, TABLE_PAPER, hash, &stored);

	TRY(err == ERR_NOT_FOUND ? ERR_CORRUPT : err);
	return logs_trust(keys, stored, arena, ret_trust);
}

/* No note was ever entered. */
static enum err take_first(const struct core_keys *keys, struct logs *logs, struct fault *fault)
{
	if (keys->log == NULL)
		return fault_set(fault, ERR_NOT_FOUND, "the log's key is missing");
	*logs = (struct logs){.keys = {keys->log}, .count = 1};
	return ERR_OK;
}

static enum err take_trust(struct store_txn *txn, const struct core_keys *keys, struct slice hash, struct logs *logs,
			   struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct logs found = {.count = 0};
	struct trust trust;

	arena_init(&arena, TRUST_ARENA_MAX);
	TRY(stored_trust(txn, keys, hash, &arena, &trust));
	found.count = logs_find(keys, &trust, found.keys);
	if (found.count == 0)
		return fault_set(fault, ERR_NOT_FOUND, "none of the log's keys of trust version %u is there",
				 trust.version);
	memcpy(found.trust, trust.hash, HASH_SIZE);
	*logs = found;
	return ERR_OK;
}

enum err logs_refresh(struct store_txn *txn, const struct core_keys *keys, struct logs *logs, struct fault *fault)
{
	struct slice hash;
	enum err err = store_get(txn, TABLE_META, slice_text(LOGS_META_TRUST), &hash);

	if (err == ERR_NOT_FOUND)
		return logs->count > 0 ? ERR_OK : take_first(keys, logs, fault);
	TRY(err);
	if (logs->count > 0 && slice_equal(hash, SLICE_ARRAY(logs->trust)))
		return ERR_OK;
	return take_trust(txn, keys, hash, logs, fault);
}

static bool is_signed_by(struct slice note, const struct public_key *log)
{
	struct checkpoint checkpoint;
	struct fault fault = {""};

	return checkpoint_open(note, log, &checkpoint, &fault) == ERR_OK;
}

static bool is_signed(struct slice note, const struct trust *trust)
{
	for (size_t i = 0; i < trust->log_count; i++)
		if (is_signed_by(note, &trust->logs[i]))
			return true;
	return false;
}

static enum err check_versions(struct store_txn *txn, const struct core_keys *keys, const struct logs *logs,
			       struct slice note)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct trust trust;
	uint8_t hash[HASH_SIZE];

	memcpy(hash, logs->trust, HASH_SIZE);
	do {
		arena_init(&arena, TRUST_ARENA_MAX);
		TRY(stored_trust(txn, keys, SLICE_ARRAY(hash), &arena, &trust));
		if (is_signed(note, &trust))
			return ERR_OK;
		memcpy(hash, trust.before, HASH_SIZE);
		arena_fini(&arena);
	} while (trust.version > 1);
	/* from before the first note */
	return keys->log != NULL && is_signed_by(note, &keys->log->public) ? ERR_OK : ERR_CORRUPT;
}

enum err logs_check(struct store_txn *txn, const struct core_keys *keys, const struct logs *logs, struct slice note)
{
	static const uint8_t none[HASH_SIZE];

	if (!slice_equal(SLICE_ARRAY(logs->trust), SLICE_ARRAY(none)))
		return check_versions(txn, keys, logs, note);
	return is_signed_by(note, &logs->keys[0]->public) ? ERR_OK : ERR_CORRUPT;
}
