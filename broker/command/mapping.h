/*
 * Which column of a CSV file is what: the mapping file of an import, kluis-broker(8).
 *
 *     [customers]                        one section for each kind of file that it serves
 *     purpose          = service         the charter's purpose under which records are written
 *     registered-store = constant 5      a column's name, or "constant" and a value
 *     registered-day   = date_accnt_opened
 *     [fields]
 *     card             = account_num     field of the charter = column
 *     [consent]
 *     direct-marketing = newsletter, Y = given, N = refused
 *
 *     [receipts]
 *     purpose = receipts
 *     store = store_id                   these three make lines one receipt
 *     customer = customer_id
 *     customer-field = customer_id       by which field of the charter that column names the customer
 *     date = the_date
 *     product = product_id
 *     units = unit_sales
 *     amount = store_sales
 *     cost = store_cost                  may be left out
 *
 *     [stores]
 *     number = store_id
 *     name = store_name
 *     country = store_country
 *     [countries]
 *     Mexico = MX                        text of the column = ISO 3166-1 alpha-2; two capitals stand for themselves
 *
 * Threads: a mapping is read-only once bound.
 */
#ifndef KLUIS_COMMAND_MAPPING_H
#define KLUIS_COMMAND_MAPPING_H

#include "command/csv_reader.h"
#include "kluis/charter.h"

#define MAPPING_MAX (64 * 1024) /* bytes of a mapping file */
#define MAPPING_STATUSES_MAX 32 /* texts of a consent's column */
#define MAPPING_COUNTRIES_MAX 300

enum import_kind { IMPORT_CUSTOMERS, IMPORT_RECEIPTS, IMPORT_STORES };

/* A column by name and, once bound, by place; or a constant. Neither: not mapped. */
struct mapping_column {
	const char *name;
	const char *constant;
	size_t place;
};

struct mapping_field {
	const struct charter_field *field;
	struct mapping_column column;
};

struct mapping_status {
	const char *text;
	uint32_t status; /* FORMAT.md R115 */
};

struct mapping_consent {
	const char *purpose;
	struct mapping_column column;
	struct mapping_status statuses[MAPPING_STATUSES_MAX];
	size_t status_count;
};

struct mapping_country {
	const char *text, *code;
};

struct mapping {
	enum import_kind kind;
	const struct charter *charter;
	const char *purpose;
	struct mapping_field *fields; /* by number, ascending */
	size_t field_count;
	struct mapping_consent *consents;
	size_t consent_count;
	struct mapping_column registered_store, registered_day;
	struct mapping_column store, customer, date, product, units, amount, cost;
	const struct charter_field *customer_field; /* receipts: a lookup field; customers: the identifier */
	struct mapping_column number, name, country;
	struct mapping_country *countries;
	size_t country_count;
};

/* Reads the part of text that is for files of kind; names in it mean what charter says. name is for faults. All that it
 * points to lives in the arena or is the charter's. ERR_INPUT; ERR_FIELD, ERR_PURPOSE for names that the charter has
 * not. */
enum err mapping_parse(struct slice text, const char *name, enum import_kind kind, const struct charter *charter,
		       struct arena *arena, struct mapping *ret_mapping, struct fault *fault) MUST_USE;

/* Finds the columns in the file's header; file is its name, for faults. ERR_INPUT for a column that is not there or
 * stands twice. */
enum err mapping_bind(struct mapping *mapping, const struct csv_row *header, const char *file,
		      struct fault *fault) MUST_USE;

/* The row's value: its cell without blanks at the ends, or the constant. Empty for what is not mapped. row has the
 * cells. */
struct slice mapping_value(const struct mapping_column *column, const struct csv_row *row);

/* The number of a consent's status by its name ("given"); false for a name that is none. */
bool mapping_status(const char *name, uint32_t *ret_status);

#endif
