/*
 * The store's own changes of its roster: here and, by a logged operation, at the broker. By commands on the folder and
 * by the running daemon alike (run/office.h).
 *
 * Threads: the agent's.
 */
#ifndef KLUIS_AGENT_OFFICE_STAFF_H
#define KLUIS_AGENT_OFFICE_STAFF_H

#include "home.h"

/* Taken off here, but the broker has not said yet that it knows. */
bool office_staff_is_leaving(const struct replica_employee *employee);
/* ERR_NOT_FOUND, also for what is no handle. */
enum err office_staff_find(const struct agent *agent, const char *handle,
			   struct replica_employee *ret_employee) MUST_USE;
/* Adds an employee, or gives one another role. name: of who is new; ignored for who is there. The session is on
 * LANE_ADMIN. ERR_USAGE for what is no handle, role or name; ERR_STATE while somebody under the handle is leaving. */
enum err office_staff_put(struct agent *agent, const char *handle, const char *role, const char *name,
			  struct fault *fault) MUST_USE;
/* Takes an employee off here, at once and without the broker. ERR_NOT_FOUND. */
enum err office_staff_leave(struct agent *agent, const char *handle, struct fault *fault) MUST_USE;
/* After that: tells the broker and forgets the pseudonym. May be done again. */
enum err office_staff_remove(struct agent *agent, const char *handle, struct fault *fault) MUST_USE;

#endif
