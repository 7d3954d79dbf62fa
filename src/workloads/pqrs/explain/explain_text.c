/* workloads/pqrs/explain/explain_text.c: the explanation of a due date on its way to a person or a program. Knows the
 * shape of silver/explain.h, no tables. */
#include "workloads/pqrs/explain/explain_text.h"

#include <stdio.h>

static const char *const weekdays[7] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

static const char *date_text(int32_t date, char dst[DATE_CHARS + 1])
{
	date_format(date, dst);
	dst[DATE_CHARS] = '\0';
	return dst;
}

/* "Fri 2026-03-20" */
static void add_day(struct buf *out, int32_t date)
{
	char text[DATE_CHARS + 1];
	buf_printf(out, "%s %s", weekdays[date_weekday(date)], date_text(date, text));
}

/* "Fri 2026-03-20 10:00:00", local */
static void add_instant(const struct explain_view *v, struct buf *out, int64_t us)
{
	const int64_t local = us + tz_offset_at(v->cfg->tz, us) * US_PER_SECOND;
	const int32_t date = tz_date(v->cfg->tz, us);
	const int64_t seconds = (local - date * US_PER_DAY) / US_PER_SECOND;
	add_day(out, date);
	buf_printf(out, " %02d:%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60), (int)(seconds % 60));
}

static const char *plural(int32_t n)
{
	return n == 1 ? "" : "s";
}

/* Business days of a kind of stand. */
static int32_t stood(const struct explain_view *v, enum explain_reason reason)
{
	int32_t n = 0;
	for (size_t i = 0; i < v->x->n_stands; i++) {
		const struct explain_stand *s = &v->x->stands[i];
		if (s->reason == reason) n += calendar_business_days_between(v->cfg->calendar, s->from, s->to);
	}
	return n;
}

static void text_head(const struct explain_view *v, struct buf *out)
{
	const struct explain *x = v->x;
	const char *number = v->row->external_id[0] != '\0' ? v->row->external_id : "(no number)";
	buf_printf(out, "%s  %s\n", number, v->row->ticket_id);
	buf_printf(out, "  status    %s, type %s", v->row->status, v->row->type);
	buf_printf(out, x->law != NULL ? ", %s request\n" : "\n", pqrs_request_names[x->subject.request]);
	buf_str(out, "  received  ");
	add_instant(v, out, x->state.radicated_at != STATE_NEVER ? x->state.radicated_at : v->row->created_at);
	buf_str(out, x->state.radicated_at != STATE_NEVER ? "\n" : "; not radicated: no clock runs\n");
	buf_printf(out, "  term      %d business day%s: %s\n", (int)x->sla.term, plural(x->sla.term),
		x->law != NULL ? x->law->source : "configured");
}

static void text_verdict(const struct explain_view *v, struct buf *out)
{
	const struct explain *x = v->x;
	const bool answered = x->state.answered_at != STATE_NEVER;
	const int32_t end = tz_date(v->cfg->tz, answered ? x->state.answered_at : v->as_of);
	const int32_t used = x->received < end ? calendar_business_days_between(v->cfg->calendar, x->received, end) : 0;
	const int32_t hold = stood(v, EXPLAIN_HOLD), stop = stood(v, EXPLAIN_STOP);
	if (hold > 0) buf_printf(out, "  on hold   %d business day%s\n", (int)hold, plural(hold));
	if (stop > 0)
		buf_printf(out, "  stopped   %d business day%s, from an answer to its reopening\n", (int)stop,
			plural(stop));
	buf_str(out, "  due       ");
	add_day(out, x->due);
	buf_printf(out, ", business day %d after reception\n", (int)(x->sla.term + x->sla.hold_days));
	buf_str(out, answered ? "  answered  " : "  as of     ");
	add_instant(v, out, answered ? x->state.answered_at : v->as_of);
	buf_str(out, answered ? "\n" : ", not answered\n");
	buf_printf(out, "  verdict   %s%s%s, %d business day%s used of %d\n", sla_status_names[x->sla.status],
		x->sla.risk != SLA_RISK_NONE ? ", " : "", sla_risk_names[x->sla.risk], (int)(used - x->sla.hold_days),
		plural(used - x->sla.hold_days), (int)x->sla.term);
}

/* The stand that a day belongs to. */
static const struct explain_stand *stand_of(const struct explain *x, int32_t date)
{
	for (size_t i = 0; i < x->n_stands; i++) {
		if (date > x->stands[i].from && date <= x->stands[i].to) return &x->stands[i];
	}
	return NULL;
}

static void text_why(const struct explain_view *v, const struct explain_day *d, struct buf *out)
{
	char from[DATE_CHARS + 1], to[DATE_CHARS + 1];
	const struct explain_stand *s = stand_of(v->x, d->date);
	const char *name;
	switch (d->reason) {
	case EXPLAIN_COUNTED: buf_printf(out, "  %6d", (int)d->n); return;
	case EXPLAIN_WEEKEND: buf_str(out, "          week-end"); return;
	case EXPLAIN_HOLIDAY:
		for (size_t i = 0; (name = calendar_holiday_name(v->cfg->calendar, d->date, i)) != NULL; i++)
			buf_printf(out, "%s%s", i == 0 ? "          holiday: " : ", ", name);
		return;
	case EXPLAIN_EXTENDED: buf_printf(out, "      +%-2d  for a day held later", (int)d->n); return;
	default: break;
	}
	ASSERT(s != NULL);
	buf_printf(out,
		d->reason == EXPLAIN_HOLD ? "          hold: %s to %s" : "          stop: answered %s, reopened %s",
		date_text(s->from, from), date_text(s->to, to));
}

void explain_text(const struct explain_view *v, struct buf *out)
{
	text_head(v, out);
	if (v->x->state.radicated_at == STATE_NEVER) return;
	text_verdict(v, out);
	buf_str(out, "\nday             counts  why not\n");
	for (size_t i = 0; i < v->x->n_days; i++) {
		add_day(out, v->x->days[i].date);
		text_why(v, &v->x->days[i], out);
		buf_char(out, '\n');
	}
}

/* ---- JSON ---- */

static void json_date(struct buf *out, const char *key, int32_t date)
{
	char text[DATE_CHARS + 1];
	buf_printf(out, ",\"%s\":\"%s\"", key, date_text(date, text));
}

static void json_time(struct buf *out, const char *key, int64_t us)
{
	char text[TIME_RFC3339_CHARS + 1] = "";
	if (us == STATE_NEVER) {
		buf_printf(out, ",\"%s\":null", key);
		return;
	}
	time_format(us, text);
	buf_printf(out, ",\"%s\":\"%s\"", key, text);
}

static void json_text(struct buf *out, const char *key, const char *text)
{
	buf_printf(out, ",\"%s\":", key);
	if (text[0] == '\0')
		buf_str(out, "null");
	else
		buf_json_str(out, str_of(text));
}

static void json_stands(const struct explain_view *v, struct buf *out)
{
	buf_str(out, ",\"stands\":[");
	for (size_t i = 0; i < v->x->n_stands; i++) {
		const struct explain_stand *s = &v->x->stands[i];
		buf_printf(out, "%s{\"why\":\"%s\"", i > 0 ? "," : "", explain_reason_names[s->reason]);
		json_date(out, "from", s->from);
		json_date(out, "to", s->to);
		buf_char(out, '}');
	}
	buf_char(out, ']');
}

static void json_days(const struct explain_view *v, struct buf *out)
{
	buf_str(out, ",\"days\":[");
	for (size_t i = 0; i < v->x->n_days; i++) {
		const struct explain_day *d = &v->x->days[i];
		char text[DATE_CHARS + 1];
		const char *name;
		buf_printf(out, "%s\n{\"date\":\"%s\",\"why\":\"%s\"", i > 0 ? "," : "", date_text(d->date, text),
			explain_reason_names[d->reason]);
		if (d->n > 0) buf_printf(out, ",\"n\":%d", (int)d->n);
		for (size_t k = 0; d->reason == EXPLAIN_HOLIDAY &&
				   (name = calendar_holiday_name(v->cfg->calendar, d->date, k)) != NULL;
			k++) {
			buf_str(out, k == 0 ? ",\"names\":[" : ",");
			buf_json_str(out, str_of(name));
		}
		buf_str(out, d->reason == EXPLAIN_HOLIDAY ? "]}" : "}");
	}
	buf_char(out, ']');
}

void explain_json(const struct explain_view *v, struct buf *out)
{
	const struct explain *x = v->x;
	buf_printf(out, "{\"ticket_id\":\"%s\"", v->row->ticket_id);
	json_text(out, "external_id", v->row->external_id);
	json_text(out, "run_id", v->row->run_id);
	json_text(out, "current_status", v->row->status);
	json_text(out, "pqrs_type", v->row->type);
	json_time(out, "created_at", v->row->created_at);
	json_time(out, "radicated_at", x->state.radicated_at);
	json_time(out, "answered_at", x->state.answered_at);
	json_time(out, "as_of", v->as_of);
	buf_printf(out, ",\"sla_business_days\":%d", (int)x->sla.term);
	json_text(out, "request_kind", pqrs_request_names[x->subject.request]);
	json_text(out, "law", x->law != NULL ? x->law->source : "");
	buf_printf(out, ",\"hold_days\":%d", (int)x->sla.hold_days);
	json_time(out, "sla_due_at", x->sla.due_at);
	json_text(out, "sla_status", sla_status_names[x->sla.status]);
	json_text(out, "sla_risk", sla_risk_names[x->sla.risk]);
	if (x->state.radicated_at != STATE_NEVER) {
		json_date(out, "received", x->received);
		json_date(out, "due", x->due);
	}
	json_stands(v, out);
	json_days(v, out);
	buf_str(out, "}\n");
}
