/* workloads/pqrs/arrivals/topic.h: topic pqrs-events: case events as they arrive, kept as they came, by the raw contract. */
#ifndef PQR_PQRS_TOPIC_H
#define PQR_PQRS_TOPIC_H

#include "stream/topic.h"

extern const struct stream_topic pqrs_topic;
extern const struct table_schema pqrs_arrived; /* where it lands */

#endif
