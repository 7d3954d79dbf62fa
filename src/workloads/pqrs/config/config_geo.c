/* workloads/pqrs/config/config_geo.c: places: two kinds of ';'-separated tables, and the list of the canonical form. */
#include "io/utf8.h"
#include "workloads/pqrs/config/config_int.h"

enum { FIELDS_MAX = 8, PLACES_MAX = 20000, CODE_CHARS = 5 }; /* Colombia has 1,122 municipalities */
#define DEGREES_E6 INT64_C(1000000)

struct row {
	struct str fields[FIELDS_MAX];
	size_t n;
};

struct table {
	struct str text; /* what is left */
	const char *name;
	int64_t line;     /* of the row just read */
	size_t n_columns; /* of the header */
};

static status row_fail(
	const struct table *t, const char *column, const char *expected, struct str found, struct err *err)
{
	const status code = fail(err, E_USAGE, "%s: expected %s, found \"%.*s\"", column, expected,
		(int)(found.n < 60 ? found.n : 60), found.p);
	return err_at(err, code, t->name, -1, t->line);
}

static struct str trim(struct str s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r')) s.n--;
	return s;
}

/* The next line that is not empty; false at the end. *n counts all fields, also those past FIELDS_MAX. */
static bool row_next(struct table *t, struct row *row)
{
	while (t->text.n > 0) {
		const char *eol = memchr(t->text.p, '\n', t->text.n);
		struct str line = {t->text.p, eol != NULL ? (size_t)(eol - t->text.p) : t->text.n};
		const size_t taken = line.n + (eol != NULL);
		t->text.p += taken;
		t->text.n -= taken;
		t->line++;
		line = trim(line);
		if (line.n == 0) continue;
		for (row->n = 0;; row->n++) {
			const char *end = memchr(line.p, ';', line.n);
			const struct str field = {line.p, end != NULL ? (size_t)(end - line.p) : line.n};
			if (row->n < FIELDS_MAX) row->fields[row->n] = trim(field);
			if (end == NULL) break;
			line.p += field.n + 1;
			line.n -= field.n + 1;
		}
		row->n++;
		return true;
	}
	return false;
}

/* Skip a byte order mark and the header, which must be these columns; the last `optional` of them may be missing. */
struct header {
	const char *const *columns;
	size_t n, optional;
};
static status table_open(struct table *t, const struct header *h, struct err *err)
{
	struct row row;
	if (!utf8_valid(t->text.p, t->text.n) || memchr(t->text.p, '\0', t->text.n) != NULL) {
		const status bad = fail(err, E_USAGE, "not UTF-8 text; save the table as UTF-8");
		return err_at(err, bad, t->name, (int64_t)utf8_valid_prefix(t->text.p, t->text.n), -1);
	}
	if (t->text.n >= 3 && memcmp(t->text.p, "\xEF\xBB\xBF", 3) == 0) {
		t->text.p += 3;
		t->text.n -= 3;
	}
	bool same = row_next(t, &row) && (row.n == h->n || row.n == h->n - h->optional);
	for (size_t i = 0; same && i < row.n; i++) same = str_is(row.fields[i], h->columns[i]);
	t->n_columns = row.n;
	if (same) return OK;
	char expected[160] = "";
	for (size_t i = 0; i < h->n - h->optional; i++) (void)strcat(strcat(expected, i > 0 ? ";" : ""), h->columns[i]);
	const status code = fail(err, E_USAGE, "header: expected %s", expected);
	return err_at(err, code, t->name, -1, t->line > 0 ? t->line : 1);
}

/* Five digits; the leading zero a spreadsheet dropped comes back. */
static bool dane_code(struct str text, char dst[CODE_CHARS + 1])
{
	if (text.n != CODE_CHARS && text.n != CODE_CHARS - 1) return false;
	dst[0] = '0';
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9') return false;
		dst[CODE_CHARS - text.n + i] = text.p[i];
	}
	dst[CODE_CHARS] = '\0';
	return true;
}

/* Code and names of a row, and room for it in the table. */
static status place_begin(
	const struct table *t, const struct row *row, struct arena *arena, struct geo_place *out, struct err *err)
{
	char code[CODE_CHARS + 1];
	if (row->n != t->n_columns) {
		const status bad =
			fail(err, E_USAGE, "expected %zu fields separated by ';', found %zu", t->n_columns, row->n);
		return err_at(err, bad, t->name, -1, t->line);
	}
	if (!dane_code(row->fields[0], code)) return row_fail(t, "dane_city_code", "five digits", row->fields[0], err);
	if (row->fields[1].n == 0) return row_fail(t, "city_name", "a name", row->fields[1], err);
	if (row->fields[2].n == 0) return row_fail(t, "department_name", "a name", row->fields[2], err);
	*out = (struct geo_place){
		.dane_code = arena_strndup(arena, code, CODE_CHARS),
		.city = arena_strndup(arena, row->fields[1].p, row->fields[1].n),
		.department = arena_strndup(arena, row->fields[2].p, row->fields[2].n),
		.latitude_e6 = INT32_MIN,
		.longitude_e6 = INT32_MIN,
	};
	if (out->dane_code == NULL || out->city == NULL || out->department == NULL) return fail_nomem(err);
	return OK;
}

static const struct geo_place *place_find(const struct geo_place *places, size_t n, const char *code)
{
	for (size_t i = 0; i < n; i++) {
		if (memcmp(places[i].dane_code, code, CODE_CHARS) == 0) return &places[i];
	}
	return NULL;
}

static size_t lines_count(struct str text)
{
	size_t n = 1;
	for (size_t i = 0; i < text.n; i++) n += text.p[i] == '\n';
	return n;
}

static status degrees(
	const struct table *t, const char *column, struct str text, int64_t max, int32_t *out, struct err *err)
{
	int64_t v = 0;
	if (!config_decimal_parse(text, 6, &v) || v < -max * DEGREES_E6 || v > max * DEGREES_E6)
		return row_fail(t, column, "decimal degrees with at most 6 digits after the point", text, err);
	*out = (int32_t)v;
	return OK;
}

/* Fields 6 and 7, where the table has them. */
static status place_others(const struct row *row, struct arena *arena, struct geo_place *p, struct err *err)
{
	if (row->n < 8) return OK;
	p->other_cities = arena_strndup(arena, row->fields[6].p, row->fields[6].n);
	p->other_departments = arena_strndup(arena, row->fields[7].p, row->fields[7].n);
	return p->other_cities != NULL && p->other_departments != NULL ? OK : fail_nomem(err);
}

static status place_coordinates(
	const struct table *t, const struct row *row, struct geo_place *p, int64_t *weight, struct err *err)
{
	TRY(degrees(t, "latitude", row->fields[3], 90, &p->latitude_e6, err));
	TRY(degrees(t, "longitude", row->fields[4], 180, &p->longitude_e6, err));
	if (config_decimal_parse(row->fields[5], 0, weight) && *weight >= 0 && *weight <= UINT32_MAX) return OK;
	return row_fail(t, "weight", "an integer of at least 0", row->fields[5], err);
}

static status place_probability(const struct table *t, const struct row *row, const struct geo_table *known,
	struct geo_place *p, int64_t *weight, struct err *err)
{
	const struct geo_place *same = place_find(known->places, known->n, p->dane_code);
	if (same != NULL) {
		p->latitude_e6 = same->latitude_e6;
		p->longitude_e6 = same->longitude_e6;
		p->other_cities = same->other_cities;
		p->other_departments = same->other_departments;
	}
	if (config_decimal_parse(row->fields[3], 9, weight) && *weight >= 0 && *weight <= INT64_C(1000000000))
		return OK;
	return row_fail(t, "probability", "a decimal number from 0 to 1 with at most 9 digits after the point",
		row->fields[3], err);
}

/* known == NULL: the table has coordinates. *sum: of all weights. */
static status rows_read(struct table *t, const struct geo_table *known, struct arena *arena, struct geo_table *out,
	int64_t *sum, struct err *err)
{
	struct row row;
	struct geo_place *places = ARENA_NEW(arena, struct geo_place, lines_count(t->text));
	if (places == NULL) return fail_nomem(err);
	size_t n = 0;
	for (*sum = 0; row_next(t, &row); n++) {
		int64_t weight = 0;
		struct geo_place *p = &places[n];
		if (n == PLACES_MAX) return fail(err, E_LIMIT, "%s: more than %d places", t->name, PLACES_MAX);
		TRY(place_begin(t, &row, arena, p, err));
		if (place_find(places, n, p->dane_code) != NULL)
			return row_fail(t, "dane_city_code", "each code once", row.fields[0], err);
		TRY(known == NULL ? place_coordinates(t, &row, p, &weight, err)
				  : place_probability(t, &row, known, p, &weight, err));
		if (known == NULL) TRY(place_others(&row, arena, p, err));
		p->weight = (uint32_t)weight;
		*sum += weight;
	}
	*out = (struct geo_table){places, n};
	return OK;
}

status pqrs_config_read_geo_csv(
	struct str text, const char *name, struct arena *arena, struct geo_table *out, struct err *err)
{
	static const char *const columns[] = {"dane_city_code", "city_name", "department_name", "latitude", "longitude",
		"weight", "other_city_names", "other_department_names"};
	static const struct header header = {columns, 8, 2};
	struct table t = {.text = text, .name = name};
	int64_t sum;
	TRY(table_open(&t, &header, err));
	TRY(rows_read(&t, NULL, arena, out, &sum, err));
	if (sum > 0 && sum <= UINT32_MAX) return OK;
	return fail(err, E_USAGE, "%s: the weights add up to %lld, expected 1 to %u", name, (long long)sum, UINT32_MAX);
}

status pqrs_config_read_geo_probabilities(struct str text, const char *name, const struct geo_table *known,
	struct arena *arena, struct geo_table *out, struct err *err)
{
	static const char *const columns[] = {"dane_city_code", "city_name", "department_name", "probability"};
	static const struct header header = {columns, 4, 0};
	struct table t = {.text = text, .name = name};
	int64_t sum;
	TRY(table_open(&t, &header, err));
	TRY(rows_read(&t, known, arena, out, &sum, err));
	if (sum == INT64_C(1000000000)) return OK;
	return fail(err, E_USAGE, "%s: probability: the column adds up to %lld.%09lld, expected exactly 1", name,
		(long long)(sum / 1000000000), (long long)(sum % 1000000000));
}

/* ---- canonical list ---- */

static status coordinate(const struct config_node *node, int64_t max, int32_t *out, struct err *err)
{
	int64_t v = INT32_MIN;
	if (node->kind != CONFIG_NULL) TRY(config_millionths(node, -max * DEGREES_E6, max * DEGREES_E6, &v, err));
	*out = (int32_t)v;
	return OK;
}

static status read_place(const struct config_node *node, struct arena *arena, struct geo_place *out, struct err *err)
{
	char code[CODE_CHARS + 1];
	int64_t weight;
	TRY(config_list(node, 0, err));
	if (node->n != 6 && node->n != 8) return config_fail(node, err, "expected 6 or 8 items, found %u", node->n);
	const struct config_node *at = node->first;
	TRY(pqrs_config_keep_str(at, arena, &out->dane_code, err));
	if (at->text.n != CODE_CHARS || !dane_code(at->text, code)) return config_fail(at, err, "expected five digits");
	TRY(pqrs_config_keep_str(at = at->next, arena, &out->city, err));
	TRY(pqrs_config_keep_str(at = at->next, arena, &out->department, err));
	TRY(coordinate(at = at->next, 90, &out->latitude_e6, err));
	TRY(coordinate(at = at->next, 180, &out->longitude_e6, err));
	TRY(config_i64(at = at->next, 0, UINT32_MAX, &weight, err));
	out->weight = (uint32_t)weight;
	if (at->next == NULL) return OK;
	TRY(pqrs_config_keep_str(at = at->next, arena, &out->other_cities, err));
	return pqrs_config_keep_str(at->next, arena, &out->other_departments, err);
}

status pqrs_config_read_geo_list(
	const struct config_node *node, struct arena *arena, struct geo_table *out, struct err *err)
{
	TRY(config_list(node, 1, err));
	if (node->n > PLACES_MAX) return config_fail(node, err, "more than %d places", PLACES_MAX);
	struct geo_place *places = ARENA_ZNEW(arena, struct geo_place, node->n);
	if (places == NULL) return fail_nomem(err);
	uint64_t sum = 0;
	size_t n = 0;
	for (const struct config_node *c = node->first; c != NULL; c = c->next, n++) {
		TRY(read_place(c, arena, &places[n], err));
		sum += places[n].weight;
	}
	if (sum == 0 || sum > UINT32_MAX)
		return config_fail(node, err, "the weights add up to %llu", (unsigned long long)sum);
	*out = (struct geo_table){places, n};
	return OK;
}
