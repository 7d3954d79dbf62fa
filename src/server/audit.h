/* server/audit.h: who asked for what, a line of the log each request: see docs/logs.md. */
#ifndef PQR_SERVER_AUDIT_H
#define PQR_SERVER_AUDIT_H

#include "server/exchange.h"

/* us: what it took. Never a header, a body, or what looks like a token in the address. */
void audit_log(const struct request *r, const struct response *out, int64_t us);

enum { AUDIT_TARGET_MAX = 512 };
/* The address as the log has it: printable, without tokens, cut. Returns dst. */
const char *audit_target(struct str target, char dst[AUDIT_TARGET_MAX]);

#endif
