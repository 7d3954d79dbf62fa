/* io/store_int.h: what the store implementations share. A store is a table of functions. */
#ifndef PQR_IO_STORE_INT_H
#define PQR_IO_STORE_INT_H

#include "io/store.h"

enum store_put_mode {
	STORE_ABSENT,  /* store_put_if_absent */
	STORE_REPLACE, /* store_put */
	STORE_COMMIT,  /* store_commit */
};

struct store_ops {
	void (*close)(struct store *s);
	status (*create)(struct store *s, bool *made, struct err *err); /* NULL: opening made it */
	status (*put)(
		struct store *s, const char *key, const void *p, size_t n, enum store_put_mode mode, struct err *err);
	/* NULL: put with STORE_ABSENT */
	status (*put_later)(
		struct store *s, const char *key, const void *p, size_t n, const uint8_t *sha256, struct err *err);
	status (*writer_create)(struct store *s, const char *key, struct store_writer **out, struct err *err);
	status (*object_open)(struct store *s, const char *key, struct store_object **out, struct err *err);
	void (*will_open)(struct store *s, const struct store_hint *hint); /* NULL: nothing to gain */
	status (*size)(struct store *s, const char *key, int64_t *out, struct err *err);
	status (*list)(struct store *s, const char *prefix, store_visit visit, void *arg, struct err *err);
	status (*list_names)(struct store *s, const char *folder, store_name_visit visit, void *arg, struct err *err);
	status (*delete)(struct store *s, const char *key, struct err *err);
	/* NULL: delete one by one */
	status (*delete_many)(struct store *s, const char *const *keys, size_t n, struct err *err);
	status (*sync)(struct store *s, struct err *err);
	status (*sweep)(struct store *s, const char *prefix, int64_t *removed, struct err *err);
	void (*single_writer)(struct store *s); /* NULL: nothing to know */
	int64_t (*free_bytes)(struct store *s); /* NULL: nobody can tell */
};

struct store {
	const struct store_ops *ops;
	char *uri;
};

struct store_writer {
	status (*add)(struct store_writer *w, const void *p, size_t n, struct err *err);
	status (*finish)(struct store_writer *w, struct err *err);
	void (*destroy)(struct store_writer *w);
};

struct store_object {
	status (*read_at)(struct store_object *o, int64_t offset, void *dst, size_t n, struct err *err);
	void (*close)(struct store_object *o);
	char *key;
	int64_t size;
};

status store_s3_open(const char *uri, struct store **out, struct err *err) MUST_USE;
status store_local_open(const char *path, struct store **out, struct err *err) MUST_USE;

#endif
