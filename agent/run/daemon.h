/*
 * The store's daemon, without signals and without systemd: what kluis-agent run does, and a bench in one process many
 * times.
 *
 *     link ──┬─ keeper's thread   watch, papers, leases, pages, cosigning      LANE_SYNC
 *            ├─ courier's thread  outbox, journal, purge certificates          LANE_UPLOAD
 *            ├─ line              lookups of who is not in the copy            LANE_TILL
 *            └─ office            what the folder's owner has it do            LANE_ADMIN
 *     the till server's threads ─▶ desk ─▶ copy, journal, outbox, line
 *
 * Threads: open, start, tick, stop and close belong to one; it starts its own.
 */
#ifndef KLUIS_AGENT_RUN_DAEMON_H
#define KLUIS_AGENT_RUN_DAEMON_H

#include <jansson.h>

#include "kluis/error.h"

struct daemon;

/* Opens folder, copy, journal and outbox, each checked; begins to connect. ERR_IN_USE: another agent runs on it. */
enum err daemon_open(const char *folder, struct daemon **ret_daemon, struct fault *fault) MUST_USE;
/* Starts the threads and the tills' server. */
enum err daemon_start(struct daemon *daemon, struct fault *fault) MUST_USE;
/* Once a second: what is over is purged, time is kept, alarms are raised for what only shows over time. False: a thread
 * has not shown itself for so long that the process should be started afresh. */
bool daemon_tick(struct daemon *daemon);
/* One line for people: "online, 3 waiting". */
void daemon_line(struct daemon *daemon, char *ret_text, size_t size);
/* How it stands (status.h). */
json_t *daemon_status(struct daemon *daemon);
/* The port that tills are served on; 0: none. */
unsigned daemon_port(const struct daemon *daemon);
/* Stops what start started, within two seconds, keeps what is to be kept, frees. */
void daemon_close(struct daemon **daemon);

#endif
