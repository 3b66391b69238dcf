/*
 * What the vault asks of the notices (handle_notice.c).
 *
 * Threads: as the context.
 */
#ifndef KLUIS_NOTICES_H
#define KLUIS_NOTICES_H

#include "core/handler.h"

/* The words of every notice about the customer go; that there was one stays (FORMAT.md R150). */
enum err notices_erase(struct context *context, struct slice customer) MUST_USE;

#endif
