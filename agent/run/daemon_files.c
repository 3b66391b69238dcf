#include <stdio.h>
#include <string.h>

#include "anchor.h"
#include "kluis/file.h"
#include "kluis/hash.h"
#include "kluis/principal.h"
#include "run/daemon_internal.h"

enum err daemon_read_certificates(const struct daemon *daemon, struct bytes *ret_pem, struct fault *fault)
{
	char path[HOME_PATH_MAX];

	TRY(home_path(daemon->folder, "broker.crt", path, fault));
	if (file_read(path, ret_pem, NULL) != ERR_OK)
		return fault_set(fault, ERR_CERTIFICATE, "'%s' cannot be read; join again with a new invitation", path);
	return bytes_append_u8(ret_pem, '\0');
}

static enum err make_witness(const char *path, const char *name, struct secret_key *ret_key, struct fault *fault)
{
	TRY(secret_key_new(slice_text(name), ret_key));
	enum err err = secret_key_write(ret_key, path, fault);
	if (err != ERR_OK)
		secret_key_fini(ret_key);
	return err;
}

enum err daemon_open_witness(struct daemon *daemon, struct fault *fault)
{
	char path[HOME_PATH_MAX], name[PRINCIPAL_MAX + 1];

	TRY(home_path(daemon->folder, "witness.key", path, fault));
	enum err err = secret_key_read(path, &daemon->witness, NULL);
	if (err == ERR_OK)
		return ERR_OK;
	if (err != ERR_NOT_FOUND)
		return secret_key_read(path, &daemon->witness, fault);
	TRY(principal_witness_name(slice_text(daemon->agent.membership.origin), daemon->shop.number, name));
	return make_witness(path, name, &daemon->witness, fault);
}

enum err daemon_make_token(struct daemon *daemon, struct fault *fault)
{
	uint8_t token[(ADMIN_TOKEN_SIZE - 1) / 2];
	char path[HOME_PATH_MAX];

	random_bytes(token, sizeof token);
	hex_print(SLICE_ARRAY(token), daemon->admin_token);
	wipe(token, sizeof token);
	TRY(home_path(daemon->folder, "admin.token", path, fault));
	return file_write(path, slice_text(daemon->admin_token), 0600, fault);
}

enum err daemon_keep_paper(void *context, const char *name, struct slice note)
{
	const struct daemon *daemon = context;
	char path[HOME_PATH_MAX];

	TRY(home_path(daemon->folder, name, path, NULL));
	return file_write(path, note, 0600, NULL);
}

/* The log's keys in force live as long as the agent; a change is rare, so the old ones may stay in its arena. */
enum err daemon_take_trust(void *context, struct session *session, struct slice hash, uint64_t time_ms,
			   struct fault *fault)
{
	struct daemon *daemon = context;
	struct bytes pem CLEANUP(bytes_fini) = {0};
	struct membership membership;
	bool is_new = false;

	TRY(anchor_update(daemon->folder, &daemon->agent.membership, session, hash, time_ms, &is_new, fault));
	daemon->is_trust_due = daemon->is_trust_due || is_new;
	if (!daemon->is_trust_due)
		return ERR_OK;
	TRY(membership_read(daemon->folder, &daemon->agent.arena, &membership, fault));
	pthread_mutex_lock(&daemon->office.mutex);
	daemon->agent.membership.logs = membership.logs;
	daemon->agent.membership.log_count = membership.log_count;
	pthread_mutex_unlock(&daemon->office.mutex);
	bytes_init(&pem, LINK_PEM_MAX);
	TRY(daemon_read_certificates(daemon, &pem, fault));
	TRY(link_trust(daemon->link, (const char *)pem.data));
	daemon->is_trust_due = false;
	return ERR_OK;
}

enum err daemon_write_port(struct daemon *daemon, struct fault *fault)
{
	char path[HOME_PATH_MAX], text[64];

	snprintf(text, sizeof text, "%s %u\n", daemon->config.till_address, till_server_port(daemon->server));
	TRY(home_path(daemon->folder, "till.port", path, fault));
	return file_write(path, slice_text(text), 0600, fault);
}

static enum err write_note(const char *folder, const char *name, const char *which, struct slice note)
{
	char path[HOME_PATH_MAX], file[64];

	snprintf(file, sizeof file, "%.48s.%s", name, which);
	TRY(home_path(folder, file, path, NULL));
	return file_write(path, note, 0600, NULL);
}

enum err daemon_keep_evidence(void *context, const char *name, struct slice older, struct slice newer)
{
	const struct daemon *daemon = context;
	char folder[HOME_PATH_MAX];

	TRY(home_path(daemon->folder, "evidence", folder, NULL));
	TRY(folder_make(folder, 0700, NULL));
	TRY(write_note(folder, name, "older", older));
	return write_note(folder, name, "newer", newer);
}
