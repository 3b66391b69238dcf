/*
 * Trust notes from outside: the input as a text, and signed by the controller of the vectors. What is read prints, and
 * reads again, as the same; and it follows nothing that it does not name.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "kluis/trust.h"

#include "test_keys.h"

#define ARENA_MAX (8 * PAPER_MAX)

static bool is_same(const struct trust *a, const struct trust *b)
{
	if (strcmp(a->origin, b->origin) != 0 || a->version != b->version || a->log_count != b->log_count ||
	    memcmp(a->before, b->before, HASH_SIZE) != 0 || strcmp(a->certificates_pem, b->certificates_pem) != 0)
		return false;
	for (size_t i = 0; i < a->log_count; i++)
		if (!public_key_equal(&a->logs[i], &b->logs[i]))
			return false;
	return true;
}

static void try_text(struct slice text, struct arena *arena)
{
	struct bytes printed CLEANUP(bytes_fini);
	struct trust first, second;
	struct fault fault = {0};

	bytes_init(&printed, PAPER_MAX);
	enum err err = trust_parse(text, "x", arena, &first, &fault);
	if (err != ERR_OK) {
		assert(err == ERR_MEMORY || fault.text[0] != '\0');
		return;
	}
	assert(first.log_count >= 1 && first.log_count <= TRUST_LOGS_MAX && first.version >= 1);
	assert(trust_has_log(&first, &first.logs[0]) && !trust_is_signed_by(&first, &first.logs[0]));
	/* lines of a certificate may not fit again behind their indent */
	if (trust_print(&first, &printed, NULL) != ERR_OK)
		return;
	if (trust_parse(bytes_slice(&printed), "x", arena, &second, NULL) != ERR_OK)
		abort();
	assert(is_same(&first, &second));
}

static void try_note(struct slice note, const struct secret_key *controller, struct arena *arena)
{
	struct trust *trust = arena_alloc(arena, sizeof *trust);

	if (trust == NULL || trust_open(note, &controller->public, "x", arena, trust, NULL) != ERR_OK)
		return;
	/* no log has signed it */
	assert(trust_may_follow(NULL, trust, NULL) != ERR_OK);
	assert(trust_may_follow(trust, trust, NULL) != ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct secret_key controller;
	const struct secret_key *signer = &controller;
	struct arena arena CLEANUP(arena_fini);
	struct bytes note CLEANUP(bytes_fini);

	if (controller.secret == NULL)
		controller = test_seed_key("example.com/kluis/controller", 1);
	arena_init(&arena, ARENA_MAX);
	bytes_init(&note, PAPER_MAX);
	try_text(SLICE(data, size), &arena);
	if (note_sign(SLICE(data, size), &signer, 1, &note) == ERR_OK)
		try_note(bytes_slice(&note), &controller, &arena);
	return 0;
}
