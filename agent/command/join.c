/*
 * kluis-agent join: takes up an invitation. May be run again until it has succeeded.
 */
#include <stdio.h>
#include <string.h>

#include "command/options.h"
#include "home.h"
#include "kluis/clock.h"
#include "kluis/file.h"
#include "kluis/hash.h"

static enum err read_invitation(const char *path, struct arena *arena, struct invitation *ret_invitation,
				struct fault *fault)
{
	struct bytes note CLEANUP(bytes_fini) = {0};
	struct principal principal;

	bytes_init_secret(&note, PAPER_MAX);
	TRY(file_read(path, &note, fault));
	uint8_t *copy = arena_copy(arena, bytes_slice(&note));
	if (copy == NULL)
		return ERR_MEMORY;
	TRY(invitation_parse(SLICE(copy, note.length), path, arena, ret_invitation, fault));
	TRY(principal_parse(slice_text(ret_invitation->principal), &principal));
	if (principal.kind != PRINCIPAL_STORE)
		return fault_set(fault, ERR_USAGE, "'%s' invites %s; auditors join with kluis-audit", path,
				 ret_invitation->principal);
	if (clock_now_ms() >= ret_invitation->expires_ms)
		return fault_set(fault, ERR_CODE, "'%s' has expired; ask head office for a new one", path);
	return ERR_OK;
}

static enum err send_join(struct agent *agent, const struct invitation *invitation, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct session_answer answer;
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Join join = KLUIS__JOIN__INIT;
	Kluis__JoinContent content = KLUIS__JOIN_CONTENT__INIT;
	struct agent_call call = {.operation = &operation, .is_outside_agreement = true};

	arena_init(&arena, REQUEST_ARENA_MAX);
	content.code = wire_data(SLICE_ARRAY(invitation->code));
	TRY(part_make(&content.base, &arena, &call.part, &join.commitment));
	join.public_key = wire_data(SLICE_ARRAY(agent->key.public.key));
	operation.kind_case = KLUIS__OPERATION__KIND_JOIN;
	operation.join = &join;
	TRY(agent_send(agent, &call, &arena, &answer, fault));
	return agent_verdict(&answer, fault);
}

static enum err mark_joined(const char *folder, struct fault *fault)
{
	char path[HOME_PATH_MAX];

	TRY(home_path(folder, "joined", path, fault));
	return file_write(path, slice_text("joined\n"), 0600, fault);
}

/* A join that was sent but not answered: the answer to the same bytes says whether it worked. */
static enum err resume_join(struct agent *agent, bool *ret_has_joined, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct session_answer answer;

	*ret_has_joined = false;
	if (!agent->session.has_pending)
		return ERR_OK;
	arena_init(&arena, REQUEST_ARENA_MAX);
	enum err err = session_resume(&agent->session, 3, &arena, &answer, NULL);
	if (agent->session.has_pending)
		return fault_set(fault, err, "the broker at %s does not answer", agent->membership.address);
	*ret_has_joined = err == ERR_OK && answer.has_entry && answer.entry.decoded->code == ERR_OK &&
			  answer.entry.decoded->results[0]->code == ERR_OK;
	return ERR_OK;
}

static enum err join(const char *folder, const struct invitation *invitation, struct fault *fault)
{
	struct agent agent CLEANUP(agent_close) = {.lock = -1};
	bool has_joined;

	TRY(agent_open(&agent, folder, fault));
	TRY(agent_connect(&agent, LANE_ADMIN, fault));
	TRY(resume_join(&agent, &has_joined, fault));
	if (!has_joined)
		TRY(send_join(&agent, invitation, fault));
	return mark_joined(folder, fault);
}

enum err agent_command_join(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct agent_options *settings = target;
	struct arena arena CLEANUP(arena_fini) = {0};
	struct invitation invitation;

	arena_init(&arena, 4 * PAPER_MAX);
	TRY(read_invitation(arguments->items[0], &arena, &invitation, fault));
	TRY(home_create(settings->data, &invitation, fault));
	TRY(join(settings->data, &invitation, fault));
	printf("joined as %s; head office's key has id %08x: compare it with what they tell you\n",
	       invitation.principal, invitation.controller.id);
	printf("next: kluis-agent agreement show\n");
	return ERR_OK;
}
