/* What a broker gives, held against what it logged and what both signed (FORMAT.md R98, R130, R132). */
#include "given.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "franchise.h"

#define GRANTS(operations)                                                                                             \
	"[grant copy]\npurpose = service\noperations = " operations                                                    \
	"\ncustomers = all\nfields = card, name\n" GRANT_REST

static struct franchise *formula;
static struct agreement with_lookup, without;

static void parse(const char *grants, struct agreement *ret_agreement)
{
	struct fault fault = {""};
	const char *text = franchise_agreement(formula, 12, grants, NULL);

	assert_int_equal(
		agreement_parse(slice_text(text), "a", &formula->charter, &formula->arena, ret_agreement, &fault),
		ERR_OK);
}

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	parse(GRANTS("sync, lookup"), &with_lookup);
	parse(GRANTS("sync"), &without);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	franchise_free(&formula);
	return 0;
}

static enum err open_of(const char *values, uint64_t fields)
{
	struct action action = action_update(formula, NULL, franchise_draw(formula), values);
	struct fault fault = {""};
	Kluis__Values *decoded;

	return given_open(wire_slice(action.part->content), fields, &formula->arena, &decoded, &fault);
}

static void test_given_open(void **state)
{
	static const struct {
		const char *values;
		uint64_t fields;
		enum err code;
	} rows[] = {
		{"1=4711|2=Anna", 3, ERR_OK},
		{"", 0, ERR_OK},
		{"1=4711|2=Anna", 1, ERR_MISMATCH},
		{"1=4711", 3, ERR_MISMATCH},
		{"2=Anna|1=4711", 3, ERR_MISMATCH},
		{"1=4711|1=4712|2=Anna", 3, ERR_MISMATCH},
		{"0=x", UINT64_MAX, ERR_MISMATCH},
		{"65=x", 1, ERR_MISMATCH},
		{"64=x", (uint64_t)1 << 63, ERR_OK},
		{"0=x", 0, ERR_MISMATCH},
		{"4294967295=x", UINT64_MAX, ERR_MISMATCH},
	};
	struct fault fault = {""};
	Kluis__Values *decoded;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(open_of(rows[i].values, rows[i].fields), rows[i].code);
	assert_int_equal(given_open(slice_text("rubbish"), 0, &formula->arena, &decoded, &fault), ERR_MISMATCH);
}

/* Everything that a sync may give, right; rows of the test below spoil one thing. */
struct sample {
	Kluis__Values values;
	Kluis__Handle handle[2], *handles[2];
	Kluis__Facts facts;
	Kluis__Superseded superseded[SUPERSEDED_MAX + 1], *places[SUPERSEDED_MAX + 1];
	uint8_t hash[HANDLE_SIZE];
	char value[3 * VALUE_MAX + 20];
};

static void fill(struct sample *sample)
{
	memset(sample, 0, sizeof(*sample));
	kluis__values__init(&sample->values);
	kluis__facts__init(&sample->facts);
	for (uint32_t i = 0; i < 2; i++) {
		kluis__handle__init(&sample->handle[i]);
		sample->handle[i].field = i == 0 ? 1 : 3; /* card, phone: found by it, though it is not granted */
		sample->handle[i].hash = wire_data(SLICE_ARRAY(sample->hash));
		sample->handles[i] = &sample->handle[i];
	}
	for (size_t i = 0; i < SUPERSEDED_MAX + 1; i++) {
		kluis__superseded__init(&sample->superseded[i]);
		sample->superseded[i].field = 2;
		sample->superseded[i].store = STORE_OFFICE;
		sample->superseded[i].value = sample->value;
		sample->places[i] = &sample->superseded[i];
	}
	sample->values.handles = sample->handles;
	sample->values.n_handles = 2;
	sample->values.facts = &sample->facts;
	sample->values.superseded = sample->places;
	sample->values.n_superseded = SUPERSEDED_MAX;
}

static void nothing(struct sample *sample)
{
	(void)sample;
}
static void handle_of_a_name(struct sample *sample)
{
	sample->handle[0].field = 2;
}
static void handle_of_no_field(struct sample *sample)
{
	sample->handle[1].field = 60;
}
static void handle_twice(struct sample *sample)
{
	sample->handle[1].field = 1;
}
static void short_handle(struct sample *sample)
{
	sample->handle[1].hash.len = HANDLE_SIZE - 1;
}
static void one_too_many(struct sample *sample)
{
	sample->values.n_superseded++;
}
static void of_a_field_not_logged(struct sample *sample)
{
	sample->superseded[3].field = 1;
}
static void of_no_field(struct sample *sample)
{
	sample->superseded[3].field = 0;
}
static void of_no_store(struct sample *sample)
{
	sample->superseded[0].store = STORE_OFFICE + 1;
}
static void too_long(struct sample *sample)
{
	memset(sample->value, 'x', sizeof(sample->value) - 1);
}

/* Phone's last four only; customers who were here. */
#define NARROW                                                                                                         \
	"[grant copy]\npurpose = service\noperations = sync, lookup\ncustomers = visited\nfields = card, phone\n"      \
	"masks = phone:last4\n" GRANT_REST

static const struct {
	const char *phone, *lost;
	bool has_visited;
	enum err code;
} narrow_rows[] = {
	{"\u2022\u2022\u2022\u20221234", "\u2022\u2022\u2022\u20229999", true, ERR_OK},
	{"\u2022\u2022\u2022", "\u2022\u2022\u2022", true, ERR_OK}, /* what is no longer than four (R45) */
	{"06111234", "\u2022\u2022\u2022\u20229999", true, ERR_MISMATCH},
	{"\u20226111234", "\u2022\u2022\u2022\u20229999", true, ERR_MISMATCH},
	{"1234", "\u2022\u2022\u2022\u20229999", true, ERR_MISMATCH},
	{"\u2022\u2022\u2022\u20221234", "06119999", true, ERR_MISMATCH},
	{"\u2022\u2022\u2022\u20221234", "\u2022\u2022\u2022\u20229999", false, ERR_MISMATCH},
};

static void fill_narrow(struct sample *sample, size_t row)
{
	static Kluis__Value phone, *list = &phone;

	fill(sample);
	kluis__value__init(&phone);
	phone.field = 3;
	phone.value = (char *)arena_copy(
		&formula->arena, SLICE((const uint8_t *)narrow_rows[row].phone, strlen(narrow_rows[row].phone) + 1));
	sample->values.values = &list;
	sample->values.n_values = 1;
	sample->values.n_superseded = 1;
	sample->superseded[0].field = 3;
	strncpy(sample->value, narrow_rows[row].lost, sizeof(sample->value) - 1);
	sample->facts.has_last_visit_day = narrow_rows[row].has_visited;
	sample->facts.is_registered_here = sample->facts.is_owned_here = 1;
}

static void test_given_as_the_grant_says(void **state)
{
	static struct sample sample;
	static struct agreement narrow;
	struct fault fault = {""};

	(void)state;
	parse(NARROW, &narrow);
	for (size_t i = 0; i < sizeof(narrow_rows) / sizeof(narrow_rows[0]); i++) {
		fill_narrow(&sample, i);
		assert_int_equal(
			given_to_copy(&sample.values, 4, &formula->charter, &narrow, &narrow.grants[0], &fault),
			narrow_rows[i].code);
		sample.values.n_handles = sample.values.n_superseded = 0;
		sample.values.facts = NULL;
		bool is_masked = i < 2 || i > 4; /* of a lookup the value alone counts */
		assert_int_equal(given_to_till(&sample.values, &formula->charter, &narrow.grants[0], &fault),
				 is_masked ? ERR_OK : ERR_MISMATCH);
	}
	fill_narrow(&sample, 0);
	sample.values.facts = NULL;
	assert_int_equal(given_to_copy(&sample.values, 4, &formula->charter, &narrow, &narrow.grants[0], &fault),
			 ERR_MISMATCH);
}

static void test_given_to_copy(void **state)
{
	static const struct {
		void (*spoil)(struct sample *sample);
		enum err code;
	} rows[] = {
		{nothing, ERR_OK},
		{handle_of_a_name, ERR_MISMATCH},
		{handle_of_no_field, ERR_MISMATCH},
		{handle_twice, ERR_MISMATCH},
		{short_handle, ERR_MISMATCH},
		{one_too_many, ERR_MISMATCH},
		{of_a_field_not_logged, ERR_MISMATCH},
		{of_no_field, ERR_MISMATCH},
		{of_no_store, ERR_MISMATCH},
		{too_long, ERR_MISMATCH},
	};
	static struct sample sample;
	struct fault fault = {""};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fill(&sample);
		rows[i].spoil(&sample);
		assert_int_equal(given_to_copy(&sample.values, 2, &formula->charter, &with_lookup,
					       &with_lookup.grants[0], &fault),
				 rows[i].code);
	}
	/* nobody there may look up: no handles */
	fill(&sample);
	assert_int_equal(given_to_copy(&sample.values, 2, &formula->charter, &without, &without.grants[0], &fault),
			 ERR_MISMATCH);
	sample.values.n_handles = 0;
	assert_int_equal(given_to_copy(&sample.values, 2, &formula->charter, &without, &without.grants[0], &fault),
			 ERR_OK);
}

static void test_given_to_till(void **state)
{
	static struct sample sample;
	struct fault fault = {""};

	(void)state;
	fill(&sample);
	sample.values.n_handles = sample.values.n_superseded = 0;
	assert_int_equal(given_to_till(&sample.values, &formula->charter, &with_lookup.grants[0], &fault),
			 ERR_MISMATCH);
	sample.values.facts = NULL;
	assert_int_equal(given_to_till(&sample.values, &formula->charter, &with_lookup.grants[0], &fault), ERR_OK);
	sample.values.n_handles = 1;
	assert_int_equal(given_to_till(&sample.values, &formula->charter, &with_lookup.grants[0], &fault),
			 ERR_MISMATCH);
	sample.values.n_handles = 0;
	sample.values.n_superseded = 1;
	assert_int_equal(given_to_till(&sample.values, &formula->charter, &with_lookup.grants[0], &fault),
			 ERR_MISMATCH);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_given_open),
		TEST(test_given_as_the_grant_says),
		TEST(test_given_to_copy),
		TEST(test_given_to_till),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
