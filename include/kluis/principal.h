/*
 * What a key's name means: who acts under it (FORMAT.md R2).
 *
 *     <origin>/controller     <origin>/log     <origin>/store/<n>     <origin>/auditor/<name>
 *
 * Threads: pure.
 */
#ifndef KLUIS_PRINCIPAL_H
#define KLUIS_PRINCIPAL_H

#include "kluis/bytes.h"
#include "kluis/limits.h"

/* True if origin may be a formula's (FORMAT.md R2): 1 to ORIGIN_MAX bytes of a key name, parted by slashes, no part
 * empty, the last one not "store", "auditor" or "witness". */
bool origin_is_valid(struct slice origin);

enum principal_kind { PRINCIPAL_CONTROLLER, PRINCIPAL_LOG, PRINCIPAL_STORE, PRINCIPAL_AUDITOR };
struct principal {
	enum principal_kind kind;
	uint32_t store;	      /* with PRINCIPAL_STORE */
	struct slice origin;  /* points into the parsed name */
	struct slice auditor; /* with PRINCIPAL_AUDITOR: its name, points into the parsed name */
};
/* ERR_INPUT unless name is one of the four forms with a valid origin. */
enum err principal_parse(struct slice name, struct principal *ret_principal) MUST_USE;
/* ret_name gets the zero-terminated key name of a store of the origin. */
enum err principal_store_name(struct slice origin, uint32_t store, char ret_name[static PRINCIPAL_MAX + 1]) MUST_USE;
/* The same of the key that the store cosigns checkpoints with: <origin>/witness/store/<n>. */
enum err principal_witness_name(struct slice origin, uint32_t store, char ret_name[static PRINCIPAL_MAX + 1]) MUST_USE;

#endif
