#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "alarm.h"
#include "keeper_internal.h"
#include "purged.h"
#include "sync.h"

#define MS_PER_DAY 86400000u
#define LEASE_RENEW_MS_MAX (60 * 60 * 1000u) /* contact is shown at least that often */
#define CERTIFY_MS 1000			     /* until the courier has brought a certificate */
#define RETRY_MS 60000			     /* a purpose that is refused for a reason that may pass */

static const char *purpose_name(const struct keeper *keeper, unsigned purpose)
{
	return keeper->options.shop->charter->purposes[purpose].name;
}

static bool is_granted(const struct keeper *keeper, unsigned purpose)
{
	return (sync_purposes(keeper->options.shop->agreement) >> purpose & 1) != 0;
}

void keeper_mark_behind(struct keeper *keeper)
{
	for (unsigned i = 0; i < PURPOSES_MAX; i++)
		keeper->copies[i] = (struct keeper_copy){.is_behind = true, .day = keeper->copies[i].day};
}

/* ---- leases ---- */

/* A quarter of its time, so that three renewals may fail before it ends. 0: now. */
static enum err lease_due_ms(struct keeper *keeper, const char *purpose, uint64_t *ret_due_ms)
{
	struct replica_lease lease;
	enum err err = replica_lease(&keeper->options.shop->replica, purpose, &lease);

	*ret_due_ms = 0;
	if (err == ERR_NOT_FOUND)
		return ERR_OK;
	TRY(err);
	if (!lease.has_key || lease.until_ms <= lease.entry_ms)
		return ERR_OK;
	uint64_t quarter_ms = (lease.until_ms - lease.entry_ms) / 4;
	*ret_due_ms = lease.entry_ms + (quarter_ms < LEASE_RENEW_MS_MAX ? quarter_ms : LEASE_RENEW_MS_MAX);
	return ERR_OK;
}

uint64_t keeper_copy_due_ms(struct keeper *keeper)
{
	uint64_t next_ms = UINT64_MAX;

	if (!keeper_is_in_force(keeper))
		return next_ms;
	for (unsigned i = 0; i < keeper->options.shop->charter->purpose_count; i++) {
		uint64_t due_ms;
		if (!is_granted(keeper, i) || lease_due_ms(keeper, purpose_name(keeper, i), &due_ms) != ERR_OK)
			continue;
		if (keeper->copies[i].is_behind)
			due_ms = 0;
		if (due_ms < keeper->copies[i].retry_ms)
			due_ms = keeper->copies[i].retry_ms;
		next_ms = due_ms < next_ms ? due_ms : next_ms;
	}
	return next_ms;
}

/* What head office finds in this store's own journal is not to be missed here either. */
static void tell_findings(struct keeper *keeper, const Kluis__Result *result)
{
	if (result->has_findings && result->findings != 0)
		alarm_raise(keeper->options.shop->store, ALARM_ALTERED, keeper_now_ms(keeper),
			    "head office finds this store's journal odd (findings %u)", result->findings);
}

/* R127: no longer than each grant that lets the purpose be copied, nor than the agreement. */
static uint64_t lease_end_ms(const struct agreement *agreement, uint8_t purpose, uint64_t entry_ms)
{
	uint32_t grants = agreement_grants_for(agreement, OPERATION_SYNC, purpose);
	uint64_t end_ms = agreement->until_s * 1000;

	for (size_t i = 0; i < agreement->grant_count; i++) {
		uint64_t of_grant_ms = entry_ms + agreement->grants[i].lease_s * UINT64_C(1000);
		if ((grants >> i & 1) != 0 && of_grant_ms < end_ms)
			end_ms = of_grant_ms;
	}
	return end_ms;
}

/* What was purged while the answer was under way stays so, whichever of lease and certificate the broker had first. */
static enum err keep_lease(struct keeper *keeper, const char *purpose, const struct session_answer *answer,
			   uint64_t purges)
{
	struct shop *shop = keeper->options.shop;
	const Kluis__Entry *entry = answer->entry.decoded;
	enum err err = ERR_OK;

	pthread_rwlock_wrlock(&shop->lock);
	if (shop->purges == purges)
		err = replica_set_lease(&shop->replica, purpose, entry->results[0]->until_ms, entry->time_ms,
					wire_slice(answer->reply->data[0]->items[0]));
	pthread_rwlock_unlock(&shop->lock);
	return err;
}

static enum err take_lease(struct keeper *keeper, unsigned purpose, const struct session_answer *answer,
			   uint64_t purges, struct fault *fault)
{
	struct shop *shop = keeper->options.shop;
	const Kluis__Result *result = answer->entry.decoded->results[0];
	uint64_t entry_ms = answer->entry.decoded->time_ms;

	tell_findings(keeper, result);
	if (!result->has_until_ms || result->until_ms <= entry_ms ||
	    result->until_ms > lease_end_ms(shop->agreement, (uint8_t)purpose, entry_ms))
		return fault_set(fault, ERR_MISMATCH, "the broker gave a lease outside the agreement");
	if (answer->reply->n_data != 1 || answer->reply->data[0]->n_items != 1 ||
	    answer->reply->data[0]->items[0].len != KEY_SIZE)
		return fault_set(fault, ERR_MISMATCH, "the broker gave a lease without the handle key");
	return keep_lease(keeper, purpose_name(keeper, purpose), answer, purges);
}

static uint64_t purges_so_far(struct shop *shop)
{
	pthread_rwlock_rdlock(&shop->lock);
	uint64_t purges = shop->purges;
	pthread_rwlock_unlock(&shop->lock);
	return purges;
}

static enum err ask_lease(struct keeper *keeper, unsigned purpose, enum err *ret_verdict, struct fault *fault)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Lease lease = KLUIS__LEASE__INIT;
	Kluis__JournalEnd end = KLUIS__JOURNAL_END__INIT;
	struct session_answer answer;
	uint8_t hash[HASH_SIZE];
	char name[NAME_MAX_ + 1];

	uint64_t purges = purges_so_far(keeper->options.shop);
	snprintf(name, sizeof name, "%s", purpose_name(keeper, purpose));
	journal_end(keeper->options.shop->journal, &end, hash);
	lease.end = &end;
	operation.purpose = name;
	operation.kind_case = KLUIS__OPERATION__KIND_LEASE;
	operation.lease = &lease;
	TRY(keeper_call(keeper, &operation, true, &answer, fault));
	*ret_verdict = keeper_verdict(&answer, fault);
	/* sent again after access had ended: its data is what it would be now (R44) */
	if (*ret_verdict == ERR_OK && answer.reply->n_data == 1 && answer.reply->data[0]->n_items == 0)
		*ret_verdict = fault_set(fault, ERR_STATE, "the lease was given, and access has ended since");
	return *ret_verdict == ERR_OK ? take_lease(keeper, purpose, &answer, purges, fault) : ERR_OK;
}

/* Not asked again before the broker says that something is another than it was, or a while has passed. */
static enum keeper_turn refused(struct keeper *keeper, unsigned purpose)
{
	keeper->copies[purpose].is_behind = true;
	keeper->copies[purpose].retry_ms = keeper_now_ms(keeper) + RETRY_MS;
	return TURN_REFUSED;
}

/* A certificate that came in after a lease would end it. */
static enum err is_held_back(struct keeper *keeper, unsigned purpose, bool *ret_is_held_back)
{
	TRY(purged_is_uncertified(keeper->options.shop->store, purpose_name(keeper, purpose), ret_is_held_back));
	if (*ret_is_held_back)
		keeper->copies[purpose].retry_ms = keeper_now_ms(keeper) + CERTIFY_MS;
	return ERR_OK;
}

enum keeper_turn keeper_turn_lease(struct keeper *keeper, enum err *ret_err, struct fault *fault)
{
	uint64_t due_ms = 0, now_ms = keeper_now_ms(keeper);
	enum err verdict = ERR_OK;
	bool is_uncertified = false;

	if (!keeper_is_in_force(keeper))
		return TURN_NOTHING;
	for (unsigned i = 0; i < keeper->options.shop->charter->purpose_count; i++) {
		if (!is_granted(keeper, i) || keeper->copies[i].retry_ms > now_ms)
			continue;
		*ret_err = lease_due_ms(keeper, purpose_name(keeper, i), &due_ms);
		if (*ret_err == ERR_OK)
			*ret_err = is_held_back(keeper, i, &is_uncertified);
		if (*ret_err != ERR_OK)
			return TURN_FAILED;
		if (due_ms > now_ms || is_uncertified)
			continue;
		if (due_ms == 0)
			keeper->copies[i].is_behind = true; /* no copy yet, or none any more */
		*ret_err = ask_lease(keeper, i, &verdict, fault);
		if (*ret_err != ERR_OK)
			return TURN_FAILED;
		return verdict == ERR_OK ? TURN_DONE : refused(keeper, i);
	}
	return TURN_NOTHING;
}

/* ---- pages ---- */

static void show_progress(struct keeper *keeper, unsigned purpose, const struct sync_outcome *outcome, bool is_first)
{
	struct keeper_progress *progress = &keeper->progress;

	pthread_mutex_lock(&keeper->progress_lock);
	if (!outcome->has_more) {
		*progress = (struct keeper_progress){.purpose = ""};
	} else {
		uint64_t before =
			strcmp(progress->purpose, purpose_name(keeper, purpose)) == 0 ? progress->customers : 0;
		snprintf(progress->purpose, sizeof progress->purpose, "%s", purpose_name(keeper, purpose));
		progress->customers = before + outcome->written;
		progress->is_first_copy = is_first || (before > 0 && progress->is_first_copy);
	}
	pthread_mutex_unlock(&keeper->progress_lock);
}

/* Days pass: scopes with a window change by that alone (sync.h). */
static enum err begin(struct keeper *keeper, const struct sync *sync, unsigned purpose, uint64_t now_ms)
{
	struct keeper_copy *copy = &keeper->copies[purpose];

	if (copy->is_begun || keeper->session.has_pending)
		return ERR_OK;
	TRY(sync_begin(sync, purpose_name(keeper, purpose), now_ms, false));
	copy->is_begun = true;
	copy->day = (int32_t)(now_ms / MS_PER_DAY);
	return ERR_OK;
}

static enum err get_page(struct keeper *keeper, unsigned purpose, struct sync_outcome *outcome, struct fault *fault)
{
	struct shop *shop = keeper->options.shop;
	struct sync sync = {.session = &keeper->session,
			    .replica = &shop->replica,
			    .charter = shop->charter,
			    .agreement = shop->agreement,
			    .tries = KEEPER_TRIES,
			    .lock = &shop->lock};
	uint64_t now_ms = keeper_now_ms(keeper), cursor = 0;

	/* sent again, it gets its old entry, which says nothing of the time now */
	bool is_resumed = keeper->session.has_pending;

	TRY(begin(keeper, &sync, purpose, now_ms));
	enum err err = replica_cursor(&shop->replica, purpose_name(keeper, purpose), shop->agreement->hash, &cursor);
	if (err == ERR_CORRUPT)
		return fault_set(fault, err,
				 "where the copy for '%s' stands was altered: stop the agent, 'kluis-agent sync "
				 "--anew', start it",
				 purpose_name(keeper, purpose));
	TRY(err);
	TRY(sync_page(&sync, purpose_name(keeper, purpose), now_ms, outcome, fault));
	if (!is_resumed && outcome->entry_ms != 0)
		shop_contact(shop, outcome->entry_ms);
	show_progress(keeper, purpose, outcome, cursor == 0);
	return ERR_OK;
}

enum err keeper_let_go(struct keeper *keeper, const char *purpose)
{
	struct shop *shop = keeper->options.shop;
	struct replica_lease lease;

	pthread_rwlock_wrlock(&shop->lock);
	enum err err = replica_lease(&shop->replica, purpose, &lease);
	bool is_kept = err == ERR_OK && lease.has_key;
	if (!is_kept && (err == ERR_OK || err == ERR_NOT_FOUND))
		err = purged_purge(&shop->replica, purpose, ERR_EXPIRED, keeper_now_ms(keeper));
	pthread_rwlock_unlock(&shop->lock);
	return err;
}

/* The lease ended while the page was under way. */
static enum keeper_turn let_go(struct keeper *keeper, unsigned purpose, enum err *ret_err)
{
	*ret_err = keeper_let_go(keeper, purpose_name(keeper, purpose));
	return *ret_err == ERR_OK ? refused(keeper, purpose) : TURN_FAILED;
}

static enum keeper_turn page_of(struct keeper *keeper, unsigned purpose, enum err *ret_err, struct fault *fault)
{
	struct sync_outcome outcome = {0};

	*ret_err = get_page(keeper, purpose, &outcome, fault);
	if (*ret_err == ERR_EXPIRED)
		return let_go(keeper, purpose, ret_err);
	if (*ret_err != ERR_OK)
		return TURN_FAILED;
	if (outcome.verdict == ERR_REUSED || outcome.verdict == ERR_ACKNOWLEDGEMENT) {
		*ret_err = fault_set(fault, outcome.verdict, "%s", error_text(outcome.verdict));
		return TURN_FAILED;
	}
	if (outcome.verdict != ERR_OK) {
		(void)fault_set(fault, outcome.verdict, "refused: %s", error_text(outcome.verdict));
		return refused(keeper, purpose);
	}
	keeper->copies[purpose].is_behind = outcome.has_more;
	keeper->copies[purpose].is_begun = outcome.has_more;
	return TURN_DONE;
}

enum keeper_turn keeper_turn_page(struct keeper *keeper, enum err *ret_err, struct fault *fault)
{
	uint64_t now_ms = keeper_now_ms(keeper);
	int32_t today = (int32_t)(now_ms / MS_PER_DAY);

	if (!keeper_is_in_force(keeper))
		return TURN_NOTHING;
	if (keeper->session.has_pending)
		return page_of(keeper, (unsigned)keeper->pending_purpose, ret_err, fault);
	for (unsigned i = 0; i < keeper->options.shop->charter->purpose_count; i++) {
		struct keeper_copy *copy = &keeper->copies[i];
		if (!is_granted(keeper, i) || copy->retry_ms > now_ms)
			continue;
		if (copy->is_behind || copy->day != today)
			return page_of(keeper, i, ret_err, fault);
	}
	return TURN_NOTHING;
}
