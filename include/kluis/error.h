/*
 * What can go wrong, once for the whole project.
 *
 * Three kinds never mix. A programmer's error is an assert. A failing world
 * (disk, peer, memory) is a code that goes up. Bad input is a verdict with a
 * reason, answered and recorded. Codes travel on the wire and stand in log
 * entries (FORMAT.md R9), so a number, once given, never changes its meaning.
 *
 * Threads: everything here may be called from any thread.
 */
#ifndef KLUIS_ERROR_H
#define KLUIS_ERROR_H

#include <stdbool.h>
#include <stddef.h>

/* The one list: name, number on the wire, exit status, short text.
 * Exit statuses are explained at error_exit_status(). */
#define ERR_LIST(X)                                                                                                    \
	X(ERR_OK, 0, 0, "ok")                                                                                          \
	/* the world */                                                                                                \
	X(ERR_MEMORY, 1, 1, "out of memory")                                                                           \
	X(ERR_IO, 2, 1, "input or output failed")                                                                      \
	X(ERR_DISK_FULL, 3, 1, "no space left on the disk")                                                            \
	X(ERR_NETWORK, 4, 1, "the network failed")                                                                     \
	X(ERR_TIMEOUT, 5, 1, "no answer in time")                                                                      \
	X(ERR_BUSY, 6, 1, "busy, try again")                                                                           \
	X(ERR_IN_USE, 7, 1, "in use by another process")                                                               \
	X(ERR_CLOCK, 8, 1, "the clock is set back behind the log")                                                     \
	X(ERR_CRYPTO, 9, 1, "a sealed value does not open")                                                            \
	X(ERR_CORRUPT, 10, 1, "stored data is damaged")                                                                \
	X(ERR_VERSION, 11, 1, "made by another version of kluis")                                                      \
	X(ERR_MODE, 12, 1, "file mode is too open")                                                                    \
	X(ERR_CERTIFICATE, 13, 1, "certificate missing or not the invited one")                                        \
	/* not there, there already */                                                                                 \
	X(ERR_NOT_FOUND, 20, 3, "not found")                                                                           \
	X(ERR_EXISTS, 21, 3, "exists already")                                                                         \
	X(ERR_AMBIGUOUS, 22, 3, "more than one customer matches")                                                      \
	X(ERR_STATE, 23, 3, "not possible in the present state")                                                       \
	X(ERR_ERASED, 24, 3, "customer was erased")                                                                    \
	/* input */                                                                                                    \
	X(ERR_USAGE, 30, 2, "wrong usage")                                                                             \
	X(ERR_INPUT, 31, 4, "malformed input")                                                                         \
	X(ERR_TOO_LARGE, 32, 4, "larger than allowed")                                                                 \
	X(ERR_COMMITMENT, 33, 4, "a value does not match its commitment")                                              \
	X(ERR_FIELD, 34, 4, "unknown field")                                                                           \
	X(ERR_PURPOSE, 35, 4, "unknown purpose")                                                                       \
	X(ERR_VALUE, 36, 4, "a value is not of its field's type")                                                      \
	X(ERR_PAPER, 37, 4, "not a valid paper")                                                                       \
	X(ERR_SIGNATURE, 38, 4, "signature missing or wrong")                                                          \
	/* who and in which order */                                                                                   \
	X(ERR_PRINCIPAL, 50, 3, "unknown principal or wrong key")                                                      \
	X(ERR_FORBIDDEN, 51, 3, "not an operation of this principal")                                                  \
	X(ERR_SEQUENCE, 52, 3, "sequence number out of order")                                                         \
	X(ERR_REUSED, 53, 3, "sequence number used for another request")                                               \
	X(ERR_ACKNOWLEDGEMENT, 54, 3, "acknowledges another entry than was sent")                                      \
	X(ERR_CODE, 55, 3, "invitation code wrong, used or expired")                                                   \
	X(ERR_STORE, 56, 3, "unknown store")                                                                           \
	/* decisions: each is one way to be refused (FORMAT.md section 8) */                                           \
	X(ERR_NO_AGREEMENT, 70, 3, "no agreement in force")                                                            \
	X(ERR_OTHER_AGREEMENT, 71, 3, "request names another agreement than the one in force")                         \
	X(ERR_NOT_YET, 72, 3, "agreement has not begun")                                                               \
	X(ERR_EXPIRED, 73, 3, "agreement has expired")                                                                 \
	X(ERR_SUSPENDED, 74, 3, "store is suspended")                                                                  \
	X(ERR_TERMINATED, 75, 3, "agreement is terminated")                                                            \
	X(ERR_NO_GRANT_PURPOSE, 76, 3, "no grant for this purpose")                                                    \
	X(ERR_NO_GRANT_OPERATION, 77, 3, "no grant for this operation")                                                \
	X(ERR_NO_EMPLOYEE, 78, 3, "no employee named, or not on the roster")                                           \
	X(ERR_ROLE, 79, 3, "employee's role is not in the grant")                                                      \
	X(ERR_TERRITORY, 80, 3, "store is outside the grant's territory")                                              \
	X(ERR_HOURS, 81, 3, "outside the grant's hours")                                                               \
	X(ERR_SCOPE, 82, 3, "customer is outside the grant's scope")                                                   \
	X(ERR_RESTRICTED, 83, 3, "processing of this customer is restricted")                                          \
	X(ERR_CONSENT, 84, 3, "customer has not consented to this purpose")                                            \
	X(ERR_PER_DAY, 85, 3, "grant's customers for this day are used up")                                            \
	X(ERR_NOT_GRANTED_FIELD, 86, 3, "field is not in the grant")                                                   \
	/* evidence */                                                                                                 \
	X(ERR_PROOF, 100, 5, "proof does not verify")                                                                  \
	X(ERR_INCONSISTENT, 101, 5, "log shows two histories")                                                         \
	X(ERR_MISMATCH, 102, 5, "answer and log entry do not match")                                                   \
	X(ERR_FINDING, 103, 5, "verification found a difference")

enum err {
#define ERR_ENUM(name, number, status, text) name = number,
	ERR_LIST(ERR_ENUM)
#undef ERR_ENUM
};

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

/* Hands a failure up; the only macro with hidden control flow. */
#define TRY(call)                                                                                                      \
	do {                                                                                                           \
		enum err try_err_ = (call);                                                                            \
		if (try_err_ != ERR_OK)                                                                                \
			return try_err_;                                                                               \
	} while (0)

/* Runs free_function(&variable) when the variable goes out of scope. Hand
 * ownership over by setting the variable to NULL. */
#define CLEANUP(free_function) __attribute__((cleanup(free_function)))

/* The short text for people, never NULL; an unknown number gives
 * "unknown error". Static storage. */
const char *error_text(enum err code);

/* The code's name as in the list without "ERR_", lower case ("not_found"):
 * what --json prints. Static storage. */
const char *error_name(enum err code);

/* True if number is in the list; says whether a number from outside may
 * become an enum err. */
bool error_is_known(unsigned number);

/* Exit status for a program that stops because of code: 0 success, 1 the
 * world failed, 2 usage, 3 refused, 4 bad input, 5 verification failed. */
int error_exit_status(enum err code);

/*
 * Where and why input was bad, in words for a person: "charter.ini:12:
 * unknown key 'colour' in [field email]; see kluis-charter(5)". Filled by
 * parsers beside their code. Never holds a personal value, a key or a PIN.
 */
struct fault {
	char text[512];
};

/* Writes the message, cut to fit; fault may be NULL. Returns code, so that a
 * parser ends with `return fault_set(fault, ERR_INPUT, "...")`. A fault that
 * already has a text keeps it (the innermost cause speaks). */
enum err fault_set(struct fault *fault, enum err code, const char *format, ...) PRINTF_LIKE(3, 4);

/* Puts "prefix: " before the text, for callers that know the file's name. */
void fault_prefix(struct fault *fault, const char *prefix);

#endif
