/* flow/state.c: the state of a run: made from its options, filled with what the lake holds of it.
 *
 * 1. A stage is committed when its commit object stands, and only in order: the first that is missing ends the list.
 * 2. What is believed is checked first: the object is that of this run and stage, of the bytes the control plane saw, and every
 *    file it names has its size, or was replaced by its table's log (flow/superseded.h).
 * Nothing is written here.
 */
#include <pthread.h>
#include <stdio.h>

#include "base/thread.h"
#include "flow/run_int.h"
#include "flow/superseded.h"

/* ---- from options ---------------------------------------------------------------------------------------------------- */

status flow_init(struct flow *f, const struct run_opts *o, struct err *err)
{
	ASSERT(o->workload != NULL && o->workload->n_stages > 0 && o->workload->n_stages < RUN_STAGES_MAX);
	size_t unused;
	*f = (struct flow){.o = o, .w = o->workload, .lake = o->lake, .control = o->control};
	f->threads = o->threads > 0 ? o->threads : thread_cores();
	arena_init(&f->arena, 0);
	f->id.inputs.arena = &f->arena;
	buf_init(&f->id.config_text, 0);
	f->state.versions = ARENA_NEW(&f->arena, int64_t, f->w->n_tables + 1);
	if (f->state.versions == NULL) return fail_nomem(err);
	for (size_t i = 0; i < f->w->n_tables; i++) f->state.versions[i] = -1;
	if (o->until != NULL) TRY(workload_stage_index(f->w, o->until, &unused, err));
	if (o->only != NULL) TRY(workload_stage_index(f->w, o->only, &unused, err));
	if (o->until != NULL && o->only != NULL)
		return fail(err, E_USAGE, "a run goes until a stage or does only one, not both");
	return OK;
}

void flow_deinit(struct flow *f)
{
	executor_close(f->held.executor);
	input_spools_deinit(&f->id.spools);
	if (f->id.config_own != NULL) f->w->config_close(f->id.config_own);
	buf_deinit(&f->id.config_text);
	arena_deinit(&f->arena);
}

/* ---- views ----------------------------------------------------------------------------------------------------------- */

/* What plans and checks of the first n_stages see. */
struct stage_view flow_state_view(struct flow *f, size_t n_stages)
{
	static const struct file_list none = {0};
	const struct stage_view view = {
		.run = &f->id.info,
		.config = f->id.config,
		.n_stages = n_stages,
		.files = f->state.files,
		.counters = f->state.counters,
		.events = f->state.n_committed > 0 ? &f->state.commits[0].events : NULL,
		.history = f->state.history.n_runs > 0 ? &f->state.history : NULL,
		.standing = &f->state.standing,
		.n_through = f->state.n_through,
		.lake = f->lake,
	};
	if (!flow_drops(f)) return view;
	struct stage_view opener = view;
	opener.files = f->state.shown;
	opener.history = NULL;
	opener.standing = &none;
	for (size_t i = 0; i < n_stages; i++) {
		const bool before = i + 1 < f->w->n_stages && workload_folds(f->w, f->w->stages[i + 1].name);
		f->state.shown[i] = before ? f->state.events : f->state.files[i];
	}
	return opener;
}

status flow_state_add(struct flow *f, const struct commit *c, bool replaced, struct err *err)
{
	const size_t stage = f->state.n_committed;
	ASSERT(stage < RUN_STAGES_MAX);
	f->state.commits[stage] = *c;
	f->state.files[stage] = c->files;
	f->state.counters[stage] = c->counters;
	f->state.n_committed++;
	return replaced || c->n_history > 0 ? flow_picture_files(f, c, &f->state.files[stage], err) : OK;
}

/* ---- what the lake holds ------------------------------------------------------------------------------------------ */

struct size_check {
	struct flow *f;
	const struct commit *c;
	pthread_mutex_t lock; /* guards what follows */
	struct superseded *superseded;
	bool *replaced; /* [w->n_tables] a file of it is gone, and its rows are in others */
};

static status file_check_size(void *arg, size_t i, int worker, struct err *err)
{
	struct size_check *s = arg;
	const struct file_ref *ref = &s->c->files.items[i];
	int64_t bytes = 0;
	bool replaced = false;
	(void)worker;
	const status code = store_size(s->f->lake, ref->path, &bytes, err);
	if (code == E_NOT_FOUND) {
		(void)pthread_mutex_lock(&s->lock);
		const status looked = superseded_check(s->superseded, ref, &replaced, err);
		if (looked == OK && replaced) s->replaced[workload_table_index(s->f->w, ref->table)] = true;
		(void)pthread_mutex_unlock(&s->lock);
		TRY(looked);
	}
	if (replaced) return OK;
	if (code == E_NOT_FOUND)
		return err_advise(err,
			fail_at(err, E_VERIFY, ref->path, -1, -1, "missing, though it was committed; restore it"),
			ADVICE_OR_NEW_RUN, NULL);
	TRY(code);
	if (bytes != ref->bytes)
		return fail_at(err, E_VERIFY, ref->path, bytes < ref->bytes ? bytes : ref->bytes, -1,
			"changed after it was committed: %lld bytes, was %lld", (long long)bytes,
			(long long)ref->bytes);
	return OK;
}

static status known_hash(void *arg, const struct control_value *values, size_t n, struct err *err)
{
	char *hex = arg;
	(void)err;
	if (n == 1 && values[0].kind == CONTROL_TEXT && values[0].text.n == HEX_SHA256_CHARS) {
		memcpy(hex, values[0].text.p, HEX_SHA256_CHARS);
		hex[HEX_SHA256_CHARS] = '\0';
	}
	return OK;
}

/* The commit is that of this run and stage, and the bytes the control plane saw, where it saw it. */
static status commit_check_bytes(
	struct flow *f, const char *key, const char *stage, const struct commit *c, struct err *err)
{
	char hex[HEX_SHA256_CHARS + 1] = "";
	const char *params[] = {f->id.info.run_id, stage};
	const struct control_select q = {
		"SELECT sha256 FROM meta.stage_commits WHERE run_id = $1 AND stage = $2", params, 2};
	if (strcmp(c->stage, stage) != 0 || strcmp(c->run.run_id, f->id.info.run_id) != 0)
		return commit_fail(key, "replaced by another", err);
	if (f->control != NULL) TRY(control_query(f->control, &q, known_hash, hex, err));
	return hex[0] == '\0' || strcmp(hex, c->sha256) == 0 ? OK : commit_fail(key, "changed", err);
}

static status commit_check(struct flow *f, const struct commit *c, bool *replaced, struct err *err)
{
	if (strcmp(c->run.config_hash, f->id.info.config_hash) != 0 || strcmp(c->run.workload, f->w->name) != 0)
		return err_advise(err,
			fail(err, E_CONFLICT, "run %s stands in the lake with another configuration or workload",
				f->id.info.run_id),
			ADVICE_NEW_RUN, NULL);
	struct size_check s = {.f = f, .c = c, .replaced = replaced};
	TRY(superseded_create(f->lake, f->w, f->id.info.run_id, &s.superseded, err));
	(void)pthread_mutex_init(&s.lock, NULL);
	/* On a disk one look is shorter than the start of a thread. */
	const status code = thread_for(c->files.n, store_io_threads(f->lake, 1), file_check_size, &s, err);
	(void)pthread_mutex_destroy(&s.lock);
	superseded_destroy(s.superseded);
	return code;
}

static status adopt(struct flow *f, const struct commit *c, struct err *err)
{
	bool any = false;
	bool *replaced = ARENA_ZNEW(&f->arena, bool, f->w->n_tables + 1);
	if (replaced == NULL) return fail_nomem(err);
	TRY(commit_check(f, c, replaced, err));
	for (size_t i = 0; i < f->w->n_tables; i++) any |= replaced[i];
	return flow_state_add(f, c, any, err);
}

status flow_state_load(struct flow *f, struct err *err)
{
	int32_t date;
	if (f->id.info.as_of != INT64_MIN) {
		date = flow_local_date(f, f->id.info.as_of);
	} else {
		const status found = commit_find(f->lake, f->id.info.run_id, &date, err);
		if (found == E_NOT_FOUND) return OK;
		TRY(found);
	}
	for (size_t k = 0; k < f->w->n_stages; k++) {
		char key[RUN_KEY_MAX];
		struct commit c;
		commit_key(key, date, f->id.info.run_id, f->w->stages[k].name);
		const status code = commit_load(f->lake, key, &f->arena, &c, err);
		if (code == E_NOT_FOUND) break;
		TRY(code);
		TRY(commit_check_bytes(f, key, f->w->stages[k].name, &c, err));
		TRY(adopt(f, &c, err));
		f->id.info.as_of = c.run.as_of;
		f->id.info.date_from = c.run.date_from;
		f->id.info.date_to = c.run.date_to;
	}
	return OK;
}
