/* Sessions: who is in, for how long, and out at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake_shop.h"
#include "kluis/keys.h"

static struct fake_shop fake;
static uint8_t token[DESK_TOKEN_SIZE];
static struct fault fault;

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(keys_init(), ERR_OK);
	fake_shop_begin(&fake);
	fake_shop_row(&fake, 1, "4711", "Ann Smith", "0612345678");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_shop_end(&fake);
	return 0;
}

static enum err sign_in(const char *handle, const char *pin)
{
	char role[NAME_MAX_ + 1] = "";

	fault.text[0] = '\0';
	enum err err = desk_open(fake.desk, handle, slice_text(pin), token, role, &fault);
	if (err == ERR_OK)
		assert_string_equal(role, handle[0] == 'b' ? "manager" : "cashier");
	return err;
}

static enum err use(const uint8_t *of)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct desk_member member;

	arena_init(&arena, 1 << 20);
	fault.text[0] = '\0';
	return desk_lookup(fake.desk, SLICE(of, DESK_TOKEN_SIZE), "service", "card", "4711", &arena, &member, &fault);
}

static void test_in_and_out(void **state)
{
	uint8_t first[DESK_TOKEN_SIZE];

	(void)state;
	assert_int_equal(sign_in("anna", FAKE_CLERK_PIN), ERR_OK);
	memcpy(first, token, sizeof first);
	assert_int_equal(sign_in("anna", FAKE_CLERK_PIN), ERR_OK);
	assert_memory_not_equal(first, token, sizeof first);
	assert_int_equal(use(first), ERR_OK);
	assert_int_equal(use(token), ERR_OK);
	assert_int_equal(desk_close(fake.desk, SLICE_ARRAY(first)), ERR_OK);
	assert_int_equal(desk_close(fake.desk, SLICE_ARRAY(first)), ERR_PRINCIPAL);
	assert_int_equal(use(first), ERR_PRINCIPAL);
	assert_int_equal(use(token), ERR_OK);
}

static void test_who_is_not_let_in(void **state)
{
	(void)state;
	assert_int_equal(sign_in("anna", "0815"), ERR_FORBIDDEN);
	assert_non_null(strstr(fault.text, "name or PIN is wrong"));
	struct fault unknown = {""};
	char role[NAME_MAX_ + 1];
	assert_int_equal(desk_open(fake.desk, "zoe", slice_text("0815"), token, role, &unknown), ERR_FORBIDDEN);
	assert_string_equal(unknown.text, fault.text);
	assert_int_equal(sign_in("anna", "0815"), ERR_FORBIDDEN);
	assert_int_equal(sign_in("anna", "0815"), ERR_FORBIDDEN);
	assert_int_equal(sign_in("anna", FAKE_CLERK_PIN), ERR_BUSY);
	assert_non_null(strstr(fault.text, "wait 30 s"));
	fake.now_ms += 30000;
	assert_int_equal(sign_in("anna", FAKE_CLERK_PIN), ERR_OK);
}

static void test_tokens_that_are_none(void **state)
{
	uint8_t other[DESK_TOKEN_SIZE + 1] = {0};
	struct arena arena CLEANUP(arena_fini) = {0};
	struct desk_member member;

	(void)state;
	arena_init(&arena, 1 << 20);
	assert_int_equal(use(other), ERR_PRINCIPAL); /* a free place has zeros for a token */
	assert_int_equal(sign_in("anna", FAKE_CLERK_PIN), ERR_OK);
	memcpy(other, token, sizeof token);
	assert_int_equal(desk_lookup(fake.desk, SLICE_ARRAY(other), "service", "card", "4711", &arena, &member, &fault),
			 ERR_PRINCIPAL);
	assert_int_equal(desk_lookup(fake.desk, SLICE(token, DESK_TOKEN_SIZE - 1), "service", "card", "4711", &arena,
				     &member, &fault),
			 ERR_PRINCIPAL);
	assert_int_equal(desk_lookup(fake.desk, SLICE_EMPTY, "service", "card", "4711", &arena, &member, &fault),
			 ERR_PRINCIPAL);
	other[DESK_TOKEN_SIZE - 1] ^= 1;
	assert_int_equal(use(other), ERR_PRINCIPAL);
	assert_int_equal(fake.record_count, 0); /* nobody asked: there is no name for a record */
	assert_int_equal(use(token), ERR_OK);
}

static void test_ends_when_idle(void **state)
{
	(void)state;
	assert_int_equal(sign_in("anna", FAKE_CLERK_PIN), ERR_OK);
	fake.steady_ms += DESK_IDLE_MS;
	assert_int_equal(use(token), ERR_OK);
	fake.steady_ms += DESK_IDLE_MS; /* each request begins it anew */
	assert_int_equal(use(token), ERR_OK);
	fake.steady_ms += DESK_IDLE_MS + 1;
	assert_int_equal(use(token), ERR_PRINCIPAL);
	assert_non_null(strstr(fault.text, "15 minutes"));
	fake.steady_ms -= DESK_IDLE_MS + 1; /* it is gone, not asleep */
	assert_int_equal(use(token), ERR_PRINCIPAL);
}

static void test_ends_when_idle_as_long_as_it_was_told(void **state)
{
	(void)state;
	desk_set_idle(fake.desk, 2 * 60000);
	assert_int_equal(sign_in("anna", FAKE_CLERK_PIN), ERR_OK);
	fake.steady_ms += 2 * 60000;
	assert_int_equal(use(token), ERR_OK);
	fake.steady_ms += 2 * 60000 + 1;
	assert_int_equal(use(token), ERR_PRINCIPAL);
	assert_non_null(strstr(fault.text, "after 2 minutes"));
}

/* At the very next request, though nobody told the desk. */
static void test_removed_is_out_at_once(void **state)
{
	(void)state;
	assert_int_equal(sign_in("anna", FAKE_CLERK_PIN), ERR_OK);
	assert_int_equal(replica_remove_employee(&fake.shop.replica, "anna"), ERR_OK);
	assert_int_equal(use(token), ERR_PRINCIPAL);
	assert_non_null(strstr(fault.text, "the roster was changed"));
	/* who comes back comes back without this session */
	fake_shop_employ(&fake, "anna", "cashier");
	assert_int_equal(use(token), ERR_PRINCIPAL);
}

static void test_another_role_or_leaving_is_out_at_once(void **state)
{
	static const char *const roles[] = {"manager", ""};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		fake_shop_employ(&fake, "anna", "cashier");
		assert_int_equal(sign_in("anna", FAKE_CLERK_PIN), ERR_OK);
		fake_shop_employ(&fake, "anna", roles[i]);
		assert_int_equal(use(token), ERR_PRINCIPAL);
	}
}

static void test_somebody_else_under_the_handle(void **state)
{
	struct replica_employee other = {.handle = "anna", .role = "cashier", .pseudonym = {42}};

	(void)state;
	assert_int_equal(sign_in("anna", FAKE_CLERK_PIN), ERR_OK);
	assert_int_equal(replica_put_employee(&fake.shop.replica, &other), ERR_OK);
	assert_int_equal(use(token), ERR_PRINCIPAL);
}

static void test_roster_changed_ends_sessions_of_who_is_gone(void **state)
{
	uint8_t bea[DESK_TOKEN_SIZE];

	(void)state;
	assert_int_equal(sign_in("bea", FAKE_CLERK_PIN), ERR_OK);
	memcpy(bea, token, sizeof bea);
	assert_int_equal(sign_in("anna", FAKE_CLERK_PIN), ERR_OK);
	assert_int_equal(replica_remove_employee(&fake.shop.replica, "anna"), ERR_OK);
	desk_roster_changed(fake.desk);
	assert_int_equal(desk_close(fake.desk, SLICE_ARRAY(token)), ERR_PRINCIPAL);
	assert_int_equal(use(bea), ERR_OK);
}

static void test_the_longest_idle_one_makes_room(void **state)
{
	static uint8_t tokens[DESK_SESSIONS_MAX][DESK_TOKEN_SIZE];

	(void)state;
	for (size_t i = 0; i < DESK_SESSIONS_MAX; i++) {
		fake.steady_ms++;
		assert_int_equal(sign_in("anna", FAKE_CLERK_PIN), ERR_OK);
		memcpy(tokens[i], token, sizeof token);
	}
	fake.steady_ms++;
	assert_int_equal(use(tokens[0]), ERR_OK); /* now tokens[1] is */
	assert_int_equal(sign_in("anna", FAKE_CLERK_PIN), ERR_OK);
	assert_int_equal(use(tokens[1]), ERR_PRINCIPAL);
	assert_int_equal(use(tokens[0]), ERR_OK);
	assert_int_equal(use(tokens[DESK_SESSIONS_MAX - 1]), ERR_OK);
	assert_int_equal(use(token), ERR_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_in_and_out),
		TEST(test_who_is_not_let_in),
		TEST(test_tokens_that_are_none),
		TEST(test_ends_when_idle),
		TEST(test_ends_when_idle_as_long_as_it_was_told),
		TEST(test_removed_is_out_at_once),
		TEST(test_another_role_or_leaving_is_out_at_once),
		TEST(test_somebody_else_under_the_handle),
		TEST(test_roster_changed_ends_sessions_of_who_is_gone),
		TEST(test_the_longest_idle_one_makes_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
