#include "kluis/sendmsg.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

typedef ssize_t (*sender)(int, const struct msghdr *, int);

/* Not the system call itself: a sanitizer watches sendmsg too. */
static sender next_sendmsg(void)
{
	static _Atomic(sender) found;
	sender next = atomic_load_explicit(&found, memory_order_acquire);

	if (next == NULL) {
		void *symbol = dlsym(RTLD_NEXT, "sendmsg");
		memcpy(&next, &symbol, sizeof(next)); /* dlsym(3): no cast in ISO C */
		atomic_store_explicit(&found, next, memory_order_release);
	}
	return next;
}

ssize_t sendmsg(int descriptor, const struct msghdr *message, int flags)
{
	sender next = next_sendmsg();

	if (next == NULL) {
		errno = ENOSYS;
		return -1;
	}
	ssize_t sent = next(descriptor, message, flags);
	if (sent < 0 && errno == EPIPE)
		errno = ECONNRESET;
	return sent;
}

bool sendmsg_is_ours(void)
{
	void *symbol = dlsym(RTLD_DEFAULT, "sendmsg");
	sender seen;

	memcpy(&seen, &symbol, sizeof(seen));
	return seen == sendmsg;
}
