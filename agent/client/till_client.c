#include "kluis/till.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/http_client.h"

#define PATH_SIZE 96
#define ID_LENGTH 32

struct kluis_till {
	struct http_client *client;
	bool is_signed_in;
	char error[sizeof((struct fault *)0)->text];
	json_t *answer; /* that the member below points into */
	struct kluis_till_value *values;
	struct kluis_till_member member;
};

static void forget(struct kluis_till *till)
{
	json_decref(till->answer);
	free(till->values);
	till->answer = NULL;
	till->values = NULL;
	till->error[0] = '\0';
}

static int failed(struct kluis_till *till, int code, const char *text)
{
	snprintf(till->error, sizeof till->error, "%s", text);
	return code;
}

static int code_of_status(unsigned status)
{
	static const struct {
		unsigned status;
		int code;
	} table[] = {{401, KLUIS_TILL_SIGNED_OUT}, {403, KLUIS_TILL_REFUSED}, {404, KLUIS_TILL_NOT_FOUND},
		     {409, KLUIS_TILL_NOT_FOUND},  {429, KLUIS_TILL_WAIT},    {400, KLUIS_TILL_INPUT},
		     {413, KLUIS_TILL_INPUT}};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (table[i].status == status)
			return table[i].code;
	return KLUIS_TILL_AWAY;
}

/* Takes body over. On success till->answer is the answer, or NULL without one. */
static int call(struct kluis_till *till, const char *method, const char *path, json_t *body)
{
	struct fault fault = {""};
	unsigned status = 0;

	forget(till);
	if (body == NULL && strcmp(method, "POST") == 0)
		return failed(till, KLUIS_TILL_INPUT, "out of memory, or a text that is not UTF-8");
	enum err err = http_client_call(till->client, method, path, body, &status, &till->answer, &fault);
	json_decref(body);
	if (err != ERR_OK)
		return failed(till, KLUIS_TILL_AWAY, fault.text[0] != '\0' ? fault.text : error_text(err));
	if (status < 300)
		return KLUIS_TILL_OK;
	const char *text = json_string_value(json_object_get(till->answer, "text"));
	return failed(till, code_of_status(status), text == NULL ? "refused without a reason" : text);
}

/* ---- opening, signing in ---- */

struct kluis_till *kluis_till_open(const char *address, unsigned port)
{
	struct kluis_till *till = calloc(1, sizeof *till);

	if (till == NULL)
		return NULL;
	till->client = http_client_new(address, port);
	if (till->client == NULL) {
		free(till);
		return NULL;
	}
	return till;
}

void kluis_till_close(struct kluis_till **till)
{
	if (*till == NULL)
		return;
	if ((*till)->is_signed_in)
		(void)kluis_till_sign_out(*till);
	forget(*till);
	http_client_free(&(*till)->client);
	free(*till);
	*till = NULL;
}

const char *kluis_till_error(const struct kluis_till *till)
{
	return till->error;
}

int kluis_till_sign_in(struct kluis_till *till, const char *name, const char *pin)
{
	int code = call(till, "POST", "/v1/sessions", json_pack("{s:s, s:s}", "name", name, "pin", pin));
	const char *token = json_string_value(json_object_get(till->answer, "token"));

	if (code != KLUIS_TILL_OK)
		return code;
	if (token == NULL || http_client_authorize(till->client, token) != ERR_OK)
		return failed(till, KLUIS_TILL_AWAY, "what answers there is not a kluis-agent");
	till->is_signed_in = true;
	forget(till); /* the token is in one place only */
	return code;
}

int kluis_till_sign_out(struct kluis_till *till)
{
	int code = call(till, "DELETE", "/v1/sessions/current", NULL);
	enum err err = http_client_authorize(till->client, NULL);

	till->is_signed_in = false;
	return err == ERR_OK ? code : KLUIS_TILL_AWAY;
}

/* ---- members ---- */

static int take_member(struct kluis_till *till)
{
	const json_t *values = json_object_get(till->answer, "values");
	size_t count = json_array_size(values);

	till->member = (struct kluis_till_member){.id = json_string_value(json_object_get(till->answer, "id"))};
	till->values = calloc(count + 1, sizeof *till->values);
	if (till->values == NULL)
		return failed(till, KLUIS_TILL_AWAY, "out of memory");
	for (size_t i = 0; i < count; i++) {
		const json_t *item = json_array_get(values, i);
		till->values[i].field = json_string_value(json_object_get(item, "field"));
		till->values[i].value = json_string_value(json_object_get(item, "value"));
		if (till->values[i].field == NULL || till->values[i].value == NULL)
			till->member.id = NULL;
	}
	till->member.values = till->values;
	till->member.count = count;
	if (till->member.id == NULL)
		return failed(till, KLUIS_TILL_AWAY, "what answers there is not a kluis-agent");
	return KLUIS_TILL_OK;
}

int kluis_till_lookup(struct kluis_till *till, const char *purpose, const char *field, const char *value,
		      const struct kluis_till_member **ret_member)
{
	int code = call(till, "POST", "/v1/members/lookup",
			json_pack("{s:s, s:s, s:s}", "purpose", purpose, "field", field, "value", value));

	if (code == KLUIS_TILL_OK)
		code = take_member(till);
	if (code == KLUIS_TILL_OK)
		*ret_member = &till->member;
	return code;
}

static json_t *json_of_values(const struct kluis_till_value *values, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; list != NULL && i < count; i++) {
		json_t *item = json_pack("{s:s, s:s}", "field", values[i].field, "value", values[i].value);
		if (json_array_append_new(list, item) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* "/v1/members/<id>/<what>"; false if member is not an id. */
static bool member_path(const char *member, const char *what, char ret_path[static PATH_SIZE])
{
	if (strlen(member) != ID_LENGTH || strspn(member, "0123456789abcdef") != ID_LENGTH)
		return false;
	snprintf(ret_path, PATH_SIZE, "/v1/members/%s/%s", member, what);
	return true;
}

int kluis_till_register(struct kluis_till *till, const char *purpose, const struct kluis_till_value *values,
			size_t count, char *ret_member)
{
	int code = call(till, "POST", "/v1/members",
			json_pack("{s:s, s:o}", "purpose", purpose, "values", json_of_values(values, count)));
	const char *id = json_string_value(json_object_get(till->answer, "id"));

	if (code != KLUIS_TILL_OK)
		return code;
	if (id == NULL || strlen(id) != ID_LENGTH)
		return failed(till, KLUIS_TILL_AWAY, "what answers there is not a kluis-agent");
	memcpy(ret_member, id, ID_LENGTH + 1);
	return code;
}

int kluis_till_update(struct kluis_till *till, const char *purpose, const char *member,
		      const struct kluis_till_value *values, size_t count)
{
	char path[PATH_SIZE];

	if (!member_path(member, "changes", path))
		return failed(till, KLUIS_TILL_INPUT, "the member is not 32 hexadecimal digits");
	return call(till, "POST", path,
		    json_pack("{s:s, s:o}", "purpose", purpose, "values", json_of_values(values, count)));
}

int kluis_till_consent(struct kluis_till *till, const char *purpose, const char *to, const char *member,
		       const char *status)
{
	char path[PATH_SIZE];

	if (!member_path(member, "consents", path))
		return failed(till, KLUIS_TILL_INPUT, "the member is not 32 hexadecimal digits");
	return call(till, "POST", path, json_pack("{s:s, s:s, s:s}", "purpose", purpose, "to", to, "status", status));
}

/* ---- receipts ---- */

static json_t *json_of_lines(const struct kluis_till_line *lines, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; list != NULL && i < count; i++) {
		json_t *item = json_pack("{s:s, s:s, s:s}", "product", lines[i].product, "units", lines[i].units,
					 "amount", lines[i].amount);
		if (json_array_append_new(list, item) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

int kluis_till_receipt(struct kluis_till *till, const char *purpose, const char *receipt_id, const char *member,
		       const char *field, const char *value, const char *day, const struct kluis_till_line *lines,
		       size_t count, uint64_t *ret_number)
{
	/* "s*": a NULL is left out */
	json_t *body = json_pack("{s:s, s:s*, s:s*, s:s*, s:s*, s:s, s:o}", "purpose", purpose, "id", receipt_id,
				 "member", member, "field", member == NULL ? field : NULL, "value",
				 member == NULL ? value : NULL, "day", day, "lines", json_of_lines(lines, count));
	int code = call(till, "POST", "/v1/receipts", body);

	if (code == KLUIS_TILL_OK && ret_number != NULL)
		*ret_number = (uint64_t)json_integer_value(json_object_get(till->answer, "outbox"));
	return code;
}
