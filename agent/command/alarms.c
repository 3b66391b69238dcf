/*
 * kluis-agent alarms, alarms seen; outbox list, retry, discard: of the running daemon or, if none runs, on the folder.
 */
#include <stdio.h>
#include <string.h>

#include "command/options.h"
#include "forward.h"
#include "kluis/table.h"
#include "run/daemon_shop.h"
#include "run/office.h"

/* One of the office's calls, here or there. body is stolen. */
static enum err call_folder(const char *folder, const char *name, const json_t *body, json_t **ret_answer,
			    struct fault *fault)
{
	struct agent agent CLEANUP(agent_close) = {.lock = -1};
	struct shop shop CLEANUP(daemon_shop_close) = {.store = NULL};
	struct office office = {.agent = &agent, .shop = &shop};

	TRY(agent_open(&agent, folder, fault));
	TRY(daemon_shop_open(&agent, &shop, NULL, fault));
	for (size_t i = 0; i < office_call_count; i++)
		if (strcmp(office_calls[i].name, name) == 0)
			return office_calls[i].call(&office, body, ret_answer, fault);
	return ERR_NOT_FOUND;
}

static enum err call(const char *folder, const char *name, json_t *body, json_t **ret_answer, struct fault *fault)
{
	if (forward_is_running(folder))
		return forward_call(folder, name, body, ret_answer, fault);
	enum err err = call_folder(folder, name, body, ret_answer, fault);
	json_decref(body);
	return err;
}

static enum err print_list(const json_t *items, const struct table_column *columns, size_t count, bool is_json)
{
	struct table *table CLEANUP(table_free) = table_new(columns, count);
	json_t *cells[8];
	const json_t *item;
	size_t i;

	if (table == NULL)
		return ERR_MEMORY;
	json_array_foreach(items, i, item)
	{
		for (size_t j = 0; j < count; j++) {
			json_t *value = json_object_get(item, columns[j].key);
			cells[j] = value == NULL ? json_null() : json_incref(value);
		}
		TRY(table_add(table, cells));
	}
	return table_print(table, stdout, is_json);
}

static const struct table_column alarm_columns[] = {{"number", "number", TABLE_RIGHT}, {"kind", "kind", TABLE_LEFT},
						    {"first", "first", TABLE_LEFT},    {"last", "last", TABLE_LEFT},
						    {"times", "count", TABLE_RIGHT},   {"what", "text", TABLE_LEFT}};
static const struct table_column item_columns[] = {{"number", "number", TABLE_RIGHT}, {"kind", "kind", TABLE_LEFT},
						   {"rung up", "time", TABLE_LEFT},   {"state", "state", TABLE_LEFT},
						   {"reason", "reason", TABLE_LEFT},  {"clause", "clause", TABLE_LEFT},
						   {"entry", "entry", TABLE_RIGHT}};

static enum err list(const struct agent_options *settings, const char *name, const char *member,
		     const struct table_column *columns, size_t count, struct fault *fault)
{
	json_t *answer = NULL;
	enum err err = call(settings->data, name, NULL, &answer, fault);

	if (err == ERR_OK)
		err = print_list(json_object_get(answer, member), columns, count, settings->is_json);
	json_decref(answer);
	return err;
}

static enum err mark(const struct agent_options *settings, const char *name, const char *argument, struct fault *fault)
{
	uint64_t number;

	TRY(command_number("NUMBER", argument, 1, INT64_MAX, &number, fault));
	return call(settings->data, name, json_pack("{s:I}", "number", (json_int_t)number), NULL, fault);
}

enum err agent_command_alarms(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	(void)arguments;
	return list(target, "alarms/list", "alarms", alarm_columns, sizeof alarm_columns / sizeof alarm_columns[0],
		    fault);
}

enum err agent_command_alarms_seen(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	return mark(target, "alarms/seen", arguments->items[0], fault);
}

enum err agent_command_outbox_list(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	(void)arguments;
	return list(target, "outbox/list", "items", item_columns, sizeof item_columns / sizeof item_columns[0], fault);
}

enum err agent_command_outbox_retry(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	return mark(target, "outbox/retry", arguments->items[0], fault);
}

enum err agent_command_outbox_discard(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	return mark(target, "outbox/discard", arguments->items[0], fault);
}
