#include "command/lease.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "erased.h"
#include "journal.h"
#include "kluis/clock.h"
#include "kluis/decide.h"
#include "purged.h"
#include "sealed_row.h"
#include "timekeeper.h"

#define TIME_KEY "time" /* in the meta table, where the daemon keeps it too */

/* ---- time ---- */

static struct moment read_clocks(void)
{
	return (struct moment){.wall_ms = clock_now_ms(), .steady_ms = clock_boot_ms()};
}

static enum err load_time(struct agent *agent, struct timekeeper *ret_timekeeper)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;
	struct bytes kept CLEANUP(bytes_fini) = {0};

	bytes_init(&kept, TIMEKEEPER_SIZE);
	TRY(store_begin_read(agent->store, &txn));
	enum err err = sealed_row_get(txn, agent->seal_key, slice_text(TIME_KEY), &kept);
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return err;
	return timekeeper_load(bytes_slice(&kept), read_clocks(), ret_timekeeper);
}

struct keeping {
	const uint8_t *key;
	uint8_t time[TIMEKEEPER_SIZE];
};

static enum err put_time(struct store_txn *txn, void *context)
{
	const struct keeping *keeping = context;

	return sealed_row_put(txn, keeping->key, slice_text(TIME_KEY), SLICE_ARRAY(keeping->time));
}

static enum err keep_time(struct agent *agent, const struct timekeeper *timekeeper)
{
	struct keeping keeping = {.key = agent->seal_key};

	timekeeper_keep(timekeeper, keeping.time);
	return store_update(agent->store, put_time, &keeping);
}

enum err lease_now_ms(struct agent *agent, uint64_t *ret_now_ms)
{
	struct timekeeper timekeeper;

	TRY(load_time(agent, &timekeeper));
	*ret_now_ms = timekeeper_now_ms(&timekeeper, read_clocks());
	return keep_time(agent, &timekeeper);
}

enum err lease_contact(struct agent *agent, uint64_t entry_ms)
{
	struct timekeeper timekeeper;

	TRY(load_time(agent, &timekeeper));
	timekeeper_contact(&timekeeper, entry_ms, read_clocks());
	(void)timekeeper_now_ms(&timekeeper, read_clocks());
	return keep_time(agent, &timekeeper);
}

/* ---- asking ---- */

static enum err keep_lease(struct agent *agent, const char *purpose, const struct session_answer *answer,
			   struct fault *fault)
{
	const Kluis__Result *result = answer->entry.decoded->results[0];
	bool is_whole = result->has_until_ms && answer->reply->n_data == 1 && answer->reply->data[0]->n_items == 1 &&
			answer->reply->data[0]->items[0].len == KEY_SIZE &&
			result->until_ms / 1000 <= agent->agreement->until_s;

	if (!is_whole)
		return fault_set(fault, ERR_MISMATCH,
				 "the broker gave a lease without its key, or beyond the agreement");
	TRY(lease_contact(agent, answer->entry.decoded->time_ms));
	enum err err = replica_set_lease(&agent->replica, purpose, result->until_ms, answer->entry.decoded->time_ms,
					 wire_slice(answer->reply->data[0]->items[0]));
	return err == ERR_OK ? ERR_OK
			     : fault_set(fault, err, "the lease for '%s' cannot be kept: %s", purpose, error_text(err));
}

static void take_verdict(const struct session_answer *answer, struct lease_outcome *ret_outcome)
{
	const Kluis__Result *result = answer->entry.decoded->results[0];

	ret_outcome->verdict = (enum err)(answer->reply->code != ERR_OK ? answer->reply->code : result->code);
	snprintf(ret_outcome->clause, sizeof ret_outcome->clause, "%s", result->clause == NULL ? "" : result->clause);
}

enum err lease_ask(struct agent *agent, const char *purpose, struct lease_outcome *ret_outcome, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct journal *journal CLEANUP(journal_close) = NULL;
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Lease lease = KLUIS__LEASE__INIT;
	Kluis__JournalEnd end = KLUIS__JOURNAL_END__INIT;
	struct agent_call call = {.operation = &operation};
	struct session_answer answer;
	uint8_t hash[HASH_SIZE];
	char name[NAME_MAX_ + 1];

	arena_init(&arena, 2 * REQUEST_ARENA_MAX);
	TRY(journal_open(agent->store, agent->seal_key, &journal, fault));
	journal_end(journal, &end, hash);
	snprintf(name, sizeof name, "%s", purpose);
	lease.end = &end;
	operation.purpose = name;
	operation.kind_case = KLUIS__OPERATION__KIND_LEASE;
	operation.lease = &lease;
	TRY(agent_send(agent, &call, &arena, &answer, fault));
	take_verdict(&answer, ret_outcome);
	return ret_outcome->verdict == ERR_OK ? keep_lease(agent, purpose, &answer, fault) : ERR_OK;
}

/* ---- the end of a copy ---- */

bool lease_refusal_ends_copy(enum err verdict)
{
	static const enum err ends[] = {ERR_NO_AGREEMENT, ERR_NOT_YET,		ERR_EXPIRED,	       ERR_SUSPENDED,
					ERR_TERMINATED,	  ERR_NO_GRANT_PURPOSE, ERR_NO_GRANT_OPERATION};

	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
		if (ends[i] == verdict)
			return true;
	return false;
}

static bool is_among(const char *purpose, char *const *purposes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(purposes[i], purpose) == 0)
			return true;
	return false;
}

/* Nothing happens where nothing is left: no certificate of nothing. */
enum err lease_destroy(struct agent *agent, const char *purpose, enum err reason, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	uint64_t now_ms;
	size_t count;
	char **there;

	arena_init(&arena, REQUEST_ARENA_MAX);
	enum err err = lease_now_ms(agent, &now_ms);
	if (err == ERR_OK)
		err = replica_purposes(&agent->replica, &arena, &there, &count);
	if (err == ERR_OK && is_among(purpose, there, count))
		err = purged_purge(&agent->replica, purpose, reason, now_ms);
	return err == ERR_OK
		       ? ERR_OK
		       : fault_set(fault, err, "the copy for '%s' cannot be destroyed: %s", purpose, error_text(err));
}

static struct purged_question question_of(struct agent *agent, uint64_t now_ms)
{
	return (struct purged_question){.replica = &agent->replica,
					.charter = agent->charter,
					.agreement = agent->agreement,
					.state = AGREEMENT_ACTIVE,
					.now_ms = now_ms};
}

static enum err sweep_one(struct agent *agent, const char *purpose, uint64_t now_ms, struct fault *fault)
{
	struct purged_question question = question_of(agent, now_ms);
	bool is_over = false, is_stale = false;
	enum err reason = purged_judge(&question, purpose, &is_over);

	enum err err = replica_is_stale(&agent->replica, purpose, &is_stale);
	if (err != ERR_OK)
		return fault_set(fault, err, "the copy for '%s' cannot be read: %s", purpose, error_text(err));
	if (!is_over && !is_stale)
		return ERR_OK;
	return lease_destroy(agent, purpose, is_over ? reason : ERR_EXPIRED, fault);
}

/* Begun before and written down; it may have been ended just now. */
static enum err end_pending(struct agent *agent, const char *purpose, uint64_t now_ms)
{
	bool is_pending;

	TRY(purged_is_pending(agent->store, purpose, &is_pending));
	return is_pending ? purged_purge(&agent->replica, purpose, ERR_EXPIRED, now_ms) : ERR_OK;
}

static enum err sweep_erased(struct agent *agent, uint64_t now_ms, struct fault *fault)
{
	struct outbox *outbox CLEANUP(outbox_close) = NULL;
	bool is_pending;
	enum err err = erased_is_pending(agent->store, &is_pending);

	if (err == ERR_OK && !is_pending)
		return ERR_OK;
	if (err == ERR_OK)
		TRY(outbox_open(agent->store, agent->seal_key, &outbox, fault));
	if (err == ERR_OK)
		err = erased_sweep(&agent->replica, outbox, now_ms);
	return err == ERR_OK ? ERR_OK
			     : fault_set(fault, err, "what is left of an erased customer cannot be destroyed: %s",
					 error_text(err));
}

enum err lease_sweep(struct agent *agent, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	size_t count, pending_count;
	char **purposes, **pending;
	uint64_t now_ms;

	arena_init(&arena, REQUEST_ARENA_MAX);
	enum err err = lease_now_ms(agent, &now_ms);
	if (err == ERR_OK)
		err = replica_purposes(&agent->replica, &arena, &purposes, &count);
	if (err == ERR_OK)
		err = purged_pending(agent->store, &arena, &pending, &pending_count);
	if (err != ERR_OK)
		return fault_set(fault, err, "the copy cannot be read: %s", error_text(err));
	for (size_t i = 0; i < count; i++)
		TRY(sweep_one(agent, purposes[i], now_ms, fault));
	for (size_t i = 0; i < pending_count && err == ERR_OK; i++)
		err = end_pending(agent, pending[i], now_ms);
	if (err == ERR_OK)
		return sweep_erased(agent, now_ms, fault);
	return fault_set(fault, err, "a copy cannot be destroyed: %s", error_text(err));
}

static enum err certify(struct agent *agent, const struct purge_certificate *certificate, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	Kluis__Operation operation;
	Kluis__Purge purge;
	struct agent_call call = {.operation = &operation, .is_outside_agreement = true};
	struct session_answer answer;
	char name[NAME_MAX_ + 1];

	arena_init(&arena, 2 * REQUEST_ARENA_MAX);
	purged_operation(certificate, name, &purge, &operation);
	TRY(agent_send(agent, &call, &arena, &answer, fault));
	/* that the broker knew of no copy is its finding, in the log with the certificate (R128) */
	enum err verdict = agent_verdict(&answer, NULL);
	return verdict == ERR_NOT_FOUND || verdict == ERR_OK ? erased_certified(agent->store, certificate)
							     : agent_verdict(&answer, fault);
}

static void print_certified(const struct purge_certificate *certificate)
{
	if (certificate->purpose[0] == '\0')
		fprintf(stderr, "certified to head office: %" PRIu64 " items that waited were destroyed\n",
			certificate->waiting);
	else if (certificate->has_customer)
		fprintf(stderr, "certified to head office: a customer who was erased is gone from the copy for '%s'\n",
			certificate->purpose);
	else
		fprintf(stderr, "certified to head office: the copy for '%s', %" PRIu64 " customers, was destroyed\n",
			certificate->purpose, certificate->customers);
}

enum err lease_certify(struct agent *agent, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct purge_certificate *certificates;
	size_t count;

	arena_init(&arena, REQUEST_ARENA_MAX);
	TRY(erased_certificates(agent->store, &arena, &certificates, &count));
	for (size_t i = 0; i < count; i++) {
		TRY(certify(agent, &certificates[i], fault));
		print_certified(&certificates[i]);
	}
	return ERR_OK;
}

enum err lease_is_open(struct agent *agent, const char *purpose, struct fault *fault)
{
	uint64_t now_ms;
	bool is_over;

	TRY(lease_now_ms(agent, &now_ms));
	struct purged_question question = question_of(agent, now_ms);
	enum err err = purged_judge(&question, purpose, &is_over);
	if (err == ERR_OK)
		return ERR_OK;
	if (err == ERR_NOT_FOUND)
		return fault_set(fault, err, "there is no copy for '%.64s' yet; 'kluis-agent sync' makes it", purpose);
	if (err == ERR_EXPIRED)
		return fault_set(fault, err,
				 "the lease of the copy for '%.64s' is over; 'kluis-agent sync' asks for another one",
				 purpose);
	return fault_set(fault, err, "the copy for '%.64s' may not be read: %s", purpose, error_text(err));
}
