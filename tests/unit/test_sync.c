/*
 * Syncing with a core in this process, over an exchange that may lose answers or lie.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "action.h"
#include "key_shelf.h"
#include "random.h"
#include "sync.h"

#define GRANT_COPY                                                                                                     \
	"[grant till]\npurpose = service\noperations = lookup\ncustomers = visited\nfields = card, name\n" GRANT_REST  \
	"\n[grant copy]\npurpose = service\noperations = sync, update\ncustomers = visited\nfields = card, phone\n"    \
	"masks = phone:last4\n" GRANT_REST

static struct franchise *formula;
static struct party *party;
static struct agreement *agreement;
static struct replica replica;
static struct store *store;
static uint8_t key[KEY_SIZE] = {5};
static struct key_shelf shelf, fresh_shelf;
static char lanes[SCRATCH_MAX + 8];
static struct session session;
static struct sync sync_;
static unsigned calls;

/* ---- the way to the broker ---- */

/* What it does to a reply; NULL: nothing. */
static void (*lie)(Kluis__Reply *reply, Kluis__Entry *entry);
static bool loses_reply;

static void encode(const ProtobufCMessage *message, ProtobufCBinaryData *ret_data)
{
	struct bytes bytes CLEANUP(bytes_fini) = {0};

	bytes_init(&bytes, MESSAGE_MAX);
	assert_int_equal(wire_encode(message, &bytes), ERR_OK);
	*ret_data = wire_data(SLICE(arena_copy(&formula->arena, bytes_slice(&bytes)), bytes.length));
}

static enum err tell(struct slice honest, struct bytes *ret_reply)
{
	Kluis__Reply *reply;
	Kluis__Entry *entry;

	TRY(WIRE_DECODE(Reply, reply, honest, &formula->arena, &reply));
	TRY(WIRE_DECODE(Entry, entry, wire_slice(reply->entry), &formula->arena, &entry));
	if (entry->code == ERR_OK)
		lie(reply, entry);
	encode(&entry->base, &reply->entry);
	return wire_encode(&reply->base, ret_reply);
}

static enum err send_message(void *context, struct slice message, struct bytes *ret_reply)
{
	struct prepared *prepared CLEANUP(prepared_free) = NULL;

	(void)context;
	calls++;
	struct slice copy = SLICE(arena_copy(&formula->arena, message), message.length);
	TRY(core_prepare(formula->core, copy, formula->now_ms, &prepared));
	if (prepared_needs_commit(prepared))
		TRY(core_commit(formula->core, &prepared, 1, formula->now_ms));
	if (loses_reply)
		return ERR_TIMEOUT;
	return lie != NULL ? tell(core_reply(prepared), ret_reply) : bytes_append(ret_reply, core_reply(prepared));
}

static void open_session(void)
{
	struct exchange exchange = {.send = send_message};
	struct fault fault = {""};

	assert_int_equal(session_open(&session, &party->key, 2, exchange, session_files(lanes), &fault), ERR_OK);
}

/* The program dies: what the session has not saved is gone. */
static void crash(void)
{
	session.is_unsaved = false;
	session_close(&session);
	open_session();
}

static void parse_agreement(const char *grants, const uint8_t *supersedes)
{
	const char *text = franchise_agreement(formula, 12, grants, supersedes);
	struct fault fault = {""};

	franchise_agree(formula, party, text);
	agreement = arena_alloc(&formula->arena, sizeof(*agreement));
	assert_int_equal(
		agreement_parse(slice_text(text), "agreement", &formula->charter, &formula->arena, agreement, &fault),
		ERR_OK);
	sync_ = (struct sync){.session = &session,
			      .replica = &replica,
			      .charter = &formula->charter,
			      .agreement = agreement,
			      .tries = 1};
}

/* As the broker gives it; here only that there is one matters. */
static void give_lease(const struct replica *which)
{
	assert_int_equal(replica_set_lease(which, "service", UINT64_MAX, formula->now_ms, SLICE_ARRAY(key)), ERR_OK);
}

static int set_up(void **state)
{
	char path[SCRATCH_MAX + 8];
	struct fault fault = {""};

	(void)state;
	lie = NULL;
	loses_reply = false;
	calls = 0;
	formula = franchise_new(NULL);
	party = franchise_store(formula, 12, NULL);
	parse_agreement(GRANT_COPY, NULL);
	snprintf(path, sizeof(path), "%s/replica", formula->folder);
	assert_int_equal(store_open(path, &replica_layout, true, &store, &fault), ERR_OK);
	shelf = fresh_shelf = (struct key_shelf){.made = 0};
	replica = (struct replica){.store = store, .key = key, .keys = key_shelf_memory(&shelf)};
	give_lease(&replica);
	snprintf(lanes, sizeof(lanes), "%s", formula->folder);
	open_session();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	session_close(&session);
	store_close(&store);
	franchise_free(&formula);
	return 0;
}

/* ---- pages ---- */

static struct sync_outcome outcome;

static enum err page(void)
{
	struct fault fault = {""};

	outcome = (struct sync_outcome){0};
	enum err err = sync_page(&sync_, "service", formula->now_ms, &outcome, &fault);
	assert_true((err == ERR_OK) == (fault.text[0] == '\0'));
	return err;
}

static const char *copy;

static enum err see(void *context, const struct replica_row *row)
{
	Kluis__Values *values;

	(void)context;
	TRY(WIRE_DECODE(Values, values, row->content, &formula->arena, &values));
	copy = arena_printf(&formula->arena, "%s%02x%02x:%u", copy, row->customer.data[0], row->customer.data[1],
			    row->version);
	for (size_t i = 0; i < values->n_values; i++)
		copy = arena_printf(&formula->arena, "%s %u=%s", copy, values->values[i]->field,
				    values->values[i]->value);
	copy = arena_printf(&formula->arena, "%s|", copy);
	return ERR_OK;
}

static const char *copy_of(const struct replica *which)
{
	copy = "";
	assert_int_equal(replica_each(which, "service", see, NULL), ERR_OK);
	return copy;
}

static const char *row(struct slice customer, const char *rest)
{
	return arena_printf(&formula->arena, "%02x%02x:%s|", customer.data[0], customer.data[1], rest);
}

static void test_purposes_with_sync(void **state)
{
	(void)state;
	assert_int_equal(sync_purposes(agreement), 1u << charter_purpose(&formula->charter, slice_text("service")));
	parse_agreement(
		"[grant till]\npurpose = service\noperations = lookup\ncustomers = all\nfields = card\n" GRANT_REST,
		agreement->hash);
	assert_int_equal(sync_purposes(agreement), 0);
}

static void test_copy_follows(void **state)
{
	struct slice customer = franchise_visitor(formula, party, "1=4711|2=Anna|3=0612345678");

	(void)state;
	assert_int_equal(page(), ERR_OK);
	assert_int_equal(outcome.verdict, ERR_OK);
	assert_string_equal(outcome.clause, "grant copy");
	assert_int_equal(outcome.written, 1);
	assert_false(outcome.has_more);
	/* the grant's fields, masked: no name */
	assert_string_equal(copy_of(&replica), row(customer, "1 1=4711 3=••••••5678"));
	assert_int_equal(page(), ERR_OK);
	assert_int_equal(outcome.written + outcome.removed, 0);
	franchise_must(formula, &formula->office, action_update(formula, NULL, customer, "3=0687654321"));
	assert_int_equal(page(), ERR_OK);
	assert_string_equal(copy_of(&replica), row(customer, "2 1=4711 3=••••••4321"));
	franchise_must(formula, &formula->office, action_restriction(formula, customer, true));
	assert_int_equal(page(), ERR_OK);
	assert_int_equal(outcome.removed, 1);
	assert_string_equal(copy_of(&replica), "");
}

static void test_refusal_is_an_outcome(void **state)
{
	struct slice customer = franchise_visitor(formula, party, "1=4711");

	(void)state;
	assert_int_equal(page(), ERR_OK);
	franchise_must(formula, &formula->office, action_standing(formula, 12, 1));
	assert_int_equal(page(), ERR_OK);
	assert_int_equal(outcome.verdict, ERR_SUSPENDED);
	assert_string_equal(outcome.clause, "agreement: suspended");
	assert_string_equal(copy_of(&replica), row(customer, "1 1=4711"));
}

/* The answer to a page is lost: the next call asks for the very same bytes and applies them once. */
static void test_lost_answer(void **state)
{
	struct slice customer = franchise_visitor(formula, party, "1=4711");
	uint64_t size = core_size(formula->core);

	(void)state;
	loses_reply = true;
	assert_int_equal(page(), ERR_TIMEOUT);
	assert_string_equal(copy_of(&replica), "");
	loses_reply = false;
	crash();
	assert_int_equal(page(), ERR_OK);
	assert_int_equal(outcome.written, 1);
	assert_string_equal(copy_of(&replica), row(customer, "1 1=4711"));
	assert_int_equal(core_size(formula->core), size + 1); /* one entry for one page */
}

/* R39: a page that comes late, about somebody who bought something meanwhile, is asked for once more. */
static void test_lost_answer_that_is_out_of_date(void **state)
{
	struct slice customer = franchise_visitor(formula, party, "1=4711");

	(void)state;
	loses_reply = true;
	assert_int_equal(page(), ERR_TIMEOUT);
	loses_reply = false;
	franchise_visit(formula, 12, FRANCHISE_DAY + 1, customer);
	outcome = (struct sync_outcome){0};
	assert_int_equal(page(), ERR_OK);
	assert_int_equal(outcome.verdict, ERR_OK);
	assert_true(outcome.has_more);
	assert_int_equal(outcome.written, 0);
	assert_int_equal(page(), ERR_OK);
	assert_int_equal(outcome.written, 1);
	assert_false(outcome.has_more);
	assert_string_equal(copy_of(&replica), row(customer, "1 1=4711"));
}

/* Killed after the page was written, before the session knew: what comes again is not applied again. */
static void test_crash_after_the_page_was_written(void **state)
{
	struct slice customer = franchise_visitor(formula, party, "1=4711");

	(void)state;
	assert_int_equal(page(), ERR_OK);
	crash();
	franchise_must(formula, &formula->office, action_update(formula, NULL, customer, "1=4712"));
	assert_int_equal(page(), ERR_OK);
	assert_int_equal(outcome.written, 1);
	assert_string_equal(copy_of(&replica), row(customer, "2 1=4712"));
}

/* Suspended while the answer was lost: it does not come again (R39). */
static void test_lost_answer_and_suspension(void **state)
{
	(void)state;
	franchise_visitor(formula, party, "1=4711");
	loses_reply = true;
	assert_int_equal(page(), ERR_TIMEOUT);
	loses_reply = false;
	franchise_must(formula, &formula->office, action_standing(formula, 12, 1));
	assert_int_equal(page(), ERR_OK);
	assert_int_equal(outcome.verdict, ERR_SUSPENDED);
	assert_string_equal(copy_of(&replica), "");
	franchise_must(formula, &formula->office, action_standing(formula, 12, 2));
	assert_int_equal(page(), ERR_OK);
	assert_int_equal(outcome.written, 1);
}

static void test_another_agreement_drops_the_old_rows(void **state)
{
	struct slice customer = franchise_visitor(formula, party, "1=4711|2=Anna|3=0612345678");

	(void)state;
	assert_int_equal(page(), ERR_OK);
	/* an answer of the old agreement is on its way */
	loses_reply = true;
	assert_int_equal(page(), ERR_TIMEOUT);
	loses_reply = false;
	parse_agreement(
		"[grant copy]\npurpose = service\noperations = sync\ncustomers = visited\nfields = name\n" GRANT_REST,
		agreement->hash);
	assert_int_equal(page(), ERR_OK);
	assert_string_equal(copy_of(&replica), row(customer, "1 2=Anna"));
}

/* ---- a broker that is not to be believed ---- */

static Kluis__Disclosure *first_of(Kluis__Entry *entry)
{
	assert_int_equal(entry->results[0]->n_disclosures, 2);
	return entry->results[0]->disclosures[0];
}

/* Other values in part and entry alike. */
static void set_part(Kluis__Reply *reply, Kluis__Entry *entry, const char *values, uint64_t fields)
{
	struct action action = action_update(formula, NULL, franchise_draw(formula), values);
	Kluis__Disclosure *disclosure = first_of(entry);

	reply->personal->parts[0] = action.part;
	disclosure->commitment = action.operation->update->commitment;
	disclosure->fields = fields;
}

static void add_name(Kluis__Reply *reply, Kluis__Entry *entry)
{
	set_part(reply, entry, "1=4711|2=Anna|3=06", 7);
}

static void add_name_unlogged(Kluis__Reply *reply, Kluis__Entry *entry)
{
	set_part(reply, entry, "1=4711|2=Anna|3=06", 5);
}

static void log_more_than_given(Kluis__Reply *reply, Kluis__Entry *entry)
{
	set_part(reply, entry, "1=4711", 5);
}

static void name_the_till_grant(Kluis__Reply *reply, Kluis__Entry *entry)
{
	(void)reply;
	first_of(entry)->grant = 0;
}

static void name_no_grant(Kluis__Reply *reply, Kluis__Entry *entry)
{
	(void)reply;
	first_of(entry)->grant = 2;
}

static void leave_a_part_out(Kluis__Reply *reply, Kluis__Entry *entry)
{
	(void)entry;
	reply->personal->n_parts--;
}

static void give_rubbish(Kluis__Reply *reply, Kluis__Entry *entry)
{
	Kluis__Line line = KLUIS__LINE__INIT;
	struct action action = {.part = NULL};
	char product[] = "bread";

	line.product = product;
	action_content(formula, &action, &line.base, &first_of(entry)->commitment);
	reply->personal->parts[0] = action.part;
}

static void give_a_lost_value(Kluis__Reply *reply, Kluis__Entry *entry)
{
	static Kluis__Superseded superseded, *places[] = {&superseded};
	static char value[] = "Anna";
	struct action action = {.part = NULL};
	Kluis__Values *values;

	assert_int_equal(
		WIRE_DECODE(Values, values, wire_slice(reply->personal->parts[0]->content), &formula->arena, &values),
		ERR_OK);
	kluis__superseded__init(&superseded);
	superseded.field = 2; /* not of what the entry names */
	superseded.value = value;
	values->superseded = places;
	values->n_superseded = 1;
	action_content(formula, &action, &values->base, &first_of(entry)->commitment);
	reply->personal->parts[0] = action.part;
}

static void give_unmasked(Kluis__Reply *reply, Kluis__Entry *entry)
{
	Kluis__Values *values;
	struct action action = {.part = NULL};

	assert_int_equal(
		WIRE_DECODE(Values, values, wire_slice(reply->personal->parts[0]->content), &formula->arena, &values),
		ERR_OK);
	values->values[1]->value = (char[]){"0611111111"};
	action_content(formula, &action, &values->base, &first_of(entry)->commitment);
	reply->personal->parts[0] = action.part;
}

static void go_back(Kluis__Reply *reply, Kluis__Entry *entry)
{
	(void)reply;
	entry->results[0]->cursor = 0;
}

static void have_more_for_ever(Kluis__Reply *reply, Kluis__Entry *entry)
{
	Kluis__Request *request;

	assert_int_equal(WIRE_DECODE(Request, request, wire_slice(entry->request), &formula->arena, &request), ERR_OK);
	reply->personal = NULL;
	entry->results[0]->n_disclosures = 0;
	entry->results[0]->cursor = request->operations[0]->sync->cursor;
	entry->results[0]->has_more = 1;
}

static void test_lies_leave_the_copy_alone(void **state)
{
	static void (*const lies[])(Kluis__Reply *, Kluis__Entry *) = {
		add_name,      add_name_unlogged, log_more_than_given, name_the_till_grant,
		name_no_grant, leave_a_part_out,  give_rubbish,	       give_a_lost_value,
		give_unmasked, go_back,		  have_more_for_ever,
	};
	struct slice held = franchise_visitor(formula, party, "1=4700");

	(void)state;
	assert_int_equal(page(), ERR_OK);
	const char *before = row(held, "1 1=4700");
	franchise_visitor(formula, party, "1=4711|3=0611111111");
	franchise_visitor(formula, party, "1=4712|3=0622222222");
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		lie = lies[i];
		/* an entry that the broker has not written is acknowledged as it was told: that comes out */
		enum err err = page();
		if (err == ERR_OK) {
			assert_int_equal(outcome.verdict, ERR_ACKNOWLEDGEMENT);
			err = page();
		}
		assert_int_equal(err, ERR_MISMATCH);
		assert_string_equal(copy_of(&replica), before);
	}
	/* the truth is taken where the copy stood */
	lie = NULL;
	if (page() != ERR_OK || outcome.verdict == ERR_ACKNOWLEDGEMENT)
		assert_int_equal(page(), ERR_OK);
	assert_int_equal(outcome.written, 2);
}

/* ---- I11 ---- */

static void step(struct random *random, struct slice *customers, size_t count)
{
	struct slice who = customers[random_below(random, count)];
	const char *values = arena_printf(&formula->arena, "3=06%08u", (unsigned)random_below(random, 99999999));

	switch (random_below(random, 4)) {
	case 0:
		franchise_visit(formula, 12, FRANCHISE_DAY, who);
		break;
	case 1:
		franchise_must(formula, &formula->office, action_restriction(formula, who, random_below(random, 2)));
		break;
	default:
		franchise_must(formula, &formula->office, action_update(formula, NULL, who, values));
	}
}

/* After any changes and any crashes the copy is what a first copy would be. */
static void test_copy_equals_a_fresh_one(void **state)
{
	struct random random = {3};
	struct slice customers[6];
	struct replica fresh = {.key = key, .keys = key_shelf_memory(&fresh_shelf)};
	char path[SCRATCH_MAX + 8];
	struct fault fault = {""};

	(void)state;
	for (size_t i = 0; i < 6; i++)
		customers[i] = franchise_customer(formula, arena_printf(&formula->arena, "1=470%zu", i));
	for (unsigned i = 0; i < 60; i++) {
		step(&random, customers, 6);
		loses_reply = random_below(&random, 3) == 0;
		if (random_below(&random, 2) == 0)
			(void)!page();
		loses_reply = false;
		if (random_below(&random, 3) == 0)
			crash();
	}
	while (page() != ERR_OK || outcome.has_more || outcome.written + outcome.removed > 0)
		assert_true(calls < 1000);
	const char *grown = copy_of(&replica);
	snprintf(path, sizeof(path), "%s/fresh", formula->folder);
	assert_int_equal(store_open(path, &replica_layout, true, &fresh.store, &fault), ERR_OK);
	give_lease(&fresh);
	sync_.replica = &fresh;
	assert_int_equal(page(), ERR_OK);
	assert_string_equal(copy_of(&fresh), grown);
	assert_true(strlen(grown) > 20);
	store_close(&fresh.store);
}

/* With a window of days somebody leaves the scope without a change: a copy made anew the next day says so. */
static void test_copy_is_made_anew_each_day_where_there_is_a_window(void **state)
{
	struct charter *windowed = arena_alloc(&formula->arena, sizeof(*windowed));
	int32_t begun;

	(void)state;
	*windowed = formula->charter;
	windowed->visited_window_days = 30;
	franchise_visitor(formula, party, "1=4711");
	assert_int_equal(sync_begin(&sync_, "service", formula->now_ms, false), ERR_OK);
	assert_int_equal(replica_begun(&replica, "service", &begun), ERR_NOT_FOUND);
	assert_int_equal(page(), ERR_OK);
	assert_int_equal(replica_begun(&replica, "service", &begun), ERR_OK);
	assert_int_equal(begun, FRANCHISE_DAY);

	sync_.charter = windowed;
	assert_int_equal(sync_begin(&sync_, "service", formula->now_ms, false), ERR_OK);
	assert_int_equal(page(), ERR_OK);
	assert_int_equal(outcome.written, 0); /* the same day: what changed, which is nothing */
	formula->now_ms += DAY_MS;
	assert_int_equal(sync_begin(&sync_, "service", formula->now_ms, false), ERR_OK);
	assert_int_equal(page(), ERR_OK);
	assert_int_equal(outcome.written, 1);

	sync_.charter = &formula->charter; /* no window: only when asked for */
	formula->now_ms += DAY_MS;
	assert_int_equal(sync_begin(&sync_, "service", formula->now_ms, false), ERR_OK);
	assert_int_equal(page(), ERR_OK);
	assert_int_equal(outcome.written, 0);
	assert_int_equal(sync_begin(&sync_, "service", formula->now_ms, true), ERR_OK);
	assert_int_equal(page(), ERR_OK);
	assert_int_equal(outcome.written, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_purposes_with_sync),
		TEST(test_copy_follows),
		TEST(test_refusal_is_an_outcome),
		TEST(test_lost_answer),
		TEST(test_lost_answer_that_is_out_of_date),
		TEST(test_crash_after_the_page_was_written),
		TEST(test_lost_answer_and_suspension),
		TEST(test_another_agreement_drops_the_old_rows),
		TEST(test_lies_leave_the_copy_alone),
		TEST(test_copy_equals_a_fresh_one),
		TEST(test_copy_is_made_anew_each_day_where_there_is_a_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
