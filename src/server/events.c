/* server/events.c: asks the control plane for its newest rows and tells which of them were not there before. One thread polls. */
#include "server/events.h"

#include "app/rows_text.h"
#include "base/alloc.h"
#include "base/hash.h"
#include "server/server_int.h"

enum { ROWS_MAX = 64, N_FEEDS = 3 };

/* Of the newest, the oldest first. */
#define NEWEST(columns, table, at) \
	"SELECT * FROM (SELECT " columns " FROM " table " ORDER BY " at " DESC LIMIT 64) AS newest ORDER BY " at
static const struct feed {
	const char *event, *sql;
} feeds[N_FEEDS] = {
	{"run", NEWEST("run_id, workload, status, as_of, started_at, finished_at, attempts", "meta.run_records",
			"started_at")},
	{"stage", NEWEST("run_id, stage, ordinal, n_tasks AS tasks, us, rows_in, rows_out, committed_at",
			  "meta.stage_commits", "committed_at")},
	{"window", NEWEST("sink, topic, \"partition\", next_position, watermark, updated_at", "realtime.offsets",
			   "updated_at")},
};

struct seen {
	uint64_t rows[ROWS_MAX];
	size_t n;
};
struct events {
	struct seen seen[N_FEEDS];
	bool polled;
};

status events_create(struct events **out, struct err *err)
{
	*out = mem_zalloc(1, sizeof **out);
	return *out != NULL ? OK : fail_nomem(err);
}

void events_destroy(struct events *e)
{
	mem_free(e);
}

struct poll {
	const struct feed *feed;
	const struct seen *before; /* NULL: nothing is told */
	struct seen now;
	struct buf row, *out;
};

static bool was_there(const struct seen *s, uint64_t row)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->rows[i] == row) return true;
	return false;
}

static status on_row(void *arg, const struct control_value *values, size_t n, struct err *err)
{
	struct poll *p = arg;
	buf_reset(&p->row);
	rows_json_row(&p->row, values, n);
	TRY(buf_check(&p->row, err));
	const uint64_t hash = hash_xxh3(p->row.p, p->row.n);
	if (p->now.n < ROWS_MAX) p->now.rows[p->now.n++] = hash;
	if (p->before == NULL || was_there(p->before, hash)) return OK;
	buf_printf(p->out, "event: %s\ndata: ", p->feed->event);
	buf_add(p->out, p->row.p, p->row.n);
	buf_str(p->out, "\n\n");
	return buf_check(p->out, err);
}

static status poll_feed(struct server *s, struct events *e, size_t i, struct buf *out, struct err *err)
{
	const struct control_select q = {.sql = feeds[i].sql};
	struct poll p = {.feed = &feeds[i], .before = e->polled ? &e->seen[i] : NULL, .out = out};
	buf_init(&p.row, 0);
	const status code = server_query(s, &server_self, &q, on_row, &p, err);
	buf_deinit(&p.row);
	if (code == OK) e->seen[i] = p.now;
	return code;
}

status events_poll(struct server *s, struct events *e, struct buf *out, struct err *err)
{
	for (size_t i = 0; i < N_FEEDS; i++) TRY(poll_feed(s, e, i, out, err));
	e->polled = true;
	return OK;
}

status events_answer(struct server *s, struct request *r, struct response *out, struct err *err)
{
	(void)s;
	(void)r;
	(void)err;
	out->type = "text/event-stream";
	out->events = true;
	return OK;
}
