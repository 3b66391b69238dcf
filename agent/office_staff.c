#include "office_staff.h"

#include <stdio.h>
#include <string.h>

#include "kluis/hash.h"
#include "kluis/ini.h"

bool office_staff_is_leaving(const struct replica_employee *employee)
{
	return employee->role[0] == '\0';
}

enum err office_staff_find(const struct agent *agent, const char *handle, struct replica_employee *ret_employee)
{
	return ini_is_name(handle) ? replica_get_employee(&agent->replica, handle, ret_employee) : ERR_NOT_FOUND;
}

static enum err send_staff(struct agent *agent, const struct replica_employee *employee, const char *role,
			   struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct session_answer answer;
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Staff staff = KLUIS__STAFF__INIT;
	Kluis__StaffContent content = KLUIS__STAFF_CONTENT__INIT;
	struct agent_call call = {.operation = &operation, .is_outside_agreement = true};
	char role_text[NAME_MAX_ + 1], name[VALUE_MAX + 1];

	arena_init(&arena, REQUEST_ARENA_MAX);
	snprintf(role_text, sizeof role_text, "%s", role);
	snprintf(name, sizeof name, "%s", employee->name);
	staff.employee = wire_data(SLICE_ARRAY(employee->pseudonym));
	staff.role = role_text;
	content.name = name;
	if (role[0] != '\0') {
		TRY(part_make(&content.base, &arena, &call.part, &staff.commitment));
		staff.has_commitment = 1;
	}
	operation.kind_case = KLUIS__OPERATION__KIND_STAFF;
	operation.staff = &staff;
	TRY(agent_send(agent, &call, &arena, &answer, fault));
	return agent_verdict(&answer, fault);
}

static enum err take_name(struct replica_employee *employee, const char *name, struct fault *fault)
{
	size_t length = name == NULL ? 0 : strlen(name);

	if (length > VALUE_MAX)
		return fault_set(fault, ERR_USAGE, "the name is longer than %d bytes", VALUE_MAX);
	if (length == 0 || !slice_is_text(slice_text(name), false))
		return fault_set(fault, ERR_USAGE, "the name is empty or not UTF-8");
	memcpy(employee->name, name, length + 1);
	return ERR_OK;
}

static enum err begin_employee(const char *handle, const char *name, struct replica_employee *employee,
			       struct fault *fault)
{
	TRY(take_name(employee, name, fault));
	random_bytes(employee->pseudonym, sizeof employee->pseudonym);
	memcpy(employee->handle, handle, strlen(handle) + 1);
	return ERR_OK;
}

enum err office_staff_put(struct agent *agent, const char *handle, const char *role, const char *name,
			  struct fault *fault)
{
	struct replica_employee employee = {""};

	if (!ini_is_name(handle))
		return fault_set(fault, ERR_USAGE, "a handle is up to 64 of a-z 0-9 _ -, beginning with a letter");
	if (role == NULL || !ini_is_name(role))
		return fault_set(fault, ERR_USAGE, "the role is no name of the charter's");
	enum err err = office_staff_find(agent, handle, &employee);
	if (err == ERR_OK && office_staff_is_leaving(&employee)) /* somebody else may follow under this handle */
		return fault_set(fault, ERR_STATE, "'%s' is leaving; first 'kluis-agent staff remove %s' again", handle,
				 handle);
	if (err == ERR_NOT_FOUND)
		err = begin_employee(handle, name, &employee, fault);
	TRY(err);
	memcpy(employee.role, role, strlen(role) + 1);
	err = send_staff(agent, &employee, employee.role, fault);
	if (err == ERR_FIELD) /* no role of the charter's */
		fault_prefix(fault, role);
	TRY(err);
	return replica_put_employee(&agent->replica, &employee);
}

enum err office_staff_leave(struct agent *agent, const char *handle, struct fault *fault)
{
	struct replica_employee employee;
	enum err err = office_staff_find(agent, handle, &employee);

	if (err == ERR_NOT_FOUND)
		return fault_set(fault, err, "'%.64s' is not on the roster", handle);
	TRY(err);
	/* the pseudonym stays until the broker, which may not be in reach, has heard it */
	employee.role[0] = '\0';
	return replica_put_employee(&agent->replica, &employee);
}

enum err office_staff_remove(struct agent *agent, const char *handle, struct fault *fault)
{
	struct replica_employee employee;

	TRY(office_staff_find(agent, handle, &employee));
	enum err err = send_staff(agent, &employee, "", fault);
	if (err != ERR_OK && err != ERR_NOT_FOUND) /* not found: head office took it off before */
		return err;
	if (fault != NULL)
		fault->text[0] = '\0';
	return replica_remove_employee(&agent->replica, employee.handle);
}
