#include "command/local.h"

#include "kluis/clock.h"
#include "kluis/file.h"

static enum err open_store(struct local *local, const char *folder, bool create, struct fault *fault)
{
	char path[FOLDER_PATH_MAX];

	TRY(folder_keys_read(folder, &local->keys, fault));
	TRY(folder_path(folder, "lanes", local->lanes, fault));
	TRY(folder_make(local->lanes, 0700, fault));
	TRY(folder_path(folder, "db", path, fault));
	TRY(store_open(path, &core_layout, create, &local->store, fault));
	return core_open(local->store, &local->keys.core, clock_now_ms(), &local->core, fault);
}

enum err local_open(struct local *ret_local, const char *folder, bool create, struct fault *fault)
{
	*ret_local = (struct local){0};
	enum err err = open_store(ret_local, folder, create, fault);
	if (err != ERR_OK)
		local_close(ret_local);
	return err;
}

void local_close(struct local *local)
{
	core_close(&local->core);
	store_close(&local->store);
	folder_keys_fini(&local->keys);
}

static enum err exchange_with_core(void *context, struct slice message, struct bytes *ret_reply)
{
	struct core *core = context;
	struct prepared *prepared CLEANUP(prepared_free) = NULL;

	TRY(core_prepare(core, message, clock_now_ms(), &prepared));
	if (prepared_needs_commit(prepared)) {
		TRY(core_commit(core, &prepared, 1, clock_now_ms()));
		TRY(core_checkpoint(core));
	}
	return bytes_append(ret_reply, core_reply(prepared));
}

static enum err call(struct session *session, Kluis__Operation *operation, struct slice paper, struct fault *fault)
{
	struct session_answer answer;
	struct arena arena CLEANUP(arena_fini) = {0};
	struct session_request request = {
		.operations = &operation,
		.operation_count = 1,
		.papers = &paper,
		.paper_count = paper.length > 0,
		.time_ms = clock_now_ms(),
	};

	arena_init(&arena, REQUEST_ARENA_MAX);
	TRY(session_call(session, &request, 1, &arena, &answer, fault));
	enum err code = (enum err)answer.entry.decoded->code;
	if (code == ERR_OK)
		code = (enum err)answer.entry.decoded->results[0]->code;
	return code == ERR_OK ? ERR_OK : fault_set(fault, code, "refused: %s", error_text(code));
}

enum err local_call(struct local *local, Kluis__Operation *operation, struct slice paper, struct fault *fault)
{
	struct session session;
	struct exchange exchange = {.context = local->core, .send = exchange_with_core};

	TRY(session_open(&session, &local->keys.controller, 0, exchange, session_files(local->lanes), fault));
	enum err err = call(&session, operation, paper, fault);
	session_close(&session);
	return err;
}
