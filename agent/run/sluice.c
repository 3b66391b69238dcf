#include "run/sluice.h"

#include "kluis/clock.h"

enum err sluice_init(struct sluice *sluice)
{
	pthread_condattr_t attributes;

	*sluice = (struct sluice){.inside = 0};
	if (pthread_condattr_init(&attributes) != 0)
		return ERR_MEMORY;
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	int number = pthread_cond_init(&sluice->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	return number == 0 && pthread_mutex_init(&sluice->mutex, NULL) == 0 ? ERR_OK : ERR_MEMORY;
}

void sluice_fini(struct sluice *sluice)
{
	pthread_cond_destroy(&sluice->changed);
	pthread_mutex_destroy(&sluice->mutex);
}

bool sluice_enter(struct sluice *sluice, uint64_t wait_ms)
{
	uint64_t due_ms = clock_steady_ms() + wait_ms;
	struct timespec due = {.tv_sec = (time_t)(due_ms / 1000), .tv_nsec = (long)(due_ms % 1000 * 1000000)};

	pthread_mutex_lock(&sluice->mutex);
	while (sluice->is_closed && !sluice->is_over &&
	       pthread_cond_timedwait(&sluice->changed, &sluice->mutex, &due) == 0)
		;
	bool is_open = !sluice->is_closed && !sluice->is_over;
	sluice->inside += is_open;
	pthread_mutex_unlock(&sluice->mutex);
	return is_open;
}

void sluice_leave(struct sluice *sluice)
{
	pthread_mutex_lock(&sluice->mutex);
	if (--sluice->inside == 0)
		pthread_cond_broadcast(&sluice->changed);
	pthread_mutex_unlock(&sluice->mutex);
}

void sluice_close(struct sluice *sluice)
{
	pthread_mutex_lock(&sluice->mutex);
	sluice->is_closed = true;
	while (sluice->inside > 0)
		pthread_cond_wait(&sluice->changed, &sluice->mutex);
	pthread_mutex_unlock(&sluice->mutex);
}

static void change(struct sluice *sluice, bool *which, bool value)
{
	pthread_mutex_lock(&sluice->mutex);
	*which = value;
	pthread_cond_broadcast(&sluice->changed);
	pthread_mutex_unlock(&sluice->mutex);
}

void sluice_open(struct sluice *sluice)
{
	change(sluice, &sluice->is_closed, false);
}

void sluice_end(struct sluice *sluice)
{
	change(sluice, &sluice->is_over, true);
}
