/*
 * What the broker's clock shows, estimated by a machine whose own clock may be wrong by hours or be set back: the
 * time of the last entry received, and what has passed since by a clock that only runs forward (CLOCK_BOOTTIME).
 * Over a restart without contact the wall clock is asked, corrected by what it was off at the last
 * contact; the estimate never goes back, so a clock set back does not lengthen a lease.
 *
 * One exception: a wall clock that was far ahead at the start would end every lease for as long. So the first contact
 * of a run, which tells the time for certain, may put right by more than JOURNAL_TOLERANCE_MS what rested on the wall
 * clock alone.
 *
 * Threads: the caller's lock.
 */
#ifndef KLUIS_AGENT_TIMEKEEPER_H
#define KLUIS_AGENT_TIMEKEEPER_H

#include "kluis/bytes.h"

/* This machine's clocks at one moment. */
struct moment {
	uint64_t wall_ms;   /* since 1970 */
	uint64_t steady_ms; /* since boot, also while suspended */
};

struct timekeeper {
	bool has_contact;    /* ever */
	int64_t offset_ms;   /* broker's minus wall, at the last contact */
	uint64_t latest_ms;  /* the latest estimate ever given out: persisted now and then */
	uint64_t contact_ms; /* broker's time at the last contact of this run, 0: none yet */
	uint64_t contact_steady_ms;
	uint64_t start_ms, start_steady_ms; /* estimate at the start of this run */
	bool is_set_back; /* the wall clock was found behind latest_ms at the start, by over JOURNAL_TOLERANCE_MS */
};

/* TIMEKEEPER_SIZE bytes to keep, and back; a fresh one from an empty slice. ERR_CORRUPT. */
#define TIMEKEEPER_SIZE 17
enum err timekeeper_load(struct slice kept, struct moment now, struct timekeeper *ret_timekeeper) MUST_USE;
void timekeeper_keep(const struct timekeeper *timekeeper, uint8_t ret_kept[static TIMEKEEPER_SIZE]);
/* An entry of the broker's with this time was received, in answer to a request first sent in this run (a request of an
 * earlier run that is sent again is answered by its old entry). Later in a run, an entry more than
 * JOURNAL_TOLERANCE_MS behind the estimate is such an old one and tells nothing. */
void timekeeper_contact(struct timekeeper *timekeeper, uint64_t entry_ms, struct moment now);
/* The estimate, never less than one given out before but for the exception above. */
uint64_t timekeeper_now_ms(struct timekeeper *timekeeper, struct moment now);

#endif
