/*
 * The minimal charter and agreement of broker/examples, read, for tests of what rests on them.
 */
#ifndef TEST_PAPERS_H
#define TEST_PAPERS_H

#include "kluis/agreement.h"

struct papers {
	struct arena arena;
	char *charter_text, *agreement_text;
	struct charter charter;
	struct agreement agreement;
};

/* Reads both. Ends the program if they are not valid. */
void papers_init(struct papers *read);
void papers_fini(struct papers *read);

/* Reads papers->agreement again from another text. */
enum err papers_parse(struct papers *read, const char *text, struct fault *fault) MUST_USE;
/* The same with the charter of another text, to whose hash the agreement's is changed. Ends the program unless both are
 * valid. */
void papers_replace(struct papers *read, const char *charter_text, const char *agreement_text);

/* Those of a test program, and what cmocka calls for them. */
extern struct papers papers;
int papers_set_up(void **state);
int papers_tear_down(void **state);

#endif
