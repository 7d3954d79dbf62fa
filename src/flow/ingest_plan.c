/* flow/ingest_plan.c: inputs of an ingested run: the files and streams in order, as flow found and hashed them, and
 * the check that every line landed. Opens none of them. */
#include "flow/ingest.h"

status ingest_plan(const struct file_list *inputs, struct task_list *out, struct err *err)
{
	if (inputs == NULL || inputs->n == 0) return fail(err, E_USAGE, "no input to ingest: name at least one file");
	struct task_spec *task = task_list_add(out);
	if (task == NULL) return fail_nomem(err);
	task->stage = "raw";
	task->task_id = "raw-0000";
	for (size_t i = 0; i < inputs->n; i++) {
		if (!file_list_add(&task->inputs, &inputs->items[i])) return fail_nomem(err);
	}
	task->hi = (int64_t)task->inputs.n;
	return OK;
}

status ingest_check(const struct stage_view *view, const char *table, struct quality_list *out, struct err *err)
{
	ASSERT(view->n_stages >= 1);
	const int64_t in = counter_get(&view->counters[0], "rows_in"),
		      landed = counter_get(&view->counters[0], "rows_out");
	int64_t stored = 0;
	for (size_t i = 0; i < view->files[0].n; i++) stored += view->files[0].items[i].rows;
	const struct quality q = {.dataset = table,
		.check_name = "every_line_landed",
		.severity = QUALITY_CRITICAL,
		.details = "lines of the raw objects = lines of the inputs, blank ones left out",
		.record_count = in};
	return quality_add_numbers(out, in == landed && landed == stored, q, stored, in) ? OK : fail_nomem(err);
}
