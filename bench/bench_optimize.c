/* bench/bench_optimize.c: compact a Delta table and say how long it took, to be set beside what another engine takes for a copy of it.
 *
 *   bench_optimize LAKE TABLE THREADS TARGET_BYTES [ZORDER_COLUMN...]
 *
 * Changes the table: one line with files before and after, bytes, rows, wall and processor time, peak of memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "base/time.h"
#include "table/maintain/optimize.h"

int main(int argc, char **argv)
{
	struct err err;
	struct store *store = NULL;
	struct delta_optimize_result r;
	if (argc < 5) {
		(void)fprintf(stderr, "usage: bench_optimize LAKE TABLE THREADS TARGET_BYTES [ZORDER_COLUMN...]\n");
		return 2;
	}
	mem_setup();
	const struct delta_optimize_opts opts = {.threads = atoi(argv[3]),
		.target_bytes = atoll(argv[4]),
		.zorder = argc > 5 ? (const char *const *)(argv + 5) : NULL,
		.n_zorder = (size_t)(argc - 5)};
	const int64_t start = time_mono_us();
	status code = store_open(argv[1], &store, &err);
	if (code == OK) code = delta_optimize(store, argv[2], &opts, &r, &err);
	const double ms = (double)(time_mono_us() - start) / 1000;
	store_close(store);
	if (code != OK) {
		char text[ERR_MESSAGE_MAX + ERR_WHERE_MAX];
		(void)fprintf(stderr, "bench_optimize: %s\n", err_text(&err, text, sizeof text));
		return 1;
	}
	struct rusage u;
	(void)getrusage(RUSAGE_SELF, &u);
	(void)printf("%lld files of %.1f MB -> %lld of %.1f MB, %lld rows: %.1f ms, %.2f s of processor, %zu MiB\n",
		(long long)r.files_removed, (double)r.bytes_removed / 1e6, (long long)r.files_added,
		(double)r.bytes_added / 1e6, (long long)r.rows, ms,
		(double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
			(double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6,
		mem_peak() >> 20);
	return 0;
}
