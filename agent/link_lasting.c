#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "kluis/clock.h"
#include "link_socket.h"

#include <nng/supplemental/util/platform.h>

#define DIAL_TIMEOUT_MS 15000
/* nng would dial again itself when a connection breaks off; by then its dialer is closed. */
#define NEVER_MS (24 * 3600 * 1000)
#define ADDRESS_MAX 512
#define MS_PER_S 1000
#define NS_PER_MS 1000000

/* ---- what nng tells ---- */

static void on_pipe(nng_pipe pipe, nng_pipe_ev event, void *argument)
{
	struct lasting *lasting = argument;
	pthread_mutex_lock(&lasting->mutex);
	if (event == NNG_PIPE_EV_ADD_POST) {
		lasting->is_up = true;
		lasting->pipe = pipe;
		lasting->connections++;
		lasting->silent = 0;
		lasting->given_up_ms = 0;
		lasting->trouble = ERR_OK;
	} else if (nng_pipe_id(pipe) == nng_pipe_id(lasting->pipe)) {
		lasting->is_up = false;
		lasting->given_up_ms = 0;
		lasting->trouble = ERR_NETWORK;
		for (struct channel *channel = lasting->channels; channel != NULL; channel = channel->next)
			channel_abort(channel);
	}
	pthread_cond_broadcast(&lasting->changed);
	pthread_mutex_unlock(&lasting->mutex);
}

static enum err watch_pipes(struct lasting *lasting)
{
	TRY(link_error(nng_pipe_notify(lasting->socket, NNG_PIPE_EV_ADD_POST, on_pipe, lasting)));
	TRY(link_error(nng_pipe_notify(lasting->socket, NNG_PIPE_EV_REM_POST, on_pipe, lasting)));
	TRY(link_error(nng_socket_set_ms(lasting->socket, NNG_OPT_RECONNMINT, NEVER_MS)));
	return link_error(nng_socket_set_ms(lasting->socket, NNG_OPT_RECONNMAXT, NEVER_MS));
}

/* ---- waiting ---- */

static struct timespec due_in(uint64_t ms)
{
	uint64_t due_ms = clock_steady_ms() + ms;
	return (struct timespec){.tv_sec = (time_t)(due_ms / MS_PER_S),
				 .tv_nsec = (long)(due_ms % MS_PER_S * NS_PER_MS)};
}

/* Under the mutex: until the link closes, at most that long. */
static void wait_delay(struct lasting *lasting, uint64_t ms)
{
	struct timespec due = due_in(ms);
	while (!lasting->is_closing && pthread_cond_timedwait(&lasting->changed, &lasting->mutex, &due) == 0)
		;
}

static enum err init_waiting(struct lasting *lasting)
{
	pthread_condattr_t attributes;
	if (pthread_condattr_init(&attributes) != 0)
		return ERR_MEMORY;
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	int number = pthread_cond_init(&lasting->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	if (number == 0 && pthread_mutex_init(&lasting->mutex, NULL) == 0)
		return ERR_OK;
	return ERR_MEMORY;
}

bool link_wait(struct link *link, uint64_t timeout_ms)
{
	struct lasting *lasting = link->lasting;
	struct timespec due = due_in(timeout_ms);
	pthread_mutex_lock(&lasting->mutex);
	while (!lasting->is_up && !lasting->is_stopped &&
	       pthread_cond_timedwait(&lasting->changed, &lasting->mutex, &due) == 0)
		;
	bool is_up = lasting->is_up;
	pthread_mutex_unlock(&lasting->mutex);
	return is_up;
}

/* ---- dialling ---- */

static enum err prepare(struct lasting *lasting, nng_dialer *ret_dialer)
{
	/* copied by nng; nobody else writes it without the mutex */
	const char *certificate = (const char *)lasting->certificate.data;
	return link_dialer(lasting->socket, (const char *)lasting->address.data, certificate, ret_dialer, NULL);
}

/* Without the mutex while nng works. *ret_dialer is to be closed whatever came of it. */
static void dial(struct lasting *lasting, nng_dialer *ret_dialer)
{
	enum err err = prepare(lasting, ret_dialer);
	if (err == ERR_OK) {
		lasting->dialing = *ret_dialer;
		pthread_mutex_unlock(&lasting->mutex);
		err = link_dial(*ret_dialer, (const char *)lasting->address.data, DIAL_TIMEOUT_MS, NULL);
		pthread_mutex_lock(&lasting->mutex);
		lasting->dialing = (nng_dialer)NNG_DIALER_INITIALIZER;
	}
	if (err != ERR_OK)
		lasting->trouble = err;
}

/* A connection that broke off before the dial returned was one all the same: is_up says what is now. */
static void stay(struct lasting *lasting, nng_dialer dialer)
{
	while (lasting->is_up && !lasting->is_closing)
		pthread_cond_wait(&lasting->changed, &lasting->mutex);
	pthread_mutex_unlock(&lasting->mutex);
	nng_dialer_close(dialer);
	pthread_mutex_lock(&lasting->mutex);
}

static uint64_t grow(uint64_t delay_ms)
{
	return 2 * delay_ms > LINK_DELAY_MS_MAX ? LINK_DELAY_MS_MAX : 2 * delay_ms;
}

static void *run(void *argument)
{
	struct lasting *lasting = argument;
	uint64_t delay_ms = LINK_DELAY_MS_MIN;
	pthread_mutex_lock(&lasting->mutex);
	while (!lasting->is_closing) {
		nng_dialer dialer = NNG_DIALER_INITIALIZER;
		uint64_t began_ms = clock_steady_ms();
		dial(lasting, &dialer);
		if (nng_dialer_id(dialer) > 0) {
			stay(lasting, dialer);
			if (clock_steady_ms() - began_ms >= LINK_DELAY_MS_MAX)
				delay_ms = LINK_DELAY_MS_MIN;
		}
		wait_delay(lasting, nng_random() % delay_ms);
		delay_ms = grow(delay_ms);
	}
	pthread_mutex_unlock(&lasting->mutex);
	return NULL;
}

/* ---- open, stop ---- */

/* With its zero. */
static enum err copy_text(const char *text, struct bytes *ret_text)
{
	return bytes_append(ret_text, SLICE(text, strlen(text) + 1));
}

static enum err start(struct lasting *lasting, const char *address, const char *certificate_pem)
{
	TRY(init_waiting(lasting));
	bytes_init(&lasting->address, ADDRESS_MAX);
	bytes_init(&lasting->certificate, LINK_PEM_MAX);
	TRY(copy_text(address, &lasting->address));
	if (certificate_pem != NULL)
		TRY(copy_text(certificate_pem, &lasting->certificate));
	TRY(watch_pipes(lasting));
	lasting->has_thread = pthread_create(&lasting->thread, NULL, run, lasting) == 0;
	return lasting->has_thread ? ERR_OK : ERR_MEMORY;
}

enum err link_open_lasting(const char *address, const char *certificate_pem, struct link **ret_link,
			   struct fault *fault)
{
	CLEANUP(link_close) struct link *link = NULL;
	TRY(link_new(address, certificate_pem, DIAL_TIMEOUT_MS, &link, fault));
	link->lasting = calloc(1, sizeof(*link->lasting));
	if (link->lasting == NULL)
		return ERR_MEMORY;
	link->lasting->socket = link->socket;
	TRY(start(link->lasting, address, certificate_pem));
	*ret_link = link;
	link = NULL;
	return ERR_OK;
}

void link_stop(struct link *link)
{
	struct lasting *lasting = link->lasting;
	pthread_mutex_lock(&lasting->mutex);
	lasting->is_stopped = true;
	for (struct channel *channel = lasting->channels; channel != NULL; channel = channel->next)
		channel_abort(channel);
	pthread_cond_broadcast(&lasting->changed);
	pthread_mutex_unlock(&lasting->mutex);
}

void lasting_stop(struct lasting *lasting)
{
	pthread_mutex_lock(&lasting->mutex);
	assert(lasting->channels == NULL);
	lasting->is_stopped = lasting->is_closing = true;
	pthread_cond_broadcast(&lasting->changed);
	nng_dialer dialing = lasting->dialing;
	pthread_mutex_unlock(&lasting->mutex);
	if (nng_dialer_id(dialing) > 0)
		nng_dialer_close(dialing); /* as its time limit would */
	if (lasting->has_thread)
		pthread_join(lasting->thread, NULL);
	lasting->has_thread = false;
}

void lasting_free(struct lasting **lasting)
{
	if (*lasting == NULL)
		return;
	pthread_cond_destroy(&(*lasting)->changed);
	pthread_mutex_destroy(&(*lasting)->mutex);
	bytes_fini(&(*lasting)->address);
	bytes_fini(&(*lasting)->certificate);
	free(*lasting);
	*lasting = NULL;
}

/* ---- looking ---- */

bool link_is_up(struct link *link)
{
	pthread_mutex_lock(&link->lasting->mutex);
	bool is_up = link->lasting->is_up;
	pthread_mutex_unlock(&link->lasting->mutex);
	return is_up;
}

bool link_is_stuck(struct link *link, uint64_t after_ms)
{
	struct lasting *lasting = link->lasting;
	pthread_mutex_lock(&lasting->mutex);
	bool is_stuck = lasting->given_up_ms != 0 && clock_steady_ms() - lasting->given_up_ms >= after_ms;
	pthread_mutex_unlock(&lasting->mutex);
	return is_stuck;
}

unsigned link_connections(struct link *link)
{
	pthread_mutex_lock(&link->lasting->mutex);
	unsigned connections = link->lasting->connections;
	pthread_mutex_unlock(&link->lasting->mutex);
	return connections;
}

enum err link_trouble(struct link *link)
{
	pthread_mutex_lock(&link->lasting->mutex);
	enum err trouble = link->lasting->trouble;
	pthread_mutex_unlock(&link->lasting->mutex);
	return trouble;
}

enum err link_trust(struct link *link, const char *certificate_pem)
{
	CLEANUP(bytes_fini) struct bytes certificate = {0};
	bytes_init(&certificate, LINK_PEM_MAX);
	TRY(copy_text(certificate_pem, &certificate));
	pthread_mutex_lock(&link->lasting->mutex);
	struct bytes old = link->lasting->certificate;
	link->lasting->certificate = certificate;
	pthread_mutex_unlock(&link->lasting->mutex);
	certificate = old;
	return ERR_OK;
}
