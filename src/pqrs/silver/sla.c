#include "pqrs/silver/sla.h"

bool sla_runs(const struct pqrs_config *cfg, unsigned state)
{
	const enum sla_behaviour b = cfg->states[state].sla;
	return b == SLA_START || b == SLA_RUN;
}

int32_t sla_hold_days(const struct pqrs_config *cfg, int64_t start, int64_t end)
{
	if (end <= start) return 0;
	return calendar_business_days_between(cfg->calendar, tz_date(cfg->tz, start), tz_date(cfg->tz, end));
}

int64_t sla_due_at(const struct pqrs_config *cfg, int64_t radicated_at, int32_t term)
{
	const int32_t due = calendar_add_business_days(cfg->calendar, tz_date(cfg->tz, radicated_at), term);
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

void sla_settle(const struct pqrs_config *cfg, const struct ticket_state *t, enum pqrs_type type, int64_t as_of,
	struct sla_result *out)
{
	const bool closed = t->state == STATE_CLOSED || t->state == STATE_ARCHIVED;
	int64_t running_us = t->running_us;
	if (sla_runs(cfg, t->state) && as_of > t->since) running_us += as_of - t->since;
	int32_t hold_days = t->hold_days;
	if (t->state == STATE_ON_HOLD) hold_days += sla_hold_days(cfg, t->since, as_of);
	int64_t due_at = STATE_NEVER;
	if (t->radicated_at != STATE_NEVER)
		due_at = sla_due_at(cfg, t->radicated_at, cfg->sla_business_days[type] + hold_days);
	const int64_t closed_at = closed ? t->closed_at : STATE_NEVER;
	const int64_t reached = closed_at != STATE_NEVER ? closed_at : as_of;
	enum sla_status reading = SLA_STATUS_NOT_STARTED;
	if (due_at != STATE_NEVER) reading = reached <= due_at ? SLA_STATUS_IN_TIME : SLA_STATUS_LATE;
	*out = (struct sla_result){
		.due_at = due_at,
		.closed_at = closed_at,
		.archived_at = t->state == STATE_ARCHIVED ? t->archived_at : STATE_NEVER,
		.elapsed_seconds = running_us / US_PER_SECOND,
		.hold_days = hold_days,
		.status = reading,
		.risk = closed ? SLA_RISK_NONE : risk_at(cfg, due_at, as_of),
	};
}
