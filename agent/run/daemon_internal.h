/*
 * What the daemon's files share: daemon.c opens and closes, daemon_work.c has the threads' loops, daemon_key.c replaces
 * the store's key, daemon_files.c has what is kept in the folder.
 */
#ifndef KLUIS_AGENT_RUN_DAEMON_INTERNAL_H
#define KLUIS_AGENT_RUN_DAEMON_INTERNAL_H

#include <stdatomic.h>

#include "run/config.h"
#include "run/cosigner.h"
#include "run/courier.h"
#include "run/daemon.h"
#include "run/daemon_shop.h"
#include "run/keeper.h"
#include "run/line.h"
#include "run/office.h"
#include "run/sluice.h"
#include "till/till_server.h"

#define ADMIN_TOKEN_SIZE 65 /* 64 hex digits and a zero */

/* Who asks for a rotation and the keeper's thread, which does it. */
struct daemon_rotation {
	/* under the daemon's mutex: how many were asked for, are begun, are done */
	uint64_t asked, taken, done;
	enum err err; /* of the last one done */
	struct fault fault;
	/* the keeper's thread's own */
	uint64_t refused_until_ms; /* steady: one that the broker refused is not tried again before */
};

struct daemon {
	char folder[HOME_PATH_MAX];
	struct run_config config;
	struct agent agent;
	struct shop shop;
	struct arena signer_arena;
	const struct public_key *signers; /* there */
	size_t signer_count;
	struct sluice sluice; /* whoever signs with the store's key is inside, or is the keeper's thread */
	_Atomic uint32_t key_id;
	struct daemon_rotation rotation;

	struct link *link;
	struct channel *keeper_channel, *courier_channel, *line_channel, *office_channel;
	struct keeper *keeper;
	struct courier *courier;
	struct line *line;
	struct desk *desk;
	struct office office;
	struct till_server_options till_options;
	struct till_server *server;
	struct secret_key witness;
	char admin_token[ADMIN_TOKEN_SIZE];

	/* the keeper's thread's own */
	uint64_t cosigned_ms; /* steady */
	bool is_witness_known;
	bool is_trust_due; /* kept in the folder, but not what the link and the cosigner go by yet */

	pthread_mutex_t mutex; /* of waking */
	pthread_cond_t woken;
	bool is_stopping;
	bool is_courier_woken;
	pthread_t keeper_thread, courier_thread;
	bool has_keeper_thread, has_courier_thread;
	_Atomic uint64_t keeper_shown_ms, courier_shown_ms; /* steady: when each went round last */

	/* the main thread's own */
	uint64_t kept_ms; /* steady */
	enum err trouble; /* of the link, that was told */
	bool was_online;
	uint64_t online_since_ms;
	bool is_clock_told;
};

/* ---- daemon_files.c ---- */

enum err daemon_read_certificates(const struct daemon *daemon, struct bytes *ret_pem, struct fault *fault) MUST_USE;
/* The witness's key, made at the first run. */
enum err daemon_open_witness(struct daemon *daemon, struct fault *fault) MUST_USE;
/* A new token for who owns the folder, written there. */
enum err daemon_make_token(struct daemon *daemon, struct fault *fault) MUST_USE;
/* Where it is served, for commands (forward.h). */
enum err daemon_write_port(struct daemon *daemon, struct fault *fault) MUST_USE;
/* Callbacks of keeper and cosigner; context: the daemon. */
enum err daemon_keep_paper(void *context, const char *name, struct slice note);
enum err daemon_take_trust(void *context, struct session *session, struct slice hash, uint64_t time_ms,
			   struct fault *fault);
enum err daemon_keep_evidence(void *context, const char *name, struct slice older, struct slice newer);

/* ---- daemon_key.c ---- */

/* Before there is a keeper: its signers, and whether anybody may sign yet. */
enum err daemon_open_key(struct daemon *daemon, struct fault *fault) MUST_USE;
/* The line, for the desk: its lookups wait while the key is replaced. */
struct desk_line daemon_line_of_desk(struct daemon *daemon);
/* For the office: has the keeper's thread replace the key and waits for it. Any thread but that one. */
enum err daemon_rotate(void *daemon, uint32_t *ret_key_id, struct fault *fault);
/* Under the mutex. */
bool daemon_is_rotation_wanted(const struct daemon *daemon);
/* The keeper's thread's: whether there is one to begin or to go on with; does it. False: which key the broker takes is
 * not known, so nothing may be signed; call it again after a pause. */
bool daemon_is_rotation_due(struct daemon *daemon);
bool daemon_turn_key(struct daemon *daemon);

/* ---- daemon_work.c ---- */

/* For waiting on woken. */
struct timespec daemon_due_in(uint64_t ms);

void *daemon_keep(void *daemon);
void *daemon_carry(void *daemon);
/* Something was put into the outbox, or the connection stands: the courier looks at once. */
void daemon_wake_courier(struct daemon *daemon);

#endif
