/* flow/publish_changes.c: see publish_changes.h. 32 bytes and an index of 4 to 8 for a row that stood; rows are compared by their hashes
 * (control/row_hash.h). Knows batches; must not know files, nor a database. */
#include "flow/publish_changes.h"

#include "base/alloc.h"
#include "base/map.h"
#include "base/vec.h"
#include "control/row_hash.h"

enum { PART_MAX = INT32_MAX };

struct stood {
	struct row_hash hash;
	uint32_t part;
	bool told; /* a row with its key was */
};
struct publish_changes {
	const struct table_schema *schema;
	struct {
		struct stood *items; /* in the order of the index's places */
		size_t n, cap;
	} rows;
	struct map index;
	size_t n_told, n_gone_through;
	struct {
		struct row_hash *items; /* [cap] of the batch at hand */
		size_t n, cap;
	} hashes;
};

status publish_changes_create(const struct table_schema *schema, struct publish_changes **out, struct err *err)
{
	struct publish_changes *c = mem_zalloc(1, sizeof *c);
	if (c == NULL) return fail_nomem(err);
	c->schema = schema;
	if (!map_reset(&c->index, 0)) {
		publish_changes_destroy(c);
		return fail_nomem(err);
	}
	*out = c;
	return OK;
}

void publish_changes_destroy(struct publish_changes *c)
{
	if (c == NULL) return;
	map_deinit(&c->index);
	mem_free(c->rows.items);
	mem_free(c->hashes.items);
	mem_free(c);
}

static uint64_t hash_at(const void *keys, uint32_t place)
{
	return ((const struct stood *)keys)[place].hash.key[0];
}

static status hash_rows(struct publish_changes *c, const struct publish_rows *rows, struct err *err)
{
	ASSERT(rows->part < PART_MAX && rows->batch->n_rows <= INT32_MAX);
	if (!VEC_ROOM(&c->hashes, (size_t)rows->batch->n_rows)) return fail_nomem(err);
	return row_hash_batch(c->schema, rows->batch, rows->partitions, c->hashes.items, err);
}

status publish_changes_stood(struct publish_changes *c, const struct publish_rows *rows, struct err *err)
{
	const size_t n = (size_t)rows->batch->n_rows;
	TRY(hash_rows(c, rows, err));
	if (!VEC_ROOM(&c->rows, n)) return fail_nomem(err);
	for (size_t i = 0; i < n; i++) {
		if (!map_room(&c->index, hash_at, c->rows.items)) return fail_nomem(err);
		struct map_probe probe = map_probe(&c->index, c->hashes.items[i].key[0]);
		while (map_next(&c->index, &probe) != MAP_NONE) {} /* a row of a table without a key may stand twice */
		c->rows.items[map_add(&c->index, &probe)] =
			(struct stood){.hash = c->hashes.items[i], .part = (uint32_t)rows->part};
		c->rows.n++;
	}
	return OK;
}

/* The row that stood with that key, and that no row told has met; NULL: none. */
static struct stood *find(struct publish_changes *c, const struct row_hash *row)
{
	struct map_probe probe = map_probe(&c->index, row->key[0]);
	for (uint32_t at; (at = map_next(&c->index, &probe)) != MAP_NONE;) {
		struct stood *s = &c->rows.items[at];
		if (!s->told && memcmp(s->hash.key, row->key, sizeof row->key) == 0) return s;
	}
	return NULL;
}

status publish_changes_told(struct publish_changes *c, const struct publish_rows *rows, struct arena *arena,
	struct control_change out[2], struct err *err)
{
	const uint32_t n = (uint32_t)rows->batch->n_rows;
	uint32_t *fresh = ARENA_NEW(arena, uint32_t, n + 1), *other = ARENA_NEW(arena, uint32_t, n + 1);
	if (fresh == NULL || other == NULL) return fail_nomem(err);
	TRY(hash_rows(c, rows, err));
	out[0] = (struct control_change){.kind = CONTROL_ROWS_NEW, .rows = fresh};
	out[1] = (struct control_change){.kind = CONTROL_ROWS_OTHER, .rows = other};
	for (uint32_t i = 0; i < n; i++) {
		struct stood *s = find(c, &c->hashes.items[i]);
		if (s == NULL) {
			fresh[out[0].n++] = i;
			continue;
		}
		s->told = true;
		c->n_told++;
		if (s->part != rows->part) {
			const status code = fail(err, E_CONFLICT, "a row of %s.%s is of another part now",
				c->schema->layer, c->schema->name);
			err_set_class(err, ERR_RETRY);
			return code;
		}
		if (s->hash.rest != c->hashes.items[i].rest) other[out[1].n++] = i;
	}
	return OK;
}

bool publish_changes_any_gone(const struct publish_changes *c)
{
	return c->n_told < c->rows.n;
}

status publish_changes_gone(
	struct publish_changes *c, int64_t n, struct arena *arena, struct control_change *out, struct err *err)
{
	uint32_t *gone = ARENA_NEW(arena, uint32_t, (size_t)n + 1);
	if (gone == NULL) return fail_nomem(err);
	ASSERT((size_t)n <= c->rows.n - c->n_gone_through);
	*out = (struct control_change){.kind = CONTROL_ROWS_GONE, .rows = gone};
	for (uint32_t i = 0; i < n; i++) {
		if (!c->rows.items[c->n_gone_through++].told) gone[out->n++] = i;
	}
	return OK;
}
