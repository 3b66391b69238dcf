#include "kluis/trust.h"

#include <string.h>

#include "kluis/hash.h"
#include "kluis/ini.h"

#define CERTIFICATE_FIRST "-----BEGIN CERTIFICATE-----\n"
#define CERTIFICATE_LAST "-----END CERTIFICATE-----\n"
#define VERSION_MAX 1000000 /* rotations; a number that nobody reaches by mistake */
/* What parsing a printed one needs: its text and values. */
#define CHECK_ARENA_MAX (4 * PAPER_MAX)

/* ---- take functions: target is a struct trust ---- */

static enum err take_origin(void *target, const char *section, const char *key, char *value, struct arena *arena,
			    struct fault *fault)
{
	struct trust *trust = target;

	(void)section, (void)key;
	if (!origin_is_valid(slice_text(value)))
		return fault_set(fault, ERR_INPUT, "'%s' is not an origin", value);
	trust->origin = arena_text(arena, slice_text(value));
	return trust->origin == NULL ? ERR_MEMORY : ERR_OK;
}

static enum err take_version(void *target, const char *section, const char *key, char *value, struct arena *arena,
			     struct fault *fault)
{
	struct trust *trust = target;
	uint64_t version;

	(void)section, (void)key, (void)arena;
	TRY(ini_u64(value, 1, VERSION_MAX, &version, fault));
	trust->version = (uint32_t)version;
	return ERR_OK;
}

static enum err take_before(void *target, const char *section, const char *key, char *value, struct arena *arena,
			    struct fault *fault)
{
	struct trust *trust = target;

	(void)section, (void)key, (void)arena;
	if (hex_parse(slice_text(value), trust->before, HASH_SIZE) != ERR_OK)
		return fault_set(fault, ERR_INPUT, "not the %d hex digits of a hash", 2 * HASH_SIZE);
	return ERR_OK;
}

static enum err take_vkey(struct trust *trust, struct slice vkey, struct fault *fault)
{
	struct public_key *log = &trust->logs[trust->log_count];

	if (trust->log_count == TRUST_LOGS_MAX)
		return fault_set(fault, ERR_INPUT, "more than %d keys", TRUST_LOGS_MAX);
	TRY(public_key_parse(vkey, log, fault));
	if (log->type != KEY_TYPE_ED25519)
		return fault_set(fault, ERR_INPUT, "a vkey of type 1 (Ed25519) belongs here");
	for (size_t i = 0; i < trust->log_count; i++)
		if (public_key_equal(log, &trust->logs[i]))
			return fault_set(fault, ERR_INPUT, "a key is named twice");
	trust->log_count++;
	return ERR_OK;
}

/* One vkey a line. */
static enum err take_log(void *target, const char *section, const char *key, char *value, struct arena *arena,
			 struct fault *fault)
{
	(void)section, (void)key, (void)arena;
	for (const char *line = value; line != NULL;) {
		const char *end = strchr(line, '\n');
		size_t length = end == NULL ? strlen(line) : (size_t)(end - line);

		TRY(take_vkey(target, SLICE(line, length), fault));
		line = end == NULL ? NULL : end + 1;
	}
	return ERR_OK;
}

static bool ends_in(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);

	return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* Its lines are joined without the last newline. What is in it, the TLS library judges. */
static enum err take_certificate(void *target, const char *section, const char *key, char *value, struct arena *arena,
				 struct fault *fault)
{
	struct trust *trust = target;
	const char *pem = arena_printf(arena, "%s\n", value);

	(void)section, (void)key;
	if (pem == NULL)
		return ERR_MEMORY;
	if (strncmp(pem, CERTIFICATE_FIRST, strlen(CERTIFICATE_FIRST)) != 0 || !ends_in(pem, CERTIFICATE_LAST))
		return fault_set(fault, ERR_INPUT, "not PEM from BEGIN to END CERTIFICATE");
	trust->certificates_pem = pem;
	return ERR_OK;
}

/* FORMAT.md R141 */
static const struct ini_key keys[] = {
	{"trust", "origin", true, take_origin},		  {"trust", "version", true, take_version},
	{"trust", "before", false, take_before},	  {"trust", "log", true, take_log},
	{"trust", "certificate", true, take_certificate},
};

/* ---- parsing ---- */

static bool is_zero(const uint8_t hash[static HASH_SIZE])
{
	static const uint8_t zeros[HASH_SIZE];

	return slice_equal(SLICE(hash, HASH_SIZE), SLICE_ARRAY(zeros));
}

static bool is_of_origin(const char *name, const char *origin, enum principal_kind kind)
{
	struct principal principal;

	return principal_parse(slice_text(name), &principal) == ERR_OK && principal.kind == kind &&
	       slice_equal(principal.origin, slice_text(origin));
}

/* What fits each field must fit the others too. */
static enum err check(const struct trust *trust, struct slice text, const char *name, struct fault *fault)
{
	for (size_t i = 0; i < trust->log_count; i++)
		if (!is_of_origin(trust->logs[i].name, trust->origin, PRINCIPAL_LOG))
			return ini_fault(text, name, "trust", "log", fault, ERR_PAPER, "not keys of %s/log",
					 trust->origin);
	if (is_zero(trust->before) != (trust->version == 1))
		return ini_fault(text, name, "trust", "before", fault, ERR_PAPER,
				 "stands in each version but the first");
	return ERR_OK;
}

enum err trust_parse(struct slice text, const char *name, struct arena *arena, struct trust *ret_trust,
		     struct fault *fault)
{
	struct trust trust = {0};

	TRY(ini_read(text, name, keys, sizeof(keys) / sizeof(keys[0]), &trust, arena, fault));
	TRY(check(&trust, text, name, fault));
	sha256(text, trust.hash);
	*ret_trust = trust;
	return ERR_OK;
}

enum err trust_open(struct slice bytes, const struct public_key *controller, const char *name, struct arena *arena,
		    struct trust *ret_trust, struct fault *fault)
{
	struct note *note = arena_alloc(arena, sizeof *note);
	struct trust trust;

	if (note == NULL)
		return ERR_MEMORY;
	enum err err = note_parse(bytes, arena, note, fault);
	if (err != ERR_OK) {
		fault_prefix(fault, name);
		return err;
	}
	TRY(trust_parse(note->text, name, arena, &trust, fault));
	if (!is_of_origin(controller->name, trust.origin, PRINCIPAL_CONTROLLER))
		return fault_set(fault, ERR_PAPER, "%s: of another origin than %s", name, controller->name);
	if (note_verify(note, controller) != ERR_OK)
		return fault_set(fault, ERR_SIGNATURE, "%s: not signed by %s", name, controller->name);
	trust.note = note;
	*ret_trust = trust;
	return ERR_OK;
}

/* ---- printing ---- */

static enum err append_logs(struct bytes *text, const struct trust *trust)
{
	for (size_t i = 0; i < trust->log_count; i++) {
		TRY(bytes_append(text, slice_text(i == 0 ? "log = " : "    ")));
		TRY(public_key_print(&trust->logs[i], text));
		TRY(bytes_append_u8(text, '\n'));
	}
	return ERR_OK;
}

static enum err append_text(struct bytes *text, const struct trust *trust)
{
	char before[2 * HASH_SIZE + 1];

	hex_print(SLICE_ARRAY(trust->before), before);
	TRY(bytes_printf(text, "[trust]\norigin = %s\nversion = %u\n", trust->origin, trust->version));
	if (trust->version > 1)
		TRY(bytes_printf(text, "before = %s\n", before));
	TRY(append_logs(text, trust));
	return ini_print_lines("certificate", trust->certificates_pem, text);
}

enum err trust_print(const struct trust *trust, struct bytes *ret_text, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct bytes text CLEANUP(bytes_fini) = {0};
	struct trust read_back;

	arena_init(&arena, CHECK_ARENA_MAX);
	bytes_init(&text, PAPER_MAX / 2);
	if (append_text(&text, trust) != ERR_OK)
		return fault_set(fault, ERR_INPUT, "a trust note has at most %d bytes and whole lines", PAPER_MAX / 2);
	/* nothing leaves that its reader would refuse */
	TRY(trust_parse(bytes_slice(&text), "trust", &arena, &read_back, fault));
	return bytes_append(ret_text, bytes_slice(&text));
}

/* ---- following ---- */

bool trust_has_log(const struct trust *trust, const struct public_key *log)
{
	for (size_t i = 0; i < trust->log_count; i++)
		if (public_key_equal(&trust->logs[i], log))
			return true;
	return false;
}

bool trust_is_signed_by(const struct trust *trust, const struct public_key *log)
{
	return trust->note != NULL && note_verify(trust->note, log) == ERR_OK;
}

static enum err check_place(const struct trust *before, const struct trust *next, struct fault *fault)
{
	uint32_t version = before == NULL ? 1 : before->version + 1;

	if (next->version != version)
		return fault_set(fault, ERR_PAPER, "trust version %u where %u would be next", next->version, version);
	if (before == NULL)
		return ERR_OK;
	if (strcmp(next->origin, before->origin) != 0)
		return fault_set(fault, ERR_PAPER, "trust version %u is of another origin", next->version);
	if (!slice_equal(SLICE_ARRAY(next->before), SLICE_ARRAY(before->hash)))
		return fault_set(fault, ERR_PAPER, "trust version %u does not follow this version %u", next->version,
				 before->version);
	return ERR_OK;
}

static bool is_line_of(const struct trust *trust, size_t line, const struct public_key *log)
{
	if (line >= trust->note->signature_count)
		return false;
	const struct note_signature *signature = &trust->note->signatures[line];
	return signature->id == log->id && slice_equal(signature->name, slice_text(log->name)) &&
	       trust_is_signed_by(trust, log);
}

static bool is_by_any(const struct trust *trust, size_t line, const struct trust *before)
{
	for (size_t i = 0; i < before->log_count; i++)
		if (is_line_of(trust, line, &before->logs[i]))
			return true;
	return false;
}

/* Who trusts the old keys sees that they vouch for the new ones, and that those are there. Lines stand in one order and
 * none is left over: nothing in the note can be changed unseen. */
static enum err check_lines(const struct trust *before, const struct trust *next, struct fault *fault)
{
	size_t line = 1; /* the first is head office's, which trust_open has checked */

	if (next->note == NULL)
		return fault_set(fault, ERR_SIGNATURE, "trust version %u is not signed", next->version);
	if (before != NULL && !is_by_any(next, line++, before))
		return fault_set(fault, ERR_SIGNATURE,
				 "the second signature of trust version %u is by no log of the version before",
				 next->version);
	for (size_t i = 0; i < next->log_count; i++) {
		bool is_new = before == NULL || !trust_has_log(before, &next->logs[i]);
		if (is_new && !is_line_of(next, line++, &next->logs[i]))
			return fault_set(fault, ERR_SIGNATURE,
					 "trust version %u is not signed, in its place, by the new log key %08x",
					 next->version, next->logs[i].id);
	}
	if (line != next->note->signature_count)
		return fault_set(fault, ERR_SIGNATURE, "trust version %u has a signature too many", next->version);
	return ERR_OK;
}

enum err trust_may_follow(const struct trust *before, const struct trust *next, struct fault *fault)
{
	TRY(check_place(before, next, fault));
	return check_lines(before, next, fault);
}
