/*
 * What the server asks of the core (core/core.h), as a table: the broker
 * gives core_*, a test its own. Each row has core.h's meaning.
 */
#ifndef KLUIS_BROKER_SERVER_CORE_H
#define KLUIS_BROKER_SERVER_CORE_H

#include "core/core.h"
#include "server/outside_witness.h"

struct server_core {
	struct core *core;
	enum err (*prepare)(struct core *core, struct slice message, uint64_t now_ms, struct prepared **ret_prepared);
	bool (*needs_commit)(const struct prepared *prepared);
	enum core_trust (*trust)(const struct prepared *prepared);
	enum err (*failure)(const struct prepared *prepared);
	uint32_t (*findings)(const struct prepared *prepared, uint32_t *ret_store);
	bool (*waits)(const struct prepared *prepared, struct core_wait *ret_wait);
	const struct core_news *(*news)(const struct core *core);
	enum err (*commit)(struct core *core, struct prepared **batch, size_t count, uint64_t now_ms);
	struct slice (*reply)(const struct prepared *prepared);
	void (*prepared_free)(struct prepared **prepared);
	enum err (*checkpoint)(struct core *core);
	enum err (*round)(struct core *core, uint64_t now_ms, uint64_t *ret_next_ms);
};

/* The broker's own: core_* on that core. */
struct server_core server_core_of(struct core *core);
struct outside_core outside_core_of(struct core *core);

#endif
