/*
 * A broker of the real programs in a scratch folder, served on a free port, and stores that join it by the real
 * agent: for tests of commands, which say what a person would type.
 *
 *     headquarters_begin(&here);
 *     assert_int_equal(RUN(&here, BROKER, NULL, "store", "open", "12", "Zeist", "NL"), 0);
 *     assert_string_equal(here.last.out, "...");
 *     headquarters_end(&here);
 */
#ifndef TEST_HEADQUARTERS_H
#define TEST_HEADQUARTERS_H

#include <stdbool.h>

#include "child.h"
#include "scratch.h"

#define HEADQUARTERS_PATH_MAX (SCRATCH_MAX + 64)

struct headquarters {
	char folder[SCRATCH_MAX];
	char broker[HEADQUARTERS_PATH_MAX]; /* the broker's folder */
	char listen[64];
	struct child serve; /* pid 0: not served */
	struct child last;  /* what ran last */
};

/* Which program, on which folder. */
#define BROKER (-1)	     /* kluis-broker --data <broker> */
#define AGENT(store) (store) /* kluis-agent --data <folder>/store-<store> */

/* Makes a broker of the minimal charter and serves it. */
void headquarters_begin(struct headquarters *hq);
/* The same without a broker: only a folder, and an address to listen on. */
void headquarters_begin_empty(struct headquarters *hq);
void headquarters_end(struct headquarters *hq);
void headquarters_serve(struct headquarters *hq);
/* SIGTERM; its exit status. */
int headquarters_stop(struct headquarters *hq);

/* Runs a command to its end; the exit status. */
int headquarters_run(struct headquarters *hq, int who, const char *input, const char *const *words);
#define RUN(here, who, input, ...) headquarters_run(here, who, input, (const char *const[]){__VA_ARGS__, NULL})
/* The path of a name in the scratch folder; of the caller until the tenth call after. */
const char *headquarters_path(const struct headquarters *hq, const char *name);
/* Writes a file there and gives its path. */
const char *headquarters_file(const struct headquarters *hq, const char *name, const char *text);

/* Whether the broker's folder has a file of that name. */
bool headquarters_has(const struct headquarters *hq, const char *name);
/* Mode of a file in the scratch folder; 0: there is none. */
unsigned headquarters_mode(const struct headquarters *hq, const char *name);

/* Opens the store, drafts and signs its agreement (a grant "till" for service, all customers, and a copy), invites it,
 * lets it join and sign. Ends the program if anything fails. */
void headquarters_store(struct headquarters *hq, int store);
/* A broker with store 12, an employee "till-1" there, and two customers: card 4711, Anna Smith, 0612345678; card 4712,
 * Bert, without a phone. */
void headquarters_begin_shop(struct headquarters *hq);
#define TILL "--purpose", "service", "--employee", "till-1"
/* The steps of headquarters_store: */
void headquarters_offer(struct headquarters *hq, int store);		 /* open, draft, sign */
const char *headquarters_template(struct headquarters *hq);		 /* path of an agreement's template */
const char *headquarters_invitation(struct headquarters *hq, int store); /* path of a new one */

/* The one of a test program, and what cmocka calls for it. */
extern struct headquarters here;
int headquarters_set_up(void **state);
int headquarters_set_up_shop(void **state);
int headquarters_tear_down(void **state);

#endif
