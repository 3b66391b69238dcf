/*
 * Charters and agreements, opened once: papers never change under their hash,
 * so what was parsed and whose signatures were checked is kept and shared.
 *
 * Threads: any; what papers_charter and papers_agreement give is read-only and lives as long as the papers.
 */
#ifndef KLUIS_PAPERS_H
#define KLUIS_PAPERS_H

#include "core/handler.h"

/* Papers kept open at a time; one more is opened in the request's arena each time it is used. */
#define PAPERS_KEPT_MAX 4096

enum err papers_new(const struct public_key *controller, struct papers **ret_papers) MUST_USE;
void papers_free(struct papers **papers);

/* The charter under a hash, its controller's signature checked. ERR_NOT_FOUND, ERR_CORRUPT. */
enum err papers_charter(struct context *context, struct slice hash, const struct charter **ret_charter) MUST_USE;
/* The agreement of a row and the charter that it names. Signatures were checked when it was offered and accepted.
 * ERR_NOT_FOUND, ERR_CORRUPT. */
enum err papers_agreement(struct context *context, const Rows__Paper *paper, const struct agreement **ret_agreement,
			  const struct charter **ret_charter) MUST_USE;

#endif
