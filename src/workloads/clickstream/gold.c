/* workloads/clickstream/gold.c: silver to one gold table: a task a month that has a date with new rows.
 *
 *   silver of the touched dates -> figures of each date ─┐
 *   the month as it stands, other dates -> its rows ─────┴-> the month anew, in place of what stood
 *
 * New are the rows of this run, and those of runs before it that ended before they came to the table. Months without such a date are kept as they are, by a task that does nothing else. A date's figures depend on its silver rows alone.
 */
#include "workloads/clickstream/gold.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/vec.h"
#include "flow/history.h"
#include "flow/history_column.h"
#include "flow/part_scan.h"
#include "flow/partition.h"
#include "workloads/clickstream/config.h"

const char *const clickstream_gold_stages[GOLD_TABLES] = {"silver_to_gold_dau", "silver_to_gold_conversion",
	"silver_to_gold_events_source", "silver_to_gold_purchases_page"};

#define KEEP "keep" /* part of the task that keeps other months */
enum { GOLD_COLUMNS_MAX = 5, RATE_DIGITS_4 = 10000 };

int64_t clickstream_ratio(int64_t numerator, int64_t denominator)
{
	ASSERT(denominator > 0 && numerator >= 0 && numerator <= denominator);
	return (int64_t)(((__int128)2 * numerator * RATE_DIGITS_4 + denominator) / ((__int128)2 * denominator));
}

/* ---- figures of a date ---------------------------------------------------------------------------------------------------- */

struct users { /* distinct ones */
	int64_t *items;
	size_t n, cap;
	struct map map;
};

static uint64_t user_hash(const void *keys, uint32_t place)
{
	return map_mix((uint64_t)((const struct users *)keys)->items[place]);
}

static status users_add(struct users *u, int64_t user, struct err *err)
{
	const uint64_t hash = map_mix((uint64_t)user);
	if (!map_room(&u->map, user_hash, u)) return fail_nomem(err);
	struct map_probe probe = map_probe(&u->map, hash);
	for (uint32_t at; (at = map_next(&u->map, &probe)) != MAP_NONE;) {
		if (u->items[at] == user) return OK;
	}
	if (!VEC_ROOM(u, 1)) return fail_nomem(err);
	u->items[u->n++] = user;
	(void)map_add(&u->map, &probe);
	return OK;
}

/* The next date has about as many. */
static bool users_reset(struct users *u)
{
	const size_t n = u->n;
	u->n = 0;
	return map_reset(&u->map, n);
}

static void users_deinit(struct users *u)
{
	mem_free(u->items);
	map_deinit(&u->map);
}

/* A row of any of the four tables. */
struct gold_row {
	int32_t date;
	struct str word;         /* source or page; in the task's arena */
	int64_t count;           /* events, purchases, or users of the day */
	int64_t rate, purchases; /* of conversion */
};
struct gold_task {
	const struct task_env *env;
	const struct task_spec *spec;
	struct task_result *out;
	enum clickstream_gold table;
	struct arena arena;
	struct {
		struct gold_row *items;
		size_t n, cap;
	} rows;
	/* of the date at hand */
	size_t date_from; /* its first row */
	struct map words; /* of its rows, by place after date_from */
	struct users users, buyers;
	int64_t purchases;
	int64_t rows_in, bytes_in, counted;
};

static uint64_t word_hash(const void *keys, uint32_t place)
{
	const struct gold_task *t = keys;
	const struct str word = t->rows.items[t->date_from + place].word;
	return map_mix(hash_xxh64(word.p, word.n));
}

static status word_row(struct gold_task *t, int32_t date, struct str word, struct gold_row **out, struct err *err)
{
	if (!map_room(&t->words, word_hash, t)) return fail_nomem(err);
	struct map_probe probe = map_probe(&t->words, map_mix(hash_xxh64(word.p, word.n)));
	for (uint32_t at; (at = map_next(&t->words, &probe)) != MAP_NONE;) {
		*out = &t->rows.items[t->date_from + at];
		if (str_eq((*out)->word, word)) return OK;
	}
	if (!VEC_ROOM(&t->rows, 1)) return fail_nomem(err);
	const char *copy = arena_strndup(&t->arena, word.p, word.n);
	if (copy == NULL) return fail_nomem(err);
	*out = &t->rows.items[t->rows.n++];
	**out = (struct gold_row){.date = date, .word = {copy, word.n}};
	(void)map_add(&t->words, &probe);
	return OK;
}

/* Columns that each table reads of silver, in this order. */
static const enum clickstream_column wanted[GOLD_TABLES][2] = {[GOLD_DAU] = {EVENTS_USER, EVENTS_TYPE},
	[GOLD_CONVERSION] = {EVENTS_USER, EVENTS_TYPE},
	[GOLD_SOURCES] = {EVENTS_SOURCE, EVENTS_TYPE},
	[GOLD_PAGES] = {EVENTS_PAGE, EVENTS_TYPE}};

static status count_users(struct gold_task *t, const struct batch *b, struct err *err)
{
	const int64_t *user = b->columns[0].values;
	for (int64_t i = 0; i < b->n_rows; i++) {
		TRY(users_add(&t->users, user[i], err));
		if (t->table == GOLD_DAU || !str_is(column_str(&b->columns[1], i), "purchase")) continue;
		t->purchases++;
		TRY(users_add(&t->buyers, user[i], err));
	}
	return OK;
}

/* Counts of each word of a dictionary, then of the date: a word is looked for once a row group. */
static status count_words(
	struct gold_task *t, int32_t date, const struct batch *b, struct arena *scratch, struct err *err)
{
	const struct column *c = &b->columns[0];
	int64_t *counts = c->dict != NULL ? ARENA_ZNEW(scratch, int64_t, (size_t)c->dict->n + 1) : NULL;
	struct gold_row *row;
	if (c->dict != NULL && counts == NULL) return fail_nomem(err);
	for (int64_t i = 0; i < b->n_rows; i++) {
		if (t->table == GOLD_PAGES && !str_is(column_str(&b->columns[1], i), "purchase")) continue;
		if (counts != NULL) {
			counts[((const int32_t *)c->values)[i]]++;
			continue;
		}
		TRY(word_row(t, date, column_str(c, i), &row, err));
		row->count++;
	}
	for (int64_t k = 0; counts != NULL && k < c->dict->n; k++) {
		if (counts[k] == 0) continue;
		TRY(word_row(t, date, column_str(c->dict, k), &row, err));
		row->count += counts[k];
	}
	return OK;
}

struct visit {
	struct gold_task *t;
	int32_t date;
};

static status visit_silver(void *arg, const struct batch *b, struct arena *scratch, struct err *err)
{
	const struct visit *v = arg;
	task_progress(v->t->env, b->n_rows, 0);
	if (v->t->table == GOLD_DAU || v->t->table == GOLD_CONVERSION) return count_users(v->t, b, err);
	return count_words(v->t, v->date, b, scratch, err);
}

static status date_end(struct gold_task *t, int32_t date, struct err *err)
{
	const int64_t users = (int64_t)t->users.n, buyers = (int64_t)t->buyers.n;
	if (users > 0) {
		if (!VEC_ROOM(&t->rows, 1)) return fail_nomem(err);
		t->rows.items[t->rows.n++] = (struct gold_row){.date = date,
			.count = users,
			.rate = clickstream_ratio(buyers, users),
			.purchases = t->purchases};
		t->counted += t->table == GOLD_DAU ? users : t->purchases;
	}
	for (size_t i = t->date_from; users == 0 && i < t->rows.n; i++) t->counted += t->rows.items[i].count;
	t->purchases = 0;
	t->date_from = t->rows.n;
	const bool ok = users_reset(&t->users) && users_reset(&t->buyers) && map_reset(&t->words, 0);
	return ok ? OK : fail_nomem(err);
}

/* ---- what stands of the month --------------------------------------------------------------------------------------------- */

static bool is_touched(const struct gold_task *t, int32_t date)
{
	for (size_t i = 0; i < t->spec->inputs.n; i++) {
		int32_t d = 0;
		if (clickstream_date_of(&t->spec->inputs.items[i], &d, NULL) == OK && d == date) return true;
	}
	return false;
}

/* The columns of the tables by place: date, then what struct gold_row has. */
static status visit_standing(void *arg, const struct batch *b, struct arena *scratch, struct err *err)
{
	struct gold_task *t = arg;
	(void)scratch;
	const int32_t *date = b->columns[0].values;
	for (int64_t i = 0; i < b->n_rows; i++) {
		struct gold_row row = {.date = date[i]};
		if (is_touched(t, date[i])) continue;
		if (t->table == GOLD_CONVERSION) {
			row.rate = ((const int64_t *)b->columns[1].values)[i];
			row.purchases = ((const int64_t *)b->columns[2].values)[i];
		} else if (t->table != GOLD_DAU) {
			const struct str word = column_str(&b->columns[1], i);
			row.word = (struct str){arena_strndup(&t->arena, word.p, word.n), word.n};
			if (row.word.p == NULL) return fail_nomem(err);
		}
		row.count = ((const int64_t *)b->columns[b->n_columns - 1].values)[i];
		if (!VEC_ROOM(&t->rows, 1)) return fail_nomem(err);
		t->rows.items[t->rows.n++] = row;
	}
	return OK;
}

static status read_standing(struct gold_task *t, struct err *err)
{
	const struct table_schema *schema = clickstream_gold_tables[t->table];
	const struct column_def *columns[GOLD_COLUMNS_MAX];
	const size_t n = history_column_index(schema);
	ASSERT(n <= GOLD_COLUMNS_MAX);
	for (size_t c = 0; c < n; c++) columns[c] = &schema->columns[c];
	for (size_t i = 0; i < t->spec->standing.n; i++) {
		struct file_list one = {.items = &t->spec->standing.items[i], .n = 1};
		int32_t month;
		TRY(partition_month_of(&one.items[0], &month, err));
		if (month != t->spec->lo) continue;
		struct part_scan s = {.env = t->env,
			.files = &one,
			.columns = columns,
			.n_columns = n,
			.check_hash = true,
			.visit = visit_standing,
			.arg = t};
		TRY(part_scan(&s, err));
		t->bytes_in += s.bytes;
	}
	t->date_from = t->rows.n;
	return OK;
}

/* ---- the month anew -------------------------------------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
	const struct gold_row *x = a, *y = b;
	if (x->date != y->date) return x->date < y->date ? -1 : 1;
	return str_cmp(x->word, y->word);
}

static void fill(struct gold_task *t, struct builder *b, size_t n_columns)
{
	for (size_t i = 0; i < t->rows.n; i++) {
		const struct gold_row *r = &t->rows.items[i];
		const int64_t at = (int64_t)i;
		builder_set_i32(&b[0], at, r->date);
		if (t->table == GOLD_CONVERSION) {
			builder_set_i64(&b[1], at, r->rate);
			builder_set_i64(&b[2], at, r->purchases);
		} else if (t->table != GOLD_DAU) {
			builder_set_str(&b[1], at, r->word);
		}
		builder_set_i64(&b[n_columns - 1], at, r->count);
	}
}

static status put_month(struct gold_task *t, struct parquet_writer *w, const struct batch *b, struct err *err)
{
	struct partition_month place;
	char name[64];
	const struct parquet_rows all = {.n = (uint32_t)b->n_rows};
	const uint8_t *p;
	size_t n;
	TRY(parquet_writer_row_group(w, b, &all, err));
	TRY(parquet_writer_finish(w, &p, &n, err));
	(void)snprintf(name, sizeof name, "gold.%s", b->schema->name);
	const struct task_file file = {.table = name,
		.partition = partition_month_values(&place, (int32_t)t->spec->lo, t->env->run),
		.p = p,
		.n = n,
		.rows = b->n_rows};
	if (!counter_add(&t->out->counters, "bytes_out", (int64_t)n)) return fail_nomem(err);
	return task_output(t->env, t->out, &file, err);
}

struct month_out {
	struct builder columns[GOLD_COLUMNS_MAX];
	struct history_column history;
	struct parquet_writer *writer;
};

static status write_month(struct gold_task *t, struct month_out *m, struct err *err)
{
	const struct table_schema *schema = clickstream_gold_tables[t->table];
	const size_t n = history_column_index(schema);
	struct column columns[GOLD_COLUMNS_MAX + 1];
	for (size_t c = 0; c < n; c++) builder_init(&m->columns[c], &schema->columns[c], false);
	TRY(history_column_init(&m->history, t->spec, err));
	qsort(t->rows.items, t->rows.n, sizeof *t->rows.items, by_key);
	fill(t, m->columns, n);
	for (size_t c = 0; c < n; c++) TRY(builder_finish(&m->columns[c], (int64_t)t->rows.n, &columns[c], err));
	TRY(history_column_fill(&m->history, (int64_t)t->rows.n, &columns[n], err));
	const struct batch b = {schema, n + 1, columns, (int64_t)t->rows.n};
	TRY(parquet_writer_create(
		schema, &((const struct clickstream_config *)t->env->config)->common.parquet, &m->writer, err));
	return put_month(t, m->writer, &b, err);
}

static status write_rows(struct gold_task *t, struct err *err)
{
	struct month_out m = {0};
	if (t->rows.n == 0) return OK;
	const status code = write_month(t, &m, err);
	parquet_writer_destroy(m.writer);
	history_column_deinit(&m.history);
	for (size_t c = 0; c < GOLD_COLUMNS_MAX; c++) builder_deinit(&m.columns[c]);
	return code;
}

/* ---- the task -------------------------------------------------------------------------------------------------------------- */

/* Inputs come by path, and so by date. */
static status enter_file(void *arg, const struct file_ref *file, struct err *err)
{
	struct visit *v = arg;
	const int32_t before = v->date;
	TRY(clickstream_date_of(file, &v->date, err));
	return before != INT32_MIN && before != v->date ? date_end(v->t, before, err) : OK;
}

static status read_silver(struct gold_task *t, struct err *err)
{
	const struct column_def *columns[2];
	struct visit v = {.t = t, .date = INT32_MIN};
	for (int i = 0; i < 2; i++) columns[i] = &clickstream_silver_events.columns[wanted[t->table][i]];
	struct part_scan s = {.env = t->env,
		.files = &t->spec->inputs,
		.columns = columns,
		.n_columns = t->table == GOLD_DAU || t->table == GOLD_SOURCES ? 1 : 2,
		.check_hash = t->table == GOLD_DAU, /* the first of the four */
		.enter = enter_file,
		.visit = visit_silver,
		.arg = &v};
	TRY(part_scan(&s, err));
	t->rows_in += s.rows;
	t->bytes_in += s.bytes;
	return v.date != INT32_MIN ? date_end(t, v.date, err) : OK;
}

static status keep_others(struct gold_task *t, struct err *err)
{
	for (size_t i = 0; i < t->spec->inputs.n; i++) TRY(task_output_keep(t->out, &t->spec->inputs.items[i], err));
	return OK;
}

static status count_all(struct gold_task *t, struct err *err)
{
	const struct counter counters[] = {{"rows_in", t->rows_in}, {"rows_out", (int64_t)t->rows.n},
		{"bytes_in", t->bytes_in}, {"bytes_out", 0}, {"counted", t->counted}};
	for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
		if (!counter_add(&t->out->counters, counters[i].name, counters[i].value)) return fail_nomem(err);
	}
	return OK;
}

static status task_run(struct gold_task *t, struct err *err)
{
	if (strcmp(t->spec->part, KEEP) == 0) {
		TRY(keep_others(t, err));
		return count_all(t, err);
	}
	TRY(read_standing(t, err));
	TRY(read_silver(t, err));
	TRY(write_rows(t, err));
	return count_all(t, err);
}

static status table_of(const char *stage, enum clickstream_gold *out, struct err *err)
{
	for (int i = 0; i < GOLD_TABLES; i++) {
		if (strcmp(stage, clickstream_gold_stages[i]) != 0) continue;
		*out = (enum clickstream_gold)i;
		return OK;
	}
	return fail(err, E_USAGE, "stage %s makes no gold table", stage);
}

status clickstream_gold_run(
	const struct task_env *env, const struct task_spec *spec, struct task_result *out, struct err *err)
{
	struct gold_task t = {.env = env, .spec = spec, .out = out};
	TRY(table_of(spec->stage, &t.table, err));
	arena_init(&t.arena, 0);
	const status code = task_run(&t, err);
	users_deinit(&t.users);
	users_deinit(&t.buyers);
	map_deinit(&t.words);
	mem_free(t.rows.items);
	arena_deinit(&t.arena);
	return code;
}

/* ---- plan and checks ------------------------------------------------------------------------------------------------------- */

/* Silver as it stands after its stage: the last of the stages with files of it. */
static const struct file_list *silver_of(const struct stage_view *view)
{
	ASSERT(view->n_stages >= 3);
	return &view->files[2];
}

struct touched {
	int32_t *items; /* dates with new rows, rising */
	size_t n, cap;
};

static bool is_new(const struct stage_view *view, struct str run)
{
	const struct history *h = view->history;
	bool left = false;
	for (size_t i = view->n_through; h != NULL && i < h->n_runs && !left; i++) left = str_is(run, h->runs[i]);
	return left || str_is(run, view->run->run_id);
}

/* By path, files of one date stand together, and dates rise. */
static status find_touched(const struct stage_view *view, struct touched *out, struct err *err)
{
	const struct file_list *silver = silver_of(view);
	for (size_t i = 0; i < silver->n; i++) {
		struct str run;
		int32_t date;
		if (strcmp(silver->items[i].table, CLICK_SILVER) != 0) continue;
		TRY(file_ref_value(&silver->items[i], "run_id", &run, err));
		if (!is_new(view, run)) continue;
		TRY(clickstream_date_of(&silver->items[i], &date, err));
		if (out->n > 0 && out->items[out->n - 1] == date) continue;
		if (!VEC_ROOM(out, 1)) return fail_nomem(err);
		out->items[out->n++] = date;
	}
	return OK;
}

static bool has_date(const struct touched *t, int32_t date)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->items[i] == date) return true;
	}
	return false;
}

static bool has_month(const struct touched *t, int32_t month)
{
	for (size_t i = 0; i < t->n; i++) {
		if (date_month_start(t->items[i]) == month) return true;
	}
	return false;
}

static status add_task(
	struct task_list *out, const char *stage, const char *part, struct task_spec **task, struct err *err)
{
	const size_t number = out->n;
	*task = task_list_add(out);
	if (*task == NULL) return fail_nomem(err);
	(*task)->stage = stage;
	(*task)->part = part;
	(*task)->task_id = arena_printf(out->arena, "gold-%04zu", number);
	return (*task)->task_id != NULL ? OK : fail_nomem(err);
}

/* The files of silver of the touched dates of a month. */
static status month_task(const struct stage_view *view, const struct touched *dates, const char *stage, int32_t month,
	struct task_list *out, struct err *err)
{
	const struct file_list *silver = silver_of(view);
	struct task_spec *task;
	TRY(add_task(out, stage, "", &task, err));
	task->lo = month;
	task->hi = month + 1;
	for (size_t i = 0; i < silver->n; i++) {
		int32_t date;
		if (strcmp(silver->items[i].table, CLICK_SILVER) != 0) continue;
		TRY(clickstream_date_of(&silver->items[i], &date, err));
		if (date_month_start(date) != month || !has_date(dates, date)) continue;
		if (!file_list_add(&task->inputs, &silver->items[i])) return fail_nomem(err);
	}
	return OK;
}

static status keep_task(const struct stage_view *view, const struct touched *dates, const char *stage,
	struct task_list *out, struct err *err)
{
	struct task_spec *task = NULL;
	for (size_t i = 0; i < view->standing->n; i++) {
		int32_t month;
		TRY(partition_month_of(&view->standing->items[i], &month, err));
		if (has_month(dates, month)) continue;
		if (task == NULL) TRY(add_task(out, stage, KEEP, &task, err));
		if (!file_list_add(&task->inputs, &view->standing->items[i])) return fail_nomem(err);
	}
	return OK;
}

static status plan(const struct stage_view *view, const struct touched *dates, const char *stage, struct task_list *out,
	struct err *err)
{
	int32_t last = INT32_MIN;
	for (size_t i = 0; i < dates->n; i++) {
		const int32_t month = date_month_start(dates->items[i]);
		if (month != last) TRY(month_task(view, dates, stage, month, out, err));
		last = month;
	}
	return keep_task(view, dates, stage, out, err);
}

status clickstream_gold_plan(
	const struct stage_view *view, const struct file_list *inputs, struct task_list *out, struct err *err)
{
	struct touched dates = {0};
	(void)inputs;
	ASSERT(view->n_stages >= 3 && view->n_stages - 3 < GOLD_TABLES);
	status code = find_touched(view, &dates, err);
	if (code == OK) code = plan(view, &dates, clickstream_gold_stages[view->n_stages - 3], out, err);
	mem_free(dates.items);
	return code;
}

/* Rows of silver on the touched dates. */
static status touched_rows(const struct stage_view *view, int64_t *rows, struct err *err)
{
	struct touched dates = {0};
	const struct file_list *silver = silver_of(view);
	*rows = 0;
	status code = find_touched(view, &dates, err);
	for (size_t i = 0; i < silver->n && code == OK; i++) {
		int32_t date;
		if (strcmp(silver->items[i].table, CLICK_SILVER) != 0) continue;
		code = clickstream_date_of(&silver->items[i], &date, err);
		if (code == OK && has_date(&dates, date)) *rows += silver->items[i].rows;
	}
	mem_free(dates.items);
	return code;
}

status clickstream_gold_check(const struct stage_view *view, struct quality_list *out, struct err *err)
{
	ASSERT(view->n_stages >= 4 && view->n_stages - 4 < GOLD_TABLES);
	const size_t stage = view->n_stages - 1;
	const enum clickstream_gold table = (enum clickstream_gold)(stage - 3);
	const struct counter_list *c = &view->counters[stage];
	char dataset[64];
	int64_t silver;
	TRY(touched_rows(view, &silver, err));
	(void)snprintf(dataset, sizeof dataset, "gold.%s", clickstream_gold_tables[table]->name);
	const int64_t in = counter_get(c, "rows_in"), counted = counter_get(c, "counted");
	const struct quality every = {.dataset = dataset,
		.check_name = "every_row_read",
		.severity = QUALITY_CRITICAL,
		.details = "rows read = rows of silver on the dates that have new ones",
		.record_count = in};
	if (!quality_add_numbers(out, in == silver, every, in, silver)) return fail_nomem(err);
	if (table != GOLD_SOURCES && table != GOLD_PAGES) return OK;
	/* Events by source are all events; purchases by page those of the conversion rate. */
	const int64_t want = table == GOLD_SOURCES ? silver : counter_get(&view->counters[stage - 2], "counted");
	const struct quality sums = {.dataset = dataset,
		.check_name = "sums_equal_silver",
		.severity = QUALITY_CRITICAL,
		.details = "the sum of the counts = events, or purchases, of silver",
		.record_count = counted};
	return quality_add_numbers(out, counted == want, sums, counted, want) ? OK : fail_nomem(err);
}
