/* io/s3/store_s3.c: the object store on S3: its operations, each a few calls of the files beside it.
 *
 * Invariants: 1. an operation on a key first waits for the puts under way that concern it (s3_settle); 2. one that changes a key
 * throws away what was fetched ahead of it (s3_ahead_drop).
 */
#include "io/s3/store_s3_int.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

static status s3_size(struct store *base, const char *key, int64_t *out, struct err *err)
{
	struct s3_store *s = (struct s3_store *)base;
	struct s3_facts f;
	s3_settle(s, key, false);
	TRY(s3_head(s, key, &f, err));
	*out = f.size;
	return OK;
}

static status put_op(
	struct store *base, const char *key, const void *p, size_t n, enum store_put_mode mode, struct err *err)
{
	struct s3_store *s = (struct s3_store *)base;
	s3_settle(s, key, false);
	s3_ahead_drop(s, key);
	if (mode != STORE_COMMIT && n > S3_PUT_BYTES_MAX) return s3_put_parts(s, key, p, n, mode, err);
	return s3_put(s, key, p, n, mode, err);
}

static status s3_sync(struct store *base, struct err *err)
{
	struct s3_store *s = (struct s3_store *)base;
	s3_settle(s, NULL, true);
	s3_ahead_drop(s, NULL); /* a stage is over: what is held won't be opened */
	(void)pthread_mutex_lock(&s->lock);
	const status code = s->later_failed;
	if (code != OK && err != NULL) *err = s->later_err;
	(void)pthread_mutex_unlock(&s->lock);
	return code;
}

static status s3_delete(struct store *base, const char *key, struct err *err)
{
	struct s3_store *s = (struct s3_store *)base;
	char full[S3_KEY_CHARS_MAX + 1];
	struct s3_call call;
	s3_settle(s, key, false);
	s3_ahead_drop(s, key);
	TRY(s3_key(s, key, full, err));
	const status code = s3_perform(s->client, &call,
		&(struct s3_request){.verb = "delete", .method = "DELETE", .key = full, .takes = S3_TAKES_404}, err);
	s3_call_deinit(&call);
	return code;
}

static status list(struct store *base, const char *prefix, store_visit visit, void *arg, struct err *err)
{
	struct s3_store *s = (struct s3_store *)base;
	s3_settle(s, prefix, true);
	return s3_list(s, prefix, visit, arg, err);
}

static status list_names(struct store *base, const char *folder, store_name_visit visit, void *arg, struct err *err)
{
	struct s3_store *s = (struct s3_store *)base;
	s3_settle(s, folder, true);
	return s3_list_names(s, folder, visit, arg, err);
}

static status delete_many(struct store *base, const char *const *keys, size_t n, struct err *err)
{
	struct s3_store *s = (struct s3_store *)base;
	s3_settle(s, NULL, true);
	s3_ahead_drop(s, NULL);
	return s3_delete_many(s, keys, n, err);
}

static void single_writer(struct store *base)
{
	atomic_store(&((struct s3_store *)base)->single_writer, true);
}

static void s3_close(struct store *base)
{
	struct s3_store *s = (struct s3_store *)base;
	s3_settle(s, NULL, true);
	s3_ahead_drop(s, NULL);
	s3_client_destroy(s->client);
	(void)pthread_cond_destroy(&s->freed);
	(void)pthread_cond_destroy(&s->fetched);
	(void)pthread_mutex_destroy(&s->lock);
	(void)pthread_mutex_destroy(&s->probe_lock);
	mem_free(s->base.uri);
	mem_free(s);
}

static const struct store_ops s3_ops = {
	.close = s3_close,
	.create = s3_create,
	.put = put_op,
	.put_later = s3_put_later,
	.writer_create = s3_writer_create,
	.object_open = s3_object_open,
	.will_open = s3_will_open,
	.size = s3_size,
	.list = list,
	.list_names = list_names,
	.delete = s3_delete,
	.delete_many = delete_many,
	.sync = s3_sync,
	.sweep = s3_sweep,
	.single_writer = single_writer,
};

static const char *environment(void *arg, const char *name)
{
	(void)arg;
	return getenv(name);
}

static status create(const struct s3_settings *settings, struct s3_store **out, struct err *err)
{
	struct s3_store *s = mem_zalloc(1, sizeof *s);
	if (s == NULL) return fail_nomem(err);
	char uri[S3_BUCKET_CHARS_MAX + S3_KEY_CHARS_MAX + 8];
	(void)snprintf(uri, sizeof uri, "s3://%s%s%s", settings->bucket, settings->prefix[0] != '\0' ? "/" : "",
		settings->prefix);
	s->base = (struct store){.ops = &s3_ops, .uri = mem_strdup(uri)};
	memcpy(s->bucket, settings->bucket, sizeof s->bucket);
	memcpy(s->prefix, settings->prefix, sizeof s->prefix);
	if (!settings->endpoint_given && strcmp(settings->region, "us-east-1") != 0) /* which takes no location */
		memcpy(s->location, settings->region, sizeof s->location);
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_mutex_init(&s->probe_lock, NULL);
	(void)pthread_cond_init(&s->freed, NULL);
	(void)pthread_cond_init(&s->fetched, NULL);
	const status code = s->base.uri == NULL ? fail_nomem(err) : s3_client_create(settings, &s->client, err);
	if (code != OK) {
		s3_close(&s->base);
		return code;
	}
	*out = s;
	return OK;
}

status store_s3_open(const char *uri, struct store **out, struct err *err)
{
	struct s3_settings settings;
	struct s3_store *s = NULL;
	TRY(s3_settings_read(uri, environment, NULL, &settings, err));
	const status code = create(&settings, &s, err);
	explicit_bzero(&settings, sizeof settings);
	if (code == OK) *out = &s->base;
	return code;
}
