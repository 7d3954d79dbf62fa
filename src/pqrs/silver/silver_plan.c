/* pqrs/silver/silver_plan.c: cut the ticket buckets into tasks. */
#include "pqrs/silver/silver.h"
#include "pqrs/silver/silver_int.h"

/* About 150 MB of memory a task; the cut depends on the row count alone. Every task opens every file and decompresses the
 * small pages of it that tasks share: a task more costs 90 ms of CPU for 905 files. */
enum { TASK_ROWS = 1200000 };

struct volume {
	int64_t fresh;   /* rows that no run before has folded */
	int64_t earlier; /* rows that one has, and tickets of the run before */
};

static status take(struct file_list *out, const struct file_ref *f, struct err *err)
{
	return file_list_add(out, f) ? OK : fail_nomem(err);
}

/* Files of earlier runs, table by table as the history has them, so that bronze stands together with the run's own. */
static status history_files(
	const struct history *h, bool bronze, struct file_list *out, struct volume *v, struct err *err)
{
	for (size_t i = 0; h != NULL && i < h->files.n; i++) {
		const struct file_ref *f = &h->files.items[i];
		if ((strcmp(f->table, BRONZE_TABLE) == 0) != bronze) continue;
		TRY(take(out, f, err));
		const int64_t rows = f->rows > 0 ? f->rows : 0;
		*(f->earlier ? &v->earlier : &v->fresh) += rows;
	}
	return OK;
}

static status input_files(const struct stage_view *view, struct file_list *out, struct volume *v, struct err *err)
{
	TRY(history_files(view->history, true, out, v, err));
	for (size_t s = 0; s < view->n_stages; s++) {
		for (size_t i = 0; i < view->files[s].n; i++) {
			const struct file_ref *f = &view->files[s].items[i];
			if (strcmp(f->table, BRONZE_TABLE) != 0) continue;
			TRY(take(out, f, err));
			v->fresh += f->rows;
		}
	}
	return history_files(view->history, false, out, v, err);
}

/* Of earlier rows those in scope are folded: as many as touched and open tickets have, guessed by what is new. */
static int64_t rows_to_fold(const struct volume *v)
{
	return v->fresh + (v->earlier < 2 * v->fresh ? v->earlier : 2 * v->fresh);
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
	struct volume v = {0};
	TRY(input_files(view, &files, &v, err));
	int64_t n = (rows_to_fold(&v) + TASK_ROWS - 1) / TASK_ROWS;
	if (n > PQRS_BUCKETS) n = PQRS_BUCKETS;
	const bool carries = view->history != NULL && view->history->files.n > 0;
	if (n == 0 && carries) n = 1; /* nothing new, but a later as_of */
	for (int64_t i = 0; i < n; i++)
		TRY(add_task(out, PQRS_BUCKETS * i / n, PQRS_BUCKETS * (i + 1) / n, &files, err));
	return add_task(out, 0, 0, NULL, err);
}
