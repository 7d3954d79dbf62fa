/* server/tables.h: GET /api/v1/{schema}/{table}: rows of the serving database, or of the lake where it has none, in PostgREST's manner. */
#ifndef PQR_SERVER_TABLES_H
#define PQR_SERVER_TABLES_H

#include "server/relation.h"
#include "server/route.h"

status tables_read(struct server *s, struct request *r, struct response *out, struct err *err) MUST_USE;
/* Will it read the lake, or have to ask the database first what it holds? Reads neither. */
bool tables_is_slow(struct server *s, struct request *r);

/* The same of a relation that the caller chose. */
status tables_answer(struct server *s, struct request *r, const struct relation *relation, struct response *out,
	struct err *err) MUST_USE;
bool tables_relation_is_slow(struct server *s, const struct relation *relation);
/* Append what r's parameters ask of the relation as a JSON array, and nothing else of an answer; *n_rows. The limit is for who reads tables:
 * this may have up to TABLES_JSON_ROWS_MAX. */
enum { TABLES_JSON_ROWS_MAX = 10000 };
status tables_json(struct server *s, const struct request *r, const struct relation *relation, struct buf *out,
	int64_t *n_rows, struct err *err) MUST_USE;

#endif
