/* tests/unit/flow/lake.h: a lake and its control plane in a fresh folder, and what stands in them. */
#ifndef PQR_TESTS_LAKE_H
#define PQR_TESTS_LAKE_H

#include "../check.h"

#include "base/hash.h"
#include "base/log.h"
#include "flow/run.h"
#include "table/log/snapshot.h"

struct lake {
	char dir[64];
	char uri[96];
	struct store *store;
	struct control *control;
	struct err err;
};

static inline void lake_attach(struct lake *l)
{
	(void)snprintf(l->uri, sizeof l->uri, "sqlite:%s/control.db", l->dir);
	CHECK_OK(&l->err, store_open(l->dir, &l->store, &l->err));
	CHECK_OK(&l->err, control_open(l->uri, &l->control, &l->err));
}

static inline void lake_detach(struct lake *l)
{
	control_close(l->control);
	store_close(l->store);
	l->control = NULL;
	l->store = NULL;
}

static inline void lake_open(struct lake *l)
{
	*l = (struct lake){0};
	(void)check_tmpdir(l->dir);
	lake_attach(l);
}

static inline void lake_close(struct lake *l)
{
	lake_detach(l);
	check_rmdir(l->dir);
}

struct lake_digest {
	struct store *store;
	struct buf text;
	int64_t objects;
};

static inline status lake_digest_visit(void *arg, const struct store_entry *e, struct err *err)
{
	struct lake_digest *d = arg;
	struct buf content;
	uint8_t hash[SHA256_BYTES];
	if (strncmp(e->key, "control.db", 10) == 0) return OK;
	if (strstr(e->key, "/_delta_log/") != NULL) return OK; /* times and UUIDs; see lake_table_is */
	buf_init(&content, 0);
	TRY(store_get(d->store, e->key, &content, err));
	hash_sha256(content.p != NULL ? content.p : (const uint8_t *)"", content.n, hash);
	buf_str(&d->text, e->key);
	buf_char(&d->text, ' ');
	buf_hex(&d->text, hash, sizeof hash);
	buf_char(&d->text, '\n');
	buf_deinit(&content);
	d->objects++;
	return OK;
}

/* The newest version of a table, its active files and the rows their statistics tell. */
static inline void lake_table_is(struct lake *l, const char *root, int64_t version, size_t files, int64_t rows)
{
	struct delta_snapshot *s = NULL;
	int64_t sum = 0;
	CHECK_OK(&l->err, delta_snapshot_open(l->store, root, DELTA_LATEST, &s, &l->err));
	CHECK_I64(s->version, version);
	CHECK_I64(s->n_files, files);
	for (size_t i = 0; i < s->n_files; i++) sum += delta_add_rows(&s->files[i]);
	CHECK_I64(sum, rows);
	delta_snapshot_close(s);
}

/* Every object and its SHA-256, one a line; control plane and logs of tables left out. Caller frees with buf_deinit. */
static inline struct lake_digest lake_digest(struct lake *l)
{
	struct lake_digest d = {.store = l->store};
	buf_init(&d.text, 0);
	CHECK_OK(&l->err, store_list(l->store, "", lake_digest_visit, &d, &l->err));
	buf_char(&d.text, '\0');
	return d;
}

static inline void lake_digest_same(struct lake_digest *a, const struct lake_digest *want)
{
	if (a->text.n != want->text.n || memcmp(a->text.p, want->text.p, a->text.n) != 0)
		fail_msg(
			"lake differs, expected:\n%s\nfound:\n%s", (const char *)want->text.p, (const char *)a->text.p);
	buf_deinit(&a->text);
}

static inline status lake_text_visit(void *arg, const struct control_value *v, size_t n, struct err *err)
{
	struct buf *out = arg;
	(void)err;
	for (size_t i = 0; i < n; i++) {
		if (i > 0) buf_char(out, '|');
		if (v[i].kind == CONTROL_INT) buf_i64(out, v[i].i);
		if (v[i].kind == CONTROL_REAL) buf_printf(out, "%.6g", v[i].real);
		if (v[i].kind == CONTROL_TEXT) buf_add(out, v[i].text.p, v[i].text.n);
	}
	buf_char(out, '\n');
	return OK;
}

/* The query's rows as text are `want`: columns joined by '|', a line each. */
static inline void lake_query_is(struct lake *l, const char *sql, const char *want)
{
	struct buf out;
	buf_init(&out, 0);
	const struct control_select q = {sql, NULL, 0};
	CHECK_OK(&l->err, control_query(l->control, &q, lake_text_visit, &out, &l->err));
	buf_char(&out, '\0');
	if (strcmp((const char *)out.p, want) != 0)
		fail_msg("%s\nexpected:\n%sfound:\n%s", sql, want, (const char *)out.p);
	buf_deinit(&out);
}

#endif
