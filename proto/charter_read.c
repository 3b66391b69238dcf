/* From a charter's text to struct charter: the table of its sections and keys, and what must hold between them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kluis/charter.h"
#include "kluis/hash.h"
#include "kluis/ini.h"
#include "kluis/principal.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DAY_S 86400

struct draft {
	struct charter *charter;
	char **field_masks[FIELDS_MAX]; /* names, resolved when all masks are known */
	size_t field_mask_count[FIELDS_MAX];
};

/* One spelling of an enum's value in a text. */
struct word {
	const char *text;
	int value;
};

static enum err take_word(const struct word *words, size_t count, const char *value, int *ret_value,
			  struct fault *fault)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(words[i].text, value) == 0) {
			*ret_value = words[i].value;
			return ERR_OK;
		}
	char known[200] = "";
	for (size_t i = 0; i < count; i++) {
		size_t used = strlen(known);
		snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "", words[i].text);
	}
	return fault_set(fault, ERR_INPUT, "'%s' is none of %s", value, known);
}

/* A duration of whole days, at most a hundred years. */
static enum err take_days(const char *value, uint32_t *ret_days, struct fault *fault)
{
	uint64_t seconds = 0;

	TRY(ini_duration(value, &seconds, fault));
	if (seconds == 0 || seconds % DAY_S != 0 || seconds / DAY_S > 36525)
		return fault_set(fault, ERR_INPUT, "'%s' is not from 1d to 36525d in whole days", value);
	*ret_days = (uint32_t)(seconds / DAY_S);
	return ERR_OK;
}

static enum err take_window(const char *value, uint32_t *ret_days, struct fault *fault)
{
	if (strcmp(value, "none") != 0)
		return take_days(value, ret_days, fault);
	*ret_days = 0;
	return ERR_OK;
}

static enum err check_section_name(const char *name, size_t count, size_t maximum, struct fault *fault)
{
	if (!ini_is_name(name))
		return fault_set(fault, ERR_INPUT, "'%s' is not a name: [a-z][a-z0-9_-]*, at most 64", name);
	if (count == maximum)
		return fault_set(fault, ERR_INPUT, "more than %zu sections of this kind", maximum);
	return ERR_OK;
}

static enum err copy_name(const char *name, struct arena *arena, const char **ret_name)
{
	*ret_name = arena_text(arena, slice_text(name));
	return *ret_name ? ERR_OK : ERR_MEMORY;
}

static enum err take_formula(void *target, const char *section_name, const char *key, char *value, struct arena *arena,
			     struct fault *fault)
{
	struct charter *charter = ((struct draft *)target)->charter;
	uint64_t number = 0;

	(void)section_name;
	(void)arena;
	if (strcmp(key, "origin") == 0) {
		if (!origin_is_valid(slice_text(value)))
			return fault_set(fault, ERR_INPUT,
					 "'%.100s' is not an origin such as example.com/loyalty, at most %d bytes",
					 value, ORIGIN_MAX);
		charter->origin = value;
		return ERR_OK;
	}
	TRY(ini_u64(value, 1, UINT32_MAX, &number, fault));
	charter->version = value;
	charter->version_number = (uint32_t)number;
	return ERR_OK;
}

static enum err take_controller(void *target, const char *section_name, const char *key, char *value,
				struct arena *arena, struct fault *fault)
{
	struct charter *charter = ((struct draft *)target)->charter;

	(void)section_name;
	(void)arena;
	(void)fault;
	if (strcmp(key, "name") == 0)
		charter->controller_name = value;
	else if (strcmp(key, "address") == 0)
		charter->controller_address = value;
	else
		charter->controller_contact = value;
	return ERR_OK;
}

static enum err take_dpo(void *target, const char *section_name, const char *key, char *value, struct arena *arena,
			 struct fault *fault)
{
	struct charter *charter = ((struct draft *)target)->charter;

	(void)section_name;
	(void)arena;
	(void)fault;
	if (strcmp(key, "name") == 0)
		charter->dpo_name = value;
	else
		charter->dpo_contact = value;
	return ERR_OK;
}

static enum err take_field_number(struct charter_field *field, const char *value, struct fault *fault)
{
	uint64_t number = 0;

	TRY(ini_u64(value, 1, FIELDS_MAX, &number, fault));
	field->number = (uint8_t)number;
	return ERR_OK;
}

static enum err take_field_type(struct charter_field *field, const char *value, struct fault *fault)
{
	static const struct word types[] = {{"text", FIELD_TEXT},     {"name", FIELD_NAME},    {"card", FIELD_CARD},
					    {"phone", FIELD_PHONE},   {"email", FIELD_EMAIL},  {"date", FIELD_DATE},
					    {"number", FIELD_NUMBER}, {"choice", FIELD_CHOICE}};
	int type = 0;

	TRY(take_word(types, COUNT(types), value, &type, fault));
	field->type = (enum field_type)type;
	return ERR_OK;
}

static enum err take_field_category(struct charter_field *field, const char *value, struct fault *fault)
{
	if (!ini_is_name(value))
		return fault_set(fault, ERR_INPUT, "category '%s' is not a name", value);
	field->category = value;
	return ERR_OK;
}

/* The last field, or a new one when its section begins. */
static enum err open_field(struct charter *charter, const char *name, struct arena *arena, struct fault *fault)
{
	size_t count = charter->field_count;

	if (count > 0 && strcmp(charter->fields[count - 1].name, name) == 0)
		return ERR_OK;
	TRY(check_section_name(name, count, FIELDS_MAX, fault));
	TRY(copy_name(name, arena, &charter->fields[count].name));
	charter->field_count++;
	return ERR_OK;
}

static enum err take_field(void *target, const char *section_name, const char *key, char *value, struct arena *arena,
			   struct fault *fault)
{
	struct draft *draft = target;

	TRY(open_field(draft->charter, section_name, arena, fault));
	size_t place = draft->charter->field_count - 1;
	struct charter_field *field = &draft->charter->fields[place];
	if (strcmp(key, "number") == 0)
		return take_field_number(field, value, fault);
	if (strcmp(key, "type") == 0)
		return take_field_type(field, value, fault);
	if (strcmp(key, "category") == 0)
		return take_field_category(field, value, fault);
	if (strcmp(key, "lookup") == 0)
		return ini_bool(value, &field->is_lookup, fault);
	if (strcmp(key, "identifier") == 0)
		return ini_bool(value, &field->is_identifier, fault);
	if (strcmp(key, "sensitive") == 0)
		return ini_bool(value, &field->is_sensitive, fault);
	return ini_list(value, MASKS_MAX, arena, &draft->field_masks[place], &draft->field_mask_count[place], fault);
}

/* "nothing", "first 3", "last 4", "year" */
static enum err take_mask(void *target, const char *section_name, const char *key, char *value, struct arena *arena,
			  struct fault *fault)
{
	static const struct word kinds[] = {
		{"nothing", MASK_HIDE}, {"first", MASK_FIRST}, {"last", MASK_LAST}, {"year", MASK_YEAR}};
	struct charter *charter = ((struct draft *)target)->charter;
	struct charter_mask *mask = &charter->masks[charter->mask_count];
	char *blank = strchr(value, ' ');
	int kind = 0;
	uint64_t count = 0;

	(void)key;
	TRY(check_section_name(section_name, charter->mask_count, MASKS_MAX, fault));
	if (blank)
		*blank = '\0';
	TRY(take_word(kinds, COUNT(kinds), value, &kind, fault));
	if ((kind == MASK_FIRST || kind == MASK_LAST) != (blank != NULL))
		return fault_set(fault, ERR_INPUT, "write 'nothing', 'year', 'first <n>' or 'last <n>'");
	if (blank)
		TRY(ini_u64(blank + 1, 1, 32, &count, fault));
	TRY(copy_name(section_name, arena, &mask->name));
	mask->kind = (enum mask_kind)kind;
	mask->count = (uint8_t)count;
	charter->mask_count++;
	return ERR_OK;
}

/* A term of the Data Privacy Vocabulary: "dpv:" and letters, the first a capital. */
static bool is_term(const char *value)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	return strncmp(value, "dpv:", 4) == 0 && value[4] >= 'A' && value[4] <= 'Z' &&
	       value[4 + strspn(value + 4, letters)] == '\0';
}

static enum err take_legal_basis(struct charter_purpose *purpose, const char *value, struct fault *fault)
{
	static const struct word bases[] = {{"A6-1-a", 'a'}, {"A6-1-b", 'b'}, {"A6-1-c", 'c'},
					    {"A6-1-d", 'd'}, {"A6-1-e", 'e'}, {"A6-1-f", 'f'}};
	int letter = 0;

	TRY(take_word(bases, COUNT(bases), value, &letter, fault));
	purpose->legal_basis = value;
	purpose->needs_consent = letter == 'a';
	return ERR_OK;
}

static enum err take_purpose(void *target, const char *section_name, const char *key, char *value, struct arena *arena,
			     struct fault *fault)
{
	struct charter *charter = ((struct draft *)target)->charter;
	size_t count = charter->purpose_count;

	if (count == 0 || strcmp(charter->purposes[count - 1].name, section_name) != 0) {
		TRY(check_section_name(section_name, count, PURPOSES_MAX, fault));
		TRY(copy_name(section_name, arena, &charter->purposes[count].name));
		charter->purpose_count++;
	}
	struct charter_purpose *purpose = &charter->purposes[charter->purpose_count - 1];
	if (strcmp(key, "legal-basis") == 0)
		return take_legal_basis(purpose, value, fault);
	if (strcmp(key, "text") == 0) {
		purpose->text = value;
		return ERR_OK;
	}
	if (!is_term(value))
		return fault_set(fault, ERR_INPUT, "'%s' is not a term such as dpv:CustomerCare", value);
	purpose->term = value;
	return ERR_OK;
}

static enum err take_roles(void *target, const char *section_name, const char *key, char *value, struct arena *arena,
			   struct fault *fault)
{
	struct charter *charter = ((struct draft *)target)->charter;
	char **names = NULL;
	size_t count = 0;

	(void)section_name;
	(void)key;
	TRY(ini_list(value, ROLES_MAX, arena, &names, &count, fault));
	for (size_t i = 0; i < count; i++) {
		if (!ini_is_name(names[i]))
			return fault_set(fault, ERR_INPUT, "'%s' is not a name", names[i]);
		if (charter_role(charter, slice_text(names[i])) >= 0)
			return fault_set(fault, ERR_INPUT, "role '%s' stands twice", names[i]);
		charter->roles[charter->role_count++] = names[i];
	}
	return ERR_OK;
}

static enum err take_zone(void *target, const char *section_name, const char *key, char *value, struct arena *arena,
			  struct fault *fault)
{
	struct charter *charter = ((struct draft *)target)->charter;

	(void)section_name;
	if (charter->zone_count == ZONES_MAX)
		return fault_set(fault, ERR_INPUT, "more than %d zones", ZONES_MAX);
	if (strpbrk(key, " ,"))
		return fault_set(fault, ERR_INPUT, "a zone's name has no blanks and commas");
	struct charter_zone *zone = &charter->zones[charter->zone_count];
	TRY(zone_parse(value, &zone->zone, fault));
	TRY(copy_name(key, arena, &zone->name));
	charter->zone_count++;
	return ERR_OK;
}

static enum err take_ownership(void *target, const char *section_name, const char *key, char *value,
			       struct arena *arena, struct fault *fault)
{
	static const struct word rules[] = {{"first-registration", OWNERSHIP_FIRST_REGISTRATION},
					    {"latest-transaction", OWNERSHIP_LATEST_TRANSACTION}};
	struct charter *charter = ((struct draft *)target)->charter;
	int rule = 0;

	(void)section_name;
	(void)arena;
	if (strcmp(key, "window") == 0)
		return take_window(value, &charter->ownership_window_days, fault);
	TRY(take_word(rules, COUNT(rules), value, &rule, fault));
	charter->ownership = (enum ownership_rule)rule;
	return ERR_OK;
}

static enum err take_visited(void *target, const char *section_name, const char *key, char *value, struct arena *arena,
			     struct fault *fault)
{
	(void)section_name;
	(void)key;
	(void)arena;
	return take_window(value, &((struct draft *)target)->charter->visited_window_days, fault);
}

static enum err take_retention(void *target, const char *section_name, const char *key, char *value,
			       struct arena *arena, struct fault *fault)
{
	struct charter *charter = ((struct draft *)target)->charter;
	struct charter_retention *retention = &charter->retention[charter->retention_count];

	(void)section_name;
	if (charter->retention_count == CATEGORIES_MAX)
		return fault_set(fault, ERR_INPUT, "more than %d categories", CATEGORIES_MAX);
	if (!ini_is_name(key))
		return fault_set(fault, ERR_INPUT, "'%s' is not a name", key);
	TRY(take_days(value, &retention->days, fault));
	TRY(copy_name(key, arena, &retention->category));
	charter->retention_count++;
	return ERR_OK;
}

static enum err take_statistics(void *target, const char *section_name, const char *key, char *value,
				struct arena *arena, struct fault *fault)
{
	uint64_t number = 0;

	(void)section_name;
	(void)key;
	(void)arena;
	TRY(ini_u64(value, 1, 1000000, &number, fault));
	((struct draft *)target)->charter->smallest_group = (uint32_t)number;
	return ERR_OK;
}

static const struct ini_key keys[] = {
	{"formula", "origin", true, take_formula},
	{"formula", "version", true, take_formula},
	{"controller", "name", true, take_controller},
	{"controller", "address", true, take_controller},
	{"controller", "contact", true, take_controller},
	{"dpo", "name", true, take_dpo},
	{"dpo", "contact", true, take_dpo},
	{"field *", "number", true, take_field},
	{"field *", "category", true, take_field},
	{"field *", "type", true, take_field},
	{"field *", "lookup", false, take_field},
	{"field *", "identifier", false, take_field},
	{"field *", "sensitive", false, take_field},
	{"field *", "masks", false, take_field},
	{"mask *", "keeps", true, take_mask},
	{"purpose *", "term", true, take_purpose},
	{"purpose *", "legal-basis", true, take_purpose},
	{"purpose *", "text", true, take_purpose},
	{"roles", "names", true, take_roles},
	{"zones", "*", false, take_zone},
	{"ownership", "rule", true, take_ownership},
	{"ownership", "window", false, take_ownership},
	{"visited", "window", false, take_visited},
	{"retention", "*", false, take_retention},
	{"statistics", "smallest-group", false, take_statistics},
};

/* The text that is being read, for the faults found after it was read. */
struct source {
	struct slice text;
	const char *name;
	struct fault *fault;
};

static enum err refuse(const struct source *source, const char *kind, const char *name, const char *key,
		       const char *what, const char *subject)
{
	char section[2 * NAME_MAX_ + 2] = "";

	snprintf(section, sizeof(section), "%s %s", kind, name);
	return ini_fault(source->text, source->name, section, key, source->fault, ERR_PAPER, "%s '%s'", what, subject);
}

static bool has_retention(const struct charter *charter, const char *category)
{
	for (size_t i = 0; i < charter->retention_count; i++)
		if (strcmp(charter->retention[i].category, category) == 0)
			return true;
	return false;
}

static enum err resolve_masks(const struct source *source, struct draft *draft, size_t place)
{
	struct charter_field *field = &draft->charter->fields[place];

	for (size_t i = 0; i < draft->field_mask_count[place]; i++) {
		const char *name = draft->field_masks[place][i];
		int mask = charter_mask(draft->charter, name);
		if (mask < 0)
			return refuse(source, "field", field->name, "masks", "there is no section for mask", name);
		if (draft->charter->masks[mask].kind == MASK_YEAR && field->type != FIELD_DATE)
			return refuse(source, "field", field->name, "masks", "only a date has a year to keep:", name);
		field->masks |= 1u << mask;
	}
	return ERR_OK;
}

static enum err check_field(const struct source *source, struct draft *draft, size_t place)
{
	struct charter *charter = draft->charter;
	struct charter_field *field = &charter->fields[place];

	for (size_t i = 0; i < place; i++) {
		if (charter->fields[i].number == field->number)
			return refuse(source, "field", field->name, "number", "number of another field,",
				      charter->fields[i].name);
		if (field->is_identifier && charter->fields[i].is_identifier)
			return refuse(source, "field", field->name, "identifier", "there is one already,",
				      charter->fields[i].name);
	}
	if (field->is_identifier && !field->is_lookup)
		return refuse(source, "field", field->name, "identifier", "needs lookup = yes:", field->name);
	if (!has_retention(charter, field->category))
		return refuse(source, "field", field->name, "category", "[retention] has no line for", field->category);
	charter->all_fields |= UINT64_C(1) << (field->number - 1);
	return resolve_masks(source, draft, place);
}

static int compare_fields(const void *a, const void *b)
{
	return ((const struct charter_field *)a)->number - ((const struct charter_field *)b)->number;
}

/* What holds between sections, found when all were read. */
static enum err check_charter(const struct source *source, struct draft *draft)
{
	struct charter *charter = draft->charter;

	if (charter->field_count == 0 || charter->purpose_count == 0)
		return fault_set(source->fault, ERR_PAPER, "%s: there is no [%s <name>]", source->name,
				 charter->field_count ? "purpose" : "field");
	for (size_t i = 0; i < charter->field_count; i++)
		TRY(check_field(source, draft, i));
	qsort(charter->fields, charter->field_count, sizeof(charter->fields[0]), compare_fields);
	return ERR_OK;
}

enum err charter_parse(struct slice text, const char *name, struct arena *arena, struct charter *ret_charter,
		       struct fault *fault)
{
	struct draft *draft = arena_alloc(arena, sizeof(*draft));
	struct charter *charter = arena_alloc(arena, sizeof(*charter));
	struct fault inner = {.text = ""};
	struct source source = {.text = text, .name = name, .fault = &inner};

	if (!draft || !charter)
		return ERR_MEMORY;
	if (text.length > PAPER_MAX)
		return fault_set(fault, ERR_TOO_LARGE, "%s: over %d bytes", name, PAPER_MAX);
	draft->charter = charter;
	charter->smallest_group = 10;
	enum err code = ini_read(text, name, keys, COUNT(keys), draft, arena, &inner);
	if (code == ERR_OK)
		code = check_charter(&source, draft);
	if (code == ERR_MEMORY)
		return code;
	if (code != ERR_OK)
		return fault_set(fault, ERR_PAPER, "%.480s; see kluis-charter(5)", inner.text);
	sha256(text, charter->hash);
	*ret_charter = *charter;
	return ERR_OK;
}
