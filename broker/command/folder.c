#include "command/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/keyring.h"
#include "kluis/file.h"
#include "kluis/ini.h"

#define CONFIG_MAX 16384
#define SCHEME "tls+tcp://"

enum err folder_path(const char *folder, const char *name, char ret_path[static FOLDER_PATH_MAX], struct fault *fault)
{
	int length = snprintf(ret_path, FOLDER_PATH_MAX, "%s/%s", folder, name);

	if (length < 0 || length >= FOLDER_PATH_MAX)
		return fault_set(fault, ERR_USAGE, "the path of the broker's folder is too long");
	return ERR_OK;
}

/* "host:port", as after the scheme: a host, and a port in digits; 0 is one that the system gives. */
static bool has_host_and_port(const char *text)
{
	const char *colon = strrchr(text, ':');
	size_t digits = colon == NULL ? 0 : strspn(colon + 1, "0123456789");

	return colon != NULL && colon != text && digits >= 1 && digits <= 5 && colon[1 + digits] == '\0' &&
	       strtoul(colon + 1, NULL, 10) <= UINT16_MAX;
}

static enum err take_address(char *place, const char *value, struct fault *fault)
{
	bool is_known = strncmp(value, SCHEME, strlen(SCHEME)) == 0 && has_host_and_port(value + strlen(SCHEME));

	if (!is_known || strlen(value) >= ADDRESS_MAX)
		return fault_set(fault, ERR_INPUT, "'%.64s' is not an address of the form tls+tcp://host:port", value);
	memcpy(place, value, strlen(value) + 1);
	return ERR_OK;
}

/* The whole of broker.ini while it is read. */
struct config_reading {
	struct folder_config config;
	size_t witness_count;
	struct outside_witness *witnesses[OUTSIDE_WITNESSES_MAX];
};

static enum err take_listen(void *target, const char *section, const char *key, char *value, struct arena *arena,
			    struct fault *fault)
{
	(void)section, (void)key, (void)arena;
	return take_address(((struct config_reading *)target)->config.listen, value, fault);
}

static enum err take_public_address(void *target, const char *section, const char *key, char *value,
				    struct arena *arena, struct fault *fault)
{
	(void)section, (void)key, (void)arena;
	return take_address(((struct config_reading *)target)->config.address, value, fault);
}

static enum err take_interval(void *target, const char *section, const char *key, char *value, struct arena *arena,
			      struct fault *fault)
{
	uint64_t seconds;

	(void)section, (void)key, (void)arena;
	TRY(ini_duration(value, &seconds, fault));
	if (seconds < 1 || seconds > WITNESS_INTERVAL_S_MAX)
		return fault_set(fault, ERR_INPUT, "'%.32s' is not between 1s and 1h", value);
	((struct config_reading *)target)->config.witness_interval_ms = seconds * 1000;
	return ERR_OK;
}

/* The one of a section; made when its first key is read. */
static enum err witness_named(struct config_reading *reading, const char *name, struct arena *arena,
			      struct outside_witness **ret_witness, struct fault *fault)
{
	for (size_t i = 0; i < reading->witness_count; i++)
		if (strcmp(reading->witnesses[i]->name, name) == 0) {
			*ret_witness = reading->witnesses[i];
			return ERR_OK;
		}
	if (!ini_is_name(name))
		return fault_set(fault, ERR_INPUT, "'%.64s' is no name: [a-z][a-z0-9_-]*, at most 64", name);
	if (reading->witness_count == OUTSIDE_WITNESSES_MAX)
		return fault_set(fault, ERR_INPUT, "there are at most %d witnesses", OUTSIDE_WITNESSES_MAX);
	struct outside_witness *witness = arena_alloc(arena, sizeof *witness);
	if (witness == NULL)
		return ERR_MEMORY;
	memset(witness, 0, sizeof *witness);
	memcpy(witness->name, name, strlen(name) + 1);
	memcpy(witness->ca_file, WITNESS_CA_DEFAULT, sizeof WITNESS_CA_DEFAULT);
	reading->witnesses[reading->witness_count++] = witness;
	*ret_witness = witness;
	return ERR_OK;
}

static enum err take_url(void *target, const char *section, const char *key, char *value, struct arena *arena,
			 struct fault *fault)
{
	struct outside_witness *witness;

	(void)key;
	TRY(witness_named(target, section, arena, &witness, fault));
	return outside_witness_url(value, witness->url, fault);
}

static enum err take_vkey(void *target, const char *section, const char *key, char *value, struct arena *arena,
			  struct fault *fault)
{
	struct config_reading *reading = target;
	struct outside_witness *witness;

	(void)key;
	TRY(witness_named(target, section, arena, &witness, fault));
	TRY(public_key_parse(slice_text(value), &witness->key, fault));
	if (witness->key.type != KEY_TYPE_COSIGNATURE)
		return fault_set(fault, ERR_INPUT, "it is not the vkey of a witness (type 0x04)");
	for (size_t i = 0; i < reading->witness_count; i++)
		if (reading->witnesses[i] != witness && public_key_equal(&reading->witnesses[i]->key, &witness->key))
			return fault_set(fault, ERR_INPUT, "[witness %s] has the same key",
					 reading->witnesses[i]->name);
	return ERR_OK;
}

static enum err take_ca(void *target, const char *section, const char *key, char *value, struct arena *arena,
			struct fault *fault)
{
	struct outside_witness *witness;

	(void)key;
	TRY(witness_named(target, section, arena, &witness, fault));
	if (value[0] != '/' || strlen(value) > WITNESS_PATH_MAX)
		return fault_set(fault, ERR_INPUT, "'%.64s' is not an absolute path of at most %d bytes", value,
				 WITNESS_PATH_MAX);
	memcpy(witness->ca_file, value, strlen(value) + 1);
	return ERR_OK;
}

static const struct ini_key config_keys[] = {
	{"broker", "listen", true, take_listen},
	{"broker", "address", true, take_public_address},
	{"broker", "witness-interval", false, take_interval},
	{"witness *", "url", true, take_url},
	{"witness *", "vkey", true, take_vkey},
	{"witness *", "ca", false, take_ca},
};

static enum err read_config(const char *folder, struct arena *arena, struct config_reading *ret_reading,
			    struct fault *fault)
{
	char path[FOLDER_PATH_MAX];
	struct bytes text CLEANUP(bytes_fini) = {0};

	*ret_reading = (struct config_reading){.config = {.witness_interval_ms = WITNESS_INTERVAL_MS}};
	bytes_init(&text, CONFIG_MAX);
	TRY(folder_path(folder, "broker.ini", path, fault));
	TRY(file_read(path, &text, fault));
	return ini_read(bytes_slice(&text), path, config_keys, sizeof config_keys / sizeof config_keys[0], ret_reading,
			arena, fault);
}

enum err folder_config_read(const char *folder, struct folder_config *ret_config, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct config_reading reading;

	arena_init(&arena, 16 * CONFIG_MAX);
	TRY(read_config(folder, &arena, &reading, fault));
	*ret_config = reading.config;
	return ERR_OK;
}

enum err folder_witnesses_read(const char *folder, struct arena *arena, struct outside_witness **ret_witnesses,
			       size_t *ret_count, struct fault *fault)
{
	struct config_reading reading;
	struct outside_witness *list = NULL;

	TRY(read_config(folder, arena, &reading, fault));
	if (reading.witness_count > 0) {
		list = arena_array(arena, reading.witness_count, sizeof *list);
		if (list == NULL)
			return ERR_MEMORY;
	}
	for (size_t i = 0; i < reading.witness_count; i++)
		list[i] = *reading.witnesses[i];
	*ret_witnesses = list;
	*ret_count = reading.witness_count;
	return ERR_OK;
}

enum err folder_config_write(const char *folder, const struct folder_config *config, struct fault *fault)
{
	char path[FOLDER_PATH_MAX], ignored[ADDRESS_MAX];
	struct bytes text CLEANUP(bytes_fini) = {0};

	bytes_init(&text, CONFIG_MAX);
	TRY(take_address(ignored, config->listen, fault));
	TRY(take_address(ignored, config->address, fault));
	TRY(bytes_printf(&text,
			 "; where the broker listens, and the address that invitations carry\n[broker]\n"
			 "listen = %s\naddress = %s\n",
			 config->listen, config->address));
	TRY(folder_path(folder, "broker.ini", path, fault));
	return file_create(path, bytes_slice(&text), 0600, fault);
}

static enum err read_key(const char *folder, const char *name, struct secret_key *ret_key, struct fault *fault)
{
	char path[FOLDER_PATH_MAX];

	TRY(folder_path(folder, name, path, fault));
	return secret_key_read(path, ret_key, fault);
}

/* The file of the lowest number; the first one's name if there is none. */
static enum err first_file(const char *folder, const char *key, char ret_name[static KEY_NAME_MAX], struct fault *fault)
{
	uint32_t numbers[KEY_NUMBERS_MAX];
	size_t count;

	TRY(key_file_numbers(folder, key, ".key", numbers, &count, fault));
	key_file_name(key, count == 0 ? 1 : numbers[0], ".key", ret_name);
	return ERR_OK;
}

enum err folder_keys_read(const char *folder, struct folder_keys *ret_keys, struct fault *fault)
{
	char path[FOLDER_PATH_MAX];
	struct folder_keys keys CLEANUP(folder_keys_fini) = {0};
	char name[KEY_NAME_MAX];

	TRY(read_key(folder, "controller.key", &keys.controller, fault));
	TRY(first_file(folder, "log", name, fault));
	TRY(read_key(folder, name, &keys.log, fault));
	TRY(first_file(folder, "master", name, fault));
	TRY(folder_path(folder, name, path, fault));
	/* to say at once what is wrong with it: the keyring reads it when it is asked */
	uint8_t *master = NULL;
	enum err err = secret_bytes_read(path, &master, fault);
	secret_bytes_free(&master);
	if (err != ERR_OK && (err != ERR_NOT_FOUND || getenv("CREDENTIALS_DIRECTORY") == NULL))
		return err;
	TRY(keyring_new(folder, &keys.keyring));
	*ret_keys = keys;
	ret_keys->core = (struct core_keys){.log = &ret_keys->log,
					    .controller = keys.controller.public,
					    .epoch = 1,
					    .context = keys.keyring,
					    .master_of = keyring_master,
					    .end_masters = keyring_end_masters,
					    .log_of = keyring_log};
	keys = (struct folder_keys){0};
	return ERR_OK;
}

void folder_keys_fini(struct folder_keys *keys)
{
	secret_key_fini(&keys->controller);
	secret_key_fini(&keys->log);
	keyring_free(&keys->keyring);
}

enum err folder_check(const char *folder, struct fault *fault)
{
	char path[FOLDER_PATH_MAX];

	TRY(folder_path(folder, "broker.ini", path, fault));
	enum err err = file_check_private(path, false, NULL);
	if (err == ERR_NOT_FOUND)
		return fault_set(fault, err,
				 "'%s' is not a broker's folder; make one with 'kluis-broker init --data %s'", folder,
				 folder);
	if (err != ERR_OK)
		return file_check_private(path, false, fault);
	return file_check_private(folder, true, fault);
}
