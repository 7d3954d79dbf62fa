/* workloads/clickstream/realtime.h: what is counted a minute: events by type, logins by source, purchases. */
#ifndef PQR_CLICKSTREAM_REALTIME_H
#define PQR_CLICKSTREAM_REALTIME_H

#include "stream/windows.h"
#include "workloads/clickstream/schema.h"

/* The kind of an event: all that the tables tell apart. */
#define CLICK_KIND(type, source) ((uint32_t)(type)*CLICK_SOURCES + (uint32_t)(source))
enum { CLICK_KINDS = CLICK_TYPES * CLICK_SOURCES };

enum { CLICK_REALTIME_TABLES = 3 };
extern const struct table_schema *const clickstream_realtime_tables[CLICK_REALTIME_TABLES];
extern const struct window_set clickstream_windows;

#endif
