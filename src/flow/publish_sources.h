/* flow/publish_sources.h: the files that publishing reads, table by table.
 *
 *   the run itself (age 0) ─► the run before it (1) ─► ... ─► the oldest run with rows      newest first
 *
 * A table without a key, or of a run without a history, has the run's own files alone. Otherwise a run's rows of a key that
 * a newer run touched are superseded; who touched what is in the files of rows and in those of `also`, read for their keys.
 * Own files are those of the run's commits; earlier runs' are what the tables' logs name today.
 */
#ifndef PQR_FLOW_PUBLISH_SOURCES_H
#define PQR_FLOW_PUBLISH_SOURCES_H

#include "flow/run_int.h"

struct publish_file {
	struct file_ref ref;
	const char *run_id;
	uint32_t age;
	bool keys_only; /* of `also` */
};
struct publish_table {
	struct workload_mirror from;
	struct publish_file *files; /* [n_files] by age, rows before keys_only, path */
	size_t n_files;
	uint32_t oldest; /* the greatest age that has rows; 0 = nothing can be superseded */
	int64_t rows; /* of these files, those read for their keys left out, as commits and logs have it; -1 there counts 0 */
	int64_t bytes; /* of the same */
};
struct publish_sources {
	struct publish_table *tables;
	size_t n_tables;
};

/* The tables of the last stage and, where they are wanted, the mirrors. All of *out lives in arena. The errors of history_table_files. */
status publish_sources_find(
	const struct flow *f, struct arena *arena, struct publish_sources *out, struct err *err) MUST_USE;
/* One edge for each table and run it was made from; gives edges[*n] in arena. */
status publish_sources_edges(const struct publish_sources *s, const char *run_id, struct arena *arena,
	struct control_edge **edges, size_t *n, struct err *err) MUST_USE;

#endif
