/* table/log/replay.c: which actions of a log are in force at a version; the rules stand in replay_int.h.
 *
 * Entries are copied into the lists of a snapshot by kind and put in order there; two of one key in one list are a broken checkpoint. Must not
 * know files or how a log is read.
 */
#include "table/log/replay_int.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"

static void lists_init(struct replay_lists *l)
{
	for (int i = 0; i < REPLAY_LISTS; i++) buf_init(&l->of[i], SIZE_MAX);
}

static void lists_deinit(struct replay_lists *l)
{
	for (int i = 0; i < REPLAY_LISTS; i++) buf_deinit(&l->of[i]);
}

void replay_init(struct replay *r, struct arena *arena)
{
	*r = (struct replay){.arena = arena, .protocol_version = INT64_MIN, .metadata_version = INT64_MIN};
	buf_init(&r->entries, SIZE_MAX);
	lists_init(&r->checkpoint);
}

void replay_deinit(struct replay *r)
{
	buf_deinit(&r->entries);
	lists_deinit(&r->checkpoint);
	mem_free(r->slots);
	r->slots = NULL;
}

void replay_commit_begin(struct replay *r, int64_t version)
{
	ASSERT(version >= 0); /* below are checkpoints */
	r->version = version;
	r->info = (struct delta_commit_info){.timestamp_ms = -1, .in_commit_ms = -1};
}

void replay_checkpoint_begin(struct replay *r)
{
	r->version = -1;
}

/* ---- the table of keys --------------------------------------------------------------------------------------- */

static struct replay_entry *entry_at(const struct replay *r, size_t i)
{
	return (struct replay_entry *)(void *)r->entries.p + i;
}

static bool same_key(const struct replay_entry *a, const struct replay_entry *b)
{
	return a->hash == b->hash && a->key_kind == b->key_kind && str_eq(a->key, b->key) && str_eq(a->dv, b->dv);
}

/* The slot of key, or the free one where it belongs. */
static uint32_t *slot_of(const struct replay *r, const struct replay_entry *key)
{
	for (size_t i = key->hash & r->mask;; i = (i + 1) & r->mask) {
		if (r->slots[i] == 0 || same_key(entry_at(r, r->slots[i] - 1), key)) return &r->slots[i];
	}
}

/* At most half full. */
static status make_room(struct replay *r, struct err *err)
{
	const size_t n = r->entries.n / sizeof(struct replay_entry);
	if (r->slots != NULL && n * 2 < r->mask) return OK;
	const size_t size = r->slots == NULL ? 1024 : (r->mask + 1) * 2;
	uint32_t *slots = n < UINT32_MAX / 4 ? mem_zalloc(size, sizeof *slots) : NULL;
	if (slots == NULL) return fail_nomem(err);
	mem_free(r->slots);
	r->slots = slots;
	r->mask = size - 1;
	for (size_t i = 0; i < n; i++) *slot_of(r, entry_at(r, i)) = (uint32_t)(i + 1);
	return OK;
}

static struct replay_entry entry_of(const struct delta_action *a)
{
	struct replay_entry e = {.key_kind = DELTA_ADD};
	switch (a->kind) {
	case DELTA_ADD:
		e.key = a->add.path;
		e.dv = a->add.dv.unique_id;
		break;
	case DELTA_REMOVE:
		e.key = a->remove.path;
		e.dv = a->remove.dv.unique_id;
		break;
	case DELTA_APP_TXN:
		e.key = a->app_txn.app_id;
		e.key_kind = DELTA_APP_TXN;
		break;
	default:
		ASSERT(a->kind == DELTA_DOMAIN);
		e.key = a->domain.domain;
		e.key_kind = DELTA_DOMAIN;
	}
	e.hash = hash_xxh3(e.key.p, e.key.n);
	return e;
}

static status visit_keyed(struct replay *r, const struct delta_action *a, struct err *err)
{
	struct replay_entry e = entry_of(a);
	e.version = r->version;
	e.action = *a;
	TRY(make_room(r, err));
	uint32_t *slot = slot_of(r, &e);
	if (*slot == 0) {
		buf_add(&r->entries, &e, sizeof e);
		TRY(buf_check(&r->entries, err));
		*slot = (uint32_t)(r->entries.n / sizeof e);
	} else if (entry_at(r, *slot - 1)->version == r->version) {
		*entry_at(r, *slot - 1) = e; /* twice in one commit, which the protocol forbids: the later line */
	}
	return OK;
}

static status append(struct buf *list, const void *item, size_t n, struct err *err)
{
	buf_add(list, item, n);
	return buf_check(list, err);
}

static status list_add(struct replay_lists *l, const struct delta_action *a, struct err *err)
{
	switch (a->kind) {
	case DELTA_ADD: return append(&l->of[REPLAY_ADDS], &a->add, sizeof a->add, err);
	case DELTA_REMOVE: return append(&l->of[REPLAY_REMOVES], &a->remove, sizeof a->remove, err);
	case DELTA_APP_TXN: return append(&l->of[REPLAY_APP_TXNS], &a->app_txn, sizeof a->app_txn, err);
	default: break;
	}
	ASSERT(a->kind == DELTA_DOMAIN);
	return a->domain.removed ? OK : append(&l->of[REPLAY_DOMAINS], &a->domain, sizeof a->domain, err);
}

static status visit_checkpoint(struct replay *r, const struct delta_action *a, struct err *err)
{
	if (r->slots != NULL) {
		const struct replay_entry key = entry_of(a);
		if (*slot_of(r, &key) != 0) return OK;
	}
	return list_add(&r->checkpoint, a, err);
}

status replay_visit(void *replay, const struct delta_action *a, struct err *err)
{
	struct replay *r = replay;
	switch (a->kind) {
	case DELTA_PROTOCOL: /* newest first: an older one is late, a second in one commit replaces the first */
		if (r->version < r->protocol_version) return OK;
		r->protocol_version = r->version;
		r->protocol = a->protocol;
		return OK;
	case DELTA_METADATA:
		if (r->version < r->metadata_version) return OK;
		r->metadata_version = r->version;
		r->metadata = a->metadata;
		return OK;
	case DELTA_COMMIT_INFO:
		if (r->version >= 0) r->info = a->info;
		return OK;
	case DELTA_ADD:
	case DELTA_REMOVE:
	case DELTA_APP_TXN:
	case DELTA_DOMAIN: return r->version >= 0 ? visit_keyed(r, a, err) : visit_checkpoint(r, a, err);
	default: return OK;
	}
}

/* ---- sorted lists ---------------------------------------------------------------------------------------- */

static int add_cmp(const void *a, const void *b)
{
	const struct delta_add *x = a, *y = b;
	const int c = str_cmp(x->path, y->path);
	return c != 0 ? c : str_cmp(x->dv.unique_id, y->dv.unique_id);
}
static int remove_cmp(const void *a, const void *b)
{
	const struct delta_remove *x = a, *y = b;
	const int c = str_cmp(x->path, y->path);
	return c != 0 ? c : str_cmp(x->dv.unique_id, y->dv.unique_id);
}
static int app_txn_cmp(const void *a, const void *b)
{
	return str_cmp(((const struct delta_app_txn *)a)->app_id, ((const struct delta_app_txn *)b)->app_id);
}
static int domain_cmp(const void *a, const void *b)
{
	return str_cmp(((const struct delta_domain *)a)->domain, ((const struct delta_domain *)b)->domain);
}

/* A checkpoint of ours is sorted: one pass instead of a sort. E_CORRUPT: a key twice. */
static status sort(struct buf *list, size_t size, int (*cmp)(const void *, const void *), struct err *err)
{
	const size_t n = list->n / size;
	size_t i = 1;
	while (i < n && cmp(list->p + (i - 1) * size, list->p + i * size) < 0) i++;
	if (i >= n) return OK;
	qsort(list->p, n, size, cmp);
	for (i = 1; i < n; i++) {
		if (cmp(list->p + (i - 1) * size, list->p + i * size) == 0)
			return fail(
				err, E_CORRUPT, "checkpoint with two actions of one key (file, application or domain)");
	}
	return OK;
}

/* How the items of one list are put in order. */
struct order {
	size_t size; /* of an item */
	int (*cmp)(const void *, const void *);
};
static const struct order orders[REPLAY_LISTS] = {
	[REPLAY_ADDS] = {sizeof(struct delta_add), add_cmp},
	[REPLAY_REMOVES] = {sizeof(struct delta_remove), remove_cmp},
	[REPLAY_APP_TXNS] = {sizeof(struct delta_app_txn), app_txn_cmp},
	[REPLAY_DOMAINS] = {sizeof(struct delta_domain), domain_cmp},
};

struct merged {
	const void *items;
	size_t n;
};

/* Merge the lists of checkpoint and commits into the arena, sorted; no key is in both. */
static status merge(struct arena *arena, const struct order *o, struct buf *old, struct buf *new, struct merged *out,
	struct err *err)
{
	TRY(sort(old, o->size, o->cmp, err));
	TRY(sort(new, o->size, o->cmp, err));
	uint8_t *to = arena_alloc(arena, old->n + new->n, _Alignof(max_align_t));
	if (to == NULL) return fail_nomem(err);
	*out = (struct merged){to, (old->n + new->n) / o->size};
	size_t i = 0;
	for (size_t j = 0; j < new->n; j += o->size) { /* runs of the old between two of the new: commits bring few */
		const size_t from = i;
		while (i < old->n && o->cmp(old->p + i, new->p + j) < 0) i += o->size;
		if (i > from) memcpy(to, old->p + from, i - from);
		to += i - from;
		ASSERT(i == old->n || o->cmp(old->p + i, new->p + j) > 0);
		memcpy(to, new->p + j, o->size);
		to += o->size;
	}
	if (old->n > i) memcpy(to, old->p + i, old->n - i);
	return OK;
}

status replay_finish(struct replay *r, struct delta_snapshot *s, struct err *err)
{
	struct replay_lists commits;
	struct merged all[REPLAY_LISTS] = {{NULL, 0}};
	status code = OK;
	lists_init(&commits);
	for (size_t i = 0; code == OK && i < r->entries.n / sizeof(struct replay_entry); i++)
		code = list_add(&commits, &entry_at(r, i)->action, err);
	for (int i = 0; code == OK && i < REPLAY_LISTS; i++)
		code = merge(r->arena, &orders[i], &r->checkpoint.of[i], &commits.of[i], &all[i], err);
	lists_deinit(&commits);
	TRY(code);
	s->files = all[REPLAY_ADDS].items;
	s->n_files = all[REPLAY_ADDS].n;
	s->tombstones = all[REPLAY_REMOVES].items;
	s->n_tombstones = all[REPLAY_REMOVES].n;
	s->app_txns = all[REPLAY_APP_TXNS].items;
	s->n_app_txns = all[REPLAY_APP_TXNS].n;
	s->domains = all[REPLAY_DOMAINS].items;
	s->n_domains = all[REPLAY_DOMAINS].n;
	return OK;
}
