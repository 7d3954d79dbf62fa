/* app/trace.h: a run as OpenTelemetry spans, run > stage > task, sent as OTLP over HTTP in JSON.
 * https://opentelemetry.io/docs/specs/otlp/ and .../otel/protocol/exporter/ for the environment */
#ifndef PQR_APP_TRACE_H
#define PQR_APP_TRACE_H

#include "base/hash.h"
#include "flow/watch.h"

enum { TRACE_ID_BYTES = 16, SPAN_ID_BYTES = 8 };

/* W3C Trace Context's traceparent, 00-<trace id>-<parent id>-<flags>. false: it is none, and is to be ignored. */
struct trace_parent {
	uint8_t trace[TRACE_ID_BYTES], span[SPAN_ID_BYTES];
	bool sampled;
};
bool trace_parent_parse(struct str text, struct trace_parent *out) MUST_USE;

struct trace;
/* By the environment. *out stays NULL, and all is well, where it names no endpoint, switches traces off, or TRACEPARENT says that this
 * trace is not recorded. E_USAGE: no address that spans can go to. */
status trace_open(struct trace **out, struct err *err) MUST_USE;
struct run_watch trace_watch(struct trace *t);
void trace_close(struct trace *t); /* NULL is fine */

#endif
