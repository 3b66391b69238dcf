/*
 * Was a store's staff allowed to see what a record of its journal says that it was shown? Only an auditor asks this:
 * the broker takes every record (FORMAT.md R123, R126).
 *
 * Threads: one.
 */
#ifndef AUDIT_ACCESS_H
#define AUDIT_ACCESS_H

#include "state.h"

/* Each thing that does not hold is a finding that names the record: what it shows was not disclosed to the store by
 * the entry that it names; the agreement, its grant, the employee or the hour did not allow it; it was read outside
 * every lease. Only for a record of an access (code 0); facts: as it was judged by. ERR_MEMORY. */
enum err access_check(const struct state *state, const struct step *step, const Kluis__JournalRecord *record,
		      const struct journal_facts *facts, struct arena *arena) MUST_USE;

#endif
