#include "run/courier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alarm.h"
#include "kluis/log.h"
#include "purged.h"
#include "run/courier_pack.h"

#define ARENA_MAX (2 * REQUEST_ARENA_MAX)
#define CERTIFICATE_PAUSE_MS 60000

struct courier {
	struct shop *shop;
	struct session session;
	struct courier_held held;
	size_t limit;		    /* items in the next envelope; smaller while one at fault is looked for */
	bool is_outbox_turn;	    /* journal and outbox take turns */
	struct courier_pause pause; /* of the outbox */
	/* What was answered and could not be written down yet (a full disk): before anything else is sent. Until then
	 * the session's memory on disk stays that of the request, so a restart asks again and gets the same answer. */
	struct outbox_outcome unsettled[COURIER_ITEMS_MAX];
	size_t unsettled_count;
	uint64_t unsettled_record; /* of the journal, 0: none */
	bool is_forgotten; /* an answer could not be kept even in memory: the lane is read again, and asks again */
	bool is_refused;   /* the last answer was no success: not again at once */
	uint64_t certificate_until_ms; /* one was refused: the rest goes on until then */
};

static struct log_topic journal_topic = LOG_TOPIC("journal"), refusal_topic = LOG_TOPIC("outbox"),
			certificate_topic = LOG_TOPIC("certificate");

/* ---- pauses ---- */

/* For pauses: the estimate of the broker's clock may be put right by hours. */
static uint64_t steady_ms(const struct courier *courier)
{
	return courier->shop->clock(courier->shop->clock_context).steady_ms;
}

static void pause_outbox(struct courier *courier)
{
	uint8_t agreement[HASH_SIZE] = {0};
	enum agreement_state state;

	(void)shop_agreement(courier->shop, agreement, &state);
	courier_pause_begin(&courier->pause, agreement, state, steady_ms(courier));
}

/* ---- what an answer says of outbox items ---- */

/* The whole store is refused, not this item. */
static bool is_for_all(enum err code)
{
	return code == ERR_SUSPENDED || code == ERR_NO_AGREEMENT || code == ERR_OTHER_AGREEMENT || code == ERR_NOT_YET;
}

static bool passes(enum err code)
{
	return is_for_all(code) || code == ERR_HOURS || code < ERR_NOT_FOUND;
}

struct settling {
	struct courier *courier;
	const struct session_answer *answer;
	bool is_ours; /* so far each sent item is the request's operation in its place */
};

static enum err take_outcome(void *context, const struct outbox_item *item)
{
	struct settling *settling = context;
	struct courier *courier = settling->courier;
	const struct entry *entry = &settling->answer->entry;
	size_t i = courier->unsettled_count;

	/* marked for a later request that never was: the answered one's items were settled before the crash */
	if (item->entry != entry->request->sequence)
		return ERR_OK;
	if (i >= entry->request->n_operations || !courier_is_same(item->operation, entry->request->operations[i])) {
		settling->is_ours = false;
		return ERR_OK;
	}
	const Kluis__Result *result = entry->decoded->results[i];
	struct outbox_outcome *outcome = &courier->unsettled[courier->unsettled_count++];
	outcome->number = item->number;
	outcome->code = result->code == ERR_ERASED ? ERR_OK : (enum err)result->code; /* nothing of them stays */
	outcome->is_later = outcome->code != ERR_OK && passes(outcome->code);
	outcome->entry = settling->answer->index;
	snprintf(outcome->clause, sizeof outcome->clause, "%s", result->clause == NULL ? "" : result->clause);
	return ERR_OK;
}

static void note_outcome(struct courier *courier, const struct outbox_outcome *outcome)
{
	if (outcome->code == ERR_OK || !outcome->is_later)
		courier_release(&courier->held, outcome->number);
	if (outcome->code == ERR_OK) {
		courier->pause.length_ms = 0;
		return;
	}
	if (!outcome->is_later)
		log_event(&refusal_topic, "item %llu is set aside: %s", (unsigned long long)outcome->number,
			  error_text(outcome->code));
	else if (!is_for_all(outcome->code))
		courier_hold(&courier->held, outcome->number, steady_ms(courier));
}

/* The store's pause grows once an envelope, not once an item. */
static void note_outcomes(struct courier *courier, size_t count)
{
	bool is_store_refused = false;

	for (size_t i = 0; i < count; i++) {
		note_outcome(courier, &courier->unsettled[i]);
		is_store_refused = is_store_refused || is_for_all(courier->unsettled[i].code);
	}
	if (is_store_refused)
		pause_outbox(courier);
}

static enum err mismatch(struct courier *courier, const char *what, struct fault *fault)
{
	alarm_raise(courier->shop->store, ALARM_MISMATCH, shop_now_ms(courier->shop), "%s", what);
	return fault_set(fault, ERR_MISMATCH, "%s", what);
}

/* Writes down what is not written down yet. */
static enum err settle_rest(struct courier *courier)
{
	if (courier->unsettled_record > 0)
		TRY(journal_logged(courier->shop->journal, courier->unsettled_record));
	courier->unsettled_record = 0;
	if (courier->unsettled_count == 0)
		return ERR_OK;
	enum err err = outbox_settle(courier->shop->outbox, courier->unsettled, courier->unsettled_count);
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return err;
	/* not found: all was thrown away meanwhile, since the agreement has ended */
	note_outcomes(courier, err == ERR_OK ? courier->unsettled_count : 0);
	courier->unsettled_count = 0;
	if (courier->limit < COURIER_ITEMS_MAX)
		courier->limit *= 2;
	return ERR_OK;
}

static enum err settle_items(struct courier *courier, const struct session_answer *answer, struct arena *arena,
			     struct fault *fault)
{
	struct settling settling = {.courier = courier, .answer = answer, .is_ours = true};

	enum err err =
		outbox_each(courier->shop->outbox, OUTBOX_SENT, COURIER_ITEMS_MAX, arena, take_outcome, &settling);
	if (err != ERR_OK) {
		courier->unsettled_count = 0; /* a part of an answer is none */
		return err;
	}
	if (!settling.is_ours) {
		courier->unsettled_count = 0;
		return mismatch(courier, "the broker answered another request than the outbox had sent", fault);
	}
	/* fewer than were sent, or none, if all is thrown away meanwhile: the agreement has ended */
	return settle_rest(courier);
}

/* ---- what it says of the others ---- */

static enum err settle_certificate(struct courier *courier, const struct session_answer *answer)
{
	const Kluis__Operation *operation = answer->entry.request->operations[0];
	enum err code = (enum err)answer->entry.decoded->results[0]->code;

	/* one that the broker knew of no copy for is logged all the same (R128) */
	if (code != ERR_OK && code != ERR_NOT_FOUND) {
		courier->is_refused = true;
		courier->certificate_until_ms = steady_ms(courier) + CERTIFICATE_PAUSE_MS;
		log_event(&certificate_topic, "the broker refused a purge certificate: %s", error_text(code));
		return ERR_OK;
	}
	struct purge_certificate certificate;
	purged_of(operation, &certificate);
	enum err err = shop_certified(courier->shop, &certificate);
	return err == ERR_NOT_FOUND ? ERR_OK : err; /* asked again after a crash */
}

static enum err settle_records(struct courier *courier, const struct session_answer *answer)
{
	const Kluis__Result *result = answer->entry.decoded->results[0];

	if (result->code != ERR_OK) {
		courier->is_refused = true;
		return ERR_OK;
	}
	if (result->has_findings && result->findings != 0)
		log_event(&journal_topic, "head office was given findings about this store's journal (%u)",
			  result->findings);
	if (!result->has_cursor)
		return ERR_MISMATCH;
	courier->unsettled_record = result->cursor;
	return settle_rest(courier);
}

static enum err settle_answer(struct courier *courier, const struct session_answer *answer, struct arena *arena,
			      struct fault *fault)
{
	if (!answer->has_entry)
		return mismatch(courier, "the broker answered an upload without an entry", fault);
	if (answer->entry.decoded->code != ERR_OK) { /* R35: the number is used up, nothing was done */
		courier->is_refused = true;
		return outbox_unsend(courier->shop->outbox);
	}
	switch (answer->entry.request->operations[0]->kind_case) {
	case KLUIS__OPERATION__KIND_PURGE:
		return settle_certificate(courier, answer);
	case KLUIS__OPERATION__KIND_LOCAL_ACCESS:
		return settle_records(courier, answer);
	default:
		return settle_items(courier, answer, arena, fault);
	}
}

/* ---- refused without an entry ---- */

/* R37: what may be one item's fault. Not a wrong signature or key: that is the store's. */
static bool is_input(enum err code)
{
	return code == ERR_INPUT || code == ERR_TOO_LARGE || code == ERR_COMMITMENT;
}

struct sole {
	struct outbox_outcome outcome;
	size_t count;
};

static enum err take_sole(void *context, const struct outbox_item *item)
{
	struct sole *sole = context;

	sole->outcome.number = item->number;
	sole->count++;
	return ERR_OK;
}

/* An envelope that the broker cannot read: halves of it, until the item at fault stands alone and is set aside.
 * ERR_NOT_FOUND: it was not the outbox's. */
static enum err split(struct courier *courier, enum err code, struct arena *arena)
{
	struct sole sole = {.outcome = {.code = code}};

	TRY(outbox_each(courier->shop->outbox, OUTBOX_SENT, COURIER_ITEMS_MAX, arena, take_sole, &sole));
	if (sole.count == 0)
		return ERR_NOT_FOUND;
	if (sole.count == 1) {
		courier->limit = COURIER_ITEMS_MAX;
		TRY(outbox_settle(courier->shop->outbox, &sole.outcome, 1));
		note_outcome(courier, &sole.outcome);
		return ERR_OK;
	}
	courier->limit = sole.count / 2;
	return outbox_unsend(courier->shop->outbox);
}

static enum err adopt(struct courier *courier)
{
	struct shop *shop = courier->shop;

	alarm_raise(shop->store, ALARM_TWO_PLACES, shop_now_ms(shop),
		    "the broker has had requests of this store on the upload lane that this folder did not send");
	TRY(session_adopt(&courier->session));
	return outbox_unsend(shop->outbox);
}

static enum courier_result refused(struct courier *courier, enum err code, struct arena *arena)
{
	enum err err = ERR_OK;

	if (courier->session.has_pending) /* asked again later: whether it was done is not known */
		return COURIER_AWAY;
	if (code == ERR_SEQUENCE)
		err = adopt(courier);
	else if (is_input(code))
		err = split(courier, code, arena);
	else
		err = outbox_unsend(courier->shop->outbox);
	if (err != ERR_OK)
		return COURIER_AWAY;
	if (code == ERR_SEQUENCE || is_input(code))
		return COURIER_MORE;
	return code == ERR_PRINCIPAL || code == ERR_FORBIDDEN ? COURIER_REFUSED : COURIER_AWAY;
}

static enum courier_result conclude(struct courier *courier, enum err err, const struct session_answer *answer,
				    struct arena *arena, struct fault *fault)
{
	if (err == ERR_MISMATCH) { /* it stays pending: asked again later */
		alarm_raise(courier->shop->store, ALARM_MISMATCH, shop_now_ms(courier->shop),
			    "the broker's answer to an upload is not what its log entry says");
		return COURIER_AWAY;
	}
	if (err != ERR_OK)
		return refused(courier, err, arena);
	courier->is_refused = false;
	err = settle_answer(courier, answer, arena, fault);
	bool is_kept = courier->unsettled_count > 0 || courier->unsettled_record > 0;
	courier->is_forgotten = !is_kept && err != ERR_OK && err < ERR_NOT_FOUND;
	return err == ERR_OK && !courier->is_refused ? COURIER_MORE : COURIER_AWAY;
}

/* ---- sending ---- */

static enum courier_result send(struct courier *courier, struct session_request *request, struct arena *arena,
				struct fault *fault)
{
	struct session_answer answer = {0};

	request->time_ms = shop_now_ms(courier->shop);
	enum err err = session_call(&courier->session, request, 1, arena, &answer, fault);
	/* only here: what is sent again gets its old entry, which says nothing of the time now */
	if (err == ERR_OK && answer.has_entry)
		shop_contact(courier->shop, answer.entry.decoded->time_ms);
	return conclude(courier, err, &answer, arena, fault);
}

static enum courier_result resume(struct courier *courier, struct arena *arena, struct fault *fault)
{
	struct session_answer answer = {0};
	enum err err = session_resume(&courier->session, 1, arena, &answer, fault);

	return conclude(courier, err, &answer, arena, fault);
}

static enum courier_result send_certificate(struct courier *courier, struct arena *arena, struct fault *fault)
{
	struct purge_certificate *certificates;
	Kluis__Operation operation, *operations = &operation;
	Kluis__Purge purge;
	char name[NAME_MAX_ + 1];
	size_t count;

	if (steady_ms(courier) < courier->certificate_until_ms)
		return COURIER_IDLE;
	if (shop_certificates(courier->shop, arena, &certificates, &count) != ERR_OK || count == 0)
		return COURIER_IDLE;
	purged_operation(&certificates[0], name, &purge, &operation);
	struct session_request request = {.operations = &operations, .operation_count = 1};
	return send(courier, &request, arena, fault);
}

static enum courier_result send_records(struct courier *courier, struct arena *arena, struct fault *fault)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT, *operations = &operation;
	Kluis__LocalAccess access = KLUIS__LOCAL_ACCESS__INIT;
	Kluis__JournalEnd end = KLUIS__JOURNAL_END__INIT;
	uint8_t hash[HASH_SIZE];
	uint64_t first;

	if (journal_waiting(courier->shop->journal) == 0)
		return COURIER_IDLE;
	if (journal_read(courier->shop->journal, JOURNAL_RECORDS_MAX, arena, &access.records, &access.n_records,
			 &first) != ERR_OK ||
	    access.n_records == 0)
		return COURIER_AWAY;
	journal_end(courier->shop->journal, &end, hash);
	access.end = &end;
	operation.kind_case = KLUIS__OPERATION__KIND_LOCAL_ACCESS;
	operation.local_access = &access;
	struct session_request request = {.operations = &operations, .operation_count = 1};
	return send(courier, &request, arena, fault);
}

static enum courier_result send_items(struct courier *courier, struct arena *arena, struct fault *fault)
{
	struct shop *shop = courier->shop;
	struct courier_pack *pack = arena_alloc(arena, sizeof *pack);
	uint8_t agreement[HASH_SIZE];
	enum agreement_state state;

	if (pack == NULL)
		return COURIER_AWAY;
	if (!shop_agreement(shop, agreement, &state) ||
	    courier_pause_is_on(&courier->pause, agreement, state, steady_ms(courier)))
		return COURIER_IDLE;
	if (courier_pack(shop->outbox, &courier->held, steady_ms(courier), courier->limit, arena, pack) != ERR_OK)
		return COURIER_AWAY;
	if (pack->count == 0)
		return COURIER_IDLE;
	if (outbox_mark_sent(shop->outbox, pack->numbers, pack->count, courier->session.sequence + 1) != ERR_OK)
		return COURIER_AWAY;
	struct session_request request = {.agreement = SLICE_ARRAY(agreement),
					  .employee = pack->employee,
					  .operations = pack->operations,
					  .operation_count = pack->count,
					  .parts = pack->parts,
					  .part_count = pack->part_count};
	return send(courier, &request, arena, fault);
}

/* ---- a step ---- */

static enum courier_result send_something(struct courier *courier, struct arena *arena, struct fault *fault)
{
	enum courier_result result = send_certificate(courier, arena, fault);

	courier->is_outbox_turn = !courier->is_outbox_turn;
	for (int i = 0; i < 2 && result == COURIER_IDLE; i++) {
		bool is_outbox = courier->is_outbox_turn == (i == 0);
		result = is_outbox ? send_items(courier, arena, fault) : send_records(courier, arena, fault);
	}
	return result;
}

/* As after a crash: what is on disk is the request whose answer was lost. */
static enum err remember(struct courier *courier, struct fault *fault)
{
	struct session *old = &courier->session, session;

	if (!courier->is_forgotten)
		return ERR_OK;
	TRY(session_open(&session, old->key, old->lane, old->exchange, old->memory, fault));
	old->is_unsaved = false;
	session_close(old);
	courier->session = session;
	courier->is_forgotten = false;
	return ERR_OK;
}

enum courier_result courier_step(struct courier *courier, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};

	arena_init(&arena, ARENA_MAX);
	if (settle_rest(courier) != ERR_OK || remember(courier, fault) != ERR_OK)
		return COURIER_AWAY;
	if (courier->session.has_pending)
		return resume(courier, &arena, fault);
	/* marked, and then not sent after all */
	if (outbox_unsend(courier->shop->outbox) != ERR_OK)
		return COURIER_AWAY;
	return send_something(courier, &arena, fault);
}

static bool is_settled(const struct courier *courier)
{
	return !courier->session.has_pending && courier->unsettled_count == 0 && courier->unsettled_record == 0 &&
	       !courier->is_forgotten;
}

enum err courier_settle(struct courier *courier, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};

	arena_init(&arena, ARENA_MAX);
	TRY(settle_rest(courier));
	TRY(remember(courier, fault));
	if (courier->session.has_pending)
		(void)resume(courier, &arena, fault);
	return is_settled(courier) ? session_keep(&courier->session) : ERR_BUSY;
}

enum err courier_new(struct shop *shop, struct exchange exchange, struct session_memory memory,
		     struct courier **ret_courier, struct fault *fault)
{
	struct courier *courier CLEANUP(courier_free) = calloc(1, sizeof *courier);

	if (courier == NULL)
		return ERR_MEMORY;
	courier->shop = shop;
	courier->limit = COURIER_ITEMS_MAX;
	TRY(session_open(&courier->session, shop->key, LANE_UPLOAD, exchange, memory, fault));
	*ret_courier = courier;
	courier = NULL;
	return ERR_OK;
}

void courier_free(struct courier **courier)
{
	if (*courier == NULL)
		return;
	if (!is_settled(*courier))
		(*courier)->session.is_unsaved = false;
	if ((*courier)->session.key != NULL)
		session_close(&(*courier)->session);
	courier_held_fini(&(*courier)->held);
	free(*courier);
	*courier = NULL;
}
