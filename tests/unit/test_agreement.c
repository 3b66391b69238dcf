#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "papers.h"
#include "text.h"

static struct agreement opened;

static void test_agreement_names(void **state)
{
	(void)state;
	assert_string_equal(operation_name(OPERATION_LOOKUP), "lookup");
	assert_string_equal(operation_name(OPERATION_CONSENT), "consent");
	assert_null(operation_name(OPERATION_COUNT));
	assert_string_equal(scope_name(SCOPE_OWNED), "owned");
	assert_string_equal(scope_name(SCOPE_ALL), "all");
	assert_null(scope_name(SCOPE_COUNT));
	assert_string_equal(agreement_state_name(AGREEMENT_NONE), "none");
	assert_string_equal(agreement_state_name(AGREEMENT_EXPIRED), "expired");
	assert_string_equal(agreement_state_name((enum agreement_state)99), "unknown");
	for (int i = 0; i < OPERATION_COUNT; i++)
		assert_int_equal(operation_needs_employee((enum operation)i), i != OPERATION_SYNC);
}

static void test_agreement_grants_for(void **state)
{
	const struct agreement *agreement = &papers.agreement;

	(void)state;
	char *text = arena_printf(&papers.arena,
				  "%s[grant two]\npurpose = direct-marketing\noperations = sync\ncustomers = all\n"
				  "fields = name\nlease = 1h\nterritory = EEA\n"
				  "[grant three]\npurpose = service\noperations = sync, consent\ncustomers = all\n"
				  "fields = name\nlease = 1h\nterritory = EEA\nstaff = manager\nhours = always\n",
				  papers.agreement_text);
	assert_int_equal(papers_parse(&papers, text, NULL), ERR_OK);
	assert_int_equal(agreement_grants_for(agreement, OPERATION_SYNC, 0), 0x5);
	assert_int_equal(agreement_grants_for(agreement, OPERATION_SYNC, 1), 0x2);
	assert_int_equal(agreement_grants_for(agreement, OPERATION_LOOKUP, 0), 0x1);
	assert_int_equal(agreement_grants_for(agreement, OPERATION_CONSENT, 0), 0x4);
	assert_int_equal(agreement_grants_for(agreement, OPERATION_LOOKUP, 1), 0);
	assert_int_equal(agreement_grants_for(agreement, OPERATION_LOOKUP, 7), 0);
}

static void make_key(const char *name, uint8_t seed_byte, struct secret_key *ret_key)
{
	uint8_t seed[KEY_SIZE];

	memset(seed, seed_byte, sizeof(seed));
	assert_int_equal(secret_key_from_seed(slice_text(name), seed, ret_key), ERR_OK);
}

/* Opens the minimal agreement, signed by these two, expecting the keys of those two. */
static enum err open_signed(const struct secret_key *const signers[2], const struct public_key *controller,
			    const struct public_key *store)
{
	struct bytes note CLEANUP(bytes_fini);
	struct fault fault = {.text = ""};

	bytes_init(&note, PAPER_MAX);
	assert_int_equal(note_sign(slice_text(papers.agreement_text), signers, signers[1] ? 2 : 1, &note), ERR_OK);
	enum err code = agreement_open(bytes_slice(&note), &papers.charter, controller, store, "a", &papers.arena,
				       &opened, &fault);
	assert_true(code == ERR_OK || fault.text[0] != '\0');
	return code;
}

static void test_agreement_open(void **state)
{
	struct secret_key head CLEANUP(secret_key_fini);
	struct secret_key store CLEANUP(secret_key_fini);
	struct secret_key store13 CLEANUP(secret_key_fini);
	struct secret_key impostor CLEANUP(secret_key_fini);
	struct secret_key log CLEANUP(secret_key_fini);

	(void)state;
	make_key("minimal.example/kluis/controller", 1, &head);
	make_key("minimal.example/kluis/store/12", 2, &store);
	make_key("minimal.example/kluis/store/13", 3, &store13);
	make_key("minimal.example/kluis/store/12", 4, &impostor);
	make_key("minimal.example/kluis/log", 5, &log);
	const struct secret_key *both[] = {&head, &store}, *head_only[] = {&head, NULL};
	const struct secret_key *other_store[] = {&head, &store13}, *false_store[] = {&head, &impostor};
	const struct secret_key *store_only[] = {&store, NULL}, *by_log[] = {&log, &store};

	assert_int_equal(open_signed(both, &head.public, &store.public), ERR_OK);
	assert_int_equal(opened.store, 12);
	assert_memory_equal(opened.hash, papers.agreement.hash, HASH_SIZE);
	assert_int_equal(open_signed(head_only, &head.public, NULL), ERR_OK);
	assert_int_equal(open_signed(head_only, &head.public, &store.public), ERR_SIGNATURE);
	assert_int_equal(open_signed(store_only, &head.public, &store.public), ERR_SIGNATURE);
	assert_int_equal(open_signed(false_store, &head.public, &store.public), ERR_SIGNATURE);
	/* a store's valid signature under an agreement for another store */
	assert_int_equal(open_signed(other_store, &head.public, &store13.public), ERR_SIGNATURE);
	/* a valid signature of somebody who is not the controller */
	assert_int_equal(open_signed(by_log, &log.public, &store.public), ERR_SIGNATURE);
}

static void test_agreement_open_changed_after_signing(void **state)
{
	struct secret_key head CLEANUP(secret_key_fini);
	struct bytes note CLEANUP(bytes_fini);
	struct fault fault = {.text = ""};

	(void)state;
	make_key("minimal.example/kluis/controller", 1, &head);
	const struct secret_key *signers[] = {&head};
	bytes_init(&note, PAPER_MAX);
	assert_int_equal(note_sign(slice_text(papers.agreement_text), signers, 1, &note), ERR_OK);
	uint8_t *place = memmem(note.data, note.length, "per-day    = 2000", 17);
	assert_non_null(place);
	place[13] = '9';
	assert_int_equal(agreement_open(bytes_slice(&note), &papers.charter, &head.public, NULL, "a", &papers.arena,
					&opened, &fault),
			 ERR_SIGNATURE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agreement_names),
		cmocka_unit_test_setup_teardown(test_agreement_grants_for, papers_set_up, papers_tear_down),
		cmocka_unit_test_setup_teardown(test_agreement_open, papers_set_up, papers_tear_down),
		cmocka_unit_test_setup_teardown(test_agreement_open_changed_after_signing, papers_set_up,
						papers_tear_down),
	};
	return keys_init() != ERR_OK || cmocka_run_group_tests(tests, NULL, NULL);
}
