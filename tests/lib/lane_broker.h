/*
 * The broker's side of one lane, by FORMAT.md R34 to R39 and nothing more, with a network that loses, delays and
 * repeats, and a disk that survives crashes: what sessions are tested against.
 */
#ifndef KLUIS_TEST_LANE_BROKER_H
#define KLUIS_TEST_LANE_BROKER_H

#include "kluis/session.h"
#include "random.h"

#define LANE_BROKER_EXECUTED_MAX 4096

/* What becomes of one message. */
enum lane_fate {
	FATE_DELIVERED,
	FATE_REQUEST_LOST,
	FATE_REPLY_LOST,    /* executed, the answer never comes */
	FATE_DELAYED,	    /* no answer; a copy arrives before the next message */
	FATE_TWICE,	    /* two copies arrive, the second one's answer comes */
	FATE_BUSY,	    /* answered ERR_BUSY unseen */
	FATE_REFUSED,	    /* answered ERR_PRINCIPAL without entry, unless it was executed */
	FATE_REFUSED_ENTRY, /* refused whole, with an entry (ERR_SUSPENDED) */
	FATE_GARBLED,	    /* executed, the answer is not a reply */
	FATE_FOREIGN,	    /* executed, the answer is about another request */
	FATE_COUNT
};

struct lane_broker {
	const struct secret_key *key; /* who may send */
	uint64_t sequence;	      /* last one used */
	struct bytes request;	      /* under it */
	struct bytes reply;	      /* to it */
	struct bytes delayed;
	bool is_slow; /* what is delayed stays on its way */
	uint64_t entries;
	struct hash leaf; /* of the last entry */
	uint64_t index;
	/* The customer named in each operation executed: once each, or the lane failed. */
	uint64_t executed[LANE_BROKER_EXECUTED_MAX];
	size_t executed_count;
	unsigned bad_acknowledgements;
	unsigned reused;
	unsigned received;
	unsigned pauses;
	/* What happens to the next messages; FATE_DELIVERED past the end. */
	const enum lane_fate *fates;
	size_t fate_count;
	struct random *random; /* if set, draws fates instead */
	/* the disk of one lane */
	struct bytes disk;
	bool has_disk;
	unsigned saves;
	enum err save_err;
};

void lane_broker_init(struct lane_broker *broker, const struct secret_key *key);
void lane_broker_fini(struct lane_broker *broker);
struct exchange lane_broker_exchange(struct lane_broker *broker);
struct session_memory lane_broker_memory(struct lane_broker *broker);
bool lane_broker_has_executed(const struct lane_broker *broker, uint64_t number);
/* A request of one Restriction of a customer whose pseudonym is the number; storage is the caller's. */
struct lane_request {
	uint8_t customer[PSEUDONYM_SIZE];
	Kluis__Restriction restriction;
	Kluis__Operation operation;
	Kluis__Operation *operations[1];
	struct session_request request;
};
const struct session_request *lane_request_init(struct lane_request *request, uint64_t number);

#endif
