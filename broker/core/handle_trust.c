#include <string.h>

#include "core/handler.h"
#include "core/logs.h"

/* "trust/" and a hash in the meta table: that paper is a version of the trust, for all to read. */
#define VERSION_KEY_SIZE (sizeof(LOGS_META_TRUST) + HASH_SIZE)

static struct slice version_key(struct slice hash, uint8_t place[static VERSION_KEY_SIZE])
{
	memcpy(place, LOGS_META_TRUST "/", sizeof(LOGS_META_TRUST));
	memcpy(place + sizeof(LOGS_META_TRUST), hash.data, HASH_SIZE);
	return SLICE(place, VERSION_KEY_SIZE);
}

/* The note in force; ERR_NOT_FOUND before the first. */
static enum err read_trust(struct context *context, struct trust *ret_trust)
{
	struct slice hash, stored;

	TRY(view_get(context->view, TABLE_META, slice_text(LOGS_META_TRUST), &hash));
	enum err err = view_get(context->view, TABLE_PAPER, hash, &stored);
	TRY(err == ERR_NOT_FOUND ? ERR_CORRUPT : err);
	return logs_trust(context->keys, stored, context->arena, ret_trust);
}

static enum err check(struct context *context, struct trust *next)
{
	struct fault fault = {""};
	struct trust before;
	const struct secret_key *found[TRUST_LOGS_MAX];

	TRY(trust_open(context->paper, &context->keys->controller, "trust", context->arena, next, &fault));
	if (!slice_equal(wire_slice(context->operation->trust->hash), SLICE_ARRAY(next->hash)))
		return ERR_PAPER;
	enum err err = read_trust(context, &before);
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return err;
	TRY(trust_may_follow(err == ERR_OK ? &before : NULL, next, &fault));
	/* a log that nobody can sign would stand still */
	return logs_find(context->keys, next, found) > 0 ? ERR_OK : ERR_STATE;
}

static bool is_verdict(enum err err)
{
	return err >= ERR_NOT_FOUND;
}

/* FORMAT.md R141. */
enum err handle_trust(struct context *context)
{
	uint8_t place[VERSION_KEY_SIZE], version[4];
	struct trust *next = arena_alloc(context->arena, sizeof *next);

	if (next == NULL)
		return ERR_MEMORY;
	enum err err = check(context, next);
	if (err == ERR_INPUT)
		err = ERR_PAPER;
	if (is_verdict(err))
		return refuse(context, err, NULL);
	TRY(err);
	struct slice hash = SLICE_ARRAY(next->hash);
	put_u32(version, next->version);
	view_put(context->view, TABLE_PAPER, hash, context->paper);
	view_put(context->view, TABLE_META, version_key(hash, place), SLICE_ARRAY(version));
	view_put(context->view, TABLE_META, slice_text(LOGS_META_TRUST), hash);
	return ERR_OK;
}

enum err trust_is_version(struct context *context, struct slice hash, bool *ret_is_version)
{
	uint8_t place[VERSION_KEY_SIZE];
	struct slice version;
	enum err err = view_get(context->view, TABLE_META, version_key(hash, place), &version);

	*ret_is_version = err == ERR_OK;
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}
