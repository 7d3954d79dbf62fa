/* columnar/contract.h: a table_schema in the languages of its consumers.
 *
 * Each function appends one document to `out` and cannot fail by itself: check the buffer once with buf_check. The text
 * depends on the schema alone, so a committed file can be compared byte by byte.
 */
#ifndef PQR_COLUMNAR_CONTRACT_H
#define PQR_COLUMNAR_CONTRACT_H

#include "base/buf.h"
#include "columnar/schema.h"

/* CREATE TABLE IF NOT EXISTS "<layer>_<table>" (...), one statement. Values are meant to be stored so: date and timestamp
 * as ISO text (2025-09-01, 2025-09-01T12:00:00.000000Z), decimal as REAL, bool as 0 or 1. The key stands in a comment: a
 * publisher fills a heap and indexes what is looked up by key afterwards, which takes 0.76 s of CPU for a million rows
 * against 1.10 s for a table clustered by its key; that keys are unique is checked before anything is published. */
void schema_ddl_sqlite(struct buf *out, const struct table_schema *s);
/* CREATE TABLE IF NOT EXISTS <layer>.<table> (...) with PRIMARY KEY (key...), ids in collation "C", then COMMENT ON table and
 * columns. The schema <layer> must exist. */
void schema_ddl_postgres(struct buf *out, const struct table_schema *s);
/* The same without the key, which schema_key_postgres adds: filling first and indexing then is faster. */
void schema_table_postgres(struct buf *out, const struct table_schema *s);
/* Nothing for a table without key columns. digests: a unique index over the digests of the key's texts in place of a primary key, whose texts
 * must be short. */
void schema_key_postgres(struct buf *out, const struct table_schema *s, bool digests);
/* Of a table with updated_at, "<column> = <now>" as SQLite stores an instant: what an UPDATE sets beside the row's own columns. */
extern const char schema_updated_at_sqlite[];
/* Row-level security of a table that has a tenant_id, or whose parent has one; nothing for another. A tenant's user sees its rows,
 * writers and readers of everything all. The functions are those of deploy/postgres/002_access.sql. */
void schema_security_postgres(struct buf *out, const struct table_schema *s);
/* SQL names tables as PostgreSQL does: gold.<table>, analytics.<view>, core., meta., realtime. In SQLite they are gold_<table> ..., and
 * $1 is ?1: a number there is a name to it. Texts and quoted names stay. dst: as long as sql, with its NUL. */
void schema_names_sqlite(char *dst, const char *sql);
void schema_add_names_sqlite(struct buf *out, const char *sql); /* the same, appended, without a NUL */
/* JSON Schema (2020-12) of one row as a JSON object; key and partition columns in "x-key", "x-partition". */
void schema_json(struct buf *out, const struct table_schema *s);
/* A heading, the description and a table of the columns. */
void schema_markdown(struct buf *out, const struct table_schema *s);
/* The schemaString of a Delta metaData action: Spark's JSON form of a struct type, on one line. */
void schema_delta(struct buf *out, const struct table_schema *s);

#endif
