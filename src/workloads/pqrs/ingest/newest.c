/* workloads/pqrs/ingest/newest.c: the newest event of a ticket that exists, among those that a run has landed.
 *
 *   events that wait in bronze for a later run --+
 *   raw objects, newest day first ---------------+--> by ticket --> created in raw: the newest of them
 *                                                              --> the others: created in bronze of the runs before?
 *
 * 1. Days are read back to the first that can't matter: in most inputs that is one, as tickets are created on it.
 * 2. An orphan moves nothing, whatever it says of its time. What follows from the answer is for flow to say: no as_of is known here.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "base/uuid_table.h"
#include "base/vec.h"
#include "flow/raw_read.h"
#include "table/read/scan.h"
#include "workloads/pqrs/bronze/event.h"
#include "workloads/pqrs/config/config.h"
#include "workloads/pqrs/contract/raw_event.h"
#include "workloads/pqrs/ingest/ingest.h"

struct met {
	int64_t ts; /* of its newest event */
	bool created;
};
struct object {
	const struct file_ref *file;
	int32_t day;
};
struct search {
	const struct task_env *env;
	const struct landed *landed;
	const struct tz *tz;
	struct event_parser *parser;
	struct lines lines;
	struct delta_snapshot *bronze; /* NULL: there is no run before */
	struct uuid_table tickets;
	struct {
		struct met *items; /* by index of tickets */
		size_t n, cap;
	} met;
	int64_t newest; /* of tickets that were created; INT64_MIN: none so far */
};

static int32_t local_date(const struct search *s, int64_t us)
{
	return s->tz != NULL ? tz_date(s->tz, us) : time_utc_date(us);
}

static void is_created(struct search *s, uint32_t ticket)
{
	struct met *m = &s->met.items[ticket];
	m->created = true;
	if (m->ts > s->newest) s->newest = m->ts;
}

static status meet(struct search *s, struct uuid id, int64_t ts, bool creation, struct err *err)
{
	uint32_t ticket;
	bool found;
	if (ts > s->landed->until) return OK;
	if (!VEC_ROOM(&s->met, 1)) return fail_nomem(err);
	TRY(uuid_table_add(&s->tickets, id, uuid_hash(id), &ticket, &found, err));
	if (!found) s->met.items[s->met.n++] = (struct met){.ts = ts};
	struct met *m = &s->met.items[ticket];
	if (ts > m->ts) m->ts = ts;
	if (m->created || creation) is_created(s, ticket);
	return OK;
}

/* A ticket not created so far that would tell a later day. */
static bool is_open(const struct search *s)
{
	for (size_t i = 0; i < s->met.n; i++) {
		const struct met *m = &s->met.items[i];
		if (m->created || m->ts <= s->newest) continue;
		if (s->newest == INT64_MIN || local_date(s, m->ts) > local_date(s, s->newest)) return true;
	}
	return false;
}

/* ---- raw ---------------------------------------------------------------------------------------------------------------- */

static int newest_first(const void *a, const void *b)
{
	const struct object *x = a, *y = b;
	if (x->day != y->day) return x->day > y->day ? -1 : 1;
	return strcmp(x->file->path, y->file->path);
}

/* Those with a day that does not begin after `until`, in arena. */
static status objects_of(const struct search *s, struct arena *arena, struct object **out, size_t *n, struct err *err)
{
	const struct file_list *files = s->landed->files;
	*n = 0;
	*out = ARENA_NEW(arena, struct object, files->n + 1);
	if (*out == NULL) return fail_nomem(err);
	for (size_t i = 0; i < files->n; i++) {
		struct raw_partition p;
		TRY(raw_partition_of(&files->items[i], PQRS_RAW, &p, err));
		if (p.has_day && p.day <= time_utc_date(s->landed->until))
			(*out)[(*n)++] = (struct object){&files->items[i], p.day};
	}
	if (*n > 1) qsort(*out, *n, sizeof **out, newest_first);
	return OK;
}

static status read_window(struct search *s, const struct line_window *w, struct err *err)
{
	struct line_cursor c = {w->p, w->p + w->n, w->utf8_ok};
	struct event event;
	while (c.p < c.limit) {
		if (event_next(s->parser, &c, &event).verdict != EVENT_VALID) continue;
		TRY(meet(s, uuid_load(event.str[BRONZE_TICKET_ID].p), event.num[BRONZE_TS],
			event.type == EVENT_TICKET_CREATED, err));
	}
	return event_parser_check(s->parser, err);
}

static status read_lines(struct search *s, const struct line_source *source, struct err *err)
{
	struct line_window w;
	TRY(lines_start(&s->lines, source, false, err));
	for (;;) {
		TRY(cancel_check(err));
		TRY(lines_next(&s->lines, &w, err));
		if (w.n == 0) return OK;
		if (!w.piece) TRY(read_window(s, &w, err)); /* a longer line is no event */
	}
}

static status read_object(struct search *s, const struct file_ref *file, struct err *err)
{
	struct store_object *object = NULL;
	TRY(store_object_open(s->env->lake, file->path, &object, err));
	const struct line_source source = lines_source_of_object(object);
	const status code = read_lines(s, &source, err);
	store_object_close(object);
	return code == OK ? OK : err_at(err, code, file->path, -1, -1);
}

static status read_raw(struct search *s, struct arena *arena, struct err *err)
{
	struct object *objects;
	size_t n;
	TRY(objects_of(s, arena, &objects, &n, err));
	for (size_t i = 0; i < n; i++) {
		const int64_t end = ((int64_t)objects[i].day + 1) * US_PER_DAY - 1;
		const bool matters = s->newest == INT64_MIN || local_date(s, end) > local_date(s, s->newest);
		if (!matters && !is_open(s)) return OK;
		TRY(read_object(s, objects[i].file, err));
	}
	return OK;
}

/* ---- bronze of the runs before ------------------------------------------------------------------------------------------ */

enum { C_TICKET_ID, C_TS, C_EVENT_TYPE, C_RUN_ID, C_N };

static bool is_before(const struct search *s, struct str run_id)
{
	for (size_t i = 0; i < s->landed->n_runs; i++) {
		if (str_is(run_id, s->landed->runs[i])) return true;
	}
	return false;
}

/* Rows of one kind: those that wait, each a ticket's; or creations, of tickets that were met. */
static status take_batch(struct search *s, const struct batch *b, bool waits, struct err *err)
{
	const int64_t *ts = b->columns[C_TS].values;
	for (int64_t i = 0; i < b->n_rows; i++) {
		uint32_t ticket;
		const struct str text = column_str(&b->columns[C_TICKET_ID], i);
		if (ts[i] > s->landed->until || text.n != UUID_CHARS) continue;
		const struct uuid id = uuid_load(text.p);
		if (!waits && !uuid_table_find(&s->tickets, id, uuid_hash(id), &ticket)) continue;
		if (!is_before(s, column_str(&b->columns[C_RUN_ID], i))) continue;
		const bool creation = str_is(column_str(&b->columns[C_EVENT_TYPE], i), "TICKET_CREATED");
		TRY(meet(s, id, ts[i], creation, err));
	}
	return cancel_check(err);
}

static status scan_rows(struct search *s, const char *where, bool waits, struct arena *arena, struct err *err)
{
	static const char *const columns[C_N] = {"ticket_id", "ts", "event_type", "run_id"};
	struct delta_condition condition;
	struct delta_scan *scan = NULL;
	struct batch b;
	bool end = false;
	TRY(delta_condition_parse(&s->bronze->schema, str_of(where), arena, &condition, err));
	const struct delta_scan_opts o = {.columns = columns, .n_columns = C_N, .where = &condition, .n_where = 1};
	TRY(delta_scan_open(s->bronze, &o, &scan, err));
	status code = delta_scan_next(scan, &b, &end, err);
	while (code == OK && !end) {
		code = take_batch(s, &b, waits, err);
		if (code == OK) code = delta_scan_next(scan, &b, &end, err);
	}
	delta_scan_close(scan);
	return code;
}

/* Events later than the picture of the history: this run may be the one that tells their day. */
static status read_waiting(struct search *s, struct arena *arena, struct err *err)
{
	char text[TIME_RFC3339_CHARS + 1] = "", where[sizeof text + 8];
	if (s->bronze == NULL) return OK;
	time_format(s->landed->since, text);
	(void)snprintf(where, sizeof where, "ts > %s", text);
	return scan_rows(s, where, true, arena, err);
}

static status read_creations(struct search *s, struct arena *arena, struct err *err)
{
	if (s->bronze == NULL || !is_open(s)) return OK;
	return scan_rows(s, "event_type = TICKET_CREATED", false, arena, err);
}

static status open_bronze(struct search *s, struct err *err)
{
	char root[PATH_KEY_MAX];
	if (s->landed->n_runs == 0) return OK;
	TRY(path_table_root(root, "bronze.pqrs_events", err));
	const status code = delta_snapshot_open(s->env->lake, root, DELTA_LATEST, &s->bronze, err);
	if (code == OK) return OK;
	s->bronze = NULL;
	return code == E_NOT_FOUND ? OK : code;
}

/* ---- all ---------------------------------------------------------------------------------------------------------------- */

static status search_run(struct search *s, struct arena *arena, struct err *err)
{
	const struct pqrs_config *config = s->env->config;
	TRY(lines_init(&s->lines, config->line_bytes_max, err));
	TRY(uuid_table_init(&s->tickets, 0, err));
	TRY(pqrs_ingest_parser(config, &s->parser, err));
	TRY(open_bronze(s, err));
	TRY(read_waiting(s, arena, err));
	TRY(read_raw(s, arena, err));
	return read_creations(s, arena, err);
}

status pqrs_ingest_newest(const struct task_env *env, const struct landed *landed, int64_t *out, struct err *err)
{
	struct search s = {
		.env = env, .landed = landed, .tz = ((const struct pqrs_config *)env->config)->tz, .newest = INT64_MIN};
	struct arena arena;
	arena_init(&arena, 0);
	const status code = search_run(&s, &arena, err);
	if (s.bronze != NULL) delta_snapshot_close(s.bronze);
	event_parser_destroy(s.parser);
	uuid_table_deinit(&s.tickets);
	lines_deinit(&s.lines);
	mem_free(s.met.items);
	arena_deinit(&arena);
	if (code == OK) *out = s.newest;
	return code;
}
