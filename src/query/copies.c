/* query/copies.c: local copies of a remote lake's files, for DuckDB to read.
 *
 * libduckdb reads S3 by an extension that has to be fetched from its maker; so the files a statement may read are copied by the
 * lake's own store, in parallel and in pieces. The copies have no names: DuckDB opens /proc/self/fd/N, and whatever ends the
 * process, kill -9 too, nothing of them is left. They stay until the query is closed, and data files never change, so that the next
 * statement of a prompt finds them.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/thread.h"
#include "base/vec.h"
#include "query/query_int.h"

enum { COPY_THREADS = 8, COPY_PIECE_BYTES = 4 << 20, FDS_FOR_OTHERS = 256 };

struct copy {
	char *key;
	uint64_t hash; /* of key */
	int fd;
};

struct copies {
	struct store *from;
	const char *folder; /* views the environment */
	struct copy *items; /* whole ones */
	size_t n, cap;
};

status copies_open(struct store *lake, struct copies **out, struct err *err)
{
	const char *base = getenv("TMPDIR");
	struct copies *c = mem_zalloc(1, sizeof *c);
	if (c == NULL) return fail_nomem(err);
	c->from = lake;
	c->folder = base != NULL && base[0] != '\0' ? base : "/tmp";
	*out = c;
	return OK;
}

void copies_close(struct copies *c)
{
	if (c == NULL) return;
	for (size_t i = 0; i < c->n; i++) {
		(void)close(c->items[i].fd);
		mem_free(c->items[i].key);
	}
	mem_free(c->items);
	mem_free(c);
}

/* ---- one copy ---- */

static int find(const struct copies *c, const char *key)
{
	const uint64_t hash = hash_xxh3(key, strlen(key));
	for (size_t i = 0; i < c->n; i++) {
		if (c->items[i].hash == hash && strcmp(c->items[i].key, key) == 0) return c->items[i].fd;
	}
	return -1;
}

static status copy_piece(struct store_object *from, int64_t at, int to, uint8_t *piece, size_t n, struct err *err)
{
	TRY(query_cancel_check(err));
	TRY(store_object_read_at(from, at, piece, n, err));
	return file_write(to, piece, n, err);
}

static status copy_bytes(struct store_object *from, int to, struct err *err)
{
	const int64_t size = store_object_size(from);
	const size_t room = size < COPY_PIECE_BYTES ? (size_t)size : COPY_PIECE_BYTES;
	uint8_t *piece = mem_alloc(room);
	status code = piece != NULL ? OK : fail_nomem(err);
	for (int64_t at = 0; code == OK && at < size;) {
		const size_t n = size - at < (int64_t)room ? (size_t)(size - at) : room;
		code = copy_piece(from, at, to, piece, n, err);
		at += (int64_t)n;
	}
	mem_free(piece);
	return code;
}

struct copying {
	const struct copies *c;
	const struct delta_snapshot *s;
	const size_t *missing; /* indices of files */
	int *fds;              /* of all files; -1: not copied */
};

static status copy_file(void *arg, size_t i, int worker, struct err *err)
{
	const struct copying *w = arg;
	const size_t file = w->missing[i];
	char key[DELTA_KEY_MAX];
	struct store_object *from = NULL;
	int fd = -1;
	(void)worker;
	TRY(delta_key(key, w->s->root, w->s->files[file].path, err));
	TRY(store_object_open(w->c->from, key, &from, err));
	const int64_t size = store_object_size(from);
	status code = size == w->s->files[file].size
			      ? file_nameless(w->c->folder, &fd, err)
			      : fail_at(err, E_CORRUPT, key, -1, -1, "%lld bytes, and the table's log says %lld",
					(long long)size, (long long)w->s->files[file].size);
	if (code == OK) code = err_at(err, copy_bytes(from, fd, err), w->c->folder, -1, -1);
	store_object_close(from);
	if (code == OK)
		w->fds[file] = fd;
	else if (fd >= 0)
		(void)close(fd);
	return code;
}

/* ---- a snapshot's ---- */

/* Room for so many open files more. */
static status open_files_allow(const struct copies *c, size_t n, struct err *err)
{
	struct rlimit limit;
	const rlim_t want = (rlim_t)(c->n + n + FDS_FOR_OTHERS);
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= want) return OK;
	if (limit.rlim_max < want)
		return fail(err, E_LIMIT,
			"the statement reads %zu files and this process may open %" PRIuMAX
			": raise its limit (ulimit -Hn), or make fewer files (pqr table optimize)",
			c->n + n, (uintmax_t)limit.rlim_max);
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit); /* refused: the open that is one too many tells */
	return OK;
}

static status keep(struct copies *c, const struct copying *w, size_t file, struct err *err)
{
	char key[DELTA_KEY_MAX];
	TRY(delta_key(key, w->s->root, w->s->files[file].path, err));
	char *own = VEC_ROOM(c, 1) ? mem_strdup(key) : NULL;
	if (own == NULL) return fail_nomem(err);
	c->items[c->n++] = (struct copy){own, hash_xxh3(key, strlen(key)), w->fds[file]};
	return OK;
}

/* Files that were copied; those that can't be kept are closed. */
static status keep_all(struct copies *c, const struct copying *w, size_t n, struct err *err)
{
	struct err later;
	status code = OK;
	for (size_t i = 0; i < n; i++) {
		const size_t file = w->missing[i];
		if (w->fds[file] < 0) continue;
		const status kept = keep(c, w, file, code == OK ? err : &later);
		if (kept != OK) (void)close(w->fds[file]);
		if (kept != OK && code == OK) code = kept;
	}
	return code;
}

/* fds[i]: of file i of the snapshot, copied now where it has not been before. missing[n_files]: room to note those. */
static status take_all(struct copies *c, const struct delta_snapshot *s, size_t *missing, int *fds, struct err *err)
{
	char key[DELTA_KEY_MAX];
	struct err ignored;
	size_t n = 0;
	for (size_t i = 0; i < s->n_files; i++) {
		TRY(delta_key(key, s->root, s->files[i].path, err));
		fds[i] = find(c, key);
		if (fds[i] < 0) missing[n++] = i;
	}
	TRY(open_files_allow(c, n, err));
	struct copying w = {c, s, missing, fds};
	const status code = thread_for(n, COPY_THREADS, copy_file, &w, err);
	const status kept =
		keep_all(c, &w, n, code == OK ? err : &ignored); /* those that were copied, also after a failure */
	return code == OK ? kept : code;
}

status copies_take(struct copies *c, const struct delta_snapshot *s, int **out, struct err *err)
{
	size_t *missing = mem_alloc((s->n_files + 1) * sizeof *missing);
	int *fds = mem_alloc((s->n_files + 1) * sizeof *fds);
	const status code = missing != NULL && fds != NULL ? take_all(c, s, missing, fds, err) : fail_nomem(err);
	mem_free(missing);
	if (code == OK)
		*out = fds;
	else
		mem_free(fds);
	return code;
}
