/* Grants: what a machine enforces of an agreement, from its text. */
#include "grant.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kluis/clock.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LEASE_MAX_S (366 * 86400)

/* Members of the European Economic Area: 27 of the Union, Iceland, Liechtenstein and Norway. */
static const char eea[][COUNTRY_SIZE] = {"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI",
					 "FR", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT", "LU",
					 "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK"};
static_assert(COUNT(eea) == 30, "the EEA has 30 members");

static const struct zone utc = {.offset = 0};

/* The grant of the draft whose section is being read. */
struct taking {
	struct agreement_draft *draft;
	const struct charter *charter;
	struct grant *grant;
	size_t place;
	struct arena *arena;
	struct fault *fault;
};

enum err time_take(const char *value, uint64_t *ret_time_s, struct fault *fault)
{
	uint64_t time_ms = 0;

	if (time_from_text(value, &time_ms) != ERR_OK)
		return fault_set(fault, ERR_INPUT, "'%s' is neither YYYY-MM-DD nor YYYY-MM-DDThh:mm:ssZ", value);
	*ret_time_s = time_ms / 1000;
	return ERR_OK;
}

static enum err take_purpose(struct taking *taking, char *value)
{
	int purpose = charter_purpose(taking->charter, slice_text(value));

	if (purpose < 0)
		return fault_set(taking->fault, ERR_PAPER, "unknown purpose '%s'; the charter has none of that name",
				 value);
	taking->grant->purpose = (uint8_t)purpose;
	return ERR_OK;
}

static int find_operation(const char *name)
{
	for (int i = 0; i < OPERATION_COUNT; i++)
		if (strcmp(operation_name((enum operation)i), name) == 0)
			return i;
	return -1;
}

static enum err take_operations(struct taking *taking, char *value)
{
	char **names = NULL;
	size_t count = 0;

	TRY(ini_list(value, OPERATION_COUNT, taking->arena, &names, &count, taking->fault));
	for (size_t i = 0; i < count; i++) {
		int operation = find_operation(names[i]);
		if (operation < 0)
			return fault_set(taking->fault, ERR_PAPER,
					 "unknown operation '%s'; known are lookup, sync, receipt, register, update, "
					 "consent",
					 names[i]);
		taking->grant->operations |= 1u << operation;
	}
	return ERR_OK;
}

static enum err take_customers(struct taking *taking, char *value)
{
	for (int i = 0; i < SCOPE_COUNT; i++)
		if (strcmp(scope_name((enum scope)i), value) == 0) {
			taking->grant->scope = (enum scope)i;
			return ERR_OK;
		}
	return fault_set(taking->fault, ERR_PAPER, "unknown scope '%s'; known are owned, visited, registered, all",
			 value);
}

static enum err take_fields(struct taking *taking, char *value)
{
	char **names = NULL;
	size_t count = 0;

	TRY(ini_list(value, FIELDS_MAX, taking->arena, &names, &count, taking->fault));
	for (size_t i = 0; i < count; i++) {
		const struct charter_field *field = charter_field_by_name(taking->charter, names[i]);
		if (!field && strcmp(names[i], "all") == 0)
			return fault_set(taking->fault, ERR_PAPER,
					 "'all' is not a field; name those needed (GDPR art. 5(1)(c))");
		if (!field)
			return fault_set(taking->fault, ERR_PAPER,
					 "unknown field '%s'; the charter has none of that name", names[i]);
		taking->grant->fields |= UINT64_C(1) << (field->number - 1);
	}
	return ERR_OK;
}

static enum err take_masks(struct taking *taking, char *value)
{
	return ini_list(value, FIELDS_MAX, taking->arena, &taking->draft->masks[taking->place],
			&taking->draft->mask_count[taking->place], taking->fault);
}

static enum err take_staff(struct taking *taking, char *value)
{
	char **names = NULL;
	size_t count = 0;

	TRY(ini_list(value, ROLES_MAX, taking->arena, &names, &count, taking->fault));
	for (size_t i = 0; i < count; i++) {
		int role = charter_role(taking->charter, slice_text(names[i]));
		if (role < 0)
			return fault_set(taking->fault, ERR_PAPER,
					 "unknown role '%s'; the charter has none of that name", names[i]);
		taking->grant->roles |= 1u << role;
	}
	return ERR_OK;
}

static int find_weekday(const char *text, size_t length)
{
	static const char names[][4] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

	for (size_t i = 0; i < COUNT(names); i++)
		if (length == 3 && strncmp(names[i], text, 3) == 0)
			return (int)i;
	return -1;
}

/* "mon", "mon-sat", "sat-mon": parts joined by commas. 0 if it is none of these. */
static uint8_t parse_weekdays(const char *text)
{
	unsigned days = 0;

	for (const char *at = text;; at++) {
		size_t length = strcspn(at, ",");
		const char *hyphen = memchr(at, '-', length);
		size_t first_length = hyphen ? (size_t)(hyphen - at) : length;
		int first = find_weekday(at, first_length);
		int last = hyphen ? find_weekday(hyphen + 1, length - first_length - 1) : first;
		if (first < 0 || last < 0)
			return 0;
		for (int day = first; day != last; day = (day + 1) % 7)
			days |= 1u << day;
		days |= 1u << last;
		at += length;
		if (*at == '\0')
			return (uint8_t)days;
	}
}

/* "hh:mm" at the text, 00:00 to 24:00, in minutes; -1 if it is not. */
static int parse_clock(const char *text)
{
	for (int i = 0; i < 5; i++)
		if (i == 2 ? text[i] != ':' : text[i] < '0' || text[i] > '9')
			return -1;
	int hour = (text[0] - '0') * 10 + text[1] - '0';
	int minute = (text[3] - '0') * 10 + text[4] - '0';
	return minute < 60 && hour * 60 + minute <= 1440 ? hour * 60 + minute : -1;
}

static enum err parse_hours(struct taking *taking, const char *days, const char *span, const char *zone)
{
	struct hours *hours = &taking->grant->hours;

	hours->weekdays = parse_weekdays(days);
	if (hours->weekdays == 0)
		return fault_set(taking->fault, ERR_PAPER, "'%s' is not days such as mon-fri,sun", days);
	int from = strlen(span) == 11 && span[5] == '-' ? parse_clock(span) : -1;
	int until = from < 0 ? -1 : parse_clock(span + 6);
	if (from < 0 || from > 1439 || until < 1 || from == until)
		return fault_set(taking->fault, ERR_PAPER,
				 "'%s' is not hh:mm-hh:mm, from 00:00 to 23:59 until 00:01 to 24:00", span);
	hours->zone = charter_zone(taking->charter, zone);
	if (!hours->zone)
		return fault_set(taking->fault, ERR_PAPER, "unknown zone '%s'; the charter has none of that name",
				 zone);
	hours->from_minute = (uint16_t)from;
	hours->until_minute = (uint16_t)until;
	hours->is_limited = true;
	return ERR_OK;
}

/* "always", or "mon-sat 07:00-22:00 Europe/Amsterdam" */
static enum err take_hours(struct taking *taking, char *value)
{
	char *words[3] = {value};

	taking->draft->has_hours[taking->place] = true;
	if (strcmp(value, "always") == 0)
		return ERR_OK;
	for (int i = 1; i < 3; i++) {
		words[i] = strchr(words[i - 1], ' ');
		if (!words[i])
			return fault_set(taking->fault, ERR_PAPER,
					 "write 'always' or as in 'mon-sat 07:00-22:00 Europe/Amsterdam'");
		*words[i]++ = '\0';
	}
	return parse_hours(taking, words[0], words[1], words[2]);
}

static enum err take_per_day(struct taking *taking, char *value)
{
	uint64_t number = 0;

	TRY(ini_u64(value, 1, UINT32_MAX, &number, taking->fault));
	taking->grant->per_day = (uint32_t)number;
	return ERR_OK;
}

static enum err take_lease(struct taking *taking, char *value)
{
	uint64_t seconds = 0;

	TRY(ini_duration(value, &seconds, taking->fault));
	if (seconds == 0 || seconds > LEASE_MAX_S)
		return fault_set(taking->fault, ERR_PAPER, "'%s' is not from 1s to 366d", value);
	taking->grant->lease_s = (uint32_t)seconds;
	return ERR_OK;
}

static enum err add_territory(struct taking *taking, const char *code)
{
	struct grant *grant = taking->grant;

	for (size_t i = 0; i < grant->territory_count; i++)
		if (strcmp(grant->territory[i], code) == 0)
			return ERR_OK;
	if (!country_is_known(code))
		return fault_set(taking->fault, ERR_PAPER,
				 "'%s' is neither EEA nor a country's two letters (ISO 3166-1)", code);
	if (grant->territory_count == TERRITORIES_MAX)
		return fault_set(taking->fault, ERR_PAPER, "more than %d countries; write 'anywhere'", TERRITORIES_MAX);
	snprintf(grant->territory[grant->territory_count++], COUNTRY_SIZE, "%s", code);
	return ERR_OK;
}

/* "anywhere", or a list of countries and EEA. */
static enum err take_territory(struct taking *taking, char *value)
{
	char **codes = NULL;
	size_t count = 0;

	if (strcmp(value, "anywhere") == 0)
		return ERR_OK;
	TRY(ini_list(value, TERRITORIES_MAX, taking->arena, &codes, &count, taking->fault));
	for (size_t i = 0; i < count; i++) {
		bool is_eea = strcmp(codes[i], "EEA") == 0;
		for (size_t member = 0; is_eea && member < COUNT(eea); member++)
			TRY(add_territory(taking, eea[member]));
		if (!is_eea)
			TRY(add_territory(taking, codes[i]));
	}
	return ERR_OK;
}

static enum err take_from(struct taking *taking, char *value)
{
	return time_take(value, &taking->grant->from_s, taking->fault);
}

static enum err take_until(struct taking *taking, char *value)
{
	return time_take(value, &taking->grant->until_s, taking->fault);
}

/* The last grant, or a new one when its section begins. */
static enum err open_grant(struct agreement *agreement, const char *name, struct arena *arena, struct fault *fault)
{
	size_t count = agreement->grant_count;

	if (count > 0 && strcmp(agreement->grants[count - 1].name, name) == 0)
		return ERR_OK;
	if (!ini_is_name(name))
		return fault_set(fault, ERR_PAPER, "'%s' is not a name: [a-z][a-z0-9_-]*, at most 64", name);
	if (count == GRANTS_MAX)
		return fault_set(fault, ERR_PAPER, "more than %d grants", GRANTS_MAX);
	agreement->grants[count].name = arena_text(arena, slice_text(name));
	agreement->grants[count].hours.zone = &utc;
	agreement->grant_count++;
	return agreement->grants[count].name ? ERR_OK : ERR_MEMORY;
}

enum err grant_take(void *target, const char *section_name, const char *key, char *value, struct arena *arena,
		    struct fault *fault)
{
	static const struct {
		const char *key;
		enum err (*take)(struct taking *, char *);
	} rows[] = {
		{"purpose", take_purpose},     {"operations", take_operations},
		{"customers", take_customers}, {"fields", take_fields},
		{"masks", take_masks},	       {"staff", take_staff},
		{"hours", take_hours},	       {"per-day", take_per_day},
		{"lease", take_lease},	       {"territory", take_territory},
		{"from", take_from},	       {"until", take_until},
	};
	struct agreement_draft *draft = target;
	struct agreement *agreement = draft->agreement;

	TRY(open_grant(agreement, section_name, arena, fault));
	size_t place = agreement->grant_count - 1;
	struct taking taking = {.draft = draft,
				.charter = draft->charter,
				.grant = &agreement->grants[place],
				.place = place,
				.arena = arena,
				.fault = fault};
	for (size_t i = 0; i < COUNT(rows); i++)
		if (strcmp(rows[i].key, key) == 0)
			return rows[i].take(&taking, value);
	assert(false && "a key of agreement_read.c's table without a row here");
	return ERR_INPUT;
}

static enum err PRINTF_LIKE(4, 5) refuse(const struct agreement_source *source, const struct grant *grant,
					 const char *key, const char *format, ...)
{
	char section[NAME_MAX_ + 8];
	char what[300];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	snprintf(section, sizeof(section), "grant %s", grant->name);
	return ini_fault(source->text, source->name, section, key, source->fault, ERR_PAPER, "%s", what);
}

/* One "phone:last4": the field is granted and the charter allows that mask on it. */
static enum err resolve_mask(const struct agreement_source *source, const struct charter *charter, struct grant *grant,
			     char *text)
{
	char *colon = strchr(text, ':');

	if (!colon)
		return refuse(source, grant, "masks", "'%s' is not <field>:<mask>", text);
	*colon = '\0';
	const struct charter_field *field = charter_field_by_name(charter, text);
	int mask = charter_mask(charter, colon + 1);
	if (!field)
		return refuse(source, grant, "masks", "unknown field '%s'", text);
	if (mask < 0)
		return refuse(source, grant, "masks", "unknown mask '%s'", colon + 1);
	if (!(grant->fields >> (field->number - 1) & 1))
		return refuse(source, grant, "masks", "field '%s' is not among the grant's fields", text);
	if (!(field->masks >> mask & 1))
		return refuse(source, grant, "masks", "the charter does not allow mask '%s' on field '%s'", colon + 1,
			      text);
	if (grant->mask_of[field->number - 1] != 0)
		return refuse(source, grant, "masks", "field '%s' has two masks", text);
	grant->mask_of[field->number - 1] = (uint8_t)(mask + 1);
	return ERR_OK;
}

static bool is_by_person(const struct grant *grant)
{
	for (int i = 0; i < OPERATION_COUNT; i++)
		if (grant->operations >> i & 1 && operation_needs_employee((enum operation)i))
			return true;
	return false;
}

/* A grant lives within its agreement. */
static enum err check_validity(const struct agreement_source *source, const struct agreement *agreement,
			       const struct grant *grant)
{
	uint64_t from = grant->from_s ? grant->from_s : agreement->from_s;
	uint64_t until = grant->until_s ? grant->until_s : agreement->until_s;

	if (from < agreement->from_s)
		return refuse(source, grant, "from", "begins before the agreement");
	if (until > agreement->until_s)
		return refuse(source, grant, "until", "ends after the agreement");
	if (from >= until)
		return refuse(source, grant, grant->until_s ? "until" : "from", "ends before it begins");
	return ERR_OK;
}

enum err grant_check(const struct agreement_source *source, struct agreement_draft *draft, size_t place)
{
	struct grant *grant = &draft->agreement->grants[place];

	if (is_by_person(grant) && grant->roles == 0)
		return refuse(source, grant, NULL, "lacks the key 'staff': its operations are a person's");
	if (is_by_person(grant) && !draft->has_hours[place])
		return refuse(source, grant, NULL, "lacks the key 'hours': write 'always' if they do not matter");
	if (grant->operations >> OPERATION_SYNC & 1 && grant->lease_s == 0)
		return refuse(source, grant, NULL, "lacks the key 'lease': how long a synced copy may be read");
	for (size_t i = 0; i < draft->mask_count[place]; i++)
		TRY(resolve_mask(source, draft->charter, grant, draft->masks[place][i]));
	return check_validity(source, draft->agreement, grant);
}
