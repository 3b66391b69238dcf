#include "core/round.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/request.h"

#define LINES_ARENA_MAX (4 * PAPER_MAX)

/* ---- rows ---- */

enum err round_decode(struct slice row, struct round *ret_round)
{
	struct reader reader = reader_of(row);
	struct round round = {.began_ms = reader_u64(&reader)};

	round.is_over = reader_u8(&reader) == 1;
	round.size = reader_u64(&reader);
	round.note = reader.rest;
	if (reader.is_short || round.note.length == 0)
		return ERR_CORRUPT;
	*ret_round = round;
	return ERR_OK;
}

enum err round_encode(const struct round *round, struct bytes *ret_row)
{
	TRY(bytes_append_u64(ret_row, round->began_ms));
	TRY(bytes_append_u8(ret_row, round->is_over));
	TRY(bytes_append_u64(ret_row, round->size));
	return bytes_append(ret_row, round->note);
}

static enum err parse(struct slice bytes, struct arena *arena, struct note **ret_note)
{
	struct note *note = arena_alloc(arena, sizeof *note);

	if (note == NULL)
		return ERR_MEMORY;
	enum err err = note_parse(bytes, arena, note, NULL);
	if (err != ERR_OK)
		return err == ERR_MEMORY ? err : ERR_CORRUPT;
	*ret_note = note;
	return ERR_OK;
}

enum err round_text(const struct round *round, struct arena *arena, struct slice *ret_text)
{
	struct note *note;

	TRY(parse(round->note, arena, &note));
	*ret_text = note->text;
	return ERR_OK;
}

/* In the order in which a note takes them: outside witnesses, then stores by number. */
struct slice cosignature_key(const uint32_t *store, const char *outside, uint8_t place[static COSIGNATURE_KEY_MAX])
{
	if (store != NULL) {
		place[0] = 1;
		put_u32(place + 1, *store);
		return SLICE(place, 5);
	}
	size_t length = strlen(outside);
	assert(length <= PRINCIPAL_MAX);
	place[0] = 0;
	memcpy(place + 1, outside, length);
	return SLICE(place, 1 + length);
}

enum err cosignature_encode(uint64_t size, const struct public_key *cosigner,
			    const uint8_t cosignature[static COSIGNATURE_SIZE], struct bytes *ret_row)
{
	TRY(bytes_append_u64(ret_row, size));
	TRY(bytes_append(ret_row, SLICE_ARRAY(cosigner->key)));
	TRY(bytes_append(ret_row, SLICE(cosignature, COSIGNATURE_SIZE)));
	return bytes_append(ret_row, slice_text(cosigner->name));
}

/* Appends the row's line if it is one of the round's. */
static enum err append_line(struct slice row, uint64_t size, struct bytes *note, size_t *count)
{
	struct reader reader = reader_of(row);
	struct public_key cosigner;

	if (reader_u64(&reader) != size)
		return ERR_OK;
	struct slice key = reader_take(&reader, KEY_SIZE), cosignature = reader_take(&reader, COSIGNATURE_SIZE);
	if (reader.is_short)
		return ERR_CORRUPT;
	if (public_key_init(&cosigner, reader.rest, KEY_TYPE_COSIGNATURE, key.data) != ERR_OK)
		return ERR_CORRUPT;
	TRY(note_append_cosigned(note, &cosigner, cosignature.data));
	(*count)++;
	return ERR_OK;
}

/* ---- the writer's side ---- */

/* Checked by who brought it; waits for the end of the round. */
struct outside {
	bool is_there;
	uint64_t size;
	struct public_key cosigner;
	uint8_t cosignature[COSIGNATURE_SIZE];
};

struct rounds {
	uint64_t interval_ms;
	bool is_begun;
	struct round last; /* the writer's; without its note */
	pthread_mutex_t mutex;
	struct outside outside[OUTSIDE_WITNESSES_MAX]; /* guarded by mutex */
};

enum err rounds_new(struct rounds **ret_rounds)
{
	struct rounds *rounds = calloc(1, sizeof *rounds);

	if (rounds == NULL)
		return ERR_MEMORY;
	rounds->interval_ms = WITNESS_INTERVAL_MS;
	pthread_mutex_init(&rounds->mutex, NULL);
	*ret_rounds = rounds;
	return ERR_OK;
}

void rounds_free(struct rounds **rounds)
{
	if (*rounds == NULL)
		return;
	pthread_mutex_destroy(&(*rounds)->mutex);
	free(*rounds);
	*rounds = NULL;
}

enum err rounds_load(struct rounds *rounds, struct store_txn *txn)
{
	struct slice row;
	enum err err = store_get(txn, TABLE_META, slice_text(ROUND_KEY), &row);

	if (err == ERR_NOT_FOUND)
		return ERR_OK;
	TRY(err);
	TRY(round_decode(row, &rounds->last));
	rounds->last.note = SLICE_EMPTY;
	rounds->is_begun = true;
	return ERR_OK;
}

void core_set_witness_interval(struct core *core, uint64_t interval_ms)
{
	core->rounds->interval_ms = interval_ms;
}

void core_take_cosignature(struct core *core, size_t i, const struct public_key *cosigner, uint64_t size,
			   const uint8_t cosignature[static COSIGNATURE_SIZE])
{
	struct outside taken = {.is_there = true, .size = size, .cosigner = *cosigner};

	assert(i < OUTSIDE_WITNESSES_MAX && cosigner->type == KEY_TYPE_COSIGNATURE);
	memcpy(taken.cosignature, cosignature, COSIGNATURE_SIZE);
	pthread_mutex_lock(&core->rounds->mutex);
	core->rounds->outside[i] = taken;
	pthread_mutex_unlock(&core->rounds->mutex);
}

/* What is written when a round's time is over. */
struct turn_of_round {
	struct core *core;
	uint64_t now_ms;
	bool begins; /* the next one */
	struct round next;
	struct outside outside[OUTSIDE_WITNESSES_MAX];
};

static enum err put_outside(struct store_txn *txn, const struct outside *outside)
{
	uint8_t place[COSIGNATURE_KEY_MAX];
	struct bytes row CLEANUP(bytes_fini) = {0};

	if (!outside->is_there)
		return ERR_OK;
	bytes_init(&row, COSIGNATURE_ROW_MAX);
	TRY(cosignature_encode(outside->size, &outside->cosigner, outside->cosignature, &row));
	store_put(txn, TABLE_COSIGNATURE, cosignature_key(NULL, outside->cosigner.name, place), bytes_slice(&row));
	return ERR_OK;
}

/* The round's note with the lines of those who cosigned it, as many as a note may have. */
static enum err collect(struct store_txn *txn, const struct round *round, struct arena *arena, struct bytes *note,
			size_t *ret_count)
{
	struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
	struct slice key, row;
	struct note *parsed;
	size_t count = 0;

	TRY(parse(round->note, arena, &parsed));
	TRY(bytes_append(note, round->note));
	TRY(store_seek(txn, TABLE_COSIGNATURE, SLICE_EMPTY, &cursor));
	while (parsed->signature_count + count < NOTE_SIGNATURES_MAX && store_next(cursor, &key, &row))
		TRY(append_line(row, round->size, note, &count));
	*ret_count = count;
	return store_txn_status(txn);
}

/* Gives out the note of the round if anybody has cosigned it. */
static enum err publish(struct store_txn *txn, const struct round *round)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct bytes note CLEANUP(bytes_fini) = {0};
	size_t count;

	arena_init(&arena, LINES_ARENA_MAX);
	bytes_init(&note, PAPER_MAX);
	TRY(collect(txn, round, &arena, &note, &count));
	if (count > 0)
		store_put(txn, TABLE_META, slice_text(COSIGNED_KEY), bytes_slice(&note));
	return ERR_OK;
}

static enum err end_round(struct store_txn *txn, struct round *ret_round)
{
	struct slice row;

	TRY(store_get(txn, TABLE_META, slice_text(ROUND_KEY), &row));
	TRY(round_decode(row, ret_round));
	return publish(txn, ret_round);
}

static enum err begin_round(const struct turn_of_round *turn, struct store_txn *txn, struct round *ret_round)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct round round = {.began_ms = turn->now_ms};
	struct checkpoint checkpoint;
	struct slice text;

	arena_init(&arena, LINES_ARENA_MAX);
	TRY(ledger_checkpoint(&core_ledger_tables, txn, &round.note));
	TRY(round_text(&round, &arena, &text));
	enum err err = checkpoint_parse(text, &checkpoint, NULL);
	if (err != ERR_OK)
		return err == ERR_MEMORY ? err : ERR_CORRUPT;
	round.size = checkpoint.size;
	*ret_round = round;
	return ERR_OK;
}

static enum err write_turn(struct store_txn *txn, void *context)
{
	struct turn_of_round *turn = context;
	struct bytes row CLEANUP(bytes_fini) = {0};

	bytes_init(&row, PAPER_MAX + 64);
	for (size_t i = 0; i < OUTSIDE_WITNESSES_MAX; i++)
		TRY(put_outside(txn, &turn->outside[i]));
	if (turn->core->rounds->is_begun)
		TRY(end_round(txn, &turn->next));
	turn->next.is_over = true;
	if (turn->begins)
		TRY(begin_round(turn, txn, &turn->next));
	TRY(round_encode(&turn->next, &row));
	turn->next.note = SLICE_EMPTY;
	store_put(txn, TABLE_META, slice_text(ROUND_KEY), bytes_slice(&row));
	return store_txn_status(txn);
}

/* Requests that have read the round are prepared again (commit.c). */
static enum err write_round(struct core *core, uint64_t now_ms, bool begins)
{
	struct rounds *rounds = core->rounds;
	struct turn_of_round *turn = calloc(1, sizeof *turn);

	if (turn == NULL)
		return ERR_MEMORY;
	turn->core = core;
	turn->now_ms = now_ms;
	turn->begins = begins;
	pthread_mutex_lock(&rounds->mutex);
	memcpy(turn->outside, rounds->outside, sizeof turn->outside);
	pthread_mutex_unlock(&rounds->mutex);
	uint64_t number = atomic_load(&core->commit_number) + 1;
	core->slots[view_hash(TABLE_META, slice_text(ROUND_KEY)) % SLOT_COUNT] = number;
	enum err err = store_update(core->store, write_turn, turn);
	atomic_store(&core->commit_number, number);
	if (err == ERR_OK) {
		rounds->last = turn->next;
		rounds->is_begun = true;
	}
	free(turn);
	return err;
}

enum err core_round(struct core *core, uint64_t now_ms, uint64_t *ret_next_ms)
{
	const struct rounds *rounds = core->rounds;
	uint64_t interval_ms = rounds->interval_ms, began_ms = rounds->last.began_ms;
	bool has_grown = core->checkpoint_size > (rounds->is_begun ? rounds->last.size : 0);

	/* a clock set back does not hold the round up */
	uint64_t age_ms = now_ms >= began_ms ? now_ms - began_ms : interval_ms;
	if (rounds->is_begun && age_ms < interval_ms) {
		*ret_next_ms = interval_ms - age_ms;
		return ERR_OK;
	}
	bool ends = rounds->is_begun && !rounds->last.is_over;
	if (ends || has_grown)
		TRY(write_round(core, now_ms, has_grown));
	*ret_next_ms = has_grown ? interval_ms : UINT64_MAX;
	return ERR_OK;
}

/* ---- outside witnesses ---- */

static enum err read_round(struct store_txn *txn, uint64_t old_size, struct bytes *note, uint64_t *ret_size,
			   struct merkle_proof *ret_proof)
{
	struct slice row;
	struct round round;

	TRY(store_get(txn, TABLE_META, slice_text(ROUND_KEY), &row));
	TRY(round_decode(row, &round));
	TRY(ledger_prove_consistency(&core_ledger_tables, txn, old_size, round.size, ret_proof));
	TRY(bytes_append(note, round.note));
	*ret_size = round.size;
	return ERR_OK;
}

enum err core_round_read(struct core *core, uint64_t old_size, struct bytes *ret_note, uint64_t *ret_size,
			 struct merkle_proof *ret_proof)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;

	TRY(store_begin_read(core->store, &txn));
	return read_round(txn, old_size, ret_note, ret_size, ret_proof);
}
