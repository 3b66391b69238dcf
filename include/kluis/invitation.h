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
	const char *principal; /* key name to join under */
	const char *address;   /* tls+tcp://host:port */
	const char *certificate_pem;
	struct public_key log;
	struct public_key controller;
	uint8_t code[INVITATION_CODE_SIZE];
	uint64_t expires_ms;
};

/* The five of every paper. The reader checks the signature against the controller key that stands in it: the
 * reader has nothing else yet, and says its fingerprint to the person. */
enum err invitation_parse(struct slice note, const char *name, struct arena *arena, struct invitation *ret_invitation,
			  struct fault *fault) MUST_USE;
enum err invitation_print(const struct invitation *invitation, const struct secret_key *controller,
			  struct bytes *ret_note) MUST_USE;

#endif
