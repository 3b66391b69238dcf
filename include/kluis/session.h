/*
 * One lane of conversation with a broker: numbers, signs and keeps requests so
 * that a crash at any instant neither loses one nor sends two under a number
 * (FORMAT.md R34-R37). Used by the agent, the auditor and head office's
 * own commands alike.
 *
 * Before a request leaves, it is on disk (file "lane-<n>" in the session's folder,
 * sealed under a key derived from the signing key, written anew and renamed,
 * fsynced). After a crash session_resume sends the very same bytes and the
 * broker gives the same reply (R34). So one durable save a request is enough:
 *
 *     save(n, acknowledgement of n-1, bytes of n) ─▶ send ─▶ reply, kept in memory
 *     save(n+1, acknowledgement of n, bytes of n+1) ─▶ ...
 *
 * What a crash after a reply leaves behind is a pending request whose answer
 * the broker gives again. Two more saves happen off that path: session_close
 * leaves a settled state, and a refusal without entry takes the request off the disk
 * at once, for what was reported as refused must not be sent again later.
 *
 * A reply without an entry has used no number (R36), so the next request takes it. But
 * the bytes are given up only by a call that had every one of its tries answered: while a try
 * stands unanswered, a copy of them may still be on its way and be executed. Such a
 * call returns the refusal and leaves the request pending for session_resume; so do ERR_BUSY and ERR_CLOCK in
 * session_resume, since the broker says them without looking whether it has done the request before.
 * Should a copy turn up even later, the broker answers one of the two with ERR_REUSED: never are both executed.
 *
 * Threads: a session belongs to one thread; lanes are independent of each other.
 */
#ifndef KLUIS_SESSION_H
#define KLUIS_SESSION_H

#include "kluis/entry.h"

/* How bytes get to a broker and an answer back: nng (link.h) or a simulation. */
struct exchange {
	void *context;
	/* Appends the reply to ret_reply. ERR_NETWORK, ERR_TIMEOUT: nothing is known of what became of it. */
	enum err (*send)(void *context, struct slice message, struct bytes *ret_reply);
	/* Waits a little before the next try (attempt counts from 0), since the broker is busy or away. May be NULL. */
	void (*pause)(void *context, unsigned attempt);
};

/* What a lane remembers, and where: files (session_files) or a simulation's disk. */
struct session_memory {
	void *context;
	/* ERR_NOT_FOUND for a lane never used. */
	enum err (*load)(void *context, uint32_t lane, struct bytes *ret_state);
	/* Durable when it returns. */
	enum err (*save)(void *context, uint32_t lane, struct slice state);
};

/* Memory in files "<folder>/lane-<n>"; context is the folder's path as a C string. */
struct session_memory session_files(const char *folder);

struct session {
	const struct secret_key *key;
	struct exchange exchange;
	struct session_memory memory;
	uint32_t lane;
	uint64_t sequence; /* last one used, the pending one's included */
	bool has_acknowledgement;
	uint64_t entry_index;
	struct hash entry_leaf;
	bool has_pending;     /* sent, answer not known */
	struct bytes pending; /* the whole envelope */
	uint64_t expected;    /* by the broker, after ERR_SEQUENCE */
	bool is_unsaved;      /* settled since the last save; a simulated crash clears it before session_close */
};

/* Opens a lane, reading what it remembers. ERR_CORRUPT when that cannot be opened with key. */
enum err session_open(struct session *ret_session, const struct secret_key *key, uint32_t lane,
		      struct exchange exchange, struct session_memory memory, struct fault *fault) MUST_USE;
/* Saves a settled state now, if it is not on disk yet, instead of with the next request. */
enum err session_keep(struct session *session) MUST_USE;
/* Saves a settled state if it is not on disk yet (best effort: the older state is as good), frees and wipes. */
void session_close(struct session *session);

/* What to send; principal, lane, sequence and acknowledgement are the session's to fill in. */
struct session_request {
	struct slice agreement; /* 32 bytes or empty */
	struct slice employee;	/* 16 bytes or empty */
	Kluis__Operation **operations;
	size_t operation_count;
	Kluis__Part **parts;
	size_t part_count;
	const struct slice *papers;
	size_t paper_count;
	uint64_t time_ms;
};

struct session_answer {
	const Kluis__Reply *reply; /* checked by reply_check; lives in the arena */
	struct entry entry;	   /* when the reply has one */
	bool has_entry;
	uint64_t index;
};

/*
 * Sends and checks (reply_check). Retries ERR_NETWORK, ERR_TIMEOUT and ERR_BUSY with the same bytes up to tries times.
 * ERR_OK: an entry was written, look at its code and results. A refusal without entry returns its
 * code with the broker's text in fault; ERR_SEQUENCE (this lane's memory is not the one that the broker talked to last)
 * also sets session->expected. ERR_MISMATCH: the answer is not what its
 * entry says; it must not be used. If the last outcome is unknown the request stays pending:
 * session_resume must be called before the next session_call (ERR_STATE else).
 */
enum err session_call(struct session *session, const struct session_request *request, unsigned tries,
		      struct arena *arena, struct session_answer *ret_answer, struct fault *fault) MUST_USE;
/* Sends one operation that leaves no entry (R120) under sequence 0: uses no number of a lane, saves nothing, is not
 * repeated. The reply's code is in *ret_code, not in the result: ERR_OK with ERR_SUSPENDED in *ret_code is an answer.
 * ERR_MISMATCH for an answer with an entry, with personal parts, or with other Data than the operation's kind has. */
enum err session_ask(const struct secret_key *key, struct exchange exchange, uint32_t lane, Kluis__Operation *operation,
		     uint64_t time_ms, struct arena *arena, const Kluis__Reply **ret_reply, enum err *ret_code,
		     struct fault *fault) MUST_USE;
/* After ERR_SEQUENCE: somebody else used this lane, or the folder was restored from an older copy. Goes on from the
 * number that the broker expects; what was pending is given up. The next request's acknowledgement cannot fit: it is
 * answered by an entry with ERR_ACKNOWLEDGEMENT, which is what tells head office (R126), and the one after it works.
 * ERR_STATE unless session->expected is set. */
enum err session_adopt(struct session *session) MUST_USE;
/* After its principal's key was replaced: what the lane remembers, sealed under old, is sealed under next, so that
 * session_open takes it with that one. Nothing happens if it is so already, or the lane was never used. ERR_CORRUPT
 * when it opens with neither. A pending request stays as old signed it: session_resume gets its reply if it was
 * entered; if it was not, ERR_PRINCIPAL gives it up, and the next request, signed anew, takes its number (R140). A
 * session of the lane that is open must be idle, and sign with next from then on. */
enum err session_reseal(struct session_memory memory, uint32_t lane, const struct secret_key *old,
			const struct secret_key *next, struct fault *fault) MUST_USE;
/* Sends a pending request again, the same bytes. ERR_NOT_FOUND when none is pending. */
enum err session_resume(struct session *session, unsigned tries, struct arena *arena, struct session_answer *ret_answer,
			struct fault *fault) MUST_USE;

#endif
