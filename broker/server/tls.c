#include "server/tls.h"

#include <mbedtls/bignum.h>
#include <mbedtls/ecp.h>
#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kluis/clock.h"
#include "kluis/file.h"
#include "kluis/hash.h"
#include "kluis/link.h"

#define SERIAL_SIZE 16 /* RFC 5280 4.1.2.2: at most 20 octets */
#define DAY_MS (24ull * 60 * 60 * 1000)
#define NO_END "99991231235959" /* RFC 5280 4.1.2.5: no well-defined expiration date */
#define TIME_SIZE 15		/* YYYYMMDDhhmmss and a zero */

/* subjectAltName (RFC 5280 4.2.1.6) with one dNSName, TLS_SERVER_NAME; mbedtls 2.28 has no writer for it. */
static const unsigned char alternative_name[] = {0x30, 14,  0x82, 12,  'k', 'l', 'u', 'i',
						 's',  '-', 'b',  'r', 'o', 'k', 'e', 'r'};
static_assert(sizeof(TLS_SERVER_NAME) - 1 == 12 && sizeof(alternative_name) == 16, "the name fits its DER lengths");

/* mbedtls asks for its random numbers here: they are libsodium's, from the kernel. */
static int draw_random(void *context, unsigned char *place, size_t count)
{
	(void)context;
	random_bytes(place, count);
	return 0;
}

static enum err generate_key(mbedtls_pk_context *key)
{
	if (mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)) != 0)
		return ERR_MEMORY;
	if (mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key), draw_random, NULL) != 0)
		return ERR_CRYPTO;
	return ERR_OK;
}

static void print_begin(uint64_t now_ms, char ret_text[static TIME_SIZE])
{
	char time[25];
	time_print(now_ms - DAY_MS, time);
	/* "2026-11-22T16:13:32.123Z" to "20261122161332" */
	snprintf(ret_text, TIME_SIZE, "%.4s%.2s%.2s%.2s%.2s%.2s", time, time + 5, time + 8, time + 11, time + 14,
		 time + 17);
}

static int set_serial(mbedtls_x509write_cert *writer)
{
	uint8_t random[SERIAL_SIZE];
	random_bytes(random, sizeof(random));
	random[0] = (uint8_t)((random[0] & 0x7f) | 0x40); /* positive, never shorter */
	mbedtls_mpi serial;
	mbedtls_mpi_init(&serial);
	int failed = mbedtls_mpi_read_binary(&serial, random, sizeof(random)) ||
		     mbedtls_x509write_crt_set_serial(writer, &serial);
	mbedtls_mpi_free(&serial);
	return failed;
}

static int describe(mbedtls_x509write_cert *writer, mbedtls_pk_context *key, uint64_t now_ms)
{
	char begin[TIME_SIZE];
	print_begin(now_ms, begin);
	mbedtls_x509write_crt_set_version(writer, MBEDTLS_X509_CRT_VERSION_3);
	mbedtls_x509write_crt_set_md_alg(writer, MBEDTLS_MD_SHA256);
	mbedtls_x509write_crt_set_subject_key(writer, key);
	mbedtls_x509write_crt_set_issuer_key(writer, key);
	return mbedtls_x509write_crt_set_subject_name(writer, "CN=" TLS_SERVER_NAME) ||
	       mbedtls_x509write_crt_set_issuer_name(writer, "CN=" TLS_SERVER_NAME) || set_serial(writer) ||
	       mbedtls_x509write_crt_set_validity(writer, begin, NO_END) ||
	       mbedtls_x509write_crt_set_basic_constraints(writer, 0, -1) ||
	       mbedtls_x509write_crt_set_key_usage(writer, MBEDTLS_X509_KU_DIGITAL_SIGNATURE) ||
	       mbedtls_x509write_crt_set_extension(writer, MBEDTLS_OID_SUBJECT_ALT_NAME,
						   MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_ALT_NAME), 0, alternative_name,
						   sizeof(alternative_name));
}

/* Appends text printed into the reserved place by mbedtls, which ends it with a zero. */
static enum err finish_pem(struct bytes *pem, const uint8_t *place, int failed)
{
	if (failed)
		return ERR_CRYPTO;
	pem->length += strlen((const char *)place);
	return ERR_OK;
}

static enum err write_certificate(mbedtls_pk_context *key, uint64_t now_ms, struct bytes *ret_pem)
{
	uint8_t *place;
	TRY(bytes_reserve(ret_pem, 2048, &place));
	mbedtls_x509write_cert writer;
	mbedtls_x509write_crt_init(&writer);
	int failed =
		describe(&writer, key, now_ms) || mbedtls_x509write_crt_pem(&writer, place, 2048, draw_random, NULL);
	mbedtls_x509write_crt_free(&writer);
	return finish_pem(ret_pem, place, failed);
}

static enum err write_key(mbedtls_pk_context *key, struct bytes *ret_pem)
{
	uint8_t *place;
	TRY(bytes_reserve(ret_pem, 1024, &place));
	return finish_pem(ret_pem, place, mbedtls_pk_write_key_pem(key, place, 1024));
}

static enum err refuse_existing(const char *path, struct fault *fault)
{
	if (access(path, F_OK) == 0)
		return fault_set(fault, ERR_EXISTS, "'%s' exists already and is not overwritten", path);
	return ERR_OK;
}

enum err tls_create(const char *certificate_path, const char *key_path, uint64_t now_ms, struct fault *fault)
{
	TRY(refuse_existing(certificate_path, fault));
	TRY(refuse_existing(key_path, fault));
	CLEANUP(mbedtls_pk_free) mbedtls_pk_context key = {0};
	mbedtls_pk_init(&key);
	CLEANUP(bytes_fini) struct bytes certificate_pem = {0};
	CLEANUP(bytes_fini) struct bytes key_pem = {0};
	bytes_init(&certificate_pem, TLS_PEM_MAX);
	bytes_init_secret(&key_pem, TLS_PEM_MAX);

	TRY(generate_key(&key));
	TRY(write_certificate(&key, now_ms, &certificate_pem));
	TRY(write_key(&key, &key_pem));
	TRY(file_create(key_path, bytes_slice(&key_pem), 0600, fault));
	enum err err = file_create(certificate_path, bytes_slice(&certificate_pem), 0644, fault);
	if (err != ERR_OK)
		unlink(key_path); /* made just now, of no use alone, and in the way of another try */
	return err;
}

/* A missing or broken file is told apart from a failing disk; what to do is the same. */
static enum err read_pem(const char *path, struct bytes *ret_pem, struct fault *fault)
{
	struct fault cause = {0};
	enum err err = file_read(path, ret_pem, &cause);
	if (err == ERR_NOT_FOUND)
		return fault_set(fault, ERR_CERTIFICATE,
				 "'%s' is missing: restore it from a backup; every store trusts this certificate alone",
				 path);
	if (err == ERR_MEMORY)
		return err;
	if (err != ERR_OK)
		return fault_set(fault, ERR_CERTIFICATE, "'%s' cannot be read: %s", path, error_text(err));
	return bytes_append_u8(ret_pem, 0);
}

/* Both parse, and the private key is the certificate's. */
static enum err check_pair(const struct tls_identity *identity, const char *certificate_path, const char *key_path,
			   struct fault *fault)
{
	CLEANUP(mbedtls_pk_free) mbedtls_pk_context key = {0};
	CLEANUP(mbedtls_x509_crt_free) mbedtls_x509_crt certificate = {0};
	mbedtls_pk_init(&key);
	mbedtls_x509_crt_init(&certificate);
	if (mbedtls_x509_crt_parse(&certificate, identity->certificate.data, identity->certificate.length) != 0)
		return fault_set(fault, ERR_CERTIFICATE, "'%s' is not a certificate: restore it from a backup",
				 certificate_path);
	if (mbedtls_pk_parse_key(&key, identity->key.data, identity->key.length, NULL, 0) != 0)
		return fault_set(fault, ERR_CERTIFICATE, "'%s' is not a private key: restore it from a backup",
				 key_path);
	if (mbedtls_pk_check_pair(&certificate.pk, &key) != 0)
		return fault_set(fault, ERR_CERTIFICATE, "'%s' is not the key of '%s': restore both from one backup",
				 key_path, certificate_path);
	return ERR_OK;
}

enum err tls_load(const char *certificate_path, const char *key_path, struct tls_identity *ret_identity,
		  struct fault *fault)
{
	CLEANUP(tls_identity_fini) struct tls_identity identity = {0};
	bytes_init(&identity.certificate, TLS_PEM_MAX);
	bytes_init_secret(&identity.key, TLS_PEM_MAX);
	TRY(read_pem(certificate_path, &identity.certificate, fault));
	TRY(read_pem(key_path, &identity.key, fault));
	TRY(file_check_private(key_path, false, fault));
	TRY(check_pair(&identity, certificate_path, key_path, fault));
	*ret_identity = identity;
	bytes_init(&identity.certificate, 0);
	bytes_init(&identity.key, 0);
	return ERR_OK;
}

void tls_identity_fini(struct tls_identity *identity)
{
	bytes_fini(&identity->certificate);
	bytes_fini(&identity->key);
}
