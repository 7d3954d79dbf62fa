/* bench/bench_delta.c: what our Delta tables cost, one measurement a call, as a line of JSON that bench/delta.py reads.
 *
 *   bench_delta open LAKE TABLE ROUNDS            seconds to open the newest snapshot, each round
 *   bench_delta commit LAKE ROUNDS                a table of its own: milliseconds of each commit, and of the same bytes put in
 *                                                 place by hand: write, fsync, link, fsync of the folder
 *   bench_delta optimize LAKE TABLE THREADS TARGET_MIB [COLUMN...]   once; with columns in z-order
 *
 * Wall clock, without the start of the process. The page cache is warm for open and optimize, as it is for the other side. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "table/log/log.h"
#include "table/maintain/optimize.h"
#include "table/log/snapshot.h"
#include "table/log/txn.h"

enum { ROUNDS_MAX = 10000 };

static void check(status code, const struct err *err)
{
	char text[1024];
	if (code == OK) return;
	(void)fprintf(stderr, "bench_delta: %s\n", err_text(err, text, sizeof text));
	exit(1);
}

static void check_os(bool ok, const char *what)
{
	if (ok) return;
	perror(what);
	exit(1);
}

static int rounds_of(const char *text)
{
	const long n = strtol(text, NULL, 10);
	return n < 1 ? 1 : n > ROUNDS_MAX ? ROUNDS_MAX : (int)n;
}

static void print_list(const char *name, const int64_t *us, int n, double unit)
{
	printf("\"%s\": [", name);
	for (int i = 0; i < n; i++) printf("%s%.6f", i > 0 ? ", " : "", (double)us[i] / unit);
	printf("]");
}

static void bench_open(struct store *store, const char *root, int rounds)
{
	static int64_t us[ROUNDS_MAX];
	size_t files = 0;
	struct err err;
	for (int i = 0; i < rounds; i++) {
		struct delta_snapshot *s = NULL;
		const int64_t start = time_mono_us();
		check(delta_snapshot_open(store, root, DELTA_LATEST, &s, &err), &err);
		us[i] = time_mono_us() - start;
		files = s->n_files;
		delta_snapshot_close(s);
	}
	printf("{\"files\": %zu, ", files);
	print_list("seconds", us, rounds, 1e6);
	printf("}\n");
}

/* An add as a stage writes them: two partition columns, statistics of some columns. */
static struct delta_add add_of(int i, char path[128], const struct delta_pair partition[2])
{
	(void)snprintf(path, 128, "month=2025-09/run_id=0/part-%032x.parquet", (unsigned)i);
	return (struct delta_add){
		.path = str_of(path),
		.partition = {partition, 2},
		.size = 1234567,
		.modified_ms = 1795177721637,
		.data_change = true,
		.stats = STR(
			"{\"numRecords\":10000,\"minValues\":{\"id\":\"00000000-0000-4000-8000-000000000000\",\"n\":1},"
			"\"maxValues\":{\"id\":\"ffffffff-ffff-4fff-bfff-ffffffffffff\",\"n\":99999},"
			"\"nullCount\":{\"id\":0,\"n\":3}}"),
	};
}

static void create_table(struct store *store, const char *root)
{
	static const struct str columns[] = {{"month", 5}, {"run_id", 6}};
	struct delta_txn *t = NULL;
	struct err err;
	int64_t version;
	const struct delta_protocol protocol = {.min_reader = 1, .min_writer = 2};
	const struct delta_metadata metadata = {.id = STR("6f6e6520-7461-4c65-a66f-722062656e63"),
		.schema = STR("{\"type\":\"struct\",\"fields\":["
			      "{\"name\":\"id\",\"type\":\"string\",\"nullable\":true,\"metadata\":{}},"
			      "{\"name\":\"n\",\"type\":\"long\",\"nullable\":true,\"metadata\":{}},"
			      "{\"name\":\"month\",\"type\":\"string\",\"nullable\":true,\"metadata\":{}},"
			      "{\"name\":\"run_id\",\"type\":\"string\",\"nullable\":true,\"metadata\":{}}]}"),
		.partition_columns = {columns, 2},
		.created_ms = -1};
	const struct delta_txn_opts opts = {.operation = "CREATE TABLE"};
	check(delta_txn_begin(store, root, NULL, &opts, &t, &err), &err);
	check(delta_txn_protocol(t, &protocol, &err), &err);
	check(delta_txn_metadata(t, &metadata, &err), &err);
	check(delta_txn_commit(t, &version, &err), &err);
	delta_txn_destroy(t);
}

/* Durably put the bytes under a name nobody has: the floor of any commit on this disk. */
static int64_t put_by_hand(const char *folder, const char *name, const void *p, size_t n)
{
	char temporary[4200], final[4200];
	(void)snprintf(temporary, sizeof temporary, "%s/.tmp-%s", folder, name);
	(void)snprintf(final, sizeof final, "%s/%s", folder, name);
	const int64_t start = time_mono_us();
	const int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	check_os(fd >= 0, temporary);
	check_os(write(fd, p, n) == (ssize_t)n, temporary);
	check_os(fsync(fd) == 0, temporary);
	check_os(close(fd) == 0, temporary);
	check_os(link(temporary, final) == 0, final);
	check_os(unlink(temporary) == 0, temporary);
	const int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check_os(dir >= 0 && fsync(dir) == 0 && close(dir) == 0, folder);
	return time_mono_us() - start;
}

static void bench_commit(struct store *store, const char *lake, int rounds)
{
	static int64_t commit_us[ROUNDS_MAX], open_us[ROUNDS_MAX], hand_us[ROUNDS_MAX];
	static const struct delta_pair partition[] = {{{"month", 5}, {"2025-09", 7}}, {{"run_id", 6}, {"0", 1}}};
	char folder[4000], name[64], path[128], key[DELTA_KEY_MAX];
	struct buf bytes;
	struct err err;
	create_table(store, "bench/commits");
	(void)snprintf(folder, sizeof folder, "%s/bench/commits/_delta_log", lake);
	buf_init(&bytes, 0);
	for (int i = 0; i < rounds; i++) {
		struct delta_snapshot *s = NULL;
		struct delta_txn *t = NULL;
		int64_t version;
		const struct delta_add add = add_of(i, path, partition);
		const struct delta_txn_opts opts = {.operation = "WRITE", .reads = DELTA_READS_NOTHING};
		const int64_t start = time_mono_us();
		check(delta_snapshot_open(store, "bench/commits", DELTA_LATEST, &s, &err), &err);
		const int64_t opened = time_mono_us();
		check(delta_txn_begin(store, "bench/commits", s, &opts, &t, &err), &err);
		check(delta_txn_add(t, &add, &err), &err);
		check(delta_txn_commit(t, &version, &err), &err);
		commit_us[i] = time_mono_us() - opened;
		open_us[i] = opened - start;
		delta_txn_destroy(t);
		delta_snapshot_close(s);
		check(delta_after_commit(store, "bench/commits", version, &err), &err);
		buf_reset(&bytes);
		check(delta_commit_key(key, "bench/commits", version, &err), &err);
		check(store_get(store, key, &bytes, &err), &err);
		(void)snprintf(name, sizeof name, "by-hand-%d", i);
		hand_us[i] = put_by_hand(folder, name, bytes.p, bytes.n);
	}
	buf_deinit(&bytes);
	printf("{");
	print_list("commit_ms", commit_us, rounds, 1e3);
	printf(", ");
	print_list("hand_ms", hand_us, rounds, 1e3);
	printf(", ");
	print_list("open_ms", open_us, rounds, 1e3);
	printf("}\n");
}

static void bench_optimize(struct store *store, const char *root, int argc, char **argv)
{
	struct err err;
	struct delta_optimize_result r;
	const struct delta_optimize_opts o = {.threads = (int)strtol(argv[0], NULL, 10),
		.target_bytes = strtoll(argv[1], NULL, 10) << 20,
		.zorder = argc > 2 ? (const char *const *)(argv + 2) : NULL,
		.n_zorder = (size_t)argc - 2};
	const int64_t start = time_mono_us();
	check(delta_optimize(store, root, &o, &r, &err), &err);
	const int64_t us = time_mono_us() - start;
	printf("{\"seconds\": %.6f, \"removed\": %" PRId64 ", \"added\": %" PRId64 ", \"bytes\": %" PRId64
	       ", \"rows\": %" PRId64 "}\n",
		(double)us * 1e-6, r.files_removed, r.files_added, r.bytes_added, r.rows);
}

int main(int argc, char **argv)
{
	struct store *store = NULL;
	struct err err;
	const char *mode = argc >= 4 ? argv[1] : "";
	if (argc >= 4) check(store_open(argv[2], &store, &err), &err);
	if (strcmp(mode, "open") == 0 && argc == 5) {
		bench_open(store, argv[3], rounds_of(argv[4]));
	} else if (strcmp(mode, "commit") == 0 && argc == 4) {
		bench_commit(store, argv[2], rounds_of(argv[3]));
	} else if (strcmp(mode, "optimize") == 0 && argc >= 6) {
		bench_optimize(store, argv[3], argc - 4, argv + 4);
	} else {
		(void)fprintf(stderr,
			"usage: bench_delta open LAKE TABLE ROUNDS | commit LAKE ROUNDS | optimize LAKE TABLE "
			"THREADS TARGET_MIB [COLUMN...]\n");
		store_close(store);
		return 2;
	}
	store_close(store);
	return 0;
}
