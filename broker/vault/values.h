/*
 * Values that arrive in a request's part: decoded, of known fields and of
 * their types (FORMAT.md R41, R113). Codes of refusal are returned, never written.
 */
#ifndef KLUIS_VAULT_VALUES_H
#define KLUIS_VAULT_VALUES_H

#include "vault/vault.h"

/* The operation's part as Values, by ascending field number: ERR_INPUT otherwise. ret_fields: their bits. ERR_FIELD for
 * a field that the charter in force does not have. */
enum err values_read(struct context *context, const Kluis__Values **ret_values, uint64_t *ret_fields) MUST_USE;
/* Each is of its field's type, or empty. ERR_VALUE. */
enum err values_check(const struct context *context, const Kluis__Values *values) MUST_USE;
/* The value of a field; NULL if it is not given or empty. */
const char *values_find(const Kluis__Values *values, uint32_t field);

/* Finds the one customer that a value names: ERR_FIELD if the field is not one to find by, ERR_VALUE, ERR_NOT_FOUND,
 * ERR_AMBIGUOUS. */
enum err value_find_customer(struct context *context, const Kluis__Value *value,
			     struct customer *ret_customer) MUST_USE;

/* ERR_EXISTS if a customer other than this one (NULL: any) has the identifier that stands in values; then
 * *ret_holder is who. */
enum err values_check_identifier(struct context *context, const Kluis__Values *values, const struct customer *customer,
				 struct slice *ret_holder) MUST_USE;

#endif
