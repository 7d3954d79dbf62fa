/* flow/task_json.c: tasks, results and runs as JSON text and back.
 *
 * 1. One value has one text (canonical): members sorted, nothing optional written where it says nothing.
 * 2. What is read may be anybody's: each member is checked before it is used, in the order of the writer.
 */
#include "flow/task_json.h"

#include "flow/made_days.h"

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static void member(struct buf *out, char separator, const char *name)
{
	buf_char(out, separator);
	buf_json_str(out, str_of(name));
	buf_char(out, ':');
}

static void member_str(struct buf *out, char separator, const char *name, const char *value)
{
	member(out, separator, name);
	buf_json_str(out, str_of(value != NULL ? value : ""));
}

static void member_i64(struct buf *out, char separator, const char *name, int64_t value)
{
	member(out, separator, name);
	buf_i64(out, value);
}

static void member_hex(struct buf *out, char separator, const char *name, const uint8_t *p, size_t n)
{
	member(out, separator, name);
	buf_char(out, '"');
	buf_hex(out, p, n);
	buf_char(out, '"');
}

static void member_date(struct buf *out, char separator, const char *name, int32_t date)
{
	char text[DATE_CHARS + 1] = "";
	member(out, separator, name);
	if (date == INT32_MIN) {
		buf_str(out, "null");
		return;
	}
	date_format(date, text);
	buf_json_str(out, (struct str){text, DATE_CHARS});
}

/* Written where the folders do not tell the same. */
static void partition_json(struct buf *out, const struct delta_pairs *values)
{
	member(out, ',', "partition");
	buf_char(out, '{');
	for (size_t i = 0; i < values->n; i++) {
		const struct delta_pair *pair = &values->items[i];
		if (i > 0) buf_char(out, ',');
		buf_json_str(out, pair->key);
		buf_char(out, ':');
		if (pair->value.p != NULL)
			buf_json_str(out, pair->value);
		else
			buf_str(out, "null");
	}
	buf_char(out, '}');
}

void file_ref_json(struct buf *out, const struct file_ref *f)
{
	member_i64(out, '{', "bytes", f->bytes);
	if (f->earlier) buf_str(out, ",\"earlier\":true");
	if (f->last_us != 0) member_i64(out, ',', "last_us", f->last_us);
	if (f->made_of != NULL) member_str(out, ',', "made_of", f->made_of);
	if (!path_tells(f->path, &f->partition)) partition_json(out, &f->partition);
	member_str(out, ',', "path", f->path);
	member_i64(out, ',', "rows", f->rows);
	member_hex(out, ',', "sha256", f->sha256, SHA256_BYTES);
	member_str(out, ',', "table", f->table);
	member_hex(out, ',', "xxh128", f->xxh128, XXH128_BYTES);
	buf_char(out, '}');
}

void file_list_json(struct buf *out, const struct file_list *l)
{
	buf_char(out, '[');
	for (size_t i = 0; i < l->n; i++) {
		if (i > 0) buf_char(out, ',');
		file_ref_json(out, &l->items[i]);
	}
	buf_char(out, ']');
}

/* Names are unique in a list: selecting the next larger one each time needs no scratch memory, and names are few. */
void counter_list_json(struct buf *out, const struct counter_list *l)
{
	const struct counter *last = NULL;
	buf_char(out, '{');
	for (size_t written = 0; written < l->n; written++) {
		const struct counter *next = NULL;
		for (size_t i = 0; i < l->n; i++) {
			const struct counter *c = &l->items[i];
			if (last != NULL && strcmp(c->name, last->name) <= 0) continue;
			if (next == NULL || strcmp(c->name, next->name) < 0) next = c;
		}
		if (next == NULL) break;
		if (written > 0) buf_char(out, ',');
		buf_json_str(out, str_of(next->name));
		buf_char(out, ':');
		buf_i64(out, next->value);
		last = next;
	}
	buf_char(out, '}');
}

/* Ends what stands before it; a stage without events adds nothing. */
void event_stats_json(struct buf *out, const struct event_stats *e)
{
	char separator = '{';
	if (!event_stats_dated(e) && e->types.n == 0 && e->why == NULL) return;
	member(out, ',', "events");
	if (event_stats_dated(e)) {
		member_i64(out, separator, "first", e->first);
		member_i64(out, ',', "last", e->last);
		separator = ',';
	}
	member(out, separator, "types");
	counter_list_json(out, &e->types);
	if (e->why != NULL) member_str(out, ',', "why", e->why);
	buf_char(out, '}');
}

static void run_info_begin(struct buf *out, const struct run_info *run)
{
	member(out, '{', "as_of");
	if (run->as_of == INT64_MIN)
		buf_str(out, "null");
	else
		buf_i64(out, run->as_of);
	member_str(out, ',', "config_hash", run->config_hash);
	member_date(out, ',', "date_from", run->date_from);
	member_date(out, ',', "date_to", run->date_to);
	if (run->drops[0] != '\0') member_str(out, ',', "drops", run->drops);
}

void run_info_json(struct buf *out, const struct run_info *run)
{
	run_info_begin(out, run);
	if (run_makes(run)) member_str(out, ',', "params", run->params);
	member_str(out, ',', "run_id", run->run_id);
	member_str(out, ',', "source", run->source);
	member_str(out, ',', "workload", run->workload);
	buf_char(out, '}');
}

void run_info_former_json(struct buf *out, const struct run_info *run, uint64_t ingest_seed)
{
	const unsigned long long seed = run_makes(run) ? made_days_seed(run) : ingest_seed;
	run_info_begin(out, run);
	member_date(out, ',', "emit_from", made_days_first(run));
	member_str(out, ',', "run_id", run->run_id);
	buf_printf(out, ",\"seed\":\"%llu\"", seed);
	buf_printf(out, ",\"simulated\":%s", run_makes(run) ? "true" : "false");
	member_str(out, ',', "source", run->source);
	member_str(out, ',', "workload", run->workload);
	buf_char(out, '}');
}

void task_document_json(struct buf *out, const struct run_info *run, const struct task_spec *spec)
{
	member_i64(out, '{', "hi", spec->hi);
	if (spec->history[0] != '\0') member_str(out, ',', "history", spec->history);
	member(out, ',', "inputs");
	file_list_json(out, &spec->inputs);
	member_i64(out, ',', "lo", spec->lo);
	member_str(out, ',', "part", spec->part);
	if (run != NULL) {
		member(out, ',', "run");
		run_info_json(out, run);
	}
	if (spec->since != INT64_MIN) member_i64(out, ',', "since", spec->since);
	member_str(out, ',', "stage", spec->stage);
	if (spec->standing.n > 0) {
		member(out, ',', "standing");
		file_list_json(out, &spec->standing);
	}
	member_str(out, ',', "task_id", spec->task_id);
	buf_char(out, '}');
}

void task_spec_json(struct buf *out, const struct task_spec *spec)
{
	task_document_json(out, NULL, spec);
}

void task_result_json(struct buf *out, const struct task_result *result)
{
	member(out, '{', "counters");
	counter_list_json(out, &result->counters);
	event_stats_json(out, &result->events);
	member(out, ',', "outputs");
	file_list_json(out, &result->outputs);
	buf_char(out, '}');
}

#define ROWS_MAX (INT64_C(1) << 40) /* of one file: sums over a list stay far from 2^63 */

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static status bad(const char *name, struct err *err)
{
	return fail(err, E_CORRUPT, "member \"%s\" is missing or of another kind", name);
}

static status get_i64(const struct json_node *n, const char *name, int64_t *out, struct err *err)
{
	return json_node_i64(json_node_get(n, name), out) ? OK : bad(name, err);
}

static status get_str(const struct json_node *n, const char *name, struct str *out, struct err *err)
{
	return json_node_str(json_node_get(n, name), out) ? OK : bad(name, err);
}

static status get_text(
	const struct json_node *n, const char *name, struct arena *arena, const char **out, struct err *err)
{
	struct str s;
	TRY(get_str(n, name, &s, err));
	const char *copy = arena_strndup(arena, s.p, s.n);
	if (copy == NULL) return fail_nomem(err);
	*out = copy;
	return OK;
}

static status get_hex(const struct json_node *n, const char *name, uint8_t *out, size_t bytes, struct err *err)
{
	struct str s;
	TRY(get_str(n, name, &s, err));
	return hex_decode(s, out, bytes) ? OK : bad(name, err);
}

static status get_date(const struct json_node *n, const char *name, int32_t *out, struct err *err)
{
	struct str s;
	const struct json_node *node = json_node_get(n, name);
	if (node != NULL && json_node_kind(node) == JSON_DOC_NULL) {
		*out = INT32_MIN;
		return OK;
	}
	return json_node_str(node, &s) && date_parse(s, out) ? OK : bad(name, err);
}

/* The values of a file: as told, or as its folders say. Views f and n; in arena. */
static status partition_parse(const struct json_node *n, const struct file_ref *f, struct arena *arena,
	struct delta_pairs *out, struct err *err)
{
	if (n == NULL) return path_values(f->path, arena, out, err);
	if (json_node_kind(n) != JSON_DOC_OBJECT) return bad("partition", err);
	struct delta_pair *items = ARENA_NEW(arena, struct delta_pair, json_node_n(n) + 1);
	const struct json_node *value;
	size_t i = 0;
	if (items == NULL) return fail_nomem(err);
	for (const void *at = NULL; json_node_next(n, &at, &items[i].key, &value); i++) {
		items[i].value = (struct str){NULL, 0};
		if (json_node_kind(value) != JSON_DOC_NULL && !json_node_str(value, &items[i].value))
			return bad("partition", err);
	}
	*out = (struct delta_pairs){items, i};
	return OK;
}

static status file_parse(const struct json_node *n, struct file_list *out, struct err *err)
{
	struct file_ref f = {0};
	struct str path, table, made_of;
	TRY(get_i64(n, "bytes", &f.bytes, err));
	TRY(get_i64(n, "rows", &f.rows, err));
	TRY(get_str(n, "path", &path, err));
	TRY(get_str(n, "table", &table, err));
	TRY(get_hex(n, "sha256", f.sha256, SHA256_BYTES, err));
	TRY(get_hex(n, "xxh128", f.xxh128, XXH128_BYTES, err));
	if (f.bytes < 0 || f.rows < -1 || f.rows > ROWS_MAX) return bad("rows", err);
	const struct json_node *earlier = json_node_get(n, "earlier"); /* only written where true */
	if (earlier != NULL && !json_node_bool(earlier, &f.earlier)) return bad("earlier", err);
	if (json_node_get(n, "last_us") != NULL) TRY(get_i64(n, "last_us", &f.last_us, err));
	if (json_node_get(n, "made_of") != NULL) {
		TRY(get_str(n, "made_of", &made_of, err));
		f.made_of = made_of.p;
	}
	f.path = path.p;
	f.table = table.p;
	TRY(partition_parse(json_node_get(n, "partition"), &f, out->arena, &f.partition, err));
	return file_list_add(out, &f) ? OK : fail_nomem(err);
}

status file_list_parse(const struct json_node *n, struct file_list *out, struct err *err)
{
	if (json_node_kind(n) != JSON_DOC_ARRAY) return fail(err, E_CORRUPT, "a list of files is missing");
	for (size_t i = 0; i < json_node_n(n); i++) TRY(file_parse(json_node_at(n, i), out, err));
	return OK;
}

status counter_list_parse(const struct json_node *n, struct counter_list *out, struct err *err)
{
	struct str key;
	const struct json_node *value;
	if (json_node_kind(n) != JSON_DOC_OBJECT) return bad("counters", err);
	for (const void *at = NULL; json_node_next(n, &at, &key, &value);) {
		int64_t v;
		if (!json_node_i64(value, &v)) return bad(key.p, err);
		if (!counter_add(out, key.p, v)) return fail_nomem(err);
	}
	return OK;
}

status event_stats_parse(const struct json_node *n, struct event_stats *out, struct err *err)
{
	if (n == NULL) return OK;
	const struct json_node *first = json_node_get(n, "first"), *last = json_node_get(n, "last");
	if ((first == NULL) != (last == NULL)) return bad("events", err);
	if (first != NULL &&
		(!json_node_i64(first, &out->first) || !json_node_i64(last, &out->last) || !event_stats_dated(out)))
		return bad("events", err);
	if (json_node_get(n, "why") != NULL) TRY(get_text(n, "why", out->types.arena, &out->why, err));
	return counter_list_parse(json_node_get(n, "types"), &out->types, err);
}

/* A text: JSON integers are read as int64. */
static status get_seed(const struct json_node *n, uint64_t *out, struct err *err)
{
	struct str s;
	TRY(get_str(n, "seed", &s, err));
	uint64_t seed = 0;
	for (size_t i = 0; i < s.n; i++) {
		const unsigned digit = (unsigned)(s.p[i] - '0');
		if (digit > 9 || __builtin_mul_overflow(seed, 10u, &seed) || __builtin_add_overflow(seed, digit, &seed))
			return bad("seed", err);
	}
	if (s.n == 0) return bad("seed", err);
	*out = seed;
	return OK;
}

/* A text of exactly n characters into dst[n + 1]. */
static status get_fixed(const struct json_node *n, const char *name, char *dst, size_t chars, struct err *err)
{
	struct str s;
	TRY(get_str(n, name, &s, err));
	if (s.n != chars) return bad(name, err);
	memcpy(dst, s.p, chars);
	dst[chars] = '\0';
	return OK;
}

static bool is_run_id(struct str s)
{
	uint8_t id[UUID_BYTES];
	char again[UUID_CHARS];
	if (!uuid_parse(s, id)) return false;
	uuid_format(id, again);
	return str_eq(s, (struct str){again, sizeof again});
}

/* Names of objects are made from both. */
static bool ids_ok(const struct run_info *run)
{
	uint8_t hash[SHA256_BYTES];
	return hex_decode(str_of(run->config_hash), hash, sizeof hash) && is_run_id(str_of(run->run_id));
}

/* Dates are known together or not at all, and a run that makes its events has them; as_of is an instant that RFC 3339 can write. */
static status times_check(const struct run_info *run, struct err *err)
{
	const bool known = run->date_from != INT32_MIN;
	if (known != (run->date_to != INT32_MIN) || run->date_to < run->date_from) return bad("date_to", err);
	if (run_makes(run) && !known) return bad("date_from", err);
	if (run->as_of != INT64_MIN &&
		(run->as_of < DATE_MIN * US_PER_DAY || run->as_of >= (DATE_MAX + 1) * US_PER_DAY))
		return bad("as_of", err);
	return OK;
}

/* Runs of before had these members in place of params. */
static status former_params(const struct json_node *n, struct arena *arena, struct run_info *run, struct err *err)
{
	bool simulated;
	int32_t emit_from;
	struct made_days days = {.from = run->date_from};
	if (!json_node_bool(json_node_get(n, "simulated"), &simulated)) return bad("simulated", err);
	if (!simulated) return OK;
	TRY(get_date(n, "emit_from", &emit_from, err));
	TRY(get_seed(n, &days.seed, err));
	run->params = made_days_params(arena, days, emit_from);
	return run->params != NULL ? OK : fail_nomem(err);
}

status run_info_former_seed(const struct json_node *n, uint64_t *out, struct err *err)
{
	*out = 0;
	return json_node_get(n, "simulated") != NULL ? get_seed(n, out, err) : OK;
}

status run_info_parse(const struct json_node *n, struct arena *arena, struct run_info *out, struct err *err)
{
	struct run_info run = {.as_of = INT64_MIN, .params = ""};
	const struct json_node *as_of = json_node_get(n, "as_of");
	if (as_of == NULL || (json_node_kind(as_of) != JSON_DOC_NULL && !json_node_i64(as_of, &run.as_of)))
		return bad("as_of", err);
	TRY(get_fixed(n, "config_hash", run.config_hash, HEX_SHA256_CHARS, err));
	TRY(get_date(n, "date_from", &run.date_from, err));
	TRY(get_date(n, "date_to", &run.date_to, err));
	if (json_node_get(n, "drops") != NULL) TRY(get_fixed(n, "drops", run.drops, UUID_CHARS, err));
	if (json_node_get(n, "params") != NULL) TRY(get_text(n, "params", arena, &run.params, err));
	if (json_node_get(n, "simulated") != NULL) TRY(former_params(n, arena, &run, err));
	TRY(get_fixed(n, "run_id", run.run_id, UUID_CHARS, err));
	if (!ids_ok(&run)) return bad("run_id", err);
	TRY(get_text(n, "source", arena, &run.source, err));
	TRY(get_text(n, "workload", arena, &run.workload, err));
	TRY(times_check(&run, err));
	*out = run;
	return OK;
}

status task_spec_parse(const struct json_node *n, struct arena *arena, struct task_spec *out, struct err *err)
{
	const struct json_node *standing = json_node_get(n, "standing");
	struct task_spec spec = {.history = "", .inputs.arena = arena, .standing.arena = arena, .since = INT64_MIN};
	TRY(get_i64(n, "lo", &spec.lo, err));
	TRY(get_i64(n, "hi", &spec.hi, err));
	TRY(get_text(n, "part", arena, &spec.part, err));
	TRY(get_text(n, "stage", arena, &spec.stage, err));
	TRY(get_text(n, "task_id", arena, &spec.task_id, err));
	TRY(file_list_parse(json_node_get(n, "inputs"), &spec.inputs, err));
	if (json_node_get(n, "history") != NULL) TRY(get_text(n, "history", arena, &spec.history, err));
	if (spec.history[0] != '\0' && !is_run_id(str_of(spec.history))) return bad("history", err);
	if (standing != NULL) TRY(file_list_parse(standing, &spec.standing, err));
	if (json_node_get(n, "since") != NULL) TRY(get_i64(n, "since", &spec.since, err));
	*out = spec;
	return OK;
}

/* The span that a run may have; a hand-written document may claim any, and stages have rows for each day of it. */
static status span_check(const struct run_info *run, struct err *err)
{
	enum { DAYS_MAX = 36525 + 2, YEAR_2000 = 10957 }; /* 100 years, and the edges of local days */
	if (run->date_from == INT32_MIN) return OK;
	const int32_t from = run->date_from > YEAR_2000 ? run->date_from : YEAR_2000;
	const int32_t last = run->as_of != INT64_MIN ? time_utc_date(run->as_of) : run->date_to;
	if (run_makes(run) && run->date_to - run->date_from > DAYS_MAX)
		return fail(err, E_USAGE, "the run's date range spans over 100 years");
	if (last < run->date_from - 1) return fail(err, E_USAGE, "as_of lies before the run's first day");
	if (last - from > DAYS_MAX) return fail(err, E_USAGE, "as_of lies over 100 years after the run's first day");
	return OK;
}

static status document_read(const struct json_node *root, struct arena *arena, struct run_info *run,
	struct task_spec *spec, struct err *err)
{
	TRY(run_info_parse(json_node_get(root, "run"), arena, run, err));
	TRY(task_spec_parse(root, arena, spec, err));
	return span_check(run, err);
}

status task_document_parse(
	struct str text, struct arena *arena, struct run_info *run, struct task_spec *spec, struct err *err)
{
	struct json_doc *doc = NULL;
	struct run_info r;
	struct task_spec s;
	status code = json_doc_parse(text, &doc, err);
	if (code == OK) code = document_read(json_doc_root(doc), arena, &r, &s, err);
	json_doc_destroy(doc);
	if (code == E_CORRUPT) {
		code = E_USAGE;
		if (err != NULL) err->code = E_USAGE;
	}
	if (code != OK) return code;
	*run = r;
	*spec = s;
	return OK;
}

status task_result_read(const struct json_node *root, struct task_result *out, struct err *err)
{
	TRY(counter_list_parse(json_node_get(root, "counters"), &out->counters, err));
	TRY(event_stats_parse(json_node_get(root, "events"), &out->events, err));
	return file_list_parse(json_node_get(root, "outputs"), &out->outputs, err);
}

status task_result_parse(struct str text, struct arena *arena, struct task_result *out, struct err *err)
{
	struct json_doc *doc = NULL;
	struct task_result result;
	task_result_init(&result, NULL, arena);
	TRY(json_doc_parse(text, &doc, err));
	const status code = task_result_read(json_doc_root(doc), &result, err);
	json_doc_destroy(doc);
	if (code == OK) *out = result;
	return code;
}
