/* api/api.c: the public C API: checks what comes from outside, calls the engine, keeps the last error. */
#include "api/api_int.h"

#include "app/session.h"
#include "base/alloc.h"
#include "flow/error_json.h"
#include "flow/proof.h"
#include "flow/run.h"
#include "workloads/registry.h"

const char *pqr_version(void)
{
	return PQR_VERSION;
}

const char *pqr_last_error(const struct pqr_context *context)
{
	return context != NULL ? context->error : "out of memory";
}

const char *pqr_last_error_json(struct pqr_context *context)
{
	static const char none[] =
		"{\"class\":\"fatal\",\"code\":\"E_NOMEM\",\"exit\":1,\"message\":\"out of memory\"}";
	if (context == NULL) return none;
	if (context->error[0] == '\0') return "";
	buf_reset(&context->document);
	error_json(&context->document, &context->last);
	buf_char(&context->document, '\0');
	return buf_check(&context->document, NULL) == OK ? (const char *)context->document.p : none;
}

int api_finish(struct pqr_context *context, status code, const struct err *err)
{
	ASSERT(context != NULL);
	if (code == OK) {
		context->error[0] = '\0';
	} else {
		(void)err_text(err, context->error, sizeof context->error);
		context->last = *err;
	}
	return status_exit(code);
}

int pqr_open(const char *lake_uri, struct pqr_context **out)
{
	struct err err;
	err_clear(&err);
	struct pqr_context *context = mem_zalloc(1, sizeof *context);
	*out = context;
	if (context == NULL) return PQR_FAILED;
	buf_init(&context->document, 0);
	const status code = lake_uri == NULL ? fail(&err, E_USAGE, "pqr_open: the lake's URI is NULL")
					     : session_lake_open(lake_uri, false, &context->lake, &err);
	return api_finish(context, code, &err);
}

void pqr_close(struct pqr_context *context)
{
	if (context == NULL) return;
	store_close(context->lake);
	buf_deinit(&context->document);
	mem_free(context);
}

static status run_task(struct pqr_context *context, const char *spec, char **result, struct err *err)
{
	struct buf out;
	if (spec == NULL) return fail(err, E_USAGE, "pqr_task_run: the task document is NULL");
	if (context->lake == NULL) return fail(err, E_USAGE, "pqr_task_run: the lake could not be opened");
	buf_init(&out, 0);
	status code = flow_task_run_json(&registry_workloads, context->lake, str_of(spec), &context->task, &out, err);
	atomic_store(&context->task.rows, 0);
	atomic_store(&context->task.bytes, 0);
	if (code == OK) buf_char(&out, '\0');
	if (code == OK) code = buf_check(&out, err);
	if (code != OK) {
		buf_deinit(&out);
		return code;
	}
	*result = (char *)out.p; /* a buffer's memory is of base/alloc.h, as pqr_free wants it */
	return OK;
}

int pqr_task_run(struct pqr_context *context, const char *spec, char **result)
{
	struct err err;
	if (context == NULL) return PQR_USAGE;
	err_clear(&err);
	const status code = result == NULL ? fail(&err, E_USAGE, "pqr_task_run: result is NULL")
					   : run_task(context, spec, result, &err);
	return api_finish(context, code, &err);
}

void pqr_task_progress(const struct pqr_context *context, long long *rows, long long *bytes)
{
	*rows = context != NULL ? atomic_load(&context->task.rows) : 0;
	*bytes = context != NULL ? atomic_load(&context->task.bytes) : 0;
}

static status check_proof(const struct pqr_context *context, const char *proof, struct err *err)
{
	if (proof == NULL) return fail(err, E_USAGE, "pqr_proof_check: the proof is NULL");
	if (context->lake == NULL) return fail(err, E_USAGE, "pqr_proof_check: the lake could not be opened");
	return proof_check(&registry_workloads, context->lake, str_of(proof), err);
}

int pqr_proof_check(struct pqr_context *context, const char *proof)
{
	struct err err;
	if (context == NULL) return PQR_USAGE;
	err_clear(&err);
	const status code = check_proof(context, proof, &err);
	return api_finish(context, code, &err);
}

void pqr_free(void *text)
{
	mem_free(text);
}
