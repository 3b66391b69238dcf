#include "verify_report.h"

#include <inttypes.h>

#include "kluis/clock.h"

#define NAMES_MAX 65536

/* ---- for people ---- */

/* Any bytes may stand in a policy's names. */
static void print_names(struct bytes *names, FILE *file)
{
	for (size_t i = 0; i < names->length; i++)
		fputc(names->data[i] < ' ' || names->data[i] == 127 ? '?' : names->data[i], file);
}

static enum err print_policy(const struct verify_summary *summary, const struct policy *policy, FILE *file)
{
	struct bytes names CLEANUP(bytes_fini) = {0};

	bytes_init(&names, NAMES_MAX);
	TRY(cosigned_names(policy, &summary->cosigned.outcome, true, &names));
	fprintf(file, "the policy is met at %" PRIu64 " entries", summary->cosigned.size);
	if (policy->quorum < 0) {
		fprintf(file, ": it asks for no witness\n");
		return ERR_OK;
	}
	fprintf(file, ", cosigned by ");
	print_names(&names, file);
	fprintf(file, "\n");
	return ERR_OK;
}

enum err verify_report_text(const struct verify_summary *summary, const struct verify_options *options, FILE *file)
{
	char first[25], last[25], root[2 * HASH_SIZE + 1];

	time_print(summary->first_ms, first);
	time_print(summary->last_ms, last);
	hex_print(SLICE_ARRAY(summary->checkpoint.root.bytes), root);
	fprintf(file, "verified: %" PRIu64 " entries from %s to %s, root %s\n", summary->checkpoint.size, first, last,
		root);
	if (options->skips_signatures)
		fprintf(file, "signatures were NOT checked (--no-signatures)\n");
	else
		fprintf(file, "%" PRIu64 " signatures by %zu principals and %zu papers hold\n", summary->signatures,
			summary->principals, summary->papers);
	if (summary->since > 0)
		fprintf(file, "continues the %" PRIu64 " entries verified before\n", summary->since);
	if (summary->trust > 0)
		fprintf(file, "the log's key was followed to trust version %" PRIu32 " by the notes in papers/\n",
			summary->trust);
	if (options->policy != NULL)
		TRY(print_policy(summary, options->policy, file));
	fprintf(file, "head office's key is %s+%08" PRIx32 ": compare it with what head office tells you\n",
		summary->controller.name, summary->controller.id);
	return ERR_OK;
}

/* ---- for machines ---- */

/* A name that is not UTF-8 has no JSON: hex then. */
static json_t *name_of(const struct policy_node *node)
{
	char hex[2 * 64 + 1];
	json_t *name = json_stringn((const char *)node->name.data, node->name.length);

	if (name != NULL)
		return name;
	hex_print(slice_part(node->name, 0, node->name.length < 64 ? node->name.length : 64), hex);
	return json_string(hex);
}

static json_t *witness_json(const struct policy_node *node, uint64_t time_s, bool is_signed)
{
	char time[25];

	time_print(time_s * 1000, time);
	return json_pack("{s:o, s:s, s:s*}", "name", name_of(node), "key", node->key->name, "time",
			 is_signed ? time : NULL);
}

static json_t *witnesses_json(const struct policy *policy, const struct policy_outcome *outcome, bool is_signed)
{
	json_t *list = json_array();

	for (size_t i = 0; i < policy->node_count && list != NULL; i++)
		if (policy->nodes[i].key != NULL && outcome->is_signed[i] == is_signed)
			json_array_append_new(list, witness_json(&policy->nodes[i], outcome->time_s[i], is_signed));
	return list;
}

/* null without a policy, or where it came to no judgement. */
static json_t *policy_json(const struct verify_summary *summary, const struct policy *policy)
{
	const struct policy_outcome *outcome = &summary->cosigned.outcome;

	if (policy == NULL || !summary->cosigned.is_judged)
		return json_null();
	json_t *quorum = policy->quorum < 0 ? json_string("none") : name_of(&policy->nodes[policy->quorum]);
	return json_pack("{s:b, s:I, s:b, s:o, s:o, s:o}", "met", outcome->is_met, "entries",
			 (json_int_t)summary->cosigned.size, "log", outcome->is_log, "quorum", quorum, "cosigned",
			 witnesses_json(policy, outcome, true), "missing", witnesses_json(policy, outcome, false));
}

enum err verify_report_json(const struct verify_summary *summary, const struct verify_options *options,
			    json_t *findings, FILE *file)
{
	char first[25], last[25], root[2 * HASH_SIZE + 1];

	time_print(summary->first_ms, first);
	time_print(summary->last_ms, last);
	hex_print(SLICE_ARRAY(summary->checkpoint.root.bytes), root);
	json_t *object =
		json_pack("{s:b, s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:O}", "verified",
			  json_array_size(findings) == 0, "entries", (json_int_t)summary->checkpoint.size, "root", root,
			  "first", first, "last", last, "signatures", (json_int_t)summary->signatures, "principals",
			  (json_int_t)summary->principals, "papers", (json_int_t)summary->papers, "since",
			  (json_int_t)summary->since, "trust", (json_int_t)summary->trust, "policy",
			  policy_json(summary, options->policy), "findings", findings);
	if (object == NULL)
		return ERR_MEMORY;
	int status = json_dumpf(object, file, JSON_INDENT(2));
	json_decref(object);
	fputc('\n', file);
	return status == 0 ? ERR_OK : ERR_IO;
}
