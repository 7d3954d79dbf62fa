/* bench_simulate [FACTOR [ROUNDS]]: events/s, MB/s and ns an event of the default simulation at FACTOR times its
 * volume, in user CPU time of one thread: lives alone, then the whole stage with both hashes, put into a directory
 * below $TMPDIR (removed after), and how much of it is hashing. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "flow/engine_config.h"
#include "workloads/pqrs/sim/sim_sort.h"
#include "workloads/pqrs/sim/simulate.h"

struct sum {
	int64_t tickets, events, bytes;
};

static double user_seconds(void)
{
	struct rusage u;
	(void)getrusage(RUSAGE_SELF, &u);
	return (double)u.ru_utime.tv_sec + (double)u.ru_utime.tv_usec / 1e6;
}

static void report(const char *what, const struct sum *s, double seconds)
{
	(void)printf("%-34s %9.3f s %8.2f M events/s %9.1f MB/s %7.1f ns/event\n", what, seconds,
		(double)s->events / seconds / 1e6, (double)s->bytes / seconds / 1e6, seconds / (double)s->events * 1e9);
}

static status config_make(const char *volume, struct pqrs_config **out, struct err *err)
{
	const struct config_keys keys[] = {engine_config_keys, pqrs_config_keys};
	struct config tree;
	struct buf canonical;
	buf_init(&canonical, 0);
	TRY(config_init(&tree, err));
	status st = config_defaults(&tree, keys, 2, err);
	if (st == OK) st = config_set(&tree, "simulation.volume_daily_avg", volume, "FACTOR", err);
	if (st == OK) st = pqrs_config_canonical(&tree, PQRS_SIMULATED, &canonical, err);
	if (st == OK) st = pqrs_config_open((struct str){(const char *)canonical.p, canonical.n}, out, err);
	config_deinit(&tree);
	buf_deinit(&canonical);
	return st;
}

/* Every ticket of the range once: what a life costs. */
static status lives(const struct pqrs_config *config, const struct run_info *run, struct sum *out, struct err *err)
{
	struct arena arena;
	struct sim_world w;
	struct sim_shares shares;
	arena_init(&arena, 0);
	const struct sim_range made = {run->date_from, run->date_to + 1};
	TRY(sim_world_init(&w, config, run, made, &arena, err));
	TRY(sim_shares_init(&shares, config, &arena, err));
	for (int32_t date = run->date_from; date <= run->date_to; date++) {
		for (uint32_t number = 0; number < sim_world_day(&w, date)->volume; number++) {
			struct sim_event events[SIM_EVENTS_MAX];
			struct sim_ticket t = {.date = date, .number = number};
			out->tickets++;
			out->events += (int64_t)sim_ticket_events(&w, &shares, &t, INT64_MIN, INT64_MAX, events);
		}
	}
	arena_deinit(&arena);
	return OK;
}

/* The whole stage into a lake. */
static status stage(const struct pqrs_config *config, const struct run_info *run, struct store *lake, struct sum *out,
	struct err *err)
{
	struct arena arena;
	arena_init(&arena, 0);
	struct task_list tasks = {.arena = &arena};
	const struct stage_view view = {.run = run, .config = config, .lake = lake};
	const struct task_env env = {.lake = lake, .run = run, .config = config};
	struct task_result result;
	task_result_init(&result, NULL, &arena);
	TRY(pqrs_simulate_plan(&view, NULL, &tasks, err));
	for (size_t i = 0; i < tasks.n; i++) TRY(pqrs_simulate_run(&env, &tasks.items[i], &result, err));
	out->tickets = counter_get(&result.counters, "tickets");
	out->events = counter_get(&result.counters, "rows_out");
	out->bytes = counter_get(&result.counters, "bytes_out");
	arena_deinit(&arena);
	return OK;
}

/* What the stage spends on hashing one object after the other, by hashing as many bytes. */
static double hash_seconds(int64_t bytes)
{
	enum { OBJECT = 1 << 20 };
	uint8_t *p = mem_zalloc(OBJECT, 1);
	uint8_t sha[SHA256_BYTES], xxh[XXH128_BYTES];
	if (p == NULL) return 0;
	const double start = user_seconds();
	for (int64_t at = 0; at < bytes; at += OBJECT) {
		p[at >> 20 & (OBJECT - 1)]++;
		hash_sha256(p, OBJECT, sha);
		hash_xxh128(p, OBJECT, xxh);
	}
	const double seconds = user_seconds() - start;
	mem_free(p);
	return seconds;
}

static status bench(int factor, int rounds, const char *dir, struct err *err)
{
	char volume[32];
	struct pqrs_config *config = NULL;
	(void)snprintf(volume, sizeof volume, "%d", 1150 * factor);
	TRY(config_make(volume, &config, err));
	struct run_info run = {.run_id = "00000000-0000-4000-8000-000000000000",
		.workload = "pqrs",
		.params = "seed=42",
		.date_from = config->simulation.date_from,
		.date_to = config->simulation.date_to};
	run.as_of = tz_day_end(config->tz, run.date_to);
	for (int round = 0; round < rounds; round++) {
		struct sum s = {0};
		struct store *lake = NULL;
		char command[256];
		double start = user_seconds();
		TRY(lives(config, &run, &s, err));
		report("lives", &s, user_seconds() - start);
		TRY(store_open(dir, &lake, err));
		start = user_seconds();
		TRY(stage(config, &run, lake, &s, err));
		const double whole = user_seconds() - start, hashes = hash_seconds(s.bytes);
		report("stage", &s, whole);
		report("  of it SHA-256 and XXH3-128", &s, hashes);
		report("  of it the rest", &s, whole - hashes);
		store_close(lake);
		(void)printf("%lld tickets, %lld events, %lld bytes, peak %.1f MB\n", (long long)s.tickets,
			(long long)s.events, (long long)s.bytes, (double)mem_peak() / 1e6);
		(void)snprintf(command, sizeof command, "rm -rf '%.200s/raw'", dir);
		if (system(command) != 0) return fail(err, E_IO, "%s", command);
	}
	pqrs_config_close(config);
	return OK;
}

int main(int argc, char **argv)
{
	struct err err;
	char dir[128], text[1024];
	const char *base = getenv("TMPDIR");
	const int factor = argc > 1 ? atoi(argv[1]) : 1, rounds = argc > 2 ? atoi(argv[2]) : 3;
	(void)snprintf(dir, sizeof dir, "%.80s/pqr-bench-XXXXXX", base != NULL ? base : "/tmp");
	if (factor < 1 || mkdtemp(dir) == NULL) return 2;
	const status st = bench(factor, rounds, dir, &err);
	if (st != OK) (void)fprintf(stderr, "%s\n", err_text(&err, text, sizeof text));
	(void)snprintf(text, sizeof text, "rm -rf '%.100s'", dir);
	if (system(text) != 0) return 1;
	return st == OK ? 0 : 1;
}
