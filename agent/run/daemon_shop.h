/*
 * A shop from an agent's folder, as it was left: papers, state, journal, outbox, time. For the daemon, and for commands
 * that look at a folder whose daemon does not run.
 *
 * Threads: open and close by one.
 */
#ifndef KLUIS_AGENT_RUN_DAEMON_SHOP_H
#define KLUIS_AGENT_RUN_DAEMON_SHOP_H

#include "home.h"
#include "shop.h"

/* The agent must outlive the shop. ERR_CORRUPT with a fault that names the record that was altered. ret_papers: NULL,
 * or what is wrong with agreement or charter, which is then taken for none: to look at, not to run. */
enum err daemon_shop_open(struct agent *agent, struct shop *ret_shop, struct fault *ret_papers,
			  struct fault *fault) MUST_USE;
void daemon_shop_close(struct shop *shop);
/* Keeps the time and the agreement's state for the next start. */
enum err daemon_shop_keep(struct shop *shop) MUST_USE;

#endif
