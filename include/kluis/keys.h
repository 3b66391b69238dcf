/*
 * Ed25519 keys under C2SP names, and the files that hold them.
 *
 * A key's name says who signs: <origin>/controller, <origin>/log,
 * <origin>/store/<n>, <origin>/auditor/<name>. The public form is a vkey
 * (name+id+base64), the private form a file of mode 0600 with one line
 * "PRIVATE+KEY+<name>+<id>+<base64(type || seed)>" (the form of
 * golang.org/x/mod/sumdb/note). FORMAT.md R1-R6.
 *
 * Threads: objects belong to their creator; signing and verifying share nothing.
 */
#ifndef KLUIS_KEYS_H
#define KLUIS_KEYS_H

#include "kluis/bytes.h"
#include "kluis/limits.h"
#include "kluis/principal.h"

/* Signature types of C2SP signed-note. */
#define KEY_TYPE_ED25519 0x01
#define KEY_TYPE_COSIGNATURE 0x04

struct public_key {
	char name[PRINCIPAL_MAX + 1];
	uint8_t type; /* KEY_TYPE_* */
	uint32_t id;  /* first 4 bytes of SHA-256(name || 0x0A || type || key) */
	uint8_t key[KEY_SIZE];
};

/* Secret part in locked memory. */
struct secret_key {
	struct public_key public;
	uint8_t *secret; /* 64 bytes from sodium_malloc: Ed25519 secret key */
};

/* Starts libsodium; once, before anything else of kluis. ERR_CRYPTO if it cannot. */
enum err keys_init(void) MUST_USE;

/* True if name may be a key name: 1 to 255 bytes of UTF-8, no Unicode space, no plus sign. */
bool key_name_is_valid(struct slice name);

/* Fills in the id. name must be valid (else ERR_INPUT). */
enum err public_key_init(struct public_key *ret_key, struct slice name, uint8_t type,
			 const uint8_t key[static KEY_SIZE]) MUST_USE;
/* Reads a vkey; the id in it must be the recomputed one. ERR_INPUT. */
enum err public_key_parse(struct slice vkey, struct public_key *ret_key, struct fault *fault) MUST_USE;
/* Appends the vkey. */
enum err public_key_print(const struct public_key *key, struct bytes *ret_vkey) MUST_USE;
bool public_key_equal(const struct public_key *a, const struct public_key *b);

/* A new random key, or the one of a 32-byte seed (tests, vectors). */
enum err secret_key_new(struct slice name, struct secret_key *ret_key) MUST_USE;
enum err secret_key_from_seed(struct slice name, const uint8_t seed[static KEY_SIZE],
			      struct secret_key *ret_key) MUST_USE;
void secret_key_fini(struct secret_key *key);

/* Writes the private file, mode 0600, fsynced with its folder; never overwrites (ERR_EXISTS). */
enum err secret_key_write(const struct secret_key *key, const char *path, struct fault *fault) MUST_USE;
/* Reads it. ERR_MODE when group or others may do anything with it or another user
 * owns it, ERR_NOT_FOUND, ERR_INPUT when it is not such a file. */
enum err secret_key_read(const char *path, struct secret_key *ret_key, struct fault *fault) MUST_USE;

/* 32 raw secret bytes (master key, sealing key) in a file of mode 0600, as one
 * line of base64; the same checks. ret_key is 32 bytes of sodium_malloc memory, freed with
 * secret_bytes_free. create makes a random one and never overwrites. */
enum err secret_bytes_create(const char *path, struct fault *fault) MUST_USE;
enum err secret_bytes_read(const char *path, uint8_t **ret_key, struct fault *fault) MUST_USE;
void secret_bytes_free(uint8_t **key);

/* Plain Ed25519 over domain || message, without building the concatenation for
 * long messages twice: domain is a C string that ends in a newline, "" for none. */
enum err key_sign(const struct secret_key *key, const char *domain, struct slice message,
		  uint8_t ret_signature[static SIGNATURE_SIZE]) MUST_USE;
/* ERR_SIGNATURE if it does not verify. */
enum err key_verify(const uint8_t key[static KEY_SIZE], const char *domain, struct slice message,
		    struct slice signature) MUST_USE;

/* Standard base64 with padding. decode is strict: canonical, no line breaks. */
enum err base64_append(struct slice bytes, struct bytes *ret_text) MUST_USE;
enum err base64_decode(struct slice text, struct bytes *ret_bytes) MUST_USE;
/* Lower-case hex; ret_text needs 2 * length + 1 bytes. */
void hex_print(struct slice bytes, char *ret_text);
/* Exactly size bytes of lower-case hex. ERR_INPUT. */
enum err hex_parse(struct slice text, uint8_t *ret_bytes, size_t size) MUST_USE;

#endif
