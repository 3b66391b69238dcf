/*
 * What people do all day: requests of every kind, most of them sensible, drawn from the seed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal_book.h"
#include "kluis/hash.h"
#include "kluis/note.h"
#include "sim.h"

#define ACTIONS_MAX 4
#define CARDS 25

/* ---- what operations need ---- */

static void *take(struct sim *sim, size_t size)
{
	void *place = arena_alloc(&sim->franchise.arena, size);

	run_must(&sim->run, place == NULL ? ERR_MEMORY : ERR_OK, "memory");
	return place;
}

static struct action action_of(struct sim *sim, Kluis__Operation__KindCase kind)
{
	struct action action = {.operation = take(sim, sizeof(*action.operation))};

	kluis__operation__init(action.operation);
	action.operation->kind_case = kind;
	return action;
}

#define KIND(action, type, name) kluis__##name##__init((action).operation->name = take(sim, sizeof(Kluis__##type)))

static char *text_of(struct sim *sim, const char *text)
{
	return arena_text(&sim->franchise.arena, slice_text(text));
}

static struct slice kept(struct sim *sim, struct slice slice)
{
	return SLICE(arena_copy(&sim->franchise.arena, slice), slice.length);
}

/* A known customer's pseudonym, sometimes a new one. */
static struct slice any_customer(struct sim *sim)
{
	const struct model *model = sim->model;

	if (model->customers.count == 0 || chance(sim, 4))
		return franchise_draw(&sim->franchise);
	return kept(sim, SLICE_ARRAY(model->customers.items[draw(sim, model->customers.count)].pseudonym));
}

static struct actor *any_store(struct sim *sim)
{
	return &sim->stores[draw(sim, STORES)];
}

static int32_t today(const struct sim *sim)
{
	return (int32_t)(sim->now_ms / DAY_MS);
}

static const char *any_purpose(struct sim *sim)
{
	return chance(sim, 2) ? "profiling" : spec_purposes[chance(sim, 35)];
}

/* One that the actor's agreement knows, mostly; NULL for head office, which needs none. */
static const char *purpose_of(struct sim *sim, const struct actor *actor)
{
	const struct agreement_spec *spec;

	if (actor->copy.store == NULL)
		return NULL;
	spec = sim->model->stores[store_place(sim, actor)].current.spec;
	if (spec == NULL || chance(sim, 10))
		return any_purpose(sim);
	return spec_purposes[spec->grants[draw(sim, spec->grant_count)].purpose];
}

static uint32_t any_status(struct sim *sim)
{
	static const uint32_t statuses[] = {4, 4, 4, 5, 7, 3, 6};

	return statuses[draw(sim, 7)];
}

static const char *card(struct sim *sim)
{
	return arena_printf(&sim->franchise.arena, "1=47%03u", (unsigned)draw(sim, CARDS));
}

static const char *phone(struct sim *sim)
{
	return arena_printf(&sim->franchise.arena, "3=+316123400%02u", (unsigned)draw(sim, 20));
}

static const char *email(struct sim *sim)
{
	return arena_printf(&sim->franchise.arena, "4=k%u@example.com", (unsigned)draw(sim, 20));
}

/* Some of name, phone and e-mail, behind what comes first. */
static const char *more_values(struct sim *sim, const char *first)
{
	struct arena *arena = &sim->franchise.arena;
	const char *text = first;

	if (chance(sim, 70))
		text = arena_printf(arena, "%s|2=Klant %u", text, (unsigned)draw(sim, 1000));
	if (chance(sim, 50))
		text = arena_printf(arena, "%s|%s", text, phone(sim));
	if (chance(sim, 40))
		text = arena_printf(arena, "%s|%s", text, email(sim));
	return *text == '|' ? text + 1 : text;
}

/* What somebody's record says now, or anything. */
static const char *any_key(struct sim *sim)
{
	uint64_t which = draw(sim, 10);
	const struct model *model = sim->model;

	if (model->customers.count > 0 && chance(sim, 70)) {
		const struct model_customer *customer = &model->customers.items[draw(sim, model->customers.count)];
		const struct model_record *record = &customer->records.items[customer->records.count - 1];
		unsigned field = chance(sim, 70) ? 0 : 2 + (unsigned)draw(sim, 2);
		if (record->values[field] != NULL)
			return arena_printf(&sim->franchise.arena, "%u=%s", field + 1, record->values[field]);
	}

	return which < 6 ? card(sim) : which < 8 ? phone(sim) : which < 9 ? email(sim) : "2=Klant 1";
}

/* ---- on customers ---- */

static struct action make_lookup(struct sim *sim, struct actor *actor)
{
	const char *purpose = purpose_of(sim, actor);

	return action_lookup(&sim->franchise, purpose == NULL ? any_purpose(sim) : purpose, any_key(sim));
}

static struct action make_registration(struct sim *sim, struct actor *actor)
{
	bool is_store = actor->copy.store != NULL;
	struct action action =
		action_registration(&sim->franchise, purpose_of(sim, actor),
				    chance(sim, 95) ? franchise_draw(&sim->franchise) : any_customer(sim),
				    more_values(sim, chance(sim, 90) ? card(sim) : ""));

	if (action.part->content.len == 0)
		action = action_registration(&sim->franchise, purpose_of(sim, actor), franchise_draw(&sim->franchise),
					     card(sim));
	if (!is_store && chance(sim, 60))
		registration_at(&action, any_store(sim)->store, today(sim) - (int32_t)draw(sim, 60));
	if (chance(sim, 50))
		registration_consent(&sim->franchise, &action, spec_purposes[1], any_status(sim));
	return action;
}

static struct action make_receipt(struct sim *sim, struct actor *actor)
{
	bool is_store = actor->copy.store != NULL;
	uint32_t store = is_store && chance(sim, 97) ? actor->store : any_store(sim)->store;
	bool is_by_value = chance(sim, 40);
	const struct model *model = sim->model;
	struct slice id = franchise_draw(&sim->franchise);

	if (model->receipts.count > 0 && chance(sim, 5))
		id = kept(sim, SLICE_ARRAY(model->receipts.items[draw(sim, model->receipts.count)].id));
	return action_receipt(&sim->franchise, purpose_of(sim, actor), id, store,
			      today(sim) + 2 - (int32_t)draw(sim, chance(sim, 50) ? 4 : 60),
			      is_by_value ? SLICE_EMPTY : any_customer(sim), is_by_value ? any_key(sim) : NULL);
}

static struct action make_update(struct sim *sim, struct actor *actor)
{
	const char *values = more_values(sim, chance(sim, 20) ? card(sim) : "");

	if (*values == '\0')
		values = chance(sim, 50) ? "3=" : "2=Iemand";
	struct action action = action_update(&sim->franchise, purpose_of(sim, actor), any_customer(sim), values);
	Kluis__Update *update = action.operation->update;
	/* one that waited while the store was offline, also by a clock that goes before */
	update->has_made_ms = chance(sim, 50);
	update->made_ms = sim->now_ms + 2000 - draw(sim, chance(sim, 50) ? 60000 : DAY_MS);
	update->has_basis = update->has_made_ms && chance(sim, 80);
	update->basis = (uint32_t)draw(sim, 6);
	return action;
}

static struct action make_consent(struct sim *sim, struct actor *actor)
{
	return action_consent(&sim->franchise, purpose_of(sim, actor), any_customer(sim),
			      chance(sim, 80) ? spec_purposes[1] : any_purpose(sim), any_status(sim));
}

static struct action make_restriction(struct sim *sim, struct actor *actor)
{
	(void)actor;
	return action_restriction(&sim->franchise, any_customer(sim), chance(sim, 40));
}

static struct action make_erase(struct sim *sim, struct actor *actor)
{
	(void)actor;
	return action_erase(&sim->franchise, any_customer(sim), 1 + (uint32_t)draw(sim, 6));
}

static struct action make_erasures(struct sim *sim, struct actor *actor)
{
	(void)actor;
	return action_erasures(&sim->franchise);
}

/* Of nobody: an honest one takes an agent (branch_work.c). */
static struct action make_certificate(struct sim *sim, struct actor *actor)
{
	(void)actor;
	return action_purge_customer(&sim->franchise, spec_purposes[chance(sim, 40)], franchise_draw(&sim->franchise));
}

/* ---- staff ---- */

static struct slice any_employee(struct sim *sim, const struct actor *store)
{
	const struct model_store *facts = &sim->model->stores[store_place(sim, store)];

	if (facts->employees.count == 0)
		return SLICE_EMPTY;
	for (size_t i = draw(sim, 4); i < facts->employees.count; i++)
		if (facts->employees.items[i].is_there && chance(sim, 50))
			return kept(sim, SLICE_ARRAY(facts->employees.items[i].pseudonym));
	return kept(sim, SLICE_ARRAY(facts->employees.items[draw(sim, facts->employees.count)].pseudonym));
}

static struct action make_staff(struct sim *sim, struct actor *actor)
{
	struct action action = action_of(sim, KLUIS__OPERATION__KIND_STAFF);
	Kluis__StaffContent content = KLUIS__STAFF_CONTENT__INIT;
	char name[] = "K. de Vries";
	bool is_office = actor->copy.store == NULL;
	struct actor *store = is_office ? any_store(sim) : actor;
	size_t count = sim->model->stores[store_place(sim, store)].employees.count;
	bool is_new = count == 0 || (count < 8 && chance(sim, 40));

	KIND(action, Staff, staff);
	Kluis__Staff *staff = action.operation->staff;
	staff->employee = wire_data(is_new ? franchise_draw(&sim->franchise) : any_employee(sim, store));
	staff->role = text_of(sim, !is_new && chance(sim, 50) ? "" : spec_roles[chance(sim, 40)]);
	staff->has_store = is_office;
	staff->store = is_office ? store->store : 0;
	if (is_new) {
		content.name = name;
		action_content(&sim->franchise, &action, &content.base, &staff->commitment);
		staff->has_commitment = true;
	}
	return action;
}

/* ---- papers ---- */

static void add_charter(struct sim *sim)
{
	struct model *model = sim->model;
	const struct charter_spec *spec =
		spec_charter(&sim->run.random, 1 + (unsigned)model->charters.count, sim->has_windows, &model->arena);

	sim->has_other_charter = sim->has_other_charter || model->charters.count > 0;
	*LIST_ADD(&model->charters) = spec;
}

/* The next version; the same once more while it is not in force. */
static struct action make_charter(struct sim *sim, struct actor *actor)
{
	struct action action = action_of(sim, KLUIS__OPERATION__KIND_CHARTER);
	struct model *model = sim->model;
	const struct secret_key *key = &actor->key;
	struct bytes note CLEANUP(bytes_fini);

	if (model->charters.count == 0 || model->charters.items[model->charters.count - 1] == model->charter)
		add_charter(sim);
	const struct charter_spec *spec = model->charters.items[model->charters.count - 1];
	bytes_init(&note, PAPER_MAX);
	run_must(&sim->run, note_sign(slice_text(spec->text), &key, 1, &note), "sign");
	KIND(action, Charter, charter);
	action.operation->charter->hash = wire_data(SLICE_ARRAY(spec->hash));
	action.paper = kept(sim, bytes_slice(&note));
	return action;
}

static const struct agreement_spec *new_agreement(struct sim *sim, const struct actor *store)
{
	struct model *model = sim->model;
	const struct model_standing *current = &model->stores[store_place(sim, store)].current;
	const uint8_t *supersedes = current->spec != NULL && chance(sim, 80) ? current->spec->hash : NULL;
	const struct agreement_spec *spec =
		spec_agreement(&sim->run.random, store->store, today(sim), model->charter, supersedes, &model->arena);

	*LIST_ADD(&model->agreements) = spec;
	return spec;
}

/* Mostly one that has no agreement in force and waits for none. */
static const struct actor *store_to_draft_for(struct sim *sim)
{
	size_t from = draw(sim, STORES);

	for (size_t i = 0; i < STORES && (sim->is_calm || chance(sim, 95)); i++) {
		size_t place = (from + i) % STORES;
		bool is_waiting = sim->model->stores[place].candidate.spec != NULL;
		if (!is_waiting && !model_in_force(sim->model, place, broker_now(sim) / 1000))
			return &sim->stores[place];
	}
	return &sim->stores[from];
}

static struct action make_draft(struct sim *sim, struct actor *actor)
{
	struct action action = action_of(sim, KLUIS__OPERATION__KIND_DRAFT);
	struct model *model = sim->model;
	const struct actor *store = store_to_draft_for(sim);
	const struct agreement_spec *spec;

	(void)actor;
	/* now and then an old text, perhaps the one in force */
	if (model->agreements.count > 0 && !sim->is_calm && chance(sim, 15))
		spec = model->agreements.items[draw(sim, model->agreements.count)];
	else
		spec = new_agreement(sim, store);
	KIND(action, Draft, draft);
	action.operation->draft->store = spec->store;
	action.operation->draft->hash = wire_data(SLICE_ARRAY(spec->hash));
	action.paper = slice_text(spec->text);
	return action;
}

static ProtobufCBinaryData signature_of(struct sim *sim, const char *text, const struct secret_key *key)
{
	uint8_t *signature = take(sim, SIGNATURE_SIZE);

	run_must(&sim->run, note_make_signature(slice_text(text), key, signature), "sign");
	return wire_data(SLICE(signature, SIGNATURE_SIZE));
}

/* A candidate that waits for this signature, or any agreement. NULL: there is none. */
static const struct agreement_spec *candidate_of(struct sim *sim, enum agreement_state state, const struct actor *only)
{
	struct model *model = sim->model;
	size_t from = draw(sim, STORES);

	for (size_t i = 0; i < STORES; i++) {
		size_t place = (from + i) % STORES;
		const struct model_standing *candidate = &model->stores[place].candidate;
		if (candidate->spec != NULL && candidate->state == state &&
		    (only == NULL || only == &sim->stores[place]))
			return candidate->spec;
	}
	return model->agreements.count == 0 ? NULL : model->agreements.items[draw(sim, model->agreements.count)];
}

static struct action make_agreements(struct sim *sim, struct actor *actor)
{
	struct action action = action_of(sim, KLUIS__OPERATION__KIND_AGREEMENTS);

	KIND(action, Agreements, agreements);
	action.operation->agreements->has_store = actor->copy.store == NULL;
	action.operation->agreements->store = actor->copy.store == NULL ? any_store(sim)->store : 0;
	return action;
}

static struct action make_offer(struct sim *sim, struct actor *actor)
{
	struct action action = action_of(sim, KLUIS__OPERATION__KIND_OFFER);
	const struct agreement_spec *spec = candidate_of(sim, AGREEMENT_DRAFTED, NULL);

	if (spec == NULL)
		return make_draft(sim, actor);
	KIND(action, Offer, offer);
	action.operation->offer->hash = wire_data(SLICE_ARRAY(spec->hash));
	action.operation->offer->signature = signature_of(sim, spec->text, &actor->key);
	return action;
}

static struct action make_accept(struct sim *sim, struct actor *actor)
{
	struct action action = action_of(sim, KLUIS__OPERATION__KIND_ACCEPT);
	const struct agreement_spec *spec = candidate_of(sim, AGREEMENT_OFFERED, actor);

	if (spec == NULL)
		return make_agreements(sim, actor);
	KIND(action, Accept, accept);
	action.operation->accept->agreement = wire_data(SLICE_ARRAY(spec->hash));
	action.operation->accept->signature = signature_of(sim, spec->text, &actor->key);
	return action;
}

/* Who is suspended is mostly let in again. */
static struct action make_standing(struct sim *sim, struct actor *actor)
{
	const struct actor *store = any_store(sim);
	uint32_t what = chance(sim, 85) ? 1 : 3;

	(void)actor;
	for (size_t i = 0; i < STORES && chance(sim, 85); i++)
		if (sim->model->stores[i].current.state == AGREEMENT_SUSPENDED) {
			store = &sim->stores[i];
			what = 2;
		}
	return action_standing(&sim->franchise, store->store, chance(sim, 5) ? 1 + (uint32_t)draw(sim, 3) : what);
}

static struct action make_get_paper(struct sim *sim, struct actor *actor)
{
	struct action action = action_of(sim, KLUIS__OPERATION__KIND_GET_PAPER);
	const struct model *model = sim->model;

	(void)actor;
	KIND(action, GetPaper, get_paper);
	if (model->agreements.count > 0 && chance(sim, 60))
		action.operation->get_paper->hash =
			wire_data(SLICE_ARRAY(model->agreements.items[draw(sim, model->agreements.count)]->hash));
	return action;
}

/* ---- who takes part ---- */

static struct action make_open_store(struct sim *sim, struct actor *actor)
{
	struct action action = action_of(sim, KLUIS__OPERATION__KIND_OPEN_STORE);
	size_t place = draw(sim, STORES);

	(void)actor;
	for (size_t i = 0; i < STORES && sim->is_calm; i++)
		if (!sim->model->stores[i].is_open)
			place = i;
	KIND(action, OpenStore, open_store);
	action.operation->open_store->store = sim->stores[place].store;
	action.operation->open_store->name = text_of(sim, "Winkel");
	action.operation->open_store->country = text_of(sim, "NL");
	return action;
}

static bool is_known(const struct sim *sim, const struct actor *actor)
{
	const struct model_principal *principal = model_principal(sim->model, actor->key.public.name);

	return principal != NULL && memcmp(principal->key, actor->key.public.key, KEY_SIZE) == 0;
}

/* Whoever is not in first; then anybody. */
static struct actor *whom_to_invite(struct sim *sim)
{
	size_t from = draw(sim, STORES);

	for (size_t i = 0; i < STORES; i++) {
		struct actor *store = &sim->stores[(from + i) % STORES];
		if (!is_known(sim, store) && !store->is_invited)
			return store;
	}
	if (!is_known(sim, &sim->auditor) || chance(sim, 20))
		return &sim->auditor;
	return &sim->stores[from];
}

static struct action make_invite(struct sim *sim, struct actor *actor)
{
	struct action action = action_of(sim, KLUIS__OPERATION__KIND_INVITE);
	struct actor *guest = whom_to_invite(sim);
	uint8_t *hash = take(sim, HASH_SIZE);
	uint64_t spans_ms[] = {900, 5000, DAY_MS, 20 * DAY_MS, 20 * DAY_MS};

	(void)actor;
	random_fill(&sim->run.random, guest->code, sizeof(guest->code));
	guest->is_invited = true;
	sha256(SLICE_ARRAY(guest->code), hash);
	KIND(action, Invite, invite);
	action.operation->invite->principal = text_of(sim, guest->key.public.name);
	action.operation->invite->code_hash = wire_data(SLICE(hash, HASH_SIZE));
	action.operation->invite->expires_ms =
		sim->now_ms + 1 + draw(sim, spans_ms[sim->is_calm ? 4 : draw(sim, 5)]) + (sim->is_calm ? DAY_MS : 0);
	return action;
}

/* The invited makes a key, now and then keeps the one that it has. */
static void send_join(struct client *client)
{
	struct sim *sim = client->sim;
	struct actor *actor = client->actor;
	struct action action = action_of(sim, KLUIS__OPERATION__KIND_JOIN);
	Kluis__JoinContent content = KLUIS__JOIN_CONTENT__INIT;

	client_rekey(sim, actor, !is_known(sim, actor) || chance(sim, 70));
	actor->is_invited = chance(sim, 15); /* and then tries the code once more */
	KIND(action, Join, join);
	action.operation->join->public_key = wire_data(SLICE_ARRAY(actor->key.public.key));
	content.code = wire_data(SLICE_ARRAY(actor->code));
	action_content(&sim->franchise, &action, &content.base, &action.operation->join->commitment);
	client_send(client, &action, 1, SLICE_EMPTY, SLICE_EMPTY);
}

/* ---- the log ---- */

static struct action make_prove(struct sim *sim, struct actor *actor)
{
	struct action action = action_of(sim, KLUIS__OPERATION__KIND_PROVE);

	(void)actor;
	KIND(action, Prove, prove);
	action.operation->prove->index = draw(sim, sim->model->leaves.count + 2);
	return action;
}

static struct action make_get_checkpoint(struct sim *sim, struct actor *actor)
{
	struct action action = action_of(sim, KLUIS__OPERATION__KIND_GET_CHECKPOINT);

	(void)actor;
	KIND(action, GetCheckpoint, get_checkpoint);
	return action;
}

static struct action make_read_log(struct sim *sim, struct actor *actor)
{
	struct action action = action_of(sim, KLUIS__OPERATION__KIND_READ_LOG);
	uint64_t size = sim->model->leaves.count + (uint64_t)chance(sim, 5);

	(void)actor;
	KIND(action, ReadLog, read_log);
	action.operation->read_log->size = size;
	action.operation->read_log->from = draw(sim, size + 1);
	return action;
}

static struct action make_totals(struct sim *sim, struct actor *actor)
{
	(void)actor;
	return action_totals(&sim->franchise, SLICE_EMPTY, 1 + (uint32_t)draw(sim, 50));
}

static struct action make_census(struct sim *sim, struct actor *actor)
{
	struct action action = action_of(sim, KLUIS__OPERATION__KIND_CENSUS);

	(void)actor;
	KIND(action, Census, census);
	return action;
}

static struct action make_progress(struct sim *sim, struct actor *actor)
{
	struct action action = action_of(sim, KLUIS__OPERATION__KIND_PROGRESS);
	uint8_t *import = take(sim, HASH_SIZE);

	(void)actor;
	memset(import, (int)draw(sim, 3), HASH_SIZE);
	KIND(action, Progress, progress);
	action.operation->progress->import = wire_data(SLICE(import, HASH_SIZE));
	action.operation->progress->has_rows = chance(sim, 70);
	action.operation->progress->rows = action.operation->progress->has_rows ? draw(sim, 1000) : 0;
	return action;
}

/* ---- requests ---- */

typedef struct action make_fn(struct sim *sim, struct actor *actor);
struct kind {
	unsigned weight;
	make_fn *make;
};

static const struct kind office_kinds[] = {
	{20, make_registration}, {20, make_receipt},  {8, make_update}, {6, make_consent},    {6, make_restriction},
	{6, make_lookup},	 {8, make_draft},     {10, make_offer}, {6, make_standing},   {8, make_invite},
	{4, make_staff},	 {1, make_charter},   {2, make_totals}, {2, make_census},     {2, make_progress},
	{2, make_agreements},	 {2, make_get_paper}, {2, make_prove},	{1, make_open_store}, {2, make_erase},
	{1, make_erasures},
};
static const struct kind store_kinds[] = {
	{40, make_lookup},     {14, make_receipt}, {8, make_registration}, {8, make_update},	{6, make_consent},
	{8, make_staff},       {8, make_accept},   {2, make_agreements},   {2, make_get_paper}, {4, make_prove},
	{1, make_restriction}, {1, make_census},   {3, make_certificate},
};
static const struct kind auditor_kinds[] = {
	{10, make_get_checkpoint}, {10, make_read_log}, {10, make_prove}, {2, make_get_paper}, {1, make_lookup}};

static struct action make_any(struct sim *sim, struct actor *actor, const struct kind *kinds, size_t count)
{
	unsigned total = 0, place;
	size_t i = 0;

	for (size_t j = 0; j < count; j++)
		total += kinds[j].weight;
	place = (unsigned)draw(sim, total);
	while (place >= kinds[i].weight)
		place -= kinds[i++].weight;
	return kinds[i].make(sim, actor);
}

static void send_any(struct client *client, const struct kind *kinds, size_t count)
{
	struct sim *sim = client->sim;
	struct action actions[ACTIONS_MAX];
	size_t action_count = chance(sim, 70) ? 1 : 1 + draw(sim, ACTIONS_MAX);
	const struct agreement_spec *spec = client_agreement(sim, client->actor);
	struct slice employee = SLICE_EMPTY;

	for (size_t i = 0; i < action_count; i++)
		actions[i] = make_any(sim, client->actor, kinds, count);
	if (client->actor->copy.store != NULL && chance(sim, 97))
		employee = any_employee(sim, client->actor);
	client_send(client, actions, action_count, spec == NULL ? SLICE_EMPTY : SLICE_ARRAY(spec->hash), employee);
}

void work_any(struct client *client)
{
	struct sim *sim = client->sim;
	struct actor *actor = client->actor;

	if (actor == &sim->office)
		send_any(client, office_kinds, sizeof(office_kinds) / sizeof(office_kinds[0]));
	else if (actor->is_invited && client->lane == 0 && (!is_known(sim, actor) || chance(sim, 30)))
		send_join(client);
	else if (!is_known(sim, actor) && chance(sim, 80))
		return;
	else if (actor == &sim->auditor)
		send_any(client, auditor_kinds, sizeof(auditor_kinds) / sizeof(auditor_kinds[0]));
	else if (client->lane == LANE_SYNC && client_agreement(sim, actor) != NULL)
		client_sync(client, spec_purposes[chance(sim, 40)]);
	else
		send_any(client, store_kinds, sizeof(store_kinds) / sizeof(store_kinds[0]));
}

/* ---- the first day ---- */

static void do_now(struct sim *sim, struct actor *actor, make_fn *make)
{
	struct client *client = client_of(sim, actor, 0);
	struct action action = make(sim, actor);

	client_send(client, &action, 1, SLICE_EMPTY, SLICE_EMPTY);
	client_settle(client);
}

void work_begin(struct sim *sim)
{
	sim->is_calm = true;
	do_now(sim, &sim->office, make_charter);
	for (size_t i = 0; i < STORES; i++)
		do_now(sim, &sim->office, make_open_store);
	for (size_t i = 0; i < STORES - 1; i++) {
		do_now(sim, &sim->office, make_invite);
		do_now(sim, &sim->office, make_draft);
		do_now(sim, &sim->office, make_offer);
	}
	for (size_t i = 0; i < STORES; i++) {
		struct client *client = client_of(sim, &sim->stores[i], 0);
		if (sim->stores[i].is_invited)
			send_join(client);
		client_settle(client);
		do_now(sim, &sim->stores[i], make_accept);
		do_now(sim, &sim->stores[i], make_staff);
	}
	for (size_t i = 0; i < 10; i++) {
		do_now(sim, &sim->office, make_registration);
		do_now(sim, &sim->office, make_receipt);
	}
	sim->is_calm = false;
}
