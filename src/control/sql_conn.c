/* control/sql_conn.c: what is the same of every connection: columns read by type. Must not know a library. */
#include "control/sql_conn.h"

#include <stdlib.h>

#include "base/time.h"

void sql_close(struct sql_conn *c)
{
	if (c != NULL) c->ops->close(c);
}

struct str sql_col_str(const struct sql_row *row, int i)
{
	return row->conn->ops->col_str(row, i);
}

int64_t sql_col_i64(const struct sql_row *row, int i, int64_t if_null)
{
	const struct str s = sql_col_str(row, i);
	return s.p != NULL ? strtoll(s.p, NULL, 10) : if_null;
}

int64_t sql_col_time(const struct sql_row *row, int i)
{
	int64_t us = INT64_MIN;
	const struct str s = sql_col_str(row, i);
	return s.p != NULL && row->conn->ops->time(s, &us) ? us : INT64_MIN;
}

int32_t sql_col_date(const struct sql_row *row, int i)
{
	int32_t date = INT32_MIN;
	const struct str s = sql_col_str(row, i);
	return s.p != NULL && date_parse(s, &date) ? date : INT32_MIN;
}

static status first_i64(void *arg, const struct sql_row *row, struct err *err)
{
	int64_t *out = arg;
	(void)err;
	*out = sql_col_i64(row, 0, *out);
	return OK;
}

status sql_one_i64(struct sql_conn *c, const struct sql_stmt *q, int64_t *out, struct err *err)
{
	return sql_each(c, q, first_i64, out, err);
}
