/*
 * The hashes that formats name, and sealing: thin names over libsodium, so
 * that crypto_* is called in few files.
 *
 * Threads: any.
 */
#ifndef KLUIS_HASH_H
#define KLUIS_HASH_H

#include "kluis/bytes.h"
#include "kluis/limits.h"

void sha256(struct slice bytes, uint8_t ret_hash[static HASH_SIZE]);

/* A running SHA-256 for files. */
struct sha256_stream {
	_Alignas(16) uint8_t state[128]; /* crypto_hash_sha256_state, asserted to fit */
};
void sha256_begin(struct sha256_stream *stream);
void sha256_update(struct sha256_stream *stream, struct slice bytes);
void sha256_end(struct sha256_stream *stream, uint8_t ret_hash[static HASH_SIZE]);

/* BLAKE2b-256 over domain || bytes, keyed if key is not empty (1 to 64 bytes). */
void blake2b(struct slice key, const char *domain, struct slice bytes, uint8_t ret_hash[static HASH_SIZE]);

/* Commitment to content under salt: BLAKE2b-256(key = salt, "kluis/commitment/v1\n" || content). FORMAT.md R40. */
void commitment_make(const uint8_t salt[static SALT_SIZE], struct slice content,
		     uint8_t ret_commitment[static HASH_SIZE]);
/* ERR_COMMITMENT unless commitment is 32 bytes, salt 32 bytes and they agree; in constant time. */
enum err commitment_check(struct slice commitment, struct slice salt, struct slice content) MUST_USE;

/* The handle by which a store that has the handle key finds a value in its copy (FORMAT.md R130): first 16 bytes of
 * BLAKE2b-256(key, "kluis/handle/v1\n" || u8 field || normal form). normal_form: field_normalise's, at most VALUE_MAX
 * bytes. */
void handle_make(const uint8_t key[static KEY_SIZE], uint8_t field, struct slice normal_form,
		 uint8_t ret_hash[static HANDLE_SIZE]);

/* XChaCha20-Poly1305: appends nonce (24, random) || ciphertext || tag. associated is authenticated, not stored. */
#define SEAL_OVERHEAD 40
enum err seal(const uint8_t key[static KEY_SIZE], struct slice associated, struct slice plain,
	      struct bytes *ret_sealed) MUST_USE;
/* Appends the plaintext. ERR_CRYPTO if it does not open. */
enum err unseal(const uint8_t key[static KEY_SIZE], struct slice associated, struct slice sealed,
		struct bytes *ret_plain) MUST_USE;

/* What a PIN is kept as: Argon2id under a random salt at libsodium's "interactive" cost (2 passes over 64 MiB), as
 * zero-terminated text. ERR_MEMORY without these 64 MiB. */
#define PIN_HASH_SIZE 128
enum err pin_hash(struct slice pin, char ret_hash[static PIN_HASH_SIZE]) MUST_USE;
/* ERR_FORBIDDEN if it is another PIN. An empty text stands for none: it takes as long and no PIN is right. ERR_MEMORY,
 * ERR_CORRUPT for what is no such text. */
enum err pin_verify(const char hash[static PIN_HASH_SIZE], struct slice pin) MUST_USE;

/* Same length and bytes; how long it takes tells only the length. For tokens. */
bool secret_equal(struct slice a, struct slice b);

void random_bytes(uint8_t *ret_bytes, size_t count);
/* Zeroes in a way that the compiler keeps. */
void wipe(void *place, size_t count);

#endif
