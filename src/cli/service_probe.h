/* cli/service_probe.h: does each service answer that the environment names? What scripts/stack sets, and who runs them
 * elsewhere sets by hand. */
#ifndef PQR_CLI_SERVICE_PROBE_H
#define PQR_CLI_SERVICE_PROBE_H

#include "base/err.h"

typedef void (*service_found)(void *arg, bool good, const char *what, const char *text);
/* Calls found once for each service whose variable has an address, in the table's order; text names the variable where it does
 * not answer. All are asked at once; none is waited for longer than 5 s. E_NOMEM and the like: nothing was told. */
status service_probe(service_found found, void *arg, struct err *err) MUST_USE;

#endif
