/* cli/cmd_lake.c: make an empty lake and its control plane, so that what is wrong with them is told before there is work to lose. */
#include <stdio.h>

#include "cli/lake_probe.h"
#include "cli/run_options.h"

static status lake_missing(struct session *s, struct cli *c, void *missing, struct err *err)
{
	(void)c, (void)err;
	*(bool *)missing = session_missing(s->engine.lake_uri);
	return OK;
}

static status lake_make(struct session *s, struct cli *c, void *made, struct err *err)
{
	(void)c;
	TRY(store_create(s->lake, made, err));
	return lake_probe(s->lake, err);
}

static status lake_report(struct session *s, struct cli *c, void *made, struct err *err)
{
	struct buf *out = &c->out;
	const bool was_made = *(const bool *)made;
	if (c->json) {
		buf_str(out, "{\"lake\":");
		buf_json_str(out, str_of(store_uri(s->lake)));
		buf_printf(out, ",\"made\":%s,\"control\":", was_made ? "true" : "false");
		buf_json_str(out, str_of(control_uri(s->control)));
		buf_str(out, "}\n");
	} else {
		buf_printf(out, "lake           %s: %s\n", store_uri(s->lake), was_made ? "made" : "was there");
		buf_printf(out, "control plane  %s\n", control_uri(s->control));
	}
	return cli_print_result(c, err);
}

static status lake_run(struct cli *c, struct err *err)
{
	bool made = false, missing = false;
	if (strcmp(c->args[0], "create") != 0)
		return fail(err, E_USAGE, "pqr lake: expected create, found '%s'", c->args[0]);
	TRY(cli_with_session(c, 0, lake_missing, &missing, err));
	TRY(cli_with_session(c, SESSION_LAKE, lake_make, &made, err));
	made = made || missing;
	return cli_with_session(c, SESSION_LAKE | SESSION_CONTROL, lake_report, &made, err);
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
