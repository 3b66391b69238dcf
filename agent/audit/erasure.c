#include "erasure.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kluis/clock.h"

/* ---- who received whom ---- */

static struct received_fact *find_received(const struct customer_fact *customer, uint32_t store, const char *purpose)
{
	struct received_fact *fact = customer->received;

	while (fact != NULL && (fact->store != store || strcmp(fact->purpose, purpose) != 0))
		fact = fact->next;
	return fact;
}

static enum err receive(struct state *state, const struct step *step, const struct copy_fact *copy,
			struct customer_fact *customer)
{
	const char *purpose = step->operation->purpose;
	struct received_fact *fact = find_received(customer, step->store->number, purpose);

	if (fact == NULL) {
		fact = arena_alloc(state->arena, sizeof *fact);
		if (fact == NULL)
			return ERR_MEMORY;
		*fact = (struct received_fact){.store = step->store->number, .next = customer->received};
		fact->purpose = arena_text(state->arena, slice_text(purpose));
		if (fact->purpose == NULL)
			return ERR_MEMORY;
		customer->received = fact;
	}
	fact->since_ms = copy->since_ms;
	return ERR_OK;
}

enum err erasure_receive(struct state *state, const struct step *step, const struct copy_fact *copy)
{
	for (size_t i = 0; i < step->result->n_disclosures; i++) {
		const Kluis__Disclosure *disclosure = step->result->disclosures[i];
		struct customer_fact *customer = state_customer(state, wire_slice(disclosure->customer));

		if (disclosure->has_commitment && customer != NULL)
			TRY(receive(state, step, copy, customer));
	}
	return ERR_OK;
}

struct received_fact *erasure_owed(const struct store_fact *store, const struct customer_fact *customer,
				   const char *purpose)
{
	const struct copy_fact *copy = custody_copy(store, purpose);
	struct received_fact *fact = find_received(customer, store->number, purpose);

	if (copy == NULL || !copy->is_held || fact == NULL || fact->certified_ms != 0)
		return NULL;
	return fact->since_ms == copy->since_ms ? fact : NULL;
}

/* ---- what entries change ---- */

static uint32_t newest_epoch(const struct state *state)
{
	return state->epoch == 0 ? 1 : state->epoch;
}

/* All facts but the pseudonym and who received it: R150. */
enum err apply_erase(struct state *state, const struct step *step)
{
	struct customer_fact *customer = state_customer(state, wire_slice(step->operation->erase->customer));

	if (customer == NULL || customer->erased_ms != 0)
		return ERR_OK;
	*customer = (struct customer_fact){.pseudonym = customer->pseudonym,
					   .version = customer->version,
					   .erased_ms = step->time_ms,
					   .erased_epoch = newest_epoch(state),
					   .received = customer->received};
	return ERR_OK;
}

enum err erasure_certify(struct state *state, const struct step *step)
{
	const struct customer_fact *customer = state_customer(state, wire_slice(step->operation->purge->customer));
	struct received_fact *fact = NULL;

	if (customer != NULL && step->store != NULL && step->operation->purpose != NULL)
		fact = erasure_owed(step->store, customer, step->operation->purpose);
	if (fact != NULL)
		fact->certified_ms = step->time_ms;
	return ERR_OK;
}

uint64_t erasure_certified_ms(const struct state *state, const struct step *step, struct slice customer,
			      const char *purpose)
{
	const struct customer_fact *fact = state_customer(state, customer);
	const struct received_fact *received =
		fact == NULL || step->store == NULL ? NULL : find_received(fact, step->store->number, purpose);

	return received == NULL ? 0 : received->certified_ms;
}

/* ---- how they stand ---- */

struct counting {
	const struct state *state;
	uint64_t now_ms;
	void (*report)(const char *line);
	struct erasure_counts counts;
};

static void tell(const struct counting *counting, const struct customer_fact *customer,
		 const struct received_fact *fact, bool is_overdue)
{
	char pseudonym[2 * PSEUDONYM_SIZE + 1], when[25], line[256];

	hex_print(customer->pseudonym, pseudonym);
	time_print(customer->erased_ms, when);
	snprintf(line, sizeof line,
		 "outstanding: store %" PRIu32
		 " has not certified that customer %s, erased %s, is gone from its copy for %s%s",
		 fact->store, pseudonym, when, fact->purpose, is_overdue ? ", whose lease is over" : "");
	if (counting->report != NULL)
		counting->report(line);
}

static void count_owed(struct counting *counting, const struct customer_fact *customer, bool *ret_is_owed)
{
	*ret_is_owed = false;
	for (struct received_fact *fact = customer->received; fact != NULL; fact = fact->next) {
		const struct store_fact *store = state_store(counting->state, fact->store);

		if (store == NULL || erasure_owed(store, customer, fact->purpose) == NULL)
			continue;
		const struct copy_fact *copy = custody_copy(store, fact->purpose);
		bool is_overdue = copy->until_ms != 0 && copy->until_ms < counting->now_ms;
		*ret_is_owed = true;
		counting->counts.owed++;
		counting->counts.overdue += is_overdue;
		tell(counting, customer, fact, is_overdue);
	}
}

static void count_customer(void *item, void *context)
{
	const struct customer_fact *customer = item;
	struct counting *counting = context;
	bool is_owed;

	if (customer->erased_ms == 0)
		return;
	counting->counts.erased++;
	count_owed(counting, customer, &is_owed);
	uint32_t ended = newest_epoch(counting->state) - (counting->state->is_rewrapping ? 1 : 0);
	counting->counts.complete += !is_owed && ended > customer->erased_epoch;
}

void erasure_count(const struct state *state, uint64_t now_ms, void (*report)(const char *line),
		   struct erasure_counts *ret_counts)
{
	struct counting counting = {.state = state, .now_ms = now_ms, .report = report};

	map_each(&state->customers, count_customer, &counting);
	*ret_counts = counting.counts;
}
