/* cli/stream_probe.h: what a stream needs that is not the lake: broker, topics, how far the groups have come. */
#ifndef PQR_CLI_STREAM_PROBE_H
#define PQR_CLI_STREAM_PROBE_H

#include "app/session.h"

enum stream_verdict { STREAM_GOOD, STREAM_BAD, STREAM_ABSENT };
typedef void (*stream_found)(void *arg, enum stream_verdict verdict, const char *what, const char *text);
/* Tells of the broker, each topic of a workload's (or the configured one), each group in it. That no
 * broker answers where nobody configured one is no fault: ABSENT. */
void stream_probe(struct session *s, stream_found found, void *arg);

#endif
