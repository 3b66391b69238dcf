/* The store's key replaced under a daemon in this process, with a broker of the real program. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "headquarters.h"
#include "kluis/clock.h"
#include "rotate.h"
#include "run/daemon_internal.h"

#define TILLS 3

static struct daemon *daemon_;
static struct fault fault;

static const char *path_of(const char *name)
{
	static char path[HEADQUARTERS_PATH_MAX + 64];

	snprintf(path, sizeof path, "%s/%s", headquarters_path(&here, "store-12"), name);
	return path;
}

static bool is_there(const char *name)
{
	return access(path_of(name), F_OK) == 0;
}

static void start(void)
{
	fault.text[0] = '\0';
	assert_int_equal(daemon_open(headquarters_path(&here, "store-12"), &daemon_, &fault), ERR_OK);
	/* nobody signs before it is known which key the broker takes */
	bool may_sign = sluice_enter(&daemon_->sluice, 0);
	assert_int_equal(may_sign, !is_there("store.key.new"));
	if (may_sign)
		sluice_leave(&daemon_->sluice);
	assert_int_equal(daemon_start(daemon_, &fault), ERR_OK);
}

static void until_online(bool is_online)
{
	for (int i = 0; i < 1000 && link_is_up(daemon_->link) != is_online; i++)
		clock_sleep_ms(20);
	assert_int_equal(link_is_up(daemon_->link), is_online);
}

static void until_key(uint32_t id)
{
	for (int i = 0; i < 1000 && daemon_->key_id != id; i++)
		clock_sleep_ms(20);
	assert_int_equal(daemon_->key_id, id);
}

static int begin(void **state)
{
	(void)state;
	headquarters_begin_shop(&here);
	headquarters_file(&here, "store-12/run.ini", "[till]\nlisten = 127.0.0.1:0\n");
	start();
	until_online(true);
	return 0;
}

static int end(void **state)
{
	(void)state;
	daemon_close(&daemon_);
	headquarters_end(&here);
	return 0;
}

/* ---- lookups at the broker ---- */

struct till {
	pthread_t thread;
	_Atomic bool is_over;
	_Atomic unsigned answered, failed;
	enum err err;
};

static enum err look_up(const char *card)
{
	struct desk_line line = daemon_line_of_desk(daemon_);
	struct replica_employee employee;
	struct arena arena CLEANUP(arena_fini) = {0};
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Lookup lookup = KLUIS__LOOKUP__INIT;
	Kluis__Value value = KLUIS__VALUE__INIT, *list = &value;
	Kluis__Values values = KLUIS__VALUES__INIT;
	const Kluis__Result *result;
	const Kluis__Part *answer;
	Kluis__Part *part = NULL;
	char purpose[] = "service", text[16];
	uint64_t index;

	arena_init(&arena, REQUEST_ARENA_MAX);
	snprintf(text, sizeof text, "%s", card);
	TRY(replica_get_employee(&daemon_->shop.replica, "till-1", &employee));
	value.field = lookup.field = 1;
	value.value = text;
	values.values = &list;
	values.n_values = 1;
	TRY(part_make(&values.base, &arena, &part, &lookup.commitment));
	operation.purpose = purpose;
	operation.kind_case = KLUIS__OPERATION__KIND_LOOKUP;
	operation.lookup = &lookup;
	TRY(line.lookup(line.context, &operation, part, SLICE_ARRAY(employee.pseudonym), &arena, &result, &answer,
			&index, NULL));
	return (enum err)result->code;
}

static void *serve(void *context)
{
	struct till *till = context;

	while (!till->is_over) {
		enum err err = look_up("4712");
		till->answered += err == ERR_OK;
		till->failed += err != ERR_OK;
		if (err != ERR_OK)
			till->err = err;
	}
	return NULL;
}

static uint32_t rotate(void)
{
	uint32_t id = 0;

	fault.text[0] = '\0';
	enum err err = daemon_rotate(daemon_, &id, &fault);
	if (err != ERR_OK)
		print_error("%s\n", fault.text);
	assert_int_equal(err, ERR_OK);
	return id;
}

static uint32_t id_on_disk(void)
{
	struct secret_key key CLEANUP(secret_key_fini) = {0};

	assert_int_equal(secret_key_read(path_of("store.key"), &key, &fault), ERR_OK);
	return key.public.id;
}

static void test_lookups_go_on_meanwhile(void **state)
{
	static struct till tills[TILLS];

	(void)state;
	for (int i = 0; i < TILLS; i++)
		assert_int_equal(pthread_create(&tills[i].thread, NULL, serve, &tills[i]), 0);
	for (int i = 0; i < 6; i++) {
		uint32_t before = daemon_->key_id, id = rotate();
		assert_int_not_equal(id, before);
		assert_int_equal(id, daemon_->key_id);
		assert_int_equal(id, id_on_disk());
		assert_false(rotate_is_open(daemon_->folder));
		unsigned answered = tills[0].answered;
		for (int j = 0; j < 500 && tills[0].answered < answered + 2; j++)
			clock_sleep_ms(10);
		assert_true(tills[0].answered >= answered + 2);
	}
	for (int i = 0; i < TILLS; i++)
		tills[i].is_over = true;
	for (int i = 0; i < TILLS; i++) {
		pthread_join(tills[i].thread, NULL);
		assert_int_equal(tills[i].err, ERR_OK);
		assert_int_equal(tills[i].failed, 0);
	}
	/* an agreement that was signed by any of them is known: the key of now, then those before */
	pthread_mutex_lock(&daemon_->mutex); /* before the keeper's thread begins with another */
	assert_true(daemon_->signer_count >= 7);
	assert_int_equal(daemon_->signers[0].id, daemon_->key_id);
	pthread_mutex_unlock(&daemon_->mutex);
}

static void test_the_command_and_the_status(void **state)
{
	char text[32];

	(void)state;
	assert_int_equal(RUN(&here, AGENT(12), NULL, "key", "rotate"), 0);
	snprintf(text, sizeof text, "is now %08x;", daemon_->key_id);
	assert_non_null(strstr(here.last.out, text));
	snprintf(text, sizeof text, "%08x", daemon_->key_id);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "status"), 0);
	assert_non_null(strstr(here.last.out, text));
	/* what the office signs is signed by it too */
	assert_int_equal(RUN(&here, AGENT(12), "Willem Till\n", "staff", "add", "willem", "--role", "cashier"), 0);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "staff", "remove", "willem"), 0);
	daemon_close(&daemon_);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "status"), 0);
	assert_non_null(strstr(here.last.out, text));
	start();
	until_online(true);
}

static void test_without_the_broker_nothing_is_begun(void **state)
{
	uint32_t id = 0, before = daemon_->key_id;

	(void)state;
	headquarters_stop(&here);
	until_online(false);
	assert_int_equal(daemon_rotate(daemon_, &id, &fault), ERR_NETWORK);
	assert_false(rotate_is_open(daemon_->folder));
	assert_int_equal(look_up("4712"), ERR_NETWORK);
	headquarters_serve(&here);
	until_online(true);
	assert_int_equal(daemon_->key_id, before);
	assert_int_equal(look_up("4712"), ERR_OK);
}

/* Cut off before it was asked for; the broker comes back later than the agent. */
static void test_gone_on_with_after_a_start(void **state)
{
	struct secret_key next CLEANUP(secret_key_fini) = {0};
	char principal[PRINCIPAL_MAX + 1];
	uint32_t before = daemon_->key_id;

	(void)state;
	snprintf(principal, sizeof principal, "%s", daemon_->agent.key.public.name);
	daemon_close(&daemon_);
	headquarters_stop(&here);
	assert_int_equal(secret_key_new(slice_text(principal), &next), ERR_OK);
	assert_int_equal(secret_key_write(&next, path_of("store.key.new"), &fault), ERR_OK);
	start();
	clock_sleep_ms(300);
	assert_int_equal(daemon_->key_id, before);
	assert_int_equal(look_up("4712"), ERR_NETWORK); /* at once: nobody waits for a broker that is away */
	headquarters_serve(&here);
	until_key(next.public.id);
	assert_int_equal(look_up("4712"), ERR_OK);
	assert_false(is_there("store.key.new") || is_there("store.key.next"));
	assert_int_equal(id_on_disk(), next.public.id);
}

static enum err hung_look_up;

static void *hang(void *context)
{
	(void)context;
	hung_look_up = look_up("4712");
	return NULL;
}

/* The broker stops while it is asked. What the agent waited for before comes first: then it is tried again. */
static void begin_hanging(struct child *command)
{
	const char *arguments[] = {TEST_BINARIES "/kluis-agent", "key", "rotate", "--data", path_of("."), NULL};

	assert_true(here.serve.pid > 0); /* not this process: kill knows 0 too */
	for (int tries = 0; tries < 5; tries++) {
		clock_sleep_ms(1000);
		kill(here.serve.pid, SIGSTOP);
		child_begin(command, arguments);
		for (int i = 0; i < 100 && !is_there("store.key.new"); i++)
			clock_sleep_ms(20);
		if (is_there("store.key.new"))
			return;
		kill(here.serve.pid, SIGCONT);
		child_end(command);
	}
	fail_msg("the rotation does not begin");
}

/* The broker hangs: the agent closes at once all the same, and the next one goes on. */
static void test_closed_while_the_broker_hangs(void **state)
{
	static struct child command;
	pthread_t thread;

	(void)state;
	begin_hanging(&command);
	uint32_t before = daemon_->key_id;
	assert_int_equal(pthread_create(&thread, NULL, hang, NULL), 0);
	clock_sleep_ms(200);
	uint64_t began_ms = clock_steady_ms();
	sluice_end(&daemon_->sluice); /* as closing does first: tills are not kept waiting */
	pthread_join(thread, NULL);
	assert_int_equal(hung_look_up, ERR_TIMEOUT);
	daemon_close(&daemon_);
	assert_true(clock_steady_ms() - began_ms < 5000);
	kill(here.serve.pid, SIGCONT);
	child_end(&command);
	start();
	for (int i = 0; i < 1000 && daemon_->key_id == before; i++)
		clock_sleep_ms(20);
	assert_int_not_equal(daemon_->key_id, before);
	assert_int_equal(look_up("4712"), ERR_OK);
	assert_int_equal(RUN(&here, BROKER, NULL, "findings"), 0);
	assert_null(strstr(here.last.out, "two places"));
}

/* The broker takes neither key: said, and tills are served on by the copy; the rest is refused as before. */
static void test_revoked(void **state)
{
	uint32_t id = 0, before = daemon_->key_id;

	(void)state;
	assert_int_equal(RUN(&here, BROKER, NULL, "key", "revoke", "12", "--reason", "stolen"), 0);
	assert_int_equal(daemon_rotate(daemon_, &id, &fault), ERR_PRINCIPAL);
	assert_int_equal(daemon_->key_id, before);
	assert_int_equal(look_up("4712"), ERR_PRINCIPAL); /* not ERR_TIMEOUT: nobody waits in vain */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lookups_go_on_meanwhile),
		cmocka_unit_test(test_the_command_and_the_status),
		cmocka_unit_test(test_without_the_broker_nothing_is_begun),
		cmocka_unit_test(test_gone_on_with_after_a_start),
		cmocka_unit_test(test_closed_while_the_broker_hangs),
		cmocka_unit_test(test_revoked),
	};

	if (keys_init() != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, begin, end);
}
