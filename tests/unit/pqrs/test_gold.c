/* The daily gold tables against a recomputation from their definitions, cell by cell, over random tickets. */
#include "gold_data.h"

enum { TICKETS = 600, GEO_MAX = 64 };

/* ---- the definitions, straight ------------------------------------------------------------------------------ */

static const char *department_of(const struct ticket *t)
{
	return t->department != NULL ? t->department : "unknown";
}
static const char *dane_of(const struct ticket *t)
{
	return t->dane != NULL ? t->dane : "00000";
}
static const char *tenant_of(const struct ticket *t)
{
	return t->tenant != NULL ? t->tenant : "default";
}

struct geo {
	const char *department, *dane;
};
struct world {
	struct ticket t[TICKETS];
	size_t n;
	const struct tz *tz;
	int64_t as_of;
	int32_t first, last, end; /* first created day, day of as_of, last day of any ticket */
	int32_t created[TICKETS], closed[TICKETS];
	struct geo geos[GEO_MAX];
	size_t n_geos;
};

static int compare_geos(const void *a, const void *b)
{
	const struct geo *x = a, *y = b;
	const int c = strcmp(x->department, y->department);
	return c != 0 ? c : strcmp(x->dane, y->dane);
}

static void world_init(struct world *w, const struct tz *tz, int64_t as_of)
{
	w->tz = tz;
	w->as_of = as_of;
	w->last = tz_date(tz, as_of);
	w->first = INT32_MAX;
	w->end = w->last;
	w->n_geos = 0;
	for (size_t i = 0; i < w->n; i++) {
		const struct ticket *t = &w->t[i];
		w->created[i] = tz_date(tz, t->created);
		w->closed[i] = t->closed == NONE ? INT32_MAX : tz_date(tz, t->closed);
		if (w->created[i] < w->first) w->first = w->created[i];
		if (w->created[i] > w->end) w->end = w->created[i];
		if (t->closed != NONE && w->closed[i] > w->end) w->end = w->closed[i];
		const struct geo g = {department_of(t), dane_of(t)};
		size_t k = 0;
		while (k < w->n_geos && compare_geos(&w->geos[k], &g) != 0) k++;
		if (k == w->n_geos) w->geos[w->n_geos++] = g;
	}
	qsort(w->geos, w->n_geos, sizeof *w->geos, compare_geos);
}

/* n / d to the nearest, a half away from zero: by the definition, through twice the value. */
static long long nearest(__int128 n, __int128 d)
{
	const __int128 sign = n < 0 ? -1 : 1, twice = 2 * n * sign;
	__int128 q = 0;
	while ((2 * q + 1) * d <= twice)
		q += 1 + (twice - (2 * q + 1) * d) / (2 * d + 1) / 2; /* never past the answer */
	return (long long)(q * sign);
}

static void put_day(struct buf *out, int32_t day)
{
	char text[DATE_CHARS];
	date_format(day, text);
	buf_add(out, text, DATE_CHARS);
}

static bool in_geo(const struct ticket *t, const struct geo *g)
{
	return g == NULL ||
	       (strcmp(department_of(t), g->department) == 0 && (g->dane == NULL || strcmp(dane_of(t), g->dane) == 0));
}

static long long created_on(
	const struct world *w, int32_t day, const char *channel, const char *type, const struct geo *g)
{
	long long n = 0;
	for (size_t i = 0; i < w->n; i++) {
		n += w->created[i] == day && strcmp(w->t[i].channel, channel) == 0 && strcmp(w->t[i].type, type) == 0 &&
		     in_geo(&w->t[i], g);
	}
	return n;
}

static void want_volume(const struct world *w, struct buf *daily, struct buf *geo)
{
	for (int32_t day = w->first; day <= w->end; day++) {
		for (int c = 0; c < GOLD_CHANNELS; c++) {
			for (int t = 0; t < GOLD_TYPES; t++) {
				const char *channel = gold_channel_names[c], *type = gold_type_names[t];
				const long long n = created_on(w, day, channel, type, NULL);
				if (n == 0) continue;
				put_day(daily, day);
				buf_printf(daily, "|%s|%s|%lld\n", channel, type, n);
				for (size_t k = 0; k < w->n_geos; k++) {
					const struct geo *g = &w->geos[k];
					const long long here = created_on(w, day, channel, type, g);
					if (here == 0) continue;
					put_day(geo, day);
					buf_printf(geo, "|%s|%s|%s|%s|%s|%lld\n", channel, type, g->department,
						g->department, g->dane, here);
				}
			}
		}
	}
}

static bool occurs(const struct world *w, const char *channel, const char *type, const struct geo *g)
{
	for (int32_t day = w->first; day <= w->last; day++) {
		if (created_on(w, day, channel, type, g) > 0) return true;
	}
	return false;
}

/* One series: all its days, as lines of the measures. */
static void want_point(
	const struct world *w, struct buf *out, int32_t day, const char *channel, const char *type, const struct geo *g)
{
	const long long n = created_on(w, day, channel, type, g);
	const long long prev = day - 1 >= w->first ? created_on(w, day - 1, channel, type, g) : 0;
	const long long week = day - 7 >= w->first ? created_on(w, day - 7, channel, type, g) : 0;
	long long sum = 0, days = 0;
	for (int32_t d = day - 6; d <= day; d++) {
		if (d < w->first) continue;
		sum += created_on(w, d, channel, type, g);
		days++;
	}
	buf_printf(out, "|%lld|%lld|%lld|%lld\n", n, nearest(sum * 100, days),
		prev == 0 ? 0 : nearest((n - prev) * 10000, prev), week == 0 ? 0 : nearest((n - week) * 10000, week));
}

static void want_series(const struct world *w, struct buf *department, struct buf *national)
{
	for (int32_t day = w->first; day <= w->last; day++) {
		for (size_t k = 0; k < w->n_geos; k++) {
			if (k > 0 && strcmp(w->geos[k].department, w->geos[k - 1].department) == 0) continue;
			const struct geo g = {w->geos[k].department, NULL};
			for (int i = 0; i < GOLD_TYPES * GOLD_CHANNELS; i++) {
				const char *type = gold_type_names[i / GOLD_CHANNELS],
					   *channel = gold_channel_names[i % GOLD_CHANNELS];
				if (!occurs(w, channel, type, &g)) continue;
				put_day(department, day);
				buf_printf(department, "|%s|%s|%s", g.department, type, channel);
				want_point(w, department, day, channel, type, &g);
			}
		}
		for (int i = 0; i < GOLD_TYPES * GOLD_CHANNELS; i++) {
			const char *type = gold_type_names[i / GOLD_CHANNELS],
				   *channel = gold_channel_names[i % GOLD_CHANNELS];
			if (!occurs(w, channel, type, NULL)) continue;
			put_day(national, day);
			buf_printf(national, "|%s|%s", type, channel);
			want_point(w, national, day, channel, type, NULL);
		}
	}
}

static long long open_on(const struct world *w, int32_t day, const char *type, const struct geo *g)
{
	long long n = 0;
	for (size_t i = 0; i < w->n; i++) {
		n += w->created[i] <= day && w->closed[i] > day && strcmp(w->t[i].type, type) == 0 &&
		     in_geo(&w->t[i], g);
	}
	return n;
}

static void want_backlog(const struct world *w, struct buf *region, struct buf *geo)
{
	for (int32_t day = w->first; day <= w->last; day++) {
		for (int t = 0; t < GOLD_TYPES; t++) {
			for (size_t k = 0; k < w->n_geos; k++) {
				const struct geo *g = &w->geos[k], whole = {g->department, NULL};
				const long long here = open_on(w, day, gold_type_names[t], g),
						n = open_on(w, day, gold_type_names[t], &whole);
				const bool first_city = k == 0 || strcmp(g->department, w->geos[k - 1].department) != 0;
				if (first_city && n > 0) {
					put_day(region, day);
					buf_printf(region, "|%s|%s|%lld\n", gold_type_names[t], g->department, n);
				}
				if (here == 0) continue;
				put_day(geo, day);
				buf_printf(geo, "|%s|%s|%s|%s|%lld\n", gold_type_names[t], g->department, g->department,
					g->dane, here);
			}
		}
	}
}

/* The four measures over the tickets of a type closed on a day, "" when there are none. */
static bool want_closed(
	const struct world *w, struct buf *out, int32_t day, const char *type, const struct geo *g, const char *prefix)
{
	long long n = 0, late = 0;
	__int128 us = 0;
	for (size_t i = 0; i < w->n; i++) {
		const struct ticket *t = &w->t[i];
		if (w->closed[i] != day || strcmp(t->type, type) != 0 || !in_geo(t, g)) continue;
		n++;
		if (strcmp(t->sla, "LATE") != 0) continue;
		late++;
		us += (t->answered != NONE ? t->answered : w->as_of) - t->due;
	}
	if (n == 0) return false;
	put_day(out, day);
	buf_printf(out, "|%s%s|%lld|%lld|%lld|%lld\n", type, prefix, n, nearest((n - late) * 10000, n), late,
		late == 0 ? 0 : nearest(us * 100, (__int128)late * US_PER_DAY));
	return true;
}

static void want_sla(const struct world *w, struct buf *daily, struct buf *geo, struct buf *by_status)
{
	for (int32_t day = w->first; day <= w->end; day++) {
		for (int t = 0; t < GOLD_TYPES; t++) {
			(void)want_closed(w, daily, day, gold_type_names[t], NULL, "");
			for (size_t k = 0; k < w->n_geos; k++) {
				char prefix[128];
				const struct geo *g = &w->geos[k];
				(void)snprintf(
					prefix, sizeof prefix, "|%s|%s|%s", g->department, g->department, g->dane);
				(void)want_closed(w, geo, day, gold_type_names[t], g, prefix);
			}
		}
		for (int s = 0; s < GOLD_SLA_STATES; s++) {
			long long n = 0;
			for (size_t i = 0; i < w->n; i++)
				n += w->closed[i] == day && strcmp(w->t[i].sla, gold_sla_names[s]) == 0;
			if (n == 0) continue;
			put_day(by_status, day);
			buf_printf(by_status, "|%s|%lld\n", gold_sla_names[s], n);
		}
	}
}

static void want_kpis(const struct world *w, struct buf *out, int32_t day, const char *tenant)
{
	long long n = 0, p = 0, q = 0, r = 0, s = 0, weight = 0, alta = 0, late = 0;
	for (size_t i = 0; i < w->n; i++) {
		const struct ticket *t = &w->t[i];
		if (w->created[i] != day || strcmp(tenant_of(t), tenant) != 0) continue;
		n++;
		p += t->type[0] == 'P';
		q += t->type[0] == 'Q';
		r += t->type[0] == 'R';
		s += t->type[0] == 'S';
		weight += t->priority[0] == 'a' ? 3 : t->priority[0] == 'm' ? 2 : 1;
		alta += t->priority[0] == 'a';
		late += strcmp(t->sla, "LATE") == 0;
	}
	if (n == 0) return;
	put_day(out, day);
	buf_printf(out, "|%s|%lld|%lld|%lld|%lld|%lld|%lld|%lld|%lld\n", tenant, n, p, q, r, s,
		nearest(weight * 1000, n), nearest(alta * 10000, n), nearest(late * 10000, n));
}

static void want_daily(const struct world *w, struct buf *kpis, struct buf *priorities, struct buf *predicted)
{
	static const char *const tenants[] = {"acme", "default", "zeta"};
	for (int32_t day = w->first; day <= w->end; day++) {
		for (int k = 0; k < 3; k++) want_kpis(w, kpis, day, tenants[k]);
		for (int k = 0; k < GOLD_PRIORITIES; k++) {
			long long n = 0;
			for (size_t i = 0; i < w->n; i++)
				n += w->created[i] == day && strcmp(w->t[i].priority, gold_priority_names[k]) == 0;
			if (n == 0) continue;
			put_day(priorities, day);
			buf_printf(priorities, "|%s|%lld\n", gold_priority_names[k], n);
		}
		for (int k = 0; k < GOLD_TYPES * GOLD_PRIORITIES; k++) {
			const char *type = gold_type_names[k / GOLD_PRIORITIES],
				   *priority = gold_priority_names[k % GOLD_PRIORITIES];
			long long n = 0, score = 0;
			for (size_t i = 0; i < w->n; i++) {
				const struct ticket *t = &w->t[i];
				if (w->created[i] != day || strcmp(t->type, type) != 0 ||
					strcmp(t->priority, priority) != 0)
					continue;
				n++;
				score += t->score;
			}
			if (n == 0) continue;
			put_day(predicted, day);
			buf_printf(predicted, "|%s|%s|%lld|%lld\n", type, priority, n, nearest(score, n));
		}
	}
}

/* ---- the kernels ---------------------------------------------------------------------------------------------- */

/* Every daily table over w's tickets, fed in batches of at most `step` rows, every other one without dictionaries. */
static void run_kernels(const struct world *w, size_t step, struct text_sink *sink)
{
	struct err err;
	struct arena arena, scratch;
	struct day_map days;
	struct gold_facts f;
	arena_init(&arena, 0);
	arena_init(&scratch, 0);
	CHECK_OK(&err, day_map_init(&days, w->tz, &arena, &err));
	struct columns all = {0};
	const struct gold_source which = source_of(&all, w->t, w->n < step ? w->n : step, true);
	CHECK_OK(&err, gold_facts_init(&f, &arena, w->n, &which, &err));
	f.as_of = w->as_of;
	columns_deinit(&all);
	for (size_t at = 0; at < w->n; at += step) {
		struct columns cs = {0};
		const size_t n = w->n - at < step ? w->n - at : step;
		const struct gold_source in = source_of(&cs, w->t + at, n, at / step % 2 == 0);
		CHECK_OK(&err, gold_facts_add(&f, &in, &days, &scratch, &err));
		columns_deinit(&cs);
		arena_reset(&scratch);
	}
	CHECK_OK(&err, gold_facts_rank(&f, &err));
	CHECK_I64(f.geos.n, w->n_geos);
	CHECK_OK(&err, gold_volume(&f, &sink->base, &arena, &err));
	CHECK_OK(&err, gold_backlog(&f, &sink->base, &arena, &err));
	CHECK_OK(&err, gold_sla(&f, &sink->base, &arena, &err));
	CHECK_OK(&err, gold_daily(&f, &sink->base, &arena, &err));
	CHECK_OK(&err, gold_predicted(&f, &sink->base, &arena, &err));
	CHECK_I64(sink->base.totals[GOLD_KPI_BACKLOG_DAILY].sum_last, gold_open_tickets(&f, w->last));
	CHECK_I64(sink->base.totals[GOLD_KPI_BACKLOG_GEO_DAILY].sum_last, gold_open_tickets(&f, w->last));
	gold_facts_deinit(&f);
	arena_deinit(&arena);
	arena_deinit(&scratch);
}

static void check_world(const struct world *w, size_t step)
{
	struct text_sink got, want;
	text_sink_init(&got, w->last);
	text_sink_init(&want, w->last);
	want_volume(w, &want.rows[GOLD_KPI_VOLUME_DAILY], &want.rows[GOLD_KPI_VOLUME_GEO_DAILY]);
	want_series(w, &want.rows[GOLD_KPI_VOLUME_DEPT_DAILY], &want.rows[GOLD_KPI_VOLUME_NATIONAL_DAILY]);
	want_backlog(w, &want.rows[GOLD_KPI_BACKLOG_DAILY], &want.rows[GOLD_KPI_BACKLOG_GEO_DAILY]);
	want_sla(w, &want.rows[GOLD_KPI_SLA_DAILY], &want.rows[GOLD_KPI_SLA_GEO_DAILY], &want.rows[GOLD_SLA_DAILY]);
	want_daily(
		w, &want.rows[GOLD_DAILY_KPIS], &want.rows[GOLD_PRIORITY_DISTRIBUTION], &want.rows[GOLD_PQRS_METRICS]);
	run_kernels(w, step, &got);
	for (int i = 0; i < GOLD_TABLES_N; i++) {
		const struct gold_totals *t = &got.base.totals[i];
		check_lines(pqrs_gold_tables[i]->name, &got.rows[i], &want.rows[i]);
		CHECK_I64(t->keys_repeated + t->keys_unordered + t->out_of_range, 0);
	}
	text_sink_deinit(&got);
	text_sink_deinit(&want);
}

static struct tz *bogota(void)
{
	struct err err;
	struct tz *tz = NULL;
	CHECK_OK(&err, tz_load("America/Bogota", &tz, &err));
	return tz;
}

static int64_t at(const char *text)
{
	int64_t us;
	if (!time_parse(str_of(text), &us)) fail_msg("not a time: %s", text);
	return us;
}

static void test_random_tickets(void **state)
{
	(void)state;
	struct tz *tz = bogota();
	static struct world w;
	for (uint64_t seed = 1; seed <= 6; seed++) {
		struct dice d = {seed, 0};
		const int32_t first = date_from_civil(2025, 12, 10); /* across a year's end */
		w.n = seed == 6 ? 3 : TICKETS;
		random_tickets(&d, w.t, w.n, first, 40 + roll(&d, 20));
		/* the last days of some worlds lie after as_of; in others the range goes on after the last ticket */
		world_init(&w, tz, (first + 35 + (int64_t)roll(&d, 60)) * US_PER_DAY + 20 * 3600 * US_PER_SECOND);
		check_world(&w, seed == 5 ? 7 : 250);
	}
	tz_destroy(tz);
}

/* ---- cases ---------------------------------------------------------------------------------------------------- */

static struct ticket plain(const char *created)
{
	return (struct ticket){.id = "00000000-0000-0000-0000-000000000000",
		.created = at(created),
		.radicated = at(created),
		.answered = NONE,
		.closed = NONE,
		.due = at("2026-01-20T04:59:59.999999Z"),
		.last_update = at(created),
		.channel = "email",
		.type = "P",
		.priority = "media",
		.sla = "IN_TIME",
		.status = "RADICATED",
		.department = "Antioquia",
		.dane = "05001",
		.target = 15};
}

/* The rows of one table over w's tickets. */
static void check_table(struct world *w, const char *as_of, enum gold_table table, const char *want)
{
	struct tz *tz = bogota();
	struct text_sink got;
	struct buf expected;
	world_init(w, tz, at(as_of));
	text_sink_init(&got, w->last);
	buf_init(&expected, 0);
	buf_str(&expected, want);
	run_kernels(w, w->n, &got);
	check_lines(pqrs_gold_tables[table]->name, &got.rows[table], &expected);
	buf_deinit(&expected);
	text_sink_deinit(&got);
	tz_destroy(tz);
}

static void test_days_are_local(void **state)
{
	(void)state;
	static struct world w;
	w.n = 3; /* 04:59:59.999999Z is still the day before in Bogota, and the month before */
	w.t[0] = plain("2025-12-01T04:59:59.999999Z");
	w.t[1] = plain("2025-12-01T05:00:00Z");
	w.t[2] = plain("2025-12-01T23:59:59Z");
	check_table(&w, "2025-12-02T04:59:59.999999Z", GOLD_KPI_VOLUME_DAILY,
		"2025-11-30|email|P|1\n2025-12-01|email|P|2\n");
	check_table(&w, "2025-12-02T04:59:59.999999Z", GOLD_KPI_BACKLOG_DAILY,
		"2025-11-30|P|Antioquia|1\n2025-12-01|P|Antioquia|3\n");
}

static void test_series_averages_the_days_there_are(void **state)
{
	(void)state;
	static struct world w;
	w.n = 4; /* 1, 0, 1, 0, ... 2 on the eighth day */
	w.t[0] = plain("2025-12-01T12:00:00Z");
	w.t[1] = plain("2025-12-03T12:00:00Z");
	w.t[2] = plain("2025-12-08T12:00:00Z");
	w.t[3] = plain("2025-12-08T12:00:00Z");
	check_table(&w, "2025-12-10T12:00:00Z", GOLD_KPI_VOLUME_NATIONAL_DAILY,
		"2025-12-01|P|email|1|100|0|0\n"
		"2025-12-02|P|email|0|50|-10000|0\n"
		"2025-12-03|P|email|1|67|0|0\n" /* 2/3 = 0.67; the base is 0 */
		"2025-12-04|P|email|0|50|-10000|0\n"
		"2025-12-05|P|email|0|40|0|0\n"
		"2025-12-06|P|email|0|33|0|0\n"
		"2025-12-07|P|email|0|29|0|0\n"     /* 2/7 */
		"2025-12-08|P|email|2|43|0|10000\n" /* 3/7: the first day has left; twice the week before */
		"2025-12-09|P|email|0|43|-10000|0\n"
		"2025-12-10|P|email|0|29|0|-10000\n");
}

/* What is created after as_of counts as volume of its day, and is in no series and no backlog. */
static void test_tickets_after_as_of(void **state)
{
	(void)state;
	static struct world w;
	w.n = 2;
	w.t[0] = plain("2025-12-01T12:00:00Z");
	w.t[1] = plain("2025-12-03T12:00:00Z");
	w.t[1].channel = "chat";
	check_table(&w, "2025-12-02T12:00:00Z", GOLD_KPI_VOLUME_DAILY, "2025-12-01|email|P|1\n2025-12-03|chat|P|1\n");
	check_table(&w, "2025-12-02T12:00:00Z", GOLD_KPI_VOLUME_NATIONAL_DAILY,
		"2025-12-01|P|email|1|100|0|0\n2025-12-02|P|email|0|50|-10000|0\n");
	check_table(&w, "2025-12-02T12:00:00Z", GOLD_KPI_BACKLOG_DAILY,
		"2025-12-01|P|Antioquia|1\n2025-12-02|P|Antioquia|1\n");
}

static void test_ticket_without_geography(void **state)
{
	(void)state;
	static struct world w;
	w.n = 2;
	w.t[0] = plain("2025-12-01T12:00:00Z");
	w.t[0].department = NULL;
	w.t[0].dane = NULL;
	w.t[1] = plain("2025-12-01T12:00:00Z");
	w.t[1].department = NULL; /* a code that dim_geo does not know */
	check_table(&w, "2025-12-01T12:00:00Z", GOLD_KPI_VOLUME_GEO_DAILY,
		"2025-12-01|email|P|unknown|unknown|00000|1\n2025-12-01|email|P|unknown|unknown|05001|1\n");
	check_table(&w, "2025-12-01T12:00:00Z", GOLD_KPI_BACKLOG_DAILY, "2025-12-01|P|unknown|2\n");
	check_table(&w, "2025-12-01T12:00:00Z", GOLD_DAILY_KPIS, "2025-12-01|default|2|2|0|0|0|2000|0|0\n");
}

/* A reopened ticket has no closed_at: it stays in the backlog all along, as if it had never been closed. */
static void test_backlog_of_closed_and_reopened(void **state)
{
	(void)state;
	static struct world w;
	w.n = 3;
	w.t[0] = plain("2025-12-01T12:00:00Z");
	w.t[0].status = "REOPENED";
	w.t[1] = plain("2025-12-01T12:00:00Z");
	w.t[1].closed = at("2025-12-03T04:00:00Z"); /* local 2 December */
	w.t[2] = plain("2025-12-02T12:00:00Z");
	w.t[2].closed = at("2025-12-02T13:00:00Z"); /* never open at the end of a day */
	check_table(&w, "2025-12-04T04:59:59Z", GOLD_KPI_BACKLOG_DAILY,
		"2025-12-01|P|Antioquia|2\n2025-12-02|P|Antioquia|1\n2025-12-03|P|Antioquia|1\n");
	check_table(&w, "2025-12-04T04:59:59Z", GOLD_KPI_SLA_DAILY, "2025-12-02|P|2|10000|0|0\n");
}

/* Silver has no such ticket; should one come, it is open on no day and no count goes below zero. */
static void test_closed_before_created(void **state)
{
	(void)state;
	static struct world w;
	w.n = 2;
	w.t[0] = plain("2025-12-03T12:00:00Z");
	w.t[0].closed = at("2025-12-01T12:00:00Z");
	w.t[1] = plain("2025-12-01T12:00:00Z");
	check_table(&w, "2025-12-04T04:59:59Z", GOLD_KPI_BACKLOG_DAILY,
		"2025-12-01|P|Antioquia|1\n2025-12-02|P|Antioquia|1\n2025-12-03|P|Antioquia|1\n");
}

static void test_overdue_days_round_once(void **state)
{
	(void)state;
	static struct world w;
	w.n = 2; /* 0.005 days late is 432 s: half of a hundredth, away from zero; one microsecond less is not */
	for (int i = 0; i < 2; i++) {
		w.t[i] = plain("2025-12-01T12:00:00Z");
		w.t[i].sla = "LATE";
		w.t[i].due = at("2025-12-02T12:00:00Z");
		w.t[i].answered = w.t[i].due + 432 * US_PER_SECOND - i;
		w.t[i].closed = at("2025-12-03T12:00:00Z"); /* the closing day counts, not its delay */
	}
	w.t[1].type = "Q";
	check_table(&w, "2025-12-04T04:59:59Z", GOLD_KPI_SLA_DAILY, "2025-12-03|P|1|0|1|1\n2025-12-03|Q|1|0|1|0\n");
	check_table(&w, "2025-12-04T04:59:59Z", GOLD_SLA_DAILY, "2025-12-03|LATE|2\n");
}

/* Closed without a term: counted and shown as such, neither in time nor late. Closed without an answer (by a state machine in which
 * closing does not stop the clock): late up to as_of. */
static void test_closed_without_term_or_answer(void **state)
{
	(void)state;
	static struct world w;
	w.n = 2;
	for (int i = 0; i < 2; i++) {
		w.t[i] = plain("2025-12-01T12:00:00Z");
		w.t[i].closed = at("2025-12-02T12:00:00Z");
	}
	w.t[0].radicated = w.t[0].due = NONE;
	w.t[0].sla = "NOT_STARTED";
	w.t[1].due = at("2025-12-02T04:59:59.999999Z");
	w.t[1].sla = "LATE";
	check_table(&w, "2025-12-04T04:59:59.999999Z", GOLD_SLA_DAILY, "2025-12-02|LATE|1\n2025-12-02|NOT_STARTED|1\n");
	check_table(&w, "2025-12-04T04:59:59.999999Z", GOLD_KPI_SLA_DAILY, "2025-12-02|P|2|5000|1|200\n");
}

static void test_no_tickets(void **state)
{
	(void)state;
	static struct world w;
	w.n = 0;
	for (int i = 0; i < GOLD_TABLES_N; i++) check_table(&w, "2025-12-04T04:59:59Z", (enum gold_table)i, "");
}

static void test_rounding(void **state)
{
	(void)state;
	static const struct {
		int64_t n, d, want;
	} cases[] = {
		{0, 1, 0},
		{1, 2, 1},
		{-1, 2, -1},
		{1, 3, 0},
		{2, 3, 1},
		{-2, 3, -1},
		{-1, 3, 0},
		{5, 2, 3},
		{-5, 2, -3},
		{4, 2, 2},
		{7, 4, 2},
		{INT64_MAX, INT64_MAX, 1},
		{INT64_MAX / 2, INT64_MAX, 0},
		{INT64_MAX / 2 + 1, INT64_MAX, 1},
		{-INT64_MAX, 1, -INT64_MAX},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CHECK_I64(gold_divide(cases[i].n, cases[i].d), cases[i].want);
		CHECK_I64(nearest(cases[i].n, cases[i].d), cases[i].want);
	}
	struct dice d = {99, 0};
	for (int i = 0; i < 20000; i++) {
		const int64_t n = (int64_t)roll(&d, 4001) - 2000, by = 1 + roll(&d, 60);
		CHECK_I64(gold_divide(n, by), nearest(n, by));
	}
}

static void test_percent_change(void **state)
{
	(void)state;
	static const struct {
		uint32_t n, base;
		int64_t want;
	} cases[] = {
		{5, 0, 0},
		{0, 0, 0},
		{0, 5, -10000},
		{5, 5, 0},
		{3, 2, 5000},
		{1, 3, -6667},
		{2, 3, -3333},
		{9, 8, 1250},
		{1, 32000, -9999 - 1},
		{201, 800, -7488},
		{100000, 1, 999990000},
		{100001, 1, 999999999},
		{UINT32_MAX, 1, 999999999},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		CHECK_I64(gold_percent_change(cases[i].n, cases[i].base), cases[i].want);
}

static void test_day_map_is_tz_date(void **state)
{
	(void)state;
	static const char *const zones[] = {
		"America/Bogota", "Europe/Madrid", "America/St_Johns", "Pacific/Apia", "UTC"};
	for (size_t z = 0; z < sizeof zones / sizeof zones[0]; z++) {
		struct err err;
		struct tz *tz = NULL;
		struct arena arena;
		struct day_map days;
		struct dice d = {z + 1, 0};
		arena_init(&arena, 0);
		CHECK_OK(&err, tz_load(zones[z], &tz, &err));
		CHECK_OK(&err, day_map_init(&days, tz, &arena, &err));
		for (int i = 0; i < 40000; i++) {
			/* 1951 to 2087: both ends of the map; half of them within two minutes of a UTC hour */
			int64_t us = ((int64_t)roll(&d, 50000) - 7000) * US_PER_DAY +
				     (int64_t)roll(&d, 86400) * US_PER_SECOND + roll(&d, 1000000);
			if (i % 2 == 0)
				us = us / (3600 * US_PER_SECOND) * (3600 * US_PER_SECOND) +
				     ((int64_t)roll(&d, 240) - 120) * US_PER_SECOND;
			CHECK_I64(day_map_date(&days, us), tz_date(tz, us));
		}
		tz_destroy(tz);
		arena_deinit(&arena);
	}
}

/* Null or unknown values where silver promises none are refused by name. */
static void test_bad_silver(void **state)
{
	(void)state;
	static const struct {
		const char *type, *sla;
		int64_t created, answered, due;
		const char *message;
	} cases[] = {
		{"X", "IN_TIME", 0, NONE, NONE, "silver type has a value that the contract does not know: X"},
		{NULL, "IN_TIME", 0, NONE, NONE, "silver type is null in row 0 of a batch"},
		{"P", "IN_TIME", NONE, NONE, NONE, "silver created_at is null in row 0 of a batch"},
		{"P", "LATE", 0, 5, NONE, "silver tickets: LATE, but answered_at is not after sla_due_at"},
		{"P", "LATE", 0, 5, 6, "silver tickets: LATE, but answered_at is not after sla_due_at"},
		{"P", "LATE", 0, 6, 6, NULL}, /* as silver has it or not, nothing here contradicts itself */
	};
	struct tz *tz = bogota();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (int dictionary = 0; dictionary < 2; dictionary++) {
			struct err err = {0};
			struct arena arena;
			struct day_map days;
			struct gold_facts f;
			struct columns cs = {0};
			struct ticket t = plain("2025-12-01T12:00:00Z");
			t.type = cases[i].type;
			t.sla = cases[i].sla;
			t.created = cases[i].created;
			t.answered = cases[i].answered;
			t.closed = 1;
			t.due = cases[i].due;
			arena_init(&arena, 0);
			CHECK_OK(&err, day_map_init(&days, tz, &arena, &err));
			const struct gold_source in = source_of(&cs, &t, 1, dictionary != 0);
			CHECK_OK(&err, gold_facts_init(&f, &arena, 1, &in, &err));
			f.as_of = 5;
			const status got = gold_facts_add(&f, &in, &days, &arena, &err);
			assert_string_equal(status_name(got), status_name(cases[i].message != NULL ? E_CORRUPT : OK));
			if (cases[i].message != NULL) assert_string_equal(err.message, cases[i].message);
			columns_deinit(&cs);
			gold_facts_deinit(&f);
			arena_deinit(&arena);
		}
	}
	tz_destroy(tz);
}

/* The checks on outgoing rows see what the kernels cannot produce. */
static void test_rows_check_keys_and_ranges(void **state)
{
	(void)state;
	struct err err;
	struct text_sink sink;
	struct gold_rows r;
	struct arena arena;
	struct column types;
	static const struct {
		int32_t day, type;
		int64_t pct;
	} rows[] = {{10, 0, 10000}, {10, 1, 10001}, {10, 1, -1}, {10, 0, 0}, {11, 0, 0}};
	arena_init(&arena, 0);
	text_sink_init(&sink, 10);
	CHECK_OK(&err, gold_names_column(gold_type_names, GOLD_TYPES, &arena, &types, &err));
	const struct column *const names[SLA_N_COLUMNS] = {[SLA_PQRS_TYPE] = &types};
	gold_rows_init(&r, GOLD_KPI_SLA_DAILY, names, &sink.base);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		CHECK_OK(&err, gold_rows_day(&r, rows[i].day, 1, &err));
		gold_set_i32(&r, SLA_DAY, rows[i].day);
		gold_set_i32(&r, SLA_PQRS_TYPE, rows[i].type);
		gold_set_i64(&r, SLA_CLOSED_COUNT, 2);
		gold_set_i64(&r, SLA_WITHIN_SLA_PCT, rows[i].pct);
		gold_set_i64(&r, SLA_OVERDUE_COUNT, 0);
		gold_set_i64(&r, SLA_AVG_OVERDUE_DAYS, 0);
		r.n++;
	}
	CHECK_OK(&err, gold_rows_finish(&r, &err));
	const struct gold_totals *t = &sink.base.totals[GOLD_KPI_SLA_DAILY];
	CHECK_I64(t->rows, 5);
	CHECK_I64(t->sum, 10);
	CHECK_I64(t->sum_last, 8);
	CHECK_I64(t->keys_repeated, 1);
	CHECK_I64(t->keys_unordered, 1);
	CHECK_I64(t->out_of_range, 2);
	CHECK_I64(sink.batches[GOLD_KPI_SLA_DAILY], 1);
	gold_rows_deinit(&r);
	text_sink_deinit(&sink);
	arena_deinit(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rounding),
		cmocka_unit_test(test_percent_change),
		cmocka_unit_test(test_day_map_is_tz_date),
		cmocka_unit_test(test_days_are_local),
		cmocka_unit_test(test_series_averages_the_days_there_are),
		cmocka_unit_test(test_tickets_after_as_of),
		cmocka_unit_test(test_ticket_without_geography),
		cmocka_unit_test(test_backlog_of_closed_and_reopened),
		cmocka_unit_test(test_closed_before_created),
		cmocka_unit_test(test_closed_without_term_or_answer),
		cmocka_unit_test(test_overdue_days_round_once),
		cmocka_unit_test(test_no_tickets),
		cmocka_unit_test(test_bad_silver),
		cmocka_unit_test(test_rows_check_keys_and_ranges),
		cmocka_unit_test(test_random_tickets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
