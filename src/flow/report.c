/* flow/report.c: the numbers of a run, gathered from its commits, and their JSON form. */
#include <stdlib.h>

#include "flow/manifest.h"
#include "flow/run_int.h"

void run_report_init(struct run_report *r)
{
	*r = (struct run_report){.status = RUN_PENDING, .as_of = INT64_MIN};
	arena_init(&r->arena, 0);
	r->rows.arena = r->reasons.arena = &r->arena;
}

void run_report_deinit(struct run_report *r)
{
	arena_deinit(&r->arena);
}

struct stage_report *flow_report_stage(struct flow *f, const char *name)
{
	struct run_report *r = f->report;
	for (size_t i = 0; i < r->n_stages; i++) {
		if (strcmp(r->stages[i].name, name) == 0) return &r->stages[i];
	}
	ASSERT(r->n_stages < RUN_STAGES_MAX);
	r->stages[r->n_stages] = (struct stage_report){.name = name};
	return &r->stages[r->n_stages++];
}

void stage_report_counters(struct stage_report *r, const struct counter_list *counters)
{
	r->rows_in = counter_get(counters, "rows_in");
	r->rows_out = counter_get(counters, "rows_out");
	r->bytes_in = counter_get(counters, "bytes_in");
	r->bytes_out = counter_get(counters, "bytes_out");
}

bool flow_layer_done(const struct flow *f, const char *layer)
{
	size_t n = 0;
	for (size_t k = 0; k < f->w->n_stages; k++) {
		if (strcmp(stage_layer(&f->w->stages[k]), layer) != 0) continue;
		if (k >= f->state.n_committed) return false;
		n++;
	}
	return n > 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct counter *)a)->name, ((const struct counter *)b)->name);
}

static int by_value(const void *a, const void *b)
{
	const struct counter *x = a, *y = b;
	return x->value != y->value ? (x->value < y->value ? 1 : -1) : strcmp(x->name, y->name);
}

/* Has a name this part before the separator? */
static bool is_of(const char *name, const char *part, char separator)
{
	const size_t n = strlen(part);
	return strncmp(name, part, n) == 0 && name[n] == separator;
}

static bool in_layer(const char *table, const char *layer)
{
	return is_of(table, layer, '.');
}

/* The runs taken up, as the commit of the stage that folds says. */
static status history_totals(struct flow *f, struct err *err)
{
	struct run_report *r = f->report;
	for (size_t k = 0; k < f->state.n_committed; k++) {
		const struct commit *c = &f->state.commits[k];
		if (c->n_history == 0) continue;
		const char **ids = ARENA_NEW(&r->arena, const char *, c->n_history);
		if (ids == NULL) return fail_nomem(err);
		for (size_t i = 0; i < c->n_history; i++) {
			ids[i] = arena_strndup(&r->arena, c->history[i], strlen(c->history[i]));
			if (ids[i] == NULL) return fail_nomem(err);
		}
		r->history = ids;
		r->n_history = c->n_history;
	}
	return OK;
}

/* The files of rejects as a shell finds them: what their folders hold as *, and the beginning of the run. */
static status rejects_pattern(struct flow *f, const struct file_ref *file, struct err *err)
{
	enum { RUN_CHARS = 8 };
	struct delta_pairs values;
	struct buf pattern;
	char *dst = f->report->rejects_in;
	TRY(path_table_root(dst, file->table, err));
	TRY(path_values(file->path, &f->arena, &values, err));
	buf_init(&pattern, PATH_KEY_MAX - 1);
	buf_str(&pattern, dst);
	for (size_t i = 0; i < values.n; i++) {
		if (str_is(values.items[i].key, "run_id"))
			buf_printf(&pattern, "/run_id=%.*s*", RUN_CHARS, values.items[i].value.p);
		else
			buf_str(&pattern, "/*");
	}
	buf_str(&pattern, strrchr(file->path, '/'));
	const status code = buf_check(&pattern, err);
	if (code == OK) {
		memcpy(dst, pattern.p, pattern.n);
		dst[pattern.n] = '\0';
	}
	buf_deinit(&pattern);
	return code;
}

/* Of a stage that a check has refused, too: then they say most. */
static status reason_totals(struct flow *f, struct err *err)
{
	struct run_report *r = f->report;
	r->reasons.n = 0;
	r->rejects_in[0] = '\0';
	for (size_t k = 0; k < f->w->n_stages; k++) {
		for (size_t i = 0; i < f->state.counters[k].n; i++) {
			const struct counter *c = &f->state.counters[k].items[i];
			if (c->value == 0 || !(is_of(c->name, "rejects", ':') || is_of(c->name, "quarantine", ':')))
				continue;
			if (!counter_add(&r->reasons, c->name, c->value)) return fail_nomem(err);
		}
		for (size_t i = 0; i < f->state.files[k].n && r->rejects_in[0] == '\0'; i++) {
			const struct file_ref *file = &f->state.files[k].items[i];
			if (in_layer(file->table, "rejects")) TRY(rejects_pattern(f, file, err));
		}
	}
	if (r->reasons.n > 1) qsort(r->reasons.items, r->reasons.n, sizeof *r->reasons.items, by_value);
	return OK;
}

status flow_report_totals(struct flow *f, struct err *err)
{
	struct run_report *r = f->report;
	r->as_of = f->id.info.as_of;
	if (f->state.n_committed > 0) TRY(manifest_root(&f->state.commits[0].files, r->root, err));
	TRY(history_totals(f, err));
	TRY(reason_totals(f, err));
	r->rows.n = 0;
	r->rows_raw = r->rows_bronze = r->rows_rejected = r->rows_duplicate = 0;
	for (size_t k = 0; k < f->state.n_committed; k++) {
		for (size_t i = 0; i < f->state.files[k].n; i++) {
			const struct file_ref *file = &f->state.files[k].items[i];
			if (!counter_add(&r->rows, file->table, file->rows)) return fail_nomem(err);
			if (in_layer(file->table, "raw")) r->rows_raw += file->rows;
			if (in_layer(file->table, "bronze")) r->rows_bronze += file->rows;
			if (in_layer(file->table, "rejects")) r->rows_rejected += file->rows;
		}
	}
	/* Of the stage that reads raw; later ones may meet repeats among bronze rows, which their own balance has. */
	for (size_t k = 0; k < f->state.n_committed; k++) {
		if (strcmp(stage_layer(&f->w->stages[k]), "bronze") == 0)
			r->rows_duplicate += counter_get(&f->state.counters[k], "duplicates");
	}
	if (r->rows.n > 1) qsort(r->rows.items, r->rows.n, sizeof *r->rows.items, by_name);
	return OK;
}

/* ---- JSON ----------------------------------------------------------------------------------------------------------- */

/* The counters whose names begin with `part` and the separator, as a member. */
static void part_json(struct buf *out, const struct counter_list *l, const char *part, char separator)
{
	bool first = true;
	buf_printf(out, "\"%s\":{", part);
	for (size_t i = 0; i < l->n; i++) {
		if (!is_of(l->items[i].name, part, separator)) continue;
		if (!first) buf_char(out, ',');
		first = false;
		buf_json_str(out, str_of(l->items[i].name + strlen(part) + 1));
		buf_printf(out, ":%lld", (long long)l->items[i].value);
	}
	buf_char(out, '}');
}

static void stages_json(struct buf *out, const struct run_report *r)
{
	buf_str(out, ",\"stages\":[");
	for (size_t i = 0; i < r->n_stages; i++) {
		const struct stage_report *s = &r->stages[i];
		buf_printf(out,
			"%s{\"name\":\"%s\",\"done\":%s,\"skipped\":%s,\"tasks\":%lld,\"tasks_resumed\":%lld,"
			"\"seconds\":%lld.%06lld",
			i > 0 ? "," : "", s->name, s->done ? "true" : "false", s->skipped ? "true" : "false",
			(long long)s->n_tasks, (long long)s->n_tasks_resumed, (long long)(s->us / 1000000),
			(long long)(s->us % 1000000));
		buf_printf(out, ",\"rows_in\":%lld,\"rows_out\":%lld,\"bytes_in\":%lld,\"bytes_out\":%lld}",
			(long long)s->rows_in, (long long)s->rows_out, (long long)s->bytes_in, (long long)s->bytes_out);
	}
	buf_char(out, ']');
}

void run_report_json(const struct run_report *r, struct buf *out)
{
	char as_of[TIME_RFC3339_CHARS];
	buf_printf(out,
		"{\"run_id\":\"%s\",\"workload\":\"%s\",\"status\":\"%s\",\"nothing_to_do\":%s,\"lake\":", r->run_id,
		r->workload != NULL ? r->workload : "", run_status_name(r->status),
		r->nothing_to_do ? "true" : "false");
	buf_json_str(out, str_of(r->lake != NULL ? r->lake : ""));
	if (r->as_of == INT64_MIN) {
		buf_str(out, ",\"as_of\":null");
	} else {
		time_format(r->as_of, as_of);
		buf_printf(out, ",\"as_of\":\"%.*s\"", TIME_RFC3339_CHARS, as_of);
	}
	buf_str(out, ",\"history\":[");
	for (size_t i = 0; i < r->n_history; i++) buf_printf(out, "%s\"%s\"", i > 0 ? "," : "", r->history[i]);
	buf_printf(out,
		"],\"root\":\"%s\",\"rows\":{\"raw\":%lld,\"bronze\":%lld,\"rejected\":%lld,\"duplicates\":%lld",
		r->root, (long long)r->rows_raw, (long long)r->rows_bronze, (long long)r->rows_rejected,
		(long long)r->rows_duplicate);
	buf_char(out, ',');
	part_json(out, &r->rows, "silver", '.');
	buf_char(out, ',');
	part_json(out, &r->rows, "gold", '.');
	buf_str(out, "},\"reasons\":{");
	part_json(out, &r->reasons, "rejects", ':');
	buf_char(out, ',');
	part_json(out, &r->reasons, "quarantine", ':');
	buf_char(out, '}');
	stages_json(out, r);
	buf_printf(out, ",\"quality\":{\"pass\":%lld,\"warn\":%lld,\"fail\":%lld},\"task_retries\":%lld}",
		(long long)r->quality_pass, (long long)r->quality_warn, (long long)r->quality_fail,
		(long long)r->task_retries);
}
