/*
 * One call on its way: the route that it took, its body checked against the route's members, what it answers.
 *
 * Threads: one call, one thread.
 */
#ifndef KLUIS_AGENT_TILL_CALL_H
#define KLUIS_AGENT_TILL_CALL_H

#include "till/till_api.h"

#define CALL_ARENA_MAX (4 * 1024 * 1024)

struct call {
	const struct till_api *api;
	struct desk *desk;
	struct slice token; /* of the session, 32 bytes; empty where the route asks for none */
	uint8_t token_place[DESK_TOKEN_SIZE];
	char id[2 * PSEUDONYM_SIZE + 1]; /* the member's, from the path; or the name of an admin call's second half */
	const char *rest;		 /* of the path, where the route ends in "**" */
	json_t *body;			 /* an object */
	struct arena arena;
	json_t *answer; /* a new reference, or NULL: 204 */
	uint64_t retry_after_s;
	struct fault fault;
};

enum member_kind { MEMBER_TEXT, MEMBER_NUMBER, MEMBER_LIST, MEMBER_BOOL, MEMBER_OBJECT };

/* What may stand in a JSON object. */
struct member {
	const char *name;
	enum member_kind kind;
	bool is_required;
};
#define MEMBERS_END                                                                                                    \
	{                                                                                                              \
		.name = NULL                                                                                           \
	}
/* ERR_INPUT with a fault that names the member: not an object, one too many, one missing, of another kind. */
enum err members_check(const json_t *object, const struct member *members, struct fault *fault) MUST_USE;
/* The text of a member; NULL when absent. */
const char *member_text(const json_t *object, const char *name);
/* 16 bytes written as 32 hex digits. ERR_INPUT. */
enum err member_id(const char *text, const char *what, uint8_t ret_id[static PSEUDONYM_SIZE],
		   struct fault *fault) MUST_USE;

typedef enum err call_fn(struct call *call);
/* Sessions, members, receipts, notices, the office: till_*.c. */
call_fn call_sign_in, call_sign_out, call_lookup, call_register, call_change, call_consent, call_receipt, call_request,
	call_incident, call_outbox, call_status, call_office;

#endif
