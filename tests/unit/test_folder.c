/* A broker's folder: its paths, its configuration, its keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "command/folder.h"
#include "kluis/file.h"
#include "scratch.h"
#include "test_keys.h"

static char folder[SCRATCH_MAX];
static struct fault fault;

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(keys_init(), ERR_OK);
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
	static char path[FOLDER_PATH_MAX];

	assert_int_equal(folder_path(folder, name, path, &fault), ERR_OK);
	return path;
}

static void put(const char *name, const char *text, unsigned mode)
{
	assert_int_equal(file_write(path_of(name), slice_text(text), mode, &fault), ERR_OK);
}

static void test_path_too_long(void **state)
{
	static char longest[FOLDER_PATH_MAX + 1];
	char path[FOLDER_PATH_MAX];

	(void)state;
	memset(longest, 'x', FOLDER_PATH_MAX - 3);
	assert_int_equal(folder_path(longest, "a", path, &fault), ERR_OK);
	assert_int_equal(strlen(path), FOLDER_PATH_MAX - 1);
	longest[FOLDER_PATH_MAX - 3] = 'x';
	assert_int_equal(folder_path(longest, "a", path, &fault), ERR_USAGE);
}

static void test_config_written_is_read(void **state)
{
	struct folder_config config = {"tls+tcp://0.0.0.0:7707", "tls+tcp://kluis.example:7707"}, back = {"", ""};

	(void)state;
	assert_int_equal(folder_config_write(folder, &config, &fault), ERR_OK);
	assert_int_equal(file_check_private(path_of("broker.ini"), false, &fault), ERR_OK);
	assert_int_equal(folder_config_read(folder, &back, &fault), ERR_OK);
	assert_string_equal(back.listen, config.listen);
	assert_string_equal(back.address, config.address);
	assert_int_equal(folder_config_write(folder, &config, &fault), ERR_EXISTS);
}

static void test_config_that_is_wrong(void **state)
{
	static const char *const texts[] = {
		"[broker]\nlisten = tls+tcp://a:1\n",					  /* no address */
		"[broker]\nlisten = tcp://a:1\naddress = tls+tcp://a:1\n",		  /* not sealed */
		"[broker]\nlisten = tls+tcp://a:1\naddress = tls+tcp://a:1\ndebug = 1\n", /* unknown */
		"",
	};
	struct folder_config config = {"kept", ""};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		put("broker.ini", texts[i], 0600);
		fault.text[0] = '\0';
		assert_int_not_equal(folder_config_read(folder, &config, &fault), ERR_OK);
		assert_non_null(strstr(fault.text, "broker.ini"));
	}
	static const char *const no_addresses[] = {"ipc:///tmp/x",	"tls+tcp://",	    "tls+tcp://host",
						   "tls+tcp://:7707",	"tls+tcp://a:b",    "tls+tcp://a:7707x",
						   "tls+tcp://a:65536", "tls+tcp://a:99999"};
	for (size_t i = 0; i < sizeof(no_addresses) / sizeof(no_addresses[0]); i++) {
		struct folder_config bad = {"", "tls+tcp://a:1"};
		snprintf(bad.listen, sizeof(bad.listen), "%s", no_addresses[i]);
		assert_int_equal(folder_config_write(folder, &bad, &fault), ERR_INPUT);
	}
	struct folder_config six = {"tls+tcp://[::1]:7707", "tls+tcp://a:1"};
	char path[FOLDER_PATH_MAX];
	assert_int_equal(folder_path(folder, "broker.ini", path, &fault), ERR_OK);
	unlink(path);
	assert_int_equal(folder_config_write(folder, &six, &fault), ERR_OK);
}

#define LISTEN "[broker]\nlisten = tls+tcp://a:1\naddress = tls+tcp://a:1\n"
/* The vkey of a witness of that name, in the arena. */
static const char *vkey_of(struct arena *arena, const char *name, uint8_t type)
{
	struct secret_key key CLEANUP(secret_key_fini) = test_seed_key(name, 7);
	struct public_key public;
	struct bytes text CLEANUP(bytes_fini) = {0};

	bytes_init(&text, 1024);
	assert_int_equal(public_key_init(&public, slice_text(name), type, key.public.key), ERR_OK);
	assert_int_equal(public_key_print(&public, &text), ERR_OK);
	return arena_text(arena, bytes_slice(&text));
}

static void test_witnesses(void **state)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct outside_witness *witnesses;
	struct folder_config config;
	size_t count;
	char text[2048];

	(void)state;
	arena_init(&arena, 1024 * 1024);
	const char *one = vkey_of(&arena, "one.example/w", KEY_TYPE_COSIGNATURE);
	const char *two = vkey_of(&arena, "two.example/w", KEY_TYPE_COSIGNATURE);
	put("broker.ini", LISTEN, 0600);
	assert_int_equal(folder_witnesses_read(folder, &arena, &witnesses, &count, &fault), ERR_OK);
	assert_int_equal(count, 0);
	assert_int_equal(folder_config_read(folder, &config, &fault), ERR_OK);
	assert_int_equal(config.witness_interval_ms, WITNESS_INTERVAL_MS);
	snprintf(text, sizeof text,
		 LISTEN "witness-interval = 5m\n[witness one]\nurl = https://one.example/log/\nvkey = %s\n"
			"[witness two]\nvkey = %s\nurl = http://127.0.0.1:8080\nca = /etc/two.pem\n",
		 one, two);
	put("broker.ini", text, 0600);
	assert_int_equal(folder_config_read(folder, &config, &fault), ERR_OK);
	assert_int_equal(config.witness_interval_ms, 300000);
	assert_int_equal(folder_witnesses_read(folder, &arena, &witnesses, &count, &fault), ERR_OK);
	assert_int_equal(count, 2);
	assert_string_equal(witnesses[0].name, "one");
	assert_string_equal(witnesses[0].url, "https://one.example/log");
	assert_string_equal(witnesses[0].ca_file, WITNESS_CA_DEFAULT);
	assert_string_equal(witnesses[0].key.name, "one.example/w");
	assert_string_equal(witnesses[1].name, "two");
	assert_string_equal(witnesses[1].ca_file, "/etc/two.pem");
}

static void expect_wrong_witness(const char *text, const char *said)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct outside_witness *witnesses;
	size_t count;

	arena_init(&arena, 1024 * 1024);
	put("broker.ini", text, 0600);
	fault.text[0] = '\0';
	assert_int_not_equal(folder_witnesses_read(folder, &arena, &witnesses, &count, &fault), ERR_OK);
	assert_non_null(strstr(fault.text, "broker.ini:"));
	if (strstr(fault.text, said) == NULL)
		fail_msg("%s", fault.text);
}

static void test_witnesses_that_are_wrong(void **state)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	char text[2048];

	(void)state;
	arena_init(&arena, 1024 * 1024);
	const char *good = vkey_of(&arena, "one.example/w", KEY_TYPE_COSIGNATURE);
	expect_wrong_witness(LISTEN "witness-interval = 0s\n", "between 1s and 1h");
	expect_wrong_witness(LISTEN "witness-interval = 61m\n", "between 1s and 1h");
	expect_wrong_witness(LISTEN "witness-interval = soon\n", "soon");
	snprintf(text, sizeof text, LISTEN "[witness one]\nvkey = %s\n", good);
	expect_wrong_witness(text, "url");
	expect_wrong_witness(LISTEN "[witness one]\nurl = https://w.example\n", "vkey");
	snprintf(text, sizeof text, LISTEN "[witness One]\nvkey = %s\nurl = https://w.example\n", good);
	expect_wrong_witness(text, "'One'");
	snprintf(text, sizeof text, LISTEN "[witness one]\nvkey = %s\nurl = https://w.example\n",
		 vkey_of(&arena, "one.example/w", KEY_TYPE_ED25519));
	expect_wrong_witness(text, "0x04");
	snprintf(text, sizeof text,
		 LISTEN "[witness one]\nvkey = %s\nurl = https://w.example\n[witness two]\nvkey = %s\nurl = "
			"https://w.example\n",
		 good, good);
	expect_wrong_witness(text, "[witness one] has the same key");
	snprintf(text, sizeof text, LISTEN "[witness one]\nvkey = %s\nurl = w.example\n", good);
	expect_wrong_witness(text, "'w.example'");
	snprintf(text, sizeof text, LISTEN "[witness one]\nvkey = %s\nurl = https://w.example\nca = here\n", good);
	expect_wrong_witness(text, "absolute path");
}

static void test_check(void **state)
{
	(void)state;
	assert_int_equal(folder_check(folder, &fault), ERR_NOT_FOUND);
	assert_non_null(strstr(fault.text, "kluis-broker init"));
	put("broker.ini", "x", 0600);
	fault.text[0] = '\0';
	assert_int_equal(folder_check(folder, &fault), ERR_OK);
	assert_int_equal(chmod(folder, 0750), 0);
	assert_int_equal(folder_check(folder, &fault), ERR_MODE);
	assert_int_equal(chmod(folder, 0700), 0);
	assert_int_equal(chmod(path_of("broker.ini"), 0644), 0);
	assert_int_equal(folder_check(folder, &fault), ERR_MODE);
}

static void test_keys(void **state)
{
	struct secret_key controller CLEANUP(secret_key_fini) = test_seed_key("a.example/controller", 1);
	struct secret_key log CLEANUP(secret_key_fini) = test_seed_key("a.example/log", 2);
	struct folder_keys keys CLEANUP(folder_keys_fini) = {0};

	(void)state;
	assert_int_equal(folder_keys_read(folder, &keys, &fault), ERR_NOT_FOUND);
	assert_non_null(strstr(fault.text, "controller.key"));
	assert_int_equal(secret_key_write(&controller, path_of("controller.key"), &fault), ERR_OK);
	assert_int_equal(secret_key_write(&log, path_of("log.key"), &fault), ERR_OK);
	fault.text[0] = '\0';
	assert_int_equal(folder_keys_read(folder, &keys, &fault), ERR_NOT_FOUND);
	assert_non_null(strstr(fault.text, "master.key"));
	assert_int_equal(secret_bytes_create(path_of("master.key"), &fault), ERR_OK);
	fault.text[0] = '\0';
	assert_int_equal(folder_keys_read(folder, &keys, &fault), ERR_OK);
	assert_ptr_equal(keys.core.log, &keys.log);
	assert_null(keys.core.master); /* the keyring's alone, which can let go of it */
	assert_non_null(keys.core.end_masters);
	assert_string_equal(keys.core.controller.name, "a.example/controller");
	assert_string_equal(keys.log.public.name, "a.example/log");
	folder_keys_fini(&keys);
	assert_int_equal(chmod(path_of("log.key"), 0640), 0);
	assert_int_equal(folder_keys_read(folder, &keys, &fault), ERR_MODE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_path_too_long), TEST(test_config_written_is_read),   TEST(test_config_that_is_wrong),
		TEST(test_witnesses),	  TEST(test_witnesses_that_are_wrong), TEST(test_check),
		TEST(test_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
