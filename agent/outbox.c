#include "outbox.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kluis/hash.h"
#include "outbox_internal.h"
#include "outbox_row.h"
#include "replica.h"
#include "sealed_row.h"

#define SUMMARY_KEY "outbox"
#define SEALED_MAX (REQUEST_MAX + RECORD_MAX + 2048)

/* ---- the summary: which numbers are there ---- */

enum err outbox_put_summary(const struct outbox *outbox, const struct outbox_list *list, struct store_txn *txn)
{
	struct bytes plain CLEANUP(bytes_fini) = {0};

	bytes_init(&plain, OUTBOX_LIST_MAX);
	TRY(outbox_list_print(list, &plain));
	return sealed_row_put(txn, outbox->key, slice_text(SUMMARY_KEY), bytes_slice(&plain));
}

static enum err summary_read(const struct outbox *outbox, struct store_txn *txn, struct outbox_list *list)
{
	struct bytes plain CLEANUP(bytes_fini) = {0};

	bytes_init(&plain, OUTBOX_LIST_MAX);
	enum err err = sealed_row_get(txn, outbox->key, slice_text(SUMMARY_KEY), &plain);
	list->next = 1;
	if (err == ERR_NOT_FOUND)
		return ERR_OK;
	TRY(err);
	return outbox_list_parse(bytes_slice(&plain), list);
}

/* ---- opening ---- */

static enum err check_item(const struct outbox *outbox, struct store_txn *txn, struct outbox_place *place,
			   struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct outbox_item item;
	struct slice sealed;
	uint8_t key[OUTBOX_KEY_SIZE];

	arena_init(&arena, REQUEST_ARENA_MAX);
	enum err err = store_get(txn, REPLICA_OUTBOX, outbox_key(place->number, key), &sealed);
	if (err == ERR_NOT_FOUND)
		return fault_set(fault, ERR_CORRUPT, "outbox item %llu is missing on disk",
				 (unsigned long long)place->number);
	TRY(err);
	err = outbox_item_open(outbox->key, place->number, sealed, &arena, &item);
	if (err == ERR_MEMORY)
		return err;
	if (err != ERR_OK)
		return fault_set(fault, ERR_CORRUPT, "outbox item %llu was altered on disk",
				 (unsigned long long)place->number);
	place->state = item.state;
	return ERR_OK;
}

static enum err check_all(struct outbox *outbox, struct fault *fault)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;

	TRY(store_begin_read(outbox->store, &txn));
	enum err err = summary_read(outbox, txn, &outbox->list);
	if (err == ERR_CRYPTO || err == ERR_CORRUPT)
		return fault_set(fault, ERR_CORRUPT, "the outbox's list of items was altered on disk");
	TRY(err);
	for (size_t i = 0; i < outbox->list.count; i++)
		TRY(check_item(outbox, txn, &outbox->list.places[i], fault));
	if (store_count(txn, REPLICA_OUTBOX) != outbox->list.count)
		return fault_set(fault, ERR_CORRUPT, "the outbox on disk has an item that was never put there");
	return store_txn_status(txn);
}

enum err outbox_open(struct store *store, const uint8_t seal_key[static KEY_SIZE], struct outbox **ret_outbox,
		     struct fault *fault)
{
	struct outbox *outbox CLEANUP(outbox_close) = calloc(1, sizeof *outbox);

	if (outbox == NULL)
		return ERR_MEMORY;
	outbox->store = store;
	outbox->key = seal_key;
	pthread_mutex_init(&outbox->mutex, NULL);
	TRY(check_all(outbox, fault));
	*ret_outbox = outbox;
	outbox = NULL;
	return ERR_OK;
}

void outbox_close(struct outbox **outbox)
{
	if (*outbox == NULL)
		return;
	outbox_list_fini(&(*outbox)->list);
	pthread_mutex_destroy(&(*outbox)->mutex);
	free(*outbox);
	*outbox = NULL;
}

/* ---- changes: rows and summary in one transaction, then the list in memory ---- */

static enum err put_item(const struct outbox *outbox, struct store_txn *txn, const struct outbox_item *item)
{
	struct bytes sealed CLEANUP(bytes_fini) = {0};
	uint8_t key[OUTBOX_KEY_SIZE];

	bytes_init(&sealed, SEALED_MAX);
	TRY(outbox_item_seal(outbox->key, item, &sealed));
	store_put(txn, REPLICA_OUTBOX, outbox_key(item->number, key), bytes_slice(&sealed));
	return ERR_OK;
}

/* outcome NULL: only the state is another. */
static enum err rewrite(const struct outbox *outbox, struct store_txn *txn, uint64_t number, enum outbox_state state,
			const struct outbox_outcome *outcome)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct outbox_item item;
	struct slice sealed;
	uint8_t key[OUTBOX_KEY_SIZE];

	arena_init(&arena, REQUEST_ARENA_MAX);
	TRY(store_get(txn, REPLICA_OUTBOX, outbox_key(number, key), &sealed));
	TRY(outbox_item_open(outbox->key, number, sealed, &arena, &item));
	item.state = state;
	if (outcome != NULL) {
		item.reason = outcome->code;
		item.entry = outcome->entry;
		memcpy(item.clause, outcome->clause, sizeof item.clause);
	}
	return put_item(outbox, txn, &item);
}

/* What an outcome makes of its item. */
static enum err apply_outcome(const struct outbox_change *change, struct store_txn *txn,
			      const struct outbox_outcome *outcome)
{
	uint8_t key[OUTBOX_KEY_SIZE];

	if (outcome->code == ERR_OK) {
		store_delete(txn, REPLICA_OUTBOX, outbox_key(outcome->number, key));
		return ERR_OK;
	}
	enum outbox_state state = outcome->is_later ? OUTBOX_WAITING : OUTBOX_REFUSED;
	return rewrite(change->outbox, txn, outcome->number, state, outcome);
}

static enum err write_change(struct store_txn *txn, void *context)
{
	const struct outbox_change *change = context;

	if (change->added != NULL)
		TRY(put_item(change->outbox, txn, change->added));
	for (size_t i = 0; i < change->outcome_count; i++)
		TRY(apply_outcome(change, txn, &change->outcomes[i]));
	return outbox_put_summary(change->outbox, change->list, txn);
}

/* Takes the list over when the transaction is on disk. Under the mutex. */
enum err outbox_commit(struct outbox *outbox, struct outbox_change *change, store_write_fn *write)
{
	change->outbox = outbox;
	TRY(store_update(outbox->store, write, change));
	struct outbox_list old = outbox->list;
	outbox->list = *change->list;
	outbox->changes++;
	*change->list = (struct outbox_list){0};
	outbox_list_fini(&old);
	return ERR_OK;
}

static enum err add(struct outbox *outbox, struct outbox_item *item)
{
	struct outbox_list list CLEANUP(outbox_list_fini) = {0};
	struct outbox_change change = {.list = &list, .added = item};

	if (outbox->list.count >= OUTBOX_ITEMS_MAX)
		return ERR_BUSY;
	TRY(outbox_list_copy(&outbox->list, &list));
	item->number = list.next++;
	list.places[list.count++] = (struct outbox_place){.number = item->number, .state = OUTBOX_WAITING};
	return outbox_commit(outbox, &change, write_change);
}

enum err outbox_add(struct outbox *outbox, const Kluis__Operation *operation, const Kluis__Part *part,
		    struct slice employee, uint64_t time_ms, uint64_t *ret_number)
{
	Kluis__Operation shown = *operation;
	struct outbox_item item = {.time_ms = time_ms, .state = OUTBOX_WAITING, .operation = &shown};
	Kluis__Part shown_part;

	assert(employee.length == 0 || employee.length == PSEUDONYM_SIZE);
	if (part != NULL) {
		shown_part = *part;
		item.part = &shown_part;
	}
	item.has_employee = employee.length > 0;
	if (item.has_employee)
		memcpy(item.employee, employee.data, PSEUDONYM_SIZE);
	pthread_mutex_lock(&outbox->mutex);
	enum err err = add(outbox, &item);
	pthread_mutex_unlock(&outbox->mutex);
	TRY(err);
	*ret_number = item.number;
	return ERR_OK;
}

static enum err settle(struct outbox *outbox, const struct outbox_outcome *outcomes, size_t count)
{
	struct outbox_list list CLEANUP(outbox_list_fini) = {0};
	struct outbox_change change = {.list = &list, .outcomes = outcomes, .outcome_count = count};

	TRY(outbox_list_copy(&outbox->list, &list));
	for (size_t i = 0; i < count; i++) {
		struct outbox_place *place = outbox_list_find(&list, outcomes[i].number);
		if (place == NULL)
			return ERR_NOT_FOUND;
		place->state = outcomes[i].is_later ? OUTBOX_WAITING : OUTBOX_REFUSED;
		if (outcomes[i].code == ERR_OK)
			outbox_list_remove(&list, outcomes[i].number);
	}
	return outbox_commit(outbox, &change, write_change);
}

enum err outbox_settle(struct outbox *outbox, const struct outbox_outcome *outcomes, size_t count)
{
	pthread_mutex_lock(&outbox->mutex);
	enum err err = settle(outbox, outcomes, count);
	pthread_mutex_unlock(&outbox->mutex);
	return err;
}

/* ---- marks ---- */

struct mark {
	struct outbox_change change;
	const uint64_t *numbers;
	size_t count;
	enum outbox_state state;
	uint64_t request; /* 0: none */
};

static enum err write_marks(struct store_txn *txn, void *context)
{
	const struct mark *mark = (const struct mark *)context;
	struct outbox_outcome sent = {.entry = mark->request};

	for (size_t i = 0; i < mark->count; i++)
		TRY(rewrite(mark->change.outbox, txn, mark->numbers[i], mark->state,
			    mark->request == 0 ? NULL : &sent));
	return ERR_OK;
}

static enum err set_state(struct outbox *outbox, const uint64_t *numbers, size_t count, enum outbox_state from,
			  enum outbox_state state, uint64_t request)
{
	struct outbox_list list CLEANUP(outbox_list_fini) = {0};
	struct mark mark = {
		.change = {.list = &list}, .numbers = numbers, .count = count, .state = state, .request = request};

	TRY(outbox_list_copy(&outbox->list, &list));
	for (size_t i = 0; i < count; i++) {
		struct outbox_place *place = outbox_list_find(&list, numbers[i]);
		if (place == NULL || place->state != from)
			return ERR_NOT_FOUND;
		place->state = state;
	}
	return outbox_commit(outbox, &mark.change, write_marks);
}

enum err outbox_mark_sent(struct outbox *outbox, const uint64_t *numbers, size_t count, uint64_t request)
{
	pthread_mutex_lock(&outbox->mutex);
	enum err err = set_state(outbox, numbers, count, OUTBOX_WAITING, OUTBOX_SENT, request);
	pthread_mutex_unlock(&outbox->mutex);
	return err;
}

static enum err unsend(struct outbox *outbox)
{
	uint64_t *numbers = calloc(outbox->list.count + 1, sizeof *numbers);
	size_t count = 0;

	if (numbers == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < outbox->list.count; i++)
		if (outbox->list.places[i].state == OUTBOX_SENT)
			numbers[count++] = outbox->list.places[i].number;
	enum err err = count == 0 ? ERR_OK : set_state(outbox, numbers, count, OUTBOX_SENT, OUTBOX_WAITING, 0);
	free(numbers);
	return err;
}

enum err outbox_unsend(struct outbox *outbox)
{
	pthread_mutex_lock(&outbox->mutex);
	enum err err = unsend(outbox);
	pthread_mutex_unlock(&outbox->mutex);
	return err;
}

enum err outbox_retry(struct outbox *outbox, uint64_t number)
{
	pthread_mutex_lock(&outbox->mutex);
	enum err err = set_state(outbox, &number, 1, OUTBOX_REFUSED, OUTBOX_WAITING, 0);
	pthread_mutex_unlock(&outbox->mutex);
	return err;
}

enum err outbox_discard(struct outbox *outbox, uint64_t number)
{
	struct outbox_outcome gone = {.number = number, .code = ERR_OK};

	pthread_mutex_lock(&outbox->mutex);
	struct outbox_place *place = outbox_list_find(&outbox->list, number);
	bool is_refused = place != NULL && place->state == OUTBOX_REFUSED;
	enum err err = is_refused ? settle(outbox, &gone, 1) : ERR_NOT_FOUND;
	pthread_mutex_unlock(&outbox->mutex);
	return err;
}

/* ---- reading ---- */

enum err outbox_read(const struct outbox *outbox, struct store_txn *txn, uint64_t number, struct arena *arena,
		     struct outbox_item *ret_item)
{
	struct slice sealed;
	uint8_t key[OUTBOX_KEY_SIZE];

	TRY(store_get(txn, REPLICA_OUTBOX, outbox_key(number, key), &sealed));
	return outbox_item_open(outbox->key, number, sealed, arena, ret_item);
}

/* Numbers of a state, oldest first, at most count: a copy, so that visit may call the outbox. */
static enum err numbers_of(struct outbox *outbox, enum outbox_state state, size_t count, struct arena *arena,
			   uint64_t **ret_numbers, size_t *ret_count)
{
	pthread_mutex_lock(&outbox->mutex);
	size_t most = outbox->list.count < count ? outbox->list.count : count, found = 0;
	uint64_t *numbers = arena_array(arena, most + 1, sizeof *numbers);
	for (size_t i = 0; numbers != NULL && i < outbox->list.count && found < most; i++)
		if (outbox->list.places[i].state == state)
			numbers[found++] = outbox->list.places[i].number;
	pthread_mutex_unlock(&outbox->mutex);
	if (numbers == NULL)
		return ERR_MEMORY;
	*ret_numbers = numbers;
	*ret_count = found;
	return ERR_OK;
}

enum err outbox_each(struct outbox *outbox, enum outbox_state state, size_t count, struct arena *arena,
		     outbox_fn *visit, void *context)
{
	uint64_t *numbers;
	size_t found;

	TRY(numbers_of(outbox, state, count, arena, &numbers, &found));
	for (size_t i = 0; i < found; i++) {
		struct store_txn *txn CLEANUP(store_end_read) = NULL;
		struct outbox_item item;
		TRY(store_begin_read(outbox->store, &txn));
		enum err err = outbox_read(outbox, txn, numbers[i], arena, &item);
		store_end_read(&txn);
		txn = NULL;
		if (err == ERR_NOT_FOUND) /* delivered or thrown away meanwhile */
			continue;
		TRY(err);
		TRY(visit(context, &item));
	}
	return ERR_OK;
}

/* 0: none, for there is no number 0. */
static uint64_t number_beyond(struct outbox *outbox, enum outbox_state state, uint64_t after)
{
	uint64_t number = 0;

	pthread_mutex_lock(&outbox->mutex);
	for (size_t i = outbox_list_place(&outbox->list, after + 1); number == 0 && i < outbox->list.count; i++)
		if (outbox->list.places[i].state == state)
			number = outbox->list.places[i].number;
	pthread_mutex_unlock(&outbox->mutex);
	return number;
}

enum err outbox_next(struct outbox *outbox, enum outbox_state state, uint64_t after, struct arena *arena,
		     struct outbox_item *ret_item)
{
	enum err err = ERR_NOT_FOUND;

	/* not found on disk: delivered or thrown away meanwhile */
	while (err == ERR_NOT_FOUND && (after = number_beyond(outbox, state, after)) != 0) {
		struct store_txn *txn CLEANUP(store_end_read) = NULL;
		TRY(store_begin_read(outbox->store, &txn));
		err = outbox_read(outbox, txn, after, arena, ret_item);
	}
	return err;
}

uint64_t outbox_changes(struct outbox *outbox)
{
	pthread_mutex_lock(&outbox->mutex);
	uint64_t changes = outbox->changes;
	pthread_mutex_unlock(&outbox->mutex);
	return changes;
}

void outbox_counts(struct outbox *outbox, uint64_t *ret_waiting, uint64_t *ret_refused)
{
	pthread_mutex_lock(&outbox->mutex);
	*ret_waiting = outbox_list_count(&outbox->list, false);
	*ret_refused = outbox_list_count(&outbox->list, true);
	pthread_mutex_unlock(&outbox->mutex);
}
