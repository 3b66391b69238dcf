/*
 * How many files and connections this process has open. nng 1.5.2 can stop giving back closed connections: its one
 * thread for that waits for ever for one over TLS that was closed between two parts of a message (nni_aio_begin on the
 * next part fails and calls nobody back). A broker that serves on would slowly run out. So it watches, and stops in
 * time to be started afresh by its service manager; nothing is lost by that.
 *
 * Threads: any.
 */
#ifndef KLUIS_BROKER_SERVER_DESCRIPTORS_H
#define KLUIS_BROKER_SERVER_DESCRIPTORS_H

#include <stdbool.h>

/* True if more than three quarters of what it may open are open. */
bool descriptors_are_short(void);

#endif
