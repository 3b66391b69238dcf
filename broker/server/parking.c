#include "server/parking.h"

#include <assert.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

#include "kluis/limits.h"

#define BUCKETS 4096 /* a power of two */

struct parking {
	pthread_mutex_t mutex;
	parking_wake wake;
	bool is_closed;
	size_t count;
	struct ring stores[BUCKETS], pipes[BUCKETS], all;
	/* numbers of the last commits with news: by store's bucket, for readers of all, for everybody */
	uint64_t changed[BUCKETS];
	uint64_t all_changed;
	uint64_t everybody_changed;
};

/* ---- rings ---- */

static void ring_init(struct ring *ring)
{
	ring->next = ring->previous = ring;
}

static void ring_join(struct ring *head, struct ring *ring)
{
	ring->previous = head->previous;
	ring->next = head;
	head->previous->next = ring;
	head->previous = ring;
}

static void ring_part(struct ring *ring)
{
	ring->previous->next = ring->next;
	ring->next->previous = ring->previous;
	ring_init(ring);
}

static struct spot *spot_at(struct ring *ring, size_t offset)
{
	return (struct spot *)(void *)((char *)ring - offset);
}

/* ---- parking ---- */

enum err parking_new(parking_wake wake, struct parking **ret_parking)
{
	struct parking *parking = calloc(1, sizeof(*parking));
	if (parking == NULL)
		return ERR_MEMORY;
	parking->wake = wake;
	pthread_mutex_init(&parking->mutex, NULL);
	ring_init(&parking->all);
	for (size_t i = 0; i < BUCKETS; i++) {
		ring_init(&parking->stores[i]);
		ring_init(&parking->pipes[i]);
	}
	*ret_parking = parking;
	return ERR_OK;
}

void parking_free(struct parking **parking)
{
	if (*parking == NULL)
		return;
	assert((*parking)->count == 0);
	pthread_mutex_destroy(&(*parking)->mutex);
	free(*parking);
	*parking = NULL;
}

static bool has_news_since(const struct parking *parking, const struct core_wait *wait)
{
	return parking->changed[wait->store % BUCKETS] > wait->snapshot ||
	       parking->everybody_changed > wait->snapshot ||
	       (wait->reads_all && parking->all_changed > wait->snapshot);
}

static size_t count_on_pipe(struct parking *parking, uint32_t pipe)
{
	struct ring *head = &parking->pipes[pipe % BUCKETS];
	size_t count = 0;
	for (struct ring *ring = head->next; ring != head; ring = ring->next)
		count += spot_at(ring, offsetof(struct spot, by_pipe))->pipe == pipe;
	return count;
}

static void put(struct parking *parking, struct spot *spot, const struct core_wait *wait, uint32_t pipe)
{
	spot->pipe = pipe;
	spot->store = wait->store;
	spot->snapshot = wait->snapshot;
	spot->is_parked = true;
	ring_join(&parking->stores[wait->store % BUCKETS], &spot->by_store);
	ring_join(&parking->pipes[pipe % BUCKETS], &spot->by_pipe);
	ring_init(&spot->by_all);
	if (wait->reads_all)
		ring_join(&parking->all, &spot->by_all);
	parking->count++;
}

static void take_out(struct parking *parking, struct spot *spot)
{
	ring_part(&spot->by_store);
	ring_part(&spot->by_pipe);
	ring_part(&spot->by_all);
	spot->is_parked = false;
	parking->count--;
}

static enum err enter(struct parking *parking, struct spot *spot, const struct core_wait *wait, uint32_t pipe,
		      bool (*begin)(struct spot *spot))
{
	if (parking->is_closed)
		return ERR_NETWORK;
	if (has_news_since(parking, wait))
		return ERR_STATE;
	if (parking->count >= PARKED_MAX || count_on_pipe(parking, pipe) >= PARKED_PER_PIPE)
		return ERR_BUSY;
	put(parking, spot, wait, pipe);
	if (begin(spot))
		return ERR_OK;
	take_out(parking, spot);
	return ERR_NETWORK;
}

enum err parking_enter(struct parking *parking, struct spot *spot, const struct core_wait *wait, uint32_t pipe,
		       bool (*begin)(struct spot *spot))
{
	pthread_mutex_lock(&parking->mutex);
	assert(!spot->is_parked);
	enum err err = enter(parking, spot, wait, pipe, begin);
	pthread_mutex_unlock(&parking->mutex);
	return err;
}

void parking_leave(struct parking *parking, struct spot *spot)
{
	pthread_mutex_lock(&parking->mutex);
	if (spot->is_parked)
		take_out(parking, spot);
	pthread_mutex_unlock(&parking->mutex);
}

/* ---- waking ---- */

static void wake(struct parking *parking, struct spot *spot)
{
	take_out(parking, spot);
	parking->wake(spot);
}

static void wake_store(struct parking *parking, uint32_t store, uint64_t number)
{
	struct ring *head = &parking->stores[store % BUCKETS];
	parking->changed[store % BUCKETS] = number;
	for (struct ring *ring = head->next, *next; ring != head; ring = next) {
		next = ring->next;
		struct spot *spot = spot_at(ring, offsetof(struct spot, by_store));
		if (spot->store == store && spot->snapshot < number)
			wake(parking, spot);
	}
}

static void wake_readers_of_all(struct parking *parking, uint64_t number)
{
	parking->all_changed = number;
	for (struct ring *ring = parking->all.next, *next; ring != &parking->all; ring = next) {
		next = ring->next;
		struct spot *spot = spot_at(ring, offsetof(struct spot, by_all));
		if (spot->snapshot < number)
			wake(parking, spot);
	}
}

static void wake_everybody(struct parking *parking)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		while (parking->stores[i].next != &parking->stores[i])
			wake(parking, spot_at(parking->stores[i].next, offsetof(struct spot, by_store)));
	}
}

void parking_news(struct parking *parking, const struct core_news *news)
{
	if (!news->is_for_all && !news->is_feed_all && news->count == 0)
		return;
	pthread_mutex_lock(&parking->mutex);
	if (news->is_for_all) {
		parking->everybody_changed = news->number;
		wake_everybody(parking);
	}
	if (news->is_feed_all)
		wake_readers_of_all(parking, news->number);
	for (size_t i = 0; i < news->count; i++)
		wake_store(parking, news->stores[i], news->number);
	pthread_mutex_unlock(&parking->mutex);
}

void parking_forget(struct parking *parking, uint32_t pipe)
{
	struct ring *head = &parking->pipes[pipe % BUCKETS];
	pthread_mutex_lock(&parking->mutex);
	for (struct ring *ring = head->next, *next; ring != head; ring = next) {
		next = ring->next;
		struct spot *spot = spot_at(ring, offsetof(struct spot, by_pipe));
		if (spot->pipe == pipe)
			wake(parking, spot);
	}
	pthread_mutex_unlock(&parking->mutex);
}

void parking_close(struct parking *parking)
{
	pthread_mutex_lock(&parking->mutex);
	parking->is_closed = true;
	wake_everybody(parking);
	pthread_mutex_unlock(&parking->mutex);
}
