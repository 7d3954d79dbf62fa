/* io/s3/store_s3_list.c: listings by ListObjectsV2, page by page; deletes a thousand at a time; forgotten uploads. */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/thread.h"
#include "base/time.h"
#include "io/s3/s3_xml.h"
#include "io/s3/store_s3_int.h"

enum { TOKEN_CHARS_MAX = 8192, DELETE_MAX = 1000 };
#define UPLOAD_STALE_US (24 * 3600 * US_PER_SECOND)

static void add_param(struct buf *b, const char *name, const char *value)
{
	if (b->n > 0) buf_char(b, '&');
	buf_printf(b, "%s=", name);
	buf_percent(b, str_of(value), "");
}

struct listing {
	struct s3_store *s;
	char prefix[S3_KEY_CHARS_MAX + 2]; /* in the bucket, with a '/' at its end unless "" */
	size_t skip;                       /* characters of a key before it is one of the lake */
	bool folders;                      /* stop at the next '/' */
	char token[TOKEN_CHARS_MAX];       /* of the next page; "" = none */
	status (*page)(struct listing *l, struct str inside, struct err *err);
	void *arg;
	char last[S3_KEY_CHARS_MAX + 1];
};

static status listing_init(struct listing *l, struct s3_store *s, const char *folder, struct err *err)
{
	char full[S3_KEY_CHARS_MAX + 1];
	*l = (struct listing){.s = s};
	TRY(s3_key(s, folder, full, err));
	(void)snprintf(l->prefix, sizeof l->prefix, "%s%s", full, full[0] != '\0' ? "/" : "");
	l->skip = s->prefix[0] != '\0' ? strlen(s->prefix) + 1 : 0;
	return OK;
}

static status listing_page(struct listing *l, struct str text, struct err *err)
{
	struct str inside;
	char truncated[8];
	if (!s3_xml_root(text, "ListBucketResult", &inside))
		return fail(err, E_IO, "cannot list s3://%s/%s: the answer is no listing", l->s->bucket, l->prefix);
	TRY(l->page(l, inside, err));
	(void)!(s3_xml_text(inside, "IsTruncated", truncated, sizeof truncated));
	if (strcmp(truncated, "true") != 0) {
		l->token[0] = '\0';
		return OK;
	}
	char token[TOKEN_CHARS_MAX];
	if (!s3_xml_text(inside, "NextContinuationToken", token, sizeof token) || token[0] == '\0' ||
		strcmp(token, l->token) == 0)
		return fail(err, E_IO, "cannot list s3://%s/%s: the answer is cut, without a token for the rest",
			l->s->bucket, l->prefix);
	memcpy(l->token, token, sizeof token);
	return OK;
}

static status listing_next(struct listing *l, struct buf *query, struct err *err)
{
	struct s3_call call;
	buf_reset(query);
	if (l->token[0] != '\0') add_param(query, "continuation-token", l->token);
	if (l->folders) add_param(query, "delimiter", "/");
	add_param(query, "list-type", "2");
	add_param(query, "prefix", l->prefix);
	buf_char(query, '\0');
	TRY(buf_check(query, err));
	const struct s3_request q = {.verb = "list", .method = "GET", .query = (const char *)query->p, .key = NULL};
	status code = s3_perform(l->s->client, &call, &q, err);
	if (code == OK) code = listing_page(l, (struct str){(const char *)call.text.p, call.text.n}, err);
	s3_call_deinit(&call);
	TRY(code);
	return cancel_check(err);
}

static status listing_run(struct listing *l, struct err *err)
{
	struct buf query;
	status code;
	buf_init(&query, 1 << 16);
	do code = listing_next(l, &query, err);
	while (code == OK && l->token[0] != '\0');
	buf_deinit(&query);
	return code;
}

/* ---- objects ---- */

struct objects {
	store_visit visit;
	void *arg;
};

static status object_visit(struct listing *l, struct str contents, struct err *err)
{
	const struct objects *o = l->arg;
	char key[S3_KEY_CHARS_MAX + 1], size[24], modified[64];
	int64_t modified_us;
	if (!s3_xml_text(contents, "Key", key, sizeof key) || !s3_xml_text(contents, "Size", size, sizeof size) ||
		!s3_xml_text(contents, "LastModified", modified, sizeof modified) ||
		!time_parse(str_of(modified), &modified_us) || strncmp(key, l->prefix, strlen(l->prefix)) != 0)
		return fail(err, E_IO, "cannot list s3://%s/%s: an entry without key, size or time", l->s->bucket,
			l->prefix);
	if (strcmp(l->last, key) >= 0 && l->last[0] != '\0')
		return fail(err, E_UNSUPPORTED,
			"cannot list s3://%s/%s: this S3 server does not list in the order of keys (%.200s after "
			"%.200s)",
			l->s->bucket, l->prefix, key, l->last);
	memcpy(l->last, key, sizeof key);
	const size_t n = strlen(key);
	if (key[n - 1] == '/') return OK; /* a folder's marker, as consoles make them */
	const struct store_entry e = {key + l->skip, strtoll(size, NULL, 10), modified_us};
	return o->visit(o->arg, &e, err);
}

static status objects_page(struct listing *l, struct str inside, struct err *err)
{
	struct s3_xml x = s3_xml_of(inside);
	struct str name, contents;
	while (s3_xml_next(&x, &name, &contents))
		if (str_is(name, "Contents")) TRY(object_visit(l, contents, err));
	return OK;
}

status s3_list(struct s3_store *s, const char *prefix, store_visit visit, void *arg, struct err *err)
{
	struct objects o = {visit, arg};
	struct listing l;
	TRY(listing_init(&l, s, prefix, err));
	l.page = objects_page;
	l.arg = &o;
	return listing_run(&l, err);
}

/* ---- names of one folder ---- */

struct name {
	char *text;
	bool is_folder;
};

struct names {
	struct name *items;
	size_t n, cap;
	struct arena arena;
};

static status name_add(struct names *v, const char *text, size_t n, bool is_folder, struct err *err)
{
	if (v->n == v->cap) {
		const size_t cap = v->cap != 0 ? 2 * v->cap : 64;
		struct name *items = mem_realloc(v->items, cap * sizeof *items);
		if (items == NULL) return fail_nomem(err);
		v->items = items;
		v->cap = cap;
	}
	char *copy = arena_strndup(&v->arena, text, n);
	if (copy == NULL) return fail_nomem(err);
	v->items[v->n++] = (struct name){copy, is_folder};
	return OK;
}

static status names_page(struct listing *l, struct str inside, struct err *err)
{
	struct s3_xml x = s3_xml_of(inside);
	struct str name, child;
	const size_t prefix_n = strlen(l->prefix);
	while (s3_xml_next(&x, &name, &child)) {
		const bool is_folder = str_is(name, "CommonPrefixes");
		char key[S3_KEY_CHARS_MAX + 1];
		if (!is_folder && !str_is(name, "Contents")) continue;
		if (!s3_xml_text(child, is_folder ? "Prefix" : "Key", key, sizeof key) ||
			strncmp(key, l->prefix, prefix_n) != 0)
			return fail(
				err, E_IO, "cannot list s3://%s/%s: an entry without a key", l->s->bucket, l->prefix);
		size_t n = strlen(key) - prefix_n;
		if (n > 0 && key[prefix_n + n - 1] == '/') n--;
		if (n > 0) TRY(name_add(l->arg, key + prefix_n, n, is_folder, err));
	}
	return OK;
}

static int name_cmp(const void *a, const void *b)
{
	return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

status s3_list_names(struct s3_store *s, const char *folder, store_name_visit visit, void *arg, struct err *err)
{
	struct names v = {0};
	struct listing l;
	TRY(listing_init(&l, s, folder, err));
	arena_init(&v.arena, 0);
	l.folders = true;
	l.page = names_page;
	l.arg = &v;
	status code = listing_run(&l, err);
	if (v.n > 0) qsort(v.items, v.n, sizeof *v.items, name_cmp);
	for (size_t i = 0; code == OK && i < v.n; i++) {
		if (i > 0 && strcmp(v.items[i - 1].text, v.items[i].text) == 0) continue;
		code = visit(arg, v.items[i].text, v.items[i].is_folder, err);
	}
	mem_free(v.items);
	arena_deinit(&v.arena);
	return code;
}

/* ---- deletes ---- */

static void xml_add(struct buf *b, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '&')
			buf_str(b, "&amp;");
		else if (*s == '<')
			buf_str(b, "&lt;");
		else if (*s == '>')
			buf_str(b, "&gt;");
		else
			buf_char(b, *s);
	}
}

static status deleted_check(struct str text, struct err *err)
{
	struct str inside, name, child;
	char key[S3_KEY_CHARS_MAX + 1], code[64];
	if (!s3_xml_root(text, "DeleteResult", &inside))
		return fail(err, E_IO, "cannot delete: S3's answer is no DeleteResult");
	struct s3_xml x = s3_xml_of(inside);
	while (s3_xml_next(&x, &name, &child)) {
		if (!str_is(name, "Error")) continue;
		(void)!(s3_xml_text(child, "Key", key, sizeof key));
		(void)!(s3_xml_text(child, "Code", code, sizeof code));
		if (strcmp(code, "NoSuchKey") == 0) continue;
		return fail_at(err, E_IO, key, -1, -1, "cannot delete: S3 answered %s", code);
	}
	return OK;
}

static status delete_text(struct s3_store *s, const char *const *keys, size_t n, struct buf *out, struct err *err)
{
	char full[S3_KEY_CHARS_MAX + 1];
	buf_str(out, "<Delete><Quiet>true</Quiet>");
	for (size_t i = 0; i < n; i++) {
		TRY(s3_key(s, keys[i], full, err));
		buf_str(out, "<Object><Key>");
		xml_add(out, full);
		buf_str(out, "</Key></Object>");
	}
	buf_str(out, "</Delete>");
	return buf_check(out, err);
}

static status delete_send(struct s3_store *s, const struct buf *body, struct err *err)
{
	struct s3_call call;
	uint8_t md5[MD5_BYTES], sha[SHA256_BYTES];
	char md5_text[32], sha_text[48];
	/* Servers ask for one or the other. */
	hash_md5(body->p, body->n, md5);
	base64_encode(md5, sizeof md5, md5_text);
	hash_sha256(body->p, body->n, sha);
	base64_encode(sha, sizeof sha, sha_text);
	const struct sigv4_header extra[] = {{"content-md5", md5_text}, {"x-amz-checksum-sha256", sha_text}};
	const struct s3_request q = {.verb = "delete objects of",
		.method = "POST",
		.query = "delete=",
		.extra = extra,
		.n_extra = 2,
		.body = body->p,
		.body_n = body->n};
	status code = s3_perform(s->client, &call, &q, err);
	if (code == OK) code = deleted_check((struct str){(const char *)call.text.p, call.text.n}, err);
	s3_call_deinit(&call);
	return code;
}

static status delete_some(struct s3_store *s, const char *const *keys, size_t n, struct err *err)
{
	struct buf body;
	buf_init(&body, 0);
	const status made = delete_text(s, keys, n, &body, err);
	const status code = made == OK ? delete_send(s, &body, err) : made;
	buf_deinit(&body);
	return code;
}

status s3_delete_many(struct s3_store *s, const char *const *keys, size_t n, struct err *err)
{
	for (size_t at = 0; at < n; at += DELETE_MAX)
		TRY(delete_some(s, keys + at, n - at < DELETE_MAX ? n - at : DELETE_MAX, err));
	return OK;
}

/* ---- uploads that nobody finished ---- */

struct sweep {
	struct s3_store *s;
	char key_marker[S3_KEY_CHARS_MAX + 1], id_marker[2048];
	int64_t removed;
};

/* Old enough that no living writer can be at it: an upload of this store ends within its time-outs. */
static status upload_visit(struct sweep *w, struct str upload, struct err *err)
{
	char key[S3_KEY_CHARS_MAX + 1], id[2048], at[64];
	int64_t at_us;
	struct buf query;
	struct s3_call call;
	if (!s3_xml_text(upload, "Key", key, sizeof key) || !s3_xml_text(upload, "UploadId", id, sizeof id) ||
		!s3_xml_text(upload, "Initiated", at, sizeof at) || !time_parse(str_of(at), &at_us) ||
		time_now_us() - at_us < UPLOAD_STALE_US)
		return OK;
	buf_init(&query, 1 << 14);
	add_param(&query, "uploadId", id);
	buf_char(&query, '\0');
	status code = buf_check(&query, err);
	if (code == OK) {
		const struct s3_request q = {.verb = "abort a stale upload of",
			.method = "DELETE",
			.key = key,
			.query = (const char *)query.p,
			.takes = S3_TAKES_404};
		code = s3_perform(w->s->client, &call, &q, err);
		s3_call_deinit(&call);
		w->removed += code == OK;
	}
	buf_deinit(&query);
	return code;
}

static status sweep_page(struct sweep *w, struct str text, bool *more, struct err *err)
{
	struct str inside, name, upload;
	char truncated[8];
	*more = false;
	if (!s3_xml_root(text, "ListMultipartUploadsResult", &inside)) return OK;
	struct s3_xml x = s3_xml_of(inside);
	while (s3_xml_next(&x, &name, &upload))
		if (str_is(name, "Upload")) TRY(upload_visit(w, upload, err));
	*more = s3_xml_text(inside, "IsTruncated", truncated, sizeof truncated) && strcmp(truncated, "true") == 0 &&
		s3_xml_text(inside, "NextKeyMarker", w->key_marker, sizeof w->key_marker) &&
		s3_xml_text(inside, "NextUploadIdMarker", w->id_marker, sizeof w->id_marker);
	return OK;
}

static status sweep_run(struct sweep *w, const char *prefix, struct buf *query, struct err *err)
{
	for (bool more = true; more;) {
		struct s3_call call;
		buf_reset(query);
		if (w->key_marker[0] != '\0') add_param(query, "key-marker", w->key_marker);
		add_param(query, "prefix", prefix);
		if (w->key_marker[0] != '\0') add_param(query, "upload-id-marker", w->id_marker);
		add_param(query, "uploads", "");
		buf_char(query, '\0');
		TRY(buf_check(query, err));
		TRY(cancel_check(err));
		const struct s3_request q = {
			.verb = "list the uploads of", .method = "GET", .query = (const char *)query->p};
		status code = s3_perform(w->s->client, &call, &q, err);
		if (code == OK) code = sweep_page(w, (struct str){(const char *)call.text.p, call.text.n}, &more, err);
		s3_call_deinit(&call);
		TRY(code);
	}
	return OK;
}

status s3_sweep(struct store *base, const char *prefix, int64_t *removed, struct err *err)
{
	struct sweep w = {.s = (struct s3_store *)base};
	struct listing l;
	struct buf query;
	TRY(listing_init(&l, w.s, prefix, err));
	buf_init(&query, 1 << 14);
	status code = sweep_run(&w, l.prefix, &query, err);
	buf_deinit(&query);
	if (code == E_UNSUPPORTED) code = OK; /* a server without such a listing: it has its own clean-up */
	if (code == OK && removed != NULL) *removed = w.removed;
	return code;
}
