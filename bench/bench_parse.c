/* bench_parse [FILE.jsonl [ROUNDS]]: MB/s of user CPU time for scanning, parsing and building bronze columns, without I/O.
 * Without FILE it makes its own sample: four event types, Spanish text, about 343 bytes a line. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "base/time.h"
#include "io/json/json_scan.h"
#include "io/utf8.h"
#include "parquet/writer.h"
#include "workloads/pqrs/bronze/event.h"
#include "workloads/pqrs/bronze/event_order.h"

enum { WINDOW = 128 * 1024, SAMPLE_LINES = 200000, BATCH_ROWS = 2500 };

struct sample {
	char *p;
	size_t n;
	int64_t lines;
};

static double user_seconds(void)
{
	struct rusage u;
	(void)getrusage(RUSAGE_SELF, &u);
	return (double)u.ru_utime.tv_sec + (double)u.ru_utime.tv_usec / 1e6;
}

static void put_uuid(struct buf *b, uint32_t entity, uint32_t purpose)
{
	uint8_t id[UUID_BYTES];
	char text[UUID_CHARS];
	const struct rng4 r = rng_philox(42, entity, purpose, 0);
	memcpy(id, r.v, sizeof id);
	uuid_format(id, text);
	buf_add(b, text, sizeof text);
}

static const char *const sentences[] = {
	"Solicito información sobre el estado de mi trámite radicado el mes pasado en la oficina de atención al "
	"ciudadano.",
	"El servicio de acueducto en el barrio no funciona desde hace tres días y nadie da razón; pido una solución "
	"urgente.",
	"Señores de la Alcaldía: la factura llegó con un cobro que no corresponde a mi consumo, según consta en el "
	"recibo anexo.",
	"Agradezco la atención prestada, su solicitud fue remitida al área competente y será respondida dentro del "
	"término legal.",
	"Sugiero ampliar el horario de atención los sábados para quienes trabajamos entre semana y no podemos asistir.",
};

static void put_created(struct buf *b, uint32_t i, struct rng4 r)
{
	static const char *const channels[] = {"email", "webform", "chat", "call", "other_digital"};
	static const char *const places[] = {"Bogotá D.C.", "Medellín", "Cali", "Barranquilla", "Cúcuta", "Ibagué"};
	const char *place = places[r.v[1] % 6];
	buf_printf(b,
		"{\"external_id\":\"PQRS-2025-%06u\",\"source_channel\":\"%s\",\"pqrs_type\":\"%c\",\"priority\":\"%"
		"s\",\"geo_region\":\"%s\","
		"\"geo_municipio\":\"%s\",\"dane_city_code\":\"%05u\",\"subject\":\"Solicitud sobre el trámite "
		"%u\",\"text\":\"%s %s\",\"text_len\":%u}",
		i, channels[r.v[0] % 5], "PQRS"[r.v[0] >> 8 & 3], r.v[2] & 1 ? "media" : "baja", place, place,
		5001 + r.v[1] % 1000, r.v[3] % 1000, sentences[r.v[2] % 5], sentences[r.v[3] % 5], 200 + r.v[3] % 100);
}

static void put_line(struct buf *b, uint32_t i)
{
	static const char *const types[] = {"STATUS_CHANGED", "STATUS_CHANGED", "STATUS_CHANGED", "STATUS_CHANGED",
		"STATUS_CHANGED", "MESSAGE_ADDED", "MESSAGE_ADDED", "MESSAGE_ADDED", "ATTACHMENT_ADDED",
		"TICKET_CREATED"};
	static const char *const states[] = {
		"RECEIVED", "RADICATED", "CLASSIFIED", "ASSIGNED", "IN_PROGRESS", "RESPONDED"};
	const struct rng4 r = rng_philox(42, i, 9, 0);
	const char *type = types[rng_below(rng_philox(42, i, 8, 0).v[0], 10)];
	char ts[TIME_RFC3339_CHARS];
	time_format(INT64_C(1756684800000000) + (int64_t)i * 37123457 % US_PER_DAY, ts);
	buf_str(b, "{\"event_id\":\"");
	put_uuid(b, i, 1);
	buf_str(b, "\",\"ticket_id\":\"");
	put_uuid(b, i / 10, 2);
	buf_printf(b, "\",\"event_type\":\"%s\",\"ts\":\"%.27s\",\"schema_version\":\"v1.0\",\"data\":", type, ts);
	switch (type[0]) {
	case 'T': put_created(b, i, r); break;
	case 'M':
		buf_printf(b, "{\"role\":\"%s\",\"text\":\"%s %s\",\"text_len\":%u}", r.v[0] & 1 ? "agent" : "citizen",
			sentences[r.v[1] % 5], sentences[r.v[2] % 5], 190 + r.v[3] % 90);
		break;
	case 'S':
		buf_printf(b,
			"{\"status_from\":\"%s\",\"status_to\":\"%s\",\"actor_role\":\"%s\",\"reason\":\"transición "
			"automática\"}",
			states[r.v[0] % 5], states[r.v[0] % 5 + 1], r.v[1] & 1 ? "agent" : "system");
		break;
	default:
		buf_printf(b, "{\"file_type\":\"pdf\",\"size_kb\":%u,\"file_name\":\"documento_%u.pdf\"}",
			1 + r.v[1] % 5000, r.v[2] % 1000);
		break;
	}
	buf_str(b, "}\n");
}

static bool sample_make(struct sample *s)
{
	struct buf b;
	buf_init(&b, 0);
	for (uint32_t i = 0; i < SAMPLE_LINES; i++) put_line(&b, i);
	(void)buf_reserve(&b, JSON_SCAN_PADDING);
	*s = (struct sample){(char *)b.p, b.n, SAMPLE_LINES};
	return !b.failed;
}

static bool sample_read(const char *path, struct sample *s)
{
	FILE *f = fopen(path, "rb");
	if (f == NULL) return false;
	(void)fseek(f, 0, SEEK_END);
	const long n = ftell(f);
	rewind(f);
	s->p = n > 0 ? mem_alloc((size_t)n + JSON_SCAN_PADDING) : NULL;
	const bool ok = s->p != NULL && fread(s->p, 1, (size_t)n, f) == (size_t)n;
	(void)fclose(f);
	s->n = (size_t)n;
	s->lines = 0;
	for (size_t i = 0; ok && i < s->n; i++) s->lines += s->p[i] == '\n';
	return ok;
}

static void report(const char *what, const struct sample *s, double seconds, int64_t count)
{
	printf("%-28s %8.0f MB/s %8.1f ns/line  (%lld)\n", what, (double)s->n / seconds / 1e6,
		seconds * 1e9 / (double)s->lines, (long long)count);
}

static void bench_utf8(const struct sample *s)
{
	const double from = user_seconds();
	int64_t ok = 0;
	for (size_t at = 0; at < s->n; at += WINDOW)
		ok += utf8_valid(s->p + at, s->n - at < WINDOW ? s->n - at : WINDOW);
	report("utf-8", s, user_seconds() - from, ok);
}

static void bench_scan(const struct sample *s)
{
	const double from = user_seconds();
	int64_t ok = 0;
	for (const char *p = s->p, *end = s->p + s->n; p < end;) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		if (eol == NULL) eol = end;
		struct json_scan scan;
		json_start(&scan, p, (size_t)(eol - p));
		ok += json_skip(&scan, NULL) && json_end(&scan);
		p = eol + 1;
	}
	report("scan", s, user_seconds() - from, ok);
}

/* Windows of whole lines, as bronze takes them. */
static void batch_begin(struct event_batch *b)
{
	event_batch_reset(b);
	if (event_batch_origin(b, STR("raw/x"), STR("email"), 20000, NULL) != OK) abort();
}

static void bench_parse(const struct sample *s, bool plain, struct event_batch *batch, const char *what)
{
	struct event_parser *e;
	struct event ev;
	if (event_parser_create(&e, NULL) != OK) return;
	event_parser_force_plain(e, plain);
	int64_t valid = 0, line = 0;
	const double from = user_seconds();
	for (const char *p = s->p, *end = s->p + s->n; p < end;) {
		const char *limit = end - p > WINDOW ? (const char *)memrchr(p, '\n', WINDOW) + 1 : end;
		struct line_cursor c = {p, limit, utf8_valid(p, (size_t)(limit - p))};
		while (c.p < c.limit) {
			line++;
			if (event_next(e, &c, &ev).verdict != EVENT_VALID) continue;
			valid++;
			if (batch == NULL) continue;
			if (batch->n_rows == BATCH_ROWS) batch_begin(batch);
			event_batch_append(batch, &ev, line);
		}
		p = limit;
	}
	report(what, s, user_seconds() - from, valid);
	event_parser_destroy(e);
}

struct bronze {
	struct event_batch *batch;
	struct event_index index;
	struct event_order order;
	struct parquet_writer *writer;
	int64_t bytes;
};

/* What a task does with an object once its lines are in the batch. */
static status object_end(struct bronze *b, bool write, struct err *err)
{
	struct column columns[BRONZE_N_COLUMNS];
	const uint8_t *p;
	size_t n;
	TRY(event_batch_finish(b->batch, columns, err));
	TRY(event_order_make(&b->order, b->batch, err));
	if (write) {
		const struct batch batch = {&pqrs_bronze_events, BRONZE_N_COLUMNS, columns, b->batch->n_rows};
		const struct parquet_rows rows = {
			b->order.rows, (uint32_t)b->batch->n_rows, b->order.cuts, b->order.n_cuts};
		parquet_writer_reset(b->writer);
		TRY(parquet_writer_row_group(b->writer, &batch, &rows, err));
		TRY(parquet_writer_finish(b->writer, &p, &n, err));
		b->bytes += (int64_t)n;
	}
	batch_begin(b->batch);
	return event_index_start(&b->index, 0, BATCH_ROWS, err);
}

static status bronze_lines(
	const struct sample *s, struct event_parser *e, struct bronze *b, bool write, struct err *err)
{
	struct event ev;
	enum event_seen seen;
	int64_t line = 0;
	TRY(event_index_start(&b->index, 0, BATCH_ROWS, err));
	for (const char *p = s->p, *end = s->p + s->n; p < end;) {
		const char *limit = end - p > WINDOW ? (const char *)memrchr(p, '\n', WINDOW) + 1 : end;
		struct line_cursor c = {p, limit, utf8_valid(p, (size_t)(limit - p))};
		while (c.p < c.limit) {
			line++;
			if (event_next(e, &c, &ev).verdict != EVENT_VALID) continue;
			TRY(event_index_add(&b->index, b->batch, &ev, &seen, err));
			if (seen == EVENT_NEW) event_batch_append(b->batch, &ev, line);
			if (b->batch->n_rows == BATCH_ROWS) TRY(object_end(b, write, err));
		}
		p = limit;
	}
	return object_end(b, write, err);
}

/* Objects of BATCH_ROWS lines, from text to Parquet in memory. */
static void bench_bronze(const struct sample *s, struct event_batch *batch, bool write, const char *what)
{
	struct bronze b = {.batch = batch};
	struct event_parser *e;
	struct err err;
	const struct parquet_opts opts = {.codec = PARQUET_ZSTD, .level = 1, .bloom = true};
	if (event_parser_create(&e, NULL) != OK ||
		parquet_writer_create(&pqrs_bronze_events, &opts, &b.writer, NULL) != OK)
		return;
	event_index_init(&b.index);
	event_order_init(&b.order);
	batch_begin(batch);
	const double from = user_seconds();
	if (bronze_lines(s, e, &b, write, &err) != OK) (void)fprintf(stderr, "bench_parse: %s\n", err.message);
	report(what, s, user_seconds() - from, b.bytes);
	event_index_deinit(&b.index);
	event_order_deinit(&b.order);
	event_parser_destroy(e);
	parquet_writer_destroy(b.writer);
}

int main(int argc, char **argv)
{
	struct sample s;
	const int rounds = argc > 2 ? atoi(argv[2]) : 3;
	if (argc > 1 ? !sample_read(argv[1], &s) : !sample_make(&s)) {
		(void)fprintf(stderr, "bench_parse: cannot read %s\n", argc > 1 ? argv[1] : "a sample: out of memory");
		return 1;
	}
	printf("%zu bytes, %lld lines, %.0f bytes a line\n", s.n, (long long)s.lines, (double)s.n / (double)s.lines);
	struct event_batch batch;
	event_batch_init(&batch);
	batch_begin(&batch);
	for (int i = 0; i < rounds; i++) {
		bench_utf8(&s);
		bench_scan(&s);
		bench_parse(&s, true, NULL, "parse, general way");
		bench_parse(&s, false, NULL, "parse");
		bench_parse(&s, false, &batch, "parse into columns");
		bench_bronze(&s, &batch, false, "and find repeats, order");
		bench_bronze(&s, &batch, true, "bronze, in memory");
	}
	event_batch_deinit(&batch);
	mem_free(s.p);
	return 0;
}
