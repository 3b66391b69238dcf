/* kluis-agent join, interrupted: whatever the broker has heard, saying it again comes to one membership. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "headquarters.h"
#include "home.h"
#include "kluis/file.h"
#include "kluis/hash.h"

static char paper[HEADQUARTERS_PATH_MAX];

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(keys_init(), ERR_OK);
	headquarters_begin(&here);
	assert_int_equal(RUN(&here, BROKER, NULL, "store", "open", "12", "Zeist", "NL"), 0);
	snprintf(paper, sizeof(paper), "%s", headquarters_invitation(&here, 12));
	return 0;
}

static struct exchange broker;

static enum err nobody_answers(void *context, struct slice message, struct bytes *ret_reply)
{
	(void)context, (void)message, (void)ret_reply;
	return ERR_TIMEOUT;
}

static enum err answer_is_lost(void *context, struct slice message, struct bytes *ret_reply)
{
	struct bytes lost CLEANUP(bytes_fini) = {0};

	(void)context, (void)ret_reply;
	bytes_init(&lost, MESSAGE_MAX);
	TRY(broker.send(broker.context, message, &lost));
	return ERR_TIMEOUT;
}

static enum err send_join(struct agent *agent, const struct invitation *invitation, struct arena *arena)
{
	struct session_answer answer;
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Join join = KLUIS__JOIN__INIT;
	Kluis__JoinContent content = KLUIS__JOIN_CONTENT__INIT;
	struct agent_call call = {.operation = &operation, .is_outside_agreement = true};

	content.code = wire_data(SLICE_ARRAY(invitation->code));
	TRY(part_make(&content.base, arena, &call.part, &join.commitment));
	join.public_key = wire_data(SLICE_ARRAY(agent->key.public.key));
	operation.kind_case = KLUIS__OPERATION__KIND_JOIN;
	operation.join = &join;
	return agent_send(agent, &call, arena, &answer, NULL);
}

/* A join that ends, by whatever kills it, after its request has been sent this way and before an answer is there. */
static void join_and_die(enum err (*send)(void *, struct slice, struct bytes *))
{
	static struct agent agent;
	struct arena arena CLEANUP(arena_fini) = {0};
	struct bytes note CLEANUP(bytes_fini) = {0};
	struct invitation invitation;
	const char *folder = headquarters_path(&here, "store-12");

	arena_init(&arena, 1 << 23);
	bytes_init(&note, PAPER_MAX);
	assert_int_equal(file_read(paper, &note, NULL), ERR_OK);
	assert_int_equal(invitation_parse(bytes_slice(&note), paper, &arena, &invitation, NULL), ERR_OK);
	assert_int_equal(home_create(folder, &invitation, NULL), ERR_OK);
	assert_int_equal(agent_open(&agent, folder, NULL), ERR_OK);
	assert_int_equal(agent_connect(&agent, LANE_ADMIN, NULL), ERR_OK);
	broker = agent.session.exchange;
	agent.session.exchange = (struct exchange){.send = send};
	assert_int_equal(send_join(&agent, &invitation, &arena), ERR_TIMEOUT);
	agent_close(&agent);
}

static int join(const char *invitation)
{
	return RUN(&here, AGENT(12), NULL, "join", invitation);
}

static void assert_joined(void)
{
	assert_int_equal(RUN(&here, AGENT(12), NULL, "agreement", "show"), 3);
	assert_non_null(strstr(here.last.err, "has offered no agreement"));
	assert_int_equal(join(paper), 3);
	assert_non_null(strstr(here.last.err, "has joined already, as minimal.example/kluis/store/12"));
}

static void test_the_request_was_lost(void **state)
{
	(void)state;
	join_and_die(nobody_answers);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "status"), 0);
	assert_int_equal(join(paper), 0);
	assert_joined();
}

/* The broker has used the code up; the agent that asks again under its key is the one that it let in. */
static void test_the_answer_was_lost(void **state)
{
	(void)state;
	join_and_die(answer_is_lost);
	assert_int_equal(join(paper), 0);
	assert_non_null(strstr(here.last.out, "joined as minimal.example/kluis/store/12"));
	assert_joined();
}

/* Somebody else took the code meanwhile: the old request's refusal does not stand in a new invitation's way. */
static void test_the_code_was_used_meanwhile(void **state)
{
	(void)state;
	join_and_die(nobody_answers);
	assert_int_equal(RUN(&here, AGENT(13), NULL, "join", paper), 0);
	assert_int_equal(join(paper), 3);
	assert_non_null(strstr(here.last.err, "invitation code wrong, used or expired"));
	assert_int_equal(join(headquarters_invitation(&here, 12)), 0);
	assert_joined();
}

static void test_the_broker_is_away_when_it_is_resumed(void **state)
{
	(void)state;
	join_and_die(answer_is_lost);
	assert_int_equal(headquarters_stop(&here), 0);
	assert_int_equal(join(paper), 1);
	assert_non_null(strstr(here.last.err, here.listen));
	headquarters_serve(&here);
	assert_int_equal(join(paper), 0);
	assert_joined();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, headquarters_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_request_was_lost),
		TEST(test_the_answer_was_lost),
		TEST(test_the_code_was_used_meanwhile),
		TEST(test_the_broker_is_away_when_it_is_resumed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
