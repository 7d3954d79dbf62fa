/* workloads/pqrs/config/embedded.h: the default files of this workload, compiled into the program. */
#ifndef PQR_PQRS_CONFIG_EMBEDDED_H
#define PQR_PQRS_CONFIG_EMBEDDED_H

#include "base/buf.h"

/* The bytes of a file of config/ by its name ("pqrs_topics_v1.yaml"); p == NULL: no such file is compiled in. */
struct str embedded_file(const char *name);
/* The i-th name; NULL past the end. */
const char *embedded_name(size_t i);

#endif
