/* workloads/pqrs/silver/silver_read.c: the rows of a task's buckets out of bronze files, and tables of earlier runs. */
#include <stdlib.h>

#include "base/hash.h"
#include "flow/partition.h"
#include "workloads/pqrs/silver/silver_int.h"

/* Of a row group up to this size all buckets are decoded and searched, once. The page index would save some of them, but
 * searching by it decodes the pages at both ends of the range twice. */
enum { SEARCH_ROWS_MAX = 1 << 14 };

static const int bronze_of[IN_N] = {
	[IN_EVENT_ID] = BRONZE_EVENT_ID,
	[IN_TICKET_ID] = BRONZE_TICKET_ID,
	[IN_EVENT_TYPE] = BRONZE_EVENT_TYPE,
	[IN_TS] = BRONZE_TS,
	[IN_EXTERNAL_ID] = BRONZE_EXTERNAL_ID,
	[IN_SOURCE_CHANNEL] = BRONZE_SOURCE_CHANNEL,
	[IN_PQRS_TYPE] = BRONZE_PQRS_TYPE,
	[IN_PRIORITY] = BRONZE_PRIORITY,
	[IN_GEO_REGION] = BRONZE_GEO_REGION,
	[IN_GEO_MUNICIPIO] = BRONZE_GEO_MUNICIPIO,
	[IN_DANE_CITY_CODE] = BRONZE_DANE_CITY_CODE,
	[IN_SUBJECT] = BRONZE_SUBJECT,
	[IN_TEXT] = BRONZE_TEXT,
	[IN_ROLE] = BRONZE_ROLE,
	[IN_MESSAGE_ID] = BRONZE_MESSAGE_ID,
	[IN_STATUS_FROM] = BRONZE_STATUS_FROM,
	[IN_STATUS_TO] = BRONZE_STATUS_TO,
	[IN_ACTOR_ROLE] = BRONZE_ACTOR_ROLE,
	[IN_REASON] = BRONZE_REASON,
	[IN_REQUEST_KIND] = BRONZE_REQUEST_KIND,
	[IN_FILE_TYPE] = BRONZE_FILE_TYPE,
	[IN_SIZE_KB] = BRONZE_SIZE_KB,
	[IN_FILE_NAME] = BRONZE_FILE_NAME,
	[IN_TENANT_ID] = BRONZE_TENANT_ID,
};

/* What is read of earlier rows only where one of them is told anew in other tables than that of tickets: most bytes of bronze. */
static bool is_text(int in)
{
	switch (in) {
	case IN_SUBJECT:
	case IN_TEXT:
	case IN_ACTOR_ROLE:
	case IN_REASON:
	case IN_FILE_TYPE:
	case IN_SIZE_KB:
	case IN_FILE_NAME: return true;
	default: return false;
	}
}

/* The columns of a slice that are texts, or those that are not: their places in slice.in, and in bronze. */
static size_t pick_columns(bool texts, int in[IN_N], int bronze[IN_N])
{
	size_t n = 0;
	for (int i = 0; i < IN_N; i++) {
		if (is_text(i) != texts) continue;
		in[n] = i;
		bronze[n++] = bronze_of[i];
	}
	return n;
}

/* ---- files ----------------------------------------------------------------------------------------------- */

static int by_month_then_path(const void *a, const void *b)
{
	const struct silver_file *x = a, *y = b;
	if (x->month != y->month) return x->month < y->month ? -1 : 1;
	return strcmp(x->ref->path, y->ref->path);
}

/* The run that wrote a file; "" where none is told: a dimension. */
static struct str run_of(const struct file_ref *ref)
{
	const struct delta_pair *pair = delta_pairs_get(&ref->partition, STR("run_id"));
	return pair != NULL && pair->value.p != NULL ? pair->value : STR("");
}

/* NULL: bronze. */
static struct silver_files *standing_of(struct silver_task *t, const char *table)
{
	for (int i = 0; i < OUT_TABLES; i++) {
		const char *name = strchr(table, '.');
		if (name != NULL && strncmp(table, "silver.", 7) == 0 && strcmp(name + 1, silver_schema(i)->name) == 0)
			return &t->standing[i];
	}
	return NULL;
}

static status sort_file(struct silver_task *t, const struct file_ref *ref, struct err *err)
{
	struct silver_files *standing = standing_of(t, ref->table), *l = standing != NULL ? standing : &t->bronze;
	struct silver_file *f = &l->items[l->n++];
	const bool other = !str_is(run_of(ref), t->env->run->run_id);
	*f = (struct silver_file){.ref = ref, .other = other, .foreign = other && t->env->run->drops[0] == '\0'};
	t->has_history |= f->foreign; /* also where all earlier bronze is gone */
	return partition_month_of(ref, &f->month, err);
}

/* Bronze of the history's runs comes in their order, the run's own last. */
static void number_runs(struct silver_files *bronze)
{
	struct str last = {"", 0};
	int32_t run = 0;
	for (size_t i = 0; i < bronze->n; i++) {
		const struct str of = run_of(bronze->items[i].ref);
		run += !str_eq(of, last);
		last = of;
		bronze->items[i].run = run;
	}
}

status silver_files_sort(struct silver_task *t, struct err *err)
{
	const struct file_list *inputs = &t->spec->inputs, *standing = &t->spec->standing;
	t->bronze.items = ARENA_NEW(t->result->outputs.arena, struct silver_file, inputs->n + 1);
	if (t->bronze.items == NULL) return fail_nomem(err);
	for (int i = 0; i < OUT_TABLES; i++) {
		t->standing[i].items = ARENA_NEW(t->result->outputs.arena, struct silver_file, standing->n + 1);
		if (t->standing[i].items == NULL) return fail_nomem(err);
	}
	for (size_t i = 0; i < inputs->n; i++) TRY(sort_file(t, &inputs->items[i], err));
	for (size_t i = 0; i < standing->n; i++) TRY(sort_file(t, &standing->items[i], err));
	number_runs(&t->bronze);
	if (t->bronze.n > 0) qsort(t->bronze.items, t->bronze.n, sizeof *t->bronze.items, by_month_then_path);
	for (size_t i = 0; i < t->bronze.n; i++) t->bronze.items[i].place = i;
	return OK;
}

void silver_files_ahead(const struct silver_task *t, const struct silver_files *l, size_t from, size_t i)
{
	const int64_t width = t->spec->hi - t->spec->lo;
	const size_t first = i == from ? from : i + TASK_AHEAD;
	for (size_t k = first; k < l->n && k <= i + TASK_AHEAD; k++) {
		const struct file_ref *ref = l->items[k].ref;
		const struct store_hint hint = {ref->path, ref->bytes, (int)((PQRS_BUCKETS + width - 1) / width)};
		store_will_open(t->env->lake, &hint);
	}
}

/* XXH3-128 of an object, piece by piece. */
static status object_hash(
	struct silver_task *t, struct store_object *object, uint8_t out[XXH128_BYTES], struct err *err)
{
	enum { CHUNK = 1 << 20 };
	const int64_t size = store_object_size(object);
	struct hash_stream h;
	uint8_t *chunk = ARENA_NEW(&t->day.arena, uint8_t, CHUNK);
	if (chunk == NULL) return fail_nomem(err);
	TRY(hash_stream_init(&h, false, err));
	status s = OK;
	for (int64_t at = 0; s == OK && at < size; at += CHUNK) {
		const size_t n = (size_t)(size - at < CHUNK ? size - at : CHUNK);
		s = store_object_read_at(object, at, chunk, n, err);
		if (s == OK) hash_stream_add(&h, chunk, n);
	}
	hash_stream_final(&h, out, NULL);
	hash_stream_deinit(&h);
	return s;
}

/* Compare a file with what its writer said it wrote. bytes: the whole file, or NULL where it is not in memory. */
static status file_verify(struct silver_task *t, struct store_object *object, const struct silver_file *f,
	const uint8_t *bytes, struct err *err)
{
	static const uint8_t unknown[XXH128_BYTES] = {0}; /* a compacted file's */
	uint8_t got[XXH128_BYTES];
	if (memcmp(f->ref->xxh128, unknown, sizeof unknown) == 0) return OK;
	if (bytes != NULL)
		hash_xxh128(bytes, (size_t)store_object_size(object), got);
	else
		TRY(object_hash(t, object, got, err));
	if (memcmp(got, f->ref->xxh128, sizeof got) == 0) return OK;
	const status code = fail_at(err, E_VERIFY, f->ref->path, -1, -1,
		"the object is not what %s wrote: its XXH3-128 differs; restore it",
		f->other ? "an earlier run" : "bronze");
	return f->other ? code : err_advise(err, code, ADVICE_OR_NEW_RUN, NULL);
}

/* ---- codes ----------------------------------------------------------------------------------------------- */

struct code_list {
	const char *const *names;
	size_t n;
};

static uint8_t code_of(struct str s, const struct code_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		if (str_is(s, l->names[i])) return (uint8_t)i;
	}
	return CODE_OTHER;
}

/* codes[n] of a dictionary column. Which rows are null is hard to guess, so there is no branch on it; a null row's index is
 * 0, which a dictionary that is used has. */
static void map_codes(const struct column *c, size_t n, const uint8_t *restrict map, uint8_t *restrict codes)
{
	const int32_t *index = c->values;
	if (c->validity == NULL) {
		for (size_t i = 0; i < n; i++) codes[i] = map[index[i]];
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const unsigned valid = 0u - (unsigned)bit_get(c->validity, (int64_t)i);
		codes[i] = (uint8_t)((map[index[i]] & valid) | (CODE_NULL & ~valid));
	}
}

/* codes[n] of a string column by a fixed list of names; a dictionary is looked up once per value, not per row. */
static status codes_of(const struct column *c, size_t n, const struct code_list *l, struct arena *arena, uint8_t **out,
	struct err *err)
{
	uint8_t *codes = ARENA_NEW(arena, uint8_t, n);
	if (codes == NULL) return fail_nomem(err);
	*out = codes;
	if (c->dict == NULL) {
		for (size_t i = 0; i < n; i++)
			codes[i] = column_valid(c, (int64_t)i) ? code_of(column_str(c, (int64_t)i), l) : CODE_NULL;
		return OK;
	}
	uint8_t *map = ARENA_NEW(arena, uint8_t, c->dict->n);
	if (map == NULL) return fail_nomem(err);
	for (int64_t i = 0; i < c->dict->n; i++) map[i] = code_of(column_str(c->dict, i), l);
	map_codes(c, n, map, codes);
	return OK;
}

status silver_column_states(struct silver_task *t, const struct column *c, size_t n, uint8_t **out, struct err *err)
{
	const char *states[STATE_N];
	for (int i = 0; i < STATE_N; i++) states[i] = t->cfg->states[i].name;
	return codes_of(c, n, &(struct code_list){states, STATE_N}, &t->day.arena, out, err);
}

status silver_column_codes(struct silver_task *t, const struct column *c, const char *const *names, size_t n_names,
	uint8_t **out, struct err *err)
{
	return codes_of(c, (size_t)c->n, &(struct code_list){names, n_names}, &t->day.arena, out, err);
}

static status slice_codes(struct silver_task *t, struct slice *s, struct err *err)
{
	static const char *const agent[1] = {"agent"};
	const struct code_list types = {pqrs_event_type_names, EVENT_N}, agents = {agent, 1};
	struct arena *a = &t->day.arena;
	TRY(codes_of(&s->in[IN_EVENT_TYPE], s->n, &types, a, &s->type, err));
	TRY(silver_column_states(t, &s->in[IN_STATUS_FROM], s->n, &s->from, err));
	TRY(silver_column_states(t, &s->in[IN_STATUS_TO], s->n, &s->to, err));
	TRY(codes_of(&s->in[IN_ROLE], s->n, &agents, a, &s->by_agent, err));
	for (uint32_t i = 0; i < s->n; i++) s->by_agent[i] = s->by_agent[i] == 0;
	const size_t n = s->n;
	s->verdict = ARENA_ZNEW(a, uint8_t, n);
	s->ticket = ARENA_NEW(a, uint32_t, n);
	s->id = ARENA_NEW(a, struct uuid, n);
	if (s->verdict == NULL || s->ticket == NULL || s->id == NULL) return fail_nomem(err);
	return OK;
}

/* ---- ids ------------------------------------------------------------------------------------------------- */

/* Texts of a UUID column have 36 characters; anything else is not ours. */
static bool uuid_column(const struct column *c, uint32_t n)
{
	if (c->dict != NULL) {
		c = c->dict;
		n = (uint32_t)c->n;
	}
	bool ok = true;
	for (uint32_t i = 0; i < n; i++) ok &= c->offsets[i + 1] - c->offsets[i] == 36;
	return ok;
}

bool silver_load_uuids(const struct column *c, uint32_t n, struct uuid *out)
{
	if (!uuid_column(c, n)) return false;
	if (c->dict != NULL) {
		for (uint32_t i = 0; i < n; i++) out[i] = uuid_load(column_str(c, i).p);
		return true;
	}
	const char *p = (const char *)c->data + c->offsets[0];
	for (uint32_t i = 0; i < n; i++) out[i] = uuid_load(p + 36 * (size_t)i);
	return true;
}

status silver_column_uuids(struct silver_task *t, const struct column *c, struct uuid **out, struct err *err)
{
	struct uuid *ids = ARENA_NEW(&t->day.arena, struct uuid, (size_t)c->n + 1);
	if (ids == NULL) return fail_nomem(err);
	if (c->n > 0 && (c->validity != NULL || !silver_load_uuids(c, (uint32_t)c->n, ids)))
		return fail(err, E_CORRUPT, "an id that is no UUID");
	*out = ids;
	return OK;
}

/* ---- slices ---------------------------------------------------------------------------------------------- */

static status table_positions(const struct parquet_reader *r, const struct table_schema *schema, const int *wanted,
	size_t n, int *out, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		const char *name = schema->columns[wanted[i]].name;
		/* Our own files have the column at its place. */
		const bool there = (size_t)wanted[i] < parquet_reader_n_columns(r) &&
				   strcmp(parquet_reader_column(r, (size_t)wanted[i])->name, name) == 0;
		out[i] = there ? wanted[i] : parquet_reader_column_index(r, name);
		if (out[i] < 0) return fail(err, E_CORRUPT, "a %s file without the column %s", schema->layer, name);
		if (parquet_reader_column(r, (size_t)out[i])->def.type != schema->columns[wanted[i]].type)
			return fail(err, E_CORRUPT, "a %s file with another type of column %s", schema->layer, name);
	}
	return OK;
}

static status column_positions(const struct parquet_reader *r, const int *wanted, size_t n, int *out, struct err *err)
{
	return table_positions(r, &pqrs_bronze_events, wanted, n, out, err);
}

static int64_t lower_bound(const int32_t *v, int64_t n, int64_t x)
{
	int64_t lo = 0;
	while (lo < n) {
		const int64_t mid = lo + (n - lo) / 2;
		if (v[mid] < x)
			lo = mid + 1;
		else
			n = mid;
	}
	return lo;
}

/* Rows of a row group, and of a file that was sorted otherwise since the bucket of each: some are not of the window. */
struct bucket_rows {
	struct parquet_range range;
	const int32_t *buckets; /* [range], NULL: all are */
	const uint32_t *rows;   /* [n_rows] of the range those in scope, and their ids; NULL: all are */
	int64_t n_rows;
	struct column ticket_id;
};

/* The rows of a row group with a bucket of the window: exactly them, or, of another run's file that was sorted otherwise since, them
 * among others. */
static status bucket_range(struct silver_task *t, const struct silver_file *f, struct parquet_reader *r,
	size_t row_group, struct bucket_rows *out, struct err *err)
{
	struct parquet_range *range = &out->range;
	*out = (struct bucket_rows){.range = {row_group, 0, parquet_reader_row_group_rows(r, row_group)}};
	if (t->day.lo <= 0 && t->day.hi >= PQRS_BUCKETS) return OK;
	static const int bucket[1] = {BRONZE_TICKET_BUCKET};
	int column;
	TRY(column_positions(r, bucket, 1, &column, err));
	if (range->end > SEARCH_ROWS_MAX)
		TRY(parquet_reader_find_rows(r, &(struct parquet_find){row_group, column, t->day.lo, t->day.hi - 1},
			&range->begin, &range->end, err));
	if (range->begin >= range->end) return OK;
	struct batch b;
	TRY(parquet_reader_read(r, range, (struct parquet_columns){&column, 1}, &t->day.arena, &b, err));
	const int32_t *v = b.columns[0].values;
	bool ascending = b.columns[0].validity == NULL;
	for (int64_t i = 1; i < b.n_rows; i++) ascending &= v[i - 1] <= v[i];
	if (!ascending && (!f->other || b.columns[0].validity != NULL))
		return fail(err, E_CORRUPT, "a bronze file that is not ordered by ticket_bucket");
	if (!ascending) {
		out->buckets = v;
		return OK;
	}
	const int64_t begin = range->begin;
	range->begin = begin + lower_bound(v, b.n_rows, t->day.lo);
	range->end = begin + lower_bound(v, b.n_rows, t->day.hi);
	return OK;
}

static struct slice *slice_add(struct day *d)
{
	if (!VEC_ROOM_IN(&d->arena, &d->slices, 1)) return NULL;
	d->slices.items[d->slices.n] = (struct slice){0};
	return &d->slices.items[d->slices.n++];
}

/* What the contract promises of bronze and the kernels rely on. */
static status slice_check(struct slice *s, struct err *err)
{
	static const int required[4] = {IN_EVENT_ID, IN_TICKET_ID, IN_EVENT_TYPE, IN_TS};
	for (int i = 0; i < 4; i++) {
		const struct column *c = &s->in[required[i]];
		for (uint32_t row = 0; c->validity != NULL && row < s->n; row++) {
			if (!bit_get(c->validity, row))
				return fail(err, E_CORRUPT, "bronze row %lld: a required value is null",
					(long long)slice_file_row(s, row));
		}
	}
	bool known = true;
	int64_t first = INT64_MAX, last = INT64_MIN;
	for (uint32_t row = 0; row < s->n; row++) {
		first = s->ts[row] < first ? s->ts[row] : first;
		last = s->ts[row] > last ? s->ts[row] : last;
		known &= s->type[row] < EVENT_N;
	}
	s->first_ts = first;
	if (s->n > 0 && (first < (int64_t)s->file->month * US_PER_DAY ||
				last >= (int64_t)silver_month_end(s->file->month) * US_PER_DAY))
		return fail(err, E_CORRUPT, "a bronze file with a ts outside of its month");
	if (!known) return fail(err, E_CORRUPT, "a bronze file with an unknown event_type");
	return OK;
}

/* Columns of the slice's rows alone. A dictionary stays one. */
static status pick_rows(struct silver_task *t, const struct slice *s, struct column *columns, size_t n, struct err *err)
{
	for (size_t i = 0; i < n && s->rows != NULL; i++) {
		const struct column whole = columns[i];
		struct column index = whole;
		if (whole.dict != NULL) {
			index.type = COL_INT32;
			index.dict = NULL;
		}
		TRY(gather_column(&index, s->rows, s->n, &t->day.arena, &columns[i], err));
		columns[i].type = whole.type;
		columns[i].dict = whole.dict;
	}
	return OK;
}

/* wanted[n] of bronze's columns, of the slice's rows; t->reader reads its file. */
static status read_picked(
	struct silver_task *t, const struct slice *s, const int *wanted, size_t n, struct column *out, struct err *err)
{
	int columns[BRONZE_N_COLUMNS];
	struct batch b;
	TRY(column_positions(t->reader, wanted, n, columns, err));
	TRY(parquet_reader_read(t->reader, &s->range, (struct parquet_columns){columns, n}, &t->day.arena, &b, err));
	memcpy(out, b.columns, n * sizeof *out);
	return pick_rows(t, s, out, n, err);
}

/* ticket_id: the column where it was read already, of the whole range; else NULL. */
static status read_columns(
	struct silver_task *t, struct slice *s, bool texts, const struct column *ticket_id, struct err *err)
{
	int in[IN_N], bronze[IN_N];
	struct column columns[IN_N];
	size_t n = pick_columns(texts, in, bronze);
	for (size_t i = 0; i < n && ticket_id != NULL; i++) {
		if (in[i] != IN_TICKET_ID) continue;
		s->in[IN_TICKET_ID] = *ticket_id;
		TRY(pick_rows(t, s, &s->in[IN_TICKET_ID], 1, err));
		n--;
		in[i] = in[n];
		bronze[i] = bronze[n];
	}
	TRY(read_picked(t, s, bronze, n, columns, err));
	for (size_t i = 0; i < n; i++) s->in[in[i]] = columns[i];
	return OK;
}

static status slice_read(
	struct silver_task *t, const struct silver_file *f, const struct bucket_rows *rows, struct err *err)
{
	const struct parquet_range *range = &rows->range;
	struct slice *s = slice_add(&t->day);
	if (s == NULL || range->end - range->begin > INT32_MAX) return fail_nomem(err);
	s->file = f;
	s->range = *range;
	s->buckets = rows->buckets;
	s->rows = rows->rows;
	s->n = (uint32_t)(rows->rows != NULL ? rows->n_rows : range->end - range->begin);
	s->lean = f->foreign;
	TRY(read_columns(t, s, false, rows->rows != NULL ? &rows->ticket_id : NULL, err));
	if (!s->lean) TRY(read_columns(t, s, true, NULL, err));
	s->ts = s->in[IN_TS].values;
	TRY(slice_codes(t, s, err));
	return slice_check(s, err);
}

/* A file's share of what the task has read. */
static void count_read(struct silver_task *t, const struct silver_file *f, int64_t rows)
{
	const int64_t bytes = f->ref->rows > 0 ? f->ref->bytes / f->ref->rows * rows : 0;
	t->sum.bytes_in += bytes;
	task_progress(t->env, rows, bytes);
}

/* Make t->reader read f; the object is the caller's to close. verify: that it is what bronze wrote is found out before
 * anything in it is believed. */
static status open_file(
	struct silver_task *t, const struct silver_file *f, bool verify, struct store_object **object, struct err *err)
{
	struct store_object *o;
	TRY(store_object_open(t->env->lake, f->ref->path, &o, err));
	status s = parquet_reader_reopen(t->reader, o, verify ? NULL : err);
	const uint8_t *bytes = s == OK ? parquet_reader_file(t->reader) : NULL;
	if (verify) {
		const status opened = s;
		s = file_verify(t, o, f, bytes, err);
		if (s == OK && opened != OK) s = parquet_reader_reopen(t->reader, o, err); /* now it may tell */
	}
	if (s != OK) {
		store_object_close(o);
		return err_at(err, s, f->ref->path, -1, -1);
	}
	*object = o;
	return OK;
}

static status rows_check(const struct silver_file *f, const struct parquet_reader *r, struct err *err)
{
	const int64_t rows = parquet_reader_rows(r), expected = f->ref->rows;
	if (rows == expected || (f->other && expected < 0)) return OK;
	return fail(err, E_VERIFY, "%lld rows, expected %lld", (long long)rows, (long long)expected);
}

/* The rows of the range from its first [at] on. */
static void column_skip(struct column *c, int64_t at, int64_t n)
{
	ASSERT(c->validity == NULL && at >= 0 && at + n <= c->n);
	if (c->dict != NULL)
		c->values = (const int32_t *)c->values + at;
	else
		c->offsets += at;
	c->n = n;
}

/* Of the range the rows in scope. Few rows of old files are, and often none. */
static status scope_rows(struct silver_task *t, struct parquet_reader *r, struct bucket_rows *of, struct err *err)
{
	static const int wanted[1] = {BRONZE_TICKET_ID};
	int column;
	struct batch b;
	struct uuid *ids = NULL; /* gcc cannot know that what fails is never OK */
	uint32_t unused;
	TRY(column_positions(r, wanted, 1, &column, err));
	TRY(parquet_reader_read(r, &of->range, (struct parquet_columns){&column, 1}, &t->day.arena, &b, err));
	TRY(silver_column_uuids(t, &b.columns[0], &ids, err));
	uint32_t *rows = ARENA_NEW(&t->day.arena, uint32_t, (size_t)b.n_rows + 1);
	int64_t n = 0;
	if (rows == NULL) return fail_nomem(err);
	for (int64_t i = 0; i < b.n_rows; i++) {
		rows[n] = (uint32_t)i;
		n += uuid_table_find(&t->ticket_ids, ids[i], uuid_hash(ids[i]), &unused);
	}
	const int64_t first = n > 0 ? rows[0] : 0, end = n > 0 ? (int64_t)rows[n - 1] + 1 : 0;
	for (int64_t i = 0; i < n; i++) rows[i] -= (uint32_t)first;
	of->range.end = of->range.begin + end;
	of->range.begin += first;
	if (of->buckets != NULL) of->buckets += first;
	of->rows = rows;
	of->n_rows = n;
	of->ticket_id = b.columns[0];
	column_skip(&of->ticket_id, first, end - first);
	return OK;
}

static status read_slices(struct silver_task *t, const struct silver_file *f, struct parquet_reader *r, struct err *err)
{
	TRY(rows_check(f, r, err));
	for (size_t g = 0; g < parquet_reader_n_row_groups(r); g++) {
		struct bucket_rows rows;
		TRY(bucket_range(t, f, r, g, &rows, err));
		if (rows.range.begin < rows.range.end && f->foreign) TRY(scope_rows(t, r, &rows, err));
		if (rows.range.begin >= rows.range.end) continue;
		TRY(slice_read(t, f, &rows, err));
		count_read(t, f, rows.range.end - rows.range.begin);
	}
	return OK;
}

status silver_file_read(struct silver_task *t, const struct silver_file *f, bool verify, struct err *err)
{
	struct store_object *object = NULL;
	TRY(open_file(t, f, verify, &object, err));
	const status s = read_slices(t, f, t->reader, err);
	store_object_close(object);
	return s == OK ? OK : err_at(err, s, f->ref->path, -1, -1);
}

status silver_rows_read(
	struct silver_task *t, const struct silver_file *f, const struct parquet_range *range, struct err *err)
{
	struct store_object *object = NULL;
	TRY(open_file(t, f, false, &object, err));
	const struct bucket_rows rows = {.range = *range};
	const status s = slice_read(t, f, &rows, err);
	store_object_close(object);
	return s == OK ? OK : err_at(err, s, f->ref->path, -1, -1);
}

static int by_first_ts(const void *a, const void *b)
{
	const struct slice *x = a, *y = b;
	if (x->first_ts != y->first_ts) return x->first_ts < y->first_ts ? -1 : 1;
	if (x->file->place != y->file->place) return x->file->place < y->file->place ? -1 : 1;
	return (x->range.row_group > y->range.row_group) - (x->range.row_group < y->range.row_group);
}

void silver_slices_sort(struct day *d)
{
	if (d->slices.n > 1) qsort(d->slices.items, d->slices.n, sizeof *d->slices.items, by_first_ts);
}

/* ---- whole columns --------------------------------------------------------------------------------------- */

static status read_rows(struct silver_task *t, const struct silver_file *f, const struct silver_columns *which,
	rows_visit visit, struct err *err)
{
	int columns[OUT_COLUMNS_MAX];
	TRY(rows_check(f, t->reader, err));
	TRY(table_positions(t->reader, which->schema, which->columns, which->n, columns, err));
	for (size_t g = 0; g < parquet_reader_n_row_groups(t->reader); g++) {
		const struct parquet_range all = {g, 0, parquet_reader_row_group_rows(t->reader, g)};
		struct batch b;
		if (all.end == 0) continue;
		TRY(parquet_reader_read(
			t->reader, &all, (struct parquet_columns){columns, which->n}, &t->day.arena, &b, err));
		TRY(visit(t, &b, err));
	}
	return OK;
}

status silver_table_read(struct silver_task *t, const struct silver_file *f, const struct silver_columns *which,
	rows_visit visit, struct err *err)
{
	struct store_object *object = NULL;
	arena_reset(&t->day.arena);
	TRY(open_file(t, f, true, &object, err));
	const status s = read_rows(t, f, which, visit, err);
	store_object_close(object);
	return s == OK ? OK : err_at(err, s, f->ref->path, -1, -1);
}

/* Read more columns of a slice that is in memory already: rare rows need them (quarantine, duplicates). */
static status slice_more(
	struct silver_task *t, struct slice *s, const int *wanted, size_t n, struct column *out, struct err *err)
{
	struct store_object *object = NULL;
	TRY(open_file(t, s->file, false, &object, err));
	const status got = read_picked(t, s, wanted, n, out, err);
	store_object_close(object);
	return got == OK ? OK : err_at(err, got, s->file->ref->path, -1, -1);
}

status silver_load_texts(struct silver_task *t, struct slice *s, struct err *err)
{
	int in[IN_N], bronze[IN_N];
	struct column columns[IN_N];
	if (!s->lean) return OK;
	const size_t n = pick_columns(true, in, bronze);
	TRY(slice_more(t, s, bronze, n, columns, err));
	for (size_t i = 0; i < n; i++) s->in[in[i]] = columns[i];
	s->lean = false;
	return OK;
}

status silver_load_origin(struct silver_task *t, struct slice *s, struct err *err)
{
	static const int wanted[2] = {BRONZE_RAW_OBJECT, BRONZE_RAW_LINE};
	struct column columns[2];
	if (s->origin_loaded) return OK;
	TRY(slice_more(t, s, wanted, 2, columns, err));
	s->raw_object = columns[0];
	s->raw_line = columns[1];
	s->origin_loaded = true;
	return OK;
}

status silver_load_all(struct silver_task *t, struct slice *s, struct err *err)
{
	if (s->all != NULL) return OK;
	int wanted[BRONZE_N_COLUMNS];
	for (int i = 0; i < BRONZE_N_COLUMNS; i++) wanted[i] = i;
	struct column *all = ARENA_NEW(&t->day.arena, struct column, BRONZE_N_COLUMNS);
	if (all == NULL) return fail_nomem(err);
	TRY(slice_more(t, s, wanted, BRONZE_N_COLUMNS, all, err));
	s->all = all;
	return OK;
}
