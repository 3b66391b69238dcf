/*
 * kluis-agent receipt: rings up one receipt, read as JSON from standard input:
 *
 *     { "customer": { "field": "card", "value": "87462024688" },
 *       "day": "2024-05-17",
 *       "lines": [ { "product": "1512", "units": "2", "amount": "3.98", "cost": "2.10" } ] }
 *
 * Amounts are decimal text with up to four places: money is never a float.
 */
#include <stdio.h>
#include <string.h>

#include "command/counter.h"
#include "command/employee.h"
#include "command/options.h"
#include "forward.h"
#include "home.h"
#include "kluis/clock.h"
#include "kluis/decimal.h"
#include "kluis/hash.h"
#include "kluis/table.h"

#define INPUT_MAX (256 * 1024)

struct receipt {
	Kluis__ReceiptContent content;
	Kluis__Value customer;
	int32_t day;
};

/* Nothing but these keys: a misspelt one would be left out unseen. */
static enum err check_keys(json_t *object, const char *const *keys, size_t count, const char *what, struct fault *fault)
{
	const char *key;
	json_t *value;

	if (!json_is_object(object))
		return fault_set(fault, ERR_INPUT, "standard input: %s is missing or not an object", what);
	json_object_foreach(object, key, value)
	{
		bool is_known = false;
		for (size_t i = 0; i < count; i++)
			is_known = is_known || strcmp(keys[i], key) == 0;
		if (!is_known)
			return fault_set(fault, ERR_INPUT, "standard input: unknown key \"%.64s\" in %s", key, what);
	}
	return ERR_OK;
}

static enum err text_of(const json_t *object, const char *key, struct arena *arena, char **ret_text,
			struct fault *fault)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_string(value))
		return fault_set(fault, ERR_INPUT, "standard input: \"%s\" is missing or not a text", key);
	*ret_text = arena_text(arena, SLICE(json_string_value(value), json_string_length(value)));
	return *ret_text == NULL ? ERR_MEMORY : ERR_OK;
}

static enum err amount_of(const json_t *object, const char *key, int64_t *ret_amount, struct fault *fault)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_string(value) || decimal_parse(slice_text(json_string_value(value)), ret_amount) != ERR_OK)
		return fault_set(fault, ERR_INPUT, "standard input: \"%s\" is not a decimal text such as \"3.98\"",
				 key);
	return ERR_OK;
}

static enum err read_line(json_t *object, struct arena *arena, Kluis__Line **ret_line, struct fault *fault)
{
	static const char *const keys[] = {"product", "units", "amount", "cost"};
	Kluis__Line *line = arena_alloc(arena, sizeof *line);

	if (line == NULL)
		return ERR_MEMORY;
	TRY(check_keys(object, keys, sizeof keys / sizeof keys[0], "a line", fault));
	kluis__line__init(line);
	TRY(text_of(object, "product", arena, &line->product, fault));
	TRY(amount_of(object, "units", &line->units, fault));
	TRY(amount_of(object, "amount", &line->amount, fault));
	line->has_cost = json_object_get(object, "cost") != NULL;
	if (line->has_cost)
		TRY(amount_of(object, "cost", &line->cost, fault));
	*ret_line = line;
	return ERR_OK;
}

static enum err read_lines(const json_t *lines, struct arena *arena, Kluis__ReceiptContent *content,
			   struct fault *fault)
{
	size_t count = json_array_size(lines);

	if (count == 0 || count > LINES_MAX)
		return fault_set(fault, ERR_INPUT, "standard input: \"lines\" has to hold 1 to %d lines", LINES_MAX);
	content->lines = arena_array(arena, count, sizeof(Kluis__Line *));
	if (content->lines == NULL)
		return ERR_MEMORY;
	content->n_lines = count;
	for (size_t i = 0; i < count; i++)
		TRY(read_line(json_array_get(lines, i), arena, &content->lines[i], fault));
	return ERR_OK;
}

static enum err read_customer(json_t *object, const struct charter *charter, struct arena *arena,
			      struct receipt *receipt, struct fault *fault)
{
	static const char *const keys[] = {"field", "value"};
	char *name;

	TRY(check_keys(object, keys, sizeof keys / sizeof keys[0], "the customer", fault));
	TRY(text_of(object, "field", arena, &name, fault));
	const struct charter_field *field = charter_field_by_name(charter, name);
	if (field == NULL || !field->is_lookup)
		return fault_set(fault, ERR_FIELD,
				 "standard input: \"field\" is not one that customers are looked up by");
	kluis__value__init(&receipt->customer);
	receipt->customer.field = field->number;
	TRY(text_of(object, "value", arena, &receipt->customer.value, fault));
	receipt->content.customer = &receipt->customer;
	return ERR_OK;
}

static enum err read_json(json_t *root, const struct charter *charter, struct arena *arena, struct receipt *receipt,
			  struct fault *fault)
{
	static const char *const keys[] = {"customer", "day", "lines"};
	char *day;

	TRY(check_keys(root, keys, sizeof keys / sizeof keys[0], "the receipt", fault));
	kluis__receipt_content__init(&receipt->content);
	TRY(text_of(root, "day", arena, &day, fault));
	if (date_from_text(day, &receipt->day) != ERR_OK)
		return fault_set(fault, ERR_INPUT, "standard input: \"day\" is not a date YYYY-MM-DD");
	TRY(read_customer(json_object_get(root, "customer"), charter, arena, receipt, fault));
	return read_lines(json_object_get(root, "lines"), arena, &receipt->content, fault);
}

/* *ret_root: a new reference. */
static enum err read_input(struct arena *arena, json_t **ret_root, struct fault *fault)
{
	json_error_t error;
	char *text = arena_alloc(arena, INPUT_MAX);

	if (text == NULL)
		return ERR_MEMORY;
	size_t length = fread(text, 1, INPUT_MAX, stdin);
	if (length == INPUT_MAX)
		return fault_set(fault, ERR_TOO_LARGE, "standard input: more than %d bytes", INPUT_MAX);
	*ret_root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
	return *ret_root != NULL ? ERR_OK : fault_set(fault, ERR_INPUT, "standard input:%d: not JSON", error.line);
}

static enum err read_receipt(const struct charter *charter, struct arena *arena, struct receipt *receipt,
			     struct fault *fault)
{
	json_t *root = NULL;

	TRY(read_input(arena, &root, fault));
	enum err err = read_json(root, charter, arena, receipt, fault);
	json_decref(root);
	return err;
}

static enum err ring_up(struct agent *agent, const struct agent_options *settings, struct arena *arena,
			struct fault *fault)
{
	struct receipt receipt;
	struct replica_employee employee;
	struct principal self;
	struct session_answer answer;
	struct fault refusal = {""};
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Receipt ring = KLUIS__RECEIPT__INIT;
	struct agent_call call = {.operation = &operation};
	uint8_t id[PSEUDONYM_SIZE];
	char purpose[NAME_MAX_ + 1];

	TRY(employee_named(agent, settings, &employee, fault));
	TRY(principal_parse(slice_text(agent->membership.principal), &self));
	TRY(read_receipt(agent->charter, arena, &receipt, fault));
	TRY(part_make(&receipt.content.base, arena, &call.part, &ring.commitment));
	random_bytes(id, sizeof id);
	ring.id = wire_data(SLICE_ARRAY(id));
	ring.store = self.store;
	ring.day = receipt.day;
	snprintf(purpose, sizeof purpose, "%s", settings->purpose);
	operation.purpose = purpose;
	operation.kind_case = KLUIS__OPERATION__KIND_RECEIPT;
	operation.receipt = &ring;
	call.employee = SLICE_ARRAY(employee.pseudonym);
	TRY(agent_send(agent, &call, arena, &answer, fault));
	enum err verdict = agent_verdict(&answer, &refusal);
	if (verdict == ERR_VALUE)
		return fault_set(fault, verdict, "%s: the day is later than tomorrow, or a number too large",
				 refusal.text);
	if (verdict != ERR_OK)
		return fault_set(fault, verdict, "%s", refusal.text);
	printf("rung up; log entry %llu\n", (unsigned long long)answer.index);
	return ERR_OK;
}

/* ---- while the daemon runs ---- */

/* The same JSON as without it; the daemon checks what is inside. */
static json_t *body_of(json_t *root, const char *purpose)
{
	json_t *customer = json_object_get(root, "customer");

	return json_pack("{s:s, s:O, s:O, s:O, s:O}", "purpose", purpose, "field", json_object_get(customer, "field"),
			 "value", json_object_get(customer, "value"), "day", json_object_get(root, "day"), "lines",
			 json_object_get(root, "lines"));
}

static enum err check_root(json_t *root, struct fault *fault)
{
	static const char *const keys[] = {"customer", "day", "lines"}, *const customer[] = {"field", "value"};

	TRY(check_keys(root, keys, sizeof keys / sizeof keys[0], "the receipt", fault));
	TRY(check_keys(json_object_get(root, "customer"), customer, sizeof customer / sizeof customer[0],
		       "the customer", fault));
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (json_object_get(root, keys[i]) == NULL)
			return fault_set(fault, ERR_INPUT, "standard input: \"%s\" is missing", keys[i]);
	for (size_t i = 0; i < sizeof customer / sizeof customer[0]; i++)
		if (!json_is_string(json_object_get(json_object_get(root, "customer"), customer[i])))
			return fault_set(fault, ERR_INPUT, "standard input: \"%s\" is missing or not a text",
					 customer[i]);
	return ERR_OK;
}

static enum err ring_up_running(const struct agent_options *settings, struct arena *arena, struct fault *fault)
{
	struct counter counter CLEANUP(counter_close) = {0};
	json_t *root = NULL;

	TRY(counter_open(&counter, settings, fault));
	TRY(read_input(arena, &root, fault));
	enum err err = check_root(root, fault);
	if (err == ERR_OK)
		err = counter_hand_in(&counter, "/v1/receipts", body_of(root, settings->purpose), "rung up", fault);
	json_decref(root);
	return err;
}

enum err agent_command_receipt(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct agent_options *settings = target;
	struct arena arena CLEANUP(arena_fini) = {0};
	struct agent agent CLEANUP(agent_close) = {.lock = -1};

	(void)arguments;
	arena_init(&arena, 2 * REQUEST_ARENA_MAX);
	if (settings->purpose == NULL || settings->employee == NULL)
		return fault_set(fault, ERR_USAGE, "say --purpose NAME and --employee HANDLE");
	if (forward_is_running(settings->data))
		return ring_up_running(settings, &arena, fault);
	TRY(agent_open(&agent, settings->data, fault));
	TRY(agent_load_agreement(&agent, fault));
	TRY(agent_connect(&agent, LANE_TILL, fault));
	return ring_up(&agent, settings, &arena, fault);
}
