/* bench/bench_read.c: what the Parquet reader costs, in user CPU time of one core.
 *
 *   bench_read FILE...      files of one table, such as a lake's bronze/pqrs_events/source=.../day=.../...parquet
 *
 * The files are held in memory; "with I/O" opens and reads each through the store instead, as a task does (user and system
 * time). A quarter is the rows of a quarter of the buckets by the page index, where there is a ticket_bucket column, else of
 * the rows. Medians of several rounds. "plain" bytes are those of the values given: widths, and bytes of strings. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "parquet/reader.h"

enum { ROUNDS = 9, FILES_MAX = 4096, COLUMNS_MAX = 256, MIN_READS = 200 };

struct input {
	struct store *store;
	struct buf bytes[FILES_MAX];
	struct store_object *objects[FILES_MAX];
	const char *paths[FILES_MAX];
	size_t n;
	struct parquet_reader *reader;
	struct arena arena;
	int columns[COLUMNS_MAX];
	size_t n_columns;
	int bucket;
};

static void check(status code, const struct err *err)
{
	char text[1024];
	if (code == OK) return;
	(void)fprintf(stderr, "bench_read: %s\n", err_text(err, text, sizeof text));
	exit(1);
}

static double cpu_seconds(bool with_system)
{
	struct rusage u;
	if (getrusage(RUSAGE_SELF, &u) != 0) return 0;
	const double user = (double)u.ru_utime.tv_sec + (double)u.ru_utime.tv_usec * 1e-6;
	return with_system ? user + (double)u.ru_stime.tv_sec + (double)u.ru_stime.tv_usec * 1e-6 : user;
}

static int64_t column_bytes(const struct column *c)
{
	int64_t bytes = 0;
	if (c->type != COL_STRING && c->type != COL_BINARY)
		return c->n * (int64_t)(c->type == COL_BOOL ? 1 : col_type_width(c->type));
	for (int64_t i = 0; i < c->n; i++) bytes += column_valid(c, i) ? (int64_t)column_str(c, i).n : 0;
	return bytes;
}

/* Read part `part` of `parts` of the open file's rows; plain bytes are added to *bytes when it is not NULL. */
static void read_part(struct input *in, const int *columns, size_t n, int64_t part, int64_t parts, int64_t *bytes)
{
	struct err err;
	for (size_t g = 0; g < parquet_reader_n_row_groups(in->reader); g++) {
		const int64_t rows = parquet_reader_row_group_rows(in->reader, g);
		struct parquet_range range = {g, rows * part / parts, rows * (part + 1) / parts};
		struct batch batch;
		if (parts > 1 && in->bucket >= 0)
			check(parquet_reader_find_rows(in->reader,
				      &(struct parquet_find){
					      g, in->bucket, 256 * part / parts, 256 * (part + 1) / parts - 1},
				      &range.begin, &range.end, &err),
				&err);
		arena_reset(&in->arena);
		check(parquet_reader_read(
			      in->reader, &range, (struct parquet_columns){columns, n}, &in->arena, &batch, &err),
			&err);
		for (size_t i = 0; bytes != NULL && i < n; i++) *bytes += column_bytes(&batch.columns[i]);
	}
}

enum work { WORK_OPEN, WORK_QUARTER, WORK_ALL, WORK_IO_QUARTER };

static void run(struct input *in, enum work work, size_t file)
{
	struct err err;
	struct store_object *object = in->objects[file];
	if (work == WORK_IO_QUARTER) check(store_object_open(in->store, in->paths[file], &object, &err), &err);
	check(parquet_reader_reopen(in->reader, object, &err), &err);
	if (work == WORK_QUARTER || work == WORK_IO_QUARTER)
		read_part(in, in->columns, in->n_columns, (int64_t)file % 4, 4, NULL);
	if (work == WORK_ALL) read_part(in, in->columns, in->n_columns, 0, 1, NULL);
	if (work == WORK_IO_QUARTER) store_object_close(object);
}

static int by_double(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static double measure(struct input *in, enum work work)
{
	double seconds[ROUNDS];
	const size_t passes = 1 + MIN_READS / in->n;
	for (int round = 0; round < ROUNDS; round++) {
		const double from = cpu_seconds(work == WORK_IO_QUARTER);
		for (size_t pass = 0; pass < passes; pass++)
			for (size_t f = 0; f < in->n; f++) run(in, work, f);
		seconds[round] = (cpu_seconds(work == WORK_IO_QUARTER) - from) / (double)(passes * in->n);
	}
	qsort(seconds, ROUNDS, sizeof *seconds, by_double);
	return seconds[ROUNDS / 2];
}

/* One column of every file, whole. */
static double measure_column(struct input *in, int column, int64_t *bytes)
{
	struct err err;
	double seconds[ROUNDS];
	*bytes = 0;
	for (int round = -1; round < ROUNDS; round++) {
		const size_t passes = 20;
		double spent = 0;
		for (size_t f = 0; f < in->n; f++) {
			check(parquet_reader_reopen(in->reader, in->objects[f], &err), &err);
			if (round < 0) read_part(in, &column, 1, 0, 1, bytes);
			const double from = cpu_seconds(false);
			for (size_t pass = 0; pass < passes; pass++) read_part(in, &column, 1, 0, 1, NULL);
			spent += cpu_seconds(false) - from;
		}
		if (round >= 0) seconds[round] = spent / (double)(passes * in->n);
	}
	qsort(seconds, ROUNDS, sizeof *seconds, by_double);
	*bytes /= (int64_t)in->n;
	return seconds[ROUNDS / 2];
}

static void load(struct input *in, char **paths)
{
	struct err err;
	check(store_open(".", &in->store, &err), &err);
	for (size_t i = 0; i < in->n; i++) {
		buf_init(&in->bytes[i], 0);
		in->paths[i] = paths[i];
		check(store_get(in->store, paths[i], &in->bytes[i], &err), &err);
		check(store_object_from_memory(in->bytes[i].p, in->bytes[i].n, paths[i], &in->objects[i], &err), &err);
	}
	check(parquet_reader_create(&in->reader, &err), &err);
	check(parquet_reader_reopen(in->reader, in->objects[0], &err), &err);
	in->bucket = parquet_reader_column_index(in->reader, "ticket_bucket");
	for (size_t c = 0; c < parquet_reader_n_columns(in->reader) && c < COLUMNS_MAX; c++) {
		if (parquet_reader_column(in->reader, c)->supported) in->columns[in->n_columns++] = (int)c;
	}
	arena_init(&in->arena, 0);
}

static void report(struct input *in)
{
	int64_t plain = 0;
	size_t stored = 0;
	for (size_t f = 0; f < in->n; f++) {
		struct err err;
		stored += in->bytes[f].n;
		check(parquet_reader_reopen(in->reader, in->objects[f], &err), &err);
		read_part(in, in->columns, in->n_columns, 0, 1, &plain);
	}
	const double all = measure(in, WORK_ALL), n = (double)in->n;
	printf("%zu files, %.0f B stored, %.0f B plain, %zu columns each\n", in->n, (double)stored / n,
		(double)plain / n, in->n_columns);
	printf("open              %8.2f us/file\n", measure(in, WORK_OPEN) * 1e6);
	printf("a quarter         %8.2f us/file\n", measure(in, WORK_QUARTER) * 1e6);
	printf("a quarter with I/O%8.2f us/file (user and system)\n", measure(in, WORK_IO_QUARTER) * 1e6);
	printf("all rows          %8.2f us/file  %6.2f GB/s plain\n", all * 1e6, (double)plain / n / all / 1e9);
	for (size_t c = 0; c < in->n_columns; c++) {
		int64_t bytes;
		const double seconds = measure_column(in, in->columns[c], &bytes);
		check(parquet_reader_reopen(in->reader, in->objects[0], &(struct err){0}), NULL);
		printf("  %-24s %8.2f us %8lld B plain\n",
			parquet_reader_column(in->reader, (size_t)in->columns[c])->name, seconds * 1e6,
			(long long)bytes);
	}
}

int main(int argc, char **argv)
{
	static struct input in;
	if (argc < 2 || argc > FILES_MAX) {
		(void)fprintf(stderr, "usage: bench_read FILE... (relative paths, of one table)\n");
		return 2;
	}
	in.n = (size_t)argc - 1;
	load(&in, argv + 1);
	report(&in);
	parquet_reader_close(in.reader);
	arena_deinit(&in.arena);
	for (size_t i = 0; i < in.n; i++) {
		store_object_close(in.objects[i]);
		buf_deinit(&in.bytes[i]);
	}
	store_close(in.store);
	return 0;
}
