/* workloads/pqrs/silver/silver_plan.c: cut the ticket buckets into tasks. */
#include "workloads/pqrs/silver/silver.h"
#include "workloads/pqrs/silver/silver_int.h"

/* About 150 MB of memory a task; the cut depends on the row count alone. Every task opens every file and decompresses the
 * small pages of it that tasks share: a task more costs 90 ms of CPU for 905 files. */
enum { TASK_ROWS = 1200000 };

static status take(struct file_list *out, const struct file_ref *f, struct err *err)
{
	return file_list_add(out, f) ? OK : fail_nomem(err);
}

/* Bronze of the runs before, run by run: of an event that several tell, the earliest run's stands. */
static status history_files(const struct history *h, struct file_list *out, struct err *err)
{
	for (size_t r = 0; h != NULL && r < h->n_runs; r++) {
		for (size_t i = 0; i < h->files.n; i++) {
			struct str run;
			TRY(file_ref_value(&h->files.items[i], "run_id", &run, err));
			if (str_is(run, h->runs[r])) TRY(take(out, &h->files.items[i], err));
		}
	}
	return OK;
}

static status own_files(const struct stage_view *view, struct file_list *out, int64_t *rows, struct err *err)
{
	*rows = 0;
	for (size_t s = 0; s < view->n_stages; s++) {
		for (size_t i = 0; i < view->files[s].n; i++) {
			const struct file_ref *f = &view->files[s].items[i];
			if (strcmp(f->table, BRONZE_TABLE) != 0) continue;
			TRY(take(out, f, err));
			*rows += f->rows;
		}
	}
	return OK;
}

static status add_task(struct task_list *out, int64_t lo, int64_t hi, const struct file_list *inputs, struct err *err)
{
	const size_t n = out->n;
	struct task_spec *spec = task_list_add(out);
	if (spec == NULL) return fail_nomem(err);
	spec->stage = "silver";
	spec->task_id = arena_printf(out->arena, "silver-%04zu", n);
	spec->lo = lo;
	spec->hi = hi;
	spec->part = inputs != NULL ? "" : SILVER_PART_DIMENSIONS;
	if (inputs != NULL) spec->inputs = *inputs; /* one array behind all specs */
	return spec->task_id != NULL ? OK : fail_nomem(err);
}

status pqrs_silver_plan(
	const struct stage_view *view, const struct file_list *inputs, struct task_list *out, struct err *err)
{
	(void)inputs; /* files given by the user are raw's */
	struct file_list files = {.arena = out->arena};
	int64_t rows;
	TRY(history_files(view->history, &files, err));
	TRY(own_files(view, &files, &rows, err));
	int64_t n = (rows + TASK_ROWS - 1) / TASK_ROWS;
	if (n > PQRS_BUCKETS) n = PQRS_BUCKETS;
	/* Which files are kept is decided file by file, and a file holds rows of all buckets. Also without a new event: as_of is later. */
	if (view->history != NULL) n = 1;
	const size_t first = out->n;
	for (int64_t i = 0; i < n; i++)
		TRY(add_task(out, PQRS_BUCKETS * i / n, PQRS_BUCKETS * (i + 1) / n, &files, err));
	for (size_t i = first; i < out->n && view->history != NULL; i++) out->items[i].since = view->history->as_of;
	return add_task(out, 0, 0, NULL, err);
}
