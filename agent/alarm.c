#include "alarm.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kluis/log.h"
#include "replica.h"

#define ALARM_KEY_SIZE 8
#define ALARM_HEAD (4 + 8 + 8 + 8)
#define ALARM_ROW_MAX (ALARM_HEAD + sizeof((struct alarm *)NULL)->text)
#define ALARMS_MAX 256 /* not yet seen; more are in the log alone: somebody makes them up */
#define LAST_KEY "alarm"

static const char *const names[] = {
	[ALARM_INCONSISTENT] = "inconsistent log",
	[ALARM_CERTIFICATE] = "other certificate",
	[ALARM_MISMATCH] = "wrong answer",
	[ALARM_TWO_PLACES] = "key used in two places",
	[ALARM_ALTERED] = "altered on disk",
	[ALARM_CLOCK] = "wrong clock",
	[ALARM_DISK] = "disk full",
	[ALARM_OLDER] = "older log",
};

const char *alarm_name(enum alarm_kind kind)
{
	bool is_known = (unsigned)kind < sizeof names / sizeof names[0] && names[kind] != NULL;

	return is_known ? names[kind] : "unknown alarm";
}

/* ---- rows ---- */

static enum err decode(struct slice key, struct slice value, struct alarm *ret_alarm)
{
	struct reader reader = reader_of(value);

	if (key.length != ALARM_KEY_SIZE)
		return ERR_CORRUPT;
	ret_alarm->number = get_u64(key.data);
	ret_alarm->kind = (enum alarm_kind)reader_u32(&reader);
	ret_alarm->first_ms = reader_u64(&reader);
	ret_alarm->last_ms = reader_u64(&reader);
	ret_alarm->count = reader_u64(&reader);
	if (reader.is_short || reader.rest.length >= sizeof ret_alarm->text)
		return ERR_CORRUPT;
	if (reader.rest.length > 0)
		memcpy(ret_alarm->text, reader.rest.data, reader.rest.length);
	ret_alarm->text[reader.rest.length] = '\0';
	return ERR_OK;
}

static void put(struct store_txn *txn, const struct alarm *alarm)
{
	uint8_t key[ALARM_KEY_SIZE], row[ALARM_ROW_MAX];
	size_t length = strlen(alarm->text);

	put_u64(key, alarm->number);
	put_u32(row, (uint32_t)alarm->kind);
	put_u64(row + 4, alarm->first_ms);
	put_u64(row + 12, alarm->last_ms);
	put_u64(row + 20, alarm->count);
	memcpy(row + ALARM_HEAD, alarm->text, length);
	store_put(txn, REPLICA_ALARM, SLICE_ARRAY(key), SLICE(row, ALARM_HEAD + length));
}

/* ---- raising ---- */

struct raising {
	struct alarm alarm;
	bool is_new;
};

/* The one of the same kind and text that nobody has seen yet. */
static enum err find_same(struct store_txn *txn, const struct alarm *alarm, struct alarm *ret_same)
{
	struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
	struct slice key, value;

	TRY(store_seek(txn, REPLICA_ALARM, SLICE_EMPTY, &cursor));
	while (store_next(cursor, &key, &value))
		if (decode(key, value, ret_same) == ERR_OK && ret_same->kind == alarm->kind &&
		    strcmp(ret_same->text, alarm->text) == 0)
			return ERR_OK;
	return store_txn_status(txn) == ERR_OK ? ERR_NOT_FOUND : store_txn_status(txn);
}

/* A number is not used again, also not after the last one was seen: who says "seen 3" means the one that was shown. */
static enum err next_number(struct store_txn *txn, uint64_t *ret_number)
{
	uint8_t number[8];
	struct slice value;
	enum err err = store_get(txn, REPLICA_META, slice_text(LAST_KEY), &value);

	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return err;
	*ret_number = err == ERR_OK && value.length == 8 ? get_u64(value.data) + 1 : 1;
	put_u64(number, *ret_number);
	store_put(txn, REPLICA_META, slice_text(LAST_KEY), SLICE_ARRAY(number));
	return ERR_OK;
}

static enum err raise(struct store_txn *txn, void *context)
{
	struct raising *raising = context;
	struct alarm same;
	enum err err = find_same(txn, &raising->alarm, &same);

	raising->is_new = err == ERR_NOT_FOUND;
	if (err == ERR_OK) {
		same.last_ms = raising->alarm.last_ms;
		same.count++;
		put(txn, &same);
		return ERR_OK;
	}
	if (err != ERR_NOT_FOUND)
		return err;
	if (store_count(txn, REPLICA_ALARM) >= ALARMS_MAX)
		return ERR_TOO_LARGE;
	TRY(next_number(txn, &raising->alarm.number));
	put(txn, &raising->alarm);
	return ERR_OK;
}

void alarm_raise(struct store *store, enum alarm_kind kind, uint64_t time_ms, const char *format, ...)
{
	static struct log_topic topic = LOG_TOPIC("alarm");
	struct raising raising = {.alarm = {.kind = kind, .first_ms = time_ms, .last_ms = time_ms, .count = 1},
				  .is_new = true};
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(raising.alarm.text, sizeof raising.alarm.text, format, arguments);
	va_end(arguments);
	enum err err = store_update(store, raise, &raising);
	if (err != ERR_OK)
		log_event(&topic, "%s: %s (and it cannot be kept: %s)", alarm_name(kind), raising.alarm.text,
			  error_text(err));
	else if (raising.is_new)
		log_event(&topic, "%s: %s; 'kluis-agent alarms seen %llu' when somebody has looked into it",
			  alarm_name(kind), raising.alarm.text, (unsigned long long)raising.alarm.number);
}

/* ---- looking ---- */

enum err alarm_each(struct store *store, alarm_fn *visit, void *context)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;
	struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
	struct slice key, value;
	struct alarm alarm;

	TRY(store_begin_read(store, &txn));
	TRY(store_seek(txn, REPLICA_ALARM, SLICE_EMPTY, &cursor));
	while (store_next(cursor, &key, &value)) {
		TRY(decode(key, value, &alarm));
		TRY(visit(context, &alarm));
	}
	return store_txn_status(txn);
}

uint64_t alarm_count(struct store *store)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;

	return store_begin_read(store, &txn) == ERR_OK ? store_count(txn, REPLICA_ALARM) : 0;
}

static enum err take_off(struct store_txn *txn, void *context)
{
	uint8_t key[ALARM_KEY_SIZE];
	struct slice value;

	put_u64(key, *(const uint64_t *)context);
	TRY(store_get(txn, REPLICA_ALARM, SLICE_ARRAY(key), &value));
	store_delete(txn, REPLICA_ALARM, SLICE_ARRAY(key));
	return ERR_OK;
}

enum err alarm_seen(struct store *store, uint64_t number)
{
	return store_update(store, take_off, &number);
}
