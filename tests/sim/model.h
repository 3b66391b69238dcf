/*
 * What must be, by plain facts and rules that share no code with the broker's decisions: entries come in as they
 * become durable, each is checked against what the ones before it make of the world, then taken in.
 */
#ifndef KLUIS_SIM_MODEL_H
#define KLUIS_SIM_MODEL_H

#include "kluis/checkpoint.h"
#include "kluis/entry.h"
#include "kluis/merkle.h"
#include "kluis/operation.h"
#include "kluis/ownership.h"
#include "replica.h"
#include "run.h"
#include "spec.h"

#define MODEL_STORES 5
#define MODEL_LOGS_MAX 4

struct model_visit {
	bool has;
	int32_t day;
};

/* When, after how many others of that time, and by whom a field was last said something of (FORMAT.md R131). */
struct model_stamp {
	bool has;
	uint64_t made_ms;
	uint32_t step, store;
};

struct model_record {
	const char *values[SPEC_FIELDS]; /* NULL: none */
	struct model_stamp stamps[SPEC_FIELDS];
	size_t versions[SPEC_FIELDS]; /* in which the value, or its absence, came; 0: it never had one */
};

/* One field of one change, as it came. */
struct model_change {
	unsigned field;
	size_t version, basis; /* in which it came, on which it was made */
	struct model_stamp stamp;
	const char *value;
};
#define MODEL_SUPERSEDED_MAX 8				  /* that the broker keeps */
#define MODEL_KEPT_MAX ((MODEL_STORES + 1) * SPEC_FIELDS) /* by all that may change a field */

struct model_customer {
	uint8_t pseudonym[PSEUDONYM_SIZE];
	bool is_restricted;
	bool is_erased; /* then nobody may have anything of them */
	struct store_day registered, first, latest;
	struct model_visit visits[MODEL_STORES]; /* by place of the store, in the order of model_add_store */
	bool has_status[SPEC_PURPOSES];
	uint32_t status[SPEC_PURPOSES];
	LIST(struct model_record) records; /* by version - 1 */
	LIST(struct model_change) changes; /* as they came */
	bool is_crowded;		   /* more was superseded at some time than is kept */
};

struct model_employee {
	uint8_t pseudonym[PSEUDONYM_SIZE];
	unsigned role;
	bool is_there;
};

struct model_standing {
	const struct agreement_spec *spec; /* NULL: none */
	enum agreement_state state;
};

struct model_store {
	uint32_t number;
	char name[PRINCIPAL_MAX + 1];
	bool is_open;
	struct model_standing current, candidate;
	LIST(struct model_employee) employees;
};

struct model_receipt {
	uint8_t id[PSEUDONYM_SIZE];
	size_t customer;
	uint32_t store;
	int32_t day;
};

struct model_use {
	uint8_t agreement[HASH_SIZE];
	size_t grant;
	uint32_t day;
	size_t customer;
};

/* What was sent or answered beside the signed bytes. */
struct model_truth {
	uint8_t commitment[HASH_SIZE];
	uint8_t *content;
	size_t length;
};

/* A principal's key and where its lanes are. */
struct model_principal {
	bool is_revoked;
	char name[PRINCIPAL_MAX + 1];
	uint8_t key[KEY_SIZE];
	uint64_t sequences[LANE_MAX + 1];
	uint64_t indices[LANE_MAX + 1]; /* of the entry that the next request acknowledges */
};

struct model_invitation {
	char name[PRINCIPAL_MAX + 1];
	uint8_t code_hash[HASH_SIZE];
	uint64_t expires_ms;
	bool is_open;
};

enum { MODEL_ENTRIES, MODEL_DISCLOSED, MODEL_PAGES, MODEL_REFUSED, MODEL_JOINS, MODEL_COUNTS };

struct model {
	struct run *run;
	const struct public_key *logs[MODEL_LOGS_MAX]; /* whose checkpoints are the log's, or were */
	size_t log_count;
	struct arena arena; /* of the whole run */
	struct frontier tree;
	uint64_t time_ms;	       /* of the last entry */
	LIST(struct hash) leaves;      /* by index */
	LIST(struct hash) roots;       /* by size - 1 */
	LIST(struct hash) requests;    /* of entries that used a sequence number up, with the signature */
	LIST(struct hash) checkpoints; /* notes that were looked at */
	LIST(const struct charter_spec *) charters;
	LIST(const struct agreement_spec *) agreements;
	const struct charter_spec *charter; /* in force */
	struct model_store stores[MODEL_STORES];
	size_t store_count;
	LIST(struct model_customer) customers;
	LIST(struct model_receipt) receipts;
	LIST(struct model_use) uses;
	LIST(struct model_truth) truths;
	LIST(struct model_principal) principals;
	LIST(struct model_invitation) invitations;
	uint64_t counts[MODEL_COUNTS];
};

/* The keys stay the caller's. */
struct model *model_new(struct run *run, const struct public_key *log, const struct public_key *controller);
void model_add_store(struct model *model, uint32_t number, const char *name);
void model_free(struct model **model);

/* What an operation's part says, by its commitment. */
void model_tell(struct model *model, struct slice commitment, struct slice content);
/* Checks the next entry of the log and takes it in. */
void model_take(struct model *model, struct slice entry);
/* ERR_SIGNATURE unless a key that is or was the log's signed it. */
enum err model_open(const struct model *model, struct slice note, struct checkpoint *ret_checkpoint,
		    struct fault *fault) MUST_USE;
/* I3: a note that the log signed, from wherever it came. */
void model_checkpoint(struct model *model, struct slice note);
/* I1 and I6, at the moment at which the broker hands a reply out; an entry of an index below durable is an old one. */
void model_release(const struct model *model, const Kluis__Reply *reply, uint64_t now_ms, uint64_t durable);
/* I4: are these the values that the disclosure stands for? */
void model_disclosed(const struct model *model, const struct entry *entry, const Kluis__Disclosure *disclosure,
		     struct slice content);

/* ---- facts (model_facts.c) ---- */

struct model_ask {
	size_t store; /* place */
	unsigned purpose;
	enum operation operation;
	struct slice employee;
	uint64_t time_s;
	bool is_any_hour;		       /* the grants' hours are not looked at */
	const struct model_customer *customer; /* NULL: whatever customer */
};
/* The first grant of the store's agreement that allows it, or -1. */
int model_permits(const struct model *model, const struct model_ask *ask);
/* Is there an agreement in force at this time? */
bool model_in_force(const struct model *model, size_t store, uint64_t time_s);
/* R70 to R72 by the charter in force; today: a UTC day. */
bool model_is_owner(const struct model *model, const struct model_customer *customer, uint32_t store, int64_t today);
/* The fields of a grant that a record has. */
uint64_t model_fields(const struct grant_spec *grant, const struct model_record *record);
/* What may be seen of a field's value, in the arena. */
const char *model_shown(const struct grant_spec *grant, unsigned field, const char *value, struct arena *arena);
/* Customers counted on the grant's day. */
uint32_t model_uses(const struct model *model, const struct agreement_spec *spec, size_t grant, uint32_t day);
bool model_is_used(const struct model *model, const struct agreement_spec *spec, size_t grant, uint32_t day,
		   size_t customer);
uint32_t model_local_day(uint64_t time_s);
bool model_is_office_hours(uint64_t time_s);

/* Where a store of this number is in the arrays by place. */
size_t model_place(const struct model *model, uint32_t number);
struct model_customer *model_customer(const struct model *model, struct slice pseudonym);
struct model_employee *model_employee(const struct model_store *store, struct slice pseudonym);
struct model_principal *model_principal(struct model *model, const char *name);
const struct agreement_spec *model_agreement(const struct model *model, struct slice hash);
const struct charter_spec *model_charter(const struct model *model, struct slice hash);
int model_purpose(const char *name);

/* ---- effects (model_apply.c) ---- */
struct model_step {
	const struct entry *entry;
	const Kluis__Operation *operation;
	const Kluis__Result *result;
	uint64_t time_ms;
	bool is_store;
	size_t store; /* place, of a store */
};
/* Takes in what an operation without refusal did. */
void model_apply(struct model *model, const struct model_step *step);
/* What was told under a commitment. */
struct slice model_content(const struct model *model, ProtobufCBinaryData commitment);

/* ---- records (model_record.c) ---- */

/* The next version of a customer's record, if the result says that there is one. */
void model_write(struct model *model, const struct model_step *step, struct model_customer *customer,
		 ProtobufCBinaryData commitment);
/* What is kept beside the values of these fields (bits), newest first; how many. */
size_t model_superseded(const struct model_customer *customer, uint64_t fields,
			const struct model_change *ret_kept[static MODEL_KEPT_MAX]);

/* ---- copies (model_copy.c) ---- */

struct model_view {
	size_t store; /* place */
	unsigned purpose;
	uint64_t now_ms;
	bool is_new; /* the copy was made just now: its facts are today's */
};
/* By which grant a store holds a customer (NULL: anybody) in its copy, or -1. */
int model_holds(const struct model *model, const struct model_view *view, const struct model_customer *customer);
/* I11: the copy has these customers, these fields, so masked, with these values and what lost against them, and nobody
 * and nothing else. */
void model_compare(const struct model *model, const struct model_view *view, const struct replica *copy);

#endif
