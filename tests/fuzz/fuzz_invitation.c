/*
 * Invitations from outside. The fuzzer cannot sign, so the input is taken twice: as it is, and as a text that the
 * controller of the vectors signs. What is read then prints, and reads again, as the same invitation.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "kluis/invitation.h"

#include "test_keys.h"

#define ARENA_MAX (4 * PAPER_MAX)

static bool is_same(const struct invitation *a, const struct invitation *b)
{
	return strcmp(a->origin, b->origin) == 0 && strcmp(a->principal, b->principal) == 0 &&
	       strcmp(a->address, b->address) == 0 && strcmp(a->certificate_pem, b->certificate_pem) == 0 &&
	       public_key_equal(&a->log, &b->log) && public_key_equal(&a->controller, &b->controller) &&
	       memcmp(a->code, b->code, sizeof(a->code)) == 0 && a->expires_ms == b->expires_ms;
}

static void try_note(struct slice note, const struct secret_key *controller)
{
	struct arena arena CLEANUP(arena_fini);
	struct bytes printed CLEANUP(bytes_fini);
	struct invitation first, second;
	struct fault fault = {0};
	enum err err;

	arena_init(&arena, ARENA_MAX);
	bytes_init(&printed, PAPER_MAX);
	err = invitation_parse(note, "x", &arena, &first, &fault);
	if (err != ERR_OK) {
		assert(err == ERR_MEMORY || fault.text[0] != '\0');
		return;
	}
	/* a certificate may have been written with other spaces, or lines that do not fit again behind their indent */
	if (!public_key_equal(&first.controller, &controller->public) ||
	    invitation_print(&first, controller, &printed, NULL) != ERR_OK)
		return;
	if (invitation_parse(bytes_slice(&printed), "x", &arena, &second, NULL) != ERR_OK)
		abort();
	assert(is_same(&first, &second));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct secret_key controller;
	const struct secret_key *signer = &controller;
	struct bytes note CLEANUP(bytes_fini);

	if (controller.secret == NULL)
		controller = test_seed_key("example.com/kluis/controller", 1);
	bytes_init(&note, PAPER_MAX);
	try_note(SLICE(data, size), &controller);
	if (note_sign(SLICE(data, size), &signer, 1, &note) == ERR_OK)
		try_note(bytes_slice(&note), &controller);
	return 0;
}
