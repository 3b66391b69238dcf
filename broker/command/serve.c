/*
 * kluis-broker serve: the daemon.
 */
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "command/commands.h"
#include "command/identity.h"
#include "command/local.h"
#include "kluis/log.h"
#include "kluis/stop.h"
#include "kluis/trust.h"
#include "server/server.h"

#define WITNESSES_ARENA_MAX (512 * 1024)

/* ---- the certificate ---- */

/* What the server shows, and by which trust. */
struct shown {
	struct core *core;
	const char *folder;
	uint32_t number;
	uint8_t trust[HASH_SIZE]; /* zeros: none */
};

/* The certificates of the trust in force, in the arena; NULL without one. */
static enum err trusted_certificates(struct core *core, struct arena *arena, uint8_t ret_trust[static HASH_SIZE],
				     const char **ret_pem, struct fault *fault)
{
	struct bytes note CLEANUP(bytes_fini) = {0};
	struct trust trust;

	bytes_init(&note, PAPER_MAX);
	enum err err = core_trust(core, ret_trust, &note);
	if (err == ERR_NOT_FOUND) {
		*ret_pem = NULL;
		return ERR_OK;
	}
	TRY(err);
	struct note *parsed = arena_alloc(arena, sizeof *parsed);
	const uint8_t *copy = arena_copy(arena, bytes_slice(&note));
	if (parsed == NULL || copy == NULL)
		return ERR_MEMORY;
	TRY(note_parse(SLICE(copy, note.length), arena, parsed, fault));
	TRY(trust_parse(parsed->text, "trust", arena, &trust, fault));
	*ret_pem = trust.certificates_pem;
	return ERR_OK;
}

static enum err choose_certificate(struct shown *shown, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	const char *pem = NULL;

	arena_init(&arena, 8 * PAPER_MAX);
	TRY(trusted_certificates(shown->core, &arena, shown->trust, &pem, fault));
	return identity_number(shown->folder, pem, &shown->number, fault);
}

static enum err show(struct shown *shown, struct server *server, struct fault *fault)
{
	struct tls_identity identity CLEANUP(tls_identity_fini) = {0};
	struct shown next = *shown;

	TRY(choose_certificate(&next, fault));
	if (next.number != shown->number) {
		TRY(identity_load(next.folder, next.number, &identity, fault));
		TRY(server_show(server, &identity, fault));
		fprintf(stderr, "kluis-broker: shows certificate %u from now on\n", next.number);
	}
	*shown = next;
	return ERR_OK;
}

/* Another trust was entered: who connects from now on is shown its first certificate. */
static void show_right_certificate(void *context, struct server *server)
{
	static struct log_topic topic = LOG_TOPIC("certificate");
	struct shown *shown = context;
	struct fault fault = {""};
	uint8_t trust[HASH_SIZE];

	if (core_trust(shown->core, trust, NULL) != ERR_OK ||
	    slice_equal(SLICE_ARRAY(trust), SLICE_ARRAY(shown->trust)))
		return;
	if (show(shown, server, &fault) != ERR_OK)
		log_event(&topic, "not changed: %s", fault.text);
}

static enum err serve(struct local *local, const char *folder, const struct folder_config *config,
		      const struct tls_identity *identity, struct shown *shown, struct fault *fault)
{
	char control[FOLDER_PATH_MAX], control_address[FOLDER_PATH_MAX + 8];
	const char *addresses[] = {config->listen, control_address};
	struct server *server CLEANUP(server_close) = NULL;
	struct arena arena CLEANUP(arena_fini) = {0};
	struct outside_witness *witnesses;
	size_t witness_count;
	int stop CLEANUP(stop_close) = -1;

	arena_init(&arena, WITNESSES_ARENA_MAX);

	TRY(folder_path(folder, "control.sock", control, fault));
	unlink(control); /* left by a broker that was killed: the store's lock says that none runs */
	snprintf(control_address, sizeof control_address, "ipc://%s", control);
	struct server_options options = {.addresses = addresses,
					 .address_count = 2,
					 .identity = identity,
					 .core = server_core_of(local->core),
					 .tick = show_right_certificate,
					 .tick_context = shown};
	TRY(folder_witnesses_read(folder, &arena, &witnesses, &witness_count, fault));
	options.witnesses = witnesses;
	options.witness_count = witness_count;
	options.outside = outside_core_of(local->core);
	core_set_witness_interval(local->core, config->witness_interval_ms);
	TRY(stop_open(&stop, fault));
	uint64_t size = core_size(local->core); /* from here on the committer's to look at */
	TRY(server_open(&options, &server, fault));
	fprintf(stderr, "kluis-broker: serving on %s, %" PRIu64 " entries in the log\n", config->listen, size);
	sd_notifyf(0, "READY=1\nSTATUS=serving on %s", config->listen);
	enum err err = server_run(server, stop);
	if (err == ERR_BUSY)
		fault_set(fault, err,
			  "almost out of file descriptors: stopping, to be started afresh; nothing is lost");
	sd_notify(0, "STOPPING=1");
	server_close(&server);
	unlink(control);
	fprintf(stderr, "kluis-broker: stopped, %" PRIu64 " entries in the log\n", core_size(local->core));
	return err;
}

static enum err open_and_serve(struct local *local, const struct settings *settings, struct fault *fault)
{
	struct shown shown = {.core = local->core, .folder = settings->data};
	struct folder_config config;
	struct tls_identity identity CLEANUP(tls_identity_fini) = {0};

	TRY(folder_config_read(settings->data, &config, fault));
	TRY(choose_certificate(&shown, fault));
	TRY(identity_load(settings->data, shown.number, &identity, fault));
	return serve(local, settings->data, &config, &identity, &shown, fault);
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
