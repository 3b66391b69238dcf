/*
 * The broker's certificate: made once by "init", self-signed, and pinned by
 * each invitation, so no authority outside has a say in who the broker is.
 *
 * Threads: any; nothing is shared.
 */
#ifndef KLUIS_BROKER_SERVER_TLS_H
#define KLUIS_BROKER_SERVER_TLS_H

#include "kluis/bytes.h"

#define TLS_PEM_MAX 16384

/* Certificate and private key as PEM, each with a terminating zero, as nng takes them. */
struct tls_identity {
	struct bytes certificate;
	struct bytes key; /* secret */
};

/* Makes a P-256 key and a certificate for it: name TLS_SERVER_NAME (as common name and as alternative name), random
 * serial, valid from a day before now_ms (clocks differ) without end (RFC 5280 4.1.2.5). The key's file has mode 0600,
 * the certificate's 0644. ERR_EXISTS when one of the files is there: nothing is overwritten. */
enum err tls_create(const char *certificate_path, const char *key_path, uint64_t now_ms, struct fault *fault) MUST_USE;

/* Reads both. ERR_CERTIFICATE when one is missing or unreadable, or they do not belong together, with a fault that
 * says which and what to do; ERR_MODE when others may read the key. */
enum err tls_load(const char *certificate_path, const char *key_path, struct tls_identity *ret_identity,
		  struct fault *fault) MUST_USE;
void tls_identity_fini(struct tls_identity *identity);

#endif
