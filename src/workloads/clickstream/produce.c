/* workloads/clickstream/produce.c: see produce.h.
 *
 *   day, number -> draws (base/rng.h: key = seed, counter = day, number, purpose) -> event -> line -> one object a day
 *
 * 1. Numbers rise with time: each event has a slot of the day of its own, so that lines are made in order and none is sorted.
 * 2. A fifth of the users, another each day, is active and makes four fifths of the events.
 */
#include "workloads/clickstream/produce.h"

#include "base/rng.h"
#include "base/thread.h"
#include "flow/made_days.h"
#include "flow/partition.h"

enum {
	TASK_BYTES = 64 << 20,
	LINE_BYTES = 176, /* on average */
	ACTIVE_ONE_IN = 5,
	DRAW_WHO = 1,
	DRAW_WHAT = 2,
	DRAW_ID = 3,
	PERCENT = 100,
	ACTIVE_PERCENT = 80,
	WEB_PERCENT = 60,
	PRODUCTS = 20,
	PROGRESS_LINES = 8192,
};

int64_t clickstream_events_of_day(const struct clickstream_config *c)
{
	return c->rate * 86400 / 1000000;
}

/* ---- one event ---------------------------------------------------------------------------------------------------------- */

/* Users 1..n of whom those with (user + day) a multiple of ACTIVE_ONE_IN are active. */
static int64_t pick_user(int32_t day, int64_t n, uint32_t share, uint32_t which)
{
	const int64_t first = ACTIVE_ONE_IN - day % ACTIVE_ONE_IN;
	const int64_t active = n >= first ? (n - first) / ACTIVE_ONE_IN + 1 : 0, others = n - active;
	const bool is_active = others == 0 || (active > 0 && rng_below(share, PERCENT) < ACTIVE_PERCENT);
	const int64_t k = rng_below(which, (uint32_t)(is_active ? active : others));
	if (is_active) return first + k * ACTIVE_ONE_IN;
	if (k < first - 1) return k + 1;
	const int64_t after = k - (first - 1);
	return first + 1 + after + after / (ACTIVE_ONE_IN - 1);
}

static enum clickstream_type pick_type(uint32_t draw)
{
	static const uint32_t until[CLICK_TYPES] = {
		[CLICK_CLICK] = 70, [CLICK_LOGIN] = 85, [CLICK_PURCHASE] = 93, [CLICK_LOGOUT] = PERCENT};
	static const enum clickstream_type order[CLICK_TYPES] = {
		CLICK_CLICK, CLICK_LOGIN, CLICK_PURCHASE, CLICK_LOGOUT};
	const uint32_t x = rng_below(draw, PERCENT);
	int i = 0;
	while (x >= until[order[i]]) i++;
	return order[i];
}

static char *add(char *p, const char *text, size_t n)
{
	memcpy(p, text, n);
	return p + n;
}
#define ADD(p, literal) add((p), (literal), sizeof(literal) - 1)
static char *add_text(char *p, const char *text)
{
	return add(p, text, strlen(text));
}

static void pick_page(enum clickstream_type type, uint32_t draw, char dst[24])
{
	static const char *const pages[] = {"/", "/search", "/cart", "/account", "/offers"};
	enum { PAGES = sizeof pages / sizeof *pages };
	_Static_assert(PRODUCTS < 100, "a product's number has two digits");
	const uint32_t x = rng_below(draw, PAGES + PRODUCTS);
	char *p = dst;
	if (type == CLICK_LOGIN || type == CLICK_LOGOUT) {
		p = add_text(ADD(p, "/"), clickstream_type_names[type]);
	} else if (x < PAGES) {
		p = add_text(p, type == CLICK_PURCHASE ? "/cart" : pages[x]);
	} else {
		const uint32_t number = x - PAGES + 1;
		p = ADD(p, "/products/");
		if (number >= 10) *p++ = (char)('0' + number / 10);
		*p++ = (char)('0' + number % 10);
	}
	*p = '\0';
}

/* Where slot i of n begins. */
static int64_t slot_begin(int64_t i, int64_t n)
{
	if (i <= INT64_MAX / US_PER_DAY) return US_PER_DAY * i / n; /* much quicker */
	return (int64_t)((__int128)US_PER_DAY * i / n);
}

void clickstream_make(
	const struct clickstream_config *c, int32_t day, int64_t i, int64_t n, struct clickstream_made *out)
{
	ASSERT(i >= 0 && i < n && n <= UINT32_MAX && day >= c->date_from);
	const uint64_t entity = (uint64_t)(uint32_t)day << 32 | (uint64_t)i;
	const struct rng4 who = rng_philox(c->seed, entity, DRAW_WHO, 0),
			  what = rng_philox(c->seed, entity, DRAW_WHAT, 0),
			  id = rng_philox(c->seed, entity, DRAW_ID, 0);
	const int64_t slot = slot_begin(i, n), next = slot_begin(i + 1, n);
	const int64_t grown = c->users_per_day * ((int64_t)day - c->date_from) + c->users_per_day * i / n;
	out->ts = day * US_PER_DAY + slot + (int64_t)(((uint64_t)who.v[0] * (uint64_t)(next - slot)) >> 32);
	out->user = pick_user(day, c->users + grown, who.v[1], who.v[2]);
	out->type = pick_type(what.v[0]);
	out->source = rng_below(what.v[1], PERCENT) < WEB_PERCENT ? CLICK_WEB : CLICK_MOBILE;
	pick_page(out->type, what.v[2], out->page);
	memcpy(out->id, id.v, UUID_BYTES);
	out->id[6] = (uint8_t)((out->id[6] & 0x0f) | 0x40);
	out->id[8] = (uint8_t)((out->id[8] & 0x3f) | 0x80);
}

/* ---- days --------------------------------------------------------------------------------------------------------------- */

void clickstream_line(const struct clickstream_made *e, struct buf *out)
{
	enum { HALF_MAX = 192 }; /* before and behind the user */
	char *begin = (char *)buf_reserve(out, HALF_MAX), *p = begin;
	if (begin == NULL) return;
	p = ADD(p, "{\"event_id\":\"");
	uuid_format(e->id, p);
	p = ADD(p + UUID_CHARS, "\",\"user_id\":");
	buf_commit(out, (size_t)(p - begin));
	buf_i64(out, e->user);
	p = begin = (char *)buf_reserve(out, HALF_MAX);
	if (begin == NULL) return;
	p = ADD(p, ",\"event_type\":\"");
	p = add_text(p, clickstream_type_names[e->type]);
	p = ADD(p, "\",\"page\":\"");
	p = add_text(p, e->page);
	p = ADD(p, "\",\"timestamp\":\"");
	time_format(e->ts, p);
	p = ADD(p + TIME_RFC3339_CHARS, "\",\"source\":\"");
	p = add_text(p, clickstream_source_names[e->source]);
	p = ADD(p, "\"}");
	buf_commit(out, (size_t)(p - begin));
}

struct made {
	struct buf text;
	int64_t rows, types[CLICK_TYPES], all_rows, all_bytes;
};

/* Events after as_of are not told. */
static status make_day(const struct task_env *env, int32_t day, struct made *m, struct err *err)
{
	const struct clickstream_config *c = env->config;
	const int64_t n = clickstream_events_of_day(c);
	int64_t told = 0;
	buf_reset(&m->text);
	m->rows = 0;
	for (int64_t i = 0; i < n; i++) {
		struct clickstream_made e;
		if (i % PROGRESS_LINES == 0) {
			TRY(cancel_check(err));
			task_progress(env, m->rows - told, 0);
			told = m->rows;
		}
		clickstream_make(c, day, i, n, &e);
		if (e.ts > env->run->as_of) break;
		clickstream_line(&e, &m->text);
		buf_char(&m->text, '\n');
		m->types[e.type]++;
		m->rows++;
	}
	task_progress(env, m->rows - told, (int64_t)m->text.n);
	return buf_check(&m->text, err);
}

static status put_day(const struct task_env *env, int32_t day, struct made *m, struct task_result *out, struct err *err)
{
	struct partition_day place;
	char date[DATE_CHARS];
	TRY(make_day(env, day, m, err));
	if (m->rows == 0) return OK;
	date_format(day, date);
	const struct task_file file = {.table = CLICK_RAW,
		.partition = partition_day_values(&place, STR("producer"), (struct str){date, sizeof date}, env->run),
		.name = RAW_OBJECT_NAME,
		.p = m->text.p,
		.n = m->text.n,
		.rows = m->rows};
	m->all_rows += m->rows;
	m->all_bytes += (int64_t)m->text.n;
	return task_output(env, out, &file, err);
}

static status count_all(const struct made *m, struct task_result *out, struct err *err)
{
	bool ok = counter_add(&out->counters, "rows_in", 0) && counter_add(&out->counters, "bytes_in", 0) &&
		  counter_add(&out->counters, "rows_out", m->all_rows) &&
		  counter_add(&out->counters, "bytes_out", m->all_bytes);
	for (int i = 0; i < CLICK_TYPES; i++) {
		if (m->types[i] > 0) ok = ok && counter_add(&out->events.types, clickstream_type_names[i], m->types[i]);
	}
	return ok ? OK : fail_nomem(err);
}

status clickstream_produce_run(
	const struct task_env *env, const struct task_spec *spec, struct task_result *out, struct err *err)
{
	struct made m = {0};
	status code = OK;
	buf_init(&m.text, 0);
	for (int64_t day = spec->lo; day < spec->hi && code == OK; day++)
		code = put_day(env, (int32_t)day, &m, out, err);
	if (code == OK) code = count_all(&m, out, err);
	buf_deinit(&m.text);
	return code;
}

status clickstream_produce_plan(const struct stage_view *view, struct task_list *out, struct err *err)
{
	const struct run_info *run = view->run;
	const int64_t lo = made_days_first(run), hi = (int64_t)run->date_to + 1;
	int64_t step = TASK_BYTES / (clickstream_events_of_day(view->config) * LINE_BYTES + 1);
	if (step > (hi - lo) / 8) step = (hi - lo) / 8; /* to share out */
	if (step < 1) step = 1;
	for (int64_t at = lo; at < hi; at += step) {
		const size_t number = out->n;
		struct task_spec *task = task_list_add(out);
		if (task == NULL) return fail_nomem(err);
		task->stage = "raw";
		task->task_id = arena_printf(out->arena, "raw-%04zu", number);
		if (task->task_id == NULL) return fail_nomem(err);
		task->lo = at;
		task->hi = at + step < hi ? at + step : hi;
	}
	return OK;
}

int64_t clickstream_produce_bytes(const void *config, const struct run_info *run)
{
	return ((int64_t)run->date_to - made_days_first(run) + 1) * clickstream_events_of_day(config) * LINE_BYTES * 2;
}
