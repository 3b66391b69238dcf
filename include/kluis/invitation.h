/*
 * The paper that lets a store or an auditor in: a note signed by the
 * controller (FORMAT.md R61-R63). Whoever holds it before it is used and before it expires can join under
 * its name: hand it over as a password would be.
 *
 * Threads: pure.
 */
#ifndef KLUIS_INVITATION_H
#define KLUIS_INVITATION_H

#include "kluis/note.h"

#define INVITATION_CODE_SIZE 16

struct invitation {
	const char *origin;
	const char *principal;	     /* key name to join under */
	const char *address;	     /* tls+tcp://host:port */
	const char *certificate_pem; /* one certificate, each line with its newline */
	struct public_key log;
	struct public_key controller;
	uint8_t code[INVITATION_CODE_SIZE];
	uint64_t expires_ms; /* whole seconds */
};

/* Reads one, for the fault called name. Names must fit each other: controller and log are keys of the origin, the
 * principal a store or an auditor of it. The signature is checked against the controller key that stands in it (R63):
 * the reader has nothing else yet, and says its id to the person. Does not look at a clock. Texts live in the arena.
 * ERR_PAPER or ERR_INPUT with a fault, ERR_SIGNATURE. */
enum err invitation_parse(struct slice note, const char *name, struct arena *arena, struct invitation *ret_invitation,
			  struct fault *fault) MUST_USE;
/* Appends the signed note. What invitation_parse would refuse is refused here with the same codes, ret_note is then
 * unchanged. */
enum err invitation_print(const struct invitation *invitation, const struct secret_key *controller,
			  struct bytes *ret_note, struct fault *fault) MUST_USE;

#endif
