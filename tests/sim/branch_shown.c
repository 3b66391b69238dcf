/*
 * What a till is shown from the copy, against what the shop could know (I4, I6): whatever the log had said when the
 * shop was current last, it knew; what was said since, it may know or not. So what is shown must be allowed by the
 * rules (model_facts.c) in at least one state of the franchise since then. The roster is known by itself: a shop may
 * have a page of its copy and not yet who was removed before.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "branch.h"

#define LEASE_SLACK_MS 1000 /* a message is on its way */
#define HOURS_SLACK_S 2

/* ---- what may be shown ---- */

static struct branch_may *may_of(struct branch *branch, size_t customer)
{
	while (branch->may.count <= customer)
		*LIST_ADD(&branch->may) = (struct branch_may){.version = 0};
	return &branch->may.items[customer];
}

static void add_grant(struct branch_may *may, unsigned purpose, const struct grant_spec *grant,
		      const struct model_record *record)
{
	uint64_t fields = model_fields(grant, record);

	may->fields[purpose] |= fields;
	may->open[purpose] |= grant->masks_phone ? fields & ~(UINT64_C(1) << 2) : fields;
}

static void add_customer(struct branch *branch, size_t number)
{
	const struct model *model = branch->all->model;
	const struct model_customer *customer = &model->customers.items[number];
	struct model_ask ask = {.store = model_place(model, branch->party->store),
				.operation = OPERATION_LOOKUP,
				.time_s = branch_true_ms(branch) / 1000,
				.is_any_hour = true,
				.employee = SLICE_ARRAY(branch->employees[branch->is_gone[0] ? 1 : 0]),
				.customer = customer};
	struct branch_may *may = may_of(branch, number);

	for (ask.purpose = 0; ask.purpose < SPEC_PURPOSES; ask.purpose++) {
		int grant = model_permits(model, &ask);
		if (grant >= 0)
			add_grant(may, ask.purpose, &model->stores[ask.store].current.spec->grants[grant],
				  &customer->records.items[customer->records.count - 1]);
	}
}

void branch_may_know(struct branch *branch)
{
	for (size_t i = 0; i < branch->all->model->customers.count; i++)
		add_customer(branch, i);
}

void branch_knows(struct branch *branch)
{
	const struct model *model = branch->all->model;

	for (size_t i = 0; i < model->customers.count; i++)
		*may_of(branch, i) = (struct branch_may){.version = model->customers.items[i].records.count};
	branch_may_know(branch);
}

/* ---- what is shown ---- */

struct showing {
	const struct branch *branch;
	const struct desk_member *member;
	unsigned purpose;
	const struct model_customer *customer;
	const struct branch_may *may;
};

static void check_lease(const struct showing *showing)
{
	const struct branch *branch = showing->branch;
	uint64_t now_ms = branch_true_ms(branch), lease_ms = branch->leases_ms[showing->purpose];

	if (now_ms > lease_ms + branch->wrong_ms + LEASE_SLACK_MS)
		branch_fail(branch->all, "I6", "%s shows a member %" PRIu64 " ms after the lease's end", branch->folder,
			    now_ms - lease_ms);
}

/* R87, by the grant that the till was told of: the spec's are named g0, g1 ... in their order. */
static void check_hours(const struct showing *showing)
{
	const struct branch *branch = showing->branch;
	const struct agreement_spec *spec =
		model_agreement(branch->all->model, SLICE_ARRAY(branch->shop.agreement->hash));
	const char *name = strstr(showing->member->clause, "grant g");
	size_t grant = name == NULL ? SPEC_GRANTS : strtoul(name + strlen("grant g"), NULL, 10);
	uint64_t now_s = branch_true_ms(branch) / 1000;

	if (spec == NULL || grant >= spec->grant_count)
		branch_fail(branch->all, "I4", "%s shows a member by %s", branch->folder, showing->member->clause);
	if (branch->wrong_ms == 0 && spec->grants[grant].is_office_hours &&
	    !model_is_office_hours(now_s - HOURS_SLACK_S) && !model_is_office_hours(now_s + HOURS_SLACK_S))
		branch_fail(branch->all, "I4", "%s shows a member out of hours", branch->folder);
}

static unsigned field_of(const struct showing *showing, const char *name)
{
	for (unsigned i = 0; i < SPEC_FIELDS; i++)
		if (strcmp(spec_fields[i], name) == 0)
			return i;
	branch_fail(showing->branch->all, "I4", "%s shows a field %s", showing->branch->folder, name);
}

static void check_value(const struct showing *showing, const struct desk_value *value, struct arena *arena)
{
	static const struct grant_spec masking = {.masks_phone = true};
	const struct branches *all = showing->branch->all;
	const struct model_record *record = &showing->customer->records.items[showing->member->version - 1];
	unsigned field = field_of(showing, value->field);
	uint64_t fields = showing->may->fields[showing->purpose];
	uint64_t open = showing->may->open[showing->purpose];

	if ((fields >> field & 1) == 0)
		branch_fail(all, fields == 0 ? "I6" : "I4", "%s shows %s: nothing that it could know allows that",
			    showing->branch->folder, value->field);
	bool is_plain = record->values[field] != NULL && strcmp(value->value, record->values[field]) == 0;
	bool is_masked = record->values[field] != NULL &&
			 strcmp(value->value, model_shown(&masking, field, record->values[field], arena)) == 0;
	if (!is_plain && !is_masked)
		branch_fail(all, "I11", "%s shows another %s than was written: %s", showing->branch->folder,
			    value->field, value->value);
	if (!is_masked && (open >> field & 1) == 0)
		branch_fail(all, "I4", "%s shows %s without its mask", showing->branch->folder, value->field);
}

static void check_superseded(const struct showing *showing, const struct desk_superseded *superseded)
{
	uint64_t fields = showing->may->fields[showing->purpose];

	if ((fields >> field_of(showing, superseded->field) & 1) == 0)
		branch_fail(showing->branch->all, "I4", "%s shows what %s was: nothing that it could know allows that",
			    showing->branch->folder, superseded->field);
}

static void check_member(const struct showing *showing)
{
	const struct desk_member *member = showing->member;
	struct arena arena CLEANUP(arena_fini) = {0};

	if (member->version < showing->may->version || member->version < 1 ||
	    member->version > showing->customer->records.count)
		branch_fail(showing->branch->all, "I11", "%s shows version %u of %zu", showing->branch->folder,
			    member->version, showing->customer->records.count);
	arena_init(&arena, REQUEST_ARENA_MAX);
	for (size_t i = 0; i < member->value_count; i++)
		check_value(showing, &member->values[i], &arena);
	for (size_t i = 0; i < member->superseded_count; i++)
		check_superseded(showing, &member->superseded[i]);
}

void branch_check_shown(struct branch *branch, const struct desk_member *member, unsigned purpose, size_t employee)
{
	const struct model *model = branch->all->model;
	struct branch_shown *shown = LIST_ADD(&branch->shown);
	struct showing showing = {.branch = branch,
				  .member = member,
				  .purpose = purpose,
				  .customer = model_customer(model, SLICE_ARRAY(member->customer))};

	*shown = (struct branch_shown){.record = member->record, .version = member->version};
	memcpy(shown->customer, member->customer, PSEUDONYM_SIZE);
	if (showing.customer == NULL)
		branch_fail(branch->all, "I4", "%s shows somebody who does not exist", branch->folder);
	if (branch->knows_gone[employee])
		branch_fail(branch->all, "I6", "%s shows a member to who was removed", branch->folder);
	showing.may = may_of(branch, (size_t)(showing.customer - model->customers.items));
	check_lease(&showing);
	check_hours(&showing);
	check_member(&showing);
}
