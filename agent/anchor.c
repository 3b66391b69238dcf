#include "anchor.h"

#include <string.h>

#include "kluis/file.h"

#define TRIES 5
#define MISSED_MAX 64 /* versions between two contacts */
#define ANCHOR_ARENA_MAX ((size_t)MISSED_MAX * 8 * PAPER_MAX)

enum err anchor_read(const char *folder, const struct public_key *controller, struct arena *arena,
		     const struct trust **ret_trust, struct fault *fault)
{
	char path[HOME_PATH_MAX];
	struct bytes note CLEANUP(bytes_fini) = {0};

	bytes_init(&note, PAPER_MAX);
	TRY(home_path(folder, "trust.note", path, fault));
	enum err err = file_read(path, &note, NULL);
	if (err == ERR_NOT_FOUND) {
		*ret_trust = NULL;
		return ERR_OK;
	}
	TRY(err);
	struct trust *trust = arena_alloc(arena, sizeof *trust);
	const uint8_t *copy = arena_copy(arena, bytes_slice(&note));
	if (trust == NULL || copy == NULL)
		return ERR_MEMORY;
	err = trust_open(SLICE(copy, note.length), controller, path, arena, trust, fault);
	if (err != ERR_OK)
		return err == ERR_MEMORY ? err : fault_set(fault, ERR_CORRUPT, "'%s' is damaged", path);
	*ret_trust = trust;
	return ERR_OK;
}

/* ---- asking ---- */

struct update {
	const struct membership *membership;
	struct session *session;
	uint64_t time_ms;
	struct arena arena;
	const struct trust *here;
	const struct trust *missed[MISSED_MAX]; /* the newest first */
	struct slice newest;			/* its note */
	size_t count;
};

static enum err first_item(const struct session_answer *answer, struct slice *ret_item, struct fault *fault)
{
	enum err code = (enum err)answer->entry.decoded->code;

	if (code == ERR_OK)
		code = (enum err)answer->entry.decoded->results[0]->code;
	if (code != ERR_OK)
		return fault_set(fault, code, "the broker's trust note: %s", error_text(code));
	if (answer->reply->n_data != 1 || answer->reply->data[0]->n_items != 1)
		return fault_set(fault, ERR_MISMATCH, "the broker gave no paper");
	*ret_item = wire_slice(answer->reply->data[0]->items[0]);
	return ERR_OK;
}

static enum err ask(struct update *update, struct slice hash, struct slice *ret_note, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	uint8_t name[HASH_SIZE] = {0};
	Kluis__Operation operation = KLUIS__OPERATION__INIT, *operations = &operation;
	Kluis__GetPaper get = KLUIS__GET_PAPER__INIT;
	struct session_answer answer;
	struct session_request request = {.operations = &operations, .operation_count = 1, .time_ms = update->time_ms};
	struct slice item;

	arena_init(&arena, REQUEST_ARENA_MAX);
	if (hash.length == HASH_SIZE)
		memcpy(name, hash.data, HASH_SIZE);
	get.hash = wire_data(SLICE_ARRAY(name));
	operation.kind_case = KLUIS__OPERATION__KIND_GET_PAPER;
	operation.get_paper = &get;
	TRY(session_call(update->session, &request, TRIES, &arena, &answer, fault));
	TRY(first_item(&answer, &item, fault));
	const uint8_t *copy = arena_copy(&update->arena, item);
	if (copy == NULL)
		return ERR_MEMORY;
	*ret_note = SLICE(copy, item.length);
	return ERR_OK;
}

/* What was pending there was another's; its answer is dropped. */
static enum err settle(struct update *update, struct fault *fault)
{
	struct session_answer answer;

	if (!update->session->has_pending)
		return ERR_OK;
	enum err err = session_resume(update->session, TRIES, &update->arena, &answer, fault);
	if (update->session->has_pending)
		return err;
	if (fault != NULL)
		fault->text[0] = '\0';
	return ERR_OK;
}

static bool is_here(const struct update *update, const struct trust *trust)
{
	return update->here != NULL && slice_equal(SLICE_ARRAY(trust->hash), SLICE_ARRAY(update->here->hash));
}

/* From the newest back to the one after what is here. */
static enum err collect(struct update *update, struct slice hash, struct fault *fault)
{
	uint32_t version = update->here == NULL ? 0 : update->here->version;

	for (;;) {
		struct trust *trust = arena_alloc(&update->arena, sizeof *trust);
		struct slice note;

		if (trust == NULL)
			return ERR_MEMORY;
		TRY(ask(update, hash, &note, fault));
		TRY(trust_open(note, &update->membership->controller, "the broker's trust note", &update->arena, trust,
			       fault));
		if (is_here(update, trust))
			return ERR_OK;
		if (trust->version <= version)
			return fault_set(fault, ERR_INCONSISTENT,
					 "the broker shows trust version %u, but version %u is known here",
					 trust->version, version);
		if (update->count == MISSED_MAX)
			return fault_set(fault, ERR_TOO_LARGE, "more than %d versions of trust were missed",
					 MISSED_MAX);
		if (update->count == 0)
			update->newest = note;
		update->missed[update->count++] = trust;
		if (trust->version == version + 1)
			return ERR_OK;
		hash = SLICE_ARRAY(trust->before);
	}
}

static enum err verify(const struct update *update, struct fault *fault)
{
	const struct trust *before = update->here;

	for (size_t i = update->count; i-- > 0;) {
		TRY(trust_may_follow(before, update->missed[i], fault));
		before = update->missed[i];
	}
	return ERR_OK;
}

/* ---- keeping ---- */

static enum err write(const char *folder, const char *name, struct slice bytes, struct fault *fault)
{
	char path[HOME_PATH_MAX];

	TRY(home_path(folder, name, path, fault));
	return file_write(path, bytes, 0600, fault);
}

/* Certificates first: cut off in between, it is all done again. */
static enum err keep(const char *folder, const struct update *update, struct fault *fault)
{
	TRY(write(folder, "broker.crt", slice_text(update->missed[0]->certificates_pem), fault));
	return write(folder, "trust.note", update->newest, fault);
}

static void update_fini(struct update *update)
{
	arena_fini(&update->arena);
}

enum err anchor_update(const char *folder, const struct membership *membership, struct session *session,
		       struct slice hash, uint64_t time_ms, bool *ret_is_new, struct fault *fault)
{
	struct update update CLEANUP(update_fini) = {.membership = membership, .session = session, .time_ms = time_ms};

	arena_init(&update.arena, ANCHOR_ARENA_MAX);
	TRY(anchor_read(folder, &membership->controller, &update.arena, &update.here, fault));
	TRY(settle(&update, fault));
	TRY(collect(&update, hash, fault));
	TRY(verify(&update, fault));
	if (update.count > 0)
		TRY(keep(folder, &update, fault));
	*ret_is_new = update.count > 0;
	return ERR_OK;
}
