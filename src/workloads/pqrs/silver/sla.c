/* workloads/pqrs/silver/sla.c: due dates, terms and verdicts out of a ticket's state. Must not know events or files. */
#include "workloads/pqrs/silver/sla.h"

#include "workloads/pqrs/silver/law.h"

bool sla_runs(const struct pqrs_config *cfg, unsigned state)
{
	const enum sla_behaviour b = cfg->states[state].sla;
	return b == SLA_START || b == SLA_RUN;
}

bool sla_pauses(const struct pqrs_config *cfg, unsigned state)
{
	return cfg->states[state].sla == SLA_PAUSE;
}

int32_t sla_hold_days(const struct pqrs_config *cfg, int64_t start, int64_t end)
{
	if (end <= start) return 0;
	return calendar_business_days_between(cfg->calendar, tz_date(cfg->tz, start), tz_date(cfg->tz, end));
}

int32_t sla_term(
	const struct pqrs_config *cfg, const struct sla_subject *of, int32_t received, const struct law_row **law)
{
	const int32_t configured = cfg->sla_business_days[of->type];
	const struct law_row *row = configured == 0 ? law_of(cfg, of->request, received) : NULL;
	if (law != NULL) *law = row;
	return row != NULL ? row->days[of->request] : configured;
}

int64_t sla_due_at(const struct pqrs_config *cfg, int64_t radicated_at, int32_t days)
{
	const int32_t due = calendar_add_business_days(cfg->calendar, tz_date(cfg->tz, radicated_at), days);
	return tz_day_end(cfg->tz, due);
}

static enum sla_risk risk_at(const struct pqrs_config *cfg, int64_t due_at, int64_t as_of)
{
	if (due_at == STATE_NEVER) return SLA_RISK_HEALTHY;
	if (as_of > due_at) return SLA_RISK_OVERDUE;
	const int32_t left =
		calendar_business_days_between(cfg->calendar, tz_date(cfg->tz, as_of), tz_date(cfg->tz, due_at));
	return left <= SLA_RISK_BUSINESS_DAYS ? SLA_RISK_AT_RISK : SLA_RISK_HEALTHY;
}

/* Due date, status and risk, by the term and the days held that x has. */
static void judge(
	const struct pqrs_config *cfg, int64_t radicated_at, int64_t answered_at, int64_t as_of, struct sla_result *x)
{
	const bool answered = answered_at != STATE_NEVER;
	if (radicated_at != STATE_NEVER) {
		x->due_at = sla_due_at(cfg, radicated_at, x->term + x->hold_days);
		x->status = (answered ? answered_at : as_of) <= x->due_at ? SLA_STATUS_IN_TIME : SLA_STATUS_LATE;
	}
	x->risk = answered ? SLA_RISK_NONE : risk_at(cfg, x->due_at, as_of);
}

void sla_settle(const struct pqrs_config *cfg, const struct ticket_state *t, const struct sla_subject *of,
	int64_t as_of, struct sla_result *out)
{
	const bool radicated = t->radicated_at != STATE_NEVER;
	const bool closed = t->state == STATE_CLOSED || t->state == STATE_ARCHIVED;
	const bool open = as_of > t->since; /* the interval of the state at hand has a length */
	struct sla_result x = {
		.due_at = STATE_NEVER,
		.closed_at = closed ? t->closed_at : STATE_NEVER,
		.archived_at = t->state == STATE_ARCHIVED ? t->archived_at : STATE_NEVER,
		.elapsed_seconds =
			(t->running_us + (open && sla_runs(cfg, t->state) ? as_of - t->since : 0)) / US_PER_SECOND,
		.term = sla_term(cfg, of, tz_date(cfg->tz, radicated ? t->radicated_at : t->created_at), NULL),
		.hold_days = t->hold_days + (sla_pauses(cfg, t->state) ? sla_hold_days(cfg, t->since, as_of) : 0),
		.status = SLA_STATUS_NOT_STARTED,
	};
	judge(cfg, t->radicated_at, t->answered_at, as_of, &x);
	*out = x;
}

void sla_later(
	const struct pqrs_config *cfg, const struct sla_open *before, int64_t from, int64_t to, struct sla_result *out)
{
	ASSERT(from <= to);
	const bool known = before->state < STATE_N;
	struct sla_result x = {
		.due_at = STATE_NEVER,
		.closed_at = STATE_NEVER,
		.archived_at = STATE_NEVER,
		.elapsed_seconds = before->elapsed_seconds,
		.term = before->term,
		.hold_days = before->hold_days,
		.status = SLA_STATUS_NOT_STARTED,
	};
	if (known && sla_runs(cfg, before->state)) x.elapsed_seconds += (to - from) / US_PER_SECOND;
	if (known && sla_pauses(cfg, before->state)) x.hold_days += sla_hold_days(cfg, from, to);
	judge(cfg, before->radicated_at, STATE_NEVER, to, &x);
	*out = x;
}
