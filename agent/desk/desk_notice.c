/* What the store tells head office: incidents and data subjects' requests. No grant is needed (R133). */
#include "desk/desk_write.h"
#include "kluis/hash.h"

static enum err make_part(struct desk_writing *writing, const char *text, ProtobufCBinaryData *ret_commitment)
{
	Kluis__NoticeContent content = KLUIS__NOTICE_CONTENT__INIT;

	if (text[0] == '\0' || !slice_is_text(slice_text(text), true))
		return fault_set(writing->request.fault, ERR_VALUE, "the text is empty, or not UTF-8");
	content.text = arena_text(&writing->arena, slice_text(text));
	if (content.text == NULL)
		return ERR_MEMORY;
	enum err err = part_make(&content.base, &writing->arena, &writing->part, ret_commitment);
	return err == ERR_OK ? err : fault_set(writing->request.fault, err, "the text is too long");
}

/* Ids are drawn here: it is the outbox that sees to it that each arrives once. */
static enum err draw_id(struct desk_writing *writing, ProtobufCBinaryData *ret_id)
{
	uint8_t id[PSEUDONYM_SIZE];

	random_bytes(id, sizeof id);
	return desk_write_copy(writing, SLICE_ARRAY(id), ret_id);
}

enum err desk_subject_request(struct desk *desk, struct slice token, uint32_t right, const uint8_t *customer,
			      const char *text, uint64_t *ret_number, struct fault *fault)
{
	struct desk_writing writing CLEANUP(desk_write_end) = {0};
	Kluis__SubjectRequest request = KLUIS__SUBJECT_REQUEST__INIT;

	TRY(desk_write_begin_ungranted(&writing, desk, token, fault));
	TRY(draw_id(&writing, &request.id));
	request.right = right;
	request.has_customer = customer != NULL;
	if (customer != NULL)
		TRY(desk_write_copy(&writing, SLICE(customer, PSEUDONYM_SIZE), &request.customer));
	TRY(make_part(&writing, text, &request.commitment));
	writing.operation.kind_case = KLUIS__OPERATION__KIND_SUBJECT_REQUEST;
	writing.operation.subject_request = &request;
	return desk_write_add(&writing, ret_number);
}

enum err desk_incident(struct desk *desk, struct slice token, uint32_t kind, uint64_t since_ms, const char *text,
		       uint64_t *ret_number, struct fault *fault)
{
	struct desk_writing writing CLEANUP(desk_write_end) = {0};
	Kluis__Incident incident = KLUIS__INCIDENT__INIT;

	TRY(desk_write_begin_ungranted(&writing, desk, token, fault));
	TRY(draw_id(&writing, &incident.id));
	incident.kind = kind;
	incident.has_since_ms = since_ms > 0;
	incident.since_ms = since_ms;
	TRY(make_part(&writing, text, &incident.commitment));
	writing.operation.kind_case = KLUIS__OPERATION__KIND_INCIDENT;
	writing.operation.incident = &incident;
	return desk_write_add(&writing, ret_number);
}
