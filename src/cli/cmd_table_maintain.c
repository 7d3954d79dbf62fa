/* cli/cmd_table_maintain.c: pqr table optimize, vacuum and checkpoint. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cmd_table.h"
#include "table/log/checkpoint.h"
#include "table/maintain/optimize.h"
#include "table/maintain/vacuum.h"

/* A whole number and a unit: "64MB", "7d". units: pairs of name and factor; the empty name is that of none. */
struct unit {
	const char *name;
	int64_t factor;
};

static bool parse_quantity(const char *text, const struct unit *units, size_t n_units, int64_t *out)
{
	char *end = NULL;
	errno = 0;
	const long long v = strtoll(text, &end, 10);
	if (end == text || v < 0 || errno != 0) return false;
	for (size_t i = 0; i < n_units; i++) {
		if (strcmp(end, units[i].name) == 0) return !__builtin_mul_overflow(v, units[i].factor, out);
	}
	return false;
}

#define DAY_MS INT64_C(86400000)
enum { SAFE_DAYS = 7 }; /* what a retention of no days counts as until it is confirmed */
static const struct unit size_units[] = {{"", 1}, {"B", 1}, {"kB", 1000}, {"MB", 1000000}, {"GB", 1000000000},
	{"KiB", 1024}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};
static const struct unit time_units[] = {
	{"ms", 1}, {"s", 1000}, {"m", 60000}, {"min", 60000}, {"h", 3600000}, {"d", DAY_MS}};
#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

static status target_option(const struct table_cmd *t, int64_t *bytes, struct err *err)
{
	const char *size = cli_get(t->cli, "--target-size");
	if (size == NULL || (parse_quantity(size, size_units, N_OF(size_units), bytes) && *bytes > 0)) return OK;
	return fail(err, E_USAGE, "--target-size: expected bytes, as 64MB or 128MiB, found '%s'", size);
}

static status retention_option(const struct table_cmd *t, int64_t *ms, struct err *err)
{
	const char *retention = cli_get(t->cli, "--retention");
	if (retention == NULL) {
		if (t->session->engine.retention_days > 0 || cli_flag(t->cli, "--yes") || cli_flag(t->cli, "--dry-run"))
			return OK;
		return fail(err, E_USAGE,
			"lake.retention_days is 0: older versions, and readers and writers at work, lose their files; "
			"confirm with --yes");
	}
	if (parse_quantity(retention, time_units, N_OF(time_units), ms)) return OK;
	return fail(err, E_USAGE, "--retention: expected a time as 7d, 168h or 0s, found '%s'", retention);
}

status table_maintain_check(const struct table_cmd *t, struct err *err)
{
	int64_t n;
	TRY(target_option(t, &n, err));
	return strcmp(t->cli->args[0], "vacuum") == 0 ? retention_option(t, &n, err) : OK;
}

void table_json_begin(const struct table_cmd *t, struct buf *out)
{
	ASSERT(strchr(t->root, '/') != NULL); /* a layer, and a table of it */
	if (t->all) buf_char(out, t->n_tables == 0 ? '[' : ',');
	buf_char(out, '{');
	if (!t->all) return;
	const int layer_n = (int)strcspn(t->root, "/");
	buf_printf(out, "\"table\":\"%.*s.%s\",", layer_n, t->root, t->root + layer_n + 1);
}

/* ---- optimize --------------------------------------------------------------------------------------------------------- */

static void say_files(void *arg, int64_t done, int64_t files)
{
	const struct table_cmd *t = arg;
	if (!t->cli->progress || !isatty(STDERR_FILENO)) return;
	char n[2][32];
	(void)fprintf(
		stderr, "\r%s of %s files%s", cli_count(done, n[0]), cli_count(files, n[1]), done == files ? "\n" : "");
}

static status print_optimized(struct table_cmd *t, const struct delta_optimize_result *r, struct err *err)
{
	struct buf *out = &t->cli->out;
	char a[32], b[32], rows[32];
	if (t->cli->json) table_json_begin(t, out);
	if (t->cli->json)
		buf_printf(out,
			"\"files_removed\":%lld,\"files_added\":%lld,\"bytes_removed\":%lld,\"bytes_added\":%lld,"
			"\"rows\":%lld,\"partitions\":%lld,\"commits\":%lld,\"skipped_bins\":%lld,\"version\":%lld}\n",
			(long long)r->files_removed, (long long)r->files_added, (long long)r->bytes_removed,
			(long long)r->bytes_added, (long long)r->rows, (long long)r->partitions, (long long)r->commits,
			(long long)r->skipped_bins, (long long)r->version);
	else if (r->commits == 0)
		buf_printf(out, "nothing to do: %s has no files to put together, version %lld stands", t->root,
			(long long)r->version);
	else
		buf_printf(out, "%s files into %s, %s rows, %.1f MB into %.1f MB: version %lld of %s",
			cli_count(r->files_removed, a), cli_count(r->files_added, b), cli_count(r->rows, rows),
			(double)r->bytes_removed / 1e6, (double)r->bytes_added / 1e6, (long long)r->version, t->root);
	if (!t->cli->json && r->skipped_bins > 0)
		buf_printf(out, "; %s groups of files were left: somebody else changed them meanwhile; run it again",
			cli_count(r->skipped_bins, a));
	if (!t->cli->json) buf_char(out, '\n');
	return cli_print_result(t->cli, err);
}

status table_optimize(struct table_cmd *t, struct err *err)
{
	struct delta_optimize_opts o = {
		.threads = t->session->engine.threads, .progress = say_files, .progress_arg = t};
	struct delta_optimize_result r;
	struct delta_condition *where;
	TRY(target_option(t, &o.target_bytes, err));
	if (cli_get(t->cli, "--zorder") != NULL) TRY(table_names(t, "--zorder", &o.zorder, &o.n_zorder, err));
	TRY(table_conditions(t, &where, &o.n_where, err));
	o.where = where;
	TRY(delta_optimize(t->session->lake, t->root, &o, &r, err));
	return print_optimized(t, &r, err);
}

/* ---- vacuum ----------------------------------------------------------------------------------------------------------- */

static void say_doomed(void *arg, const char *key, int64_t bytes)
{
	struct buf *out = arg;
	buf_printf(out, "%s\t%lld\n", key, (long long)bytes);
}

static status print_vacuumed(
	struct table_cmd *t, const struct delta_vacuum_result *r, const struct buf *names, struct err *err)
{
	struct buf *out = &t->cli->out;
	char files[32];
	const bool dry = cli_flag(t->cli, "--dry-run");
	if (t->cli->json) {
		table_json_begin(t, out);
		buf_printf(out, "\"dry_run\":%s,\"files\":%lld,\"bytes\":%lld,\"kept_young\":%lld}\n",
			dry ? "true" : "false", (long long)r->files, (long long)r->bytes, (long long)r->kept_young);
	} else {
		if (dry) TRY(buf_check(names, err));
		if (dry) buf_add(out, names->p, names->n);
		buf_printf(out, "%s %s files, %.1f MB of %s%s\n", dry ? "would delete" : "deleted",
			cli_count(r->files, files), (double)r->bytes / 1e6, t->root,
			dry && r->files > 0 ? "; without --dry-run they go" : "");
	}
	return cli_print_result(t->cli, err);
}

status table_vacuum(struct table_cmd *t, struct err *err)
{
	struct buf names;
	struct delta_vacuum_result r;
	const int64_t days = t->session->engine.retention_days;
	const bool kept_by_days = days > 0 || cli_flag(t->cli, "--yes") || cli_flag(t->cli, "--dry-run");
	struct delta_vacuum_opts o = {
		.retention_ms = -1,
		.default_ms = (kept_by_days ? days : SAFE_DAYS) * DAY_MS,
		.unsafe = cli_flag(t->cli, "--no-retention-check"),
		.dry_run = cli_flag(t->cli, "--dry-run"),
		.now_ms = time_now_us() / 1000,
		.visit = cli_flag(t->cli, "--dry-run") && !t->cli->json && !t->all ? say_doomed : NULL,
		.visit_arg = &names,
	};
	TRY(retention_option(t, &o.retention_ms, err));
	buf_init(&names, 0);
	const status done = delta_vacuum(t->session->lake, t->root, &o, &r, err);
	const status code = done == OK ? print_vacuumed(t, &r, &names, err) : done;
	buf_deinit(&names);
	return code;
}

/* ---- checkpoint ------------------------------------------------------------------------------------------------------- */

status table_checkpoint(struct table_cmd *t, struct err *err)
{
	struct buf *out = &t->cli->out;
	TRY(delta_checkpoint_write(t->snapshot, time_now_us() / 1000, err));
	if (t->cli->json) table_json_begin(t, out);
	if (t->cli->json)
		buf_printf(out, "\"version\":%lld,\"files\":%zu}\n", (long long)t->snapshot->version,
			t->snapshot->n_files);
	else
		buf_printf(out, "checkpoint of version %lld of %s: %zu files\n", (long long)t->snapshot->version,
			t->root, t->snapshot->n_files);
	return cli_print_result(t->cli, err);
}
