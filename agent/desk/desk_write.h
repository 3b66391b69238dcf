/*
 * What all writes have in common: who asks, decided here by the same code as at the broker, put into the outbox.
 * Under the shop's lock for reading, from desk_write_begin to desk_write_end.
 */
#ifndef KLUIS_AGENT_DESK_WRITE_H
#define KLUIS_AGENT_DESK_WRITE_H

#include "desk/desk_internal.h"

struct desk_writing {
	struct desk_request request;
	struct shop *held;
	struct arena arena; /* the operation and its part */
	Kluis__Operation operation;
	Kluis__Part *part;
	uint32_t basis; /* the customer's version in the copy, or that the broker has shown; 0: not known */
};

/* Enters the shop and begins (desk_begin). For operations without a grant: only who asks. */
enum err desk_write_begin(struct desk_writing *ret_writing, struct desk *desk, struct slice token,
			  enum operation operation, const char *purpose, struct fault *fault) MUST_USE;
enum err desk_write_begin_ungranted(struct desk_writing *ret_writing, struct desk *desk, struct slice token,
				    struct fault *fault) MUST_USE;
/* Leaves the shop, wipes. With CLEANUP; of a zeroed one too. */
void desk_write_end(struct desk_writing *writing);

/* Where the customer is in the copy and that may be read: decides on the facts. Where not, the broker
 * will. Sets basis. */
enum err desk_write_about(struct desk_writing *writing, const uint8_t customer[static PSEUDONYM_SIZE]) MUST_USE;
/* The customer of a value, from the copy. ERR_NOT_FOUND also where that may not be read. ERR_AMBIGUOUS. */
enum err desk_write_find(struct desk_writing *writing, const struct charter_field *field, struct slice normal,
			 uint8_t ret_customer[static PSEUDONYM_SIZE]) MUST_USE;
/* Inputs as Values, each of its type (R113) and in the grant. ERR_FIELD, ERR_INPUT (twice), ERR_VALUE,
 * ERR_NOT_GRANTED_FIELD. ret_filled: how many are not empty. */
enum err desk_write_values(struct desk_writing *writing, const struct desk_input *inputs, size_t count,
			   Kluis__Values *ret_values, size_t *ret_filled) MUST_USE;
/* ERR_PURPOSE, ERR_VALUE. */
enum err desk_write_consent(struct desk_writing *writing, const struct desk_consent *consent,
			    Kluis__ConsentState *ret_state) MUST_USE;
/* What does not change until the operation is in the outbox, in the arena. */
enum err desk_write_copy(struct desk_writing *writing, struct slice bytes, ProtobufCBinaryData *ret_data) MUST_USE;
/* Checks the operation as the broker will (operation_check) and puts it into the outbox. */
enum err desk_write_add(struct desk_writing *writing, uint64_t *ret_number) MUST_USE;

#endif
