#include "kluis/invitation.h"

#include <string.h>

#include "kluis/clock.h"
#include "kluis/hash.h"
#include "kluis/ini.h"

#define ADDRESS_SCHEME "tls+tcp://"
#define CERTIFICATE_FIRST "-----BEGIN CERTIFICATE-----\n"
#define CERTIFICATE_LAST "-----END CERTIFICATE-----\n"
#define MS_PER_S 1000u
/* What parsing a printed one needs: text, signature and values. */
#define CHECK_ARENA_MAX (2 * PAPER_MAX)

/* ---- take functions: target is a struct invitation ---- */

static enum err keep(const char **place, const char *value, struct arena *arena)
{
	*place = arena_text(arena, slice_text(value));
	return *place == NULL ? ERR_MEMORY : ERR_OK;
}

static enum err take_origin(void *target, const char *section, const char *key, char *value, struct arena *arena,
			    struct fault *fault)
{
	struct invitation *invitation = target;

	(void)section, (void)key;
	if (!origin_is_valid(slice_text(value)))
		return fault_set(fault, ERR_INPUT, "'%s' is not an origin", value);
	return keep(&invitation->origin, value, arena);
}

static enum err take_principal(void *target, const char *section, const char *key, char *value, struct arena *arena,
			       struct fault *fault)
{
	struct invitation *invitation = target;
	struct principal principal;

	(void)section, (void)key;
	if (principal_parse(slice_text(value), &principal) != ERR_OK ||
	    (principal.kind != PRINCIPAL_STORE && principal.kind != PRINCIPAL_AUDITOR))
		return fault_set(fault, ERR_INPUT, "'%s' is neither <origin>/store/<n> nor <origin>/auditor/<name>",
				 value);
	return keep(&invitation->principal, value, arena);
}

static enum err take_broker(void *target, const char *section, const char *key, char *value, struct arena *arena,
			    struct fault *fault)
{
	struct invitation *invitation = target;
	const size_t scheme = sizeof(ADDRESS_SCHEME) - 1;
	const char *colon = strrchr(value, ':');

	(void)section, (void)key;
	if (strncmp(value, ADDRESS_SCHEME, scheme) != 0 || colon <= value + scheme || colon[1] == '\0' ||
	    strpbrk(value, " \n") != NULL)
		return fault_set(fault, ERR_INPUT, "'%s' is not %s<host>:<port>", value, ADDRESS_SCHEME);
	return keep(&invitation->address, value, arena);
}

static enum err take_key(struct public_key *ret_key, const char *value, struct fault *fault)
{
	TRY(public_key_parse(slice_text(value), ret_key, fault));
	if (ret_key->type != KEY_TYPE_ED25519)
		return fault_set(fault, ERR_INPUT, "a vkey of type 1 (Ed25519) belongs here");
	return ERR_OK;
}

static enum err take_log(void *target, const char *section, const char *key, char *value, struct arena *arena,
			 struct fault *fault)
{
	struct invitation *invitation = target;

	(void)section, (void)key, (void)arena;
	return take_key(&invitation->log, value, fault);
}

static enum err take_controller(void *target, const char *section, const char *key, char *value, struct arena *arena,
				struct fault *fault)
{
	struct invitation *invitation = target;

	(void)section, (void)key, (void)arena;
	return take_key(&invitation->controller, value, fault);
}

/* The fault does not quote the code: it is a secret until it is used. */
static enum err take_code(void *target, const char *section, const char *key, char *value, struct arena *arena,
			  struct fault *fault)
{
	struct invitation *invitation = target;

	(void)section, (void)key, (void)arena;
	if (hex_parse(slice_text(value), invitation->code, sizeof(invitation->code)) != ERR_OK)
		return fault_set(fault, ERR_INPUT, "the code is %d hex digits, lower case", 2 * INVITATION_CODE_SIZE);
	return ERR_OK;
}

static enum err take_expires(void *target, const char *section, const char *key, char *value, struct arena *arena,
			     struct fault *fault)
{
	struct invitation *invitation = target;

	(void)section, (void)key, (void)arena;
	if (time_from_text(value, &invitation->expires_ms) != ERR_OK)
		return fault_set(fault, ERR_INPUT, "'%s' is not a time like 2026-11-29T12:00:00Z", value);
	return ERR_OK;
}

static bool ends_in(struct slice text, const char *end)
{
	size_t length = strlen(end);

	return text.length >= length && slice_equal(slice_part(text, text.length - length, length), slice_text(end));
}

/* Its lines are joined without the last newline. What is in it, the TLS library judges. */
static enum err take_certificate(void *target, const char *section, const char *key, char *value, struct arena *arena,
				 struct fault *fault)
{
	struct invitation *invitation = target;
	const char *pem = arena_printf(arena, "%s\n", value);

	(void)section, (void)key;
	if (pem == NULL)
		return ERR_MEMORY;
	if (strncmp(pem, CERTIFICATE_FIRST, sizeof(CERTIFICATE_FIRST) - 1) != 0 ||
	    !ends_in(slice_text(pem), CERTIFICATE_LAST))
		return fault_set(fault, ERR_INPUT, "the certificate is not PEM from BEGIN to END CERTIFICATE");
	invitation->certificate_pem = pem;
	return ERR_OK;
}

/* FORMAT.md R61 */
static const struct ini_key keys[] = {
	{"invitation", "origin", true, take_origin},	     {"invitation", "principal", true, take_principal},
	{"invitation", "broker", true, take_broker},	     {"invitation", "log", true, take_log},
	{"invitation", "controller", true, take_controller}, {"invitation", "code", true, take_code},
	{"invitation", "expires", true, take_expires},	     {"invitation", "certificate", true, take_certificate},
};

/* True if name is a principal of that kind of the origin. */
static bool is_of_origin(const char *name, const char *origin, enum principal_kind kind)
{
	struct principal principal;

	return principal_parse(slice_text(name), &principal) == ERR_OK && principal.kind == kind &&
	       slice_equal(principal.origin, slice_text(origin));
}

/* What fits each field must fit the others too. */
static enum err check_names(const struct invitation *invitation, struct slice text, const char *name,
			    struct fault *fault)
{
	const char *origin = invitation->origin;

	if (!is_of_origin(invitation->principal, origin, PRINCIPAL_STORE) &&
	    !is_of_origin(invitation->principal, origin, PRINCIPAL_AUDITOR))
		return ini_fault(text, name, "invitation", "principal", fault, ERR_PAPER, "not of origin %s", origin);
	if (!is_of_origin(invitation->log.name, origin, PRINCIPAL_LOG))
		return ini_fault(text, name, "invitation", "log", fault, ERR_PAPER, "not the key of %s/log", origin);
	if (!is_of_origin(invitation->controller.name, origin, PRINCIPAL_CONTROLLER))
		return ini_fault(text, name, "invitation", "controller", fault, ERR_PAPER,
				 "not the key of %s/controller", origin);
	return ERR_OK;
}

enum err invitation_parse(struct slice note, const char *name, struct arena *arena, struct invitation *ret_invitation,
			  struct fault *fault)
{
	struct invitation invitation = {0};
	struct note parsed;
	enum err err = note_parse(note, arena, &parsed, fault);

	if (err != ERR_OK) {
		fault_prefix(fault, "not an invitation");
		fault_prefix(fault, name);
		return err;
	}
	TRY(ini_read(parsed.text, name, keys, sizeof(keys) / sizeof(keys[0]), &invitation, arena, fault));
	TRY(check_names(&invitation, parsed.text, name, fault));
	err = note_verify(&parsed, &invitation.controller);
	if (err != ERR_OK)
		return fault_set(fault, err, "%s: not signed by the controller key that stands in it", name);
	*ret_invitation = invitation;
	return ERR_OK;
}

static enum err append_vkey(struct bytes *text, const char *key, const struct public_key *public)
{
	TRY(bytes_printf(text, "%s = ", key));
	TRY(public_key_print(public, text));
	return bytes_append_u8(text, '\n');
}

/* "2026-11-29T12:00:00Z" */
static enum err append_expires(struct bytes *text, uint64_t expires_ms)
{
	char time[25];

	if (expires_ms % MS_PER_S != 0)
		return ERR_INPUT;
	time_print(expires_ms, time);
	return bytes_printf(text, "expires = %.19sZ\n", time);
}

static enum err append_text(struct bytes *text, const struct invitation *invitation)
{
	char code[2 * INVITATION_CODE_SIZE + 1];

	hex_print(SLICE_ARRAY(invitation->code), code);
	TRY(bytes_printf(text, "[invitation]\norigin = %s\nprincipal = %s\nbroker = %s\n", invitation->origin,
			 invitation->principal, invitation->address));
	TRY(append_vkey(text, "log", &invitation->log));
	TRY(append_vkey(text, "controller", &invitation->controller));
	TRY(bytes_printf(text, "code = %s\n", code));
	wipe(code, sizeof(code));
	TRY(append_expires(text, invitation->expires_ms));
	return ini_print_lines("certificate", invitation->certificate_pem, text);
}

enum err invitation_print(const struct invitation *invitation, const struct secret_key *controller,
			  struct bytes *ret_note, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct bytes text CLEANUP(bytes_fini) = {0};
	struct bytes note CLEANUP(bytes_fini) = {0};
	struct invitation read_back;

	arena_init(&arena, CHECK_ARENA_MAX);
	bytes_init_secret(&text, PAPER_MAX);
	bytes_init_secret(&note, PAPER_MAX);
	if (append_text(&text, invitation) != ERR_OK)
		return fault_set(fault, ERR_INPUT,
				 "an invitation has at most %d bytes, a time in whole seconds and a "
				 "certificate that ends in a newline",
				 PAPER_MAX);
	TRY(note_sign(bytes_slice(&text), &controller, 1, &note));
	/* nothing leaves that its reader would refuse: a line too long, a name that does not fit, another key */
	TRY(invitation_parse(bytes_slice(&note), "invitation", &arena, &read_back, fault));
	return bytes_append(ret_note, bytes_slice(&note));
}
