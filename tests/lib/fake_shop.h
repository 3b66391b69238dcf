/*
 * A shop for tests of the desk: charter, agreement, roster and clock are real; copy, journal, outbox and broker
 * are here, and fail as they are told. Programs that use it are linked with --wrap for the calls that
 * it stands in for (tests/unit/tests.cmake), so that what the desk asks for comes here.
 *
 * Its agreement:
 *     grant till    service: lookup, receipt, register, update, consent; customers registered here; card, name and the
 *                   phone's last four digits; cashier, manager; mon-sat 07:00-22:00; two customers a day
 *     grant copy    service: sync; all customers; card, name, phone, email
 *     grant letters direct-marketing (by consent): lookup, register, update; all; card, name, email; manager
 *
 * Threads: as the real ones; what a test changes itself it changes under shop.lock.
 */
#ifndef TEST_FAKE_SHOP_H
#define TEST_FAKE_SHOP_H

#include "desk/desk.h"
#include "papers.h"
#include "scratch.h"

#define FAKE_ROWS 8
#define FAKE_RECORDS 256
#define FAKE_ITEMS 64
#define FAKE_CLERK_PIN "4711"

struct fake_row {
	uint8_t customer[PSEUDONYM_SIZE];
	const char *card, *name, *phone, *email; /* NULL: none */
	const char *lost_phone;			 /* superseded, NULL: none */
	bool is_registered_here;
	uint32_t version, grant;
	bool has_no_facts;
};

struct fake_record {
	struct journal_access access;
	char purpose[NAME_MAX_ + 1];
};

struct fake_item {
	uint64_t number;
	enum outbox_state state;
	Kluis__Operation *operation; /* in the fake's arena */
	Kluis__Part *part;
	uint8_t employee[PSEUDONYM_SIZE];
	bool has_employee;
	uint64_t time_ms;
};

struct fake_shop {
	char folder[SCRATCH_MAX];
	struct papers papers;
	struct shop shop;
	struct desk *desk;
	uint8_t key[KEY_SIZE];
	_Atomic uint64_t steady_ms;
	uint64_t now_ms; /* Friday 2026-11-20, 12:00 UTC at first */
	pthread_mutex_t mutex;
	/* copy */
	enum err copy_code; /* what shop_copy_is_open says */
	struct fake_row rows[FAKE_ROWS];
	size_t row_count;
	/* journal */
	enum err journal_code; /* of the next appends */
	enum err use_code;     /* of counting */
	_Atomic size_t record_count;
	struct fake_record records[FAKE_RECORDS]; /* the last ones */
	size_t elsewhere_count;
	struct journal_access elsewhere[FAKE_RECORDS]; /* counted without a record */
	/* outbox */
	enum err outbox_code;
	size_t item_count;
	struct fake_item items[FAKE_ITEMS];
	struct arena arena;
	/* broker: what it answers to a lookup */
	enum err line_code;
	unsigned line_calls;
	void (*line_meanwhile)(struct fake_shop *fake); /* happens while the broker is asked */
	Kluis__Result result;
	const Kluis__Part *part;
	Kluis__Value asked; /* the last question's, in the arena */
};

/* With anna (cashier) and bea (manager), who have the PIN FAKE_CLERK_PIN, and a desk. */
void fake_shop_begin(struct fake_shop *fake);
void fake_shop_end(struct fake_shop *fake);
/* Opens the desk anew, as after a restart. */
void fake_shop_restart(struct fake_shop *fake);
void fake_shop_employ(struct fake_shop *fake, const char *handle, const char *role);
/* Puts a customer into the copy, registered here, version 1; more may be set in what it gives. */
struct fake_row *fake_shop_row(struct fake_shop *fake, uint8_t customer, const char *card, const char *name,
			       const char *phone);
/* The last record; ends the program without one. */
const struct fake_record *fake_shop_record(const struct fake_shop *fake);
/* The broker answers with this customer, version 7, under a grant. values: "1=4711|2=Anna". */
void fake_shop_answer(struct fake_shop *fake, uint8_t customer, uint32_t grant, uint64_t fields, const char *values);
/* A part's content as "1=4711|2=Anna", in the fake's arena. */
const char *fake_shop_values(struct fake_shop *fake, const Kluis__Part *part);

#endif
