/* control/control_int.h: what the files of a control plane share.
 *
 *   heartbeat.c  ->  open.c  ->  sqlite.c, postgres.c  ->  their publishing and queries  ->  lease.c, run.c, stage.c
 *                ->  control.c (the lock around each call)  ->  sql_conn.h, the port to either database
 */
#ifndef PQR_CONTROL_CONTROL_INT_H
#define PQR_CONTROL_CONTROL_INT_H

#include <pthread.h>

#include "control/control.h"
#include "control/sql_conn.h"

/* What is not the port's: it differs more than it agrees. */
struct control_ops {
	status (*publish_begin)(
		struct control *c, const struct control_lease *l, struct control_publish **out, struct err *err);
	status (*query)(struct control *c, const struct control_select *q, const struct control_actor *as,
		control_row_visit visit, void *arg, struct err *err);
};

struct control {
	const struct control_ops *ops;
	struct sql_conn *conn;
	char *uri;            /* without secrets */
	char *source;         /* as given; to open the same once more */
	pthread_mutex_t lock; /* the connection's; held during each call, so no call-back may call back */
};

/* control.c: E_LIMIT (ERR_RETRY): a query was ended after so long. */
status control_query_late(int ms, struct err *err);
/* control.c: a transaction, or a reading, under the handle's lock. */
status control_transact(
	struct control *c, enum sql_durable durable, sql_body body, void *arg, struct err *err) MUST_USE;
status control_read(struct control *c, sql_body body, void *arg, struct err *err) MUST_USE;

/* lease.c: inside a transaction: E_BUSY unless l is still the lease of its run; until the transaction ends nobody can take it over. */
status control_lease_check(struct sql_conn *c, const struct control_lease *l, struct err *err) MUST_USE;
/* Inside a transaction that has checked it: the lease is held until now + LEASE_TTL_US. */
status control_lease_extend(struct sql_conn *c, const struct control_lease *l, int64_t now, struct err *err) MUST_USE;
/* A transaction of the holder of a lease: checked, then body. */
status control_lease_transact(
	struct control *c, const struct control_lease *l, sql_body body, void *arg, struct err *err) MUST_USE;

/* stage.c: inside a transaction: the record of a stage, its datasets and lineage (its stored task results go); the checks of one layer
 * of a run, replaced. */
status control_stage_record(struct sql_conn *c, const struct control_stage *stage, struct err *err) MUST_USE;
status control_quality_replace(
	struct sql_conn *c, const char *run_id, const struct control_quality_layer *q, struct err *err) MUST_USE;

struct control_publish_ops {
	status (*look)(struct control_publish *p, struct control_table *tables, size_t n, struct err *err);
	status (*table)(struct control_publish *p, const struct control_table *t, struct err *err);
	status (*batch)(
		struct control_publish *p, const struct batch *b, const char *const *partitions, struct err *err);
	status (*change)(struct control_publish *p, const struct batch *b, const char *const *partitions,
		const struct control_change *change, struct err *err);
	status (*table_end)(struct control_publish *p, int64_t *rows, struct err *err);
	status (*view)(struct control_publish *p, const char *name, const char *sql, struct err *err);
	status (*commit)(struct control_publish *p, const struct control_stage *s,
		const struct control_quality_layer *q, struct err *err);
	void (*destroy)(struct control_publish *p);
};
struct control_publish {
	const struct control_publish_ops *ops;
	struct control *control;
};

/* sqlite.c; path is what follows "sqlite:". look: as control_open_to_look. */
status control_sqlite_open(
	const char *path, bool look, const struct control_ops **ops, struct sql_conn **out, struct err *err) MUST_USE;

/* postgres.c */
status control_postgres_open(
	const char *uri, const struct control_ops **ops, struct sql_conn **out, struct err *err) MUST_USE;

/* publish_parts.c: what a plane remembers of the parts of a table, under the name "gold.<table>". */
struct control_record {
	int64_t n, rows;      /* parts, and rows in them */
	size_t n_same;        /* of the table's parts, those remembered with the same files */
	int64_t *same_rows;   /* [n_parts] rows of such a part; -1 of another */
	size_t n_before;      /* parts remembered with what they were read from before */
	int64_t *before_rows; /* [n_parts] rows of such a part; -1 of another */
};
/* What is remembered of t; memory from arena. */
status control_record_read(struct sql_conn *c, const struct control_table *t, struct arena *arena,
	struct control_record *out, struct err *err) MUST_USE;
/* In the publishing transaction: what is remembered of t after it was published, and the rest of what a publication tells. */
status control_record_write(struct sql_conn *c, const struct control_table *t, struct err *err) MUST_USE;
status control_publish_settle(struct sql_conn *c, const struct control_lease *l, const struct control_stage *s,
	const struct control_quality_layer *q, struct err *err) MUST_USE;
/* Rows that stand in the table. */
status control_table_count_rows(
	struct sql_conn *c, const struct table_schema *t, int64_t *rows, struct err *err) MUST_USE;
/* "gold.<table>": as SQL names it, and what it is remembered by. */
enum { CONTROL_TABLE_NAME_CHARS = 256 };
void control_table_name(const struct table_schema *t, char dst[CONTROL_TABLE_NAME_CHARS]);
/* Set changes, and told and rows of the table's parts; usable: what is remembered is what stands. */
void control_record_tell(const struct control_record *r, struct control_table *t, bool usable);
/* Does what is remembered hold every part that is not told, with as many rows as the look found, and of a table that is told by what changed
 * all that it changed from? */
bool control_record_holds(const struct control_record *r, const struct control_table *t);
size_t control_table_n_told(const struct control_table *t);
int64_t control_table_rows(const struct control_table *t); /* of all parts */
/* A batch is given: count it to its part, whose number this returns; n_parts where nothing is remembered. */
size_t control_table_count(const struct control_table *t, const char *const *partitions, int64_t n_rows);
/* The rows that a change adds to its part: negative where they go. */
int64_t control_change_rows(const struct control_change *c);
/* E_CONFLICT, ERR_RETRY: a row that a change is about does not stand, or stands already. */
status control_change_fail(const struct table_schema *t, struct err *err);
/* SQL: which rows of g may change; " AND ...", or nothing. */
void control_sql_changing(struct buf *sql, const struct control_table *t);

/* lease.c: E_BUSY for a lease somebody else holds; NULL texts are unknown. */
status control_lease_refuse(const struct control_lease *holder, struct err *err);
/* Does the process that owner names still run? true when that can't be known from here (another host or pid name space). */
bool control_lease_alive(const struct control_lease *holder);

#endif
