/* server/report_page.c: answers put into a page. No question of a figure and no formula stands here: the page has them, and the answers
 * are those that the API gives. Must not know a table. */
#include "server/report_page.h"

#include "base/hash.h"
#include "base/time.h"
#include "io/json/json_doc.h"
#include "server/server.h"
#include "server/static_files.h"

/* ---- asking ---- */

/* The line of report.txt with its dates: "{from}", "{to}", "{before}". */
static void add_target(struct buf *out, struct str line, const struct report_period *p)
{
	const struct {
		struct str mark;
		int32_t date;
	} marks[] = {{STR("{from}"), p->from}, {STR("{to}"), p->to}, {STR("{before}"), report_period_before(p)}};
	for (size_t i = 0; i < line.n;) {
		size_t k = 0;
		while (k < 3 &&
			(line.n - i < marks[k].mark.n || memcmp(line.p + i, marks[k].mark.p, marks[k].mark.n) != 0))
			k++;
		if (k == 3) {
			buf_char(out, line.p[i++]);
			continue;
		}
		char text[DATE_CHARS + 1];
		date_format(marks[k].date, text);
		buf_add(out, text, DATE_CHARS);
		i += marks[k].mark.n;
	}
}

/* Inside an element of a page: no "</script" may stand in it, and '<' stands in the texts of JSON alone. */
static void add_json(struct buf *out, struct str json)
{
	for (size_t i = 0; i < json.n; i++) {
		if (json.p[i] == '<')
			buf_str(out, "\\u003c");
		else
			buf_char(out, json.p[i]);
	}
}

/* Buffers of a report that is made. */
struct parts {
	struct buf target, answer; /* of one question */
	struct buf answers, problems;
	struct buf data;
};

static const char *text_of(struct buf *b)
{
	buf_char(b, '\0');
	return b->failed ? "" : (const char *)b->p;
}

/* The answer to p->target in p->answer. */
static status ask(struct server *s, struct parts *p, int *http_status, struct err *err)
{
	buf_reset(&p->answer);
	const char *target = text_of(&p->target);
	TRY(buf_check(&p->target, err));
	return server_ask(s, target, &p->answer, http_status, err);
}

/* "path":answer; a problem that the page can show goes into problems. */
static status add_answer(struct server *s, struct parts *p, struct err *err)
{
	int http_status;
	TRY(ask(s, p, &http_status, err));
	const struct str body = {(const char *)p->answer.p, p->answer.n};
	const struct str target = {(const char *)p->target.p, p->target.n - 1};
	struct buf *to = http_status == 200 ? &p->answers : &p->problems;
	if (http_status != 200 && http_status != 501)
		return fail(err, E_UNSUPPORTED, "the report needs %.*s, which gives: %.*s",
			(int)(target.n < 200 ? target.n : 200), target.p, (int)(body.n < 300 ? body.n : 300), body.p);
	if (to->n > 0) buf_char(to, ',');
	buf_json_str(to, target);
	buf_char(to, ':');
	add_json(to, body);
	return buf_check(to, err);
}

/* [{"day":"2026-02-28"}] */
static bool read_day(const struct json_doc *doc, int32_t *out)
{
	struct str day;
	return json_node_str(json_node_get(json_node_at(json_doc_root(doc), 0), "day"), &day) && date_parse(day, out);
}

/* The day that p->target asks for. E_NOT_FOUND: there is none. */
static status ask_day(struct server *s, struct parts *p, int32_t *out, struct err *err)
{
	int http_status;
	struct json_doc *doc = NULL;
	TRY(ask(s, p, &http_status, err));
	if (http_status != 200) return fail(err, E_NOT_FOUND, "nothing is published yet: `pqr run` does it");
	TRY(json_doc_parse((struct str){(const char *)p->answer.p, p->answer.n}, &doc, err));
	const bool found = read_day(doc, out);
	json_doc_destroy(doc);
	return found ? OK : fail(err, E_NOT_FOUND, "nothing is published yet: `pqr run` does it");
}

/* ---- the data ---- */

static bool next_line(struct str *text, struct str *line)
{
	if (text->n == 0) return false;
	const char *end = memchr(text->p, '\n', text->n);
	*line = (struct str){text->p, end != NULL ? (size_t)(end - text->p) : text->n};
	const size_t taken = line->n + (end != NULL);
	*text = (struct str){text->p + taken, text->n - taken};
	return true;
}

/* "key":"2026-02-28" */
static void add_date(struct buf *out, const char *key, int32_t date)
{
	char text[DATE_CHARS + 1];
	date_format(date, text);
	buf_printf(out, "\"%s\":\"%.10s\"", key, text);
}

/* The period, and the days of all that is published: cases are those of the last one, whatever the period. */
static void add_days(struct buf *out, const struct report_period *p, const int32_t days[2])
{
	buf_printf(out, "{\"period\":{\"name\":\"%s\",", p->name);
	add_date(out, "from", p->from);
	buf_char(out, ',');
	add_date(out, "to", p->to);
	buf_char(out, ',');
	add_date(out, "before", report_period_before(p));
	buf_str(out, "},\"range\":{");
	add_date(out, "first", days[0]);
	buf_char(out, ',');
	add_date(out, "last", days[1]);
	buf_char(out, '}');
}

/* The first two lines ask for the first and the last day of all, the others are what the page asks. */
static status add_data(
	struct server *s, struct str questions, struct report_period *period, struct parts *p, struct err *err)
{
	struct str line;
	int32_t days[2];
	for (int i = 0; next_line(&questions, &line); i++) {
		buf_reset(&p->target);
		add_target(&p->target, line, period);
		if (i < 2)
			TRY(ask_day(s, p, &days[i], err));
		else
			TRY(add_answer(s, p, err));
		if (i == 1) TRY(report_period_clip(period, days[0], days[1], err));
	}
	add_days(&p->data, period, days);
	buf_str(&p->data, ",\"answers\":{");
	buf_add(&p->data, p->answers.p, p->answers.n);
	buf_str(&p->data, "},\"problems\":{");
	buf_add(&p->data, p->problems.p, p->problems.n);
	buf_str(&p->data, "}}");
	return buf_check(&p->data, err);
}

/* ---- the page ---- */

static void add_hash(struct buf *out, struct str text)
{
	uint8_t hash[SHA256_BYTES];
	char name[(SHA256_BYTES + 2) / 3 * 4 + 1];
	hash_sha256(text.p, text.n, hash);
	base64_encode(hash, sizeof hash, name);
	buf_printf(out, "'sha256-%s'", name);
}

static status add_page(struct str script, struct str sheet, struct str data, struct buf *out, struct err *err)
{
	if (memmem(script.p, script.n, "</script", 8) != NULL || memmem(sheet.p, sheet.n, "</style", 7) != NULL)
		return fail(err, E_CORRUPT, "the dashboard's script or style sheet can't stand inside a page");
	buf_str(out, "<!doctype html>\n<html lang=\"es\">\n<head>\n<meta charset=\"utf-8\">\n"
		     "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; base-uri 'none'; "
		     "form-action 'none'; "
		     "script-src ");
	add_hash(out, script);
	buf_str(out, "; style-src ");
	add_hash(out, sheet);
	buf_str(out, "\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		     "<title>PQR Lakehouse</title>\n<style>");
	buf_add(out, sheet.p, sheet.n);
	buf_str(out, "</style>\n</head>\n<body>\n<div id=\"app\"></div>\n<script type=\"application/json\" "
		     "id=\"pqr-report\">");
	buf_add(out, data.p, data.n);
	buf_str(out, "</script>\n<script type=\"module\">");
	buf_add(out, script.p, script.n);
	buf_str(out, "</script>\n</body>\n</html>\n");
	return buf_check(out, err);
}

static status make(struct server *s, struct report_period *period, struct parts *p, struct buf *out, struct err *err)
{
	const struct str questions = static_file_get("/report.txt");
	const struct str script = static_file_get("/app.js");
	const struct str sheet = static_file_get("/app.css");
	if (questions.p == NULL || script.p == NULL || sheet.p == NULL)
		return fail(err, E_UNSUPPORTED, "this program was built without the dashboard (web/dist)");
	TRY(add_data(s, questions, period, p, err));
	return add_page(script, sheet, (struct str){(const char *)p->data.p, p->data.n}, out, err);
}

status report_page_make(struct server *s, struct report_period *period, struct buf *out, struct err *err)
{
	struct parts p;
	struct buf *const all[] = {&p.target, &p.answer, &p.answers, &p.problems, &p.data};
	const size_t n = sizeof all / sizeof *all;
	for (size_t i = 0; i < n; i++) buf_init(all[i], 0);
	const status code = make(s, period, &p, out, err);
	for (size_t i = 0; i < n; i++) buf_deinit(all[i]);
	return code;
}
