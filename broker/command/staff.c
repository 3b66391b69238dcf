#include "command/commands.h"
#include "command/office.h"

/* Takes an employee off a store's roster: an emergency brake of head office; stores keep their rosters themselves. */
enum err command_staff_remove(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct settings *settings = target;
	struct office office CLEANUP(office_close) = {.lane_lock = -1};
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Staff staff = KLUIS__STAFF__INIT;
	uint8_t employee[PSEUDONYM_SIZE];
	char nobody[] = "";
	uint64_t store;

	TRY(command_number("STORE", arguments->items[0], 0, STORES_MAX - 1, &store, fault));
	if (hex_parse(slice_text(arguments->items[1]), employee, sizeof employee) != ERR_OK)
		return fault_set(fault, ERR_USAGE, "an employee is named by a pseudonym of 32 hex digits");
	staff.employee = wire_data(SLICE_ARRAY(employee));
	staff.role = nobody;
	staff.has_store = 1;
	staff.store = (uint32_t)store;
	operation.kind_case = KLUIS__OPERATION__KIND_STAFF;
	operation.staff = &staff;
	TRY(office_open(&office, settings->data, fault));
	return office_call(&office, &operation, SLICE_EMPTY, NULL, fault);
}
