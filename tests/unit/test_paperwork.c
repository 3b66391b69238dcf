#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "audit_log.h"
#include "kluis/hash.h"
#include "paperwork.h"
#include "test_keys.h"

#define TEXT "a paper\nof two lines\n"

static struct arena arena;
static struct secret_key office, store, stranger;
static uint8_t hash[HASH_SIZE];
static struct paper_signature of_office, of_store;
static struct paper_fact paper;

static void sign(const struct secret_key *key, struct paper_signature *signature, struct paper_signature *next)
{
	signature->key = key->public;
	signature->next = next;
	assert_int_equal(note_make_signature(slice_text(TEXT), key, signature->signature), ERR_OK);
}

static int set_up(void **state)
{
	(void)state;
	arena_init(&arena, (size_t)1024 * 1024);
	office = test_seed_key("x.example/controller", 1);
	store = test_seed_key("x.example/store/1", 2);
	stranger = test_seed_key("x.example/store/2", 3);
	sha256(slice_text(TEXT), hash);
	sign(&office, &of_office, NULL);
	sign(&store, &of_store, &of_office);
	paper = (struct paper_fact){.hash = SLICE_ARRAY(hash), .signatures = &of_store};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	secret_key_fini(&office);
	secret_key_fini(&store);
	secret_key_fini(&stranger);
	arena_fini(&arena);
	return 0;
}

static void note_of(const struct secret_key *const *keys, size_t count, struct bytes *note)
{
	bytes_init(note, PAPER_MAX);
	assert_int_equal(note_sign(slice_text(TEXT), keys, count, note), ERR_OK);
}

static void assert_trims_to(struct slice given, struct slice expected)
{
	struct bytes trimmed;
	struct fault fault = {""};

	bytes_init(&trimmed, PAPER_MAX);
	assert_int_equal(paperwork_trim(&paper, given, &office.public, &trimmed, &fault), ERR_OK);
	assert_true(slice_equal(bytes_slice(&trimmed), expected));
	bytes_fini(&trimmed);
}

static void test_trim_keeps_what_the_log_names(void **state)
{
	const struct secret_key *all[] = {&office, &stranger, &store}, *named[] = {&office, &store};
	struct bytes given, expected;

	(void)state;
	note_of(all, 3, &given);
	note_of(named, 2, &expected);
	assert_trims_to(bytes_slice(&given), bytes_slice(&expected));
	assert_trims_to(bytes_slice(&expected), bytes_slice(&expected));
	/* the store's Accept is not in the log yet */
	bytes_fini(&expected);
	note_of(&named[0], 1, &expected);
	paper.signatures = &of_office;
	assert_trims_to(bytes_slice(&given), bytes_slice(&expected));
	/* nor is the offer: the bare text */
	paper.signatures = NULL;
	assert_trims_to(bytes_slice(&given), slice_text(TEXT));
	assert_trims_to(slice_text(TEXT), slice_text(TEXT));
	bytes_fini(&given);
	bytes_fini(&expected);
}

static void test_trim_of_a_charter_keeps_head_office_s_line(void **state)
{
	const struct secret_key *both[] = {&office, &stranger};
	struct bytes given, expected;

	(void)state;
	paper.signatures = NULL;
	paper.is_charter = true;
	note_of(both, 2, &given);
	note_of(both, 1, &expected);
	assert_trims_to(bytes_slice(&given), bytes_slice(&expected));
	bytes_fini(&given);
	bytes_fini(&expected);
}

static void test_trim_refuses_another_text(void **state)
{
	struct bytes trimmed;
	struct fault fault = {""};

	(void)state;
	bytes_init(&trimmed, PAPER_MAX);
	assert_int_not_equal(paperwork_trim(&paper, slice_text("another\n"), &office.public, &trimmed, &fault), ERR_OK);
	bytes_fini(&trimmed);
}

static void test_split_finds_the_text(void **state)
{
	const struct secret_key *keys[] = {&office};
	struct slice text;
	struct bytes note;
	struct fault fault = {""};

	(void)state;
	note_of(keys, 1, &note);
	assert_int_equal(paperwork_split(bytes_slice(&note), SLICE_ARRAY(hash), &text, &fault), ERR_OK);
	assert_true(slice_equal(text, slice_text(TEXT)));
	assert_int_equal(paperwork_split(slice_text(TEXT), SLICE_ARRAY(hash), &text, &fault), ERR_OK);
	assert_true(slice_equal(text, slice_text(TEXT)));
	note.data[0] ^= 1;
	assert_int_equal(paperwork_split(bytes_slice(&note), SLICE_ARRAY(hash), &text, &fault), ERR_PAPER);
	bytes_fini(&note);
}

struct names {
	size_t count;
};

static enum err count_name(void *context, struct slice name, struct fault *fault)
{
	struct names *names = context;

	(void)fault;
	assert_int_equal(name.length, HASH_SIZE);
	names->count++;
	return ERR_OK;
}

/* The story's entries name papers in Charter (1), Draft, Offer and Accept (2 each). */
static void test_named_and_taken_papers_of_a_log(void **state)
{
	struct audit_log *log = audit_log_story(false);
	struct finding_lines *lines = arena_alloc(&arena, sizeof(*lines));
	struct findings findings = finding_lines_init(lines);
	struct principals principals;
	struct paperwork papers;
	struct names names = {0};
	struct entry entry;

	(void)state;
	principals_init(&principals, &log->controller, &arena);
	paperwork_init(&papers, &arena);
	for (size_t i = 0; i < log->count; i++) {
		assert_int_equal(entry_open(log->entries[i], &log->arena, &entry, NULL), ERR_OK);
		assert_int_equal(paperwork_named(&entry, count_name, &names, NULL), ERR_OK);
		assert_int_equal(principals_take(&principals, i, &entry, &findings), ERR_OK);
		assert_int_equal(paperwork_take(&papers, &principals, i, &entry), ERR_OK);
	}
	assert_int_equal(names.count, 7);
	assert_int_equal(papers.by_hash.count, 3);
	for (size_t i = 0; i < log->paper_count; i++) {
		const struct paper_fact *fact = map_find(&papers.by_hash, log->hashes[i]);

		assert_non_null(fact);
		assert_true(fact->is_charter ? fact->signatures == NULL : fact->signatures->next != NULL);
	}
	paperwork_fini(&papers);
	principals_fini(&principals);
	audit_log_free(&log);
}

#define FRESH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(test_trim_keeps_what_the_log_names),   FRESH(test_trim_of_a_charter_keeps_head_office_s_line),
		FRESH(test_trim_refuses_another_text),	     FRESH(test_split_finds_the_text),
		FRESH(test_named_and_taken_papers_of_a_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
