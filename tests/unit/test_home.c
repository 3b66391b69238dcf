/* The agent's folder: made whole or not at all, private, renewed before it has joined and never after. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "home.h"
#include "kluis/file.h"

#include "fail.h"
#include "scratch.h"
#include "test_keys.h"
#include "vector.h"

static struct arena arena;
static struct bytes golden;
static struct invitation invitation;
static struct fault fault;
static char scratch[SCRATCH_MAX], folder[SCRATCH_MAX + 16];

static int set_up(void **state)
{
	struct secret_key starts_libsodium = test_seed_key("example.com/kluis/log", 2);

	(void)state;
	secret_key_fini(&starts_libsodium);
	arena_init(&arena, 1 << 20);
	golden = vector_read("invitation.txt");
	if (invitation_parse(bytes_slice(&golden), "golden", &arena, &invitation, NULL) != ERR_OK)
		return -1;
	scratch_new(scratch);
	snprintf(folder, sizeof(folder), "%s/agent", scratch);
	fault.text[0] = '\0';
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	scratch_remove(scratch);
	bytes_fini(&golden);
	arena_fini(&arena);
	return 0;
}

/* A fault keeps what it was told first. */
static struct fault *unsaid(void)
{
	fault.text[0] = '\0';
	return &fault;
}

static unsigned mode_of(const char *name)
{
	char path[HOME_PATH_MAX];
	struct stat status;

	if (home_path(folder, name, path, NULL) != ERR_OK || stat(path, &status) != 0)
		return 0;
	return status.st_mode & 07777;
}

/* How many things lie in the scratch folder. */
static unsigned things(void)
{
	unsigned count = 0;
	DIR *listing = opendir(scratch);

	for (const struct dirent *entry; listing != NULL && (entry = readdir(listing)) != NULL;)
		count += entry->d_name[0] != '.';
	closedir(listing);
	return count;
}

static void read_named(const char *name, char text[static 4096])
{
	char path[HOME_PATH_MAX];
	struct bytes bytes CLEANUP(bytes_fini) = {0};

	bytes_init(&bytes, 4095);
	assert_int_equal(home_path(folder, name, path, NULL), ERR_OK);
	assert_int_equal(file_read(path, &bytes, NULL), ERR_OK);
	memcpy(text, bytes.data, bytes.length);
	text[bytes.length] = '\0';
}

static void touch(const char *name)
{
	char path[HOME_PATH_MAX];

	assert_int_equal(home_path(folder, name, path, NULL), ERR_OK);
	assert_int_equal(file_write(path, slice_text("x\n"), 0600, NULL), ERR_OK);
}

static void test_home_path_too_long(void **state)
{
	char long_folder[HOME_PATH_MAX], path[HOME_PATH_MAX] = "as it was";

	(void)state;
	memset(long_folder, 'a', sizeof(long_folder) - 1);
	long_folder[sizeof(long_folder) - 1] = '\0';
	assert_int_equal(home_path(long_folder, "db", path, unsaid()), ERR_USAGE);
	assert_non_null(strstr(fault.text, "too long"));
	long_folder[HOME_PATH_MAX - 3] = '\0'; /* with "/db" one character more than fits */
	assert_int_equal(home_path(long_folder, "db", path, unsaid()), ERR_USAGE);
	long_folder[HOME_PATH_MAX - 4] = '\0';
	assert_int_equal(home_path(long_folder, "db", path, unsaid()), ERR_OK);
	assert_int_equal(strlen(path), HOME_PATH_MAX - 1);
}

static void test_home_create_makes_all_of_it_private(void **state)
{
	static const char *const files[] = {"agent.ini", "store.key", "seal.key", "broker.crt"};
	static const char *const folders[] = {"", "lanes", "db"};

	(void)state;
	assert_int_equal(home_create(folder, &invitation, unsaid()), ERR_OK);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		assert_int_equal(mode_of(files[i]), 0600);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		assert_int_equal(mode_of(folders[i]), 0700);
	assert_int_equal(mode_of("joined"), 0); /* that comes with the broker's answer */
	assert_int_equal(things(), 1);
}

static void test_membership_is_the_invitation_s(void **state)
{
	struct membership membership;
	static char text[4096];

	(void)state;
	assert_int_equal(home_create(folder, &invitation, unsaid()), ERR_OK);
	assert_int_equal(membership_read(folder, &arena, &membership, unsaid()), ERR_OK);
	assert_string_equal(membership.origin, "example.com/kluis");
	assert_string_equal(membership.principal, "example.com/kluis/store/12");
	assert_string_equal(membership.address, "tls+tcp://broker.example.com:7443");
	assert_true(public_key_equal(&membership.log, &invitation.log));
	assert_true(public_key_equal(&membership.controller, &invitation.controller));
	read_named("broker.crt", text);
	assert_string_equal(text, invitation.certificate_pem);
	/* the code that lets one in is not kept */
	char code[2 * INVITATION_CODE_SIZE + 1];
	for (size_t i = 0; i < INVITATION_CODE_SIZE; i++)
		snprintf(code + 2 * i, 3, "%02x", invitation.code[i]);
	read_named("agent.ini", text);
	assert_null(strstr(text, code));
}

/* Interrupted before the broker answered: keys stay, for the broker may have seen them. */
static void test_home_create_again_renews_and_keeps_the_keys(void **state)
{
	static char store_key[4096], seal_key[4096], again[4096];
	struct membership membership;
	struct invitation moved = invitation;

	(void)state;
	assert_int_equal(home_create(folder, &invitation, unsaid()), ERR_OK);
	read_named("store.key", store_key);
	read_named("seal.key", seal_key);
	moved.address = "tls+tcp://elsewhere.example.com:1";
	assert_int_equal(home_create(folder, &moved, unsaid()), ERR_OK);
	read_named("store.key", again);
	assert_string_equal(again, store_key);
	read_named("seal.key", again);
	assert_string_equal(again, seal_key);
	assert_int_equal(membership_read(folder, &arena, &membership, unsaid()), ERR_OK);
	assert_string_equal(membership.address, "tls+tcp://elsewhere.example.com:1");
}

static void test_home_create_refuses_another_store_s_folder(void **state)
{
	static char before[4096], after[4096];
	struct invitation other = invitation;

	(void)state;
	assert_int_equal(home_create(folder, &invitation, unsaid()), ERR_OK);
	read_named("agent.ini", before);
	other.principal = "example.com/kluis/store/13";
	assert_int_equal(home_create(folder, &other, unsaid()), ERR_EXISTS);
	assert_non_null(strstr(fault.text, "belongs to example.com/kluis/store/12; give another folder"));
	touch("joined");
	assert_int_equal(home_create(folder, &invitation, unsaid()), ERR_EXISTS);
	assert_non_null(strstr(fault.text, "has joined already, as example.com/kluis/store/12"));
	read_named("agent.ini", after);
	assert_string_equal(after, before);
}

/* A folder with something else in it, and a place that cannot be, stay as they are. */
static void test_home_create_where_it_cannot(void **state)
{
	(void)state;
	assert_int_equal(mkdir(folder, 0700), 0);
	touch("mine");
	assert_int_not_equal(home_create(folder, &invitation, unsaid()), ERR_OK);
	assert_non_null(strstr(fault.text, folder));
	assert_int_equal(mode_of("mine"), 0600);
	assert_int_equal(mode_of("store.key"), 0);
	assert_int_equal(things(), 1);
	snprintf(folder, sizeof(folder), "%s/no/agent", scratch);
	assert_int_equal(home_create(folder, &invitation, unsaid()), ERR_NOT_FOUND);
	assert_non_null(strstr(fault.text, "/no/agent"));
}

static void test_home_create_refuses_a_folder_open_to_others(void **state)
{
	(void)state;
	assert_int_equal(home_create(folder, &invitation, unsaid()), ERR_OK);
	assert_int_equal(chmod(folder, 0750), 0);
	assert_int_equal(home_create(folder, &invitation, unsaid()), ERR_MODE);
	assert_non_null(strstr(fault.text, folder));
}

static void test_membership_read_of_wrong_files(void **state)
{
	static const struct {
		const char *text, *says;
		enum err code;
	} rows[] = {
		{"[agent]\n", "origin", ERR_INPUT},
		{"[agent]\norigin = a\nprincipal = b\nbroker = c\nlog = x\ncontroller = y\n", "agent.ini:5", ERR_INPUT},
		{"[agent]\ncolour = red\n", "colour", ERR_INPUT},
		{"", "section [agent] is missing", ERR_INPUT},
	};
	char path[HOME_PATH_MAX];
	struct membership membership;

	(void)state;
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(membership_read(folder, &arena, &membership, unsaid()), ERR_NOT_FOUND);
	assert_int_equal(home_path(folder, "agent.ini", path, NULL), ERR_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(file_write(path, slice_text(rows[i].text), 0600, NULL), ERR_OK);
		assert_int_equal(membership_read(folder, &arena, &membership, unsaid()), rows[i].code);
		if (strstr(fault.text, rows[i].says) == NULL)
			fail_msg("'%s' does not say %s", fault.text, rows[i].says);
	}
}

/* Whatever fails on the way, there is no folder, half a folder or a leftover beside it. */
static enum err create_and_count(void *context)
{
	enum err err = home_create(folder, &invitation, NULL);

	if (err != ERR_OK && things() != 0)
		*(bool *)context = true;
	if (err == ERR_OK)
		scratch_remove(folder);
	return err;
}

static void test_home_create_leaves_nothing_when_it_fails(void **state)
{
	bool left_something = false;

	(void)state;
	fail_sweep(FAIL_MEMORY, create_and_count, &left_something);
	assert_false(left_something);
	fail_sweep(FAIL_DISK, create_and_count, &left_something);
	assert_false(left_something);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_home_path_too_long),
		TEST(test_home_create_makes_all_of_it_private),
		TEST(test_membership_is_the_invitation_s),
		TEST(test_home_create_again_renews_and_keeps_the_keys),
		TEST(test_home_create_refuses_another_store_s_folder),
		TEST(test_home_create_where_it_cannot),
		TEST(test_home_create_refuses_a_folder_open_to_others),
		TEST(test_membership_read_of_wrong_files),
		TEST(test_home_create_leaves_nothing_when_it_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
