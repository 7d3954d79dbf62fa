/* app/metrics.h: runs, quality and figures of a lake as metrics, in Prometheus' text format 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/).
 *
 * All of it is read from the control plane (and reasons of rejects from the lake's commits) at the time of the call: nothing is kept between
 * two calls, so that any process tells the same. Counters are sums over the runs that the control plane has.
 */
#ifndef PQR_APP_METRICS_H
#define PQR_APP_METRICS_H

#include "app/session.h"

/* Append every metric of every workload's runs. The session has lake and control plane. */
status metrics_collect(struct session *s, struct buf *out, struct err *err) MUST_USE;

#endif
