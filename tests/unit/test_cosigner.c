/* The store as a witness: it cosigns what follows, each once, and refuses another history for good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alarm.h"
#include "run/cosigner.h"
#include "sealed_row.h"
#include "shop_world.h"

struct stand {
	struct shop_world world;
	struct secret_key witness;
	struct cosigner_options options;
	unsigned evidence;
	size_t older, newer; /* bytes kept last */
};

static enum err keep_evidence(void *context, const char *name, struct slice older, struct slice newer)
{
	struct stand *stand = context;
	assert_true(name[0] != '\0');
	assert_int_equal(alarm_count(stand->world.shop.store), 0); /* no alarm without what it is about */
	stand->evidence++;
	stand->older = older.length;
	stand->newer = newer.length;
	return ERR_OK;
}

static int begin(void **state)
{
	struct stand *stand = calloc(1, sizeof *stand);
	struct shop_world *world = &stand->world;
	shop_world_begin(world);
	stand->witness = witness_key(world->party);
	stand->options = (struct cosigner_options){.shop = &world->shop,
						   .exchange = shop_world_exchange(world),
						   .witness = &stand->witness,
						   .logs = &world->formula->log.public,
						   .log_count = 1,
						   .keep_evidence = keep_evidence,
						   .context = stand};
	*state = stand;
	return 0;
}

static int end(void **state)
{
	struct stand *stand = *state;
	shop_world_end(&stand->world);
	secret_key_fini(&stand->witness);
	free(stand);
	return 0;
}

static void know_witness(struct stand *stand)
{
	struct franchise *formula = stand->world.formula;
	franchise_must(formula, stand->world.party, action_witness(formula, stand->world.party, &stand->witness));
}

static enum err step(struct stand *stand)
{
	struct fault fault = {""};
	return cosigner_step(&stand->options, &fault);
}

static uint64_t next_round(struct stand *stand)
{
	stand->world.formula->now_ms += 10 * 60 * 1000;
	franchise_customer(stand->world.formula, "2=Somebody");
	franchise_round(stand->world.formula);
	return core_size(stand->world.formula->core);
}

static void test_without_a_round_there_is_nothing_to_do(void **state)
{
	struct stand *stand = *state;
	know_witness(stand);
	assert_int_equal(step(stand), ERR_OK);
	assert_int_equal(stand->world.shop.seen_size, 0);
}

static void test_each_round_is_cosigned_once(void **state)
{
	struct stand *stand = *state;
	know_witness(stand);
	for (int i = 0; i < 3; i++) {
		uint64_t size = next_round(stand);
		unsigned sent = stand->world.sent;
		assert_int_equal(step(stand), ERR_OK);
		assert_int_equal(stand->world.sent, sent + 2); /* GetRound, Cosign */
		assert_int_equal(stand->world.shop.seen_size, size);
		assert_int_equal(step(stand), ERR_OK);
		assert_int_equal(stand->world.sent, sent + 3);
	}
	assert_int_equal(alarm_count(stand->world.shop.store), 0);
}

static void test_a_lost_answer_is_asked_for_again(void **state)
{
	struct stand *stand = *state;
	know_witness(stand);
	next_round(stand);
	stand->world.lose_reply = 1;
	assert_int_equal(step(stand), ERR_TIMEOUT);
	assert_int_equal(stand->world.shop.seen_size, 0);
	assert_int_equal(step(stand), ERR_OK);
	assert_true(stand->world.shop.seen_size > 0);
}

static void test_an_unknown_witness_is_told_so(void **state)
{
	struct stand *stand = *state;
	next_round(stand);
	assert_int_equal(step(stand), ERR_NOT_FOUND);
	know_witness(stand);
	assert_int_equal(step(stand), ERR_OK); /* the same round, kept but not sent before */
}

/* What the store cosigned before is another root at that size than the log now shows. */
struct lie {
	const uint8_t *key;
	bool has_seen_more;
};

static enum err lie(struct store_txn *txn, void *context)
{
	const struct lie *lie = context;
	struct bytes row CLEANUP(bytes_fini) = {0};
	bytes_init(&row, 2048);
	TRY(sealed_row_get(txn, lie->key, slice_text("cosigned"), &row));
	if (lie->has_seen_more)
		put_u64(row.data, get_u64(row.data) + 100000);
	else
		row.data[8] ^= 1; /* the first byte of the root */
	return sealed_row_put(txn, lie->key, slice_text("cosigned"), bytes_slice(&row));
}

static enum err is_kind(void *context, const struct alarm *alarm)
{
	assert_int_equal(alarm->kind, *(const enum alarm_kind *)context);
	return ERR_OK;
}

static void expect_refused(struct stand *stand, enum alarm_kind kind)
{
	uint64_t waiting, refused;
	unsigned sent = stand->world.sent;
	assert_int_equal(step(stand), ERR_INCONSISTENT);
	assert_int_equal(stand->world.sent, sent + 1); /* no cosignature left */
	assert_int_equal(stand->evidence, 1);
	assert_true(stand->older > 0 && stand->newer > 0);
	assert_int_equal(alarm_count(stand->world.shop.store), 1);
	/* again: counted, not told anew */
	assert_int_equal(step(stand), ERR_INCONSISTENT);
	assert_int_equal(stand->evidence, 1);
	outbox_counts(stand->world.shop.outbox, &waiting, &refused);
	assert_int_equal(waiting, 1); /* the incident */
	assert_int_equal(alarm_each(stand->world.shop.store, is_kind, &kind), ERR_OK);
}

static void test_another_history_is_refused_and_alarmed(void **state)
{
	struct stand *stand = *state;
	know_witness(stand);
	next_round(stand);
	assert_int_equal(step(stand), ERR_OK);
	struct lie told = {.key = stand->world.shop.replica.key};
	assert_int_equal(store_update(stand->world.shop.store, lie, &told), ERR_OK);
	next_round(stand);
	expect_refused(stand, ALARM_INCONSISTENT);
}

static void test_an_older_checkpoint_is_refused_and_alarmed(void **state)
{
	struct stand *stand = *state;
	know_witness(stand);
	next_round(stand);
	assert_int_equal(step(stand), ERR_OK);
	struct lie told = {.key = stand->world.shop.replica.key, .has_seen_more = true};
	assert_int_equal(store_update(stand->world.shop.store, lie, &told), ERR_OK);
	expect_refused(stand, ALARM_OLDER);
}

static void test_another_logs_signature_is_refused(void **state)
{
	struct stand *stand = *state;
	know_witness(stand);
	next_round(stand);
	stand->options.logs = &stand->world.formula->office.key.public;
	assert_int_not_equal(step(stand), ERR_OK);
	assert_int_equal(stand->world.shop.seen_size, 0);
}

static void test_what_was_seen_survives_a_restart(void **state)
{
	struct stand *stand = *state;
	know_witness(stand);
	uint64_t size = next_round(stand);
	assert_int_equal(step(stand), ERR_OK);
	shop_world_restart(&stand->world);
	assert_int_equal(cosigner_load_seen(&stand->world.shop), ERR_OK);
	assert_int_equal(stand->world.shop.seen_size, size);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_without_a_round_there_is_nothing_to_do),
		TEST(test_each_round_is_cosigned_once),
		TEST(test_a_lost_answer_is_asked_for_again),
		TEST(test_an_unknown_witness_is_told_so),
		TEST(test_another_history_is_refused_and_alarmed),
		TEST(test_an_older_checkpoint_is_refused_and_alarmed),
		TEST(test_another_logs_signature_is_refused),
		TEST(test_what_was_seen_survives_a_restart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
