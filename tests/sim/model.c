#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kluis/checkpoint.h"
#include "kluis/hash.h"

struct model *model_new(struct run *run, const struct public_key *log, const struct public_key *controller)
{
	struct model *model = run_take(sizeof(*model));

	model->run = run;
	model->logs[model->log_count++] = log;
	arena_init(&model->arena, (size_t)1 << 30);
	struct model_principal *office = LIST_ADD(&model->principals);
	*office = (struct model_principal){.sequences = {0}};
	memcpy(office->name, controller->name, sizeof(office->name));
	memcpy(office->key, controller->key, KEY_SIZE);
	return model;
}

void model_add_store(struct model *model, uint32_t number, const char *name)
{
	struct model_store *store = &model->stores[model->store_count++];

	store->number = number;
	snprintf(store->name, sizeof(store->name), "%s", name);
}

void model_free(struct model **model)
{
	struct model *old = *model;

	for (size_t i = 0; i < MODEL_STORES; i++)
		free(old->stores[i].employees.items);
	for (size_t i = 0; i < old->customers.count; i++) {
		free(old->customers.items[i].records.items);
		free(old->customers.items[i].changes.items);
	}
	for (size_t i = 0; i < old->truths.count; i++)
		free(old->truths.items[i].content);
	void *lists[] = {old->leaves.items,   old->roots.items,	     old->requests.items,   old->checkpoints.items,
			 old->charters.items, old->agreements.items, old->customers.items,  old->receipts.items,
			 old->uses.items,     old->truths.items,     old->principals.items, old->invitations.items};
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		free(lists[i]);
	arena_fini(&old->arena);
	free(old);
	*model = NULL;
}

void model_tell(struct model *model, struct slice commitment, struct slice content)
{
	struct model_truth *truth = LIST_ADD(&model->truths);

	memcpy(truth->commitment, commitment.data, HASH_SIZE);
	truth->content = run_take(content.length + 1);
	if (content.length > 0)
		memcpy(truth->content, content.data, content.length);
	truth->length = content.length;
}

struct slice model_content(const struct model *model, ProtobufCBinaryData commitment)
{
	for (size_t i = 0; i < model->truths.count; i++)
		if (slice_equal(wire_slice(commitment), SLICE_ARRAY(model->truths.items[i].commitment)))
			return SLICE(model->truths.items[i].content, model->truths.items[i].length);
	run_fail(model->run, "model", "an operation's commitment was never made");
}

/* ---- I3 ---- */

static void take_leaf(struct model *model, const struct hash *leaf)
{
	*LIST_ADD(&model->leaves) = *leaf;
	frontier_append(&model->tree, leaf);
	frontier_root(&model->tree, LIST_ADD(&model->roots));
}

enum err model_open(const struct model *model, struct slice note, struct checkpoint *ret_checkpoint,
		    struct fault *fault)
{
	enum err err = ERR_SIGNATURE;

	for (size_t i = 0; i < model->log_count && err != ERR_OK; i++)
		err = checkpoint_open(note, model->logs[i], ret_checkpoint, fault);
	return err;
}

void model_checkpoint(struct model *model, struct slice note)
{
	struct checkpoint checkpoint;
	struct fault fault = {""};
	struct hash seen;

	sha256(note, seen.bytes);
	for (size_t i = 0; i < model->checkpoints.count; i++)
		if (memcmp(&model->checkpoints.items[i], &seen, sizeof(seen)) == 0)
			return;
	if (model_open(model, note, &checkpoint, &fault) != ERR_OK)
		run_fail(model->run, "I3", "a checkpoint does not open: %s", fault.text);
	if (checkpoint.size == 0 || checkpoint.size > model->roots.count)
		run_fail(model->run, "I3", "a checkpoint over %llu entries of %zu", (unsigned long long)checkpoint.size,
			 model->roots.count);
	if (memcmp(&model->roots.items[checkpoint.size - 1], &checkpoint.root, sizeof(checkpoint.root)) != 0)
		run_fail(model->run, "I3", "a checkpoint over %llu entries has another root",
			 (unsigned long long)checkpoint.size);
	*LIST_ADD(&model->checkpoints) = seen;
}

/* ---- I2, I5: who said it, and in which order ---- */

static bool is_join(const struct entry *entry)
{
	return entry->request->operations[0]->kind_case == KLUIS__OPERATION__KIND_JOIN &&
	       entry->decoded->code == ERR_OK && entry->decoded->results[0]->code == ERR_OK;
}

/* R28's last row. */
static void offer_again(struct model *model, const char *name)
{
	for (size_t i = 0; i < MODEL_STORES; i++) {
		struct model_store *store = &model->stores[i];
		bool is_this = strcmp(name, store->name) == 0;
		if (!is_this || store->current.spec == NULL || store->current.state != AGREEMENT_ACTIVE)
			continue;
		store->candidate = (struct model_standing){.spec = store->current.spec, .state = AGREEMENT_OFFERED};
		store->current = (struct model_standing){.spec = NULL};
	}
}

/* The principal as the entry finds it: of a join, with the key that it brings. */
static struct model_principal *principal_of(struct model *model, const struct entry *entry)
{
	const char *name = entry->request->principal;
	struct model_principal *principal = model_principal(model, name);

	if (!is_join(entry)) {
		if (principal == NULL)
			run_fail(model->run, "I2", "an entry by %s, whom the log does not know", name);
		if (principal->is_revoked)
			run_fail(model->run, "I2", "an entry by %s, whose key was revoked", name);
		return principal;
	}
	const uint8_t *key = entry->request->operations[0]->join->public_key.data;
	bool is_new = principal == NULL;
	if (is_new)
		principal = LIST_ADD(&model->principals);
	else
		offer_again(model, name);
	if (!is_new && memcmp(principal->key, key, KEY_SIZE) == 0)
		return principal;
	*principal = (struct model_principal){.sequences = {0}};
	snprintf(principal->name, sizeof(principal->name), "%s", name);
	memcpy(principal->key, key, KEY_SIZE);
	return principal;
}

static void check_once(struct model *model, const struct entry *entry)
{
	struct hash request;

	sha256(wire_slice(entry->decoded->request), request.bytes);
	for (size_t i = 0; i < model->requests.count; i++)
		if (memcmp(&model->requests.items[i], &request, sizeof(request)) == 0)
			run_fail(model->run, "I5", "a request has two entries, the second is %zu", model->leaves.count);
	*LIST_ADD(&model->requests) = request;
}

static void check_acknowledgement(const struct model *model, const struct model_principal *principal,
				  const struct entry *entry)
{
	const Kluis__Acknowledgement *acknowledgement = entry->request->acknowledgement;
	uint32_t lane = entry->request->lane;
	uint64_t index = principal->indices[lane];
	bool is_right = acknowledgement == NULL;

	if (principal->sequences[lane] > 0)
		is_right = acknowledgement != NULL && acknowledgement->index == index &&
			   memcmp(acknowledgement->leaf.data, &model->leaves.items[index], HASH_SIZE) == 0;
	if (is_right != (entry->decoded->code == ERR_OK))
		run_fail(model->run, "I5", "entry %zu acknowledges another entry than was sent", model->leaves.count);
}

static void check_order(struct model *model, struct model_principal *principal, const struct entry *entry)
{
	const Kluis__Request *request = entry->request;
	uint64_t *last = &principal->sequences[request->lane];

	if (entry->decoded->code == ERR_REUSED) {
		if (request->sequence != *last)
			run_fail(model->run, "I5", "reused is said of a number that was not");
		return;
	}
	if (request->sequence != *last + 1)
		run_fail(model->run, "I5", "%s lane %u: number %llu after %llu", principal->name, request->lane,
			 (unsigned long long)request->sequence, (unsigned long long)*last);
	check_acknowledgement(model, principal, entry);
	check_once(model, entry);
	model->counts[MODEL_JOINS] += is_join(entry);
	*last = request->sequence;
	principal->indices[request->lane] = model->leaves.count;
}

/* ---- I4, I6: what was disclosed and taken ---- */

static void check_agreement(const struct model *model, const struct model_step *step)
{
	const struct agreement_spec *spec = model->stores[step->store].current.spec;
	const Kluis__Request *request = step->entry->request;

	if (spec == NULL || !request->has_agreement || memcmp(request->agreement.data, spec->hash, HASH_SIZE) != 0)
		run_fail(model->run, "I4", "entry %zu: acted under another agreement than the one in force",
			 model->leaves.count);
}

static int ask_model(const struct model *model, const struct model_step *step, enum operation operation,
		     const struct model_customer *customer)
{
	struct model_ask ask = {
		.store = step->store, .operation = operation, .time_s = step->time_ms / 1000, .customer = customer};
	int purpose = model_purpose(step->operation->purpose);

	if (purpose < 0)
		return -1;
	ask.purpose = (unsigned)purpose;
	if (step->entry->request->has_employee)
		ask.employee = wire_slice(step->entry->request->employee);
	return model_permits(model, &ask);
}

static void check_disclosure(struct model *model, const struct model_step *step, enum operation operation,
			     const Kluis__Disclosure *disclosure)
{
	const struct model_customer *customer = model_customer(model, wire_slice(disclosure->customer));
	int grant = -1;

	if (customer == NULL)
		run_fail(model->run, "I4", "disclosed somebody who does not exist");
	if (customer->is_erased != (!disclosure->has_commitment && disclosure->withheld == ERR_ERASED))
		run_fail(model->run, "I7", "entry %zu: disclosed somebody who was erased, or withheld somebody for it",
			 model->leaves.count);
	if (step->is_store)
		grant = ask_model(model, step, operation, customer);
	if (!disclosure->has_commitment) {
		if (!step->is_store || grant >= 0)
			run_fail(model->run, "I11", "entry %zu: a tombstone for somebody who is granted",
				 model->leaves.count);
		return;
	}
	if (step->is_store && (grant < 0 || (uint32_t)grant != disclosure->grant))
		run_fail(model->run, model_in_force(model, step->store, step->time_ms / 1000) ? "I4" : "I6",
			 "entry %zu: disclosed by grant %u, the rules say %d", model->leaves.count, disclosure->grant,
			 grant);
	if (disclosure->version != customer->records.count)
		run_fail(model->run, "I4", "disclosed version %u of %zu", disclosure->version, customer->records.count);
	const struct grant_spec *spec = grant < 0 ? NULL : &model->stores[step->store].current.spec->grants[grant];
	uint64_t fields = model_fields(spec, &customer->records.items[disclosure->version - 1]);
	if (disclosure->fields != fields)
		run_fail(model->run, "I4", "entry %zu: disclosed fields %llx, the rules say %llx", model->leaves.count,
			 (unsigned long long)disclosure->fields, (unsigned long long)fields);
	model->counts[MODEL_DISCLOSED]++;
}

/* Counts a customer on the grant's day. */
static void count_use(struct model *model, const struct model_step *step, const Kluis__Disclosure *disclosure)
{
	const struct agreement_spec *spec = model->stores[step->store].current.spec;
	struct model_use use = {.grant = disclosure->grant, .day = model_local_day(step->time_ms / 1000)};

	if (spec->grants[use.grant].per_day == 0)
		return;
	use.customer = (size_t)(model_customer(model, wire_slice(disclosure->customer)) - model->customers.items);
	memcpy(use.agreement, spec->hash, HASH_SIZE);
	if (model_is_used(model, spec, use.grant, use.day, use.customer))
		return;
	*LIST_ADD(&model->uses) = use;
}

static void check_lookup(struct model *model, const struct model_step *step)
{
	const Kluis__Result *result = step->result;

	if (result->n_disclosures != 1 || !result->disclosures[0]->has_commitment)
		run_fail(model->run, "I4", "a lookup that discloses %zu", result->n_disclosures);
	check_disclosure(model, step, OPERATION_LOOKUP, result->disclosures[0]);
	if (step->is_store)
		count_use(model, step, result->disclosures[0]);
}

static void check_sync(struct model *model, const struct model_step *step)
{
	for (size_t i = 0; i < step->result->n_disclosures; i++)
		check_disclosure(model, step, OPERATION_SYNC, step->result->disclosures[i]);
	model->counts[MODEL_PAGES]++;
}

/* Only what the registration itself says is known. */
static void registration_facts(const struct model *model, const struct model_step *step,
			       struct model_customer *ret_customer)
{
	const Kluis__Registration *registration = step->operation->registration;

	*ret_customer = (struct model_customer){.is_restricted = false};
	for (size_t i = 0; i < registration->n_consents; i++) {
		int purpose = model_purpose(registration->consents[i]->purpose);
		if (purpose < 0)
			run_fail(model->run, "I4", "consent to an unknown purpose");
		ret_customer->has_status[purpose] = true;
		ret_customer->status[purpose] = registration->consents[i]->status;
	}
}

static void check_change(struct model *model, const struct model_step *step, enum operation operation)
{
	const Kluis__Result *result = step->result;
	struct model_customer fresh;
	const struct model_customer *customer = model_customer(model, wire_slice(result->customer));

	if (!step->is_store)
		return;
	if (operation == OPERATION_REGISTER) {
		registration_facts(model, step, &fresh);
		customer = &fresh;
	}
	int grant = customer == NULL ? -1 : ask_model(model, step, operation, customer);
	if (grant < 0)
		run_fail(model->run, "I4", "entry %zu: %s was taken, the rules refuse it", model->leaves.count,
			 operation_name(operation));
	uint64_t fields = model->stores[step->store].current.spec->grants[grant].fields;
	if (result->has_fields && (result->fields & ~fields) != 0)
		run_fail(model->run, "I4", "entry %zu: wrote fields outside the grant", model->leaves.count);
}

/* The enum operation of a kind that needs a grant, or OPERATION_COUNT. */
static enum operation operation_of(Kluis__Operation__KindCase kind)
{
	static const struct {
		Kluis__Operation__KindCase kind;
		enum operation operation;
	} rows[] = {
		{KLUIS__OPERATION__KIND_LOOKUP, OPERATION_LOOKUP},
		{KLUIS__OPERATION__KIND_SYNC, OPERATION_SYNC},
		{KLUIS__OPERATION__KIND_RECEIPT, OPERATION_RECEIPT},
		{KLUIS__OPERATION__KIND_REGISTRATION, OPERATION_REGISTER},
		{KLUIS__OPERATION__KIND_UPDATE, OPERATION_UPDATE},
		{KLUIS__OPERATION__KIND_CONSENT, OPERATION_CONSENT},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].kind == kind)
			return rows[i].operation;
	return OPERATION_COUNT;
}

/* What a store was refused although the rules allow it; as far as that can be seen without values. */
static void check_refusal(const struct model *model, const struct model_step *step, enum operation operation)
{
	const Kluis__Result *result = step->result;
	const struct agreement_spec *spec = model->stores[step->store].current.spec;
	const Kluis__Request *request = step->entry->request;
	bool is_decided = result->code >= ERR_NO_AGREEMENT && result->code <= ERR_PER_DAY;

	if (result->n_disclosures > 0)
		run_fail(model->run, "I4", "entry %zu: refused, and disclosed", model->leaves.count);
	if (!is_decided || result->code == ERR_OTHER_AGREEMENT || !result->has_customer || spec == NULL ||
	    operation == OPERATION_REGISTER || !request->has_agreement ||
	    memcmp(request->agreement.data, spec->hash, HASH_SIZE) != 0)
		return;
	if (ask_model(model, step, operation, model_customer(model, wire_slice(result->customer))) >= 0)
		run_fail(model->run, "I4", "entry %zu: %s was refused (%s), the rules allow it", model->leaves.count,
			 operation_name(operation), error_name((enum err)result->code));
}

static void take_operation(struct model *model, const struct model_step *step)
{
	enum operation operation = operation_of(step->operation->kind_case);
	bool is_data = operation < OPERATION_COUNT;

	if (step->result->code != ERR_OK) {
		model->counts[MODEL_REFUSED]++;
		if (is_data && step->is_store)
			check_refusal(model, step, operation);
		return;
	}
	if (is_data && step->is_store)
		check_agreement(model, step);
	if (operation == OPERATION_LOOKUP)
		check_lookup(model, step);
	else if (operation == OPERATION_SYNC)
		check_sync(model, step);
	else if (is_data)
		check_change(model, step, operation);
	model_apply(model, step);
}

/* ---- entries ---- */

static void take_operations(struct model *model, const struct entry *entry)
{
	struct model_step step = {.entry = entry,
				  .time_ms = entry->decoded->time_ms,
				  .is_store = entry->principal.kind == PRINCIPAL_STORE};

	if (step.is_store)
		step.store = model_place(model, entry->principal.store);
	for (size_t i = 0; i < entry->request->n_operations; i++) {
		step.operation = entry->request->operations[i];
		step.result = entry->decoded->results[i];
		take_operation(model, &step);
	}
}

void model_take(struct model *model, struct slice bytes)
{
	struct entry entry;
	struct fault fault = {""};
	uint8_t *copy = arena_copy(&model->arena, bytes);

	run_must(model->run, copy == NULL ? ERR_MEMORY : ERR_OK, "memory");
	if (entry_open(SLICE(copy, bytes.length), &model->arena, &entry, &fault) != ERR_OK)
		run_fail(model->run, "I2", "entry %zu does not open: %s", model->leaves.count, fault.text);
	if (entry.decoded->time_ms < model->time_ms)
		run_fail(model->run, "R47", "entry %zu is before the one before it", model->leaves.count);
	model->time_ms = entry.decoded->time_ms;
	struct model_principal *principal = principal_of(model, &entry);
	if (entry_verify(&entry, principal->key) != ERR_OK)
		run_fail(model->run, "I2", "entry %zu is not signed by %s", model->leaves.count, principal->name);
	check_order(model, principal, &entry);
	if (entry.decoded->code == ERR_OK)
		take_operations(model, &entry);
	take_leaf(model, &entry.leaf);
	model->counts[MODEL_ENTRIES]++;
}

/* ---- replies ---- */

static bool is_for_person(const struct entry *entry)
{
	for (size_t i = 0; i < entry->decoded->n_results; i++)
		if (entry->decoded->results[i]->n_disclosures > 0 &&
		    entry->request->operations[i]->kind_case == KLUIS__OPERATION__KIND_LOOKUP)
			return true;
	return false;
}

static void check_disclosed_again(const struct model *model, const struct entry *entry, size_t operation)
{
	const char *purpose = entry->request->operations[operation]->purpose;
	const Kluis__Result *result = entry->decoded->results[operation];

	for (size_t i = 0; i < result->n_disclosures; i++) {
		if (!result->disclosures[i]->has_commitment)
			continue;
		const struct model_customer *customer =
			model_customer(model, wire_slice(result->disclosures[i]->customer));
		if (customer->is_erased)
			run_fail(model->run, "I7", "values again of somebody who was erased since");
		if (customer->is_restricted)
			run_fail(model->run, "I4", "values again of somebody who was restricted since");
		bool has_consented = customer->has_status[1] && (customer->status[1] == 4 || customer->status[1] == 5);
		if (model_purpose(purpose) == 1 && !has_consented)
			run_fail(model->run, "I4", "values again of somebody who took the consent back");
	}
}

/* A store is answered once more: is it still its right? */
static void check_again(const struct model *model, const struct entry *entry, uint64_t time_s)
{
	size_t place = model_place(model, entry->principal.store);

	if (!model_in_force(model, place, time_s))
		run_fail(model->run, "I6", "values for store %u, whose access has ended", entry->principal.store);
	for (size_t i = 0; i < entry->decoded->n_results; i++)
		check_disclosed_again(model, entry, i);
	if (!is_for_person(entry))
		return;
	const struct model_employee *employee =
		model_employee(&model->stores[place], wire_slice(entry->request->employee));
	if (employee == NULL || !employee->is_there)
		run_fail(model->run, "I6", "values for an employee of store %u who is gone", entry->principal.store);
}

void model_release(const struct model *model, const Kluis__Reply *reply, uint64_t now_ms, uint64_t durable)
{
	struct arena arena CLEANUP(arena_fini);
	struct entry entry;
	struct fault fault = {""};
	uint64_t time_ms = now_ms > model->time_ms ? now_ms : model->time_ms;

	arena_init(&arena, REQUEST_ARENA_MAX);
	if (reply->personal == NULL || reply->personal->n_parts == 0)
		return;
	if (!reply->has_entry || entry_open(wire_slice(reply->entry), &arena, &entry, &fault) != ERR_OK)
		run_fail(model->run, "I1", "values without an entry");
	if (reply->index >= model->leaves.count ||
	    memcmp(&model->leaves.items[reply->index], &entry.leaf, sizeof(entry.leaf)) != 0)
		run_fail(model->run, "I1", "values whose entry %llu is not in the log",
			 (unsigned long long)reply->index);
	/* what is new was looked at with its entry */
	if (reply->index < durable && entry.principal.kind == PRINCIPAL_STORE)
		check_again(model, &entry, time_ms / 1000);
}

void model_disclosed(const struct model *model, const struct entry *entry, const Kluis__Disclosure *disclosure,
		     struct slice content)
{
	struct arena arena CLEANUP(arena_fini);
	Kluis__Values *values;
	const struct model_customer *customer = model_customer(model, wire_slice(disclosure->customer));
	const struct agreement_spec *spec = NULL;

	if (customer == NULL || disclosure->version == 0 || disclosure->version > customer->records.count)
		run_fail(model->run, "I1", "received what no version holds");
	if (entry->principal.kind == PRINCIPAL_STORE)
		spec = model_agreement(model, wire_slice(entry->request->agreement));
	const struct grant_spec *grant = spec == NULL ? NULL : &spec->grants[disclosure->grant];
	const struct model_record *record = &customer->records.items[disclosure->version - 1];
	arena_init(&arena, REQUEST_ARENA_MAX);
	run_must(model->run, WIRE_DECODE(Values, values, content, &arena, &values), "values");
	uint64_t fields = 0;
	for (size_t i = 0; i < values->n_values; i++) {
		unsigned field = values->values[i]->field - 1;
		if (field >= SPEC_FIELDS || record->values[field] == NULL ||
		    strcmp(values->values[i]->value, model_shown(grant, field, record->values[field], &arena)) != 0)
			run_fail(model->run, "I4", "received another value of field %u than was written", field + 1);
		fields |= (uint64_t)1 << field;
	}
	if (fields != disclosure->fields)
		run_fail(model->run, "I1", "received other fields than the entry says");
}
