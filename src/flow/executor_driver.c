/* flow/executor_driver.c: tasks of a stage by a driver process, which hands them to an engine: `python -m pqr_lakehouse.executor NAME URI`.
 *
 *	to the driver     {"hello":{"proof":{},"lake":"","run_id":"","silence_seconds":120,"forward_credentials":false}}
 *	                  {"run":{"id":3,"attempt":0,"task":{a task document}}} ...           the end of its input: stop
 *	from the driver   {"ready":{"engine":"dask 2026.8.0, 2 workers"}}                   once
 *	                  {"alive":{}}                                                      at least once in a third of the silence
 *	                  {"started":{"id":3,"attempt":0,"worker":"tcp://..."}}             may be left out
 *	                  {"progress":{"id":3,"attempt":0,"worker":"tcp://...","rows":1,"bytes":1}}   may be left out
 *	                  {"done":{"id":3,"attempt":0,"worker":"tcp://...","result":{}}}
 *	                  {"failed":{"id":3,"attempt":0,"worker":"tcp://...","error":{}}}
 *	                  {"lost":{an error}}                                               the engine; nothing more can be run
 *
 * 1. A line that is none of these, names a task that does not run, or gives what is no result ends the job: E_UNREACHABLE, for another
 *    start may do better. What was done before stays done.
 * 2. When a task is tried again, and after how long, is decided here, as for threads. The engine only moves tasks whose worker was lost.
 * 3. No document holds a secret or names the control plane: a worker needs neither. The driver has the caller's environment.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/thread.h"
#include "flow/driver.h"
#include "flow/error_json.h"
#include "flow/executor_int.h"
#include "flow/proof.h"
#include "flow/task_json.h"

enum { RECEIVE_US = 50000, STOP_GRACE_US = 5000000 };
#define SILENCE_DEFAULT_US (INT64_C(120) * 1000000)

struct driven {
	struct executor executor; /* first */
	struct executor_opts opts;
	struct driver *driver; /* NULL until the first job that has anything to run */
	struct store *lake;    /* where the proof's object stands */
	struct proof proof;
	int64_t heard_at;
	int64_t n_before; /* tasks of jobs before this one: their ids, of which a driver may tell again, are below */
	bool broken;      /* it did wrong: it is not asked to end, but ended */
};

/* A slot while it is not done. */
struct flight {
	int attempt;
	bool out, started;   /* at the driver; written down */
	int64_t due;         /* not out: when it is to be sent */
	int64_t rows, bytes; /* of its progress, as far as they were told */
};
struct flights {
	struct driven *e;
	const struct executor_job *job;
	struct flight *items; /* [job->n] */
	size_t left;
};

/* ---- the process -------------------------------------------------------------------------------------------------------- */

/* "dask", of "dask://host:1". */
static void engine_of(const char *name, char dst[16])
{
	const size_t n = strcspn(name, ":-");
	(void)snprintf(dst, 16, "%.*s", (int)(n < 15 ? n : 15), name);
}

static status lost(struct driven *e, const char *what, const char *why, struct err *err)
{
	e->broken = true;
	const status code = fail(err, E_UNREACHABLE, "executor %s: %s%s%s; run it again, and it goes on where it was",
		e->opts.name, what, why[0] != '\0' ? ": " : "", why);
	err_set_class(err, ERR_FATAL); /* nothing here tries it again */
	return code;
}

static status gone(struct driven *e, bool ready, const char *python, const struct err *why, struct err *err)
{
	char engine[16], what[256];
	if (ready) return lost(e, "its driver ended", why->message, err);
	engine_of(e->opts.name, engine);
	(void)snprintf(what, sizeof what,
		"its driver did not start (Python package missing? pip install 'pqr_lakehouse[%s]' for %.80s, or name "
		"another Python in PQR_PYTHON)",
		engine, python);
	return lost(e, what, why->message, err);
}

static const char *python(void)
{
	const char *named = getenv("PQR_PYTHON");
	return named != NULL && named[0] != '\0' ? named : "python3";
}

static status send_hello(struct driven *e, const struct executor_job *job, struct err *err)
{
	struct buf text;
	TRY(proof_make(e->lake, job->workload, job->env->run->run_id, &e->proof, err));
	buf_init(&text, 0);
	buf_printf(&text,
		"{\"hello\":{\"forward_credentials\":%s,\"lake\":", e->opts.forward_credentials ? "true" : "false");
	buf_json_str(&text, str_of(store_uri(e->lake)));
	buf_printf(&text, ",\"proof\":%s,\"run_id\":\"%s\",\"silence_seconds\":%lld}}\n", e->proof.text,
		job->env->run->run_id, (long long)((e->opts.silence_us + 999999) / 1000000));
	status code = buf_check(&text, err);
	if (code == OK) code = driver_send(e->driver, &text, err);
	buf_deinit(&text);
	return code;
}

/* One line, or none while the driver is silent, which it may not be for too long. */
static status receive(struct driven *e, bool ready, int64_t wait_us, struct str *line, struct err *err)
{
	struct err why;
	err_clear(&why);
	const status code = driver_receive(e->driver, wait_us, line, &why);
	if (code == E_CORRUPT) return lost(e, "its driver answered nonsense", why.message, err);
	if (code != OK) return gone(e, ready, python(), &why, err);
	const int64_t now = time_mono_us();
	if (line->p != NULL) e->heard_at = now;
	if (now - e->heard_at <= e->opts.silence_us) return OK;
	char text[64];
	(void)snprintf(text, sizeof text, "nothing for %lld s", (long long)(e->opts.silence_us / 1000000));
	return lost(e, "its driver is silent", text, err);
}

static status nonsense(struct driven *e, struct str line, struct err *err)
{
	char text[96];
	(void)snprintf(text, sizeof text, "%.*s", (int)(line.n < 80 ? line.n : 80), line.p);
	return lost(e, "its driver answered nonsense", text, err);
}

static status engine_lost(const struct json_node *error, struct driven *e, struct str line, struct err *err)
{
	struct err why;
	if (!error_parse(error, &why)) return nonsense(e, line, err);
	if (why.code == E_UNREACHABLE) return lost(e, why.message, "", err);
	return fail(err, why.code, "executor %s: %s", e->opts.name, why.message);
}

static status hear_ready(struct driven *e, struct str line, bool *ready, struct err *err)
{
	struct json_doc *doc = NULL;
	struct str engine;
	if (json_doc_parse(line, &doc, NULL) != OK) return nonsense(e, line, err);
	const struct json_node *root = json_doc_root(doc), *error = json_node_get(root, "lost");
	status code = OK;
	*ready = json_node_str(json_node_get(json_node_get(root, "ready"), "engine"), &engine);
	if (*ready)
		log_line(LOG_INFO, "executor ready", "executor", e->opts.name, "engine", engine.p, NULL);
	else if (error != NULL)
		code = engine_lost(error, e, line, err);
	else if (json_node_get(root, "alive") == NULL)
		code = nonsense(e, line, err);
	json_doc_destroy(doc);
	return code;
}

static status wait_ready(struct driven *e, struct err *err)
{
	struct str line;
	for (bool ready = false; !ready;) {
		TRY(cancel_check(err));
		TRY(receive(e, false, RECEIVE_US, &line, err));
		if (line.p != NULL) TRY(hear_ready(e, line, &ready, err));
	}
	return OK;
}

static status start(struct driven *e, const struct executor_job *job, struct err *err)
{
	char engine[16];
	engine_of(e->opts.name, engine);
	const char *const argv[] = {python(), "-m", "pqr_lakehouse.executor", engine, e->opts.name, NULL};
	e->heard_at = time_mono_us();
	e->lake = job->env->lake;
	const status code = driver_start(argv, &e->driver, err);
	if (code == E_NOT_FOUND)
		return fail(err, E_NOT_FOUND, "executor %s: no %s here; name a Python in PQR_PYTHON", e->opts.name,
			argv[0]);
	TRY(code);
	TRY(send_hello(e, job, err));
	return wait_ready(e, err);
}

static void driven_close(struct executor *executor)
{
	struct driven *e = (struct driven *)executor;
	driver_stop(e->driver, e->broken ? 0 : STOP_GRACE_US);
	proof_remove(e->lake, &e->proof);
	mem_free(e);
}

/* ---- tasks -------------------------------------------------------------------------------------------------------------- */

static status send_task(struct flights *f, size_t i, struct err *err)
{
	struct buf text;
	struct flight *flight = &f->items[i];
	executor_slot_empty(&f->job->slots[i]);
	buf_init(&text, 0);
	buf_printf(&text, "{\"run\":{\"attempt\":%d,\"id\":%lld,\"task\":", flight->attempt,
		(long long)(f->e->n_before + (int64_t)i));
	task_document_json(&text, f->job->env->run, f->job->slots[i].spec);
	buf_str(&text, "}}\n");
	status code = buf_check(&text, err);
	if (code == OK) code = driver_send(f->e->driver, &text, err);
	buf_deinit(&text);
	flight->out = code == OK;
	flight->started = false;
	return code;
}

/* Those that wait and are due; *wait_us: until the next one is. */
static status send_due(struct flights *f, int64_t *wait_us, struct err *err)
{
	const int64_t now = time_mono_us();
	*wait_us = RECEIVE_US;
	for (size_t i = 0; i < f->job->n; i++) {
		const struct flight *flight = &f->items[i];
		if (f->job->slots[i].done || flight->out) continue;
		if (flight->due <= now)
			TRY(send_task(f, i, err));
		else if (flight->due - now < *wait_us)
			*wait_us = flight->due - now;
	}
	return OK;
}

/* A worker tells that it begins, or its result does. */
static status flight_started(struct flights *f, size_t i, const char *worker, struct err *err)
{
	if (f->items[i].started) return OK;
	f->items[i].started = true;
	return f->job->started(f->job->arg, &f->job->slots[i], worker, err);
}

/* Begun again: the engine lost the worker that had begun it, which may have left files. */
static status flight_begins(struct flights *f, size_t i, const char *worker, struct err *err)
{
	if (!f->items[i].started) return flight_started(f, i, worker, err);
	f->job->slots[i].retries++;
	log_line(LOG_WARN, "task moved to another worker", "task", f->job->slots[i].spec->task_id, "worker", worker,
		NULL);
	return OK;
}

static status flight_failed(struct flights *f, size_t i, const struct err *why, struct err *err)
{
	struct flight *flight = &f->items[i];
	int64_t after_us;
	flight->out = false;
	executor_slot_empty(&f->job->slots[i]);
	TRY(f->job->finished(f->job->arg, &f->job->slots[i], why, err));
	if (executor_tries_again(f->job, &f->job->slots[i], why, flight->attempt, &after_us)) {
		flight->attempt++;
		flight->due = time_mono_us() + after_us;
		return OK;
	}
	if (err != NULL) *err = *why;
	return why->code;
}

/* What it has read, where that is more than was told: an attempt may begin again. */
static void flight_goes(struct flights *f, size_t i, int64_t rows, int64_t bytes)
{
	struct flight *flight = &f->items[i];
	if (rows < flight->rows) rows = flight->rows;
	if (bytes < flight->bytes) bytes = flight->bytes;
	task_progress(f->job->env, rows - flight->rows, bytes - flight->bytes);
	flight->rows = rows;
	flight->bytes = bytes;
}

static status flight_done(struct flights *f, size_t i, struct err *err)
{
	struct task_slot *slot = &f->job->slots[i];
	TRY(f->job->finished(f->job->arg, slot, NULL, err));
	flight_goes(
		f, i, counter_get(&slot->result.counters, "rows_in"), counter_get(&slot->result.counters, "bytes_in"));
	slot->done = true;
	f->items[i].out = false;
	f->left--;
	return OK;
}

struct told {
	const char *what; /* "done" */
	const struct json_node *body;
	int64_t id, attempt;
	struct str worker;
};

static bool told_parse(const struct flights *f, const struct json_node *root, struct told *out)
{
	static const char *const kinds[] = {"started", "progress", "done", "failed"};
	const size_t n_kinds = sizeof kinds / sizeof *kinds;
	size_t k = 0;
	out->body = NULL;
	while (k < n_kinds && (out->body = json_node_get(root, kinds[k])) == NULL) k++;
	if (k == n_kinds || !json_node_i64(json_node_get(out->body, "id"), &out->id) ||
		!json_node_i64(json_node_get(out->body, "attempt"), &out->attempt) ||
		!json_node_str(json_node_get(out->body, "worker"), &out->worker))
		return false;
	out->what = kinds[k];
	const int64_t i = out->id - f->e->n_before;
	return out->id >= 0 && i < (int64_t)f->job->n && out->attempt >= 0 &&
	       (i < 0 || out->attempt <= f->items[i].attempt);
}

static status hear_told(struct flights *f, const struct told *t, struct str line, struct err *err)
{
	struct err why;
	if (t->id < f->e->n_before) return OK; /* an engine may tell twice of a task that it ran twice */
	const size_t i = (size_t)(t->id - f->e->n_before);
	if (!f->items[i].out || t->attempt != f->items[i].attempt) return OK;
	if (strcmp(t->what, "started") == 0) return flight_begins(f, i, t->worker.p, err);
	if (strcmp(t->what, "progress") == 0) {
		int64_t rows, bytes;
		if (!json_node_i64(json_node_get(t->body, "rows"), &rows) || rows < 0 ||
			!json_node_i64(json_node_get(t->body, "bytes"), &bytes) || bytes < 0)
			return nonsense(f->e, line, err);
		flight_goes(f, i, rows, bytes);
		return OK;
	}
	if (strcmp(t->what, "failed") == 0) {
		if (!error_parse(json_node_get(t->body, "error"), &why)) return nonsense(f->e, line, err);
		TRY(flight_started(f, i, t->worker.p, err));
		return flight_failed(f, i, &why, err);
	}
	executor_slot_empty(&f->job->slots[i]);
	if (task_result_read(json_node_get(t->body, "result"), &f->job->slots[i].result, NULL) != OK)
		return nonsense(f->e, line, err);
	TRY(flight_started(f, i, t->worker.p, err));
	return flight_done(f, i, err);
}

static status hear(struct flights *f, struct str line, struct err *err)
{
	struct json_doc *doc = NULL;
	struct told t;
	if (json_doc_parse(line, &doc, NULL) != OK) return nonsense(f->e, line, err);
	const struct json_node *root = json_doc_root(doc);
	status code = OK;
	if (json_node_get(root, "lost") != NULL)
		code = engine_lost(json_node_get(root, "lost"), f->e, line, err);
	else if (told_parse(f, root, &t))
		code = hear_told(f, &t, line, err);
	else if (json_node_get(root, "alive") == NULL)
		code = nonsense(f->e, line, err);
	json_doc_destroy(doc);
	return code;
}

static status fly(struct flights *f, struct err *err)
{
	struct str line;
	int64_t wait_us;
	if (f->left == 0) return OK;
	if (f->e->driver == NULL) TRY(start(f->e, f->job, err));
	f->e->heard_at = time_mono_us(); /* between stages nobody listens */
	while (f->left > 0) {
		TRY(cancel_check(err));
		TRY(send_due(f, &wait_us, err));
		TRY(receive(f->e, true, wait_us, &line, err));
		if (line.p != NULL) TRY(hear(f, line, err));
	}
	return OK;
}

static status run_by_driver(struct executor *executor, const struct executor_job *job, struct err *err)
{
	struct flights f = {.e = (struct driven *)executor, .job = job};
	ASSERT(job->workload != NULL && job->env->lake != NULL);
	f.items = mem_zalloc(job->n + 1, sizeof *f.items);
	if (f.items == NULL) return fail_nomem(err);
	for (size_t i = 0; i < job->n; i++) f.left += !job->slots[i].done;
	const status code = fly(&f, err);
	f.e->n_before += (int64_t)job->n;
	mem_free(f.items);
	return code;
}

status executor_driver_open(const struct executor_opts *o, struct executor **out, struct err *err)
{
	struct driven *e = mem_zalloc(1, sizeof *e);
	if (e == NULL) return fail_nomem(err);
	e->executor = (struct executor){run_by_driver, driven_close};
	e->opts = *o;
	if (e->opts.silence_us == 0) e->opts.silence_us = SILENCE_DEFAULT_US;
	*out = &e->executor;
	return OK;
}
