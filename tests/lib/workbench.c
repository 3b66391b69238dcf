#include "workbench.h"

#include <stdio.h>
#include <stdlib.h>

static void must(enum err code, const char *what)
{
	if (code == ERR_OK)
		return;
	fprintf(stderr, "workbench: %s: %s\n", what, error_text(code));
	abort();
}

void workbench_init(struct workbench *bench, struct franchise *formula, struct party *party)
{
	struct bytes row CLEANUP(bytes_fini);

	*bench = (struct workbench){.formula = formula};
	bytes_init(&row, 1024);
	arena_init(&bench->arena, REQUEST_ARENA_MAX);
	must(store_begin_read(formula->store, &bench->txn), "read");
	must(vault_open(bench->txn, &formula->keys, &bench->vault, &row, NULL), "vault");
	view_init(&bench->view, bench->txn, &bench->arena);
	kluis__request__init(&bench->request);
	bench->request.principal = party->key.public.name;
	bench->envelope.decoded = &bench->request;
	bench->envelope.principal.kind = party == &formula->office ? PRINCIPAL_CONTROLLER : PRINCIPAL_STORE;
	bench->envelope.principal.store = party->store;
	kluis__operation__init(&bench->operation);
	kluis__result__init(&bench->result);
	kluis__part__init(&bench->part);
	bench->context = (struct context){.vault = bench->vault,
					  .keys = &formula->keys,
					  .view = &bench->view,
					  .arena = &bench->arena,
					  .envelope = &bench->envelope,
					  .time_ms = formula->now_ms,
					  .charter = &formula->charter,
					  .operation = &bench->operation,
					  .part = &bench->part,
					  .result = &bench->result};
}

void workbench_fini(struct workbench *bench)
{
	vault_free(&bench->vault);
	store_end_read(&bench->txn);
	arena_fini(&bench->arena);
}

void workbench_values(struct workbench *bench, const char *values)
{
	bench->part = *action_update(bench->formula, NULL, franchise_draw(bench->formula), values).part;
}

size_t workbench_effects(const struct workbench *bench, enum effect_kind kind, enum table table)
{
	size_t count = 0;

	for (size_t i = 0; i < bench->view.effect_count; i++) {
		const struct effect *effect = &bench->view.effects[i];

		count += effect->kind == kind && (kind == EFFECT_TOUCH || effect->table == table);
	}
	return count;
}
