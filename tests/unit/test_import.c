/* Whole imports through a real session against a broker of a few rules, files in a scratch folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "command/import_batch.h"
#include "command/import_source.h"
#include "import_world.h"
#include "kluis/file.h"
#include "test_keys.h"

static void write_text(const char *path, const char *text)
{
	assert_int_equal(file_write(path, slice_text(text), 0600, NULL), ERR_OK);
}

static void assert_counts(const struct world *world, int64_t rows, int64_t accepted, int64_t unchanged,
			  int64_t rejected)
{
	assert_int_equal(world_count(world, "rows"), rows);
	assert_int_equal(world_count(world, "accepted"), accepted);
	assert_int_equal(world_count(world, "unchanged"), unchanged);
	assert_int_equal(world_count(world, "rejected"), rejected);
}

static void assert_file(const char *path, const char *expected)
{
	struct bytes text CLEANUP(bytes_fini);
	struct stat status;

	bytes_init(&text, 1 << 20);
	assert_int_equal(file_read(path, &text, NULL), ERR_OK);
	assert_int_equal(bytes_append_u8(&text, 0), ERR_OK);
	assert_string_equal((const char *)text.data, expected);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
}

static void assert_text(struct import_broker *broker, const char *expected)
{
	assert_int_equal(bytes_append_u8(&broker->text, 0), ERR_OK);
	assert_string_equal((const char *)broker->text.data, expected);
}

static const char customers_map[] =
	"[customers]\npurpose = service\nregistered-store = store\nregistered-day = opened\n"
	"[fields]\nphone = phone\ncustomer_id = id\ngiven_name = first\nbirthdate = born\n"
	"[consent]\ndirect-marketing = mail, Y = given, N = refused\n";
static const char receipts_map[] = "[receipts]\npurpose = receipts\nstore = store\ncustomer = customer\n"
				   "customer-field = customer_id\ndate = date\nproduct = product\nunits = units\n"
				   "amount = amount\ncost = cost\n";
static const char stores_map[] = "[stores]\nnumber = id\nname = name\ncountry = land\n[countries]\nNederland = NL\n";

static void test_import_customers(void **state)
{
	struct world *world = *state;

	/* 1970-01-02 is day 1; values go by the fields' numbers: 1 id, 4 given name, 12 phone, 14 birthdate */
	assert_int_equal(world_run(world, IMPORT_CUSTOMERS,
				   "id,first,phone,born,store,opened,mail\n"
				   "1,Testa,010-5550001,1990-02-28,7,1970-01-02,Y\n"
				   "2, Testb ,,1990-02-28 00:00:00.0,,,\n"
				   "3,\"Test, c\",,,12,,N\n",
				   customers_map),
			 ERR_OK);
	assert_counts(world, 3, 3, 0, 0);
	assert_int_equal(world_count(world, "records"), 3);
	assert_text(world->broker, "1=1|4=Testa|12=010-5550001|14=1990-02-28;store 7;day 1;direct-marketing:4\n"
				   "1=2|4=Testb|14=1990-02-28\n"
				   "1=3|4=Test, c;store 12;direct-marketing:3\n");
	assert_file(world->rejects, "line,reason\n");
}

static void test_import_customers_rejects_rows(void **state)
{
	struct world *world = *state;
	static const char start[] = "id,first,phone,born,store,opened,mail\n"
				    "1,Testa,,,,,\n"	       /* 2 */
				    "1,Again,,,,,\n"	       /* 3: double */
				    "x,Testb,,,,,\n"	       /* 4: no number */
				    ",Testc,,,,,\n"	       /* 5: no identifier */
				    "5,Testd\n"		       /* 6: columns */
				    "6,\xff\xfe,,,,,\n"	       /* 7: UTF-8 */
				    "7,Teste,,1990-02-29,,,\n" /* 8: no such day */
				    "8,Testf,,,100000,,\n"     /* 9: store */
				    "9,Testg,,,,1990-13-01,\n" /* 10: day */
				    "10,Testh,,,,,maybe\n"     /* 11: consent */
				    "11,Testi,abc,,,,\n"       /* 12: phone */
				    "12,\"two\nlines\",,,,,\n" /* 13, 14: control character */
				    "13,Testj,,,,,\n";	       /* 15 */
	char text[1024];

	/* and a row with a zero byte */
	memcpy(text, start, sizeof(start) - 1);
	memcpy(text + sizeof(start) - 1, "14,T\0,,,,,\n", 11);
	assert_int_equal(file_write(world->csv, SLICE(text, sizeof(start) - 1 + 11), 0600, NULL), ERR_OK);
	write_text(world->map, customers_map);
	assert_int_equal(world_run_file(world, IMPORT_CUSTOMERS, world->csv, world->map), ERR_OK);
	assert_counts(world, 14, 2, 0, 12);
	assert_int_equal(world->broker->customers, 2);
	assert_text(world->broker, "1=1|4=Testa\n1=13|4=Testj\n");
	assert_file(
		world->rejects,
		"line,reason\n"
		"3,\"identifier: stands in an earlier row too\"\n"
		"4,\"identifier: not a value of its field's type\"\n"
		"5,\"identifier: empty\"\n"
		"6,\"another number of columns than the header\"\n"
		"7,\"field 'given_name': not a value of its type (too long, not UTF-8, a control character, or of "
		"another "
		"form)\"\n"
		"8,\"field 'birthdate': not a value of its type (too long, not UTF-8, a control character, or of "
		"another "
		"form)\"\n"
		"9,\"registered-store: not a number from 0 to 99999\"\n"
		"10,\"registered-day: no such day, or not written YYYY-MM-DD\"\n"
		"11,\"consent 'direct-marketing': none of the texts that the mapping explains\"\n"
		"12,\"field 'phone': not a value of its type (too long, not UTF-8, a control character, or of another "
		"form)\"\n"
		"13,\"field 'given_name': not a value of its type (too long, not UTF-8, a control character, or of "
		"another "
		"form)\"\n"
		"16,\"field 'given_name': not a value of its type (too long, not UTF-8, a control character, or of "
		"another "
		"form)\"\n");
}

/* One row that is taken is enough; a file without rows is no fault either. */
static void test_import_fails_when_every_row_is_rejected(void **state)
{
	struct world *world = *state;
	static const char header[] = "id,first,phone,born,store,opened,mail\n";
	static const struct {
		const char *rows;
		enum err code;
		int64_t taken, rejected;
	} cases[] = {
		{"", ERR_OK, 0, 0},
		{"x,Testa,,,,,\n", ERR_INPUT, 0, 1},
		{"x,Testa,,,,,\n,Testb,,,,,\n", ERR_INPUT, 0, 2},
		{"x,Testa,,,,,\n2,Testb,,,,,\n", ERR_OK, 1, 1},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[200];
		snprintf(text, sizeof(text), "%s%s", header, cases[i].rows);
		assert_int_equal(world_run(world, IMPORT_CUSTOMERS, text, customers_map), cases[i].code);
		/* the summary is there all the same */
		assert_counts(world, cases[i].taken + cases[i].rejected, cases[i].taken, 0, cases[i].rejected);
		if (cases[i].code != ERR_OK)
			assert_non_null(strstr(world->fault.text, "every row was rejected"));
	}
}

/* Lines of one receipt stand apart; another day, store or customer is another receipt. */
static void test_import_receipts_grouped(void **state)
{
	struct world *world = *state;
	const struct import_sums *sums = world->broker->sums[7];

	assert_int_equal(world_run(world, IMPORT_RECEIPTS,
				   "store,customer,date,product,units,amount,cost\n"
				   "7,1,1997-05-01,a,1,0.1,0.0333\n"
				   "7,2,1997-05-01,a,1,0.2,0.0333\n"
				   "7,1,1998-05-01,a,3.5,-2.0000,0\n"
				   "7,1,1997-05-01,b,1,0.2,0.0001\n"
				   "8,1,1997-05-01,b,1,1,1\n"
				   "7,1,1997-05-01,a,1,0.1,0.0333\n",
				   receipts_map),
			 ERR_OK);
	assert_counts(world, 6, 6, 0, 0);
	assert_int_equal(world_count(world, "records"), 4);
	assert_int_equal(sums[0].receipts, 2);
	assert_int_equal(sums[0].lines, 4);
	assert_int_equal(sums[0].units, 40000);
	assert_int_equal(sums[0].amount, 6000);
	assert_int_equal(sums[0].cost, 1000);
	assert_int_equal(sums[1].receipts, 1);
	assert_int_equal(sums[1].units, 35000);
	assert_int_equal(sums[1].amount, -20000);
	assert_int_equal(world->broker->sums[8][0].receipts, 1);
}

/* One bad line spoils its receipt; what the broker refuses counts with all lines. */
static void test_import_receipts_rejects_rows(void **state)
{
	struct world *world = *state;

	world->broker->store_limit = 24;
	world->broker->customer_limit = 100;
	assert_int_equal(world_run(world, IMPORT_RECEIPTS,
				   "store,customer,date,product,units,amount,cost\n"
				   "7,1,1997-05-01,a,1,0.1,0\n"	     /* 2: with 4 */
				   "7,2,1997-05-01,a,1,0.2,0\n"	     /* 3 */
				   "7,1,1997-05-01,a,1,0.12345,0\n"  /* 4: five decimals */
				   "25,2,1997-05-01,a,1,1,1\n"	     /* 5: with 7, unknown store */
				   "7,101,1997-05-01,a,1,1,1\n"	     /* 6: unknown customer */
				   "25,2,1997-05-01,b,1,1,1\n"	     /* 7 */
				   "7,2,1997-02-29,a,1,1,1\n"	     /* 8 */
				   "x,2,1997-02-28,a,1,1,1\n"	     /* 9 */
				   "7,,1997-02-28,a,1,1,1\n"	     /* 10 */
				   "7,3,1997-02-28,,1,1,1\n"	     /* 11 */
				   "7,4,1997-02-28,a,1e3,1,1\n"	     /* 12 */
				   "7,5,1997-02-28,a,1,1\n"	     /* 13 */
				   "7,6,1997-02-28,a,1,1,\"1,5\"\n", /* 14 */
				   receipts_map),
			 ERR_OK);
	assert_counts(world, 13, 1, 0, 12);
	assert_int_equal(world->broker->sums[7][0].receipts, 1);
	assert_file(world->rejects, "line,reason\n"
				    "2,\"receipt with line 4: amount: not a number of at most four decimals\"\n"
				    "4,\"receipt with line 4: amount: not a number of at most four decimals\"\n"
				    "5,\"store: not known\"\n"
				    "7,\"store: not known\"\n"
				    "6,\"customer: not known\"\n"
				    "8,\"date: no such day, or not written YYYY-MM-DD\"\n"
				    "9,\"store: not a number from 0 to 99999\"\n"
				    "10,\"customer: empty\"\n"
				    "11,\"product: empty, over 64 bytes, or not text in UTF-8\"\n"
				    "12,\"units: not a number of at most four decimals\"\n"
				    "13,\"another number of columns than the header\"\n"
				    "14,\"cost: not a number of at most four decimals\"\n");
}

static void test_import_stores(void **state)
{
	struct world *world = *state;

	assert_int_equal(world_run(world, IMPORT_STORES,
				   "id,name,land\n0,HQ,NL\n1,\"Store, "
				   "one\",Nederland\n1,Again,NL\n2,Two,Atlantis\n3,,NL\nx,X,NL\n",
				   stores_map),
			 ERR_OK);
	assert_counts(world, 6, 2, 0, 4);
	assert_text(world->broker, "0 HQ NL\n1 Store, one NL\n");
	assert_file(world->rejects,
		    "line,reason\n"
		    "4,\"number: stands in an earlier row too\"\n"
		    "5,\"country: neither of ISO 3166-1 (two capitals) nor in the mapping's [countries]\"\n"
		    "6,\"name: empty, too long, or not text in UTF-8\"\n"
		    "7,\"number: not a number from 0 to 99999\"\n");
}

/* A fault of form, also in the last line, is found before anything is sent. */
static void test_import_faults_leave_nothing(void **state)
{
	struct world *world = *state;
	static const struct {
		const char *csv, *fault;
	} cases[] = {
		{"", "t.csv:1: empty"},
		{"id,name\n1,A\n", "no column 'land', which the mapping names; there are: id, name"},
		{"id,name,land,land\n1,A,NL,NL\n", "column 'land' stands 2 times"},
		{"id,name,land\n1,A,NL\n2,\"B,NL\n", "t.csv:3: wrong quoting"},
		{"id,name,land\n1,A,NL\n2,B\"x\",NL\n", "t.csv:3: wrong quoting"},
		{"id,name,land\n1,A,NL\n2,B\r3,C,NL\n", "t.csv:3: a carriage return"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(world_run(world, IMPORT_STORES, cases[i].csv, stores_map), ERR_INPUT);
		assert_non_null(strstr(world->fault.text, cases[i].fault));
		assert_int_equal(world->broker->received, 0);
		assert_int_equal(access(world->rejects, F_OK), -1);
	}
	assert_int_equal(world_run_file(world, IMPORT_STORES, "/nonexistent.csv", world->map), ERR_NOT_FOUND);
	assert_int_equal(world_run_file(world, IMPORT_STORES, world->csv, "/nonexistent.map"), ERR_NOT_FOUND);
}

static void test_import_refuses_open_rejects_file(void **state)
{
	struct world *world = *state;

	write_text(world->rejects, "mine\n");
	assert_int_equal(chmod(world->rejects, 0644), 0);
	assert_int_equal(world_run(world, IMPORT_STORES, "id,name,land\n1,A,NL\n", stores_map), ERR_MODE);
	assert_int_equal(world->broker->stores, 0);
}

/* Receipts of customers 1 to n, one line each, and a bad line after each hundred. */
static char *many_receipts(unsigned n)
{
	char *text = NULL;
	size_t length = 0;
	FILE *file = open_memstream(&text, &length);

	assert_non_null(file);
	fputs("store,customer,date,product,units,amount,cost\n", file);
	for (unsigned i = 1; i <= n; i++) {
		fprintf(file, "7,%u,1997-05-01,a,1,2.5,1\n", i);
		if (i % 100 == 0)
			fprintf(file, "8,%u,1997-05-01,a,bad,2.5,1\n", i);
	}
	assert_int_equal(fclose(file), 0);
	return text;
}

static void test_import_again_changes_nothing(void **state)
{
	struct world *world = *state;
	char *text = many_receipts(1000);
	uint64_t envelopes;

	assert_int_equal(world_run(world, IMPORT_RECEIPTS, text, receipts_map), ERR_OK);
	assert_counts(world, 1010, 1000, 0, 10);
	assert_int_equal(world->broker->sums[7][0].receipts, 1000);
	assert_true(world->broker->operations_most <= OPERATIONS_MAX);
	envelopes = world->broker->envelopes;
	assert_int_equal(world_run(world, IMPORT_RECEIPTS, text, receipts_map), ERR_OK);
	assert_counts(world, 1010, 0, 0, 0);
	assert_int_equal(world_count(world, "earlier"), 1010);
	assert_int_equal(world->broker->envelopes, envelopes + 1); /* the question how far it is */

	/* the same receipts in another file: known by their ids */
	char *other = many_receipts(1001);
	assert_int_equal(world_run(world, IMPORT_RECEIPTS, other, receipts_map), ERR_OK);
	assert_counts(world, 1011, 1, 1000, 10);
	assert_int_equal(world->broker->sums[7][0].receipts, 1001);
	free(text);
	free(other);
}

/* Killed at each message, on its way there or back, the next run ends with what one run would have made, and the
 * rejected rows are listed once. */
static void test_import_resumes(void **state)
{
	struct world *world = *state;
	char *text = many_receipts(1000);
	char expected[2048] = "line,reason\n";

	for (unsigned i = 0; i < 10; i++)
		(void)snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected),
			       "%u,\"units: not a number of at most four decimals\"\n", 102 + 101 * i);
	for (unsigned at = 1; at <= 12; at++) {
		enum err code;

		import_broker_free(&world->broker);
		world->broker = import_broker_new(&world->key);
		(void)unlink(world->rejects);
		*(at % 2 ? &world->broker->lose_request_at : &world->broker->lose_reply_at) = (at + 1) / 2;
		code = world_run(world, IMPORT_RECEIPTS, text, receipts_map);
		assert_true(code == ERR_NETWORK || code == ERR_TIMEOUT || at > 10);
		world->broker->lose_request_at = world->broker->lose_reply_at = 0;
		assert_int_equal(world_run(world, IMPORT_RECEIPTS, text, receipts_map), ERR_OK);
		assert_int_equal(world->broker->sums[7][0].receipts, 1000);
		assert_int_equal(world->broker->unchanged, 0);
		assert_file(world->rejects, expected);
	}
	free(text);
}

static void test_import_receipt_id(void **state)
{
	struct world *world = *state;
	struct secret_key other = test_seed_key("foodmart.example/kluis/controller", 8);
	uint8_t a[PSEUDONYM_SIZE], b[PSEUDONYM_SIZE];

	import_receipt_id(&world->key, 7, 100, slice_text("12"), a);
	import_receipt_id(&world->key, 7, 100, slice_text("12"), b);
	assert_memory_equal(a, b, PSEUDONYM_SIZE);
	import_receipt_id(&world->key, 7, 100, slice_text("13"), b);
	assert_memory_not_equal(a, b, PSEUDONYM_SIZE);
	import_receipt_id(&world->key, 7, 101, slice_text("12"), b);
	assert_memory_not_equal(a, b, PSEUDONYM_SIZE);
	import_receipt_id(&world->key, 8, 100, slice_text("12"), b);
	assert_memory_not_equal(a, b, PSEUDONYM_SIZE);
	/* who lacks the key learns nothing from ids by trying customers' numbers */
	import_receipt_id(&other, 7, 100, slice_text("12"), b);
	assert_memory_not_equal(a, b, PSEUDONYM_SIZE);
	secret_key_fini(&other);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, world_begin, world_end)
	const struct CMUnitTest tests[] = {
		TEST(test_import_customers),
		TEST(test_import_customers_rejects_rows),
		TEST(test_import_fails_when_every_row_is_rejected),
		TEST(test_import_receipts_grouped),
		TEST(test_import_receipts_rejects_rows),
		TEST(test_import_stores),
		TEST(test_import_faults_leave_nothing),
		TEST(test_import_refuses_open_rejects_file),
		TEST(test_import_again_changes_nothing),
		TEST(test_import_resumes),
		TEST(test_import_receipt_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
