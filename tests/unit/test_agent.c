/* An agent's folder opened: one command at a time, papers checked, requests of killed commands settled first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "headquarters.h"
#include "home.h"
#include "kluis/file.h"

static struct agent agent, second;
static struct fault fault;
static char folder[HEADQUARTERS_PATH_MAX];

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(keys_init(), ERR_OK);
	headquarters_begin(&here);
	headquarters_store(&here, 12);
	snprintf(folder, sizeof(folder), "%s", headquarters_path(&here, "store-12"));
	fault.text[0] = '\0';
	agent = second = (struct agent){.lock = -1};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	agent_close(&agent);
	agent_close(&second);
	headquarters_end(&here);
	return 0;
}

static enum err ask(enum err *ret_verdict)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Agreements agreements = KLUIS__AGREEMENTS__INIT;
	struct agent_call call = {.operation = &operation, .is_outside_agreement = true};
	struct session_answer answer;

	arena_init(&arena, REQUEST_ARENA_MAX);
	agreements.has_store = *ret_verdict != ERR_OK;
	agreements.store = 13;
	operation.kind_case = KLUIS__OPERATION__KIND_AGREEMENTS;
	operation.agreements = &agreements;
	TRY(agent_send(&agent, &call, &arena, &answer, &fault));
	*ret_verdict = agent_verdict(&answer, &fault);
	return ERR_OK;
}

static void test_open_connect_ask(void **state)
{
	enum err verdict = ERR_OK;

	(void)state;
	assert_int_equal(agent_open(&agent, folder, &fault), ERR_OK);
	assert_string_equal(agent.membership.principal, "minimal.example/kluis/store/12");
	assert_int_equal(agent_load_agreement(&agent, &fault), ERR_OK);
	assert_int_equal(agent.agreement->store, 12);
	assert_int_equal(agent_connect(&agent, LANE_TILL, &fault), ERR_OK);
	assert_int_equal(ask(&verdict), ERR_OK);
	assert_int_equal(verdict, ERR_OK);
	verdict = ERR_STORE; /* another store's */
	assert_int_equal(ask(&verdict), ERR_OK);
	assert_int_equal(verdict, ERR_STORE);
	assert_memory_equal(fault.text, "refused: unknown store (log entry ", 34);
}

static void test_open_what_is_no_agent(void **state)
{
	(void)state;
	assert_int_equal(agent_open(&agent, here.broker, &fault), ERR_NOT_FOUND);
	assert_non_null(strstr(fault.text, "is not an agent's folder; 'kluis-agent join INVITATION' makes one"));
	assert_int_equal(agent.lock, -1);
	fault.text[0] = '\0';
	assert_int_equal(chmod(folder, 0755), 0);
	assert_int_equal(agent_open(&agent, folder, &fault), ERR_MODE);
	assert_int_equal(chmod(folder, 0700), 0);
	char path[HOME_PATH_MAX];
	assert_int_equal(home_path(folder, "seal.key", path, &fault), ERR_OK);
	assert_int_equal(chmod(path, 0640), 0);
	fault.text[0] = '\0';
	assert_int_equal(agent_open(&agent, folder, &fault), ERR_MODE);
	assert_non_null(strstr(fault.text, "seal.key"));
	assert_int_equal(chmod(path, 0600), 0);
	fault.text[0] = '\0';
	assert_int_equal(agent_open(&agent, folder, &fault), ERR_OK);
}

/* The papers on this disk are not believed: both signatures are looked at each time. */
static void test_papers_that_were_changed(void **state)
{
	char path[HOME_PATH_MAX];
	struct bytes note CLEANUP(bytes_fini) = {0};

	(void)state;
	assert_int_equal(agent_open(&agent, folder, &fault), ERR_OK);
	assert_int_equal(home_path(folder, "agreement.note", path, &fault), ERR_OK);
	bytes_init(&note, PAPER_MAX);
	assert_int_equal(file_read(path, &note, &fault), ERR_OK);
	uint8_t *hours = memmem(note.data, note.length, "mon-sun", 7);
	assert_non_null(hours);
	hours[4] = 'f', hours[5] = 'r', hours[6] = 'i';
	assert_int_equal(file_write(path, bytes_slice(&note), 0600, &fault), ERR_OK);
	assert_int_equal(agent_load_agreement(&agent, &fault), ERR_SIGNATURE);
	assert_null(agent.agreement);
	assert_int_equal(unlink(path), 0);
	fault.text[0] = '\0';
	assert_int_equal(agent_load_agreement(&agent, &fault), ERR_NO_AGREEMENT);
	assert_non_null(strstr(fault.text, "kluis-agent agreement sign"));
}

static enum err nobody_answers(void *context, struct slice message, struct bytes *ret_reply)
{
	(void)context, (void)message, (void)ret_reply;
	return ERR_TIMEOUT;
}

/* A killed command's request goes first; the next one's answer is its own. */
static void test_what_a_killed_command_left(void **state)
{
	enum err verdict = ERR_STORE;

	(void)state;
	assert_int_equal(agent_open(&agent, folder, &fault), ERR_OK);
	assert_int_equal(agent_connect(&agent, LANE_TILL, &fault), ERR_OK);
	agent.session.exchange = (struct exchange){.send = nobody_answers};
	assert_int_equal(ask(&verdict), ERR_TIMEOUT);
	agent_close(&agent);
	fault.text[0] = '\0';
	assert_int_equal(agent_open(&agent, folder, &fault), ERR_OK);
	assert_int_equal(agent_connect(&agent, LANE_TILL, &fault), ERR_OK);
	assert_true(agent.session.has_pending);
	verdict = ERR_OK;
	assert_int_equal(ask(&verdict), ERR_OK);
	assert_int_equal(verdict, ERR_OK);
	assert_string_equal(fault.text, "");
	assert_int_equal(agent.session.sequence, 2);
}

/* Another broker's certificate, or none: nothing is sent. */
static void test_connect_with_a_wrong_certificate(void **state)
{
	char path[HOME_PATH_MAX];

	(void)state;
	assert_int_equal(agent_open(&agent, folder, &fault), ERR_OK);
	assert_int_equal(home_path(folder, "broker.crt", path, &fault), ERR_OK);
	assert_int_equal(file_write(path, slice_text("no certificate\n"), 0600, &fault), ERR_OK);
	assert_int_not_equal(agent_connect(&agent, LANE_TILL, &fault), ERR_OK);
	assert_int_equal(unlink(path), 0);
	fault.text[0] = '\0';
	assert_int_equal(agent_connect(&agent, LANE_TILL, &fault), ERR_CERTIFICATE);
	assert_non_null(strstr(fault.text, "join again"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_open_connect_ask),
		TEST(test_open_what_is_no_agent),
		TEST(test_papers_that_were_changed),
		TEST(test_what_a_killed_command_left),
		TEST(test_connect_with_a_wrong_certificate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
