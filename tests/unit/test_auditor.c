#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "auditor.h"
#include "kluis/file.h"
#include "kluis/invitation.h"
#include "scratch.h"
#include "test_keys.h"

/* Joining and mirroring over TLS is shown by tests/scenario; here is what is refused before anything is sent. */

#define ORIGIN "x.example/kluis"
#define PEM "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"

static char scratch[SCRATCH_MAX];
static char folder[SCRATCH_MAX + 16], file[SCRATCH_MAX + 16];
static struct secret_key office, log_key;
static struct fault fault;

static int set_up(void **state)
{
	(void)state;
	scratch_new(scratch);
	snprintf(folder, sizeof(folder), "%s/jan", scratch);
	snprintf(file, sizeof(file), "%s/invitation", scratch);
	office = test_seed_key(ORIGIN "/controller", 1);
	log_key = test_seed_key(ORIGIN "/log", 2);
	fault = (struct fault){""};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	secret_key_fini(&office);
	secret_key_fini(&log_key);
	scratch_remove(scratch);
	return 0;
}

static void invite(const char *principal, size_t spoilt)
{
	struct invitation invitation = {.origin = ORIGIN,
					.principal = principal,
					.address = "tls+tcp://127.0.0.1:1",
					.certificate_pem = PEM,
					.log = log_key.public,
					.controller = office.public,
					.expires_ms = UINT64_C(4102444800000)};
	struct bytes note;

	bytes_init(&note, PAPER_MAX);
	if (invitation_print(&invitation, &office, &note, &fault) != ERR_OK)
		fail();
	if (spoilt > 0)
		note.data[spoilt] ^= 1;
	assert_int_equal(file_write(file, bytes_slice(&note), 0600, NULL), ERR_OK);
	bytes_fini(&note);
}

static bool is_made(void)
{
	struct stat status;

	return stat(folder, &status) == 0;
}

static void test_join_refuses_a_store_s_invitation(void **state)
{
	(void)state;
	invite(ORIGIN "/store/7", 0);
	assert_int_equal(auditor_join(file, folder, &fault), ERR_PRINCIPAL);
	assert_non_null(strstr(fault.text, "kluis-agent"));
	assert_false(is_made());
}

static void test_join_refuses_an_altered_invitation(void **state)
{
	(void)state;
	invite(ORIGIN "/auditor/jan", 40);
	assert_int_not_equal(auditor_join(file, folder, &fault), ERR_OK);
	assert_false(is_made());
}

static void test_join_refuses_a_folder_that_others_may_enter(void **state)
{
	(void)state;
	invite(ORIGIN "/auditor/jan", 0);
	assert_int_equal(mkdir(folder, 0755), 0);
	assert_int_equal(chmod(folder, 0755), 0);
	assert_int_equal(auditor_join(file, folder, &fault), ERR_MODE);
}

static void test_join_refuses_a_folder_that_has_joined(void **state)
{
	char path[SCRATCH_MAX + 32];

	(void)state;
	invite(ORIGIN "/auditor/jan", 0);
	assert_int_equal(mkdir(folder, 0700), 0);
	snprintf(path, sizeof(path), "%s/broker", folder);
	assert_int_equal(file_write(path, slice_text("tls+tcp://127.0.0.1:1"), 0644, NULL), ERR_OK);
	assert_int_equal(auditor_join(file, folder, &fault), ERR_EXISTS);
}

static void test_join_refuses_a_folder_with_another_s_key(void **state)
{
	struct secret_key other = test_seed_key(ORIGIN "/auditor/piet", 5);
	char path[SCRATCH_MAX + 32];

	(void)state;
	invite(ORIGIN "/auditor/jan", 0);
	assert_int_equal(mkdir(folder, 0700), 0);
	snprintf(path, sizeof(path), "%s/auditor.key", folder);
	assert_int_equal(secret_key_write(&other, path, NULL), ERR_OK);
	secret_key_fini(&other);
	assert_int_equal(auditor_join(file, folder, &fault), ERR_EXISTS);
}

static void test_open_needs_a_folder_that_has_joined(void **state)
{
	struct auditor auditor;

	(void)state;
	assert_int_equal(auditor_open(folder, &auditor, &fault), ERR_NOT_FOUND);
	assert_non_null(strstr(fault.text, "kluis-audit join"));
}

#define FRESH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(test_join_refuses_a_store_s_invitation),
		FRESH(test_join_refuses_an_altered_invitation),
		FRESH(test_join_refuses_a_folder_that_others_may_enter),
		FRESH(test_join_refuses_a_folder_that_has_joined),
		FRESH(test_join_refuses_a_folder_with_another_s_key),
		FRESH(test_open_needs_a_folder_that_has_joined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
