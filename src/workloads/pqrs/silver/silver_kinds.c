/* workloads/pqrs/silver/silver_kinds.c: with a history, rows of tickets go to files by what may still happen to them; the clocks of open ones are
 * set on.
 *
 *   rows that were folded              ─┐                 ┌─► open      written by every run
 *                                       ├─ kind of a row ─┼─► settled   by five days of creation: written when one of its tickets has an event
 *   rows of files that are written again┘                 └─► final     written once, and when many small ones have come together
 *
 * 1. A first run has one file a month; the next one splits it.
 * 2. Of an open ticket without an event of this run no event is read: its new row follows from the one that stands (sla_later).
 */
#include "workloads/pqrs/silver/silver_int.h"

static bool is_final(const struct pqrs_config *cfg, unsigned state)
{
	bool leaves = state >= STATE_N;
	for (unsigned to = 0; to < STATE_N && !leaves; to++) leaves = cfg->transitions[state][to];
	return !leaves;
}

enum ticket_kind silver_ticket_kind(const struct silver_task *t, bool answered, unsigned state)
{
	if (!answered) return TICKET_OPEN;
	return is_final(t->cfg, state) ? TICKET_FINAL : TICKET_SETTLED;
}

/* ---- the clock of open tickets ------------------------------------------------------------------------------------------- */

/* Row `at` has a value already. */
static void replace_i32(struct builder *b, int64_t at, int32_t v)
{
	((int32_t *)b->values)[at] = v;
}

static void replace_i64(struct builder *b, int64_t at, int64_t v)
{
	((int64_t *)b->values)[at] = v;
}

static void replace_code(struct month_out *m, int column, int64_t at, unsigned code, const char *const *names)
{
	int32_t *known = &m->codes[column][code];
	if (*known == 0) *known = builder_intern(&m->b[column], str_of(names[code])) + 1;
	if (*known != 0) replace_i32(&m->b[column], at, *known - 1);
}

static void set_on(
	struct silver_task *t, struct month_out *m, int64_t at, const struct batch *b, uint32_t row, unsigned state)
{
	const struct column *radicated = &b->columns[TICKETS_RADICATED_AT];
	struct sla_result x;
	const struct sla_open before = {
		.radicated_at = column_valid(radicated, row) ? ((const int64_t *)radicated->values)[row] : STATE_NEVER,
		.elapsed_seconds = ((const int64_t *)b->columns[TICKETS_SLA_ELAPSED_SECONDS].values)[row],
		.term = ((const int32_t *)b->columns[TICKETS_SLA_BUSINESS_DAYS].values)[row],
		.hold_days = ((const int32_t *)b->columns[TICKETS_HOLD_DAYS].values)[row],
		.state = state,
	};
	sla_later(t->cfg, &before, t->since, t->env->run->as_of, &x);
	replace_i64(&m->b[TICKETS_SLA_ELAPSED_SECONDS], at, x.elapsed_seconds);
	replace_i32(&m->b[TICKETS_HOLD_DAYS], at, x.hold_days);
	if (x.due_at != STATE_NEVER) replace_i64(&m->b[TICKETS_SLA_DUE_AT], at, x.due_at);
	replace_code(m, TICKETS_SLA_STATUS, at, x.status, sla_status_names);
	replace_code(m, TICKETS_SLA_RISK, at, x.risk, sla_risk_names);
	const bool late = x.status == SLA_STATUS_LATE, closed = column_valid(&b->columns[TICKETS_CLOSED_AT], row);
	t->sum.late += late;
	t->sum.late_closed += late && closed;
	t->sum.closed += closed;
	t->sum.tickets_refreshed++;
}

/* ---- all ------------------------------------------------------------------------------------------------------------------ */

static unsigned part_of_month(const struct silver_task *t, int32_t month, int64_t created)
{
	const int32_t part = (tz_date(t->cfg->tz, created) - month) / SETTLED_DAYS,
		      last = TICKET_KINDS - TICKET_SETTLED - 1;
	return part < 0 ? 0 : (unsigned)(part < last ? part : last);
}

/* The columns that set_on replaces have a value in every open row that stands. */
static status check_open(const struct batch *b, uint32_t row, struct err *err)
{
	static const int columns[] = {TICKETS_SLA_ELAPSED_SECONDS, TICKETS_SLA_BUSINESS_DAYS, TICKETS_HOLD_DAYS,
		TICKETS_SLA_STATUS, TICKETS_SLA_RISK};
	bool whole = column_valid(&b->columns[TICKETS_RADICATED_AT], row) ==
		     column_valid(&b->columns[TICKETS_SLA_DUE_AT], row);
	for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
		whole &= column_valid(&b->columns[columns[i]], row);
	return whole ? OK : fail(err, E_CORRUPT, "silver.tickets: a ticket without an answer whose clock is not told");
}

status silver_kinds_add(
	struct silver_task *t, int32_t month, const struct silver_rows *in, bool standing, struct err *err)
{
	uint32_t *of[TICKET_KINDS];
	size_t n[TICKET_KINDS] = {0};
	const int64_t *created = in->b->columns[TICKETS_CREATED_AT].values;
	uint8_t *state;
	TRY(silver_column_states(t, &in->b->columns[TICKETS_CURRENT_STATUS], (size_t)in->b->n_rows, &state, err));
	for (int k = 0; k < TICKET_KINDS; k++) {
		of[k] = ARENA_NEW(&t->day.arena, uint32_t, in->n + 1);
		if (of[k] == NULL) return fail_nomem(err);
	}
	for (size_t i = 0; i < in->n; i++) {
		const uint32_t row = in->rows[i];
		const bool answered = column_valid(&in->b->columns[TICKETS_ANSWERED_AT], row);
		const enum ticket_kind kind = silver_ticket_kind(t, answered, state[row]);
		const unsigned k = kind + (kind == TICKET_SETTLED ? part_of_month(t, month, created[row]) : 0);
		of[k][n[k]++] = row;
		if (k == TICKET_OPEN && standing) TRY(check_open(in->b, row, err));
	}
	for (unsigned k = 0; k < TICKET_KINDS; k++) {
		struct month_out *m;
		const enum silver_table table = OUT_BY_KIND + k;
		if (n[k] == 0) continue;
		TRY(silver_month_open(t, table, month, &m, err));
		const int64_t at = m->n;
		silver_month_append(t, m, &(struct silver_rows){in->b, of[k], n[k]});
		for (size_t i = 0; k == TICKET_OPEN && standing && i < n[k]; i++)
			set_on(t, m, at + (int64_t)i, in->b, of[k][i], state[of[k][i]]);
		TRY(silver_month_flush_full(t, table, m, err));
	}
	return OK;
}

status silver_kinds_settle(struct silver_task *t, struct month_out *m, struct err *err)
{
	struct column columns[OUT_COLUMNS_MAX];
	const size_t n_columns = history_column_index(&pqrs_silver_tickets);
	uint32_t *rows = ARENA_NEW(&t->day.arena, uint32_t, (size_t)m->n + 1);
	if (rows == NULL) return fail_nomem(err);
	TRY(silver_tickets_settle(t, m, err));
	for (size_t c = 0; c < n_columns; c++) TRY(builder_finish(&m->b[c], m->n, &columns[c], err));
	for (int64_t i = 0; i < m->n; i++) rows[i] = (uint32_t)i;
	const struct batch b = {&pqrs_silver_tickets, n_columns, columns, m->n};
	TRY(silver_kinds_add(t, m->month, &(struct silver_rows){&b, rows, (size_t)m->n}, false, err));
	m->n = 0;
	return OK;
}
