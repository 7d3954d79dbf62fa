/* flow/publish_changes.h: which rows of a table's new files say something else than the files that they stand in place of.
 *
 * First all rows that stood are noted, then all that are told, then those that stood are gone through once more for those that go. */
#ifndef PQR_FLOW_PUBLISH_CHANGES_H
#define PQR_FLOW_PUBLISH_CHANGES_H

#include "control/control.h"

struct publish_changes;
status publish_changes_create(
	const struct table_schema *schema, struct publish_changes **out, struct err *err) MUST_USE; /* borrows schema */
void publish_changes_destroy(struct publish_changes *c);                                            /* NULL is fine */

/* Rows of a batch with the schema's data columns, texts of its partition columns, and the number of the part of the table. */
struct publish_rows {
	const struct batch *batch;
	const char *const *partitions;
	size_t part;
};
status publish_changes_stood(struct publish_changes *c, const struct publish_rows *rows, struct err *err) MUST_USE;
/* out[2]: the rows that are new, and those that differ; in arena. E_CONFLICT (ERR_RETRY): a row went from one part to another. */
status publish_changes_told(struct publish_changes *c, const struct publish_rows *rows, struct arena *arena,
	struct control_change out[2], struct err *err) MUST_USE;
bool publish_changes_any_gone(const struct publish_changes *c);
/* n rows that stood, batch by batch as they were noted: those that nothing was told of; in arena. */
status publish_changes_gone(struct publish_changes *c, int64_t n, struct arena *arena, struct control_change *out,
	struct err *err) MUST_USE;

#endif
