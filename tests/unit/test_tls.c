/* The broker's certificate: what another implementation (openssl's command) reads in it, and each way to lose it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fail.h"
#include "kluis/clock.h"
#include "kluis/file.h"
#include "scratch.h"
#include "server/tls.h"

struct place {
	char folder[SCRATCH_MAX];
	char certificate[300];
	char key[300];
};

static int make_place(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	scratch_new(place->folder);
	snprintf(place->certificate, sizeof(place->certificate), "%s/tls.crt", place->folder);
	snprintf(place->key, sizeof(place->key), "%s/tls.key", place->folder);
	*state = place;
	return tls_create(place->certificate, place->key, clock_now_ms(), NULL) == ERR_OK ? 0 : -1;
}

static int remove_place(void **state)
{
	struct place *place = *state;
	scratch_remove(place->folder);
	free(place);
	return 0;
}

static void expect_load(const struct place *place, enum err expected, const char *in_fault)
{
	struct tls_identity identity;
	struct fault fault = {0};
	enum err err = tls_load(place->certificate, place->key, &identity, &fault);
	assert_int_equal(err, expected);
	if (err == ERR_OK)
		tls_identity_fini(&identity);
	else if (strstr(fault.text, in_fault) == NULL)
		fail_msg("'%s' is not in '%s'", in_fault, fault.text);
}

static void overwrite(const char *path, const char *text)
{
	assert_int_equal(file_write(path, slice_text(text), 0600, NULL), ERR_OK);
}

static void test_create_makes_a_private_key_and_a_public_certificate(void **state)
{
	const struct place *place = *state;
	struct stat status;
	assert_int_equal(stat(place->key, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(stat(place->certificate, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0644);
	expect_load(place, ERR_OK, "");
}

/* What openssl says of it, if it is installed: an implementation that is not mbedtls. */
static void test_create_is_what_openssl_reads(void **state)
{
	const struct place *place = *state;
	char command[1200];
	char output[1500] = "";
	snprintf(command, sizeof(command),
		 "command -v openssl >/dev/null || exit 0; openssl x509 -in '%s' -noout -subject -issuer -enddate "
		 "-ext subjectAltName,basicConstraints,keyUsage && openssl verify -check_ss_sig -CAfile '%s' '%s'",
		 place->certificate, place->certificate, place->certificate);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	size_t length = fread(output, 1, sizeof(output) - 1, pipe);
	assert_int_equal(pclose(pipe), 0);
	if (length == 0)
		skip();
	assert_non_null(strstr(output, "subject=CN = kluis-broker"));
	assert_non_null(strstr(output, "issuer=CN = kluis-broker"));
	assert_non_null(strstr(output, "DNS:kluis-broker"));
	assert_non_null(strstr(output, "CA:FALSE"));
	assert_non_null(strstr(output, "Digital Signature"));
	assert_non_null(strstr(output, "9999"));
	assert_non_null(strstr(output, ": OK"));
}

static void test_create_never_overwrites(void **state)
{
	const struct place *place = *state;
	struct fault fault = {0};
	assert_int_equal(tls_create(place->certificate, place->key, clock_now_ms(), &fault), ERR_EXISTS);
	assert_non_null(strstr(fault.text, place->certificate));
	assert_int_equal(unlink(place->certificate), 0);
	fault.text[0] = '\0';
	assert_int_equal(tls_create(place->certificate, place->key, clock_now_ms(), &fault), ERR_EXISTS);
	assert_non_null(strstr(fault.text, place->key));
	assert_int_not_equal(access(place->certificate, F_OK), 0);
}

static void test_create_twice_gives_two(void **state)
{
	const struct place *place = *state;
	struct bytes first;
	struct bytes second;
	bytes_init(&first, TLS_PEM_MAX);
	bytes_init(&second, TLS_PEM_MAX);
	assert_int_equal(file_read(place->certificate, &first, NULL), ERR_OK);
	assert_int_equal(unlink(place->certificate), 0);
	assert_int_equal(unlink(place->key), 0);
	assert_int_equal(tls_create(place->certificate, place->key, clock_now_ms(), NULL), ERR_OK);
	assert_int_equal(file_read(place->certificate, &second, NULL), ERR_OK);
	assert_false(slice_equal(bytes_slice(&first), bytes_slice(&second)));
	bytes_fini(&first);
	bytes_fini(&second);
}

static void test_load_names_what_is_lost(void **state)
{
	const struct place *place = *state;
	assert_int_equal(unlink(place->certificate), 0);
	expect_load(place, ERR_CERTIFICATE, "tls.crt' is missing");
	overwrite(place->certificate, "-----BEGIN CERTIFICATE-----\nnot one\n-----END CERTIFICATE-----\n");
	expect_load(place, ERR_CERTIFICATE, "tls.crt' is not a certificate");
}

static void test_load_names_a_lost_key(void **state)
{
	const struct place *place = *state;
	overwrite(place->key, "");
	expect_load(place, ERR_CERTIFICATE, "tls.key' is not a private key");
	assert_int_equal(unlink(place->key), 0);
	expect_load(place, ERR_CERTIFICATE, "tls.key' is missing");
}

static void test_load_refuses_the_key_of_another_certificate(void **state)
{
	struct place *place = *state;
	struct place other = *place;
	snprintf(other.certificate, sizeof(other.certificate), "%s/other.crt", place->folder);
	snprintf(other.key, sizeof(other.key), "%s/other.key", place->folder);
	assert_int_equal(tls_create(other.certificate, other.key, clock_now_ms(), NULL), ERR_OK);
	memcpy(other.key, place->key, sizeof(other.key));
	expect_load(&other, ERR_CERTIFICATE, "is not the key of");
}

static void test_load_refuses_a_key_that_others_may_read(void **state)
{
	const struct place *place = *state;
	assert_int_equal(chmod(place->key, 0640), 0);
	expect_load(place, ERR_MODE, "tls.key");
}

static void test_load_refuses_what_is_too_large(void **state)
{
	const struct place *place = *state;
	char *text = calloc(1, TLS_PEM_MAX + 2);
	memset(text, 'x', TLS_PEM_MAX + 1);
	overwrite(place->certificate, text);
	free(text);
	expect_load(place, ERR_CERTIFICATE, "tls.crt' cannot be read");
}

/* Each allocation and disk call of kluis made to fail once: told, nothing left in the way of another try. */
static enum err create_and_load(void *context)
{
	const struct place *place = context;
	struct tls_identity identity;
	unlink(place->certificate);
	unlink(place->key);
	TRY(tls_create(place->certificate, place->key, clock_now_ms(), NULL));
	TRY(tls_load(place->certificate, place->key, &identity, NULL));
	tls_identity_fini(&identity);
	return ERR_OK;
}

static void test_failures_are_told(void **state)
{
	fail_sweep(FAIL_MEMORY | FAIL_DISK, create_and_load, *state);
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLACE(test_create_makes_a_private_key_and_a_public_certificate),
		WITH_PLACE(test_create_is_what_openssl_reads),
		WITH_PLACE(test_create_never_overwrites),
		WITH_PLACE(test_create_twice_gives_two),
		WITH_PLACE(test_load_names_what_is_lost),
		WITH_PLACE(test_load_names_a_lost_key),
		WITH_PLACE(test_load_refuses_the_key_of_another_certificate),
		WITH_PLACE(test_load_refuses_a_key_that_others_may_read),
		WITH_PLACE(test_load_refuses_what_is_too_large),
		WITH_PLACE(test_failures_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
