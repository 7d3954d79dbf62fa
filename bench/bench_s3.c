/* bench/bench_s3.c: files to an S3 lake and back by our store, as bench/s3.py times it beside s5cmd and s3transfer.
 *
 *   bench_s3 up LAKE FOLDER PREFIX THREADS     every file of the folder to PREFIX/name
 *   bench_s3 down LAKE PREFIX FOLDER THREADS   every object below the prefix to FOLDER/name
 *
 * By the calls that stages use: store_put_later, or a store_writer over LATER_BYTES_MAX; store_will_open and store_object_open,
 * and parallel read_at of an object over RANGE_BYTES. Like the other side it reads and writes files on the disk's cache.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "io/store.h"

enum { FILES_MAX = 100000, AHEAD = 20, PATH_CHARS = 4200, THREADS_MAX = 64 };
static const size_t LATER_BYTES_MAX = 16 << 20, CHUNK_BYTES = 8 << 20, RANGE_BYTES = 8 << 20;

struct job {
	struct store *store;
	const char *folder, *prefix;
	char **names;   /* of files, or of objects below the prefix */
	int64_t *sizes; /* of the objects */
	size_t n;
	int threads;
};

static void check(status code, const struct err *err)
{
	char text[1024];
	if (code == OK) return;
	(void)fprintf(stderr, "bench_s3: %s\n", err_text(err, text, sizeof text));
	exit(1);
}

static status fail_file(const char *path, struct err *err)
{
	return err_at(err, fail(err, E_IO, "cannot read or write the file"), path, -1, -1);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static status name_add(struct job *j, const char *name, struct err *err)
{
	if (j->n == FILES_MAX) return fail(err, E_LIMIT, "more than %d files", FILES_MAX);
	char *copy = mem_strdup(name);
	if (copy == NULL) return fail(err, E_NOMEM, "out of memory");
	j->names[j->n++] = copy;
	return OK;
}

/* ---- up ---- */

static status up_large(struct job *j, const char *key, int fd, uint8_t *chunk, struct err *err)
{
	struct store_writer *w = NULL;
	TRY(store_writer_create(j->store, key, &w, err));
	status code = OK;
	ssize_t n = 1;
	while (code == OK && (n = read(fd, chunk, CHUNK_BYTES)) > 0) code = store_writer_add(w, chunk, (size_t)n, err);
	if (code == OK && n < 0) code = fail_file(key, err);
	if (code == OK) code = store_writer_finish(w, err);
	store_writer_destroy(w);
	return code;
}

static status up_open(struct job *j, const char *key, int fd, struct err *err)
{
	struct stat st;
	if (fstat(fd, &st) != 0) return fail_file(key, err);
	const size_t size = (size_t)st.st_size, room = size > LATER_BYTES_MAX ? CHUNK_BYTES : size + 1;
	uint8_t *bytes = mem_alloc(room);
	if (bytes == NULL) return fail(err, E_NOMEM, "out of memory");
	status code;
	if (size > LATER_BYTES_MAX)
		code = up_large(j, key, fd, bytes, err);
	else if (read(fd, bytes, size) != (ssize_t)size)
		code = fail_file(key, err);
	else
		code = store_put_later(j->store, key, bytes, size, NULL, err);
	mem_free(bytes);
	return code;
}

static status up_one(void *arg, size_t i, int worker, struct err *err)
{
	struct job *j = arg;
	char path[PATH_CHARS], key[PATH_CHARS];
	(void)worker;
	(void)snprintf(path, sizeof path, "%s/%s", j->folder, j->names[i]);
	(void)snprintf(key, sizeof key, "%s/%s", j->prefix, j->names[i]);
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) return fail_file(path, err);
	const status code = up_open(j, key, fd, err);
	(void)close(fd);
	return code;
}

static status up(struct job *j, struct err *err)
{
	DIR *dir = opendir(j->folder);
	if (dir == NULL) return fail_file(j->folder, err);
	status code = OK;
	for (const struct dirent *e; code == OK && (e = readdir(dir)) != NULL;) {
		if (e->d_name[0] != '.') code = name_add(j, e->d_name, err);
	}
	(void)closedir(dir);
	TRY(code);
	qsort(j->names, j->n, sizeof *j->names, by_name);
	TRY(thread_for(j->n, j->threads, up_one, j, err));
	return store_sync(j->store, err);
}

/* ---- down ---- */

struct down {
	const char *path;
	struct store_object *object;
	int fd;
	uint8_t **room; /* [threads] of RANGE_BYTES, kept from range to range */
};

static status down_range(void *arg, size_t i, int worker, struct err *err)
{
	struct down *d = arg;
	const size_t at = i * RANGE_BYTES, left = (size_t)store_object_size(d->object) - at;
	const size_t n = left < RANGE_BYTES ? left : RANGE_BYTES;
	if (d->room[worker] == NULL) d->room[worker] = mem_alloc(n < RANGE_BYTES && i == 0 ? n : RANGE_BYTES);
	if (d->room[worker] == NULL) return fail(err, E_NOMEM, "out of memory");
	TRY(store_object_read_at(d->object, (int64_t)at, d->room[worker], n, err));
	return pwrite(d->fd, d->room[worker], n, (off_t)at) == (ssize_t)n ? OK : fail_file(d->path, err);
}

static status down_one(void *arg, size_t i, int worker, struct err *err)
{
	struct job *j = arg;
	char path[PATH_CHARS], key[PATH_CHARS];
	uint8_t *room[THREADS_MAX] = {NULL};
	struct down d = {.path = path, .room = room};
	(void)worker;
	for (size_t k = i == 0 ? 0 : i + AHEAD; k < j->n && k <= i + AHEAD; k++) {
		(void)snprintf(key, sizeof key, "%s/%s", j->prefix, j->names[k]);
		const struct store_hint hint = {key, j->sizes[k], 1};
		store_will_open(j->store, &hint);
	}
	(void)snprintf(path, sizeof path, "%s/%s", j->folder, j->names[i]);
	(void)snprintf(key, sizeof key, "%s/%s", j->prefix, j->names[i]);
	TRY(store_object_open(j->store, key, &d.object, err));
	const size_t size = (size_t)store_object_size(d.object), n_ranges = (size + RANGE_BYTES - 1) / RANGE_BYTES;
	d.fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	status code = d.fd < 0 ? fail_file(path, err) : OK;
	if (code == OK) code = thread_for(n_ranges, store_io_threads(j->store, j->threads), down_range, &d, err);
	if (d.fd >= 0 && close(d.fd) != 0 && code == OK) code = fail_file(path, err);
	store_object_close(d.object);
	for (int k = 0; k < THREADS_MAX; k++) mem_free(room[k]);
	return code;
}

static status down_name(void *arg, const struct store_entry *e, struct err *err)
{
	struct job *j = arg;
	TRY(name_add(j, e->key + strlen(j->prefix) + 1, err));
	j->sizes[j->n - 1] = e->bytes;
	return OK;
}

static status down(struct job *j, struct err *err)
{
	TRY(store_list(j->store, j->prefix, down_name, j, err));
	return thread_for(j->n, store_io_threads(j->store, j->threads), down_one, j, err);
}

int main(int argc, char **argv)
{
	struct err err;
	const bool is_up = argc == 6 && strcmp(argv[1], "up") == 0, is_down = argc == 6 && strcmp(argv[1], "down") == 0;
	const long threads = is_up || is_down ? strtol(argv[5], NULL, 10) : 0;
	if (threads < 1 || threads > THREADS_MAX) {
		(void)fprintf(
			stderr, "usage: bench_s3 up LAKE FOLDER PREFIX THREADS | down LAKE PREFIX FOLDER THREADS\n");
		return 2;
	}
	struct job j = {.folder = argv[is_up ? 3 : 4],
		.prefix = argv[is_up ? 4 : 3],
		.names = mem_zalloc(FILES_MAX, sizeof *j.names),
		.sizes = mem_zalloc(FILES_MAX, sizeof *j.sizes),
		.threads = (int)threads};
	if (j.names == NULL || j.sizes == NULL) return 1;
	check(store_open(argv[2], &j.store, &err), &err);
	check(is_up ? up(&j, &err) : down(&j, &err), &err);
	store_close(j.store);
	for (size_t i = 0; i < j.n; i++) mem_free(j.names[i]);
	mem_free(j.names);
	mem_free(j.sizes);
	return 0;
}
