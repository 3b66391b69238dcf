#include "command/settings.h"

#include <stddef.h>
#include <stdlib.h>

#include "kluis/limits.h"

#define DEFAULT_DATA "/var/lib/kluis-broker"

void settings_init(struct settings *settings)
{
	const char *data = getenv("KLUIS_DATA");

	*settings = (struct settings){.data = data != NULL ? data : DEFAULT_DATA, .days = 14};
}

/* Options that are just kept: where each goes. */
static const struct {
	int key;
	size_t offset;
} texts[] = {
	{SET_DATA, offsetof(struct settings, data)},	     {SET_CHARTER, offsetof(struct settings, charter)},
	{SET_LISTEN, offsetof(struct settings, listen)},     {SET_ADDRESS, offsetof(struct settings, address)},
	{SET_TEMPLATE, offsetof(struct settings, template)}, {SET_VALUES, offsetof(struct settings, values)},
	{SET_OUT, offsetof(struct settings, out)},	     {SET_MAPPING, offsetof(struct settings, mapping)},
	{SET_REJECTS, offsetof(struct settings, rejects)},   {SET_REASON, offsetof(struct settings, reason)},
	{SET_FROM, offsetof(struct settings, from)},	     {SET_UNTIL, offsetof(struct settings, until)},
	{SET_KEY, offsetof(struct settings, key)},	     {SET_FIELD, offsetof(struct settings, field)},
	{SET_PURPOSE, offsetof(struct settings, purpose)},   {SET_GROUND, offsetof(struct settings, ground)},
};

enum err settings_take(void *target, int key, const char *value, struct fault *fault)
{
	struct settings *settings = target;

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (texts[i].key == key) {
			*(const char **)(void *)((char *)settings + texts[i].offset) = value;
			return ERR_OK;
		}
	switch (key) {
	case SET_STORE:
		settings->has_store = true;
		return command_number("store", value, 0, STORES_MAX - 1, &settings->store, fault);
	case SET_DAYS:
		return command_number("days", value, 1, INVITATION_DAYS_MAX, &settings->days, fault);
	case SET_ALL:
		settings->is_all = true;
		return ERR_OK;
	case SET_DUE:
		settings->is_due = true;
		return ERR_OK;
	case SET_YES:
		settings->is_yes = true;
		return ERR_OK;
	case SET_FINISH:
		settings->is_finish = true;
		return ERR_OK;
	case SET_JSON:
		settings->is_json = true;
		return ERR_OK;
	default:
		return fault_set(fault, ERR_USAGE, "unknown option");
	}
}
