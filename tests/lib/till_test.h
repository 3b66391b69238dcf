/*
 * The tills' API before a fake shop (desk_test.h): calls as the server reads them in, without sockets. Included once by
 * a test program.
 */
#ifndef TEST_TILL_TEST_H
#define TEST_TILL_TEST_H

#include "desk_test.h"
#include "till/till_api.h"

#define TILL_TEST_PORT 7411
#define TILL_TEST_ADMIN "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define TILL_TEST_BEARER_SIZE 80

struct till_test {
	struct desk_test desk;
	struct till_server_options options;
	struct till_api api;
	char anna[TILL_TEST_BEARER_SIZE], bea[TILL_TEST_BEARER_SIZE], admin[TILL_TEST_BEARER_SIZE]; /* "Bearer ..." */
	/* of the last call */
	struct till_response response;
	json_t *answer; /* NULL: no body */
};

/* With office calls "echo" {text}, which answers {"text": ...}, and "quiet" {}, which answers nothing. */
void till_test_begin(struct till_test *test);
void till_test_end(struct till_test *test);
/* A call that the door lets pass; authorization and body may be NULL. The status. */
unsigned till_test_ask(struct till_test *test, const char *method, const char *uri, const char *authorization,
		       const char *body);
/* The same for a request as it is. */
unsigned till_test_send(struct till_test *test, const struct till_request *request);
/* A member of the last answer: its text, "" if there is none. */
const char *till_test_text(const struct till_test *test, const char *name);

/* The one of a test program, and what cmocka calls for it. */
extern struct till_test till_test;
int till_test_set_up(void **state);
int till_test_tear_down(void **state);

#endif
