/*
 * PINs. Each has a row of its own beside the employee's, "<handle>" || 0 || "pin", sealed under the agent's key with
 * its key as associated data:
 *
 *     u32 wrong tries in a row || u64 not before, milliseconds || Argon2id text (empty: none set)
 *
 * Who tries a handle that is not on the roster is counted as well, in one of 256 rows that such handles share by a
 * keyed hash: so neither the answer nor the time that the disk takes tells which handles there are, and no number of
 * invented handles fills the disk.
 */
#include "staff.h"

#include <stdio.h>
#include <string.h>

#include "kluis/ini.h"

#define WAIT_MS UINT64_C(30000)
static const char PIN_SUFFIX[4] = {'\0', 'p', 'i', 'n'};

#define ROW_HEAD (4 + 8)
#define ROW_MAX (ROW_HEAD + PIN_HASH_SIZE)
#define UNKNOWN_DOMAIN "kluis/staff/unknown/v1\n"

static_assert(STAFF_TRIES_MAX - STAFF_TRIES < 32, "doubling the wait stays within 64 bits");

struct pin {
	uint32_t wrong;
	uint64_t not_before_ms;
	char hash[PIN_HASH_SIZE];
};

struct slice staff_pin_key(struct slice handle, uint8_t place[static STAFF_KEY_MAX])
{
	assert(handle.length >= 1 && handle.length <= NAME_MAX_);
	memcpy(place, handle.data, handle.length);
	memcpy(place + handle.length, PIN_SUFFIX, sizeof PIN_SUFFIX);
	return SLICE(place, handle.length + sizeof PIN_SUFFIX);
}

bool staff_is_pin_key(struct slice key)
{
	return memchr(key.data, '\0', key.length) != NULL;
}

/* ---- the row ---- */

static enum err decode(struct slice plain, struct pin *ret_pin)
{
	struct reader reader = reader_of(plain);
	struct pin pin = {.wrong = reader_u32(&reader), .not_before_ms = reader_u64(&reader)};

	if (reader.is_short || reader.rest.length >= sizeof pin.hash)
		return ERR_CORRUPT;
	if (reader.rest.length > 0)
		memcpy(pin.hash, reader.rest.data, reader.rest.length);
	*ret_pin = pin;
	return ERR_OK;
}

/* Of one without a row nothing was tried and nothing is set. */
static enum err read_pin(const struct replica *replica, struct store_txn *txn, struct slice key, struct pin *ret_pin)
{
	struct bytes plain CLEANUP(bytes_fini) = {0};
	struct slice sealed;
	enum err err = store_get(txn, REPLICA_STAFF, key, &sealed);

	if (err == ERR_NOT_FOUND) {
		*ret_pin = (struct pin){.hash = ""};
		return ERR_OK;
	}
	TRY(err);
	bytes_init_secret(&plain, ROW_MAX);
	TRY(unseal(replica->key, key, sealed, &plain));
	return decode(bytes_slice(&plain), ret_pin);
}

static enum err write_pin(const struct replica *replica, struct store_txn *txn, struct slice key, const struct pin *pin)
{
	struct bytes plain CLEANUP(bytes_fini) = {0}, sealed CLEANUP(bytes_fini) = {0};

	bytes_init_secret(&plain, ROW_MAX);
	bytes_init(&sealed, ROW_MAX + SEAL_OVERHEAD);
	TRY(bytes_append_u32(&plain, pin->wrong));
	TRY(bytes_append_u64(&plain, pin->not_before_ms));
	TRY(bytes_append(&plain, slice_text(pin->hash)));
	TRY(seal(replica->key, key, bytes_slice(&plain), &sealed));
	store_put(txn, REPLICA_STAFF, key, bytes_slice(&sealed));
	return ERR_OK;
}

/* ---- setting one ---- */

struct setting {
	const struct replica *replica;
	const char *handle;
	struct pin pin;
};

static enum err set_pin(struct store_txn *txn, void *context)
{
	const struct setting *setting = context;
	uint8_t place[STAFF_KEY_MAX];
	struct slice employee;

	TRY(store_get(txn, REPLICA_STAFF, slice_text(setting->handle), &employee));
	return write_pin(setting->replica, txn, staff_pin_key(slice_text(setting->handle), place), &setting->pin);
}

static bool is_pin(struct slice pin)
{
	bool is_one_character = true;

	if (pin.length < STAFF_PIN_MIN || pin.length > STAFF_PIN_MAX || !slice_is_text(pin, false))
		return false;
	for (size_t i = 1; i < pin.length; i++)
		is_one_character = is_one_character && pin.data[i] == pin.data[0];
	return !is_one_character;
}

/* The employee, unless the broker is only waited for to hear that it has left. */
static enum err get_present(const struct replica *replica, const char *handle, struct replica_employee *ret_employee)
{
	struct replica_employee employee;

	if (!ini_is_name(handle))
		return ERR_NOT_FOUND;
	TRY(replica_get_employee(replica, handle, &employee));
	if (employee.role[0] == '\0')
		return ERR_NOT_FOUND;
	*ret_employee = employee;
	return ERR_OK;
}

enum err staff_set_pin(const struct replica *replica, const char *handle, struct slice pin)
{
	struct setting setting = {.replica = replica, .handle = handle};
	struct replica_employee employee;

	if (!is_pin(pin))
		return ERR_VALUE;
	TRY(get_present(replica, handle, &employee));
	TRY(pin_hash(pin, setting.pin.hash));
	enum err err = store_update(replica->store, set_pin, &setting);
	wipe(&setting.pin, sizeof setting.pin);
	return err;
}

/* ---- trying one ---- */

struct trying {
	const struct replica *replica;
	struct slice key;
	uint64_t now_ms;
	struct pin pin;
	uint64_t wait_ms;
};

static uint64_t wait_after(uint32_t wrong)
{
	return wrong < STAFF_TRIES ? 0 : WAIT_MS << (wrong - STAFF_TRIES);
}

/* Counts the try as a wrong one: whoever cuts the power before it is judged has used it up. */
static enum err count_try(struct store_txn *txn, void *context)
{
	struct trying *trying = context;
	struct pin *pin = &trying->pin;

	TRY(read_pin(trying->replica, txn, trying->key, pin));
	if (pin->wrong >= STAFF_TRIES_MAX)
		return ERR_STATE;
	if (trying->now_ms < pin->not_before_ms) {
		trying->wait_ms = pin->not_before_ms - trying->now_ms;
		return ERR_BUSY;
	}
	pin->wrong++;
	pin->not_before_ms = trying->now_ms + wait_after(pin->wrong);
	return write_pin(trying->replica, txn, trying->key, pin);
}

/* Was right: unless another PIN was set meanwhile, or the employee is gone. */
static enum err forgive(struct store_txn *txn, void *context)
{
	struct trying *trying = context;
	struct pin now;

	TRY(read_pin(trying->replica, txn, trying->key, &now));
	if (strcmp(now.hash, trying->pin.hash) != 0)
		return ERR_FORBIDDEN;
	now.wrong = 0;
	now.not_before_ms = 0;
	return write_pin(trying->replica, txn, trying->key, &now);
}

static enum err try_pin(struct trying *trying, struct slice pin)
{
	TRY(store_update(trying->replica->store, count_try, trying));
	TRY(pin_verify(trying->pin.hash, pin));
	return store_update(trying->replica->store, forgive, trying);
}

/* No handle has a question mark in it. */
static struct slice key_of_unknown(const struct replica *replica, const char *handle,
				   uint8_t place[static STAFF_KEY_MAX])
{
	uint8_t hash[HASH_SIZE];
	char bucket[8];

	blake2b(SLICE(replica->key, KEY_SIZE), UNKNOWN_DOMAIN, slice_text(handle), hash);
	snprintf(bucket, sizeof bucket, "?%02x", hash[0]);
	return staff_pin_key(slice_text(bucket), place);
}

enum err staff_check_pin(const struct replica *replica, const char *handle, struct slice pin, uint64_t now_ms,
			 struct replica_employee *ret_employee, uint64_t *ret_wait_ms)
{
	struct trying trying = {.replica = replica, .now_ms = now_ms};
	struct replica_employee employee;
	uint8_t place[STAFF_KEY_MAX];
	enum err present = get_present(replica, handle, &employee);

	if (present != ERR_OK && present != ERR_NOT_FOUND)
		return present;
	trying.key =
		present == ERR_OK ? staff_pin_key(slice_text(handle), place) : key_of_unknown(replica, handle, place);
	enum err err = try_pin(&trying, pin);
	wipe(&trying.pin, sizeof trying.pin);
	if (err == ERR_BUSY)
		*ret_wait_ms = trying.wait_ms;
	TRY(err);
	/* may have been taken off the roster while the PIN was looked at */
	TRY(get_present(replica, handle, &employee) == ERR_OK ? ERR_OK : ERR_FORBIDDEN);
	*ret_employee = employee;
	return ERR_OK;
}

enum err staff_standing(const struct replica *replica, const char *handle, struct staff_standing *ret_standing)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;
	struct slice employee;
	struct pin pin;
	uint8_t place[STAFF_KEY_MAX];

	if (!ini_is_name(handle))
		return ERR_NOT_FOUND;
	TRY(store_begin_read(replica->store, &txn));
	TRY(store_get(txn, REPLICA_STAFF, slice_text(handle), &employee));
	TRY(read_pin(replica, txn, staff_pin_key(slice_text(handle), place), &pin));
	*ret_standing = (struct staff_standing){
		.has_pin = pin.hash[0] != '\0', .is_locked = pin.wrong >= STAFF_TRIES_MAX, .wrong = pin.wrong};
	wipe(&pin, sizeof pin);
	return ERR_OK;
}
