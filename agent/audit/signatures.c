#include "signatures.h"

#include <pthread.h>

struct half {
	struct signature_job *jobs;
	size_t count;
};

static void *check_half(void *argument)
{
	const struct half *half = argument;

	for (size_t i = 0; i < half->count; i++)
		half->jobs[i].is_valid = entry_verify(&half->jobs[i].entry, half->jobs[i].key) == ERR_OK;
	return NULL;
}

void signatures_check(struct signature_job *jobs, size_t count)
{
	struct half first = {.jobs = jobs, .count = count / 2};
	struct half second = {.jobs = jobs + first.count, .count = count - first.count};
	pthread_t thread;
	bool is_running = first.count > 0 && pthread_create(&thread, NULL, check_half, &first) == 0;

	check_half(&second);
	if (is_running)
		pthread_join(thread, NULL);
	else
		check_half(&first);
}
