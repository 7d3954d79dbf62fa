/* Tables through libpqr.so: append, open by version and time, read, release in any order. */
#include "../table/rows.h"
#include "check.h"
#include "failing_io.h"
#include "failing_malloc.h"

#include <errno.h>

#include "base/time.h"
#include "pqr.h"

static const char *const by_region[] = {"region"};

struct lake {
	char dir[64];
	struct pqr_context *c;
};

static void lake_open(struct lake *l)
{
	assert_int_equal(pqr_open(check_tmpdir(l->dir), &l->c), PQR_OK);
}

static void lake_close(struct lake *l)
{
	pqr_close(l->c);
	check_rmdir(l->dir);
}

#define CHECK_PQR(c, expr)                                                          \
	do {                                                                        \
		if ((expr) != PQR_OK) fail_msg("%s: %s", #expr, pqr_last_error(c)); \
	} while (0)

static long long append(struct lake *l, int64_t from, int64_t to)
{
	struct rows r;
	long long version = -1;
	struct ArrowArrayStream rows = rows_stream(&r, from, to);
	CHECK_PQR(l->c, pqr_table_append(l->c, "scratch.rows", by_region, 1, &rows, &version));
	assert_int_equal(r.released, 1);
	assert_null(rows.release);
	return version;
}

/* Rows and the sum of the int64 column 0; -1: the stream failed with `error`. Releases it. */
static int64_t drain(struct ArrowArrayStream *stream, int64_t *sum, char *error, size_t room)
{
	int64_t n = 0;
	struct ArrowArray array;
	*sum = 0;
	for (;;) {
		if (stream->get_next(stream, &array) != 0) {
			(void)snprintf(error, room, "%s", stream->get_last_error(stream));
			n = -1;
			break;
		}
		if (array.release == NULL) break;
		for (int64_t i = 0; i < array.length; i++) *sum += ((const int64_t *)array.children[0]->buffers[1])[i];
		n += array.length;
		array.release(&array);
	}
	stream->release(stream);
	return n;
}

static void check_table(struct lake *l, const struct pqr_table_opts *o, const char *where, int64_t rows, int64_t sum)
{
	struct pqr_table *t;
	struct ArrowArrayStream stream;
	static const char *const columns[] = {"id"};
	int64_t got;
	CHECK_PQR(l->c, pqr_table_open(l->c, "scratch.rows", o, &t));
	CHECK_PQR(l->c, pqr_table_stream(t, columns, 1, &where, where != NULL, &stream));
	pqr_table_close(t); /* the stream goes on */
	CHECK_I64(drain(&stream, &got, NULL, 0), rows);
	CHECK_I64(got, sum);
}

/* Time of a version, as its commit has it. */
static int64_t commit_time_us(const struct lake *l, int version)
{
	char path[160], line[256] = "";
	(void)snprintf(path, sizeof path, "%s/scratch/rows/_delta_log/%020d.json", l->dir, version);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof line, f));
	(void)fclose(f);
	const char *at = strstr(line, "\"timestamp\":");
	assert_non_null(at);
	return strtoll(at + strlen("\"timestamp\":"), NULL, 10) * 1000;
}

static void versions(void **state)
{
	(void)state;
	struct lake l;
	char first[TIME_RFC3339_CHARS + 1] = "";
	lake_open(&l);
	CHECK_I64(append(&l, 0, 100), 0);
	time_format(commit_time_us(&l, 0), first); /* the next one is a later one, whatever the clock says */
	CHECK_I64(append(&l, 100, 200), 1);
	check_table(&l, NULL, NULL, 200, 19900);
	check_table(&l, &(struct pqr_table_opts){.version = 0}, NULL, 100, 4950);
	check_table(&l, &(struct pqr_table_opts){.version = -1, .at = first}, NULL, 100, 4950);
	check_table(&l, NULL, "id >= 150", 50, 8725);
	check_table(&l, NULL, "region is null", 63, 6363);
	lake_close(&l);
}

static int add_file(void *arg, const struct pqr_file *f)
{
	long long *sums = arg;
	sums[0]++;
	sums[1] += f->rows;
	sums[2] += f->bytes;
	return sums[0] == sums[3] ? 42 : 0;
}

static int keep_path(void *arg, const struct pqr_file *f)
{
	(void)snprintf(arg, 512, "scratch/rows/%s", f->path);
	return 1;
}

static void describes(void **state)
{
	(void)state;
	struct lake l;
	struct pqr_table *t;
	struct ArrowSchema schema;
	long long sums[4] = {0};
	lake_open(&l);
	(void)append(&l, 0, 100);
	CHECK_PQR(l.c, pqr_table_open(l.c, "rows", NULL, &t)); /* one layer alone has it */
	CHECK_I64(pqr_table_version(t), 0);
	CHECK_PQR(l.c, pqr_table_files(t, add_file, sums));
	CHECK_I64(sums[0], 3);
	CHECK_I64(sums[1], 100);
	assert_true(sums[2] > 1000);
	sums[0] = 0;
	sums[3] = 2;
	assert_int_equal(pqr_table_files(t, add_file, sums), 42); /* stopped by the visit */
	CHECK_I64(sums[0], 2);
	CHECK_PQR(l.c, pqr_table_schema(t, &schema));
	CHECK_I64(schema.n_children, 5);
	assert_string_equal(schema.children[4]->format, "d:12,2");
	schema.release(&schema);
	pqr_table_close(t);
	lake_close(&l);
}

static int keep_name(void *arg, const struct pqr_file *f)
{
	(void)snprintf(arg, 512, "%s", f->path);
	return 1;
}

/* What statistics leave of the files, and each file's rows by itself: together the stream of all. */
static void selects(void **state)
{
	(void)state;
	struct lake l;
	struct pqr_table *t;
	struct ArrowArrayStream stream;
	static const char *const columns[] = {"id"}, *where[] = {"id < 5"}, *none[] = {"region=r0/none.parquet"};
	struct pqr_selection sel = {.columns = columns, .n_columns = 1, .where = where, .n_where = 1};
	char name[512];
	const char *const names[] = {name};
	long long sums[4] = {0};
	int64_t sum;
	lake_open(&l);
	(void)append(&l, 0, 100);
	CHECK_PQR(l.c, pqr_table_open(l.c, "rows", NULL, &t));
	CHECK_PQR(l.c, pqr_selection_files(t, &(struct pqr_selection){0}, add_file, sums));
	CHECK_I64(sums[0], 3);
	sums[0] = sums[1] = 0;
	CHECK_PQR(l.c, pqr_selection_files(t, &sel, add_file, sums));
	CHECK_I64(sums[0], 1);
	assert_int_equal(pqr_selection_files(t, &sel, keep_name, name), 1);
	sel.files = names;
	sel.n_files = 1;
	CHECK_PQR(l.c, pqr_selection_stream(t, &sel, &stream));
	CHECK_I64(drain(&stream, &sum, NULL, 0), 5);
	CHECK_I64(sum, 10);
	sel.n_where = 0;
	CHECK_PQR(l.c, pqr_selection_stream(t, &sel, &stream));
	CHECK_I64(drain(&stream, &sum, NULL, 0), sums[1]);
	sel.n_files = 0; /* none of them, not all */
	CHECK_PQR(l.c, pqr_selection_stream(t, &sel, &stream));
	CHECK_I64(drain(&stream, &sum, NULL, 0), 0);
	sel.files = none;
	sel.n_files = 1;
	assert_int_equal(pqr_selection_stream(t, &sel, &stream), PQR_USAGE);
	assert_non_null(strstr(pqr_last_error(l.c), "version 0 has no file region=r0/none.parquet"));
	pqr_table_close(t);
	lake_close(&l);
}

static void one_file(void **state)
{
	(void)state;
	struct lake l;
	struct pqr_table *t;
	struct ArrowArrayStream stream;
	char key[512], path[600], error[600] = "";
	int64_t sum;
	lake_open(&l);
	(void)append(&l, 0, 7); /* all of region r0 */
	CHECK_PQR(l.c, pqr_table_open(l.c, "scratch/rows", NULL, &t));
	assert_int_equal(pqr_table_files(t, keep_path, key), 1);
	CHECK_PQR(l.c, pqr_file_stream(l.c, key, &stream));
	CHECK_I64(drain(&stream, &sum, NULL, 0), 7);
	CHECK_I64(sum, 21);
	assert_int_equal(pqr_file_stream(l.c, "scratch/none.parquet", &stream), PQR_FAILED);
	assert_non_null(strstr(pqr_last_error(l.c), "scratch/none.parquet"));
	assert_int_equal(pqr_file_stream(l.c, "../x", &stream), PQR_FAILED);
	assert_int_equal(pqr_file_stream(l.c, NULL, &stream), PQR_USAGE);

	/* A damaged file is an error with its name, of the table's stream too. */
	(void)snprintf(path, sizeof path, "%s/%s", l.dir, key);
	FILE *f = fopen(path, "r+");
	assert_non_null(f);
	assert_int_equal(fseek(f, 10, SEEK_SET), 0);
	assert_int_equal(fputs("damaged damaged", f) >= 0, 1);
	assert_int_equal(fclose(f), 0);
	CHECK_PQR(l.c, pqr_table_stream(t, NULL, 0, NULL, 0, &stream));
	pqr_table_close(t);
	lake_close(&l); /* the files are gone by now: still an error, nothing else */
	CHECK_I64(drain(&stream, &sum, error, sizeof error), -1);
	assert_non_null(strstr(error, key));
}

static void refuses(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		long long version;
		const char *at;
		int want;
		const char *says;
	} cases[] = {{NULL, -1, NULL, PQR_USAGE, "no name"}, {"", -1, NULL, PQR_USAGE, "no name"},
		{"../x", -1, NULL, PQR_USAGE, "not a table's name"},
		{"/etc/x", -1, NULL, PQR_USAGE, "not a table's name"},
		{"scratch.row", -1, NULL, PQR_FAILED, "did you mean scratch.rows"},
		{"scratch.rows", 5, NULL, PQR_FAILED, "5"}, {"scratch.rows", -2, NULL, PQR_USAGE, "no version -2"},
		{"scratch.rows", 0, "2026-01-01T00:00:00Z", PQR_USAGE, "both"},
		{"scratch.rows", -1, "yesterday", PQR_USAGE, "yesterday"},
		{"scratch.rows", -1, "2001-01-01T00:00:00Z", PQR_FAILED, ""}};
	struct lake l;
	struct pqr_table *t;
	struct rows r;
	struct ArrowArrayStream stream;
	lake_open(&l);
	(void)append(&l, 0, 10);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct pqr_table_opts o = {cases[i].version, cases[i].at};
		assert_int_equal(pqr_table_open(l.c, cases[i].name, &o, &t), cases[i].want);
		if (strstr(pqr_last_error(l.c), cases[i].says) == NULL)
			fail_msg("case %zu: %s, expected %s", i, pqr_last_error(l.c), cases[i].says);
	}
	CHECK_PQR(l.c, pqr_table_open(l.c, "scratch.rows", NULL, &t));
	static const char *const where[] = {"idd = 3"}, *const columns[] = {"what"};
	assert_int_equal(pqr_table_stream(t, NULL, 0, where, 1, &stream), PQR_USAGE);
	assert_non_null(strstr(pqr_last_error(l.c), "did you mean \"id\""));
	assert_int_equal(pqr_table_stream(t, columns, 1, NULL, 0, &stream), PQR_USAGE);
	pqr_table_close(t);
	stream = rows_stream(&r, 0, 10);
	assert_int_equal(pqr_table_append(l.c, "rows", NULL, 0, &stream, NULL), PQR_USAGE);
	assert_int_equal(r.released, 1);
	stream = rows_stream(&r, 0, 10);
	r.fail_at = 3;
	assert_int_equal(pqr_table_append(l.c, "scratch.rows", NULL, 0, &stream, NULL), PQR_FAILED);
	assert_non_null(strstr(pqr_last_error(l.c), "the source ran dry"));
	assert_int_equal(r.released, 1);
	check_table(&l, NULL, NULL, 10, 45);
	lake_close(&l);
}

/* Everything that the library does with a table, in one go; its rows, or -1 and why it stopped. */
static int64_t use_table(const char *dir, int *code, char *why, size_t room)
{
	struct pqr_context *c = NULL;
	struct pqr_table *t = NULL;
	struct ArrowArrayStream stream = {.release = NULL};
	struct ArrowSchema schema = {.release = NULL};
	static const char *const where[] = {"id >= 10", "region is not null"};
	int64_t rows = -1, sum;
	long long sums[4] = {0};
	char name[512] = "";
	*code = pqr_open(dir, &c);
	if (*code == PQR_OK) *code = pqr_table_open(c, "scratch.rows", NULL, &t);
	if (*code == PQR_OK) *code = pqr_table_files(t, add_file, sums);
	if (*code == PQR_OK) *code = pqr_table_schema(t, &schema);
	const char *const names[] = {name};
	const struct pqr_selection first = {.where = where, .n_where = 2, .files = names, .n_files = 1};
	if (*code == PQR_OK) *code = pqr_selection_files(t, &(struct pqr_selection){0}, keep_name, name);
	if (*code == 1 && name[0] != '\0') *code = pqr_selection_files(t, &first, add_file, sums); /* it was stopped */
	if (*code == PQR_OK) *code = pqr_table_stream(t, NULL, 0, where, 2, &stream);
	if (*code == PQR_OK) {
		rows = drain(&stream, &sum, why, room);
		if (rows < 0) *code = PQR_FAILED;
	} else {
		const char *last = pqr_last_error(c);
		(void)snprintf(why, room, "%s", last != NULL ? last : "");
	}
	if (schema.release != NULL) schema.release(&schema);
	pqr_table_close(t);
	pqr_close(c);
	return rows;
}

/* Memory that runs out at the n-th request, of this library or of one that it calls: an error in words, and nothing lost. */
static void every_allocation(void **state)
{
	(void)state;
	struct lake l;
	char why[600];
	int code;
	int64_t failed = 0;
	if (!MALLOC_FAILS) skip();
	lake_open(&l);
	(void)append(&l, 0, 60);
	const int64_t want = use_table(l.dir, &code, why, sizeof why);
	assert_int_equal(code, PQR_OK);
	const int64_t live = malloc_live;
	for (int64_t n = 1; n < 100000; n += n < 300 ? 1 : n / 100) {
		why[0] = '\0';
		malloc_fail_from(n);
		const int64_t rows = use_table(l.dir, &code, why, sizeof why);
		const int64_t hits = malloc_hits;
		malloc_fail_from(0);
		if (malloc_live != live)
			fail_msg("%lld blocks lost at request %lld", (long long)(malloc_live - live), (long long)n);
		if (code == PQR_OK) CHECK_I64(rows, want);
		if (hits == 0) break;
		failed += code != PQR_OK;
		if (code != PQR_OK && why[0] == '\0') fail_msg("request %lld: no word of what happened", (long long)n);
	}
	assert_int_equal(code, PQR_OK);
	assert_true(failed > 50);
	lake_close(&l);
}

/* The n-th call to the system fails, once and from then on: an error in words, and nothing lost. */
static void reading_every_io(void **state)
{
	(void)state;
	struct lake l;
	char why[600];
	int code;
	int64_t failed = 0;
	lake_open(&l);
	(void)append(&l, 0, 60);
	const int64_t want = use_table(l.dir, &code, why, sizeof why);
	const int64_t live = malloc_live;
	for (int on = 0; on < 2; on++) {
		int64_t hits = 1;
		for (int64_t n = 1; hits > 0; n++) {
			why[0] = '\0';
			io_fail_at(n, on != 0);
			const int64_t rows = use_table(l.dir, &code, why, sizeof why);
			hits = io_hits;
			io_fail_at(0, false);
			failed += code != PQR_OK;
			if (code == PQR_OK) CHECK_I64(rows, want);
			if (code != PQR_OK && why[0] == '\0') fail_msg("call %lld: no word", (long long)n);
			if (MALLOC_FAILS) CHECK_I64(malloc_live, live);
		}
	}
	assert_int_equal(code, PQR_OK);
	assert_true(failed > 20);
	lake_close(&l);
}

/* Of an append whose n-th call to the system fails, the rows are there once or not at all, and those that were there stay. */
static void appending_every_io(void **state)
{
	(void)state;
	int64_t failed = 0;
	for (int on = 0; on < 2; on++) {
		int64_t hits = 1;
		for (int64_t n = 1; hits > 0; n++) {
			struct lake l;
			struct rows r;
			char why[600];
			int64_t sum;
			lake_open(&l);
			(void)append(&l, 0, 20);
			struct ArrowArrayStream rows = rows_stream(&r, 1000, 1003), stream;
			struct pqr_table *t;
			io_fail_at(n, on != 0);
			const int code = pqr_table_append(l.c, "scratch.rows", by_region, 1, &rows, NULL);
			hits = io_hits;
			io_fail_at(0, false);
			assert_int_equal(r.released, 1);
			failed += code != PQR_OK;
			if (code != PQR_OK && pqr_last_error(l.c)[0] == '\0')
				fail_msg("call %lld: no word", (long long)n);
			CHECK_PQR(l.c, pqr_table_open(l.c, "scratch.rows", NULL, &t));
			CHECK_PQR(l.c, pqr_table_stream(t, NULL, 0, NULL, 0, &stream));
			const int64_t found = drain(&stream, &sum, why, sizeof why);
			pqr_table_close(t);
			if (found == 20 + 3)
				CHECK_I64(sum, 190 + 3003);
			else if (found != 20 || sum != 190 || code == PQR_OK)
				fail_msg("call %lld: code %d, %lld rows", (long long)n, code, (long long)found);
			lake_close(&l);
		}
	}
	assert_true(failed > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(versions), cmocka_unit_test(describes),
		cmocka_unit_test(selects), cmocka_unit_test(one_file), cmocka_unit_test(refuses),
		cmocka_unit_test(every_allocation), cmocka_unit_test(reading_every_io),
		cmocka_unit_test(appending_every_io)};
	return cmocka_run_group_tests_name("api tables", tests, NULL, NULL);
}
