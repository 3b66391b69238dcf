/*
 * A peer that has gone is not the end of a listener.
 *
 * nng 1.5.2 gives "broken pipe" (EPIPE, a write to a connection whose peer has reset it) the code that stands for a
 * listener's own end (NNG_ECLOSED). Where that comes before both sides have said what they speak, which takes nothing
 * but a connection that is closed at the right moment, the listener never accepts again: connections are made, and
 * wait for ever. nng writes by sendmsg alone, so a program that listens has a sendmsg of its own, which says
 * "connection reset" (ECONNRESET) instead. That error nng takes for the peer's, and goes on.
 *
 * Threads: any.
 */
#ifndef KLUIS_SENDMSG_H
#define KLUIS_SENDMSG_H

#include <stdbool.h>

/* Whether libraries find this program's sendmsg before libc's. Who listens asserts it: by this the linker takes
 * sendmsg in, and what goes wrong in linking is seen at once. */
bool sendmsg_is_ours(void);

#endif
