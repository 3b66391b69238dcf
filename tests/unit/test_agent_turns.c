/* Two commands in one agent's folder: the second waits its turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "home.h"
#include "kluis/clock.h"
#include "kluis/file.h"

#include "fail.h"
#include "scratch.h"
#include "test_keys.h"
#include "vector.h"

#define HOLD_MS 200

static char scratch[SCRATCH_MAX], folder[SCRATCH_MAX + 16];
static struct fault fault;

static int set_up(void **state)
{
	struct secret_key starts_libsodium = test_seed_key("example.com/kluis/log", 2);
	struct arena arena CLEANUP(arena_fini) = {0};
	struct bytes golden CLEANUP(bytes_fini) = vector_read("invitation.txt");
	struct invitation invitation;

	(void)state;
	secret_key_fini(&starts_libsodium);
	arena_init(&arena, 1 << 20);
	scratch_new(scratch);
	snprintf(folder, sizeof(folder), "%s/agent", scratch);
	fault.text[0] = '\0';
	if (invitation_parse(bytes_slice(&golden), "golden", &arena, &invitation, NULL) != ERR_OK)
		return -1;
	return home_create(folder, &invitation, NULL) == ERR_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	scratch_remove(scratch);
	return 0;
}

/* Another process that works in the folder for a while and then goes, killed or not; it says when it has the folder,
 * and last at what time it goes. */
static pid_t somebody_works(int ready[2])
{
	pid_t pid = fork();

	if (pid == 0) {
		char path[HOME_PATH_MAX];
		int lock = -1;
		bool is_locked =
			home_path(folder, "lock", path, NULL) == ERR_OK && file_lock(path, &lock, NULL) == ERR_OK;
		if (write(ready[1], is_locked ? "y" : "n", 1) == 1)
			clock_sleep_ms(HOLD_MS);
		uint64_t gone_ms = clock_steady_ms();
		_exit(write(ready[1], &gone_ms, sizeof(gone_ms)) == sizeof(gone_ms) ? 0 : 1);
	}
	return pid;
}

static void test_agent_open_waits_its_turn(void **state)
{
	static struct agent agent;
	int ready[2];
	char answer = 'n';

	(void)state;
	assert_int_equal(pipe(ready), 0);
	pid_t pid = somebody_works(ready);
	assert_true(pid > 0);
	assert_int_equal(read(ready[0], &answer, 1), 1);
	assert_int_equal(answer, 'y');
	uint64_t gone_ms;
	assert_int_equal(agent_open(&agent, folder, &fault), ERR_OK);
	uint64_t opened_ms = clock_steady_ms();
	assert_int_equal(read(ready[0], &gone_ms, sizeof(gone_ms)), sizeof(gone_ms));
	assert_true(opened_ms >= gone_ms);
	assert_string_equal(fault.text, "");
	agent_close(&agent);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(ready[0]);
	close(ready[1]);
}

/* What one opened, the next can open once it is closed. */
static void test_agent_close_gives_everything_back(void **state)
{
	static struct agent agent;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(agent_open(&agent, folder, &fault), ERR_OK);
		agent_close(&agent);
		assert_int_equal(agent.lock, -1);
		agent_close(&agent); /* twice is as good */
	}
}

static enum err open_and_close(void *context)
{
	static struct agent agent;

	(void)context;
	TRY(agent_open(&agent, folder, NULL));
	agent_close(&agent);
	return ERR_OK;
}

/* Out of memory at any point: no lock, no store stays behind in the way of the next one. */
static void test_agent_open_without_memory(void **state)
{
	(void)state;
	fail_sweep(FAIL_MEMORY, open_and_close, NULL);
	assert_int_equal(open_and_close(NULL), ERR_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_agent_open_waits_its_turn),
		TEST(test_agent_close_gives_everything_back),
		TEST(test_agent_open_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
