/* workloads/clickstream/streamed.c: from files of bronze that a stream has appended to the files of a run's raw stage.
 *
 * 1. Each file is read whole, its hash compared and its rows counted, before any stage relies on it.
 * 2. Nothing is written: what silver folds is what stands in bronze, once.
 */
#include "workloads/clickstream/streamed.h"

#include "flow/part_scan.h"
#include "workloads/clickstream/schema.h"

bool clickstream_streamed(const struct file_list *inputs)
{
	return inputs->n > 0 && strcmp(inputs->items[0].table, CLICK_BRONZE) == 0;
}

status clickstream_streamed_plan(const struct file_list *inputs, struct task_list *out, struct err *err)
{
	struct task_spec *task = task_list_add(out);
	if (task == NULL) return fail_nomem(err);
	task->stage = "raw";
	task->task_id = "raw-0000";
	task->hi = (int64_t)inputs->n;
	for (size_t i = 0; i < inputs->n; i++) {
		if (!file_list_add(&task->inputs, &inputs->items[i])) return fail_nomem(err);
	}
	return OK;
}

struct streamed_task {
	const struct task_env *env;
	struct task_result *out;
	int64_t types[CLICK_TYPES];
};

static status visit(void *arg, const struct batch *b, struct arena *scratch, struct err *err)
{
	struct streamed_task *t = arg;
	struct event_stats *events = &t->out->events;
	(void)scratch;
	for (int64_t i = 0; i < b->n_rows; i++) {
		if (!column_valid(&b->columns[0], i) || !column_valid(&b->columns[1], i))
			return fail(err, E_CORRUPT, "a row without timestamp or event_type");
		const int64_t ts = ((const int64_t *)b->columns[0].values)[i];
		const struct str word = column_str(&b->columns[1], i);
		const bool first = !event_stats_dated(events);
		int type = 0;
		while (type < CLICK_TYPES && !str_is(word, clickstream_type_names[type])) type++;
		if (type == CLICK_TYPES)
			return fail(err, E_CORRUPT, "an event_type '%.*s'", (int)(word.n < 32 ? word.n : 32), word.p);
		t->types[type]++;
		if (first || ts < events->first) events->first = ts;
		if (first || ts > events->last) events->last = ts;
	}
	task_progress(t->env, b->n_rows, 0);
	return OK;
}

static status count_all(struct streamed_task *t, const struct part_scan *s, struct err *err)
{
	const struct counter counters[] = {
		{"rows_in", s->rows}, {"rows_out", s->rows}, {"bytes_in", s->bytes}, {"bytes_out", 0}};
	for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
		if (!counter_add(&t->out->counters, counters[i].name, counters[i].value)) return fail_nomem(err);
	}
	for (int i = 0; i < CLICK_TYPES; i++) {
		if (t->types[i] > 0 && !counter_add(&t->out->events.types, clickstream_type_names[i], t->types[i]))
			return fail_nomem(err);
	}
	return OK;
}

status clickstream_streamed_run(
	const struct task_env *env, const struct task_spec *spec, struct task_result *out, struct err *err)
{
	const struct column_def *columns[] = {
		&clickstream_bronze_events.columns[EVENTS_TIMESTAMP], &clickstream_bronze_events.columns[EVENTS_TYPE]};
	struct streamed_task t = {.env = env, .out = out};
	struct part_scan s = {.env = env,
		.files = &spec->inputs,
		.columns = columns,
		.n_columns = sizeof columns / sizeof *columns,
		.check_hash = true,
		.visit = visit,
		.arg = &t};
	TRY(part_scan(&s, err));
	for (size_t i = 0; i < spec->inputs.n; i++) {
		if (!file_list_add(&out->outputs, &spec->inputs.items[i])) return fail_nomem(err);
	}
	return count_all(&t, &s, err);
}

status clickstream_streamed_check(const struct stage_view *view, struct quality_list *out, struct err *err)
{
	const int64_t rows = counter_get(&view->counters[0], "rows_in"), stand = stage_view_rows(view, CLICK_BRONZE);
	const struct quality q = {.dataset = CLICK_BRONZE,
		.check_name = "every_row_read",
		.severity = QUALITY_CRITICAL,
		.details = "rows read = rows of the files that a stream appended",
		.record_count = rows};
	return quality_add_numbers(out, rows == stand, q, rows, stand) ? OK : fail_nomem(err);
}
