/* What tills, head office and the daemon's threads do, one step at a time. */
#include <stdio.h>
#include <string.h>

#include "action.h"
#include "branch.h"

#define STANDING_SUSPEND 1
#define STANDING_RESUME 2
#define STANDING_TERMINATE 3

static const char *text_of(struct branches *all, const char *before, uint64_t number)
{
	const char *text = arena_printf(&all->formula->arena, "%s%llu", before, (unsigned long long)number);

	branch_must(all, text == NULL ? ERR_MEMORY : ERR_OK, "text");
	return text;
}

/* ---- members ---- */

static struct branch_member *add_member(struct branches *all)
{
	struct branch_member *member = LIST_ADD(&all->members);

	*member = (struct branch_member){.card = ""};
	snprintf(member->card, sizeof member->card, "%u", 100000 + all->next_card++);
	return member;
}

void branch_register_members(struct branches *all, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct branch_member *member = add_member(all);
		char values[128];
		snprintf(values, sizeof values, "1=%s|2=Member %u|3=06%08u", member->card, i, i);
		memcpy(member->customer, franchise_customer(all->formula, values).data, PSEUDONYM_SIZE);
	}
}

static const struct branch_member *any_member(struct branches *all)
{
	return &all->members.items[branch_draw(all, all->members.count)];
}

/* ---- tills ---- */

/* Codes that nothing in a run leads to, but the machine's own death. */
static void look_at(struct branch *branch, const char *what, enum err err, const struct fault *fault)
{
	static const enum err wrong[] = {ERR_CORRUPT, ERR_CRYPTO, ERR_IO, ERR_MISMATCH, ERR_COMMITMENT, ERR_INPUT};

	branch_trace(branch->all, "%s: %s: %s %s", branch->folder, what, error_text(err), fault->text);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		if (err == wrong[i] && !branch_is_dead(branch))
			branch_fail(branch->all, "desk", "%s %s: %s %s", branch->folder, what, error_text(err),
				    fault->text);
	if (err == ERR_DISK_FULL && (!branch->is_full || fault->text[0] == '\0'))
		branch_fail(branch->all, "I9", "%s %s: the disk is full, it is said: '%s'", branch->folder, what,
			    fault->text);
	branch->all->counts[BRANCH_REFUSED] += err != ERR_OK;
}

/* What the till was told about something written. */
static void look_at_item(struct branch *branch, const char *what, enum err err, const struct fault *fault,
			 const uint64_t *number)
{
	look_at(branch, what, err, fault);
	if (err == ERR_OK && !branch_is_dead(branch))
		branch_check_taken(branch, *number);
	if (err == ERR_OK && branch->is_full)
		branch_fail(branch->all, "I8", "%s %s: taken though the disk is full", branch->folder, what);
}

struct till {
	struct branch *branch;
	size_t employee;
	struct slice token;
	struct fault fault;
};

static void look_up(struct till *till)
{
	struct branch *branch = till->branch;
	const struct branch_member *asked = any_member(branch->all);
	struct arena arena CLEANUP(arena_fini) = {0};
	struct desk_member member;

	arena_init(&arena, REQUEST_ARENA_MAX);
	unsigned purpose = branch_chance(branch->all, 25);
	enum err err = desk_lookup(branch->desk, till->token, spec_purposes[purpose], "card", asked->card, &arena,
				   &member, &till->fault);
	look_at(branch, "lookup", err, &till->fault);
	if (err != ERR_OK)
		return;
	branch->all->counts[member.source == DESK_COPY ? BRANCH_SHOWN : BRANCH_FROM_BROKER]++;
	if (member.source == DESK_COPY)
		branch_check_shown(branch, &member, purpose, till->employee);
}

static void ring_up(struct till *till)
{
	struct branches *all = till->branch->all;
	struct desk_line_item line = {.product = "bread", .units = 10000, .amount = 25000};
	struct desk_receipt receipt = {.has_id = branch_chance(all, 70),
				       .field = "card",
				       .value = any_member(all)->card,
				       .day = FRANCHISE_DAY - (int32_t)branch_draw(all, 20),
				       .line_count = 1,
				       .lines = &line};
	uint64_t number, again;

	random_fill(&all->run.random, receipt.id, sizeof receipt.id);
	line.units += 10000 * (int64_t)branch_draw(all, 9);
	enum err err = desk_receipt(till->branch->desk, till->token, spec_purposes[0], &receipt, &number, &till->fault);
	look_at_item(till->branch, "receipt", err, &till->fault, &number);
	if (err != ERR_OK || !receipt.has_id || !branch_chance(all, 10))
		return;
	if (desk_receipt(till->branch->desk, till->token, spec_purposes[0], &receipt, &again, &till->fault) == ERR_OK &&
	    again != number)
		branch_fail(all, "I8", "a receipt that was sent twice was taken twice");
}

/* FORMAT.md R115: half of them valid. */
static uint32_t any_status(struct branches *all)
{
	static const uint32_t statuses[] = {4, 5, 4, 3, 7, 8};

	return statuses[branch_draw(all, sizeof statuses / sizeof statuses[0])];
}

static void register_member(struct till *till)
{
	struct branches *all = till->branch->all;
	struct branch_member *member = add_member(all);
	struct desk_input values[] = {{"card", member->card}, {"name", "New Member"}, {"phone", "0687654321"}};
	struct desk_consent consent = {.purpose = spec_purposes[1], .status = any_status(all)};
	uint64_t number;

	enum err err = desk_register(till->branch->desk, till->token, spec_purposes[0], values, 3, &consent,
				     branch_chance(all, 50), member->customer, &number, &till->fault);
	look_at_item(till->branch, "registration", err, &till->fault, &number);
}

/* The same few members' same field, so that stores that are split meet. */
static void change(struct till *till)
{
	struct branches *all = till->branch->all;
	const struct branch_member *member = &all->members.items[branch_draw(all, 3)];
	struct desk_input value = {.field = branch_chance(all, 70) ? "name" : "phone"};
	uint64_t number;

	value.value = value.field[0] == 'n' ? text_of(all, "Name ", branch_draw(all, 1000))
					    : text_of(all, "06", 10000000 + branch_draw(all, 1000));
	enum err err = desk_update(till->branch->desk, till->token, spec_purposes[0], member->customer, &value, 1,
				   &number, &till->fault);
	look_at_item(till->branch, "change", err, &till->fault, &number);
}

static void consent(struct till *till)
{
	struct branches *all = till->branch->all;
	struct desk_consent given = {.purpose = spec_purposes[1], .status = any_status(all)};
	uint64_t number;

	enum err err = desk_consent(till->branch->desk, till->token, spec_purposes[0], any_member(all)->customer,
				    &given, &number, &till->fault);
	look_at_item(till->branch, "consent", err, &till->fault, &number);
}

static bool sign_in(struct till *till)
{
	struct branch *branch = till->branch;
	size_t i = till->employee;
	char handle[16], role[NAME_MAX_ + 1];

	snprintf(handle, sizeof handle, "till-%zu", i);
	if (branch->has_token[i] && desk_is_open(branch->desk, SLICE_ARRAY(branch->tokens[i]), &till->fault) != ERR_OK)
		branch->has_token[i] = false;
	if (!branch->has_token[i])
		branch->has_token[i] = desk_open(branch->desk, handle, slice_text("4711"), branch->tokens[i], role,
						 &till->fault) == ERR_OK;
	if (branch->has_token[i] && branch->knows_gone[i])
		branch_fail(branch->all, "I6", "%s: who was removed can sign in", branch->folder);
	till->token = SLICE_ARRAY(branch->tokens[i]);
	return branch->has_token[i];
}

void branch_till(struct branch *branch)
{
	static void (*const works[])(struct till * till) = {look_up,	     look_up, look_up, ring_up, ring_up,
							    register_member, change,  change,  consent};
	struct till till = {.branch = branch, .employee = branch_draw(branch->all, BRANCH_STAFF)};

	if (sign_in(&till))
		works[branch_draw(branch->all, sizeof works / sizeof works[0])](&till);
	if (!branch_is_dead(branch))
		branch_note_items(branch);
}

/* ---- the daemon's threads ---- */

static void note_keys(struct branch *branch)
{
	struct key_memory memory = key_shelf_memory(&branch->shelf);
	struct replica_lease lease;

	for (unsigned i = 0; i < SPEC_PURPOSES && !branch_is_dead(branch); i++)
		if (replica_lease(&branch->shop.replica, spec_purposes[i], &lease) == ERR_OK && lease.has_key)
			branch_must(branch->all, memory.load(memory.context, spec_purposes[i], branch->used_keys[i]),
				    "key");
}

void branch_keeper(struct branch *branch)
{
	struct fault fault = {""};
	enum keeper_result result = keeper_step(branch->keeper, &fault);

	branch_trace(branch->all, "%s: keeper %d %s", branch->folder, (int)result, fault.text);
	if (result == KEEPER_ALARM && !branch->is_full && !branch_is_dead(branch))
		branch_fail(branch->all, "keeper", "%s: alarm: %s", branch->folder, fault.text);
	note_keys(branch);
	if (result != KEEPER_CURRENT)
		return;
	branch_follow_log(branch->all);
	branch_knows(branch);
	memcpy(branch->knows_gone, branch->is_gone, sizeof branch->is_gone);
}

void branch_courier(struct branch *branch)
{
	struct fault fault = {""};
	enum courier_result result = courier_step(branch->courier, &fault);

	branch_trace(branch->all, "%s: courier %d %s", branch->folder, (int)result, fault.text);
	if (result == COURIER_REFUSED && !branch->is_full && !branch->is_revoked && !branch_is_dead(branch))
		branch_fail(branch->all, "courier", "%s: refused: %s", branch->folder, fault.text);
}

/* ---- head office ---- */

static void stand(struct branches *all, struct branch *branch)
{
	uint32_t what = branch->is_suspended ? STANDING_RESUME : STANDING_SUSPEND;

	if (branch->is_terminated || branch->is_revoked)
		return;
	if (branch_chance(all, 10))
		what = STANDING_TERMINATE;
	franchise_must(all->formula, &all->formula->office, action_standing(all->formula, branch->party->store, what));
	branch->is_suspended = what == STANDING_SUSPEND;
	branch->is_terminated = what == STANDING_TERMINATE;
	branch_trace(all, "%s: standing %u", branch->folder, what);
}

static void amend(struct branches *all, struct branch *branch)
{
	struct party *party = branch->party;
	uint8_t before[HASH_SIZE];

	if (branch->is_terminated || branch->is_suspended || branch->is_revoked || branch->is_unsure)
		return;
	memcpy(before, party->agreement, HASH_SIZE);
	branch_agree(branch, before, branch_chance(all, 20));
	branch_trace(all, "%s: amended", branch->folder);
}

static void remove_employee(struct branches *all, struct branch *branch)
{
	size_t i = branch_draw(all, BRANCH_STAFF);

	if (branch->is_gone[0] || branch->is_gone[1] || !branch_chance(all, 40))
		return;
	franchise_must(all->formula, &all->formula->office,
		       action_staff(all->formula, &branch->party->store, SLICE_ARRAY(branch->employees[i]), "", NULL));
	branch->is_gone[i] = true;
	branch->party->has_employee = false;
	branch_trace(all, "%s: till-%zu removed", branch->folder, i);
}

/* Head office changes what shops change too. */
static void change_member(struct branches *all)
{
	const struct branch_member *member = &all->members.items[branch_draw(all, 3)];
	const char *values = branch_chance(all, 70) ? text_of(all, "2=Office ", branch_draw(all, 1000))
						    : text_of(all, "3=06", 20000000 + branch_draw(all, 1000));

	if (!member->is_erased)
		franchise_must(all->formula, &all->formula->office,
			       action_update(all->formula, NULL, SLICE_ARRAY(member->customer), values));
}

static void restrict_member(struct branches *all)
{
	const struct branch_member *member = &all->members.items[branch_draw(all, 8)];

	if (!member->is_erased)
		franchise_must(all->formula, &all->formula->office,
			       action_restriction(all->formula, SLICE_ARRAY(member->customer), branch_chance(all, 60)));
}

void branch_office(struct branches *all)
{
	struct branch *branch = &all->shops[branch_draw(all, BRANCHES)];

	switch (branch_draw(all, 8)) {
	case 0:
		stand(all, branch);
		break;
	case 1:
		amend(all, branch);
		break;
	case 2:
		remove_employee(all, branch);
		break;
	case 3:
		restrict_member(all);
		break;
	case 4:
		branch_erase_member(all);
		break;
	case 5:
	case 6:
		change_member(all);
		break;
	default:
		branch_register_members(all, 1);
	}
}
