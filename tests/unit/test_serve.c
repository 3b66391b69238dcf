/* kluis-broker serve: one a folder, stopped by a signal or killed, told to the service manager. */
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "headquarters.h"

static bool has_socket(void)
{
	char path[HEADQUARTERS_PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/control.sock", here.broker);
	return access(path, F_OK) == 0;
}

static int open_store(const char *number)
{
	return RUN(&here, BROKER, NULL, "store", "open", number, "Zeist", "NL");
}

static void kill_broker(void)
{
	assert_int_equal(kill(here.serve.pid, SIGKILL), 0);
	assert_int_equal(headquarters_stop(&here), 128 + SIGKILL);
}

static void test_a_second_one_is_refused(void **state)
{
	(void)state;
	assert_int_equal(RUN(&here, BROKER, NULL, "serve"), 1);
	assert_non_null(strstr(here.last.err, "another broker serves '"));
	assert_non_null(strstr(here.last.err, here.broker));
	/* and the first one goes on, on both its ways in */
	assert_true(has_socket());
	assert_int_equal(open_store("12"), 0);
	const char *invitation = headquarters_invitation(&here, 12);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "join", invitation), 0);
}

static void test_signals_end_it_cleanly(void **state)
{
	static const int signals[] = {SIGTERM, SIGINT};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_true(has_socket());
		assert_int_equal(kill(here.serve.pid, signals[i]), 0);
		assert_int_equal(waitid(P_PID, (id_t)here.serve.pid, &(siginfo_t){0}, WEXITED | WNOWAIT), 0);
		assert_int_equal(headquarters_stop(&here), 0);
		assert_non_null(strstr(here.serve.err, "kluis-broker: stopped, 1 entries in the log\n"));
		assert_false(has_socket());
		headquarters_serve(&here);
	}
}

/* What was answered is there after a kill, and the socket that it left is no hindrance. */
static void test_after_a_kill(void **state)
{
	(void)state;
	assert_int_equal(open_store("12"), 0);
	assert_int_equal(open_store("13"), 0);
	kill_broker();
	assert_true(has_socket());
	assert_int_equal(RUN(&here, BROKER, NULL, "store", "list"), 1);
	assert_non_null(strstr(here.last.err, "start it with 'kluis-broker serve --data "));
	headquarters_serve(&here);
	assert_non_null(strstr(here.serve.err, ", 3 entries in the log\n"));
	assert_int_equal(RUN(&here, BROKER, NULL, "store", "list"), 0);
	assert_non_null(strstr(here.last.out, "\n   12  Zeist"));
	assert_non_null(strstr(here.last.out, "\n   13  Zeist"));
}

static void test_an_address_in_use(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	unsigned port;
	int one = 1;

	(void)state;
	assert_int_equal(headquarters_stop(&here), 0);
	assert_int_equal(sscanf(here.listen, "tls+tcp://127.0.0.1:%u", &port), 1);
	address.sin_port = htons((uint16_t)port);
	int other = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(setsockopt(other, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
	assert_int_equal(bind(other, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(other, 1), 0);
	assert_int_equal(RUN(&here, BROKER, NULL, "serve"), 1);
	assert_non_null(strstr(here.last.err, here.listen));
	assert_non_null(strstr(here.last.err, "in use"));
	assert_false(has_socket());
	close(other);
	headquarters_serve(&here);
}

static void test_a_folder_that_lacks_something(void **state)
{
	static const struct {
		const char *file, *text;
		int status;
	} rows[] = {
		{"tls.crt", NULL, 1},
		{"tls.crt", "x\n", 1},
		{"tls.key", NULL, 1},
		{"log.key", NULL, 3},
		{"log.key", "x\n", 4},
		{"master.key", NULL, 3},
		{"broker.ini", "[broker]\nlisten = here\n", 4},
	};
	char path[HEADQUARTERS_PATH_MAX + 16], kept[HEADQUARTERS_PATH_MAX + 16];

	(void)state;
	assert_int_equal(headquarters_stop(&here), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", here.broker, rows[i].file);
		snprintf(kept, sizeof(kept), "%s/kept", here.folder);
		assert_int_equal(rename(path, kept), 0);
		if (rows[i].text != NULL) {
			char name[32];
			snprintf(name, sizeof(name), "hq/%s", rows[i].file);
			assert_int_equal(chmod(headquarters_file(&here, name, rows[i].text), 0600), 0);
		}
		assert_int_equal(RUN(&here, BROKER, NULL, "serve"), rows[i].status);
		if (strstr(here.last.err, rows[i].file) == NULL)
			fail_msg("%s: %s", rows[i].file, here.last.err);
		assert_false(has_socket());
		assert_int_equal(rename(kept, path), 0);
	}
	headquarters_serve(&here);
}

/* sd_notify(3): ready only when it can be asked. */
static void test_the_service_manager_is_told(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char said[512];

	(void)state;
	assert_int_equal(headquarters_stop(&here), 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%.90s/notify", here.folder);
	int manager = socket(AF_UNIX, SOCK_DGRAM, 0);
	assert_int_equal(bind(manager, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", address.sun_path, 1), 0);
	headquarters_serve(&here);
	unsetenv("NOTIFY_SOCKET");
	ssize_t length = recv(manager, said, sizeof(said) - 1, 0);
	assert_true(length > 0);
	said[length] = '\0';
	assert_memory_equal(said, "READY=1\nSTATUS=serving on tls+tcp://", 36);
	assert_int_equal(headquarters_stop(&here), 0);
	length = recv(manager, said, sizeof(said) - 1, 0);
	assert_int_equal(length, 10);
	assert_memory_equal(said, "STOPPING=1", 10);
	close(manager);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, headquarters_set_up, headquarters_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_second_one_is_refused),
		TEST(test_signals_end_it_cleanly),
		TEST(test_after_a_kill),
		TEST(test_an_address_in_use),
		TEST(test_a_folder_that_lacks_something),
		TEST(test_the_service_manager_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
