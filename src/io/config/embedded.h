/* io/config/embedded.h: the default files, compiled into the program, so that it works from any folder. */
#ifndef PQR_IO_CONFIG_EMBEDDED_H
#define PQR_IO_CONFIG_EMBEDDED_H

#include "base/buf.h"

/* The bytes of a file of config/ by its name ("pqrs_topics_v1.yaml"); p == NULL: no such file is compiled in. */
struct str embedded_file(const char *name);
/* The i-th name; NULL past the end. */
const char *embedded_name(size_t i);

#endif
