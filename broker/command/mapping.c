/* Mapping files: a table of keys, what each takes, and what must hold when all are read. */
#include <stddef.h>
#include <string.h>

#include "command/mapping.h"
#include "kluis/ini.h"

/* What is read, before it is known which kind of file it is for. */
struct reading {
	struct mapping *mapping;
	bool is_there[3]; /* by enum import_kind */
	const char *purpose[3];
};

static const char *const section_names[] = {"customers", "receipts", "stores"};

static enum err take_column(struct mapping_column *column, char *value, struct fault *fault)
{
	static const char word[] = "constant ";

	if (strncmp(value, word, sizeof(word) - 1) == 0) {
		column->constant = value + sizeof(word) - 1;
		return ERR_OK;
	}
	if (strchr(value, '\n'))
		return fault_set(fault, ERR_INPUT, "a column's name is one line");
	column->name = value;
	return ERR_OK;
}

/* Rows of plain columns: which section and key fills which member. */
static const struct {
	enum import_kind kind;
	const char *key;
	size_t offset;
	bool is_required, may_be_constant;
} plain[] = {
	{IMPORT_CUSTOMERS, "registered-store", offsetof(struct mapping, registered_store), false, true},
	{IMPORT_CUSTOMERS, "registered-day", offsetof(struct mapping, registered_day), false, true},
	{IMPORT_RECEIPTS, "store", offsetof(struct mapping, store), true, true},
	{IMPORT_RECEIPTS, "customer", offsetof(struct mapping, customer), true, false},
	{IMPORT_RECEIPTS, "date", offsetof(struct mapping, date), true, true},
	{IMPORT_RECEIPTS, "product", offsetof(struct mapping, product), true, false},
	{IMPORT_RECEIPTS, "units", offsetof(struct mapping, units), true, true},
	{IMPORT_RECEIPTS, "amount", offsetof(struct mapping, amount), true, false},
	{IMPORT_RECEIPTS, "cost", offsetof(struct mapping, cost), false, false},
	{IMPORT_STORES, "number", offsetof(struct mapping, number), true, false},
	{IMPORT_STORES, "name", offsetof(struct mapping, name), true, false},
	{IMPORT_STORES, "country", offsetof(struct mapping, country), true, true},
};

static enum err take_plain(enum import_kind kind, struct reading *reading, const char *key, char *value,
			   struct fault *fault)
{
	reading->is_there[kind] = true;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (plain[i].kind == kind && strcmp(plain[i].key, key) == 0) {
			struct mapping_column *column =
				(struct mapping_column *)(void *)((char *)reading->mapping + plain[i].offset);

			TRY(take_column(column, value, fault));
			if (column->constant && !plain[i].may_be_constant)
				return fault_set(fault, ERR_INPUT, "must be a column, not a constant");
			return ERR_OK;
		}
	return fault_set(fault, ERR_INPUT, "unknown key '%s'", key);
}

#define TAKE_PLAIN(name, kind)                                                                                         \
	static enum err name(void *target, const char *section_name, const char *key, char *value,                     \
			     struct arena *arena, struct fault *fault)                                                 \
	{                                                                                                              \
		(void)section_name;                                                                                    \
		(void)arena;                                                                                           \
		return take_plain(kind, target, key, value, fault);                                                    \
	}
TAKE_PLAIN(take_customers, IMPORT_CUSTOMERS)
TAKE_PLAIN(take_receipts, IMPORT_RECEIPTS)
TAKE_PLAIN(take_stores, IMPORT_STORES)

static enum err take_purpose(enum import_kind kind, struct reading *reading, char *value, struct fault *fault)
{
	const struct charter *charter = reading->mapping->charter;

	reading->is_there[kind] = true;
	if (charter_purpose(charter, slice_text(value)) < 0)
		return fault_set(fault, ERR_PURPOSE, "the charter has no purpose '%s'", value);
	reading->purpose[kind] = value;
	return ERR_OK;
}

static enum err take_customers_purpose(void *target, const char *section_name, const char *key, char *value,
				       struct arena *arena, struct fault *fault)
{
	(void)section_name, (void)key, (void)arena;
	return take_purpose(IMPORT_CUSTOMERS, target, value, fault);
}

static enum err take_receipts_purpose(void *target, const char *section_name, const char *key, char *value,
				      struct arena *arena, struct fault *fault)
{
	(void)section_name, (void)key, (void)arena;
	return take_purpose(IMPORT_RECEIPTS, target, value, fault);
}

static enum err take_customer_field(void *target, const char *section_name, const char *key, char *value,
				    struct arena *arena, struct fault *fault)
{
	struct mapping *mapping = ((struct reading *)target)->mapping;
	const struct charter_field *field = charter_field_by_name(mapping->charter, value);

	(void)section_name, (void)key, (void)arena;
	if (!field)
		return fault_set(fault, ERR_FIELD, "the charter has no field '%s'", value);
	if (!field->is_lookup)
		return fault_set(fault, ERR_FIELD,
				 "customers cannot be found by field '%s': the charter does not have lookup = yes",
				 value);
	mapping->customer_field = field;
	return ERR_OK;
}

/* Fields are kept by number: that is their order on the wire (FORMAT.md R41). */
static enum err take_field(void *target, const char *section_name, const char *key, char *value, struct arena *arena,
			   struct fault *fault)
{
	struct mapping *mapping = ((struct reading *)target)->mapping;
	struct mapping_field taken = {.field = charter_field_by_name(mapping->charter, key)};
	size_t at = mapping->field_count;

	(void)section_name, (void)arena;
	if (!taken.field)
		return fault_set(fault, ERR_FIELD, "the charter has no field '%s'", key);
	TRY(take_column(&taken.column, value, fault));
	for (; at > 0 && mapping->fields[at - 1].field->number > taken.field->number; at--)
		mapping->fields[at] = mapping->fields[at - 1];
	mapping->fields[at] = taken;
	mapping->field_count++;
	return ERR_OK;
}

bool mapping_status(const char *name, uint32_t *ret_status)
{
	static const char *const names[] = {"unknown", "requested", "deferred",	 "refused", "given",
					    "renewed", "expired",   "withdrawn", "revoked", "invalidated"};

	for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0) {
			*ret_status = i;
			return true;
		}
	return false;
}

/* "Y = given": the text of a cell and the status that it means. */
static enum err take_status(char *item, struct mapping_consent *consent, struct fault *fault)
{
	struct mapping_status *status = &consent->statuses[consent->status_count];
	char *equals = strrchr(item, '=');
	char *end = equals;
	const char *name = equals ? equals + 1 : "";

	while (end && end > item && end[-1] == ' ')
		end--;
	while (*name == ' ')
		name++;
	if (!end || end == item)
		return fault_set(fault, ERR_INPUT, "'%s' is not <text> = <status>", item);
	if (!mapping_status(name, &status->status))
		return fault_set(fault, ERR_INPUT, "'%s' is no status of consent (given, refused, withdrawn ...)",
				 name);
	*end = '\0';
	status->text = item;
	consent->status_count++;
	return ERR_OK;
}

static enum err take_consent(void *target, const char *section_name, const char *key, char *value, struct arena *arena,
			     struct fault *fault)
{
	struct mapping *mapping = ((struct reading *)target)->mapping;
	struct mapping_consent *consent = &mapping->consents[mapping->consent_count];
	char **items = NULL;
	size_t count = 0;

	(void)section_name;
	if (charter_purpose(mapping->charter, slice_text(key)) < 0)
		return fault_set(fault, ERR_PURPOSE, "the charter has no purpose '%s'", key);
	TRY(ini_list(value, MAPPING_STATUSES_MAX + 1, arena, &items, &count, fault));
	TRY(take_column(&consent->column, items[0], fault));
	if (consent->column.constant) {
		if (count > 1 || !mapping_status(consent->column.constant, &consent->statuses[0].status))
			return fault_set(fault, ERR_INPUT, "'%s' is no status of consent", consent->column.constant);
	} else if (count == 1) {
		return fault_set(fault, ERR_INPUT, "say what the column's texts mean: %s, Y = given, N = refused",
				 items[0]);
	}
	for (size_t i = 1; i < count; i++)
		TRY(take_status(items[i], consent, fault));
	consent->purpose = key;
	mapping->consent_count++;
	return ERR_OK;
}

static bool is_country_code(struct slice code)
{
	return code.length == 2 && code.data[0] >= 'A' && code.data[0] <= 'Z' && code.data[1] >= 'A' &&
	       code.data[1] <= 'Z';
}

static enum err take_country(void *target, const char *section_name, const char *key, char *value, struct arena *arena,
			     struct fault *fault)
{
	struct mapping *mapping = ((struct reading *)target)->mapping;

	(void)section_name, (void)arena;
	if (!is_country_code(slice_text(value)))
		return fault_set(fault, ERR_INPUT, "'%s' is no country code of two capitals (ISO 3166-1)", value);
	if (mapping->country_count == MAPPING_COUNTRIES_MAX)
		return fault_set(fault, ERR_INPUT, "over %d countries", MAPPING_COUNTRIES_MAX);
	mapping->countries[mapping->country_count++] = (struct mapping_country){.text = key, .code = value};
	return ERR_OK;
}

static const struct ini_key keys[] = {
	{"customers", "purpose", false, take_customers_purpose},
	{"customers", "registered-store", false, take_customers},
	{"customers", "registered-day", false, take_customers},
	{"fields", "*", false, take_field},
	{"consent", "*", false, take_consent},
	{"receipts", "purpose", false, take_receipts_purpose},
	{"receipts", "store", false, take_receipts},
	{"receipts", "customer", false, take_receipts},
	{"receipts", "customer-field", false, take_customer_field},
	{"receipts", "date", false, take_receipts},
	{"receipts", "product", false, take_receipts},
	{"receipts", "units", false, take_receipts},
	{"receipts", "amount", false, take_receipts},
	{"receipts", "cost", false, take_receipts},
	{"stores", "number", false, take_stores},
	{"stores", "name", false, take_stores},
	{"stores", "country", false, take_stores},
	{"countries", "*", false, take_country},
};

/* A text for one kind may leave the others out; what its own kind needs must stand. */
static enum err check_complete(const struct reading *reading, struct slice text, const char *name,
			       enum import_kind kind, struct fault *fault)
{
	const struct mapping *mapping = reading->mapping;
	const char *section = section_names[kind];

	if (!reading->is_there[kind])
		return fault_set(fault, ERR_INPUT, "%s: section [%s] is missing", name, section);
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		const struct mapping_column *column =
			(const struct mapping_column *)(const void *)((const char *)mapping + plain[i].offset);

		if (plain[i].kind == kind && plain[i].is_required && !column->name && !column->constant)
			return ini_fault(text, name, section, NULL, fault, ERR_INPUT, "key '%s' is missing",
					 plain[i].key);
	}
	if (kind != IMPORT_STORES && !reading->purpose[kind])
		return ini_fault(text, name, section, NULL, fault, ERR_INPUT, "key 'purpose' is missing");
	if (kind == IMPORT_RECEIPTS && !mapping->customer_field)
		return ini_fault(text, name, section, NULL, fault, ERR_INPUT, "key 'customer-field' is missing");
	return ERR_OK;
}

/* Customers are told apart by the charter's identifier: without it the same file again would register all anew. */
static enum err find_identifier(struct mapping *mapping, struct slice text, const char *name, struct fault *fault)
{
	const struct charter_field *identifier = charter_identifier(mapping->charter);

	if (!identifier)
		return fault_set(fault, ERR_INPUT,
				 "the charter has no field with identifier = yes; an import needs one");
	for (size_t i = 0; i < mapping->field_count; i++)
		if (mapping->fields[i].field == identifier) {
			mapping->customer = mapping->fields[i].column;
			mapping->customer_field = identifier;
			if (mapping->customer.name)
				return ERR_OK;
		}
	return ini_fault(text, name, "fields", NULL, fault, ERR_INPUT,
			 "field '%s' is missing: it is the charter's identifier, by which customers are told apart",
			 identifier->name);
}

enum err mapping_parse(struct slice text, const char *name, enum import_kind kind, const struct charter *charter,
		       struct arena *arena, struct mapping *ret_mapping, struct fault *fault)
{
	struct mapping mapping = {.kind = kind, .charter = charter};
	struct reading reading = {.mapping = &mapping};

	mapping.fields = arena_array(arena, FIELDS_MAX, sizeof(*mapping.fields));
	mapping.consents = arena_array(arena, PURPOSES_MAX, sizeof(*mapping.consents));
	mapping.countries = arena_array(arena, MAPPING_COUNTRIES_MAX, sizeof(*mapping.countries));
	if (!mapping.fields || !mapping.consents || !mapping.countries)
		return ERR_MEMORY;
	TRY(ini_read(text, name, keys, sizeof(keys) / sizeof(keys[0]), &reading, arena, fault));
	TRY(check_complete(&reading, text, name, kind, fault));
	mapping.purpose = reading.purpose[kind];
	if (kind == IMPORT_CUSTOMERS)
		TRY(find_identifier(&mapping, text, name, fault));
	*ret_mapping = mapping;
	return ERR_OK;
}
