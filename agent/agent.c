#include <stdio.h>
#include <string.h>

#include "alarm.h"
#include "home.h"
#include "kluis/clock.h"
#include "kluis/file.h"
#include "rotate.h"

#define TIMEOUT_MS 20000
#define TRIES 3
#define PEM_MAX 16384
#define LOCK_WAIT_MS 10000 /* two tills of one store ask one after the other */
#define LOCK_PAUSE_MS 10

static enum err check_folder(const char *folder, struct fault *fault)
{
	char path[HOME_PATH_MAX];

	TRY(home_path(folder, "agent.ini", path, fault));
	if (file_check_private(path, false, NULL) == ERR_NOT_FOUND)
		return fault_set(fault, ERR_NOT_FOUND,
				 "'%s' is not an agent's folder; 'kluis-agent join INVITATION' makes one", folder);
	TRY(file_check_private(path, false, fault));
	return file_check_private(folder, true, fault);
}

static enum err open_keys(struct agent *agent, struct fault *fault)
{
	char path[HOME_PATH_MAX];

	TRY(rotate_finish(agent->folder, fault));
	TRY(membership_read(agent->folder, &agent->arena, &agent->membership, fault));
	TRY(home_path(agent->folder, "store.key", path, fault));
	TRY(secret_key_read(path, &agent->key, fault));
	TRY(home_path(agent->folder, "seal.key", path, fault));
	return secret_bytes_read(path, &agent->seal_key, fault);
}

/* One command at a time works in the folder; the others wait their turn. */
static enum err take_turn(struct agent *agent, uint64_t wait_ms, struct fault *fault)
{
	char path[HOME_PATH_MAX];
	uint64_t began_ms = clock_steady_ms();

	TRY(home_path(agent->folder, "lock", path, fault));
	enum err err = file_lock(path, &agent->lock, NULL);
	while (err == ERR_IN_USE && clock_steady_ms() - began_ms < wait_ms) {
		clock_sleep_ms(LOCK_PAUSE_MS);
		err = file_lock(path, &agent->lock, NULL);
	}
	return err == ERR_OK ? ERR_OK : file_lock(path, &agent->lock, fault);
}

static enum err open_all(struct agent *agent, uint64_t wait_ms, struct fault *fault)
{
	char path[HOME_PATH_MAX];

	TRY(check_folder(agent->folder, fault));
	TRY(take_turn(agent, wait_ms, fault));
	TRY(open_keys(agent, fault));
	TRY(home_path(agent->folder, "lanes", agent->lanes, fault));
	TRY(home_path(agent->folder, "db", path, fault));
	TRY(store_open(path, &replica_layout, false, &agent->store, fault));
	TRY(home_path(agent->folder, "leases", agent->leases, fault));
	agent->replica =
		(struct replica){.store = agent->store, .key = agent->seal_key, .keys = key_files(agent->leases)};
	return ERR_OK;
}

static enum err open_within(struct agent *ret_agent, const char *folder, uint64_t wait_ms, struct fault *fault)
{
	*ret_agent = (struct agent){.folder = folder, .lock = -1};
	arena_init(&ret_agent->arena, 16 * PAPER_MAX);
	enum err err = open_all(ret_agent, wait_ms, fault);
	if (err != ERR_OK)
		agent_close(ret_agent);
	return err;
}

enum err agent_open(struct agent *ret_agent, const char *folder, struct fault *fault)
{
	return open_within(ret_agent, folder, LOCK_WAIT_MS, fault);
}

enum err agent_open_at_once(struct agent *ret_agent, const char *folder, struct fault *fault)
{
	return open_within(ret_agent, folder, 0, fault);
}

void agent_close(struct agent *agent)
{
	if (agent->session.key != NULL)
		session_close(&agent->session);
	link_close(&agent->link);
	store_close(&agent->store);
	secret_key_fini(&agent->key);
	secret_bytes_free(&agent->seal_key);
	if (agent->lock >= 0)
		file_unlock(&agent->lock);
	arena_fini(&agent->arena);
	*agent = (struct agent){.lock = -1};
}

enum err agent_connect_only(struct agent *agent, struct fault *fault)
{
	char path[HOME_PATH_MAX];
	struct bytes certificate CLEANUP(bytes_fini) = {0};

	bytes_init(&certificate, PEM_MAX);
	TRY(home_path(agent->folder, "broker.crt", path, fault));
	if (file_read(path, &certificate, NULL) != ERR_OK)
		return fault_set(fault, ERR_CERTIFICATE, "'%s' cannot be read; join again with a new invitation", path);
	TRY(bytes_append_u8(&certificate, '\0'));
	return link_open(agent->membership.address, (const char *)certificate.data, TIMEOUT_MS, &agent->link, fault);
}

enum err agent_connect(struct agent *agent, enum agent_lane lane, struct fault *fault)
{
	TRY(agent_connect_only(agent, fault));
	return session_open(&agent->session, &agent->key, (uint32_t)lane, link_exchange(agent->link),
			    session_files(agent->lanes), fault);
}

/* ---- papers ---- */

static enum err read_note(struct agent *agent, const char *name, bool is_needed, struct slice *ret_note,
			  struct fault *fault)
{
	char path[HOME_PATH_MAX];
	struct bytes note CLEANUP(bytes_fini) = {0};

	bytes_init(&note, PAPER_MAX);
	TRY(home_path(agent->folder, name, path, fault));
	enum err err = file_read(path, &note, NULL);
	if (err == ERR_NOT_FOUND && is_needed)
		return fault_set(fault, err, "'%s' is missing; 'kluis-agent agreement sign' fetches it again", path);
	if (err == ERR_NOT_FOUND)
		return fault_set(fault, ERR_NO_AGREEMENT,
				 "no agreement is signed here; 'kluis-agent agreement sign' when one is offered");
	if (err != ERR_OK)
		return fault_set(fault, err, "'%s': %s", path, error_text(err));
	uint8_t *copy = arena_copy(&agent->arena, bytes_slice(&note));
	if (copy == NULL)
		return ERR_MEMORY;
	*ret_note = SLICE(copy, note.length);
	return ERR_OK;
}

/* By the key of now or, signed before a rotation, by one that was. */
static enum err open_agreement(struct agent *agent, struct slice note, const struct charter *charter,
			       struct agreement *ret_agreement, struct fault *fault)
{
	const struct public_key *controller = &agent->membership.controller;
	struct public_key *retired;
	struct fault cause = {""};
	size_t count;

	TRY(rotate_retired(agent->folder, &agent->arena, &retired, &count, fault));
	enum err err = agreement_open(note, charter, controller, &agent->key.public, "agreement.note", &agent->arena,
				      ret_agreement, &cause);
	while (err == ERR_SIGNATURE && count > 0)
		err = agreement_open(note, charter, controller, &retired[--count], "agreement.note", &agent->arena,
				     ret_agreement, NULL);
	return err == ERR_OK ? ERR_OK : fault_set(fault, err, "%s", cause.text);
}

enum err agent_load_agreement(struct agent *agent, struct fault *fault)
{
	struct slice charter_note, note;
	struct charter *charter = arena_alloc(&agent->arena, sizeof *charter);
	struct agreement *agreement = arena_alloc(&agent->arena, sizeof *agreement);

	if (charter == NULL || agreement == NULL)
		return ERR_MEMORY;
	TRY(read_note(agent, "agreement.note", false, &note, fault));
	TRY(read_note(agent, "charter.note", true, &charter_note, fault));
	const struct public_key *controller = &agent->membership.controller;
	TRY(charter_open(charter_note, controller, "charter.note", &agent->arena, charter, fault));
	TRY(open_agreement(agent, note, charter, agreement, fault));
	agent->charter = charter;
	agent->agreement = agreement;
	return ERR_OK;
}

/* ---- asking ---- */

static enum err settle(struct agent *agent, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct session_answer answer;

	if (!agent->session.has_pending)
		return ERR_OK;
	arena_init(&arena, REQUEST_ARENA_MAX);
	enum err err = session_resume(&agent->session, TRIES, &arena, &answer, fault);
	if (agent->session.has_pending)
		return err;
	if (err != ERR_OK && fault != NULL)
		fault->text[0] = '\0'; /* the killed command's refusal is not this one's */
	return ERR_OK;
}

/* Who rings up a receipt again would otherwise ring it up twice. */
static void say_in_doubt(struct fault *fault)
{
	size_t length = fault == NULL ? 0 : strlen(fault->text);

	if (length > 0)
		snprintf(fault->text + length, sizeof fault->text - length,
			 "; it may have been done: the next command finds out first");
}

static void say_rotate(struct fault *fault)
{
	size_t length = fault == NULL ? 0 : strlen(fault->text);

	if (length > 0)
		snprintf(fault->text + length, sizeof fault->text - length,
			 "; a rotation of the store's key was cut off: run 'kluis-agent key rotate' again");
}

/* Somebody else used the lane, or the folder was restored: said, and gone on from what the broker expects (R126). */
static void tell_two_places(struct agent *agent, enum err err, const struct fault *fault)
{
	bool is_told = fault != NULL && fault->text[0] != '\0';

	alarm_raise(agent->store, ALARM_TWO_PLACES, clock_now_ms(), "%.200s", is_told ? fault->text : error_text(err));
}

static enum err call_or_adopt(struct agent *agent, const struct session_request *request, struct arena *arena,
			      struct session_answer *ret_answer, struct fault *fault)
{
	enum err err = session_call(&agent->session, request, TRIES, arena, ret_answer, fault);

	if (err != ERR_SEQUENCE || session_adopt(&agent->session) != ERR_OK)
		return err;
	tell_two_places(agent, err, fault);
	if (fault != NULL)
		fault->text[0] = '\0';
	return session_call(&agent->session, request, TRIES, arena, ret_answer, fault);
}

enum err agent_send(struct agent *agent, const struct agent_call *call, struct arena *arena,
		    struct session_answer *ret_answer, struct fault *fault)
{
	Kluis__Operation *operation = call->operation;
	Kluis__Part *part = call->part;
	bool names_agreement = agent->agreement != NULL && !call->is_outside_agreement;
	struct session_request request = {
		.agreement = names_agreement ? SLICE_ARRAY(agent->agreement->hash) : SLICE_EMPTY,
		.employee = call->employee,
		.operations = &operation,
		.operation_count = 1,
		.parts = &part,
		.part_count = part != NULL,
		.time_ms = clock_now_ms(),
	};

	TRY(settle(agent, fault));
	enum err err = call_or_adopt(agent, &request, arena, ret_answer, fault);
	if (err != ERR_OK && agent->session.has_pending)
		say_in_doubt(fault);
	if (err == ERR_PRINCIPAL && rotate_is_open(agent->folder))
		say_rotate(fault);
	TRY(err);
	if (!ret_answer->has_entry)
		return fault_set(fault, ERR_MISMATCH, "the broker answered without an entry");
	enum err code = (enum err)ret_answer->entry.decoded->code;
	if (code == ERR_REUSED || code == ERR_ACKNOWLEDGEMENT)
		tell_two_places(agent, code, NULL);
	return code == ERR_OK ? ERR_OK : fault_set(fault, code, "refused: %s", error_text(code));
}

enum err agent_verdict(const struct session_answer *answer, struct fault *fault)
{
	const Kluis__Result *result = answer->entry.decoded->results[0];
	enum err code = (enum err)result->code;

	if (code == ERR_OK)
		return ERR_OK;
	return fault_set(fault, code, "refused: %s%s%s%s (log entry %llu)", error_text(code),
			 result->clause == NULL ? "" : " [", result->clause == NULL ? "" : result->clause,
			 result->clause == NULL ? "" : "]", (unsigned long long)answer->index);
}
