/* server/local_date.h: the date that an instant has in a zone, in SQL. */
#ifndef PQR_SERVER_LOCAL_DATE_H
#define PQR_SERVER_LOCAL_DATE_H

#include "base/arena.h"
#include "base/time.h"
#include "server/table_sql.h"

/* How far a zone is from UTC: from items[i].from (microseconds) on, items[i].offset seconds to the east; items[0] holds before too. */
struct local_offset {
	int64_t from;
	int32_t offset;
};
struct local_offsets {
	struct local_offset *items; /* [n >= 1] in the arena */
	size_t n, cap;
};
/* Of the years 1970 to 2099; outside of them the nearest one holds. tz NULL: UTC. */
status local_offsets_make(
	const struct tz *tz, struct arena *arena, struct local_offsets *out, struct err *err) MUST_USE;

/* Append an expression of the dialect's type for dates, of the instant that the expression x gives. */
void local_date_sql(struct buf *out, enum table_dialect dialect, struct str x, const struct local_offsets *zone);

#endif
