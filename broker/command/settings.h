/*
 * Options of kluis-broker's commands: one struct, one row an option.
 */
#ifndef KLUIS_BROKER_SETTINGS_H
#define KLUIS_BROKER_SETTINGS_H

#include <stdbool.h>

#include "kluis/command.h"

struct settings {
	const char *data;     /* the broker's folder */
	const char *charter;  /* file */
	const char *listen;   /* address that the broker binds */
	const char *address;  /* address that invitations carry; NULL: as listen */
	const char *template; /* file */
	const char *values;   /* CSV file */
	const char *out;      /* file or folder */
	const char *mapping;  /* file */
	const char *rejects;  /* file */
	const char *reason;
	const char *key;	     /* column of a CSV file */
	const char *from, *until;    /* dates */
	const char *field, *purpose; /* of the charter */
	const char *ground;	     /* letter */
	uint64_t store;
	bool has_store;
	bool is_all;
	bool is_json;
	bool is_finish;
	bool is_due;
	bool is_yes;
	uint64_t days;
};

/* Keys of options; a command's list is made of these rows. */
enum settings_key {
	SET_DATA = 0x100,
	SET_CHARTER,
	SET_LISTEN,
	SET_ADDRESS,
	SET_TEMPLATE,
	SET_VALUES,
	SET_OUT,
	SET_MAPPING,
	SET_REJECTS,
	SET_REASON,
	SET_FROM,
	SET_UNTIL,
	SET_STORE,
	SET_ALL,
	SET_JSON,
	SET_DAYS,
	SET_KEY,
	SET_DUE,
	SET_FINISH,
	SET_FIELD,
	SET_PURPOSE,
	SET_GROUND,
	SET_YES,
};

#define OPTION_DATA                                                                                                    \
	{                                                                                                              \
		"data", SET_DATA, "FOLDER", 0,                                                                         \
			"The broker's folder (default $KLUIS_DATA, else /var/lib/kluis-broker)", 0                     \
	}
#define OPTION_JSON                                                                                                    \
	{                                                                                                              \
		"json", SET_JSON, NULL, 0, "Print JSON for machines", 0                                                \
	}
#define OPTION_STORE                                                                                                   \
	{                                                                                                              \
		"store", SET_STORE, "NUMBER", 0, "The store", 0                                                        \
	}
#define OPTION_ALL                                                                                                     \
	{                                                                                                              \
		"all", SET_ALL, NULL, 0, "All stores", 0                                                               \
	}
#define OPTION_END                                                                                                     \
	{                                                                                                              \
		0                                                                                                      \
	}

void settings_init(struct settings *settings);
/* The take function of struct program. */
enum err settings_take(void *settings, int key, const char *value, struct fault *fault) MUST_USE;

#endif
