#include "crowd.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "home.h"
#include "kluis/clock.h"
#include "kluis/hash.h"

/* As the daemon's (agent/run/config.c, daemon.c, daemon_work.c). */
#define WAIT_MS 50000
#define MARGIN_MS 15000
#define LINK_WAIT_MS 10000
#define PAUSE_MS_MIN 200
#define PAUSE_MS_MAX 30000

#define BEGINNERS_MAX 100
#define STACK_SIZE ((size_t)256 * 1024)

struct member {
	struct crowd *crowd;
	const struct secret_key *key;
	struct link *link;
	struct channel *channel;
	pthread_t thread;
	/* the thread's */
	struct arena arenas[2]; /* of the last answer and of the one before, in turns */
	unsigned turn;
	Kluis__WatchRow *known; /* NULL before the first answer */
	unsigned connections;	/* when it was last answered */
	bool has_spread;
	/* for crowd_count */
	atomic_ullong answered_ns, news_ns;
	atomic_uint news;
};

struct crowd {
	atomic_bool is_stopping;
	atomic_ullong mark_ns;
	unsigned count;
	struct member members[];
};

static void must(bool is_well, const char *what)
{
	if (is_well)
		return;
	fprintf(stderr, "crowd: %s failed\n", what);
	exit(1);
}

static uint32_t below(uint32_t bound)
{
	uint8_t drawn[4];

	random_bytes(drawn, sizeof(drawn));
	return get_u32(drawn) % bound;
}

/* ---- one watch ---- */

/* The first long one is shorter by chance: agents that have run for a while do not ask all in the same second. */
static uint32_t next_wait_ms(struct member *member, unsigned connections)
{
	if (member->known == NULL || member->connections != connections)
		return 0;
	if (member->has_spread)
		return WAIT_MS;
	member->has_spread = true;
	return 1 + below(WAIT_MS);
}

static bool is_same(const Kluis__WatchRow *a, const Kluis__WatchRow *b)
{
	return a->change == b->change && a->state == b->state &&
	       slice_equal(wire_slice(a->agreement), wire_slice(b->agreement)) &&
	       slice_equal(wire_slice(a->candidate), wire_slice(b->candidate)) &&
	       slice_equal(wire_slice(a->trust), wire_slice(b->trust)) &&
	       slice_equal(wire_slice(a->roster), wire_slice(b->roster));
}

static enum err ask(struct member *member, uint32_t wait_ms, struct arena *arena, Kluis__WatchRow **ret_row)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Watch watch = KLUIS__WATCH__INIT;
	Kluis__WatchRow nothing = KLUIS__WATCH_ROW__INIT;
	const Kluis__Reply *reply;
	enum err code;

	watch.wait_ms = wait_ms;
	watch.known = member->known == NULL ? &nothing : member->known;
	operation.kind_case = KLUIS__OPERATION__KIND_WATCH;
	operation.watch = &watch;
	TRY(session_ask(member->key, channel_exchange(member->channel), LANE_SYNC, &operation, bench_broker_now_ms(),
			arena, &reply, &code, NULL));
	TRY(code);
	must(reply->data[0]->n_items == 1 &&
		     WIRE_DECODE(WatchRow, watch_row, wire_slice(reply->data[0]->items[0]), arena, ret_row) == ERR_OK,
	     "reading an answer");
	return ERR_OK;
}

static enum err watch(struct member *member)
{
	unsigned connections = link_connections(member->link);
	struct arena *arena = &member->arenas[member->turn];
	Kluis__WatchRow *row;

	arena_reset(arena);
	TRY(ask(member, next_wait_ms(member, connections), arena, &row));
	uint64_t now_ns = clock_steady_ns();
	if (member->known != NULL && !is_same(row, member->known)) {
		atomic_fetch_add(&member->news, 1);
		atomic_store(&member->news_ns, now_ns);
	}
	atomic_store(&member->answered_ns, now_ns);
	member->known = row;
	member->connections = connections;
	member->turn ^= 1;
	return ERR_OK;
}

/* As the daemon pauses after a step that failed. */
static void pause_after(unsigned failures)
{
	uint64_t most_ms = (uint64_t)PAUSE_MS_MIN << (failures > 8 ? 8 : failures);

	most_ms = most_ms > PAUSE_MS_MAX ? PAUSE_MS_MAX : most_ms;
	clock_sleep_ms(most_ms / 2 + below((uint32_t)(most_ms / 2)));
}

static void *run(void *argument)
{
	struct member *member = argument;
	unsigned failures = 0;

	while (!atomic_load(&member->crowd->is_stopping)) {
		if (!link_wait(member->link, LINK_WAIT_MS))
			continue;
		if (watch(member) == ERR_OK)
			failures = 0;
		else if (!atomic_load(&member->crowd->is_stopping))
			pause_after(failures++);
	}
	return NULL;
}

/* ---- all of them ---- */

static void start(struct member *member, const struct bench_broker *broker, const pthread_attr_t *attributes)
{
	struct fault fault = {0};

	arena_init(&member->arenas[0], REQUEST_ARENA_MAX);
	arena_init(&member->arenas[1], REQUEST_ARENA_MAX);
	must(link_open_lasting(broker->address, (const char *)broker->certificate.data, &member->link, &fault) ==
			     ERR_OK &&
		     channel_open(member->link, WAIT_MS + MARGIN_MS, &member->channel) == ERR_OK,
	     "opening a link");
	must(pthread_create(&member->thread, attributes, run, member) == 0, "starting a thread");
}

static void crowd_count_of(struct crowd *crowd, unsigned started, struct crowd_counts *ret_counts)
{
	struct crowd_counts counts = {.up = 0};

	for (unsigned i = 0; i < started; i++) {
		struct member *member = &crowd->members[i];
		unsigned news = atomic_load(&member->news);
		uint64_t news_ns = atomic_load(&member->news_ns);
		counts.up += link_is_up(member->link);
		counts.handshakes += link_connections(member->link);
		counts.served += atomic_load(&member->answered_ns) > atomic_load(&crowd->mark_ns);
		counts.told += news > 0;
		counts.told_twice += news > 1 ? news - 1 : 0;
		if (news > 0 && news_ns > counts.last_news_ns)
			counts.last_news_ns = news_ns;
	}
	*ret_counts = counts;
}

/* A handshake costs both sides some ms of this machine's processors: not so many at a time that some last too long. */
static void keep_pace(struct crowd *crowd, unsigned started)
{
	struct crowd_counts counts;

	for (;;) {
		crowd_count_of(crowd, started, &counts);
		if (started - counts.served < BEGINNERS_MAX)
			return;
		clock_sleep_ms(5);
	}
}

struct crowd *crowd_start(const struct bench_broker *broker, struct party *const *stores, size_t store_count,
			  unsigned agents)
{
	struct crowd *crowd = calloc(1, sizeof(*crowd) + agents * sizeof(crowd->members[0]));
	pthread_attr_t attributes;

	must(crowd != NULL, "memory");
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	crowd->count = agents;
	for (unsigned i = 0; i < agents; i++) {
		crowd->members[i].crowd = crowd;
		crowd->members[i].key = &stores[i % store_count]->key;
		start(&crowd->members[i], broker, &attributes);
		keep_pace(crowd, i + 1);
	}
	pthread_attr_destroy(&attributes);
	return crowd;
}

void crowd_mark(struct crowd *crowd)
{
	for (unsigned i = 0; i < crowd->count; i++)
		atomic_store(&crowd->members[i].news, 0);
	atomic_store(&crowd->mark_ns, clock_steady_ns());
}

void crowd_count(struct crowd *crowd, struct crowd_counts *ret_counts)
{
	crowd_count_of(crowd, crowd->count, ret_counts);
}

void crowd_stop(struct crowd **crowd)
{
	atomic_store(&(*crowd)->is_stopping, true);
	for (unsigned i = 0; i < (*crowd)->count; i++)
		link_stop((*crowd)->members[i].link);
	for (unsigned i = 0; i < (*crowd)->count; i++) {
		struct member *member = &(*crowd)->members[i];
		pthread_join(member->thread, NULL);
		channel_close(&member->channel);
		arena_fini(&member->arenas[0]);
		arena_fini(&member->arenas[1]);
	}
	*crowd = NULL; /* the links' threads still use it */
}
