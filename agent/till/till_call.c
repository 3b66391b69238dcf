#include "till/till_call.h"

#include <string.h>

#include "kluis/keys.h"

static bool is_of_kind(const json_t *value, enum member_kind kind)
{
	static const json_type types[] = {[MEMBER_TEXT] = JSON_STRING,
					  [MEMBER_NUMBER] = JSON_INTEGER,
					  [MEMBER_LIST] = JSON_ARRAY,
					  [MEMBER_OBJECT] = JSON_OBJECT};

	return kind == MEMBER_BOOL ? json_is_boolean(value) : json_typeof(value) == types[kind];
}

/* jansson lets "\u0000" into texts only if asked to; a text's other control characters are the desk's to judge. */
static enum err check_member(const json_t *value, const struct member *member, struct fault *fault)
{
	static const char *const names[] = {[MEMBER_TEXT] = "a string",
					    [MEMBER_NUMBER] = "a whole number",
					    [MEMBER_LIST] = "an array",
					    [MEMBER_BOOL] = "true or false",
					    [MEMBER_OBJECT] = "an object"};

	if (value == NULL && member->is_required)
		return fault_set(fault, ERR_INPUT, "'%s' is missing", member->name);
	if (value != NULL && !is_of_kind(value, member->kind))
		return fault_set(fault, ERR_INPUT, "'%s' is not %s", member->name, names[member->kind]);
	return ERR_OK;
}

enum err members_check(const json_t *object, const struct member *members, struct fault *fault)
{
	size_t known = 0;

	if (!json_is_object(object))
		return fault_set(fault, ERR_INPUT, "not a JSON object");
	for (const struct member *member = members; member->name != NULL; member++) {
		const json_t *value = json_object_get(object, member->name);
		TRY(check_member(value, member, fault));
		known += value != NULL;
	}
	if (known != json_object_size(object)) /* quotes nothing: a value may have slipped into a name */
		return fault_set(fault, ERR_INPUT, "a member that is not known here");
	return ERR_OK;
}

const char *member_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

enum err member_id(const char *text, const char *what, uint8_t ret_id[static PSEUDONYM_SIZE], struct fault *fault)
{
	if (hex_parse(slice_text(text), ret_id, PSEUDONYM_SIZE) != ERR_OK)
		return fault_set(fault, ERR_INPUT, "'%s' is not 32 hexadecimal digits", what);
	return ERR_OK;
}
