/* io/s3/store_s3_writer.c: streaming puts, and puts that are too large for one request.
 *
 *   add -> part buffer --full--> an upload in parts (store_s3_parts.c) -> finish completes it
 *
 * What stays under one part goes up as an ordinary put (s3_put); a commit of any size does, and never comes here: tables rest on
 * PutObject alone. That a completion with If-None-Match creates and never replaces is proved before the first upload
 * (s3_prove_parts). States: open -> (add)* -> finished | poisoned; the first failure poisons.
 */
#include "base/alloc.h"
#include "io/s3/store_s3_int.h"

enum { UPLOAD_TRIES = 3 };

struct s3_writer {
	struct store_writer base;
	struct s3_store *store;
	struct s3_upload *upload;
	char *key;
	bool poisoned;
	struct buf pending; /* bytes of the next part */
};

static status send_pending(struct s3_writer *w, struct err *err)
{
	TRY(buf_check(&w->pending, err));
	if (!s3_upload_begun(w->upload)) TRY(s3_prove_parts(w->store, err));
	uint8_t *bytes = w->pending.p;
	const size_t n = w->pending.n;
	buf_init(&w->pending, w->pending.max); /* the part takes the bytes */
	return s3_upload_part(w->upload, bytes, n, true, err);
}

static status add(struct s3_writer *w, const void *p, size_t n, struct err *err)
{
	const uint8_t *from = p;
	while (n > 0) {
		const size_t full = s3_upload_part_bytes(w->upload), room = full - w->pending.n;
		const size_t some = n < room ? n : room;
		buf_add(&w->pending, from, some);
		from += some;
		n -= some;
		if (w->pending.n == full || w->pending.failed) TRY(send_pending(w, err));
	}
	return OK;
}

static status writer_add(struct store_writer *base, const void *p, size_t n, struct err *err)
{
	struct s3_writer *w = (struct s3_writer *)base;
	if (w->poisoned) return fail(err, E_IO, "cannot write %s: an earlier write failed", w->key);
	const status code = add(w, p, n, err);
	w->poisoned = code != OK;
	return code;
}

static status finish(struct s3_writer *w, struct err *err)
{
	TRY(buf_check(&w->pending, err));
	if (!s3_upload_begun(w->upload)) return s3_put(w->store, w->key, w->pending.p, w->pending.n, STORE_ABSENT, err);
	if (w->pending.n > 0) TRY(send_pending(w, err));
	return s3_upload_complete(w->upload, err);
}

static status writer_finish(struct store_writer *base, struct err *err)
{
	struct s3_writer *w = (struct s3_writer *)base;
	if (w->poisoned) return fail(err, E_IO, "cannot finish %s: an earlier write failed", w->key);
	w->poisoned = true;
	return finish(w, err);
}

static void writer_destroy(struct store_writer *base)
{
	struct s3_writer *w = (struct s3_writer *)base;
	s3_upload_destroy(w->upload);
	buf_deinit(&w->pending);
	mem_free(w->key);
	mem_free(w);
}

status s3_writer_create(struct store *base, const char *key, struct store_writer **out, struct err *err)
{
	struct s3_store *s = (struct s3_store *)base;
	s3_settle(s, key, false);
	struct s3_writer *w = mem_zalloc(1, sizeof *w);
	if (w == NULL) return fail_nomem(err);
	w->base = (struct store_writer){writer_add, writer_finish, writer_destroy};
	w->store = s;
	w->key = mem_strdup(key);
	buf_init(&w->pending, 0);
	status code = w->key != NULL ? s3_upload_create(s, key, STORE_ABSENT, &w->upload, err) : fail_nomem(err);
	if (code == OK) code = s3_prove(s, err);
	if (code != OK)
		writer_destroy(&w->base);
	else
		*out = &w->base;
	return code;
}

status s3_put_parts(
	struct s3_store *s, const char *key, const void *p, size_t n, enum store_put_mode mode, struct err *err)
{
	ASSERT(n > 0);
	if (mode != STORE_REPLACE) TRY(s3_prove_parts(s, err));
	for (int attempt = 1;; attempt++) {
		struct s3_upload *u = NULL;
		TRY(s3_upload_create(s, key, mode, &u, err));
		status code = s3_upload_all(u, p, n, err);
		if (code == OK) code = s3_upload_complete(u, err);
		s3_upload_destroy(u);
		if (code != E_CONFLICT || attempt == UPLOAD_TRIES) return code;
	}
}
