/* columnar/contract.h: a table_schema for its readers.
 *
 * Each function appends one document to `out` and cannot fail by itself: check the buffer once with buf_check. The text
 * depends on the schema alone, so a committed file can be compared byte by byte.
 */
#ifndef PQR_COLUMNAR_CONTRACT_H
#define PQR_COLUMNAR_CONTRACT_H

#include "base/buf.h"
#include "columnar/schema.h"

/* JSON Schema (2020-12) of one row as a JSON object; key and partition columns in "x-key", "x-partition". */
void schema_json(struct buf *out, const struct table_schema *s);
/* A heading, the description and a table of the columns. */
void schema_markdown(struct buf *out, const struct table_schema *s);

#endif
