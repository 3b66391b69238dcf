/*
 * An invented formula in the layout of FoodMart's files (stores.csv, customers.csv, sales.csv), so that the same
 * mapping files serve both. The same seed and sizes give the same bytes. Nobody in it exists: names say so, phone
 * numbers are 555 numbers.
 *
 * Stores go in pairs (2 and 3, 4 and 5, 6 and 7, ...): some customers of one buy at its neighbour too, so that who owns
 * a customer is a question. Some customers never buy.
 */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kluis/clock.h"
#include "kluis/command.h"
#include "kluis/file.h"
#include "kluis/limits.h"
#include "random.h"

#define FIRST_DAY 19358 /* 2023-01-01 */
#define DAYS 730
#define PRODUCTS 1559
#define NEVER_BUYS 14	/* of 100 customers */
#define BUYS_AT_BOTH 20 /* of 100 that buy */
#define LINES_MOST 9	/* of one visit */

struct settings {
	uint64_t customers, stores, lines, seed;
	const char *folder;
};

/* One of a list of texts. */
#define PICK(random, list) ((list)[random_below((random), sizeof(list) / sizeof((list)[0]))])

static const char *const given_names[] = {"Testa", "Sampla",  "Demono", "Fictiva",
					  "Provo", "Exempla", "Mocko",	"Placida"};
static const char *const cities[] = {"Nowhere",		  "Blankville", "Sampleton",
				     "Placeholder Falls", "Mockham",	"Test Creek"};
static const char *const states[] = {"CA", "OR", "WA", "BC", "DF", "Zacatecas"};
static const char *const countries[] = {"USA", "USA", "USA", "Canada", "Mexico", "Mexico"};
static const char *const incomes[] = {"$10K - $30K",  "$30K - $50K",   "$50K - $70K",	"$70K - $90K",
				      "$90K - $110K", "$110K - $130K", "$130K - $150K", "$150K +"};
static const char *const educations[] = {"Partial High School", "High School Degree", "Partial College",
					 "Bachelors Degree", "Graduate Degree"};
static const char *const cards[] = {"Bronze", "Bronze", "Bronze", "Normal", "Golden", "Silver"};
static const char *const occupations[] = {"Clerical", "Manual", "Skilled Manual", "Professional", "Management"};

static FILE *open_file(const struct settings *settings, const char *name)
{
	char path[2048];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", settings->folder, name);
	file = fopen(path, "wx"); /* a customers.csv that is there may be the real one */
	if (!file)
		fprintf(stderr, "kluis-generate: %s: %s\n", path, strerror(errno));
	return file;
}

static enum err close_file(FILE *file)
{
	int is_bad = ferror(file);

	return fclose(file) == 0 && !is_bad ? ERR_OK : ERR_IO;
}

static enum err write_stores(const struct settings *settings)
{
	FILE *file = open_file(settings, "stores.csv");

	if (!file)
		return ERR_IO;
	fputs("store_id,store_type,region_id,store_name,store_number,store_street_address,store_city,store_state,"
	      "store_postal_code,store_country,store_manager,store_phone,store_fax,first_opened_date,last_remodel_date,"
	      "store_sqft,grocery_sqft,frozen_sqft,meat_sqft,coffee_bar,video_store,salad_bar,prepared_food,florist\n",
	      file);
	for (uint64_t i = 0; i <= settings->stores; i++) {
		size_t place = (size_t)i % 6;

		fprintf(file,
			"%" PRIu64 ",%s,0,%s %" PRIu64 ",%" PRIu64 ",%" PRIu64 " Invented Road,%s,%s,55555,%s,,,,,,,,,,"
			"false,false,false,false,false\n",
			i, i == 0 ? "HeadQuarters" : "Supermarket", i == 0 ? "HQ" : "Store", i, i, i + 1, cities[place],
			states[place], countries[place]);
	}
	return close_file(file);
}

/* Day number of day of the year 1910 + years. */
static void print_birthdate(struct random *random, FILE *file)
{
	fprintf(file, "%04d-%02d-%02d", 1925 + (int)random_below(random, 75), 1 + (int)random_below(random, 12),
		1 + (int)random_below(random, 28));
}

static void print_phone(FILE *file, uint64_t area, uint64_t number)
{
	fprintf(file, "%" PRIu64 "-555-%04" PRIu64, area + number / 10000, number % 10000);
}

static void write_customer(FILE *file, struct random *random, uint64_t number)
{
	const char *given = PICK(random, given_names);
	size_t place = random_below(random, 6);
	uint64_t children = random_below(random, 6);
	char opened[11];

	date_print(FIRST_DAY - 1 - (int32_t)random_below(random, 1500), opened);
	fprintf(file,
		"%" PRIu64 ",%" PRIu64 ",Invented-%04" PRIu64 ",%s,,%" PRIu64 " Nowhere Lane,,,,%s,%s,%05" PRIu64
		",%s,0,",
		number, UINT64_C(70000000000) + number * 7919, number, given, 1 + random_below(random, 9999),
		cities[place], states[place], 10000 + random_below(random, 80000), countries[place]);
	print_phone(file, 200, number);
	fputc(',', file);
	print_phone(file, 600, number);
	fputc(',', file);
	print_birthdate(random, file);
	fprintf(file, ",%s,%s,%s,%" PRIu64 ",%" PRIu64 ",%s,%s,%s,%s,%s,%" PRIu64 ",%s Invented-%04" PRIu64 "\n",
		random_below(random, 2) ? "M" : "S", PICK(random, incomes), random_below(random, 2) ? "F" : "M",
		children, random_below(random, children + 1), PICK(random, educations), opened, PICK(random, cards),
		PICK(random, occupations), random_below(random, 2) ? "Y" : "N", random_below(random, 5), given, number);
}

static enum err write_customers(const struct settings *settings, struct random *random)
{
	FILE *file = open_file(settings, "customers.csv");

	if (!file)
		return ERR_IO;
	fputs("customer_id,account_num,lname,fname,mi,address1,address2,address3,address4,city,state_province,postal_"
	      "code,"
	      "country,customer_region_id,phone1,phone2,birthdate,marital_status,yearly_income,gender,total_children,"
	      "num_children_at_home,education,date_accnt_opened,member_card,occupation,houseowner,num_cars_owned,"
	      "fullname\n",
	      file);
	for (uint64_t i = 1; i <= settings->customers; i++)
		write_customer(file, random, i);
	return close_file(file);
}

/* What is fixed for each customer without being kept: the same number gives the same habits. */
static struct random habits_of(const struct settings *settings, uint64_t customer)
{
	return (struct random){.state = settings->seed ^ (customer * UINT64_C(0x9E3779B97F4A7C15))};
}

static uint64_t store_of_visit(const struct settings *settings, uint64_t customer, struct random *random)
{
	struct random habits = habits_of(settings, customer);
	uint64_t home = 1 + random_below(&habits, settings->stores);
	uint64_t neighbour = home ^ 1;
	bool has_neighbour = neighbour >= 1 && neighbour <= settings->stores;

	if (has_neighbour && random_below(&habits, 100) < BUYS_AT_BOTH && random_below(random, 3) == 0)
		return neighbour;
	return home;
}

static bool never_buys(const struct settings *settings, uint64_t customer)
{
	struct random habits = habits_of(settings, ~customer);

	return random_below(&habits, 100) < NEVER_BUYS;
}

static void write_line(FILE *file, struct random *random, uint64_t customer, uint64_t store, int32_t day)
{
	uint64_t product = 1 + random_below(random, PRODUCTS);
	uint64_t units = 1 + random_below(random, 5);
	uint64_t price = 50 + (product * 37) % 350;			     /* cents */
	uint64_t sales = units * price * 100;				     /* 1/10000 */
	uint64_t cost = sales * (3000 + random_below(random, 2000)) / 10000; /* four true decimals */
	char date[11];

	date_print(day, date);
	fprintf(file,
		"%" PRIu64 ",%d,%" PRIu64 ",0,%" PRIu64 ",%" PRIu64 ".%04" PRIu64 ",%" PRIu64 ".%04" PRIu64 ",%" PRIu64
		".0000,%s\n",
		product, (int)(day - FIRST_DAY + 1), customer, store, sales / 10000, sales % 10000, cost / 10000,
		cost % 10000, units, date);
}

static enum err write_sales(const struct settings *settings, struct random *random)
{
	FILE *file = open_file(settings, "sales.csv");
	uint64_t written = 0;

	if (!file)
		return ERR_IO;
	fputs("product_id,time_id,customer_id,promotion_id,store_id,store_sales,store_cost,unit_sales,the_date\n",
	      file);
	while (written < settings->lines) {
		uint64_t customer = 1 + random_below(random, settings->customers);
		uint64_t count = 1 + random_below(random, LINES_MOST);

		/* customer 1 always buys, so that this ends */
		if (customer != 1 && never_buys(settings, customer))
			continue;
		uint64_t store = store_of_visit(settings, customer, random);
		int32_t day = FIRST_DAY + (int32_t)random_below(random, DAYS);
		for (; count > 0 && written < settings->lines; count--, written++)
			write_line(file, random, customer, store, day);
	}
	return close_file(file);
}

static error_t take(int key, char *value, struct argp_state *state)
{
	struct settings *settings = state->input;
	struct fault fault = {.text = ""};
	enum err code = ERR_OK;

	switch (key) {
	case 'c':
		code = command_number("customers", value, 1, 100000000, &settings->customers, &fault);
		break;
	case 's':
		code = command_number("stores", value, 1, STORES_MAX - 1, &settings->stores, &fault);
		break;
	case 'l':
		code = command_number("lines", value, 0, UINT64_C(10000000000), &settings->lines, &fault);
		break;
	case 'S':
		code = command_number("seed", value, 0, UINT64_MAX, &settings->seed, &fault);
		break;
	case 'o':
		settings->folder = value;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	if (code != ERR_OK)
		argp_error(state, "%s", fault.text);
	return 0;
}

static const struct argp_option options[] = {
	{"customers", 'c', "N", 0, "customers (default 10000)", 0},
	{"stores", 's', "N", 0, "stores beside the head office (24)", 0},
	{"lines", 'l', "N", 0, "lines of sales (250000)", 0},
	{"seed", 'S', "N", 0, "another seed, another formula (1)", 0},
	{"out", 'o', "FOLDER", 0, "where stores.csv, customers.csv and sales.csv go; made if it is not there (.)", 0},
	{0},
};

int main(int argc, char **argv)
{
	static const struct argp argp = {.options = options,
					 .parser = take,
					 .doc = "Invents a franchise formula in the layout of FoodMart's files."};
	struct settings settings = {.customers = 10000, .stores = 24, .lines = 250000, .seed = 1, .folder = "."};
	struct fault fault = {.text = ""};
	enum err code;

	if (argp_parse(&argp, argc, argv, 0, NULL, &settings) != 0)
		return 2;
	code = folder_make(settings.folder, 0755, &fault);
	if (code == ERR_OK)
		code = write_stores(&settings);
	struct random random = {.state = settings.seed};
	if (code == ERR_OK)
		code = write_customers(&settings, &random);
	if (code == ERR_OK)
		code = write_sales(&settings, &random);
	if (code != ERR_OK)
		fprintf(stderr, "kluis-generate: %s\n", fault.text[0] ? fault.text : error_text(code));
	return error_exit_status(code);
}
