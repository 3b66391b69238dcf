/*
 * Whose customer is it? Economic ownership (goodwill) from the facts that
 * registrations and receipts leave in the log, by the charter's rule
 * (FORMAT.md R70-R74). Order of arrival does not matter: the same receipts in
 * any order give the same owner.
 *
 * Threads: pure.
 */
#ifndef KLUIS_OWNERSHIP_H
#define KLUIS_OWNERSHIP_H

#include "kluis/charter.h"

struct store_day {
	bool is_known;
	uint32_t store;
	int32_t day; /* days since 1970-01-01 */
};

/* One customer's history, folded. All zeros at first. */
struct history {
	struct store_day registered; /* as registered or imported */
	struct store_day first;	     /* earliest receipt; on one day the lower store number */
	struct store_day latest;     /* latest receipt; on one day the lower store number */
};

/* Takes one receipt into the history; true if it changed something. */
bool history_add_receipt(struct history *history, uint32_t store, int32_t day);

/* The owner at today (a day in UTC) under the charter's rule; false: nobody.
 * first-registration: the registration store, else the store of the first receipt.
 * latest-transaction: the store of the latest receipt, if it is within the window
 * before today; else as first-registration. */
bool ownership_owner(const struct charter *charter, const struct history *history, int32_t today, uint32_t *ret_store);

#endif
