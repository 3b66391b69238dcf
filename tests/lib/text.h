/*
 * Texts for tests: files of the tree, and small changes of a text.
 */
#ifndef TEST_TEXT_H
#define TEST_TEXT_H

#include "kluis/arena.h"

/* A file below the source tree, such as "broker/examples/minimal/charter.ini", in the arena. Ends the program if it
 * cannot be read. */
char *text_of_file(struct arena *arena, const char *path);

/* The text with the first from replaced by to. Ends the program if from is not in it. */
char *text_replace(struct arena *arena, const char *text, const char *from, const char *to);

/* The first example of a man page: what stands between its first ".Bd -literal" after EXAMPLES and ".Ed". */
char *text_of_man_example(struct arena *arena, const char *path);

/* Is every word of a comma-separated list a key (".It Cm", also several) in a man page? NULL, or the one that is not.
 */
const char *text_missing_key(struct arena *arena, const char *path, const char *list);

#endif
