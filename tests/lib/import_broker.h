/*
 * A broker as an import sees it: answers registrations, receipts, stores and Progress by FORMAT.md R102, R112, R113 and
 * R117, keeps sums of what it got, and loses messages when told to. It has its own disk for one lane.
 */
#ifndef KLUIS_TEST_IMPORT_BROKER_H
#define KLUIS_TEST_IMPORT_BROKER_H

#include "kluis/session.h"

#define IMPORT_BROKER_IDS (1 << 17)
#define IMPORT_BROKER_IMPORTS 8
#define IMPORT_BROKER_YEAR 1997 /* the first of two */

struct import_sums {
	uint64_t receipts, lines;
	int64_t units, amount, cost;
};

struct import_broker {
	const struct secret_key *key;
	uint32_t store_limit;	 /* larger numbers are unknown stores; 0: all are known */
	uint64_t customer_limit; /* larger decimal values are unknown customers; 0: all are known */

	/* losses: 0 for never */
	unsigned lose_request_at; /* this message and all later ones do not arrive; counts from 1 */
	unsigned lose_reply_at;	  /* this one is executed, its answer and all later messages are lost */
	unsigned received;

	/* what it knows */
	struct import_sums sums[25][2]; /* by store and year */
	uint64_t customers, stores, unchanged, envelopes;
	size_t operations_most, message_most; /* in one envelope */
	uint8_t ids[IMPORT_BROKER_IDS][PSEUDONYM_SIZE];
	uint32_t contents[IMPORT_BROKER_IDS];
	size_t id_count;
	struct {
		uint8_t import[HASH_SIZE];
		uint64_t rows;
		bool is_done;
	} imports[IMPORT_BROKER_IMPORTS];
	size_t import_count;
	struct bytes text; /* what was registered or opened: "<field>=<value>|...;store,day,purpose:status\n" */

	/* its lane, and the client's disk */
	struct bytes request, reply, disk;
	bool has_disk;
};

struct import_broker *import_broker_new(const struct secret_key *key);
void import_broker_free(struct import_broker **broker);
struct exchange import_broker_exchange(struct import_broker *broker);
struct session_memory import_broker_memory(struct import_broker *broker);

#endif
