#include "fake_shop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kluis/envelope.h"
#include "staff.h"
#include "text.h"

#define NOON_MS (UINT64_C(20777) * 86400000 + UINT64_C(43200000))

static const char grants[] =
	"[grant till]\npurpose = service\noperations = lookup, receipt, register, update, consent\n"
	"customers = registered\nfields = card, name, phone\nmasks = phone:last4\nstaff = cashier, manager\n"
	"hours = mon-sat 07:00-22:00 Europe/Amsterdam\nper-day = 2\nlease = 72h\nterritory = EEA\n"
	"[grant copy]\npurpose = service\noperations = sync\ncustomers = all\nfields = card, name, phone, email\n"
	"staff = manager\nhours = mon-sun 00:00-24:00 Europe/Amsterdam\nlease = 72h\nterritory = EEA\n"
	"[grant letters]\npurpose = direct-marketing\noperations = lookup, register, update\ncustomers = all\n"
	"fields = card, name, email\nstaff = manager\nhours = mon-sun 00:00-24:00 Europe/Amsterdam\nlease = "
	"72h\nterritory = EEA\n";

static void must(enum err err, const char *what)
{
	if (err == ERR_OK)
		return;
	fprintf(stderr, "fake shop: %s: %s\n", what, error_text(err));
	abort();
}

static void *taken(void *place)
{
	if (place == NULL)
		must(ERR_MEMORY, "arena");
	return place;
}

/* ---- making one ---- */

static struct moment clock_of(void *context)
{
	struct fake_shop *fake = context;

	return (struct moment){.wall_ms = fake->now_ms, .steady_ms = fake->steady_ms};
}

static struct fake_shop *of_replica(const struct replica *replica)
{
	return replica->keys.context;
}

static void read_papers(struct fake_shop *fake)
{
	papers_init(&fake->papers);
	char *text = fake->papers.agreement_text, *end = strstr(text, "[grant ");
	char *head = taken(arena_text(&fake->papers.arena, SLICE(text, (size_t)(end - text))));
	papers_replace(&fake->papers, fake->papers.charter_text,
		       taken(arena_printf(&fake->papers.arena, "%s%s", head, grants)));
}

static void open_store(struct fake_shop *fake)
{
	struct fault fault = {""};
	char path[SCRATCH_MAX + 8];

	scratch_new(fake->folder);
	snprintf(path, sizeof path, "%s/db", fake->folder);
	must(store_open(path, &replica_layout, true, &fake->shop.store, &fault), fault.text);
	fake->shop.replica = (struct replica){.store = fake->shop.store, .key = fake->key, .keys.context = fake};
}

void fake_shop_employ(struct fake_shop *fake, const char *handle, const char *role)
{
	struct replica_employee employee = {.handle = ""};

	snprintf(employee.handle, sizeof employee.handle, "%s", handle);
	snprintf(employee.role, sizeof employee.role, "%s", role);
	memset(employee.pseudonym, handle[0], PSEUDONYM_SIZE);
	must(replica_put_employee(&fake->shop.replica, &employee), "employee");
}

static enum err ask_broker(void *context, const Kluis__Operation *operation, const Kluis__Part *part,
			   struct slice employee, struct arena *arena, const Kluis__Result **ret_result,
			   const Kluis__Part **ret_part, uint64_t *ret_index, struct fault *fault)
{
	struct fake_shop *fake = context;
	Kluis__Values *values;

	(void)fault;
	fake->line_calls++;
	must(part_check(part, wire_slice(operation->lookup->commitment)), "the question's part");
	must(WIRE_DECODE(Values, values, wire_slice(part->content), &fake->arena, &values), "the question's values");
	fake->asked = *values->values[0];
	if (values->n_values != 1 || fake->asked.field != operation->lookup->field || employee.length != PSEUDONYM_SIZE)
		must(ERR_INPUT, "the question");
	/* nothing waits for the network under the lock: a writer gets in */
	must(pthread_rwlock_trywrlock(&fake->shop.lock) == 0 ? ERR_OK : ERR_BUSY, "the lock was held");
	pthread_rwlock_unlock(&fake->shop.lock);
	if (fake->line_meanwhile != NULL)
		fake->line_meanwhile(fake);
	if (fake->line_code != ERR_OK)
		return fake->line_code;
	(void)arena;
	*ret_result = &fake->result;
	*ret_part = fake->part;
	*ret_index = 4242;
	return ERR_OK;
}

static void open_desk(struct fake_shop *fake)
{
	struct desk_line line = {.context = fake, .lookup = ask_broker};

	must(desk_new(&fake->shop, line, &fake->desk), "desk");
}

/* As the daemon's: who takes something away goes before those who keep on coming to read it. */
static void init_lock(pthread_rwlock_t *lock)
{
	pthread_rwlockattr_t attributes;

	pthread_rwlockattr_init(&attributes);
	pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(lock, &attributes);
	pthread_rwlockattr_destroy(&attributes);
}

void fake_shop_begin(struct fake_shop *fake)
{
	memset(fake, 0, sizeof *fake);
	fake->now_ms = NOON_MS;
	fake->steady_ms = 1000;
	memset(fake->key, 9, sizeof fake->key);
	arena_init(&fake->arena, 1 << 24);
	pthread_mutex_init(&fake->mutex, NULL);
	read_papers(fake);
	open_store(fake);
	init_lock(&fake->shop.lock);
	fake->shop.clock = clock_of;
	fake->shop.clock_context = fake;
	fake->shop.journal = (struct journal *)(void *)fake;
	fake->shop.outbox = (struct outbox *)(void *)fake;
	fake->shop.number = 12;
	fake->shop.charter = &fake->papers.charter;
	fake->shop.agreement = &fake->papers.agreement;
	fake->shop.state = AGREEMENT_ACTIVE;
	fake->shop.known_size = 55;
	memset(fake->shop.known_root.bytes, 5, HASH_SIZE);
	fake->line_code = ERR_NETWORK;
	fake_shop_employ(fake, "anna", "cashier");
	fake_shop_employ(fake, "bea", "manager");
	must(staff_set_pin(&fake->shop.replica, "anna", slice_text(FAKE_CLERK_PIN)), "PIN");
	must(staff_set_pin(&fake->shop.replica, "bea", slice_text(FAKE_CLERK_PIN)), "PIN");
	open_desk(fake);
}

void fake_shop_end(struct fake_shop *fake)
{
	desk_free(&fake->desk);
	store_close(&fake->shop.store);
	scratch_remove(fake->folder);
	papers_fini(&fake->papers);
	pthread_rwlock_destroy(&fake->shop.lock);
	pthread_mutex_destroy(&fake->mutex);
	arena_fini(&fake->arena);
}

void fake_shop_restart(struct fake_shop *fake)
{
	desk_free(&fake->desk);
	open_desk(fake);
}

/* ---- the copy ---- */

struct fake_row *fake_shop_row(struct fake_shop *fake, uint8_t customer, const char *card, const char *name,
			       const char *phone)
{
	struct fake_row *row = &fake->rows[fake->row_count++];

	*row = (struct fake_row){
		.card = card, .name = name, .phone = phone, .is_registered_here = true, .version = 1, .grant = 1};
	memset(row->customer, customer, PSEUDONYM_SIZE);
	return row;
}

static void add_value(Kluis__Values *values, Kluis__Value *place, uint32_t field, const char *text)
{
	if (text == NULL)
		return;
	kluis__value__init(place);
	place->field = field;
	place->value = (char *)(uintptr_t)text;
	values->values[values->n_values++] = place;
}

static enum err encode_row(const struct fake_row *row, struct bytes *ret_content, uint64_t *ret_fields)
{
	Kluis__Values values = KLUIS__VALUES__INIT;
	Kluis__Value places[4], *list[4];
	Kluis__Facts facts = KLUIS__FACTS__INIT;
	Kluis__Superseded lost = KLUIS__SUPERSEDED__INIT, *losts = &lost;

	values.values = list;
	add_value(&values, &places[0], 1, row->card);
	add_value(&values, &places[1], 2, row->name);
	add_value(&values, &places[2], 3, row->phone);
	add_value(&values, &places[3], 4, row->email);
	*ret_fields = 0;
	for (size_t i = 0; i < values.n_values; i++)
		*ret_fields |= (uint64_t)1 << (list[i]->field - 1);
	facts.is_registered_here = row->is_registered_here;
	values.facts = row->has_no_facts ? NULL : &facts;
	lost.field = 3;
	lost.value = (char *)(uintptr_t)row->lost_phone;
	lost.store = 7;
	lost.made_ms = 99;
	values.superseded = &losts;
	values.n_superseded = row->lost_phone != NULL;
	return wire_encode(&values.base, ret_content);
}

enum err __wrap_shop_copy_is_open(struct shop *shop, const char *purpose);
enum err __wrap_shop_copy_is_open(struct shop *shop, const char *purpose)
{
	struct fake_shop *fake = of_replica(&shop->replica);

	return strcmp(purpose, "service") == 0 ? fake->copy_code : ERR_NO_GRANT_OPERATION;
}

uint64_t __wrap_shop_now_ms(struct shop *shop);
uint64_t __wrap_shop_now_ms(struct shop *shop)
{
	return of_replica(&shop->replica)->now_ms;
}

enum err __wrap_replica_find(const struct replica *replica, const char *purpose, uint8_t field,
			     struct slice normal_form, uint8_t ret_pseudonym[static PSEUDONYM_SIZE]);
enum err __wrap_replica_find(const struct replica *replica, const char *purpose, uint8_t field,
			     struct slice normal_form, uint8_t ret_pseudonym[static PSEUDONYM_SIZE])
{
	struct fake_shop *fake = of_replica(replica);
	unsigned found = 0;

	(void)purpose;
	for (size_t i = 0; i < fake->row_count; i++) {
		const struct fake_row *row = &fake->rows[i];
		const char *value = field == 1 ? row->card : field == 3 ? row->phone : row->email;
		if (value == NULL || !slice_equal(slice_text(value), normal_form))
			continue;
		memcpy(ret_pseudonym, row->customer, PSEUDONYM_SIZE);
		found++;
	}
	return found == 0 ? ERR_NOT_FOUND : found == 1 ? ERR_OK : ERR_AMBIGUOUS;
}

enum err __wrap_replica_get(const struct replica *replica, const char *purpose, struct slice customer,
			    replica_fn *visit, void *context);
enum err __wrap_replica_get(const struct replica *replica, const char *purpose, struct slice customer,
			    replica_fn *visit, void *context)
{
	struct fake_shop *fake = of_replica(replica);
	struct bytes content CLEANUP(bytes_fini) = {0};

	(void)purpose;
	bytes_init_secret(&content, RECORD_MAX);
	for (size_t i = 0; i < fake->row_count; i++) {
		const struct fake_row *row = &fake->rows[i];
		struct replica_row opened = {
			.customer = customer, .version = row->version, .grant = row->grant, .entry_index = 77};
		if (!slice_equal(customer, SLICE_ARRAY(row->customer)))
			continue;
		TRY(encode_row(row, &content, &opened.fields));
		opened.content = bytes_slice(&content);
		return visit(context, &opened);
	}
	return ERR_NOT_FOUND;
}

/* ---- the journal ---- */

enum err __wrap_journal_append(struct journal *journal, const struct journal_access *access, uint64_t *ret_number);
enum err __wrap_journal_append(struct journal *journal, const struct journal_access *access, uint64_t *ret_number)
{
	struct fake_shop *fake = (struct fake_shop *)(void *)journal;
	enum err err;

	pthread_mutex_lock(&fake->mutex);
	err = fake->journal_code;
	if (err == ERR_OK) {
		struct fake_record *record = &fake->records[fake->record_count++ % FAKE_RECORDS];
		record->access = *access;
		snprintf(record->purpose, sizeof record->purpose, "%s", access->purpose);
		*ret_number = fake->record_count;
	}
	pthread_mutex_unlock(&fake->mutex);
	return err;
}

enum err __wrap_journal_use(struct journal *journal, const uint8_t agreement[static HASH_SIZE], uint32_t grant,
			    int32_t day, struct slice customer, uint32_t *ret_customers, bool *ret_is_counted);
enum err __wrap_journal_use(struct journal *journal, const uint8_t agreement[static HASH_SIZE], uint32_t grant,
			    int32_t day, struct slice customer, uint32_t *ret_customers, bool *ret_is_counted)
{
	struct fake_shop *fake = (struct fake_shop *)(void *)journal;
	uint8_t seen[256] = {0};

	(void)agreement;
	pthread_mutex_lock(&fake->mutex);
	for (size_t i = 0; i < fake->record_count && i < FAKE_RECORDS; i++) {
		const struct journal_access *access = &fake->records[i].access;
		if (access->count_grant == (int)grant && access->count_day == day)
			seen[access->customer[0]] = 1;
	}
	for (size_t i = 0; i < fake->elsewhere_count && i < FAKE_RECORDS; i++) {
		const struct journal_access *access = &fake->elsewhere[i];
		if (access->count_grant == (int)grant && access->count_day == day)
			seen[access->customer[0]] = 1;
	}
	pthread_mutex_unlock(&fake->mutex);
	*ret_customers = 0;
	for (size_t i = 0; i < sizeof seen; i++)
		*ret_customers += seen[i];
	*ret_is_counted = seen[customer.data[0]] != 0;
	return fake->use_code;
}

enum err __wrap_journal_count_elsewhere(struct journal *journal, const struct journal_access *access);
enum err __wrap_journal_count_elsewhere(struct journal *journal, const struct journal_access *access)
{
	struct fake_shop *fake = (struct fake_shop *)(void *)journal;

	pthread_mutex_lock(&fake->mutex);
	enum err err = fake->journal_code;
	if (err == ERR_OK)
		fake->elsewhere[fake->elsewhere_count++ % FAKE_RECORDS] = *access;
	pthread_mutex_unlock(&fake->mutex);
	return err;
}

const struct fake_record *fake_shop_record(const struct fake_shop *fake)
{
	if (fake->record_count == 0)
		must(ERR_NOT_FOUND, "no record in the journal");
	return &fake->records[(fake->record_count - 1) % FAKE_RECORDS];
}

/* ---- the outbox ---- */

static ProtobufCMessage *copy_of(struct fake_shop *fake, const ProtobufCMessage *message)
{
	struct bytes encoded CLEANUP(bytes_fini) = {0};
	ProtobufCMessage *copy;

	bytes_init(&encoded, MESSAGE_MAX);
	must(wire_encode(message, &encoded), "encode an item");
	must(wire_decode(message->descriptor, bytes_slice(&encoded), &fake->arena, &copy), "decode an item");
	return copy;
}

enum err __wrap_outbox_add(struct outbox *outbox, const Kluis__Operation *operation, const Kluis__Part *part,
			   struct slice employee, uint64_t time_ms, uint64_t *ret_number);
enum err __wrap_outbox_add(struct outbox *outbox, const Kluis__Operation *operation, const Kluis__Part *part,
			   struct slice employee, uint64_t time_ms, uint64_t *ret_number)
{
	struct fake_shop *fake = (struct fake_shop *)(void *)outbox;

	pthread_mutex_lock(&fake->mutex);
	enum err err = fake->item_count < FAKE_ITEMS ? fake->outbox_code : ERR_BUSY;
	if (err == ERR_OK) {
		struct fake_item *item = &fake->items[fake->item_count++];
		*item = (struct fake_item){.number = fake->item_count, .time_ms = time_ms};
		item->operation = (Kluis__Operation *)copy_of(fake, &operation->base);
		item->part = part == NULL ? NULL : (Kluis__Part *)copy_of(fake, &part->base);
		item->has_employee = employee.length == PSEUDONYM_SIZE;
		if (item->has_employee)
			memcpy(item->employee, employee.data, PSEUDONYM_SIZE);
		*ret_number = item->number;
	}
	pthread_mutex_unlock(&fake->mutex);
	return err;
}

enum err __wrap_outbox_each(struct outbox *outbox, enum outbox_state state, size_t count, struct arena *arena,
			    outbox_fn *visit, void *context);
enum err __wrap_outbox_each(struct outbox *outbox, enum outbox_state state, size_t count, struct arena *arena,
			    outbox_fn *visit, void *context)
{
	struct fake_shop *fake = (struct fake_shop *)(void *)outbox;

	(void)arena;
	for (size_t i = 0; i < fake->item_count && count > 0; i++) {
		struct fake_item *from = &fake->items[i];
		struct outbox_item item = {
			.number = from->number, .state = from->state, .operation = from->operation, .part = from->part};
		if (from->state != state)
			continue;
		count--;
		TRY(visit(context, &item));
	}
	return ERR_OK;
}

void __wrap_outbox_counts(struct outbox *outbox, uint64_t *ret_waiting, uint64_t *ret_refused);
void __wrap_outbox_counts(struct outbox *outbox, uint64_t *ret_waiting, uint64_t *ret_refused)
{
	struct fake_shop *fake = (struct fake_shop *)(void *)outbox;

	*ret_waiting = *ret_refused = 0;
	for (size_t i = 0; i < fake->item_count; i++)
		*(fake->items[i].state == OUTBOX_REFUSED ? ret_refused : ret_waiting) += 1;
}

/* ---- the broker ---- */

static Kluis__Values *values_of(struct fake_shop *fake, const char *text)
{
	Kluis__Values *values = taken(arena_alloc(&fake->arena, sizeof *values));
	char *rest = taken(arena_text(&fake->arena, slice_text(text))), *next;

	kluis__values__init(values);
	values->values = taken(arena_array(&fake->arena, FIELDS_MAX, sizeof(Kluis__Value *)));
	while ((next = strsep(&rest, "|")) != NULL) {
		Kluis__Value *value = taken(arena_alloc(&fake->arena, sizeof *value));
		kluis__value__init(value);
		value->field = (uint32_t)strtoul(next, &next, 10);
		value->value = next + 1;
		values->values[values->n_values++] = value;
	}
	return values;
}

void fake_shop_answer(struct fake_shop *fake, uint8_t customer, uint32_t grant, uint64_t fields, const char *values)
{
	Kluis__Disclosure *disclosure = taken(arena_alloc(&fake->arena, sizeof *disclosure));
	Kluis__Part *part;
	uint8_t pseudonym[PSEUDONYM_SIZE];

	memset(pseudonym, customer, sizeof pseudonym);
	kluis__disclosure__init(disclosure);
	disclosure->customer =
		wire_data(SLICE(taken(arena_copy(&fake->arena, SLICE_ARRAY(pseudonym))), PSEUDONYM_SIZE));
	disclosure->version = 7;
	disclosure->grant = grant;
	disclosure->fields = fields;
	must(part_make(&values_of(fake, values)->base, &fake->arena, &part, &disclosure->commitment), "part");
	disclosure->has_commitment = true;
	kluis__result__init(&fake->result);
	fake->result.clause = taken(arena_text(&fake->arena, slice_text("grant till")));
	fake->result.disclosures = taken(arena_alloc(&fake->arena, sizeof(Kluis__Disclosure *)));
	fake->result.disclosures[0] = disclosure;
	fake->result.n_disclosures = 1;
	fake->part = part;
	fake->line_code = ERR_OK;
}

const char *fake_shop_values(struct fake_shop *fake, const Kluis__Part *part)
{
	struct bytes text CLEANUP(bytes_fini) = {0};
	Kluis__Values *values;

	bytes_init(&text, RECORD_MAX);
	must(WIRE_DECODE(Values, values, wire_slice(part->content), &fake->arena, &values), "values of a part");
	for (size_t i = 0; i < values->n_values; i++)
		must(bytes_printf(&text, "%s%u=%s", i == 0 ? "" : "|", values->values[i]->field,
				  values->values[i]->value),
		     "print");
	return taken(arena_text(&fake->arena, bytes_slice(&text)));
}
