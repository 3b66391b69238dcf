/*
 * kluis-broker customer erase and customer erasures (GDPR art. 17; FORMAT.md R150, R154).
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command/commands.h"
#include "command/look_up.h"
#include "kluis/hash.h"
#include "kluis/table.h"

#define CONFIRMED "erase"

/* ---- who ---- */

static enum err find(struct office *office, const struct settings *settings, const struct command_arguments *arguments,
		     uint8_t ret_customer[static PSEUDONYM_SIZE], struct fault *fault)
{
	if ((arguments->count > 0) == (settings->field != NULL))
		return fault_set(fault, ERR_USAGE, "name the customer by pseudonym, or by --field and a value");
	if (settings->field != NULL) {
		struct look_up found CLEANUP(look_up_fini) = {.entry = 0};
		TRY(look_up_customer(office, settings, &found, fault));
		memcpy(ret_customer, found.customer, PSEUDONYM_SIZE);
		return ERR_OK;
	}
	if (hex_parse(slice_text(arguments->items[0]), ret_customer, PSEUDONYM_SIZE) != ERR_OK)
		return fault_set(fault, ERR_USAGE, "a customer is named by a pseudonym of 32 hex digits");
	return ERR_OK;
}

/* ---- erase ---- */

static enum err read_ground(const char *text, uint32_t *ret_ground, struct fault *fault)
{
	if (text == NULL || text[0] < 'a' || text[0] >= 'a' + ERASURE_GROUND_MAX || text[1] != '\0')
		return fault_set(fault, ERR_USAGE, "--ground is a letter of GDPR art. 17(1), a to f");
	*ret_ground = (uint32_t)(text[0] - 'a') + 1;
	return ERR_OK;
}

static enum err confirm(const struct settings *settings, const char *customer, struct fault *fault)
{
	char line[LOOK_UP_LINE_SIZE] = "";

	if (settings->is_yes)
		return ERR_OK;
	if (!isatty(STDIN_FILENO))
		return fault_set(fault, ERR_USAGE, "nothing brings an erased customer back: say --yes");
	fprintf(stderr, "customer %s will be erased for good.\n", customer);
	TRY(command_read_line("type '" CONFIRMED "' to go on", line, sizeof line, fault));
	return strcmp(line, CONFIRMED) == 0 ? ERR_OK : fault_set(fault, ERR_USAGE, "nothing was erased");
}

static enum err send(struct office *office, struct slice customer, uint32_t ground, bool *ret_was_erased,
		     struct fault *fault)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Erase erase = KLUIS__ERASE__INIT;
	Kluis__Result *result;

	erase.customer = wire_data(customer);
	erase.ground = ground;
	operation.kind_case = KLUIS__OPERATION__KIND_ERASE;
	operation.erase = &erase;
	TRY(office_call_part(office, &operation, NULL, SLICE_EMPTY, NULL, &result, fault));
	*ret_was_erased = result->is_unchanged;
	return ERR_OK;
}

enum err command_customer_erase(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct settings *settings = target;
	struct office office CLEANUP(office_close) = {.lane_lock = -1};
	uint8_t customer[PSEUDONYM_SIZE];
	char hex[2 * PSEUDONYM_SIZE + 1];
	bool was_erased = false;
	uint32_t ground = 0;

	/* stdio would keep a copy of what it reads ahead */
	setvbuf(stdin, NULL, _IONBF, 0);
	TRY(read_ground(settings->ground, &ground, fault));
	TRY(office_open(&office, settings->data, fault));
	TRY(find(&office, settings, arguments, customer, fault));
	hex_print(SLICE_ARRAY(customer), hex);
	TRY(confirm(settings, hex, fault));
	TRY(send(&office, SLICE_ARRAY(customer), ground, &was_erased, fault));
	printf("customer %s %s\n", hex, was_erased ? "was erased before" : "is erased");
	puts("'kluis-broker customer erasures' says which stores have not certified it yet, and whether the master key "
	     "has been rotated since");
	return ERR_OK;
}

/* ---- erasures ---- */

static const struct table_column columns[] = {
	{"erased (UTC)", "erased", TABLE_LEFT},	 {"customer", "customer", TABLE_LEFT},
	{"ground", "ground", TABLE_LEFT},	 {"master key", "is_rotated", TABLE_LEFT},
	{"store", "store", TABLE_RIGHT},	 {"purpose", "purpose", TABLE_LEFT},
	{"readable until", "until", TABLE_LEFT}, {"state", "is_complete", TABLE_LEFT},
};

static json_t *ground_json(uint32_t ground)
{
	const char letter[2] = {ground >= 1 && ground <= ERASURE_GROUND_MAX ? (char)('a' + ground - 1) : '?', '\0'};

	return json_string(letter);
}

static json_t *flag_json(bool is_set, bool is_json, const char *yes, const char *no)
{
	return is_json ? json_boolean(is_set) : json_string(is_set ? yes : no);
}

static enum err add_erasure(struct table *table, ProtobufCBinaryData item, bool is_json, struct arena *arena)
{
	char customer[2 * PSEUDONYM_SIZE + 1];
	Kluis__ErasureRow *row;

	TRY(WIRE_DECODE(ErasureRow, erasure_row, wire_slice(item), arena, &row));
	if (row->customer.len != PSEUDONYM_SIZE)
		return ERR_INPUT;
	hex_print(wire_slice(row->customer), customer);
	json_t *cells[] = {
		office_json_time(row->time_ms),
		json_string(customer),
		ground_json(row->ground),
		flag_json(row->is_rotated, is_json, "rotated", "to be rotated"),
		row->has_store ? json_integer(row->store) : json_null(),
		row->purpose != NULL ? json_string(row->purpose) : json_null(),
		office_json_time(row->has_until_ms ? row->until_ms : 0),
		flag_json(!row->has_store && row->is_rotated, is_json, "complete",
			  row->has_store ? "certificate outstanding" : "rotation outstanding"),
	};
	return table_add(table, cells);
}

enum err command_customer_erasures(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct settings *settings = target;
	struct office office CLEANUP(office_close) = {.lane_lock = -1};
	struct table *table CLEANUP(table_free) = table_new(columns, sizeof columns / sizeof columns[0]);
	struct arena arena CLEANUP(arena_fini) = {0};
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Erasures erasures = KLUIS__ERASURES__INIT;
	Kluis__Data *data;

	(void)arguments;
	operation.kind_case = KLUIS__OPERATION__KIND_ERASURES;
	operation.erasures = &erasures;
	if (table == NULL)
		return ERR_MEMORY;
	arena_init(&arena, REQUEST_ARENA_MAX);
	TRY(office_list(&office, settings->data, &operation, &data, fault));
	for (size_t i = 0; i < data->n_items; i++)
		TRY(add_erasure(table, data->items[i], settings->is_json, &arena));
	return table_print(table, stdout, settings->is_json);
}
