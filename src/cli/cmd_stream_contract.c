/* cli/cmd_stream_contract.c: pqr stream land of any topic: its contract by the options, and one proposed from messages. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/cmd_stream_member.h"
#include "stream/json_contract.h"
#include "stream/json_infer.h"
#include "table/log/snapshot.h"

enum { SCHEMA_BYTES_MAX = 4 << 20, POLL_MS = 100 };

static status is_debezium(const struct stream_cmd *k, bool *out, struct err *err)
{
	const char *format = cli_get(k->cli, "--format");
	*out = format != NULL && strcmp(format, "debezium") == 0;
	if (*out || format == NULL || strcmp(format, "json") == 0) return OK;
	return fail(err, E_USAGE, "--format: expected json or debezium, found '%s'", format);
}

/* ---- a contract ------------------------------------------------------------------------------------------------------------ */

/* The columns of the table that stands, whose names live in the session. */
static status standing_columns(struct stream_cmd *k, struct json_contract_opts *o, struct err *err)
{
	char root[PATH_KEY_MAX];
	bool there = false;
	struct delta_snapshot *s = NULL;
	TRY(path_table_root(root, o->table, err));
	TRY(session_connect(&k->session, SESSION_LAKE | SESSION_TABLES, err));
	TRY(delta_table_exists(k->session.lake, root, &there, err));
	if (!there) return OK;
	TRY(delta_snapshot_open(k->session.lake, root, DELTA_LATEST, &s, err));
	struct column_def *columns = ARENA_NEW(&k->session.arena, struct column_def, s->schema.n);
	status code = columns != NULL ? OK : fail_nomem(err);
	for (size_t i = 0; i < s->schema.n && code == OK; i++) {
		columns[i] = s->schema.columns[i].def;
		columns[i].name = arena_strndup(&k->session.arena, columns[i].name, strlen(columns[i].name));
		columns[i].description = NULL;
		if (columns[i].name == NULL) code = fail_nomem(err);
	}
	o->standing = columns;
	o->n_standing = s->schema.n;
	delta_snapshot_close(s);
	return code;
}

/* Once by itself, so that a schema that is wrong leaves no lake behind; then beside the table. */
static status open_contract(struct stream_cmd *k, struct str text, struct json_contract_opts *o,
	struct json_contract **out, struct err *err)
{
	TRY(json_contract_open(text, o, out, err));
	json_contract_close(*out);
	*out = NULL;
	TRY(standing_columns(k, o, err));
	return json_contract_open(text, o, out, err);
}

static status read_contract(
	struct stream_cmd *k, struct json_contract_opts *o, struct json_contract **out, struct err *err)
{
	struct buf schema;
	buf_init(&schema, SCHEMA_BYTES_MAX);
	status code = file_read(o->file, SCHEMA_BYTES_MAX, &schema, err);
	if (code == OK) code = open_contract(k, (struct str){(const char *)schema.p, schema.n}, o, out, err);
	buf_deinit(&schema);
	return code;
}

status cmd_stream_contract(struct stream_cmd *k, struct json_contract **out, struct err *err)
{
	static const char *const with_contract[] = {"--table", "--partition-by", "--format"};
	struct json_contract_opts o = {.file = cli_get(k->cli, "--contract"),
		.table = cli_get(k->cli, "--table"),
		.topic = k->session.engine.stream_topic,
		.partition_by = cli_get(k->cli, "--partition-by")};
	for (size_t i = 0; o.file == NULL && i < sizeof with_contract / sizeof *with_contract; i++)
		if (cli_get(k->cli, with_contract[i]) != NULL)
			return fail(err, E_USAGE, "%s goes with --contract FILE", with_contract[i]);
	if (o.file == NULL) return OK;
	if (o.table == NULL) return fail(err, E_USAGE, "--contract goes with --table NAME, as bronze.orders");
	if (o.topic[0] == '\0') return fail(err, E_USAGE, "--contract goes with --topic NAME");
	TRY(is_debezium(k, &o.debezium, err));
	k->topic->settings(k->topic_config, &o.parquet, &o.message_bytes_max);
	TRY(read_contract(k, &o, out, err));
	k->topic = json_contract_topic(*out);
	k->topic_config = *out;
	return OK;
}

/* ---- a contract that is proposed -------------------------------------------------------------------------------------------- */

static status from_begin(void *ctx, struct stream_start *starts, size_t n, struct err *err)
{
	(void)ctx, (void)err;
	for (size_t i = 0; i < n; i++) starts[i].position = STREAM_BEGIN;
	return OK;
}
static status nothing_revoked(void *ctx, const int32_t *partitions, size_t n, struct err *err)
{
	(void)ctx, (void)partitions, (void)n, (void)err;
	return OK;
}
static void nothing_lost(void *ctx, const int32_t *partitions, size_t n)
{
	(void)ctx, (void)partitions, (void)n;
}
static status gap_passed(void *ctx, const struct stream_gap *gap, struct err *err)
{
	(void)ctx, (void)gap, (void)err;
	return OK;
}

static status read_messages(
	struct cmd_stream_member *m, struct json_infer *infer, int64_t limit, int64_t *n, struct err *err)
{
	struct stream_fetch f = {.ended = false};
	m->records->listener = (struct stream_listener){NULL, from_begin, nothing_revoked, nothing_lost, gap_passed};
	while (*n < limit && !f.ended && *m->k->stop == 0) {
		TRY(stream_source_poll(m->records, POLL_MS, &f, err));
		for (size_t i = 0; i < f.n && *n < limit; i++, ++*n)
			if (!f.records[i].is_null) TRY(json_infer_add(infer, f.records[i].value, err));
	}
	return OK;
}

static status propose(struct cmd_stream_member *m, struct json_infer *infer, int64_t limit, struct err *err)
{
	struct buf out;
	int64_t n = 0;
	TRY(read_messages(m, infer, limit, &n, err));
	buf_init(&out, 0);
	status code = json_infer_schema(infer, m->k->topic_name, &out, err);
	if (code == OK) code = cli_print(&out, err);
	buf_deinit(&out);
	return code;
}

status cmd_stream_infer(struct stream_cmd *k, struct err *err)
{
	struct cmd_stream_member m = {.k = k, .verb = "infer", .group = "pqr-infer", .ends = true};
	struct json_infer *infer = NULL;
	bool debezium;
	int64_t limit = 0;
	TRY(is_debezium(k, &debezium, err));
	TRY(cmd_stream_count(k, "--infer", &limit, err));
	if (limit == 0) return fail(err, E_USAGE, "--infer: expected a number of messages from 1");
	TRY(json_infer_open(debezium, &infer, err));
	status code = cmd_stream_member_open(&m, err);
	if (code == OK) code = propose(&m, infer, limit, err);
	cmd_stream_member_close(&m);
	json_infer_close(infer);
	return code;
}
