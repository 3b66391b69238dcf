/*
 * kluis-agent run: the store's daemon.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "command/options.h"
#include "kluis/stop.h"
#include "run/daemon.h"

#define TICK_MS 1000
#define LINE_MAX_ 120

/* systemd hears what changed, not each second again. */
static void tell_systemd(struct daemon *daemon, char *told)
{
	char line[LINE_MAX_];

	daemon_line(daemon, line, sizeof line);
	if (strcmp(line, told) != 0)
		sd_notifyf(0, "STATUS=%s", line);
	memcpy(told, line, sizeof line);
}

static enum err serve(struct daemon *daemon, int stop, struct fault *fault)
{
	struct pollfd ready = {.fd = stop, .events = POLLIN};
	char told[LINE_MAX_] = "";

	while (poll(&ready, 1, TICK_MS) == 0) {
		if (!daemon_tick(daemon))
			return fault_set(fault, ERR_BUSY, "a thread is stuck: stopping, to be started afresh");
		sd_notify(0, "WATCHDOG=1");
		tell_systemd(daemon, told);
	}
	return ERR_OK;
}

static void say_running(const struct daemon *daemon, const char *folder)
{
	unsigned port = daemon_port(daemon);

	if (port != 0)
		fprintf(stderr, "kluis-agent: running on '%s', tills at port %u\n", folder, port);
	else
		fprintf(stderr, "kluis-agent: running on '%s'\n", folder);
	sd_notify(0, "READY=1");
}

enum err agent_command_run(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct agent_options *settings = target;
	struct daemon *daemon CLEANUP(daemon_close) = NULL;
	int stop CLEANUP(stop_close) = -1;

	(void)arguments;
	signal(SIGPIPE, SIG_IGN);
	TRY(stop_open(&stop, fault));
	enum err err = daemon_open(settings->data, &daemon, fault);
	if (err == ERR_OK)
		err = daemon_start(daemon, fault);
	if (err == ERR_OK) {
		say_running(daemon, settings->data);
		err = serve(daemon, stop, fault);
		sd_notify(0, "STOPPING=1");
	}
	if (err == ERR_BUSY)
		daemon = NULL; /* closing it would wait for what is stuck; the disk is as after a kill */
	return err;
}
