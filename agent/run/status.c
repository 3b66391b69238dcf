#include "run/status.h"

#include <stdio.h>
#include <string.h>

#include "alarm.h"
#include "kluis/clock.h"
#include "kluis/hash.h"
#include "sync.h"

static json_t *time_json(uint64_t time_ms)
{
	char text[25];

	if (time_ms == 0)
		return json_null();
	time_print(time_ms, text);
	return json_string(text);
}

static json_t *agreement_json(const struct agreement *agreement, enum agreement_state state)
{
	char hash[2 * HASH_SIZE + 1];

	if (agreement == NULL)
		return json_null();
	hex_print(SLICE_ARRAY(agreement->hash), hash);
	return json_pack("{s:s, s:s, s:o, s:o}", "hash", hash, "state", agreement_state_name(state), "from",
			 time_json(agreement->from_s * 1000), "until", time_json(agreement->until_s * 1000));
}

/* Of a copy that is there or granted: how many, until when it opens, and if not why. */
static json_t *copy_json(struct shop *shop, const char *purpose, const struct keeper_progress *progress)
{
	struct replica_lease lease = {0};
	uint64_t customers = 0;
	enum err open = shop_copy_is_open(shop, purpose);
	bool has_lease = replica_lease(&shop->replica, purpose, &lease) == ERR_OK;
	bool is_copying = strcmp(progress->purpose, purpose) == 0;

	if (replica_count(&shop->replica, purpose, &customers) != ERR_OK)
		customers = 0;
	return json_pack("{s:s, s:I, s:o, s:s, s:o}", "purpose", purpose, "customers", (json_int_t)customers,
			 "lease_until", has_lease ? time_json(lease.until_ms) : json_null(), "state",
			 open == ERR_OK ? "open" : error_text(open), "copying",
			 is_copying ? json_pack("{s:I, s:b}", "customers", (json_int_t)progress->customers,
						"is_first_copy", progress->is_first_copy)
				    : json_null());
}

static json_t *copies_json(struct shop *shop, const struct keeper_progress *progress)
{
	json_t *copies = json_array();

	for (unsigned i = 0; shop->agreement != NULL && i < shop->charter->purpose_count; i++)
		if ((sync_purposes(shop->agreement) >> i & 1) != 0)
			json_array_append_new(copies, copy_json(shop, shop->charter->purposes[i].name, progress));
	return copies;
}

static void put_outbox(json_t *status, struct shop *shop)
{
	uint64_t waiting, refused;

	outbox_counts(shop->outbox, &waiting, &refused);
	json_object_set_new(status, "outbox",
			    json_pack("{s:I, s:I}", "waiting", (json_int_t)waiting, "refused", (json_int_t)refused));
	json_object_set_new(status, "journal",
			    json_pack("{s:I}", "waiting", (json_int_t)journal_waiting(shop->journal)));
}

static void put_contact(json_t *status, struct shop *shop, const struct status_facts *facts)
{
	pthread_mutex_lock(&shop->time_lock);
	struct timekeeper time = shop->time;
	uint64_t contact_ms = shop->contact_ms;
	pthread_mutex_unlock(&shop->time_lock);

	json_object_set_new(status, "running", json_boolean(facts->is_running));
	json_object_set_new(status, "online", json_boolean(facts->is_online));
	json_object_set_new(status, "online_since", time_json(facts->online_since_ms));
	json_object_set_new(status, "connections", json_integer(facts->connections));
	json_object_set_new(status, "last_contact", time_json(contact_ms));
	json_object_set_new(status, "clock_offset_ms",
			    time.has_contact ? json_integer((json_int_t)time.offset_ms) : json_null());
}

static json_t *certificate_json(const struct purge_certificate *certificate)
{
	const char *purpose = certificate->purpose[0] == '\0' ? NULL : certificate->purpose;

	return json_pack("{s:s?, s:s, s:I, s:I, s:o}", "purpose", purpose, "reason", error_text(certificate->reason),
			 "customers", (json_int_t)certificate->customers, "items", (json_int_t)certificate->waiting,
			 "time", time_json(certificate->time_ms));
}

static json_t *certificates_json(struct shop *shop)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct purge_certificate *certificates;
	size_t count = 0;
	json_t *list = json_array();

	arena_init(&arena, REQUEST_ARENA_MAX);
	if (shop_certificates(shop, &arena, &certificates, &count) != ERR_OK)
		return list;
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, certificate_json(&certificates[i]));
	return list;
}

json_t *status_json(struct shop *shop, const struct status_facts *facts)
{
	char key[9];

	snprintf(key, sizeof key, "%08x", facts->key_id);
	json_t *status = json_pack("{s:s, s:s, s:s, s:i}", "principal", facts->principal, "key", key, "broker",
				   facts->broker, "store", (int)shop->number);
	if (status == NULL)
		return NULL;
	put_contact(status, shop, facts);
	pthread_rwlock_rdlock(&shop->lock);
	json_object_set_new(status, "agreement", agreement_json(shop->agreement, shop->state));
	json_object_set_new(status, "copies", copies_json(shop, &facts->progress));
	json_object_set_new(status, "seen_size", json_integer((json_int_t)shop->seen_size));
	pthread_rwlock_unlock(&shop->lock);
	json_object_set_new(status, "purges_to_certify", certificates_json(shop));
	put_outbox(status, shop);
	json_object_set_new(status, "alarms", json_integer((json_int_t)alarm_count(shop->store)));
	return status;
}
