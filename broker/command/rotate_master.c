/*
 * kluis-broker key rotate-master: makes the next master key, has everything sealed anew under it while the broker
 * serves, and destroys the old one (FORMAT.md R143). Killed at any point it goes on when it is run again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "command/commands.h"
#include "command/keyring.h"
#include "command/office.h"
#include "kluis/table.h"

#define PAGE_ROWS 500

static enum err master_key(struct office *office, uint32_t epoch, uint32_t action, struct fault *fault)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__MasterKey master_key = KLUIS__MASTER_KEY__INIT;

	master_key.epoch = epoch;
	master_key.action = action;
	operation.kind_case = KLUIS__OPERATION__KIND_MASTER_KEY;
	operation.master_key = &master_key;
	return office_call(office, &operation, SLICE_EMPTY, NULL, fault);
}

static enum err rewrap_page(struct office *office, uint64_t *ret_rows, bool *ret_has_more, struct fault *fault)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Rewrap rewrap = KLUIS__REWRAP__INIT;
	Kluis__Result *result;

	rewrap.count = PAGE_ROWS;
	operation.kind_case = KLUIS__OPERATION__KIND_REWRAP;
	operation.rewrap = &rewrap;
	TRY(office_call_part(office, &operation, NULL, SLICE_EMPTY, NULL, &result, fault));
	*ret_rows = result->rows;
	*ret_has_more = result->has_has_more && result->has_more;
	return ERR_OK;
}

static enum err rewrap_all(struct office *office, uint64_t *ret_rows, struct fault *fault)
{
	struct progress progress CLEANUP(progress_end) = {0};
	bool has_more = true;
	uint64_t rows;

	*ret_rows = 0;
	progress_begin(&progress, "rows sealed anew", 0);
	while (has_more) {
		TRY(rewrap_page(office, &rows, &has_more, fault));
		*ret_rows += rows;
		progress_show(&progress, *ret_rows);
	}
	return ERR_OK;
}

/* Files below the newest belong to a rotation that was killed: it is gone on with. Alone, the newest is in use. */
static enum err take_epoch(const char *folder, uint32_t *ret_epoch, struct fault *fault)
{
	uint32_t numbers[KEY_NUMBERS_MAX];
	char name[KEY_NAME_MAX], path[FOLDER_PATH_MAX];
	size_t count;

	TRY(key_file_numbers(folder, "master", ".key", numbers, &count, fault));
	if (count == 0)
		return fault_set(fault, ERR_NOT_FOUND,
				 "'%s' has no master key; if it is a credential of systemd's, put the next one beside "
				 "it as master-<n>.key, restart the broker, and put both into '%s' to rotate",
				 folder, folder);
	*ret_epoch = numbers[count - 1];
	if (count > 1)
		return ERR_OK;
	(*ret_epoch)++;
	key_file_name("master", *ret_epoch, ".key", name);
	TRY(folder_path(folder, name, path, fault));
	return secret_bytes_create(path, fault);
}

static enum err destroy_older(const char *folder, uint32_t epoch, struct fault *fault)
{
	uint32_t numbers[KEY_NUMBERS_MAX];
	char name[KEY_NAME_MAX];
	size_t count;

	TRY(key_file_numbers(folder, "master", ".key", numbers, &count, fault));
	for (size_t i = 0; i < count; i++) {
		if (numbers[i] >= epoch)
			continue;
		key_file_name("master", numbers[i], ".key", name);
		TRY(key_file_destroy(folder, name, fault));
		printf("'%s' was wiped and removed\n", name);
	}
	return ERR_OK;
}

enum err command_rotate_master(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct settings *settings = target;
	struct office office CLEANUP(office_close) = {.lane_lock = -1};
	uint32_t epoch = 0;
	uint64_t rows = 0;

	(void)arguments;
	TRY(office_open(&office, settings->data, fault));
	TRY(take_epoch(settings->data, &epoch, fault));
	TRY(master_key(&office, epoch, 1, fault));
	TRY(rewrap_all(&office, &rows, fault));
	TRY(master_key(&office, epoch, 2, fault));
	TRY(destroy_older(settings->data, epoch, fault));
	printf("epoch %u: %" PRIu64 " rows were sealed anew; nothing opens with the master key of before\n", epoch,
	       rows);
	puts("backups with the old master key open what they hold: destroy them");
	return ERR_OK;
}
