/* flow/stage.c: one stage of a run: plan, believe what was done, run the rest, merge, commit.
 *
 *   plan -> slots <- results of earlier attempts (same spec hash, files as they were) -> executor -> merge -> flow_stage_commit
 *
 * A result counts only for the very spec, run and program that it was made with. What is merged depends on results alone, not on
 * their order or on who ran them.
 */
#include <stdio.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/thread.h"
#include "flow/error_json.h"
#include "flow/executor_int.h"
#include "flow/run_int.h"
#include "flow/task_json.h"

/* ---- plan --------------------------------------------------------------------------------------------------------- */

static status plan_check(const struct task_list *plan, const char *stage, struct err *err)
{
	for (size_t i = 0; i < plan->n; i++) {
		if (strcmp(plan->items[i].stage, stage) != 0 || plan->items[i].task_id[0] == '\0')
			return fail(err, E_CONFLICT, "plan of stage %s: task %zu has no id, or is of stage %s", stage,
				i, plan->items[i].stage);
		for (size_t k = 0; k < i; k++) {
			if (strcmp(plan->items[k].task_id, plan->items[i].task_id) == 0)
				return fail(err, E_CONFLICT, "plan of stage %s: two tasks %s", stage,
					plan->items[i].task_id);
		}
	}
	return OK;
}

static size_t folding_stage(const struct workload *w)
{
	size_t i = 0;
	while (i < w->n_stages && !workload_folds(w, w->stages[i].name)) i++;
	return i;
}

status flow_stage_plan(struct flow *f, size_t stage, struct task_list *out, struct err *err)
{
	const struct stage_def *def = &f->w->stages[stage];
	TRY(flow_history_prepare(f, stage, err));
	const struct stage_view view = flow_state_view(f, stage);
	/* A run that drops another has no events of its own. */
	if (!flow_drops(f) || stage >= folding_stage(f->w)) TRY(def->plan(&view, &f->id.inputs, out, err));
	for (size_t i = 0; i < out->n; i++) {
		out->items[i].standing = *view.standing; /* one array behind all specs */
		out->items[i].history = flow_history_id(f, stage);
	}
	return plan_check(out, def->name, err);
}

static status text_hash(struct buf *text, char hex[HEX_XXH128_CHARS + 1], struct err *err)
{
	uint8_t hash[XXH128_BYTES];
	TRY(buf_check(text, err));
	hash_xxh128(text->p, text->n, hash);
	hex_encode(hash, sizeof hash, hex);
	return OK;
}

/* What the results of all tasks of the stage depend on: the run, the program, and what stands, which is long. */
static status common_hash(
	const struct flow *f, const struct file_list *standing, char hex[HEX_XXH128_CHARS + 1], struct err *err)
{
	struct buf text;
	buf_init(&text, 0);
	file_list_json(&text, standing);
	run_info_json(&text, &f->id.info);
	buf_str(&text, PQR_VERSION);
	const status code = text_hash(&text, hex, err);
	buf_deinit(&text);
	return code;
}

/* Everything a task's result depends on; a result of an earlier attempt counts only for the same hash. */
static status spec_hash(const char *common, struct task_slot *slot, struct err *err)
{
	struct task_spec own = *slot->spec;
	struct buf text;
	own.standing.n = 0;
	buf_init(&text, 0);
	buf_str(&text, common);
	task_spec_json(&text, &own);
	const status code = text_hash(&text, slot->spec_hash, err);
	buf_deinit(&text);
	return code;
}

/* ---- results of earlier attempts ------------------------------------------------------------------------------------ */

struct stage_run {
	struct flow *f;
	size_t stage;
	const struct stage_def *def;
	struct arena scratch; /* of plan */
	struct task_list plan;
	struct task_slot *slots; /* [n] */
	size_t n;
	int64_t started; /* time_mono_us */
	_Atomic int64_t failures;
};

static status stored_result(void *arg, struct str task_id, struct str hash, struct str result, struct err *err)
{
	struct stage_run *s = arg;
	(void)err;
	for (size_t i = 0; i < s->n; i++) {
		struct task_slot *slot = &s->slots[i];
		if (!str_is(task_id, slot->spec->task_id)) continue;
		/* A stored result that can't be read is done again. */
		slot->done = str_is(hash, slot->spec_hash) &&
			     task_result_parse(result, &slot->arena, &slot->result, NULL) == OK;
		break;
	}
	return OK;
}

static bool file_holds(struct store *lake, const struct file_ref *ref)
{
	uint8_t hash[XXH128_BYTES];
	struct buf bytes;
	int64_t size = 0;
	if (store_size(lake, ref->path, &size, NULL) != OK || size != ref->bytes) return false;
	buf_init(&bytes, 0);
	bool same = store_get(lake, ref->path, &bytes, NULL) == OK;
	if (same) {
		hash_xxh128(bytes.p, bytes.n, hash);
		same = memcmp(hash, ref->xxh128, sizeof hash) == 0;
	}
	buf_deinit(&bytes);
	return same;
}

/* A file that is gone or of other bytes: the task is done again, in place of it. */
static status check_stored(void *arg, size_t i, int worker, struct err *err)
{
	struct stage_run *s = arg;
	struct task_slot *slot = &s->slots[i];
	(void)worker;
	TRY(cancel_check(err));
	for (size_t k = 0; k < slot->result.outputs.n && slot->done; k++) {
		const struct file_ref *ref = &slot->result.outputs.items[k];
		if (file_holds(s->f->lake, ref)) continue;
		slot->done = false;
		TRY(store_delete(s->f->lake, ref->path, err));
	}
	return OK;
}

static status resume(struct stage_run *s, int64_t *n_resumed, struct err *err)
{
	TRY(control_task_results(s->f->control, s->f->id.info.run_id, s->def->name, stored_result, s, err));
	TRY(thread_for(s->n, store_io_threads(s->f->lake, s->f->threads), check_stored, s, err));
	int64_t done = 0;
	for (size_t i = 0; i < s->n; i++) done += s->slots[i].done;
	*n_resumed = done;
	atomic_fetch_add(&s->f->held.progress.done, done);
	return OK;
}

/* ---- running ------------------------------------------------------------------------------------------------------- */

static status task_started(void *arg, struct task_slot *slot, const char *worker, struct err *err)
{
	struct stage_run *s = arg;
	if (control_heartbeat_lost(s->f->held.heartbeat))
		return fail(err, E_BUSY, "the run was taken over by another process");
	slot->started_at = time_now_us();
	const struct control_task t = {
		.run_id = s->f->id.info.run_id,
		.stage = s->def->name,
		.task_id = slot->spec->task_id,
		.worker = worker,
		.started_at = slot->started_at,
	};
	return control_task_start(s->f->control, &t, &slot->attempt, err);
}

static status task_finished(void *arg, struct task_slot *slot, const struct err *why, struct err *err)
{
	struct stage_run *s = arg;
	struct buf result;
	char text[ERR_MESSAGE_MAX + ERR_WHERE_MAX + 64];
	buf_init(&result, 0);
	struct control_task t = {
		.run_id = s->f->id.info.run_id,
		.stage = s->def->name,
		.task_id = slot->spec->task_id,
		.attempt = slot->attempt,
		.started_at = slot->started_at,
		.finished_at = time_now_us(),
		.error = why != NULL ? err_text(why, text, sizeof text) : NULL,
		.spec_hash = str_of(slot->spec_hash),
	};
	if (why == NULL) {
		task_result_json(&result, &slot->result);
		t.rows_in = counter_get(&slot->result.counters, "rows_in");
		t.rows_out = counter_get(&slot->result.counters, "rows_out");
		t.bytes_in = counter_get(&slot->result.counters, "bytes_in");
		t.bytes_out = counter_get(&slot->result.counters, "bytes_out");
		t.result = (struct str){(const char *)result.p, result.n};
		atomic_fetch_add(&s->f->held.progress.done, 1);
	} else {
		atomic_fetch_add(&s->failures, 1);
		if (why->code != E_CANCELLED && why->code != E_QUALITY) /* the run's own error says it all */
			log_line(LOG_WARN, "task failed", "task", slot->spec->task_id, "error", text, NULL);
	}
	flow_watch_task(s->f, &t, why != NULL ? why->code : OK);
	status code = buf_check(&result, err);
	if (code == OK) code = control_task_finish(s->f->control, &s->f->held.lease, &t, err);
	buf_deinit(&result);
	return code;
}

/* What is ingested are files of this machine and streams of this process: the tasks that read them are done here. */
static status execute_here(const struct stage_run *s, const struct executor_job *job, struct err *err)
{
	struct executor *here = NULL;
	const struct executor_opts o = {.name = "threads", .threads = s->f->threads};
	TRY(executor_open(&o, &here, err));
	const status code = executor_run(here, job, err);
	executor_close(here);
	return code;
}

bool flow_stage_reads_here(const struct stage_run *s)
{
	return s->stage == 0 && !run_makes(&s->f->id.info);
}

static struct executor_job job_of(struct stage_run *s, const struct task_env *env)
{
	const struct flow *f = s->f;
	return (struct executor_job){
		.workload = f->w,
		.stage = s->def,
		.env = env,
		.slots = s->slots,
		.n = s->n,
		.retry_delay_us = f->o->retry_delay_us >= 0 ? f->o->retry_delay_us : 200000,
		.started = task_started,
		.finished = task_finished,
		.arg = s,
	};
}

static status execute(struct stage_run *s, struct err *err)
{
	struct flow *f = s->f;
	const struct task_env env = {
		.lake = f->lake,
		.run = &f->id.info,
		.config = f->id.config,
		.spools = &f->id.spools,
		.progress_rows = &f->held.progress.rows,
		.progress_bytes = &f->held.progress.bytes,
	};
	const struct executor_job job = job_of(s, &env);
	if (flow_stage_reads_here(s)) return execute_here(s, &job, err);
	return executor_run(f->held.executor, &job, err);
}

/* ---- merging ------------------------------------------------------------------------------------------------------- */

/* The same object of two tasks: empty parts may coincide, anything else would lose rows. */
static status drop_repeats(struct file_list *l, const char *stage, struct err *err)
{
	size_t n = 0;
	for (size_t i = 0; i < l->n; i++) {
		if (n > 0 && strcmp(l->items[n - 1].path, l->items[i].path) == 0) {
			if (l->items[i].rows == 0) continue;
			return fail_at(err, E_CONFLICT, l->items[i].path, -1, -1,
				"two tasks of stage %s wrote the same object", stage);
		}
		l->items[n++] = l->items[i];
	}
	l->n = n;
	return OK;
}

/* Rows of an earlier run go into the same table of this one, or into a later layer's. */
static bool carries_over(const char *in, const char *out)
{
	const size_t layer = strcspn(in, ".");
	return strcmp(in, out) == 0 || strncmp(in, out, layer + 1) != 0;
}

/* The pairs of tables a task read and wrote. Files of one table stand together in both lists. */
static bool merge_edges(struct commit *c, const struct task_spec *spec, const struct task_result *r)
{
	for (size_t i = 0; i < spec->inputs.n; i++) {
		const char *in = spec->inputs.items[i].table;
		if (i > 0 && strcmp(in, spec->inputs.items[i - 1].table) == 0) continue;
		for (size_t k = 0; k < r->outputs.n; k++) {
			const char *out = r->outputs.items[k].table;
			if (k > 0 && strcmp(out, r->outputs.items[k - 1].table) == 0) continue;
			if (spec->inputs.items[i].earlier && !carries_over(in, out)) continue;
			if (!commit_edges_add(&c->edges, in, out)) return false;
		}
	}
	/* Of a table that a run before left, some rows go on in its own files. */
	for (size_t i = 0; i < spec->standing.n; i++) {
		const char *in = spec->standing.items[i].table;
		if (i > 0 && strcmp(in, spec->standing.items[i - 1].table) == 0) continue;
		for (size_t k = 0; k < r->outputs.n; k++) {
			const char *out = r->outputs.items[k].table;
			if (k > 0 && strcmp(out, r->outputs.items[k - 1].table) == 0) continue;
			if (strcmp(in, out) == 0 && !commit_edges_add(&c->edges, in, out)) return false;
		}
	}
	return true;
}

static status merge(struct stage_run *s, struct commit *c, struct err *err)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct task_result *r = &s->slots[i].result;
		if (!counter_list_merge(&c->counters, &r->counters) || !event_stats_merge(&c->events, &r->events) ||
			!merge_edges(c, s->slots[i].spec, r))
			return fail_nomem(err);
		for (size_t k = 0; k < r->outputs.n; k++) {
			if (!file_list_add(&c->files, &r->outputs.items[k])) return fail_nomem(err);
		}
	}
	file_list_sort(&c->files);
	commit_edges_sort(&c->edges);
	return drop_repeats(&c->files, s->def->name, err);
}

/* A run that was told to describe a day to come takes every open ticket there, and the runs after it do the same. */
static void warn_future(const struct flow *f)
{
	char text[TIME_RFC3339_CHARS + 1] = "";
	if (f->id.info.as_of <= time_now_us() + US_PER_DAY) return;
	time_format(f->id.info.as_of, text);
	log_line(LOG_WARN, "an earlier run describes an instant to come, and so will all that go on from it", "run",
		f->id.info.run_id, "as_of", text, NULL);
}

/* The end of the day of the newest event that tells of a case, and of none earlier than the head's, which stays where there is none. Where no
 * case is known at all any event counts. */
static status learn_as_of(struct flow *f, const struct commit *raw, struct err *err)
{
	struct history h;
	int64_t newest = raw->events.last;
	const int64_t until = flow_day_end(f, flow_local_date(f, time_now_us()));
	TRY(flow_history_find(f, &h, err));
	if (f->w->folding.newest != NULL) {
		const struct task_env env = {.lake = f->lake, .run = &f->id.info, .config = f->id.config};
		const struct landed landed = {&raw->files, h.runs, h.n_runs, h.as_of, until};
		TRY(f->w->folding.newest(&env, &landed, &newest, err));
		if (newest == INT64_MIN && h.n_runs == 0) newest = raw->events.last;
	}
	f->id.info.as_of = newest != INT64_MIN ? flow_day_end(f, flow_local_date(f, newest)) : INT64_MIN;
	ASSERT(f->id.info.as_of != INT64_MIN || h.as_of != INT64_MIN);
	if (h.as_of <= f->id.info.as_of) return OK;
	f->id.info.as_of = h.as_of;
	warn_future(f);
	return OK;
}

/* An ingested run learns its as_of and dates from what raw found. A picture that takes up earlier runs is not older than theirs. */
static status learn_dates(struct flow *f, const struct commit *raw, struct err *err)
{
	if (flow_drops(f)) {
		struct history h;
		TRY(flow_history_find(f, &h, err));
		return flow_drop_dates(f, &h, err);
	}
	const bool known = event_stats_dated(&raw->events);
	const int64_t oldest = raw->events.first, newest = raw->events.last;
	if (!known && raw->files.n == 0) return fail(err, E_USAGE, "the input holds no line");
	if (!known && f->id.info.as_of == INT64_MIN) {
		/* No event is valid: a check of the stage that rejects them all ends the run, whatever its date. */
		f->id.info.as_of = flow_day_end(f, flow_local_date(f, time_now_us()));
	} else if (f->id.info.as_of == INT64_MIN) {
		TRY(learn_as_of(f, raw, err));
	}
	f->id.info.date_from = flow_local_date(f, known ? oldest : f->id.info.as_of);
	f->id.info.date_to = flow_local_date(f, known ? newest : f->id.info.as_of);
	/* Events after a given as_of are for the checks to judge. */
	return f->id.info.date_from > flow_local_date(f, f->id.info.as_of)
		       ? OK
		       : flow_span_check(f, f->id.info.date_from, f->id.info.as_of, err);
}

/* ---- the whole stage ------------------------------------------------------------------------------------------------ */

static int64_t bytes_before(const struct flow *f, size_t stage)
{
	int64_t sum = 0;
	const struct file_list *l = stage > 0 ? &f->state.files[stage - 1] : &f->id.inputs;
	for (size_t i = 0; i < l->n; i++) sum += l->items[i].bytes;
	return sum;
}

/* What a failed attempt wrote is no file of this stage's: look for left-overs at the commit. */
static status count_retries(struct stage_run *s, struct err *err)
{
	int64_t retries = 0, removed = 0;
	for (size_t i = 0; i < s->n; i++) {
		retries += s->slots[i].retries;
		s->slots[i].retries = 0;
	}
	s->f->report->task_retries += retries;
	if (retries > 0 || atomic_load(&s->failures) > 0) s->f->held.again = true;
	return retries > 0 ? store_sweep(s->f->lake, "", &removed, err) : OK; /* of workers that died */
}

status flow_stage_execute(struct stage_run *s, struct err *err)
{
	const status code = execute(s, err);
	const status counted = count_retries(s, code == OK ? err : NULL);
	return code != OK ? code : counted;
}

status flow_stage_finish(struct stage_run *s, struct err *err)
{
	struct flow *f = s->f;
	struct stage_report *report = flow_report_stage(f, s->def->name);
	struct commit c;
	commit_init(&c, &f->arena);
	c.stage = s->def->name;
	c.version = PQR_VERSION;
	c.n_tasks = (int64_t)s->n;
	TRY(count_retries(s, err));
	TRY(merge(s, &c, err));
	if (s->stage == 0 && !run_makes(&f->id.info)) TRY(learn_dates(f, &c, err));
	c.run = f->id.info;
	if (workload_folds(f->w, c.stage)) c.claim = 1;
	TRY(flow_history_split(f, &c, err));
	stage_report_counters(report, &c.counters);
	report->us = time_mono_us() - s->started;
	TRY(flow_stage_commit(f, &c, report, err));
	report->us = time_mono_us() - s->started;
	return OK;
}

static status make_slots(struct stage_run *s, struct err *err)
{
	static const struct file_list none;
	char common[HEX_XXH128_CHARS + 1];
	const struct task_list *plan = &s->plan;
	TRY(common_hash(s->f, plan->n > 0 ? &plan->items[0].standing : &none, common, err));
	progress_step(&s->f->held.progress, s->def->name, (int64_t)plan->n, bytes_before(s->f, s->stage));
	s->slots = mem_zalloc(plan->n + 1, sizeof *s->slots);
	if (s->slots == NULL) return fail_nomem(err);
	while (s->n < plan->n) {
		struct task_slot *slot = &s->slots[s->n];
		arena_init(&slot->arena, 0);
		slot->spec = &plan->items[s->n++];
		task_result_init(&slot->result, slot->spec, &slot->arena);
		TRY(spec_hash(common, slot, err));
	}
	return OK;
}

static status open_planned(struct stage_run *s, struct err *err)
{
	TRY(flow_stage_plan(s->f, s->stage, &s->plan, err));
	TRY(make_slots(s, err));
	struct stage_report *report = flow_report_stage(s->f, s->def->name);
	s->started = time_mono_us();
	report->n_tasks = (int64_t)s->n;
	return resume(s, &report->n_tasks_resumed, err);
}

status flow_stage_open(struct flow *f, size_t stage, struct stage_run **out, struct err *err)
{
	ASSERT(stage < f->w->n_stages);
	struct stage_run *s = mem_zalloc(1, sizeof *s);
	if (s == NULL) return fail_nomem(err);
	s->f = f;
	s->stage = stage;
	s->def = &f->w->stages[stage];
	arena_init(&s->scratch, 0);
	s->plan.arena = &s->scratch;
	const status code = open_planned(s, err);
	if (code != OK)
		flow_stage_close(s);
	else
		*out = s;
	return code;
}

void flow_stage_close(struct stage_run *s)
{
	if (s == NULL) return;
	for (size_t i = 0; i < s->n; i++) arena_deinit(&s->slots[i].arena);
	mem_free(s->slots);
	arena_deinit(&s->scratch);
	mem_free(s);
}

/* ---- by somebody else ------------------------------------------------------------------------------------------------ */

void flow_stage_documents(const struct stage_run *s, struct buf *out)
{
	bool first = true;
	for (size_t i = 0; i < s->n; i++) {
		if (s->slots[i].done) continue;
		if (!first) buf_char(out, ',');
		task_document_json(out, &s->f->id.info, s->slots[i].spec);
		first = false;
	}
}

status flow_stage_whole(const struct stage_run *s, struct err *err)
{
	for (size_t i = 0; i < s->n; i++) {
		if (!s->slots[i].done)
			return fail(err, E_USAGE, "stage %s lacks the result of task %s", s->def->name,
				s->slots[i].spec->task_id);
	}
	return OK;
}

static status find_slot(struct stage_run *s, const struct json_node *ended, struct task_slot **out, struct err *err)
{
	struct str id;
	if (!json_node_str(json_node_get(ended, "task_id"), &id))
		return fail(err, E_USAGE, "what ended names no task_id");
	for (size_t i = 0; i < s->n; i++) {
		if (!str_is(id, s->slots[i].spec->task_id)) continue;
		*out = &s->slots[i];
		return s->slots[i].done ? fail(err, E_USAGE, "task %s of stage %s is done already", id.p, s->def->name)
					: OK;
	}
	return fail(err, E_USAGE, "stage %s has no task %.80s", s->def->name, id.p);
}

static status failed(
	struct stage_run *s, struct task_slot *slot, const struct err *why, int64_t *after_us, struct err *err)
{
	const struct executor_job job = job_of(s, NULL);
	TRY(task_finished(s, slot, why, err));
	if (executor_tries_again(&job, slot, why, (int)slot->retries, after_us)) return OK;
	if (err != NULL) *err = *why;
	return why->code;
}

status flow_stage_record_task(struct stage_run *s, const struct json_node *ended, int64_t *after_us, struct err *err)
{
	struct task_slot *slot = NULL;
	struct str worker = STR("");
	struct err why;
	const struct json_node *error = json_node_get(ended, "error");
	TRY(find_slot(s, ended, &slot, err));
	if (!json_node_str(json_node_get(ended, "worker"), &worker))
		return fail(err, E_USAGE, "task %s: no worker is named", slot->spec->task_id);
	executor_slot_empty(slot);
	if (error != NULL && !error_parse(error, &why))
		return fail(err, E_USAGE, "task %s: its error has no class, code or message", slot->spec->task_id);
	if (error == NULL && err_at(err, task_result_read(json_node_get(ended, "result"), &slot->result, err),
				     slot->spec->task_id, -1, -1) != OK)
		return E_CORRUPT;
	TRY(task_started(s, slot, worker.p, err));
	*after_us = -1;
	if (error != NULL) return failed(s, slot, &why, after_us, err);
	TRY(task_finished(s, slot, NULL, err));
	slot->done = true;
	return OK;
}
