#include "forward.h"

#include <stdio.h>
#include <string.h>

#include "client/http_client.h"
#include "home.h"
#include "kluis/file.h"
#include "kluis/hash.h"
#include "kluis/ini.h"

#define TOKEN_SIZE 64
#define PORT_MAX 64
#define PATH_MAX_ 128

/* ---- where it is ---- */

static enum err read_text(const char *folder, const char *name, char *ret_text, size_t size, struct fault *fault)
{
	char path[HOME_PATH_MAX];
	struct bytes text CLEANUP(bytes_fini) = {0};

	bytes_init_secret(&text, size - 1);
	TRY(home_path(folder, name, path, fault));
	TRY(file_read_private(path, &text, fault));
	memcpy(ret_text, text.data, text.length);
	ret_text[text.length] = '\0';
	return ERR_OK;
}

static enum err connect_to(const char *folder, struct http_client **ret_client, struct fault *fault)
{
	char place[PORT_MAX] = "";
	uint64_t port = 0;

	TRY(read_text(folder, "till.port", place, sizeof place, fault));
	place[strcspn(place, "\n")] = '\0';
	char *space = strchr(place, ' ');
	if (space == NULL || ini_u64(space + 1, 1, 65535, &port, NULL) != ERR_OK)
		return fault_set(fault, ERR_CORRUPT, "'%s/till.port' is damaged", folder);
	*space = '\0';
	*ret_client = http_client_new(place, (unsigned)port);
	return *ret_client == NULL ? ERR_MEMORY : ERR_OK;
}

/* The lock tells: files are left behind by a daemon that was killed. */
bool forward_is_running(const char *folder)
{
	char path[HOME_PATH_MAX];
	int lock = -1;

	if (home_path(folder, "till.port", path, NULL) != ERR_OK || file_check_private(path, false, NULL) != ERR_OK ||
	    home_path(folder, "lock", path, NULL) != ERR_OK)
		return false;
	enum err err = file_lock(path, &lock, NULL);
	if (err == ERR_OK)
		file_unlock(&lock);
	if (err != ERR_IN_USE)
		return false;
	json_t *status = NULL; /* another command may have it */
	bool is_running = forward_status(folder, &status, NULL) == ERR_OK;
	json_decref(status);
	return is_running;
}

/* ---- asking ---- */

static enum err code_named(const char *name)
{
	for (int code = 1; name != NULL && code <= ERR_FINDING; code++)
		if (error_is_known((uint32_t)code) && strcmp(error_name((enum err)code), name) == 0)
			return (enum err)code;
	return ERR_STATE;
}

static enum err take(unsigned status, json_t *answer, json_t **ret_answer, struct fault *fault)
{
	if (status < 300) {
		if (ret_answer != NULL)
			*ret_answer = json_incref(answer);
		return ERR_OK;
	}
	const char *text = json_string_value(json_object_get(answer, "text"));
	return fault_set(fault, code_named(json_string_value(json_object_get(answer, "error"))), "%s",
			 text == NULL ? "the running agent refused" : text);
}

static enum err ask(struct http_client *client, const char *method, const char *path, json_t *body, json_t **ret_answer,
		    struct fault *fault)
{
	json_t *answer = NULL;
	unsigned status = 0;
	enum err err = http_client_call(client, method, path, body, &status, &answer, fault);

	if (err == ERR_OK)
		err = take(status, answer, ret_answer, fault);
	json_decref(answer);
	return err;
}

enum err forward_status(const char *folder, json_t **ret_status, struct fault *fault)
{
	struct http_client *client CLEANUP(http_client_free) = NULL;

	TRY(connect_to(folder, &client, fault));
	return ask(client, "GET", "/v1/status", NULL, ret_status, fault);
}

static enum err ask_office(const char *folder, const char *name, json_t *body, json_t **ret_answer, struct fault *fault)
{
	struct http_client *client CLEANUP(http_client_free) = NULL;
	char token[TOKEN_SIZE + 1] = "", path[PATH_MAX_];

	TRY(connect_to(folder, &client, fault));
	TRY(read_text(folder, "admin.token", token, sizeof token, fault));
	enum err err = http_client_authorize(client, token);
	wipe(token, sizeof token);
	TRY(err);
	snprintf(path, sizeof path, "/v1/admin/%s", name);
	return ask(client, "POST", path, body, ret_answer, fault);
}

enum err forward_call(const char *folder, const char *name, json_t *body, json_t **ret_answer, struct fault *fault)
{
	json_t *object = body == NULL ? json_object() : body;
	enum err err = object == NULL ? ERR_MEMORY : ask_office(folder, name, object, ret_answer, fault);

	json_decref(object);
	return err;
}

/* ---- as an employee ---- */

static enum err sign_in(struct http_client *client, struct forward_employee employee, struct fault *fault)
{
	json_t *session = NULL, *body = json_pack("{s:s, s:s}", "name", employee.handle, "pin", employee.pin);

	if (body == NULL)
		return fault_set(fault, ERR_INPUT, "handle and PIN have to be UTF-8");
	enum err err = ask(client, "POST", "/v1/sessions", body, &session, fault);
	json_decref(body);
	TRY(err);
	const char *token = json_string_value(json_object_get(session, "token"));
	err = token == NULL ? fault_set(fault, ERR_INPUT, "what answers there is not a kluis-agent")
			    : http_client_authorize(client, token);
	json_decref(session);
	return err;
}

static enum err ask_as(const char *folder, struct forward_employee employee, const char *path, json_t *body,
		       json_t **ret_answer, struct fault *fault)
{
	struct http_client *client CLEANUP(http_client_free) = NULL;

	TRY(connect_to(folder, &client, fault));
	TRY(sign_in(client, employee, fault));
	enum err err = ask(client, "POST", path, body, ret_answer, fault);
	/* a session that stays open ends by itself */
	enum err ended = ask(client, "DELETE", "/v1/sessions/current", NULL, NULL, NULL);
	(void)ended;
	return err;
}

enum err forward_as(const char *folder, struct forward_employee employee, const char *path, json_t *body,
		    json_t **ret_answer, struct fault *fault)
{
	enum err err = body == NULL ? ERR_MEMORY : ask_as(folder, employee, path, body, ret_answer, fault);

	json_decref(body);
	return err;
}
