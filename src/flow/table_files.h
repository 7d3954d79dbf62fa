/* flow/table_files.h: files that a table's log names, as inputs of a run. */
#ifndef PQR_FLOW_TABLE_FILES_H
#define PQR_FLOW_TABLE_FILES_H

#include "flow/workload.h"
#include "table/log/snapshot.h"

#define FLOW_MADE_OF_TAG "pqr.made_of" /* of an add: the file_ref's */

/* Append the file that a names. rows -1 where the log does not say; xxh128 all zero where the name does not. E_UNSUPPORTED: rows of it are
 * deleted by a deletion vector. */
status table_files_add(const struct delta_snapshot *s, const char *table, const struct delta_add *a,
	struct file_list *out, struct err *err) MUST_USE;

/* Files of the workload's table of events that no run of the lake wrote, which a stream did; of that part of it ("2026-01-05"; NULL: of all),
 * by path, appended to out. E_NOT_FOUND: there is no such table. */
status table_files_streamed(struct store *lake, const struct workload *w, const char *part, struct file_list *out,
	struct err *err) MUST_USE;

#endif
