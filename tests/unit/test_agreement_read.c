#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fail.h"
#include "kluis/hash.h"
#include "papers.h"
#include "text.h"

/* The committed example names the committed charter; papers.c would otherwise hide it if it did not. */
static void test_agreement_parse_minimal_as_it_is(void **state)
{
	const struct agreement *agreement = &papers.agreement;
	uint8_t hash[HASH_SIZE];

	(void)state;
	char *text = text_of_file(&papers.arena, "broker/examples/minimal/agreement.ini");
	assert_int_equal(papers_parse(&papers, text, NULL), ERR_OK);
	assert_string_equal(agreement->origin, "minimal.example/kluis");
	assert_int_equal(agreement->store, 12);
	assert_string_equal(agreement->country, "NL");
	assert_int_equal(agreement->role, ROLE_PROCESSOR);
	assert_int_equal(agreement->from_s, 1767225600);  /* 2026-01-01 */
	assert_int_equal(agreement->until_s, 1830297600); /* 2028-01-01 */
	assert_false(agreement->has_supersedes);
	assert_false(agreement->has_contract);
	assert_memory_equal(agreement->charter, papers.charter.hash, HASH_SIZE);
	assert_int_equal(agreement->grant_count, 1);
	sha256(slice_text(text), hash);
	assert_memory_equal(agreement->hash, hash, HASH_SIZE);
}

static void test_agreement_parse_optional_keys(void **state)
{
	static const char hex[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
	char extra[400];

	(void)state;
	snprintf(extra, sizeof(extra), "role    = joint-controller\nsupersedes = %s\ncontract = %s\n", hex, hex);
	char *text = text_replace(&papers.arena, papers.agreement_text, "role    = processor\n", extra);
	text = text_replace(&papers.arena, text, "[terms]\n",
			    "[sub-processor till-maker]\nname=n\naddress=a\ncontact=c\ndescription=d\n[terms]\n"
			    "sub-processor-notice = 30d\n");
	assert_int_equal(papers_parse(&papers, text, NULL), ERR_OK);
	assert_int_equal(papers.agreement.role, ROLE_JOINT_CONTROLLER);
	assert_true(papers.agreement.has_supersedes && papers.agreement.has_contract);
	for (int i = 0; i < HASH_SIZE; i++) {
		assert_int_equal(papers.agreement.supersedes[i], i);
		assert_int_equal(papers.agreement.contract[i], i);
	}
}

/* Each row spoils the agreement in one place; the fault has the line and the thing. */
static void test_agreement_parse_refuses(void **state)
{
	static const struct {
		const char *from, *to, *fault;
	} rows[] = {
		{"minimal.example/kluis", "other.example/kluis",
		 ":3: [agreement] origin: 'other.example/kluis' is not the charter's origin"},
		{"store   = 12", "store   = -1", ":4: [agreement] store: '-1'"},
		{"store   = 12", "store   = 100000", ":4: [agreement] store: '100000' is not from 0 to 99999"},
		{"store   = 12\n", "", ":2: [agreement] lacks the key 'store'"},
		{"charter = ", "charter = 0", ":5: [agreement] charter: '0"},
		{"role    = processor", "role    = controller", ":6: [agreement] role: 'controller'"},
		{"from    = 2026-01-01", "from    = 2026-02-30", ":7: [agreement] from: '2026-02-30'"},
		{"from    = 2026-01-01", "from    = 2028-01-01", ":8: [agreement] until: is not after 'from'"},
		{"until   = 2028-01-01", "until   = never", ":8: [agreement] until: 'never'"},
		{"role    = processor", "role = processor\nsupersedes = abc", ":7: [agreement] supersedes: 'abc'"},
		{"role    = processor", "role = processor\ncontract = ABC", ":7: [agreement] contract: 'ABC'"},
		{"country      = NL", "country      = Nederland", ":19: [processor] country: 'Nederland'"},
		{"country      = NL", "country      = UK", ":19: [processor] country: 'UK'"},
		{"country      = NL\n", "", ":16: [processor] lacks the key 'country'"},
		{"nature         =", "colour         =", ": unknown key 'colour' in [processing]"},
		{"event-logging    = Every", "; Every", "[measures] lacks the key 'event-logging'"},
		{"breach-notice       = 24h", "breach-notice       = 73h", "[terms] breach-notice: '73h'"},
		{"breach-notice       = 24h", "breach-notice       = 0h", "[terms] breach-notice: '0h'"},
		{"breach-notice       = 24h\n", "", "[terms] lacks the key 'breach-notice'"},
		{"= delete", "= keep", "[terms] end-of-contract: 'keep'"},
		{"[terms]", "[sub-processor x]\nname = n\n[terms]", "[sub-processor x] lacks the key 'address'"},
		{"[terms]", "[sub-processor X]\nname = n\n[terms]", "[sub-processor X] name: 'X' is not a name"},
		{"[terms]", "[Terms]", "unknown section [Terms]"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fault fault = {.text = ""};
		char *spoilt = text_replace(&papers.arena, papers.agreement_text, rows[i].from, rows[i].to);
		papers.agreement.store = 777;
		enum err code = papers_parse(&papers, spoilt, &fault);
		if (code != ERR_PAPER || !strstr(fault.text, rows[i].fault) ||
		    strncmp(fault.text, "agreement.ini:", 14) != 0 || !strstr(fault.text, "; see kluis-agreement(5)"))
			fail_msg("row %zu: %d: %s", i, (int)code, fault.text);
		assert_int_equal(papers.agreement.store, 777);
	}
}

static void test_agreement_parse_of_another_charter(void **state)
{
	struct fault fault = {.text = ""};

	(void)state;
	papers.charter.hash[31] ^= 1;
	assert_int_equal(papers_parse(&papers, papers.agreement_text, &fault), ERR_PAPER);
	assert_non_null(strstr(fault.text, "hash of another charter than version 1"));
}

static void test_agreement_parse_without_memory(void **state)
{
	enum err code = ERR_MEMORY;

	(void)state;
	for (size_t ceiling = 0; code != ERR_OK; ceiling += 64) {
		struct arena arena CLEANUP(arena_fini);
		arena_init(&arena, ceiling);
		code = agreement_parse(slice_text(papers.agreement_text), "a", &papers.charter, &arena,
				       &papers.agreement, NULL);
		assert_true(code == ERR_OK || code == ERR_MEMORY);
		assert_true(ceiling < 1 << 20);
	}
}

#define MAN "broker/man/kluis-agreement.5"

/* Whatever key the reader knows, kluis-agreement(5) explains. The reader lists them when it meets another. */
static void test_agreement_keys_are_in_the_manual(void **state)
{
	static const char *const sections[] = {"agreement", "controller", "processor",	     "processing",
					       "measures",  "terms",	  "sub-processor x", "grant x"};

	(void)state;
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		struct fault fault = {.text = ""};
		char *text = arena_printf(&papers.arena, "[%s]\nzzz = 1\n", sections[i]);
		assert_int_equal(papers_parse(&papers, text, &fault), ERR_PAPER);
		const char *known = strstr(fault.text, "known are: ");
		assert_true(known && strstr(known, "; see kluis-agreement(5)"));
		const char *missing = text_missing_key(&papers.arena, MAN, known + strlen("known are: "));
		if (missing)
			fail_msg("[%s]: not in the manual: %s", sections[i], missing);
	}
}

static void test_agreement_example_of_the_manual(void **state)
{
	struct fault fault = {.text = ""};

	(void)state;
	*strstr(papers.agreement_text, "[grant ") = '\0';
	char *text =
		arena_printf(&papers.arena, "%s%s", papers.agreement_text, text_of_man_example(&papers.arena, MAN));
	if (papers_parse(&papers, text, &fault) != ERR_OK)
		fail_msg("%s", fault.text);
	assert_int_equal(papers.agreement.grant_count, 1);
}

/* Fills the minimal agreement as a template, and reads it. */
static enum err fill_and_parse(void *context)
{
	struct arena arena CLEANUP(arena_fini);
	struct bytes filled CLEANUP(bytes_fini);

	(void)context;
	arena_init(&arena, 1 << 20);
	bytes_init(&filled, PAPER_MAX);
	TRY(agreement_fill(slice_text(papers.agreement_text), "t", NULL, NULL, &filled, NULL));
	return agreement_parse(bytes_slice(&filled), "a", &papers.charter, &arena, &papers.agreement, NULL);
}

static void test_agreement_parse_with_failing_allocations(void **state)
{
	(void)state;
	fail_sweep(FAIL_MEMORY, fill_and_parse, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_agreement_parse_minimal_as_it_is, papers_set_up, papers_tear_down),
		cmocka_unit_test_setup_teardown(test_agreement_parse_optional_keys, papers_set_up, papers_tear_down),
		cmocka_unit_test_setup_teardown(test_agreement_parse_refuses, papers_set_up, papers_tear_down),
		cmocka_unit_test_setup_teardown(test_agreement_parse_of_another_charter, papers_set_up,
						papers_tear_down),
		cmocka_unit_test_setup_teardown(test_agreement_parse_without_memory, papers_set_up, papers_tear_down),
		cmocka_unit_test_setup_teardown(test_agreement_keys_are_in_the_manual, papers_set_up, papers_tear_down),
		cmocka_unit_test_setup_teardown(test_agreement_example_of_the_manual, papers_set_up, papers_tear_down),
		cmocka_unit_test_setup_teardown(test_agreement_parse_with_failing_allocations, papers_set_up,
						papers_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
