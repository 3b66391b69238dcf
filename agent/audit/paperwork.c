#include "paperwork.h"

#include <inttypes.h>
#include <string.h>

#include "kluis/hash.h"
#include "kluis/trust.h"

void paperwork_init(struct paperwork *papers, struct arena *arena)
{
	papers->arena = arena;
	map_init(&papers->by_hash, arena);
}

void paperwork_fini(struct paperwork *papers)
{
	map_fini(&papers->by_hash);
}

/* ---- what entries name ---- */

struct naming {
	Kluis__Operation__KindCase kind;
	ProtobufCBinaryData hash;
	const ProtobufCBinaryData *signature; /* NULL if the operation brings none */
};

/* False if the operation names no paper that is then kept. */
static bool naming_of(const Kluis__Operation *operation, struct naming *ret)
{
	*ret = (struct naming){.kind = operation->kind_case};
	if (ret->kind == KLUIS__OPERATION__KIND_CHARTER)
		ret->hash = operation->charter->hash;
	else if (ret->kind == KLUIS__OPERATION__KIND_DRAFT)
		ret->hash = operation->draft->hash;
	else if (ret->kind == KLUIS__OPERATION__KIND_TRUST)
		ret->hash = operation->trust->hash;
	else if (ret->kind == KLUIS__OPERATION__KIND_OFFER)
		*ret = (struct naming){ret->kind, operation->offer->hash, &operation->offer->signature};
	else if (ret->kind == KLUIS__OPERATION__KIND_ACCEPT)
		*ret = (struct naming){ret->kind, operation->accept->agreement, &operation->accept->signature};
	else
		return false;
	return true;
}

static bool is_done(const struct entry *entry, size_t operation)
{
	return entry->decoded->code == 0 && entry->decoded->results[operation]->code == 0;
}

enum err paperwork_named(const struct entry *entry, paper_named_fn *named, void *context, struct fault *fault)
{
	struct naming naming;

	for (size_t i = 0; i < entry->request->n_operations; i++)
		if (naming_of(entry->request->operations[i], &naming) && is_done(entry, i))
			TRY(named(context, wire_slice(naming.hash), fault));
	return ERR_OK;
}

static enum err add_signature(struct paperwork *papers, struct paper_fact *fact, const struct public_key *key,
			      struct slice signature, uint64_t index)
{
	struct paper_signature *added = arena_alloc(papers->arena, sizeof *added);

	if (added == NULL)
		return ERR_MEMORY;
	added->key = *key;
	memcpy(added->signature, signature.data, SIGNATURE_SIZE);
	added->index = index;
	added->next = fact->signatures;
	fact->signatures = added;
	return ERR_OK;
}

static enum err take_naming(struct paperwork *papers, const struct principals *principals, uint64_t index,
			    const struct entry *entry, const struct naming *naming)
{
	struct paper_fact *fact = map_find(&papers->by_hash, wire_slice(naming->hash));
	const struct principal_fact *principal = principals_find(principals, slice_text(entry->request->principal));

	if (fact == NULL) {
		fact = map_take(&papers->by_hash, wire_slice(naming->hash), sizeof *fact);
		if (fact == NULL)
			return ERR_MEMORY;
		fact->index = index;
		fact->is_charter = naming->kind == KLUIS__OPERATION__KIND_CHARTER;
		fact->is_trust = naming->kind == KLUIS__OPERATION__KIND_TRUST;
	}
	if (naming->signature == NULL || principal == NULL || !principal->has_key)
		return ERR_OK;
	return add_signature(papers, fact, &principal->key, wire_slice(*naming->signature), index);
}

enum err paperwork_take(struct paperwork *papers, const struct principals *principals, uint64_t index,
			const struct entry *entry)
{
	struct naming naming;

	for (size_t i = 0; i < entry->request->n_operations; i++)
		if (naming_of(entry->request->operations[i], &naming) && is_done(entry, i))
			TRY(take_naming(papers, principals, index, entry, &naming));
	return ERR_OK;
}

/* ---- a paper's bytes ---- */

/* A bare text (drafted, nobody signed yet) is a note without signatures. */
static enum err split(struct slice paper, struct slice hash, struct arena *arena, struct note *ret_note,
		      struct fault *fault)
{
	uint8_t actual[HASH_SIZE];

	sha256(paper, actual);
	if (slice_equal(SLICE_ARRAY(actual), hash)) {
		*ret_note = (struct note){.text = paper};
		return ERR_OK;
	}
	TRY(note_parse(paper, arena, ret_note, fault));
	sha256(ret_note->text, actual);
	if (!slice_equal(SLICE_ARRAY(actual), hash))
		return fault_set(fault, ERR_PAPER, "its text does not have the hash that it is named by (R13)");
	return ERR_OK;
}

static bool is_line_of(const struct note_signature *line, const struct public_key *key)
{
	return line->id == key->id && slice_equal(line->name, slice_text(key->name));
}

enum err paperwork_split(struct slice paper, struct slice hash, struct slice *ret_text, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct note note;

	arena_init(&arena, 4 * PAPER_MAX);
	TRY(split(paper, hash, &arena, &note, fault));
	*ret_text = note.text; /* points into paper, not into the arena */
	return ERR_OK;
}

/* The signature of the log that a line repeats; NULL if the log names none like it. */
static const struct paper_signature *named_signature(const struct paper_fact *paper, const struct note_signature *line)
{
	for (const struct paper_signature *named = paper->signatures; named != NULL; named = named->next)
		if (is_line_of(line, &named->key) && slice_equal(line->signature, SLICE_ARRAY(named->signature)))
			return named;
	return NULL;
}

/* A charter's signature is not in the log: it is head office's own. */
static bool is_expected(const struct paper_fact *paper, const struct note_signature *line,
			const struct public_key *controller)
{
	if (paper->is_charter)
		return is_line_of(line, controller);
	return named_signature(paper, line) != NULL;
}

static enum err append_line(struct bytes *paper, const struct paper_fact *fact, const struct note_signature *line,
			    const struct public_key *controller)
{
	const struct public_key *key = fact->is_charter ? controller : &named_signature(fact, line)->key;

	return note_append_signature(paper, key, line->signature.data);
}

enum err paperwork_trim(const struct paper_fact *paper, struct slice given, const struct public_key *controller,
			struct bytes *ret_paper, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct note note;
	bool has_line = false;

	arena_init(&arena, 4 * PAPER_MAX);
	TRY(split(given, paper->hash, &arena, &note, fault));
	bytes_clear(ret_paper);
	/* complete when it was entered, and each of its lines is checked (R141) */
	if (paper->is_trust)
		return bytes_append(ret_paper, given);
	TRY(bytes_append(ret_paper, note.text));
	for (size_t i = 0; i < note.signature_count; i++) {
		if (!is_expected(paper, &note.signatures[i], controller) ||
		    note.signatures[i].signature.length != SIGNATURE_SIZE)
			continue;
		if (!has_line)
			TRY(bytes_append_u8(ret_paper, '\n'));
		has_line = true;
		TRY(append_line(ret_paper, paper, &note.signatures[i], controller));
	}
	return ERR_OK;
}

/* ---- checking a mirror's files ---- */

struct check {
	const struct mirror *mirror;
	const struct public_key *controller;
	struct findings *findings;
	struct bytes bytes;
	enum err err; /* ERR_MEMORY: what cannot be looked at is no finding */
};

static bool carries(const struct note *note, const struct paper_signature *named)
{
	for (size_t i = 0; i < note->signature_count; i++)
		if (is_line_of(&note->signatures[i], &named->key) &&
		    slice_equal(note->signatures[i].signature, SLICE_ARRAY(named->signature)))
			return true;
	return false;
}

/* The last signature of each signer must be there; those before a change of key may have made room for it. */
static bool is_replaced(const struct paper_fact *paper, const struct paper_signature *old)
{
	for (const struct paper_signature *named = paper->signatures; named != old; named = named->next)
		if (strcmp(named->key.name, old->key.name) == 0)
			return true;
	return false;
}

static void check_named(struct check *check, const char *name, const struct paper_fact *paper, const struct note *note)
{
	for (const struct paper_signature *named = paper->signatures; named != NULL; named = named->next) {
		if (key_verify(named->key.key, "", note->text, SLICE_ARRAY(named->signature)) != ERR_OK)
			finding_add_entry(check->findings, named->index,
					  "the signature of %s that it gives for %s does not verify", named->key.name,
					  name);
		else if (!is_replaced(paper, named) && !carries(note, named))
			finding_add(check->findings, name, "lacks the signature of %s from entry %" PRIu64,
				    named->key.name, named->index);
	}
}

static void check_lines(struct check *check, const char *name, const struct paper_fact *paper, const struct note *note)
{
	for (size_t i = 0; i < note->signature_count; i++)
		if (!is_expected(paper, &note->signatures[i], check->controller))
			finding_add(check->findings, name,
				    "has a signature line, number %zu, that the log does not name", i + 1);
	if (paper->is_charter && note_verify(note, check->controller) != ERR_OK)
		finding_add(check->findings, name, "a charter without a valid signature of %s",
			    check->controller->name);
	if (paper->is_charter && note->signature_count > 1)
		finding_add(check->findings, name, "a charter with more than one signature line");
}

/* Nothing but the canonical form may stand there: every byte counts. */
static enum err check_form(struct check *check, const char *name, const struct paper_fact *paper)
{
	struct bytes canonical CLEANUP(bytes_fini) = {0};
	struct fault fault = {""};

	bytes_init(&canonical, PAPER_MAX);
	TRY(paperwork_trim(paper, bytes_slice(&check->bytes), check->controller, &canonical, &fault));
	if (!slice_equal(bytes_slice(&canonical), bytes_slice(&check->bytes)))
		finding_add(check->findings, name, "is not written as its text and signatures are written");
	return ERR_OK;
}

/* ---- trust notes ---- */

struct versions {
	struct trust before, next;
	bool has_before;
};

static enum err read_before(struct check *check, struct versions *versions, struct arena *arena, struct fault *fault)
{
	struct bytes bytes CLEANUP(bytes_fini) = {0};
	char name[PAPER_NAME_MAX];

	if (versions->next.version == 1)
		return ERR_OK;
	bytes_init(&bytes, PAPER_MAX);
	mirror_paper_name(SLICE_ARRAY(versions->next.before), name);
	TRY(mirror_read(check->mirror, name, &bytes, fault));
	const uint8_t *copy = arena_copy(arena, bytes_slice(&bytes));
	if (copy == NULL)
		return ERR_MEMORY;
	versions->has_before = true;
	return trust_open(SLICE(copy, bytes.length), check->controller, name, arena, &versions->before, fault);
}

static bool may_sign(const struct check *check, const struct versions *versions, const struct note_signature *line)
{
	const struct trust *named[] = {&versions->next, &versions->before};

	for (size_t i = 0; i < (versions->has_before ? 2 : 1); i++)
		for (size_t j = 0; j < named[i]->log_count; j++)
			if (is_line_of(line, &named[i]->logs[j]))
				return note_verify(versions->next.note, &named[i]->logs[j]) == ERR_OK;
	return is_line_of(line, check->controller);
}

/* Who signs a version stands in it and in the one before; text and lines are written in one way. */
static enum err check_trust_lines(struct check *check, const char *name, const struct versions *versions)
{
	const struct note *note = versions->next.note;
	struct bytes canonical CLEANUP(bytes_fini) = {0};

	bytes_init(&canonical, 2 * PAPER_MAX);
	TRY(bytes_append(&canonical, note->text));
	TRY(bytes_append_u8(&canonical, '\n'));
	for (size_t i = 0; i < note->signature_count; i++) {
		const struct note_signature *line = &note->signatures[i];
		struct public_key key = {.type = KEY_TYPE_ED25519, .id = line->id};
		if (!may_sign(check, versions, line) || line->signature.length != SIGNATURE_SIZE) {
			finding_add(check->findings, name, "has a signature line, number %zu, by no key that may",
				    i + 1);
			return ERR_OK;
		}
		memcpy(key.name, line->name.data, line->name.length);
		TRY(note_append_signature(&canonical, &key, line->signature.data));
	}
	if (!slice_equal(bytes_slice(&canonical), bytes_slice(&check->bytes)))
		finding_add(check->findings, name, "is not written as its text and signatures are written");
	return ERR_OK;
}

static enum err check_trust(struct check *check, const char *name, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};

	arena_init(&arena, 16 * PAPER_MAX);
	struct versions *versions = arena_alloc(&arena, sizeof *versions);
	if (versions == NULL)
		return ERR_MEMORY;
	*versions = (struct versions){.has_before = false};
	TRY(trust_open(bytes_slice(&check->bytes), check->controller, "trust", &arena, &versions->next, fault));
	TRY(read_before(check, versions, &arena, fault));
	TRY(trust_may_follow(versions->has_before ? &versions->before : NULL, &versions->next, fault));
	return check_trust_lines(check, name, versions);
}

static enum err check_paper(struct check *check, const char *name, const struct paper_fact *paper, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct note note;

	arena_init(&arena, 4 * PAPER_MAX);
	TRY(mirror_read(check->mirror, name, &check->bytes, fault));
	TRY(split(bytes_slice(&check->bytes), paper->hash, &arena, &note, fault));
	if (paper->is_trust)
		return check_trust(check, name, fault);
	check_named(check, name, paper, &note);
	check_lines(check, name, paper, &note);
	return check_form(check, name, paper);
}

static void check_item(void *item, void *context)
{
	const struct paper_fact *paper = item;
	struct check *check = context;
	struct fault fault = {""};
	char name[PAPER_NAME_MAX];
	enum err err;

	mirror_paper_name(paper->hash, name);
	err = check_paper(check, name, paper, &fault);
	if (err == ERR_MEMORY)
		check->err = err;
	else if (err != ERR_OK)
		finding_add(check->findings, name, "%s; entry %" PRIu64 " names it",
			    fault.text[0] != '\0' ? fault.text : error_text(err), paper->index);
}

enum err paperwork_check(const struct paperwork *papers, const struct mirror *mirror,
			 const struct public_key *controller, struct findings *findings)
{
	struct check check = {.mirror = mirror, .controller = controller, .findings = findings};

	bytes_init(&check.bytes, PAPER_MAX);
	map_each(&papers->by_hash, check_item, &check);
	bytes_fini(&check.bytes);
	return check.err;
}
