/* What a library hears of a peer that has gone. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "kluis/sendmsg.h"

static ssize_t send_byte(int descriptor)
{
	struct iovec part = {.iov_base = "x", .iov_len = 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	return sendmsg(descriptor, &message, MSG_NOSIGNAL);
}

static void test_libraries_find_it(void **state)
{
	(void)state;
	assert_true(sendmsg_is_ours());
}

static void test_sends(void **state)
{
	int ends[2];
	char byte = 0;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(send_byte(ends[0]), 1);
	assert_int_equal(read(ends[1], &byte, 1), 1);
	assert_int_equal(byte, 'x');
	close(ends[0]);
	close(ends[1]);
}

static void test_a_peer_that_has_gone_has_reset_the_connection(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	close(ends[1]);
	assert_int_equal(send_byte(ends[0]), -1);
	assert_int_equal(errno, ECONNRESET);
	close(ends[0]);
}

static void test_other_errors_stay(void **state)
{
	(void)state;
	assert_int_equal(send_byte(-1), -1);
	assert_int_equal(errno, EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_libraries_find_it),
		cmocka_unit_test(test_sends),
		cmocka_unit_test(test_a_peer_that_has_gone_has_reset_the_connection),
		cmocka_unit_test(test_other_errors_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
