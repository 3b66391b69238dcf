/*
 * The courier against a real broker's core, over a network and a disk that stop at any point: the store's folder is
 * photographed there, everything after it is forgotten, and a shop opened on the photograph goes on. Whatever the
 * point, each item is executed once, in its customer's order; what is refused is set aside with the reason; the broker
 * has the journal once and finds nothing odd; the purge certificate arrives.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "action.h"
#include "alarm.h"
#include "key_action.h"
#include "kluis/file.h"
#include "run/courier.h"
#include "shop_world.h"
#include "test_keys.h"

#define EXECUTED_MAX 64
#define RECORDS 3
#define LEASE_MS (UINT64_C(72) * 3600 * 1000)

/* What a test's items are, in the order in which they are written. */
enum { REGISTER, CHANGE_NEW, REGISTER_AGAIN, CONSENT, CHANGE_ANNA, RECEIPT, CHANGE_ANNA_AGAIN, CHANGE_BERT, ITEMS };

enum fault_kind { FAULT_NONE, FAULT_REQUEST_LOST, FAULT_REPLY_LOST };

static struct shop_world world;
static struct courier *courier;
static struct slice anna, bert;
static struct action actions[ITEMS];
static struct arena arena;

/* the world's end: at the stop_at-th point */
static unsigned points, stop_at;
static bool is_dead, has_photograph;
static char photograph[SCRATCH_MAX];
/* the network: of the next messages */
static enum fault_kind faults[8];
static unsigned fault_count, sent;
static bool is_unreadable; /* says the broker of whatever it is sent */

/* what the broker has executed, by its own entries */
static struct slice executed[EXECUTED_MAX];
static size_t executed_count;
static uint64_t last_index, records_logged;
static unsigned certificates, findings, entries;

/* ---- crashes ---- */

static void copy_file(const char *from_folder, const char *to_folder, const char *name)
{
	char from[SCRATCH_MAX + 32], to[SCRATCH_MAX + 32];
	struct bytes content CLEANUP(bytes_fini) = {0};

	bytes_init(&content, 1u << 28);
	snprintf(from, sizeof from, "%s/%s", from_folder, name);
	snprintf(to, sizeof to, "%s/%s", to_folder, name);
	enum err err = file_read(from, &content, NULL);
	if (err == ERR_NOT_FOUND) {
		remove(to);
		return;
	}
	assert_int_equal(err, ERR_OK);
	assert_int_equal(file_write(to, bytes_slice(&content), 0600, NULL), ERR_OK);
}

static void copy_folder(const char *from, const char *to)
{
	char db[SCRATCH_MAX + 8];

	snprintf(db, sizeof db, "%s/db", to);
	assert_true(mkdir(db, 0700) == 0 || errno == EEXIST);
	copy_file(from, to, "db/data.mdb");
	copy_file(from, to, "lane-3");
}

/* True: the world ends here, or has ended before. */
static bool point(void)
{
	if (!is_dead && ++points == stop_at) {
		copy_folder(world.folder, photograph);
		is_dead = has_photograph = true;
	}
	return is_dead;
}

static enum err load(void *context, uint32_t lane, struct bytes *ret_state)
{
	struct session_memory files = session_files(context);

	return files.load(files.context, lane, ret_state);
}

static enum err save(void *context, uint32_t lane, struct slice state)
{
	struct session_memory files = session_files(context);

	if (point())
		return ERR_IO;
	TRY(files.save(files.context, lane, state));
	return point() ? ERR_IO : ERR_OK;
}

/* ---- the broker ---- */

static void note_result(const Kluis__Operation *operation, const Kluis__Result *result)
{
	struct bytes encoded CLEANUP(bytes_fini) = {0};

	if (operation->kind_case == KLUIS__OPERATION__KIND_LOCAL_ACCESS) {
		assert_int_equal(result->code, ERR_OK);
		assert_int_equal(result->cursor, records_logged + operation->local_access->n_records);
		records_logged = result->cursor;
		findings |= result->has_findings ? result->findings : 0;
		return;
	}
	certificates += operation->kind_case == KLUIS__OPERATION__KIND_PURGE;
	if (operation->kind_case == KLUIS__OPERATION__KIND_PURGE || result->code != ERR_OK)
		return;
	assert_true(executed_count < EXECUTED_MAX);
	bytes_init(&encoded, REQUEST_MAX);
	assert_int_equal(wire_encode(&operation->base, &encoded), ERR_OK);
	uint8_t *copy = arena_copy(&arena, bytes_slice(&encoded));
	assert_non_null(copy);
	executed[executed_count++] = SLICE(copy, encoded.length);
}

static void note_reply(struct slice bytes)
{
	Kluis__Reply *reply;
	struct entry entry;

	assert_int_equal(WIRE_DECODE(Reply, reply, bytes, &arena, &reply), ERR_OK);
	if (!reply->has_entry || (entries > 0 && reply->index <= last_index))
		return; /* an answer that was given before */
	last_index = reply->index;
	entries++;
	assert_int_equal(entry_open(wire_slice(reply->entry), &arena, &entry, NULL), ERR_OK);
	for (size_t i = 0; i < entry.decoded->n_results; i++)
		note_result(entry.request->operations[i], entry.decoded->results[i]);
}

static enum err send(void *context, struct slice message, struct bytes *ret_reply)
{
	struct exchange core = unlogged_exchange(world.formula);
	enum fault_kind kind = sent < fault_count ? faults[sent] : FAULT_NONE;

	(void)context;
	if (point())
		return ERR_NETWORK;
	sent++;
	if (kind == FAULT_REQUEST_LOST)
		return ERR_NETWORK;
	if (is_unreadable) {
		Kluis__Reply refusal = KLUIS__REPLY__INIT;
		refusal.code = ERR_INPUT;
		return wire_encode(&refusal.base, ret_reply);
	}
	struct bytes reply CLEANUP(bytes_fini) = {0};
	bytes_init(&reply, MESSAGE_MAX);
	TRY(core.send(core.context, message, &reply));
	uint8_t *copy = arena_copy(&arena, bytes_slice(&reply));
	assert_non_null(copy);
	note_reply(SLICE(copy, reply.length));
	if (point() || kind == FAULT_REPLY_LOST)
		return ERR_TIMEOUT;
	if (world.is_garbled)
		return bytes_append(ret_reply, slice_text("\x08"));
	return bytes_append(ret_reply, bytes_slice(&reply));
}

static void open_courier(void)
{
	struct exchange exchange = {.send = send};
	struct session_memory memory = {.context = world.folder, .load = load, .save = save};
	struct fault fault = {""};

	assert_int_equal(courier_new(&world.shop, exchange, memory, &courier, &fault), ERR_OK);
}

/* Until nothing is left to do, or the world ends. */
static void carry(void)
{
	enum courier_result result = COURIER_MORE;

	for (int i = 0; i < 60 && result != COURIER_IDLE && !is_dead; i++) {
		struct fault fault = {""};
		result = courier_step(courier, &fault);
		world.formula->now_ms += 100;
	}
	assert_true(is_dead || result == COURIER_IDLE);
}

/* All memory is dropped; what the photograph shows is what is on disk. */
static void restart_from_photograph(void)
{
	is_dead = true;
	courier_free(&courier);
	if (has_photograph) {
		/* the shop's files are open until the restart closes them: it opens the photograph's */
		char away[SCRATCH_MAX];
		snprintf(away, sizeof away, "%s", world.folder);
		snprintf(world.folder, sizeof world.folder, "%s", photograph);
		snprintf(photograph, sizeof photograph, "%s", away);
	}
	is_dead = has_photograph = false;
	stop_at = 0;
	shop_world_restart(&world);
	assert_int_equal(shop_world_keep(&world), KEEPER_CURRENT);
	open_courier();
}

/* ---- a shop with something to carry ---- */

static void make_actions(void)
{
	struct franchise *formula = world.formula;
	struct slice fresh = franchise_draw(formula);

	actions[REGISTER] = action_registration(formula, "service", fresh, "1=5000|2=Dee Dijk");
	registration_at(&actions[REGISTER], 12, FRANCHISE_DAY);
	actions[CHANGE_NEW] = action_update(formula, "service", fresh, "2=Dee Dekker");
	actions[REGISTER_AGAIN] = action_registration(formula, "service", fresh, "1=5001|2=Dee Dijk");
	registration_at(&actions[REGISTER_AGAIN], 12, FRANCHISE_DAY);
	actions[CONSENT] = action_consent(formula, "service", anna, "direct-marketing", 4);
	actions[CHANGE_ANNA] = action_update(formula, "service", anna, "2=Anna Jones");
	actions[RECEIPT] =
		action_receipt(formula, "service", franchise_draw(formula), 12, FRANCHISE_DAY, SLICE_EMPTY, "1=4711");
	actions[CHANGE_ANNA_AGAIN] = action_update(formula, "service", anna, "2=Anna Prins");
	actions[CHANGE_BERT] = action_update(formula, "service", bert, "2=Bert Prins");
}

static uint64_t add(struct action action)
{
	uint64_t number;

	assert_int_equal(outbox_add(world.shop.outbox, action.operation, action.part,
				    SLICE(world.party->employee, PSEUDONYM_SIZE), shop_now_ms(&world.shop), &number),
			 ERR_OK);
	return number;
}

static void read_copy(void)
{
	struct journal_access access = {
		.time_ms = shop_now_ms(&world.shop), .purpose = "service", .code = ERR_NOT_FOUND, .count_grant = -1};
	uint64_t number;

	memcpy(access.agreement, world.party->agreement, HASH_SIZE);
	memcpy(access.employee, world.party->employee, PSEUDONYM_SIZE);
	assert_int_equal(journal_append(world.shop.journal, &access, &number), ERR_OK);
}

static int begin(void **state)
{
	(void)state;
	memset(&world, 0, sizeof world);
	shop_world_begin(&world);
	world.has_courier = true;
	arena_init(&arena, 1u << 26);
	scratch_new(photograph);
	points = stop_at = sent = fault_count = 0;
	is_dead = has_photograph = is_unreadable = false;
	executed_count = 0;
	records_logged = last_index = 0;
	certificates = findings = entries = 0;
	anna = franchise_customer(world.formula, "1=4721|2=Ann Smith");
	bert = franchise_customer(world.formula, "1=4722|2=Bob Jones");
	assert_int_equal(shop_world_keep(&world), KEEPER_CURRENT);
	open_courier();
	return 0;
}

static int end(void **state)
{
	(void)state;
	courier_free(&courier);
	shop_world_end(&world);
	scratch_remove(photograph);
	arena_fini(&arena);
	return 0;
}

static void write_all(void)
{
	make_actions();
	for (size_t i = 0; i < ITEMS; i++)
		assert_int_equal(add(actions[i]), i + 1);
	for (size_t i = 0; i < RECORDS; i++)
		read_copy();
}

static void lose_copy(void)
{
	unsigned purged = 0;

	pthread_rwlock_wrlock(&world.shop.lock);
	world.shop.state = AGREEMENT_SUSPENDED; /* as far as the store knows */
	pthread_rwlock_unlock(&world.shop.lock);
	assert_int_equal(shop_sweep(&world.shop, &purged), ERR_OK);
	assert_int_equal(purged, 1);
}

/* ---- what must be so in the end ---- */

static unsigned times_executed(struct action action, size_t *ret_place)
{
	struct bytes encoded CLEANUP(bytes_fini) = {0};
	unsigned times = 0;

	bytes_init(&encoded, REQUEST_MAX);
	assert_int_equal(wire_encode(&action.operation->base, &encoded), ERR_OK);
	for (size_t i = 0; i < executed_count; i++) {
		if (!slice_equal(executed[i], bytes_slice(&encoded)))
			continue;
		*ret_place = i;
		times++;
	}
	return times;
}

static enum err check_refused(void *context, const struct outbox_item *item)
{
	assert_int_equal(item->number, REGISTER_AGAIN + 1);
	assert_int_equal(item->reason, ERR_EXISTS);
	assert_true(item->entry > 0);
	++*(unsigned *)context;
	return ERR_OK;
}

static void assert_all_is_well(void)
{
	size_t places[ITEMS] = {0};
	uint64_t waiting, refused;
	unsigned aside = 0;

	for (size_t i = 0; i < ITEMS; i++)
		assert_int_equal(times_executed(actions[i], &places[i]), i == REGISTER_AGAIN ? 0 : 1);
	assert_true(places[REGISTER] < places[CHANGE_NEW]);
	assert_true(places[CONSENT] < places[CHANGE_ANNA] && places[CHANGE_ANNA] < places[CHANGE_ANNA_AGAIN]);
	outbox_counts(world.shop.outbox, &waiting, &refused);
	assert_int_equal(waiting, 0);
	assert_int_equal(refused, 1);
	assert_int_equal(outbox_each(world.shop.outbox, OUTBOX_REFUSED, 10, &arena, check_refused, &aside), ERR_OK);
	assert_int_equal(aside, 1);
	assert_int_equal(records_logged, RECORDS);
	assert_int_equal(journal_waiting(world.shop.journal), 0);
	assert_int_equal(findings, 0);
	assert_int_equal(alarm_count(world.shop.store), 0);
}

/* ---- tests ---- */

static void test_all_is_carried(void **state)
{
	(void)state;
	write_all();
	lose_copy();
	carry();
	assert_all_is_well();
	assert_int_equal(certificates, 1);
	assert_true(entries < ITEMS + 2); /* several under one signature */
}

static void test_a_crash_at_each_point(void **state)
{
	unsigned last = 0;

	for (unsigned at = 1; at == 1 || at <= last; at++) {
		if (at > 1) {
			end(state);
			begin(state);
		}
		write_all();
		lose_copy();
		stop_at = at;
		carry();
		bool was_stopped = is_dead;
		last = was_stopped ? at + 1 : at;
		restart_from_photograph();
		carry();
		assert_all_is_well();
		assert_int_equal(certificates, 1);
	}
	assert_true(last > 12);
}

static void test_lost_requests_and_answers(void **state)
{
	/* each pattern: what becomes of the next six messages, in base three */
	for (unsigned pattern = 1; pattern < 729; pattern += 27 + 4) {
		unsigned rest = pattern;
		end(state);
		begin(state);
		for (fault_count = 0; fault_count < 6; fault_count++, rest /= 3)
			faults[fault_count] = (enum fault_kind)(rest % 3);
		write_all();
		carry();
		assert_all_is_well();
	}
}

/* Between the mark and the lane's save: the lane still has the request before, whose items were settled. */
static void test_marked_for_a_request_that_never_was(void **state)
{
	uint64_t number;

	(void)state;
	make_actions();
	add(actions[CONSENT]);
	struct fault fault = {""};
	assert_int_equal(courier_step(courier, &fault), COURIER_MORE);
	/* the same operation once more, to the byte */
	number = add(actions[CONSENT]);
	stop_at = points + 1;
	carry();
	restart_from_photograph();
	carry();
	size_t place;
	assert_int_equal(times_executed(actions[CONSENT], &place), 2);
	uint64_t waiting, refused;
	outbox_counts(world.shop.outbox, &waiting, &refused);
	assert_int_equal(waiting + refused, 0);
	assert_int_equal(number, 2);
	assert_int_equal(alarm_count(world.shop.store), 0);
}

/* What the broker refuses for the whole store waits, and goes when that has passed. */
static void test_suspended_waits(void **state)
{
	struct franchise *formula = world.formula;

	(void)state;
	write_all();
	franchise_must(formula, &formula->office, action_standing(formula, 12, 1));
	carry();
	uint64_t waiting, refused;
	outbox_counts(world.shop.outbox, &waiting, &refused);
	assert_int_equal(waiting, ITEMS);
	assert_int_equal(refused, 0);
	assert_int_equal(executed_count, 0);
	franchise_must(formula, &formula->office, action_standing(formula, 12, 2));
	formula->now_ms += 2500; /* not minutes: one envelope was refused, whatever number of items it had */
	carry();
	assert_all_is_well();
}

static enum err note_reason(void *context, const struct outbox_item *item)
{
	((enum err *)context)[item->number - 1] = item->reason;
	return ERR_OK;
}

/* An envelope that the broker does not read is split until the item at fault stands alone; the others are carried. */
static void test_the_item_at_fault_is_found(void **state)
{
	enum err reasons[ITEMS + 1] = {ERR_OK};
	size_t place;

	(void)state;
	make_actions();
	for (size_t i = 0; i < ITEMS; i++) {
		struct action action = actions[i];
		if (i == CHANGE_ANNA)
			action.part = actions[CHANGE_BERT].part; /* not what the commitment says */
		add(action);
	}
	carry();
	for (size_t i = 0; i < ITEMS; i++)
		assert_int_equal(times_executed(actions[i], &place), i != REGISTER_AGAIN && i != CHANGE_ANNA);
	assert_int_equal(outbox_each(world.shop.outbox, OUTBOX_REFUSED, 10, &arena, note_reason, reasons), ERR_OK);
	for (size_t i = 0; i < ITEMS; i++)
		assert_int_equal(reasons[i], i == REGISTER_AGAIN ? ERR_EXISTS
					     : i == CHANGE_ANNA	 ? ERR_COMMITMENT
								 : ERR_OK);
	uint64_t waiting, refused;
	outbox_counts(world.shop.outbox, &waiting, &refused);
	assert_int_equal(waiting, 0);
	assert_int_equal(refused, 2);
}

/* A journal that the broker does not read is not sent again at once, nor does it use up items. */
static void test_a_refused_journal_does_not_spin(void **state)
{
	struct fault fault = {""};

	(void)state;
	read_copy();
	is_unreadable = true;
	for (int i = 0; i < 4; i++)
		assert_int_equal(courier_step(courier, &fault), COURIER_AWAY);
	assert_int_equal(entries, 0);
	is_unreadable = false;
	carry();
	assert_int_equal(records_logged, 1);
}

/* The store's key is replaced twice while an answer was lost, on its way there or back: what is settled before each
 * time is settled for good. */
static void test_rotations_with_an_answer_lost(void **state)
{
	struct fault fault = {""};

	for (enum fault_kind kind = FAULT_NONE; kind <= FAULT_REPLY_LOST; kind++) {
		end(state);
		begin(state);
		write_all();
		for (uint8_t seed = 90; seed < 93; seed++) {
			faults[0] = kind;
			faults[1] = FAULT_REQUEST_LOST;
			fault_count = 2;
			sent = 0;
			enum courier_result result = courier_step(courier, &fault);
			assert_int_equal(result, kind == FAULT_NONE ? COURIER_MORE : COURIER_AWAY);
			if (kind != FAULT_NONE)
				assert_int_equal(courier_settle(courier, &fault), ERR_BUSY); /* lost as well */
			assert_int_equal(courier_settle(courier, &fault), ERR_OK);
			rotate_party(world.formula, world.party, seed);
		}
		fault_count = 0;
		carry();
		assert_all_is_well();
	}
}

/* Killed in the middle of a rotation: the answer that is waited for is asked for with the old key's signature (R140).
 */
static void test_a_rotation_that_was_cut_off(void **state)
{
	struct secret_key old CLEANUP(secret_key_fini) = {0};
	struct fault fault = {""};

	for (enum fault_kind kind = FAULT_REQUEST_LOST; kind <= FAULT_REPLY_LOST; kind++) {
		end(state);
		begin(state);
		write_all();
		faults[0] = kind;
		fault_count = 1;
		assert_int_equal(courier_step(courier, &fault), COURIER_AWAY);
		courier_free(&courier);
		struct party party = *world.party; /* with the old key */
		old = party.key;
		world.party->key = test_seed_key(old.public.name, 90);
		franchise_must(world.formula, &party,
			       action_rotate_key(world.formula, &party, &world.party->key, NULL));
		assert_int_equal(session_reseal(session_files(world.folder), 3, &old, &world.party->key, &fault),
				 ERR_OK);
		secret_key_fini(&old);
		open_courier();
		carry();
		assert_all_is_well();
	}
}

/* What it got is no answer to what it sent: said, kept, and carried once the broker answers. */
static void test_a_wrong_answer_is_alarmed_and_asked_for_again(void **state)
{
	struct fault fault = {""};

	(void)state;
	write_all();
	world.is_garbled = true;
	assert_int_equal(courier_step(courier, &fault), COURIER_AWAY);
	assert_int_equal(courier_step(courier, &fault), COURIER_AWAY);
	assert_int_equal(alarm_count(world.shop.store), 1);
	assert_int_equal(alarm_seen(world.shop.store, 1), ERR_OK);
	world.is_garbled = false;
	carry();
	assert_all_is_well();
}

static enum err note_gone(struct store_txn *txn, uint64_t count, void *context)
{
	(void)txn;
	*(uint64_t *)context = count;
	return ERR_OK;
}

/* Destroyed while the answer was on its way: there is nothing to settle, and it goes on. */
static void test_destroyed_meanwhile(void **state)
{
	uint64_t count;

	(void)state;
	write_all();
	faults[0] = faults[1] = faults[2] = FAULT_REPLY_LOST;
	fault_count = 3;
	struct fault fault = {""};
	courier_step(courier, &fault);
	courier_step(courier, &fault);
	assert_int_equal(outbox_destroy(world.shop.outbox, note_gone, &count), ERR_OK);
	carry();
	assert_int_equal(journal_waiting(world.shop.journal), 0);
	assert_int_equal(alarm_count(world.shop.store), 0);
}

/* An older copy of the folder: the lane goes on from what the broker expects, and that is alarmed. */
static void test_an_older_folder(void **state)
{
	struct fault fault = {""};

	(void)state;
	make_actions();
	copy_folder(world.folder, photograph);
	add(actions[CONSENT]);
	assert_int_equal(courier_step(courier, &fault), COURIER_MORE);
	add(actions[CHANGE_BERT]);
	assert_int_equal(courier_step(courier, &fault), COURIER_MORE);
	has_photograph = true;
	restart_from_photograph();
	add(actions[CHANGE_ANNA]);
	carry();
	size_t place;
	assert_int_equal(times_executed(actions[CHANGE_ANNA], &place), 1);
	assert_int_equal(alarm_count(world.shop.store), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_all_is_carried),
		TEST(test_a_crash_at_each_point),
		TEST(test_lost_requests_and_answers),
		TEST(test_marked_for_a_request_that_never_was),
		TEST(test_suspended_waits),
		TEST(test_the_item_at_fault_is_found),
		TEST(test_a_refused_journal_does_not_spin),
		TEST(test_rotations_with_an_answer_lost),
		TEST(test_a_rotation_that_was_cut_off),
		TEST(test_a_wrong_answer_is_alarmed_and_asked_for_again),
		TEST(test_destroyed_meanwhile),
		TEST(test_an_older_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
