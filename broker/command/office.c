#include "command/office.h"

#include <stdio.h>
#include <string.h>

#include "kluis/clock.h"
#include "kluis/file.h"

#define FIRST_LANE 1 /* lane 0 is init's */
#define TIMEOUT_MS 30000
#define TRIES 3

static enum err connect_broker(const char *folder, struct link **ret_link, struct fault *fault)
{
	char path[FOLDER_PATH_MAX], address[FOLDER_PATH_MAX + 8];
	struct fault ignored = {""};

	TRY(folder_path(folder, "control.sock", path, fault));
	snprintf(address, sizeof address, "ipc://%s", path);
	enum err err = link_open(address, NULL, TIMEOUT_MS, ret_link, &ignored);
	if (err != ERR_OK)
		return fault_set(fault, err, "no broker answers for '%s'; start it with 'kluis-broker serve --data %s'",
				 folder, folder);
	return ERR_OK;
}

/* Commands may run side by side, each on a lane of its own. */
static enum err lock_lane(const char *lanes, int *ret_lock, uint32_t *ret_lane, struct fault *fault)
{
	char path[FOLDER_PATH_MAX];

	for (uint32_t lane = FIRST_LANE; lane <= LANE_MAX; lane++) {
		char name[32];
		snprintf(name, sizeof name, "lock-%u", lane);
		TRY(folder_path(lanes, name, path, fault));
		enum err err = file_lock(path, ret_lock, NULL);
		if (err == ERR_OK)
			*ret_lane = lane;
		if (err != ERR_IN_USE)
			return err == ERR_OK ? ERR_OK : fault_set(fault, err, "'%s': %s", path, error_text(err));
	}
	return fault_set(fault, ERR_BUSY, "too many commands at once; try again");
}

static enum err resume(struct office *office, struct fault *fault)
{
	if (!office->session.has_pending)
		return ERR_OK;
	enum err err = session_resume(&office->session, TRIES, &office->resumed_arena, &office->resumed, fault);
	if (office->session.has_pending)
		return err;
	/* it was another command's, perhaps an import's that goes on now; else what matters is that the lane is free */
	if (err != ERR_OK && fault != NULL)
		fault->text[0] = '\0';
	return ERR_OK;
}

static enum err open_session(struct office *office, struct fault *fault)
{
	uint32_t lane = 0;
	char path[FOLDER_PATH_MAX];

	TRY(folder_path(office->folder, "controller.key", path, fault));
	TRY(secret_key_read(path, &office->controller, fault));
	TRY(folder_path(office->folder, "lanes", office->lanes, fault));
	TRY(folder_make(office->lanes, 0700, fault));
	TRY(connect_broker(office->folder, &office->link, fault));
	TRY(lock_lane(office->lanes, &office->lane_lock, &lane, fault));
	TRY(session_open(&office->session, &office->controller, lane, link_exchange(office->link),
			 session_files(office->lanes), fault));
	return resume(office, fault);
}

enum err office_open(struct office *ret_office, const char *folder, struct fault *fault)
{
	*ret_office = (struct office){.folder = folder, .lane_lock = -1};
	arena_init(&ret_office->arena, REQUEST_ARENA_MAX);
	arena_init(&ret_office->resumed_arena, REQUEST_ARENA_MAX);
	enum err err = folder_check(folder, fault);
	if (err == ERR_OK)
		err = open_session(ret_office, fault);
	if (err != ERR_OK)
		office_close(ret_office);
	return err;
}

void office_close(struct office *office)
{
	session_close(&office->session);
	link_close(&office->link);
	secret_key_fini(&office->controller);
	if (office->lane_lock >= 0)
		file_unlock(&office->lane_lock);
	arena_fini(&office->arena);
	arena_fini(&office->resumed_arena);
	*office = (struct office){.lane_lock = -1};
}

static enum err verdict_of(const struct session_answer *answer, struct fault *fault)
{
	if (!answer->has_entry)
		return fault_set(fault, ERR_MISMATCH, "the broker answered without an entry");
	enum err code = (enum err)answer->entry.decoded->code;
	if (code == ERR_OK)
		code = (enum err)answer->entry.decoded->results[0]->code;
	return code == ERR_OK ? ERR_OK : fault_set(fault, code, "refused: %s", error_text(code));
}

enum err office_call_part(struct office *office, Kluis__Operation *operation, Kluis__Part *part, struct slice paper,
			  Kluis__Data **ret_data, Kluis__Result **ret_result, struct fault *fault)
{
	struct session_answer answer;
	struct session_request request = {
		.operations = &operation,
		.operation_count = 1,
		.parts = &part,
		.part_count = part != NULL,
		.papers = &paper,
		.paper_count = paper.length > 0,
		.time_ms = clock_now_ms(),
	};

	arena_reset(&office->arena);
	TRY(session_call(&office->session, &request, TRIES, &office->arena, &answer, fault));
	TRY(verdict_of(&answer, fault));
	office->personal = answer.reply->personal;
	office->index = answer.index;
	if (ret_result != NULL)
		*ret_result = answer.entry.decoded->results[0];
	if (ret_data != NULL) {
		if (answer.reply->n_data != 1)
			return fault_set(fault, ERR_MISMATCH, "the broker's answer lacks its data");
		*ret_data = answer.reply->data[0];
	}
	return ERR_OK;
}

enum err office_call(struct office *office, Kluis__Operation *operation, struct slice paper, Kluis__Data **ret_data,
		     struct fault *fault)
{
	return office_call_part(office, operation, NULL, paper, ret_data, NULL, fault);
}

enum err office_list(struct office *ret_office, const char *folder, Kluis__Operation *operation, Kluis__Data **ret_data,
		     struct fault *fault)
{
	Kluis__Result *result;

	TRY(office_open(ret_office, folder, fault));
	TRY(office_call_part(ret_office, operation, NULL, SLICE_EMPTY, ret_data, &result, fault));
	if (result->has_more)
		fprintf(stderr, "kluis-broker: there are more than the %zu rows that follow\n", (*ret_data)->n_items);
	return ERR_OK;
}

json_t *office_json_time(uint64_t time_ms)
{
	char text[25];

	if (time_ms == 0)
		return json_null();
	time_print(time_ms, text);
	return json_string(text);
}
