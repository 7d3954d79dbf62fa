/* cli/cmd_lake.c: make an empty lake and its control plane, so that what is wrong with them is told before there is work to lose. */
#include <stdio.h>

#include "cli/lake_probe.h"
#include "cli/run_options.h"

static status lake_report(const struct cli *c, const struct session *s, bool made, struct err *err)
{
	struct buf out;
	buf_init(&out, 0);
	if (c->json) {
		buf_str(&out, "{\"lake\":");
		buf_json_str(&out, str_of(store_uri(s->lake)));
		buf_printf(&out, ",\"made\":%s,\"control\":", made ? "true" : "false");
		buf_json_str(&out, str_of(control_uri(s->control)));
		buf_str(&out, "}\n");
	} else {
		buf_printf(&out, "lake           %s: %s\n", store_uri(s->lake), made ? "made" : "was there");
		buf_printf(&out, "control plane  %s\n", control_uri(s->control));
	}
	const status code = cli_print_result(c, &out, err);
	buf_deinit(&out);
	return code;
}

static status lake_missing(struct cli *c, bool *missing, struct err *err)
{
	struct session s;
	const status code = cli_session_open(&s, c, 0, err);
	if (code == OK) *missing = session_missing(s.engine.lake_uri);
	session_close(&s);
	return code;
}

static status lake_make(struct cli *c, bool *made, struct err *err)
{
	struct session s;
	status code = cli_session_open(&s, c, SESSION_LAKE, err);
	if (code == OK) code = store_create(s.lake, made, err);
	if (code == OK) code = lake_probe(s.lake, err);
	session_close(&s);
	return code;
}

static status lake_run(struct cli *c, struct err *err)
{
	struct session s;
	bool made, missing;
	if (strcmp(c->args[0], "create") != 0)
		return fail(err, E_USAGE, "pqr lake: expected create, found '%s'", c->args[0]);
	TRY(lake_missing(c, &missing, err));
	TRY(lake_make(c, &made, err));
	status code = cli_session_open(&s, c, SESSION_LAKE | SESSION_CONTROL, err);
	if (code == OK) code = lake_report(c, &s, made || missing, err);
	session_close(&s);
	return code;
}

const struct cli_command cli_lake_command = {.name = "lake",
	.synopsis = "create",
	.summary = "make an empty lake: its folder or bucket, and the tables of the control plane",
	.details =
		"create makes the folder, or the bucket of s3://bucket/prefix where there is none, proves that it can "
		"hold a "
		"lake (an object there is never replaced by put-if-absent), and makes the control plane. What is there "
		"already stays as it is. Other commands make a folder when they write the first time, but never a "
		"bucket.\n"
		"\n"
		"  pqr lake create --lake s3://pqr/lake --control postgresql://pqr@localhost/pqr",
	.args_min = 1,
	.args_max = 1,
	.run = lake_run};
