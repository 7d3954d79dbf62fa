/* pqrs/ingest/ingest_plan.c: inputs of an ingested run: the files in order (folders were listed by flow), and the check that
 * every line landed. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pqrs/ingest/ingest_int.h"
#include "flow/quality.h"

status ingest_file_open(const char *path, struct ingest_file *out, struct err *err)
{
	struct stat st;
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe without a writer must not hang */
	if (fd < 0) return fail_errno_read(err, errno, "cannot read input %s", path);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		(void)close(fd);
		return fail(err, E_USAGE, "input %s is no file: write it to a file first", path);
	}
	*out = (struct ingest_file){fd, path, (int64_t)st.st_size};
	return OK;
}

void ingest_file_close(struct ingest_file *f)
{
	(void)close(f->fd);
}

static status file_read(void *ctx, int64_t offset, void *dst, size_t n, struct err *err)
{
	const struct ingest_file *f = ctx;
	for (size_t done = 0; done < n;) {
		const ssize_t got = pread(f->fd, (char *)dst + done, n - done, (off_t)(offset + (int64_t)done));
		if (got < 0 && errno == EINTR) continue;
		if (got < 0) return fail_errno_read(err, errno, "cannot read input %s", f->path);
		if (got == 0) return fail(err, E_VERIFY, "input %s became shorter while it was read", f->path);
		done += (size_t)got;
	}
	return OK;
}

struct line_source ingest_file_source(struct ingest_file *f)
{
	return (struct line_source){file_read, f, f->bytes};
}

/* Opened here too, so that a plan names what cannot be read; the hashes are the run's. */
static status file_add(const struct file_ref *given, struct file_list *out, struct err *err)
{
	struct file_ref ref = *given;
	struct ingest_file f = {.fd = -1};
	TRY(ingest_file_open(given->path, &f, err));
	ref.table = "input";
	ref.bytes = f.bytes;
	ingest_file_close(&f);
	return file_list_add(out, &ref) ? OK : fail_nomem(err);
}

status pqrs_ingest_plan(
	const struct stage_view *view, const struct file_list *inputs, struct task_list *out, struct err *err)
{
	(void)view;
	if (inputs == NULL || inputs->n == 0) return fail(err, E_USAGE, "no input to ingest: name at least one file");
	struct task_spec *task = task_list_add(out);
	if (task == NULL) return fail_nomem(err);
	task->stage = "raw";
	task->task_id = "raw-0000";
	for (size_t i = 0; i < inputs->n; i++) TRY(file_add(&inputs->items[i], &task->inputs, err));
	task->hi = (int64_t)task->inputs.n;
	return OK;
}

status pqrs_ingest_check(const struct stage_view *view, struct quality_list *out, struct err *err)
{
	ASSERT(view->n_stages >= 1);
	const int64_t in = counter_get(&view->counters[0], "rows_in"),
		      landed = counter_get(&view->counters[0], "rows_out");
	int64_t stored = 0;
	for (size_t i = 0; i < view->files[0].n; i++) stored += view->files[0].items[i].rows;
	const struct quality q = {.dataset = "raw.pqrs",
		.check_name = "every_line_landed",
		.severity = QUALITY_CRITICAL,
		.details = "lines of the raw objects = lines of the inputs, blank ones left out",
		.record_count = in};
	return quality_add_numbers(out, in == landed && landed == stored, q, stored, in) ? OK : fail_nomem(err);
}
