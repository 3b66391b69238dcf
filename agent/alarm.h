/*
 * What must not be missed: kept on disk, shown by status, over the API and in the log, once each, until a person has
 * said that it was seen. A broker that shows two histories or another certificate, records outside the agreement, a
 * store key used in two places, a journal altered on disk.
 *
 * Threads: any; it locks itself through the store.
 */
#ifndef KLUIS_AGENT_ALARM_H
#define KLUIS_AGENT_ALARM_H

#include "kluis/store.h"

enum alarm_kind {
	ALARM_INCONSISTENT = 1, /* checkpoints that contradict each other; both notes lie in evidence/ */
	ALARM_CERTIFICATE,	/* another one than the invited */
	ALARM_MISMATCH,		/* an answer that its entry does not say, a page outside the agreement */
	ALARM_TWO_PLACES,	/* the lane's number was used by somebody else */
	ALARM_ALTERED,		/* journal, outbox or a lease changed on disk */
	ALARM_CLOCK,		/* this machine's clock is wrong by more than a minute, or was set back */
	ALARM_DISK,		/* full */
	ALARM_OLDER,		/* a checkpoint older than one seen before */
};
const char *alarm_name(enum alarm_kind kind);

/* Raises an alarm; one of the kind with the same text that was not seen yet is only counted. Never fails: what cannot
 * be written is at least in the log. text holds no personal datum. */
void alarm_raise(struct store *store, enum alarm_kind kind, uint64_t time_ms, const char *format, ...)
	PRINTF_LIKE(4, 5);

struct alarm {
	uint64_t number;
	enum alarm_kind kind;
	uint64_t first_ms, last_ms;
	uint64_t count;
	char text[256];
};
typedef enum err alarm_fn(void *context, const struct alarm *alarm);
/* Those not yet seen, oldest first. */
enum err alarm_each(struct store *store, alarm_fn *visit, void *context) MUST_USE;
uint64_t alarm_count(struct store *store);
/* A person has seen it. ERR_NOT_FOUND. */
enum err alarm_seen(struct store *store, uint64_t number) MUST_USE;

#endif
