/*
 * One customer's row: what is known of a person but the values. Everything a
 * decision asks for stands in it, so a lookup reads it once.
 *
 * Threads: as the context.
 */
#ifndef KLUIS_VAULT_CUSTOMER_H
#define KLUIS_VAULT_CUSTOMER_H

#include "vault/vault.h"

#define CONSENT_GIVEN 4 /* R115: given and renewed are valid */
#define CONSENT_RENEWED 5
/* Stores that a customer ever bought in, purposes that one ever said something to: a row fits RECORD_MAX with both. */
#define VISITS_MAX 4096
#define CONSENTS_MAX (4 * PURPOSES_MAX)
bool consent_is_valid(uint32_t status);

/* A customer that is not stored yet, with a fresh key and no record. pseudonym has 16 bytes. */
enum err customer_new(struct context *context, struct slice pseudonym, struct customer *ret_customer) MUST_USE;
/* Why there is no row for a pseudonym: ERR_ERASED, or ERR_NOT_FOUND for one that nobody ever had. */
enum err customer_absence(struct context *context, struct slice pseudonym) MUST_USE;
/* Puts the row. */
enum err customer_put(struct context *context, const struct customer *customer) MUST_USE;
struct slice customer_pseudonym(const struct customer *customer);
/* Sets the result's customer. */
enum err result_set_customer(struct context *context, struct slice pseudonym) MUST_USE;

/* Every store that may hold the customer learns of the change: where it was registered, where it ever bought, and
 * those that may see all. An owner is always one of these (R71, R72). */
void customer_touch(struct context *context, const struct customer *customer);

void customer_history(const struct customer *customer, struct history *ret_history);
/* UTC day of the context's time: what R72 counts its window from. */
int32_t context_day(const struct context *context);

/* Changes to the row in memory; *ret_changed is true when the row is another now. ERR_TOO_LARGE past VISITS_MAX,
 * CONSENTS_MAX. */
enum err customer_set_consent(struct context *context, const struct customer *customer, const char *purpose,
			      uint32_t status, bool *ret_changed) MUST_USE;
/* Only if no registration is known (R113). */
enum err customer_set_registered(struct context *context, const struct customer *customer, uint32_t store, int32_t day,
				 bool *ret_changed) MUST_USE;
/* Takes a receipt: first, latest, visit (R112). */
enum err customer_add_receipt(struct context *context, const struct customer *customer, uint32_t store, int32_t day,
			      bool *ret_changed) MUST_USE;
/* The day of the latest receipt at the store; false if there is none. */
bool customer_visit(const struct customer *customer, uint32_t store, int32_t *ret_day);

#endif
