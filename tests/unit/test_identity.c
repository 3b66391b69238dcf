/* Which certificate the broker shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "command/identity.h"
#include "kluis/clock.h"
#include "scratch.h"

static char folder[SCRATCH_MAX];
static struct bytes first, second;
static struct fault fault;

static void make(const char *certificate, const char *key, uint32_t number, struct bytes *ret_pem)
{
	char certificate_path[FOLDER_PATH_MAX], key_path[FOLDER_PATH_MAX];

	assert_int_equal(folder_path(folder, certificate, certificate_path, NULL), ERR_OK);
	assert_int_equal(folder_path(folder, key, key_path, NULL), ERR_OK);
	assert_int_equal(tls_create(certificate_path, key_path, clock_now_ms(), &fault), ERR_OK);
	bytes_init(ret_pem, TLS_PEM_MAX);
	assert_int_equal(identity_pem(folder, number, ret_pem, &fault), ERR_OK);
}

static int set_up(void **state)
{
	(void)state;
	scratch_new(folder);
	make("tls.crt", "tls.key", 1, &first);
	make("tls-2.crt", "tls-2.key", 2, &second);
	fault.text[0] = '\0';
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	bytes_fini(&first);
	bytes_fini(&second);
	scratch_remove(folder);
	return 0;
}

static uint32_t number(const char *a, const char *b)
{
	static char pem[2 * TLS_PEM_MAX];
	uint32_t shown = 99;

	snprintf(pem, sizeof pem, "%s%s", a, b);
	enum err err = identity_number(folder, a == NULL ? NULL : pem, &shown, &fault);
	assert_true(err == ERR_OK || err == ERR_CERTIFICATE);
	return err == ERR_OK ? shown : 0;
}

static void test_first_of_those_that_are_there(void **state)
{
	const char *one = (const char *)first.data, *two = (const char *)second.data;
	const char *gone = "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n";
	uint32_t shown;

	(void)state;
	assert_int_equal(identity_number(folder, NULL, &shown, &fault), ERR_OK);
	assert_int_equal(shown, 1);
	assert_int_equal(number(one, two), 1);
	assert_int_equal(number(two, one), 2);
	assert_int_equal(number(two, ""), 2);
	assert_int_equal(number(gone, two), 2);
	assert_int_equal(number(gone, ""), 0);
}

static void test_load(void **state)
{
	struct tls_identity identity CLEANUP(tls_identity_fini) = {0};

	(void)state;
	assert_int_equal(identity_load(folder, 2, &identity, &fault), ERR_OK);
	assert_true(slice_equal(bytes_slice(&identity.certificate), bytes_slice(&second)));
	struct tls_identity none CLEANUP(tls_identity_fini) = {0};
	assert_int_equal(identity_load(folder, 3, &none, NULL), ERR_CERTIFICATE);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_first_of_those_that_are_there), TEST(test_load)};

	return keys_init() == ERR_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
