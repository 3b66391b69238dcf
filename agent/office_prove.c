#include "office_prove.h"

#include <inttypes.h>

#include "kluis/checkpoint.h"

static enum err check_proof(const struct agent *agent, struct slice proof, uint64_t index, const struct hash *leaf,
			    struct fault *fault)
{
	struct checkpoint checkpoint;
	uint64_t proved;
	enum err err = ERR_SIGNATURE;
	struct fault cause = {""};
	for (size_t i = 0; i < agent->membership.log_count && err == ERR_SIGNATURE; i++) {
		cause.text[0] = '\0';
		err = tlog_proof_verify(proof, leaf, &agent->membership.logs[i], &proved, &checkpoint, &cause);
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

	/* the lane remembers its last leaf alone, and the answer's own entry becomes that; another proof is printed for
	 * who has the entry */
	const struct hash leaf = agent->session.entry_leaf;
	bool is_last = agent->session.has_acknowledgement && agent->session.entry_index == index;
	prove.index = index;
	operation.kind_case = KLUIS__OPERATION__KIND_PROVE;
	operation.prove = &prove;
	TRY(agent_send(agent, &call, arena, &answer, fault));
	TRY(agent_verdict(&answer, fault));
	if (answer.reply->n_data != 1 || answer.reply->data[0]->n_items != 1)
		return fault_set(fault, ERR_MISMATCH, "the broker gave no proof");
	*ret_proof = wire_slice(answer.reply->data[0]->items[0]);
	return is_last ? check_proof(agent, *ret_proof, index, &leaf, fault) : ERR_OK;
}
