#include "franchise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kluis/clock.h"
#include "kluis/hash.h"
#include "kluis/invitation.h"
#include "kluis/principal.h"
#include "test_keys.h"
#include "text.h"

#define ARENA_MAX ((size_t)512 * 1024 * 1024)

static void fail(const char *what, enum err code, const char *more)
{
	fprintf(stderr, "franchise: %s: %s %s\n", what, error_text(code), more);
	abort();
}

static void must(enum err code, const char *what)
{
	if (code != ERR_OK)
		fail(what, code, "");
}

static void *take(struct franchise *formula, size_t size)
{
	void *place = arena_alloc(&formula->arena, size);

	if (place == NULL)
		fail("memory", ERR_MEMORY, "");
	return place;
}

static struct slice kept(struct franchise *formula, struct slice slice)
{
	uint8_t *copy = take(formula, slice.length + 1);

	if (slice.length > 0)
		memcpy(copy, slice.data, slice.length);
	return SLICE(copy, slice.length);
}

static char *kept_text(struct franchise *formula, const char *text)
{
	return text == NULL ? NULL : arena_text(&formula->arena, slice_text(text));
}

struct slice franchise_draw(struct franchise *formula)
{
	uint8_t *place = take(formula, HASH_SIZE);
	uint8_t number[4];

	put_u32(number, formula->drawn++);
	sha256(SLICE_ARRAY(number), place);
	return SLICE(place, PSEUDONYM_SIZE);
}

/* ---- sending ---- */

static Kluis__Request *request_of(struct franchise *formula, struct party *party, const struct action *actions,
				  size_t count)
{
	Kluis__Request *request = take(formula, sizeof(*request));

	kluis__request__init(request);
	request->principal = party->key.public.name;
	request->lane = party->lane;
	request->sequence = party->sequence + 1;
	request->time_ms = formula->now_ms;
	request->has_agreement = party->has_agreement;
	request->agreement = wire_data(SLICE_ARRAY(party->agreement));
	request->has_employee = party->has_employee;
	request->employee = wire_data(SLICE_ARRAY(party->employee));
	if (party->has_acknowledgement) {
		request->acknowledgement = take(formula, sizeof(*request->acknowledgement));
		kluis__acknowledgement__init(request->acknowledgement);
		request->acknowledgement->index = party->index;
		request->acknowledgement->leaf = wire_data(SLICE_ARRAY(party->leaf.bytes));
	}
	request->operations = take(formula, count * sizeof(Kluis__Operation *));
	for (size_t i = 0; i < count; i++)
		request->operations[request->n_operations++] = actions[i].operation;
	return request;
}

struct slice franchise_message(struct franchise *formula, struct party *party, const struct action *actions,
			       size_t count)
{
	Kluis__Personal personal = KLUIS__PERSONAL__INIT;
	struct slice *papers = take(formula, count * sizeof(*papers));
	size_t paper_count = 0;
	struct bytes message CLEANUP(bytes_fini);

	personal.parts = take(formula, count * sizeof(Kluis__Part *));
	for (size_t i = 0; i < count; i++) {
		if (actions[i].part != NULL)
			personal.parts[personal.n_parts++] = actions[i].part;
		if (actions[i].paper.length > 0)
			papers[paper_count++] = actions[i].paper;
	}
	bytes_init(&message, 2 * MESSAGE_MAX);
	must(envelope_sign(request_of(formula, party, actions, count), personal.n_parts > 0 ? &personal : NULL, papers,
			   paper_count, &party->key, &message),
	     "sign");
	return kept(formula, bytes_slice(&message));
}

static struct slice exchange(struct franchise *formula, struct slice message)
{
	struct prepared *prepared;
	struct slice reply;

	must(core_prepare(formula->core, message, formula->now_ms, &prepared), "prepare");
	if (prepared_needs_commit(prepared)) {
		enum err err = core_commit(formula->core, &prepared, 1, formula->now_ms);
		(void)err; /* the reply says it */
	}
	reply = kept(formula, core_reply(prepared));
	prepared_free(&prepared);
	return reply;
}

static void open_answer(struct franchise *formula, struct slice sent, struct answer *answer)
{
	struct fault fault = {""};
	Kluis__Envelope *envelope;

	if (!answer->reply->has_entry)
		return;
	must(WIRE_DECODE(Envelope, envelope, sent, &formula->arena, &envelope), "own envelope");
	enum err err = reply_check(answer->reply, wire_slice(envelope->request), wire_slice(envelope->signature),
				   &formula->arena, &answer->entry, &fault);
	if (err != ERR_OK)
		fail("reply_check", err, fault.text);
	answer->has_entry = true;
	answer->code = answer->reply->code != ERR_OK ? answer->code : (enum err)answer->entry.decoded->code;
	if (answer->entry.decoded->n_results > 0) {
		answer->result = answer->entry.decoded->results[0];
		if (answer->code == ERR_OK)
			answer->code = (enum err)answer->result->code;
	}
}

struct answer franchise_answer(struct franchise *formula, struct party *party, struct slice message, struct slice bytes)
{
	struct answer answer = {.reply = NULL};
	Kluis__Reply *reply;

	must(WIRE_DECODE(Reply, reply, bytes, &formula->arena, &reply), "reply");
	answer.reply = reply;
	answer.code = (enum err)reply->code;
	open_answer(formula, message, &answer);
	if (answer.has_entry) {
		party->has_acknowledgement = true;
		party->index = reply->index;
		party->leaf = answer.entry.leaf;
	}
	return answer;
}

struct answer franchise_resend(struct franchise *formula, struct party *party)
{
	return franchise_answer(formula, party, party->last, exchange(formula, party->last));
}

struct answer franchise_send(struct franchise *formula, struct party *party, const struct action *actions, size_t count)
{
	struct answer answer;

	party->last = franchise_message(formula, party, actions, count);
	answer = franchise_resend(formula, party);
	party->sequence += answer.has_entry;
	return answer;
}

struct answer franchise_one(struct franchise *formula, struct party *party, struct action action)
{
	return franchise_send(formula, party, &action, 1);
}

struct answer franchise_must(struct franchise *formula, struct party *party, struct action action)
{
	struct answer answer = franchise_one(formula, party, action);

	if (answer.code != ERR_OK)
		fail("must", answer.code, answer.result != NULL && answer.result->clause ? answer.result->clause : "");
	return answer;
}

/* ---- actions ---- */

static struct action action_new(struct franchise *formula, const char *purpose, Kluis__Operation__KindCase kind)
{
	struct action action = {.operation = take(formula, sizeof(*action.operation))};

	kluis__operation__init(action.operation);
	action.operation->purpose = kept_text(formula, purpose);
	action.operation->kind_case = kind;
	return action;
}

/* The operation's message of a type, set in its place. */
#define KIND(action, type, name) kluis__##name##__init((action).operation->name = take(formula, sizeof(Kluis__##type)))

void action_content(struct franchise *formula, struct action *action, const ProtobufCMessage *content,
		    ProtobufCBinaryData *ret_commitment)
{
	must(part_make(content, &formula->arena, &action->part, ret_commitment), "part");
}

static Kluis__Value *value_of(struct franchise *formula, const char *text)
{
	Kluis__Value *value = take(formula, sizeof(*value));
	const char *mark = strchr(text, '=');

	kluis__value__init(value);
	value->field = (uint32_t)strtoul(text, NULL, 10);
	value->value = arena_text(&formula->arena, SLICE(mark + 1, strcspn(mark + 1, "|")));
	return value;
}

static Kluis__Values *values_of(struct franchise *formula, const char *text)
{
	Kluis__Values *values = take(formula, sizeof(*values));

	kluis__values__init(values);
	values->values = take(formula, (strlen(text) + 1) * sizeof(Kluis__Value *));
	while (*text != '\0') {
		values->values[values->n_values++] = value_of(formula, text);
		text += strcspn(text, "|");
		text += *text == '|';
	}
	return values;
}

struct action action_lookup(struct franchise *formula, const char *purpose, const char *value)
{
	struct action action = action_new(formula, purpose, KLUIS__OPERATION__KIND_LOOKUP);
	Kluis__Values *values = values_of(formula, value);

	KIND(action, Lookup, lookup);
	action.operation->lookup->field = values->values[0]->field;
	action_content(formula, &action, &values->base, &action.operation->lookup->commitment);
	return action;
}

struct action action_sync(struct franchise *formula, const char *purpose, uint64_t cursor, uint32_t count)
{
	struct action action = action_new(formula, purpose, KLUIS__OPERATION__KIND_SYNC);

	KIND(action, Sync, sync);
	action.operation->sync->cursor = cursor;
	action.operation->sync->count = count;
	return action;
}

struct action action_registration(struct franchise *formula, const char *purpose, struct slice customer,
				  const char *values)
{
	struct action action = action_new(formula, purpose, KLUIS__OPERATION__KIND_REGISTRATION);

	KIND(action, Registration, registration);
	action.operation->registration->customer = wire_data(customer);
	action_content(formula, &action, &values_of(formula, values)->base,
		       &action.operation->registration->commitment);
	return action;
}

void registration_at(struct action *action, uint32_t store, int32_t day)
{
	Kluis__Registration *registration = action->operation->registration;

	registration->has_store = registration->has_day = true;
	registration->store = store;
	registration->day = day;
}

static Kluis__ConsentState *state_of(struct franchise *formula, const char *purpose, uint32_t status)
{
	Kluis__ConsentState *state = take(formula, sizeof(*state));

	kluis__consent_state__init(state);
	state->purpose = kept_text(formula, purpose);
	state->status = status;
	return state;
}

void registration_consent(struct franchise *formula, struct action *action, const char *purpose, uint32_t status)
{
	Kluis__Registration *registration = action->operation->registration;
	Kluis__ConsentState **states = take(formula, (registration->n_consents + 1) * sizeof(Kluis__ConsentState *));

	if (registration->n_consents > 0)
		memcpy(states, registration->consents, registration->n_consents * sizeof(Kluis__ConsentState *));
	states[registration->n_consents++] = state_of(formula, purpose, status);
	registration->consents = states;
}

struct action action_update(struct franchise *formula, const char *purpose, struct slice customer, const char *values)
{
	struct action action = action_new(formula, purpose, KLUIS__OPERATION__KIND_UPDATE);

	KIND(action, Update, update);
	action.operation->update->customer = wire_data(customer);
	action_content(formula, &action, &values_of(formula, values)->base, &action.operation->update->commitment);
	return action;
}

struct action action_consent(struct franchise *formula, const char *purpose, struct slice customer, const char *about,
			     uint32_t status)
{
	struct action action = action_new(formula, purpose, KLUIS__OPERATION__KIND_CONSENT);

	KIND(action, Consent, consent);
	action.operation->consent->customer = wire_data(customer);
	action.operation->consent->state = state_of(formula, about, status);
	return action;
}

struct action action_restriction(struct franchise *formula, struct slice customer, bool is_restricted)
{
	struct action action = action_new(formula, NULL, KLUIS__OPERATION__KIND_RESTRICTION);

	KIND(action, Restriction, restriction);
	action.operation->restriction->customer = wire_data(customer);
	action.operation->restriction->is_restricted = is_restricted;
	return action;
}

struct action action_receipt(struct franchise *formula, const char *purpose, struct slice id, uint32_t store,
			     int32_t day, struct slice customer, const char *value)
{
	struct action action = action_new(formula, purpose, KLUIS__OPERATION__KIND_RECEIPT);
	Kluis__ReceiptContent content = KLUIS__RECEIPT_CONTENT__INIT;
	Kluis__Line line = KLUIS__LINE__INIT, *lines = &line;
	char product[] = "bread";

	KIND(action, Receipt, receipt);
	action.operation->receipt->id = wire_data(id);
	action.operation->receipt->store = store;
	action.operation->receipt->day = day;
	action.operation->receipt->has_customer = customer.length > 0;
	action.operation->receipt->customer = wire_data(customer);
	line.product = product;
	line.units = 20000;
	line.amount = 34500;
	line.has_cost = true;
	line.cost = 12500;
	content.lines = &lines;
	content.n_lines = 1;
	content.customer = value == NULL ? NULL : value_of(formula, value);
	action_content(formula, &action, &content.base, &action.operation->receipt->commitment);
	return action;
}

struct action action_totals(struct franchise *formula, struct slice after, uint32_t count)
{
	struct action action = action_new(formula, NULL, KLUIS__OPERATION__KIND_TOTALS);

	KIND(action, Totals, totals);
	action.operation->totals->after = wire_data(after);
	action.operation->totals->count = count;
	return action;
}

struct action action_standing(struct franchise *formula, uint32_t store, uint32_t what)
{
	struct action action = action_new(formula, NULL, KLUIS__OPERATION__KIND_STANDING);

	KIND(action, Standing, standing);
	action.operation->standing->store = store;
	action.operation->standing->action = what;
	return action;
}

/* ---- answers ---- */

const char *answer_values(struct franchise *formula, const struct answer *answer, size_t i)
{
	Kluis__Values *values;
	const char *text = "";

	if (answer->reply->personal == NULL || i >= answer->reply->personal->n_parts)
		return NULL;
	must(WIRE_DECODE(Values, values, wire_slice(answer->reply->personal->parts[i]->content), &formula->arena,
			 &values),
	     "values");
	for (size_t j = 0; j < values->n_values; j++)
		text = arena_printf(&formula->arena, "%s%s%u=%s", text, j == 0 ? "" : "|", values->values[j]->field,
				    values->values[j]->value);
	return text;
}

struct slice franchise_customer(struct franchise *formula, const char *values)
{
	struct slice pseudonym = franchise_draw(formula);

	franchise_must(formula, &formula->office, action_registration(formula, NULL, pseudonym, values));
	return pseudonym;
}

void franchise_visit(struct franchise *formula, uint32_t store, int32_t day, struct slice customer)
{
	franchise_must(formula, &formula->office,
		       action_receipt(formula, NULL, franchise_draw(formula), store, day, customer, NULL));
}

struct slice franchise_visitor(struct franchise *formula, const struct party *store, const char *values)
{
	struct slice customer = franchise_customer(formula, values);

	franchise_visit(formula, store->store, FRANCHISE_DAY, customer);
	return customer;
}

/* ---- setting up ---- */

const char *franchise_charter_text(struct arena *arena)
{
	return text_of_file(arena, "broker/examples/minimal/charter.ini");
}

void franchise_charter(struct franchise *formula, const char *text)
{
	struct action action = action_new(formula, NULL, KLUIS__OPERATION__KIND_CHARTER);
	const struct secret_key *key = &formula->office.key;
	struct bytes note CLEANUP(bytes_fini);
	uint8_t *hash = take(formula, HASH_SIZE);
	struct fault fault = {""};

	enum err err = charter_parse(slice_text(text), "charter.ini", &formula->arena, &formula->charter, &fault);
	if (err != ERR_OK)
		fail("charter", err, fault.text);
	formula->charter_text = text;
	bytes_init(&note, PAPER_MAX);
	must(note_sign(slice_text(text), &key, 1, &note), "sign charter");
	sha256(slice_text(text), hash);
	KIND(action, Charter, charter);
	action.operation->charter->hash = wire_data(SLICE(hash, HASH_SIZE));
	action.paper = kept(formula, bytes_slice(&note));
	franchise_must(formula, &formula->office, action);
}

static void open_core(struct franchise *formula)
{
	struct fault fault = {""};
	enum err err = core_open(formula->store, &formula->keys, formula->now_ms, &formula->core, &fault);

	if (err != ERR_OK)
		fail("core_open", err, fault.text);
}

struct franchise *franchise_new(const char *charter_text)
{
	struct franchise *formula = calloc(1, sizeof(*formula));
	struct fault fault = {""};

	if (formula == NULL)
		fail("memory", ERR_MEMORY, "");
	arena_init(&formula->arena, ARENA_MAX);
	formula->office.key = test_seed_key(FRANCHISE_ORIGIN "/controller", 1);
	formula->log = test_seed_key(FRANCHISE_ORIGIN "/log", 2);
	memset(formula->master, 3, sizeof(formula->master));
	formula->keys = (struct core_keys){
		.log = &formula->log, .controller = formula->office.key.public, .master = formula->master, .epoch = 1};
	formula->now_ms = FRANCHISE_DAY * DAY_MS + DAY_MS / 2;
	scratch_new(formula->folder);
	char *folder = arena_printf(&formula->arena, "%s/broker", formula->folder);
	enum err err = store_open(folder, &core_layout, true, &formula->store, &fault);
	if (err != ERR_OK)
		fail("store_open", err, fault.text);
	open_core(formula);
	franchise_charter(formula, charter_text != NULL ? charter_text : franchise_charter_text(&formula->arena));
	return formula;
}

void franchise_free(struct franchise **formula)
{
	struct franchise *old = *formula;

	if (old == NULL)
		return;
	core_close(&old->core);
	store_close(&old->store);
	scratch_remove(old->folder);
	for (size_t i = 0; i < old->store_count; i++)
		secret_key_fini(&old->stores[i].key);
	secret_key_fini(&old->office.key);
	secret_key_fini(&old->log);
	arena_fini(&old->arena);
	free(old);
	*formula = NULL;
}

void franchise_restart(struct franchise *formula)
{
	core_close(&formula->core);
	open_core(formula);
}

static void join(struct franchise *formula, struct party *store)
{
	struct action invite = action_new(formula, NULL, KLUIS__OPERATION__KIND_INVITE);
	struct action action = action_new(formula, NULL, KLUIS__OPERATION__KIND_JOIN);
	Kluis__JoinContent content = KLUIS__JOIN_CONTENT__INIT;
	struct slice code = franchise_draw(formula);
	uint8_t *hash = take(formula, HASH_SIZE);

	sha256(code, hash);
	KIND(invite, Invite, invite);
	invite.operation->invite->principal = store->key.public.name;
	invite.operation->invite->code_hash = wire_data(SLICE(hash, HASH_SIZE));
	invite.operation->invite->expires_ms = formula->now_ms + DAY_MS;
	franchise_must(formula, &formula->office, invite);
	KIND(action, Join, join);
	action.operation->join->public_key = wire_data(SLICE_ARRAY(store->key.public.key));
	content.code = wire_data(code);
	action_content(formula, &action, &content.base, &action.operation->join->commitment);
	franchise_must(formula, store, action);
}

const char *franchise_agreement(struct franchise *formula, uint32_t number, const char *grants,
				const uint8_t *supersedes)
{
	struct arena *arena = &formula->arena;
	char *text = text_of_file(arena, "broker/examples/minimal/agreement.ini");
	char hex[2 * HASH_SIZE + 1];
	char *end = strstr(text, "[grant ");
	char *charter = strstr(text, "charter = ");

	if (end == NULL || charter == NULL)
		fail("the example agreement", ERR_PAPER, "has no grant or charter");
	*end = '\0';
	hex_print(SLICE_ARRAY(formula->charter.hash), hex);
	memcpy(charter + strlen("charter = "), hex, 2 * HASH_SIZE);
	text = text_replace(arena, text, "store   = 12", arena_printf(arena, "store   = %u", number));
	if (supersedes != NULL) {
		hex_print(SLICE(supersedes, HASH_SIZE), hex);
		text = text_replace(arena, text, "role    = processor",
				    arena_printf(arena, "role    = processor\nsupersedes = %s", hex));
	}
	return arena_printf(arena, "%s%s", text, grants);
}

/* Says what is wrong with a text, where the core only refuses it. */
static void check_agreement(struct franchise *formula, const char *text)
{
	struct agreement *agreement = take(formula, sizeof(*agreement));
	struct fault fault = {""};
	enum err err =
		agreement_parse(slice_text(text), "agreement", &formula->charter, &formula->arena, agreement, &fault);

	if (err != ERR_OK)
		fail("agreement", err, fault.text);
}

static uint8_t *signature_of(struct franchise *formula, const char *text, const struct secret_key *key)
{
	uint8_t *signature = take(formula, SIGNATURE_SIZE);

	must(note_make_signature(slice_text(text), key, signature), "signature");
	return signature;
}

void franchise_agree(struct franchise *formula, struct party *store, const char *text)
{
	struct action draft = action_new(formula, NULL, KLUIS__OPERATION__KIND_DRAFT);
	struct action offer = action_new(formula, NULL, KLUIS__OPERATION__KIND_OFFER);
	struct action accept = action_new(formula, NULL, KLUIS__OPERATION__KIND_ACCEPT);

	check_agreement(formula, text);
	sha256(slice_text(text), store->agreement);
	store->has_agreement = true;
	KIND(draft, Draft, draft);
	draft.operation->draft->store = store->store;
	draft.operation->draft->hash = wire_data(SLICE_ARRAY(store->agreement));
	draft.paper = slice_text(text);
	franchise_must(formula, &formula->office, draft);
	KIND(offer, Offer, offer);
	offer.operation->offer->hash = wire_data(SLICE_ARRAY(store->agreement));
	offer.operation->offer->signature =
		wire_data(SLICE(signature_of(formula, text, &formula->office.key), SIGNATURE_SIZE));
	franchise_must(formula, &formula->office, offer);
	KIND(accept, Accept, accept);
	accept.operation->accept->agreement = wire_data(SLICE_ARRAY(store->agreement));
	accept.operation->accept->signature =
		wire_data(SLICE(signature_of(formula, text, &store->key), SIGNATURE_SIZE));
	franchise_must(formula, store, accept);
}

void franchise_employ(struct franchise *formula, struct party *store, const char *role)
{
	struct action action = action_new(formula, NULL, KLUIS__OPERATION__KIND_STAFF);
	Kluis__StaffContent content = KLUIS__STAFF_CONTENT__INIT;
	char name[] = "K. de Vries";

	memcpy(store->employee, franchise_draw(formula).data, PSEUDONYM_SIZE);
	store->has_employee = false; /* who is not on the roster yet does not act */
	KIND(action, Staff, staff);
	action.operation->staff->employee = wire_data(SLICE_ARRAY(store->employee));
	action.operation->staff->role = kept_text(formula, role);
	content.name = name;
	action_content(formula, &action, &content.base, &action.operation->staff->commitment);
	action.operation->staff->has_commitment = true;
	franchise_must(formula, store, action);
	store->has_employee = true;
}

struct party *franchise_store(struct franchise *formula, uint32_t number, const char *grants)
{
	struct action open = action_new(formula, NULL, KLUIS__OPERATION__KIND_OPEN_STORE);
	struct party *store = &formula->stores[formula->store_count++];
	char name[PRINCIPAL_MAX + 1], title[] = "Winkel", country[] = "NL";

	if (formula->store_count > FRANCHISE_STORES)
		fail("stores", ERR_TOO_LARGE, "");
	must(principal_store_name(slice_text(FRANCHISE_ORIGIN), number, name), "name");
	store->key = test_seed_key(name, (uint8_t)(16 + formula->store_count));
	store->store = number;
	KIND(open, OpenStore, open_store);
	open.operation->open_store->store = number;
	open.operation->open_store->name = title;
	open.operation->open_store->country = country;
	franchise_must(formula, &formula->office, open);
	join(formula, store);
	if (grants != NULL) {
		franchise_agree(formula, store, franchise_agreement(formula, number, grants, NULL));
		franchise_employ(formula, store, "cashier");
	}
	return store;
}
