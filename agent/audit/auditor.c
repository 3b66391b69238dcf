#include "auditor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "chain.h"
#include "cosigned.h"
#include "kluis/clock.h"
#include "kluis/file.h"
#include "kluis/invitation.h"
#include "kluis/link.h"

#define TIMEOUT_MS 10000
#define TRIES 6
#define LANE 0
#define TRUST_ARENA_MAX (256 * 1024 * 1024)

/* ---- the folder ---- */

static enum err read_text(const char *folder, const char *name, struct bytes *ret_text, struct fault *fault)
{
	char path[MIRROR_PATH_MAX];

	TRY(mirror_path(folder, name, path, fault));
	bytes_clear(ret_text);
	TRY(file_read(path, ret_text, fault));
	return bytes_append_u8(ret_text, '\0');
}

static enum err write_text(const char *folder, const char *name, const char *text, struct fault *fault)
{
	char path[MIRROR_PATH_MAX];

	TRY(mirror_path(folder, name, path, fault));
	return file_write(path, slice_text(text), 0644, fault);
}

static enum err write_key(const char *folder, const char *name, const struct public_key *key, struct fault *fault)
{
	struct bytes vkey CLEANUP(bytes_fini) = {0};
	char path[MIRROR_PATH_MAX];

	bytes_init(&vkey, PAPER_MAX);
	TRY(mirror_path(folder, name, path, fault));
	TRY(public_key_print(key, &vkey));
	TRY(bytes_append_u8(&vkey, '\n'));
	return file_write(path, bytes_slice(&vkey), 0644, fault);
}

static enum err read_key(const char *folder, const char *name, struct public_key *ret_key, struct fault *fault)
{
	char path[MIRROR_PATH_MAX];

	TRY(mirror_path(folder, name, path, fault));
	return mirror_key(path, ret_key, fault);
}

static bool is_there(const char *folder, const char *name)
{
	char path[MIRROR_PATH_MAX];

	return mirror_path(folder, name, path, NULL) == ERR_OK && access(path, F_OK) == 0;
}

/* A key that a cut-off run has made is used again: the broker may know it by now. */
static enum err take_key(const char *folder, const struct invitation *invitation, struct secret_key *ret_key,
			 struct fault *fault)
{
	char path[MIRROR_PATH_MAX];

	TRY(mirror_path(folder, "auditor.key", path, fault));
	if (is_there(folder, "auditor.key")) {
		TRY(secret_key_read(path, ret_key, fault));
		if (strcmp(ret_key->public.name, invitation->principal) == 0)
			return ERR_OK;
		secret_key_fini(ret_key);
		return fault_set(fault, ERR_EXISTS, "%s is the key of another auditor; use another folder", path);
	}
	TRY(secret_key_new(slice_text(invitation->principal), ret_key));
	return secret_key_write(ret_key, path, fault);
}

static enum err write_invited(const char *folder, const struct invitation *invitation, struct fault *fault)
{
	TRY(write_key(folder, "log.vkey", &invitation->log, fault));
	TRY(write_key(folder, "controller.vkey", &invitation->controller, fault));
	return write_text(folder, "broker.crt", invitation->certificate_pem, fault);
}

/* ---- calls ---- */

static enum err open_lane(struct auditor *auditor, const char *address, const char *certificate, struct fault *fault)
{
	TRY(link_open(address, certificate, TIMEOUT_MS, &auditor->link, fault));
	return session_open(&auditor->session, &auditor->key, LANE, link_exchange(auditor->link),
			    session_files(auditor->folder), fault);
}

/* What the entry says of the one operation that was asked. */
static enum err outcome(const struct session_answer *answer, struct fault *fault)
{
	enum err code = (enum err)answer->entry.decoded->code;

	if (code == ERR_OK)
		code = (enum err)answer->entry.decoded->results[0]->code;
	if (code != ERR_OK)
		return fault_set(fault, code, "the broker refused: %s (entry %" PRIu64 ")", error_text(code),
				 answer->index);
	return ERR_OK;
}

static enum err call(struct auditor *auditor, Kluis__Operation *operation, Kluis__Part *part,
		     struct session_answer *ret_answer, struct fault *fault)
{
	struct session_request request = {.operations = &operation,
					  .operation_count = 1,
					  .parts = &part,
					  .part_count = part != NULL,
					  .time_ms = clock_now_ms()};

	TRY(session_call(&auditor->session, &request, TRIES, &auditor->arena, ret_answer, fault));
	return outcome(ret_answer, fault);
}

/* Whatever was asked before and not seen answered is asked again; only the lane's order depends on it. */
static enum err settle(struct auditor *auditor, struct session_answer *ret_answer, struct fault *fault)
{
	if (!auditor->session.has_pending)
		return ERR_NOT_FOUND;
	return session_resume(&auditor->session, TRIES, &auditor->arena, ret_answer, fault);
}

/* ---- joining ---- */

static enum err send_join(struct auditor *auditor, const struct invitation *invitation, struct fault *fault)
{
	Kluis__JoinContent content = KLUIS__JOIN_CONTENT__INIT;
	Kluis__Join join = KLUIS__JOIN__INIT;
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	struct session_answer answer;
	Kluis__Part *part;
	enum err err = settle(auditor, &answer, fault);

	if (err != ERR_NOT_FOUND)
		return err == ERR_OK ? outcome(&answer, fault) : err;
	content.code = wire_data(SLICE_ARRAY(invitation->code));
	join.public_key = wire_data(SLICE_ARRAY(auditor->key.public.key));
	TRY(part_make(&content.base, &auditor->arena, &part, &join.commitment));
	operation.kind_case = KLUIS__OPERATION__KIND_JOIN;
	operation.join = &join;
	return call(auditor, &operation, part, &answer, fault);
}

static void print_joined(const struct auditor *auditor, const struct invitation *invitation)
{
	printf("joined %s as %s\n", invitation->origin, invitation->principal);
	printf("head office's key: %s+%08" PRIx32 "\n", invitation->controller.name, invitation->controller.id);
	printf("Compare this id with the one that head office tells you by another way. If it differs, the "
	       "invitation was forged.\n");
	printf("next: kluis-audit mirror %s --to FOLDER\n", auditor->folder);
}

static enum err read_invitation(const char *path, struct arena *arena, struct invitation *ret_invitation,
				struct fault *fault)
{
	struct bytes note CLEANUP(bytes_fini) = {0};
	struct principal principal;
	const uint8_t *copy;

	bytes_init_secret(&note, PAPER_MAX);
	TRY(file_read(path, &note, fault));
	copy = arena_copy(arena, bytes_slice(&note));
	if (copy == NULL)
		return fault_set(fault, ERR_MEMORY, "no memory to read %s", path);
	TRY(invitation_parse(SLICE(copy, note.length), path, arena, ret_invitation, fault));
	if (principal_parse(slice_text(ret_invitation->principal), &principal) != ERR_OK ||
	    principal.kind != PRINCIPAL_AUDITOR)
		return fault_set(fault, ERR_PRINCIPAL,
				 "%s invites %s, which is no auditor; a store joins with kluis-agent", path,
				 ret_invitation->principal);
	return ERR_OK;
}

static enum err join(struct auditor *auditor, const struct invitation *invitation, struct fault *fault)
{
	TRY(take_key(auditor->folder, invitation, &auditor->key, fault));
	TRY(write_invited(auditor->folder, invitation, fault));
	TRY(open_lane(auditor, invitation->address, invitation->certificate_pem, fault));
	TRY(send_join(auditor, invitation, fault));
	TRY(write_text(auditor->folder, "broker", invitation->address, fault));
	print_joined(auditor, invitation);
	return ERR_OK;
}

static enum err set_folder(struct auditor *auditor, const char *folder, struct fault *fault)
{
	if (snprintf(auditor->folder, sizeof auditor->folder, "%s", folder) >= (int)sizeof auditor->folder)
		return fault_set(fault, ERR_INPUT, "the folder's path is too long");
	return ERR_OK;
}

/* The folder, made if needed, private and locked. */
static enum err take_folder(const char *folder, int *ret_lock, struct fault *fault)
{
	char path[MIRROR_PATH_MAX];

	TRY(folder_make(folder, 0700, fault));
	TRY(file_check_private(folder, true, fault));
	TRY(mirror_path(folder, ".lock", path, fault));
	return file_lock(path, ret_lock, fault);
}

enum err auditor_join(const char *invitation_path, const char *folder, struct fault *fault)
{
	struct auditor auditor CLEANUP(auditor_close) = {0};
	struct arena arena CLEANUP(arena_fini) = {0};
	int lock CLEANUP(file_unlock) = -1;
	struct invitation invitation;

	arena_init(&arena, REQUEST_ARENA_MAX);
	arena_init(&auditor.arena, REQUEST_ARENA_MAX);
	TRY(set_folder(&auditor, folder, fault));
	TRY(read_invitation(invitation_path, &arena, &invitation, fault));
	TRY(take_folder(folder, &lock, fault));
	if (is_there(folder, "broker"))
		return fault_set(fault, ERR_EXISTS, "%s has joined already", folder);
	return join(&auditor, &invitation, fault);
}

/* ---- a joined auditor ---- */

static enum err read_folder(struct auditor *auditor, struct bytes *address, struct bytes *certificate,
			    struct fault *fault)
{
	char path[MIRROR_PATH_MAX];

	if (!is_there(auditor->folder, "broker"))
		return fault_set(fault, ERR_NOT_FOUND, "%s has not joined: run kluis-audit join INVITATION --dir %s",
				 auditor->folder, auditor->folder);
	TRY(mirror_path(auditor->folder, "auditor.key", path, fault));
	TRY(secret_key_read(path, &auditor->key, fault));
	TRY(read_key(auditor->folder, "log.vkey", &auditor->log, fault));
	TRY(read_key(auditor->folder, "controller.vkey", &auditor->controller, fault));
	TRY(read_text(auditor->folder, "broker", address, fault));
	return read_text(auditor->folder, "broker.crt", certificate, fault);
}

static enum err open_joined(struct auditor *auditor, struct fault *fault)
{
	struct bytes address CLEANUP(bytes_fini) = {0};
	struct bytes certificate CLEANUP(bytes_fini) = {0};
	struct session_answer answer;
	enum err err;

	bytes_init(&address, PAPER_MAX);
	bytes_init(&certificate, PAPER_MAX);
	TRY(read_folder(auditor, &address, &certificate, fault));
	TRY(open_lane(auditor, (const char *)address.data, (const char *)certificate.data, fault));
	err = settle(auditor, &answer, fault);
	arena_reset(&auditor->arena);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err auditor_open(const char *folder, struct auditor *ret_auditor, struct fault *fault)
{
	enum err err;

	*ret_auditor = (struct auditor){0};
	arena_init(&ret_auditor->arena, REQUEST_ARENA_MAX);
	err = set_folder(ret_auditor, folder, fault);
	if (err == ERR_OK)
		err = open_joined(ret_auditor, fault);
	if (err != ERR_OK)
		auditor_close(ret_auditor);
	return err;
}

void auditor_close(struct auditor *auditor)
{
	if (auditor->session.key != NULL)
		session_close(&auditor->session);
	if (auditor->link != NULL)
		link_close(&auditor->link);
	if (auditor->key.secret != NULL)
		secret_key_fini(&auditor->key);
	arena_fini(&auditor->arena);
}

/* ---- the log as it is read by requests ---- */

static enum err items_of(const struct session_answer *answer, const Kluis__Data **ret_data, struct fault *fault)
{
	if (answer->reply->n_data != 1 || answer->reply->data[0]->n_items == 0)
		return fault_set(fault, ERR_MISMATCH, "the broker's answer has no data (R44)");
	*ret_data = answer->reply->data[0];
	return ERR_OK;
}

/* Asks one operation and gives the first item of its data. */
static enum err ask_item(struct auditor *auditor, Kluis__Operation *operation, struct bytes *ret_item,
			 struct fault *fault)
{
	struct session_answer answer;
	const Kluis__Data *data = NULL;

	arena_reset(&auditor->arena);
	TRY(call(auditor, operation, NULL, &answer, fault));
	TRY(items_of(&answer, &data, fault));
	bytes_clear(ret_item);
	return bytes_append(ret_item, wire_slice(data->items[0]));
}

static enum err ask_checkpoint(void *context, struct bytes *ret_note, struct fault *fault)
{
	Kluis__GetCheckpoint get = KLUIS__GET_CHECKPOINT__INIT;
	Kluis__Operation operation = KLUIS__OPERATION__INIT;

	operation.kind_case = KLUIS__OPERATION__KIND_GET_CHECKPOINT;
	operation.get_checkpoint = &get;
	return ask_item(context, &operation, ret_note, fault);
}

static enum err ask_paper(void *context, struct slice hash, struct bytes *ret_paper, struct fault *fault)
{
	Kluis__GetPaper get = KLUIS__GET_PAPER__INIT;
	Kluis__Operation operation = KLUIS__OPERATION__INIT;

	get.hash = wire_data(hash);
	operation.kind_case = KLUIS__OPERATION__KIND_GET_PAPER;
	operation.get_paper = &get;
	return ask_item(context, &operation, ret_paper, fault);
}

static enum err ask_entries(void *context, uint64_t from, uint64_t size, struct bytes *ret_page, struct fault *fault)
{
	struct auditor *auditor = context;
	Kluis__ReadLog read = KLUIS__READ_LOG__INIT;
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	struct session_answer answer;
	const Kluis__Data *data = NULL;

	read.from = from;
	read.size = size;
	operation.kind_case = KLUIS__OPERATION__KIND_READ_LOG;
	operation.read_log = &read;
	arena_reset(&auditor->arena);
	TRY(call(auditor, &operation, NULL, &answer, fault));
	TRY(items_of(&answer, &data, fault));
	bytes_clear(ret_page);
	for (size_t i = 0; i < data->n_items; i++)
		TRY(bundle_append(ret_page, wire_slice(data->items[i])));
	return ERR_OK;
}

struct copy_source auditor_source(struct auditor *auditor)
{
	return (struct copy_source){
		.context = auditor, .checkpoint = ask_checkpoint, .entries = ask_entries, .paper = ask_paper};
}

enum err auditor_keep_trust(struct auditor *auditor, const char *mirror, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct chain chain;

	arena_init(&arena, TRUST_ARENA_MAX);
	TRY(chain_read(mirror, &auditor->log, &auditor->controller, &arena, &chain, fault));
	const struct trust *trust = chain_trust(&chain);
	return trust == NULL ? ERR_OK : write_text(auditor->folder, "broker.crt", trust->certificates_pem, fault);
}

static enum err ask_cosigned(struct auditor *auditor, struct bytes *ret_note, struct fault *fault)
{
	Kluis__GetCosigned get = KLUIS__GET_COSIGNED__INIT;
	Kluis__Operation operation = KLUIS__OPERATION__INIT;

	operation.kind_case = KLUIS__OPERATION__KIND_GET_COSIGNED;
	operation.get_cosigned = &get;
	return ask_item(auditor, &operation, ret_note, fault);
}

enum err auditor_keep_cosigned(struct auditor *auditor, const char *mirror, bool *ret_is_kept, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct bytes note CLEANUP(bytes_fini) = {0};
	struct fault cause = {""};
	struct chain chain;

	*ret_is_kept = false;
	bytes_init(&note, PAPER_MAX);
	enum err err = ask_cosigned(auditor, &note, &cause);
	if (err == ERR_NOT_FOUND)
		return ERR_OK;
	if (err != ERR_OK)
		return fault_set(fault, err, "%s", cause.text);
	arena_init(&arena, TRUST_ARENA_MAX);
	TRY(chain_read(mirror, &auditor->log, &auditor->controller, &arena, &chain, fault));
	return cosigned_keep(mirror, &chain, bytes_slice(&note), ret_is_kept, fault);
}
