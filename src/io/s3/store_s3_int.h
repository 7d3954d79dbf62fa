/* io/s3/store_s3_int.h: what the files of the S3 store share.
 *
 *   store_s3.c         the store: its operations
 *   store_s3_ahead.c   objects fetched before they are opened
 *   store_s3_writer.c  streaming and large puts
 *   store_s3_later.c   the window of puts under way
 *   store_s3_put.c     one PutObject
 *   store_s3_probe.c   does put-if-absent hold here?
 *   store_s3_parts.c   one upload in parts
 *   store_s3_list.c    listings, deletes in batches, the sweep of forgotten uploads
 *   store_s3_read.c    objects: looking at them, ranged and parallel reads
 *
 * Each calls only files below it.
 */
#ifndef PQR_IO_S3_STORE_S3_INT_H
#define PQR_IO_S3_STORE_S3_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include "io/s3/s3_client.h"
#include "io/store_int.h"

enum {
	S3_PUT_BYTES_MAX = 32 << 20, /* larger ones go up in parts, but commits never do */
	S3_PART_BYTES = 8 << 20,     /* S3 asks for 5 MiB at least */
	S3_FLIGHT_MAX = 4,           /* parts, or pieces of one read, under way at once */
	LATER_MAX = 32,              /* puts under way for others than their starters */
	LATER_BYTES_MAX = 64 << 20,
	AHEAD_MAX = 256, /* objects fetched before they are opened */
	AHEAD_BYTES_MAX = 48 << 20,
};

/* Of one PutObject, by S3's rules; and so of a commit. */
#define S3_COMMIT_BYTES_MAX ((size_t)5 << 30)

struct later;
struct ahead;

struct s3_store {
	struct store base;
	struct s3_client *client;
	char bucket[S3_BUCKET_CHARS_MAX + 1];
	char prefix[S3_KEY_CHARS_MAX + 1];
	char location[64]; /* where S3 is to make the bucket; "" = where it does by itself */

	pthread_mutex_t lock; /* guards the fields of this group */
	pthread_cond_t freed; /* an entry left the window */
	struct later *later;  /* oldest first */
	size_t n_later, later_bytes;
	status later_failed;
	struct err later_err;
	pthread_cond_t fetched; /* an object ahead is there, or is gone */
	struct ahead *ahead;    /* objects that will be opened, oldest first */
	size_t n_ahead, ahead_bytes;
	uint64_t n_hints;
	_Atomic size_t n_pending; /* n_later, for a look without the lock */

	pthread_mutex_t probe_lock; /* guards the probe itself */
	_Atomic bool proved;        /* put-if-absent holds by PutObject */
	_Atomic bool proved_parts;  /* and by CompleteMultipartUpload */
	_Atomic bool single_writer;
};

/* store_create */
status s3_create(struct store *base, bool *made, struct err *err) MUST_USE;

/* The object's key in the bucket. E_LIMIT over 1024 bytes. */
status s3_key(const struct s3_store *s, const char *key, char dst[S3_KEY_CHARS_MAX + 1], struct err *err) MUST_USE;
/* Does the object have these very bytes (or n bytes of that XXH3-128, where it is given)? E_NOT_FOUND: it is gone. */
struct s3_content {
	const void *p;
	int64_t n;
	const uint8_t *xxh128;
};
status s3_same(
	struct s3_store *s, const char *key, const struct s3_content *want, bool *same, struct err *err) MUST_USE;

/* One PutObject, key as elsewhere in store.h. E_LIMIT: a commit over S3_COMMIT_BYTES_MAX. */
status s3_put(struct s3_store *s, const char *key, const void *p, size_t n, enum store_put_mode mode,
	struct err *err) MUST_USE;
/* What a put that may have been carried out would have left, and the request of a put. */
struct s3_putting {
	struct s3_store *s;
	const char *key;
	struct s3_content content;
};
struct s3_request s3_put_request(const char *full, const void *p, size_t n, bool conditional);
/* s3_request's look, of a struct s3_putting. */
status s3_put_look(void *arg, bool *done, struct err *err) MUST_USE;

/* Of store_ops: start a put and return. */
status s3_put_later(
	struct store *base, const char *key, const void *p, size_t n, const uint8_t *sha256, struct err *err) MUST_USE;
/* Wait for the puts under way of this key, of those below it when `folder`, of all when NULL. */
void s3_settle(struct s3_store *s, const char *key, bool folder);

struct s3_facts {
	int64_t size;
	bool young; /* put less than 15 minutes ago by the server's clock */
};
status s3_head(struct s3_store *s, const char *key, struct s3_facts *out, struct err *err) MUST_USE;

/* An object whose first bytes are under way: started, then finished or discarded. It stays where it is meanwhile. */
struct s3_opening {
	struct s3_object *object;
	struct s3_call call;
	char range[48];
	struct sigv4_header extra;
};
/* bytes: the object's size where it is known, else 0. */
status s3_opening_start(
	struct s3_store *s, const char *key, int64_t bytes, struct s3_opening *p, struct err *err) MUST_USE;
status s3_opening_finish(struct s3_opening *p, struct store_object **out, struct err *err) MUST_USE;
void s3_opening_discard(struct s3_opening *p);
size_t s3_head_bytes(int64_t bytes); /* that it fetches, and holds */
status s3_open_now(
	struct s3_store *s, const char *key, int64_t bytes, struct store_object **out, struct err *err) MUST_USE;
/* Another object with the first bytes of this one, which it shares. */
status s3_object_again(struct store_object *base, struct store_object **out, struct err *err) MUST_USE;

status s3_object_open(struct store *base, const char *key, struct store_object **out, struct err *err) MUST_USE;
void s3_will_open(struct store *base, const struct store_hint *hint);
/* What was fetched ahead of this key (NULL: of all) is thrown away. */
void s3_ahead_drop(struct s3_store *s, const char *key);
status s3_writer_create(struct store *base, const char *key, struct store_writer **out, struct err *err) MUST_USE;
status s3_put_parts(struct s3_store *s, const char *key, const void *p, size_t n, enum store_put_mode mode,
	struct err *err) MUST_USE;
status s3_list(struct s3_store *s, const char *prefix, store_visit visit, void *arg, struct err *err) MUST_USE;
status s3_list_names(
	struct s3_store *s, const char *folder, store_name_visit visit, void *arg, struct err *err) MUST_USE;
status s3_delete_many(struct s3_store *s, const char *const *keys, size_t n, struct err *err) MUST_USE;
status s3_sweep(struct store *base, const char *prefix, int64_t *removed, struct err *err) MUST_USE;
/* One object in parts, STORE_ABSENT or STORE_REPLACE; see store_s3_parts.c. s3_upload_part takes bytes when `own`, else they stay
 * until the upload's end. s3_upload_complete: E_EXISTS: other bytes stand there; E_CONFLICT: S3 dropped it, begin again. */
struct s3_upload;
status s3_upload_create(struct s3_store *s, const char *key, enum store_put_mode mode, struct s3_upload **out,
	struct err *err) MUST_USE;
bool s3_upload_begun(const struct s3_upload *u);
size_t s3_upload_part_bytes(const struct s3_upload *u); /* of the next part, but for the last */
status s3_upload_part(struct s3_upload *u, uint8_t *bytes, size_t n, bool own, struct err *err) MUST_USE;
status s3_upload_all(struct s3_upload *u, const void *p, size_t n, struct err *err) MUST_USE;
status s3_upload_complete(struct s3_upload *u, struct err *err) MUST_USE;
void s3_upload_destroy(struct s3_upload *u);
/* Once a store: E_UNSUPPORTED when put-if-absent does not hold there; when it does not for uploads in parts. */
status s3_prove(struct s3_store *s, struct err *err) MUST_USE;
status s3_prove_parts(struct s3_store *s, struct err *err) MUST_USE;

#endif
