/*
 * Whose cosignatures make an auditor believe a checkpoint: a C2SP tlog-policy
 * file.
 *
 *     log <vkey> [url]                        whose checkpoints it is about
 *     witness <name> <vkey> [url]
 *     group <name> all|any|<k> <member> ...   witnesses and groups defined before, each in one group at most
 *     quorum <name>|none                      once
 *
 * Names are any bytes but white space. A '#' at the start of a word begins a comment.
 *
 * Threads: a policy is read-only.
 */
#ifndef AUDIT_POLICY_H
#define AUDIT_POLICY_H

#include "kluis/note.h"

#define POLICY_LOGS_MAX 64
#define POLICY_NODES_MAX 128 /* witnesses and groups */
#define POLICY_BYTES_MAX (256 * 1024)

struct policy_node {
	struct slice name;
	bool is_member; /* of some group */
	/* a witness */
	const struct public_key *key; /* of type KEY_TYPE_COSIGNATURE; NULL: a group */
	/* a group */
	size_t needed; /* of its members */
	size_t member_count;
	uint16_t *members; /* places of nodes before it */
};

struct policy {
	size_t log_count;
	const struct public_key *logs[POLICY_LOGS_MAX];
	size_t node_count;
	struct policy_node nodes[POLICY_NODES_MAX];
	bool has_quorum; /* always, once it was read; false while it is */
	int quorum;	 /* a node's place; -1: none is needed */
};

/* Reads a policy; text and arena must outlive it. ERR_INPUT with a fault that names the line. */
enum err policy_parse(struct slice text, struct arena *arena, struct policy **ret_policy, struct fault *fault) MUST_USE;

/* What a note has of what a policy asks. */
struct policy_outcome {
	bool is_log;			   /* one of the policy's logs has signed it */
	bool is_met;			   /* and the quorum */
	bool is_signed[POLICY_NODES_MAX];  /* by the witness; by as many of the group as it needs */
	uint64_t time_s[POLICY_NODES_MAX]; /* what the witness's cosignature says */
	const struct policy_node *wrong;   /* a witness whose line does not verify; the note is then invalid (R12) */
};
void policy_judge(const struct policy *policy, const struct note *note, struct policy_outcome *ret_outcome);

#endif
