#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "workbench.h"

static struct franchise *formula;
static struct workbench bench;
static struct customer customer;
static struct slice pseudonym;
static struct agreement agreement;

#define GRANT                                                                                                          \
	"[grant g]\npurpose = service\noperations = lookup\ncustomers = all\nfields = card, name, phone, email\n"      \
	"masks = phone:last4\n" GRANT_REST

static int set_up(void **state)
{
	struct fault fault = {""};

	(void)state;
	formula = franchise_new(NULL);
	pseudonym = franchise_customer(formula, "1=4711|2=Anna|3=0612345678");
	const char *text = franchise_agreement(formula, 12, GRANT, NULL);
	assert_int_equal(agreement_parse(slice_text(text), "a", &formula->charter, &formula->arena, &agreement, &fault),
			 ERR_OK);
	workbench_init(&bench, formula, &formula->office);
	assert_int_equal(vault_customer(&bench.context, pseudonym, &customer), ERR_OK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	workbench_fini(&bench);
	franchise_free(&formula);
	return 0;
}

static const char *content_of(const Kluis__Part *part)
{
	Kluis__Personal personal = KLUIS__PERSONAL__INIT;
	Kluis__Reply reply = KLUIS__REPLY__INIT;
	Kluis__Part one = *part, *parts = &one;
	struct answer answer = {.reply = &reply};

	personal.parts = &parts;
	personal.n_parts = 1;
	reply.personal = &personal;
	return answer_values(formula, &answer, 0);
}

static void test_disclose_cuts_and_masks(void **state)
{
	static const struct {
		uint64_t fields;
		bool is_masked;
		uint64_t disclosed;
		const char *values;
	} rows[] = {
		{UINT64_MAX, false, 7, "1=4711|2=Anna|3=0612345678"},
		{UINT64_MAX, true, 7, "1=4711|2=Anna|3=••••••5678"},
		{4, true, 4, "3=••••••5678"},
		{2 | 8, true, 2, "2=Anna"},
		{8, true, 0, ""},
		{0, false, 0, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct grant *grant = rows[i].is_masked ? &agreement.grants[0] : NULL;
		Kluis__Part *part;
		Kluis__Disclosure *disclosure;

		struct cut cut = {.version = 1, .fields = rows[i].fields, .charter = &formula->charter, .grant = grant};
		assert_int_equal(vault_disclose(&bench.context, &customer, &cut, &part, &disclosure), ERR_OK);
		assert_int_equal(disclosure->fields, rows[i].disclosed);
		assert_int_equal(disclosure->version, 1);
		assert_string_equal(content_of(part), rows[i].values);
		assert_int_equal(commitment_check(wire_slice(disclosure->commitment), wire_slice(part->salt),
						  wire_slice(part->content)),
				 ERR_OK);
	}
}

/* R43 by its words: BLAKE2b-256, key the record version's salt, over the domain and the principal's name. */
static void test_disclose_salt_is_of_record_and_principal(void **state)
{
	static const char domain_and_name[] = "kluis/disclosure/v1\n" FRANCHISE_ORIGIN "/controller";
	uint8_t expected[HASH_SIZE];
	Kluis__Part *part;
	Kluis__Disclosure *disclosure;
	Rows__Record *record;

	(void)state;
	assert_int_equal(vault_record(&bench.context, &customer, 1, &record), ERR_OK);
	blake2b(wire_slice(record->salt), "", SLICE(domain_and_name, sizeof(domain_and_name) - 1), expected);
	const struct cut cut = {.version = 1, .fields = 1, .charter = &formula->charter};
	assert_int_equal(vault_disclose(&bench.context, &customer, &cut, &part, &disclosure), ERR_OK);
	assert_true(slice_equal(wire_slice(part->salt), SLICE_ARRAY(expected)));
}

static void test_disclose_of_a_version_that_is_gone(void **state)
{
	Kluis__Part *part;
	Kluis__Disclosure *disclosure;

	(void)state;
	const struct cut cut = {.version = 2, .fields = 1, .charter = &formula->charter};
	assert_int_equal(vault_disclose(&bench.context, &customer, &cut, &part, &disclosure), ERR_NOT_FOUND);
}

/* An entry with one disclosure and one tombstone. */
static void test_disclose_again(void **state)
{
	Kluis__Entry entry = KLUIS__ENTRY__INIT;
	Kluis__Result result = KLUIS__RESULT__INIT, *results = &result;
	Kluis__Disclosure tombstone = KLUIS__DISCLOSURE__INIT, *disclosures[2] = {&tombstone};
	Kluis__Part *part;

	(void)state;
	tombstone.customer = wire_data(pseudonym);
	tombstone.has_withheld = true;
	const struct cut cut = {.version = 1, .fields = 3, .charter = &formula->charter};
	assert_int_equal(vault_disclose(&bench.context, &customer, &cut, &part, &disclosures[1]), ERR_OK);
	bench.request.operations = (Kluis__Operation *[]){&bench.operation};
	bench.request.n_operations = 1;
	result.disclosures = disclosures;
	result.n_disclosures = 2;
	entry.results = &results;
	entry.n_results = 1;
	assert_int_equal(vault_disclose_again(&bench.context, &entry, &bench.request), ERR_OK);
	assert_int_equal(bench.context.parts.count, 1);
	assert_string_equal(content_of(bench.context.parts.items[0]), "1=4711|2=Anna");
	assert_true(slice_equal(wire_slice(bench.context.parts.items[0]->salt), wire_slice(part->salt)));
	/* what the log does not say is not given out */
	disclosures[1]->fields = 7;
	assert_int_equal(vault_disclose_again(&bench.context, &entry, &bench.request), ERR_CORRUPT);
	disclosures[1]->fields = 3;
	disclosures[1]->version = 2;
	assert_int_equal(vault_disclose_again(&bench.context, &entry, &bench.request), ERR_NOT_FOUND);
	/* a store, whose agreement is another now */
	disclosures[1]->version = 1;
	bench.envelope.principal.kind = PRINCIPAL_STORE;
	assert_int_equal(vault_disclose_again(&bench.context, &entry, &bench.request), ERR_OTHER_AGREEMENT);
	assert_int_equal(bench.context.parts.count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_disclose_cuts_and_masks),
		TEST(test_disclose_salt_is_of_record_and_principal),
		TEST(test_disclose_of_a_version_that_is_gone),
		TEST(test_disclose_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
