/* columnar/arrow_ipc.h: record batches as an Arrow IPC stream: https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format
 *
 * Flat columns alone: no dictionaries, nothing nested. Decimals go as decimal128, dates as days, instants as microseconds UTC.
 */
#ifndef PQR_COLUMNAR_ARROW_IPC_H
#define PQR_COLUMNAR_ARROW_IPC_H

#include "columnar/batch.h"

/* Append the stream's schema; its batches; its end. All of one stream have the same columns. out starts at a multiple of 8. */
void arrow_ipc_schema(struct buf *out, const struct column_def *columns, size_t n);
status arrow_ipc_batch(struct buf *out, const struct batch *b, struct err *err) MUST_USE;
void arrow_ipc_end(struct buf *out);

#endif
