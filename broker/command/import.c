/* An import from its first byte to its summary. */
#include <inttypes.h>
#include <string.h>

#include "command/import_batch.h"
#include "kluis/clock.h"
#include "kluis/file.h"
#include "kluis/table.h"

static const char *const kind_names[] = {"customers", "receipts", "stores"};

/* All that lives as long as the import. */
struct work {
	const struct import_options *options;
	struct session *session;
	struct arena arena; /* of the mapping */
	struct arena resumed_arena;
	struct session_answer resumed; /* to a request of an earlier run */
	struct bytes mapping_text;
	struct mapping mapping;
	struct csv_reader *reader;
	struct import_source source;
	struct import_rejects rejects;
	struct import_batch *batch;
	struct import_summary summary;
	struct progress progress;
	uint8_t import[HASH_SIZE];
};

static void work_fini(struct work *work)
{
	import_batch_free(&work->batch);
	import_rejects_close(&work->rejects);
	import_source_free(&work->source);
	csv_reader_free(&work->reader);
	bytes_fini(&work->mapping_text);
	arena_fini(&work->resumed_arena);
	arena_fini(&work->arena);
}

static enum err open_files(struct work *work, struct csv_row *ret_header, struct fault *fault)
{
	const struct import_options *options = work->options;
	struct csv_source source;
	enum err code;

	TRY(file_read(options->mapping, &work->mapping_text, fault));
	TRY(mapping_parse(bytes_slice(&work->mapping_text), options->mapping, options->kind, options->charter,
			  &work->arena, &work->mapping, fault));
	TRY(csv_source_open(options->file, &source, fault));
	TRY(csv_reader_new(source, options->file, &work->reader));
	code = csv_reader_next(work->reader, ret_header, fault);
	if (code == ERR_NOT_FOUND)
		return fault_set(fault, ERR_INPUT, "%s:1: empty; the first line must name the columns", options->file);
	TRY(code);
	return mapping_bind(&work->mapping, ret_header, options->file, fault);
}

/* Reads the whole file before anything is sent: a fault of its form leaves nothing half done. */
static enum err gather(struct work *work, struct fault *fault)
{
	struct csv_row row;
	enum err code;

	while ((code = csv_reader_next(work->reader, &row, fault)) == ERR_OK) {
		TRY(work->source.gather(work->source.context, &row, fault));
		work->summary.rows++;
	}
	if (code != ERR_NOT_FOUND)
		return code;
	/* the same mapping may serve customers and receipts: they are two imports */
	TRY(bytes_append(&work->mapping_text, slice_text(kind_names[work->options->kind])));
	csv_reader_hash(work->reader, bytes_slice(&work->mapping_text), work->import);
	return work->source.ready(work->source.context, fault);
}

/* A request that was on its way when an earlier run was killed goes first, the same bytes; its answer says what became
 * of the last rows that the broker has dealt with. */
static enum err finish_pending(struct work *work, struct fault *fault)
{
	if (work->options->resumed)
		work->resumed = *work->options->resumed;
	enum err code = session_resume(work->session, IMPORT_TRIES, &work->resumed_arena, &work->resumed, fault);

	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* Passes over the items that an earlier run has dealt with, batch by batch as that run did. */
static enum err skip_earlier(struct work *work, uint64_t earlier, struct fault *fault)
{
	struct import_batch *batch = work->batch;
	bool is_settled = false;

	while (batch->rows < earlier) {
		struct import_item item;
		enum err code = work->source.next(work->source.context, &batch->arena, &item, fault);

		if (code == ERR_NOT_FOUND)
			break;
		TRY(code);
		import_batch_add(batch, &item);
		if (batch->rows < earlier && import_batch_is_full(batch)) {
			TRY(import_batch_drop(batch, fault));
			work->summary.earlier = batch->rows;
		}
	}
	if (batch->rows != earlier)
		return fault_set(fault, ERR_STATE,
				 "the broker has dealt with %" PRIu64 " rows of this file, which is no place where an "
				 "import stops; was it imported by another version of kluis?",
				 earlier);
	if (work->resumed.has_entry)
		TRY(import_batch_settle(batch, &work->resumed.entry, &is_settled, fault));
	if (!is_settled) {
		TRY(import_batch_drop(batch, fault));
		work->summary.earlier = earlier;
	}
	import_rejects_forget(&work->rejects);
	return ERR_OK;
}

/* Customers are read a second time: what is sent must be what was looked at. */
static enum err check_same_file(const struct work *work, struct fault *fault)
{
	uint8_t hash[HASH_SIZE];

	csv_reader_hash(work->reader, bytes_slice(&work->mapping_text), hash);
	if (work->batch->rows != work->summary.rows || memcmp(hash, work->import, HASH_SIZE) != 0)
		return fault_set(fault, ERR_INPUT, "%s: the file has changed while it was read; start again",
				 work->options->file);
	return ERR_OK;
}

static enum err send_all(struct work *work, struct fault *fault)
{
	struct import_batch *batch = work->batch;

	for (;;) {
		struct import_item item;
		enum err code = work->source.next(work->source.context, &batch->arena, &item, fault);

		if (code == ERR_NOT_FOUND)
			break;
		TRY(code);
		import_batch_add(batch, &item);
		if (!import_batch_is_full(batch))
			continue;
		TRY(import_batch_send(batch, false, fault));
		progress_show(&work->progress, batch->rows - work->summary.earlier);
	}
	TRY(check_same_file(work, fault));
	return import_batch_send(batch, true, fault);
}

static enum err print_table(const struct work *work)
{
	const struct import_summary *summary = &work->summary;
	uint64_t rate = (summary->rows - summary->earlier) * 1000 / (summary->duration_ms + 1);
	const struct table_column columns[] = {
		{"rows", "rows", TABLE_RIGHT},		 {kind_names[work->options->kind], "records", TABLE_RIGHT},
		{"earlier", "earlier", TABLE_RIGHT},	 {"accepted", "accepted", TABLE_RIGHT},
		{"unchanged", "unchanged", TABLE_RIGHT}, {"rejected", "rejected", TABLE_RIGHT},
		{"ms", "duration_ms", TABLE_RIGHT},	 {"rows/s", "rows_per_second", TABLE_RIGHT},
	};
	const uint64_t values[] = {summary->rows,      summary->records,  summary->earlier,	summary->accepted,
				   summary->unchanged, summary->rejected, summary->duration_ms, rate};
	struct table *table CLEANUP(table_free) = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	json_t *cells[sizeof(values) / sizeof(values[0])];

	if (!table)
		return ERR_MEMORY;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		cells[i] = json_integer((json_int_t)values[i]);
	TRY(table_add(table, cells));
	return table_print(table, work->options->output, work->options->is_json);
}

static enum err print_summary(struct work *work, bool is_done_before)
{
	if (is_done_before && !work->options->is_json)
		fprintf(work->options->output, "%s: imported before, nothing to do\n", work->options->file);
	return print_table(work);
}

/* Where all is rejected the file or its mapping is wrong, not a row. */
static enum err check_taken(const struct work *work, struct fault *fault)
{
	const struct import_summary *summary = &work->summary;

	if (summary->rows == 0 || summary->rejected < summary->rows)
		return ERR_OK;
	return fault_set(fault, ERR_INPUT,
			 "%s: every row was rejected, nothing was taken in; is '%s' the mapping for this file?",
			 work->options->file, work->options->mapping);
}

static enum err make_source(struct work *work, const struct csv_row *header)
{
	static enum err (*const makers[])(const struct import_input *, struct import_source *) = {
		import_customers_new, import_receipts_new, import_stores_new};
	struct import_input input = {.mapping = &work->mapping,
				     .reader = work->reader,
				     .column_count = header->count,
				     .key = work->session->key};

	return makers[work->options->kind](&input, &work->source);
}

/* Goes on where the broker stands, or at the beginning. */
static enum err send_rest(struct work *work, uint64_t earlier, bool is_done, struct fault *fault)
{
	enum err code;

	TRY(import_rejects_open(&work->rejects, work->options->rejects, earlier > 0, work->options->errors, fault));
	TRY(skip_earlier(work, earlier, fault));
	if (is_done)
		return ERR_OK;
	progress_begin(&work->progress, kind_names[work->options->kind], work->summary.rows - work->summary.earlier);
	code = send_all(work, fault);
	progress_end(&work->progress);
	return code;
}

static enum err run(struct work *work, struct fault *fault)
{
	uint64_t began_ms = clock_steady_ms(), earlier = 0;
	struct csv_row header;
	bool is_done = false;

	TRY(open_files(work, &header, fault));
	TRY(make_source(work, &header));
	TRY(gather(work, fault));
	work->batch = import_batch_new(work->session, work->import, &work->rejects, &work->summary, 0);
	if (!work->batch)
		return ERR_MEMORY;
	TRY(finish_pending(work, fault));
	TRY(import_batch_ask(work->batch, &earlier, &is_done, fault));
	/* what was complete before this run needs no second look, unless its last answer has not been seen */
	bool is_done_before =
		is_done && !(work->resumed.has_entry && import_batch_is_of(work->batch, &work->resumed.entry));
	if (is_done_before)
		work->summary.earlier = earlier;
	else
		TRY(send_rest(work, earlier, is_done, fault));
	work->summary.duration_ms = clock_steady_ms() - began_ms;
	TRY(print_summary(work, is_done_before));
	return check_taken(work, fault);
}

enum err import_run(const struct import_options *options, struct session *session, struct fault *fault)
{
	struct work work CLEANUP(work_fini) = {.options = options, .session = session, .rejects = {.descriptor = -1}};

	arena_init(&work.arena, 8 * MAPPING_MAX);
	arena_init(&work.resumed_arena, REQUEST_ARENA_MAX);
	bytes_init(&work.mapping_text, MAPPING_MAX + 16); /* and the kind's name */
	return run(&work, fault);
}
