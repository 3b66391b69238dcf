/*
 * How a daemon is told to stop: SIGTERM and SIGINT as something to wait for.
 *
 * Threads: main thread only, before it starts others, so that all inherit what is blocked.
 */
#ifndef KLUIS_STOP_H
#define KLUIS_STOP_H

#include "kluis/error.h"

/* Readable once either signal came; neither ends the process any more. ERR_IO. */
enum err stop_open(int *ret_descriptor, struct fault *fault) MUST_USE;
/* Closes; the signals stay blocked. One that is not open (-1) is fine. */
void stop_close(int *descriptor);

#endif
