/* From an agreement's text to struct agreement: the annexes of (EU) 2021/915 and the terms of art. 28(3) as sections.
 */
#include <string.h>

#include "grant.h"
#include "kluis/hash.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* For keys whose words are for people: that they stand is what is asked. */
static enum err take_words(void *target, const char *section_name, const char *key, char *value, struct arena *arena,
			   struct fault *fault)
{
	(void)target;
	(void)section_name;
	(void)key;
	(void)value;
	(void)arena;
	(void)fault;
	return ERR_OK;
}

static enum err take_sub_processor(void *target, const char *section_name, const char *key, char *value,
				   struct arena *arena, struct fault *fault)
{
	(void)target;
	(void)key;
	(void)value;
	(void)arena;
	if (!ini_is_name(section_name))
		return fault_set(fault, ERR_PAPER, "'%s' is not a name", section_name);
	return ERR_OK;
}

static enum err take_origin(struct agreement_draft *draft, char *value, struct fault *fault)
{
	if (strcmp(value, draft->charter->origin) != 0)
		return fault_set(fault, ERR_PAPER, "'%s' is not the charter's origin, %s", value,
				 draft->charter->origin);
	draft->agreement->origin = value;
	return ERR_OK;
}

static enum err take_store(struct agreement_draft *draft, char *value, struct fault *fault)
{
	uint64_t number = 0;

	TRY(ini_u64(value, 0, STORES_MAX - 1, &number, fault));
	draft->agreement->store = (uint32_t)number;
	return ERR_OK;
}

static enum err take_hash(const char *value, uint8_t ret_hash[static HASH_SIZE], struct fault *fault)
{
	if (hex_parse(slice_text(value), ret_hash, HASH_SIZE) != ERR_OK)
		return fault_set(fault, ERR_PAPER, "'%.80s' is not a SHA-256 in 64 lower-case hex digits", value);
	return ERR_OK;
}

static enum err take_charter(struct agreement_draft *draft, char *value, struct fault *fault)
{
	TRY(take_hash(value, draft->agreement->charter, fault));
	if (!slice_equal(SLICE_ARRAY(draft->agreement->charter), SLICE_ARRAY(draft->charter->hash)))
		return fault_set(fault, ERR_PAPER, "is the hash of another charter than version %s of %s",
				 draft->charter->version, draft->charter->origin);
	return ERR_OK;
}

static enum err take_role(struct agreement_draft *draft, char *value, struct fault *fault)
{
	bool is_joint = strcmp(value, "joint-controller") == 0;

	if (!is_joint && strcmp(value, "processor") != 0)
		return fault_set(fault, ERR_PAPER, "'%s' is neither processor nor joint-controller", value);
	draft->agreement->role = is_joint ? ROLE_JOINT_CONTROLLER : ROLE_PROCESSOR;
	return ERR_OK;
}

static enum err take_from(struct agreement_draft *draft, char *value, struct fault *fault)
{
	return time_take(value, &draft->agreement->from_s, fault);
}

static enum err take_until(struct agreement_draft *draft, char *value, struct fault *fault)
{
	return time_take(value, &draft->agreement->until_s, fault);
}

static enum err take_supersedes(struct agreement_draft *draft, char *value, struct fault *fault)
{
	draft->agreement->has_supersedes = true;
	return take_hash(value, draft->agreement->supersedes, fault);
}

static enum err take_contract(struct agreement_draft *draft, char *value, struct fault *fault)
{
	draft->agreement->has_contract = true;
	return take_hash(value, draft->agreement->contract, fault);
}

static enum err take_agreement(void *target, const char *section_name, const char *key, char *value,
			       struct arena *arena, struct fault *fault)
{
	static const struct {
		const char *key;
		enum err (*take)(struct agreement_draft *, char *, struct fault *);
	} rows[] = {
		{"origin", take_origin},     {"store", take_store},
		{"charter", take_charter},   {"role", take_role},
		{"from", take_from},	     {"until", take_until},
		{"contract", take_contract}, {"supersedes", take_supersedes},
	};

	(void)section_name;
	(void)arena;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (strcmp(rows[i].key, key) == 0)
			return rows[i].take(target, value, fault);
	assert(false && "a key of the table without a row here");
	return ERR_INPUT;
}

static enum err take_country(void *target, const char *section_name, const char *key, char *value, struct arena *arena,
			     struct fault *fault)
{
	struct agreement_draft *draft = target;

	(void)section_name;
	(void)key;
	(void)arena;
	if (!country_is_known(value))
		return fault_set(fault, ERR_PAPER, "'%s' is not a country's two letters (ISO 3166-1)", value);
	draft->agreement->country = value;
	return ERR_OK;
}

static enum err take_end_of_contract(void *target, const char *section_name, const char *key, char *value,
				     struct arena *arena, struct fault *fault)
{
	(void)target;
	(void)section_name;
	(void)key;
	(void)arena;
	if (strcmp(value, "delete") != 0 && strcmp(value, "return") != 0)
		return fault_set(fault, ERR_PAPER, "'%s' is neither delete nor return (art. 28(3)(g))", value);
	return ERR_OK;
}

/* Art. 33: the controller itself has 72 hours, so a processor has less. */
static enum err take_breach_notice(void *target, const char *section_name, const char *key, char *value,
				   struct arena *arena, struct fault *fault)
{
	uint64_t seconds = 0;

	(void)target;
	(void)section_name;
	(void)key;
	(void)arena;
	TRY(ini_duration(value, &seconds, fault));
	if (seconds == 0 || seconds > UINT64_C(72) * 3600)
		return fault_set(fault, ERR_PAPER, "'%s' is not from 1s to 72h (art. 33)", value);
	return ERR_OK;
}

static enum err take_duration(void *target, const char *section_name, const char *key, char *value, struct arena *arena,
			      struct fault *fault)
{
	uint64_t seconds = 0;

	(void)target;
	(void)section_name;
	(void)key;
	(void)arena;
	return ini_duration(value, &seconds, fault);
}

static const struct ini_key keys[] = {
	{"agreement", "origin", true, take_agreement},
	{"agreement", "store", true, take_agreement},
	{"agreement", "charter", true, take_agreement},
	{"agreement", "role", true, take_agreement},
	{"agreement", "from", true, take_agreement},
	{"agreement", "until", true, take_agreement},
	{"agreement", "supersedes", false, take_agreement},
	{"agreement", "contract", false, take_agreement},
	/* Annex I */
	{"controller", "name", true, take_words},
	{"controller", "address", true, take_words},
	{"controller", "contact-name", true, take_words},
	{"controller", "contact-position", false, take_words},
	{"controller", "contact", true, take_words},
	{"controller", "dpo", false, take_words},
	{"processor", "name", true, take_words},
	{"processor", "address", true, take_words},
	{"processor", "country", true, take_country},
	{"processor", "contact-name", true, take_words},
	{"processor", "contact-position", false, take_words},
	{"processor", "contact", true, take_words},
	{"processor", "dpo", false, take_words},
	{"processor", "accession", false, take_words},
	/* Annex II */
	{"processing", "data-subjects", true, take_words},
	{"processing", "personal-data", true, take_words},
	{"processing", "sensitive-data", true, take_words},
	{"processing", "sensitive-safeguards", false, take_words},
	{"processing", "nature", true, take_words},
	{"processing", "purposes", true, take_words},
	{"processing", "duration", true, take_words},
	{"processing", "sub-processing", false, take_words},
	/* Annex III */
	{"measures", "encryption", true, take_words},
	{"measures", "resilience", false, take_words},
	{"measures", "restoration", false, take_words},
	{"measures", "testing", false, take_words},
	{"measures", "identification", true, take_words},
	{"measures", "transmission", true, take_words},
	{"measures", "storage", true, take_words},
	{"measures", "physical-security", false, take_words},
	{"measures", "event-logging", true, take_words},
	{"measures", "configuration", false, take_words},
	{"measures", "governance", false, take_words},
	{"measures", "certification", false, take_words},
	{"measures", "minimisation", true, take_words},
	{"measures", "data-quality", false, take_words},
	{"measures", "limited-retention", true, take_words},
	{"measures", "accountability", false, take_words},
	{"measures", "portability-and-erasure", true, take_words},
	{"measures", "assistance", true, take_words},
	{"measures", "sub-processors", false, take_words},
	/* Annex IV */
	{"sub-processor *", "name", true, take_sub_processor},
	{"sub-processor *", "address", true, take_sub_processor},
	{"sub-processor *", "contact", true, take_sub_processor},
	{"sub-processor *", "description", true, take_sub_processor},
	/* art. 28(3)(a) to (h), art. 33(2) */
	{"terms", "instructions", true, take_words},
	{"terms", "confidentiality", true, take_words},
	{"terms", "security", true, take_words},
	{"terms", "sub-processors", true, take_words},
	{"terms", "sub-processor-notice", false, take_duration},
	{"terms", "assistance-rights", true, take_words},
	{"terms", "assistance-security", true, take_words},
	{"terms", "end-of-contract", true, take_end_of_contract},
	{"terms", "audits", true, take_words},
	{"terms", "breach-notice", true, take_breach_notice},
	{"grant *", "purpose", true, grant_take},
	{"grant *", "operations", true, grant_take},
	{"grant *", "customers", true, grant_take},
	{"grant *", "fields", true, grant_take},
	{"grant *", "masks", false, grant_take},
	{"grant *", "staff", false, grant_take},
	{"grant *", "hours", false, grant_take},
	{"grant *", "per-day", false, grant_take},
	{"grant *", "lease", false, grant_take},
	{"grant *", "territory", true, grant_take},
	{"grant *", "from", false, grant_take},
	{"grant *", "until", false, grant_take},
};

static enum err check_agreement(const struct agreement_source *source, struct agreement_draft *draft)
{
	struct agreement *agreement = draft->agreement;

	if (agreement->from_s >= agreement->until_s)
		return ini_fault(source->text, source->name, "agreement", "until", source->fault, ERR_PAPER,
				 "is not after 'from'");
	for (size_t i = 0; i < agreement->grant_count; i++)
		TRY(grant_check(source, draft, i));
	return ERR_OK;
}

enum err agreement_parse(struct slice text, const char *name, const struct charter *charter, struct arena *arena,
			 struct agreement *ret_agreement, struct fault *fault)
{
	struct agreement_draft *draft = arena_alloc(arena, sizeof(*draft));
	struct agreement *agreement = arena_alloc(arena, sizeof(*agreement));
	struct fault inner = {.text = ""};
	struct agreement_source source = {.text = text, .name = name, .fault = &inner};

	if (!draft || !agreement)
		return ERR_MEMORY;
	if (text.length > PAPER_MAX)
		return fault_set(fault, ERR_TOO_LARGE, "%s: over %d bytes", name, PAPER_MAX);
	draft->agreement = agreement;
	draft->charter = charter;
	enum err code = ini_read(text, name, keys, COUNT(keys), draft, arena, &inner);
	if (code == ERR_OK)
		code = check_agreement(&source, draft);
	if (code == ERR_MEMORY)
		return code;
	if (code != ERR_OK)
		return fault_set(fault, ERR_PAPER, "%.480s; see kluis-agreement(5)", inner.text);
	sha256(text, agreement->hash);
	*ret_agreement = *agreement;
	return ERR_OK;
}
