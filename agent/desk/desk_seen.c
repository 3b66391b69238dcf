/*
 * Which version of a record the broker has shown here: a change of somebody who is not in the copy is made on that one
 * (FORMAT.md R131), as a change of somebody in the copy is made on the copy's. The last few, in memory: who is changed
 * has been looked up shortly before.
 */
#include <string.h>

#include "desk/desk_internal.h"

/* NULL: not there. Under the lock. */
static struct desk_seen *find(struct desk *desk, const uint8_t customer[static PSEUDONYM_SIZE])
{
	for (size_t i = 0; i < DESK_SEEN; i++)
		if (desk->seen[i].version > 0 && memcmp(desk->seen[i].customer, customer, PSEUDONYM_SIZE) == 0)
			return &desk->seen[i];
	return NULL;
}

void desk_seen_put(struct desk *desk, const uint8_t customer[static PSEUDONYM_SIZE], uint32_t version)
{
	pthread_mutex_t *lock CLEANUP(desk_unlock) = desk_lock(&desk->seen_lock);
	struct desk_seen *seen = find(desk, customer);

	if (seen == NULL) {
		seen = &desk->seen[desk->seen_next++ % DESK_SEEN];
		*seen = (struct desk_seen){.version = 0};
		memcpy(seen->customer, customer, PSEUDONYM_SIZE);
	}
	/* answers may overtake each other */
	if (seen->version < version)
		seen->version = version;
	(void)lock;
}

uint32_t desk_seen_version(struct desk *desk, const uint8_t customer[static PSEUDONYM_SIZE])
{
	pthread_mutex_t *lock CLEANUP(desk_unlock) = desk_lock(&desk->seen_lock);
	const struct desk_seen *seen = find(desk, customer);

	(void)lock;
	return seen == NULL ? 0 : seen->version;
}
