/*
 * What a decision costs with 8 grants for the same purpose and operation: when the last of them allows, when none
 * does, when the first does. The aim is under a microsecond. Beside it, from the same run, one BLAKE2b commitment: what
 * every disclosed record costs anyway.
 */
#include <stdio.h>
#include <string.h>

#include "kluis/clock.h"
#include "kluis/decide.h"
#include "kluis/hash.h"
#include "papers.h"
#include "text.h"

#define ROUNDS 2000000
#define NOON UINT64_C(1784116800) /* 2026-07-15 12:00 UTC, a Wednesday */

/* Seven grants that each refuse at their scope, with hours to compute, and one that allows. */
static void use_eight_grants(void)
{
	static const char form[] = "[grant g%d]\npurpose = direct-marketing\noperations = lookup\ncustomers = %s\n"
				   "fields = name\nstaff = cashier\nhours = mon-sat 07:00-22:00 Europe/Amsterdam\n"
				   "per-day = 10\nterritory = EEA\n";
	char *text = text_of_file(&papers.arena, "broker/examples/minimal/agreement.ini");

	*strstr(text, "[grant ") = '\0';
	for (int i = 0; i < 8; i++) {
		char *grant = arena_printf(&papers.arena, form, i, i < 7 ? "owned" : "all");
		text = arena_printf(&papers.arena, "%s%s", text, grant);
	}
	papers_replace(&papers, papers.charter_text, text);
}

static double measure_decide(const struct decide_input *input, enum err wanted)
{
	struct verdict verdict = {.code = ERR_OK};
	uint64_t start = clock_steady_ns();

	for (int i = 0; i < ROUNDS; i++) {
		decide(input, &verdict);
		if (verdict.code != wanted)
			return -1;
		/* the compiler may not see that nothing changes between rounds */
		__asm__ volatile("" : : "r"(&verdict), "r"(input) : "memory");
	}
	return (double)(clock_steady_ns() - start) / ROUNDS;
}

static double measure_commitment(void)
{
	uint8_t salt[SALT_SIZE] = {1}, content[300] = {2}, commitment[HASH_SIZE];
	uint64_t start = clock_steady_ns();

	for (int i = 0; i < ROUNDS / 10; i++) {
		commitment_make(salt, SLICE_ARRAY(content), commitment);
		salt[0] = commitment[0];
	}
	return (double)(clock_steady_ns() - start) / (ROUNDS / 10.0);
}

int main(void)
{
	struct customer_facts customer = {.has_visited = true, .has_consented = true};
	struct decide_input input = {.charter = &papers.charter,
				     .agreement = &papers.agreement,
				     .state = AGREEMENT_ACTIVE,
				     .operation = OPERATION_LOOKUP,
				     .purpose = slice_text("direct-marketing"),
				     .has_employee = true,
				     .time_s = NOON,
				     .customer = &customer};

	papers_init(&papers);
	use_eight_grants();
	double last = measure_decide(&input, ERR_OK);
	papers.agreement.grants[0].scope = SCOPE_ALL;
	double first = measure_decide(&input, ERR_OK);
	papers.agreement.grants[0].scope = papers.agreement.grants[7].scope = SCOPE_OWNED;
	double none = measure_decide(&input, ERR_SCOPE);
	printf("decide, 8 grants with hours and 30 countries: the last allows %.0f ns, none allows %.0f ns, "
	       "the first allows %.0f ns (aim: under 1000)\n",
	       last, none, first);
	printf("raw beside it: one commitment to 300 bytes %.0f ns\n", measure_commitment());
	papers_fini(&papers);
	return last < 0 || none < 0 || first < 0;
}
