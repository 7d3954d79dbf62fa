/* cli/sql.h: what `pqr sql` shares between a command, a file of statements and the prompt. */
#ifndef PQR_CLI_SQL_H
#define PQR_CLI_SQL_H

#include "query/query.h"

struct sql_shell {
	struct query *query;
	enum query_format format;
	bool prompt; /* a person sits there: rows are limited, an error does not end it */
	bool timing;
	bool quit;                /* .quit was given */
	bool closed;              /* nobody reads standard output any more */
	struct buf text;          /* of the statement begun */
	int64_t line, first_line; /* read so far; of the statement begun. 1-based */
	int64_t n_run;
};

/* One line, without its newline: a command (".tables"), or a part of a statement, which runs with the line that has its ';'.
 * In the first failure of a shell without a prompt, err has the line where the statement begins. */
status sql_feed(struct sql_shell *s, struct str line, struct err *err) MUST_USE;
/* The input has ended: run what is left. */
status sql_end(struct sql_shell *s, struct err *err) MUST_USE;
/* Run one statement into standard output. */
status sql_execute(struct sql_shell *s, struct str sql, struct err *err) MUST_USE;

/* By name; `what` names its place in the error. */
status sql_format_parse(const char *what, const char *name, enum query_format *out, struct err *err) MUST_USE;

/* Read lines from the terminal until the end. (sql_prompt.c) */
status sql_prompt(struct sql_shell *s, struct err *err) MUST_USE;

#endif
