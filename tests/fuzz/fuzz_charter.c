/*
 * Charters: what is taken keeps its own rules, can follow itself in nothing but the version, and judges values.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "kluis/charter.h"

#define ARENA_MAX (1 << 22)

static void check_fields(const struct charter *charter)
{
	uint64_t all = 0;
	int identifiers = 0;

	for (size_t i = 0; i < charter->field_count; i++) {
		const struct charter_field *field = &charter->fields[i];
		assert(field->number >= 1 && field->number <= FIELDS_MAX);
		assert(i == 0 || charter->fields[i - 1].number < field->number);
		assert(charter_field_by_name(charter, field->name) == field);
		assert(charter_field_by_number(charter, field->number) == field);
		assert(charter->mask_count == 32 || field->masks >> charter->mask_count == 0);
		all |= UINT64_C(1) << (field->number - 1);
		identifiers += field->is_identifier;
	}
	assert(all == charter->all_fields && identifiers <= 1);
}

/* The charter's own texts serve as values; a normal form is its own normal form, a mask never leaves the whole. */
static void check_value(const struct charter *charter, const struct charter_field *field, struct slice value)
{
	struct bytes once CLEANUP(bytes_fini);
	struct bytes twice CLEANUP(bytes_fini);

	bytes_init(&once, 8 * VALUE_MAX);
	bytes_init(&twice, 8 * VALUE_MAX);
	if (field_check_value(field, value) == ERR_OK && field->is_lookup)
		assert(field_normalise(field, value, &once) == ERR_OK);
	bytes_clear(&once);
	if (field_normalise(field, value, &once) == ERR_OK) {
		if (field_normalise(field, bytes_slice(&once), &twice) != ERR_OK ||
		    !slice_equal(bytes_slice(&once), bytes_slice(&twice)))
			abort();
	}
	for (size_t i = 0; i < charter->mask_count && value.length <= VALUE_MAX; i++) {
		bytes_clear(&once);
		if (mask_apply(&charter->masks[i], value, &once) != ERR_OK || slice_equal(bytes_slice(&once), value))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct charter charter;
	struct arena arena CLEANUP(arena_fini);
	struct fault fault = {.text = ""};

	arena_init(&arena, ARENA_MAX);
	enum err code = charter_parse(SLICE(data, size), "x", &arena, &charter, &fault);
	if (code != ERR_OK) {
		assert(code == ERR_PAPER || code == ERR_TOO_LARGE || code == ERR_MEMORY);
		assert(code == ERR_MEMORY || strncmp(fault.text, "x:", 2) == 0);
		return 0;
	}
	check_fields(&charter);
	assert(charter.purpose_count > 0 && charter.role_count > 0);
	assert(charter_may_follow(&charter, &charter, 0, NULL) == ERR_PAPER);
	for (size_t i = 0; i < charter.field_count; i++) {
		check_value(&charter, &charter.fields[i], slice_text(charter.controller_contact));
		check_value(&charter, &charter.fields[i], slice_text(charter.dpo_name));
	}
	return 0;
}
