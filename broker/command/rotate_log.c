/*
 * kluis-broker key rotate-log: a second key of the log beside the first, until --finish leaves the new one alone.
 * Killed at any point it goes on when it is run again.
 */
#include <stdio.h>
#include <string.h>

#include "command/commands.h"
#include "command/keyring.h"
#include "command/succession.h"
#include "kluis/checkpoint.h"
#include "kluis/clock.h"

#define CHECKPOINT_WAIT_MS 10000
#define CHECKPOINT_PAUSE_MS 100

struct logs_of_folder {
	uint32_t numbers[KEY_NUMBERS_MAX];
	size_t count;
};

static enum err read_log(const char *folder, uint32_t number, struct secret_key *ret_key, struct fault *fault)
{
	char name[KEY_NAME_MAX], path[FOLDER_PATH_MAX];

	key_file_name("log", number, ".key", name);
	TRY(folder_path(folder, name, path, fault));
	return secret_key_read(path, ret_key, fault);
}

/* ---- beginning ---- */

/* The newest key: one that a killed command has made and no trust names yet, else another one. */
static enum err take_new(struct office *office, const struct trust *before, struct public_key *ret_log,
			 struct fault *fault)
{
	struct logs_of_folder logs;
	struct secret_key key CLEANUP(secret_key_fini) = {0};
	char name[KEY_NAME_MAX], path[FOLDER_PATH_MAX];

	TRY(key_file_numbers(office->folder, "log", ".key", logs.numbers, &logs.count, fault));
	uint32_t newest = logs.count == 0 ? 0 : logs.numbers[logs.count - 1];
	if (newest > 1) {
		TRY(read_log(office->folder, newest, &key, fault));
		*ret_log = key.public;
		if (!trust_has_log(before, ret_log))
			return ERR_OK;
		secret_key_fini(&key);
	}
	TRY(secret_key_new(slice_text(before->logs[0].name), &key));
	key_file_name("log", newest + 1, ".key", name);
	TRY(folder_path(office->folder, name, path, fault));
	TRY(secret_key_write(&key, path, fault));
	*ret_log = key.public;
	return ERR_OK;
}

static enum err begin(struct office *office, const struct trust *before, struct trust *next, struct arena *arena,
		      struct fault *fault)
{
	(void)arena;
	if (before->log_count > 1)
		return fault_set(fault, ERR_STATE,
				 "the log has %zu keys already; end the rotation with 'kluis-broker key rotate-log "
				 "--finish'",
				 before->log_count);
	*next = *before;
	TRY(take_new(office, before, &next->logs[next->log_count], fault));
	next->log_count++;
	TRY(succession_enter(office, before, next, fault));
	printf("trust version %u: checkpoints are signed by the log's keys %08x and %08x\n", next->version,
	       next->logs[0].id, next->logs[1].id);
	puts("next: when stores and auditors have been in contact, 'kluis-broker key rotate-log --finish'");
	return ERR_OK;
}

/* ---- finishing ---- */

static enum err get_checkpoint(struct office *office, struct slice *ret_note, struct fault *fault)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__GetCheckpoint get = KLUIS__GET_CHECKPOINT__INIT;
	Kluis__Data *data;

	operation.kind_case = KLUIS__OPERATION__KIND_GET_CHECKPOINT;
	operation.get_checkpoint = &get;
	TRY(office_call(office, &operation, SLICE_EMPTY, &data, fault));
	if (data->n_items != 1)
		return fault_set(fault, ERR_MISMATCH, "the broker gave no checkpoint");
	*ret_note = wire_slice(data->items[0]);
	return ERR_OK;
}

/* The old key may go once the broker signs by the new one. */
static enum err wait_for_new(struct office *office, const struct public_key *log, struct fault *fault)
{
	uint64_t began_ms = clock_steady_ms();
	struct checkpoint checkpoint;
	struct slice note;

	while (clock_steady_ms() - began_ms < CHECKPOINT_WAIT_MS) {
		struct fault ignored = {""};
		TRY(get_checkpoint(office, &note, fault));
		if (checkpoint_open(note, log, &checkpoint, &ignored) == ERR_OK)
			return ERR_OK;
		clock_sleep_ms(CHECKPOINT_PAUSE_MS);
	}
	return fault_set(fault, ERR_TIMEOUT, "the broker does not sign by the new key; the old one was kept");
}

static enum err destroy_others(const char *folder, const struct public_key *log, struct fault *fault)
{
	struct logs_of_folder logs;
	char name[KEY_NAME_MAX];

	TRY(key_file_numbers(folder, "log", ".key", logs.numbers, &logs.count, fault));
	for (size_t i = 0; i < logs.count; i++) {
		struct secret_key key CLEANUP(secret_key_fini) = {0};
		TRY(read_log(folder, logs.numbers[i], &key, fault));
		if (public_key_equal(&key.public, log))
			continue;
		key_file_name("log", logs.numbers[i], ".key", name);
		TRY(key_file_destroy(folder, name, fault));
		printf("'%s' was wiped and removed\n", name);
	}
	return ERR_OK;
}

static enum err finish(struct office *office, const struct trust *before, struct trust *next, struct arena *arena,
		       struct fault *fault)
{
	(void)arena;
	*next = *before;
	if (before->version == 0)
		return fault_set(fault, ERR_STATE, "no rotation was begun; 'kluis-broker key rotate-log' begins one");
	next->logs[0] = before->logs[before->log_count - 1];
	next->log_count = 1;
	/* else a finish that was killed before it had removed the old key goes on */
	if (before->log_count > 1)
		TRY(succession_enter(office, before, next, fault));
	TRY(wait_for_new(office, &next->logs[0], fault));
	TRY(destroy_others(office->folder, &next->logs[0], fault));
	printf("trust version %u: checkpoints are signed by the log's key %08x alone\n", next->version,
	       next->logs[0].id);
	return ERR_OK;
}

enum err command_rotate_log(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	(void)arguments;
	return succession_run(target, begin, finish, fault);
}
