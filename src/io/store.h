/* io/store.h: an object store: immutable objects under '/'-separated keys, relative to the lake's root.
 *
 * Objects appear whole or not at all. The local store writes a temporary file `.tmp-*` beside the target and
 * renames it into place; the S3 store puts with If-None-Match. store_sweep removes what a killed process left. Thread-safe.
 */
#ifndef PQR_IO_STORE_H
#define PQR_IO_STORE_H

#include "base/buf.h"

struct store;

/* uri: a path, file:///path, or s3://bucket/prefix (io/s3/s3_settings.h says where and as whom; nothing is sent before the
 * first use). The directory is created when missing; a bucket is not. */
status store_open(const char *uri, struct store **out, struct err *err) MUST_USE;
void store_close(struct store *s);
const char *store_uri(const struct store *s); /* as given, normalised; for people */

/* Make the bucket where it is missing: *made. Nothing else makes one. */
status store_create(struct store *s, bool *made, struct err *err) MUST_USE;

/* E_EXISTS and nothing changed, unless the object there has these very bytes: then OK, and it counts as put now. */
status store_put_if_absent(struct store *s, const char *key, const void *p, size_t n, struct err *err) MUST_USE;
/* As store_put_if_absent, but it may return before the object is there, and its failure may be told by the next store_sync:
 * for data files, which count only after a sync. p is copied. The store's own readers see the object at once. sha256: of p[n], or
 * NULL; who knows it spares the store from computing it again, and a wrong one is an error of the put. */
status store_put_later(struct store *s, const char *key, const void *p, size_t n, const uint8_t *sha256 /* [32] */,
	struct err *err) MUST_USE;
/* As store_put_if_absent, and durable on return, name and bytes: the commit of a table's version. */
status store_commit(struct store *s, const char *key, const void *p, size_t n, struct err *err) MUST_USE;
status store_put(
	struct store *s, const char *key, const void *p, size_t n, struct err *err) MUST_USE; /* replaces atomically */

/* A streaming put, for objects too large to hold. finish publishes (put-if-absent); abort, or destroy without finish, leaves nothing. */
struct store_writer;
status store_writer_create(struct store *s, const char *key, struct store_writer **out, struct err *err) MUST_USE;
status store_writer_add(struct store_writer *w, const void *p, size_t n, struct err *err) MUST_USE;
status store_writer_finish(struct store_writer *w, struct err *err) MUST_USE;
void store_writer_destroy(struct store_writer *w);

status store_get(
	struct store *s, const char *key, struct buf *out, struct err *err) MUST_USE; /* appends the whole object */
status store_size(struct store *s, const char *key, int64_t *out, struct err *err) MUST_USE; /* E_NOT_FOUND */

/* An open object for ranged reads. read_at gives exactly n bytes or E_CORRUPT (truncated), with the path and offset. */
struct store_object;
status store_object_open(struct store *s, const char *key, struct store_object **out, struct err *err) MUST_USE;
/* It will be opened soon: where that takes a round trip it starts now. A hint; opening it then is what tells of failure. */
struct store_hint {
	const char *key;
	int64_t bytes; /* its size, where it is known, else 0 */
	int readers;   /* how many threads will open it, each once and at about the same time; 1 at least */
};
void store_will_open(struct store *s, const struct store_hint *hint);
/* An object over p[n], which it views until close; key is for messages (copied). */
status store_object_from_memory(
	const void *p, size_t n, const char *key, struct store_object **out, struct err *err) MUST_USE;
int64_t store_object_size(const struct store_object *o);
const char *store_object_key(const struct store_object *o);
status store_object_read_at(
	struct store_object *o, int64_t offset, void *dst, size_t n, struct err *err) MUST_USE; /* thread-safe */
void store_object_close(struct store_object *o);

/* Every object below prefix (a folder key, no trailing '/'; "" = all) in byte order of the keys; temporary files are
 * left out. A missing prefix is an empty listing. */
struct store_entry {
	const char *key; /* valid during the visit */
	int64_t bytes;
	int64_t modified_us; /* when it was put, by the store's clock */
};
typedef status (*store_visit)(void *arg, const struct store_entry *e, struct err *err);
status store_list(struct store *s, const char *prefix, store_visit visit, void *arg, struct err *err) MUST_USE;
/* The names directly below a folder ("" = the root), each once, bytewise: of objects, and of folders, which may turn out
 * empty. A missing folder is an empty listing. */
typedef status (*store_name_visit)(void *arg, const char *name, bool is_folder, struct err *err);
status store_list_names(
	struct store *s, const char *folder, store_name_visit visit, void *arg, struct err *err) MUST_USE;
status store_delete(
	struct store *s, const char *key, struct err *err) MUST_USE; /* missing is OK; empty parent folders go too */
/* Several at once, in any order; after a failure some may be gone. */
status store_delete_many(struct store *s, const char *const *keys, size_t n, struct err *err) MUST_USE;
/* Make every object put so far durable (syncfs on the local store). The failure of a store_put_later is told from then on by
 * every sync of this store, so that nobody commits what is not there. */
status store_sync(struct store *s, struct err *err) MUST_USE;
/* Remove temporary files under prefix left by processes that no longer run. */
status store_sweep(struct store *s, const char *prefix, int64_t *removed, struct err *err) MUST_USE;
/* The user vouches that nobody else writes to the lake: no proof that put-if-absent holds is asked for, it is a look and a
 * put. Before the first put. */
void store_single_writer(struct store *s);
/* Bytes that may still be written, or -1 where nobody can tell. */
int64_t store_free_bytes(struct store *s);
/* Does a request take so long that more of them than cores should be under way? */
bool store_is_remote(const struct store *s);
/* Threads for work that is mostly waiting for this store, where `threads` would do for work on a disk. */
int store_io_threads(const struct store *s, int threads);

#endif
