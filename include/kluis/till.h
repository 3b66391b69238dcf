/*
 * For tills written in C: the store's agent, asked over its local HTTP API. Link with -lkluis-till; see
 * agent/examples/till.c and kluis-till(3). Everything here needs no other header of kluis.
 *
 *     struct kluis_till *till = kluis_till_open("127.0.0.1", 7411);
 *     if (kluis_till_sign_in(till, "anna", pin) == 0) { ... kluis_till_lookup ... }
 *     kluis_till_close(&till);
 *
 * Threads: a till belongs to one thread at a time.
 */
#ifndef KLUIS_TILL_H
#define KLUIS_TILL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct kluis_till;

/* Connects when the first call is made. NULL only when memory is short. address: loopback, numeric. */
struct kluis_till *kluis_till_open(const char *address, unsigned port);
/* Signs out if signed in, wipes and frees. */
void kluis_till_close(struct kluis_till **till);

/* All calls return 0, or a code of the agent's (error_name in kluis_till_error's text says which): 1 the agent cannot
 * be reached, 2 refused, 3 not found, 4 bad input, 5 not signed in, 6 locked or wait. */
enum {
	KLUIS_TILL_OK,
	KLUIS_TILL_AWAY,
	KLUIS_TILL_REFUSED,
	KLUIS_TILL_NOT_FOUND,
	KLUIS_TILL_INPUT,
	KLUIS_TILL_SIGNED_OUT,
	KLUIS_TILL_WAIT
};
/* Why the last call failed, for a person; valid until the next call. Never NULL. */
const char *kluis_till_error(const struct kluis_till *till);

int kluis_till_sign_in(struct kluis_till *till, const char *name, const char *pin);
int kluis_till_sign_out(struct kluis_till *till);

struct kluis_till_value {
	const char *field;
	const char *value;
};
struct kluis_till_member {
	const char *id; /* 32 hex digits: for receipts and changes */
	size_t count;
	const struct kluis_till_value *values;
};
/* Who is this? Valid until the next call. */
int kluis_till_lookup(struct kluis_till *till, const char *purpose, const char *field, const char *value,
		      const struct kluis_till_member **ret_member);

struct kluis_till_line {
	const char *product;
	const char *units;  /* decimal text, "1.5" */
	const char *amount; /* "2.99" */
};
/* Rings up a receipt for a member by id, or by a field's value if member is NULL. day: "YYYY-MM-DD". receipt_id: 32 hex
 * digits of the till's own, so that a call may be repeated, or NULL. ret_number: in the agent's outbox; may be NULL. */
int kluis_till_receipt(struct kluis_till *till, const char *purpose, const char *receipt_id, const char *member,
		       const char *field, const char *value, const char *day, const struct kluis_till_line *lines,
		       size_t count, uint64_t *ret_number);
/* A new member; ret_member gets 33 bytes. */
int kluis_till_register(struct kluis_till *till, const char *purpose, const struct kluis_till_value *values,
			size_t count, char *ret_member);
int kluis_till_update(struct kluis_till *till, const char *purpose, const char *member,
		      const struct kluis_till_value *values, size_t count);
/* Consent to the purpose "to"; purpose is what recording it is done for. status: "given" or "withdrawn". */
int kluis_till_consent(struct kluis_till *till, const char *purpose, const char *to, const char *member,
		       const char *status);

#ifdef __cplusplus
}
#endif

#endif
