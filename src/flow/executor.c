/* flow/executor.c: which executor a name means. Where a task runs is the executor's; what it does, and where results are kept, is the
 * caller's. */
#include "flow/executor_int.h"

static bool starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool executor_known(const char *name)
{
	if (strcmp(name, "threads") == 0) return true;
	if (starts_with(name, "dask://")) return strchr(name + 7, ':') != NULL;
	if (starts_with(name, "spark://")) return name[8] != '\0';
	if (!starts_with(name, "spark-local[")) return false;
	const size_t digits = strspn(name + 12, "0123456789");
	return digits > 0 && strcmp(name + 12 + digits, "]") == 0;
}

status executor_open(const struct executor_opts *o, struct executor **out, struct err *err)
{
	if (!executor_known(o->name))
		return fail(err, E_USAGE,
			"executor %.80s: expected threads, dask://HOST:PORT, spark://HOST:PORT or spark-local[N]",
			o->name);
	return strcmp(o->name, "threads") == 0 ? executor_threads_open(o->threads, out, err)
					       : executor_driver_open(o, out, err);
}

void executor_close(struct executor *e)
{
	if (e != NULL) e->close(e);
}

status executor_run(struct executor *e, const struct executor_job *job, struct err *err)
{
	ASSERT(job->n == 0 || job->slots != NULL);
	ASSERT(job->retry_delay_us >= 0 && job->started != NULL && job->finished != NULL);
	return e->run(e, job, err);
}
