/* The roster as commands use it. */
#ifndef KLUIS_AGENT_EMPLOYEE_H
#define KLUIS_AGENT_EMPLOYEE_H

#include "command/options.h"
#include "home.h"

/* Who acts: --employee's handle on the roster. ERR_NO_EMPLOYEE with advice. The broker decides; this only saves the
 * way. */
enum err employee_named(const struct agent *agent, const struct agent_options *settings,
			struct replica_employee *ret_employee, struct fault *fault) MUST_USE;

#endif
