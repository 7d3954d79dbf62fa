#include "table/log/replay_int.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"

void replay_init(struct replay *r, struct arena *arena)
{
	*r = (struct replay){.arena = arena, .protocol_version = INT64_MIN, .metadata_version = INT64_MIN};
	buf_init(&r->entries, SIZE_MAX);
	buf_init(&r->adds, SIZE_MAX);
	buf_init(&r->removes, SIZE_MAX);
	buf_init(&r->app_txns, SIZE_MAX);
	buf_init(&r->domains, SIZE_MAX);
}

void replay_deinit(struct replay *r)
{
	buf_deinit(&r->entries);
	buf_deinit(&r->adds);
	buf_deinit(&r->removes);
	buf_deinit(&r->app_txns);
	buf_deinit(&r->domains);
	mem_free(r->slots);
	r->slots = NULL;
}

void replay_commit_begin(struct replay *r, int64_t version)
{
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
	default: e.key = a->domain.domain; e.key_kind = DELTA_DOMAIN;
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

static status list_add(struct buf *adds, struct buf *removes, struct buf *app_txns, struct buf *domains,
	const struct delta_action *a, struct err *err)
{
	switch (a->kind) {
	case DELTA_ADD: return append(adds, &a->add, sizeof a->add, err);
	case DELTA_REMOVE: return append(removes, &a->remove, sizeof a->remove, err);
	case DELTA_APP_TXN: return append(app_txns, &a->app_txn, sizeof a->app_txn, err);
	default: return a->domain.removed ? OK : append(domains, &a->domain, sizeof a->domain, err);
	}
}

static status visit_checkpoint(struct replay *r, const struct delta_action *a, struct err *err)
{
	if (r->slots != NULL) {
		const struct replay_entry key = entry_of(a);
		if (*slot_of(r, &key) != 0) return OK;
	}
	return list_add(&r->adds, &r->removes, &r->app_txns, &r->domains, a, err);
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

/* Merge the sorted lists of checkpoint and commits into the arena; no key is in both. */
static status merge(struct replay *r, struct buf *old, struct buf *new, size_t size,
	int (*cmp)(const void *, const void *), const void **out, size_t *n_out, struct err *err)
{
	TRY(sort(old, size, cmp, err));
	TRY(sort(new, size, cmp, err));
	uint8_t *to = arena_alloc(r->arena, old->n + new->n, _Alignof(max_align_t));
	if (to == NULL) return fail_nomem(err);
	*out = to;
	*n_out = (old->n + new->n) / size;
	size_t i = 0;
	for (size_t j = 0; j < new->n; j += size) { /* runs of the old between two of the new: commits bring few */
		const size_t from = i;
		while (i < old->n && cmp(old->p + i, new->p + j) < 0) i += size;
		if (i > from) memcpy(to, old->p + from, i - from);
		to += i - from;
		memcpy(to, new->p + j, size);
		to += size;
	}
	if (old->n > i) memcpy(to, old->p + i, old->n - i);
	return OK;
}

status replay_finish(struct replay *r, struct delta_snapshot *s, struct err *err)
{
	struct buf adds, removes, app_txns, domains; /* of the commits */
	const void *list[4] = {NULL};
	size_t n[4] = {0};
	buf_init(&adds, SIZE_MAX);
	buf_init(&removes, SIZE_MAX);
	buf_init(&app_txns, SIZE_MAX);
	buf_init(&domains, SIZE_MAX);
	status code = OK;
	for (size_t i = 0; code == OK && i < r->entries.n / sizeof(struct replay_entry); i++)
		code = list_add(&adds, &removes, &app_txns, &domains, &entry_at(r, i)->action, err);
	if (code == OK) code = merge(r, &r->adds, &adds, sizeof(struct delta_add), add_cmp, &list[0], &n[0], err);
	if (code == OK)
		code = merge(r, &r->removes, &removes, sizeof(struct delta_remove), remove_cmp, &list[1], &n[1], err);
	if (code == OK)
		code = merge(
			r, &r->app_txns, &app_txns, sizeof(struct delta_app_txn), app_txn_cmp, &list[2], &n[2], err);
	if (code == OK)
		code = merge(r, &r->domains, &domains, sizeof(struct delta_domain), domain_cmp, &list[3], &n[3], err);
	buf_deinit(&adds);
	buf_deinit(&removes);
	buf_deinit(&app_txns);
	buf_deinit(&domains);
	TRY(code);
	s->files = list[0];
	s->n_files = n[0];
	s->tombstones = list[1];
	s->n_tombstones = n[1];
	s->app_txns = list[2];
	s->n_app_txns = n[2];
	s->domains = list[3];
	s->n_domains = n[3];
	return OK;
}
