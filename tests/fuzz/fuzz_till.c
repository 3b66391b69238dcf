/* A request to the tills' API, its parts one a line, then the body: method, URI, Host, Origin, Content-Type,
 * Authorization ("=": none). Nobody is signed in: whatever it is, it ends in one of a few statuses with JSON, and only
 * the status is shown. */
#include <stdlib.h>
#include <string.h>

#include "kluis/arena.h"
#include "kluis/hash.h"
#include "till/door.h"
#include "till/till_call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PARTS = 6 };

static void check(bool holds)
{
	if (!holds)
		abort();
}

static const char *take(struct arena *arena, const uint8_t **data, size_t *size)
{
	const uint8_t *end = *size == 0 ? NULL : memchr(*data, '\n', *size);
	size_t length = end == NULL ? *size : (size_t)(end - *data);
	const char *text = arena_text(arena, SLICE(*data, length));

	length += end != NULL;
	*data += length;
	*size -= length;
	return text == NULL || strcmp(text, "=") == 0 ? NULL : text;
}

/* What the calls read of a body, without a shop behind it. */
static void check_body(struct slice text)
{
	static const struct member members[] = {{"text", MEMBER_TEXT, true},
						{"number", MEMBER_NUMBER, false},
						{"list", MEMBER_LIST, false},
						MEMBERS_END};
	struct fault fault = {""};
	uint8_t id[PSEUDONYM_SIZE];
	json_t *body = json_loadb((const char *)text.data, text.length, JSON_REJECT_DUPLICATES, NULL);

	if (body != NULL && members_check(body, members, &fault) == ERR_OK) {
		check(member_text(body, "text") != NULL);
		if (member_id(member_text(body, "text"), "text", id, &fault) == ERR_OK)
			check(strlen(member_text(body, "text")) == 2 * PSEUDONYM_SIZE);
	}
	json_decref(body);
}

static json_t *status(void *context)
{
	(void)context;
	return json_object();
}

static bool is_expected(unsigned code)
{
	static const unsigned codes[] = {200, 400, 401, 403, 404, 405, 413, 415, 421, 500};

	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (codes[i] == code)
			return true;
	return false;
}

static void check_answer(const struct till_request *request, const struct till_response *response)
{
	check(is_expected(response->status));
	check(response->body != NULL);
	if (response->status == 200)
		check(strcmp(request->uri, "/v1/status") == 0 && request->origin == NULL);
	json_t *answer = json_loads(response->body, JSON_REJECT_DUPLICATES, NULL);
	check(json_is_object(answer));
	json_decref(answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct till_server_options options = {
		.status = status, .admin_token = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"};
	const struct till_api api = {.options = &options, .port = 7411};
	struct arena arena CLEANUP(arena_fini) = {0};
	struct till_response response;
	const char *parts[PARTS];

	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < PARTS; i++)
		parts[i] = take(&arena, &data, &size);
	check_body(SLICE(data, size));
	struct till_request request = {.method = parts[0],
				       .uri = parts[1],
				       .host = parts[2],
				       .origin = parts[3],
				       .type = parts[4],
				       .authorization = parts[5],
				       .body = SLICE(data, size)};
	enum till_lane lane = till_api_lane(&request);
	const char *why;
	/* what would reach the desk needs a shop: sessions are tests/unit's */
	if (lane == TILL_LANE_PIN && door_judge(&request, api.port, &why) == 0)
		return 0;
	if (request.authorization != NULL && strncmp(request.authorization, "Bearer ", 7) == 0 &&
	    lane != TILL_LANE_OFFICE)
		request.authorization = NULL;
	till_api_answer(&api, &request, &response);
	check_answer(&request, &response);
	till_response_fini(&response);
	return 0;
}
