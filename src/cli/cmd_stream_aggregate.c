/* cli/cmd_stream_aggregate.c: pqr stream aggregate: a topic, or lines, into counts by minute in the control plane's database. */
#include <stdio.h>

#include "base/hash.h"
#include "cli/cmd_stream_member.h"
#include "stream/aggregate.h"

enum { PATIENCE_MS = 600000 }; /* of SQLite for another writer: longer than publishing takes */

struct aggregate_cmd {
	struct cmd_stream_member m;
	struct sql_conn *conn;
	struct stream_aggregate *aggregate;
	char session[UUID_CHARS + 8];
};

static void tell_text(const void *ctx, const struct stream_report *r, struct buf *out)
{
	char records[32];
	(void)ctx;
	buf_printf(out, "counted %s records, %.1f MB", cli_count(r->records, records), (double)r->bytes / 1e6);
	if (r->late > 0) buf_printf(out, ", %lld late", (long long)r->late);
}

static void tell_json(const void *ctx, const struct stream_report *r, struct buf *out)
{
	const struct aggregate_cmd *c = ctx;
	buf_printf(out, "\"sink\":\"%s\",\"records\":%lld,\"late\":%lld", c->m.k->workload->name, (long long)r->records,
		(long long)r->late);
}

/* Lines without a name have positions all the same, under one that no other start has: a commit whose answer gets lost is found. */
static const char *source_of(struct aggregate_cmd *c)
{
	uint8_t id[UUID_BYTES];
	char text[UUID_CHARS];
	if (c->m.source[0] != '\0') return c->m.source;
	uuid_random(id);
	uuid_format(id, text);
	(void)snprintf(c->session, sizeof c->session, "stdin:%.*s", (int)sizeof text, text);
	return c->session;
}

static status aggregate_all(struct aggregate_cmd *c, struct err *err)
{
	const struct stream_cmd *k = c->m.k;
	TRY(sql_open(k->session.engine.control_uri, &c->conn, err));
	c->conn->ops->set_patience(c->conn, PATIENCE_MS);
	const struct stream_aggregate_opts o = {.topic = k->topic,
		.config = k->topic_config,
		.conn = c->conn,
		.sink = k->workload->name,
		.topic_name = k->topic_name,
		.source = source_of(c),
		.kafka = !c->m.plain,
		.go_on_at_gap = c->m.go_on_at_gap,
		.accept_new = c->m.accept_new,
		.ahead_us = STREAM_AHEAD_US};
	TRY(stream_aggregate_open(&o, &c->aggregate, err));
	const struct stream_sink sink = stream_aggregate_sink(c->aggregate);
	TRY(cmd_stream_member_run(&c->m, &sink, err));
	return c->session[0] != '\0' ? stream_aggregate_forget(c->aggregate, err) : OK;
}

static status aggregate_open(struct aggregate_cmd *c, struct err *err)
{
	TRY(cmd_stream_member_open(&c->m, err));
	return session_connect(&c->m.k->session, SESSION_LAKE, err); /* where SQLite's file may lie */
}

status cmd_stream_aggregate(struct stream_cmd *k, struct err *err)
{
	static const char *const of_land[] = {"--contract", "--table", "--partition-by", "--format", "--infer"};
	struct aggregate_cmd c = {
		.m = {.k = k, .verb = "aggregate", .group = "pqr-aggregate", .text = tell_text, .json = tell_json}};
	c.m.ctx = &c;
	for (size_t i = 0; i < sizeof of_land / sizeof *of_land; i++)
		if (cli_get(k->cli, of_land[i]) != NULL)
			return fail(err, E_USAGE,
				"%s goes with pqr stream land: what is counted by minute is the workload's",
				of_land[i]);
	if (k->topic->windows == NULL)
		return fail(err, E_USAGE, "workload %s counts nothing by minute", k->workload->name);
	status code = aggregate_open(&c, err);
	if (code == OK) code = aggregate_all(&c, err);
	stream_aggregate_close(c.aggregate);
	cmd_stream_member_close(&c.m);
	sql_close(c.conn);
	return code;
}
