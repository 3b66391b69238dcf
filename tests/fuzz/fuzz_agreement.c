/*
 * Agreements under the minimal charter, and templates of them. What is taken is decided on: nothing is ever allowed
 * outside its time or beyond its fields (I4, I6).
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "kluis/decide.h"

#include "papers.h"

#define ARENA_MAX (1 << 22)

static void check_verdict(const struct decide_input *input)
{
	const struct agreement *agreement = input->agreement;
	char clause[CLAUSE_MAX + 1];
	struct verdict verdict;

	decide(input, &verdict);
	verdict_clause(input, &verdict, clause);
	assert(strlen(clause) > 0 && strlen(clause) <= CLAUSE_MAX);
	assert(slice_is_text(slice_text(clause), false));
	if (verdict.code != ERR_OK) {
		assert(verdict.fields == 0);
		return;
	}
	const struct grant *grant = &agreement->grants[verdict.grant];
	assert(verdict.has_grant && verdict.grant < agreement->grant_count);
	assert(input->state == AGREEMENT_ACTIVE && verdict.fields == grant->fields);
	assert(grant->operations >> input->operation & 1);
	assert(input->time_s >= agreement->from_s && input->time_s < agreement->until_s);
}

static void decide_all(const struct charter *charter, const struct agreement *agreement)
{
	struct customer_facts customer = {.has_visited = true, .has_owner = true, .owner = agreement->store};
	const uint64_t times[] = {0,
				  agreement->from_s,
				  agreement->from_s + (agreement->until_s - agreement->from_s) / 2,
				  agreement->until_s - 1,
				  agreement->until_s,
				  UINT64_MAX};
	struct decide_input input = {
		.charter = charter, .agreement = agreement, .has_employee = true, .customer = &customer};

	for (int state = AGREEMENT_ACTIVE; state <= AGREEMENT_SUSPENDED; state++)
		for (int operation = 0; operation < OPERATION_COUNT; operation++)
			for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
				input.state = (enum agreement_state)state;
				input.operation = (enum operation)operation;
				input.purpose = slice_text(charter->purposes[i % charter->purpose_count].name);
				input.time_s = times[i];
				check_verdict(&input);
			}
}

static void check_agreement(const struct charter *charter, const struct agreement *agreement)
{
	assert(agreement->from_s < agreement->until_s && agreement->store < STORES_MAX);
	for (size_t i = 0; i < agreement->grant_count; i++) {
		const struct grant *grant = &agreement->grants[i];
		assert(grant->fields != 0 && (grant->fields & ~charter->all_fields) == 0);
		assert(grant->operations != 0 && grant->operations >> OPERATION_COUNT == 0);
		assert(grant->purpose < charter->purpose_count && grant->roles >> charter->role_count == 0);
		for (size_t field = 0; field < FIELDS_MAX; field++)
			assert(grant->mask_of[field] == 0 || (grant->fields >> field & 1));
	}
	decide_all(charter, agreement);
}

/* Stands for every placeholder. */
static const char *any_value(void *context, const char *key)
{
	(void)context;
	return key;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct agreement agreement;
	struct arena arena CLEANUP(arena_fini);
	struct bytes filled CLEANUP(bytes_fini);
	struct fault fault = {.text = ""};

	if (papers.charter_text == NULL)
		papers_init(&papers);
	arena_init(&arena, ARENA_MAX);
	bytes_init(&filled, PAPER_MAX);
	if (agreement_fill(SLICE(data, size), "x", any_value, NULL, &filled, NULL) == ERR_OK)
		assert(filled.length >= size || memchr(data, '$', size) != NULL);
	enum err code = agreement_parse(SLICE(data, size), "x", &papers.charter, &arena, &agreement, &fault);
	assert(code == ERR_OK || code == ERR_PAPER || code == ERR_TOO_LARGE || code == ERR_MEMORY);
	assert(code == ERR_OK || code == ERR_MEMORY || strncmp(fault.text, "x:", 2) == 0);
	if (code == ERR_OK)
		check_agreement(&papers.charter, &agreement);
	return 0;
}
