/* workloads/clickstream/topic.h: the topic user-events: records to rows of bronze, events of a producer. */
#ifndef PQR_CLICKSTREAM_TOPIC_H
#define PQR_CLICKSTREAM_TOPIC_H

#include "stream/topic.h"

extern const struct stream_topic clickstream_topic;

#endif
