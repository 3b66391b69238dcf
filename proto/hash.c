#include "kluis/hash.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>

#define COMMITMENT_DOMAIN "kluis/commitment/v1\n"
#define HANDLE_DOMAIN "kluis/handle/v1\n"
#define NONCE_SIZE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_SIZE crypto_aead_xchacha20poly1305_ietf_ABYTES

static_assert(HASH_SIZE == crypto_hash_sha256_BYTES, "SHA-256");
static_assert(sizeof(crypto_hash_sha256_state) <= sizeof(struct sha256_stream), "a stream holds the state");
static_assert(_Alignof(crypto_hash_sha256_state) <= 16, "a stream is aligned for the state");
static_assert(NONCE_SIZE + TAG_SIZE == SEAL_OVERHEAD, "what sealing adds");
static_assert(KEY_SIZE == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "XChaCha20 key");
static_assert(PIN_HASH_SIZE == crypto_pwhash_argon2id_STRBYTES, "a PIN's hash as text");
static_assert(SALT_SIZE <= crypto_generichash_blake2b_KEYBYTES_MAX, "a salt is a BLAKE2b key");

void sha256(struct slice bytes, uint8_t ret_hash[static HASH_SIZE])
{
	crypto_hash_sha256(ret_hash, bytes.data, bytes.length);
}

static crypto_hash_sha256_state *state_of(struct sha256_stream *stream)
{
	return (crypto_hash_sha256_state *)(void *)stream->state;
}

void sha256_begin(struct sha256_stream *stream)
{
	crypto_hash_sha256_init(state_of(stream));
}

void sha256_update(struct sha256_stream *stream, struct slice bytes)
{
	if (bytes.length > 0)
		crypto_hash_sha256_update(state_of(stream), bytes.data, bytes.length);
}

void sha256_end(struct sha256_stream *stream, uint8_t ret_hash[static HASH_SIZE])
{
	crypto_hash_sha256_final(state_of(stream), ret_hash);
}

void blake2b(struct slice key, const char *domain, struct slice bytes, uint8_t ret_hash[static HASH_SIZE])
{
	crypto_generichash_blake2b_state state;

	assert(key.length <= crypto_generichash_blake2b_KEYBYTES_MAX);
	crypto_generichash_blake2b_init(&state, key.data, key.length, HASH_SIZE);
	if (domain[0] != '\0')
		crypto_generichash_blake2b_update(&state, (const uint8_t *)domain, strlen(domain));
	if (bytes.length > 0)
		crypto_generichash_blake2b_update(&state, bytes.data, bytes.length);
	crypto_generichash_blake2b_final(&state, ret_hash, HASH_SIZE);
	wipe(&state, sizeof(state));
}

void commitment_make(const uint8_t salt[static SALT_SIZE], struct slice content,
		     uint8_t ret_commitment[static HASH_SIZE])
{
	blake2b(SLICE(salt, SALT_SIZE), COMMITMENT_DOMAIN, content, ret_commitment);
}

enum err commitment_check(struct slice commitment, struct slice salt, struct slice content)
{
	uint8_t expected[HASH_SIZE];

	if (commitment.length != HASH_SIZE || salt.length != SALT_SIZE)
		return ERR_COMMITMENT;
	commitment_make(salt.data, content, expected);
	return sodium_memcmp(expected, commitment.data, HASH_SIZE) == 0 ? ERR_OK : ERR_COMMITMENT;
}

void handle_make(const uint8_t key[static KEY_SIZE], uint8_t field, struct slice normal_form,
		 uint8_t ret_hash[static HANDLE_SIZE])
{
	uint8_t bytes[1 + VALUE_MAX], hash[HASH_SIZE];

	assert(normal_form.length <= VALUE_MAX);
	bytes[0] = field;
	if (normal_form.length > 0)
		memcpy(bytes + 1, normal_form.data, normal_form.length);
	blake2b(SLICE(key, KEY_SIZE), HANDLE_DOMAIN, SLICE(bytes, 1 + normal_form.length), hash);
	memcpy(ret_hash, hash, HANDLE_SIZE);
	wipe(bytes, sizeof(bytes));
}

enum err seal(const uint8_t key[static KEY_SIZE], struct slice associated, struct slice plain, struct bytes *ret_sealed)
{
	uint8_t *nonce;

	if (plain.length > SIZE_MAX - SEAL_OVERHEAD)
		return ERR_TOO_LARGE;
	TRY(bytes_reserve(ret_sealed, plain.length + SEAL_OVERHEAD, &nonce));
	random_bytes(nonce, NONCE_SIZE);
	crypto_aead_xchacha20poly1305_ietf_encrypt(nonce + NONCE_SIZE, NULL, plain.data, plain.length, associated.data,
						   associated.length, NULL, nonce, key);
	ret_sealed->length += plain.length + SEAL_OVERHEAD;
	return ERR_OK;
}

enum err unseal(const uint8_t key[static KEY_SIZE], struct slice associated, struct slice sealed,
		struct bytes *ret_plain)
{
	uint8_t *plain;

	if (sealed.length < SEAL_OVERHEAD)
		return ERR_CRYPTO;
	TRY(bytes_reserve(ret_plain, sealed.length - SEAL_OVERHEAD, &plain));
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, sealed.data + NONCE_SIZE,
						       sealed.length - NONCE_SIZE, associated.data, associated.length,
						       sealed.data, key) != 0)
		return ERR_CRYPTO;
	ret_plain->length += sealed.length - SEAL_OVERHEAD;
	return ERR_OK;
}

/* libsodium's texts may be empty, not NULL. */
static const char *pin_text(struct slice pin)
{
	return pin.length == 0 ? "" : (const char *)pin.data;
}

enum err pin_hash(struct slice pin, char ret_hash[static PIN_HASH_SIZE])
{
	int failed = crypto_pwhash_argon2id_str(ret_hash, pin_text(pin), pin.length, crypto_pwhash_OPSLIMIT_INTERACTIVE,
						crypto_pwhash_MEMLIMIT_INTERACTIVE);

	return failed == 0 ? ERR_OK : ERR_MEMORY;
}

/* Of a PIN that nobody has kept, at the same cost. */
static const char nobodys_pin[PIN_HASH_SIZE] =
	"$argon2id$v=19$m=65536,t=2,p=1$p35eCLF13y6ot6urHpEzew$I/NQFRai+HcMKEjSAdfmPbb0FtKwrdAjZAoo2xJ1kWk";

enum err pin_verify(const char hash[static PIN_HASH_SIZE], struct slice pin)
{
	bool is_none = hash[0] == '\0';

	if (!is_none && crypto_pwhash_argon2id_str_needs_rehash(hash, crypto_pwhash_OPSLIMIT_INTERACTIVE,
								crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0)
		return ERR_CORRUPT;
	errno = 0;
	bool is_right = crypto_pwhash_argon2id_str_verify(is_none ? nobodys_pin : hash, pin_text(pin), pin.length) == 0;
	if (!is_right && errno == ENOMEM)
		return ERR_MEMORY;
	return is_right && !is_none ? ERR_OK : ERR_FORBIDDEN;
}

bool secret_equal(struct slice a, struct slice b)
{
	return a.length == b.length && (a.length == 0 || sodium_memcmp(a.data, b.data, a.length) == 0);
}

void random_bytes(uint8_t *ret_bytes, size_t count)
{
	randombytes_buf(ret_bytes, count);
}

void wipe(void *place, size_t count)
{
	sodium_memzero(place, count);
}
