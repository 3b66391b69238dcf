#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "kluis/decide.h"
#include "papers.h"
#include "text.h"

#define NOON 1784116800 /* Wednesday 2026-07-15 12:00 UTC, 14:00 in Amsterdam */
#define DAY_S 86400

/* What the tests decide on, in place of the minimal agreement's grant. Agreement: 2026-01-01 to 2028-01-01, store 12,
 * NL. */
static const char grants[] = "[grant till]\n"
			     "purpose = service\n"
			     "operations = lookup, sync, receipt, register, update, consent\n"
			     "customers = visited\n"
			     "fields = card, name, phone\n"
			     "staff = cashier\n"
			     "hours = mon-sat 07:00-22:00 Europe/Amsterdam\n"
			     "per-day = 10\n"
			     "lease = 72h\n"
			     "territory = NL, BE\n"
			     "from = 2026-02-01\n"
			     "until = 2027-12-01\n"
			     "[grant letters]\n"
			     "purpose = direct-marketing\n"
			     "operations = lookup, sync\n"
			     "customers = all\n"
			     "fields = name, email\n"
			     "staff = manager\n"
			     "hours = always\n"
			     "lease = 1h\n"
			     "territory = anywhere\n";

static struct customer_facts customer;
static struct decide_input input;

/* An agreement with these grants, a charter with zones in both hemispheres and a visited window of 90 days. */
static void use_grants(const char *text)
{
	char *charter = text_of_file(&papers.arena, "broker/examples/minimal/charter.ini");
	charter = text_replace(&papers.arena, charter, "[ownership]",
			       "Australia/Sydney = AEST-10AEDT,M10.1.0,M4.1.0/3\n[visited]\nwindow = 90d\n[ownership]");
	char *agreement = text_of_file(&papers.arena, "broker/examples/minimal/agreement.ini");
	*strstr(agreement, "[grant ") = '\0';
	papers_replace(&papers, charter, arena_printf(&papers.arena, "%s%s", agreement, text));
}

/* A lookup by a cashier at noon of a customer who was here yesterday: allowed by the grant till. */
static void reset(void)
{
	customer = (struct customer_facts){.has_visited = true, .last_visit_day = NOON / DAY_S - 1};
	input = (struct decide_input){.charter = &papers.charter,
				      .agreement = &papers.agreement,
				      .state = AGREEMENT_ACTIVE,
				      .operation = OPERATION_LOOKUP,
				      .purpose = slice_text("service"),
				      .has_employee = true,
				      .role = 0,
				      .time_s = NOON,
				      .customer = &customer};
}

static int set_up(void **state)
{
	(void)state;
	papers_init(&papers);
	use_grants(grants);
	reset();
	return 0;
}

/* Decides; the clause is static. */
static enum err ask(const char **ret_clause)
{
	static char clause[CLAUSE_MAX + 1];
	struct verdict verdict;

	decide(&input, &verdict);
	verdict_clause(&input, &verdict, clause);
	*ret_clause = clause;
	assert_true(verdict.code == ERR_OK || verdict.fields == 0);
	return verdict.code;
}

static void check(enum err code, const char *clause)
{
	const char *given = NULL;
	enum err got = ask(&given);

	if (got != code || strcmp(given, clause) != 0)
		fail_msg("wanted %d '%s', got %d '%s'", (int)code, clause, (int)got, given);
}

static void test_decide_allows(void **state)
{
	struct verdict verdict;

	(void)state;
	check(ERR_OK, "grant till");
	decide(&input, &verdict);
	assert_true(verdict.has_grant);
	assert_int_equal(verdict.grant, 0);
	assert_int_equal(verdict.fields, 0x7);
	/* without a customer only what does not depend on one */
	input.customer = NULL;
	check(ERR_OK, "grant till");
}

static void no_agreement(void)
{
	input.agreement = NULL;
}
static void drafted(void)
{
	input.state = AGREEMENT_DRAFTED;
}
static void none(void)
{
	input.state = AGREEMENT_NONE;
}
static void offered(void)
{
	input.state = AGREEMENT_OFFERED;
}
static void superseded(void)
{
	input.state = AGREEMENT_SUPERSEDED;
}
static void unknown_state(void)
{
	input.state = (enum agreement_state)8;
}
static void suspended(void)
{
	input.state = AGREEMENT_SUSPENDED;
}
static void terminated(void)
{
	input.state = AGREEMENT_TERMINATED;
}
static void expired_state(void)
{
	input.state = AGREEMENT_EXPIRED;
}
static void before(void)
{
	input.time_s = papers.agreement.from_s - 1;
}
static void after(void)
{
	input.time_s = papers.agreement.until_s;
}
static void no_purpose(void)
{
	input.purpose = slice_text("fraud");
}
static void known_purpose_without_grant(void)
{
	papers.agreement.grant_count = 1;
	input.purpose = slice_text("direct-marketing");
}
static void purpose_with_junk(void)
{
	input.purpose = slice_text("service: all\n");
}
static void no_operation(void)
{
	input.purpose = slice_text("direct-marketing");
	input.operation = OPERATION_RECEIPT;
}
static void grant_not_begun(void)
{
	input.time_s = papers.agreement.grants[0].from_s - 1;
}
static void grant_over(void)
{
	input.time_s = papers.agreement.grants[0].until_s;
}
static void no_employee(void)
{
	input.has_employee = false;
}
static void other_role(void)
{
	input.role = 1;
}
static void impossible_role(void)
{
	input.role = 32;
}
static void abroad(void)
{
	papers.agreement.country = "DE";
}
static void night(void)
{
	input.time_s = NOON + 8 * 3600; /* 22:00 in Amsterdam */
}
static void sunday(void)
{
	input.time_s = NOON + 4 * DAY_S;
}
static void stranger(void)
{
	customer.has_visited = false;
}
static void visited_long_ago(void)
{
	customer.last_visit_day = NOON / DAY_S - 91;
}
static void restricted(void)
{
	customer.is_restricted = true;
}
static void no_consent(void)
{
	papers.charter.purposes[0].needs_consent = true;
}
static void used_up(void)
{
	input.use[0].customers = 10;
}

/* One row for each way to be refused. */
static void test_decide_refuses(void **state)
{
	static const struct {
		void (*spoil)(void);
		enum err code;
		const char *clause;
	} rows[] = {
		{no_agreement, ERR_NO_AGREEMENT, "no agreement"},
		{none, ERR_NO_AGREEMENT, "no agreement"},
		{drafted, ERR_NO_AGREEMENT, "no agreement"},
		{offered, ERR_NO_AGREEMENT, "no agreement"},
		{superseded, ERR_NO_AGREEMENT, "no agreement"},
		{unknown_state, ERR_NO_AGREEMENT, "no agreement"},
		{suspended, ERR_SUSPENDED, "agreement: suspended"},
		{terminated, ERR_TERMINATED, "agreement: terminated"},
		{expired_state, ERR_EXPIRED, "agreement: until"},
		{before, ERR_NOT_YET, "agreement: from"},
		{after, ERR_EXPIRED, "agreement: until"},
		{no_purpose, ERR_NO_GRANT_PURPOSE, "no grant for purpose fraud"},
		{known_purpose_without_grant, ERR_NO_GRANT_PURPOSE, "no grant for purpose direct-marketing"},
		{purpose_with_junk, ERR_NO_GRANT_PURPOSE, "no grant for purpose ?"},
		{no_operation, ERR_NO_GRANT_OPERATION, "no grant for operation receipt and purpose direct-marketing"},
		{grant_not_begun, ERR_NOT_YET, "grant till: validity"},
		{grant_over, ERR_EXPIRED, "grant till: validity"},
		{no_employee, ERR_NO_EMPLOYEE, "grant till: employee"},
		{other_role, ERR_ROLE, "grant till: staff"},
		{impossible_role, ERR_ROLE, "grant till: staff"},
		{abroad, ERR_TERRITORY, "grant till: territory"},
		{night, ERR_HOURS, "grant till: hours"},
		{sunday, ERR_HOURS, "grant till: hours"},
		{stranger, ERR_SCOPE, "grant till: customers"},
		{visited_long_ago, ERR_SCOPE, "grant till: customers"},
		{restricted, ERR_RESTRICTED, "grant till: restriction"},
		{no_consent, ERR_CONSENT, "grant till: consent"},
		{used_up, ERR_PER_DAY, "grant till: per-day"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		use_grants(grants);
		reset();
		rows[i].spoil();
		check(rows[i].code, rows[i].clause);
		/* before a customer is known only what is about one is left out */
		input.customer = NULL;
		if (rows[i].code >= ERR_SCOPE && rows[i].code <= ERR_PER_DAY)
			check(ERR_OK, "grant till");
		else
			check(rows[i].code, rows[i].clause);
	}
}

/* With this and everything after it wrong, this is the reason. */
static void test_decide_order(void **state)
{
	static const struct {
		void (*spoil)(void);
		enum err code;
	} rows[] = {
		{no_agreement, ERR_NO_AGREEMENT},
		{suspended, ERR_SUSPENDED},
		{after, ERR_EXPIRED},
		{no_purpose, ERR_NO_GRANT_PURPOSE},
		{grant_over, ERR_EXPIRED},
		{no_employee, ERR_NO_EMPLOYEE},
		{other_role, ERR_ROLE},
		{abroad, ERR_TERRITORY},
		{night, ERR_HOURS},
		{stranger, ERR_SCOPE},
		{restricted, ERR_RESTRICTED},
		{no_consent, ERR_CONSENT},
		{used_up, ERR_PER_DAY},
	};
	const size_t count = sizeof(rows) / sizeof(rows[0]);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		const char *clause = NULL;
		use_grants(grants);
		reset();
		for (size_t later = count; later-- > i;)
			rows[later].spoil();
		assert_int_equal(ask(&clause), rows[i].code);
	}
	/* before a customer is known, what is about one says nothing */
	use_grants(grants);
	reset();
	for (size_t i = 9; i < count; i++)
		rows[i].spoil();
	input.customer = NULL;
	check(ERR_OK, "grant till");
}

/* From the first second of validity to the last, agreement's and grant's. */
static void test_decide_validity_edges(void **state)
{
	static const struct {
		uint64_t time_s;
		enum err code;
		const char *clause;
	} rows[] = {
		{1767225599, ERR_NOT_YET, "agreement: from"},	   /* 2025-12-31T23:59:59Z */
		{1767225600, ERR_NOT_YET, "grant till: validity"}, /* 2026-01-01T00:00:00Z */
		{1769903999, ERR_NOT_YET, "grant till: validity"}, /* 2026-01-31T23:59:59Z */
		{1769904000, ERR_OK, "grant till"},		   /* 2026-02-01 */
		{1827619199, ERR_OK, "grant till"},		   /* 2027-11-30T23:59:59Z */
		{1827619200, ERR_EXPIRED, "grant till: validity"}, /* 2027-12-01 */
		{1830297599, ERR_EXPIRED, "grant till: validity"}, /* 2027-12-31T23:59:59Z */
		{1830297600, ERR_EXPIRED, "agreement: until"},	   /* 2028-01-01 */
		{UINT64_MAX, ERR_EXPIRED, "agreement: until"},
	};

	(void)state;
	papers.agreement.grants[0].hours.is_limited = false;
	papers.charter.visited_window_days = 0;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		input.time_s = rows[i].time_s;
		check(rows[i].code, rows[i].clause);
	}
}

/* Sync is unattended: neither staff nor hours bind it; all else does. */
static void test_decide_sync(void **state)
{
	(void)state;
	input.operation = OPERATION_SYNC;
	no_employee();
	check(ERR_OK, "grant till");
	sunday();
	check(ERR_OK, "grant till");
	used_up();
	check(ERR_OK, "grant till");
	abroad();
	check(ERR_TERRITORY, "grant till: territory");
	papers.agreement.country = "BE";
	check(ERR_OK, "grant till");
	stranger();
	check(ERR_SCOPE, "grant till: customers");
}

/* Which operations a person is needed for, are counted, or go on for a restricted customer. */
static void test_decide_by_operation(void **state)
{
	static const struct {
		enum operation operation;
		enum err employee, counted, restriction, scope;
	} rows[] = {
		{OPERATION_LOOKUP, ERR_NO_EMPLOYEE, ERR_PER_DAY, ERR_RESTRICTED, ERR_SCOPE},
		{OPERATION_SYNC, ERR_OK, ERR_OK, ERR_RESTRICTED, ERR_SCOPE},
		{OPERATION_RECEIPT, ERR_NO_EMPLOYEE, ERR_OK, ERR_OK, ERR_OK},
		{OPERATION_REGISTER, ERR_NO_EMPLOYEE, ERR_OK, ERR_OK, ERR_OK},
		{OPERATION_UPDATE, ERR_NO_EMPLOYEE, ERR_OK, ERR_RESTRICTED, ERR_SCOPE},
		{OPERATION_CONSENT, ERR_NO_EMPLOYEE, ERR_OK, ERR_OK, ERR_SCOPE},
	};
	const char *clause = NULL;

	(void)state;
	assert_int_equal(sizeof(rows) / sizeof(rows[0]), OPERATION_COUNT);
	for (size_t i = 0; i < OPERATION_COUNT; i++) {
		reset();
		input.operation = rows[i].operation;
		no_employee();
		assert_int_equal(ask(&clause), rows[i].employee);
		input.has_employee = true;
		used_up();
		assert_int_equal(ask(&clause), rows[i].counted);
		assert_int_equal(operation_is_counted(rows[i].operation), rows[i].counted == ERR_PER_DAY);
		input.use[0].customers = 0;
		restricted();
		assert_int_equal(ask(&clause), rows[i].restriction);
		customer.is_restricted = false;
		stranger();
		assert_int_equal(ask(&clause), rows[i].scope);
	}
}

/* Scope by scope: who is in it, for lookup, receipt and registration. */
static void test_decide_scope(void **state)
{
	static const struct {
		enum scope scope;
		struct customer_facts facts;
		enum err lookup, receipt, registration;
	} rows[] = {
		{SCOPE_ALL, {.has_visited = false}, ERR_OK, ERR_OK, ERR_OK},
		{SCOPE_OWNED, {.has_owner = true, .owner = 12}, ERR_OK, ERR_OK, ERR_OK},
		{SCOPE_OWNED, {.has_owner = true, .owner = 13}, ERR_SCOPE, ERR_SCOPE, ERR_OK},
		{SCOPE_OWNED, {.has_owner = false, .owner = 12}, ERR_SCOPE, ERR_SCOPE, ERR_OK},
		{SCOPE_OWNED, {.has_visited = true, .last_visit_day = NOON / DAY_S}, ERR_SCOPE, ERR_SCOPE, ERR_OK},
		{SCOPE_REGISTERED, {.is_registered_here = true}, ERR_OK, ERR_OK, ERR_OK},
		{SCOPE_REGISTERED, {.has_owner = true, .owner = 12}, ERR_SCOPE, ERR_SCOPE, ERR_OK},
		{SCOPE_VISITED, {.has_visited = true, .last_visit_day = NOON / DAY_S}, ERR_OK, ERR_OK, ERR_OK},
		{SCOPE_VISITED, {.has_visited = true, .last_visit_day = NOON / DAY_S - 90}, ERR_OK, ERR_OK, ERR_OK},
		{SCOPE_VISITED, {.has_visited = true, .last_visit_day = NOON / DAY_S - 91}, ERR_SCOPE, ERR_OK, ERR_OK},
		{SCOPE_VISITED, {.has_visited = true, .last_visit_day = NOON / DAY_S + 1}, ERR_OK, ERR_OK, ERR_OK},
		{SCOPE_VISITED, {.last_visit_day = NOON / DAY_S}, ERR_SCOPE, ERR_OK, ERR_OK},
		{SCOPE_VISITED,
		 {.is_registered_here = true, .has_owner = true, .owner = 12},
		 ERR_SCOPE,
		 ERR_OK,
		 ERR_OK},
	};
	const char *clause = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		papers.agreement.grants[0].scope = rows[i].scope;
		customer = rows[i].facts;
		input.operation = OPERATION_LOOKUP;
		assert_int_equal(ask(&clause), rows[i].lookup);
		input.operation = OPERATION_RECEIPT;
		assert_int_equal(ask(&clause), rows[i].receipt);
		input.operation = OPERATION_REGISTER;
		assert_int_equal(ask(&clause), rows[i].registration);
	}
	/* no window: once visited is visited */
	papers.charter.visited_window_days = 0;
	papers.agreement.grants[0].scope = SCOPE_VISITED;
	input.operation = OPERATION_LOOKUP;
	customer = (struct customer_facts){.has_visited = true, .last_visit_day = -20000};
	check(ERR_OK, "grant till");
}

/* The window's day is UTC's, whatever the grant's zone: 23:59:59 and one second later. */
static void test_decide_visited_window_by_utc_day(void **state)
{
	(void)state;
	papers.agreement.grants[0].hours.is_limited = false;
	customer.last_visit_day = NOON / DAY_S - 90;
	input.time_s = NOON + 12 * 3600 - 1;
	check(ERR_OK, "grant till");
	input.time_s++;
	check(ERR_SCOPE, "grant till: customers");
}

static void test_decide_consent(void **state)
{
	(void)state;
	input.purpose = slice_text("direct-marketing");
	input.role = 1;
	check(ERR_CONSENT, "grant letters: consent");
	customer.has_consented = true;
	check(ERR_OK, "grant letters");
	/* another legal basis asks for none */
	customer.has_consented = false;
	input.purpose = slice_text("service");
	input.role = 0;
	check(ERR_OK, "grant till");
}

/* per-day = 10: the tenth customer passes, an eleventh does not, one of the ten does again. */
static void test_decide_per_day(void **state)
{
	(void)state;
	input.use[0].customers = 9;
	check(ERR_OK, "grant till");
	input.use[0].customers = 10;
	check(ERR_PER_DAY, "grant till: per-day");
	input.use[0].is_counted = true;
	check(ERR_OK, "grant till");
	input.use[0] = (struct use_facts){.customers = 11, .is_counted = true};
	check(ERR_OK, "grant till");
	input.use[0] = (struct use_facts){.customers = UINT32_MAX};
	papers.agreement.grants[0].per_day = 0;
	check(ERR_OK, "grant till");
	/* another grant's use is no concern */
	papers.agreement.grants[0].per_day = 10;
	input.use[0].customers = 0;
	input.use[1].customers = 999;
	check(ERR_OK, "grant till");
}

/* Grants one, two, three for the same purpose and operation. */
static void use_three(const char *one, const char *two, const char *three)
{
	static const char form[] = "[grant one]\npurpose = service\noperations = lookup\nfields = name\n"
				   "staff = cashier\nhours = always\nterritory = anywhere\n%s"
				   "[grant two]\npurpose = service\noperations = lookup\nfields = name, phone\n"
				   "staff = cashier\nhours = always\nterritory = anywhere\n%s"
				   "[grant three]\npurpose = service\noperations = lookup\nfields = name, email\n"
				   "staff = cashier\nhours = always\nterritory = anywhere\n%s";

	use_grants(arena_printf(&papers.arena, form, one, two, three));
	reset();
}

/* R92: the first that passes decides; else the one that got furthest, the first of these on a tie. */
static void test_decide_several_grants(void **state)
{
	static const struct {
		const char *one, *two, *three;
		enum err code;
		const char *clause;
	} rows[] = {
		{"customers = visited\n", "customers = all\n", "customers = all\n", ERR_OK, "grant one"},
		{"customers = owned\n", "customers = all\n", "customers = all\n", ERR_OK, "grant two"},
		{"customers = owned\n", "customers = registered\n", "customers = all\n", ERR_OK, "grant three"},
		{"customers = owned\n", "customers = registered\n", "customers = owned\n", ERR_SCOPE,
		 "grant one: customers"},
		{"customers = all\nuntil = 2026-02-01\n", "customers = owned\n", "customers = registered\n", ERR_SCOPE,
		 "grant two: customers"},
		{"customers = owned\n", "customers = all\nper-day = 1\n", "customers = registered\n", ERR_PER_DAY,
		 "grant two: per-day"},
		{"customers = all\nper-day = 1\n", "customers = owned\n", "customers = all\nper-day = 2\n", ERR_OK,
		 "grant three"},
		{"customers = all\nfrom = 2027-01-01\n", "customers = all\nuntil = 2026-02-01\n",
		 "customers = all\nfrom = 2027-01-01\n", ERR_NOT_YET, "grant one: validity"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		use_three(rows[i].one, rows[i].two, rows[i].three);
		for (size_t grant = 0; grant < 3; grant++)
			input.use[grant].customers = 1;
		check(rows[i].code, rows[i].clause);
	}
}

static void test_decide_gives_the_deciding_grants_fields(void **state)
{
	struct verdict verdict;

	(void)state;
	use_three("customers = owned\n", "customers = visited\n", "customers = all\n");
	decide(&input, &verdict);
	assert_int_equal(verdict.grant, 1);
	assert_int_equal(verdict.fields, 0x6);
	customer.has_visited = false;
	decide(&input, &verdict);
	assert_int_equal(verdict.grant, 2);
	assert_int_equal(verdict.fields, 0xa);
}

/* Hours at each minute of a week around a clock change, against glibc's local time. */
static void check_hours_week(const char *tz, const char *hours, unsigned weekdays, int from, int until, time_t start)
{
	char line[160];
	const char *clause = NULL;

	snprintf(line, sizeof(line), "hours = %s", hours);
	use_grants(text_replace(&papers.arena, grants, "hours = mon-sat 07:00-22:00 Europe/Amsterdam", line));
	reset();
	papers.charter.visited_window_days = 0;
	setenv("TZ", tz, 1);
	tzset();
	for (time_t minute = start; minute < start + 8 * DAY_S; minute += 60) {
		struct tm tm;
		localtime_r(&minute, &tm);
		int now = tm.tm_hour * 60 + tm.tm_min;
		bool today = weekdays >> (tm.tm_wday + 6) % 7 & 1, yesterday = weekdays >> (tm.tm_wday + 5) % 7 & 1;
		bool is_open = from < until ? today && now >= from && now < until
					    : (today && now >= from) || (yesterday && now < until);
		for (int second = 0; second < 60; second += 59) {
			input.time_s = (uint64_t)minute + (uint64_t)second;
			if (ask(&clause) != (is_open ? ERR_OK : ERR_HOURS))
				fail_msg("%s at %lld: %s", hours, (long long)minute + second, clause);
		}
	}
	unsetenv("TZ");
	tzset();
}

static void test_decide_hours_against_libc(void **state)
{
	static const char amsterdam[] = "CET-1CEST,M3.5.0,M10.5.0/3", sydney[] = "AEST-10AEDT,M10.1.0,M4.1.0/3";

	(void)state;
	/* 2026-03-26, 2026-10-22 in Amsterdam; 2026-04-02, 2026-10-01 in Sydney: three days before each change */
	check_hours_week(amsterdam, "mon-sat 07:00-22:00 Europe/Amsterdam", 0x3f, 420, 1320, 1774483200);
	check_hours_week(amsterdam, "mon-sun 02:30-03:30 Europe/Amsterdam", 0x7f, 150, 210, 1774483200);
	check_hours_week(amsterdam, "fri-sat 22:00-02:30 Europe/Amsterdam", 0x30, 1320, 150, 1774483200);
	check_hours_week(amsterdam, "sat 22:00-02:30 Europe/Amsterdam", 0x20, 1320, 150, 1792627200);
	check_hours_week(amsterdam, "mon-sun 00:00-24:00 Europe/Amsterdam", 0x7f, 0, 1440, 1792627200);
	check_hours_week(sydney, "sat-sun 01:59-02:01 Australia/Sydney", 0x60, 119, 121, 1775088000);
	check_hours_week(sydney, "sun 23:59-00:01 Australia/Sydney", 0x40, 1439, 1, 1775088000);
	check_hours_week(sydney, "mon,wed,sun 02:00-03:00 Australia/Sydney", 0x45, 120, 180, 1790812800);
}

/* per-day counts on the grant's local day: in Amsterdam's summer it changes at 22:00 UTC, in Sydney's winter at 14:00.
 */
static void test_grant_day(void **state)
{
	struct grant *grant = &papers.agreement.grants[0];

	(void)state;
	assert_int_equal(grant_day(grant, NOON), NOON / DAY_S);
	assert_int_equal(grant_day(grant, NOON + 10 * 3600 - 1), NOON / DAY_S);
	assert_int_equal(grant_day(grant, NOON + 10 * 3600), NOON / DAY_S + 1);
	grant->hours.zone = charter_zone(&papers.charter, "Australia/Sydney");
	assert_int_equal(grant_day(grant, NOON + 2 * 3600 - 1), NOON / DAY_S);
	assert_int_equal(grant_day(grant, NOON + 2 * 3600), NOON / DAY_S + 1);
	/* without hours: UTC */
	assert_int_equal(grant_day(&papers.agreement.grants[1], NOON + 12 * 3600 - 1), NOON / DAY_S);
	assert_int_equal(grant_day(&papers.agreement.grants[1], NOON + 12 * 3600), NOON / DAY_S + 1);
}

/* What stands in a clause is a name or a question mark, and fits, whatever came from outside. */
static void test_verdict_clause_quotes_names_only(void **state)
{
	static char long_name[100];
	static const struct {
		const char *purpose;
		size_t length;
		const char *clause;
	} rows[] = {
		{"a-b_9", 5, "no grant for purpose a-b_9"}, {"", 0, "no grant for purpose ?"},
		{"A", 1, "no grant for purpose ?"},	    {"a b", 3, "no grant for purpose ?"},
		{"a\0b", 3, "no grant for purpose ?"},	    {"a\n", 2, "no grant for purpose ?"},
		{"\xff", 1, "no grant for purpose ?"},	    {long_name, 65, "no grant for purpose ?"},
	};
	const char *clause = NULL;

	(void)state;
	memset(long_name, 'a', sizeof(long_name) - 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		input.purpose = SLICE(rows[i].purpose, rows[i].length);
		check(ERR_NO_GRANT_PURPOSE, rows[i].clause);
	}
	input.purpose = SLICE(long_name, 64);
	assert_int_equal(ask(&clause), ERR_NO_GRANT_PURPOSE);
	assert_int_equal(strlen(clause), strlen("no grant for purpose ") + 64);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, papers_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_decide_allows),
		TEST(test_decide_refuses),
		TEST(test_decide_order),
		TEST(test_decide_validity_edges),
		TEST(test_decide_sync),
		TEST(test_decide_by_operation),
		TEST(test_decide_scope),
		TEST(test_decide_visited_window_by_utc_day),
		TEST(test_decide_consent),
		TEST(test_decide_per_day),
		TEST(test_decide_several_grants),
		TEST(test_decide_gives_the_deciding_grants_fields),
		TEST(test_decide_hours_against_libc),
		TEST(test_grant_day),
		TEST(test_verdict_clause_quotes_names_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
