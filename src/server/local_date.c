/* server/local_date.c: no database here has the tz database as this program reads it (SQLite has none, DuckDB's is an extension), so the
 * zone's changes are written out: one of a zone without daylight saving, two a year of one with it. Must not know what is asked. */
#include "server/local_date.h"

#include "base/vec.h"

/* A change that is taken back within a day would not be seen: people would not follow it either. */
#define STEP_US US_PER_DAY
#define FIRST_US INT64_C(0)                  /* 1970-01-01 */
#define END_US (INT64_C(47482) * US_PER_DAY) /* 2100-01-01 */

/* ---- the zone's changes ---- */

/* The first second of another offset than at `before`; at `after` it has begun. */
static int64_t change_between(const struct tz *tz, int64_t before, int64_t after)
{
	const int32_t offset = tz_offset_at(tz, before);
	while (after - before > US_PER_SECOND) {
		const int64_t middle = before + (after - before) / US_PER_SECOND / 2 * US_PER_SECOND;
		if (tz_offset_at(tz, middle) == offset)
			before = middle;
		else
			after = middle;
	}
	return after;
}

static status add(struct local_offsets *l, struct arena *arena, struct local_offset o, struct err *err)
{
	if (!VEC_ROOM_IN(arena, l, 1)) return fail_nomem(err);
	l->items[l->n++] = o;
	return OK;
}

status local_offsets_make(const struct tz *tz, struct arena *arena, struct local_offsets *out, struct err *err)
{
	*out = (struct local_offsets){.n = 0};
	if (tz == NULL) return add(out, arena, (struct local_offset){FIRST_US, 0}, err);
	TRY(add(out, arena, (struct local_offset){FIRST_US, tz_offset_at(tz, FIRST_US)}, err));
	for (int64_t at = FIRST_US; at < END_US; at += STEP_US) {
		const int32_t next = tz_offset_at(tz, at + STEP_US);
		if (next == out->items[out->n - 1].offset) continue;
		TRY(add(out, arena, (struct local_offset){change_between(tz, at, at + STEP_US), next}, err));
	}
	return OK;
}

/* ---- SQL ---- */

/* Where the instant x is before `us`. SQLite has instants as texts, all of one form. */
static void add_before(struct buf *out, enum table_dialect dialect, struct str x, int64_t us)
{
	char text[TIME_RFC3339_CHARS];
	time_format(us, text);
	if (dialect == TABLE_SQLITE)
		buf_printf(out, "%.*s < '%.*s'", (int)x.n, x.p, TIME_RFC3339_CHARS, text);
	else if (dialect == TABLE_POSTGRES)
		buf_printf(out, "%.*s < TIMESTAMPTZ '%.*s'", (int)x.n, x.p, TIME_RFC3339_CHARS, text);
	else
		buf_printf(out, "epoch_us(%.*s) < %lld", (int)x.n, x.p, (long long)us);
}

/* SQLite would round the last microseconds of a day up to the next one. */
static void add_date(struct buf *out, enum table_dialect dialect, struct str x, int32_t offset)
{
	const int n = (int)x.n;
	if (dialect == TABLE_SQLITE)
		buf_printf(out, "date(substr(%.*s, 1, 19), '%d seconds')", n, x.p, offset);
	else if (dialect == TABLE_POSTGRES)
		buf_printf(out, "CAST((%.*s + INTERVAL '%d seconds') AT TIME ZONE 'UTC' AS date)", n, x.p, offset);
	else
		buf_printf(out, "CAST(make_timestamp(epoch_us(%.*s) + %lld) AS DATE)", n, x.p,
			(long long)(offset * US_PER_SECOND));
}

void local_date_sql(struct buf *out, enum table_dialect dialect, struct str x, const struct local_offsets *zone)
{
	ASSERT(zone->n > 0);
	if (zone->n > 1) buf_str(out, "CASE ");
	for (size_t i = 0; i + 1 < zone->n; i++) {
		buf_str(out, "WHEN ");
		add_before(out, dialect, x, zone->items[i + 1].from);
		buf_str(out, " THEN ");
		add_date(out, dialect, x, zone->items[i].offset);
		buf_char(out, ' ');
	}
	if (zone->n > 1) buf_str(out, "ELSE ");
	add_date(out, dialect, x, zone->items[zone->n - 1].offset);
	if (zone->n > 1) buf_str(out, " END");
}
