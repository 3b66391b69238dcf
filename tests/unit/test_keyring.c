/*
 * Keys of the copy in files: made, read, and gone for good.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fail.h"
#include "keyring.h"
#include "kluis/file.h"
#include "kluis/keys.h"
#include "scratch.h"

static char folder[SCRATCH_MAX], leases[SCRATCH_MAX + 8], path[SCRATCH_MAX + 32], other_name[SCRATCH_MAX + 32];
static struct key_memory keys;

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(keys_init(), ERR_OK);
	scratch_new(folder);
	snprintf(leases, sizeof(leases), "%s/leases", folder);
	snprintf(path, sizeof(path), "%s/service.key", leases);
	snprintf(other_name, sizeof(other_name), "%s/kept", folder);
	keys = key_files(leases);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	scratch_remove(folder);
	return 0;
}

static enum err load(const char *purpose, uint8_t key[static KEY_SIZE])
{
	return keys.load(keys.context, purpose, key);
}

static void test_make_load_destroy(void **state)
{
	uint8_t key[KEY_SIZE], loaded[KEY_SIZE], other[KEY_SIZE];
	struct stat status;

	(void)state;
	assert_int_equal(load("service", key), ERR_NOT_FOUND);
	assert_int_equal(keys.destroy(keys.context, "service"), ERR_OK);
	assert_int_equal(keys.make(keys.context, "service", key), ERR_OK);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(stat(leases, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	assert_int_equal(load("service", loaded), ERR_OK);
	assert_memory_equal(key, loaded, KEY_SIZE);
	assert_int_equal(load("service-plus", loaded), ERR_NOT_FOUND);
	/* another one in its place */
	assert_int_equal(keys.make(keys.context, "service", other), ERR_OK);
	assert_memory_not_equal(key, other, KEY_SIZE);
	assert_int_equal(load("service", loaded), ERR_OK);
	assert_memory_equal(other, loaded, KEY_SIZE);
	assert_int_equal(keys.destroy(keys.context, "service"), ERR_OK);
	assert_int_equal(load("service", loaded), ERR_NOT_FOUND);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(keys.destroy(keys.context, "service"), ERR_OK);
}

/* Somebody kept a second name for the file: its bytes are gone all the same. */
static void test_destroyed_bytes_are_gone(void **state)
{
	uint8_t key[KEY_SIZE];
	struct bytes bytes CLEANUP(bytes_fini) = {0};

	(void)state;
	assert_int_equal(keys.make(keys.context, "service", key), ERR_OK);
	assert_int_equal(link(path, other_name), 0);
	assert_int_equal(keys.destroy(keys.context, "service"), ERR_OK);
	bytes_init(&bytes, 1024);
	assert_int_equal(file_read(other_name, &bytes, NULL), ERR_OK);
	assert_int_equal(bytes.length, 45); /* base64 of 32 bytes and a newline */
	for (size_t i = 0; i < bytes.length; i++)
		assert_int_equal(bytes.data[i], 0);
	/* a crash between overwriting and removing leaves just that: no key */
	assert_int_equal(rename(other_name, path), 0);
	assert_int_equal(load("service", key), ERR_NOT_FOUND);
	assert_int_equal(keys.make(keys.context, "service", key), ERR_OK);
}

/* One that takes another's place leaves nothing of it either. */
static void test_replaced_bytes_are_gone(void **state)
{
	uint8_t key[KEY_SIZE];
	struct bytes bytes CLEANUP(bytes_fini) = {0};

	(void)state;
	assert_int_equal(keys.make(keys.context, "service", key), ERR_OK);
	assert_int_equal(link(path, other_name), 0);
	assert_int_equal(keys.make(keys.context, "service", key), ERR_OK);
	bytes_init(&bytes, 1024);
	assert_int_equal(file_read(other_name, &bytes, NULL), ERR_OK);
	assert_int_equal(bytes.length, 45);
	for (size_t i = 0; i < bytes.length; i++)
		assert_int_equal(bytes.data[i], 0);
}

static void test_what_others_may_use_is_refused(void **state)
{
	uint8_t key[KEY_SIZE];
	char other_key[SCRATCH_MAX + 32];

	(void)state;
	assert_int_equal(keys.make(keys.context, "service", key), ERR_OK);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(load("service", key), ERR_MODE);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(chmod(leases, 0750), 0);
	assert_int_equal(load("service", key), ERR_MODE);
	assert_int_equal(keys.make(keys.context, "other", key), ERR_MODE);
	snprintf(other_key, sizeof other_key, "%s/other.key", leases);
	assert_int_equal(access(other_key, F_OK), -1);
	assert_int_equal(chmod(leases, 0700), 0);
	assert_int_equal(load("service", key), ERR_OK);
	/* a link leads nowhere */
	assert_int_equal(rename(path, other_name), 0);
	assert_int_equal(symlink(other_name, path), 0);
	assert_int_equal(load("service", key), ERR_MODE);
}

static void test_names_lead_nowhere_else(void **state)
{
	static const char *const names[] = {"", "../store", "a/b", "Service", ".."};
	uint8_t key[KEY_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(load(names[i], key), ERR_PURPOSE);
		assert_int_equal(keys.make(keys.context, names[i], key), ERR_PURPOSE);
		assert_int_equal(keys.destroy(keys.context, names[i]), ERR_PURPOSE);
	}
}

static enum err make_and_destroy(void *context)
{
	uint8_t key[KEY_SIZE];

	(void)context;
	TRY(keys.make(keys.context, "service", key));
	return keys.destroy(keys.context, "service");
}

/* A failing disk is told, never taken for done. */
static void test_when_the_disk_fails(void **state)
{
	uint8_t key[KEY_SIZE];

	(void)state;
	fail_sweep(FAIL_DISK, make_and_destroy, NULL);
	fail_sweep(FAIL_MEMORY, make_and_destroy, NULL);
	assert_int_equal(load("service", key), ERR_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_make_load_destroy),	    TEST(test_destroyed_bytes_are_gone),
		TEST(test_replaced_bytes_are_gone), TEST(test_what_others_may_use_is_refused),
		TEST(test_names_lead_nowhere_else), TEST(test_when_the_disk_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
