#include "run/line.h"

#include <stdlib.h>
#include <string.h>

#include "alarm.h"
#include "home.h"

/* One lookup that waits, on its caller's stack. */
struct lookup {
	struct lookup *next;
	const Kluis__Operation *operation;
	const Kluis__Part *part;
	struct slice employee;
	struct arena *arena; /* the caller's */
	struct fault *fault;
	bool is_done, is_leader;
	enum err err;
	const Kluis__Result *result;
	const Kluis__Part *answer_part;
	uint64_t index;
	pthread_cond_t changed;
};

struct line {
	struct line_options options;
	struct session session; /* the leader's */
	pthread_mutex_t mutex;	/* of the rest */
	bool has_leader;
	struct lookup *first, **last; /* that wait, in order */
	uint64_t envelopes, lookups;
};

enum err line_new(const struct line_options *options, struct line **ret_line, struct fault *fault)
{
	struct line *line = calloc(1, sizeof *line);

	if (line == NULL)
		return ERR_MEMORY;
	line->options = *options;
	line->last = &line->first;
	enum err err =
		session_open(&line->session, options->shop->key, LANE_TILL, options->exchange, options->memory, fault);
	if (err != ERR_OK) {
		free(line);
		return err;
	}
	pthread_mutex_init(&line->mutex, NULL);
	*ret_line = line;
	return ERR_OK;
}

void line_free(struct line **line)
{
	if (*line == NULL)
		return;
	session_close(&(*line)->session);
	pthread_mutex_destroy(&(*line)->mutex);
	free(*line);
	*line = NULL;
}

void line_counts(struct line *line, uint64_t *ret_envelopes, uint64_t *ret_lookups)
{
	pthread_mutex_lock(&line->mutex);
	*ret_envelopes = line->envelopes;
	*ret_lookups = line->lookups;
	pthread_mutex_unlock(&line->mutex);
}

/* ---- a batch ---- */

struct batch {
	struct lookup *lookups[LINE_BATCH_MAX];
	size_t count;
};

static void remove_first_that(struct lookup **place, struct line *line)
{
	struct lookup *lookup = *place;

	*place = lookup->next;
	if (line->last == &lookup->next)
		line->last = place;
}

/* The leader's, and of those who wait all that may go with it. Under the mutex. */
static void take_batch(struct line *line, struct lookup *leader, struct batch *ret_batch)
{
	ret_batch->count = 0;
	for (struct lookup **place = &line->first; *place != NULL && ret_batch->count < LINE_BATCH_MAX;) {
		struct lookup *lookup = *place;
		if (!slice_equal(lookup->employee, leader->employee)) {
			place = &lookup->next;
			continue;
		}
		ret_batch->lookups[ret_batch->count++] = lookup;
		remove_first_that(place, line);
	}
}

static void fail(const struct batch *batch, enum err err, const struct fault *why)
{
	for (size_t i = 0; i < batch->count; i++) {
		struct lookup *lookup = batch->lookups[i];
		lookup->err = why->text[0] == '\0' ? err : fault_set(lookup->fault, err, "%s", why->text);
	}
}

/* ---- one envelope ---- */

/* What an earlier leader's broken connection left: its till has given up; the entry stands. */
static enum err settle(struct line *line, struct arena *arena, struct fault *fault)
{
	struct session_answer answer;

	if (!line->session.has_pending)
		return ERR_OK;
	enum err err = session_resume(&line->session, 1, arena, &answer, fault);
	if (line->session.has_pending)
		return err;
	return err == ERR_SEQUENCE ? err : ERR_OK;
}

/* The message's structs are not const; they are only read. */
static Kluis__Operation *operation_of(const struct lookup *lookup, struct arena *arena)
{
	Kluis__Operation *copy = arena_alloc(arena, sizeof *copy);

	if (copy != NULL)
		*copy = *lookup->operation;
	return copy;
}

static Kluis__Part *part_of(const struct lookup *lookup, struct arena *arena)
{
	Kluis__Part *copy = arena_alloc(arena, sizeof *copy);

	if (copy != NULL)
		*copy = *lookup->part;
	return copy;
}

static enum err send_batch(struct line *line, const struct batch *batch, struct arena *arena,
			   struct session_answer *ret_answer, struct fault *fault)
{
	Kluis__Operation *operations[LINE_BATCH_MAX];
	Kluis__Part *parts[LINE_BATCH_MAX];
	uint8_t agreement[HASH_SIZE];
	enum agreement_state state;
	struct shop *shop = line->options.shop;

	TRY(settle(line, arena, fault));
	if (!shop_agreement(shop, agreement, &state))
		return ERR_NO_AGREEMENT;
	for (size_t i = 0; i < batch->count; i++) {
		operations[i] = operation_of(batch->lookups[i], arena);
		parts[i] = part_of(batch->lookups[i], arena);
		if (operations[i] == NULL || parts[i] == NULL)
			return ERR_MEMORY;
	}
	struct session_request request = {.agreement = SLICE_ARRAY(agreement),
					  .employee = batch->lookups[0]->employee,
					  .operations = operations,
					  .operation_count = batch->count,
					  .parts = parts,
					  .part_count = batch->count,
					  .time_ms = shop_now_ms(shop)};
	return session_call(&line->session, &request, 1, arena, ret_answer, fault);
}

/* Somebody else uses the store's key, or the folder was restored: said, and gone on from there. */
static void tell_two_places(struct line *line, enum err err, const struct fault *fault)
{
	struct shop *shop = line->options.shop;

	alarm_raise(shop->store, ALARM_TWO_PLACES, shop_now_ms(shop), "%s%.200s",
		    fault->text[0] == '\0' ? "the tills' lane: " : "",
		    fault->text[0] == '\0' ? error_text(err) : fault->text);
}

static enum err exchange(struct line *line, const struct batch *batch, struct arena *arena,
			 struct session_answer *ret_answer, struct fault *fault)
{
	enum err err = send_batch(line, batch, arena, ret_answer, fault);

	if (err == ERR_SEQUENCE && session_adopt(&line->session) == ERR_OK) {
		tell_two_places(line, err, fault);
		fault->text[0] = '\0';
		err = send_batch(line, batch, arena, ret_answer, fault);
	}
	TRY(err);
	if (!ret_answer->has_entry)
		return fault_set(fault, ERR_MISMATCH, "the broker answered without an entry");
	enum err code = (enum err)ret_answer->entry.decoded->code;
	if (code == ERR_REUSED || code == ERR_ACKNOWLEDGEMENT)
		tell_two_places(line, code, fault);
	shop_contact(line->options.shop, ret_answer->entry.decoded->time_ms);
	if (code == ERR_OK)
		code = (enum err)ret_answer->reply->code;
	return code == ERR_OK ? ERR_OK : fault_set(fault, code, "refused: %s", error_text(code));
}

/* ---- answers ---- */

static enum err copy_result(const Kluis__Result *result, struct arena *arena, const Kluis__Result **ret_copy)
{
	struct bytes encoded CLEANUP(bytes_fini) = {0};
	Kluis__Result *copy = NULL;

	bytes_init(&encoded, ENTRY_MAX);
	TRY(wire_encode(&result->base, &encoded));
	const uint8_t *place = arena_copy(arena, bytes_slice(&encoded));
	if (place == NULL && encoded.length > 0)
		return ERR_MEMORY;
	TRY(WIRE_DECODE(Result, result, SLICE(place, encoded.length), arena, &copy));
	*ret_copy = copy;
	return ERR_OK;
}

static enum err copy_part(const Kluis__Part *part, struct arena *arena, const Kluis__Part **ret_copy)
{
	Kluis__Part *copy = arena_alloc(arena, sizeof *copy);
	struct slice salt = wire_slice(part->salt), content = wire_slice(part->content);

	if (copy == NULL)
		return ERR_MEMORY;
	kluis__part__init(copy);
	copy->salt = wire_data(SLICE(arena_copy(arena, salt), salt.length));
	copy->content = wire_data(SLICE(arena_copy(arena, content), content.length));
	if (copy->salt.data == NULL || (copy->content.data == NULL && content.length > 0))
		return ERR_MEMORY;
	*ret_copy = copy;
	return ERR_OK;
}

/* Parts stand in the order of the disclosures that have a commitment (reply_check). */
static enum err deliver(const struct session_answer *answer, struct lookup *lookup, const Kluis__Result *result,
			size_t *part)
{
	const Kluis__Personal *personal = answer->reply->personal;

	lookup->index = answer->index;
	for (size_t i = 0; i < result->n_disclosures; i++) {
		if (!result->disclosures[i]->has_commitment)
			continue;
		if (personal == NULL || *part >= personal->n_parts)
			return ERR_MISMATCH;
		TRY(copy_part(personal->parts[(*part)++], lookup->arena, &lookup->answer_part));
	}
	return copy_result(result, lookup->arena, &lookup->result);
}

static void answer_all(struct line *line, const struct batch *batch)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct session_answer answer = {0};
	struct fault fault = {""};
	size_t part = 0;

	arena_init(&arena, 2 * REQUEST_ARENA_MAX);
	enum err err = exchange(line, batch, &arena, &answer, &fault);
	if (err != ERR_OK) {
		fail(batch, err, &fault);
		return;
	}
	for (size_t i = 0; i < batch->count; i++)
		batch->lookups[i]->err = deliver(&answer, batch->lookups[i], answer.entry.decoded->results[i], &part);
}

/* ---- who waits ---- */

static void hand_over(struct line *line)
{
	line->has_leader = line->first != NULL;
	if (!line->has_leader)
		return;
	line->first->is_leader = true;
	pthread_cond_signal(&line->first->changed);
}

/* Under the mutex, but not while the broker is asked. */
static void lead(struct line *line, struct lookup *own)
{
	struct batch batch;

	take_batch(line, own, &batch);
	line->envelopes++;
	line->lookups += batch.count;
	pthread_mutex_unlock(&line->mutex);
	answer_all(line, &batch);
	pthread_mutex_lock(&line->mutex);
	for (size_t i = 0; i < batch.count; i++) {
		batch.lookups[i]->is_done = true;
		pthread_cond_signal(&batch.lookups[i]->changed);
	}
	hand_over(line);
}

static void wait_and_lead(struct line *line, struct lookup *own)
{
	pthread_mutex_lock(&line->mutex);
	*line->last = own;
	line->last = &own->next;
	own->is_leader = !line->has_leader;
	line->has_leader = true;
	while (!own->is_done && !own->is_leader)
		pthread_cond_wait(&own->changed, &line->mutex);
	if (!own->is_done)
		lead(line, own);
	pthread_mutex_unlock(&line->mutex);
}

static enum err look_up(void *context, const Kluis__Operation *operation, const Kluis__Part *part,
			struct slice employee, struct arena *arena, const Kluis__Result **ret_result,
			const Kluis__Part **ret_part, uint64_t *ret_index, struct fault *fault)
{
	struct line *line = context;
	struct lookup own = {
		.operation = operation, .part = part, .employee = employee, .arena = arena, .fault = fault};

	if (line->options.is_up != NULL && !line->options.is_up(line->options.context))
		return ERR_NETWORK;
	pthread_cond_init(&own.changed, NULL);
	wait_and_lead(line, &own);
	pthread_cond_destroy(&own.changed);
	TRY(own.err);
	*ret_result = own.result;
	*ret_part = own.answer_part;
	*ret_index = own.index;
	return ERR_OK;
}

enum err line_settle(struct line *line, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};

	arena_init(&arena, 2 * REQUEST_ARENA_MAX);
	enum err err = settle(line, &arena, fault);
	/* what else is wrong with the lane, the next lookup finds out */
	return line->session.has_pending ? err : session_keep(&line->session);
}

struct desk_line line_of_desk(struct line *line)
{
	return (struct desk_line){.context = line, .lookup = look_up};
}
