#include "till/connections.h"

#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

#define SEEN_MAX 4096 /* at a time; what is beyond is seen the next time */

struct connections {
	DIR *descriptors; /* kept open: when none are left it could not be opened */
	size_t count;
	struct seen {
		int descriptor;
		uint32_t silent_ms;
	} seen[SEEN_MAX];
};

enum err connections_new(struct connections **ret_connections)
{
	struct connections *connections = calloc(1, sizeof *connections);

	if (connections == NULL)
		return ERR_MEMORY;
	connections->descriptors = opendir("/proc/self/fd");
	if (connections->descriptors == NULL) {
		free(connections);
		return ERR_IO;
	}
	*ret_connections = connections;
	return ERR_OK;
}

void connections_free(struct connections **connections)
{
	if (*connections == NULL)
		return;
	closedir((*connections)->descriptors);
	free(*connections);
	*connections = NULL;
}

static bool is_of_port(int descriptor, unsigned port)
{
	struct sockaddr_storage address = {0};
	socklen_t size = sizeof address;
	int is_listening = 1;
	socklen_t flag_size = sizeof is_listening;
	in_port_t own = 0;

	if (getsockname(descriptor, (struct sockaddr *)&address, &size) != 0)
		return false;
	if (address.ss_family == AF_INET)
		own = ((struct sockaddr_in *)&address)->sin_port;
	if (address.ss_family == AF_INET6)
		own = ((struct sockaddr_in6 *)&address)->sin6_port;
	return ntohs(own) == port &&
	       getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &flag_size) == 0 && !is_listening;
}

static void look(struct connections *connections, int descriptor, unsigned port)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof info;

	if (connections->count == SEEN_MAX || !is_of_port(descriptor, port) ||
	    getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
		return;
	uint32_t said_ms = info.tcpi_last_data_sent, heard_ms = info.tcpi_last_data_recv;
	connections->seen[connections->count++] =
		(struct seen){.descriptor = descriptor, .silent_ms = said_ms < heard_ms ? said_ms : heard_ms};
}

static int compare(const void *a, const void *b)
{
	uint32_t one = ((const struct seen *)a)->silent_ms, other = ((const struct seen *)b)->silent_ms;

	return one < other ? 1 : one > other ? -1 : 0;
}

unsigned connections_trim(struct connections *connections, unsigned port, uint32_t silent_ms_max, unsigned max)
{
	const struct dirent *row;
	unsigned ended = 0;

	connections->count = 0;
	rewinddir(connections->descriptors);
	while ((row = readdir(connections->descriptors)) != NULL)
		if (row->d_name[0] != '.')
			look(connections, (int)strtol(row->d_name, NULL, 10), port);
	qsort(connections->seen, connections->count, sizeof connections->seen[0], compare);
	for (size_t i = 0; i < connections->count; i++) {
		const struct seen *seen = &connections->seen[i];
		if (seen->silent_ms <= silent_ms_max && connections->count - i <= max)
			break;
		/* closed meanwhile, the number may be another file's */
		ended += is_of_port(seen->descriptor, port) && shutdown(seen->descriptor, SHUT_RDWR) == 0;
	}
	return ended;
}
