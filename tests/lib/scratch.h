/* A folder of its own for a test, removed with all that is in it. */
#ifndef KLUIS_TEST_SCRATCH_H
#define KLUIS_TEST_SCRATCH_H

#define SCRATCH_MAX 256

/* Makes an empty folder (0700) under $TMPDIR or /tmp; ends the program if that fails. */
void scratch_new(char ret_path[static SCRATCH_MAX]);
void scratch_remove(const char *path);

#endif
