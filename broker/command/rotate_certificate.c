/*
 * kluis-broker key rotate-certificate: stores are told of a second certificate first; --finish shows it and forgets the
 * old one, while the broker serves on. Killed at any point it goes on when it is run again.
 */
#include <stdio.h>
#include <string.h>

#include "command/commands.h"
#include "command/identity.h"
#include "command/keyring.h"
#include "command/succession.h"
#include "kluis/clock.h"

#define SHOWN_WAIT_MS 20000
#define SHOWN_PAUSE_MS 250
#define CONNECT_MS 5000
#define BEGIN "-----BEGIN CERTIFICATE-----\n"

static size_t certificate_count(const char *pem)
{
	size_t count = 0;

	for (const char *at = pem; (at = strstr(at, BEGIN)) != NULL; at += strlen(BEGIN))
		count++;
	return count;
}

/* The last one is the newest. */
static const char *last_certificate(const char *pem)
{
	const char *last = pem;

	for (const char *at = pem; (at = strstr(at, BEGIN)) != NULL; at += strlen(BEGIN))
		last = at;
	return last;
}

/* ---- beginning ---- */

static enum err make(const char *folder, uint32_t number, struct fault *fault)
{
	char certificate[FOLDER_PATH_MAX], key[FOLDER_PATH_MAX], name[KEY_NAME_MAX];

	key_file_name("tls", number, ".crt", name);
	TRY(folder_path(folder, name, certificate, fault));
	key_file_name("tls", number, ".key", name);
	TRY(folder_path(folder, name, key, fault));
	return tls_create(certificate, key, clock_now_ms(), fault);
}

/* The newest certificate: one that a killed command has made and no trust names yet, else another one. A key whose
 * certificate was not written any more is of no use. */
static enum err take_new(const char *folder, const struct trust *before, struct bytes *ret_pem, struct fault *fault)
{
	uint32_t numbers[KEY_NUMBERS_MAX], keys[KEY_NUMBERS_MAX];
	size_t count, key_count;
	char name[KEY_NAME_MAX];

	TRY(key_file_numbers(folder, "tls", ".crt", numbers, &count, fault));
	TRY(key_file_numbers(folder, "tls", ".key", keys, &key_count, fault));
	uint32_t newest = count == 0 ? 0 : numbers[count - 1];
	if (newest > 1) {
		TRY(identity_pem(folder, newest, ret_pem, fault));
		if (strstr(before->certificates_pem, (const char *)ret_pem->data) == NULL)
			return ERR_OK;
	}
	if (key_count > 0 && keys[key_count - 1] > newest) {
		key_file_name("tls", keys[key_count - 1], ".key", name);
		TRY(key_file_destroy(folder, name, fault));
	}
	TRY(make(folder, newest + 1, fault));
	return identity_pem(folder, newest + 1, ret_pem, fault);
}

static enum err begin(struct office *office, const struct trust *before, struct trust *next, struct arena *arena,
		      struct fault *fault)
{
	struct bytes pem CLEANUP(bytes_fini) = {0};

	if (certificate_count(before->certificates_pem) > 1)
		return fault_set(fault, ERR_STATE,
				 "there are two certificates already; end the rotation with 'kluis-broker key "
				 "rotate-certificate --finish'");
	bytes_init(&pem, TLS_PEM_MAX);
	TRY(take_new(office->folder, before, &pem, fault));
	*next = *before;
	next->certificates_pem = arena_printf(arena, "%s%s", before->certificates_pem, (const char *)pem.data);
	if (next->certificates_pem == NULL)
		return ERR_MEMORY;
	TRY(succession_enter(office, before, next, fault));
	printf("trust version %u: stores learn that the broker may show a second certificate\n", next->version);
	puts("next: when stores and auditors have been in contact, 'kluis-broker key rotate-certificate --finish'; who "
	     "was not needs a new invitation");
	return ERR_OK;
}

/* ---- finishing ---- */

static enum err wait_until_shown(const char *folder, const char *certificate, struct fault *fault)
{
	uint64_t began_ms = clock_steady_ms();
	struct folder_config config;

	TRY(folder_config_read(folder, &config, fault));
	while (clock_steady_ms() - began_ms < SHOWN_WAIT_MS) {
		struct link *link = NULL;
		struct fault ignored = {""};
		enum err err = link_open(config.listen, certificate, CONNECT_MS, &link, &ignored);
		link_close(&link);
		if (err == ERR_OK)
			return ERR_OK;
		clock_sleep_ms(SHOWN_PAUSE_MS);
	}
	return fault_set(fault, ERR_TIMEOUT,
			 "%s does not show the new certificate; the old one was kept, look at the broker's log",
			 config.listen);
}

static enum err destroy_others(const char *folder, uint32_t number, struct fault *fault)
{
	uint32_t numbers[KEY_NUMBERS_MAX];
	char name[KEY_NAME_MAX];
	size_t count;

	TRY(key_file_numbers(folder, "tls", ".crt", numbers, &count, fault));
	for (size_t i = 0; i < count; i++) {
		if (numbers[i] == number)
			continue;
		key_file_name("tls", numbers[i], ".key", name);
		TRY(key_file_destroy(folder, name, fault));
		printf("'%s' was wiped and removed\n", name);
		key_file_name("tls", numbers[i], ".crt", name);
		TRY(key_file_destroy(folder, name, fault));
	}
	return ERR_OK;
}

static enum err finish(struct office *office, const struct trust *before, struct trust *next, struct arena *arena,
		       struct fault *fault)
{
	uint32_t number;

	(void)arena;
	if (before->version == 0)
		return fault_set(fault, ERR_STATE,
				 "no rotation was begun; 'kluis-broker key rotate-certificate' begins one");
	*next = *before;
	next->certificates_pem = last_certificate(before->certificates_pem);
	TRY(identity_number(office->folder, next->certificates_pem, &number, fault));
	/* else a finish that was killed before it had removed the old certificate goes on */
	if (certificate_count(before->certificates_pem) > 1)
		TRY(succession_enter(office, before, next, fault));
	TRY(wait_until_shown(office->folder, next->certificates_pem, fault));
	TRY(destroy_others(office->folder, number, fault));
	printf("trust version %u: the broker shows certificate %u alone\n", next->version, number);
	return ERR_OK;
}

enum err command_rotate_certificate(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	(void)arguments;
	return succession_run(target, begin, finish, fault);
}
