#include <string.h>

#include "core/core.h"
#include "core/handler.h"
#include "kluis/hash.h"
#include "vault/vault.h"

static enum err check(struct context *context, struct charter *charter)
{
	struct fault fault = {""};
	uint64_t in_use;

	TRY(charter_open(context->paper, &context->keys->controller, "charter", context->arena, charter, &fault));
	if (!slice_equal(wire_slice(context->operation->charter->hash), SLICE_ARRAY(charter->hash)))
		return ERR_PAPER;
	if (context->charter == NULL)
		return ERR_OK;
	TRY(vault_fields_in_use(context, &in_use));
	return charter_may_follow(context->charter, charter, in_use, &fault);
}

/* A verdict on the input, not a failure of the world? */
static bool is_verdict(enum err err)
{
	return err >= ERR_NOT_FOUND;
}

/* FORMAT.md R101. */
enum err handle_charter(struct context *context)
{
	struct charter *charter = arena_alloc(context->arena, sizeof *charter);

	if (charter == NULL)
		return ERR_MEMORY;
	enum err err = check(context, charter);
	if (is_verdict(err))
		return refuse(context, err, NULL);
	TRY(err);
	view_put(context->view, TABLE_PAPER, SLICE_ARRAY(charter->hash), context->paper);
	view_put(context->view, TABLE_META, slice_text("charter"), SLICE_ARRAY(charter->hash));
	context->charter = charter;
	return ERR_OK;
}
