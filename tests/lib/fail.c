#include "fail.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

/* More failing calls than any test makes: a sweep that goes on for ever is an error. */
#define SWEEP_MAX 20000
/* Odd: where two calls take turns, each comes up. */
#define ALIKE_STEP 31

static atomic_uint armed_kinds;
static atomic_uint calls_left;

void fail_begin(unsigned kinds, unsigned n)
{
	atomic_store(&calls_left, n);
	atomic_store(&armed_kinds, kinds);
}

bool fail_end(void)
{
	atomic_store(&armed_kinds, 0);
	return atomic_load(&calls_left) == 0;
}

bool fail_now(unsigned kind)
{
	unsigned left;

	if ((atomic_load_explicit(&armed_kinds, memory_order_relaxed) & kind) == 0)
		return false;
	left = atomic_load(&calls_left);
	while (left > 0 && !atomic_compare_exchange_weak(&calls_left, &left, left - 1))
		;
	return left == 1;
}

void fail_sweep(unsigned kinds, enum err (*run)(void *context), void *context)
{
	fail_sweep_alike(kinds, 0, 0, run, context);
}

void fail_sweep_alike(unsigned kinds, unsigned from, unsigned to, enum err (*run)(void *context), void *context)
{
	for (unsigned n = 1; n <= SWEEP_MAX; n += n > from && n < to ? ALIKE_STEP : 1) {
		bool has_failed;
		enum err err;

		fail_begin(kinds, n);
		err = run(context);
		has_failed = fail_end();
		if (!has_failed) {
			assert_int_equal(err, ERR_OK);
			return;
		}
		if (err == ERR_OK)
			fail_msg("call %u failed and nobody noticed", n);
	}
	fail_msg("more than %d calls", SWEEP_MAX);
}

/* The linker sends each call of kluis to __wrap_<name>, and __real_<name> to the true one. */

/* clang-format off */
#define WRAP(type, name, parameters, arguments, kind, error, failed)                                                   \
	type __real_##name parameters;                                                                                 \
	type __wrap_##name parameters;                                                                                 \
	type __wrap_##name parameters                                                                                  \
	{                                                                                                              \
		if (fail_now(kind)) {                                                                                  \
			errno = (error);                                                                               \
			return (failed);                                                                               \
		}                                                                                                      \
		return __real_##name arguments;                                                                        \
	}

WRAP(void *, malloc, (size_t size), (size), FAIL_MEMORY, ENOMEM, NULL)
WRAP(void *, calloc, (size_t count, size_t size), (count, size), FAIL_MEMORY, ENOMEM, NULL)
WRAP(void *, realloc, (void *place, size_t size), (place, size), FAIL_MEMORY, ENOMEM, NULL)
WRAP(void *, sodium_malloc, (size_t size), (size), FAIL_MEMORY, ENOMEM, NULL)
WRAP(ssize_t, write, (int file, const void *place, size_t count), (file, place, count), FAIL_DISK, EIO, -1)
WRAP(int, fsync, (int file), (file), FAIL_DISK, EIO, -1)
WRAP(int, rename, (const char *from, const char *to), (from, to), FAIL_DISK, EIO, -1)
WRAP(int, link, (const char *from, const char *to), (from, to), FAIL_DISK, EIO, -1)
WRAP(int, mkostemp, (char *path, int flags), (path, flags), FAIL_DISK, EIO, -1)
