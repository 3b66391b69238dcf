/*
 * kluis-audit: mirrors a broker's log, verifies it, and decides everything in it again. kluis-audit(1).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "auditor.h"
#include "chain.h"
#include "kluis/clock.h"
#include "kluis/command.h"
#include "kluis/file.h"
#include "kluis/table.h"
#include "list.h"
#include "proof.h"
#include "replay.h"
#include "verify.h"
#include "verify_report.h"

#define CHAIN_ARENA_MAX (256 * 1024 * 1024)
#define POLICY_ARENA_MAX (4 * 1024 * 1024)

struct settings {
	const char *dir, *to, *log_key, *controller_key, *since, *entry, *mirror, *policy;
	bool skips_signatures, is_check, is_json;
	struct list list;
};

enum option_key {
	OPTION_DIR = 1000,
	OPTION_TO,
	OPTION_LOG_KEY,
	OPTION_CONTROLLER_KEY,
	OPTION_SINCE,
	OPTION_NO_SIGNATURES,
	OPTION_CHECK,
	OPTION_JSON,
	OPTION_CSV,
	OPTION_STORE,
	OPTION_EMPLOYEE,
	OPTION_CUSTOMER,
	OPTION_PURPOSE,
	OPTION_OPERATION,
	OPTION_VERDICT,
	OPTION_FROM,
	OPTION_UNTIL,
	OPTION_ENTRY,
	OPTION_MIRROR,
	OPTION_POLICY
};

/* ---- findings ---- */

static void print_finding(void *context, const char *text)
{
	FILE *file = context;
	char line[1100];

	snprintf(line, sizeof line, "%s", text);
	text_clean(line);
	fprintf(file, "%s\n", line);
}

static void collect_finding(void *context, const char *text)
{
	json_array_append_new(context, json_string(text));
}

static void ignore_finding(void *context, const char *text)
{
	(void)context;
	(void)text;
}

/* ---- join, mirror ---- */

static enum err run_join(void *context, const struct command_arguments *arguments, struct fault *fault)
{
	const struct settings *settings = context;

	if (settings->dir == NULL)
		return fault_set(fault, ERR_USAGE, "--dir is missing: where should the auditor's key be made?");
	TRY(keys_init());
	return auditor_join(arguments->items[0], settings->dir, fault);
}

static enum err run_mirror(void *context, const struct command_arguments *arguments, struct fault *fault)
{
	const struct settings *settings = context;
	struct auditor auditor CLEANUP(auditor_close) = {0};
	struct copy_summary summary;
	struct copy_source source;
	bool is_cosigned = false;

	if (settings->to == NULL)
		return fault_set(fault, ERR_USAGE, "--to is missing: which folder should hold the mirror?");
	TRY(keys_init());
	TRY(auditor_open(arguments->items[0], &auditor, fault));
	source = auditor_source(&auditor);
	TRY(copy_log(settings->to, &source, &auditor.log, &auditor.controller, &summary, fault));
	TRY(auditor_keep_trust(&auditor, settings->to, fault));
	TRY(auditor_keep_cosigned(&auditor, settings->to, &is_cosigned, fault));
	printf("%s: %" PRIu64 " entries, %" PRIu64 " of them new; %zu papers fetched\n", settings->to, summary.after,
	       summary.after - summary.before, summary.papers);
	if (is_cosigned)
		printf("witnesses have cosigned it: see %s/" COSIGNED_NAME "\n", settings->to);
	printf("next: kluis-audit verify %s --log-key %s/log.vkey\n", settings->to, auditor.folder);
	return ERR_OK;
}

/* ---- verify ---- */

static enum err verify(const struct settings *settings, const char *folder, const struct verify_options *options,
		       struct fault *fault)
{
	json_t *list = json_array();
	struct findings findings = {.report = settings->is_json ? collect_finding : print_finding,
				    .context = settings->is_json ? (void *)list : (void *)stdout};
	struct verify_summary summary;
	enum err err = verify_mirror(folder, options, &findings, &summary, fault);

	if (err == ERR_OK && settings->is_json)
		err = verify_report_json(&summary, options, list, stdout);
	else if (err == ERR_OK && findings.count == 0)
		err = verify_report_text(&summary, options, stdout);
	json_decref(list);
	return err == ERR_OK ? finding_status(&findings, fault) : err;
}

/* text and policy live in the arena. */
static enum err read_policy(const char *path, struct arena *arena, const struct policy **ret_policy,
			    struct fault *fault)
{
	struct bytes bytes CLEANUP(bytes_fini) = {0};
	struct policy *policy;

	bytes_init(&bytes, POLICY_BYTES_MAX);
	TRY(file_read(path, &bytes, fault));
	const uint8_t *text = arena_copy(arena, bytes_slice(&bytes));
	if (text == NULL && bytes.length > 0)
		return fault_set(fault, ERR_MEMORY, "no memory to read %s", path);
	enum err err = policy_parse(SLICE(text, bytes.length), arena, &policy, fault);
	if (err != ERR_OK) {
		fault_prefix(fault, path);
		return err;
	}
	*ret_policy = policy;
	return ERR_OK;
}

static enum err run_verify(void *context, const struct command_arguments *arguments, struct fault *fault)
{
	const struct settings *settings = context;
	struct arena arena CLEANUP(arena_fini) = {0};
	struct verify_options options = {.since = settings->since, .skips_signatures = settings->skips_signatures};
	struct public_key controller;

	if (settings->log_key == NULL)
		return fault_set(
			fault, ERR_USAGE,
			"--log-key is missing: give the log's vkey, or the file log.vkey of the auditor's folder");
	TRY(keys_init());
	TRY(mirror_key(settings->log_key, &options.log, fault));
	if (settings->controller_key != NULL) {
		TRY(mirror_key(settings->controller_key, &controller, fault));
		options.controller = &controller;
	}
	arena_init(&arena, POLICY_ARENA_MAX);
	if (settings->policy != NULL)
		TRY(read_policy(settings->policy, &arena, &options.policy, fault));
	return verify(settings, arguments->items[0], &options, fault);
}

/* ---- replay ---- */

static enum err find_controller(const struct settings *settings, const struct mirror *mirror,
				struct public_key *ret_controller, struct fault *fault)
{
	if (settings->controller_key != NULL)
		return mirror_key(settings->controller_key, ret_controller, fault);
	return mirror_controller(mirror, ret_controller, fault);
}

/* Replaying says what is written; whether it is what the log's key signed is verify's to say. */
static void warn_unverified(const struct mirror *mirror)
{
	struct bytes note CLEANUP(bytes_fini) = {0};

	bytes_init(&note, PAPER_MAX);
	if (mirror_read(mirror, VERIFIED_NAME, &note, NULL) != ERR_OK ||
	    !slice_equal(bytes_slice(&note), bytes_slice(&mirror->note)))
		fprintf(stderr,
			"kluis-audit: note: %s has not been verified as it is now; run kluis-audit verify first\n",
			mirror->folder);
}

static void print_line(const char *line)
{
	printf("%s\n", line);
}

static void print_erasures(const struct erasure_counts *counts)
{
	if (counts->erased > 0)
		printf("%" PRIu64 " erasures, %" PRIu64 " complete; %" PRIu64 " certificates outstanding, %" PRIu64
		       " of them of copies whose lease is over\n",
		       counts->erased, counts->complete, counts->owed, counts->overdue);
}

static enum err check(const struct mirror *mirror, const struct public_key *controller, struct fault *fault)
{
	struct findings findings = {.report = print_finding, .context = stdout};
	struct replay_counts counts;

	TRY(replay_check(mirror, controller, &findings, print_line, &counts, fault));
	TRY(finding_status(&findings, fault));
	printf("every decision recomputed, no difference: %" PRIu64 " entries, %" PRIu64 " operations, %" PRIu64
	       " refused, %" PRIu64 " disclosures\n",
	       counts.entries, counts.operations, counts.refused, counts.disclosures);
	print_erasures(&counts.erasures);
	return ERR_OK;
}

static enum err run_replay(void *context, const struct command_arguments *arguments, struct fault *fault)
{
	struct settings *settings = context;
	struct mirror mirror CLEANUP(mirror_close) = {0};
	struct findings ignored = {.report = ignore_finding};
	struct public_key controller;

	TRY(keys_init());
	TRY(mirror_open(arguments->items[0], &mirror, fault));
	TRY(find_controller(settings, &mirror, &controller, fault));
	warn_unverified(&mirror);
	if (settings->is_check)
		return check(&mirror, &controller, fault);
	settings->list.file = stdout;
	settings->list.is_coloured = is_terminal(stdout);
	if (settings->is_json)
		settings->list.form = LIST_JSON;
	TRY(list_begin(&settings->list));
	return replay_each(&mirror, &controller, &ignored, list_step, &settings->list, fault);
}

/* ---- proofs ---- */

static enum err run_prove(void *context, const struct command_arguments *arguments, struct fault *fault)
{
	const struct settings *settings = context;
	struct mirror mirror CLEANUP(mirror_close) = {0};
	struct bytes proof CLEANUP(bytes_fini) = {0};
	struct bytes entry CLEANUP(bytes_fini) = {0};
	uint64_t index;

	bytes_init(&proof, PAPER_MAX);
	bytes_init(&entry, ENTRY_MAX);
	TRY(command_number("INDEX", arguments->items[1], 0, INT64_MAX, &index, fault));
	TRY(mirror_open(arguments->items[0], &mirror, fault));
	TRY(proof_make(&mirror, index, &proof, fault));
	if (settings->entry != NULL) {
		TRY(proof_entry(&mirror, index, &entry, fault));
		TRY(file_write(settings->entry, bytes_slice(&entry), 0644, fault));
	}
	return fwrite(proof.data, 1, proof.length, stdout) == proof.length ? ERR_OK : ERR_IO;
}

/* By the given key; with a mirror also by those that followed it. */
static enum err check_by_any(const struct settings *settings, struct slice proof, struct slice entry,
			     const struct public_key *log, uint64_t *ret_index, struct checkpoint *ret_checkpoint,
			     struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct mirror mirror CLEANUP(mirror_close) = {0};
	struct public_key controller;
	struct chain chain;

	if (settings->mirror == NULL)
		return proof_check(proof, entry, log, ret_index, ret_checkpoint, fault);
	arena_init(&arena, CHAIN_ARENA_MAX);
	TRY(mirror_open(settings->mirror, &mirror, fault));
	TRY(find_controller(settings, &mirror, &controller, fault));
	TRY(chain_read(mirror.folder, log, &controller, &arena, &chain, fault));
	struct fault cause = {""};
	enum err err = proof_check(proof, entry, log, ret_index, ret_checkpoint, &cause);
	for (size_t i = 0; i < chain.count; i++)
		for (size_t j = 0; j < chain.versions[i]->log_count && err == ERR_SIGNATURE; j++)
			err = proof_check(proof, entry, &chain.versions[i]->logs[j], ret_index, ret_checkpoint, NULL);
	return err == ERR_OK ? ERR_OK : fault_set(fault, err, "%s", cause.text);
}

static enum err run_check_proof(void *context, const struct command_arguments *arguments, struct fault *fault)
{
	const struct settings *settings = context;
	struct bytes proof CLEANUP(bytes_fini) = {0};
	struct bytes entry CLEANUP(bytes_fini) = {0};
	struct public_key log;
	struct checkpoint checkpoint;
	uint64_t index;

	bytes_init(&proof, PAPER_MAX);
	bytes_init(&entry, ENTRY_MAX);
	if (settings->log_key == NULL || settings->entry == NULL)
		return fault_set(fault, ERR_USAGE, "--log-key and --entry are needed");
	TRY(keys_init());
	TRY(mirror_key(settings->log_key, &log, fault));
	TRY(file_read(arguments->items[0], &proof, fault));
	TRY(file_read(settings->entry, &entry, fault));
	if (check_by_any(settings, bytes_slice(&proof), bytes_slice(&entry), &log, &index, &checkpoint, fault) !=
	    ERR_OK)
		return fault_set(fault, ERR_PROOF, "%s does not prove %s", arguments->items[0], settings->entry);
	printf("%s is entry %" PRIu64 " of the %" PRIu64 " that %s signed\n", settings->entry, index, checkpoint.size,
	       log.name);
	return ERR_OK;
}

/* ---- options ---- */

static enum err take_pseudonym(const char *option, const char *value, uint8_t *ret_pseudonym, bool *ret_has,
			       struct fault *fault)
{
	if (hex_parse(slice_text(value), ret_pseudonym, PSEUDONYM_SIZE) != ERR_OK)
		return fault_set(fault, ERR_USAGE, "--%s takes the 32 hex digits of a pseudonym", option);
	*ret_has = true;
	return ERR_OK;
}

static enum err take_time(const char *option, const char *value, uint64_t *ret_ms, struct fault *fault)
{
	if (time_from_text(value, ret_ms) != ERR_OK)
		return fault_set(fault, ERR_USAGE,
				 "--%s: '%.40s' is not a time such as 2026-11-22 or 2026-11-22T16:00Z", option, value);
	return ERR_OK;
}

static enum err take_store(struct list_filter *filter, const char *value, struct fault *fault)
{
	uint64_t store;

	TRY(command_number("store", value, 0, STORES_MAX - 1, &store, fault));
	filter->has_store = true;
	filter->store = (uint32_t)store;
	return ERR_OK;
}

/* Options that are kept as they stand. */
static const char **text_of(struct settings *settings, int key)
{
	const struct {
		int key;
		const char **place;
	} rows[] = {
		{OPTION_DIR, &settings->dir},
		{OPTION_TO, &settings->to},
		{OPTION_LOG_KEY, &settings->log_key},
		{OPTION_CONTROLLER_KEY, &settings->controller_key},
		{OPTION_SINCE, &settings->since},
		{OPTION_ENTRY, &settings->entry},
		{OPTION_MIRROR, &settings->mirror},
		{OPTION_POLICY, &settings->policy},
		{OPTION_PURPOSE, &settings->list.filter.purpose},
		{OPTION_OPERATION, &settings->list.filter.operation},
		{OPTION_VERDICT, &settings->list.filter.verdict},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].key == key)
			return rows[i].place;
	return NULL;
}

static enum err take_filter(struct list_filter *filter, int key, const char *value, struct fault *fault)
{
	if (key == OPTION_STORE)
		return take_store(filter, value, fault);
	if (key == OPTION_EMPLOYEE)
		return take_pseudonym("employee", value, filter->employee, &filter->has_employee, fault);
	if (key == OPTION_CUSTOMER)
		return take_pseudonym("customer", value, filter->customer, &filter->has_customer, fault);
	if (key == OPTION_FROM)
		return take_time("from", value, &filter->from_ms, fault);
	if (key == OPTION_UNTIL)
		return take_time("until", value, &filter->until_ms, fault);
	return ERR_OK;
}

static enum err take(void *context, int key, const char *value, struct fault *fault)
{
	struct settings *settings = context;
	const char **text = text_of(settings, key);

	if (text != NULL) {
		*text = value;
		return key == OPTION_VERDICT ? list_check_verdict(value, fault) : ERR_OK;
	}
	settings->skips_signatures |= key == OPTION_NO_SIGNATURES;
	settings->is_check |= key == OPTION_CHECK;
	settings->is_json |= key == OPTION_JSON;
	if (key == OPTION_CSV)
		settings->list.form = LIST_CSV;
	return take_filter(&settings->list.filter, key, value, fault);
}

#define CONTROLLER_KEY                                                                                                 \
	{                                                                                                              \
		"controller-key", OPTION_CONTROLLER_KEY, "VKEY|FILE", 0,                                               \
			"head office's key (the mirror's controller.vkey)", 0                                          \
	}
#define JSON                                                                                                           \
	{                                                                                                              \
		"json", OPTION_JSON, NULL, 0, "for machines", 0                                                        \
	}
#define LOG_KEY                                                                                                        \
	{                                                                                                              \
		"log-key", OPTION_LOG_KEY, "VKEY|FILE", 0, "the log's key, which is all that is believed", 0           \
	}

static const struct argp_option join_options[] = {
	{"dir", OPTION_DIR, "DIR", 0, "folder to make, for the key and what was invited", 0}, {0}};
static const struct argp_option mirror_options[] = {{"to", OPTION_TO, "FOLDER", 0, "the mirror, made or continued", 0},
						    {0}};
static const struct argp_option verify_options[] = {
	LOG_KEY,
	CONTROLLER_KEY,
	{"since", OPTION_SINCE, "NOTE", 0, "a checkpoint that the log must continue (the last one verified)", 0},
	{"policy", OPTION_POLICY, "FILE", 0, "whose cosignatures are wanted (C2SP tlog-policy)", 0},
	{"no-signatures", OPTION_NO_SIGNATURES, NULL, 0, "leave out the signatures of requests, and say so", 0},
	JSON,
	{0}};
static const struct argp_option replay_options[] = {
	{"check", OPTION_CHECK, NULL, 0, "decide everything again and report each difference", 0},
	JSON,
	{"csv", OPTION_CSV, NULL, 0, "comma-separated values (RFC 4180)", 0},
	{"store", OPTION_STORE, "N", 0, "of or about this store", 0},
	{"employee", OPTION_EMPLOYEE, "HEX", 0, "by this employee", 0},
	{"customer", OPTION_CUSTOMER, "HEX", 0, "that found, disclosed or changed this customer", 0},
	{"purpose", OPTION_PURPOSE, "NAME", 0, "for this purpose", 0},
	{"operation", OPTION_OPERATION, "NAME", 0, "of this kind: lookup, sync, receipt ...", 0},
	{"verdict", OPTION_VERDICT, "VERDICT", 0, "ok, refused, or a reason: scope, hours ...", 0},
	{"from", OPTION_FROM, "TIME", 0, "not before, UTC: 2026-11-22 or 2026-11-22T16:00Z", 0},
	{"until", OPTION_UNTIL, "TIME", 0, "before", 0},
	CONTROLLER_KEY,
	{0}};
static const struct argp_option prove_options[] = {
	{"entry", OPTION_ENTRY, "FILE", 0, "write the entry's bytes there, too", 0}, {0}};
static const struct argp_option check_proof_options[] = {
	LOG_KEY,
	{"entry", OPTION_ENTRY, "FILE", 0, "the entry's bytes", 0},
	{"mirror", OPTION_MIRROR, "FOLDER", 0, "whose trust notes say which keys followed the log's", 0},
	CONTROLLER_KEY,
	{0}};

static const struct command commands[] = {
	{"join", "INVITATION", 1, 1, "take up an invitation, with a key of one's own",
	 "The key is made in DIR and never leaves it.\n\n  kluis-audit join auditor.invitation --dir auditor",
	 join_options, run_join},
	{"mirror", "DIR", 1, 1, "copy the log, or what came since",
	 "Goes on where it stopped. Each reading is itself in the log.\n\n  kluis-audit mirror auditor --to mirror",
	 mirror_options, run_mirror},
	{"verify", "FOLDER", 1, 1, "check a mirror with nothing but the log's key",
	 "Names each file and entry that does not hold; exit status 5.\n\n  kluis-audit verify mirror --log-key "
	 "auditor/log.vkey",
	 verify_options, run_verify},
	{"replay", "FOLDER", 1, 1, "list what happened, or decide everything again",
	 "  kluis-audit replay mirror --store 6 --verdict refused\n  kluis-audit replay mirror --check", replay_options,
	 run_replay},
	{"prove", "FOLDER INDEX", 2, 2, "print a proof that an entry is in the log",
	 "  kluis-audit prove mirror 17 --entry 17.entry > 17.tlog-proof", prove_options, run_prove},
	{"check-proof", "PROOF", 1, 1, "check such a proof",
	 "  kluis-audit check-proof 17.tlog-proof --entry 17.entry --log-key log.vkey", check_proof_options,
	 run_check_proof},
};

int main(int argc, char **argv)
{
	struct settings settings = {0};
	const struct program program = {.name = "kluis-audit",
					.summary = "Mirror a franchise's log, verify it, and see who saw what.",
					.manual = "kluis-audit(1)",
					.commands = commands,
					.command_count = sizeof commands / sizeof commands[0],
					.settings = &settings,
					.take = take};

	return command_main(&program, argc, argv);
}
