/* control/postgres_publish_int.h: one publication to PostgreSQL while it is staged and merged.
 *
 *   postgres_publish.c  ->  postgres_merge.c  ->  postgres_published.c
 */
#ifndef PQR_CONTROL_POSTGRES_PUBLISH_INT_H
#define PQR_CONTROL_POSTGRES_PUBLISH_INT_H

#include "base/hash.h"
#include "base/limits.h"
#include "control/postgres_int.h"

struct published {
	struct control_table table;
	const struct table_schema *schema; /* the table's; NULL: a view */
	const char *name, *sql;
	const char *staging; /* the table its rows were sent to, as SQL names it */
	const char *gone;    /* of one that is told what changed: the table of rows that go; NULL: none does */
	bool left;           /* nothing of it is told, and nothing goes */
	bool is_new;         /* that one is to become the table */
	bool digests;        /* its key is over digests */
	bool remade;         /* the transaction made it anew */
	int64_t rows;        /* staged, and of parts that are left */
	size_t key_bytes;    /* of the longest texts of the columns of its key, together */
};

struct postgres_publish {
	struct control_publish base;
	struct control_postgres *s;
	struct control_lease lease;
	struct arena arena;
	struct published *objects;
	size_t n;
	const struct table_schema *schema;    /* being staged, as objects[n - 1] */
	size_t text_bytes[TABLE_COLUMNS_MAX]; /* of its longest text so far, for each column of the key */
	bool copying;
	bool stale;    /* a part that was to be left is another now */
	bool open;     /* the transaction has begun, and holds new tables */
	int64_t n_new; /* such tables */
	struct buf chunk, sql;
	const struct control_stage *stage; /* while committing */
	const struct control_quality_layer *quality;
};

/* postgres_published.c */
/* What p->sql holds, as a text that lives until it is reset. NULL: out of memory. */
const char *postgres_published_sql(struct postgres_publish *p, struct err *err);
/* Run what p->sql holds, and reset it. */
status postgres_published_run(struct postgres_publish *p, int64_t *changed, struct err *err);
void postgres_published_columns(struct buf *sql, const struct table_schema *t);
/* Everything a table or view is made with, and (as a hash) how to know it again. */
status postgres_published_definition(
	struct postgres_publish *p, const struct published *o, char hex[HEX_SHA256_CHARS + 1], struct err *err);
/* Does it stand, made with this definition? */
status postgres_published_stands(
	struct postgres_publish *p, const struct published *o, const char *hex, bool *out, struct err *err);
status postgres_published_remember(
	struct postgres_publish *p, const struct published *o, const char *hex, struct err *err);
/* Under the lock: does what this publication builds on stand as it was found? E_CONFLICT, ERR_RETRY. */
status postgres_published_check_left(
	struct postgres_publish *p, const struct published *o, bool there, struct err *err);

/* postgres_merge.c: in the transaction, a table as readers are to see it. */
status postgres_publish_swap_table(struct postgres_publish *p, struct published *o, struct err *err);

#endif
