/*
 * Which keys the broker has by the trust note in force, and the version that follows it (FORMAT.md R141): for head
 * office's commands.
 *
 * Threads: main thread only.
 */
#ifndef KLUIS_BROKER_SUCCESSION_H
#define KLUIS_BROKER_SUCCESSION_H

#include "command/office.h"
#include "kluis/trust.h"

/* The trust in force; before the first note what invitations say, as version 0: log.key and tls.crt. In the arena. */
enum err succession_read(struct office *office, struct arena *arena, struct trust *ret_trust,
			 struct fault *fault) MUST_USE;
/* Signs next (whose version, place and origin are filled in from before) with head office's key and those of the log
 * that R141 asks for, as far as the folder has them, and enters it. */
enum err succession_enter(struct office *office, const struct trust *before, struct trust *next,
			  struct fault *fault) MUST_USE;

/* The number of the folder's file with that key of the log; 0: none. */
enum err succession_log_number(const char *folder, const struct public_key *log, uint32_t *ret_number,
			       struct fault *fault) MUST_USE;

/* A rotation of the log's key or the broker's certificate, by the two steps that its command takes: with --finish the
 * second. Opens the office and reads the trust in force for it; next, to be filled in, and whatever it allocates live
 * in the arena. */
typedef enum err succession_step(struct office *office, const struct trust *before, struct trust *next,
				 struct arena *arena, struct fault *fault);
enum err succession_run(const struct settings *settings, succession_step *begin, succession_step *finish,
			struct fault *fault) MUST_USE;

#endif
