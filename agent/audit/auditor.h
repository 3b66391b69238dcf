/*
 * The auditor's own folder: the key, made here (R6), what the invitation said, and the lane's memory.
 *
 *     auditor.key  log.vkey  controller.vkey  broker.crt  lane-0
 *     broker       the broker's address; written last, so that a folder without it has not joined
 *
 * Threads: one.
 */
#ifndef AUDIT_AUDITOR_H
#define AUDIT_AUDITOR_H

#include "copy.h"
#include "kluis/arena.h"
#include "kluis/session.h"

struct link;

/* One connection of a joined auditor. */
struct auditor {
	char folder[MIRROR_FOLDER_MAX];
	struct secret_key key;
	struct public_key log, controller;
	struct link *link;
	struct session session;
	struct arena arena; /* of the last call */
};

/*
 * Takes up the invitation in a file and makes folder. Prints what the person has to compare to standard output (R63).
 * A run that was cut off is continued. ERR_EXISTS: the folder has joined already. ERR_CODE, ERR_NETWORK ...
 */
enum err auditor_join(const char *invitation, const char *folder, struct fault *fault) MUST_USE;

/* Opens the folder and connects; a request whose answer was not seen is sent again first. */
enum err auditor_open(const char *folder, struct auditor *ret_auditor, struct fault *fault) MUST_USE;
void auditor_close(struct auditor *auditor);

/* After mirroring: keeps the certificates of the trust that the mirror's notes come to, so that the broker is known by
 * the next one too. */
enum err auditor_keep_trust(struct auditor *auditor, const char *mirror, struct fault *fault) MUST_USE;

/* After mirroring: asks for the checkpoint that witnesses have cosigned and keeps it in the mirror (cosigned.h).
 * *ret_is_kept is false when there is none yet, or only a newer one than the mirror. */
enum err auditor_keep_cosigned(struct auditor *auditor, const char *mirror, bool *ret_is_kept,
			       struct fault *fault) MUST_USE;

/* The log as this auditor's requests read it: each of them is an entry itself. auditor must outlive it. */
struct copy_source auditor_source(struct auditor *auditor);

#endif
