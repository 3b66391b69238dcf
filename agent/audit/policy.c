#include "policy.h"

#include <stdio.h>
#include <string.h>

#define WORDS_MAX (POLICY_NODES_MAX + 3)

/* A line's words, and where what it defines goes. */
struct reading {
	struct policy *policy;
	struct arena *arena;
	struct slice words[WORDS_MAX];
	size_t count;
	struct fault *fault;
};

/* ---- words ---- */

static bool is_space(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r';
}

static enum err split(struct reading *reading, struct slice line)
{
	size_t at = 0;

	reading->count = 0;
	for (;;) {
		while (at < line.length && is_space(line.data[at]))
			at++;
		if (at == line.length || line.data[at] == '#')
			return ERR_OK;
		if (reading->count == WORDS_MAX)
			return fault_set(reading->fault, ERR_INPUT, "more than %d words", WORDS_MAX);
		size_t begin = at;
		while (at < line.length && !is_space(line.data[at]))
			at++;
		reading->words[reading->count++] = slice_part(line, begin, at - begin);
	}
}

static bool is_word(struct slice word, const char *text)
{
	return slice_equal(word, slice_text(text));
}

/* For a message: what is no printable ASCII may be anything. */
static const char *shown(struct slice word, char place[static 80])
{
	size_t length = word.length < 60 ? word.length : 60;

	for (size_t i = 0; i < length; i++)
		place[i] = word.data[i] > ' ' && word.data[i] < 127 ? (char)word.data[i] : '?';
	memcpy(place + length, length < word.length ? "..." : "", length < word.length ? 4 : 1);
	return place;
}

static int find(const struct policy *policy, struct slice name)
{
	for (size_t i = 0; i < policy->node_count; i++)
		if (slice_equal(policy->nodes[i].name, name))
			return (int)i;
	return -1;
}

/* ---- lines ---- */

static enum err take_key(struct reading *reading, struct slice vkey, uint8_t type, const char *whose,
			 const struct public_key **ret_key)
{
	struct public_key *key = arena_alloc(reading->arena, sizeof *key);

	if (key == NULL)
		return ERR_MEMORY;
	TRY(public_key_parse(vkey, key, reading->fault));
	if (key->type != type)
		return fault_set(reading->fault, ERR_INPUT, "the key of a %s is of type 0x%02x, not 0x%02x", whose,
				 type, key->type);
	*ret_key = key;
	return ERR_OK;
}

static enum err take_log(struct reading *reading)
{
	struct policy *policy = reading->policy;

	if (reading->count < 2 || reading->count > 3)
		return fault_set(reading->fault, ERR_INPUT, "it is: log VKEY [URL]");
	if (policy->log_count == POLICY_LOGS_MAX)
		return fault_set(reading->fault, ERR_INPUT, "more than %d logs", POLICY_LOGS_MAX);
	TRY(take_key(reading, reading->words[1], KEY_TYPE_ED25519, "log", &policy->logs[policy->log_count]));
	for (size_t i = 0; i < policy->log_count; i++)
		if (public_key_equal(policy->logs[i], policy->logs[policy->log_count]))
			return fault_set(reading->fault, ERR_INPUT, "the same log twice");
	policy->log_count++;
	return ERR_OK;
}

/* A name of its own for a new node. */
static enum err add_node(struct reading *reading, struct slice name, struct policy_node **ret_node)
{
	struct policy *policy = reading->policy;
	char place[80];

	if (is_word(name, "none"))
		return fault_set(reading->fault, ERR_INPUT, "nothing can be named none");
	if (find(policy, name) >= 0)
		return fault_set(reading->fault, ERR_INPUT, "'%s' is defined twice", shown(name, place));
	if (policy->node_count == POLICY_NODES_MAX)
		return fault_set(reading->fault, ERR_INPUT, "more than %d witnesses and groups", POLICY_NODES_MAX);
	*ret_node = &policy->nodes[policy->node_count];
	**ret_node = (struct policy_node){.name = name};
	return ERR_OK;
}

static enum err take_witness(struct reading *reading)
{
	struct policy *policy = reading->policy;
	struct policy_node *node;

	if (reading->count < 3 || reading->count > 4)
		return fault_set(reading->fault, ERR_INPUT, "it is: witness NAME VKEY [URL]");
	TRY(add_node(reading, reading->words[1], &node));
	TRY(take_key(reading, reading->words[2], KEY_TYPE_COSIGNATURE, "witness", &node->key));
	/* one key under two names would be counted twice */
	for (size_t i = 0; i < policy->node_count; i++)
		if (policy->nodes[i].key != NULL && public_key_equal(policy->nodes[i].key, node->key))
			return fault_set(reading->fault, ERR_INPUT, "the same key twice");
	policy->node_count++;
	return ERR_OK;
}

/* 1 to 3 digits without a zero in front. */
static bool is_count(struct slice word, size_t *ret_count)
{
	size_t count = 0;

	if (word.length == 0 || word.length > 3 || word.data[0] == '0')
		return false;
	for (size_t i = 0; i < word.length; i++) {
		if (word.data[i] < '0' || word.data[i] > '9')
			return false;
		count = count * 10 + (size_t)(word.data[i] - '0');
	}
	*ret_count = count;
	return true;
}

static enum err take_needed(struct reading *reading, struct slice word, size_t members, size_t *ret_needed)
{
	size_t needed = is_word(word, "all") ? members : 1;

	if (!is_word(word, "all") && !is_word(word, "any") && (!is_count(word, &needed) || needed > members))
		return fault_set(reading->fault, ERR_INPUT,
				 "how many of the group are needed is all, any, or a number from 1 to %zu", members);
	*ret_needed = needed;
	return ERR_OK;
}

static enum err take_members(struct reading *reading, struct policy_node *group)
{
	struct policy *policy = reading->policy;
	char place[80];

	for (size_t i = 0; i < group->member_count; i++) {
		struct slice name = reading->words[3 + i];
		int member = find(policy, name);

		if (member < 0)
			return fault_set(reading->fault, ERR_INPUT, "'%s' is not defined before", shown(name, place));
		if (policy->nodes[member].is_member)
			return fault_set(reading->fault, ERR_INPUT, "'%s' is in a group already", shown(name, place));
		policy->nodes[member].is_member = true;
		group->members[i] = (uint16_t)member;
	}
	return ERR_OK;
}

static enum err take_group(struct reading *reading)
{
	struct policy_node *group;

	if (reading->count < 4)
		return fault_set(reading->fault, ERR_INPUT, "it is: group NAME all|any|K MEMBER ...");
	TRY(add_node(reading, reading->words[1], &group));
	group->member_count = reading->count - 3;
	TRY(take_needed(reading, reading->words[2], group->member_count, &group->needed));
	group->members = arena_array(reading->arena, group->member_count, sizeof group->members[0]);
	if (group->members == NULL)
		return ERR_MEMORY;
	TRY(take_members(reading, group));
	reading->policy->node_count++;
	return ERR_OK;
}

static enum err take_quorum(struct reading *reading)
{
	struct policy *policy = reading->policy;
	char place[80];

	if (reading->count != 2)
		return fault_set(reading->fault, ERR_INPUT, "it is: quorum NAME|none");
	if (policy->has_quorum)
		return fault_set(reading->fault, ERR_INPUT, "a second quorum");
	policy->quorum = find(policy, reading->words[1]);
	if (policy->quorum < 0 && !is_word(reading->words[1], "none"))
		return fault_set(reading->fault, ERR_INPUT, "'%s' is not defined before",
				 shown(reading->words[1], place));
	policy->has_quorum = true;
	return ERR_OK;
}

static enum err take_line(struct reading *reading, struct slice line)
{
	static const struct {
		const char *word;
		enum err (*take)(struct reading *reading);
	} rows[] = {{"log", take_log}, {"witness", take_witness}, {"group", take_group}, {"quorum", take_quorum}};
	char place[80];

	TRY(split(reading, line));
	if (reading->count == 0)
		return ERR_OK;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (is_word(reading->words[0], rows[i].word))
			return rows[i].take(reading);
	return fault_set(reading->fault, ERR_INPUT, "'%s' is neither log, witness, group nor quorum",
			 shown(reading->words[0], place));
}

/* The next line without its newline; the last one may lack it. */
static struct slice next_line(struct slice *rest)
{
	const uint8_t *end = memchr(rest->data, '\n', rest->length);
	size_t length = end == NULL ? rest->length : (size_t)(end - rest->data);
	struct slice line = slice_part(*rest, 0, length);

	*rest = end == NULL ? SLICE_EMPTY : slice_part(*rest, length + 1, rest->length);
	return line;
}

static enum err take_lines(struct reading *reading, struct slice text)
{
	unsigned number = 0;

	while (text.length > 0) {
		char where[32];
		struct slice line = next_line(&text);

		number++;
		enum err err = take_line(reading, line);
		if (err == ERR_OK)
			continue;
		snprintf(where, sizeof where, "line %u", number);
		fault_prefix(reading->fault, where);
		return err;
	}
	if (!reading->policy->has_quorum)
		return fault_set(reading->fault, ERR_INPUT, "it has no quorum");
	return ERR_OK;
}

enum err policy_parse(struct slice text, struct arena *arena, struct policy **ret_policy, struct fault *fault)
{
	struct policy *policy = arena_alloc(arena, sizeof *policy);
	struct reading *reading = arena_alloc(arena, sizeof *reading);

	if (policy == NULL || reading == NULL)
		return ERR_MEMORY;
	memset(policy, 0, sizeof *policy);
	*reading = (struct reading){.policy = policy, .arena = arena, .fault = fault};
	if (text.length > POLICY_BYTES_MAX)
		return fault_set(fault, ERR_INPUT, "it has more than %d bytes", POLICY_BYTES_MAX);
	TRY(take_lines(reading, text));
	*ret_policy = policy;
	return ERR_OK;
}

/* ---- judging ---- */

static bool names(const struct note *note, const struct public_key *key)
{
	for (size_t i = 0; i < note->signature_count; i++)
		if (note->signatures[i].id == key->id && slice_equal(note->signatures[i].name, slice_text(key->name)))
			return true;
	return false;
}

static void judge_witness(const struct policy_node *node, const struct note *note, size_t place,
			  struct policy_outcome *outcome)
{
	if (!names(note, node->key))
		return;
	outcome->is_signed[place] = note_verify_cosignature(note, node->key, &outcome->time_s[place]) == ERR_OK;
	if (!outcome->is_signed[place])
		outcome->wrong = node;
}

static bool judge_group(const struct policy_node *node, const struct policy_outcome *outcome)
{
	size_t count = 0;

	for (size_t i = 0; i < node->member_count; i++)
		count += outcome->is_signed[node->members[i]];
	return count >= node->needed;
}

/* Is the log's name the origin, a checkpoint's first line? */
static bool is_of(struct slice text, const struct public_key *log)
{
	return slice_equal(next_line(&text), slice_text(log->name));
}

void policy_judge(const struct policy *policy, const struct note *note, struct policy_outcome *ret_outcome)
{
	*ret_outcome = (struct policy_outcome){.is_log = false};
	for (size_t i = 0; i < policy->log_count; i++)
		ret_outcome->is_log |=
			is_of(note->text, policy->logs[i]) && note_verify(note, policy->logs[i]) == ERR_OK;
	/* members stand before their groups */
	for (size_t i = 0; i < policy->node_count; i++) {
		if (policy->nodes[i].key != NULL)
			judge_witness(&policy->nodes[i], note, i, ret_outcome);
		else
			ret_outcome->is_signed[i] = judge_group(&policy->nodes[i], ret_outcome);
	}
	bool is_quorum = policy->quorum < 0 || ret_outcome->is_signed[policy->quorum];
	ret_outcome->is_met = ret_outcome->is_log && is_quorum && ret_outcome->wrong == NULL;
}
