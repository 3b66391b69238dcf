/* The agreement that head office offers: found, opened, signed, kept; and a broker that lies about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "action.h"
#include "fail.h"
#include "kluis/file.h"
#include "office_papers.h"
#include "store_agent.h"
#include "test_keys.h"
#include "text.h"

static struct store_agent here;
static struct arena arena;
static struct fault fault;
static const char *text; /* of the first agreement */

static int set_up(void **state)
{
	(void)state;
	store_agent_begin(&here, NULL);
	arena_init(&arena, 8 * REQUEST_ARENA_MAX);
	fault.text[0] = '\0';
	text = franchise_agreement(here.formula, 12, GRANT_SERVICE, NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_fini(&arena);
	store_agent_end(&here);
	return 0;
}

static void draft(const char *agreement)
{
	franchise_must(here.formula, &here.formula->office, action_draft(here.formula, 12, agreement));
}

static void offer(const char *agreement)
{
	struct franchise *formula = here.formula;

	draft(agreement);
	franchise_must(formula, &formula->office, action_offer(formula, agreement, &formula->office.key));
}

static enum err find(struct office_offer *ret_offer)
{
	fault.text[0] = '\0';
	return office_find_offer(&here.agent, &arena, ret_offer, &fault);
}

static enum err sign(void)
{
	struct office_offer found = {0};

	TRY(find(&found));
	return office_sign(&here.agent, &found, &arena, &fault);
}

static struct slice hash_of(const char *agreement)
{
	return action_hash(here.formula, slice_text(agreement));
}

/* What the broker says of its state; NONE if it has no such agreement. */
static enum agreement_state state_of(const char *agreement)
{
	struct answer answer = franchise_must(here.formula, here.party, action_agreements(here.formula, NULL));

	for (size_t i = 0; i < answer_items(&answer, 0); i++) {
		Kluis__AgreementRow *row;
		assert_int_equal(WIRE_DECODE(AgreementRow, agreement_row, answer_item(&answer, 0, i),
					     &here.formula->arena, &row),
				 ERR_OK);
		if (slice_equal(wire_slice(row->hash), hash_of(agreement)))
			return (enum agreement_state)row->state;
	}
	return AGREEMENT_NONE;
}

/* Whether the folder's papers are this agreement with both signatures, over its charter. */
static bool is_kept(const char *agreement)
{
	store_agent_restart(&here);
	return agent_load_agreement(&here.agent, NULL) == ERR_OK &&
	       slice_equal(SLICE_ARRAY(here.agent.agreement->hash), hash_of(agreement));
}

/* ---- as it should go ---- */

static void test_offer_is_found_and_signed(void **state)
{
	struct office_offer found = {0};

	(void)state;
	assert_int_equal(find(&found), ERR_NOT_FOUND);
	assert_string_equal(fault.text, "head office has offered no agreement to this store yet");
	draft(text);
	assert_int_equal(find(&found), ERR_NOT_FOUND);
	assert_int_equal(office_find_row(&here.agent, AGREEMENT_NONE, &arena, &found.row, &fault), ERR_NOT_FOUND);
	franchise_must(here.formula, &here.formula->office,
		       action_offer(here.formula, text, &here.formula->office.key));
	assert_int_equal(find(&found), ERR_OK);
	assert_int_equal(found.agreement->store, 12);
	assert_true(slice_equal(SLICE_ARRAY(found.agreement->hash), hash_of(text)));
	assert_string_equal(found.charter->origin, FRANCHISE_ORIGIN);
	assert_false(is_kept(text));
	assert_int_equal(state_of(text), AGREEMENT_OFFERED);
	assert_int_equal(sign(), ERR_OK);
	assert_int_equal(state_of(text), AGREEMENT_ACTIVE);
	assert_true(is_kept(text));
	assert_int_equal(find(&found), ERR_NOT_FOUND);
}

/* With NONE the one that is wanted next comes before the one that runs. */
static void test_row_that_is_wanted(void **state)
{
	Kluis__AgreementRow *row;
	const char *next;

	(void)state;
	offer(text);
	assert_int_equal(sign(), ERR_OK);
	assert_int_equal(office_find_row(&here.agent, AGREEMENT_NONE, &arena, &row, &fault), ERR_OK);
	assert_true(slice_equal(wire_slice(row->hash), hash_of(text)));
	next = franchise_agreement(here.formula, 12, GRANT_ALL, hash_of(text).data);
	offer(next);
	assert_int_equal(office_find_row(&here.agent, AGREEMENT_NONE, &arena, &row, &fault), ERR_OK);
	assert_true(slice_equal(wire_slice(row->hash), hash_of(next)));
	assert_int_equal(office_find_row(&here.agent, AGREEMENT_ACTIVE, &arena, &row, &fault), ERR_OK);
	assert_true(slice_equal(wire_slice(row->hash), hash_of(text)));
	assert_int_equal(office_find_row(&here.agent, AGREEMENT_SUSPENDED, &arena, &row, &fault), ERR_NOT_FOUND);
	assert_int_equal(sign(), ERR_OK);
	assert_true(is_kept(next));
}

/* An agreement names the charter that it was drafted under, which is opened with it after a later one came. */
static void test_offer_under_an_older_charter(void **state)
{
	struct office_offer found = {0};
	struct hash drafted_under;

	(void)state;
	offer(text);
	memcpy(drafted_under.bytes, here.formula->charter.hash, HASH_SIZE);
	franchise_charter(here.formula,
			  text_replace(&here.formula->arena, here.formula->charter_text, "version = 1", "version = 2"));
	assert_memory_not_equal(here.formula->charter.hash, drafted_under.bytes, HASH_SIZE);
	assert_int_equal(find(&found), ERR_OK);
	assert_memory_equal(found.charter->hash, drafted_under.bytes, HASH_SIZE);
}

static void test_second_agreement_that_supersedes_none(void **state)
{
	(void)state;
	offer(text);
	assert_int_equal(sign(), ERR_OK);
	offer(franchise_agreement(here.formula, 12, GRANT_ALL, NULL));
	assert_int_equal(sign(), ERR_STATE);
	assert_non_null(strstr(fault.text, "must name it under 'supersedes'"));
	assert_true(is_kept(text));
}

/* ---- what a crash or the network leaves ---- */

static void test_recover_what_was_signed_unheard(void **state)
{
	struct office_offer found = {0};

	(void)state;
	assert_int_equal(office_recover(&here.agent, &arena, &fault), ERR_NOT_FOUND);
	offer(text);
	assert_int_equal(find(&found), ERR_OK);
	here.is_cut = true;
	assert_int_equal(office_sign(&here.agent, &found, &arena, &fault), ERR_NETWORK);
	assert_int_equal(state_of(text), AGREEMENT_OFFERED);
	assert_false(is_kept(text));
	here.is_cut = false;
	here.is_reply_lost = true;
	assert_int_equal(office_sign(&here.agent, &found, &arena, &fault), ERR_TIMEOUT);
	here.is_reply_lost = false;
	assert_int_equal(state_of(text), AGREEMENT_ACTIVE);
	assert_false(is_kept(text));
	assert_int_equal(office_recover(&here.agent, &arena, &fault), ERR_OK);
	assert_true(is_kept(text));
}

/* The disk fails at any call: then it is told, and an agreement never lies there without its charter. */
static enum err sign_or_recover(void *context)
{
	const struct office_offer *found = context;
	char agreement[HOME_PATH_MAX], charter[HOME_PATH_MAX];

	TRY(home_path(here.agent.folder, "agreement.note", agreement, NULL));
	TRY(home_path(here.agent.folder, "charter.note", charter, NULL));
	unlink(agreement);
	unlink(charter);
	enum err err = office_sign(&here.agent, found, &arena, NULL);
	if (err == ERR_NOT_FOUND) /* signed by the run before */
		err = office_recover(&here.agent, &arena, NULL);
	bool is_there = access(agreement, F_OK) == 0, has_charter = access(charter, F_OK) == 0;
	/* ERR_OK of a run in which something failed is what the sweep objects to */
	return (is_there && !has_charter) || (err == ERR_OK && !is_there) ? ERR_OK : err;
}

static void test_disk_that_fails_while_signing(void **state)
{
	struct office_offer found = {0};

	(void)state;
	offer(text);
	assert_int_equal(find(&found), ERR_OK);
	fail_sweep(FAIL_DISK, sign_or_recover, &found);
	assert_true(is_kept(text));
}

/* ---- a broker that lies ---- */

static struct slice forged;

static void forge_paper(struct store_agent *store, Kluis__Reply *reply)
{
	(void)store;
	for (size_t i = 0; i < reply->n_data; i++)
		if (reply->data[i]->n_items == 1 &&
		    memmem(reply->data[i]->items[0].data, reply->data[i]->items[0].len, "[agreement]", 11) != NULL)
			reply->data[i]->items[0] = wire_data(forged);
}

static enum err find_forged(const char *agreement, const struct secret_key *signer)
{
	struct office_offer found = {0};

	forged = action_note(here.formula, agreement, signer);
	here.forge = forge_paper;
	return find(&found);
}

static void test_broker_that_gives_another_paper(void **state)
{
	struct secret_key other = test_seed_key(FRANCHISE_ORIGIN "/controller", 99);
	const struct secret_key *controller = &here.formula->office.key;

	(void)state;
	offer(text);
	assert_int_equal(find_forged(text, controller), ERR_OK);
	assert_int_equal(find_forged(text, &other), ERR_SIGNATURE);
	assert_int_equal(find_forged(franchise_agreement(here.formula, 12, GRANT_ALL, NULL), controller), ERR_MISMATCH);
	assert_non_null(strstr(fault.text, "another agreement than it named"));
	assert_int_equal(find_forged("[agreement]\nrubbish\n", controller), ERR_PAPER);
	secret_key_fini(&other);
}

static void test_agreement_of_another_store(void **state)
{
	struct office_offer found = {0};

	(void)state;
	offer(text);
	here.agent.membership.principal = FRANCHISE_ORIGIN "/store/13";
	assert_int_equal(find(&found), ERR_PAPER);
	assert_non_null(strstr(fault.text, "the agreement is for store 12, not for this one"));
}

static void forge_nothing(struct store_agent *store, Kluis__Reply *reply)
{
	(void)store;
	for (size_t i = 0; i < reply->n_data; i++)
		reply->data[i]->n_items = 0;
}

static void test_broker_that_gives_no_paper(void **state)
{
	struct slice note;

	(void)state;
	here.forge = forge_nothing;
	assert_int_equal(office_get_paper(&here.agent, SLICE_EMPTY, &arena, &note, &fault), ERR_MISMATCH);
	here.forge = NULL;
	assert_int_equal(office_get_paper(&here.agent, SLICE_EMPTY, &arena, &note, &fault), ERR_OK);
	assert_memory_equal(note.data, here.formula->charter_text, strlen(here.formula->charter_text));
	assert_int_equal(office_get_paper(&here.agent, hash_of("nothing"), &arena, &note, &fault), ERR_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_offer_is_found_and_signed),	    TEST(test_row_that_is_wanted),
		TEST(test_offer_under_an_older_charter),    TEST(test_second_agreement_that_supersedes_none),
		TEST(test_recover_what_was_signed_unheard), TEST(test_disk_that_fails_while_signing),
		TEST(test_broker_that_gives_another_paper), TEST(test_agreement_of_another_store),
		TEST(test_broker_that_gives_no_paper),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
