#include "store_agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kluis/file.h"
#include "run/daemon_shop.h"
#include "unlogged.h"

#define TOKEN "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void must(enum err err, const char *what, const struct fault *fault)
{
	if (err == ERR_OK)
		return;
	fprintf(stderr, "store_agent: %s: %s %s\n", what, error_text(err), fault->text);
	abort();
}

/* ---- the network ---- */

static enum err forged(struct store_agent *here, struct slice reply, struct bytes *ret_reply)
{
	struct arena *arena = &here->formula->arena;
	Kluis__Reply *decoded;
	uint8_t *copy = arena_copy(arena, reply);

	TRY(WIRE_DECODE(Reply, reply, SLICE(copy, reply.length), arena, &decoded));
	here->forge(here, decoded);
	return wire_encode(&decoded->base, ret_reply);
}

static enum err send_it(void *context, struct slice message, struct bytes *ret_reply)
{
	struct store_agent *here = context;
	struct exchange core = unlogged_exchange(here->formula);
	struct bytes reply CLEANUP(bytes_fini) = {0};

	here->sent++;
	if (here->is_cut)
		return ERR_NETWORK;
	bytes_init(&reply, MESSAGE_MAX);
	TRY(core.send(core.context, message, &reply));
	if (here->is_reply_lost)
		return ERR_TIMEOUT;
	if (here->forge != NULL)
		return forged(here, bytes_slice(&reply), ret_reply);
	return bytes_append(ret_reply, bytes_slice(&reply));
}

/* ---- the folder ---- */

static void open_agent(struct store_agent *here)
{
	struct fault fault = {""};
	struct exchange exchange = {.context = here, .send = send_it};

	must(agent_open(&here->agent, here->folder, &fault), "agent_open", &fault);
	must(session_open(&here->agent.session, &here->agent.key, LANE_ADMIN, exchange,
			  session_files(here->agent.lanes), &fault),
	     "session", &fault);
}

static void make_folder(struct store_agent *here)
{
	char path[HOME_PATH_MAX];
	struct fault fault = {""};
	struct invitation invitation = {.origin = FRANCHISE_ORIGIN,
					.principal = here->party->key.public.name,
					.address = "tls+tcp://localhost:7400",
					.certificate_pem = "none\n",
					.log = here->formula->log.public,
					.controller = here->formula->office.key.public};

	must(home_create(here->folder, &invitation, &fault), "home_create", &fault);
	must(home_path(here->folder, "store.key", path, &fault), "path", &fault);
	unlink(path);
	must(secret_key_write(&here->party->key, path, &fault), "store.key", &fault);
}

/* What the party has done so far was on the agent's lane, which now goes on from there. */
static void take_over(struct session *session, struct party *party)
{
	session->sequence = party->sequence;
	session->has_acknowledgement = party->has_acknowledgement;
	session->entry_index = party->index;
	session->entry_leaf = party->leaf;
	session->is_unsaved = true;
	party->lane = 9;
	party->sequence = 0;
	party->has_acknowledgement = false;
}

void store_agent_begin(struct store_agent *here, const char *grants)
{
	*here = (struct store_agent){.formula = franchise_new(NULL)};
	here->party = franchise_store(here->formula, 12, grants);
	scratch_new(here->scratch);
	snprintf(here->folder, sizeof here->folder, "%s/store-12", here->scratch);
	make_folder(here);
	open_agent(here);
	take_over(&here->agent.session, here->party);
}

void store_agent_close(struct store_agent *here)
{
	till_server_close(&here->server);
	office_fini(&here->office);
	if (here->office.desk != NULL)
		sluice_fini(&here->sluice);
	desk_free(&here->office.desk);
	daemon_shop_close(&here->shop);
	agent_close(&here->agent);
}

void store_agent_restart(struct store_agent *here)
{
	store_agent_close(here);
	open_agent(here);
}

void store_agent_end(struct store_agent *here)
{
	store_agent_close(here);
	scratch_remove(here->scratch);
	franchise_free(&here->formula);
}

/* ---- as the daemon has it ---- */

void store_agent_open_shop(struct store_agent *here)
{
	struct fault fault = {""};

	must(daemon_shop_open(&here->agent, &here->shop, NULL, &fault), "shop", &fault);
}

void store_agent_open_office(struct store_agent *here)
{
	struct fault fault = {""};
	struct desk *desk;

	store_agent_open_shop(here);
	must(desk_new(&here->shop, (struct desk_line){.context = NULL}, &desk), "desk", &fault);
	must(sluice_init(&here->sluice), "sluice", &fault);
	office_init(&here->office, &here->agent, &here->shop, desk);
	here->office.sluice = &here->sluice;
}

static void write_text(const struct store_agent *here, const char *name, const char *text)
{
	char path[HOME_PATH_MAX];
	struct fault fault = {""};

	must(home_path(here->folder, name, path, &fault), name, &fault);
	must(file_write(path, slice_text(text), 0600, &fault), name, &fault);
}

static json_t *status(void *context)
{
	(void)context;
	return json_object();
}

void store_agent_serve(struct store_agent *here)
{
	char port[32];
	struct fault fault = {""};

	store_agent_open_office(here);
	here->served = (struct till_server_options){.address = "127.0.0.1",
						    .desk = here->office.desk,
						    .outbox = here->shop.outbox,
						    .status = status,
						    .admin_token = TOKEN,
						    .office = office_calls,
						    .office_count = office_call_count,
						    .office_context = &here->office};
	must(till_server_open(&here->served, &here->server, &fault), "server", &fault);
	snprintf(port, sizeof port, "127.0.0.1 %u\n", till_server_port(here->server));
	write_text(here, "till.port", port);
	write_text(here, "admin.token", TOKEN);
}
