/* kluis-broker init and serve, by the program itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "headquarters.h"

#define CHARTER TEST_SOURCE_ROOT "/broker/examples/minimal/charter.ini"

static int set_up(void **state)
{
	(void)state;
	headquarters_begin_empty(&here);
	return 0;
}

static unsigned mode_of(const char *name)
{
	char path[512];
	struct stat status;

	snprintf(path, sizeof(path), "%s/%s", here.broker, name);
	return stat(path, &status) == 0 ? status.st_mode & 07777 : 0;
}

static int init(const char *charter)
{
	return RUN(&here, BROKER, NULL, "init", "--charter", charter, "--listen", here.listen);
}

static void test_init_makes_a_private_folder(void **state)
{
	static const char *const secrets[] = {"controller.key", "log.key", "master.key", "tls.key", "broker.ini"};

	(void)state;
	assert_int_equal(init(CHARTER), 0);
	assert_non_null(strstr(here.last.out, "charter version 1 with 4 fields and 2 purposes is entry 0"));
	assert_int_equal(mode_of(""), 0700);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(mode_of(secrets[i]), 0600);
}

static void test_init_leaves_what_is_there(void **state)
{
	(void)state;
	assert_int_equal(init(CHARTER), 0);
	assert_int_equal(RUN(&here, BROKER, NULL, "keys"), 0);
	static char keys[CHILD_TEXT_MAX];
	snprintf(keys, sizeof(keys), "%s", here.last.out);
	assert_int_equal(init(CHARTER), 3);
	assert_non_null(strstr(here.last.err, "is there already and not empty; nothing was changed"));
	assert_int_equal(RUN(&here, BROKER, NULL, "keys"), 0);
	assert_string_equal(here.last.out, keys);
}

static void test_init_takes_an_empty_folder(void **state)
{
	(void)state;
	assert_int_equal(mkdir(here.broker, 0755), 0);
	assert_int_equal(init(CHARTER), 0);
	assert_int_equal(mode_of(""), 0700);
}

/* What fails leaves nothing behind. */
static void test_init_with_a_charter_that_is_none(void **state)
{
	(void)state;
	assert_int_equal(
		init(headquarters_file(&here, "bad.ini", "[formula]\norigin = minimal.example/kluis\nx = y\n")), 4);
	assert_non_null(strstr(here.last.err, "bad.ini:3"));
	assert_int_equal(init(headquarters_path(&here, "nothing.ini")), 3);
	assert_int_equal(RUN(&here, BROKER, NULL, "init"), 2);
	assert_non_null(strstr(here.last.err, "--charter FILE"));
	assert_int_equal(RUN(&here, BROKER, NULL, "init", "--charter", CHARTER, "--listen", "tcp://127.0.0.1:1"), 4);
	assert_non_null(strstr(here.last.err, "tls+tcp://host:port"));
	assert_int_equal(mode_of(""), 0);
	char command[600];
	snprintf(command, sizeof(command), "ls %s", here.folder);
	FILE *list = popen(command, "r");
	char line[100] = "";
	assert_non_null(fgets(line, sizeof(line), list));
	assert_string_equal(line, "bad.ini\n");
	assert_null(fgets(line, sizeof(line), list));
	pclose(list);
}

static void test_keys_need_no_broker(void **state)
{
	(void)state;
	assert_int_equal(RUN(&here, BROKER, NULL, "keys"), 3);
	assert_non_null(strstr(here.last.err, "kluis-broker init --data"));
	assert_int_equal(init(CHARTER), 0);
	assert_int_equal(RUN(&here, BROKER, NULL, "keys"), 0);
	assert_memory_equal(here.last.out, "minimal.example/kluis/log+", 26);
	assert_non_null(strstr(here.last.out, "\nminimal.example/kluis/controller+"));
	assert_int_equal(RUN(&here, BROKER, NULL, "keys", "--json"), 0);
	assert_non_null(strstr(here.last.out, "\"log\": \"minimal.example/kluis/log+"));
}

static void test_serve_until_it_is_told_to_stop(void **state)
{
	(void)state;
	assert_int_equal(init(CHARTER), 0);
	assert_int_equal(RUN(&here, BROKER, NULL, "store", "list"), 1);
	assert_non_null(strstr(here.last.err, "no broker answers"));
	headquarters_serve(&here);
	assert_non_null(strstr(here.serve.err, "1 entries in the log"));
	assert_int_equal(RUN(&here, BROKER, NULL, "store", "list"), 0);
	/* one at a time on a folder */
	assert_int_equal(RUN(&here, BROKER, NULL, "serve"), 1);
	assert_int_equal(headquarters_stop(&here), 0);
	assert_non_null(strstr(here.serve.err, "stopped, 2 entries in the log"));
	assert_int_equal(mode_of("control.sock"), 0);
}

static void test_serve_refuses_an_open_folder(void **state)
{
	(void)state;
	assert_int_equal(RUN(&here, BROKER, NULL, "serve"), 3);
	assert_int_equal(init(CHARTER), 0);
	assert_int_equal(chmod(here.broker, 0755), 0);
	assert_int_equal(RUN(&here, BROKER, NULL, "serve"), 1);
	assert_int_equal(chmod(here.broker, 0700), 0);
	char path[512];
	snprintf(path, sizeof(path), "%s/master.key", here.broker);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(RUN(&here, BROKER, NULL, "serve"), 1);
	assert_non_null(strstr(here.last.err, "master.key"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, headquarters_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_init_makes_a_private_folder),	 TEST(test_init_leaves_what_is_there),
		TEST(test_init_takes_an_empty_folder),	 TEST(test_init_with_a_charter_that_is_none),
		TEST(test_keys_need_no_broker),		 TEST(test_serve_until_it_is_told_to_stop),
		TEST(test_serve_refuses_an_open_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
