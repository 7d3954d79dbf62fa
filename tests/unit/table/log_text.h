/* tests/unit/table/log_text.h: tables made of literal log texts, and snapshots as text. */
#ifndef PQR_TESTS_LOG_TEXT_H
#define PQR_TESTS_LOG_TEXT_H

#include "../check.h"

#include "base/buf.h"
#include "io/store.h"
#include "table/log/snapshot.h"

#define PROTOCOL "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n"
#define METADATA_WITH(columns, configuration)                                                                       \
	"{\"metaData\":{\"id\":\"af23c9d7\",\"format\":{\"provider\":\"parquet\",\"options\":{}},\"schemaString\":" \
	"\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[{\\\"name\\\":\\\"a\\\",\\\"type\\\":\\\"long\\\","         \
	"\\\"nullable\\\":true,\\\"metadata\\\":{}},{\\\"name\\\":\\\"p\\\",\\\"type\\\":\\\"string\\\","           \
	"\\\"nullable\\\":true,\\\"metadata\\\":{}}]}\",\"partitionColumns\":" columns                              \
	",\"configuration\":" configuration "}}\n"
#define METADATA METADATA_WITH("[\"p\"]", "{}")
#define ADD(path, value)                                                                                            \
	"{\"add\":{\"path\":\"" path "\",\"partitionValues\":{\"p\":" value "},\"size\":10,\"modificationTime\":1," \
	"\"dataChange\":true}}\n"
#define REMOVE(path) "{\"remove\":{\"path\":\"" path "\",\"deletionTimestamp\":5,\"dataChange\":true}}\n"
#define INFO(ms) "{\"commitInfo\":{\"timestamp\":" ms ",\"operation\":\"WRITE\"}}\n"

struct log_lake {
	char dir[64];
	struct store *store;
	struct err err;
};

static inline void log_lake_open(struct log_lake *l)
{
	(void)check_tmpdir(l->dir);
	CHECK_OK(&l->err, store_open(l->dir, &l->store, &l->err));
}
static inline void log_lake_close(struct log_lake *l)
{
	store_close(l->store);
	check_rmdir(l->dir);
}

/* <root "t">/_delta_log/<name> */
static inline void log_put(struct log_lake *l, const char *name, const char *text)
{
	char key[256];
	(void)snprintf(key, sizeof key, "t/_delta_log/%s", name);
	CHECK_OK(&l->err, store_put(l->store, key, text, strlen(text), &l->err));
}
static inline void log_put_version(struct log_lake *l, int64_t version, const char *text)
{
	char name[64];
	(void)snprintf(name, sizeof name, "%020lld.json", (long long)version);
	log_put(l, name, text);
}

/* "v1 files a(p=x) b(p=null) tombstones c txns app=7 domains d" into dst[size]. */
static inline const char *snapshot_text(const struct delta_snapshot *s, char *dst, size_t size)
{
	struct buf b;
	buf_init(&b, 0);
	buf_printf(&b, "v%lld files", (long long)s->version);
	for (size_t i = 0; i < s->n_files; i++) {
		const struct delta_add *a = &s->files[i];
		buf_printf(&b, " %.*s", (int)a->path.n, a->path.p);
		for (size_t j = 0; j < a->partition.n; j++) {
			const struct delta_pair *p = &a->partition.items[j];
			buf_printf(&b, "(%.*s=%.*s)", (int)p->key.n, p->key.p, p->value.p == NULL ? 4 : (int)p->value.n,
				p->value.p == NULL ? "null" : p->value.p);
		}
	}
	if (s->n_tombstones > 0) buf_str(&b, " tombstones");
	for (size_t i = 0; i < s->n_tombstones; i++)
		buf_printf(&b, " %.*s", (int)s->tombstones[i].path.n, s->tombstones[i].path.p);
	if (s->n_app_txns > 0) buf_str(&b, " txns");
	for (size_t i = 0; i < s->n_app_txns; i++)
		buf_printf(&b, " %.*s=%lld", (int)s->app_txns[i].app_id.n, s->app_txns[i].app_id.p,
			(long long)s->app_txns[i].version);
	if (s->n_domains > 0) buf_str(&b, " domains");
	for (size_t i = 0; i < s->n_domains; i++)
		buf_printf(&b, " %.*s", (int)s->domains[i].domain.n, s->domains[i].domain.p);
	buf_char(&b, '\0');
	(void)snprintf(dst, size, "%s", (char *)b.p);
	buf_deinit(&b);
	return dst;
}

static inline void check_snapshot(struct store *store, int64_t version, const char *want)
{
	static char text[65536];
	struct delta_snapshot *s = NULL;
	struct err err;
	CHECK_OK(&err, delta_snapshot_open(store, "t", version, &s, &err));
	assert_string_equal(snapshot_text(s, text, sizeof text), want);
	delta_snapshot_close(s);
}

#endif
