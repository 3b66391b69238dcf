#include "cosigned.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "copy_file.h"
#include "kluis/file.h"
#include "proof.h"

#define NOTE_ARENA_MAX (4 * PAPER_MAX)
#define NAMES_MAX 700

/* ---- when the log is mirrored ---- */

static enum err write_file(const char *folder, const char *name, struct slice note, struct fault *fault)
{
	char path[MIRROR_PATH_MAX];

	TRY(copy_path(folder, name, path, fault));
	return file_write(path, note, 0644, fault);
}

static enum err inconsistent(const struct mirror *mirror, const struct checkpoint *cosigned, struct slice note,
			     struct fault *fault)
{
	char name[96], root[2 * HASH_SIZE + 1];

	hex_print(SLICE_ARRAY(cosigned->root.bytes), root);
	snprintf(name, sizeof name, "evidence/%" PRIu64 "-%.16s", cosigned->size, root);
	TRY(write_file(mirror->folder, name, note, fault));
	hex_print(SLICE_ARRAY(mirror->checkpoint.root.bytes), root);
	snprintf(name, sizeof name, "evidence/%" PRIu64 "-%.16s", mirror->checkpoint.size, root);
	TRY(write_file(mirror->folder, name, bytes_slice(&mirror->note), fault));
	return fault_set(fault, ERR_INCONSISTENT,
			 "the checkpoint of %" PRIu64
			 " entries that witnesses cosigned is not of the log that was mirrored; both signed "
			 "notes are in %s/evidence: keep them",
			 cosigned->size, mirror->folder);
}

static bool is_root(const struct checkpoint *checkpoint, const struct hash *root)
{
	return slice_equal(SLICE_ARRAY(checkpoint->root.bytes), SLICE_ARRAY(root->bytes));
}

enum err cosigned_keep(const char *folder, const struct chain *chain, struct slice note, bool *ret_is_kept,
		       struct fault *fault)
{
	struct mirror mirror CLEANUP(mirror_close) = {0};
	struct checkpoint cosigned;
	struct hash root;

	*ret_is_kept = false;
	TRY(mirror_open(folder, &mirror, fault));
	enum err err = chain_open(chain, true, note, &cosigned, fault);
	if (err != ERR_OK) {
		fault_prefix(fault, "the cosigned checkpoint");
		return err;
	}
	if (cosigned.size > mirror.checkpoint.size)
		return ERR_OK;
	err = proof_root_at(&mirror, cosigned.size, &root);
	if (err != ERR_OK)
		return fault_set(fault, err, "the mirror's tiles cannot be read; kluis-audit verify says which");
	if (!is_root(&cosigned, &root))
		return inconsistent(&mirror, &cosigned, note, fault);
	TRY(write_file(folder, COSIGNED_NAME, note, fault));
	*ret_is_kept = true;
	return ERR_OK;
}

/* ---- when it is verified ---- */

enum err cosigned_names(const struct policy *policy, const struct policy_outcome *outcome, bool is_signed,
			struct bytes *ret_names)
{
	size_t before = ret_names->length;

	for (size_t i = 0; i < policy->node_count; i++) {
		const struct policy_node *node = &policy->nodes[i];

		if (node->key == NULL || outcome->is_signed[i] != is_signed)
			continue;
		if (ret_names->length > before)
			TRY(bytes_append(ret_names, slice_text(", ")));
		TRY(bytes_append(ret_names, node->name));
	}
	return ERR_OK;
}

static void say_unmet(const struct policy *policy, const struct policy_outcome *outcome, uint64_t size,
		      const char *where, struct findings *findings)
{
	uint8_t room[NAMES_MAX];
	struct bytes names = {.data = room, .capacity = sizeof room, .maximum = sizeof room};
	struct slice quorum = policy->quorum >= 0 ? policy->nodes[policy->quorum].name : SLICE_EMPTY;

	if (outcome->wrong != NULL) {
		finding_add(findings, where, "the cosignature of %.*s does not verify",
			    (int)outcome->wrong->name.length, (const char *)outcome->wrong->name.data);
		return;
	}
	if (!outcome->is_log) {
		finding_add(findings, where, "no log of the policy has signed it");
		return;
	}
	enum err err = cosigned_names(policy, outcome, true, &names);
	finding_add(findings, where, "the policy's quorum %.*s is not met at %" PRIu64 " entries: cosigned by %.*s%s",
		    (int)quorum.length, (const char *)quorum.data, size, (int)names.length,
		    names.length > 0 ? (const char *)names.data : "",
		    err != ERR_OK	? "..."
		    : names.length == 0 ? "nobody that it names"
					: "");
}

static enum err judge(const struct policy *policy, struct slice bytes, const char *where,
		      struct cosigned_summary *summary, struct findings *findings, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};

	arena_init(&arena, NOTE_ARENA_MAX);
	struct note *note = arena_alloc(&arena, sizeof *note);
	if (note == NULL)
		return fault_set(fault, ERR_MEMORY, "no memory to read %s", where);
	TRY(note_parse(bytes, &arena, note, fault));
	policy_judge(policy, note, &summary->outcome);
	summary->is_judged = true;
	if (!summary->outcome.is_met)
		say_unmet(policy, &summary->outcome, summary->size, where, findings);
	return ERR_OK;
}

/* Is the note a checkpoint of this log within the mirrored tree? What is not is a finding. */
static enum err check_note(const struct mirror *mirror, const struct chain *chain, struct slice note,
			   struct findings *findings, struct checkpoint *ret_cosigned, bool *ret_holds)
{
	struct fault cause = {""};
	struct hash root;
	enum err err = chain_open(chain, true, note, ret_cosigned, &cause);

	*ret_holds = false;
	if (err == ERR_MEMORY)
		return err;
	if (err != ERR_OK) {
		finding_add(findings, COSIGNED_NAME, "not a checkpoint of this log: %s",
			    cause.text[0] != '\0' ? cause.text : error_text(err));
		return ERR_OK;
	}
	err = proof_root_at(mirror, ret_cosigned->size, &root);
	if (err == ERR_INPUT)
		finding_add(findings, COSIGNED_NAME, "is of %" PRIu64 " entries, more than the mirror has",
			    ret_cosigned->size);
	else if (err != ERR_OK)
		return err;
	else if (!is_root(ret_cosigned, &root))
		finding_add(findings, COSIGNED_NAME,
			    "its root is not that of the mirror's first %" PRIu64
			    " entries: the log has shown its witnesses another history",
			    ret_cosigned->size);
	else
		*ret_holds = true;
	return ERR_OK;
}

enum err cosigned_check(const struct mirror *mirror, const struct chain *chain, const struct policy *policy,
			struct findings *findings, struct cosigned_summary *ret_summary, struct fault *fault)
{
	struct bytes note CLEANUP(bytes_fini) = {0};
	struct checkpoint cosigned = {.size = 0};
	bool holds = false;

	*ret_summary = (struct cosigned_summary){.size = mirror->checkpoint.size};
	bytes_init(&note, PAPER_MAX);
	enum err err = mirror_read(mirror, COSIGNED_NAME, &note, fault);
	if (err == ERR_NOT_FOUND) {
		*fault = (struct fault){""};
		/* without witnesses a policy that needs none may still be met */
		return policy == NULL
			       ? ERR_OK
			       : judge(policy, bytes_slice(&mirror->note), "checkpoint", ret_summary, findings, fault);
	}
	TRY(err);
	err = check_note(mirror, chain, bytes_slice(&note), findings, &cosigned, &holds);
	if (err != ERR_OK)
		return fault_set(fault, err, COSIGNED_NAME " cannot be checked: %s", error_text(err));
	ret_summary->is_there = true;
	ret_summary->size = cosigned.size;
	if (!holds || policy == NULL)
		return ERR_OK;
	return judge(policy, bytes_slice(&note), COSIGNED_NAME, ret_summary, findings, fault);
}
