#include "command/succession.h"

#include <string.h>

#include "command/identity.h"
#include "command/keyring.h"
#include "kluis/hash.h"

/* ---- reading ---- */

static enum err invited(const struct office *office, struct arena *arena, struct trust *ret_trust, struct fault *fault)
{
	struct folder_keys *keys = arena_alloc(arena, sizeof *keys);
	struct bytes pem CLEANUP(bytes_fini) = {0};
	struct principal principal;

	if (keys == NULL)
		return ERR_MEMORY;
	bytes_init(&pem, TLS_PEM_MAX);
	TRY(identity_pem(office->folder, 1, &pem, fault));
	TRY(folder_keys_read(office->folder, keys, fault));
	*ret_trust = (struct trust){.log_count = 1, .logs = {keys->log.public}};
	folder_keys_fini(keys);
	TRY(principal_parse(slice_text(office->controller.public.name), &principal));
	ret_trust->origin = arena_text(arena, principal.origin);
	ret_trust->certificates_pem = arena_text(arena, SLICE(pem.data, pem.length - 1));
	return ret_trust->origin == NULL || ret_trust->certificates_pem == NULL ? ERR_MEMORY : ERR_OK;
}

/* A rotation leaves a file with another number than 1. */
static enum err is_as_made(const char *folder, bool *ret_is_as_made, struct fault *fault)
{
	uint32_t logs[KEY_NUMBERS_MAX], certificates[KEY_NUMBERS_MAX];
	size_t log_count, certificate_count;

	TRY(key_file_numbers(folder, "log", ".key", logs, &log_count, fault));
	TRY(key_file_numbers(folder, "tls", ".crt", certificates, &certificate_count, fault));
	*ret_is_as_made = log_count == 1 && logs[0] == 1 && certificate_count == 1 && certificates[0] == 1;
	return ERR_OK;
}

enum err succession_read(struct office *office, struct arena *arena, struct trust *ret_trust, struct fault *fault)
{
	uint8_t zeros[HASH_SIZE] = {0};
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__GetPaper get = KLUIS__GET_PAPER__INIT;
	Kluis__Data *data;
	struct fault cause = {""};
	bool is_made_so;

	TRY(is_as_made(office->folder, &is_made_so, fault));
	if (is_made_so)
		return invited(office, arena, ret_trust, fault);
	get.hash = wire_data(SLICE_ARRAY(zeros));
	operation.kind_case = KLUIS__OPERATION__KIND_GET_PAPER;
	operation.get_paper = &get;
	enum err err = office_call(office, &operation, SLICE_EMPTY, &data, &cause);
	if (err == ERR_NOT_FOUND)
		return invited(office, arena, ret_trust, fault);
	if (err != ERR_OK)
		return fault_set(fault, err, "%s", cause.text);
	if (data->n_items != 1)
		return fault_set(fault, ERR_MISMATCH, "the broker gave no trust note");
	const uint8_t *copy = arena_copy(arena, wire_slice(data->items[0]));
	if (copy == NULL)
		return ERR_MEMORY;
	return trust_open(SLICE(copy, data->items[0].len), &office->controller.public, "trust", arena, ret_trust,
			  fault);
}

/* ---- the next version ---- */

struct signing {
	struct secret_key logs[2 * TRUST_LOGS_MAX];
	const struct secret_key *keys[1 + 2 * TRUST_LOGS_MAX];
	size_t count;
};

static void signing_fini(struct signing **signing)
{
	for (size_t i = 0; *signing != NULL && i < (*signing)->count; i++)
		secret_key_fini(&(*signing)->logs[i]);
}

enum err succession_log_number(const char *folder, const struct public_key *log, uint32_t *ret_number,
			       struct fault *fault)
{
	uint32_t numbers[KEY_NUMBERS_MAX];
	char name[KEY_NAME_MAX], path[FOLDER_PATH_MAX];
	size_t count;

	*ret_number = 0;
	TRY(key_file_numbers(folder, "log", ".key", numbers, &count, fault));
	for (size_t i = 0; i < count && *ret_number == 0; i++) {
		struct secret_key key CLEANUP(secret_key_fini) = {0};
		key_file_name("log", numbers[i], ".key", name);
		TRY(folder_path(folder, name, path, fault));
		TRY(secret_key_read(path, &key, fault));
		if (public_key_equal(&key.public, log))
			*ret_number = numbers[i];
	}
	return ERR_OK;
}

static enum err add_signer(const char *folder, const struct public_key *log, struct signing *signing,
			   struct fault *fault)
{
	char name[KEY_NAME_MAX], path[FOLDER_PATH_MAX];
	uint32_t number;

	TRY(succession_log_number(folder, log, &number, fault));
	if (number == 0)
		return ERR_OK;
	key_file_name("log", number, ".key", name);
	TRY(folder_path(folder, name, path, fault));
	TRY(secret_key_read(path, &signing->logs[signing->count], fault));
	signing->keys[1 + signing->count] = &signing->logs[signing->count];
	signing->count++;
	return ERR_OK;
}

static enum err add_signers(struct office *office, const struct trust *before, const struct trust *next,
			    struct signing *signing, struct fault *fault)
{
	signing->keys[0] = &office->controller;
	bool has_before = before->version > 0;

	for (size_t i = 0; has_before && i < before->log_count && signing->count == 0; i++)
		TRY(add_signer(office->folder, &before->logs[i], signing, fault));
	for (size_t i = 0; i < next->log_count; i++)
		if (!has_before || !trust_has_log(before, &next->logs[i]))
			TRY(add_signer(office->folder, &next->logs[i], signing, fault));
	return ERR_OK;
}

static enum err send(struct office *office, struct slice text, struct slice note, struct fault *fault)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Trust trust = KLUIS__TRUST__INIT;
	uint8_t hash[HASH_SIZE];

	sha256(text, hash);
	trust.hash = wire_data(SLICE_ARRAY(hash));
	operation.kind_case = KLUIS__OPERATION__KIND_TRUST;
	operation.trust = &trust;
	return office_call(office, &operation, note, NULL, fault);
}

enum err succession_enter(struct office *office, const struct trust *before, struct trust *next, struct fault *fault)
{
	struct bytes text CLEANUP(bytes_fini) = {0}, note CLEANUP(bytes_fini) = {0};
	struct arena arena CLEANUP(arena_fini) = {0};

	arena_init(&arena, PAPER_MAX);
	bytes_init(&text, PAPER_MAX);
	bytes_init(&note, PAPER_MAX);
	struct signing *signing CLEANUP(signing_fini) = arena_alloc(&arena, sizeof *signing);
	if (signing == NULL)
		return ERR_MEMORY;
	*signing = (struct signing){.count = 0};
	next->origin = before->origin;
	next->version = before->version + 1;
	memcpy(next->before, before->hash, HASH_SIZE);
	TRY(add_signers(office, before, next, signing, fault));
	TRY(trust_print(next, &text, fault));
	TRY(note_sign(bytes_slice(&text), signing->keys, 1 + signing->count, &note));
	return send(office, bytes_slice(&text), bytes_slice(&note), fault);
}

/* ---- rotating ---- */

enum err succession_run(const struct settings *settings, succession_step *begin, succession_step *finish,
			struct fault *fault)
{
	struct office office CLEANUP(office_close) = {.lane_lock = -1};
	struct arena arena CLEANUP(arena_fini) = {0};

	arena_init(&arena, 16 * PAPER_MAX);
	struct trust *before = arena_alloc(&arena, sizeof *before), *next = arena_alloc(&arena, sizeof *next);
	if (before == NULL || next == NULL)
		return ERR_MEMORY;
	TRY(office_open(&office, settings->data, fault));
	TRY(succession_read(&office, &arena, before, fault));
	return (settings->is_finish ? finish : begin)(&office, before, next, &arena, fault);
}
