#include "keeper.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alarm.h"
#include "home.h"
#include "keeper_internal.h"
#include "sync.h"

enum err keeper_new(const struct keeper_options *options, struct keeper **ret_keeper, struct fault *fault)
{
	struct keeper *keeper = calloc(1, sizeof *keeper);

	if (keeper == NULL)
		return ERR_MEMORY;
	keeper->options = *options;
	enum err err = session_open(&keeper->session, options->shop->key, LANE_SYNC, options->exchange, options->memory,
				    fault);
	if (err != ERR_OK) {
		free(keeper);
		return err;
	}
	arena_init(&keeper->arena, 2 * REQUEST_ARENA_MAX);
	pthread_mutex_init(&keeper->progress_lock, NULL);
	*ret_keeper = keeper;
	return ERR_OK;
}

void keeper_free(struct keeper **keeper)
{
	if (*keeper == NULL)
		return;
	session_close(&(*keeper)->session);
	arena_fini(&(*keeper)->arena);
	pthread_mutex_destroy(&(*keeper)->progress_lock);
	free(*keeper);
	*keeper = NULL;
}

void keeper_progress(struct keeper *keeper, struct keeper_progress *ret_progress)
{
	pthread_mutex_lock(&keeper->progress_lock);
	*ret_progress = keeper->progress;
	pthread_mutex_unlock(&keeper->progress_lock);
}

uint64_t keeper_now_ms(struct keeper *keeper)
{
	return shop_now_ms(keeper->options.shop);
}

bool keeper_is_in_force(struct keeper *keeper)
{
	const struct shop *shop = keeper->options.shop;
	uint64_t now_s = keeper_now_ms(keeper) / 1000;

	return shop->agreement != NULL && shop->state == AGREEMENT_ACTIVE && now_s >= shop->agreement->from_s &&
	       now_s < shop->agreement->until_s;
}

/* ---- asking ---- */

enum err keeper_call(struct keeper *keeper, Kluis__Operation *operation, bool is_under_agreement,
		     struct session_answer *ret_answer, struct fault *fault)
{
	struct shop *shop = keeper->options.shop;
	struct session_request request = {
		.agreement = is_under_agreement ? SLICE_ARRAY(shop->agreement->hash) : SLICE_EMPTY,
		.operations = &operation,
		.operation_count = 1,
		.time_ms = shop_now_ms(shop),
	};

	TRY(session_call(&keeper->session, &request, KEEPER_TRIES, &keeper->arena, ret_answer, fault));
	if (!ret_answer->has_entry)
		return fault_set(fault, ERR_MISMATCH, "the broker answered without an entry");
	shop_contact(shop, ret_answer->entry.decoded->time_ms);
	enum err code = (enum err)ret_answer->entry.decoded->code;
	return code == ERR_OK ? ERR_OK : fault_set(fault, code, "refused: %s", error_text(code));
}

enum err keeper_verdict(const struct session_answer *answer, struct fault *fault)
{
	const Kluis__Result *result = answer->entry.decoded->results[0];
	enum err code = answer->reply->code != ERR_OK ? (enum err)answer->reply->code : (enum err)result->code;

	if (code == ERR_OK)
		return ERR_OK;
	return fault_set(fault, code, "refused: %s%s%s%s (log entry %" PRIu64 ")", error_text(code),
			 result->clause == NULL ? "" : " [", result->clause == NULL ? "" : result->clause,
			 result->clause == NULL ? "" : "]", answer->index);
}

/* ---- what is pending ---- */

/* Is the request whose answer is not known one for a page? Then sync_page takes it up. */
static bool is_pending_page(struct keeper *keeper)
{
	Kluis__Envelope *envelope;
	Kluis__Request *request;

	if (!keeper_is_in_force(keeper) ||
	    WIRE_DECODE(Envelope, envelope, bytes_slice(&keeper->session.pending), &keeper->arena, &envelope) !=
		    ERR_OK ||
	    WIRE_DECODE(Request, request, wire_slice(envelope->request), &keeper->arena, &request) != ERR_OK)
		return false;
	if (request->n_operations != 1 || request->operations[0]->kind_case != KLUIS__OPERATION__KIND_SYNC)
		return false;
	int purpose = charter_purpose(keeper->options.shop->charter, slice_text(request->operations[0]->purpose));
	keeper->pending_purpose = purpose;
	return purpose >= 0 && (sync_purposes(keeper->options.shop->agreement) >> purpose & 1) != 0;
}

/* A page that nothing is to be done with any more. */
static enum err give_up(struct keeper *keeper, const struct entry *entry)
{
	const Kluis__Operation *operation = entry->request->operations[0];
	bool is_page = entry->decoded->n_results == 1 && operation->kind_case == KLUIS__OPERATION__KIND_SYNC &&
		       entry->decoded->results[0]->n_disclosures > 0;

	return is_page && operation->purpose != NULL ? keeper_let_go(keeper, operation->purpose) : ERR_OK;
}

/* What a crash or a broken connection left. Whatever else it was, it is asked anew by what is found to be missing. */
static enum err settle(struct keeper *keeper, bool *ret_is_page, struct fault *fault)
{
	struct session_answer answer;

	*ret_is_page = false;
	if (!keeper->session.has_pending)
		return ERR_OK;
	*ret_is_page = is_pending_page(keeper);
	if (*ret_is_page)
		return ERR_OK;
	enum err err = session_resume(&keeper->session, KEEPER_TRIES, &keeper->arena, &answer, fault);
	if (keeper->session.has_pending)
		return err;
	if (err == ERR_SEQUENCE || err == ERR_MISMATCH)
		return err;
	if (fault != NULL)
		fault->text[0] = '\0';
	if (err != ERR_OK || !answer.has_entry)
		return ERR_OK;
	if (answer.entry.decoded->code == ERR_REUSED)
		return fault_set(fault, ERR_REUSED, "a request number of lane %u was used for another request",
				 keeper->session.lane);
	return give_up(keeper, &answer.entry);
}

/* ---- what a failure means ---- */

static void raise(struct keeper *keeper, enum alarm_kind kind, const struct fault *fault, enum err err)
{
	const char *why = fault != NULL && fault->text[0] != '\0' ? fault->text : error_text(err);

	alarm_raise(keeper->options.shop->store, kind, keeper_now_ms(keeper), "%.200s", why);
}

/* Codes that say more than "refused" or "away". */
static const struct {
	enum err err;
	enum alarm_kind kind; /* 0: none */
	enum keeper_result result;
} meanings[] = {
	{ERR_NETWORK, 0, KEEPER_AWAY},
	{ERR_TIMEOUT, 0, KEEPER_AWAY},
	{ERR_BUSY, 0, KEEPER_AWAY},
	{ERR_CLOCK, 0, KEEPER_AWAY},
	{ERR_MEMORY, 0, KEEPER_AWAY},
	{ERR_CERTIFICATE, ALARM_CERTIFICATE, KEEPER_ALARM},
	{ERR_SEQUENCE, ALARM_TWO_PLACES, KEEPER_ALARM},
	{ERR_REUSED, ALARM_TWO_PLACES, KEEPER_ALARM},
	{ERR_ACKNOWLEDGEMENT, ALARM_TWO_PLACES, KEEPER_ALARM},
	{ERR_MISMATCH, ALARM_MISMATCH, KEEPER_ALARM},
	{ERR_COMMITMENT, ALARM_MISMATCH, KEEPER_ALARM},
	{ERR_PAPER, ALARM_MISMATCH, KEEPER_ALARM},
	{ERR_SIGNATURE, ALARM_MISMATCH, KEEPER_ALARM},
	{ERR_INCONSISTENT, ALARM_INCONSISTENT, KEEPER_ALARM},
	{ERR_CRYPTO, ALARM_ALTERED, KEEPER_ALARM},
	{ERR_CORRUPT, ALARM_ALTERED, KEEPER_ALARM},
	{ERR_DISK_FULL, ALARM_DISK, KEEPER_ALARM},
	{ERR_IO, ALARM_DISK, KEEPER_ALARM},
};

static enum keeper_result judge(struct keeper *keeper, enum err err, struct fault *fault)
{
	/* Somebody else used the lane, or the folder was restored: say so, and go on (R126). */
	if (err == ERR_SEQUENCE && session_adopt(&keeper->session) != ERR_OK)
		err = ERR_IO;
	for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
		if (meanings[i].err != err)
			continue;
		if (meanings[i].kind != 0)
			raise(keeper, meanings[i].kind, fault, err);
		keeper->has_watched = keeper->has_watched && meanings[i].result == KEEPER_AWAY;
		return meanings[i].result;
	}
	keeper->has_watched = false; /* what was seen may have led there: it is asked for anew */
	return KEEPER_REFUSED;
}

/* ---- one step ---- */

/* Told by a refusal that what is known is old: the broker is asked for all of it at once. */
static void forget_row(struct keeper *keeper)
{
	keeper->done.has_agreement = false;
	keeper->done.state = AGREEMENT_NONE;
	keeper->is_row_new = false;
	keeper->has_watched = false;
}

static enum keeper_result take_turns(struct keeper *keeper, bool is_page_pending, struct fault *fault)
{
	/* trust is last: a disk that is too full for a note takes no lease from the copy */
	keeper_turn_fn *const turns[] = {keeper_turn_papers, keeper_turn_state, keeper_turn_roster,
					 keeper_turn_lease,  keeper_turn_page,	keeper_turn_trust};
	size_t first = 0;
	enum err err = ERR_OK;

	while (is_page_pending && turns[first] != keeper_turn_page)
		first++;
	for (size_t i = first; i < sizeof turns / sizeof turns[0]; i++) {
		switch (turns[i](keeper, &err, fault)) {
		case TURN_NOTHING:
			break;
		case TURN_DONE:
			return KEEPER_MORE;
		case TURN_REFUSED:
			forget_row(keeper);
			return KEEPER_REFUSED;
		case TURN_FAILED:
			return judge(keeper, err, fault);
		}
	}
	return KEEPER_CURRENT;
}

/* Nothing was done to the store's standing or roster, up to what it had seen of the log when it asked, that it does not
 * know of (R123). */
static void know(struct shop *shop, uint64_t size, const struct hash *root)
{
	pthread_rwlock_wrlock(&shop->lock);
	shop->known_size = size;
	shop->known_root = *root;
	pthread_rwlock_unlock(&shop->lock);
}

static enum keeper_result watch(struct keeper *keeper, struct fault *fault)
{
	struct shop *shop = keeper->options.shop;

	pthread_rwlock_rdlock(&shop->lock);
	uint64_t size = shop->seen_size;
	struct hash root = shop->seen_root;
	pthread_rwlock_unlock(&shop->lock);
	enum err err = keeper_watch(keeper, fault);
	if (err != ERR_OK)
		return judge(keeper, err, fault);
	if (keeper->is_row_new)
		return KEEPER_MORE;
	know(shop, size, &root);
	return KEEPER_CURRENT;
}

enum keeper_result keeper_step(struct keeper *keeper, struct fault *fault)
{
	bool is_page = false;
	unsigned purged;

	arena_reset(&keeper->arena);
	enum err err = shop_sweep(keeper->options.shop, &purged);
	if (err != ERR_OK)
		return judge(keeper, err, fault);
	if (purged > 0)
		keeper_mark_behind(keeper); /* to be copied anew, once it may be */
	err = settle(keeper, &is_page, fault);
	if (err != ERR_OK)
		return judge(keeper, err, fault);
	/* Before anything is asked for, what is in force: an answer is held against it. */
	if (!keeper->has_watched && !is_page)
		return watch(keeper, fault);
	enum keeper_result result = take_turns(keeper, is_page, fault);
	return result == KEEPER_CURRENT ? watch(keeper, fault) : result;
}

enum err keeper_settle(struct keeper *keeper, struct fault *fault)
{
	bool is_page = false;

	arena_reset(&keeper->arena);
	enum err err = settle(keeper, &is_page, fault);
	if (is_page)
		(void)take_turns(keeper, is_page, fault);
	else if (err != ERR_OK)
		(void)judge(keeper, err, fault);
	if (keeper->session.has_pending)
		return err == ERR_OK ? ERR_BUSY : err;
	return session_keep(&keeper->session);
}

void keeper_set_signers(struct keeper *keeper, const struct public_key *signers, size_t count)
{
	keeper->options.signers = signers;
	keeper->options.signer_count = count;
}
