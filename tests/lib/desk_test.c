#include "desk_test.h"

#include <stdio.h>
#include <stdlib.h>

#include "kluis/keys.h"

static void fail(const char *what)
{
	fprintf(stderr, "desk test: %s\n", what);
	abort();
}

static void sign_in(struct desk_test *test, const char *handle, uint8_t *ret_token)
{
	char role[NAME_MAX_ + 1];

	if (desk_open(test->fake.desk, handle, slice_text(FAKE_CLERK_PIN), ret_token, role, NULL) != ERR_OK)
		fail("sign in");
}

void desk_test_begin(struct desk_test *test)
{
	if (keys_init() != ERR_OK)
		fail("libsodium");
	fake_shop_begin(&test->fake);
	arena_init(&test->arena, 1 << 22);
	sign_in(test, "anna", test->anna);
	sign_in(test, "bea", test->bea);
	fake_shop_row(&test->fake, 1, "4711", "Ann Smith", "0612345678")->email = "ann@example.org";
	fake_shop_row(&test->fake, 2, "4712", "Bob Jones", NULL);
	fake_shop_row(&test->fake, 3, "4713", "Cas Bakker", "0687654321");
}

void desk_test_end(struct desk_test *test)
{
	arena_fini(&test->arena);
	fake_shop_end(&test->fake);
}

const struct fake_item *desk_test_item(const struct desk_test *test)
{
	if (test->fake.item_count == 0)
		fail("nothing in the outbox");
	return &test->fake.items[test->fake.item_count - 1];
}

/* ---- for cmocka ---- */

struct desk_test desk_test;

int desk_test_set_up(void **state)
{
	(void)state;
	desk_test_begin(&desk_test);
	return 0;
}

int desk_test_tear_down(void **state)
{
	(void)state;
	desk_test_end(&desk_test);
	return 0;
}
