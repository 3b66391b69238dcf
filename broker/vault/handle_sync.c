/*
 * What changed for this store after the cursor (FORMAT.md R111): each customer
 * of the feed is decided on anew and disclosed as it is now, or, where the
 * store may no longer hold it, named by a tombstone. A page ends at the count
 * that was asked for, at what a reply and an entry can carry, or at
 * ROWS_LOOKED_AT_MAX rows, so that no page takes long, even where nothing is in scope.
 */
#include "core/received.h"
#include "feed/feed.h"
#include "vault/authority.h"
#include "vault/customer.h"

#define ROWS_LOOKED_AT_MAX FEED_SEEN_MAX
#define PAGE_BYTES_MAX (700 * (size_t)1024) /* parts of a page: a reply holds them, one more and its entry */
#define RESULT_ROOM 320			    /* of an entry, for one result without disclosures */

static_assert(PAGE_BYTES_MAX + RECORD_MAX + ENTRY_MAX + 64 * DISCLOSURES_MAX < MESSAGE_MAX, "a page fits a reply");

struct page {
	struct authority authority;
	struct feed feed;
	struct feed_seen *seen; /* NULL: one feed, in which nobody stands twice */
	bool is_first;		/* of a first copy: no tombstones */
	bool is_full;
	size_t bytes, bytes_max;
	size_t count, count_max;
	size_t disclosed;  /* of these: not tombstones */
	uint64_t cursor;   /* change of the last row dealt with */
	uint64_t since_ms; /* of the copy (R129) */
	Kluis__Disclosure **list;
};

/* Operations of one envelope share its entry and its reply. */
static size_t disclosures_max(const struct context *context)
{
	size_t operations = context->envelope->decoded->n_operations;
	size_t taken = context->envelope->request.length + 512 + operations * RESULT_ROOM;
	size_t room = taken < ENTRY_MAX ? ENTRY_MAX - taken : 0;
	size_t share = room / DISCLOSURE_ENCODED_MAX / operations;
	size_t asked = context->operation->sync->count;

	if (share > DISCLOSURES_MAX)
		share = DISCLOSURES_MAX;
	return share == 0 ? 1 : share < asked ? share : asked;
}

/* Some grant for sync and the purpose is for all customers. */
static bool sees_all(const struct context *context, const struct authority *authority)
{
	int purpose = charter_purpose(context->agreement_charter, authority->input.purpose);
	uint32_t grants = purpose < 0 ? 0 : agreement_grants_for(context->agreement, OPERATION_SYNC, (uint8_t)purpose);

	for (size_t i = 0; i < context->agreement->grant_count; i++) {
		if ((grants >> i & 1) != 0 && context->agreement->grants[i].scope == SCOPE_ALL)
			return true;
	}
	return false;
}

static enum err page_open(struct context *context, struct page *page)
{
	const Kluis__Sync *request = context->operation->sync;
	bool with_all = sees_all(context, &page->authority);

	page->is_first = request->cursor == 0;
	page->cursor = request->cursor;
	page->count_max = disclosures_max(context);
	page->bytes_max = PAGE_BYTES_MAX / context->envelope->decoded->n_operations;
	page->list = arena_array(context->arena, page->count_max, sizeof(Kluis__Disclosure *));
	if (with_all)
		page->seen = arena_alloc(context->arena, sizeof(*page->seen));
	if (page->list == NULL || (with_all && page->seen == NULL))
		return ERR_MEMORY;
	return feed_open(context->view->txn, context->envelope->principal.store, with_all, request->cursor,
			 &page->feed);
}

static enum err add_tombstone(struct context *context, struct page *page, const struct feed_row *row, enum err code)
{
	Kluis__Disclosure *tombstone = arena_alloc(context->arena, sizeof(*tombstone));
	uint8_t *pseudonym = arena_copy(context->arena, SLICE_ARRAY(row->pseudonym));

	if (tombstone == NULL || pseudonym == NULL)
		return ERR_MEMORY;
	kluis__disclosure__init(tombstone);
	tombstone->customer = wire_data(SLICE(pseudonym, PSEUDONYM_SIZE));
	if (code != ERR_ERASED && page->authority.verdict.has_grant)
		tombstone->grant = page->authority.verdict.grant;
	tombstone->has_withheld = true;
	tombstone->withheld = (uint32_t)code;
	page->list[page->count++] = tombstone;
	return ERR_OK;
}

static enum err add_disclosure(struct context *context, struct page *page, const struct customer *customer)
{
	const struct authority *authority = &page->authority;
	struct cut cut = {.version = customer->row->version,
			  .fields = authority->verdict.fields,
			  .charter = context->agreement_charter,
			  .grant = authority_grant(context, authority),
			  .is_for_copy = true,
			  .purpose = authority->input.purpose,
			  .time_ms = context->time_ms};
	Kluis__Part *part;
	Kluis__Disclosure *disclosure;
	enum err err;

	err = vault_disclose(context, customer, &cut, &part, &disclosure);
	TRY(err == ERR_NOT_FOUND ? ERR_CORRUPT : err);
	TRY(context_add_part(context, part));
	disclosure->grant = authority->verdict.grant;
	page->bytes += part->content.len + SALT_SIZE;
	page->list[page->count++] = disclosure;
	page->disclosed++;
	return received_put(context, customer_pseudonym(customer), page->authority.input.purpose, page->since_ms);
}

/* R152: only whom the copy ever had, but then also on a first page: the store certifies it. */
static enum err add_erased(struct context *context, struct page *page, const struct feed_row *row)
{
	bool is_owed;

	TRY(received_is_there(context, SLICE_ARRAY(row->pseudonym), context->envelope->principal.store,
			      page->authority.input.purpose, &is_owed));
	return is_owed ? add_tombstone(context, page, row, ERR_ERASED) : ERR_OK;
}

static enum err add_customer(struct context *context, struct page *page, const struct feed_row *row)
{
	struct customer customer;
	enum err err = vault_customer(context, SLICE_ARRAY(row->pseudonym), &customer);

	if (err == ERR_OK) {
		authority_weigh(context, &page->authority, &customer);
		err = page->authority.verdict.code;
		if (err == ERR_OK)
			return add_disclosure(context, page, &customer);
	} else if (err == ERR_ERASED) {
		return add_erased(context, page, row);
	} else if (err != ERR_NOT_FOUND) {
		return err;
	}
	/* a first copy holds nobody yet whom it had to let go */
	return page->is_first ? ERR_OK : add_tombstone(context, page, row, err);
}

/* The next row of the feed; a customer for whom the reply has no room is left to the next page. */
static enum err take_row(struct context *context, struct page *page)
{
	struct feed_row row;

	TRY(feed_next(&page->feed, &row));
	if (page->seen == NULL || feed_seen_add(page->seen, row.pseudonym)) {
		enum err err = add_customer(context, page, &row);

		if (err == ERR_TOO_LARGE && page->count > 0) {
			page->is_full = true;
			return ERR_OK;
		}
		TRY(err);
	}
	page->cursor = row.change;
	return ERR_OK;
}

static bool page_has_room(const struct context *context, const struct page *page)
{
	return !page->is_full && page->count < page->count_max && page->bytes < page->bytes_max &&
	       context->arena->used < context->arena->ceiling / 4 * 3;
}

static enum err fill(struct context *context, struct page *page)
{
	for (size_t looked_at = 0; looked_at < ROWS_LOOKED_AT_MAX; looked_at++) {
		if (!feed_has_next(&page->feed) || !page_has_room(context, page))
			break;
		TRY(take_row(context, page));
	}
	return store_txn_status(context->view->txn);
}

/* R129: from the first page that discloses somebody, the store holds a copy for the purpose. */
static enum err note_holding(struct context *context, const struct page *page, Rows__Holding *holding)
{
	if (page->disclosed == 0 || holding->has_since_ms)
		return ERR_OK;
	holding->has_since_ms = 1;
	holding->since_ms = page->since_ms;
	return copies_put_holding(context, context->envelope->principal.store, page->authority.input.purpose, holding);
}

static enum err sync_page(struct context *context)
{
	struct page page = {.seen = NULL};
	Rows__Holding holding;

	TRY(authority_standing(context, OPERATION_SYNC, &page.authority));
	TRY(authority_permit(context, &page.authority));
	TRY(copies_holding(context, context->envelope->principal.store, page.authority.input.purpose, &holding));
	page.since_ms = holding.has_since_ms ? holding.since_ms : copies_second_ms(context);
	TRY(page_open(context, &page));
	enum err err = fill(context, &page);
	bool has_more = page.is_full || feed_has_next(&page.feed);
	feed_close(&page.feed);
	TRY(err);
	TRY(note_holding(context, &page, &holding));
	context->result->disclosures = page.list;
	context->result->n_disclosures = page.count;
	context->result->has_cursor = context->result->has_has_more = true;
	context->result->cursor = page.cursor;
	context->result->has_more = has_more;
	return ERR_OK;
}

enum err handle_sync(struct context *context)
{
	return settle(context, sync_page(context));
}
