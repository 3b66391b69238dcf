#include <stdlib.h>

#include "kluis/clock.h"
#include "link_socket.h"

/* An exchange that waited that long in silence, or so many in a row, mean that nobody is there any more: TCP itself
 * finds that out after minutes, nng asks for nothing. */
#define SILENT_MS 10000
#define SILENT_MAX 3

enum err channel_open(struct link *link, uint64_t timeout_ms, struct channel **ret_channel)
{
	struct channel *channel = calloc(1, sizeof(*channel));
	if (channel == NULL)
		return ERR_MEMORY;
	channel->lasting = link->lasting;
	channel->timeout = timeout_ms > INT32_MAX ? INT32_MAX : (nng_duration)timeout_ms;
	int number = nng_ctx_open(&channel->ctx, link->socket);
	if (number == 0 && (number = nng_aio_alloc(&channel->aio, NULL, NULL)) != 0)
		nng_ctx_close(channel->ctx);
	if (number != 0) {
		free(channel);
		return link_error(number);
	}
	nng_aio_set_timeout(channel->aio, channel->timeout);
	pthread_mutex_lock(&channel->lasting->mutex);
	channel->next = channel->lasting->channels;
	channel->lasting->channels = channel;
	pthread_mutex_unlock(&channel->lasting->mutex);
	*ret_channel = channel;
	return ERR_OK;
}

void channel_close(struct channel **channel)
{
	if (*channel == NULL)
		return;
	struct lasting *lasting = (*channel)->lasting;
	pthread_mutex_lock(&lasting->mutex);
	struct channel **place = &lasting->channels;
	while (*place != *channel)
		place = &(*place)->next;
	*place = (*channel)->next;
	pthread_mutex_unlock(&lasting->mutex);
	nng_ctx_close((*channel)->ctx);
	nng_aio_free((*channel)->aio);
	free(*channel);
	*channel = NULL;
}

void channel_abort(struct channel *channel)
{
	channel->is_interrupted = true;
	nng_aio_abort(channel->aio, NNG_ECONNABORTED);
}

void channel_interrupt(struct channel *channel)
{
	pthread_mutex_lock(&channel->lasting->mutex);
	channel_abort(channel);
	pthread_mutex_unlock(&channel->lasting->mutex);
}

/* Begins one half; nothing can be aborted between the look at the flag and the beginning. */
static enum err begin(struct channel *channel, void (*half)(nng_ctx, nng_aio *))
{
	pthread_mutex_lock(&channel->lasting->mutex);
	bool is_possible = channel->lasting->is_up && !channel->lasting->is_stopped && !channel->is_interrupted;
	if (is_possible)
		half(channel->ctx, channel->aio);
	pthread_mutex_unlock(&channel->lasting->mutex);
	return is_possible ? ERR_OK : ERR_NETWORK;
}

static enum err finish(struct channel *channel)
{
	nng_aio_wait(channel->aio);
	return link_error(nng_aio_result(channel->aio));
}

static enum err send_half(struct channel *channel, struct slice message)
{
	nng_msg *out;
	TRY(link_error(nng_msg_alloc(&out, 0)));
	enum err err = link_error(nng_msg_append(out, message.data, message.length));
	if (err == ERR_OK) {
		nng_aio_set_msg(channel->aio, out);
		err = begin(channel, nng_ctx_send);
	}
	if (err == ERR_OK)
		err = finish(channel);
	if (err != ERR_OK)
		nng_msg_free(out); /* it is nng's only after success */
	nng_aio_set_msg(channel->aio, NULL);
	return err;
}

/* Where the exchange began: what was received then, and whether an earlier interruption is over. */
static uint64_t note_beginning(struct channel *channel)
{
	pthread_mutex_lock(&channel->lasting->mutex);
	uint64_t received = channel->lasting->received;
	channel->is_interrupted = false;
	pthread_mutex_unlock(&channel->lasting->mutex);
	return received;
}

static void note_end(struct channel *channel, uint64_t received, enum err err)
{
	struct lasting *lasting = channel->lasting;
	nng_pipe dead = NNG_PIPE_INITIALIZER;
	pthread_mutex_lock(&lasting->mutex);
	if (err == ERR_OK) {
		lasting->received++;
		lasting->silent = 0;
	} else if (err == ERR_TIMEOUT && lasting->received == received) {
		lasting->silent++;
		if (lasting->is_up && (channel->timeout >= SILENT_MS || lasting->silent >= SILENT_MAX))
			dead = lasting->pipe;
		if (nng_pipe_id(dead) > 0 && lasting->given_up_ms == 0)
			lasting->given_up_ms = clock_steady_ms();
	}
	pthread_mutex_unlock(&lasting->mutex);
	if (nng_pipe_id(dead) > 0)
		nng_pipe_close(dead);
}

static enum err exchange_send(void *context, struct slice message, struct bytes *ret_reply)
{
	struct channel *channel = context;
	if (message.length > MESSAGE_MAX)
		return ERR_TOO_LARGE;
	uint64_t received = note_beginning(channel);
	enum err err = send_half(channel, message);
	if (err == ERR_OK)
		err = begin(channel, nng_ctx_recv);
	if (err == ERR_OK)
		err = finish(channel);
	note_end(channel, received, err);
	TRY(err);
	return link_take(nng_aio_get_msg(channel->aio), ret_reply);
}

struct exchange channel_exchange(struct channel *channel)
{
	return (struct exchange){.context = channel, .send = exchange_send, .pause = link_pause};
}
