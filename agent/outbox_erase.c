/*
 * Items that nobody is to deliver any more: at the agreement's end all, of an erased customer theirs.
 */
#include "outbox_internal.h"
#include "outbox_row.h"
#include "replica.h"

/* All that the new list does not have. */
static enum err destroy(struct store_txn *txn, void *context)
{
	const struct outbox_change *change = context;
	const struct outbox_list *before = &change->outbox->list;
	uint8_t key[OUTBOX_KEY_SIZE];

	for (size_t i = 0; i < before->count; i++)
		if (outbox_list_find(change->list, before->places[i].number) == NULL)
			store_delete(txn, REPLICA_OUTBOX, outbox_key(before->places[i].number, key));
	TRY(change->gone(txn, before->count - change->list->count, change->gone_context));
	return outbox_put_summary(change->outbox, change->list, txn);
}

enum err outbox_destroy(struct outbox *outbox, outbox_gone_fn *gone, void *context)
{
	struct outbox_list list CLEANUP(outbox_list_fini) = {0};
	struct outbox_change change = {.list = &list, .gone = gone, .gone_context = context};

	pthread_mutex_lock(&outbox->mutex);
	list.next = outbox->list.next;
	enum err err = outbox->list.count == 0 ? ERR_OK : outbox_commit(outbox, &change, destroy);
	pthread_mutex_unlock(&outbox->mutex);
	return err;
}

/* Takes out of the list what is about the customer. */
static enum err leave_out(const struct outbox *outbox, struct store_txn *txn, struct slice customer,
			  struct outbox_list *list, bool *is_under_way)
{
	for (size_t i = list->count; i-- > 0;) {
		struct arena arena CLEANUP(arena_fini) = {0};
		struct outbox_item item;

		arena_init(&arena, REQUEST_ARENA_MAX);
		TRY(outbox_read(outbox, txn, list->places[i].number, &arena, &item));
		if (!outbox_item_is_about(&item, customer))
			continue;
		*is_under_way = *is_under_way || list->places[i].state == OUTBOX_SENT;
		if (list->places[i].state != OUTBOX_SENT)
			outbox_list_remove(list, item.number);
	}
	return ERR_OK;
}

static enum err choose(const struct outbox *outbox, struct slice customer, struct outbox_list *list, bool *is_under_way)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;

	TRY(outbox_list_copy(&outbox->list, list));
	TRY(store_begin_read(outbox->store, &txn));
	return leave_out(outbox, txn, customer, list, is_under_way);
}

enum err outbox_erase(struct outbox *outbox, struct slice customer, outbox_gone_fn *gone, void *context,
		      bool *ret_is_under_way)
{
	struct outbox_list list CLEANUP(outbox_list_fini) = {0};
	struct outbox_change change = {.list = &list, .gone = gone, .gone_context = context};
	bool is_under_way = false;

	pthread_mutex_lock(&outbox->mutex);
	enum err err = choose(outbox, customer, &list, &is_under_way);
	if (err == ERR_OK && list.count < outbox->list.count)
		err = outbox_commit(outbox, &change, destroy);
	pthread_mutex_unlock(&outbox->mutex);
	TRY(err);
	*ret_is_under_way = is_under_way;
	return ERR_OK;
}
