#include "server/server_core.h"

struct server_core server_core_of(struct core *core)
{
	return (struct server_core){
		.core = core,
		.prepare = core_prepare,
		.needs_commit = prepared_needs_commit,
		.trust = prepared_trust,
		.failure = prepared_failure,
		.findings = prepared_findings,
		.waits = prepared_waits,
		.news = core_news,
		.commit = core_commit,
		.reply = core_reply,
		.prepared_free = prepared_free,
		.checkpoint = core_checkpoint,
		.round = core_round,
	};
}

struct outside_core outside_core_of(struct core *core)
{
	return (struct outside_core){.core = core, .read = core_round_read, .take = core_take_cosignature};
}
