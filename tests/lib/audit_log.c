#include "audit_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "action.h"
#include "core/request.h"
#include "kluis/hash.h"
#include "kluis/limits.h"
#include "ledger/ledger.h"
#include "test_keys.h"

#define ARENA_MAX ((size_t)256 * 1024 * 1024)
#define ANNA "1=4711-0815|2=Anna Smith|3=+31 6 1234 5678|4=anna@example.org"
#define BERT "1=4712-0815|2=Bert Jones|3=+31 6 8765 4321"

static void must(enum err err, const char *what, const struct fault *fault)
{
	if (err == ERR_OK)
		return;
	fprintf(stderr, "audit_log: %s: %s %s\n", what, error_text(err), fault == NULL ? "" : fault->text);
	abort();
}

static struct slice kept(struct audit_log *log, struct slice slice)
{
	uint8_t *copy = arena_copy(&log->arena, slice);

	if (copy == NULL)
		must(ERR_MEMORY, "arena", NULL);
	return SLICE(copy, slice.length);
}

/* ---- out of the core ---- */

static void take_entries(struct audit_log *log, struct store_txn *txn, uint64_t size)
{
	struct slice entry;

	if (size > AUDIT_ENTRIES_MAX)
		must(ERR_TOO_LARGE, "entries", NULL);
	for (uint64_t i = 0; i < size; i++) {
		must(ledger_entry(&core_ledger_tables, txn, i, &entry), "entry", NULL);
		log->entries[log->count++] = kept(log, entry);
	}
}

static void take_papers(struct audit_log *log, struct store_txn *txn)
{
	struct store_cursor *cursor;
	struct slice key, value;

	must(store_seek(txn, TABLE_PAPER, SLICE_EMPTY, &cursor), "papers", NULL);
	while (store_next(cursor, &key, &value) && log->paper_count < AUDIT_PAPERS_MAX) {
		log->hashes[log->paper_count] = kept(log, key);
		log->papers[log->paper_count++] = kept(log, value);
	}
	store_cursor_close(&cursor);
}

struct audit_log *audit_log_of(struct franchise *formula)
{
	struct audit_log *log = calloc(1, sizeof(*log));
	struct store_txn *txn;

	if (log == NULL)
		must(ERR_MEMORY, "log", NULL);
	arena_init(&log->arena, ARENA_MAX);
	log->key = test_seed_key(FRANCHISE_ORIGIN "/log", 2);
	log->controller = formula->office.key.public;
	must(store_begin_read(formula->store, &txn), "snapshot", NULL);
	take_entries(log, txn, core_size(formula->core));
	take_papers(log, txn);
	store_end_read(&txn);
	scratch_new(log->scratch);
	snprintf(log->mirror, sizeof(log->mirror), "%s/mirror", log->scratch);
	log->shown = log->count;
	log->page_max = 100;
	return log;
}

void audit_log_free(struct audit_log **log)
{
	if (*log == NULL)
		return;
	scratch_remove((*log)->scratch);
	secret_key_fini(&(*log)->key);
	arena_fini(&(*log)->arena);
	free(*log);
	*log = NULL;
}

/* ---- the story ---- */

static void lookup(struct franchise *formula, struct party *party, const char *purpose, const char *value)
{
	(void)franchise_one(formula, party, action_lookup(formula, purpose, value));
}

/* Both stores work: what is allowed, and what is not. */
static void work(struct franchise *formula, struct party *first, struct party *second)
{
	struct slice anna = franchise_visitor(formula, first, ANNA);
	struct slice bert = franchise_visitor(formula, second, BERT);
	struct slice receipt = franchise_draw(formula);
	struct action action;

	lookup(formula, first, "service", "1=47110815");
	lookup(formula, first, "service", "1=47120815"); /* never bought here */
	lookup(formula, first, "service", "1=999");
	lookup(formula, first, "direct-marketing", "1=47110815");
	lookup(formula, second, "service", "1=47110815");
	(void)franchise_one(formula, first, action_sync(formula, "service", 0, 100));
	(void)franchise_one(formula, first, action_update(formula, "service", anna, "2=Anna Jansen"));
	(void)franchise_one(formula, first, action_update(formula, "service", anna, "4=other@example.org"));
	(void)franchise_one(formula, first, action_update(formula, "service", bert, "2=Not yours"));
	lookup(formula, first, "service", "1=47110815");
	action = action_receipt(formula, "service", receipt, first->store, FRANCHISE_DAY, anna, NULL);
	(void)franchise_one(formula, first, action);
	(void)franchise_one(formula, first, action);
	(void)franchise_one(formula, first, action_consent(formula, "service", anna, "direct-marketing", 4));
	(void)franchise_one(formula, &formula->office, action_restriction(formula, bert, true));
	lookup(formula, second, "service", "1=47120815"); /* restricted */
	action = action_registration(formula, "service", franchise_draw(formula), "1=4713|2=Carl Bos");
	registration_consent(formula, &action, "direct-marketing", 7);
	(void)franchise_one(formula, first, action);
	(void)franchise_one(formula, first, action_sync(formula, "service", 1, 100));
}

static void suspend(struct franchise *formula, struct party *store)
{
	franchise_must(formula, &formula->office, action_standing(formula, store->store, 1));
	lookup(formula, store, "service", "1=47110815");
	(void)franchise_one(formula, &formula->office, action_standing(formula, store->store, 1));
	franchise_must(formula, &formula->office, action_standing(formula, store->store, 2));
	lookup(formula, store, "service", "1=47110815");
}

static void invite_for_too_long(struct franchise *formula)
{
	struct slice code = franchise_draw(formula);
	uint64_t expires_ms = formula->now_ms + (INVITATION_S_MAX + 1) * 1000;

	(void)franchise_one(formula, &formula->office,
			    action_invite(formula, FRANCHISE_ORIGIN "/store/12", code, expires_ms));
}

/* The same number once more with another request, and an acknowledgement of what was never sent. */
static void misbehave(struct franchise *formula, struct party *store)
{
	struct party before = *store;

	lookup(formula, store, "service", "1=47110815");
	struct party after = *store;
	*store = before;
	lookup(formula, store, "service", "1=47120815");
	*store = after;
	store->index--;
	lookup(formula, store, "service", "1=47110815");
	lookup(formula, store, "service", "1=47110815");
}

#define FEW                                                                                                            \
	"[grant few]\npurpose = service\noperations = lookup\ncustomers = visited\nfields = card\nper-day = "          \
	"1\n" GRANT_REST

struct audit_log *audit_log_story(bool is_long)
{
	struct franchise *formula = franchise_new(NULL);
	struct party *first = franchise_store(formula, 12, GRANT_SERVICE);
	struct party *second = franchise_store(formula, 7, FEW);
	struct audit_log *log;

	work(formula, first, second);
	formula->now_ms += DAY_MS;
	(void)franchise_visitor(formula, second, "1=5001|2=Dirk");
	(void)franchise_visitor(formula, second, "1=5002|2=Eva");
	lookup(formula, second, "service", "1=5001");
	lookup(formula, second, "service", "1=5002"); /* one a day */
	lookup(formula, second, "service", "1=5001");
	suspend(formula, first);
	invite_for_too_long(formula);
	misbehave(formula, first);
	for (unsigned i = 0; is_long && i < 560; i++)
		lookup(formula, first, "service", "1=47110815");
	log = audit_log_of(formula);
	franchise_free(&formula);
	return log;
}

/* ---- as a broker shows it ---- */

static void root_of(const struct audit_log *log, size_t size, struct hash *ret_root)
{
	struct frontier frontier = {0};
	struct hash leaf;

	for (size_t i = 0; i < size; i++) {
		merkle_leaf(log->entries[i], &leaf);
		frontier_append(&frontier, &leaf);
	}
	frontier_root(&frontier, ret_root);
}

static enum err show_checkpoint(void *context, struct bytes *ret_note, struct fault *fault)
{
	struct audit_log *log = context;
	struct hash root;

	(void)fault;
	root_of(log, log->shown, &root);
	bytes_clear(ret_note);
	return checkpoint_sign(log->shown, &root, &log->key, ret_note);
}

static enum err show_entries(void *context, uint64_t from, uint64_t size, struct bytes *ret_page, struct fault *fault)
{
	struct audit_log *log = context;

	if (++log->asked == log->fails_at)
		return fault_set(fault, ERR_NETWORK, "the network failed");
	bytes_clear(ret_page);
	for (uint64_t i = from; i < size && i - from < log->page_max; i++)
		TRY(bundle_append(ret_page, log->entries[i]));
	return ERR_OK;
}

static enum err show_paper(void *context, struct slice hash, struct bytes *ret_paper, struct fault *fault)
{
	struct audit_log *log = context;

	bytes_clear(ret_paper);
	for (size_t i = 0; i < log->paper_count; i++)
		if (slice_equal(log->hashes[i], hash))
			return bytes_append(ret_paper, log->papers[i]);
	return fault_set(fault, ERR_NOT_FOUND, "no such paper");
}

struct copy_source audit_log_source(struct audit_log *log)
{
	return (struct copy_source){
		.context = log, .checkpoint = show_checkpoint, .entries = show_entries, .paper = show_paper};
}

void audit_log_mirror(struct audit_log *log)
{
	struct copy_source source = audit_log_source(log);
	struct copy_summary summary;
	struct fault fault = {""};

	must(copy_log(log->mirror, &source, &log->key.public, &log->controller, &summary, &fault), "mirror", &fault);
}

/* ---- spoiling ---- */

void audit_log_change(struct audit_log *log, size_t index, void (*change)(Kluis__Entry *entry, struct arena *arena))
{
	struct bytes bytes CLEANUP(bytes_fini);
	Kluis__Entry *entry;

	bytes_init(&bytes, ENTRY_MAX);
	must(WIRE_DECODE(Entry, entry, log->entries[index], &log->arena, &entry), "decode", NULL);
	change(entry, &log->arena);
	must(entry_encode(entry, &bytes), "encode", NULL);
	log->entries[index] = kept(log, bytes_slice(&bytes));
}

size_t audit_log_find(struct audit_log *log, Kluis__Operation__KindCase kind, size_t n)
{
	struct entry entry;

	for (size_t i = 0; i < log->count; i++) {
		must(entry_open(log->entries[i], &log->arena, &entry, NULL), "entry", NULL);
		if (entry.request->operations[0]->kind_case == kind && entry.decoded->code == 0 && n-- == 0)
			return i;
	}
	must(ERR_NOT_FOUND, "an entry of that kind", NULL);
	return 0;
}

static void collect(void *context, const char *text)
{
	struct finding_lines *lines = context;
	size_t length = strlen(lines->all);

	if (lines->count++ == 0)
		snprintf(lines->first, sizeof(lines->first), "%s", text);
	snprintf(lines->last, sizeof(lines->last), "%s", text);
	snprintf(lines->all + length, sizeof(lines->all) - length, "%s\n", text);
}

struct findings finding_lines_init(struct finding_lines *lines)
{
	memset(lines, 0, sizeof(*lines));
	return (struct findings){.report = collect, .context = lines};
}

/* ---- deciding again ---- */

struct replay_counts audit_log_check(struct audit_log *log, struct finding_lines *ret_lines)
{
	struct findings findings = finding_lines_init(ret_lines);
	struct mirror mirror;
	struct replay_counts counts = {0};
	struct fault fault = {""};

	scratch_remove(log->mirror);
	audit_log_mirror(log);
	must(mirror_open(log->mirror, &mirror, &fault), "open", &fault);
	must(replay_check(&mirror, &log->controller, &findings, NULL, &counts, &fault), "check", &fault);
	mirror_close(&mirror);
	return counts;
}

/* Is what said of the entry in one of the lines? */
static bool is_said(const struct finding_lines *lines, const char *where, const char *what)
{
	for (const char *line = strstr(lines->all, where); line != NULL; line = strstr(line + 1, where)) {
		const char *end = strchr(line, '\n'), *found = strstr(line, what);

		if (found != NULL && found < end)
			return true;
	}
	return false;
}

void audit_log_tell(struct audit_log *log, const struct audit_lie *lies, size_t count)
{
	static struct finding_lines lines;

	for (size_t i = 0; i < count; i++) {
		size_t index = audit_log_find(log, lies[i].kind, lies[i].n);
		struct slice honest = log->entries[index];
		char where[64];

		audit_log_change(log, index, lies[i].change);
		(void)audit_log_check(log, &lines);
		snprintf(where, sizeof(where), "entry %zu (", index);
		if (!is_said(&lines, where, lies[i].finding))
			fail_msg("row %zu: \"%s\" is not said of %s, but:\n%s", i, lies[i].finding, where, lines.all);
		log->entries[index] = honest;
	}
	(void)audit_log_check(log, &lines);
	assert_int_equal(lines.count, 0);
}

void lie_permit(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->results[0]->code = ERR_OK;
}

void lie_refuse_by_hours(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->results[0]->code = ERR_HOURS;
	entry->results[0]->n_disclosures = 0;
}

void lie_turn_unchanged(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->results[0]->has_is_unchanged = true;
	entry->results[0]->is_unchanged = !entry->results[0]->is_unchanged;
}

struct look {
	size_t index;
	void (*look)(const struct state *state, const struct step *step);
	bool is_done;
};

static enum err look_at(void *context, const struct state *state, const struct step *step, struct fault *fault)
{
	struct look *look = context;

	(void)fault;
	if (step->index != look->index || step->number != 0)
		return ERR_OK;
	look->look(state, step);
	look->is_done = true;
	return ERR_OK;
}

void audit_log_look(struct audit_log *log, size_t index,
		    void (*view)(const struct state *state, const struct step *step))
{
	static struct finding_lines lines;
	struct look look = {.index = index, .look = view};
	struct findings findings = finding_lines_init(&lines);
	struct mirror mirror;
	struct fault fault = {""};

	scratch_remove(log->mirror);
	audit_log_mirror(log);
	must(mirror_open(log->mirror, &mirror, &fault), "open", &fault);
	must(replay_each(&mirror, &log->controller, &findings, look_at, &look, &fault), "replay", &fault);
	mirror_close(&mirror);
	assert_int_equal(lines.count, 0);
	assert_true(look.is_done);
}

/* ---- for cmocka ---- */

struct audit_log *story;

int audit_log_set_up(void **state)
{
	(void)state;
	story = audit_log_story(false);
	return 0;
}

int audit_log_set_up_mirror(void **state)
{
	(void)state;
	story = audit_log_story(true);
	audit_log_mirror(story);
	return 0;
}

int audit_log_tear_down(void **state)
{
	(void)state;
	audit_log_free(&story);
	return 0;
}
