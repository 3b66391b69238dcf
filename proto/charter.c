#include "kluis/charter.h"

#include <stdio.h>
#include <string.h>

const struct charter_field *charter_field_by_number(const struct charter *charter, uint32_t number)
{
	for (size_t i = 0; i < charter->field_count; i++)
		if (charter->fields[i].number == number)
			return &charter->fields[i];
	return NULL;
}

const struct charter_field *charter_field_by_name(const struct charter *charter, const char *name)
{
	for (size_t i = 0; i < charter->field_count; i++)
		if (strcmp(charter->fields[i].name, name) == 0)
			return &charter->fields[i];
	return NULL;
}

const struct charter_field *charter_identifier(const struct charter *charter)
{
	for (size_t i = 0; i < charter->field_count; i++)
		if (charter->fields[i].is_identifier)
			return &charter->fields[i];
	return NULL;
}

/* Is the C string these bytes? A zero inside the slice ends the comparison as a difference. */
static bool is_same(const char *text, struct slice slice)
{
	for (size_t i = 0; i < slice.length; i++)
		if (text[i] == '\0' || (uint8_t)text[i] != slice.data[i])
			return false;
	return text[slice.length] == '\0';
}

int charter_purpose(const struct charter *charter, struct slice name)
{
	for (size_t i = 0; i < charter->purpose_count; i++)
		if (is_same(charter->purposes[i].name, name))
			return (int)i;
	return -1;
}

int charter_role(const struct charter *charter, struct slice name)
{
	for (size_t i = 0; i < charter->role_count; i++)
		if (is_same(charter->roles[i], name))
			return (int)i;
	return -1;
}

int charter_mask(const struct charter *charter, const char *name)
{
	for (size_t i = 0; i < charter->mask_count; i++)
		if (strcmp(charter->masks[i].name, name) == 0)
			return (int)i;
	return -1;
}

const struct zone *charter_zone(const struct charter *charter, const char *name)
{
	for (size_t i = 0; i < charter->zone_count; i++)
		if (strcmp(charter->zones[i].name, name) == 0)
			return &charter->zones[i].zone;
	return NULL;
}

enum err charter_open(struct slice note, const struct public_key *controller, const char *name, struct arena *arena,
		      struct charter *ret_charter, struct fault *fault)
{
	struct note *parsed = arena_alloc(arena, sizeof(*parsed));
	struct charter *charter = arena_alloc(arena, sizeof(*charter));
	char wanted[PRINCIPAL_MAX + 1];

	if (!parsed || !charter)
		return ERR_MEMORY;
	enum err err = note_parse(note, arena, parsed, fault);
	if (err != ERR_OK) {
		fault_prefix(fault, name);
		return err;
	}
	if (note_verify(parsed, controller) != ERR_OK)
		return fault_set(fault, ERR_SIGNATURE, "%s: not signed by %s", name, controller->name);
	TRY(charter_parse(parsed->text, name, arena, charter, fault));
	snprintf(wanted, sizeof(wanted), "%s/controller", charter->origin);
	if (strcmp(controller->name, wanted) != 0)
		return fault_set(fault, ERR_SIGNATURE, "%s: signed by %s, but only %s may sign it", name,
				 controller->name, wanted);
	*ret_charter = *charter;
	return ERR_OK;
}

/* R22: number, name and type of a field stay together for ever. */
static enum err field_may_follow(const struct charter_field *field, const struct charter *next, bool is_in_use,
				 struct fault *fault)
{
	const struct charter_field *same_number = charter_field_by_number(next, field->number);
	const struct charter_field *same_name = charter_field_by_name(next, field->name);

	if (same_name && same_name->number != field->number)
		return fault_set(fault, ERR_PAPER, "field '%s' changes its number from %u to %u", field->name,
				 field->number, same_name->number);
	if (same_number && !same_name)
		return fault_set(fault, ERR_PAPER, "field number %u changes its name from '%s' to '%s'", field->number,
				 field->name, same_number->name);
	if (same_name && same_name->type != field->type)
		return fault_set(fault, ERR_PAPER, "field '%s' changes its type", field->name);
	if (!same_name && is_in_use)
		return fault_set(fault, ERR_PAPER, "field '%s' is gone, but records have values of it", field->name);
	return ERR_OK;
}

enum err charter_may_follow(const struct charter *current, const struct charter *next, uint64_t use_fields,
			    struct fault *fault)
{
	if (strcmp(current->origin, next->origin) != 0)
		return fault_set(fault, ERR_PAPER, "origin changes from %s to %s", current->origin, next->origin);
	if (next->version_number != (uint64_t)current->version_number + 1)
		return fault_set(fault, ERR_PAPER, "version must be %u, not %u", current->version_number + 1,
				 next->version_number);
	for (size_t i = 0; i < current->field_count; i++) {
		const struct charter_field *field = &current->fields[i];
		TRY(field_may_follow(field, next, use_fields >> (field->number - 1) & 1, fault));
	}
	return ERR_OK;
}
