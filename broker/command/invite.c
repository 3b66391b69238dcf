#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command/commands.h"
#include "command/succession.h"
#include "kluis/clock.h"
#include "kluis/file.h"
#include "kluis/hash.h"
#include "kluis/invitation.h"
#include "server/tls.h"

/* "store 12" or "auditor anna" as a key name. */
static enum err principal_of(const struct command_arguments *arguments, const char *origin,
			     char ret_name[PRINCIPAL_MAX + 1], struct fault *fault)
{
	struct principal principal;
	const char *kind = arguments->items[0], *name = arguments->items[1];

	int length = snprintf(ret_name, PRINCIPAL_MAX + 1, "%s/%s/%s", origin, kind, name);
	bool is_kind = strcmp(kind, "store") == 0 || strcmp(kind, "auditor") == 0;
	if (!is_kind || length > PRINCIPAL_MAX || principal_parse(slice_text(ret_name), &principal) != ERR_OK)
		return fault_set(fault, ERR_USAGE, "say 'store NUMBER' or 'auditor NAME' (letters, digits, - and _)");
	return ERR_OK;
}

static enum err read_origin(const struct office *office, char *ret_origin, size_t size, struct fault *fault)
{
	struct principal principal;

	if (principal_parse(slice_text(office->controller.public.name), &principal) != ERR_OK)
		return fault_set(fault, ERR_CORRUPT, "controller.key has the name of something else");
	snprintf(ret_origin, size, "%.*s", (int)principal.origin.length, (const char *)principal.origin.data);
	return ERR_OK;
}

static enum err tell_broker(struct office *office, const struct invitation *invitation, struct fault *fault)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Invite invite = KLUIS__INVITE__INIT;
	uint8_t hash[HASH_SIZE];
	char name[PRINCIPAL_MAX + 1];

	memcpy(name, invitation->principal, strlen(invitation->principal) + 1);
	sha256(SLICE_ARRAY(invitation->code), hash);
	invite.principal = name;
	invite.code_hash = wire_data(SLICE_ARRAY(hash));
	invite.expires_ms = invitation->expires_ms;
	operation.kind_case = KLUIS__OPERATION__KIND_INVITE;
	operation.invite = &invite;
	return office_call(office, &operation, SLICE_EMPTY, NULL, fault);
}

struct surroundings {
	struct folder_config config;
	struct arena arena;
	struct trust trust;
	char origin[ORIGIN_MAX + 1];
};

/* Lies in an arena: too large for a frame. */
static void surroundings_done(struct surroundings **surroundings)
{
	if (*surroundings == NULL)
		return;
	arena_fini(&(*surroundings)->arena);
}

static enum err read_surroundings(struct surroundings *ret, struct office *office, struct fault *fault)
{
	arena_init(&ret->arena, 16 * PAPER_MAX);
	TRY(folder_config_read(office->folder, &ret->config, fault));
	TRY(succession_read(office, &ret->arena, &ret->trust, fault));
	return read_origin(office, ret->origin, sizeof ret->origin, fault);
}

/* Whole seconds: that is what the paper can say. */
static uint64_t expiry(uint64_t days)
{
	return (clock_now_ms() / 1000 + days * 86400) * 1000;
}

static enum err write_invitation(struct office *office, const struct surroundings *around, const char *principal,
				 const struct settings *settings, struct fault *fault)
{
	struct bytes note CLEANUP(bytes_fini) = {0};
	struct fault refusal = {""};
	struct invitation invitation = {
		.origin = around->origin,
		.principal = principal,
		.address = around->config.address,
		.certificate_pem = around->trust.certificates_pem,
		.log = around->trust.logs[around->trust.log_count - 1], /* the newest: it stays */
		.controller = office->controller.public,
		.expires_ms = expiry(settings->days),
	};

	bytes_init_secret(&note, PAPER_MAX);
	random_bytes(invitation.code, sizeof invitation.code);
	TRY(invitation_print(&invitation, &office->controller, &note, fault));
	/* the file first: an invitation that nobody has is worth nothing, one that the broker does not know is refused
	 */
	TRY(file_create(settings->out, bytes_slice(&note), 0600, fault));
	enum err err = tell_broker(office, &invitation, &refusal);
	if (err >= ERR_NOT_FOUND) /* refused, not just unheard of: it would never be good */
		unlink(settings->out);
	if (err == ERR_STORE)
		return fault_set(fault, err, "%s: %s; 'kluis-broker store open' makes a store known", principal,
				 refusal.text);
	return err == ERR_OK ? ERR_OK : fault_set(fault, err, "%s", refusal.text);
}

enum err command_invite(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct settings *settings = target;
	struct office office CLEANUP(office_close) = {.lane_lock = -1};
	struct arena arena CLEANUP(arena_fini) = {0};
	char principal[PRINCIPAL_MAX + 1], time[25];

	if (settings->out == NULL)
		return fault_set(fault, ERR_USAGE, "say where the invitation goes: --out FILE");
	arena_init(&arena, 16 * 1024);
	struct surroundings *around CLEANUP(surroundings_done) = arena_alloc(&arena, sizeof *around);
	if (around == NULL)
		return ERR_MEMORY;
	TRY(office_open(&office, settings->data, fault));
	TRY(read_surroundings(around, &office, fault));
	TRY(principal_of(arguments, around->origin, principal, fault));
	TRY(write_invitation(&office, around, principal, settings, fault));
	time_print(expiry(settings->days), time);
	printf("'%s' lets %s in until %.10s; hand it over as you would a password\n", settings->out, principal, time);
	return ERR_OK;
}
