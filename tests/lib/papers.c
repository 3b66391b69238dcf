#include "papers.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

void papers_init(struct papers *read)
{
	arena_init(&read->arena, 1 << 24);
	papers_replace(read, text_of_file(&read->arena, "broker/examples/minimal/charter.ini"),
		       text_of_file(&read->arena, "broker/examples/minimal/agreement.ini"));
}

void papers_fini(struct papers *read)
{
	arena_fini(&read->arena);
}

enum err papers_parse(struct papers *read, const char *text, struct fault *fault)
{
	return agreement_parse(slice_text(text), "agreement.ini", &read->charter, &read->arena, &read->agreement,
			       fault);
}

static void must(enum err code, const struct fault *fault)
{
	if (code == ERR_OK)
		return;
	fprintf(stderr, "papers: %s: %s\n", error_text(code), fault->text);
	abort();
}

void papers_replace(struct papers *read, const char *charter_text, const char *agreement_text)
{
	struct fault fault = {.text = ""};
	char hex[2 * HASH_SIZE + 1];
	char old[2 * HASH_SIZE + 1];

	must(charter_parse(slice_text(charter_text), "charter.ini", &read->arena, &read->charter, &fault), &fault);
	const char *place = strstr(agreement_text, "charter = ");
	assert(place != NULL);
	snprintf(old, sizeof(old), "%s", place + strlen("charter = "));
	hex_print(SLICE_ARRAY(read->charter.hash), hex);
	read->charter_text = text_replace(&read->arena, charter_text, "", "");
	read->agreement_text = text_replace(&read->arena, agreement_text, old, hex);
	must(papers_parse(read, read->agreement_text, &fault), &fault);
}

/* ---- for cmocka ---- */

struct papers papers;

int papers_set_up(void **state)
{
	(void)state;
	papers_init(&papers);
	return 0;
}

int papers_tear_down(void **state)
{
	(void)state;
	papers_fini(&papers);
	return 0;
}
