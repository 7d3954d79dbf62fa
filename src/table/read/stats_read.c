/* table/read/stats_read.c: the stats of an add, typed by the table's schema. Nothing in them is trusted further than a bound that can
 * be wrong only by being too wide; what cannot be read so is absent. */
#include "base/time.h"
#include "io/json/json_scan.h"
#include "table/write/stats.h"

enum {
	MILLISECOND_REST = 999, /* microseconds that a maximum cut to milliseconds may lack */
	DOUBLE_DIGITS = 15,     /* decimal digits that survive a double */
	DOUBLE_BITS = 52,
};

struct stats_read {
	struct json_scan scan;
	char *text; /* the copy that is scanned */
	const struct delta_schema *schema;
	struct arena *arena;
	struct delta_file_stats *out;
	bool wide; /* "tightBounds": false */
	bool nomem;
};

/* The string without its escapes, which are undone in place: that only shortens it. */
static struct str plain(const struct stats_read *r, const struct json_string *s)
{
	if (!s->has_escape) return s->raw;
	char *at = r->text + (s->raw.p - r->text);
	return (struct str){at, json_unescape(s->raw, at)};
}

/* Writers keep the schema's order: look right after the column before, then everywhere. -1: none. */
static int find_column(const struct delta_schema *schema, struct str name, int before)
{
	const size_t next = (size_t)(before + 1);
	if (next < schema->n && str_is(name, schema->columns[next].def.name)) return (int)next;
	return delta_schema_index(schema, name);
}

/* ---- values ----------------------------------------------------------------------------------------------- */

/* Without an offset it is of the writer's own zone, whichever that was; but a local time is what it says. */
static bool timestamp_bound(const struct delta_column *c, struct str text, bool upper, struct delta_value *v)
{
	const bool local = strcmp(c->type_text, "timestamp_ntz") == 0;
	const char *dot = text.n > 0 ? memchr(text.p, '.', text.n) : NULL;
	size_t digits = 0;
	int64_t us;
	if (!local && !time_parse(text, &us)) return false;
	if (delta_value_parse(&c->def, text, v, NULL) != OK || v->null) return false;
	if (dot != NULL) {
		for (const char *p = dot + 1; p < text.p + text.n && *p >= '0' && *p <= '9'; p++) digits++;
	}
	if (upper && digits <= 3) v->i64 += MILLISECOND_REST;
	return true;
}

static bool string_bound(struct stats_read *r, struct str text, bool upper, struct delta_value *v)
{
	*v = (struct delta_value){.text = text};
	if (!upper || text.n < DELTA_STATS_STRING) return true;
	char *raised = arena_alloc(r->arena, text.n + 1, 1);
	if (raised == NULL) {
		r->nomem = true;
		return false;
	}
	memcpy(raised, text.p, text.n);
	raised[text.n] = (char)0xFF;
	v->text = (struct str){raised, text.n + 1};
	return true;
}

static bool text_bound(struct stats_read *r, const struct delta_column *c, bool upper, struct delta_value *v)
{
	struct json_string s;
	if (!json_take_string(&r->scan, &s)) return false;
	const struct str text = plain(r, &s);
	if (c->def.type == COL_STRING) return string_bound(r, text, upper, v);
	if (c->def.type == COL_TIMESTAMP) return timestamp_bound(c, text, upper, v);
	return c->def.type == COL_DATE && delta_value_parse(&c->def, text, v, NULL) == OK && !v->null;
}

static bool number_bound(struct stats_read *r, const struct column_def *def, bool upper, struct delta_value *v)
{
	struct str text;
	*v = (struct delta_value){0};
	if (!json_take_number(&r->scan, &text)) return false;
	switch (def->type) {
	case COL_INT32: return json_number_i64(text, &v->i64) && v->i64 >= INT32_MIN && v->i64 <= INT32_MAX;
	case COL_INT64: return json_number_i64(text, &v->i64);
	case COL_FLOAT:
	case COL_DOUBLE: return !upper && delta_value_parse(def, text, v, NULL) == OK;
	case COL_DECIMAL: break;
	default: return false;
	}
	if (delta_value_parse(def, text, v, NULL) != OK) return false;
	if (def->precision > DOUBLE_DIGITS) { /* the text may be that of the nearest double */
		const int64_t rest = ((v->i64 < 0 ? -v->i64 : v->i64) >> DOUBLE_BITS) + 1;
		v->i64 += upper ? rest : -rest;
	}
	return true;
}

/* The next value of the text as a bound of the column; false: it is none (r->scan.error tells whether the text is broken). */
static bool take_bound(struct stats_read *r, const struct delta_column *c, bool upper, struct delta_value *out)
{
	const enum json_kind kind = json_peek(&r->scan);
	if (c->supported && kind == JSON_STRING) return text_bound(r, c, upper, out);
	if (c->supported && kind == JSON_NUMBER) return number_bound(r, &c->def, upper, out);
	(void)!json_skip(&r->scan, NULL); /* scan.error stays set */
	return false;
}

static bool take_count(struct json_scan *s, int64_t *out)
{
	struct str text;
	if (json_peek(s) == JSON_NUMBER) return json_take_number(s, &text) && json_number_i64(text, out) && *out >= 0;
	(void)!json_skip(s, NULL);
	return false;
}

/* ---- the object ------------------------------------------------------------------------------------------- */

enum section { MIN_VALUES, MAX_VALUES, NULL_COUNT };

static void read_section(struct stats_read *r, enum section section)
{
	struct json_scan *s = &r->scan;
	struct json_string key;
	int at = -1;
	if (json_peek(s) != JSON_OBJECT) {
		(void)!json_skip(s, NULL);
		return;
	}
	if (!json_object_begin(s)) return;
	while (json_object_next(s, &key)) {
		const int found = find_column(r->schema, plain(r, &key), at);
		if (found < 0) {
			(void)!json_skip(s, NULL);
			continue;
		}
		at = found;
		const struct delta_column *c = &r->schema->columns[at];
		struct delta_column_stats *stats = &r->out->columns[at];
		if (section == MIN_VALUES)
			stats->has_min = take_bound(r, c, false, &stats->min);
		else if (section == MAX_VALUES)
			stats->has_max = take_bound(r, c, true, &stats->max);
		else
			stats->has_null_count = take_count(s, &stats->null_count);
	}
}

static void read_member(struct stats_read *r, struct str key)
{
	struct json_scan *s = &r->scan;
	if (str_is(key, "minValues")) return read_section(r, MIN_VALUES);
	if (str_is(key, "maxValues")) return read_section(r, MAX_VALUES);
	if (str_is(key, "nullCount")) return read_section(r, NULL_COUNT);
	if (str_is(key, "numRecords")) {
		int64_t rows;
		r->out->rows = take_count(s, &rows) ? rows : -1;
		return;
	}
	if (str_is(key, "tightBounds")) r->wide = json_peek(s) == JSON_FALSE;
	(void)!json_skip(s, NULL);
}

static bool read_object(struct stats_read *r)
{
	struct json_string key;
	if (!json_object_begin(&r->scan)) return false;
	while (json_object_next(&r->scan, &key)) read_member(r, plain(r, &key));
	return json_end(&r->scan);
}

/* With wide bounds a count of nulls says something only when all or no rows are null. */
static void drop_wide_counts(struct delta_file_stats *stats, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct delta_column_stats *c = &stats->columns[i];
		if (c->null_count != 0 && c->null_count != stats->rows) c->has_null_count = false;
	}
}

status delta_stats_read(struct str text, const struct delta_schema *schema, struct arena *arena,
	struct delta_file_stats *out, struct err *err)
{
	struct delta_file_stats stats = {.rows = -1};
	struct stats_read r = {.schema = schema, .arena = arena, .out = &stats};
	stats.columns = ARENA_ZNEW(arena, struct delta_column_stats, schema->n);
	r.text = arena_alloc(arena, text.n + JSON_SCAN_PADDING, 1);
	if (stats.columns == NULL || r.text == NULL) return fail_nomem(err);
	if (text.n > 0) memcpy(r.text, text.p, text.n);
	memset(r.text + text.n, 0, JSON_SCAN_PADDING);
	json_start(&r.scan, r.text, text.n);
	const bool whole = read_object(&r);
	if (r.nomem) return fail_nomem(err);
	if (!whole) {
		stats.rows = -1;
		if (schema->n > 0) memset(stats.columns, 0, schema->n * sizeof *stats.columns);
	}
	if (r.wide) drop_wide_counts(&stats, schema->n);
	*out = stats;
	return OK;
}
