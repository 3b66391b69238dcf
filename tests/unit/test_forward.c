/* Commands that ask the running daemon: how they find it, what they send, what they make of its answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "forward.h"
#include "kluis/file.h"
#include "scratch.h"
#include "till_test.h"
#include "web_server.h"

static struct till_server *server;
static char folder[SCRATCH_MAX];
static int daemons_lock;
static struct fault fault;

static void write_file(const char *name, const char *text)
{
	char path[SCRATCH_MAX + 32];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	assert_int_equal(file_write(path, slice_text(text), 0600, NULL), ERR_OK);
}

static void write_port(unsigned port)
{
	char text[32];

	snprintf(text, sizeof text, "127.0.0.1 %u\n", port);
	write_file("till.port", text);
}

static void take_lock(void)
{
	char path[SCRATCH_MAX + 32];

	snprintf(path, sizeof path, "%s/lock", folder);
	assert_int_equal(file_lock(path, &daemons_lock, NULL), ERR_OK);
}

static int set_up(void **state)
{
	(void)state;
	till_test_begin(&till_test);
	assert_int_equal(till_server_open(&till_test.options, &server, NULL), ERR_OK);
	scratch_new(folder);
	write_port(till_server_port(server));
	write_file("admin.token", TILL_TEST_ADMIN);
	take_lock();
	fault.text[0] = '\0';
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (daemons_lock >= 0)
		file_unlock(&daemons_lock);
	scratch_remove(folder);
	till_server_close(&server);
	till_test_end(&till_test);
	return 0;
}

/* A call whose body is looked at again afterwards: it was stolen. */
static enum err call(const char *name, json_t *body, json_t **ret_answer)
{
	json_t *kept = json_incref(body);

	fault.text[0] = '\0';
	enum err err = forward_call(folder, name, body, ret_answer, &fault);
	assert_true(kept == NULL || kept->refcount == 1);
	json_decref(kept);
	return err;
}

static enum err quiet(void)
{
	return call("quiet", NULL, NULL);
}

/* ---- whether one runs ---- */

static void test_what_runs(void **state)
{
	char path[SCRATCH_MAX + 32];

	(void)state;
	assert_true(forward_is_running(folder));
	/* killed: the files lie there, nobody holds the lock; looking does not keep it */
	file_unlock(&daemons_lock);
	assert_false(forward_is_running(folder));
	take_lock();
	/* another command has the lock and nobody answers */
	till_server_close(&server);
	assert_false(forward_is_running(folder));
	snprintf(path, sizeof path, "%s/till.port", folder);
	assert_int_equal(unlink(path), 0);
	assert_false(forward_is_running(folder));
	assert_false(forward_is_running("/nowhere"));
}

static void test_status(void **state)
{
	json_t *status = NULL;

	(void)state;
	assert_int_equal(forward_status(folder, &status, &fault), ERR_OK);
	assert_true(json_is_true(json_object_get(status, "running")));
	json_decref(status);
}

/* ---- by the folder's token ---- */

static void test_call(void **state)
{
	json_t *answer = NULL;

	(void)state;
	assert_int_equal(call("echo", json_pack("{s:s}", "text", "hallo"), &answer), ERR_OK);
	assert_string_equal(json_string_value(json_object_get(answer, "text")), "hallo");
	json_decref(answer);
	answer = NULL;
	assert_int_equal(call("echo", json_pack("{s:s}", "text", "hallo"), NULL), ERR_OK);
	assert_int_equal(call("quiet", NULL, &answer), ERR_OK);
	assert_null(answer);
}

/* The daemon's code and its text. */
static void test_call_that_is_refused(void **state)
{
	json_t *answer = NULL;

	(void)state;
	assert_int_equal(call("echo", NULL, &answer), ERR_INPUT);
	assert_string_equal(fault.text, "'text' is missing");
	assert_int_equal(call("no/such", json_object(), &answer), ERR_NOT_FOUND);
	write_file("admin.token", "00");
	assert_int_equal(call("echo", json_pack("{s:s}", "text", "x"), &answer), ERR_PRINCIPAL);
	assert_null(answer);
}

static void test_files_that_are_not_the_daemons(void **state)
{
	static const char *const damaged[] = {
		"",	      "127.0.0.1",	 "127.0.0.1 ",	     "127.0.0.1 0",
		"7411 ::1 x", "127.0.0.1 65536", "127.0.0.1 7411 7", "127.0.0.1 -1",
	};
	char path[SCRATCH_MAX + 32], text[128];

	(void)state;
	for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
		write_file("till.port", damaged[i]);
		assert_int_equal(quiet(), ERR_CORRUPT);
		assert_non_null(strstr(fault.text, "till.port' is damaged"));
	}
	memset(text, '1', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	write_file("till.port", text);
	assert_int_equal(quiet(), ERR_TOO_LARGE);
	write_port(till_server_port(server));
	assert_int_equal(quiet(), ERR_OK);
	write_file("admin.token", text);
	assert_int_equal(quiet(), ERR_TOO_LARGE);
	write_file("admin.token", TILL_TEST_ADMIN);
	snprintf(path, sizeof path, "%s/admin.token", folder);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(quiet(), ERR_MODE);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(quiet(), ERR_NOT_FOUND);
	assert_int_equal(call("quiet", json_object(), NULL), ERR_NOT_FOUND);
}

/* ---- as an employee ---- */

static enum err look_up(const char *pin, json_t *body, json_t **ret_answer)
{
	struct forward_employee anna = {.handle = "anna", .pin = pin};
	json_t *kept = json_incref(body);

	fault.text[0] = '\0';
	enum err err = forward_as(folder, anna, "/v1/members/lookup", body, ret_answer, &fault);
	assert_true(kept == NULL || kept->refcount == 1);
	json_decref(kept);
	return err;
}

static json_t *by_card(const char *card)
{
	return json_pack("{s:s, s:s, s:s}", "purpose", "service", "field", "card", "value", card);
}

static void test_as_an_employee(void **state)
{
	json_t *member = NULL;

	(void)state;
	assert_int_equal(look_up(FAKE_CLERK_PIN, by_card("4711"), &member), ERR_OK);
	assert_string_equal(json_string_value(json_object_get(member, "source")), "copy");
	assert_int_equal(till_test.desk.fake.record_count, 1);
	json_decref(member);
	member = NULL;
	assert_int_equal(look_up("9999", by_card("4711"), &member), ERR_FORBIDDEN);
	assert_int_equal(look_up("\xff\xfe", by_card("4711"), &member), ERR_INPUT);
	assert_int_equal(look_up(FAKE_CLERK_PIN, json_object(), &member), ERR_INPUT);
	assert_int_equal(look_up(FAKE_CLERK_PIN, NULL, &member), ERR_MEMORY);
	assert_null(member);
}

/* ---- somebody else who answers there ---- */

struct canned {
	const char *status, *body;
	enum err err; /* that the command comes to */
};

/* Whoever does not send the folder's token is told another thing. */
static const char *stranger(void *context, const char *request, unsigned number)
{
	static char answer[512];
	const struct canned *canned = *(const struct canned **)context;
	bool has_token = strstr(request, "Bearer " TILL_TEST_ADMIN) != NULL;
	const char *body = has_token || strstr(request, "/admin/") == NULL ? canned->body : "{\"error\": \"memory\"}";

	(void)number;
	snprintf(answer, sizeof answer,
		 "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nConnection: "
		 "close\r\n\r\n%s",
		 canned->status, strlen(body), body);
	return answer;
}

static void test_answers_of_a_stranger(void **state)
{
	static const struct canned rows[] = {
		{"200 OK", "{}", ERR_OK},
		{"403 no", "{\"error\": \"forbidden\", \"text\": \"no\"}", ERR_FORBIDDEN},
		{"403 no", "{\"error\": \"ok\", \"text\": \"no\"}", ERR_STATE},
		{"403 no", "{\"error\": \"whatever\"}", ERR_STATE},
		{"403 no", "{\"error\": 7, \"text\": 7}", ERR_STATE},
		{"403 no", "{}", ERR_STATE},
		{"200 OK", "[]", ERR_INPUT},
		{"200 OK", "hello", ERR_INPUT},
	};
	static struct web_server web;
	const struct canned *canned = &rows[0];

	(void)state;
	web.answer = stranger;
	web.context = &canned;
	web_server_start(&web);
	write_port(web.port);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		canned = &rows[i];
		assert_int_equal(quiet(), rows[i].err);
	}
	/* no token comes of signing in there */
	canned = &rows[0];
	assert_int_equal(look_up(FAKE_CLERK_PIN, by_card("4711"), NULL), ERR_INPUT);
	assert_string_equal(fault.text, "what answers there is not a kluis-agent");
	web_server_stop(&web);
	assert_int_equal(quiet(), ERR_NETWORK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_runs),
		TEST(test_status),
		TEST(test_call),
		TEST(test_call_that_is_refused),
		TEST(test_files_that_are_not_the_daemons),
		TEST(test_as_an_employee),
		TEST(test_answers_of_a_stranger),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
