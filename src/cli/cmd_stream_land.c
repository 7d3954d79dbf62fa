/* cli/cmd_stream_land.c: pqr stream land: a topic, or lines, into bronze. */
#include <stdio.h>
#include <string.h>

#include "cli/cmd_stream_member.h"
#include "stream/json_contract.h"
#include "stream/land.h"

struct land_cmd {
	struct cmd_stream_member m;
	char root[CMD_STREAM_NAME_MAX], rejects[CMD_STREAM_NAME_MAX], group[CMD_STREAM_NAME_MAX];
	struct land *land;
};

static void tell_text(const void *ctx, const struct stream_report *r, struct buf *out)
{
	const struct land_cmd *c = ctx;
	char records[32];
	buf_printf(out, "landed %s records, %.1f MB, in version %lld", cli_count(r->records, records),
		(double)r->bytes / 1e6, (long long)land_version(c->land));
}

static void tell_json(const void *ctx, const struct stream_report *r, struct buf *out)
{
	const struct land_cmd *c = ctx;
	const struct table_schema *t = c->m.k->topic->table;
	buf_printf(out, "\"table\":\"%s.%s\",\"version\":%lld,\"records\":%lld", t->layer, t->name,
		(long long)land_version(c->land), (long long)r->records);
}

static status open_land(struct land_cmd *c, struct err *err)
{
	const struct table_schema *t = c->m.k->topic->table;
	(void)snprintf(c->root, sizeof c->root, "%s/%s", t->layer, t->name);
	(void)snprintf(c->rejects, sizeof c->rejects, "rejects/%s", t->name);
	const struct land_opts o = {.lake = c->m.k->session.lake,
		.topic = c->m.k->topic,
		.config = c->m.k->topic_config,
		.root = c->root,
		.rejects = c->rejects,
		.source = c->m.source[0] != '\0' ? c->m.source : NULL,
		.kafka = !c->m.plain,
		.go_on_at_gap = c->m.go_on_at_gap,
		.accept_new = c->m.accept_new};
	return land_open(&o, &c->land, err);
}

static status land_all(struct land_cmd *c, struct err *err)
{
	TRY(open_land(c, err));
	const struct stream_sink sink = land_sink(c->land);
	return cmd_stream_member_run(&c->m, &sink, err);
}

static status land_topic(struct land_cmd *c, struct err *err)
{
	const struct table_schema *t = c->m.k->topic->table;
	/* One for each table: two tables from one topic do not share it. */
	(void)snprintf(c->group, sizeof c->group, "pqr-land-%s.%s", t->layer, t->name);
	c->m.group = c->group;
	TRY(cmd_stream_member_open(&c->m, err));
	struct session *s = &c->m.k->session;
	if (s->lake == NULL) TRY(session_connect(s, SESSION_LAKE | SESSION_TABLES, err)); /* a contract looked there */
	return land_all(c, err);
}

status cmd_stream_land(struct stream_cmd *k, struct err *err)
{
	struct land_cmd c = {.m = {.k = k, .verb = "land", .text = tell_text, .json = tell_json}};
	struct json_contract *contract = NULL;
	c.m.ctx = &c;
	if (cli_get(k->cli, "--infer") != NULL) return cmd_stream_infer(k, err);
	status code = cmd_stream_contract(k, &contract, err);
	if (code == OK) code = land_topic(&c, err);
	cmd_stream_member_close(&c.m);
	land_close(c.land);
	json_contract_close(contract);
	return code;
}
