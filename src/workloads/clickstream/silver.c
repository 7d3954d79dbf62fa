/* workloads/clickstream/silver.c: the first of each event_id of a history: one task.
 *
 *   bronze, run by run -> rows of the task's share of ids -> not in standing silver, first of their id -> by date and time -> parts
 *
 * 1. A task's share is a range of the ids' hashes, so that repeats meet wherever they stand; every task reads all files of bronze that the
 *    history has not folded yet, and the ids of its silver.
 * 2. Of one id the row of the earlier run stands, then the earlier instant, then the smaller content: neither the order of lines nor the
 *    split into files decides.
 * 3. Standing files are kept as they are: nothing that was told is taken back.
 */
#include "workloads/clickstream/silver.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/vec.h"
#include "flow/history.h"
#include "flow/history_column.h"
#include "flow/part_scan.h"
#include "workloads/clickstream/config.h"
#include "workloads/clickstream/event.h"

enum {
	TASK_ROWS =
		2000000, /* about 200 MB of memory; a task more decodes all rows once more: 0.1 s of CPU a million */
	SHARES = 256,    /* of the ids' hashes */
	GROUP_ROWS = 1 << 20,
	WORDS_MAX = 1 << 20, /* of a dictionary of a row group that are looked up by index */
	BLOCK_ROWS = 256,    /* whose slots of the ids' table are on their way together */
};

struct kept_row {
	int64_t ts;
	struct uuid id;
	uint32_t row;  /* in the builders */
	uint32_t rank; /* of its run in the history */
};
struct silver_task {
	const struct task_env *env;
	const struct task_spec *spec;
	struct task_result *out;
	struct uuid_table ids; /* of standing silver, then those of rows */
	uint32_t n_standing;
	struct {
		struct kept_row *items; /* [ids - n_standing] */
		size_t n, cap;
	} rows;
	struct builder columns[EVENTS_COLUMNS];
	int64_t n; /* rows of the builders, those included that an earlier one took the place of */
	struct history_column history;
	struct parquet_writer *writer;
	uint32_t appended
		[BLOCK_ROWS]; /* [n_appended] rows of the batch at hand that stand in rows, and not yet in the builders */
	size_t n_appended;
	/* the file at hand */
	struct str run;
	uint32_t rank;
	bool own; /* of this run, or what it takes of a stream's */
	int64_t rows_in, rows_out, repeats, deferred, bytes_in, bytes_out;
};

static bool is_mine(const struct silver_task *t, uint64_t hash)
{
	const int64_t share = (int64_t)(hash >> 56);
	return share >= t->spec->lo && share < t->spec->hi;
}

/* A table of another writer may hold anything. */
static status load_id(const struct column *c, int64_t row, struct uuid *out, struct err *err)
{
	if (!column_valid(c, row)) return fail(err, E_CORRUPT, "an event_id is null");
	const struct str text = column_str(c, row);
	if (text.n != UUID_CHARS || !uuid_is_text(text.p)) return fail(err, E_CORRUPT, "an event_id is no UUID");
	*out = uuid_load(text.p);
	return OK;
}

/* ---- what stands --------------------------------------------------------------------------------------------------------- */

static status visit_standing(void *arg, const struct batch *b, struct arena *scratch, struct err *err)
{
	struct silver_task *t = arg;
	(void)scratch;
	for (int64_t i = 0; i < b->n_rows; i++) {
		struct uuid id = {0};
		uint32_t index;
		bool found;
		TRY(load_id(&b->columns[0], i, &id, err));
		const uint64_t hash = uuid_hash(id);
		if (is_mine(t, hash)) TRY(uuid_table_add(&t->ids, id, hash, &index, &found, err));
	}
	return OK;
}

static status read_standing(struct silver_task *t, struct err *err)
{
	const struct column_def *columns[] = {&clickstream_silver_events.columns[EVENTS_ID]};
	struct part_scan s = {.env = t->env,
		.files = &t->spec->standing,
		.columns = columns,
		.n_columns = 1,
		.visit = visit_standing,
		.arg = t};
	TRY(part_scan(&s, err));
	t->n_standing = uuid_table_n(&t->ids);
	t->bytes_in += s.bytes;
	for (size_t i = 0; t->spec->lo == 0 && i < t->spec->standing.n; i++)
		TRY(task_output_keep(t->out, &t->spec->standing.items[i], err));
	return OK;
}

/* ---- bronze -------------------------------------------------------------------------------------------------------------- */

static int32_t word_of(struct builder *b, const struct column *c, int64_t row, int32_t *known)
{
	if (c->dict == NULL || c->dict->n > WORDS_MAX) return builder_intern(b, column_str(c, row)) + 1;
	const int32_t k = ((const int32_t *)c->values)[row];
	if (known[k] == 0) known[k] = builder_intern(b, column_str(c->dict, k)) + 1;
	return known[k];
}

/* Of each column with a dictionary, the index + 1 in the builder; 0: not asked yet. */
static status known_words(const struct batch *b, struct arena *scratch, int32_t *known[EVENTS_COLUMNS], struct err *err)
{
	for (int c = 0; c < EVENTS_COLUMNS; c++) {
		const struct column *dict = b->columns[c].dict;
		known[c] = NULL;
		if (dict == NULL || dict->n > WORDS_MAX) continue;
		known[c] = ARENA_ZNEW(scratch, int32_t, (size_t)dict->n + 1);
		if (known[c] == NULL) return fail_nomem(err);
	}
	return OK;
}

struct visited {
	const struct batch *b;
	int32_t *known[EVENTS_COLUMNS];
};

static void append_words(
	struct builder *to, const struct column *from, const uint32_t *rows, size_t n, int64_t at, int32_t *known)
{
	for (size_t i = 0; i < n; i++) {
		const int32_t word = column_valid(from, rows[i]) ? word_of(to, from, rows[i], known) : 0;
		if (word > 0) builder_set_i32(to, at + (int64_t)i, word - 1);
	}
}

static void append_column(struct builder *to, const struct column *from, const uint32_t *rows, size_t n, int64_t at)
{
	const int32_t *narrow = from->values;
	const int64_t *wide = from->values;
	for (size_t i = 0; i < n; i++) {
		const int64_t row = rows[i];
		if (!column_valid(from, row)) continue;
		if (from->type == COL_STRING)
			builder_set_str(to, at + (int64_t)i, column_str(from, row));
		else if (from->type == COL_INT32)
			builder_set_i32(to, at + (int64_t)i, narrow[row]);
		else
			builder_set_i64(to, at + (int64_t)i, wide[row]);
	}
}

/* The rows of the batch that were taken go into the builders, a column after the other. */
static void append(struct silver_task *t, const struct visited *v)
{
	const size_t n = t->n_appended;
	const int64_t at = t->n - (int64_t)n;
	for (int c = 0; c < EVENTS_COLUMNS && n > 0; c++) {
		const struct column *from = &v->b->columns[c];
		if (t->columns[c].dictionary)
			append_words(&t->columns[c], from, t->appended, n, at, v->known[c]);
		else
			append_column(&t->columns[c], from, t->appended, n, at);
	}
	t->n_appended = 0;
}

static int compare_texts(const struct builder *b, int64_t row, const struct column *c, int64_t at)
{
	const bool mine = row < b->n && bit_get(b->validity, row), theirs = column_valid(c, at);
	if (!mine || !theirs) return (int)mine - (int)theirs;
	struct str text;
	if (b->dictionary) {
		const int32_t k = ((const int32_t *)b->values)[row];
		text = (struct str){(const char *)b->dict_data + b->dict_offsets[k],
			(size_t)(b->dict_offsets[k + 1] - b->dict_offsets[k])};
	} else {
		text = (struct str){
			(const char *)b->data + b->offsets[row], (size_t)(b->offsets[row + 1] - b->offsets[row])};
	}
	return str_cmp(text, column_str(c, at));
}

static int compare_numbers(const struct builder *b, int64_t row, const struct column *c, int64_t at)
{
	const bool mine = row < b->n && bit_get(b->validity, row), theirs = column_valid(c, at);
	if (!mine || !theirs) return (int)mine - (int)theirs;
	const bool narrow = c->type == COL_INT32;
	const int64_t x = narrow ? ((const int32_t *)b->values)[row] : ((const int64_t *)b->values)[row],
		      y = narrow ? ((const int32_t *)c->values)[at] : ((const int64_t *)c->values)[at];
	return (x > y) - (x < y);
}

/* Is row `at` of b to stand in place of one of the same run and instant? By content, so that no order of lines decides. */
static bool is_smaller(const struct silver_task *t, uint32_t row, const struct batch *b, int64_t at)
{
	static const enum clickstream_column columns[] = {EVENTS_USER, EVENTS_TYPE, EVENTS_PAGE, EVENTS_SOURCE,
		EVENTS_EXTRA, EVENTS_KAFKA_PARTITION, EVENTS_KAFKA_OFFSET};
	int order = 0;
	for (size_t i = 0; i < sizeof columns / sizeof *columns && order == 0; i++) {
		const struct builder *mine = &t->columns[columns[i]];
		const struct column *theirs = &b->columns[columns[i]];
		order = theirs->type == COL_STRING ? compare_texts(mine, row, theirs, at)
						   : compare_numbers(mine, row, theirs, at);
	}
	return order > 0;
}

static status take_row(
	struct silver_task *t, const struct visited *v, int64_t row, struct uuid id, uint64_t hash, struct err *err)
{
	const int64_t ts = ((const int64_t *)v->b->columns[EVENTS_TIMESTAMP].values)[row];
	uint32_t index;
	bool found;
	if (!t->own && ts <= t->spec->since) return OK; /* folded already */
	t->rows_in++;
	t->deferred += ts > t->env->run->as_of;
	if (ts > t->env->run->as_of) return OK;
	TRY(uuid_table_add(&t->ids, id, hash, &index, &found, err));
	t->repeats += found;
	if (index < t->n_standing) return OK;
	if (!found) {
		if (!VEC_ROOM(&t->rows, 1)) return fail_nomem(err);
		t->rows.n++;
	}
	struct kept_row *kept = &t->rows.items[index - t->n_standing];
	if (found && (kept->rank < t->rank || kept->ts < ts)) return OK;
	if (found && kept->ts == ts) {
		append(t, v); /* to compare with */
		if (!is_smaller(t, kept->row, v->b, row)) return OK;
	}
	*kept = (struct kept_row){ts, id, (uint32_t)t->n, t->rank};
	t->appended[t->n_appended++] = (uint32_t)row;
	t->n++;
	return OK;
}

/* Rows from..to of the batch: those that are the task's. */
static status take_block(struct silver_task *t, const struct visited *v, int64_t from, int64_t to, struct err *err)
{
	struct uuid ids[BLOCK_ROWS];
	uint64_t hashes[BLOCK_ROWS];
	uint32_t rows[BLOCK_ROWS];
	size_t n = 0;
	ASSERT(to - from <= BLOCK_ROWS && t->n_appended == 0);
	for (int64_t i = from; i < to; i++) {
		TRY(load_id(&v->b->columns[EVENTS_ID], i, &ids[n], err));
		hashes[n] = uuid_hash(ids[n]);
		rows[n] = (uint32_t)i;
		n += is_mine(t, hashes[n]);
	}
	for (size_t i = 0; i < n; i++) uuid_table_prefetch(&t->ids, hashes[i]);
	for (size_t i = 0; i < n; i++) TRY(take_row(t, v, rows[i], ids[i], hashes[i], err));
	append(t, v);
	return OK;
}

static status visit_bronze(void *arg, const struct batch *b, struct arena *scratch, struct err *err)
{
	struct silver_task *t = arg;
	struct visited v = {.b = b};
	if (b->n_rows > UINT32_MAX - t->n) return fail(err, E_LIMIT, "over 2^32 rows in one task");
	TRY(known_words(b, scratch, v.known, err));
	for (int c = 0; c < EVENTS_KAFKA_PARTITION; c++) {
		if (b->columns[c].validity == NULL) continue;
		for (int64_t i = 0; i < b->n_rows; i++) {
			if (!column_valid(&b->columns[c], i))
				return fail(err, E_CORRUPT, "a %s is null", clickstream_bronze_events.columns[c].name);
		}
	}
	for (int64_t i = 0; i < b->n_rows; i += BLOCK_ROWS)
		TRY(take_block(t, &v, i, i + BLOCK_ROWS < b->n_rows ? i + BLOCK_ROWS : b->n_rows, err));
	if (t->spec->lo == 0) task_progress(t->env, b->n_rows, 0);
	return OK;
}

/* Inputs come run by run, this one's last. */
static status enter_file(void *arg, const struct file_ref *file, struct err *err)
{
	struct silver_task *t = arg;
	struct str run;
	TRY(file_ref_value(file, "run_id", &run, err));
	t->rank += t->run.p != NULL && !str_eq(run, t->run);
	t->run = run;
	t->own = !file->earlier;
	return OK;
}

static status read_bronze(struct silver_task *t, struct err *err)
{
	const struct column_def *columns[EVENTS_COLUMNS];
	for (int c = 0; c < EVENTS_COLUMNS; c++) columns[c] = &clickstream_bronze_events.columns[c];
	struct part_scan s = {.env = t->env,
		.files = &t->spec->inputs,
		.columns = columns,
		.n_columns = EVENTS_COLUMNS,
		.check_hash = t->spec->lo == 0,
		.enter = enter_file,
		.visit = visit_bronze,
		.arg = t};
	TRY(part_scan(&s, err));
	t->bytes_in += s.bytes;
	return OK;
}

/* ---- parts --------------------------------------------------------------------------------------------------------------- */

static int by_time(const void *a, const void *b)
{
	const struct kept_row *x = a, *y = b;
	if (x->ts != y->ts) return x->ts < y->ts ? -1 : 1;
	return uuid_cmp(x->id, y->id);
}

static void sort_rows(struct kept_row *rows, size_t n)
{
	bool sorted = true;
	for (size_t i = 1; i < n && sorted; i++) sorted = by_time(&rows[i - 1], &rows[i]) < 0;
	if (!sorted) qsort(rows, n, sizeof *rows, by_time);
}

static status put_part(struct silver_task *t, int32_t date, int64_t n, struct err *err)
{
	struct clickstream_date place;
	const uint8_t *p;
	size_t bytes;
	TRY(parquet_writer_finish(t->writer, &p, &bytes, err));
	const struct task_file file = {.table = CLICK_SILVER,
		.partition = clickstream_date_values(&place, date, t->env->run),
		.p = p,
		.n = bytes,
		.rows = n};
	t->rows_out += n;
	t->bytes_out += (int64_t)bytes;
	return task_output(t->env, t->out, &file, err);
}

static status write_date(
	struct silver_task *t, const struct batch *all, const uint32_t *rows, int64_t n, int32_t date, struct err *err)
{
	parquet_writer_reset(t->writer);
	for (int64_t at = 0; at < n; at += GROUP_ROWS) {
		const struct parquet_rows part = {
			.rows = rows + at, .n = (uint32_t)(n - at < GROUP_ROWS ? n - at : GROUP_ROWS)};
		TRY(parquet_writer_row_group(t->writer, all, &part, err));
	}
	return put_part(t, date, n, err);
}

static status write_parts(struct silver_task *t, uint32_t *order, struct err *err)
{
	struct column columns[EVENTS_COLUMNS + 1];
	for (int c = 0; c < EVENTS_COLUMNS; c++) TRY(builder_finish(&t->columns[c], t->n, &columns[c], err));
	TRY(history_column_fill(&t->history, t->n, &columns[EVENTS_COLUMNS], err));
	const struct batch all = {&clickstream_silver_events, EVENTS_COLUMNS + 1, columns, t->n};
	sort_rows(t->rows.items, t->rows.n);
	for (size_t i = 0; i < t->rows.n; i++) order[i] = t->rows.items[i].row;
	for (size_t from = 0, to; from < t->rows.n; from = to) {
		const int32_t date = time_utc_date(t->rows.items[from].ts);
		to = from;
		while (to < t->rows.n && time_utc_date(t->rows.items[to].ts) == date) to++;
		TRY(write_date(t, &all, order + from, (int64_t)(to - from), date, err));
	}
	return OK;
}

static status write_all(struct silver_task *t, struct err *err)
{
	const struct clickstream_config *c = t->env->config;
	if (t->rows.n == 0) return OK;
	uint32_t *order = mem_alloc(t->rows.n * sizeof *order);
	if (order == NULL) return fail_nomem(err);
	status code = parquet_writer_create(&clickstream_silver_events, &c->common.parquet, &t->writer, err);
	if (code == OK) code = write_parts(t, order, err);
	mem_free(order);
	return code;
}

/* ---- the task ------------------------------------------------------------------------------------------------------------ */

static status count_all(struct silver_task *t, struct err *err)
{
	const struct counter counters[] = {{"rows_in", t->rows_in}, {"rows_out", t->rows_out},
		{"bytes_in", t->bytes_in}, {"bytes_out", t->bytes_out}, {"repeats", t->repeats},
		{"deferred", t->deferred}};
	for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
		if (!counter_add(&t->out->counters, counters[i].name, counters[i].value)) return fail_nomem(err);
	}
	return OK;
}

/* For the rows that this run brings: doubling would copy them half as often again. */
static status make_room(struct silver_task *t, struct err *err)
{
	int64_t own = 0;
	for (size_t i = 0; i < t->spec->inputs.n; i++)
		own += t->spec->inputs.items[i].earlier ? 0 : t->spec->inputs.items[i].rows;
	const int64_t rows = own * (t->spec->hi - t->spec->lo) / SHARES;
	const int64_t more = rows + rows / 64; /* shares are not quite alike */
	if (more > UINT32_MAX || !VEC_ROOM(&t->rows, (size_t)more)) return fail_nomem(err);
	for (int c = 0; c < EVENTS_COLUMNS; c++) (void)builder_grow(&t->columns[c], more);
	(void)builder_data_reserve(&t->columns[EVENTS_ID], (size_t)more * UUID_CHARS);
	return OK; /* a builder tells in the end */
}

static status task_run(struct silver_task *t, struct err *err)
{
	for (int c = 0; c < EVENTS_COLUMNS; c++) {
		const bool words = c == EVENTS_TYPE || c == EVENTS_PAGE || c == EVENTS_SOURCE;
		builder_init(&t->columns[c], &clickstream_silver_events.columns[c], words);
	}
	TRY(history_column_init(&t->history, t->spec, err));
	const int64_t rows = part_files_rows(&t->spec->inputs) + part_files_rows(&t->spec->standing);
	TRY(uuid_table_init(&t->ids, (size_t)(rows * (t->spec->hi - t->spec->lo) / SHARES + 1024), err));
	TRY(read_standing(t, err));
	TRY(make_room(t, err));
	TRY(read_bronze(t, err));
	TRY(write_all(t, err));
	return count_all(t, err);
}

status clickstream_silver_run(
	const struct task_env *env, const struct task_spec *spec, struct task_result *out, struct err *err)
{
	ASSERT(env->config != NULL && env->lake != NULL);
	struct silver_task *t = mem_zalloc(1, sizeof *t);
	if (t == NULL) return fail_nomem(err);
	t->env = env;
	t->spec = spec;
	t->out = out;
	const status code = task_run(t, err);
	parquet_writer_destroy(t->writer);
	history_column_deinit(&t->history);
	uuid_table_deinit(&t->ids);
	for (int c = 0; c < EVENTS_COLUMNS; c++) builder_deinit(&t->columns[c]);
	mem_free(t->rows.items);
	mem_free(t);
	return code;
}

/* ---- plan and checks ------------------------------------------------------------------------------------------------------ */

/* Bronze of the runs before that may hold events they put off, run by run. */
static status history_files(const struct history *h, struct file_list *out, struct err *err)
{
	for (size_t r = 0; h != NULL && r < h->n_runs; r++) {
		for (size_t i = 0; i < h->files.n; i++) {
			struct str run;
			if (h->files.items[i].earlier) continue;
			TRY(file_ref_value(&h->files.items[i], "run_id", &run, err));
			struct file_ref of_theirs = h->files.items[i];
			of_theirs.earlier = true;
			if (str_is(run, h->runs[r]) && !file_list_add(out, &of_theirs)) return fail_nomem(err);
		}
	}
	return OK;
}

static status bronze_files(const struct stage_view *view, struct file_list *out, struct err *err)
{
	TRY(history_files(view->history, out, err));
	for (size_t s = 0; s < view->n_stages; s++) {
		for (size_t i = 0; i < view->files[s].n; i++) {
			const struct file_ref *f = &view->files[s].items[i];
			if (strcmp(f->table, CLICK_BRONZE) == 0 && !file_list_add(out, f)) return fail_nomem(err);
		}
	}
	return OK;
}

status clickstream_silver_plan(
	const struct stage_view *view, const struct file_list *inputs, struct task_list *out, struct err *err)
{
	struct file_list files = {.arena = out->arena};
	(void)inputs;
	TRY(bronze_files(view, &files, err));
	int64_t n = (part_files_rows(&files) + TASK_ROWS - 1) / TASK_ROWS;
	if (n > SHARES) n = SHARES;
	if (n < 1 && view->history != NULL) n = 1; /* what stands is kept by a task */
	for (int64_t i = 0; i < n; i++) {
		struct task_spec *task = task_list_add(out);
		if (task == NULL) return fail_nomem(err);
		task->stage = CLICK_SILVER_STAGE;
		task->task_id = arena_printf(out->arena, "silver-%04lld", (long long)i);
		if (task->task_id == NULL) return fail_nomem(err);
		task->lo = SHARES * i / n;
		task->hi = SHARES * (i + 1) / n;
		task->inputs = files; /* one array behind all specs */
		task->since = view->history != NULL ? view->history->as_of : INT64_MIN;
	}
	return OK;
}

static int64_t rows_of(const struct file_list *files, const char *table)
{
	int64_t rows = 0;
	for (size_t i = 0; i < files->n; i++)
		rows += strcmp(files->items[i].table, table) == 0 ? files->items[i].rows : 0;
	return rows;
}

status clickstream_silver_check(const struct stage_view *view, struct quality_list *out, struct err *err)
{
	const size_t stage = view->n_stages - 1;
	const struct counter_list *c = &view->counters[stage];
	const int64_t in = counter_get(c, "rows_in"), rows = counter_get(c, "rows_out"),
		      repeats = counter_get(c, "repeats"), deferred = counter_get(c, "deferred");
	/* of its own, or a stream's that its raw stage took */
	const int64_t bronze = rows_of(&view->files[0], CLICK_BRONZE) + rows_of(&view->files[1], CLICK_BRONZE);
	const int64_t stood = rows_of(view->standing, CLICK_SILVER),
		      stands = rows_of(&view->files[stage], CLICK_SILVER);
	const bool alone = view->history == NULL;
	const struct quality conserve = {.dataset = CLICK_SILVER,
		.check_name = "counts_conserve",
		.severity = QUALITY_CRITICAL,
		.details = "rows + repeats + deferred = rows of bronze",
		.record_count = in};
	const struct quality files = {.dataset = CLICK_SILVER,
		.check_name = "files_hold_every_row",
		.severity = QUALITY_CRITICAL,
		.details = "rows of the table = rows that stood + rows of this run",
		.record_count = rows};
	const bool kept = rows + repeats + deferred == in && in >= bronze && (!alone || in == bronze);
	const bool ok = quality_add_numbers(out, kept, conserve, rows + repeats + deferred, alone ? bronze : in) &&
			quality_add_numbers(out, stands == stood + rows, files, stands, stood + rows);
	return ok ? OK : fail_nomem(err);
}
