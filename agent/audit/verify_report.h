/*
 * What verify found, for people and for machines.
 *
 * Threads: any.
 */
#ifndef AUDIT_VERIFY_REPORT_H
#define AUDIT_VERIFY_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "verify.h"

/* For a mirror without findings. ERR_MEMORY. */
enum err verify_report_text(const struct verify_summary *summary, const struct verify_options *options,
			    FILE *file) MUST_USE;
/* One object with the findings as texts in a list. ERR_MEMORY, ERR_IO. */
enum err verify_report_json(const struct verify_summary *summary, const struct verify_options *options,
			    json_t *findings, FILE *file) MUST_USE;

#endif
