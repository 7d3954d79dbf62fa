/* workloads/pqrs/gold/gold_kept.c: see gold_kept.h. Must not open a file. */
#include "workloads/pqrs/gold/gold_kept.h"

#include <stdio.h>

#include "workloads/pqrs/contract/schema.h"
#include "workloads/pqrs/gold/gold_rows.h"

void gold_made_of(
	const struct run_info *run, const struct file_ref *silver, bool by_as_of, char dst[HEX_XXH128_CHARS + 1])
{
	uint8_t hash[XXH128_BYTES];
	char text[PATH_KEY_MAX + HEX_SHA256_CHARS + 64];
	const int n = snprintf(text, sizeof text, "%s\n%s\n%s\n%lld", silver->path, run->config_hash, PQR_VERSION,
		by_as_of ? (long long)run->as_of : 0);
	ASSERT(n > 0 && (size_t)n < sizeof text);
	hash_xxh128(text, (size_t)n, hash);
	hex_encode(hash, sizeof hash, dst);
}

static const struct file_ref *find(const struct file_list *standing, const char *table, const char *made_of)
{
	for (size_t i = 0; i < standing->n; i++) {
		const struct file_ref *f = &standing->items[i];
		if (f->made_of != NULL && strcmp(f->made_of, made_of) == 0 && strcmp(f->table, table) == 0) return f;
	}
	return NULL;
}

status gold_kept_find(const struct stage_view *view, const struct file_ref *silver, struct gold_kept *out, bool *kept,
	struct err *err)
{
	const struct file_ref *metrics = NULL, *snapshot = NULL;
	for (int by_as_of = 0; by_as_of < 2 && (metrics == NULL || snapshot == NULL); by_as_of++) {
		char made_of[HEX_XXH128_CHARS + 1];
		gold_made_of(view->run, silver, by_as_of == 1, made_of);
		metrics = find(view->standing, "gold.sla_metrics", made_of);
		snapshot = find(view->standing, "gold.tickets_snapshot", made_of);
	}
	*kept = metrics != NULL && snapshot != NULL && metrics->rows == silver->rows && snapshot->rows == silver->rows;
	if (!*kept) return OK;
	return file_list_add(&out->metrics, metrics) && file_list_add(&out->snapshot, snapshot) ? OK : fail_nomem(err);
}

static status plan_table(const char *task_id, const struct file_list *files, struct task_list *out, struct err *err)
{
	if (files->n == 0) return OK;
	struct task_spec *t = task_list_add(out);
	if (t == NULL) return fail_nomem(err);
	t->stage = "gold";
	t->task_id = task_id;
	t->part = GOLD_PART_KEPT;
	t->inputs = *files;
	return OK;
}

status gold_kept_plan(const struct gold_kept *kept, struct task_list *out, struct err *err)
{
	TRY(plan_table("gold-kept-sla_metrics", &kept->metrics, out, err));
	return plan_table("gold-kept-tickets_snapshot", &kept->snapshot, out, err);
}

/* Each ticket is in one part: the keys of parts that stand differ as those of parts that are made do. */
static bool count_rows(struct counter_list *c, const char *table, int64_t rows, int64_t bytes)
{
	const char *name = strchr(table, '.') + 1;
	char rows_name[96], sum_name[96];
	(void)snprintf(rows_name, sizeof rows_name, "rows:%s", name);
	(void)snprintf(sum_name, sizeof sum_name, "sum:%s", name);
	return counter_add(c, rows_name, rows) && counter_add(c, sum_name, rows) && counter_add(c, "rows_out", rows) &&
	       counter_add(c, "bytes_out", bytes) && counter_add(c, "rows_in", 0) && counter_add(c, "bytes_in", 0);
}

status gold_kept_run(const struct task_spec *spec, struct task_result *out, struct err *err)
{
	for (size_t i = 0; i < spec->inputs.n; i++) {
		const struct file_ref *f = &spec->inputs.items[i];
		if (strchr(f->table, '.') == NULL)
			return fail(err, E_USAGE, "task %s: %s is of no table", spec->task_id, f->path);
		TRY(task_output_keep(out, f, err));
		if (!count_rows(&out->counters, f->table, f->rows, f->bytes)) return fail_nomem(err);
	}
	return OK;
}
