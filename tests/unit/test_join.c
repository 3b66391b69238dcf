/* kluis-agent join and agreement show, sign, by the programs themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "headquarters.h"

static int join(int store, const char *invitation)
{
	return RUN(&here, AGENT(store), NULL, "join", invitation);
}

static void open_store(const char *number)
{
	assert_int_equal(RUN(&here, BROKER, NULL, "store", "open", number, "Zeist", "NL"), 0);
}

static void test_join_once(void **state)
{
	(void)state;
	open_store("12");
	const char *invitation = headquarters_invitation(&here, 12);
	assert_int_equal(join(12, invitation), 0);
	assert_non_null(strstr(here.last.out, "joined as minimal.example/kluis/store/12; head office's key has id "));
	assert_int_equal(headquarters_mode(&here, "store-12"), 0700);
	assert_int_equal(headquarters_mode(&here, "store-12/store.key"), 0600);
	assert_int_equal(headquarters_mode(&here, "store-12/seal.key"), 0600);
	assert_int_equal(join(12, invitation), 3);
	assert_non_null(strstr(here.last.err, "has joined already"));
	/* the code is used up for anybody else too */
	assert_int_equal(join(13, invitation), 3);
	assert_non_null(strstr(here.last.err, "invitation code wrong, used or expired"));
	/* but that folder may try again, with an invitation that is good */
	assert_int_equal(join(13, headquarters_invitation(&here, 12)), 0);
}

static void test_join_with_a_spoilt_invitation(void **state)
{
	static char text[CHILD_TEXT_MAX];

	(void)state;
	open_store("12");
	const char *invitation = headquarters_invitation(&here, 12);
	FILE *file = fopen(invitation, "r");
	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	char *expires = strstr(text, "expires");
	assert_non_null(expires);
	expires = strstr(expires, "20");
	expires[2] = '9'; /* 209x */
	assert_int_equal(join(12, headquarters_file(&here, "spoilt", text)), 4);
	assert_int_equal(headquarters_mode(&here, "store-12"), 0);
	assert_int_equal(join(12, headquarters_path(&here, "nothing")), 3);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "join"), 2);
	assert_int_equal(headquarters_mode(&here, "store-12"), 0);
}

/* What the agent made before the broker could be reached is used when it can be. */
static void test_join_when_the_broker_is_away(void **state)
{
	static char key[1000], again[1000];

	(void)state;
	open_store("12");
	const char *invitation = headquarters_invitation(&here, 12);
	headquarters_stop(&here);
	assert_int_equal(join(12, invitation), 1);
	FILE *file = fopen(headquarters_path(&here, "store-12/store.key"), "r");
	assert_non_null(file);
	assert_non_null(fgets(key, sizeof(key), file));
	fclose(file);
	headquarters_serve(&here);
	assert_int_equal(join(12, invitation), 0);
	file = fopen(headquarters_path(&here, "store-12/store.key"), "r");
	assert_non_null(fgets(again, sizeof(again), file));
	fclose(file);
	assert_string_equal(key, again);
}

static void test_sign_what_is_offered(void **state)
{
	(void)state;
	open_store("12");
	assert_int_equal(join(12, headquarters_invitation(&here, 12)), 0);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "agreement", "show"), 3);
	assert_non_null(strstr(here.last.err, "has offered no agreement"));
	assert_int_equal(RUN(&here, AGENT(12), NULL, "agreement", "sign", "--yes"), 3);
	headquarters_offer(&here, 12);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "agreement", "show"), 0);
	assert_non_null(strstr(here.last.out, "; offered since"));
	assert_int_equal(RUN(&here, AGENT(12), NULL, "agreement", "sign"), 2); /* nobody watches */
	assert_non_null(strstr(here.last.err, "then give --yes"));
	assert_int_equal(RUN(&here, AGENT(12), NULL, "agreement", "sign", "--yes"), 0);
	assert_non_null(strstr(here.last.out, "service-at-till: for service, customers all, 3 fields"));
	/* again: it is active, and fetched if it was lost */
	assert_int_equal(unlink(headquarters_path(&here, "store-12/agreement.note")), 0);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "agreement", "sign", "--yes"), 0);
	assert_non_null(strstr(here.last.out, "is signed and active"));
	assert_int_equal(RUN(&here, AGENT(12), NULL, "status"), 0);
	assert_null(strstr(here.last.out, "no agreement"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, headquarters_set_up, headquarters_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_join_once),
		TEST(test_join_with_a_spoilt_invitation),
		TEST(test_join_when_the_broker_is_away),

		TEST(test_sign_what_is_offered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
