/* stream/windows.h: events of one partition, counted by minute of event time and by kind. Pure: no clock, no source, no database.
 *
 *   event (instant, kind)  ->  minute of the instant  ->  is its end at or before the watermark?  yes: late, counted by minute alone
 *                                                                                                    no:  counted by minute and kind
 *                           then: watermark = max(watermark, instant - 2 minutes)
 *
 * The watermark is the partition's own: the newest event time that it had delivered before the event, less two minutes. What is counted is
 * therefore a function of the partition's events in their order, whoever counts them, in however many batches: counting a beginning,
 * taking the watermark along and counting the rest is counting the whole. Counts of partitions are added up; their watermarks never meet.
 *
 * A kind is what a workload tells apart (a login on the web); which tables a kind is counted in, and under which key, is data of the
 * workload (struct window_set).
 */
#ifndef PQR_STREAM_WINDOWS_H
#define PQR_STREAM_WINDOWS_H

#include "base/map.h"
#include "base/time.h"
#include "columnar/schema.h"

#define WINDOW_US (60 * US_PER_SECOND)
#define WATERMARK_US (120 * US_PER_SECOND)
#define WATERMARK_NONE INT64_MIN /* nothing was delivered yet: nothing is late */

enum {
	WINDOW_KINDS_MAX = 64,
	WINDOW_KEYS_MAX = 2,
	WINDOW_TABLES_MAX = 8,
};

/* What a workload declares. */
struct window_key {
	bool counts; /* events of this kind are counted in the table ... */
	const char *texts
		[WINDOW_KEYS_MAX]; /* ... in the row of these values, in the order of the key columns behind window_start */
};
/* Columns: window_start, up to WINDOW_KEYS_MAX texts, one count, updated_at; the key is all before the count. */
struct window_table {
	const struct table_schema *schema; /* layer "realtime" */
	const struct window_key *keys;     /* [n_kinds] */
};
struct window_set {
	uint32_t n_kinds;
	const struct window_table *tables; /* in the order in which their rows are locked */
	size_t n_tables;
};
size_t windows_table_keys(const struct table_schema *s); /* key columns behind window_start */

/* What one partition delivered since its counts were last taken. */
struct windows {
	int64_t watermark; /* of all it ever delivered; WATERMARK_NONE */
	uint32_t n_cells;  /* of a minute: a count a kind, then the late ones */
	uint32_t last;     /* the place of the minute that was counted last */
	int64_t last_minute;
	struct map index; /* minute -> place */
	struct {
		int64_t *items;
		size_t n, cap;
	} minutes;
	struct {
		int64_t *items; /* [minutes.n * n_cells] */
		size_t n, cap;
	} cells;
};
void windows_init(struct windows *w, uint32_t n_kinds, int64_t watermark);
void windows_deinit(struct windows *w);
/* Counts are forgotten, their room is kept; the watermark becomes what is given. */
void windows_reset(struct windows *w, int64_t watermark);
bool windows_find(struct windows *w, int64_t minute) MUST_USE; /* makes it the last; what windows_add calls */

static inline int64_t window_minute(int64_t ts) /* rounds towards the past, also before 1970 */
{
	return ts / WINDOW_US - (ts % WINDOW_US < 0);
}

/* One event, of an instant within years 1 to 9999; at most one minute's memory more. false: no memory, and it is not counted. */
MUST_USE static inline bool windows_add(struct windows *w, int64_t ts, uint32_t kind)
{
	const int64_t minute = window_minute(ts);
	if (minute != w->last_minute && !windows_find(w, minute)) return false;
	const bool late = (minute + 1) * WINDOW_US <= w->watermark;
	w->cells.items[(size_t)w->last * w->n_cells + (late ? w->n_cells - 1 : kind)]++;
	if (ts - WATERMARK_US > w->watermark) w->watermark = ts - WATERMARK_US;
	return true;
}

/* Counts of several partitions added up: minutes rise. */
struct window_sums {
	size_t n_minutes;
	uint32_t n_cells;
	int64_t *minutes; /* [n_minutes] */
	int64_t *cells;   /* [n_minutes * n_cells] */
	int64_t late;     /* of all minutes */
};
/* parts[n], each borrowed, of the same kinds; gives *out. E_NOMEM. */
status windows_sums_make(
	const struct windows *const *parts, size_t n, struct window_sums *out, struct err *err) MUST_USE;
void windows_sums_deinit(struct window_sums *s); /* zeroed is fine */

/* A row of a table: what minute number i counted under one key. */
struct window_row {
	int64_t start; /* microseconds UTC */
	const char *const *keys;
	int64_t count;
};
/* Rows of a table, keys rising by minute and then by their texts, bytewise; each key once. */
typedef status (*window_visit)(void *arg, const struct window_row *row, struct err *err);
status windows_sums_rows(const struct window_sums *s, const struct window_table *t, window_visit visit, void *arg,
	struct err *err) MUST_USE;
/* The late ones, by minute; keys is NULL. */
status windows_sums_late(const struct window_sums *s, window_visit visit, void *arg, struct err *err) MUST_USE;

#endif
