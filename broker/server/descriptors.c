#include "server/descriptors.h"

#include <dirent.h>
#include <stddef.h>
#include <sys/resource.h>

/* 0 where it cannot be known. */
static size_t count_open(void)
{
	size_t count = 0;
	DIR *folder = opendir("/proc/self/fd");

	if (folder == NULL)
		return 0;
	while (readdir(folder) != NULL)
		count++;
	closedir(folder);
	return count - 3; /* ".", ".." and the folder itself */
}

bool descriptors_are_short(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
		return false;
	return count_open() > limit.rlim_cur / 4 * 3;
}
