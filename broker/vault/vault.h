/*
 * Customers' records and keys (DESIGN 7). Each customer has a random key of
 * its own, wrapped by the master key of an epoch; records and receipts are
 * sealed under it. Customers are found by a keyed hash of a normalised value, so no plaintext index exists.
 *
 * Threads: a vault is read-only after vault_open.
 */
#ifndef KLUIS_VAULT_H
#define KLUIS_VAULT_H

#include "core/handler.h"
#include "kluis/ownership.h"

struct vault;
struct core_keys;

/* The lookup key is read from the meta table ("vault/lookup", sealed under an epoch's master key, master.h) or, in a
 * new store, made: *ret_row then is what core puts there. ERR_CRYPTO when a master key is not this store's,
 * ERR_NOT_FOUND when one is missing. */
enum err vault_open(struct store_txn *txn, const struct core_keys *keys, struct vault **ret_vault,
		    struct bytes *ret_row, struct fault *fault) MUST_USE;
void vault_free(struct vault **vault);
#define VAULT_META_LOOKUP "vault/lookup"

/* The key of a store's handles (FORMAT.md R130), always the same for a principal's name: what a Lease answers with. It
 * tells nothing of the lookup key that it is made from. */
void vault_handle_key(const struct vault *vault, struct slice principal, uint8_t ret_key[static KEY_SIZE]);

/* One customer, opened: row and key. Key is wiped with the arena. */
struct customer {
	uint8_t pseudonym[PSEUDONYM_SIZE];
	Rows__Customer *row;
	uint8_t *key; /* 32 bytes in the arena */
};

/* By pseudonym: ERR_NOT_FOUND, ERR_ERASED. By a lookup field's value: also ERR_AMBIGUOUS. */
enum err vault_customer(struct context *context, struct slice pseudonym, struct customer *ret_customer) MUST_USE;
enum err vault_find(struct context *context, const struct charter_field *field, struct slice value,
		    struct customer *ret_customer) MUST_USE;

/* Values of a version, decoded into the arena. */
enum err vault_record(struct context *context, const struct customer *customer, uint32_t version,
		      Rows__Record **ret_record) MUST_USE;

/* What a disclosure is cut to. */
struct cut {
	uint32_t version;
	uint64_t fields;
	const struct charter *charter; /* the agreement's; for head office the one in force */
	const struct grant *grant;     /* that masks values; NULL: head office, nothing masked, superseded values too */
	bool is_for_copy;	       /* a sync's: with handles, facts and superseded values (R130, R132) */
	struct slice purpose;	       /* with is_for_copy */
	uint64_t time_ms;	       /* with is_for_copy: the entry's, by which facts are */
};

/* A disclosure of a customer, as the reply's part and the entry's Disclosure (FORMAT.md R40-R45, R130). The same cut of
 * a version gives the same bytes, but with is_for_copy: its facts are those of now. */
enum err vault_disclose(struct context *context, const struct customer *customer, const struct cut *cut,
			Kluis__Part **ret_part, Kluis__Disclosure **ret_disclosure) MUST_USE;

/* For a reply that is sent again (R39): the parts of an entry's disclosures, rebuilt; a code to answer instead of them
 * when they may not, or cannot, be given again: ERR_NOT_FOUND, ERR_RESTRICTED, ERR_CONSENT, ERR_OTHER_AGREEMENT,
 * ERR_STATE for a sync's customer whose facts are others now. ERR_CORRUPT when they are not what the entry says. */
enum err vault_disclose_again(struct context *context, const Kluis__Entry *entry,
			      const Kluis__Request *request) MUST_USE;

/* Facts of a decision for a store at the context's time. */
void customer_facts(const struct customer *customer, const struct charter *charter, uint32_t store,
		    struct slice purpose, uint64_t time_ms, struct customer_facts *ret_facts);

/* Bits of the fields that some record has a value for, or had: kept in the meta table ("vault/fields", u64), for
 * charter_may_follow. */
enum err vault_fields_in_use(struct context *context, uint64_t *ret_fields) MUST_USE;

#endif
