#include "run/daemon.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alarm.h"
#include "kluis/clock.h"
#include "kluis/file.h"
#include "kluis/log.h"
#include "run/daemon_internal.h"
#include "run/status.h"

#define ANSWER_MARGIN_MS 15000 /* of a watch beyond its wait */
#define UPLOAD_TIMEOUT_MS 20000
#define LOOKUP_TIMEOUT_MS 4000 /* somebody stands at the till */
#define OFFICE_TIMEOUT_MS 20000
#define KEEP_EVERY_MS 60000
#define CLOCK_TELL_MS 60000
#define SIGNERS_MAX (4 * 1024 * 1024)
#define STUCK_MS 10000	    /* a connection that was given up is gone in milliseconds */
#define SHOWN_MS_MAX 300000 /* a thread that has not gone round for so long is stuck */

static struct log_topic link_topic = LOG_TOPIC("broker");
static struct log_topic purge_topic = LOG_TOPIC("copy");

/* ---- opening ---- */

static enum err open_link(struct daemon *daemon, struct fault *fault)
{
	struct bytes pem CLEANUP(bytes_fini) = {0};

	bytes_init(&pem, LINK_PEM_MAX);
	TRY(daemon_read_certificates(daemon, &pem, fault));
	TRY(link_open_lasting(daemon->agent.membership.address, (const char *)pem.data, &daemon->link, fault));
	TRY(channel_open(daemon->link, daemon->config.wait_ms + ANSWER_MARGIN_MS, &daemon->keeper_channel));
	TRY(channel_open(daemon->link, UPLOAD_TIMEOUT_MS, &daemon->courier_channel));
	TRY(channel_open(daemon->link, LOOKUP_TIMEOUT_MS, &daemon->line_channel));
	return channel_open(daemon->link, OFFICE_TIMEOUT_MS, &daemon->office_channel);
}

static bool is_up(void *context)
{
	return link_is_up(context);
}

static void roster_changed(void *context)
{
	desk_roster_changed(((struct daemon *)context)->desk);
}

static enum err open_keeper(struct daemon *daemon, struct fault *fault)
{
	struct keeper_options options = {.shop = &daemon->shop,
					 .exchange = channel_exchange(daemon->keeper_channel),
					 .memory = session_files(daemon->agent.lanes),
					 .wait_ms = daemon->config.wait_ms,
					 .controller = &daemon->agent.membership.controller,
					 .keep_paper = daemon_keep_paper,
					 .take_trust = daemon_take_trust,
					 .roster_changed = roster_changed,
					 .context = daemon};

	TRY(daemon_open_key(daemon, fault));
	options.signers = daemon->signers;
	options.signer_count = daemon->signer_count;
	return keeper_new(&options, &daemon->keeper, fault);
}

static enum err open_line(struct daemon *daemon, struct fault *fault)
{
	struct line_options options = {.shop = &daemon->shop,
				       .exchange = channel_exchange(daemon->line_channel),
				       .memory = session_files(daemon->agent.lanes),
				       .is_up = is_up,
				       .context = daemon->link};

	TRY(line_new(&options, &daemon->line, fault));
	TRY(desk_new(&daemon->shop, daemon_line_of_desk(daemon), &daemon->desk));
	desk_set_idle(daemon->desk, daemon->config.till_idle_ms);
	return ERR_OK;
}

static enum err open_office(struct daemon *daemon, struct fault *fault)
{
	TRY(session_open(&daemon->agent.session, &daemon->agent.key, LANE_ADMIN,
			 channel_exchange(daemon->office_channel), session_files(daemon->agent.lanes), fault));
	office_init(&daemon->office, &daemon->agent, &daemon->shop, daemon->desk);
	daemon->office.sluice = &daemon->sluice;
	daemon->office.rotate = daemon_rotate;
	daemon->office.rotate_context = daemon;
	return daemon_open_witness(daemon, fault);
}

static enum err open_parts(struct daemon *daemon, struct fault *fault)
{
	TRY(run_config_read(daemon->folder, &daemon->config, fault));
	TRY(agent_open_at_once(&daemon->agent, daemon->folder, fault));
	TRY(daemon_shop_open(&daemon->agent, &daemon->shop, NULL, fault));
	TRY(open_link(daemon, fault));
	TRY(open_keeper(daemon, fault));
	TRY(courier_new(&daemon->shop, channel_exchange(daemon->courier_channel), session_files(daemon->agent.lanes),
			&daemon->courier, fault));
	TRY(open_line(daemon, fault));
	return open_office(daemon, fault);
}

static enum err init_waking(struct daemon *daemon)
{
	pthread_condattr_t attributes;

	if (pthread_condattr_init(&attributes) != 0)
		return ERR_MEMORY;
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	int number = pthread_cond_init(&daemon->woken, &attributes);
	pthread_condattr_destroy(&attributes);
	if (number != 0 || pthread_mutex_init(&daemon->mutex, NULL) != 0)
		return ERR_MEMORY;
	arena_init(&daemon->signer_arena, SIGNERS_MAX);
	return sluice_init(&daemon->sluice);
}

enum err daemon_open(const char *folder, struct daemon **ret_daemon, struct fault *fault)
{
	struct daemon *daemon = calloc(1, sizeof *daemon);

	if (daemon == NULL || init_waking(daemon) != ERR_OK) {
		free(daemon);
		return ERR_MEMORY;
	}
	daemon->agent.lock = -1;
	snprintf(daemon->folder, sizeof daemon->folder, "%s", folder);
	struct fault cause = {""};
	enum err err = open_parts(daemon, &cause);
	if (err == ERR_IN_USE)
		err = fault_set(fault, err, "another agent, or a command, works in '%s' now", folder);
	else if (err != ERR_OK)
		err = fault_set(fault, err, "%s", cause.text[0] == '\0' ? error_text(err) : cause.text);
	if (err != ERR_OK)
		daemon_close(&daemon);
	else
		*ret_daemon = daemon;
	return err;
}

/* ---- starting ---- */

static json_t *status(void *context)
{
	return daemon_status(context);
}

static enum err serve_tills(struct daemon *daemon, struct fault *fault)
{
	/* the server looks into them as long as it serves */
	daemon->till_options = (struct till_server_options){.address = daemon->config.till_address,
							    .port = daemon->config.till_port,
							    .desk = daemon->desk,
							    .outbox = daemon->shop.outbox,
							    .status = status,
							    .status_context = daemon,
							    .admin_token = daemon->admin_token,
							    .office = office_calls,
							    .office_count = office_call_count,
							    .office_context = &daemon->office};
	if (!daemon->config.is_till_served)
		return ERR_OK;
	TRY(daemon_make_token(daemon, fault));
	TRY(till_server_open(&daemon->till_options, &daemon->server, fault));
	return daemon_write_port(daemon, fault);
}

enum err daemon_start(struct daemon *daemon, struct fault *fault)
{
	daemon->keeper_shown_ms = daemon->courier_shown_ms = clock_steady_ms();
	daemon->has_keeper_thread = pthread_create(&daemon->keeper_thread, NULL, daemon_keep, daemon) == 0;
	daemon->has_courier_thread = pthread_create(&daemon->courier_thread, NULL, daemon_carry, daemon) == 0;
	if (!daemon->has_keeper_thread || !daemon->has_courier_thread)
		return fault_set(fault, ERR_MEMORY, "a thread cannot be started");
	return serve_tills(daemon, fault);
}

unsigned daemon_port(const struct daemon *daemon)
{
	return daemon->server == NULL ? 0 : till_server_port(daemon->server);
}

/* ---- once a second ---- */

static void watch_link(struct daemon *daemon)
{
	bool is_online = link_is_up(daemon->link);
	enum err trouble = link_trouble(daemon->link);

	if (is_online != daemon->was_online) {
		log_event(&link_topic, is_online ? "'%s' is there" : "'%s' is away", daemon->agent.membership.address);
		daemon->online_since_ms = is_online ? shop_now_ms(&daemon->shop) : 0;
		daemon->was_online = is_online;
		pthread_mutex_lock(&daemon->shop.time_lock);
		daemon->shop.is_online = is_online;
		pthread_mutex_unlock(&daemon->shop.time_lock);
	}
	if (trouble == ERR_CERTIFICATE && daemon->trouble != ERR_CERTIFICATE)
		alarm_raise(daemon->shop.store, ALARM_CERTIFICATE, shop_now_ms(&daemon->shop),
			    "'%.180s' shows another certificate than the invited one",
			    daemon->agent.membership.address);
	daemon->trouble = is_online ? ERR_OK : trouble == ERR_CERTIFICATE ? trouble : daemon->trouble;
}

static void sweep(struct daemon *daemon)
{
	unsigned purged = 0;
	enum err err = shop_sweep(&daemon->shop, &purged);

	if (err != ERR_OK)
		log_event(&purge_topic, "cannot be purged: %s", error_text(err));
	if (purged == 0)
		return;
	log_event(&purge_topic, "%u purged, since the right to it is over", purged);
	daemon_wake_courier(daemon);
}

static void watch_clock(struct daemon *daemon)
{
	struct shop *shop = &daemon->shop;

	pthread_mutex_lock(&shop->time_lock);
	struct timekeeper time = shop->time;
	pthread_mutex_unlock(&shop->time_lock);
	uint64_t off_ms = (uint64_t)(time.offset_ms < 0 ? -time.offset_ms : time.offset_ms);
	bool is_off = time.is_set_back || (time.has_contact && off_ms > CLOCK_TELL_MS);
	if (is_off && !daemon->is_clock_told)
		alarm_raise(shop->store, ALARM_CLOCK, shop_now_ms(shop), "this machine's clock is wrong%s",
			    time.is_set_back ? ": it was set back" : " by more than a minute");
	daemon->is_clock_told = is_off;
}

bool daemon_tick(struct daemon *daemon)
{
	uint64_t now_ms = clock_steady_ms();

	watch_link(daemon);
	sweep(daemon);
	watch_clock(daemon);
	if (daemon->server != NULL)
		till_server_tick(daemon->server);
	if (now_ms - daemon->kept_ms >= KEEP_EVERY_MS) {
		daemon->kept_ms = now_ms;
		if (daemon_shop_keep(&daemon->shop) == ERR_DISK_FULL)
			alarm_raise(daemon->shop.store, ALARM_DISK, shop_now_ms(&daemon->shop), "the disk is full");
	}
	if (link_is_stuck(daemon->link, STUCK_MS))
		return false;
	return now_ms < daemon->keeper_shown_ms + SHOWN_MS_MAX && now_ms < daemon->courier_shown_ms + SHOWN_MS_MAX;
}

json_t *daemon_status(struct daemon *daemon)
{
	struct status_facts facts = {.principal = daemon->agent.membership.principal,
				     .broker = daemon->agent.membership.address,
				     .key_id = daemon->key_id,
				     .is_running = true,
				     .is_online = link_is_up(daemon->link),
				     .connections = link_connections(daemon->link)};

	facts.online_since_ms = facts.is_online ? daemon->online_since_ms : 0;
	keeper_progress(daemon->keeper, &facts.progress);
	return status_json(&daemon->shop, &facts);
}

void daemon_line(struct daemon *daemon, char *ret_text, size_t size)
{
	uint64_t waiting, refused;

	outbox_counts(daemon->shop.outbox, &waiting, &refused);
	snprintf(ret_text, size, "%s, %" PRIu64 " waiting, %" PRIu64 " refused, %" PRIu64 " alarms",
		 link_is_up(daemon->link) ? "online" : "offline", waiting, refused, alarm_count(daemon->shop.store));
}

/* ---- closing ---- */

static void stop_threads(struct daemon *daemon)
{
	pthread_mutex_lock(&daemon->mutex);
	daemon->is_stopping = true;
	pthread_cond_broadcast(&daemon->woken);
	pthread_mutex_unlock(&daemon->mutex);
	sluice_end(&daemon->sluice);
	if (daemon->link != NULL)
		link_stop(daemon->link); /* tills hear at once that the broker is away */
	till_server_close(&daemon->server);
	if (daemon->has_keeper_thread)
		pthread_join(daemon->keeper_thread, NULL);
	if (daemon->has_courier_thread)
		pthread_join(daemon->courier_thread, NULL);
}

static void close_channels(struct daemon *daemon)
{
	channel_close(&daemon->keeper_channel);
	channel_close(&daemon->courier_channel);
	channel_close(&daemon->line_channel);
	channel_close(&daemon->office_channel);
	link_close(&daemon->link);
}

void daemon_close(struct daemon **daemon)
{
	struct daemon *d = *daemon;

	if (d == NULL)
		return;
	stop_threads(d);
	desk_free(&d->desk);
	line_free(&d->line);
	courier_free(&d->courier);
	keeper_free(&d->keeper);
	office_fini(&d->office);
	close_channels(d);
	if (d->shop.store != NULL && daemon_shop_keep(&d->shop) != ERR_OK)
		log_event(&purge_topic, "the time of stopping cannot be kept");
	daemon_shop_close(&d->shop);
	secret_key_fini(&d->witness);
	agent_close(&d->agent);
	wipe(d->admin_token, sizeof d->admin_token);
	arena_fini(&d->signer_arena);
	sluice_fini(&d->sluice);
	pthread_cond_destroy(&d->woken);
	pthread_mutex_destroy(&d->mutex);
	free(d);
	*daemon = NULL;
}
