/* control/sql_text.h: SQL as each database reads it: the definition of a table from its schema, and names.
 *
 * Each function appends to `out` and cannot fail by itself: check the buffer once with buf_check. The text depends on the
 * schema alone, so a committed file can be compared byte by byte.
 */
#ifndef PQR_CONTROL_SQL_TEXT_H
#define PQR_CONTROL_SQL_TEXT_H

#include "base/buf.h"
#include "columnar/schema.h"

/* CREATE TABLE IF NOT EXISTS "<layer>_<table>" (...), one statement. Values are meant to be stored so: date and timestamp
 * as ISO text (2025-09-01, 2025-09-01T12:00:00.000000Z), decimal as REAL, bool as 0 or 1. The key stands in a comment: a
 * publisher fills a heap and indexes what is looked up by key afterwards, which takes 0.76 s of CPU for a million rows
 * against 1.10 s for a table clustered by its key; that keys are unique is checked before anything is published. */
void sql_text_table_sqlite(struct buf *out, const struct table_schema *s);
/* CREATE TABLE IF NOT EXISTS <layer>.<table> (...) with PRIMARY KEY (key...), ids in collation "C", then COMMENT ON table and
 * columns. The schema <layer> must exist. */
void sql_text_table_postgres(struct buf *out, const struct table_schema *s);
/* The same without the key, which sql_text_key_postgres adds: filling first and indexing then is faster. */
void sql_text_heap_postgres(struct buf *out, const struct table_schema *s);
/* Nothing for a table without key columns. digests: a unique index over the digests of the key's texts in place of a primary key, whose texts
 * must be short. */
void sql_text_key_postgres(struct buf *out, const struct table_schema *s, bool digests);
/* Of a table with updated_at, "<column> = <now>" as SQLite stores an instant: what an UPDATE sets beside the row's own columns. */
extern const char sql_text_updated_at_sqlite[];
/* Row-level security of a table that has a tenant_id, or whose parent has one; nothing for another. A tenant's user sees its rows,
 * writers and readers of everything all. The functions are those of deploy/postgres/002_access.sql. */
void sql_text_policies_postgres(struct buf *out, const struct table_schema *s);
/* SQL names tables as PostgreSQL does: gold.<table>, analytics.<view>, core., meta., realtime. In SQLite they are gold_<table> ..., and
 * $1 is ?1: a number there is a name to it. Texts and quoted names stay. dst: as long as sql, with its NUL. */
void sql_text_names_sqlite(char *dst, const char *sql);
void sql_text_add_names_sqlite(struct buf *out, const char *sql); /* the same, appended, without a NUL */

#endif
