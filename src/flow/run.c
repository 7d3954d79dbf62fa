#include "flow/run_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/thread.h"
#include "flow/manifest.h"

void run_opts_init(struct run_opts *o)
{
	*o = (struct run_opts){
		.date_from = INT32_MIN,
		.date_to = INT32_MIN,
		.emit_from = INT32_MIN,
		.as_of = INT64_MIN,
		.publish = true,
		.progress = true,
		.retry_delay_us = -1,
	};
}

/* The index of a stage's name; n_stages is "publish". */
static status stage_index(const struct workload *w, const char *name, size_t *out, struct err *err)
{
	for (size_t i = 0; i < w->n_stages; i++) {
		if (strcmp(w->stages[i].name, name) != 0) continue;
		*out = i;
		return OK;
	}
	if (strcmp(name, "publish") != 0) return fail(err, E_USAGE, "no stage %s in workload %s", name, w->name);
	*out = w->n_stages;
	return OK;
}

status flow_init(struct flow *f, const struct run_opts *o, struct err *err)
{
	ASSERT(o->workload != NULL && o->workload->n_stages > 0 && o->workload->n_stages < RUN_STAGES_MAX);
	size_t unused;
	*f = (struct flow){.o = o, .w = o->workload, .lake = o->lake, .control = o->control};
	f->threads = o->threads > 0 ? o->threads : thread_cores();
	arena_init(&f->arena, 0);
	f->inputs.arena = &f->arena;
	buf_init(&f->config_text, 0);
	f->versions = ARENA_NEW(&f->arena, int64_t, f->w->n_tables + 1);
	if (f->versions == NULL) return fail_nomem(err);
	for (size_t i = 0; i < f->w->n_tables; i++) f->versions[i] = -1;
	if (o->until != NULL) TRY(stage_index(f->w, o->until, &unused, err));
	if (o->only != NULL) TRY(stage_index(f->w, o->only, &unused, err));
	if (o->until != NULL && o->only != NULL)
		return fail(err, E_USAGE, "a run goes until a stage or does only one, not both");
	return OK;
}

void flow_deinit(struct flow *f)
{
	executor_close(f->executor);
	if (f->config_own != NULL) f->w->config_close(f->config_own);
	buf_deinit(&f->config_text);
	arena_deinit(&f->arena);
}

/* ---- where the run stands -------------------------------------------------------------------------------------------- */

struct standing {
	bool exists;
	struct control_run run;
	size_t target;    /* last stage wanted; n_stages = publish */
	bool checks_lost; /* of a committed stage */
	bool tables;      /* every table of a committed stage has its Delta log */
};

static status count_row(void *arg, const struct control_value *values, size_t n, struct err *err)
{
	(void)values;
	(void)n;
	(void)err;
	++*(int64_t *)arg;
	return OK;
}

/* Has the control plane a check of this stage? Every stage that checks at all records one at least. */
static status has_checks(struct flow *f, size_t stage, bool *out, struct err *err)
{
	int64_t rows = 0;
	const char *params[] = {f->info.run_id, f->w->stages[stage].name};
	const struct control_select q = {
		"SELECT layer FROM meta.quality_checks WHERE run_id = $1 AND layer = $2 LIMIT 1", params, 2};
	TRY(control_query(f->control, &q, count_row, &rows, err));
	*out = rows > 0 || f->w->stages[stage].check == NULL;
	return OK;
}

static status stand(struct flow *f, struct standing *s, struct err *err)
{
	*s = (struct standing){.target = f->o->publish ? f->w->n_stages : f->w->n_stages - 1};
	const status found = control_run_get(f->control, f->info.run_id, &f->arena, &s->run, err);
	if (found != E_NOT_FOUND) TRY(found);
	s->exists = found == OK;
	if (s->exists && s->run.spec != NULL) TRY(flow_spec_check(f, str_of(s->run.spec), err));
	TRY(flow_commits_load(f, err));
	TRY(flow_tables_exist(f, &s->tables, err));
	struct control_stage published;
	const status seen = control_stage_get(f->control, f->info.run_id, "publish", &published, err);
	if (seen != E_NOT_FOUND) TRY(seen);
	f->published = seen == OK;
	for (size_t k = 0; k < f->n_committed && !s->checks_lost; k++) {
		bool has = false;
		TRY(has_checks(f, k, &has, err));
		s->checks_lost = !has;
	}
	if (f->o->until != NULL) {
		size_t until = 0;
		TRY(stage_index(f->w, f->o->until, &until, err));
		if (until < s->target) s->target = until;
	}
	if (f->o->only == NULL) return OK;
	TRY(stage_index(f->w, f->o->only, &s->target, err));
	if (f->n_committed < s->target)
		return fail(err, E_NOT_FOUND, "stage %s of run %s needs stage %s first: pqr %s --run-id %s", f->o->only,
			f->info.run_id, f->w->stages[f->n_committed].name, f->w->stages[f->n_committed].name,
			f->info.run_id);
	return OK;
}

static bool nothing_left(const struct flow *f, const struct standing *s)
{
	const bool stages_done = f->n_committed > (s->target < f->w->n_stages ? s->target : f->w->n_stages - 1);
	if (!s->exists || !stages_done || s->checks_lost || !s->tables) return false;
	if (s->target == f->w->n_stages && (!f->published || f->o->only != NULL))
		return false; /* publish alone publishes again */
	const bool whole = s->target + 1 >= f->w->n_stages;
	return s->run.status == RUN_SUCCESS || s->run.status == RUN_DEGRADED ||
	       (!whole && s->run.status == RUN_PENDING);
}

/* A kill between the lake's commit and its record, or a lost control plane, leaves no record: it is made again. The checks too: a
 * DEGRADED run must not come back as SUCCESS. */
static status record_again(struct flow *f, size_t stage, bool recorded, const struct stage_report *r, struct err *err)
{
	bool checked = false;
	if (recorded) TRY(has_checks(f, stage, &checked, err));
	if (!checked) TRY(flow_stage_check(f, &f->commits[stage], stage, err));
	return recorded ? OK : flow_stage_record(f, stage, r, err);
}

/* Stages done before this call, with the numbers of then. */
static status report_earlier(struct flow *f, bool record, struct err *err)
{
	for (size_t k = 0; k < f->n_committed; k++) {
		struct stage_report *r = flow_report_stage(f, f->w->stages[k].name);
		struct control_stage s;
		const status found = control_stage_get(f->control, f->info.run_id, r->name, &s, err);
		r->done = r->skipped = true;
		r->n_tasks = f->commits[k].n_tasks;
		r->rows_in = counter_get(&f->counters[k], "rows_in");
		r->rows_out = counter_get(&f->counters[k], "rows_out");
		r->bytes_in = counter_get(&f->counters[k], "bytes_in");
		r->bytes_out = counter_get(&f->counters[k], "bytes_out");
		if (found != E_NOT_FOUND) TRY(found);
		if (found == OK) r->us = s.us;
		if (record) TRY(record_again(f, k, found == OK, r, err));
	}
	return OK;
}

static status report_published(struct flow *f, struct err *err)
{
	struct control_stage s;
	if (!f->published) return OK;
	struct stage_report *r = flow_report_stage(f, "publish");
	TRY(control_stage_get(f->control, f->info.run_id, "publish", &s, err));
	r->done = r->skipped = true;
	r->n_tasks = s.n_tasks;
	r->us = s.us;
	r->rows_in = s.rows_in;
	r->rows_out = s.rows_out;
	r->bytes_in = s.bytes_in;
	r->bytes_out = s.bytes_out;
	return OK;
}

/* ---- begin and finish ------------------------------------------------------------------------------------------------ */

static status begin(struct flow *f, struct err *err)
{
	struct buf spec;
	struct control_run run;
	char user[32];
	control_run_init(&run);
	buf_init(&spec, 0);
	flow_spec_json(f, &spec);
	buf_char(&spec, '\0');
	const char *name = f->o->executed_by != NULL ? f->o->executed_by : getenv("USER");
	(void)snprintf(user, sizeof user, "uid %ld", (long)getuid());
	run.run_id = f->info.run_id;
	run.workload = f->w->name;
	run.seed = f->info.seed;
	run.config_hash = f->info.config_hash;
	run.version = PQR_VERSION;
#ifdef PQR_GIT_SHA
	run.git_sha = PQR_GIT_SHA;
#endif
	run.date_min = f->info.date_from;
	run.date_max = f->info.date_to;
	run.as_of = f->info.as_of;
	run.started_at = time_now_us();
	run.executor = f->o->executor != NULL ? f->o->executor : "threads";
	run.executed_by = name != NULL && name[0] != '\0' ? name : user;
	run.spec = (const char *)spec.p;
	status code = buf_check(&spec, err);
	if (code == OK) code = control_run_begin(f->control, &f->lease, &run, err);
	buf_deinit(&spec);
	return code;
}

static int64_t rows_of_layer(const struct run_report *r, const char *layer)
{
	int64_t sum = 0;
	const size_t n = strlen(layer);
	for (size_t i = 0; i < r->rows.n; i++) {
		if (strncmp(r->rows.items[i].name, layer, n) == 0 && r->rows.items[i].name[n] == '.')
			sum += r->rows.items[i].value;
	}
	return sum;
}

/* SHA-256 of manifest.json as it stands in the lake. */
static void manifest_hash(const struct flow *f, char hex[HEX_SHA256_CHARS + 1])
{
	uint8_t hash[SHA256_BYTES];
	struct buf text;
	buf_init(&text, 0);
	manifest_json(&text, &f->commits[0]);
	hash_sha256(text.p, text.n, hash);
	hex_encode(hash, sizeof hash, hex);
	buf_deinit(&text);
}

static status finish(struct flow *f, enum run_status end, struct err *err)
{
	struct run_report *r = f->report;
	struct control_run run;
	char hex[HEX_SHA256_CHARS + 1];
	int64_t quality[3] = {0};
	flow_report_totals(f);
	TRY(control_quality_counts(f->control, f->info.run_id, quality, err));
	r->quality_pass = quality[0];
	r->quality_warn = quality[1];
	r->quality_fail = quality[2];
	if (end == RUN_SUCCESS && r->quality_warn > 0) end = RUN_DEGRADED;
	control_run_init(&run);
	run.run_id = f->info.run_id;
	run.status = end;
	run.finished_at = time_now_us();
	run.as_of = f->info.as_of;
	run.date_min = f->info.date_from;
	run.date_max = f->info.date_to;
	if (f->n_committed > 0) {
		manifest_hash(f, hex);
		run.manifest_sha256 = hex;
		run.raw_objects = (int64_t)f->files[0].n;
		run.raw_rows = r->rows_raw;
	}
	if (f->n_committed > 1) {
		run.bronze_rows = r->rows_bronze;
		run.rejected_rows = r->rows_rejected;
	}
	if (f->n_committed > 2) run.silver_rows = rows_of_layer(r, "silver");
	if (f->n_committed > 3) run.gold_rows = rows_of_layer(r, "gold");
	TRY(control_run_update(f->control, &f->lease, &run, err));
	r->status = end;
	return OK;
}

/* ---- the stages ------------------------------------------------------------------------------------------------------ */

static void say_done(const struct flow *f, const char *name)
{
	char rows[24], seconds[32];
	if (f->o->quiet) return;
	const struct stage_report *r = flow_report_stage((struct flow *)(uintptr_t)f, name);
	(void)snprintf(rows, sizeof rows, "%lld", (long long)r->rows_out);
	(void)snprintf(seconds, sizeof seconds, "%.2f", (double)r->us / 1e6);
	log_line(LOG_INFO, "stage done", "stage", name, "rows", rows, "seconds", seconds, NULL);
}

static status tidy(struct flow *f, struct err *err)
{
	int64_t removed = 0;
	TRY(store_sweep(f->lake, "", &removed, err));
	for (size_t k = 0; k < f->n_committed; k++) TRY(flow_left_overs_remove(f, &f->commits[k], err));
	return OK;
}

static status go(struct flow *f, const struct standing *s, struct err *err)
{
	TRY(flow_config_put(f, err));
	for (size_t k = 0; k < f->n_committed; k++) TRY(flow_tables_commit(f, &f->commits[k], true, err));
	TRY(report_earlier(f, true, err));
	TRY(flow_manifest_put(f, err)); /* a kill may have come between a commit and these */
	if (f->again) TRY(tidy(f, err));
	while (f->n_committed < f->w->n_stages && f->n_committed <= s->target) {
		const char *name = f->w->stages[f->n_committed].name;
		TRY(cancel_check(err));
		TRY(flow_stage_run(f, f->n_committed, err));
		say_done(f, name);
	}
	if (s->target < f->w->n_stages) return OK;
	if (f->published && f->o->only == NULL) return report_published(f, err);
	TRY(cancel_check(err));
	TRY(flow_publish(f, err));
	say_done(f, "publish");
	return OK;
}

static status run_begun(struct flow *f, const struct standing *s, struct err *err)
{
	struct err later;
	TRY(control_heartbeat_start(f->control, &f->lease, &f->heartbeat, err));
	progress_start(&f->progress, f->o->progress && !f->o->quiet);
	const status code = go(f, s, err);
	status synced = code == OK ? store_sync(f->lake, err) : OK;
	progress_stop(&f->progress);
	if (code == OK && synced == OK) {
		const bool whole = f->n_committed == f->w->n_stages;
		synced = finish(f, whole ? RUN_SUCCESS : RUN_PENDING, err);
	} else {
		/* Interrupted is no failure: it waits to be resumed. A lost lease leaves the status to the new holder. */
		err_clear(&later);
		if (finish(f, code == E_CANCELLED ? RUN_PENDING : RUN_FAILED, &later) != OK && later.code != E_BUSY)
			log_line(LOG_WARN, "cannot record the run's end", "error", later.message, NULL);
	}
	control_heartbeat_stop(f->heartbeat);
	f->heartbeat = NULL;
	return code != OK ? code : synced;
}

static status report_nothing(struct flow *f, const struct standing *s, struct err *err)
{
	int64_t quality[3] = {0};
	struct run_report *r = f->report;
	TRY(report_earlier(f, false, err));
	TRY(report_published(f, err));
	TRY(control_quality_counts(f->control, f->info.run_id, quality, err));
	flow_report_totals(f);
	r->quality_pass = quality[0];
	r->quality_warn = quality[1];
	r->quality_fail = quality[2];
	r->status = s->run.status;
	r->nothing_to_do = true;
	return OK;
}

static status run_leased(struct flow *f, struct err *err)
{
	struct standing s;
	TRY(stand(f, &s, err));
	if (nothing_left(f, &s)) return report_nothing(f, &s, err);
	f->again = s.exists || f->n_committed > 0;
	TRY(begin(f, err));
	f->report->status = RUN_RUNNING;
	return run_begun(f, &s, err);
}

static status run_identified(struct flow *f, struct err *err)
{
	struct err later;
	TRY(executor_open(f->o->executor != NULL ? f->o->executor : "threads", f->threads, &f->executor, err));
	TRY(flow_identify(f, err));
	memcpy(f->report->run_id, f->info.run_id, sizeof f->report->run_id);
	control_lease_init(&f->lease, f->info.run_id);
	TRY(control_lease_acquire(f->control, &f->lease, time_now_us(), err));
	const status code = run_leased(f, err);
	err_clear(&later);
	if (control_lease_release(f->control, &f->lease, &later) != OK)
		log_line(LOG_WARN, "cannot release the run's lease", "error", later.message, NULL);
	return code;
}

status flow_run(const struct run_opts *o, struct run_report *r, struct err *err)
{
	struct flow f;
	ASSERT(o->lake != NULL && o->control != NULL);
	status code = flow_init(&f, o, err);
	f.report = r;
	r->workload = o->workload->name;
	r->lake = arena_strndup(&r->arena, store_uri(o->lake), strlen(store_uri(o->lake)));
	if (code == OK) code = run_identified(&f, err);
	flow_deinit(&f);
	return code;
}

status run_opts_check(const struct run_opts *o, struct err *err)
{
	struct flow f;
	status code = flow_init(&f, o, err);
	if (code == OK) code = executor_open(o->executor != NULL ? o->executor : "threads", 1, &f.executor, err);
	if (code == OK && o->config.n > 0) code = flow_options_take(&f, err);
	flow_deinit(&f);
	return code;
}
