/* What an agent knows its broker by: versions of trust fetched, verified, kept. FORMAT.md R141. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "anchor.h"
#include "key_action.h"
#include "kluis/file.h"
#include "unlogged.h"

static struct franchise *formula;
static struct party *store;
static struct ring ring;
static char folder[SCRATCH_MAX + 16];
static struct fault fault;
static struct membership membership;
static struct session session;
static char lanes[HOME_PATH_MAX];
static const struct secret_key *first, *second;
static struct trust versions[4];

static int set_up(void **state)
{
	struct exchange exchange;

	(void)state;
	formula = franchise_new(NULL);
	store = franchise_store(formula, 12, GRANT_SERVICE);
	ring_take(&ring, formula);
	first = &ring.logs[0];
	second = ring_add_log(&ring, 50);
	snprintf(folder, sizeof folder, "%s/agent", formula->folder);
	assert_int_equal(mkdir(folder, 0700), 0);
	snprintf(lanes, sizeof lanes, "%s/lanes", folder);
	assert_int_equal(mkdir(lanes, 0700), 0);
	membership = (struct membership){.controller = formula->office.key.public, .log = first->public};
	exchange = unlogged_exchange(formula);
	fault.text[0] = '\0';
	assert_int_equal(session_open(&session, &store->key, 40, exchange, session_files(lanes), &fault), ERR_OK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	session_close(&session);
	franchise_free(&formula);
	ring_fini(&ring);
	return 0;
}

static enum err update(bool *ret_is_new)
{
	fault.text[0] = '\0';
	return anchor_update(folder, &membership, &session, SLICE_EMPTY, formula->now_ms, ret_is_new, &fault);
}

/* Version 1 has both logs, 2 the second alone, 3 the second again. */
static void enter(unsigned version)
{
	const struct secret_key *both[] = {first, second};
	struct trust *trust = &versions[version];
	struct slice note = SLICE_EMPTY;

	if (version == 1) {
		trust_put_after(trust, NULL, both, 2);
		note = trust_note(formula, trust, both, 2);
	} else {
		trust_put_after(trust, &versions[version - 1], &second, 1);
		note = trust_note(formula, trust, version == 2 ? &first : &second, 1);
	}
	trust_put_of(trust, formula, note);
	franchise_must(formula, &formula->office, action_trust(formula, note));
}

static uint32_t kept_version(void)
{
	const struct trust *trust;

	assert_int_equal(anchor_read(folder, &membership.controller, &formula->arena, &trust, &fault), ERR_OK);
	return trust == NULL ? 0 : trust->version;
}

static void expect_certificates(const char *pem)
{
	char path[HOME_PATH_MAX];
	struct bytes bytes CLEANUP(bytes_fini);

	bytes_init(&bytes, PAPER_MAX);
	assert_int_equal(home_path(folder, "broker.crt", path, NULL), ERR_OK);
	assert_int_equal(file_read(path, &bytes, NULL), ERR_OK);
	assert_true(slice_equal(bytes_slice(&bytes), slice_text(pem)));
}

static void test_update_step_by_step(void **state)
{
	bool is_new;

	(void)state;
	assert_int_equal(update(&is_new), ERR_NOT_FOUND);
	assert_int_equal(kept_version(), 0);
	enter(1);
	assert_int_equal(update(&is_new), ERR_OK);
	assert_true(is_new);
	assert_int_equal(kept_version(), 1);
	expect_certificates(versions[1].certificates_pem);
	assert_int_equal(update(&is_new), ERR_OK);
	assert_false(is_new);
	enter(2);
	assert_int_equal(update(&is_new), ERR_OK);
	assert_true(is_new && kept_version() == 2);
}

static void test_update_after_being_away(void **state)
{
	bool is_new;

	(void)state;
	for (unsigned version = 1; version <= 3; version++)
		enter(version);
	assert_int_equal(update(&is_new), ERR_OK);
	assert_true(is_new && kept_version() == 3);
}

/* A broker set back, or another one's forged note. */
static void test_update_refuses_an_older_version(void **state)
{
	char path[HOME_PATH_MAX];
	bool is_new;

	(void)state;
	enter(1);
	enter(2);
	assert_int_equal(update(&is_new), ERR_OK);
	enter(3);
	struct slice hash = SLICE_ARRAY(versions[1].hash);
	assert_int_equal(anchor_update(folder, &membership, &session, hash, formula->now_ms, &is_new, &fault),
			 ERR_INCONSISTENT);
	assert_int_equal(kept_version(), 2);
	assert_int_equal(home_path(folder, "trust.note", path, NULL), ERR_OK);
	assert_int_equal(file_write(path, slice_text("[trust]\n"), 0600, NULL), ERR_OK);
	const struct trust *trust;
	assert_int_equal(anchor_read(folder, &membership.controller, &formula->arena, &trust, NULL), ERR_CORRUPT);
}

/* Head office's key alone does not make a version that follows what is known here. */
static void test_update_wants_the_log_to_vouch(void **state)
{
	struct secret_key other = ring.logs[1];
	char path[HOME_PATH_MAX];
	bool is_new;

	(void)state;
	/* another version 1, by a log that nobody here has heard of, is what this agent keeps */
	trust_put_after(&versions[0], NULL, (const struct secret_key *const[]){&other}, 1);
	struct slice note = trust_note(formula, &versions[0], (const struct secret_key *const[]){&other}, 1);
	assert_int_equal(home_path(folder, "trust.note", path, NULL), ERR_OK);
	assert_int_equal(file_write(path, note, 0600, NULL), ERR_OK);
	enter(1);
	enter(2);
	assert_int_equal(update(&is_new), ERR_PAPER); /* its version 1 is not the one before */
	assert_true(kept_version() == 1);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_update_step_by_step),
		TEST(test_update_after_being_away),
		TEST(test_update_refuses_an_older_version),
		TEST(test_update_wants_the_log_to_vouch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
