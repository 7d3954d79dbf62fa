/* cli/cmd_stream_land.c: pqr stream land: a topic, or lines, into bronze. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cmd_stream.h"
#include "stream/land.h"
#include "stream/lines.h"

enum { MILLION = 1000000, INTERVAL_S = 30, ROOT_MAX = 512 };
#define BATCH_BYTES (INT64_C(256) << 20)

struct land_cmd {
	struct stream_cmd *k;
	char root[ROOT_MAX], rejects[ROOT_MAX], source[ROOT_MAX], name[ROOT_MAX + 16];
	struct stream_source *records;
	struct land *land;
};

/* ---- what it reports ------------------------------------------------------------------------------------------------------ */

static void progress_text(const struct stream_report *r, struct buf *out)
{
	for (size_t i = 0; i < r->n_partitions; i++) {
		buf_printf(out, "%s%d at %lld", i == 0 ? "; partition " : ", ", r->partitions[i].partition,
			(long long)r->partitions[i].next);
		if (r->partitions[i].lag > 0) buf_printf(out, " (%lld behind)", (long long)r->partitions[i].lag);
	}
}

static void report_text(const struct land_cmd *c, const struct stream_report *r, struct buf *out)
{
	char records[32];
	buf_printf(out, "landed %s records, %.1f MB, in version %lld; commit %.0f ms", cli_count(r->records, records),
		(double)r->bytes / 1e6, (long long)land_version(c->land), (double)r->commit_us / 1e3);
	if (r->end_to_end_us >= 0) buf_printf(out, ", %.2f s from end to end", (double)r->end_to_end_us / 1e6);
	if (r->rejected > 0) buf_printf(out, ", %lld rejected", (long long)r->rejected);
	progress_text(r, out);
}

static void report_json(const struct land_cmd *c, const struct stream_report *r, struct buf *out)
{
	buf_printf(out,
		"{\"table\":\"%s.%s\",\"version\":%lld,\"records\":%lld,\"bytes\":%lld,\"rejected\":%lld,\"commit_ms\":"
		"%.1f,",
		c->k->topic->table->layer, c->k->topic->table->name, (long long)land_version(c->land),
		(long long)r->records, (long long)r->bytes, (long long)r->rejected, (double)r->commit_us / 1e3);
	if (r->end_to_end_us >= 0) buf_printf(out, "\"end_to_end_s\":%.3f,", (double)r->end_to_end_us / 1e6);
	buf_str(out, "\"partitions\":[");
	for (size_t i = 0; i < r->n_partitions; i++) {
		buf_printf(out, "%s{\"partition\":%d,\"next\":%lld,\"lag\":", i == 0 ? "" : ",",
			r->partitions[i].partition, (long long)r->partitions[i].next);
		if (r->partitions[i].lag >= 0)
			buf_i64(out, r->partitions[i].lag);
		else
			buf_str(out, "null");
		buf_char(out, '}');
	}
	buf_str(out, "]}\n");
}

static void report(void *ctx, const struct stream_report *r)
{
	struct land_cmd *c = ctx;
	struct buf out;
	buf_init(&out, 0);
	if (c->k->cli->json)
		report_json(c, r, &out);
	else
		report_text(c, r, &out);
	if (c->k->cli->json && cli_print(&out, NULL) != OK)
		log_line(LOG_WARN, "a report could not be written to standard output", NULL);
	else if (!c->k->cli->json && buf_check(&out, NULL) == OK)
		log_printf(LOG_INFO, "%.*s", (int)out.n, (const char *)out.p);
	buf_deinit(&out);
}

/* ---- the command ---------------------------------------------------------------------------------------------------------- */

static status source_name(struct land_cmd *c, bool plain, struct err *err)
{
	const char *id = cli_get(c->k->cli, "--source-id");
	if (!plain && id != NULL)
		return fail(err, E_USAGE, "--source-id names lines of standard input: use it with --source -");
	if (id != NULL && (id[0] == '\0' || strlen(id) > 200))
		return fail(err, E_USAGE, "--source-id: expected a name of 1 to 200 bytes");
	if (plain && id != NULL) (void)snprintf(c->source, sizeof c->source, "stdin:%s", id);
	if (!plain) (void)snprintf(c->source, sizeof c->source, "%s", c->k->topic_name);
	return OK;
}

static status open_source(struct land_cmd *c, bool plain, struct err *err)
{
	if (!plain)
		return fail(err, E_UNSUPPORTED, "unsupported in this version: --source kafka; --source - reads lines");
	size_t bytes_max;
	c->k->topic->settings(c->k->session.config, &(struct parquet_opts){0}, &bytes_max);
	return stream_lines_open(STDIN_FILENO, bytes_max, &c->records, err);
}

static status open_land(struct land_cmd *c, bool plain, struct err *err)
{
	const struct table_schema *t = c->k->topic->table;
	const char *on_gap = cli_get(c->k->cli, "--on-gap");
	(void)snprintf(c->root, sizeof c->root, "%s/%s", t->layer, t->name);
	(void)snprintf(c->rejects, sizeof c->rejects, "rejects/%s", t->name);
	(void)snprintf(c->name, sizeof c->name, "land %s", c->source[0] != '\0' ? c->source : "standard input");
	const struct land_opts o = {.lake = c->k->session.lake,
		.topic = c->k->topic,
		.config = c->k->session.config,
		.root = c->root,
		.rejects = c->rejects,
		.source = c->source[0] != '\0' ? c->source : NULL,
		.kafka = !plain,
		.go_on_at_gap = on_gap != NULL && strcmp(on_gap, "continue") == 0};
	if (on_gap != NULL && !o.go_on_at_gap && strcmp(on_gap, "stop") != 0)
		return fail(err, E_USAGE, "--on-gap: expected stop or continue, found '%s'", on_gap);
	return land_open(&o, &c->land, err);
}

static status member_options(struct land_cmd *c, bool plain, struct stream_member_opts *o, struct err *err)
{
	const char *from = cli_get(c->k->cli, "--from");
	*o = (struct stream_member_opts){.source = c->records,
		.sink = land_sink(c->land),
		.name = c->name,
		.interval_us = (int64_t)INTERVAL_S * MILLION,
		.bytes_max = BATCH_BYTES,
		.once = plain || cli_flag(c->k->cli, "--once"),
		.from_latest = from != NULL && strcmp(from, "latest") == 0,
		.stop = c->k->stop,
		.report = report,
		.report_ctx = c};
	if (from != NULL && !o->from_latest && strcmp(from, "earliest") != 0)
		return fail(err, E_USAGE, "--from: expected earliest or latest, found '%s'", from);
	TRY(cmd_stream_decimal(c->k, "--interval", 10000, INT64_C(86400) * MILLION, &o->interval_us, err));
	return cmd_stream_bytes(c->k, "--bytes", &o->bytes_max, err);
}

static status land_all(struct land_cmd *c, bool plain, struct err *err)
{
	struct stream_member_opts o;
	TRY(open_land(c, plain, err));
	TRY(open_source(c, plain, err));
	TRY(member_options(c, plain, &o, err));
	return stream_member_run(&o, err);
}

status cmd_stream_land(struct stream_cmd *k, struct err *err)
{
	struct land_cmd c = {.k = k};
	bool plain;
	TRY(cmd_stream_plain(k, "--source", &plain, err));
	TRY(source_name(&c, plain, err));
	TRY(session_connect(&k->session, SESSION_LAKE | SESSION_TABLES, err));
	const status code = land_all(&c, plain, err);
	stream_source_close(c.records);
	land_close(c.land);
	return code;
}
