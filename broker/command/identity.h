/*
 * Which of its certificates the broker shows: of those that the trust in force names the first that it has (FORMAT.md
 * R141), without a trust note the one of init. Certificate n > 1 stands in tls-<n>.crt and tls-<n>.key.
 *
 * Threads: main thread only.
 */
#ifndef KLUIS_BROKER_IDENTITY_H
#define KLUIS_BROKER_IDENTITY_H

#include "command/folder.h"
#include "server/tls.h"

/* The certificate's number; certificates_pem: the trust's, NULL without one. ERR_CERTIFICATE when the folder has none
 * of them. */
enum err identity_number(const char *folder, const char *certificates_pem, uint32_t *ret_number,
			 struct fault *fault) MUST_USE;
/* Reads it with its key. */
enum err identity_load(const char *folder, uint32_t number, struct tls_identity *ret_identity,
		       struct fault *fault) MUST_USE;
/* The text of a certificate's file with a terminating zero. */
enum err identity_pem(const char *folder, uint32_t number, struct bytes *ret_pem, struct fault *fault) MUST_USE;

#endif
