/* app/trace.c: spans of a run, gathered until a stage or the run ends, then one OTLP document for all of them.
 *
 * Invariants: 1. `lock` guards everything from `spans` on: tasks are told of by any thread; 2. a span is written once, when it has ended,
 * so what a killed process had begun is not there.
 */
#include "app/trace.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/post.h"
#include "base/alloc.h"
#include "io/utf8.h"

enum {
	URL_CHARS_MAX = 2048,
	HEADERS_CHARS_MAX = 8192,
	SPANS_IN_DOCUMENT_MAX = 512,
	TRACE_HEX = 2 * TRACE_ID_BYTES,
	SPAN_HEX = 2 * SPAN_ID_BYTES
};
enum { SPAN_KIND_INTERNAL = 1, STATUS_OK = 1, STATUS_ERROR = 2 };

struct trace {
	struct post *post;
	struct buf resource;                             /* attributes, without their brackets */
	char trace[TRACE_HEX + 1], parent[SPAN_HEX + 1]; /* parent "" = the run is the root */

	pthread_mutex_t lock;
	struct buf spans;
	int n_spans;
	char run[SPAN_HEX + 1], stage[SPAN_HEX + 1];
};

/* ---- the environment --------------------------------------------------------------------------------------------------- */

static const char *env(const char *name)
{
	const char *value = getenv(name);
	return value != NULL && value[0] != '\0' ? value : NULL;
}

static bool env_is(const char *name, const char *value)
{
	const char *set = env(name);
	return set != NULL && strcmp(set, value) == 0;
}

static bool all_zero(const uint8_t *p, size_t n)
{
	size_t i = 0;
	while (i < n && p[i] == 0) i++;
	return i == n;
}

bool trace_parent_parse(struct str text, struct trace_parent *out)
{
	enum { VERSION_AT = 0, TRACE_AT = 3, SPAN_AT = 36, FLAGS_AT = 53, CHARS = 55 };
	uint8_t version, flags;
	struct trace_parent p;
	if (text.n < CHARS || text.p[2] != '-' || text.p[SPAN_AT - 1] != '-' || text.p[FLAGS_AT - 1] != '-')
		return false;
	for (size_t i = 0; i < CHARS; i++)
		if (text.p[i] >= 'A' && text.p[i] <= 'F') return false;
	if (!hex_decode((struct str){text.p, 2}, &version, 1) || version == 0xff) return false;
	if (text.n > CHARS && (version == 0 || text.p[CHARS] != '-')) return false; /* a later version may add to it */
	if (!hex_decode((struct str){text.p + TRACE_AT, TRACE_HEX}, p.trace, TRACE_ID_BYTES) ||
		!hex_decode((struct str){text.p + SPAN_AT, SPAN_HEX}, p.span, SPAN_ID_BYTES) ||
		!hex_decode((struct str){text.p + FLAGS_AT, 2}, &flags, 1))
		return false;
	if (all_zero(p.trace, sizeof p.trace) || all_zero(p.span, sizeof p.span)) return false;
	p.sampled = (flags & 1) != 0;
	*out = p;
	return true;
}

static void attribute(struct buf *out, const char *key, struct str value)
{
	struct buf mended;
	buf_init(&mended, 0);
	utf8_text_mend(&mended, value);
	buf_printf(out, "%s{\"key\":", out->n > 0 && out->p[out->n - 1] == '}' ? "," : "");
	buf_json_str(out, str_of(key));
	buf_str(out, ",\"value\":{\"stringValue\":");
	buf_json_str(out, (struct str){(const char *)mended.p, mended.n});
	buf_str(out, "}}");
	buf_deinit(&mended);
}

static void attribute_int(struct buf *out, const char *key, int64_t value)
{
	buf_printf(out, "%s{\"key\":\"%s\",\"value\":{\"intValue\":\"%lld\"}}",
		out->n > 0 && out->p[out->n - 1] == '}' ? "," : "", key, (long long)value);
}

/* The next "key=value" of a list with commas, percent-encoded as W3C Baggage is, decoded into dst[size] as key NUL value NUL. false: the
 * list ended. One that is none or too long gives "". */
static bool next_pair(const char **list, char *dst, size_t size, const char **value)
{
	const char *p = *list + strspn(*list, ", \t");
	size_t n = 0;
	bool good = true;
	*value = NULL;
	if (*p == '\0') return false;
	for (; *p != '\0' && *p != ','; p++) {
		uint8_t c = (uint8_t)*p;
		if (c == '%' && p[1] != '\0' && p[2] != '\0' && hex_decode((struct str){p + 1, 2}, &c, 1)) p += 2;
		good = good && n + 2 < size && c >= ' ' && c != 0x7f; /* a line break would end a header */
		if (!good) continue;
		if (c == '=' && *value == NULL) {
			dst[n++] = '\0';
			*value = dst + n;
		} else {
			dst[n++] = (char)c;
		}
	}
	*list = p;
	while (good && n > 0 && dst[n - 1] == ' ') n--;
	dst[n] = '\0';
	if (!good || *value == NULL) dst[0] = '\0';
	return true;
}

static void set_resource(struct buf *out)
{
	char pair[1024];
	const char *value, *list = env("OTEL_RESOURCE_ATTRIBUTES"), *service = env("OTEL_SERVICE_NAME");
	bool named = service != NULL;
	if (named) attribute(out, "service.name", str_of(service));
	while (list != NULL && next_pair(&list, pair, sizeof pair, &value)) {
		if (pair[0] == '\0' || (service != NULL && strcmp(pair, "service.name") == 0)) continue;
		attribute(out, pair, str_of(value));
		named = named || strcmp(pair, "service.name") == 0;
	}
	if (!named) attribute(out, "service.name", STR("pqr"));
	attribute(out, "service.version", STR(PQR_VERSION));
	attribute(out, "telemetry.sdk.name", STR("pqr"));
	attribute(out, "telemetry.sdk.language", STR("c"));
}

static status address(char dst[URL_CHARS_MAX], struct err *err)
{
	const char *traces = env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), *base = env("OTEL_EXPORTER_OTLP_ENDPOINT");
	size_t base_n = base != NULL ? strlen(base) : 0;
	while (base_n > 0 && base[base_n - 1] == '/') base_n--;
	const int n = traces != NULL ? snprintf(dst, URL_CHARS_MAX, "%s", traces)
				     : snprintf(dst, URL_CHARS_MAX, "%.*s/v1/traces", (int)base_n, base);
	if (n < 0 || n >= URL_CHARS_MAX) return fail(err, E_LIMIT, "the OTLP endpoint is too long");
	for (const char *p = dst; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ') return fail(err, E_USAGE, "the OTLP endpoint holds a blank");
	return OK;
}

static status open_post(struct post **out, struct err *err)
{
	char url[URL_CHARS_MAX], text[HEADERS_CHARS_MAX], pair[2048];
	const char *headers[POST_HEADERS_MAX] = {"Content-Type: application/json"}, *value;
	const char *list = env("OTEL_EXPORTER_OTLP_TRACES_HEADERS");
	struct post_target target = {.what = "spans of the trace", .url = url, .headers = headers, .n_headers = 1};
	size_t used = 0;
	if (list == NULL) list = env("OTEL_EXPORTER_OTLP_HEADERS");
	TRY(address(url, err));
	if (strncmp(url, "file:", 5) == 0)
		return fail(err, E_USAGE, "the OTLP endpoint is no http:// or https:// address");
	while (list != NULL && next_pair(&list, pair, sizeof pair, &value)) {
		if (pair[0] == '\0' || target.n_headers == POST_HEADERS_MAX) continue;
		const int n = snprintf(text + used, sizeof text - used, "%s: %s", pair, value);
		if (n < 0 || (size_t)n >= sizeof text - used) continue;
		headers[target.n_headers++] = text + used;
		used += (size_t)n + 1;
	}
	return post_open(&target, out, err);
}

static void random_span(char dst[SPAN_HEX + 1])
{
	uint8_t id[UUID_BYTES];
	do uuid_random(id);
	while (all_zero(id + SPAN_ID_BYTES, SPAN_ID_BYTES));
	hex_encode(id + SPAN_ID_BYTES, SPAN_ID_BYTES, dst);
}

static void set_ids(struct trace *t, const struct trace_parent *parent)
{
	uint8_t id[UUID_BYTES];
	uuid_random(id);
	hex_encode(parent != NULL ? parent->trace : id, TRACE_ID_BYTES, t->trace);
	if (parent != NULL) hex_encode(parent->span, SPAN_ID_BYTES, t->parent);
}

status trace_open(struct trace **out, struct err *err)
{
	struct trace_parent parent;
	const char *given = env("TRACEPARENT");
	const bool child = given != NULL && trace_parent_parse(str_of(given), &parent);
	*out = NULL;
	if (env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == NULL && env("OTEL_EXPORTER_OTLP_ENDPOINT") == NULL) return OK;
	if (env_is("OTEL_SDK_DISABLED", "true") || env_is("OTEL_TRACES_EXPORTER", "none")) return OK;
	if (child && !parent.sampled) return OK;
	struct trace *t = mem_zalloc(1, sizeof *t);
	if (t == NULL) return fail_nomem(err);
	const status code = open_post(&t->post, err);
	if (code != OK) {
		mem_free(t);
		return code;
	}
	(void)pthread_mutex_init(&t->lock, NULL);
	buf_init(&t->resource, 1 << 16);
	buf_init(&t->spans, 0);
	set_ids(t, child ? &parent : NULL);
	set_resource(&t->resource);
	*out = t;
	return OK;
}

/* ---- spans (lock held) ------------------------------------------------------------------------------------------------- */

static void flush(struct trace *t)
{
	struct buf document;
	if (t->n_spans == 0) return;
	buf_init(&document, 0);
	buf_str(&document, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[");
	buf_add(&document, t->resource.p, t->resource.n);
	buf_str(&document,
		"]},\"scopeSpans\":[{\"scope\":{\"name\":\"pqr\",\"version\":\"" PQR_VERSION "\"},\"spans\":[");
	buf_add(&document, t->spans.p, t->spans.n);
	buf_str(&document, "]}]}]}");
	document.failed = document.failed || t->spans.failed || t->resource.failed;
	post_add(t->post, &document);
	buf_deinit(&document);
	buf_reset(&t->spans);
	t->n_spans = 0;
}

struct span {
	const char *id, *parent, *kind; /* "run" "stage" "task" */
	const char *name;
	const struct watch_event *e;
	const struct buf *attributes;
};

static void add_span(struct trace *t, const struct span *s)
{
	struct buf message;
	struct buf *out = &t->spans;
	if (t->n_spans == SPANS_IN_DOCUMENT_MAX) flush(t);
	buf_printf(out,
		"%s{\"traceId\":\"%s\",\"spanId\":\"%s\",\"parentSpanId\":\"%s\",\"name\":\"%s %s\",\"kind\":%d,",
		t->n_spans > 0 ? "," : "", t->trace, s->id, s->parent, s->kind, s->name, SPAN_KIND_INTERNAL);
	buf_printf(out, "\"startTimeUnixNano\":\"%lld000\",\"endTimeUnixNano\":\"%lld000\",\"attributes\":[",
		(long long)s->e->started_at, (long long)s->e->at);
	buf_add(out, s->attributes->p, s->attributes->n);
	buf_printf(out, "],\"status\":{\"code\":%d", s->e->code == OK ? STATUS_OK : STATUS_ERROR);
	if (s->e->error != NULL) {
		buf_init(&message, 0);
		utf8_text_mend(&message, str_of(s->e->error));
		buf_str(out, ",\"message\":");
		buf_json_str(out, (struct str){(const char *)message.p, message.n});
		buf_deinit(&message);
	}
	buf_str(out, "}}");
	t->n_spans++;
}

static void common(const struct watch_event *e, struct buf *out)
{
	attribute(out, "pqr.run_id", str_of(e->run->run_id));
	attribute(out, "pqr.workload", str_of(e->workload->name));
	if (e->stage != NULL) attribute(out, "pqr.stage", str_of(e->stage));
}

static void task_span(struct trace *t, const struct watch_event *e, struct buf *attributes)
{
	char id[SPAN_HEX + 1];
	random_span(id);
	attribute(attributes, "pqr.task_id", str_of(e->task->task_id));
	attribute_int(attributes, "pqr.attempt", e->task->attempt);
	attribute_int(attributes, "pqr.rows_in", e->task->rows_in);
	attribute_int(attributes, "pqr.rows_out", e->task->rows_out);
	attribute_int(attributes, "pqr.bytes_in", e->task->bytes_in);
	attribute_int(attributes, "pqr.bytes_out", e->task->bytes_out);
	add_span(t, &(struct span){id, t->stage, "task", e->task->task_id, e, attributes});
}

static void stage_span(struct trace *t, const struct watch_event *e, struct buf *attributes)
{
	if (e->left->committed) {
		const struct control_stage *r = &e->left->record;
		attribute_int(attributes, "pqr.tasks", r->n_tasks);
		attribute_int(attributes, "pqr.rows_in", r->rows_in);
		attribute_int(attributes, "pqr.rows_out", r->rows_out);
		attribute_int(attributes, "pqr.bytes_in", r->bytes_in);
		attribute_int(attributes, "pqr.bytes_out", r->bytes_out);
	}
	add_span(t, &(struct span){t->stage, t->run, "stage", e->stage, e, attributes});
	flush(t);
}

static void ended(struct trace *t, const struct watch_event *e)
{
	struct buf attributes;
	buf_init(&attributes, 0);
	common(e, &attributes);
	if (e->kind == WATCH_TASK_ENDED) {
		task_span(t, e, &attributes);
	} else if (e->kind == WATCH_STAGE_ENDED) {
		stage_span(t, e, &attributes);
	} else {
		add_span(t, &(struct span){t->run, t->parent, "run", e->workload->name, e, &attributes});
		flush(t);
	}
	if (attributes.failed) t->spans.failed = true;
	buf_deinit(&attributes);
}

static void tell(void *arg, const struct watch_event *e)
{
	struct trace *t = arg;
	(void)pthread_mutex_lock(&t->lock);
	if (e->kind == WATCH_RUN_BEGUN)
		random_span(t->run);
	else if (e->kind == WATCH_STAGE_BEGUN)
		random_span(t->stage);
	else
		ended(t, e);
	(void)pthread_mutex_unlock(&t->lock);
}

struct run_watch trace_watch(struct trace *t)
{
	return (struct run_watch){tell, t};
}

void trace_close(struct trace *t)
{
	if (t == NULL) return;
	post_close(t->post);
	buf_deinit(&t->spans);
	buf_deinit(&t->resource);
	(void)pthread_mutex_destroy(&t->lock);
	mem_free(t);
}
