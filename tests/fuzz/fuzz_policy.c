/* Policies: any bytes are read, or refused with a fault that names a line; what is read can be judged by. */
#include <stdlib.h>
#include <string.h>

#include "policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char source[] = "example.com/kluis/log\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n\n"
				     "\xE2\x80\x94 example.com/kluis/log "
				     "73H4dLCJNO8QAwxznVs1zO53alb5MK4bIJO+HL/vZ+Ukw+FOBklD/t/PTLPwVmlhnZnTeFJLAI2I5De+"
				     "WxpjifTX4Qc=\n";
	struct arena arena CLEANUP(arena_fini) = {0};
	struct fault fault = {""};
	struct policy *policy = NULL;
	struct policy_outcome outcome;
	struct note *note;

	arena_init(&arena, 16 * 1024 * 1024);
	note = arena_alloc(&arena, sizeof *note);
	if (keys_init() != ERR_OK || note == NULL || note_parse(slice_text(source), &arena, note, NULL) != ERR_OK)
		abort();
	if (policy_parse(SLICE(data, size), &arena, &policy, &fault) != ERR_OK) {
		if (fault.text[0] == '\0')
			abort();
		return 0;
	}
	policy_judge(policy, note, &outcome);
	/* nobody has cosigned it */
	if (outcome.is_met && (policy->quorum >= 0 || policy->log_count == 0))
		abort();
	return 0;
}
