/* app/observe.h: who watches the runs of this process, by flag, configuration and the environment that is standard for each.
 *
 *   OpenLineage    the URL given, else OPENLINEAGE_URL; OPENLINEAGE_NAMESPACE, _ENDPOINT, _API_KEY, _PARENT_ID, _DISABLED
 *   OpenTelemetry  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT or OTEL_EXPORTER_OTLP_ENDPOINT; ..._HEADERS, OTEL_SERVICE_NAME,
 *                  OTEL_RESOURCE_ATTRIBUTES, OTEL_SDK_DISABLED, TRACEPARENT
 *
 * None of it can fail or hold up a run: what the environment says wrongly is warned of, and left out.
 */
#ifndef PQR_APP_OBSERVE_H
#define PQR_APP_OBSERVE_H

#include "flow/run.h"

struct observe {
	struct lineage_post *lineage;
	struct trace *trace;
	struct run_watch watches[2];
};
/* lineage_url: "" or NULL: by the environment alone. Sets the options' watches, which live as long as *o. */
void observe_start(struct observe *o, const char *lineage_url, struct run_opts *run);
void observe_stop(struct observe *o); /* see post_close */

#endif
