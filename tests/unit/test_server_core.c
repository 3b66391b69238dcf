/* The server's table is the core. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "server/server_core.h"

static void test_server_core_is_the_core(void **state)
{
	(void)state;
	int place = 0;
	struct core *core = (struct core *)(void *)&place;
	struct server_core table = server_core_of(core);
	assert_ptr_equal(table.core, core);
	assert_true(table.prepare == core_prepare);
	assert_true(table.needs_commit == prepared_needs_commit);
	assert_true(table.trust == prepared_trust);
	assert_true(table.failure == prepared_failure);
	assert_true(table.commit == core_commit);
	assert_true(table.reply == core_reply);
	assert_true(table.prepared_free == prepared_free);
	assert_true(table.checkpoint == core_checkpoint);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_server_core_is_the_core)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
