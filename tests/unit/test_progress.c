/* The bar, on a terminal of the test's own. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kluis/clock.h"
#include "kluis/table.h"

static int saved_error, terminal;

/* Standard error becomes a pseudo terminal, whose other end is read. */
static int set_up(void **state)
{
	(void)state;
	terminal = posix_openpt(O_RDWR | O_NOCTTY);
	assert_true(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
	int other = open(ptsname(terminal), O_RDWR | O_NOCTTY);
	assert_true(other >= 0);
	saved_error = dup(STDERR_FILENO);
	dup2(other, STDERR_FILENO);
	close(other);
	fcntl(terminal, F_SETFL, O_NONBLOCK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	dup2(saved_error, STDERR_FILENO);
	close(saved_error);
	close(terminal);
	return 0;
}

static const char *drawn(void)
{
	static char text[4096];

	fflush(stderr);
	ssize_t length = read(terminal, text, sizeof(text) - 1);
	text[length < 0 ? 0 : length] = '\0';
	return text;
}

static void test_bar_with_a_total(void **state)
{
	struct progress progress;

	(void)state;
	progress_begin(&progress, "customers", 200);
	assert_true(progress.is_shown);
	clock_sleep_ms(110);
	progress_show(&progress, 100);
	const char *text = drawn();
	assert_non_null(strstr(text, "[###############...............] 100/200 customers, "));
	assert_non_null(strstr(text, " left"));
	progress_end(&progress);
	assert_string_equal(drawn(), "\r\033[K");
}

/* More than was said there would be does not run over the bar. */
static void test_bar_beyond_its_total(void **state)
{
	struct progress progress;

	(void)state;
	progress_begin(&progress, "rows", 10);
	clock_sleep_ms(110);
	progress_show(&progress, 25);
	assert_non_null(strstr(drawn(), "[##############################] 25/10 rows"));
	progress_end(&progress);
}

static void test_count_without_a_total(void **state)
{
	struct progress progress;

	(void)state;
	progress_begin(&progress, "rows", 0);
	clock_sleep_ms(110);
	progress_show(&progress, 12345);
	const char *text = drawn();
	assert_non_null(strstr(text, "12345 rows, "));
	assert_null(strchr(text, '#'));
	progress_end(&progress);
}

static void test_ten_times_a_second_at_most(void **state)
{
	struct progress progress;
	size_t redrawn = 0;

	(void)state;
	progress_begin(&progress, "rows", 1000);
	clock_sleep_ms(110);
	uint64_t began_ms = clock_steady_ms();
	for (uint64_t i = 0; i < 1000; i++)
		progress_show(&progress, i);
	uint64_t took_ms = clock_steady_ms() - began_ms;
	for (const char *at = drawn(); (at = strchr(at, '\r')) != NULL; at++)
		redrawn++;
	assert_in_range(redrawn, 1, 2 + took_ms / 100);
	progress_end(&progress);
}

static void test_nothing_without_a_terminal(void **state)
{
	struct progress progress;
	int file[2];

	(void)state;
	assert_int_equal(pipe2(file, O_NONBLOCK), 0);
	dup2(file[1], STDERR_FILENO);
	progress_begin(&progress, "rows", 10);
	assert_false(progress.is_shown);
	clock_sleep_ms(110);
	progress_show(&progress, 5);
	progress_end(&progress);
	fflush(stderr);
	char byte;
	assert_int_equal(read(file[0], &byte, 1), -1);
	close(file[0]);
	close(file[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bar_with_a_total),	       TEST(test_bar_beyond_its_total),
		TEST(test_count_without_a_total),      TEST(test_ten_times_a_second_at_most),
		TEST(test_nothing_without_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
