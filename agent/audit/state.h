/*
 * Every fact that a decision rests on, as the log has told it so far (FORMAT.md sections 8 and 9): what idea
 * "the log is enough" means. state_apply takes what an operation's result says was done; recompute.h holds it
 * against what should have been done.
 *
 * Threads: one.
 */
#ifndef AUDIT_STATE_H
#define AUDIT_STATE_H

#include "chronicle.h"
#include "custody.h"
#include "finding.h"
#include "kluis/agreement.h"
#include "kluis/decide.h"
#include "kluis/entry.h"
#include "kluis/map.h"
#include "kluis/operation.h"
#include "kluis/ownership.h"
#include "mirror.h"
#include "principals.h"

/* A charter or an agreement that an entry took up; one of the two is set, or none if it cannot be read. */
struct paper_text {
	struct slice hash;
	const struct charter *charter;
	const struct agreement *agreement;
	const struct charter *agreement_charter; /* what the agreement's names mean (R25) */
	struct slice text;
	uint64_t accepted_ms; /* 0: never */
	uint64_t ended_ms;    /* suspended, terminated, replaced; 0: not, or resumed */
};

struct standing {
	struct paper_text *paper; /* NULL: none */
	enum agreement_state state;
};

struct employee_fact {
	struct slice pseudonym;
	const char *role;
};

struct store_fact {
	struct slice key; /* u32 */
	uint32_t number;
	bool is_open;
	const char *name, *country;
	struct standing current, candidate; /* R26 */
	struct map employees;
	struct map copies, shifts;	 /* custody.h */
	struct journal_position journal; /* R125 */
};

struct invitation_fact {
	struct slice principal;
	uint64_t expires_ms;
	bool is_open; /* not used yet */
};

struct visit_fact {
	uint32_t store;
	int32_t day; /* of the latest receipt there */
	struct visit_fact *next;
};

struct consent_fact {
	const char *purpose;
	uint32_t status;
	struct consent_fact *next;
};

struct customer_fact {
	struct slice pseudonym;
	uint32_t version; /* latest; 0: a pseudonym that was named but never registered */
	bool is_restricted;
	struct history history;
	struct visit_fact *visits;
	struct consent_fact *consents;
	struct change_fact *changes; /* of values, newest first (meeting.h) */
	uint64_t erased_ms;	     /* 0: not; then nothing above but pseudonym and version is known (erasure.h) */
	uint32_t erased_epoch;	     /* newest one of the master key then */
	struct received_fact *received;
};

/* An incident or a data subject's request. */
struct notice_fact {
	struct slice key; /* u32 store, id */
};

struct receipt_fact {
	struct slice id;
	const struct customer_fact *customer;
	uint32_t store;
	int32_t day;
};

struct import_fact {
	struct slice import;
	uint64_t rows;
	bool is_done;
};

/* Customers of one grant on one day; the same key with a pseudonym behind it says that this one is counted. */
struct use_fact {
	struct slice key;
	uint32_t customers;
};

struct state {
	const struct mirror *mirror;
	struct findings *findings;
	struct arena *arena;
	struct public_key controller;
	const struct charter *charter;	/* in force; NULL before the first entry */
	const struct paper_text *trust; /* in force; NULL before the first version */
	uint32_t epoch;			/* of the master key, as far as the log tells; 0: not yet */
	bool is_rewrapping;		/* an epoch was begun and the older ones not ended yet */
	struct principals principals;
	struct map papers, stores, invitations, customers, receipts, imports, uses, deliveries, notices;
	struct chronicle chronicle; /* of the entries before this one */
};

/* One operation of an entry. */
struct step {
	uint64_t index, time_ms;
	size_t number; /* of the operation in the entry, from 0 */
	const struct entry *entry;
	const Kluis__Operation *operation;
	const Kluis__Result *result;
	const struct operation_row *row;
	struct store_fact *store; /* acting; NULL: no store, or one that was never opened */
};

/* mirror, findings and arena must live as long. */
void state_init(struct state *state, const struct mirror *mirror, const struct public_key *controller,
		struct findings *findings, struct arena *arena);
void state_fini(struct state *state);

/* Takes what the result says was done: nothing if it was refused. What papers do not hold is a finding. ERR_MEMORY. */
enum err state_apply(struct state *state, const struct step *step) MUST_USE;

/* Finders; NULL when the log has not told of it. */
struct store_fact *state_store(const struct state *state, uint32_t number);
struct customer_fact *state_customer(const struct state *state, struct slice pseudonym);
struct paper_text *state_paper(const struct state *state, struct slice hash);
const struct notice_fact *state_notice(const struct state *state, uint32_t store, struct slice id);
const struct employee_fact *state_employee(const struct store_fact *store, struct slice pseudonym);
const struct visit_fact *customer_visit_at(const struct customer_fact *customer, uint32_t store);
struct consent_fact *customer_consent_to(const struct customer_fact *customer, struct slice purpose);
bool consent_status_is_valid(uint32_t status);

/* Per-day use (R91). */
struct use_facts state_use(const struct state *state, const struct agreement *agreement, uint32_t grant,
			   uint64_t time_s, struct slice pseudonym);
enum err state_count_use(struct state *state, const struct agreement *agreement, uint32_t grant, uint64_t time_s,
			 struct slice pseudonym) MUST_USE;

enum err state_take_notice(struct state *state, uint32_t store, struct slice id) MUST_USE;

/* The UTC day of a time. */
int32_t day_of_ms(uint64_t time_ms);

/* A finding about one operation: "entry 12 (...): operation 0 (lookup): ...". */
void finding_add_step(struct findings *findings, const struct step *step, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
