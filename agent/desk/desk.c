/* Sessions of employees. */
#include "desk/desk.h"

#include <stdlib.h>
#include <string.h>

#include "desk/desk_internal.h"
#include "kluis/hash.h"
#include "staff.h"

enum err desk_new(struct shop *shop, struct desk_line line, struct desk **ret_desk)
{
	struct desk *desk = calloc(1, sizeof *desk);

	if (desk == NULL)
		return ERR_MEMORY;
	desk->shop = shop;
	desk->line = line;
	pthread_mutex_init(&desk->session_lock, NULL);
	desk->idle_ms = DESK_IDLE_MS;
	pthread_mutex_init(&desk->pin_lock, NULL);
	pthread_mutex_init(&desk->count_lock, NULL);
	pthread_mutex_init(&desk->receipt_lock, NULL);
	pthread_mutex_init(&desk->seen_lock, NULL);
	enum err err = desk_taken_load(desk);
	if (err != ERR_OK) {
		desk_free(&desk);
		return err;
	}
	*ret_desk = desk;
	return ERR_OK;
}

void desk_free(struct desk **desk)
{
	if (*desk == NULL)
		return;
	pthread_mutex_destroy(&(*desk)->session_lock);
	pthread_mutex_destroy(&(*desk)->pin_lock);
	pthread_mutex_destroy(&(*desk)->count_lock);
	pthread_mutex_destroy(&(*desk)->receipt_lock);
	pthread_mutex_destroy(&(*desk)->seen_lock);
	wipe(*desk, sizeof **desk);
	free(*desk);
	*desk = NULL;
}

void desk_set_idle(struct desk *desk, uint64_t idle_ms)
{
	desk->idle_ms = idle_ms;
}

static uint64_t steady_ms(const struct desk *desk)
{
	return desk->shop->clock(desk->shop->clock_context).steady_ms;
}

static void end(struct desk_session *session)
{
	wipe(session, sizeof *session);
}

/* ---- finding one; under session_lock ---- */

/* Looks at every place, whether it was found or not: how long it takes tells nothing of the token. */
static struct desk_session *find(struct desk *desk, struct slice token)
{
	struct desk_session *found = NULL;

	for (size_t i = 0; i < DESK_SESSIONS_MAX; i++) {
		struct desk_session *session = &desk->sessions[i];
		bool is_equal = secret_equal(token, SLICE_ARRAY(session->token));
		found = session->is_open && is_equal ? session : found;
	}
	return found;
}

/* A place for one more: a free one, else that of the session that nobody has used for longest. */
static struct desk_session *place_of_next(struct desk *desk)
{
	struct desk_session *oldest = &desk->sessions[0];

	for (size_t i = 0; i < DESK_SESSIONS_MAX; i++) {
		struct desk_session *session = &desk->sessions[i];
		if (!session->is_open)
			return session;
		if (session->used_ms < oldest->used_ms)
			oldest = session;
	}
	return oldest;
}

static bool take(struct desk *desk, struct slice token, struct desk_session *ret_actor)
{
	pthread_mutex_t *held CLEANUP(desk_unlock) __attribute__((unused)) = desk_lock(&desk->session_lock);
	struct desk_session *session = find(desk, token);
	uint64_t now_ms = steady_ms(desk);

	if (session == NULL)
		return false;
	if (now_ms >= session->used_ms && now_ms - session->used_ms > desk->idle_ms) {
		end(session);
		return false;
	}
	session->used_ms = now_ms;
	*ret_actor = *session;
	wipe(ret_actor->token, sizeof ret_actor->token);
	return true;
}

/* ---- who is on the roster ---- */

static bool is_same_person(const struct desk_session *session, const struct replica_employee *employee)
{
	return strcmp(session->role, employee->role) == 0 && employee->role[0] != '\0' &&
	       memcmp(session->employee, employee->pseudonym, PSEUDONYM_SIZE) == 0;
}

static enum err check_roster(const struct desk *desk, const struct desk_session *session)
{
	struct replica_employee employee;

	TRY(replica_get_employee(&desk->shop->replica, session->handle, &employee));
	return is_same_person(session, &employee) ? ERR_OK : ERR_NOT_FOUND;
}

enum err desk_who(struct desk *desk, struct slice token, struct desk_session *ret_actor, struct fault *fault)
{
	struct desk_session actor;

	if (!take(desk, token, &actor))
		return fault_set(fault, ERR_PRINCIPAL,
				 "not signed in, or signed out after %u minutes without a request",
				 (unsigned)(desk->idle_ms / 60000));
	enum err err = check_roster(desk, &actor);
	if (err == ERR_NOT_FOUND) {
		enum err ignored = desk_close(desk, token); /* somebody else may have ended it */
		(void)ignored;
		return fault_set(fault, ERR_PRINCIPAL, "signed out: the roster was changed");
	}
	if (err != ERR_OK)
		return fault_set(fault, err, "the roster cannot be read: %s", error_text(err));
	*ret_actor = actor;
	return ERR_OK;
}

enum err desk_is_open(struct desk *desk, struct slice token, struct fault *fault)
{
	struct desk_session actor;

	TRY(desk_who(desk, token, &actor, fault));
	wipe(&actor, sizeof actor);
	return ERR_OK;
}

/* ---- opening and closing ---- */

static enum err check_pin(struct desk *desk, const char *handle, struct slice pin,
			  struct replica_employee *ret_employee, struct fault *fault)
{
	pthread_mutex_t *held CLEANUP(desk_unlock) __attribute__((unused)) = desk_lock(&desk->pin_lock);
	uint64_t wait_ms = 0;
	enum err err =
		staff_check_pin(&desk->shop->replica, handle, pin, shop_now_ms(desk->shop), ret_employee, &wait_ms);

	if (err == ERR_FORBIDDEN)
		return fault_set(fault, err, "name or PIN is wrong, or no PIN was set yet");
	if (err == ERR_BUSY)
		return fault_set(fault, err, "too many wrong PINs: wait %llu s",
				 (unsigned long long)(wait_ms + 999) / 1000);
	if (err == ERR_STATE)
		return fault_set(fault, err, "locked after too many wrong PINs: have a new one set");
	desk_tell_altered(desk->shop, "an employee on the roster", err);
	return err == ERR_OK ? err : fault_set(fault, err, "the PIN cannot be checked: %s", error_text(err));
}

static void begin_session(struct desk *desk, const struct replica_employee *employee,
			  uint8_t ret_token[static DESK_TOKEN_SIZE])
{
	pthread_mutex_t *held CLEANUP(desk_unlock) __attribute__((unused)) = desk_lock(&desk->session_lock);
	struct desk_session *session = place_of_next(desk);

	end(session);
	random_bytes(session->token, sizeof session->token);
	memcpy(session->handle, employee->handle, sizeof session->handle);
	memcpy(session->role, employee->role, sizeof session->role);
	memcpy(session->employee, employee->pseudonym, PSEUDONYM_SIZE);
	session->used_ms = steady_ms(desk);
	session->is_open = true;
	memcpy(ret_token, session->token, DESK_TOKEN_SIZE);
}

enum err desk_open(struct desk *desk, const char *handle, struct slice pin, uint8_t ret_token[static DESK_TOKEN_SIZE],
		   char ret_role[static NAME_MAX_ + 1], struct fault *fault)
{
	struct replica_employee employee;

	TRY(check_pin(desk, handle, pin, &employee, fault));
	begin_session(desk, &employee, ret_token);
	memcpy(ret_role, employee.role, sizeof employee.role);
	return ERR_OK;
}

enum err desk_close(struct desk *desk, struct slice token)
{
	pthread_mutex_t *held CLEANUP(desk_unlock) __attribute__((unused)) = desk_lock(&desk->session_lock);
	struct desk_session *session = find(desk, token);

	if (session == NULL)
		return ERR_PRINCIPAL;
	end(session);
	return ERR_OK;
}

void desk_roster_changed(struct desk *desk)
{
	pthread_mutex_t *held CLEANUP(desk_unlock) __attribute__((unused)) = desk_lock(&desk->session_lock);

	for (size_t i = 0; i < DESK_SESSIONS_MAX; i++) {
		struct desk_session *session = &desk->sessions[i];
		if (session->is_open && check_roster(desk, session) != ERR_OK)
			end(session);
	}
}
