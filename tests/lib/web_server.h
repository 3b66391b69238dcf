/*
 * An HTTP server for tests that says what it is told, byte for byte: one connection after another, one answer each.
 */
#ifndef TEST_WEB_SERVER_H
#define TEST_WEB_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define WEB_REQUEST_MAX 65536

struct web_server {
	int descriptor;
	unsigned port;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_mutex_t busy; /* held while an answer is made and sent */
	_Atomic bool is_stopping;
	unsigned requests;
	char request[WEB_REQUEST_MAX]; /* the last one, headers and body */
	/* What comes back: the whole answer, ends the connection. Called on the server's thread with the request. NULL:
	 * none, the connection stays open until the client goes. */
	const char *(*answer)(void *context, const char *request, unsigned number);
	void *context;
};

/* answer and context are set before. Listens on 127.0.0.1. */
void web_server_start(struct web_server *server);
void web_server_stop(struct web_server *server);
/* Waits until the answer under way is sent: what answer gave may then be changed. */
void web_server_settle(struct web_server *server);
/* Waits until there were that many requests; false after 20 s. */
bool web_server_wait(struct web_server *server, unsigned requests);

#endif
