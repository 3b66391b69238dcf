/*
 * A handler's context without an envelope: a franchise's store as it is now,
 * its vault and a view, for tests of what handlers are made of. What is changed stays in the view.
 */
#ifndef TEST_WORKBENCH_H
#define TEST_WORKBENCH_H

#include "core/handler.h"
#include "franchise.h"
#include "vault/keys.h"

struct workbench {
	struct franchise *formula;
	struct store_txn *txn;
	struct vault *vault;
	struct view view;
	struct arena arena;
	struct envelope envelope;
	Kluis__Request request;
	Kluis__Operation operation;
	Kluis__Result result;
	Kluis__Part part;
	struct context context;
};

/* As seen by the party: head office or a store, without its agreement. */
void workbench_init(struct workbench *bench, struct franchise *formula, struct party *party);
void workbench_fini(struct workbench *bench);
/* Makes the values the part of the operation: "1=4711|2=Anna". */
void workbench_values(struct workbench *bench, const char *values);
/* Effects of a kind on a table (any table for touches). */
size_t workbench_effects(const struct workbench *bench, enum effect_kind kind, enum table table);

#endif
