/* workloads/pqrs/silver/silver.c: one silver task from its spec to its parts and counters. */
#include "workloads/pqrs/silver/silver.h"

#include <stdio.h>

#include "base/alloc.h"
#include "workloads/pqrs/silver/silver_int.h"

enum {
	WINDOW_ROWS = 1 << 15, /* about this many rows of a month in memory at a time: 5 MB */
	FOREIGN_SHARE =
		8, /* of earlier rows one in so many is in scope, at most; each window opens all files of the month */
};

/* Each file is checked by the one task whose buckets hold the file's place modulo the buckets; one of an earlier run by all that
 * read it, as that one may have no use for it. */
static bool verifies(const struct silver_task *t, const struct silver_file *f)
{
	if (f->foreign) return true;
	const int64_t at = (int64_t)(f->place % PQRS_BUCKETS);
	return at >= t->spec->lo && at < t->spec->hi;
}

/* Files [from, to) of one UTC month, the buckets of the window. first: the first window that reads them. */
static status run_window(struct silver_task *t, size_t from, size_t to, bool first, struct err *err)
{
	struct day *d = &t->day;
	arena_reset(&d->arena);
	d->slices.items = NULL;
	d->slices.n = d->slices.cap = 0;
	d->has_late_creation = false;
	for (size_t i = from; i < to; i++) {
		const struct silver_file *f = &t->bronze.items[i];
		TRY(cancel_check(err));
		silver_files_ahead(t, &t->bronze, from, i);
		TRY(silver_file_read(t, f, first && verifies(t, f), err));
	}
	silver_slices_sort(d);
	TRY(silver_day_intern(t, err));
	TRY(silver_early_join(t, err));
	TRY(silver_day_fold(t, err));
	return t->rehearsal ? silver_late_day(t, err) : silver_day_emit(t, err);
}

/* Rows of the task in files [from, to), about. */
static int64_t rows_about(const struct silver_task *t, size_t from, size_t to)
{
	enum { ROW_BYTES = 64 }; /* compressed, where the log does not say how many rows there are */
	int64_t rows = 0;
	for (size_t i = from; i < to; i++) {
		const struct file_ref *f = t->bronze.items[i].ref;
		const int64_t n = f->rows >= 0 ? f->rows : f->bytes / ROW_BYTES;
		rows += t->bronze.items[i].foreign ? n / FOREIGN_SHARE : n;
	}
	return rows * (t->spec->hi - t->spec->lo) / PQRS_BUCKETS;
}

/* files[from, to): all files of one UTC month. */
static status run_month(struct silver_task *t, size_t from, size_t to, struct err *err)
{
	const int64_t lo = t->spec->lo, width = t->spec->hi - lo;
	int64_t n = rows_about(t, from, to) / WINDOW_ROWS + 1;
	if (n > width) n = width;
	/* Later months can't reach back into local ones that end before this one begins. Tickets wait for the end. */
	t->day.month = t->bronze.items[from].month;
	const int32_t begins = tz_date(t->cfg->tz, (int64_t)t->day.month * US_PER_DAY);
	for (int table = OUT_MESSAGES; table < OUT_QUARANTINE; table++)
		TRY(silver_months_close(t, (enum silver_table)table, begins, err));
	for (int64_t i = 0; i < n; i++) {
		t->day.lo = lo + width * i / n;
		t->day.hi = lo + width * (i + 1) / n;
		TRY(run_window(t, from, to, i == 0, err));
	}
	return OK;
}

static bool count_history(struct silver_task *t)
{
	struct counter_list *c = &t->result->counters;
	bool ok = counter_add(c, "history:refolded_rows", t->sum.refolded_rows) &&
		  counter_add(c, "history:due", t->sum.due) &&
		  counter_add(c, "history:tickets_refreshed", t->sum.tickets_refreshed);
	for (int i = 0; i < OUT_TABLES && ok; i++) {
		char name[64];
		(void)snprintf(name, sizeof name, "history:flipped:%s", t->out[i].sink.schema->name);
		ok = counter_add(c, name, t->sum.flipped[i]);
	}
	return ok;
}

static status count_all(struct silver_task *t, struct err *err)
{
	struct counter_list *c = &t->result->counters;
	int64_t rows_out = 0, bytes_out = 0, quarantined = 0;
	bool ok = true;
	for (size_t i = 0; i < t->result->outputs.n; i++) bytes_out += t->result->outputs.items[i].bytes;
	for (int i = 0; i < OUT_N; i++) {
		rows_out += t->out[i].rows;
		ok &= counter_add(c, t->out[i].sink.schema->name, t->out[i].rows);
	}
	for (int i = 1; i < REASON_N; i++) {
		char name[64];
		(void)snprintf(name, sizeof name, "quarantine:%s", pqrs_reason_names[i]);
		ok &= counter_add(c, name, t->sum.quarantined[i]);
		quarantined += t->sum.quarantined[i];
	}
	const struct {
		const char *prefix;
		const char *const *names;
		const int64_t *values;
		int n;
	} lists[4] = {
		{"events", pqrs_event_type_names, t->sum.events, EVENT_N},
		{"type", pqrs_type_names, t->sum.types, TYPE_N},
		{"priority", pqrs_priority_names, t->sum.priorities, PRIORITY_N},
		{"channel", pqrs_channel_names, t->sum.channels, CHANNEL_N},
	};
	for (int l = 0; l < 4; l++) {
		for (int i = 0; i < lists[l].n; i++) {
			char name[64];
			(void)snprintf(name, sizeof name, "%s:%s", lists[l].prefix, lists[l].names[i]);
			ok &= counter_add(c, name, lists[l].values[i]);
		}
	}
	const struct {
		const char *name;
		int64_t value;
	} single[] = {
		{"rows_in", t->sum.rows_in},
		{"rows_out", rows_out},
		{"bytes_in", t->sum.bytes_in},
		{"bytes_out", bytes_out},
		{"duplicates", t->sum.duplicates},
		{"quarantined", quarantined},
		{"event_id_shared", t->sum.shared_ids},
		{"transitions_valid", t->sum.events[EVENT_STATUS_CHANGED]},
		{"transitions_invalid", t->sum.quarantined[REASON_INVALID_TRANSITION]},
		{"sla:closed", t->sum.closed},
		{"sla:late_closed", t->sum.late_closed},
		{"sla:late", t->sum.late},
		{"clock_skew", t->sum.clock_skew},
		{"deferred", t->sum.deferred},
		{"first_state_not_received", t->sum.first_not_received},
		{"tickets_without_event", t->sum.without_event},
		{"score_out_of_range", t->sum.score_out_of_range},
		{"model_version_missing", t->sum.version_missing},
	};
	for (size_t i = 0; i < sizeof single / sizeof single[0]; i++)
		ok &= counter_add(c, single[i].name, single[i].value);
	if (t->has_history) ok &= count_history(t);
	return ok ? OK : fail_nomem(err);
}

static status run_months(struct silver_task *t, struct err *err)
{
	for (size_t from = 0, to; from < t->bronze.n; from = to) {
		const int32_t month = t->bronze.items[from].month;
		for (to = from + 1; to < t->bronze.n && t->bronze.items[to].month == month; to++) {}
		TRY(run_month(t, from, to, err));
	}
	return OK;
}

static status rehearse(struct silver_task *t, struct err *err)
{
	const size_t bytes = sizeof t->sum;
	void *sum = mem_alloc(bytes);
	if (sum == NULL) return fail_nomem(err);
	memcpy(sum, &t->sum, bytes);
	t->rehearsal = true;
	status code = run_months(t, err);
	if (code == OK) code = silver_late_end(t, err);
	t->rehearsal = false;
	memcpy(&t->sum, sum, bytes);
	mem_free(sum);
	return code;
}

static status run_all(struct silver_task *t, struct err *err)
{
	int64_t rows = 0;
	TRY(silver_files_sort(t, err));
	TRY(places_create(t->cfg->simulation.places, t->cfg->simulation.n_places, &t->places, err));
	for (size_t i = 0; i < t->bronze.n; i++) rows += t->bronze.items[i].foreign ? 0 : t->bronze.items[i].ref->rows;
	if (t->has_history) rows *= 2; /* of earlier bronze a part */
	const size_t expected = rows > 0 ? (size_t)(rows * (t->spec->hi - t->spec->lo) / PQRS_BUCKETS) : 0;
	TRY(rules_create(t->cfg, &t->rules, err));
	TRY(parquet_reader_create(&t->reader, err));
	TRY(uuid_table_init(&t->event_ids, expected, err));
	TRY(uuid_table_init(&t->ticket_ids, expected / 8, err));
	TRY(silver_out_open(t, err));
	t->out[OUT_TICKETS].settle = t->has_history ? silver_kinds_settle : silver_tickets_settle;
	TRY(silver_scope_open(t, err));
	if (silver_late_any(t)) TRY(rehearse(t, err));
	TRY(run_months(t, err));
	TRY(silver_pending_emit(t, err));
	TRY(silver_months_close(t, OUT_TICKETS, INT32_MAX, err));
	TRY(silver_carry(t, err));
	for (int table = 0; table < OUT_N; table++)
		TRY(silver_months_close(t, (enum silver_table)table, INT32_MAX, err));
	return count_all(t, err);
}

status pqrs_silver_run(
	const struct task_env *env, const struct task_spec *spec, struct task_result *out, struct err *err)
{
	if (strcmp(spec->part, SILVER_PART_DIMENSIONS) == 0) return silver_dimensions_run(env, out, err);
	if (spec->lo < 0 || spec->hi <= spec->lo || spec->hi > PQRS_BUCKETS)
		return fail(err, E_USAGE, "task %s: expected buckets in [0, %d), found [%lld, %lld)", spec->task_id,
			PQRS_BUCKETS, (long long)spec->lo, (long long)spec->hi);
	static const struct column_def name = {.name = "name", .type = COL_STRING};
	struct silver_task t = {.env = env, .cfg = env->config, .spec = spec, .result = out};
	t.since = spec->since;
	arena_init(&t.day.arena, 0);
	builder_init(&t.names, &name, true);
	const status s = run_all(&t, err);
	silver_out_close(&t);
	builder_deinit(&t.names);
	if (t.reader != NULL) parquet_reader_close(t.reader);
	rules_destroy(t.rules);
	uuid_table_deinit(&t.event_ids);
	uuid_table_deinit(&t.ticket_ids);
	mem_free(t.event_ticket);
	mem_free(t.tickets);
	mem_free(t.known);
	uuid_table_deinit(&t.refused_rows);
	mem_free(t.refused_reason);
	places_destroy(t.places);
	mem_free(t.pending.items);
	arena_deinit(&t.day.arena);
	return s;
}
