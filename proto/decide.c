#include "kluis/decide.h"

#include <stdio.h>
#include <string.h>

#include "kluis/ini.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DAY_S 86400

bool operation_is_counted(enum operation operation)
{
	return operation == OPERATION_LOOKUP;
}

int32_t grant_day(const struct grant *grant, uint64_t time_s)
{
	struct local_time local;

	zone_local(grant->hours.zone, time_s, &local);
	return local.day;
}

/* R80 to R82, before any grant is looked at. */
static enum err check_agreement(const struct decide_input *input)
{
	static const enum err by_state[] = {
		[AGREEMENT_NONE] = ERR_NO_AGREEMENT,	   [AGREEMENT_DRAFTED] = ERR_NO_AGREEMENT,
		[AGREEMENT_OFFERED] = ERR_NO_AGREEMENT,	   [AGREEMENT_ACTIVE] = ERR_OK,
		[AGREEMENT_SUSPENDED] = ERR_SUSPENDED,	   [AGREEMENT_TERMINATED] = ERR_TERMINATED,
		[AGREEMENT_SUPERSEDED] = ERR_NO_AGREEMENT, [AGREEMENT_EXPIRED] = ERR_EXPIRED,
	};

	if (!input->agreement || (unsigned)input->state >= COUNT(by_state))
		return ERR_NO_AGREEMENT;
	if (by_state[input->state] != ERR_OK)
		return by_state[input->state];
	if (input->time_s < input->agreement->from_s)
		return ERR_NOT_YET;
	return input->time_s >= input->agreement->until_s ? ERR_EXPIRED : ERR_OK;
}

/* One call of decide. Grants mostly share a zone, so its local time is computed once. */
struct deciding {
	const struct decide_input *input;
	const struct zone *zone; /* of local; NULL at first */
	struct local_time local;
};

/* R84. Zero is the agreement's own bound, checked before. */
static enum err check_validity(struct deciding *deciding, const struct grant *grant)
{
	const struct decide_input *input = deciding->input;

	if (grant->from_s != 0 && input->time_s < grant->from_s)
		return ERR_NOT_YET;
	return grant->until_s != 0 && input->time_s >= grant->until_s ? ERR_EXPIRED : ERR_OK;
}

/* R85 */
static enum err check_employee(struct deciding *deciding, const struct grant *grant)
{
	const struct decide_input *input = deciding->input;

	(void)grant;
	return !operation_needs_employee(input->operation) || input->has_employee ? ERR_OK : ERR_NO_EMPLOYEE;
}

static enum err check_role(struct deciding *deciding, const struct grant *grant)
{
	const struct decide_input *input = deciding->input;

	if (!operation_needs_employee(input->operation))
		return ERR_OK;
	return input->role < ROLES_MAX && grant->roles >> input->role & 1 ? ERR_OK : ERR_ROLE;
}

/* R86 */
static enum err check_territory(struct deciding *deciding, const struct grant *grant)
{
	const char *country = deciding->input->agreement->country;

	if (grant->territory_count == 0)
		return ERR_OK;
	for (size_t i = 0; i < grant->territory_count; i++)
		if (grant->territory[i][0] == country[0] && grant->territory[i][1] == country[1])
			return ERR_OK;
	return ERR_TERRITORY;
}

/* Hours over midnight belong to the day on which they began. */
static bool is_within(const struct hours *hours, const struct local_time *local)
{
	unsigned today = hours->weekdays >> local->weekday & 1;
	unsigned yesterday = hours->weekdays >> (local->weekday + 6) % 7 & 1;

	if (hours->from_minute < hours->until_minute)
		return today && local->minute >= hours->from_minute && local->minute < hours->until_minute;
	return (today && local->minute >= hours->from_minute) || (yesterday && local->minute < hours->until_minute);
}

/* R87 */
static enum err check_hours(struct deciding *deciding, const struct grant *grant)
{
	const struct decide_input *input = deciding->input;

	if (!grant->hours.is_limited || !operation_needs_employee(input->operation))
		return ERR_OK;
	if (deciding->zone != grant->hours.zone)
		zone_local(grant->hours.zone, input->time_s, &deciding->local);
	deciding->zone = grant->hours.zone;
	return is_within(&grant->hours, &deciding->local) ? ERR_OK : ERR_HOURS;
}

/* Has the customer been here, within the charter's window? */
static bool has_visited(const struct decide_input *input)
{
	const struct customer_facts *customer = input->customer;
	int64_t today = (int64_t)(input->time_s / DAY_S);
	uint32_t window = input->charter->visited_window_days;

	return customer->has_visited && (window == 0 || today - customer->last_visit_day <= window);
}

/* R88 */
static enum err check_scope(struct deciding *deciding, const struct grant *grant)
{
	const struct decide_input *input = deciding->input;
	const struct customer_facts *customer = input->customer;
	bool is_in = false;

	/* a registration makes the customer this store's, a receipt makes a visit */
	if (input->operation == OPERATION_REGISTER)
		return ERR_OK;
	switch (grant->scope) {
	case SCOPE_ALL:
		is_in = true;
		break;
	case SCOPE_OWNED:
		is_in = customer->has_owner && customer->owner == input->agreement->store;
		break;
	case SCOPE_VISITED:
		is_in = input->operation == OPERATION_RECEIPT || has_visited(input);
		break;
	case SCOPE_REGISTERED:
		is_in = customer->is_registered_here;
		break;
	case SCOPE_COUNT:
		break;
	}
	return is_in ? ERR_OK : ERR_SCOPE;
}

/* R89, GDPR art. 18(2): restricted data may still be stored, so what customer and store do goes on being recorded. */
static enum err check_restriction(struct deciding *deciding, const struct grant *grant)
{
	const struct decide_input *input = deciding->input;
	bool is_use = input->operation == OPERATION_LOOKUP || input->operation == OPERATION_SYNC ||
		      input->operation == OPERATION_UPDATE;

	(void)grant;
	return is_use && input->customer->is_restricted ? ERR_RESTRICTED : ERR_OK;
}

/* R90 */
static enum err check_consent(struct deciding *deciding, const struct grant *grant)
{
	const struct decide_input *input = deciding->input;
	bool needs_consent = input->charter->purposes[grant->purpose].needs_consent;

	return needs_consent && !input->customer->has_consented ? ERR_CONSENT : ERR_OK;
}

/* R91 */
static enum err check_per_day(struct deciding *deciding, const struct grant *grant)
{
	const struct decide_input *input = deciding->input;
	const struct use_facts *use = &input->use[grant - input->agreement->grants];

	if (grant->per_day == 0 || !operation_is_counted(input->operation) || use->is_counted)
		return ERR_OK;
	return use->customers < grant->per_day ? ERR_OK : ERR_PER_DAY;
}

/* A grant's checks in their order; its place says how far a grant got (R92). */
static const struct {
	enum err (*check)(struct deciding *deciding, const struct grant *grant);
	bool is_about_customer;
} checks[] = {
	{check_validity, false},   {check_employee, false}, {check_role, false},
	{check_territory, false},  {check_hours, false},    {check_scope, true},
	{check_restriction, true}, {check_consent, true},   {check_per_day, true},
};

/* Runs the checks until one fails. */
static enum err check_grant(struct deciding *deciding, const struct grant *grant, size_t *ret_passed)
{
	size_t passed = 0;
	enum err code = ERR_OK;

	for (; passed < COUNT(checks) && code == ERR_OK; passed++)
		if (!checks[passed].is_about_customer || deciding->input->customer)
			code = checks[passed].check(deciding, grant);
	*ret_passed = passed;
	return code;
}

/* Tries each grant that names both; the best so far is kept. */
static void check_grants(const struct decide_input *input, uint32_t grants, struct verdict *verdict)
{
	struct deciding deciding = {.input = input};
	size_t furthest = 0;

	for (uint32_t i = 0; i < input->agreement->grant_count; i++) {
		const struct grant *grant = &input->agreement->grants[i];
		size_t passed = 0;
		if (!(grants >> i & 1))
			continue;
		enum err code = check_grant(&deciding, grant, &passed);
		if (code != ERR_OK && passed <= furthest)
			continue;
		furthest = passed;
		*verdict = (struct verdict){
			.code = code, .grant = i, .has_grant = true, .fields = code == ERR_OK ? grant->fields : 0};
		if (code == ERR_OK)
			return;
	}
}

/* R83: is there any grant with the purpose? */
static bool has_purpose(const struct agreement *agreement, int purpose)
{
	for (size_t i = 0; i < agreement->grant_count; i++)
		if (agreement->grants[i].purpose == purpose)
			return true;
	return false;
}

void decide(const struct decide_input *input, struct verdict *ret_verdict)
{
	*ret_verdict = (struct verdict){.code = check_agreement(input)};
	if (ret_verdict->code != ERR_OK)
		return;
	int purpose = charter_purpose(input->charter, input->purpose);
	if (purpose < 0 || !has_purpose(input->agreement, purpose)) {
		ret_verdict->code = ERR_NO_GRANT_PURPOSE;
		return;
	}
	uint32_t grants = agreement_grants_for(input->agreement, input->operation, (uint8_t)purpose);
	if (grants == 0)
		ret_verdict->code = ERR_NO_GRANT_OPERATION;
	else
		check_grants(input, grants, ret_verdict);
}

/* Text from outside is quoted only if it is a name; else a question mark. */
static void quote_purpose(struct slice purpose, char ret_text[static NAME_MAX_ + 1])
{
	snprintf(ret_text, NAME_MAX_ + 1, "?");
	if (purpose.length == 0 || purpose.length > NAME_MAX_ || memchr(purpose.data, '\0', purpose.length))
		return;
	char text[NAME_MAX_ + 1] = "";
	memcpy(text, purpose.data, purpose.length);
	if (ini_is_name(text))
		memcpy(ret_text, text, sizeof(text));
}

static void grant_clause(const struct grant *grant, enum err code, char ret_clause[static CLAUSE_MAX + 1])
{
	static const struct {
		enum err code;
		const char *what;
	} rows[] = {
		{ERR_NOT_YET, "validity"}, {ERR_EXPIRED, "validity"},	    {ERR_NO_EMPLOYEE, "employee"},
		{ERR_ROLE, "staff"},	   {ERR_TERRITORY, "territory"},    {ERR_HOURS, "hours"},
		{ERR_SCOPE, "customers"},  {ERR_RESTRICTED, "restriction"}, {ERR_CONSENT, "consent"},
		{ERR_PER_DAY, "per-day"},
	};

	snprintf(ret_clause, CLAUSE_MAX + 1, "grant %s", grant->name);
	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].code == code)
			snprintf(ret_clause, CLAUSE_MAX + 1, "grant %s: %s", grant->name, rows[i].what);
}

static void agreement_clause(enum err code, char ret_clause[static CLAUSE_MAX + 1])
{
	static const struct {
		enum err code;
		const char *clause;
	} rows[] = {
		{ERR_NO_AGREEMENT, "no agreement"},	   {ERR_SUSPENDED, "agreement: suspended"},
		{ERR_TERMINATED, "agreement: terminated"}, {ERR_NOT_YET, "agreement: from"},
		{ERR_EXPIRED, "agreement: until"},
	};

	snprintf(ret_clause, CLAUSE_MAX + 1, "agreement");
	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].code == code)
			snprintf(ret_clause, CLAUSE_MAX + 1, "%s", rows[i].clause);
}

void verdict_clause(const struct decide_input *input, const struct verdict *verdict,
		    char ret_clause[static CLAUSE_MAX + 1])
{
	char purpose[NAME_MAX_ + 1];

	if (verdict->has_grant) {
		grant_clause(&input->agreement->grants[verdict->grant], verdict->code, ret_clause);
		return;
	}
	quote_purpose(input->purpose, purpose);
	if (verdict->code == ERR_NO_GRANT_PURPOSE)
		snprintf(ret_clause, CLAUSE_MAX + 1, "no grant for purpose %s", purpose);
	else if (verdict->code == ERR_NO_GRANT_OPERATION)
		snprintf(ret_clause, CLAUSE_MAX + 1, "no grant for operation %s and purpose %s",
			 operation_name(input->operation), purpose);
	else
		agreement_clause(verdict->code, ret_clause);
}
