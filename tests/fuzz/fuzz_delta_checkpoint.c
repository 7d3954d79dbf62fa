/* tests/fuzz/fuzz_delta_checkpoint.c: any bytes as a file of a checkpoint. Every action it gives can be used: its path leads nowhere
 * else, its strings are UTF-8, and its JSON line reads back as the same line. */
#include <stdlib.h>

#include "base/alloc.h"
#include "fuzz.h"
#include "io/json/json_scan.h"
#include "io/utf8.h"
#include "table/log/checkpoint_int.h"

enum { ACTIONS_MAX = 1 << 12 };

struct seen {
	struct arena arena;
	struct buf first, second;
	size_t n;
};

static void check_text(struct str s)
{
	ASSERT(s.n == 0 || (s.p != NULL && utf8_valid(s.p, s.n)));
}

static void check_pairs(const struct delta_pairs *l)
{
	for (size_t i = 0; i < l->n; i++) {
		ASSERT(l->items[i].key.p != NULL);
		check_text(l->items[i].key);
		check_text(l->items[i].value);
	}
}

/* Members that a checkpoint may lack and a line of a log may not are left to the readers of snapshots. */
static void check_line(struct seen *s, const struct delta_action *a)
{
	struct delta_action again;
	struct err err;
	buf_reset(&s->first);
	buf_reset(&s->second);
	delta_action_json(&s->first, a);
	if (s->first.failed) return;
	const size_t n = s->first.n - 1;
	uint8_t *pad = buf_reserve(&s->first, JSON_SCAN_PADDING);
	if (pad == NULL) return;
	memset(pad, 0, JSON_SCAN_PADDING);
	const status code = delta_action_parse((struct str){(const char *)s->first.p, n}, &s->arena, &again, &err);
	if (code == E_NOMEM || code == E_LIMIT) return;
	ASSERT(code == OK);
	delta_action_json(&s->second, &again);
	ASSERT(s->second.n == n + 1 && memcmp(s->first.p, s->second.p, n + 1) == 0);
}

static status visit(void *arg, const struct delta_action *a, struct err *err)
{
	struct seen *s = arg;
	if (++s->n > ACTIONS_MAX) return fail(err, E_LIMIT, "enough");
	arena_reset(&s->arena);
	switch (a->kind) {
	case DELTA_ADD:
		ASSERT(path_check(a->add.path, err) == OK && a->add.size >= 0);
		check_pairs(&a->add.partition);
		check_pairs(&a->add.tags);
		check_text(a->add.stats);
		check_text(a->add.dv.unique_id);
		if (a->add.dv.unique_id.n == 0) check_line(s, a);
		break;
	case DELTA_REMOVE:
		ASSERT(path_check(a->remove.path, err) == OK && a->remove.size >= -1);
		check_pairs(&a->remove.partition);
		check_text(a->remove.dv.unique_id);
		break;
	case DELTA_METADATA:
		check_text(a->metadata.id);
		check_text(a->metadata.schema);
		check_pairs(&a->metadata.configuration);
		for (size_t i = 0; i < a->metadata.partition_columns.n; i++)
			check_text(a->metadata.partition_columns.items[i]);
		break;
	case DELTA_PROTOCOL: ASSERT(a->protocol.min_reader >= 0 && a->protocol.min_writer >= 0); break;
	case DELTA_APP_TXN: check_text(a->app_txn.app_id); break;
	case DELTA_DOMAIN: check_text(a->domain.domain); break;
	case DELTA_SIDECAR: ASSERT(path_check(a->sidecar.path, err) == OK); break;
	default: ASSERT(false);
	}
	return OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct err err;
	struct store_object *object = NULL;
	struct parquet_reader *r = NULL;
	struct arena arena;
	struct seen s = {.n = 0};
	mem_limit_set((size_t)1 << 30);
	arena_init(&arena, (size_t)256 << 20);
	arena_init(&s.arena, (size_t)64 << 20);
	buf_init(&s.first, 16 << 20);
	buf_init(&s.second, 16 << 20);
	const struct checkpoint_visit v = {CHECKPOINT_ALL, &arena, {visit, &s}};
	if (store_object_from_memory(p, n, "fuzz", &object, &err) == OK &&
		parquet_reader_open(object, &r, &err) == OK && checkpoint_rows_read(r, "fuzz", &v, &err) != OK)
		ASSERT(err.message[0] != '\0' && (err.where[0] != '\0' || err.code == E_LIMIT));
	parquet_reader_close(r);
	store_object_close(object);
	arena_deinit(&arena);
	arena_deinit(&s.arena);
	buf_deinit(&s.first);
	buf_deinit(&s.second);
	return 0;
}
