/* flow/watch.c: events of a run to its watchers, and what a stage left, kept from where it is known until the stage ends.
 *
 * Nothing is kept, and nothing can fail, of a run that nobody watches. What memory does not suffice for is told without it.
 */
#include "flow/run_int.h"

static void tell(struct flow *f, struct watch_event *e)
{
	e->workload = f->w;
	e->run = &f->id.info;
	for (size_t i = 0; i < f->o->n_watches; i++) f->o->watches[i].tell(f->o->watches[i].arg, e);
}

void flow_watch_begun(struct flow *f, const char *stage)
{
	const int64_t now = time_now_us();
	struct watch_event e = {.kind = stage != NULL ? WATCH_STAGE_BEGUN : WATCH_RUN_BEGUN,
		.stage = stage,
		.started_at = now,
		.at = now};
	if (stage == NULL) f->held.watch.run_started_at = now;
	f->held.watch.stage_started_at = now;
	f->held.watch.left = (struct watch_stage){0};
	tell(f, &e);
}

void flow_watch_ended(struct flow *f, const char *stage, status code, const struct err *why)
{
	char text[ERR_MESSAGE_MAX + ERR_WHERE_MAX + 64];
	struct watch_event e = {
		.kind = stage != NULL ? WATCH_STAGE_ENDED : WATCH_RUN_ENDED,
		.stage = stage,
		.started_at = stage != NULL ? f->held.watch.stage_started_at : f->held.watch.run_started_at,
		.at = time_now_us(),
		.code = code,
		.left = stage != NULL ? &f->held.watch.left : NULL,
	};
	if (code != OK) e.error = why != NULL ? err_text(why, text, sizeof text) : status_name(code);
	tell(f, &e);
}

void flow_watch_task(struct flow *f, const struct control_task *t, status code)
{
	struct watch_event e = {
		.kind = WATCH_TASK_ENDED,
		.stage = t->stage,
		.task = t,
		.started_at = t->started_at,
		.at = t->finished_at,
		.code = code,
		.error = t->error,
	};
	tell(f, &e);
}

/* ---- what a stage left ------------------------------------------------------------------------------------------------ */

static const char *copy(struct arena *arena, const char *text)
{
	return text != NULL ? arena_strndup(arena, text, strlen(text)) : NULL;
}

void flow_watch_checks(struct flow *f, const struct control_quality_layer *checks)
{
	struct watch_stage *left = &f->held.watch.left;
	if (f->o->n_watches == 0) return;
	struct control_quality *rows = ARENA_ZNEW(&f->arena, struct control_quality, checks->n + 1);
	left->checks = rows;
	left->n_checks = rows != NULL ? checks->n : 0;
	for (size_t i = 0; i < left->n_checks; i++) {
		const struct control_quality *q = &checks->items[i];
		rows[i] = (struct control_quality){copy(&f->arena, q->dataset), copy(&f->arena, q->check_name),
			q->severity, q->result, copy(&f->arena, q->value), copy(&f->arena, q->threshold),
			copy(&f->arena, q->details), q->record_count};
		if (rows[i].dataset == NULL || rows[i].check_name == NULL) left->n_checks = i;
	}
}

void flow_watch_committed(struct flow *f, const struct control_stage *s)
{
	struct watch_stage *left = &f->held.watch.left;
	if (f->o->n_watches == 0) return;
	left->committed = true;
	left->record = *s;
	struct control_edge *edges = ARENA_ZNEW(&f->arena, struct control_edge, s->n_edges + 1);
	struct control_dataset *datasets = ARENA_ZNEW(&f->arena, struct control_dataset, s->n_datasets + 1);
	if (edges == NULL || datasets == NULL) left->record.n_edges = left->record.n_datasets = 0;
	for (size_t i = 0; i < left->record.n_edges; i++) {
		const struct control_edge *e = &s->edges[i];
		edges[i] = (struct control_edge){copy(&f->arena, e->input), copy(&f->arena, e->input_version),
			copy(&f->arena, e->output), copy(&f->arena, e->output_version)};
		if (edges[i].input == NULL || edges[i].output == NULL) left->record.n_edges = i;
	}
	for (size_t i = 0; i < left->record.n_datasets; i++) {
		datasets[i] = s->datasets[i];
		datasets[i].location = NULL;
		datasets[i].name = copy(&f->arena, s->datasets[i].name);
		datasets[i].version = copy(&f->arena, s->datasets[i].version);
		datasets[i].layer = copy(&f->arena, s->datasets[i].layer);
		if (datasets[i].name == NULL) left->record.n_datasets = i;
	}
	left->record.edges = edges;
	left->record.datasets = datasets;
	left->record.run_id = f->id.info.run_id;
	left->record.name = left->record.location = left->record.sha256 = NULL; /* the event has the stage's name */
}
