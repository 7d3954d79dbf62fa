/* cli/cmd_table.h: what the parts of pqr table share. */
#ifndef PQR_CLI_CMD_TABLE_H
#define PQR_CLI_CMD_TABLE_H

#include "flow/picture.h"
#include "cli/run_options.h"
#include "table/read/predicate.h"

struct table_cmd {
	struct cli *cli;
	struct session *session;
	char root[DELTA_ROOT_MAX];       /* "silver/tickets" */
	struct delta_snapshot *snapshot; /* as of --version, --at or --run; NULL for those that open their own */
	bool all;                        /* every table of the lake: one line, or one item of a JSON array, for each */
	size_t n_tables;                 /* told so far */
	struct picture picture;          /* of --run */
};

/* The conditions of every --where, in the session's arena. */
status table_conditions(struct table_cmd *t, struct delta_condition **out, size_t *n, struct err *err) MUST_USE;

/* --limit, or fallback; 0 = all. */
status table_limit(const struct cli *c, int64_t fallback, int64_t *out, struct err *err) MUST_USE;
/* The names between the commas of an option that was given, in the session's arena. */
status table_names(
	struct table_cmd *t, const char *option, const char *const **out, size_t *n, struct err *err) MUST_USE;

/* cmd_table_cat.c */
status table_cat(struct table_cmd *t, struct err *err) MUST_USE;
/* cmd_table_maintain.c */
/* What their options say, before any table is touched. */
status table_maintain_check(const struct table_cmd *t, struct err *err) MUST_USE;
/* Begin the table's JSON object; a comma is due after its members. */
void table_json_begin(const struct table_cmd *t, struct buf *out);
status table_optimize(struct table_cmd *t, struct err *err) MUST_USE;
status table_vacuum(struct table_cmd *t, struct err *err) MUST_USE;
status table_checkpoint(struct table_cmd *t, struct err *err) MUST_USE;

#endif
