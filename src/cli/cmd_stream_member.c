/* cli/cmd_stream_member.c: see cmd_stream_member.h. */
#include "cli/cmd_stream_member.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/stream_metrics_server.h"
#include "stream/lines.h"

enum { MILLION = 1000000, INTERVAL_S = 30, SOURCE_ID_MAX = 200 };
#define BATCH_BYTES (INT64_C(256) << 20)

/* ---- the status line ------------------------------------------------------------------------------------------------------ */

static void report_text(const struct cmd_stream_member *m, const struct stream_report *r, struct buf *out)
{
	m->text(m->ctx, r, out);
	buf_printf(out, "; commit %.0f ms", (double)r->commit_us / 1e3);
	if (r->end_to_end_us >= 0) buf_printf(out, ", %.2f s from end to end", (double)r->end_to_end_us / 1e6);
	if (r->rejected > 0) buf_printf(out, ", %lld rejected", (long long)r->rejected);
	for (size_t i = 0; i < r->n_partitions; i++) {
		buf_printf(out, "%s%d at %lld", i == 0 ? "; partition " : ", ", r->partitions[i].partition,
			(long long)r->partitions[i].next);
		if (r->partitions[i].lag > 0) buf_printf(out, " (%lld behind)", (long long)r->partitions[i].lag);
	}
}

static void report_json(const struct cmd_stream_member *m, const struct stream_report *r, struct buf *out)
{
	buf_char(out, '{');
	m->json(m->ctx, r, out);
	buf_printf(out, ",\"bytes\":%lld,\"rejected\":%lld,\"commit_ms\":%.1f,", (long long)r->bytes,
		(long long)r->rejected, (double)r->commit_us / 1e3);
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
	const struct cmd_stream_member *m = ctx;
	struct buf out;
	buf_init(&out, 0);
	if (m->metrics != NULL) stream_metrics_add(m->metrics, r);
	if (m->httpd != NULL) httpd_tick(m->httpd);
	if (m->k->cli->json)
		report_json(m, r, &out);
	else
		report_text(m, r, &out);
	if (m->k->cli->json && cli_print(&out, NULL) != OK)
		log_line(LOG_WARN, "a report could not be written to standard output", NULL);
	else if (!m->k->cli->json && buf_check(&out, NULL) == OK)
		log_printf(LOG_INFO, "%.*s", (int)out.n, (const char *)out.p);
	buf_deinit(&out);
}

/* ---- the source ----------------------------------------------------------------------------------------------------------- */

static status name_source(struct cmd_stream_member *m, struct err *err)
{
	const char *id = cli_get(m->k->cli, "--source-id");
	if (!m->plain && id != NULL)
		return fail(err, E_USAGE, "--source-id names lines of standard input: use it with --source -");
	if (id != NULL && (id[0] == '\0' || strlen(id) > SOURCE_ID_MAX))
		return fail(err, E_USAGE, "--source-id: expected a name of 1 to %d bytes", SOURCE_ID_MAX);
	if (m->plain && id != NULL) (void)snprintf(m->source, sizeof m->source, "stdin:%s", id);
	if (!m->plain) (void)snprintf(m->source, sizeof m->source, "%s", m->k->topic_name);
	(void)snprintf(m->name, sizeof m->name, "%s %s", m->verb, m->source[0] != '\0' ? m->source : "standard input");
	return OK;
}

static status open_topic(struct cmd_stream_member *m, struct err *err)
{
	const char *group = m->k->session.engine.stream_group;
	struct kafka_opts o;
	TRY(cmd_stream_kafka(m->k, &o, err));
	o.group = group[0] != '\0' ? group : m->group;
	o.ends = m->opts.once;
	return kafka_source_open(&o, &m->records, err);
}

static status open_source(struct cmd_stream_member *m, struct err *err)
{
	size_t bytes_max;
	if (!m->plain) return open_topic(m, err);
	m->k->topic->settings(m->k->topic_config, &(struct parquet_opts){0}, &bytes_max);
	return stream_lines_open(STDIN_FILENO, bytes_max, &m->records, err);
}

static status read_options(struct cmd_stream_member *m, struct err *err)
{
	const struct cli *cli = m->k->cli;
	const char *from = cli_get(cli, "--from"), *on_gap = cli_get(cli, "--on-gap");
	m->opts = (struct stream_member_opts){.name = m->name,
		.interval_us = (int64_t)INTERVAL_S * MILLION,
		.bytes_max = BATCH_BYTES,
		.once = m->plain || m->ends || cli_flag(cli, "--once"),
		.from_latest = from != NULL && strcmp(from, "latest") == 0,
		.stop = m->k->stop,
		.report = report,
		.report_ctx = m};
	if (from != NULL && !m->opts.from_latest && strcmp(from, "earliest") != 0)
		return fail(err, E_USAGE, "--from: expected earliest or latest, found '%s'", from);
	m->accept_new = cli_flag(cli, "--accept-new-topic");
	m->go_on_at_gap = on_gap != NULL && strcmp(on_gap, "continue") == 0;
	if (on_gap != NULL && !m->go_on_at_gap && strcmp(on_gap, "stop") != 0)
		return fail(err, E_USAGE, "--on-gap: expected stop or continue, found '%s'", on_gap);
	TRY(cmd_stream_decimal(m->k, "--interval", 10000, INT64_C(86400) * MILLION, &m->opts.interval_us, err));
	return cmd_stream_bytes(m->k, "--bytes", &m->opts.bytes_max, err);
}

status cmd_stream_member_open(struct cmd_stream_member *m, struct err *err)
{
	TRY(cmd_stream_plain(m->k, "--source", &m->plain, err));
	TRY(name_source(m, err));
	TRY(read_options(m, err));
	TRY(open_source(m, err));
	m->opts.source = m->records;
	const char *listen = cli_get(m->k->cli, "--metrics-listen");
	if (listen == NULL) return OK;
	if (!engine_address_known(listen))
		return fail(err, E_USAGE, "--metrics-listen: expected ADDR:PORT, found '%.80s'", listen);
	TRY(stream_metrics_create(m->verb, m->plain ? "" : m->source, &m->metrics, err));
	return stream_metrics_listen(listen, m->metrics, &m->httpd, err);
}

void cmd_stream_member_close(struct cmd_stream_member *m)
{
	stream_source_close(m->records);
	stream_metrics_stop(m->httpd);
	stream_metrics_destroy(m->metrics);
	m->records = NULL;
	m->httpd = NULL;
	m->metrics = NULL;
}

status cmd_stream_member_run(struct cmd_stream_member *m, const struct stream_sink *sink, struct err *err)
{
	m->opts.sink = *sink;
	if (!m->opts.once) log_line(LOG_INFO, "started", "stream", m->name, NULL);
	return stream_member_run(&m->opts, err);
}
