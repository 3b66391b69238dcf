/*
 * The one writer: a thread that takes all prepared requests that wait, has
 * them committed together with one fsync, and hands each back to be
 * answered. While it waits for the disk the next batch gathers, so the more
 * is asked, the more share a commit; and where several shared the last one, it waits up to 2 ms for as many
 * again. Who asks alone never waits. It also has checkpoints signed: at batch
 * boundaries, at most every CHECKPOINT_INTERVAL_MS, and once after the last batch; and the rounds of
 * witnesses begun and ended when it is time.
 *
 *     committer_push (any thread) ─▶ [waiting] ─▶ core commit ─▶ release(owner) ─▶ tell(news) ─▶ checkpoint, round
 *
 * Threads: push from any thread; stop from the one that made it.
 */
#ifndef KLUIS_BROKER_SERVER_COMMITTER_H
#define KLUIS_BROKER_SERVER_COMMITTER_H

#include "server/server_core.h"

struct committer;

/* Called on the committer's thread when owner's request was committed, or was not and its reply says so. */
typedef void (*committer_release)(void *owner);

/* Called on the committer's thread after a commit's requests were released: who sees something else now. */
typedef void (*committer_tell)(void *listener, const struct core_news *news);

/* Starts the thread. core and listener must outlive it. */
enum err committer_new(const struct server_core *core, committer_release release, committer_tell tell, void *listener,
		       struct committer **ret_committer) MUST_USE;
/* prepared must live until owner is released. No more than REQUESTS_IN_SERVER may wait at once (asserted). */
void committer_push(struct committer *committer, struct prepared *prepared, void *owner);
/* Commits what waits, releases it, has a last checkpoint signed, ends the thread. Nothing may be pushed any more. */
void committer_stop(struct committer **committer);

#endif
