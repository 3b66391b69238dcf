/*
 * Values that a broker gave, held against the entry that says what was given and against the agreement: the broker is
 * not believed (FORMAT.md R98, R130, R132).
 */
#ifndef KLUIS_AGENT_GIVEN_H
#define KLUIS_AGENT_GIVEN_H

#include "kluis/agreement.h"
#include "kluis/wire.h"

/* Decodes a part's content into the arena: values ascending, of exactly these fields (bits). ERR_MISMATCH. */
enum err given_open(struct slice content, uint64_t fields, struct arena *arena, Kluis__Values **ret_values,
		    struct fault *fault) MUST_USE;

/* Of a lookup under a grant of the charter's: nothing beside the values, and these masked as the grant says.
 * ERR_MISMATCH. */
enum err given_to_till(const Kluis__Values *values, const struct charter *charter, const struct grant *grant,
		       struct fault *fault) MUST_USE;

/* Of a sync under a grant of the agreement's: masked as it says; of a customer in its scope, as far as the facts that
 * come with the values tell; handles of fields that customers are found by, each once and only if some grant lets
 * employees look up for the purpose; superseded values of these fields only. ERR_MISMATCH. */
enum err given_to_copy(const Kluis__Values *values, uint64_t fields, const struct charter *charter,
		       const struct agreement *agreement, const struct grant *grant, struct fault *fault) MUST_USE;

#endif
