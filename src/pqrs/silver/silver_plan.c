/* pqrs/silver/silver_plan.c: cut the ticket buckets into tasks. */
#include "pqrs/silver/silver.h"
#include "pqrs/silver/silver_int.h"

/* About 150 MB of memory a task; the cut depends on the row count alone. Every task opens every file and decompresses the
 * small pages of it that tasks share: a task more costs 90 ms of CPU for 905 files. */
enum { TASK_ROWS = 1200000 };

static status bronze_files(const struct stage_view *view, struct file_list *out, int64_t *rows, struct err *err)
{
	*rows = 0;
	for (size_t s = 0; s < view->n_stages; s++) {
		for (size_t i = 0; i < view->files[s].n; i++) {
			const struct file_ref *f = &view->files[s].items[i];
			if (strcmp(f->table, BRONZE_TABLE) != 0) continue;
			if (!file_list_add(out, f)) return fail(err, E_NOMEM, "out of memory planning silver");
			*rows += f->rows;
		}
	}
	return OK;
}

static status add_task(struct task_list *out, int64_t lo, int64_t hi, const struct file_list *inputs, struct err *err)
{
	const size_t n = out->n;
	struct task_spec *spec = task_list_add(out);
	if (spec == NULL) return fail(err, E_NOMEM, "out of memory planning silver");
	spec->stage = "silver";
	spec->task_id = arena_printf(out->arena, "silver-%04zu", n);
	spec->lo = lo;
	spec->hi = hi;
	spec->part = inputs != NULL ? "" : SILVER_PART_DIMENSIONS;
	if (inputs != NULL) spec->inputs = *inputs; /* one array behind all specs */
	return spec->task_id != NULL ? OK : fail(err, E_NOMEM, "out of memory planning silver");
}

status pqrs_silver_plan(
	const struct stage_view *view, const struct file_list *inputs, struct task_list *out, struct err *err)
{
	(void)inputs; /* files given by the user are raw's */
	struct file_list files = {.arena = out->arena};
	int64_t rows;
	TRY(bronze_files(view, &files, &rows, err));
	int64_t n = (rows + TASK_ROWS - 1) / TASK_ROWS;
	if (n > PQRS_BUCKETS) n = PQRS_BUCKETS;
	for (int64_t i = 0; i < n; i++)
		TRY(add_task(out, PQRS_BUCKETS * i / n, PQRS_BUCKETS * (i + 1) / n, &files, err));
	return add_task(out, 0, 0, NULL, err);
}
