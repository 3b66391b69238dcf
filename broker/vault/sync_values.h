/*
 * What a sync gives beside the values, for a store that answers from its copy (FORMAT.md R130, R132): handles to find a
 * customer by, facts to decide by, and values that lost against a later change.
 *
 * Threads: as the context.
 */
#ifndef KLUIS_VAULT_SYNC_VALUES_H
#define KLUIS_VAULT_SYNC_VALUES_H

#include "vault/vault.h"

/* Adds them to a disclosure's values, which are of these fields. */
enum err sync_values_add(struct context *context, const struct customer *customer, const Rows__Record *record,
			 const struct cut *cut, uint64_t fields, Kluis__Values *values) MUST_USE;
/* The values that lost alone, which head office sees too: of the fields that the entry says are disclosed. */
enum err superseded_add(struct context *context, const Rows__Record *record, const struct cut *cut, uint64_t fields,
			Kluis__Values *values) MUST_USE;

/* What the cut's grant lets through of a value of a field, 1 to 64: masked in the arena, or the value itself. */
enum err cut_mask(struct context *context, const struct cut *cut, uint32_t field, char *value,
		  char **ret_text) MUST_USE;

#endif
