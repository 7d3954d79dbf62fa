/* workloads/pqrs/silver/silver_check.c: the quality checks of the silver stage, over its files and counters. */
#include <stdio.h>
#include <stdlib.h>

#include "flow/quality.h"
#include "workloads/pqrs/silver/silver.h"
#include "workloads/pqrs/silver/silver_int.h"

enum { ORPHAN_RATE_MAX = PROB_ONE / 100 };

struct checks {
	const struct stage_view *view;
	const struct pqrs_config *cfg;
	const struct counter_list *counters; /* silver's */
	struct quality_list *out;
	bool ok; /* false: out of memory */
};

static void add(struct checks *c, bool pass, struct quality q, int64_t value, int64_t threshold)
{
	c->ok &= quality_add_numbers(c->out, pass, q, value, threshold);
}

/* A number that must be zero, out of count. */
static void add_none(struct checks *c, const char *dataset, const char *name, enum quality_severity severity,
	int64_t bad, int64_t count)
{
	add(c, bad == 0,
		(struct quality){.dataset = dataset, .check_name = name, .severity = severity, .record_count = count},
		bad, 0);
}

static int64_t rate(int64_t part, int64_t whole)
{
	return whole > 0 ? (part * PROB_ONE + whole / 2) / whole : 0;
}

/* Rows in = rows out: no event of the run's own is lost between bronze and silver. */
static void check_conservation(struct checks *c)
{
	/* Of the run's own rows those wait that are later than as_of; of earlier runs' those come that waited for this one. */
	const int64_t bronze = stage_view_rows(c->view, BRONZE_TABLE) - counter_get(c->counters, "deferred") +
			       counter_get(c->counters, "history:due"),
		      duplicates = counter_get(c->counters, "duplicates"),
		      quarantined = counter_get(c->counters, "quarantined");
	int64_t events[EVENT_N], silver = duplicates + quarantined;
	for (int i = 0; i < EVENT_N; i++) {
		char name[64];
		(void)snprintf(name, sizeof name, "events:%s", pqrs_event_type_names[i]);
		silver += events[i] = counter_get(c->counters, name);
	}
	char details[256];
	(void)snprintf(details, sizeof details,
		"tickets %lld + messages %lld + status_events %lld + attachments %lld + quarantine %lld + duplicates "
		"%lld",
		(long long)events[EVENT_TICKET_CREATED], (long long)events[EVENT_MESSAGE_ADDED],
		(long long)events[EVENT_STATUS_CHANGED], (long long)events[EVENT_ATTACHMENT_ADDED],
		(long long)quarantined, (long long)duplicates);
	const struct quality q = {.dataset = "silver",
		.check_name = "silver_rows_conserved",
		.severity = QUALITY_CRITICAL,
		.details = details,
		.record_count = bronze};
	add(c, silver == bronze, q, silver, bronze);
}

/* What stands of a table before the stage. */
static int64_t standing_rows(const struct stage_view *view, const char *table)
{
	int64_t rows = 0;
	for (size_t i = 0; i < view->standing->n; i++)
		rows += strcmp(view->standing->items[i].table, table) == 0 ? view->standing->items[i].rows : 0;
	return rows;
}

/* What stands of a table now = what stood + what the run's events added + what late ones moved in or out. */
static void check_table(struct checks *c, const char *name, const char *counter)
{
	char table[64], flipped[64];
	(void)snprintf(table, sizeof table, "silver.%s", name);
	(void)snprintf(flipped, sizeof flipped, "history:flipped:%s",
		strcmp(name, "preclassification") == 0 ? "tickets" : name);
	const int64_t expected = standing_rows(c->view, table) + counter_get(c->counters, counter) +
				 counter_get(c->counters, flipped),
		      rows = stage_view_rows(c->view, table);
	const struct quality q = {.dataset = table,
		.check_name = "rows_stand_once",
		.severity = QUALITY_CRITICAL,
		.details =
			"rows of the table = rows that stood + rows of the run's events + rows that late events moved",
		.record_count = rows};
	add(c, rows == expected, q, rows, expected);
}

static void check_tables(struct checks *c)
{
	check_table(c, "tickets", "events:TICKET_CREATED");
	check_table(c, "preclassification", "events:TICKET_CREATED");
	check_table(c, "messages", "events:MESSAGE_ADDED");
	check_table(c, "status_events", "events:STATUS_CHANGED");
	check_table(c, "attachments", "events:ATTACHMENT_ADDED");
	check_table(c, "quarantine", "quarantined");
}

static void check_tickets(struct checks *c)
{
	const int64_t tickets = stage_view_rows(c->view, "silver.tickets");
	add_none(c, "silver.tickets", "every_ticket_has_event", QUALITY_CRITICAL,
		counter_get(c->counters, "tickets_without_event"), tickets);
	add_none(c, "silver.tickets", "first_state_received", QUALITY_WARNING,
		counter_get(c->counters, "first_state_not_received"), tickets);
	/* An id twice in one ticket was settled (duplicate or quarantine); here one that several tickets of a task share. Both stand:
	 * one line stops no run. */
	add_none(c, "silver", "event_id_unique", QUALITY_WARNING, counter_get(c->counters, "event_id_shared"),
		counter_get(c->counters, "rows_in"));
	const int64_t predictions = stage_view_rows(c->view, "silver.preclassification");
	const int64_t missing = counter_get(c->counters, "model_version_missing") + llabs(tickets - predictions);
	add_none(c, "silver.preclassification", "model_version_present", QUALITY_CRITICAL, missing, predictions);
	add_none(c, "silver.preclassification", "score_in_range", QUALITY_CRITICAL,
		counter_get(c->counters, "score_out_of_range"), predictions);
}

/* Accepted all the same; but a clock that is wrong makes terms wrong. */
static void check_clocks(struct checks *c)
{
	const int64_t early = counter_get(c->counters, "clock_skew");
	const struct quality q = {.dataset = "silver",
		.check_name = "clock_skew",
		.severity = QUALITY_WARNING,
		.details = "accepted events with a ts before their ticket's creation, by up to sla.clock_skew_max",
		.record_count = counter_get(c->counters, "rows_in")};
	add(c, early == 0, q, early, 0);
}

/* A WARNING: refused events are in quarantine with their reason, and in a small file one alone is a high rate. */
static void check_transitions(struct checks *c)
{
	const int64_t valid = counter_get(c->counters, "transitions_valid"),
		      invalid = counter_get(c->counters, "transitions_invalid");
	const int64_t max = c->cfg->quality.invalid_transition_rate_max;
	char value[32], threshold[32];
	const struct quality q = {.dataset = "silver.status_events",
		.check_name = "transitions_valid",
		.severity = QUALITY_WARNING,
		.value = quality_fraction(rate(invalid, valid + invalid), value),
		.threshold = quality_fraction(max, threshold),
		.details = "share of state changes that the state machine refused",
		.record_count = valid + invalid};
	c->ok &= quality_add(c->out, invalid * PROB_ONE <= max * (valid + invalid), &q);
}

/* Events of tickets that nobody created: a file is missing, or ids differ between systems. */
static void check_orphans(struct checks *c)
{
	const int64_t orphans = counter_get(c->counters, "quarantine:orphan");
	int64_t accepted = 0;
	for (int i = 0; i < EVENT_N; i++) {
		char name[64];
		(void)snprintf(name, sizeof name, "events:%s", pqrs_event_type_names[i]);
		accepted += counter_get(c->counters, name);
	}
	char value[32], threshold[32];
	const struct quality q = {.dataset = "silver.quarantine",
		.check_name = "orphans",
		.severity = QUALITY_WARNING,
		.value = quality_fraction(rate(orphans, accepted), value),
		.threshold = quality_fraction(ORPHAN_RATE_MAX, threshold),
		.details = "events of tickets that were never created / accepted events",
		.record_count = orphans};
	c->ok &= quality_add(c->out, orphans * PROB_ONE <= ORPHAN_RATE_MAX * accepted, &q);
}

/* Whether the longest term of the first day's tickets can have run out: before that hardly a late ticket is closed. */
static bool terms_ran_out(const struct checks *c)
{
	int32_t longest = 0;
	for (int i = 0; i < TYPE_N; i++)
		longest = c->cfg->sla_business_days[i] > longest ? c->cfg->sla_business_days[i] : longest;
	const struct run_info *run = c->view->run;
	const int32_t days =
		calendar_business_days_between(c->cfg->calendar, run->date_from, tz_date(c->cfg->tz, run->as_of));
	return days >= longest;
}

static void check_breaches(struct checks *c)
{
	const int64_t closed = counter_get(c->counters, "sla:closed"),
		      late = counter_get(c->counters, "sla:late_closed");
	const int64_t min = c->cfg->quality.breach_rate_min, max = c->cfg->quality.breach_rate_max,
		      got = rate(late, closed);
	char value[32], low[32], high[32], band[72];
	(void)snprintf(band, sizeof band, "%s..%s", quality_fraction(min, low), quality_fraction(max, high));
	const struct quality q = {.dataset = "silver.tickets",
		.check_name = "sla_breach_rate",
		.severity = QUALITY_WARNING,
		.value = quality_fraction(got, value),
		.threshold = band,
		.details = "answered late, among closed tickets",
		.record_count = closed};
	c->ok &= quality_add(c->out, closed == 0 || (got >= min && got <= max), &q);
}

status pqrs_silver_check(const struct stage_view *view, struct quality_list *out, struct err *err)
{
	ASSERT(view->n_stages > 0);
	struct checks c = {.view = view,
		.cfg = view->config,
		.counters = &view->counters[view->n_stages - 1],
		.out = out,
		.ok = true};
	check_conservation(&c);
	check_tables(&c);
	check_tickets(&c);
	check_clocks(&c);
	check_transitions(&c);
	check_orphans(&c);
	if (run_makes(view->run) && terms_ran_out(&c)) check_breaches(&c);
	return c.ok ? OK : fail_nomem(err);
}
