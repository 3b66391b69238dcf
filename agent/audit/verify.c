#include "verify.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "chain.h"
#include "kluis/clock.h"
#include "kluis/file.h"
#include "kluis/table.h"
#include "paperwork.h"
#include "signatures.h"
#include "tree.h"

/* What is remembered of all principals and papers: some 10 KB for a principal. */
#define FACTS_MAX ((size_t)8 << 30)
/* A bundle's entries decoded: each may take what a request may. */
#define BUNDLE_ARENA_MAX ((size_t)TILE_WIDTH * 1024 * 1024)

struct verifier {
	struct mirror mirror;
	const struct verify_options *options;
	struct findings *findings;
	struct verify_summary *summary;
	struct arena facts;   /* as long as the verifier */
	struct arena entries; /* of a bundle */
	struct principals principals;
	struct paperwork papers;
	struct chain chain;	    /* the log's keys */
	struct signature_job *jobs; /* of a bundle */
	size_t job_count;
	uint64_t last_ms;
};

/* ---- checkpoints ---- */

/* Reads a note that the log signed; what is wrong with it is a finding under its name. */
static enum err open_checkpoint(struct verifier *verifier, const char *name, bool is_older, struct slice note,
				struct checkpoint *ret_checkpoint, bool *ret_is_signed, struct fault *fault)
{
	struct fault cause = {""};
	enum err err = chain_open(&verifier->chain, is_older, note, ret_checkpoint, &cause);

	if (err == ERR_MEMORY)
		return fault_set(fault, err, "no memory to read %s", name);
	if (err != ERR_OK)
		finding_add(verifier->findings, name, "not a checkpoint signed by %s: %s", verifier->options->log.name,
			    cause.text[0] != '\0' ? cause.text : error_text(err));
	*ret_is_signed = err == ERR_OK;
	return ERR_OK;
}

/* The checkpoint that this log must continue; without one the waypoint has size 0. */
static enum err read_since(struct verifier *verifier, struct checkpoint *ret_since, struct fault *fault)
{
	const char *given = verifier->options->since;
	struct bytes note CLEANUP(bytes_fini) = {0};
	char path[MIRROR_PATH_MAX];
	bool is_signed = false;
	enum err err;

	bytes_init(&note, PAPER_MAX);
	*ret_since = (struct checkpoint){0};
	TRY(mirror_path(verifier->mirror.folder, VERIFIED_NAME, path, fault));
	err = file_read(given != NULL ? given : path, &note, fault);
	if (err == ERR_NOT_FOUND && given == NULL) {
		*fault = (struct fault){""};
		return ERR_OK;
	}
	TRY(err);
	TRY(open_checkpoint(verifier, given != NULL ? given : VERIFIED_NAME, true, bytes_slice(&note), ret_since,
			    &is_signed, fault));
	if (!is_signed)
		ret_since->size = 0;
	ret_since->origin = SLICE_EMPTY;
	return ERR_OK;
}

static void check_since(struct verifier *verifier, const struct checkpoint *since, const struct tree_waypoint *waypoint)
{
	uint64_t size = verifier->mirror.checkpoint.size;
	const char *name = verifier->options->since != NULL ? verifier->options->since : VERIFIED_NAME;

	if (since->size == 0)
		return;
	if (since->size > size)
		finding_add(verifier->findings, "checkpoint",
			    "has %" PRIu64 " entries, fewer than the %" PRIu64 " of %s: the log was cut", size,
			    since->size, name);
	else if (!slice_equal(SLICE_ARRAY(since->root.bytes), SLICE_ARRAY(waypoint->root.bytes)))
		finding_add(verifier->findings, "checkpoint",
			    "does not continue the %" PRIu64 " entries of %s: the log shows two histories", since->size,
			    name);
}

static enum err check_tree(struct verifier *verifier, bool *ret_is_whole, struct fault *fault)
{
	struct checkpoint since;
	struct tree_waypoint waypoint = {0};
	struct progress progress;

	TRY(read_since(verifier, &since, fault));
	waypoint.size = since.size;
	progress_begin(&progress, "hashes", verifier->mirror.checkpoint.size);
	enum err err = tree_check(&verifier->mirror, &waypoint, verifier->findings, &progress, ret_is_whole, fault);
	progress_end(&progress);
	TRY(err);
	if (*ret_is_whole)
		check_since(verifier, &since, &waypoint);
	verifier->summary->since = since.size;
	return ERR_OK;
}

/* ---- entries ---- */

static void check_time(struct verifier *verifier, uint64_t index, uint64_t time_ms)
{
	char now[25], before[25];

	if (index == 0)
		verifier->summary->first_ms = time_ms;
	if (time_ms < verifier->last_ms) {
		time_print(time_ms, now);
		time_print(verifier->last_ms, before);
		finding_add_entry(verifier->findings, index, "its time %s is before that of an earlier entry, %s (R47)",
				  now, before);
	} else {
		verifier->last_ms = time_ms;
	}
}

/* R49. */
static void check_first(struct verifier *verifier, const struct entry *entry)
{
	bool is_charter = entry->principal.kind == PRINCIPAL_CONTROLLER && entry->request->n_operations == 1 &&
			  entry->request->operations[0]->kind_case == KLUIS__OPERATION__KIND_CHARTER;

	if (!is_charter)
		finding_add_entry(verifier->findings, 0, "the first entry is not head office's charter (R49)");
}

static void add_job(struct verifier *verifier, uint64_t index, const struct entry *entry)
{
	struct signature_job *job = &verifier->jobs[verifier->job_count];

	if (!principals_key(&verifier->principals, entry, job->key)) {
		finding_add_entry(verifier->findings, index,
				  "signed by %s, whose key the log has not introduced (R31, R37)",
				  entry->request->principal);
		return;
	}
	job->entry = *entry;
	job->index = index;
	verifier->job_count++;
}

static enum err take_entry(struct verifier *verifier, uint64_t index, struct slice bytes)
{
	struct entry entry;
	struct fault fault = {""};
	enum err err = entry_open(bytes, &verifier->entries, &entry, &fault);

	if (err == ERR_MEMORY)
		return err;
	if (err != ERR_OK) {
		finding_add_entry(verifier->findings, index, "not well-formed: %s",
				  fault.text[0] != '\0' ? fault.text : error_text(err));
		return ERR_OK;
	}
	check_time(verifier, index, entry.decoded->time_ms);
	if (index == 0)
		check_first(verifier, &entry);
	add_job(verifier, index, &entry);
	TRY(principals_take(&verifier->principals, index, &entry, verifier->findings));
	return paperwork_take(&verifier->papers, &verifier->principals, index, &entry);
}

static void check_jobs(struct verifier *verifier)
{
	if (verifier->options->skips_signatures)
		return;
	signatures_check(verifier->jobs, verifier->job_count);
	for (size_t i = 0; i < verifier->job_count; i++)
		if (!verifier->jobs[i].is_valid)
			finding_add_entry(verifier->findings, verifier->jobs[i].index,
					  "its signature is not by %s's key (R31)",
					  verifier->jobs[i].entry.request->principal);
	verifier->summary->signatures += verifier->job_count;
}

static enum err take_bundle(struct verifier *verifier, uint64_t number, const struct bytes *bundle)
{
	struct reader reader = reader_of(bytes_slice(bundle));
	struct slice entry;
	uint64_t index = number * TILE_WIDTH;

	verifier->job_count = 0;
	while (bundle_next(&reader, &entry))
		TRY(take_entry(verifier, index++, entry));
	check_jobs(verifier);
	arena_reset(&verifier->entries);
	return ERR_OK;
}

static enum err check_entries(struct verifier *verifier, struct fault *fault)
{
	struct bytes bundle CLEANUP(bytes_fini) = {0};
	uint64_t count = mirror_bundle_count(verifier->mirror.checkpoint.size);
	struct progress progress CLEANUP(progress_end) = {0};
	enum err err;

	bytes_init(&bundle, BUNDLE_MAX);
	progress_begin(&progress, "entries", verifier->mirror.checkpoint.size);
	for (uint64_t i = 0; i < count; i++) {
		TRY(mirror_read_bundle(&verifier->mirror, i, &bundle, fault));
		err = take_bundle(verifier, i, &bundle);
		if (err != ERR_OK)
			return fault_set(fault, err, "no memory for the facts of the log");
		progress_show(&progress, (i + 1) * TILE_WIDTH);
	}
	return ERR_OK;
}

/* ---- files ---- */

static bool is_paper(const struct verifier *verifier, const char *name)
{
	uint8_t hash[HASH_SIZE];

	if (strncmp(name, "papers/", 7) != 0 || hex_parse(slice_text(name + 7), hash, sizeof hash) != ERR_OK)
		return false;
	return map_find(&verifier->papers.by_hash, SLICE_ARRAY(hash)) != NULL;
}

static enum err check_file(void *context, const char *name, struct fault *fault)
{
	struct verifier *verifier = context;
	struct tile tile;

	(void)fault;
	if (strcmp(name, "checkpoint") == 0 || strcmp(name, COSIGNED_NAME) == 0 ||
	    strcmp(name, "controller.vkey") == 0 || is_paper(verifier, name))
		return ERR_OK;
	if (tile_parse_path(name, &tile) == ERR_OK) {
		if (!mirror_has_tile(verifier->mirror.checkpoint.size, &tile))
			finding_add(verifier->findings, name,
				    "no part of the tree of %" PRIu64
				    " entries; if a mirror run was interrupted, run it again",
				    verifier->mirror.checkpoint.size);
	} else if (strncmp(name, "evidence/", 9) == 0) {
		finding_add(verifier->findings, name, "kept by mirror: the log has shown two histories");
	} else {
		finding_add(verifier->findings, name, "does not belong to the mirror");
	}
	return ERR_OK;
}

/* ---- all ---- */

static void verifier_fini(struct verifier *verifier)
{
	principals_fini(&verifier->principals);
	paperwork_fini(&verifier->papers);
	arena_fini(&verifier->entries);
	arena_fini(&verifier->facts);
	mirror_close(&verifier->mirror);
	free(verifier->jobs);
}

/* Without head office's key nothing that it signed can be checked: a finding, and the end. */
static enum err find_controller(struct verifier *verifier, bool *ret_is_found, struct fault *fault)
{
	struct public_key controller = {0};
	struct fault cause = {""};
	enum err err = ERR_OK;

	if (verifier->options->controller != NULL)
		controller = *verifier->options->controller;
	else
		err = mirror_controller(&verifier->mirror, &controller, &cause);
	if (err == ERR_MEMORY)
		return fault_set(fault, err, "no memory");
	if (err != ERR_OK)
		finding_add(verifier->findings, "controller.vkey",
			    "%s; without head office's key its signatures cannot be checked (--controller-key)",
			    cause.text);
	*ret_is_found = err == ERR_OK;
	verifier->summary->controller = controller;
	principals_init(&verifier->principals, &controller, &verifier->facts);
	return ERR_OK;
}

/* The log's keys from the given one to those of now, by the trust notes that lie in the mirror. */
static enum err follow_keys(struct verifier *verifier, struct fault *fault)
{
	TRY(chain_read(verifier->mirror.folder, &verifier->options->log, &verifier->summary->controller,
		       &verifier->facts, &verifier->chain, fault));
	const struct trust *trust = chain_trust(&verifier->chain);
	verifier->summary->trust = trust == NULL ? 0 : trust->version;
	return ERR_OK;
}

static enum err check_all(struct verifier *verifier, struct fault *fault)
{
	bool is_signed = false, is_found = false, is_whole = false;
	struct checkpoint ignored;

	TRY(find_controller(verifier, &is_found, fault));
	TRY(follow_keys(verifier, fault));
	TRY(open_checkpoint(verifier, "checkpoint", false, bytes_slice(&verifier->mirror.note), &ignored, &is_signed,
			    fault));
	if (!is_signed)
		return ERR_OK;
	TRY(check_tree(verifier, &is_whole, fault));
	if (!is_found || !is_whole)
		return ERR_OK;
	TRY(cosigned_check(&verifier->mirror, &verifier->chain, verifier->options->policy, verifier->findings,
			   &verifier->summary->cosigned, fault));
	TRY(check_entries(verifier, fault));
	enum err err = paperwork_check(&verifier->papers, &verifier->mirror, &verifier->principals.controller,
				       verifier->findings);
	if (err != ERR_OK)
		return fault_set(fault, err, "no memory to read the papers");
	return mirror_each_file(verifier->mirror.folder, check_file, verifier, fault);
}

/* A folder that cannot be written was verified all the same. */
static void keep_verified(const struct verifier *verifier)
{
	char path[MIRROR_PATH_MAX];
	enum err err = mirror_path(verifier->mirror.folder, VERIFIED_NAME, path, NULL);

	if (err == ERR_OK)
		err = file_write(path, bytes_slice(&verifier->mirror.note), 0644, NULL);
	(void)err;
}

static void summarise(struct verifier *verifier)
{
	struct verify_summary *summary = verifier->summary;

	summary->checkpoint = verifier->mirror.checkpoint;
	summary->checkpoint.origin = SLICE_EMPTY;
	summary->last_ms = verifier->last_ms;
	summary->principals = verifier->principals.by_name.count;
	summary->papers = verifier->papers.by_hash.count;
}

enum err verify_mirror(const char *folder, const struct verify_options *options, struct findings *findings,
		       struct verify_summary *ret_summary, struct fault *fault)
{
	struct verifier verifier CLEANUP(verifier_fini) = {
		.options = options, .findings = findings, .summary = ret_summary};

	*ret_summary = (struct verify_summary){0};
	bytes_init(&verifier.mirror.note, PAPER_MAX);
	arena_init(&verifier.facts, FACTS_MAX);
	arena_init(&verifier.entries, BUNDLE_ARENA_MAX);
	paperwork_init(&verifier.papers, &verifier.facts);
	verifier.jobs = calloc(TILE_WIDTH, sizeof *verifier.jobs);
	if (verifier.jobs == NULL)
		return fault_set(fault, ERR_MEMORY, "no memory to verify");
	enum err err = mirror_open(folder, &verifier.mirror, fault);
	if (err == ERR_PAPER || err == ERR_INPUT) /* bad input elsewhere, but of a mirror it is what was looked for */
		return ERR_FINDING;
	TRY(err);
	findings->size = verifier.mirror.checkpoint.size;
	TRY(check_all(&verifier, fault));
	summarise(&verifier);
	if (findings->count == 0 && !options->skips_signatures)
		keep_verified(&verifier);
	return ERR_OK;
}
