/* flow/rejects.h: lines that broke the contract, kept whole.
 *
 * One JSON object a line, members sorted: {"line":7,"object":"raw/…","offset":1234,"raw":"…","reason":"not_json"}.
 * line is 1-based; offset is the byte offset of the line's first byte in the object; raw is the line without its '\n'. A
 * line that is not valid UTF-8 has "raw_base64" (RFC 4648 section 4) in place of "raw". One file a partition, in the order of
 * objects and lines, written through a store writer that is opened at the first reject.
 */
#ifndef PQR_FLOW_REJECTS_H
#define PQR_FLOW_REJECTS_H

#include "flow/task.h"
#include "io/lines.h"

#define REJECTS_NAME "rejects.jsonl"
struct rejects {
	struct store *lake;
	struct task_stream stream; /* not open: nothing written yet */
	struct buf out, text;
	const char *table;
	struct delta_pairs partition;
	char key[PATH_KEY_MAX];
	int64_t rows;
};
struct reject {
	const char *object;
	int64_t line, offset;
	const char *reason;
};

void rejects_init(struct rejects *r, struct store *lake);
void rejects_deinit(struct rejects *r); /* a file not closed leaves nothing */
/* The rejects that follow belong in the file rejects.jsonl of these values of `table` ("rejects.pqrs"); the one before was closed. Both
 * are borrowed until it is. E_LIMIT: values too long for a key. */
status rejects_start(
	struct rejects *r, const char *table, const struct delta_pairs *partition, struct err *err) MUST_USE;
status rejects_add(struct rejects *r, const struct reject *why, struct str raw, struct err *err) MUST_USE;
/* The same for n bytes of source at why->offset, which may be longer than memory. */
status rejects_add_range(struct rejects *r, const struct reject *why, const struct line_source *source, int64_t n,
	struct err *err) MUST_USE;
/* Publish the file, if there is one, and add it to out->outputs. */
status rejects_close(struct rejects *r, struct task_result *out, struct err *err) MUST_USE;

#endif
