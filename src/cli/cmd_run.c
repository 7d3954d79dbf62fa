/* cli/cmd_run.c: run, generate, ingest, bronze, silver, gold, publish: all of them flow_run with other options. */
#include <stdio.h>
#include <stdlib.h>

#include "base/vec.h"
#include "cli/report.h"
#include "cli/run_options.h"
#include "flow/table_files.h"
#include "stream/topic.h"

#define IDENTITY_OPTIONS                                                                                       \
	{"--seed", "N", "seed of the simulator (default: the configuration's, 42)"},                           \
		{"--from", "DATE", "first local day"}, {"--to", "DATE", "last local day"},                     \
		{"--emit-from", "DATE", "leave out events before this day; tickets still start at --from"},    \
		{"--as-of", "TIME",                                                                            \
			"the instant the run describes: a date (its end) or RFC 3339 (default: end of --to)"}, \
		{"--volume", "N", "pqrs: average tickets a day, outside the spike (simulation.spike)"},        \
		{"--rate", "N", "clickstream: events a second, on average"},                                   \
	{                                                                                                      \
		"--run-id", "UUID", "name the run (default: derived from what decides its output)"             \
	}
#define LINEAGE_OPTION                                                                                               \
	{                                                                                                            \
		"--lineage-url", "URL", "send OpenLineage events there: http://HOST:PORT, https://HOST or file:PATH" \
	}
#define INPUT_OPTIONS                                                                                        \
	{"--input", "PATH...",                                                                               \
		"take JSONL files (also gzip, zstd), those of folders, or - for standard input, instead of " \
		"simulating; may be repeated"},                                                              \
	{                                                                                                    \
		"--source", "NAME", "value of source= for ingested input (default mixed)"                    \
	}

/* The run that is there which the command line means, and its workload; `latest` of the workload that it names, if it names one. */
static status find_run(struct session *s, const struct cli *c, struct run_opts *o, struct err *err)
{
	char *run_id = arena_alloc(&s->arena, 37, 1);
	if (run_id == NULL) return fail_nomem(err);
	if (cli_get(c, "--run-id") == NULL && cli_run_named(c) != NULL) {
		s->workload = cli_run_named(c);
		TRY(cli_run_opts(s, c, o, err)); /* what is wrong with the words comes first */
		TRY(session_run_latest(s, run_id, err));
	} else {
		TRY(cli_run_id(s, c, run_id, err));
		TRY(session_run_workload(s, run_id, err));
	}
	TRY(cli_run_opts(s, c, o, err));
	o->run_id = run_id;
	return OK;
}

struct steps {
	const char *only, *until; /* NULL: as the command line has it */
	bool there;               /* of a run that is there */
};

static status run_steps(struct session *s, struct cli *c, void *arg, struct err *err)
{
	const struct steps *k = arg;
	struct run_opts o;
	TRY(k->there ? find_run(s, c, &o, err) : cli_run_opts(s, c, &o, err));
	if (k->only != NULL) o.only = k->only;
	if (k->until != NULL) o.until = k->until;
	return report_run(s, c, &o, err);
}

static status run_with(struct cli *c, const char *only, const char *until, bool there, struct err *err)
{
	struct steps k = {only, until, there};
	return cli_with_session(
		c, SESSION_LAKE | SESSION_CONTROL | (there ? SESSION_EXISTING : CLI_CONFIG), run_steps, &k, err);
}

/* ---- what a stream appended ---- */

struct dates {
	const char **items; /* rising */
	size_t n, cap;
	struct arena *arena;
};

static bool wanted(const struct str date, const char *from, const char *to)
{
	return (from == NULL || str_cmp(date, str_of(from)) >= 0) && (to == NULL || str_cmp(date, str_of(to)) <= 0);
}

static int by_date(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Of the files that a stream appended, the parts of their table. */
static status find_dates(struct session *s, const struct cli *c, struct dates *out, struct err *err)
{
	struct file_list files = {.arena = &s->arena};
	const struct workload *w = s->workload;
	const struct table_schema *t = w->tables[workload_table_index(w, w->folding.events)];
	const char *part = t->columns[schema_part_column(t)].name;
	TRY(table_files_streamed(s->lake, w, NULL, &files, err));
	for (size_t i = 0; i < files.n; i++) {
		struct str date;
		bool known = false;
		TRY(file_ref_value(&files.items[i], part, &date, err));
		for (size_t k = 0; k < out->n && !known; k++) known = str_is(date, out->items[k]);
		if (known || !wanted(date, cli_get(c, "--from"), cli_get(c, "--to"))) continue;
		if (!VEC_ROOM_IN(&s->arena, out, 1)) return fail_nomem(err);
		out->items[out->n] = arena_strndup(&s->arena, date.p, date.n);
		if (out->items[out->n++] == NULL) return fail_nomem(err);
	}
	if (out->n > 1) qsort(out->items, out->n, sizeof *out->items, by_date);
	if (out->n > 0) return OK;
	return fail(err, E_NOT_FOUND, "no stream has appended anything of these days to %s", w->folding.events);
}

/* Does a stream of it append to the table that its runs fold? */
static bool streams_into_bronze(const struct workload *w)
{
	char name[DELTA_ROOT_MAX];
	if (w->topic == NULL) return false;
	(void)snprintf(name, sizeof name, "%s.%s", w->topic->table->layer, w->topic->table->name);
	return strcmp(name, w->folding.events) == 0;
}

static status check_dates(const struct session *s, const struct cli *c, struct err *err)
{
	int32_t date;
	TRY(cli_get_date(c, "--from", &date, err));
	TRY(cli_get_date(c, "--to", &date, err));
	if (!streams_into_bronze(s->workload))
		return fail(err, E_USAGE, "--from-stream: no stream appends events of workload %s", s->workload->name);
	return cli_get(c, "--run-id") == NULL
		       ? OK
		       : fail(err, E_USAGE, "--from-stream makes a run a date: it takes no --run-id");
}

/* Date by date, each a run that goes on from the one before. */
static status run_streamed(struct session *s, struct cli *c, void *arg, struct err *err)
{
	struct run_opts o;
	struct dates dates = {.arena = &s->arena};
	(void)arg;
	TRY(cli_run_opts(s, c, &o, err));
	TRY(check_dates(s, c, err));
	TRY(find_dates(s, c, &dates, err));
	for (size_t i = 0; i < dates.n; i++) {
		o.streamed = dates.items[i];
		TRY(report_run(s, c, &o, err));
	}
	return OK;
}

static status run_run(struct cli *c, struct err *err)
{
	if (cli_flag(c, "--from-stream"))
		return cli_with_session(
			c, SESSION_LAKE | SESSION_CONTROL | SESSION_EXISTING | CLI_CONFIG, run_streamed, NULL, err);
	/* One step of a run that is there, unless it is told by what decides its output. */
	const bool step = cli_get(c, "--only") != NULL && !cli_tells_run(c);
	return run_with(c, cli_get(c, "--only"), NULL, step, err);
}

static status generate_run(struct cli *c, struct err *err)
{
	return run_with(c, NULL, "raw", false, err);
}

static status ingest_run(struct cli *c, struct err *err)
{
	const char *format = cli_get(c, "--format");
	if (format != NULL && strcmp(format, "jsonl") != 0 && strcmp(format, "auto") != 0)
		return fail(err, E_UNSUPPORTED, "unsupported: --format %s; this version reads jsonl", format);
	return run_with(c, NULL, "raw", false, err);
}

static status bronze_run(struct cli *c, struct err *err)
{
	return run_with(c, "bronze", NULL, true, err);
}
static status silver_run(struct cli *c, struct err *err)
{
	return run_with(c, "silver", NULL, true, err);
}
static status gold_run(struct cli *c, struct err *err)
{
	return run_with(c, "gold", NULL, true, err);
}
static status publish_run(struct cli *c, struct err *err)
{
	return run_with(c, "publish", NULL, true, err);
}

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))
static const struct cli_option run_options[] = {IDENTITY_OPTIONS, INPUT_OPTIONS,
	{"--from-stream", NULL,
		"clickstream: take what a stream has appended to bronze, a run a date; --from and --to choose dates"},
	{"--until", "STAGE", "stop after raw, bronze, silver, gold or a step by its name; publish is all"},
	{"--only", "STEP", "this step alone, of the newest run or of the one that the other options tell"},
	{"--no-publish", NULL, "leave the SQL tables as they are"},
	{"--replace-published", NULL, "also where the SQL tables show another history"}, LINEAGE_OPTION};
static const struct cli_option generate_options[] = {IDENTITY_OPTIONS, LINEAGE_OPTION};
static const struct cli_option ingest_options[] = {{"--format", "NAME", "jsonl or auto"},
	{"--source", "NAME", "value of source= (default mixed)"},
	{"--as-of", "TIME", "the instant the run describes (default: end of the newest event's local day)"},
	{"--run-id", "UUID", "name the run"}, LINEAGE_OPTION};
static const struct cli_option stage_options[] = {{"--run-id", "ID", CLI_RUN_HELP}, LINEAGE_OPTION};
static const struct cli_option publish_options[] = {{"--run-id", "ID", CLI_RUN_HELP},
	{"--replace-published", NULL, "compare every row, not only the months whose files changed"}, LINEAGE_OPTION};

const struct cli_command cli_run_command = {.name = "run",
	.synopsis = "[pqrs | clickstream]",
	.summary = "the whole job: raw, bronze, silver, gold, publish",
	.details =
		"Simulates (or takes --input), lands raw JSONL, refines it to bronze, silver and gold, checks "
		"quality,\n"
		"writes the manifest and publishes the KPIs. A finished run does nothing when run again; one that was\n"
		"stopped goes on where it was.\n\n"
		"  pqr run                                  six months by the default configuration\n"
		"  pqr run --from 2025-10-01 --to 2025-12-31 --seed 7\n"
		"  pqr run --input events.jsonl             real events\n"
		"  pqr run clickstream                      a week of a shop's events\n"
		"  pqr run clickstream --only silver_to_gold_dau",
	.options = run_options,
	.n_options = N_OF(run_options),
	.args_max = -1,
	.takes_workload = true,
	.run = run_run};
const struct cli_command cli_generate_command = {.name = "generate",
	.synopsis = "[pqrs | clickstream]",
	.summary = "simulate events into raw",
	.options = generate_options,
	.n_options = N_OF(generate_options),
	.args_max = 1,
	.takes_workload = true,
	.run = generate_run};
const struct cli_command cli_ingest_command = {.name = "ingest",
	.synopsis = "[pqrs | clickstream] PATH...",
	.summary = "bring JSONL files or a stream into raw as a run",
	.details = "Splits the lines by the UTC day of their ts and keeps each line's bytes; lines whose ts can't be "
		   "read\n"
		   "land under day=unknown. Files may be compressed by gzip or zstd; - is standard input. Of a folder "
		   "its\n"
		   "*.jsonl and *.ndjson are taken, also with .gz or .zst behind, by name, without sub-folders.\n"
		   "`pqr bronze` and the later stages go on from there; `pqr run --input` does all.",
	.options = ingest_options,
	.n_options = N_OF(ingest_options),
	.args_min = 1,
	.args_max = -1,
	.takes_workload = true,
	.run = ingest_run};
const struct cli_command cli_bronze_command = {.name = "bronze",
	.synopsis = "",
	.summary = "raw to typed Parquet",
	.options = stage_options,
	.n_options = N_OF(stage_options),
	.args_max = 0,
	.run = bronze_run};
const struct cli_command cli_silver_command = {.name = "silver",
	.synopsis = "",
	.summary = "bronze to tickets, messages, status events, ...",
	.options = stage_options,
	.n_options = N_OF(stage_options),
	.args_max = 0,
	.run = silver_run};
const struct cli_command cli_gold_command = {.name = "gold",
	.synopsis = "",
	.summary = "silver to KPI tables",
	.options = stage_options,
	.n_options = N_OF(stage_options),
	.args_max = 0,
	.run = gold_run};
const struct cli_command cli_publish_command = {.name = "publish",
	.synopsis = "",
	.summary = "gold to the SQL tables",
	.options = publish_options,
	.n_options = N_OF(publish_options),
	.args_max = 0,
	.run = publish_run};
