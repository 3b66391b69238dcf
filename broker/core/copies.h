/*
 * What head office knows of the copies that stores hold: where each one's journal stands, for which purposes it holds
 * one and until when it may read it, and what gave reason to look at it (FORMAT.md R125 to R129).
 *
 * Times in these rows are whole seconds: what a request was prepared with need not be the millisecond of its entry.
 *
 * Threads: as the context.
 */
#ifndef KLUIS_COPIES_H
#define KLUIS_COPIES_H

#include "core/handler.h"
#include "kluis/journal.h"

/* The context's time cut to its second, in ms. */
uint64_t copies_second_ms(const struct context *context);

/* When an entry of the log was made. */
enum err copies_entry_ms(struct context *context, uint64_t index, uint64_t *ret_time_ms) MUST_USE;
/* The request under way as journals are judged by it; it brings no records. */
enum err copies_request(struct context *context, struct journal_request *ret_request) MUST_USE;
/* All zeros before the store's first record or commitment. */
enum err copies_journal(struct context *context, uint32_t store, struct journal_position *ret_position) MUST_USE;
enum err copies_put_journal(struct context *context, uint32_t store, const struct journal_position *position) MUST_USE;

/* The store's row for a purpose, 1 to NAME_MAX_ bytes; an empty row if there is none. */
enum err copies_holding(struct context *context, uint32_t store, struct slice purpose,
			Rows__Holding *ret_holding) MUST_USE;
enum err copies_put_holding(struct context *context, uint32_t store, struct slice purpose,
			    const Rows__Holding *holding) MUST_USE;
enum err copies_drop_holding(struct context *context, uint32_t store, struct slice purpose) MUST_USE;

/* A key of TABLE_HOLDING taken apart; false if it is none. */
bool copies_holding_key(struct slice key, uint32_t *ret_store, struct slice *ret_purpose);

/* Puts down what is odd about a request of the acting store: bits of enum finding; number: of the journal's record, or
 * 0. Of one record in one second there is one row, with all its bits. Nothing happens with no bits. */
enum err copies_add_finding(struct context *context, uint32_t findings, uint64_t number) MUST_USE;
/* A row of TABLE_FINDING taken apart; ERR_CORRUPT if it is none. */
enum err copies_read_finding(struct slice key, struct slice value, Kluis__FindingRow *ret_row) MUST_USE;

#endif
