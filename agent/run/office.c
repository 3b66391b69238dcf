#include "run/office.h"

#include <string.h>

#define WITNESS_DOMAIN "kluis/witness/v1\n"

void office_init(struct office *office, struct agent *agent, struct shop *shop, struct desk *desk)
{
	*office = (struct office){.agent = agent, .shop = shop, .desk = desk};
	pthread_mutex_init(&office->mutex, NULL);
}

void office_fini(struct office *office)
{
	if (office->agent != NULL)
		pthread_mutex_destroy(&office->mutex);
	office->agent = NULL;
}

static enum err send_witness(struct office *office, const struct secret_key *witness, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Witness message = KLUIS__WITNESS__INIT;
	struct agent_call call = {.operation = &operation, .is_outside_agreement = true};
	struct session_answer answer;
	uint8_t signature[SIGNATURE_SIZE];

	arena_init(&arena, REQUEST_ARENA_MAX);
	TRY(key_sign(witness, WITNESS_DOMAIN, slice_text(office->agent->membership.principal), signature));
	message.public_key = wire_data(SLICE_ARRAY(witness->public.key));
	message.signature = wire_data(SLICE_ARRAY(signature));
	operation.kind_case = KLUIS__OPERATION__KIND_WITNESS;
	operation.witness = &message;
	TRY(agent_send(office->agent, &call, &arena, &answer, fault));
	return agent_verdict(&answer, fault);
}

enum err office_witness(struct office *office, const struct secret_key *witness, struct fault *fault)
{
	pthread_mutex_lock(&office->mutex);
	enum err err = send_witness(office, witness, fault);
	pthread_mutex_unlock(&office->mutex);
	return err;
}
