#include "rotate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kluis/envelope.h"
#include "kluis/file.h"
#include "kluis/hash.h"

#define ROTATE_DOMAIN "kluis/rotate/v1\n"
#define TRIES 5
#define RETIRED_MAX (256 * 1024)
#define KEY_FILE "store.key"
#define NEW_FILE "store.key.new"
#define NEXT_FILE "store.key.next"
#define RETIRED_FILE "retired.vkeys"

static bool is_there(const char *folder, const char *name)
{
	char path[HOME_PATH_MAX];

	return home_path(folder, name, path, NULL) == ERR_OK && access(path, F_OK) == 0;
}

static enum err read_key(const char *folder, const char *name, struct secret_key *ret_key, struct fault *fault)
{
	char path[HOME_PATH_MAX];

	TRY(home_path(folder, name, path, fault));
	return secret_key_read(path, ret_key, fault);
}

static enum err sync_folder(const char *folder, struct fault *fault)
{
	int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (descriptor < 0)
		return fault_set(fault, file_error(errno), "'%s': %s", folder, strerrordesc_np(errno));
	int failed = fsync(descriptor);
	close(descriptor);
	return failed == 0 ? ERR_OK : fault_set(fault, ERR_IO, "'%s' cannot be written to disk", folder);
}

static enum err move(const char *folder, const char *from, const char *to, struct fault *fault)
{
	char old[HOME_PATH_MAX], new[HOME_PATH_MAX];

	TRY(home_path(folder, from, old, fault));
	TRY(home_path(folder, to, new, fault));
	if (rename(old, new) != 0)
		return fault_set(fault, file_error(errno), "'%s': %s", new, strerrordesc_np(errno));
	return sync_folder(folder, fault);
}

/* ---- retired keys ---- */

static enum err read_retired(const char *folder, struct bytes *ret_text, struct fault *fault)
{
	char path[HOME_PATH_MAX];

	TRY(home_path(folder, RETIRED_FILE, path, fault));
	enum err err = file_read(path, ret_text, NULL);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err rotate_retired(const char *folder, struct arena *arena, struct public_key **ret_keys, size_t *ret_count,
			struct fault *fault)
{
	struct bytes text CLEANUP(bytes_fini) = {0};
	struct public_key *keys;
	size_t lines = 0, count = 0;

	bytes_init(&text, RETIRED_MAX);
	TRY(read_retired(folder, &text, fault));
	for (size_t i = 0; i < text.length; i++)
		lines += text.data[i] == '\n';
	keys = arena_array(arena, lines + 1, sizeof *keys);
	if (keys == NULL)
		return ERR_MEMORY;
	struct reader reader = reader_of(bytes_slice(&text));
	while (reader.rest.length > 0 && !reader.is_short) {
		struct slice line = reader_line(&reader);
		if (!reader.is_short && public_key_parse(line, &keys[count], fault) != ERR_OK)
			return fault_set(fault, ERR_CORRUPT, RETIRED_FILE " has a line that is no key");
		count += !reader.is_short;
	}
	*ret_keys = keys;
	*ret_count = count;
	return ERR_OK;
}

static enum err retire(const char *folder, const struct public_key *key, struct fault *fault)
{
	char path[HOME_PATH_MAX];
	struct bytes text CLEANUP(bytes_fini) = {0}, vkey CLEANUP(bytes_fini) = {0};

	bytes_init(&text, RETIRED_MAX);
	bytes_init(&vkey, 1024);
	TRY(read_retired(folder, &text, fault));
	TRY(public_key_print(key, &vkey));
	TRY(bytes_append_u8(&vkey, '\n'));
	bool is_last = text.length >= vkey.length &&
		       memcmp(text.data + text.length - vkey.length, vkey.data, vkey.length) == 0;
	if (is_last)
		return ERR_OK;
	TRY(bytes_append(&text, bytes_slice(&vkey)));
	TRY(home_path(folder, RETIRED_FILE, path, fault));
	return file_write(path, bytes_slice(&text), 0600, fault);
}

/* ---- the part that is done here ---- */

static enum err reseal_lanes(const char *folder, const struct secret_key *old, const struct secret_key *next,
			     struct fault *fault)
{
	char lanes[HOME_PATH_MAX];

	TRY(home_path(folder, "lanes", lanes, fault));
	for (uint32_t lane = 0; lane <= LANE_MAX; lane++)
		TRY(session_reseal(session_files(lanes), lane, old, next, fault));
	return ERR_OK;
}

/* The next key takes the place; what was there is overwritten, as far as the disk lets it be. */
static enum err replace(const char *folder, struct fault *fault)
{
	static const uint8_t zeros[512];
	char path[HOME_PATH_MAX];
	struct stat status;

	TRY(home_path(folder, KEY_FILE, path, fault));
	int descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	enum err err = move(folder, NEXT_FILE, KEY_FILE, fault);
	if (descriptor < 0)
		return err;
	if (err == ERR_OK && fstat(descriptor, &status) == 0 && status.st_size > 0 &&
	    (size_t)status.st_size <= sizeof zeros &&
	    write(descriptor, zeros, (size_t)status.st_size) == status.st_size)
		(void)fsync(descriptor);
	close(descriptor);
	return err;
}

static enum err finish(const char *folder, struct fault *fault)
{
	struct secret_key old CLEANUP(secret_key_fini) = {0};
	struct secret_key next CLEANUP(secret_key_fini) = {0};

	TRY(read_key(folder, KEY_FILE, &old, fault));
	TRY(read_key(folder, NEXT_FILE, &next, fault));
	TRY(retire(folder, &old.public, fault));
	TRY(reseal_lanes(folder, &old, &next, fault));
	return replace(folder, fault);
}

enum err rotate_finish(const char *folder, struct fault *fault)
{
	return is_there(folder, NEXT_FILE) ? finish(folder, fault) : ERR_OK;
}

bool rotate_is_open(const char *folder)
{
	return is_there(folder, NEW_FILE) || is_there(folder, NEXT_FILE);
}

/* ---- with the broker ---- */

struct rotation {
	const char *folder;
	struct session *session; /* on LANE_ADMIN, signs with *key */
	struct secret_key *key;
	uint64_t time_ms;
	struct secret_key next;
};

static void rotation_fini(struct rotation *rotation)
{
	secret_key_fini(&rotation->next);
}

static enum err make_next(struct rotation *rotation, struct fault *fault)
{
	char path[HOME_PATH_MAX];

	TRY(home_path(rotation->folder, NEW_FILE, path, fault));
	TRY(secret_key_new(slice_text(rotation->key->public.name), &rotation->next));
	return secret_key_write(&rotation->next, path, fault);
}

/* Whether the broker takes what the next key signs. Only ERR_PRINCIPAL says that it does not: a broker that is busy
 * has not looked. */
static enum err is_known(const struct rotation *rotation, bool *ret_is_known, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Watch watch = KLUIS__WATCH__INIT;
	Kluis__WatchRow known = KLUIS__WATCH_ROW__INIT;
	const Kluis__Reply *reply;
	enum err code;

	arena_init(&arena, REQUEST_ARENA_MAX);
	watch.known = &known;
	operation.kind_case = KLUIS__OPERATION__KIND_WATCH;
	operation.watch = &watch;
	TRY(session_ask(&rotation->next, rotation->session->exchange, LANE_ADMIN, &operation, rotation->time_ms, &arena,
			&reply, &code, fault));
	if (code != ERR_OK && code != ERR_PRINCIPAL)
		return fault_set(fault, code, "the broker does not say which key it takes: %s", error_text(code));
	*ret_is_known = code == ERR_OK;
	return ERR_OK;
}

static enum err sign_new(const struct rotation *rotation, uint8_t ret_signature[static SIGNATURE_SIZE])
{
	struct bytes message CLEANUP(bytes_fini) = {0};

	bytes_init(&message, PRINCIPAL_MAX + 1 + KEY_SIZE);
	TRY(bytes_append(&message, slice_text(rotation->key->public.name)));
	TRY(bytes_append_u8(&message, 0));
	TRY(bytes_append(&message, SLICE_ARRAY(rotation->key->public.key)));
	return key_sign(&rotation->next, ROTATE_DOMAIN, bytes_slice(&message), ret_signature);
}

static enum err verdict(const struct session_answer *answer, struct fault *fault)
{
	enum err code = (enum err)answer->entry.decoded->code;

	if (code == ERR_OK)
		code = (enum err)answer->entry.decoded->results[0]->code;
	return code == ERR_OK ? ERR_OK : fault_set(fault, code, "the broker refused: %s", error_text(code));
}

static enum err call(const struct rotation *rotation, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	uint8_t signature[SIGNATURE_SIZE], key[KEY_SIZE];
	Kluis__Operation operation = KLUIS__OPERATION__INIT, *operations = &operation;
	Kluis__RotateKey rotate = KLUIS__ROTATE_KEY__INIT;
	struct session_answer answer;
	struct session_request request = {
		.operations = &operations, .operation_count = 1, .time_ms = rotation->time_ms};

	arena_init(&arena, REQUEST_ARENA_MAX);
	TRY(sign_new(rotation, signature));
	memcpy(key, rotation->next.public.key, KEY_SIZE);
	rotate.public_key = wire_data(SLICE_ARRAY(key));
	rotate.signature = wire_data(SLICE_ARRAY(signature));
	operation.kind_case = KLUIS__OPERATION__KIND_ROTATE_KEY;
	operation.rotate_key = &rotate;
	TRY(session_call(rotation->session, &request, TRIES, &arena, &answer, fault));
	return verdict(&answer, fault);
}

/* What the lane had pending is settled first; if that was this rotation, its answer is as good. */
static enum err settle(const struct rotation *rotation, bool *ret_is_done, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct session_answer answer;

	*ret_is_done = false;
	if (!rotation->session->has_pending)
		return session_keep(rotation->session);
	arena_init(&arena, REQUEST_ARENA_MAX);
	enum err err = session_resume(rotation->session, TRIES, &arena, &answer, fault);
	if (rotation->session->has_pending)
		return err;
	if (fault != NULL)
		fault->text[0] = '\0';
	TRY(session_keep(rotation->session));
	if (err != ERR_OK || !answer.has_entry)
		return ERR_OK;
	const Kluis__Operation *operation = answer.entry.request->operations[0];
	*ret_is_done =
		operation->kind_case == KLUIS__OPERATION__KIND_ROTATE_KEY &&
		slice_equal(wire_slice(operation->rotate_key->public_key), SLICE_ARRAY(rotation->next.public.key)) &&
		verdict(&answer, NULL) == ERR_OK;
	return ERR_OK;
}

static bool is_signed_by(struct slice message, const struct public_key *key)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct envelope envelope;

	arena_init(&arena, REQUEST_ARENA_MAX);
	return envelope_open(message, &arena, &envelope, NULL) == ERR_OK &&
	       envelope_verify(&envelope, key->key) == ERR_OK;
}

/* The broker knows one key that was, not two (R140): what was signed by the one before this would be refused after the
 * rotation, whether it was entered or not, and its number be used twice. */
static enum err check_lane(const struct rotation *rotation, struct session_memory memory, uint32_t lane,
			   struct fault *fault)
{
	struct exchange nobody = {.context = NULL};
	struct session session;

	TRY(session_open(&session, rotation->key, lane, nobody, memory, fault));
	bool is_late = session.has_pending && !is_signed_by(bytes_slice(&session.pending), &rotation->key->public);
	session_close(&session);
	if (is_late)
		return fault_set(
			fault, ERR_STATE,
			"lane %u waits for an answer since before the last rotation; 'kluis-agent run' gets it", lane);
	return ERR_OK;
}

static enum err check_lanes(const struct rotation *rotation, struct fault *fault)
{
	char lanes[HOME_PATH_MAX];

	TRY(home_path(rotation->folder, "lanes", lanes, fault));
	for (uint32_t lane = 0; lane <= LANE_MAX; lane++)
		TRY(check_lane(rotation, session_files(lanes), lane, fault));
	return ERR_OK;
}

static enum err prepare(const struct rotation *rotation, bool *ret_is_done, struct fault *fault)
{
	TRY(settle(rotation, ret_is_done, fault));
	return *ret_is_done ? ERR_OK : check_lanes(rotation, fault);
}

static enum err go_on(struct rotation *rotation, bool *ret_is_done, struct fault *fault)
{
	TRY(read_key(rotation->folder, NEW_FILE, &rotation->next, fault));
	TRY(is_known(rotation, ret_is_done, fault));
	return *ret_is_done ? ERR_OK : prepare(rotation, ret_is_done, fault);
}

static enum err begin(struct rotation *rotation, struct fault *fault)
{
	bool is_done;

	TRY(prepare(rotation, &is_done, fault));
	return make_next(rotation, fault);
}

static enum err accept(struct rotation *rotation, struct fault *fault)
{
	bool is_done = false;

	if (is_there(rotation->folder, NEW_FILE))
		TRY(go_on(rotation, &is_done, fault));
	else
		TRY(begin(rotation, fault));
	if (!is_done)
		TRY(call(rotation, fault));
	return move(rotation->folder, NEW_FILE, NEXT_FILE, fault);
}

/* From here on whatever is saved is sealed under the next key: rotate_finish takes that too. */
static void adopt(struct rotation *rotation)
{
	secret_key_fini(rotation->key);
	*rotation->key = rotation->next;
	rotation->next = (struct secret_key){.secret = NULL};
}

static enum err rotate(struct rotation *rotation, struct fault *fault)
{
	if (is_there(rotation->folder, NEXT_FILE))
		TRY(read_key(rotation->folder, NEXT_FILE, &rotation->next, fault));
	else
		TRY(accept(rotation, fault));
	adopt(rotation);
	return finish(rotation->folder, fault);
}

enum err rotate_key(const char *folder, struct session *session, struct secret_key *key, uint64_t time_ms,
		    struct fault *fault)
{
	struct rotation rotation CLEANUP(rotation_fini) = {
		.folder = folder, .session = session, .key = key, .time_ms = time_ms};

	return rotate(&rotation, fault);
}
