#include "copy_maker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kluis/keys.h"

#define CUSTOMERS_MAX 128

static void must(enum err err, const char *what)
{
	if (err == ERR_OK)
		return;
	fprintf(stderr, "copy copies: %s: %s\n", what, error_text(err));
	abort();
}

static void open_store(struct copy_maker *copies, bool is_new)
{
	struct fault fault = {""};

	must(store_open(copies->path, &replica_layout, is_new, &copies->store, &fault), fault.text);
	copies->replica =
		(struct replica){.store = copies->store, .key = copies->key, .keys = key_shelf_memory(&copies->shelf)};
}

void copy_maker_begin(struct copy_maker *copies)
{
	memset(copies, 0, sizeof *copies);
	must(keys_init(), "libsodium");
	scratch_new(copies->folder);
	snprintf(copies->path, sizeof copies->path, "%s/db", copies->folder);
	memset(copies->key, 42, KEY_SIZE);
	memset(copies->handle_key, 43, KEY_SIZE);
	memset(copies->agreement, 44, HASH_SIZE);
	open_store(copies, true);
}

void copy_maker_end(struct copy_maker *copies)
{
	store_close(&copies->store);
	scratch_remove(copies->folder);
}

void copy_maker_reopen(struct copy_maker *copies)
{
	store_close(&copies->store);
	open_store(copies, false);
}

void copy_maker_lease(struct copy_maker *copies, const char *purpose)
{
	must(replica_set_lease(&copies->replica, purpose, 2000, 1000, SLICE_ARRAY(copies->handle_key)), "lease");
}

static void *taken(void *place)
{
	must(place == NULL ? ERR_MEMORY : ERR_OK, "arena");
	return place;
}

static void add_value(const struct copy_maker *copies, struct arena *arena, Kluis__Values *values, uint32_t field,
		      char *text)
{
	Kluis__Value *value = taken(arena_alloc(arena, sizeof *value));
	Kluis__Handle *handle = taken(arena_alloc(arena, sizeof *handle));
	uint8_t *hash = taken(arena_alloc(arena, HANDLE_SIZE));

	kluis__value__init(value);
	kluis__handle__init(handle);
	handle_make(copies->handle_key, (uint8_t)field, slice_text(taken(text)), hash);
	value->field = handle->field = field;
	value->value = text;
	handle->hash = wire_data(SLICE(hash, HANDLE_SIZE));
	values->values[values->n_values++] = value;
	values->handles[values->n_handles++] = handle;
}

static Kluis__Part *part_of(const struct copy_maker *copies, struct arena *arena, unsigned number)
{
	Kluis__Values values = KLUIS__VALUES__INIT;
	Kluis__Value *list[COPY_HANDLES_MAX];
	Kluis__Handle *handles[COPY_HANDLES_MAX];
	Kluis__Part *part = taken(arena_alloc(arena, sizeof *part));
	struct bytes bytes CLEANUP(bytes_fini) = {0};

	values.values = list;
	values.handles = handles;
	add_value(copies, arena, &values, 1, arena_printf(arena, "card %u", number));
	add_value(copies, arena, &values, 3, arena_printf(arena, "phone %u", number / 2));
	bytes_init(&bytes, RECORD_MAX);
	must(wire_encode(&values.base, &bytes), "content");
	kluis__part__init(part);
	part->content = wire_data(SLICE(taken(arena_copy(arena, bytes_slice(&bytes))), bytes.length));
	return part;
}

static bool has_record(uint32_t version)
{
	return version > 0 && version != COPY_ERASED;
}

static Kluis__Disclosure *disclosure_of(struct arena *arena, unsigned number, uint32_t version)
{
	Kluis__Disclosure *disclosure = taken(arena_alloc(arena, sizeof *disclosure));
	uint8_t *customer = taken(arena_alloc(arena, PSEUDONYM_SIZE));

	kluis__disclosure__init(disclosure);
	put_u32(customer, number);
	disclosure->customer = wire_data(SLICE(customer, PSEUDONYM_SIZE));
	disclosure->has_commitment = has_record(version);
	disclosure->has_withheld = !disclosure->has_commitment;
	disclosure->withheld = version == COPY_ERASED ? ERR_ERASED : ERR_SCOPE;
	disclosure->version = disclosure->has_commitment ? version : 0;
	disclosure->fields = disclosure->has_commitment ? 5 : 0;
	return disclosure;
}

enum err copy_maker_page(struct copy_maker *copies, const char *purpose, unsigned first, unsigned last,
			 uint32_t version)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	Kluis__Result result = KLUIS__RESULT__INIT;
	Kluis__Disclosure *disclosures[CUSTOMERS_MAX];
	Kluis__Part *parts[CUSTOMERS_MAX];
	struct replica_page page = {.purpose = purpose,
				    .agreement = copies->agreement,
				    .entry_index = 7,
				    .result = &result,
				    .parts = parts};
	uint64_t written, removed;

	arena_init(&arena, 2 * REQUEST_ARENA_MAX);
	must(last - first < CUSTOMERS_MAX ? ERR_OK : ERR_TOO_LARGE, "page");
	for (unsigned number = first; number <= last; number++) {
		disclosures[result.n_disclosures++] = disclosure_of(&arena, number, version);
		if (has_record(version))
			parts[page.part_count++] = part_of(copies, &arena, number);
	}
	result.disclosures = disclosures;
	result.has_cursor = true;
	result.cursor = copies->cursor + 1;
	enum err err = replica_apply(&copies->replica, &page, &written, &removed);
	copies->cursor += err == ERR_OK;
	return err;
}

enum err copy_maker_find(struct copy_maker *copies, const char *purpose, uint8_t field, const char *value,
			 unsigned *ret_customer)
{
	uint8_t pseudonym[PSEUDONYM_SIZE];

	TRY(replica_find(&copies->replica, purpose, field, slice_text(value), pseudonym));
	*ret_customer = get_u32(pseudonym);
	return ERR_OK;
}

uint64_t copy_maker_rows(struct copy_maker *copies, enum replica_table table)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;

	must(store_begin_read(copies->store, &txn), "read");
	return store_count(txn, table);
}

/* ---- for cmocka ---- */

struct copy_maker maker;

int copy_maker_set_up(void **state)
{
	(void)state;
	copy_maker_begin(&maker);
	return 0;
}

int copy_maker_tear_down(void **state)
{
	(void)state;
	copy_maker_end(&maker);
	return 0;
}
