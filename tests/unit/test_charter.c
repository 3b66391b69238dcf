#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/charter.h"
#include "text.h"

#define MINIMAL "broker/examples/minimal/charter.ini"

struct fixture {
	struct arena arena;
	char *text;
	struct charter charter;
};

static struct fixture fixture;
static struct charter next;

static int set_up(void **state)
{
	(void)state;
	arena_init(&fixture.arena, 1 << 22);
	fixture.text = text_of_file(&fixture.arena, MINIMAL);
	return charter_parse(slice_text(fixture.text), "c", &fixture.arena, &fixture.charter, NULL) != ERR_OK;
}

static int tear_down(void **state)
{
	(void)state;
	arena_fini(&fixture.arena);
	return 0;
}

static void test_charter_finders(void **state)
{
	const struct charter *charter = &fixture.charter;

	(void)state;
	assert_string_equal(charter_field_by_number(charter, 3)->name, "phone");
	assert_null(charter_field_by_number(charter, 0));
	assert_null(charter_field_by_number(charter, 5));
	assert_int_equal(charter_field_by_name(charter, "email")->number, 4);
	assert_null(charter_field_by_name(charter, "emai"));
	assert_string_equal(charter_identifier(charter)->name, "card");
	assert_int_equal(charter_purpose(charter, slice_text("direct-marketing")), 1);
	assert_int_equal(charter_purpose(charter, slice_text("direct-marketin")), -1);
	assert_int_equal(charter_purpose(charter, slice_text("direct-marketing2")), -1);
	assert_int_equal(charter_purpose(charter, SLICE("service\0x", 9)), -1);
	assert_int_equal(charter_purpose(charter, SLICE("service\0", 8)), -1);
	assert_int_equal(charter_purpose(charter, SLICE_EMPTY), -1);
	assert_int_equal(charter_role(charter, slice_text("manager")), 1);
	assert_int_equal(charter_role(charter, slice_text("owner")), -1);
	assert_int_equal(charter_mask(charter, "last4"), 0);
	assert_int_equal(charter_mask(charter, "last"), -1);
	assert_ptr_equal(charter_zone(charter, "Europe/Amsterdam"), &charter->zones[0].zone);
	assert_null(charter_zone(charter, "Europe/Paris"));
}

/* R23: each row changes the next version in one place. */
static void test_charter_may_follow(void **state)
{
	static const struct {
		const char *from, *to;
		uint64_t use;
		enum err code;
		const char *fault;
	} rows[] = {
		{"cashier", "clerk", 0xf, ERR_OK, ""},
		{"[field email]", "[field more]\nnumber=5\ncategory=contact\ntype=text\n[field email]", 0xf, ERR_OK,
		 ""},
		{"minimal.example/kluis", "other.example/kluis", 0, ERR_PAPER, "origin changes"},
		{"version = 2", "version = 3", 0, ERR_PAPER, "version must be 2, not 3"},
		{"version = 2", "version = 1", 0, ERR_PAPER, "version must be 2, not 1"},
		{"number   = 4", "number   = 5", 0, ERR_PAPER, "field 'email' changes its number from 4 to 5"},
		{"[field email]", "[field mail]", 0, ERR_PAPER, "field number 4 changes its name"},
		{"type     = email", "type     = text", 0, ERR_PAPER, "field 'email' changes its type"},
		{"[field email]\nnumber   = 4\ncategory = contact\ntype     = email\nlookup   = yes\n", "", 0x8,
		 ERR_PAPER, "field 'email' is gone"},
		{"[field email]\nnumber   = 4\ncategory = contact\ntype     = email\nlookup   = yes\n", "", 0x7, ERR_OK,
		 ""},
	};

	(void)state;
	char *text = text_replace(&fixture.arena, fixture.text, "version = 1", "version = 2");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fault fault = {.text = ""};
		char *changed = text_replace(&fixture.arena, text, rows[i].from, rows[i].to);
		assert_int_equal(charter_parse(slice_text(changed), "n", &fixture.arena, &next, &fault), ERR_OK);
		enum err code = charter_may_follow(&fixture.charter, &next, rows[i].use, &fault);
		if (code != rows[i].code || strncmp(fault.text, rows[i].fault, strlen(rows[i].fault)) != 0)
			fail_msg("row %zu: %d: %s", i, (int)code, fault.text);
	}
}

static void make_key(const char *name, uint8_t seed_byte, struct secret_key *ret_key)
{
	uint8_t seed[KEY_SIZE];

	memset(seed, seed_byte, sizeof(seed));
	assert_int_equal(secret_key_from_seed(slice_text(name), seed, ret_key), ERR_OK);
}

static enum err open_signed(const char *text, const struct secret_key *signer, const struct public_key *controller)
{
	const struct secret_key *signers[] = {signer};
	struct bytes note CLEANUP(bytes_fini);
	struct fault fault = {.text = ""};

	bytes_init(&note, PAPER_MAX);
	assert_int_equal(note_sign(slice_text(text), signers, 1, &note), ERR_OK);
	enum err code = charter_open(bytes_slice(&note), controller, "c", &fixture.arena, &next, &fault);
	assert_true(code == ERR_OK || fault.text[0] != '\0');
	return code;
}

static void test_charter_open(void **state)
{
	struct secret_key controller CLEANUP(secret_key_fini);
	struct secret_key other CLEANUP(secret_key_fini);
	struct secret_key impostor CLEANUP(secret_key_fini);

	(void)state;
	make_key("minimal.example/kluis/controller", 1, &controller);
	make_key("other.example/kluis/controller", 2, &other);
	make_key("minimal.example/kluis/controller", 3, &impostor);
	assert_int_equal(open_signed(fixture.text, &controller, &controller.public), ERR_OK);
	assert_int_equal(open_signed(fixture.text, &impostor, &controller.public), ERR_SIGNATURE);
	/* a controller of another formula cannot sign this one's charter */
	assert_int_equal(open_signed(fixture.text, &other, &other.public), ERR_SIGNATURE);
	assert_int_equal(open_signed("[formula]\n", &controller, &controller.public), ERR_PAPER);
	assert_int_equal(charter_open(slice_text(fixture.text), &controller.public, "c", &fixture.arena, &next, NULL),
			 ERR_PAPER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_charter_finders, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_charter_may_follow, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_charter_open, set_up, tear_down),
	};
	return keys_init() != ERR_OK || cmocka_run_group_tests(tests, NULL, NULL);
}
