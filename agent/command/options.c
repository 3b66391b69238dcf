#include "command/options.h"

enum err agent_options_take(void *target, int key, const char *value, struct fault *fault)
{
	struct agent_options *settings = target;

	switch (key) {
	case SET_DATA:
		settings->data = value;
		return ERR_OK;
	case SET_PURPOSE:
		settings->purpose = value;
		return ERR_OK;
	case SET_EMPLOYEE:
		settings->employee = value;
		return ERR_OK;
	case SET_ROLE:
		settings->role = value;
		return ERR_OK;
	case SET_PIN_FILE:
		settings->pin_file = value;
		return ERR_OK;
	case SET_TO:
		settings->to = value;
		return ERR_OK;
	case SET_SINCE:
		settings->since = value;
		return ERR_OK;
	case SET_JSON:
		settings->is_json = true;
		return ERR_OK;
	case SET_ANEW:
		settings->is_anew = true;
		return ERR_OK;
	case SET_YES:
		settings->is_yes = true;
		return ERR_OK;
	default:
		return fault_set(fault, ERR_USAGE, "unknown option");
	}
}
