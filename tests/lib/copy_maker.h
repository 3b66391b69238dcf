/*
 * A store's copy for tests: its store in a folder, keys on a shelf, and pages as a broker would give them.
 */
#ifndef TEST_COPY_MAKER_H
#define TEST_COPY_MAKER_H

#include "key_shelf.h"
#include "replica.h"
#include "scratch.h"

#define COPY_HANDLES_MAX 4

struct copy_maker {
	char folder[SCRATCH_MAX], path[SCRATCH_MAX + 8];
	uint8_t key[KEY_SIZE], handle_key[KEY_SIZE], agreement[HASH_SIZE];
	struct key_shelf shelf;
	struct store *store;
	struct replica replica;
	uint64_t cursor; /* of the next page */
};

/* With no lease and nothing in it. Ends the program if that fails. */
void copy_maker_begin(struct copy_maker *copies);
void copy_maker_end(struct copy_maker *copies);
void copy_maker_reopen(struct copy_maker *copies);

/* Until 2000, by an entry of 1000. */
void copy_maker_lease(struct copy_maker *copies, const char *purpose);
/* A page with customers first to last (a pseudonym begins with the number), version given, each with field 1
 * = "card <n>" and field 3 = "phone <n / 2>" and their handles. version 0: tombstones, COPY_ERASED: of who was erased.
 */
#define COPY_ERASED UINT32_MAX
enum err copy_maker_page(struct copy_maker *copies, const char *purpose, unsigned first, unsigned last,
			 uint32_t version);
/* By field 1 or 3 and its value. */
enum err copy_maker_find(struct copy_maker *copies, const char *purpose, uint8_t field, const char *value,
			 unsigned *ret_customer);
/* Rows of a table. */
uint64_t copy_maker_rows(struct copy_maker *copies, enum replica_table table);

/* The one of a test program, and what cmocka calls for it. */
extern struct copy_maker maker;
int copy_maker_set_up(void **state);
int copy_maker_tear_down(void **state);

#endif
