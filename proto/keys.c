#include "kluis/keys.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "kluis/file.h"
#include "kluis/hash.h"

#define PRIVATE_PREFIX "PRIVATE+KEY+"
#define ID_DIGITS 8
/* type || key, as it stands in base64 in a vkey and in a private file */
#define TYPED_SIZE (1 + KEY_SIZE)
/* A private file or a vkey is shorter, bytes. */
#define KEY_TEXT_MAX 512
/* domain || message up to this many bytes is put together on the stack: a lookup's request is. */
#define SIGNED_SMALL 2048
/* Bytes that base64_append turns into text at a time; three are four characters. */
#define BASE64_CHUNK 384

static_assert(crypto_sign_PUBLICKEYBYTES == KEY_SIZE && crypto_sign_SEEDBYTES == KEY_SIZE, "Ed25519");
static_assert(crypto_sign_BYTES == SIGNATURE_SIZE, "Ed25519");

enum err keys_init(void)
{
	return sodium_init() < 0 ? ERR_CRYPTO : ERR_OK;
}

/* What Unicode calls white space, in UTF-8, besides control characters: U+0020, U+00A0, U+1680, U+2000 to U+200A,
 * U+2028, U+2029, U+202F, U+205F, U+3000. */
static const char *const unicode_spaces[] = {
	" ",	  "\u00A0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006",
	"\u2007", "\u2008", "\u2009", "\u200A", "\u2028", "\u2029", "\u202F", "\u205F", "\u3000",
};

static bool is_ascii(struct slice text)
{
	uint8_t all = 0;

	for (size_t i = 0; i < text.length; i++)
		all |= text.data[i];
	return all < 0x80;
}

static bool has_space(struct slice text)
{
	if (is_ascii(text)) /* the names of every request are */
		return memchr(text.data, ' ', text.length) != NULL;
	for (size_t i = 0; i < sizeof(unicode_spaces) / sizeof(unicode_spaces[0]); i++) {
		struct slice space = slice_text(unicode_spaces[i]);

		if (memmem(text.data, text.length, space.data, space.length) != NULL)
			return true;
	}
	return false;
}

bool key_name_is_valid(struct slice name)
{
	if (name.length == 0 || name.length > PRINCIPAL_MAX)
		return false;
	return slice_is_text(name, false) && memchr(name.data, '+', name.length) == NULL && !has_space(name);
}

static uint32_t key_id(struct slice name, uint8_t type, const uint8_t key[static KEY_SIZE])
{
	const uint8_t middle[2] = {'\n', type};
	uint8_t hash[HASH_SIZE];
	struct sha256_stream stream;

	sha256_begin(&stream);
	sha256_update(&stream, name);
	sha256_update(&stream, SLICE_ARRAY(middle));
	sha256_update(&stream, SLICE(key, KEY_SIZE));
	sha256_end(&stream, hash);
	return get_u32(hash);
}

enum err public_key_init(struct public_key *ret_key, struct slice name, uint8_t type,
			 const uint8_t key[static KEY_SIZE])
{
	struct public_key made = {.type = type};

	if (!key_name_is_valid(name))
		return ERR_INPUT;
	memcpy(made.name, name.data, name.length);
	memcpy(made.key, key, KEY_SIZE);
	made.id = key_id(name, type, key);
	*ret_key = made;
	return ERR_OK;
}

/* The three parts of "<name>+<id>+<base64>"; base64 may have a plus sign itself. */
struct key_text {
	struct slice name;
	uint32_t id;
	struct slice base64;
};

static enum err split_key_text(struct slice text, struct key_text *ret_parts)
{
	const uint8_t *plus = text.length == 0 ? NULL : memchr(text.data, '+', text.length);
	struct key_text parts;
	uint8_t id[4];
	size_t name_length;

	if (plus == NULL)
		return ERR_INPUT;
	name_length = (size_t)(plus - text.data);
	parts.name = slice_part(text, 0, name_length);
	TRY(hex_parse(slice_part(text, name_length + 1, ID_DIGITS), id, sizeof(id)));
	parts.id = get_u32(id);
	if (!slice_equal(slice_part(text, name_length + 1 + ID_DIGITS, 1), slice_text("+")))
		return ERR_INPUT;
	parts.base64 = slice_part(text, name_length + 1 + ID_DIGITS + 1, text.length);
	*ret_parts = parts;
	return ERR_OK;
}

/* FORMAT.md R4: a vkey whose id is not the recomputed one is refused. */
enum err public_key_parse(struct slice vkey, struct public_key *ret_key, struct fault *fault)
{
	struct bytes typed CLEANUP(bytes_fini) = {0};
	struct key_text parts;
	struct public_key key;

	bytes_init(&typed, TYPED_SIZE);
	if (vkey.length > KEY_TEXT_MAX || split_key_text(vkey, &parts) != ERR_OK)
		return fault_set(fault, ERR_INPUT, "a vkey is <name>+<8 hex digits>+<base64>");
	if (base64_decode(parts.base64, &typed) == ERR_MEMORY)
		return ERR_MEMORY;
	if (typed.length != TYPED_SIZE)
		return fault_set(fault, ERR_INPUT, "a vkey's last part is base64 of a type and 32 bytes");
	if (typed.data[0] != KEY_TYPE_ED25519 && typed.data[0] != KEY_TYPE_COSIGNATURE)
		return fault_set(fault, ERR_INPUT, "a vkey of type %u: only 1 and 4 (Ed25519) are known",
				 typed.data[0]);
	if (public_key_init(&key, parts.name, typed.data[0], typed.data + 1) != ERR_OK)
		return fault_set(fault, ERR_INPUT, "a vkey's name is empty, too long or has a space in it");
	if (key.id != parts.id)
		return fault_set(fault, ERR_INPUT, "vkey of %s: its id is %08x, not %08x", key.name, key.id, parts.id);
	*ret_key = key;
	return ERR_OK;
}

/* "<prefix><name>+<id>+<base64(type || key)>" */
static enum err append_key_text(const char *prefix, const struct public_key *public, const uint8_t key[static KEY_SIZE],
				struct bytes *text)
{
	uint8_t typed[TYPED_SIZE] = {public->type};
	enum err err = bytes_printf(text, "%s%s+%08x+", prefix, public->name, public->id);

	memcpy(typed + 1, key, KEY_SIZE);
	if (err == ERR_OK)
		err = base64_append(SLICE_ARRAY(typed), text);
	wipe(typed, sizeof(typed));
	return err;
}

enum err public_key_print(const struct public_key *key, struct bytes *ret_vkey)
{
	size_t before = ret_vkey->length;
	enum err err = append_key_text("", key, key->key, ret_vkey);

	if (err != ERR_OK)
		ret_vkey->length = before;
	return err;
}

bool public_key_equal(const struct public_key *a, const struct public_key *b)
{
	return a->type == b->type && a->id == b->id && strcmp(a->name, b->name) == 0 &&
	       slice_equal(SLICE_ARRAY(a->key), SLICE_ARRAY(b->key));
}

enum err secret_key_from_seed(struct slice name, const uint8_t seed[static KEY_SIZE], struct secret_key *ret_key)
{
	struct secret_key made = {.secret = sodium_malloc(crypto_sign_SECRETKEYBYTES)};
	uint8_t public[KEY_SIZE];
	enum err err;

	if (made.secret == NULL)
		return ERR_MEMORY;
	crypto_sign_seed_keypair(public, made.secret, seed);
	err = public_key_init(&made.public, name, KEY_TYPE_ED25519, public);
	if (err != ERR_OK) {
		secret_key_fini(&made);
		return err;
	}
	*ret_key = made;
	return ERR_OK;
}

enum err secret_key_new(struct slice name, struct secret_key *ret_key)
{
	uint8_t seed[KEY_SIZE];
	enum err err;

	random_bytes(seed, sizeof(seed));
	err = secret_key_from_seed(name, seed, ret_key);
	wipe(seed, sizeof(seed));
	return err;
}

void secret_key_fini(struct secret_key *key)
{
	sodium_free(key->secret);
	*key = (struct secret_key){0};
}

enum err secret_key_write(const struct secret_key *key, const char *path, struct fault *fault)
{
	struct bytes text CLEANUP(bytes_fini) = {0};

	bytes_init_secret(&text, KEY_TEXT_MAX);
	/* the first half of libsodium's secret key is the seed */
	TRY(append_key_text(PRIVATE_PREFIX, &key->public, key->secret, &text));
	TRY(bytes_append_u8(&text, '\n'));
	return file_create(path, bytes_slice(&text), 0600, fault);
}

/* Reads a private file's one line, without its newline. */
static enum err read_line(const char *path, struct bytes *text, struct slice *ret_line, struct fault *fault)
{
	struct reader reader;
	struct slice line;
	enum err err = file_read_private(path, text, fault);

	if (err != ERR_OK)
		return err == ERR_TOO_LARGE ? ERR_INPUT : err;
	reader = reader_of(bytes_slice(text));
	line = reader_line(&reader);
	if (reader.is_short || reader.rest.length > 0)
		return fault_set(fault, ERR_INPUT, "%s is not a key file: it must have exactly one line", path);
	*ret_line = line;
	return ERR_OK;
}

/* What stands after PRIVATE+KEY+. */
static enum err parse_private(struct slice line, struct secret_key *ret_key)
{
	struct bytes typed CLEANUP(bytes_fini) = {0};
	struct key_text parts;
	struct secret_key key;

	bytes_init_secret(&typed, TYPED_SIZE);
	TRY(split_key_text(line, &parts));
	TRY(base64_decode(parts.base64, &typed));
	if (typed.length != TYPED_SIZE || typed.data[0] != KEY_TYPE_ED25519)
		return ERR_INPUT;
	TRY(secret_key_from_seed(parts.name, typed.data + 1, &key));
	if (key.public.id != parts.id) {
		secret_key_fini(&key);
		return ERR_INPUT;
	}
	*ret_key = key;
	return ERR_OK;
}

enum err secret_key_read(const char *path, struct secret_key *ret_key, struct fault *fault)
{
	const size_t prefix = sizeof(PRIVATE_PREFIX) - 1;
	struct bytes text CLEANUP(bytes_fini) = {0};
	struct slice line;
	enum err err = ERR_INPUT;

	bytes_init_secret(&text, KEY_TEXT_MAX);
	TRY(read_line(path, &text, &line, fault));
	if (slice_equal(slice_part(line, 0, prefix), slice_text(PRIVATE_PREFIX)))
		err = parse_private(slice_part(line, prefix, line.length), ret_key);
	if (err == ERR_OK || err == ERR_MEMORY)
		return err;
	return fault_set(fault, ERR_INPUT, "%s is not a private key file (PRIVATE+KEY+<name>+<id>+<base64>)", path);
}

enum err secret_bytes_create(const char *path, struct fault *fault)
{
	struct bytes text CLEANUP(bytes_fini) = {0};
	uint8_t key[KEY_SIZE];
	enum err err;

	bytes_init_secret(&text, KEY_TEXT_MAX);
	random_bytes(key, sizeof(key));
	err = base64_append(SLICE_ARRAY(key), &text);
	wipe(key, sizeof(key));
	TRY(err);
	TRY(bytes_append_u8(&text, '\n'));
	return file_create(path, bytes_slice(&text), 0600, fault);
}

enum err secret_bytes_read(const char *path, uint8_t **ret_key, struct fault *fault)
{
	struct bytes text CLEANUP(bytes_fini) = {0};
	struct bytes key CLEANUP(bytes_fini) = {0};
	struct slice line;
	uint8_t *made;
	enum err err;

	bytes_init_secret(&text, KEY_TEXT_MAX);
	bytes_init_secret(&key, KEY_SIZE);
	TRY(read_line(path, &text, &line, fault));
	err = base64_decode(line, &key);
	if (err == ERR_MEMORY)
		return err;
	if (err != ERR_OK || key.length != KEY_SIZE)
		return fault_set(fault, ERR_INPUT, "%s is not a key file: it must have 32 bytes in base64", path);
	made = sodium_malloc(KEY_SIZE);
	if (made == NULL)
		return ERR_MEMORY;
	memcpy(made, key.data, KEY_SIZE);
	*ret_key = made;
	return ERR_OK;
}

void secret_bytes_free(uint8_t **key)
{
	sodium_free(*key);
	*key = NULL;
}

/* domain || message in one piece, as libsodium wants it: small is used if it is large enough, else buffer. */
static enum err join(const char *domain, struct slice message, uint8_t small[static SIGNED_SMALL], struct bytes *buffer,
		     struct slice *ret_signed)
{
	struct slice first = slice_text(domain);
	uint8_t *place = small;

	if (first.length == 0) {
		*ret_signed = message;
		return ERR_OK;
	}
	if (message.length > SIGNED_SMALL || first.length > SIGNED_SMALL - message.length) {
		bytes_init(buffer, first.length + message.length);
		TRY(bytes_reserve(buffer, first.length + message.length, &place));
	}
	memcpy(place, first.data, first.length);
	if (message.length > 0)
		memcpy(place + first.length, message.data, message.length);
	*ret_signed = SLICE(place, first.length + message.length);
	return ERR_OK;
}

enum err key_sign(const struct secret_key *key, const char *domain, struct slice message,
		  uint8_t ret_signature[static SIGNATURE_SIZE])
{
	struct bytes buffer CLEANUP(bytes_fini) = {0};
	uint8_t small[SIGNED_SMALL];
	struct slice whole;

	TRY(join(domain, message, small, &buffer, &whole));
	crypto_sign_detached(ret_signature, NULL, whole.data, whole.length, key->secret);
	return ERR_OK;
}

enum err key_verify(const uint8_t key[static KEY_SIZE], const char *domain, struct slice message,
		    struct slice signature)
{
	struct bytes buffer CLEANUP(bytes_fini) = {0};
	uint8_t small[SIGNED_SMALL];
	struct slice whole;

	if (signature.length != SIGNATURE_SIZE)
		return ERR_SIGNATURE;
	TRY(join(domain, message, small, &buffer, &whole));
	if (crypto_sign_verify_detached(signature.data, whole.data, whole.length, key) != 0)
		return ERR_SIGNATURE;
	return ERR_OK;
}

enum err base64_append(struct slice bytes, struct bytes *ret_text)
{
	char text[BASE64_CHUNK / 3 * 4 + 1]; /* libsodium adds a terminating zero */
	size_t before = ret_text->length;
	enum err err = ERR_OK;

	for (size_t from = 0; from < bytes.length && err == ERR_OK; from += BASE64_CHUNK) {
		struct slice part = slice_part(bytes, from, BASE64_CHUNK);

		sodium_bin2base64(text, sizeof(text), part.data, part.length, sodium_base64_VARIANT_ORIGINAL);
		err = bytes_append(ret_text, slice_text(text));
	}
	if (err != ERR_OK)
		ret_text->length = before;
	wipe(text, sizeof(text));
	return err;
}

enum err base64_decode(struct slice text, struct bytes *ret_bytes)
{
	uint8_t *place;
	size_t length, size = text.length / 4 * 3;

	/* libsodium 1.0.18 takes bytes over 0x7F for characters of the alphabet */
	if (text.length % 4 != 0 || !is_ascii(text))
		return ERR_INPUT;
	if (text.length > 0 && text.data[text.length - 1] == '=')
		size -= text.data[text.length - 2] == '=' ? 2 : 1;
	if (size == 0)
		return text.length == 0 ? ERR_OK : ERR_INPUT;
	TRY(bytes_reserve(ret_bytes, size, &place));
	if (sodium_base642bin(place, size, (const char *)text.data, text.length, NULL, &length, NULL,
			      sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    length != size)
		return ERR_INPUT;
	ret_bytes->length += length;
	return ERR_OK;
}

void hex_print(struct slice bytes, char *ret_text)
{
	sodium_bin2hex(ret_text, bytes.length * 2 + 1, bytes.data, bytes.length);
}

static bool hex_digit(uint8_t digit, uint8_t *ret_value)
{
	if (digit >= '0' && digit <= '9')
		*ret_value = (uint8_t)(digit - '0');
	else if (digit >= 'a' && digit <= 'f')
		*ret_value = (uint8_t)(digit - 'a' + 10);
	else
		return false;
	return true;
}

enum err hex_parse(struct slice text, uint8_t *ret_bytes, size_t size)
{
	uint8_t high, low;

	if (text.length != size * 2)
		return ERR_INPUT;
	for (size_t i = 0; i < text.length; i++) {
		if (!hex_digit(text.data[i], &low))
			return ERR_INPUT;
	}
	for (size_t i = 0; i < size; i++) {
		if (!hex_digit(text.data[2 * i], &high) || !hex_digit(text.data[2 * i + 1], &low))
			return ERR_INPUT;
		ret_bytes[i] = (uint8_t)(high << 4 | low);
	}
	return ERR_OK;
}
