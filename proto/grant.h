/*
 * An agreement while its text is being read: what agreement_read.c and grant.c share.
 *
 * Threads: a draft belongs to one thread.
 */
#ifndef KLUIS_PROTO_GRANT_H
#define KLUIS_PROTO_GRANT_H

#include "kluis/agreement.h"
#include "kluis/ini.h"

struct agreement_draft {
	struct agreement *agreement;
	const struct charter *charter;
	/* by grant, resolved when its whole section is read: "phone:last4" */
	char **masks[GRANTS_MAX];
	size_t mask_count[GRANTS_MAX];
	bool has_hours[GRANTS_MAX];
};

/* The text that is being read, for faults found after it was read. */
struct agreement_source {
	struct slice text;
	const char *name;
	struct fault *fault;
};

/* Takes a key of a [grant <name>] section; target is the draft. */
enum err grant_take(void *target, const char *section_name, const char *key, char *value, struct arena *arena,
		    struct fault *fault) MUST_USE;

/* What must hold between a grant's keys, and between it and its agreement; resolves the masks. ERR_PAPER. */
enum err grant_check(const struct agreement_source *source, struct agreement_draft *draft, size_t place) MUST_USE;

/* "YYYY-MM-DD" or a time in UTC, in seconds. ERR_INPUT. */
enum err time_take(const char *value, uint64_t *ret_time_s, struct fault *fault) MUST_USE;

#endif
