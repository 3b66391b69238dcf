#include "till_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kluis/hash.h"

static json_t *status(void *context)
{
	(void)context;
	return json_pack("{s:b}", "running", 1);
}

static enum err echo(void *context, const json_t *body, json_t **ret_answer, struct fault *fault)
{
	(void)context;
	if (json_string_value(json_object_get(body, "text")) == NULL)
		return fault_set(fault, ERR_INPUT, "'text' is missing");
	*ret_answer = json_pack("{s:O}", "text", json_object_get(body, "text"));
	return ERR_OK;
}

static enum err quiet(void *context, const json_t *body, json_t **ret_answer, struct fault *fault)
{
	(void)context, (void)body, (void)ret_answer, (void)fault;
	return ERR_OK;
}

static const struct till_office_call office[] = {{"echo", echo, "other text"}, {"quiet", quiet, NULL}};

static void print_bearer(const uint8_t *token, char *ret_text)
{
	memcpy(ret_text, "Bearer ", 7);
	hex_print(SLICE(token, DESK_TOKEN_SIZE), ret_text + 7);
}

void till_test_begin(struct till_test *test)
{
	memset(test, 0, sizeof *test);
	desk_test_begin(&test->desk);
	test->options = (struct till_server_options){.address = "127.0.0.1",
						     .desk = test->desk.fake.desk,
						     .outbox = test->desk.fake.shop.outbox,
						     .status = status,
						     .admin_token = TILL_TEST_ADMIN,
						     .office = office,
						     .office_count = sizeof office / sizeof office[0]};
	test->api = (struct till_api){.options = &test->options, .port = TILL_TEST_PORT};
	print_bearer(test->desk.anna, test->anna);
	print_bearer(test->desk.bea, test->bea);
	snprintf(test->admin, sizeof test->admin, "Bearer %s", TILL_TEST_ADMIN);
}

static void forget(struct till_test *test)
{
	json_decref(test->answer);
	test->answer = NULL;
	till_response_fini(&test->response);
}

void till_test_end(struct till_test *test)
{
	forget(test);
	desk_test_end(&test->desk);
}

unsigned till_test_send(struct till_test *test, const struct till_request *request)
{
	forget(test);
	till_api_answer(&test->api, request, &test->response);
	if (test->response.body != NULL) {
		test->answer = json_loads(test->response.body, JSON_REJECT_DUPLICATES, NULL);
		if (!json_is_object(test->answer)) {
			fprintf(stderr, "till test: the answer is no JSON object\n");
			abort();
		}
	}
	return test->response.status;
}

unsigned till_test_ask(struct till_test *test, const char *method, const char *uri, const char *authorization,
		       const char *body)
{
	char host[32];

	snprintf(host, sizeof host, "127.0.0.1:%d", TILL_TEST_PORT);
	const struct till_request request = {.method = method,
					     .uri = uri,
					     .host = host,
					     .type = body == NULL ? NULL : "application/json",
					     .authorization = authorization,
					     .body = body == NULL ? SLICE_EMPTY : slice_text(body)};
	return till_test_send(test, &request);
}

const char *till_test_text(const struct till_test *test, const char *name)
{
	const char *text = json_string_value(json_object_get(test->answer, name));

	return text == NULL ? "" : text;
}

/* ---- for cmocka ---- */

struct till_test till_test;

int till_test_set_up(void **state)
{
	(void)state;
	till_test_begin(&till_test);
	return 0;
}

int till_test_tear_down(void **state)
{
	(void)state;
	till_test_end(&till_test);
	return 0;
}
