/* stream/rejects.h: records that are no events, kept whole in a Delta table of their own. */
#ifndef PQR_STREAM_REJECTS_H
#define PQR_STREAM_REJECTS_H

#include "base/arena.h"
#include "parquet/writer.h"
#include "stream/member.h"

extern const struct table_schema stream_rejects_schema;

struct stream_reject {
	int32_t partition;
	int64_t position, timestamp_ms;
	const char *reason;
	struct str raw; /* as much as is kept of it; p NULL: there was none */
	int64_t raw_bytes;
};
struct stream_rejects {
	struct store *lake;
	const char *root;
	const char *source; /* NULL: positions are not kept */
	struct arena arena; /* of what follows */
	struct {
		struct stream_reject *items;
		size_t n, cap;
	} list;
};
void stream_rejects_init(struct stream_rejects *r, struct store *lake, const char *root, const char *source);
void stream_rejects_deinit(struct stream_rejects *r);
void stream_rejects_drop(struct stream_rejects *r);
/* Copies. */
status stream_rejects_add(
	struct stream_rejects *r, const struct stream_record *record, const char *reason, struct err *err) MUST_USE;
bool stream_rejects_full(const struct stream_rejects *r);
/* Those that the table does not have yet, and the positions of the spans that they are of, in one commit; nothing where there are none. */
status stream_rejects_commit(
	struct stream_rejects *r, const struct stream_span *spans, size_t n, struct err *err) MUST_USE;

/* "pqr-stream/<source>/<partition>" in arena; NULL: out of memory. A source is a topic, or <topic>#<n> of one that was made again n times. */
const char *stream_app_id(struct arena *arena, const char *source, int32_t partition);

#endif
