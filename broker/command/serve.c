/*
 * kluis-broker serve: the daemon.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "command/commands.h"
#include "command/local.h"
#include "server/server.h"

#define WITNESSES_ARENA_MAX (512 * 1024)

/* Stop signals become readable bytes; blocked before any thread starts, so that all inherit it. */
static enum err stop_descriptor(int *ret_descriptor, struct fault *fault)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	if (pthread_sigmask(SIG_BLOCK, &signals, NULL) != 0)
		return fault_set(fault, ERR_IO, "cannot block signals");
	*ret_descriptor = signalfd(-1, &signals, SFD_CLOEXEC);
	return *ret_descriptor >= 0 ? ERR_OK : fault_set(fault, ERR_IO, "signalfd: %s", strerror(errno));
}

static enum err serve(struct local *local, const char *folder, const struct folder_config *config,
		      const struct tls_identity *identity, struct fault *fault)
{
	char control[FOLDER_PATH_MAX], control_address[FOLDER_PATH_MAX + 8];
	const char *addresses[] = {config->listen, control_address};
	struct server *server CLEANUP(server_close) = NULL;
	struct arena arena CLEANUP(arena_fini) = {0};
	struct outside_witness *witnesses;
	size_t witness_count;
	int stop = -1;

	arena_init(&arena, WITNESSES_ARENA_MAX);

	TRY(folder_path(folder, "control.sock", control, fault));
	unlink(control); /* left by a broker that was killed: the store's lock says that none runs */
	snprintf(control_address, sizeof control_address, "ipc://%s", control);
	struct server_options options = {
		.addresses = addresses, .address_count = 2, .identity = identity, .core = server_core_of(local->core)};
	TRY(folder_witnesses_read(folder, &arena, &witnesses, &witness_count, fault));
	options.witnesses = witnesses;
	options.witness_count = witness_count;
	options.outside = outside_core_of(local->core);
	core_set_witness_interval(local->core, config->witness_interval_ms);
	TRY(stop_descriptor(&stop, fault));
	uint64_t size = core_size(local->core); /* from here on the committer's to look at */
	TRY(server_open(&options, &server, fault));
	fprintf(stderr, "kluis-broker: serving on %s, %" PRIu64 " entries in the log\n", config->listen, size);
	sd_notifyf(0, "READY=1\nSTATUS=serving on %s", config->listen);
	enum err err = server_run(server, stop);
	if (err == ERR_BUSY)
		fault_set(fault, err,
			  "almost out of file descriptors: stopping, to be started afresh; nothing is lost");
	sd_notify(0, "STOPPING=1");
	close(stop);
	server_close(&server);
	unlink(control);
	fprintf(stderr, "kluis-broker: stopped, %" PRIu64 " entries in the log\n", core_size(local->core));
	return err;
}

static enum err open_and_serve(struct local *local, const struct settings *settings, struct fault *fault)
{
	char certificate[FOLDER_PATH_MAX], key[FOLDER_PATH_MAX];
	struct folder_config config;
	struct tls_identity identity CLEANUP(tls_identity_fini) = {0};

	TRY(folder_config_read(settings->data, &config, fault));
	TRY(folder_path(settings->data, "tls.crt", certificate, fault));
	TRY(folder_path(settings->data, "tls.key", key, fault));
	TRY(tls_load(certificate, key, &identity, fault));
	return serve(local, settings->data, &config, &identity, fault);
}

enum err command_serve(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct settings *settings = target;
	struct local local;
	struct fault cause = {""};

	(void)arguments;
	TRY(folder_check(settings->data, fault));
	enum err err = local_open(&local, settings->data, false, &cause);
	if (err == ERR_IN_USE)
		return fault_set(fault, err, "another broker serves '%s' already (%s)", settings->data, cause.text);
	if (err != ERR_OK)
		return fault_set(fault, err, "%s", cause.text);
	err = open_and_serve(&local, settings, fault);
	local_close(&local);
	return err;
}
