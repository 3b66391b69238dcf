/*
 * Employees' PINs and how often they may be tried. A PIN is 4 to 64 bytes of text, kept as an Argon2id hash
 * (libsodium's "interactive" cost) beside the roster row. None is set for somebody else by default: who is added has no
 * PIN and cannot open a session until one was set.
 *
 * After STAFF_TRIES wrong ones in a row the employee waits, longer each time; after STAFF_TRIES_MAX the PIN is locked
 * until a manager (or whoever holds the agent's folder) sets a new one. Tries are counted on disk before the PIN is
 * looked at, so a restart gives none back. All wrong answers take the same time and say the same, also for a handle
 * that does not exist.
 *
 * Threads: any; the store's lock.
 */
#ifndef KLUIS_AGENT_STAFF_H
#define KLUIS_AGENT_STAFF_H

#include "replica.h"

#define STAFF_PIN_MIN 4
#define STAFF_PIN_MAX 64
#define STAFF_TRIES 3	   /* then 30 s, doubled each time */
#define STAFF_TRIES_MAX 10 /* then locked */

/* Sets a PIN and forgets wrong tries. ERR_VALUE: too short, too long, or one character repeated. ERR_NOT_FOUND. */
enum err staff_set_pin(const struct replica *replica, const char *handle, struct slice pin) MUST_USE;
/* ERR_OK and the employee, if the PIN is right; else ERR_FORBIDDEN (wrong, none set, no such employee), ERR_BUSY
 * (wait: *ret_wait_ms), ERR_STATE (locked). */
enum err staff_check_pin(const struct replica *replica, const char *handle, struct slice pin, uint64_t now_ms,
			 struct replica_employee *ret_employee, uint64_t *ret_wait_ms) MUST_USE;
/* How it stands with one: for lists. */
struct staff_standing {
	bool has_pin, is_locked;
	unsigned wrong; /* in a row */
};
enum err staff_standing(const struct replica *replica, const char *handle,
			struct staff_standing *ret_standing) MUST_USE;

/* Where it lies in REPLICA_STAFF: beside the employee's row, whose key is the handle alone (1 to NAME_MAX_ bytes).
 * Removing an employee removes it; whoever walks the table for employees skips it. */
#define STAFF_KEY_MAX (NAME_MAX_ + 4)
struct slice staff_pin_key(struct slice handle, uint8_t place[static STAFF_KEY_MAX]);
bool staff_is_pin_key(struct slice key);

#endif
