#include "auditing.h"

#include <inttypes.h>
#include <stdio.h>

#include "copy.h"
#include "core/logs.h"
#include "core/tables.h"
#include "ledger/ledger.h"
#include "replay.h"
#include "scratch.h"
#include "verify.h"

extern const struct ledger_tables core_ledger_tables;

static enum err source_note(void *context, struct bytes *ret_note, struct fault *fault)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;
	const struct auditing *auditing = context;
	struct slice note;

	(void)fault;
	TRY(store_begin_read(auditing->store, &txn));
	TRY(ledger_checkpoint(&core_ledger_tables, txn, &note));
	bytes_clear(ret_note);
	return bytes_append(ret_note, note);
}

static enum err source_entries(void *context, uint64_t from, uint64_t size, struct bytes *ret_page, struct fault *fault)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;
	const struct auditing *auditing = context;
	struct slice entry;

	(void)fault;
	TRY(store_begin_read(auditing->store, &txn));
	bytes_clear(ret_page);
	for (uint64_t i = from; i < size && i < from + 256; i++) {
		TRY(ledger_entry(&core_ledger_tables, txn, i, &entry));
		TRY(bundle_append(ret_page, entry));
	}
	return ERR_OK;
}

static enum err source_paper(void *context, struct slice hash, struct bytes *ret_paper, struct fault *fault)
{
	static const uint8_t in_force[HASH_SIZE]; /* the trust note's (R141) */
	struct store_txn *txn CLEANUP(store_end_read) = NULL;
	const struct auditing *auditing = context;
	struct slice paper;

	(void)fault;
	TRY(store_begin_read(auditing->store, &txn));
	if (slice_equal(hash, SLICE_ARRAY(in_force)))
		TRY(store_get(txn, TABLE_META, slice_text(LOGS_META_TRUST), &hash));
	TRY(store_get(txn, TABLE_PAPER, hash, &paper));
	bytes_clear(ret_paper);
	return bytes_append(ret_paper, paper);
}

static void report_finding(void *context, const char *text)
{
	struct auditing *auditing = context;

	if (auditing->is_expected != NULL && auditing->is_expected(auditing->context, text))
		return;
	auditing->count++;
	fprintf(stderr, "seed %" PRIu64 ": the auditor: %s\n", auditing->seed, text);
}

static enum err replay(const struct auditing *auditing, const char *folder, struct findings *findings,
		       struct fault *fault)
{
	struct replay_counts counts;
	struct mirror mirror;

	TRY(mirror_open(folder, &mirror, fault));
	enum err err = replay_check(&mirror, auditing->controller, findings, NULL, &counts, fault);
	mirror_close(&mirror);
	return err;
}

static enum err run(struct auditing *auditing, const char *folder, struct fault *fault)
{
	struct copy_source source = {
		.context = auditing, .checkpoint = source_note, .entries = source_entries, .paper = source_paper};
	struct copy_summary copied;
	struct findings findings = {.report = report_finding, .context = auditing};
	struct verify_options options = {.log = *auditing->log};
	struct verify_summary verified;

	TRY(copy_log(folder, &source, &options.log, auditing->controller, &copied, fault));
	TRY(verify_mirror(folder, &options, &findings, &verified, fault));
	TRY(replay(auditing, folder, &findings, fault));
	if (auditing->count > 0)
		return fault_set(fault, ERR_FINDING, "%" PRIu64 " findings", auditing->count);
	return ERR_OK;
}

enum err auditing_run(struct auditing *auditing, struct fault *fault)
{
	char folder[SCRATCH_MAX];

	scratch_new(folder);
	enum err err = run(auditing, folder, fault);
	scratch_remove(folder);
	return err;
}
