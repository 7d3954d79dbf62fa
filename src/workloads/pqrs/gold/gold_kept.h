/* workloads/pqrs/gold/gold_kept.h: which parts of the tables with a row a ticket stand, and need not be made again.
 *
 *   part of silver.tickets + configuration + program [+ as_of] --name--> made_of of the two parts that were made of it
 *
 * A part of silver.tickets that stood before gives the same rows, but for tickets without an answer, whose rows tell of as_of. So a
 * day makes what changed, whatever its history holds.
 */
#ifndef PQR_PQRS_GOLD_KEPT_H
#define PQR_PQRS_GOLD_KEPT_H

#include "flow/workload.h"

#define GOLD_PART_KEPT "kept" /* task_spec.part: inputs are parts of one gold table, and stand */

/* What parts are made of that this run makes of one part of silver.tickets. by_as_of: a row of it has no answer. */
void gold_made_of(
	const struct run_info *run, const struct file_ref *silver, bool by_as_of, char dst[HEX_XXH128_CHARS + 1]);

/* The parts that stand of what would be made of this part of silver.tickets, appended to one list a table; *kept: both do. */
struct gold_kept {
	struct file_list metrics, snapshot;
};
status gold_kept_find(const struct stage_view *view, const struct file_ref *silver, struct gold_kept *out, bool *kept,
	struct err *err) MUST_USE;

/* One task for each table that has some. */
status gold_kept_plan(const struct gold_kept *kept, struct task_list *out, struct err *err) MUST_USE;
status gold_kept_run(const struct task_spec *spec, struct task_result *out, struct err *err) MUST_USE;

#endif
