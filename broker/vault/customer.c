#include "vault/customer.h"

#include <assert.h>
#include <string.h>

#include "vault/keys.h"

#define DAY_MS 86400000u

/* An encoded visit has at most 3 + 4 + 6 bytes, a consent 4 + NAME_MAX_ + 2, the rest of a row less than 256. */
static_assert(VISITS_MAX * 13 + CONSENTS_MAX * (NAME_MAX_ + 6) + 256 < RECORD_MAX, "a customer's row can be put");

bool consent_is_valid(uint32_t status)
{
	return status == CONSENT_GIVEN || status == CONSENT_RENEWED;
}

int32_t context_day(const struct context *context)
{
	return (int32_t)(context->time_ms / DAY_MS);
}

struct slice customer_pseudonym(const struct customer *customer)
{
	return SLICE_ARRAY(customer->pseudonym);
}

enum err customer_absence(struct context *context, struct slice pseudonym)
{
	struct slice row;
	enum err err = view_get(context->view, TABLE_ERASURE, pseudonym, &row);

	return err == ERR_OK ? ERR_ERASED : err;
}

enum err vault_customer(struct context *context, struct slice pseudonym, struct customer *ret_customer)
{
	struct customer customer = {.row = NULL};
	ProtobufCMessage *row;

	if (pseudonym.length != PSEUDONYM_SIZE)
		return ERR_NOT_FOUND;
	enum err err = row_get(context, TABLE_CUSTOMER, pseudonym, &rows__customer__descriptor, &row);
	TRY(err == ERR_NOT_FOUND ? customer_absence(context, pseudonym) : err);
	customer.row = (Rows__Customer *)row;
	memcpy(customer.pseudonym, pseudonym.data, PSEUDONYM_SIZE);
	TRY(key_unwrap(context, pseudonym, customer.row->epoch, wire_slice(customer.row->wrapped_key), &customer.key));
	*ret_customer = customer;
	return ERR_OK;
}

enum err customer_new(struct context *context, struct slice pseudonym, struct customer *ret_customer)
{
	struct customer customer = {.row = arena_alloc(context->arena, sizeof(*customer.row)),
				    .key = arena_alloc(context->arena, KEY_SIZE)};

	if (customer.row == NULL || customer.key == NULL)
		return ERR_MEMORY;
	memcpy(customer.pseudonym, pseudonym.data, PSEUDONYM_SIZE);
	rows__customer__init(customer.row);
	random_bytes(customer.key, KEY_SIZE);
	TRY(key_wrap(context, pseudonym, customer.key, &customer.row->epoch, &customer.row->wrapped_key));
	*ret_customer = customer;
	return ERR_OK;
}

enum err customer_put(struct context *context, const struct customer *customer)
{
	return row_put(context, TABLE_CUSTOMER, customer_pseudonym(customer), &customer->row->base);
}

enum err result_set_customer(struct context *context, struct slice pseudonym)
{
	uint8_t *copy = arena_copy(context->arena, pseudonym);

	if (copy == NULL)
		return ERR_MEMORY;
	context->result->has_customer = true;
	context->result->customer = wire_data(SLICE(copy, pseudonym.length));
	return ERR_OK;
}

/* Where the store's visit stands, or would. */
static size_t visit_place(const Rows__Customer *row, uint32_t store)
{
	size_t low = 0, high = row->n_visits;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (row->visits[middle]->store < store)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool customer_visit(const struct customer *customer, uint32_t store, int32_t *ret_day)
{
	size_t place = visit_place(customer->row, store);

	if (place == customer->row->n_visits || customer->row->visits[place]->store != store)
		return false;
	*ret_day = customer->row->visits[place]->last_day;
	return true;
}

void customer_touch(struct context *context, const struct customer *customer)
{
	const Rows__Customer *row = customer->row;
	struct slice pseudonym = customer_pseudonym(customer);
	int32_t day;

	for (size_t i = 0; i < row->n_visits; i++)
		view_touch(context->view, row->visits[i]->store, pseudonym);
	if (row->registered != NULL && !customer_visit(customer, row->registered->store, &day))
		view_touch(context->view, row->registered->store, pseudonym);
	view_touch(context->view, FEED_ALL, pseudonym);
}

static struct store_day store_day_of(const Rows__StoreDay *row)
{
	if (row == NULL)
		return (struct store_day){.is_known = false};
	return (struct store_day){.is_known = true, .store = row->store, .day = row->day};
}

void customer_history(const struct customer *customer, struct history *ret_history)
{
	*ret_history = (struct history){.registered = store_day_of(customer->row->registered),
					.first = store_day_of(customer->row->first),
					.latest = store_day_of(customer->row->latest)};
}

static const Rows__Consent *find_consent(const Rows__Customer *row, struct slice purpose)
{
	for (size_t i = 0; i < row->n_consents; i++) {
		if (slice_equal(slice_text(row->consents[i]->purpose), purpose))
			return row->consents[i];
	}
	return NULL;
}

void customer_facts(const struct customer *customer, const struct charter *charter, uint32_t store,
		    struct slice purpose, uint64_t time_ms, struct customer_facts *ret_facts)
{
	const Rows__Customer *row = customer->row;
	const Rows__Consent *consent = find_consent(row, purpose);
	struct customer_facts facts = {.is_restricted = row->is_restricted};
	struct history history;

	customer_history(customer, &history);
	facts.is_registered_here = history.registered.is_known && history.registered.store == store;
	facts.has_visited = customer_visit(customer, store, &facts.last_visit_day);
	facts.has_owner = ownership_owner(charter, &history, (int32_t)(time_ms / DAY_MS), &facts.owner);
	facts.has_consented = consent != NULL && consent_is_valid(consent->status);
	*ret_facts = facts;
}

static Rows__StoreDay *store_day_row(struct context *context, const struct store_day *day)
{
	Rows__StoreDay *row = arena_alloc(context->arena, sizeof(*row));

	if (row != NULL) {
		rows__store_day__init(row);
		row->store = day->store;
		row->day = day->day;
	}
	return row;
}

/* The array with one more pointer at place, in the arena. */
static void *inserted(struct context *context, void *const *items, size_t count, size_t place, void *item)
{
	void **more = arena_array(context->arena, count + 1, sizeof(*more));

	if (more == NULL || item == NULL)
		return NULL;
	if (place > 0)
		memcpy(more, items, place * sizeof(*more));
	more[place] = item;
	if (count > place)
		memcpy(more + place + 1, items + place, (count - place) * sizeof(*more));
	return more;
}

static size_t consent_place(const Rows__Customer *row, const char *purpose)
{
	size_t place = 0;

	while (place < row->n_consents && strcmp(row->consents[place]->purpose, purpose) < 0)
		place++;
	return place;
}

enum err customer_set_consent(struct context *context, const struct customer *customer, const char *purpose,
			      uint32_t status, bool *ret_changed)
{
	Rows__Customer *row = customer->row;
	size_t place = consent_place(row, purpose);
	bool is_there = place < row->n_consents && strcmp(row->consents[place]->purpose, purpose) == 0;

	if (is_there) {
		*ret_changed = row->consents[place]->status != status;
		row->consents[place]->status = status;
		return ERR_OK;
	}
	if (row->n_consents >= CONSENTS_MAX)
		return ERR_TOO_LARGE;
	Rows__Consent *consent = arena_alloc(context->arena, sizeof(*consent));
	if (consent == NULL)
		return ERR_MEMORY;
	rows__consent__init(consent);
	consent->purpose = arena_text(context->arena, slice_text(purpose));
	consent->status = status;
	void *more = inserted(context, (void *const *)row->consents, row->n_consents, place, consent);
	if (more == NULL || consent->purpose == NULL)
		return ERR_MEMORY;
	row->consents = more;
	row->n_consents++;
	*ret_changed = true;
	return ERR_OK;
}

enum err customer_set_registered(struct context *context, const struct customer *customer, uint32_t store, int32_t day,
				 bool *ret_changed)
{
	struct store_day registered = {.is_known = true, .store = store, .day = day};

	if (customer->row->registered != NULL) {
		*ret_changed = false;
		return ERR_OK;
	}
	customer->row->registered = store_day_row(context, &registered);
	if (customer->row->registered == NULL)
		return ERR_MEMORY;
	*ret_changed = true;
	return ERR_OK;
}

static enum err add_visit(struct context *context, Rows__Customer *row, uint32_t store, int32_t day, bool *ret_changed)
{
	size_t place = visit_place(row, store);

	if (place < row->n_visits && row->visits[place]->store == store) {
		*ret_changed = row->visits[place]->last_day < day;
		if (*ret_changed)
			row->visits[place]->last_day = day;
		return ERR_OK;
	}
	if (row->n_visits >= VISITS_MAX)
		return ERR_TOO_LARGE;
	Rows__Visit *visit = arena_alloc(context->arena, sizeof(*visit));
	if (visit == NULL)
		return ERR_MEMORY;
	rows__visit__init(visit);
	visit->store = store;
	visit->last_day = day;
	void *more = inserted(context, (void *const *)row->visits, row->n_visits, place, visit);
	if (more == NULL)
		return ERR_MEMORY;
	row->visits = more;
	row->n_visits++;
	*ret_changed = true;
	return ERR_OK;
}

enum err customer_add_receipt(struct context *context, const struct customer *customer, uint32_t store, int32_t day,
			      bool *ret_changed)
{
	Rows__Customer *row = customer->row;
	struct history history;
	bool is_other_visit = false;

	customer_history(customer, &history);
	bool is_other_history = history_add_receipt(&history, store, day);
	TRY(add_visit(context, row, store, day, &is_other_visit));
	if (is_other_history) {
		row->first = store_day_row(context, &history.first);
		row->latest = store_day_row(context, &history.latest);
		if (row->first == NULL || row->latest == NULL)
			return ERR_MEMORY;
	}
	*ret_changed = is_other_history || is_other_visit;
	return ERR_OK;
}
