/* workloads/pqrs/explain/explain_lake.c: a ticket of the lake: its due date, day by day, with the law in force.
 *
 *   silver.tickets --the newest run's row--> its run's configuration and as_of
 *   silver.status_events of that history, bronze's creation event (request_kind) --> workloads/pqrs/silver/explain.h --> text or JSON
 *
 * What is computed here is compared with what silver holds: a difference is E_CORRUPT, not an explanation.
 */
#include "workloads/pqrs/explain/explain_lake.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/vec.h"
#include "flow/commit.h"
#include "flow/run.h"
#include "table/read/scan.h"
#include "workloads/pqrs/contract/schema.h"
#include "workloads/pqrs/explain/explain_text.h"

/* ---- reading ---------------------------------------------------------------------------------------------------------- */

struct reader {
	struct store *lake;
	struct arena arena;
};

typedef status (*row_visit)(void *arg, const struct batch *b, int64_t row, struct err *err);
struct query {
	const char *table; /* "silver/tickets" */
	const char *const *columns;
	size_t n_columns;
	const char *const *where; /* conditions as `pqr table cat --where` takes them; NULL ends */
};

enum { CONDITIONS_MAX = 4 };

static status scan_rows(struct reader *r, const struct delta_snapshot *table, const struct query *q, row_visit visit,
	void *arg, struct err *err)
{
	struct delta_condition where[CONDITIONS_MAX];
	struct delta_scan_opts o = {.columns = q->columns, .n_columns = q->n_columns, .where = where};
	struct delta_scan *scan = NULL;
	struct batch b;
	bool end = false;
	for (; q->where[o.n_where] != NULL; o.n_where++) {
		ASSERT(o.n_where < CONDITIONS_MAX);
		TRY(delta_condition_parse(
			&table->schema, str_of(q->where[o.n_where]), &r->arena, &where[o.n_where], err));
	}
	TRY(delta_scan_open(table, &o, &scan, err));
	status code = delta_scan_next(scan, &b, &end, err);
	for (; code == OK && !end; code = delta_scan_next(scan, &b, &end, err)) {
		for (int64_t row = 0; code == OK && row < b.n_rows; row++) code = visit(arg, &b, row, err);
		if (code != OK) break;
	}
	delta_scan_close(scan);
	return code;
}

static status query_rows(struct reader *r, const struct query *q, row_visit visit, void *arg, struct err *err)
{
	struct delta_snapshot *table = NULL;
	const status found = delta_snapshot_open(r->lake, q->table, DELTA_LATEST, &table, err);
	if (found == E_NOT_FOUND)
		return fail(
			err, E_NOT_FOUND, "the lake %s has no tickets yet: `pqr run` makes them", store_uri(r->lake));
	TRY(found);
	const status code = scan_rows(r, table, q, visit, arg, err);
	delta_snapshot_close(table);
	return code;
}

static const char *keep(struct reader *r, const struct column *c, int64_t row)
{
	const struct str text = column_valid(c, row) ? column_str(c, row) : STR("");
	return arena_strndup(&r->arena, text.p, text.n);
}

static int64_t time_or_never(const struct column *c, int64_t row)
{
	return column_valid(c, row) ? ((const int64_t *)c->values)[row] : STATE_NEVER;
}

static unsigned code_of(const char *text, const char *const *names, unsigned n)
{
	unsigned i = 0;
	while (i < n && strcmp(names[i], text) != 0) i++;
	return i;
}

/* ---- the ticket ------------------------------------------------------------------------------------------------------- */

struct ticket_rows {
	struct reader *r;
	struct explain_row *items; /* of each run that has it */
	size_t n, cap;
};

static status note_ticket(void *arg, const struct batch *b, int64_t row, struct err *err)
{
	struct ticket_rows *t = arg;
	if (!VEC_ROOM(t, 1)) return fail_nomem(err);
	struct explain_row *x = &t->items[t->n];
	*x = (struct explain_row){.ticket_id = keep(t->r, &b->columns[0], row),
		.external_id = keep(t->r, &b->columns[1], row),
		.type = keep(t->r, &b->columns[2], row),
		.status = keep(t->r, &b->columns[3], row),
		.run_id = keep(t->r, &b->columns[4], row),
		.created_at = time_or_never(&b->columns[5], row),
		.due_at = time_or_never(&b->columns[6], row),
		.answered_at = time_or_never(&b->columns[7], row),
		.term = ((const int32_t *)b->columns[8].values)[row],
		.hold_days = ((const int32_t *)b->columns[9].values)[row]};
	if (x->ticket_id == NULL || x->external_id == NULL || x->type == NULL || x->status == NULL || x->run_id == NULL)
		return fail_nomem(err);
	t->n++;
	return OK;
}

static const char *quoted(struct reader *r, const char *column, const char *value)
{
	struct buf text;
	buf_init(&text, 0);
	buf_printf(&text, "%s = '", column);
	for (const char *p = value; *p != '\0'; p++) {
		if (*p == '\'') buf_char(&text, '\'');
		buf_char(&text, *p);
	}
	buf_char(&text, '\'');
	const char *copy = text.failed ? NULL : arena_strndup(&r->arena, (const char *)text.p, text.n);
	buf_deinit(&text);
	return copy;
}

/* The silver commit of a run. */
static status load_run(struct reader *r, const char *run_id, struct commit *out, struct err *err)
{
	int32_t date;
	char key[RUN_KEY_MAX];
	TRY(commit_find(r->lake, run_id, &date, err));
	commit_key(key, date, run_id, "silver");
	return commit_load(r->lake, key, &r->arena, out, err);
}

/* Of the rows of several runs, that of the run that looked last. E_USAGE: they are of different tickets. */
static status newest_row(
	struct ticket_rows *t, const char *asked, struct explain_row *row, struct commit *run, struct err *err)
{
	if (t->n == 0)
		return fail(err, E_NOT_FOUND,
			"no ticket %s: silver.tickets has neither that ticket_id nor that external_id; `pqr table cat "
			"silver.tickets` lists them",
			asked);
	for (size_t i = 0; i < t->n; i++) {
		struct commit c;
		if (strcmp(t->items[i].ticket_id, t->items[0].ticket_id) != 0)
			return fail(err, E_USAGE, "several tickets have the number %s: name one by its id, as %s or %s",
				asked, t->items[0].ticket_id, t->items[i].ticket_id);
		TRY(load_run(t->r, t->items[i].run_id, &c, err));
		const bool later = i == 0 || c.run.as_of > run->run.as_of ||
				   (c.run.as_of == run->run.as_of && c.n_history > run->n_history);
		if (!later) continue;
		*run = c;
		*row = t->items[i];
	}
	return OK;
}

static status find_ticket(
	struct reader *r, const char *asked, struct explain_row *row, struct commit *run, struct err *err)
{
	static const char *const columns[] = {"ticket_id", "external_id", "pqrs_type", "current_status", "run_id",
		"created_at", "sla_due_at", "answered_at", "sla_business_days", "hold_days"};
	uint8_t id[UUID_BYTES];
	char lower[UUID_CHARS + 1] = "";
	const bool is_id = uuid_parse(str_of(asked), id);
	if (is_id) uuid_format(id, lower);
	const char *where[] = {is_id ? quoted(r, "ticket_id", lower) : quoted(r, "external_id", asked), NULL};
	if (where[0] == NULL) return fail_nomem(err);
	const struct query q = {"silver/tickets", columns, sizeof columns / sizeof *columns, where};
	struct ticket_rows t = {.r = r};
	const status read = query_rows(r, &q, note_ticket, &t, err);
	const status code = read == OK ? newest_row(&t, asked, row, run, err) : read;
	mem_free(t.items);
	return code;
}

/* ---- its events ------------------------------------------------------------------------------------------------------- */

/* Changes of the newest run of the history that tells them: a run that touches a ticket tells all of them. */
struct changes {
	const struct pqrs_config *cfg;
	const struct commit *run;
	struct explain_change *items;
	size_t n, cap;
	size_t rank; /* of the run whose changes are held */
};

/* Place of a run in the history, from 1; 0: not of it. */
static size_t run_rank(const struct commit *c, struct str run_id)
{
	for (size_t i = 0; i < c->n_history; i++) {
		if (str_is(run_id, c->history[i])) return i + 1;
	}
	return str_is(run_id, c->run.run_id) ? c->n_history + 1 : 0;
}

static unsigned state_of(const struct pqrs_config *cfg, struct str name)
{
	unsigned i = 0;
	while (i < STATE_N && !str_is(name, cfg->states[i].name)) i++;
	return i;
}

static status note_change(void *arg, const struct batch *b, int64_t row, struct err *err)
{
	struct changes *c = arg;
	const size_t rank = run_rank(c->run, column_str(&b->columns[3], row));
	if (rank == 0 || rank < c->rank) return OK;
	if (rank > c->rank) c->n = 0;
	c->rank = rank;
	if (!VEC_ROOM(c, 1)) return fail_nomem(err);
	c->items[c->n++] = (struct explain_change){.ts = ((const int64_t *)b->columns[0].values)[row],
		.from = state_of(c->cfg, column_str(&b->columns[1], row)),
		.to = state_of(c->cfg, column_str(&b->columns[2], row))};
	return OK;
}

static status note_request(void *arg, const struct batch *b, int64_t row, struct err *err)
{
	enum request_kind *out = arg;
	(void)err;
	if (!column_valid(&b->columns[0], row)) return OK;
	const struct str kind = column_str(&b->columns[0], row);
	for (unsigned i = 0; i < REQUEST_N; i++) {
		if (str_is(kind, pqrs_request_names[i])) *out = (enum request_kind)i;
	}
	return OK;
}

/* The kind of request that the creation event named; general where it names none. */
static status read_request(struct reader *r, const struct explain_row *row, enum request_kind *out, struct err *err)
{
	static const char *const columns[] = {"request_kind"};
	char created[TIME_RFC3339_CHARS + 1] = "";
	time_format(row->created_at, created);
	const int32_t bucket = pqrs_bucket(hash_xxh64(row->ticket_id, UUID_CHARS));
	const char *where[] = {quoted(r, "ticket_id", row->ticket_id),
		arena_printf(&r->arena, "ticket_bucket = %d", (int)bucket), arena_printf(&r->arena, "ts = %s", created),
		"event_type = TICKET_CREATED", NULL};
	const struct query q = {"bronze/pqrs_events", columns, 1, where};
	*out = REQUEST_GENERAL;
	for (size_t i = 0; i < CONDITIONS_MAX; i++) {
		if (where[i] == NULL) return fail_nomem(err);
	}
	return query_rows(r, &q, note_request, out, err);
}

/* What silver holds of the ticket is what follows from its events. */
static status check_row(
	const struct explain_row *row, const struct explain *x, const struct pqrs_config *cfg, struct err *err)
{
	const bool same = x->sla.due_at == row->due_at && x->state.answered_at == row->answered_at &&
			  x->sla.hold_days == row->hold_days && x->sla.term == row->term &&
			  strcmp(cfg->states[x->state.state].name, row->status) == 0;
	if (same) return OK;
	return fail(err, E_CORRUPT, "ticket %s: silver.tickets is not what its changes in silver.status_events give",
		row->ticket_id);
}

static status explain_row(struct reader *r, const struct explain_row *row, const struct commit *run, struct changes *c,
	struct explain *out, struct err *err)
{
	static const char *const columns[] = {"ts", "status_from", "status_to", "run_id"};
	const char *where[] = {quoted(r, "ticket_id", row->ticket_id), NULL};
	if (where[0] == NULL) return fail_nomem(err);
	const struct query q = {"silver/status_events", columns, sizeof columns / sizeof *columns, where};
	struct explain_ticket t = {.created_at = row->created_at, .as_of = run->run.as_of};
	t.subject.type = (enum pqrs_type)code_of(row->type, pqrs_type_names, TYPE_N);
	if (t.subject.type == TYPE_N)
		return fail(err, E_CORRUPT, "ticket %s: no type \"%s\"", row->ticket_id, row->type);
	TRY(query_rows(r, &q, note_change, c, err));
	TRY(read_request(r, row, &t.subject.request, err));
	t.changes = c->items;
	t.n = c->n;
	TRY(explain_ticket(c->cfg, &t, &r->arena, out, err));
	return check_row(row, out, c->cfg, err);
}

/* ---- the answer ------------------------------------------------------------------------------------------------------- */

/* What is held while a ticket is explained. */
struct explaining {
	struct reader reader;
	struct explain_row row;
	struct commit run;
	struct buf text; /* the configuration that the run was made with, as the lake keeps it */
	struct pqrs_config *cfg;
	struct changes changes;
};

static status answer(struct explaining *e, const char *ticket, bool json, struct buf *out, struct err *err)
{
	struct explain x;
	struct reader *r = &e->reader;
	TRY(find_ticket(r, ticket, &e->row, &e->run, err));
	TRY(flow_config_get(r->lake, e->run.run.config_hash, &e->text, err));
	TRY(pqrs_config_open((struct str){(const char *)e->text.p, e->text.n}, &e->cfg, err));
	e->changes.cfg = e->cfg;
	e->changes.run = &e->run;
	TRY(explain_row(r, &e->row, &e->run, &e->changes, &x, err));
	const struct explain_view view = {&e->row, &x, e->cfg, e->run.run.as_of};
	if (json)
		explain_json(&view, out);
	else
		explain_text(&view, out);
	return buf_check(out, err);
}

status explain_lake(struct store *lake, const char *ticket, bool json, struct buf *out, struct err *err)
{
	struct explaining e = {.reader = {.lake = lake}};
	arena_init(&e.reader.arena, 0);
	buf_init(&e.text, 0);
	const status code = answer(&e, ticket, json, out, err);
	mem_free(e.changes.items);
	pqrs_config_close(e.cfg);
	buf_deinit(&e.text);
	arena_deinit(&e.reader.arena);
	return code;
}
