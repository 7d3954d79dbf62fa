/* cli/lake_probe.h: can this store hold a lake? */
#ifndef PQR_CLI_LAKE_PROBE_H
#define PQR_CLI_LAKE_PROBE_H

#include "io/store.h"

/* Puts, reads, is refused to replace, and deletes a small object: what every stage needs. E_CORRUPT, E_IO: it can't. */
status lake_probe(struct store *lake, struct err *err) MUST_USE;

#endif
