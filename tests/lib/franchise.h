/*
 * A whole franchise for tests: a broker's core on a scratch store, head office
 * with its charter, stores that have joined under agreements, each sending
 * signed envelopes through core_prepare and core_commit as the daemon does.
 *
 *     struct franchise *formula = franchise_new(NULL);
 *     struct party *store = franchise_store(formula, 12, GRANT_SERVICE);
 *     answer = franchise_one(formula, store, action_lookup(formula, "service", "1=4711"));
 *
 * Everything that is sent or opened lives in the formula's arena. Whatever should never happen in a
 * test ends the program with a message.
 */
#ifndef TEST_FRANCHISE_H
#define TEST_FRANCHISE_H

#include "core/core.h"
#include "core/tables.h"
#include "kluis/agreement.h"
#include "kluis/entry.h"
#include "scratch.h"

#define FRANCHISE_ORIGIN "minimal.example/kluis"
#define FRANCHISE_STORES 8
#define FRANCHISE_DAY 20777 /* 2026-11-20, a Friday: the day on which a franchise begins, at 12:00 UTC */
#define DAY_MS UINT64_C(86400000)

/* One who sends requests, on one lane. */
struct party {
	struct secret_key key;
	uint32_t store; /* of a store */
	uint32_t lane;
	uint64_t sequence; /* last used */
	bool has_acknowledgement;
	uint64_t index; /* of the last entry received */
	struct hash leaf;
	bool has_agreement;
	uint8_t agreement[HASH_SIZE]; /* named in requests */
	bool has_employee;
	uint8_t employee[PSEUDONYM_SIZE];
	struct slice last; /* the last message, for sending it again */
};

struct franchise {
	char folder[SCRATCH_MAX];
	struct store *store;
	struct core *core;
	struct core_keys keys;
	struct secret_key log;
	uint8_t master[KEY_SIZE];
	struct arena arena;
	uint64_t now_ms;
	const char *charter_text;
	struct charter charter;
	struct party office;
	struct party stores[FRANCHISE_STORES];
	size_t store_count;
	uint32_t drawn; /* pseudonyms so far */
};

/* The charter of broker/examples/minimal, with everything a test may want to change in it. */
const char *franchise_charter_text(struct arena *arena);

/* A broker whose log begins with the charter (NULL: franchise_charter_text). */
struct franchise *franchise_new(const char *charter_text);
void franchise_free(struct franchise **formula);
/* Closes the core and opens it again on the same store, as after a restart. */
void franchise_restart(struct franchise *formula);
/* A later charter, by head office; franchise->charter is then that one. */
void franchise_charter(struct franchise *formula, const char *text);

/* Opens a store, lets it join, gives it an agreement with these grants in force from 2026-01-01 to 2028-01-01 and an
 * employee of role cashier, whom its requests name. grants NULL: no agreement. */
struct party *franchise_store(struct franchise *formula, uint32_t number, const char *grants);
/* The text of such an agreement. supersedes: hash or NULL. */
const char *franchise_agreement(struct franchise *formula, uint32_t number, const char *grants,
				const uint8_t *supersedes);
/* Draft, offer and accept by both; the store's requests name it from then on. */
void franchise_agree(struct franchise *formula, struct party *store, const char *text);
/* Another employee of the store, in this role; the store's requests name them from then on. */
void franchise_employ(struct franchise *formula, struct party *store, const char *role);

/* Grants for tests, each allows all day. */
#define GRANT_REST                                                                                                     \
	"staff = cashier, manager\nhours = mon-sun 00:00-24:00 Europe/Amsterdam\nlease = 72h\nterritory = EEA\n"
#define GRANT_SERVICE                                                                                                  \
	"[grant service]\npurpose = service\noperations = lookup, sync, receipt, register, update, consent\n"          \
	"customers = visited\nfields = card, name, phone\nmasks = phone:last4\n" GRANT_REST
#define GRANT_ALL                                                                                                      \
	"[grant everybody]\npurpose = service\noperations = lookup, sync, receipt, register, update, consent\n"        \
	"customers = all\nfields = card, name, phone, email\n" GRANT_REST

/* ---- what can be asked ---- */

struct action {
	Kluis__Operation *operation;
	Kluis__Part *part; /* NULL: none */
	struct slice paper;
};

/* A new pseudonym, the same ones in every run; 16 bytes. */
struct slice franchise_draw(struct franchise *formula);

/* purpose NULL: none. values as "1=4711|2=Anna Smith". */
struct action action_lookup(struct franchise *formula, const char *purpose, const char *value);
struct action action_sync(struct franchise *formula, const char *purpose, uint64_t cursor, uint32_t count);
struct action action_registration(struct franchise *formula, const char *purpose, struct slice customer,
				  const char *values);
/* For contents that no other function makes: part and commitment of the operation anew. */
void action_content(struct franchise *formula, struct action *action, const ProtobufCMessage *content,
		    ProtobufCBinaryData *ret_commitment);
/* Adds to a registration. */
void registration_at(struct action *action, uint32_t store, int32_t day);
void registration_consent(struct franchise *formula, struct action *action, const char *purpose, uint32_t status);
struct action action_update(struct franchise *formula, const char *purpose, struct slice customer, const char *values);
struct action action_consent(struct franchise *formula, const char *purpose, struct slice customer, const char *about,
			     uint32_t status);
struct action action_restriction(struct franchise *formula, struct slice customer, bool is_restricted);
/* A receipt of one line; customer 16 bytes, or empty and found by value as in a lookup. */
struct action action_receipt(struct franchise *formula, const char *purpose, struct slice id, uint32_t store,
			     int32_t day, struct slice customer, const char *value);
struct action action_totals(struct franchise *formula, struct slice after, uint32_t count);
struct action action_standing(struct franchise *formula, uint32_t store, uint32_t what);

/* ---- asking ---- */

struct answer {
	const Kluis__Reply *reply;
	bool has_entry; /* then entry is checked against what was sent (reply_check) */
	struct entry entry;
	const Kluis__Result *result; /* the first one; NULL without entry or if the whole request was refused */
	enum err code;		     /* of the first result, else of the entry, else of the reply */
};

/* The signed envelope of actions, not sent; it takes the party's next number. */
struct slice franchise_message(struct franchise *formula, struct party *party, const struct action *actions,
			       size_t count);
/* What the core answered to a message, opened and checked; the party acknowledges it from then on. */
struct answer franchise_answer(struct franchise *formula, struct party *party, struct slice message,
			       struct slice reply);
/* Sends actions in one envelope. */
struct answer franchise_send(struct franchise *formula, struct party *party, const struct action *actions,
			     size_t count);
struct answer franchise_one(struct franchise *formula, struct party *party, struct action action);
/* Sends the party's last message again. */
struct answer franchise_resend(struct franchise *formula, struct party *party);
/* As franchise_one; ends the program unless the result is ERR_OK. */
struct answer franchise_must(struct franchise *formula, struct party *party, struct action action);

/* What the i-th part of an answer holds, as "1=4711|2=Anna": "" for no values, NULL for no such part. */
const char *answer_values(struct franchise *formula, const struct answer *answer, size_t i);
/* Head office registers a customer; the pseudonym. */
struct slice franchise_customer(struct franchise *formula, const char *values);
/* The same with a receipt in the store on FRANCHISE_DAY. */
struct slice franchise_visitor(struct franchise *formula, const struct party *store, const char *values);
/* Head office's receipt in a store, under a new id; ends the program unless it is taken. */
void franchise_visit(struct franchise *formula, uint32_t store, int32_t day, struct slice customer);

#endif
