/* What the folder's owner has the running daemon do, as the tills' server calls it: JSON in, JSON out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "action.h"
#include "kluis/hash.h"
#include "office_papers.h"
#include "store_agent.h"
#include "unlogged.h"

static struct store_agent here;
static struct fault fault;
static json_t *answer; /* of the last call */

static int set_up(void **state)
{
	(void)state;
	store_agent_begin(&here, NULL);
	store_agent_open_office(&here);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	json_decref(answer);
	answer = NULL;
	store_agent_end(&here);
	return 0;
}

/* body is stolen. */
static enum err call(const char *name, json_t *body)
{
	json_decref(answer);
	answer = NULL;
	fault.text[0] = '\0';
	for (size_t i = 0; i < office_call_count; i++) {
		if (strcmp(office_calls[i].name, name) != 0)
			continue;
		enum err err = office_calls[i].call(&here.office, body, &answer, &fault);
		json_decref(body);
		return err;
	}
	fail_msg("there is no call '%s'", name);
	return ERR_NOT_FOUND;
}

static json_t *person(const char *handle, const char *role, const char *name)
{
	return json_pack("{s:s, s:s, s:s}", "handle", handle, "role", role, "name", name);
}

static json_t *handle_of(const char *handle)
{
	return json_pack("{s:s}", "handle", handle);
}

/* The text of a member of the i-th of the last answer's list. */
static const char *in_list(const char *list, size_t i, const char *member)
{
	return json_string_value(json_object_get(json_array_get(json_object_get(answer, list), i), member));
}

static size_t count_of(const char *list)
{
	return json_array_size(json_object_get(answer, list));
}

/* ---- staff ---- */

static enum err sign_in(const char *pin, uint8_t ret_token[static DESK_TOKEN_SIZE])
{
	char role[NAME_MAX_ + 1];

	return desk_open(here.office.desk, "anna", slice_text(pin), ret_token, role, NULL);
}

static enum err is_signed_in(const uint8_t token[static DESK_TOKEN_SIZE])
{
	return desk_is_open(here.office.desk, SLICE(token, DESK_TOKEN_SIZE), NULL);
}

static void test_staff_from_first_to_last(void **state)
{
	uint8_t token[DESK_TOKEN_SIZE];

	(void)state;
	assert_int_equal(call("staff/add", person("anna", "cashier", "Anna")), ERR_OK);
	assert_null(answer);
	assert_int_equal(call("staff/list", json_object()), ERR_OK);
	assert_int_equal(count_of("staff"), 1);
	assert_string_equal(in_list("staff", 0, "handle"), "anna");
	assert_string_equal(in_list("staff", 0, "role"), "cashier");
	assert_string_equal(in_list("staff", 0, "name"), "Anna");
	assert_string_equal(in_list("staff", 0, "pin"), "none");
	assert_int_equal(strlen(in_list("staff", 0, "pseudonym")), 2 * PSEUDONYM_SIZE);
	assert_int_equal(call("staff/pin", json_pack("{s:s, s:s}", "handle", "anna", "pin", "8642")), ERR_OK);
	assert_int_equal(call("staff/list", json_object()), ERR_OK);
	assert_string_equal(in_list("staff", 0, "pin"), "set");
	assert_int_equal(sign_in("8642", token), ERR_OK);
	assert_int_equal(is_signed_in(token), ERR_OK);
	/* another role: whoever is signed in signs in again */
	assert_int_equal(call("staff/add", person("anna", "manager", "Anna")), ERR_OK);
	assert_int_equal(is_signed_in(token), ERR_PRINCIPAL);
	assert_int_equal(sign_in("8642", token), ERR_OK);
	assert_int_equal(call("staff/remove", handle_of("anna")), ERR_OK);
	assert_int_equal(is_signed_in(token), ERR_PRINCIPAL);
	assert_int_not_equal(sign_in("8642", token), ERR_OK);
	assert_int_equal(call("staff/list", json_object()), ERR_OK);
	assert_int_equal(count_of("staff"), 0);
	assert_int_equal(call("staff/remove", handle_of("anna")), ERR_NOT_FOUND);
}

/* At the tills at once, whatever the broker or a rotation of the key does. */
static void test_who_leaves_is_out_at_once(void **state)
{
	uint8_t token[DESK_TOKEN_SIZE];

	(void)state;
	assert_int_equal(call("staff/add", person("anna", "cashier", "Anna")), ERR_OK);
	assert_int_equal(call("staff/pin", json_pack("{s:s, s:s}", "handle", "anna", "pin", "8642")), ERR_OK);
	assert_int_equal(sign_in("8642", token), ERR_OK);
	here.is_cut = true;
	assert_int_equal(call("staff/remove", handle_of("anna")), ERR_NETWORK);
	assert_int_equal(is_signed_in(token), ERR_PRINCIPAL);
	assert_int_not_equal(sign_in("8642", token), ERR_OK);
	assert_int_equal(call("staff/list", json_object()), ERR_OK);
	assert_string_equal(in_list("staff", 0, "role"), "(leaving)");
	here.is_cut = false;
	assert_int_equal(call("staff/remove", handle_of("anna")), ERR_OK);
	assert_int_equal(call("staff/add", person("anna", "cashier", "Anna")), ERR_OK);
	assert_int_equal(call("staff/pin", json_pack("{s:s, s:s}", "handle", "anna", "pin", "8642")), ERR_OK);
	assert_int_equal(sign_in("8642", token), ERR_OK);
	sluice_end(&here.sluice); /* nobody signs any more */
	assert_int_equal(call("staff/remove", handle_of("anna")), ERR_TIMEOUT);
	assert_int_equal(is_signed_in(token), ERR_PRINCIPAL);
}

static void test_pins_that_are_none(void **state)
{
	(void)state;
	assert_int_equal(call("staff/add", person("anna", "cashier", "Anna")), ERR_OK);
	assert_int_equal(call("staff/pin", json_pack("{s:s, s:s}", "handle", "anna", "pin", "1111")), ERR_VALUE);
	assert_null(strstr(fault.text, "1111"));
	assert_int_equal(call("staff/pin", json_pack("{s:s, s:s}", "handle", "bert", "pin", "8642")), ERR_NOT_FOUND);
	assert_int_equal(call("staff/pin", json_pack("{s:s, s:i}", "handle", "anna", "pin", 8642)), ERR_INPUT);
	assert_int_equal(call("staff/list", json_object()), ERR_OK);
	assert_string_equal(in_list("staff", 0, "pin"), "none");
}

/* ---- bodies ---- */

static void test_members_of_another_type(void **state)
{
	static const struct {
		const char *name, *body, *member;
	} rows[] = {
		{"staff/add", "{}", "handle"},
		{"staff/add", "{\"handle\": \"anna\"}", "role"},
		{"staff/add", "{\"handle\": 7, \"role\": \"cashier\"}", "handle"},
		{"staff/add", "{\"handle\": \"anna\", \"role\": null}", "role"},
		{"staff/remove", "{\"handle\": [\"anna\"]}", "handle"},
		{"staff/pin", "{\"handle\": \"anna\"}", "pin"},
		{"agreement/sign", "{}", "hash"},
		{"agreement/sign", "{\"hash\": \"00\"}", "hash"},
		{"agreement/sign", "{\"hash\": \"not hex\"}", "hash"},
		{"prove", "{}", "index"},
		{"prove", "{\"index\": \"1\"}", "index"},
		{"prove", "{\"index\": -1}", "index"},
		{"prove", "{\"index\": 1.0}", "index"},
		{"alarms/seen", "{\"number\": true}", "number"},
		{"outbox/retry", "{\"number\": null}", "number"},
		{"outbox/discard", "{}", "number"},
	};
	unsigned sent = here.sent;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (call(rows[i].name, json_loads(rows[i].body, 0, NULL)) != ERR_INPUT)
			fail_msg("%s %s was taken", rows[i].name, rows[i].body);
		assert_non_null(strstr(fault.text, rows[i].member));
		assert_null(answer);
	}
	assert_int_equal(here.sent, sent);
}

/* ---- the agreement ---- */

static const char *offer(const char *grants)
{
	struct franchise *formula = here.formula;
	const char *text = franchise_agreement(formula, 12, grants, NULL);

	franchise_must(formula, &formula->office, action_draft(formula, 12, text));
	franchise_must(formula, &formula->office, action_offer(formula, text, &formula->office.key));
	return text;
}

static const char *hash_hex(const char *text)
{
	char *hex = arena_alloc(&here.formula->arena, 2 * HASH_SIZE + 1);

	hex_print(action_hash(here.formula, slice_text(text)), hex);
	return hex;
}

static enum err sign(const char *hash)
{
	return call("agreement/sign", json_pack("{s:s}", "hash", hash));
}

static void test_offer_is_read_and_signed(void **state)
{
	(void)state;
	assert_int_equal(call("agreement/offered", json_object()), ERR_NOT_FOUND);
	assert_null(answer);
	const char *text = offer(GRANT_SERVICE), *hash = hash_hex(text);
	assert_int_equal(call("agreement/offered", json_object()), ERR_OK);
	assert_string_equal(json_string_value(json_object_get(answer, "hash")), hash);
	assert_string_equal(json_string_value(json_object_get(answer, "from")), "2026-01-01T00:00:00.000Z");
	assert_string_equal(in_list("grants", 0, "name"), "service");
	assert_string_equal(in_list("grants", 0, "purpose"), "service");
	assert_string_equal(in_list("grants", 0, "customers"), "visited");
	assert_int_equal(
		json_integer_value(json_object_get(json_array_get(json_object_get(answer, "grants"), 0), "fields")),
		3); /* card, name, phone */
	assert_memory_equal(json_string_value(json_object_get(answer, "note")), text, strlen(text));
	/* whoever read another one does not sign this one */
	assert_int_equal(sign(hash_hex("another")), ERR_OTHER_AGREEMENT);
	assert_int_equal(agent_load_agreement(&here.agent, NULL), ERR_NO_AGREEMENT);
	assert_int_equal(sign(hash), ERR_OK);
	assert_int_equal(agent_load_agreement(&here.agent, NULL), ERR_OK);
	assert_int_equal(sign(hash), ERR_NOT_FOUND);
}

/* ---- proof, key, witness ---- */

static void test_proof(void **state)
{
	(void)state;
	franchise_round(here.formula);
	json_t *body = json_pack("{s:I}", "index", (json_int_t)here.agent.session.entry_index);
	assert_int_equal(call("prove", body), ERR_OK);
	assert_memory_equal(json_string_value(json_object_get(answer, "proof")), "c2sp.org/tlog-proof@v1\n", 23);
	assert_int_equal(call("prove", json_pack("{s:i}", "index", 0)), ERR_FORBIDDEN);
}

static enum err rotate(void *context, uint32_t *ret_key_id, struct fault *said)
{
	const bool *is_refused = context;

	if (*is_refused)
		return fault_set(said, ERR_TIMEOUT, "not now");
	*ret_key_id = 0x2a;
	return ERR_OK;
}

static void test_key(void **state)
{
	bool is_refused = false;

	(void)state;
	here.office.rotate = rotate;
	here.office.rotate_context = &is_refused;
	assert_int_equal(call("key/rotate", json_object()), ERR_OK);
	assert_string_equal(json_string_value(json_object_get(answer, "key")), "0000002a");
	assert_string_equal(json_string_value(json_object_get(answer, "principal")), FRANCHISE_ORIGIN "/store/12");
	is_refused = true;
	assert_int_equal(call("key/rotate", json_object()), ERR_TIMEOUT);
	assert_string_equal(fault.text, "not now");
	assert_null(answer);
}

/* Nobody asks the broker for anything while the key is replaced. */
static void test_nothing_is_signed_while_the_key_is_replaced(void **state)
{
	unsigned sent = here.sent;

	(void)state;
	sluice_end(&here.sluice);
	assert_int_equal(call("staff/add", person("anna", "cashier", "Anna")), ERR_TIMEOUT);
	assert_int_equal(call("agreement/offered", json_object()), ERR_TIMEOUT);
	assert_int_equal(sign(hash_hex("x")), ERR_TIMEOUT);
	assert_int_equal(call("prove", json_pack("{s:i}", "index", 1)), ERR_TIMEOUT);
	assert_int_equal(here.sent, sent);
	assert_int_equal(call("staff/list", json_object()), ERR_OK);
	assert_int_equal(call("alarms/list", json_object()), ERR_OK);
	assert_int_equal(call("outbox/list", json_object()), ERR_OK);
}

static void test_witness_is_registered(void **state)
{
	struct secret_key witness = witness_key(here.party);

	(void)state;
	assert_int_equal(office_witness(&here.office, &witness, &fault), ERR_OK);
	/* the broker takes it from nobody but the store, whose name is signed by the key */
	here.agent.membership.principal = FRANCHISE_ORIGIN "/store/13";
	assert_int_equal(office_witness(&here.office, &witness, &fault), ERR_SIGNATURE);
	here.is_cut = true;
	assert_int_equal(office_witness(&here.office, &witness, &fault), ERR_NETWORK);
	secret_key_fini(&witness);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_staff_from_first_to_last),
		TEST(test_who_leaves_is_out_at_once),
		TEST(test_pins_that_are_none),
		TEST(test_members_of_another_type),
		TEST(test_offer_is_read_and_signed),
		TEST(test_proof),
		TEST(test_key),
		TEST(test_nothing_is_signed_while_the_key_is_replaced),
		TEST(test_witness_is_registered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
