/*
 * kluis-agent staff add, list, remove. Names come from standard input.
 */
#include <stdio.h>
#include <string.h>

#include "command/employee.h"
#include "forward.h"
#include "kluis/hash.h"
#include "kluis/ini.h"
#include "kluis/table.h"
#include "office_staff.h"
#include "staff.h"

enum err employee_named(const struct agent *agent, const struct agent_options *settings,
			struct replica_employee *ret_employee, struct fault *fault)
{
	enum err err = office_staff_find(agent, settings->employee, ret_employee);

	if (err == ERR_NOT_FOUND || (err == ERR_OK && office_staff_is_leaving(ret_employee)))
		return fault_set(fault, ERR_NO_EMPLOYEE,
				 "'%.64s' is not on the roster; 'kluis-agent staff list' shows it", settings->employee);
	return err;
}

static enum err read_name(struct replica_employee *employee, struct fault *fault)
{
	char line[VALUE_MAX + 3]; /* with \r */

	TRY(command_read_line("name", line, sizeof line, fault));
	if (strlen(line) > VALUE_MAX)
		return fault_set(fault, ERR_USAGE, "the name is longer than %d bytes", VALUE_MAX);
	memcpy(employee->name, line, strlen(line) + 1);
	bool is_text = employee->name[0] != '\0' && slice_is_text(slice_text(employee->name), false);
	return is_text ? ERR_OK : fault_set(fault, ERR_USAGE, "the name is empty or not UTF-8");
}

static void say_no_pin(const char *handle)
{
	fprintf(stderr, "no PIN is set yet, so no till lets %s in: kluis-agent staff pin %s\n", handle, handle);
}

/* None is set for anybody by default. */
static enum err advise_pin(const struct agent *agent, const char *handle)
{
	struct staff_standing standing;

	TRY(staff_standing(&agent->replica, handle, &standing));
	if (!standing.has_pin)
		say_no_pin(handle);
	return ERR_OK;
}

/* ---- while the daemon runs ---- */

static enum err is_known_there(const char *folder, const char *handle, bool *ret_is_known, bool *ret_has_pin,
			       struct fault *fault)
{
	json_t *answer = NULL;
	const json_t *item;
	size_t i;

	TRY(forward_call(folder, "staff/list", NULL, &answer, fault));
	json_array_foreach(json_object_get(answer, "staff"), i, item)
	{
		const char *there = json_string_value(json_object_get(item, "handle"));
		const char *pin = json_string_value(json_object_get(item, "pin"));
		if (there == NULL || strcmp(there, handle) != 0)
			continue;
		*ret_is_known = true;
		*ret_has_pin = pin != NULL && strcmp(pin, "none") != 0;
	}
	json_decref(answer);
	return ERR_OK;
}

static enum err add_running(const struct agent_options *settings, const char *handle, struct fault *fault)
{
	struct replica_employee employee = {""};
	bool is_known = false, has_pin = false;

	TRY(is_known_there(settings->data, handle, &is_known, &has_pin, fault));
	if (!is_known)
		TRY(read_name(&employee, fault));
	json_t *body = json_pack("{s:s, s:s, s:s}", "handle", handle, "role", settings->role, "name", employee.name);
	TRY(forward_call(settings->data, "staff/add", body, NULL, fault));
	if (!has_pin)
		say_no_pin(handle);
	return ERR_OK;
}

static enum err put_employee(struct agent *agent, const char *handle, const char *role, struct fault *fault)
{
	struct replica_employee employee = {""};
	enum err err = office_staff_find(agent, handle, &employee);

	if (err == ERR_NOT_FOUND)
		err = read_name(&employee, fault);
	TRY(err);
	TRY(agent_connect(agent, LANE_ADMIN, fault));
	return office_staff_put(agent, handle, role, employee.name, fault);
}

static enum err add_here(const struct agent_options *settings, const char *handle, struct fault *fault)
{
	struct agent agent CLEANUP(agent_close) = {.lock = -1};

	TRY(agent_open(&agent, settings->data, fault));
	TRY(put_employee(&agent, handle, settings->role, fault));
	return advise_pin(&agent, handle);
}

enum err agent_command_staff_add(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct agent_options *settings = target;
	const char *handle = arguments->items[0];

	if (!ini_is_name(handle))
		return fault_set(fault, ERR_USAGE, "a handle is up to 64 of a-z 0-9 _ -, beginning with a letter");
	if (settings->role == NULL || !ini_is_name(settings->role))
		return fault_set(fault, ERR_USAGE, "say --role NAME, one of the charter's");
	if (forward_is_running(settings->data))
		return add_running(settings, handle, fault);
	return add_here(settings, handle, fault);
}

enum err agent_command_staff_remove(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct agent_options *settings = target;
	struct agent agent CLEANUP(agent_close) = {.lock = -1};

	if (forward_is_running(settings->data))
		return forward_call(settings->data, "staff/remove", json_pack("{s:s}", "handle", arguments->items[0]),
				    NULL, fault);
	TRY(agent_open(&agent, settings->data, fault));
	TRY(office_staff_leave(&agent, arguments->items[0], fault));
	TRY(agent_connect(&agent, LANE_ADMIN, fault));
	return office_staff_remove(&agent, arguments->items[0], fault);
}

static const struct table_column columns[] = {{"handle", "handle", TABLE_LEFT},
					      {"role", "role", TABLE_LEFT},
					      {"name", "name", TABLE_LEFT},
					      {"pseudonym", "pseudonym", TABLE_LEFT},
					      {"pin", "PIN", TABLE_LEFT}};

struct listing {
	const struct replica *replica;
	struct table *table;
};

static enum err add_row(void *context, const struct replica_employee *employee)
{
	const struct listing *listing = context;
	struct staff_standing standing;
	char pseudonym[2 * PSEUDONYM_SIZE + 1];

	TRY(staff_standing(listing->replica, employee->handle, &standing));
	hex_print(SLICE_ARRAY(employee->pseudonym), pseudonym);
	json_t *cells[] = {json_string(employee->handle),
			   json_string(office_staff_is_leaving(employee) ? "(leaving)" : employee->role),
			   json_string(employee->name), json_string(pseudonym),
			   json_string(standing.is_locked ? "locked"
				       : standing.has_pin ? "set"
							  : "none")};
	return table_add(listing->table, cells);
}

static enum err list_running(const struct agent_options *settings, struct table *table, struct fault *fault)
{
	json_t *answer = NULL;
	const json_t *item;
	size_t i;
	enum err err = forward_call(settings->data, "staff/list", NULL, &answer, fault);

	json_array_foreach(json_object_get(answer, "staff"), i, item)
	{
		json_t *cells[sizeof columns / sizeof columns[0]];
		for (size_t j = 0; j < sizeof columns / sizeof columns[0]; j++)
			cells[j] = json_incref(json_object_get(item, columns[j].title)); /* "pin" */
		if (err == ERR_OK)
			err = table_add(table, cells);
	}
	json_decref(answer);
	return err == ERR_OK ? table_print(table, stdout, settings->is_json) : err;
}

enum err agent_command_staff_list(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct agent_options *settings = target;
	struct agent agent CLEANUP(agent_close) = {.lock = -1};
	struct table *table CLEANUP(table_free) = table_new(columns, sizeof columns / sizeof columns[0]);

	(void)arguments;
	if (table == NULL)
		return ERR_MEMORY;
	if (forward_is_running(settings->data))
		return list_running(settings, table, fault);
	TRY(agent_open(&agent, settings->data, fault));
	struct listing listing = {.replica = &agent.replica, .table = table};
	TRY(replica_each_employee(&agent.replica, add_row, &listing));
	return table_print(table, stdout, settings->is_json);
}
