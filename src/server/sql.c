/* server/sql.c: a statement of the request's body, its rows as JSON: {"columns":[{name,type}],"rows":[[...]],"truncated":b,"seconds":s}.
 *
 * What it may do is what `pqr sql` may: read the lake's tables (query/query.h). Beside that its time and its rows are bounded. */
#include "server/sql.h"

#include <ctype.h>
#include <strings.h>

#include "app/lake_picture.h"
#include "base/time.h"
#include "io/json/json_doc.h"
#include "query/query.h"
#include "server/server_int.h"

enum { TIMEOUT_MS = 30000, LIMIT_DEFAULT = 1000, ROWS_BYTES_MAX = 64 << 20 };

struct answer {
	struct buf *out;
	int64_t n, limit;
	bool truncated;
};

static bool is_bare(const char *type)
{
	static const char *const types[] = {"BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UBIGINT",
		"FLOAT", "DOUBLE", "DECIMAL"};
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (strcmp(type, types[i]) == 0) return true;
	return false;
}

static void add_cell(struct buf *out, const struct query_cell *c)
{
	const size_t sign = c->text.n > 0 && c->text.p[0] == '-';
	const bool plain =
		c->text.p != NULL && is_bare(c->type) && c->text.n > sign &&
		(isdigit((unsigned char)c->text.p[sign]) || str_is(c->text, "true") || str_is(c->text, "false"));
	if (c->text.p == NULL)
		buf_str(out, "null");
	else if (plain)
		buf_add(out, c->text.p, c->text.n);
	else
		buf_json_str(out, c->text);
}

static status on_head(void *arg, const struct query_cell *cells, size_t n, struct err *err)
{
	struct answer *a = arg;
	buf_str(a->out, "{\"columns\":[");
	for (size_t i = 0; i < n; i++) {
		buf_str(a->out, i > 0 ? ",{\"name\":" : "{\"name\":");
		buf_json_str(a->out, str_of(cells[i].name));
		buf_printf(a->out, ",\"type\":\"%s\"}", cells[i].type);
	}
	buf_str(a->out, "],\"rows\":[");
	return buf_check(a->out, err);
}

static status on_row(void *arg, const struct query_cell *cells, size_t n, struct err *err)
{
	struct answer *a = arg;
	if (a->n == a->limit) {
		a->truncated = true;
		return fail(err, E_LIMIT, "that are rows enough");
	}
	buf_str(a->out, a->n++ > 0 ? ",[" : "[");
	for (size_t i = 0; i < n; i++) {
		if (i > 0) buf_char(a->out, ',');
		add_cell(a->out, &cells[i]);
	}
	buf_char(a->out, ']');
	return buf_check(a->out, err);
}

static status run(struct server *s, struct query *q, struct str text, struct answer *a, struct err *err)
{
	const int64_t start = time_mono_us();
	const struct query_select select = {
		.sql = text, .head = on_head, .visit = on_row, .arg = a, .timeout_ms = TIMEOUT_MS};
	(void)s;
	const status code = query_each(q, &select, err);
	if (code != OK && !a->truncated) return code;
	buf_printf(a->out, "],\"truncated\":%s,\"seconds\":%.3f}\n", a->truncated ? "true" : "false",
		(double)(time_mono_us() - start) / 1e6);
	return buf_check(a->out, err);
}

static status open_and_run(struct server *s, struct request *r, struct str text, struct answer *a, struct err *err)
{
	struct query *q = NULL;
	struct query_picture picture;
	struct query_opts o = {
		.lake = s->session->lake, .version = -1, .at_ms = INT64_MIN, .threads = 2, .stuck = server_leave};
	TRY(lake_picture(o.lake, NULL, r->arena, &picture, err));
	if (picture.n > 0) o.picture = &picture;
	const status opened = query_open(&o, &q, err);
	if (opened == E_NOT_FOUND) {
		struct err why = {0};
		if (err != NULL) why = *err;
		return fail(err, E_UNSUPPORTED, "SQL over the lake needs DuckDB: %s", why.message);
	}
	TRY(opened);
	const status code = run(s, q, text, a, err);
	query_close(q);
	return code;
}

static status read_body(
	const struct server *s, const struct json_node *root, struct str *text, int64_t *limit, struct err *err)
{
	*limit = LIMIT_DEFAULT < s->rows_max ? LIMIT_DEFAULT : s->rows_max;
	const struct json_node *node = json_node_get(root, "limit");
	if (!json_node_str(json_node_get(root, "sql"), text))
		return fail(err, E_USAGE, "expected {\"sql\": \"SELECT ...\", \"limit\": 100}");
	if (node != NULL && (!json_node_i64(node, limit) || *limit < 0 || *limit > s->rows_max))
		return fail(err, E_USAGE, "limit: expected a number up to %lld", (long long)s->rows_max);
	return OK;
}

/* Another site's page can send a form, but no JSON without asking first, which nobody here allows. */
static bool is_json(const struct request *r)
{
	static const char type[] = "application/json";
	const struct str sent = request_header_get(r, "Content-Type");
	return sent.n >= sizeof type - 1 && strncasecmp(sent.p, type, sizeof type - 1) == 0;
}

status sql_answer(struct server *s, struct request *r, struct response *out, struct err *err)
{
	struct json_doc *doc = NULL;
	struct str text;
	struct answer a = {.out = &out->body};
	if (!s->sql) {
		response_problem(
			out, 403, "SQL is switched off: server.sql in the configuration, or the option of pqr serve");
		return OK;
	}
	if (!is_json(r)) return fail(err, E_USAGE, "Content-Type: expected application/json");
	if (json_doc_parse(r->body, &doc, err) != OK) return fail(err, E_USAGE, "the body is no JSON");
	buf_deinit(&out->body);
	buf_init(&out->body, ROWS_BYTES_MAX);
	out->type = "application/json";
	status code = read_body(s, json_doc_root(doc), &text, &a.limit, err);
	if (code == OK) code = open_and_run(s, r, text, &a, err);
	json_doc_destroy(doc);
	return code;
}
