/*
 * By what right: the shared beginning of every operation on personal data
 * (FORMAT.md section 9's preamble, R94). A store is decided on by its agreement, first without
 * a customer, then with the one that was found; head office needs no grant.
 *
 *     TRY(authority_standing(context, OPERATION_LOOKUP, &authority));
 *     ... find the customer ...
 *     TRY(authority_over(context, &authority, &customer));
 *
 * Both write the refusal with its clause into the result and return its code, so a handler is a function that returns
 * either kind of code, wrapped in settle().
 */
#ifndef KLUIS_VAULT_AUTHORITY_H
#define KLUIS_VAULT_AUTHORITY_H

#include "vault/vault.h"

struct authority {
	struct decide_input input;
	struct verdict verdict;
	bool is_controller;
};

/* R80 to R82, then ERR_OTHER_AGREEMENT, then the rest that does not depend on a customer. */
enum err authority_standing(struct context *context, enum operation operation,
			    struct authority *ret_authority) MUST_USE;
/* Decides with the customer; authority->verdict is then the whole verdict. Refuses into the result. */
enum err authority_over(struct context *context, struct authority *authority, const struct customer *customer) MUST_USE;
/* The same from facts that no row holds (a receipt's, a registration's). */
enum err authority_over_facts(struct context *context, struct authority *authority,
			      const struct customer_facts *facts) MUST_USE;
/* Facts as authority_over takes them: ownership by the charter in force. */
void authority_facts(const struct context *context, const struct customer *customer, struct customer_facts *ret_facts);
/* As authority_over, but leaves the result alone: for the customers of a sync page. */
void authority_weigh(const struct context *context, struct authority *authority, const struct customer *customer);

/* The grant that decided; NULL for head office. */
const struct grant *authority_grant(const struct context *context, const struct authority *authority);
/* The charter that grant and fields refer to: the agreement's own, for head office the one in force. */
const struct charter *authority_charter(const struct context *context, const struct authority *authority);

/* Permits the operation under the clause that decided. */
enum err authority_permit(struct context *context, const struct authority *authority) MUST_USE;
/* ERR_NOT_GRANTED_FIELD, refused with its clause, unless all fields are in the verdict's. */
enum err authority_over_fields(struct context *context, const struct authority *authority, uint64_t fields) MUST_USE;
/* Counts the customer on the day of the grant that decided, once (R91). */
enum err authority_count(struct context *context, const struct authority *authority,
			 const struct customer *customer) MUST_USE;

/* Ends a handler: a refusal's code becomes the result's unless it stands there already with its clause; a failure of
 * the world goes up. */
enum err settle(struct context *context, enum err err) MUST_USE;

#endif
