#include "kluis/agreement.h"

#include <stdio.h>
#include <string.h>

#include "kluis/principal.h"

const char *operation_name(enum operation operation)
{
	static const char *const names[OPERATION_COUNT] = {
		[OPERATION_LOOKUP] = "lookup",	   [OPERATION_SYNC] = "sync",	  [OPERATION_RECEIPT] = "receipt",
		[OPERATION_REGISTER] = "register", [OPERATION_UPDATE] = "update", [OPERATION_CONSENT] = "consent",
	};

	return (unsigned)operation < OPERATION_COUNT ? names[operation] : NULL;
}

bool operation_needs_employee(enum operation operation)
{
	return operation != OPERATION_SYNC;
}

const char *scope_name(enum scope scope)
{
	static const char *const names[SCOPE_COUNT] = {
		[SCOPE_OWNED] = "owned",
		[SCOPE_VISITED] = "visited",
		[SCOPE_REGISTERED] = "registered",
		[SCOPE_ALL] = "all",
	};

	return (unsigned)scope < SCOPE_COUNT ? names[scope] : NULL;
}

const char *agreement_state_name(enum agreement_state state)
{
	static const char *const names[] = {
		[AGREEMENT_NONE] = "none",
		[AGREEMENT_DRAFTED] = "drafted",
		[AGREEMENT_OFFERED] = "offered",
		[AGREEMENT_ACTIVE] = "active",
		[AGREEMENT_SUSPENDED] = "suspended",
		[AGREEMENT_TERMINATED] = "terminated",
		[AGREEMENT_SUPERSEDED] = "superseded",
		[AGREEMENT_EXPIRED] = "expired",
	};

	return (unsigned)state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

uint32_t agreement_grants_for(const struct agreement *agreement, enum operation operation, uint8_t purpose)
{
	uint32_t grants = 0;

	for (size_t i = 0; i < agreement->grant_count; i++)
		if (agreement->grants[i].purpose == purpose && agreement->grants[i].operations & 1u << operation)
			grants |= 1u << i;
	return grants;
}

/* Each party signs under its own name: no store can sign another's agreement, no formula's head office this one's. */
static enum err check_signers(const struct agreement *agreement, const struct public_key *controller,
			      const struct public_key *store, const char *name, struct fault *fault)
{
	char wanted[PRINCIPAL_MAX + 1];

	snprintf(wanted, sizeof(wanted), "%s/controller", agreement->origin);
	if (strcmp(controller->name, wanted) != 0)
		return fault_set(fault, ERR_SIGNATURE, "%s: signed by %s, but only %s may sign it", name,
				 controller->name, wanted);
	TRY(principal_store_name(slice_text(agreement->origin), agreement->store, wanted));
	if (store && strcmp(store->name, wanted) != 0)
		return fault_set(fault, ERR_SIGNATURE, "%s: signed by %s, but it is for %s", name, store->name, wanted);
	return ERR_OK;
}

enum err agreement_open(struct slice note, const struct charter *charter, const struct public_key *controller,
			const struct public_key *store, const char *name, struct arena *arena,
			struct agreement *ret_agreement, struct fault *fault)
{
	struct note *parsed = arena_alloc(arena, sizeof(*parsed));
	struct agreement *agreement = arena_alloc(arena, sizeof(*agreement));

	if (!parsed || !agreement)
		return ERR_MEMORY;
	enum err err = note_parse(note, arena, parsed, fault);
	if (err != ERR_OK) {
		fault_prefix(fault, name);
		return err;
	}
	if (note_verify(parsed, controller) != ERR_OK)
		return fault_set(fault, ERR_SIGNATURE, "%s: not signed by %s", name, controller->name);
	if (store && note_verify(parsed, store) != ERR_OK)
		return fault_set(fault, ERR_SIGNATURE, "%s: not signed by %s", name, store->name);
	TRY(agreement_parse(parsed->text, name, charter, arena, agreement, fault));
	TRY(check_signers(agreement, controller, store, name, fault));
	*ret_agreement = *agreement;
	return ERR_OK;
}
