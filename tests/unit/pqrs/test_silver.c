#include "workloads/pqrs/silver/silver.h"

#include "workloads/pqrs/silver/sla.h"
#include "silver_events.h"

static char *ticket_id(int n)
{
	static char id[37];
	ev_ticket_id(n, id);
	return id;
}

/* A small history by hand: what each table must hold, to the letter. Times are UTC. */
static void test_by_hand(void **state)
{
	(void)state;
	struct lake l;
	struct err err;
	lake_open(&l, "2025-10-31T23:59:59.999999-05:00");
	const struct ev events[] = {
		{1, 1, EVENT_TICKET_CREATED, at("2025-10-01T03:00:00Z"), "R", "5001", "Reclamo por cobro, $10.000",
			"raw/a", 1}, /* 30 Sep in Bogotá */
		{1, 2, EVENT_MESSAGE_ADDED, at("2025-10-01T04:00:00Z"), "citizen", NULL, "Señor", "raw/a", 2},
		{1, 3, EVENT_STATUS_CHANGED, at("2025-10-01T14:00:00Z"), "RECEIVED", "RADICATED", NULL, "raw/a", 3},
		{1, 4, EVENT_MESSAGE_ADDED, at("2025-10-01T15:00:00Z"), "agent", "m-4", "ok", "raw/a", 4},
		{1, 5, EVENT_STATUS_CHANGED, at("2025-10-02T14:00:00Z"), "RADICATED", "CLOSED", NULL, "raw/b",
			1}, /* refused */
		{1, 6, EVENT_STATUS_CHANGED, at("2025-10-02T14:00:01Z"), "RADICATED", "CLASSIFIED", NULL, "raw/b", 2},
		{1, 7, EVENT_ATTACHMENT_ADDED, at("2025-10-03T14:00:00Z"), "pdf", "a.pdf", NULL, "raw/c", 1},
		{1, 3, EVENT_STATUS_CHANGED, at("2025-10-01T14:00:00Z"), "RECEIVED", "RADICATED", NULL, "raw/0",
			9}, /* the same in an earlier object */
		{1, 4, EVENT_MESSAGE_ADDED, at("2025-10-01T15:00:00Z"), "agent", "m-4", "other", "raw/z",
			1}, /* another content */
		{1, 7, EVENT_ATTACHMENT_ADDED, at("2025-10-04T14:00:00Z"), "pdf", "a.pdf", NULL, "raw/d",
			1}, /* another time */
		{1, 8, EVENT_TICKET_CREATED, at("2025-10-05T14:00:00Z"), "P", NULL, "otra vez", "raw/e", 1},
		{2, 20, EVENT_MESSAGE_ADDED, at("2025-10-05T10:00:00Z"), "citizen", NULL, "antes", "raw/e",
			2}, /* before its creation */
		{2, 21, EVENT_TICKET_CREATED, at("2025-10-06T14:00:00Z"), NULL, "99999", "queja", "raw/f", 1},
		{3, 30, EVENT_STATUS_CHANGED, at("2025-10-06T15:00:00Z"), "RECEIVED", "NOWHERE", NULL, "raw/f",
			2}, /* no ticket */
	};
	const size_t n = sizeof events / sizeof events[0];
	lake_load(&l, events, n, 3, 0);
	CHECK_OK(&err, lake_silver(&l, 1, &err));

	char **lines, want[512];
	CHECK_I64(lake_table(&l, &pqrs_silver_tickets, &lines), 2);
	(void)snprintf(want, sizeof want,
		"2025-09|%s|PQRS-1|email|R|media|2025-10-01T03:00:00.000000Z|2025-10-01T14:00:00.000000Z|"
		"2025-10-01T15:00:00.000000Z|-|-|-|-|CLASSIFIED|Antioquia|Medellín|05001|8|2025-10-15T04:59:59.999999Z|"
		"%"
		"lld|0|LATE|OVERDUE|0|2|1|-|"
		"2025-10-03T14:00:00.000000Z",
		ticket_id(1), (long long)((at("2025-11-01T04:59:59.999999Z") - at("2025-10-01T14:00:00Z")) / 1000000));
	assert_string_equal(lines[0], want);
	(void)snprintf(want, sizeof want,
		"2025-10|%s|PQRS-1|email|Q|alta|2025-10-06T14:00:00.000000Z|-|-|-|-|-|-|RECEIVED|Region|Ciudad|99999|"
		"10|-"
		"|0|0|"
		"NOT_STARTED|HEALTHY|0|0|0|-|2025-10-06T14:00:00.000000Z",
		ticket_id(2));
	assert_string_equal(lines[1], want);

	CHECK_I64(lake_table(&l, &pqrs_silver_messages, &lines), 2);
	char event[37];
	ev_event_id(2, event);
	(void)snprintf(
		want, sizeof want, "2025-09|%s|%s|2025-10-01T04:00:00.000000Z|citizen|Señor|5", event, ticket_id(1));
	assert_string_equal(lines[0], want);
	assert_string_equal(strstr(lines[1], "|2025-10-01T15"), "|2025-10-01T15:00:00.000000Z|agent|ok|2");
	assert_int_equal(strncmp(lines[1], "2025-10|m-4|", 12), 0);

	CHECK_I64(lake_table(&l, &pqrs_silver_status_events, &lines), 2);
	CHECK_I64(lake_table(&l, &pqrs_silver_attachments, &lines), 1);
	assert_non_null(strstr(lines[0], "|2025-10-03T14:00:00.000000Z|pdf|12|a.pdf|-"));
	const char *p = lake_find(&l, &pqrs_silver_preclassification, ticket_id(1));
	assert_non_null(strstr(p, "|rules|rules-v1|R|media|10000|"));
	assert_non_null(strstr(p, "{\"amounts\":[\"$10.000\"]}"));

	CHECK_I64(lake_table(&l, &pqrs_silver_quarantine, &lines), 6);
	assert_non_null(
		strstr(lake_find(&l, &pqrs_silver_quarantine, "|raw/b|1"), "|invalid_transition|RADICATED|CLOSED|"));
	assert_non_null(strstr(lake_find(&l, &pqrs_silver_quarantine, "|raw/z|1"),
		"|MESSAGE_ADDED|2025-10-01T15:00:00.000000Z|conflicting_duplicate|-|-|"));
	assert_non_null(strstr(lake_find(&l, &pqrs_silver_quarantine, "|raw/d|1"), "|conflicting_duplicate|"));
	assert_non_null(strstr(lake_find(&l, &pqrs_silver_quarantine, "|raw/e|1"), "|duplicate_creation|"));
	assert_non_null(strstr(lake_find(&l, &pqrs_silver_quarantine, "|raw/e|2"), "|out_of_order|"));
	assert_non_null(strstr(lake_find(&l, &pqrs_silver_quarantine, "|raw/f|2"), "|orphan|RECEIVED|NOWHERE|"));
	CHECK_I64(lake_counter(&l, "duplicates"), 1);
	CHECK_I64(lake_counter(&l, "quarantined"), 6);
	CHECK_I64(lake_counter(&l, "rows_in"), (int64_t)n);
	CHECK_I64(lake_counter(&l, "event_id_shared"), 0);
	CHECK_I64(lake_counter(&l, "transitions_invalid"), 1);
	lake_close(&l);
}

/* One ticket by three clocks: changes told before the creation, one of them on the day before; what is told too early is not its.
 * Whatever the order of the files. */
static void test_clocks(void **state)
{
	(void)state;
	const struct ev events[] = {
		{1, 1, EVENT_TICKET_CREATED, at("2025-10-02T01:00:00Z"), "P", "05001", "x", "raw/a", 1},
		{1, 9, EVENT_STATUS_CHANGED, at("2025-10-01T23:00:00Z"), "RECEIVED", "RADICATED", NULL, "raw/b", 1},
		{1, 8, EVENT_MESSAGE_ADDED, at("2025-10-01T01:00:00Z"), "agent", NULL, "a day before", "raw/b", 2},
		{1, 7, EVENT_MESSAGE_ADDED, at("2025-10-01T00:59:59.999999Z"), "agent", NULL, "more", "raw/b", 3},
		{1, 6, EVENT_STATUS_CHANGED, at("2025-10-02T00:30:00Z"), "RADICATED", "CLASSIFIED", NULL, "raw/b", 4},
		{1, 4, EVENT_STATUS_CHANGED, at("2025-10-02T00:30:00Z"), "CLASSIFIED", "ASSIGNED", NULL, "raw/b", 5},
		{1, 5, EVENT_ATTACHMENT_ADDED, at("2025-10-02T02:00:00Z"), "pdf", "a.pdf", NULL, "raw/b", 6},
		{2, 20, EVENT_STATUS_CHANGED, at("2025-10-01T23:00:00Z"), "RECEIVED", "RADICATED", NULL, "raw/b", 7},
	};
	const size_t n = sizeof events / sizeof events[0];
	for (unsigned sources = 1; sources <= 4; sources++) {
		struct lake l;
		struct err err;
		char **lines;
		lake_open(&l, "2025-10-31T23:59:59.999999-05:00");
		lake_load(&l, events, n, sources, 3 * sources);
		CHECK_OK(&err, lake_silver(&l, 1, &err));
		const char *ticket = lake_find(&l, &pqrs_silver_tickets, ticket_id(1));
		assert_non_null(strstr(ticket,
			"|2025-10-02T01:00:00.000000Z|2025-10-01T23:00:00.000000Z|2025-10-01T01:00:00.000000Z|-|-|-|-|"
			"ASSIGNED|"));
		assert_non_null(strstr(ticket, "|0|1|1|-|2025-10-02T02:00:00.000000Z"));
		CHECK_I64(lake_table(&l, &pqrs_silver_status_events, &lines), 3);
		CHECK_I64(lake_table(&l, &pqrs_silver_messages, &lines), 1);
		assert_non_null(strstr(lines[0], "|a day before|12"));
		CHECK_I64(lake_table(&l, &pqrs_silver_quarantine, &lines), 2);
		assert_non_null(strstr(lake_find(&l, &pqrs_silver_quarantine, "|raw/b|3"), "|out_of_order|"));
		assert_non_null(strstr(lake_find(&l, &pqrs_silver_quarantine, "|raw/b|7"), "|orphan|"));
		CHECK_I64(lake_counter(&l, "clock_skew"), 4);
		CHECK_I64(lake_counter(&l, "rows_in"), (int64_t)n);
		lake_close(&l);
	}
}

static void test_dimensions(void **state)
{
	(void)state;
	struct lake l;
	struct err err;
	char **lines;
	lake_open(&l, "2025-10-31T23:59:59.999999-05:00");
	CHECK_OK(&err, lake_silver(&l, 0, &err));
	static const struct {
		const struct table_schema *schema;
		size_t rows;
		const char *row;
	} cases[] = {
		{&pqrs_silver_dim_status, 10, "|IN_PROGRESS|En Gestión|0|RUN|5"},
		{&pqrs_silver_dim_status_transition, 11, "|CLOSED|REOPENED"},
		{&pqrs_silver_dim_channel, 5, "|other_digital|Otro canal digital|5"},
		{&pqrs_silver_dim_pqrs_type, 4, "|S|Sugerencia|20|4"},
		{&pqrs_silver_dim_priority, 3, "|alta|Alta|3|1"},
		{&pqrs_silver_dim_role, 4, "|citizen|Ciudadano|1"},
		{&pqrs_silver_dim_geo, 3, "|05001|Medellín|05|Antioquia|6257590|-75611031"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CHECK_I64(lake_table(&l, cases[i].schema, &lines), (int64_t)cases[i].rows);
		assert_string_equal(lake_find(&l, cases[i].schema, cases[i].row), cases[i].row);
	}
	assert_string_equal(lake_find(&l, &pqrs_silver_dim_status, "CLOSED"), "|CLOSED|Cerrado|1|STOP|8");
	assert_string_equal(lake_find(&l, &pqrs_silver_dim_geo, "76001"), "|76001|Cali|76|Valle del Cauca|-|-");
	lake_close(&l);
}

/* ---- any order, any cut ---------------------------------------------------------------------------------- */

static int by_told(const void *a, const void *b) /* (ticket, ts, object, line) */
{
	const struct ev *x = *(const struct ev *const *)a, *y = *(const struct ev *const *)b;
	if (x->ticket != y->ticket) return x->ticket < y->ticket ? -1 : 1;
	if (x->ts != y->ts) return x->ts < y->ts ? -1 : 1;
	const int c = strcmp(x->object, y->object);
	return c != 0 ? c : (x->line > y->line) - (x->line < y->line);
}

struct placed { /* an event and the instant at which it is folded */
	const struct ev *e;
	int64_t ts;
};

static int by_fold(const void *a, const void *b) /* (ticket, instant, creation first, event_id) */
{
	const struct placed *p = a, *q = b;
	const struct ev *x = p->e, *y = q->e;
	if (x->ticket != y->ticket) return x->ticket < y->ticket ? -1 : 1;
	if (p->ts != q->ts) return p->ts < q->ts ? -1 : 1;
	if ((x->type == EVENT_TICKET_CREATED) != (y->type == EVENT_TICKET_CREATED))
		return x->type == EVENT_TICKET_CREATED ? -1 : 1;
	char ix[37], iy[37];
	ev_event_id(x->event, ix);
	ev_event_id(y->event, iy);
	return strcmp(ix, iy);
}

static bool same_str(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static unsigned state_code(const struct pqrs_config *cfg, const char *name)
{
	for (unsigned i = 0; i < STATE_N; i++) {
		if (strcmp(cfg->states[i].name, name) == 0) return i;
	}
	return 255;
}

/* Can all changes that are left (bits) and allowed be taken, one after the other, from `at`? By trying. */
static bool all_follow(const struct pqrs_config *cfg, const struct placed *p, uint32_t left, unsigned at)
{
	bool any = false;
	for (unsigned i = 0; i < 32; i++) {
		if ((left >> i & 1) == 0) continue;
		const unsigned from = state_code(cfg, p[i].e->a), to = state_code(cfg, p[i].e->b);
		if (from >= STATE_N || to >= STATE_N || !cfg->transitions[from][to]) continue;
		any = true;
		if (from == at && all_follow(cfg, p, left & ~(UINT32_C(1) << i), to)) return true;
	}
	return !any;
}

static bool leads_on(const struct pqrs_config *cfg, const struct placed *p, uint32_t left, unsigned at)
{
	for (unsigned i = 0; i < 32; i++) {
		if ((left >> i & 1) != 0 && state_code(cfg, p[i].e->a) == at) return true;
	}
	return false;
}

/* The next of the changes left that goes on from `at`, or 32. */
static unsigned next_change(const struct pqrs_config *cfg, const struct placed *p, uint32_t left, unsigned at)
{
	unsigned best = 32;
	int best_rank = -1;
	for (unsigned i = 0; i < 32; i++) {
		if ((left >> i & 1) == 0) continue;
		const unsigned from = state_code(cfg, p[i].e->a), to = state_code(cfg, p[i].e->b);
		if (from != at || to >= STATE_N || !cfg->transitions[from][to]) continue;
		const uint32_t rest = left & ~(UINT32_C(1) << i);
		const int rank = all_follow(cfg, p, rest, to) ? 2 : leads_on(cfg, p, rest, to) ? 1 : 0;
		if (rank > best_rank) best = i, best_rank = rank;
	}
	return best;
}

/* p[n], one ticket's events in fold order: changes of one instant in the order that the state machine gives them. */
static void order_instants(const struct pqrs_config *cfg, struct placed *p, size_t n)
{
	unsigned at = 0;
	for (size_t i = 0, end; i < n; i = end) {
		struct placed other[32];
		size_t n_other = 0;
		uint32_t left = 0;
		for (end = i; end < n && p[end].ts == p[i].ts; end++) {}
		assert_true(end - i <= 32);
		for (size_t k = i; k < end; k++) {
			if (p[k].e->type == EVENT_STATUS_CHANGED)
				left |= UINT32_C(1) << (k - i);
			else
				other[n_other++] = p[k];
		}
		for (unsigned k; (k = next_change(cfg, p + i, left, at)) < 32;) {
			at = state_code(cfg, p[i + k].e->b);
			left &= ~(UINT32_C(1) << k);
			other[n_other++] = p[i + k];
		}
		for (unsigned k = 0; k < 32; k++) {
			if ((left >> k & 1) != 0) other[n_other++] = p[i + k];
		}
		memcpy(p + i, other, n_other * sizeof *other);
	}
}

/* Events of one ticket: its first creation comes before what is told up to a day before it. */
static void place_events(const struct pqrs_config *cfg, const struct ev **e, struct placed *p, size_t n)
{
	size_t creation = n, first = n;
	for (size_t i = 0; i < n; i++) p[i] = (struct placed){e[i], e[i]->ts};
	qsort(p, n, sizeof *p, by_fold);
	for (size_t i = n; i-- > 0;) {
		if (p[i].e->type == EVENT_TICKET_CREATED) creation = i;
	}
	if (creation < n) p[creation].ts -= cfg->clock_skew_max;
	qsort(p, n, sizeof *p, by_fold);
	for (size_t i = n; i-- > 0;) {
		if (p[i].e->type == EVENT_TICKET_CREATED) first = i;
	}
	if (first < n) order_instants(cfg, p + first, n - first); /* what comes before is refused */
}

struct oracle {
	int64_t duplicates, reasons[REASON_N], accepted[EVENT_N];
};

/* The contract read literally: all events of a ticket at once. */
static struct oracle fold_all(const struct pqrs_config *cfg, const struct ev *events, size_t n)
{
	static const struct ev *p[LAKE_EVENTS_MAX];
	static struct placed placed[LAKE_EVENTS_MAX];
	struct oracle o = {0};
	size_t left = 0;
	for (size_t i = 0; i < n; i++) p[i] = &events[i];
	qsort(p, n, sizeof *p, by_told);
	for (size_t i = 0; i < n; i++) {
		const struct ev *before = NULL;
		for (size_t k = left; k-- > 0 && p[k]->ticket == p[i]->ticket;) {
			if (p[k]->event == p[i]->event) before = p[k];
		}
		const struct ev *e = p[i];
		if (before == NULL) {
			p[left++] = e;
			continue;
		}
		const bool same = before->ts == e->ts && before->type == e->type && same_str(before->a, e->a) &&
				  same_str(before->b, e->b) && same_str(before->text, e->text);
		if (same)
			o.duplicates++;
		else
			o.reasons[REASON_CONFLICTING_DUPLICATE]++;
	}
	for (size_t i = 0, end; i < left; i = end) {
		for (end = i; end < left && p[end]->ticket == p[i]->ticket; end++) {}
		place_events(cfg, p + i, placed + i, end - i);
	}
	for (size_t i = 0, end; i < left; i = end) {
		struct ticket_state t = {0};
		int64_t orphans = 0;
		for (end = i; end < left && placed[end].e->ticket == placed[i].e->ticket; end++) {
			const struct ev *e = placed[end].e;
			enum pqrs_reason r = REASON_NONE;
			switch (e->type) {
			case EVENT_TICKET_CREATED: r = state_created(&t, e->ts, cfg->clock_skew_max); break;
			case EVENT_STATUS_CHANGED:
				r = state_changed(&t, cfg, e->ts, state_code(cfg, e->a), state_code(cfg, e->b));
				break;
			case EVENT_MESSAGE_ADDED: r = state_message(&t, e->ts, strcmp(e->a, "agent") == 0); break;
			default: r = state_attachment(&t, e->ts); break;
			}
			if (r == REASON_ORPHAN)
				orphans++;
			else if (r != REASON_NONE)
				o.reasons[r]++;
			else
				o.accepted[e->type]++;
		}
		o.reasons[t.created ? REASON_OUT_OF_ORDER : REASON_ORPHAN] += orphans;
	}
	return o;
}

static void compare_with_oracle(const struct lake *l, const struct oracle *o)
{
	CHECK_I64(lake_counter(l, "duplicates"), o->duplicates);
	for (int r = 1; r < REASON_N; r++) {
		char name[64];
		(void)snprintf(name, sizeof name, "quarantine:%s", pqrs_reason_names[r]);
		if (lake_counter(l, name) != o->reasons[r])
			fail_msg("%s: %lld, expected %lld", name, (long long)lake_counter(l, name),
				(long long)o->reasons[r]);
	}
	for (int e = 0; e < EVENT_N; e++) {
		char name[64];
		(void)snprintf(name, sizeof name, "events:%s", pqrs_event_type_names[e]);
		CHECK_I64(lake_counter(l, name), o->accepted[e]);
	}
}

static void test_any_cut(void **state)
{
	(void)state;
	static const struct table_schema *const schemas[] = {&pqrs_silver_tickets, &pqrs_silver_messages,
		&pqrs_silver_status_events, &pqrs_silver_attachments, &pqrs_silver_preclassification,
		&pqrs_silver_quarantine};
	static const struct {
		int tasks;
		unsigned sources, deal;
	} cuts[] = {{1, 1, 0}, {2, 1, 0}, {7, 3, 0}, {1, 3, 5}, {64, 2, 9}, {256, 4, 1}};
	static struct ev events[LAKE_EVENTS_MAX];
	draw_state = 42;
	const size_t n = make_events(events, 400);
	assert_true(n < LAKE_EVENTS_MAX && n > 2000);
	char **want[6];
	size_t n_want[6];
	struct lake first;
	for (size_t c = 0; c < sizeof cuts / sizeof cuts[0]; c++) {
		struct lake other, *l = c == 0 ? &first : &other;
		struct err err;
		lake_open(l, "2025-10-31T23:59:59.999999-05:00");
		lake_load(l, events, n, cuts[c].sources, cuts[c].deal);
		CHECK_OK(&err, lake_silver(l, cuts[c].tasks, &err));
		const struct oracle o = fold_all(&l->cfg, events, n);
		assert_true(o.duplicates > 20 && o.reasons[REASON_ORPHAN] > 20 && o.reasons[REASON_OUT_OF_ORDER] > 10 &&
			    o.reasons[REASON_INVALID_TRANSITION] > 20 && o.reasons[REASON_CONFLICTING_DUPLICATE] > 20 &&
			    o.reasons[REASON_DUPLICATE_CREATION] > 10);
		compare_with_oracle(l, &o);
		int64_t rows = o.duplicates;
		for (size_t t = 0; t < 6; t++) {
			char **lines;
			const size_t got = lake_table(l, schemas[t], &lines);
			if (t != 4) rows += (int64_t)got;
			if (c == 0) {
				want[t] = lines;
				n_want[t] = got;
				continue;
			}
			CHECK_I64(got, n_want[t]);
			for (size_t i = 0; i < got; i++) assert_string_equal(lines[i], want[t][i]);
		}
		CHECK_I64(rows, (int64_t)n);
		if (c > 0) lake_close(l);
	}
	lake_close(&first);
}

/* The same tasks over the same files give the same bytes, whatever the order of the list. */
static void test_same_bytes(void **state)
{
	(void)state;
	static struct ev events[LAKE_EVENTS_MAX];
	struct lake l;
	struct err err;
	draw_state = 7;
	const size_t n = make_events(events, 200);
	lake_open(&l, "2025-10-31T23:59:59.999999-05:00");
	lake_load(&l, events, n, 3, 0);
	CHECK_OK(&err, lake_silver(&l, 3, &err));
	const struct task_result one = l.result;
	for (size_t i = 0; i < l.bronze.n / 2; i++) {
		const struct file_ref swap = l.bronze.items[i];
		l.bronze.items[i] = l.bronze.items[l.bronze.n - 1 - i];
		l.bronze.items[l.bronze.n - 1 - i] = swap;
	}
	CHECK_OK(&err, lake_silver(&l, 3, &err));
	CHECK_I64(l.result.outputs.n, one.outputs.n);
	for (size_t i = 0; i < one.outputs.n; i++)
		assert_string_equal(l.result.outputs.items[i].path, one.outputs.items[i].path);
	lake_close(&l);
}

/* ---- refusals -------------------------------------------------------------------------------------------- */

static void test_refusals(void **state)
{
	(void)state;
	struct lake l;
	struct err err;
	const struct ev events[] = {
		{1, 1, EVENT_TICKET_CREATED, at("2025-10-01T03:00:00Z"), "R", NULL, "x", "raw/a", 1}};
	lake_open(&l, "2025-10-31T23:59:59.999999-05:00");
	lake_load(&l, events, 1, 1, 0);
	CHECK_OK(&err, lake_silver(&l, 1, &err));
	l.bronze.items[0].xxh128[3] ^= 1; /* the file is not what the list says */
	CHECK_FAILS(E_VERIFY, lake_silver(&l, 1, &err));
	assert_string_equal(err.where, l.bronze.items[0].path);
	l.bronze.items[0].xxh128[3] ^= 1;
	l.bronze.items[0].rows = 2;
	CHECK_FAILS(E_VERIFY, lake_silver(&l, 1, &err));
	l.bronze.items[0].rows = 1;
	/* The month is what the file's values tell; its folders tell nothing. */
	const struct file_ref told = l.bronze.items[0];
	l.bronze.items[0].partition.n = 0;
	CHECK_FAILS(E_CORRUPT, lake_silver(&l, 1, &err));
	assert_string_equal(err.where, told.path);
	const struct delta_pair wrong[] = {{STR("month"), STR("2025-13")}};
	l.bronze.items[0].partition = (struct delta_pairs){wrong, 1};
	CHECK_FAILS(E_CORRUPT, lake_silver(&l, 1, &err));
	l.bronze.items[0] = told;
	l.bronze.items[0].path = "elsewhere/aB/0001.parquet";
	CHECK_FAILS(E_NOT_FOUND, lake_silver(&l, 1, &err));
	struct buf bytes;
	buf_init(&bytes, 0);
	CHECK_OK(&err, store_get(l.store, told.path, &bytes, &err));
	CHECK_OK(&err, store_put(l.store, "elsewhere/aB/0001.parquet", bytes.p, bytes.n, &err));
	buf_deinit(&bytes);
	CHECK_OK(&err, lake_silver(&l, 1, &err));
	CHECK_I64(l.result.outputs.items[0].rows, 1);
	l.bronze.items[0] = told;
	CHECK_OK(&err, lake_silver(&l, 1, &err));
	lake_close(&l);
}

/* A changed byte is told as such wherever it stands, also where the file can't be opened for it. */
static void test_verify(void **state)
{
	(void)state;
	struct lake l;
	struct err err;
	const struct ev events[] = {
		{1, 1, EVENT_TICKET_CREATED, at("2025-10-01T03:00:00Z"), "R", NULL, "x", "raw/a", 1},
		{1, 2, EVENT_MESSAGE_ADDED, at("2025-10-01T04:00:00Z"), "citizen", NULL, "y", "raw/a", 2},
	};
	lake_open(&l, "2025-10-31T23:59:59.999999-05:00");
	lake_load(&l, events, 2, 1, 0);
	const char *path = l.bronze.items[0].path;
	struct buf file;
	buf_init(&file, 1 << 20);
	CHECK_OK(&err, store_get(l.store, path, &file, &err));
	const size_t places[] = {0, 40, file.n / 2, file.n - 40, file.n - 8, file.n - 1};
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		file.p[places[i]] ^= 0x40;
		CHECK_OK(&err, store_put(l.store, path, file.p, file.n, &err));
		CHECK_FAILS(E_VERIFY, lake_silver(&l, 1, &err));
		assert_string_equal(err.where, path);
		file.p[places[i]] ^= 0x40;
	}
	CHECK_OK(&err, store_put(l.store, path, file.p, file.n, &err));
	CHECK_OK(&err, lake_silver(&l, 1, &err));
	buf_deinit(&file);
	lake_close(&l);
}

/* Two tickets that share an event id both stand, and the check says so. */
static void test_checks(void **state)
{
	(void)state;
	struct lake l;
	struct err err;
	const struct ev events[] = {
		{1, 1, EVENT_TICKET_CREATED, at("2025-10-01T03:00:00Z"), "R", NULL, "x", "raw/a", 1},
		{2, 1, EVENT_TICKET_CREATED, at("2025-10-01T03:00:00Z"), "R", NULL, "x", "raw/a", 2},
		{2, 2, EVENT_STATUS_CHANGED, at("2025-10-01T04:00:00Z"), "RADICATED", "CLASSIFIED", NULL, "raw/a", 3},
	};
	for (size_t n = 1; n <= 3; n++) {
		lake_open(&l, "2025-10-31T23:59:59.999999-05:00");
		lake_load(&l, events, n, 1, 0);
		CHECK_OK(&err, lake_silver(&l, 1, &err));
		struct quality_list q = {.arena = &l.arena};
		struct file_list files[2] = {l.bronze, l.result.outputs};
		const struct counter_list counters[2] = {{.arena = &l.arena}, l.result.counters};
		struct stage_view view = {.run = &l.run,
			.config = &l.cfg,
			.n_stages = 2,
			.files = files,
			.counters = counters,
			.standing = &(struct file_list){0},
			.lake = l.store};
		CHECK_OK(&err, pqrs_silver_check(&view, &q, &err));
		for (size_t i = 0; i < q.n; i++) {
			bool bad = false;
			if (strcmp(q.items[i].check_name, "event_id_unique") == 0) bad = n >= 2;
			if (strcmp(q.items[i].check_name, "transitions_valid") == 0) bad = n >= 3;
			if (strcmp(q.items[i].check_name, "first_state_received") == 0) bad = n >= 3;
			/* What one line says stops no run. */
			const enum quality_result want = bad ? QUALITY_WARN : QUALITY_PASS;
			if (q.items[i].result != want)
				fail_msg("%zu events, %s: %d (%s)", n, q.items[i].check_name, (int)q.items[i].result,
					q.items[i].value);
		}
		assert_true(q.n >= 7);
		files[1].items++, files[1].n--; /* a part that is gone */
		q.n = 0;
		CHECK_OK(&err, pqrs_silver_check(&view, &q, &err));
		size_t failed = 0;
		for (size_t i = 0; i < q.n; i++)
			failed += strcmp(q.items[i].check_name, "rows_stand_once") == 0 &&
				  q.items[i].result == QUALITY_FAIL;
		CHECK_I64(failed, 1);
		lake_close(&l);
	}
}

static void test_plan(void **state)
{
	(void)state;
	static const struct {
		int64_t rows;
		size_t tasks;
	} cases[] = {
		{0, 0}, {1, 1}, {1200000, 1}, {1200001, 2}, {2269544, 2}, {22695440, 19}, {INT64_C(1000000000), 256}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct arena arena;
		struct err err;
		arena_init(&arena, 0);
		struct file_list files[2] = {{.arena = &arena}, {.arena = &arena}};
		assert_true(file_list_add(
			&files[0], &(struct file_ref){.table = "raw.pqrs", .path = "raw/x", .rows = 123456}));
		assert_true(file_list_add(&files[1],
			&(struct file_ref){.table = "bronze.pqrs_events", .path = "bronze/y", .rows = cases[i].rows}));
		const struct stage_view view = {.n_stages = 2, .files = files};
		struct task_list tasks = {.arena = &arena};
		CHECK_OK(&err, pqrs_silver_plan(&view, NULL, &tasks, &err));
		CHECK_I64(tasks.n, cases[i].tasks + 1);
		int64_t next = 0;
		for (size_t k = 0; k < cases[i].tasks; k++) {
			CHECK_I64(tasks.items[k].lo, next);
			assert_true(tasks.items[k].hi > next);
			next = tasks.items[k].hi;
			CHECK_I64(tasks.items[k].inputs.n, 1);
			assert_string_equal(tasks.items[k].inputs.items[0].path, "bronze/y");
		}
		if (cases[i].tasks > 0) CHECK_I64(next, PQRS_BUCKETS);
		assert_string_equal(tasks.items[cases[i].tasks].part, "dimensions");
		arena_deinit(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_clocks),
		cmocka_unit_test(test_dimensions),
		cmocka_unit_test(test_any_cut),
		cmocka_unit_test(test_same_bytes),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_verify),
		cmocka_unit_test(test_checks),
		cmocka_unit_test(test_plan),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
