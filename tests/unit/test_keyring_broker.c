/* The broker's keys in its folder, by number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "command/keyring.h"
#include "kluis/file.h"
#include "scratch.h"
#include "test_keys.h"

static char folder[SCRATCH_MAX], path[FOLDER_PATH_MAX];
static struct fault fault;

static int set_up(void **state)
{
	(void)state;
	scratch_new(folder);
	fault.text[0] = '\0';
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	scratch_remove(folder);
	return 0;
}

static const char *path_of(const char *name)
{
	assert_int_equal(folder_path(folder, name, path, NULL), ERR_OK);
	return path;
}

static void put(const char *name)
{
	assert_int_equal(file_write(path_of(name), slice_text("x"), 0600, &fault), ERR_OK);
}

static void test_numbers(void **state)
{
	static const char *const files[] = {"log-10.key", "log.key",	 "log-2.key", "log-1.key",  "log-02.key",
					    "log-.key",	  "log-x.key",	 "logs.key",  "log-3.keys", "xlog.key",
					    "log-0.key",  "log-4.key.x", "log--5.key"};
	uint32_t numbers[KEY_NUMBERS_MAX];
	size_t count;

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		put(files[i]);
	assert_int_equal(key_file_numbers(folder, "log", ".key", numbers, &count, &fault), ERR_OK);
	assert_int_equal(count, 3);
	assert_true(numbers[0] == 1 && numbers[1] == 2 && numbers[2] == 10);
	assert_int_equal(key_file_numbers("/nowhere/at/all", "log", ".key", numbers, &count, NULL), ERR_NOT_FOUND);
}

static void test_destroy(void **state)
{
	char other[FOLDER_PATH_MAX];
	struct bytes bytes CLEANUP(bytes_fini);

	(void)state;
	bytes_init(&bytes, 100);
	assert_int_equal(file_write(path_of("master.key"), slice_text("secret"), 0600, &fault), ERR_OK);
	snprintf(other, sizeof other, "%s/other", folder);
	assert_int_equal(link(path_of("master.key"), other), 0);
	assert_int_equal(key_file_destroy(folder, "master.key", &fault), ERR_OK);
	assert_int_not_equal(access(path_of("master.key"), F_OK), 0);
	assert_int_equal(file_read(other, &bytes, NULL), ERR_OK);
	assert_int_equal(bytes.length, 6);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(bytes.data[i], 0);
	assert_int_equal(key_file_destroy(folder, "master.key", &fault), ERR_OK);
}

static void test_finds_keys_made_meanwhile(void **state)
{
	struct secret_key log CLEANUP(secret_key_fini) = test_seed_key("a.example/log", 2);
	struct secret_key other CLEANUP(secret_key_fini) = test_seed_key("a.example/log", 3);
	struct keyring *ring CLEANUP(keyring_free) = NULL;
	uint8_t master[KEY_SIZE], again[KEY_SIZE];
	const struct secret_key *found;

	(void)state;
	assert_int_equal(keyring_new(folder, &ring), ERR_OK);
	assert_int_equal(keyring_master(ring, 1, master), ERR_NOT_FOUND);
	assert_int_equal(keyring_log(ring, &log.public, &found), ERR_NOT_FOUND);
	assert_int_equal(secret_bytes_create(path_of("master.key"), &fault), ERR_OK);
	assert_int_equal(secret_bytes_create(path_of("master-2.key"), &fault), ERR_OK);
	assert_int_equal(secret_key_write(&log, path_of("log-7.key"), &fault), ERR_OK);
	assert_int_equal(keyring_master(ring, 1, master), ERR_OK);
	assert_int_equal(keyring_master(ring, 1, again), ERR_OK);
	assert_memory_equal(master, again, KEY_SIZE);
	assert_int_equal(keyring_master(ring, 2, again), ERR_OK);
	assert_memory_not_equal(master, again, KEY_SIZE);
	assert_int_equal(keyring_log(ring, &log.public, &found), ERR_OK);
	assert_true(public_key_equal(&found->public, &log.public));
	assert_int_equal(keyring_log(ring, &other.public, &found), ERR_NOT_FOUND);
	assert_int_equal(chmod(path_of("master-2.key"), 0644), 0);
	struct keyring *second CLEANUP(keyring_free) = NULL;
	assert_int_equal(keyring_new(folder, &second), ERR_OK);
	assert_int_equal(keyring_master(second, 2, master), ERR_MODE);
}

static void test_ended_masters_are_gone(void **state)
{
	struct secret_key log CLEANUP(secret_key_fini) = test_seed_key("a.example/log", 2);
	struct keyring *ring CLEANUP(keyring_free) = NULL;
	static const char *const files[] = {"master.key", "master-2.key", "master-3.key"};
	uint8_t master[KEY_SIZE], third[KEY_SIZE], again[KEY_SIZE];
	const struct secret_key *found;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(secret_bytes_create(path_of(files[i]), &fault), ERR_OK);
	assert_int_equal(secret_key_write(&log, path_of("log.key"), &fault), ERR_OK);
	assert_int_equal(keyring_new(folder, &ring), ERR_OK);
	assert_int_equal(keyring_master(ring, 1, master), ERR_OK);
	assert_int_equal(keyring_master(ring, 3, third), ERR_OK);
	assert_int_equal(keyring_master(ring, 2, master), ERR_OK);
	assert_int_equal(keyring_log(ring, &log.public, &found), ERR_OK);
	keyring_end_masters(ring, 3);
	keyring_end_masters(ring, 3);
	/* not read from their files again either */
	assert_int_equal(keyring_master(ring, 1, master), ERR_NOT_FOUND);
	assert_int_equal(keyring_master(ring, 2, master), ERR_NOT_FOUND);
	assert_int_equal(keyring_master(ring, 3, again), ERR_OK);
	assert_memory_equal(again, third, KEY_SIZE);
	assert_true(public_key_equal(&found->public, &log.public));
	assert_int_equal(keyring_log(ring, &log.public, &found), ERR_OK);
}

static void test_credentials_come_first(void **state)
{
	struct keyring *ring CLEANUP(keyring_free) = NULL;
	char credentials[FOLDER_PATH_MAX], key[FOLDER_PATH_MAX + 16];
	uint8_t master[KEY_SIZE];

	(void)state;
	snprintf(credentials, sizeof credentials, "%s/credentials", folder);
	assert_int_equal(mkdir(credentials, 0700), 0);
	snprintf(key, sizeof key, "%s/master.key", credentials);
	assert_int_equal(secret_bytes_create(key, &fault), ERR_OK);
	assert_int_equal(keyring_new(folder, &ring), ERR_OK);
	assert_int_equal(keyring_master(ring, 1, master), ERR_NOT_FOUND);
	setenv("CREDENTIALS_DIRECTORY", credentials, 1);
	assert_int_equal(keyring_master(ring, 1, master), ERR_OK);
	unsetenv("CREDENTIALS_DIRECTORY");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_numbers),
		TEST(test_destroy),
		TEST(test_finds_keys_made_meanwhile),
		TEST(test_ended_masters_are_gone),
		TEST(test_credentials_come_first),
	};

	return keys_init() == ERR_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
