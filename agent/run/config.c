#include "run/config.h"

#include <stdio.h>
#include <string.h>

#include "desk/desk.h"
#include "home.h"
#include "kluis/file.h"
#include "kluis/ini.h"

#define CONFIG_MAX 8192
#define TILL_PORT_DEFAULT 7411
#define IDLE_S_MIN 60
#define IDLE_S_MAX (8 * 3600)
#define WAIT_MS_DEFAULT 50000
#define WITNESS_MS_DEFAULT 60000
#define WITNESS_S_MAX 86400

void run_config_init(struct run_config *ret_config)
{
	*ret_config = (struct run_config){.is_till_served = true,
					  .till_address = "127.0.0.1",
					  .till_port = TILL_PORT_DEFAULT,
					  .till_idle_ms = DESK_IDLE_MS,
					  .wait_ms = WAIT_MS_DEFAULT,
					  .is_witness = true,
					  .witness_every_ms = WITNESS_MS_DEFAULT};
}

/* "127.0.0.1:7411", "[::1]:7411", "none". Other machines are no tills of this one: their answers would go over the
 * shop's network in clear. */
static enum err take_listen(void *target, const char *section, const char *key, char *value, struct arena *arena,
			    struct fault *fault)
{
	struct run_config *config = target;
	static const struct {
		const char *text, *address;
	} places[] = {{"127.0.0.1:", "127.0.0.1"}, {"[::1]:", "::1"}};
	uint64_t port;

	(void)section, (void)key, (void)arena;
	config->is_till_served = strcmp(value, "none") != 0;
	if (!config->is_till_served)
		return ERR_OK;
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		size_t length = strlen(places[i].text);
		if (strncmp(value, places[i].text, length) != 0)
			continue;
		TRY(ini_u64(value + length, 0, 65535, &port, fault));
		snprintf(config->till_address, sizeof config->till_address, "%s", places[i].address);
		config->till_port = (unsigned)port;
		return ERR_OK;
	}
	return fault_set(fault, ERR_INPUT, "'%.64s' is not 127.0.0.1:PORT, [::1]:PORT or none", value);
}

static enum err take_idle(void *target, const char *section, const char *key, char *value, struct arena *arena,
			  struct fault *fault)
{
	uint64_t seconds;

	(void)section, (void)key, (void)arena;
	TRY(ini_duration(value, &seconds, fault));
	if (seconds < IDLE_S_MIN || seconds > IDLE_S_MAX)
		return fault_set(fault, ERR_INPUT, "'%.64s' is not between 1m and 8h", value);
	((struct run_config *)target)->till_idle_ms = seconds * 1000;
	return ERR_OK;
}

static enum err take_wait(void *target, const char *section, const char *key, char *value, struct arena *arena,
			  struct fault *fault)
{
	uint64_t seconds;

	(void)section, (void)key, (void)arena;
	TRY(ini_duration(value, &seconds, fault));
	if (seconds < 1 || seconds * 1000 > WATCH_WAIT_MS_MAX)
		return fault_set(fault, ERR_INPUT, "'%.64s' is not between 1s and %ds", value,
				 WATCH_WAIT_MS_MAX / 1000);
	((struct run_config *)target)->wait_ms = (uint32_t)(seconds * 1000);
	return ERR_OK;
}

static enum err take_every(void *target, const char *section, const char *key, char *value, struct arena *arena,
			   struct fault *fault)
{
	struct run_config *config = target;
	uint64_t seconds;

	(void)section, (void)key, (void)arena;
	config->is_witness = strcmp(value, "never") != 0;
	if (!config->is_witness)
		return ERR_OK;
	TRY(ini_duration(value, &seconds, fault));
	if (seconds < 1 || seconds > WITNESS_S_MAX)
		return fault_set(fault, ERR_INPUT, "'%.64s' is neither between 1s and 1d nor 'never'", value);
	config->witness_every_ms = seconds * 1000;
	return ERR_OK;
}

static const struct ini_key keys[] = {
	{"till", "listen", false, take_listen},
	{"till", "idle", false, take_idle},
	{"sync", "wait", false, take_wait},
	{"witness", "every", false, take_every},
};

enum err run_config_parse(struct slice text, const char *name, struct run_config *ret_config, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct run_config config;

	arena_init(&arena, 16 * CONFIG_MAX);
	run_config_init(&config);
	TRY(ini_read(text, name, keys, sizeof keys / sizeof keys[0], &config, &arena, fault));
	*ret_config = config;
	return ERR_OK;
}

enum err run_config_read(const char *folder, struct run_config *ret_config, struct fault *fault)
{
	struct bytes text CLEANUP(bytes_fini) = {0};
	char path[HOME_PATH_MAX];

	bytes_init(&text, CONFIG_MAX);
	TRY(home_path(folder, "run.ini", path, fault));
	enum err err = file_read(path, &text, NULL);
	if (err == ERR_NOT_FOUND) {
		run_config_init(ret_config);
		return ERR_OK;
	}
	if (err != ERR_OK)
		return fault_set(fault, err, "'%s' cannot be read: %s", path, error_text(err));
	return run_config_parse(bytes_slice(&text), path, ret_config, fault);
}
