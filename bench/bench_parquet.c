/* bench/bench_parquet.c: what the Parquet writer costs, in user CPU time of one core.
 *
 *   bench_parquet [PART]    only the lines whose table and codec ("bronze zstd 1") or "columns" start with PART
 *
 * bronze: files of 2500 rows with the columns of bronze.pqrs_events, rows given as a permutation with cuts at bucket
 * borders, a writer reused; text like the simulator's. tickets: 100 000 rows like silver.tickets, one row group.
 * Every line is the median of several rounds. "plain MB/s" counts the bytes of the values themselves.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/hash.h"
#include "columnar/batch.h"
#include "parquet/writer.h"
#include "workloads/pqrs/contract/schema.h"

enum { FILE_ROWS = 2500, FILES_IN_BATCH = 8, TICKET_ROWS = 100000, ROUNDS = 7, COLUMNS_MAX = 64 };

struct source {
	const struct table_schema *schema;
	size_t n_columns;
	struct builder builders[COLUMNS_MAX];
	struct column columns[COLUMNS_MAX];
	struct batch batch;
	uint64_t state;
};

static double user_seconds(void)
{
	struct rusage u;
	if (getrusage(RUSAGE_SELF, &u) != 0) return 0;
	return (double)u.ru_utime.tv_sec + (double)u.ru_utime.tv_usec * 1e-6;
}

static uint64_t next(struct source *s)
{
	uint64_t x = s->state += 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static uint32_t below(struct source *s, uint32_t n)
{
	return (uint32_t)((next(s) >> 32) * n >> 32);
}

static void put_uuid(struct source *s, char text[UUID_CHARS])
{
	const uint64_t words[2] = {next(s), next(s)};
	uint8_t id[UUID_BYTES];
	memcpy(id, words, sizeof id);
	uuid_format(id, text);
}

#define PICK(s, list) (list)[below((s), sizeof(list) / sizeof(list)[0])]

static struct str sentence(struct source *s, char *dst, size_t size)
{
	static const char *const openings[] = {"Buenos días.", "Cordial saludo.",
		"Señores de la Alcaldía Municipal:", "Reciban un saludo de mi parte.",
		"Me dirijo a ustedes por lo siguiente.", "Escribo por segunda vez sobre este asunto."};
	static const char *const bodies[] = {"Las lámparas de %s llevan %u días apagadas y nadie responde, pese a que "
					     "hemos llamado a la línea de atención.",
		"La factura llegó con un consumo de %s y un valor de $ %u.500, casi el triple de mi consumo habitual.",
		"Solicito la recolección de escombros y muebles viejos en %s desde hace %u días, y pido que me "
		"indiquen el procedimiento.",
		"Sugiero enviar un mensaje de texto a los usuarios de %s antes de los %u cortes de agua programados.",
		"El carro recolector no pasa por %s desde hace %u días y las basuras se acumulan."};
	static const char *const places[] = {"el barrio La Esperanza", "la carrera 7 con calle 45",
		"la vereda El Salitre", "el barrio Villa del Río", "la calle 12 No. 34-56",
		"la urbanización Los Almendros", "el sector de San Antonio", "la avenida Las Américas"};
	static const char *const ends[] = {"Quedo atento a su pronta respuesta.", "Es urgente.",
		"Gracias por su atención.", "Espero solución en los términos de ley.", ""};
	char body[256];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)snprintf(body, sizeof body, PICK(s, bodies), PICK(s, places), 3 + below(s, 400));
#pragma GCC diagnostic pop
	const int n = snprintf(dst, size, "%s %s %s", PICK(s, openings), body, PICK(s, ends));
	return (struct str){dst, (size_t)n};
}

static void source_init(struct source *s, const struct table_schema *schema, const bool *dictionary)
{
	*s = (struct source){.schema = schema, .n_columns = schema_n_data_columns(schema), .state = 1};
	for (size_t i = 0; i < s->n_columns; i++) builder_init(&s->builders[i], &schema->columns[i], dictionary[i]);
}

static void source_finish(struct source *s, int64_t n)
{
	struct err err;
	for (size_t i = 0; i < s->n_columns; i++)
		if (builder_finish(&s->builders[i], n, &s->columns[i], &err) != OK) abort();
	s->batch = (struct batch){.schema = s->schema, .n_columns = s->n_columns, .columns = s->columns, .n_rows = n};
}

/* ---- bronze ---- */

struct bronze_row {
	uint32_t row;
	int32_t bucket;
	int64_t ts;
};

static void bronze_created(struct source *s, int64_t row, int64_t ts)
{
	static const char *const types[] = {"P", "Q", "R", "S"};
	static const char *const priorities[] = {"alta", "media", "baja"};
	char text[512];
	struct builder *b = s->builders;
	builder_set_str(&b[BRONZE_EXTERNAL_ID], row,
		(struct str){
			text, (size_t)snprintf(text, sizeof text, "PQRS-2026-%07u", (unsigned)row * 17u % 900001u)});
	builder_set_str(&b[BRONZE_SOURCE_CHANNEL], row, STR("webform"));
	builder_set_str(&b[BRONZE_PQRS_TYPE], row, str_of(PICK(s, types)));
	builder_set_str(&b[BRONZE_PRIORITY], row, str_of(PICK(s, priorities)));
	const uint32_t city = below(s, 120);
	builder_set_str(&b[BRONZE_GEO_REGION], row,
		(struct str){text, (size_t)snprintf(text, sizeof text, "Departamento %u", city / 4)});
	builder_set_str(&b[BRONZE_GEO_MUNICIPIO], row,
		(struct str){text, (size_t)snprintf(text, sizeof text, "Municipio de %u", city)});
	builder_set_str(&b[BRONZE_DANE_CITY_CODE], row,
		(struct str){text, (size_t)snprintf(text, sizeof text, "%05u", city * 317u)});
	builder_set_str(&b[BRONZE_SUBJECT], row,
		(struct str){text, (size_t)snprintf(text, sizeof text, "Queja por luminarias apagadas en el sector %u",
					   below(s, 200))});
	builder_set_i32(&b[BRONZE_SLA_BUSINESS_DAYS], row, 15);
	builder_set_i64(&b[BRONZE_RADICATED_AT], row, ts + 3600000000 + below(s, 2000000000));
	builder_set_i64(&b[BRONZE_SLA_DUE_AT], row, ts + 86400000000LL * 21);
}

static void bronze_kind(struct source *s, int64_t row, int64_t ts)
{
	static const char *const states[] = {
		"RECEIVED", "RADICATED", "CLASSIFIED", "ASSIGNED", "IN_PROGRESS", "ON_HOLD", "RESPONDED", "CLOSED"};
	static const char *const kinds[] = {"TICKET_CREATED", "MESSAGE_ADDED", "STATUS_CHANGED", "ATTACHMENT_ADDED"};
	struct builder *b = s->builders;
	char text[512];
	const uint32_t draw = below(s, 100);
	const unsigned kind = draw < 10 ? 0 : draw < 42 ? 1 : draw < 90 ? 2 : 3;
	builder_set_str(&b[BRONZE_EVENT_TYPE], row, str_of(kinds[kind]));
	if (kind == 0) bronze_created(s, row, ts);
	if (kind <= 1) {
		const struct str t = sentence(s, text, sizeof text);
		builder_set_str(&b[BRONZE_TEXT], row, t);
		builder_set_i32(&b[BRONZE_TEXT_LEN], row, (int32_t)t.n);
	}
	if (kind == 1) builder_set_str(&b[BRONZE_ROLE], row, below(s, 3) == 0 ? STR("citizen") : STR("agent"));
	if (kind == 2) {
		const uint32_t state = below(s, 7);
		builder_set_str(&b[BRONZE_STATUS_FROM], row, str_of(states[state]));
		builder_set_str(&b[BRONZE_STATUS_TO], row, str_of(states[state + 1]));
		builder_set_str(&b[BRONZE_ACTOR_ROLE], row, state == 0 ? STR("system") : STR("agent"));
	}
	if (kind != 3) return;
	builder_set_str(&b[BRONZE_FILE_TYPE], row, below(s, 2) == 0 ? STR("pdf") : STR("jpg"));
	builder_set_i64(&b[BRONZE_SIZE_KB], row, 10 + below(s, 5000));
	builder_set_str(&b[BRONZE_FILE_NAME], row,
		(struct str){text, (size_t)snprintf(text, sizeof text, "soporte_%u.pdf", below(s, 100000))});
}

static void bronze_row(struct source *s, uint32_t row, struct bronze_row *out)
{
	struct builder *b = s->builders;
	char id[UUID_CHARS], ticket[UUID_CHARS], object[96];
	put_uuid(s, id);
	const uint64_t state = s->state; /* about 3 events of a ticket fall on one day */
	s->state = (uint64_t)(row / FILE_ROWS) << 32 | (below(s, FILE_ROWS / 3) * 7919u + 5u);
	put_uuid(s, ticket);
	s->state = state + 1;
	const int64_t ts =
		1767225600000000 + (int64_t)(row / FILE_ROWS) * 86400000000 + (int64_t)(next(s) % 86400000000);
	*out = (struct bronze_row){.row = row, .bucket = pqrs_bucket(hash_xxh64(ticket, sizeof ticket)), .ts = ts};
	builder_set_str(&b[BRONZE_EVENT_ID], row, (struct str){id, sizeof id});
	builder_set_str(&b[BRONZE_TICKET_ID], row, (struct str){ticket, sizeof ticket});
	builder_set_i64(&b[BRONZE_TS], row, ts);
	bronze_kind(s, row, ts);
	builder_set_str(&b[BRONZE_SCHEMA_VERSION], row, STR("v1.0"));
	const int n = snprintf(object, sizeof object, "raw/pqrs/source=webform/day=2026-01-%02u/run_id=x/events.jsonl",
		row / FILE_ROWS + 1);
	builder_set_str(&b[BRONZE_RAW_OBJECT], row, (struct str){object, (size_t)n});
	builder_set_i64(&b[BRONZE_RAW_LINE], row, row % FILE_ROWS + 1);
	builder_set_i32(&b[BRONZE_TICKET_BUCKET], row, out->bucket);
}

static int by_bucket(const void *pa, const void *pb)
{
	const struct bronze_row *a = pa, *b = pb;
	if (a->bucket != b->bucket) return a->bucket < b->bucket ? -1 : 1;
	return a->ts < b->ts ? -1 : a->ts > b->ts;
}

struct file_rows {
	uint32_t rows[FILE_ROWS], cuts[PQRS_BUCKETS];
	uint32_t n_cuts;
};

static void bronze_make(struct source *s, struct file_rows *files)
{
	static struct bronze_row order[FILE_ROWS];
	bool dictionary[COLUMNS_MAX] = {0};
	for (size_t i = 0; i < BRONZE_N_COLUMNS; i++)
		dictionary[i] = pqrs_bronze_events.columns[i].type == COL_STRING && i != BRONZE_EVENT_ID &&
				i != BRONZE_TICKET_ID && i != BRONZE_EXTERNAL_ID && i != BRONZE_SUBJECT &&
				i != BRONZE_TEXT && i != BRONZE_FILE_NAME && i != BRONZE_MESSAGE_ID &&
				i != BRONZE_EXTRA && i != BRONZE_REASON;
	source_init(s, &pqrs_bronze_events, dictionary);
	for (uint32_t f = 0; f < FILES_IN_BATCH; f++) {
		for (uint32_t i = 0; i < FILE_ROWS; i++) bronze_row(s, f * FILE_ROWS + i, &order[i]);
		qsort(order, FILE_ROWS, sizeof *order, by_bucket);
		files[f].n_cuts = 0;
		for (uint32_t i = 0; i < FILE_ROWS; i++) {
			files[f].rows[i] = order[i].row;
			if (i > 0 && order[i].bucket != order[i - 1].bucket) files[f].cuts[files[f].n_cuts++] = i;
		}
	}
	source_finish(s, (int64_t)FILES_IN_BATCH * FILE_ROWS);
}

/* ---- tickets ---- */

enum {
	T_TICKET_ID,
	T_EXTERNAL_ID,
	T_CHANNEL,
	T_TYPE,
	T_PRIORITY,
	T_CREATED,
	T_RADICATED,
	T_CLOSED,
	T_STATUS,
	T_DEPARTMENT,
	T_CITY,
	T_CODE,
	T_SLA_DAYS,
	T_ELAPSED,
	T_HOLD,
	T_SLA_STATUS,
	T_MESSAGES,
	T_TENANT,
	T_N_COLUMNS
};
static const struct column_def ticket_columns[] = {{.name = "ticket_id", .type = COL_STRING, .id = true, .key = true},
	{.name = "external_id", .type = COL_STRING}, {.name = "source_channel", .type = COL_STRING},
	{.name = "pqrs_type", .type = COL_STRING}, {.name = "priority", .type = COL_STRING},
	{.name = "created_at", .type = COL_TIMESTAMP},
	{.name = "radicated_at", .type = COL_TIMESTAMP, .nullable = true},
	{.name = "closed_at", .type = COL_TIMESTAMP, .nullable = true}, {.name = "current_status", .type = COL_STRING},
	{.name = "department_name", .type = COL_STRING, .nullable = true},
	{.name = "city_name", .type = COL_STRING, .nullable = true},
	{.name = "dane_city_code", .type = COL_STRING, .nullable = true},
	{.name = "sla_business_days", .type = COL_INT32}, {.name = "sla_elapsed_seconds", .type = COL_INT64},
	{.name = "hold_days", .type = COL_INT32}, {.name = "sla_status", .type = COL_STRING},
	{.name = "message_count", .type = COL_INT32}, {.name = "tenant_id", .type = COL_STRING, .nullable = true}};
static const struct table_schema tickets = {.name = "tickets",
	.layer = "silver",
	.contract = "pqrs/v2",
	.columns = ticket_columns,
	.n_columns = T_N_COLUMNS};

static void ticket_row(struct source *s, uint32_t row)
{
	static const char *const words[] = {"email", "webform", "chat", "call", "other_digital"};
	struct builder *b = s->builders;
	char text[64];
	put_uuid(s, text);
	builder_set_str(&b[T_TICKET_ID], row, (struct str){text, UUID_CHARS});
	builder_set_str(
		&b[T_EXTERNAL_ID], row, (struct str){text, (size_t)snprintf(text, sizeof text, "PQRS-2026-%07u", row)});
	const int64_t ts = 1767225600000000 + (int64_t)row * 25920000 + (int64_t)below(s, 25920000);
	for (size_t i = T_CHANNEL; i <= T_PRIORITY; i++) builder_set_str(&b[i], row, str_of(PICK(s, words)));
	builder_set_i64(&b[T_CREATED], row, ts);
	if (below(s, 20) != 0) builder_set_i64(&b[T_RADICATED], row, ts + below(s, 2000000000));
	if (below(s, 3) != 0) builder_set_i64(&b[T_CLOSED], row, ts + (int64_t)(next(s) % 1000000000000));
	builder_set_str(&b[T_STATUS], row, str_of(PICK(s, words)));
	const uint32_t city = below(s, 1100);
	builder_set_str(&b[T_DEPARTMENT], row,
		(struct str){text, (size_t)snprintf(text, sizeof text, "Departamento %u", city / 34)});
	builder_set_str(
		&b[T_CITY], row, (struct str){text, (size_t)snprintf(text, sizeof text, "Municipio de %u", city)});
	builder_set_str(&b[T_CODE], row, (struct str){text, (size_t)snprintf(text, sizeof text, "%05u", city * 83)});
	builder_set_i32(&b[T_SLA_DAYS], row, (int32_t)(8 + below(s, 3) * 5));
	builder_set_i64(&b[T_ELAPSED], row, below(s, 3000000));
	builder_set_i32(&b[T_HOLD], row, below(s, 5) == 0 ? (int32_t)below(s, 12) : 0);
	builder_set_str(&b[T_SLA_STATUS], row, below(s, 10) == 0 ? STR("LATE") : STR("IN_TIME"));
	builder_set_i32(&b[T_MESSAGES], row, (int32_t)below(s, 7));
}

static void tickets_make(struct source *s)
{
	bool dictionary[COLUMNS_MAX] = {0};
	for (size_t i = 0; i < T_N_COLUMNS; i++)
		dictionary[i] = ticket_columns[i].type == COL_STRING && i != T_TICKET_ID && i != T_EXTERNAL_ID;
	source_init(s, &tickets, dictionary);
	for (uint32_t row = 0; row < TICKET_ROWS; row++) ticket_row(s, row);
	source_finish(s, TICKET_ROWS);
}

/* ---- measuring ---- */

static size_t plain_bytes(const struct batch *b)
{
	size_t bytes = 0;
	for (size_t i = 0; i < b->n_columns; i++)
		for (int64_t row = 0; row < b->n_rows; row++) {
			if (!column_valid(&b->columns[i], row)) continue;
			const size_t width = col_type_width(b->columns[i].type);
			bytes += width != 0 ? width : column_str(&b->columns[i], row).n + 4;
		}
	return bytes;
}

static size_t write_file(struct parquet_writer *w, const struct batch *b, const struct parquet_rows *rows)
{
	struct err err = {0};
	const uint8_t *p;
	size_t n = 0;
	parquet_writer_reset(w);
	if (parquet_writer_row_group(w, b, rows, &err) != OK || parquet_writer_finish(w, &p, &n, &err) != OK) {
		(void)fprintf(stderr, "bench_parquet: %s\n", err.message);
		exit(1);
	}
	return n;
}

static int by_double(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static const struct parquet_opts variants[] = {{.codec = PARQUET_UNCOMPRESSED, .bloom = true},
	{.codec = PARQUET_SNAPPY, .bloom = true}, {.codec = PARQUET_LZ4_RAW, .bloom = true},
	{.codec = PARQUET_ZSTD, .level = 1, .bloom = true}, {.codec = PARQUET_ZSTD, .level = 3, .bloom = true}};
static const char *const variant_names[] = {"uncompressed", "snappy", "lz4_raw", "zstd 1", "zstd 3"};

static void measure(
	const char *name, const struct source *s, const struct parquet_rows *files, size_t n_files, const char *part)
{
	const int passes = n_files > 1 ? 8 : 2;
	const double bytes = (double)plain_bytes(&s->batch) / (double)n_files;
	for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) {
		struct parquet_writer *w;
		struct err err;
		double seconds[ROUNDS];
		size_t size = 0;
		char line[64];
		(void)snprintf(line, sizeof line, "%s %s", name, variant_names[v]);
		if (strncmp(line, part, strlen(part)) != 0) continue;
		if (parquet_writer_create(s->schema, &variants[v], &w, &err) != OK) abort();
		for (int round = 0; round < ROUNDS; round++) {
			const double from = user_seconds();
			size = 0;
			for (int pass = 0; pass < passes; pass++)
				for (size_t f = 0; f < n_files; f++) size += write_file(w, &s->batch, &files[f]);
			seconds[round] = (user_seconds() - from) / (double)n_files / (double)passes;
		}
		qsort(seconds, ROUNDS, sizeof *seconds, by_double);
		const double median = seconds[ROUNDS / 2];
		printf("%-8s %-13s %8.1f us/file %8.1f plain MB/s %8zu B/file %6.2f:1\n", name, variant_names[v],
			median * 1e6, bytes / median / 1e6, size / n_files / (size_t)passes,
			bytes * (double)n_files * (double)passes / (double)size);
		parquet_writer_destroy(w);
	}
}

/* One column at a time, as a file of its own. */
static void measure_columns(const struct source *s, const struct parquet_rows *files, size_t n_files)
{
	for (size_t i = 0; i < s->n_columns; i++) {
		const struct table_schema one = {
			.name = s->schema->columns[i].name, .columns = &s->schema->columns[i], .n_columns = 1};
		struct column column = s->columns[i];
		const struct batch b = {.schema = &one, .n_columns = 1, .columns = &column, .n_rows = s->batch.n_rows};
		const struct parquet_opts opts = {.codec = PARQUET_ZSTD, .level = 1, .bloom = true};
		struct parquet_writer *w;
		struct err err;
		double seconds[ROUNDS];
		size_t size = 0;
		if (parquet_writer_create(&one, &opts, &w, &err) != OK) abort();
		for (int round = 0; round < ROUNDS; round++) {
			const double from = user_seconds();
			size = 0;
			for (int pass = 0; pass < 40; pass++)
				for (size_t f = 0; f < n_files; f++) size += write_file(w, &b, &files[f]);
			seconds[round] = (user_seconds() - from) / 40 / (double)n_files;
		}
		qsort(seconds, ROUNDS, sizeof *seconds, by_double);
		printf("  %-22s %8.2f us %8zu B\n", one.name, seconds[ROUNDS / 2] * 1e6, size / 40 / n_files);
		parquet_writer_destroy(w);
	}
}

int main(int argc, char **argv)
{
	static struct source bronze, silver;
	static struct file_rows files[FILES_IN_BATCH];
	struct parquet_rows rows[FILES_IN_BATCH];
	const char *part = argc > 1 ? argv[1] : "";
	bronze_make(&bronze, files);
	for (size_t f = 0; f < FILES_IN_BATCH; f++)
		rows[f] = (struct parquet_rows){
			.rows = files[f].rows, .n = FILE_ROWS, .cuts = files[f].cuts, .n_cuts = files[f].n_cuts};
	measure("bronze", &bronze, rows, FILES_IN_BATCH, part);
	if (strncmp("columns", part, strlen(part)) == 0) measure_columns(&bronze, rows, FILES_IN_BATCH);
	tickets_make(&silver);
	const struct parquet_rows all = {.n = TICKET_ROWS};
	measure("tickets", &silver, &all, 1, part);
	return 0;
}
