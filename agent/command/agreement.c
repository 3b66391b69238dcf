/*
 * kluis-agent agreement show, sign.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command/options.h"
#include "forward.h"
#include "home.h"
#include "kluis/clock.h"
#include "kluis/file.h"
#include "kluis/hash.h"
#include "office_papers.h"

/* ---- sign ---- */

static void print_summary(const struct office_offer *offer)
{
	char from[25], until[25];
	const struct agreement *agreement = offer->agreement;

	time_print(agreement->from_s * 1000, from);
	time_print(agreement->until_s * 1000, until);
	printf("agreement for store %u, from %.10s until %.10s, %zu grant%s:\n", agreement->store, from, until,
	       agreement->grant_count, agreement->grant_count == 1 ? "" : "s");
	for (size_t i = 0; i < agreement->grant_count; i++) {
		const struct grant *grant = &agreement->grants[i];
		printf("  %s: for %s, customers %s, %d fields\n", grant->name,
		       offer->charter->purposes[grant->purpose].name, scope_name(grant->scope),
		       __builtin_popcountll(grant->fields));
	}
}

/* Nobody is bound by a program that nobody watches: without a terminal it takes --yes. */
static enum err confirm(const struct agent_options *settings, struct fault *fault)
{
	char answer[8] = "";

	if (settings->is_yes)
		return ERR_OK;
	if (!isatty(STDIN_FILENO))
		return fault_set(fault, ERR_USAGE,
				 "signing binds the store; read it with 'agreement show', then give --yes");
	printf("sign it with the store's key? [y/N] ");
	fflush(stdout);
	bool is_yes = fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
	return is_yes ? ERR_OK : fault_set(fault, ERR_USAGE, "not signed");
}

static enum err sign_offer(struct agent *agent, const struct agent_options *settings, struct arena *arena,
			   struct fault *fault)
{
	struct office_offer offer = {0};
	enum err err = office_find_offer(agent, arena, &offer, fault);

	if (err == ERR_NOT_FOUND && offer.row == NULL) {
		fault->text[0] = '\0';
		TRY(office_recover(agent, arena, fault));
		printf("this store's agreement is signed and active\n");
		return ERR_OK;
	}
	TRY(err);
	print_summary(&offer);
	TRY(confirm(settings, fault));
	TRY(office_sign(agent, &offer, arena, fault));
	printf("signed: it is active; next: kluis-agent sync, or kluis-agent run\n");
	return ERR_OK;
}

/* ---- while the daemon runs ---- */

static void print_offer(const json_t *offer)
{
	const json_t *grant, *grants = json_object_get(offer, "grants");
	size_t i;

	printf("agreement from %.10s until %.10s, %zu grant%s:\n", json_string_value(json_object_get(offer, "from")),
	       json_string_value(json_object_get(offer, "until")), json_array_size(grants),
	       json_array_size(grants) == 1 ? "" : "s");
	json_array_foreach(grants, i, grant)
		printf("  %s: for %s, customers %s, %d fields\n", json_string_value(json_object_get(grant, "name")),
		       json_string_value(json_object_get(grant, "purpose")),
		       json_string_value(json_object_get(grant, "customers")),
		       (int)json_integer_value(json_object_get(grant, "fields")));
}

static enum err sign_running(const struct agent_options *settings, struct fault *fault)
{
	json_t *offer = NULL;

	TRY(forward_call(settings->data, "agreement/offered", NULL, &offer, fault));
	print_offer(offer);
	enum err err = confirm(settings, fault);
	if (err == ERR_OK)
		err = forward_call(settings->data, "agreement/sign",
				   json_pack("{s:O}", "hash", json_object_get(offer, "hash")), NULL, fault);
	json_decref(offer);
	if (err == ERR_OK)
		printf("signed: it is active, and the running agent goes over to it\n");
	return err;
}

static enum err show_running(const struct agent_options *settings, struct fault *fault)
{
	json_t *offer = NULL;

	TRY(forward_call(settings->data, "agreement/offered", NULL, &offer, fault));
	printf("; offered\n%s", json_string_value(json_object_get(offer, "note")));
	json_decref(offer);
	return ERR_OK;
}

enum err agent_command_agreement_show(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct agent_options *settings = target;
	struct agent agent CLEANUP(agent_close) = {.lock = -1};
	struct arena arena CLEANUP(arena_fini) = {0};
	Kluis__AgreementRow *row;
	struct slice note;
	char changed[25];

	(void)arguments;
	if (forward_is_running(settings->data))
		return show_running(settings, fault);
	arena_init(&arena, 4 * REQUEST_ARENA_MAX);
	TRY(agent_open(&agent, settings->data, fault));
	TRY(agent_connect(&agent, LANE_ADMIN, fault));
	TRY(office_find_row(&agent, AGREEMENT_NONE, &arena, &row, fault));
	TRY(office_get_paper(&agent, wire_slice(row->hash), &arena, &note, fault));
	time_print(row->changed_ms, changed);
	printf("; %s since %s\n", agreement_state_name((enum agreement_state)row->state), changed);
	fwrite(note.data, 1, note.length, stdout);
	return ERR_OK;
}

enum err agent_command_agreement_sign(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct agent_options *settings = target;
	struct agent agent CLEANUP(agent_close) = {.lock = -1};
	struct arena arena CLEANUP(arena_fini) = {0};

	(void)arguments;
	if (forward_is_running(settings->data))
		return sign_running(settings, fault);
	arena_init(&arena, 8 * REQUEST_ARENA_MAX);
	TRY(agent_open(&agent, settings->data, fault));
	TRY(agent_connect(&agent, LANE_ADMIN, fault));
	return sign_offer(&agent, settings, &arena, fault);
}
