/*
 * The broker's folder:
 *
 *     broker.ini      where it listens, which address invitations carry, which witnesses are asked
 * (kluis-broker.ini(5))
 *
 *     controller.key  head office's signing key      log.key    signs checkpoints
 *     master.key      wraps customers' keys          tls.key, tls.crt
 *     log-2.key, master-2.key, tls-2.key ...         of rotations (keyring.h)
 *     db/             records and the log            lanes/     head office's own sessions
 *     control.sock    for head office's commands while the broker runs
 *
 * Threads: main thread only.
 */
#ifndef KLUIS_BROKER_FOLDER_H
#define KLUIS_BROKER_FOLDER_H

#include "core/core.h"
#include "kluis/arena.h"
#include "server/outside_witness.h"

#define FOLDER_PATH_MAX 512
#define ADDRESS_MAX 256

/* ret_path gets "<folder>/<name>"; ERR_USAGE when that is too long. */
enum err folder_path(const char *folder, const char *name, char ret_path[static FOLDER_PATH_MAX],
		     struct fault *fault) MUST_USE;

struct keyring;

struct folder_config {
	char listen[ADDRESS_MAX];
	char address[ADDRESS_MAX];
	uint64_t witness_interval_ms;
};
/* Without its witnesses; folder_witnesses_read has those. */
enum err folder_config_read(const char *folder, struct folder_config *ret_config, struct fault *fault) MUST_USE;
enum err folder_config_write(const char *folder, const struct folder_config *config, struct fault *fault) MUST_USE;

/* The sections [witness NAME] in their order, in the arena; NULL for none. */
enum err folder_witnesses_read(const char *folder, struct arena *arena, struct outside_witness **ret_witnesses,
			       size_t *ret_count, struct fault *fault) MUST_USE;

/* All secrets that serving needs. */
struct folder_keys {
	struct secret_key controller;
	struct secret_key log;	 /* of those in the folder the one with the lowest number */
	struct keyring *keyring; /* all logs' and master keys */
	struct core_keys core;	 /* points into the others */
};
/* ERR_MODE, ERR_NOT_FOUND with a fault that names the file. */
enum err folder_keys_read(const char *folder, struct folder_keys *ret_keys, struct fault *fault) MUST_USE;
void folder_keys_fini(struct folder_keys *keys);

/* ERR_NOT_FOUND with advice unless folder was made by "kluis-broker init"; ERR_MODE when others may enter it. */
enum err folder_check(const char *folder, struct fault *fault) MUST_USE;

#endif
