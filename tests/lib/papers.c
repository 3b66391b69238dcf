#include "papers.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

void papers_init(struct papers *papers)
{
	arena_init(&papers->arena, 1 << 24);
	papers_replace(papers, text_of_file(&papers->arena, "broker/examples/minimal/charter.ini"),
		       text_of_file(&papers->arena, "broker/examples/minimal/agreement.ini"));
}

void papers_fini(struct papers *papers)
{
	arena_fini(&papers->arena);
}

enum err papers_parse(struct papers *papers, const char *text, struct fault *fault)
{
	return agreement_parse(slice_text(text), "agreement.ini", &papers->charter, &papers->arena, &papers->agreement,
			       fault);
}

static void must(enum err code, const struct fault *fault)
{
	if (code == ERR_OK)
		return;
	fprintf(stderr, "papers: %s: %s\n", error_text(code), fault->text);
	abort();
}

void papers_replace(struct papers *papers, const char *charter_text, const char *agreement_text)
{
	struct fault fault = {.text = ""};
	char hex[2 * HASH_SIZE + 1];
	char old[2 * HASH_SIZE + 1];

	must(charter_parse(slice_text(charter_text), "charter.ini", &papers->arena, &papers->charter, &fault), &fault);
	const char *place = strstr(agreement_text, "charter = ");
	assert(place != NULL);
	snprintf(old, sizeof(old), "%s", place + strlen("charter = "));
	hex_print(SLICE_ARRAY(papers->charter.hash), hex);
	papers->charter_text = text_replace(&papers->arena, charter_text, "", "");
	papers->agreement_text = text_replace(&papers->arena, agreement_text, old, hex);
	must(papers_parse(papers, papers->agreement_text, &fault), &fault);
}
