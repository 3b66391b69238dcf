/* What the daemon keeps in its folder, and what becomes of trust notes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fail.h"
#include "key_action.h"
#include "kluis/file.h"
#include "run/daemon_internal.h"
#include "store_agent.h"

static struct store_agent here;
static struct daemon *files;
static struct fault fault;

/* The agent's folder is the daemon's; its session stays with here. */
static int set_up(void **state)
{
	(void)state;
	store_agent_begin(&here, NULL);
	files = calloc(1, sizeof *files);
	assert_non_null(files);
	snprintf(files->folder, sizeof files->folder, "%s", here.folder);
	files->agent.membership = here.agent.membership;
	files->shop.number = 12;
	arena_init(&files->agent.arena, 16 * PAPER_MAX);
	pthread_mutex_init(&files->office.mutex, NULL);
	fault.text[0] = '\0';
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	pthread_mutex_destroy(&files->office.mutex);
	secret_key_fini(&files->witness);
	link_close(&files->link);
	arena_fini(&files->agent.arena);
	free(files);
	store_agent_end(&here);
	return 0;
}

static const char *path_of(const char *name)
{
	static char path[HOME_PATH_MAX];

	assert_int_equal(home_path(here.folder, name, path, NULL), ERR_OK);
	return path;
}

static bool is_written(const char *name, struct slice expected)
{
	struct bytes text CLEANUP(bytes_fini) = {0};

	bytes_init(&text, PAPER_MAX);
	return file_read_private(path_of(name), &text, NULL) == ERR_OK && slice_equal(bytes_slice(&text), expected);
}

/* ---- files ---- */

static void test_certificates(void **state)
{
	struct bytes pem CLEANUP(bytes_fini) = {0};

	(void)state;
	bytes_init(&pem, LINK_PEM_MAX);
	assert_int_equal(daemon_read_certificates(files, &pem, &fault), ERR_OK);
	assert_true(slice_equal(bytes_slice(&pem), SLICE("none\n", 6))); /* a C string */
	assert_int_equal(unlink(path_of("broker.crt")), 0);
	assert_int_equal(daemon_read_certificates(files, &pem, &fault), ERR_CERTIFICATE);
	assert_non_null(strstr(fault.text, "join again with a new invitation"));
}

static void test_witness_is_made_once(void **state)
{
	uint8_t first[KEY_SIZE];

	(void)state;
	assert_int_equal(daemon_open_witness(files, &fault), ERR_OK);
	assert_string_equal(files->witness.public.name, FRANCHISE_ORIGIN "/witness/store/12");
	memcpy(first, files->witness.public.key, KEY_SIZE);
	secret_key_fini(&files->witness);
	assert_int_equal(daemon_open_witness(files, &fault), ERR_OK);
	assert_memory_equal(files->witness.public.key, first, KEY_SIZE);
	secret_key_fini(&files->witness);
	/* one that cannot be read is not replaced: cosignatures were made by it */
	assert_int_equal(chmod(path_of("witness.key"), 0644), 0);
	assert_int_equal(daemon_open_witness(files, &fault), ERR_MODE);
	assert_non_null(strstr(fault.text, "witness.key"));
	assert_int_equal(chmod(path_of("witness.key"), 0600), 0);
	assert_int_equal(daemon_open_witness(files, &fault), ERR_OK);
	assert_memory_equal(files->witness.public.key, first, KEY_SIZE);
}

static void test_token(void **state)
{
	char first[ADMIN_TOKEN_SIZE];

	(void)state;
	assert_int_equal(daemon_make_token(files, &fault), ERR_OK);
	assert_int_equal(strlen(files->admin_token), 64);
	assert_int_equal(strspn(files->admin_token, "0123456789abcdef"), 64);
	assert_true(is_written("admin.token", slice_text(files->admin_token)));
	memcpy(first, files->admin_token, sizeof first);
	assert_int_equal(daemon_make_token(files, &fault), ERR_OK);
	assert_string_not_equal(files->admin_token, first);
	assert_true(is_written("admin.token", slice_text(files->admin_token)));
}

static void test_port(void **state)
{
	char expected[64];

	(void)state;
	store_agent_serve(&here);
	files->server = here.server;
	snprintf(files->config.till_address, sizeof files->config.till_address, "127.0.0.1");
	assert_int_equal(unlink(path_of("till.port")), 0);
	assert_int_equal(daemon_write_port(files, &fault), ERR_OK);
	snprintf(expected, sizeof expected, "127.0.0.1 %u\n", till_server_port(here.server));
	assert_true(is_written("till.port", slice_text(expected)));
}

static void test_papers_and_evidence(void **state)
{
	struct stat status;

	(void)state;
	assert_int_equal(daemon_keep_paper(files, "charter.note", slice_text("first\n")), ERR_OK);
	assert_int_equal(daemon_keep_paper(files, "charter.note", slice_text("second\n")), ERR_OK);
	assert_true(is_written("charter.note", slice_text("second\n")));
	assert_int_equal(daemon_keep_evidence(files, "41-42", slice_text("old\n"), slice_text("new\n")), ERR_OK);
	assert_int_equal(daemon_keep_evidence(files, "43-44", slice_text("x\n"), slice_text("y\n")), ERR_OK);
	assert_true(is_written("evidence/41-42.older", slice_text("old\n")));
	assert_true(is_written("evidence/41-42.newer", slice_text("new\n")));
	assert_true(is_written("evidence/43-44.older", slice_text("x\n")));
	assert_int_equal(stat(path_of("evidence"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
}

/* ---- failures ---- */

static enum err write_all(void *context)
{
	(void)context;
	unlink(path_of("witness.key"));
	secret_key_fini(&files->witness);
	TRY(daemon_open_witness(files, NULL));
	TRY(daemon_make_token(files, NULL));
	TRY(daemon_keep_paper(files, "charter.note", slice_text("text\n")));
	return daemon_keep_evidence(files, "1-2", slice_text("old\n"), slice_text("new\n"));
}

static void test_failures_are_told(void **state)
{
	(void)state;
	fail_sweep(FAIL_DISK, write_all, NULL);
	fail_sweep(FAIL_MEMORY, write_all, NULL);
}

/* ---- trust ---- */

static struct ring ring;
static struct trust version;

/* Version 1 names a second key of the log and a certificate. */
static void enter_trust(void)
{
	struct franchise *formula = here.formula;
	const struct secret_key *both[2];

	ring_take(&ring, formula);
	both[0] = &ring.logs[0];
	both[1] = ring_add_log(&ring, 50);
	trust_put_after(&version, NULL, both, 2);
	struct slice note = trust_note(formula, &version, both, 2);
	trust_put_of(&version, formula, note);
	franchise_must(formula, &formula->office, action_trust(formula, note));
}

static enum err take_trust(void)
{
	fault.text[0] = '\0';
	return daemon_take_trust(files, &here.agent.session, SLICE_ARRAY(version.hash), here.formula->now_ms, &fault);
}

static void test_trust(void **state)
{
	(void)state;
	enter_trust();
	assert_int_equal(link_open_lasting("tls+tcp://127.0.0.1:1", version.certificates_pem, &files->link, &fault),
			 ERR_OK);
	assert_int_equal(files->agent.membership.log_count, 1);
	here.is_cut = true;
	assert_int_equal(take_trust(), ERR_NETWORK);
	assert_int_equal(files->agent.membership.log_count, 1);
	here.is_cut = false;
	assert_int_equal(take_trust(), ERR_OK);
	assert_int_equal(files->agent.membership.log_count, 2);
	assert_memory_equal(files->agent.membership.logs[1].key, ring.logs[1].public.key, KEY_SIZE);
	assert_true(is_written("broker.crt", slice_text(version.certificates_pem)));
	/* told once more */
	const struct public_key *logs = files->agent.membership.logs;
	assert_int_equal(take_trust(), ERR_OK);
	assert_ptr_equal(files->agent.membership.logs, logs);
	ring_fini(&ring);
}

/* Kept on disk when memory ran short: another try does the rest. */
static void test_trust_that_was_kept_and_not_taken(void **state)
{
	(void)state;
	enter_trust();
	assert_int_equal(link_open_lasting("tls+tcp://127.0.0.1:1", version.certificates_pem, &files->link, &fault),
			 ERR_OK);
	arena_fini(&files->agent.arena);
	arena_init(&files->agent.arena, 64);
	assert_int_equal(take_trust(), ERR_MEMORY);
	assert_true(is_written("broker.crt", slice_text(version.certificates_pem)));
	assert_int_equal(files->agent.membership.log_count, 1);
	arena_fini(&files->agent.arena);
	arena_init(&files->agent.arena, 16 * PAPER_MAX);
	assert_int_equal(take_trust(), ERR_OK);
	assert_int_equal(files->agent.membership.log_count, 2);
	ring_fini(&ring);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_certificates),
		TEST(test_witness_is_made_once),
		TEST(test_token),
		TEST(test_port),
		TEST(test_papers_and_evidence),
		TEST(test_failures_are_told),
		TEST(test_trust),
		TEST(test_trust_that_was_kept_and_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
