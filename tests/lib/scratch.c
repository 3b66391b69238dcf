#include "scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

void scratch_new(char ret_path[static SCRATCH_MAX])
{
	const char *parent = getenv("TMPDIR");
	snprintf(ret_path, SCRATCH_MAX, "%.200s/kluis-test-XXXXXX", parent ? parent : "/tmp");
	if (!mkdtemp(ret_path)) {
		perror(ret_path);
		abort();
	}
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

void scratch_remove(const char *path)
{
	if (nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS) != 0)
		perror(path);
}
