/* Inputs of an ingested run: which files, what they hash to, and the check that every line landed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "pqrs/ingest_int.h"

enum { READ_BYTES = 1 << 20 };

status ingest_file_open(const char *path, struct ingest_file *out, struct err *err)
{
	struct stat st;
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe without a writer must not hang */
	if (fd < 0) return fail_errno(err, errno, "cannot read input %s", path);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		(void)close(fd);
		return fail(err, E_USAGE, "input %s is neither a file nor a folder: write it to a file first", path);
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
		if (got < 0) return fail_errno(err, errno, "cannot read input %s", f->path);
		if (got == 0) return fail(err, E_VERIFY, "input %s became shorter while it was read", f->path);
		done += (size_t)got;
	}
	return OK;
}

struct raw_source ingest_file_source(struct ingest_file *f)
{
	return (struct raw_source){file_read, f, f->bytes};
}

static status file_hash(struct ingest_file *f, struct file_ref *ref, struct err *err)
{
	struct hash_stream h;
	char *chunk = mem_alloc(READ_BYTES);
	if (chunk == NULL) return fail(err, E_NOMEM, "out of memory reading %s", f->path);
	status code = hash_stream_init(&h, true, err);
	for (int64_t at = 0; code == OK && at < f->bytes;) {
		const size_t n = f->bytes - at < READ_BYTES ? (size_t)(f->bytes - at) : READ_BYTES;
		code = cancel_check(err);
		if (code == OK) code = file_read(f, at, chunk, n, err);
		if (code == OK) hash_stream_add(&h, chunk, n);
		at += (int64_t)n;
	}
	if (code == OK) hash_stream_final(&h, ref->xxh128, ref->sha256);
	hash_stream_deinit(&h);
	mem_free(chunk);
	return code;
}

/* One file, hashed unless its caller did that already. */
static status file_add(const struct file_ref *given, struct file_list *out, struct err *err)
{
	static const uint8_t unknown[SHA256_BYTES] = {0};
	struct file_ref ref = *given;
	struct ingest_file f;
	TRY(ingest_file_open(given->path, &f, err));
	status code = OK;
	ref.table = "input";
	ref.bytes = f.bytes;
	if (memcmp(ref.sha256, unknown, sizeof unknown) == 0) code = file_hash(&f, &ref, err);
	ingest_file_close(&f);
	if (code == OK && !file_list_add(out, &ref)) code = fail(err, E_NOMEM, "out of memory listing inputs");
	return code;
}

static int is_jsonl(const struct dirent *e)
{
	const size_t n = strlen(e->d_name);
	return n > 6 && e->d_name[0] != '.' && strcmp(e->d_name + n - 6, ".jsonl") == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name); /* not alphasort: that follows the locale */
}

static status folder_add(const char *path, struct file_list *out, struct err *err)
{
	struct dirent **names = NULL;
	const int n = scandir(path, &names, is_jsonl, by_bytes);
	if (n < 0) return fail_errno(err, errno, "cannot read folder %s", path);
	status code = n == 0 ? fail(err, E_USAGE, "no *.jsonl file in folder %s", path) : OK;
	for (int i = 0; i < n; i++) {
		char *full = arena_printf(out->arena, "%s/%s", path, names[i]->d_name);
		if (code == OK && full == NULL) code = fail(err, E_NOMEM, "out of memory listing %s", path);
		if (code == OK) code = file_add(&(struct file_ref){.path = full}, out, err);
		free(names[i]); /* scandir's own */
	}
	free(names);
	return code;
}

status pqrs_ingest_plan(
	const struct stage_view *view, const struct file_list *inputs, struct task_list *out, struct err *err)
{
	(void)view;
	if (inputs == NULL || inputs->n == 0)
		return fail(err, E_USAGE, "no input to ingest: name at least one file or folder");
	struct task_spec *task = task_list_add(out);
	if (task == NULL) return fail(err, E_NOMEM, "out of memory planning raw");
	task->stage = "raw";
	task->task_id = "raw-0000";
	for (size_t i = 0; i < inputs->n; i++) {
		struct stat st;
		const char *path = inputs->items[i].path;
		if (stat(path, &st) != 0) return fail_errno(err, errno, "cannot read input %s", path);
		TRY(S_ISDIR(st.st_mode) ? folder_add(path, &task->inputs, err)
					: file_add(&inputs->items[i], &task->inputs, err));
	}
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
	char value[32], threshold[32];
	(void)snprintf(value, sizeof value, "%lld", (long long)stored);
	(void)snprintf(threshold, sizeof threshold, "%lld", (long long)in);
	const struct quality q = {.dataset = "raw.pqrs",
		.check_name = "every_line_landed",
		.severity = QUALITY_CRITICAL,
		.value = value,
		.threshold = threshold,
		.details = "lines of the raw objects = lines of the inputs, blank ones left out",
		.record_count = in};
	return quality_add(out, in == landed && landed == stored, &q)
		       ? OK
		       : fail(err, E_NOMEM, "out of memory listing quality checks");
}
