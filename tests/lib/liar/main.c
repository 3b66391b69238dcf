/*
 * kluis-liar: a broker that serves a real folder and lies to its stores as it is told.
 *
 *     kluis-liar FOLDER LIE-FILE [CERTIFICATE KEY]
 *
 * LIE-FILE holds the name of a lie (lies.c), or does not exist: then it tells the truth. It is looked at for each
 * reply; "told NAME" is said for each lie that went out. What it does to the log is right: the lie is in the answers
 * alone. With CERTIFICATE and KEY it shows those, made if they are not there. Ends by SIGTERM, as kluis-broker serve
 * does.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "command/identity.h"
#include "command/local.h"
#include "kluis/clock.h"
#include "kluis/file.h"
#include "lies.h"
#include "server/server.h"

#define UNDER_WAY_MAX 256
#define OUT_MAX (8 * (size_t)MESSAGE_MAX)

static const char *lie_path;
static const struct secret_key *log_key;

/* ---- requests under way: what was asked, and what goes out instead of the truth ---- */

static struct under_way {
	const struct prepared *prepared;
	struct slice message;
	struct bytes out;
	bool is_lie;
} under_way[UNDER_WAY_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct under_way *find(const struct prepared *prepared)
{
	for (size_t i = 0; i < UNDER_WAY_MAX; i++) {
		if (under_way[i].prepared == prepared)
			return &under_way[i];
	}
	return NULL;
}

static enum err prepare(struct core *core, struct slice message, uint64_t now_ms, struct prepared **ret_prepared)
{
	TRY(core_prepare(core, message, now_ms, ret_prepared));
	pthread_mutex_lock(&lock);
	struct under_way *place = find(NULL);
	if (place != NULL)
		*place = (struct under_way){.prepared = *ret_prepared, .message = message};
	pthread_mutex_unlock(&lock);
	return ERR_OK;
}

static void forget(struct prepared **prepared)
{
	pthread_mutex_lock(&lock);
	struct under_way *place = *prepared == NULL ? NULL : find(*prepared);
	if (place != NULL) {
		bytes_fini(&place->out);
		*place = (struct under_way){.prepared = NULL};
	}
	pthread_mutex_unlock(&lock);
	prepared_free(prepared);
}

/* NULL: the truth. */
static const struct lie *lie_now(void)
{
	char name[64] = "";
	FILE *file = fopen(lie_path, "re");

	if (file == NULL)
		return NULL;
	if (fscanf(file, "%63s", name) != 1)
		name[0] = '\0';
	fclose(file);
	return lie_find(name);
}

static void lie_about(struct under_way *place, struct slice truth)
{
	const struct lie *lie = lie_now();

	bytes_init(&place->out, OUT_MAX);
	place->is_lie = lie_tell(lie, log_key, place->message, truth, &place->out);
	if (place->is_lie)
		printf("told %s\n", lie->name);
}

static struct slice reply(const struct prepared *prepared)
{
	struct slice truth = core_reply(prepared);

	pthread_mutex_lock(&lock);
	struct under_way *place = find(prepared);
	if (place != NULL && !place->is_lie && prepared_trust(prepared) == CORE_AUTHENTICATED)
		lie_about(place, truth);
	struct slice out = place != NULL && place->is_lie ? bytes_slice(&place->out) : truth;
	pthread_mutex_unlock(&lock);
	return out;
}

/* ---- serving ---- */

static int stop_descriptor(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_CLOEXEC);
}

static enum err load_identity(char **argv, int argc, struct tls_identity *ret_identity, struct fault *fault)
{
	if (argc < 5)
		return identity_load(argv[1], 1, ret_identity, fault);
	if (access(argv[3], F_OK) != 0)
		TRY(tls_create(argv[3], argv[4], clock_now_ms(), fault));
	return tls_load(argv[3], argv[4], ret_identity, fault);
}

static enum err serve(struct local *local, const char *folder, const struct tls_identity *identity, struct fault *fault)
{
	char control[FOLDER_PATH_MAX], control_address[FOLDER_PATH_MAX + 8];
	struct folder_config config;
	struct server *server CLEANUP(server_close) = NULL;

	TRY(folder_config_read(folder, &config, fault));
	TRY(folder_path(folder, "control.sock", control, fault));
	unlink(control);
	snprintf(control_address, sizeof control_address, "ipc://%s", control);
	const char *addresses[] = {config.listen, control_address};
	struct server_options options = {.addresses = addresses,
					 .address_count = 2,
					 .identity = identity,
					 .core = server_core_of(local->core),
					 .outside = outside_core_of(local->core)};
	options.core.prepare = prepare;
	options.core.reply = reply;
	options.core.prepared_free = forget;
	core_set_witness_interval(local->core, config.witness_interval_ms);
	int stop = stop_descriptor();
	TRY(server_open(&options, &server, fault));
	printf("serving on %s\n", config.listen);
	return server_run(server, stop);
}

int main(int argc, char **argv)
{
	struct local local = {0};
	struct tls_identity identity CLEANUP(tls_identity_fini) = {0};
	struct fault fault = {""};

	if (argc != 3 && argc != 5) {
		fputs("usage: kluis-liar FOLDER LIE-FILE [CERTIFICATE KEY]\n", stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	lie_path = argv[2];
	enum err err = keys_init();
	if (err == ERR_OK)
		err = local_open(&local, argv[1], false, &fault);
	log_key = &local.keys.log;
	if (err == ERR_OK)
		err = load_identity(argv, argc, &identity, &fault);
	if (err == ERR_OK)
		err = serve(&local, argv[1], &identity, &fault);
	local_close(&local);
	if (err != ERR_OK)
		fprintf(stderr, "kluis-liar: %s: %s\n", error_text(err), fault.text);
	return err != ERR_OK;
}
