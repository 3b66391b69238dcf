/*
 * A log to audit: what a broker's core wrote in the course of a story, taken out of it entry by entry, so that a test
 * can mirror it, and spoil it in one place.
 */
#ifndef TEST_AUDIT_LOG_H
#define TEST_AUDIT_LOG_H

#include "copy.h"
#include "finding.h"
#include "franchise.h"
#include "replay.h"

#define AUDIT_ENTRIES_MAX 2048
#define AUDIT_PAPERS_MAX 16

struct audit_log {
	struct arena arena;
	size_t count;
	struct slice entries[AUDIT_ENTRIES_MAX];
	size_t paper_count;
	struct slice hashes[AUDIT_PAPERS_MAX], papers[AUDIT_PAPERS_MAX];
	struct secret_key key; /* of the log */
	struct public_key controller;
	char scratch[SCRATCH_MAX];
	char mirror[SCRATCH_MAX + 16]; /* where audit_log_mirror writes */
	size_t shown;		       /* entries that the source shows: up to count */
	size_t asked;		       /* pages that were asked for */
	size_t page_max;	       /* entries in one page */
	size_t fails_at;	       /* the n-th page fails, 0: none */
};

/* Everything that was written so far. */
struct audit_log *audit_log_of(struct franchise *formula);
/* The whole story: two stores and what they do and are refused, more than 600 entries if is_long. */
struct audit_log *audit_log_story(bool is_long);
void audit_log_free(struct audit_log **log);

/* The log as a broker would show it. */
struct copy_source audit_log_source(struct audit_log *log);
/* Mirrors what is shown into log->mirror; ends the program if that fails. */
void audit_log_mirror(struct audit_log *log);

/* Decodes the entry at index, lets change spoil it, and puts it back. */
void audit_log_change(struct audit_log *log, size_t index, void (*change)(Kluis__Entry *entry, struct arena *arena));
/* Index of the n-th entry (from 0) whose first operation is of the kind; ends the program if there is none. */
size_t audit_log_find(struct audit_log *log, Kluis__Operation__KindCase kind, size_t n);

/* Collects findings as lines of text. */
struct finding_lines {
	size_t count;
	char first[1100], last[1100];
	char all[20000];
};
struct findings finding_lines_init(struct finding_lines *lines);

/* Mirrors the log anew and decides everything in it again. */
struct replay_counts audit_log_check(struct audit_log *log, struct finding_lines *ret_lines);

/* A lie that a broker might have logged: the n-th entry of the kind, spoilt by change; what must be said of that entry.
 */
struct audit_lie {
	Kluis__Operation__KindCase kind;
	size_t n;
	void (*change)(Kluis__Entry *entry, struct arena *arena);
	const char *finding;
};
/* Tells one lie at a time: a cmocka test fails unless audit_log_check names the entry and says that of it. */
void audit_log_tell(struct audit_log *log, const struct audit_lie *lies, size_t count);

/* Changes that more than one test makes, all of the first operation's result. */
void lie_permit(Kluis__Entry *entry, struct arena *arena);
void lie_refuse_by_hours(Kluis__Entry *entry, struct arena *arena);
void lie_turn_unchanged(Kluis__Entry *entry, struct arena *arena);

/* Calls look once, with the facts before the entry at index; a cmocka test fails unless it was called. */
void audit_log_look(struct audit_log *log, size_t index,
		    void (*look)(const struct state *state, const struct step *step));

/* The one of a test program, and what cmocka calls for it: the short story, or the long one with its mirror. */
extern struct audit_log *story;
int audit_log_set_up(void **state);
int audit_log_set_up_mirror(void **state);
int audit_log_tear_down(void **state);

#endif
