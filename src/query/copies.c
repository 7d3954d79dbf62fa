/* query/copies.c: local copies of a remote lake's files, for DuckDB to read.
 *
 * libduckdb reads S3 by an extension that has to be fetched from its maker; so the files a statement may read are copied into a
 * folder of the query instead, by the lake's own store, in parallel and in pieces. They stay until the query is closed, and data
 * files never change, so that the next statement of a prompt finds them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "query/query_int.h"

enum { COPY_THREADS = 8, COPY_PIECE_BYTES = 4 << 20 };

struct copies {
	struct store *from, *to;
	char folder[512];
};

status copies_open(struct store *lake, struct copies **out, struct err *err)
{
	const char *base = getenv("TMPDIR");
	struct copies *c = mem_zalloc(1, sizeof *c);
	if (c == NULL) return fail(err, E_NOMEM, "out of memory");
	c->from = lake;
	(void)snprintf(
		c->folder, sizeof c->folder, "%.400s/pqr-lake-XXXXXX", base != NULL && base[0] != '\0' ? base : "/tmp");
	status code = OK;
	if (mkdtemp(c->folder) == NULL) {
		code = fail_errno(err, errno, "cannot make the folder %s", c->folder);
		c->folder[0] = '\0';
	}
	if (code == OK) code = store_open(c->folder, &c->to, err);
	if (code == OK)
		*out = c;
	else
		copies_close(c);
	return code;
}

static status drop(void *arg, const struct store_entry *e, struct err *err)
{
	return store_delete(arg, e->key, err);
}

void copies_close(struct copies *c)
{
	struct err ignored;
	if (c == NULL) return;
	if (c->to != NULL) (void)!(store_list(c->to, "", drop, c->to, &ignored));
	store_close(c->to);
	if (c->folder[0] != '\0') (void)rmdir(c->folder);
	mem_free(c);
}

const char *copies_folder(const struct copies *c)
{
	return c->folder;
}

static status copy_bytes(struct store_object *from, struct store_writer *to, struct err *err)
{
	const int64_t size = store_object_size(from);
	const size_t room = size < COPY_PIECE_BYTES ? (size_t)size : COPY_PIECE_BYTES;
	uint8_t *piece = mem_alloc(room);
	status code = piece != NULL ? OK : fail(err, E_NOMEM, "out of memory");
	for (int64_t at = 0; code == OK && at < size;) {
		const size_t n = size - at < (int64_t)room ? (size_t)(size - at) : room;
		code = query_cancel_check(err);
		if (code == OK) code = store_object_read_at(from, at, piece, n, err);
		if (code == OK) code = store_writer_add(to, piece, n, err);
		at += (int64_t)n;
	}
	mem_free(piece);
	return code == OK ? store_writer_finish(to, err) : code;
}

struct copying {
	const struct copies *c;
	const struct delta_snapshot *s;
};

static status copy_file(void *arg, size_t i, int worker, struct err *err)
{
	const struct copying *w = arg;
	char key[DELTA_KEY_MAX];
	struct store_object *from = NULL;
	struct store_writer *to = NULL;
	int64_t size;
	(void)worker;
	TRY(delta_key(key, w->s->root, w->s->files[i].path, err));
	if (store_size(w->c->to, key, &size, NULL) == OK) return OK;
	TRY(store_object_open(w->c->from, key, &from, err));
	status code = store_writer_create(w->c->to, key, &to, err);
	if (code == OK) code = copy_bytes(from, to, err);
	store_writer_destroy(to);
	store_object_close(from);
	return code;
}

status copies_take(const struct copies *c, const struct delta_snapshot *s, struct err *err)
{
	struct copying w = {c, s};
	return thread_for(s->n_files, COPY_THREADS, copy_file, &w, err);
}
