/* workloads/pqrs/silver/silver_tickets.c: the rows of tickets and preclassification.
 *
 * What a creation event says is written when it is met, classification included; what the ticket became is filled in at
 * the end, so a month of tickets stays open until then. */
#include <stdio.h>

#include "base/alloc.h"
#include "workloads/pqrs/silver/silver_int.h"

/* ---- geography ------------------------------------------------------------------------------------------- */

/* A place of the configuration: its texts are interned once a month. */
static void set_known_place(const struct silver_task *t, struct month_out *m, uint32_t place, int64_t at)
{
	static const int columns[3] = {TICKETS_DANE_CITY_CODE, TICKETS_DEPARTMENT_NAME, TICKETS_CITY_NAME};
	int32_t *known = m->place_codes + 3 * (size_t)place;
	if (known[0] == 0) {
		const struct geo_place *p = &t->cfg->simulation.places[place];
		const char *const texts[3] = {p->dane_code, p->department, p->city};
		for (int i = 0; i < 3; i++) known[i] = builder_intern(&m->b[columns[i]], str_of(texts[i])) + 1;
	}
	for (int i = 0; i < 3; i++) {
		if (known[i] != 0) builder_set_i32(&m->b[columns[i]], at, known[i] - 1);
	}
}

/* An empty text says nothing: exports of tables have it where a cell is empty. */
static struct str text_or_none(const struct column *c, uint32_t row)
{
	const struct str s = column_valid(c, row) ? column_str(c, row) : STR("");
	return s.n > 0 ? s : (struct str){NULL, 0};
}

static void set_place(const struct silver_task *t, struct month_out *m, const struct slice *s, uint32_t row, int64_t at)
{
	const struct place_texts texts = {text_or_none(&s->in[IN_DANE_CITY_CODE], row),
		text_or_none(&s->in[IN_GEO_REGION], row), text_or_none(&s->in[IN_GEO_MUNICIPIO], row)};
	const struct place_found found = places_find(t->places, &texts);
	if (found.place != PLACE_NONE) {
		set_known_place(t, m, found.place, at);
		return;
	}
	if (found.code >= 0) {
		char padded[16];
		(void)snprintf(padded, sizeof padded, "%0*d", DANE_CODE_CHARS, (int)(found.code % PLACE_CODES));
		builder_set_str(&m->b[TICKETS_DANE_CITY_CODE], at, (struct str){padded, DANE_CODE_CHARS});
	}
	const struct str department = found.department != PLACE_NONE
					      ? str_of(t->cfg->simulation.places[found.department].department)
					      : texts.region;
	if (department.p != NULL) builder_set_str(&m->b[TICKETS_DEPARTMENT_NAME], at, department);
	if (texts.city.p != NULL) builder_set_str(&m->b[TICKETS_CITY_NAME], at, texts.city);
}

/* Room for the codes of the places in a month that has none yet. */
static status place_codes_room(const struct silver_task *t, struct month_out *m, struct err *err)
{
	if (m->place_codes != NULL) return OK;
	m->place_codes_n = 3 * t->cfg->simulation.n_places;
	m->place_codes = mem_zalloc(m->place_codes_n + 1, sizeof *m->place_codes);
	return m->place_codes != NULL ? OK : fail_nomem(err);
}

/* ---- creation -------------------------------------------------------------------------------------------- */

/* The value's place in names, or otherwise when it is null or unknown. */
static unsigned code_or(
	const struct column *c, uint32_t row, const char *const *names, unsigned n_names, unsigned otherwise)
{
	if (!column_valid(c, row)) return otherwise;
	const struct str s = column_str(c, row);
	for (unsigned i = 0; i < n_names; i++) {
		if (str_is(s, names[i])) return i;
	}
	return otherwise;
}

static struct str text_or_empty(const struct column *c, uint32_t row)
{
	return column_valid(c, row) ? column_str(c, row) : (struct str){"", 0};
}

static void set_prediction(struct silver_task *t, struct month_out *p, const struct prediction *x, int64_t at)
{
	static const char *const model_types[1] = {"rules"};
	silver_set_code(p, PRECLASS_MODEL_TYPE, at, 0, model_types);
	silver_set_code(p, PRECLASS_MODEL_VERSION, at, 0, &t->cfg->rules.version);
	silver_set_code(p, PRECLASS_PREDICTED_TYPE, at, x->type, pqrs_type_names);
	silver_set_code(p, PRECLASS_PREDICTED_PRIORITY, at, x->priority, pqrs_priority_names);
	builder_set_i64(&p->b[PRECLASS_SCORE], at, x->score);
	builder_set_str(&p->b[PRECLASS_EXPLAIN_JSON], at, x->explain_json);
	builder_set_str(&p->b[PRECLASS_ENTITIES_JSON], at, x->entities_json);
	t->sum.score_out_of_range += x->score < 0 || x->score > 10000;
	t->sum.version_missing += t->cfg->rules.version[0] == '\0';
}

static void set_classes(struct silver_task *t, struct month_out *m, const struct slice *s, uint32_t row, int64_t at,
	const struct prediction *x)
{
	const unsigned type = code_or(&s->in[IN_PQRS_TYPE], row, pqrs_type_names, TYPE_N, x->type);
	const unsigned priority = code_or(&s->in[IN_PRIORITY], row, pqrs_priority_names, PRIORITY_N, x->priority);
	const unsigned channel = code_or(&s->in[IN_SOURCE_CHANNEL], row, pqrs_channel_names, CHANNEL_N, CHANNEL_N);
	silver_set_code(m, TICKETS_PQRS_TYPE, at, type, pqrs_type_names);
	silver_set_code(m, TICKETS_PRIORITY, at, priority, pqrs_priority_names);
	if (channel < CHANNEL_N) silver_set_code(m, TICKETS_SOURCE_CHANNEL, at, channel, pqrs_channel_names);
	t->tickets[s->ticket[row]].type = (uint8_t)type;
	t->tickets[s->ticket[row]].request =
		(uint8_t)code_or(&s->in[IN_REQUEST_KIND], row, pqrs_request_names, REQUEST_N, REQUEST_GENERAL);
	t->sum.types[type]++;
	t->sum.priorities[priority]++;
	if (channel < CHANNEL_N) t->sum.channels[channel]++;
}

bool silver_row_classified(const struct silver_task *t, const struct slice *s, uint32_t row)
{
	return silver_row_whole(t, s, row) ||
	       code_or(&s->in[IN_PQRS_TYPE], row, pqrs_type_names, TYPE_N, TYPE_N) == TYPE_N ||
	       code_or(&s->in[IN_PRIORITY], row, pqrs_priority_names, PRIORITY_N, PRIORITY_N) == PRIORITY_N;
}

static status remember_tickets(
	struct month_out *m, const struct slice *s, const uint32_t *rows, size_t n, struct err *err)
{
	const size_t need = (size_t)m->n + n;
	if (need > m->tickets_cap) {
		uint32_t cap = m->tickets_cap != 0 ? m->tickets_cap : 4096;
		while (cap < need) cap *= 2;
		uint32_t *grown = mem_realloc(m->tickets, cap * sizeof *grown);
		if (grown == NULL) return fail_nomem(err);
		m->tickets = grown;
		m->tickets_cap = cap;
	}
	for (size_t i = 0; i < n; i++) m->tickets[(size_t)m->n + i] = s->ticket[rows[i]];
	return OK;
}

status silver_created_emit(
	struct silver_task *t, const struct slice *s, const uint32_t *rows, size_t n, int32_t month, struct err *err)
{
	struct month_out *m, *p;
	TRY(silver_month_open(t, OUT_TICKETS, month, &m, err));
	TRY(silver_month_open(t, OUT_PRECLASSIFICATION, month, &p, err));
	TRY(remember_tickets(m, s, rows, n, err));
	TRY(place_codes_room(t, m, err));
	struct arena *a = &t->day.arena;
	silver_gather_str(&m->b[TICKETS_TICKET_ID], m->n, &s->in[IN_TICKET_ID], rows, n, a);
	silver_gather_str(&m->b[TICKETS_EXTERNAL_ID], m->n, &s->in[IN_EXTERNAL_ID], rows, n, a);
	silver_gather_i64(&m->b[TICKETS_CREATED_AT], m->n, &s->in[IN_TS], rows, n);
	silver_gather_str(&m->b[TICKETS_TENANT_ID], m->n, &s->in[IN_TENANT_ID], rows, n, a);
	uint32_t *whole = ARENA_NEW(a, uint32_t, n); /* the others have their prediction already */
	size_t n_whole = 0;
	if (whole == NULL) return fail_nomem(err);
	for (size_t i = 0; i < n; i++) {
		struct prediction x = {0};
		if (silver_row_classified(t, s, rows[i]))
			TRY(rules_classify(t->rules, text_or_empty(&s->in[IN_SUBJECT], rows[i]),
				text_or_empty(&s->in[IN_TEXT], rows[i]), &x, err));
		set_classes(t, m, s, rows[i], m->n + (int64_t)i, &x);
		set_place(t, m, s, rows[i], m->n + (int64_t)i);
		if (!silver_row_whole(t, s, rows[i])) continue;
		set_prediction(t, p, &x, p->n + (int64_t)n_whole);
		whole[n_whole++] = rows[i];
	}
	m->n += (int64_t)n;
	if (n_whole == 0) return OK;
	silver_gather_str(&p->b[PRECLASS_TICKET_ID], p->n, &s->in[IN_TICKET_ID], whole, n_whole, a);
	silver_gather_i64(&p->b[PRECLASS_CREATED_AT], p->n, &s->in[IN_TS], whole, n_whole);
	p->n += (int64_t)n_whole;
	return silver_month_flush_full(t, OUT_PRECLASSIFICATION, p, err);
}

/* ---- the end --------------------------------------------------------------------------------------------- */

static void set_time(struct month_out *m, int column, int64_t at, int64_t us)
{
	if (us != STATE_NEVER) builder_set_i64(&m->b[column], at, us);
}

static void count_ticket(struct silver_task *t, const struct ticket_state *k, const struct sla_result *x)
{
	const bool late = x->status == SLA_STATUS_LATE;
	t->sum.closed += x->closed_at != STATE_NEVER;
	t->sum.late_closed += x->closed_at != STATE_NEVER && late;
	t->sum.late += late;
	t->sum.first_not_received += k->first_not_received;
	t->sum.without_event += k->last_update == STATE_NEVER;
}

static void set_state(struct silver_task *t, struct month_out *m, int64_t at, const char *const *states)
{
	const struct ticket *ticket = &t->tickets[m->tickets[at]];
	const struct ticket_state *k = &ticket->s;
	struct sla_result x;
	const struct sla_subject of = {ticket->type, ticket->request};
	sla_settle(t->cfg, k, &of, t->env->run->as_of, &x);
	set_time(m, TICKETS_RADICATED_AT, at, k->radicated_at);
	set_time(m, TICKETS_FIRST_RESPONSE_AT, at, k->first_response_at);
	set_time(m, TICKETS_RESPONDED_AT, at, k->responded_at);
	set_time(m, TICKETS_ANSWERED_AT, at, k->answered_at);
	set_time(m, TICKETS_CLOSED_AT, at, x.closed_at);
	set_time(m, TICKETS_ARCHIVED_AT, at, x.archived_at);
	set_time(m, TICKETS_SLA_DUE_AT, at, x.due_at);
	set_time(m, TICKETS_LAST_UPDATE_TS, at, k->last_update);
	silver_set_code(m, TICKETS_CURRENT_STATUS, at, k->state, states);
	builder_set_i64(&m->b[TICKETS_SLA_ELAPSED_SECONDS], at, x.elapsed_seconds);
	builder_set_i32(&m->b[TICKETS_SLA_BUSINESS_DAYS], at, x.term);
	builder_set_i32(&m->b[TICKETS_HOLD_DAYS], at, x.hold_days);
	silver_set_code(m, TICKETS_SLA_STATUS, at, x.status, sla_status_names);
	if (x.risk != SLA_RISK_NONE) silver_set_code(m, TICKETS_SLA_RISK, at, x.risk, sla_risk_names);
	builder_set_i32(&m->b[TICKETS_REOPENED_COUNT], at, (int32_t)k->reopened);
	builder_set_i32(&m->b[TICKETS_MESSAGE_COUNT], at, (int32_t)k->messages);
	builder_set_i32(&m->b[TICKETS_ATTACHMENT_COUNT], at, (int32_t)k->attachments);
	count_ticket(t, k, &x);
}

status silver_tickets_settle(struct silver_task *t, struct month_out *m, struct err *err)
{
	const char *states[STATE_N];
	for (int i = 0; i < STATE_N; i++) states[i] = t->cfg->states[i].name;
	TRY(cancel_check(err));
	for (int64_t i = 0; i < m->n; i++) set_state(t, m, i, states);
	return OK;
}
