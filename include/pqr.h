/* pqr.h: PQR Lakehouse as a library (libpqr.so, pkg-config pqr). Small for now: run one task of a plan.
 *
 *	struct pqr_context *c;
 *	char *result = NULL;
 *	int code = pqr_open("./lake", &c);
 *	if (code == PQR_OK) code = pqr_task_run(c, spec, &result);
 *	if (code != PQR_OK) fprintf(stderr, "%s\n", pqr_last_error(c));
 *	pqr_free(result);
 *	pqr_close(c);
 *
 * A context is used by one thread at a time; each thread may have its own, also on the same lake. The library sets no
 * signal handler and writes nothing to standard output.
 */
#ifndef PQR_H
#define PQR_H

#if defined(__GNUC__)
#define PQR_API __attribute__((visibility("default")))
#else
#define PQR_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What a function returns: the exit status that the command `pqr` has for the same outcome. */
enum pqr_result {
	PQR_OK = 0,
	PQR_FAILED = 1,      /* input, lake or machine: pqr_last_error says what and what to do */
	PQR_USAGE = 2,       /* the caller's document or argument is wrong */
	PQR_QUALITY = 3,     /* a CRITICAL quality check failed */
	PQR_DIFFERENCE = 4,  /* an object is not what its hash says */
	PQR_UNREACHABLE = 5, /* a service stayed out of reach; the same call may succeed later */
	PQR_CANCELLED = 130,
};

struct pqr_context;

/* The version of the library, "0.1.0". Static. */
PQR_API const char *pqr_version(void);

/* Open a lake: a path or file:///path; its folder is created when missing. *out is set also on failure, so that
 * pqr_last_error can be asked, and is NULL only when there is no memory. Close it with pqr_close in either case. */
PQR_API int pqr_open(const char *lake_uri, struct pqr_context **out);
PQR_API void pqr_close(struct pqr_context *context); /* NULL is fine */

/* The error of the last call on the context, one line; "" after a call that succeeded. Valid until the next call. */
PQR_API const char *pqr_last_error(const struct pqr_context *context); /* NULL: out of memory */

/* Run one task, as `pqr task` does. spec: a task document of `pqr plan` (JSON, NUL-terminated). *result: the task's
 * result as JSON, NUL-terminated, to be freed with pqr_free; untouched on failure. */
PQR_API int pqr_task_run(struct pqr_context *context, const char *spec, char **result);

/* Free a text that this library gave; NULL is fine. */
PQR_API void pqr_free(void *text);

#ifdef __cplusplus
}
#endif

#endif
