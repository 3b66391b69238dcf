/*
 * What the desk's tests have in common: a fake shop in which anna (cashier) and bea (manager) are signed in, and three
 * members in its copy. Included once by a test program.
 */
#ifndef TEST_DESK_TEST_H
#define TEST_DESK_TEST_H

#include "fake_shop.h"

struct desk_test {
	struct fake_shop fake;
	struct arena arena;
	uint8_t anna[DESK_TOKEN_SIZE], bea[DESK_TOKEN_SIZE];
};

/* Members 1 (card 4711, Ann Smith, phone 0612345678, an e-mail address), 2 (4712, Bob Jones) and 3 (4713, Cas Bakker,
 * 0687654321), registered here. */
void desk_test_begin(struct desk_test *test);
void desk_test_end(struct desk_test *test);
/* The last item in the outbox; ends the program without one. */
const struct fake_item *desk_test_item(const struct desk_test *test);

/* The one of a test program, and what cmocka calls for it. */
extern struct desk_test desk_test;
int desk_test_set_up(void **state);
int desk_test_tear_down(void **state);

#endif
