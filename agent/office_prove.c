#include "office_prove.h"

#include <inttypes.h>

#include "kluis/checkpoint.h"

static enum err check_proof(const struct agent *agent, struct slice proof, uint64_t index, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct checkpoint checkpoint;
	uint64_t proved;
	const struct session *session = &agent->session;

	arena_init(&arena, REQUEST_ARENA_MAX);
	if (!session->has_acknowledgement || session->entry_index != index)
		return ERR_OK; /* only this lane's last leaf is remembered; the proof is printed for who has the entry
				*/
	enum err err = ERR_SIGNATURE;
	struct fault cause = {""};
	for (size_t i = 0; i < agent->membership.log_count && err == ERR_SIGNATURE; i++) {
		cause.text[0] = '\0';
		err = tlog_proof_verify(proof, &session->entry_leaf, &agent->membership.logs[i], &proved, &checkpoint,
					&cause);
	}
	if (err == ERR_SIGNATURE)
		return fault_set(fault, err, "%s; has the log another key? 'kluis-agent trust' asks", cause.text);
	if (err != ERR_OK)
		return fault_set(fault, err, "%s", cause.text);
	return proved == index ? ERR_OK : fault_set(fault, ERR_PROOF, "the proof is for entry %" PRIu64, proved);
}

enum err office_prove(struct agent *agent, uint64_t index, struct arena *arena, struct slice *ret_proof,
		      struct fault *fault)
{
	struct session_answer answer;
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Prove prove = KLUIS__PROVE__INIT;
	struct agent_call call = {.operation = &operation, .is_outside_agreement = true};

	prove.index = index;
	operation.kind_case = KLUIS__OPERATION__KIND_PROVE;
	operation.prove = &prove;
	TRY(agent_send(agent, &call, arena, &answer, fault));
	TRY(agent_verdict(&answer, fault));
	if (answer.reply->n_data != 1 || answer.reply->data[0]->n_items != 1)
		return fault_set(fault, ERR_MISMATCH, "the broker gave no proof");
	*ret_proof = wire_slice(answer.reply->data[0]->items[0]);
	return check_proof(agent, *ret_proof, index, fault);
}
